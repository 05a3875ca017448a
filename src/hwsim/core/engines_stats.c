/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What steering in time has done, unit by unit, up to now (engines.h: sim_engines_unit()). Looks, and changes nothing: what
 * is accounted late is accounted on a copy.
 */
#include "engines_priv.h"

static void
fill(struct sim_unit_stats *s, const char *name, const struct sim_wait *w)
{
	*s = (struct sim_unit_stats){
		.name = name,
		.served = w->served,
		.busy = w->busy,
		.servers = 1,
		.queue = w->now,
		.queue_max = w->max,
		.queue_cycles = w->area,
		.wait_cycles = w->wait,
	};
}

/* Who waits as of now: the sums of a unit run up to its last change. */
static struct sim_wait
as_of(struct sim_wait w, sim_cycle now)
{
	if (now > w.since)
		sim_wait_change(&w, now, 0);
	return w;
}

bool
sim_engines_unit(const struct sim_engines *e, uint32_t i, struct sim_unit_stats *stats)
{
	sim_cycle now = sim_events_now(e->p.events);
	struct sim_parser parser = e->parser;
	struct sim_memory memory = e->memory;
	struct sim_wait w, servers;

	sim_parser_settle(&parser, now);
	sim_memory_settle(&memory, NULL, now);
	switch (i) {
	case SIM_UNIT_PARSER:
		w = as_of(parser.wait, now);
		fill(stats, "parser", &w);
		return true;
	case SIM_UNIT_ENGINE:
		w = as_of(parser.engines, now);
		servers = as_of(e->busy, now);
		fill(stats, "engine", &w);
		stats->served = servers.served;
		stats->busy = servers.area;
		stats->servers = e->n;
		return true;
	case SIM_UNIT_CACHE:
		w = as_of(e->cache_wait, now);
		fill(stats, "cache", &w);
		stats->hits = e->hits;
		stats->misses = e->misses;
		return true;
	case SIM_UNIT_MEMORY:
		w = as_of(memory.wait, now);
		servers = as_of(memory.flight, now);
		fill(stats, "memory", &w);
		stats->served = servers.served;
		stats->busy = servers.area;
		stats->servers = e->memory.reads;
		return true;
	case SIM_UNIT_ORDER:
		w = as_of(e->order.wait, now);
		fill(stats, "order", &w);
		return true;
	default:
		return false;
	}
}
