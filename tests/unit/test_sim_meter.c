/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Meters against the RFCs taken at their word: buckets in which a token arrives at each multiple of 1/rate, one at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hwsim/core/meter.h"

/* RFC 2697 and 2698, section 3, with a clock of `hz` and an event a token. */
struct naive {
	struct sim_meter_params p;
	uint64_t hz;
	uint64_t tc, te;
	uint64_t n_c, n_p; /* tokens that have come so far */
};

/* Tokens number 1, 2, ... n come at cycles ceil(n * hz / rate). */
static void
naive_time(struct naive *n, uint64_t since)
{
	while (n->p.cir != 0 && (n->n_c + 1) * n->hz <= since * n->p.cir) {
		n->n_c++;
		if (n->tc < n->p.cbs)
			n->tc++;
		else if (!n->p.two_rate && n->te < n->p.ebs_pbs)
			n->te++;
	}
	while (n->p.two_rate && n->p.pir != 0 && (n->n_p + 1) * n->hz <= since * n->p.pir) {
		n->n_p++;
		if (n->te < n->p.ebs_pbs)
			n->te++;
	}
}

static enum sim_color
naive_color(struct naive *n, uint64_t b, uint32_t in)
{
	if (n->p.packets)
		b = 1;
	if (!n->p.color_aware || in == 0)
		in = SIM_GREEN;
	if (n->p.two_rate) {
		if (in == SIM_RED || n->te < b)
			return SIM_RED;
		n->te -= b;
		if (in == SIM_YELLOW || n->tc < b)
			return SIM_YELLOW;
		n->tc -= b;
		return SIM_GREEN;
	}
	if (in == SIM_GREEN && n->tc >= b) {
		n->tc -= b;
		return SIM_GREEN;
	}
	if (in != SIM_RED && n->te >= b) {
		n->te -= b;
		return SIM_YELLOW;
	}
	return SIM_RED;
}

static uint64_t
pick(uint64_t n)
{
	return ((uint64_t)random() << 31 | (uint64_t)random()) % n;
}

static void
test_model(void **state)
{
	uint32_t colors[4] = { 0 };

	(void)state;
	srandom(41);
	for (uint32_t round = 0; round < 3000; round++) {
		const uint32_t mhz = 1 + (uint32_t)pick(3);
		const uint64_t start = pick(1u << 30);
		struct naive n = { .hz = mhz * UINT64_C(1000000) };
		struct sim_meter m;
		uint64_t now = start;

		n.p.two_rate = pick(2);
		n.p.packets = pick(4) == 0;
		n.p.color_aware = pick(2);
		n.p.cir = pick(3) ? 1 + pick(3000000) : 1 + pick(1000);
		n.p.pir = n.p.cir + pick(3000000);
		n.p.cbs = n.p.packets ? pick(20) : pick(4000);
		n.p.ebs_pbs = n.p.packets ? pick(20) : pick(4000);
		n.tc = n.p.cbs;
		n.te = n.p.ebs_pbs;
		sim_meter_init(&m, &n.p, mhz, start);
		for (uint32_t i = 0; i < 200; i++) {
			const uint32_t bytes = 64 + (uint32_t)pick(1455);
			const uint8_t in = (uint8_t)pick(4);
			enum sim_color want;

			now += pick(10) ? pick(2000) : 0;
			naive_time(&n, now - start);
			want = naive_color(&n, bytes, in);
			assert_int_equal(sim_meter_color(&m, bytes, in, now), want);
			colors[want]++;
		}
	}
	for (uint32_t c = SIM_GREEN; c <= SIM_RED; c++)
		assert_true(colors[c] > 10000);
}

/* A million packets a cycle or so apart take what the rate gives, to the byte: nothing is lost between them. */
static void
test_no_drift(void **state)
{
	struct sim_meter_params p = { .cir = 1234567, .cbs = 100 };
	uint64_t taken = 0;
	uint64_t now = 0;
	struct sim_meter m;

	(void)state;
	srandom(42);
	sim_meter_init(&m, &p, 997, 0);
	/* A full bucket would lose what comes first. */
	while (sim_meter_color(&m, 1, 0, now) == SIM_GREEN)
		taken++;
	while (now < UINT64_C(9970000000)) { /* ten seconds */
		now += 1 + pick(20000);
		for (uint32_t i = 0; i < 25; i++)
			taken += sim_meter_color(&m, 1, 0, now) == SIM_GREEN;
	}
	while (sim_meter_color(&m, 1, 0, now) == SIM_GREEN)
		taken++;
	/* What the bucket began with, and what came. */
	assert_int_equal(taken, p.cbs + now * p.cir / 997000000);
}

static void
test_edges(void **state)
{
	const struct sim_meter_params huge = {
		.cir = UINT64_MAX, .cbs = UINT64_MAX, .ebs_pbs = UINT64_MAX
	};
	const struct sim_meter_params none = { .two_rate = true };
	struct sim_meter m;

	(void)state;
	sim_meter_init(&m, &huge, 0, 5);
	assert_int_equal(sim_meter_color(&m, UINT32_MAX, 0, UINT64_MAX), SIM_GREEN);
	/* Time does not go back. */
	assert_int_equal(sim_meter_color(&m, UINT32_MAX, 0, 0), SIM_GREEN);
	assert_int_equal(m.last, UINT64_MAX);
	sim_meter_init(&m, &none, 1000, 0);
	assert_int_equal(sim_meter_color(&m, 1, 0, UINT64_MAX), SIM_RED);
	assert_int_equal(sim_meter_color(&m, 0, 0, UINT64_MAX), SIM_GREEN);
	/* A colour that is none counts as none. */
	assert_int_equal(sim_meter_color(&m, 0, 200, UINT64_MAX), SIM_GREEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
