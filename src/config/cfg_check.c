/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What spans sections: addresses that are taken twice, gateways outside of every network, services
 * that lead to themselves, queues that a port does not have. Called once, after everything is
 * read; also derives what one section takes from another. Values that were refused carry their
 * mark (cfg_priv.h) and are stepped over.
 */
#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "cfg_priv.h"

/*
 * Key of the indices below: compared by all of its bytes, so those that a check does not use are
 * zero.
 */
struct key {
	struct flow_addr addr;
	uint16_t port; /* of a transport protocol, or index of a port */
	uint8_t family;
	uint8_t detail; /* prefix length, or transport protocol */
};
_Static_assert(sizeof(struct key) == 20, "no padding");

/* Indices by address that several checks use. */
struct taken {
	struct cfg_index own;	   /* shunt's addresses; item: index of the port */
	struct cfg_index networks; /* connected; item: index of the port */
	struct cfg_index vips;	   /* item: index of the service */
};

static int64_t
find(const struct cfg_index *x, uint8_t family, const struct flow_addr *addr, uint8_t len)
{
	const struct key key = { .family = family, .addr = *addr, .detail = len };

	return cfg_index_find(x, &key);
}

/* ---- own addresses --------------------------------------------------------------------------- */

/* Own address i of port p; the next one; no more. */
struct own {
	const struct cfg_port *port;
	const struct cfg_prefix *address;
	unsigned int p, i;
};

static bool
own_next(const struct cfg *cfg, struct own *o)
{
	if (o->address != NULL)
		o->i++;
	for (; o->p < cfg->n_ports; o->p++, o->i = 0) {
		o->port = &cfg->ports[o->p];
		for (; o->i < o->port->n_addresses; o->i++) {
			o->address = &o->port->addresses[o->i];
			if (o->address->family != 0)
				return true;
		}
	}
	return false;
}

/* One of the networks lies in the other. */
static bool
overlap(const struct cfg_prefix *a, const struct cfg_prefix *b)
{
	return a->len <= b->len ? cfg_prefix_covers(a, b->family, &b->addr)
				: cfg_prefix_covers(b, a->family, &a->addr);
}

static void
check_own(struct cfg_reader *r, const struct own *o)
{
	const struct cfg_at at_ports = { .key = "ports" };
	const struct cfg_at at_port = { .up = &at_ports, .index = o->p };
	const struct cfg_at at_addresses = { .up = &at_port, .key = "addresses" };
	const struct cfg_at at = { .up = &at_addresses, .index = o->i };
	char a[CFG_PREFIX_STRLEN], b[CFG_PREFIX_STRLEN];
	struct own before = { 0 };

	while (own_next(r->cfg, &before) && (before.p != o->p || before.i != o->i)) {
		bool same = memcmp(&before.address->addr, &o->address->addr,
					    sizeof(o->address->addr)) == 0 &&
				before.address->family == o->address->family;

		if (before.p == o->p ? !same : !overlap(before.address, o->address))
			continue;
		cfg_error(r, &at, "%s overlaps %s, which is /ports/%u/addresses/%u: expected %s",
				cfg_prefix_str(o->address, a), cfg_prefix_str(before.address, b),
				before.p, before.i,
				before.p == o->p ? "each address once" : "a network on one port");
		return;
	}
}

static void
check_addresses(struct cfg_reader *r, struct taken *t)
{
	struct own o = { 0 };

	while (own_next(r->cfg, &o)) {
		struct cfg_prefix network = cfg_network(o.address);
		struct key key = { .family = o.address->family, .addr = o.address->addr };

		check_own(r, &o);
		cfg_index_add(&t->own, &key, o.p);
		key.addr = network.addr;
		key.detail = network.len;
		cfg_index_add(&t->networks, &key, o.p);
	}
	cfg_index_sort(&t->own);
	cfg_index_sort(&t->networks);
}

/* ---- routes ---------------------------------------------------------------------------------- */

/* Every own address is known: none was refused, nor a whole list of them. */
static bool
addresses_known(const struct cfg_reader *r)
{
	json_t *ports = json_object_get(r->root, "ports");
	unsigned int p, i;

	if (!json_is_array(ports) || json_array_size(ports) != r->cfg->n_ports)
		return false;
	for (p = 0; p < r->cfg->n_ports; p++) {
		const struct cfg_port *port = &r->cfg->ports[p];
		json_t *addresses = json_object_get(json_array_get(ports, p), "addresses");

		if (addresses != NULL &&
				(!json_is_array(addresses) ||
						json_array_size(addresses) != port->n_addresses))
			return false;
		for (i = 0; i < port->n_addresses; i++) {
			if (port->addresses[i].family == 0)
				return false;
		}
	}
	return true;
}

/*
 * The own address whose network a gateway lies in, of the route's port if it has one; the longest
 * prefix wins.
 */
