/* SPDX-License-Identifier: BSD-3-Clause */
/* The rig of test_sim_engines.h. */
#include "test_sim_engines.h"

#include <errno.h>

void
rig_profile(struct sim_profile *p)
{
	memset(p, 0, sizeof(*p));
	p->clock_mhz = 1000;
	p->parser_latency = 7;
	p->parser_interval = 2;
	p->parser_queue = 256;
	p->steering_engines = 8;
	p->steering_group_cycles = 3;
	p->steering_lookup = 5;
	p->steering_tcam = 11;
	p->steering_action = 2;
	p->steering_copy = 13;
	p->steering_order_buckets = 1024;
	p->cache_lines = 64;
	p->cache_ways = 4;
	p->cache_hit = 17;
	p->cache_reads = 4;
	p->cache_memory = 301;
	p->cache_interval = 19;
}

static void
start(void *ctx, struct sim_frame *f, sim_cycle now, struct sim_path *path)
{
	struct rig_frame *x = (struct rig_frame *)f;

	(void)ctx;
	assert_int_equal(path->n, 0);
	x->started = now;
	*path = x->path;
	path->flow = x->flow;
}

static sim_cycle
object(void *ctx, const struct sim_frame *f, const struct sim_step *s, sim_cycle now)
{
	struct rig *r = ctx;

	(void)f;
	assert_int_equal(now, sim_events_now(r->q));
	return r->object != NULL ? r->object(r, s, now) : now;
}

static void
done(void *ctx, struct sim_frame *f, sim_cycle now)
{
	struct rig *r = ctx;
	struct rig_frame *x = (struct rig_frame *)f;

	assert_int_equal(now, sim_events_now(r->q));
	assert_true(r->out == 0 || now > r->last_left); /* one a cycle */
	r->last_left = now;
	r->out++;
	r->hash = (r->hash ^ now) * 0x100000001b3ull;
	r->hash = (r->hash ^ f->seq) * 0x100000001b3ull;
	if (r->left != NULL)
		r->left(r, x, now);
	x->next = r->pool;
	r->pool = x;
	r->last = x;
}

static void
stamp(void *ctx, const struct sim_frame *f, enum sim_stamp_what what, uint32_t unit, uint32_t line,
		sim_cycle now)
{
	struct rig *r = ctx;

	assert_non_null(f);
	r->hash = (r->hash ^ (now << 8 | unit << 4 | what)) * 0x100000001b3ull ^ line;
	r->hits += what == SIM_STAMP_HIT;
	r->misses += what == SIM_STAMP_MISS;
	if (unit != 3)
		return;
	if (what == SIM_STAMP_START) {
		uint32_t n = 0;

		assert_true(r->issued == SIM_NEVER || now >= r->issued + r->profile.cache_interval);
		r->issued = now;
		for (uint32_t i = 0; i < r->n_back; i++) {
			if (r->back[i] > now)
				r->back[n++] = r->back[i];
		}
		r->n_back = n;
	} else {
		assert_int_equal(now, r->issued + r->profile.cache_memory);
		r->back[r->n_back++] = now;
		if (r->n_back > r->flying_max)
			r->flying_max = r->n_back;
	}
}

void
rig_init(struct rig *r, const struct sim_profile *p, uint64_t seed)
{
	struct sim_engines_params params = {
		.start = start, .object = object, .done = done, .stamp = stamp, .ctx = r
	};

	memset(r, 0, sizeof(*r));
	r->profile = *p;
	r->random = seed * 0x9e3779b97f4a7c15ull + 1;
	r->issued = SIM_NEVER;
	r->q = sim_events_create();
	assert_non_null(r->q);
	params.profile = &r->profile;
	params.events = r->q;
	r->e = sim_engines_create(&params);
	assert_non_null(r->e);
	for (uint32_t i = 0; i < RIG_FRAMES; i++) {
		struct rig_frame *f = calloc(1, sizeof(*f));

		assert_non_null(f);
		f->next = r->pool;
		r->pool = f;
	}
}

static void
drop(void *ctx, struct sim_frame *f)
{
	struct rig *r = ctx;

	r->dropped++;
	((struct rig_frame *)f)->next = r->pool;
	r->pool = (struct rig_frame *)f;
}

void
rig_drain(struct rig *r)
{
	sim_events_run(r->q, SIM_NEVER);
	assert_int_equal(sim_engines_held(r->e), 0);
	assert_int_equal(r->in, r->out);
	assert_int_equal(sim_events_pending(r->q), 0);
}

void
rig_fini(struct rig *r)
{
	uint32_t n = 0, held = sim_engines_held(r->e);

	sim_engines_destroy(r->e, drop);
	sim_events_destroy(r->q);
	assert_int_equal(r->dropped, held);
	assert_int_equal(r->in, r->out + r->dropped);
	for (; r->pool != NULL; n++) {
		struct rig_frame *f = r->pool;

		r->pool = f->next;
		free(f);
	}
	assert_int_equal(n, RIG_FRAMES);
}

struct rig_frame *
rig_frame(struct rig *r, uint32_t flow)
{
	struct rig_frame *f = r->pool;

	if (f == NULL)
		return NULL;
	r->pool = f->next;
	f->flow = flow;
	f->path.n = 0;
	return f;
}

bool
rig_put(struct rig *r, struct rig_frame *f, sim_cycle at)
{
	int err;

	sim_events_run(r->q, at);
	f->put = at;
	f->f.seq = r->in;
	err = sim_engines_put(r->e, &f->f, at);
	if (err == 0) {
		r->in++;
		return true;
	}
	assert_int_equal(err, -ENOSPC);
	r->refused++;
	f->next = r->pool;
	r->pool = f;
	return false;
}

void
rig_step(struct rig_frame *f, enum sim_step_kind kind, uint16_t count, uint32_t line)
{
	assert_true(f->path.n < SIM_STEPS_MAX);
	f->path.step[f->path.n++] =
			(struct sim_step){ .kind = (uint8_t)kind, .count = count, .line = line };
}

void
rig_path(struct rig *r, struct rig_frame *f, uint32_t n, uint32_t lines)
{
	rig_step(f, SIM_STEP_PARSE, 1, 0);
	for (n = (uint32_t)(rig_random(r) % (n + 1)); n > 0; n--)
		rig_step(f, (enum sim_step_kind)(SIM_STEP_GROUP + rig_random(r) % 11),
				(uint16_t)(rig_random(r) % 5), (uint32_t)(rig_random(r) % lines));
}
