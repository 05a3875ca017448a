/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the classifier's tests share: classes, addresses, connections and a rule that matches
 * everything.
 */
#ifndef TESTS_UNIT_TEST_CLS_H
#define TESTS_UNIT_TEST_CLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "classifier/cls.h"
#include "cls_priv.h"
#include "eal.h"

/* Tables below are ANY_RULE with some of its fields replaced. */
#pragma GCC diagnostic ignored "-Woverride-init"

static const struct cls_class classes[] = {
	{ .name = "default", .port = CLS_ANY_PORT, .queue = FLOW_QUEUE_ANY },
	{ .name = "drop", .drop = true, .port = CLS_ANY_PORT, .queue = FLOW_QUEUE_ANY },
	{ .name = "web", .has_mark = true, .mark = 7, .port = 1, .queue = 3 },
};

#define ANY_RULE \
	.in_port = CLS_ANY_PORT, .src.any = true, .dst.any = true, .sport.hi = UINT16_MAX, \
	.dport.hi = UINT16_MAX

static inline struct flow_addr
ip4(uint32_t a)
{
	struct flow_addr addr = { { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8),
			(uint8_t)a } };

	return addr;
}

static inline struct flow_addr
ip6(uint8_t net, uint8_t host)
{
	struct flow_addr addr = { { 0x20, 0x01, 0x0d, 0xb8, [7] = net, [15] = host } };

	return addr;
}

static inline struct flow_tuple
tuple(uint8_t family, uint8_t proto, uint16_t sport, uint16_t dport)
{
	struct flow_tuple t = {
		.key = { .family = family,
				.proto = proto,
				.sport = rte_cpu_to_be_16(sport),
				.dport = rte_cpu_to_be_16(dport) },
		.src = family == 4 ? ip4(0xc0000201) : ip6(1, 1),
		.dst = family == 4 ? ip4(0xc6336401) : ip6(2, 2),
	};

	return t;
}

static inline struct cls_l7
name(const char *s)
{
	struct cls_l7 l7 = { .type = CLS_L7_TLS_SNI, .len = (uint8_t)strlen(s) };

	memcpy(l7.value, s, l7.len);
	return l7;
}

static inline struct cls *
create(const char *id, const struct cls_rule *rules, unsigned int n)
{
	const struct cls_params p = { .name = id,
		.classes = classes,
		.n_classes = RTE_DIM(classes),
		.rules = rules,
		.n_rules = n,
		.default_class = 0,
		.socket_id = SOCKET_ID_ANY };

	return cls_create(&p);
}

#endif /* TESTS_UNIT_TEST_CLS_H */
