/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering in time against what is known of queues: M/D/1 waiting times (Pollaczek and Khinchine), Little's law, and the
 * entry cache against a naive one.
 */
#include "test_sim_engines.h"

#include <math.h>

#include "engines_priv.h"

#define SERVICE 1000
#define SAMPLES 1000000

/* Poisson arrivals, one engine, the same service for all: W = rho / (2 mu (1 - rho)). */
static void
test_md1(void **state)
{
	static const double rho[] = { 0.2, 0.5, 0.7, 0.85 };
	static struct rig r;
	struct sim_unit_stats u;
	struct sim_profile p;

	(void)state;
	for (uint32_t k = 0; k < 4; k++) {
		double t = 0, wait, want = rho[k] * SERVICE / (2 * (1 - rho[k]));

		rig_profile(&p);
		p.parser_latency = p.parser_interval = 1;
		p.steering_engines = 1;
		p.steering_tcam = SERVICE;
		rig_init(&r, &p, k + 1);
		for (uint32_t i = 0; i < SAMPLES; i++) {
			double uniform = ((double)(rig_random(&r) & 0xffffffffffull) + 1) / 0x1p40;
			struct rig_frame *f;

			t -= log(uniform) * SERVICE / rho[k];
			sim_events_run(r.q, (sim_cycle)t);
			f = rig_frame(&r, i);
			assert_non_null(f);
			rig_step(f, SIM_STEP_TCAM, 1, 0);
			assert_true(rig_put(&r, f, (sim_cycle)t));
		}
		rig_drain(&r);
		assert_true(sim_engines_unit(r.e, SIM_UNIT_ENGINE, &u));
		assert_int_equal(u.served, SAMPLES);
		assert_int_equal(u.busy, (uint64_t)SAMPLES * SERVICE);
		wait = (double)u.wait_cycles / SAMPLES;
		print_message("rho %.2f: waits %.1f cycles, M/D/1 says %.1f (%+.2f %%)\n", rho[k],
				wait, want, 100 * (wait / want - 1));
		assert_true(fabs(wait / want - 1) < 0.02);
		/* And utilisation is rho. */
		assert_true(fabs((double)u.busy / (double)r.last_left - rho[k]) < 0.01);
		rig_fini(&r);
	}
}

/* Little's law for those in service, too: engines that are busy, reads in flight. At any time, not at the end only. */
static void
test_little(void **state)
{
	static struct rig r;
	struct sim_profile p;
	sim_cycle t = 0;

	(void)state;
	rig_profile(&p);
	rig_init(&r, &p, 7);
	for (uint32_t i = 0; i < 20000; i++) {
		struct rig_frame *f = rig_frame(&r, (uint32_t)(rig_random(&r) % 16));
		struct sim_unit_stats u;

		t += rig_random(&r) % 400;
		if (f == NULL)
			continue;
		rig_path(&r, f, 6, 300);
		rig_put(&r, f, t);
		for (uint32_t k = 0; sim_engines_unit(r.e, k, &u); k++) {
			assert_true(u.busy <= t * u.servers);
			/* Those who wait have not been summed up yet. */
			assert_true(u.queue > 0 ? u.queue_cycles >= u.wait_cycles
						: u.queue_cycles == u.wait_cycles);
			assert_true(u.queue <= p.parser_queue && u.queue_max <= p.parser_queue);
		}
	}
	rig_drain(&r);
	assert_int_equal(r.e->busy.area, r.e->busy.wait);
	sim_memory_settle(&r.e->memory, &r.e->cache, sim_events_now(r.q));
	assert_int_equal(r.e->memory.flight.area, r.e->memory.flight.wait);
	assert_true(r.e->memory.flight.max <= p.cache_reads);
	assert_int_equal(r.e->memory.flight.max, p.cache_reads); /* the load was enough */
	rig_fini(&r);
}

/* --- the cache as its definition reads, line by line --- */

struct naive {
	uint32_t sets, ways;
	struct {
		bool valid, used;
		uint32_t line;
	} w[64][64];
};

static bool
naive_use(struct naive *n, uint32_t set, uint32_t line)
{
	bool all = true;

	for (uint32_t w = 0; w < n->ways; w++) {
		if (!n->w[set][w].valid || n->w[set][w].line != line)
			continue;
		n->w[set][w].used = true;
		for (uint32_t i = 0; i < n->ways; i++)
			all = all && n->w[set][i].used;
		for (uint32_t i = 0; all && i < n->ways; i++)
			n->w[set][i].used = i == w;
		return true;
	}
	return false;
}

static void
naive_fill(struct naive *n, uint32_t set, uint32_t line)
{
	uint32_t way = n->ways;

	if (naive_use(n, set, line))
		return;
	for (uint32_t w = n->ways; w-- > 0;)
		way = n->w[set][w].valid ? way : w;
	for (uint32_t w = 0; w < n->ways && way == n->ways; w++)
		way = n->w[set][w].used ? way : w;
	way = way == n->ways ? 0 : way;
	n->w[set][way].valid = true;
	n->w[set][way].line = line;
	naive_use(n, set, line);
}

static void
test_cache(void **state)
{
	static const uint32_t shape[][2] = { { 1, 1 }, { 4, 8 }, { 64, 4 }, { 64, 1 }, { 60, 7 },
		{ 512, 64 }, { 192, 3 }, { 30, 16 } };
	static struct naive n;
	static struct rig r;

	(void)state;
	for (uint32_t k = 0; k < sizeof(shape) / sizeof(shape[0]); k++) {
		struct sim_cache c;
		uint32_t hits = 0;

		memset(&n, 0, sizeof(n));
		r.random = k + 1;
		assert_int_equal(sim_cache_init(&c, shape[k][0], shape[k][1]), 0);
		n.sets = c.sets;
		n.ways = c.ways;
		assert_true(c.sets * c.ways <= shape[k][0] && c.sets <= 64);
		for (uint32_t i = 0; i < 100000; i++) {
			uint32_t line = (uint32_t)(rig_random(&r) % (shape[k][0] * 2));
			/* Fibonacci hashing, then scaled to the number of sets. */
			uint32_t set = (uint32_t)((uint64_t)(uint32_t)(line * 2654435769u) *
							n.sets >>
					32);
			bool hit;

			switch (rig_random(&r) % 16) {
			case 0:
				sim_cache_invalidate(&c, line);
				for (uint32_t w = 0; w < n.ways; w++) {
					if (n.w[set][w].valid && n.w[set][w].line == line)
						n.w[set][w].valid = n.w[set][w].used = false;
				}
				break;
			case 1:
			case 2:
			case 3:
			case 4:
			case 5:
				sim_cache_fill(&c, line);
				naive_fill(&n, set, line);
				break;
			default:
				hit = sim_cache_probe(&c, line);
				assert_int_equal(hit, naive_use(&n, set, line));
				hits += hit;
			}
		}
		assert_true(hits > 1000);
		sim_cache_fini(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_md1),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
