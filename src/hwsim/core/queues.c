/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings of the host: what the driver does to them (set up, post, write, ring the doorbell, take) and what the NIC knows of
 * their descriptors. Frames wait here for a descriptor, in the ring to be read, and as received. Under the NIC's lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

/* NULL: no such queue, or it does not run. */
static struct sim_queue *
queue_of(const struct sim_nic *nic, uint16_t port, uint16_t q, bool tx)
{
	const struct sim_port *p;
	struct sim_queue *queue;

	if (port >= nic->n_ports)
		return NULL;
	p = &nic->port[port];
	if (q >= (tx ? p->n_txq : p->n_rxq))
		return NULL;
	queue = tx ? p->txq[q] : p->rxq[q];
	return queue != NULL && queue->up ? queue : NULL;
}

/* The place of queue `q` in its port's array, which grows; NULL: no memory. */
static struct sim_queue *
queue_place(struct sim_nic *nic, uint16_t port, uint16_t q, bool tx)
{
	struct sim_port *p = &nic->port[port];
	struct sim_queue ***array = tx ? &p->txq : &p->rxq;
	uint16_t *n = tx ? &p->n_txq : &p->n_rxq;
	struct sim_queue **grown, *queue;

	if (q >= *n) {
		grown = realloc(*array, (q + 1u) * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		memset(grown + *n, 0, (q + 1u - *n) * sizeof(*grown));
		*array = grown;
		*n = (uint16_t)(q + 1);
	}
	queue = (*array)[q];
	if (queue == NULL) {
		queue = calloc(1, sizeof(*queue));
		if (queue == NULL)
			return NULL;
		queue->nic = nic;
		queue->port = port;
		queue->q = q;
		queue->tx = tx;
		(*array)[q] = queue;
	}
	return queue;
}

static int
queue_setup(struct sim_nic *nic, uint16_t port, uint16_t q, bool tx, uint32_t n_desc)
{
	const uint32_t queues = tx ? nic->profile.queues_tx : nic->profile.queues_rx;
	struct sim_queue *queue;

	if (port >= nic->n_ports || q >= queues || n_desc == 0 ||
			n_desc > nic->profile.queues_desc_max)
		return -EINVAL;
	queue = queue_place(nic, port, q, tx);
	if (queue == NULL)
		return -ENOMEM;
	if (queue->up)
		return -EBUSY;
	/* Those that are in the tx list still belong to a stopped queue: it lets go of them by itself. */
	queue->n_desc = n_desc;
	queue->posted = 0;
	queue->fetching = 0;
	queue->local = 0;
	queue->fetched = 0;
	queue->used = 0;
	queue->unrung = 0;
	queue->done = 0;
	queue->batch = 0;
	queue->in_dma = 0;
	queue->inside = 0;
	queue->timer = false;
	queue->up = true;
	/* A driver fills the ring before it enables the queue, so no packet is there before the first descriptors are. */
	if (!tx) {
		queue->posted = n_desc;
		sim_dma_fetch(queue, sim_events_now(nic->events));
	}
	return 0;
}

int
sim_nic_rxq_setup(struct sim_nic *nic, uint16_t port, uint16_t q, uint32_t n_desc)
{
	return queue_setup(nic, port, q, false, n_desc);
}

int
sim_nic_txq_setup(struct sim_nic *nic, uint16_t port, uint16_t q, uint32_t n_desc)
{
	return queue_setup(nic, port, q, true, n_desc);
}

static void
list_drop(struct sim_nic *nic, struct sim_list *l, struct sim_unit *u, sim_cycle now)
{
	struct sim_nframe *f;

	while ((f = sim_list_take(l)) != NULL) {
		if (u != NULL)
			sim_unit_leave(u, f->entered, now);
		sim_nic_drop(nic, f, SIM_DROP_LINK, now);
	}
}

/* Frames that are under way for it are told apart by its generation, and dropped where they come out. */
void
sim_nic_queue_stop(struct sim_nic *nic, uint16_t port, uint16_t q, bool tx)
{
	const sim_cycle now = sim_events_now(nic->events);
	struct sim_queue *queue = queue_of(nic, port, q, tx);

	if (queue == NULL)
		return;
	queue->up = false;
	queue->gen++;
	queue->local = 0;
	list_drop(nic, &queue->wait, tx ? &nic->tx_ring_unit : &nic->rxq_unit, now);
	list_drop(nic, &queue->hold, &nic->completion_unit, now);
	list_drop(nic, &queue->ready, &nic->rx_ring_unit, now);
}

void
sim_queues_free(struct sim_port *port)
{
	uint16_t i;

	for (i = 0; i < port->n_rxq; i++)
		free(port->rxq[i]);
	for (i = 0; i < port->n_txq; i++)
		free(port->txq[i]);
	free(port->rxq);
	free(port->txq);
	port->rxq = NULL;
	port->txq = NULL;
	port->n_rxq = 0;
	port->n_txq = 0;
}

/* --- doorbells --- */

static void
bell_heard(void *owner, const struct sim_event *ev)
{
	struct sim_queue *q = owner;

	if (q->gen != (uint32_t)(uintptr_t)ev->ptr)
		return;
	q->posted += ev->arg;
	sim_dma_fetch(q, ev->at);
}

void
sim_queue_bell(struct sim_queue *q, uint32_t n, sim_cycle now)
{
	const struct sim_event ev = {
		.at = now,
		.arg = n,
		.ptr = (void *)(uintptr_t)q->gen,
		.run = bell_heard,
		.owner = q,
	};

	if (q->nic->dma.doorbell == 0)
		bell_heard(q, &ev);
	else
		sim_event_at(q->nic, now + q->nic->dma.doorbell, SIM_P_HOST, &ev);
}

/* --- receive --- */

void
sim_rxq_put(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	struct sim_queue *q = queue_of(nic, f->f.pkt.dest.port, f->f.pkt.dest.queue, false);

	if (q == NULL) {
		/* A rule may name a queue that is not there; a port whose queues do not run is stopped. */
		sim_nic_drop(nic, f,
				queue_of(nic, f->f.pkt.dest.port, 0, false) != NULL ? SIM_DROP_RULE
										    : SIM_DROP_LINK,
				now);
		return;
	}
	f->q = q;
	f->gen = q->gen;
	sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_RX_QUEUE), SIM_STAMP_IN, now);
	if (q->wait.n >= q->local + q->fetching + q->posted) {
		nic->rxq_unit.s.drops++;
		sim_nic_drop(nic, f, SIM_DROP_NODESC, now);
		return;
	}
	f->entered = now;
	sim_list_put(&q->wait, f);
	sim_unit_enter(&nic->rxq_unit, now);
	sim_rxq_refill(q, now);
}

