/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ends of the slow path: give a packet back to its worker, forwarded, dropped or consumed; hold it for a neighbour; say
 * by ICMP why it was dropped. Control lcore only. Each call takes the mbuf.
 */
#include <errno.h>

#include "flow_run.h"
#include "seqadj.h"
#include "session.h"

/* ---- giving packets back ------------------------------------------------------------------------------------- */

void
session_return(struct dp *dp, struct rte_mbuf *m)
{
	struct dp_worker *w = dp->workers[pkt_meta(m)->worker];
	struct dp_outbox *o = &dp->outbox[w->index];

	/* Packets that shunt made leave room for all that is in flight: those must come back, or their gates stay shut. */
	if (unlikely(pkt_meta(m)->gate == PKT_GATE_NONE &&
			    session_return_room(dp, w) <= w->in_flight_max)) {
		dp->c.made++;
		dp->c.drop[DROP_RETURN_RING_FULL]++;
		rte_pktmbuf_free(m);
		return;
	}
	o->m[o->n++] = m;
	if (o->n == RTE_DIM(o->m))
		session_return_flush(dp, w->index);
}

/* So much room is there behind what is on its way. */
uint32_t
session_return_room(const struct dp *dp, const struct dp_worker *w)
{
	const uint32_t room = rte_ring_free_count(w->from_control), n = dp->outbox[w->index].n;

	return room > n ? room - n : 0;
}

/* In bulk: every store to the ring's head takes its line away from the worker that polls it. There is room, see above. */
void
session_return_flush(struct dp *dp, unsigned int worker)
{
	struct dp_outbox *o = &dp->outbox[worker];
	unsigned int sent;

	if (o->n == 0)
		return;
	sent = rte_ring_sp_enqueue_burst(
			dp->workers[worker]->from_control, (void **)o->m, o->n, NULL);

	for (; unlikely(sent < o->n); sent++) {
		dp->c.made += pkt_meta(o->m[sent])->gate == PKT_GATE_NONE;
		dp->c.drop[DROP_RETURN_RING_FULL]++;
		rte_pktmbuf_free(o->m[sent]);
	}
	o->n = 0;
}

void
session_drop(struct dp *dp, struct rte_mbuf *m, enum drop_reason why)
{
	struct pkt_meta *meta = pkt_meta(m);

	dp->c.drop[why]++;
	meta->verdict = PKT_VERDICT_DROP;
	meta->reason = (uint8_t)why;
	trace_put(dp->trace, m, PKT_VERDICT_DROP, why);
	session_return(dp, m);
}

void
session_drop_class(struct dp *dp, struct rte_mbuf *m, uint16_t class_id)
{
	counter_add(&dp->class_counters[class_id], pkt_meta(m)->info.l3_len);
	session_drop(dp, m, DROP_CLASS_DROP);
}

void
session_local(struct dp *dp, struct rte_mbuf *m)
{
	dp->c.local++;
	pkt_meta(m)->verdict = PKT_VERDICT_LOCAL;
	trace_put(dp->trace, m, PKT_VERDICT_LOCAL, DROP_NONE);
	session_return(dp, m);
}

void
session_l3_flush(struct dp *dp)
{
	struct l3_out *out = &dp->l3_out;

	for (unsigned int i = 0; i < out->n; i++) {
		struct rte_mbuf *m = out->m[i];

		if (pkt_meta(m)->verdict == PKT_VERDICT_DROP)
			session_drop(dp, m, pkt_meta(m)->reason);
		else
			session_leave(dp, m);
	}
	out->n = 0;
}

void
session_drop_error(struct dp *dp, struct rte_mbuf *m, enum drop_reason why,
		enum l3_icmp_error error, uint16_t mtu)
{
	if (l3_icmp_error(dp->l3, m, error, mtu, dp->now, &dp->l3_out) == -EBUSY)
		dp->c.icmp_limited++;
	session_drop(dp, m, why);
	session_l3_flush(dp);
}

/* ---- sending on ------------------------------------------------------------------------------------------------ */

