/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of src/frag. The input is a row of orders: a fragment with whatever header fields, a raw frame, or time that
 * passes; what comes out whole is cut again at whatever size. What must hold: bounds are kept, no mbuf is lost or freed
 * twice, whole packets say a length that they have, fragments are no longer than asked for, and nothing is read or written
 * where it should not be.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "base/pkt.h"
#include "base/time.h"
#include "eal.h"
#include "frag/frag.h"

#include "fuzz.h"

#define MBUFS 1023
#define MEMORY 256
#define DATAGRAMS 16
#define L2 14

#define CHECK(x) \
	do { \
		if (!(x)) \
			abort(); \
	} while (0)

struct input {
	const uint8_t *at;
	size_t left;
};

static struct rte_mempool *pool;

static uint32_t
take(struct input *in, unsigned int bytes)
{
	uint32_t v = 0;

	for (; bytes > 0 && in->left > 0; bytes--, in->left--)
		v = v << 8 | *in->at++;
	return v;
}

static void
put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* Headers out of the input: offset and length in units of 8, few sources, few identifications. */
static struct rte_mbuf *
fragment(struct input *in, bool v6)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	const uint32_t choice = take(in, 1), offset = take(in, 1) * (choice & 1 ? 256 : 8);
	const uint32_t len = 1 + (choice & 2 ? (take(in, 1) + 1) * 8 - 1 : take(in, 1));
	const uint32_t extra = choice & 4 ? 8 : 0, h = (v6 ? 48u : 20u) + extra;
	uint8_t *ip;

	CHECK(m != NULL);
	ip = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(L2 + h + RTE_MIN(len, 1900u)));
	memset(ip, 0, L2 + h);
	put16(ip + 12, v6 ? 0x86dd : 0x0800);
	memset(ip + L2 + h, (int)choice, RTE_MIN(len, 1900u));
	*pkt_meta(m) = (struct pkt_meta){ .info = { .family = v6 ? 6 : 4,
							  .l3_off = L2,
							  .l3_len = (uint16_t)(m->pkt_len - L2) } };
	ip += L2;
	if (v6) {
		ip[0] = 0x60;
		ip[1] = (uint8_t)(choice & 0x30);
		put16(ip + 4, m->pkt_len - L2 - 40);
		ip[6] = extra != 0 ? IPPROTO_HOPOPTS : IPPROTO_FRAGMENT;
		ip[15] = choice >> 6;
		ip[40] = extra != 0 ? IPPROTO_FRAGMENT : IPPROTO_UDP;
		ip += 40 + extra;
		ip[0] = IPPROTO_UDP;
		put16(ip + 2, offset | (choice >> 3 & 1));
		ip[7] = choice >> 4 & 3;
		return m;
	}
	ip[0] = (uint8_t)(0x40 | h / 4);
	ip[1] = choice >> 4 & 3;
	put16(ip + 2, m->pkt_len - L2);
	ip[5] = choice >> 4 & 3;
	put16(ip + 6,
			(offset / 8 & 0x1fff) | (choice & 8 ? 0x2000u : 0) |
					(choice & 0x80 ? 0x4000u : 0));
	ip[15] = choice >> 6;
	if (extra != 0)
		for (unsigned int i = 0; i < 8; i++)
			ip[20 + i] = (uint8_t)take(in, 1);
	return m;
}

/* Any bytes as a frame, in two segments; the lengths that the parser would have found, or others. */
static struct rte_mbuf *
raw(struct input *in)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *more = rte_pktmbuf_alloc(pool);
	const uint32_t first = RTE_MIN((size_t)take(in, 1), in->left);
	uint32_t second;

	CHECK(m != NULL && more != NULL);
	memcpy(rte_pktmbuf_append(m, (uint16_t)first), in->at, first);
	in->at += first, in->left -= first;
	second = RTE_MIN((size_t)take(in, 1), in->left);
	memcpy(rte_pktmbuf_append(more, (uint16_t)second), in->at, second);
	in->at += second, in->left -= second;
	CHECK(rte_pktmbuf_chain(m, more) == 0);
	*pkt_meta(m) = (struct pkt_meta){ .info = { .family = take(in, 1) & 1 ? 6 : 4,
							  .l3_off = L2 } };
	pkt_meta(m)->info.l3_len = m->pkt_len > L2 ? (uint16_t)(m->pkt_len - L2) : 0;
	if (take(in, 1) & 1)
		pkt_meta(m)->info.l3_len = (uint16_t)take(in, 2);
	return m;
}

