/* SPDX-License-Identifier: BSD-3-Clause */
/* Echo to own addresses and ICMP errors of l3: every rule about when, and every byte of what. */
#include "test_l3.h"

#define UDP 17
#define ICMP 1
#define ICMP6 58

static uint8_t
echo_proto(const char *addr)
{
	return family_of(addr) == 4 ? ICMP : ICMP6;
}

/* ---- echo ---- */

static struct rte_mbuf *
ping(const struct frame *f, uint16_t len)
{
	static uint8_t body[16000];
	struct frame g = *f;
	uint16_t i;

	for (i = 0; i < len; i++)
		body[i] = (uint8_t)(i * 7);
	memcpy(body, (uint8_t[]){ family_of(f->src) == 4 ? 8 : 128, 0, 0, 0, 0x12, 0x34, 0, 1 }, 8);
	g.proto = echo_proto(f->src);
	return ip_frame(&g, body, len);
}

static void
test_echo(void **state)
{
	static const struct {
		struct frame f;
		uint16_t len; /* ICMP bytes */
	} cases[] = {
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1" }, 64 },
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1" }, 8 },
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1", .padding = 17 }, 9 },
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1" }, 1471 },
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1", .tos = 0xbb }, 33 },
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1", .options = 40 }, 77 },
		{ { .port = 0, .src = "8.8.8.8", .dst = "10.1.0.1" },
				64 }, /* own, of another port */
		{ { .port = 0, .src = "8.8.8.8", .dst = "198.51.100.10" }, 64 }, /* VIP */
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1", .vlans = 2 }, 64 },
		{ { .port = 0, .src = "8.8.8.8", .dst = "192.0.2.1", .segment = 37 }, 1111 },
		{ { .port = 1, .src = "10.1.0.9", .dst = "10.1.0.1" },
				8980 }, /* more than an mbuf holds */
		{ { .port = 1, .src = "10.1.0.9", .dst = "10.1.0.1", .segment = 1001 }, 8979 },
		{ { .port = 0, .src = "2001:db8:9::9", .dst = "2001:db8::1" }, 64 },
		{ { .port = 0, .src = "2001:db8:9::9", .dst = "2001:db8::1", .tos = 0xbb }, 65 },
		{ { .port = 0, .src = "2001:db8:9::9", .dst = "2001:db8:f::10" }, 8 },
		{ { .port = 0, .src = "2001:db8:9::9", .dst = "2001:db8::1", .options = 16 }, 101 },
		{ { .port = 0, .src = "2001:db8:9::9", .dst = "2001:db8::1", .segment = 61 },
				1201 },
		{ { .port = 0, .src = "fe80::9", .dst = "fe80::ff:fe00:10" }, 64 },
		{ { .port = 1, .src = "2001:db8:1::9", .dst = "2001:db8:1::1" }, 8960 },
	};
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		const struct frame *f = &cases[i].f;
		uint8_t family = family_of(f->src);
		struct l3 *l3 = network(LIMITS);
		struct rte_mbuf *m = ping(f, cases[i].len);
		uint16_t l4_off = pkt_meta(m)->info.l4_off, l2 = 14 + 4 * f->vlans;
		static uint8_t question[16000];
		const uint8_t *b, *icmp, *body;
		size_t len;

		body = rte_pktmbuf_read(m, l4_off, cases[i].len, question);
		if (body != question)
			memcpy(question, body, cases[i].len);
		expect(l3, m, S, L3_CONSUMED, DROP_NONE, &out);
		assert_int_equal(out.n, 1);
		b = made(&out, 0, f->port, &len);
		assert_int_equal(len, l2 + (family == 4 ? 20 : 40) + cases[i].len);
		assert_mac(b, &mac_a);
		assert_mac(b + 6, &mac_of_port[f->port]);
		assert_int_equal(get16(b + l2 - 2), family == 4 ? 0x0800 : 0x86dd);
		if (f->vlans)
			assert_int_equal(get32(b + 12), 0x81000064);
		icmp = assert_icmp(b + l2, len - l2, f->dst, f->src, 64);
		assert_int_equal(icmp[0], family == 4 ? 0 : 129);
		assert_int_equal(icmp[1], 0);
		assert_memory_equal(icmp + 4, question + 4, cases[i].len - 4);
		assert_int_equal(family == 4 ? b[l2 + 1] : (get16(b + l2) >> 4 & 0xff),
				f->tos & 0xfc);
		assert_int_equal(pkt_meta(out.m[0])->sequence, 1234);
		assert_int_equal(out.m[0]->ol_flags, 0);
		done(l3, &out);
	}
}

