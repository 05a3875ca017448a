/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Named sets of prefixes: is an address in it? Control lcore; filled once, at creation.
 *
 * Sorted ranges and a binary search, not rte_fib or rte_rib: no value is asked for, only membership, so overlapping
 * prefixes melt into one range, nothing is reserved but what the set holds (rte_fib's fast tables take 32 MB each), and
 * a look-up is log2(ranges) steps in one array, where rte_rib's tree chases a pointer a bit of prefix.
 */
#include <errno.h>
#include <stdlib.h>

#include "lim_priv.h"

static int
compare(const void *a, const void *b)
{
	lim_u128 x = ((const struct lim_range *)a)->lo, y = ((const struct lim_range *)b)->lo;

	return (x > y) - (x < y);
}

/* Sorted by lo: join those that overlap or touch. Returns how many are left. */
static unsigned int
join(struct lim_range *r, unsigned int n)
{
	unsigned int out = 0;

	for (unsigned int i = 1; i < n; i++) {
		if (r[i].lo <= r[out].hi || r[i].lo - 1 == r[out].hi)
			r[out].hi = r[i].hi > r[out].hi ? r[i].hi : r[out].hi;
		else
			r[++out] = r[i];
	}
	return n == 0 ? 0 : out + 1;
}

int
lim_set_init(struct lim_set *s, const struct lim_set_params *p)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		s->range[v6] = calloc((size_t)p->n_prefixes + 1, sizeof(*s->range[v6]));
		if (s->range[v6] == NULL)
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < p->n_prefixes; i++) {
		const struct lim_prefix *x = &p->prefixes[i];
		const bool v6 = x->family == 6;
		lim_u128 host, net;

		if ((x->family != 4 && !v6) || x->len > (v6 ? 128 : 32))
			return -EINVAL;
		host = lim_host_bits(x->family, x->len);
		net = lim_number(x->family, &x->addr) & ~host;
		s->range[v6][s->n[v6]++] = (struct lim_range){ net, net | host };
	}
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		qsort(s->range[v6], s->n[v6], sizeof(*s->range[v6]), compare);
		s->n[v6] = join(s->range[v6], s->n[v6]);
	}
	return 0;
}

void
lim_set_free(struct lim_set *s)
{
	free(s->range[0]);
	free(s->range[1]);
}

bool
lim_set_has(const struct lim_set *s, uint8_t family, lim_u128 x)
{
	const struct lim_range *r = s->range[family == 6];
	unsigned int n = s->n[family == 6];

	if (n == 0)
		return false;
	/* The last range that begins at x or before; the first one if there is none. */
	while (n > 1) {
		unsigned int half = n / 2;

		r = r[half].lo <= x ? r + half : r;
		n -= half;
	}
	return r->lo <= x && x <= r->hi;
}
