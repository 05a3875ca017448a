/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MACs: line rate without drift, store and forward, padding, link, filter, wire to wire.
 */
#include <errno.h>
#include <math.h>

#include "test_sim_nic_rig.h"

#define RING 4096

static void
near(double is, double wanted, double part)
{
	if (fabs(is - wanted) > wanted * part)
		fail_msg("%f is not %f", is, wanted);
}

/* Frames of `wire` bytes with their FCS, back to back: Mpps. */
static double
line_rate(const char *const *sets, uint32_t wire, uint32_t n)
{
	struct nrig r;
	sim_cycle first = SIM_NEVER, last = 0;
	struct sim_frame *f[16];
	uint32_t i, k, got = 0;
	double mhz;
	int64_t at = 0;

	nrig_open(&r, 1, 0, sets);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	for (i = 0; i < n; i++) {
		at = nrig_in(&r, 0, (sim_cycle)at, wire - 4, 1);
		assert_true(at > 0);
		if (i % 64 != 63)
			continue;
		sim_run(r.nic, (sim_cycle)at);
		while ((k = sim_nic_rx(r.nic, 0, 0, f, 16)) > 0) {
			sim_nic_rx_post(r.nic, 0, 0, k);
			got += k;
			while (k-- > 0) {
				first = f[k]->arrived < first ? f[k]->arrived : first;
				last = f[k]->arrived > last ? f[k]->arrived : last;
				sim_frame_free(r.nic, f[k]);
			}
		}
	}
	sim_run(r.nic, (sim_cycle)at + 10000);
	got += nrig_rx(&r, 0, 0);
	assert_int_equal(got, n);
	mhz = r.profile.clock_mhz;
	nrig_close(&r);
	return n * mhz / (double)at;
}

/* IEEE 802.3: 20 bytes of preamble and gap around each frame. */
static void
line_rates(void **state)
{
	(void)state;
	near(line_rate((const char *const[]){ NULL }, 64, 300000), 100000.0 / (84 * 8), 1e-5);
	near(line_rate((const char *const[]){ "mac.mbps=25000", NULL }, 114, 200000),
			25000.0 / (134 * 8), 1e-5);
	near(line_rate((const char *const[]){ "mac.mbps=25000", "clock.mhz=333", NULL }, 114,
			     200000),
			25000.0 / (134 * 8), 1e-4);
	near(line_rate((const char *const[]){ NULL }, 1518, 50000), 100000.0 / (1538 * 8), 1e-4);
}

/* Two senders' worth of wire: who asks for the past gets the next free bit, who comes late leaves a gap. */
static void
wire_is_serial(void **state)
{
	struct nrig r;
	struct sim_frame *f[4];

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "mac.mbps=8000", NULL }); /* a byte a cycle */
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	assert_int_equal(nrig_in(&r, 0, 100, 100, 1), 100 + 8 + 104 + 12);
	assert_int_equal(nrig_in(&r, 0, 0, 100, 1), 100 + 2 * 124);
	assert_int_equal(nrig_in(&r, 0, 1000, 60, 1), 1000 + 84);
	sim_run(r.nic, 5000);
	assert_int_equal(sim_nic_rx(r.nic, 0, 0, f, 4), 3);
	assert_int_equal(f[0]->arrived, 100);
	assert_int_equal(f[1]->arrived, 224);
	assert_int_equal(f[2]->arrived, 1000);
	assert_int_equal(f[0]->cookie, 1);
	sim_frame_free(r.nic, f[0]);
	sim_frame_free(r.nic, f[1]);
	sim_frame_free(r.nic, f[2]);
	nrig_close(&r);
}

/* A frame is not in the buffer before its last bit. */
static void
store_and_forward(void **state)
{
	struct sim_unit_stats s;
	struct nrig r;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "mac.mbps=8000", "mac.latency=50",
					"parser.latency=10000", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	nrig_in(&r, 0, 0, 1000, 1);
	sim_run(r.nic, 8 + 1004 + 50 - 1);
	nrig_unit(&r, "buffer", &s);
	assert_int_equal(s.queue, 0);
	nrig_unit(&r, "mac_in0", &s);
	assert_int_equal(s.queue, 1);
	sim_run(r.nic, 8 + 1004 + 50);
	nrig_unit(&r, "buffer", &s);
	assert_int_equal(s.queue, 1);
	assert_int_equal(r.nic->rx_buffer.cells, (1000 + 63) / 64);
	sim_run(r.nic, 100000);
	nrig_rx(&r, 0, 0);
	assert_int_equal(r.nic->rx_buffer.cells, 0);
	nrig_close(&r);
}

