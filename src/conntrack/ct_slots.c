/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places in the connection table: free ones, those that wait until no reader holds them any more,
 * and who gives way when the table is nearly full. Control lcore only; called by ct_conn.c, and by
 * the control loop to reclaim. Knows no protocol.
 *
 * Neither kind is in the timer wheel, so its links chain them: no memory of their own.
 */
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>

#include "ct_priv.h"

/* Slots that are looked at for somebody who may be evicted. */
#define EVICT_SEARCH 16

/* ---- free ----------------------------------------------------------------------------------- */

static void
push(struct ct_table *t, struct ct_free *f, uint32_t conn)
{
	t->wheel.link[conn].next = f->head;
	t->wheel.link[conn].prev = FLOW_NONE;
	f->head = conn;
	f->n++;
}

/* Fewer free slots than this, of n, and openings evict. There is always one to be the reserve. */
static uint32_t
reserve(uint32_t n, uint32_t early_drop)
{
	if (early_drop == 0 || n == 0)
		return 0;
	return (uint32_t)((uint64_t)n * (100 - early_drop) / 100) + 1;
}

void
ct_slots_init(struct ct_table *t, uint32_t early_drop)
{
	uint32_t i;

	t->free_low = t->free_high = (struct ct_free){ .head = FLOW_NONE };
	t->dying.head = t->dying.tail = FLOW_NONE;
	/* The lowest index on top: young tables stay dense. */
	for (i = t->n_conns; i-- > t->n_conns6;)
		push(t, &t->free_high, i);
	for (i = t->n_conns6; i-- > 0;)
		push(t, &t->free_low, i);
	t->early_low = reserve(t->n_conns6, early_drop);
	t->early_all = reserve(t->n_conns, early_drop);
}

uint32_t
ct_slot_take(struct ct_table *t, uint8_t family)
{
	struct ct_free *f = family != 6 && t->free_high.n > 0 ? &t->free_high : &t->free_low;
	uint32_t conn = f->head;

	if (conn == FLOW_NONE)
		return FLOW_NONE;
	f->head = t->wheel.link[conn].next;
	f->n--;
	t->wheel.link[conn].next = FLOW_NONE;
	/* The next opening will write to the next one. */
	if (f->head != FLOW_NONE)
		ct_prefetch_close(t, f->head);
	return conn;
}

void
ct_slot_give(struct ct_table *t, uint32_t conn)
{
	ct_ext_give(t, conn);
	/* Limits may hear of its end only now, if it had to give way. */
	t->conns[conn].status &= CT_S_COUNTED;
	push(t, conn < t->n_conns6 ? &t->free_low : &t->free_high, conn);
}

/* ---- waiting for readers -------------------------------------------------------------------- */

void
ct_slot_retire(struct ct_table *t, uint32_t conn)
{
	struct ct_dying *d = &t->dying;

	t->conns[conn].status |= CT_S_DYING;
	t->wheel.link[conn].next = t->wheel.link[conn].prev = FLOW_NONE;
	if (d->in == d->out)
		d->head = conn;
	else
		t->wheel.link[d->tail].next = conn;
	d->tail = conn;
	d->in++;
}

unsigned int
ct_reclaim(struct ct_table *t, uint32_t *gone, unsigned int limit)
{
	struct ct_dying *d = &t->dying;
	unsigned int n;

	if (d->safe == d->marked && d->marked < d->in) {
		d->token = rte_rcu_qsbr_start(t->qsbr);
		d->marked = d->in;
	}
	if (d->safe < d->marked && rte_rcu_qsbr_check(t->qsbr, d->token, false) == 1)
		d->safe = d->marked;
	for (n = 0; n < limit && d->out < d->safe; n++, d->out++) {
		uint32_t conn = d->head;

		d->head = t->wheel.link[conn].next;
		if (d->head != FLOW_NONE) {
			__builtin_prefetch(&t->wheel.link[d->head], 1);
			__builtin_prefetch(t->conns[d->head].tracker, 1);
		}
		if (gone != NULL)
			gone[n] = conn;
		ct_slot_give(t, conn);
	}
	return n;
}

/* ---- who gives way -------------------------------------------------------------------------- */

/* xorshift64*; its state is never 0. */
static uint32_t
random_below(struct ct_table *t, uint32_t n)
{
	uint64_t x = t->random == 0 ? 1 : t->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	t->random = x;
	return (uint32_t)((x * UINT64_C(0x2545f4914f6cdd1d) >> 32) * n >> 32);
}

/*
 * As nf_conntrack does it: not one that both sides were seen to keep up (assured). One with an
 * extension may be in its caller's hands, as the master of what is being opened, and there are few
 * of them.
 */
static bool
may_go(const struct ct_table *t, uint32_t conn)
{
	return (t->conns[conn].status & (CT_S_USED | CT_S_DYING | CT_S_ASSURED)) == CT_S_USED &&
			t->ext_of[conn] == FLOW_NONE;
}

unsigned int
ct_slot_wanted(const struct ct_table *t, uint8_t family)
{
	const bool six = family == 6;
	const uint32_t n_free = t->free_low.n + (six ? 0 : t->free_high.n);
	const uint32_t reserve = six ? t->early_low : t->early_all;

	if (likely(n_free >= reserve))
		return 0;
	return n_free >= reserve - reserve / 4 ? 1 : 2;
}

uint32_t
ct_slot_victim(struct ct_table *t, uint8_t family)
{
	const uint32_t n = family == 6 ? t->n_conns6 : t->n_conns;
	uint32_t conn[EVICT_SEARCH];
	unsigned int i;

	/* Each from another place: neighbours were opened together, and are of one kind. */
	for (i = 0; i < EVICT_SEARCH; i++) {
		conn[i] = random_below(t, n);
		rte_prefetch0(&t->conns[conn[i]].status);
	}
	for (i = 0; i < EVICT_SEARCH; i++) {
		if (may_go(t, conn[i]))
			return conn[i];
	}
	return FLOW_NONE;
}
