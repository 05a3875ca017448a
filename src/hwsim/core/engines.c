/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering in time (engines.h): what happens in a cycle, in its order, and in which cycles anything happens. Called by nic.c
 * under the NIC's lock, and by the event queue. It does not know what steering decides; docs/hwsim-pipeline.md defines
 * the times, and src/hwsim/rtl keeps to the same.
 *
 * A cycle in which something happens has one event, whatever happens in it; no cycle without has one. Engines that go on at
 * a cycle are in its slot, by number.
 */
#include "engines_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
cycle(void *owner, const struct sim_event *ev);

/* There is an event at `t`. */
static void
arm(struct sim_engines *e, sim_cycle t)
{
	struct sim_event ev = { .at = t, .prio = SIM_P_ENGINE, .run = cycle, .owner = e };
	uint64_t *word = &e->armed[t % SIM_SLOTS / 64], bit = 1ull << t % 64;

	/* Only the parser's next packet may be further away than the slots. */
	if (t - sim_events_now(e->p.events) >= SIM_SLOTS) {
		if (e->far_armed == t)
			return;
		if (sim_events_add(e->p.events, &ev) == 0)
			e->far_armed = t;
		else
			e->late = true;
		return;
	}
	if ((*word & bit) != 0)
		return;
	if (sim_events_add(e->p.events, &ev) == 0)
		*word |= bit;
	else
		e->late = true;
}

static void
into_slot(struct sim_engines *e, uint16_t i, sim_cycle t)
{
	uint16_t *at = &e->slot[t % SIM_SLOTS];

	while (*at < i)
		at = &e->engine[*at].later;
	e->engine[i].later = *at;
	*at = i;
	arm(e, t);
}

/* What was too far away for a slot no longer is. */
static void
far_engine(void *owner, const struct sim_event *ev)
{
	into_slot(owner, ev->unit, ev->at);
}

void
sim_engine_wake(struct sim_engines *e, uint16_t i, sim_cycle now, sim_cycle t)
{
	struct sim_event ev = { .at = t, .prio = SIM_P_MEMORY, .run = far_engine, .owner = e };

	if (t - now < SIM_SLOTS) {
		into_slot(e, i, t);
		return;
	}
	ev.unit = i;
	/* No memory for an event: the packet goes on early rather than never. */
	if (sim_events_add(e->p.events, &ev) < 0)
		into_slot(e, i, now + SIM_SLOTS - 1);
}

/* Those whose turn it is, by number. */
static void
run_slot(struct sim_engines *e, sim_cycle now)
{
	uint16_t *slot = &e->slot[now % SIM_SLOTS];

	while (*slot != SIM_NOBODY) {
		uint16_t i = *slot;

		*slot = e->engine[i].later;
		sim_engine_walk(e, i, now, now);
	}
}

/* The cache hears one a cycle: the first that asks behind the one it heard last, round and round. */
static void
grant(struct sim_engines *e, sim_cycle now)
{
	uint32_t from = e->turn + 1, w = from / 64 % SIM_MASK_WORDS, i;
	uint64_t b = e->want[w] & UINT64_MAX << from % 64;

	for (uint32_t k = 0; b == 0 && k < SIM_MASK_WORDS; k++) {
		w = (w + 1) % SIM_MASK_WORDS;
		b = e->want[w];
	}
	i = w * 64 + (uint32_t)__builtin_ctzll(b);
	e->want[w] &= ~(1ull << i % 64);
	e->n_want--;
	e->turn = i;
	e->granted = now;
	sim_engine_probe(e, (uint16_t)i, now);
}

static void
leave(struct sim_engines *e, sim_cycle now)
{
	uint16_t i = sim_order_leave(&e->order, now);
	struct sim_engine *x = &e->engine[i];
	struct sim_frame *f = x->f;

	e->left = now;
	sim_engine_stamp(e, i, SIM_STAMP_OUT, SIM_UNIT_ORDER, now);
	sim_wait_change(&e->busy, now, -1);
	e->busy.wait += now - x->taken;
	e->busy.served++;
	x->f = NULL;
	e->free[i / 64] |= 1ull << i % 64;
	e->n_free++;
	e->p.done(e->p.ctx, f, now);
}

static inline bool
may_dispatch(const struct sim_engines *e, sim_cycle now)
{
	return e->n_free > 0 && sim_parser_next(&e->parser) <= now;
}

/* The oldest packet gets the first free engine. */
static void
dispatch(struct sim_engines *e, sim_cycle now)
{
	struct sim_frame *f = sim_parser_take(&e->parser, now);
	struct sim_engine *x;
	uint32_t w = 0, i;

	while (e->free[w] == 0)
		w++;
	i = w * 64 + (uint32_t)__builtin_ctzll(e->free[w]);
	e->free[w] &= e->free[w] - 1;
	e->n_free--;
	e->dispatched = now;
	sim_wait_change(&e->busy, now, 1);
	x = &e->engine[i];
	x->f = f;
	x->step = x->part = x->line = 0;
	x->taken = now;
	x->path.n = 0;
	x->path.flow = 0;
	sim_engine_stamp(e, (uint16_t)i, SIM_STAMP_START, SIM_UNIT_ENGINE, now);
	e->p.start(e->p.ctx, f, now, &x->path);
	if (x->path.n > SIM_STEPS_MAX)
		x->path.n = SIM_STEPS_MAX;
	sim_order_enter(&e->order, (uint16_t)i, x->path.flow);
	sim_engine_walk(e, (uint16_t)i, now, now);
}

