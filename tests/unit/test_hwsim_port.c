/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports of net_hwsim as programs use them: they come and go in any order, filters let in what they should, RSS spreads,
 * statistics and links say what is.
 */
#include "test_hwsim_rig.h"

#define BURST 32

/* Cards that were never configured, half configured, running; ports closed before the card. */
static void
test_come_and_go(void **state)
{
	static const char *const bad[] = { "bogus=1", "profile=/nonexistent", "wire=nothing",
		"ports=2,wire1=nothing", "set=no.such=1", "ports=2,wire0=loop,wire1=peer:0",
		"representor=0,wire=nothing" };
	uint16_t port, other;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		assert_true(rte_vdev_init("net_hwsim0", bad[i]) < 0);
		assert_int_equal(rte_eth_dev_count_avail(), 0);
	}
	rig_card(NULL);
	rig_remove();
	for (unsigned int i = 0; i < 3; i++) {
		port = rig_card("ports=2,representor=[0-1]");
		assert_int_equal(rte_eth_dev_count_avail(), 6);
		other = rig_port("net_hwsim0_representor_vf1");
		rig_start(port, &(struct rig_conf){ 0 });
		rig_start(other, &(struct rig_conf){ .rxq = 2 });
		/* 0: all go with the card; 1: the first is closed before; 2: all but one are. */
		if (i > 0) {
			assert_int_equal(rte_eth_dev_close(port), -EINVAL);
			assert_int_equal(rte_eth_dev_stop(port), 0);
			assert_int_equal(rte_eth_dev_close(port), 0);
			assert_int_equal(rte_eth_dev_count_avail(), 5);
		}
		if (i > 1) {
			assert_int_equal(rte_eth_dev_close(rig_port("net_hwsim0_p1")), 0);
			assert_int_equal(rte_eth_dev_close(rig_port("net_hwsim0_vf0")), 0);
			assert_int_equal(rte_eth_dev_close(rig_port("net_hwsim0_vf1")), 0);
		}
		rig_remove();
	}
	/* The last one closed takes the card with it; the device stays until it is removed. */
	port = rig_card(NULL);
	assert_int_equal(rte_eth_dev_close(port), 0);
	rig_remove();
}

