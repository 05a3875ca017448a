/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups, and the matchers in them. Called by steer_rule.c for changes and by steer_run.c for look-ups.
 *
 * Order in a group: priority; at the same priority exact before TCAM; then the matcher (mask) that was first there; in a
 * matcher with ranges or inversion the rule that was first. A look-up ends at the first that matches.
 */
#include <errno.h>
#include <stdlib.h>

#include "steer_priv.h"

static uint64_t
group_key(uint8_t domain, uint16_t port, uint32_t number)
{
	return (uint64_t)domain << 48 | (uint64_t)port << 32 | number;
}

static uint32_t
group_hash(uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32);
}

static int
index_grow(struct sim_index *x, uint64_t *bytes)
{
	const uint32_t size = x->slot == NULL ? 16 : 2 * (x->mask + 1);
	struct sim_link **slot, *o, *next;

	if (x->slot != NULL && (x->n <= x->mask || size > 1u << 30))
		return 0;
	slot = calloc(size, sizeof(struct sim_link *));
	if (slot == NULL)
		return x->slot == NULL ? -ENOMEM : 0;
	for (uint32_t i = 0; x->slot != NULL && i <= x->mask; i++)
		for (o = x->slot[i]; o != NULL; o = next) {
			next = o->next;
			o->next = slot[o->hash & (size - 1)];
			slot[o->hash & (size - 1)] = o;
		}
	*bytes += sizeof(struct sim_link *) * (size - (x->slot == NULL ? 0 : x->mask + 1));
	free(x->slot);
	x->slot = slot;
	x->mask = size - 1;
	return 0;
}

static void
index_add(struct sim_index *x, struct sim_link *o)
{
	o->next = x->slot[o->hash & x->mask];
	x->slot[o->hash & x->mask] = o;
	x->n++;
}

static void
index_del(struct sim_index *x, const struct sim_link *o)
{
	struct sim_link **at = &x->slot[o->hash & x->mask];

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	x->n--;
}

struct sim_group *
sim_group_find(const struct sim_steer *s, uint8_t domain, uint16_t port, uint32_t number)
{
	const uint64_t key = group_key(domain, port, number);
	struct sim_link *o;

	if (s->groups.slot == NULL)
		return NULL;
	/* A group begins with its link. */
	o = s->groups.slot[group_hash(key) & s->groups.mask];
	while (o != NULL && ((struct sim_group *)o)->key != key)
		o = o->next;
	return (struct sim_group *)o;
}

static struct sim_group **
root_of(struct sim_steer *s, const struct sim_group *g)
{
	return &s->root[g->domain][g->domain == SIM_TRANSFER ? 0 : g->port];
}

struct sim_group *
sim_group_get(struct sim_steer *s, uint8_t domain, uint16_t port, uint32_t number)
{
	struct sim_group *g = sim_group_find(s, domain, port, number);

	if (g != NULL)
		return g;
	if (index_grow(&s->groups, &s->table_bytes) < 0)
		return NULL;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return NULL;
	g->key = group_key(domain, port, number);
	g->domain = domain;
	g->port = port;
	g->number = number;
	g->over_line = SIM_NO_LINE;
	g->link.hash = group_hash(g->key);
	index_add(&s->groups, &g->link);
	s->table_bytes += sizeof(*g);
	if (number == 0)
		*root_of(s, g) = g;
	return g;
}

void
sim_group_put(struct sim_steer *s, struct sim_group *g)
{
	if (g->n > 0 || g->tunnel != 0)
		return;
	index_del(&s->groups, &g->link);
	if (g->number == 0)
		*root_of(s, g) = NULL;
	if (g->over != NULL)
		sim_lines_give(&s->lines, g->over_order, g->over_line);
	s->table_bytes -= sizeof(*g) + g->size * sizeof(*g->matcher) +
			g->over_size * sizeof(struct sim_rule *);
	free(g->over);
	free(g->matcher);
	free(g);
}

static uint32_t
matcher_hash(const struct sim_group *g, uint32_t priority, uint32_t shape, bool over)
{
	const uint64_t h = sim_mix(g->key, (uint64_t)priority << 32 | shape) + over;

	return (uint32_t)(h ^ h >> 32);
}

static bool
shape_is(const struct sim_matcher *m, const struct sim_shape *shape)
{
	if (m->n_words != shape->n_words || m->n_ranges != shape->n_ranges ||
			m->invert != shape->invert ||
			memcmp(m->mask, shape->mask, 8ul * m->n_words) != 0 ||
			memcmp(m->index, shape->index, m->n_words) != 0)
		return false;
	for (uint32_t i = 0; i < m->n_ranges; i++)
		if (m->range_at[i] != shape->range_at[i] ||
				m->range_width[i] != shape->range_width[i] ||
				m->range_mask[i] != shape->range_mask[i])
			return false;
	return true;
}

