/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers and ports over their lives: what is stopped or closed holds nothing, whatever else of its card lives on; what is
 * shared is copied before it is written; cards come and go, several at a time, in any order.
 */
#include "test_hwsim_rig.h"

#define N 32

static void
send_some(uint16_t port, uint16_t n)
{
	struct rte_mbuf *m[N];

	for (uint16_t i = 0; i < n; i++)
		m[i] = rig_frame(&(struct rig_flow){ .src = i });
	assert_int_equal(rig_send(port, 0, m, n), n);
}

/* Frames in a loop are gone when the port stops, and not there again when it starts. */
static void
test_stop(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m[N];

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	send_some(port, N);
	assert_false(rte_mempool_full(rig_pool));
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_true(rte_mempool_full(rig_pool));
	assert_int_equal(rig_xstat(port, "wire_rx_missed"), N);
	assert_int_equal(rte_eth_dev_start(port), 0);
	assert_int_equal(rig_receive(port, 0, m, N), 0);
	send_some(port, 1);
	assert_int_equal(rig_receive(port, 0, m, N), 1);
	rig_free(m, 1);
	rig_remove();
}

/* A closed port gives its buffers back at once, and its peer sees the cable pulled. */
static void
test_close(void **state)
{
	const uint16_t port = rig_card("ports=3,wire0=peer:1,wire1=peer:0");
	const uint16_t peer = rig_port("net_hwsim0_p1"), third = rig_port("net_hwsim0_p2");
	struct rte_eth_link link;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	rig_start(peer, &(struct rig_conf){ 0 });
	rig_start(third, &(struct rig_conf){ 0 });
	send_some(peer, N);
	send_some(third, N);
	assert_int_equal(rte_eth_link_get_nowait(peer, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_UP);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_int_equal(rte_eth_dev_stop(third), 0);
	assert_int_equal(rte_eth_dev_close(third), 0);
	assert_true(rte_mempool_full(rig_pool));
	assert_int_equal(rte_eth_link_get_nowait(peer, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	send_some(peer, N);
	assert_true(rte_mempool_full(rig_pool));
	rig_remove();
}

/* Rules rewrite packets: the bytes of a clone are somebody else's, and its pool may have no room for a copy. */
static void
test_clones(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mempool *clones = rte_pktmbuf_pool_create("clones", 63, 0, 0, 0, 0);
	const struct rte_flow_attr attr = { .ingress = 0, .egress = 1 };
	const struct rte_flow_action_set_mac mac = { .mac_addr = { 2, 9, 9, 9, 9, 9 } };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_SET_MAC_DST, .conf = &mac },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_error error = { .message = NULL };
	struct rte_mbuf *m, *clone, *got;

	(void)state;
	assert_non_null(clones);
	rig_start(port, &(struct rig_conf){ 0 });
	if (rte_flow_create(port, &attr, pattern, actions, &error) == NULL)
		fail_msg("%s", error.message);
	m = rig_frame(&(struct rig_flow){ .src = 1 });
	clone = rte_pktmbuf_clone(m, clones);
	assert_non_null(clone);
	assert_int_equal(rig_send(port, 0, &clone, 1), 1);
	assert_int_equal(rig_receive(port, 0, &got, 1), 1);
	assert_memory_equal(rte_pktmbuf_mtod(got, void *), mac.mac_addr, 6);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[1], 2); /* as rig_frame() made it */
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rig_free(&got, 1);
	rig_free(&m, 1);
	assert_true(rte_mempool_full(clones));
	rig_remove();
	rte_mempool_free(clones);
}

/* A program that polls only when descriptors say that there is something. */
static void
test_count(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m[N];

	(void)state;
	rig_start(port, &(struct rig_conf){ .n_desc = 16 });
	assert_int_equal(rte_eth_rx_queue_count(port, 0), 0);
	send_some(port, 3);
	assert_int_equal(rte_eth_rx_queue_count(port, 0), 3);
	assert_int_equal(rte_eth_rx_descriptor_status(port, 0, 2), RTE_ETH_RX_DESC_DONE);
	assert_int_equal(rte_eth_rx_descriptor_status(port, 0, 3), RTE_ETH_RX_DESC_AVAIL);
	send_some(port, N - 3);
	assert_int_equal(rte_eth_rx_queue_count(port, 0), 16);
	assert_int_equal(rig_receive(port, 0, m, N), N);
	assert_int_equal(rte_eth_rx_queue_count(port, 0), 0);
	rig_free(m, N);
	rig_remove();
}

/* All that a port shows as its own begins anew, the generator's check and the model's drops too. */
static void
test_reset(void **state)
{
	uint16_t port = rig_card("wire=gen:flows=4;check=1");
	struct rte_eth_stats stats;
	struct rte_mbuf *m[N];
	uint16_t n;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	n = rig_receive(port, 0, m, N);
	assert_int_equal(n, N);
	assert_int_equal(rig_send(port, 0, m, n), n);
	assert_int_equal(rig_xstat(port, "wire_check_received"), N);
	assert_int_equal(rte_eth_stats_reset(port), 0);
	assert_int_equal(rig_xstat(port, "wire_check_received"), 0);
	assert_int_equal(rig_xstat(port, "wire_latency_max_ns"), 0);
	assert_int_equal(rig_xstat(port, "wire_tx_frames"), 0);
	/* The next frames of the flows are still the next: none is lost. */
	n = rig_receive(port, 0, m, N);
	assert_int_equal(rig_send(port, 0, m, n), n);
	assert_int_equal(rig_xstat(port, "wire_check_received"), N);
	assert_int_equal(rig_xstat(port, "wire_check_lost"), 0);
	rig_remove();
	/* More frames than descriptors that nobody gives back. */
	port = rig_card("clock=virtual,wire=gen:rate=1000000;flows=4");
	rig_start(port, &(struct rig_conf){ .n_desc = 8, .rxq = 1, .txq = 1 });
	for (unsigned int i = 0; i < 2000; i++)
		rig_free(m, rte_eth_rx_burst(port, 0, m, i < 10 ? 1 : 0));
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_true(stats.imissed > 0);
	assert_int_equal(rte_eth_stats_reset(port), 0);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.imissed, 0);
	rig_remove();
}

