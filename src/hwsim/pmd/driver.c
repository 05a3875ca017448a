/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver net_hwsim: probe and remove, called by the vdev bus (start of EAL, hotplug, rte_eal_cleanup()). One vdev is one
 * card with several ethdevs. The card lives as long as any of them: no list of cards is kept, remove() finds the ethdevs by
 * their device.
 */
#include <stdlib.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "hwsim.h"

RTE_LOG_REGISTER(hwsim_logtype, pmd.net.hwsim, NOTICE);

bool
hwsim_is_ours(const struct rte_eth_dev *dev)
{
	return dev->dev_ops == &hwsim_ops;
}

/* Locally administered, and the same in every run: 02, "hw", then card, end and port. */
static void
make_mac(struct hwsim_port *port, struct rte_ether_addr *mac)
{
	const char *name = port->card->name;
	uint32_t card = 0;

	/* net_hwsim0 and net_hwsim1 in one program differ, whatever the names are. */
	for (; *name != '\0'; name++)
		card = card * 31 + (uint8_t)*name;
	*mac = (struct rte_ether_addr){ .addr_bytes = { 0x02, 0x68, 0x77, (uint8_t)card,
							port->kind == HWSIM_FUNCTION ? 1 : 0,
							(uint8_t)port->sw } };
}

static void
fill_port(struct hwsim_port *port, struct rte_eth_dev *dev)
{
	struct rte_eth_dev_data *data = dev->data;
	const struct hwsim_card *card = port->card;

	port->data = data;
	port->ethdev = data->port_id;
	port->admin_up = true;
	port->ptypes = true;
	make_mac(port, &data->mac_addrs[0]);
	data->dev_link = (struct rte_eth_link){ .link_speed = RTE_ETH_SPEED_NUM_NONE,
		.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_AUTONEG,
		.link_status = RTE_ETH_LINK_DOWN };
	data->dev_flags |= RTE_ETH_DEV_INTR_LSC;
	data->backer_port_id = card->host[0] != NULL ? card->host[0]->ethdev : port->ethdev;
	if (port->kind == HWSIM_REPRESENTOR) {
		data->dev_flags |= RTE_ETH_DEV_REPRESENTOR;
		data->representor_id = card->args.representors[port->sw - card->n_wires];
	}
}

static int
open_wire(struct hwsim_port *port, struct sim_error *e)
{
	struct hwsim_card *card = port->card;
	const struct hwsim_args *a = &card->args;
	const char *text = a->wire[port->sw] != NULL ? a->wire[port->sw] : a->wire_all;
	struct wire_params params = {
		.text = text != NULL ? text : "loop",
		.port = port->sw,
		.ethdev = port->ethdev,
		.seed = a->seed,
		.link_bps = (uint64_t)card->profile.mac_mbps * 1000000,
		.unpaced = a->clock == HWSIM_CLOCK_OFF,
		.socket = port->data->numa_node,
	};
	struct sim_error why = { .text = "" };
	uint16_t peer;
	int rc = wire_peer_port(params.text, &peer);

	memcpy(params.mac, &port->data->mac_addrs[0], sizeof(params.mac));
	if (rc == 0 && peer < card->n_wires)
		params.peer = card->wire[peer];
	else if (rc == 0)
		return sim_fail(e, EINVAL, "wire%u=%s: the card has ports 0 to %u", port->sw,
				params.text, card->n_wires - 1);
	rc = wire_open(&params, &port->wire, &why);
	if (rc != 0)
		return sim_fail(e, -rc, "wire of port %u: %s", port->sw, why.text);
	card->wire[port->sw] = port->wire;
	/* In cycles it is the card that spreads. */
	port->spreads = card->model == NULL && port->wire->ops->spread != NULL;
	return 0;
}

