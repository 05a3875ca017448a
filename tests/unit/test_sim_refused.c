/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that are refused: for which reason, in which words, and that nothing is left of them; and tables that are full.
 */
#include "test_sim_steer.h"

static const struct frame tcp = {
	.src = 0x0a000001, .dst = 0xc0a80001, .sport = 1000, .dport = 80
};

static const struct sim_modify no_bits = { .dst = SIM_F_META };
static const struct sim_modify no_field = { .dst = SIM_F_COUNT, .bits = 8 };
static const struct sim_modify no_tag = { .dst = SIM_F_TAG, .dst_index = SIM_TAGS, .bits = 8 };
static const struct sim_modify to_value = { .dst = SIM_F_VALUE, .bits = 8 };
static const struct sim_modify too_wide = { .dst = SIM_F_IPV4_TTL, .dst_bit = 4, .bits = 5 };
static const struct sim_modify too_far = { .dst = SIM_F_META, .src_bit = 120, .bits = 9 };
static const struct sim_modify too_short = {
	.dst = SIM_F_META, .src = SIM_F_TCP_SRC, .src_bit = 65535, .bits = 2
};
static const uint8_t header[SIM_ENCAP_MAX + 1];

static const struct bad {
	const char *why;
	struct sim_action action[3];
	uint32_t n_actions;
	struct sim_range range;
	uint32_t n_ranges;
	uint32_t group, priority;
	uint16_t port;
	uint8_t domain;
	int rc;
	const char *text;
} bads[] = {
	{ .why = "domain", .domain = SIM_DOMAINS, .rc = -EINVAL, .text = "domain" },
	{ .why = "port", .port = 4, .rc = -EINVAL, .text = "no port 4" },
	{ .why = "transfer of a port", .domain = SIM_TRANSFER, .rc = -EINVAL, .text = "port 0" },
	{ .why = "group", .group = 1000, .rc = -EINVAL, .text = "tables.groups" },
	{ .why = "priority", .priority = 16, .rc = -EINVAL, .text = "tables.priorities" },
	{ .why = "ranges", .n_ranges = 3, .rc = -EINVAL, .text = "3 ranges" },
	{ .why = "range at the end",
			.range = { .at = sizeof(struct sim_phv) - 1, .width = 2 },
			.n_ranges = 1,
			.rc = -EINVAL,
			.text = "2 bytes at" },
	{ .why = "range of no width", .n_ranges = 1, .rc = -EINVAL, .text = "0 bytes" },
	{ .why = "range of 9", .range = { .width = 9 }, .n_ranges = 1, .rc = -EINVAL, .text = "9" },
	{ .why = "range upside down",
			.range = { .width = 2, .low = 2, .high = 1 },
			.n_ranges = 1,
			.rc = -EINVAL,
			.text = "2 to 1" },
	{ .why = "range too high",
			.range = { .width = 2, .high = 65536 },
			.n_ranges = 1,
			.rc = -EINVAL,
			.text = "65536" },
	{ .why = "too many actions", .n_actions = 33, .rc = -EINVAL, .text = "33 actions" },
	{ .why = "END", .n_actions = 1, .rc = -EINVAL, .text = "no such action" },
	{ .why = "unknown",
			.action = { { .type = SIM_A_STRIP + 1 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "no such action" },
	{ .why = "two fates",
			.action = { { .type = SIM_A_DROP }, { .type = SIM_A_QUEUE } },
			.n_actions = 2,
			.rc = -EINVAL,
			.text = "2 fates" },
	{ .why = "jump",
			.action = { { .type = SIM_A_JUMP, .u32 = 1000 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "group 1000" },
	{ .why = "out of no port",
			.action = { { .type = SIM_A_PORT, .u32 = 4 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "no port 4" },
	{ .why = "queue",
			.action = { { .type = SIM_A_QUEUE, .u32 = 65536 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "queue 65536" },
	{ .why = "queue in egress",
			.domain = SIM_EGRESS,
			.action = { { .type = SIM_A_QUEUE } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "egress" },
	{ .why = "counter",
			.action = { { .type = SIM_A_COUNT, .u32 = 1 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "counter 1" },
	{ .why = "meter",
			.action = { { .type = SIM_A_METER } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "meter 0" },
	{ .why = "age",
			.action = { { .type = SIM_A_AGE, .u32 = UINT32_MAX } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "age context 4294967295" },
	{ .why = "RSS",
			.action = { { .type = SIM_A_RSS } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "RSS 0" },
	{ .why = "sample",
			.action = { { .type = SIM_A_SAMPLE } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "sample 0" },
	{ .why = "connection in group 0",
			.action = { { .type = SIM_A_CT } },
			.n_actions = 1,
			.rc = -ENOTSUP,
			.text = "connection-group0" },
	{ .why = "AGE and CONNTRACK",
			.action = { { .type = SIM_A_AGE }, { .type = SIM_A_CT } },
			.n_actions = 2,
			.group = 1,
			.rc = -ENOTSUP,
			.text = "one-of-age-ct-meter" },
	{ .why = "TLS",
			.action = { { .type = SIM_A_TLS } },
			.n_actions = 1,
			.rc = -ENOTSUP,
			.text = "tls.sessions" },
	{ .why = "modify of nothing",
			.action = { { .type = SIM_A_MODIFY } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "modify" },
	{ .why = "modify of no bits",
			.action = { { .type = SIM_A_MODIFY, .modify = &no_bits } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "modify" },
	{ .why = "modify of no field",
			.action = { { .type = SIM_A_MODIFY, .modify = &no_field } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "modify" },
	{ .why = "modify of no tag",
			.action = { { .type = SIM_A_MODIFY, .modify = &no_tag } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "tags" },
	{ .why = "modify of an immediate",
			.action = { { .type = SIM_A_MODIFY, .modify = &to_value } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "modify" },
	{ .why = "modify beyond the field",
			.action = { { .type = SIM_A_MODIFY, .modify = &too_wide } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "5 bits" },
	{ .why = "modify from beyond the immediate",
			.action = { { .type = SIM_A_MODIFY, .modify = &too_far } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "9 bits" },
	{ .why = "modify from beyond a field",
			.action = { { .type = SIM_A_MODIFY, .modify = &too_short } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "2 bits" },
	{ .why = "encapsulation without Ethernet",
			.action = { { .type = SIM_A_ENCAP, .data = header, .len = 13 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "13 bytes" },
	{ .why = "encapsulation of nothing",
			.action = { { .type = SIM_A_ENCAP } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "encapsulation" },
	{ .why = "encapsulation too long",
			.action = { { .type = SIM_A_ENCAP,
					.data = header,
					.len = SIM_ENCAP_MAX + 1 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "129 bytes" },
	{ .why = "strip",
			.action = { { .type = SIM_A_STRIP, .u32 = SIM_ENCAP_MAX + 1 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "129 bytes" },
	{ .why = "TPID",
			.action = { { .type = SIM_A_VLAN_PUSH, .u32 = 65536 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "TPID" },
	{ .why = "TPID of IPv4",
			.action = { { .type = SIM_A_VLAN_PUSH, .u32 = 0x0800 } },
			.n_actions = 1,
			.rc = -EINVAL,
			.text = "TPID" },
};

static void
refused(void **state)
{
	struct sim_profile p = ideal();
	struct sim_rule *rule;
	struct sim_steer *s;
	struct sim_match m;

	(void)state;
	p.tables_groups = 1000;
	p.tables_priorities = 16;
	p.objects_ct_group0 = 0;
	p.objects_shared_one = 1;
	s = steer_new(&p);
	assert_int_equal(sim_counter_add(s), 0);
	assert_int_equal(sim_age_add(s, 1, 0), 0);
	assert_int_equal(sim_ct_add(s, &(struct sim_ct){ 0 }), 0);
	for (uint32_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		const struct bad *b = &bads[i];
		const struct sim_rule_params rp = { .domain = b->domain,
			.port = b->port,
			.group = b->group,
			.priority = b->priority,
			.match = &m,
			.actions = b->action,
			.n_actions = b->n_actions };
		struct sim_error e = { "" };
		int rc;

		match_tuple(&m, &tcp);
		m.range[0] = b->range;
		m.n_ranges = b->n_ranges;
		rule = (struct sim_rule *)&m;
		rc = sim_rule_insert(s, &rp, &rule, &e);
		if (rc != b->rc || strstr(e.text, b->text) == NULL)
			fail_msg("%s: %d, \"%s\"", b->why, rc, e.text);
		assert_null(rule);
		assert_int_equal(stats_of(s).rules, 0);
	}
	assert_int_equal(rule_add(s, 0, 0, NULL, act(SIM_A_DROP, 0), NULL), -EINVAL);
	assert_false(sim_steer_active(s, 0));
	sim_steer_destroy(s);
}

static void
full(void **state)
{
	struct sim_profile p = ideal();
	struct sim_rule *rule[32], *none;
	struct frame f = tcp;
	struct sim_steer *s;
	struct sim_match m;
	struct sim_error e;

	(void)state;
	p.tables_exact_max = 10;
	p.tables_root_max = 4;
	p.tables_tcam_entries = 40;
	s = steer_new(&p);
	for (uint32_t i = 0; i < 11; i++) {
		f.sport = (uint16_t)i;
		match_tuple(&m, &f);
		assert_int_equal(rule_add(s, i < 4 ? 0 : 1, 0, &m, act(SIM_A_DROP, 0), &rule[i]),
				i < 10 ? 0 : -ENOSPC);
	}
	/* Group 0 is full by itself. */
	sim_rule_remove(s, rule[9]);
	assert_int_equal(rule_add(s, 0, 1, &m, act(SIM_A_DROP, 0), &rule[9]), -ENOSPC);
	assert_int_equal(rule_add(s, 1, 1, &m, act(SIM_A_DROP, 0), &rule[9]), 0);
	/* More actions want another entry, and there is none. */
	for (uint32_t n = 2; n < 4; n++) {
		const struct sim_action a[3] = { { .type = SIM_A_FLAG }, { .type = SIM_A_FLAG },
			{ .type = SIM_A_FLAG } };

		assert_int_equal(sim_rule_update(s, rule[0], a, n, &e), n == 2 ? 0 : -ENOSPC);
	}
	assert_non_null(strstr(e.text, "exact-max"));
	/* 1 to 65534 of 16 bits takes 30 prefixes. */
	m.n_ranges = 1;
	m.range[0] = (struct sim_range){ .at = AT_SPORT, .width = 2, .low = 1, .high = 65534 };
	assert_int_equal(rule_add(s, 1, 0, &m, act(SIM_A_DROP, 0), &rule[10]), 0);
	assert_int_equal(stats_of(s).tcam_entries, 30);
	assert_int_equal(rule_add(s, 2, 0, &m, act(SIM_A_DROP, 0), &none), -ENOSPC);
	assert_int_equal(sim_rule_insert(s, &(struct sim_rule_params){ .group = 3, .match = &m },
					 &none, &e),
			-ENOSPC);
	assert_non_null(strstr(e.text, "30 TCAM entries"));
	/* What matches nothing takes a place like everything else. */
	memset(&m, 0, sizeof(m));
	m.invert = true;
	for (uint32_t i = 11; i < 32; i++)
		assert_int_equal(rule_add(s, 1, i, &m, act(SIM_A_DROP, 0), &rule[i]),
				i < 21 ? 0 : -ENOSPC);
	for (uint32_t i = 0; i < 32; i++)
		sim_rule_remove(s, rule[i]);
	assert_int_equal(stats_of(s).entries + stats_of(s).tcam_entries, 0);
	sim_steer_destroy(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
