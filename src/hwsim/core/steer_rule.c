/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules: made, removed, changed, listed. Called by the translation of rte_flow, under the NIC's lock. Whatever fails leaves
 * everything as it was.
 */
#include <errno.h>
#include <stdlib.h>

#include "steer_priv.h"

/*
 * An entry has room for 32 bytes to match, of its 64 (mlx5); two of them say which headers there are, so addresses of IPv6
 * alone take two entries.
 */
#define TAG_BYTES 32u
#define TYPE_BYTES 2u

static uint32_t
match_entries(uint32_t bytes)
{
	return (bytes + TYPE_BYTES + TAG_BYTES - 1) / TAG_BYTES;
}

static int
check_match(const struct sim_match *match, struct sim_error *e)
{
	if (match == NULL)
		return sim_fail(e, EINVAL, "no match");
	if (match->n_ranges > SIM_RANGES_MAX)
		return sim_fail(e, EINVAL, "%u ranges, at most %d", match->n_ranges,
				SIM_RANGES_MAX);
	for (uint32_t i = 0; i < match->n_ranges; i++) {
		const struct sim_range *r = &match->range[i];

		if (r->width == 0 || r->width > 8 ||
				(uint32_t)r->at + r->width > sizeof(struct sim_phv))
			return sim_fail(e, EINVAL, "range: %u bytes at %u", r->width, r->at);
		if (r->low > r->high || (r->width < 8 && r->high >> 8 * r->width != 0))
			return sim_fail(e, EINVAL, "range: %llu to %llu in %u bytes",
					(unsigned long long)r->low, (unsigned long long)r->high,
					r->width);
	}
	return 0;
}

static int
check_place(const struct sim_steer *s, const struct sim_rule_params *p, struct sim_error *e)
{
	if (p->domain >= SIM_DOMAINS)
		return sim_fail(e, EINVAL, "no such domain: %u", p->domain);
	if (p->domain == SIM_TRANSFER ? p->port != SIM_ANY_PORT : p->port >= s->n_ports)
		return sim_fail(e, EINVAL, "no port %u for a rule of %s", p->port,
				p->domain == SIM_TRANSFER ? "transfer" : "a port");
	if (p->group >= s->profile->tables_groups)
		return sim_fail(e, EINVAL, "group %u: groups are 0 to %u (tables.groups)", p->group,
				s->profile->tables_groups - 1);
	if (p->priority >= s->profile->tables_priorities)
		return sim_fail(e, EINVAL,
				"priority %u: priorities are 0 to %u (tables.priorities)",
				p->priority, s->profile->tables_priorities - 1);
	return 0;
}

/* A rule on its way in. */
struct plan {
	const struct sim_rule_params *params;
	struct sim_shape shape;
	uint32_t actions_size;
	uint32_t entries;
	struct sim_group *group;
	struct sim_matcher *matcher;
	bool tcam, over;
};

static int
check_room(const struct sim_steer *s, const struct plan *plan, struct sim_error *e)
{
	const struct sim_profile *p = s->profile;
	const uint32_t in_group = plan->group->n_rules;

	if (plan->params->group == 0 && in_group >= p->tables_root_max)
		return sim_fail(e, ENOSPC, "group 0 has %u rules (tables.root-max)", in_group);
	if (plan->tcam && (uint64_t)s->stats.tcam_entries + plan->entries > p->tables_tcam_entries)
		return sim_fail(e, ENOSPC,
				"%u TCAM entries more than %u of %u (tables.tcam-entries)",
				plan->entries, s->stats.tcam_entries, p->tables_tcam_entries);
	if (!plan->tcam && (uint64_t)s->stats.entries + plan->entries > p->tables_exact_max)
		return sim_fail(e, ENOSPC, "%u entries more than %u of %u (tables.exact-max)",
				plan->entries, s->stats.entries, p->tables_exact_max);
	return 0;
}

