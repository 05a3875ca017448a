/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits against a naive model: random limits, opens, ends, undone and adopted connections, and time that stands still,
 * jumps, goes back and wraps. The model remembers every connection and where it was counted, keeps its buckets in
 * 128 bits, and shares no code with what is tested. Every verdict and every sum must be the same.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eal.h"
#include "lim_priv.h"

typedef unsigned __int128 u128;

#define LIMITS 6
#define SETS 3
#define SET_PREFIXES 12
#define CONNS 400
#define PREFIXES 600
#define SECOND 1000000000u

static uint64_t rng;

static uint32_t
rnd(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((rng >> 33) % n);
}
#define PICK(...) \
	(((const uint32_t[]){ __VA_ARGS__ })[rnd( \
			sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))])

/* ---- model ---- */

struct prefix {
	struct flow_addr net;
	uint8_t family; /* 0: all */
	u128 tokens;	/* times a second's ns */
	u128 filled_at;
};

struct conn {
	struct flow_tuple tuple;
	uint16_t port_in;
	int service;
	bool met[LIMITS];
	bool listed[LIMITS]; /* counted at its prefix */
	unsigned int prefix[LIMITS];
};

struct model {
	struct lim_limit_params limit[LIMITS];
	unsigned int n_limits;
	struct lim_prefix set_prefix[SETS][SET_PREFIXES];
	struct lim_set_params set[SETS];
	struct prefix prefix[LIMITS][PREFIXES];
	unsigned int n_prefixes[LIMITS];
	struct conn conn[CONNS];
	unsigned int n_conns;
	uint64_t start;
	u128 now;
};

