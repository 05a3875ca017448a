/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * New connections: service, class, route, entry in the table, compiled flow. Control lcore only; budget about 1,000
 * cycles a connection.
 */
#include <errno.h>
#include <netinet/in.h>

#include "limits.h"
#include "session.h"

/* ---- new connections --------------------------------------------------------------------------------------------------- */

/* The tuple of the answer: from the backend if a service is meant, else simply turned round. */
static enum drop_reason
answer(struct session *s, int service, struct flow_tuple *reply, struct lb_choice *choice)
{
	struct flow_tuple sent = s->tuple;

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
table_full(struct session *s, int service)
{
	/* Untranslated it would not reach the service: nothing to forward. */
	if (s->dp->cfg->conntrack.full == CFG_DROP || service >= 0) {
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

static void
open_connection(struct session *s, int service, const struct session_rule *rule)
{
	struct dp *dp = s->dp;
	struct lb_choice choice = { .backend = FLOW_NO_BACKEND };
	struct flow_tuple reply;
	struct cls_result cls;
	struct compile_question q = {
		.tuple = &s->tuple,
		.dst = &reply.src,
		.port_in = s->meta->port_in,
		.state = CT_STATE_NEW,
	};
	struct compile_args a = {
		.dir = FLOW_ORIGINAL,
		.tuple = &s->tuple,
		.reply = &reply,
		.port_in = s->meta->port_in,
		.cls = &cls,
	};
	enum drop_reason why = answer(s, service, &reply, &choice);
	struct ct_verdict v;
	int rc;

	if (why != DROP_NONE) {
		session_drop(dp, s->m, why);
		return;
	}
	rc = decide_new(s, &q, &cls, &a.nexthop);
	if (rc == -ENETUNREACH)
		session_drop_error(dp, s->m, DROP_NO_ROUTE, L3_ICMP_NO_ROUTE, 0);
	else if (rc == -EPERM)
		session_drop_class(dp, s->m, cls.class_id);
	else if (rc != 0)
		session_drop(dp, s->m, DROP_NEIGH_FULL);
	if (rc != 0)
		return;
	rc = ct_open(dp->ct, &s->tuple, &reply, s->meta->worker, &s->pkt, &a.conn);
	if (rc == -ENOSPC)
		table_full(s, service);
	else if (rc == -EDQUOT)
		session_drop(dp, s->m, DROP_CT_ZONE_LIMIT);
	else if (rc != 0)
		session_drop(dp, s->m, DROP_CT_CLASH);
	if (rc != 0)
		return;
	s->opened = true;
	ct_conns(dp->ct)[a.conn].flow[FLOW_ORIGINAL].owner = s->meta->worker;
	ct_conns(dp->ct)[a.conn].flow[FLOW_REPLY].owner = s->meta->worker;
	ct_conns(dp->ct)[a.conn].flow[FLOW_REPLY].backend = choice.backend;
	session_rule_apply(s, rule, a.conn);
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
	int service = lb_find(dp->lb, &s->tuple);
	const struct session_rule *rule;
	enum drop_reason why;

	if (service < 0 && l3_is_own(dp->l3, s->tuple.key.family, &s->tuple.dst) &&
			session_to_itself(dp, s->m, s->now))
		return;
	why = ct_may_open(dp->ct, &s->tuple, &s->pkt);
	if (why != DROP_NONE) {
		session_invalid(dp, s->m, why, FLOW_NONE, s->now);
		return;
	}
	rule = session_rule_of(s, service);
	if (rule != NULL && !rule->commit &&
			service < 0) { /* services are translated: by an entry */
		session_rule_uncommitted(s);
		return;
	}
	if (dp->lim != NULL && limits_refuse(s, service))
		return;
	open_connection(s, service, rule);
	if (dp->lim != NULL && !s->opened)
		limits_undo(dp);
}
