/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rig around steering in time (hwsim/core/engines.h): packets with paths that the test makes, and a log of when they came
 * and left. For test_sim_engines.c and test_sim_queueing.c.
 */
#ifndef TEST_SIM_ENGINES_H
#define TEST_SIM_ENGINES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hwsim/core/engines.h"

#define RIG_FRAMES 512

struct rig_frame {
	struct sim_frame f; /* first: the model knows no more */
	struct rig_frame *next;
	uint64_t number; /* within the flow */
	uint32_t flow;
	sim_cycle put, started;
	struct sim_path path;
};

struct rig {
	struct sim_events *q;
	struct sim_engines *e;
	struct sim_profile profile;
	uint64_t random;
	struct rig_frame *pool;
	uint64_t in, out, refused, dropped;
	uint64_t hash; /* of all that left, and when */
	sim_cycle last_left;
	struct rig_frame *last;
	/* Of memory, by stamps. */
	uint32_t flying;
	sim_cycle back[4096];
	uint32_t n_back, flying_max;
	sim_cycle issued;
	uint64_t hits, misses;
	/* The test's own. */
	sim_cycle (*object)(struct rig *r, const struct sim_step *s, sim_cycle now);
	void (*left)(struct rig *r, struct rig_frame *f, sim_cycle now);
};

static inline uint64_t
rig_random(struct rig *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random * 0x2545f4914f6cdd1dull >> 16;
}

/* A card with times of its own everywhere, so that none can be taken for another. */
void
rig_profile(struct sim_profile *p);
void
rig_init(struct rig *r, const struct sim_profile *p, uint64_t seed);
/* Runs to the end: nothing is left inside. */
void
rig_drain(struct rig *r);
void
rig_fini(struct rig *r);
/* A frame to fill the path of; NULL: all are inside. */
struct rig_frame *
rig_frame(struct rig *r, uint32_t flow);
/* At cycle `at`. false: refused, and taken back. */
bool
rig_put(struct rig *r, struct rig_frame *f, sim_cycle at);
void
rig_step(struct rig_frame *f, enum sim_step_kind kind, uint16_t count, uint32_t line);
/* Up to `n` random steps on `lines` lines. */
void
rig_path(struct rig *r, struct rig_frame *f, uint32_t n, uint32_t lines);

#endif /* TEST_SIM_ENGINES_H */
