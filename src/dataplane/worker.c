/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's round and its edges: rx queues in, output queues out, rings to and from control and the other workers.
 * Worker lcores only (with one lcore, control calls worker_poll in turn). Nothing here waits: a full ring or output
 * queue is a counted drop.
 */
#include <rte_cycles.h>

#include "dp_priv.h"

void
worker_drop(struct dp_worker *w, struct rte_mbuf *m, enum drop_reason why)
{
	w->c.drop[why]++;
	trace_put(w->trace, m, PKT_VERDICT_DROP, why);
	rte_pktmbuf_free(m);
}

/* ---- output ---------------------------------------------------------------------------------------------- */

static void
txq_send(struct dp_worker *w, struct dp_txq *q)
{
	uint16_t sent = q->n == 0 ? 0 : rte_eth_tx_burst(q->id, q->queue, q->m, q->n);

	for (uint16_t i = sent; i < q->n; i++) {
		q->waiting -= q->m[i]->pkt_len;
		worker_drop(w, q->m[i], DROP_TX_FULL);
	}
	q->packets += sent;
	q->bytes += q->waiting;
	w->c.tx.packets += sent;
	w->c.tx.bytes += q->waiting;
	q->waiting = 0;
	q->n = 0;
}

void
worker_tx_flush(struct dp_worker *w)
{
	for (uint16_t i = 0; i < w->n_dirty; i++)
		txq_send(w, &w->txq[w->dirty[i]]);
	w->n_dirty = 0;
}

static __rte_always_inline void
txq_put(struct dp_worker *w, uint16_t slot, struct rte_mbuf *m)
{
	struct dp_txq *q = &w->txq[slot];

	if (q->n == 0)
		w->dirty[w->n_dirty++] = slot;
	q->m[q->n++] = m;
	q->waiting += m->pkt_len;
	if (unlikely(q->n == PKT_BURST_MAX || w->n_dirty == RTE_DIM(w->dirty)))
		worker_tx_flush(w);
}

/* A queue that a class steers to belongs to one worker; the others hand their packets to it. */
static void
tx_steered(struct dp_worker *w, struct rte_mbuf *m, uint16_t port, uint16_t queue)
{
	const struct dp *dp = w->dp;
	uint32_t at = dp->ports[port].tx_base + queue;
	struct pkt_meta *meta = pkt_meta(m);
	struct dp_worker *owner = dp->workers[dp->tx_owner[at]];

	if (owner == w) {
		txq_put(w, dp->tx_slot[at], m);
		return;
	}
	meta->verdict = PKT_VERDICT_FORWARD;
	meta->port_out = port;
	meta->queue_out = queue;
	if (rte_ring_sp_enqueue(owner->handover_in[w->index], m) != 0) {
		worker_drop(w, m, DROP_HANDOVER_RING_FULL);
		return;
	}
	w->c.handover++;
}

void
worker_tx(struct dp_worker *w, struct rte_mbuf *m, uint16_t port, uint16_t queue)
{
	if (likely(queue == FLOW_QUEUE_ANY && w->tx_own[port] != DP_NO_TXQ))
		txq_put(w, w->tx_own[port], m);
	else
		tx_steered(w, m, port,
				queue == FLOW_QUEUE_ANY ? w->index % w->dp->ports[port].n_txq
							: queue);
}

/* ---- to and from control ----------------------------------------------------------------------------------- */

void
worker_punt(struct dp_worker *w, struct pkt_burst *b, unsigned int i, enum punt_reason why)
{
	struct rte_mbuf *m = b->mbuf[i];
	struct pkt_meta *meta = pkt_meta(m);

	if (unlikely(w->in_flight >= w->in_flight_max)) {
		worker_drop(w, m, DROP_CONTROL_RING_FULL);
		return;
	}
	meta->info = b->info[i];
	meta->key = b->key[i];
	meta->flow = b->flow[i];
	meta->hash = b->hash[i];
	meta->port_in = b->port;
	meta->worker = w->index;
	meta->punt = (uint8_t)why;
	meta->verdict = PKT_VERDICT_NONE;
	meta->reason = DROP_NONE;
	meta->ct_state = CT_STATE_NONE;
	meta->ct_dir = 2;
	meta->conn = FLOW_NONE;
	meta->queue_out = FLOW_QUEUE_ANY;
	if (b->flow[i] != FLOW_NONE)
		meta->gate = (b->flow[i] >> 1) & DP_GATE_MASK;
	else
		meta->gate = b->key[i].family != 0 ? b->hash[i] & DP_GATE_MASK : DP_GATE_NO_KEY;
	w->gate[meta->gate]++;
	w->in_flight++;
	w->c.punt[why]++;
	w->punt[w->n_punt++] = m;
}

