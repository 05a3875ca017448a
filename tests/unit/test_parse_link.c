/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser and what the device did: VLAN tags in the frame and out of it, checksum flags, headers
 * across segments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_mempool.h>

#include "eal.h"
#include "test_parse.h"

static const struct parse_params params = { .mac = TEST_MAC, .zone = 5, .hasher.seed = 9 };

/* Put n tags, (type << 16 | TCI) each, outermost first, between addresses and EtherType. */
static void
add_tags(struct frame *f, const uint32_t *tags, unsigned int n)
{
	memmove(f->b + 12 + 4 * n, f->b + 12, f->len - 12);
	f->len += 4 * n;
	for (unsigned int i = 0; i < n; i++) {
		frame_put16(f, 12 + 4 * i, (uint16_t)(tags[i] >> 16));
		frame_put16(f, 14 + 4 * i, (uint16_t)tags[i]);
	}
}

static void
test_vlan(void **state)
{
	static const struct {
		uint32_t tags[3];
		uint8_t n;
		uint8_t stripped; /* by the NIC: 1 VLAN, 2 QinQ */
		uint16_t vlan;
		enum drop_reason reason;
	} rows[] = {
		{ { 0x8100a064 }, 1, 0, 100, DROP_NONE },
		{ { 0x81000000 }, 1, 0, 0, DROP_NONE }, /* priority only */
		{ { 0x88a80007, 0x81000064 }, 2, 0, 7, DROP_NONE },
		{ { 0x91000007, 0x81000064 }, 2, 0, 7, DROP_NONE },
		{ { 0x81000007, 0x81000064, 0x81000065 }, 3, 0, 7, DROP_VLAN_DEPTH },
		{ { 0 }, 0, 1, 77, DROP_NONE },
		{ { 0x81000064 }, 1, 1, 77, DROP_NONE },
		{ { 0x81000064, 0x81000065 }, 2, 1, 77, DROP_VLAN_DEPTH },
		{ { 0 }, 0, 2, 88, DROP_NONE },
	};
	static const enum frame_kind kinds[] = { TCP4, UDP6 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows) * RTE_DIM(kinds); i++) {
		unsigned int r = i / RTE_DIM(kinds);
		struct flow_key key, plain;
		struct pkt_info info;
		struct rte_mbuf *m;
		struct frame f;

		frame_make(&f, kinds[i % RTE_DIM(kinds)]);
		m = mbuf_make(&f, NULL);
		parse_one(m, &params, &info, &plain);
		mbuf_free(m);

		add_tags(&f, rows[r].tags, rows[r].n);
		m = mbuf_make(&f, NULL);
		m->vlan_tci = 0xe000 | 77;
		m->vlan_tci_outer = 88;
		if (rows[r].stripped == 1)
			m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		if (rows[r].stripped == 2)
			m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED |
					RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
		assert_false(parse_plain(m, &params, &info, &key));
		parse_one(m, &params, &info, &key);
		assert_int_equal(info.reason, rows[r].reason);
		assert_int_equal(info.vlan, rows[r].vlan);
		assert_int_equal(info.flags & PKT_F_VLAN, PKT_F_VLAN);
		if (rows[r].reason == DROP_NONE) {
			assert_int_equal(info.flags, PKT_F_VLAN);
			assert_int_equal(info.l3_off, IP_OFF + 4 * rows[r].n);
			assert_true(flow_key_eq(&key, &plain));
		}
		mbuf_free(m);
	}
}

