/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCIe: the published figures of pcie-bench within 0.1 %, by arithmetic and by the link on which events take their turns;
 * tags, credits, latency, splitting.
 */
#include <math.h>

#include "test_sim_nic_rig.h"

#define GEN3_X8 "pcie.generation=3", "pcie.lanes=8"
#define GEN3_X16 "pcie.generation=3", "pcie.lanes=16"
#define GEN4_X16 "pcie.generation=4", "pcie.lanes=16"

static void
profile(struct sim_profile *p, const char *const *sets)
{
	struct sim_error e = { "" };

	sim_profile_ideal(p);
	for (; *sets != NULL; sets++)
		if (sim_profile_set(p, *sets, &e) < 0)
			fail_msg("%s: %s", *sets, e.text);
}

static void
near(double is, double wanted, double part)
{
	if (fabs(is - wanted) > wanted * part)
		fail_msg("%f is not %f", is, wanted);
}

#define FIGURE 0.001

static void
rates(void **state)
{
	struct sim_profile p;

	(void)state;
	profile(&p, (const char *const[]){ GEN3_X8, NULL });
	near(sim_pcie_raw_gbps(&p), 63.02, FIGURE);
	near(sim_pcie_tlp_gbps(&p), 57.88, FIGURE);
	profile(&p, (const char *const[]){ GEN3_X16, NULL });
	near(sim_pcie_tlp_gbps(&p), 113.70, FIGURE);
	profile(&p, (const char *const[]){ GEN4_X16, NULL });
	near(sim_pcie_tlp_gbps(&p), 227.40, FIGURE);
	/* The first generations send 10 bits for 8. */
	profile(&p, (const char *const[]){ "pcie.generation=1", "pcie.lanes=4", NULL });
	near(sim_pcie_raw_gbps(&p), 8.0, FIGURE);
	assert_true(sim_pcie_write_gbps(&p, 0) == 0);
	assert_true(sim_pcie_read_gbps(&p, 0) == 0);
}

/* Gen3 x8. */
static const struct {
	uint32_t size;
	double write, read;
} published[] = {
	{ 64, 42.10, 44.10 },
	{ 128, 48.75, 50.06 },
	{ 256, 52.92, 53.69 },
};

static void
arithmetic(void **state)
{
	struct sim_profile p;
	uint32_t i, size;

	(void)state;
	profile(&p, (const char *const[]){ GEN3_X8, NULL });
	for (i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		near(sim_pcie_write_gbps(&p, published[i].size), published[i].write, FIGURE);
		near(sim_pcie_read_gbps(&p, published[i].size), published[i].read, FIGURE);
	}
	/* One byte more than a packet of the link holds costs another header. */
	assert_true(sim_pcie_write_gbps(&p, 257) < sim_pcie_write_gbps(&p, 256));
	for (size = 1; size < 5000; size++)
		assert_true(sim_pcie_write_gbps(&p, size) < sim_pcie_tlp_gbps(&p));
}

static double
gbps(const struct sim_profile *p, uint64_t bytes, sim_cycle cycles)
{
	return (double)bytes * 8 * p->clock_mhz / 1000 / (double)cycles;
}

/* The link, back to back, gives what the arithmetic says, at clocks that do and do not divide a byte's time. */
static void
link_agrees(void **state)
{
	static const char *const clocks[] = { "clock.mhz=1000", "clock.mhz=250", "clock.mhz=333" };
	static const uint32_t sizes[] = { 64, 128, 256, 257, 512, 1500, 9000 };
	struct sim_profile p;
	uint32_t c, s, i;

	(void)state;
	for (c = 0; c < 3; c++)
		for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			const uint32_t n = 20000;
			struct sim_pcie l;
			sim_cycle end = 0;

			profile(&p, (const char *const[]){ GEN3_X8, clocks[c], NULL });
			memset(&l, 0, sizeof(l));
			assert_int_equal(sim_pcie_init(&l, &p), 0);
			for (i = 0; i < n; i++)
				end = sim_pcie_write(&l, end, sizes[s]);
			near(gbps(&p, (uint64_t)n * sizes[s], end),
					sim_pcie_write_gbps(&p, sizes[s]), 1e-4);
			sim_pcie_fini(&l);

			assert_int_equal(sim_pcie_init(&l, &p), 0);
			for (i = 0; i < n; i++)
				end = sim_pcie_read(&l, 0, sizes[s], 0);
			near(gbps(&p, (uint64_t)n * sizes[s], end),
					sim_pcie_read_gbps(&p, sizes[s]), 1e-3);
			sim_pcie_fini(&l);
		}
}

