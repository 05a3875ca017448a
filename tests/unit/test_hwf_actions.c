/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions: a table of lists of actions, the packet that comes, where it goes and which bytes are different then. All other bytes
 * must be as they were, but for checksums, which must be right.
 */
#include <stdlib.h>
#include <string.h>

#include "test_hwf_words.h"

#define IN \
	{ \
		.ingress = 1 \
	}
#define OUT \
	{ \
		.egress = 1 \
	}
#define SWITCH \
	{ \
		.transfer = 1 \
	}
#define HOST UINT16_MAX /* to the port's own queues */

#define TCP4 "eth ipv4 tcp data"
#define UDP4 "eth ipv4 udp data"
#define TCP6 "eth ipv6 tcp data"
/* Where headers are in these. */
#define L3 14
#define L4 34
#define L4_6 54

struct action_case {
	const char *name;
	struct rte_flow_attr attr;
	struct rte_flow_action action[WORDS_MAX];
	const char *in, *out; /* stacks; out NULL: as in */
	struct {
		uint16_t at, len;
		const char *bytes;
	} change[3];
	uint8_t kind;	/* enum sim_dest_kind */
	uint16_t where; /* queue, HOST, or port */
	uint32_t mark;	/* 0: none */
};

#define QUEUE_OF(n) .kind = SIM_TO_QUEUE, .where = (n)
#define WIRE_OF(n) .kind = SIM_TO_WIRE, .where = (n)
#define DROPPED .kind = SIM_TO_DROP, .where = SIM_DROP_ACTION
#define MODIFY(...) \
	A(MODIFY_FIELD, .conf = &(const struct rte_flow_action_modify_field){ __VA_ARGS__ })
#define FIELD(id, ...) \
	{ \
		.field = RTE_FLOW_FIELD_##id, __VA_ARGS__ \
	}

static const uint8_t raw_vlan[] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x81, 0, 0, 7, 8, 0 };
static const uint32_t pointed = RTE_BE32(RTE_IPV4(9, 8, 7, 6));
static const struct rte_flow_action to_3[] = { TO_QUEUE(3), A(END) };

#define Q TO_QUEUE(3), A(END)

