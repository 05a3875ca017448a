/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watches the connection table fill, and says so: one line when it begins to refuse connections,
 * with the count and the remedy, and one when it has room again. Control lcore, between packets.
 * Decides nothing.
 */
#include <inttypes.h>

#include "base/log.h"
#include "dp_priv.h"

#define QUIET_NS (10 * TIME_NS_PER_S)	/* no refusal for so long: the episode is over */
#define SILENCE_NS (60 * TIME_NS_PER_S) /* at most one episode is reported in this time */

static void
say_full(const struct ct_stats *s)
{
	if (s->unplaced != 0 && s->connections < s->connections_max / 2)
		log_warn("connection table: %" PRIu64
			 " connections found no place though there is room: somebody makes hashes collide; set conntrack/hash to \"siphash\"\n",
				s->unplaced);
	else
		log_warn("connection table is full: %u of %u connections (IPv6: %u of %u), %" PRIu64
			 " refused so far; raise tables/connections or lower conntrack/timeouts\n",
				s->connections, s->connections_max, s->connections6,
				s->connections6_max, s->full);
}

void
table_watch(struct dp *dp, uint64_t now)
{
	struct table_watch *w = &dp->table_watch;
	struct ct_stats s;

	ct_stats(dp->ct, &s);
	if (s.full + s.unplaced != w->refused) {
		if (!w->full && now >= w->next_line) {
			w->full = true;
			w->begin = w->refused;
			w->next_line = now + SILENCE_NS;
			say_full(&s);
		}
		w->refused = s.full + s.unplaced;
		w->since = now;
	} else if (w->full && now - w->since >= QUIET_NS) {
		w->full = false;
		log_info("connection table has room again: %u of %u connections, %" PRIu64
			 " were refused\n",
				s.connections, s.connections_max, w->refused - w->begin);
	}
}
