/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * [Features] of hwsim.ini is what a port announces or does: each line of it has a question here, whose answer must be yes, and
 * what the port can do besides must be in the file.
 */
#include "test_hwsim_rig.h"

#include <stdio.h>

static uint16_t port;
static struct rte_eth_dev_info info;

static bool
rx(uint64_t offloads)
{
	return (info.rx_offload_capa & offloads) == offloads;
}

static bool
tx(uint64_t offloads)
{
	return (info.tx_offload_capa & offloads) == offloads;
}

static bool
speed(void)
{
	return info.speed_capa != 0;
}

static bool
link_status(void)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static bool
link_event(void)
{
	return (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
}

static bool
interrupt(void)
{
	return rte_eth_dev_rx_intr_enable(port, 0) == 0 &&
			rte_eth_dev_rx_intr_disable(port, 0) == 0;
}

static bool
queue_stop(void)
{
	return rte_eth_dev_rx_queue_stop(port, 0) == 0 &&
			rte_eth_dev_rx_queue_start(port, 0) == 0 &&
			rte_eth_dev_tx_queue_stop(port, 0) == 0 &&
			rte_eth_dev_tx_queue_start(port, 0) == 0;
}

static bool
burst_mode(void)
{
	struct rte_eth_burst_mode mode;

	return rte_eth_rx_burst_mode_get(port, 0, &mode) == 0 && mode.info[0] != '\0' &&
			rte_eth_tx_burst_mode_get(port, 0, &mode) == 0 && mode.info[0] != '\0';
}

static bool
mtu(void)
{
	return rte_eth_dev_set_mtu(port, 1400) == 0;
}

static bool
scattered(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_SCATTER);
}

static bool
tso(void)
{
	return tx(RTE_ETH_TX_OFFLOAD_TCP_TSO);
}

static bool
lro(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_TCP_LRO);
}

static bool
promiscuous(void)
{
	return rte_eth_promiscuous_disable(port) == 0 && rte_eth_promiscuous_enable(port) == 0;
}

static bool
allmulticast(void)
{
	return rte_eth_allmulticast_enable(port) == 0;
}

static bool
unicast(void)
{
	struct rte_ether_addr mac = { { 2, 1, 1, 1, 1, 1 } };

	return rte_eth_dev_mac_addr_add(port, &mac, 0) == 0;
}

static bool
multicast(void)
{
	struct rte_ether_addr mac = { { 1, 1, 1, 1, 1, 1 } };

	return rte_eth_dev_set_mc_addr_list(port, &mac, 1) == 0;
}

static bool
rss(void)
{
	return (info.flow_type_rss_offloads & RTE_ETH_RSS_IP) == RTE_ETH_RSS_IP;
}

static bool
rss_key(void)
{
	uint8_t key[40] = { 1 };
	struct rte_eth_rss_conf conf = {
		.rss_key = key, .rss_key_len = 40, .rss_hf = RTE_ETH_RSS_IP
	};

	return rte_eth_dev_rss_hash_update(port, &conf) == 0;
}

static bool
reta(void)
{
	struct rte_eth_rss_reta_entry64 table[RTE_ETH_RSS_RETA_SIZE_512 / 64] = { { .mask = 1 } };

	return rte_eth_dev_rss_reta_update(port, table, info.reta_size) == 0;
}

static bool
inner_rss(void)
{
	return (info.flow_type_rss_offloads & RTE_ETH_RSS_LEVEL_MASK) != 0;
}

static bool
vlan_filter(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_VLAN_FILTER);
}

static bool
vlan_offload(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_VLAN_STRIP) && tx(RTE_ETH_TX_OFFLOAD_VLAN_INSERT);
}

static bool
qinq(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_QINQ_STRIP) && tx(RTE_ETH_TX_OFFLOAD_QINQ_INSERT);
}

static bool
l3(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) && tx(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM);
}

static bool
l4(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
			       RTE_ETH_RX_OFFLOAD_SCTP_CKSUM) &&
			tx(RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
					RTE_ETH_TX_OFFLOAD_SCTP_CKSUM);
}

static bool
timestamp(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_TIMESTAMP);
}

static bool
inner_l3(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM) && tx(RTE_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM);
}

static bool
inner_l4(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM) && tx(RTE_ETH_TX_OFFLOAD_OUTER_UDP_CKSUM);
}

static bool
crc(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_KEEP_CRC);
}

static bool
macsec(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_MACSEC_STRIP);
}

static bool
crypto(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_SECURITY);
}

static bool
split(void)
{
	return rx(RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT);
}

static bool
lock_free(void)
{
	return tx(RTE_ETH_TX_OFFLOAD_MT_LOCKFREE);
}

