/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card's switch without a clock: functions and their representors, rules between ports, marks, copies, full rings; every
 * frame ends somewhere. And with rules from another thread while frames run.
 */
#include "test_hwsim_rig.h"

#include <pthread.h>
#include <sched.h>

#define BURST 32

static struct rte_flow *
rule(uint16_t port, const struct rte_flow_attr *attr, const struct rte_flow_action *actions)
{
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4 }, { .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_error error;
	struct rte_flow *flow = rte_flow_create(port, attr, pattern, actions, &error);

	if (flow == NULL)
		fail_msg("%s", error.message);
	return flow;
}

static void
send_some(uint16_t port, uint16_t n, uint16_t sport)
{
	struct rte_mbuf *m[BURST];

	for (uint16_t i = 0; i < n; i++)
		m[i] = rig_frame(&(struct rig_flow){ .src = i, .sport = sport });
	assert_int_equal(rig_send(port, 0, m, n), n);
}

/* Takes all that there is and checks its source port; returns how many. */
static uint16_t
take(uint16_t port, uint16_t queue, uint16_t sport)
{
	struct rte_mbuf *m[4 * BURST];
	const uint16_t n = rig_receive(port, queue, m, RTE_DIM(m));

	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(rte_be_to_cpu_16(rte_pktmbuf_mtod(m[i], uint16_t *)[17]), sport);
		assert_int_equal(m[i]->port, port);
		assert_true(rig_sums_ok(m[i]));
	}
	rig_free(m, n);
	return n;
}

/* What a function sends comes out of its representor, and the other way round, and nowhere else. */
static void
test_representors(void **state)
{
	const uint16_t uplink = rig_card("representor=[0-1]");
	const uint16_t rep = rig_port("net_hwsim0_representor_vf0"),
		       vf = rig_port("net_hwsim0_vf0"), other = rig_port("net_hwsim0_vf1"),
		       other_rep = rig_port("net_hwsim0_representor_vf1");
	const uint16_t ports[] = { uplink, rep, vf, other, other_rep };
	struct rte_flow_error error;
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action drop[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_item all[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ports); i++)
		rig_start(ports[i], &(struct rig_conf){ .n_desc = 64 });
	send_some(vf, 20, 1);
	assert_int_equal(take(rep, 0, 1), 20);
	send_some(rep, 10, 2);
	assert_int_equal(take(vf, 0, 2), 10);
	for (unsigned int i = 0; i < RTE_DIM(ports); i++)
		assert_int_equal(take(ports[i], 0, 0), 0);
	/* One more than there are descriptors. */
	send_some(vf, 32, 3);
	send_some(vf, 32, 3);
	send_some(vf, 1, 3);
	assert_int_equal(rig_xstat(rep, "drop_nodesc"), 1);
	assert_int_equal(rte_eth_rx_queue_count(rep, 0), 64);
	assert_int_equal(take(rep, 0, 3), 64);
	/* Nobody there. */
	assert_int_equal(rte_eth_dev_stop(rep), 0);
	send_some(vf, 5, 4);
	assert_int_equal(rig_xstat(rep, "drop_link"), 5);
	assert_int_equal(rte_eth_dev_close(rep), 0);
	send_some(vf, 5, 4);
	assert_int_equal(rig_xstat(vf, "drop_link"), 5);
	/* A function has no rules of its own. */
	assert_null(rte_flow_create(vf, &attr, all, drop, &error));
	assert_int_equal(rte_errno, ENOSYS);
	rig_remove();
}

/* All frames are for queue 0, and each of four queues asks the wire for more: those who ask do not fill its ring. */
static void
test_room(void **state)
{
	const uint16_t port = rig_card("wire=gen:flows=64");
	const struct rte_flow_action_queue zero = { .index = 0 };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_QUEUE,
								   .conf = &zero },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_mbuf *m[BURST];
	uint64_t got = 0, before;
	uint16_t n;

	(void)state;
	rig_start(port, &(struct rig_conf){ .rxq = 4, .n_desc = 128, .rss_hf = RTE_ETH_RSS_IP });
	rule(port, &(struct rte_flow_attr){ .ingress = 1 }, actions);
	for (uint32_t i = 0; i < 4000; i++) {
		n = rte_eth_rx_burst(port, i % 4, m, BURST);
		assert_true(n == 0 || i % 4 == 0);
		got += n;
		rig_free(m, n);
	}
	assert_true(got >= UINT64_C(900) * BURST);
	assert_int_equal(rig_xstat(port, "drop_nodesc"), 0);
	assert_int_equal(rig_xstat(port, "wire_rx_frames"),
			got + (uint64_t)rte_eth_rx_queue_count(port, 0));
	/* A queue that nobody polls stops the wire for a while only. */
	before = rig_xstat(port, "wire_rx_frames");
	for (uint32_t i = 0; i < 4000; i++)
		assert_int_equal(rte_eth_rx_burst(port, 1 + i % 3, m, BURST), 0);
	assert_true(rig_xstat(port, "wire_rx_frames") > before + 1000);
	assert_int_equal(rig_xstat(port, "wire_rx_frames"),
			got + (uint64_t)rte_eth_rx_queue_count(port, 0) +
					rig_xstat(port, "drop_nodesc"));
	rig_remove();
}