static void
refuse(struct dp_worker *w, struct rte_mbuf *m)
{
	w->gate[pkt_meta(m)->gate]--;
	w->gate_opened = true;
	w->in_flight--;
	worker_drop(w, m, DROP_CONTROL_RING_FULL);
}

/*
 * A quarter of the ring is for packets of known connections, ARP and neighbour discovery: a flood of strangers must not
 * cost a connection its FIN, nor a next hop its answer.
 */
static bool
is_stranger(const struct rte_mbuf *m)
{
	const uint32_t strangers = 1u << PUNT_MISS | 1u << PUNT_FRAGMENT | 1u << PUNT_INVALID |
			1u << PUNT_ICMP_ERROR | 1u << PUNT_COOKIE;

	return strangers >> pkt_meta_const(m)->punt & 1;
}

void
worker_punt_flush(struct dp_worker *w)
{
	uint32_t reserve, room;
	uint16_t kept = 0;

	if (w->n_punt == 0)
		return;
	reserve = rte_ring_get_capacity(w->to_control) / 4;
	room = rte_ring_free_count(w->to_control);
	for (uint16_t i = 0; i < w->n_punt; i++) {
		if (room <= (is_stranger(w->punt[i]) ? reserve : 0)) {
			w->strangers_refused |= is_stranger(w->punt[i]);
			refuse(w, w->punt[i]);
			continue;
		}
		w->punt[kept++] = w->punt[i];
		room--;
	}
	/* The only producer: what was free still is. */
	rte_ring_sp_enqueue_bulk(w->to_control, (void **)w->punt, kept, NULL);
	w->n_punt = 0;
}

static void
count_forwarded(struct dp_worker *w, const struct pkt_meta *meta)
{
	if (meta->gate == PKT_GATE_NONE) {
		w->c.made++;
		return;
	}
	w->c.slow.packets++;
	w->c.slow.bytes += meta->info.l3_len;
}

static void
move_gates(struct dp_worker *w)
{
	uint32_t done = 0;
	void *move;

	while (rte_ring_sc_dequeue(w->gates, &move) == 0) {
		const uint32_t from = (uintptr_t)move & (DP_GATE_SLOTS * 2 - 1);
		const uint32_t to = (uint32_t)((uintptr_t)move >> 20);

		if (from != DP_GATE_NOBODY)
			w->gate[from]--;
		else
			w->in_flight++;
		if (to != DP_GATE_NOBODY)
			w->gate[to]++;
		else
			w->in_flight--;
		w->gate_opened = true;
		done++;
	}
	/* Control may write what this worker ran until now. */
	if (done != 0)
		__atomic_store_n(&w->moves_done, w->moves_done + done, __ATOMIC_RELEASE);
}

/* Datagrams that control put together: the first time that anybody looks at them as packets. */
static void
run_again(struct dp_worker *w, struct rte_mbuf **m, unsigned int n, uint64_t now)
{
	struct pkt_burst *b = &w->burst;

	w->again = true;
	for (unsigned int i = 0; i < n;) {
		b->n = 0;
		b->port = pkt_meta(m[i])->port_in;
		while (i < n && pkt_meta(m[i])->port_in == b->port)
			b->mbuf[b->n++] = m[i++];
		pipeline_burst(w, b, now, false);
	}
	w->again = false;
}