static const struct cfg_prefix *
network_of(const struct cfg *cfg, const struct cfg_route *route, unsigned int *port)
{
	const struct cfg_prefix *best = NULL;
	struct own o = { 0 };

	while (own_next(cfg, &o)) {
		if (route->port != CFG_ANY_PORT && route->port != o.p)
			continue;
		if (!cfg_prefix_covers(o.address, route->prefix.family, &route->via))
			continue;
		if (best == NULL || o.address->len > best->len) {
			best = o.address;
			*port = o.p;
		}
	}
	return best;
}

static void
check_gateway(struct cfg_reader *r, unsigned int i, const struct taken *t)
{
	static const struct flow_addr refused;
	struct cfg_route *route = &r->cfg->routes[i];
	uint8_t family = route->prefix.family;
	char via[CFG_PREFIX_STRLEN];
	unsigned int port;

	if (route->on_link || family == 0 || memcmp(&route->via, &refused, sizeof(refused)) == 0)
		return;
	cfg_address_str(family, &route->via, via);
	if (find(&t->own, family, &route->via, 0) >= 0)
		cfg_error_item(r, "routes", i, "via",
				"%s is shunt's own address: expected another router's", via);
	else if (cfg_link_local(family, &route->via) && route->port != CFG_ANY_PORT)
		return; /* in no network that is written down, and on the link all the same */
	else if (cfg_link_local(family, &route->via))
		cfg_error_item(r, "routes", i, "via",
				"%s may be on any port: expected \"port\" as well", via);
	else if (network_of(r->cfg, route, &port) != NULL)
		route->port = port;
	else if (route->port == CFG_ANY_PORT)
		cfg_error_item(r, "routes", i, "via",
				"%s is in no port's network: expected an address in one", via);
	else
		cfg_error_item(r, "routes", i, "via",
				"%s is in no network of port \"%s\": expected an address in one",
				via, r->cfg->ports[route->port].name);
}

static void
check_routes(struct cfg_reader *r, const struct taken *t)
{
	const struct cfg_at at_routes = { .key = "routes" };
	bool known = addresses_known(r);
	struct cfg_index x;
	unsigned int i;

	if (!cfg_index_init(r, &x, sizeof(struct key), r->cfg->n_routes))
		return;
	for (i = 0; i < r->cfg->n_routes; i++) {
		const struct cfg_route *route = &r->cfg->routes[i];
		const struct cfg_prefix *p = &route->prefix;
		const struct key key = { .family = p->family, .addr = p->addr, .detail = p->len };
		int64_t port;

		if (known && route->port != CFG_BAD_REFERENCE)
			check_gateway(r, i, t);
		if (p->family == 0)
			continue;
		cfg_index_add(&x, &key, i);
		port = find(&t->networks, p->family, &p->addr, p->len);
		if (port >= 0)
			cfg_error_item(r, "routes", i, "prefix",
					"the network of an address of /ports/%u, which is a route already: expected another",
					(unsigned int)port);
	}
	cfg_index_sort(&x);
	cfg_index_duplicates(&x, r, &at_routes, "prefix", "prefix");
	cfg_index_free(&x);
}

/* ---- neighbours ------------------------------------------------------------------------------ */

static void
check_neighbours(struct cfg_reader *r, const struct taken *t)
{
	const struct cfg_at at_neighbours = { .key = "neighbours" };
	struct cfg_index x;
	unsigned int i;

	if (!cfg_index_init(r, &x, sizeof(struct key), r->cfg->n_neighbours))
		return;
	for (i = 0; i < r->cfg->n_neighbours; i++) {
		const struct cfg_neighbour *n = &r->cfg->neighbours[i];
		const struct key key = { .family = n->family, .addr = n->address, .port = n->port };

		if (n->family == 0)
			continue;
		if (find(&t->own, n->family, &n->address, 0) >= 0)
			cfg_error_item(r, "neighbours", i, "address",
					"shunt's own address: expected another machine's");
		if (n->port != CFG_BAD_REFERENCE)
			cfg_index_add(&x, &key, i);
	}
	cfg_index_sort(&x);
	cfg_index_duplicates(&x, r, &at_neighbours, NULL, "port and address");
	cfg_index_free(&x);
}

/* ---- services -------------------------------------------------------------------------------- */

static void
check_vips(struct cfg_reader *r, struct taken *t)
{
	const struct cfg_at at_services = { .key = "services" };
	struct cfg_index x;
	unsigned int i;

	if (!cfg_index_init(r, &x, sizeof(struct key), r->cfg->n_services))
		return;
	for (i = 0; i < r->cfg->n_services; i++) {
		const struct cfg_service *s = &r->cfg->services[i];
		struct key key = { .family = s->family, .addr = s->vip };
		int64_t port;

		if (s->family == 0)
			continue;
		cfg_index_add(&t->vips, &key, i);
		key.port = s->port;
		key.detail = s->proto;
		if (s->port != 0 && s->proto != 0)
			cfg_index_add(&x, &key, i);
		port = find(&t->own, s->family, &s->vip, 0);
		if (port >= 0)
			cfg_error_item(r, "services", i, "vip",
					"an address of /ports/%u: expected one that no port has",
					(unsigned int)port);
	}
	cfg_index_sort(&t->vips);
	cfg_index_sort(&x);
	cfg_index_duplicates(&x, r, &at_services, NULL, "VIP, protocol and port");
	cfg_index_free(&x);
}

