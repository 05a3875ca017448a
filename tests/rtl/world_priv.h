/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside of the world of world.h. */
#ifndef TEST_RTL_WORLD_PRIV_H
#define TEST_RTL_WORLD_PRIV_H

#include "world.h"

#include "hwsim/core/engines.h"
#include "hwsim/core/steer.h"

struct key {
	uint32_t kind, src, dst, ports;
};

enum fate { FATE_NONE, FATE_QUEUE, FATE_DROP, FATE_JUMP };

/* As RTL's entry_t. */
enum entry_word { E_FLAGS, E_NEXT, E_SRC, E_DST, E_PORTS, E_KIND, E_MARK, E_ARG };
#define E_USED 1u
#define E_CHAINED 2u
#define E_FATE(flags) ((flags) >> 2 & 3u)
#define E_MARKED 16u

static inline uint64_t
world_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dull >> 16;
}

/* world_rules.c: rules into the image and into `steer`. 0 or -1. */
int
world_rules(struct world *w, struct sim_steer *steer, uint64_t *random, const struct key *flows,
		uint32_t n_flows);
uint32_t
world_hash(const struct key *k);
/* Line of the bucket of `k` in a matcher. */
uint32_t
world_bucket(const struct world_matcher *m, const struct key *k);
/* The walk through the image: outcome and path. */
void
world_walk(const struct world *w, const struct key *k, struct world_log *log,
		struct sim_path *path);

/* world_frames.c */
void
world_flows(uint64_t *random, struct key *flows, uint32_t n);
void
world_frame(uint64_t *random, const struct key *flow, struct world_packet *p);
/* The key by the model's own parser. */
void
world_key(const struct world_packet *p, struct key *k);

#endif /* TEST_RTL_WORLD_PRIV_H */
