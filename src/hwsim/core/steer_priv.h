/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of steering: what steer*.c share. Everything is reached under the NIC's lock.
 *
 *   steer.c          create, destroy, ports, statistics        steer_run.c     a packet through groups
 *   steer_group.c    groups, matchers in them, look-up         steer_act.c     the actions of the rule that was found
 *   steer_matcher.c  the hash of a matcher, growth, lines      steer_rule.c    insert, remove, update, walk
 *   steer_shape.c    masks: what is exact, what costs TCAM     steer_pack.c    actions of a rule: checked, copied
 *   steer_mem.c      slabs, pools, addresses of lines          steer_walk.c    rules as they were given
 *   steer_objects.c, steer_age.c  objects                  steer_ahead.c   what packets that wait will read
 */
#ifndef STEER_PRIV_H
#define STEER_PRIV_H

#include <string.h>

#include "hwsim/core/action.h"
#include "hwsim/core/meter.h"
#include "hwsim/core/steer.h"

/* --- steer_mem.c --- */

/* Zeroed memory of any size; large in pages of its own. */
void *
sim_large_take(uint64_t bytes);
void
sim_large_give(void *p, uint64_t bytes);

/* Small blocks in sizes of SIM_SLAB_STEP, cut from chunks; larger ones from the heap. */
#define SIM_SLAB_STEP 16u
#define SIM_SLAB_MAX 1024u
#define SIM_SLAB_CLASSES (SIM_SLAB_MAX / SIM_SLAB_STEP + 1)

struct sim_slab {
	void *free[SIM_SLAB_CLASSES];
	uint8_t *at[SIM_SLAB_CLASSES]; /* not yet cut */
	uint32_t left[SIM_SLAB_CLASSES];
	uint32_t chunk[SIM_SLAB_CLASSES]; /* size of the last one */
	struct sim_slab_chunk *chunks;
	uint64_t bytes;
};
void *
sim_slab_take(struct sim_slab *slab, uint32_t size);
void
sim_slab_give(struct sim_slab *slab, void *p, uint32_t size);
void
sim_slab_end(struct sim_slab *slab);

/* Addresses of 64-byte lines, unique in the NIC, in blocks of powers of two. */
#define SIM_LINE_ORDERS 27u
#define SIM_NO_LINE UINT32_MAX

struct sim_lines {
	uint64_t next;
	struct sim_line_free {
		uint32_t *at;
		uint32_t n, size;
	} free[SIM_LINE_ORDERS];
	uint64_t bytes;
};
/* SIM_NO_LINE: none are left. */
uint32_t
sim_lines_take(struct sim_lines *l, uint32_t order);
void
sim_lines_give(struct sim_lines *l, uint32_t order, uint32_t at);
void
sim_lines_end(struct sim_lines *l);

/* Objects by index: chunks that never move, a list of the free ones, oldest first. */
#define SIM_POOL_LIVE UINT32_MAX
#define SIM_POOL_END (UINT32_MAX - 1)

struct sim_pool {
	uint32_t size;	/* of an object */
	uint32_t shift; /* objects of a chunk: 1 << shift */
	uint32_t max;
	const char *name;
	uint8_t **chunk; /* each: links of all objects, then the objects */
	uint32_t n_chunks;
	uint32_t fresh; /* indices from here on were never used */
	uint32_t used;
	uint32_t first, last; /* free list */
};
void
sim_pool_init(struct sim_pool *p, const char *name, uint32_t size, uint32_t shift, uint32_t max);
/* Zeroed. `rested`: may the oldest free one be used again? false: a fresh one is taken. -ENOSPC, -ENOMEM. */
int64_t
sim_pool_take(struct sim_pool *p, bool rested);
bool
sim_pool_give(struct sim_pool *p, uint32_t i);
/* The next to be used again, live or not; NULL: none is free. */
void *
sim_pool_oldest(const struct sim_pool *p);
uint64_t
sim_pool_bytes(const struct sim_pool *p);
void
sim_pool_end(struct sim_pool *p);

