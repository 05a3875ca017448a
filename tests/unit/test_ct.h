/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of connection tracking share: a small table, tuples, and packets as the trackers
 * see them.
 */
#ifndef TESTS_UNIT_TEST_CT_H
#define TESTS_UNIT_TEST_CT_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_tcp.h>

#include "base/flow.h"
#include "base/pkt.h"
#include "base/time.h"
#include "conntrack/ct.h"
#include "ct_priv.h"
#include "eal.h"

#define SECOND TIME_NS_PER_S

static inline struct rte_rcu_qsbr *
rcu_create(unsigned int readers)
{
	size_t size = rte_rcu_qsbr_get_memsize(readers);
	struct rte_rcu_qsbr *rcu = rte_zmalloc(NULL, size, RTE_CACHE_LINE_SIZE);

	assert_non_null(rcu);
	assert_int_equal(rte_rcu_qsbr_init(rcu, readers), 0);
	return rcu;
}

static inline struct ct_params
table_params(uint32_t connections, uint32_t connections6, struct rte_rcu_qsbr *rcu)
{
	struct ct_params p = {
		.connections = connections,
		.connections6 = connections6,
		.hasher.seed = 0x5eed,
		.socket_id = SOCKET_ID_ANY,
		.qsbr = rcu,
		.tcp_loose = true,
		.tcp_max_retrans = 3,
	};

	ct_timeouts_default(&p.timeouts);
	return p;
}

static inline struct ct_table *
table_create(uint32_t connections, uint32_t connections6, struct rte_rcu_qsbr *rcu)
{
	struct ct_params p = table_params(connections, connections6, rcu);
	struct ct_table *t = ct_create(&p);

	assert_non_null(t);
	return t;
}

static inline void
assert_sound(const struct ct_table *t)
{
	const char *wrong = ct_check(t);

	if (wrong != NULL)
		fail_msg("%s", wrong);
}

static inline struct flow_tuple
tuple4(uint8_t proto, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct flow_tuple t = { .key = { .family = 4, .proto = proto } };

	t.key.sport = rte_cpu_to_be_16(sport);
	t.key.dport = rte_cpu_to_be_16(dport);
	src = rte_cpu_to_be_32(src);
	dst = rte_cpu_to_be_32(dst);
	memcpy(t.src.b, &src, sizeof(src));
	memcpy(t.dst.b, &dst, sizeof(dst));
	flow_tuple_seal(&t);
	return t;
}

/* 2001:db8::src to 2001:db8::dst */
static inline struct flow_tuple
tuple6(uint8_t proto, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	static const uint8_t prefix[] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct flow_tuple t = { .key = { .family = 6, .proto = proto } };

	t.key.sport = rte_cpu_to_be_16(sport);
	t.key.dport = rte_cpu_to_be_16(dport);
	src = rte_cpu_to_be_32(src);
	dst = rte_cpu_to_be_32(dst);
	memcpy(t.src.b, prefix, sizeof(prefix));
	memcpy(t.dst.b, prefix, sizeof(prefix));
	memcpy(t.src.b + 12, &src, sizeof(src));
	memcpy(t.dst.b + 12, &dst, sizeof(dst));
	flow_tuple_seal(&t);
	return t;
}

/* ICMP or ICMPv6 query: type and code where other protocols have a port. */
static inline struct flow_tuple
tuple_echo(uint8_t family, uint32_t src, uint32_t dst, uint16_t id)
{
	return family == 4 ? tuple4(IPPROTO_ICMP, src, id, dst, 8 << 8)
			   : tuple6(IPPROTO_ICMPV6, src, id, dst, 128 << 8);
}

static inline struct flow_tuple
reply_of(const struct flow_tuple *t)
{
	struct flow_tuple r;

	assert_true(flow_tuple_reply(t, &r));
	return r;
}

/* A TCP segment and where it lies. */
struct segment {
	struct rte_tcp_hdr h;
	uint8_t options[40];
	struct pkt_info info;
	struct ct_packet pkt;
};

static inline const struct ct_packet *
segment_make(struct segment *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload,
		uint64_t now)
{
	memset(s, 0, sizeof(*s));
	s->h.data_off = 5 << 4;
	s->h.tcp_flags = flags;
	s->h.sent_seq = rte_cpu_to_be_32(seq);
	s->h.recv_ack = rte_cpu_to_be_32(ack);
	s->h.rx_win = rte_cpu_to_be_16(8192);
	s->info.tcp_flags = flags;
	s->pkt = (struct ct_packet){ &s->info, (const uint8_t *)&s->h, sizeof(s->h) + payload,
		sizeof(s->h), now };
	return &s->pkt;
}

/* A packet of a protocol whose tracker does not look into it. */
static inline struct ct_packet
plain_packet(uint64_t now)
{
	static const struct pkt_info info;
	static const uint8_t l4[8];

	return (struct ct_packet){ &info, l4, sizeof(l4), sizeof(l4), now };
}

/* xorshift64 */
static inline uint64_t
random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A packet that has only what the look-up reads: for IPv6 the addresses. */
struct packet {
	struct rte_mbuf mbuf;
	uint8_t ip[40];
};

static inline void
burst_put(struct pkt_burst *b, struct packet *p, const struct flow_tuple *t,
		const struct flow_hasher *h)
{
	unsigned int i = b->n++;

	p->mbuf.buf_addr = p->ip;
	p->mbuf.data_off = 0;
	memcpy(p->ip + 8, &t->src, 16);
	memcpy(p->ip + 24, &t->dst, 16);
	b->mbuf[i] = &p->mbuf;
	memset(&b->info[i], 0, sizeof(b->info[i]));
	flow_tuple_key(h, t, &b->key[i]);
	b->hash[i] = flow_hasher_hash(h, &b->key[i]);
}

#endif /* TESTS_UNIT_TEST_CT_H */
