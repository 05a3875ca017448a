/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port lets in: MAC addresses, VLANs, length. Settings come from librte_ethdev, which keeps them in its shared data;
 * frames are asked about by the datapath, before steering. Representors let everything in: the frames are their function's.
 */
#include <errno.h>
#include <string.h>

#include "hwsim.h"

/* librte_ethdev keeps the modes, which the datapath reads there. */
int
hwsim_promiscuous_on(struct rte_eth_dev *dev)
{
	RTE_SET_USED(dev);
	return 0;
}

int
hwsim_promiscuous_off(struct rte_eth_dev *dev)
{
	RTE_SET_USED(dev);
	return 0;
}

/* So it does with addresses. A multicast address is one like any other. */
int
hwsim_mac_add(struct rte_eth_dev *dev, struct rte_ether_addr *mac, uint32_t index, uint32_t vmdq)
{
	RTE_SET_USED(dev);
	RTE_SET_USED(mac);
	RTE_SET_USED(vmdq);
	return index < HWSIM_MACS ? 0 : -ENOSPC;
}

void
hwsim_mac_remove(struct rte_eth_dev *dev, uint32_t index)
{
	RTE_SET_USED(dev);
	RTE_SET_USED(index);
}

int
hwsim_mac_set(struct rte_eth_dev *dev, struct rte_ether_addr *mac)
{
	RTE_SET_USED(dev);
	return rte_is_valid_assigned_ether_addr(mac) ? 0 : -EINVAL;
}

int
hwsim_multicast_set(struct rte_eth_dev *dev, struct rte_ether_addr *list, uint32_t n)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	uint32_t i;

	if (n > HWSIM_MULTICASTS)
		return -ENOSPC;
	for (i = 0; i < n; i++)
		if (!rte_is_multicast_ether_addr(&list[i]))
			return -EINVAL;
	sim_lock_take(&port->card->lock);
	if (n > 0)
		memcpy(port->multicast, list, n * sizeof(*list));
	port->n_multicast = n;
	sim_lock_give(&port->card->lock);
	return 0;
}

/* librte_ethdev has checked it against dev_infos_get(); buffers are looked at again when the port starts. */
int
hwsim_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	uint16_t i;

	for (i = 0; dev->data->dev_started && i < dev->data->nb_rx_queues; i++) {
		const struct hwsim_rxq *q = dev->data->rx_queues[i];

		if ((q->offloads & RTE_ETH_RX_OFFLOAD_SCATTER) == 0 &&
				(uint32_t)mtu + RTE_ETHER_HDR_LEN + RTE_PKTMBUF_HEADROOM >
						rte_pktmbuf_data_room_size(q->pool))
			return -EINVAL;
	}
	return 0;
}

/* The table of VLANs is in librte_ethdev's data; it calls this before it changes it. */
int
hwsim_vlan_filter(struct rte_eth_dev *dev, uint16_t vlan, int on)
{
	RTE_SET_USED(dev);
	RTE_SET_USED(on);
	return vlan < RTE_ETHER_MAX_VLAN_ID + 1 ? 0 : -EINVAL;
}

int
hwsim_vlan_offload(struct rte_eth_dev *dev, int mask)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	const uint64_t strips = RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_QINQ_STRIP;
	const uint64_t on = dev->data->dev_conf.rxmode.offloads;
	uint16_t i;

	if ((mask & RTE_ETH_VLAN_FILTER_MASK) != 0)
		hwsim_set(&port->vlan_filter, (on & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) != 0);
	if ((mask & (RTE_ETH_VLAN_STRIP_MASK | RTE_ETH_QINQ_STRIP_MASK)) == 0)
		return 0;
	for (i = 0; i < dev->data->nb_rx_queues; i++) {
		struct hwsim_rxq *q = dev->data->rx_queues[i];

		if (q != NULL)
			q->offloads = (q->offloads & ~strips) | (on & strips);
	}
	hwsim_rxq_work(port);
	return 0;
}

void
hwsim_vlan_strip_queue(struct rte_eth_dev *dev, uint16_t q, int on)
{
	struct hwsim_rxq *rxq = dev->data->rx_queues[q];

	if (rxq == NULL)
		return;
	if (on != 0)
		rxq->offloads |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	else
		rxq->offloads &= ~RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	hwsim_rxq_work(hwsim_port_of(dev));
}

/* The card knows 0x8100, 0x88a8 and 0x9100 at either place, and has nothing to set. */
int
hwsim_vlan_tpid(struct rte_eth_dev *dev, enum rte_vlan_type type, uint16_t tpid)
{
	RTE_SET_USED(dev);
	if (type != RTE_ETH_VLAN_TYPE_OUTER && type != RTE_ETH_VLAN_TYPE_INNER)
		return -EINVAL;
	return tpid == 0x8100 || tpid == 0x88a8 || tpid == 0x9100 ? 0 : -ENOTSUP;
}

static bool
is_tag(const uint8_t *type)
{
	const uint16_t t = (uint16_t)(type[0] << 8 | type[1]);

	return t == RTE_ETHER_TYPE_VLAN || t == RTE_ETHER_TYPE_QINQ || t == 0x9100;
}

static bool
wants_mac(const struct hwsim_port *port, const struct rte_ether_addr *mac)
{
	const struct rte_eth_dev_data *data = port->data;
	uint32_t i;

	if (rte_is_same_ether_addr(mac, &data->mac_addrs[0]) || rte_is_broadcast_ether_addr(mac))
		return true;
	if (rte_is_multicast_ether_addr(mac)) {
		if (data->all_multicast != 0)
			return true;
		for (i = 0; i < port->n_multicast; i++)
			if (rte_is_same_ether_addr(mac, &port->multicast[i]))
				return true;
	}
	/* Addresses that are not set are zeros, which is no frame's. */
	for (i = 1; i < HWSIM_MACS; i++)
		if (rte_is_same_ether_addr(mac, &data->mac_addrs[i]))
			return !rte_is_zero_ether_addr(mac);
	return false;
}

enum sim_drop
hwsim_filter_drop(const struct hwsim_port *port, const uint8_t *data, uint32_t len,
		uint32_t frame_len)
{
	const struct rte_eth_dev_data *d = port->data;
	uint16_t vlan;

	if (len < RTE_ETHER_HDR_LEN ||
			frame_len > d->mtu + (uint32_t)RTE_ETHER_HDR_LEN + HWSIM_TAG_ROOM)
		return SIM_DROP_LENGTH;
	if (port->kind == HWSIM_REPRESENTOR)
		return SIM_DROP_COUNT;
	if (d->promiscuous == 0 && !wants_mac(port, (const struct rte_ether_addr *)data))
		return SIM_DROP_FILTER;
	if (!hwsim_is(&port->vlan_filter) || len < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN ||
			!is_tag(data + 12))
		return SIM_DROP_COUNT;
	vlan = (uint16_t)(data[14] << 8 | data[15]) & 0xfff;
	if ((d->vlan_filter_conf.ids[vlan / 64] >> (vlan % 64) & 1) != 0)
		return SIM_DROP_COUNT;
	return SIM_DROP_FILTER;
}

enum sim_drop
hwsim_filter(void *port, const struct sim_pkt *p)
{
	return hwsim_filter_drop(port, p->data, p->len, p->frame_len);
}
