/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects in time: what a reader sees of a counter and when, the counter cache and its stalls, window checks of a connection
 * one after the other, the ageing scanner, and the command queue.
 */
#include <errno.h>
#include <math.h>

#include "test_sim_nic_rig.h"

#define RING 4096

struct seen {
	uint64_t packets, bytes;
};

static struct seen
counter(struct nrig *r, uint32_t c, bool reset)
{
	struct seen s;

	sim_nic_counter_read(r->nic, c, &s.packets, &s.bytes, reset);
	return s;
}

static uint32_t
counted(struct nrig *r, uint16_t flow)
{
	struct sim_action a[2] = { { .type = SIM_A_COUNT }, { .type = SIM_A_QUEUE } };
	int64_t c = sim_counter_add(r->steer);

	assert_true(c >= 0);
	a[0].u32 = (uint32_t)c;
	nrig_rule(r, SIM_INGRESS, 0, flow, a, 2);
	sim_nic_counter_new(r->nic, (uint32_t)c);
	return (uint32_t)c;
}

static void
packets(struct nrig *r, uint32_t n, uint16_t flow, sim_cycle until)
{
	while (n-- > 0)
		nrig_in(r, 0, 0, 60, flow);
	sim_run(r->nic, until);
	nrig_rx(r, 0, 0);
}

/* A refresh every 100,000 cycles: what counts between two of them is seen behind the second one. */
static void
reader_sees_the_last_refresh(void **state)
{
	struct nrig r;
	uint32_t c, other;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "objects.counter-refresh-us=100", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	c = counted(&r, 1);
	other = counted(&r, 2);
	packets(&r, 5, 1, 50000);
	assert_int_equal(counter(&r, c, false).packets, 0);
	sim_run(r.nic, 100001);
	assert_int_equal(counter(&r, c, false).packets, 5);
	packets(&r, 3, 1, 150000);
	packets(&r, 1, 1, 160000);
	assert_int_equal(counter(&r, c, false).packets, 5);
	assert_true(counter(&r, c, true).bytes >= 5 * 60);
	assert_int_equal(counter(&r, c, false).packets, 0);
	sim_run(r.nic, 200001);
	assert_int_equal(counter(&r, c, false).packets, 4);
	assert_int_equal(counter(&r, c, true).packets, 4);
	sim_run(r.nic, 900001);
	assert_int_equal(counter(&r, c, true).packets, 0);
	assert_int_equal(counter(&r, other, false).packets, 0);
	/* Its place is given to another one. */
	packets(&r, 2, 1, 1000001);
	assert_int_equal(counter(&r, c, false).packets, 2);
	sim_counter_del(r.steer, c);
	sim_nic_counter_new(r.nic, c);
	assert_int_equal(counter(&r, UINT32_MAX, true).packets, 0);
	nrig_close(&r);
}

