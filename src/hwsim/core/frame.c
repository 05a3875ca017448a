/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of the NIC in time, out of a pool: no allocation a packet, and a frame that was just given back is the next one
 * that is taken, because its lines are still in the CPU's cache. Used by all units of the NIC, under its lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

#define SLAB_BYTES (256u * 1024)
/* More than the largest buffers hold; who asks for more gets -ENOBUFS and not the machine's memory. */
#define POOL_MAX (UINT64_C(2) << 30)

/* Bytes of a frame's room; odd numbers of cache lines, so that frames do not all begin in the same set of the CPU's cache. */
static const uint32_t room[SIM_POOL_SIZES] = {
	9 * 64 - sizeof(struct sim_nframe) % 64,
	33 * 64 - sizeof(struct sim_nframe) % 64,
	161 * 64 - sizeof(struct sim_nframe) % 64,
};

static uint32_t
frame_bytes(uint32_t size)
{
	return (sizeof(struct sim_nframe) + room[size] + 63) / 64 * 64;
}

static bool
pool_grow(struct sim_pool *p, uint32_t size)
{
	const uint32_t each = frame_bytes(size);
	struct sim_pool_slab *slab;
	uint8_t *at;
	uint32_t left;

	if (p->bytes + SLAB_BYTES > POOL_MAX)
		return false;
	slab = aligned_alloc(64, SLAB_BYTES);
	if (slab == NULL)
		return false;
	slab->next = p->slabs;
	p->slabs = slab;
	p->bytes += SLAB_BYTES;
	at = (uint8_t *)slab + 64;
	for (left = SLAB_BYTES - 64; left >= each; left -= each, at += each) {
		struct sim_nframe *f = (struct sim_nframe *)(void *)at;

		f->size = (uint8_t)size;
		sim_list_put(&p->free[size], f);
	}
	return true;
}

struct sim_nframe *
sim_frame_new(struct sim_nic *nic, const void *data, uint32_t len)
{
	struct sim_pool *p = &nic->pool;
	const uint32_t need = SIM_HEADROOM + SIM_TAILROOM + len;
	struct sim_nframe *f;
	uint32_t size = 0;

	while (size < SIM_POOL_SIZES && room[size] < need)
		size++;
	if (size == SIM_POOL_SIZES)
		return NULL;
	if (p->free[size].n == 0 && !pool_grow(p, size))
		return NULL;
	f = sim_list_take(&p->free[size]);
	memset(f, 0, offsetof(struct sim_nframe, ahead.hash));
	f->size = (uint8_t)size;
	f->f.pkt.data = f->bytes + SIM_HEADROOM;
	f->f.pkt.headroom = SIM_HEADROOM;
	f->f.pkt.len = (uint16_t)len;
	f->f.pkt.tailroom = (uint16_t)(room[size] - SIM_HEADROOM - len);
	f->f.pkt.frame_len = len;
	f->f.seq = nic->seq++;
	memcpy(f->f.pkt.data, data, len);
	p->used++;
	return f;
}

/* The last one given back is the first one taken. */
void
sim_frame_put(struct sim_nic *nic, struct sim_nframe *f)
{
	struct sim_list *l = &nic->pool.free[f->size];

	f->f.next = l->head != NULL ? &l->head->f : NULL;
	l->head = f;
	if (l->tail == NULL)
		l->tail = f;
	l->n++;
	nic->pool.used--;
}

void
sim_frame_free(struct sim_nic *nic, struct sim_frame *f)
{
	if (f != NULL)
		sim_frame_put(nic, (struct sim_nframe *)f);
}

void
sim_pool_free(struct sim_pool *p)
{
	struct sim_pool_slab *slab;

	while ((slab = p->slabs) != NULL) {
		p->slabs = slab->next;
		free(slab);
	}
	memset(p, 0, sizeof(*p));
}

void
sim_pipe_init(struct sim_pipe *p, struct sim_nic *nic, struct sim_unit *unit, enum sim_prio prio,
		void (*out)(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now))
{
	memset(p, 0, sizeof(*p));
	p->nic = nic;
	p->unit = unit;
	p->prio = (uint8_t)prio;
	p->out = out;
}

static void
pipe_run(void *owner, const struct sim_event *ev);

static void
pipe_arm(struct sim_pipe *p)
{
	const struct sim_event ev = { .run = pipe_run, .owner = p };

	p->armed = sim_event_at(p->nic, p->list.head->due, p->prio, &ev);
}

/* Stays armed while it runs: what a frame that comes out puts in is armed for at the end. */
static void
pipe_run(void *owner, const struct sim_event *ev)
{
	struct sim_pipe *p = owner;

	while (p->list.head != NULL && p->list.head->due <= ev->at) {
		struct sim_nframe *f = sim_list_take(&p->list);

		sim_unit_leave(p->unit, f->entered, ev->at);
		p->out(p->nic, f, ev->at);
	}
	p->armed = false;
	if (p->list.head != NULL)
		pipe_arm(p);
}

void
sim_pipe_put(struct sim_pipe *p, struct sim_nframe *f, sim_cycle due)
{
	const sim_cycle now = sim_events_now(p->nic->events);

	f->due = due;
	f->entered = now;
	sim_list_put(&p->list, f);
	sim_unit_enter(p->unit, now);
	if (!p->armed)
		pipe_arm(p);
}
