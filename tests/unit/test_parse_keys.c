/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of zones that are not told apart by 5-tuples: what the parser makes of single packets, bursts and quotations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_parse.h"

static struct parse_params
params_of(enum flow_keys keys, enum flow_hash_kind kind)
{
	return (struct parse_params){ .mac = TEST_MAC,
		.zone = 5,
		.keys = (uint8_t)keys,
		.hasher = flow_hasher_make(kind, 77, NULL) };
}

/* A datagram to `port` whose payload begins with `head`, from a source port of its own. */
static void
datagram(struct frame *f, bool v6, uint16_t port, const uint8_t head[8], uint16_t sport)
{
	const uint16_t l4 = v6 ? IP6_L4 : IP4_L4;

	frame_make(f, v6 ? UDP6 : UDP4);
	frame_put16(f, l4, sport);
	frame_put16(f, l4 + 2, port);
	memcpy(f->b + l4 + 8, head, 8);
	frame_seal_l4(f, l4, IPPROTO_UDP, l4 + 6);
}

static const struct head {
	const char *name;
	uint16_t port;
	uint8_t proto; /* 0: no tunnel */
	uint32_t id;
	uint8_t head[8];
} heads[] = {
	{ "vxlan", 4789, FLOW_PROTO_VXLAN, 0xabcdef, { 8, 0, 0, 0, 0xab, 0xcd, 0xef, 0x99 } },
	{ "vxlan, reserved bits", 4789, FLOW_PROTO_VXLAN, 1,
			{ 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 1 } },
	{ "vxlan, id 0", 4789, FLOW_PROTO_VXLAN, 0, { 8 } },
	{ "vxlan without an id", 4789, 0, 0, { 0xf7, 0, 0, 0, 0, 0, 1, 0 } },
	{ "geneve", 6081, FLOW_PROTO_GENEVE, 0xfffffe, { 0, 0, 0x65, 0x58, 0xff, 0xff, 0xfe, 0 } },
	{ "geneve, options", 6081, FLOW_PROTO_GENEVE, 2, { 2, 0, 0x65, 0x58, 0, 0, 2, 0 } },
	{ "geneve, options beyond", 6081, 0, 0, { 3, 0, 0x65, 0x58, 0, 0, 2, 0 } },
	{ "geneve, version 1", 6081, 0, 0, { 0x40, 0, 0x65, 0x58, 0, 0, 2, 0 } },
	{ "gtpu", 2152, FLOW_PROTO_GTPU, 0x89abcdef, { 0x30, 255, 0, 8, 0x89, 0xab, 0xcd, 0xef } },
	{ "gtpu, sequence number", 2152, FLOW_PROTO_GTPU, 7, { 0x32, 255, 0, 8, 0, 0, 0, 7 } },
	{ "gtpu, end marker", 2152, FLOW_PROTO_GTPU, 7, { 0x30, 254, 0, 8, 0, 0, 0, 7 } },
	{ "gtpu, echo", 2152, 0, 0, { 0x32, 1, 0, 8, 0, 0, 0, 0 } },
	{ "gtp'", 2152, 0, 0, { 0x20, 255, 0, 8, 0, 0, 0, 7 } },
	{ "another port", 4790, 0, 0, { 8, 0, 0, 0, 0, 0, 1, 0 } },
};

static void
test_tunnels(void **state)
{
	const struct parse_params pp = params_of(FLOW_KEYS_TUNNEL, *(enum flow_hash_kind *)*state);
	const struct parse_params plain = params_of(FLOW_KEYS_5TUPLE, pp.hasher.kind);

	for (unsigned int i = 0; i < 2 * RTE_DIM(heads); i++) {
		const struct head *h = &heads[i / 2];
		const bool v6 = i & 1;

		for (uint16_t cut = 0; cut < 80; cut++) {
			const uint16_t cuts[] = { cut, 0 };
			struct flow_key key, want, fast_key;
			struct pkt_info info, fast;
			struct flow_tuple t;
			struct rte_mbuf *m;
			struct frame f;

			datagram(&f, v6, h->port, h->head, (uint16_t)(50000 + cut));
			m = mbuf_make(&f, cuts);
			parse_one(m, &plain, &info, &want);
			assert_int_equal(want.proto, IPPROTO_UDP);
			if (h->proto != 0)
				flow_key_set_id(&want, h->proto, h->id);
			parse_one(m, &pp, &info, &key);
			assert_memory_equal(&key, &want, sizeof(key));
			assert_int_equal(info.flags, 0);
			if (parse_plain(m, &pp, &fast, &fast_key)) {
				assert_memory_equal(&fast, &info, sizeof(info));
				assert_memory_equal(&fast_key, &want, sizeof(want));
			}
			assert_true(parse_tuple_of(m, &info, &pp, &t));
			flow_tuple_key(&pp.hasher, &t, &key);
			assert_memory_equal(&key, &want, sizeof(key));
			/* The answer has the id where it was. */
			assert_true(flow_tuple_reply(&t, &t));
			if (h->proto != 0)
				assert_int_equal(flow_key_id(&t.key), h->id);
			mbuf_free(m);
		}
	}
}