static bool
bits_equal(const uint8_t *a, const uint8_t *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool
in_set(const struct model *m, unsigned int set, uint8_t family, const struct flow_addr *a)
{
	for (unsigned int i = 0; i < m->set[set].n_prefixes; i++) {
		const struct lim_prefix *p = &m->set_prefix[set][i];

		if (p->family == family && bits_equal(p->addr.b, a->b, p->len))
			return true;
	}
	return false;
}

static bool
model_matches(const struct model *m, const struct lim_limit_params *p, const struct conn *c)
{
	const struct flow_addr *a = p->by == LIM_BY_DESTINATION ? &c->tuple.dst : &c->tuple.src;
	const struct flow_key *k = &c->tuple.key;
	bool ports = k->proto == IPPROTO_TCP || k->proto == IPPROTO_UDP;
	uint16_t port = rte_be_to_cpu_16(k->dport);

	if (p->proto != 0 && k->proto != p->proto)
		return false;
	if (!(p->dport_lo == 0 && p->dport_hi == 65535) &&
			!(ports && port >= p->dport_lo && port <= p->dport_hi))
		return false;
	if (p->port_in != LIM_NONE && p->port_in != c->port_in)
		return false;
	if (p->service >= 0 && p->service != c->service)
		return false;
	if (p->zone >= 0 && p->zone != k->zone)
		return false;
	if (p->set != LIM_NONE && !in_set(m, p->set, k->family, a))
		return false;
	return p->not_set == LIM_NONE || !in_set(m, p->not_set, k->family, a);
}

static unsigned int
model_prefix(struct model *m, unsigned int i, const struct conn *c)
{
	const struct lim_limit_params *p = &m->limit[i];
	const struct flow_addr *a = p->by == LIM_BY_DESTINATION ? &c->tuple.dst : &c->tuple.src;
	uint8_t family = p->by == LIM_BY_ALL ? 0 : c->tuple.key.family;
	unsigned int len = family == 0 ? 0 : family == 4 ? p->prefix_len : p->prefix_len6, n;

	for (n = 0; n < m->n_prefixes[i]; n++)
		if (m->prefix[i][n].family == family &&
				bits_equal(m->prefix[i][n].net.b, a->b, len))
			return n;
	assert_true(n < PREFIXES);
	m->prefix[i][n] = (struct prefix){
		.net = *a, .family = family, .tokens = (u128)p->burst * SECOND, .filled_at = m->now
	};
	m->n_prefixes[i]++;
	return n;
}

static uint32_t
listed(const struct model *m, unsigned int i, unsigned int prefix)
{
	uint32_t n = 0;

	for (unsigned int k = 0; k < m->n_conns; k++)
		n += m->conn[k].met[i] && m->conn[k].listed[i] && m->conn[k].prefix[i] == prefix;
	return n;
}

static uint32_t
unlisted(const struct model *m, unsigned int i)
{
	uint32_t n = 0;

	for (unsigned int k = 0; k < m->n_conns; k++)
		n += m->conn[k].met[i] && !m->conn[k].listed[i];
	return n;
}

static void
fill(struct model *m, unsigned int i, unsigned int prefix)
{
	struct prefix *p = &m->prefix[i][prefix];
	u128 whole = (u128)m->limit[i].burst * SECOND;

	p->tokens += (m->now - p->filled_at) * m->limit[i].rate;
	p->tokens = p->tokens < whole ? p->tokens : whole;
	p->filled_at = m->now;
}

static bool
live(struct model *m, unsigned int i, unsigned int prefix)
{
	fill(m, i, prefix);
	return listed(m, i, prefix) > 0 ||
			m->prefix[i][prefix].tokens < (u128)m->limit[i].burst * SECOND;
}

static bool
has_room(struct model *m, unsigned int i, unsigned int prefix)
{
	uint32_t max = m->limit[i].by == LIM_BY_ALL ? 1 : m->limit[i].entries, n = 0;

	if (live(m, i, prefix))
		return true;
	if (unlisted(m, i) > 0)
		return false;
	for (unsigned int k = 0; k < m->n_prefixes[i]; k++)
		n += live(m, i, k);
	return n < max;
}

static enum lim_verdict
model_ask(struct model *m, unsigned int i, unsigned int prefix)
{
	const struct lim_limit_params *p = &m->limit[i];

	if (!has_room(m, i, prefix))
		return LIM_FULL;
	if (p->connections != 0 && listed(m, i, prefix) >= p->connections)
		return LIM_CONNECTIONS;
	fill(m, i, prefix);
	if (p->rate != 0 && m->prefix[i][prefix].tokens < SECOND)
		return LIM_RATE;
	return LIM_PASS;
}

/* What lim_open() should say; *limit as well. With LIM_PASS, c is counted when `keep`. */
static enum lim_verdict
model_open(struct model *m, struct conn *c, bool adopt, bool keep, unsigned int *limit)
{
	enum lim_verdict v;

	for (unsigned int i = 0; i < m->n_limits; i++) {
		c->met[i] = model_matches(m, &m->limit[i], c);
		if (!c->met[i])
			continue;
		c->prefix[i] = model_prefix(m, i, c);
		c->listed[i] = has_room(m, i, c->prefix[i]);
		v = model_ask(m, i, c->prefix[i]);
		if (!adopt && v != LIM_PASS && m->limit[i].action != LIM_COUNT) {
			*limit = i;
			return v;
		}
	}
	for (unsigned int i = 0; i < m->n_limits && keep; i++) {
		struct prefix *p = &m->prefix[i][c->prefix[i]];

		if (c->met[i] && c->listed[i] && !adopt && m->limit[i].rate != 0 &&
				p->tokens >= SECOND)
			p->tokens -= SECOND;
	}
	if (keep)
		m->conn[m->n_conns++] = *c;
	return LIM_PASS;
}

/* ---- chance ---- */

/* A small world, so that connections meet: 2 x 48 addresses in a few networks. */
static void
random_address(uint8_t family, struct flow_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (family == 4) {
		a->b[0] = 10;
		a->b[1] = (uint8_t)rnd(2);
		a->b[2] = (uint8_t)(rnd(3) * 127);
		a->b[3] = (uint8_t)(rnd(4) * 5);
	} else {
		/* ::ffff:10.x is another prefix than 10.x. */
		a->b[0] = rnd(2) ? 0x20 : 0;
		a->b[5] = (uint8_t)rnd(2);
		a->b[7] = (uint8_t)(rnd(2) << 7);
		a->b[15] = (uint8_t)rnd(6);
	}
}

static void
random_conn(struct conn *c)
{
	struct flow_key *k = &c->tuple.key;

	memset(c, 0, sizeof(*c));
	k->family = rnd(3) ? 4 : 6;
	k->proto = (uint8_t)PICK(IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP);
	k->zone = (uint16_t)rnd(2);
	k->sport = rte_cpu_to_be_16((uint16_t)rnd(65536));
	k->dport = rte_cpu_to_be_16((uint16_t)PICK(80, 443, 53, 2048));
	random_address(k->family, &c->tuple.src);
	random_address(k->family, &c->tuple.dst);
	flow_tuple_seal(&c->tuple);
	c->port_in = (uint16_t)rnd(2);
	c->service = (int)rnd(3) - 1;
}

static struct lim_limit_params
random_limit(void)
{
	struct lim_limit_params p = {
		.name = "limit",
		.proto = rnd(3) ? 0 : IPPROTO_TCP,
		.dport_lo = 0,
		.dport_hi = 65535,
		.port_in = rnd(4) ? LIM_NONE : (uint16_t)rnd(2),
		.service = rnd(4) ? -1 : (int)rnd(2),
		.zone = rnd(4) ? -1 : (int)rnd(2),
		.set = rnd(4) ? LIM_NONE : (uint16_t)rnd(SETS),
		.not_set = rnd(4) ? LIM_NONE : (uint16_t)rnd(SETS),
		.by = (enum lim_by)PICK(
				LIM_BY_SOURCE, LIM_BY_SOURCE, LIM_BY_DESTINATION, LIM_BY_ALL),
		.prefix_len = (uint8_t)PICK(32, 32, 24, 16, 0),
		.prefix_len6 = (uint8_t)PICK(128, 64, 48, 57, 0),
		.connections = PICK(0, 1, 3, 10, 30),
		.rate = PICK(0, 1, 3, 7, 999999937, 1000000000),
		.action = (enum lim_action)rnd(3),
		.entries = PICK(1, 2, 5, 16),
	};

	if (p.connections == 0 && p.rate == 0)
		p.connections = 2;
	if (p.rate != 0)
		p.burst = PICK(1, 2, 5, 100, 1000000000);
	if (rnd(3) == 0) {
		p.dport_lo = (uint16_t)PICK(80, 0, 54);
		p.dport_hi = (uint16_t)PICK(80, 443);
	}
	return p;
}

static struct lim *
random_limits(struct model *m)
{
	struct lim_params p = {
		.limits = m->limit, .sets = m->set, .n_sets = SETS, .hash_seed = rng
	};
	struct lim *l;

	memset(m, 0, sizeof(*m));
	p.n_limits = m->n_limits = 1 + rnd(LIMITS);
	for (unsigned int i = 0; i < m->n_limits; i++)
		m->limit[i] = random_limit();
	for (unsigned int s = 0; s < SETS; s++) {
		m->set[s].prefixes = m->set_prefix[s];
		m->set[s].n_prefixes = rnd(SET_PREFIXES);
		for (unsigned int i = 0; i < m->set[s].n_prefixes; i++) {
			struct lim_prefix *x = &m->set_prefix[s][i];

			x->family = rnd(2) ? 4 : 6;
			x->len = (uint8_t)(x->family == 4 ? PICK(32, 31, 24, 22, 16, 8)
							  : PICK(128, 127, 64, 57, 48));
			random_address(x->family, &x->addr);
		}
	}
	m->start = (uint64_t)PICK(0, 1, 1700000000) * SECOND;
	if (rnd(3) == 0)
		m->start = UINT64_MAX - rnd(2000000000);
	l = lim_create(&p);
	assert_non_null(l);
	return l;
}

/* The time to say now: it may go back, and then it stands still for the model. */
static uint64_t
random_time(struct model *m)
{
	uint64_t back;

	switch (rnd(8)) {
	case 0:
		m->now += rnd(1000);
		break;
	case 1:
		m->now += SECOND / PICK(1, 3, 7) - 1 + rnd(3);
		break;
	case 2:
		m->now += rnd(SECOND);
		break;
	case 3:
		if (rnd(20) == 0)
			m->now += (u128)rnd(100000) * SECOND;
		break;
	case 4:
		back = (uint64_t)rnd(100) * SECOND;
		return m->start + (uint64_t)m->now - (back < m->now ? back : 0);
	default:
		break;
	}
	return m->start + (uint64_t)m->now;
}

static void
check_sums(struct model *m, struct lim *l)
{
	for (unsigned int i = 0; i < m->n_limits; i++) {
		struct lim_top top[PREFIXES];
		uint32_t work = UINT32_MAX, n_live = 0, in_top = 0, on_list = 0;
		struct lim_info info;
		unsigned int n;

		assert_int_equal(lim_info(l, i, &info), 0);
		assert_int_equal(info.unlisted, unlisted(m, i));
		for (unsigned int k = 0; k < m->n_prefixes[i]; k++) {
			on_list += listed(m, i, k);
			n_live += live(m, i, k);
		}
		assert_int_equal(info.open, on_list + info.unlisted);
		assert_true(info.entries >= n_live && info.entries <= info.entries_max);
		n = lim_top(l, i, top, PREFIXES, &work);
		assert_int_equal(n, info.entries);
		for (unsigned int k = 0; k < n; k++) {
			assert_true(k == 0 || top[k - 1].connections >= top[k].connections);
			in_top += top[k].connections;
		}
		assert_int_equal(in_top, on_list);
	}
}

static void
check_tokens(struct model *m, struct lim *l, unsigned int i, unsigned int k)
{
	struct lim_top top[PREFIXES];
	uint32_t work = UINT32_MAX;
	unsigned int n = lim_top(l, i, top, PREFIXES, &work);

	fill(m, i, k);
	for (unsigned int j = 0; j < n; j++) {
		const struct prefix *p = &m->prefix[i][k];

		if (top[j].family != p->family || !bits_equal(top[j].addr.b, p->net.b, top[j].len))
			continue;
		assert_int_equal(top[j].tokens,
				m->limit[i].rate == 0 ? 0 : (uint32_t)(p->tokens / SECOND));
		assert_int_equal(top[j].connections, listed(m, i, k));
		return;
	}
	assert_false(live(m, i, k));
}

static uint64_t verdicts[LIM_VERDICTS];

static void
one_open(struct model *m, struct lim *l)
{
	unsigned int limit = UINT32_MAX, expected = UINT32_MAX;
	bool adopt = rnd(40) == 0, undo = !adopt && rnd(10) == 0;
	uint64_t now = random_time(m);
	struct conn c;
	struct lim_conn lc = { .tuple = &c.tuple };
	enum lim_verdict v, said = LIM_PASS;

	random_conn(&c);
	lc.port_in = c.port_in;
	lc.service = c.service;
	v = model_open(m, &c, adopt, !undo, &expected);
	if (adopt)
		lim_adopt(l, &lc, now);
	else
		said = lim_open(l, &lc, now, &limit);
	assert_int_equal(said, v);
	assert_int_equal(limit, expected);
	verdicts[v]++;
	if (v == LIM_PASS && undo)
		lim_undo(l);
}

static void
one_close(struct model *m, struct lim *l)
{
	unsigned int k = rnd(m->n_conns);
	struct conn *c = &m->conn[k];
	const struct lim_conn lc = {
		.tuple = &c->tuple, .port_in = c->port_in, .service = c->service
	};

	/* The same time for both: an entry whose bucket is full goes at once. */
	lim_close(l, &lc, random_time(m));
	*c = m->conn[--m->n_conns];
}

static void
test_model(void **state)
{
	static struct model m;

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct lim *l;

		rng = 77 + round;
		l = random_limits(&m);
		for (unsigned int step = 0; step < 600; step++) {
			uint32_t what = rnd(100);

			/* Tides: it fills up, and empties. */
			if (m.n_conns > 0 &&
					(m.n_conns == CONNS || what < (step / 150 % 2 ? 70u : 30u)))
				one_close(&m, l);
			else if (what == 99)
				lim_tidy(l, random_time(&m), rnd(50));
			else
				one_open(&m, l);
			if (step % 50 == 0) {
				unsigned int i = rnd(m.n_limits);

				check_sums(&m, l);
				if (m.n_prefixes[i] > 0)
					check_tokens(&m, l, i, rnd(m.n_prefixes[i]));
			}
		}
		while (m.n_conns > 0)
			one_close(&m, l);
		check_sums(&m, l);
		/* Nothing is left once all buckets are full. */
		for (unsigned int i = 0; i < 40 * LIMITS; i++)
			lim_tidy(l, m.start + (uint64_t)m.now + UINT64_C(2000000000) * SECOND, 64);
		for (unsigned int i = 0; i < m.n_limits; i++) {
			struct lim_info info;

			assert_int_equal(lim_info(l, i, &info), 0);
			assert_int_equal(info.entries, 0);
			assert_int_equal(info.open, 0);
			assert_int_equal(info.unlisted, 0);
		}
		lim_destroy(l);
	}
	/* All of them came up often enough to mean something. */
	for (unsigned int v = 0; v < LIM_VERDICTS; v++) {
		printf("verdict %u: %llu\n", v, (unsigned long long)verdicts[v]);
		assert_true(verdicts[v] > 1000);
	}
}