/* Segments that cannot be made are a counted drop. */
static void
test_tso_drop(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ .tx_offloads = RTE_ETH_TX_OFFLOAD_TCP_TSO });
	m = rig_frame(&(struct rig_flow){ .proto = IPPROTO_TCP, .payload = 500 });
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4; /* tso_segsz 0 */
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rig_xstat(port, "drop_length"), 1);
	rig_remove();
}

/* A frame of nothing is dropped, and does not stop those behind it. */
static void
test_empty(void **state)
{
	static const char *const args[] = { NULL, "clock=virtual" };
	struct rte_mbuf *m[2];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(args); i++) {
		const uint16_t port = rig_card(args[i]);

		rig_start(port, &(struct rig_conf){ 0 });
		m[0] = rte_pktmbuf_alloc(rig_pool);
		m[1] = rig_frame(&(struct rig_flow){ .src = 1 });
		assert_int_equal(rig_send(port, 0, m, 2), 2);
		assert_int_equal(rig_receive(port, 0, m, 2), 1);
		assert_int_equal(rig_xstat(port, "drop_length"), 1);
		rig_free(m, 1);
		rig_remove();
	}
}

/* Of two queues that are waited for only the one that has frames wakes. */
static void
test_interrupt_queues(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_eth_rss_reta_entry64 reta[8];
	struct rte_epoll_event event[2];
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ .rxq = 2, .intr = true, .rss_hf = RTE_ETH_RSS_IP });
	for (uint16_t q = 0; q < 2; q++)
		assert_int_equal(rte_eth_dev_rx_intr_ctl_q(port, q, RTE_EPOLL_PER_THREAD,
						 RTE_INTR_EVENT_ADD, (void *)(uintptr_t)(q + 1)),
				0);
	for (uint16_t to = 0; to < 2; to++) {
		for (unsigned int i = 0; i < 512; i++) {
			reta[i / 64].mask = UINT64_MAX;
			reta[i / 64].reta[i % 64] = to;
		}
		assert_int_equal(rte_eth_dev_rss_reta_update(port, reta, 512), 0);
		for (uint16_t q = 0; q < 2; q++)
			assert_int_equal(rte_eth_dev_rx_intr_enable(port, q), 0);
		m = rig_frame(&(struct rig_flow){ .src = 1 });
		assert_int_equal(rig_send(port, 0, &m, 1), 1);
		assert_int_equal(rte_epoll_wait(RTE_EPOLL_PER_THREAD, event, 2, 1000), 1);
		assert_int_equal((uintptr_t)event[0].epdata.data, to + 1);
		for (uint16_t q = 0; q < 2; q++)
			assert_int_equal(rte_eth_dev_rx_intr_disable(port, q), 0);
		assert_int_equal(rig_receive(port, to, &m, 1), 1);
		rig_free(&m, 1);
	}
	rig_remove();
}

/* Attached and detached many times, two cards at once; closed in another order each time. */
static void
test_many(void **state)
{
	static const char *const args[] = { "ports=2,wire0=peer:1,wire1=peer:0,representor=[0-1]",
		"ports=4,clock=virtual", "wire=none", "clock=tsc,representor=7",
		"wire=gen:sessions=100" };
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t port;

	(void)state;
	srandom(7);
	for (unsigned int i = 0; i < 40; i++) {
		rig_card(args[i % RTE_DIM(args)]);
		assert_int_equal(rte_vdev_init("net_hwsim9", args[(i + 1) % RTE_DIM(args)]), 0);
		RTE_ETH_FOREACH_DEV(port)
			rig_start(port, &(struct rig_conf){ .rxq = 2, .txq = 2 });
		RTE_ETH_FOREACH_DEV(port) {
			struct rte_mbuf *m = rig_frame(&(struct rig_flow){ .src = i });

			if (rig_send(port, 1, &m, 1) == 0)
				rig_free(&m, 1);
		}
		for (unsigned int k = 0; k < 6; k++) {
			port = (uint16_t)(random() % 12);
			if (!rte_eth_dev_is_valid_port(port))
				continue;
			assert_int_equal(rte_eth_dev_get_name_by_port(port, name), 0);
			assert_int_equal(rte_eth_dev_stop(port), 0);
			if (random() % 4 == 0)
				assert_int_equal(rte_eth_dev_start(port), 0);
			else
				assert_int_equal(rte_eth_dev_close(port), 0);
		}
		assert_int_equal(rte_vdev_uninit("net_hwsim9"), 0);
		rig_remove();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_clones),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_tso_drop),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_interrupt_queues),
		cmocka_unit_test(test_many),
	};
	int rc = cmocka_run_group_tests_name("hwsim_life", tests, rig_init, rig_fini);

	/* Ports that nobody ever configured go with EAL. */
	if (rc == 0 &&
			(rte_vdev_init("net_hwsim0", "ports=2,representor=0") != 0 ||
					rte_eal_cleanup() != 0))
		rc = 1;
	return rc;
}
