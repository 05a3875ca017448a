/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports: find or attach the device, see whether it can do what the configuration asks, set up its queues. Main lcore,
 * before the workers start and after they stopped. A port that cannot be had is refused by name, with the reason.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "base/log.h"
#include "dp_priv.h"

#define RX_CHECKSUMS \
	(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | \
			RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define RSS_FIELDS (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP)

/* Says what is wrong with a port, and gives back rc. */
static int
refuse(const struct dp_port *p, int rc, const char *what, const char *remedy)
{
	log_err("port %s (%s): %s: %s%s%s\n", p->cfg->name,
			p->cfg->device != NULL ? p->cfg->device : "no device", what,
			rte_strerror(-rc), remedy[0] != '\0' ? "; " : "", remedy);
	return rc;
}

const char *
ports_name(void *ctx, uint16_t port)
{
	const struct dp *dp = ctx;

	return port < dp->n_ports ? dp->ports[port].cfg->name : "?";
}

/* "net_tap0,iface=x" -> "net_tap0" */
static void
device_name(const char *device, char *name, size_t len)
{
	size_t n = strcspn(device, ",");

	snprintf(name, len, "%.*s", (int)n, device);
}

static int
attach(struct dp_port *p)
{
	struct rte_dev_iterator it;
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t id;
	int rc;

	if (p->cfg->device == NULL)
		return refuse(p, -ENODEV, "has no device",
				"give it \"device\" in the configuration: live traffic needs one");
	device_name(p->cfg->device, name, sizeof(name));
	if (rte_eth_dev_get_port_by_name(name, &p->id) == 0)
		return 0;
	rc = rte_dev_probe(p->cfg->device);
	if (rc != 0)
		return refuse(p, rc == -1 ? -ENODEV : rc, "device cannot be attached",
				"see the driver's message above, and `dpdk-devbind.py --status` for PCI devices");
	p->own_device = true;
	RTE_ETH_FOREACH_MATCHING_DEV(id, p->cfg->device, &it)
	{
		p->id = id;
		rte_eth_iterator_cleanup(&it);
		return 0;
	}
	if (rte_eth_dev_get_port_by_name(name, &p->id) == 0)
		return 0;
	return refuse(p, -ENODEV, "driver made no Ethernet port", "is it an Ethernet device?");
}

/* Two ports of the configuration that name one device would set it up twice. */
static int
refuse_twice(const struct dp *dp, struct dp_port *p)
{
	for (const struct dp_port *other = dp->ports; other != p; other++)
		if (other->id == p->id) {
			p->id = RTE_MAX_ETHPORTS; /* the other's to close */
			return refuse(p, -EBUSY, "device is another port's already",
					other->cfg->name);
		}
	return 0;
}

uint16_t
ports_queues_steered_to(const struct dp *dp, const struct cfg_port *port)
{
	uint16_t n = 0;

	for (unsigned int i = 0; i < dp->cfg->n_classes; i++) {
		const struct cfg_class *c = &dp->cfg->classes[i];

		if (c->queue != CFG_ANY_QUEUE &&
				(c->port == CFG_ANY_PORT || &dp->cfg->ports[c->port] == port))
			n = RTE_MAX(n, (uint16_t)(c->queue + 1));
	}
	return n;
}

/* Queue counts, within what the device has. */
static int
choose_queues(const struct dp *dp, struct dp_port *p, const struct rte_eth_dev_info *info)
{
	const uint16_t workers = (uint16_t)dp->n_workers,
		       steered = ports_queues_steered_to(dp, p->cfg);

	p->n_rxq = p->cfg->rx_queues;
	if (p->n_rxq == CFG_AUTO)
		p->n_rxq = RTE_MIN(workers, info->max_rx_queues);
	p->n_txq = p->cfg->tx_queues;
	if (p->n_txq == CFG_AUTO)
		p->n_txq = RTE_MAX(steered, RTE_MIN(workers, info->max_tx_queues));
	if (p->n_rxq > info->max_rx_queues || p->n_rxq == 0)
		return refuse(p, -ERANGE, "device has fewer rx queues than asked for",
				"lower \"rx-queues\"");
	if (p->n_txq > info->max_tx_queues || p->n_txq == 0)
		return refuse(p, -ERANGE, "device has fewer tx queues than asked for",
				"lower \"tx-queues\", or the queues that classes steer to");
	if (p->n_txq < steered)
		return refuse(p, -ERANGE, "a class steers to a queue that the port does not have",
				"raise \"tx-queues\"");
	return 0;
}

/*
 * Spread packets by the endpoint that NAT leaves alone: the source on external ports, the destination on
 * internal ones, so that both directions of a connection arrive at the same worker.
 */
static void
choose_rss(struct dp_port *p, enum flow_keys keys, const struct rte_eth_dev_info *info,
		struct rte_eth_conf *conf)
{
	uint64_t only = p->cfg->role == CFG_EXTERNAL
			? RTE_ETH_RSS_L3_SRC_ONLY | RTE_ETH_RSS_L4_SRC_ONLY
			: RTE_ETH_RSS_L3_DST_ONLY | RTE_ETH_RSS_L4_DST_ONLY;
	uint64_t fields = info->flow_type_rss_offloads & RSS_FIELDS;

	/* Ports that are no part of the key spread one connection over all workers. */
	if (keys != FLOW_KEYS_5TUPLE) {
		only &= RTE_ETH_RSS_L3_SRC_ONLY | RTE_ETH_RSS_L3_DST_ONLY;
		fields &= RTE_ETH_RSS_IP;
	}
	if (p->n_rxq == 1 || fields == 0)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = fields;
	if ((info->flow_type_rss_offloads & only) == only) {
		conf->rx_adv_conf.rss_conf.rss_hf |= only;
		p->spread_by_nic = true;
	}
}

static int
set_up_queues(const struct dp *dp, struct dp_port *p, const struct rte_eth_dev_info *info,
		uint64_t rx_offloads)
{
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	uint16_t n_rx = p->cfg->rx_descriptors, n_tx = p->cfg->tx_descriptors;
	int socket = rte_eth_dev_socket_id(p->id);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &n_rx, &n_tx);

	if (rc != 0)
		return refuse(p, rc, "descriptor counts",
				"lower \"rx-descriptors\" and \"tx-descriptors\"");
	rx.offloads = rx_offloads;
	for (uint16_t q = 0; q < p->n_rxq; q++) {
		rc = rte_eth_rx_queue_setup(p->id, q, n_rx, (unsigned int)socket, &rx, dp->pool);
		if (rc != 0)
			return refuse(p, rc, "rx queue",
					"are there enough \"mbufs\", of enough \"mbuf-size\"?");
	}
	for (uint16_t q = 0; q < p->n_txq; q++) {
		rc = rte_eth_tx_queue_setup(p->id, q, n_tx, (unsigned int)socket, &tx);
		if (rc != 0)
			return refuse(p, rc, "tx queue", "");
	}
	return 0;
}