/* A matcher for the rule: the one that is there, or a new one. */
static int
plan_matcher(struct sim_steer *s, struct plan *plan, struct sim_error *e)
{
	const struct sim_rule_params *p = plan->params;
	struct sim_matcher_params mp = {
		.priority = p->priority, .shape = &plan->shape, .match = p->match
	};
	struct sim_matcher *m = sim_matcher_of(s, plan->group, p->priority, &plan->shape, false);
	uint16_t bytes;

	plan->tcam = m != NULL ? m->tcam : !sim_shape_exact(p->match);
	bytes = m != NULL ? m->bytes : sim_shape_bytes(p->match);
	plan->entries = plan->tcam ? sim_shape_tcam(p->match)
				   : match_entries(bytes) + sim_pack_entries(p->n_actions) - 1;
	if (check_room(s, plan, e) < 0)
		return -ENOSPC;
	if (m == NULL) {
		mp.tcam = plan->tcam;
		m = sim_matcher_create(s, plan->group, &mp);
		if (m == NULL)
			return sim_fail(e, ENOMEM, "no memory for a table");
	}
	plan->matcher = m;
	return 0;
}

static void
matcher_tidy(struct sim_steer *s, struct sim_matcher *m)
{
	if (m->n_rules == 0)
		sim_matcher_free(s, m);
}

static struct sim_rule *
rule_make(struct sim_steer *s, const struct plan *plan)
{
	const struct sim_matcher *m = plan->matcher;
	const uint32_t head = sizeof(struct sim_rule) + 8u * (m->n_words + 2u * m->n_ranges);
	const uint32_t size = head + plan->actions_size;
	struct sim_rule *r = sim_slab_take(&s->slab, size);

	if (r == NULL)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->size = (uint16_t)size;
	r->cookie = plan->params->cookie;
	r->entries = plan->entries;
	r->n_actions = (uint8_t)plan->params->n_actions;
	r->line = SIM_NO_LINE;
	r->flags = plan->params->hidden ? SIM_R_HIDDEN : 0;
	r->actions = (struct sim_action *)(void *)((uint8_t *)r + head);
	sim_pack(plan->params, r->actions);
	r->hash = sim_matcher_key(m, plan->params->match, r->key);
	return r;
}

/* Behind the first of the same match, last of those that wait. */
static void
twin_append(struct sim_rule *first, struct sim_rule *r)
{
	struct sim_rule *last;

	r->flags |= SIM_R_SHADOWED;
	if (first->twin == NULL) {
		first->twin = r;
		r->twin = r;
		return;
	}
	last = first->twin->twin;
	last->next = r;
	r->twin = last;
	first->twin->twin = r;
}

static void
twin_remove(struct sim_rule *first, struct sim_rule *r)
{
	if (first->twin == r) {
		first->twin = r->next;
		if (r->next != NULL)
			r->next->twin = r->twin;
		return;
	}
	r->twin->next = r->next;
	if (r->next != NULL)
		r->next->twin = r->twin;
	else
		first->twin->twin = r->twin;
}

/* The first is gone: the next takes its place. */
static struct sim_rule *
twin_promote(const struct sim_rule *first)
{
	struct sim_rule *r = first->twin;
	struct sim_rule *rest = r->next;

	if (rest != NULL)
		rest->twin = r->twin;
	r->twin = rest;
	r->flags = (uint8_t)(r->flags & ~SIM_R_SHADOWED);
	return r;
}

