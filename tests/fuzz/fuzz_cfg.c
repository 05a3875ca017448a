/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a configuration: they are refused with a reason, or what comes out holds what cfg.h
 * promises to those who use it without looking again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/cfg.h"

#include "fuzz.h"

static void
require_ports(const struct cfg *cfg)
{
	unsigned int i, k;

	REQUIRE(cfg->n_ports >= 1 && cfg->n_ports <= CFG_PORTS_MAX);
	for (i = 0; i < cfg->n_ports; i++) {
		const struct cfg_port *p = &cfg->ports[i];

		REQUIRE(p->name != NULL && p->name[0] != '\0' && strlen(p->name) <= CFG_NAME_MAX);
		REQUIRE(p->mtu >= 68 && p->rx_descriptors > 0 && p->tx_descriptors > 0);
		for (k = 0; k < p->n_addresses; k++)
			REQUIRE(p->addresses[k].family == 4 ? p->addresses[k].len <= 32
							    : p->addresses[k].family == 6);
	}
}

static void
require_routes(const struct cfg *cfg)
{
	unsigned int i;

	for (i = 0; i < cfg->n_routes; i++) {
		REQUIRE(cfg->routes[i].port < cfg->n_ports);
		REQUIRE(cfg->routes[i].prefix.family == 4 || cfg->routes[i].prefix.family == 6);
	}
	for (i = 0; i < cfg->n_neighbours; i++) {
		REQUIRE(cfg->neighbours[i].port < cfg->n_ports);
		REQUIRE(cfg->neighbours[i].family == 4 || cfg->neighbours[i].family == 6);
	}
}

static void
require_services(const struct cfg *cfg)
{
	unsigned int i, k, n = 0;

	for (i = 0; i < cfg->n_services; i++) {
		const struct cfg_service *s = &cfg->services[i];

		REQUIRE(s->name != NULL && s->port != 0 && s->proto != 0 && s->n_backends >= 1);
		for (k = 0; k < s->n_backends; k++)
			REQUIRE(s->backends[k].family == s->family && s->backends[k].port != 0);
		n += s->n_backends;
	}
	REQUIRE(n == cfg->n_backends && n <= CFG_BACKENDS_MAX);
}

static void
require_classes(const struct cfg *cfg)
{
	unsigned int i;

	REQUIRE(cfg->n_classes >= 1 && cfg->default_class < cfg->n_classes);
	for (i = 0; i < cfg->n_classes; i++)
		REQUIRE(cfg->classes[i].port == CFG_ANY_PORT ||
				cfg->classes[i].port < cfg->n_ports);
	for (i = 0; i < cfg->n_rules; i++) {
		const struct cfg_rule *r = &cfg->rules[i];

		REQUIRE(r->class_id < cfg->n_classes);
		REQUIRE(r->in_port == CFG_ANY_PORT || r->in_port < cfg->n_ports);
		REQUIRE(r->source.family == 0 || r->source.family == r->family);
		REQUIRE(r->destination.family == 0 || r->destination.family == r->family);
		REQUIRE(r->source_port.lo <= r->source_port.hi);
		REQUIRE(r->destination_port.lo <= r->destination_port.hi);
		REQUIRE(r->dcid_len <= CFG_DCID_MAX);
	}
}

static void
require_limits(const struct cfg *cfg)
{
	unsigned int i, k;

	REQUIRE(cfg->n_sets <= CFG_SETS_MAX && cfg->n_limits <= CFG_LIMITS_MAX);
	for (i = 0; i < cfg->n_sets; i++) {
		REQUIRE(cfg->sets[i].name != NULL && cfg->sets[i].n_prefixes >= 1);
		for (k = 0; k < cfg->sets[i].n_prefixes; k++)
			REQUIRE(cfg->sets[i].prefixes[k].family == 4 ||
					cfg->sets[i].prefixes[k].family == 6);
	}
	for (i = 0; i < cfg->n_limits; i++) {
		const struct cfg_limit *l = &cfg->limits[i];

		REQUIRE(l->name != NULL && (l->connections != 0 || l->rate != 0));
		REQUIRE((l->rate == 0) == (l->burst == 0));
		REQUIRE(l->set == CFG_NO_SET || l->set < cfg->n_sets);
		REQUIRE(l->not_set == CFG_NO_SET ||
				(l->not_set < cfg->n_sets && l->not_set != l->set));
		REQUIRE(l->service == CFG_ANY_SERVICE || l->service < cfg->n_services);
		REQUIRE(l->in_port == CFG_ANY_PORT || l->in_port < cfg->n_ports);
		REQUIRE(l->prefix_length >= 1 && l->prefix_length <= 32 && l->entries >= 1);
		REQUIRE(l->prefix_length_ipv6 >= 1 && l->prefix_length_ipv6 <= 128);
		REQUIRE(l->destination_port.lo <= l->destination_port.hi);
	}
}

static void
require_errors(const struct cfg_errors *errs)
{
	const char *c;
	unsigned int i;

	REQUIRE(errs->n > 0);
	for (i = 0; i < errs->n; i++) {
		for (c = errs->list[i].where; *c; c++)
			REQUIRE(*c >= ' ' && *c <= '~');
		for (c = errs->list[i].message; *c; c++)
			REQUIRE(*c >= ' ' && *c <= '~');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfg_errors errs = { 0 };
	struct cfg *cfg = cfg_load_json((const char *)data, size, "fuzz", &errs);

	if (cfg == NULL) {
		require_errors(&errs);
	} else {
		REQUIRE(errs.n == 0);
		require_ports(cfg);
		require_routes(cfg);
		require_services(cfg);
		require_classes(cfg);
		require_limits(cfg);
	}
	cfg_free(cfg);
	cfg_errors_free(&errs);
	return 0;
}