static const struct action_case cases[] = {
	{ "queue", IN, { Q }, TCP4, QUEUE_OF(3) },
	{ "drop", IN, { A(DROP), A(END) }, TCP4, DROPPED },
	{ "no fate", IN, { A(COUNT), A(END) }, TCP4, QUEUE_OF(HOST) },
	{ "passthru", IN, { A(PASSTHRU), A(END) }, TCP4, QUEUE_OF(HOST) },
	{ "void", IN, { A(VOID), Q }, TCP4, QUEUE_OF(3) },
	{ "mark", IN, { A(MARK, C(mark, .id = 0xabcdef)), Q }, TCP4, QUEUE_OF(3),
			.mark = 0xabcdef },
	{ "mark behind the fate", IN, { TO_QUEUE(3), A(MARK, C(mark, .id = 9)), A(COUNT), A(END) },
			TCP4, QUEUE_OF(3), .mark = 9 },
	{ "egress drop", OUT, { A(DROP), A(END) }, TCP4, DROPPED },
	{ "egress set", OUT, { A(SET_IPV4_DST, C(set_ipv4, V4(1, 2, 3, 4))), A(END) }, TCP4,
			WIRE_OF(0), .change = { { L3 + 16, 4, "\1\2\3\4" } } },
	{ "represented port", SWITCH, { A(REPRESENTED_PORT, C(ethdev, .port_id = 2)), A(END) },
			TCP4, WIRE_OF(2) },
	{ "port id", SWITCH, { A(PORT_ID, C(port_id, .id = 1)), A(END) }, TCP4, WIRE_OF(1) },
	{ "port id original", SWITCH, { A(PORT_ID, C(port_id, .id = 3, .original = 1)), A(END) },
			TCP4, WIRE_OF(0) },
	{ "port representor", SWITCH, { A(PORT_REPRESENTOR, C(ethdev, .port_id = 2)), A(END) },
			TCP4, QUEUE_OF(HOST) },
	{ "set mac", IN,
			{ A(SET_MAC_DST, C(set_mac, { 2, 9, 9, 9, 9, 9 })),
					A(SET_MAC_SRC, C(set_mac, { 2, 8, 8, 8, 8, 8 })), Q },
			TCP4, QUEUE_OF(3),
			.change = { { 0, 12, "\2\11\11\11\11\11\2\10\10\10\10\10" } } },
	{ "mac swap", IN, { A(MAC_SWAP), Q }, TCP4, QUEUE_OF(3),
			.change = { { 0, 12, "\2\0\0\0\0\2\2\0\0\0\0\1" } } },
	{ "set ipv4", IN,
			{ A(SET_IPV4_SRC, C(set_ipv4, V4(9, 9, 9, 9))),
					A(SET_IPV4_DST, C(set_ipv4, V4(8, 8, 8, 8))), Q },
			UDP4, QUEUE_OF(3),
			.change = { { L3 + 12, 8, "\11\11\11\11\10\10\10\10" } } },
	{ "set ipv6", IN, { A(SET_IPV6_SRC, C(set_ipv6, "\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10")), Q },
			TCP6, QUEUE_OF(3),
			.change = { { L3 + 8, 16, "\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10" } } },
	{ "set ipv6 of ipv4 is nothing", IN, { A(SET_IPV6_DST, C(set_ipv6, "\1")), Q }, TCP4,
			QUEUE_OF(3) },
	{ "set ports of tcp", IN,
			{ A(SET_TP_SRC, C(set_tp, BE16(7))), A(SET_TP_DST, C(set_tp, BE16(8))), Q },
			TCP4, QUEUE_OF(3), .change = { { L4, 4, "\0\7\0\10" } } },
	{ "set ports of udp6", IN, { A(SET_TP_DST, C(set_tp, BE16(0x0102))), Q },
			"eth ipv6 udp data", QUEUE_OF(3), .change = { { L4_6 + 2, 2, "\1\2" } } },
	{ "set ttl", IN, { A(SET_TTL, C(set_ttl, 9)), Q }, TCP4, QUEUE_OF(3),
			.change = { { L3 + 8, 1, "\11" } } },
	{ "dec ttl", IN, { A(DEC_TTL), Q }, TCP4, QUEUE_OF(3), .change = { { L3 + 8, 1, "\77" } } },
	{ "dec hop limit", IN, { A(DEC_TTL), Q }, TCP6, QUEUE_OF(3),
			.change = { { L3 + 7, 1, "\77" } } },
	{ "dscp", IN, { A(SET_IPV4_DSCP, C(set_dscp, 46)), Q }, TCP4, QUEUE_OF(3),
			.change = { { L3 + 1, 1, "\xb8" } } },
	{ "dscp of ipv6", IN, { A(SET_IPV6_DSCP, C(set_dscp, 46)), Q }, TCP6, QUEUE_OF(3),
			.change = { { L3, 2, "\x6b\x81" } } },
	{ "inc seq", IN, { A(INC_TCP_SEQ, .conf = &(const rte_be32_t){ BE32(0x100) }), Q }, TCP4,
			QUEUE_OF(3), .change = { { L4 + 4, 4, "\1\2\4\4" } } },
	{ "dec ack", IN, { A(DEC_TCP_ACK, .conf = &(const rte_be32_t){ BE32(1) }), Q }, TCP4,
			QUEUE_OF(3), .change = { { L4 + 8, 4, "\5\6\7\7" } } },
	{ "pop vlan", IN, { A(OF_POP_VLAN), Q }, "eth vlan ipv4 tcp data", TCP4, QUEUE_OF(3) },
	{ "push vlan", IN,
			{ A(OF_PUSH_VLAN, C(of_push_vlan, BE16(0x8100))),
					A(OF_SET_VLAN_VID, C(of_set_vlan_vid, BE16(100))),
					A(OF_SET_VLAN_PCP, C(of_set_vlan_pcp, 3)), Q },
			TCP4, "eth vlan ipv4 tcp data", QUEUE_OF(3) },
	{ "set vlan vid", IN, { A(OF_SET_VLAN_VID, C(of_set_vlan_vid, BE16(0xfff))), Q },
			"eth vlan ipv4 tcp data", QUEUE_OF(3),
			.change = { { 14, 2, "\x6f\xff" } } },
	{ "vxlan decap", IN, { A(VXLAN_DECAP), Q }, "eth ipv4 udp vxlan eth ipv4 tcp data",
			QUEUE_OF(3), .out = "=inner" },
	{ "nvgre decap", IN, { A(NVGRE_DECAP), Q }, "eth ipv4 nvgre eth ipv4 tcp data", QUEUE_OF(3),
			.out = "=inner" },
	{ "raw decap and encap", IN,
			{ A(RAW_DECAP, C(raw_decap, .size = 14)),
					A(RAW_ENCAP,
							C(raw_encap,
									.data = (uint8_t *)(uintptr_t)
											raw_vlan,
									.size = sizeof(raw_vlan))),
					Q },
			TCP4, "eth vlan ipv4 tcp data", QUEUE_OF(3),
			.change = { { 0, 18, (const char *)raw_vlan } } },
	{ "raw decap of 0", IN, { A(RAW_DECAP, C(raw_decap, .size = 0)), Q }, TCP4, QUEUE_OF(3) },
	{ "modify value", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SET, .dst = FIELD(IPV4_DST),
					  .src = FIELD(VALUE, .value = { 1, 2, 3, 4 }),
					  .width = 32),
					Q },
			TCP4, QUEUE_OF(3), .change = { { L3 + 16, 4, "\1\2\3\4" } } },
	{ "modify some bits", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SET,
					  .dst = FIELD(IPV4_DST, .offset = 8),
					  .src = FIELD(VALUE, .value = { 1, 2, 3, 4 }), .width = 8),
					Q },
			TCP4, QUEUE_OF(3), .change = { { L3 + 18, 1, "\3" } } },
	{ "modify pointer", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SET, .dst = FIELD(IPV4_SRC),
					  .src = FIELD(POINTER,
							  .pvalue = (void *)(uintptr_t)&pointed),
					  .width = 32),
					Q },
			TCP4, QUEUE_OF(3), .change = { { L3 + 12, 4, "\11\10\7\6" } } },
	{ "modify add", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_ADD, .dst = FIELD(TCP_PORT_DST),
					  .src = FIELD(VALUE, .value = { 0, 5 }), .width = 16),
					Q },
			TCP4, QUEUE_OF(3), .change = { { L4 + 2, 2, "\x07\xd5" } } },
	{ "modify sub", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SUB, .dst = FIELD(IPV4_TTL),
					  .src = FIELD(VALUE, .value = { 4 }), .width = 8),
					Q },
			TCP4, QUEUE_OF(3), .change = { { L3 + 8, 1, "\74" } } },
	{ "modify field to field", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SET, .dst = FIELD(IPV4_SRC),
					  .src = FIELD(IPV4_DST), .width = 32),
					Q },
			TCP4, QUEUE_OF(3), .change = { { L3 + 12, 4, "\12\0\0\2" } } },
	{ "modify inner", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SET,
					  .dst = FIELD(IPV4_DST, .level = 2),
					  .src = FIELD(VALUE, .value = { 7, 7, 7, 7 }),
					  .width = 32),
					Q },
			"eth ipv4 udp vxlan eth ipv4 tcp data", QUEUE_OF(3),
			.change = { { 50 + L3 + 16, 4, "\7\7\7\7" } } },
	{ "modify mark by way of a tag", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SET, .dst = FIELD(TAG, .level = 2),
					  .src = FIELD(IPV4_DST), .width = 32),
					MODIFY(.operation = RTE_FLOW_MODIFY_SET, .dst = FIELD(MARK),
							.src = FIELD(TAG, .level = 2), .width = 32),
					Q },
			TCP4, QUEUE_OF(3), .mark = RTE_IPV4(10, 0, 0, 2) },
	{ "modify mark by value, in host order", IN,
			{ MODIFY(.operation = RTE_FLOW_MODIFY_SET, .dst = FIELD(MARK),
					  .src = FIELD(POINTER,
							  .pvalue = (void *)(uintptr_t) &
									  (const uint32_t){
											  0x1234 }),
					  .width = 32),
					Q },
			TCP4, QUEUE_OF(3), .mark = 0x1234 },
	{ "sample leaves the packet", IN,
			{ A(SAMPLE, C(sample, .ratio = 1, .actions = to_3)), A(DROP), A(END) },
			TCP4, DROPPED },
};

