/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash-1-3 of many inputs of 16 bytes side by side, compiled once an instruction set. One input
 * is a chain of additions and rotations, so a CPU that hashes one at a time mostly waits; the lanes
 * of a vector do not wait for each other. siphash13_many_best() chooses.
 */
#include <string.h>

#include <rte_config.h>

#include "siphash_isa.h"

#ifdef __AVX512F__
#define LANES 8 /* of 64 bits: one register, which can rotate */
#else
#define LANES 4
#endif
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

typedef uint64_t lanes __attribute__((vector_size(LANES * sizeof(uint64_t))));

/* LANES inputs, of which the words at even places are the first ones; n results are wanted. */
static inline void
hash_lanes(const uint64_t key[2], const uint64_t *word, uint32_t *out, unsigned int n)
{
	const uint64_t last = UINT64_C(16) << 56;
	lanes v0, v1, v2, v3, first, second;

	for (unsigned int i = 0; i < LANES; i++) {
		first[i] = word[2 * i];
		second[i] = word[2 * i + 1];
		v0[i] = key[0] ^ SIPHASH_INIT0;
		v1[i] = key[1] ^ SIPHASH_INIT1;
		v2[i] = key[0] ^ SIPHASH_INIT2;
		v3[i] = key[1] ^ SIPHASH_INIT3;
	}
	v3 ^= first;
	SIPHASH_ROUND(v0, v1, v2, v3);
	v0 ^= first;
	v3 ^= second;
	SIPHASH_ROUND(v0, v1, v2, v3);
	v0 ^= second;
	v3 ^= last;
	SIPHASH_ROUND(v0, v1, v2, v3);
	v0 ^= last;
	v2 ^= 0xff;
	SIPHASH_ROUND(v0, v1, v2, v3);
	SIPHASH_ROUND(v0, v1, v2, v3);
	SIPHASH_ROUND(v0, v1, v2, v3);
	v0 ^= v1 ^ v2 ^ v3;
	for (unsigned int i = 0; i < n; i++)
		out[i] = (uint32_t)v0[i];
}

void
JOIN(siphash13_many_, ISA)(
		const uint64_t key[2], const uint64_t *word, uint32_t *out, unsigned int n)
{
	uint64_t rest[2 * LANES] = { 0 };

	for (; n >= LANES; n -= LANES, word += 2 * LANES, out += LANES)
		hash_lanes(key, word, out, LANES);
	if (n == 0)
		return;
	memcpy(rest, word, n * 2 * sizeof(*word));
	hash_lanes(key, rest, out, n);
}
