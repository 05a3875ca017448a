/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an engine does with a packet: it walks the path that steering gave, and gives every step its cycles. Called by
 * engines.c when the engine gets a packet or goes on with it.
 *
 * Steps whose time is known are summed up; an engine has to be woken only where something outside of it has a say: the cache,
 * an object, the order of leaving.
 */
#include "engines_priv.h"

/* Line that the step at hand reads next. */
static inline uint32_t
wanted(const struct sim_engine *x)
{
	const struct sim_step *s = &x->path.step[x->step];

	return s->kind == SIM_STEP_CHAIN ? s->line + x->part : s->line;
}

/* One entry of the step has been read. */
static inline void
behind(struct sim_engine *x)
{
	const struct sim_step *s = &x->path.step[x->step];

	if (s->kind == SIM_STEP_CHAIN && ++x->part < s->count)
		return;
	x->part = 0;
	x->step++;
}

void
sim_engine_probe(struct sim_engines *e, uint16_t i, sim_cycle now)
{
	struct sim_engine *x = &e->engine[i];
	sim_cycle there;

	sim_memory_settle(&e->memory, &e->cache, now);
	sim_wait_change(&e->cache_wait, now, -1);
	e->cache_wait.wait += now - x->asked;
	e->cache_wait.served++;
	e->cache_wait.busy++;
	if (sim_cache_probe(&e->cache, x->line)) {
		e->hits++;
		sim_engine_stamp(e, i, SIM_STAMP_HIT, SIM_UNIT_CACHE, now);
		there = now + e->profile.cache_hit;
	} else {
		const struct sim_read *r = sim_memory_ask(&e->memory, x->line, now);

		e->misses++;
		sim_engine_stamp(e, i, SIM_STAMP_MISS, SIM_UNIT_CACHE, now);
		/* Times to come: but the packet does nothing before. */
		sim_engine_stamp(e, i, SIM_STAMP_START, SIM_UNIT_MEMORY, r->issued);
		sim_engine_stamp(e, i, SIM_STAMP_OUT, SIM_UNIT_MEMORY, r->there);
		there = r->there;
	}
	behind(x);
	sim_engine_walk(e, i, now, there + e->profile.steering_lookup);
}

/* An entry is to be read at `t`. Returns the time at which it has been, SIM_NEVER: the engine waits. */
static sim_cycle
read_entry(struct sim_engines *e, uint16_t i, sim_cycle now, sim_cycle t)
{
	struct sim_engine *x = &e->engine[i];

	x->line = wanted(x);
	if (e->cache.sets == 0) {
		/* All entries are on the NIC, a memory of its own each engine. */
		e->hits++;
		sim_engine_stamp(e, i, SIM_STAMP_HIT, SIM_UNIT_CACHE, t);
		behind(x);
		return t + e->profile.cache_hit + e->profile.steering_lookup;
	}
	if (t > now) {
		sim_cache_ahead(&e->cache, x->line);
		sim_engine_wake(e, i, now, t);
		return SIM_NEVER;
	}
	x->asked = now;
	sim_wait_change(&e->cache_wait, now, 1);
	e->want[i / 64] |= 1ull << i % 64;
	e->n_want++;
	return SIM_NEVER;
}

/* COUNT, METER, AGE, CT, TLS. As above. */
static sim_cycle
ask_object(struct sim_engines *e, uint16_t i, sim_cycle now, sim_cycle t)
{
	struct sim_engine *x = &e->engine[i];
	sim_cycle after;

	if (e->p.object == NULL) {
		x->step++;
		return t;
	}
	if (t > now) {
		sim_engine_wake(e, i, now, t);
		return SIM_NEVER;
	}
	after = e->p.object(e->p.ctx, x->f, &x->path.step[x->step], now);
	x->step++;
	return after > now ? after : now;
}

void
sim_engine_walk(struct sim_engines *e, uint16_t i, sim_cycle now, sim_cycle t)
{
	const struct sim_profile *p = &e->profile;
	struct sim_engine *x = &e->engine[i];

	while (x->step < x->path.n) {
		const struct sim_step *s = &x->path.step[x->step];

		switch (s->kind) {
		case SIM_STEP_CHAIN:
			if (s->count == 0) {
				x->step++;
				continue;
			}
			/* fall through */
		case SIM_STEP_EXACT:
			t = read_entry(e, i, now, t);
			break;
		case SIM_STEP_COUNT:
		case SIM_STEP_METER:
		case SIM_STEP_AGE:
		case SIM_STEP_CT:
		case SIM_STEP_TLS:
			t = ask_object(e, i, now, t);
			break;
		case SIM_STEP_GROUP:
			t += p->steering_group_cycles;
			x->step++;
			break;
		case SIM_STEP_ROOT:
			t += (sim_cycle)s->count * p->tables_root_read;
			x->step++;
			break;
		case SIM_STEP_WALK:
			t += (sim_cycle)s->count * p->tables_root_walk;
			x->step++;
			break;
		case SIM_STEP_TCAM:
			t += p->steering_tcam;
			x->step++;
			break;
		case SIM_STEP_ACTION:
			t += (sim_cycle)s->count * p->steering_action;
			x->step++;
			break;
		case SIM_STEP_COPY:
			t += (s->count + 63u) / 64 * p->steering_copy;
			x->step++;
			break;
		default: /* PARSE: the parser's time has passed */
			x->step++;
		}
		if (t == SIM_NEVER)
			return;
	}
	if (t > now)
		sim_engine_wake(e, i, now, t);
	else
		sim_order_done(&e->order, i, now);
}
