/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser: what is this packet, and what key does it have? First stage of a worker. Called by
 * workers for bursts, by the control lcore for single packets (quoted packets, tuples). Reads
 * packets of strangers: everything is checked against the length of the frame before it is read,
 * nothing is trusted, no state is kept.
 *
 *   parse.c          parse_burst(): plain TCP and UDP in a screen of code; the rest goes to
 *   parse_slow.c     parse_one(): Ethernet, VLAN, addresses, verdict; complete for every packet
 *   parse_ip.c       IPv4 and IPv6 headers, options, extension headers, fragments
 *   parse_l4.c       transport headers and ports
 *   parse_cksum.c    transport checksums
 *   parse_hash.c     hashes and digests of a burst, with SipHash
 *   parse_quoted.c   packets in ICMP errors
 *   parse_tunnel.c   packets in VXLAN, GENEVE and GTP-U
 *   parse_key.c      keys of zones that are not told apart by 5-tuples
 *
 * What comes out (pkt.h): PKT_F_DROP for a broken link or IP layer, PKT_F_INVALID for a broken
 * transport header or checksum, each with its reason. key.family is 0 for all that has no business
 * in the connection table: the above, ARP, ND, fragments, ICMP errors. TCP flags are not judged
 * here but by connection tracking.
 */
#ifndef DATAPLANE_PARSE_H
#define DATAPLANE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "base/cksum.h"
#include "base/drop.h"
#include "base/flow.h"
#include "base/pkt.h"

/* Of one port; immutable while workers poll it. */
struct parse_params {
	struct rte_ether_addr mac; /* frames to it are ours */
	uint16_t zone;		   /* of the keys */
	uint8_t keys;		   /* enum flow_keys: what they are made of */
	struct flow_hasher hasher; /* the connection table's: ct_hasher() */
	bool promiscuous;	   /* frames to any station are ours */
	/*
	 * Verify the transport checksum of every packet that the NIC did not vouch for; else only
	 * what it calls bad.
	 */
	bool verify_l4;
	cksum_sum_fn *sum; /* cksum_sum_best(); for verify_l4 */
	/*
	 * For replaying captures of any origin: multicast, broadcast, link-local and unspecified
	 * addresses pass as if they were ordinary. A router must leave this off (RFC 1812 5.3.7,
	 * RFC 4291 2.5).
	 */
	bool forward_multicast;
};

/*
 * [worker] Parse a burst: reads b->n and b->mbuf, fills in b->info, b->key and b->hash (0 where
 * there is no key). Afterwards the headers, up to info.payload_off, lie in the first segment, as
 * does all of an ARP, ND or ICMP error packet; what cannot be laid out so is dropped as hdr_split.
 */
void
parse_burst(struct pkt_burst *b, const struct parse_params *pp);

/*
 * [any lcore] Parse one packet, of any kind, headers in any segments. The packet is only read.
 * Complete and slower: parse_burst() gives the same info and key for the packets that it does not
 * pass on to this.
 */
void
parse_one(const struct rte_mbuf *m, const struct parse_params *pp, struct pkt_info *info,
		struct flow_key *key);

/*
 * [any lcore] The fast half of parse_burst(), for tests that compare it with parse_one(). False:
 * not a plain packet; *info and *key are then undefined.
 */
bool
parse_plain(const struct rte_mbuf *m, const struct parse_params *pp, struct pkt_info *info,
		struct flow_key *key);

/*
 * [any lcore] Tuple, with full addresses and so without digests, of a packet that was parsed: `info` must be what the
 * parser found, without PKT_F_DROP or PKT_F_INVALID. False when it has none: not IP, or a fragment
 * other than the first.
 */
bool
parse_tuple(const struct rte_mbuf *m, const struct pkt_info *info, uint16_t zone,
		struct flow_tuple *tuple);

/*
 * [any lcore] The same as packets of the port are told apart by, which may be something else than a 5-tuple: what to look
 * for connections with.
 */
bool
parse_tuple_of(const struct rte_mbuf *m, const struct pkt_info *info, const struct parse_params *pp,
		struct flow_tuple *tuple);

/*
 * [any lcore] Make the key of a 5-tuple, of a packet that was parsed or of one that is quoted, the key that its port
 * (pp->keys) has for it. Digests stay. Twice does no harm.
 */
void
parse_rekey(const struct rte_mbuf *m, const struct pkt_info *info, const struct parse_params *pp,
		struct flow_key *key);

/*
 * [any lcore] Verify the transport checksum (TCP, UDP, UDP-Lite, SCTP, DCCP, ICMP, ICMPv6) of a packet
 * that was parsed, over all segments. Sets PKT_F_L4_CSUM_GOOD and returns true; or sets
 * PKT_F_L4_CSUM_BAD, PKT_F_INVALID, PKT_F_CONTROL and the reason, and returns false. Other
 * protocols and fragments: true, no flag. The packet that an ICMP error quotes is cut, so its
 * checksum cannot be verified and is not.
 */
bool
parse_l4_checksum(const struct rte_mbuf *m, struct pkt_info *info);

/*
 * [any lcore] What the checksum of an SCTP packet that was parsed ought to be, as it lies in the packet: CRC32C with
 * the field taken as zero, least significant byte first (RFC 9260 6.8, appendix A).
 */
rte_le32_t
parse_sctp_checksum(const struct rte_mbuf *m, const struct pkt_info *info);

/*
 * [any lcore] Parse the packet that an ICMP error (outer->flags & PKT_F_ICMP_ERROR) quotes. Offsets
 * in *inner are from the start of the frame; inner->l3_len is what is there of it, perhaps less
 * than its header says. *tuple is the tuple of the quoted packet as it was sent (zone: the
 * error's), so its flow is that of the direction opposite to the error's. Of its transport header
 * there is what names its connection: ICMP's 8 bytes, 4 of ports, GRE's up to its key; so
 * inner->payload_off may lie behind the end. Returns DROP_NONE, or DROP_ICMP_INNER: cut, broken,
 * no first fragment, or itself an ICMP error (RFC 1122 3.2.2).
 */
enum drop_reason
parse_icmp_inner(const struct rte_mbuf *m, const struct pkt_info *outer, uint16_t zone,
		struct pkt_info *inner, struct flow_tuple *tuple);

enum parse_tunnel_type {
	PARSE_TUNNEL_NONE = 0,
	PARSE_TUNNEL_VXLAN,  /* RFC 7348 */
	PARSE_TUNNEL_GENEVE, /* RFC 8926 */
	PARSE_TUNNEL_GTPU,   /* 3GPP TS 29.281 */
	PARSE_TUNNEL_TYPES
};

struct parse_tunnel {
	enum parse_tunnel_type type;
	uint32_t id;	    /* VNI or TEID */
	uint16_t inner_off; /* of the inner IP header, in the frame; 0 = carries no IP */
	uint16_t inner_len; /* inner IP packet, bytes */
	uint8_t inner_family;
	uint8_t inner_proto;
	rte_be16_t inner_sport; /* 0 where the inner packet has none in view */
	rte_be16_t inner_dport;
};

/*
 * [any lcore] Is this UDP packet one of a tunnel? Recognises by destination port and by the
 * tunnel's header, and measures the inner packet: for statistics, never for forwarding. True: *out
 * is filled in and PKT_F_TUNNEL set.
 */
bool
parse_tunnel(const struct rte_mbuf *m, struct pkt_info *info, struct parse_tunnel *out);

const char *
parse_tunnel_name(enum parse_tunnel_type t); /* "vxlan" */

#endif /* DATAPLANE_PARSE_H */
