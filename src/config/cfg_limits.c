/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sections "sets" (named prefixes) and "limits" (how many connections a prefix may have). Called by the reader through
 * the tables. Services come before limits, so what a limit has to do with its service is checked here as well.
 */
#include <netinet/in.h>

#include <rte_common.h>

#include "cfg_priv.h"

/* ---- sets ------------------------------------------------------------------------------------ */

struct prefix_key {
	struct flow_addr addr;
	uint8_t family;
	uint8_t len;
};
_Static_assert(sizeof(struct prefix_key) == 18, "compared as bytes");

/* A prefix twice is a mistake of who wrote it; one within another is not. */
static void
check_set(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good __rte_unused)
{
	const struct cfg_set *set = object;
	const struct cfg_at at_prefixes = { .up = at, .key = "prefixes" };
	struct cfg_index x;

	if (!cfg_index_init(r, &x, sizeof(struct prefix_key), set->n_prefixes))
		return;
	for (unsigned int i = 0; i < set->n_prefixes; i++) {
		const struct cfg_prefix *p = &set->prefixes[i];
		const struct prefix_key key = {
			.addr = p->addr, .family = p->family, .len = p->len
		};

		if (p->family != 0)
			cfg_index_add(&x, &key, i);
	}
	cfg_index_sort(&x);
	cfg_index_duplicates(&x, r, &at_prefixes, NULL, "prefix");
	cfg_index_free(&x);
}

#define SET struct cfg_set
static const struct cfg_key set_keys[] = {
	{ "name", CFG_VALUE, CFG_FIELD(SET, name), .required = true, .parse = cfg_parse_name,
			.expected = cfg_name_expected },
	{ "prefixes", CFG_LIST, CFG_ITEMS(SET, prefixes, n_prefixes), .required = true, .min = 1,
			.max = CFG_SET_PREFIXES_MAX, .parse = cfg_parse_network },
};

const struct cfg_section cfg_set_section = { "set", set_keys, RTE_DIM(set_keys),
	.check = check_set };

/* ---- limits: what belongs together ----------------------------------------------------------- */

static void
init_limit(void *object)
{
	struct cfg_limit *limit = object;

	limit->destination_port = (struct cfg_range){ 0, UINT16_MAX };
}

static bool
is_any(const struct cfg_range *range)
{
	return range->lo == 0 && range->hi == UINT16_MAX;
}

static bool
has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
			proto == IPPROTO_UDPLITE;
}

/* Bounds: at least one, and none without what it belongs to. */
static void
check_bounds(struct cfg_reader *r, const struct cfg_at *at, struct cfg_limit *limit)
{
	const struct cfg_at at_burst = { .up = at, .key = "burst" };

	if (!limit->has_connections && !limit->has_rate)
		cfg_error(r, at,
				"neither \"connections\" nor \"rate\": expected one of them, or both");
	else if (limit->has_burst && !limit->has_rate)
		cfg_error(r, &at_burst, "without \"rate\": expected both, or neither");
	if (limit->has_rate && !limit->has_burst)
		limit->burst = limit->rate;
}

/* What one limit for all does not have. */
static void
check_all(struct cfg_reader *r, const struct cfg_at *at, const struct cfg_limit *limit)
{
	const struct {
		const char *key;
		bool there;
	} keys[] = {
		{ "prefix-length", limit->has_prefix_length },
		{ "prefix-length-ipv6", limit->has_prefix_length_ipv6 },
		{ "entries", limit->has_entries },
	};

	for (unsigned int i = 0; i < RTE_DIM(keys); i++) {
		const struct cfg_at at_key = { .up = at, .key = keys[i].key };

		if (limit->by == CFG_BY_ALL && keys[i].there)
			cfg_error(r, &at_key,
					"a limit by \"all\" counts no prefixes: expected \"by\" \"source\" or "
					"\"destination\", or no such key");
	}
}

