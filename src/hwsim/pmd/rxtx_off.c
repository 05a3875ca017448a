/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive and transmit without a clock: as fast as it goes. Called by the threads that poll. Where no rule has a say, a queue
 * asks its wire and gives to it, and nothing else; else frames pass steering one by one under the card's lock and go to the
 * rings of rx queues, to wires, or nowhere, which is counted.
 */
#include <string.h>

#include "hwsim.h"

uint16_t
hwsim_rx_none(void *rxq, struct rte_mbuf **m, uint16_t n)
{
	RTE_SET_USED(rxq);
	RTE_SET_USED(m);
	RTE_SET_USED(n);
	return 0;
}

uint16_t
hwsim_tx_none(void *txq, struct rte_mbuf **m, uint16_t n)
{
	RTE_SET_USED(txq);
	RTE_SET_USED(m);
	RTE_SET_USED(n);
	return 0;
}

/* Takes out what the port does not let in. */
static uint16_t
sift(struct hwsim_port *port, struct rte_mbuf **m, uint16_t n)
{
	uint16_t i, k = 0;

	for (i = 0; i < n; i++) {
		const enum sim_drop why =
				hwsim_filter_drop(port, rte_pktmbuf_mtod(m[i], const uint8_t *),
						m[i]->data_len, m[i]->pkt_len);

		if (why == SIM_DROP_COUNT) {
			m[k++] = m[i];
			continue;
		}
		hwsim_drop_count(port, why, 1);
		rte_pktmbuf_free(m[i]);
	}
	return k;
}

/* From the wire, and filtered. */
static inline uint16_t
take_in(struct hwsim_rxq *q, uint16_t wire_q, struct rte_mbuf **m, uint16_t n)
{
	struct hwsim_port *port = q->port;
	const struct rte_eth_dev_data *data = port->data;
	const uint32_t longest = data->mtu + (uint32_t)RTE_ETHER_HDR_LEN + HWSIM_TAG_ROOM;
	const uint16_t got = port->wire->ops->rx(
			port->wire, wire_q, q->pool, m, NULL, n, hwsim_clock_ns(port->card));
	bool odd = data->promiscuous == 0 || hwsim_is(&port->vlan_filter);
	uint16_t i;

	for (i = 0; i < got; i++)
		odd |= m[i]->pkt_len > longest || m[i]->data_len < RTE_ETHER_HDR_LEN;
	return likely(!odd) ? got : sift(port, m, got);
}

/* A frame for an ethdev's rx queue. */
static void
enqueue(struct hwsim_port *to, struct rte_mbuf *m, bool rss, uint16_t queue)
{
	struct hwsim_rxq *q;

	if (rss)
		queue = hwsim_rss_queue(to, m);
	q = queue < to->data->nb_rx_queues ? to->data->rx_queues[queue] : NULL;
	if (q == NULL) {
		hwsim_drop_count(to, SIM_DROP_RULE, 1);
	} else if (!hwsim_is(&q->running)) {
		hwsim_drop_count(to, SIM_DROP_LINK, 1);
	} else {
		m->port = to->ethdev;
		if (likely(rte_ring_enqueue(q->ring, m) == 0)) {
			if (unlikely(__atomic_load_n(&q->armed, __ATOMIC_RELAXED) != 0))
				hwsim_intr_raise(q);
			return;
		}
		hwsim_drop_count(to, SIM_DROP_NODESC, 1);
	}
	rte_pktmbuf_free(m);
}

/* To an ethdev that may be closed or stopped, or lets only some in. */
static void
to_ethdev(struct hwsim_port *from, struct hwsim_port *to, struct rte_mbuf *m,
		const struct sim_dest *dest)
{
	enum sim_drop why = SIM_DROP_COUNT;

	if (to == NULL || !to->started)
		why = SIM_DROP_LINK;
	else if (to->kind == HWSIM_FUNCTION)
		why = hwsim_filter_drop(
				to, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len);
	if (likely(why == SIM_DROP_COUNT)) {
		enqueue(to, m, dest->kind == SIM_TO_WIRE || dest->rss != 0, dest->queue);
		return;
	}
	hwsim_drop_count(to != NULL ? to : from, why, 1);
	rte_pktmbuf_free(m);
}