static void
short_frames_are_padded(void **state)
{
	struct sim_frame *f[1];
	struct nrig r;
	int i;

	(void)state;
	nrig_open(&r, 2, 0, NULL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	nrig_in(&r, 0, 0, 42, 1);
	sim_run(r.nic, 1000);
	assert_int_equal(sim_nic_rx(r.nic, 0, 0, f, 1), 1);
	assert_int_equal(f[0]->pkt.len, 60);
	for (i = 42; i < 60; i++)
		assert_int_equal(f[0]->pkt.data[i], 0);
	sim_frame_free(r.nic, f[0]);
	assert_int_equal(nrig_in(&r, 0, 0, 0, 1), -EINVAL);
	assert_int_equal(nrig_in(&r, 0, 0, SIM_FRAME_MAX, 1) > 0, 1);
	assert_int_equal(sim_nic_wire_in(r.nic, 0, 0, "", SIM_FRAME_MAX + 1, 0), -EINVAL);
	assert_int_equal(nrig_in(&r, 2, 0, 60, 1), -EINVAL);
	nrig_close(&r);
}

/* Port to port by a transfer rule: rate and latency of both wires, bytes as they were. */
static void
wire_to_wire(void **state)
{
	const struct sim_action to1 = { .type = SIM_A_PORT, .u32 = 1 };
	uint8_t wanted[200];
	struct sim_frame *f[8];
	struct nrig r;
	sim_cycle first;

	(void)state;
	nrig_open(&r, 2, 0,
			(const char *const[]){ "mac.mbps=8000", "mac.latency=30",
					"parser.latency=7", NULL });
	nrig_rule(&r, SIM_TRANSFER, 0, 0, &to1, 1);
	nrig_in(&r, 0, 0, 200, 5);
	nrig_in(&r, 0, 0, 200, 5);
	sim_run(r.nic, 5000);
	assert_int_equal(sim_nic_wire_out(r.nic, 1, f, 8), 2);
	/* In: 8 + 204 bits' bytes, and 30; the same out. Between: parser and tables. */
	first = 2 * (8 + 204 + 30);
	assert_in_range(f[0]->left, first + 7, first + 7 + 20);
	assert_int_equal(f[1]->left - f[0]->left, 224);
	nrig_frame(wanted, 200, 5);
	assert_int_equal(f[0]->pkt.len, 200);
	assert_memory_equal(f[0]->pkt.data, wanted, 200);
	sim_frame_free(r.nic, f[0]);
	sim_frame_free(r.nic, f[1]);
	nrig_close(&r);
}

static enum sim_drop
filter(void *arg, const struct sim_pkt *p)
{
	uint32_t *asked = arg;

	(*asked)++;
	return p->data[35] == 2		   ? SIM_DROP_FILTER
			: p->data[35] == 3 ? SIM_DROP_LENGTH
					   : SIM_DROP_COUNT;
}

static void
filter_and_link(void **state)
{
	const struct sim_action to1 = { .type = SIM_A_PORT, .u32 = 1 };
	uint32_t asked = 0;
	struct sim_account a;
	struct nrig r;

	(void)state;
	nrig_open(&r, 2, 0, NULL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	sim_nic_filter(r.nic, 0, filter, &asked);
	nrig_in(&r, 0, 0, 60, 1);
	nrig_in(&r, 0, 0, 60, 2);
	nrig_in(&r, 0, 0, 60, 3);
	sim_run(r.nic, 1000);
	assert_int_equal(asked, 3);
	assert_int_equal(nrig_rx(&r, 0, 0), 1);
	sim_nic_link(r.nic, 0, false);
	nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 2000);
	sim_nic_link(r.nic, 0, true);
	sim_nic_filter(r.nic, 0, NULL, NULL);
	/* Out of a port that is down. */
	sim_nic_link(r.nic, 1, false);
	nrig_rule(&r, SIM_TRANSFER, 0, 0, &to1, 1);
	nrig_in(&r, 0, 0, 60, 2);
	sim_run(r.nic, 3000);
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.drops[SIM_DROP_FILTER], 1);
	assert_int_equal(a.drops[SIM_DROP_LENGTH], 1);
	assert_int_equal(a.drops[SIM_DROP_LINK], 2);
	assert_int_equal(a.held, 0);
	nrig_close(&r);
}

/* Nobody takes what left: bounded. */
static void
nobody_at_the_far_side(void **state)
{
	const struct sim_action to1 = { .type = SIM_A_PORT, .u32 = 1 };
	const uint32_t n = SIM_WIRE_OUT_MAX + 100;
	struct sim_account a;
	struct nrig r;
	int64_t at = 0;
	uint32_t i;

	(void)state;
	nrig_open(&r, 2, 0, NULL);
	nrig_rule(&r, SIM_TRANSFER, 0, 0, &to1, 1);
	for (i = 0; i < n; i++) {
		at = nrig_in(&r, 0, (sim_cycle)at, 60, 1);
		sim_run(r.nic, (sim_cycle)at);
	}
	sim_run(r.nic, (sim_cycle)at + 10000);
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.drops[SIM_DROP_WIRE], 100);
	assert_int_equal(a.held, SIM_WIRE_OUT_MAX);
	assert_int_equal(nrig_out(&r, 1), SIM_WIRE_OUT_MAX);
	nrig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_rates),
		cmocka_unit_test(wire_is_serial),
		cmocka_unit_test(store_and_forward),
		cmocka_unit_test(short_frames_are_padded),
		cmocka_unit_test(wire_to_wire),
		cmocka_unit_test(filter_and_link),
		cmocka_unit_test(nobody_at_the_far_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
