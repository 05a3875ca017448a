/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load balancing: services (VIP, protocol, port) and their backends, and the schedulers that choose one when a
 * connection opens: in turn (lb_rr.c), or by weighted rendezvous hashing (lb_hash.c, where the papers are named). Control
 * lcore only; workers see the choice as a compiled flow.
 */
#ifndef LB_LB_H
#define LB_LB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/flow.h"

struct lb; /* opaque */

enum lb_scheduler { LB_ROUND_ROBIN, LB_HASH };

struct lb_backend_params {
	struct flow_addr address;
	uint16_t port;	 /* host order; 0 = keep the VIP's port */
	uint16_t weight; /* 1.. ; 0 = takes no new connection */
};

struct lb_service_params {
	const char *name;
	uint8_t family; /* 4 or 6; backends have the same */
	uint8_t proto;	/* IPPROTO_TCP, _UDP, _SCTP */
	uint16_t port;	/* host order */
	struct flow_addr vip;
	enum lb_scheduler scheduler;
	const struct lb_backend_params *backends;
	unsigned int n_backends;
};

struct lb_params {
	const struct lb_service_params *services; /* copied */
	unsigned int n_services;
	uint32_t hash_seed;
};

/* NULL with rte_errno (EINVAL: duplicate VIP/protocol/port, backend of another family; ENOMEM). */
struct lb *
lb_create(const struct lb_params *p);
void
lb_destroy(struct lb *lb);

struct lb_choice {
	struct flow_addr address;
	uint16_t port;	  /* host order */
	uint16_t service; /* index in lb_params */
	uint16_t backend; /* counter index over all services: lb_backend_first(service) + i */
};

/* [any lcore] Service that a tuple's destination names, or -ENOENT. O(1), and only reads what lb_create() wrote. */
int
lb_find(const struct lb *lb, const struct flow_tuple *t);

/* Choose a backend for a new connection of `service`. 0, or -EHOSTUNREACH when none can take it. */
int
lb_select(struct lb *lb, unsigned int service, const struct flow_tuple *t, struct lb_choice *out);

/* Is this address the VIP of any service? (ARP, neighbour discovery, echo.) */
bool
lb_is_vip(const struct lb *lb, uint8_t family, const struct flow_addr *addr);

unsigned int
lb_services(const struct lb *lb);
unsigned int
lb_backends(const struct lb *lb); /* over all services: size of counter arrays */

struct lb_service_info {
	const char *name;
	uint8_t family;
	uint8_t proto;
	uint16_t port;
	struct flow_addr vip;
	enum lb_scheduler scheduler;
	unsigned int n_backends;
	unsigned int backend_first; /* counter index of its first backend */
	uint64_t connections;	    /* opened so far */
};
struct lb_backend_info {
	struct flow_addr address;
	uint16_t port;
	uint16_t weight;
	uint64_t connections;
};
/* 0, or -ENOENT: there is no such service or backend. */
int
lb_service_info(const struct lb *lb, unsigned int service, struct lb_service_info *out);
int
lb_backend_info(const struct lb *lb, unsigned int service, unsigned int i,
		struct lb_backend_info *out);
const char *
lb_scheduler_name(enum lb_scheduler s); /* "round-robin", "hash" */

#endif /* LB_LB_H */