/* Object `i` of a size that the compiler knows; NULL: no such object. */
static inline __attribute__((always_inline)) void *
sim_pool_at(const struct sim_pool *p, uint32_t i, uint32_t size)
{
	const uint32_t in = i & ((1u << p->shift) - 1);
	uint8_t *chunk;

	if (i >= p->fresh)
		return NULL;
	chunk = p->chunk[i >> p->shift];
	if (((uint32_t *)(void *)chunk)[in] != SIM_POOL_LIVE)
		return NULL;
	return chunk + (4ul << p->shift) + (uint64_t)in * size;
}
#define SIM_POOL_GET(pool, i, type) ((type *)sim_pool_at(pool, i, sizeof(type)))

/* --- objects --- */

struct sim_counter {
	uint64_t packets, bytes;
	sim_cycle freed;
};

enum sim_age_state { SIM_AGE_FRESH, SIM_AGE_LISTED, SIM_AGE_TAKEN };

struct sim_age {
	sim_cycle timeout, last;
	uint32_t next, prev; /* of the aged list */
	uint8_t state;	     /* enum sim_age_state */
};

struct sim_meter_object {
	struct sim_meter meter;
	struct sim_meter_stats stats;
	bool on;
};

struct sim_sample_object {
	struct sim_sample sample;
	uint32_t seen;
};

struct sim_objects {
	struct sim_pool counters, ages, meters, cts, rss, samples;
	sim_cycle counter_rest;
	uint32_t aged_first, aged_last, aged;
	uint32_t age_at;   /* where the scanner goes on, */
	sim_cycle age_due; /* and when */
};
void
sim_objects_init(struct sim_objects *o, const struct sim_profile *p);
uint64_t
sim_objects_bytes(const struct sim_objects *o);
void
sim_objects_end(struct sim_objects *o);
void
sim_age_touch(struct sim_objects *o, struct sim_age *age, sim_cycle now);

/* --- rules --- */

/* What a mask asks for: the words of the vector that it touches, and numbers within bounds. */
struct sim_shape {
	uint32_t hash;
	uint16_t n_words, n_ranges;
	bool invert;
	uint8_t index[SIM_PHV_WORDS];
	uint64_t mask[SIM_PHV_WORDS];
	uint16_t range_at[SIM_RANGES_MAX], range_width[SIM_RANGES_MAX];
	uint64_t range_mask[SIM_RANGES_MAX]; /* all ones where all bits count */
};
void
sim_shape_of(struct sim_shape *shape, const struct sim_match *match);
/* false: it needs TCAM. */
bool
sim_shape_exact(const struct sim_match *match);
/* Entries that a rule takes in TCAM; saturates. */
uint32_t
sim_shape_tcam(const struct sim_match *match);
/* Headers that a mask looks into, and bytes of it. */
uint16_t
sim_shape_headers(const struct sim_match *match);
uint16_t
sim_shape_bytes(const struct sim_match *match);
uint64_t
sim_range_of(const struct sim_phv *phv, uint16_t at, uint16_t width);

enum sim_rule_flags {
	SIM_R_SHADOWED = 1u << 0, /* a twin that waits behind the first */
	SIM_R_ACTIONS_APART = 1u << 1,
	SIM_R_HIDDEN = 1u << 2, /* packets do not see it yet */
};

/*
 * A rule. In the hash of its matcher it is the head of a bucket, or further down its chain, or it waits behind a twin.
 * `line` and `chain` are of a head: where the entries behind it are, and how many; position in the list of its group if the
 * matcher is of the overflow.
 */
struct sim_rule {
	struct sim_rule *next; /* in the bucket; SHADOWED: of the twins */
	struct sim_rule *
			twin; /* first that waits behind this; SHADOWED: the one before, of the first the last */
	struct sim_matcher *matcher;
	struct sim_action *actions;
	uint64_t cookie;
	uint64_t hits;
	uint32_t hash;
	uint32_t line;
	uint32_t chain;
	uint32_t walked; /* entries, when it was inserted */
	uint32_t entries;
	uint16_t size, actions_size; /* of the blocks of memory */
	uint8_t n_actions;
	uint8_t flags;
	uint16_t pad;
	uint64_t key[]; /* words, then low and high of each range */
};

/* What is found by hash in a sim_index has this as its first member. */
struct sim_link {
	struct sim_link *next;
	uint32_t hash;
};

