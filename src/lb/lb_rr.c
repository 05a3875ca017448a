/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Weighted round robin, the smooth kind: at every turn each backend earns its weight, the richest
 * one gets the connection and pays the sum of all weights. Over that many turns every backend gets
 * exactly its weight, spread out (5,1,1 gives a a b a c a a and not a a a a a b c); with equal
 * weights connection i goes to backend i mod n. Called by lb.c when a connection opens.
 */
#include <errno.h>

#include "lb_priv.h"

static int
rr_select(struct lb_service *s, const struct flow_tuple *t)
{
	struct lb_backend *best = NULL;
	int32_t total = 0; /* at most 1024 * 65,535 */
	unsigned int i;

	(void)t;
	for (i = 0; i < s->n_backends; i++) {
		struct lb_backend *b = &s->backends[i];

		if (b->weight == 0)
			continue;
		total += b->weight;
		b->credit += b->weight;
		if (best == NULL || b->credit > best->credit)
			best = b;
	}
	if (best == NULL)
		return -EHOSTUNREACH;
	best->credit -= total;
	return (int)(best - s->backends);
}

const struct lb_scheduler_ops lb_rr_ops = { .name = "round-robin", .select = rr_select };