static int
set_mac(struct dp *dp, struct dp_port *p)
{
	int rc;

	if (dp->replay) { /* in-memory ports have no address of their own */
		p->mac = (struct rte_ether_addr){ { 0x02, 0, 0, 0, 0,
				(uint8_t)(p - dp->ports + 1) } };
		if (p->cfg->has_mac)
			p->mac = p->cfg->mac;
		return 0;
	}
	if (p->cfg->has_mac) {
		struct rte_ether_addr mac = p->cfg->mac;

		rc = rte_eth_dev_default_mac_addr_set(p->id, &mac);
		if (rc != 0)
			return refuse(p, rc, "device does not take a MAC address",
					"leave \"mac\" out");
	}
	rc = rte_eth_macaddr_get(p->id, &p->mac);
	return rc != 0 ? refuse(p, rc, "MAC address", "") : 0;
}

/* What can only be asked of a configured device. Devices without filters see everything anyway. */
static int
set_filters(struct dp_port *p)
{
	int rc;

	if (p->cfg->promiscuous) {
		rc = rte_eth_promiscuous_enable(p->id);
		if (rc != 0 && rc != -ENOTSUP)
			return refuse(p, rc, "promiscuous mode", "leave \"promiscuous\" out");
	}
	rc = rte_eth_allmulticast_enable(p->id); /* neighbour discovery is multicast */
	if (rc != 0 && rc != -ENOTSUP)
		log_warn("port %s: no multicast reception: IPv6 neighbours may not find it\n",
				p->cfg->name);
	return 0;
}

