/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section "syn-cookies" of "conntrack": when a SYN is answered without being remembered, and what the answer announces.
 * Called by the reader through the tables of keys.
 */
#include <rte_common.h>

#include "cfg_priv.h"

#define SHARE_OF_TABLE 10 /* a tenth of the table half-open is no ordinary day */
#define BY_DEFAULT_MAX UINT32_C(16384)
#define AUTO UINT32_MAX

static const struct cfg_word modes[] = {
	{ "off", CFG_COOKIES_OFF },
	{ "on", CFG_COOKIES_ON },
	{ "auto", CFG_COOKIES_AUTO },
	{ NULL },
};

static const struct cfg_word protects[] = {
	{ "services", CFG_PROTECT_SERVICES },
	{ "all", CFG_PROTECT_ALL },
	{ NULL },
};

#define COOKIES struct cfg_syn_cookies
static const struct cfg_key keys[] = {
	{ "mode", CFG_ENUM, CFG_FIELD(COOKIES, mode), .words = modes,
			.fallback = CFG_COOKIES_AUTO },
	{ "protect", CFG_ENUM, CFG_FIELD(COOKIES, protect), .words = protects,
			.fallback = CFG_PROTECT_SERVICES },
	{ "threshold", CFG_UINT, CFG_FIELD(COOKIES, threshold), .min = 1, .max = 1u << 30,
			.fallback = AUTO },
	/* The smallest MTUs, 576 and 1280, leave room for 536 and 1220 bytes (RFC 9293, 3.7.1). */
	{ "mss", CFG_UINT, CFG_FIELD(COOKIES, mss), .min = 536, .max = 65495, .fallback = 1460 },
	{ "window-scale", CFG_UINT, CFG_FIELD(COOKIES, window_scale), .max = 14, .fallback = 7 },
	{ "timestamps", CFG_BOOL, CFG_FIELD(COOKIES, timestamps), .fallback = true },
};

const struct cfg_section cfg_syn_cookies_section = { "syn-cookies", keys, RTE_DIM(keys) };

void
cfg_check_syn_cookies(struct cfg *cfg)
{
	struct cfg_syn_cookies *c = &cfg->conntrack.syn_cookies;

	if (c->threshold == AUTO)
		c->threshold = RTE_MIN(cfg->tables.connections / SHARE_OF_TABLE, BY_DEFAULT_MAX);
	if (c->threshold == 0) /* of a table for fewer than ten; or it was refused */
		c->threshold = 1;
}