/* Rules of a group with the same mask and priority. */
struct sim_matcher {
	struct sim_link link; /* by group, priority and shape */
	uint8_t n_words;
	uint8_t n_ranges;
	bool tcam, invert;
	bool over;  /* of the overflow of group 0 */
	bool fixed; /* does not grow */
	uint8_t order;
	uint32_t priority;
	struct sim_rule **bucket; /* 1 << order */
	struct sim_rule **
			to; /* while it grows: four times as many; those below `moved` have moved */
	uint32_t moved;
	uint32_t base, to_base; /* lines of the buckets */
	uint32_t used;		/* buckets with an entry */
	uint32_t collisions;	/* entries that are no head */
	uint32_t n_rules;
	struct sim_group *group;
	uint64_t birth;
	uint16_t headers, bytes;
	bool integrity;
	uint16_t range_at[SIM_RANGES_MAX], range_width[SIM_RANGES_MAX];
	uint64_t range_mask[SIM_RANGES_MAX]; /* all ones where all bits count */
	const uint8_t *index;
	uint64_t mask[]; /* n_words, then the indices */
};

struct sim_group {
	struct sim_link link;
	uint64_t key;		      /* domain, port, number */
	struct sim_matcher **matcher; /* by priority, exact first, then by birth */
	uint32_t n, size;
	uint32_t n_rules;
	uint32_t tunnel;
	uint32_t led; /* to this group, by the last JUMP that was taken here; 0: none was. A guess */
	struct sim_rule **over; /* searched one by one */
	uint32_t n_over, over_size;
	uint32_t over_line, over_order;
	uint32_t number;
	uint16_t port;
	uint8_t domain;
};

/* Tables that find by hash and grow. */
struct sim_index {
	struct sim_link **slot;
	uint32_t mask, n;
};

struct sim_steer {
	struct sim_group *root[SIM_DOMAINS][SIM_PORTS_MAX]; /* TRANSFER: [0] */
	uint32_t active[SIM_PORTS_MAX];			    /* [A] asked for without the lock */
	bool isolated[SIM_PORTS_MAX];
	uint32_t n_rules[SIM_DOMAINS][SIM_PORTS_MAX];
	const struct sim_profile *profile;
	void (*mirror)(void *ctx, const struct sim_pkt *p, const struct sim_dest *dest);
	void *ctx;
	sim_cycle now; /* latest that was seen */
	uint16_t n_ports;
	uint32_t integrity; /* matchers that look at it */
	uint32_t moves;	    /* how often buckets have gone, see struct sim_ahead */
	struct sim_index groups, matchers;
	uint64_t births;
	struct sim_slab slab;
	struct sim_lines lines;
	struct sim_objects objects;
	uint64_t table_bytes;
	struct sim_steer_stats stats;
};

static inline uint64_t
sim_phv_word(const struct sim_phv *phv, uint32_t i)
{
	uint64_t w;

	memcpy(&w, (const uint8_t *)phv + 8ul * i, 8);
	return w;
}

