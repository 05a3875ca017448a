/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection opens, ends, or is taken over: which limits it meets, what they say, and what is counted. Control lcore;
 * part of the ~1,000 cycles that a new connection may cost. First all limits that it meets are found and their
 * entries asked for (prefetch), then all are asked, and only then is anything counted: in all of them or in none.
 */
#include <netinet/in.h>

#include <rte_prefetch.h>

#include "lim_priv.h"

/* Slots that a connection looks at to clean up: a hand goes round, so a table is gone through by as many openings. */
#define TIDY_OPEN 2
/* And where there is no room for it. */
#define TIDY_FULL 32

/* ---- time, buckets ---- */

uint64_t
lim_advance(struct lim *l, uint64_t now)
{
	if (!l->started || (int64_t)(now - l->now) > 0)
		l->now = now;
	l->started = true;
	return l->now;
}

static bool
is_full(const struct lim_entry *e, uint64_t now)
{
	int64_t ahead = (int64_t)(e->full_at - now);

	return ahead < 0 || (ahead == 0 && e->full_at_part == 0);
}

/* When the bucket will be full after one more. */
static void
after_one(const struct lim_limit *m, const struct lim_entry *e, uint64_t now, uint64_t *at,
		uint32_t *part)
{
	const bool full = e->family == 0 || is_full(e, now);

	*at = (full ? now : e->full_at) + m->token;
	*part = (full ? 0u : e->full_at_part) + m->token_part;
	if (*part >= m->p.rate) {
		*part -= m->p.rate;
		*at += 1;
	}
}

static bool
has_token(const struct lim_limit *m, const struct lim_entry *e, uint64_t now)
{
	uint64_t at;
	uint32_t part;

	after_one(m, e, now, &at, &part);
	return at - now < m->bucket || (at - now == m->bucket && part <= m->bucket_part);
}

static void
take_token(const struct lim_limit *m, struct lim_entry *e, uint64_t now)
{
	uint64_t at;
	uint32_t part;

	after_one(m, e, now, &at, &part);
	e->full_at = at;
	e->full_at_part = part & 0x3fffffff;
}

/* A bucket that was full before is full at the time when the token was taken: the same. */
static void
give_token(const struct lim_limit *m, struct lim_entry *e)
{
	uint32_t part = e->full_at_part;

	e->full_at -= m->token;
	if (part < m->token_part) {
		part += m->p.rate;
		e->full_at -= 1;
	}
	e->full_at_part = (part - m->token_part) & 0x3fffffff;
}

uint32_t
lim_tokens(const struct lim_limit *m, const struct lim_entry *e, uint64_t now)
{
	lim_u128 missing;

	if (is_full(e, now))
		return m->p.burst;
	/* In units of 1 / rate ns; a token is as many as a second has ns. */
	missing = (lim_u128)(e->full_at - now) * m->p.rate + e->full_at_part;
	missing = (missing + TIME_NS_PER_S - 1) / TIME_NS_PER_S;
	return missing < m->p.burst ? m->p.burst - (uint32_t)missing : 0;
}

/* ---- which limits ---- */

static bool
proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
			proto == IPPROTO_UDPLITE;
}

static bool
matches(const struct lim *l, const struct lim_limit *m, const struct lim_conn *c)
{
	const struct flow_key *key = &c->tuple->key;
	const struct lim_limit_params *p = &m->p;

	if (p->proto != 0 && p->proto != flow_key_carries(key))
		return false;
	if (m->has_ports) {
		uint16_t port = rte_be_to_cpu_16(key->dport);

		if (!proto_has_ports(key->proto) || port < p->dport_lo || port > p->dport_hi)
			return false;
	}
	if ((p->port_in != LIM_NONE && p->port_in != c->port_in) ||
			(p->service >= 0 && p->service != c->service) ||
			(p->zone >= 0 && p->zone != key->zone))
		return false;
	if (p->set != LIM_NONE || p->not_set != LIM_NONE) {
		const struct flow_addr *a =
				p->by == LIM_BY_DESTINATION ? &c->tuple->dst : &c->tuple->src;
		lim_u128 x = lim_number(key->family, a);

		if (p->set != LIM_NONE && !lim_set_has(&l->sets[p->set], key->family, x))
			return false;
		if (p->not_set != LIM_NONE && lim_set_has(&l->sets[p->not_set], key->family, x))
			return false;
	}
	return true;
}

static struct lim_key
key_of(const struct lim_limit *m, const struct lim_conn *c)
{
	const uint8_t family = c->tuple->key.family;
	struct lim_key k = { .family = LIM_E_ALL };
	lim_u128 net;

	if (m->p.by != LIM_BY_ALL) {
		net = lim_number(
				family, m->p.by == LIM_BY_SOURCE ? &c->tuple->src : &c->tuple->dst);
		net &= ~lim_host_bits(family, family == 4 ? m->p.prefix_len : m->p.prefix_len6);
		k.net[0] = (uint64_t)(net >> 64);
		k.net[1] = (uint64_t)net;
		k.family = family == 4 ? LIM_E_IP4 : LIM_E_IP6;
	}
	k.hash = lim_table_hash(&m->table, &k);
	return k;
}

static void
meet(struct lim *l, const struct lim_conn *c)
{
	l->n_met = 0;
	for (unsigned int i = 0; i < l->n_limits; i++) {
		struct lim_limit *m = &l->limits[i];
		struct lim_met *met = &l->met[l->n_met];

		if (!matches(l, m, c))
			continue;
		met->limit = m;
		met->key = key_of(m, c);
		rte_prefetch0(&m->table.slot[met->key.hash & m->table.mask]);
		l->n_met++;
	}
}

