/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash of a matcher, and where the model has its entries. Called by steer_group.c (look-up) and steer_rule.c.
 *
 * A bucket's first entry lies in the table itself: its line is the table's first line plus the bucket. The entries behind it
 * lie one after the other in a block of lines of their own. A table grows fourfold when half of its buckets have collisions
 * and half of them are used, as mlx5's software steering does (mlx5dr, dr_rule.c). It grows a few buckets at each insertion,
 * so that none of them stalls: bucket i goes to i, i + n, i + 2n and i + 3n, and which of the two tables has an entry
 * follows from its bucket alone, so that a look-up still reads one line.
 *
 * Rules of TCAM are in such hashes too, since they are found by mask there as well; they have no lines.
 */
#include "steer_priv.h"

/*
 * Buckets that move at an insertion. Few, so that none takes long: these are some 10 us; and enough that a table is
 * through when few rules have come since, because cards that grow at once are compared with (docs/hwsim-validation.md).
 */
#define MOVES 128

static uint32_t
chain_order(uint32_t n)
{
	return n <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(n - 1);
}

static bool
modelled(const struct sim_matcher *m)
{
	return !m->tcam && !m->over;
}

/* The block for `n` entries behind a head that had `was`. Without addresses left all of them share the last line. */
static void
chain_resize(struct sim_steer *s, const struct sim_matcher *m, struct sim_rule *head, uint32_t n)
{
	const uint32_t was = head->chain;

	head->chain = n;
	if (!modelled(m) || (was > 0 && n > 0 && chain_order(was) == chain_order(n)))
		return;
	if (was > 0)
		sim_lines_give(&s->lines, chain_order(was), head->line);
	head->line = n > 0 ? sim_lines_take(&s->lines, chain_order(n)) : SIM_NO_LINE;
}

uint32_t
sim_matcher_key(const struct sim_matcher *m, const struct sim_match *match, uint64_t *key)
{
	const uint32_t hash = sim_matcher_words(m, &match->value, key);
	uint32_t n = m->n_words;

	for (uint32_t i = 0; i < m->n_ranges; i++) {
		key[n++] = match->range[i].low;
		key[n++] = match->range[i].high;
	}
	return hash;
}

static bool
same_key(const struct sim_matcher *m, const struct sim_rule *r, const uint64_t *key)
{
	return memcmp(r->key, key, 8ul * (m->n_words + 2u * m->n_ranges)) == 0;
}

static bool
in_ranges(const struct sim_matcher *m, const struct sim_rule *r, const struct sim_phv *phv)
{
	const uint64_t *bound = r->key + m->n_words;

	for (uint32_t i = 0; i < m->n_ranges; i++, bound += 2) {
		const uint64_t v = sim_range_of(phv, m->range_at[i], m->range_width[i]) &
				m->range_mask[i];

		if (v < bound[0] || v > bound[1])
			return false;
	}
	return true;
}

static inline __attribute__((always_inline)) bool
key_equal(const struct sim_matcher *m, const struct sim_rule *r, const uint64_t *key)
{
	uint64_t diff = 0;

	for (uint32_t i = 0; i < m->n_words; i++)
		diff |= r->key[i] ^ key[i];
	return diff == 0;
}

/* Has more to compare than which headers there are: that takes no hash. */
static bool
keyed(const struct sim_matcher *m)
{
	return m->n_words > 1 || (m->n_words == 1 && m->index[0] != 0);
}

/* A rule is found that no packet may see yet: one of the same match that waits behind it may be seen. */
static struct sim_rule *
seen_twin(struct sim_rule *r)
{
	for (r = r->twin; r != NULL && r->flags & SIM_R_HIDDEN; r = r->next)
		;
	return r;
}

/* What comes behind a rule in its bucket; a twin is not in the bucket itself. */
static struct sim_rule *
behind(const struct sim_matcher *m, const struct sim_rule *r)
{
	uint32_t walked = 0;

	if (r->flags & SIM_R_SHADOWED)
		r = sim_matcher_twin(m, r->hash, r->key, &walked);
	return r->next;
}

struct sim_rule *
sim_matcher_find(const struct sim_matcher *m, const struct sim_phv *phv,
		const struct sim_rule *after, struct sim_path *path)
{
	uint64_t key[SIM_PHV_WORDS];
	struct sim_rule *r, *head, *twin;
	uint32_t walked = 0;
	uint32_t line;

	head = *sim_bucket(m, sim_matcher_words(m, phv, key), &line);
	if (modelled(m)) {
		for (r = head; r != NULL && !key_equal(m, r, key); r = r->next)
			walked++;
		if (path != NULL) {
			const uint32_t behind = head == NULL || head->chain == 0 || walked == 0 ? 0
					: r == NULL ? walked - 1
						    : walked;

			const bool root = m->fixed && keyed(m);

			sim_step(path, root ? SIM_STEP_ROOT : SIM_STEP_EXACT, 1, line);
			sim_step_run(path, root ? SIM_STEP_ROOT : SIM_STEP_CHAIN, behind,
					behind > 0 ? head->line : 0);
		}
		return r != NULL && r->flags & SIM_R_HIDDEN ? seen_twin(r) : r;
	}
	for (r = after != NULL ? behind(m, after) : head; r != NULL; r = r->next) {
		if ((key_equal(m, r, key) && in_ranges(m, r, phv)) == m->invert)
			continue;
		if (!(r->flags & SIM_R_HIDDEN))
			return r;
		twin = seen_twin(r);
		if (twin != NULL)
			return twin;
	}
	return NULL;
}

