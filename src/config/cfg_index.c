/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sorted index of items by keys of one size, for the checks that would compare each item with
 * each: a million routes are no reason to wait. Called while a configuration is checked; freed
 * before cfg_load returns.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "cfg_priv.h"

static size_t
stride(const struct cfg_index *x)
{
	return x->key_size + sizeof(uint32_t);
}

static const uint8_t *
entry(const struct cfg_index *x, unsigned int i)
{
	return x->entries + i * stride(x);
}

static uint32_t
entry_item(const struct cfg_index *x, unsigned int i)
{
	rte_be32_t item;

	memcpy(&item, entry(x, i) + x->key_size, sizeof(item));
	return rte_be_to_cpu_32(item);
}

bool
cfg_index_init(struct cfg_reader *r, struct cfg_index *x, size_t key_size, unsigned int room)
{
	memset(x, 0, sizeof(*x));
	x->key_size = key_size;
	x->room = room;
	x->entries = calloc(room > 0 ? room : 1, stride(x));
	if (x->entries == NULL)
		cfg_error(r, NULL, "out of memory");
	return x->entries != NULL;
}

void
cfg_index_free(struct cfg_index *x)
{
	free(x->entries);
	memset(x, 0, sizeof(*x));
}

void
cfg_index_add(struct cfg_index *x, const void *key, uint32_t item)
{
	rte_be32_t be = rte_cpu_to_be_32(item);
	uint8_t *e;

	if (x->n == x->room)
		return;
	e = x->entries + x->n++ * stride(x);
	memcpy(e, key, x->key_size);
	memcpy(e + x->key_size, &be, sizeof(be));
}

static int
compare(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

void
cfg_index_sort(struct cfg_index *x)
{
	size_t size = stride(x);

	qsort_r(x->entries, x->n, size, compare, &size);
}

int64_t
cfg_index_find(const struct cfg_index *x, const void *key)
{
	unsigned int lo = 0, hi = x->n;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (memcmp(entry(x, mid), key, x->key_size) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == x->n || memcmp(entry(x, lo), key, x->key_size) != 0)
		return -ENOENT;
	return entry_item(x, lo);
}

void
cfg_index_duplicates(const struct cfg_index *x, struct cfg_reader *r, const struct cfg_at *list,
		const char *member, const char *what)
{
	unsigned int first = 0, i;

	for (i = 1; i < x->n; i++) {
		const struct cfg_at at_first = { .up = list, .index = entry_item(x, first) };
		const struct cfg_at at_item = { .up = list, .index = entry_item(x, i) };
		const struct cfg_at at_member = { .up = &at_item, .key = member };
		char pointer[CFG_POINTER_MAX];

		if (memcmp(entry(x, first), entry(x, i), x->key_size) != 0)
			first = i;
		else
			cfg_error(r, member != NULL ? &at_member : &at_item,
					"the same %s as %s: expected each once", what,
					cfg_pointer(&at_first, pointer));
	}
}