/* Onto the wire of an uplink that need not be the sender's; queue 0 of it. */
static void
to_wire(struct hwsim_port *from, struct hwsim_port *to, struct rte_mbuf *m)
{
	uint16_t sent = 0;

	if (to != NULL && to->started && to->tx_lock != NULL && hwsim_is(&to->admin_up)) {
		sim_lock_take(&to->tx_lock[0]);
		sent = to->wire->ops->tx(to->wire, 0, &m, 1, hwsim_clock_ns(to->card));
		sim_lock_give(&to->tx_lock[0]);
		if (sent == 0)
			hwsim_drop_count(to, SIM_DROP_WIRE, 1);
	} else {
		hwsim_drop_count(to != NULL ? to : from, SIM_DROP_LINK, 1);
	}
	if (sent == 0)
		rte_pktmbuf_free(m);
}

void
hwsim_deliver(struct hwsim_card *card, struct hwsim_port *from, struct rte_mbuf *m,
		const struct sim_dest *dest)
{
	if (dest->kind == SIM_TO_DROP) {
		hwsim_drop_count(from, (enum sim_drop)dest->queue, 1);
		rte_pktmbuf_free(m);
	} else if (dest->port >= card->n_ports) {
		hwsim_drop_count(from, SIM_DROP_RULE, 1);
		rte_pktmbuf_free(m);
	} else if (dest->kind == SIM_TO_QUEUE) {
		to_ethdev(from, card->host[dest->port], m, dest);
	} else if (dest->port < card->n_wires) {
		to_wire(from, card->host[dest->port], m);
	} else {
		to_ethdev(from, card->far[dest->port], m, dest);
	}
}

/* The mbuf as the model left the packet. */
static void
follow(struct rte_mbuf *m, const struct sim_pkt *p)
{
	const uint16_t before = m->data_len;

	m->data_off = (uint16_t)(p->data - (uint8_t *)m->buf_addr);
	m->data_len = p->len;
	m->pkt_len = m->pkt_len + p->len - before;
}

void
hwsim_mirror(void *ctx, const struct sim_pkt *p, const struct sim_dest *dest)
{
	struct hwsim_card *card = ctx;
	struct rte_mbuf *copy;

	if (card->model != NULL) {
		sim_nic_mirror(card->model, p, dest);
		return;
	}
	follow(card->current, p);
	copy = rte_pktmbuf_copy(card->current, card->current->pool, 0, UINT32_MAX);
	if (copy == NULL) {
		hwsim_drop_count(card->current_from, SIM_DROP_NOMBUF, 1);
		return;
	}
	copy->ol_flags &= RTE_MBUF_F_EXTERNAL;
	hwsim_rx_meta(card, p, copy);
	hwsim_deliver(card, card->current_from, copy, dest);
}

static inline struct sim_pkt
pkt_of(const struct hwsim_port *from, const struct rte_mbuf *m, bool from_host)
{
	return (struct sim_pkt){
		.data = rte_pktmbuf_mtod(m, uint8_t *),
		.len = m->data_len,
		.headroom = rte_pktmbuf_headroom(m),
		.tailroom = m->nb_segs == 1 ? rte_pktmbuf_tailroom(m) : 0,
		.port = from->sw,
		.frame_len = m->pkt_len,
		.from_host = from_host,
	};
}

/* One frame through the tables. Under the card's lock. */
static void
steer(struct hwsim_port *from, struct rte_mbuf *m, bool from_host, sim_cycle now)
{
	struct hwsim_card *card = from->card;
	struct sim_pkt p = pkt_of(from, m, from_host);

	if (from_host && (m->ol_flags & RTE_MBUF_DYNFLAG_TX_METADATA) != 0 &&
			rte_flow_dynf_metadata_avail()) {
		p.meta = rte_flow_dynf_metadata_get(m);
		p.meta_set = 1;
	}
	/* A buffer of a pool whose buffers are all external stays one. */
	m->ol_flags &= RTE_MBUF_F_EXTERNAL;
	card->current = m;
	card->current_from = from;
	sim_steer_run(card->steer, &p, now, NULL);
	card->current = NULL;
	follow(m, &p);
	if (p.dest.kind == SIM_TO_QUEUE)
		hwsim_rx_meta(card, &p, m);
	hwsim_deliver(card, from, m, &p.dest);
}

