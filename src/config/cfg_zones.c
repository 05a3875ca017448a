/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section "zones": how many connections a zone may have, and what they are told apart by. Called by the reader through
 * the table of keys. A zone that is not listed has no limit, and 5-tuples.
 */
#include <rte_common.h>

#include "cfg_priv.h"

static const struct cfg_word keys_of_zones[] = {
	{ "5-tuple", FLOW_KEYS_5TUPLE },
	{ "tunnel-id", FLOW_KEYS_TUNNEL },
	{ "addresses", FLOW_KEYS_ADDRESSES },
	{ NULL },
};

#define ZONE struct cfg_zone
static const struct cfg_key zone_keys[] = {
	{ "id", CFG_UINT, CFG_FIELD(ZONE, id), .has = offsetof(ZONE, has_id), .required = true,
			.max = UINT16_MAX },
	{ "key", CFG_ENUM, CFG_FIELD(ZONE, keys), .words = keys_of_zones,
			.fallback = FLOW_KEYS_5TUPLE },
	{ "limit", CFG_UINT, CFG_FIELD(ZONE, limit), .min = 1, .max = 1u << 30 },
};

const struct cfg_section cfg_zone_section = { "zone", zone_keys, RTE_DIM(zone_keys) };

enum flow_keys
cfg_zone_keys(const struct cfg *cfg, uint16_t zone)
{
	for (unsigned int i = 0; i < cfg->n_zones; i++)
		if (cfg->zones[i].id == zone)
			return (enum flow_keys)cfg->zones[i].keys;
	return FLOW_KEYS_5TUPLE;
}

static bool
asks_for_ports(const struct cfg_ct_rule *rule)
{
	const struct cfg_rule *m = &rule->match;

	return m->proto != 0 || rule->service != CFG_ANY_SERVICE ||
			rule->helper != CFG_HELPER_NONE || m->source_port.lo != 0 ||
			m->source_port.hi != UINT16_MAX || m->destination_port.lo != 0 ||
			m->destination_port.hi != UINT16_MAX;
}

/* A rule for such a zone alone would never match, or would promise what it cannot do. */
static void
check_rules(struct cfg_reader *r)
{
	const struct cfg_at at_conntrack = { .key = "conntrack" };
	const struct cfg_at at_rules = { .up = &at_conntrack, .key = "rules" };
	const struct cfg_conntrack *c = &r->cfg->conntrack;

	for (unsigned int i = 0; i < c->n_rules; i++) {
		const struct cfg_ct_rule *rule = &c->rules[i];
		const struct cfg_at at_rule = { .up = &at_rules, .index = i };
		const struct cfg_at at = { .up = &at_rule, .key = "zone" };

		if (rule->has_zone && asks_for_ports(rule) &&
				cfg_zone_keys(r->cfg, rule->zone) == FLOW_KEYS_ADDRESSES)
			cfg_error(r, &at,
					"the key of zone %u is \"addresses\": expected neither \"protocol\", "
					"ports, \"service\" nor \"helper\" beside it",
					rule->zone);
	}
}

void
cfg_check_zones(struct cfg_reader *r)
{
	const struct cfg_at at_zones = { .key = "zones" };
	struct cfg_index x;
	unsigned int i;

	if (!cfg_index_init(r, &x, sizeof(r->cfg->zones->id), r->cfg->n_zones))
		return;
	for (i = 0; i < r->cfg->n_zones; i++)
		if (r->cfg->zones[i].has_id)
			cfg_index_add(&x, &r->cfg->zones[i].id, i);
	cfg_index_sort(&x);
	cfg_index_duplicates(&x, r, &at_zones, "id", "id");
	cfg_index_free(&x);
	check_rules(r);
}