/* An id that is cut off names no tunnel: such a datagram has ports. */
static void
test_short_tunnels(void **state)
{
	const struct parse_params pp = params_of(FLOW_KEYS_TUNNEL, FLOW_HASH_CRC32C);

	(void)state;
	for (uint16_t len = 8; len <= 24; len++) {
		struct pkt_info info;
		struct flow_key key;
		struct rte_mbuf *m;
		struct frame f;

		datagram(&f, false, 4789, heads[0].head, 50000);
		frame_put16(&f, IP4_L4 + 4, len);
		m = mbuf_make(&f, NULL);
		parse_one(m, &pp, &info, &key);
		assert_int_equal(key.proto, len < 16 ? IPPROTO_UDP : FLOW_PROTO_VXLAN);
		mbuf_free(m);
	}
}

/* Any packet of two hosts has their key, and goes to control for nothing that its protocol says. */
static void
test_addresses(void **state)
{
	const struct parse_params pp =
			params_of(FLOW_KEYS_ADDRESSES, *(enum flow_hash_kind *)*state);
	static const enum frame_kind kinds[] = { TCP4, UDP4, LITE4, SCTP4, ECHO4, GRE4, OTHER4,
		TCP6, UDP6, LITE6, SCTP6, ECHO6, OTHER6 };
	struct flow_key want[2] = { 0 };

	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		for (unsigned int flags = 0; flags < 64; flags++) {
			struct flow_key key, fast_key;
			struct pkt_info info, fast;
			struct rte_mbuf *m;
			struct frame f;

			frame_make(&f, kinds[i]);
			if (kinds[i] == TCP4 || kinds[i] == TCP6)
				f.b[(kinds[i] == TCP6 ? IP6_L4 : IP4_L4) + 13] = (uint8_t)flags;
			m = mbuf_make(&f, NULL);
			parse_one(m, &pp, &info, &key);
			assert_int_equal(info.flags & PKT_F_CONTROL, 0);
			if (want[key.family == 6].family == 0)
				want[key.family == 6] = key;
			assert_memory_equal(&key, &want[key.family == 6], sizeof(key));
			assert_int_equal(key.proto, FLOW_PROTO_ANY);
			assert_int_equal(key.sport | key.dport, 0);
			assert_int_equal(key.zone, 5);
			if (parse_plain(m, &pp, &fast, &fast_key)) {
				assert_memory_equal(&fast, &info, sizeof(info));
				assert_memory_equal(&fast_key, &key, sizeof(key));
			}
			mbuf_free(m);
		}
	}
	assert_int_equal(want[0].family, 4);
	assert_int_equal(want[1].family, 6);
}

/* Fragments, errors and what is broken have no key, as everywhere; what is for a link-local address is control's. */
static void
test_keyless(void **state)
{
	for (enum flow_keys keys = FLOW_KEYS_5TUPLE; keys <= FLOW_KEYS_ADDRESSES; keys++) {
		const struct parse_params pp = params_of(keys, *(enum flow_hash_kind *)*state);
		static const uint8_t fragment[8] = { IPPROTO_UDP, 0, 0, 1 };
		struct pkt_burst b = { .n = 6 };
		struct frame f;

		frame_make(&f, UDP4);
		frame_put16(&f, IP_OFF + 6, 0x2000);
		frame_seal_ip4(&f, IP_OFF);
		b.mbuf[0] = mbuf_make(&f, NULL);
		frame_put16(&f, IP_OFF + 6, 0x0010);
		frame_seal_ip4(&f, IP_OFF);
		b.mbuf[1] = mbuf_make(&f, NULL);
		frame_make(&f, UDP6);
		f.b[IP_OFF + 6] = 44;
		frame_insert(&f, IP6_L4, fragment, 8);
		b.mbuf[2] = mbuf_make(&f, NULL);
		frame_make(&f, UNREACH6);
		b.mbuf[3] = mbuf_make(&f, NULL);
		frame_make(&f, TCP4);
		f.b[IP4_L4 + 12] = 0x40;
		b.mbuf[4] = mbuf_make(&f, NULL);
		frame_make(&f, TCP6);
		memcpy(f.b + IP_OFF + 24, "\xfe\x80", 2);
		b.mbuf[5] = mbuf_make(&f, NULL);
		parse_burst(&b, &pp);
		for (unsigned int i = 0; i < 5; i++) {
			assert_int_equal(b.key[i].w[0] | b.key[i].w[1], 0);
			assert_int_equal(b.hash[i], 0);
		}
		assert_int_equal(b.info[0].flags, PKT_F_FRAG | PKT_F_FRAG_FIRST | PKT_F_CONTROL);
		assert_int_equal(b.info[3].flags, PKT_F_ICMP_ERROR | PKT_F_CONTROL);
		assert_int_equal(b.info[4].flags, PKT_F_INVALID | PKT_F_CONTROL);
		assert_int_equal(b.info[5].flags, PKT_F_CONTROL);
		assert_int_equal(b.key[5].family, 6);
		for (unsigned int i = 0; i < b.n; i++)
			mbuf_free(b.mbuf[i]);
	}
}

