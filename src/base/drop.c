/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of the enumerations that users see: drop reasons, punt reasons. Generated from the X-macro
 * lists, so that a reason without a name does not compile. Any lcore; read-only.
 */
#include "base/drop.h"
#include "base/pkt.h"

#include <rte_common.h>

static const struct {
	const char *name;
	const char *text;
} drop_reasons[DROP_COUNT] = {
#define X(e, s, d) [DROP_##e] = { s, d },
	DROP_REASONS(X)
#undef X
};

static const char *const punt_names[PUNT_COUNT] = {
#define X(e, s) [PUNT_##e] = s,
	PUNT_REASONS(X)
#undef X
};

const char *
drop_name(enum drop_reason r)
{
	return (unsigned int)r < RTE_DIM(drop_reasons) ? drop_reasons[r].name : "?";
}

const char *
drop_text(enum drop_reason r)
{
	return (unsigned int)r < RTE_DIM(drop_reasons) ? drop_reasons[r].text : "?";
}

const char *
punt_name(enum punt_reason r)
{
	return (unsigned int)r < RTE_DIM(punt_names) ? punt_names[r] : "?";
}
