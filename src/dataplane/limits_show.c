/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `show limits`: what each limit let pass and refused, how full its table is, and the prefixes with the most
 * connections. Control lcore; a call looks at a bounded number of entries.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>

#include "dp_priv.h"
#include "limit/lim.h"
#include "limits.h"

#define TOP 10
#define SCAN_MAX (1u << 18) /* slots a call, 8 MB: about a millisecond */

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void
set(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

/* A bound, or null where there is none. */
static void
set_bound(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, v == 0 ? json_null() : json_integer((json_int_t)v));
}

static json_t *
top_json(const struct lim_top *t, const struct lim_info *info)
{
	char addr[INET6_ADDRSTRLEN] = "all", prefix[INET6_ADDRSTRLEN + 5];
	json_t *o = json_object();

	if (t->family == 0)
		snprintf(prefix, sizeof(prefix), "%s", addr);
	else
		snprintf(prefix, sizeof(prefix), "%s/%u",
				inet_ntop(t->family == 6 ? AF_INET6 : AF_INET, t->addr.b, addr,
						sizeof(addr)),
				t->len);
	json_object_set_new(o, "prefix", json_string(prefix));
	set(o, "connections", t->connections);
	if (info->rate != 0)
		set(o, "tokens", t->tokens);
	return o;
}

static json_t *
limit_json(struct dp *dp, unsigned int i, const struct lim_info *info, uint32_t *work)
{
	const uint32_t before = *work;
	struct lim_top top[TOP];
	unsigned int n = lim_top(dp->lim, i, top, TOP, work);
	json_t *o = json_object(), *list = json_array();
	const bool counts = info->action == LIM_COUNT;
	uint64_t over = 0;

	for (unsigned int v = LIM_PASS + 1; v < LIM_VERDICTS; v++)
		over += info->over[v];
	json_object_set_new(o, "name", json_string(info->name));
	json_object_set_new(o, "by", json_string(lim_by_name(info->by)));
	json_object_set_new(o, "action", json_string(lim_action_name(info->action)));
	if (info->by != LIM_BY_ALL) {
		set(o, "prefix_length", info->prefix_len);
		set(o, "prefix_length_ipv6", info->prefix_len6);
	}
	set_bound(o, "connections_max", info->connections);
	set_bound(o, "rate", info->rate);
	set_bound(o, "burst", info->burst);
	set(o, "connections", info->open);
	set(o, "passed", info->passed);
	set(o, "refused", counts ? 0 : over);
	set(o, "counted", counts ? over : 0);
	set(o, "by_connections", info->over[LIM_CONNECTIONS]);
	set(o, "by_rate", info->over[LIM_RATE]);
	set(o, "by_full", info->over[LIM_FULL]);
	set(o, "entries", info->entries);
	set(o, "entries_max", info->entries_max);
	set(o, "unlisted", info->unlisted);
	for (unsigned int k = 0; k < n; k++)
		json_array_append_new(list, top_json(&top[k], info));
	json_object_set_new(o, "top", list);
	set(o, "looked_at", before - *work);
	return o;
}

int
limits_call(void *ctx, const json_t *params, json_t **result)
{
	struct dp *dp = ctx;
	const char *name = NULL;
	uint32_t work = SCAN_MAX;
	json_t *list;
	int rc = ctl_param_string(params, "name", &name, result);

	if (rc != 0)
		return rc;
	list = json_array();
	for (unsigned int i = 0; dp->lim != NULL && i < lim_limits(dp->lim); i++) {
		struct lim_info info;

		if (lim_info(dp->lim, i, &info) == 0 &&
				(name == NULL || strcmp(name, info.name) == 0))
			json_array_append_new(list, limit_json(dp, i, &info, &work));
	}
	if (name != NULL && json_array_size(list) == 0) {
		json_decref(list);
		*result = ctl_error("no limit is named \"%s\"", name);
		return -ENOENT;
	}
	*result = json_pack("{so}", "limits", list);
	return 0;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static uint64_t
get(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static void
cell(struct ctl_table *t, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	char buf[32];

	if (json_is_string(v))
		ctl_table_cell(t, "%s", json_string_value(v));
	else if (json_is_integer(v))
		ctl_table_cell(t, "%s", ctl_thousands((uint64_t)json_integer_value(v), buf));
	else
		ctl_table_cell(t, "-");
}

static void
print_rows(FILE *out, const char *title, const json_t *list, const char *const keys[][2])
{
	struct ctl_table *t = ctl_table_create(title);
	json_t *o;
	size_t i;

	for (unsigned int k = 0; keys[k][0] != NULL; k++)
		ctl_table_column(t, keys[k][1], k > 2);
	json_array_foreach(list, i, o)
		for (unsigned int k = 0; keys[k][0] != NULL; k++)
			cell(t, o, keys[k][0]);
	ctl_table_print(t, out);
	ctl_table_destroy(t);
}

static void
top_text(FILE *out, const json_t *limits)
{
	struct ctl_table *t = ctl_table_create("Limits: the prefixes with the most connections");
	json_t *limit, *top;
	size_t i, k;

	ctl_table_column(t, "limit", false);
	ctl_table_column(t, "prefix", false);
	ctl_table_column(t, "connections", true);
	ctl_table_column(t, "tokens left", true);
	json_array_foreach(limits, i, limit)
		json_array_foreach(json_object_get(limit, "top"), k, top) {
			cell(t, limit, "name");
			cell(t, top, "prefix");
			cell(t, top, "connections");
			cell(t, top, "tokens");
		}
	ctl_table_print(t, out);
	ctl_table_destroy(t);
}

void
limits_text(FILE *out, const json_t *r)
{
	static const char *const columns[][2] = {
		{ "name", "limit" },
		{ "by", "by" },
		{ "action", "action" },
		{ "connections", "connections" },
		{ "connections_max", "at most" },
		{ "rate", "rate/s" },
		{ "burst", "burst" },
		{ "passed", "passed" },
		{ "refused", "refused" },
		{ "counted", "counted" },
		{ "by_connections", "by connections" },
		{ "by_rate", "by rate" },
		{ "by_full", "by full table" },
		{ "entries", "entries" },
		{ "entries_max", "of" },
		{ NULL },
	};
	const json_t *limits = json_object_get(r, "limits");
	json_t *o;
	size_t i;

	if (json_array_size(limits) == 0) {
		fprintf(out, "Limits: none\n");
		return;
	}
	print_rows(out, "Limits (new connections: passed; beyond the limit refused, or only counted; by what)",
			limits, columns);
	json_array_foreach(limits, i, o)
		if (get(o, "unlisted") != 0)
			fprintf(out,
					"%s: %" PRIu64
					" connections have no entry, the table was full\n",
					json_string_value(json_object_get(o, "name")),
					get(o, "unlisted"));
	fputc('\n', out);
	top_text(out, limits);
}
