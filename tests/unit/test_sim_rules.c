/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules one by one: what is refused and with which words, what TCAM they cost, twins, and where tables say that their
 * entries are, while they grow and shrink.
 */
#include "test_sim_steer.h"

static const struct frame tcp = {
	.src = 0x0a000001, .dst = 0xc0a80001, .sport = 1000, .dport = 80
};

static struct sim_profile
ideal(void)
{
	struct sim_profile p;

	sim_profile_ideal(&p);
	return p;
}

static struct sim_steer_stats
stats_of(const struct sim_steer *s)
{
	struct sim_steer_stats st;

	sim_steer_stats(s, &st);
	return st;
}

/* --- refused --- */

static const struct sim_modify good_modify = { .dst = SIM_F_META, .bits = 32 };
static const struct sim_modify no_bits = { .dst = SIM_F_META };
static const struct sim_modify no_field = { .dst = SIM_F_COUNT, .bits = 8 };
static const struct sim_modify no_tag = { .dst = SIM_F_TAG, .dst_index = SIM_TAGS, .bits = 8 };
static const struct sim_modify to_value = { .dst = SIM_F_VALUE, .bits = 8 };
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
	assert_int_equal(sim_age_add(s, 1, 0, 0), 0);
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
	for (uint32_t i = 0; i < 11; i++)
		sim_rule_remove(s, rule[i]);
	assert_int_equal(stats_of(s).entries + stats_of(s).tcam_entries, 0);
	sim_steer_destroy(s);
}

/* --- what is exact, what TCAM costs --- */

static void
kinds(void **state)
{
	static const struct {
		uint32_t at, layers;
		uint8_t mask[16];
		bool exact;
	} table[] = {
		{ AT_IP4_DST, SIM_L_IPV4, { 0xff, 0xff, 0xff, 0xff }, true },
		{ AT_IP4_DST, SIM_L_IPV4, { 0xff, 0xf0 }, true },
		{ AT_IP4_DST, SIM_L_IPV4, { 0xff, 0xf1 }, false },
		{ AT_IP4_DST, SIM_L_IPV4, { 0, 0xff }, false },
		{ AT_IP4_SRC, SIM_L_IPV4, { 0xff, 0, 0, 0, 0x80 }, true },
		{ AT(level[1].ip) + 24, 0, { 0xff, 0xff, 0xfe }, true },
		{ AT(level[0].ip) + 8, SIM_L_IPV6, { 0xff, 0xff, 0xff, 0xff, 0xff }, true },
		{ AT(level[0].ip) + 8, SIM_L_IPV6, { 0xff, 0xff, 0, 0xff }, false },
		{ AT(level[0].ip) + 5, SIM_L_IPV4, { 0xfc }, true }, /* DSCP */
		{ AT(level[0].ip) + 5, SIM_L_IPV4, { 0x03 }, true }, /* ECN */
		{ AT(level[0].ip) + 5, SIM_L_IPV4, { 0x04 }, false },
		{ AT(level[0].ip) + 10, SIM_L_IPV4, { 0x3f, 0xff }, true }, /* MF, offset */
		{ AT(level[0].ip) + 10, SIM_L_IPV4, { 0x00, 0x01 }, false },
		{ AT(level[0].vlan), SIM_L_VLAN, { 0x0f, 0xff }, true },
		{ AT(level[0].vlan), SIM_L_VLAN, { 0xe0, 0x00 }, true },
		{ AT(level[0].vlan), SIM_L_VLAN, { 0x00, 0xff }, false },
		{ AT(level[0].eth), SIM_L_ETH, { 0x01 }, false }, /* multicast */
		{ AT(level[0].eth), SIM_L_ETH, { 0xff, 0xff, 0xff }, true },
		{ AT_SPORT, SIM_L_TCP, { 0xff, 0xff }, true },
		{ AT_SPORT, SIM_L_TCP, { 0xff, 0xff, 0xff, 0xff }, true },
		{ AT_SPORT, SIM_L_TCP, { 0xf0, 0x00 }, true },
		{ AT_SPORT, SIM_L_TCP, { 0x00, 0x01 }, false },
		{ AT_SPORT, SIM_L_ICMP, { 0x00, 0xff }, true },	     /* code */
		{ AT(level[0].l4) + 13, SIM_L_TCP, { 0x12 }, true }, /* flags */
		{ AT(meta), 0, { 0x0f, 0x00, 0xff }, true },
		{ AT(tag[3]), 0, { 0x10 }, true },
		{ AT(ct), 0, { 0x05 }, true },
		{ AT(tunnel) + 4, 0, { 0xff, 0xff, 0xff }, true }, /* VNI */
		{ AT(tunnel) + 4, 0, { 0xff, 0x0f, 0xff }, false },
	};
	struct sim_profile p = ideal();
	struct sim_steer *s = steer_new(&p);
	struct sim_rule *rule;
	struct sim_match m;

	(void)state;
	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		memset(&m, 0, sizeof(m));
		m.value.layers[0] = m.mask.layers[0] = table[i].layers;
		memcpy((uint8_t *)&m.mask + table[i].at, table[i].mask, 8);
		assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_DROP, 0), &rule), 0);
		if ((stats_of(s).tcam_entries == 0) != table[i].exact)
			fail_msg("row %u", i);
		sim_rule_remove(s, rule);
	}
	sim_steer_destroy(s);
}

