/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects that rules use: counters, meters, connections, RSS, samples. Called by the translation of rte_flow and rte_mtr.
 * Handles are indices; one that is not there is ignored, or -ENOENT where there is something to return.
 */
#include <errno.h>

#include "steer_priv.h"

/* Objects of a chunk, as a power of two: small ones by thousands, RSS tables (1 KB) by tens. */
#define SHIFT_SMALL 12
#define SHIFT_LARGE 4
/* No profile limits these: they are tables of the driver. */
#define RSS_MAX (1u << 20)
#define SAMPLES_MAX (1u << 20)

void
sim_objects_init(struct sim_objects *o, const struct sim_profile *p)
{
	sim_pool_init(&o->counters, "counter", sizeof(struct sim_counter), SHIFT_SMALL,
			p->objects_counters);
	sim_pool_init(&o->ages, "age context", sizeof(struct sim_age), SHIFT_SMALL,
			p->objects_ages);
	sim_pool_init(&o->meters, "meter", sizeof(struct sim_meter_object), SHIFT_SMALL,
			p->objects_meters);
	sim_pool_init(&o->cts, "connection", sizeof(struct sim_ct), SHIFT_SMALL, p->objects_cts);
	sim_pool_init(&o->rss, "RSS", sizeof(struct sim_rss), SHIFT_LARGE, RSS_MAX);
	sim_pool_init(&o->samples, "sample", sizeof(struct sim_sample_object), SHIFT_LARGE,
			SAMPLES_MAX);
	o->counter_rest = (sim_cycle)p->objects_counter_refresh_us * p->clock_mhz;
	o->aged_first = SIM_POOL_END;
	o->aged_last = SIM_POOL_END;
}

uint64_t
sim_objects_bytes(const struct sim_objects *o)
{
	return sim_pool_bytes(&o->counters) + sim_pool_bytes(&o->ages) +
			sim_pool_bytes(&o->meters) + sim_pool_bytes(&o->cts) +
			sim_pool_bytes(&o->rss) + sim_pool_bytes(&o->samples);
}

void
sim_objects_end(struct sim_objects *o)
{
	sim_pool_end(&o->counters);
	sim_pool_end(&o->ages);
	sim_pool_end(&o->meters);
	sim_pool_end(&o->cts);
	sim_pool_end(&o->rss);
	sim_pool_end(&o->samples);
}

/*
 * A counter that was given back rests until the hardware's next refresh (mlx5: 500 ms) before another rule gets it, so that
 * late packets of the old rule are not counted for the new one. Where no time passes (`off`) there is nothing to wait for.
 */
int64_t
sim_counter_add(struct sim_steer *s)
{
	const struct sim_counter *old = sim_pool_oldest(&s->objects.counters);
	const bool rested = old == NULL || s->now == 0 ||
			s->now - old->freed >= s->objects.counter_rest;

	return sim_pool_take(&s->objects.counters, rested);
}

void
sim_counter_del(struct sim_steer *s, uint32_t counter)
{
	struct sim_counter *c = SIM_POOL_GET(&s->objects.counters, counter, struct sim_counter);

	if (c == NULL)
		return;
	c->freed = s->now;
	sim_pool_give(&s->objects.counters, counter);
}

void
sim_counter_read(struct sim_steer *s, uint32_t counter, uint64_t *packets, uint64_t *bytes,
		bool reset)
{
	struct sim_counter *c = SIM_POOL_GET(&s->objects.counters, counter, struct sim_counter);

	*packets = c == NULL ? 0 : c->packets;
	*bytes = c == NULL ? 0 : c->bytes;
	if (c != NULL && reset)
		c->packets = c->bytes = 0;
}

int64_t
sim_meter_add(struct sim_steer *s, const struct sim_meter_params *p, sim_cycle now)
{
	const int64_t i = sim_pool_take(&s->objects.meters, true);
	struct sim_meter_object *m;

	if (i < 0)
		return i;
	m = SIM_POOL_GET(&s->objects.meters, (uint32_t)i, struct sim_meter_object);
	sim_meter_init(&m->meter, p, s->profile->clock_mhz, now);
	m->on = true;
	return i;
}

