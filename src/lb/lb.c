/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services and backends: taken over from the configuration, found by a connection's destination,
 * counted. Which backend is for a scheduler to say (lb_rr.c, lb_hash.c). Called by the session code
 * when a connection opens and by the control interface for tables; control lcore only. Knows
 * nothing of NAT or routes: it names an address and a port.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_jhash.h>

#include "base/log.h"
#include "lb_priv.h"

struct lb {
	struct rte_hash *table; /* struct lb_key -> index of the service */
	struct lb_log2 *log2;
	struct lb_service *services;
	struct lb_backend *backends; /* all of them, a service's next to each other */
	unsigned int n_services;
	unsigned int n_backends;
};

/* Where connections go to. Protocol and port 0: the VIP itself, whatever is served there. */
struct lb_key {
	struct flow_addr vip;
	uint16_t port; /* host order */
	uint8_t proto;
	uint8_t family;
};
_Static_assert(sizeof(struct lb_key) == 20, "hashed as bytes: no padding");

static const struct lb_scheduler_ops *const schedulers[] = {
	[LB_ROUND_ROBIN] = &lb_rr_ops,
	[LB_HASH] = &lb_hash_ops,
};

/* ---- what the configuration may say ---- */

static bool
address_fits(uint8_t family, const struct flow_addr *a)
{
	static const struct flow_addr unspecified;

	if (memcmp(a, &unspecified, sizeof(*a)) == 0)
		return false;
	return family == 6 || memcmp(a->b + 4, unspecified.b + 4, sizeof(a->b) - 4) == 0;
}

/* A backend's port 0 stands for the VIP's. */
static uint16_t
backend_port(const struct lb_service_params *p, unsigned int i)
{
	return p->backends[i].port != 0 ? p->backends[i].port : p->port;
}

static bool
backend_repeats(const struct lb_service_params *p, unsigned int i)
{
	const struct flow_addr *address = &p->backends[i].address;
	unsigned int j;

	for (j = 0; j < i; j++) {
		if (memcmp(address, &p->backends[j].address, sizeof(*address)) == 0 &&
				backend_port(p, i) == backend_port(p, j))
			return true;
	}
	return false;
}

/* NULL, or what is wrong with a service taken by itself. */
static const char *
service_error(const struct lb_service_params *p)
{
	unsigned int i;

	if (p->name == NULL)
		return "it has no name";
	if (p->family != 4 && p->family != 6)
		return "family is neither 4 nor 6";
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP && p->proto != IPPROTO_SCTP)
		return "protocol is neither TCP, UDP nor SCTP";
	if (p->port == 0)
		return "port is 0";
	if (!address_fits(p->family, &p->vip))
		return "VIP is unspecified or of another family";
	if ((unsigned int)p->scheduler >= RTE_DIM(schedulers))
		return "unknown scheduler";
	if (p->n_backends > LB_SERVICE_BACKENDS_MAX)
		return "more than " RTE_STR(LB_SERVICE_BACKENDS_MAX) " backends";
	for (i = 0; i < p->n_backends; i++) {
		if (!address_fits(p->family, &p->backends[i].address))
			return "a backend's address is unspecified or of another family";
		if (backend_repeats(p, i))
			return "a backend is listed twice";
	}
	return NULL;
}

/* Sum of backends over all services, or -EINVAL. */
static int
check(const struct lb_params *p)
{
	unsigned int i, n = 0;

	if (p->n_services > UINT16_MAX) {
		log_err("%u services, at most %u\n", p->n_services, UINT16_MAX);
		return -EINVAL;
	}
	for (i = 0; i < p->n_services; i++) {
		const struct lb_service_params *s = &p->services[i];
		const char *error = service_error(s);

		if (error != NULL) {
			log_err("service %s: %s\n", s->name != NULL ? s->name : "?", error);
			return -EINVAL;
		}
		n += s->n_backends;
		/* Indices of counters are 16 bits, and the last one says "none". */
		if (n > FLOW_NO_BACKEND) {
			log_err("service %s: more than %u backends altogether\n", s->name,
					FLOW_NO_BACKEND);
			return -EINVAL;
		}
	}
	return (int)n;
}

/* ---- create and destroy ---- */

static int
take_service(struct lb *lb, const struct lb_service_params *p, uint32_t seed)
{
	struct lb_service *s = &lb->services[lb->n_services];
	unsigned int i;

	s->name = strdup(p->name);
	if (s->name == NULL)
		return -ENOMEM;
	s->family = p->family;
	s->proto = p->proto;
	s->port = p->port;
	s->vip = p->vip;
	s->scheduler = p->scheduler;
	s->ops = schedulers[p->scheduler];
	s->seed = seed;
	s->log2 = lb->log2;
	s->backends = lb->backends + lb->n_backends;
	s->n_backends = p->n_backends;
	for (i = 0; i < p->n_backends; i++) {
		struct lb_backend *b = &s->backends[i];

		b->address = p->backends[i].address;
		b->port = backend_port(p, i);
		b->weight = p->backends[i].weight;
		b->id = lb_hash_backend(b, seed);
	}
	lb->n_backends += p->n_backends;
	lb->n_services++;
	return 0;
}

