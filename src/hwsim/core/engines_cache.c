/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entry cache: which lines of host memory the NIC has. Set-associative; what is thrown out is the first way, by number,
 * that was not used lately. Called by engines_walk.c and engines_memory.c in the order of docs/hwsim-pipeline.md.
 */
#include "engines_priv.h"

#include <errno.h>
#include <stdlib.h>

int
sim_cache_init(struct sim_cache *c, uint32_t lines, uint32_t ways)
{
	*c = (struct sim_cache){ 0 };
	if (lines == 0)
		return 0;
	c->ways = ways < lines ? ways : lines;
	c->sets = lines / c->ways;
	c->full = c->ways == 64 ? UINT64_MAX : (1ull << c->ways) - 1;
	c->tag = calloc((size_t)c->sets * c->ways, sizeof(*c->tag));
	c->valid = calloc(c->sets, sizeof(*c->valid));
	c->used = calloc(c->sets, sizeof(*c->used));
	if (c->tag != NULL && c->valid != NULL && c->used != NULL)
		return 0;
	sim_cache_fini(c);
	return -ENOMEM;
}

void
sim_cache_fini(struct sim_cache *c)
{
	free(c->tag);
	free(c->valid);
	free(c->used);
	*c = (struct sim_cache){ 0 };
}

/* Way of `line` in its set, c->ways: not there. */
static inline uint32_t
find(const struct sim_cache *c, uint32_t set, uint32_t line)
{
	const uint32_t *tag = &c->tag[(size_t)set * c->ways];
	uint64_t valid = c->valid[set];

	for (uint32_t w = 0; w < c->ways; w++) {
		if (tag[w] == line && (valid >> w & 1) != 0)
			return w;
	}
	return c->ways;
}

/* The last one to become used makes all others unused: a bit a way is all that RTL needs (bit-PLRU). */
static inline void
use(struct sim_cache *c, uint32_t set, uint32_t way)
{
	uint64_t used = c->used[set] | 1ull << way;

	c->used[set] = used == c->full ? 1ull << way : used;
}

bool
sim_cache_probe(struct sim_cache *c, uint32_t line)
{
	uint32_t set = sim_spread(line, c->sets), way = find(c, set, line);

	if (way == c->ways)
		return false;
	use(c, set, way);
	return true;
}

void
sim_cache_fill(struct sim_cache *c, uint32_t line)
{
	uint32_t set = sim_spread(line, c->sets), way = find(c, set, line);
	uint64_t room;

	/* Equal misses are not merged: the second one to come back finds its line there. */
	if (way == c->ways) {
		room = c->full & ~c->valid[set];
		if (room == 0)
			room = c->full & ~c->used[set];
		/* With one way it is always in use. */
		way = room == 0 ? 0 : (uint32_t)__builtin_ctzll(room);
		c->tag[(size_t)set * c->ways + way] = line;
		c->valid[set] |= 1ull << way;
	}
	use(c, set, way);
}

void
sim_cache_invalidate(struct sim_cache *c, uint32_t line)
{
	uint32_t set = sim_spread(line, c->sets), way = find(c, set, line);

	if (way == c->ways)
		return;
	c->valid[set] &= ~(1ull << way);
	c->used[set] &= ~(1ull << way);
}
