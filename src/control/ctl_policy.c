/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `show services` and `show classes`: what the load balancer and the classifier decided, with the
 * counters that the dataplane adds up.
 *
 * Control lcore only. Changes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/counters.h"
#include "base/flow.h"
#include "classifier/cls.h"
#include "control/ctl.h"
#include "lb/lb.h"

#include "ctl_priv.h"

/* ---- show services ---- */

static json_t *
pair_json(const struct counter_pair *c)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)c->packets, "bytes",
			(json_int_t)c->bytes);
}

static json_t *
backend_json(const struct ctl_view *v, unsigned int service, const struct lb_service_info *s,
		unsigned int i, struct counter_pair sum[2])
{
	struct counter_pair c[2] = { 0 };
	struct lb_backend_info b;
	int dir;

	if (lb_backend_info(v->lb, service, i, &b) != 0)
		return NULL;
	v->backend_counters(v->ctx, (uint16_t)(s->backend_first + i), c);
	for (dir = 0; dir < 2; dir++) {
		sum[dir].packets += c[dir].packets;
		sum[dir].bytes += c[dir].bytes;
	}
	return json_pack("{s:o, s:i, s:i, s:I, s:o, s:o}", "address",
			ctl_address_json(s->family, &b.address), "port", b.port, "weight", b.weight,
			"connections", (json_int_t)b.connections, "original",
			pair_json(&c[FLOW_ORIGINAL]), "reply", pair_json(&c[FLOW_REPLY]));
}

static json_t *
service_json(const struct ctl_view *v, unsigned int service)
{
	struct counter_pair sum[2] = { 0 };
	struct lb_service_info s;
	json_t *backends;
	unsigned int i;

	if (lb_service_info(v->lb, service, &s) != 0)
		return NULL;
	backends = json_array();
	for (i = 0; i < s.n_backends; i++)
		json_array_append_new(backends, backend_json(v, service, &s, i, sum));
	return json_pack("{s:s, s:o, s:o, s:i, s:s, s:I, s:o, s:o, s:o}", "name", s.name,
			"protocol", ctl_protocol_json(s.proto), "address",
			ctl_address_json(s.family, &s.vip), "port", s.port, "scheduler",
			lb_scheduler_name(s.scheduler), "connections", (json_int_t)s.connections,
			"original", pair_json(&sum[FLOW_ORIGINAL]), "reply",
			pair_json(&sum[FLOW_REPLY]), "backends", backends);
}

