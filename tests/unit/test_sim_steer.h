/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of steering: packets made byte by byte, and rules in a line.
 */
#ifndef TEST_SIM_STEER_H
#define TEST_SIM_STEER_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hwsim/core/steer.h"

struct frame {
	bool v6, udp, vlan;
	uint32_t src, dst; /* the last 32 bits of IPv6 addresses */
	uint16_t sport, dport, vid;
	uint8_t ttl, flags;
	uint16_t payload;
};

struct bytes {
	uint8_t room[128];
	uint8_t data[256];
	uint16_t len;
};

static inline void
put(uint8_t **p, uint64_t v, uint32_t n)
{
	for (uint32_t i = n; i-- > 0;)
		*(*p)++ = (uint8_t)(v >> 8 * i);
}

static inline void
put_ip(const struct frame *f, uint8_t **p, uint32_t l4)
{
	if (f->v6) {
		put(p, 0x60000000, 4);
		put(p, l4, 2);
		put(p, f->udp ? 17 : 6, 1);
		put(p, f->ttl, 1);
		put(p, 0x20010db800000000, 8);
		put(p, f->src, 8);
		put(p, 0x20010db800000000, 8);
		put(p, f->dst, 8);
		return;
	}
	put(p, 0x4500, 2);
	put(p, 20 + l4, 2);
	put(p, 0x00014000, 4);
	put(p, f->ttl, 1);
	put(p, f->udp ? 17 : 6, 1);
	put(p, 0, 2);
	put(p, f->src, 4);
	put(p, f->dst, 4);
}

static inline void
frame_bytes(const struct frame *f, struct bytes *b)
{
	const uint32_t l4 = (f->udp ? 8u : 20u) + f->payload;
	uint8_t *p = b->data;

	memset(b, 0, sizeof(*b));
	put(&p, 0x020000000001, 6);
	put(&p, 0x020000000002, 6);
	if (f->vlan) {
		put(&p, 0x8100, 2);
		put(&p, f->vid, 2);
	}
	put(&p, f->v6 ? 0x86dd : 0x0800, 2);
	put_ip(f, &p, l4);
	put(&p, f->sport, 2);
	put(&p, f->dport, 2);
	if (f->udp) {
		put(&p, l4, 2);
		put(&p, 0, 2);
	} else {
		put(&p, 1000, 4);
		put(&p, 2000, 4);
		put(&p, 0x50, 1);
		put(&p, f->flags, 1);
		put(&p, 0xffff0000, 4);
		put(&p, 0, 2);
	}
	b->len = (uint16_t)(p - b->data + f->payload);
}

static inline struct sim_pkt
frame_pkt(struct bytes *b, uint16_t port, bool from_host)
{
	return (struct sim_pkt){
		.data = b->data,
		.len = b->len,
		.frame_len = b->len,
		.headroom = sizeof(b->room),
		.tailroom = (uint16_t)(sizeof(b->data) - b->len),
		.port = port,
		.from_host = from_host,
	};
}

static inline void
frame_phv(const struct frame *f, struct sim_phv *phv)
{
	struct sim_offsets off;
	struct bytes b;

	frame_bytes(f, &b);
	memset(phv, 0, sizeof(*phv));
	sim_parse(b.data, b.len, b.len, 0, phv, &off);
}

#define AT(member) ((uint32_t)offsetof(struct sim_phv, member))
#define AT_IP4_SRC (AT(level[0].ip) + SIM_IP4_AT + 12)
#define AT_IP4_DST (AT(level[0].ip) + SIM_IP4_AT + 16)
#define AT_SPORT AT(level[0].l4)
#define AT_DPORT (AT(level[0].l4) + 2)

/* First `bits` bits from byte `at` of the mask on. */
static inline void
mask_bits(struct sim_match *m, uint32_t at, uint32_t bits)
{
	uint8_t *p = (uint8_t *)&m->mask + at;

	for (uint32_t i = 0; i < bits; i++)
		p[i / 8] = (uint8_t)(p[i / 8] | 0x80 >> i % 8);
}

/* The 5-tuple of a frame. */
static inline void
match_tuple(struct sim_match *m, const struct frame *f)
{
	memset(m, 0, sizeof(*m));
	frame_phv(f, &m->value);
	m->mask.layers[0] = (f->v6 ? SIM_L_IPV6 : SIM_L_IPV4) | (f->udp ? SIM_L_UDP : SIM_L_TCP);
	if (f->v6)
		mask_bits(m, AT(level[0].ip) + 8, 256);
	else
		mask_bits(m, AT_IP4_SRC, 64);
	mask_bits(m, AT_SPORT, 32);
}

/* Every packet. */
static inline void
match_any(struct sim_match *m)
{
	memset(m, 0, sizeof(*m));
	m->value.layers[0] = SIM_L_ETH;
	m->mask.layers[0] = SIM_L_ETH;
}

static inline struct sim_profile
ideal(void)
{
	struct sim_profile p;

	sim_profile_ideal(&p);
	p.tables_twins = 0; /* what the card refuses, the naive list does, too */
	return p;
}

static inline struct sim_steer_stats
stats_of(const struct sim_steer *s)
{
	struct sim_steer_stats st;

	sim_steer_stats(s, &st);
	return st;
}

static inline struct sim_steer *
steer_new(const struct sim_profile *p)
{
	struct sim_steer *s =
			sim_steer_create(&(struct sim_steer_params){ .profile = p, .n_ports = 4 });

	assert_non_null(s);
	return s;
}

/* Rules of ingress of port 0. */
static inline int
rule_add(struct sim_steer *s, uint32_t group, uint32_t priority, const struct sim_match *m,
		struct sim_action a, struct sim_rule **rule)
{
	struct sim_rule *none;
	struct sim_error e;

	return sim_rule_insert(s,
			&(struct sim_rule_params){ .domain = SIM_INGRESS,
					.group = group,
					.priority = priority,
					.match = m,
					.actions = &a,
					.n_actions = 1 },
			rule == NULL ? &none : rule, &e);
}

static inline struct sim_action
act(enum sim_action_type type, uint32_t u32)
{
	return (struct sim_action){ .type = (uint8_t)type, .u32 = u32 };
}

static inline struct sim_dest
run_path(struct sim_steer *s, const struct frame *f, struct sim_path *path)
{
	struct bytes b;
	struct sim_pkt p;

	frame_bytes(f, &b);
	p = frame_pkt(&b, 0, false);
	sim_steer_run(s, &p, 0, path);
	return p.dest;
}

/* --- flows by number --- */

static inline struct frame
flow(uint32_t i)
{
	return (struct frame){
		.src = 0x0a000000 + i,
		.dst = 0xc0a80001,
		.sport = (uint16_t)(i * 7),
		.dport = 80,
	};
}

#endif /* TEST_SIM_STEER_H */