static void
check_whole(const struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, L2);
	const uint32_t h = ip[0] >> 4 == 6 ? 40 : 0;
	uint32_t len = (uint32_t)(ip[h ? 4 : 2] << 8 | ip[h ? 5 : 3]) + h;

	rte_mbuf_sanity_check(m, 1);
	CHECK(m->data_len >= L2 + 20 && L2 + len == m->pkt_len);
}

static void
cut(struct frag *f, struct rte_mbuf *m, struct input *in)
{
	static struct rte_mbuf *piece[FRAG_SPLIT_MAX];
	const uint16_t limit = (uint16_t)take(in, 2);
	int n;

	frag_note_make(f, m)->limit = limit;
	if (take(in, 1) & 1)
		frag_note(f, m)->cut = (uint16_t)take(in, 1);
	n = frag_split(f, m, piece);
	if (n < 0) {
		CHECK(n == -ENOMEM || n == -EMSGSIZE);
		rte_pktmbuf_free(m);
		return;
	}
	CHECK(n > 0 && n <= FRAG_SPLIT_MAX);
	for (int i = 0; i < n; i++) {
		CHECK(piece[i]->nb_segs == 1 && piece[i]->pkt_len <= (uint32_t)L2 + 8 + limit);
		rte_mbuf_sanity_check(piece[i], 1);
		rte_pktmbuf_free(piece[i]);
	}
}

static void
expire(struct frag *f, uint64_t now, uint64_t *freed)
{
	struct rte_mbuf *first[4];
	unsigned int n;

	CHECK(frag_expire(f, now, first, RTE_DIM(first), &n) <= RTE_DIM(first));
	CHECK(n <= RTE_DIM(first));
	for (unsigned int i = 0; i < n; i++)
		rte_pktmbuf_free(first[i]);
	*freed += n;
}

static void
run(struct frag *f, struct input *in, const uint64_t *drops)
{
	uint64_t now = 0, freed = 0, waited = 0, merged = 0, dropped;
	struct frag_stats s;

	while (in->left > 0) {
		const uint32_t order = take(in, 1);
		struct frag_result r;
		struct rte_mbuf *m;

		if (order % 16 == 15) {
			now += take(in, 2) * (TIME_NS_PER_S / 16);
			expire(f, now, &freed);
			continue;
		}
		m = order % 16 == 14 ? raw(in) : fragment(in, order & 1);
		switch (frag_input(f, m, order >> 7, now, &r)) {
		case FRAG_WAITS:
			waited++;
			break;
		case FRAG_WHOLE:
			CHECK(r.fragments >= 2 && frag_note(f, r.whole) != NULL);
			merged += r.fragments - 1;
			check_whole(r.whole);
			cut(f, r.whole, in);
			break;
		case FRAG_DROP:
			CHECK(r.reason != DROP_NONE);
			rte_pktmbuf_free(m);
			break;
		}
		frag_stats(f, &s);
		CHECK(s.datagrams <= DATAGRAMS && s.mbufs <= MEMORY && s.fragments <= s.mbufs);
		CHECK(rte_mempool_in_use_count(pool) == s.mbufs);
		dropped = 0;
		for (unsigned int i = 0; i < DROP_COUNT; i++)
			dropped += drops[i];
		CHECK(waited == merged + dropped + s.fragments);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t drops[DROP_COUNT] = { 0 };
	struct frag *f;

	if (pool == NULL) {
		CHECK(unit_eal_init() == 0);
		pool = rte_pktmbuf_pool_create("fuzz", MBUFS, 0, sizeof(struct pkt_meta), 2176, 0);
		CHECK(pool != NULL);
	}
	f = frag_create(&(struct frag_params){
			.name = "fuzz",
			.datagrams = DATAGRAMS,
			.per_source = 6,
			.memory = MEMORY,
			.timeout = 30,
			.drops = drops,
			.pool = pool,
	});
	CHECK(f != NULL);
	run(f, &in, drops);
	frag_destroy(f);
	CHECK(rte_mempool_in_use_count(pool) == 0);
	return 0;
}