static unsigned int
take_back(struct dp_worker *w, uint64_t now)
{
	struct rte_mbuf *back[DP_RING_BURST], *again[DP_RING_BURST];
	unsigned int n, n_again = 0;

	/*
	 * First: a packet may come back right behind the word about it. Should it overtake that, its slot is below zero, and
	 * so shut, until the next round.
	 */
	move_gates(w);
	n = rte_ring_sc_dequeue_burst(w->from_control, (void **)back, DP_RING_BURST, NULL);

	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = back[i];
		struct pkt_meta *meta = pkt_meta(m);

		if (meta->gate != PKT_GATE_NONE) {
			w->gate[meta->gate]--;
			w->gate_opened = true;
			w->in_flight--;
		}
		if (meta->verdict == PKT_VERDICT_FORWARD) {
			count_forwarded(w, meta);
			worker_tx(w, m, meta->port_out, meta->queue_out);
		} else if (meta->verdict == PKT_VERDICT_AGAIN) {
			again[n_again++] = m;
		} else {
			rte_pktmbuf_free(m); /* counted by control */
		}
	}
	worker_tx_flush(w);
	if (unlikely(n_again != 0))
		run_again(w, again, n_again, now);
	return n;
}

/* ---- the park --------------------------------------------------------------------------------------------------- */

static struct dp_parked *
park_at(struct dp_worker *w, uint32_t i)
{
	return &w->park[(w->park_head + i) & DP_PARK_MASK];
}

void
worker_park(struct dp_worker *w, struct pkt_burst *b, unsigned int i)
{
	struct rte_mbuf *m = b->mbuf[i];
	struct pkt_meta *meta = pkt_meta(m);

	meta->flow = b->flow[i];
	meta->hash = b->hash[i];
	meta->port_in = b->port;
	if (w->from_park) { /* an earlier one of this very burst went to control */
		w->put_back[w->n_put_back++] = m;
		return;
	}
	if (w->n_parked == DP_PARK_SLOTS ||
			w->parked[meta->hash & DP_GATE_MASK] == DP_PARK_PER_KEY) {
		worker_drop(w, m, DROP_PARK_FULL);
		return;
	}
	*park_at(w, w->n_parked++) = (struct dp_parked){ m, meta->flow, meta->hash };
	w->parked[meta->hash & DP_GATE_MASK]++;
	w->c.parked++;
	trace_put(w->trace, m, PKT_VERDICT_HOLD, DROP_NONE);
}

/* Close the gaps that taken packets left among the first `scanned`: the others move up, in order. */
static void
park_compact(struct dp_worker *w, uint32_t scanned)
{
	uint32_t to = scanned;

	for (uint32_t from = scanned; from-- > 0;)
		if (park_at(w, from)->m != NULL)
			*park_at(w, --to) = *park_at(w, from);
	w->park_head += to;
	w->n_parked -= to;
}

/*
 * Take packets whose way is free again out of the park, in order; at most a burst, of one port. Those that still wait
 * are passed over, so that a connection whose packet is held for a neighbour does not hold up others; but nothing
 * passes over a packet with its own key.
 */
static void
take_free(struct dp_worker *w, struct pkt_burst *b)
{
	uint64_t waits[8] = {
		0
	}; /* keys passed over, by 9 bits of the hash: one too many only waits a little */
	uint32_t i;

	b->n = 0;
	for (i = 0; i < w->n_parked && b->n < PKT_BURST_MAX; i++) {
		struct dp_parked *p = park_at(w, i);
		uint64_t *word = &waits[p->hash >> 6 & 7], bit = UINT64_C(1) << (p->hash & 63);
		uint16_t port;

		if ((*word & bit) == 0 && !worker_gate(w, p->flow, p->hash)) {
			port = pkt_meta(p->m)->port_in;
			if (b->n == 0 || port == b->port) {
				b->port = port;
				b->mbuf[b->n++] = p->m;
				w->parked[p->hash & DP_GATE_MASK]--;
				p->m = NULL;
				continue;
			}
		}
		*word |= bit;
	}
	park_compact(w, i);
}

static unsigned int
unpark(struct dp_worker *w, uint64_t now)
{
	struct pkt_burst *b = &w->burst;

	take_free(w, b);
	if (b->n == 0)
		return 0;
	w->from_park = true;
	pipeline_burst(w, b, now, true);
	w->from_park = false;
	while (w->n_put_back != 0) { /* to the head again, in their order */
		struct rte_mbuf *m = w->put_back[--w->n_put_back];

		w->park_head--;
		*park_at(w, 0) = (struct dp_parked){ m, pkt_meta(m)->flow, pkt_meta(m)->hash };
		w->n_parked++;
		w->parked[pkt_meta(m)->hash & DP_GATE_MASK]++;
	}
	return b->n;
}

