/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering against a list of rules that is searched one by one: thousands of random rules of many masks, priorities, groups
 * and domains, with ranges, inversion, jumps and PASSTHRU, put in and taken out in random order, and packets of the same small
 * world, so that most rules overlap with others. What happens to every packet, the hits of every rule and what a walk
 * lists must be the same.
 */
#include "test_sim_steer.h"

#define RULES 3000
#define GROUPS 5
#define PRIORITIES 3

static uint64_t rng;

static uint32_t
rnd(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((rng >> 33) % n);
}

static struct frame
random_frame(void)
{
	return (struct frame){
		.v6 = rnd(4) == 0,
		.udp = rnd(3) == 0,
		.vlan = rnd(4) == 0,
		.vid = (uint16_t)(rnd(3) << 13 | (1 + rnd(4))),
		.src = 0x0a000000 | rnd(2) << 16 | rnd(3) << 8 | rnd(4),
		.dst = 0xc0a80000 | rnd(3) << 8 | rnd(6),
		.sport = (uint16_t)(1000 + rnd(8)),
		.dport = (uint16_t)(80 + rnd(4)),
		.ttl = (uint8_t)(60 + rnd(5)),
		.flags = (uint8_t)(1u << rnd(5)),
	};
}

/* Kinds of masks. `exact`: which tables take them is part of what is tested. */
struct shape {
	bool exact;
	uint32_t layers;
	struct {
		uint32_t at, bits;
	} part[3];
	uint32_t range_at[2]; /* 16 bits wide; 0: none */
	uint8_t odd;	      /* mask of the last byte of the IPv4 destination */
	bool invert;
	uint16_t range_mask;
};

