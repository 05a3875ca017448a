/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the wire to a ring of the host: latency as the sum of its parts, descriptors, completions, drops with their reasons,
 * RSS, queues that stop, mirrors; and the books at any moment.
 */
#include <errno.h>

#include "test_sim_nic_rig.h"

#define RING 1024

/* All stages have a latency of their own, so that one that is missing or counted twice shows. */
static void
latency_is_the_sum(void **state)
{
	const struct sim_action queue = { .type = SIM_A_QUEUE, .u32 = 0 };
	struct sim_frame *f[1];
	sim_cycle link, sum;
	struct nrig r;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "mac.mbps=8000", "mac.latency=100",
					"parser.latency=1000", "steering.group-cycles=10000",
					"rss.latency=300", "pcie.generation=3", "pcie.lanes=8",
					"pcie.write-ns=50000", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	nrig_rule(&r, SIM_INGRESS, 0, 0, &queue, 1);
	sim_run(r.nic, 1000);
	nrig_in(&r, 0, 1000, 512, 1);
	sim_run(r.nic, 1000000);
	assert_int_equal(sim_nic_rx(r.nic, 0, 0, f, 1), 1);
	/* Frame and completion on the link, 512 + 2 * 24 and 16 + 24 bytes at 57.88 Gb/s. */
	link = 600 * 8 / 57.88 + 1;
	sum = (8 + 516) + 100 + 1000 + 10000 + 300 + link + 50000;
	/* Look-ups, a cycle each, and roundings. */
	assert_in_range(f[0]->left - f[0]->arrived, sum - 2, sum + 8);
	sim_frame_free(r.nic, f[0]);
	nrig_close(&r);
}

static void
order_and_bytes(void **state)
{
	uint8_t wanted[SIM_FRAME_MAX];
	struct sim_frame *f[64];
	struct nrig r;
	uint32_t i, n = 0, k;
	int64_t at = 0;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "pcie.write-ns=400", "dma.coalesce=8", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	for (i = 0; i < 500; i++)
		at = nrig_in(&r, 0, (sim_cycle)at, 60 + i * 13 % 2000, (uint16_t)i);
	sim_run(r.nic, (sim_cycle)at + 10000);
	while ((k = sim_nic_rx(r.nic, 0, 0, f, 64)) > 0)
		for (i = 0; i < k; i++, n++) {
			assert_int_equal(f[i]->cookie, n);
			assert_int_equal(f[i]->pkt.len, 60 + n * 13 % 2000);
			nrig_frame(wanted, f[i]->pkt.len, (uint16_t)n);
			assert_memory_equal(f[i]->pkt.data, wanted, f[i]->pkt.len);
			sim_frame_free(r.nic, f[i]);
		}
	assert_int_equal(n, 500);
	nrig_close(&r);
}

/* A ring of 8 and a host that does not come: eight are received, the others are dropped; each posted one takes one more. */
static void
descriptors_run_out(void **state)
{
	struct sim_frame *f[16];
	struct sim_account a;
	struct nrig r;
	uint32_t i;

	(void)state;
	nrig_open(&r, 1, 0, NULL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, 8), 0);
	for (i = 0; i < 20; i++)
		nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 10000);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 8);
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.drops[SIM_DROP_NODESC], 12);
	/* Not taken yet: nothing can be posted. */
	sim_nic_rx_post(r.nic, 0, 0, 8);
	nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 20000);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 8);
	assert_int_equal(sim_nic_rx(r.nic, 0, 0, f, 3), 3);
	for (i = 0; i < 3; i++)
		sim_frame_free(r.nic, f[i]);
	sim_nic_rx_post(r.nic, 0, 0, 2);
	for (i = 0; i < 5; i++)
		nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 30000);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 7);
	sim_nic_rx_post(r.nic, 0, 0, 100); /* one is left */
	for (i = 0; i < 5; i++)
		nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 40000);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 8);
	nrig_books(&r);
	nrig_rx(&r, 0, 0);
	nrig_close(&r);
}

