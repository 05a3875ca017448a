/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one's complement sum of many bytes, compiled once an instruction set: the loop below is written so that the
 * compiler turns it into 128, 256 or 512 bit additions. cksum_sum_best() chooses.
 */
#include <string.h>

#include <rte_config.h>

#include "cksum_isa.h"

#define LANES 16
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

/* RFC 1071 section 2: order and width do not matter, so 32-bit words are added up in 64-bit lanes. */
uint64_t
JOIN(cksum_sum_, ISA)(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t lane[LANES] = { 0 }, sum = 0;
	uint32_t word[LANES];

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(word, p, sizeof(word));
		for (unsigned int i = 0; i < LANES; i++)
			lane[i] += word[i];
	}
	for (unsigned int i = 0; i < LANES; i++)
		sum += lane[i];
	return sum + cksum_sum_short(p, len);
}
