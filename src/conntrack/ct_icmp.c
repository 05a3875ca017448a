/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP and ICMPv6 tracker: queries (echo and the like) open a connection, their replies establish
 * it. Control lcore, through ct_conn.c. Errors never come here: they belong to the connection that
 * they quote.
 */
#include <netinet/in.h>

#include "ct_priv.h"

static enum drop_reason
icmp_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	struct flow_tuple reply;

	(void)t, (void)pkt;
	return flow_tuple_reply(tuple, &reply) ? DROP_NONE : DROP_CT_INVALID;
}

static void
icmp_open(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt)
{
	(void)t;
	c->other.opened = pkt->now;
}

static bool
icmp_track(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt, struct ct_verdict *v)
{
	(void)t, (void)pkt;
	v->established = ct_answered(c, dir);
	return true;
}

static uint32_t
icmp_timeout(const struct ct_table *t, struct ct_conn *c)
{
	const struct ct_timeouts *to = ct_timeouts_of(t, c);

	return c->flow[FLOW_ORIGINAL].key.proto == IPPROTO_ICMP ? to->icmp : to->icmp6;
}

const struct ct_ops ct_icmp_ops = {
	.may_open = icmp_may_open,
	.open = icmp_open,
	.track = icmp_track,
	.timeout = icmp_timeout,
};
