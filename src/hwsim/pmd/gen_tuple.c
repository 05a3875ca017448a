/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the number of a flow to its addresses and ports, see gen_tuple() in gen.h. Called when a port is made.
 */
#include "gen.h"

#include <errno.h>

#include <rte_common.h>

int
gen_space_init(struct gen_space *s, const struct gen_conf *c, bool v6)
{
	const struct gen_net *src = &c->src[v6], *dst = &c->dst[v6];
	const uint32_t field[4] = { src->mask, dst->mask, (1u << c->sport.bits) - 1,
		(1u << c->dport.bits) - 1 };
	const uint32_t base[4] = { src->low, dst->low, c->sport.first, c->dport.first };
	uint32_t bits = 0;

	*s = (struct gen_space){ 0 };
	/* Ports and the source vary first: with more than 64 bits the destination's highest stay as they are. */
	for (unsigned int k = 0; k < 4; k++) {
		static const uint8_t order[4] = { 2, 0, 3, 1 };
		const unsigned int i = order[k];
		const uint32_t width = (uint32_t)__builtin_popcount(field[i]);
		const uint32_t fits = RTE_MIN(width, 63 - bits);

		s->shift[i] = fits != 0 ? bits : 0;
		s->field[i] = fits == 0 ? 0 : UINT32_MAX >> (32 - fits);
		s->base[i] = base[i];
		bits += fits;
	}
	s->mask = bits == 0 ? 0 : UINT64_MAX >> (64 - bits);
	s->half = RTE_MAX(bits / 2, 1u);
	s->mul[0] = gen_mix(c->seed + 1) | 1;
	s->mul[1] = gen_mix(c->seed + 2) | 1;
	s->add = gen_mix(c->seed + 3);
	return (uint64_t)c->flows - 1 <= s->mask ? 0 : -ERANGE;
}