static bool
fast_free(void)
{
	return tx(RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
}

static bool
runtime_rx(void)
{
	return (info.dev_capa & RTE_ETH_DEV_CAPA_RUNTIME_RX_QUEUE_SETUP) != 0;
}

static bool
flow_control(void)
{
	struct rte_eth_fc_conf conf;

	return rte_eth_dev_flow_ctrl_get(port, &conf) == 0;
}

static bool
types(void)
{
	return rte_eth_dev_get_supported_ptypes(port, RTE_PTYPE_ALL_MASK, NULL, 0) > 0;
}

static bool
rx_status(void)
{
	return rte_eth_rx_descriptor_status(port, 0, 0) >= 0;
}

static bool
tx_status(void)
{
	return rte_eth_tx_descriptor_status(port, 0, 0) >= 0;
}

static bool
stats(void)
{
	struct rte_eth_stats s;

	return rte_eth_stats_get(port, &s) == 0;
}

static bool
xstats(void)
{
	return rte_eth_xstats_get(port, NULL, 0) > 40;
}

static bool
firmware(void)
{
	char text[128];

	return rte_eth_dev_fw_version_get(port, text, sizeof(text)) == 0;
}

/* Said of the program, not by it. */
static bool
granted(void)
{
	return true;
}

static const struct {
	const char *name;
	bool (*is)(void);
} questions[] = {
	{ "Speed capabilities", speed },
	{ "Link status", link_status },
	{ "Link status event", link_event },
	{ "Rx interrupt", interrupt },
	{ "Queue start/stop", queue_stop },
	{ "Burst mode info", burst_mode },
	{ "MTU update", mtu },
	{ "Scattered Rx", scattered },
	{ "TSO", tso },
	{ "LRO", lro },
	{ "Promiscuous mode", promiscuous },
	{ "Allmulticast mode", allmulticast },
	{ "Unicast MAC filter", unicast },
	{ "Multicast MAC filter", multicast },
	{ "RSS hash", rss },
	{ "RSS key update", rss_key },
	{ "RSS reta update", reta },
	{ "Inner RSS", inner_rss },
	{ "VLAN filter", vlan_filter },
	{ "VLAN offload", vlan_offload },
	{ "QinQ offload", qinq },
	{ "L3 checksum offload", l3 },
	{ "L4 checksum offload", l4 },
	{ "Timestamp offload", timestamp },
	{ "Inner L3 checksum", inner_l3 },
	{ "Inner L4 checksum", inner_l4 },
	{ "CRC offload", crc },
	{ "MACsec offload", macsec },
	{ "Inline crypto", crypto },
	{ "Buffer split on Rx", split },
	{ "Lock-free Tx queue", lock_free },
	{ "Fast mbuf free", fast_free },
	{ "Runtime Rx queue setup", runtime_rx },
	{ "Flow control", flow_control },
	{ "Packet type parsing", types },
	{ "Rx descriptor status", rx_status },
	{ "Tx descriptor status", tx_status },
	{ "Basic stats", stats },
	{ "Extended stats", xstats },
	{ "Stats per queue", stats },
	{ "FW version", firmware },
	{ "Multiprocess aware", granted },
	{ "x86-64", granted },
	{ "Usage doc", granted },
};

static bool listed[RTE_DIM(questions)];

static void
read_ini(void)
{
	const char *source = getenv("SHUNT_SOURCE_DIR");
	char path[4096], line[256];
	bool in = false;
	FILE *f;

	assert_non_null(source);
	snprintf(path, sizeof(path), "%s/src/hwsim/pmd/hwsim.ini", source);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned int i;
		size_t n;

		if (line[0] == '[')
			in = strncmp(line, "[Features]", 10) == 0;
		n = strcspn(line, "=");
		if (!in || line[n] != '=' || line[0] == ';')
			continue;
		while (n > 0 && line[n - 1] == ' ')
			n--;
		line[n] = '\0';
		for (i = 0; i < RTE_DIM(questions); i++)
			if (strcmp(questions[i].name, line) == 0)
				break;
		if (i == RTE_DIM(questions))
			fail_msg("hwsim.ini: nobody asks whether \"%s\" is true", line);
		listed[i] = true;
	}
	fclose(f);
}

static void
test_features(void **state)
{
	(void)state;
	read_ini();
	port = rig_card(NULL);
	rig_start(port, &(struct rig_conf){ .intr = true, .lsc = true, .rss_hf = RTE_ETH_RSS_IP });
	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	for (unsigned int i = 0; i < RTE_DIM(questions); i++)
		if (questions[i].is() != listed[i])
			fail_msg("%s: the port says %d, hwsim.ini %d", questions[i].name,
					!listed[i], listed[i]);
	rig_remove();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_features) };

	return cmocka_run_group_tests_name("hwsim_features", tests, rig_init, rig_fini);
}
