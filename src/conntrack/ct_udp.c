/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP and UDP-Lite tracker. Control lcore, through ct_conn.c. Everything opens a connection, an
 * answer establishes it; one that still goes on after two seconds is a stream and may be silent for
 * longer. The first answer alone, however late, does not make it one.
 */
#include "ct_priv.h"

#define STREAM_AGE (2 * TIME_NS_PER_S)

static enum drop_reason
udp_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	(void)t, (void)tuple, (void)pkt;
	return DROP_NONE;
}

static void
udp_open(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt)
{
	(void)t;
	c->other.opened = pkt->now;
}

static bool
udp_track(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt, struct ct_verdict *v)
{
	(void)t;
	if (dir == FLOW_REPLY && (c->status & CT_S_SEEN_REPLY) == 0 &&
			pkt->now > c->other.opened + STREAM_AGE)
		c->other.opened =
				pkt->now - STREAM_AGE; /* later packets count, this one does not */
	else if ((c->status & CT_S_SEEN_REPLY) && pkt->now > c->other.opened + STREAM_AGE)
		c->status |= CT_S_ASSURED;
	v->established = ct_answered(c, dir);
	return true;
}

/*
 * Of packets that workers forwarded alone only last_seen tells, so that it does not matter who
 * forwarded them.
 */
static uint32_t
udp_timeout(const struct ct_table *t, struct ct_conn *c)
{
	const struct ct_timeouts *to = ct_timeouts_of(t, c);
	uint32_t stream = time_tick(c->other.opened + STREAM_AGE);
	bool old = (int32_t)(c->flow[FLOW_ORIGINAL].last_seen - stream) > 0 ||
			(int32_t)(c->flow[FLOW_REPLY].last_seen - stream) > 0;

	if (c->status & CT_S_ASSURED)
		return to->udp_stream;
	if ((c->status & CT_S_SEEN_REPLY) == 0 || !old)
		return to->udp;
	c->status |= CT_S_ASSURED;
	return to->udp_stream;
}

const struct ct_ops ct_udp_ops = {
	.may_open = udp_may_open,
	.open = udp_open,
	.track = udp_track,
	.timeout = udp_timeout,
};
