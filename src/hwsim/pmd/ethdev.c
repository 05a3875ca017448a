/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ethdev as a whole: capabilities, configure, start, stop, close, link. Called by librte_ethdev on control threads, one
 * at a time for a port. What a queue does is queues.c, what happens to packets rxtx_*.c.
 */
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>

#include "hwsim.h"

/* Everything around the MTU: Ethernet header and two tags. */
#define FRAME_OVER (RTE_ETHER_HDR_LEN + HWSIM_TAG_ROOM)

static uint32_t
speed_capa(uint32_t mbps)
{
	static const struct {
		uint32_t mbps, capa;
	} speeds[] = {
		{ 10, RTE_ETH_LINK_SPEED_10M },
		{ 100, RTE_ETH_LINK_SPEED_100M },
		{ 1000, RTE_ETH_LINK_SPEED_1G },
		{ 2500, RTE_ETH_LINK_SPEED_2_5G },
		{ 5000, RTE_ETH_LINK_SPEED_5G },
		{ 10000, RTE_ETH_LINK_SPEED_10G },
		{ 20000, RTE_ETH_LINK_SPEED_20G },
		{ 25000, RTE_ETH_LINK_SPEED_25G },
		{ 40000, RTE_ETH_LINK_SPEED_40G },
		{ 50000, RTE_ETH_LINK_SPEED_50G },
		{ 56000, RTE_ETH_LINK_SPEED_56G },
		{ 100000, RTE_ETH_LINK_SPEED_100G },
		{ 200000, RTE_ETH_LINK_SPEED_200G },
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(speeds); i++)
		if (speeds[i].mbps == mbps)
			return speeds[i].capa;
	return RTE_ETH_LINK_SPEED_AUTONEG;
}

int
hwsim_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct hwsim_port *port = hwsim_port_of(dev);
	const struct sim_profile *p = &port->card->profile;
	const uint16_t desc = (uint16_t)RTE_MIN(p->queues_desc_max, 32768u);

	info->min_mtu = RTE_ETHER_MIN_MTU;
	info->max_mtu = SIM_FRAME_MAX - FRAME_OVER;
	info->min_rx_bufsize = 128;
	info->max_rx_pktlen = SIM_FRAME_MAX;
	/* An RSS table can name no more than these. */
	info->max_rx_queues = (uint16_t)RTE_MIN(p->queues_rx, (uint32_t)SIM_RSS_QUEUES_MAX);
	info->max_tx_queues = (uint16_t)RTE_MIN(p->queues_tx, (uint32_t)RTE_MAX_QUEUES_PER_PORT);
	info->max_mac_addrs = HWSIM_MACS;
	info->rx_offload_capa = HWSIM_RX_OFFLOADS;
	info->rx_queue_offload_capa = HWSIM_RX_OFFLOADS & ~RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	info->tx_offload_capa = HWSIM_TX_OFFLOADS;
	info->tx_queue_offload_capa = HWSIM_TX_OFFLOADS;
	info->reta_size = HWSIM_RETA;
	info->hash_key_size = SIM_RSS_KEY;
	info->flow_type_rss_offloads = hwsim_rss_types;
	info->speed_capa = speed_capa(p->mac_mbps);
	info->rx_desc_lim = (struct rte_eth_desc_lim){ .nb_max = desc,
		.nb_min = 1,
		.nb_align = 1,
		.nb_seg_max = UINT8_MAX,
		.nb_mtu_seg_max = UINT8_MAX };
	info->tx_desc_lim = info->rx_desc_lim;
	info->default_rxportconf = (struct rte_eth_dev_portconf){
		.burst_size = 32, .ring_size = RTE_MIN(desc, 1024), .nb_queues = 1
	};
	info->default_txportconf = info->default_rxportconf;
	info->default_rxconf.rx_free_thresh = 32;
	info->switch_info.name = port->card->name;
	info->switch_info.domain_id = port->kind == HWSIM_FUNCTION
			? RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID
			: port->card->domain;
	info->switch_info.port_id = port->sw;
	return 0;
}