static void
test_info(void **state)
{
	const uint16_t port = rig_card("ports=2,representor=3,set=mac.mbps=25000;queues.rx=16");
	struct rte_eth_dev_info info, other;
	struct rte_eth_link link;
	char text[128];

	(void)state;
	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	assert_string_equal(info.driver_name, "net_hwsim");
	assert_int_equal(info.max_rx_queues, 16);
	assert_int_equal(info.speed_capa, RTE_ETH_LINK_SPEED_25G);
	assert_int_equal(rte_eth_dev_info_get(rig_port("net_hwsim0_representor_vf3"), &other), 0);
	assert_int_equal(info.switch_info.domain_id, other.switch_info.domain_id);
	assert_int_equal(other.switch_info.port_id, 2);
	assert_true((*other.dev_flags & RTE_ETH_DEV_REPRESENTOR) != 0);
	assert_int_equal(rte_eth_dev_info_get(rig_port("net_hwsim0_vf3"), &other), 0);
	assert_int_equal(other.switch_info.domain_id, RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID);
	assert_int_equal(rte_eth_dev_fw_version_get(port, text, sizeof(text)), 0);
	assert_string_equal(text, "profile ideal, clock off");
	assert_int_equal(rte_eth_dev_fw_version_get(port, text, 3),
			(int)sizeof("profile ideal, clock off"));
	assert_int_equal(rte_eth_link_get_nowait(port, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	rig_start(port, &(struct rig_conf){ 0 });
	assert_int_equal(rte_eth_link_get_nowait(port, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_UP);
	assert_int_equal(link.link_speed, 25000);
	rig_remove();
}

static int
count_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	(void)port;
	(void)type;
	(void)ret;
	++*(unsigned int *)arg;
	return 0;
}

static void
test_link(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m[2];
	struct rte_eth_link link;
	unsigned int events = 0;

	(void)state;
	assert_int_equal(rte_eth_dev_callback_register(
					 port, RTE_ETH_EVENT_INTR_LSC, count_event, &events),
			0);
	rig_start(port, &(struct rig_conf){ .lsc = true });
	assert_int_equal(rte_eth_dev_set_link_down(port), 0);
	assert_int_equal(events, 1);
	assert_int_equal(rte_eth_link_get_nowait(port, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	m[0] = rig_frame(&(struct rig_flow){ .src = 1 });
	assert_int_equal(rig_send(port, 0, m, 1), 1);
	assert_int_equal(rig_receive(port, 0, m, 1), 0);
	assert_int_equal(rig_xstat(port, "drop_link"), 1);
	assert_int_equal(rte_eth_dev_set_link_up(port), 0);
	assert_int_equal(events, 2);
	m[0] = rig_frame(&(struct rig_flow){ .src = 1 });
	assert_int_equal(rig_send(port, 0, m, 1), 1);
	assert_int_equal(rig_receive(port, 0, m, 1), 1);
	rig_free(m, 1);
	rig_remove();
}

/* Sends one frame to `to` and says whether it came back. */
static bool
passes(uint16_t port, const struct rte_ether_addr *to, uint16_t vlan)
{
	struct rte_mbuf *m = rig_frame(&(struct rig_flow){ .to = to, .vlan = vlan });
	uint16_t got;

	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	got = rig_receive(port, 0, &m, 1);
	rig_free(&m, got);
	return got == 1;
}

static void
test_mac_filters(void **state)
{
	struct rte_ether_addr own, other = { { 2, 9, 9, 9, 9, 9 } }, all, multi[2];
	const uint16_t port = rig_card(NULL);

	(void)state;
	memset(&all, 0xff, sizeof(all));
	multi[0] = (struct rte_ether_addr){ { 1, 0, 0x5e, 0, 0, 1 } };
	multi[1] = (struct rte_ether_addr){ { 1, 0, 0x5e, 0, 0, 2 } };
	rig_start(port, &(struct rig_conf){ .idle = true });
	assert_int_equal(rte_eth_macaddr_get(port, &own), 0);
	assert_true(passes(port, &own, 0));
	assert_true(passes(port, &all, 0));
	assert_false(passes(port, &other, 0));
	assert_false(passes(port, &multi[0], 0));
	assert_int_equal(rig_xstat(port, "drop_filter"), 2);
	assert_int_equal(rte_eth_dev_mac_addr_add(port, &other, 0), 0);
	assert_true(passes(port, &other, 0));
	assert_int_equal(rte_eth_dev_mac_addr_remove(port, &other), 0);
	assert_false(passes(port, &other, 0));
	assert_int_equal(rte_eth_dev_set_mc_addr_list(port, multi, 2), 0);
	assert_true(passes(port, &multi[0], 0));
	assert_true(passes(port, &multi[1], 0));
	assert_int_equal(rte_eth_dev_set_mc_addr_list(port, multi, 1), 0);
	assert_false(passes(port, &multi[1], 0));
	assert_int_equal(rte_eth_dev_set_mc_addr_list(port, &own, 1), -EINVAL);
	assert_int_equal(rte_eth_allmulticast_enable(port), 0);
	assert_true(passes(port, &multi[1], 0));
	assert_false(passes(port, &other, 0));
	assert_int_equal(rte_eth_promiscuous_enable(port), 0);
	assert_true(passes(port, &other, 0));
	assert_int_equal(rte_eth_promiscuous_disable(port), 0);
	assert_int_equal(rte_eth_dev_default_mac_addr_set(port, &other), 0);
	assert_true(passes(port, &other, 0));
	assert_false(passes(port, &own, 0));
	/* All zeros is the mark of an empty place in the table, and nobody's address. */
	memset(&other, 0, sizeof(other));
	assert_false(passes(port, &other, 0));
	rig_remove();
}

static void
test_vlan(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m;

	(void)state;
	rig_start(port,
			&(struct rig_conf){ .rx_offloads = RTE_ETH_RX_OFFLOAD_VLAN_FILTER |
							RTE_ETH_RX_OFFLOAD_VLAN_STRIP });
	assert_true(passes(port, NULL, 0));
	assert_false(passes(port, NULL, 100));
	assert_int_equal(rte_eth_dev_vlan_filter(port, 100, 1), 0);
	assert_true(passes(port, NULL, 100));
	assert_false(passes(port, NULL, 101));
	m = rig_frame(&(struct rig_flow){ .vlan = 0xa064 });
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rig_receive(port, 0, &m, 1), 1);
	assert_int_equal(m->vlan_tci, 0xa064);
	assert_true((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0);
	assert_true(rig_sums_ok(m));
	assert_int_equal(rte_be_to_cpu_16(rte_pktmbuf_mtod(m, uint16_t *)[6]), 0x0800);
	rig_free(&m, 1);
	assert_int_equal(rte_eth_dev_set_vlan_offload(port, RTE_ETH_QINQ_STRIP_OFFLOAD), 0);
	m = rig_frame(&(struct rig_flow){ .vlan = 7, .inner_vlan = 9 });
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rig_receive(port, 0, &m, 1), 1);
	assert_int_equal(m->vlan_tci_outer, 7);
	assert_int_equal(m->vlan_tci, 9);
	assert_true((m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED) != 0);
	assert_int_equal(m->packet_type & RTE_PTYPE_L2_MASK, RTE_PTYPE_L2_ETHER_QINQ);
	rig_free(&m, 1);
	assert_int_equal(rte_eth_dev_set_vlan_offload(port, 0), 0);
	assert_true(passes(port, NULL, 101));
	m = rig_frame(&(struct rig_flow){ .vlan = 101 });
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rig_receive(port, 0, &m, 1), 1);
	assert_true((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0);
	assert_int_equal(rte_be_to_cpu_16(rte_pktmbuf_mtod(m, uint16_t *)[6]), 0x8100);
	rig_free(&m, 1);
	rig_remove();
}

static void
test_mtu(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	/* IPv4 and UDP headers are part of the MTU. */
	for (unsigned int i = 0; i < 2; i++) {
		m = rig_frame(&(struct rig_flow){ .payload = (uint16_t)(1500 - 28 + i * 9) });
		assert_int_equal(rig_send(port, 0, &m, 1), 1);
		assert_int_equal(rig_receive(port, 0, &m, 1), 1 - i);
		rig_free(&m, (uint16_t)(1 - i));
	}
	assert_int_equal(rig_xstat(port, "drop_length"), 1);
	assert_int_equal(rte_eth_dev_set_mtu(port, 9000), -EINVAL); /* buffers are too short */
	assert_int_equal(rte_eth_dev_set_mtu(port, 1700), 0);
	m = rig_frame(&(struct rig_flow){ .payload = 1700 - 28 });
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rig_receive(port, 0, &m, 1), 1);
	rig_free(&m, 1);
	assert_int_equal(rte_eth_dev_set_mtu(port, 60), -EINVAL);
	assert_int_equal(rte_eth_dev_set_mtu(port, UINT16_MAX), -EINVAL);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_dev_set_mtu(port, 9000), 0);
	assert_true(rte_eth_dev_start(port) < 0);
	rig_start(port, &(struct rig_conf){ .rx_offloads = RTE_ETH_RX_OFFLOAD_SCATTER });
	rig_remove();
}

/* Which of 4 queues each of n frames comes out of; queue_of[i] by source port 1000 + i. */
static void
spread(uint16_t port, uint16_t n, uint32_t src, uint8_t *queue_of)
{
	struct rte_mbuf *m[BURST];

	assert_true(n <= BURST);
	for (uint16_t i = 0; i < n; i++)
		m[i] = rig_frame(&(struct rig_flow){ .src = src,
				.dst = 0x0a000001u + i,
				.sport = (uint16_t)(1000 + i),
				.dport = 80,
				.proto = IPPROTO_TCP });
	assert_int_equal(rig_send(port, 0, m, n), n);
	memset(queue_of, 0xff, n);
	for (uint8_t q = 0; q < 4; q++) {
		const uint16_t got = rig_receive(port, q, m, BURST);

		for (uint16_t i = 0; i < got; i++) {
			const uint16_t at =
					rte_be_to_cpu_16(rte_pktmbuf_mtod(m[i], uint16_t *)[17]);

			assert_in_range(at, 1000, 1000 + n - 1);
			queue_of[at - 1000] = q;
		}
		rig_free(m, got);
	}
	for (uint16_t i = 0; i < n; i++)
		assert_int_not_equal(queue_of[i], 0xff);
}

static unsigned int
queues_used(const uint8_t *queue_of, unsigned int n)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < n; i++)
		used |= 1u << queue_of[i];
	return (unsigned int)__builtin_popcount(used);
}

