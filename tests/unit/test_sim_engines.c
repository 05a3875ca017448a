/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering in time (hwsim/core/engines.h): what a packet's stay is made of, order, bounds, and that the same is the same.
 */
#include "test_sim_engines.h"

#include <errno.h>

/* As the definition sums it up: docs/hwsim-pipeline.md, "Unloaded". */
static sim_cycle
sum(const struct sim_profile *p, const struct sim_path *path, bool hit)
{
	sim_cycle entry = (hit ? p->cache_hit : p->cache_memory) + p->steering_lookup;
	sim_cycle t = p->parser_latency;

	for (uint32_t i = 0; i < path->n; i++) {
		const struct sim_step *s = &path->step[i];

		switch (s->kind) {
		case SIM_STEP_GROUP:
			t += p->steering_group_cycles;
			break;
		case SIM_STEP_EXACT:
			t += entry;
			break;
		case SIM_STEP_CHAIN:
			t += s->count * entry;
			break;
		case SIM_STEP_TCAM:
			t += p->steering_tcam;
			break;
		case SIM_STEP_ACTION:
			t += s->count * (sim_cycle)p->steering_action;
			break;
		case SIM_STEP_COPY:
			t += (s->count + 63) / 64 * (sim_cycle)p->steering_copy;
			break;
		case SIM_STEP_CT:
			t += 5000 + s->line % 64;
			break;
		case SIM_STEP_METER:
			t += 1;
			break;
		default:
			break;
		}
	}
	return t;
}

static sim_cycle
slow_object(struct rig *r, const struct sim_step *s, sim_cycle now)
{
	(void)r;
	if (s->kind == SIM_STEP_CT)
		return now + 5000 + s->line % 64;
	/* Never back in time, whatever is said. */
	return s->kind == SIM_STEP_METER ? now + 1 : s->kind == SIM_STEP_AGE ? 0 : now;
}

/* One packet at a time: the sum of its stages, cold (each line once), and warm. */
static void
test_unloaded(void **state)
{
	static struct rig r;
	struct sim_profile p;
	sim_cycle t = 10;

	(void)state;
	for (uint32_t mode = 0; mode < 3; mode++) {
		rig_profile(&p);
		p.cache_lines = mode == 2 ? 0 : 1u << 16;
		p.cache_ways = 16;
		rig_init(&r, &p, mode + 1);
		r.object = slow_object;
		for (uint32_t i = 0; i < 2000; i++) {
			struct rig_frame *f = rig_frame(&r, 1);

			rig_path(&r, f, 12, 100);
			/* mode 0: lines that nobody has asked for yet */
			for (uint32_t s = 0; mode == 0 && s < f->path.n; s++)
				f->path.step[s].line += (i * 16 + s) * 128;
			if (mode == 1) {
				assert_true(rig_put(&r, f, t));
				sim_events_run(r.q, t += 1000000);
				f = rig_frame(&r, 1);
			}
			assert_true(rig_put(&r, f, t));
			sim_events_run(r.q, t + 1000000);
			assert_int_equal(r.out, r.in);
			assert_int_equal(r.last_left, t + sum(&p, &f->path, mode != 0));
			t += 1000000 + rig_random(&r) % 100;
		}
		rig_fini(&r);
	}
}

struct flows {
	uint64_t next[64];
};

static struct flows flows;

static void
in_order(struct rig *r, struct rig_frame *f, sim_cycle now)
{
	(void)r;
	(void)now;
	assert_int_equal(f->number, flows.next[f->flow]);
	flows.next[f->flow]++;
}

/* Random everything. Returns the hash of all stamps. */
static uint64_t
load(const struct sim_profile *p, uint64_t seed, uint32_t n, uint32_t gap)
{
	static struct rig r;
	uint64_t number[64] = { 0 }, hash;
	struct sim_unit_stats u;
	sim_cycle t = 0;

	memset(&flows, 0, sizeof(flows));
	rig_init(&r, p, seed);
	r.left = in_order;
	r.object = seed % 2 == 0 ? slow_object : NULL;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t flow = (uint32_t)(rig_random(&r) % (1 + seed % 64));
		struct rig_frame *f = rig_frame(&r, flow);

		t += rig_random(&r) % (2 * gap + 1);
		if (f == NULL)
			continue;
		rig_path(&r, f, 8, 200);
		f->number = number[flow];
		number[flow] += rig_put(&r, f, t);
		assert_true(sim_engines_held(r.e) <= p->parser_queue + p->steering_engines);
		assert_int_equal(r.in, r.out + sim_engines_held(r.e));
	}
	rig_drain(&r);
	assert_true(r.flying_max <= p->cache_reads);
	for (uint32_t i = 0; sim_engines_unit(r.e, i, &u); i++) {
		/* Little's law, exactly: both sums end with nobody there. */
		assert_int_equal(u.queue_cycles, u.wait_cycles);
		assert_int_equal(u.queue, 0);
		assert_true(i == 2 || i == 3 || u.served == r.in);
		if (i == 2) {
			assert_int_equal(u.hits, r.hits);
			assert_int_equal(u.misses, r.misses);
		}
		assert_true(i != 3 || u.served == r.misses);
		assert_true(i != 3 || u.busy == u.served * p->cache_memory);
	}
	hash = r.hash;
	rig_fini(&r);
	return hash;
}

