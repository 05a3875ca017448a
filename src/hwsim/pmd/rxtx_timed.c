/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive and transmit in cycles: every poll takes time forward, gives the model what the wires brought and the wires what the
 * model sent, and moves frames between the model's rings and mbufs. Called by the threads that poll, all of it under the
 * card's lock, so a run with the virtual clock and one thread is the same every time.
 */
#include <string.h>

#include <rte_mbuf_dyn.h>

#include "hwsim.h"

/* Frames of a wire that one poll feeds at most; more wait for the next one. */
#define FEED_MAX 1024

/* Where received frames of a port's wire are put on their way into the model. */
static struct rte_mempool *
pool_of(const struct hwsim_port *port)
{
	const struct hwsim_rxq *q = port->data->nb_rx_queues > 0 ? port->data->rx_queues[0] : NULL;

	return q != NULL ? q->pool : NULL;
}

/* The model keeps bytes in one piece; frames in several are put together here. */
static const void *
flat(const struct rte_mbuf *m, uint8_t *room)
{
	return rte_pktmbuf_read(m, 0, m->pkt_len, room);
}

static void
feed_wire(struct hwsim_card *card, struct hwsim_port *port, uint64_t until_ns)
{
	struct rte_mempool *pool = pool_of(port);
	struct rte_mbuf *m[HWSIM_BURST];
	uint64_t when[HWSIM_BURST];
	uint8_t room[SIM_FRAME_MAX];
	uint32_t fed = 0;
	uint16_t n, i;

	if (pool == NULL || !hwsim_is(&port->admin_up))
		return;
	do {
		n = port->wire->ops->rx(port->wire, 0, pool, m, when, HWSIM_BURST, until_ns);
		for (i = 0; i < n; i++) {
			const sim_cycle at = sim_profile_cycles(&card->profile, when[i]);

			if (m[i]->pkt_len > SIM_FRAME_MAX)
				hwsim_drop_count(port, SIM_DROP_LENGTH, 1);
			else if (sim_nic_wire_in(card->model, port->sw,
						 RTE_MAX(at, sim_nic_now(card->model)),
						 flat(m[i], room), m[i]->pkt_len, 0) < 0)
				hwsim_drop_count(port, SIM_DROP_BUFFER, 1);
			rte_pktmbuf_free(m[i]);
		}
		fed += n;
	} while (n == HWSIM_BURST && fed < FEED_MAX);
}

/* A frame of the model as an mbuf, scattered if it is longer than a buffer. NULL: no buffer. */
static struct rte_mbuf *
to_mbuf(const struct sim_frame *f, struct rte_mempool *pool)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *m = head;
	uint32_t at = 0;

	while (m != NULL) {
		const uint16_t k = (uint16_t)RTE_MIN(
				(uint32_t)rte_pktmbuf_tailroom(m), f->pkt.len - at);

		memcpy(rte_pktmbuf_mtod(m, uint8_t *), f->pkt.data + at, k);
		m->data_len = k;
		head->pkt_len = f->pkt.len;
		at += k;
		if (at == f->pkt.len)
			return head;
		m->next = rte_pktmbuf_alloc(pool);
		m = m->next;
		if (m != NULL)
			head->nb_segs++;
	}
	rte_pktmbuf_free(head);
	return NULL;
}

/* The wire of an uplink, or the function of a representor. */
static void
give_out(struct hwsim_card *card, struct hwsim_port *port, const struct sim_frame *f)
{
	struct hwsim_port *far = port->wire != NULL ? port : card->far[port->sw];
	struct rte_mempool *pool = far != NULL && far->started ? pool_of(far) : NULL;
	struct rte_mbuf *m = pool != NULL ? to_mbuf(f, pool) : NULL;
	const struct sim_dest dest = { .kind = SIM_TO_WIRE, .port = port->sw };

	if (m == NULL) {
		hwsim_drop_count(port, pool != NULL ? SIM_DROP_NOMBUF : SIM_DROP_LINK, 1);
		return;
	}
	if (port->wire == NULL) {
		hwsim_deliver(card, port, m, &dest);
		return;
	}
	if (port->wire->ops->tx(port->wire, 0, &m, 1, sim_profile_ns(&card->profile, f->left)) ==
			0) {
		hwsim_drop_count(port, SIM_DROP_WIRE, 1);
		rte_pktmbuf_free(m);
	}
}

static void
drain_port(struct hwsim_card *card, struct hwsim_port *port)
{
	struct sim_frame *f[HWSIM_BURST];
	uint32_t n, i;

	do {
		n = sim_nic_wire_out(card->model, port->sw, f, HWSIM_BURST);
		for (i = 0; i < n; i++) {
			give_out(card, port, f[i]);
			sim_frame_free(card->model, f[i]);
		}
	} while (n == HWSIM_BURST);
}

void
hwsim_advance(struct hwsim_card *card, sim_cycle now)
{
	uint16_t i;

	for (i = 0; i < card->n_wires; i++)
		if (card->host[i] != NULL && card->host[i]->started)
			feed_wire(card, card->host[i], sim_profile_ns(&card->profile, now));
	sim_run(card->model, now);
	for (i = 0; i < card->n_ports; i++)
		if (card->host[i] != NULL && card->host[i]->started)
			drain_port(card, card->host[i]);
}