/* From the wire to a function, from the function to the wire of another port. */
static void
test_transfer(void **state)
{
	const uint16_t uplink = rig_card("ports=2,representor=0"),
		       second = rig_port("net_hwsim0_p1"),
		       rep = rig_port("net_hwsim0_representor_vf0"),
		       vf = rig_port("net_hwsim0_vf0");
	const uint16_t ports[] = { uplink, second, rep, vf };
	const struct rte_flow_attr attr = { .transfer = 1 };
	const struct rte_flow_action_ethdev to_vf = { .port_id = rep },
					    to_second = { .port_id = second };
	const struct rte_flow_item_ethdev from_vf = { .port_id = rep },
					  from_uplink = { .port_id = uplink };
	struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT,
							   .spec = &from_uplink },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT, .conf = &to_vf },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_query_count count = { 0 };
	struct rte_flow *flow, *reverse;
	struct rte_flow_error error;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ports); i++)
		rig_start(ports[i], &(struct rig_conf){ 0 });
	flow = rte_flow_create(uplink, &attr, pattern, actions, &error);
	assert_non_null(flow);
	pattern[0].spec = &from_vf;
	actions[1].conf = &to_second;
	reverse = rte_flow_create(rep, &attr, pattern, actions, &error);
	assert_non_null(reverse);
	/* Sent by the uplink, looped by its wire, and then it comes from the wire. A poll of the uplink moves it. */
	send_some(uplink, 12, 7);
	assert_int_equal(take(uplink, 0, 7), 0);
	assert_int_equal(take(vf, 0, 7), 12);
	send_some(vf, 9, 8);
	assert_int_equal(take(rep, 0, 8), 0);
	assert_int_equal(rig_xstat(second, "wire_tx_frames"), 9);
	assert_int_equal(take(second, 0, 8), 9); /* through its loop, and no rule wanted it */
	assert_int_equal(rte_flow_query(uplink, flow, &actions[0], &count, &error), 0);
	assert_int_equal(count.hits, 12);
	assert_int_equal(rte_flow_destroy(rep, reverse, &error), 0);
	send_some(vf, 9, 8);
	assert_int_equal(take(rep, 0, 8), 9);
	/* Rules that stay behind go with their port. */
	rig_remove();
}

static void
test_marks(void **state)
{
	const uint16_t port = rig_card(NULL);
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_mark mark = { .id = 0x123456 };
	const struct rte_flow_action_queue queue = { .index = 3 };
	struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &mark },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_error error;
	struct rte_flow *flow;
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ .rxq = 4, .rss_hf = RTE_ETH_RSS_IP });
	for (unsigned int i = 0; i < 2; i++) {
		flow = rule(port, &attr, actions);
		m = rig_frame(&(struct rig_flow){ .src = 5 });
		assert_int_equal(rig_send(port, 0, &m, 1), 1);
		/* It is polled for by whoever gets it off the wire, which need not be queue 3. */
		for (uint16_t q = 0; q < 3; q++)
			assert_int_equal(rig_receive(port, q, &m, 1), 0);
		assert_int_equal(rig_receive(port, 3, &m, 1), 1);
		assert_true((m->ol_flags & RTE_MBUF_F_RX_FDIR) != 0);
		assert_int_equal((m->ol_flags & RTE_MBUF_F_RX_FDIR_ID) != 0, i == 0);
		if (i == 0)
			assert_int_equal(m->hash.fdir.hi, 0x123456);
		rig_free(&m, 1);
		assert_int_equal(rte_flow_destroy(port, flow, &error), 0);
		actions[0] = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_FLAG };
	}
	send_some(port, 4, 1);
	for (uint16_t q = 0; q < 4; q++)
		(void)take(port, q, 1);
	assert_int_equal(rig_xstat(port, "rx_q3_packets") + rig_xstat(port, "rx_q2_packets") +
					rig_xstat(port, "rx_q1_packets") +
					rig_xstat(port, "rx_q0_packets"),
			6);
	rig_remove();
}

