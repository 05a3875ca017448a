/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers that applications choose, such as those of meters, to numbers of ours: an open hash with linear probing. Called
 * under hwf.lock.
 */
#include "hwf_priv.h"

#include <errno.h>
#include <stdlib.h>

#define IDS_MIN 16

static uint32_t
slot_of(const struct hwf_ids *ids, uint32_t id)
{
	/* Fibonacci hashing: consecutive numbers, which applications like, spread evenly. */
	return (id * 2654435769u) & (ids->size - 1);
}

/* Where `id` is, or would go. */
static uint32_t
find(const struct hwf_ids *ids, uint32_t id)
{
	uint32_t i = slot_of(ids, id);

	while (ids->entry[i].value != HWF_NONE && ids->entry[i].id != id)
		i = (i + 1) & (ids->size - 1);
	return i;
}

static int
grow(struct hwf_ids *ids)
{
	struct hwf_ids more = { .size = ids->size == 0 ? IDS_MIN : ids->size * 2, .n = ids->n };
	uint32_t i;

	more.entry = malloc(more.size * sizeof(*more.entry));
	if (more.entry == NULL)
		return -ENOMEM;
	for (i = 0; i < more.size; i++)
		more.entry[i].value = HWF_NONE;
	for (i = 0; i < ids->size; i++)
		if (ids->entry[i].value != HWF_NONE)
			more.entry[find(&more, ids->entry[i].id)] = ids->entry[i];
	free(ids->entry);
	*ids = more;
	return 0;
}

int
hwf_ids_put(struct hwf_ids *ids, uint32_t id, uint32_t value)
{
	uint32_t i;

	if (2 * (ids->n + 1) > ids->size && grow(ids) != 0)
		return -ENOMEM;
	i = find(ids, id);
	if (ids->entry[i].value != HWF_NONE)
		return -EEXIST;
	ids->entry[i] = (struct hwf_id){ .id = id, .value = value };
	ids->n++;
	return 0;
}

uint32_t
hwf_ids_get(const struct hwf_ids *ids, uint32_t id)
{
	return ids->size == 0 ? HWF_NONE : ids->entry[find(ids, id)].value;
}

void
hwf_ids_del(struct hwf_ids *ids, uint32_t id)
{
	uint32_t i, hole, home;

	if (ids->size == 0)
		return;
	hole = find(ids, id);
	if (ids->entry[hole].value == HWF_NONE)
		return;
	ids->n--;
	/* What was pushed behind it moves up, so that no look-up ends early. */
	for (i = (hole + 1) & (ids->size - 1); ids->entry[i].value != HWF_NONE;
			i = (i + 1) & (ids->size - 1)) {
		home = slot_of(ids, ids->entry[i].id);
		if (((i - home) & (ids->size - 1)) >= ((i - hole) & (ids->size - 1))) {
			ids->entry[hole] = ids->entry[i];
			hole = i;
		}
	}
	ids->entry[hole].value = HWF_NONE;
}

void
hwf_ids_fini(struct hwf_ids *ids)
{
	free(ids->entry);
	*ids = (struct hwf_ids){ 0 };
}