/* All that happens in a cycle. Steps that take no cycle may come round again; what happens once a cycle does not. */
static void
cycle(void *owner, const struct sim_event *ev)
{
	struct sim_engines *e = owner;
	sim_cycle now = ev->at;
	bool again = true;

	e->armed[now % SIM_SLOTS / 64] |= 1ull << now % 64;
	while (again) {
		again = e->slot[now % SIM_SLOTS] != SIM_NOBODY;
		run_slot(e, now);
		if (e->n_want > 0 && e->granted != now) {
			grant(e, now);
			again = true;
		}
		if (e->order.n > 0 && e->left != now) {
			leave(e, now);
			again = true;
		}
		if (may_dispatch(e, now) && e->dispatched != now) {
			dispatch(e, now);
			again = true;
		}
	}
	e->armed[now % SIM_SLOTS / 64] &= ~(1ull << now % 64);
	if (e->n_want > 0 || e->order.n > 0 || may_dispatch(e, now))
		arm(e, now + 1);
	else if (e->n_free > 0 && sim_parser_next(&e->parser) != SIM_NEVER)
		arm(e, sim_parser_next(&e->parser));
}

struct sim_engines *
sim_engines_create(const struct sim_engines_params *params)
{
	const struct sim_profile *p = params->profile;
	struct sim_engines *e;
	uint32_t n = p->steering_engines;

	if (n == 0 || n > SIM_ENGINES_MAX || p->steering_order_buckets == 0 ||
			p->cache_ways - 1 > 63 || p->cache_reads == 0 || p->parser_queue == 0)
		return NULL;
	e = calloc(1, sizeof(*e) + n * sizeof(e->engine[0]));
	if (e == NULL)
		return NULL;
	e->p = *params;
	e->profile = *p;
	e->p.profile = &e->profile;
	e->n = e->n_free = n;
	for (uint32_t i = 0; i < n; i++)
		e->free[i / 64] |= 1ull << i % 64;
	e->turn = SIM_ENGINES_MAX - 1;
	e->granted = e->left = e->dispatched = e->far_armed = SIM_NEVER;
	memset(e->slot, 0xff, sizeof(e->slot));
	e->parser.latency = p->parser_latency;
	e->parser.interval = p->parser_interval;
	e->parser.depth = p->parser_queue;
	e->memory.reads = p->cache_reads;
	e->memory.latency = p->cache_memory;
	e->memory.interval = p->cache_interval;
	if (sim_order_init(&e->order, p->steering_order_buckets) < 0 ||
			sim_cache_init(&e->cache, p->cache_lines, p->cache_ways) < 0) {
		sim_engines_destroy(e, NULL);
		return NULL;
	}
	return e;
}

void
sim_engines_destroy(struct sim_engines *e, void (*drop)(void *ctx, struct sim_frame *f))
{
	struct sim_frame *f;

	if (e == NULL)
		return;
	while ((f = sim_parser_drop(&e->parser)) != NULL) {
		if (drop != NULL)
			drop(e->p.ctx, f);
	}
	for (uint32_t i = 0; i < e->n; i++) {
		if (e->engine[i].f != NULL && drop != NULL)
			drop(e->p.ctx, e->engine[i].f);
	}
	sim_cache_fini(&e->cache);
	sim_order_fini(&e->order);
	free(e->parser.ring);
	free(e);
}

/* An event could not be had: every cycle at which somebody waits gets one again. */
static void
catch_up(struct sim_engines *e, sim_cycle now)
{
	e->late = false;
	for (uint32_t s = 0; s < SIM_SLOTS; s++) {
		if (e->slot[(now + s) % SIM_SLOTS] != SIM_NOBODY)
			arm(e, now + s);
	}
	arm(e, now + 1);
}

int
sim_engines_put(struct sim_engines *e, struct sim_frame *f, sim_cycle now)
{
	int err = sim_parser_put(&e->parser, f, now);

	if (err < 0)
		return err;
	if (e->p.stamp != NULL)
		e->p.stamp(e->p.ctx, f, SIM_STAMP_IN, SIM_UNIT_PARSER, 0, now);
	/* Otherwise the packet before it, or the one that gives up its engine, sees to it. */
	if (sim_parser_held(&e->parser) == 1 && e->n_free > 0)
		arm(e, sim_parser_next(&e->parser));
	if (e->late)
		catch_up(e, now);
	return 0;
}

uint32_t
sim_engines_held(const struct sim_engines *e)
{
	return sim_parser_held(&e->parser) + e->n - e->n_free;
}

void
sim_engines_invalidate(struct sim_engines *e, uint32_t line)
{
	sim_cycle now = sim_events_now(e->p.events);

	if (e->cache.sets == 0)
		return;
	/* Commands come before what memory returns in the same cycle. */
	if (now > 0)
		sim_memory_settle(&e->memory, &e->cache, now - 1);
	sim_cache_invalidate(&e->cache, line);
	sim_memory_stale(&e->memory, line);
}
