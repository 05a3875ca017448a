/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * New connections: service, class, route, entry in the table, compiled flow. Control lcore only; budget about 1,000
 * cycles a connection.
 */
#include <errno.h>
#include <netinet/in.h>

#include "limits.h"
#include "session.h"
#include "syncookie/cookie.h"

/* ---- new connections --------------------------------------------------------------------------------------------------- */

/* What a first packet is for. */
struct wanted {
	int service;	   /* or below 0 */
	uint32_t expected; /* expectation that it fits, or FLOW_NONE; it has no service or rule then */
	const struct session_rule *rule; /* or NULL */
};

/* The tuple of the answer: from the backend if a service is meant, as expected, or simply turned round. */
static enum drop_reason
answer(struct session *s, const struct wanted *w, struct flow_tuple *reply,
		struct lb_choice *choice)
{
	struct flow_tuple sent = s->tuple;
	const int service = w->service;

	if (w->expected != FLOW_NONE)
		return session_alg_answer(s, w->expected, reply, &choice->backend);
	if (service >= 0) {
		if (lb_select(s->dp->lb, (unsigned int)service, &s->tuple, choice) != 0)
			return DROP_LB_NO_BACKEND;
		sent.dst = choice->address;
		sent.key.dport = rte_cpu_to_be_16(choice->port);
		flow_tuple_seal(&sent);
	}
	if (!flow_tuple_reply(&sent, reply))
		return DROP_CT_INVALID;
	return DROP_NONE;
}

static void
table_full(struct session *s, bool translated)
{
	/* Untranslated it would not reach the service, and a cookie must be remembered: nothing to forward. */
	if (s->dp->cfg->conntrack.full == CFG_DROP || translated || s->cookie != NULL) {
		session_drop(s->dp, s->m, DROP_CT_FULL);
		return;
	}
	session_note(s->dp, s->m, CT_STATE_UNTRACKED, 2, FLOW_NONE);
	session_forward_plain(s->dp, s->m, s->now);
}

/* Policy for a first packet. If layer 7 is asked for and the packet has payload (UDP), it is looked at right away. */
static int
decide_new(struct session *s, struct compile_question *q, struct cls_result *cls, uint16_t *nexthop)
{
	struct cls_l7 l7;
	int rc = compile_decide(s->dp, q, cls, nexthop);
	enum cls_l7_result found;

	if (!cls->l7_pending)
		return rc;
	found = session_look_into(s, &l7);
	if (found == CLS_L7_MORE)
		return rc;
	q->l7 = found == CLS_L7_FOUND ? &l7 : NULL;
	q->l7_done = true;
	return compile_decide(s->dp, q, cls, nexthop);
}

/* Tunnels are balanced and steered by their outer header; what they carry is measured on the first packet. */
static void
measure_tunnel(struct session *s)
{
	struct parse_tunnel inner;
	struct tunnel_counter *c;

	if (s->meta->info.proto != IPPROTO_UDP || !parse_tunnel(s->m, &s->meta->info, &inner))
		return;
	c = &s->dp->tunnels[inner.type];
	c->connections++;
	c->outer_bytes += s->meta->info.l3_len;
	c->inner_bytes += inner.inner_len;
}

/* Then the packet was dropped, and is counted as a new connection's all the same. */
static bool
cannot_leave(struct session *s, uint16_t nexthop)
{
	const struct pkt_info *info = &s->meta->info;

	if (!(info->flags & PKT_F_TTL) &&
			session_fits(s->dp, s->m, l3_nexthops(s->dp->l3)[nexthop].mtu))
		return false;
	session_note(s->dp, s->m, CT_STATE_NEW, FLOW_ORIGINAL, FLOW_NONE);
	return !session_may_leave(s->dp, s->m, nexthop);
}

/* What compile_decide() said. */
static void
refused_by_policy(struct session *s, int rc, uint16_t class_id)
{
	if (rc == -ENETUNREACH)
		session_drop_error(s->dp, s->m, DROP_NO_ROUTE, L3_ICMP_NO_ROUTE, 0);
	else if (rc == -EPERM)
		session_drop_class(s->dp, s->m, class_id);
	else
		session_drop(s->dp, s->m, DROP_NEIGH_FULL);
}

