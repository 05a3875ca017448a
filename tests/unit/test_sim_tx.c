/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a ring of the host to a wire or to another host: doorbell, descriptors, reads, completions; rings that are full; a
 * wire that is slower than the link; queues that take turns; and random traffic of all kinds with the books checked at
 * random moments, the same in every run.
 */
#include <errno.h>

#include "test_sim_nic_rig.h"

#define RING 256

static int
send(struct nrig *r, uint16_t port, uint16_t q, uint32_t len, uint16_t flow)
{
	uint8_t frame[SIM_FRAME_MAX];

	nrig_frame(frame, len, flow);
	return sim_nic_tx(r->nic, port, q, frame, len, flow);
}

static void
latency_is_the_sum(void **state)
{
	struct sim_frame *f[1];
	struct nrig r;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "mac.mbps=8000", "mac.latency=100",
					"parser.latency=1000", "dma.doorbell-ns=20000",
					"pcie.read-ns=100000", NULL });
	assert_int_equal(sim_nic_txq_setup(r.nic, 0, 0, RING), 0);
	assert_int_equal(send(&r, 0, 0, 300, 1), 0);
	/* Nobody rang. */
	sim_run(r.nic, 500000);
	assert_int_equal(sim_nic_wire_out(r.nic, 0, f, 1), 0);
	sim_nic_tx_ring(r.nic, 0, 0);
	assert_int_equal(sim_nic_tx_free(r.nic, 0, 0), RING - 1);
	sim_run(r.nic, 1000000);
	assert_int_equal(sim_nic_wire_out(r.nic, 0, f, 1), 1);
	/* Doorbell, descriptor, frame, parser, wire. */
	assert_in_range(f[0]->left - 500000, 20000 + 200000 + 1000 + 312 + 100,
			20000 + 200000 + 1000 + 312 + 100 + 60);
	assert_int_equal(f[0]->pkt.len, 300);
	sim_frame_free(r.nic, f[0]);
	assert_int_equal(sim_nic_tx_free(r.nic, 0, 0), RING);
	assert_int_equal(sim_nic_tx_done(r.nic, 0, 0), 1);
	assert_int_equal(sim_nic_tx_done(r.nic, 0, 0), 0);
	nrig_close(&r);
}

static void
ring_is_full(void **state)
{
	struct nrig r;
	uint32_t i, sent = 0;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "dma.coalesce=8", "dma.prefetch=5", NULL });
	assert_int_equal(sim_nic_txq_setup(r.nic, 0, 3, 13), 0);
	assert_int_equal(sim_nic_txq_setup(r.nic, 0, 3, 13), -EBUSY);
	assert_int_equal(send(&r, 0, 0, 60, 1), -EINVAL);
	assert_int_equal(send(&r, 1, 3, 60, 1), -EINVAL);
	assert_int_equal(sim_nic_tx(r.nic, 0, 3, "", 0, 0), -EINVAL);
	/* Around the ring's end many times. */
	for (i = 0; i < 100; i++) {
		while (send(&r, 0, 3, 100, 1) == 0)
			sent++;
		assert_int_equal(send(&r, 0, 3, 100, 1), -ENOSPC);
		assert_int_equal(sim_nic_tx_free(r.nic, 0, 3), 0);
		sim_nic_tx_ring(r.nic, 0, 3);
		sim_run(r.nic, (i + 1) * 10000);
		assert_int_equal(sim_nic_tx_done(r.nic, 0, 3), 13);
		assert_int_equal(nrig_out(&r, 0), 13);
	}
	assert_int_equal(sent, 1300);
	nrig_close(&r);
}

/* The buffer between host and wire is bounded: the DMA waits, nothing is dropped. */
static void
slow_wire(void **state)
{
	struct sim_unit_stats s;
	struct sim_account a;
	struct nrig r;
	uint32_t i;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "mac.mbps=100", "buffer.packets=4", NULL });
	assert_int_equal(sim_nic_txq_setup(r.nic, 0, 0, RING), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(send(&r, 0, 0, 1000, 1), 0);
	sim_nic_tx_ring(r.nic, 0, 0);
	sim_run(r.nic, 20000);
	nrig_unit(&r, "tx_buffer", &s);
	assert_int_equal(s.queue_max, 4);
	sim_run(r.nic, 100000000);
	assert_int_equal(nrig_out(&r, 0), 100);
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.dropped, 0);
	assert_int_equal(a.held, 0);
	nrig_close(&r);
}

