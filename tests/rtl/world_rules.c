/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random rules, twice: as entries in an image of host memory, laid out for RTL (hash tables of lines of 64 bytes, chains), and
 * as rules of the model's steering, which has an opinion of its own on what happens to a packet.
 */
#include "world_priv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t
rotl(uint32_t x, uint32_t n)
{
	return x << n | x >> (32 - n);
}

/* steering_pkg.sv, hash(). */
uint32_t
world_hash(const struct key *k)
{
	uint32_t h = k->src + rotl(k->dst, 13);

	h = (h ^ k->ports) + k->kind;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

static struct key
masked(const struct world_matcher *m, const struct key *k)
{
	return (struct key){ k->kind & m->kind, k->src & m->src, k->dst & m->dst,
		k->ports & m->ports };
}

uint32_t
world_bucket(const struct world_matcher *m, const struct key *k)
{
	struct key x = masked(m, k);

	return m->base + (world_hash(&x) & m->last_bucket);
}

static bool
is(const uint32_t *e, const struct key *k)
{
	return (e[E_FLAGS] & E_USED) != 0 && e[E_KIND] == k->kind && e[E_SRC] == k->src &&
			e[E_DST] == k->dst && e[E_PORTS] == k->ports;
}

static void
step(struct sim_path *path, enum sim_step_kind kind, uint32_t count, uint32_t line)
{
	if (path->n == SIM_STEPS_MAX) {
		fprintf(stderr, "a path of more than %u steps\n", SIM_STEPS_MAX);
		abort();
	}
	path->step[path->n++] = (struct sim_step){
		.kind = (uint8_t)kind, .count = (uint16_t)count, .line = line
	};
}

/* The entry that matches in one matcher; NULL. */
static const uint32_t *
look(const struct world *w, const struct world_matcher *m, const struct key *k,
		struct sim_path *path)
{
	struct key x = masked(m, k);
	uint32_t line = world_bucket(m, k);

	for (enum sim_step_kind kind = SIM_STEP_EXACT;; kind = SIM_STEP_CHAIN) {
		const uint32_t *e = w->line[line];

		step(path, kind, 1, line);
		if (is(e, &x))
			return e;
		if ((e[E_FLAGS] & E_CHAINED) == 0)
			return NULL;
		line = e[E_NEXT];
	}
}

void
world_walk(const struct world *w, const struct key *k, struct world_log *log, struct sim_path *path)
{
	uint32_t group = 0;

	log->kind = WORLD_DEFAULT;
	log->marked = false;
	log->mark = log->queue = 0;
	path->n = 0;
	path->flow = world_hash(k);
	for (uint32_t entered = 1;; entered++) {
		const uint32_t *e = NULL;

		step(path, SIM_STEP_GROUP, 1, group);
		for (uint32_t m = 0; m < 2 && e == NULL && w->matcher[group][m].valid; m++)
			e = look(w, &w->matcher[group][m], k, path);
		if (e == NULL)
			return;
		step(path, SIM_STEP_ACTION,
				(e[E_FLAGS] & E_MARKED ? 1 : 0) + (E_FATE(e[E_FLAGS]) != FATE_NONE),
				0);
		if (e[E_FLAGS] & E_MARKED) {
			log->marked = true;
			log->mark = e[E_MARK];
		}
		if (E_FATE(e[E_FLAGS]) != FATE_JUMP) {
			static const uint8_t kind[] = { [FATE_NONE] = WORLD_DEFAULT,
				[FATE_QUEUE] = WORLD_QUEUE,
				[FATE_DROP] = WORLD_DROP };

			log->kind = kind[E_FATE(e[E_FLAGS])];
			log->queue = e[E_ARG];
			return;
		}
		if (entered == w->params.GROUPS_MAX) {
			log->kind = WORLD_LOOP;
			return;
		}
		group = e[E_ARG];
	}
}

/* The same key and mask, as the model's steering has them. */
static void
set_match(struct sim_match *match, const struct world_matcher *m, const struct key *k)
{
	const bool tcp = (k->kind & 0xff) == 6;
	struct sim_phv *v[2] = { &match->value, &match->mask };

	for (uint32_t i = 0; i < 2; i++) {
		struct sim_level *lv = &v[i]->level[0];
		uint32_t src = htonl(i == 0 ? k->src & m->src : m->src);
		uint32_t dst = htonl(i == 0 ? k->dst & m->dst : m->dst);
		uint32_t ports = htonl(i == 0 ? k->ports & m->ports : m->ports);

		v[i]->layers[0] = SIM_L_IPV4;
		if ((m->kind & 0x100) != 0)
			v[i]->layers[0] |= tcp ? SIM_L_TCP : SIM_L_UDP;
		lv->ip[SIM_IP4_AT + 9] = (uint8_t)((i == 0 ? k->kind : 0xff) & m->kind);
		memcpy(lv->ip + SIM_IP4_AT + 12, &src, 4);
		memcpy(lv->ip + SIM_IP4_AT + 16, &dst, 4);
		memcpy(lv->l4, &ports, 4);
	}
}

struct action {
	enum fate fate;
	bool marked;
	uint32_t arg, mark;
};

static int
insert_steer(struct sim_steer *steer, uint32_t group, uint32_t m, const struct sim_match *match,
		const struct action *act)
{
	static const uint8_t type[] = {
		[FATE_QUEUE] = SIM_A_QUEUE, [FATE_DROP] = SIM_A_DROP, [FATE_JUMP] = SIM_A_JUMP
	};
	struct sim_action a[2];
	struct sim_rule_params p = {
		.domain = SIM_INGRESS, .group = group, .priority = m, .match = match, .actions = a
	};
	struct sim_rule *rule;
	struct sim_error err = { "" };

	if (act->marked)
		a[p.n_actions++] = (struct sim_action){ .type = SIM_A_MARK, .u32 = act->mark };
	if (act->fate != FATE_NONE)
		a[p.n_actions++] = (struct sim_action){ .type = type[act->fate], .u32 = act->arg };
	if (sim_rule_insert(steer, &p, &rule, &err) == 0)
		return 0;
	fprintf(stderr, "sim_rule_insert: %s\n", err.text);
	return -1;
}

/* 1: it is there already. */
static int
insert_image(struct world *w, const struct world_matcher *m, const struct key *k,
		const struct action *act)
{
	struct key x = masked(m, k);
	uint32_t line = world_bucket(m, k), *e = w->line[line];

	while ((e[E_FLAGS] & E_USED) != 0) {
		if (is(e, &x))
			return 1;
		if ((e[E_FLAGS] & E_CHAINED) == 0) {
			e[E_FLAGS] |= E_CHAINED;
			e[E_NEXT] = w->n_lines++;
		}
		e = w->line[e[E_NEXT]];
	}
	e[E_FLAGS] = E_USED | (uint32_t)act->fate << 2 | (act->marked ? E_MARKED : 0);
	e[E_SRC] = x.src;
	e[E_DST] = x.dst;
	e[E_PORTS] = x.ports;
	e[E_KIND] = x.kind;
	e[E_MARK] = act->mark;
	e[E_ARG] = act->arg;
	return 0;
}

/* Most groups have both matchers, one has only the first, the last has none. */
static int
make_tables(struct world *w)
{
	uint32_t buckets = 64;

	while (buckets < w->params.rules / WORLD_GROUPS)
		buckets *= 2;
	w->n_lines = 7; /* tables do not begin at round numbers */
	w->line = calloc(7 + buckets * 2 * WORLD_GROUPS + w->params.rules, sizeof(*w->line));
	if (w->line == NULL)
		return -1;
	for (uint32_t g = 0; g + 1 < WORLD_GROUPS; g++) {
		w->matcher[g][0] = (struct world_matcher){ true, w->n_lines, buckets - 1, 0x3ff,
			UINT32_MAX, UINT32_MAX, UINT32_MAX };
		w->n_lines += buckets;
		if (g == 3)
			continue;
		w->matcher[g][1] = (struct world_matcher){ true, w->n_lines, buckets / 16 - 1,
			0x200, 0, UINT32_MAX << g % 4 * 5, 0 };
		w->n_lines += buckets / 16;
	}
	return 0;
}

int
world_rules(struct world *w, struct sim_steer *steer, uint64_t *random, const struct key *flows,
		uint32_t n_flows)
{
	static const enum fate fates[] = { FATE_NONE, FATE_QUEUE, FATE_QUEUE, FATE_DROP, FATE_JUMP,
		FATE_JUMP, FATE_JUMP, FATE_JUMP };

	if (make_tables(w) < 0)
		return -1;
	for (uint32_t n = 0, tries = 0; n < w->params.rules; tries++) {
		/* Group 0 is where all begin: a third of the rules. */
		uint32_t g = world_random(random) % 3 == 0 ? 0
							   : (uint32_t)(world_random(random) % 15);
		uint32_t m = world_random(random) % 8 == 0;
		struct key k = flows[world_random(random) % n_flows];
		struct action act = { .fate = fates[world_random(random) % 8],
			.marked = world_random(random) % 2,
			.mark = (uint32_t)world_random(random) };
		struct sim_match match = { 0 };

		if (tries > 100 * w->params.rules) {
			fprintf(stderr, "no room for %u different rules\n", w->params.rules);
			return -1;
		}
		if (!w->matcher[g][m].valid)
			continue;
		/* Not all rules are for flows that come. */
		if (world_random(random) % 4 == 0)
			k.src ^= (uint32_t)world_random(random);
		act.mark = act.marked ? act.mark : 0;
		if (act.fate == FATE_QUEUE)
			act.arg = (uint32_t)(world_random(random) % 64);
		if (act.fate == FATE_JUMP)
			act.arg = (uint32_t)(world_random(random) % WORLD_GROUPS);
		if (act.fate == FATE_NONE)
			act.marked = true; /* a rule has an action */
		if (insert_image(w, &w->matcher[g][m], &k, &act) != 0)
			continue;
		set_match(&match, &w->matcher[g][m], &k);
		if (insert_steer(steer, g, m, &match, &act) < 0)
			return -1;
		n++;
	}
	return 0;
}
