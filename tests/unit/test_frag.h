/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams for the tests of src/frag: built, cut and put together here, byte by byte, by code that shares nothing with it.
 */
#ifndef TEST_FRAG_H
#define TEST_FRAG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "base/pkt.h"
#include "base/time.h"
#include "eal.h"
#include "frag/frag.h"

#define MBUFS 4096
#define L2 14
#define FRAME_MAX (L2 + 65535 + 200)

struct datagram {
	uint8_t family;
	uint8_t src;  /* last byte of the address; 0 = 1 */
	uint16_t net; /* IPv6: fourth group of the source */
	uint32_t id;
	uint8_t proto; /* 0 = UDP */
	uint8_t tos;
	bool df;
	const uint8_t *options; /* IPv4: options; IPv6: headers that all fragments repeat, the last names 44 */
	uint8_t n_options;
	uint8_t first_option; /* IPv6: kind of the first of them */
};

struct bytes {
	uint32_t len;
	uint8_t b[FRAME_MAX];
};

static struct rte_mempool *pool;
static uint64_t drops[DROP_COUNT];

static inline void
put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline uint32_t
get16(const uint8_t *at)
{
	return (uint32_t)(at[0] << 8 | at[1]);
}

/* RFC 1071, two bytes at a time; 0 when a header is right. */
static inline uint16_t
sum16(const uint8_t *data, uint32_t len)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < len; i += 2)
		s += get16(data + i);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/*
 * A frame with `len` payload bytes at `data`, which are those from `offset` on of d's; `whole`: it says that it is no
 * fragment, as d would look if it had never been cut.
 */
static inline void
frame(struct bytes *f, const struct datagram *d, const uint8_t *data, uint32_t offset, uint32_t len,
		bool more)
{
	const bool whole = offset == 0 && !more;
	uint8_t *ip = f->b + L2;
	uint32_t h = d->family == 4 ? 20u : 40u;

	memset(f->b, 0, L2 + 60);
	memcpy(f->b, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	put16(f->b + 12, d->family == 4 ? 0x0800 : 0x86dd);
	if (d->n_options != 0)
		memcpy(ip + h, d->options, d->n_options);
	h += d->n_options;
	if (d->family == 4) {
		ip[0] = (uint8_t)(0x40 | h / 4);
		ip[1] = d->tos;
		put16(ip + 2, h + len);
		put16(ip + 4, d->id);
		put16(ip + 6, (d->df ? 0x4000u : 0) | (more ? 0x2000u : 0) | offset / 8);
		ip[8] = 64;
		ip[9] = d->proto != 0 ? d->proto : IPPROTO_UDP;
		memcpy(ip + 12, "\xc6\x33\x64\1\xa\0\0\xb", 8);
		ip[15] = d->src != 0 ? d->src : 1;
		put16(ip + 10, sum16(ip, h));
	} else {
		ip[0] = 0x60;
		ip[1] = (uint8_t)(d->tos << 4);
		ip[6] = d->n_options != 0 ? d->first_option : whole ? IPPROTO_UDP : 44;
		ip[7] = 64;
		memcpy(ip + 8, "\x20\1\xd\xb8\0\xe\0\0\0\0\0\0\0\0\0\1", 16);
		memcpy(ip + 24, "\x20\1\xd\xb8\0\2\0\0\0\0\0\0\0\0\0\xb", 16);
		put16(ip + 14, d->net);
		ip[23] = d->src != 0 ? d->src : 1;
		if (!whole) {
			memset(ip + h, 0, 8);
			ip[h] = d->proto != 0 ? d->proto : IPPROTO_UDP;
			put16(ip + h + 2, offset | more);
			put16(ip + h + 4, d->id >> 16);
			put16(ip + h + 6, d->id & 0xffff);
			h += 8;
		}
		put16(ip + 4, h - 40 + len);
	}
	memcpy(ip + h, data, len);
	f->len = L2 + h + len;
}

/* An mbuf, or a chain where one is too small; `pad` bytes behind the packet. */
static inline struct rte_mbuf *
to_mbuf(const struct bytes *f, uint8_t family, uint32_t pad)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *last = m;

	assert_non_null(m);
	for (uint32_t at = 0; at < f->len + pad;) {
		uint32_t n = RTE_MIN(f->len + pad - at, (uint32_t)rte_pktmbuf_tailroom(last));

		if (n == 0) {
			last = rte_pktmbuf_alloc(pool);
			assert_non_null(last);
			assert_int_equal(rte_pktmbuf_chain(m, last), 0);
			continue;
		}
		for (uint32_t i = 0; i < n; i++, at++)
			rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len)[i] =
					at < f->len ? f->b[at] : 0xee;
		last->data_len += (uint16_t)n;
		m->pkt_len += n;
	}
	*pkt_meta(m) = (struct pkt_meta){
		.info = { .family = family, .l3_off = L2, .l3_len = (uint16_t)(f->len - L2) }
	};
	return m;
}

static inline struct rte_mbuf *
fragment(const struct datagram *d, const uint8_t *data, uint32_t offset, uint32_t len, bool more)
{
	static struct bytes f;

	frame(&f, d, data + offset, offset, len, more);
	/* Short frames are padded to 60 bytes. */
	return to_mbuf(&f, d->family, f.len < 60 ? 60 - f.len : 0);
}

static inline void
assert_frame(const struct rte_mbuf *m, const struct bytes *want)
{
	static struct bytes copy;
	const uint8_t *got = rte_pktmbuf_read(m, 0, m->pkt_len, copy.b);

	assert_int_equal(m->pkt_len, want->len);
	rte_mbuf_sanity_check(m, 1);
	for (uint32_t i = 0; i < want->len; i++)
		if (got[i] != want->b[i])
			fail_msg("byte %u is %02x, not %02x", i, got[i], want->b[i]);
}

static inline struct frag *
make(uint32_t datagrams, uint32_t per_source, uint32_t memory)
{
	struct frag *f = frag_create(&(struct frag_params){
			.name = "test",
			.datagrams = datagrams,
			.per_source = per_source,
			.memory = memory,
			.timeout = 30,
			.hash_seed = 7,
			.drops = drops,
			.pool = pool,
	});

	assert_non_null(f);
	memset(drops, 0, sizeof(drops));
	return f;
}

/* Everything came back. */
static inline void
destroy(struct frag *f)
{
	frag_destroy(f);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static inline enum frag_verdict
give(struct frag *f, struct rte_mbuf *m, struct frag_result *r)
{
	enum frag_verdict v = frag_input(f, m, 0, TIME_NS_PER_S, r);

	if (v == FRAG_DROP)
		rte_pktmbuf_free(m);
	return v;
}

static inline uint32_t
waiting(const struct frag *f)
{
	struct frag_stats s;

	frag_stats(f, &s);
	return s.fragments;
}

static inline const uint8_t *
noise(void)
{
	static uint8_t data[65536 + 64];

	if (data[1] == 0)
		for (uint32_t i = 0, x = 12345; i < sizeof(data); i++) {
			x = x * 1103515245 + 12345;
			data[i] = (uint8_t)(x >> 16) | 1;
		}
	return data;
}

static inline int
make_pool(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("frag", MBUFS, 0, sizeof(struct pkt_meta), 2176, 0);
	return pool == NULL ? -1 : 0;
}

#endif /* TEST_FRAG_H */