static void
test_not_echo(void **state)
{
	static const struct rte_ether_addr zero;
	static const struct {
		struct frame f;
		uint8_t type, code;
		enum l3_verdict verdict;
		enum drop_reason reason;
	} cases[] = {
		{ { .src = "8.8.8.8", .dst = "192.0.2.50" }, 8, 0, L3_NOT_OURS, DROP_NONE },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP }, 8, 0, L3_NOT_OURS,
				DROP_NONE },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1", .proto = UDP }, 8, 0, L3_DROP,
				DROP_LOCAL_UNHANDLED },
		{ { .src = "8.8.8.8", .dst = "198.51.100.10", .proto = 6 }, 8, 0, L3_DROP,
				DROP_LOCAL_UNHANDLED },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1" }, 0, 0, L3_DROP, DROP_LOCAL_UNHANDLED },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1" }, 8, 1, L3_DROP, DROP_LOCAL_UNHANDLED },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1" }, 3, 3, L3_DROP, DROP_LOCAL_UNHANDLED },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1", .proto = ICMP6 }, 128, 0, L3_DROP,
				DROP_LOCAL_UNHANDLED },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1", .fragment = 0x2000 }, 8, 0, L3_DROP,
				DROP_LOCAL_UNHANDLED },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1", .fragment = 5 }, 8, 0, L3_DROP,
				DROP_LOCAL_UNHANDLED },
		/* addresses that must not get an answer */
		{ { .src = "192.0.2.255", .dst = "192.0.2.1" }, 8, 0, L3_DROP, DROP_IP_SOURCE },
		{ { .src = "255.255.255.255", .dst = "192.0.2.1" }, 8, 0, L3_DROP, DROP_IP_SOURCE },
		{ { .src = "224.0.0.1", .dst = "192.0.2.1" }, 8, 0, L3_DROP, DROP_IP_SOURCE },
		{ { .src = "192.0.2.1", .dst = "192.0.2.1" }, 8, 0, L3_DROP, DROP_IP_SOURCE },
		{ { .src = "198.51.100.10", .dst = "192.0.2.1" }, 8, 0, L3_DROP, DROP_IP_SOURCE },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1", .to = &mac_all }, 8, 0, L3_DROP,
				DROP_ETH_NOT_OURS },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1", .from = &mac_all }, 8, 0, L3_DROP,
				DROP_ETH_NOT_OURS },
		{ { .src = "8.8.8.8", .dst = "192.0.2.1", .from = &zero }, 8, 0, L3_DROP,
				DROP_ETH_NOT_OURS },
		/* link-local of another port is another station's */
		{ { .src = "fe80::9", .dst = "fe80::ff:fe00:11" }, 128, 0, L3_NOT_OURS, DROP_NONE },
		{ { .src = "2001:db8::9", .dst = "2001:db8::1" }, 129, 0, L3_DROP,
				DROP_LOCAL_UNHANDLED },
		{ { .src = "2001:db8::9", .dst = "ff02::1" }, 128, 0, L3_NOT_OURS, DROP_NONE },
		{ { .src = "ff02::9", .dst = "2001:db8::1" }, 128, 0, L3_DROP, DROP_IP_SOURCE },
	};
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	struct rte_mbuf *m;
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		uint8_t body[32] = { cases[i].type, cases[i].code };
		struct frame f = cases[i].f;

		if (f.proto == 0)
			f.proto = echo_proto(f.src);
		expect(l3, ip_frame(&f, body, sizeof(body)), S, cases[i].verdict, cases[i].reason,
				&out);
	}
	/* Larger than the port's MTU: whoever sent it broke the link's rule. */
	m = ping(&(struct frame){ .port = 2, .src = "8.8.8.8", .dst = "192.0.2.1" }, 1261);
	expect(l3, m, S, L3_DROP, DROP_MTU_EXCEEDED, &out);
	/* Checksum, any byte of the message. */
	for (i = 4; i < 32; i++) {
		m = ping(&(struct frame){ .src = "8.8.8.8", .dst = "192.0.2.1" }, 32);
		rte_pktmbuf_mtod(m, uint8_t *)[34 + i] ^= 4;
		expect(l3, m, S, L3_DROP, DROP_ICMP_CHECKSUM, &out);
	}
	assert_int_equal(out.n, 0);
	done(l3, &out);
}

