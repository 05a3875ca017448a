/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section "services": virtual addresses and the backends behind them. Called by the reader through
 * the tables; what a service has to do with other services and with the ports is checked in
 * cfg_check.c.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_common.h>

#include "cfg_priv.h"

/* ---- backends -------------------------------------------------------------------------------- */

/* Field: struct cfg_backend. */
static void
parse_backend_address(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	struct cfg_backend *b = field;

	cfg_unicast(r, at, v, &b->family, &b->address);
}

#define BACKEND struct cfg_backend
static const struct cfg_key backend_keys[] = {
	{ "address", CFG_VALUE, .required = true, .parse = parse_backend_address,
			.expected = cfg_address_expected },
	{ "port", CFG_UINT, CFG_FIELD(BACKEND, port), .min = 1, .max = 65535 },
	{ "weight", CFG_UINT, CFG_FIELD(BACKEND, weight), .max = 65535, .fallback = 1 },
};

const struct cfg_section cfg_backend_section = { "backend", backend_keys, RTE_DIM(backend_keys) };

/* ---- services -------------------------------------------------------------------------------- */

/* Field: struct cfg_service. */
static void
parse_vip(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	struct cfg_service *s = field;

	cfg_unicast(r, at, v, &s->family, &s->vip);
}

/* Backends listen on the service's port unless they say otherwise, and are of its family. */
static void
check_service(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good __rte_unused)
{
	struct cfg_service *s = object;
	const struct cfg_at at_backends = { .up = at, .key = "backends" };
	struct cfg_at at_backend = { .up = &at_backends };
	const struct cfg_at at_address = { .up = &at_backend, .key = "address" };
	unsigned int i;

	for (i = 0; i < s->n_backends; i++) {
		struct cfg_backend *b = &s->backends[i];

		at_backend.index = i;
		if (b->port == 0)
			b->port = s->port;
		if (b->family != 0 && s->family != 0 && b->family != s->family)
			cfg_error(r, &at_address,
					"an IPv%u backend of an IPv%u service: expected an IPv%u address",
					b->family, s->family, s->family);
	}
}

static const struct cfg_word protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
	{ NULL },
};

static const struct cfg_word schedulers[] = {
	{ "round-robin", CFG_ROUND_ROBIN },
	{ "hash", CFG_HASH },
	{ NULL },
};

#define SERVICE struct cfg_service
static const struct cfg_key service_keys[] = {
	{ "name", CFG_VALUE, CFG_FIELD(SERVICE, name), .required = true, .parse = cfg_parse_name,
			.expected = cfg_name_expected },
	{ "vip", CFG_VALUE, .required = true, .parse = parse_vip,
			.expected = cfg_address_expected },
	{ "protocol", CFG_ENUM, CFG_FIELD(SERVICE, proto), .required = true, .words = protocols },
	{ "port", CFG_UINT, CFG_FIELD(SERVICE, port), .required = true, .min = 1, .max = 65535 },
	{ "scheduler", CFG_ENUM, CFG_FIELD(SERVICE, scheduler), .words = schedulers,
			.fallback = CFG_ROUND_ROBIN },
	{ "backends", CFG_LIST, CFG_ITEMS(SERVICE, backends, n_backends), .required = true,
			.min = 1, .max = CFG_SERVICE_BACKENDS_MAX,
			.section = &cfg_backend_section },
};

const struct cfg_section cfg_service_section = { "service", service_keys, RTE_DIM(service_keys),
	.check = check_service };