/* What ct_open() said. */
static void
refused_by_table(struct session *s, int rc, const struct wanted *w)
{
	if (rc == -ENOSPC)
		table_full(s, w->expected != FLOW_NONE || w->service >= 0);
	else if (rc == -EDQUOT)
		session_drop(s->dp, s->m, DROP_CT_ZONE_LIMIT);
	else
		session_drop(s->dp, s->m, DROP_CT_CLASH);
}

/* What must be known to close the connection again, whatever comes next: limits ask for the port of entry. */
static void
own(struct session *s, uint32_t conn, uint16_t backend)
{
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];

	s->opened = true;
	if (s->dp->lim != NULL)
		c->status |= CT_S_COUNTED;
	c->flow[FLOW_ORIGINAL].port_in = s->meta->port_in;
	c->flow[FLOW_REPLY].backend = backend;
}

static void
open_connection(struct session *s, const struct wanted *w)
{
	struct dp *dp = s->dp;
	struct lb_choice choice = { .backend = FLOW_NO_BACKEND };
	struct flow_tuple reply;
	struct cls_result cls;
	struct compile_question q = {
		.tuple = &s->tuple,
		.dst = &reply.src,
		.port_in = s->meta->port_in,
		.state = w->expected != FLOW_NONE ? CT_STATE_RELATED : CT_STATE_NEW,
	};
	struct compile_args a = {
		.dir = FLOW_ORIGINAL,
		.tuple = &s->tuple,
		.reply = &reply,
		.port_in = s->meta->port_in,
		.cls = &cls,
	};
	enum drop_reason why = answer(s, w, &reply, &choice);
	struct ct_verdict v;
	int rc;

	if (why != DROP_NONE) {
		session_drop(dp, s->m, why);
		return;
	}
	ct_prefetch_tuple(dp->ct, &reply); /* memory answers while policy is asked */
	rc = decide_new(s, &q, &cls, &a.nexthop);
	if (rc != 0) {
		refused_by_policy(s, rc, cls.class_id);
		return;
	}
	/* What does not get out opens nothing, so that nobody fills the table with it. */
	if (cannot_leave(s, a.nexthop))
		return;
	if (w->expected != FLOW_NONE)
		rc = session_alg_open(s, w->expected, &reply, &a.conn);
	else
		rc = ct_open(dp->ct, &s->tuple, &reply, s->meta->worker, &s->pkt, &a.conn);
	if (rc != 0) {
		refused_by_table(s, rc, w);
		return;
	}
	own(s, a.conn, choice.backend);
	if (s->cookie != NULL && !session_cookie_opened(s, a.conn)) {
		session_close(dp, a.conn, CT_WHY_CLOSED);
		session_drop(dp, s->m, DROP_CT_FULL);
		return;
	}
	session_rule_apply(s, w->rule, a.conn);
	a.backend = choice.backend;
	a.l7_found = q.l7 != NULL;
	compile_flow(dp, &a);
	ct_track(dp->ct, a.conn, FLOW_ORIGINAL, &s->pkt, &v);
	session_note(s->dp, s->m, v.state, FLOW_ORIGINAL, a.conn);
	measure_tunnel(s);
	session_forward(s, a.conn, FLOW_ORIGINAL);
}

void
session_unknown(struct session *s)
{
	struct dp *dp = s->dp;
	struct wanted w = { -1, ct_expect_find(dp->ct, &s->tuple), NULL };
	struct cookie_ack ack;
	enum drop_reason why;

	if (s->meta->punt == PUNT_COOKIE && !session_cookie_first(s, &ack))
		return;
	if (w.expected == FLOW_NONE)
		w.service = lb_find(dp->lb, &s->tuple);
	if (w.expected == FLOW_NONE && w.service < 0 &&
			l3_is_own(dp->l3, s->tuple.key.family, &s->tuple.dst) &&
			session_to_itself(dp, s->m, s->now))
		return;
	why = ct_may_open(dp->ct, &s->tuple, &s->pkt);
	if (why != DROP_NONE) {
		session_invalid(dp, s->m, why, FLOW_NONE, s->now);
		return;
	}
	if (w.expected == FLOW_NONE)
		w.rule = session_rule_of(s, w.service);
	if (w.rule != NULL && !w.rule->commit &&
			w.service < 0) { /* services are translated: by an entry */
		session_rule_uncommitted(s);
		return;
	}
	if (dp->lim != NULL && limits_refuse(s, w.service))
		return;
	open_connection(s, &w);
	if (dp->lim != NULL && !s->opened)
		limits_undo(dp);
}
