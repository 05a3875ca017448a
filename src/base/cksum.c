/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building checksum deltas: the slow half of RFC 1624, done once when a flow is compiled (control
 * lcore). Applying them is inline in cksum.h.
 */
#include "base/cksum.h"

#include <string.h>

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
