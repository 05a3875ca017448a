/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GRE tracker: two addresses and a key, if there is one (RFC 2890; flow.h says where it lies). Everything opens a
 * connection, an answer establishes it and gives it longer to live. Control lcore, through ct_conn.c.
 */
#include "ct_priv.h"

static enum drop_reason
gre_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	(void)t, (void)tuple, (void)pkt;
	return DROP_NONE;
}

static void
gre_open(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt)
{
	(void)t;
	c->other.opened = pkt->now;
}

static bool
gre_track(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt, struct ct_verdict *v)
{
	(void)t, (void)pkt;
	v->established = ct_answered(c, dir);
	if (c->status & CT_S_SEEN_REPLY)
		c->status |= CT_S_ASSURED;
	return true;
}

static uint32_t
gre_timeout(const struct ct_table *t, struct ct_conn *c)
{
	const struct ct_timeouts *to = ct_timeouts_of(t, c);

	return c->status & CT_S_SEEN_REPLY ? to->gre_stream : to->gre;
}

const struct ct_ops ct_gre_ops = {
	.may_open = gre_may_open,
	.open = gre_open,
	.track = gre_track,
	.timeout = gre_timeout,
};