/* Does the next link take it, whole or in fragments, and is TTL left? Otherwise m is dropped with the ICMP error that is owed. */
bool
session_may_leave(struct dp *dp, struct rte_mbuf *m, uint16_t nh)
{
	const struct pkt_info *info = &pkt_meta(m)->info;
	uint16_t mtu = l3_nexthops(dp->l3)[nh].mtu;

	if (info->flags & PKT_F_TTL) {
		session_drop_error(dp, m, DROP_TTL_EXPIRED, L3_ICMP_TTL, 0);
		return false;
	}
	if (!session_fits(dp, m, mtu)) {
		session_drop_error(dp, m, DROP_MTU_EXCEEDED, L3_ICMP_TOO_BIG, mtu);
		return false;
	}
	return true;
}

/*
 * m is about to wait for a neighbour, perhaps for seconds: let its connection go, so that the other direction does not wait
 * as well. If the worker cannot be told now, it does.
 */
static void
release_connection(struct dp *dp, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	const uint32_t to = meta->key.family != 0 ? meta->hash & DP_GATE_MASK : DP_GATE_NO_KEY;

	if (meta->gate == PKT_GATE_NONE || meta->gate == to)
		return;
	if (session_move_gate(dp, meta->worker, meta->gate, to))
		meta->gate = to;
}

/* Packets that are held are counted, not their buffers: long ones may not wait when half of all are in use. */
static bool
too_long_to_hold(const struct dp *dp, const struct rte_mbuf *m)
{
	return m->nb_segs > 1 && rte_mempool_avail_count(dp->pool) < dp->pool->size / 2;
}

/* Send m, rewritten but for its Ethernet header, out of next hop nh; it is held while nh is being resolved. */
static void
transmit(struct dp *dp, struct rte_mbuf *m, uint16_t nh, uint16_t queue, uint64_t now)
{
	const struct l3_nexthop *hop = &l3_nexthops(dp->l3)[nh];
	struct pkt_meta *meta = pkt_meta(m);
	int rc;

	meta->verdict = PKT_VERDICT_FORWARD;
	meta->port_out = hop->port;
	meta->queue_out = queue;
	if (likely(hop->usable)) {
		trace_put(dp->trace, m, PKT_VERDICT_FORWARD, DROP_NONE);
		session_leave(dp, m);
		return;
	}
	trace_put(dp->trace, m, PKT_VERDICT_HOLD, DROP_NONE);
	if (too_long_to_hold(dp, m)) {
		session_drop(dp, m, DROP_NEIGH_HOLD_FULL);
		return;
	}
	release_connection(dp, m);
	rc = l3_hold(dp->l3, nh, m, now, &dp->l3_out);
	if (rc != 0)
		session_drop(dp, m, rc == -ENOBUFS ? DROP_NEIGH_HOLD_FULL : DROP_NEIGH_FAILED);
	session_l3_flush(dp);
}

void
session_forward(struct session *s, uint32_t conn, enum flow_dir dir)
{
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	struct flow *f = &c->flow[dir];

	if (f->flags & FLOW_F_DROP) {
		session_drop_class(s->dp, s->m, f->class_id);
		return;
	}
	if ((c->status & CT_S_HELPER) && !session_alg(s, conn, dir))
		return;
	if (!session_may_leave(s->dp, s->m, f->nexthop))
		return;
	if (f->flags & FLOW_F_ADJUST)
		seqadj_run(ct_ext(s->dp->ct, conn), dir, s->m, &s->meta->info);
	if (unlikely(f->flags & FLOW_F_BARE))
		flow_run_bare(f, &ct_conns6(s->dp->ct)[conn], dir, s->m, &s->meta->info,
				&l3_nexthops(s->dp->l3)[f->nexthop]);
	else
		flow_run(f, &ct_conns6(s->dp->ct)[conn], dir, s->m, &s->meta->info,
				&l3_nexthops(s->dp->l3)[f->nexthop]);
	/* When it was last seen, the tracker says: a SYN repeated to nobody keeps nothing alive. */
	f->packets++;
	f->bytes += s->meta->info.l3_len;
	flow_count_policy(s->dp->class_counters, s->dp->backend_counters, f, dir,
			s->meta->info.l3_len);
	transmit(s->dp, s->m, f->nexthop, f->queue, s->now);
}

