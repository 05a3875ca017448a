/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rates as fractions, see wire_pace.h. Control thread.
 */
#include "wire_pace.h"

void
wire_pace_set(struct wire_pace *p, wire_u128 num, wire_u128 den)
{
	wire_u128 a = num, b = den;

	while (b != 0) {
		const wire_u128 r = a % b;

		a = b;
		b = r;
	}
	num /= a;
	den /= a;
	/*
	 * So that a step of a longest frame stays within 64 bits. A rate as it is given never comes here, since it is below 2^44; the
	 * share of one queue of several may be off by 1 in 2^47.
	 */
	while (den >= (wire_u128)1 << 48) {
		num >>= 1;
		den >>= 1;
	}
	p->whole = (uint64_t)(num / den);
	p->part = (uint64_t)(num % den);
	p->den = (uint64_t)den;
	p->rem = 0;
}