/* Lengths and offsets that do not fit the frame: never more than a refusal. */
static void
test_lies(void **state)
{
	struct frame four = { .src = "8.8.8.8", .dst = "192.0.2.1" };
	struct frame six = { .src = "2001:db8::9", .dst = "2001:db8::1" };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 90; i++) {
		for (j = 0; j < 10; j++) {
			struct rte_mbuf *m = ping(j % 2 ? &four : &six, 24);
			struct pkt_info *info = &pkt_meta(m)->info;
			enum drop_reason reason;

			if (j / 2 == 0)
				info->l3_off = (uint16_t)i;
			else if (j / 2 == 1)
				info->l3_len = (uint16_t)i;
			else if (j / 2 == 2)
				info->l4_off = (uint16_t)i;
			else if (j / 2 == 3)
				rte_pktmbuf_trim(m, RTE_MIN((uint16_t)i, m->data_len));
			else
				info->family = (uint8_t)i;
			assert_int_not_equal(
					l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), -ENOMEM);
			feed(l3, m, S, &reason, &out);
			clear(&out);
		}
	}
	done(l3, &out);
}

/* ---- errors ---- */

static const struct {
	enum l3_icmp_error what;
	uint8_t type4, code4, type6, code6;
} names[] = {
	{ L3_ICMP_TTL, 11, 0, 3, 0 },
	{ L3_ICMP_NO_ROUTE, 3, 0, 1, 0 },
	{ L3_ICMP_HOST, 3, 1, 1, 3 },
	{ L3_ICMP_PORT, 3, 3, 1, 4 },
	{ L3_ICMP_TOO_BIG, 3, 4, 2, 0 },
	{ L3_ICMP_PROHIBITED, 3, 13, 1, 1 },
};