/* Nodes of the binary trie over 8 bits that lie wholly inside, their parents not. */
static uint32_t
trie(uint32_t at, uint32_t size, uint32_t low, uint32_t high)
{
	if (at > high || at + size - 1 < low)
		return 0;
	if (at >= low && at + size - 1 <= high)
		return 1;
	return trie(at, size / 2, low, high) + trie(at + size / 2, size / 2, low, high);
}

static void
tcam_cost(void **state)
{
	struct sim_profile p = ideal();
	struct sim_steer *s = steer_new(&p);
	struct sim_rule *rule;
	struct sim_match m;
	uint32_t want;

	(void)state;
	match_any(&m);
	for (uint32_t low = 0; low < 256; low += 3)
		for (uint32_t high = low; high < 256; high++)
			for (uint32_t invert = 0; invert < 2; invert++) {
				m.invert = invert;
				m.n_ranges = 1;
				m.range[0] = (struct sim_range){
					.at = AT_IP4_SRC - 4, .width = 1, .low = low, .high = high
				};
				assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_DROP, 0), &rule),
						0);
				/* An inverted one: all that is outside, and one for the header's bit. */
				want = !invert ? trie(0, 256, low, high)
					       : (low == 0 ? 0 : trie(0, 256, 0, low - 1)) +
								(high == 255 ? 0
									     : trie(0, 256, high + 1,
											       255)) +
								1;
				assert_int_equal(stats_of(s).tcam_entries, want);
				sim_rule_remove(s, rule);
			}
	m.invert = false;
	m.n_ranges = 2;
	m.range[0] = (struct sim_range){ .at = AT_SPORT, .width = 2, .low = 1, .high = 65534 };
	m.range[1] = (struct sim_range){ .at = AT_DPORT, .width = 2, .low = 1024, .high = 65535 };
	assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_DROP, 0), &rule), 0);
	assert_int_equal(stats_of(s).tcam_entries, 30 * 6);
	sim_steer_destroy(s);
}

/* --- twins --- */

#define TWINS 40

static void
twins(void **state)
{
	struct sim_profile p = ideal();
	struct sim_rule *rule[TWINS] = { NULL };
	uint32_t order[TWINS], n = 0;
	struct frame f = tcp;
	struct sim_steer *s;
	struct sim_match m;
	struct sim_dest d;

	(void)state;
	p.tables_twins = 1;
	p.tables_root_overflow = 100;
	for (uint32_t round = 0; round < 2; round++) {
		s = steer_new(&p);
		srand(7 + round);
		/* The second time they are in the overflow of group 0. */
		for (uint32_t i = 0; i < round * 120; i++) {
			f.sport = (uint16_t)(2000 + i);
			match_tuple(&m, &f);
			assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_DROP, 0), NULL), 0);
		}
		match_tuple(&m, &tcp);
		for (uint32_t k = 0; k < 3000; k++) {
			const uint32_t i = (uint32_t)rand() % TWINS;
			uint32_t at;

			if (rule[i] == NULL) {
				assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_QUEUE, i),
								 &rule[i]),
						0);
				order[n++] = i;
			} else {
				sim_rule_remove(s, rule[i]);
				rule[i] = NULL;
				for (at = 0; order[at] != i; at++)
					;
				n--;
				memmove(&order[at], &order[at + 1], (n - at) * sizeof(order[0]));
			}
			assert_int_equal(sim_rule_walk(s, NULL, NULL), n + round * 120);
			d = run_path(s, &tcp, NULL);
			assert_int_equal(d.queue, n > 0 ? order[0] : 0);
			assert_int_equal(d.rss, n == 0);
		}
		sim_steer_destroy(s);
		memset(rule, 0, sizeof(rule));
		n = 0;
	}
}

