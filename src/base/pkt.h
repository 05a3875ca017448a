/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets on their way through a worker: a burst as structure of arrays, what the parser found in each packet, and
 * the note that travels inside an mbuf when a packet changes lcores.
 *
 * Filled by the parser (dataplane/parse*.c), read by every stage. Never shared between lcores except through rings.
 */
#ifndef BASE_PKT_H
#define BASE_PKT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/flow.h"

#define PKT_BURST_MAX 64

/* What the parser found, as bits of pkt_info.flags. */
#define PKT_F_DROP 0x0001u /* link or IP layer broken: drop, pkt_info.reason says why */
#define PKT_F_INVALID \
	0x0002u /* transport broken: `invalid` to conntrack, pkt_info.reason says why */
#define PKT_F_CONTROL 0x0004u	 /* must go to the control lcore whatever the flow says */
#define PKT_F_FRAG 0x0008u	 /* fragment; l4 fields are not set unless it is the first one */
#define PKT_F_FRAG_FIRST 0x0010u /* without PKT_F_FRAG: put together out of fragments */
#define PKT_F_ICMP_ERROR \
	0x0020u /* ICMP/ICMPv6 error: no key; parse_icmp_inner() reads what it quotes */
#define PKT_F_ARP 0x0040u
#define PKT_F_ND 0x0080u	   /* neighbour discovery: ICMPv6 133..137 with hop limit 255 */
#define PKT_F_OPTIONS 0x0100u	   /* IPv4 options or IPv6 extension headers present */
#define PKT_F_TTL 0x0200u	   /* TTL or hop limit is 0 or 1 */
#define PKT_F_MULTICAST 0x0400u	   /* IP destination is multicast or broadcast */
#define PKT_F_L4_CSUM_GOOD 0x0800u /* transport checksum verified, or zero where allowed */
#define PKT_F_VLAN 0x1000u	   /* one or two tags were removed from view */
#define PKT_F_TUNNEL 0x2000u	   /* VXLAN, GENEVE or GTP-U recognised (pkt_tunnel) */
#define PKT_F_L4_CSUM_BAD \
	0x4000u /* transport checksum is known to be bad (set by NIC or by verification) */

/* pkt_info.tcp_flags of SCTP: no chunk says anything about the association (DATA, SACK, ...). */
#define PKT_SCTP_DATA 0x01u
/* Of DCCP: the header is one. Else it is just a protocol, without ports. */
#define PKT_DCCP 0x80u

/* Offsets are bytes from the start of the frame. 16 bytes, a quarter of a cache line. */
struct pkt_info {
	uint16_t l3_off;
	uint16_t l4_off; /* 0 when the packet has no transport header in view */
	uint16_t l3_len; /* IP header and payload, bytes (padding of the frame excluded) */
	uint16_t payload_off; /* first byte after the transport header; l3_off + l3_len when there is none */
	uint16_t flags;	   /* PKT_F_* */
	uint8_t family;	   /* 4, 6; 0 = not IP */
	uint8_t proto;	   /* transport protocol after extension headers */
	uint8_t tcp_flags; /* TCP; SCTP: PKT_SCTP_DATA or 0; DCCP: PKT_DCCP | type, or 0 */
	uint8_t reason;	   /* enum drop_reason */
	uint16_t vlan;	   /* outermost VLAN id, 0 = none */
};
_Static_assert(sizeof(struct pkt_info) == 16, "four a cache line");

struct pkt_burst {
	uint16_t n;
	uint16_t port; /* port of entry, index in the configuration */
	struct rte_mbuf *mbuf[PKT_BURST_MAX];
	struct pkt_info info[PKT_BURST_MAX];
	struct flow_key key[PKT_BURST_MAX]; /* family 0: no look-up (ARP, dropped, ...) */
	uint32_t hash[PKT_BURST_MAX];	    /* flow_hash of key */
	uint32_t flow[PKT_BURST_MAX];	    /* flow id found, or FLOW_NONE */
} __rte_cache_aligned;