/* ---- states, traces -------------------------------------------------------------------------------------------- */

void
session_note(struct dp *dp, struct rte_mbuf *m, enum ct_state state, unsigned int dir,
		uint32_t conn)
{
	struct pkt_meta *meta = pkt_meta(m);

	dp->c.state[state].packets++;
	dp->c.state[state].bytes += meta->info.l3_len;
	meta->ct_state = (uint8_t)state;
	meta->ct_dir = (uint8_t)dir;
	meta->conn = conn;
	trace_note(dp, m);
}

void
session_invalid(struct dp *dp, struct rte_mbuf *m, enum drop_reason why, uint32_t conn,
		uint64_t now)
{
	session_note(dp, m, CT_STATE_INVALID, 2, conn);
	if (dp->cfg->conntrack.invalid == CFG_DROP)
		session_drop(dp, m, why);
	else
		session_forward_unknown(dp, m, CT_STATE_INVALID, now);
}

/* As far as the packet can be read: ports are zero where there are none to be found. */
static struct flow_tuple
tuple_of(const struct dp *dp, const struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta_const(m);
	const struct pkt_info *info = &meta->info;
	const uint16_t zone = dp->ports[meta->port_in].parse.zone;
	const bool v4 = info->family == 4;
	const uint8_t *src =
			rte_pktmbuf_mtod_offset(m, const uint8_t *, info->l3_off + (v4 ? 12u : 8u));
	struct flow_tuple t;

	if (parse_tuple(m, info, zone, &t))
		return t;
	t = (struct flow_tuple){
		.key = { .family = info->family, .proto = info->proto, .zone = zone }
	};
	memcpy(t.src.b, src, v4 ? 4 : 16);
	memcpy(t.dst.b, src + (v4 ? 4 : 16), v4 ? 4 : 16);
	flow_tuple_seal(&t);
	return t;
}

void
session_forward_unknown(struct dp *dp, struct rte_mbuf *m, enum ct_state state, uint64_t now)
{
	const struct flow_tuple t = tuple_of(dp, m);
	const uint16_t class_id = compile_class(dp, &t, pkt_meta(m)->port_in, state);

	if (cls_class(dp->cls, class_id)->drop)
		session_drop_class(dp, m, class_id);
	else
		session_forward_plain(dp, m, now);
}

void
session_forward_plain(struct dp *dp, struct rte_mbuf *m, uint64_t now)
{
	const struct pkt_info *info = &pkt_meta(m)->info;
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off);
	struct flow_addr dst = { .b = { 0 } };
	int nh;

	memcpy(dst.b, l3 + (info->family == 4 ? 16 : 24), info->family == 4 ? 4 : 16);
	if (l3_is_own(dp->l3, info->family, &dst) && !l3_is_vip(dp->l3, info->family, &dst)) {
		session_drop(dp, m, DROP_LOCAL_UNHANDLED);
		return;
	}
	nh = l3_route(dp->l3, info->family, &dst);

	if (nh < 0) {
		if (nh == -ENETUNREACH)
			session_drop_error(dp, m, DROP_NO_ROUTE, L3_ICMP_NO_ROUTE, 0);
		else
			session_drop(dp, m, DROP_NEIGH_FULL);
		return;
	}
	if (!session_may_leave(dp, m, (uint16_t)nh))
		return;
	flow_run_ttl(l3, info->family);
	if (info->family == 4)
		flow_run_cksum(l3 + 10, FLOW_RUN_TTL_DELTA, false);
	flow_run_link(m, info, &l3_nexthops(dp->l3)[nh]);
	transmit(dp, m, (uint16_t)nh, FLOW_QUEUE_ANY, now);
}
