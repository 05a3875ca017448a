/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash of any input, and the choice of the function for many short ones. What runs for every
 * packet is in siphash_isa.c, what runs for one at a time in siphash.h.
 */
#include "base/siphash.h"

#include <string.h>

#include <rte_cpuflags.h>

#include "siphash_isa.h"

struct state {
	uint64_t v[4];
};

static void
round_up(struct state *s, unsigned int n)
{
	while (n-- > 0)
		SIPHASH_ROUND(s->v[0], s->v[1], s->v[2], s->v[3]);
}

uint64_t
siphash(const uint64_t key[2], const void *data, size_t len, struct siphash_rounds rounds)
{
	struct state s = { { key[0] ^ SIPHASH_INIT0, key[1] ^ SIPHASH_INIT1, key[0] ^ SIPHASH_INIT2,
			key[1] ^ SIPHASH_INIT3 } };
	const uint8_t *p = data;
	size_t left = len;

	for (;;) {
		uint64_t word = left < sizeof(word) ? (uint64_t)len << 56 : 0;

		for (size_t i = 0; i < sizeof(word) && i < left; i++)
			word |= (uint64_t)p[i] << 8 * i;
		s.v[3] ^= word;
		round_up(&s, rounds.block);
		s.v[0] ^= word;
		if (left < sizeof(word))
			break;
		p += sizeof(word);
		left -= sizeof(word);
	}
	s.v[2] ^= 0xff;
	round_up(&s, rounds.last);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

siphash_many_fn *
siphash13_many_best(void)
{
#ifdef RTE_ARCH_X86_64
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) > 0)
		return siphash13_many_avx512;
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		return siphash13_many_avx2;
#endif
	return siphash13_many_generic;
}