struct sim_matcher *
sim_matcher_of(const struct sim_steer *s, const struct sim_group *g, uint32_t priority,
		const struct sim_shape *shape, bool over)
{
	const uint32_t hash = matcher_hash(g, priority, shape->hash, over);
	struct sim_link *o;

	if (s->matchers.slot == NULL)
		return NULL;
	for (o = s->matchers.slot[hash & s->matchers.mask]; o != NULL; o = o->next) {
		struct sim_matcher *m = (struct sim_matcher *)o;

		if (o->hash == hash && m->group == g && m->priority == priority &&
				m->over == over && shape_is(m, shape))
			return m;
	}
	return NULL;
}

/* Position of `m` in the order of its group: behind all that come before it. */
static uint32_t
place_of(const struct sim_group *g, const struct sim_matcher *m)
{
	uint32_t low = 0, high = g->n;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;
		const struct sim_matcher *x = g->matcher[mid];

		if (x->priority < m->priority ||
				(x->priority == m->priority &&
						(x->tcam < m->tcam ||
								(x->tcam == m->tcam &&
										x->birth < m->birth))))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
group_add(struct sim_steer *s, struct sim_group *g, struct sim_matcher *m)
{
	const uint32_t size = g->size == 0 ? 4 : 2 * g->size;
	struct sim_matcher **grown;
	uint32_t i;

	if (g->n == g->size) {
		grown = realloc(g->matcher, size * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		s->table_bytes += (size - g->size) * sizeof(*grown);
		g->matcher = grown;
		g->size = size;
	}
	i = place_of(g, m);
	memmove(&g->matcher[i + 1], &g->matcher[i], (g->n - i) * sizeof(m));
	g->matcher[i] = m;
	g->n++;
	return 0;
}

static uint64_t
matcher_size(uint32_t n_words)
{
	return sizeof(struct sim_matcher) + n_words * 9ul;
}

static void
matcher_shape(struct sim_matcher *m, const struct sim_matcher_params *p)
{
	const struct sim_shape *shape = p->shape;

	m->n_words = (uint8_t)shape->n_words;
	m->n_ranges = (uint8_t)shape->n_ranges;
	m->invert = shape->invert;
	m->index = (uint8_t *)&m->mask[m->n_words];
	memcpy(m->mask, shape->mask, 8ul * m->n_words);
	memcpy(&m->mask[m->n_words], shape->index, m->n_words);
	memcpy(m->range_at, shape->range_at, sizeof(m->range_at));
	memcpy(m->range_width, shape->range_width, sizeof(m->range_width));
	memcpy(m->range_mask, shape->range_mask, sizeof(m->range_mask));
	m->headers = sim_shape_headers(p->match);
	m->bytes = sim_shape_bytes(p->match);
	m->integrity = (p->match->mask.integrity[0] | p->match->mask.integrity[1]) != 0;
}

/* Buckets at the beginning; those of group 0 as the profile says, down to a power of two. */
static int
matcher_buckets(struct sim_steer *s, struct sim_matcher *m)
{
	const uint32_t root = s->profile->tables_root_buckets;

	if (m->group->number == 0 && root > 0 && !m->tcam && !m->over) {
		m->fixed = true;
		m->order = (uint8_t)(31 - __builtin_clz(root));
	}
	m->base = SIM_NO_LINE;
	m->bucket = sim_large_take(sizeof(*m->bucket) << m->order);
	if (m->bucket == NULL)
		return -ENOMEM;
	if (!m->tcam && !m->over) {
		m->base = sim_lines_take(&s->lines, m->order);
		if (m->base == SIM_NO_LINE) {
			sim_large_give(m->bucket, sizeof(*m->bucket) << m->order);
			return -ENOSPC;
		}
	}
	s->table_bytes += sizeof(*m->bucket) << m->order;
	return 0;
}

struct sim_matcher *
sim_matcher_create(struct sim_steer *s, struct sim_group *g, const struct sim_matcher_params *p)
{
	struct sim_matcher *m;

	if (index_grow(&s->matchers, &s->table_bytes) < 0)
		return NULL;
	m = calloc(1, matcher_size(p->shape->n_words));
	if (m == NULL)
		return NULL;
	m->group = g;
	m->priority = p->priority;
	m->tcam = p->tcam;
	m->over = p->over;
	matcher_shape(m, p);
	m->birth = s->births++;
	m->link.hash = matcher_hash(g, m->priority, p->shape->hash, m->over);
	if (matcher_buckets(s, m) < 0) {
		free(m);
		return NULL;
	}
	s->table_bytes += matcher_size(m->n_words);
	index_add(&s->matchers, &m->link);
	s->integrity += m->integrity;
	if (group_add(s, g, m) < 0) {
		sim_matcher_free(s, m);
		return NULL;
	}
	return m;
}

void
sim_matcher_free(struct sim_steer *s, struct sim_matcher *m)
{
	struct sim_group *g = m->group;
	const uint32_t i = place_of(g, m);

	s->moves++;
	index_del(&s->matchers, &m->link);
	s->integrity -= m->integrity;
	if (i < g->n && g->matcher[i] == m) {
		g->n--;
		memmove(&g->matcher[i], &g->matcher[i + 1], (g->n - i) * sizeof(m));
	}
	if (m->to != NULL) {
		sim_lines_give(&s->lines, m->order + 2u,
				m->tcam || m->over ? SIM_NO_LINE : m->to_base);
		s->table_bytes -= sizeof(*m->to) << (m->order + 2u);
		sim_large_give(m->to, sizeof(*m->to) << (m->order + 2u));
	}
	sim_lines_give(&s->lines, m->order, m->base);
	s->table_bytes -= (sizeof(*m->bucket) << m->order) + matcher_size(m->n_words);
	sim_large_give(m->bucket, sizeof(*m->bucket) << m->order);
	free(m);
}

int
sim_over_put(struct sim_steer *s, struct sim_group *g, struct sim_rule *r)
{
	const uint32_t size = g->over_size == 0 ? 64 : 2 * g->over_size;
	struct sim_rule **grown;
	uint32_t order;

	if (g->n_over == g->over_size) {
		grown = realloc(g->over, size * sizeof(struct sim_rule *));
		if (grown == NULL)
			return -ENOMEM;
		order = 31u - (uint32_t)__builtin_clz(size);
		if (g->over != NULL)
			sim_lines_give(&s->lines, g->over_order, g->over_line);
		s->table_bytes += (size - g->over_size) * sizeof(struct sim_rule *);
		g->over = grown;
		g->over_size = size;
		g->over_line = sim_lines_take(&s->lines, order);
		g->over_order = order;
	}
	r->line = g->n_over;
	g->over[g->n_over++] = r;
	return 0;
}

void
sim_over_take(struct sim_group *g, struct sim_rule *r)
{
	struct sim_rule *last = g->over[--g->n_over];

	last->line = r->line;
	g->over[r->line] = last;
}

static int
group_order(const void *a, const void *b)
{
	const uint64_t x = (*(struct sim_group *const *)a)->key;
	const uint64_t y = (*(struct sim_group *const *)b)->key;

	return (x > y) - (x < y);
}

struct sim_group **
sim_groups_sorted(const struct sim_steer *s)
{
	struct sim_group **list;
	struct sim_link *o;
	uint32_t n = 0;

	list = malloc((s->groups.n + 1ul) * sizeof(*list));
	if (list == NULL)
		return NULL;
	for (uint32_t i = 0; s->groups.slot != NULL && i <= s->groups.mask; i++)
		for (o = s->groups.slot[i]; o != NULL; o = o->next)
			list[n++] = (struct sim_group *)o;
	qsort(list, n, sizeof(*list), group_order);
	return list;
}

void
sim_groups_end(struct sim_steer *s)
{
	struct sim_group *g;

	for (uint32_t i = 0; s->groups.slot != NULL && i <= s->groups.mask; i++)
		while (s->groups.slot[i] != NULL) {
			g = (struct sim_group *)s->groups.slot[i];
			while (g->n > 0) {
				sim_rules_free(s, g->matcher[g->n - 1]);
				sim_matcher_free(s, g->matcher[g->n - 1]);
			}
			g->tunnel = 0;
			sim_group_put(s, g);
		}
	free(s->groups.slot);
	free(s->matchers.slot);
}

/* The rules of the overflow are searched as one list, up to the one that matches; they are found by hash all the same. */
static void
over_step(const struct sim_group *g, const struct sim_rule *r, struct sim_path *path)
{
	const bool there = r != NULL && r->matcher->over && !(r->flags & SIM_R_SHADOWED);

	sim_step_run(path, SIM_STEP_WALK, there ? r->line + 1 : g->n_over, g->over_line);
}

struct sim_rule *
sim_group_next(const struct sim_group *g, const struct sim_phv *phv, struct sim_cursor *c,
		struct sim_path *path)
{
	const struct sim_matcher *m;
	struct sim_rule *r = NULL;

	for (; c->i < g->n; c->i++, c->at = NULL) {
		m = g->matcher[c->i];
		/* In a hash of keys nothing else can match behind the one that did. */
		if (c->at != NULL && m->n_ranges == 0 && !m->invert)
			continue;
		if (m->tcam && !c->tcam_asked) {
			c->tcam_asked = true; /* all of its entries are looked at together */
			sim_step(path, SIM_STEP_TCAM, 1, g->number);
		}
		r = sim_matcher_find(m, phv, c->at, path);
		if (r != NULL)
			break;
	}
	c->at = r;
	if (g->n_over > 0 && !c->over_asked) {
		c->over_asked = true;
		over_step(g, r, path);
	}
	return r;
}
