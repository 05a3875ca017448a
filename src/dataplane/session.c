/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow path: what becomes of a packet that a worker handed over. Packets to shunt itself, ICMP errors
 * (session_related.c), packets of known connections through their trackers, and the rest as first packets of new
 * ones (session_open.c). Control lcore only. Every path ends in one call of session_send.c that takes the packet.
 */
#include "session.h"
#include "limits.h"
#include "seqadj.h"

/* ---- packets to shunt itself ------------------------------------------------------------------------------------- */

/* RFC 1122 3.2.2.1: port unreachable is for these; traceroute ends with it. */
static bool
has_ports(const struct pkt_info *info)
{
	return info->proto == IPPROTO_TCP || info->proto == IPPROTO_UDP;
}

bool
session_to_itself(struct dp *dp, struct rte_mbuf *m, uint64_t now)
{
	enum drop_reason why = DROP_NONE;
	enum l3_verdict v = l3_input(dp->l3, m, now, &why, &dp->l3_out);

	if (v == L3_CONSUMED)
		session_local(dp, m);
	else if (v == L3_DROP && why == DROP_LOCAL_UNHANDLED && has_ports(&pkt_meta(m)->info))
		session_drop_error(dp, m, why, L3_ICMP_PORT, 0);
	else if (v == L3_DROP)
		session_drop(dp, m, why);
	session_l3_flush(dp);
	return v != L3_NOT_OURS;
}

/* ---- known connections --------------------------------------------------------------------------------------------- */

/* The connection's packets may run on the worker from now on, or not any more. Both directions at once. */
static void
set_fast(struct dp *dp, uint32_t conn, bool fast)
{
	struct ct_conn *c = &ct_conns(dp->ct)[conn];
	bool was = (c->flow[0].flags & c->flow[1].flags & FLOW_F_FAST) != 0;

	for (unsigned int d = 0; d < 2; d++) {
		uint8_t flags = c->flow[d].flags;

		if (fast && (c->status & CT_S_HELPER))
			return; /* each packet is read */
		if (fast && !(c->flow[0].flags & c->flow[1].flags & FLOW_F_COMPILED))
			return;
		flags = fast ? flags | FLOW_F_FAST : flags & ~FLOW_F_FAST;
		__atomic_store_n(&c->flow[d].flags, flags, __ATOMIC_RELEASE);
	}
	if (was != fast)
		ct_changed(dp->ct, conn, CT_CHANGED_FAST);
}

/* Compile direction `dir` for a packet in it: 0, or a drop reason after which nothing was changed. */
static enum drop_reason
compile(struct session *s, uint32_t conn, enum flow_dir dir, enum ct_state state,
		const struct cls_l7 *l7, bool l7_done)
{
	struct flow_tuple tuple, reply;
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	struct cls_result cls;
	struct compile_question q = {
		.tuple = &tuple,
		.dst = &reply.src,
		.port_in = s->meta->port_in,
		.state = state,
		.l7 = l7,
		.l7_done = l7_done,
	};
	struct compile_args a = {
		.conn = conn,
		.dir = dir,
		.tuple = &tuple,
		.reply = &reply,
		.port_in = s->meta->port_in,
		.backend = c->flow[FLOW_ORIGINAL].backend,
		.l7_found = l7 != NULL,
		.cls = &cls,
	};
	int rc;

	ct_tuple(s->dp->ct, ct_flow_id(conn, dir), &tuple);
	ct_tuple(s->dp->ct, ct_flow_id(conn, !dir), &reply);
	rc = compile_decide(s->dp, &q, &cls, &a.nexthop);
	if (rc == -ENETUNREACH)
		return DROP_NO_ROUTE;
	if (rc == -ENOSPC)
		return DROP_NEIGH_FULL;
	if (rc == -EPERM && !(c->flow[dir].flags & FLOW_F_COMPILED))
		return DROP_CLASS_DROP;
	if (rc == -EPERM)
		a.nexthop = c->flow[dir].nexthop; /* the flow stays, and drops */
	compile_flow(s->dp, &a);
	return DROP_NONE;
}

/*
 * Rules may look at the state: ask again for the original direction when it becomes established, unless layer 7 has
 * decided: what it said is not kept.
 */