/* A completion: the frame into a buffer of the queue, with what the descriptor says. */
static struct rte_mbuf *
take_frame(struct hwsim_rxq *q, const struct sim_frame *f)
{
	struct hwsim_port *port = q->port;
	struct rte_mbuf *m = to_mbuf(f, q->pool);

	if (m == NULL) {
		hwsim_count(&q->nombuf, 1);
		hwsim_drop_count(port, SIM_DROP_NOMBUF, 1);
		return NULL;
	}
	m->port = port->ethdev;
	hwsim_rx_meta(port->card, &f->pkt, m);
	if ((__atomic_load_n(&q->work, __ATOMIC_RELAXED) & HWSIM_RX_STAMP) != 0) {
		*RTE_MBUF_DYNFIELD(m, port->card->stamp_at, rte_mbuf_timestamp_t *) = f->arrived;
		m->ol_flags |= port->card->stamp_flag;
	}
	return m;
}

static uint16_t
take_frames(struct hwsim_rxq *q, struct rte_mbuf **m, uint16_t n)
{
	struct sim_nic *model = q->port->card->model;
	struct sim_frame *f[HWSIM_BURST];
	uint16_t k = 0;

	while (k < n) {
		const uint32_t want = RTE_MIN((uint32_t)(n - k), (uint32_t)HWSIM_BURST);
		const uint32_t got = sim_nic_rx(model, q->port->sw, q->id, f, want);
		uint32_t i;

		for (i = 0; i < got; i++) {
			m[k] = take_frame(q, f[i]);
			k = (uint16_t)(k + (m[k] != NULL));
			sim_frame_free(model, f[i]);
		}
		sim_nic_rx_post(model, q->port->sw, q->id, got);
		if (got < want)
			break;
	}
	return k;
}

uint16_t
hwsim_rx_timed(void *rxq, struct rte_mbuf **m, uint16_t n)
{
	struct hwsim_rxq *q = rxq;
	struct hwsim_card *card = q->port->card;
	uint64_t bytes = 0;
	bool scan;
	uint16_t k, i;

	if (unlikely(!hwsim_is(&q->running)))
		return 0;
	sim_lock_take(&card->lock);
	hwsim_clock_poll(card, 0);
	if (q->port->kind == HWSIM_FUNCTION)
		k = (uint16_t)rte_ring_dequeue_burst(q->ring, (void **)m, n, NULL);
	else
		k = take_frames(q, m, n);
	if (k > 0)
		hwsim_clock_packets(card, k);
	scan = card->args.clock == HWSIM_CLOCK_VIRTUAL && hwsim_scan_due(card);
	sim_lock_give(&card->lock);
	if (scan)
		hwf_tick(card->hwf);
	for (i = 0; i < k; i++)
		bytes += m[i]->pkt_len;
	if (__atomic_load_n(&q->work, __ATOMIC_RELAXED) != 0)
		hwsim_rx_finish(q, m, k);
	hwsim_count(&q->packets, k);
	hwsim_count(&q->bytes, bytes);
	return k;
}

/* Into the ring of the model, or, from a function, onto its side of the switch. false: no room, it stays the caller's. */
static bool
send_one(struct hwsim_txq *q, const struct rte_mbuf *m)
{
	struct hwsim_port *port = q->port;
	struct sim_nic *model = port->card->model;
	uint8_t room[SIM_FRAME_MAX];
	const void *bytes = flat(m, room);

	if (port->kind == HWSIM_FUNCTION)
		return sim_nic_wire_in(model, port->sw, sim_nic_now(model), bytes, m->pkt_len, 0) >=
				0;
	return sim_nic_tx(model, port->sw, q->id, bytes, m->pkt_len, 0) == 0;
}

/* The frame as it goes on the wire; pieces of a long one go one by one, and what finds no room then is lost. */
static bool
send_ready(struct hwsim_txq *q, struct rte_mbuf *m)
{
	struct rte_mbuf *out[HWSIM_PIECES];
	uint16_t n, i;

	if ((m->ol_flags & HWSIM_TX_WORK) == 0 && m->pkt_len <= SIM_FRAME_MAX) {
		if (!send_one(q, m))
			return false;
		rte_pktmbuf_free(m);
		return true;
	}
	/* What needs work needs room for at least itself, or the work would be done twice. */
	if (q->port->kind != HWSIM_FUNCTION &&
			sim_nic_tx_free(q->port->card->model, q->port->sw, q->id) == 0)
		return false;
	n = hwsim_tx_ready(q, m, out, HWSIM_PIECES);
	for (i = 0; i < n; i++) {
		if (!send_one(q, out[i]))
			hwsim_drop_count(q->port, SIM_DROP_NODESC, 1);
		rte_pktmbuf_free(out[i]);
	}
	return true;
}

uint16_t
hwsim_tx_timed(void *txq, struct rte_mbuf **m, uint16_t n)
{
	struct hwsim_txq *q = txq;
	struct hwsim_port *port = q->port;
	struct hwsim_card *card = port->card;
	uint64_t bytes = 0;
	uint16_t i;

	if (unlikely(!hwsim_is(&q->running)))
		return 0;
	sim_lock_take(&card->lock);
	hwsim_clock_poll(card, n);
	if (port->kind != HWSIM_FUNCTION)
		sim_nic_tx_done(card->model, port->sw, q->id);
	for (i = 0; i < n; i++) {
		const uint32_t len = m[i]->pkt_len;

		if (!send_ready(q, m[i]))
			break;
		bytes += len;
	}
	if (i > 0 && port->kind != HWSIM_FUNCTION)
		sim_nic_tx_ring(card->model, port->sw, q->id);
	sim_lock_give(&card->lock);
	hwsim_count(&q->packets, i);
	hwsim_count(&q->bytes, bytes);
	return i;
}