void
worker_drop_parked(struct dp_worker *w)
{
	for (; w->n_parked != 0; w->n_parked--)
		worker_drop(w, w->park[w->park_head++ & DP_PARK_MASK].m, DROP_SHUTDOWN);
}

/* ---- between workers ---------------------------------------------------------------------------------------- */

void
worker_handover(struct dp_worker *w, struct rte_mbuf *m, uint16_t port_in, unsigned int to)
{
	struct pkt_meta *meta = pkt_meta(m);

	meta->port_in = port_in;
	meta->verdict = PKT_VERDICT_NONE;
	if (rte_ring_sp_enqueue(w->dp->workers[to]->handover_in[w->index], m) != 0) {
		worker_drop(w, m, DROP_HANDOVER_RING_FULL);
		return;
	}
	w->c.handover++;
}

/* Packets from another worker: for one of our output queues, or for one of our connections. */
static unsigned int
take_over(struct dp_worker *w, struct rte_ring *ring, uint64_t now)
{
	struct rte_mbuf *in[DP_RING_BURST];
	struct pkt_burst *b = &w->burst;
	unsigned int n = rte_ring_sc_dequeue_burst(ring, (void **)in, DP_RING_BURST, NULL);

	for (unsigned int i = 0; i < n;) {
		const struct pkt_meta *meta = pkt_meta(in[i]);

		if (meta->verdict == PKT_VERDICT_FORWARD) {
			worker_tx(w, in[i], meta->port_out, meta->queue_out);
			i++;
			continue;
		}
		b->n = 0;
		b->port = meta->port_in;
		while (i < n && pkt_meta(in[i])->port_in == b->port &&
				pkt_meta(in[i])->verdict == PKT_VERDICT_NONE)
			b->mbuf[b->n++] = in[i++];
		pipeline_burst(w, b, now, true);
	}
	worker_tx_flush(w);
	return n;
}

/* ---- a round --------------------------------------------------------------------------------------------------- */

static unsigned int
receive(struct dp_worker *w, struct dp_rxq *q, uint64_t now)
{
	struct pkt_burst *b = &w->burst;
	uint64_t t0 = w->profile ? rte_rdtsc() : 0;
	uint64_t bytes = 0;
	const uint16_t n = rte_eth_rx_burst(q->id, q->queue, b->mbuf, PKT_BURST_MAX);

	if (n == 0)
		return 0;
	b->n = n; /* fewer, once those of other workers are handed over */
	b->port = q->port;
	for (uint16_t i = 0; i < n; i++)
		bytes += b->mbuf[i]->pkt_len;
	w->c.rx.packets += n;
	w->c.rx.bytes += bytes;
	q->rx.packets += b->n;
	q->rx.bytes += bytes;
	if (w->profile)
		w->stage_cycles[DP_STAGE_RX] += rte_rdtsc() - t0;
	pipeline_burst(w, b, now, false);
	return n;
}

unsigned int
worker_poll_inside(struct dp_worker *w, uint64_t now)
{
	unsigned int seen = 0, n;

	if (w->in_flight != 0 || !rte_ring_empty(w->from_control) || !rte_ring_empty(w->gates)) {
		uint64_t t0 = w->profile ? rte_rdtsc() : 0;

		seen += take_back(w, now);
		if (w->profile)
			w->stage_cycles[DP_STAGE_RETURN] += rte_rdtsc() - t0;
	}
	/*
	 * All that can go, before anything newer: it could not catch up otherwise. What was not let go waits for a gate,
	 * so it is looked at again only after one has moved: packets that wait for a neighbour keep theirs shut for seconds.
	 */
	while (w->n_parked != 0 && w->gate_opened) {
		n = unpark(w, now);
		w->gate_opened = n != 0;
		seen += n;
	}
	for (unsigned int i = 0; i < w->dp->n_workers; i++)
		if (w->handover_in[i] != NULL)
			seen += take_over(w, w->handover_in[i], now);
	return seen;
}

unsigned int
worker_poll(struct dp_worker *w, uint64_t now)
{
	unsigned int seen = worker_poll_inside(w, now);

	for (uint16_t i = 0; i < w->n_rxq; i++)
		seen += receive(w, &w->rxq[i], now);
	w->c.polls++;
	w->c.empty_polls += seen == 0;
	return seen;
}