static enum drop_reason
reclassify(struct session *s, uint32_t conn)
{
	struct flow *f = &ct_conns(s->dp->ct)[conn].flow[FLOW_ORIGINAL];
	uint16_t port_in = s->meta->port_in;
	enum drop_reason why;

	if (f->flags & FLOW_F_L7_FOUND)
		return DROP_NONE;
	s->meta->port_in = f->port_in;
	why = compile(s, conn, FLOW_ORIGINAL, CT_STATE_ESTABLISHED, NULL, !(f->flags & FLOW_F_L7));
	s->meta->port_in = port_in;
	return why;
}

enum cls_l7_result
session_look_into(const struct session *s, struct cls_l7 *l7)
{
	const struct pkt_info *info = &s->meta->info;
	uint32_t end = RTE_MIN((uint32_t)info->l3_off + info->l3_len, (uint32_t)s->m->data_len);

	if (info->payload_off >= end)
		return CLS_L7_MORE;
	return cls_l7_parse(info->proto,
			rte_pktmbuf_mtod_offset(s->m, const uint8_t *, info->payload_off),
			end - info->payload_off, l7);
}

/* The worker says that this packet settles the class, or it is a data packet that came here for another reason. */
static bool
settles_l7(const struct session *s, const struct ct_conn *c, enum flow_dir dir)
{
	struct cls_l7 l7;

	return s->meta->punt == PUNT_L7 ||
			(dir == FLOW_ORIGINAL && (c->flow[dir].flags & FLOW_F_L7) &&
					session_look_into(s, &l7) != CLS_L7_MORE);
}

/* Settle the class for both directions, whether the packet has what was waited for or not. The client names it. */
static void
settle_l7(struct session *s, uint32_t conn, enum flow_dir dir, enum ct_state state)
{
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	uint16_t port_in = s->meta->port_in;
	struct cls_l7 l7;
	bool found = dir == FLOW_ORIGINAL && session_look_into(s, &l7) == CLS_L7_FOUND;

	for (unsigned int d = 0; d < 2; d++) {
		if ((c->flow[d].flags & (FLOW_F_L7 | FLOW_F_COMPILED)) !=
				(FLOW_F_L7 | FLOW_F_COMPILED))
			continue;
		s->meta->port_in = c->flow[d].port_in;
		/* Without a route or room for a next hop the class stays what it is: nothing more to wait for. */
		if (compile(s, conn, d, state, found ? &l7 : NULL, true) != DROP_NONE)
			c->flow[d].flags &= (uint8_t)~FLOW_F_L7;
	}
	s->meta->port_in = port_in;
}

/* Its next hops and its slot are given back when no worker has it any more: control.c. */
void
session_close(struct dp *dp, uint32_t conn, enum ct_why why)
{
	if (dp->lim != NULL)
		limits_close(dp, conn);
	ct_close_for(dp->ct, conn, why);
}

/* Returns false when the connection gave way to a new one: treat the packet as the first of it. */
static bool
known(struct session *s, uint32_t id)
{
	uint32_t conn = id >> 1;
	enum flow_dir dir = id & 1;
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	enum session_next next = SESSION_GO_ON;
	enum drop_reason why = DROP_NONE;
	struct ct_verdict v;

	/* Its worker missed the flow, which was published, or moved in the table, at that moment. */
	if (unlikely(!session_lent(s, conn))) {
		session_ask(s, id);
		return true;
	}
	if (dir == FLOW_REPLY && s->dp->rules != NULL && session_rule_forces(s, conn)) {
		session_close(s->dp, conn, CT_WHY_CLOSED);
		return false;
	}
	if (c->flow[dir].flags & FLOW_F_ADJUST) {
		next = session_cookie_known(s, conn, dir);
		s->pkt.ack_offset = next != SESSION_GO_ON
				? 0
				: seqadj_ack_offset(ct_ext(s->dp->ct, conn), dir, s->m,
						  &s->meta->info);
	}
	if (next == SESSION_TAKEN)
		return true;
	if (next == SESSION_GO_ON)
		ct_track(s->dp->ct, conn, dir, &s->pkt, &v);
	if (next == SESSION_REOPEN || v.reopen) {
		session_close(s->dp, conn, CT_WHY_CLOSED);
		return false;
	}
	if (v.state == CT_STATE_INVALID) {
		session_invalid(s->dp, s->m, v.reason, conn, s->now);
		return true;
	}
	if (c->flow[dir].flags & FLOW_F_ADJUST)
		session_cookie_tracked(s, conn, dir);
	session_note(s->dp, s->m, v.state, dir, v.close ? FLOW_NONE : conn);
	if (!(c->flow[dir].flags & FLOW_F_COMPILED))
		why = compile(s, conn, dir, v.state, NULL,
				dir == FLOW_REPLY && !(c->flow[FLOW_ORIGINAL].flags & FLOW_F_L7));
	if (why == DROP_NONE && v.established && s->dp->state_rules &&
			!(c->flow[0].flags & FLOW_F_FAST))
		why = reclassify(s, conn);
	if (why == DROP_NONE && settles_l7(s, c, dir)) {
		settle_l7(s, conn, dir, v.state);
		trace_note(s->dp, s->m); /* its class is that of this packet already */
	}
	/* Before the packet leaves: one that is held for a neighbour lets the connection go. */
	if (v.established || v.closing)
		set_fast(s->dp, conn, v.established && !v.closing);
	if (why == DROP_NO_ROUTE)
		session_drop_error(s->dp, s->m, why, L3_ICMP_NO_ROUTE, 0);
	else if (why != DROP_NONE)
		session_drop(s->dp, s->m, why);
	else
		session_forward(s, conn, dir);
	if (v.close)
		session_close(s->dp, conn, CT_WHY_CLOSED);
	return true;
}

