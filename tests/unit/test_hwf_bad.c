/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that are refused: a table of bad rules, each with the errno, the type of the error, what it points at, and a part of the
 * message. Validating and creating must say the same, and nothing may be left behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "test_hwf_words.h"

/* What the cause must be. */
enum cause { NOTHING, ATTR, ITEM, SPEC, LAST, MASK, ACTION, CONF };

struct bad {
	const char *name;
	struct rte_flow_attr attr;
	struct rte_flow_item item[WORDS_MAX];
	struct rte_flow_action action[WORDS_MAX];
	int err;
	enum rte_flow_error_type type;
	enum cause cause;
	uint8_t index; /* of the item or action */
	const char *says;
};

#define IN \
	{ \
		.ingress = 1 \
	}
#define IN1 \
	{ \
		.ingress = 1, .group = 1 \
	}
#define OUT \
	{ \
		.egress = 1 \
	}
#define SWITCH \
	{ \
		.transfer = 1 \
	}
#define ANY \
	{ \
		I(END) \
	}
#define Q \
	{ \
		TO_QUEUE(3), A(END) \
	}
#define E(NUMBER, TYPE) .err = (NUMBER), .type = RTE_FLOW_ERROR_TYPE_##TYPE
#define AT(CAUSE, INDEX) .cause = (CAUSE), .index = (INDEX)
#define PORT M(udp, .hdr.dst_port = 0xffff)
#define MODIFY(...) \
	A(MODIFY_FIELD, .conf = &(const struct rte_flow_action_modify_field){ __VA_ARGS__ })
#define FIELD(id, ...) \
	{ \
		.field = RTE_FLOW_FIELD_##id, __VA_ARGS__ \
	}

static const uint16_t queues_bad[] = { 1, 8 };
static const uint8_t key_short[4];
static uint8_t much[200];
static const struct rte_flow_action drop_only[] = { A(DROP), A(END) };
static const struct rte_flow_action mark_only[] = { A(MARK, C(mark, .id = 1)), A(END) };
static const struct rte_flow_action to_9[] = { TO_QUEUE(9), A(END) };
static struct rte_flow_item no_tunnel[] = { I(ETH), I(IPV4), I(END) };
static struct rte_flow_item no_order[] = { I(IPV4), I(ETH), I(END) };
static struct rte_flow_item wrong_part[] = { I(ETH), I(IPV4), I(TCP), I(END) };

