/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets in packets: what ICMP errors quote, what tunnels carry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_parse.h"

static const struct parse_params params = { .mac = TEST_MAC, .zone = 5 };

/* An error whose payload is the first `n` bytes of the IP packet in `about` (0 = all). */
static void
quote(struct frame *f, const struct frame *about, uint32_t n)
{
	bool v6 = about->b[IP_OFF] >> 4 == 6;

	frame_make(f, v6 ? UNREACH6 : UNREACH4);
	f->len -= PAYLOAD;
	frame_put16(f, IP_OFF + (v6 ? 4 : 2), (uint16_t)(f->len - (v6 ? IP6_L4 : IP_OFF)));
	frame_insert(f, f->len, about->b + IP_OFF, n != 0 ? n : about->len - IP_OFF);
	if (!v6)
		frame_seal_ip4(f, IP_OFF);
}

struct quoted_row {
	const char *name;
	enum frame_kind kind;
	uint16_t at; /* set in the quoted frame */
	uint8_t len;
	const char *bytes;
	uint16_t n; /* bytes that are quoted; 0 = all */
	bool refused;
};

#define S(bytes) sizeof(bytes) - 1, bytes
static const struct quoted_row quoted_rows[] = {
	{ "tcp", TCP4, 0, S(""), 0, false },
	{ "tcp, 8 bytes", TCP4, 0, S(""), 28, false },
	{ "tcp, ports only", TCP4, 0, S(""), 24, false },
	{ "tcp, 3 bytes", TCP4, 0, S(""), 23, true },
	{ "udp, header only", UDP4, 0, S(""), 20, true },
	{ "udp, half a header", UDP4, 0, S(""), 19, true },
	{ "udp6, 8 bytes", UDP6, 0, S(""), 48, false },
	{ "udp6, ports only", UDP6, 0, S(""), 44, false },
	{ "udp6, 3 bytes", UDP6, 0, S(""), 43, true },
	{ "udp6, half a header", UDP6, 0, S(""), 39, true },
	{ "echo", ECHO4, 0, S(""), 28, false },
	{ "echo, 7 bytes", ECHO4, 0, S(""), 27, true },
	{ "echo6", ECHO6, 0, S(""), 48, false },
	{ "gre, half a header", GRE4, 0, S(""), 24, false },
	{ "gre, less", GRE4, 0, S(""), 23, true },
	{ "sctp, 8 bytes", SCTP4, 0, S(""), 28, false },
	{ "lite, 8 bytes", LITE4, 0, S(""), 28, false },
	{ "other", OTHER4, 0, S(""), 0, false },
	{ "error about an error", UNREACH4, 0, S(""), 0, true },
	{ "error about an error 6", UNREACH6, 0, S(""), 0, true },
	{ "wrong checksum, as NAT leaves it", UDP4, 24, S("\x12\x34"), 0, false },
	{ "zero ttl", UDP4, 22, S("\0"), 0, false },
	{ "version 5", UDP4, 14, S("\x55"), 0, true },
	{ "version 6 in an icmp error", UDP4, 14, S("\x65"), 0, true },
	{ "ihl 4", UDP4, 14, S("\x44"), 0, true },
	{ "ihl beyond", UDP4, 14, S("\x4f"), 0, true },
	{ "options that reach to the ports", UDP4, 14, S("\x49"), 0, false },
	{ "total below header", UDP4, 16, S("\0\x13"), 0, true },
	{ "total without ports", UDP4, 16, S("\0\x17"), 0, true },
	{ "total beyond the quote", UDP4, 16, S("\x05\xdc"), 0, false },
	{ "first fragment", UDP4, 20, S("\x20\0"), 0, false },
	{ "later fragment", UDP4, 20, S("\0\x10"), 0, true },
	{ "extension header", OTHER6, 20, S("\x3c"), 0, true },
};
#undef S

static void
test_quoted(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(quoted_rows); i++) {
		const struct quoted_row *r = &quoted_rows[i];
		bool v6;

		for (uint16_t cut = 0; cut < 120; cut += 1) {
			const uint16_t cuts[] = { cut, 0 };
			struct pkt_info outer, inner, was;
			struct flow_tuple tuple, want;
			struct frame about, f;
			struct flow_key key;
			struct rte_mbuf *m;

			frame_make(&about, r->kind);
			m = mbuf_make(&about, NULL);
			parse_one(m, &params, &was, &key);
			if (!r->refused)
				assert_true(parse_tuple(m, &was, params.zone, &want));
			mbuf_free(m);

			memcpy(about.b + r->at, r->bytes, r->len);
			quote(&f, &about, r->n);
			v6 = f.b[IP_OFF] >> 4 == 6;
			m = mbuf_make(&f, cuts);
			parse_one(m, &params, &outer, &key);
			assert_int_equal(outer.flags, PKT_F_ICMP_ERROR | PKT_F_CONTROL);
			assert_int_equal(parse_icmp_inner(m, &outer, params.zone, &inner, &tuple),
					r->refused ? DROP_ICMP_INNER : DROP_NONE);
			if (!r->refused) {
				uint16_t ip = (v6 ? IP6_L4 : IP4_L4) + 8;

				assert_int_equal(inner.l3_off, ip);
				assert_int_equal(tuple.key.family, want.key.family);
				assert_int_equal(tuple.key.proto, want.key.proto);
				assert_memory_equal(&tuple.src, &want.src, sizeof(want.src));
				if (about.b[14] != 0x49)
					assert_memory_equal(&tuple, &want, sizeof(want));
				else
					assert_int_equal(inner.l4_off, ip + 36);
			}
			mbuf_free(m);
		}
	}
}

