/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of limit/, for its own files and its unit tests. Control lcore only.
 *
 *   lim.c        create, destroy, report
 *   lim_open.c   which limits a connection meets, and what they say; buckets
 *   lim_table.c  the prefixes of a limit: hash table, cleaning up
 *   lim_set.c    named sets of prefixes
 */
#ifndef LIMIT_PRIV_H
#define LIMIT_PRIV_H

#include <string.h>

#include "base/time.h"
#include "limit/lim.h"

/* ---- sets (lim_set.c) ---- */

typedef unsigned __int128 lim_u128;

/* An address as a number: what comes next in a network comes next here. */
static inline lim_u128
lim_number(uint8_t family, const struct flow_addr *a)
{
	uint64_t w[2];
	rte_be32_t ip;

	if (family == 4) {
		memcpy(&ip, a->b, sizeof(ip));
		return rte_be_to_cpu_32(ip);
	}
	memcpy(w, a->b, sizeof(w));
	return (lim_u128)rte_be_to_cpu_64(w[0]) << 64 | rte_be_to_cpu_64(w[1]);
}

/* The bits of an address that a prefix of this length leaves out. */
static inline lim_u128
lim_host_bits(uint8_t family, uint8_t len)
{
	unsigned int n = (family == 4 ? 32u : 128u) - len;

	return n == 128 ? ~(lim_u128)0 : ((lim_u128)1 << n) - 1;
}

struct lim_range {
	lim_u128 lo, hi;
};

/* Sorted, disjoint, not adjacent; by family. */
struct lim_set {
	struct lim_range *range[2];
	unsigned int n[2];
};

int
lim_set_init(struct lim_set *s, const struct lim_set_params *p);
void
lim_set_free(struct lim_set *s);
bool
lim_set_has(const struct lim_set *s, uint8_t family, lim_u128 x);

/* ---- the prefixes of a limit (lim_table.c) ---- */

/* Of lim_entry.family: 0 is a free slot. */
#define LIM_E_ALL 1
#define LIM_E_IP4 2
#define LIM_E_IP6 3

/*
 * A prefix that has connections, or whose bucket is not full. Two a cache line.
 *
 * The bucket is the time when it will be full again (generic cell rate algorithm, ITU-T I.371): a new connection
 * moves it 1 / rate seconds on. That is no whole number of ns, so the rest is kept in units of 1 / rate ns: exact,
 * and no connection is won or lost in a year.
 */
struct lim_entry {
	uint64_t net[2]; /* host bits clear; high and low half of the number */
	uint64_t full_at;
	uint32_t full_at_part : 30; /* below rate <= LIM_RATE_MAX < 2^30 */
	uint32_t family : 2;	    /* LIM_E_* */
	uint32_t connections;
};
_Static_assert(sizeof(struct lim_entry) == 32, "two a cache line");

/*
 * Open addressing with linear probing, at most half full: the common look-up is one cache line. Entries move up when
 * one in front of them is taken out, so there are no tombstones to collect.
 */
struct lim_table {
	struct lim_entry *slot;
	uint32_t mask;
	uint32_t n;
	uint32_t max;
	uint32_t hand; /* of the clean-up */
	uint32_t scan; /* of lim_top() */
	uint64_t key[2];
};

struct lim_key {
	uint64_t net[2];
	uint32_t hash;
	uint8_t family; /* LIM_E_* */
};

int
lim_table_init(struct lim_table *t, uint32_t max, const uint64_t key[2], int socket_id);
void
lim_table_free(struct lim_table *t);
uint32_t
lim_table_hash(const struct lim_table *t, const struct lim_key *k);
/* The slot of k, or the free one where it belongs. */
struct lim_entry *
lim_table_find(const struct lim_table *t, const struct lim_key *k);
/* Takes the free slot that lim_table_find() gave. */
void
lim_table_fill(struct lim_table *t, struct lim_entry *e, const struct lim_key *k);
/* Take an entry out. Others may move. */
void
lim_table_remove(struct lim_table *t, struct lim_entry *e);

/* ---- limits ---- */

struct lim_limit {
	struct lim_limit_params p;
	bool has_ports; /* only protocols with ports */
	/* 1 / rate seconds, and a whole bucket: ns, and units of 1 / rate ns. */
	uint64_t token, bucket;
	uint32_t token_part, bucket_part;
	struct lim_table table;
	uint64_t passed;
	uint64_t over[LIM_VERDICTS];
	uint64_t open;
	/*
	 * Connections in no entry: the table was full, and they were let pass all the same (LIM_COUNT, adopted). While
	 * there are any, no entry is made: so a connection whose prefix has an entry is counted there, and one whose
	 * prefix has none is counted here, and its end needs no memory of which.
	 */
	uint64_t unlisted;
};

/* A limit that the connection in question meets. */
struct lim_met {
	struct lim_limit *limit;
	struct lim_entry *entry; /* NULL: no room */
	struct lim_key key;
	enum lim_verdict verdict;
	bool took_token;
};

struct lim {
	struct lim_limit *limits;
	unsigned int n_limits;
	struct lim_set *sets;
	unsigned int n_sets;
	bool asks_service;
	uint64_t now;	      /* the latest that was said: time stands still rather than go back */
	bool started;	      /* now was said */
	unsigned int tidying; /* limit whose turn it is */
	/* The last lim_open(), for lim_undo(). */
	struct lim_met met[LIM_LIMITS_MAX];
	unsigned int n_met;
};

/* lim_open.c */
uint64_t
lim_advance(struct lim *l, uint64_t now);
uint32_t
lim_tokens(const struct lim_limit *m, const struct lim_entry *e, uint64_t now);

#endif /* LIMIT_PRIV_H */
