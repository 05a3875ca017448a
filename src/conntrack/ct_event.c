/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events: what happened to connections (opened, changed, ended), as records of fixed size in a bounded ring with a
 * 64-bit sequence number. ct_conn.c writes, readers come from the control lcore between packets, each with a cursor of
 * its own. Who writes never waits: a reader that is slower than the ring is long finds out how many it lost.
 *
 * Control lcore only. While nobody listens nothing is recorded, and each hook is one test of a byte.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "ct_priv.h"

#define RING_MAX (UINT32_C(1) << 24)

/* Not from hugepages: no worker touches it, and memory that is never written costs nothing. */
int
ct_events_init(struct ct_table *t, const struct ct_events_params *p)
{
	struct ct_events *e = &t->events;
	uint32_t n = rte_align32pow2(RTE_MIN(p->ring, RING_MAX));

	e->fresh = FLOW_NONE;
	e->kinds = p->kinds != 0 ? p->kinds & CT_EVENTS_ALL : CT_EVENTS_ALL;
	e->always = p->always;
	if (p->ring == 0)
		return 0;
	e->ring = calloc(n, sizeof(*e->ring));
	if (e->ring == NULL)
		return -ENOMEM;
	e->mask = n - 1;
	e->on = e->always ? e->kinds : 0;
	return 0;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static uint8_t
state_of(const struct ct_conn *c)
{
	switch (c->flow[FLOW_ORIGINAL].key.proto) {
	case IPPROTO_TCP:
		return c->tcp.state;
	case IPPROTO_SCTP:
		return c->sctp.state;
	case IPPROTO_DCCP:
		return c->dccp.state;
	default:
		return 0;
	}
}

struct ct_before
ct_event_before(const struct ct_conn *c)
{
	return (struct ct_before){ c->status, state_of(c) };
}

static void
record(struct ct_table *t, uint32_t conn, enum ct_event_kind kind, uint8_t changed, enum ct_why why)
{
	struct ct_events *e = &t->events;
	struct ct_conn *c = &t->conns[conn];
	struct ct_event *r;
	unsigned int d;

	if (!(e->on & 1u << kind))
		return;
	r = &e->ring[e->next & e->mask];
	r->sequence = e->next++;
	r->time = e->now;
	r->conn = conn;
	r->mark = c->mark;
	r->expires = ct_ops_of(&c->flow[FLOW_ORIGINAL].key)->timeout(t, c);
	r->status = c->status;
	r->class_id = c->flow[FLOW_ORIGINAL].class_id;
	r->kind = kind;
	r->why = why;
	r->changed = changed;
	r->state = state_of(c);
	r->owner = c->owner;
	r->fast = (c->flow[0].flags & c->flow[1].flags & FLOW_F_FAST) != 0;
	for (d = FLOW_ORIGINAL; d <= FLOW_REPLY; d++) {
		r->packets[d] = c->flow[d].packets;
		r->bytes[d] = c->flow[d].bytes;
		ct_tuple(t, ct_flow_id(conn, d), &r->tuple[d]);
	}
	e->written[kind]++;
}

/*
 * A connection is announced when its first packet has been tracked: only then has it a state, a class and a mark. Who
 * never tracks that packet announces it with the next event.
 */
static void
announce(struct ct_table *t)
{
	uint32_t conn = t->events.fresh;

	t->events.fresh = FLOW_NONE;
	if (conn != FLOW_NONE)
		record(t, conn, CT_EVENT_NEW, 0, CT_WHY_NONE);
}

void
ct_event_opened(struct ct_table *t, uint32_t conn, uint64_t now)
{
	announce(t);
	t->events.fresh = conn;
	t->events.now = now;
}

void
ct_event_tracked(struct ct_table *t, uint32_t conn, struct ct_before before, uint64_t now)
{
	const struct ct_conn *c = &t->conns[conn];
	uint16_t new = c->status & ~before.status;
	bool fresh = t->events.fresh == conn;
	uint8_t changed = 0;

	announce(t);
	t->events.now = now;
	if (fresh)
		return;
	if (new &CT_S_SEEN_REPLY)
		changed |= CT_CHANGED_REPLY;
	if (new &CT_S_ASSURED)
		changed |= CT_CHANGED_ASSURED;
	if (state_of(c) != before.state)
		changed |= CT_CHANGED_STATE;
	if (changed != 0)
		record(t, conn, CT_EVENT_UPDATE, changed, CT_WHY_NONE);
}

void
ct_event_closed(struct ct_table *t, uint32_t conn, enum ct_why why)
{
	announce(t);
	record(t, conn, CT_EVENT_DESTROY, 0, why);
}

void
ct_changed(struct ct_table *t, uint32_t conn, uint8_t changed)
{
	if (t->events.on != 0 && t->events.fresh != conn)
		record(t, conn, CT_EVENT_UPDATE, changed, CT_WHY_NONE);
}

/* ---- reading ---------------------------------------------------------------------------------- */

int
ct_events_open(struct ct_table *t, struct ct_reader *r)
{
	struct ct_events *e = &t->events;

	if (e->ring == NULL)
		return -ENOTSUP;
	announce(t);
	e->readers++;
	e->on = e->kinds;
	r->next = e->next;
	return 0;
}

void
ct_events_close(struct ct_table *t, struct ct_reader *r)
{
	struct ct_events *e = &t->events;

	(void)r;
	if (--e->readers > 0 || e->always)
		return;
	e->on = 0;
	e->fresh = FLOW_NONE;
}

/* Sequence number of the oldest event that is still there. */
static uint64_t
oldest(const struct ct_events *e)
{
	return e->ring != NULL && e->next > e->mask ? e->next - e->mask - 1 : 0;
}

const struct ct_event *
ct_events_next(struct ct_table *t, struct ct_reader *r, uint64_t *lost)
{
	struct ct_events *e = &t->events;

	announce(t);
	*lost = 0;
	if (r->next < oldest(e)) {
		*lost = oldest(e) - r->next;
		e->lost += *lost;
		r->next = oldest(e);
	}
	return r->next < e->next ? &e->ring[r->next++ & e->mask] : NULL;
}

void
ct_events_recent(struct ct_table *t, struct ct_reader *r, uint64_t back)
{
	struct ct_events *e = &t->events;

	announce(t);
	r->next = RTE_MAX(oldest(e), e->next - RTE_MIN(back, e->next));
}

void
ct_event_stats(const struct ct_table *t, struct ct_event_stats *out)
{
	const struct ct_events *e = &t->events;

	*out = (struct ct_event_stats){
		.next = e->next,
		.lost = e->lost,
		.ring = e->ring != NULL ? e->mask + 1 : 0,
		.readers = e->readers,
		.on = e->on != 0,
	};
	memcpy(out->written, e->written, sizeof(out->written));
}

const char *
ct_event_name(enum ct_event_kind k)
{
	static const char *const names[CT_EVENT_KINDS] = { "new", "update", "destroy" };

	return (unsigned int)k < CT_EVENT_KINDS ? names[k] : "?";
}

const char *
ct_why_name(enum ct_why w)
{
	static const char *const names[CT_WHYS] = { "none", "closed", "expired", "flushed",
		"early_drop" };

	return (unsigned int)w < CT_WHYS ? names[w] : "?";
}
