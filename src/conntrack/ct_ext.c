/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extensions: what only few connections need (label, master, helper, sequence adjustment), in records beside the
 * table. A connection has the index of its record in an array of four bytes each; most have none. Control lcore
 * takes and gives records; workers read the one of a connection whose flow says FLOW_F_ADJUST.
 */
#include "ct_priv.h"

struct ct_ext *
ct_ext(const struct ct_table *t, uint32_t conn)
{
	uint32_t i = t->ext_of[conn];

	return i == FLOW_NONE ? NULL : &t->exts[i];
}

struct ct_ext *
ct_ext_add(struct ct_table *t, uint32_t conn)
{
	struct ct_ext *e = ct_ext(t, conn);
	uint32_t i;

	if (e != NULL)
		return e;
	if (t->ext_free == FLOW_NONE) {
		t->stats.ext_full++;
		return NULL;
	}
	i = t->ext_free;
	e = &t->exts[i];
	t->ext_free = e->next;
	*e = (struct ct_ext){
		.master = FLOW_NONE, .child = FLOW_NONE, .next = FLOW_NONE, .prev = FLOW_NONE
	};
	t->stats.exts++;
	/* A worker that sees the index sees the record: control sets FLOW_F_ADJUST later still. */
	__atomic_store_n(&t->ext_of[conn], i, __ATOMIC_RELEASE);
	return e;
}

struct ct_ext *
ct_ext_add_spare(struct ct_table *t, uint32_t conn)
{
	if (ct_ext(t, conn) == NULL && t->n_exts - t->stats.exts <= t->n_exts / 8) {
		t->stats.ext_full++;
		return NULL;
	}
	return ct_ext_add(t, conn);
}

void
ct_ext_link(struct ct_table *t, uint32_t master, uint32_t child)
{
	struct ct_ext *m = ct_ext(t, master), *c = ct_ext(t, child);

	c->master = master;
	c->prev = FLOW_NONE;
	c->next = m->child;
	if (m->child != FLOW_NONE)
		ct_ext(t, m->child)->prev = child;
	m->child = child;
}

unsigned int
ct_children(const struct ct_table *t, uint32_t master, uint32_t *out, unsigned int limit)
{
	const struct ct_ext *m = ct_ext(t, master);
	unsigned int n = 0;
	uint32_t c;

	if (m == NULL)
		return 0;
	for (c = m->child; c != FLOW_NONE && n < limit; c = ct_ext(t, c)->next)
		out[n++] = c;
	return n;
}

/* Leave the list of the master's children, and let go of one's own. Their copy of the master's tuple stays. */
void
ct_ext_unlink(struct ct_table *t, uint32_t conn)
{
	struct ct_ext *e = ct_ext(t, conn), *c;

	if (e == NULL)
		return;
	if (e->master != FLOW_NONE) {
		if (e->prev != FLOW_NONE)
			ct_ext(t, e->prev)->next = e->next;
		else
			ct_ext(t, e->master)->child = e->next;
		if (e->next != FLOW_NONE)
			ct_ext(t, e->next)->prev = e->prev;
	}
	while (e->child != FLOW_NONE) {
		c = ct_ext(t, e->child);
		e->child = c->next;
		c->master = c->next = c->prev = FLOW_NONE;
	}
	e->master = e->next = e->prev = FLOW_NONE;
}

/* Once no reader is left. */
void
ct_ext_give(struct ct_table *t, uint32_t conn)
{
	uint32_t i = t->ext_of[conn];

	if (i == FLOW_NONE)
		return;
	t->exts[i].next = t->ext_free;
	t->ext_free = i;
	t->ext_of[conn] = FLOW_NONE;
	t->stats.exts--;
}

/* All are free, and chained. */
void
ct_ext_init(struct ct_table *t)
{
	uint32_t i;

	for (i = 0; i < t->n_conns; i++)
		t->ext_of[i] = FLOW_NONE;
	for (i = 0; i < t->n_exts; i++)
		t->exts[i].next = i + 1 < t->n_exts ? i + 1 : FLOW_NONE;
	t->ext_free = t->n_exts > 0 ? 0 : FLOW_NONE;
}
