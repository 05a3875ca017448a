/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timer wheel of connection tracking (Varghese & Lauck, SOSP 1987, scheme 7). Called by ct_conn.c
 * on the control lcore.
 *
 * Lazy: packets do not move a timer; who takes a connection out computes its real deadline and
 * files it again. Empty time costs nothing, however long: a bitmap a level leads to the next slot
 * in use. Knows nothing of connections but their index.
 */
#include <rte_prefetch.h>

#include "ct_priv.h"

static unsigned int
slot_at(uint64_t tick, unsigned int level)
{
	return tick >> level * CT_WHEEL_BITS & (CT_WHEEL_SLOTS - 1);
}

static uint32_t
head_of(const struct ct_wheel *w, unsigned int level, unsigned int slot)
{
	return w->n + level * CT_WHEEL_SLOTS + slot;
}

void
ct_wheel_init(struct ct_wheel *w, struct ct_link *link, uint32_t n)
{
	uint32_t i;

	memset(w, 0, sizeof(*w));
	w->link = link;
	w->n = n;
	for (i = 0; i < n; i++)
		link[i].next = link[i].prev = FLOW_NONE;
	for (; i < n + CT_WHEEL_HEADS; i++)
		link[i].next = link[i].prev = i;
}

void
ct_wheel_start(struct ct_wheel *w, uint64_t now)
{
	if (now > w->tick)
		w->tick = now;
}

void
ct_wheel_add(struct ct_wheel *w, uint32_t conn, uint64_t deadline)
{
	unsigned int level = 0, slot;
	uint32_t head, prev;

	if (deadline <= w->tick) {
		/* However late: it must not look like one of the far future. */
		deadline = w->tick;
		slot = slot_at(w->tick, 0);
	} else {
		if (deadline - w->tick > CT_WHEEL_AHEAD)
			deadline = w->tick + CT_WHEEL_AHEAD;
		level = (63 - __builtin_clzll(deadline ^ w->tick)) / CT_WHEEL_BITS;
		slot = slot_at(deadline, level);
	}
	head = head_of(w, level, slot);
	prev = w->link[head].prev;
	w->link[conn].next = head;
	w->link[conn].prev = prev;
	w->link[conn].deadline = (uint32_t)deadline;
	w->link[prev].next = conn;
	w->link[head].prev = conn;
	w->used[level] |= UINT64_C(1) << slot;
}

void
ct_wheel_del(struct ct_wheel *w, uint32_t conn)
{
	struct ct_link *l = &w->link[conn];

	if (l->next == FLOW_NONE)
		return;
	w->link[l->next].prev = l->prev;
	w->link[l->prev].next = l->next;
	if (l->next == l->prev && l->next >= w->n) {
		unsigned int i = l->next - w->n;

		w->used[i / CT_WHEEL_SLOTS] &= ~(UINT64_C(1) << i % CT_WHEEL_SLOTS);
	}
	l->next = l->prev = FLOW_NONE;
}

/*
 * Level and slot to work on next, with w->tick moved to its beginning; -1 when nothing is due. A
 * slot of a higher level that time has entered comes first: it may hold deadlines of this very
 * tick. All other timers lie behind w->tick on their level, so that the lowest level in use has the
 * next one.
 */
static int
next_slot(struct ct_wheel *w, uint64_t now, unsigned int *slot)
{
	uint64_t start, above;
	int level;

	if (w->tick > now)
		return -1;
	for (level = CT_WHEEL_LEVELS - 1; level >= 0; level--) {
		*slot = slot_at(w->tick, level);
		if (w->used[level] >> *slot & 1)
			return level;
	}
	for (level = 0; level < CT_WHEEL_LEVELS && w->used[level] == 0; level++)
		;
	if (level < CT_WHEEL_LEVELS) {
		*slot = __builtin_ctzll(w->used[level]);
		above = w->tick >> level * CT_WHEEL_BITS >> CT_WHEEL_BITS;
		start = (above << CT_WHEEL_BITS | *slot) << level * CT_WHEEL_BITS;
		if (start <= now) {
			w->tick = start;
			return level;
		}
	}
	w->tick = now;
	return -1;
}

bool
ct_wheel_due(struct ct_wheel *w, uint64_t now)
{
	unsigned int slot;

	return next_slot(w, now, &slot) >= 0;
}

uint32_t
ct_wheel_next(struct ct_wheel *w, uint64_t now, unsigned int *budget)
{
	unsigned int slot;
	uint32_t conn;
	int level;

	while (*budget > 0 && (level = next_slot(w, now, &slot)) >= 0) {
		(*budget)--;
		conn = w->link[head_of(w, level, slot)].next;
		rte_prefetch0(&w->link[w->link[conn].next]);
		ct_wheel_del(w, conn);
		if (level == 0)
			return conn;
		ct_wheel_add(w, conn, ct_wheel_deadline(w, conn));
	}
	return FLOW_NONE;
}
