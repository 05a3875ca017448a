/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules as they were given, from what tables keep of them: for dumps and for flushing. Called by the translation of rte_flow.
 */
#include <stdlib.h>

#include "steer_priv.h"

struct walk {
	void (*each)(void *arg, const struct sim_rule *rule, const struct sim_rule_params *p);
	void *arg;
	struct sim_match match;
	struct sim_rule_params params;
	uint32_t n;
};

static void
put_word(struct sim_phv *phv, uint32_t i, uint64_t w)
{
	memcpy((uint8_t *)phv + 8ul * i, &w, 8);
}

static void
walk_rule(void *arg, struct sim_rule *r)
{
	const struct sim_matcher *m = r->matcher;
	struct walk *w = arg;

	w->n++;
	if (w->each == NULL)
		return;
	for (uint32_t i = 0; i < m->n_words; i++)
		put_word(&w->match.value, m->index[i], r->key[i]);
	for (uint32_t i = 0; i < m->n_ranges; i++)
		w->match.range[i] = (struct sim_range){
			.at = m->range_at[i],
			.width = m->range_width[i],
			.mask = m->range_mask[i] == UINT64_MAX ? 0 : m->range_mask[i],
			.low = r->key[m->n_words + 2 * i],
			.high = r->key[m->n_words + 2 * i + 1],
		};
	w->params.actions = r->actions;
	w->params.n_actions = r->n_actions;
	w->params.cookie = r->cookie;
	w->each(w->arg, r, &w->params);
}

static void
walk_begin(struct walk *w, const struct sim_matcher *m)
{
	memset(&w->match, 0, sizeof(w->match));
	for (uint32_t i = 0; i < m->n_words; i++)
		put_word(&w->match.mask, m->index[i], m->mask[i]);
	w->match.n_ranges = m->n_ranges;
	w->match.invert = m->invert;
	w->params = (struct sim_rule_params){
		.domain = m->group->domain,
		.port = m->group->port,
		.group = m->group->number,
		.priority = m->priority,
		.match = &w->match,
	};
}

void
sim_rule_given(const struct sim_rule *rule,
		void (*each)(void *arg, const struct sim_rule *rule,
				const struct sim_rule_params *p),
		void *arg)
{
	struct walk w = { .each = each, .arg = arg };

	walk_begin(&w, rule->matcher);
	/* Takes a rule that may be changed, as it is handed on by sim_matcher_each(), and does not. */
	walk_rule(&w, (struct sim_rule *)(uintptr_t)rule);
}

uint32_t
sim_rule_walk(const struct sim_steer *s,
		void (*each)(void *arg, const struct sim_rule *rule,
				const struct sim_rule_params *p),
		void *arg)
{
	struct sim_group **groups;
	struct walk w = { .each = each, .arg = arg };

	if (each == NULL)
		return s->stats.rules;
	groups = sim_groups_sorted(s);
	for (uint32_t i = 0; groups != NULL && i < s->groups.n; i++)
		for (uint32_t k = 0; k < groups[i]->n; k++) {
			walk_begin(&w, groups[i]->matcher[k]);
			sim_matcher_each(groups[i]->matcher[k], walk_rule, &w);
		}
	free(groups);
	return w.n;
}
