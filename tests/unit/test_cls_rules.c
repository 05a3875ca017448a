/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules: which are refused, what one rule matches, which of several with layer 7 is first. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "test_cls.h"

/* ---- one rule ---- */

static void
test_refused(void **state)
{
	static const uint8_t id[] = { 1 };
	static const struct cls_rule bad[] = {
		{ ANY_RULE, .class_id = 3 },
		{ ANY_RULE, .family = 5 },
		{ ANY_RULE, .family = 0, .src = { .len = 0 } },
		{ ANY_RULE, .family = 4, .src = { .len = 33 } },
		{ ANY_RULE, .family = 6, .dst = { .len = 129 } },
		{ ANY_RULE, .sport = { 2, 1 } },
		{ ANY_RULE, .proto = IPPROTO_ICMP, .dport = { 8, 8 } },
		{ ANY_RULE, .states = 1u << CT_STATE_COUNT },
		{ ANY_RULE, .sni = "a.example", .dcid = id, .dcid_len = 1 },
		{ ANY_RULE, .sni = "a.example", .proto = IPPROTO_UDP },
		{ ANY_RULE, .dcid = id, .dcid_len = 1, .proto = IPPROTO_TCP },
		{ ANY_RULE, .dcid_len = 1 },
		{ ANY_RULE, .sni = "" },
		{ ANY_RULE, .sni = "." },
		{ ANY_RULE, .sni = "*" },
		{ ANY_RULE, .sni = "*." },
		{ ANY_RULE, .sni = "a.*.example" },
		{ ANY_RULE, .sni = "*.*.example" },
		{ ANY_RULE, .sni = "a b" },
	};
	static const struct cls_params params[] = {
		{ .classes = classes, .n_classes = 1 },
		{ .name = "x", .classes = classes, .n_classes = 0 },
		{ .name = "x", .classes = classes, .n_classes = 3, .default_class = 3 },
		{ .name = "x",
				.classes = classes,
				.n_classes = 3,
				.n_rules = CLS_DEFAULT_RULE + 1 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(bad); i++) {
		rte_errno = 0;
		assert_null(create("refused", &bad[i], 1));
		assert_int_equal(rte_errno, EINVAL);
	}
	for (i = 0; i < RTE_DIM(params); i++) {
		rte_errno = 0;
		assert_null(cls_create(&params[i]));
		assert_int_equal(rte_errno, EINVAL);
	}
}

/* rte_acl would hand out the context of the same name, and the two would share it. */
static void
test_names(void **state)
{
	static const struct cls_rule any = { ANY_RULE };
	struct cls *c = create("once", &any, 1);

	(void)state;
	assert_non_null(c);
	rte_errno = 0;
	assert_null(create("once", &any, 1));
	assert_int_equal(rte_errno, EEXIST);
	assert_null(create("a name that is far too long for rte_acl", &any, 1));
	cls_destroy(c);
	c = create("once", &any, 1);
	assert_non_null(c);
	cls_destroy(c);
	cls_destroy(NULL);
}

static void
test_server_names(void **state)
{
	static const struct {
		const char *rule, *name;
		bool match;
	} cases[] = {
		{ "example.com", "example.com", true },
		{ "example.com", "www.example.com", false },
		{ "example.com", "example.co", false },
		{ "Example.COM.", "example.com", true },
		{ "example.com", "example.com.", true },
		{ "*.example.com", "www.example.com", true },
		{ "*.example.com", "a.b.example.com", true },
		{ "*.example.com", "example.com", false },
		{ "*.example.com", ".example.com", false },
		{ "*.example.com", "badexample.com", false },
		{ "*.Example.com.", "www.example.com", true },
		{ "*.example.com", "example.com.evil", false },
		{ "a", "", false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		const struct cls_rule r = { ANY_RULE, .sni = cases[i].rule };
		struct cls_l7 l7 = name(cases[i].name);
		struct cls_rule copy;

		assert_null(cls_rule_error(&r, 1));
		assert_int_equal(cls_rule_copy(&copy, &r), 0);
		if (cls_rule_matches_l7(&copy, &l7) != cases[i].match)
			fail_msg("rule %s, name %s", cases[i].rule, cases[i].name);
		l7.type = CLS_L7_QUIC_DCID;
		assert_false(cls_rule_matches_l7(&copy, &l7));
		cls_rule_free(&copy);
	}
}

static const struct {
	struct cls_rule rule;
	uint8_t family, proto;
	uint16_t sport, dport, in_port;
	enum ct_state ct;
	bool match;
} layer4[] = {
	{ { ANY_RULE }, 4, IPPROTO_ESP, 0, 0, 0, CT_STATE_NONE, true },
	{ { ANY_RULE, .family = 4 }, 4, 6, 1, 2, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .family = 4 }, 6, 6, 1, 2, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .proto = 6 }, 6, 6, 1, 2, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .proto = 6 }, 6, 17, 1, 2, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .in_port = 300 }, 4, 6, 1, 2, 300, CT_STATE_NEW, true },
	{ { ANY_RULE, .in_port = 300 }, 4, 6, 1, 2, 44, CT_STATE_NEW, false },
	{ { ANY_RULE, .in_port = 0 }, 4, 6, 1, 2, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .in_port = 0 }, 4, 6, 1, 2, 1, CT_STATE_NEW, false },
	{ { ANY_RULE, .states = 1 << CT_STATE_NEW | 1 << CT_STATE_RELATED }, 4, 6, 1, 2, 0,
			CT_STATE_RELATED, true },
	{ { ANY_RULE, .states = 1 << CT_STATE_NEW | 1 << CT_STATE_RELATED }, 4, 6, 1, 2, 0,
			CT_STATE_ESTABLISHED, false },
	{ { ANY_RULE, .states = 1 << CT_STATE_NONE }, 4, 6, 1, 2, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .sport = { 10, 20 } }, 4, 6, 10, 2, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .sport = { 10, 20 } }, 4, 17, 20, 2, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .sport = { 10, 20 } }, 4, 132, 21, 2, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .sport = { 10, 20 } }, 4, 6, 9, 2, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .dport = { 256, 512 } }, 4, 6, 1, 257, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .dport = { 256, 512 } }, 4, 6, 1, 255, 0, CT_STATE_NEW, false },
	/* an ICMP key keeps identifier, type and code where others have ports */
	{ { ANY_RULE, .dport = { 2048, 2048 } }, 4, 1, 1, 2048, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .sport = { 0, 9 } }, 4, IPPROTO_GRE, 0, 0, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .family = 4, .src = { { { 192, 0, 2, 255 } }, 24, false } }, 4, 6, 1, 2, 0,
			CT_STATE_NEW, true },
	{ { ANY_RULE, .family = 4, .src = { { { 192, 0, 2, 1 } }, 32, false } }, 4, 6, 1, 2, 0,
			CT_STATE_NEW, true },
	{ { ANY_RULE, .family = 4, .src = { { { 192, 0, 2, 2 } }, 31, false } }, 4, 6, 1, 2, 0,
			CT_STATE_NEW, false },
	{ { ANY_RULE, .family = 4, .dst = { { { 1 } }, 0, false } }, 4, 6, 1, 2, 0, CT_STATE_NEW,
			true },
	{ { ANY_RULE, .family = 6, .src = { { { 0x20, 1, 0x0d, 0xb8, [7] = 1 } }, 64, false } }, 6,
			6, 1, 2, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .family = 6, .src = { { { 0x20, 1, 0x0d, 0xb8, [7] = 3 } }, 63, false } }, 6,
			6, 1, 2, 0, CT_STATE_NEW, false },
	{ { ANY_RULE, .family = 6,
			  .dst = { { { 0x20, 1, 0x0d, 0xb8, [7] = 2, [15] = 2 } }, 128, false } },
			6, 6, 1, 2, 0, CT_STATE_NEW, true },
	{ { ANY_RULE, .family = 6,
			  .dst = { { { 0x20, 1, 0x0d, 0xb8, [7] = 2, [15] = 4 } }, 127, false } },
			6, 6, 1, 2, 0, CT_STATE_NEW, false },
};