/* Bursts of everything: what parse_one() says, with the right hashes. */
static void
test_bursts(void **state)
{
	srandom(6);
	for (unsigned int round = 0; round < 600; round++) {
		const struct parse_params pp = params_of(round % 3, *(enum flow_hash_kind *)*state);
		struct pkt_burst b = { .n = (uint16_t)(random() % (PKT_BURST_MAX + 1)) };

		for (unsigned int i = 0; i < b.n; i++) {
			const struct head *h = &heads[(size_t)random() % RTE_DIM(heads)];
			struct frame f;

			if (random() & 1)
				datagram(&f, random() & 1, h->port, h->head, (uint16_t)random());
			else
				frame_make(&f, (enum frame_kind)(random() % FRAME_KINDS));
			b.mbuf[i] = mbuf_make(&f, NULL);
		}
		parse_burst(&b, &pp);
		for (unsigned int i = 0; i < b.n; i++) {
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

/* Packets that carry a number which keys use for something else are told from it, and from each other. */
static void
test_pseudo(void **state)
{
	(void)state;
	for (enum flow_keys keys = FLOW_KEYS_5TUPLE; keys <= FLOW_KEYS_TUNNEL; keys++) {
		const struct parse_params pp = params_of(keys, FLOW_HASH_CRC32C);

		for (unsigned int proto = 200; proto < 256; proto++) {
			const bool pseudo = proto >= FLOW_PROTO_PSEUDO;
			struct flow_tuple t, back;
			struct pkt_info info;
			struct flow_key key;
			struct rte_mbuf *m;
			struct frame f;

			frame_make(&f, OTHER4);
			f.b[IP_OFF + 9] = (uint8_t)proto;
			frame_seal_ip4(&f, IP_OFF);
			m = mbuf_make(&f, NULL);
			parse_one(m, &pp, &info, &key);
			assert_int_equal(info.proto, proto);
			assert_int_equal(key.proto, pseudo ? FLOW_PROTO_RAW : proto);
			assert_int_equal(flow_key_carries(&key), proto);
			assert_false(flow_key_bare(&key));
			assert_true(parse_tuple_of(m, &info, &pp, &t));
			assert_true(flow_tuple_reply(&t, &back));
			assert_int_equal(flow_key_carries(&back.key), proto);
			mbuf_free(m);
		}
	}
}

/* A quotation has the key of the packet that it quotes, if it shows as much as that takes. */
static void
test_quoted(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * RTE_DIM(heads); i++) {
		const struct head *h = &heads[i / 2];
		const bool v6 = i & 1;
		const uint16_t ip_len = v6 ? 40 : 20;

		for (uint16_t n = ip_len + 8; n <= ip_len + 24; n++) {
			const struct parse_params pp =
					params_of(FLOW_KEYS_TUNNEL, FLOW_HASH_CRC32C);
			const struct parse_params any =
					params_of(FLOW_KEYS_ADDRESSES, FLOW_HASH_CRC32C);
			struct pkt_info outer, inner, was;
			struct flow_tuple t, want;
			struct frame about, f;
			struct flow_key key;
			struct rte_mbuf *m;

			datagram(&about, v6, h->port, h->head, 50000);
			m = mbuf_make(&about, NULL);
			parse_one(m, &pp, &was, &key);
			assert_true(n >= ip_len + 16 ? parse_tuple_of(m, &was, &pp, &want)
						     : parse_tuple(m, &was, 5, &want));
			mbuf_free(m);
			frame_make(&f, v6 ? UNREACH6 : UNREACH4);
			f.len -= PAYLOAD;
			frame_put16(&f, IP_OFF + (v6 ? 4 : 2),
					(uint16_t)(f.len - (v6 ? IP6_L4 : IP_OFF)));
			frame_insert(&f, f.len, about.b + IP_OFF, n);
			if (!v6)
				frame_seal_ip4(&f, IP_OFF);
			m = mbuf_make(&f, NULL);
			parse_one(m, &pp, &outer, &key);
			assert_int_equal(key.family, 0);
			assert_int_equal(parse_icmp_inner(m, &outer, 5, &inner, &t), DROP_NONE);
			parse_rekey(m, &inner, &pp, &t.key);
			assert_memory_equal(&t, &want, sizeof(t));
			parse_rekey(m, &inner, &any, &t.key);
			assert_int_equal(t.key.proto, FLOW_PROTO_ANY);
			assert_int_equal(t.key.sport | t.key.dport, 0);
			mbuf_free(m);
		}
	}
}

int
main(void)
{
	static enum flow_hash_kind crc = FLOW_HASH_CRC32C, sip = FLOW_HASH_SIPHASH;
#define BOTH(f) cmocka_unit_test_prestate(f, &crc), cmocka_unit_test_prestate(f, &sip)
	const struct CMUnitTest tests[] = {
		BOTH(test_tunnels),
		BOTH(test_addresses),
		BOTH(test_keyless),
		BOTH(test_bursts),
		cmocka_unit_test(test_short_tunnels),
		cmocka_unit_test(test_pseudo),
		cmocka_unit_test(test_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
