/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section "events": what is recorded of what happens to connections. Called by the reader through the table of keys.
 */
#include <rte_common.h>

#include "cfg_priv.h"

#define EVENTS struct cfg_events
static const struct cfg_key keys[] = {
	{ "ring", CFG_UINT, CFG_FIELD(EVENTS, ring), .max = 1u << 24, .fallback = 65536 },
	{ "always", CFG_BOOL, CFG_FIELD(EVENTS, always) },
	{ "new", CFG_BOOL, CFG_FIELD(EVENTS, new), .fallback = true },
	{ "update", CFG_BOOL, CFG_FIELD(EVENTS, update), .fallback = true },
	{ "destroy", CFG_BOOL, CFG_FIELD(EVENTS, destroy), .fallback = true },
};

const struct cfg_section cfg_events_section = { "events", keys, RTE_DIM(keys) };
