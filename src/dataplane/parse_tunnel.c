/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnels over UDP: which one, whose, and what is in it. For statistics when a connection opens
 * (control lcore): a wrong guess costs nothing, so a destination port and a plausible header are
 * enough. And, where a zone's packets are told apart by tunnels, which one is it (parse_key.c; any lcore)? Only reads.
 */
#include "parse.h"

#include "parse_priv.h"

#include <rte_ether.h>

#define ETHER_TYPE_TEB 0x6558 /* transparent Ethernet bridging */

#define GTPU_GPDU 255
#define GTPU_EXT_MAX 8

/*
 * Behind a tunnel's header at p->off: its id in out->id, p->off moved to what it carries, *type the
 * EtherType of that (0 = nothing known). False when it is no such header.
 */
typedef bool (*tunnel_header)(struct parse *p, struct parse_tunnel *out, uint16_t *type);

/* RFC 7348 5. */
static bool
vxlan_header(struct parse *p, struct parse_tunnel *out, uint16_t *type)
{
	uint8_t buf[8];
	const uint8_t *h = parse_read(p, p->off, sizeof(buf), buf);

	if (h == NULL || (h[0] & 0x08) == 0)
		return false;
	out->id = parse_be32(h + 4) >> 8;
	*type = ETHER_TYPE_TEB;
	p->off += sizeof(buf);
	return true;
}

/* RFC 8926 3.4. */
static bool
geneve_header(struct parse *p, struct parse_tunnel *out, uint16_t *type)
{
	uint8_t buf[8];
	const uint8_t *h = parse_read(p, p->off, sizeof(buf), buf);
	uint32_t len;

	if (h == NULL || h[0] >> 6 != 0)
		return false;
	len = (uint32_t)sizeof(buf) + (h[0] & 0x3fu) * 4;
	if (len > p->end - p->off)
		return false;
	out->id = parse_be32(h + 4) >> 8;
	*type = parse_be16(h + 2);
	p->off += len;
	return true;
}

/*
 * The chain of extension headers: 4n bytes each, the last of which is the type of the next (TS
 * 29.281 5.2.1).
 */
static bool
gtpu_extensions(struct parse *p, uint8_t next)
{
	for (unsigned int n = 0; next != 0; n++) {
		uint8_t one;
		const uint8_t *h = parse_read(p, p->off, 1, &one);
		uint32_t len;

		if (h == NULL || n == GTPU_EXT_MAX)
			return false;
		len = h[0] * 4u;
		if (len == 0 || len > p->end - p->off)
			return false;
		h = parse_read(p, p->off + len - 1, 1, &one);
		if (h == NULL)
			return false;
		next = h[0];
		p->off += len;
	}
	return true;
}

/* 3GPP TS 29.281 5.1: version 1, not GTP'. Only G-PDUs carry packets, and IP names itself. */
static bool
gtpu_header(struct parse *p, struct parse_tunnel *out, uint16_t *type)
{
	uint8_t buf[12], kind;
	const uint8_t *h = parse_read(p, p->off, 8, buf);

	if (h == NULL || h[0] >> 4 != 3)
		return false;
	out->id = parse_be32(h + 4);
	kind = h[1];
	if ((h[0] & 0x07) != 0) { /* sequence number, N-PDU number, next extension: all or none */
		h = parse_read(p, p->off, sizeof(buf), buf);
		if (h == NULL)
			return false;
		p->off += sizeof(buf);
		if ((h[0] & 0x04) != 0 && !gtpu_extensions(p, h[11]))
			return false;
	} else {
		p->off += 8;
	}
	h = parse_read(p, p->off, 1, buf);
	*type = 0;
	if (kind == GTPU_GPDU && h != NULL)
		*type = h[0] >> 4 == 4		 ? RTE_ETHER_TYPE_IPV4
				: h[0] >> 4 == 6 ? RTE_ETHER_TYPE_IPV6
						 : 0;
	return true;
}

static const struct {
	const char *name;
	uint16_t port;
	tunnel_header header;
} tunnels[PARSE_TUNNEL_TYPES] = {
	[PARSE_TUNNEL_NONE] = { "none", 0, NULL },
	[PARSE_TUNNEL_VXLAN] = { "vxlan", PARSE_PORT_VXLAN, vxlan_header },
	[PARSE_TUNNEL_GENEVE] = { "geneve", PARSE_PORT_GENEVE, geneve_header },
	[PARSE_TUNNEL_GTPU] = { "gtpu", PARSE_PORT_GTPU, gtpu_header },
};

