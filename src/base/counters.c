/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Adding up the lcores' counter blocks, for whoever reports. The control lcore calls this while
 * workers write: sums are a moment old, never torn.
 */
#include "base/counters.h"

const char *
ct_state_name(enum ct_state s)
{
	static const char *const names[CT_STATE_COUNT] = {
		[CT_STATE_NONE] = "none",
		[CT_STATE_NEW] = "new",
		[CT_STATE_ESTABLISHED] = "established",
		[CT_STATE_RELATED] = "related",
		[CT_STATE_INVALID] = "invalid",
		[CT_STATE_UNTRACKED] = "untracked",
	};

	return (unsigned int)s < RTE_DIM(names) ? names[s] : "?";
}

_Static_assert(sizeof(struct counters) % sizeof(uint64_t) == 0,
		"counters are 64-bit words and nothing else");

void
counters_add(struct counters *a, const struct counters *b)
{
	uint64_t *to = (uint64_t *)a;
	const uint64_t *from = (const uint64_t *)b;

	for (size_t i = 0; i < sizeof(*a) / sizeof(*to); i++)
		to[i] += from[i];
}