/* With many rules every look-up waits for memory: those of a burst wait together. */
static void
look_ahead(const struct hwsim_port *from, struct rte_mbuf *const *m, uint16_t n, bool from_host)
{
	const struct sim_steer *s = from->card->steer;
	struct sim_ahead ahead[HWSIM_BURST];
	uint16_t i;

	for (i = 0; i < n; i++) {
		const struct sim_pkt p = pkt_of(from, m[i], from_host);

		sim_steer_ahead(s, &p, &ahead[i]);
	}
	for (i = 0; i < n; i++)
		sim_steer_closer(s, &ahead[i]);
	for (i = 0; i < n; i++)
		sim_steer_closer(s, &ahead[i]);
}

static void
steer_all(struct hwsim_port *from, struct rte_mbuf **m, uint16_t n, bool from_host)
{
	struct hwsim_card *card = from->card;
	sim_cycle now;
	uint16_t i;

	sim_lock_take(&card->lock);
	now = hwsim_clock_cycles(card);
	for (i = 0; i < n; i++) {
		if (i % HWSIM_BURST == 0 && sim_steer_large(card->steer))
			look_ahead(from, m + i, (uint16_t)RTE_MIN(n - i, HWSIM_BURST), from_host);
		steer(from, m[i], from_host, now);
	}
	sim_lock_give(&card->lock);
}

/* Writable, its headers in one piece. */
static uint16_t
own_all(struct hwsim_port *port, struct rte_mbuf **m, uint16_t n)
{
	uint16_t i, k = 0;

	for (i = 0; i < n; i++) {
		m[k] = hwsim_tx_own(m[i]);
		if (likely(m[k] != NULL))
			k++;
		else
			hwsim_drop_count(port, SIM_DROP_NOMBUF, 1);
	}
	return k;
}

/* Polls of other queues for which the wire waits for one that has no room: then nobody is there, and what is for it is lost. */
#define PATIENCE 1024

/*
 * How many frames any ring of the port has room for. Without a clock a wire is as fast as it is asked: every queue asks it for
 * all, and would fill the ring of one that takes 32 at a time. A queue that nobody polls must not stop the others.
 */
static uint16_t
room(const struct hwsim_port *port)
{
	const struct rte_eth_dev_data *data = port->data;
	uint32_t least = HWSIM_BURST, free;
	uint16_t i;

	for (i = 0; i < data->nb_rx_queues; i++) {
		struct hwsim_rxq *q = data->rx_queues[i];

		if (q == NULL || !q->running)
			continue;
		free = rte_ring_free_count(q->ring);
		if (likely(free >= least) ||
				__atomic_load_n(&q->held, __ATOMIC_RELAXED) >= PATIENCE)
			continue;
		__atomic_fetch_add(&q->held, 1, __ATOMIC_RELAXED);
		least = free;
	}
	return (uint16_t)least;
}

/* A burst off the wire, into the rings of those whom it is for. */
static void
sort(struct hwsim_rxq *q, bool active)
{
	struct hwsim_port *port = q->port;
	struct rte_mbuf *in[HWSIM_BURST];
	uint16_t n, i;

	/* A wire that does not spread is one queue for all: its order is kept as long as it is asked and sorted at once. */
	if (!port->spreads)
		sim_lock_take(&port->rx_lock);
	n = room(port);
	if (n > 0)
		n = take_in(q, port->spreads ? q->id : 0, in, n);
	if (active) {
		n = own_all(port, in, n);
		if (n > 0)
			steer_all(port, in, n, false);
	} else {
		for (i = 0; i < n; i++)
			enqueue(port, in[i], true, 0);
	}
	if (!port->spreads)
		sim_lock_give(&port->rx_lock);
}

uint16_t
hwsim_rx_off(void *rxq, struct rte_mbuf **m, uint16_t n)
{
	struct hwsim_rxq *q = rxq;
	struct hwsim_port *port = q->port;
	uint64_t bytes = 0;
	uint16_t k = 0, i;

	if (unlikely(!hwsim_is(&q->running)))
		return 0;
	if (unlikely(__atomic_load_n(&q->held, __ATOMIC_RELAXED) != 0))
		__atomic_store_n(&q->held, 0, __ATOMIC_RELAXED);
	if (unlikely(!rte_ring_empty(q->ring)))
		k = (uint16_t)rte_ring_dequeue_burst(q->ring, (void **)m, n, NULL);
	if (k < n && port->wire != NULL && likely(hwsim_is(&port->admin_up))) {
		const bool active = sim_steer_active(port->card->steer, port->sw);

		if (likely(q->direct && !active)) {
			k = (uint16_t)(k + take_in(q, q->id, m + k, (uint16_t)(n - k)));
		} else {
			sort(q, active);
			k = (uint16_t)(k +
					rte_ring_dequeue_burst(
							q->ring, (void **)(m + k), n - k, NULL));
		}
	}
	if (k == 0)
		return 0;
	for (i = 0; i < k; i++)
		bytes += m[i]->pkt_len;
	if (__atomic_load_n(&q->work, __ATOMIC_RELAXED) != 0)
		hwsim_rx_finish(q, m, k);
	hwsim_count(&q->packets, k);
	hwsim_count(&q->bytes, bytes);
	return k;
}

