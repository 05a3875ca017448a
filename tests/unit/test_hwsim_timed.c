/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card in cycles: a run with the virtual clock is the same every time, frames are conserved, time passes by what the profile
 * says of polls and packets, commands take theirs, and paced calls take it of the wall clock; copies and counters go through the model, too.
 */
#include "test_hwsim_rig.h"

#include <time.h>

#define BURST 32

static uint64_t
digest(uint64_t d, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++)
		d = (d ^ p[i]) * UINT64_C(0x100000001b3);
	return d;
}

/* All that came in went out, was dropped or is held; and at the end nothing is held. */
static void
check_account(uint16_t port)
{
	assert_int_equal(rig_xstat(port, "card_in_wire") + rig_xstat(port, "card_in_host") +
					rig_xstat(port, "card_made"),
			rig_xstat(port, "card_out_wire") + rig_xstat(port, "card_out_host") +
					rig_xstat(port, "card_dropped") +
					rig_xstat(port, "card_held"));
	assert_int_equal(rig_xstat(port, "card_held"), 0);
	assert_true(rig_xstat(port, "card_out_host") > 1000);
}

/* 2000 bursts through the loop, rules on the way; a digest of every frame, every count, and the last cycle. */
static uint64_t
run(const char *devargs)
{
	const uint16_t port = rig_card(devargs);
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_queue queue = { .index = 1 };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4 }, { .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_eth_xstat x[512];
	struct rte_flow_error error;
	struct rte_mbuf *m[BURST];
	uint64_t d = 1, cycles;
	int n;

	rig_start(port, &(struct rig_conf){ .rxq = 2, .rss_hf = RTE_ETH_RSS_IP });
	for (uint16_t i = 0; i < 2000; i++) {
		struct rte_flow *flow = NULL;
		uint16_t sent;

		for (uint16_t k = 0; k < 8; k++)
			m[k] = rig_frame(&(struct rig_flow){
					.src = i * 8u + k, .payload = i % 500 });
		if (i % 100 == 0)
			flow = rte_flow_create(port, &attr, pattern, actions, &error);
		sent = rig_send(port, 0, m, 8);
		rig_free(m + sent, (uint16_t)(8 - sent));
		for (uint16_t q = 0; q < 2; q++) {
			const uint16_t got = rte_eth_rx_burst(port, q, m, BURST);

			for (uint16_t k = 0; k < got; k++)
				d = digest(d, rte_pktmbuf_mtod(m[k], void *), m[k]->data_len);
			rig_free(m, got);
		}
		if (flow != NULL)
			assert_int_equal(rte_flow_destroy(port, flow, &error), 0);
	}
	/* What is under way comes out; all that is held at last are frames that no poll can bring. */
	for (unsigned int i = 0; i < 300000; i++) {
		for (uint16_t q = 0; q < 2; q++)
			rig_free(m, rte_eth_rx_burst(port, q, m, BURST));
		if (i % 1000 == 999 && rig_xstat(port, "card_held") == 0 &&
				rig_xstat(port, "wire_rx_frames") ==
						rig_xstat(port, "wire_tx_frames"))
			break;
	}
	check_account(port);
	assert_int_equal(rte_eth_read_clock(port, &cycles), 0);
	assert_int_equal(cycles, rig_xstat(port, "cycles"));
	n = rte_eth_xstats_get(port, x, RTE_DIM(x));
	assert_in_range(n, 100, RTE_DIM(x));
	d = digest(d, x, (size_t)n * sizeof(*x));
	rig_remove();
	return digest(d, &cycles, sizeof(cycles));
}

static void
test_same(void **state)
{
	static const char *const cards[] = { "clock=virtual",
		"clock=virtual,profile=cx5,set=host.poll-ns=100",
		"clock=virtual,set=buffer.packets=16;mac.mbps=1000;host.poll-ns=1000" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cards); i++)
		assert_int_equal(run(cards[i]), run(cards[i]));
}

