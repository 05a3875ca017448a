/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser: Ethernet to layer 4, and the same again behind a tunnel. Called by steering for every packet and after every
 * action that moves headers, so the plain case must not cost more than a few tens of nanoseconds: headers are copied with
 * constant sizes, and tunnels are out of the way. Trusts no length; reads nothing beyond `len`.
 */
#include "sim_priv.h"

#define EXTENSIONS_MAX 8
/* Behind a later fragment, or a header that is cut short: no protocol has this number in the tables below. */
#define NO_PROTO 256u

struct view {
	const uint8_t *data;
	uint32_t len;
	struct sim_phv *phv;
	struct sim_offsets *off;
	/* What comes behind a tunnel: 0 nothing, SIM_TYPE_TEB an Ethernet header, else the ethertype. */
	uint32_t inner_type;
	uint32_t inner_at;
	uint32_t inner_end;
};

static inline __attribute__((always_inline)) uint32_t
ether(struct view *v, uint32_t level, uint32_t *at)
{
	struct sim_level *lv = &v->phv->level[level];
	uint32_t tags = 0;
	uint32_t type;

	if (v->len < *at + 14)
		return 0;
	v->off->l2[level] = (uint16_t)*at;
	memcpy(lv->eth, v->data + *at, 14);
	v->phv->layers[level] |= SIM_L_ETH;
	type = sim_get16(lv->eth + 12);
	*at += 14;
	while (sim_is_tpid((uint16_t)type)) {
		if (tags == 2 || v->len < *at + 4) {
			type = 0;
			break;
		}
		if (tags == 0)
			v->off->vlan[level] = (uint16_t)*at;
		memcpy(lv->vlan + 4 * tags, v->data + *at, 4);
		v->phv->layers[level] |= tags == 0 ? SIM_L_VLAN : SIM_L_QINQ;
		type = sim_get16(v->data + *at + 2);
		*at += 4;
		tags++;
	}
	v->off->payload = (uint16_t)*at;
	return type;
}

static inline __attribute__((always_inline)) uint32_t
ipv4(struct view *v, uint32_t level, uint32_t *at, uint32_t *end)
{
	const uint8_t *h = v->data + *at;
	uint32_t header, total;
	uint16_t frag;

	if (*end < *at + 20 || h[0] >> 4 != 4)
		return NO_PROTO;
	memcpy(v->phv->level[level].ip + SIM_IP4_AT, h, 20);
	v->phv->layers[level] |= SIM_L_IPV4;
	v->off->l3[level] = (uint16_t)*at;
	v->off->payload = (uint16_t)(*at + 20);

	header = (h[0] & 15u) * 4;
	total = sim_get16(h + 2);
	frag = sim_get16(h + 6);
	if (frag & 0x3fff)
		v->phv->layers[level] |= SIM_L_FRAG;
	if (header > 20)
		v->phv->layers[level] |= SIM_L_IP_OPT;
	if (header < 20 || total < header || *end < *at + header)
		return NO_PROTO;
	if (*end > *at + total)
		*end = *at + total;
	*at += header;
	v->off->payload = (uint16_t)*at;
	return frag & 0x1fff ? NO_PROTO : h[9];
}

/* Length of an IPv6 extension header; 0: it is none. The fragment header is the caller's. */
static uint32_t
extension(uint32_t proto, const uint8_t *h)
{
	switch (proto) {
	case 0:	  /* hop by hop */
	case 43:  /* routing */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* HIP */
	case 140: /* shim6 */
		return (h[1] + 1u) * 8;
	case 51: /* AH counts in words (RFC 4302, 2.2) */
		return (h[1] + 2u) * 4;
	default:
		return 0;
	}
}

static uint32_t
extensions(struct view *v, uint32_t level, uint32_t proto, uint32_t *at, uint32_t end)
{
	uint32_t *layers = &v->phv->layers[level];

	for (uint32_t i = 0;; i++) {
		const uint8_t *h = v->data + *at;
		static const uint8_t none[8];
		uint32_t n = proto == 44 ? 8 : extension(proto, end < *at + 8 ? none : h);

		if (n == 0)
			return proto;
		if (i == EXTENSIONS_MAX || end < *at + 8 || end < *at + n)
			return NO_PROTO;
		if (proto != 44) {
			*layers |= SIM_L_IP_OPT;
		} else if (*layers & SIM_L_FRAG6) {
			return NO_PROTO; /* cut twice: nobody does */
		} else {
			uint16_t frag = sim_get16(h + 2);

			memcpy(v->phv->level[level].frag6, h, 8);
			*layers |= SIM_L_FRAG6 | (frag & 0xfff9 ? SIM_L_FRAG : 0);
			if (frag & 0xfff8) {
				v->off->payload = (uint16_t)(*at + 8);
				return NO_PROTO;
			}
		}
		proto = h[0];
		*at += n;
		v->off->payload = (uint16_t)*at;
	}
}

