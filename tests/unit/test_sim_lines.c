/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where tables say that their entries are: each at a place of its own, the same that a command is told, while tables grow and
 * shrink; how long chains are; the overflow of group 0; the same calls lead to the same paths.
 */
#include "test_sim_steer.h"

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
		if (path.step[i].kind == SIM_STEP_CHAIN || path.step[i].kind == SIM_STEP_ROOT ||
				path.step[i].kind == SIM_STEP_WALK)
			line = path.step[i].line + path.step[i].count - 1;
	}
	return line;
}

#define GROWN 6000

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

/* Rules go and come again: what tables count of themselves must follow, or they grow too soon or never. */
static void
fill_churned(struct sim_steer *s, uint32_t group, uint32_t n)
{
	struct sim_rule **rule = calloc(n, sizeof(*rule));
	struct sim_match m;
	struct frame f;

	assert_non_null(rule);
	/* A fifth of them, so that a table that has seen this grows; then all of them. */
	for (uint32_t round = 0; round < 8; round++)
		for (uint32_t i = 0; i < n / 5; i++) {
			if (rule[i] != NULL && (i + round) % 2 == 0) {
				sim_rule_remove(s, rule[i]);
				rule[i] = NULL;
			} else if (rule[i] == NULL) {
				f = flow(i);
				match_tuple(&m, &f);
				assert_int_equal(rule_add(s, group, 0, &m, act(SIM_A_DROP, 0),
								 &rule[i]),
						0);
			}
		}
	for (uint32_t i = 0; i < n; i++) {
		f = flow(i);
		match_tuple(&m, &f);
		if (rule[i] == NULL)
			assert_int_equal(rule_add(s, group, 0, &m, act(SIM_A_DROP, 0), NULL), 0);
	}
	free(rule);
}

/*
 * Chains are as long as hashing into so many buckets makes them. Half of n buckets have collisions at 1.2 n rules: 1228 of
 * 1024, 4912 of 4096.
 */
static void
chains(void **state)
{
	static const struct {
		uint32_t buckets_max, root_buckets, group, rules, buckets;
	} table[] = {
		{ 1u << 26, 0, 1, 4600, 4096 },
		{ 1u << 26, 0, 1, 5500, 16384 }, /* grown at 4912, moved at 512 insertions more */
		{ 256, 0, 1, 4000, 256 },
		{ 1023, 0, 1, 4000, 256 }, /* powers of four */
		{ 1u << 26, 128, 0, 4000, 128 },
		{ 1u << 26, 1, 0, 1000, 1 },
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
		fill_churned(s, table[row].group, table[row].rules);
		/* Packets that miss walk the whole chain. */
		for (uint32_t i = 10000; i < 20000; i++) {
			f = flow(i);
			assert_int_equal(run_path(s, &f, &path).rss, 1);
			for (uint32_t k = 0; k < path.n; k++)
				if (path.step[k].kind == SIM_STEP_CHAIN ||
						path.step[k].kind == SIM_STEP_ROOT)
					walked += path.step[k].count;
			walked -= table[row].root_buckets >
					0; /* the head is a step of the same kind */
		}
		/* Entries behind the head: n/B - 1 + P(empty), Poisson. */
		mean = (double)table[row].rules / table[row].buckets;
		mean = mean - 1 + exp(-mean);
		if ((double)walked / 10000 < mean * 0.93 || (double)walked / 10000 > mean * 1.07)
			fail_msg("row %u: %.3f, not %.3f", row, (double)walked / 10000, mean);
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
			count = path.step[k].kind == SIM_STEP_WALK ? path.step[k].count : count;
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
	assert_int_equal(path.step[path.n - 2].kind, SIM_STEP_WALK);
	assert_int_equal(path.step[path.n - 2].count, 51);
	for (uint32_t i = 0; i < 600; i++)
		if (i != 150)
			sim_rule_remove(s, rule[i]);
	assert_int_equal(stats_of(s).rules, 0);
	sim_steer_destroy(s);
}

/* Rules of TCAM have no lines: a table of them that has grown and goes must give none back, or two entries share a place. */
static void
no_lines_of_tcam(void **state)
{
	struct sim_profile p = ideal();
	struct sim_rule *rule[3][2000];
	uint32_t line[2 * 2000], n = 0;
	struct sim_steer *s = steer_new(&p);
	struct sim_cmd_cost cost;
	struct sim_match m;
	struct frame f;

	(void)state;
	/* Exact, TCAM, and exact again when that of TCAM has gone. */
	for (uint32_t g = 0; g < 3; g++) {
		for (uint32_t i = 0; i < 2000; i++) {
			f = flow(i);
			match_tuple(&m, &f);
			m.n_ranges = g == 1;
			m.range[0] = (struct sim_range){ .width = 4, .high = UINT32_MAX };
			assert_int_equal(rule_add(s, 1 + g, 0, &m, act(SIM_A_DROP, 0), &rule[g][i]),
					0);
		}
		for (uint32_t i = 0; g == 1 && i < 2000; i++)
			sim_rule_remove(s, rule[g][i]);
	}
	for (uint32_t g = 0; g < 3; g += 2)
		for (uint32_t i = 0; i < 2000; i++) {
			sim_rule_cost(rule[g][i], &cost);
			line[n++] = cost.line;
		}
	qsort(line, n, sizeof(*line), by_value);
	for (uint32_t i = 1; i < n; i++)
		assert_true(line[i - 1] < line[i]);
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
		cmocka_unit_test(growth),
		cmocka_unit_test(chains),
		cmocka_unit_test(overflow),
		cmocka_unit_test(no_lines_of_tcam),
		cmocka_unit_test(same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
