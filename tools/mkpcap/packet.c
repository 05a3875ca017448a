/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builders of whole frames: Ethernet, VLAN, IPv4, IPv6, UDP, TCP, ICMP, ICMPv6, ARP. Called by the
 * scenarios. One body serves both address families: the header writer and the pseudo header are
 * the only places that tell them apart.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_ARP 0x0806

#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMPV6 58

#define ECHO_PAYLOAD 56 /* what ping sends unless told otherwise */
#define ICMP_QUOTE_MAX 548

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* One's complement sum (RFC 1071), unfolded, so that parts can be added up. */
static uint32_t
sum(uint32_t acc, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		acc += get16(p);
	return len ? acc + ((uint32_t)p[0] << 8) : acc;
}

static uint16_t
fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)~acc;
}

static size_t
addr_len(const struct mk_addr *a)
{
	return a->v6 ? 16 : 4;
}

struct mk_addr
mk_addr_add(struct mk_addr base, uint32_t n)
{
	uint64_t carry = n;

	for (size_t i = addr_len(&base); i-- > 0 && carry;) {
		carry += base.bytes[i];
		base.bytes[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return base;
}

int
mk_addr_parse(const char *text, struct mk_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->v6 = strchr(text, ':') != NULL;
	return inet_pton(addr->v6 ? AF_INET6 : AF_INET, text, addr->bytes) == 1 ? 0 : -EINVAL;
}

struct mk_addr
mk_addr(const char *text)
{
	struct mk_addr addr;

	if (mk_addr_parse(text, &addr) != 0)
		abort();
	return addr;
}

int
mk_mac_parse(const char *text, uint8_t *mac)
{
	unsigned int b[MK_MAC_LEN];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
			    &rest) != MK_MAC_LEN)
		return -EINVAL;
	for (int i = 0; i < MK_MAC_LEN; i++)
		mac[i] = (uint8_t)b[i];
	return 0;
}

struct mk_flow
mk_flow_reverse(const struct mk_flow *flow)
{
	struct mk_flow back = *flow;

	memcpy(back.src_mac, flow->dst_mac, MK_MAC_LEN);
	memcpy(back.dst_mac, flow->src_mac, MK_MAC_LEN);
	back.src = flow->dst;
	back.dst = flow->src;
	back.sport = flow->dport;
	back.dport = flow->sport;
	return back;
}

static void
put_ethernet(struct mk_frame *f, const struct mk_flow *flow, uint16_t ethertype)
{
	memcpy(f->data, flow->dst_mac, MK_MAC_LEN);
	memcpy(f->data + MK_MAC_LEN, flow->src_mac, MK_MAC_LEN);
	f->l3 = 12;
	if (flow->vlan) {
		put16(f->data + f->l3, ETHERTYPE_VLAN);
		put16(f->data + f->l3 + 2, flow->vlan);
		f->l3 += 4;
	}
	put16(f->data + f->l3, ethertype);
	f->l3 += 2;
}

void
mk_ipv4_fix_checksum(struct mk_frame *f)
{
	uint8_t *ip = f->data + f->l3;

	put16(ip + 10, 0);
	put16(ip + 10, fold(sum(0, ip, (ip[0] & 0x0f) * 4u)));
}

