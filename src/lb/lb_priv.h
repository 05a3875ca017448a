/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lb.c and the schedulers share: services and backends as they are kept, and the table entry
 * that a scheduler is. Control lcore only.
 */
#ifndef LB_PRIV_H
#define LB_PRIV_H

#include <stdint.h>

#include "lb/lb.h"

#define LB_SERVICE_BACKENDS_MAX 1024 /* both schedulers walk them for every new connection */

struct lb_backend {
	struct flow_addr address;
	uint16_t port; /* never 0: the VIP's when the configuration has none */
	uint16_t weight;
	int32_t credit; /* lb_rr.c: turns it is owed, in units of 1 / total weight */
	uint64_t id;	/* lb_hash.c: digest of address and port */
	uint64_t connections;
};

struct lb_log2; /* lb_hash.c: table of logarithms */

struct lb_scheduler_ops;
struct lb_service {
	char *name;
	uint8_t family;
	uint8_t proto;
	uint16_t port;
	struct flow_addr vip;
	enum lb_scheduler scheduler;
	const struct lb_scheduler_ops *ops;
	struct lb_backend *backends; /* a slice of lb.backends */
	unsigned int n_backends;
	uint32_t seed;
	const struct lb_log2 *log2;
	uint64_t connections;
};

/*
 * A scheduler: `select` returns the index of the backend for a new connection, or -EHOSTUNREACH
 * when no backend has weight. It sees every backend, those of weight 0 too.
 */
struct lb_scheduler_ops {
	const char *name;
	int (*select)(struct lb_service *s, const struct flow_tuple *t);
};
extern const struct lb_scheduler_ops lb_rr_ops;
extern const struct lb_scheduler_ops lb_hash_ops;

/* Digest of a backend for lb_hash: by what it is, not by its place in the list. */
uint64_t
lb_hash_backend(const struct lb_backend *b, uint32_t seed);

/* NULL when out of memory; to be freed with free(). */
struct lb_log2 *
lb_log2_create(void);

/* log2(2^64 / h), h > 0, as a fixed-point number with LB_LOG2_BITS bits after the point. */
#define LB_LOG2_BITS 40
uint64_t
lb_log2_inverse(const struct lb_log2 *table, uint64_t h);

#endif /* LB_PRIV_H */
