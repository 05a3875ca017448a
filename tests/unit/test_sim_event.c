/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event queue (hwsim/core/event.h) against a list that is searched from end to end: every event runs at its cycle, in
 * its order, once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hwsim/core/event.h"

#define PENDING_MAX 4096

struct want {
	sim_cycle at;
	uint64_t seq;
	uint8_t prio;
};

struct rig {
	struct sim_events *q;
	uint64_t random, seq, ran;
	struct want list[PENDING_MAX];
	uint32_t n;
	uint32_t births; /* events that may still be born while others run */
	uint32_t spread; /* in cycles */
};

static uint64_t
rnd(struct rig *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random * 0x2545f4914f6cdd1dull >> 16;
}

static uint32_t
first(const struct rig *r)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < r->n; i++) {
		const struct want *a = &r->list[i], *b = &r->list[best];

		if (a->at < b->at || (a->at == b->at && a->prio < b->prio) ||
				(a->at == b->at && a->prio == b->prio && a->seq < b->seq))
			best = i;
	}
	return best;
}

static void
ran(void *owner, const struct sim_event *ev);

static void
add(struct rig *r)
{
	static const uint32_t reach[] = { 1, 3, 64, 300, 1023, 1024, 1025, 4096, 20000 };
	struct sim_event ev = { .prio = (uint8_t)(rnd(r) % SIM_P_COUNT), .run = ran, .owner = r };
	uint64_t d = rnd(r) % reach[rnd(r) % (sizeof(reach) / sizeof(reach[0]))] % r->spread;

	/* Some exactly at the wheel's edge. */
	if (r->spread > 1025 && rnd(r) % 8 == 0)
		d = 1023 + rnd(r) % 3;
	ev.at = sim_events_now(r->q) + d;
	ev.ptr = (void *)(uintptr_t)r->seq;
	ev.arg = (uint32_t)r->seq * 7;
	ev.kind = (uint8_t)r->seq;
	ev.unit = (uint16_t)r->seq;
	assert_int_equal(sim_events_add(r->q, &ev), 0);
	r->list[r->n++] = (struct want){ .at = ev.at, .seq = r->seq++, .prio = ev.prio };
}

static void
ran(void *owner, const struct sim_event *ev)
{
	struct rig *r = owner;
	uint32_t i = first(r);

	assert_true(r->n > 0);
	assert_int_equal(ev->at, r->list[i].at);
	assert_int_equal(ev->prio, r->list[i].prio);
	assert_int_equal((uintptr_t)ev->ptr, r->list[i].seq);
	assert_int_equal(ev->arg, (uint32_t)r->list[i].seq * 7);
	assert_int_equal(ev->kind, (uint8_t)r->list[i].seq);
	assert_int_equal(ev->unit, (uint16_t)r->list[i].seq);
	assert_int_equal(sim_events_now(r->q), ev->at);
	r->list[i] = r->list[--r->n];
	assert_int_equal(sim_events_pending(r->q), r->n);
	r->ran++;
	for (uint32_t b = (uint32_t)(rnd(r) % 3); b > 0 && r->births > 0 && r->n < PENDING_MAX;
			b--) {
		r->births--;
		add(r);
	}
	/* An event sees where the next one is, too. */
	assert_int_equal(sim_events_next(r->q), r->n == 0 ? SIM_NEVER : r->list[first(r)].at);
}

static void
load(uint64_t seed, uint32_t spread, uint32_t start, uint32_t step)
{
	static struct rig r;
	sim_cycle until = 0;

	memset(&r, 0, sizeof(r));
	r.random = seed * 0x9e3779b97f4a7c15ull + 1;
	r.spread = spread;
	r.births = 20000;
	r.q = sim_events_create();
	assert_non_null(r.q);
	assert_int_equal(sim_events_next(r.q), SIM_NEVER);
	for (uint32_t i = 0; i < start; i++)
		add(&r);
	while (r.n > 0 || r.births > 0) {
		uint64_t before = r.ran, done;

		until += 1 + rnd(&r) % step;
		done = sim_events_run(r.q, until);
		assert_int_equal(done, r.ran - before);
		assert_int_equal(sim_events_now(r.q), until);
		assert_int_equal(sim_events_pending(r.q), r.n);
		assert_true(r.n == 0 || r.list[first(&r)].at > until);
		assert_int_equal(sim_events_next(r.q), r.n == 0 ? SIM_NEVER : r.list[first(&r)].at);
		/* From outside too, at the cycle that has just run included. */
		if (r.births > 0 && r.n < PENDING_MAX) {
			r.births--;
			add(&r);
		}
	}
	assert_int_equal(r.ran, r.seq);
	sim_events_destroy(r.q);
}

static void
test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		load(seed, 100000, 100, 1);
		load(seed, 100000, 1000, 50);
		load(seed, 100000, 30, 10000);
		load(seed, 4, 200, 3);
		load(seed, 1, 1000, 2);
		load(seed, 5000, 300, 100);
	}
}

static void
test_limits(void **state)
{
	struct rig r = { .spread = 1 };
	struct sim_event ev = { .run = ran, .owner = &r };

	(void)state;
	r.q = sim_events_create();
	assert_int_equal(sim_events_run(r.q, 1000), 0);
	assert_int_equal(sim_events_now(r.q), 1000);
	ev.at = 999;
	assert_int_equal(sim_events_add(r.q, &ev), -EINVAL);
	ev.at = 1000;
	ev.prio = SIM_P_COUNT;
	assert_int_equal(sim_events_add(r.q, &ev), -EINVAL);
	assert_int_equal(sim_events_pending(r.q), 0);
	/* SIM_NEVER runs all, and time stays at the last. */
	ev.prio = 0;
	ev.at = 1ull << 40;
	assert_int_equal(sim_events_add(r.q, &ev), 0);
	r.list[r.n++] = (struct want){ .at = ev.at };
	r.births = 0;
	assert_int_equal(sim_events_run(r.q, SIM_NEVER), 1);
	assert_int_equal(sim_events_now(r.q), 1ull << 40);
	sim_events_destroy(r.q);
	sim_events_destroy(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