/* The frame as it should be. */
static uint32_t
expected(uint8_t *to, const struct action_case *c)
{
	uint8_t whole[512];
	uint32_t len, i;

	if (c->out != NULL && strcmp(c->out, "=inner") == 0) {
		/* What is left when the tunnel is off: Ethernet, IPv4, TCP and 32 bytes of data. */
		const uint32_t inner = 14 + 20 + 20 + 32;

		len = rig_bytes(whole, c->in);
		memcpy(to, whole + len - inner, inner);
		return inner;
	}
	len = rig_bytes(to, c->out != NULL ? c->out : c->in);
	for (i = 0; i < RTE_DIM(c->change) && c->change[i].len != 0; i++)
		memcpy(to + c->change[i].at, c->change[i].bytes, c->change[i].len);
	return len;
}

/* Both without their sums. */
static void
blank(uint8_t *frame, uint32_t len)
{
	struct sim_offsets off;
	struct sim_phv phv;
	uint32_t i;

	sim_parse(frame, len, len, 0, &phv, &off);
	for (i = 0; i < 2; i++) {
		if (phv.layers[i] & SIM_L_IPV4)
			memset(frame + off.l3[i] + 10, 0, 2);
		if (phv.layers[i] & SIM_L_TCP)
			memset(frame + off.l4[i] + 16, 0, 2);
		if (phv.layers[i] & SIM_L_UDP)
			memset(frame + off.l4[i] + 6, 0, 2);
	}
}

