/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the files of the parser; nobody else includes this.
 */
#ifndef DATAPLANE_PARSE_PRIV_H
#define DATAPLANE_PARSE_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "base/drop.h"
#include "base/pkt.h"

/* Ports of the tunnels that parse_tunnel() knows. */
#define PARSE_PORT_VXLAN 4789
#define PARSE_PORT_GENEVE 6081
#define PARSE_PORT_GTPU 2152

/* Ethernet, two VLAN tags and the longest IP packet that pkt_info can hold. */
#define PARSE_END_MAX (14u + 2 * 4 + UINT16_MAX)

#define PARSE_EXT_MAX 8 /* IPv6 extension headers that are looked at */

/* Packets that have no business in the connection table. */
#define PARSE_NO_KEY \
	(PKT_F_DROP | PKT_F_INVALID | PKT_F_ARP | PKT_F_ND | PKT_F_FRAG | PKT_F_ICMP_ERROR)

/*
 * NIC verdicts: RX_*_CKSUM_NONE has both bits ("intact, although the field is not filled in",
 * virtio).
 */
#define PARSE_RX_IP_INTACT RTE_MBUF_F_RX_IP_CKSUM_GOOD
#define PARSE_RX_L4_INTACT RTE_MBUF_F_RX_L4_CKSUM_GOOD
#define PARSE_RX_L4_BAD RTE_MBUF_F_RX_L4_CKSUM_BAD
_Static_assert((RTE_MBUF_F_RX_IP_CKSUM_NONE & RTE_MBUF_F_RX_IP_CKSUM_GOOD) != 0 &&
				(RTE_MBUF_F_RX_L4_CKSUM_NONE & RTE_MBUF_F_RX_L4_CKSUM_GOOD) != 0,
		"one bit tells intact");

struct parse_params;

/*
 * One packet while it is taken apart. Layers set what they find in *info and move `off` and `end`.
 */
struct parse {
	const struct rte_mbuf *m;
	struct pkt_info *info;
	uint32_t off; /* of the next header */
	uint32_t end; /* first byte that is not the packet's: of the frame, then of the IP packet */
	bool quoted;  /* quoted by an ICMP error: its end may be missing */
	bool carried; /* inside another packet: what the NIC says is not about it */
	bool group;   /* link-layer destination is multicast or broadcast */
	uint8_t icmp_type; /* of ICMP and ICMPv6 */
};

/*
 * `len` bytes at `off`: in place, or gathered from segments into buf. NULL when they reach beyond
 * the end.
 */
static inline const void *
parse_read(const struct parse *p, uint32_t off, uint32_t len, void *buf)
{
	if (off > p->end || len > p->end - off)
		return NULL;
	return rte_pktmbuf_read(p->m, off, len, buf);
}

/* The end of a packet, where there is no payload in view, as pkt_info has it: nobody reads from there on. */
static inline uint16_t
parse_off16(uint32_t off)
{
	return (uint16_t)RTE_MIN(off, (uint32_t)UINT16_MAX);
}

static inline uint16_t
parse_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t
parse_be32(const uint8_t *at)
{
	return (uint32_t)parse_be16(at) << 16 | parse_be16(at + 2);
}

static inline bool
parse_is_icmp(const struct pkt_info *info)
{
	return info->proto == (info->family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static inline bool
parse_is_tunnel_port(uint16_t port)
{
	return port == PARSE_PORT_VXLAN || port == PARSE_PORT_GENEVE || port == PARSE_PORT_GTPU;
}

/* Ethernet and VLAN tags at p->off: *type becomes the EtherType of what follows. */
enum drop_reason
parse_link(struct parse *p, uint16_t *type);

/*
 * IP header at p->off, with options or extension headers: sets info.family, l3_off, l3_len, l4_off,
 * proto and flags. A fragment other than the first leaves info.l4_off at 0.
 */
enum drop_reason
parse_ip4(struct parse *p);
enum drop_reason
parse_ip6(struct parse *p);

/*
 * Transport header at info.l4_off: sets payload_off, tcp_flags, flags; the reason says why it is
 * invalid.
 */
enum drop_reason
parse_l4(struct parse *p);

static inline bool
parse_icmp_is_error(uint8_t family, uint8_t type)
{
	/*
	 * Unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792); RFC
	 * 4443 2.1.
	 */
	return family == 4 ? type <= 12 && (1u << type & 0x1838u) != 0 : type >= 1 && type <= 4;
}

/* The key of one packet, and what it need not go to control for, as its port has it (pp->keys; parse_key.c). */
void
parse_key(const struct rte_mbuf *m, const struct parse_params *pp, struct pkt_info *info,
		struct flow_key *key);

/* Pseudo protocol (flow.h) and id of a packet of a tunnel; 0: it is none. Of a quoted packet its start will do. */
uint8_t
parse_tunnel_key(const struct rte_mbuf *m, const struct pkt_info *info, uint32_t *id);

/*
 * Digests and hashes of a burst that was parsed without them: all at once, because one SipHash after
 * the other is mostly waiting (parse_hash.c).
 */
void
parse_hash(struct pkt_burst *b, const struct flow_hasher *h);

#endif /* DATAPLANE_PARSE_PRIV_H */
