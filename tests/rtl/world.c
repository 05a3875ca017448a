/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The model in C, run over the world of world.h: outcomes by the walk through the image of host memory, checked against those of
 * hwsim/core/steer.h; times by hwsim/core/engines.h.
 */
#include "world_priv.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS 700

struct run {
	struct world *w;
	struct sim_frame *frame; /* [packets] */
	struct key *key;
};

static uint32_t
number(const struct run *r, const struct sim_frame *f)
{
	return (uint32_t)(f - r->frame);
}

static void
start(void *ctx, struct sim_frame *f, sim_cycle now, struct sim_path *path)
{
	struct run *r = ctx;
	uint32_t i = number(r, f);

	r->w->log[i].dispatched = now;
	world_walk(r->w, &r->key[i], &r->w->log[i], path);
}

static void
done(void *ctx, struct sim_frame *f, sim_cycle now)
{
	struct run *r = ctx;

	r->w->log[number(r, f)].left = now;
	r->w->last = now;
}

static void
stamp(void *ctx, const struct sim_frame *f, enum sim_stamp_what what, uint32_t unit, uint32_t line,
		sim_cycle now)
{
	struct run *r = ctx;
	struct world_log *log = &r->w->log[number(r, f)];

	if (unit != 2)
		return;
	if (log->n_probes == WORLD_PROBES)
		abort();
	log->probe[log->n_probes].at = now;
	log->probe[log->n_probes].line = line;
	log->probe[log->n_probes++].hit = what == SIM_STAMP_HIT;
}

static void
profile(const struct world_params *p, struct sim_profile *out)
{
	memset(out, 0, sizeof(*out));
#define X(section, field, key, def, min, max, text) out->section##_##field = def;
	SIM_PROFILE_NUMBERS(X)
#undef X
	out->parser_latency = p->PARSER_LATENCY;
	out->parser_interval = p->PARSER_INTERVAL;
	out->parser_queue = p->PARSER_QUEUE;
	out->steering_engines = p->ENGINES;
	out->steering_group_cycles = p->GROUP_CYCLES;
	out->steering_lookup = p->LOOKUP;
	out->steering_action = p->ACTION;
	out->steering_groups_max = p->GROUPS_MAX;
	out->steering_order_buckets = p->ORDER_BUCKETS;
	out->cache_lines = p->CACHE_LINES;
	out->cache_ways = p->CACHE_WAYS;
	out->cache_hit = p->CACHE_HIT;
	out->cache_reads = p->CACHE_READS;
	out->cache_memory = p->memory;
	out->cache_interval = p->CACHE_INTERVAL;
}

/* The model's steering must think the same of every packet as the walk through the image. */
static int
check_outcomes(struct world *w, struct sim_steer *steer, const struct key *keys)
{
	static struct sim_path path;
	uint32_t kinds[4] = { 0 };

	for (uint32_t i = 0; i < w->params.packets; i++) {
		uint8_t room[2 * 256];
		struct sim_pkt p = { .data = room + 128, .len = w->packet[i].len };
		struct world_log log;
		enum world_out kind;

		memcpy(p.data, w->packet[i].data, p.len);
		p.frame_len = p.len;
		p.headroom = p.tailroom = 128;
		sim_steer_run(steer, &p, 0, NULL);
		kind = p.dest.kind == SIM_TO_DROP
				? (p.dest.queue == SIM_DROP_LOOP ? WORLD_LOOP : WORLD_DROP)
				: p.dest.rss ? WORLD_DEFAULT
					     : WORLD_QUEUE;
		world_walk(w, &keys[i], &log, &path);
		kinds[log.kind]++;
		if (kind != log.kind || p.marked != log.marked ||
				(p.marked && p.mark != log.mark) ||
				(kind == WORLD_QUEUE && p.dest.queue != log.queue)) {
			fprintf(stderr, "packet %u: steering says %u, queue %u, mark %u: %u; the image %u, queue %u, mark %u: %u\n",
					i, kind, p.dest.queue, p.marked, p.mark, log.kind,
					log.queue, log.marked, log.mark);
			return -1;
		}
	}
	printf("outcomes: %u default, %u to a queue, %u dropped, %u in a loop\n", kinds[0],
			kinds[1], kinds[2], kinds[3]);
	return 0;
}