/* Drops have reasons: a rule, isolation. Frames that are sent in pieces or shared are steered, too. */
static void
test_drops(void **state)
{
	const uint16_t port = rig_card(NULL);
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action drop[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_error error;
	struct rte_flow *flow;
	struct rte_mbuf *m, *tail;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	flow = rule(port, &attr, drop);
	send_some(port, 30, 1);
	assert_int_equal(take(port, 0, 1), 0);
	assert_int_equal(rig_xstat(port, "drop_action"), 30);
	m = rig_frame(&(struct rig_flow){ .src = 1 });
	tail = rte_pktmbuf_alloc(rig_pool);
	assert_non_null(rte_pktmbuf_append(tail, 1000));
	rte_mbuf_refcnt_update(tail, 1);
	assert_int_equal(rte_pktmbuf_chain(m, tail), 0);
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(take(port, 0, 1), 0);
	assert_int_equal(rig_xstat(port, "drop_action"), 31);
	rig_free(&tail, 1);
	assert_int_equal(rte_flow_destroy(port, flow, &error), 0);
	assert_int_equal(rte_flow_isolate(port, 1, &error), 0);
	send_some(port, 3, 1);
	assert_int_equal(take(port, 0, 1), 0);
	assert_int_equal(rig_xstat(port, "drop_isolated"), 3);
	assert_int_equal(rte_flow_isolate(port, 0, &error), 0);
	send_some(port, 3, 1);
	assert_int_equal(take(port, 0, 1), 3);
	rig_remove();
}

/* A copy of every second frame goes to the representor of a function, with a mark. */
static void
test_copies(void **state)
{
	const uint16_t port = rig_card("representor=0"),
		       rep = rig_port("net_hwsim0_representor_vf0"),
		       vf = rig_port("net_hwsim0_vf0");

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	rig_start(rep, &(struct rig_conf){ 0 });
	rig_start(vf, &(struct rig_conf){ 0 });
	rig_copies(port, rep, 2);
	send_some(port, 20, 6);
	assert_int_equal(take(port, 0, 6), 20);
	assert_int_equal(take(vf, 0, 6), 10);
	rig_remove();
}

/* Rules come and go on another thread while frames run: none is lost but by a rule, and all are counted. */
struct churn {
	uint16_t port;
	uint32_t stop;
	uint32_t rules;
};

static void *
churn(void *arg)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action drop[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4 }, { .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_error error;
	struct churn *c = arg;

	while (__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE) == 0) {
		struct rte_flow *flow = rte_flow_create(c->port, &attr, pattern, drop, &error);

		if (flow == NULL || rte_flow_destroy(c->port, flow, &error) != 0)
			break;
		__atomic_fetch_add(&c->rules, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct churn c = { .port = port };
	uint64_t sent = 0, got = 0, dropped;
	struct rte_mbuf *m[BURST];
	pthread_t thread;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	assert_int_equal(pthread_create(&thread, NULL, churn, &c), 0);
	/* Both threads may have one CPU. */
	while (__atomic_load_n(&c.rules, __ATOMIC_RELAXED) == 0)
		sched_yield();
	for (unsigned int i = 0; i < 3000; i++) {
		uint16_t n;

		if (i % 8 == 0)
			sched_yield();
		for (uint16_t k = 0; k < 8; k++)
			m[k] = rig_frame(&(struct rig_flow){ .src = k });
		sent += rig_send(port, 0, m, 8);
		n = rte_eth_rx_burst(port, 0, m, BURST);
		rig_free(m, n);
		got += n;
	}
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(c.rules > 0);
	for (uint16_t n = 1; n > 0; got += n) {
		n = rig_receive(port, 0, m, BURST);
		rig_free(m, n);
	}
	dropped = rig_xstat(port, "drop_action");
	assert_int_equal(sent, 24000);
	assert_int_equal(sent, got + dropped);
	rig_remove();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_representors),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("hwsim_switch", tests, rig_init, rig_fini);
}