static void
test_load(void **state)
{
	struct sim_profile p;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		uint64_t hash;

		rig_profile(&p);
		p.steering_engines = (uint32_t)(1 + seed * 37 % 256);
		p.cache_reads = (uint32_t)(1 + seed % 9);
		p.cache_lines = (uint32_t)(seed * 11 % 257);
		p.cache_ways = (uint32_t)(1 + seed % 64);
		p.cache_memory = seed % 5 == 0 ? 9000 : 301;
		p.parser_latency = seed % 11 == 0 ? 6000 : seed % 4;
		p.parser_queue = seed % 3 == 0 ? 4 : 200;
		/* No time at all, here and there: what happens once a cycle still does. */
		p.steering_group_cycles = seed % 4;
		p.steering_lookup = seed % 3;
		p.cache_hit = seed % 2;
		p.steering_order_buckets = seed % 7 == 0 ? 1 : 1000;
		hash = load(&p, seed, 3000, (uint32_t)(seed * seed % 300));
		assert_int_equal(load(&p, seed, 3000, (uint32_t)(seed * seed % 300)), hash);
		assert_int_not_equal(
				load(&p, seed + 64, 3000, (uint32_t)(seed * seed % 300)), hash);
	}
}

/* A queue that is full refuses, and takes again when an engine has taken one. */
static void
test_full(void **state)
{
	static struct rig r;
	struct sim_profile p;
	struct rig_frame *f;

	(void)state;
	rig_profile(&p);
	p.parser_queue = 3;
	p.steering_engines = 1;
	rig_init(&r, &p, 1);
	r.object = slow_object;
	for (uint32_t i = 0; i < 3; i++) {
		f = rig_frame(&r, i);
		rig_step(f, SIM_STEP_CT, 1, 0);
		assert_true(rig_put(&r, f, 0));
	}
	assert_false(rig_put(&r, rig_frame(&r, 9), 6));
	/* The first is through the parser, and its place is free. */
	assert_true(rig_put(&r, rig_frame(&r, 9), 7));
	assert_false(rig_put(&r, rig_frame(&r, 9), 7));
	assert_int_equal(sim_engines_held(r.e), 4);
	sim_events_run(r.q, 5006);
	assert_int_equal(r.out, 0);
	sim_events_run(r.q, 5007);
	assert_int_equal(r.out, 1);
	/* Destroyed with packets in the queue and in an engine. */
	rig_fini(&r);
	assert_int_equal(r.dropped, 3);
}

static void
ask(struct rig *r, uint32_t line, sim_cycle at)
{
	struct rig_frame *f = rig_frame(r, line);

	rig_step(f, SIM_STEP_EXACT, 1, line);
	assert_true(rig_put(r, f, at));
}

/* What was written is read again; what was under way when it was written is not kept. */
static void
test_invalidate(void **state)
{
	static struct rig r;
	struct sim_profile p;

	(void)state;
	rig_profile(&p);
	rig_init(&r, &p, 1);
	ask(&r, 5, 0);
	ask(&r, 5, 1000);
	assert_int_equal(r.misses, 1);
	sim_events_run(r.q, 2000);
	assert_int_equal(r.hits, 1);
	sim_engines_invalidate(r.e, 5);
	sim_engines_invalidate(r.e, 6); /* never seen */
	ask(&r, 5, 2000);
	sim_events_run(r.q, 2100); /* the read is under way */
	assert_int_equal(r.misses, 2);
	sim_engines_invalidate(r.e, 5);
	ask(&r, 5, 3000);
	sim_events_run(r.q, 4000);
	assert_int_equal(r.misses, 3);
	ask(&r, 5, 4000);
	rig_drain(&r);
	assert_int_equal(r.misses, 3);
	assert_int_equal(r.hits, 2);
	rig_fini(&r);
}

static void
test_params(void **state)
{
	struct sim_engines_params params = { 0 };
	struct sim_events *q = sim_events_create();
	struct sim_profile p;
	struct sim_unit_stats u;
	struct sim_engines *e;

	(void)state;
	params.profile = &p;
	params.events = q;
	rig_profile(&p);
	p.steering_engines = 257;
	assert_null(sim_engines_create(&params));
	p.steering_engines = 0;
	assert_null(sim_engines_create(&params));
	p.steering_engines = 256;
	p.cache_ways = 65;
	assert_null(sim_engines_create(&params));
	p.cache_ways = 0;
	assert_null(sim_engines_create(&params));
	p.cache_ways = 64;
	e = sim_engines_create(&params);
	assert_non_null(e);
	assert_true(sim_engines_unit(e, 4, &u));
	assert_string_equal(u.name, "order");
	assert_false(sim_engines_unit(e, 5, &u));
	sim_engines_destroy(e, NULL);
	sim_engines_destroy(NULL, NULL);
	sim_events_destroy(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unloaded),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_invalidate),
		cmocka_unit_test(test_params),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
