/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looking ahead changes nothing: packets that were looked ahead for end where those end that were not, by the same path,
 * while rules come and go in between; and it reads nothing that has gone (for the address sanitizer to see).
 */
#include "test_sim_steer.h"

#define RULES 3000u
#define GROUPS 3u
#define WAITING 32u

struct pair {
	struct sim_steer *s[2]; /* with looking ahead, without */
	struct sim_rule *rule[2][GROUPS][RULES];
};

/* Flow i of group g: on to the next group, or into a queue. */
static void
add(struct pair *p, uint32_t g, uint32_t i)
{
	const struct frame f = flow(i);
	struct sim_match m;

	match_tuple(&m, &f);
	for (uint32_t k = 0; k < 2; k++)
		assert_int_equal(rule_add(p->s[k], g, 0, &m,
						 g + 1 < GROUPS ? act(SIM_A_JUMP, g + 1)
								: act(SIM_A_QUEUE, i),
						 &p->rule[k][g][i]),
				0);
}

static void
del(struct pair *p, uint32_t g, uint32_t i)
{
	for (uint32_t k = 0; k < 2; k++) {
		sim_rule_remove(p->s[k], p->rule[k][g][i]);
		p->rule[k][g][i] = NULL;
	}
}

static struct pair *
pair_new(const struct sim_profile *profile)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	for (uint32_t k = 0; k < 2; k++)
		p->s[k] = steer_new(profile);
	return p;
}

static void
pair_end(struct pair *p)
{
	for (uint32_t k = 0; k < 2; k++)
		sim_steer_destroy(p->s[k]);
	free(p);
}

static void
compare(const struct pair *p, const struct frame *f, struct sim_ahead *a, struct bytes *b)
{
	struct sim_path path[2];
	struct sim_pkt pkt = frame_pkt(b, 0, false);
	struct sim_dest dest;

	sim_steer_closer(p->s[0], a);
	sim_steer_run(p->s[0], &pkt, 0, &path[0]);
	dest = run_path(p->s[1], f, &path[1]);
	assert_int_equal(pkt.dest.kind, dest.kind);
	assert_int_equal(pkt.dest.queue, dest.queue);
	assert_int_equal(pkt.dest.rss, dest.rss);
	assert_int_equal(path[0].n, path[1].n);
	assert_memory_equal(path[0].step, path[1].step, path[0].n * sizeof(path[0].step[0]));
}

/* Packets wait while `changes` rules come and go. */
static void
wait_and_run(struct pair *p, uint32_t changes)
{
	struct sim_ahead a[WAITING];
	struct bytes b[WAITING];
	struct frame f[WAITING];

	for (uint32_t i = 0; i < WAITING; i++) {
		struct sim_pkt pkt;

		f[i] = flow((uint32_t)rand() % RULES);
		frame_bytes(&f[i], &b[i]);
		pkt = frame_pkt(&b[i], 0, false);
		sim_steer_ahead(p->s[0], &pkt, &a[i]);
	}
	for (uint32_t i = 0; i < WAITING + changes; i++) {
		const uint32_t g = (uint32_t)rand() % GROUPS, k = (uint32_t)rand() % RULES;

		if (i < WAITING)
			sim_steer_closer(p->s[0], &a[i]);
		if (i >= changes)
			continue;
		if (p->rule[0][g][k] != NULL)
			del(p, g, k);
		else
			add(p, g, k);
	}
	for (uint32_t i = 0; i < WAITING; i++)
		compare(p, &f[i], &a[i], &b[i]);
}

static void
nothing_changes(void **state)
{
	struct sim_profile profile = ideal();
	struct pair *p = pair_new(&profile);

	(void)state;
	srand(11);
	for (uint32_t i = 0; i < RULES; i++) {
		for (uint32_t g = 0; g < GROUPS; g++)
			add(p, g, i);
		if (i % 50 == 0)
			wait_and_run(p, 0);
	}
	for (uint32_t i = 0; i < 500; i++)
		wait_and_run(p, i % 100);
	pair_end(p);
}

/* All rules, tables and groups go while packets wait. */
static void
all_gone(void **state)
{
	struct sim_profile profile = ideal();
	struct pair *p = pair_new(&profile);
	const struct frame f = flow(5);
	struct sim_ahead a;
	struct sim_pkt pkt;
	struct bytes b;

	(void)state;
	for (uint32_t i = 0; i < RULES; i++)
		for (uint32_t g = 0; g < GROUPS; g++)
			add(p, g, i);
	frame_bytes(&f, &b);
	pkt = frame_pkt(&b, 0, false);
	assert_int_equal(run_path(p->s[0], &f, NULL).queue, 5);
	sim_steer_ahead(p->s[0], &pkt, &a);
	assert_true(sim_steer_large(p->s[0]));
	assert_int_equal(a.n, GROUPS);
	sim_steer_closer(p->s[0], &a);
	for (uint32_t i = 0; i < RULES; i++)
		for (uint32_t g = 0; g < GROUPS; g++)
			del(p, g, i);
	assert_false(sim_steer_large(p->s[0]));
	sim_steer_closer(p->s[0], &a);
	sim_steer_run(p->s[0], &pkt, 0, NULL);
	assert_int_equal(pkt.dest.rss, 1);
	sim_steer_ahead(p->s[0], &pkt, &a);
	assert_int_equal(a.n, 0);
	pair_end(p);
}

/* A ring of groups, each leading to the next for ever: looking ahead ends. */
static void
ring(void **state)
{
	struct sim_profile profile = ideal();
	struct sim_steer *s = steer_new(&profile);
	struct sim_ahead a;
	struct sim_match m;
	struct sim_pkt pkt;
	struct frame f;
	struct bytes b;

	(void)state;
	for (uint32_t i = 0; i < RULES; i++) {
		f = flow(i);
		match_tuple(&m, &f);
		assert_int_equal(rule_add(s, 1, 0, &m, act(SIM_A_DROP, 0), NULL), 0);
	}
	match_any(&m);
	for (uint32_t g = 0; g < 3; g++)
		assert_int_equal(rule_add(s, g, 1, &m, act(SIM_A_JUMP, g == 2 ? 1 : g + 1), NULL),
				0);
	f = flow(RULES + 1);
	assert_int_equal(run_path(s, &f, NULL).kind, SIM_TO_DROP);
	assert_int_equal(stats_of(s).drops[SIM_DROP_LOOP], 1);
	frame_bytes(&f, &b);
	pkt = frame_pkt(&b, 0, false);
	sim_steer_ahead(s, &pkt, &a);
	assert_int_equal(a.n, SIM_AHEAD_MAX);
	sim_steer_closer(s, &a);
	sim_steer_destroy(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changes),
		cmocka_unit_test(all_gone),
		cmocka_unit_test(ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
