/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive and transmit queues: set up, released, started, stopped, asked about. Called by librte_ethdev on control threads,
 * but for the counts and states of descriptors, which the thread of the queue asks for.
 */
#include <errno.h>

#include <rte_malloc.h>

#include "hwsim.h"

/* Rings have no names, so that they take none of EAL's memory zones, of which there are only some thousand. */
static struct rte_ring *
make_ring(uint16_t n, int socket)
{
	const unsigned int count = rte_align32pow2((uint32_t)n + 1);
	const ssize_t size = rte_ring_get_memsize(count);
	struct rte_ring *r;

	if (size < 0)
		return NULL;
	r = rte_zmalloc_socket("net_hwsim ring", (size_t)size, RTE_CACHE_LINE_SIZE, socket);
	if (r == NULL)
		return NULL;
	/* Exactly as many as there are descriptors: one more is one that finds none. */
	if (rte_ring_init(r, "net_hwsim", count, RING_F_SC_DEQ) == 0) {
		r->capacity = RTE_MIN(r->capacity, (uint32_t)n);
		return r;
	}
	rte_free(r);
	return NULL;
}

static void
drain(struct hwsim_rxq *q)
{
	void *m;

	while (rte_ring_dequeue(q->ring, &m) == 0)
		rte_pktmbuf_free(m);
}

int
hwsim_rxq_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n_desc, unsigned int socket,
		const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	struct hwsim_rxq *rxq;

	if (conf->rx_nseg > 0 || pool == NULL)
		return -ENOTSUP; /* buffer split is not announced */
	rxq = rte_zmalloc_socket("net_hwsim rxq", sizeof(*rxq), RTE_CACHE_LINE_SIZE, (int)socket);
	if (rxq == NULL)
		return -ENOMEM;
	rxq->ring = make_ring(n_desc, (int)socket);
	if (rxq->ring == NULL) {
		rte_free(rxq);
		return -ENOMEM;
	}
	rxq->port = port;
	rxq->pool = pool;
	rxq->id = q;
	rxq->n_desc = n_desc;
	rxq->free_thresh = conf->rx_free_thresh;
	rxq->deferred = conf->rx_deferred_start != 0;
	rxq->offloads = conf->offloads | dev->data->dev_conf.rxmode.offloads;
	rxq->event = -1;
	dev->data->rx_queues[q] = rxq;
	return 0;
}

int
hwsim_txq_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n_desc, unsigned int socket,
		const struct rte_eth_txconf *conf)
{
	struct hwsim_txq *txq = rte_zmalloc_socket(
			"net_hwsim txq", sizeof(*txq), RTE_CACHE_LINE_SIZE, (int)socket);

	if (txq == NULL)
		return -ENOMEM;
	txq->port = hwsim_port_of(dev);
	txq->id = q;
	txq->n_desc = n_desc;
	txq->deferred = conf->tx_deferred_start != 0;
	txq->offloads = conf->offloads | dev->data->dev_conf.txmode.offloads;
	dev->data->tx_queues[q] = txq;
	return 0;
}

void
hwsim_rxq_release(struct rte_eth_dev *dev, uint16_t q)
{
	struct hwsim_rxq *rxq = dev->data->rx_queues[q];

	if (rxq == NULL)
		return;
	drain(rxq);
	rte_free(rxq->ring);
	rte_free(rxq);
	dev->data->rx_queues[q] = NULL;
}

void
hwsim_txq_release(struct rte_eth_dev *dev, uint16_t q)
{
	rte_free(dev->data->tx_queues[q]);
	dev->data->tx_queues[q] = NULL;
}

/* A function's queues are not the model's: its ethdev is the far side of a port. */
static bool
in_model(const struct hwsim_port *port)
{
	return port->card->model != NULL && port->kind != HWSIM_FUNCTION;
}

int
hwsim_rxq_start(struct rte_eth_dev *dev, uint16_t q)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	struct hwsim_rxq *rxq = dev->data->rx_queues[q];
	int rc = 0;

	if (rxq->running)
		return 0;
	sim_lock_take(&port->card->lock);
	if (in_model(port))
		rc = sim_nic_rxq_setup(port->card->model, port->sw, q, rxq->n_desc);
	rxq->direct = port->spreads || dev->data->nb_rx_queues == 1;
	hwsim_set(&rxq->running, rc == 0);
	sim_lock_give(&port->card->lock);
	if (rc == 0)
		dev->data->rx_queue_state[q] = RTE_ETH_QUEUE_STATE_STARTED;
	return rc;
}

int
hwsim_rxq_stop(struct rte_eth_dev *dev, uint16_t q)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	struct hwsim_rxq *rxq = dev->data->rx_queues[q];

	if (rxq == NULL || !rxq->running)
		return 0;
	sim_lock_take(&port->card->lock);
	hwsim_set(&rxq->running, false);
	if (in_model(port))
		sim_nic_queue_stop(port->card->model, port->sw, q, false);
	drain(rxq);
	sim_lock_give(&port->card->lock);
	dev->data->rx_queue_state[q] = RTE_ETH_QUEUE_STATE_STOPPED;
	return 0;
}

int
hwsim_txq_start(struct rte_eth_dev *dev, uint16_t q)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	struct hwsim_txq *txq = dev->data->tx_queues[q];
	int rc = 0;

	if (txq->running)
		return 0;
	sim_lock_take(&port->card->lock);
	if (in_model(port))
		rc = sim_nic_txq_setup(port->card->model, port->sw, q, txq->n_desc);
	hwsim_set(&txq->running, rc == 0);
	sim_lock_give(&port->card->lock);
	if (rc == 0)
		dev->data->tx_queue_state[q] = RTE_ETH_QUEUE_STATE_STARTED;
	return rc;
}