/* ---- sets alone, with thousands of prefixes ---- */

static void
test_sets(void **state)
{
	static struct lim_prefix prefix[4000];
	struct lim_set_params p = { prefix, 4000 };
	struct lim_set s = { .n = { 0 } };
	unsigned int inside = 0;

	(void)state;
	rng = 5;
	for (unsigned int i = 0; i < 4000; i++) {
		struct lim_prefix *x = &prefix[i];

		x->family = i % 2 ? 4 : 6;
		x->len = (uint8_t)(x->family == 4 ? 12 + rnd(21) : 20 + rnd(109));
		for (unsigned int b = 0; b < (x->family == 4 ? 4 : 16); b++)
			x->addr.b[b] = (uint8_t)(b == 0 ? 0x20 : b == 1 ? rnd(16) : rnd(256));
	}
	assert_int_equal(lim_set_init(&s, &p), 0);
	for (unsigned int i = 0; i < 20000; i++) {
		const struct lim_prefix *x = &prefix[rnd(4000)];
		struct flow_addr a = x->addr;
		bool expected = false;
		unsigned int bit = rnd(x->family == 4 ? 32 : 128);

		if (i % 4)
			a.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		for (unsigned int k = 0; k < 4000 && !expected; k++)
			expected = prefix[k].family == x->family &&
					bits_equal(prefix[k].addr.b, a.b, prefix[k].len);
		assert_int_equal(lim_set_has(&s, x->family, lim_number(x->family, &a)), expected);
		inside += expected;
	}
	assert_true(inside > 5000 && inside < 19000);
	lim_set_free(&s);
}