static void
test_layer4(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(layer4); i++) {
		struct flow_tuple t = tuple(layer4[i].family, layer4[i].proto, layer4[i].sport,
				layer4[i].dport);
		const struct cls_input in = { .tuple = &t,
			.in_port = layer4[i].in_port,
			.state = layer4[i].ct,
			.l7_done = true };
		struct cls *c = create("layer4", &layer4[i].rule, 1);
		struct cls_result out;
		struct cls_rule copy;

		assert_non_null(c);
		cls_classify(c, &in, &out);
		if ((out.rule == 0) != layer4[i].match)
			fail_msg("case %u", i);
		cls_destroy(c);

		assert_int_equal(cls_rule_copy(&copy, &layer4[i].rule), 0);
		assert_int_equal(cls_rule_matches_l4(&copy, &in), layer4[i].match);
		cls_rule_free(&copy);
	}
}

/* ---- many rules ---- */

static void
test_empty(void **state)
{
	static const struct cls_rule only6 = { ANY_RULE, .family = 6, .class_id = 1 };
	struct flow_tuple t = tuple(4, IPPROTO_TCP, 1, 443);
	struct cls_input in = { .tuple = &t, .state = CT_STATE_NEW };
	struct cls_result out;
	struct cls *c = create("empty", NULL, 0);

	(void)state;
	assert_non_null(c);
	cls_classify(c, &in, &out);
	assert_int_equal(out.rule, CLS_DEFAULT_RULE);
	assert_int_equal(out.class_id, 0);
	assert_false(out.l7_pending);
	assert_int_equal(cls_rules(c), 0);
	assert_int_equal(cls_classes(c), RTE_DIM(classes));
	assert_string_equal(cls_class(c, 2)->name, "web");
	assert_int_equal(cls_class(c, 2)->mark, 7);
	assert_null(cls_class(c, 3));
	assert_int_equal(cls_rule_hits(c, CLS_DEFAULT_RULE), 1);
	assert_int_equal(cls_rule_hits(c, 0), 0);
	cls_destroy(c);

	c = create("empty", &only6, 1);
	assert_non_null(c);
	cls_classify(c, &in, &out);
	assert_int_equal(out.rule, CLS_DEFAULT_RULE);
	t = tuple(6, IPPROTO_TCP, 1, 443);
	cls_classify(c, &in, &out);
	assert_int_equal(out.rule, 0);
	assert_int_equal(out.class_id, 1);
	cls_destroy(c);
}

