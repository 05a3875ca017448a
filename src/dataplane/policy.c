/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration to policy: services, classes and rules, routes and neighbours, each in the form that its folder takes.
 * Main lcore, at start.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_lcore.h>

#include "base/log.h"
#include "dp_priv.h"
#include "limit/lim.h"
#include "limits.h"
#include "session.h"

static int
failed(const char *what)
{
	log_err("%s: %s\n", what, rte_strerror(rte_errno));
	return rte_errno != 0 ? -rte_errno : -ENOMEM;
}

/* ---- services ----------------------------------------------------------------------------------------------- */

static int
services_create(struct dp *dp)
{
	const struct cfg *cfg = dp->cfg;
	struct lb_service_params *services = calloc(cfg->n_services + 1, sizeof(*services));
	struct lb_backend_params *backends = calloc(cfg->n_backends + 1, sizeof(*backends));
	struct lb_params p = {
		.services = services, .n_services = cfg->n_services, .hash_seed = dp->hash_seed
	};
	struct lb_backend_params *next = backends;

	for (unsigned int i = 0; services != NULL && backends != NULL && i < cfg->n_services; i++) {
		const struct cfg_service *s = &cfg->services[i];

		services[i] = (struct lb_service_params){
			.name = s->name,
			.family = s->family,
			.proto = s->proto,
			.port = s->port,
			.vip = s->vip,
			.scheduler = s->scheduler == CFG_HASH ? LB_HASH : LB_ROUND_ROBIN,
			.backends = next,
			.n_backends = s->n_backends,
		};
		for (unsigned int j = 0; j < s->n_backends; j++)
			*next++ = (struct lb_backend_params){ s->backends[j].address,
				s->backends[j].port, s->backends[j].weight };
	}
	if (services != NULL && backends != NULL)
		dp->lb = lb_create(&p);
	free(services);
	free(backends);
	return dp->lb != NULL ? 0 : failed("services");
}

/* ---- classes and rules ---------------------------------------------------------------------------------------- */

static struct cls_prefix
prefix_of(const struct cfg_prefix *p)
{
	return (struct cls_prefix){ .addr = p->addr, .len = p->len, .any = p->family == 0 };
}

struct cls_rule
policy_rule(const struct cfg_rule *r)
{
	return (struct cls_rule){
		.family = r->family,
		.proto = r->proto,
		.in_port = r->in_port,
		.states = r->states,
		.class_id = r->class_id,
		.src = prefix_of(&r->source),
		.dst = prefix_of(&r->destination),
		.sport = { r->source_port.lo, r->source_port.hi },
		.dport = { r->destination_port.lo, r->destination_port.hi },
		.sni = r->sni,
		.dcid = r->dcid,
		.dcid_len = r->dcid_len,
	};
}

static int
classes_create(struct dp *dp)
{
	const struct cfg *cfg = dp->cfg;
	struct cls_class *classes = calloc(cfg->n_classes, sizeof(*classes));
	struct cls_rule *rules = calloc(cfg->n_rules + 1, sizeof(*rules));
	struct cls_params p = {
		.name = "shunt",
		.classes = classes,
		.n_classes = cfg->n_classes,
		.rules = rules,
		.n_rules = cfg->n_rules,
		.default_class = cfg->default_class,
		.socket_id = (int)rte_socket_id(),
	};

	for (unsigned int i = 0; classes != NULL && i < cfg->n_classes; i++) {
		const struct cfg_class *c = &cfg->classes[i];

		classes[i] = (struct cls_class){ c->name, c->drop, c->has_mark, c->port, c->queue,
			c->mark };
	}
	for (unsigned int i = 0; rules != NULL && i < cfg->n_rules; i++) {
		rules[i] = policy_rule(&cfg->rules[i]);
		dp->state_rules = dp->state_rules || rules[i].states != 0;
	}
	if (classes != NULL && rules != NULL)
		dp->cls = cls_create(&p);
	free(classes);
	free(rules);
	return dp->cls != NULL ? 0 : failed("classes and rules");
}

/* ---- layer 3 -------------------------------------------------------------------------------------------------------- */

static struct l3_prefix
l3_prefix_of(const struct cfg_prefix *p)
{
	return (struct l3_prefix){ .family = p->family, .len = p->len, .addr = p->addr };
}

/* Arrays that l3_create() reads, by number of elements in the configuration. */
struct l3_arrays {
	struct l3_port_params *ports;
	struct l3_prefix *addresses; /* of all ports */
	struct l3_route_params *routes;
	struct l3_neighbour_params *neighbours;
	struct l3_prefix *vips;
};

