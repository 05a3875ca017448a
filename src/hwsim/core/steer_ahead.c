/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks ahead for packets that wait: asks the CPU for the lines of memory that their look-ups will read. Called by nic.c and mac.c,
 * and by the driver for bursts, under the NIC's lock. It decides nothing: whatever it gets wrong costs time only, never an outcome.
 *
 * With tens of thousands of rules a look-up is two waits for memory, one behind the other: bucket, rule, and a third
 * where the bucket has more. A packet is in the model long before it is looked up, so the first call asks for the buckets, the second for
 * the rules in them, a third for those behind, and the look-up finds all of it there. Which group follows which is guessed: as for the packet before.
 */
#include "sim_priv.h"
#include "steer_priv.h"

/* Up to here all rules stay in the CPU's own caches, and looking ahead costs more than it brings. */
#define RULES_MIN 1024u
/* Tables of so few buckets are in use all the time. */
#define ORDER_MIN 7u
#define LINE 64u

bool
sim_steer_large(const struct sim_steer *s)
{
	return s->stats.rules >= RULES_MIN;
}

static void
group_ahead(const struct sim_group *g, const struct sim_phv *phv, struct sim_ahead *a)
{
	uint64_t key[SIM_PHV_WORDS];
	uint32_t line;

	for (uint32_t i = 0; i < g->n && a->n < SIM_AHEAD_MAX; i++) {
		const struct sim_matcher *m = g->matcher[i];

		if (m->order < ORDER_MIN)
			continue;
		a->hash[a->n] = sim_matcher_words(m, phv, key);
		a->bucket[a->n] = sim_bucket(m, a->hash[a->n], &line);
		__builtin_prefetch(a->bucket[a->n++]);
	}
}

void
sim_steer_ahead(const struct sim_steer *s, const struct sim_pkt *p, struct sim_ahead *a)
{
	uint32_t left = s->profile->steering_groups_max;
	struct sim_offsets off;
	struct sim_phv phv;
	const struct sim_group *g;
	uint8_t domain = p->from_host ? SIM_EGRESS : SIM_INGRESS;

	a->n = 0;
	a->closer = 0;
	a->moves = s->moves;
	if (!sim_steer_large(s) || p->port >= s->n_ports)
		return;
	/* Packets of a port walk its own tables and those of the switch: the first that there are are looked at. */
	g = s->root[SIM_TRANSFER][0];
	if (g != NULL && !p->from_host)
		domain = SIM_TRANSFER;
	else
		g = s->root[domain][p->port];
	memset(&phv, 0, offsetof(struct sim_phv, level));
	phv.port = p->port;
	phv.from_host = p->from_host;
	sim_parse(p->data, p->len, p->frame_len, 0, &phv, &off);
	while (g != NULL && left-- > 0 && a->n < SIM_AHEAD_MAX) {
		group_ahead(g, &phv, a);
		g = g->led == 0 ? NULL : sim_group_find(s, domain, g->port, g->led);
	}
}

static inline void
ask_rule(const struct sim_rule *r)
{
	const uint8_t *at = (const uint8_t *)r;

	__builtin_prefetch(at, 1);
	__builtin_prefetch(at + LINE);
	__builtin_prefetch(at + 2 * LINE - SIM_SLAB_STEP);
}

void
sim_steer_closer(const struct sim_steer *s, struct sim_ahead *a)
{
	const struct sim_rule *r;

	/* Tables have moved or gone since. */
	if (a->moves != s->moves)
		return;
	for (uint32_t i = 0; i < a->n; i++) {
		r = *a->bucket[i];
		/* The rules were asked for before, and another one is wanted. */
		if (a->closer > 0 && r != NULL)
			r = r->hash == a->hash[i] ? NULL : r->next;
		if (r != NULL)
			ask_rule(r);
	}
	a->closer++;
}