/* The first frame may be there in the very cycle in which the queue is: its ring is full by then, doorbells take their time. */
static void
first_frame(void **state)
{
	struct nrig r;

	(void)state;
	nrig_open(&r, 1, 0, (const char *const[]){ "dma.doorbell-ns=2000", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, 8), 0);
	nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 100000);
	assert_int_equal(nrig_rx(&r, 0, 0), 1);
	nrig_books(&r);
	nrig_close(&r);
}

/* The ring's descriptors are in host memory: a frame waits for the fetch, and is not dropped. */
static void
descriptors_are_fetched(void **state)
{
	struct sim_unit_stats s;
	struct nrig r;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "pcie.read-ns=5000", "dma.doorbell-ns=100",
					"dma.prefetch=4", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	sim_run(r.nic, 200); /* the doorbell has been heard, no descriptor is here */
	nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 3000);
	nrig_unit(&r, "rx_queue", &s);
	assert_int_equal(s.queue, 1);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 0);
	sim_run(r.nic, 6000);
	assert_int_equal(nrig_rx(&r, 0, 0), 1);
	nrig_close(&r);
}

/* Completions of four frames at a time; the rest comes when its time is up. */
static void
completions_are_coalesced(void **state)
{
	struct nrig r;
	uint32_t i;

	(void)state;
	nrig_open(&r, 1, 0,
			(const char *const[]){ "dma.coalesce=4", "dma.coalesce-ns=5000", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	for (i = 0; i < 6; i++)
		nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 1000);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 4);
	sim_run(r.nic, 7000);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 6);
	nrig_rx(&r, 0, 0);
	nrig_close(&r);
	/* Without a time nothing waits once the DMA is idle. */
	nrig_open(&r, 1, 0, (const char *const[]){ "dma.coalesce=4", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	for (i = 0; i < 6; i++)
		nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 1000);
	assert_int_equal(nrig_rx(&r, 0, 0), 6);
	nrig_close(&r);
}

/* Steering is slow: the buffer fills, by packets or by cells. */
static void
buffer_is_full(void **state)
{
	static const char *const small[][8] = {
		{ "buffer.packets=10", "parser.interval=1000", "parser.queue=2", NULL },
		{ "buffer.bytes=16384", "buffer.cell=256", "parser.interval=1000", "parser.queue=2",
				NULL },
	};
	static const uint32_t room[] = { 10, 16384 / 1536 };
	struct sim_unit_stats s;
	struct sim_account a;
	struct nrig r;
	uint32_t i, k;
	int64_t at;

	(void)state;
	for (k = 0; k < 2; k++) {
		nrig_open(&r, 1, 0, small[k]);
		assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
		for (i = 0, at = 0; i < 100; i++)
			at = nrig_in(&r, 0, (sim_cycle)at, 1400, 1);
		sim_run(r.nic, (sim_cycle)at);
		nrig_books(&r);
		sim_run(r.nic, (sim_cycle)at + 100000);
		nrig_unit(&r, "buffer", &s);
		assert_int_equal(s.queue_max, room[k]);
		assert_true(s.drops > 0);
		sim_nic_account(r.nic, &a);
		assert_int_equal(a.drops[SIM_DROP_BUFFER], s.drops);
		assert_int_equal(nrig_rx(&r, 0, 0) + s.drops, 100);
		assert_int_equal(r.nic->rx_buffer.cells, 0);
		assert_int_equal(r.nic->rx_buffer.packets, 0);
		nrig_close(&r);
	}
}

static void
places_that_are_not_there(void **state)
{
	const struct sim_action q7 = { .type = SIM_A_QUEUE, .u32 = 7 };
	const struct sim_action gone = { .type = SIM_A_DROP };
	struct sim_account a;
	struct nrig r;

	(void)state;
	nrig_open(&r, 2, 0, NULL);
	/* No queue runs: the port is stopped. */
	nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 1000);
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.drops[SIM_DROP_LINK], 1);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	nrig_rule(&r, SIM_INGRESS, 0, 3, &q7, 1);
	nrig_rule(&r, SIM_INGRESS, 0, 4, &gone, 1);
	nrig_in(&r, 0, 0, 60, 3);
	nrig_in(&r, 0, 0, 60, 4);
	sim_run(r.nic, 2000);
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.drops[SIM_DROP_RULE], 1);
	assert_int_equal(a.drops[SIM_DROP_ACTION], 1);
	/* Calls about queues that are not there. */
	assert_int_equal(sim_nic_rxq_setup(r.nic, 2, 0, RING), -EINVAL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 5000, RING), -EINVAL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 1, 0), -EINVAL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), -EBUSY);
	assert_int_equal(sim_nic_rx_ready(r.nic, 0, 9), 0);
	assert_int_equal(nrig_rx(&r, 1, 3), 0);
	sim_nic_rx_post(r.nic, 1, 3, 5);
	sim_nic_queue_stop(r.nic, 1, 3, false);
	sim_nic_queue_stop(r.nic, 9, 3, true);
	nrig_close(&r);
}