/* An ethdev of `card`; `names` is of all of them. On error nothing of it is left. */
static int
make_port(struct hwsim_card *card, struct rte_vdev_device *vdev, const char *name,
		struct hwsim_port *as, struct sim_error *e)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocate(name);
	struct hwsim_port *port;
	int rc = 0;

	if (dev == NULL)
		return sim_fail(e, ENOMEM, "%s: no ethdev is left, or there is one of this name",
				name);
	dev->device = &vdev->device;
	dev->data->numa_node = vdev->device.numa_node;
	port = rte_zmalloc_socket(name, sizeof(*port), RTE_CACHE_LINE_SIZE, dev->data->numa_node);
	dev->data->dev_private = port;
	dev->data->mac_addrs = rte_calloc(name, HWSIM_MACS, sizeof(struct rte_ether_addr), 0);
	if (port == NULL || dev->data->mac_addrs == NULL) {
		rte_eth_dev_release_port(dev);
		return sim_fail(e, ENOMEM, "%s: no memory", name);
	}
	*port = *as;
	port->card = card;
	fill_port(port, dev);
	dev->dev_ops = &hwsim_ops;
	dev->rx_pkt_burst = hwsim_rx_none;
	dev->tx_pkt_burst = hwsim_tx_none;
	dev->tx_pkt_prepare = hwsim_tx_prepare;
	dev->rx_queue_count = hwsim_rxq_count;
	dev->rx_descriptor_status = hwsim_rx_status;
	dev->tx_descriptor_status = hwsim_tx_status;
	if (port->kind == HWSIM_UPLINK)
		rc = open_wire(port, e);
	if (rc != 0) {
		rte_eth_dev_release_port(dev);
		return rc;
	}
	if (port->kind == HWSIM_FUNCTION)
		card->far[port->sw] = port;
	else
		card->host[port->sw] = port;
	card->n_ethdevs++;
	return 0;
}

static int
name_port(struct hwsim_names *names, const char *card, const char *suffix, unsigned int i)
{
	char *name = names->name[names->n];
	int n = i == 0 && suffix[1] == 'p'
			? snprintf(name, RTE_ETH_NAME_MAX_LEN, "%s", card)
			: snprintf(name, RTE_ETH_NAME_MAX_LEN, "%s%s%u", card, suffix, i);

	names->n++;
	return n < RTE_ETH_NAME_MAX_LEN ? 0 : -ENAMETOOLONG;
}

/* Names in order: uplinks, then a representor and its function each. */
static struct hwsim_names *
make_names(const struct hwsim_card *card)
{
	struct hwsim_names *names = rte_zmalloc("net_hwsim names", sizeof(*names), 0);
	uint16_t i;
	int rc = 0;

	if (names == NULL)
		return NULL;
	for (i = 0; i < card->n_wires; i++)
		rc |= name_port(names, card->name, "_p", i);
	for (i = 0; i < card->args.n_representors; i++) {
		rc |= name_port(names, card->name, "_representor_vf", card->args.representors[i]);
		rc |= name_port(names, card->name, "_vf", card->args.representors[i]);
	}
	if (rc == 0)
		return names;
	rte_free(names);
	return NULL;
}

static int
make_ports(struct hwsim_card *card, struct rte_vdev_device *vdev, struct hwsim_names *names,
		struct sim_error *e)
{
	uint16_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < names->n; i++) {
		const uint16_t far = (uint16_t)(i - card->n_wires);
		struct hwsim_port as = { .names = names, .kind = HWSIM_UPLINK, .sw = i };

		if (i >= card->n_wires) {
			as.kind = far % 2 == 0 ? HWSIM_REPRESENTOR : HWSIM_FUNCTION;
			as.sw = (uint16_t)(card->n_wires + far / 2);
		}
		rc = make_port(card, vdev, names->name[i], &as, e);
	}
	return rc;
}

/* Closes the ethdevs of a vdev; with the last one goes the card. */
static void
close_all(struct rte_vdev_device *vdev)
{
	uint16_t id;

	RTE_ETH_FOREACH_DEV_OF(id, &vdev->device)
	{
		struct rte_eth_dev *dev = &rte_eth_devices[id];

		if (dev->state == RTE_ETH_DEV_UNUSED)
			continue;
		hwsim_dev_close(dev);
		rte_eth_dev_release_port(dev);
	}
}

