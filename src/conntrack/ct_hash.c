/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writer's side of the hash table: cuckoo hashing with two buckets of twelve a flow. Called by
 * ct_conn.c on the control lcore, while workers read (ct_find.c).
 *
 * An entry is published by its tag, after its id; it moves by being copied first and cleared then.
 * A reader who passes at the wrong moment misses it, but never takes one flow for another, because
 * it compares keys.
 */
#include <errno.h>

#include <rte_prefetch.h>

#include "ct_priv.h"

/*
 * Buckets looked at for a place before giving up: enough for loads far above the one that the table
 * is sized for.
 */
#define SEARCH_MAX 256

/* A bucket reached by moving the entry in slot `via` of bucket search[from]. */
struct step {
	uint32_t bucket;
	int16_t from;
	int16_t via;
};

static uint32_t
hash_of(const struct ct_table *t, uint32_t flow_id)
{
	return flow_hasher_hash(&t->hasher, &ct_flow(t, flow_id)->key);
}

static void
publish(struct ct_bucket *b, unsigned int slot, uint32_t flow_id, uint8_t tag)
{
	__atomic_store_n(&b->flow[slot], flow_id, __ATOMIC_RELEASE);
	__atomic_store_n(&b->tag[slot], tag, __ATOMIC_RELEASE);
}

static void
clear(struct ct_bucket *b, unsigned int slot)
{
	__atomic_store_n(&b->tag[slot], 0, __ATOMIC_RELEASE);
}

static int
free_slot(const struct ct_bucket *b)
{
	return __builtin_ffs((int)ct_bucket_match(b, 0)) - 1;
}

/* The bucket where an entry of bucket `b` might lie as well. */
static uint32_t
other_bucket(const struct ct_table *t, uint32_t flow_id, uint32_t b)
{
	uint32_t hash = hash_of(t, flow_id);
	uint32_t first = ct_bucket1(t->n_buckets, hash);

	return b == first ? ct_bucket2(t->n_buckets, hash) : first;
}

/*
 * Move entries along the path that ends in search[at], from the free end backwards: the new place
 * of each is written before the old one is cleared. Returns the slot of the path's first bucket
 * that became free.
 */
static unsigned int
shift(struct ct_table *t, const struct step *search, int at, unsigned int slot)
{
	while (search[at].from >= 0) {
		struct ct_bucket *to = &t->buckets[search[at].bucket];
		struct ct_bucket *from = &t->buckets[search[search[at].from].bucket];
		unsigned int via = search[at].via;

		publish(to, slot, from->flow[via], from->tag[via]);
		clear(from, via);
		t->stats.displaced++;
		slot = via;
		at = search[at].from;
	}
	return slot;
}

/*
 * Where the entries of a full bucket might lie as well. Each has its key in a line of its own and
 * leads to another bucket: all of them are asked for before the first one is needed.
 */
static void
other_buckets(const struct ct_table *t, uint32_t b, uint32_t to[CT_SLOTS])
{
	const struct ct_bucket *bucket = &t->buckets[b];
	unsigned int i;

	for (i = 0; i < CT_SLOTS; i++)
		rte_prefetch0(ct_flow(t, bucket->flow[i]));
	for (i = 0; i < CT_SLOTS; i++) {
		to[i] = other_bucket(t, bucket->flow[i], b);
		rte_prefetch0(&t->buckets[to[i]]);
	}
}

/*
 * Breadth first, from both buckets of the new flow, to the nearest free slot. A path never comes
 * back to its own buckets: one bucket twice on a path would move an entry that has moved already.
 */
static int
make_room(struct ct_table *t, uint32_t hash, uint32_t *bucket)
{
	struct step search[SEARCH_MAX];
	int n = 0, at, slot, i, root;

	search[n++] = (struct step){ ct_bucket1(t->n_buckets, hash), -1, -1 };
	search[n++] = (struct step){ ct_bucket2(t->n_buckets, hash), -1, -1 };
	for (at = 0; at < n; at++) {
		uint32_t to[CT_SLOTS];

		if (n < SEARCH_MAX)
			other_buckets(t, search[at].bucket, to);
		for (i = 0; i < CT_SLOTS && n < SEARCH_MAX; i++) {
			for (root = at; root >= 0 && search[root].bucket != to[i];
					root = search[root].from)
				;
			if (root >= 0)
				continue;
			search[n] = (struct step){ to[i], (int16_t)at, (int16_t)i };
			slot = free_slot(&t->buckets[to[i]]);
			if (slot >= 0) {
				slot = shift(t, search, n, slot);
				for (root = n; search[root].from >= 0; root = search[root].from)
					;
				*bucket = search[root].bucket;
				return slot;
			}
			n++;
		}
	}
	return -1;
}

int
ct_hash_insert(struct ct_table *t, uint32_t flow_id, uint32_t hash)
{
	uint32_t b = ct_bucket1(t->n_buckets, hash);
	int slot = free_slot(&t->buckets[b]);

	if (slot < 0) {
		b = ct_bucket2(t->n_buckets, hash);
		slot = free_slot(&t->buckets[b]);
	}
	if (slot < 0)
		slot = make_room(t, hash, &b);
	if (slot < 0)
		return -ENOSPC;
	publish(&t->buckets[b], slot, flow_id, ct_tag(hash));
	return 0;
}

void
ct_hash_remove(struct ct_table *t, uint32_t flow_id, uint32_t hash)
{
	uint32_t where[2] = { ct_bucket1(t->n_buckets, hash), ct_bucket2(t->n_buckets, hash) };
	unsigned int i, slot;
	uint32_t match;

	for (i = 0; i < RTE_DIM(where); i++) {
		struct ct_bucket *b = &t->buckets[where[i]];

		for (match = ct_bucket_match(b, ct_tag(hash)); match != 0; match &= match - 1) {
			slot = __builtin_ctz(match);
			if (b->flow[slot] == flow_id) {
				clear(b, slot);
				return;
			}
		}
	}
}