static void
test_rss(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_eth_rss_reta_entry64 reta[8];
	struct rte_eth_rss_conf conf = { 0 };
	uint8_t a[BURST], b[BURST];

	(void)state;
	rig_start(port, &(struct rig_conf){ .rxq = 4, .rss_hf = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP });
	spread(port, BURST, 1, a);
	assert_int_equal(queues_used(a, BURST), 4);
	spread(port, BURST, 1, b);
	assert_memory_equal(a, b, BURST); /* a flow stays where it is */
	/* By source address alone all of these are one. */
	conf.rss_hf = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_L3_SRC_ONLY |
			RTE_ETH_RSS_L4_DST_ONLY;
	assert_int_equal(rte_eth_dev_rss_hash_update(port, &conf), 0);
	spread(port, BURST, 1, a);
	assert_int_equal(queues_used(a, BURST), 1);
	assert_int_equal(rte_eth_dev_rss_hash_conf_get(port, &conf), 0);
	assert_true((conf.rss_hf & RTE_ETH_RSS_L3_SRC_ONLY) != 0);
	/* By destination address they are not. */
	conf.rss_hf = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_L3_DST_ONLY;
	conf.rss_key = NULL;
	assert_int_equal(rte_eth_dev_rss_hash_update(port, &conf), 0);
	spread(port, BURST, 1, a);
	assert_in_range(queues_used(a, BURST), 2, 4);
	/* The table says who gets what. */
	memset(reta, 0, sizeof(reta));
	for (unsigned int i = 0; i < 512; i++) {
		reta[i / 64].mask |= UINT64_C(1) << (i % 64);
		reta[i / 64].reta[i % 64] = 2;
	}
	assert_int_equal(rte_eth_dev_rss_reta_update(port, reta, 512), 0);
	spread(port, BURST, 1, a);
	assert_int_equal(queues_used(a, BURST), 1);
	assert_int_equal(a[0], 2);
	memset(reta[0].reta, 0, sizeof(reta[0].reta));
	assert_int_equal(rte_eth_dev_rss_reta_query(port, reta, 512), 0);
	assert_int_equal(reta[0].reta[5], 2);
	reta[3].reta[1] = 4;
	assert_true(rte_eth_dev_rss_reta_update(port, reta, 512) < 0);
	assert_true(rte_eth_dev_rss_reta_update(port, reta, 128) < 0);
	rig_remove();
}