/* The multiply-and-fold of wyhash (Wang Yi, 2019): two words in, all bits of the product out. */
static inline uint64_t
sim_mix(uint64_t a, uint64_t b)
{
	const __uint128_t m =
			(__uint128_t)(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xbf58476d1ce4e5b9ull);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline struct sim_rule **
sim_bucket(const struct sim_matcher *m, uint32_t hash, uint32_t *line)
{
	uint32_t i = hash & ((1u << m->order) - 1);

	if (m->to != NULL && i < m->moved) {
		i = hash & ((4u << m->order) - 1);
		*line = m->to_base + i;
		return &m->to[i];
	}
	*line = m->base + i;
	return &m->bucket[i];
}

/* --- steer_matcher.c --- */
uint32_t
sim_matcher_key(const struct sim_matcher *m, const struct sim_match *match, uint64_t *key);
/* Of the words that `m` looks at. */
static inline __attribute__((always_inline)) uint32_t
sim_matcher_words(const struct sim_matcher *m, const struct sim_phv *phv, uint64_t *key)
{
	uint64_t h = m->n_words;

	for (uint32_t i = 0; i < m->n_words; i++) {
		key[i] = sim_phv_word(phv, m->index[i]) & m->mask[i];
		h = sim_mix(h, key[i]);
	}
	return m->invert ? 0 : (uint32_t)(h ^ h >> 32);
}
/* First rule of `m` that `phv` matches, behind `after` if there is one. */
struct sim_rule *
sim_matcher_find(const struct sim_matcher *m, const struct sim_phv *phv,
		const struct sim_rule *after, struct sim_path *path);
/* The rule with this key, walked: entries looked at. */
struct sim_rule *
sim_matcher_twin(const struct sim_matcher *m, uint32_t hash, const uint64_t *key, uint32_t *walked);
void
sim_matcher_put(struct sim_steer *s, struct sim_matcher *m, struct sim_rule *r);
void
sim_matcher_take(struct sim_steer *s, struct sim_matcher *m, struct sim_rule *r);
uint32_t
sim_matcher_line(const struct sim_matcher *m, const struct sim_rule *r);
/* Calls each(arg, rule) for every rule, shadowed ones too; the rule may be freed. */
void
sim_matcher_each(const struct sim_matcher *m, void (*each)(void *arg, struct sim_rule *r),
		void *arg);

/* steer_rule.c: gives the memory of all of its rules back; the matcher is to go next. */
void
sim_rules_free(struct sim_steer *s, struct sim_matcher *m);

/* --- steer_group.c --- */
struct sim_group *
sim_group_find(const struct sim_steer *s, uint8_t domain, uint16_t port, uint32_t number);
struct sim_group *
sim_group_get(struct sim_steer *s, uint8_t domain, uint16_t port, uint32_t number);
/* Goes if nothing is in it. */
void
sim_group_put(struct sim_steer *s, struct sim_group *g);
struct sim_matcher *
sim_matcher_of(const struct sim_steer *s, const struct sim_group *g, uint32_t priority,
		const struct sim_shape *shape, bool over);
struct sim_matcher_params {
	uint32_t priority;
	const struct sim_shape *shape;
	const struct sim_match *match;
	bool tcam, over;
};
struct sim_matcher *
sim_matcher_create(struct sim_steer *s, struct sim_group *g, const struct sim_matcher_params *p);
void
sim_matcher_free(struct sim_steer *s, struct sim_matcher *m);
int
sim_over_put(struct sim_steer *s, struct sim_group *g, struct sim_rule *r);
void
sim_over_take(struct sim_group *g, struct sim_rule *r);
/* Groups, sorted by domain, port and number; free() it. */
struct sim_group **
sim_groups_sorted(const struct sim_steer *s);
void
sim_groups_end(struct sim_steer *s);

struct sim_cursor {
	uint32_t i;
	bool tcam_asked, over_asked;
	struct sim_rule *at;
};
/* Highest priority that matches; again: the next behind it. */
struct sim_rule *
sim_group_next(const struct sim_group *g, const struct sim_phv *phv, struct sim_cursor *c,
		struct sim_path *path);

/* --- steer_pack.c --- */
/* Checks actions for a rule of these params; size: bytes of memory for a copy. */
int
sim_pack_check(const struct sim_steer *s, const struct sim_rule_params *params, uint32_t *size,
		struct sim_error *e);
/* Copies them to `to`, of that size. */
void
sim_pack(const struct sim_rule_params *params, struct sim_action *to);
uint32_t
sim_pack_entries(uint32_t n_actions);

/* --- steer_act.c --- */
struct sim_run {
	struct sim_steer *s;
	struct sim_pkt *p;
	struct sim_path *path;
	sim_cycle now;
	struct sim_phv phv;
	struct sim_offsets off;
};
/* The rule's actions but its fate, which is returned: an action, or NULL for none; SIM_A_DROP with reason in *drop. */
const struct sim_action *
sim_act(struct sim_run *r, const struct sim_rule *rule, int *drop);

/* A step of the path. Where there is no room (longer than any pipeline) the time of the rest is not counted. */
static inline void
sim_step(struct sim_path *path, enum sim_step_kind kind, uint32_t count, uint32_t line)
{
	if (path == NULL || path->n == SIM_STEPS_MAX)
		return;
	path->step[path->n++] = (struct sim_step){
		.kind = (uint8_t)kind,
		.count = (uint16_t)(count > UINT16_MAX ? UINT16_MAX : count),
		.line = line,
	};
}

/* Entries one after the other, in as many steps as a step's count needs. */
static inline void
sim_step_run(struct sim_path *path, enum sim_step_kind kind, uint32_t count, uint32_t line)
{
	if (path == NULL)
		return;
	for (; count > UINT16_MAX; count -= UINT16_MAX, line += UINT16_MAX)
		sim_step(path, kind, UINT16_MAX, line);
	if (count > 0)
		sim_step(path, kind, count, line);
}

#endif /* STEER_PRIV_H */
