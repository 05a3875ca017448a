/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters in time. What they count lives in steering; this is where it is seen from. A card holds some counters, fetches a
 * missing one over PCIe, and writes what has changed back when it evicts and once a refresh: a reader sees what was written
 * back. So for each counter that packets touch this keeps its value of the last refresh. Under the NIC's lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

#define PAGE 4096u
#define WAYS 8u
/* Bytes of a counter in host memory: packets and bytes. */
#define COUNTER_BYTES 16u
/* Counters written back at a time, so that packets get the link in between. */
#define SWEEP 16u
/* Never a refresh: 0 is "not touched since the last one". */
#define FIRST_EPOCH 1u

struct sim_counter_view {
	uint32_t epoch;			   /* of the last touch */
	uint64_t packets, bytes;	   /* after the last touch */
	uint64_t seen_packets, seen_bytes; /* at the last refresh, when it was touched since */
	uint64_t base_packets, base_bytes; /* at the last reset */
};

/* NULL: no refresh in this profile, no such counter, or no memory: then a reader sees what is. */
static struct sim_counter_view *
view_of(struct sim_counters *c, uint32_t counter, bool make)
{
	struct sim_counter_view **page;

	if (c->pages == NULL || counter / PAGE >= SIM_COUNTER_PAGES)
		return NULL;
	page = &c->pages[counter / PAGE];
	if (*page == NULL && make)
		*page = calloc(PAGE, sizeof(**page));
	return *page != NULL ? &(*page)[counter % PAGE] : NULL;
}

void
sim_counters_touch(struct sim_nic *nic, uint32_t counter)
{
	struct sim_counters *c = &nic->counters;
	struct sim_counter_view *v;

	if (c->refresh == 0)
		return;
	v = view_of(c, counter, true);
	if (v == NULL)
		return;
	if (v->epoch != c->epoch) {
		v->seen_packets = v->packets;
		v->seen_bytes = v->bytes;
		v->epoch = c->epoch;
	}
	sim_counter_read(nic->steer, counter, &v->packets, &v->bytes, false);
}

void
sim_nic_counter_read(struct sim_nic *nic, uint32_t counter, uint64_t *packets, uint64_t *bytes,
		bool reset)
{
	struct sim_counters *c = &nic->counters;
	struct sim_counter_view *v = view_of(c, counter, reset);
	uint64_t p = 0, b = 0;

	/* Without views there is nothing older to see. */
	if (v == NULL) {
		sim_counter_read(nic->steer, counter, packets, bytes, reset);
		return;
	}
	if (v->epoch == c->epoch) {
		p = v->seen_packets;
		b = v->seen_bytes;
	} else {
		sim_counter_read(nic->steer, counter, &p, &b, false);
	}
	*packets = p - v->base_packets;
	*bytes = b - v->base_bytes;
	if (reset) {
		v->base_packets = p;
		v->base_bytes = b;
	}
}

void
sim_nic_counter_new(struct sim_nic *nic, uint32_t counter)
{
	struct sim_counter_view *v = view_of(&nic->counters, counter, false);

	if (v != NULL)
		memset(v, 0, sizeof(*v));
}

/* It was written back now: a reader sees what is until it is touched again. */
static void
written_back(struct sim_nic *nic, uint32_t place)
{
	struct sim_counters *c = &nic->counters;
	struct sim_counter_view *v;

	c->dirty[place] = 0;
	v = view_of(c, c->tag[place] - 1, false);
	if (v != NULL)
		v->epoch = 0;
}

static uint32_t
set_of(const struct sim_counters *c, uint32_t counter)
{
	/* Neighbours in neighbouring sets: who adds counters in a row gets an even spread. */
	return counter % c->sets;
}