/* Puts `r` where packets find it, in the overflow's matcher if group 0 is that full. */
static int
rule_place(struct sim_steer *s, struct plan *plan, struct sim_rule *r, struct sim_error *e)
{
	const struct sim_rule_params *p = plan->params;
	const uint32_t from = s->profile->tables_root_overflow;
	struct sim_matcher_params mp = {
		.priority = p->priority, .shape = &plan->shape, .match = p->match, .over = true
	};
	struct sim_matcher *m = plan->matcher, *over = NULL;
	struct sim_rule *first;

	first = sim_matcher_twin(m, r->hash, r->key, &r->walked);
	if (p->group == 0 && from > 0 && !m->tcam)
		over = sim_matcher_of(s, plan->group, p->priority, &plan->shape, true);
	if (first == NULL && over != NULL) {
		first = sim_matcher_twin(over, r->hash, r->key, &(uint32_t){ 0 });
		m = first != NULL ? over : m;
	}
	r->matcher = m;
	if (first != NULL) {
		if (!s->profile->tables_twins)
			return sim_fail(e, EEXIST, "a rule of this match and priority is there");
		twin_append(first, r);
		return 0;
	}
	if (p->group == 0 && from > 0 && !m->tcam && plan->group->n_rules >= from) {
		if (over == NULL)
			over = sim_matcher_create(s, plan->group, &mp);
		if (over == NULL || sim_over_put(s, plan->group, r) < 0) {
			if (over != NULL)
				matcher_tidy(s, over);
			return sim_fail(e, ENOMEM, "no memory for a table");
		}
		r->walked += plan->group->n_over;
		r->matcher = over;
	}
	sim_matcher_put(s, r->matcher, r);
	return 0;
}

/* Ports whose packets see rules of `domain` and `port`: one more, one less. */
static void
count_rules(struct sim_steer *s, uint8_t domain, uint16_t port, int32_t n)
{
	s->stats.rules += (uint32_t)n;
	s->n_rules[domain][domain == SIM_TRANSFER ? 0 : port] += (uint32_t)n;
	if (domain != SIM_TRANSFER) {
		__atomic_fetch_add(&s->active[port], (uint32_t)n, __ATOMIC_RELEASE);
		return;
	}
	if (s->n_rules[domain][0] != (n > 0 ? 1 : 0))
		return;
	for (uint32_t i = 0; i < SIM_PORTS_MAX; i++)
		__atomic_fetch_add(&s->active[i], (uint32_t)n, __ATOMIC_RELEASE);
}

static void
count_entries(struct sim_steer *s, const struct sim_matcher *m, uint32_t was, uint32_t is)
{
	if (m->tcam)
		s->stats.tcam_entries += is - was;
	else
		s->stats.entries += is - was;
}

static int
insert(struct sim_steer *s, struct plan *plan, struct sim_rule **rule, struct sim_error *e)
{
	struct sim_rule *r;
	int rc = plan_matcher(s, plan, e);

	if (rc < 0)
		return rc;
	r = rule_make(s, plan);
	rc = r == NULL ? sim_fail(e, ENOMEM, "no memory for a rule") : rule_place(s, plan, r, e);
	if (rc < 0) {
		if (r != NULL)
			sim_slab_give(&s->slab, r, r->size);
		matcher_tidy(s, plan->matcher);
		return rc;
	}
	r->matcher->n_rules++;
	plan->group->n_rules++;
	/* With nothing but overflow the matcher of the others is empty. */
	matcher_tidy(s, plan->matcher);
	count_rules(s, plan->params->domain, plan->params->port, 1);
	count_entries(s, r->matcher, 0, r->entries);
	*rule = r;
	return 0;
}

int
sim_rule_insert(struct sim_steer *s, const struct sim_rule_params *params, struct sim_rule **rule,
		struct sim_error *e)
{
	struct plan plan = { .params = params };
	int rc;

	*rule = NULL;
	rc = check_place(s, params, e);
	if (rc < 0 || (rc = check_match(params->match, e)) < 0 ||
			(rc = sim_pack_check(s, params, &plan.actions_size, e)) < 0)
		return rc;
	plan.group = sim_group_get(s, params->domain, params->port, params->group);
	if (plan.group == NULL)
		return sim_fail(e, ENOMEM, "no memory for a group");
	sim_shape_of(&plan.shape, params->match);
	rc = insert(s, &plan, rule, e);
	if (rc < 0)
		sim_group_put(s, plan.group);
	return rc;
}

static void
rule_free(struct sim_steer *s, struct sim_rule *r)
{
	if (r->flags & SIM_R_ACTIONS_APART)
		sim_slab_give(&s->slab, r->actions, r->actions_size);
	sim_slab_give(&s->slab, r, r->size);
}

static void
free_each(void *arg, struct sim_rule *r)
{
	rule_free(arg, r);
}

