/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control lcore's round: packets that workers handed over, ageing, reclaiming, neighbours. Every part is bounded,
 * so a flood of one cannot starve the others. Control lcore only.
 */
#include <rte_cycles.h>

#include "dp_priv.h"
#include "limits.h"

#define AGE_INTERVAL_NS 1000000u /* look at the timers every millisecond */
#define AGE_LIMIT 1024		 /* timers a look */
#define AGE_LIMIT_BUSY 128	 /* when packets wait as well: some 10 us */
#define RELEASE_AHEAD 8
#define TICK_INTERVAL_NS 10000000u

/*
 * Everything that a packet will need comes from the worker's cache or from memory, and control works on one packet at a
 * time: ask for it some packets ahead. First the note in the mbuf, then what the note leads to.
 */
#define AHEAD_NOTE 8
#define AHEAD_LINES 4

static void
fetch_ahead(const struct dp *dp, struct rte_mbuf **m, unsigned int i, unsigned int n)
{
	const struct pkt_meta *meta;

	if (i + AHEAD_NOTE < n)
		rte_prefetch0(pkt_meta(m[i + AHEAD_NOTE]));
	if (i + AHEAD_LINES >= n)
		return;
	meta = pkt_meta(m[i + AHEAD_LINES]);
	rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD_LINES], void *));
	if (meta->flow != FLOW_NONE)
		ct_prefetch_close(dp->ct, meta->flow >> 1);
	else if (meta->key.family != 0)
		ct_prefetch_open(dp->ct, meta->hash);
}

static unsigned int
take_punts(struct dp *dp, uint64_t now)
{
	struct rte_mbuf *m[DP_RING_BURST];
	unsigned int seen = dp->lend.n == 0 ? 0 : session_lend_poll(dp, now);

	for (unsigned int w = 0; w < dp->n_workers; w++) {
		/* Each may have to wait there. */
		const unsigned int room = RTE_MIN(DP_RING_BURST, DP_LEND_MAX - dp->lend.n);
		unsigned int n = rte_ring_sc_dequeue_burst(
				dp->workers[w]->to_control, (void **)m, room, NULL);

		for (unsigned int i = 0; i < RTE_MIN(n, AHEAD_NOTE); i++)
			rte_prefetch0(pkt_meta(m[i]));
		for (unsigned int i = 0; i < n; i++) {
			fetch_ahead(dp, m, i, n);
			if (likely(dp->lend.n == 0) || !session_waits(dp, m[i]))
				session_packet(dp, m[i], now);
		}
		seen += n;
		session_return_flush(dp, w);
	}
	return seen;
}

/* No worker has these connections any more, so the next hops that their flows name may go. */
static void
release(struct dp *dp, const uint32_t *gone, unsigned int n)
{
	const struct ct_conn *conns = ct_conns(dp->ct);

	for (unsigned int i = 0; i < n; i++) {
		if (i + RELEASE_AHEAD < n) {
			rte_prefetch0(&conns[gone[i + RELEASE_AHEAD]].flow[FLOW_ORIGINAL]);
			rte_prefetch0(&conns[gone[i + RELEASE_AHEAD]].flow[FLOW_REPLY]);
		}
		compile_release(dp, gone[i]);
	}
}

/* A step of ageing and reclaiming. True: there is more to do. */
static bool
age(struct dp *dp, uint64_t now, unsigned int limit)
{
	uint32_t conn[AGE_LIMIT];
	unsigned int n;

	n = ct_age(dp->ct, now, conn, limit);
	for (unsigned int i = 0; dp->lim != NULL && i < n; i++)
		limits_close(dp, conn[i]);
	n = ct_reclaim(dp->ct, conn, limit);
	release(dp, conn, n);
	return n == limit || ct_age_due(dp->ct, now);
}

unsigned int
control_poll(struct dp *dp, uint64_t now)
{
	uint64_t t0 = rte_rdtsc();
	unsigned int seen = take_punts(dp, now);

	cookies_poll(dp, now);
	dp->control_packets += seen;
	if (dp->replay || now >= dp->next_age) {
		/* All that is due must be gone before the next packet of a capture is looked at. */
		bool more;

		do {
			more = age(dp, now, seen != 0 ? AGE_LIMIT_BUSY : AGE_LIMIT);
			replay_events(dp);
		} while (dp->replay && more);
		/* A million that are due at once are done in steps, between packets, and not one step a look. */
		dp->next_age = more ? now : now + AGE_INTERVAL_NS;
		table_watch(dp, now);
	}
	if (dp->replay || now >= dp->next_tick) {
		l3_tick(dp->l3, now, &dp->l3_out);
		session_l3_flush(dp);
		limits_tick(dp, now);
		session_frag_tick(dp, now);
		dp->next_tick = now + TICK_INTERVAL_NS;
		for (unsigned int w = 0; w < dp->n_workers; w++)
			session_return_flush(dp, w);
	}
	if (seen != 0)
		dp->control_cycles += rte_rdtsc() - t0;
	return seen;
}