static int
configure(struct dp *dp, struct dp_port *p)
{
	struct rte_eth_conf conf = { .rxmode = { .mtu = p->cfg->mtu } };
	struct rte_eth_dev_info info;
	uint16_t mtu;
	int rc = rte_eth_dev_info_get(p->id, &info);

	if (rc != 0)
		return refuse(p, rc, "device information", "");
	if (p->cfg->mtu > info.max_mtu || p->cfg->mtu < info.min_mtu)
		return refuse(p, -ERANGE, "device cannot do this \"mtu\"", "change it");
	rc = choose_queues(dp, p, &info);
	if (rc != 0)
		return rc;
	choose_rss(p, cfg_zone_keys(dp->cfg, p->cfg->zone), &info, &conf);
	conf.rxmode.offloads = info.rx_offload_capa & RX_CHECKSUMS;
	rc = rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &conf);
	if (rc != 0)
		return refuse(p, rc, "device refuses its configuration",
				"see the driver's message above");
	rc = set_up_queues(dp, p, &info, conf.rxmode.offloads);
	if (rc != 0)
		return rc;
	if (rte_eth_dev_get_mtu(p->id, &mtu) == 0 && mtu != p->cfg->mtu) {
		rc = rte_eth_dev_set_mtu(p->id, p->cfg->mtu);
		if (rc != 0 && !(rc == -ENOTSUP && mtu > p->cfg->mtu))
			return refuse(p, rc, "device cannot do this \"mtu\"", "change it");
	}
	rc = set_mac(dp, p);
	return rc != 0 ? rc : set_filters(p);
}

static void
set_parser(const struct dp *dp, struct dp_port *p)
{
	p->parse = (struct parse_params){
		.mac = p->mac,
		.zone = p->cfg->zone,
		.keys = cfg_zone_keys(dp->cfg, p->cfg->zone),
		.hasher = *ct_hasher(dp->ct),
		.sum = cksum_sum_best(),
		.promiscuous = p->cfg->promiscuous,
		.verify_l4 = dp->cfg->conntrack.checksum == CFG_CHECKSUM_ALL,
		.forward_multicast = dp->cfg->l3.multicast == CFG_FORWARD,
	};
}

int
ports_open(struct dp *dp)
{
	dp->ports = rte_calloc("ports", dp->cfg->n_ports, sizeof(*dp->ports), 0);
	if (dp->ports == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->cfg->n_ports; i++) {
		struct dp_port *p = &dp->ports[i];
		int rc;

		p->cfg = &dp->cfg->ports[i];
		p->id = RTE_MAX_ETHPORTS;
		dp->n_ports = i + 1;
		rc = dp->replay ? replay_attach(dp, i) : attach(p);
		if (rc == 0)
			rc = refuse_twice(dp, p);
		if (rc == 0)
			rc = configure(dp, p);
		if (rc != 0)
			return rc;
		set_parser(dp, p);
	}
	return 0;
}

int
ports_start(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct dp_port *p = &dp->ports[i];
		int rc = rte_eth_dev_start(p->id);

		if (rc != 0)
			return refuse(p, rc, "device does not start",
					"see the driver's message above");
		p->started = true;
	}
	return 0;
}

void
ports_close(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct dp_port *p = &dp->ports[i];
		struct rte_eth_dev_info info;
		struct rte_device *device = NULL;

		if (p->id == RTE_MAX_ETHPORTS)
			continue;
		if (p->started)
			rte_eth_dev_stop(p->id);
		if (p->own_device && rte_eth_dev_info_get(p->id, &info) == 0)
			device = info.device;
		rte_eth_dev_close(p->id);
		if (device != NULL)
			rte_dev_remove(device);
	}
	if (dp->replay)
		replay_detach(dp);
	rte_free(dp->ports);
	dp->ports = NULL;
	dp->n_ports = 0;
}
