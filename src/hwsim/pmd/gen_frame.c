/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of the generator: templates of headers, and one frame from a template, a tuple and a length, with its checksums
 * made from sums of what does not vary. Any lcore; nothing here is written but the frame.
 */
#include "gen.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#define TCP 6
#define UDP 17
#define VXLAN_PORT 4789

static uint32_t
sum_of(const uint8_t *b, uint32_t n)
{
	uint32_t sum = 0;
	uint16_t word;

	for (uint32_t i = 0; i + 1 < n; i += 2) {
		memcpy(&word, b + i, 2);
		sum += word;
	}
	if (n % 2 != 0) {
		word = 0;
		memcpy(&word, b + n - 1, 1);
		sum += word;
	}
	return sum;
}

static inline void
put16(uint8_t *d, uint32_t v)
{
	const rte_be16_t w = rte_cpu_to_be_16((uint16_t)v);

	memcpy(d, &w, sizeof(w));
}

static inline void
put32(uint8_t *d, uint32_t v)
{
	const rte_be32_t w = rte_cpu_to_be_32(v);

	memcpy(d, &w, sizeof(w));
}

/* A number as it lies in memory in network order. */
static inline uint64_t
word16(uint32_t v)
{
	return rte_cpu_to_be_16((uint16_t)v);
}

/* --- templates --- */

static uint16_t
put_eth(uint8_t *d, const struct gen_conf *c, uint16_t vlan, uint16_t type)
{
	uint16_t at = 12;

	memcpy(d, c->mac_dst, 6);
	memcpy(d + 6, c->mac_src, 6);
	if (vlan != 0) {
		put16(d + at, 0x8100);
		put16(d + at + 2, vlan);
		at += 4;
	}
	put16(d + at, type);
	return at + 2;
}

/* Identification 0 with DF: nothing to put together, so it need not be unique (RFC 6864, 4.1). */
static void
put_ipv4(uint8_t *d, uint8_t proto)
{
	d[0] = 0x45;
	put16(d + 6, 0x4000);
	d[8] = 64;
	d[9] = proto;
}

static void
put_ipv6(uint8_t *d, uint8_t proto, const struct gen_net *src, const struct gen_net *dst)
{
	d[0] = 0x60;
	d[6] = proto;
	d[7] = 64;
	memcpy(d + 8, src->addr, 12);
	memcpy(d + 24, dst->addr, 12);
}

/* RFC 7348, 5: the UDP checksum over IPv4 is 0. */
static uint16_t
put_outer(struct gen_tmpl *t, const struct gen_conf *c)
{
	t->out_l3 = put_eth(t->b, c, c->vlan, 0x0800);
	put_ipv4(t->b + t->out_l3, UDP);
	t->out_sum = sum_of(t->b + t->out_l3, 20);
	t->out_l4 = t->out_l3 + 20;
	put16(t->b + t->out_l4 + 2, VXLAN_PORT);
	t->b[t->out_l4 + 8] = 0x08;
	put32(t->b + t->out_l4 + 12, c->vni << 8);
	return t->out_l4 + 16;
}

void
gen_tmpl_init(struct gen_tmpl *t, const struct gen_conf *c, bool v6, bool tcp, bool reply)
{
	const struct gen_net *from = reply ? &c->dst[v6] : &c->src[v6];
	const struct gen_net *to = reply ? &c->src[v6] : &c->dst[v6];
	const uint8_t proto = tcp ? TCP : UDP;
	uint16_t eth = 0;

	memset(t, 0, sizeof(*t));
	t->v6 = v6;
	t->tcp = tcp;
	if (c->vxlan)
		eth = put_outer(t, c);
	t->l3 = eth + put_eth(t->b + eth, c, c->vxlan ? 0 : c->vlan, v6 ? 0x86dd : 0x0800);
	t->l4 = t->l3 + (v6 ? 40 : 20);
	t->head = t->l4 + (tcp ? 20 : 8);
	t->least = RTE_MAX(eth + SIM_FRAME_MIN, t->head);
	t->src = t->l3 + (v6 ? 20 : 12);
	t->dst = t->l3 + (v6 ? 36 : 16);
	t->l4_ck = t->l4 + (tcp ? 16 : 6);
	if (v6) {
		put_ipv6(t->b + t->l3, proto, from, to);
		t->l4_sum = sum_of(t->b + t->l3 + 8, 32);
	} else {
		put_ipv4(t->b + t->l3, proto);
		t->l3_sum = sum_of(t->b + t->l3, 20);
	}
	if (tcp) {
		t->b[t->l4 + 12] = 5 << 4;
		put16(t->b + t->l4 + 14, UINT16_MAX); /* the window, not scaled */
	}
	t->l4_sum += sum_of(t->b + t->l4, t->head - t->l4) + (uint32_t)word16(proto);
}

