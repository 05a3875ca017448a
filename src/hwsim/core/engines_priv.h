/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of steering in time: what engines*.c share. docs/hwsim-pipeline.md is the definition; names here are its names.
 */
#ifndef HWSIM_CORE_ENGINES_PRIV_H
#define HWSIM_CORE_ENGINES_PRIV_H

#include "hwsim/core/engines.h"

#define SIM_ENGINES_MAX 256
#define SIM_MASK_WORDS (SIM_ENGINES_MAX / 64)
#define SIM_NOBODY UINT16_MAX

enum sim_engines_units {
	SIM_UNIT_PARSER,
	SIM_UNIT_ENGINE,
	SIM_UNIT_CACHE,
	SIM_UNIT_MEMORY,
	SIM_UNIT_ORDER,
	SIM_UNITS
};

/*
 * Who waits, and for how long. `area` is summed from the length and the time between its changes, `wait` by those who
 * waited: that they agree is Little's law, and a test.
 */
struct sim_wait {
	uint32_t now, max;
	sim_cycle since;
	uint64_t area, wait, served, busy;
};

/* Changes come in order of time. A length that lasted no cycle is no length. */
static inline void
sim_wait_change(struct sim_wait *w, sim_cycle at, int32_t change)
{
	if (at != w->since) {
		w->area += (at - w->since) * w->now;
		if (w->now > w->max)
			w->max = w->now;
		w->since = at;
	}
	w->now = (uint32_t)((int32_t)w->now + change);
}

/* Spreads x over n places: Fibonacci hashing (Knuth, TAOCP 3, 6.4), then its high bits times n. */
static inline uint32_t
sim_spread(uint32_t x, uint32_t n)
{
	return (uint32_t)((uint64_t)(x * 0x9e3779b1u) * n >> 32);
}

/* --- engines_cache.c: the entry cache --- */

struct sim_cache {
	uint32_t sets, ways;
	uint64_t full;	 /* a bit a way */
	uint32_t *tag;	 /* [sets][ways]: the line */
	uint64_t *valid; /* [sets], a bit a way */
	uint64_t *used;	 /* [sets], a bit a way: used lately */
};

/* Somebody will ask for `line` before long: the CPU is to have its set by then. */
static inline void
sim_cache_ahead(const struct sim_cache *c, uint32_t line)
{
	const uint32_t set = sim_spread(line, c->sets);

	__builtin_prefetch(&c->tag[(size_t)set * c->ways]);
	__builtin_prefetch(&c->used[set], 1);
	__builtin_prefetch(&c->valid[set]);
}

/* lines 0: nothing is allocated, and nothing may be asked. */
int
sim_cache_init(struct sim_cache *c, uint32_t lines, uint32_t ways);
void
sim_cache_fini(struct sim_cache *c);
bool
sim_cache_probe(struct sim_cache *c, uint32_t line);
void
sim_cache_fill(struct sim_cache *c, uint32_t line);
void
sim_cache_invalidate(struct sim_cache *c, uint32_t line);

/* --- engines_memory.c: the read port and what is in flight --- */

#define SIM_READS 512u /* a power of two, more than are asked for at a time: one each engine */

struct sim_read {
	uint32_t line;
	bool stale; /* written since it was asked for: not for the cache */
	sim_cycle asked, issued, there;
};

/*
 * Reads are issued in the order in which they were asked for and take the same time, so all is known when one is asked for. [out,
 * issue) is in flight, [issue, in) waits, as of the time up to which the accounts are.
 */
struct sim_memory {
	uint32_t reads, latency, interval;
	uint32_t out, issue, in;
	sim_cycle next; /* the port is free */
	struct sim_wait wait, flight;
	struct sim_read read[SIM_READS];
};

/* Returns the read: when it is issued, and when the entry is there. */
const struct sim_read *
sim_memory_ask(struct sim_memory *m, uint32_t line, sim_cycle now);
/*
 * Accounts up to `now`; entries that have come up to and including `now` go into the cache. NULL: for who works on a
 * copy, to look only.
 */
void
sim_memory_settle(struct sim_memory *m, struct sim_cache *cache, sim_cycle now);
/* What is on its way of `line` was read before it was written. */
void
sim_memory_stale(struct sim_memory *m, uint32_t line);

/* --- engines_parser.c: queue, parser, and the packets that wait for an engine --- */

struct sim_parsing {
	struct sim_frame *f;
	sim_cycle put, start;
};