static int
configure(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	const struct rte_eth_conf *conf = &dev->data->dev_conf;
	struct hwsim_card *card = port->card;
	struct sim_lock *locks;
	uint16_t n = RTE_MAX(dev->data->nb_tx_queues, 1);

	if ((conf->rxmode.mq_mode & ~RTE_ETH_MQ_RX_RSS_FLAG) != 0 ||
			conf->txmode.mq_mode != RTE_ETH_MQ_TX_NONE) {
		HWSIM_LOG(ERR, "%s: no DCB and no VMDq", dev->data->name);
		return -ENOTSUP;
	}
	if ((conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0 && card->stamp_at < 0 &&
			rte_mbuf_dyn_rx_timestamp_register(&card->stamp_at, &card->stamp_flag) != 0)
		return -rte_errno;
	locks = rte_zmalloc("net_hwsim", n * sizeof(*locks), 0);
	if (locks == NULL)
		return -ENOMEM;
	/* Other ports may be sending into this one's wire: under the card's lock they see the old locks or the new. */
	sim_lock_take(&card->lock);
	rte_free(port->tx_lock);
	port->tx_lock = locks;
	sim_lock_give(&card->lock);
	hwsim_vlan_offload(dev, RTE_ETH_VLAN_FILTER_MASK);
	return hwsim_rss_configure(port, conf);
}

/* Every frame of the MTU must fit a buffer, or may be scattered over several. */
static int
check_buffers(struct rte_eth_dev *dev)
{
	const uint32_t frame = dev->data->mtu + RTE_ETHER_HDR_LEN;
	uint16_t i;

	for (i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct hwsim_rxq *q = dev->data->rx_queues[i];
		uint32_t room = q == NULL ? 0 : rte_pktmbuf_data_room_size(q->pool);

		if (q == NULL)
			return -EINVAL;
		room -= RTE_MIN(room, (uint32_t)RTE_PKTMBUF_HEADROOM);
		if (room >= frame || (q->offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0)
			continue;
		HWSIM_LOG(ERR, "%s: frames of %u bytes do not fit buffers of %u (offload SCATTER)",
				dev->data->name, frame, room);
		return -EINVAL;
	}
	for (i = 0; i < dev->data->nb_tx_queues; i++)
		if (dev->data->tx_queues[i] == NULL)
			return -EINVAL;
	return 0;
}

static void
stop_queues(struct rte_eth_dev *dev)
{
	uint16_t i;

	for (i = 0; i < dev->data->nb_rx_queues; i++)
		hwsim_rxq_stop(dev, i);
	for (i = 0; i < dev->data->nb_tx_queues; i++)
		hwsim_txq_stop(dev, i);
}

static int
start_queues(struct rte_eth_dev *dev)
{
	uint16_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < dev->data->nb_rx_queues; i++) {
		const struct hwsim_rxq *q = dev->data->rx_queues[i];

		if (!q->deferred)
			rc = hwsim_rxq_start(dev, i);
	}
	for (i = 0; rc == 0 && i < dev->data->nb_tx_queues; i++) {
		const struct hwsim_txq *q = dev->data->tx_queues[i];

		if (!q->deferred)
			rc = hwsim_txq_start(dev, i);
	}
	if (rc != 0)
		stop_queues(dev);
	return rc;
}

static void
set_started(struct hwsim_port *port, bool on)
{
	struct hwsim_card *card = port->card;

	sim_lock_take(&card->lock);
	hwsim_set(&port->started, on);
	if (on && card->model != NULL && port->kind == HWSIM_UPLINK)
		sim_nic_filter(card->model, port->sw, hwsim_filter, port);
	sim_lock_give(&card->lock);
}

static int
start(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	int rc = check_buffers(dev);

	if (rc == 0)
		rc = hwsim_intr_setup(dev);
	if (rc == 0)
		rc = start_queues(dev);
	if (rc != 0) {
		hwsim_intr_release(dev);
		return rc;
	}
	hwsim_rss_spread(port);
	hwsim_rxq_work(port);
	set_started(port, true);
	dev->rx_pkt_burst = port->card->model != NULL ? hwsim_rx_timed : hwsim_rx_off;
	dev->tx_pkt_burst = port->card->model != NULL ? hwsim_tx_timed : hwsim_tx_off;
	/* The link is up before rte_eth_dev_start() says that the port is started. */
	dev->data->dev_started = 1;
	hwsim_link_update(dev, 0);
	return 0;
}

static int
stop(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);

	if (!port->started)
		return 0;
	dev->rx_pkt_burst = hwsim_rx_none;
	dev->tx_pkt_burst = hwsim_tx_none;
	set_started(port, false);
	stop_queues(dev);
	hwsim_intr_release(dev);
	dev->data->dev_started = 0;
	hwsim_link_update(dev, 0);
	return 0;
}

