/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expectations: connections that a control connection announced, and that are let in as `related` to it. A bounded
 * table, found by where the first packet goes and, where it is known, where it comes from; a wheel of its own for
 * timeouts. Control lcore only: helpers add (session_alg.c), the session code looks up when a connection opens.
 * Knows nothing of any protocol.
 */
#include <errno.h>

#include <rte_malloc.h>

#include "ct_priv.h"

#define EXPECTATIONS_MAX (UINT32_C(1) << 24)

struct expect {
	struct ct_expect e;
	uint32_t next;	      /* same bucket; or free */
	uint32_t master_next; /* same bucket of masters */
	uint64_t made;	      /* counts up: the lowest is the oldest */
	bool used;
};

struct ct_expects {
	struct expect *rec;
	uint32_t *bucket;	 /* by destination, and source unless that is any */
	uint32_t *master_bucket; /* by master */
	struct ct_wheel wheel;
	uint32_t n;
	uint32_t mask;
	uint32_t free;
	uint32_t any_src; /* how many of them */
	uint64_t made;
};

/* ---- memory --------------------------------------------------------------------------------- */

int
ct_expects_create(struct ct_table *t, const struct ct_params *p)
{
	const uint32_t n = RTE_MIN(p->expectations, EXPECTATIONS_MAX);
	const uint32_t buckets = rte_align32pow2(RTE_MAX(n, 2u));
	struct ct_expects *x;
	struct ct_link *link;
	uint32_t i;

	if (n == 0)
		return 0;
	x = rte_zmalloc_socket("ct_expects", sizeof(*x), 0, p->socket_id);
	if (x == NULL)
		return -ENOMEM;
	t->expects = x;
	x->rec = rte_zmalloc_socket("ct_expect", n * sizeof(*x->rec), 0, p->socket_id);
	x->bucket = rte_malloc_socket("ct_expect", buckets * 4, 0, p->socket_id);
	x->master_bucket = rte_malloc_socket("ct_expect", buckets * 4, 0, p->socket_id);
	link = rte_malloc_socket(
			"ct_expect", (n + CT_WHEEL_HEADS) * sizeof(*link), 0, p->socket_id);
	x->wheel.link = link;
	if (x->rec == NULL || x->bucket == NULL || x->master_bucket == NULL || link == NULL)
		return -ENOMEM; /* ct_expects_destroy() frees what there is */
	ct_wheel_init(&x->wheel, link, n);
	x->n = n;
	x->mask = buckets - 1;
	for (i = 0; i < buckets; i++)
		x->bucket[i] = x->master_bucket[i] = FLOW_NONE;
	for (i = 0; i < n; i++)
		x->rec[i].next = i + 1 < n ? i + 1 : FLOW_NONE;
	t->stats.expects_max = n;
	t->stats.bytes += sizeof(*x) + n * sizeof(*x->rec) + buckets * 8 +
			(n + CT_WHEEL_HEADS) * sizeof(*link);
	return 0;
}

void
ct_expects_destroy(struct ct_table *t)
{
	if (t->expects == NULL)
		return;
	rte_free(t->expects->wheel.link);
	rte_free(t->expects->master_bucket);
	rte_free(t->expects->bucket);
	rte_free(t->expects->rec);
	rte_free(t->expects);
}

/* ---- chains --------------------------------------------------------------------------------- */

static uint32_t *
head_of(const struct ct_table *t, const struct flow_tuple *tuple, bool any_src)
{
	struct flow_tuple target = *tuple;
	struct flow_key key;

	target.key.sport = 0;
	if (any_src)
		memset(&target.src, 0, sizeof(target.src));
	flow_tuple_key(&t->hasher, &target, &key);
	return &t->expects->bucket[flow_hasher_hash(&t->hasher, &key) & t->expects->mask];
}

static uint32_t *
master_head_of(const struct ct_table *t, uint32_t master)
{
	return &t->expects->master_bucket[master & t->expects->mask];
}

void
ct_expect_remove(struct ct_table *t, uint32_t index)
{
	struct ct_expects *x = t->expects;
	struct expect *r = &x->rec[index];
	uint32_t *at;

	for (at = head_of(t, &r->e.tuple, r->e.any_src); *at != index; at = &x->rec[*at].next)
		;
	*at = r->next;
	for (at = master_head_of(t, r->e.master); *at != index; at = &x->rec[*at].master_next)
		;
	*at = r->master_next;
	ct_wheel_del(&x->wheel, index);
	x->any_src -= r->e.any_src;
	r->used = false;
	r->next = x->free;
	x->free = index;
	t->stats.expects--;
}

void
ct_expects_forget(struct ct_table *t, uint32_t master)
{
	uint32_t i, next;

	if (t->stats.expects == 0)
		return;
	for (i = *master_head_of(t, master); i != FLOW_NONE; i = next) {
		next = t->expects->rec[i].master_next;
		if (t->expects->rec[i].e.master == master)
			ct_expect_remove(t, i);
	}
}