struct sim_rule *
sim_matcher_twin(const struct sim_matcher *m, uint32_t hash, const uint64_t *key, uint32_t *walked)
{
	struct sim_rule *r;
	uint32_t line;

	for (r = *sim_bucket(m, hash, &line); r != NULL; r = r->next) {
		if (r->hash == hash && same_key(m, r, key))
			return r;
		(*walked)++;
	}
	return NULL;
}

static void
bucket_append(struct sim_steer *s, struct sim_matcher *m, struct sim_rule **slot,
		struct sim_rule *r)
{
	struct sim_rule *head = *slot;
	struct sim_rule **end = slot;

	r->next = NULL;
	r->chain = 0;
	if (modelled(m))
		r->line = SIM_NO_LINE;
	if (head == NULL) {
		m->used++;
		*slot = r;
		return;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = r;
	m->collisions++;
	chain_resize(s, m, head, head->chain + 1);
}

static void
bucket_move(struct sim_steer *s, struct sim_matcher *m)
{
	struct sim_rule *r = m->bucket[m->moved], *next;
	uint32_t line;

	m->bucket[m->moved] = NULL;
	if (r != NULL) {
		m->used--;
		m->collisions -= r->chain;
		chain_resize(s, m, r, 0);
	}
	m->moved++;
	for (; r != NULL; r = next) {
		next = r->next;
		bucket_append(s, m, sim_bucket(m, r->hash, &line), r);
	}
}

static void
move_some(struct sim_steer *s, struct sim_matcher *m)
{
	const uint32_t n = 1u << m->order;

	for (uint32_t i = 0; i < MOVES && m->moved < n; i++)
		bucket_move(s, m);
	if (m->moved < n)
		return;
	s->moves++;
	sim_large_give(m->bucket, sizeof(*m->bucket) << m->order);
	s->table_bytes -= sizeof(*m->bucket) << m->order;
	if (modelled(m))
		sim_lines_give(&s->lines, m->order, m->base);
	m->bucket = m->to;
	m->base = m->to_base;
	m->to = NULL;
	m->moved = 0;
	m->order = (uint8_t)(m->order + 2);
}

static void
maybe_grow(struct sim_steer *s, struct sim_matcher *m)
{
	const uint32_t half = (1u << m->order) / 2;
	const uint32_t order = m->order + 2u;

	if (m->fixed || m->invert || m->collisions == 0 || m->collisions < half || m->used < half ||
			order >= SIM_LINE_ORDERS || 1u << order > s->profile->tables_buckets_max)
		return;
	m->to_base = SIM_NO_LINE;
	if (modelled(m)) {
		m->to_base = sim_lines_take(&s->lines, order);
		if (m->to_base == SIM_NO_LINE)
			return;
	}
	m->to = sim_large_take(sizeof(*m->to) << order);
	if (m->to == NULL) {
		/* The table stays as large as it is, and its chains grow. */
		if (modelled(m))
			sim_lines_give(&s->lines, order, m->to_base);
		return;
	}
	s->table_bytes += sizeof(*m->to) << order;
	m->moved = 0;
}

void
sim_matcher_put(struct sim_steer *s, struct sim_matcher *m, struct sim_rule *r)
{
	uint32_t line;

	if (m->to != NULL)
		move_some(s, m);
	bucket_append(s, m, sim_bucket(m, r->hash, &line), r);
	if (m->to == NULL)
		maybe_grow(s, m);
}

void
sim_matcher_take(struct sim_steer *s, struct sim_matcher *m, struct sim_rule *r)
{
	struct sim_rule **slot, **at;
	struct sim_rule *head, *next;
	uint32_t line;

	slot = sim_bucket(m, r->hash, &line);
	head = *slot;
	for (at = slot; *at != r; at = &(*at)->next)
		;
	next = r->next;
	*at = next;
	if (head != r) {
		m->collisions--;
		chain_resize(s, m, head, head->chain - 1);
	} else if (next == NULL) {
		m->used--;
	} else {
		/* The next one moves to the front, and the others up in its place. */
		m->collisions--;
		if (modelled(m))
			next->line = r->line;
		next->chain = r->chain;
		chain_resize(s, m, next, next->chain - 1);
	}
}

uint32_t
sim_matcher_line(const struct sim_matcher *m, const struct sim_rule *r)
{
	const struct sim_rule *at;
	uint32_t line, i = 0;

	if (m->tcam)
		return SIM_NO_LINE;
	if (m->over)
		return m->group->over_line + r->line;
	at = *sim_bucket(m, r->hash, &line);
	if (at == r || at == NULL)
		return line;
	line = at->line;
	for (at = at->next; at != NULL && at != r; at = at->next)
		i++;
	return line + i;
}

static void
each_of(struct sim_rule *r, void (*each)(void *arg, struct sim_rule *r), void *arg)
{
	struct sim_rule *next, *twin, *behind;

	for (; r != NULL; r = next) {
		next = r->next;
		for (twin = r->twin; twin != NULL; twin = behind) {
			behind = twin->next;
			each(arg, twin);
		}
		each(arg, r);
	}
}

void
sim_matcher_each(
		const struct sim_matcher *m, void (*each)(void *arg, struct sim_rule *r), void *arg)
{
	for (uint32_t i = m->to != NULL ? m->moved : 0; i < 1u << m->order; i++)
		each_of(m->bucket[i], each, arg);
	for (uint32_t i = 0; m->to != NULL && i < 4u << m->order; i++)
		each_of(m->to[i], each, arg);
}