static uint16_t
wire_tx(struct hwsim_txq *q, struct rte_mbuf **m, uint16_t n)
{
	struct hwsim_port *port = q->port;
	const uint16_t wire_q = port->spreads ? q->id : 0;
	uint16_t sent;

	sim_lock_take(&port->tx_lock[wire_q]);
	sent = port->wire->ops->tx(port->wire, wire_q, m, n, hwsim_clock_ns(port->card));
	sim_lock_give(&port->tx_lock[wire_q]);
	return sent;
}

/* Frames that need nothing done to them but steering: in bursts, so that the lock is taken once for many. */
static void
send_steered(struct hwsim_txq *q, struct rte_mbuf **m, uint16_t n)
{
	struct hwsim_port *port = q->port;
	struct rte_mbuf *out[HWSIM_BURST];
	uint16_t at, k, i;

	for (at = 0; at < n; at = (uint16_t)(at + k)) {
		k = (uint16_t)RTE_MIN(n - at, HWSIM_BURST);
		for (i = 0; i < k; i++)
			out[i] = m[at + i];
		i = own_all(port, out, k);
		steer_all(port, out, i, port->kind != HWSIM_FUNCTION);
	}
}

/* Every frame by itself: it is changed, or steered. All are taken: what finds no place is a counted drop. */
static void
send_slowly(struct hwsim_txq *q, struct rte_mbuf **m, uint16_t n, bool active)
{
	struct hwsim_port *port = q->port;
	struct rte_mbuf *out[HWSIM_PIECES];
	uint16_t i, k, sent;

	for (i = 0; i < n; i++) {
		k = hwsim_tx_ready(q, m[i], out, HWSIM_PIECES);
		if (active) {
			steer_all(port, out, k, port->kind != HWSIM_FUNCTION);
			continue;
		}
		sent = k > 0 ? wire_tx(q, out, k) : 0;
		if (sent < k) {
			hwsim_drop_count(port, SIM_DROP_WIRE, (uint64_t)(k - sent));
			rte_pktmbuf_free_bulk(out + sent, (unsigned int)(k - sent));
		}
	}
}

/* The loop and peers have frames for those that wait as soon as they are sent. */
static void
wake(struct hwsim_port *port)
{
	if (unlikely(port->intr != NULL))
		hwsim_intr_check(port);
}

uint16_t
hwsim_tx_off(void *txq, struct rte_mbuf **m, uint16_t n)
{
	struct hwsim_txq *q = txq;
	struct hwsim_port *port = q->port;
	/* Between a function and its representor there is always the switch. */
	const bool active = port->wire == NULL || sim_steer_active(port->card->steer, port->sw);
	uint64_t bytes = 0, flags = 0;
	uint32_t longest = 0;
	uint16_t i, sent = n;

	if (unlikely(!hwsim_is(&q->running) || n == 0))
		return 0;
	for (i = 0; i < n; i++) {
		flags |= m[i]->ol_flags;
		bytes += m[i]->pkt_len;
		longest = RTE_MAX(longest, m[i]->pkt_len);
	}
	if (unlikely(!hwsim_is(&port->admin_up))) {
		hwsim_drop_count(port, SIM_DROP_LINK, n);
		rte_pktmbuf_free_bulk(m, n);
		return n;
	}
	if (likely(!active && (flags & HWSIM_TX_WORK) == 0 && longest <= SIM_FRAME_MAX)) {
		sent = wire_tx(q, m, n);
		for (i = sent; i < n; i++)
			bytes -= m[i]->pkt_len;
	} else if ((flags & HWSIM_TX_WORK) == 0 && longest <= SIM_FRAME_MAX) {
		send_steered(q, m, n);
	} else {
		send_slowly(q, m, n, active);
	}
	hwsim_count(&q->packets, sent);
	hwsim_count(&q->bytes, bytes);
	wake(port);
	return sent;
}