/* Ethernet and IP headers for l4_len bytes of `proto`; returns where those begin. */
static uint8_t *
put_ip(struct mk_frame *f, const struct mk_flow *flow, uint8_t proto, size_t l4_len)
{
	uint8_t *ip;
	size_t alen = addr_len(&flow->src);

	put_ethernet(f, flow, flow->src.v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	ip = f->data + f->l3;
	f->l4 = f->l3 + (flow->src.v6 ? 40 : 20);
	if (f->l4 + l4_len > MK_FRAME_MAX)
		abort();
	f->ip_len = (uint16_t)(f->l4 - f->l3 + l4_len);
	memset(ip, 0, f->l4 - f->l3);
	memcpy(ip + (flow->src.v6 ? 8 : 12), flow->src.bytes, alen);
	memcpy(ip + (flow->src.v6 ? 8 : 12) + alen, flow->dst.bytes, alen);
	if (flow->src.v6) {
		ip[0] = 0x60;
		put16(ip + 4, (uint16_t)l4_len);
		ip[6] = proto;
		ip[7] = flow->ttl;
	} else {
		ip[0] = 0x45;
		put16(ip + 2, f->ip_len);
		put16(ip + 6, 0x4000); /* DF, so that an identification of 0 is right: RFC 6864 */
		ip[8] = flow->ttl;
		ip[9] = proto;
		mk_ipv4_fix_checksum(f);
	}
	f->len = f->l3 + f->ip_len;
	if (f->len < MK_FRAME_MIN) {
		memset(f->data + f->len, 0, MK_FRAME_MIN - f->len);
		f->len = MK_FRAME_MIN;
	}
	return f->data + f->l4;
}

static uint16_t
l4_checksum(const struct mk_frame *f, const struct mk_flow *flow, uint8_t proto)
{
	size_t len = f->ip_len - (size_t)(f->l4 - f->l3);
	uint32_t acc = (uint32_t)len + proto;

	acc = sum(acc, flow->src.bytes, addr_len(&flow->src));
	acc = sum(acc, flow->dst.bytes, addr_len(&flow->dst));
	return fold(sum(acc, f->data + f->l4, len));
}

void
mk_udp(struct mk_frame *f, const struct mk_flow *flow, const void *payload, size_t len)
{
	uint8_t *udp = put_ip(f, flow, PROTO_UDP, 8 + len);
	uint16_t check;

	put16(udp, flow->sport);
	put16(udp + 2, flow->dport);
	put16(udp + 4, (uint16_t)(8 + len));
	put16(udp + 6, 0);
	memcpy(udp + 8, payload, len);
	check = l4_checksum(f, flow, PROTO_UDP);
	put16(udp + 6, check ? check : 0xffff); /* 0 would mean "none": RFC 768 */
}

/* The options of Linux: MSS, SACK-permitted, timestamps and window scale in a SYN, else timestamps. */
static size_t
put_tcp_options(uint8_t *p, const struct mk_tcp *tcp)
{
	static const uint8_t syn[] = { 2, 4, MK_TCP_MSS >> 8, MK_TCP_MSS & 0xff, 4, 2, 8, 10 };
	static const uint8_t scale[] = { 1, 3, 3, MK_TCP_WSCALE };
	static const uint8_t other[] = { 1, 1, 8, 10 };
	bool is_syn = tcp->flags & MK_TCP_SYN;
	size_t len = is_syn ? sizeof(syn) : sizeof(other);

	memcpy(p, is_syn ? syn : other, len);
	put32(p + len, tcp->ts_val);
	put32(p + len + 4, tcp->ts_ecr);
	len += 8;
	if (is_syn) {
		memcpy(p + len, scale, sizeof(scale));
		len += sizeof(scale);
	}
	return len;
}

void
mk_tcp(struct mk_frame *f, const struct mk_flow *flow, const struct mk_tcp *tcp,
		const void *payload, size_t len)
{
	size_t header = tcp->flags & MK_TCP_SYN ? 40 : 32;
	uint8_t *p = put_ip(f, flow, PROTO_TCP, header + len);

	put16(p, flow->sport);
	put16(p + 2, flow->dport);
	put32(p + 4, tcp->seq);
	put32(p + 8, tcp->flags & MK_TCP_ACK ? tcp->ack : 0);
	p[12] = (uint8_t)(header / 4 << 4);
	p[13] = tcp->flags;
	put16(p + 14, tcp->window);
	put32(p + 16, 0); /* checksum, urgent pointer */
	put_tcp_options(p + 20, tcp);
	if (len)
		memcpy(p + header, payload, len);
	put16(p + 16, l4_checksum(f, flow, PROTO_TCP));
}

void
mk_ip(struct mk_frame *f, const struct mk_flow *flow, uint8_t proto, const void *payload,
		size_t len)
{
	memcpy(put_ip(f, flow, proto, len), payload, len);
}

static void
put_icmp_checksum(struct mk_frame *f, const struct mk_flow *flow)
{
	uint8_t *icmp = f->data + f->l4;

	put16(icmp + 2, 0);
	if (flow->src.v6)
		put16(icmp + 2, l4_checksum(f, flow, PROTO_ICMPV6));
	else
		put16(icmp + 2, fold(sum(0, icmp, f->ip_len - (size_t)(f->l4 - f->l3))));
}

void
mk_echo(struct mk_frame *f, const struct mk_flow *flow, bool reply, uint16_t seq)
{
	bool v6 = flow->src.v6;
	uint8_t *icmp = put_ip(f, flow, v6 ? PROTO_ICMPV6 : PROTO_ICMP, 8 + ECHO_PAYLOAD);

	icmp[0] = v6 ? (reply ? 129 : 128) : (reply ? 0 : 8);
	icmp[1] = 0;
	put16(icmp + 4, flow->sport);
	put16(icmp + 6, seq);
	for (uint8_t i = 0; i < ECHO_PAYLOAD; i++)
		icmp[8 + i] = i;
	put_icmp_checksum(f, flow);
}

void
mk_icmp_error(struct mk_frame *f, const struct mk_flow *flow, uint8_t type, uint8_t code,
		uint32_t rest, const struct mk_frame *about)
{
	size_t quote = about->ip_len < ICMP_QUOTE_MAX ? about->ip_len : ICMP_QUOTE_MAX;
	uint8_t *icmp = put_ip(f, flow, flow->src.v6 ? PROTO_ICMPV6 : PROTO_ICMP, 8 + quote);

	icmp[0] = type;
	icmp[1] = code;
	put32(icmp + 4, rest);
	memcpy(icmp + 8, about->data + about->l3, quote);
	put_icmp_checksum(f, flow);
}

bool
mk_fragment(struct mk_frame *f, const struct mk_frame *whole, unsigned int index, unsigned int unit)
{
	unsigned int body = whole->ip_len - (unsigned int)(whole->l4 - whole->l3);
	unsigned int from = index * unit;
	unsigned int len = from < body ? body - from : 0;
	uint8_t *ip = f->data + whole->l3;

	if (len == 0)
		return false;
	len = len < unit ? len : unit;
	*f = *whole;
	memcpy(f->data + f->l4, whole->data + whole->l4 + from, len);
	f->ip_len = (uint16_t)(whole->l4 - whole->l3 + len);
	put16(ip + 2, f->ip_len);
	put16(ip + 4, 0x5348); /* any identification, as long as the fragments share it */
	put16(ip + 6, (uint16_t)(from / 8 | (from + len < body ? 0x2000 : 0)));
	mk_ipv4_fix_checksum(f);
	f->len = f->l3 + f->ip_len;
	if (f->len < MK_FRAME_MIN) {
		memset(f->data + f->len, 0, MK_FRAME_MIN - f->len);
		f->len = MK_FRAME_MIN;
	}
	return true;
}

void
mk_arp_request(struct mk_frame *f, const struct mk_flow *flow)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t *arp;

	put_ethernet(f, flow, ETHERTYPE_ARP);
	memset(f->data, 0xff, MK_MAC_LEN);
	arp = f->data + f->l3;
	memset(arp, 0, MK_FRAME_MIN - f->l3);
	memcpy(arp, head, sizeof(head));
	memcpy(arp + 8, flow->src_mac, MK_MAC_LEN);
	memcpy(arp + 14, flow->src.bytes, 4);
	memcpy(arp + 24, flow->dst.bytes, 4);
	f->l4 = f->l3;
	f->ip_len = 28;
	f->len = MK_FRAME_MIN;
}

void
mk_neighbour_solicit(struct mk_frame *f, const struct mk_flow *flow)
{
	struct mk_flow to_group = *flow;
	uint8_t body[32] = { 135 };
	const uint8_t *low = flow->dst.bytes + 13;

	to_group.dst = mk_addr("ff02::1:ff00:0");
	memcpy(to_group.dst.bytes + 13, low, 3);
	memcpy(to_group.dst_mac, (const uint8_t[]){ 0x33, 0x33, 0xff, low[0], low[1], low[2] },
			MK_MAC_LEN);
	to_group.ttl = 255; /* RFC 4861, 7.1.1 */
	memcpy(body + 8, flow->dst.bytes, 16);
	body[24] = 1; /* source link-layer address, 8 bytes */
	body[25] = 1;
	memcpy(body + 26, flow->src_mac, MK_MAC_LEN);
	mk_ip(f, &to_group, PROTO_ICMPV6, body, sizeof(body));
	put_icmp_checksum(f, &to_group);
}
