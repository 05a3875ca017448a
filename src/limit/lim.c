/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits: taken over from the configuration, reported. What happens to connections is in lim_open.c. Control lcore.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>

#include "base/log.h"
#include "lim_priv.h"

/* ---- what the configuration may say ---- */

/* NULL, or what is wrong with a limit. */
static const char *
limit_error(const struct lim_limit_params *p, unsigned int n_sets)
{
	if (p->name == NULL)
		return "it has no name";
	if (p->dport_lo > p->dport_hi)
		return "its destination ports are no range";
	if ((p->set != LIM_NONE && p->set >= n_sets) ||
			(p->not_set != LIM_NONE && p->not_set >= n_sets))
		return "it names a set that is not there";
	if (p->prefix_len > 32 || p->prefix_len6 > 128)
		return "its prefix is longer than an address";
	if (p->connections == 0 && p->rate == 0)
		return "it bounds nothing";
	if (p->rate > LIM_RATE_MAX || p->burst > LIM_RATE_MAX)
		return "its rate or burst is too large";
	if ((p->rate == 0) != (p->burst == 0))
		return "it has only one of rate and burst";
	if (p->by > LIM_BY_ALL || p->action > LIM_COUNT)
		return "it has an unknown action, or counts by something unknown";
	if (p->by != LIM_BY_ALL && (p->entries == 0 || p->entries > LIM_ENTRIES_MAX))
		return "its number of entries is out of range";
	return NULL;
}