static void
reader_sees_what_is(void **state)
{
	struct nrig r;
	uint32_t c;

	(void)state;
	nrig_open(&r, 1, 0, NULL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	c = counted(&r, 1);
	packets(&r, 5, 1, 5000);
	assert_int_equal(counter(&r, c, true).packets, 5);
	packets(&r, 2, 1, 10000);
	assert_int_equal(counter(&r, c, false).packets, 2);
	nrig_close(&r);
}

/* 16 counters on the card, 64 in use in turn: each one is fetched, and the one that goes is written back and then seen. */
static void
cache_misses(void **state)
{
	struct sim_unit_stats s, up;
	struct sim_frame *f[1];
	uint32_t c[64], i;
	struct nrig r;
	sim_cycle hit, miss, at = 1000;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "objects.counter-cache=16",
					"objects.counter-refresh-us=1000000", "pcie.read-ns=700",
					NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	for (i = 0; i < 64; i++)
		c[i] = counted(&r, (uint16_t)(1 + i));
	sim_run(r.nic, 10000);
	at = 10000;
	nrig_in(&r, 0, at, 60, 1);
	sim_run(r.nic, at + 5000);
	assert_int_equal(sim_nic_rx(r.nic, 0, 0, f, 1), 1);
	miss = f[0]->left - f[0]->arrived;
	sim_frame_free(r.nic, f[0]);
	nrig_in(&r, 0, at + 5000, 60, 1);
	sim_run(r.nic, at + 10000);
	assert_int_equal(sim_nic_rx(r.nic, 0, 0, f, 1), 1);
	hit = f[0]->left - f[0]->arrived;
	sim_frame_free(r.nic, f[0]);
	/* 16 bytes are here a little sooner than the 64 that read-ns is about. */
	assert_in_range(miss - hit, 690, 701);
	nrig_unit(&r, "counter_cache", &s);
	assert_int_equal(s.hits, 1);
	assert_int_equal(s.misses, 1);
	for (i = 0; i < 640; i++)
		packets(&r, 1, (uint16_t)(1 + i % 64), at + 20000 + i * 2000);
	nrig_unit(&r, "counter_cache", &s);
	assert_int_equal(s.hits, 2); /* the very first one again */
	assert_int_equal(s.misses, 640);
	/* No refresh yet: all but those in the cache are seen, because they were written back. */
	assert_int_equal(counter(&r, c[0], false).packets, 12);
	assert_int_equal(counter(&r, c[63], false).packets, 9);
	nrig_unit(&r, "pcie_up", &up);
	assert_true(up.served > 2 * 640);
	nrig_close(&r);
}

/* The refresh writes back what is dirty, once. */
static void
cache_is_written_back(void **state)
{
	struct sim_unit_stats before, after;
	struct nrig r;
	uint32_t i;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "objects.counter-cache=128",
					"objects.counter-refresh-us=100", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	for (i = 0; i < 100; i++)
		counted(&r, (uint16_t)(1 + i));
	for (i = 0; i < 100; i++)
		packets(&r, 1, (uint16_t)(1 + i), 1000 * (i / 2 + 1));
	sim_run(r.nic, 99000);
	nrig_unit(&r, "pcie_up", &before);
	sim_run(r.nic, 150000);
	nrig_unit(&r, "pcie_up", &after);
	assert_int_equal(after.served - before.served, 100);
	sim_run(r.nic, 550000);
	nrig_unit(&r, "pcie_up", &before);
	assert_int_equal(after.served, before.served);
	nrig_close(&r);
}

static void
connections_wait_for_themselves(void **state)
{
	const struct sim_step one = { .kind = SIM_STEP_CT, .line = 1 },
			      two = { .kind = SIM_STEP_CT, .line = 2 };
	const struct sim_step shares = { .kind = SIM_STEP_CT, .line = 1 + SIM_CT_PLACES };
	const struct sim_step others[] = { { .kind = SIM_STEP_METER }, { .kind = SIM_STEP_AGE },
		{ .kind = SIM_STEP_TLS }, { .kind = SIM_STEP_ACTION } };
	struct sim_unit_stats s;
	struct nrig r;
	uint32_t i;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "objects.connection-latency=20",
					"objects.connection-interval=3", NULL });
	assert_int_equal(sim_object_step(r.nic, NULL, &one, 100), 120);
	/* Another connection enters three cycles later; the same one when its check is done. */
	assert_int_equal(sim_object_step(r.nic, NULL, &two, 100), 123);
	assert_int_equal(sim_object_step(r.nic, NULL, &one, 101), 140);
	assert_int_equal(sim_object_step(r.nic, NULL, &shares, 102), 160);
	assert_int_equal(sim_object_step(r.nic, NULL, &two, 1000), 1020);
	nrig_unit(&r, "connections", &s);
	assert_int_equal(s.served, 5);
	assert_int_equal(s.busy, 15);
	for (i = 0; i < 4; i++)
		assert_int_equal(sim_object_step(r.nic, NULL, &others[i], 77), 77);
	nrig_close(&r);
}

static void
scanner_runs(void **state)
{
	struct sim_action a[2] = { { .type = SIM_A_AGE }, { .type = SIM_A_QUEUE } };
	struct nrig r;
	uint32_t aged[4];
	int64_t age;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "objects.age-scan-us=10", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	age = sim_age_add(r.steer, 25000, 0);
	assert_true(age >= 0);
	a[0].u32 = (uint32_t)age;
	nrig_rule(&r, SIM_INGRESS, 0, 1, a, 2);
	packets(&r, 1, 1, 20000);
	/* Touched by the packet at about 20: aged at 25,020, seen by the scan at 30,000. */
	sim_run(r.nic, 29999);
	assert_int_equal(sim_age_take(r.steer, NULL, 0), 0);
	sim_run(r.nic, 30000);
	assert_int_equal(sim_age_take(r.steer, aged, 4), 1);
	assert_int_equal(aged[0], age);
	sim_run(r.nic, 500000);
	assert_int_equal(sim_age_take(r.steer, aged, 4), 0);
	nrig_close(&r);
}

/* --- commands --- */

static const char *const costs[] = { "command.insert-ns=1000", "command.delete-ns=400",
	"command.update-ns=700", "command.item-ns=10", "command.match-entry-ns=20",
	"command.action-entry-ns=30", "command.action-ns=40", "command.walk-ns=5",
	"command.memory-ns=100", "command.memory-from=1000", "command.root-ns=900",
	"command.depth=4", NULL };

