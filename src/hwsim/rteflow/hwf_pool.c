/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pools of objects that have a number, and lists of such numbers: see hwf_priv.h. A pool reserves addresses for the most
 * objects that there may ever be, and asks for memory 2 MB at a time; so objects stay where they are, and whether any
 * pointer is one of them is a matter of arithmetic. Called by the files of this folder under hwf.lock.
 */
#include "hwf_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>

#define POOL_STEP ((size_t)2 << 20)

int
hwf_pool_init(struct hwf_pool *p, size_t size, uint32_t max)
{
	void *base;

	memset(p, 0, sizeof(*p));
	p->size = size;
	p->max = max;
	p->reserved = RTE_ALIGN_CEIL((size_t)max * size + 1, POOL_STEP);
	hwf_list_init(&p->free);
	base = mmap(NULL, p->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	p->base = base;
	return 0;
}

void
hwf_pool_fini(struct hwf_pool *p)
{
	if (p->base != NULL)
		munmap(p->base, p->reserved);
	memset(p, 0, sizeof(*p));
}

/* Memory for objects up to number `top`, exclusive. */
static int
pool_back(struct hwf_pool *p, uint32_t top)
{
	const size_t need = RTE_ALIGN_CEIL((size_t)top * p->size, POOL_STEP);

	if (need <= p->backed)
		return 0;
	if (mprotect(p->base + p->backed, need - p->backed, PROT_READ | PROT_WRITE) != 0)
		return -ENOMEM;
	p->backed = need;
	return 0;
}

static void *
pool_take(struct hwf_pool *p, struct hwf_slot *s, enum hwf_kind kind, uint16_t port)
{
	memset(s, 0, p->size);
	s->next = HWF_NONE;
	s->prev = HWF_NONE;
	s->kind = kind;
	s->port = port;
	p->used++;
	return s;
}

void *
hwf_pool_get(struct hwf_pool *p, enum hwf_kind kind, uint16_t port)
{
	struct hwf_slot *s;

	if (p->free.first != HWF_NONE) {
		s = hwf_pool_at(p, p->free.first);
		hwf_list_del(&p->free, p, s);
		return pool_take(p, s, kind, port);
	}
	if (p->top >= p->max || pool_back(p, p->top + 1) != 0)
		return NULL;
	return pool_take(p, hwf_pool_at(p, p->top++), kind, port);
}

void *
hwf_pool_get_at(struct hwf_pool *p, uint32_t index, enum hwf_kind kind, uint16_t port)
{
	if (index >= p->max || pool_back(p, index + 1) != 0)
		return NULL;
	if (index >= p->top)
		p->top = index + 1;
	return pool_take(p, hwf_pool_at(p, index), kind, port);
}

void
hwf_pool_put(struct hwf_pool *p, void *object)
{
	struct hwf_slot *s = object;

	s->kind = HWF_FREE;
	p->used--;
	hwf_list_add(&p->free, p, s);
}

void
hwf_pool_put_at(struct hwf_pool *p, void *object)
{
	struct hwf_slot *s = object;

	s->kind = HWF_FREE;
	p->used--;
}

bool
hwf_pool_has(const struct hwf_pool *p, const void *object, enum hwf_kind kind, uint16_t port)
{
	const uintptr_t at = (uintptr_t)object, base = (uintptr_t)p->base;
	const struct hwf_slot *s = object;

	if (at < base || at - base >= (uintptr_t)p->top * p->size || (at - base) % p->size != 0)
		return false;
	return s->kind == kind && s->port == port;
}

uint32_t
hwf_pool_index(const struct hwf_pool *p, const void *object)
{
	return ((uintptr_t)object - (uintptr_t)p->base) / p->size;
}

void
hwf_list_init(struct hwf_list *l)
{
	l->first = HWF_NONE;
	l->last = HWF_NONE;
	l->n = 0;
}

void
hwf_list_add(struct hwf_list *l, const struct hwf_pool *p, void *object)
{
	const uint32_t i = hwf_pool_index(p, object);
	struct hwf_slot *s = object;

	s->next = HWF_NONE;
	s->prev = l->last;
	if (l->last == HWF_NONE)
		l->first = i;
	else
		((struct hwf_slot *)hwf_pool_at(p, l->last))->next = i;
	l->last = i;
	l->n++;
}

void
hwf_list_del(struct hwf_list *l, const struct hwf_pool *p, void *object)
{
	struct hwf_slot *s = object;

	if (s->prev == HWF_NONE)
		l->first = s->next;
	else
		((struct hwf_slot *)hwf_pool_at(p, s->prev))->next = s->next;
	if (s->next == HWF_NONE)
		l->last = s->prev;
	else
		((struct hwf_slot *)hwf_pool_at(p, s->next))->prev = s->prev;
	s->next = HWF_NONE;
	s->prev = HWF_NONE;
	l->n--;
}
