/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines that are not lent: a packet comes to control without its connection's gate, because its worker missed the flow
 * (the entry was being moved, or published), and the connection runs on a worker. Control then asks for the lines: the
 * worker is told to count the packet by its connection, and the packet waits here until the worker has done so. It
 * runs the connection no more from then on, and the packet is like any other that was handed over. Control lcore only.
 *
 * Order: packets of the same key that come behind wait here as well, in one line, and those that the worker finds a flow
 * for are parked there as ever. It ends: a worker does what it is told in its next round, and a packet asks again
 * only when it is another connection's by then, which takes the packets of others. Nothing is lost: when the line is
 * full, no more is taken out of the rings.
 */
#include "session.h"

#define MOVES_MAX \
	3 /* told to one worker for one packet: it asks again, is held for a neighbour, lets the lines go */

/* Tell worker `to` to count a packet at another slot: dp_gate_move(). False: not now. */
bool
session_move_gate(struct dp *dp, unsigned int to, uint32_t from_slot, uint32_t to_slot)
{
	if (rte_ring_sp_enqueue(dp->workers[to]->gates, dp_gate_move(from_slot, to_slot)) != 0)
		return false;
	dp->lend.told[to]++;
	return true;
}

/* Has the worker done all that it had been told when `ticket` was drawn? Then its writes before that are seen here. */
static bool
has_done(const struct dp *dp, unsigned int worker, uint32_t ticket)
{
	uint32_t done = __atomic_load_n(&dp->workers[worker]->moves_done, __ATOMIC_ACQUIRE);

	return (int32_t)(done - ticket) >= 0;
}

bool
session_lent(const struct session *s, uint32_t conn)
{
	const struct ct_conn *c = &ct_conns(s->dp->ct)[conn];

	const struct dp_lend_wait *foreign = s->dp->lend.foreign;
	const uint32_t slot = conn & DP_GATE_MASK;

	/* Where it does not run, its worker only hands its packets over. */
	if (!(c->flow[0].flags & FLOW_F_FAST))
		return true;
	if (foreign != NULL)
		return foreign->slot == slot && foreign->owner == c->owner;
	return s->meta->gate == slot && s->meta->worker == c->owner;
}

/* Of a connection that another worker runs, than the one that the packet came to? */
static bool
is_foreign(const struct dp_lend_wait *e)
{
	return e->slot != DP_GATE_NOBODY && e->owner != pkt_meta_const(e->m)->worker;
}

static void
ask(struct dp *dp, struct dp_lend_wait *e)
{
	struct pkt_meta *meta = pkt_meta(e->m);
	const bool foreign = is_foreign(e);

	if (!session_move_gate(dp, e->owner, foreign ? DP_GATE_NOBODY : meta->gate, e->slot))
		return; /* its ring is full: later */
	e->asked = true;
	e->ticket = dp->lend.told[e->owner];
	if (!foreign)
		meta->gate = e->slot;
}

void
session_ask(struct session *s, uint32_t id)
{
	struct dp_lend *l = &s->dp->lend;
	struct dp_lend_wait *e = &l->line[l->n++];
	const uint32_t conn = id >> 1;

	s->meta->flow = id;
	*e = (struct dp_lend_wait){
		.m = s->m,
		.slot = conn & DP_GATE_MASK,
		.owner = ct_conns(s->dp->ct)[conn].owner,
	};
	s->dp->c.lines_asked++;
	ask(s->dp, e);
}

/* Is a packet of the same key, or one that shares its slot, in the line? */
static bool
is_behind(const struct dp_lend *l, const struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta_const(m);

	for (unsigned int i = 0; i < l->n; i++) {
		const struct pkt_meta *other = pkt_meta_const(l->line[i].m);

		if (other->worker == meta->worker &&
				((other->hash ^ meta->hash) & DP_GATE_MASK) == 0)
			return true;
	}
	return false;
}

/* May the packet go on? */
static bool
is_ready(struct dp *dp, struct dp_lend_wait *e)
{
	if (e->slot == DP_GATE_NOBODY)
		return true;
	if (!e->asked)
		ask(dp, e);
	if (!e->asked || !has_done(dp, e->owner, e->ticket))
		return false;
	return !is_foreign(e) || rte_ring_free_count(dp->workers[e->owner]->gates) >= MOVES_MAX;
}

/* It returns to the worker that it came from, where packets of its key wait; the other one need not wait for that. */
static void
go_on(struct dp *dp, const struct dp_lend_wait *e, uint64_t now)
{
	const bool foreign = is_foreign(e);

	if (foreign)
		dp->lend.foreign = e;
	session_packet(dp, e->m, now);
	dp->lend.foreign = NULL;
	if (foreign)
		session_move_gate(dp, e->owner, e->slot, DP_GATE_NOBODY);
}

bool
session_waits(struct dp *dp, struct rte_mbuf *m)
{
	struct dp_lend *l = &dp->lend;

	if (pkt_meta(m)->key.family == 0 || !is_behind(l, m))
		return false;
	l->line[l->n++] = (struct dp_lend_wait){ .m = m, .slot = DP_GATE_NOBODY };
	return true;
}

unsigned int
session_lend_poll(struct dp *dp, uint64_t now)
{
	struct dp_lend *l = &dp->lend;
	struct dp_lend_wait old[DP_LEND_MAX];
	const unsigned int n = l->n;

	memcpy(old, l->line, n * sizeof(old[0]));
	l->n = 0;
	/* Who asks again does so in its old place. */
	for (unsigned int i = 0; i < n; i++) {
		if (is_behind(l, old[i].m) || !is_ready(dp, &old[i]))
			l->line[l->n++] = old[i];
		else
			go_on(dp, &old[i], now);
	}
	return n;
}