sim_cycle
sim_counters_step(struct sim_nic *nic, uint32_t counter, sim_cycle now)
{
	struct sim_counters *c = &nic->counters;
	uint32_t i, first, at;
	sim_cycle ready;

	c->unit.s.served++;
	if (c->sets == 0) {
		c->unit.s.hits++;
		return now;
	}
	first = set_of(c, counter) * c->ways;
	at = first;
	for (i = first; i < first + c->ways; i++) {
		if (c->tag[i] == counter + 1) {
			c->unit.s.hits++;
			c->stamp[i] = ++c->clock;
			c->dirty[i] = 1;
			return now;
		}
		if (c->stamp[i] < c->stamp[at])
			at = i;
	}
	c->unit.s.misses++;
	if (c->tag[at] != 0 && c->dirty[at]) {
		sim_pcie_write(&nic->pcie, now, COUNTER_BYTES);
		written_back(nic, at);
	}
	c->tag[at] = counter + 1;
	c->stamp[at] = ++c->clock;
	c->dirty[at] = 1;
	ready = sim_pcie_read(&nic->pcie, now, COUNTER_BYTES, counter * COUNTER_BYTES);
	c->unit.s.wait_cycles += ready - now;
	return ready;
}

/* Some of the cache is written back, and the rest when the link has taken these. */
static void
sweep_run(void *owner, const struct sim_event *ev)
{
	const struct sim_event again = { .run = sweep_run, .owner = owner };
	struct sim_nic *nic = owner;
	struct sim_counters *c = &nic->counters;
	const uint32_t places = c->sets * c->ways;
	sim_cycle end = ev->at;
	uint32_t n = 0;

	for (; c->sweep < places && n < SWEEP; c->sweep++)
		if (c->tag[c->sweep] != 0 && c->dirty[c->sweep]) {
			end = sim_pcie_write(&nic->pcie, ev->at, COUNTER_BYTES);
			c->dirty[c->sweep] = 0;
			n++;
		}
	if (c->sweep < places)
		sim_event_at(nic, end, SIM_P_TICK, &again);
}

static void
refresh_run(void *owner, const struct sim_event *ev)
{
	const struct sim_event again = { .run = refresh_run, .owner = owner };
	const struct sim_event sweep = { .at = ev->at, .run = sweep_run, .owner = owner };
	struct sim_nic *nic = owner;
	struct sim_counters *c = &nic->counters;
	const bool idle = c->sweep == c->sets * c->ways;

	/* 0 is nobody's epoch, even after 2^32 of them. */
	if (++c->epoch == 0)
		c->epoch = FIRST_EPOCH;
	if (c->sets > 0) {
		c->sweep = 0;
		if (idle)
			sweep_run(nic, &sweep);
	}
	sim_event_at(nic, ev->at + c->refresh, SIM_P_TICK, &again);
}

int
sim_counters_init(struct sim_nic *nic)
{
	const struct sim_event ev = { .run = refresh_run, .owner = nic };
	struct sim_counters *c = &nic->counters;
	const uint32_t held = nic->profile.objects_counter_cache;

	c->epoch = FIRST_EPOCH;
	c->refresh = sim_profile_cycles(
			&nic->profile, UINT64_C(1000) * nic->profile.objects_counter_refresh_us);
	c->unit.s.name = "counter_cache";
	c->unit.s.servers = 1;
	if (c->refresh > 0) {
		c->pages = calloc(SIM_COUNTER_PAGES, sizeof(*c->pages));
		if (c->pages == NULL || !sim_event_at(nic, c->refresh, SIM_P_TICK, &ev))
			return -ENOMEM;
	}
	if (held == 0)
		return 0;
	c->ways = held < WAYS ? held : WAYS;
	c->sets = held / c->ways;
	c->sweep = c->sets * c->ways;
	c->tag = calloc(c->sweep, sizeof(*c->tag));
	c->stamp = calloc(c->sweep, sizeof(*c->stamp));
	c->dirty = calloc(c->sweep, sizeof(*c->dirty));
	return c->tag == NULL || c->stamp == NULL || c->dirty == NULL ? -ENOMEM : 0;
}

void
sim_counters_fini(struct sim_nic *nic)
{
	struct sim_counters *c = &nic->counters;
	uint32_t i;

	for (i = 0; c->pages != NULL && i < SIM_COUNTER_PAGES; i++)
		free(c->pages[i]);
	free(c->pages);
	free(c->tag);
	free(c->stamp);
	free(c->dirty);
	memset(c, 0, sizeof(*c));
}