/* Conditions that no connection meets. */
static void
check_conditions(struct cfg_reader *r, const struct cfg_at *at, const struct cfg_limit *limit)
{
	const struct cfg_at at_protocol = { .up = at, .key = "protocol" };
	const struct cfg_at at_ports = { .up = at, .key = "destination-port" };
	const struct cfg_at at_not_set = { .up = at, .key = "not-set" };
	const struct cfg_service *s = NULL;

	if (limit->service < r->cfg->n_services)
		s = &r->cfg->services[limit->service];
	if (s != NULL && s->proto != 0 && limit->proto != 0 && limit->proto != s->proto)
		cfg_error(r, &at_protocol,
				"the service is of protocol %u: expected the same, or no \"protocol\"",
				s->proto);
	else if (!is_any(&limit->destination_port) && limit->proto != 0 && !has_ports(limit->proto))
		cfg_error(r, &at_protocol,
				"protocol %u has no ports: expected \"tcp\", \"udp\" or \"sctp\"",
				limit->proto);
	if (s != NULL && s->port != 0 &&
			(s->port < limit->destination_port.lo ||
					s->port > limit->destination_port.hi))
		cfg_error(r, &at_ports,
				"the service is at port %u: expected that, or no \"destination-port\"",
				s->port);
	if (limit->not_set != CFG_NO_SET && limit->not_set != CFG_BAD_REFERENCE &&
			limit->not_set == limit->set)
		cfg_error(r, &at_not_set,
				"the same as \"set\", which leaves nothing: expected another set");
}

static void
check_limit(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good)
{
	struct cfg_limit *limit = object;

	if (good)
		check_bounds(r, at, limit);
	if (good)
		check_all(r, at, limit);
	check_conditions(r, at, limit);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static const struct cfg_word by[] = {
	{ "source", CFG_BY_SOURCE },
	{ "destination", CFG_BY_DESTINATION },
	{ "all", CFG_BY_ALL },
	{ NULL },
};

static const struct cfg_word actions[] = {
	{ "drop", CFG_LIMIT_DROP },
	{ "reset", CFG_LIMIT_RESET },
	{ "count", CFG_LIMIT_COUNT },
	{ NULL },
};

#define LIMIT struct cfg_limit
static const struct cfg_key limit_keys[] = {
	{ "name", CFG_VALUE, CFG_FIELD(LIMIT, name), .required = true, .parse = cfg_parse_name,
			.expected = cfg_name_expected },
	{ "by", CFG_ENUM, CFG_FIELD(LIMIT, by), .words = by, .fallback = CFG_BY_SOURCE },
	{ "prefix-length", CFG_UINT, CFG_FIELD(LIMIT, prefix_length),
			.has = offsetof(LIMIT, has_prefix_length), .min = 1, .max = 32,
			.fallback = 32 },
	{ "prefix-length-ipv6", CFG_UINT, CFG_FIELD(LIMIT, prefix_length_ipv6),
			.has = offsetof(LIMIT, has_prefix_length_ipv6), .min = 1, .max = 128,
			.fallback = 64 },
	{ "connections", CFG_UINT, CFG_FIELD(LIMIT, connections),
			.has = offsetof(LIMIT, has_connections), .min = 1, .max = 1u << 30 },
	{ "rate", CFG_UINT, CFG_FIELD(LIMIT, rate), .has = offsetof(LIMIT, has_rate), .min = 1,
			.max = 1000000000 },
	{ "burst", CFG_UINT, CFG_FIELD(LIMIT, burst), .has = offsetof(LIMIT, has_burst), .min = 1,
			.max = 1000000000 },
	{ "action", CFG_ENUM, CFG_FIELD(LIMIT, action), .words = actions,
			.fallback = CFG_LIMIT_DROP },
	{ "set", CFG_VALUE, CFG_FIELD(LIMIT, set), .parse = cfg_parse_set_reference,
			.fallback = CFG_NO_SET },
	{ "not-set", CFG_VALUE, CFG_FIELD(LIMIT, not_set), .parse = cfg_parse_set_reference,
			.fallback = CFG_NO_SET },
	{ "service", CFG_VALUE, CFG_FIELD(LIMIT, service), .parse = cfg_parse_service_reference,
			.fallback = CFG_ANY_SERVICE },
	{ "protocol", CFG_VALUE, CFG_FIELD(LIMIT, proto), .parse = cfg_parse_protocol },
	{ "destination-port", CFG_VALUE, CFG_FIELD(LIMIT, destination_port),
			.parse = cfg_parse_range },
	{ "zone", CFG_UINT, CFG_FIELD(LIMIT, zone), .has = offsetof(LIMIT, has_zone),
			.max = UINT16_MAX },
	{ "port", CFG_VALUE, CFG_FIELD(LIMIT, in_port), .parse = cfg_parse_port_reference,
			.fallback = CFG_ANY_PORT },
	{ "entries", CFG_UINT, CFG_FIELD(LIMIT, entries), .has = offsetof(LIMIT, has_entries),
			.min = 1, .max = 1u << 22, .fallback = 65536 },
};

const struct cfg_section cfg_limit_section = { "limit", limit_keys, RTE_DIM(limit_keys),
	.init = init_limit, .check = check_limit };
