/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser in time: a queue, a pipeline with a latency and an interval, and the packets behind it that wait for an engine.
 * Called by engines.c. As for reads of memory, all is known when a packet is put in: no events, accounts follow.
 *
 * A packet holds its place in the queue until an engine takes it: so the parser never has to stop.
 */
#include "engines_priv.h"

#include <errno.h>
#include <stdlib.h>

static inline struct sim_parsing *
at(const struct sim_parser *p, uint32_t i)
{
	return &p->ring[i & (p->room - 1)];
}

static int
grow(struct sim_parser *p)
{
	uint32_t room = p->room == 0 ? 64 : p->room * 2;
	struct sim_parsing *ring = malloc(room * sizeof(*ring));

	if (ring == NULL)
		return -ENOMEM;
	for (uint32_t i = p->out; i != p->in; i++)
		ring[i & (room - 1)] = *at(p, i);
	free(p->ring);
	p->ring = ring;
	p->room = room;
	return 0;
}

int
sim_parser_put(struct sim_parser *p, struct sim_frame *f, sim_cycle now)
{
	sim_cycle start = now > p->next ? now : p->next;

	if (sim_parser_held(p) >= p->depth)
		return -ENOSPC;
	if (sim_parser_held(p) == p->room && grow(p) < 0)
		return -ENOMEM;
	sim_parser_settle(p, now);
	*at(p, p->in) = (struct sim_parsing){ .f = f, .put = now, .start = start };
	p->next = start + p->interval;
	sim_wait_change(&p->wait, now, 1);
	p->in++;
	return 0;
}

void
sim_parser_settle(struct sim_parser *p, sim_cycle now)
{
	const struct sim_parsing *x;

	while (p->start != p->in && (x = at(p, p->start))->start <= now) {
		sim_wait_change(&p->wait, x->start, -1);
		p->wait.wait += x->start - x->put;
		p->wait.busy += p->interval;
		p->start++;
	}
	while (p->ready != p->start && (x = at(p, p->ready))->start + p->latency <= now) {
		sim_wait_change(&p->engines, x->start + p->latency, 1);
		p->wait.served++;
		p->ready++;
	}
}

struct sim_frame *
sim_parser_take(struct sim_parser *p, sim_cycle now)
{
	const struct sim_parsing *x;

	sim_parser_settle(p, now);
	if (p->out == p->ready)
		return NULL;
	x = at(p, p->out++);
	sim_wait_change(&p->engines, now, -1);
	p->engines.wait += now - (x->start + p->latency);
	p->engines.served++;
	return x->f;
}

struct sim_frame *
sim_parser_drop(struct sim_parser *p)
{
	return p->out == p->in ? NULL : at(p, p->out++)->f;
}

sim_cycle
sim_parser_next(const struct sim_parser *p)
{
	return p->out == p->in ? SIM_NEVER : at(p, p->out)->start + p->latency;
}