/* Frames that wait get the descriptors that are there. */
void
sim_rxq_refill(struct sim_queue *q, sim_cycle now)
{
	struct sim_nframe *f;

	while (q->local > 0 && (f = sim_list_take(&q->wait)) != NULL) {
		q->local--;
		q->used++;
		q->in_dma++;
		q->inside++;
		sim_unit_leave(&q->nic->rxq_unit, f->entered, now);
		sim_dma_write(q->nic, f, now);
	}
	sim_dma_fetch(q, now);
}

uint32_t
sim_nic_rx(struct sim_nic *nic, uint16_t port, uint16_t q, struct sim_frame **frames, uint32_t n)
{
	struct sim_queue *queue = queue_of(nic, port, q, false);
	const sim_cycle now = sim_events_now(nic->events);
	struct sim_nframe *f;
	uint32_t i = 0;

	if (queue == NULL)
		return 0;
	while (i < n && (f = sim_list_take(&queue->ready)) != NULL) {
		sim_unit_leave(&nic->rx_ring_unit, f->entered, now);
		nic->account.out_host++;
		f->taken = true;
		frames[i++] = &f->f;
	}
	return i;
}

uint32_t
sim_nic_rx_ready(const struct sim_nic *nic, uint16_t port, uint16_t q)
{
	const struct sim_queue *queue = queue_of(nic, port, q, false);

	return queue != NULL ? queue->ready.n : 0;
}

/* More than were used cannot be posted: the ring has no place for them. */
void
sim_nic_rx_post(struct sim_nic *nic, uint16_t port, uint16_t q, uint32_t n)
{
	struct sim_queue *queue = queue_of(nic, port, q, false);
	uint32_t mine; /* descriptors of frames that the host has taken */

	if (queue == NULL)
		return;
	mine = queue->used - queue->inside - queue->ready.n;
	if (n > mine)
		n = mine;
	if (n == 0)
		return;
	queue->used -= n;
	sim_queue_bell(queue, n, sim_events_now(nic->events));
}

/* --- transmit --- */

int
sim_nic_tx(struct sim_nic *nic, uint16_t port, uint16_t q, const void *data, uint32_t len,
		uint64_t cookie)
{
	const sim_cycle now = sim_events_now(nic->events);
	struct sim_queue *queue = queue_of(nic, port, q, true);
	struct sim_nframe *f;

	if (queue == NULL || len == 0 || len > SIM_FRAME_MAX)
		return -EINVAL;
	if (queue->used >= queue->n_desc)
		return -ENOSPC;
	f = sim_frame_new(nic, data, len);
	if (f == NULL)
		return -ENOBUFS;
	f->f.pkt.port = port;
	f->f.pkt.from_host = 1;
	sim_steer_ahead(nic->steer, &f->f.pkt, &f->ahead);
	f->f.cookie = cookie;
	f->f.arrived = now;
	f->q = queue;
	f->gen = queue->gen;
	f->entered = now;
	nic->account.in_host++;
	queue->used++;
	queue->unrung++;
	sim_list_put(&queue->wait, f);
	sim_unit_enter(&nic->tx_ring_unit, now);
	sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_TX_RING), SIM_STAMP_IN, now);
	return 0;
}

void
sim_nic_tx_ring(struct sim_nic *nic, uint16_t port, uint16_t q)
{
	struct sim_queue *queue = queue_of(nic, port, q, true);
	uint32_t n;

	if (queue == NULL || queue->unrung == 0)
		return;
	n = queue->unrung;
	queue->unrung = 0;
	sim_queue_bell(queue, n, sim_events_now(nic->events));
}

uint32_t
sim_nic_tx_done(struct sim_nic *nic, uint16_t port, uint16_t q)
{
	struct sim_queue *queue = queue_of(nic, port, q, true);
	uint32_t n;

	if (queue == NULL)
		return 0;
	n = queue->done;
	queue->done = 0;
	return n;
}

uint32_t
sim_nic_tx_free(const struct sim_nic *nic, uint16_t port, uint16_t q)
{
	const struct sim_queue *queue = queue_of(nic, port, q, true);

	return queue != NULL ? queue->n_desc - queue->used : 0;
}
