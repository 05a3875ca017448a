/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules one by one: which tables their masks lead to, what TCAM they cost, twins, costs of a command, long ones.
 */
#include "test_sim_steer.h"

static const struct frame tcp = {
	.src = 0x0a000001, .dst = 0xc0a80001, .sport = 1000, .dport = 80
};

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

/* A twin is seen where the first is hidden, and PASSTHRU leads from it to what comes behind the first. */
static void
hidden_twins(void **state)
{
	struct sim_profile p = ideal();
	const struct sim_action pass = act(SIM_A_PASSTHRU, 0);
	struct sim_rule_params rp = { .domain = SIM_INGRESS, .actions = &pass, .n_actions = 1 };
	struct sim_rule *first, *twin, *behind;
	struct sim_steer *s;
	struct sim_match m;

	(void)state;
	p.tables_twins = 1;
	for (uint32_t ranges = 0; ranges < 2; ranges++) {
		s = steer_new(&p);
		match_tuple(&m, &tcp);
		m.n_ranges = ranges;
		m.range[0] = (struct sim_range){ .at = AT_SPORT, .width = 2, .high = 5000 };
		rp.match = &m;
		rp.hidden = true;
		assert_int_equal(sim_rule_insert(s, &rp, &first, NULL), 0);
		assert_int_equal(run_path(s, &tcp, NULL).rss, 1);
		rp.hidden = false;
		assert_int_equal(sim_rule_insert(s, &rp, &twin, NULL), 0);
		m.range[0].high = 6000;
		assert_int_equal(rule_add(s, 0, ranges == 0, &m, act(SIM_A_QUEUE, 9), &behind), 0);
		assert_int_equal(run_path(s, &tcp, NULL).queue, 9);
		assert_int_equal(sim_rule_hits(first), 0);
		assert_int_equal(sim_rule_hits(twin), 1);
		assert_int_equal(sim_rule_hits(behind), 1);
		sim_rule_show(s, first);
		run_path(s, &tcp, NULL);
		assert_int_equal(sim_rule_hits(first), 1);
		assert_int_equal(sim_rule_hits(twin), 1);
		assert_int_equal(sim_rule_hits(behind), 2);
		sim_steer_destroy(s);
	}
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
	/* Which headers there are takes an entry, too, and no more than one. */
	match_any(&m);
	rp.n_actions = 1;
	assert_int_equal(sim_rule_insert(s, &rp, &rule, NULL), 0);
	sim_rule_cost(rule, &c);
	assert_int_equal(c.match_entries, 1);
	sim_steer_destroy(s);
}

static const struct sim_modify good_modify = { .dst = SIM_F_META, .bits = 32 };

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
			.len = (uint16_t)(SIM_ENCAP_MIN + i) }
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(tcam_cost),
		cmocka_unit_test(twins),
		cmocka_unit_test(hidden_twins),
		cmocka_unit_test(cost),
		cmocka_unit_test(long_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