/* Why a packet was handed to the control lcore; counted. */
#define PUNT_REASONS(X) \
	X(NONE, "none") \
	X(MISS, "miss")		  /* no flow: first packet of a connection, or none at all */ \
	X(NOT_FAST, "not_fast")	  /* connection not established yet, or closing */ \
	X(TCP_FLAGS, "tcp_flags") /* SYN, FIN, RST; what opens and closes with SCTP and DCCP */ \
	X(FRAGMENT, "fragment") \
	X(REASSEMBLED, "reassembled") /* came in fragments: leaves in fragments */ \
	X(ICMP_ERROR, "icmp_error") \
	X(LOCAL, "local") /* ARP, ND, own address */ \
	X(TTL, "ttl") \
	X(MTU, "mtu") \
	X(OPTIONS, "options") \
	X(INVALID, "invalid")	  /* broken transport header or checksum */ \
	X(WINDOW, "window")	  /* TCP sequence numbers that the connection does not expect */ \
	X(NEIGHBOUR, "neighbour") /* next hop is not resolved */ \
	X(L7, "l7")		  /* carries what the class waits for */ \
	X(COOKIE, "cookie")	  /* answers a SYN cookie: opens a connection */
enum punt_reason {
#define X(e, s) PUNT_##e,
	PUNT_REASONS(X)
#undef X
			PUNT_COUNT
};
const char *
punt_name(enum punt_reason r);

/* What the control lcore decided about a packet that it was handed. */
enum pkt_verdict {
	PKT_VERDICT_NONE = 0,
	PKT_VERDICT_FORWARD, /* transmit on port_out / queue_out; already rewritten */
	PKT_VERDICT_DROP,    /* free; counted by whoever decided */
	PKT_VERDICT_LOCAL,   /* consumed by shunt itself: free */
	PKT_VERDICT_HOLD,    /* waits for a neighbour; comes back later */
	PKT_VERDICT_AGAIN, /* put together out of fragments: to be run as if it had just arrived */
};

#define PKT_GATE_NONE UINT32_MAX

/*
 * Private area of every mbuf from shunt's pools (priv_size = sizeof). Written by the lcore that hands the packet on;
 * owned by whoever holds the mbuf.
 */
struct pkt_meta {
	struct pkt_info info;
	uint32_t flow; /* flow id the worker found, or FLOW_NONE */
	uint32_t hash;
	uint32_t gate; /* in-flight slot to give back, or PKT_GATE_NONE (packets that shunt made) */
	uint16_t port_in; /* configuration index */
	uint16_t port_out;
	uint8_t worker;	  /* the worker that handed it over and takes it back */
	uint8_t punt;	  /* enum punt_reason */
	uint8_t verdict;  /* enum pkt_verdict */
	uint8_t reason;	  /* enum drop_reason */
	uint8_t ct_state; /* enum ct_state, for verdicts */
	uint8_t ct_dir;	  /* enum flow_dir, or 2 = none */
	uint16_t queue_out;
	uint32_t conn;	     /* connection index it belongs to, or FLOW_NONE */
	uint32_t sequence;   /* replay: number of the input packet that caused this one */
	struct flow_key key; /* as the parser made it; family 0 = none */
};
_Static_assert(sizeof(struct pkt_meta) == 64, "one cache line in front of the packet");

/* A whole packet that came in fragments? The worker says so (pipeline.c). */
static inline bool
pkt_reassembled(const struct pkt_info *info)
{
	return (info->flags & (PKT_F_FRAG | PKT_F_FRAG_FIRST)) == PKT_F_FRAG_FIRST;
}

/* The note inside an mbuf: in its private area, which the pool was made with. */
static inline struct pkt_meta *
pkt_meta(struct rte_mbuf *m)
{
	return (struct pkt_meta *)rte_mbuf_to_priv(m);
}

/* The same to read: DPDK's accessor takes no const mbuf, though it does not write. */
static inline const struct pkt_meta *
pkt_meta_const(const struct rte_mbuf *m)
{
	return pkt_meta((struct rte_mbuf *)(uintptr_t)m);
}

#endif /* BASE_PKT_H */