/* Ethdevs that never were announced: rte_eth_find_next_of() does not see them. */
static void
undo(struct hwsim_card *card, struct hwsim_names *names)
{
	struct rte_eth_dev *dev;
	uint16_t i, left = card->n_ethdevs;

	for (i = 0; i < names->n && left > 0; i++) {
		dev = rte_eth_dev_allocated(names->name[i]);
		if (dev == NULL || !hwsim_is_ours(dev))
			continue;
		left--;
		hwsim_dev_close(dev);
		rte_eth_dev_release_port(dev);
		if (left == 0)
			return; /* card and names are gone */
	}
	rte_free(names);
	hwsim_card_destroy(card);
}

/* A secondary process: it sees the ports; the card is in the memory of the primary, so it cannot use them. */
static int
probe_secondary(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct rte_eth_dev *dev = rte_eth_dev_attach_secondary(name);
	const struct hwsim_names *names;
	uint16_t i;

	if (dev == NULL) {
		HWSIM_LOG(ERR, "%s: the primary process has no such port", name);
		return -ENODEV;
	}
	names = hwsim_port_of(dev)->names;
	for (i = 0; i < names->n; i++) {
		/* Those that the primary closed since are left out. */
		if (i > 0)
			dev = rte_eth_dev_attach_secondary(names->name[i]);
		if (dev == NULL)
			continue;
		dev->device = &vdev->device;
		dev->dev_ops = &hwsim_secondary_ops;
		dev->rx_pkt_burst = hwsim_rx_none;
		dev->tx_pkt_burst = hwsim_tx_none;
		rte_eth_dev_probing_finish(dev);
	}
	return 0;
}

static void
announce(const struct hwsim_card *card)
{
	uint16_t i;

	for (i = 0; i < card->n_ports; i++) {
		rte_eth_dev_probing_finish(&rte_eth_devices[card->host[i]->ethdev]);
		if (card->far[i] != NULL)
			rte_eth_dev_probing_finish(&rte_eth_devices[card->far[i]->ethdev]);
	}
}

static int
probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct sim_error e = { .text = "" };
	struct hwsim_names *names;
	struct hwsim_card *card;
	int rc;

	if (name == NULL)
		return -EINVAL;
	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return probe_secondary(vdev);
	card = hwsim_card_create(name, rte_vdev_device_args(vdev), &e);
	if (card == NULL) {
		HWSIM_LOG(ERR, "%s: %s", name, e.text);
		return -EINVAL;
	}
	names = make_names(card);
	if (names == NULL) {
		HWSIM_LOG(ERR, "%s: too long a name, or no memory", name);
		hwsim_card_destroy(card);
		return -ENAMETOOLONG;
	}
	rc = make_ports(card, vdev, names, &e);
	if (rc != 0) {
		HWSIM_LOG(ERR, "%s: %s", name, e.text);
		undo(card, names);
		return rc;
	}
	announce(card);
	return 0;
}

static int
remove_vdev(struct rte_vdev_device *vdev)
{
	uint16_t id;

	if (rte_eal_process_type() == RTE_PROC_PRIMARY) {
		close_all(vdev);
		return 0;
	}
	RTE_ETH_FOREACH_DEV_OF(id, &vdev->device)
	rte_eth_dev_release_port(&rte_eth_devices[id]);
	return 0;
}

static struct rte_vdev_driver hwsim_driver = {
	.probe = probe,
	.remove = remove_vdev,
};

RTE_PMD_REGISTER_VDEV(net_hwsim, hwsim_driver);
RTE_PMD_REGISTER_ALIAS(net_hwsim, eth_hwsim);
/* clang-format off */
RTE_PMD_REGISTER_PARAM_STRING(net_hwsim,
	"clock=off|virtual|tsc "
	"pace=0|1 "
	"ports=<int> "
	"profile=<string> "
	"representor=<list> "
	"seed=<int> "
	"set=<section.key=value> "
	"trace=<int> "
	"wave=<file> "
	"wire[0-63]=<string>");