/* Idle polls and packets cost what the profile says, to the cycle. */
static void
test_time(void **state)
{
	const uint16_t port = rig_card("clock=virtual,wire=none,set=host.poll-ns=35;"
				       "host.packet-ns=7;clock.mhz=2000");
	uint64_t before, after;
	struct rte_mbuf *m[8];

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	assert_int_equal(rte_eth_read_clock(port, &before), 0);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(rte_eth_rx_burst(port, 0, m, 8), 0);
	assert_int_equal(rte_eth_read_clock(port, &after), 0);
	assert_int_equal(after - before, 100 * 35 * 2);
	for (unsigned int i = 0; i < 8; i++)
		m[i] = rig_frame(&(struct rig_flow){ .src = 1 });
	assert_int_equal(rig_send(port, 0, m, 8), 8);
	assert_int_equal(rte_eth_read_clock(port, &before), 0);
	assert_int_equal(before - after, (35 + 8 * 7) * 2);
	rig_remove();
}

/* A port that nobody polls misses frames, and the other one does not; what was counted can be forgotten. */
static void
test_missed(void **state)
{
	const uint16_t port =
			rig_card("clock=virtual,ports=2,wire0=gen:flows=1;count=500;rate=1Mpps,"
				 "wire1=none");
	const uint16_t other = rig_port("net_hwsim0_p1");
	struct rte_eth_stats stats;
	struct rte_mbuf *m[BURST];
	uint64_t all;

	(void)state;
	rig_start(port, &(struct rig_conf){ .n_desc = 64 });
	rig_start(other, &(struct rig_conf){ .n_desc = 64 });
	for (unsigned int i = 0; i < 200000 && rig_xstat(port, "wire_rx_frames") < 500; i++)
		assert_int_equal(rte_eth_rx_burst(other, 0, m, BURST), 0);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(rte_eth_rx_burst(other, 0, m, BURST), 0);
	all = rig_xstat(port, "card_drop_nodesc");
	assert_int_equal(all, 500 - 64);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.imissed, all);
	assert_int_equal(rig_xstat(port, "drop_nodesc"), all);
	assert_int_equal(rte_eth_stats_get(other, &stats), 0);
	assert_int_equal(stats.imissed, 0);
	assert_int_equal(rte_eth_stats_reset(other), 0);
	assert_int_equal(rig_xstat(port, "drop_nodesc"), all);
	assert_int_equal(rte_eth_stats_reset(port), 0);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.imissed, 0);
	assert_int_equal(rig_xstat(port, "card_drop_nodesc"), all);
	rig_remove();
}

static uint64_t
wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Makes n rules of different ports to match. */
static void
make_rules(uint16_t port, uint16_t n)
{
	const struct rte_flow_attr attr = { .ingress = 1, .group = 1 };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_error error;

	for (uint16_t i = 0; i < n; i++) {
		const struct rte_flow_item_udp udp = { .hdr = { .dst_port = rte_cpu_to_be_16(i) } };
		const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
			{ .type = RTE_FLOW_ITEM_TYPE_IPV4 },
			{ .type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp },
			{ .type = RTE_FLOW_ITEM_TYPE_END } };

		if (rte_flow_create(port, &attr, pattern, actions, &error) == NULL)
			fail_msg("%s", error.message);
	}
}

/* 100 rules of 50 us each are 5 ms: of virtual time; of the wall clock where they are paced; of none where they are not. */
static void
test_commands(void **state)
{
	uint64_t cycles[2], ns;
	uint16_t port;

	(void)state;
	port = rig_card("clock=virtual,set=command.insert-ns=50000");
	rig_start(port, &(struct rig_conf){ 0 });
	assert_int_equal(rte_eth_read_clock(port, &cycles[0]), 0);
	make_rules(port, 100);
	assert_int_equal(rte_eth_read_clock(port, &cycles[1]), 0);
	assert_int_equal(cycles[1] - cycles[0], 100 * 50000);
	rig_remove();

	port = rig_card("pace=1,set=command.insert-ns=50000");
	rig_start(port, &(struct rig_conf){ 0 });
	ns = wall_ns();
	make_rules(port, 100);
	ns = wall_ns() - ns;
	assert_true(ns >= 5000000);
	rig_remove();

	port = rig_card("set=command.insert-ns=10000000");
	rig_start(port, &(struct rig_conf){ 0 });
	ns = wall_ns();
	make_rules(port, 100);
	assert_true(wall_ns() - ns < 900000000); /* paced it would take 1 s */
	rig_remove();
}