/* --- where entries are --- */

/* Line of the entry that the packet of `f` ended at, in one group. */
static uint32_t
last_line(struct sim_steer *s, const struct frame *f)
{
	struct sim_path path;
	uint32_t line = UINT32_MAX;

	run_path(s, f, &path);
	for (uint32_t i = 0; i < path.n; i++) {
		if (path.step[i].kind == SIM_STEP_EXACT)
			line = path.step[i].line;
		if (path.step[i].kind == SIM_STEP_CHAIN)
			line = path.step[i].line + path.step[i].count - 1;
	}
	return line;
}

#define GROWN 6000

static struct frame
flow(uint32_t i)
{
	struct frame f = tcp;

	f.src = 0x0a000000 + i;
	f.sport = (uint16_t)(i * 7);
	return f;
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Every rule is where the cost says that it was written and where its packet finds it, and no two are at the same place. */
static void
lines_unique(struct sim_steer *s, struct sim_rule *const *rule, uint32_t n)
{
	uint32_t *line = calloc(n + 1, sizeof(*line));
	struct sim_cmd_cost cost;
	uint32_t k = 0;

	assert_non_null(line);
	for (uint32_t i = 0; i < n; i++) {
		const struct frame f = flow(i);

		if (rule[i] == NULL)
			continue;
		sim_rule_cost(rule[i], &cost);
		line[k] = last_line(s, &f);
		assert_int_equal(cost.line, line[k]);
		k++;
	}
	qsort(line, k, sizeof(*line), by_value);
	for (uint32_t i = 1; i < k; i++)
		assert_true(line[i - 1] < line[i]);
	free(line);
}

static void
grow_and_shrink(uint32_t buckets_max, uint32_t root_buckets, uint32_t group)
{
	struct sim_rule **rule = calloc(GROWN, sizeof(*rule));
	struct sim_profile p = ideal();
	struct sim_steer *s;
	struct sim_match m;
	struct frame f;

	assert_non_null(rule);
	p.tables_buckets_max = buckets_max;
	p.tables_root_buckets = root_buckets;
	s = steer_new(&p);
	srand(3);
	if (group > 0) {
		match_any(&m);
		m.mask.layers[0] =
				0; /* so that the jump is in a table of its own, which no last_line() sees */
		assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_JUMP, group), NULL), 0);
	}
	for (uint32_t i = 0; i < GROWN; i++) {
		f = flow(i);
		match_tuple(&m, &f);
		assert_int_equal(rule_add(s, group, 0, &m, act(SIM_A_QUEUE, i), &rule[i]), 0);
		if (i % 997 == 0 || i < 20)
			lines_unique(s, rule, i + 1);
	}
	for (uint32_t k = 0; k < 4 * GROWN; k++) {
		const uint32_t i = (uint32_t)rand() % GROWN;

		if (rule[i] != NULL)
			sim_rule_remove(s, rule[i]);
		rule[i] = NULL;
		f = flow(i);
		if (rand() % 3 == 0) {
			match_tuple(&m, &f);
			assert_int_equal(rule_add(s, group, 0, &m, act(SIM_A_QUEUE, i), &rule[i]),
					0);
			assert_int_equal(run_path(s, &f, NULL).queue, i);
		} else {
			assert_int_equal(run_path(s, &f, NULL).rss, 1);
		}
		if (k % 5000 == 0)
			lines_unique(s, rule, GROWN);
	}
	lines_unique(s, rule, GROWN);
	sim_steer_destroy(s);
	free(rule);
}

static void
growth(void **state)
{
	(void)state;
	grow_and_shrink(1u << 26, 0, 0);
	grow_and_shrink(1u << 26, 0, 1);
	grow_and_shrink(64, 0, 1);
	grow_and_shrink(1u << 26, 128, 0);
}

