/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Order: packets of a flow leave as they came. A packet that has done its path keeps its engine until no older packet of
 * its bucket is inside; of those that may leave, the oldest does, one a cycle. Called by engines.c.
 *
 * Engines are FIFO by bucket here, where RTL compares all of them: only the first of a bucket may leave, and it is the
 * same one.
 */
#include "engines_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
sim_order_init(struct sim_order *o, uint32_t buckets)
{
	size_t bytes = buckets * sizeof(*o->first);

	*o = (struct sim_order){ .buckets = buckets };
	o->first = malloc(bytes);
	o->last = malloc(bytes);
	if (o->first == NULL || o->last == NULL) {
		sim_order_fini(o);
		return -ENOMEM;
	}
	memset(o->first, 0xff, bytes);
	memset(o->last, 0xff, bytes);
	return 0;
}

void
sim_order_fini(struct sim_order *o)
{
	free(o->first);
	free(o->last);
	o->first = o->last = NULL;
}

static inline bool
older(const struct sim_order *o, uint16_t a, uint16_t b)
{
	return o->packet[a].age < o->packet[b].age;
}

static void
push(struct sim_order *o, uint16_t e)
{
	uint32_t i;

	for (i = o->n++; i > 0 && older(o, e, o->heap[(i - 1) / 2]); i = (i - 1) / 2)
		o->heap[i] = o->heap[(i - 1) / 2];
	o->heap[i] = e;
}

static uint16_t
pop(struct sim_order *o)
{
	uint16_t top = o->heap[0], e = o->heap[--o->n];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < o->n) {
		if (child + 1 < o->n && older(o, o->heap[child + 1], o->heap[child]))
			child++;
		if (!older(o, o->heap[child], e))
			break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	o->heap[i] = e;
	return top;
}

void
sim_order_enter(struct sim_order *o, uint16_t i, uint32_t flow)
{
	struct sim_order_packet *p = &o->packet[i];
	uint16_t *last;

	p->age = o->age++;
	p->bucket = sim_spread(flow, o->buckets);
	p->behind = SIM_NOBODY;
	p->finished = false;
	last = &o->last[p->bucket];
	if (*last == SIM_NOBODY)
		o->first[p->bucket] = i;
	else
		o->packet[*last].behind = i;
	*last = i;
}

void
sim_order_done(struct sim_order *o, uint16_t i, sim_cycle now)
{
	struct sim_order_packet *p = &o->packet[i];

	p->finished = true;
	p->done = now;
	sim_wait_change(&o->wait, now, 1);
	if (o->first[p->bucket] == i)
		push(o, i);
}

uint16_t
sim_order_leave(struct sim_order *o, sim_cycle now)
{
	uint16_t i = pop(o);
	struct sim_order_packet *p = &o->packet[i];

	sim_wait_change(&o->wait, now, -1);
	o->wait.wait += now - p->done;
	o->wait.served++;
	o->wait.busy++;
	o->first[p->bucket] = p->behind;
	if (p->behind == SIM_NOBODY)
		o->last[p->bucket] = SIM_NOBODY;
	else if (o->packet[p->behind].finished)
		push(o, p->behind);
	return i;
}
