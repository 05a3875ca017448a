/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors and the lock of the NIC simulator; any thread.
 */
#include "hwsim/core/sim.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>

int
sim_fail(struct sim_error *e, int err, const char *fmt, ...)
{
	va_list ap;

	if (e != NULL) {
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
	}
	return -err;
}

/* Who waits for longer than this gives the CPU away: with more threads than cores the holder may not be running. */
#define SPINS_BEFORE_YIELD 1000

void
sim_lock_take(struct sim_lock *l)
{
	const uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	uint32_t spins = 0;

	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket) {
		if (++spins % SPINS_BEFORE_YIELD == 0)
			sched_yield();
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
}

void
sim_lock_give(struct sim_lock *l)
{
	__atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}