static inline __attribute__((always_inline)) uint32_t
ipv6(struct view *v, uint32_t level, uint32_t *at, uint32_t *end)
{
	const uint8_t *h = v->data + *at;
	uint32_t total;

	if (*end < *at + 40 || h[0] >> 4 != 6)
		return NO_PROTO;
	memcpy(v->phv->level[level].ip, h, 40);
	v->phv->layers[level] |= SIM_L_IPV6;
	v->off->l3[level] = (uint16_t)*at;
	total = 40u + sim_get16(h + 4);
	if (*end > *at + total)
		*end = *at + total;
	*at += 40;
	v->off->payload = (uint16_t)*at;
	if (h[6] == SIM_PROTO_TCP || h[6] == SIM_PROTO_UDP)
		return h[6];
	return extensions(v, level, h[6], at, *end);
}

static void
arp(struct view *v, uint32_t level, uint32_t at)
{
	static const uint8_t ethernet_ipv4[6] = { 0, 1, 8, 0, 6, 4 };

	if (v->len < at + 28 || memcmp(v->data + at, ethernet_ipv4, 6) != 0)
		return;
	memcpy(v->phv->level[level].ip, v->data + at, 28);
	v->phv->layers[level] |= SIM_L_ARP;
	v->off->l3[level] = (uint16_t)at;
	v->off->payload = (uint16_t)(at + 28);
}

/* A fixed header of layer 4. `bytes` is a constant where it is called. */
static inline __attribute__((always_inline)) bool
l4(struct view *v, uint32_t level, enum sim_layer layer, uint32_t at, uint32_t bytes, uint32_t end)
{
	if (end < at + bytes)
		return false;
	memcpy(v->phv->level[level].l4, v->data + at, bytes);
	v->phv->layers[level] |= layer;
	v->off->l4[level] = (uint16_t)at;
	v->off->payload = (uint16_t)(at + bytes);
	return true;
}

/* A tunnel header of n bytes; those in view within `end` are there. */
static bool
tunnel(struct view *v, uint32_t layers, uint32_t at, uint32_t n, uint32_t end)
{
	if (end < at + n)
		return false;
	v->phv->layers[0] |= layers;
	v->off->tunnel = (uint16_t)at;
	v->off->payload = (uint16_t)(at + n);
	v->inner_at = at + n;
	v->inner_end = end;
	return true;
}

