/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The random numbers of shunt-mkpcap: splitmix64, which a seed determines wholly, so that the same
 * command line writes the same bytes on every machine. Not for secrets.
 */
#ifndef MK_RNG_H
#define MK_RNG_H

#include <stddef.h>
#include <stdint.h>

struct mk_rng {
	uint64_t state;
};

static inline uint64_t
mk_rng_next(struct mk_rng *rng)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A number in [0, bound): multiply-shift, whose bias (below 2^-32) does not matter here. */
static inline uint32_t
mk_rng_below(struct mk_rng *rng, uint32_t bound)
{
	return (uint32_t)(((mk_rng_next(rng) >> 32) * bound) >> 32);
}

static inline uint32_t
mk_rng_between(struct mk_rng *rng, uint32_t low, uint32_t high)
{
	return low + mk_rng_below(rng, high - low + 1);
}

static inline void
mk_rng_fill(struct mk_rng *rng, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(mk_rng_next(rng) >> 56);
}

#endif /* MK_RNG_H */