int
hwsim_txq_stop(struct rte_eth_dev *dev, uint16_t q)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	struct hwsim_txq *txq = dev->data->tx_queues[q];

	if (txq == NULL || !txq->running)
		return 0;
	sim_lock_take(&port->card->lock);
	hwsim_set(&txq->running, false);
	if (in_model(port))
		sim_nic_queue_stop(port->card->model, port->sw, q, true);
	sim_lock_give(&port->card->lock);
	dev->data->tx_queue_state[q] = RTE_ETH_QUEUE_STATE_STOPPED;
	return 0;
}

void
hwsim_rxq_work(struct hwsim_port *port)
{
	const uint16_t n = port->data->nb_rx_queues;
	const uint64_t cksum = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |
			RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_SCTP_CKSUM |
			RTE_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM;
	const struct {
		uint64_t offloads;
		uint32_t work;
	} of[] = {
		{ cksum, HWSIM_RX_CKSUM },
		{ RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_QINQ_STRIP, HWSIM_RX_STRIP },
		{ RTE_ETH_RX_OFFLOAD_QINQ_STRIP, HWSIM_RX_STRIP_BOTH },
		{ RTE_ETH_RX_OFFLOAD_RSS_HASH, HWSIM_RX_HASH },
		{ RTE_ETH_RX_OFFLOAD_TIMESTAMP, HWSIM_RX_STAMP },
	};
	uint16_t i, k;

	for (i = 0; i < n; i++) {
		struct hwsim_rxq *q = port->data->rx_queues[i];
		uint32_t work = port->ptypes ? HWSIM_RX_PTYPE : 0;

		if (q == NULL)
			continue;
		for (k = 0; k < RTE_DIM(of); k++)
			work |= (q->offloads & of[k].offloads) != 0 ? of[k].work : 0;
		__atomic_store_n(&q->work, work, __ATOMIC_RELAXED);
	}
}

void
hwsim_rxq_info(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_rxq_info *info)
{
	const struct hwsim_rxq *rxq = dev->data->rx_queues[q];

	info->mp = rxq->pool;
	info->scattered_rx = (rxq->offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
	info->nb_desc = rxq->n_desc;
	info->conf.rx_free_thresh = rxq->free_thresh;
	info->conf.rx_deferred_start = rxq->deferred;
	info->conf.offloads = rxq->offloads;
	info->rx_buf_size =
			(uint16_t)(rte_pktmbuf_data_room_size(rxq->pool) - RTE_PKTMBUF_HEADROOM);
}

void
hwsim_txq_info(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_txq_info *info)
{
	const struct hwsim_txq *txq = dev->data->tx_queues[q];

	info->nb_desc = txq->n_desc;
	info->conf.tx_deferred_start = txq->deferred;
	info->conf.offloads = txq->offloads;
}

int
hwsim_rx_mode(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_burst_mode *mode)
{
	const struct hwsim_port *port = hwsim_port_of(dev);
	const struct hwsim_rxq *rxq = dev->data->rx_queues[q];
	const char *how = port->wire == NULL ? "from the switch"
			: rxq->direct	     ? "from the wire"
					     : "from the wire, sorted";

	snprintf(mode->info, sizeof(mode->info), "%s",
			port->card->model != NULL ? "in cycles" : how);
	return 0;
}

int
hwsim_tx_mode(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_burst_mode *mode)
{
	const struct hwsim_port *port = hwsim_port_of(dev);

	RTE_SET_USED(q);
	snprintf(mode->info, sizeof(mode->info), "%s",
			port->card->model != NULL	     ? "in cycles"
					: port->wire != NULL ? "to the wire"
							     : "to the switch");
	return 0;
}

uint32_t
hwsim_rxq_count(void *rxq)
{
	struct hwsim_rxq *q = rxq;
	struct hwsim_card *card = q->port->card;
	uint32_t n = rte_ring_count(q->ring);

	if (in_model(q->port)) {
		sim_lock_take(&card->lock);
		n += sim_nic_rx_ready(card->model, q->port->sw, q->id);
		sim_lock_give(&card->lock);
	}
	return RTE_MIN(n, (uint32_t)q->n_desc);
}

int
hwsim_rx_status(void *rxq, uint16_t offset)
{
	const struct hwsim_rxq *q = rxq;

	if (offset >= q->n_desc)
		return -EINVAL;
	return offset < hwsim_rxq_count(rxq) ? RTE_ETH_RX_DESC_DONE : RTE_ETH_RX_DESC_AVAIL;
}

/* Without a clock a frame has left when tx burst returns. */
int
hwsim_tx_status(void *txq, uint16_t offset)
{
	struct hwsim_txq *q = txq;
	struct hwsim_card *card = q->port->card;
	uint32_t unused;

	if (offset >= q->n_desc)
		return -EINVAL;
	if (!in_model(q->port))
		return RTE_ETH_TX_DESC_DONE;
	sim_lock_take(&card->lock);
	unused = sim_nic_tx_free(card->model, q->port->sw, q->id);
	sim_lock_give(&card->lock);
	return offset < unused ? RTE_ETH_TX_DESC_DONE : RTE_ETH_TX_DESC_FULL;
}

/* Frames are copied or passed on when they are sent: none is ever kept. */
int
hwsim_tx_cleanup(void *txq, uint32_t n)
{
	RTE_SET_USED(txq);
	RTE_SET_USED(n);
	return 0;
}
