/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `show connections`: the connections that conntrack tracks, filtered.
 *
 * Control lcore only. Changes nothing; looks at a bounded number of slots a call, since packets
 * wait meanwhile: from ID goes on where an answer ended.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "base/counters.h"
#include "base/flow.h"
#include "classifier/cls.h"
#include "conntrack/ct.h"
#include "control/ctl.h"
#include "lb/lb.h"

#include "ctl_priv.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 100000
#define SCAN_MAX (UINT32_C(1) << 22) /* slots a call */

static json_t *
class_json(const struct ctl_view *v, uint16_t class_id)
{
	if (class_id >= cls_classes(v->cls))
		return json_null();
	return json_string(cls_class(v->cls, class_id)->name);
}

/* Name of the service that a backend's counter index belongs to. */
static const char *
service_of(const struct ctl_view *v, uint16_t backend)
{
	struct lb_service_info s;
	unsigned int i;

	if (backend == FLOW_NO_BACKEND)
		return NULL;
	for (i = 0; i < lb_services(v->lb); i++) {
		if (lb_service_info(v->lb, i, &s) == 0 && backend >= s.backend_first &&
				backend - s.backend_first < s.n_backends)
			return s.name;
	}
	return NULL;
}

static json_t *
flow_json(const struct ctl_view *v, uint32_t conn, enum flow_dir dir)
{
	const struct flow *f = &ct_conns(v->ct)[conn].flow[dir];
	struct flow_tuple t;
	uint16_t sport, dport;
	json_t *o;

	ct_tuple(v->ct, ct_flow_id(conn, dir), &t);
	sport = rte_be_to_cpu_16(t.key.sport);
	dport = rte_be_to_cpu_16(t.key.dport);
	o = json_pack("{s:o, s:o}", "src", ctl_address_json(t.key.family, &t.src), "dst",
			ctl_address_json(t.key.family, &t.dst));
	if (t.key.proto == IPPROTO_ICMP || t.key.proto == IPPROTO_ICMPV6) {
		json_object_set_new(o, "id", json_integer(sport));
		json_object_set_new(o, "type", json_integer(dport >> 8));
		json_object_set_new(o, "code", json_integer(dport & 0xff));
	} else if (t.key.proto == IPPROTO_GRE) {
		json_object_set_new(o, "key", json_integer((json_int_t)sport << 16 | dport));
	} else {
		json_object_set_new(o, "sport", json_integer(sport));
		json_object_set_new(o, "dport", json_integer(dport));
	}
	json_object_set_new(o, "packets", json_integer((json_int_t)f->packets));
	json_object_set_new(o, "bytes", json_integer((json_int_t)f->bytes));
	return o;
}

static json_t *
status_json(uint16_t status)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {
		{ CT_S_SEEN_REPLY, "seen_reply" },
		{ CT_S_ASSURED, "assured" },
		{ CT_S_DNAT, "dnat" },
		{ CT_S_SNAT, "snat" },
		{ CT_S_DYING, "dying" },
	};
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < RTE_DIM(names); i++) {
		if (status & names[i].bit)
			json_array_append_new(a, json_string(names[i].name));
	}
	return a;
}

static const char *
state_of(const struct ct_conn *c)
{
	return ct_state_name(c->status & CT_S_SEEN_REPLY ? CT_STATE_ESTABLISHED : CT_STATE_NEW);
}

static const char *
tcp_state_of(const struct ct_conn *c)
{
	if (c->flow[FLOW_ORIGINAL].key.proto != IPPROTO_TCP)
		return NULL;
	return ct_tcp_state_name(c->tcp.state);
}

static uint16_t
backend_of(const struct ct_conn *c)
{
	uint16_t backend = c->flow[FLOW_ORIGINAL].backend;

	return backend != FLOW_NO_BACKEND ? backend : c->flow[FLOW_REPLY].backend;
}

