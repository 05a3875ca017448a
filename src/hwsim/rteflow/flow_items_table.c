/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Headers that a pattern may have: which fields their items have, and where these are in the header vector. Read by
 * flow_items.c for patterns, and by flow_dump.c the other way.
 */
#include "items.h"

#define NUM ITEMS_NUM
#define BIT ITEMS_BIT

#define ETH(off) (offsetof(struct sim_phv, level[0].eth) + (off))
#define TAG(off) (offsetof(struct sim_phv, level[0].vlan) + (off))
#define IP(off) (offsetof(struct sim_phv, level[0].ip) + (off))
#define IP4(off) (offsetof(struct sim_phv, level[0].ip) + SIM_IP4_AT + (off))
#define FRAG(off) (offsetof(struct sim_phv, level[0].frag6) + (off))
#define L4(off) (offsetof(struct sim_phv, level[0].l4) + (off))
#define TUN(off) (offsetof(struct sim_phv, tunnel) + (off))

#define ARP(member) offsetof(struct rte_flow_item_arp_eth_ipv4, member)

/* VXLAN, GENEVE and GTP-U have the tunnel's number at the same place or one word on: RFC 7348, RFC 8926, TS 29.281. */
#define GTP(item) \
	{ \
		item, ITEMS_TUNNEL, 4, SIM_L_GTPU, &rte_flow_item_gtp_mask, "GTP", \
		{ \
			{ 0, 1, NUM, TUN(0), "flags" }, { 1, 1, NUM, TUN(1), "message type" }, \
					{ 2, 2, NUM, TUN(2), "length" }, \
					{ 4, 4, NUM, TUN(4), "TEID" }, \
		} \
	}

/* A key that is there: 4 bytes, all of them. */
static const rte_be32_t gre_key_mask = RTE_BE32(UINT32_MAX);
static const struct rte_flow_item_ipv6_frag_ext frag_ext_mask = { .hdr = { .next_header = 0 } };