/* Each type hashes its own packets and no others: which come with a hash. */
static void
test_rss_types(void **state)
{
	static const struct {
		uint64_t types;
		bool hashed[4]; /* TCP and UDP over IPv4, then over IPv6 */
	} cases[] = {
		{ RTE_ETH_RSS_NONFRAG_IPV4_TCP, { true, false, false, false } },
		{ RTE_ETH_RSS_NONFRAG_IPV4_UDP, { false, true, false, false } },
		{ RTE_ETH_RSS_NONFRAG_IPV6_TCP, { false, false, true, false } },
		{ RTE_ETH_RSS_TCP, { true, false, true, false } },
		{ RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_FRAG_IPV4,
				{ false, false, false, false } },
		{ RTE_ETH_RSS_IPV4, { true, true, false, false } },
		{ RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV4_UDP, { false, true, true, true } },
	};
	const uint16_t port = rig_card(NULL);
	struct rte_eth_rss_conf conf = { 0 };
	struct rte_mbuf *m;

	(void)state;
	rig_start(port,
			&(struct rig_conf){ .rxq = 1,
					.rss_hf = RTE_ETH_RSS_IP,
					.rx_offloads = RTE_ETH_RX_OFFLOAD_RSS_HASH });
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		conf.rss_hf = cases[i].types;
		assert_int_equal(rte_eth_dev_rss_hash_update(port, &conf), 0);
		for (unsigned int k = 0; k < 4; k++) {
			m = rig_frame(&(struct rig_flow){ .v6 = k >= 2,
					.proto = k % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP,
					.src = 1,
					.dst = 2 });
			assert_int_equal(rig_send(port, 0, &m, 1), 1);
			assert_int_equal(rig_receive(port, 0, &m, 1), 1);
			if (((m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0) != cases[i].hashed[k])
				fail_msg("types %u, packet %u", i, k);
			rig_free(&m, 1);
		}
	}
	rig_remove();
}

