/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet builders of shunt-mkpcap. A flow names both ends of one direction as they look on one
 * wire; a builder writes one whole frame of that flow, with right lengths and checksums, padded to
 * the 60 bytes that a NIC delivers of the shortest Ethernet frame (64 with the FCS, which neither
 * pcap nor mbufs carry). Malformed packets are made by damaging a good one afterwards.
 */
#ifndef MK_PACKET_H
#define MK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MK_FRAME_MIN 60
#define MK_FRAME_MAX 1536
#define MK_MAC_LEN 6

#define MK_TCP_FIN 0x01
#define MK_TCP_SYN 0x02
#define MK_TCP_RST 0x04
#define MK_TCP_PSH 0x08
#define MK_TCP_ACK 0x10

struct mk_addr {
	bool v6;
	uint8_t bytes[16]; /* network order; an IPv4 address uses the first four */
};

struct mk_flow {
	uint8_t src_mac[MK_MAC_LEN];
	uint8_t dst_mac[MK_MAC_LEN];
	uint16_t vlan; /* 0: untagged */
	uint8_t ttl;
	struct mk_addr src;
	struct mk_addr dst;
	uint16_t sport;
	uint16_t dport;
};

struct mk_frame {
	uint16_t len;
	uint16_t l3; /* offsets of the network and transport header, for those who damage or quote */
	uint16_t l4;
	uint16_t ip_len; /* network header and what follows, without padding */
	uint8_t data[MK_FRAME_MAX];
};

struct mk_tcp {
	uint32_t seq;
	uint32_t ack;
	uint32_t ts_val; /* RFC 7323 timestamps, in every segment */
	uint32_t ts_ecr;
	uint16_t window;
	uint8_t flags; /* SYN adds MSS, SACK-permitted and window scale MK_TCP_WSCALE */
};

#define MK_TCP_WSCALE 7
#define MK_TCP_MSS 1460
#define MK_TCP_SEGMENT 1400 /* payload of a full data segment: fits 1500 with IPv6 and a tag */

struct mk_addr
mk_addr_add(struct mk_addr base, uint32_t n);

/* Parse "10.0.0.1" or "2001:db8::1". Returns 0 or -EINVAL. */
int
mk_addr_parse(const char *text, struct mk_addr *addr);

/* The same for constants of a scenario: a wrong one is a bug and aborts. */
struct mk_addr
mk_addr(const char *text);

/* Parse "02:00:00:00:00:01". Returns 0 or -EINVAL. */
int
mk_mac_parse(const char *text, uint8_t *mac);

struct mk_flow
mk_flow_reverse(const struct mk_flow *flow);

void
mk_udp(struct mk_frame *f, const struct mk_flow *flow, const void *payload, size_t len);

void
mk_tcp(struct mk_frame *f, const struct mk_flow *flow, const struct mk_tcp *tcp,
		const void *payload, size_t len);

/* Echo request, or its reply; sport is the identifier, as a connection tracker sees it. */
void
mk_echo(struct mk_frame *f, const struct mk_flow *flow, bool reply, uint16_t seq);

/*
 * An ICMP or ICMPv6 error with the given type and code about the packet in `about`, of which it
 * quotes at most 576 - 28 bytes (RFC 1812, 4.3.2.3). `rest` is the second word: the MTU, if any.
 */
void
mk_icmp_error(struct mk_frame *f, const struct mk_flow *flow, uint8_t type, uint8_t code,
		uint32_t rest, const struct mk_frame *about);

/* An IP packet of any protocol, the payload as given. */
void
mk_ip(struct mk_frame *f, const struct mk_flow *flow, uint8_t proto, const void *payload,
		size_t len);

/*
 * Fragment `index` of the IPv4 packet in `whole`, cut after each `unit` payload bytes (a multiple
 * of 8). Returns false behind the last one.
 */
bool
mk_fragment(struct mk_frame *f, const struct mk_frame *whole, unsigned int index,
		unsigned int unit);

void
mk_arp_request(struct mk_frame *f, const struct mk_flow *flow);

/* A neighbour solicitation for flow->dst, to its solicited-node group (RFC 4861, 4.3). */
void
mk_neighbour_solicit(struct mk_frame *f, const struct mk_flow *flow);

/* Recompute the IPv4 header checksum after a header field was changed on purpose. */
void
mk_ipv4_fix_checksum(struct mk_frame *f);

#endif /* MK_PACKET_H */