/* Lines that somebody may have read lately, written. */
static int
make_drops(struct world *w, uint64_t *random, const struct key *flows)
{
	uint64_t end = w->packet[w->params.packets - 1].at, at = 0;
	uint32_t room = (uint32_t)(end / (1 + w->params.drops / 4)) + 1;

	if (w->params.drops == 0)
		return 0;
	w->drop = calloc(room, sizeof(*w->drop));
	if (w->drop == NULL)
		return -1;
	while (w->n_drops < room) {
		const struct world_matcher *m = w->matcher[world_random(random) % 3];

		at += 1 + world_random(random) % w->params.drops;
		if (at > end)
			break;
		w->drop[w->n_drops].at = at;
		w->drop[w->n_drops++].line = world_bucket(
				&m[world_random(random) % 2], &flows[world_random(random) % 20]);
	}
	return 0;
}

static void
drop(void *owner, const struct sim_event *ev)
{
	sim_engines_invalidate(owner, ev->arg);
}

static int
run_model(struct run *r, const struct sim_profile *profile_)
{
	struct world *w = r->w;
	struct sim_engines_params params = {
		.profile = profile_, .start = start, .done = done, .stamp = stamp, .ctx = r
	};
	struct sim_unit_stats u;
	struct sim_engines *e;

	params.events = sim_events_create();
	e = sim_engines_create(&params);
	if (params.events == NULL || e == NULL)
		return -1;
	for (uint32_t i = 0; i < w->n_drops; i++) {
		struct sim_event ev = { .at = w->drop[i].at,
			.prio = SIM_P_COMMAND,
			.arg = w->drop[i].line,
			.run = drop,
			.owner = e };

		if (sim_events_add(params.events, &ev) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < w->params.packets; i++) {
		sim_events_run(params.events, w->packet[i].at);
		w->log[i].accepted = sim_engines_put(e, &r->frame[i], w->packet[i].at) == 0;
	}
	sim_events_run(params.events, SIM_NEVER);
	sim_engines_unit(e, 2, &u);
	w->hits = u.hits;
	w->misses = u.misses;
	sim_engines_destroy(e, NULL);
	sim_events_destroy(params.events);
	return 0;
}

/* Frames of flows that come back, in bursts and with pauses between. */
static void
make_packets(struct world *w, uint64_t *random, const struct key *flows, struct key *keys)
{
	uint64_t at = 5;
	uint32_t pace = 1;

	for (uint32_t i = 0; i < w->params.packets; i++) {
		uint32_t few = world_random(random) % 2 ? FLOWS : 20;

		if (i % 100 == 0)
			pace = (uint32_t)(world_random(random) % 4);
		at += 1 + (pace == 0 ? 0 : world_random(random) % (w->params.gap * pace + 1));
		w->packet[i].at = at;
		world_frame(random, &flows[world_random(random) % few], &w->packet[i]);
		world_key(&w->packet[i], &keys[i]);
	}
}

struct world *
world_create(const struct world_params *params)
{
	struct sim_profile p;
	struct sim_steer_params sp = { .profile = &p, .n_ports = 1 };
	uint64_t random = params->seed * 0x9e3779b97f4a7c15ull + 1;
	struct key flows[FLOWS];
	struct world *w = calloc(1, sizeof(*w));
	struct run r = { .w = w };
	struct sim_steer *steer;
	int err = -1;

	if (w == NULL)
		return NULL;
	profile(params, &p);
	w->params = *params;
	w->packet = calloc(params->packets, sizeof(*w->packet));
	w->log = calloc(params->packets, sizeof(*w->log));
	r.frame = calloc(params->packets, sizeof(*r.frame));
	r.key = calloc(params->packets, sizeof(*r.key));
	steer = sim_steer_create(&sp);
	if (w->packet != NULL && w->log != NULL && r.frame != NULL && r.key != NULL &&
			steer != NULL) {
		world_flows(&random, flows, FLOWS);
		err = world_rules(w, steer, &random, flows, FLOWS);
	}
	if (err == 0) {
		make_packets(w, &random, flows, r.key);
		err = check_outcomes(w, steer, r.key);
	}
	if (err == 0)
		err = make_drops(w, &random, flows);
	if (err == 0)
		err = run_model(&r, &p);
	sim_steer_destroy(steer);
	free(r.frame);
	free(r.key);
	if (err == 0)
		return w;
	world_destroy(w);
	return NULL;
}

void
world_destroy(struct world *w)
{
	if (w == NULL)
		return;
	free(w->line);
	free(w->packet);
	free(w->drop);
	free(w->log);
	free(w);
}
