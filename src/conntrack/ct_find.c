/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers' side of the hash table: ct_find_burst() runs on every worker for every burst, inside an
 * RCU read section; ct_find() on the control lcore. No locks, no writes.
 *
 * The burst goes through the table in passes, so that the cache misses of all its packets overlap:
 * one for the bucket and one for the flow. Most flows lie in the first of their two buckets; those
 * that do not go through the same passes again, as a burst of their own.
 */
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <netinet/in.h>

#include "ct_priv.h"

static inline const struct ct_bucket *
first_bucket(const struct ct_table *t, uint32_t hash)
{
	return &t->buckets[ct_bucket1(t->n_buckets, hash)];
}

static inline const struct ct_bucket *
second_bucket(const struct ct_table *t, uint32_t hash)
{
	return &t->buckets[ct_bucket2(t->n_buckets, hash)];
}

/* Are these the addresses, source and destination, of an IPv6 flow? Its key has digests only. */
static inline bool
same_addr6(const struct ct_table *t, uint32_t flow_id, const void *addr)
{
	return memcmp(&t->conns6[flow_id >> 1].addr[2 * (flow_id & 1)], addr,
			       2 * sizeof(struct flow_addr)) == 0;
}

static inline bool
packet_is(const struct ct_table *t, uint32_t flow_id, const struct pkt_burst *b, unsigned int i)
{
	const struct flow_key *key = &b->key[i];
	const void *addr;

	if (!flow_key_eq(&ct_flow(t, flow_id)->key, key))
		return false;
	if (likely(key->family != 6))
		return true;
	/* Addresses start at byte 8 of an IPv6 header (RFC 8200, 3); the parser made sure of it. */
	addr = rte_pktmbuf_mtod_offset(b->mbuf[i], const void *, b->info[i].l3_off + 8);
	return same_addr6(t, flow_id, addr);
}

/* Packet i against the slots of `match`, one after the other. */
static uint32_t
find_among(const struct ct_table *t, const struct pkt_burst *b, unsigned int i,
		const struct ct_bucket *bucket, uint32_t match)
{
	for (; match != 0; match &= match - 1) {
		uint32_t id = ct_bucket_flow(bucket, __builtin_ctz(match));

		if (packet_is(t, id, b, i))
			return id;
	}
	return FLOW_NONE;
}

/* The first match was another flow's: one look-up in fifty. */
static __rte_noinline uint32_t
find_rest(const struct ct_table *t, const struct pkt_burst *b, unsigned int i, uint32_t match)
{
	const struct ct_bucket *bucket = first_bucket(t, b->hash[i]);
	uint32_t id = find_among(t, b, i, bucket, match & (match - 1));

	if (id == FLOW_NONE) {
		bucket = second_bucket(t, b->hash[i]);
		id = find_among(t, b, i, bucket, ct_bucket_match(bucket, ct_tag(b->hash[i])));
	}
	return id;
}

static inline void
prefetch_flow(const struct ct_table *t, uint32_t flow_id, const struct flow_key *key)
{
	/* For writing: its counters will be. rte_prefetch0_write() is experimental in 22.11. */
	__builtin_prefetch(ct_flow(t, flow_id), 1);
	if (key->proto == IPPROTO_TCP)
		__builtin_prefetch(&t->conns[flow_id >> 1].tcp, 1);
	if (key->family == 6)
		rte_prefetch0(&t->conns6[flow_id >> 1]);
}

void
ct_find_burst(const struct ct_table *t, struct pkt_burst *b)
{
	uint16_t match[PKT_BURST_MAX]; /* slots of the first bucket that hold the packet's tag */
	uint8_t second[PKT_BURST_MAX]; /* packets that must try their second bucket */
	unsigned int i, j, n = b->n, n_second = 0;

	for (i = 0; i < n; i++)
		rte_prefetch0(first_bucket(t, b->hash[i]));

	for (i = 0; i < n; i++) {
		const struct ct_bucket *bucket = first_bucket(t, b->hash[i]);

		match[i] = (uint16_t)ct_bucket_match(bucket, ct_tag(b->hash[i]));
		b->flow[i] = FLOW_NONE;
		if (likely(match[i] != 0)) {
			b->flow[i] = ct_bucket_flow(bucket, __builtin_ctz(match[i]));
			prefetch_flow(t, b->flow[i], &b->key[i]);
		} else if (b->key[i].family != 0) {
			second[n_second++] = (uint8_t)i;
			rte_prefetch0(second_bucket(t, b->hash[i]));
		}
	}

	for (i = 0; i < n; i++) {
		if (likely(b->flow[i] != FLOW_NONE) && unlikely(!packet_is(t, b->flow[i], b, i)))
			b->flow[i] = find_rest(t, b, i, match[i]);
	}

	for (j = 0; j < n_second; j++) {
		const struct ct_bucket *bucket;

		i = second[j];
		bucket = second_bucket(t, b->hash[i]);
		match[i] = (uint16_t)ct_bucket_match(bucket, ct_tag(b->hash[i]));
		if (match[i] != 0)
			prefetch_flow(t, ct_bucket_flow(bucket, __builtin_ctz(match[i])),
					&b->key[i]);
	}
	for (j = 0; j < n_second; j++) {
		i = second[j];
		b->flow[i] = find_among(t, b, i, second_bucket(t, b->hash[i]), match[i]);
	}
}

uint32_t
ct_find_look(const struct ct_table *t, const struct ct_look *look)
{
	const struct ct_bucket *where[2] = { first_bucket(t, look->hash),
		second_bucket(t, look->hash) };
	uint32_t match, id;
	unsigned int i;

	for (i = 0; i < RTE_DIM(where); i++) {
		for (match = ct_bucket_match(where[i], ct_tag(look->hash)); match != 0;
				match &= match - 1) {
			id = ct_bucket_flow(where[i], __builtin_ctz(match));
			if (flow_key_eq(&ct_flow(t, id)->key, &look->key) &&
					(look->key.family != 6 || same_addr6(t, id, look->addr)))
				return id;
		}
	}
	return FLOW_NONE;
}

uint32_t
ct_find(const struct ct_table *t, const struct flow_tuple *tuple)
{
	struct ct_look look = { .addr = { tuple->src, tuple->dst } };

	flow_tuple_key(&t->hasher, tuple, &look.key);
	look.hash = flow_hasher_hash(&t->hasher, &look.key);
	return ct_find_look(t, &look);
}
