/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The read port: entries that the cache has not are read from host memory, a bounded number at a time, not faster than one
 * each interval. Called by engines.c and engines_walk.c. There are no events here: reads are issued in the order in which
 * they were asked for and all take the same time, so the first call knows everything, and accounts follow when
 * somebody looks.
 */
#include "engines_priv.h"

_Static_assert((SIM_READS & (SIM_READS - 1)) == 0, "an index wraps by a mask");
_Static_assert(SIM_READS > SIM_ENGINES_MAX, "an engine asks for one at a time");

static inline struct sim_read *
at(struct sim_memory *m, uint32_t i)
{
	return &m->read[i & (SIM_READS - 1)];
}

const struct sim_read *
sim_memory_ask(struct sim_memory *m, uint32_t line, sim_cycle now)
{
	struct sim_read *r = at(m, m->in);
	sim_cycle issue = now > m->next ? now : m->next;

	/* It takes the place of the one `reads` before it. What is no longer in the ring has long been back. */
	if (m->reads < SIM_READS && at(m, m->in - m->reads)->there > issue)
		issue = at(m, m->in - m->reads)->there;
	*r = (struct sim_read){ .line = line, .asked = now, .issued = issue };
	r->there = issue + m->latency;
	m->next = issue + m->interval;
	sim_wait_change(&m->wait, now, 1);
	m->in++;
	return r;
}

void
sim_memory_settle(struct sim_memory *m, struct sim_cache *cache, sim_cycle now)
{
	for (;;) {
		struct sim_read *r = at(m, m->issue), *back = at(m, m->out);
		sim_cycle issue = m->issue != m->in ? r->issued : SIM_NEVER;
		sim_cycle there = m->out != m->issue ? back->there : SIM_NEVER;

		if (there <= issue && there <= now) {
			if (!back->stale && cache != NULL)
				sim_cache_fill(cache, back->line);
			sim_wait_change(&m->flight, there, -1);
			m->flight.wait += there - back->issued;
			m->flight.served++;
			m->out++;
		} else if (issue <= now && issue < there) {
			sim_wait_change(&m->wait, issue, -1);
			m->wait.wait += issue - r->asked;
			sim_wait_change(&m->flight, issue, 1);
			m->issue++;
		} else {
			return;
		}
	}
}

void
sim_memory_stale(struct sim_memory *m, uint32_t line)
{
	for (uint32_t i = m->out; i != m->in; i++) {
		if (at(m, i)->line == line)
			at(m, i)->stale = true;
	}
}