static const struct shape shapes[] = {
	{ true, SIM_L_IPV4 | SIM_L_TCP, { { AT_IP4_SRC, 64 }, { AT_SPORT, 32 } }, { 0 }, 0, false },
	{ true, SIM_L_IPV6 | SIM_L_TCP, { { AT(level[0].ip) + 8, 256 }, { AT_SPORT, 32 } }, { 0 },
			0, false },
	{ true, SIM_L_IPV4, { { AT_IP4_DST, 24 } }, { 0 }, 0, false },
	{ true, SIM_L_IPV4, { { AT_IP4_DST, 31 } }, { 0 }, 0, false },
	{ true, SIM_L_IPV4, { { AT_IP4_SRC, 17 }, { AT_IP4_DST, 16 } }, { 0 }, 0, false },
	{ true, SIM_L_UDP, { { AT_DPORT, 16 } }, { 0 }, 0, false },
	{ true, SIM_L_VLAN, { { AT(level[0].vlan), 16 } }, { 0 }, 0, false },
	{ true, SIM_L_ETH, { { AT(level[0].eth), 96 } }, { 0 }, 0, false },
	{ true, SIM_L_ETH, { { 0 } }, { 0 }, 0, false },
	{ true, 0, { { 0 } }, { 0 }, 0, false },
	{ true, 0, { { AT(mark), 32 } }, { 0 }, 0, false },
	{ true, SIM_L_TCP, { { AT(level[0].l4) + 13, 7 } }, { 0 }, 0, false },
	{ false, SIM_L_IPV4, { { AT_IP4_SRC, 32 } }, { 0 }, 0x05, false },
	{ false, SIM_L_TCP, { { 0 } }, { AT_SPORT }, 0, false },
	{ false, SIM_L_IPV4 | SIM_L_TCP, { { AT_IP4_DST, 24 } }, { AT_SPORT, AT_DPORT }, 0, false },
	{ false, SIM_L_IPV4, { { AT_IP4_DST, 24 } }, { 0 }, 0, true },
	{ false, SIM_L_IPV4, { { 0 } }, { AT_SPORT }, 0, true },
	{ false, SIM_L_VLAN, { { 0 } }, { AT(level[0].vlan) }, 0, false, 0x0fff },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

struct model_rule {
	bool there, hidden;
	struct sim_rule *rule;
	struct sim_match match;
	uint32_t shape;
	uint8_t domain;
	uint16_t port;
	uint32_t group, priority;
	uint64_t birth; /* of the first rule that was there of the same place, priority and shape */
	uint64_t seq;
	enum sim_action_type fate;
	uint32_t arg, mark, counter;
	uint64_t hits;
};

struct model {
	struct sim_steer *s;
	struct model_rule rule[RULES];
	struct model_rule *sorted[RULES];
	uint32_t n;
	bool stale;
	uint64_t seq;
	uint64_t packets[64];
};

static uint32_t
range_number(uint32_t at)
{
	if (at == AT_SPORT)
		return 1000 + rnd(8);
	return at == AT_DPORT ? 80 + rnd(4) : 1 + rnd(4);
}

static void
random_match(uint32_t shape, struct sim_match *m)
{
	const struct shape *sh = &shapes[shape];
	const struct frame f = random_frame();
	uint32_t a, b;

	memset(m, 0, sizeof(*m));
	frame_phv(&f, &m->value);
	m->value.mark = rnd(4);
	m->mask.layers[0] = sh->layers;
	m->value.layers[0] |= sh->layers;
	for (uint32_t i = 0; i < 3; i++)
		mask_bits(m, sh->part[i].at, sh->part[i].bits);
	((uint8_t *)&m->mask)[AT_IP4_DST + 3] |= sh->odd;
	for (uint32_t i = 0; i < 2 && sh->range_at[i] != 0; i++) {
		a = range_number(sh->range_at[i]);
		b = range_number(sh->range_at[i]);
		m->range[m->n_ranges++] = (struct sim_range){
			.at = (uint16_t)sh->range_at[i],
			.width = 2,
			.low = a < b ? a : b,
			.high = a < b ? b : a,
			.mask = sh->range_mask,
		};
	}
	m->invert = sh->invert;
}

static bool
model_match(const struct sim_match *m, const struct sim_phv *phv)
{
	const uint8_t *v = (const uint8_t *)&m->value, *k = (const uint8_t *)&m->mask;
	const uint8_t *p = (const uint8_t *)phv;
	bool same = true;
	uint32_t x;

	for (uint32_t i = 0; i < sizeof(*phv); i++)
		same = same && ((v[i] ^ p[i]) & k[i]) == 0;
	for (uint32_t i = 0; i < m->n_ranges; i++) {
		x = (uint32_t)p[m->range[i].at] << 8 | p[m->range[i].at + 1];
		x &= m->range[i].mask != 0 ? m->range[i].mask : UINT16_MAX;
		same = same && x >= m->range[i].low && x <= m->range[i].high;
	}
	return same != m->invert;
}

static bool
same_match(const struct sim_match *a, const struct sim_match *b)
{
	const uint8_t *v = (const uint8_t *)&a->value, *w = (const uint8_t *)&b->value;
	const uint8_t *k = (const uint8_t *)&a->mask;

	for (uint32_t i = 0; i < sizeof(a->mask); i++)
		if ((v[i] ^ w[i]) & k[i])
			return false;
	return memcmp(&a->mask, &b->mask, sizeof(a->mask)) == 0 && a->n_ranges == b->n_ranges &&
			memcmp(a->range, b->range, a->n_ranges * sizeof(a->range[0])) == 0;
}

static bool
same_table(const struct model_rule *a, const struct model_rule *b)
{
	return a->domain == b->domain && a->port == b->port && a->group == b->group &&
			a->priority == b->priority && a->shape == b->shape;
}

static int
order(const void *x, const void *y)
{
	const struct model_rule *a = *(struct model_rule *const *)x;
	const struct model_rule *b = *(struct model_rule *const *)y;
	const bool ea = shapes[a->shape].exact, eb = shapes[b->shape].exact;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	if (ea != eb)
		return ea ? -1 : 1;
	if (a->birth != b->birth)
		return a->birth < b->birth ? -1 : 1;
	return a->seq < b->seq ? -1 : 1;
}

static void
model_sort(struct model *m)
{
	m->n = 0;
	for (uint32_t i = 0; i < RULES; i++)
		if (m->rule[i].there)
			m->sorted[m->n++] = &m->rule[i];
	qsort(m->sorted, m->n, sizeof(m->sorted[0]), order);
	m->stale = false;
}

/* A hash is asked once, even if the rule that was found there has changed the mark and goes on by PASSTHRU. */
static bool
asked(const struct model_rule *passed, const struct model_rule *r)
{
	return passed != NULL && same_table(passed, r) && shapes[r->shape].range_at[0] == 0 &&
			!shapes[r->shape].invert;
}

/* What the tables make of a packet: 0 goes on, 1 done. */
struct outcome {
	struct sim_dest dest;
	uint32_t mark, groups;
	bool marked;
};

static bool
model_walk(struct model *m, struct sim_phv *phv, uint8_t domain, uint16_t port, struct outcome *o)
{
	struct model_rule *r = NULL, *passed;
	uint32_t group = 0;
	uint32_t i;

	for (;;) {
		bool any = group > 0;

		for (i = 0; i < m->n && !any; i++)
			any = m->sorted[i]->domain == domain && m->sorted[i]->port == port &&
					m->sorted[i]->group == 0;
		if (!any)
			return false;
		if (o->groups++ == 64) {
			o->dest = (struct sim_dest){ .kind = SIM_TO_DROP, .queue = SIM_DROP_LOOP };
			return true;
		}
		for (i = 0, passed = NULL; i < m->n; i++) {
			r = m->sorted[i];
			if (r->domain != domain || r->port != port || r->group != group ||
					r->hidden || !model_match(&r->match, phv) ||
					asked(passed, r))
				continue;
			passed = r;
			r->hits++;
			m->packets[r->counter]++;
			if (r->mark != 0) {
				phv->mark = o->mark = r->mark;
				o->marked = true;
			}
			if (r->fate != SIM_A_PASSTHRU)
				break;
		}
		if (i == m->n || r->fate == SIM_A_END)
			return false;
		if (r->fate == SIM_A_JUMP) {
			group = r->arg;
			continue;
		}
		o->dest = (struct sim_dest){
			.kind = r->fate == SIM_A_QUEUE		? SIM_TO_QUEUE
					: r->fate == SIM_A_PORT ? SIM_TO_WIRE
								: SIM_TO_DROP,
			.port = (uint16_t)(r->fate == SIM_A_PORT ? r->arg : 0),
			.queue = (uint16_t)(r->fate == SIM_A_QUEUE ? r->arg : SIM_DROP_ACTION),
		};
		if (r->fate == SIM_A_PORT)
			o->dest.queue = 0;
		return true;
	}
}

static void
model_run(struct model *m, const struct frame *f, bool from_host, struct outcome *o)
{
	struct sim_phv phv;

	if (m->stale)
		model_sort(m);
	memset(o, 0, sizeof(*o));
	frame_phv(f, &phv);
	phv.from_host = from_host;
	if (from_host && model_walk(m, &phv, SIM_EGRESS, 0, o))
		return;
	if (model_walk(m, &phv, SIM_TRANSFER, SIM_ANY_PORT, o))
		return;
	if (from_host) {
		o->dest = (struct sim_dest){ .kind = SIM_TO_WIRE };
		return;
	}
	if (!model_walk(m, &phv, SIM_INGRESS, 0, o))
		o->dest = (struct sim_dest){ .kind = SIM_TO_QUEUE, .rss = 1 };
}

static void
random_place(struct model_rule *r)
{
	const uint32_t d = rnd(8);

	r->domain = d == 0 ? SIM_EGRESS : d < 3 ? SIM_TRANSFER : SIM_INGRESS;
	r->port = r->domain == SIM_TRANSFER ? SIM_ANY_PORT : 0;
	r->group = rnd(GROUPS);
	r->priority = rnd(PRIORITIES);
	r->shape = rnd(SHAPES);
	random_match(r->shape, &r->match);
}

static uint32_t
random_actions(struct model_rule *r, struct sim_action *a)
{
	uint32_t n = 0;

	r->counter = rnd(64);
	r->mark = rnd(3) == 0 ? 1 + rnd(3) : 0;
	r->arg = rnd(8);
	switch (rnd(6)) {
	case 0:
		r->fate = SIM_A_DROP;
		break;
	case 1:
		r->fate = SIM_A_PASSTHRU;
		break;
	case 2:
		r->fate = SIM_A_END;
		break;
	case 3:
		r->fate = r->domain == SIM_TRANSFER ? SIM_A_PORT : SIM_A_DROP;
		r->arg = rnd(4);
		break;
	case 4:
		r->fate = r->domain == SIM_EGRESS ? SIM_A_DROP : SIM_A_QUEUE;
		break;
	default:
		r->fate = SIM_A_JUMP;
		r->arg = rnd(GROUPS + 1);
	}
	a[n++] = act(SIM_A_COUNT, r->counter);
	if (r->mark != 0)
		a[n++] = act(SIM_A_MARK, r->mark);
	if (r->fate != SIM_A_END)
		a[n++] = act(r->fate, r->arg);
	return n;
}

static void
model_insert(struct model *m, struct model_rule *r)
{
	struct sim_action a[3];
	struct sim_error e = { "" };
	struct sim_rule_params p = {
		.match = &r->match, .actions = a, .cookie = (uint64_t)(r - m->rule)
	};
	bool twin = false;
	int rc;

	random_place(r);
	p.n_actions = random_actions(r, a);
	p.domain = r->domain;
	p.port = r->port;
	p.group = r->group;
	p.priority = r->priority;
	p.hidden = r->hidden = rnd(4) == 0;
	r->birth = r->seq = m->seq++;
	r->hits = 0;
	for (uint32_t i = 0; i < RULES; i++)
		if (m->rule[i].there && same_table(&m->rule[i], r)) {
			r->birth = m->rule[i].birth;
			twin = twin || same_match(&m->rule[i].match, &r->match);
		}
	rc = sim_rule_insert(m->s, &p, &r->rule, &e);
	if (rc != (twin ? -EEXIST : 0))
		fail_msg("insertion: %d, %s", rc, e.text);
	r->there = rc == 0;
	m->stale = true;
}

static void
model_change(struct model *m)
{
	struct model_rule *r = &m->rule[rnd(RULES)];
	struct sim_action a[3];
	uint32_t n;

	m->stale = true;
	if (!r->there) {
		model_insert(m, r);
	} else if (r->hidden && rnd(2) == 0) {
		sim_rule_show(m->s, r->rule);
		r->hidden = false;
	} else if (rnd(4) == 0) {
		n = random_actions(r, a);
		assert_int_equal(sim_rule_update(m->s, r->rule, a, n, NULL), 0);
	} else {
		assert_int_equal(sim_rule_hits(r->rule), r->hits);
		sim_rule_remove(m->s, r->rule);
		r->there = false;
	}
}

static void
packet(struct model *m)
{
	const struct frame f = random_frame();
	const bool from_host = rnd(3) == 0;
	struct sim_path path;
	struct outcome o;
	struct bytes b;
	struct sim_pkt p;

	frame_bytes(&f, &b);
	p = frame_pkt(&b, 0, from_host);
	sim_steer_run(m->s, &p, 0, rnd(2) ? &path : NULL);
	model_run(m, &f, from_host, &o);
	assert_int_equal(p.dest.kind, o.dest.kind);
	assert_int_equal(p.dest.port, o.dest.port);
	assert_int_equal(p.dest.queue, o.dest.queue);
	assert_int_equal(p.dest.rss, o.dest.rss);
	assert_int_equal(p.marked, o.marked);
	assert_int_equal(p.mark, o.mark);
}

struct listed {
	struct model *m;
	uint32_t n;
	uint64_t last;
};

static void
listed(void *arg, const struct sim_rule *rule, const struct sim_rule_params *p)
{
	struct listed *l = arg;
	const struct model_rule *r = &l->m->rule[p->cookie];
	const uint64_t at = (uint64_t)p->domain << 56 | (uint64_t)p->port << 40 |
			(uint64_t)p->group << 8 | p->priority;

	assert_true(r->there && r->rule == rule);
	assert_int_equal(r->domain, p->domain);
	assert_int_equal(r->group, p->group);
	assert_int_equal(r->priority, p->priority);
	assert_int_equal(r->match.invert, p->match->invert);
	assert_true(same_match(&r->match, p->match));
	assert_int_equal(sim_rule_hits(rule), r->hits);
	assert_true(at >= l->last);
	l->last = at;
	l->n++;
}

static void
check_all(struct model *m)
{
	struct listed l = { .m = m };
	struct sim_steer_stats stats;
	uint64_t packets, bytes;

	if (m->stale)
		model_sort(m);
	assert_int_equal(sim_rule_walk(m->s, listed, &l), m->n);
	assert_int_equal(l.n, m->n);
	sim_steer_stats(m->s, &stats);
	assert_int_equal(stats.rules, m->n);
	for (uint32_t i = 0; i < 64; i++) {
		sim_counter_read(m->s, i, &packets, &bytes, false);
		assert_int_equal(packets, m->packets[i]);
	}
}

static void
drain(struct model *m)
{
	struct sim_steer_stats stats;

	for (uint32_t left = RULES, i; left > 0; left--) {
		i = rnd(RULES);
		while (!m->rule[i].there && i < RULES - 1)
			i++;
		if (!m->rule[i].there)
			continue;
		sim_rule_remove(m->s, m->rule[i].rule);
		m->rule[i].there = false;
	}
	for (uint32_t i = 0; i < RULES; i++)
		if (m->rule[i].there)
			sim_rule_remove(m->s, m->rule[i].rule);
	sim_steer_stats(m->s, &stats);
	assert_int_equal(stats.rules, 0);
	assert_int_equal(stats.entries, 0);
	assert_int_equal(stats.tcam_entries, 0);
	for (uint16_t port = 0; port < 4; port++)
		assert_false(sim_steer_active(m->s, port));
}

/* `changes` per packet: a table that is built up, then one that changes under way. */
static void
random_rules(uint64_t seed, uint32_t changes, bool empty)
{
	struct model *m = calloc(1, sizeof(*m));
	struct sim_profile p;

	assert_non_null(m);
	rng = seed;
	sim_profile_ideal(&p);
	p.tables_twins = 0;
	m->s = steer_new(&p);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(sim_counter_add(m->s), i);
	for (uint32_t i = 0; i < 2000; i++) {
		for (uint32_t k = 0; k < changes; k++)
			model_change(m);
		packet(m);
		if (i % 500 == 499)
			check_all(m);
	}
	if (empty)
		drain(m);
	sim_steer_destroy(m->s);
	free(m);
}

static void
few_rules(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 6; seed++)
		random_rules(seed, 1, true);
}

static void
many_rules(void **state)
{
	(void)state;
	for (uint64_t seed = 10; seed < 13; seed++)
		random_rules(seed, 4, seed % 2 == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_rules),
		cmocka_unit_test(many_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