/* Enter service i into the table: itself, and its VIP. */
static int
enter_service(struct lb *lb, unsigned int i)
{
	const struct lb_service *s = &lb->services[i];
	struct lb_key key = {
		.vip = s->vip, .port = s->port, .proto = s->proto, .family = s->family
	};
	const struct lb_key address = { .vip = s->vip, .family = s->family };
	int rc;

	if (rte_hash_lookup(lb->table, &key) >= 0) {
		log_err("service %s: another one has the same VIP, protocol and port\n", s->name);
		return -EINVAL;
	}
	rc = rte_hash_add_key_data(lb->table, &key, (void *)(uintptr_t)i);
	if (rc < 0)
		return rc;
	return rte_hash_add_key_data(lb->table, &address, NULL);
}

static struct rte_hash *
create_table(const struct lb *lb, unsigned int n_services)
{
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters params = {
		.name = name,
		.entries = RTE_MAX(2 * n_services, 64u),
		.key_len = sizeof(struct lb_key),
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		/* Holds as many as it says, whatever their hashes. */
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	/* DPDK wants names unique in the process; the old and the new policy live side by side. */
	snprintf(name, sizeof(name), "lb-%" PRIxPTR, (uintptr_t)lb);
	return rte_hash_create(&params);
}

struct lb *
lb_create(const struct lb_params *p)
{
	int n_backends = check(p), rc;
	struct lb *lb;
	unsigned int i;

	if (n_backends < 0) {
		rte_errno = -n_backends;
		return NULL;
	}
	lb = calloc(1, sizeof(*lb));
	if (lb == NULL)
		goto no_memory;
	lb->services = calloc(p->n_services + 1, sizeof(*lb->services));
	lb->backends = calloc((size_t)n_backends + 1, sizeof(*lb->backends));
	lb->log2 = lb_log2_create();
	lb->table = create_table(lb, p->n_services);
	if (lb->services == NULL || lb->backends == NULL || lb->log2 == NULL || lb->table == NULL)
		goto no_memory;
	for (i = 0; i < p->n_services; i++) {
		rc = take_service(lb, &p->services[i], p->hash_seed);
		if (rc == 0)
			rc = enter_service(lb, i);
		if (rc != 0) {
			lb_destroy(lb);
			rte_errno = -rc;
			return NULL;
		}
	}
	return lb;

no_memory:
	lb_destroy(lb);
	rte_errno = ENOMEM;
	return NULL;
}

void
lb_destroy(struct lb *lb)
{
	unsigned int i;

	if (lb == NULL)
		return;
	rte_hash_free(lb->table);
	for (i = 0; i < lb->n_services; i++)
		free(lb->services[i].name);
	free(lb->services);
	free(lb->backends);
	free(lb->log2);
	free(lb);
}

/* ---- connections ---- */

int
lb_find(const struct lb *lb, const struct flow_tuple *t)
{
	const struct lb_key key = {
		.vip = t->dst,
		.port = rte_be_to_cpu_16(t->key.dport),
		.proto = t->key.proto,
		.family = t->key.family,
	};
	void *service;

	/* Such a key stands for a VIP, see struct lb_key. */
	if (key.proto == 0)
		return -ENOENT;
	if (rte_hash_lookup_data(lb->table, &key, &service) < 0)
		return -ENOENT;
	return (int)(uintptr_t)service;
}

int
lb_select(struct lb *lb, unsigned int service, const struct flow_tuple *t, struct lb_choice *out)
{
	struct lb_service *s;
	struct lb_backend *b;
	int i;

	if (service >= lb->n_services)
		return -EINVAL;
	s = &lb->services[service];
	i = s->ops->select(s, t);
	if (i < 0)
		return i;
	b = &s->backends[i];
	b->connections++;
	s->connections++;
	*out = (struct lb_choice){
		.address = b->address,
		.port = b->port,
		.service = (uint16_t)service,
		.backend = (uint16_t)(b - lb->backends),
	};
	return 0;
}

bool
lb_is_vip(const struct lb *lb, uint8_t family, const struct flow_addr *addr)
{
	const struct lb_key key = { .vip = *addr, .family = family };

	return rte_hash_lookup(lb->table, &key) >= 0;
}

/* ---- tables ---- */

unsigned int
lb_services(const struct lb *lb)
{
	return lb->n_services;
}

unsigned int
lb_backends(const struct lb *lb)
{
	return lb->n_backends;
}

int
lb_service_info(const struct lb *lb, unsigned int service, struct lb_service_info *out)
{
	const struct lb_service *s;

	if (service >= lb->n_services)
		return -ENOENT;
	s = &lb->services[service];
	*out = (struct lb_service_info){
		.name = s->name,
		.family = s->family,
		.proto = s->proto,
		.port = s->port,
		.vip = s->vip,
		.scheduler = s->scheduler,
		.n_backends = s->n_backends,
		.backend_first = (unsigned int)(s->backends - lb->backends),
		.connections = s->connections,
	};
	return 0;
}

int
lb_backend_info(const struct lb *lb, unsigned int service, unsigned int i,
		struct lb_backend_info *out)
{
	const struct lb_backend *b;

	if (service >= lb->n_services || i >= lb->services[service].n_backends)
		return -ENOENT;
	b = &lb->services[service].backends[i];
	*out = (struct lb_backend_info){
		.address = b->address,
		.port = b->port,
		.weight = b->weight,
		.connections = b->connections,
	};
	return 0;
}

const char *
lb_scheduler_name(enum lb_scheduler s)
{
	return (unsigned int)s < RTE_DIM(schedulers) ? schedulers[s]->name : "?";
}