static const struct items_header headers[] = {
	{ RTE_FLOW_ITEM_TYPE_ETH, ITEMS_L2, 4, SIM_L_ETH, &rte_flow_item_eth_mask, "ETH",
			{
					{ 0, 6, 0, ETH(0), "dst" },
					{ 6, 6, 0, ETH(6), "src" },
					{ 12, 2, NUM, ETH(12), "type" },
					{ 0, 0, BIT, SIM_L_VLAN, "has_vlan" },
			} },
	{ RTE_FLOW_ITEM_TYPE_VLAN, ITEMS_VLAN, 3, SIM_L_VLAN, &rte_flow_item_vlan_mask, "VLAN",
			{
					{ 0, 2, NUM, TAG(0), "tci" },
					{ 2, 2, NUM, TAG(2), "inner_type" },
					{ 0, 0, BIT, SIM_L_QINQ, "has_more_vlan" },
			} },
	{ RTE_FLOW_ITEM_TYPE_IPV4, ITEMS_L3, 10, SIM_L_IPV4, &rte_flow_item_ipv4_mask, "IPV4",
			{
					{ 0, 1, NUM, IP4(0), "version_ihl" },
					{ 1, 1, NUM, IP4(1), "type_of_service" },
					{ 2, 2, NUM, IP4(2), "total_length" },
					{ 4, 2, NUM, IP4(4), "packet_id" },
					{ 6, 2, NUM, IP4(6), "fragment_offset" },
					{ 8, 1, NUM, IP4(8), "time_to_live" },
					{ 9, 1, NUM, IP4(9), "next_proto_id" },
					{ 10, 2, NUM, IP4(10), "hdr_checksum" },
					{ 12, 4, NUM, IP4(12), "src_addr" },
					{ 16, 4, NUM, IP4(16), "dst_addr" },
			} },
	{ RTE_FLOW_ITEM_TYPE_IPV6, ITEMS_L3, 6, SIM_L_IPV6, &rte_flow_item_ipv6_mask, "IPV6",
			{
					{ 0, 4, NUM, IP(0), "vtc_flow" },
					{ 4, 2, NUM, IP(4), "payload_len" },
					{ 6, 1, NUM, IP(6), "proto" },
					{ 7, 1, NUM, IP(7), "hop_limits" },
					{ 8, 16, 0, IP(8), "src_addr" },
					{ 24, 16, 0, IP(24), "dst_addr" },
			} },
	{ RTE_FLOW_ITEM_TYPE_IPV6_FRAG_EXT, ITEMS_L3_EXT, 4, SIM_L_IPV6 | SIM_L_FRAG6,
			&frag_ext_mask, "IPV6_FRAG_EXT",
			{
					{ 0, 1, NUM, FRAG(0), "next_header" },
					{ 1, 1, NUM, FRAG(1), "reserved" },
					{ 2, 2, NUM, FRAG(2), "frag_data" },
					{ 4, 4, NUM, FRAG(4), "id" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ARP_ETH_IPV4, ITEMS_L3, 9, SIM_L_ARP, &rte_flow_item_arp_eth_ipv4_mask,
			"ARP_ETH_IPV4",
			{
					{ ARP(hrd), 2, NUM, IP(0), "hrd" },
					{ ARP(pro), 2, NUM, IP(2), "pro" },
					{ ARP(hln), 1, NUM, IP(4), "hln" },
					{ ARP(pln), 1, NUM, IP(5), "pln" },
					{ ARP(op), 2, NUM, IP(6), "op" },
					{ ARP(sha), 6, 0, IP(8), "sha" },
					{ ARP(spa), 4, NUM, IP(14), "spa" },
					{ ARP(tha), 6, 0, IP(18), "tha" },
					{ ARP(tpa), 4, NUM, IP(24), "tpa" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ICMP, ITEMS_L4, 5, SIM_L_ICMP, &rte_flow_item_icmp_mask, "ICMP",
			{
					{ 0, 1, NUM, L4(0), "type" },
					{ 1, 1, NUM, L4(1), "code" },
					{ 2, 2, NUM, L4(2), "checksum" },
					{ 4, 2, NUM, L4(4), "ident" },
					{ 6, 2, NUM, L4(6), "seq" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ICMP6, ITEMS_L4, 3, SIM_L_ICMP6, &rte_flow_item_icmp6_mask, "ICMP6",
			{
					{ 0, 1, NUM, L4(0), "type" },
					{ 1, 1, NUM, L4(1), "code" },
					{ 2, 2, NUM, L4(2), "checksum" },
			} },
	{ RTE_FLOW_ITEM_TYPE_UDP, ITEMS_L4, 4, SIM_L_UDP, &rte_flow_item_udp_mask, "UDP",
			{
					{ 0, 2, NUM, L4(0), "src_port" },
					{ 2, 2, NUM, L4(2), "dst_port" },
					{ 4, 2, NUM, L4(4), "dgram_len" },
					{ 6, 2, NUM, L4(6), "dgram_cksum" },
			} },
	{ RTE_FLOW_ITEM_TYPE_TCP, ITEMS_L4, 9, SIM_L_TCP, &rte_flow_item_tcp_mask, "TCP",
			{
					{ 0, 2, NUM, L4(0), "src_port" },
					{ 2, 2, NUM, L4(2), "dst_port" },
					{ 4, 4, NUM, L4(4), "sent_seq" },
					{ 8, 4, NUM, L4(8), "recv_ack" },
					{ 12, 1, NUM, L4(12), "data_off" },
					{ 13, 1, NUM, L4(13), "tcp_flags" },
					{ 14, 2, NUM, L4(14), "rx_win" },
					{ 16, 2, NUM, L4(16), "cksum" },
					{ 18, 2, NUM, L4(18), "tcp_urp" },
			} },
	{ RTE_FLOW_ITEM_TYPE_SCTP, ITEMS_L4, 4, SIM_L_SCTP, &rte_flow_item_sctp_mask, "SCTP",
			{
					{ 0, 2, NUM, L4(0), "src_port" },
					{ 2, 2, NUM, L4(2), "dst_port" },
					{ 4, 4, NUM, L4(4), "tag" },
					{ 8, 4, NUM, L4(8), "cksum" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ESP, ITEMS_L4, 2, SIM_L_ESP, &rte_flow_item_esp_mask, "ESP",
			{
					{ 0, 4, NUM, L4(0), "spi" },
					{ 4, 4, NUM, L4(4), "seq" },
			} },
	{ RTE_FLOW_ITEM_TYPE_VXLAN, ITEMS_TUNNEL, 4, SIM_L_VXLAN, &rte_flow_item_vxlan_mask,
			"VXLAN",
			{
					{ 0, 1, NUM, TUN(0), "flags" },
					{ 1, 3, NUM, TUN(1), "rsvd0" },
					{ 4, 3, NUM, TUN(4), "vni" },
					{ 7, 1, NUM, TUN(7), "rsvd1" },
			} },
	{ RTE_FLOW_ITEM_TYPE_GENEVE, ITEMS_TUNNEL, 4, SIM_L_GENEVE, &rte_flow_item_geneve_mask,
			"GENEVE",
			{
					{ 0, 2, NUM, TUN(0), "ver_opt_len_o_c_rsvd0" },
					{ 2, 2, NUM, TUN(2), "protocol" },
					{ 4, 3, NUM, TUN(4), "vni" },
					{ 7, 1, NUM, TUN(7), "rsvd1" },
			} },
	GTP(RTE_FLOW_ITEM_TYPE_GTPU),
	GTP(RTE_FLOW_ITEM_TYPE_GTP),
	{ RTE_FLOW_ITEM_TYPE_GRE, ITEMS_TUNNEL, 2, SIM_L_GRE, &rte_flow_item_gre_mask, "GRE",
			{
					{ 0, 2, NUM, TUN(0), "c_rsvd0_ver" },
					{ 2, 2, NUM, TUN(2), "protocol" },
			} },
	{ RTE_FLOW_ITEM_TYPE_GRE_KEY, ITEMS_KEY, 1, SIM_L_GRE | SIM_L_GRE_KEY, &gre_key_mask,
			"GRE_KEY",
			{
					{ 0, 4, NUM, TUN(8), "key" },
			} },
	{ RTE_FLOW_ITEM_TYPE_NVGRE, ITEMS_TUNNEL, 4, SIM_L_GRE | SIM_L_NVGRE,
			&rte_flow_item_nvgre_mask, "NVGRE",
			{
					{ 0, 2, NUM, TUN(0), "c_k_s_rsvd0_ver" },
					{ 2, 2, NUM, TUN(2), "protocol" },
					{ 4, 3, NUM, TUN(8), "tni" },
					{ 7, 1, NUM, TUN(11), "flow_id" },
			} },
};

const struct items_header *
items_header(enum rte_flow_item_type type)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(headers); i++)
		if (headers[i].type == type)
			return &headers[i];
	return NULL;
}

const struct items_header *
items_header_at(uint32_t i)
{
	return i < RTE_DIM(headers) ? &headers[i] : NULL;
}