void
sim_meter_del(struct sim_steer *s, uint32_t meter)
{
	sim_pool_give(&s->objects.meters, meter);
}

int
sim_meter_update(struct sim_steer *s, uint32_t meter, const struct sim_meter_params *p,
		sim_cycle now)
{
	struct sim_meter_object *m =
			SIM_POOL_GET(&s->objects.meters, meter, struct sim_meter_object);

	if (m == NULL)
		return -ENOENT;
	sim_meter_init(&m->meter, p, s->profile->clock_mhz, now);
	return 0;
}

int
sim_meter_enable(struct sim_steer *s, uint32_t meter, bool on)
{
	struct sim_meter_object *m =
			SIM_POOL_GET(&s->objects.meters, meter, struct sim_meter_object);

	if (m == NULL)
		return -ENOENT;
	m->on = on;
	return 0;
}

void
sim_meter_read(struct sim_steer *s, uint32_t meter, struct sim_meter_stats *stats, bool reset)
{
	struct sim_meter_object *m =
			SIM_POOL_GET(&s->objects.meters, meter, struct sim_meter_object);

	memset(stats, 0, sizeof(*stats));
	if (m == NULL)
		return;
	*stats = m->stats;
	if (reset)
		memset(&m->stats, 0, sizeof(m->stats));
}

int64_t
sim_ct_add(struct sim_steer *s, const struct sim_ct *ct)
{
	const int64_t i = sim_pool_take(&s->objects.cts, true);

	if (i >= 0)
		*SIM_POOL_GET(&s->objects.cts, (uint32_t)i, struct sim_ct) = *ct;
	return i;
}

void
sim_ct_del(struct sim_steer *s, uint32_t ct)
{
	sim_pool_give(&s->objects.cts, ct);
}

int
sim_ct_update(struct sim_steer *s, uint32_t ct, const struct sim_ct *state, bool state_too,
		bool direction_too)
{
	struct sim_ct *x = SIM_POOL_GET(&s->objects.cts, ct, struct sim_ct);
	bool reply;

	if (x == NULL)
		return -ENOENT;
	reply = direction_too ? state->reply : x->reply;
	if (state_too)
		*x = *state;
	x->reply = reply;
	return 0;
}

void
sim_ct_read(const struct sim_steer *s, uint32_t ct, struct sim_ct *state)
{
	const struct sim_ct *x = SIM_POOL_GET(&s->objects.cts, ct, struct sim_ct);

	if (x != NULL)
		*state = *x;
	else
		memset(state, 0, sizeof(*state));
}

static bool
rss_valid(const struct sim_rss *rss)
{
	return rss->n > 0 && rss->n <= SIM_RSS_QUEUES_MAX && rss->level <= 1;
}

int64_t
sim_steer_rss_add(struct sim_steer *s, const struct sim_rss *rss)
{
	const int64_t i = rss_valid(rss) ? sim_pool_take(&s->objects.rss, true) : -EINVAL;

	if (i >= 0)
		*SIM_POOL_GET(&s->objects.rss, (uint32_t)i, struct sim_rss) = *rss;
	return i;
}

void
sim_steer_rss_del(struct sim_steer *s, uint32_t index)
{
	sim_pool_give(&s->objects.rss, index);
}

int
sim_steer_rss_update(struct sim_steer *s, uint32_t index, const struct sim_rss *rss)
{
	struct sim_rss *x = SIM_POOL_GET(&s->objects.rss, index, struct sim_rss);

	if (!rss_valid(rss))
		return -EINVAL;
	if (x == NULL)
		return -ENOENT;
	*x = *rss;
	return 0;
}

int64_t
sim_steer_sample_add(struct sim_steer *s, const struct sim_sample *sample)
{
	int64_t i;

	if (sample->ratio == 0 || sample->dest.kind > SIM_TO_DROP ||
			sample->dest.port >= s->n_ports)
		return -EINVAL;
	i = sim_pool_take(&s->objects.samples, true);
	if (i >= 0)
		SIM_POOL_GET(&s->objects.samples, (uint32_t)i, struct sim_sample_object)->sample =
				*sample;
	return i;
}

void
sim_steer_sample_del(struct sim_steer *s, uint32_t index)
{
	sim_pool_give(&s->objects.samples, index);
}