/* The last ethdev takes the card with it. */
static void
leave_card(struct hwsim_port *port)
{
	struct hwsim_card *card = port->card;
	struct hwsim_names *names = port->names;

	sim_lock_take(&card->life);
	sim_lock_take(&card->lock);
	if (port->kind == HWSIM_FUNCTION)
		card->far[port->sw] = NULL;
	else
		card->host[port->sw] = NULL;
	if (card->model != NULL)
		sim_nic_filter(card->model, port->sw, NULL, NULL);
	card->n_ethdevs--;
	sim_lock_give(&card->lock);
	sim_lock_give(&card->life);
	rte_free(port->tx_lock);
	port->tx_lock = NULL;
	port->card = NULL;
	if (card->n_ethdevs > 0)
		return;
	hwsim_card_destroy(card);
	rte_free(names);
}

int
hwsim_dev_close(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	uint16_t i;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY || port->card == NULL)
		return 0;
	stop(dev);
	if (port->kind != HWSIM_FUNCTION)
		hwf_port_close(port->card->hwf, port->sw);
	for (i = 0; i < dev->data->nb_rx_queues; i++)
		hwsim_rxq_release(dev, i);
	for (i = 0; i < dev->data->nb_tx_queues; i++)
		hwsim_txq_release(dev, i);
	leave_card(port);
	return 0;
}

/* Rules, filters and statistics as they were after probe; queues stay to be configured anew. */
static int
reset(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);

	stop(dev);
	if (port->kind != HWSIM_FUNCTION)
		hwf_port_close(port->card->hwf, port->sw);
	port->n_multicast = 0;
	hwsim_set(&port->admin_up, true);
	port->ptypes = true;
	memset(&dev->data->vlan_filter_conf, 0, sizeof(dev->data->vlan_filter_conf));
	return hwsim_stats_reset(dev);
}

int
hwsim_link_update(struct rte_eth_dev *dev, int wait)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	struct hwsim_card *card = port->card;
	const bool far = port->wire == NULL || port->wire->ops->link == NULL ||
			port->wire->ops->link(port->wire);
	const bool up = hwsim_is(&port->started) && hwsim_is(&port->admin_up) && far;
	struct rte_eth_link link = {
		.link_speed = up ? card->profile.mac_mbps : RTE_ETH_SPEED_NUM_NONE,
		.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_AUTONEG,
		.link_status = up ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN,
	};

	RTE_SET_USED(wait);
	return rte_eth_linkstatus_set(dev, &link);
}

/* A link that somebody switched: the model's too, and whoever asked for the event hears of it. */
static int
link_switch(struct rte_eth_dev *dev, bool up)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	struct hwsim_card *card = port->card;

	hwsim_set(&port->admin_up, up);
	sim_lock_take(&card->lock);
	if (card->model != NULL && port->kind == HWSIM_UPLINK)
		sim_nic_link(card->model, port->sw, up);
	sim_lock_give(&card->lock);
	if (hwsim_link_changed(port))
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_LSC, NULL);
	return 0;
}

int
hwsim_link_up(struct rte_eth_dev *dev)
{
	return link_switch(dev, true);
}

int
hwsim_link_down(struct rte_eth_dev *dev)
{
	return link_switch(dev, false);
}

bool
hwsim_link_changed(struct hwsim_port *port)
{
	struct rte_eth_dev *dev = &rte_eth_devices[port->ethdev];

	return hwsim_link_update(dev, 0) == 0 && dev->data->dev_conf.intr_conf.lsc != 0;
}

static int
fw_version(struct rte_eth_dev *dev, char *text, size_t size)
{
	const struct hwsim_port *port = hwsim_port_of(dev);
	static const char *const clocks[] = { "off", "tsc", "virtual" };
	const int n = snprintf(text, size, "profile %s, clock %s", port->card->profile.name,
			clocks[port->card->args.clock]);

	if (n < 0)
		return -EINVAL;
	return (size_t)n < size ? 0 : n + 1;
}

static int
read_clock(struct rte_eth_dev *dev, uint64_t *cycles)
{
	struct hwsim_card *card = hwsim_port_of(dev)->card;

	sim_lock_take(&card->lock);
	*cycles = hwsim_clock_cycles(card);
	sim_lock_give(&card->lock);
	return 0;
}

/* Marks are always there: nothing has to be switched on for them. */
static int
rx_metadata(struct rte_eth_dev *dev, uint64_t *features)
{
	RTE_SET_USED(dev);
	*features &= RTE_ETH_RX_METADATA_USER_FLAG | RTE_ETH_RX_METADATA_USER_MARK |
			RTE_ETH_RX_METADATA_TUNNEL_ID;
	return 0;
}

