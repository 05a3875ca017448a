/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Times of frames at a rate, exact however long it runs: what rounding leaves is carried on.
 */
#ifndef HWSIM_WIRE_PACE_H
#define HWSIM_WIRE_PACE_H

#include "wire.h"

/* Frames occupy these bytes on the wire beside those in an mbuf: preamble 8, FCS 4, gap 12 (IEEE 802.3, 4.4.2). */
#define WIRE_GAP 24u

struct wire_pace {
	uint64_t next;		   /* ns */
	uint64_t whole, part, den; /* a step: whole + part / den ns */
	uint64_t rem;		   /* it is next + rem / den */
};

/* A step is num / den ns. */
__extension__ typedef unsigned __int128 wire_u128;
void
wire_pace_set(struct wire_pace *p, wire_u128 num, wire_u128 den);

/* Adds `units` steps to *ns; units < 2^14. */
static inline void
wire_pace_step(struct wire_pace *p, uint64_t units, uint64_t *ns)
{
	*ns += p->whole * units;
	p->rem += p->part * units;
	if (p->rem >= p->den) {
		*ns += p->rem / p->den;
		p->rem %= p->den;
	}
}

#endif /* HWSIM_WIRE_PACE_H */
