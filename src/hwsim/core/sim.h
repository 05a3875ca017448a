/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hwsim's model: words that all of its headers share. Nothing in this folder knows DPDK, reads a clock or starts a
 * thread: time is an argument, in cycles, and who calls holds the NIC's lock (sim_lock_take() below).
 */
#ifndef HWSIM_CORE_SIM_H
#define HWSIM_CORE_SIM_H

#include <stdbool.h>
#include <stdint.h>

/* Simulated time. One clock domain, that of the NIC (profile: clock.mhz): everything else is a ratio of it. */
typedef uint64_t sim_cycle;

#define SIM_NEVER UINT64_MAX

/* Ports of the switch: wires come first, then functions (the far sides of representors). */
#define SIM_PORTS_MAX 64
/* Ethernet frame without FCS. */
#define SIM_FRAME_MAX 9728
#define SIM_FRAME_MIN 60

/* What an error is about: the key, rule part or argument at fault, and what to do about it, in words. */
struct sim_error {
	char text[256];
};

/* Fills `e` (NULL is fine) and returns -err. */
int
sim_fail(struct sim_error *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The lock of a NIC. Fair (a ticket lock), because rules come from other threads than packets, and a polling thread
 * would take an unfair one again before they see it free.
 */
struct sim_lock {
	uint32_t next;	  /* [A] ticket to draw */
	uint32_t serving; /* [A] ticket whose turn it is */
};

void
sim_lock_take(struct sim_lock *l);
void
sim_lock_give(struct sim_lock *l);

#endif /* HWSIM_CORE_SIM_H */
