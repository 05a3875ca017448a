/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet on its way through the groups. Called once a packet, by the driver's burst functions or by the model in cycles,
 * so the plain path must not cost more than the look-ups themselves.
 *
 * What ends a walk through a domain: a fate, or that no rule (or one without fate) is left. Then the packet takes the default
 * way: TRANSFER hands packets from outside to INGRESS of the port they came by, EGRESS hands on to TRANSFER, and that to the
 * wire. All groups together, JUMP and HOST included, are bounded by steering.groups-max.
 */
#include "sim_priv.h"
#include "steer_priv.h"

enum way { WAY_DEFAULT, WAY_HOST, WAY_DONE };

static void
send(struct sim_run *r, enum sim_dest_kind kind, uint16_t port, uint32_t queue)
{
	r->p->dest = (struct sim_dest){
		.kind = (uint8_t)kind,
		.port = port,
		.queue = (uint16_t)queue,
	};
}

static void
drop(struct sim_run *r, enum sim_drop why)
{
	send(r, SIM_TO_DROP, r->p->port, why);
	r->s->stats.drops[why]++;
}

static void
spread(struct sim_run *r, uint16_t port, uint32_t index)
{
	const struct sim_rss *rss = SIM_POOL_GET(&r->s->objects.rss, index, struct sim_rss);
	bool hashed = false;
	uint32_t hash;

	if (rss == NULL || rss->n == 0) {
		drop(r, SIM_DROP_RULE);
		return;
	}
	hash = sim_rss_hash(rss, &r->phv, &hashed);
	r->p->hash = hashed ? hash : 0;
	r->p->rss_hashed = hashed;
	send(r, SIM_TO_QUEUE, port, rss->queue[hashed ? hash % rss->n : 0]);
}

struct walk {
	uint8_t domain;
	uint16_t port;	  /* of the tables */
	uint16_t host;	  /* whose queues QUEUE and RSS mean; then, where HOST leads */
	uint32_t *groups; /* left */
	bool hit;
};

static enum way
fate(struct sim_run *r, struct walk *w, const struct sim_action *a)
{
	switch (a->type) {
	case SIM_A_QUEUE:
		send(r, SIM_TO_QUEUE, w->host, a->u32);
		return WAY_DONE;
	case SIM_A_RSS:
		spread(r, w->host, a->u32);
		return WAY_DONE;
	case SIM_A_PORT:
		send(r, SIM_TO_WIRE, (uint16_t)a->u32, 0);
		return WAY_DONE;
	case SIM_A_HOST:
		w->host = (uint16_t)a->u32;
		return WAY_HOST;
	default:
		drop(r, SIM_DROP_ACTION);
		return WAY_DONE;
	}
}

/* A miss behind a jump into a tunnel's group: software goes on from there. */
static void
restore(struct sim_run *r, const struct sim_group *g)
{
	if (g == NULL || g->tunnel == 0)
		return;
	r->p->restored = 1;
	r->p->restore = g->tunnel << 24 | (g->number & 0xffffff);
}

/* One group. NULL: the walk ends, *way says how; else the JUMP that leads on. */
static const struct sim_action *
group(struct sim_run *r, struct walk *w, struct sim_group *g, enum way *way)
{
	struct sim_cursor c = { 0 };
	const struct sim_action *a;
	struct sim_rule *rule;
	int why;

	while ((rule = sim_group_next(g, &r->phv, &c, r->path)) != NULL) {
		why = -1;
		rule->hits++;
		w->hit = true;
		a = sim_act(r, rule, &why);
		if (why >= 0) {
			drop(r, (enum sim_drop)why);
			*way = WAY_DONE;
			return NULL;
		}
		if (a == NULL)
			return NULL;
		if (a->type == SIM_A_JUMP) {
			if (g->led != a->u32)
				g->led = a->u32;
			return a;
		}
		if (a->type != SIM_A_PASSTHRU) {
			*way = fate(r, w, a);
			return NULL;
		}
	}
	restore(r, g);
	return NULL;
}

static enum way
walk(struct sim_run *r, struct walk *w)
{
	const struct sim_steer *s = r->s;
	const uint16_t root = w->domain == SIM_TRANSFER ? 0 : w->port;
	struct sim_group *g = s->root[w->domain][root];
	const struct sim_action *jump;
	enum way way = WAY_DEFAULT;
	uint32_t number = 0;

	if (g == NULL)
		return WAY_DEFAULT;
	for (;;) {
		if ((*w->groups)-- == 0) {
			*w->groups = 0;
			drop(r, SIM_DROP_LOOP);
			return WAY_DONE;
		}
		sim_step(r->path, SIM_STEP_GROUP, 1, number);
		jump = g == NULL ? NULL : group(r, w, g, &way);
		if (jump == NULL)
			return way;
		number = jump->u32;
		g = sim_group_find(s, w->domain, w->port, number);
	}
}

static void
to_host(struct sim_run *r, struct walk *w)
{
	for (;;) {
		w->domain = SIM_INGRESS;
		w->port = w->host;
		switch (walk(r, w)) {
		case WAY_DONE:
			return;
		case WAY_HOST:
			continue;
		case WAY_DEFAULT:
			break;
		}
		if (r->s->isolated[w->host]) {
			drop(r, SIM_DROP_ISOLATED);
			return;
		}
		send(r, SIM_TO_QUEUE, w->host, 0);
		r->p->dest.rss = 1;
		return;
	}
}

static void
steer(struct sim_run *r, struct walk *w)
{
	const uint16_t port = r->p->port;
	enum way way = WAY_DEFAULT;

	if (r->p->from_host) {
		w->domain = SIM_EGRESS;
		w->port = port;
		way = walk(r, w);
	}
	if (way == WAY_DEFAULT) {
		w->domain = SIM_TRANSFER;
		w->port = SIM_ANY_PORT;
		way = walk(r, w);
	}
	if (way == WAY_HOST || (way == WAY_DEFAULT && !r->p->from_host))
		to_host(r, w);
	else if (way == WAY_DEFAULT)
		send(r, SIM_TO_WIRE, port, 0);
}

void
sim_steer_run(struct sim_steer *s, struct sim_pkt *p, sim_cycle now, struct sim_path *path)
{
	struct sim_run r;
	uint32_t groups = s->profile->steering_groups_max;
	struct walk w = { .host = p->port, .groups = &groups };

	r.s = s;
	r.p = p;
	r.path = path;
	r.now = now;
	s->now = now > s->now ? now : s->now;
	s->stats.packets++;
	if (path != NULL)
		path->n = 0;
	if (p->port >= s->n_ports) {
		drop(&r, SIM_DROP_RULE);
		return;
	}
	memset(&r.phv, 0, offsetof(struct sim_phv, level));
	r.phv.port = p->port;
	r.phv.from_host = p->from_host;
	/* Software may give packets metadata of its own, and it is all that a packet brings along. */
	r.phv.meta = p->from_host && p->meta_set ? p->meta : 0;
	sim_parse(p->data, p->len, p->frame_len, s->integrity > 0 ? SIM_PARSE_INTEGRITY : 0, &r.phv,
			&r.off);
	if (path != NULL) {
		path->flow = sim_flow_hash(&r.phv, 0);
		sim_step(path, SIM_STEP_PARSE, 1, 0);
	}
	steer(&r, &w);
	s->stats.hits += w.hit;
	s->stats.misses += !w.hit;
}