/* Reads in flight over latency bound the rate: Little's law. */
static void
tags_bound_reads(void **state)
{
	const uint32_t n = 20000;
	struct sim_profile p;
	struct sim_pcie l;
	sim_cycle end = 0;
	uint32_t i;

	(void)state;
	profile(&p, (const char *const[]){ GEN3_X8, "pcie.read-ns=520", "pcie.tags=8", NULL });
	memset(&l, 0, sizeof(l));
	assert_int_equal(sim_pcie_init(&l, &p), 0);
	for (i = 0; i < n; i++)
		end = sim_pcie_read(&l, 0, 64, 0);
	/* A tag is away from when the request is out: its 3.3 ns are not in the 520. */
	near((double)n / (double)end, 8.0 / 517, 0.003);
	/* With enough of them the link is the bound again. */
	sim_pcie_fini(&l);
	profile(&p, (const char *const[]){ GEN3_X8, "pcie.read-ns=520", "pcie.tags=64", NULL });
	assert_int_equal(sim_pcie_init(&l, &p), 0);
	for (i = 0; i < n; i++)
		end = sim_pcie_read(&l, 0, 64, 0);
	near(gbps(&p, (uint64_t)n * 64, end - 520), 44.10, FIGURE);
	assert_true(sim_pcie_tag(&l, 0) > 0);
	assert_int_equal(sim_pcie_tag(&l, end), end);
	sim_pcie_fini(&l);
}

static void
credits_bound_writes(void **state)
{
	const uint32_t n = 20000;
	struct sim_profile p;
	struct sim_pcie l;
	sim_cycle end = 0;
	uint32_t i;

	(void)state;
	/* 64 credits are 1,024 bytes: four writes of 256 in 400 ns and what the link takes. */
	profile(&p, (const char *const[]){ GEN3_X8, "pcie.write-ns=400", "pcie.credits=64", NULL });
	memset(&l, 0, sizeof(l));
	assert_int_equal(sim_pcie_init(&l, &p), 0);
	for (i = 0; i < n; i++)
		end = sim_pcie_write(&l, end, 256);
	near((double)n / (double)end, 4.0 / (400 + 38.7), 0.005);
	/* A write of more than all credits goes through all the same. */
	assert_true(sim_pcie_write(&l, end, 9000) > end);
	sim_pcie_fini(&l);
}

static void
latency(void **state)
{
	struct sim_profile p;
	struct sim_pcie l;

	(void)state;
	profile(&p, (const char *const[]){ GEN3_X8, "pcie.read-ns=520", NULL });
	memset(&l, 0, sizeof(l));
	assert_int_equal(sim_pcie_init(&l, &p), 0);
	/* An idle link: 64 bytes are here after read-ns, its TLPs' time included. */
	assert_in_range(sim_pcie_read(&l, 1000, 64, 0), 1519, 1521);
	/* A read that begins within a boundary has one completion more; within one boundary it has one. */
	assert_in_range(sim_pcie_read(&l, 3000, 64, 16), 3521, 3524);
	assert_in_range(sim_pcie_read(&l, 5000, 16, 16), 5511, 5516);
	/* More than MRRS: two requests, one behind the other; not twice the latency. */
	assert_in_range(sim_pcie_read(&l, 7000, 1024, 0), 7640, 7680);
	sim_pcie_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(link_agrees),
		cmocka_unit_test(tags_bound_reads),
		cmocka_unit_test(credits_bound_writes),
		cmocka_unit_test(latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