/* Ring: [out, ready) waits for an engine, [ready, start) is in the parser, [start, in) waits for it. */
struct sim_parser {
	uint32_t latency, interval, depth;
	uint32_t out, ready, start, in;
	uint32_t room; /* of the ring: a power of two */
	sim_cycle next;
	struct sim_wait wait;
	struct sim_wait engines; /* those who wait for an engine */
	struct sim_parsing *ring;
};

int
sim_parser_put(struct sim_parser *p, struct sim_frame *f, sim_cycle now);
/* Accounts up to `now`. */
void
sim_parser_settle(struct sim_parser *p, sim_cycle now);
/* The oldest packet, when it is through the parser at `now`; NULL. */
struct sim_frame *
sim_parser_take(struct sim_parser *p, sim_cycle now);
/* Any packet, in order, for who clears up; NULL: none. */
struct sim_frame *
sim_parser_drop(struct sim_parser *p);
/* When the oldest packet is through, SIM_NEVER: none is there. */
sim_cycle
sim_parser_next(const struct sim_parser *p);

static inline uint32_t
sim_parser_held(const struct sim_parser *p)
{
	return p->in - p->out;
}

/* --- engines_order.c: who may leave --- */

struct sim_order_packet {
	uint64_t age; /* order of dispatch */
	sim_cycle done;
	uint32_t bucket;
	uint16_t behind; /* the next of its bucket */
	bool finished;
};

struct sim_order {
	uint32_t buckets;
	uint64_t age;
	uint16_t *first, *last; /* [buckets], SIM_NOBODY: empty */
	uint32_t n;		/* those that may leave: a heap, the oldest on top */
	uint16_t heap[SIM_ENGINES_MAX];
	struct sim_wait wait;
	struct sim_order_packet packet[SIM_ENGINES_MAX];
};

int
sim_order_init(struct sim_order *o, uint32_t buckets);
void
sim_order_fini(struct sim_order *o);
/* Packet in engine `i`: it enters, it has done its path, it leaves. */
void
sim_order_enter(struct sim_order *o, uint16_t i, uint32_t flow);
void
sim_order_done(struct sim_order *o, uint16_t i, sim_cycle now);
/* The oldest that may leave does; o->n is not 0. */
uint16_t
sim_order_leave(struct sim_order *o, sim_cycle now);

/* --- engines.c --- */

#define SIM_SLOTS 4096u

struct sim_engine {
	struct sim_frame *f;
	uint32_t step;	/* of the path, the next one */
	uint32_t part;	/* of a chain: entries behind us */
	uint32_t line;	/* wanted from the cache */
	uint16_t later; /* in the list of a slot */
	sim_cycle asked;
	sim_cycle taken;
	struct sim_path path;
};

struct sim_engines {
	struct sim_engines_params p;
	struct sim_profile profile; /* its own copy */
	uint32_t n;
	uint64_t free[SIM_MASK_WORDS]; /* a bit an engine */
	uint64_t want[SIM_MASK_WORDS]; /* those that ask the cache */
	uint32_t n_free, n_want;
	uint32_t turn;			     /* engine that the cache heard last */
	sim_cycle granted, left, dispatched; /* when it last did; each once a cycle */
	sim_cycle far_armed;		     /* beyond the slots there is one event at a time */
	bool late;			     /* an event could not be had */
	uint64_t hits, misses;
	struct sim_wait cache_wait;
	struct sim_wait busy; /* `now` engines have a packet */
	struct sim_cache cache;
	struct sim_memory memory;
	struct sim_parser parser;
	struct sim_order order;
	uint64_t armed[SIM_SLOTS / 64]; /* cycles that have an event, by cycle modulo SIM_SLOTS */
	uint16_t slot[SIM_SLOTS];	/* engines that go on at that cycle, by number */
	struct sim_engine engine[];
};

/* --- engines_walk.c: the path of a packet, step by step --- */

/* Goes on at `t` >= now: up to where the engine has to wait. */
void
sim_engine_walk(struct sim_engines *e, uint16_t i, sim_cycle now, sim_cycle t);
/* The cache hears engine `i`. */
void
sim_engine_probe(struct sim_engines *e, uint16_t i, sim_cycle now);
/* Engine `i` goes on at `t`. In engines.c. */
void
sim_engine_wake(struct sim_engines *e, uint16_t i, sim_cycle now, sim_cycle t);

static inline void
sim_engine_stamp(const struct sim_engines *e, uint16_t i, enum sim_stamp_what what, uint32_t unit,
		sim_cycle at)
{
	if (e->p.stamp != NULL)
		e->p.stamp(e->p.ctx, e->engine[i].f, what, unit, e->engine[i].line, at);
}

#endif /* HWSIM_CORE_ENGINES_PRIV_H */