static void
rss_spreads(void **state)
{
	struct sim_rss rss = {
		.fields = SIM_RSS_IPV4 | SIM_RSS_UDP, .n = 4, .queue = { 0, 1, 2, 3 }
	};
	const struct sim_action to2 = { .type = SIM_A_QUEUE, .u32 = 2 };
	struct sim_frame *f[1];
	uint32_t got[4], all = 0, i;
	struct nrig r;

	(void)state;
	for (i = 0; i < SIM_RSS_KEY; i++)
		rss.key[i] = (uint8_t)(i * 37 + 11);
	nrig_open(&r, 1, 0, (const char *const[]){ "rss.latency=10", NULL });
	for (i = 0; i < 4; i++)
		assert_int_equal(sim_nic_rxq_setup(r.nic, 0, (uint16_t)i, RING), 0);
	assert_int_equal(sim_nic_rss(r.nic, 0, &rss), 0);
	for (i = 0; i < 1000; i++)
		nrig_in(&r, 0, 0, 60, (uint16_t)(1000 + i));
	sim_run(r.nic, 1000000);
	for (i = 0; i < 4; i++) {
		got[i] = nrig_rx(&r, 0, (uint16_t)i);
		all += got[i];
		assert_in_range(got[i], 150, 350);
	}
	assert_int_equal(all, 1000);
	/* A rule's queue wins over it; the hash says so only where it was taken. */
	nrig_rule(&r, SIM_INGRESS, 0, 77, &to2, 1);
	nrig_in(&r, 0, 0, 60, 77);
	nrig_in(&r, 0, 0, 60, 1000);
	sim_run(r.nic, 2000000);
	assert_int_equal(sim_nic_rx(r.nic, 0, 2, f, 1), 1);
	assert_int_equal(f[0]->cookie, 77);
	assert_int_equal(f[0]->pkt.rss_hashed, 0);
	sim_frame_free(r.nic, f[0]);
	for (i = 0; i < 4; i++)
		while (sim_nic_rx(r.nic, 0, (uint16_t)i, f, 1) == 1) {
			assert_int_equal(f[0]->pkt.rss_hashed, 1);
			assert_int_equal(f[0]->pkt.hash % 4, i);
			sim_frame_free(r.nic, f[0]);
		}
	rss.n = 0;
	assert_int_equal(sim_nic_rss(r.nic, 0, &rss), -EINVAL);
	assert_int_equal(sim_nic_rss(r.nic, 0, NULL), 0);
	nrig_in(&r, 0, 0, 60, 1001);
	sim_run(r.nic, 3000000);
	assert_int_equal(nrig_rx(&r, 0, 0), 1);
	nrig_close(&r);
}

/* At each cycle of a packet's way once: what is under way for a stopped queue is dropped, and a new queue has none of it. */
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
						"dma.doorbell-ns=50", "dma.coalesce=4",
						"dma.coalesce-ns=100", "pcie.generation=3",
						"pcie.lanes=1", NULL });
		assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, 64), 0);
		for (i = 0; i < 10; i++)
			nrig_in(&r, 0, 400, 200, 1);
		sim_run(r.nic, t);
		sim_nic_queue_stop(r.nic, 0, 0, false);
		nrig_books(&r);
		assert_int_equal(sim_nic_rx_ready(r.nic, 0, 0), 0);
		assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, 4), 0);
		sim_run(r.nic, 100000);
		nrig_books(&r);
		nrig_rx(&r, 0, 0);
		sim_run(r.nic, 110000);
		/* The new ring is whole: four more go through. */
		for (i = 0; i < 4; i++)
			nrig_in(&r, 0, 0, 60, 1);
		sim_run(r.nic, 200000);
		assert_int_equal(nrig_rx(&r, 0, 0), 4);
		sim_nic_account(r.nic, &a);
		assert_int_equal(a.held, 0);
		nrig_close(&r);
	}
}