static json_t *
connection_json(const struct ctl_view *v, uint32_t conn)
{
	const struct ct_conn *c = &ct_conns(v->ct)[conn];
	const struct flow *f = c->flow;
	bool fast = (f[FLOW_ORIGINAL].flags & f[FLOW_REPLY].flags & FLOW_F_FAST) != 0;
	uint32_t expires = ct_expires_in(v->ct, conn, v->now(v->ctx));

	return json_pack(
			"{s:I, s:o, s:i, s:i, s:s, s:s?, s:s?, s:b, s:o, s:o, s:o, s:I, s:o, s:I, s:s?, "
			"s:i, s:b}",
			"id", (json_int_t)conn, "protocol", ctl_protocol_json(f->key.proto),
			"family", f->key.family, "zone", f->key.zone, "state", state_of(c),
			"tcp_state", tcp_state_of(c), "tracker_state", ct_state_of(c), "assured",
			(c->status & CT_S_ASSURED) != 0, "status", status_json(c->status),
			"original", flow_json(v, conn, FLOW_ORIGINAL), "reply",
			flow_json(v, conn, FLOW_REPLY), "expires", (json_int_t)expires, "class",
			class_json(v, f->class_id), "mark", (json_int_t)c->mark, "service",
			service_of(v, backend_of(c)), "owner", c->owner, "fast", fast);
}

struct filter {
	uint64_t limit;
	uint64_t from;
	int proto;	     /* -1: any */
	const char *state;   /* NULL: any */
	const char *service; /* NULL: any */
};

/* A connection's state, or its tracker's. */
static bool
state_known(const char *state)
{
	int i;

	for (i = 0; i < CT_TCP_STATES; i++) {
		if (strcasecmp(ct_tcp_state_name(i), state) == 0)
			return true;
	}
	for (i = 0; i < CT_SCTP_STATES; i++) {
		if (strcasecmp(ct_sctp_state_name(i), state) == 0)
			return true;
	}
	for (i = 0; i < CT_DCCP_STATES; i++) {
		if (strcasecmp(ct_dccp_state_name(i), state) == 0)
			return true;
	}
	return strcasecmp(ct_state_name(CT_STATE_NEW), state) == 0 ||
			strcasecmp(ct_state_name(CT_STATE_ESTABLISHED), state) == 0;
}

static bool
service_known(const struct ctl_view *v, const char *name)
{
	struct lb_service_info s;
	unsigned int i;

	for (i = 0; i < lb_services(v->lb); i++) {
		if (lb_service_info(v->lb, i, &s) == 0 && strcmp(s.name, name) == 0)
			return true;
	}
	return false;
}

static int
parse_filter(const struct ctl_view *v, const json_t *params, struct filter *f, json_t **result)
{
	const char *proto = NULL;
	int rc;

	*f = (struct filter){ .limit = LIMIT_DEFAULT, .proto = -1 };
	rc = ctl_param_uint(params, "limit", LIMIT_MAX, &f->limit, result);
	if (rc == 0)
		rc = ctl_param_uint(params, "from", UINT32_MAX - 1, &f->from, result);
	if (rc == 0)
		rc = ctl_param_string(params, "protocol", &proto, result);
	if (rc == 0 && proto != NULL)
		rc = ctl_parse_protocol(proto, &f->proto, result);
	if (rc == 0)
		rc = ctl_param_string(params, "state", &f->state, result);
	if (rc == 0)
		rc = ctl_param_string(params, "service", &f->service, result);
	if (rc != 0)
		return rc;
	if (f->state != NULL && !state_known(f->state)) {
		*result = ctl_error("state: no such state: %.32s", f->state);
		return -EINVAL;
	}
	if (f->service != NULL && !service_known(v, f->service)) {
		*result = ctl_error("service: no such service: %.64s", f->service);
		return -EINVAL;
	}
	return 0;
}

static bool
matches(const struct ctl_view *v, const struct ct_conn *c, const struct filter *f)
{
	const char *tracker = ct_state_of(c), *service;

	if (f->proto >= 0 && c->flow[FLOW_ORIGINAL].key.proto != f->proto)
		return false;
	if (f->state != NULL && strcasecmp(state_of(c), f->state) != 0 &&
			(tracker == NULL || strcasecmp(tracker, f->state) != 0))
		return false;
	if (f->service == NULL)
		return true;
	service = service_of(v, backend_of(c));
	return service != NULL && strcmp(service, f->service) == 0;
}