/* Two queues with much to send get the wire in turn. */
static void
queues_take_turns(void **state)
{
	struct sim_frame *f[64];
	uint32_t i, n, of[2] = { 0, 0 };
	struct nrig r;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "pcie.tags=2", "pcie.read-ns=500", NULL });
	for (i = 0; i < 2; i++)
		assert_int_equal(sim_nic_txq_setup(r.nic, 0, (uint16_t)i, RING), 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(send(&r, 0, 0, 60, 100), 0);
		assert_int_equal(send(&r, 0, 1, 60, 101), 0);
	}
	sim_nic_tx_ring(r.nic, 0, 0);
	sim_nic_tx_ring(r.nic, 0, 1);
	sim_run(r.nic, 1000000);
	n = sim_nic_wire_out(r.nic, 0, f, 64);
	assert_int_equal(n, 64);
	for (i = 0; i < n; i++) {
		of[f[i]->cookie - 100]++;
		sim_frame_free(r.nic, f[i]);
	}
	assert_in_range(of[0], 30, 34);
	nrig_out(&r, 0);
	nrig_close(&r);
}

/* Frames read are in flight for the read's latency: so many tags, so many frames (Little). */
static void
tags_bound_transmit(void **state)
{
	struct nrig r;
	uint32_t i, got = 0;
	double is;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "pcie.read-ns=1000", "pcie.tags=8", NULL });
	assert_int_equal(sim_nic_txq_setup(r.nic, 0, 0, RING), 0);
	for (i = 1; i <= 2000; i++) {
		while (send(&r, 0, 0, 60, 1) == 0)
			;
		sim_nic_tx_ring(r.nic, 0, 0);
		sim_run(r.nic, i * 1000);
		got += nrig_out(&r, 0);
	}
	/* A descriptor fetch of 32 takes a tag for as long as a frame does. */
	is = got * 1000.0 / (double)sim_nic_now(r.nic);
	if (is < 8 * 0.94 || is > 8)
		fail_msg("%f Mpps", is);
	nrig_close(&r);
}

/* Host to host through the switch, with the ingress rules of the other port. */
static void
host_to_host(void **state)
{
	const struct sim_action to1 = { .type = SIM_A_HOST, .u32 = 1 };
	const struct sim_action mark[2] = { { .type = SIM_A_MARK, .u32 = 5 },
		{ .type = SIM_A_QUEUE, .u32 = 2 } };
	struct sim_frame *f[1];
	struct nrig r;

	(void)state;
	nrig_open(&r, 2, 0, NULL);
	assert_int_equal(sim_nic_txq_setup(r.nic, 0, 0, RING), 0);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 1, 2, RING), 0);
	nrig_rule(&r, SIM_TRANSFER, 0, 0, &to1, 1);
	nrig_rule(&r, SIM_INGRESS, 1, 0, mark, 2);
	assert_int_equal(send(&r, 0, 0, 300, 1), 0);
	sim_nic_tx_ring(r.nic, 0, 0);
	sim_run(r.nic, 10000);
	assert_int_equal(sim_nic_rx(r.nic, 1, 2, f, 1), 1);
	assert_int_equal(f[0]->pkt.mark, 5);
	assert_int_equal(f[0]->pkt.len, 300);
	sim_frame_free(r.nic, f[0]);
	assert_int_equal(r.nic->tx_buffer.packets, 0);
	nrig_close(&r);
}

