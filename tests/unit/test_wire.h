/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests of wires: opening, taking frames, and a naive reader of frames that knows nothing of the code under test.
 */
#ifndef TESTS_UNIT_TEST_WIRE_H
#define TESTS_UNIT_TEST_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <rte_mbuf.h>

#include "eal.h"
#include "wire.h"

#define POOL_SIZE 16383u

static struct rte_mempool *pool;

static inline int
wire_test_setup(void **state)
{
	(void)state;
	if (unit_eal_init() != 0)
		return -1;
	pool = rte_pktmbuf_pool_create("wire", POOL_SIZE, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
	return pool != NULL ? 0 : -1;
}

/* Every test gives back what it took. */
static inline int
wire_test_end(void **state)
{
	(void)state;
	assert_int_equal(rte_mempool_avail_count(pool), POOL_SIZE);
	return 0;
}

static inline struct wire *
open_wire(const char *text, bool unpaced)
{
	struct wire_params p = { .text = text,
		.ethdev = 7,
		.seed = 1,
		.unpaced = unpaced,
		.link_bps = UINT64_C(25000000000),
		.mac = { 2, 0, 0, 0, 0, 1 },
		.socket = -1 };
	struct sim_error e = { .text = "?" };
	struct wire *w = NULL;

	if (wire_open(&p, &w, &e) != 0)
		fail_msg("%s: %s", text, e.text);
	return w;
}

/* Refused, with the key in what is said. */
static inline void
refuse(const char *text, const char *named)
{
	struct wire_params p = { .text = text, .seed = 1, .unpaced = true, .socket = -1 };
	struct sim_error e = { .text = "" };
	struct wire *w = NULL;
	const int err = wire_open(&p, &w, &e);

	if (err >= 0 || w != NULL)
		fail_msg("%s: was taken", text);
	if (strstr(e.text, named) == NULL)
		fail_msg("%s: '%s' does not name %s", text, e.text, named);
}

/* --- a naive reader --- */

struct seen_frame {
	uint32_t len; /* of the mbuf */
	uint8_t version, proto, flags;
	uint16_t vlan;
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t payload;
	const uint8_t *data; /* payload */
	uint32_t vni;	     /* UINT32_MAX: no VXLAN */
	uint32_t outer_src;
	uint16_t outer_sport;
};

static inline uint32_t
be(const uint8_t *d, unsigned int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *d++;
	return v;
}

static inline uint16_t
naive_sum(uint32_t sum, const uint8_t *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)d[i] << 8 : d[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Layer 3 and 4 at d; checks lengths and checksums on the way. Returns what is behind the headers. */
static inline const uint8_t *
read_ip(const uint8_t *d, uint32_t room, struct seen_frame *f)
{
	const uint32_t head = d[0] >> 4 == 6 ? 40 : 20, alen = d[0] >> 4 == 6 ? 16 : 4;
	const uint32_t at = alen == 16 ? 8 : 12;
	uint32_t total, l4_len;

	f->version = d[0] >> 4;
	total = f->version == 6 ? be(d + 4, 2) + 40 : be(d + 2, 2);
	assert_true(total <= room && total >= head + 8);
	if (f->version == 4) {
		assert_int_equal(d[0], 0x45);
		assert_int_equal(naive_sum(0, d, 20), 0xffff);
	}
	f->proto = f->version == 6 ? d[6] : d[9];
	memcpy(f->src, d + at, alen);
	memcpy(f->dst, d + at + alen, alen);
	l4_len = total - head;
	/* A checksum of 0 is checked by the caller who expects it. */
	if (f->proto == 6 || be(d + head + 6, 2) != 0)
		assert_int_equal(naive_sum(f->proto + l4_len + naive_sum(0, d + at, 2 * alen),
						 d + head, l4_len),
				0xffff);
	d += head;
	f->sport = (uint16_t)be(d, 2);
	f->dport = (uint16_t)be(d + 2, 2);
	if (f->proto == 6) {
		f->seq = be(d + 4, 4);
		f->ack = be(d + 8, 4);
		f->flags = d[13];
		assert_int_equal(d[12], 0x50);
		f->payload = l4_len - 20;
		return d + 20;
	}
	assert_int_equal(f->proto, 17);
	assert_int_equal(be(d + 4, 2), l4_len);
	f->payload = l4_len - 8;
	return d + 8;
}

static inline void
read_frame(const struct rte_mbuf *m, struct seen_frame *f)
{
	const uint8_t *d = rte_pktmbuf_mtod(m, const uint8_t *), *end = d + m->pkt_len;

	assert_int_equal(m->pkt_len, m->data_len);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->port, 7);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_true(m->ol_flags == 0 && m->data_off == RTE_PKTMBUF_HEADROOM && m->next == NULL);
	memset(f, 0, sizeof(*f));
	f->len = m->pkt_len;
	f->vni = UINT32_MAX;
	assert_true(m->pkt_len >= 60);
	d += 12;
	if (be(d, 2) == 0x8100) {
		f->vlan = (uint16_t)be(d + 2, 2);
		d += 4;
	}
	d += 2;
	f->data = read_ip(d, (uint32_t)(end - d), f);
	if (f->dport != 4789)
		return;
	assert_int_equal(be(d + 26, 2), 0); /* no outer UDP checksum */
	assert_int_equal(f->data[0], 8);
	f->vni = be(f->data + 4, 3);
	f->outer_src = be(f->src, 4);
	f->outer_sport = f->sport;
	d = f->data + 8 + 14;
	assert_int_equal(f->payload, end - d + 22);
	f->data = read_ip(d, (uint32_t)(end - d), f);
}

/* A hash of a tuple, for sets. */
static inline uint64_t
tuple_hash(const struct seen_frame *f)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (unsigned int i = 0; i < 16; i++)
		h = (h ^ f->src[i]) * UINT64_C(0x100000001b3);
	for (unsigned int i = 0; i < 16; i++)
		h = (h ^ f->dst[i]) * UINT64_C(0x100000001b3);
	h = (h ^ f->sport) * UINT64_C(0x100000001b3);
	h = (h ^ f->dport) * UINT64_C(0x100000001b3);
	h = (h ^ f->proto ^ (uint64_t)f->version << 8) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

/* Open addressing, a power of two that the test chooses; returns false if it was there. */
struct set {
	uint64_t *slot;
	uint32_t mask, n;
};

static inline bool
set_add(struct set *s, uint64_t h)
{
	uint32_t i = (uint32_t)h & s->mask;

	h |= 1;
	while (s->slot[i] != 0 && s->slot[i] != h)
		i = (i + 1) & s->mask;
	if (s->slot[i] == h)
		return false;
	s->slot[i] = h;
	s->n++;
	assert_true(s->n < s->mask);
	return true;
}

#endif /* TESTS_UNIT_TEST_WIRE_H */