void
sim_rules_free(struct sim_steer *s, struct sim_matcher *m)
{
	sim_matcher_each(m, free_each, s);
}

/* Takes the rule out of its table; a twin that waited takes its place. */
static void
rule_unplace(struct sim_steer *s, struct sim_matcher *m, struct sim_rule *r)
{
	struct sim_group *g = m->group;
	struct sim_rule *next;
	uint32_t walked = 0;

	if (r->flags & SIM_R_SHADOWED) {
		twin_remove(sim_matcher_twin(m, r->hash, r->key, &walked), r);
		return;
	}
	sim_matcher_take(s, m, r);
	if (m->over)
		sim_over_take(g, r);
	if (r->twin == NULL)
		return;
	next = twin_promote(r);
	/* There is room in the list: one has just left it. */
	if (m->over)
		sim_over_put(s, g, next);
	sim_matcher_put(s, m, next);
}

void
sim_rule_remove(struct sim_steer *s, struct sim_rule *rule)
{
	struct sim_matcher *m;
	struct sim_group *g;

	if (rule == NULL)
		return;
	m = rule->matcher;
	g = m->group;
	count_entries(s, m, rule->entries, 0);
	count_rules(s, g->domain, g->port, -1);
	rule_unplace(s, m, rule);
	rule_free(s, rule);
	m->n_rules--;
	g->n_rules--;
	matcher_tidy(s, m);
	sim_group_put(s, g);
}

void
sim_rule_show(struct sim_steer *s, struct sim_rule *rule)
{
	(void)s;
	rule->flags = (uint8_t)(rule->flags & ~SIM_R_HIDDEN);
}

int
sim_rule_update(struct sim_steer *s, struct sim_rule *rule, const struct sim_action *actions,
		uint32_t n_actions, struct sim_error *e)
{
	const struct sim_matcher *m = rule->matcher;
	struct sim_rule_params p = {
		.domain = m->group->domain,
		.port = m->group->port,
		.group = m->group->number,
		.actions = actions,
		.n_actions = n_actions,
	};
	struct sim_action *to = NULL;
	uint32_t size, entries = rule->entries;
	int rc = sim_pack_check(s, &p, &size, e);

	if (rc < 0)
		return rc;
	if (!m->tcam)
		entries += sim_pack_entries(n_actions) - sim_pack_entries(rule->n_actions);
	if (entries > rule->entries &&
			(uint64_t)s->stats.entries + entries - rule->entries >
					s->profile->tables_exact_max)
		return sim_fail(e, ENOSPC, "no entries left for these actions (tables.exact-max)");
	if (n_actions > 0) {
		to = sim_slab_take(&s->slab, size);
		if (to == NULL)
			return sim_fail(e, ENOMEM, "no memory for actions");
		sim_pack(&p, to);
	}
	if (rule->flags & SIM_R_ACTIONS_APART)
		sim_slab_give(&s->slab, rule->actions, rule->actions_size);
	rule->flags = (uint8_t)(rule->flags & ~SIM_R_ACTIONS_APART);
	if (to != NULL)
		rule->flags |= SIM_R_ACTIONS_APART;
	count_entries(s, m, rule->entries, entries);
	rule->entries = entries;
	rule->actions = to;
	rule->actions_size = (uint16_t)size;
	rule->n_actions = (uint8_t)n_actions;
	return 0;
}

uint64_t
sim_rule_hits(const struct sim_rule *rule)
{
	return rule->hits;
}

void
sim_rule_cost(const struct sim_rule *rule, struct sim_cmd_cost *cost)
{
	const struct sim_matcher *m = rule->matcher;

	*cost = (struct sim_cmd_cost){
		.items = m->headers,
		.match_entries = (uint16_t)match_entries(m->bytes),
		.action_entries = (uint16_t)sim_pack_entries(rule->n_actions),
		.actions = rule->n_actions,
		.walked = rule->walked,
		.table_rules = m->n_rules - 1,
		.line = rule->flags & SIM_R_SHADOWED ? SIM_NO_LINE : sim_matcher_line(m, rule),
		.root = m->group->number == 0,
	};
}