static void
stop_at_any_moment(void **state)
{
	struct sim_account a;
	struct nrig r;
	sim_cycle t;
	uint32_t i;

	(void)state;
	for (t = 0; t < 1500; t += 7) {
		nrig_open(&r, 1, 0,
				(const char *const[]){ "pcie.read-ns=300", "pcie.write-ns=200",
						"dma.doorbell-ns=50", "dma.prefetch=4",
						"dma.coalesce=4", "dma.coalesce-ns=100", NULL });
		assert_int_equal(sim_nic_txq_setup(r.nic, 0, 0, 16), 0);
		for (i = 0; i < 10; i++)
			assert_int_equal(send(&r, 0, 0, 200, 1), 0);
		sim_nic_tx_ring(r.nic, 0, 0);
		sim_run(r.nic, t);
		sim_nic_queue_stop(r.nic, 0, 0, true);
		nrig_books(&r);
		assert_int_equal(sim_nic_txq_setup(r.nic, 0, 0, 4), 0);
		for (i = 0; i < 4; i++)
			assert_int_equal(send(&r, 0, 0, 60, 2), 0);
		sim_nic_tx_ring(r.nic, 0, 0);
		sim_run(r.nic, 100000);
		assert_int_equal(sim_nic_tx_done(r.nic, 0, 0), 4);
		sim_nic_account(r.nic, &a);
		assert_int_equal(nrig_out(&r, 0), 14 - a.dropped);
		nrig_close(&r);
	}
}

/* --- all at once --- */

static uint64_t
mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * UINT64_C(0x100000001b3);
}

static uint64_t
digest(struct nrig *r, struct sim_frame *f, uint64_t h)
{
	uint32_t i;

	h = mix(mix(mix(h, f->arrived), f->left), f->cookie);
	for (i = 0; i < f->pkt.len; i++)
		h = mix(h, f->pkt.data[i]);
	sim_frame_free(r->nic, f);
	return h;
}

static uint64_t
take_all(struct nrig *r, uint64_t h)
{
	struct sim_frame *f[8];
	uint32_t i, n;
	uint16_t p, q;

	for (p = 0; p < 3; p++) {
		while ((n = sim_nic_wire_out(r->nic, p, f, 8)) > 0)
			for (i = 0; i < n; i++)
				h = digest(r, f[i], h);
		for (q = 0; q < 2; q++)
			while ((n = sim_nic_rx(r->nic, p, q, f, 8)) > 0) {
				for (i = 0; i < n; i++)
					h = digest(r, f[i], h);
				sim_nic_rx_post(r->nic, p, q, n);
			}
	}
	return h;
}

static void
rules(struct nrig *r)
{
	const struct sim_action to1 = { .type = SIM_A_PORT, .u32 = 1 };
	const struct sim_action host2 = { .type = SIM_A_HOST, .u32 = 2 };
	const struct sim_action drop = { .type = SIM_A_DROP };
	const struct sim_action q1 = { .type = SIM_A_QUEUE, .u32 = 1 };
	const struct sim_sample sample = { .ratio = 2, .dest = { .kind = SIM_TO_WIRE, .port = 2 } };
	struct sim_action sampled[2] = { { .type = SIM_A_SAMPLE }, { .type = SIM_A_QUEUE } };

	sampled[0].u32 = (uint32_t)sim_steer_sample_add(r->steer, &sample);
	nrig_rule(r, SIM_TRANSFER, 0, 1, &to1, 1);
	nrig_rule(r, SIM_TRANSFER, 0, 2, &host2, 1);
	nrig_rule(r, SIM_INGRESS, 0, 3, &drop, 1);
	nrig_rule(r, SIM_INGRESS, 1, 4, &q1, 1);
	nrig_rule(r, SIM_INGRESS, 2, 5, sampled, 2);
}

/* One thing that a wire or a host does. Returns the digest. */
static uint64_t
random_step(struct nrig *r, uint64_t h)
{
	const uint64_t x = nrig_random(r);
	const uint32_t len = 14 + (uint32_t)(x >> 8) % (x % 16 == 0 ? 9000 : 400);
	const uint16_t flow = (uint16_t)(1 + (x >> 32) % 7);
	const uint16_t p = (uint16_t)(x >> 40) % 3, q = (uint16_t)(x >> 44) % 2;

	switch (x % 8) {
	case 0:
	case 1:
	case 2:
		nrig_in(r, p, 0, len, flow);
		break;
	case 3:
	case 4:
		send(r, p, q, len, flow);
		break;
	case 5:
		sim_nic_tx_ring(r->nic, p, q);
		break;
	case 6:
		sim_run(r->nic, sim_nic_now(r->nic) + (x >> 20) % 1000);
		break;
	case 7:
		if ((x >> 50) % 32 != 0)
			return take_all(r, h);
		sim_nic_queue_stop(r->nic, p, q, x & 64);
		if (x & 64)
			sim_nic_txq_setup(r->nic, p, q, 16);
		else
			sim_nic_rxq_setup(r->nic, p, q, 16);
	}
	if (x >> 60 == 0)
		nrig_books(r);
	return h;
}