/* One range of functions, controller 0, of which those with an ethdev are a part. */
static int
representor_info(struct rte_eth_dev *dev, struct rte_eth_representor_info *info)
{
	const struct hwsim_card *card = hwsim_port_of(dev)->card;

	if (info == NULL)
		return 1;
	if (info->nb_ranges_alloc < 1)
		return -ENOMEM;
	info->controller = 0;
	info->pf = 0;
	info->nb_ranges = 1;
	info->ranges[0] = (struct rte_eth_representor_range){
		.type = RTE_ETH_REPRESENTOR_VF, .vf = 0, .id_base = 0, .id_end = UINT16_MAX - 1
	};
	snprintf(info->ranges[0].name, sizeof(info->ranges[0].name), "%.32s_representor_vf",
			card->name);
	return 1;
}

const struct eth_dev_ops hwsim_ops = {
	.dev_configure = configure,
	.dev_start = start,
	.dev_stop = stop,
	.dev_set_link_up = hwsim_link_up,
	.dev_set_link_down = hwsim_link_down,
	.dev_close = hwsim_dev_close,
	.dev_reset = reset,
	.link_update = hwsim_link_update,
	.promiscuous_enable = hwsim_promiscuous_on,
	.promiscuous_disable = hwsim_promiscuous_off,
	.allmulticast_enable = hwsim_promiscuous_on,
	.allmulticast_disable = hwsim_promiscuous_off,
	.mac_addr_remove = hwsim_mac_remove,
	.mac_addr_add = hwsim_mac_add,
	.mac_addr_set = hwsim_mac_set,
	.set_mc_addr_list = hwsim_multicast_set,
	.mtu_set = hwsim_mtu_set,
	.stats_get = hwsim_stats_get,
	.stats_reset = hwsim_stats_reset,
	.xstats_get = hwsim_xstats_get,
	.xstats_reset = hwsim_stats_reset,
	.xstats_get_names = hwsim_xstats_names,
	.xstats_get_by_id = hwsim_xstats_get_by_id,
	.xstats_get_names_by_id = hwsim_xstats_names_by_id,
	.dev_infos_get = hwsim_infos_get,
	.rxq_info_get = hwsim_rxq_info,
	.txq_info_get = hwsim_txq_info,
	.rx_burst_mode_get = hwsim_rx_mode,
	.tx_burst_mode_get = hwsim_tx_mode,
	.fw_version_get = fw_version,
	.dev_supported_ptypes_get = hwsim_ptypes_get,
	.dev_ptypes_set = hwsim_ptypes_set,
	.vlan_filter_set = hwsim_vlan_filter,
	.vlan_tpid_set = hwsim_vlan_tpid,
	.vlan_strip_queue_set = hwsim_vlan_strip_queue,
	.vlan_offload_set = hwsim_vlan_offload,
	.rx_queue_start = hwsim_rxq_start,
	.rx_queue_stop = hwsim_rxq_stop,
	.tx_queue_start = hwsim_txq_start,
	.tx_queue_stop = hwsim_txq_stop,
	.rx_queue_setup = hwsim_rxq_setup,
	.rx_queue_release = hwsim_rxq_release,
	.rx_queue_intr_enable = hwsim_intr_enable,
	.rx_queue_intr_disable = hwsim_intr_disable,
	.tx_queue_setup = hwsim_txq_setup,
	.tx_queue_release = hwsim_txq_release,
	.tx_done_cleanup = hwsim_tx_cleanup,
	.rss_hash_update = hwsim_rss_update,
	.rss_hash_conf_get = hwsim_rss_get,
	.reta_update = hwsim_reta_update,
	.reta_query = hwsim_reta_query,
	.flow_ops_get = hwsim_flow_ops_get,
	.mtr_ops_get = hwsim_mtr_ops_get,
	.read_clock = read_clock,
	.representor_info_get = representor_info,
	.rx_metadata_negotiate = rx_metadata,
};

/* A secondary process may look. */
static int
secondary_infos(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	info->max_rx_queues = dev->data->nb_rx_queues;
	info->max_tx_queues = dev->data->nb_tx_queues;
	info->min_mtu = info->max_mtu = dev->data->mtu;
	info->max_mac_addrs = HWSIM_MACS;
	return 0;
}

static int
secondary_link(struct rte_eth_dev *dev, int wait)
{
	RTE_SET_USED(dev);
	RTE_SET_USED(wait);
	return 0; /* as the primary process left it in shared memory */
}

const struct eth_dev_ops hwsim_secondary_ops = {
	.dev_close = hwsim_dev_close,
	.dev_infos_get = secondary_infos,
	.link_update = secondary_link,
	.stats_get = hwsim_stats_get,
};