static int
check(const struct lim_params *p)
{
	if (p->n_limits == 0 || p->n_limits > LIM_LIMITS_MAX || p->n_sets > LIM_SETS_MAX) {
		log_err("%u limits and %u sets: 1 to %u and at most %u are possible\n", p->n_limits,
				p->n_sets, LIM_LIMITS_MAX, LIM_SETS_MAX);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < p->n_limits; i++) {
		const struct lim_limit_params *m = &p->limits[i];
		const char *error = limit_error(m, p->n_sets);

		if (error != NULL) {
			log_err("limit %s: %s\n", m->name != NULL ? m->name : "?", error);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- create and destroy ---- */

/* Two words out of one seed (splitmix64, Steele, Lea, Flood 2014), other ones for each limit. */
static uint64_t
next_word(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int
take_limit(struct lim *l, const struct lim_limit_params *p, uint64_t *seed, int socket_id)
{
	struct lim_limit *m = &l->limits[l->n_limits++];
	uint64_t key[2];

	m->p = *p;
	m->p.name = strdup(p->name);
	if (m->p.name == NULL)
		return -ENOMEM;
	if (p->by == LIM_BY_ALL)
		m->p.entries = 1;
	m->has_ports = p->dport_lo != 0 || p->dport_hi != UINT16_MAX;
	if (p->rate != 0) {
		const uint64_t bucket = p->burst * TIME_NS_PER_S;

		m->token = TIME_NS_PER_S / p->rate;
		m->token_part = TIME_NS_PER_S % p->rate;
		m->bucket = bucket / p->rate;
		m->bucket_part = (uint32_t)(bucket % p->rate);
	}
	l->asks_service = l->asks_service || p->service >= 0;
	key[0] = next_word(seed);
	key[1] = next_word(seed);
	return lim_table_init(&m->table, m->p.entries, key, socket_id);
}

struct lim *
lim_create(const struct lim_params *p)
{
	uint64_t seed = p->hash_seed;
	int rc = check(p);
	struct lim *l;

	if (rc != 0) {
		rte_errno = -rc;
		return NULL;
	}
	rc = -ENOMEM;
	l = calloc(1, sizeof(*l));
	if (l != NULL) {
		l->limits = calloc(p->n_limits, sizeof(*l->limits));
		l->sets = calloc(p->n_sets + 1, sizeof(*l->sets));
	}
	if (l != NULL && l->limits != NULL && l->sets != NULL)
		rc = 0;
	for (unsigned int i = 0; i < p->n_sets && rc == 0; i++)
		rc = lim_set_init(&l->sets[l->n_sets++], &p->sets[i]);
	for (unsigned int i = 0; i < p->n_limits && rc == 0; i++)
		rc = take_limit(l, &p->limits[i], &seed, p->socket_id);
	if (rc != 0) {
		lim_destroy(l);
		rte_errno = -rc;
		return NULL;
	}
	return l;
}

void
lim_destroy(struct lim *l)
{
	if (l == NULL)
		return;
	for (unsigned int i = 0; i < l->n_sets; i++)
		lim_set_free(&l->sets[i]);
	for (unsigned int i = 0; i < l->n_limits; i++) {
		free((void *)(uintptr_t)l->limits[i].p.name);
		lim_table_free(&l->limits[i].table);
	}
	free(l->sets);
	free(l->limits);
	free(l);
}

/* ---- reading ---- */

bool
lim_asks_service(const struct lim *l)
{
	return l->asks_service;
}

unsigned int
lim_limits(const struct lim *l)
{
	return l->n_limits;
}

int
lim_info(const struct lim *l, unsigned int limit, struct lim_info *out)
{
	const struct lim_limit *m;

	if (limit >= l->n_limits)
		return -ENOENT;
	m = &l->limits[limit];
	*out = (struct lim_info){
		.name = m->p.name,
		.by = m->p.by,
		.action = m->p.action,
		.prefix_len = m->p.prefix_len,
		.prefix_len6 = m->p.prefix_len6,
		.connections = m->p.connections,
		.rate = m->p.rate,
		.burst = m->p.burst,
		.passed = m->passed,
		.entries = m->table.n,
		.entries_max = m->table.max,
		.open = m->open,
		.unlisted = m->unlisted,
	};
	memcpy(out->over, m->over, sizeof(out->over));
	out->over[LIM_PASS] = 0;
	return 0;
}

const char *
lim_by_name(enum lim_by by)
{
	static const char *const names[] = { "source", "destination", "all" };

	return (unsigned int)by < RTE_DIM(names) ? names[by] : "?";
}

const char *
lim_action_name(enum lim_action action)
{
	static const char *const names[] = { "drop", "reset", "count" };

	return (unsigned int)action < RTE_DIM(names) ? names[action] : "?";
}

static struct lim_top
top_of(const struct lim *l, const struct lim_limit *m, const struct lim_entry *e)
{
	struct lim_top t = {
		.connections = e->connections,
		.tokens = m->p.rate != 0 ? lim_tokens(m, e, l->now) : 0,
	};

	if (e->family == LIM_E_IP4) {
		rte_be32_t ip = rte_cpu_to_be_32((uint32_t)e->net[1]);

		t.family = 4;
		t.len = m->p.prefix_len;
		memcpy(t.addr.b, &ip, sizeof(ip));
	} else if (e->family == LIM_E_IP6) {
		uint64_t w[2] = { rte_cpu_to_be_64(e->net[0]), rte_cpu_to_be_64(e->net[1]) };

		t.family = 6;
		t.len = m->p.prefix_len6;
		memcpy(t.addr.b, w, sizeof(w));
	}
	return t;
}

/* Sorted in by connections, then by emptier buckets; what falls off the end is lost. */
static unsigned int
top_add(struct lim_top *out, unsigned int n, unsigned int max, const struct lim_top *t)
{
	unsigned int i = n;

	while (i > 0 &&
			(out[i - 1].connections < t->connections ||
					(out[i - 1].connections == t->connections &&
							out[i - 1].tokens > t->tokens))) {
		if (i < max)
			out[i] = out[i - 1];
		i--;
	}
	if (i < max)
		out[i] = *t;
	return RTE_MIN(n + 1, max);
}

unsigned int
lim_top(struct lim *l, unsigned int limit, struct lim_top *out, unsigned int max, uint32_t *work)
{
	struct lim_table *t;
	unsigned int n = 0;
	uint32_t look;

	if (limit >= l->n_limits)
		return 0;
	t = &l->limits[limit].table;
	look = RTE_MIN(*work, t->mask + 1);
	*work -= look;
	for (; look > 0; look--, t->scan = (t->scan + 1) & t->mask) {
		const struct lim_entry *e = &t->slot[t->scan];
		struct lim_top found;

		if (e->family == 0)
			continue;
		found = top_of(l, &l->limits[limit], e);
		n = top_add(out, n, max, &found);
	}
	return n;
}
