/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section "fragments": how many fragments may wait for the rest of their datagrams, and how long. Called by the reader
 * through the tables of keys. All of it has defaults.
 */
#include <rte_common.h>

#include "cfg_priv.h"

#define A_QUARTER UINT32_MAX /* of tables/mbufs */

#define FRAGMENTS struct cfg_fragments
static const struct cfg_key fragments_keys[] = {
	{ "datagrams", CFG_UINT, CFG_FIELD(FRAGMENTS, datagrams), .min = 1, .max = 1u << 16,
			.fallback = 1024 },
	{ "per-source", CFG_UINT, CFG_FIELD(FRAGMENTS, per_source), .min = 1, .max = 1u << 16,
			.fallback = 64 },
	{ "memory", CFG_UINT, CFG_FIELD(FRAGMENTS, memory), .max = 1u << 25,
			.fallback = A_QUARTER },
	{ "timeout", CFG_UINT, CFG_FIELD(FRAGMENTS, timeout), .min = 1, .max = 3600,
			.fallback = 30 },
};

const struct cfg_section cfg_fragments_section = { "fragments", fragments_keys,
	RTE_DIM(fragments_keys) };

/* What waits may not take so many buffers that none are left to receive with. */
void
cfg_check_fragments(struct cfg_reader *r)
{
	const struct cfg_at at_fragments = { .key = "fragments" };
	const struct cfg_at at = { .up = &at_fragments, .key = "memory" };
	struct cfg_fragments *f = &r->cfg->fragments;
	const uint32_t mbufs = r->cfg->tables.mbufs;

	if (f->memory == A_QUARTER)
		f->memory = mbufs / 4;
	if (mbufs != 0 && f->memory > mbufs / 2)
		cfg_error(r, &at, "%u is more than half of \"mbufs\": expected 0 to %u", f->memory,
				mbufs / 2);
}