/* Every kind, about packets of every size: what is quoted, and that it is no more than allowed. */
static void
test_errors(void **state)
{
	static const struct {
		struct frame f;
		const char *source; /* of the error */
	} cases[] = {
		{ { .port = 0, .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP }, "192.0.2.1" },
		{ { .port = 1, .src = "10.3.0.7", .dst = "9.9.9.9", .proto = UDP }, "10.3.0.1" },
		{ { .port = 1, .src = "10.3.0.7", .dst = "9.9.9.9", .proto = UDP, .vlans = 1 },
				"10.3.0.1" },
		{ { .port = 2, .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP }, "192.0.2.1" },
		{ { .port = 0, .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP, .options = 8 },
				"192.0.2.1" },
		{ { .port = 0, .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP, .segment = 50 },
				"192.0.2.1" },
		{ { .port = 0,
				  .src = "8.8.8.8",
				  .dst = "9.9.9.9",
				  .proto = UDP,
				  .fragment = 0x2000 },
				"192.0.2.1" },
		{ { .port = 0, .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = 6 },
				"2001:db8::1" },
		{ { .port = 2, .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = 6 },
				"2001:db8::1" },
		{ { .port = 1, .src = "fe80::9", .dst = "2001:db8:8::8", .proto = 6 },
				"fe80::ff:fe00:11" },
		{ { .port = 0,
				  .src = "2001:db8:9::9",
				  .dst = "2001:db8:8::8",
				  .proto = 6,
				  .segment = 99 },
				"2001:db8::1" },
	};
	static const uint16_t sizes[] = { 8, 21, 512, 528, 529, 1192, 1193, 1400, 1440 };
	static uint8_t body[2000];
	struct l3 *l3 = network((struct limits){ 64, 4, 16, 1000000 });
	struct l3_out out = { 0 };
	unsigned int i, j, k;

	(void)state;
	for (i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 11);
	for (i = 0; i < RTE_DIM(cases); i++) {
		for (j = 0; j < RTE_DIM(names); j++) {
			for (k = 0; k < RTE_DIM(sizes); k++) {
				const struct frame *f = &cases[i].f;
				bool four = family_of(f->src) == 4;
				struct frame g = *f;
				struct rte_mbuf *m;
				static uint8_t old[2000];
				const uint8_t *b, *icmp;
				uint16_t l2 = 14 + 4 * f->vlans, l3_len, quoted;
				size_t len;

				g.padding = 5;
				m = ip_frame(&g, body, sizes[k]);
				l3_len = pkt_meta(m)->info.l3_len;
				quoted = RTE_MIN(l3_len, four ? 576 - 28 : 1280 - 48);
				b = rte_pktmbuf_read(m, l2, quoted, old);
				if (b != old)
					memcpy(old, b, quoted);
				assert_int_equal(l3_icmp_error(l3, m, names[j].what, 1400, S, &out),
						0);
				rte_pktmbuf_free(m);
				b = made(&out, 0, f->port, &len);
				assert_int_equal(len, l2 + (four ? 28 : 48) + quoted);
				assert_mac(b, &mac_a);
				assert_mac(b + 6, &mac_of_port[f->port]);
				assert_int_equal(get16(b + l2 - 2), four ? 0x0800 : 0x86dd);
				icmp = assert_icmp(b + l2, len - l2, cases[i].source, f->src, 64);
				assert_int_equal(icmp[0], four ? names[j].type4 : names[j].type6);
				assert_int_equal(icmp[1], four ? names[j].code4 : names[j].code6);
				assert_int_equal(get32(icmp + 4),
						names[j].what == L3_ICMP_TOO_BIG ? 1400 : 0);
				assert_memory_equal(icmp + 8, old, quoted);
				assert_int_equal(pkt_meta(out.m[0])->sequence, 1234);
				clear(&out);
			}
		}
	}
	done(l3, &out);
}

/* RFC 1812 4.3.2.7, RFC 4443 2.4 (e): about what none is sent. */
static void
test_no_error(void **state)
{
	static const struct {
		struct frame f;
		uint8_t type; /* first byte of the body */
		uint16_t len;
		int rc;
	} cases[] = {
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 8, 8, 0 },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 0, 8, 0 },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 13, 20, 0 },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 3, 64, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 4, 64, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 5, 64, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 11, 64, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 12, 64, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 200, 64, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 8, 7, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = ICMP }, 8, 0, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP }, 3, 8, 0 },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP, .fragment = 0x2000 }, 3, 8,
				0 },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP, .fragment = 0x2001 }, 3, 8,
				-EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP, .fragment = 0x0001 }, 3, 8,
				-EPERM },
		{ { .src = "8.8.8.8", .dst = "224.0.0.9", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "8.8.8.8", .dst = "255.255.255.255", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "8.8.8.8", .dst = "192.0.2.255", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "0.0.0.0", .dst = "9.9.9.9", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "127.0.0.1", .dst = "9.9.9.9", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "224.0.0.1", .dst = "9.9.9.9", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "192.0.2.255", .dst = "9.9.9.9", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "192.0.2.1", .dst = "9.9.9.9", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "198.51.100.10", .dst = "9.9.9.9", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP, .to = &mac_all }, 3, 8,
				-EPERM },
		{ { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP, .from = &mac_all }, 3, 8,
				-EPERM },
		{ { .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = UDP }, 3, 8, 0 },
		{ { .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = ICMP6 }, 128, 8, 0 },
		{ { .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = ICMP6 }, 1, 64,
				-EPERM },
		{ { .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = ICMP6 }, 2, 64,
				-EPERM },
		{ { .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = ICMP6 }, 127, 64,
				-EPERM },
		{ { .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = ICMP6 }, 137, 64,
				-EPERM },
		{ { .src = "2001:db8:9::9", .dst = "ff0e::8", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "::", .dst = "2001:db8:8::8", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "::1", .dst = "2001:db8:8::8", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "ff02::1", .dst = "2001:db8:8::8", .proto = UDP }, 3, 8, -EPERM },
		{ { .src = "2001:db8::1", .dst = "2001:db8:8::8", .proto = UDP }, 3, 8, -EPERM },
	};
	struct l3 *l3 = network((struct limits){ 64, 4, 16, 1000 });
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		uint8_t body[64] = { cases[i].type };
		struct rte_mbuf *m = ip_frame(&cases[i].f, body, cases[i].len);

		assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), cases[i].rc);
		assert_int_equal(out.n, cases[i].rc == 0);
		rte_pktmbuf_free(m);
		clear(&out);
	}
	done(l3, &out);
}