static void
check_backends(struct cfg_reader *r, unsigned int service, const struct taken *t)
{
	const struct cfg_service *s = &r->cfg->services[service];
	const struct cfg_at at_services = { .key = "services" };
	const struct cfg_at at_service = { .up = &at_services, .index = service };
	const struct cfg_at at_backends = { .up = &at_service, .key = "backends" };
	struct cfg_at at_backend = { .up = &at_backends };
	const struct cfg_at at = { .up = &at_backend, .key = "address" };
	struct cfg_index x;
	unsigned int i;

	if (!cfg_index_init(r, &x, sizeof(struct key), s->n_backends))
		return;
	for (i = 0; i < s->n_backends; i++) {
		const struct cfg_backend *b = &s->backends[i];
		const struct key key = { .family = b->family, .addr = b->address, .port = b->port };
		int64_t vip;

		if (b->family == 0)
			continue;
		at_backend.index = i;
		cfg_index_add(&x, &key, i);
		vip = find(&t->vips, b->family, &b->address, 0);
		if (vip >= 0)
			cfg_error(r, &at,
					"the VIP of /services/%u, a loop: expected a server's address",
					(unsigned int)vip);
		else if (find(&t->own, b->family, &b->address, 0) >= 0)
			cfg_error(r, &at, "shunt's own address: expected a server's");
	}
	cfg_index_sort(&x);
	cfg_index_duplicates(&x, r, &at_backends, NULL, "address and port");
	cfg_index_free(&x);
}

static void
check_services(struct cfg_reader *r, struct taken *t)
{
	struct cfg *cfg = r->cfg;
	unsigned int i;

	check_vips(r, t);
	for (i = 0; i < cfg->n_services; i++) {
		check_backends(r, i, t);
		if (cfg->n_backends <= CFG_BACKENDS_MAX &&
				cfg->n_backends + cfg->services[i].n_backends > CFG_BACKENDS_MAX)
			cfg_error_item(r, "services", i, "backends",
					"more than %u backends in all services: expected fewer",
					CFG_BACKENDS_MAX);
		cfg->n_backends += cfg->services[i].n_backends;
	}
}

/* ---- classes --------------------------------------------------------------------------------- */

/*
 * The most tx queues that a class's port may have; of any port where it names none. CFG_AUTO: not
 * known yet.
 */
static uint16_t
tx_queues(const struct cfg *cfg, const struct cfg_class *c)
{
	uint16_t most = 0;
	unsigned int p;

	for (p = 0; p < cfg->n_ports; p++) {
		if (c->port != CFG_ANY_PORT && c->port != p)
			continue;
		if (cfg->ports[p].tx_queues == CFG_AUTO)
			return CFG_AUTO;
		most = RTE_MAX(most, cfg->ports[p].tx_queues);
	}
	return most;
}

static void
check_classes(struct cfg_reader *r)
{
	unsigned int i;

	for (i = 0; i < r->cfg->n_classes; i++) {
		const struct cfg_class *c = &r->cfg->classes[i];
		uint16_t queues = tx_queues(r->cfg, c);

		if (c->queue != CFG_ANY_QUEUE && queues != CFG_AUTO && c->queue >= queues)
			cfg_error_item(r, "classes", i, "queue",
					"%u is out of range: expected 0 to %u, as %s has %u tx-queues",
					c->queue, queues - 1,
					c->port == CFG_ANY_PORT ? "the largest port" : "the port",
					queues);
	}
}

void
cfg_check(struct cfg_reader *r)
{
	const size_t key = sizeof(struct key);
	unsigned int n_own = r->cfg->n_ports * CFG_PORT_ADDRESSES_MAX;
	struct taken t = { 0 };

	cfg_check_names(r);
	cfg_check_zones(r);
	cfg_complete_policies(r);
	check_classes(r);
	cfg_check_syn_cookies(r->cfg);
	cfg_check_fragments(r);
	if (cfg_index_init(r, &t.own, key, n_own) && cfg_index_init(r, &t.networks, key, n_own) &&
			cfg_index_init(r, &t.vips, key, r->cfg->n_services)) {
		check_addresses(r, &t);
		check_routes(r, &t);
		check_neighbours(r, &t);
		check_services(r, &t);
	}
	cfg_index_free(&t.own);
	cfg_index_free(&t.networks);
	cfg_index_free(&t.vips);
}