/* Functions and representors are ports of the model, too. */
static void
test_functions(void **state)
{
	const uint16_t port = rig_card("clock=virtual,representor=0,ports=2,wire0=peer:1,wire1=peer:0"),
		       rep = rig_port("net_hwsim0_representor_vf0"),
		       vf = rig_port("net_hwsim0_vf0"), second = rig_port("net_hwsim0_p1");
	const uint16_t path[][2] = { { vf, rep }, { rep, vf }, { port, second }, { second, port } };
	struct rte_mbuf *m[8];
	uint16_t got, n;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	rig_start(second, &(struct rig_conf){ 0 });
	rig_start(rep, &(struct rig_conf){ 0 });
	rig_start(vf, &(struct rig_conf){ 0 });
	for (unsigned int i = 0; i < RTE_DIM(path); i++) {
		for (unsigned int k = 0; k < 8; k++)
			m[k] = rig_frame(&(struct rig_flow){ .src = k, .payload = 300 });
		assert_int_equal(rig_send(path[i][0], 0, m, 8), 8);
		for (got = 0, n = 0; got < 8 && n < 10000; n++)
			got = (uint16_t)(got +
					rte_eth_rx_burst(path[i][1], 0, m + got,
							(uint16_t)(8 - got)));
		assert_int_equal(got, 8);
		for (unsigned int k = 0; k < 8; k++) {
			assert_int_equal(m[k]->pkt_len, 342);
			assert_true(rig_sums_ok(m[k]));
		}
		rig_free(m, 8);
	}
	rig_remove();
}

static void
send_some(uint16_t port, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = rig_frame(&(struct rig_flow){ .src = i, .payload = 40 });

		assert_int_equal(rig_send(port, 0, &m, 1), 1);
	}
}

/* Until nothing has come for 10,000 polls. */
static uint32_t
take_all(uint16_t port)
{
	struct rte_mbuf *m[BURST];
	uint32_t all = 0;
	uint16_t got;

	for (uint32_t idle = 0; idle < 10000; idle++) {
		got = rte_eth_rx_burst(port, 0, m, BURST);
		rig_free(m, got);
		all += got;
		if (got > 0)
			idle = 0;
	}
	return all;
}

/* SAMPLE: frames that the card makes itself are in its account, too. */
static void
test_copies(void **state)
{
	const uint16_t port = rig_card("clock=virtual,representor=0"),
		       rep = rig_port("net_hwsim0_representor_vf0"),
		       vf = rig_port("net_hwsim0_vf0");

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	rig_start(rep, &(struct rig_conf){ 0 });
	rig_start(vf, &(struct rig_conf){ 0 });
	rig_copies(port, rep, 2);
	send_some(port, 20);
	assert_int_equal(take_all(port), 20);
	assert_int_equal(take_all(vf), 10);
	assert_int_equal(rig_xstat(port, "card_made"), 10);
	rig_remove();
}

