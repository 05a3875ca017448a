/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of l3/ share: one small network, frames built by hand, and checksums added up byte
 * by byte, so that no code under test is its own witness.
 */
#ifndef TESTS_UNIT_TEST_L3_H
#define TESTS_UNIT_TEST_L3_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "eal.h"

#include "base/time.h"
#include "l3_priv.h"

#define S TIME_NS_PER_S
#define ALL (sizeof(struct flow_addr))

static struct rte_mempool *pool;

static const struct rte_ether_addr mac_of_port[] = {
	{ { 2, 0, 0, 0, 0, 0x10 } },
	{ { 2, 0, 0, 0, 0, 0x11 } },
	{ { 2, 0, 0, 0, 0, 0x12 } },
};
static const struct rte_ether_addr mac_all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct rte_ether_addr mac_a = { { 2, 0xaa, 0, 0, 0, 1 } };
static const struct rte_ether_addr mac_b = { { 2, 0xbb, 0, 0, 0, 2 } };

static inline struct flow_addr
ip(const char *text)
{
	struct flow_addr a = { { 0 } };

	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, a.b), 1);
	return a;
}

static inline uint8_t
family_of(const char *text)
{
	return strchr(text, ':') ? 6 : 4;
}

static inline struct l3_prefix
prefix(const char *text, uint8_t len)
{
	return (struct l3_prefix){ .family = family_of(text), .len = len, .addr = ip(text) };
}

/* Limits that a test may want otherwise. */
struct limits {
	uint32_t nexthops, hold_each, hold_all, icmp_rate;
};
#define LIMITS ((struct limits){ 64, 4, 16, 10 })

/*
 * Port 0: outside, 192.0.2.1/24 and 2001:db8::1/64, answers for VIPs, default gateways 192.0.2.254
 * and fe80::fe. Port 1: inside, 10.1.0.1/16, 10.3.0.1/24, 2001:db8:1::1/64; static neighbour
 * 10.1.0.50; 10.9/16 is behind 10.1.0.99. Port 2: no address; 203.0.113.0/24 and 2001:db8:2::/64
 * are on it.
 */
static inline struct l3 *
network(struct limits l)
{
	struct l3_prefix port0[] = { prefix("192.0.2.1", 24), prefix("2001:db8::1", 64) };
	struct l3_prefix port1[] = { prefix("10.1.0.1", 16), prefix("10.3.0.1", 24),
		prefix("2001:db8:1::1", 64) };
	struct l3_port_params ports[] = {
		{ mac_of_port[0], 1500, true, port0, RTE_DIM(port0) },
		{ mac_of_port[1], 9000, false, port1, RTE_DIM(port1) },
		{ mac_of_port[2], 1280, false, NULL, 0 },
	};
	struct l3_route_params routes[] = {
		{ prefix("0.0.0.0", 0), 0, false, ip("192.0.2.254") },
		{ prefix("::", 0), 0, false, ip("fe80::fe") },
		{ prefix("10.9.77.1", 16), 1, false,
				ip("10.1.0.99") }, /* host bits do not matter */
		{ prefix("203.0.113.0", 24), 2, true, { { 0 } } },
		{ prefix("2001:db8:2::", 64), 2, true, { { 0 } } },
	};
	struct l3_neighbour_params fixed[] = {
		{ 1, 4, ip("10.1.0.50"), { { 2, 0xcc, 0, 0, 0, 50 } } },
	};
	struct l3_prefix vips[] = { prefix("198.51.100.10", 32), prefix("2001:db8:f::10", 128),
		prefix("198.51.100.10", 32), prefix("192.0.2.77", 32) };
	static unsigned int number; /* a test that fails leaves its tables behind */
	char name[L3_NAME_MAX];
	struct l3_params p = {
		.name = name,
		.ports = ports,
		.n_ports = RTE_DIM(ports),
		.routes = routes,
		.n_routes = RTE_DIM(routes),
		.neighbours = fixed,
		.n_neighbours = RTE_DIM(fixed),
		.vips = vips,
		.n_vips = RTE_DIM(vips),
		.max_nexthops = l.nexthops,
		.hold_per_neighbour = l.hold_each,
		.hold_total = l.hold_all,
		.icmp_rate = l.icmp_rate,
		.pool = pool,
		.socket_id = SOCKET_ID_ANY,
	};
	struct l3 *l3;

	snprintf(name, sizeof(name), "l3_%u", number++);
	l3 = l3_create(&p);
	assert_non_null(l3);
	return l3;
}

