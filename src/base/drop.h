/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a packet was dropped. One list for every folder: a drop without a line here cannot be counted, so it cannot
 * happen. The short name is what users see in tables, JSON and verdicts: keep it stable.
 *
 * Any lcore reads this; each lcore counts into its own array (counters.h).
 */
#ifndef BASE_DROP_H
#define BASE_DROP_H

/* X(enumerator, short name, what it means and what to do about it) */
#define DROP_REASONS(X) \
	/* parse: link layer */ \
	X(NONE, "none", "not dropped") \
	X(LINK_TYPE, "link_type", "capture link type that cannot carry IP to this port") \
	X(FRAME_CUT, "frame_cut", "capture holds fewer bytes than the frame had") \
	X(ETH_SHORT, "eth_short", "frame shorter than its Ethernet or VLAN headers") \
	X(ETH_NOT_OURS, "eth_not_ours", "destination MAC is another station's") \
	X(ETH_TYPE, "eth_type", "EtherType that is neither IPv4, IPv6 nor ARP") \
	X(VLAN_DEPTH, "vlan_depth", "more than two VLAN tags") \
	X(HDR_SPLIT, "hdr_split", "headers reach beyond the first buffer and cannot be joined") \
	/* parse: IPv4, RFC 791, RFC 1812 5.2.2 */ \
	X(IP4_SHORT, "ip4_short", "frame too short for an IPv4 header") \
	X(IP4_VERSION, "ip4_version", "version field is not 4") \
	X(IP4_IHL, "ip4_ihl", "header length below 20 or beyond the packet") \
	X(IP4_LENGTH, "ip4_length", "total length below the header or beyond the frame") \
	X(IP4_CHECKSUM, "ip4_checksum", "header checksum is wrong") \
	X(IP4_OPTION, "ip4_option", "options run past the header or are of length zero") \
	X(IP4_SOURCE_ROUTE, "ip4_source_route", "source-routing option (RFC 7126: drop)") \
	X(IP_SOURCE, "ip_source", "source address is unspecified, multicast, broadcast, loopback") \
	X(IP_DESTINATION, "ip_destination", "destination is unspecified, loopback or class E") \
	X(IP_MULTICAST, "ip_multicast", "multicast or broadcast destination: not routed") \
	X(IP_LINK_LOCAL, "ip_link_local", "link-local address: never leaves its link") \
	/* parse: IPv6, RFC 8200 */ \
	X(IP6_SHORT, "ip6_short", "frame too short for an IPv6 header") \
	X(IP6_VERSION, "ip6_version", "version field is not 6") \
	X(IP6_LENGTH, "ip6_length", "payload length beyond the frame") \
	X(IP6_EXT_SHORT, "ip6_ext_short", "extension header runs past the packet") \
	X(IP6_EXT_ORDER, "ip6_ext_order", "hop-by-hop header that is not the first") \
	X(IP6_EXT_COUNT, "ip6_ext_count", "more extension headers than are looked at") \
	X(IP6_ROUTING0, "ip6_routing0", "type 0 routing header (RFC 5095: drop)") \
	/* fragments */ \
	X(FRAG_LENGTH, "frag_length", "fragment beyond 65,535 bytes or not a multiple of 8") \
	X(FRAG_TINY, "frag_tiny", "first fragment without its transport header (RFC 1858)") \
	X(FRAG_OVERLAP, "frag_overlap", \
			"fragments overlap: the whole datagram is dropped (RFC 5722)") \
	X(FRAG_DUPLICATE, "frag_duplicate", "all of this fragment is here already") \
	X(FRAG_ECN, "frag_ecn", "fragments that disagree about ECN (RFC 3168 5.3)") \
	X(FRAG_TIMEOUT, "frag_timeout", "the other fragments did not come in time") \
	X(FRAG_LIMIT, "frag_limit", \
			"too many fragments wait: the oldest datagram gave way (fragments)") \
	/* parse: transport. Also why a packet is `invalid` to connection tracking */ \
	X(TCP_SHORT, "tcp_short", "TCP header cut") \
	X(TCP_OFFSET, "tcp_offset", "TCP data offset below 5 or beyond the segment") \
	X(TCP_FLAGS, "tcp_flags", "TCP flag combination that no stack sends") \
	X(TCP_CHECKSUM, "tcp_checksum", "TCP checksum is wrong") \
	X(UDP_SHORT, "udp_short", "UDP header cut") \
	X(UDP_LENGTH, "udp_length", "UDP length below 8 or beyond the packet") \
	X(UDP_CHECKSUM, "udp_checksum", "UDP checksum is wrong, or zero over IPv6") \
	X(ICMP_SHORT, "icmp_short", "ICMP header cut") \
	X(ICMP_CHECKSUM, "icmp_checksum", "ICMP or ICMPv6 checksum is wrong") \
	X(ICMP_INNER, "icmp_inner", "ICMP error whose quoted packet is cut or broken") \
	X(SCTP_SHORT, "sctp_short", "SCTP header or first chunk cut") \
	X(SCTP_CHECKSUM, "sctp_checksum", "SCTP CRC32c is wrong") \
	X(SCTP_CHUNK, "sctp_chunk", \
			"SCTP chunk cut, of a bad length, or bundled with what may not be") \
	X(DCCP_SHORT, "dccp_short", "DCCP header cut or of no known type") \
	X(DCCP_CHECKSUM, "dccp_checksum", "DCCP checksum is wrong") \
	X(GRE_SHORT, "gre_short", "GRE header cut") \
	/* connection tracking */ \
	X(CT_INVALID, "ct_invalid", "belongs to no connection and cannot open one") \
	X(CT_TCP_STATE, "ct_tcp_state", "TCP flags that the connection's state does not allow") \
	X(CT_TCP_WINDOW, "ct_tcp_window", "TCP sequence or ack outside the window") \
	X(CT_SCTP_STATE, "ct_sctp_state", \
			"SCTP chunk that the association's state does not allow") \
	X(CT_SCTP_TAG, "ct_sctp_tag", "SCTP verification tag is not the association's") \
	X(CT_DCCP_STATE, "ct_dccp_state", \
			"DCCP packet that the connection's state does not allow") \
	X(CT_ICMP_UNKNOWN, "ct_icmp_unknown", "ICMP error about no known connection") \
	X(CT_FULL, "ct_full", "connection table is full") \
	X(CT_ZONE_LIMIT, "ct_zone_limit", "its zone has as many connections as it may have") \
	X(SYN_COOKIE, "syn_cookie", "answers no SYN cookie, while only those open connections") \
	X(CT_CLASH, "ct_clash", "another connection already has the translated tuple") \
	/* helpers */ \
	X(ALG_CUT, "alg_cut", "FTP announcement that is cut or malformed") \
	X(ALG_REPEAT, "alg_repeat", "repeated FTP text cannot be rewritten as it was before") \
	X(ALG_ROOM, "alg_room", "no room in the packet for the address that it is to announce") \
	X(ALG_FULL, "alg_full", \
			"announced connection cannot be expected: no room, or no free port") \
	/* load balancing, classes */ \
	X(LB_NO_BACKEND, "lb_no_backend", "service has no backend that can take a connection") \
	X(CLASS_DROP, "class_drop", "a class rule says drop") \
	X(LIMIT_CONNECTIONS, "limit_connections", "a limit: too many connections at once") \
	X(LIMIT_RATE, "limit_rate", "a limit: too many new connections a second") \
	X(LIMIT_FULL, "limit_full", "a limit has no room to count another prefix") \
	/* routing and neighbours */ \
	X(NO_ROUTE, "no_route", "no route to the destination") \
	X(TTL_EXPIRED, "ttl_expired", "TTL or hop limit ran out here") \
	X(MTU_EXCEEDED, "mtu_exceeded", "larger than the next link's MTU, and may not be split") \
	X(NEIGH_HOLD_FULL, "neigh_hold_full", "too many packets wait for this neighbour") \
	X(NEIGH_FAILED, "neigh_failed", "next hop did not answer ARP or neighbour discovery") \
	X(NEIGH_FULL, "neigh_full", "neighbour table is full") \
	X(ARP_BAD, "arp_bad", "malformed ARP packet") \
	X(ND_BAD, "nd_bad", "malformed neighbour discovery message (RFC 4861 7.1)") \
	X(LOCAL_UNHANDLED, "local_unhandled", "for an own address, but nothing here serves it") \
	/* between lcores and at the ports */ \
	X(CONTROL_RING_FULL, "control_ring_full", \
			"ring to the control lcore is full, or full of strangers") \
	X(RETURN_RING_FULL, "return_ring_full", "ring from the control lcore is full") \
	X(HANDOVER_RING_FULL, "handover_ring_full", "ring to the owner worker is full") \
	X(PARK_FULL, "park_full", "too many packets wait for earlier ones of their connection") \
	X(NO_MBUF, "no_mbuf", "mbuf pool is empty") \
	X(TX_FULL, "tx_full", "output queue did not take the packet") \
	X(SHUTDOWN, "shutdown", "still held or queued when shunt stopped")

enum drop_reason {
#define X(e, s, d) DROP_##e,
	DROP_REASONS(X)
#undef X
			DROP_COUNT
};

/* Short name ("ip4_checksum") and one-line meaning of a reason; "?" when out of range. Any lcore. */
const char *
drop_name(enum drop_reason r);
const char *
drop_text(enum drop_reason r);

#endif /* BASE_DROP_H */
