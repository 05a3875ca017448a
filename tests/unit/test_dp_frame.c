/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of test_dp.h, built from the RFCs: no code of the dataplane is used, checksums are computed byte by byte.
 */
#include "test_dp.h"

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#define ETHERNET 14

static void
put8(struct frame *f, uint8_t v)
{
	f->b[f->len++] = v;
}

static void
put16(struct frame *f, uint16_t v)
{
	put8(f, (uint8_t)(v >> 8));
	put8(f, (uint8_t)v);
}

static void
put32(struct frame *f, uint32_t v)
{
	put16(f, (uint16_t)(v >> 16));
	put16(f, (uint16_t)v);
}

static void
put(struct frame *f, const void *data, size_t len)
{
	memcpy(f->b + f->len, data, len);
	f->len += (uint32_t)len;
}

static void
set16(struct frame *f, uint32_t at, uint16_t v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

static void
put_mac(struct frame *f, const char *text)
{
	for (unsigned int i = 0; i < 6; i++)
		put8(f, (uint8_t)strtoul(text + 3 * i, NULL, 16));
}

static void
put_address(struct frame *f, const char *text)
{
	uint8_t a[16];

	if (inet_pton(AF_INET, text, a) == 1)
		put(f, a, 4);
	else if (inet_pton(AF_INET6, text, a) == 1)
		put(f, a, 16);
	else
		abort();
}

/* One's complement sum, RFC 1071. */
static uint32_t
sum(const uint8_t *data, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	return s;
}

static uint16_t
finish(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* RFC 9260 appendix A, bit by bit. */
static uint32_t
crc32c(const uint8_t *data, uint32_t len)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* One chunk, around the payload; INIT and INIT ACK have their fixed part in front of it. */
static void
sctp(struct frame *f, const struct packet *p)
{
	const bool init = p->flags == SCTP_INIT || p->flags == SCTP_INIT_ACK;

	put16(f, p->sport);
	put16(f, p->dport);
	put32(f, p->tag);
	put32(f, 0);
	put16(f, (uint16_t)(p->flags << 8));
	put16(f, (uint16_t)(4 + p->len + (init ? 16 : 0)));
	if (init) {
		put32(f, p->ack);
		put32(f, 65536);
		put32(f, 0x00010001);
		put32(f, 1);
	}
}

/* Long sequence numbers; the header as long as its type needs it (RFC 4340 5). */
static void
dccp(struct frame *f, const struct packet *p)
{
	const uint32_t words = p->flags == DCCP_REQUEST ? 5 : p->flags == DCCP_RESPONSE ? 7 : 6;

	put16(f, p->sport);
	put16(f, p->dport);
	put16(f, (uint16_t)(words << 8));
	put16(f, 0);
	put16(f, (uint16_t)(p->flags << 9 | 0x100));
	put16(f, 0);
	for (uint32_t i = 3; i < words; i++)
		put32(f, p->seq + i);
}

static void
transport(struct frame *f, const struct packet *p)
{
	switch (p->proto) {
	case IPPROTO_TCP:
		put16(f, p->sport);
		put16(f, p->dport);
		put32(f, p->seq);
		put32(f, p->ack);
		put8(f, 0x50);
		put8(f, p->flags);
		put16(f, 65535);
		put32(f, 0);
		break;
	case IPPROTO_UDP:
		put16(f, p->sport);
		put16(f, p->dport);
		put16(f, (uint16_t)(8 + p->len));
		put16(f, 0);
		break;
	case IPPROTO_SCTP:
		sctp(f, p);
		break;
	case IPPROTO_DCCP:
		dccp(f, p);
		break;
	case IPPROTO_UDPLITE: /* all of it is covered */
		put16(f, p->sport);
		put16(f, p->dport);
		put32(f, 0);
		break;
	case IPPROTO_GRE: /* with a key, RFC 2890 */
		put16(f, p->seq != 0 ? 0x2000 : 0);
		put16(f, 0x0800);
		if (p->seq != 0)
			put32(f, p->seq);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put16(f, p->dport);
		put16(f, 0);
		if (p->sport != 0) {
			put16(f, p->sport);
			put16(f, 1);
		} else {
			put32(f, p->seq);
		}
		break;
	default:
		break;
	}
	if (p->len > 0)
		put(f, p->payload, p->len);
}

static void
seal_transport(struct frame *f, const struct packet *p, uint32_t l3, uint32_t l4)
{
	const uint32_t len = f->len - l4, address = frame_family(f) == 4 ? 4 : 16;
	uint32_t at, s = 0;

	switch (p->proto) {
	case IPPROTO_TCP:
		at = l4 + 16;
		break;
	case IPPROTO_UDP:
		if (p->no_checksum)
			return;
		at = l4 + 6;
		break;
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		at = l4 + 6;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at = l4 + 2;
		break;
	case IPPROTO_SCTP:
		s = crc32c(f->b + l4, len);
		for (unsigned int i = 0; i < 4; i++)
			f->b[l4 + 8 + i] = (uint8_t)(s >> 8 * i);
		return;
	default:
		return;
	}
	if (p->proto != IPPROTO_ICMP)
		s = sum(f->b + l3 + (address == 4 ? 12 : 8), 2 * address, len + p->proto);
	s = finish(sum(f->b + l4, len, s));
	set16(f, at,
			(uint16_t)(s == 0 && (p->proto == IPPROTO_UDP || p->proto == IPPROTO_UDPLITE)
							? 0xffff
							: s));
}

static void
ethernet(struct frame *f, const char *dmac, const char *smac, unsigned int vlans, uint16_t type)
{
	f->len = 0;
	put_mac(f, dmac);
	put_mac(f, smac);
	for (unsigned int i = 0; i < vlans; i++) {
		put16(f, i + 1 < vlans ? 0x88a8 : 0x8100);
		put16(f, (uint16_t)(100 + i));
	}
	put16(f, type);
}

void
frame_build(struct frame *f, const struct packet *p)
{
	const bool v6 = strchr(p->src, ':') != NULL;
	const char *dmac = p->dmac != NULL ? p->dmac : RIG_MAC;
	const char *smac = p->smac != NULL ? p->smac : "02:00:00:00:00:fe";
	const uint8_t ttl = p->ttl != 0 ? p->ttl : 64;
	uint32_t l3, l4;

	ethernet(f, dmac, smac, p->vlans, v6 ? 0x86dd : 0x0800);
	l3 = f->len;
	if (v6) {
		put32(f, 0x60012345);
		put16(f, 0);
		put8(f, p->proto);
		put8(f, ttl);
	} else {
		put32(f, 0x45100000);
		put32(f, 0x12344000);
		put8(f, ttl);
		put8(f, p->proto);
		put16(f, 0);
	}
	put_address(f, p->src);
	put_address(f, p->dst);
	l4 = f->len;
	transport(f, p);
	if (v6) {
		set16(f, l3 + 4, (uint16_t)(f->len - l4));
	} else {
		set16(f, l3 + 2, (uint16_t)(f->len - l3));
		set16(f, l3 + 10, finish(sum(f->b + l3, 20, 0)));
	}
	seal_transport(f, p, l3, l4);
}

uint32_t
frame_l3(const struct frame *f)
{
	uint32_t at = ETHERNET;

	while (f->b[at - 2] == 0x81 || f->b[at - 2] == 0x88)
		at += 4;
	return at;
}

uint8_t
frame_family(const struct frame *f)
{
	return f->b[frame_l3(f)] >> 4;
}

void
frame_neighbour(struct frame *f, const char *addr, const char *mac, const char *to,
		const char *to_mac)
{
	struct packet p = {
		.dmac = to_mac,
		.smac = mac,
		.src = addr,
		.dst = to,
		.proto = IPPROTO_ICMPV6,
		.ttl = 255,
		.dport = 136 << 8,
		.seq = 0x60000000, /* solicited, override */
	};
	uint8_t target[24];

	if (strchr(addr, ':') != NULL) {
		inet_pton(AF_INET6, addr, target);
		target[16] = 2; /* option: target's link-layer address */
		target[17] = 1;
		for (unsigned int i = 0; i < 6; i++)
			target[18 + i] = (uint8_t)strtoul(mac + 3 * i, NULL, 16);
		p.payload = target;
		p.len = sizeof(target);
		frame_build(f, &p);
		return;
	}
	ethernet(f, to_mac, mac, 0, 0x0806);
	put32(f, 0x00010800);
	put32(f, 0x06040002);
	put_mac(f, mac);
	put_address(f, addr);
	put_mac(f, to_mac);
	put_address(f, to);
}
