/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet header vector (the term is RMT's, SIGCOMM 2013): what the parser found, at fixed places, so that a match
 * is a masked compare of 64-bit words. Headers lie in it as they are on the wire, in network order: the specs and
 * masks of rte_flow items, which are headers too, are copied in as they are.
 */
#ifndef HWSIM_CORE_PHV_H
#define HWSIM_CORE_PHV_H

#include <stddef.h>
#include <stdint.h>

#include "hwsim/core/sim.h"

/* What is there, a bit a header; struct sim_phv has one such word for the outer level and one for the inner. */
enum sim_layer {
	SIM_L_ETH = 1u << 0,
	SIM_L_VLAN = 1u << 1,
	SIM_L_QINQ = 1u << 2, /* a second VLAN tag, with SIM_L_VLAN */
	SIM_L_IPV4 = 1u << 3,
	SIM_L_IPV6 = 1u << 4,
	SIM_L_FRAG = 1u << 5, /* any fragment, of IPv4 or IPv6; layer 4 is looked at in the first only */
	SIM_L_FRAG6 = 1u << 6,	/* IPv6 fragment extension header, in frag6 */
	SIM_L_IP_OPT = 1u << 7, /* IPv4 options or other IPv6 extension headers */
	SIM_L_TCP = 1u << 8,
	SIM_L_UDP = 1u << 9,
	SIM_L_SCTP = 1u << 10,
	SIM_L_ICMP = 1u << 11,
	SIM_L_ICMP6 = 1u << 12,
	SIM_L_ESP = 1u << 13,
	SIM_L_ARP = 1u << 14, /* ARP for IPv4 over Ethernet, 28 bytes, in ip[] */
	/* Tunnels: on the outer level only; what is inside fills the inner level. */
	SIM_L_VXLAN = 1u << 16,
	SIM_L_GENEVE = 1u << 17,
	SIM_L_GTPU = 1u << 18,
	SIM_L_GRE = 1u << 19,
	SIM_L_GRE_KEY = 1u << 20,
	SIM_L_NVGRE = 1u << 21, /* GRE that carries Ethernet, with SIM_L_GRE */
};

/* Bits of sim_phv.integrity[level], as struct rte_flow_item_integrity asks for them. */
enum sim_integrity {
	SIM_I_PACKET_OK = 1u << 0,
	SIM_I_L2_OK = 1u << 1,
	SIM_I_L3_OK = 1u << 2,
	SIM_I_L4_OK = 1u << 3,
	SIM_I_L2_CRC_OK = 1u << 4,
	SIM_I_IPV4_CSUM_OK = 1u << 5,
	SIM_I_L4_CSUM_OK = 1u << 6,
	SIM_I_L3_LEN_OK = 1u << 7,
};

/* Bits of sim_phv.ct, as RTE_FLOW_CONNTRACK_PKT_STATE_*. 0: no CONNTRACK action has run. */
enum sim_ct_state {
	SIM_CT_VALID = 1u << 0,
	SIM_CT_CHANGED = 1u << 1,
	SIM_CT_INVALID = 1u << 2,
	SIM_CT_DISABLED = 1u << 3,
	SIM_CT_BAD = 1u << 4,
};

#define SIM_TAGS 8
#define SIM_IP4_AT 4 /* an IPv4 header begins here in ip[]: then src and dst share a word */

/*
 * Bytes of a header that is not there are 0. A header is there when all of its fixed part is in view, lies inside of what
 * the IP header in front of it says is its packet, and has the right version.
 *
 * Fragments: SIM_L_FRAG is any piece of a datagram that was cut (an IPv6 fragment header with offset 0 and no more to come,
 * RFC 6946, is SIM_L_FRAG6 without SIM_L_FRAG). Of the first piece layer 4, tunnel and inner level are parsed as of a whole
 * packet; of later ones nothing behind the IP header.
 * IPv6: SIM_L_IP_OPT for hop-by-hop, routing, destination options, AH, mobility, HIP and shim6; up to 8 of them. Behind more
 * there is no layer 4. ip[6] stays the first next header; the layer 4 bits say what comes behind all of them.
 * VLAN: TPIDs 0x8100, 0x88a8, 0x9100; behind a third tag there is no layer 3.
 * Layer 4 over which IP: ICMP over IPv4, ICMPv6 over IPv6, the rest over both.
 */
struct sim_level {
	uint8_t eth[16]; /* dst 0, src 6, type 12: as it stands after the addresses, so a TPID if tagged */
	uint8_t vlan[8];  /* TCI 0 and inner type 2 of the outer tag; 4 and 6 of the inner one */
	uint8_t ip[40];	  /* IPv6 from 0; IPv4's first 20 bytes from SIM_IP4_AT; ARP from 0 */
	uint8_t frag6[8]; /* fragment extension header */
	uint8_t l4[24]; /* the first bytes of TCP (20), UDP (8), SCTP (12), ICMP (8), ICMPv6 (8), ESP (8) */
};

struct sim_phv {
	uint32_t layers[2]; /* enum sim_layer; 0 outer, 1 inner */
	uint16_t port;	    /* switch port that the packet entered by */
	uint8_t from_host; /* 1: it entered from the host side of `port` (its ethdev), 0: from its wire or function */
	uint8_t color;	      /* enum rte_color + 1; 0: no meter has run */
	uint8_t ct;	      /* enum sim_ct_state */
	uint8_t integrity[2]; /* enum sim_integrity; filled on demand */
	uint8_t pad;
	uint32_t mark; /* mark, meta and tag: numbers, in host order */
	uint32_t meta;
	uint32_t tag[SIM_TAGS];
	struct sim_level level[2];
	/*
	 * VXLAN and GENEVE (8); GRE's first 4 and its key at 8 (always there, wherever it is on the wire); GTP-U's first 8, then
	 * with any of E, S and PN the optional word (sequence, N-PDU, next type) at 8 and the first 12 bytes of the first
	 * extension at 12.
	 */
	uint8_t tunnel[24];
};

#define SIM_PHV_WORDS (sizeof(struct sim_phv) / 8)
_Static_assert(sizeof(struct sim_phv) % 8 == 0, "compared in words");
_Static_assert(offsetof(struct sim_phv, level) % 8 == 0, "headers begin at a word");

/* Where headers are in the frame; the bits of `layers` say whether they are. [0] outer, [1] inner. */
struct sim_offsets {
	uint16_t l2[2], l3[2], l4[2];
	uint16_t vlan[2]; /* TCI of the first tag: behind the Ethernet header */
	uint16_t tunnel;
	uint16_t payload; /* behind the last header that was parsed, options with it */
};

/*
 * Fill phv.integrity: sums the whole packet. OK bits are set for what is there and is right: a fragment has none of layer 4,
 * nor has a packet that is not all in view. L2_CRC_OK goes with any Ethernet header: frames with a wrong FCS end at the
 * MAC. PACKET_OK: Ethernet, and no layer 3 or 4 that was looked at is wrong. Without this flag the bits stay.
 */
#define SIM_PARSE_INTEGRITY 1u
/* The bytes begin with an IPv4 or IPv6 header: Ethernet was stripped, and another has not been put in front yet. */
#define SIM_PARSE_L3 2u

/*
 * Parses `len` bytes of a frame (those in view; `frame_len` is all of it) into `phv`, of which the metadata (port to
 * tags) is left alone, and `off`. Never fails: what is cut short or broken simply is not there. Level 1 is filled behind
 * VXLAN (UDP 4789), GENEVE (6081), GTP-U (2152), GRE, and IP in IP (which has no tunnel header: no bit, tunnel is 0).
 */
void
sim_parse(const uint8_t *data, uint16_t len, uint32_t frame_len, uint32_t flags,
		struct sim_phv *phv, struct sim_offsets *off);

#endif /* HWSIM_CORE_PHV_H */