/* Fragments of IPv6, and messages whose transport header is out of sight: only the parser knows. */
static void
test_no_error6(void **state)
{
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	struct frame f = { .src = "2001:db8:9::9", .dst = "2001:db8:8::8", .proto = ICMP6 };
	uint8_t body[64] = { 128 };
	struct rte_mbuf *m = ip_frame(&f, body, sizeof(body));

	(void)state;
	pkt_meta(m)->info.flags |= PKT_F_FRAG;
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), -EPERM);
	pkt_meta(m)->info.flags |= PKT_F_FRAG_FIRST;
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), 0);
	pkt_meta(m)->info.l4_off = 0;
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), -EPERM);
	rte_pktmbuf_free(m);
	done(l3, &out);
}

static void
test_rate(void **state)
{
	struct frame f = { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP };
	struct l3 *l3 = network((struct limits){ 64, 4, 16, 10 });
	struct rte_mbuf *m = ip_frame(&f, "12345678", 8);
	struct l3_out out = { 0 };
	uint64_t t;
	unsigned int i, sent = 0;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, 5 * S, &out), 0);
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, 5 * S, &out), -EBUSY);
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, 5 * S + S / 10 - 1, &out), -EBUSY);
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, 5 * S + S / 10, &out), 0);
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, 5 * S + S / 10, &out), -EBUSY);
	/* A long flood: ten a second. */
	for (t = 6 * S; t < 16 * S; t += S / 100) {
		sent += l3_icmp_error(l3, m, L3_ICMP_TTL, 0, t, &out) == 0;
		clear(&out);
	}
	assert_in_range(sent, 100, 110);
	/* Rest fills the bucket to its size and no further. */
	for (i = 0, sent = 0; i < 50; i++)
		sent += l3_icmp_error(l3, m, L3_ICMP_TTL, 0, 100 * S, &out) == 0;
	assert_int_equal(sent, 10);
	rte_pktmbuf_free(m);
	done(l3, &out);

	l3 = network((struct limits){ 64, 4, 16, 0 });
	m = ip_frame(&f, "12345678", 8);
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), -EBUSY);
	rte_pktmbuf_free(m);
	done(l3, &out);
}

static void
test_cannot(void **state)
{
	static struct rte_mbuf *all[4096];
	struct frame f = { .src = "8.8.8.8", .dst = "9.9.9.9", .proto = UDP };
	struct l3_port_params port = { mac_of_port[0], 1500, false, NULL, 0 };
	struct l3_params p = { .name = "l3_bare",
		.ports = &port,
		.n_ports = 1,
		.max_nexthops = 4,
		.icmp_rate = 100,
		.pool = pool,
		.socket_id = SOCKET_ID_ANY };
	struct l3 *l3 = l3_create(&p);
	struct rte_mbuf *m = ip_frame(&f, "12345678", 8);
	struct l3_out out = { 0 };
	unsigned int n = 0;

	(void)state;
	assert_non_null(l3);
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), -EADDRNOTAVAIL);
	l3_destroy(l3);
	l3 = network(LIMITS);
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(pool)) != NULL)
		n++;
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), -ENOMEM);
	rte_pktmbuf_free_bulk(all, n);
	out.n = L3_OUT_MAX;
	assert_int_equal(l3_icmp_error(l3, m, L3_ICMP_TTL, 0, S, &out), -ENOMEM);
	out.n = 0;
	rte_pktmbuf_free(m);
	done(l3, &out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_not_echo),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_error),
		cmocka_unit_test(test_no_error6),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_cannot),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