/* What the NIC says, against what is true. */
static void
test_nic_flags(void **state)
{
	static const struct {
		enum frame_kind kind;
		bool ip_broken, l4_broken, verify;
		uint64_t ol;
		uint16_t flags;
		enum drop_reason reason;
	} rows[] = {
		{ TCP4, false, false, false, RTE_MBUF_F_RX_L4_CKSUM_GOOD, PKT_F_L4_CSUM_GOOD, 0 },
		{ TCP6, false, false, false, RTE_MBUF_F_RX_L4_CKSUM_NONE, PKT_F_L4_CSUM_GOOD, 0 },
		/* Trusted, also where it is needless to look. */
		{ TCP4, false, true, true, RTE_MBUF_F_RX_L4_CKSUM_GOOD, PKT_F_L4_CSUM_GOOD, 0 },
		{ TCP4, true, false, false, RTE_MBUF_F_RX_IP_CKSUM_GOOD, 0, 0 },
		/* Not trusted: NICs do not verify ICMP, but some say good. */
		{ ECHO4, false, true, false, RTE_MBUF_F_RX_L4_CKSUM_GOOD, 0, 0 },
		{ ECHO4, false, true, true, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
				PKT_F_L4_CSUM_BAD | PKT_F_INVALID | PKT_F_CONTROL,
				DROP_ICMP_CHECKSUM },
		{ ECHO4, false, true, false, RTE_MBUF_F_RX_L4_CKSUM_BAD, 0, 0 },
		/* Bad: looked at again. */
		{ UDP4, false, false, false, RTE_MBUF_F_RX_L4_CKSUM_BAD, PKT_F_L4_CSUM_GOOD, 0 },
		{ UDP6, false, true, false, RTE_MBUF_F_RX_L4_CKSUM_BAD,
				PKT_F_L4_CSUM_BAD | PKT_F_INVALID | PKT_F_CONTROL,
				DROP_UDP_CHECKSUM },
		{ TCP4, false, false, false, RTE_MBUF_F_RX_IP_CKSUM_BAD, 0, 0 },
		{ TCP4, true, false, false, RTE_MBUF_F_RX_IP_CKSUM_BAD, PKT_F_DROP,
				DROP_IP4_CHECKSUM },
		/* Unknown, and nobody asked. */
		{ TCP4, false, true, false, 0, 0, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct parse_params pp = params;
		struct pkt_burst b = { .n = 1 };
		struct flow_key key;
		struct pkt_info info;
		struct frame f;

		pp.sum = cksum_sum_best();
		pp.verify_l4 = rows[i].verify;
		frame_make(&f, rows[i].kind);
		f.b[24] ^= rows[i].ip_broken;
		f.b[f.len - 1] ^= rows[i].l4_broken;
		b.mbuf[0] = mbuf_make(&f, NULL);
		b.mbuf[0]->ol_flags = rows[i].ol;
		parse_burst(&b, &pp);
		assert_int_equal(b.info[0].flags, rows[i].flags);
		assert_int_equal(b.info[0].reason, rows[i].reason);
		assert_int_equal(b.key[0].family == 0, rows[i].reason != 0);
		parse_one(b.mbuf[0], &pp, &info, &key);
		assert_memory_equal(&info, &b.info[0], sizeof(info));
		mbuf_free(b.mbuf[0]);
	}
}

static struct rte_mbuf *
pool_chain(struct rte_mempool *pool, const struct frame *f, uint16_t step)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t off = 0; off < f->len; off += step) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		uint16_t n = (uint16_t)RTE_MIN((uint32_t)step, f->len - off);

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, n), f->b + off, n);
		if (head == NULL)
			head = m;
		else
			assert_int_equal(rte_pktmbuf_chain(head, m), 0);
	}
	return head;
}

/* After a burst is parsed, headers lie in the first segment; nothing is lost, nothing leaks. */
static void
test_headers_joined(void **state)
{
	struct rte_mempool *pool = *state;
	struct pkt_burst b = { .n = PKT_BURST_MAX };
	struct frame f[PKT_BURST_MAX];

	for (uint16_t step = 1; step < 90; step++) {
		for (unsigned int i = 0; i < b.n; i++) {
			frame_make(&f[i], i % FRAME_KINDS);
			b.mbuf[i] = pool_chain(pool, &f[i], step);
		}
		parse_burst(&b, &params);
		for (unsigned int i = 0; i < b.n; i++) {
			struct rte_mbuf *whole = mbuf_make(&f[i], NULL);
			const struct pkt_info *info = &b.info[i];
			struct pkt_info want;
			struct flow_key key;
			uint8_t buf[FRAME_MAX];
			const uint8_t *bytes;

			parse_one(whole, &params, &want, &key);
			assert_memory_equal(info, &want, sizeof(want));
			assert_true(flow_key_eq(&b.key[i], &key));
			assert_int_equal(b.hash[i],
					key.family != 0 ? flow_hash(&key, params.hasher.seed) : 0);
			assert_true(b.mbuf[i]->data_len >=
					RTE_MIN(info->payload_off, info->l4_off + 60));
			if (info->flags & (PKT_F_ARP | PKT_F_ND | PKT_F_ICMP_ERROR))
				assert_int_equal(b.mbuf[i]->data_len, f[i].len);
			bytes = rte_pktmbuf_read(b.mbuf[i], 0, f[i].len, buf);
			assert_memory_equal(bytes, f[i].b, f[i].len);
			mbuf_free(whole);
			rte_pktmbuf_free(b.mbuf[i]);
		}
		assert_int_equal(rte_mempool_in_use_count(pool), 0);
	}
}

/* No room to join the headers in: dropped, and still nobody's to read wrongly. */
static void
test_headers_split(void **state)
{
	const uint16_t cut[] = { 40, 0 };
	struct pkt_burst b = { .n = 1 };
	struct frame f;

	(void)state;
	frame_make(&f, TCP4);
	b.mbuf[0] = mbuf_make(&f, cut);
	parse_burst(&b, &params);
	assert_int_equal(b.info[0].flags, PKT_F_DROP);
	assert_int_equal(b.info[0].reason, DROP_HDR_SPLIT);
	assert_int_equal(b.key[0].family, 0);
	assert_int_equal(b.hash[0], 0);
	mbuf_free(b.mbuf[0]);
}

static int
setup(void **state)
{
	*state = rte_pktmbuf_pool_create("parse", 8191, 0, sizeof(struct pkt_meta),
			RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	rte_mempool_free(*state);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_nic_flags),
		cmocka_unit_test(test_headers_joined),
		cmocka_unit_test(test_headers_split),
	};

	if (unit_eal_init() != 0)
		return 77;
	return cmocka_run_group_tests(tests, setup, teardown);
}
