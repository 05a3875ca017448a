/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive interrupts: an eventfd a queue, in the port's interrupt handle, so that rte_eth_dev_rx_intr_ctl_q() and
 * rte_epoll_wait() work as with any card. Who puts a frame into a queue raises it; frames that are still on the wire are
 * looked for by the tick of clock.c while somebody waits.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hwsim.h"

static int
fill_handle(struct rte_eth_dev *dev, struct rte_intr_handle *h)
{
	const uint16_t n = dev->data->nb_rx_queues;
	uint16_t i;

	if (rte_intr_vec_list_alloc(h, NULL, n) != 0 || rte_intr_nb_efd_set(h, n) != 0 ||
			rte_intr_max_intr_set(h, n + 1) != 0 ||
			rte_intr_type_set(h, RTE_INTR_HANDLE_VDEV) != 0 ||
			rte_intr_efd_counter_size_set(h, sizeof(uint64_t)) != 0)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct hwsim_rxq *q = dev->data->rx_queues[i];

		q->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (q->event < 0)
			return -errno;
		if (rte_intr_vec_list_index_set(h, i, RTE_INTR_VEC_RXTX_OFFSET + i) != 0 ||
				rte_intr_efds_index_set(h, i, q->event) != 0)
			return -ENOSPC; /* more queues than an interrupt handle has room for */
	}
	return 0;
}

int
hwsim_intr_setup(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	int rc;

	if (dev->data->dev_conf.intr_conf.rxq == 0)
		return 0;
	port->intr = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (port->intr == NULL)
		return -ENOMEM;
	rc = fill_handle(dev, port->intr);
	if (rc != 0) {
		HWSIM_LOG(ERR, "%s: no rx interrupts for %u queues", dev->data->name,
				dev->data->nb_rx_queues);
		return rc;
	}
	dev->intr_handle = port->intr;
	return 0;
}

void
hwsim_intr_release(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	uint16_t i;

	if (port->intr == NULL)
		return;
	sim_lock_take(&port->card->life);
	rte_intr_free_epoll_fd(port->intr);
	for (i = 0; i < dev->data->nb_rx_queues; i++) {
		struct hwsim_rxq *q = dev->data->rx_queues[i];

		if (q == NULL || q->event < 0)
			continue;
		__atomic_store_n(&q->armed, 0, __ATOMIC_RELEASE);
		close(q->event);
		q->event = -1;
	}
	rte_intr_vec_list_free(port->intr);
	rte_intr_instance_free(port->intr);
	port->intr = NULL;
	dev->intr_handle = NULL;
	sim_lock_give(&port->card->life);
}

void
hwsim_intr_raise(struct hwsim_rxq *q)
{
	const uint64_t one = 1;

	if (__atomic_exchange_n(&q->armed, 0, __ATOMIC_ACQ_REL) == 0)
		return;
	/* It can only fail when the counter is full, and then whoever waits wakes anyway. */
	if (write(q->event, &one, sizeof(one)) != (ssize_t)sizeof(one))
		HWSIM_LOG(DEBUG, "eventfd of rx queue %u is full", q->id);
}

bool
hwsim_wire_has(const struct hwsim_port *port)
{
	struct wire *w = port->wire;
	struct pollfd p = { .fd = -1, .events = POLLIN };

	if (w == NULL)
		return false;
	if (w->ops->fd != NULL)
		p.fd = w->ops->fd(w);
	if (p.fd >= 0)
		return poll(&p, 1, 0) > 0;
	return w->ops->next != NULL && w->ops->next(w) <= hwsim_clock_ns(port->card);
}

/* In cycles it is whoever takes time forward that asks the wire, under the lock. */
static bool
model_has(const struct hwsim_port *port)
{
	struct hwsim_card *card = port->card;
	bool has;

	if (card->model == NULL)
		return false;
	sim_lock_take(&card->lock);
	has = hwsim_wire_has(port);
	sim_lock_give(&card->lock);
	return has;
}

static bool
has_frames(struct hwsim_rxq *q)
{
	return hwsim_rxq_count(q) > 0 || model_has(q->port);
}

bool
hwsim_intr_check(struct hwsim_port *port)
{
	bool any = false;
	uint16_t i;

	if (port->intr == NULL)
		return false;
	for (i = 0; i < port->data->nb_rx_queues; i++) {
		struct hwsim_rxq *q = port->data->rx_queues[i];

		if (q == NULL || __atomic_load_n(&q->armed, __ATOMIC_ACQUIRE) == 0)
			continue;
		any = true;
		if (has_frames(q))
			hwsim_intr_raise(q);
	}
	return any;
}

int
hwsim_intr_enable(struct rte_eth_dev *dev, uint16_t q)
{
	struct hwsim_rxq *rxq = dev->data->rx_queues[q];

	if (rxq->event < 0)
		return -ENOTSUP; /* configured without intr_conf.rxq */
	__atomic_store_n(&rxq->armed, 1, __ATOMIC_RELEASE);
	/* What came before this call would not be heard of. */
	if (has_frames(rxq))
		hwsim_intr_raise(rxq);
	return 0;
}

int
hwsim_intr_disable(struct rte_eth_dev *dev, uint16_t q)
{
	struct hwsim_rxq *rxq = dev->data->rx_queues[q];

	__atomic_store_n(&rxq->armed, 0, __ATOMIC_RELEASE);
	return 0;
}