/* ---- cleaning up ---- */

static bool
is_idle(const struct lim_limit *m, const struct lim_entry *e, uint64_t now)
{
	return e->connections == 0 && (m->p.rate == 0 || is_full(e, now));
}

static void
tidy(struct lim_limit *m, uint64_t now, unsigned int work)
{
	struct lim_table *t = &m->table;

	for (; work > 0 && t->n > 0; work--) {
		struct lim_entry *e = &t->slot[t->hand];

		/* What moves up into its place is looked at next. */
		if (e->family != 0 && is_idle(m, e, now))
			lim_table_remove(t, e);
		else
			t->hand = (t->hand + 1) & t->mask;
	}
}

void
lim_tidy(struct lim *l, uint64_t now, unsigned int work)
{
	now = lim_advance(l, now);
	tidy(&l->limits[l->tidying], now, work);
	l->tidying = (l->tidying + 1) % l->n_limits;
}

/* ---- open, close ---- */

/* Its entry, or a free slot for one; NULL when there is no room. */
static struct lim_entry *
entry_for(struct lim_limit *m, const struct lim_key *k, uint64_t now)
{
	struct lim_entry *e = lim_table_find(&m->table, k);

	if (m->unlisted == 0 && (e->family != 0 || m->table.n < m->table.max))
		return e;
	if (e->family != 0) {
		if (!is_idle(m, e, now))
			return e;
		/* It would be gone if the hand had come by, and must not be taken up now: see lim_limit.unlisted. */
		lim_table_remove(&m->table, e);
	}
	tidy(m, now, TIDY_FULL);
	if (m->unlisted != 0 || m->table.n >= m->table.max)
		return NULL;
	return lim_table_find(&m->table, k);
}

static enum lim_verdict
ask(const struct lim_limit *m, const struct lim_entry *e, uint64_t now)
{
	if (e == NULL)
		return LIM_FULL;
	if (m->p.connections != 0 && e->family != 0 && e->connections >= m->p.connections)
		return LIM_CONNECTIONS;
	if (m->p.rate != 0 && !has_token(m, e, now))
		return LIM_RATE;
	return LIM_PASS;
}

/* A token is taken where there is one: with LIM_COUNT there may be none, and an adopted connection takes none. */
static void
count(struct lim_met *met, uint64_t now, bool takes_token)
{
	struct lim_limit *m = met->limit;

	m->open++;
	met->took_token = false;
	if (met->entry == NULL) {
		m->unlisted++;
		return;
	}
	if (met->entry->family == 0) {
		lim_table_fill(&m->table, met->entry, &met->key);
		met->entry->full_at = now;
	}
	met->entry->connections++;
	if (takes_token && m->p.rate != 0 && has_token(m, met->entry, now)) {
		take_token(m, met->entry, now);
		met->took_token = true;
	}
}

enum lim_verdict
lim_open(struct lim *l, const struct lim_conn *c, uint64_t now, unsigned int *limit)
{
	now = lim_advance(l, now);
	meet(l, c);
	for (unsigned int i = 0; i < l->n_met; i++) {
		struct lim_met *met = &l->met[i];
		struct lim_limit *m = met->limit;

		met->entry = entry_for(m, &met->key, now);
		met->verdict = ask(m, met->entry, now);
		if (met->verdict == LIM_PASS || m->p.action == LIM_COUNT)
			continue;
		m->over[met->verdict]++;
		*limit = (unsigned int)(m - l->limits);
		l->n_met = 0;
		return met->verdict;
	}
	for (unsigned int i = 0; i < l->n_met; i++) {
		struct lim_met *met = &l->met[i];

		met->limit->passed++;
		met->limit->over[met->verdict]++;
		count(met, now, true);
	}
	for (unsigned int i = 0; i < l->n_met; i++)
		tidy(l->met[i].limit, now, TIDY_OPEN);
	return LIM_PASS;
}

static void
uncount(struct lim_limit *m, struct lim_entry *e)
{
	if (e->family != 0 && e->connections > 0)
		e->connections--;
	else if (e->family == 0 && m->unlisted > 0)
		m->unlisted--;
	else
		return;
	m->open--;
}

void
lim_undo(struct lim *l)
{
	for (unsigned int i = 0; i < l->n_met; i++) {
		struct lim_met *met = &l->met[i];
		struct lim_limit *m = met->limit;
		/* Not met->entry: cleaning up may have moved it since. */
		struct lim_entry *e = lim_table_find(&m->table, &met->key);

		uncount(m, e);
		if (e->family != 0 && met->took_token)
			give_token(m, e);
		m->passed--;
		m->over[met->verdict]--;
	}
	l->n_met = 0;
}

void
lim_close(struct lim *l, const struct lim_conn *c, uint64_t now)
{
	now = lim_advance(l, now);
	meet(l, c);
	for (unsigned int i = 0; i < l->n_met; i++) {
		struct lim_limit *m = l->met[i].limit;
		struct lim_entry *e = lim_table_find(&m->table, &l->met[i].key);

		uncount(m, e);
		if (e->family != 0 && is_idle(m, e, now))
			lim_table_remove(&m->table, e);
	}
	l->n_met = 0;
}

void
lim_adopt(struct lim *l, const struct lim_conn *c, uint64_t now)
{
	now = lim_advance(l, now);
	meet(l, c);
	for (unsigned int i = 0; i < l->n_met; i++) {
		l->met[i].entry = entry_for(l->met[i].limit, &l->met[i].key, now);
		count(&l->met[i], now, false);
	}
	l->n_met = 0;
}
