/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fast parser against the complete one: whatever the fast one takes, both read alike, to the
 * last bit; and it does take what it was made for. Random damage to random frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_parse.h"

#define ROUNDS 300000

static uint32_t
below(uint32_t n)
{
	return (uint32_t)random() % n;
}

static struct parse_params
random_params(void)
{
	return (struct parse_params){
		.mac = TEST_MAC,
		.zone = (uint16_t)random(),
		.hasher = flow_hasher_make(below(2) ? FLOW_HASH_SIPHASH : FLOW_HASH_CRC32C,
				(uint32_t)random(), NULL),
		.promiscuous = below(4) == 0,
		.forward_multicast = below(4) == 0,
		.sum = cksum_sum_best(),
		.verify_l4 = below(4) == 0,
	};
}

/* Values that sit on the edges of what is allowed, and others. */
static uint8_t
random_byte(uint8_t was)
{
	static const uint8_t edges[] = { 0, 1, 2, 4, 6, 17, 0x45, 0x46, 0x60, 0x50, 0x7f, 0xe0,
		0xf0, 0xfe, 0xff };

	switch (below(4)) {
	case 0:
		return edges[below(sizeof(edges))];
	case 1:
		return (uint8_t)(was + 1);
	case 2:
		return (uint8_t)(was - 1);
	default:
		return (uint8_t)random();
	}
}

static void
damage(struct frame *f)
{
	uint32_t n = below(4);
	bool v4 = f->b[12] == 0x08;

	while (n-- > 0) {
		uint32_t at = below(RTE_MIN(f->len, 80u));

		f->b[at] = random_byte(f->b[at]);
	}
	if (below(6) == 0)
		f->len -= below(RTE_MIN(f->len, 60u));
	else if (below(4) == 0)
		f->len += below(20);
	/* Mostly, or little would get past it. */
	if (v4 && f->len >= IP4_L4 && below(8) != 0)
		frame_seal_ip4(f, IP_OFF);
}

static uint64_t
random_ol_flags(void)
{
	static const uint64_t flags[] = { 0, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
		RTE_MBUF_F_RX_IP_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_BAD,
		RTE_MBUF_F_RX_L4_CKSUM_NONE | RTE_MBUF_F_RX_IP_CKSUM_NONE,
		RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED };

	return below(3) != 0 ? 0 : flags[below(RTE_DIM(flags))];
}

static void
test_agree(void **state)
{
	unsigned int taken = 0, valid = 0;

	(void)state;
	srandom(4);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct parse_params pp = random_params();
		const uint16_t cut[] = { (uint16_t)(below(2) ? 0 : below(90)), 0 };
		struct pkt_info fast, slow;
		struct flow_key fast_key, slow_key;
		struct rte_mbuf *m;
		struct frame f;

		frame_make(&f, below(FRAME_KINDS));
		damage(&f);
		m = mbuf_make(&f, cut);
		m->ol_flags = random_ol_flags();
		parse_one(m, &pp, &slow, &slow_key);
		valid += (slow.flags & PKT_F_DROP) == 0;
		if (parse_plain(m, &pp, &fast, &fast_key)) {
			taken++;
			assert_memory_equal(&fast, &slow, sizeof(fast));
			assert_memory_equal(&fast_key, &slow_key, sizeof(fast_key));
		}
		mbuf_free(m);
	}
	/* Or there was nothing to compare. */
	assert_in_range(taken, ROUNDS / 20, ROUNDS);
	assert_in_range(valid, ROUNDS / 4, ROUNDS - ROUNDS / 10);
}

/* Both, on what they were written for. */
static void
test_taken(void **state)
{
	static const enum frame_kind kinds[] = { TCP4, UDP4, TCP6, UDP6 };
	const struct parse_params pp = { .mac = TEST_MAC, .zone = 0x1234 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		bool v6 = kinds[i] == TCP6 || kinds[i] == UDP6;
		bool tcp = kinds[i] == TCP4 || kinds[i] == TCP6;
		uint16_t l4 = v6 ? IP6_L4 : IP4_L4;
		struct flow_tuple tuple;
		struct pkt_info info;
		struct flow_key key;
		struct rte_mbuf *m;
		struct frame f;

		frame_make(&f, kinds[i]);
		m = mbuf_make(&f, NULL);
		assert_true(parse_plain(m, &pp, &info, &key));
		assert_int_equal(info.l3_off, IP_OFF);
		assert_int_equal(info.l4_off, l4);
		assert_int_equal(info.payload_off, l4 + (tcp ? 20 : 8));
		assert_int_equal(info.l3_len, f.len - IP_OFF);
		assert_int_equal(info.tcp_flags, tcp ? 0x10 : 0);
		assert_int_equal(key.family, v6 ? 6 : 4);
		assert_int_equal(key.proto, tcp ? IPPROTO_TCP : IPPROTO_UDP);
		assert_int_equal(key.zone, 0x1234);
		assert_int_equal(key.sport, rte_cpu_to_be_16(12345));
		assert_int_equal(key.dport, rte_cpu_to_be_16(tcp ? 80 : 53));
		assert_true(parse_tuple(m, &info, pp.zone, &tuple));
		flow_tuple_key(&pp.hasher, &tuple, &tuple.key);
		assert_true(flow_key_eq(&tuple.key, &key));
		assert_memory_equal(tuple.src.b, f.b + (v6 ? 22 : 26), v6 ? 16 : 4);
		assert_memory_equal(tuple.dst.b, f.b + (v6 ? 38 : 30), v6 ? 16 : 4);
		mbuf_free(m);
	}
}

/* Every length of a burst, with slow packets between the fast ones; with either hash. */
static void
test_bursts(void **state)
{
	const enum flow_hash_kind *kind = *state;
	const struct parse_params pp = { .mac = TEST_MAC,
		.hasher = flow_hasher_make(*kind, 77, NULL) };

	srandom(5);
	for (uint16_t n = 0; n <= PKT_BURST_MAX; n++) {
		struct pkt_burst b = { .n = n };

		for (unsigned int i = 0; i < n; i++) {
			struct frame f;

			frame_make(&f, below(FRAME_KINDS));
			f.b[IP6_L4 - 1] = (uint8_t)i;
			b.mbuf[i] = mbuf_make(&f, NULL);
		}
		parse_burst(&b, &pp);
		for (unsigned int i = 0; i < n; i++) {
			struct pkt_info info;
			struct flow_key key;

			parse_one(b.mbuf[i], &pp, &info, &key);
			assert_memory_equal(&b.info[i], &info, sizeof(info));
			assert_memory_equal(&b.key[i], &key, sizeof(key));
			assert_int_equal(b.hash[i],
					key.family ? flow_hasher_hash(&pp.hasher, &key) : 0);
			mbuf_free(b.mbuf[i]);
		}
	}
}

int
main(void)
{
	static enum flow_hash_kind crc = FLOW_HASH_CRC32C, sip = FLOW_HASH_SIPHASH;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_agree),
		cmocka_unit_test_prestate(test_bursts, &crc),
		cmocka_unit_test_prestate(test_bursts, &sip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