static void
times_of_commands(void **state)
{
	static const struct {
		struct sim_cmd_cost cost;
		uint64_t insert, delete, update;
	} rows[] = {
		{ { 1, 1, 1, 1, 0, 0 }, 1000, 400, 700 },
		{ { 0, 0, 0, 0, 0, 0 }, 1000, 400, 700 },
		{ { 3, 1, 1, 1, 0, 0 }, 1020, 400, 700 },
		{ { 3, 2, 1, 1, 0, 0 }, 1040, 400, 700 },
		{ { 3, 2, 3, 4, 0, 0 }, 1220, 400, 880 },
		{ { 1, 1, 1, 1, 50, 0 }, 1250, 400, 700 },
		{ { 1, 1, 1, 1, 0, 1000 }, 1000, 400, 700 },
		{ { 1, 1, 1, 1, 0, 10000 }, 1100, 400, 800 },
		{ { 1, 1, 1, 1, 0, 1000000 }, 1300, 400, 1000 },
		{ { 1, 1, 1, 1, 0, 0, .root = true }, 1900, 400, 700 },
	};
	struct nrig r;
	uint32_t i;

	(void)state;
	nrig_open(&r, 1, 0, costs);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(sim_cmd_ns(&r.profile, SIM_CMD_INSERT, &rows[i].cost),
				rows[i].insert);
		assert_int_equal(sim_cmd_ns(&r.profile, SIM_CMD_DELETE, &rows[i].cost),
				rows[i].delete);
		assert_int_equal(sim_cmd_ns(&r.profile, SIM_CMD_UPDATE, &rows[i].cost),
				rows[i].update);
	}
	nrig_close(&r);
}

struct log {
	struct nrig *r;
	uint32_t n;
	sim_cycle at[16];
	bool again;
};

static void
done(void *arg)
{
	const struct sim_cmd_cost cost = { 1, 1, 1, 1, 0, 0 };
	struct log *l = arg;

	l->at[l->n++] = sim_nic_now(l->r->nic);
	if (l->again) {
		l->again = false;
		assert_true(sim_nic_cmd(l->r->nic, SIM_CMD_DELETE, &cost, done, l) > 0);
	}
}

static void
one_command_at_a_time(void **state)
{
	const struct sim_cmd_cost cost = { 1, 1, 1, 1, 0, 0 };
	struct sim_unit_stats s;
	struct log l = { .again = true };
	struct nrig r;
	uint32_t i;

	(void)state;
	nrig_open(&r, 1, 0, costs);
	l.r = &r;
	assert_int_equal(sim_nic_cmd(r.nic, SIM_CMD_INSERT, &cost, done, &l), 1000);
	assert_int_equal(sim_nic_cmd(r.nic, SIM_CMD_DELETE, &cost, done, &l), 1400);
	assert_int_equal(sim_nic_cmd(r.nic, SIM_CMD_UPDATE, &cost, done, &l), 2100);
	assert_int_equal(sim_nic_cmd(r.nic, SIM_CMD_INSERT, &cost, NULL, NULL), 3100);
	assert_int_equal(sim_nic_cmd(r.nic, SIM_CMD_INSERT, &cost, done, &l), -EAGAIN);
	sim_run(r.nic, 999);
	assert_int_equal(l.n, 0);
	sim_run(r.nic, 1400);
	assert_int_equal(l.n, 2);
	sim_run(r.nic, 10000);
	/* One more was put in by the first one's callback, and has its turn behind those that were there. */
	assert_int_equal(l.n, 4);
	assert_int_equal(l.at[0], 1000);
	assert_int_equal(l.at[1], 1400);
	assert_int_equal(l.at[2], 2100);
	assert_int_equal(l.at[3], 3500);
	nrig_unit(&r, "command", &s);
	assert_int_equal(s.served, 5);
	assert_int_equal(s.busy, 3500);
	assert_int_equal(s.queue_max, 4);
	assert_int_equal(s.queue_cycles, s.wait_cycles);
	/* Fractions of a cycle do not get lost: three commands of 400 ns at 333 MHz are 399.6 cycles. */
	nrig_close(&r);
	nrig_open(&r, 1, 0,
			(const char *const[]){ "command.delete-ns=400", "clock.mhz=333", NULL });
	for (i = 0; i < 2; i++)
		sim_nic_cmd(r.nic, SIM_CMD_DELETE, &cost, NULL, NULL);
	assert_int_equal(sim_nic_cmd(r.nic, SIM_CMD_DELETE, &cost, NULL, NULL), 400);
	for (i = 0; i < 996; i++)
		sim_nic_cmd(r.nic, SIM_CMD_DELETE, &cost, NULL, NULL);
	assert_int_equal(sim_nic_cmd(r.nic, SIM_CMD_DELETE, &cost, NULL, NULL), 133200);
	nrig_close(&r); /* commands that were not carried out */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_sees_the_last_refresh),
		cmocka_unit_test(reader_sees_what_is),
		cmocka_unit_test(cache_misses),
		cmocka_unit_test(cache_is_written_back),
		cmocka_unit_test(connections_wait_for_themselves),
		cmocka_unit_test(scanner_runs),
		cmocka_unit_test(times_of_commands),
		cmocka_unit_test(one_command_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