int
ctl_connections_call(void *ctx, const json_t *params, json_t **result)
{
	const struct ctl_view *v = ctx;
	uint32_t conn, next, scanned;
	struct filter f;
	int rc;

	rc = parse_filter(v, params, &f, result);
	if (rc != 0)
		return rc;
	*result = json_array();
	next = (uint32_t)f.from;
	for (scanned = 0; scanned < SCAN_MAX && json_array_size(*result) < f.limit;) {
		uint32_t from = next;

		conn = ct_next(v->ct, from, SCAN_MAX - scanned, &next);
		if (conn == FLOW_NONE)
			break;
		scanned += next - from;
		if (matches(v, &ct_conns(v->ct)[conn], &f) &&
				json_array_append_new(*result, connection_json(v, conn)) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void
endpoints_cell(struct ctl_table *t, const json_t *flow)
{
	const char *src = ctl_string_of(flow, "src"), *dst = ctl_string_of(flow, "dst");

	if (json_object_get(flow, "type") != NULL)
		ctl_table_cell(t, "%s > %s type %" PRIu64 " id %" PRIu64, src, dst,
				ctl_uint_of(flow, "type"), ctl_uint_of(flow, "id"));
	else if (json_object_get(flow, "key") != NULL)
		ctl_table_cell(t, "%s > %s key 0x%08" PRIx64, src, dst, ctl_uint_of(flow, "key"));
	else if (strchr(src, ':') != NULL)
		ctl_table_cell(t, "[%s]:%" PRIu64 " > [%s]:%" PRIu64, src,
				ctl_uint_of(flow, "sport"), dst, ctl_uint_of(flow, "dport"));
	else
		ctl_table_cell(t, "%s:%" PRIu64 " > %s:%" PRIu64, src, ctl_uint_of(flow, "sport"),
				dst, ctl_uint_of(flow, "dport"));
}

void
ctl_connections_text(FILE *out, const json_t *result)
{
	struct ctl_table *t = ctl_table_create("connections");
	const json_t *c;
	size_t i;

	ctl_table_column(t, "id", true);
	ctl_table_column(t, "proto", false);
	ctl_table_column(t, "state", false);
	ctl_table_column(t, "original", false);
	ctl_table_column(t, "reply", false);
	ctl_table_column(t, "packets", true);
	ctl_table_column(t, "bytes", true);
	ctl_table_column(t, "packets back", true);
	ctl_table_column(t, "bytes back", true);
	ctl_table_column(t, "expires", true);
	ctl_table_column(t, "worker", true);
	ctl_table_column(t, "path", false);
	ctl_table_column(t, "class", false);
	ctl_table_column(t, "service", false);
	json_array_foreach(result, i, c) {
		const json_t *original = json_object_get(c, "original");
		const json_t *reply = json_object_get(c, "reply");
		const char *tracker = json_string_value(json_object_get(c, "tracker_state"));

		ctl_table_cell(t, "%" PRIu64, ctl_uint_of(c, "id"));
		ctl_table_cell(t, "%s", ctl_string_of(c, "protocol"));
		ctl_table_cell(t, "%s", tracker != NULL ? tracker : ctl_string_of(c, "state"));
		endpoints_cell(t, original);
		endpoints_cell(t, reply);
		ctl_thousands_cell(t, ctl_uint_of(original, "packets"));
		ctl_thousands_cell(t, ctl_uint_of(original, "bytes"));
		ctl_thousands_cell(t, ctl_uint_of(reply, "packets"));
		ctl_thousands_cell(t, ctl_uint_of(reply, "bytes"));
		ctl_table_cell(t, "%" PRIu64 " s", ctl_uint_of(c, "expires"));
		ctl_table_cell(t, "%" PRIu64, ctl_uint_of(c, "owner"));
		ctl_table_cell(t, "%s", json_is_true(json_object_get(c, "fast")) ? "fast" : "slow");
		ctl_table_cell(t, "%s", ctl_string_of(c, "class"));
		ctl_table_cell(t, "%s", ctl_string_of(c, "service"));
	}
	ctl_table_print(t, out);
	ctl_table_destroy(t);
	fprintf(out, "%zu shown\n", json_array_size(result));
}
