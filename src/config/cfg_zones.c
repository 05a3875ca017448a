/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section "zones": how many connections a zone may have. Called by the reader through the table of
 * keys. A zone that is not listed has no limit.
 */
#include <rte_common.h>

#include "cfg_priv.h"

#define ZONE struct cfg_zone
static const struct cfg_key zone_keys[] = {
	{ "id", CFG_UINT, CFG_FIELD(ZONE, id), .has = offsetof(ZONE, has_id), .required = true,
			.max = UINT16_MAX },
	{ "limit", CFG_UINT, CFG_FIELD(ZONE, limit), .min = 1, .max = 1u << 30 },
};

const struct cfg_section cfg_zone_section = { "zone", zone_keys, RTE_DIM(zone_keys) };

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
}