/* Chains are as long as hashing into so many buckets makes them. */
static void
chains(void **state)
{
	static const struct {
		uint32_t buckets_max, root_buckets, group, buckets;
	} table[] = {
		{ 1u << 26, 0, 1,
				4096 }, /* 4096 buckets: 6000 rules make 2850 collisions, enough */
		{ 256, 0, 1, 256 },
		{ 1023, 0, 1, 256 }, /* a power of four */
		{ 1u << 26, 128, 0, 128 },
		{ 1u << 26, 1, 0, 1 },
	};
	struct sim_path path;
	struct sim_steer *s;
	struct sim_match m;
	struct frame f;
	double mean;

	(void)state;
	for (uint32_t row = 0; row < sizeof(table) / sizeof(table[0]); row++) {
		struct sim_profile p = ideal();
		uint64_t walked = 0;

		p.tables_buckets_max = table[row].buckets_max;
		p.tables_root_buckets = table[row].root_buckets;
		s = steer_new(&p);
		if (table[row].group > 0) {
			match_any(&m);
			assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_JUMP, table[row].group),
							 NULL),
					0);
		}
		for (uint32_t i = 0; i < 4000; i++) {
			f = flow(i);
			match_tuple(&m, &f);
			assert_int_equal(rule_add(s, table[row].group, 0, &m, act(SIM_A_DROP, 0),
							 NULL),
					0);
		}
		/* Packets that miss walk the whole chain. */
		for (uint32_t i = 4000; i < 8000; i++) {
			f = flow(i);
			assert_int_equal(run_path(s, &f, &path).rss, 1);
			for (uint32_t k = 0; k < path.n; k++)
				walked += path.step[k].kind == SIM_STEP_CHAIN ? path.step[k].count
									      : 0;
		}
		/* Entries behind the head: n/B - 1 + P(empty), Poisson. */
		mean = 4000.0 / table[row].buckets;
		mean = mean - 1 + exp(-mean);
		assert_true((double)walked / 4000 > mean * 0.9 - 0.01);
		assert_true((double)walked / 4000 < mean * 1.1 + 0.01);
		sim_steer_destroy(s);
	}
}

/* Group 0 beyond tables.root-overflow: one list, walked up to the rule, or all of it. */
static void
overflow(void **state)
{
	struct sim_profile p = ideal();
	struct sim_rule *rule[600];
	struct sim_cmd_cost c;
	struct sim_path path;
	struct sim_steer *s;
	struct sim_match m;
	struct frame f;

	(void)state;
	p.tables_root_overflow = 100;
	p.tables_root_buckets = 4096;
	s = steer_new(&p);
	for (uint32_t i = 0; i < 600; i++) {
		f = flow(i);
		match_tuple(&m, &f);
		assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_QUEUE, i), &rule[i]), 0);
	}
	f = flow(0);
	match_tuple(&m, &f);
	assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_QUEUE, 0), NULL), -EEXIST);
	f = flow(300);
	match_tuple(&m, &f);
	assert_int_equal(rule_add(s, 0, 0, &m, act(SIM_A_QUEUE, 0), NULL), -EEXIST);
	for (uint32_t i = 0; i < 700; i++) {
		uint32_t count = 0;

		f = flow(i);
		assert_int_equal(run_path(s, &f, &path).queue, i < 600 ? i : 0);
		for (uint32_t k = 0; k < path.n; k++)
			count = path.step[k].kind == SIM_STEP_CHAIN ? path.step[k].count : count;
		if (i >= 100)
			assert_int_equal(count, i < 600 ? i - 99 : 500);
		if (i >= 100 && i < 600) {
			sim_rule_cost(rule[i], &c);
			assert_int_equal(c.line, last_line(s, &f));
			assert_true(c.walked >= i - 100);
		}
	}
	/* The last one moves into the place of one that goes. */
	sim_rule_remove(s, rule[150]);
	f = flow(599);
	run_path(s, &f, &path);
	assert_int_equal(path.step[path.n - 2].kind, SIM_STEP_CHAIN);
	assert_int_equal(path.step[path.n - 2].count, 51);
	for (uint32_t i = 0; i < 600; i++)
		if (i != 150)
			sim_rule_remove(s, rule[i]);
	assert_int_equal(stats_of(s).rules, 0);
	sim_steer_destroy(s);
}

