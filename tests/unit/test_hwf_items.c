/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns: a table of patterns, packets that match and packets that do not. Each rule is created for real, the packets run
 * through the model's steering, and the rule goes again; the model must be empty then.
 */
#include <stdlib.h>
#include <string.h>

#include "test_hwf_words.h"

struct pattern {
	const char *name;
	struct rte_flow_item item[WORDS_MAX];
	const char *hits, *misses; /* stacks, '|' between them */
};

#define END_ITEM I(END)

static const struct pattern patterns[] = {
	{ "any", { END_ITEM }, "eth ipv4 tcp|eth arp|eth ipv6 udp|eth", NULL },
	{ "void and any", { I(VOID), I(ETH), I(ANY), I(TCP), END_ITEM },
			"eth ipv4 tcp|eth ipv6 tcp", "eth ipv4 udp" },
	{ "eth", { I(ETH), END_ITEM }, "eth ipv4 tcp|eth vlan ipv4 tcp|eth arp", NULL },
	{ "eth dst",
			{ I(ETH, S(eth, .dst.addr_bytes = { 2, 0, 0, 0, 0, 1 }),
					  M(eth, .dst.addr_bytes = "\xff\xff\xff\xff\xff\xff")),
					END_ITEM },
			"eth ipv4 tcp|eth vlan ipv6 udp", NULL },
	{ "eth src, last byte only",
			{ I(ETH, S(eth, .src.addr_bytes = { 9, 9, 9, 9, 9, 2 }),
					  M(eth, .src.addr_bytes = { 0, 0, 0, 0, 0, 0xff })),
					END_ITEM },
			"eth ipv4 tcp", NULL },
	{ "eth other dst",
			{ I(ETH, S(eth, .dst.addr_bytes = { 2, 0, 0, 0, 0, 3 }),
					  M(eth, .dst.addr_bytes = "\xff\xff\xff\xff\xff\xff")),
					END_ITEM },
			NULL, "eth ipv4 tcp" },
	{ "eth type ipv4",
			{ I(ETH, S(eth, .type = BE16(0x0800)), M(eth, .type = 0xffff)), END_ITEM },
			"eth ipv4 tcp", "eth ipv6 tcp|eth vlan ipv4 tcp|eth arp" },
	{ "eth type is the TPID",
			{ I(ETH, S(eth, .type = BE16(0x8100)), M(eth, .type = 0xffff)), END_ITEM },
			"eth vlan ipv4 tcp", "eth ipv4 tcp|eth qinq vlan ipv4 udp" },
	{ "eth type with default mask is not looked at",
			{ I(ETH,
					  S(eth, .type = BE16(0x86dd),
							  .dst.addr_bytes = { 2, 0, 0, 0, 0, 1 },
							  .src.addr_bytes = { 2, 0, 0, 0, 0, 2 })),
					END_ITEM },
			"eth ipv4 tcp", NULL },
	{ "eth has_vlan", { I(ETH, S(eth, .has_vlan = 1), M(eth, .has_vlan = 1)), END_ITEM },
			"eth vlan ipv4 tcp|eth qinq vlan ipv4 tcp", "eth ipv4 tcp|eth arp" },
	{ "eth has no vlan",
			{ I(ETH, S(eth, .has_vlan = 0), M(eth, .has_vlan = 1)), I(IPV4), END_ITEM },
			"eth ipv4 tcp", "eth vlan ipv4 tcp|eth ipv6 tcp" },
	{ "vlan", { I(ETH), I(VLAN), END_ITEM }, "eth vlan ipv4 tcp|eth qinq vlan ipv6 tcp",
			"eth ipv4 tcp" },
	{ "vlan id", { I(VLAN, S(vlan, .tci = BE16(100))), END_ITEM }, "eth vlan ipv4 tcp",
			"eth ipv4 tcp" },
	{ "vlan pcp",
			{ I(VLAN, S(vlan, .tci = BE16(0x6fff)), M(vlan, .tci = BE16(0xe000))),
					END_ITEM },
			"eth vlan ipv4 tcp", "eth ipv4 tcp" },
	{ "vlan other id", { I(VLAN, S(vlan, .tci = BE16(101))), END_ITEM }, NULL,
			"eth vlan ipv4 tcp" },
	{ "vlan id range",
			{ I(VLAN, S(vlan, .tci = BE16(90)), L(vlan, .tci = BE16(110)),
					  M(vlan, .tci = BE16(0xfff))),
					END_ITEM },
			"eth vlan ipv4 tcp", "eth ipv4 udp" },
	{ "vlan id range beside it",
			{ I(VLAN, S(vlan, .tci = BE16(101)), L(vlan, .tci = BE16(110)),
					  M(vlan, .tci = BE16(0xfff))),
					END_ITEM },
			NULL, "eth vlan ipv4 tcp" },
	{ "vlan inner type",
			{ I(VLAN, S(vlan, .inner_type = BE16(0x86dd)),
					  M(vlan, .inner_type = 0xffff)),
					END_ITEM },
			"eth vlan ipv6 tcp", "eth vlan ipv4 tcp" },
	{ "vlan has more",
			{ I(VLAN, S(vlan, .has_more_vlan = 1), M(vlan, .has_more_vlan = 1)),
					END_ITEM },
			"eth qinq vlan ipv4 tcp", "eth vlan ipv4 tcp" },
	{ "two vlans",
			{ I(ETH), I(VLAN, S(vlan, .tci = BE16(100))),
					I(VLAN, S(vlan, .tci = BE16(200))), END_ITEM },
			"eth qinq vlan ipv4 tcp|eth vlan vlan ipv4 tcp", "eth vlan ipv4 tcp" },
	{ "ipv4", { I(ETH), I(IPV4), END_ITEM },
			"eth ipv4 tcp|eth vlan ipv4 udp|eth frag4n data|eth opt4 udp",
			"eth ipv6 tcp|eth arp" },
	{ "ipv4 without eth", { I(IPV4), END_ITEM }, "eth ipv4 tcp", "eth ipv6 tcp" },
	{ "ipv4 src",
			{ I(IPV4, S(ipv4, .hdr.src_addr = V4(10, 0, 0, 1)),
					  M(ipv4, .hdr.src_addr = 0xffffffff)),
					END_ITEM },
			"eth ipv4 tcp", "eth ipv6 tcp" },
	{ "ipv4 default mask",
			{ I(IPV4,
					  S(ipv4, .hdr.src_addr = V4(10, 0, 0, 1),
							  .hdr.dst_addr = V4(10, 0, 0, 3),
							  .hdr.time_to_live = 1)),
					END_ITEM },
			NULL, "eth ipv4 tcp" },
	{ "ipv4 prefix, spec outside of the mask",
			{ I(IPV4, S(ipv4, .hdr.dst_addr = V4(10, 9, 9, 9)),
					  M(ipv4, .hdr.dst_addr = V4(255, 0, 0, 0))),
					END_ITEM },
			"eth ipv4 udp", "eth ipv6 udp" },
	{ "ipv4 odd mask",
			{ I(IPV4, S(ipv4, .hdr.dst_addr = V4(10, 77, 77, 2)),
					  M(ipv4, .hdr.dst_addr = V4(255, 0, 0, 255))),
					END_ITEM },
			"eth ipv4 udp", NULL },
	{ "ipv4 range",
			{ I(IPV4, S(ipv4, .hdr.dst_addr = V4(10, 0, 0, 0)),
					  L(ipv4, .hdr.dst_addr = V4(10, 0, 0, 9)),
					  M(ipv4, .hdr.dst_addr = 0xffffffff)),
					END_ITEM },
			"eth ipv4 udp", NULL },
	{ "ipv4 ttl range",
			{ I(IPV4, S(ipv4, .hdr.time_to_live = 60), L(ipv4, .hdr.time_to_live = 64),
					  M(ipv4, .hdr.time_to_live = 0xff)),
					END_ITEM },
			"eth ipv4 udp", "eth ipv6 udp" },
	{ "ipv4 ttl below",
			{ I(IPV4, S(ipv4, .hdr.time_to_live = 60), L(ipv4, .hdr.time_to_live = 63),
					  M(ipv4, .hdr.time_to_live = 0xff)),
					END_ITEM },
			NULL, "eth ipv4 udp" },
	{ "ipv4 dscp",
			{ I(IPV4, S(ipv4, .hdr.type_of_service = 0x2b),
					  M(ipv4, .hdr.type_of_service = 0xfc)),
					END_ITEM },
			"eth ipv4 udp", NULL },
	{ "ipv4 proto",
			{ I(IPV4, S(ipv4, .hdr.next_proto_id = 17),
					  M(ipv4, .hdr.next_proto_id = 0xff)),
					END_ITEM },
			"eth ipv4 udp", "eth ipv4 tcp" },
	{ "ipv4 no fragment",
			{ I(IPV4, S(ipv4, .hdr.fragment_offset = 0),
					  M(ipv4, .hdr.fragment_offset = BE16(0x3fff))),
					END_ITEM },
			"eth ipv4 udp", "eth frag4 udp|eth frag4n data" },
	{ "ipv4 first fragment",
			{ I(IPV4, S(ipv4, .hdr.fragment_offset = BE16(0x2000)),
					  M(ipv4, .hdr.fragment_offset = BE16(0x3fff))),
					END_ITEM },
			"eth frag4 udp", "eth ipv4 udp|eth frag4n data" },
	{ "ipv4 later fragments",
			{ I(IPV4, S(ipv4, .hdr.fragment_offset = BE16(1)),
					  L(ipv4, .hdr.fragment_offset = BE16(0x1fff)),
					  M(ipv4, .hdr.fragment_offset = BE16(0x1fff))),
					END_ITEM },
			"eth frag4n data", "eth ipv4 udp|eth frag4 udp" },
	{ "ipv6", { I(ETH), I(IPV6), END_ITEM },
			"eth ipv6 tcp|eth vlan ipv6 udp|eth ipv6 frag6 udp", "eth ipv4 tcp" },
	{ "ipv6 prefix",
			{ I(IPV6, S(ipv6, .hdr.src_addr = "\x20\x01\x0d\xb8\xff"),
					  M(ipv6, .hdr.src_addr = "\xff\xff\xff\xff")),
					END_ITEM },
			"eth ipv6 tcp", "eth ipv4 tcp" },
	{ "ipv6 src",
			{ I(IPV6, S(ipv6, .hdr.src_addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 }),
					  M(ipv6, .hdr.src_addr = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
					END_ITEM },
			"eth ipv6 tcp", NULL },
	{ "ipv6 label",
			{ I(IPV6, S(ipv6, .hdr.vtc_flow = BE32(0x12345)),
					  M(ipv6, .hdr.vtc_flow = BE32(0xfffff))),
					END_ITEM },
			"eth ipv6 tcp", NULL },
	{ "ipv6 class",
			{ I(IPV6, S(ipv6, .hdr.vtc_flow = BE32(0x02800000)),
					  M(ipv6, .hdr.vtc_flow = BE32(0x0fc00000))),
					END_ITEM },
			"eth ipv6 tcp", NULL },
	{ "ipv6 frag ext bit",
			{ I(IPV6, S(ipv6, .has_frag_ext = 1), M(ipv6, .has_frag_ext = 1)),
					END_ITEM },
			"eth ipv6 frag6 udp", "eth ipv6 udp" },
	{ "ipv6 no frag ext",
			{ I(IPV6, S(ipv6, .has_frag_ext = 0), M(ipv6, .has_frag_ext = 1)),
					END_ITEM },
			"eth ipv6 udp", "eth ipv6 frag6 udp" },
	{ "ipv6 esp ext",
			{ I(IPV6, S(ipv6, .has_esp_ext = 1), M(ipv6, .has_esp_ext = 1)), END_ITEM },
			"eth ipv6 esp data", "eth ipv6 udp" },
	{ "ipv6 no other ext",
			{ I(IPV6, S(ipv6, .reserved = 0),
					  M(ipv6, .has_hop_ext = 1, .has_route_ext = 1,
							  .has_auth_ext = 1, .has_dest_ext = 1,
							  .has_mobil_ext = 1, .has_hip_ext = 1,
							  .has_shim6_ext = 1)),
					END_ITEM },
			"eth ipv6 udp|eth ipv6 frag6 udp", "eth ipv6 opt6 udp" },
	{ "ipv6 frag ext item", { I(ETH), I(IPV6), I(IPV6_FRAG_EXT), END_ITEM },
			"eth ipv6 frag6 udp", "eth ipv6 udp|eth frag4 udp" },
	{ "ipv6 frag id",
			{ I(IPV6_FRAG_EXT, S(ipv6_frag_ext, .hdr.id = BE32(0x11223344)),
					  M(ipv6_frag_ext, .hdr.id = 0xffffffff)),
					I(UDP), END_ITEM },
			"eth ipv6 frag6 udp", "eth ipv6 udp" },
	{ "tcp over either", { I(TCP), END_ITEM },
			"eth ipv4 tcp|eth ipv6 tcp|eth vlan ipv6 opt6 tcp",
			"eth ipv4 udp|eth frag4n data" },
	{ "tcp ports",
			{ I(ETH), I(IPV4),
					I(TCP,
							S(tcp, .hdr.src_port = BE16(1000),
									.hdr.dst_port = BE16(
											2000))),
					END_ITEM },
			"eth ipv4 tcp|eth vlan ipv4 tcp", "eth ipv6 tcp|eth ipv4 udp" },
	{ "tcp flags",
			{ I(TCP, S(tcp, .hdr.tcp_flags = 0x10), M(tcp, .hdr.tcp_flags = 0x12)),
					END_ITEM },
			"eth ipv4 tcp", "eth ipv4 udp" },
	{ "tcp syn",
			{ I(TCP, S(tcp, .hdr.tcp_flags = 0x02), M(tcp, .hdr.tcp_flags = 0x02)),
					END_ITEM },
			NULL, "eth ipv4 tcp" },
	{ "tcp port range",
			{ I(TCP, S(tcp, .hdr.dst_port = BE16(1900)),
					  L(tcp, .hdr.dst_port = BE16(2000)),
					  M(tcp, .hdr.dst_port = 0xffff)),
					END_ITEM },
			"eth ipv4 tcp|eth ipv6 tcp", "eth ipv4 udp" },
	{ "two ranges",
			{ I(UDP, S(udp, .hdr.src_port = BE16(3000), .hdr.dst_port = BE16(4000)),
					  L(udp, .hdr.src_port = BE16(3001),
							  .hdr.dst_port = BE16(4001)),
					  M(udp, .hdr.src_port = 0xffff, .hdr.dst_port = 0xffff)),
					END_ITEM },
			"eth ipv4 udp", "eth ipv4 tcp" },
	{ "last of 0 is no range",
			{ I(UDP, S(udp, .hdr.dst_port = BE16(4000)), L(udp, .hdr.dst_port = 0),
					  M(udp, .hdr.dst_port = 0xffff)),
					END_ITEM },
			"eth ipv4 udp", "eth ipv4 tcp" },
	{ "udp",
			{ I(ETH), I(IPV6),
					I(UDP, S(udp, .hdr.dst_port = BE16(4000)),
							M(udp, .hdr.dst_port = 0xffff)),
					END_ITEM },
			"eth ipv6 udp", "eth ipv4 udp|eth ipv6 tcp" },
	{ "sctp",
			{ I(SCTP, S(sctp, .hdr.tag = BE32(0xabcd)), M(sctp, .hdr.tag = 0xffffffff)),
					END_ITEM },
			"eth ipv4 sctp|eth ipv6 sctp", "eth ipv4 tcp" },
	{ "icmp", { I(ETH), I(IPV4), I(ICMP, S(icmp, .hdr.icmp_type = 8)), END_ITEM },
			"eth ipv4 icmp", "eth ipv6 icmp6|eth ipv4 udp" },
	{ "icmp seq",
			{ I(ICMP, S(icmp, .hdr.icmp_seq_nb = BE16(9)),
					  M(icmp, .hdr.icmp_seq_nb = 0xffff)),
					END_ITEM },
			"eth ipv4 icmp", "eth ipv4 udp" },
	{ "icmp6", { I(IPV6), I(ICMP6, S(icmp6, .type = 128), M(icmp6, .type = 0xff)), END_ITEM },
			"eth ipv6 icmp6", "eth ipv4 icmp" },
	{ "esp", { I(ESP, S(esp, .hdr.spi = BE32(0x100))), END_ITEM },
			"eth ipv4 esp data|eth ipv6 esp data", "eth ipv4 udp" },
	{ "arp",
			{ I(ETH),
					I(ARP_ETH_IPV4,
							S(arp_eth_ipv4, .op = BE16(1),
									.spa = V4(10, 0, 0, 1),
									.tpa = V4(10, 0, 0, 2)),
							M(arp_eth_ipv4, .op = 0xffff,
									.spa = 0xffffffff,
									.tpa = 0xffffffff)),
					END_ITEM },
			"eth arp|eth vlan arp", "eth ipv4 tcp" },
	{ "arp sha",
			{ I(ARP_ETH_IPV4, S(arp_eth_ipv4, .sha.addr_bytes = { 2, 0, 0, 0, 0, 2 }),
					  M(arp_eth_ipv4,
							  .sha.addr_bytes =
									  "\xff\xff\xff\xff\xff\xff")),
					END_ITEM },
			"eth arp", "eth ipv4 tcp" },
	{ "vxlan", { I(ETH), I(IPV4), I(UDP), I(VXLAN), END_ITEM },
			"eth ipv4 udp vxlan eth ipv4 tcp",
			"eth ipv4 udp|eth ipv6 udp vxlan eth ipv4 tcp" },
	{ "vxlan vni", { I(VXLAN, S(vxlan, .vni = { 0x12, 0x34, 0x56 })), END_ITEM },
			"eth ipv4 udp vxlan eth ipv4 tcp|eth ipv6 udp vxlan eth ipv6 udp",
			"eth ipv4 udp" },
	{ "vxlan other vni", { I(VXLAN, S(vxlan, .vni = { 0x12, 0x34, 0x57 })), END_ITEM }, NULL,
			"eth ipv4 udp vxlan eth ipv4 tcp" },
	{ "vxlan vni range",
			{ I(VXLAN, S(vxlan, .vni = { 0x12, 0, 0 }), L(vxlan, .vni = { 0x13, 0, 0 }),
					  M(vxlan, .vni = "\xff\xff\xff")),
					END_ITEM },
			"eth ipv4 udp vxlan eth ipv4 tcp", NULL },
	{ "inner five-tuple",
			{ I(ETH), I(IPV4), I(UDP), I(VXLAN), I(ETH),
					I(IPV4,
							S(ipv4, .hdr.src_addr = V4(192, 168, 0, 1),
									.hdr.dst_addr = V4(192, 168,
											0, 2))),
					I(TCP,
							S(tcp, .hdr.src_port = BE16(11000),
									.hdr.dst_port = BE16(
											12000))),
					END_ITEM },
			"eth ipv4 udp vxlan eth ipv4 tcp",
			"eth ipv4 udp vxlan eth ipv4 udp|eth ipv4 tcp|eth ipv4 udp vxlan eth ipv6 tcp" },
	{ "inner udp without inner eth",
			{ I(UDP), I(VXLAN),
					I(UDP, S(udp, .hdr.dst_port = BE16(14000)),
							M(udp, .hdr.dst_port = 0xffff)),
					END_ITEM },
			"eth ipv4 udp vxlan eth ipv6 udp", "eth ipv4 udp" },
	{ "inner vlan", { I(VXLAN), I(ETH), I(VLAN, S(vlan, .tci = BE16(100))), END_ITEM },
			"eth ipv4 udp vxlan eth vlan ipv4 tcp",
			"eth vlan ipv4 udp vxlan eth ipv4 tcp" },
	{ "inner range",
			{ I(VXLAN),
					I(TCP, S(tcp, .hdr.dst_port = BE16(12000)),
							L(tcp, .hdr.dst_port = BE16(12001)),
							M(tcp, .hdr.dst_port = 0xffff)),
					END_ITEM },
			"eth ipv4 udp vxlan eth ipv4 tcp", "eth ipv4 udp vxlan eth ipv4 udp" },
	{ "geneve",
			{ I(ETH), I(IPV4), I(UDP),
					I(GENEVE, S(geneve, .vni = { 0x23, 0x45, 0x67 })),
					END_ITEM },
			"eth ipv4 udp geneve eth ipv4 tcp", "eth ipv4 udp vxlan eth ipv4 tcp" },
	{ "gtpu", { I(GTPU, S(gtp, .teid = BE32(0x34567890))), I(IPV4), END_ITEM },
			"eth ipv4 udp gtpu ipv4 udp", "eth ipv4 udp gtpu ipv6 udp|eth ipv4 udp" },
	{ "gtp is gtpu", { I(GTP, S(gtp, .msg_type = 0xff), M(gtp, .msg_type = 0xff)), END_ITEM },
			"eth ipv4 udp gtpu ipv4 udp", "eth ipv4 udp" },
	{ "gre", { I(ETH), I(IPV4), I(GRE, S(gre, .protocol = BE16(0x0800))), END_ITEM },
			"eth ipv4 gre ipv4 tcp", "eth ipv4 gre ipv6 tcp|eth ipv4 tcp" },
	{ "gre key", { I(GRE), I(GRE_KEY, .spec = &(const rte_be32_t){ BE32(77) }), END_ITEM },
			"eth ipv4 grekey ipv4 tcp", "eth ipv4 gre ipv4 tcp" },
	{ "gre other key",
			{ I(GRE), I(GRE_KEY, .spec = &(const rte_be32_t){ BE32(78) }), END_ITEM },
			NULL, "eth ipv4 grekey ipv4 tcp" },
	{ "nvgre", { I(NVGRE, S(nvgre, .tni = { 0x45, 0x67, 0x89 })), I(ETH), I(IPV4), END_ITEM },
			"eth ipv4 nvgre eth ipv4 tcp", "eth ipv4 grekey ipv4 tcp" },
	{ "ip in ip",
			{ I(IPV4),
					I(IPV4, S(ipv4, .hdr.src_addr = V4(192, 168, 0, 1)),
							M(ipv4, .hdr.src_addr = 0xffffffff)),
					I(TCP), END_ITEM },
			"eth ipv4 ipv4 tcp", "eth ipv4 tcp|eth ipv4 gre ipv4 udp" },
	{ "ipv6 in ipv4", { I(IPV4), I(IPV6), END_ITEM }, "eth ipv4 ipv6 udp",
			"eth ipv4 udp|eth ipv6 udp" },
	{ "invert", { I(INVERT), I(ETH), I(IPV4), I(TCP), END_ITEM },
			"eth ipv4 udp|eth ipv6 tcp|eth arp", "eth ipv4 tcp" },
	{ "integrity",
			{ I(ETH), I(IPV4),
					I(INTEGRITY,
							S(integrity, .ipv4_csum_ok = 1,
									.l4_csum_ok = 1),
							M(integrity, .ipv4_csum_ok = 1,
									.l4_csum_ok = 1)),
					END_ITEM },
			"eth ipv4 tcp|eth ipv4 udp", "eth ipv6 tcp" },
	{ "inner integrity",
			{ I(VXLAN),
					I(INTEGRITY, S(integrity, .level = 2, .l3_ok = 1),
							M(integrity, .l3_ok = 1)),
					END_ITEM },
			"eth ipv4 udp vxlan eth ipv4 tcp", "eth ipv4 udp" },
	{ "no mark yet", { I(MARK, S(mark, .id = 7)), END_ITEM }, NULL, "eth ipv4 tcp" },
	{ "no conntrack yet", { I(CONNTRACK, S(conntrack, .flags = 1)), END_ITEM }, NULL,
			"eth ipv4 tcp" },
	{ "no colour yet", { I(METER_COLOR, S(meter_color, .color = RTE_COLOR_GREEN)), END_ITEM },
			NULL, "eth ipv4 tcp" },
};

static const struct rte_flow_action actions[] = { TO_QUEUE(HIT_QUEUE), A(END) };

/* Each of the stacks comes to the rule, or none does. */
static void
try(struct rig *r, const struct pattern *p, const char *stacks, bool hit)
{
	char copy[400], *save = NULL, *one;

	if (stacks == NULL)
		return;
	assert_true(strlen(stacks) < sizeof(copy));
	strcpy(copy, stacks);
	for (one = strtok_r(copy, "|", &save); one != NULL; one = strtok_r(NULL, "|", &save)) {
		struct rig_packet packet;

		rig_stack(&packet, one);
		rig_run(r, &packet, 0);
		assert_int_equal(packet.pkt.dest.kind, SIM_TO_QUEUE);
		if ((packet.pkt.dest.queue == HIT_QUEUE && !packet.pkt.dest.rss) != hit)
			fail_msg("%s: %s %s", p->name, one, hit ? "did not match" : "matched");
	}
}

static void
all_patterns(void **state)
{
	static const struct rte_flow_attr attr = { .ingress = 1 };
	struct rig *r = rig_new(NULL);
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(patterns); i++) {
		const struct pattern *p = &patterns[i];
		struct rte_flow_error e = { 0 };
		struct rte_flow *flow;

		if (hwf_validate(r->h, 0, &attr, p->item, actions, &e) != 0)
			fail_msg("%s: %s", p->name, e.message);
		flow = hwf_create(r->h, 0, &attr, p->item, actions, &e);
		if (flow == NULL)
			fail_msg("%s: %s", p->name, e.message);
		try(r, p, p->hits, true);
		try(r, p, p->misses, false);
		assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
		try(r, p, p->hits, false);
		rig_empty(r);
	}
	rig_free(r);
}

/* All of them at once, each in a group of its own that the one before jumps to when it misses: no rule minds another. */
static void
together(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(patterns); i++) {
		const struct rte_flow_attr attr = {
			.ingress = 1, .group = 1 + i, .priority = i % 3
		};

		assert_non_null(hwf_create(r->h, 0, &attr, patterns[i].item, actions, &e));
	}
	for (i = 0; i < RTE_DIM(patterns); i++) {
		const struct rte_flow_attr attr = { .ingress = 1 };
		const struct rte_flow_action_jump to = { .group = 1 + i };
		const struct rte_flow_action jump[] = {
			{ .type = RTE_FLOW_ACTION_TYPE_JUMP, .conf = &to }, A(END)
		};
		static const struct rte_flow_item all[] = { I(END) };
		struct rte_flow *flow = hwf_create(r->h, 0, &attr, all, jump, &e);

		assert_non_null(flow);
		try(r, &patterns[i], patterns[i].hits, true);
		try(r, &patterns[i], patterns[i].misses, false);
		assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
	}
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	rig_empty(r);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_patterns),
		cmocka_unit_test(together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
