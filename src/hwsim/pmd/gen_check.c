/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What came back: frames that a generator has stamped, by flow, number and time. Several lcores may send to the wire:
 * a lock a burst. A flow is remembered 64 frames back; what is later than that is counted as old.
 */
#include "gen.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#define MAGIC 0x5347u
#define WINDOW 64u
/* Times to 1 in 32: those below 32 exactly, then 32 buckets for each power of two up to 2^63. */
#define FINE 5u
#define BUCKETS ((64u - FINE + 1) << FINE)

struct seen {
	uint64_t bits; /* bit k: number next - 1 - k has come */
	uint32_t next;
};

struct gen_check {
	struct sim_lock lock;
	uint32_t n;
	uint64_t received, lost, reordered, duplicate, old, foreign, bad_checksum;
	uint64_t least, most, timed;
	uint64_t bucket[BUCKETS];
	struct seen flow[];
};

struct gen_check *
gen_check_create(uint32_t flows)
{
	struct gen_check *k = calloc(1, sizeof(*k) + (size_t)flows * sizeof(k->flow[0]));

	if (k != NULL) {
		k->n = flows;
		k->least = UINT64_MAX;
	}
	return k;
}

void
gen_check_destroy(struct gen_check *k)
{
	free(k);
}

void
gen_stamp(uint8_t stamp[GEN_STAMP], uint32_t flow, uint32_t number, uint64_t ns)
{
	const rte_be16_t magic = RTE_BE16(MAGIC);

	flow = rte_cpu_to_be_32(flow);
	number = rte_cpu_to_be_32(number);
	ns = rte_cpu_to_be_64(ns);
	memcpy(stamp, &magic, 2);
	memcpy(stamp + 2, &flow, 4);
	memcpy(stamp + 6, &number, 4);
	memcpy(stamp + 10, &ns, 8);
}

/* --- times --- */

static uint32_t
bucket_of(uint64_t ns)
{
	uint32_t e;

	if (ns < 1u << FINE)
		return (uint32_t)ns;
	e = 63 - (uint32_t)__builtin_clzll(ns);
	return ((e - FINE + 1) << FINE) + (uint32_t)(ns >> (e - FINE) & ((1u << FINE) - 1));
}

/* The least that falls into it. */
static uint64_t
bucket_from(uint32_t b)
{
	const uint32_t e = (b >> FINE) + FINE - 1;

	if (b < 1u << FINE)
		return b;
	return (UINT64_C(1) << e) + ((uint64_t)(b & ((1u << FINE) - 1)) << (e - FINE));
}

static void
add_time(struct gen_check *k, uint64_t ns)
{
	k->bucket[bucket_of(ns)]++;
	k->least = RTE_MIN(k->least, ns);
	k->most = RTE_MAX(k->most, ns);
	k->timed++;
}

static uint64_t
percentile(const struct gen_check *k, double share)
{
	const double want = share * (double)k->timed;
	uint64_t sum = 0;

	for (uint32_t b = 0; b < BUCKETS && k->timed != 0; b++) {
		sum += k->bucket[b];
		if ((double)sum >= want && sum != 0)
			return RTE_MAX(RTE_MIN(bucket_from(b), k->most), k->least);
	}
	return 0;
}

/* --- frames --- */

static void
add_number(struct gen_check *k, struct seen *s, uint32_t number)
{
	const int32_t ahead = (int32_t)(number - s->next);
	uint32_t back;

	if (ahead >= 0) {
		k->lost += (uint32_t)ahead;
		s->bits = (uint32_t)ahead + 1 < WINDOW ? s->bits << (ahead + 1) : 0;
		s->bits |= 1;
		s->next = number + 1;
		return;
	}
	back = (uint32_t) - (ahead + 1);
	if (back >= WINDOW) {
		k->old++;
	} else if ((s->bits >> back & 1) != 0) {
		k->duplicate++;
	} else {
		s->bits |= UINT64_C(1) << back;
		k->reordered++;
		k->lost -= k->lost > 0;
	}
}

static void
check_one(struct gen_check *k, const struct rte_mbuf *m, uint64_t now)
{
	const uint8_t *d = rte_pktmbuf_mtod(m, const uint8_t *);
	struct sim_offsets off = { 0 };
	struct sim_phv phv;
	uint32_t flow, number, level;
	uint64_t ns;
	rte_be16_t magic;

	memset(&phv, 0, sizeof(phv));
	sim_parse(d, m->data_len, m->pkt_len, m->nb_segs == 1 ? SIM_PARSE_INTEGRITY : 0, &phv,
			&off);
	k->received++;
	level = phv.layers[1] != 0;
	if (m->nb_segs == 1 && (phv.layers[level] & (SIM_L_TCP | SIM_L_UDP)) != 0 &&
			(phv.integrity[level] & SIM_I_L4_CSUM_OK) == 0)
		k->bad_checksum++;
	if (off.payload == 0 || off.payload + GEN_STAMP > m->data_len) {
		k->foreign++;
		return;
	}
	d += off.payload;
	memcpy(&magic, d, 2);
	memcpy(&flow, d + 2, 4);
	memcpy(&number, d + 6, 4);
	memcpy(&ns, d + 10, 8);
	flow = rte_be_to_cpu_32(flow);
	ns = rte_be_to_cpu_64(ns);
	if (magic != RTE_BE16(MAGIC) || flow >= k->n) {
		k->foreign++;
		return;
	}
	add_number(k, &k->flow[flow], rte_be_to_cpu_32(number));
	if (now >= ns)
		add_time(k, now - ns);
}

void
gen_check_frames(struct gen_check *k, struct rte_mbuf *const *m, uint16_t n, uint64_t now)
{
	sim_lock_take(&k->lock);
	for (uint16_t i = 0; i < n; i++)
		check_one(k, m[i], now);
	sim_lock_give(&k->lock);
}

void
gen_check_reset(struct gen_check *k)
{
	sim_lock_take(&k->lock);
	k->received = k->lost = k->reordered = k->duplicate = 0;
	k->old = k->foreign = k->bad_checksum = 0;
	k->least = UINT64_MAX;
	k->most = k->timed = 0;
	memset(k->bucket, 0, sizeof(k->bucket));
	sim_lock_give(&k->lock);
}

/* Under the lock: shares and least and most are of the same frames. */
static uint32_t
figures(const struct gen_check *k, struct wire_xstat *x, uint32_t n)
{
	const struct wire_xstat all[] = {
		{ "check_received", k->received },
		{ "check_lost", k->lost },
		{ "check_reordered", k->reordered },
		{ "check_duplicate", k->duplicate },
		{ "check_old", k->old },
		{ "check_foreign", k->foreign },
		{ "check_bad_checksum", k->bad_checksum },
		{ "latency_min_ns", k->timed != 0 ? k->least : 0 },
		{ "latency_p50_ns", percentile(k, 0.5) },
		{ "latency_p90_ns", percentile(k, 0.9) },
		{ "latency_p99_ns", percentile(k, 0.99) },
		{ "latency_p999_ns", percentile(k, 0.999) },
		{ "latency_max_ns", k->most },
	};

	for (uint32_t i = 0; i < n && i < RTE_DIM(all); i++)
		x[i] = all[i];
	return RTE_DIM(all);
}

uint32_t
gen_check_xstats(struct gen_check *k, struct wire_xstat *x, uint32_t n)
{
	uint32_t there;

	sim_lock_take(&k->lock);
	there = figures(k, x, n);
	sim_lock_give(&k->lock);
	return there;
}