static const struct bad bads[] = {
	/* attributes */
	{ "no domain", { .group = 0 }, ANY, Q, E(EINVAL, ATTR), AT(ATTR, 0), "none of ingress" },
	{ "both ways", { .ingress = 1, .egress = 1 }, ANY, Q, E(ENOTSUP, ATTR_EGRESS), AT(ATTR, 0),
			"one domain" },
	{ "egress and transfer", { .transfer = 1, .egress = 1 }, ANY, Q, E(ENOTSUP, ATTR_EGRESS),
			AT(ATTR, 0), "transfer" },
	{ "reserved", { .ingress = 1, .reserved = 1 }, ANY, Q, E(EINVAL, ATTR), AT(ATTR, 0),
			"reserved" },
	{ "priority", { .ingress = 1, .priority = 16 }, ANY, Q, E(ENOTSUP, ATTR_PRIORITY),
			AT(ATTR, 0), "highest number is 15" },
	{ "group", { .ingress = 1, .group = 1u << 30 }, ANY, Q, E(ENOTSUP, ATTR_GROUP), AT(ATTR, 0),
			"group" },
	/* items */
	{ "raw", IN, { I(ETH), I(RAW), I(END) }, Q, E(ENOTSUP, ITEM), AT(ITEM, 1), "RAW" },
	{ "unknown", IN, { I(VOID), I(MPLS), I(END) }, Q, E(ENOTSUP, ITEM), AT(ITEM, 1),
			"not supported" },
	{ "gtpc", IN, { I(GTPC), I(END) }, Q, E(ENOTSUP, ITEM), AT(ITEM, 0), "not supported" },
	{ "eth twice", IN, { I(ETH), I(ETH), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1), "already" },
	{ "udp twice", IN, { I(UDP), I(TCP), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1), "already" },
	{ "out of order", IN, { I(IPV4), I(ETH), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"in front" },
	{ "vlan behind ip", IN, { I(IPV4), I(VLAN), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"in front" },
	{ "three vlans", IN, { I(VLAN), I(VLAN), I(VLAN), I(END) }, Q, E(ENOTSUP, ITEM),
			AT(ITEM, 2), "third" },
	{ "icmp over ipv6", IN, { I(IPV6), I(ICMP), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"carried" },
	{ "icmp6 over ipv4", IN, { I(IPV4), I(ICMP6), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"carried" },
	{ "tcp over arp", IN, { I(ARP_ETH_IPV4), I(TCP), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"carried" },
	{ "vxlan over tcp", IN, { I(TCP), I(VXLAN), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"carried" },
	{ "gre over udp", IN, { I(UDP), I(GRE), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"carried" },
	{ "key without gre", IN, { I(IPV4), I(GRE_KEY), I(END) }, Q, E(EINVAL, ITEM), AT(ITEM, 1),
			"follow GRE" },
	{ "tunnel in tunnel", IN, { I(VXLAN), I(ETH), I(UDP), I(VXLAN), I(END) }, Q,
			E(ENOTSUP, ITEM), AT(ITEM, 3), "two levels" },
	{ "vlan that is not there", IN,
			{ I(ETH, S(eth, .has_vlan = 0), M(eth, .has_vlan = 1)), I(VLAN), I(END) },
			Q, E(EINVAL, ITEM), AT(ITEM, 1), "says that there is none" },
	{ "mask without spec", IN, { I(ETH), I(UDP, PORT), I(END) }, Q, E(EINVAL, ITEM_MASK),
			AT(MASK, 1), "without spec" },
	{ "last without spec", IN, { I(UDP, L(udp, .hdr.dst_port = 1)), I(END) }, Q,
			E(EINVAL, ITEM_LAST), AT(LAST, 0), "without spec" },
	{ "range of a mac", IN,
			{ I(ETH, S(eth, .dst.addr_bytes = { 2 }), L(eth, .dst.addr_bytes = { 4 })),
					I(END) },
			Q, E(ENOTSUP, ITEM_LAST), AT(LAST, 0), "dst" },
	{ "range of an ipv6 address", IN,
			{ I(IPV6, S(ipv6, .hdr.src_addr = { 1 }), L(ipv6, .hdr.src_addr = { 2 })),
					I(END) },
			Q, E(ENOTSUP, ITEM_LAST), AT(LAST, 0), "src_addr" },
	{ "range backwards", IN,
			{ I(UDP, S(udp, .hdr.dst_port = BE16(9)), L(udp, .hdr.dst_port = BE16(8)),
					  PORT),
					I(END) },
			Q, E(EINVAL, ITEM_LAST), AT(LAST, 0), "dst_port" },
	{ "three ranges", IN,
			{ I(IPV4, S(ipv4, .hdr.time_to_live = 1), L(ipv4, .hdr.time_to_live = 2),
					  M(ipv4, .hdr.time_to_live = 0xff)),
					I(UDP,
							S(udp, .hdr.src_port = BE16(1),
									.hdr.dst_port = BE16(1)),
							L(udp, .hdr.src_port = BE16(2),
									.hdr.dst_port = BE16(2))),
					I(END) },
			Q, E(ENOTSUP, ITEM_LAST), AT(LAST, 1), "room for 2" },
	{ "one extension of many", IN,
			{ I(IPV6, S(ipv6, .has_hop_ext = 1), M(ipv6, .has_hop_ext = 1)), I(END) },
			Q, E(ENOTSUP, ITEM_MASK), AT(MASK, 0), "has_*_ext" },
	{ "tag 8", IN, { I(TAG, S(tag, .index = 8)), I(END) }, Q, E(EINVAL, ITEM_SPEC), AT(SPEC, 0),
			"tag 8" },
	{ "tag twice", IN, { I(TAG, S(tag, .index = 1)), I(TAG, S(tag, .index = 1)), I(END) }, Q,
			E(EINVAL, ITEM), AT(ITEM, 1), "tag 1 already" },
	{ "mark twice", IN, { I(MARK, S(mark, 1)), I(MARK, S(mark, 1)), I(END) }, Q,
			E(EINVAL, ITEM), AT(ITEM, 1), "already" },
	{ "range of a mark", IN, { I(MARK, S(mark, 1), L(mark, 2)), I(END) }, Q,
			E(ENOTSUP, ITEM_LAST), AT(LAST, 0), "no header" },
	{ "integrity level", IN, { I(INTEGRITY, S(integrity, .level = 3)), I(END) }, Q,
			E(ENOTSUP, ITEM_SPEC), AT(SPEC, 0), "levels" },
	{ "conntrack state", IN1, { I(CONNTRACK, S(conntrack, .flags = 32)), I(END) }, Q,
			E(EINVAL, ITEM_SPEC), AT(SPEC, 0), "no such state" },
	{ "conntrack in group 0", IN, { I(CONNTRACK, S(conntrack, .flags = 1)), I(END) }, Q,
			E(ENOTSUP, ITEM), AT(ITEM, 0), "group 0" },
	{ "colour", IN, { I(METER_COLOR, S(meter_color, .color = 3)), I(END) }, Q,
			E(EINVAL, ITEM_SPEC), AT(SPEC, 0), "colour" },
	{ "port in ingress", IN, { I(REPRESENTED_PORT, S(ethdev, 1)), I(END) }, Q, E(EINVAL, ITEM),
			AT(ITEM, 0), "transfer" },
	{ "foreign port", SWITCH, { I(REPRESENTED_PORT, S(ethdev, 9)), I(END) },
			{ A(DROP), A(END) }, E(EINVAL, ITEM_SPEC), AT(SPEC, 0), "port 9" },
	{ "half a port", SWITCH, { I(PORT_ID, S(port_id, 1), M(port_id, 0xff)), I(END) },
			{ A(DROP), A(END) }, E(ENOTSUP, ITEM_MASK), AT(MASK, 0), "as a whole" },
	{ "two ports", SWITCH,
			{ I(PORT_ID, S(port_id, 1)), I(PORT_REPRESENTOR, S(ethdev, 1)), I(END) },
			{ A(DROP), A(END) }, E(EINVAL, ITEM), AT(ITEM, 1), "already" },
	/* actions */
	{ "unknown action", IN, ANY, { A(OF_POP_MPLS), A(END) }, E(ENOTSUP, ACTION), AT(ACTION, 0),
			"not supported" },
	{ "two fates", IN, ANY, { TO_QUEUE(1), A(DROP), A(END) }, E(EINVAL, ACTION), AT(ACTION, 1),
			"second fate" },
	{ "jump and passthru", IN, ANY, { A(PASSTHRU), A(JUMP, C(jump, 1)), A(END) },
			E(EINVAL, ACTION), AT(ACTION, 1), "second fate" },
	{ "queue 8 of 8", IN, ANY, { A(COUNT), TO_QUEUE(8), A(END) }, E(EINVAL, ACTION_CONF),
			AT(CONF, 1), "the port has 8" },
	{ "queue without a conf", IN, ANY, { A(QUEUE), A(END) }, E(EINVAL, ACTION_CONF),
			AT(ACTION, 0), "without a conf" },
	{ "queue in egress", OUT, ANY, Q, E(EINVAL, ACTION), AT(ACTION, 0), "not for egress" },
	{ "queue in transfer", SWITCH, ANY, Q, E(EINVAL, ACTION), AT(ACTION, 0),
			"not for transfer" },
	{ "mark in egress", OUT, ANY, { A(MARK, C(mark, 1)), A(END) }, E(EINVAL, ACTION),
			AT(ACTION, 0), "egress" },
	{ "port in ingress", IN, ANY, { A(PORT_ID, C(port_id, .id = 1)), A(END) },
			E(EINVAL, ACTION), AT(ACTION, 0), "transfer" },
	{ "foreign port", SWITCH, ANY, { A(REPRESENTED_PORT, C(ethdev, 7)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "port 7" },
	{ "port of 32 bits", SWITCH, ANY, { A(PORT_ID, C(port_id, .id = 1u << 16)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "port 65536" },
	{ "jump too far", IN, ANY, { A(JUMP, C(jump, 0xffffffff)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "group" },
	{ "count twice", IN, ANY, { A(COUNT), A(COUNT), A(END) }, E(ENOTSUP, ACTION), AT(ACTION, 1),
			"second COUNT" },
	{ "age of 0 s", IN, ANY, { A(AGE, C(age, .timeout = 0)), A(END) }, E(EINVAL, ACTION_CONF),
			AT(CONF, 0), "0 seconds" },
	{ "age twice", IN, ANY,
			{ A(AGE, C(age, .timeout = 1)), A(AGE, C(age, .timeout = 1)), A(END) },
			E(ENOTSUP, ACTION), AT(ACTION, 1), "second AGE" },
	{ "no such meter", IN, ANY, { A(METER, C(meter, 5)), A(END) }, E(EINVAL, ACTION_CONF),
			AT(CONF, 0), "no meter 5" },
	{ "conntrack by itself", IN1, ANY, { A(CONNTRACK), A(JUMP, C(jump, 2)), A(END) },
			E(ENOTSUP, ACTION), AT(ACTION, 0), "indirect" },
	{ "security", IN, ANY, { A(SECURITY, C(security, NULL)), A(END) }, E(ENOTSUP, ACTION),
			AT(ACTION, 0), "no TLS engine" },
	{ "no handle", IN, ANY, { A(INDIRECT, .conf = much), A(END) }, E(ENOENT, ACTION_CONF),
			AT(CONF, 0), "no such indirect" },
	{ "set behind the fate", IN, ANY, { TO_QUEUE(1), A(DEC_TTL), A(END) }, E(EINVAL, ACTION),
			AT(ACTION, 1), "behind its fate" },
	{ "pop behind the fate", IN, ANY, { A(DROP), A(OF_POP_VLAN), A(END) }, E(EINVAL, ACTION),
			AT(ACTION, 1), "behind its fate" },
	{ "vlan type", IN, ANY, { A(OF_PUSH_VLAN, C(of_push_vlan, BE16(0x800))), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "0x0800" },
	{ "vlan id", IN, ANY, { A(OF_SET_VLAN_VID, C(of_set_vlan_vid, BE16(0x1000))), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "12 bits" },
	{ "vlan pcp", IN, ANY, { A(OF_SET_VLAN_PCP, C(of_set_vlan_pcp, 8)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "highest value is 7" },
	{ "dscp", IN, ANY, { A(SET_IPV4_DSCP, C(set_dscp, 64)), A(END) }, E(EINVAL, ACTION_CONF),
			AT(CONF, 0), "63" },
	{ "set without a value", IN, ANY, { A(SET_IPV4_SRC), A(END) }, E(EINVAL, ACTION_CONF),
			AT(ACTION, 0), "no value" },
	{ "set tag 9", IN, ANY, { A(SET_TAG, C(set_tag, .index = 9, .mask = 1)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "tag 9" },
	{ "raw encap of nothing", IN, ANY, { A(RAW_ENCAP, C(raw_encap, .size = 0)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "nothing" },
	{ "raw encap of no Ethernet header", IN, ANY,
			{ A(RAW_ENCAP, C(raw_encap, .data = much, .size = 13)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "begins with" },
	{ "raw encap of much", IN, ANY,
			{ A(RAW_ENCAP, C(raw_encap, .data = much, .size = 129)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "at most 128" },
	{ "raw decap of much", IN, ANY, { A(RAW_DECAP, C(raw_decap, .size = 129)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "at most 128" },
	{ "encap, then decap", IN, ANY,
			{ A(RAW_ENCAP, C(raw_encap, .data = much, .size = 14)), A(VXLAN_DECAP),
					A(END) },
			E(EINVAL, ACTION), AT(ACTION, 1), "behind an encap" },
	{ "three encaps", IN, ANY,
			{ A(RAW_ENCAP, C(raw_encap, .data = much, .size = 14)),
					A(RAW_ENCAP, C(raw_encap, .data = much, .size = 14)),
					A(RAW_ENCAP, C(raw_encap, .data = much, .size = 14)),
					A(END) },
			E(ENOTSUP, ACTION), AT(ACTION, 2), "more than 2" },
	{ "encap without tunnel", IN, ANY, { A(VXLAN_ENCAP, C(vxlan_encap, no_tunnel)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "tunnel's header" },
	{ "encap out of order", IN, ANY, { A(VXLAN_ENCAP, C(vxlan_encap, no_order)), A(END) },
			E(EINVAL, ACTION_CONF), AT(NOTHING, 0), "out of order" },
	{ "encap with tcp", IN, ANY, { A(NVGRE_ENCAP, C(nvgre_encap, wrong_part)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(NOTHING, 0), "not part of" },
	{ "encap of nothing", IN, ANY, { A(VXLAN_ENCAP, C(vxlan_encap, NULL)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "definition" },
	{ "rss types", IN, ANY, { A(RSS, C(rss, .types = RTE_ETH_RSS_MPLS)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "cannot be hashed" },
	{ "rss key", IN, ANY, { A(RSS, C(rss, .key = key_short, .key_len = 4)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "4 bytes" },
	{ "rss level", IN, ANY, { A(RSS, C(rss, .level = 3)), A(END) }, E(ENOTSUP, ACTION_CONF),
			AT(CONF, 0), "level 3" },
	{ "rss queue", IN, ANY, { A(RSS, C(rss, .queue_num = 2, .queue = queues_bad)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "queue 8" },
	{ "rss no queues", IN, ANY, { A(RSS, C(rss, .queue_num = 2)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "which" },
	{ "rss many queues", IN, ANY,
			{ A(RSS, C(rss, .queue_num = 513, .queue = queues_bad)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "at most 512" },
	{ "rss function", IN, ANY, { A(RSS, C(rss, .func = RTE_ETH_HASH_FUNCTION_MAX)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "function" },
	{ "sample of 0", IN, ANY, { A(SAMPLE, C(sample, 0, to_9)), A(END) }, E(EINVAL, ACTION_CONF),
			AT(CONF, 0), "in 0" },
	{ "sample to queue 9", IN, ANY, { A(SAMPLE, C(sample, 1, to_9)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "no such queue" },
	{ "sample drop", IN, ANY, { A(SAMPLE, C(sample, 1, drop_only)), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "is neither" },
	{ "sample nowhere", IN, ANY, { A(SAMPLE, C(sample, 1, mark_only)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "nowhere" },
	{ "sample nothing", IN, ANY, { A(SAMPLE, C(sample, 1, NULL)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "without actions" },
	{ "modify into a value", IN, ANY, { MODIFY(.dst = FIELD(VALUE), .width = 8), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "immediate" },
	{ "modify what is not", IN, ANY, { MODIFY(.dst = FIELD(GTP_PSC_QFI), .width = 6), A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "field" },
	{ "modify too wide", IN, ANY,
			{ MODIFY(.dst = FIELD(TCP_PORT_SRC, .offset = 8), .src = FIELD(VALUE),
					  .width = 9),
					A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "destination has 16" },
	{ "modify 0 bits", IN, ANY,
			{ MODIFY(.dst = FIELD(TCP_PORT_SRC), .src = FIELD(VALUE)), A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "0 bits" },
	{ "modify from too narrow", IN, ANY,
			{ MODIFY(.dst = FIELD(IPV4_SRC), .src = FIELD(IPV4_TTL), .width = 32),
					A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "source has 8" },
	{ "modify operation", IN, ANY,
			{ MODIFY(.operation = 3, .dst = FIELD(IPV4_SRC), .src = FIELD(VALUE),
					  .width = 32),
					A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "operation 3" },
	{ "modify level", IN, ANY,
			{ MODIFY(.dst = FIELD(IPV4_SRC, .level = 3), .src = FIELD(VALUE),
					  .width = 32),
					A(END) },
			E(ENOTSUP, ACTION_CONF), AT(CONF, 0), "level 3" },
	{ "modify tag", IN, ANY,
			{ MODIFY(.dst = FIELD(TAG, .level = 8), .src = FIELD(VALUE), .width = 32),
					A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "tag 8" },
	{ "modify from nowhere", IN, ANY,
			{ MODIFY(.dst = FIELD(IPV4_SRC), .src = FIELD(POINTER), .width = 32),
					A(END) },
			E(EINVAL, ACTION_CONF), AT(CONF, 0), "nowhere" },
	{ "too many runs of bits", IN, ANY,
			{ A(SET_META, C(set_meta, .mask = 0x55555555)),
					A(SET_TAG, C(set_tag, .mask = 0x55555555)), A(END) },
			E(ENOTSUP, ACTION_NUM), AT(ACTION, 1), "more than" },
};

static const void *
cause_of(const struct bad *b)
{
	switch (b->cause) {
	case ATTR:
		return &b->attr;
	case ITEM:
		return &b->item[b->index];
	case SPEC:
		return b->item[b->index].spec;
	case LAST:
		return b->item[b->index].last;
	case MASK:
		return b->item[b->index].mask;
	case ACTION:
		return &b->action[b->index];
	case CONF:
		return b->action[b->index].conf;
	default:
		return NULL;
	}
}

static void
says(const struct bad *b, const struct rte_flow_error *e, int err)
{
	if (err != b->err || e->type != b->type)
		fail_msg("%s: errno %d (not %d), type %d (not %d): %s", b->name, err, b->err,
				e->type, b->type, e->message);
	if (b->cause != NOTHING && e->cause != cause_of(b))
		fail_msg("%s: the error is about something else: %s", b->name, e->message);
	if (e->message == NULL || strstr(e->message, b->says) == NULL)
		fail_msg("%s: it says: %s", b->name, e->message);
}

static void
all_bads(void **state)
{
	static const char *const set[] = { "tables.priorities=16", "objects.connection-group0=0",
		"tables.groups=65536", NULL };
	struct rig *r = rig_new(set);
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(bads); i++) {
		const struct bad *b = &bads[i];
		struct rte_flow_error e = { 0 };
		int rc = hwf_validate(r->h, 0, &b->attr, b->item, b->action, &e);

		says(b, &e, -rc);
		memset(&e, 0, sizeof(e));
		rte_errno = 0;
		if (hwf_create(r->h, 0, &b->attr, b->item, b->action, &e) != NULL)
			fail_msg("%s: was made", b->name);
		says(b, &e, rte_errno);
		/* Nobody has to give a place for the error. */
		assert_null(hwf_create(r->h, 0, &b->attr, b->item, b->action, NULL));
		rig_empty(r);
	}
	rig_free(r);
}

/* Lists that have no end, no list at all, no port. */
static void
no_end(void **state)
{
	static const struct rte_flow_item all[] = { { .type = RTE_FLOW_ITEM_TYPE_END } };
	static const struct rte_flow_action drop[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_attr attr = { .ingress = 1 };
	struct rte_flow_item items[100] = { { 0 } };
	struct rte_flow_action actions[100] = { { 0 } };
	struct rte_flow_error e = { 0 };
	struct rig *r = rig_new(NULL);
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		items[i].type = RTE_FLOW_ITEM_TYPE_VOID;
		actions[i].type = RTE_FLOW_ACTION_TYPE_VOID;
	}
	assert_int_equal(hwf_validate(r->h, 0, &attr, items, drop, &e), -ENOTSUP);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ITEM_NUM);
	assert_int_equal(hwf_validate(r->h, 0, &attr, all, actions, &e), -ENOTSUP);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ACTION_NUM);
	assert_int_equal(hwf_validate(r->h, 0, NULL, all, drop, &e), -EINVAL);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ATTR);
	assert_int_equal(hwf_validate(r->h, 0, &attr, NULL, drop, &e), -EINVAL);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ITEM_NUM);
	assert_int_equal(hwf_validate(r->h, 0, &attr, all, NULL, &e), -EINVAL);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ACTION_NUM);
	assert_int_equal(hwf_validate(r->h, RIG_PORTS, &attr, all, drop, &e), -ENODEV);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	assert_int_equal(hwf_flush(r->h, 999, &e), -ENODEV);
	rig_empty(r);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_bads),
		cmocka_unit_test(no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