/* A GRE key is part of the tuple, so a quotation must reach as far. */
static void
test_quoted_gre(void **state)
{
	(void)state;
	for (unsigned int sum = 0; sum < 2; sum++) {
		for (uint16_t n = 28; n < 40; n++) {
			struct pkt_info outer, inner, was;
			struct flow_tuple tuple, want;
			struct frame about, f;
			struct flow_key key;
			struct rte_mbuf *m;

			frame_make(&about, GRE4);
			about.b[34] = sum ? 0xa0 : 0x20;
			m = mbuf_make(&about, NULL);
			parse_one(m, &params, &was, &key);
			assert_true(parse_tuple(m, &was, params.zone, &want));
			mbuf_free(m);
			assert_int_not_equal(want.key.sport, 0);
			quote(&f, &about, n);
			m = mbuf_make(&f, NULL);
			parse_one(m, &params, &outer, &key);
			if (n < 28 + 4 * sum) {
				assert_int_equal(parse_icmp_inner(m, &outer, params.zone, &inner,
								 &tuple),
						DROP_ICMP_INNER);
			} else {
				assert_int_equal(parse_icmp_inner(m, &outer, params.zone, &inner,
								 &tuple),
						DROP_NONE);
				assert_memory_equal(&tuple, &want, sizeof(want));
			}
			mbuf_free(m);
		}
	}
}

/* IPv6 quotes with extension headers, which need insertions. */
static void
test_quoted_extensions(void **state)
{
	static const struct {
		uint8_t next;
		uint8_t bytes[8];
		enum drop_reason reason;
	} rows[] = {
		{ 60, { 17, 0, 1, 4 }, DROP_NONE },
		{ 44, { 17, 0, 0, 1 }, DROP_NONE },
		{ 44, { 17, 0, 0, 9 }, DROP_ICMP_INNER },
		{ 60, { 17, 9, 1, 4 }, DROP_ICMP_INNER },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct pkt_info outer, inner;
		struct flow_tuple tuple;
		struct frame about, f;
		struct flow_key key;
		struct rte_mbuf *m;

		frame_make(&about, UDP6);
		frame_insert(&about, IP6_L4, rows[i].bytes, 8);
		about.b[IP_OFF + 6] = rows[i].next;
		quote(&f, &about, 0);
		m = mbuf_make(&f, NULL);
		parse_one(m, &params, &outer, &key);
		assert_int_equal(parse_icmp_inner(m, &outer, 5, &inner, &tuple), rows[i].reason);
		if (rows[i].reason == DROP_NONE)
			assert_int_equal(tuple.key.dport, rte_cpu_to_be_16(53));
		mbuf_free(m);
	}
}

struct tunnel_row {
	const char *name;
	uint16_t port;
	uint8_t len;
	uint8_t header[32];
	int carried; /* enum frame_kind, from its Ethernet or IP header; -1 = nothing */
	bool ethernet;
	enum parse_tunnel_type type;
	uint32_t id;
	uint8_t inner_family;
};

#define NOTHING -1
static const struct tunnel_row tunnel_rows[] = {
	{ "vxlan", 4789, 8, { 8, 0, 0, 0, 1, 2, 3 }, TCP4, true, PARSE_TUNNEL_VXLAN, 0x010203, 4 },
	{ "vxlan 6", 4789, 8, { 8, 0, 0, 0, 1, 2, 3 }, UDP6, true, PARSE_TUNNEL_VXLAN, 0x010203,
			6 },
	{ "vxlan arp", 4789, 8, { 8, 0, 0, 0, 1, 2, 3 }, ARP, true, PARSE_TUNNEL_VXLAN, 0x010203,
			0 },
	{ "vxlan, no vni", 4789, 8, { 0 }, TCP4, true, PARSE_TUNNEL_NONE, 0, 0 },
	{ "vxlan, cut", 4789, 7, { 8 }, NOTHING, true, PARSE_TUNNEL_NONE, 0, 0 },
	{ "other port", 4790, 8, { 8, 0, 0, 0, 1, 2, 3 }, TCP4, true, PARSE_TUNNEL_NONE, 0, 0 },
	{ "geneve", 6081, 8, { 0, 0, 0x65, 0x58, 0, 0, 9 }, UDP4, true, PARSE_TUNNEL_GENEVE, 9, 4 },
	{ "geneve ip", 6081, 12, { 1, 0, 0x86, 0xdd, 0, 0, 9 }, TCP6, false, PARSE_TUNNEL_GENEVE, 9,
			6 },
	{ "geneve, options cut", 6081, 12, { 2, 0, 0x86, 0xdd }, NOTHING, false, PARSE_TUNNEL_NONE,
			0, 0 },
	{ "geneve 1", 6081, 8, { 0x40, 0, 0x86, 0xdd }, TCP6, false, PARSE_TUNNEL_NONE, 0, 0 },
	{ "gtp", 2152, 8, { 0x30, 255, 0, 0, 0, 0, 1, 0 }, UDP4, false, PARSE_TUNNEL_GTPU, 256, 4 },
	{ "gtp with sequence", 2152, 12, { 0x32, 255, 0, 0, 0, 0, 1, 0 }, TCP6, false,
			PARSE_TUNNEL_GTPU, 256, 6 },
	{ "gtp with extensions", 2152, 20,
			{ 0x34, 255, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x85, 1, 0, 9, 0x85, 1, 0, 9, 0 },
			TCP4, false, PARSE_TUNNEL_GTPU, 256, 4 },
	{ "gtp, extension of 0", 2152, 16,
			{ 0x34, 255, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x85, 0, 0, 0, 0 }, TCP4, false,
			PARSE_TUNNEL_NONE, 0, 0 },
	{ "gtp echo", 2152, 12, { 0x32, 1, 0, 4 }, NOTHING, false, PARSE_TUNNEL_GTPU, 0, 0 },
	{ "gtp 2", 2152, 8, { 0x48, 255 }, TCP4, false, PARSE_TUNNEL_NONE, 0, 0 },
	{ "gtp prime", 2152, 8, { 0x20, 255 }, TCP4, false, PARSE_TUNNEL_NONE, 0, 0 },
};

