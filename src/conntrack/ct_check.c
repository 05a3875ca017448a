/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invariants of the connection table, checked by walking all of it: for tests and fuzzing only,
 * never at run time.
 */
#include <stdlib.h>

#include "ct_priv.h"

static bool
lives(const struct ct_table *t, uint32_t conn)
{
	return (t->conns[conn].status & (CT_S_USED | CT_S_DYING)) == CT_S_USED;
}

/* Every live connection: both flows found, in the wheel, in the right part of the table. */
static const char *
check_conns(const struct ct_table *t)
{
	uint32_t i, n = 0, n6 = 0, half_open = 0;
	unsigned int dir;

	for (i = 0; i < t->n_conns; i++) {
		if (!lives(t, i))
			continue;
		n++;
		n6 += t->conns[i].flow[0].key.family == 6;
		half_open += ct_half_open(&t->conns[i]);
		if (t->conns[i].flow[0].key.family == 6 && i >= t->n_conns6)
			return "IPv6 connection without addresses";
		if (t->wheel.link[i].next == FLOW_NONE || t->wheel.link[i].prev == FLOW_NONE)
			return "connection without timer";
		for (dir = 0; dir < 2; dir++) {
			struct flow_tuple tuple;

			ct_tuple(t, ct_flow_id(i, dir), &tuple);
			if (ct_find(t, &tuple) != ct_flow_id(i, dir))
				return "flow is not found";
		}
	}
	if (n != t->stats.connections || n6 != t->stats.connections6)
		return "wrong number of connections";
	if (half_open != t->stats.half_open)
		return "wrong number of half-open connections";
	return NULL;
}

/* Every entry: of a live connection, in one of its two buckets, with its tag. */
static const char *
check_buckets(const struct ct_table *t)
{
	uint64_t n = 0;
	uint32_t b;
	unsigned int s;

	for (b = 0; b < t->n_buckets; b++) {
		for (s = 0; s < CT_SLOTS; s++) {
			uint32_t id = t->buckets[b].flow[s], hash;

			if (t->buckets[b].tag[s] == 0)
				continue;
			n++;
			if (id >> 1 >= t->n_conns || !lives(t, id >> 1))
				return "entry of a connection that is not there";
			hash = flow_hasher_hash(&t->hasher, &ct_flow(t, id)->key);
			if (t->buckets[b].tag[s] != ct_tag(hash))
				return "entry with a wrong tag";
			if (b != ct_bucket1(t->n_buckets, hash) &&
					b != ct_bucket2(t->n_buckets, hash))
				return "entry in a wrong bucket";
		}
	}
	return n == 2 * (uint64_t)t->stats.connections ? NULL : "wrong number of entries";
}

/* One list of the wheel. Returns its length, or -1. */
static int64_t
check_list(const struct ct_wheel *w, unsigned int level, unsigned int slot)
{
	uint32_t head = w->n + level * CT_WHEEL_SLOTS + slot, i;
	uint64_t now = w->tick >> level * CT_WHEEL_BITS;
	int64_t n = 0;

	for (i = w->link[head].next; i != head; i = w->link[i].next) {
		uint64_t deadline = ct_wheel_deadline(w, i);
		uint64_t at = deadline >> level * CT_WHEEL_BITS;
		bool late = deadline <= w->tick && level == 0;

		if (i >= w->n || w->link[w->link[i].next].prev != i || n++ > w->n)
			return -1;
		if (late ? slot != now % CT_WHEEL_SLOTS : slot != at % CT_WHEEL_SLOTS)
			return -1;
		/* In the future, as this level sees it, and within its reach. */
		if (!late && (at < now || at >> CT_WHEEL_BITS != now >> CT_WHEEL_BITS))
			return -1;
	}
	return n;
}

static const char *
check_wheel(const struct ct_table *t)
{
	unsigned int level, slot;
	uint64_t total = 0;

	for (level = 0; level < CT_WHEEL_LEVELS; level++) {
		for (slot = 0; slot < CT_WHEEL_SLOTS; slot++) {
			int64_t n = check_list(&t->wheel, level, slot);

			if (n < 0)
				return "timer in a wrong place";
			if ((t->wheel.used[level] >> slot & 1) != (n > 0))
				return "bitmap of the wheel is wrong";
			total += n;
		}
	}
	return total == t->stats.connections ? NULL : "wrong number of timers";
}

/* A list of slots: each in its part, as many as it says, none twice. */
static bool
check_free(const struct ct_table *t, const struct ct_free *f, bool low, uint8_t *seen)
{
	uint32_t i, n = 0;

	for (i = f->head; i != FLOW_NONE && n <= f->n; i = t->wheel.link[i].next, n++) {
		if (i >= t->n_conns || low != (i < t->n_conns6) || seen[i]++ != 0)
			return false;
	}
	return n == f->n && i == FLOW_NONE;
}

static bool
check_dying(const struct ct_table *t, uint8_t *seen)
{
	const struct ct_dying *d = &t->dying;
	uint32_t i = d->head;
	uint64_t pos;

	for (pos = d->out; pos < d->in; pos++, i = t->wheel.link[i].next) {
		if (i >= t->n_conns || !(t->conns[i].status & CT_S_DYING) || seen[i]++ != 0)
			return false;
		if (pos + 1 == d->in && (i != d->tail || t->wheel.link[i].next != FLOW_NONE))
			return false;
	}
	return d->out <= d->safe && d->safe <= d->marked && d->marked <= d->in;
}

/* Every slot is exactly one of: live, waiting for readers, free. */
static const char *
check_slots(const struct ct_table *t)
{
	uint8_t *seen = calloc(t->n_conns, 1);
	const char *wrong = NULL;
	uint32_t i;

	if (seen == NULL)
		return "out of memory";
	if (!check_free(t, &t->free_low, true, seen) || !check_free(t, &t->free_high, false, seen))
		wrong = "list of the free is wrong";
	else if (!check_dying(t, seen))
		wrong = "list of the dying is wrong";
	for (i = 0; wrong == NULL && i < t->n_conns; i++) {
		if (seen[i] + lives(t, i) != 1)
			wrong = "slot lost, or had twice";
	}
	free(seen);
	return wrong;
}

static const char *
check_zones(const struct ct_table *t)
{
	uint32_t zone, i, n;

	for (zone = 0; t->zone_of != NULL && zone <= UINT16_MAX; zone++) {
		if (t->zone_of[zone] == 0)
			continue;
		for (i = n = 0; i < t->n_conns; i++)
			n += lives(t, i) && t->conns[i].flow[0].key.zone == zone;
		if (n != ct_zone_connections(t, (uint16_t)zone))
			return "wrong number of connections of a zone";
	}
	return NULL;
}

const char *
ct_check(const struct ct_table *t)
{
	const char *wrong = check_conns(t);

	if (wrong == NULL)
		wrong = check_buckets(t);
	if (wrong == NULL)
		wrong = check_wheel(t);
	if (wrong == NULL)
		wrong = check_slots(t);
	if (wrong == NULL)
		wrong = check_zones(t);
	if (wrong == NULL)
		wrong = ct_expects_check(t);
	return wrong;
}