static uint64_t
random_run(uint64_t seed)
{
	static const char *const sets[] = { "buffer.bytes=16384", "parser.queue=4",
		"steering.engines=3", "steering.lookup=20", "cache.lines=16", "cache.memory=400",
		"cache.reads=2", "rss.latency=9", "pcie.read-ns=500", "pcie.write-ns=300",
		"pcie.tags=4", "pcie.credits=64", "pcie.generation=3", "pcie.lanes=4",
		"dma.prefetch=4", "dma.coalesce=3", "dma.coalesce-ns=200", "dma.doorbell-ns=80",
		"mac.latency=40", NULL };
	struct sim_account a;
	uint64_t h = 0;
	struct nrig r;
	uint32_t i;
	uint16_t p, q;

	nrig_open(&r, 3, 0, sets);
	r.random = seed;
	rules(&r);
	for (p = 0; p < 3; p++)
		for (q = 0; q < 2; q++) {
			assert_int_equal(sim_nic_rxq_setup(r.nic, p, q, 32), 0);
			assert_int_equal(sim_nic_txq_setup(r.nic, p, q, 32), 0);
		}
	for (i = 0; i < 20000; i++)
		h = random_step(&r, h);
	for (p = 0; p < 3; p++)
		for (q = 0; q < 2; q++)
			sim_nic_tx_ring(r.nic, p, q);
	for (i = 0; i < 100; i++) {
		sim_run(r.nic, sim_nic_now(r.nic) + 10000);
		h = take_all(&r, h);
	}
	/* Nothing is left inside when nothing comes any more. */
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.held, 0);
	assert_true(a.out_wire > 100 && a.out_host > 100 && a.made > 100);
	assert_true(a.drops[SIM_DROP_ACTION] > 0 && a.drops[SIM_DROP_BUFFER] > 0);
	assert_int_equal(r.nic->rx_buffer.cells + r.nic->tx_buffer.cells, 0);
	h = mix(h, sim_nic_now(r.nic));
	nrig_close(&r);
	return h;
}

static void
random_traffic(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++)
		assert_true(random_run(seed) == random_run(seed));
	assert_true(random_run(1) != random_run(2));
}

/* Destroyed in the middle of everything: the sanitizers see what is left. */
static void
destroy_in_flight(void **state)
{
	struct nrig r;
	sim_cycle t;
	uint32_t i;

	(void)state;
	for (t = 0; t < 1200; t += 13) {
		nrig_open(&r, 1, 4,
				(const char *const[]){
						"pcie.read-ns=300", "pcie.write-ns=300", NULL });
		assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
		assert_int_equal(sim_nic_txq_setup(r.nic, 0, 0, RING), 0);
		for (i = 0; i < 10; i++) {
			nrig_in(&r, 0, 300, 200, 1);
			assert_int_equal(send(&r, 0, 0, 100, 1), 0);
		}
		sim_nic_tx_ring(r.nic, 0, 0);
		sim_run(r.nic, t);
		nrig_close(&r);
	}
	sim_nic_destroy(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latency_is_the_sum),
		cmocka_unit_test(ring_is_full),
		cmocka_unit_test(slow_wire),
		cmocka_unit_test(queues_take_turns),
		cmocka_unit_test(tags_bound_transmit),
		cmocka_unit_test(host_to_host),
		cmocka_unit_test(stop_at_any_moment),
		cmocka_unit_test(random_traffic),
		cmocka_unit_test(destroy_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