static void
check_tunnel(const struct tunnel_row *r, const struct rte_mbuf *m, const struct frame *inner,
		uint32_t inner_at)
{
	struct parse_tunnel t;
	struct pkt_info info;
	struct flow_key key;

	parse_one(m, &params, &info, &key);
	assert_int_equal(info.flags, 0);
	assert_int_equal(parse_tunnel(m, &info, &t), r->type != PARSE_TUNNEL_NONE);
	assert_int_equal(info.flags, r->type != PARSE_TUNNEL_NONE ? PKT_F_TUNNEL : 0);
	assert_int_equal(t.type, r->type);
	assert_int_equal(t.id, r->id);
	assert_int_equal(t.inner_family, r->inner_family);
	if (r->inner_family == 0) {
		assert_int_equal(t.inner_off, 0);
		return;
	}
	assert_int_equal(t.inner_off, inner_at);
	assert_int_equal(t.inner_len, inner->len - IP_OFF);
	assert_int_equal(t.inner_proto, inner->b[IP_OFF + (r->inner_family == 6 ? 6 : 9)]);
	assert_int_equal(t.inner_sport, rte_cpu_to_be_16(12345));
}

static void
test_tunnels(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(tunnel_rows) * 2; i++) {
		const struct tunnel_row *r = &tunnel_rows[i / 2];
		uint32_t l4 = i % 2 ? IP6_L4 : IP4_L4, from = r->ethernet ? 0 : IP_OFF;
		struct frame f, inner = { .len = from };

		frame_make(&f, i % 2 ? UDP6 : UDP4);
		f.len -= PAYLOAD;
		frame_put16(&f, IP_OFF + (i % 2 ? 4 : 2),
				(uint16_t)(f.len - (i % 2 ? IP6_L4 : IP_OFF)));
		frame_insert(&f, f.len, r->header, r->len);
		if (r->carried != NOTHING) {
			frame_make(&inner, (enum frame_kind)r->carried);
			frame_insert(&f, f.len, inner.b + from, inner.len - from);
		}
		frame_put16(&f, l4 + 2, r->port);
		frame_put16(&f, l4 + 4, (uint16_t)(f.len - l4));
		if (i % 2 == 0)
			frame_seal_ip4(&f, IP_OFF);
		for (uint16_t cut = 0; cut < 140; cut++) {
			const uint16_t cuts[] = { cut, 3, 0 };
			struct rte_mbuf *m = mbuf_make(&f, cuts);

			check_tunnel(r, m, &inner, l4 + 8 + r->len + IP_OFF - from);
			mbuf_free(m);
		}
	}
	assert_string_equal(parse_tunnel_name(PARSE_TUNNEL_GENEVE), "geneve");
	assert_string_equal(parse_tunnel_name(PARSE_TUNNEL_TYPES), "?");
}

/* A tunnel is UDP that is whole: nothing else is looked at. */
static void
test_no_tunnel(void **state)
{
	struct parse_tunnel t;
	struct pkt_info info;
	struct flow_key key;
	struct rte_mbuf *m;
	struct frame f;

	(void)state;
	for (int kind = 0; kind < FRAME_KINDS; kind++) {
		frame_make(&f, (enum frame_kind)kind);
		m = mbuf_make(&f, NULL);
		parse_one(m, &params, &info, &key);
		assert_false(parse_tunnel(m, &info, &t));
		assert_int_equal(t.type, PARSE_TUNNEL_NONE);
		mbuf_free(m);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_quoted_gre),
		cmocka_unit_test(test_quoted_extensions),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_no_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