static void
check_bytes(const struct action_case *c, struct rig_packet *p)
{
	uint8_t want[512], got[512];
	const uint32_t len = expected(want, c);
	struct sim_offsets off;
	struct sim_phv phv;
	uint32_t i;

	sim_parse(p->pkt.data, p->pkt.len, p->pkt.len, SIM_PARSE_INTEGRITY, &phv, &off);
	for (i = 0; i < 2; i++) {
		if (phv.layers[i] & SIM_L_IPV4 && !(phv.integrity[i] & SIM_I_IPV4_CSUM_OK))
			fail_msg("%s: wrong IPv4 checksum", c->name);
		if (phv.layers[i] & (SIM_L_TCP | SIM_L_UDP) &&
				!(phv.integrity[i] & SIM_I_L4_CSUM_OK))
			fail_msg("%s: wrong layer 4 checksum", c->name);
	}
	assert_int_equal(p->pkt.len, len);
	memcpy(got, p->pkt.data, len);
	blank(want, len);
	blank(got, len);
	for (i = 0; i < len; i++)
		if (want[i] != got[i])
			fail_msg("%s: byte %u is %02x, not %02x", c->name, i, got[i], want[i]);
}

static void
one_case(struct rig *r, const struct action_case *c)
{
	static const struct rte_flow_item all[] = { { .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_error e = { 0 };
	struct rig_packet p;
	struct rte_flow *flow;

	if (hwf_validate(r->h, 0, &c->attr, all, c->action, &e) != 0)
		fail_msg("%s: %s", c->name, e.message);
	flow = hwf_create(r->h, 0, &c->attr, all, c->action, &e);
	if (flow == NULL)
		fail_msg("%s: %s", c->name, e.message);
	rig_stack(&p, c->in);
	p.pkt.from_host = c->attr.egress;
	rig_run(r, &p, 0);
	if (p.pkt.dest.kind != c->kind)
		fail_msg("%s: goes to %u, not %u", c->name, p.pkt.dest.kind, c->kind);
	if (c->kind == SIM_TO_QUEUE && c->where == HOST)
		assert_int_equal(p.pkt.dest.rss, 1);
	else if (c->kind == SIM_TO_WIRE)
		assert_int_equal(p.pkt.dest.port, c->where);
	else
		assert_int_equal(p.pkt.dest.queue, c->where);
	assert_int_equal(p.pkt.marked, c->mark != 0);
	assert_int_equal(p.pkt.mark, c->mark);
	if (c->kind != SIM_TO_DROP)
		check_bytes(c, &p);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
}

static void
all_cases(void **state)
{
	struct rig *r = rig_new(NULL);
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		one_case(r, &cases[i]);
		rig_empty(r);
	}
	rig_free(r);
}

/* --- encapsulations by items --- */

static const struct rte_flow_item vxlan_4[] = {
	I(ETH,
			S(eth, .dst.addr_bytes = { 2, 0, 0, 0, 0, 1 },
					.src.addr_bytes = { 2, 0, 0, 0, 0, 2 })),
	I(IPV4, S(ipv4, .hdr.src_addr = V4(10, 0, 0, 1), .hdr.dst_addr = V4(10, 0, 0, 2))),
	I(UDP, S(udp, .hdr.src_port = BE16(3000))),
	I(VXLAN, S(vxlan, .vni = { 0x12, 0x34, 0x56 })),
	I(END),
};
static const struct rte_flow_item vxlan_6[] = {
	I(ETH),
	I(VLAN, S(vlan, .tci = BE16(100))),
	I(IPV6, S(ipv6, .hdr.src_addr = "\x20\1", .hdr.dst_addr = "\x20\2")),
	I(VOID),
	I(UDP),
	I(VXLAN, S(vxlan, .vni = { 0x12, 0x34, 0x56 })),
	I(END),
};
static const struct rte_flow_item nvgre_4[] = {
	I(ETH),
	I(IPV4, S(ipv4, .hdr.src_addr = V4(10, 0, 0, 1), .hdr.dst_addr = V4(10, 0, 0, 2))),
	I(NVGRE, S(nvgre, .tni = { 0x45, 0x67, 0x89 })),
	I(END),
};

/* Encapsulates, looks at what is outside, takes it off again in a second group: the packet must be as it was. */
static void
round_trip(struct rig *r, const struct rte_flow_action *encap, uint32_t layers, uint32_t vni)
{
	static const struct rte_flow_item all[] = { { .type = RTE_FLOW_ITEM_TYPE_END } };
	static const struct rte_flow_action_jump jump = { .group = 1 };
	const struct rte_flow_action first[] = { *encap,
		{ .type = RTE_FLOW_ACTION_TYPE_JUMP, .conf = &jump },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_action second[] = { { .type = RTE_FLOW_ACTION_TYPE_VXLAN_DECAP },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_attr attr[2] = { { .ingress = 1 }, { .ingress = 1, .group = 1 } };
	struct rte_flow_error e = { 0 };
	struct sim_offsets off;
	struct sim_phv phv;
	struct rig_packet p;
	uint8_t want[512];
	uint32_t len;

	len = rig_bytes(want, TCP4);
	assert_non_null(hwf_create(r->h, 0, &attr[0], all, first, &e));
	rig_stack(&p, TCP4);
	rig_run(r, &p, 0);
	memset(&phv, 0, sizeof(phv));
	sim_parse(p.pkt.data, p.pkt.len, p.pkt.len, SIM_PARSE_INTEGRITY, &phv, &off);
	assert_int_equal(phv.layers[0] & layers, layers);
	assert_true(phv.integrity[0] & SIM_I_L3_OK);
	assert_true(phv.integrity[0] & SIM_I_PACKET_OK);
	assert_int_equal(phv.layers[1] & (SIM_L_ETH | SIM_L_IPV4 | SIM_L_TCP),
			SIM_L_ETH | SIM_L_IPV4 | SIM_L_TCP);
	assert_int_equal((uint32_t)phv.tunnel[layers & SIM_L_GRE ? 8 : 4] << 16 |
					phv.tunnel[layers & SIM_L_GRE ? 9 : 5] << 8 |
					phv.tunnel[layers & SIM_L_GRE ? 10 : 6],
			vni);
	assert_memory_equal(p.pkt.data + p.pkt.len - len, want, len);

	assert_non_null(hwf_create(r->h, 0, &attr[1], all, second, &e));
	rig_stack(&p, TCP4);
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.len, len);
	assert_memory_equal(p.pkt.data, want, len);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	rig_empty(r);
}

static void
encaps(void **state)
{
	const struct rte_flow_action_vxlan_encap
			v4 = { (struct rte_flow_item *)(uintptr_t)vxlan_4 },
			v6 = { (struct rte_flow_item *)(uintptr_t)vxlan_6 };
	const struct rte_flow_action_nvgre_encap n4 = { (
			struct rte_flow_item *)(uintptr_t)nvgre_4 };
	const struct rte_flow_action a[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_VXLAN_ENCAP, .conf = &v4 },
		{ .type = RTE_FLOW_ACTION_TYPE_VXLAN_ENCAP, .conf = &v6 },
		{ .type = RTE_FLOW_ACTION_TYPE_NVGRE_ENCAP, .conf = &n4 },
	};
	struct rig *r = rig_new(NULL);

	(void)state;
	round_trip(r, &a[0], SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP | SIM_L_VXLAN, 0x123456);
	round_trip(r, &a[1], SIM_L_ETH | SIM_L_VLAN | SIM_L_IPV6 | SIM_L_UDP | SIM_L_VXLAN,
			0x123456);
	round_trip(r, &a[2], SIM_L_ETH | SIM_L_IPV4 | SIM_L_GRE | SIM_L_NVGRE, 0x456789);
	rig_free(r);
}

/* --- metadata from group to group --- */

/* SET_TAG and SET_META with masks of several runs of bits, read again by items of the next group. */
static void
tags(void **state)
{
	static const struct rte_flow_action_set_tag tag = {
		.data = 0xffffffff, .mask = 0xf00f0ff1, .index = 3
	};
	static const struct rte_flow_action_set_meta meta = { .data = 0x12345678,
		.mask = 0xffff0000 };
	static const struct rte_flow_action_mark mark = { .id = 77 };
	static const struct rte_flow_action_jump jump = { .group = 1 };
	static const struct rte_flow_action_queue queue = { .index = HIT_QUEUE };
	static const struct rte_flow_action first[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_SET_TAG, .conf = &tag },
		{ .type = RTE_FLOW_ACTION_TYPE_SET_META, .conf = &meta },
		{ .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &mark },
		{ .type = RTE_FLOW_ACTION_TYPE_JUMP, .conf = &jump },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	static const struct rte_flow_action hit[] = { { .type = RTE_FLOW_ACTION_TYPE_QUEUE,
								      .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_item_tag tag_is = { .data = 0xf00f0ff1, .index = 3 };
	static const struct rte_flow_item_meta meta_is = { .data = 0x12340000 };
	static const struct rte_flow_item_mark mark_is = { .id = 77 };
	static const struct rte_flow_item all[] = { { .type = RTE_FLOW_ITEM_TYPE_END } };
	static const struct rte_flow_item is[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_TAG, .spec = &tag_is },
		{ .type = RTE_FLOW_ITEM_TYPE_META, .spec = &meta_is },
		{ .type = RTE_FLOW_ITEM_TYPE_MARK, .spec = &mark_is },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	const struct rte_flow_attr attr[2] = { { .ingress = 1 }, { .ingress = 1, .group = 1 } };
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	struct rig_packet p;

	(void)state;
	assert_non_null(hwf_create(r->h, 0, &attr[0], all, first, &e));
	assert_non_null(hwf_create(r->h, 0, &attr[1], is, hit, &e));
	rig_stack(&p, TCP4);
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.queue, HIT_QUEUE);
	assert_int_equal(p.pkt.meta, 0x12340000);
	assert_int_equal(p.pkt.mark, 77);
	rig_free(r);
}

/* --- RSS --- */

static void
spread(void **state)
{
	static const uint16_t queues[] = { 1, 4, 6 };
	static const struct rte_flow_action_rss conf = {
		.types = RTE_ETH_RSS_IPV4, .queue_num = 3, .queue = queues
	};
	static const struct rte_flow_action a[] = { { .type = RTE_FLOW_ACTION_TYPE_RSS,
								    .conf = &conf },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_item all[] = { { .type = RTE_FLOW_ITEM_TYPE_END } };
	static const struct rte_flow_attr attr = { .ingress = 1 };
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	uint32_t got[RIG_QUEUES] = { 0 }, i;

	(void)state;
	assert_non_null(hwf_create(r->h, 0, &attr, all, a, &e));
	for (i = 0; i < 3000; i++) {
		const struct rig_flow f = { 0x0a000000 + i * 7, 0x0b000000, 1, 2 };
		struct rig_packet p;

		rig_tcp(&p, &f, 10);
		rig_run(r, &p, 0);
		assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
		assert_int_equal(p.pkt.rss_hashed, 1);
		got[p.pkt.dest.queue]++;
	}
	assert_int_equal(got[1] + got[4] + got[6], 3000);
	assert_in_range(got[1], 800, 1200);
	assert_in_range(got[4], 800, 1200);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	rig_empty(r);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_cases),
		cmocka_unit_test(encaps),
		cmocka_unit_test(tags),
		cmocka_unit_test(spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