static void
l3_arrays_free(struct l3_arrays *a)
{
	free(a->ports);
	free(a->addresses);
	free(a->routes);
	free(a->neighbours);
	free(a->vips);
}

static bool
l3_arrays_alloc(struct l3_arrays *a, const struct cfg *cfg)
{
	size_t addresses = 0;

	for (unsigned int i = 0; i < cfg->n_ports; i++)
		addresses += cfg->ports[i].n_addresses;
	a->ports = calloc(cfg->n_ports, sizeof(*a->ports));
	a->addresses = calloc(addresses + 1, sizeof(*a->addresses));
	a->routes = calloc(cfg->n_routes + 1, sizeof(*a->routes));
	a->neighbours = calloc(cfg->n_neighbours + 1, sizeof(*a->neighbours));
	a->vips = calloc(cfg->n_services + 1, sizeof(*a->vips));
	return a->ports != NULL && a->addresses != NULL && a->routes != NULL &&
			a->neighbours != NULL && a->vips != NULL;
}

static void
l3_arrays_fill(struct l3_arrays *a, const struct dp *dp)
{
	const struct cfg *cfg = dp->cfg;
	struct l3_prefix *next = a->addresses;

	for (unsigned int i = 0; i < cfg->n_ports; i++) {
		const struct cfg_port *p = &cfg->ports[i];

		a->ports[i] = (struct l3_port_params){
			.mac = dp->ports[i].mac,
			.mtu = p->mtu,
			.answer_vips = p->role == CFG_EXTERNAL,
			.addresses = next,
			.n_addresses = p->n_addresses,
		};
		for (unsigned int j = 0; j < p->n_addresses; j++)
			*next++ = l3_prefix_of(&p->addresses[j]);
	}
	for (unsigned int i = 0; i < cfg->n_routes; i++) {
		const struct cfg_route *r = &cfg->routes[i];

		a->routes[i] = (struct l3_route_params){ l3_prefix_of(&r->prefix), r->port,
			r->on_link, r->via };
	}
	for (unsigned int i = 0; i < cfg->n_neighbours; i++) {
		const struct cfg_neighbour *n = &cfg->neighbours[i];

		a->neighbours[i] = (struct l3_neighbour_params){ n->port, n->family, n->address,
			n->mac };
	}
	for (unsigned int i = 0; i < cfg->n_services; i++)
		a->vips[i] = (struct l3_prefix){ .family = cfg->services[i].family,
			.addr = cfg->services[i].vip };
}

static int
layer3_create(struct dp *dp)
{
	const struct cfg *cfg = dp->cfg;
	struct l3_arrays a = { .ports = NULL };

	if (l3_arrays_alloc(&a, cfg)) {
		l3_arrays_fill(&a, dp);
		dp->l3 = l3_create(&(struct l3_params){
				.name = "shunt",
				.ports = a.ports,
				.n_ports = cfg->n_ports,
				.routes = a.routes,
				.n_routes = cfg->n_routes,
				.neighbours = a.neighbours,
				.n_neighbours = cfg->n_neighbours,
				.vips = a.vips,
				.n_vips = cfg->n_services,
				.max_nexthops = cfg->tables.next_hops,
				.hold_per_neighbour = cfg->tables.hold_per_neighbour,
				/* What waits must not leave nothing to receive into. */
				.hold_total = RTE_MIN(
						cfg->tables.hold_total, cfg->tables.mbufs / 2),
				.icmp_rate = cfg->l3.icmp_rate,
				.pool = dp->pool,
				.socket_id = (int)rte_socket_id(),
		});
	}
	l3_arrays_free(&a);
	if (dp->l3 == NULL)
		return failed("routes and neighbours");
	for (unsigned int i = 0; i < dp->n_workers; i++)
		dp->workers[i]->nexthops = l3_nexthops(dp->l3);
	return 0;
}

int
policy_create(struct dp *dp)
{
	int rc = services_create(dp);

	if (rc == 0)
		rc = classes_create(dp);
	if (rc == 0)
		rc = limits_create(dp);
	if (rc == 0)
		rc = session_rules_create(dp);
	return rc != 0 ? rc : layer3_create(dp);
}

void
policy_destroy(struct dp *dp)
{
	l3_destroy(dp->l3);
	lim_destroy(dp->lim);
	session_rules_destroy(dp->rules);
	cls_destroy(dp->cls);
	lb_destroy(dp->lb);
}