/* ---- matching ------------------------------------------------------------------------------- */

static bool
addr_eq(const struct flow_addr *a, const struct flow_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool
same_target(const struct flow_tuple *a, const struct flow_tuple *b)
{
	return a->key.family == b->key.family && a->key.proto == b->key.proto &&
			a->key.zone == b->key.zone && a->key.dport == b->key.dport &&
			addr_eq(&a->dst, &b->dst);
}

static bool
matches(const struct ct_expect *e, const struct flow_tuple *tuple)
{
	return same_target(&e->tuple, tuple) &&
			(e->any_src || addr_eq(&e->tuple.src, &tuple->src)) &&
			(e->any_sport || e->tuple.key.sport == tuple->key.sport);
}

/* Could one packet be for both? */
static bool
overlap(const struct ct_expect *a, const struct ct_expect *b)
{
	return same_target(&a->tuple, &b->tuple) &&
			(a->any_src || b->any_src || addr_eq(&a->tuple.src, &b->tuple.src)) &&
			(a->any_sport || b->any_sport || a->tuple.key.sport == b->tuple.key.sport);
}

static uint32_t
find_in(const struct ct_table *t, const struct flow_tuple *tuple, bool any_src)
{
	uint32_t i = *head_of(t, tuple, any_src);

	while (i != FLOW_NONE && !matches(&t->expects->rec[i].e, tuple))
		i = t->expects->rec[i].next;
	return i;
}

uint32_t
ct_expect_find(const struct ct_table *t, const struct flow_tuple *tuple)
{
	uint32_t i;

	if (likely(t->stats.expects == 0))
		return FLOW_NONE;
	i = find_in(t, tuple, false);
	if (i == FLOW_NONE && t->expects->any_src > 0)
		i = find_in(t, tuple, true);
	return i;
}

/* ---- adding --------------------------------------------------------------------------------- */

static bool
in_the_way(const struct expect *r, const struct ct_expect *e)
{
	return r->used && r->e.master != e->master && overlap(&r->e, e);
}

static bool
chain_in_the_way(const struct ct_table *t, const struct ct_expect *e, uint32_t i)
{
	while (i != FLOW_NONE && !in_the_way(&t->expects->rec[i], e))
		i = t->expects->rec[i].next;
	return i != FLOW_NONE;
}

/*
 * Could a packet for `e` be for another master's as well? Where `e` takes any source, those of one source may lie in any
 * bucket: all are looked at, which no helper here asks for.
 */
static bool
is_busy(const struct ct_table *t, const struct ct_expect *e)
{
	if (!e->any_src)
		return chain_in_the_way(t, e, *head_of(t, &e->tuple, false)) ||
				(t->expects->any_src > 0 &&
						chain_in_the_way(t, e,
								*head_of(t, &e->tuple, true)));
	for (uint32_t i = 0; i < t->expects->n; i++)
		if (in_the_way(&t->expects->rec[i], e))
			return true;
	return false;
}

/* Those of its own master that it takes the place of. */
static void
remove_overlapped(struct ct_table *t, const struct ct_expect *e)
{
	uint32_t i, next;

	for (i = *master_head_of(t, e->master); i != FLOW_NONE; i = next) {
		next = t->expects->rec[i].master_next;
		if (t->expects->rec[i].e.master == e->master && overlap(&t->expects->rec[i].e, e))
			ct_expect_remove(t, i);
	}
}

/* Make room for one more of this master. */
static void
evict_oldest(struct ct_table *t, uint32_t master, uint32_t at_once)
{
	uint32_t i, oldest = FLOW_NONE, n = 0;

	for (i = *master_head_of(t, master); i != FLOW_NONE; i = t->expects->rec[i].master_next) {
		if (t->expects->rec[i].e.master != master)
			continue;
		n++;
		if (oldest == FLOW_NONE || t->expects->rec[i].made < t->expects->rec[oldest].made)
			oldest = i;
	}
	if (n >= at_once && oldest != FLOW_NONE)
		ct_expect_remove(t, oldest);
}

static void
insert(struct ct_table *t, uint32_t index, const struct ct_expect *e)
{
	struct expect *r = &t->expects->rec[index];
	uint32_t *head;

	r->e = *e;
	flow_tuple_seal(&r->e.tuple);
	if (e->any_src)
		r->e.tuple.key.src = 0;
	r->used = true;
	r->made = t->expects->made++;
	head = head_of(t, &r->e.tuple, e->any_src);
	r->next = *head;
	*head = index;
	head = master_head_of(t, e->master);
	r->master_next = *head;
	*head = index;
	t->expects->any_src += e->any_src;
	t->stats.expects++;
	t->stats.expects_made++;
}

int
ct_expect_add(struct ct_table *t, const struct ct_expect *e, uint64_t now, uint32_t *index)
{
	struct ct_expect sealed = *e;
	uint32_t i;

	if (t->expects == NULL) {
		t->stats.expects_full++;
		return -ENOSPC;
	}
	flow_tuple_seal(&sealed.tuple);
	if (is_busy(t, &sealed))
		return -EBUSY;
	remove_overlapped(t, &sealed);
	evict_oldest(t, e->master, e->at_once);
	i = t->expects->free;
	if (i == FLOW_NONE) {
		t->stats.expects_full++;
		return -ENOSPC;
	}
	t->expects->free = t->expects->rec[i].next;
	insert(t, i, &sealed);
	ct_wheel_add(&t->expects->wheel, i, ct_tick64(now) + time_ticks_of_s(e->timeout));
	*index = i;
	return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

const struct ct_expect *
ct_expect_get(const struct ct_table *t, uint32_t index)
{
	return &t->expects->rec[index].e;
}

int
ct_expect_take(struct ct_table *t, uint32_t index, uint32_t child)
{
	const struct ct_expect *e = &t->expects->rec[index].e;
	struct ct_conn *c = &t->conns[child];
	struct ct_ext *ext;

	if (ct_ext_add(t, e->master) == NULL || (ext = ct_ext_add(t, child)) == NULL)
		return -ENOSPC;
	ct_ext_link(t, e->master, child);
	ct_tuple(t, ct_flow_id(e->master, FLOW_ORIGINAL), &ext->master_tuple);
	c->status |= CT_S_EXPECTED;
	c->mark = t->conns[e->master].mark;
	t->stats.expects_met++;
	if (!e->permanent)
		ct_expect_remove(t, index);
	return 0;
}

void
ct_expects_age(struct ct_table *t, uint64_t tick, unsigned int *budget)
{
	uint32_t i;

	if (t->expects == NULL)
		return;
	while ((i = ct_wheel_next(&t->expects->wheel, tick, budget)) != FLOW_NONE) {
		ct_expect_remove(t, i);
		t->stats.expects_expired++;
	}
}

bool
ct_expects_due(struct ct_table *t, uint64_t tick)
{
	return t->stats.expects != 0 && ct_wheel_due(&t->expects->wheel, tick);
}

/* ---- reading -------------------------------------------------------------------------------- */

uint32_t
ct_expect_next(const struct ct_table *t, uint32_t from)
{
	uint32_t i;

	for (i = from; t->stats.expects != 0 && i < t->expects->n; i++)
		if (t->expects->rec[i].used)
			return i;
	return FLOW_NONE;
}

uint32_t
ct_expect_expires_in(const struct ct_table *t, uint32_t index, uint64_t now)
{
	uint64_t due = t->expects->wheel.link[index].deadline, tick = ct_tick64(now);

	return due > tick ? (uint32_t)(((due - tick) << TIME_TICK_SHIFT) / TIME_NS_PER_S) : 0;
}

const char *
ct_helper_name(enum ct_helper h)
{
	static const char *const names[CT_HELPERS] = { "none", "ftp", "tftp" };

	return (unsigned int)h < CT_HELPERS ? names[h] : "?";
}

const char *
ct_expects_check(const struct ct_table *t)
{
	const struct ct_expects *x = t->expects;
	uint32_t i, b, used = 0, any = 0, chained = 0, by_master = 0, spare = 0;

	if (x == NULL)
		return t->stats.expects == 0 ? NULL : "expectations without a table";
	for (i = 0; i < x->n; i++) {
		const struct expect *r = &x->rec[i];

		if (r->used != (x->wheel.link[i].next != FLOW_NONE))
			return "expectation without a timer, or the other way round";
		if (!r->used)
			continue;
		used++;
		any += r->e.any_src;
		if ((t->conns[r->e.master].status & (CT_S_USED | CT_S_DYING)) != CT_S_USED)
			return "expectation without a master";
	}
	for (b = 0; b <= x->mask; b++) {
		for (i = x->bucket[b]; i != FLOW_NONE; i = x->rec[i].next, chained++)
			if (chained > x->n || !x->rec[i].used)
				return "chain of expectations is broken";
		for (i = x->master_bucket[b]; i != FLOW_NONE;
				i = x->rec[i].master_next, by_master++)
			if (by_master > x->n || (x->rec[i].e.master & x->mask) != b)
				return "chain of a master's expectations is broken";
	}
	for (i = x->free; i != FLOW_NONE && spare <= x->n; i = x->rec[i].next)
		spare++;
	if (used != t->stats.expects || any != x->any_src || chained != used || by_master != used ||
			spare != x->n - used)
		return "wrong number of expectations";
	return NULL;
}