static const struct cls_rule l7_rules[] = {
	{ ANY_RULE, .proto = IPPROTO_TCP, .dport = { 25, 25 }, .class_id = 1 },
	{ ANY_RULE, .sni = "www.example.com", .dport = { 443, 443 }, .class_id = 2 },
	{ ANY_RULE, .sni = "*.example.com", .class_id = 1 },
	{ ANY_RULE, .dcid = (const uint8_t *)"ab", .dcid_len = 2, .class_id = 2 },
	{ ANY_RULE, .proto = IPPROTO_TCP, .dport = { 443, 443 }, .class_id = 2 },
	{ ANY_RULE, .sni = "late.example", .dport = { 443, 443 }, .class_id = 1 },
};

#define UNKNOWN 255 /* layer 7 has not been seen yet */
static const struct {
	uint8_t proto;
	uint16_t dport;
	uint8_t type;
	const char *value;
	bool done;
	uint16_t rule;
	bool pending;
} layer7[] = {
	{ IPPROTO_TCP, 25, UNKNOWN, NULL, false, 0, false },
	{ IPPROTO_TCP, 443, UNKNOWN, NULL, false, 4, true },
	{ IPPROTO_TCP, 443, UNKNOWN, NULL, true, 4, false },
	{ IPPROTO_TCP, 443, CLS_L7_NONE, "", true, 4, false },
	{ IPPROTO_TCP, 443, CLS_L7_TLS_SNI, "www.example.com", false, 1, false },
	{ IPPROTO_TCP, 443, CLS_L7_TLS_SNI, "a.example.com", true, 2, false },
	{ IPPROTO_TCP, 443, CLS_L7_TLS_SNI, "late.example", false, 4,
			false }, /* rule 4 comes first */
	{ IPPROTO_TCP, 443, CLS_L7_QUIC_DCID, "abc", false, 4, false },
	{ IPPROTO_TCP, 80, UNKNOWN, NULL, false, CLS_DEFAULT_RULE, true },
	{ IPPROTO_TCP, 80, CLS_L7_TLS_SNI, "www.example.com", false, 2, false },
	{ IPPROTO_TCP, 80, CLS_L7_TLS_SNI, "late.example", false, CLS_DEFAULT_RULE, false },
	{ IPPROTO_UDP, 443, UNKNOWN, NULL, false, CLS_DEFAULT_RULE, true },
	{ IPPROTO_UDP, 443, UNKNOWN, NULL, true, CLS_DEFAULT_RULE, false },
	{ IPPROTO_UDP, 443, CLS_L7_QUIC_DCID, "abc", false, 3, false },
	{ IPPROTO_UDP, 443, CLS_L7_QUIC_DCID, "ac", false, CLS_DEFAULT_RULE, false },
	{ IPPROTO_UDP, 443, CLS_L7_QUIC_DCID, "a", false, CLS_DEFAULT_RULE, false },
	{ IPPROTO_UDP, 443, CLS_L7_TLS_SNI, "www.example.com", false, CLS_DEFAULT_RULE, false },
	{ IPPROTO_SCTP, 443, UNKNOWN, NULL, false, CLS_DEFAULT_RULE, false },
};