static void
cost(void **state)
{
	struct sim_profile p = ideal();
	struct sim_steer *s = steer_new(&p);
	const struct sim_action a[8] = { { .type = SIM_A_FLAG }, { .type = SIM_A_FLAG },
		{ .type = SIM_A_FLAG }, { .type = SIM_A_FLAG }, { .type = SIM_A_FLAG },
		{ .type = SIM_A_FLAG }, { .type = SIM_A_FLAG }, { .type = SIM_A_DROP } };
	static const uint16_t entries[9] = { 1, 1, 1, 2, 2, 2, 2, 3, 3 };
	struct sim_rule_params rp = { .domain = SIM_INGRESS, .actions = a };
	struct frame v6 = tcp;
	struct sim_rule *rule;
	struct sim_cmd_cost c;
	struct sim_match m;

	(void)state;
	v6.v6 = true;
	rp.match = &m;
	for (uint32_t n = 0; n <= 8; n++) {
		match_tuple(&m, n % 2 ? &v6 : &tcp);
		rp.n_actions = n;
		rp.group = n;
		assert_int_equal(sim_rule_insert(s, &rp, &rule, NULL), 0);
		sim_rule_cost(rule, &c);
		assert_int_equal(c.items, 2);
		assert_int_equal(c.match_entries, n % 2 ? 2 : 1); /* 36 bytes, 12 bytes */
		assert_int_equal(c.actions, n);
		assert_int_equal(c.action_entries, entries[n]);
		assert_int_equal(c.table_rules, 0);
		assert_int_equal(c.root, n == 0);
	}
	sim_steer_destroy(s);
}

/* The longest rule there can be, its actions replaced again and again. */
static void
long_rules(void **state)
{
	struct sim_profile p = ideal();
	struct sim_steer *s = steer_new(&p);
	struct sim_action a[SIM_ACTIONS_MAX];
	struct sim_rule_params rp = { .actions = a, .n_actions = SIM_ACTIONS_MAX };
	uint8_t data[SIM_ENCAP_MAX] = { 0 };
	struct sim_rule *rule;
	struct sim_match m;

	(void)state;
	memset(&m, 0, sizeof(m));
	memset(&m.mask, 0xff, sizeof(m.mask));
	rp.match = &m;
	for (uint32_t i = 0; i < SIM_ACTIONS_MAX; i++)
		a[i] = i % 2 ? (struct sim_action){ .type = SIM_A_ENCAP,
			.data = data,
			.len = (uint16_t)(i + 1) }
			     : (struct sim_action){ .type = SIM_A_MODIFY, .modify = &good_modify };
	assert_int_equal(sim_rule_insert(s, &rp, &rule, NULL), 0);
	for (uint32_t i = 0; i <= SIM_ACTIONS_MAX; i++)
		assert_int_equal(sim_rule_update(s, rule, a, SIM_ACTIONS_MAX - i, NULL), 0);
	assert_int_equal(sim_rule_update(s, rule, a, SIM_ACTIONS_MAX, NULL), 0);
	for (uint32_t i = 0; i < SIM_ACTIONS_MAX; i++)
		a[i].len = SIM_ENCAP_MAX;
	rp.group = 1;
	assert_int_equal(sim_rule_insert(s, &rp, &rule, NULL), 0);
	sim_steer_destroy(s);
}

/* Same calls, same paths. */
static void
same_again(void **state)
{
	struct sim_profile p = ideal();
	struct sim_steer *s[2];
	struct sim_path path[2];
	struct sim_match m;
	struct frame f;

	(void)state;
	for (uint32_t k = 0; k < 2; k++) {
		s[k] = steer_new(&p);
		for (uint32_t i = 0; i < 3000; i++) {
			struct sim_rule *rule;

			f = flow(i);
			match_tuple(&m, &f);
			assert_int_equal(
					rule_add(s[k], 0, i % 5, &m,
							act(i % 3 ? SIM_A_DROP : SIM_A_PASSTHRU, 0),
							&rule),
					0);
			if (i % 7 == 0)
				sim_rule_remove(s[k], rule);
		}
	}
	for (uint32_t i = 0; i < 4000; i++) {
		f = flow(i);
		memset(path, 0, sizeof(path));
		run_path(s[0], &f, &path[0]);
		run_path(s[1], &f, &path[1]);
		assert_memory_equal(&path[0], &path[1], sizeof(path[0]));
	}
	sim_steer_destroy(s[0]);
	sim_steer_destroy(s[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(full),
		cmocka_unit_test(kinds),
		cmocka_unit_test(tcam_cost),
		cmocka_unit_test(twins),
		cmocka_unit_test(growth),
		cmocka_unit_test(chains),
		cmocka_unit_test(overflow),
		cmocka_unit_test(cost),
		cmocka_unit_test(long_rules),
		cmocka_unit_test(same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
