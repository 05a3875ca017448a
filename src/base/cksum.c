/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building checksum deltas: the slow half of RFC 1624, done once when a flow is compiled (control
 * lcore). Applying them is inline in cksum.h. And the choice of the sum for long packets.
 */
#include "base/cksum.h"

#include <string.h>

#include <rte_cpuflags.h>

#include "cksum_isa.h"

uint16_t
cksum_delta(uint16_t delta, const void *old, const void *new_, size_t len)
{
	const uint8_t *o = old;
	const uint8_t *n = new_;
	uint32_t sum = delta;

	/* Folded at every word, so that no length overflows the sum. */
	for (size_t i = 0; i + 1 < len; i += 2) {
		uint16_t from, to;

		memcpy(&from, o + i, sizeof(from));
		memcpy(&to, n + i, sizeof(to));
		sum = cksum_fold(sum + to + (uint16_t)~from);
	}
	return (uint16_t)sum;
}

static uint64_t
sum_words(const void *data, size_t len)
{
	return cksum_sum_short(data, len);
}

cksum_sum_fn *
cksum_sum_best(void)
{
#ifdef RTE_ARCH_X86_64
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) > 0)
		return cksum_sum_avx512;
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		return cksum_sum_avx2;
#endif
	return sum_words;
}
