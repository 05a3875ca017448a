/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Age contexts: the time of the last packet, and a list of those that had none for too long. Called by the translation of
 * rte_flow; the scanner by who keeps time. A scan looks at every context that was ever in use at a time, once, a slice after
 * the other.
 *
 *   FRESH  --scan: too long ago-->  LISTED  --taken off the list-->  TAKEN
 *   LISTED and TAKEN --a packet, an update--> FRESH
 */
#include <errno.h>

#include "steer_priv.h"

static struct sim_age *
age_at(const struct sim_objects *o, uint32_t i)
{
	return SIM_POOL_GET(&o->ages, i, struct sim_age);
}

static void
list_add(struct sim_objects *o, struct sim_age *age, uint32_t i)
{
	age->state = SIM_AGE_LISTED;
	age->next = SIM_POOL_END;
	age->prev = o->aged_last;
	if (o->aged_last != SIM_POOL_END)
		age_at(o, o->aged_last)->next = i;
	else
		o->aged_first = i;
	o->aged_last = i;
	o->aged++;
}

static void
list_del(struct sim_objects *o, struct sim_age *age)
{
	if (age->prev != SIM_POOL_END)
		age_at(o, age->prev)->next = age->next;
	else
		o->aged_first = age->next;
	if (age->next != SIM_POOL_END)
		age_at(o, age->next)->prev = age->prev;
	else
		o->aged_last = age->prev;
	o->aged--;
}

void
sim_age_touch(struct sim_objects *o, struct sim_age *age, sim_cycle now)
{
	age->last = now;
	if (age->state == SIM_AGE_FRESH)
		return;
	if (age->state == SIM_AGE_LISTED)
		list_del(o, age);
	age->state = SIM_AGE_FRESH;
}

int64_t
sim_age_add(struct sim_steer *s, sim_cycle timeout, sim_cycle now)
{
	const int64_t i = sim_pool_take(&s->objects.ages, true);
	struct sim_age *age;

	if (i < 0)
		return i;
	age = age_at(&s->objects, (uint32_t)i);
	age->timeout = timeout;
	age->last = now;
	return i;
}

void
sim_age_del(struct sim_steer *s, uint32_t i)
{
	struct sim_age *age = age_at(&s->objects, i);

	if (age == NULL)
		return;
	sim_age_touch(&s->objects, age, 0);
	sim_pool_give(&s->objects.ages, i);
}

int
sim_age_update(struct sim_steer *s, uint32_t i, const sim_cycle *timeout, bool touch, sim_cycle now)
{
	struct sim_age *age = age_at(&s->objects, i);

	if (age == NULL)
		return -ENOENT;
	if (timeout != NULL)
		age->timeout = *timeout;
	if (touch)
		sim_age_touch(&s->objects, age, now);
	return 0;
}

static bool
too_long(const struct sim_age *age, sim_cycle now)
{
	return now > age->last && now - age->last >= age->timeout;
}

void
sim_age_read(struct sim_steer *s, uint32_t i, sim_cycle now, bool *aged, sim_cycle *since_hit)
{
	const struct sim_age *age = age_at(&s->objects, i);

	*since_hit = age != NULL && now > age->last ? now - age->last : 0;
	*aged = age != NULL && (age->state != SIM_AGE_FRESH || too_long(age, now));
}

static void
scan(struct sim_steer *s, uint32_t from, uint32_t to, sim_cycle now)
{
	struct sim_objects *o = &s->objects;
	struct sim_age *age;

	s->now = now > s->now ? now : s->now;
	for (uint32_t i = from; o->ages.used > 0 && i < to; i++) {
		age = age_at(o, i);
		if (age != NULL && age->state == SIM_AGE_FRESH && too_long(age, now))
			list_add(o, age, i);
	}
}

uint32_t
sim_age_scan(struct sim_steer *s, sim_cycle now)
{
	const uint32_t was = s->objects.aged;

	scan(s, 0, s->objects.ages.fresh, now);
	return s->objects.aged - was;
}

sim_cycle
sim_age_tick(struct sim_steer *s, sim_cycle now)
{
	struct sim_objects *o = &s->objects;
	const uint32_t all = o->ages.fresh;
	const uint32_t slices =
			all <= SIM_AGE_SLICE ? 1 : (all + SIM_AGE_SLICE - 1) / SIM_AGE_SLICE;
	uint64_t us = s->profile->objects_age_scan_us;
	sim_cycle round, step;

	if (now < o->age_due)
		return o->age_due;
	if (slices > 1 && us < all)
		us = all;
	round = sim_profile_cycles(s->profile, us * 1000);
	step = round / slices > 0 ? round / slices : 1;
	/* Who was not called for long looks at all of them once, not once for each round that was left out. */
	if (now - o->age_due >= round)
		o->age_due = now - (round - step);
	scan(s, o->age_at, o->age_at + SIM_AGE_SLICE < all ? o->age_at + SIM_AGE_SLICE : all, now);
	o->age_at = o->age_at + SIM_AGE_SLICE < all ? o->age_at + SIM_AGE_SLICE : 0;
	o->age_due += step;
	return o->age_due;
}

uint32_t
sim_age_take(struct sim_steer *s, uint32_t *ages, uint32_t n)
{
	struct sim_objects *o = &s->objects;
	struct sim_age *age;
	uint32_t k;

	if (ages == NULL)
		return o->aged;
	for (k = 0; k < n && o->aged > 0; k++) {
		ages[k] = o->aged_first;
		age = age_at(o, ages[k]);
		list_del(o, age);
		age->state = SIM_AGE_TAKEN;
	}
	return k;
}
