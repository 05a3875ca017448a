/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prefixes of a limit, by hash. Control lcore. Knows nothing of bounds and buckets.
 */
#include <errno.h>

#include <rte_malloc.h>

#include "base/siphash.h"
#include "lim_priv.h"

int
lim_table_init(struct lim_table *t, uint32_t max, const uint64_t key[2], int socket_id)
{
	uint32_t slots = rte_align32pow2(2 * max);

	t->slot = rte_zmalloc_socket(
			"limit", (size_t)slots * sizeof(*t->slot), RTE_CACHE_LINE_SIZE, socket_id);
	if (t->slot == NULL)
		return -ENOMEM;
	t->mask = slots - 1;
	t->max = max;
	t->key[0] = key[0];
	t->key[1] = key[1];
	return 0;
}

void
lim_table_free(struct lim_table *t)
{
	rte_free(t->slot);
}

/* ---- hash ---- */

/*
 * SipHash-1-3 of 17 bytes, network and family: senders choose their addresses, and must not be able to choose ones
 * that meet in the table. A CRC would let them, whatever its seed.
 */
uint32_t
lim_table_hash(const struct lim_table *t, const struct lim_key *k)
{
	return (uint32_t)siphash13_tail(
			t->key, k->net[0], k->net[1], UINT64_C(17) << 56 | k->family);
}

static uint32_t
home_of(const struct lim_table *t, const struct lim_entry *e)
{
	const struct lim_key k = { .net = { e->net[0], e->net[1] }, .family = e->family };

	return lim_table_hash(t, &k) & t->mask;
}

/* ---- entries ---- */

struct lim_entry *
lim_table_find(const struct lim_table *t, const struct lim_key *k)
{
	uint32_t i = k->hash & t->mask;

	/* Half of the slots are free at least: this ends. */
	for (;; i = (i + 1) & t->mask) {
		struct lim_entry *e = &t->slot[i];

		if (e->family == 0 ||
				(e->net[0] == k->net[0] && e->net[1] == k->net[1] &&
						e->family == k->family))
			return e;
	}
}

void
lim_table_fill(struct lim_table *t, struct lim_entry *e, const struct lim_key *k)
{
	*e = (struct lim_entry){ .net = { k->net[0], k->net[1] }, .family = k->family & 3u };
	t->n++;
}

/*
 * What comes behind it may have been put there because this slot was taken: then it moves up, and leaves the next hole
 * (Knuth, TAOCP 3, 6.4, algorithm R).
 */
void
lim_table_remove(struct lim_table *t, struct lim_entry *e)
{
	uint32_t hole = (uint32_t)(e - t->slot);

	for (uint32_t i = (hole + 1) & t->mask; t->slot[i].family != 0; i = (i + 1) & t->mask) {
		uint32_t home = home_of(t, &t->slot[i]);

		if (((i - home) & t->mask) < ((i - hole) & t->mask))
			continue;
		t->slot[hole] = t->slot[i];
		hole = i;
	}
	t->slot[hole].family = 0;
	t->n--;
}