#define GTPU_END_MARKER 254

/* Does a UDP payload that starts so belong to a tunnel, and to which? `len` bytes of it were sent. */
static uint8_t
tunnel_of(uint16_t port, const uint8_t h[8], uint32_t len, uint32_t *id)
{
	*id = parse_be32(h + 4);
	switch (port) {
	case PARSE_PORT_VXLAN:
		*id >>= 8;
		return h[0] & 0x08 ? FLOW_PROTO_VXLAN : 0;
	case PARSE_PORT_GENEVE:
		*id >>= 8;
		return h[0] >> 6 == 0 && 8 + (h[0] & 0x3fu) * 4 <= len ? FLOW_PROTO_GENEVE : 0;
	case PARSE_PORT_GTPU: /* its other messages are about the path, and answered to the port they came from */
		return h[0] >> 4 == 3 && (h[1] == GTPU_GPDU || h[1] == GTPU_END_MARKER)
				? FLOW_PROTO_GTPU
				: 0;
	default:
		return 0;
	}
}

uint8_t
parse_tunnel_key(const struct rte_mbuf *m, const struct pkt_info *info, uint32_t *id)
{
	const struct parse p = { .m = m, .end = info->l3_off + info->l3_len };
	uint8_t buf[16];
	const uint8_t *h;
	uint32_t len;

	if (info->proto != IPPROTO_UDP || info->l4_off == 0)
		return 0;
	h = parse_read(&p, info->l4_off, sizeof(buf), buf);
	if (h == NULL)
		return 0;
	len = parse_be16(h + 4);
	return len < sizeof(buf) ? 0 : tunnel_of(parse_be16(h + 2), h + 8, len - 8, id);
}

const char *
parse_tunnel_name(enum parse_tunnel_type t)
{
	return (unsigned int)t < RTE_DIM(tunnels) ? tunnels[t].name : "?";
}

/* The inner packet, as far as it can be understood. */
static void
measure(struct parse *p, struct parse_tunnel *out, uint16_t type)
{
	struct pkt_info *inner = p->info;
	struct flow_tuple tuple;
	enum drop_reason why;

	if (type == ETHER_TYPE_TEB && parse_link(p, &type) != DROP_NONE)
		return;
	if (type != RTE_ETHER_TYPE_IPV4 && type != RTE_ETHER_TYPE_IPV6)
		return;
	why = type == RTE_ETHER_TYPE_IPV4 ? parse_ip4(p) : parse_ip6(p);
	if (why != DROP_NONE)
		return;
	out->inner_off = inner->l3_off;
	out->inner_len = inner->l3_len;
	out->inner_family = inner->family;
	out->inner_proto = inner->proto;
	if (!parse_is_icmp(inner) && parse_tuple(p->m, inner, 0, &tuple)) {
		out->inner_sport = tuple.key.sport;
		out->inner_dport = tuple.key.dport;
	}
}

bool
parse_tunnel(const struct rte_mbuf *m, struct pkt_info *info, struct parse_tunnel *out)
{
	struct pkt_info inner = { 0 };
	struct parse p = {
		.m = m,
		.info = &inner,
		.off = info->payload_off,
		.end = info->l3_off + info->l3_len,
		.carried = true,
	};
	uint8_t buf[8];
	const uint8_t *h;
	uint16_t port, type;

	memset(out, 0, sizeof(*out));
	if (info->proto != IPPROTO_UDP || info->l4_off == 0 ||
			(info->flags & (PKT_F_DROP | PKT_F_INVALID | PKT_F_FRAG)) != 0)
		return false;
	h = parse_read(&p, info->l4_off, sizeof(buf), buf);
	if (h == NULL)
		return false;
	port = parse_be16(h + 2);
	p.end = RTE_MIN(p.end, info->l4_off + (uint32_t)parse_be16(h + 4));
	for (unsigned int t = PARSE_TUNNEL_NONE + 1; t < PARSE_TUNNEL_TYPES; t++) {
		if (tunnels[t].port == port && tunnels[t].header(&p, out, &type)) {
			out->type = t;
			info->flags |= PKT_F_TUNNEL;
			measure(&p, out, type);
			return true;
		}
	}
	memset(out, 0, sizeof(*out));
	return false;
}