int
ctl_services_call(void *ctx, const json_t *params, json_t **result)
{
	const struct ctl_view *v = ctx;
	unsigned int i;

	(void)params;
	*result = json_array();
	for (i = 0; i < lb_services(v->lb); i++) {
		if (json_array_append_new(*result, service_json(v, i)) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void
service_row(struct ctl_table *t, const char *name, const json_t *o)
{
	static const char *const directions[] = { "original", "reply" };
	const char *address = ctl_string_of(o, "address");
	const json_t *weight = json_object_get(o, "weight");
	size_t i;

	ctl_table_cell(t, "%s", name);
	ctl_table_cell(t, strchr(address, ':') != NULL ? "[%s]:%" PRIu64 : "%s:%" PRIu64, address,
			ctl_uint_of(o, "port"));
	ctl_table_cell(t, "%s", weight != NULL ? "" : ctl_string_of(o, "protocol"));
	if (weight != NULL)
		ctl_table_cell(t, "weight %" PRIu64, ctl_uint_of(o, "weight"));
	else
		ctl_table_cell(t, "%s", ctl_string_of(o, "scheduler"));
	ctl_thousands_cell(t, ctl_uint_of(o, "connections"));
	for (i = 0; i < RTE_DIM(directions); i++) {
		const json_t *pair = json_object_get(o, directions[i]);

		ctl_thousands_cell(t, ctl_uint_of(pair, "packets"));
		ctl_thousands_cell(t, ctl_uint_of(pair, "bytes"));
	}
}

void
ctl_services_text(FILE *out, const json_t *result)
{
	struct ctl_table *t = ctl_table_create(
			"Services and their backends (IP bytes; back: from the backend)");
	const json_t *s, *b;
	size_t i, k;

	ctl_table_column(t, "service", false);
	ctl_table_column(t, "address", false);
	ctl_table_column(t, "proto", false);
	ctl_table_column(t, "choice", false);
	ctl_table_column(t, "connections", true);
	ctl_table_column(t, "packets", true);
	ctl_table_column(t, "bytes", true);
	ctl_table_column(t, "packets back", true);
	ctl_table_column(t, "bytes back", true);
	json_array_foreach(result, i, s) {
		service_row(t, ctl_string_of(s, "name"), s);
		json_array_foreach(json_object_get(s, "backends"), k, b) {
			service_row(t, "", b);
		}
	}
	ctl_table_print(t, out);
	ctl_table_destroy(t);
}

/* ---- show classes ---- */

static json_t *
class_view_json(const struct ctl_view *v, uint16_t class_id)
{
	const struct cls_class *class = cls_class(v->cls, class_id);
	struct counter_pair c = { 0 };
	json_t *o;

	v->class_counters(v->ctx, class_id, &c);
	o = json_pack("{s:s, s:b, s:s?}", "name", class->name, "drop", class->drop, "port",
			class->port != CLS_ANY_PORT ? v->port_name(v->ctx, class->port) : NULL);
	json_object_set_new(o, "queue",
			class->queue != FLOW_QUEUE_ANY ? json_integer(class->queue) : json_null());
	json_object_set_new(o, "mark", class->has_mark ? json_integer(class->mark) : json_null());
	json_object_set_new(o, "packets", json_integer((json_int_t)c.packets));
	json_object_set_new(o, "bytes", json_integer((json_int_t)c.bytes));
	return o;
}

static json_t *
rule_json(const struct ctl_view *v, uint16_t rule)
{
	return json_pack("{s:s, s:I}", "class",
			cls_class(v->cls, cls_rule_class(v->cls, rule))->name, "hits",
			(json_int_t)cls_rule_hits(v->cls, rule));
}

int
ctl_classes_call(void *ctx, const json_t *params, json_t **result)
{
	const struct ctl_view *v = ctx;
	json_t *classes = json_array(), *rules = json_array();
	unsigned int i;

	(void)params;
	for (i = 0; i < cls_classes(v->cls); i++)
		json_array_append_new(classes, class_view_json(v, (uint16_t)i));
	for (i = 0; i < cls_rules(v->cls); i++)
		json_array_append_new(rules, rule_json(v, (uint16_t)i));
	*result = json_pack("{s:o, s:o, s:o}", "classes", classes, "rules", rules, "default",
			rule_json(v, CLS_DEFAULT_RULE));
	return *result != NULL ? 0 : -ENOMEM;
}

static void
optional_cell(struct ctl_table *t, const json_t *o, const char *key)
{
	if (json_is_integer(json_object_get(o, key)))
		ctl_table_cell(t, "%" PRIu64, ctl_uint_of(o, key));
	else
		ctl_table_cell(t, "-");
}

static void
rules_text(FILE *out, const json_t *result)
{
	struct ctl_table *t = ctl_table_create(
			"Rules (hits: decisions, at least one a direction of a connection)");
	const json_t *rule;
	size_t i;

	ctl_table_column(t, "rule", true);
	ctl_table_column(t, "class", false);
	ctl_table_column(t, "hits", true);
	json_array_foreach(json_object_get(result, "rules"), i, rule) {
		ctl_table_cell(t, "%zu", i);
		ctl_table_cell(t, "%s", ctl_string_of(rule, "class"));
		ctl_thousands_cell(t, ctl_uint_of(rule, "hits"));
	}
	rule = json_object_get(result, "default");
	ctl_table_cell(t, "none");
	ctl_table_cell(t, "%s", ctl_string_of(rule, "class"));
	ctl_thousands_cell(t, ctl_uint_of(rule, "hits"));
	ctl_table_print(t, out);
	ctl_table_destroy(t);
}

void
ctl_classes_text(FILE *out, const json_t *result)
{
	struct ctl_table *t = ctl_table_create("Classes (IP bytes)");
	const json_t *c;
	size_t i;

	ctl_table_column(t, "class", false);
	ctl_table_column(t, "action", false);
	ctl_table_column(t, "port", false);
	ctl_table_column(t, "queue", true);
	ctl_table_column(t, "mark", true);
	ctl_table_column(t, "packets", true);
	ctl_table_column(t, "bytes", true);
	json_array_foreach(json_object_get(result, "classes"), i, c) {
		ctl_table_cell(t, "%s", ctl_string_of(c, "name"));
		ctl_table_cell(t, "%s",
				json_is_true(json_object_get(c, "drop")) ? "drop" : "forward");
		ctl_table_cell(t, "%s", ctl_string_of(c, "port"));
		optional_cell(t, c, "queue");
		optional_cell(t, c, "mark");
		ctl_thousands_cell(t, ctl_uint_of(c, "packets"));
		ctl_thousands_cell(t, ctl_uint_of(c, "bytes"));
	}
	ctl_table_print(t, out);
	ctl_table_destroy(t);
	fputc('\n', out);
	rules_text(out, result);
}