/* Both ends of the address space. */
static void
test_set_edges(void **state)
{
	const struct lim_prefix all[] = { { .family = 4 },
		{ .family = 6, .len = 1, .addr = { { 0x80 } } } };
	const struct lim_prefix none[] = { { .family = 4, .len = 33 } };
	struct lim_set s = { .n = { 0 } };

	(void)state;
	assert_int_equal(lim_set_init(&s, &(struct lim_set_params){ all, 2 }), 0);
	assert_true(lim_set_has(&s, 4, 0));
	assert_true(lim_set_has(&s, 4, UINT32_MAX));
	assert_true(lim_set_has(&s, 6, ~(lim_u128)0));
	assert_true(lim_set_has(&s, 6, (lim_u128)1 << 127));
	assert_false(lim_set_has(&s, 6, ((lim_u128)1 << 127) - 1));
	assert_false(lim_set_has(&s, 6, 0));
	lim_set_free(&s);
	s = (struct lim_set){ .n = { 0 } };
	assert_int_equal(lim_set_init(&s, &(struct lim_set_params){ NULL, 0 }), 0);
	assert_false(lim_set_has(&s, 4, 0));
	lim_set_free(&s);
	s = (struct lim_set){ .n = { 0 } };
	assert_int_equal(lim_set_init(&s, &(struct lim_set_params){ none, 1 }), -EINVAL);
	lim_set_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_edges),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
