/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tracker of every protocol without one of its own: two addresses that talk are a connection.
 * Control lcore, through ct_conn.c.
 */
#include "ct_priv.h"

static enum drop_reason
other_may_open(const struct ct_table *t, const struct flow_tuple *tuple,
		const struct ct_packet *pkt)
{
	(void)t, (void)tuple, (void)pkt;
	return DROP_NONE;
}

static void
other_open(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt)
{
	(void)t;
	c->other.opened = pkt->now;
}

static bool
other_track(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt, struct ct_verdict *v)
{
	(void)t, (void)pkt;
	v->established = ct_answered(c, dir);
	return true;
}

static uint32_t
other_timeout(const struct ct_table *t, struct ct_conn *c)
{
	return ct_timeouts_of(t, c)->generic;
}

const struct ct_ops ct_other_ops = {
	.may_open = other_may_open,
	.open = other_open,
	.track = other_track,
	.timeout = other_timeout,
};