/* Case i of layer7 over a family; returns the index of the counter that must have moved. */
static unsigned int
check_layer7(struct cls *c, unsigned int i, uint8_t family)
{
	struct flow_tuple t = tuple(family, layer7[i].proto, 5555, layer7[i].dport);
	struct cls_input in = { .tuple = &t, .state = CT_STATE_NEW, .l7_done = layer7[i].done };
	struct cls_result out;
	struct cls_l7 l7;

	if (layer7[i].type != UNKNOWN) {
		l7 = name(layer7[i].value);
		l7.type = layer7[i].type;
		in.l7 = &l7;
	}
	cls_classify(c, &in, &out);
	if (out.rule != layer7[i].rule || out.l7_pending != layer7[i].pending)
		fail_msg("case %u: rule %u, pending %d", i, out.rule, out.l7_pending);
	if (out.rule == CLS_DEFAULT_RULE)
		assert_int_equal(out.class_id, 0);
	else
		assert_int_equal(out.class_id, l7_rules[out.rule].class_id);
	return RTE_MIN(out.rule, RTE_DIM(l7_rules));
}

static void
test_layer7(void **state)
{
	struct cls *c = create("layer7", l7_rules, RTE_DIM(l7_rules));
	uint64_t hits[RTE_DIM(l7_rules) + 1] = { 0 };
	unsigned int i;

	(void)state;
	assert_non_null(c);
	for (i = 0; i < RTE_DIM(layer7); i++) {
		unsigned int counter = check_layer7(c, i, 4);

		assert_int_equal(check_layer7(c, i, 6), counter);
		if (!layer7[i].pending)
			hits[counter] += 2;
	}
	for (i = 0; i < RTE_DIM(l7_rules); i++)
		assert_int_equal(cls_rule_hits(c, (uint16_t)i), hits[i]);
	assert_int_equal(cls_rule_hits(c, CLS_DEFAULT_RULE), hits[RTE_DIM(l7_rules)]);
	cls_destroy(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_server_names),
		cmocka_unit_test(test_layer4),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_layer7),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
