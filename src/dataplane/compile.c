/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compile a connection: class, next hop and rewrite of one direction become a struct flow. Control lcore only, while
 * the connection is not on the fast path or is lent (base/flow.h).
 */
#include <errno.h>
#include <netinet/in.h>

#include "base/cksum.h"
#include "flow_run.h"
#include "limits.h"
#include "session.h"

int
compile_decide(struct dp *dp, const struct compile_question *q, struct cls_result *cls,
		uint16_t *nexthop)
{
	const struct cls_input in = {
		.tuple = q->tuple,
		.in_port = q->port_in,
		.state = q->state,
		.l7 = q->l7,
		.l7_done = q->l7_done,
	};
	const struct cls_class *class;
	int nh;

	cls_classify(dp->cls, &in, cls);
	class = cls_class(dp->cls, cls->class_id);
	if (class->drop && !cls->l7_pending)
		return -EPERM;
	if (class->port != CLS_ANY_PORT)
		nh = l3_route_on(dp->l3, class->port, q->tuple->key.family, q->dst);
	else
		nh = l3_route(dp->l3, q->tuple->key.family, q->dst);
	if (nh < 0)
		return nh;
	*nexthop = (uint16_t)nh;
	return 0;
}

uint16_t
compile_class(struct dp *dp, const struct flow_tuple *tuple, uint16_t port_in, enum ct_state state)
{
	const struct cls_input in = {
		.tuple = tuple,
		.in_port = port_in,
		.state = state,
		.l7_done = true,
	};
	struct cls_result found;

	cls_classify(dp->cls, &in, &found);
	return found.class_id;
}

/* Has the transport checksum a pseudo header, or ports that change? */
static uint16_t
l4_delta(const struct compile_args *a, const struct flow_tuple *out)
{
	const size_t len = a->tuple->key.family == 4 ? 4 : 16;
	uint16_t delta = 0;

	switch (a->tuple->key.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: /* this and the next: flow_run_rare */
	case IPPROTO_DCCP:
		delta = cksum_delta(delta, &a->tuple->key.sport, &out->key.sport, 4);
		/* fall through */
	case IPPROTO_ICMPV6:
	case FLOW_PROTO_VXLAN: /* from here on flow_run_bare, for what has such a checksum */
	case FLOW_PROTO_GENEVE:
	case FLOW_PROTO_GTPU:
	case FLOW_PROTO_ANY:
		delta = cksum_delta(delta, a->tuple->src.b, out->src.b, len);
		delta = cksum_delta(delta, a->tuple->dst.b, out->dst.b, len);
		return delta;
	default:
		return 0; /* no checksum over addresses, or none at all; SCTP: flow_run_rare */
	}
}

static uint16_t
l3_delta(const struct compile_args *a, const struct flow_tuple *out)
{
	uint16_t delta = FLOW_RUN_TTL_DELTA;

	delta = cksum_delta(delta, a->tuple->src.b, out->src.b, 4);
	return cksum_delta(delta, a->tuple->dst.b, out->dst.b, 4);
}

static void
set_nexthop(struct dp *dp, struct flow *f, uint16_t nexthop)
{
	l3_nexthop_ref(dp->l3, nexthop);
	if (f->flags & FLOW_F_COMPILED)
		l3_nexthop_unref(dp->l3, f->nexthop);
	f->nexthop = nexthop;
}

void
compile_flow(struct dp *dp, const struct compile_args *a)
{
	struct ct_conn *c = &ct_conns(dp->ct)[a->conn];
	struct flow *f = &c->flow[a->dir];
	const struct cls_class *class = cls_class(dp->cls, a->cls->class_id);
	/* It leaves as the inverse of how its answer arrives. */
	struct flow_tuple out = {
		.key = a->reply->key, .src = a->reply->dst, .dst = a->reply->src
	};
	uint8_t flags = f->flags & (FLOW_F_FAST | FLOW_F_ADJUST);

	out.key.sport = a->reply->key.dport;
	out.key.dport = a->reply->key.sport;
	f->src = a->reply->key.dst;
	f->dst = a->reply->key.src;
	f->sport = out.key.sport;
	f->dport = out.key.dport;
	f->l3_delta = a->tuple->key.family == 4 ? l3_delta(a, &out) : 0;
	f->l4_delta = l4_delta(a, &out);
	set_nexthop(dp, f, a->nexthop);
	f->queue = class->queue;
	f->class_id = a->cls->class_id;
	f->backend = a->backend;
	f->port_in = a->port_in;
	if (class->has_mark && c->mark != class->mark) {
		c->mark = class->mark;
		ct_changed(dp->ct, a->conn, CT_CHANGED_MARK);
	}
	if (c->status & (CT_S_DNAT | CT_S_SNAT))
		flags |= FLOW_F_NAT;
	if (flow_key_bare(&a->tuple->key))
		flags |= FLOW_F_BARE;
	if (a->l7_found)
		flags |= FLOW_F_L7_FOUND;
	if (a->cls->l7_pending)
		flags |= FLOW_F_L7;
	else if (class->drop)
		flags |= FLOW_F_DROP;
	__atomic_store_n(&f->flags, flags | FLOW_F_COMPILED, __ATOMIC_RELEASE);
}

void
compile_release(struct dp *dp, uint32_t conn)
{
	struct ct_conn *c = &ct_conns(dp->ct)[conn];

	for (unsigned int d = 0; d < 2; d++)
		if (c->flow[d].flags & FLOW_F_COMPILED)
			l3_nexthop_unref(dp->l3, c->flow[d].nexthop);
	if (dp->lim != NULL)
		limits_close(dp, conn); /* one that had to give way: nobody knew */
}