static void
test_stats(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_eth_xstat_name *names;
	struct rte_eth_stats stats;
	struct rte_eth_xstat *x;
	struct rte_mbuf *m[BURST];
	int n;

	(void)state;
	rig_start(port, &(struct rig_conf){ .rxq = 2, .txq = 2, .rss_hf = RTE_ETH_RSS_IP });
	for (uint16_t i = 0; i < BURST; i++)
		m[i] = rig_frame(&(struct rig_flow){ .src = i, .payload = 22 });
	assert_int_equal(rig_send(port, 1, m, BURST), BURST);
	for (uint16_t q = 0; q < 2; q++)
		rig_free(m, rig_receive(port, q, m, BURST));
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.opackets, BURST);
	assert_int_equal(stats.ipackets, BURST);
	assert_int_equal(stats.ibytes, BURST * 64);
	assert_int_equal(stats.obytes, BURST * 64);
	assert_int_equal(stats.q_opackets[1], BURST);
	assert_int_equal(stats.q_ipackets[0] + stats.q_ipackets[1], BURST);
	assert_int_equal(rig_xstat(port, "wire_tx_frames"), BURST);
	assert_int_equal(rig_xstat(port, "tx_q1_packets"), BURST);
	/* Names and values are as many, and each name is there once. */
	n = rte_eth_xstats_get_names(port, NULL, 0);
	assert_true(n > 40);
	assert_int_equal(rte_eth_xstats_get(port, NULL, 0), n);
	names = calloc((size_t)n, sizeof(*names));
	x = calloc((size_t)n, sizeof(*x));
	assert_int_equal(rte_eth_xstats_get_names(port, names, (unsigned int)n), n);
	assert_int_equal(rte_eth_xstats_get(port, x, (unsigned int)n), n);
	for (int i = 0; i < n; i++) {
		uint64_t id;

		assert_int_equal(x[i].id, i);
		assert_int_equal(rte_eth_xstats_get_id_by_name(port, names[i].name, &id), 0);
		assert_int_equal(id, i);
	}
	free(names);
	free(x);
	assert_int_equal(rte_eth_xstats_reset(port), 0);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.ipackets + stats.opackets, 0);
	assert_int_equal(rig_xstat(port, "wire_tx_frames"), 0);
	rig_remove();
}

static void
test_queues(void **state)
{
	const uint16_t port = rig_card(NULL);
	const struct rte_eth_rxconf deferred = { .rx_deferred_start = 1 };
	struct rte_eth_rxq_info info;
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ .n_desc = 128 });
	assert_int_equal(rte_eth_rx_queue_info_get(port, 0, &info), 0);
	assert_int_equal(info.nb_desc, 128);
	assert_ptr_equal(info.mp, rig_pool);
	assert_int_equal(rte_eth_rx_queue_count(port, 0), 0);
	assert_int_equal(rte_eth_rx_descriptor_status(port, 0, 0), RTE_ETH_RX_DESC_AVAIL);
	assert_int_equal(rte_eth_rx_descriptor_status(port, 0, 128), -EINVAL);
	assert_int_equal(rte_eth_tx_descriptor_status(port, 0, 0), RTE_ETH_TX_DESC_DONE);
	assert_int_equal(rte_eth_dev_tx_queue_stop(port, 0), 0);
	m = rig_frame(&(struct rig_flow){ .src = 1 });
	assert_int_equal(rig_send(port, 0, &m, 1), 0);
	assert_int_equal(rte_eth_dev_tx_queue_start(port, 0), 0);
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rte_eth_dev_rx_queue_stop(port, 0), 0);
	assert_int_equal(rte_eth_rx_burst(port, 0, &m, 1), 0);
	assert_int_equal(rte_eth_dev_rx_queue_start(port, 0), 0);
	assert_int_equal(rig_receive(port, 0, &m, 1), 1);
	rig_free(&m, 1);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, &deferred, rig_pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	assert_int_equal(rte_eth_rx_burst(port, 0, &m, 1), 0);
	assert_int_equal(rte_eth_dev_rx_queue_start(port, 0), 0);
	assert_int_equal(rte_eth_dev_reset(port), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	rig_remove();
}

/* An rx interrupt: armed, a frame comes, the eventfd is readable; and at once where the frame was there before. */
static void
test_interrupts(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_epoll_event event;
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ .intr = true });
	assert_int_equal(rte_eth_dev_rx_intr_ctl_q(
					 port, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL),
			0);
	for (unsigned int i = 0; i < 4; i++) {
		if (i % 2 == 0)
			assert_int_equal(rte_eth_dev_rx_intr_enable(port, 0), 0);
		assert_int_equal(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, 0), 0);
		m = rig_frame(&(struct rig_flow){ .src = 1 });
		assert_int_equal(rig_send(port, 0, &m, 1), 1);
		if (i % 2 == 1)
			assert_int_equal(rte_eth_dev_rx_intr_enable(port, 0), 0);
		assert_int_equal(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, 1000), 1);
		assert_int_equal(rte_eth_dev_rx_intr_disable(port, 0), 0);
		assert_int_equal(rig_receive(port, 0, &m, 1), 1);
		rig_free(&m, 1);
	}
	rig_remove();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_mac_filters),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_rss),
		cmocka_unit_test(test_rss_types),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_interrupts),
	};

	return cmocka_run_group_tests_name("hwsim_port", tests, rig_init, rig_fini);
}
