/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Short words for rules in tables: patterns and actions of static storage, and what comes of a rule and a packet.
 */
#ifndef TEST_HWF_WORDS_H
#define TEST_HWF_WORDS_H

#include "test_hwf_packets.h"

/* I(ETH), I(UDP, S(udp, .hdr.dst_port = ..), M(udp, ..)): items; A(DROP), A(QUEUE, C(queue, .index = 3)): actions. */
#define I(TYPE, ...) \
	{ \
		.type = RTE_FLOW_ITEM_TYPE_##TYPE, __VA_ARGS__ \
	}
#define S(item, ...) \
	.spec = &(const struct rte_flow_item_##item) \
	{ \
		__VA_ARGS__ \
	}
#define M(item, ...) \
	.mask = &(const struct rte_flow_item_##item) \
	{ \
		__VA_ARGS__ \
	}
#define L(item, ...) \
	.last = &(const struct rte_flow_item_##item) \
	{ \
		__VA_ARGS__ \
	}
#define A(TYPE, ...) \
	{ \
		.type = RTE_FLOW_ACTION_TYPE_##TYPE, __VA_ARGS__ \
	}
#define C(action, ...) \
	.conf = &(const struct rte_flow_action_##action) \
	{ \
		__VA_ARGS__ \
	}
#define BE16(x) RTE_BE16(x)
#define BE32(x) RTE_BE32(x)
#define V4(a, b, c, d) RTE_BE32(RTE_IPV4(a, b, c, d))

/* The queue that "hits" go to, which no packet comes to by itself. */
#define HIT_QUEUE 5
#define TO_QUEUE(n) A(QUEUE, C(queue, .index = (n)))

#define WORDS_MAX 8

#endif /* TEST_HWF_WORDS_H */