static void
mirrors(void **state)
{
	const struct sim_sample sample = {
		.ratio = 1,
		.dest = { .kind = SIM_TO_QUEUE, .port = 0, .queue = 1 },
		.marked = true,
		.mark = 99,
	};
	struct sim_action actions[2] = { { .type = SIM_A_SAMPLE },
		{ .type = SIM_A_QUEUE, .u32 = 0 } };
	struct sim_frame *f[1];
	struct sim_account a;
	struct nrig r;
	int64_t index;

	(void)state;
	nrig_open(&r, 1, 0, NULL);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 1, RING), 0);
	index = sim_steer_sample_add(r.steer, &sample);
	assert_true(index >= 0);
	actions[0].u32 = (uint32_t)index;
	nrig_rule(&r, SIM_INGRESS, 0, 0, actions, 2);
	nrig_in(&r, 0, 0, 100, 1);
	sim_run(r.nic, 10000);
	sim_nic_account(r.nic, &a);
	assert_int_equal(a.made, 1);
	assert_int_equal(sim_nic_rx(r.nic, 0, 1, f, 1), 1);
	assert_int_equal(f[0]->pkt.mark, 99);
	assert_int_equal(f[0]->pkt.len, 100);
	sim_frame_free(r.nic, f[0]);
	assert_int_equal(nrig_rx(&r, 0, 0), 1);
	nrig_close(&r);
}

/* 64-byte frames at 148.81 Mpps into gen3 x8: what frame, completion and their headers leave of the link. */
static void
link_bounds_receive(void **state)
{
	static const struct {
		const char *coalesce;
		double bytes; /* on the link, a frame */
	} rows[] = {
		{ "dma.coalesce=1", 60 + 24 + 16 + 24 },
		{ "dma.coalesce=8", 60 + 24 + 16 + 24.0 / 8 },
	};
	double wanted, is;
	uint32_t i, k, got;
	struct nrig r;
	sim_cycle begin;
	int64_t at;

	(void)state;
	for (k = 0; k < 2; k++) {
		nrig_open(&r, 1, 0,
				(const char *const[]){ "pcie.generation=3", "pcie.lanes=8",
						"buffer.packets=64", "dma.completion=16",
						rows[k].coalesce, NULL });
		assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
		for (i = 0, at = 0, got = 0, begin = 0; i < 60000; i++) {
			at = nrig_in(&r, 0, (sim_cycle)at, 60, 1);
			sim_run(r.nic, (sim_cycle)at);
			if (i % 16 == 15)
				got += nrig_rx(&r, 0, 0);
			if (i == 9999) {
				begin = (sim_cycle)at;
				got = 0;
			}
		}
		is = got * 1000.0 / (double)((sim_cycle)at - begin);
		wanted = sim_pcie_tlp_gbps(&r.profile) * 1000 / 8 / rows[k].bytes;
		if (is < wanted * 0.99 || is > wanted * 1.01)
			fail_msg("%s: %f Mpps, not %f", rows[k].coalesce, is, wanted);
		nrig_close(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latency_is_the_sum),
		cmocka_unit_test(order_and_bytes),
		cmocka_unit_test(descriptors_run_out),
		cmocka_unit_test(first_frame),
		cmocka_unit_test(descriptors_are_fetched),
		cmocka_unit_test(completions_are_coalesced),
		cmocka_unit_test(buffer_is_full),
		cmocka_unit_test(places_that_are_not_there),
		cmocka_unit_test(rss_spreads),
		cmocka_unit_test(stop_at_any_moment),
		cmocka_unit_test(mirrors),
		cmocka_unit_test(link_bounds_receive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