/* RFC 2784, 2890, 7637; version 1 is PPTP's, and routing (RFC 1701) is obsolete: of both there is only the header. */
static void
gre(struct view *v, uint32_t at, uint32_t end)
{
	const uint8_t *h = v->data + at;
	uint32_t n = 4;
	uint32_t key = 0;
	uint32_t layers = SIM_L_GRE;
	uint16_t flags;

	if (end < at + 4)
		return;
	flags = sim_get16(h);
	if ((flags & 0x4007) == 0) {
		if (flags & 0x8000)
			n += 4;
		key = n;
		n += (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
		layers |= (flags & 0x2000 ? SIM_L_GRE_KEY : 0) |
				(sim_get16(h + 2) == SIM_TYPE_TEB ? SIM_L_NVGRE : 0);
		v->inner_type = sim_get16(h + 2);
	}
	if (!tunnel(v, layers, at, n, end)) {
		v->inner_type = 0;
		return;
	}
	memcpy(v->phv->tunnel, h, 4);
	if (layers & SIM_L_GRE_KEY)
		memcpy(v->phv->tunnel + 8, h + key, 4);
}

/* RFC 8926. */
static void
geneve(struct view *v, uint32_t at, uint32_t end)
{
	const uint8_t *h = v->data + at;

	if (end < at + 8 || h[0] >> 6 != 0 ||
			!tunnel(v, SIM_L_GENEVE, at, 8 + (h[0] & 63u) * 4, end))
		return;
	memcpy(v->phv->tunnel, h, 8);
	v->inner_type = sim_get16(h + 2);
}

/* 3GPP TS 29.281, 5.1. Only a G-PDU (255) carries a packet. */
static void
gtpu(struct view *v, uint32_t at, uint32_t end)
{
	const uint8_t *h = v->data + at;
	uint32_t n = 8;
	uint32_t kept;

	if (end < at + 8 || h[0] >> 4 != 3)
		return;
	if (h[0] & 7) {
		uint32_t next;

		n = 12;
		if (end < at + n)
			return;
		next = h[0] & 4 ? h[11] : 0;
		for (uint32_t i = 0; next != 0; i++) {
			uint32_t words;

			if (i == EXTENSIONS_MAX || end < at + n + 4)
				return;
			words = h[n];
			if (words == 0 || end < at + n + words * 4)
				return;
			n += words * 4;
			next = h[n - 1];
		}
	}
	if (!tunnel(v, SIM_L_GTPU, at, n, end))
		return;
	kept = n < sizeof(v->phv->tunnel) ? n : sizeof(v->phv->tunnel);
	memcpy(v->phv->tunnel, h, kept);
	if (h[1] != 255 || end < at + n + 1)
		return;
	v->inner_type = h[n] >> 4 == 4 ? SIM_TYPE_IPV4 : h[n] >> 4 == 6 ? SIM_TYPE_IPV6 : 0;
}

static void
udp_tunnel(struct view *v, uint16_t port, uint32_t at, uint32_t end)
{
	switch (port) {
	case SIM_PORT_VXLAN:
		if (!tunnel(v, SIM_L_VXLAN, at, 8, end))
			return;
		memcpy(v->phv->tunnel, v->data + at, 8);
		v->inner_type = SIM_TYPE_TEB;
		break;
	case SIM_PORT_GENEVE:
		geneve(v, at, end);
		break;
	case SIM_PORT_GTPU:
		gtpu(v, at, end);
		break;
	default:
		break;
	}
}

/* What is neither TCP nor UDP. */
static void
other(struct view *v, uint32_t level, uint32_t proto, uint32_t at, uint32_t end)
{
	const bool v4 = (v->phv->layers[level] & SIM_L_IPV4) != 0;

	switch (proto) {
	case SIM_PROTO_ICMP:
		if (v4)
			l4(v, level, SIM_L_ICMP, at, 8, end);
		break;
	case SIM_PROTO_ICMP6:
		if (!v4)
			l4(v, level, SIM_L_ICMP6, at, 8, end);
		break;
	case SIM_PROTO_SCTP:
		l4(v, level, SIM_L_SCTP, at, 12, end);
		break;
	case SIM_PROTO_ESP:
		l4(v, level, SIM_L_ESP, at, 8, end);
		break;
	case SIM_PROTO_GRE:
		if (level == 0)
			gre(v, at, end);
		break;
	case SIM_PROTO_IPIP:
	case SIM_PROTO_IPV6:
		if (level == 0) {
			v->inner_type = proto == SIM_PROTO_IPIP ? SIM_TYPE_IPV4 : SIM_TYPE_IPV6;
			v->inner_at = at;
			v->inner_end = end;
		}
		break;
	default:
		break;
	}
}

static inline __attribute__((always_inline)) void
level_from_l3(struct view *v, uint32_t level, uint32_t type, uint32_t at)
{
	uint32_t end = v->len;
	uint32_t proto;

	if (type == SIM_TYPE_IPV4) {
		proto = ipv4(v, level, &at, &end);
	} else if (type == SIM_TYPE_IPV6) {
		proto = ipv6(v, level, &at, &end);
	} else {
		if (type == SIM_TYPE_ARP)
			arp(v, level, at);
		return;
	}
	if (proto == SIM_PROTO_TCP) {
		if (l4(v, level, SIM_L_TCP, at, 20, end)) {
			uint32_t header = (v->data[at + 12] >> 4) * 4u;

			if (header > 20)
				v->off->payload = (uint16_t)(at + header < end ? at + header : end);
		}
	} else if (proto == SIM_PROTO_UDP) {
		if (l4(v, level, SIM_L_UDP, at, 8, end) && level == 0)
			udp_tunnel(v, sim_get16(v->data + at + 2), at + 8, end);
	} else {
		other(v, level, proto, at, end);
	}
}

/* Not in line: most packets have no tunnel. */
static __attribute__((noinline)) void
inner(struct view *v)
{
	uint32_t at = v->inner_at;
	uint32_t type = v->inner_type;

	v->len = v->inner_end;
	if (type == SIM_TYPE_TEB)
		type = ether(v, 1, &at);
	level_from_l3(v, 1, type, at);
}

/*
 * Zeroes by 16 bytes: for a constant size as large as this compilers choose `rep stos`, whose start alone costs as much as
 * the rest of the parser.
 */
static inline __attribute__((always_inline)) void
clear(void *p, size_t n)
{
	typedef uint64_t pair __attribute__((vector_size(16), aligned(1), may_alias));
	pair *at = p;

	_Static_assert(sizeof(struct sim_level) % 16 == 0, "cleared by 16 bytes");
#pragma GCC unroll 16
	for (size_t i = 0; i < n / 16; i++)
		at[i] = (pair){ 0, 0 };
}

void
sim_parse(const uint8_t *data, uint16_t len, uint32_t frame_len, uint32_t flags,
		struct sim_phv *phv, struct sim_offsets *off)
{
	struct view v = { .data = data, .len = len, .phv = phv, .off = off };
	uint32_t at = 0;
	uint32_t type;

	phv->layers[0] = 0;
	phv->layers[1] = 0;
	clear(phv->level, sizeof(phv->level));
	memset(phv->tunnel, 0, sizeof(phv->tunnel));
	memset(off, 0, sizeof(*off));
	if (flags & SIM_PARSE_L3)
		type = len == 0 ? 0 : data[0] >> 4 == 4 ? SIM_TYPE_IPV4 : SIM_TYPE_IPV6;
	else
		type = ether(&v, 0, &at);
	level_from_l3(&v, 0, type, at);
	if (v.inner_type != 0)
		inner(&v);
	if (flags & SIM_PARSE_INTEGRITY)
		sim_parse_check(data, len, frame_len, phv, off);
}
