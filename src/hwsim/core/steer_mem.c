/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of steering: blocks of rules, objects by index, and the addresses that the model gives to 64-byte entries. Called by
 * steer*.c. 2 M rules must fit into 1 GiB, so blocks have no header of their own: who gives one back knows its size.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "steer_priv.h"

/* Chunks double up to the largest, so that few rules take little and many lie in huge pages. */
#define CHUNK_MIN (64u * 1024)
#define CHUNK_MAX (4096u * 1024)
/* From here on memory is mapped by itself, in huge pages where the kernel has them. */
#define HUGE_BYTES (2048ul * 1024)

#define LINE 64u

struct sim_slab_chunk {
	struct sim_slab_chunk *next;
	uint64_t bytes;
};
_Static_assert(sizeof(struct sim_slab_chunk) <= 16,
		"fits in front of a line, wherever malloc() puts it");

void *
sim_large_take(uint64_t bytes)
{
	void *p;

	if (bytes < HUGE_BYTES)
		return calloc(1, bytes);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

void
sim_large_give(void *p, uint64_t bytes)
{
	if (p != NULL && bytes >= HUGE_BYTES)
		munmap(p, bytes);
	else
		free(p);
}

static uint32_t
class_of(uint32_t size)
{
	return (size + SIM_SLAB_STEP - 1) / SIM_SLAB_STEP;
}

static bool
slab_grow(struct sim_slab *slab, uint32_t c)
{
	const uint32_t bytes = slab->chunk[c] == 0   ? CHUNK_MIN
			: slab->chunk[c] < CHUNK_MAX ? 2 * slab->chunk[c]
						     : CHUNK_MAX;
	struct sim_slab_chunk *chunk = sim_large_take(bytes);
	uint32_t skip;

	if (chunk == NULL)
		return false;
	chunk->next = slab->chunks;
	chunk->bytes = bytes;
	slab->chunks = chunk;
	slab->chunk[c] = bytes;
	slab->bytes += bytes;
	/* From a line on: a rule of two lines is not to lie in three. */
	skip = LINE - (uint32_t)((uintptr_t)chunk % LINE);
	slab->at[c] = (uint8_t *)chunk + skip;
	slab->left[c] = bytes - skip;
	return true;
}

void *
sim_slab_take(struct sim_slab *slab, uint32_t size)
{
	const uint32_t c = class_of(size);
	const uint32_t bytes = c * SIM_SLAB_STEP;
	void *p;

	if (size == 0 || size > SIM_SLAB_MAX) {
		p = malloc(size);
		slab->bytes += p == NULL ? 0 : size;
		return p;
	}
	p = slab->free[c];
	if (p != NULL) {
		memcpy(&slab->free[c], p, sizeof(void *));
		return p;
	}
	if (slab->left[c] < bytes && !slab_grow(slab, c))
		return NULL;
	p = slab->at[c];
	slab->at[c] += bytes;
	slab->left[c] -= bytes;
	return p;
}

void
sim_slab_give(struct sim_slab *slab, void *p, uint32_t size)
{
	const uint32_t c = class_of(size);

	if (p == NULL)
		return;
	if (size == 0 || size > SIM_SLAB_MAX) {
		slab->bytes -= size;
		free(p);
		return;
	}
	memcpy(p, &slab->free[c], sizeof(void *));
	slab->free[c] = p;
}

void
sim_slab_end(struct sim_slab *slab)
{
	struct sim_slab_chunk *chunk;

	while ((chunk = slab->chunks) != NULL) {
		slab->chunks = chunk->next;
		sim_large_give(chunk, chunk->bytes);
	}
}

uint32_t
sim_lines_take(struct sim_lines *l, uint32_t order)
{
	uint32_t at;
	uint32_t k;

	if (order >= SIM_LINE_ORDERS)
		return SIM_NO_LINE;
	if (l->free[order].n > 0)
		return l->free[order].at[--l->free[order].n];
	if (l->next + (1ull << order) < SIM_NO_LINE) {
		at = (uint32_t)l->next;
		l->next += 1ull << order;
		return at;
	}
	/* Nothing above: cut a larger block that was given back. */
	for (k = order + 1; k < SIM_LINE_ORDERS && l->free[k].n == 0; k++)
		;
	if (k == SIM_LINE_ORDERS)
		return SIM_NO_LINE;
	at = l->free[k].at[--l->free[k].n];
	while (k-- > order)
		sim_lines_give(l, k, at + (1u << k));
	return at;
}

void
sim_lines_give(struct sim_lines *l, uint32_t order, uint32_t at)
{
	struct sim_line_free *f = &l->free[order];
	uint32_t *grown;

	if (at == SIM_NO_LINE)
		return;
	if (f->n == f->size) {
		grown = realloc(f->at, sizeof(*grown) * (f->size + 64) * 2);
		if (grown == NULL)
			return; /* addresses are lost, and there are 4 G of them */
		l->bytes += sizeof(*grown) * (f->size + 128);
		f->at = grown;
		f->size = (f->size + 64) * 2;
	}
	f->at[f->n++] = at;
}

void
sim_lines_end(struct sim_lines *l)
{
	for (uint32_t k = 0; k < SIM_LINE_ORDERS; k++)
		free(l->free[k].at);
}

void
sim_pool_init(struct sim_pool *p, const char *name, uint32_t size, uint32_t shift, uint32_t max)
{
	*p = (struct sim_pool){
		.name = name,
		.size = size,
		.shift = shift,
		.max = max,
		.first = SIM_POOL_END,
		.last = SIM_POOL_END,
	};
}

static uint32_t *
link_of(const struct sim_pool *p, uint32_t i)
{
	uint32_t *links = (uint32_t *)(void *)p->chunk[i >> p->shift];

	return &links[i & ((1u << p->shift) - 1)];
}

static void *
object(const struct sim_pool *p, uint32_t i)
{
	return p->chunk[i >> p->shift] + (4ul << p->shift) +
			(uint64_t)(i & ((1u << p->shift) - 1)) * p->size;
}

static int
chunk_add(struct sim_pool *p)
{
	const uint64_t bytes = (4ul + p->size) << p->shift;
	uint8_t **grown;

	/* Chunks are found by a table that doubles; it is small, and what it points to stays. */
	if ((p->n_chunks & (p->n_chunks - 1)) == 0) {
		grown = realloc(p->chunk,
				sizeof(*grown) * (p->n_chunks == 0 ? 1 : 2 * p->n_chunks));
		if (grown == NULL)
			return -ENOMEM;
		p->chunk = grown;
	}
	p->chunk[p->n_chunks] = malloc(bytes);
	if (p->chunk[p->n_chunks] == NULL)
		return -ENOMEM;
	p->n_chunks++;
	return 0;
}

int64_t
sim_pool_take(struct sim_pool *p, bool rested)
{
	uint32_t i;

	if (p->first != SIM_POOL_END && rested) {
		i = p->first;
		p->first = *link_of(p, i);
		if (p->first == SIM_POOL_END)
			p->last = SIM_POOL_END;
	} else {
		i = p->fresh;
		if (i >= p->max)
			return -ENOSPC;
		if (i >> p->shift == p->n_chunks && chunk_add(p) < 0)
			return -ENOMEM;
		p->fresh++;
	}
	*link_of(p, i) = SIM_POOL_LIVE;
	memset(object(p, i), 0, p->size);
	p->used++;
	return i;
}

bool
sim_pool_give(struct sim_pool *p, uint32_t i)
{
	if (i >= p->fresh || *link_of(p, i) != SIM_POOL_LIVE)
		return false;
	*link_of(p, i) = SIM_POOL_END;
	if (p->last != SIM_POOL_END)
		*link_of(p, p->last) = i;
	else
		p->first = i;
	p->last = i;
	p->used--;
	return true;
}

void *
sim_pool_oldest(const struct sim_pool *p)
{
	return p->first == SIM_POOL_END ? NULL : object(p, p->first);
}

uint64_t
sim_pool_bytes(const struct sim_pool *p)
{
	return (uint64_t)p->n_chunks * ((4ul + p->size) << p->shift);
}

void
sim_pool_end(struct sim_pool *p)
{
	for (uint32_t i = 0; i < p->n_chunks; i++)
		free(p->chunk[i]);
	free(p->chunk);
	p->chunk = NULL;
	p->n_chunks = 0;
}
