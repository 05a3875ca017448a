/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Weighted rendezvous hashing: a connection goes to the backend for which weight / -log(h) is
 * largest, h being a hash of client, service and backend read as a fraction of 1. When a backend
 * goes, only its own connections move; when it gains weight, it takes from everybody alike.
 * Thaler & Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN 6(1), 1998;
 * the weights after Schindelhauer & Schomaker, "Weighted distributed hash tables", SPAA 2005.
 *
 * All in integers: every CPU and every compiler makes the same choice. Logarithms come out of a
 * table, and w1 / l1 > w2 / l2 is asked as w1 * l2 > w2 * l1. Called by lb.c when a connection
 * opens; the cost is one look at every backend.
 */
#include <errno.h>
#include <stdlib.h>

#include "lb_priv.h"

/* ---- logarithms ---- */

/*
 * log2 of 1 .. 2 in 1024 steps. Straight lines between them are wrong by at most
 * 2^-20 / 8 / ln 2 = 1.7e-7, far below the 1e-3 that the winner of 1024 backends is away from 0.
 */
#define STEP_BITS 10
#define STEPS (1u << STEP_BITS)

struct lb_log2 {
	uint64_t at[STEPS + 1];
};

/* Binary logarithm of x / 2^63, 1 <= x / 2^63 < 2: squaring doubles it, so each bit drops out. */
static uint64_t
log2_bits(uint64_t x)
{
	uint64_t log = 0;
	unsigned int i;

	for (i = 0; i < LB_LOG2_BITS; i++) {
		__extension__ unsigned __int128 square = (unsigned __int128)x * x;
		unsigned int carry = (unsigned int)(square >> 127);

		x = (uint64_t)(square >> (63 + carry));
		log = log << 1 | carry;
	}
	return log;
}

struct lb_log2 *
lb_log2_create(void)
{
	struct lb_log2 *table = malloc(sizeof(*table));
	unsigned int i;

	if (table == NULL)
		return NULL;
	for (i = 0; i < STEPS; i++)
		table->at[i] = log2_bits((uint64_t)(STEPS + i) << (63 - STEP_BITS));
	table->at[STEPS] = UINT64_C(1) << LB_LOG2_BITS;
	return table;
}

uint64_t
lb_log2_inverse(const struct lb_log2 *table, uint64_t h)
{
	unsigned int zeros = (unsigned int)__builtin_clzll(h);
	uint64_t fraction = h << zeros << 1; /* what follows the leading one */
	unsigned int step = (unsigned int)(fraction >> (64 - STEP_BITS));
	uint64_t rest = fraction << STEP_BITS >> 32;
	uint64_t low = table->at[step];
	uint64_t log = low + ((table->at[step + 1] - low) * rest >> 32);

	return ((uint64_t)(zeros + 1) << LB_LOG2_BITS) - log;
}

/* ---- hashes ---- */

/* MurmurHash3's finalizer, constants of splitmix64: each input bit reaches every output bit. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t
add_address(uint64_t h, const struct flow_addr *a)
{
	rte_be64_t w[2];

	memcpy(w, a->b, sizeof(w));
	h = mix(h ^ rte_be_to_cpu_64(w[0]));
	return mix(h + rte_be_to_cpu_64(w[1]));
}

uint64_t
lb_hash_backend(const struct lb_backend *b, uint32_t seed)
{
	return mix(add_address(~(uint64_t)seed, &b->address) + b->port);
}

/* Client and service. */
static uint64_t
hash_tuple(const struct flow_tuple *t, uint32_t seed)
{
	uint64_t ports = (uint64_t)rte_be_to_cpu_16(t->key.sport) << 32 |
			(uint64_t)rte_be_to_cpu_16(t->key.dport) << 8 | t->key.proto;

	return mix(add_address(add_address(seed, &t->src), &t->dst) + ports);
}

/* ---- the choice ---- */

static int
hash_select(struct lb_service *s, const struct flow_tuple *t)
{
	uint64_t client = hash_tuple(t, s->seed);
	uint64_t best_log = 0;
	uint32_t best_weight = 0;
	int best = -EHOSTUNREACH;
	unsigned int i;

	for (i = 0; i < s->n_backends; i++) {
		const struct lb_backend *b = &s->backends[i];
		uint64_t log;

		if (b->weight == 0)
			continue;
		/* | 1: zero has no logarithm. A log is below 2^47, so neither product overflows. */
		log = lb_log2_inverse(s->log2, mix(client ^ b->id) | 1);
		if (best < 0 || b->weight * best_log > best_weight * log) {
			best = (int)i;
			best_weight = b->weight;
			best_log = log;
		}
	}
	return best;
}

const struct lb_scheduler_ops lb_hash_ops = { .name = "hash", .select = hash_select };