static inline int
group_setup(void **state)
{
	(void)state;
	if (unit_eal_init() != 0)
		return -1;
	pool = rte_pktmbuf_pool_create("l3_pool", 2047, 0, sizeof(struct pkt_meta),
			RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool == NULL ? -1 : 0;
}

/* Nobody keeps an mbuf: every test ends with this. */
static inline void
done(struct l3 *l3, struct l3_out *out)
{
	rte_pktmbuf_free_bulk(out->m, out->n);
	out->n = 0;
	l3_destroy(l3);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static inline void
clear(struct l3_out *out)
{
	rte_pktmbuf_free_bulk(out->m, out->n);
	out->n = 0;
}

/* ---- checksums ---- */

static inline uint32_t
add_bytes(uint32_t sum, const uint8_t *b, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)b[i] << 8 : b[i];
	return sum;
}

static inline uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline void
put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline uint16_t
get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t
get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* ---- frames in ---- */

struct frame {
	uint16_t port;
	const struct rte_ether_addr *to, *from;
	uint8_t vlans;
	const char *src, *dst;
	uint8_t proto, ttl, tos;
	uint8_t options;   /* bytes of IPv4 options, or of one IPv6 destination options header */
	uint16_t fragment; /* IPv4 flags and offset */
	uint16_t padding;  /* behind the packet */
	uint16_t segment;  /* cut the mbuf after so many bytes; 0 = one segment */
};

static inline struct rte_mbuf *
mbuf_of(const uint8_t *bytes, uint16_t len, uint16_t segment)
{
	struct rte_mbuf *m = NULL;
	uint16_t at = 0;

	do {
		uint16_t n = segment == 0 || segment > len - at ? (uint16_t)(len - at) : segment;
		struct rte_mbuf *part = rte_pktmbuf_alloc(pool);
		void *to;

		assert_non_null(part);
		n = RTE_MIN(n, 1900);
		to = rte_pktmbuf_append(part, n);
		memcpy(to, bytes + at, n);
		at += n;
		if (m == NULL)
			m = part;
		else
			assert_int_equal(rte_pktmbuf_chain(m, part), 0);
	} while (at < len);
	*pkt_meta(m) = (struct pkt_meta){
		.flow = 7,
		.gate = 3,
		.worker = 5,
		.sequence = 1234,
		.port_out = 99,
		.queue_out = 6,
		.conn = 3,
	};
	return m;
}

static inline uint16_t
put_ether(uint8_t *b, const struct frame *f, uint16_t type)
{
	uint16_t at = 12, i;

	memcpy(b, (f->to ? f->to : &mac_of_port[f->port])->addr_bytes, 6);
	memcpy(b + 6, (f->from ? f->from : &mac_a)->addr_bytes, 6);
	for (i = 0; i < f->vlans; i++) {
		put16(b + at, 0x8100);
		put16(b + at + 2, (uint16_t)(100 + i));
		at += 4;
	}
	put16(b + at, type);
	return at + 2;
}

/*
 * IP packet around `body`; ICMP checksums (bytes 2, 3 of the body) are filled in when they are
 * zero.
 */
static inline struct rte_mbuf *
ip_frame(const struct frame *f, const void *body, uint16_t body_len)
{
	static uint8_t b[20000];
	uint8_t family = family_of(f->src);
	struct flow_addr src = ip(f->src), dst = ip(f->dst);
	uint16_t l3_off = put_ether(b, f, family == 4 ? 0x0800 : 0x86dd);
	uint16_t header = (family == 4 ? 20 : 40) + f->options, len = header + body_len;
	uint8_t *h = b + l3_off, *l4 = h + header;
	struct pkt_info *info;
	struct rte_mbuf *m;
	uint32_t sum = 0;

	memset(h, 0, header);
	memcpy(l4, body, body_len);
	memset(l4 + body_len, 0xee, f->padding);
	if (family == 4) {
		h[0] = (uint8_t)(0x40 | header / 4);
		h[1] = f->tos;
		put16(h + 2, len);
		put16(h + 6, f->fragment);
		h[8] = f->ttl ? f->ttl : 9;
		h[9] = f->proto;
		memcpy(h + 12, src.b, 4);
		memcpy(h + 16, dst.b, 4);
		memset(h + 20, 1, f->options); /* no-operation */
		put16(h + 10, (uint16_t)~fold(add_bytes(0, h, header)));
	} else {
		h[0] = 0x60 | f->tos >> 4;
		h[1] = (uint8_t)(f->tos << 4);
		put16(h + 4, len - 40);
		h[6] = f->options ? 60 : f->proto;
		h[7] = f->ttl ? f->ttl : 9;
		memcpy(h + 8, src.b, 16);
		memcpy(h + 24, dst.b, 16);
		if (f->options) {
			h[40] = f->proto;
			h[41] = (uint8_t)(f->options / 8 - 1);
			h[42] = 1; /* PadN over the rest */
			h[43] = (uint8_t)(f->options - 4);
		}
		sum = add_bytes(add_bytes(0, h + 8, 32) + body_len + f->proto, NULL, 0);
	}
	if ((f->proto == 1 || f->proto == 58) && body_len >= 4 && get16(l4 + 2) == 0)
		put16(l4 + 2, (uint16_t)~fold(add_bytes(sum, l4, body_len)));
	m = mbuf_of(b, l3_off + len + f->padding, f->segment);
	pkt_meta(m)->port_in = f->port;
	info = &pkt_meta(m)->info;
	*info = (struct pkt_info){ .l3_off = l3_off,
		.l4_off = l3_off + header,
		.l3_len = len,
		.payload_off = l3_off + len,
		.family = family,
		.proto = f->proto };
	info->flags = f->vlans ? PKT_F_VLAN : 0;
	if (f->fragment & 0x3fff)
		info->flags |= PKT_F_FRAG | (f->fragment & 0x1fff ? 0 : PKT_F_FRAG_FIRST);
	if (f->proto == 58 && f->ttl == 255 && l4[0] >= 133 && l4[0] <= 137)
		info->flags |= PKT_F_ND;
	return m;
}

static inline struct rte_mbuf *
arp_frame(const struct frame *f, uint16_t op, const char *sender, const char *target)
{
	uint8_t b[128] = { 0 };
	uint16_t off = put_ether(b, f, 0x0806);
	struct flow_addr s = ip(sender), t = ip(target);
	struct rte_mbuf *m;

	memcpy(b + off, (uint8_t[]){ 0, 1, 8, 0, 6, 4 }, 6);
	put16(b + off + 6, op);
	memcpy(b + off + 8, b + 6, 6);
	memcpy(b + off + 14, s.b, 4);
	if (op == 2)
		memcpy(b + off + 18, b, 6);
	memcpy(b + off + 24, t.b, 4);
	m = mbuf_of(b, off + 28 + f->padding, f->segment);
	pkt_meta(m)->port_in = f->port;
	pkt_meta(m)->info = (struct pkt_info){ .l3_off = off,
		.flags = PKT_F_ARP | (f->vlans ? PKT_F_VLAN : 0) };
	return m;
}

/*
 * Neighbour solicitation (135) or advertisement (136), with the link-layer option when mac is
 * given.
 */
static inline struct rte_mbuf *
nd_frame(const struct frame *f, uint8_t type, uint8_t flags, const char *target,
		const struct rte_ether_addr *mac)
{
	uint8_t b[32] = { type, 0, 0, 0, flags };
	struct flow_addr t = ip(target);
	struct frame g = *f;

	g.proto = 58;
	g.ttl = g.ttl ? g.ttl : 255;
	memcpy(b + 8, t.b, 16);
	b[24] = type == 135 ? 1 : 2;
	b[25] = 1;
	if (mac != NULL)
		memcpy(b + 26, mac->addr_bytes, 6);
	return ip_frame(&g, b, mac ? 32 : 24);
}

/* A packet of the flow towards a next hop, as the session hands it to l3_hold(). */
static inline struct rte_mbuf *
numbered(uint32_t number)
{
	struct rte_mbuf *m = ip_frame(&(struct frame){ .port = 1,
						      .src = "10.1.0.2",
						      .dst = "192.0.2.9",
						      .proto = 17 },
			"8 bytes.", 8);

	pkt_meta(m)->sequence = number;
	return m;
}

/* Feeds m and frees it. */
static inline enum l3_verdict
feed(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason, struct l3_out *out)
{
	enum l3_verdict v = l3_input(l3, m, now, reason, out);

	rte_pktmbuf_free(m);
	return v;
}

static inline void
expect(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum l3_verdict verdict,
		enum drop_reason why, struct l3_out *out)
{
	enum drop_reason reason = DROP_COUNT;
	enum l3_verdict v = feed(l3, m, now, &reason, out);

	assert_string_equal(drop_name(reason), drop_name(why));
	assert_int_equal(v, verdict);
}

/* ---- frames out ---- */

/*
 * Bytes of a made packet, all of it, in a static buffer; checks the meta that every made packet
 * has.
 */
static inline const uint8_t *
made(const struct l3_out *out, unsigned int i, uint16_t port, size_t *len)
{
	static uint8_t b[20000];
	const struct pkt_meta *meta;
	const void *bytes;

	assert_true(i < out->n);
	meta = pkt_meta(out->m[i]);
	assert_int_equal(meta->verdict, PKT_VERDICT_FORWARD);
	assert_int_equal(meta->port_out, port);
	assert_int_equal(meta->queue_out, FLOW_QUEUE_ANY);
	assert_int_equal(meta->gate, PKT_GATE_NONE);
	assert_int_equal(meta->flow, FLOW_NONE);
	assert_int_equal(meta->conn, FLOW_NONE);
	assert_int_equal(meta->info.flags, 0);
	*len = rte_pktmbuf_pkt_len(out->m[i]);
	assert_true(*len <= sizeof(b));
	bytes = rte_pktmbuf_read(out->m[i], 0, (uint32_t)*len, b);
	assert_non_null(bytes);
	if (bytes != b)
		memcpy(b, bytes, *len);
	return b;
}

static inline void
assert_mac(const uint8_t *at, const struct rte_ether_addr *mac)
{
	assert_memory_equal(at, mac->addr_bytes, 6);
}

/*
 * Header and ICMP checksums and lengths of the IP packet `h` of `len` bytes; addresses; returns its
 * ICMP part.
 */
static inline const uint8_t *
assert_icmp(const uint8_t *h, size_t len, const char *src, const char *dst, uint8_t ttl)
{
	uint8_t family = family_of(src);
	struct flow_addr s = ip(src), d = ip(dst);

	if (family == 4) {
		assert_int_equal(h[0], 0x45);
		assert_int_equal(get16(h + 2), len);
		assert_int_equal(h[8], ttl);
		assert_int_equal(h[9], 1);
		assert_memory_equal(h + 12, s.b, 4);
		assert_memory_equal(h + 16, d.b, 4);
		assert_int_equal(fold(add_bytes(0, h, 20)), 0xffff);
		assert_int_equal(fold(add_bytes(0, h + 20, len - 20)), 0xffff);
		return h + 20;
	}
	assert_int_equal(h[0] >> 4, 6);
	assert_int_equal(get16(h + 4), len - 40);
	assert_int_equal(h[6], 58);
	assert_int_equal(h[7], ttl);
	assert_memory_equal(h + 8, s.b, 16);
	assert_memory_equal(h + 24, d.b, 16);
	assert_int_equal(fold(add_bytes(add_bytes((uint32_t)(len - 40) + 58, h + 8, 32), h + 40,
					 len - 40)),
			0xffff);
	return h + 40;
}

/* Next hop towards an address, which must exist. */
static inline uint16_t
hop(struct l3 *l3, const char *dst)
{
	struct flow_addr a = ip(dst);
	int nh = l3_route(l3, family_of(dst), &a);

	assert_true(nh > 0);
	return (uint16_t)nh;
}

static inline struct l3_neighbour_info
look(const struct l3 *l3, uint16_t nexthop)
{
	struct l3_neighbour_info info;

	assert_int_equal(l3_neighbour_info(l3, nexthop, &info), 0);
	return info;
}

#endif /* TESTS_UNIT_TEST_L3_H */