static uint64_t
count_of(uint16_t port, struct rte_flow *flow, bool reset)
{
	const struct rte_flow_action action[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_query_count q = { .reset = reset };
	struct rte_flow_error error;

	assert_int_equal(rte_flow_query(port, flow, action, &q, &error), 0);
	return q.hits;
}

/* A reader sees a counter as the card last wrote it back. */
static void
test_counters(void **state)
{
	const uint16_t port = rig_card("clock=virtual,set=objects.counter-refresh-us=2000");
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_queue queue = { .index = 0 };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_error error;
	struct rte_flow *flow;
	uint64_t now = 0;
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	flow = rte_flow_create(port, &attr, pattern, actions, &error);
	assert_non_null(flow);
	send_some(port, 20);
	assert_int_equal(take_all(port), 20);
	assert_int_equal(rte_eth_read_clock(port, &now), 0);
	assert_true(now < 2000000);
	assert_int_equal(count_of(port, flow, false), 0);
	while (now < 2000000) {
		assert_int_equal(rte_eth_rx_burst(port, 0, &m, 1), 0);
		assert_int_equal(rte_eth_read_clock(port, &now), 0);
	}
	assert_int_equal(count_of(port, flow, true), 20);
	assert_int_equal(count_of(port, flow, false), 0);
	rig_remove();
}

/* Tied to the wall clock a frame takes the time that the wire needs for it, and no polls make it faster. */
static void
test_tsc(void **state)
{
	/* 1514 bytes, preamble, FCS and gap at 10 Mb/s: 1.23 ms out and as much in again. */
	const uint16_t port = rig_card("clock=tsc,set=mac.mbps=10");
	struct rte_mbuf *m = rig_frame(&(struct rig_flow){ .payload = 1472 });
	uint64_t ns;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	ns = wall_ns();
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	while (rte_eth_rx_burst(port, 0, &m, 1) == 0)
		assert_true(wall_ns() - ns < 5000000000);
	assert_true(wall_ns() - ns >= 2400000);
	rig_free(&m, 1);
	rig_remove();
}

/* A rule for all of IPv4 to queue 0, counted. */
static struct rte_flow *
count_rule(uint16_t port, uint32_t group)
{
	const struct rte_flow_attr attr = { .ingress = 1, .group = group };
	const struct rte_flow_action_queue queue = { .index = 0 };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4 }, { .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow *flow;
	struct rte_flow_error error;

	flow = rte_flow_create(port, &attr, pattern, actions, &error);
	assert_non_null(flow);
	return flow;
}

static uint64_t
hits_of(uint16_t port, struct rte_flow *flow, bool reset)
{
	const struct rte_flow_action count[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_query_count q = { .reset = reset };
	struct rte_flow_error error;

	assert_int_equal(rte_flow_query(port, flow, count, &q, &error), 0);
	assert_true(q.hits_set && q.bytes_set);
	assert_int_equal(q.bytes, q.hits * 142);
	return q.hits;
}

/* Sends n frames through the loop and has them back. */
static void
bounce(uint16_t port, uint16_t n)
{
	struct rte_mbuf *m[BURST];

	for (uint16_t i = 0; i < n; i++)
		m[i] = rig_frame(&(struct rig_flow){ .src = 1, .payload = 100 });
	assert_int_equal(rig_send(port, 0, m, n), n);
	assert_int_equal(rig_receive(port, 0, m, n), n);
	rig_free(m, n);
}

static void
pass_us(uint16_t port, uint32_t us)
{
	struct rte_mbuf *m[1];

	for (uint32_t i = 0; i < us; i++)
		assert_int_equal(rte_eth_rx_burst(port, 0, m, 1), 0);
}

/* What a query says is as old as the card's last refresh, here 10 ms; a counter that comes again begins at 0. */
static void
test_refresh(void **state)
{
	const uint16_t port = rig_card("clock=virtual,set=objects.counter-refresh-us=10000;"
				       "host.poll-ns=1000;objects.counters=1");
	struct rte_flow_error error;
	struct rte_flow *flow;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	for (uint32_t round = 0; round < 2; round++) {
		flow = count_rule(port, 0);
		pass_us(port, 10000);
		bounce(port, 4);
		assert_int_equal(hits_of(port, flow, false), 0);
		pass_us(port, 10000);
		assert_int_equal(hits_of(port, flow, true), 4);
		bounce(port, 3);
		assert_int_equal(hits_of(port, flow, false), 0);
		pass_us(port, 10000);
		assert_int_equal(hits_of(port, flow, false), 3);
		assert_int_equal(rte_flow_destroy(port, flow, &error), 0);
		pass_us(port, 20000); /* it rests */
	}
	rig_remove();
}

/* An entry that a call without a queue has written is not what the cache has of its place. */
static void
test_written(void **state)
{
	const uint16_t port = rig_card("clock=virtual,set=cache.lines=1024;host.poll-ns=1000");
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_jump jump = { .group = 1 };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_JUMP,
								   .conf = &jump },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_error error;
	struct rte_flow *flow;
	uint64_t misses;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	assert_non_null(rte_flow_create(port, &attr, pattern, actions, &error));
	flow = count_rule(port, 1);
	bounce(port, 1);
	misses = rig_xstat(port, "unit_cache_misses");
	assert_true(misses >= 2);
	bounce(port, 1);
	assert_int_equal(rig_xstat(port, "unit_cache_misses"), misses);
	assert_int_equal(rte_flow_destroy(port, flow, &error), 0);
	flow = count_rule(port, 1);
	bounce(port, 1);
	assert_int_equal(rig_xstat(port, "unit_cache_misses"), misses + 1);
	rig_remove();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_tsc),
	};

	return cmocka_run_group_tests_name("hwsim_timed", tests, rig_init, rig_fini);
}
