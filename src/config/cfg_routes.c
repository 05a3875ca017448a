/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sections "routes" and "neighbours". Called by the reader through the tables; what a gateway has
 * to do with the ports' networks is checked in cfg_check.c.
 */
#include <rte_common.h>

#include "cfg_priv.h"

/* A route before it is known where its gateway lies. */
static void
init_route(void *object)
{
	struct cfg_route *route = object;

	route->on_link = true;
}

/* Field: struct cfg_route. */
static void
parse_via(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	struct cfg_route *route = field;
	struct flow_addr via;
	uint8_t family;

	route->on_link = false;
	if (!cfg_unicast(r, at, v, &family, &via) || route->prefix.family == 0)
		return;
	if (route->prefix.family == family)
		route->via = via;
	else
		cfg_error(r, at, "an IPv%u gateway of an IPv%u prefix: expected an IPv%u address",
				family, route->prefix.family, route->prefix.family);
}

static void
check_route(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good)
{
	const struct cfg_route *route = object;

	if (good && route->on_link && route->port == CFG_ANY_PORT)
		cfg_error(r, at,
				"neither \"via\" nor \"port\": expected a gateway, a port, or both");
}

#define ROUTE struct cfg_route
static const struct cfg_key route_keys[] = {
	{ "prefix", CFG_VALUE, CFG_FIELD(ROUTE, prefix), .required = true,
			.parse = cfg_parse_network, .expected = cfg_prefix_expected },
	{ "via", CFG_VALUE, .parse = parse_via },
	{ "port", CFG_VALUE, CFG_FIELD(ROUTE, port), .parse = cfg_parse_port_reference,
			.fallback = CFG_ANY_PORT },
};

const struct cfg_section cfg_route_section = { "route", route_keys, RTE_DIM(route_keys),
	.init = init_route, .check = check_route };

/* Field: struct cfg_neighbour. */
static void
parse_neighbour_address(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	struct cfg_neighbour *n = field;

	cfg_unicast(r, at, v, &n->family, &n->address);
}

#define NEIGHBOUR struct cfg_neighbour
static const struct cfg_key neighbour_keys[] = {
	{ "port", CFG_VALUE, CFG_FIELD(NEIGHBOUR, port), .required = true,
			.parse = cfg_parse_port_reference, .fallback = CFG_BAD_REFERENCE,
			.expected = "the name of a port" },
	{ "address", CFG_VALUE, .required = true, .parse = parse_neighbour_address,
			.expected = cfg_address_expected },
	{ "mac", CFG_VALUE, CFG_FIELD(NEIGHBOUR, mac), .required = true, .parse = cfg_parse_mac,
			.expected = cfg_mac_expected },
};

const struct cfg_section cfg_neighbour_section = { "neighbour", neighbour_keys,
	RTE_DIM(neighbour_keys) };