/* ---- entry ------------------------------------------------------------------------------------------------------------------ */

/* The slow path verifies checksums that neither the device nor the parser vouched for. */
static bool
checksum_bad(struct dp *dp, struct rte_mbuf *m)
{
	struct pkt_info *info = &pkt_meta(m)->info;

	if (info->flags & (PKT_F_L4_CSUM_GOOD | PKT_F_L4_CSUM_BAD))
		return info->flags & PKT_F_L4_CSUM_BAD;
	return dp->cfg->conntrack.checksum != CFG_CHECKSUM_OFF && !parse_l4_checksum(m, info);
}

static uint32_t
find(const struct session *s)
{
	uint32_t id = s->meta->flow;

	/* What the worker found still holds unless the slot has been given to another connection since. */
	if (id != FLOW_NONE &&
			(ct_conns(s->dp->ct)[id >> 1].status & (CT_S_USED | CT_S_DYING)) ==
					CT_S_USED &&
			flow_key_eq(&ct_conns(s->dp->ct)[id >> 1].flow[id & 1].key,
					&s->tuple.key) &&
			s->tuple.key.family == 4)
		return id;
	return ct_find(s->dp->ct, &s->tuple);
}

void
session_view(struct session *s)
{
	const struct pkt_info *info = &s->meta->info;
	const uint32_t end = (uint32_t)info->l3_off + info->l3_len;

	s->pkt = (struct ct_packet){
		.info = info,
		.l4 = rte_pktmbuf_mtod_offset(s->m, const uint8_t *, info->l4_off),
		.l4_len = end - info->l4_off,
		.l4_avail = RTE_MIN(end, (uint32_t)s->m->data_len) - info->l4_off,
		.now = s->now,
	};
}

void
session_packet(struct dp *dp, struct rte_mbuf *m, uint64_t now)
{
	struct session s = { .dp = dp, .m = m, .meta = pkt_meta(m), .now = now };
	const struct pkt_info *info = &s.meta->info;
	uint32_t id;

	if (info->flags & (PKT_F_ARP | PKT_F_ND)) {
		if (!session_to_itself(dp, m, now))
			session_drop(dp, m,
					info->flags & PKT_F_ARP ? DROP_ARP_BAD
								: DROP_LOCAL_UNHANDLED);
		return;
	}
	if (info->flags & PKT_F_FRAG) {
		session_fragment(dp, m, now);
		return;
	}
	if ((info->flags & PKT_F_INVALID) || checksum_bad(dp, m)) {
		session_invalid(dp, m, info->reason, FLOW_NONE, now);
		return;
	}
	if (info->flags & PKT_F_ICMP_ERROR) {
		session_related(dp, m, now);
		return;
	}
	if (session_is_untracked(m, info)) {
		session_note(dp, m, CT_STATE_UNTRACKED, 2, FLOW_NONE);
		session_forward_unknown(dp, m, CT_STATE_UNTRACKED, now);
		return;
	}
	if (!parse_tuple_of(m, info, &dp->ports[s.meta->port_in].parse, &s.tuple)) {
		session_drop(dp, m, DROP_LOCAL_UNHANDLED);
		return;
	}
	session_view(&s);
	id = find(&s);
	if (id == FLOW_NONE || !known(&s, id))
		session_unknown(&s);
}