void
gen_pattern_init(struct gen_pattern *p, const struct gen_conf *c)
{
	for (uint32_t i = 0; i < SIM_FRAME_MAX; i++) {
		p->bytes[i] = c->payload == GEN_ZERO ? 0
				: c->payload == GEN_INC
				? (uint8_t)i
				: (uint8_t)gen_mix(c->seed ^ (uint64_t)i << 32);
		/* A byte at an even place is the first in memory of its word. */
		uint8_t word[2] = { 0, 0 };

		word[i % 2] = p->bytes[i];
		p->sum[i + 1] = p->sum[i] + sum_of(word, 2);
	}
}

/* --- frames --- */

struct gen_sums
gen_frame_sums(const struct gen_tmpl *t, const struct gen_frame *f, const struct gen_pattern *p)
{
	const uint32_t l4_len = t->head - t->l4 + f->payload;
	struct gen_sums s = { t->l3_sum, (uint64_t)t->l4_sum + p->sum[f->payload] };

	if (!t->v6)
		s.l3 += word16(l4_len + 20);
	s.l4 += word16(l4_len);
	if (t->tcp)
		s.l4 += (uint64_t)rte_cpu_to_be_32(f->seq) + rte_cpu_to_be_32(f->ack) +
				word16(f->flags);
	else
		s.l4 += word16(l4_len);
	if (f->stamp != NULL) {
		s.l4 += sum_of(f->stamp, GEN_STAMP);
		s.l4 -= p->sum[GEN_STAMP];
	}
	return s;
}

static void
finish_outer(uint8_t *d, const struct gen_tmpl *t, const struct gen_frame *f,
		const struct gen_conf *c)
{
	const rte_be32_t src = rte_cpu_to_be_32(c->out_src.low + (f->out_hash & c->out_src.mask));
	const rte_be32_t dst = rte_cpu_to_be_32(c->out_dst.low + (f->out_hash & c->out_dst.mask));
	uint8_t *ip = d + t->out_l3, *udp = d + t->out_l4;
	const uint32_t len = f->len - t->out_l3;
	const uint16_t ck = gen_fold((uint64_t)t->out_sum + word16(len) + src + dst);

	put16(ip + 2, len);
	memcpy(ip + 10, &ck, 2);
	memcpy(ip + 12, &src, 4);
	memcpy(ip + 16, &dst, 4);
	/* RFC 7348, 5: a hash of the inner frame, in the range of dynamic ports. */
	put16(udp, 0xc000 | (f->out_hash >> 16 & 0x3fff));
	put16(udp + 4, len - 20);
}

void
gen_frame_put(uint8_t *d, const struct gen_tmpl *t, const struct gen_frame *f,
		const struct gen_conf *c, const struct gen_pattern *p)
{
	const struct gen_sums s = gen_frame_sums(t, f, p);
	const uint64_t addr = (uint64_t)f->tuple.src + f->tuple.dst;
	const uint32_t l4_len = t->head - t->l4 + f->payload, end = t->head + f->payload;
	uint8_t *l3 = d + t->l3, *l4 = d + t->l4;
	uint16_t ck;

	for (uint32_t i = 0; i < t->head; i += 16)
		memcpy(d + i, t->b + i, 16);
	memcpy(d + t->head, p->bytes, f->payload);
	if (f->len > end)
		memset(d + end, 0, f->len - end);
	if (f->stamp != NULL)
		memcpy(d + t->head, f->stamp, GEN_STAMP);
	if (t->v6) {
		put16(l3 + 4, l4_len);
	} else {
		put16(l3 + 2, l4_len + 20);
		ck = gen_fold(s.l3 + addr);
		memcpy(l3 + 10, &ck, 2);
	}
	memcpy(d + t->src, &f->tuple.src, 4);
	memcpy(d + t->dst, &f->tuple.dst, 4);
	memcpy(l4, &f->tuple.ports, 4);
	if (t->tcp) {
		put32(l4 + 4, f->seq);
		put32(l4 + 8, f->ack);
		l4[13] = f->flags;
	} else {
		put16(l4 + 4, l4_len);
	}
	ck = gen_fold(s.l4 + addr + f->tuple.ports);
	/* RFC 768: 0 means none. */
	if (ck == 0 && !t->tcp)
		ck = UINT16_MAX;
	memcpy(d + t->l4_ck, &ck, 2);
	if (t->out_l3 != 0)
		finish_outer(d, t, f, c);
}
