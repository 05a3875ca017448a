/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control lcore's round: packets that workers handed over, ageing, reclaiming, neighbours. Every part is bounded,
 * so a flood of one cannot starve the others. Control lcore only.
 */
#include <rte_cycles.h>

#include "dp_priv.h"

#define AGE_INTERVAL_NS 1000000u /* look at the timers every millisecond */
#define AGE_LIMIT 1024		 /* timers a look: 1 M expiries a second */
#define TICK_INTERVAL_NS 10000000u

static unsigned int
take_punts(struct dp *dp, uint64_t now)
{
	struct rte_mbuf *m[DP_RING_BURST];
	unsigned int seen = 0;

	for (unsigned int w = 0; w < dp->n_workers; w++) {
		unsigned int n = rte_ring_sc_dequeue_burst(
				dp->workers[w]->to_control, (void **)m, DP_RING_BURST, NULL);

		for (unsigned int i = 0; i < n; i++) {
			/* The next packet's lines come from the worker's cache: ask for them early. */
			if (i + 1 < n) {
				rte_prefetch0(pkt_meta(m[i + 1]));
				rte_prefetch0(rte_pktmbuf_mtod(m[i + 1], void *));
			}
			session_packet(dp, m[i], now);
		}
		seen += n;
	}
	return seen;
}

static void
age(struct dp *dp, uint64_t now)
{
	uint32_t closed[AGE_LIMIT];
	unsigned int n = ct_age(dp->ct, now, closed, AGE_LIMIT);

	for (unsigned int i = 0; i < n; i++)
		compile_release(dp, closed[i]);
	ct_reclaim(dp->ct, AGE_LIMIT);
}

unsigned int
control_poll(struct dp *dp, uint64_t now)
{
	uint64_t t0 = rte_rdtsc();
	unsigned int seen = take_punts(dp, now);

	dp->control_packets += seen;
	if (dp->replay || now >= dp->next_age) {
		/* All that is due must be gone before the next packet of a capture is looked at. */
		do {
			age(dp, now);
		} while (dp->replay && ct_age_due(dp->ct, now));
		dp->next_age = now + AGE_INTERVAL_NS;
	}
	if (dp->replay || now >= dp->next_tick) {
		l3_tick(dp->l3, now, &dp->l3_out);
		session_l3_flush(dp);
		dp->next_tick = now + TICK_INTERVAL_NS;
	}
	if (seen != 0)
		dp->control_cycles += rte_rdtsc() - t0;
	return seen;
}
