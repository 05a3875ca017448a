/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection as JSON, with all that is known of it: what `show connections` lists.
 *
 * Control lcore only. Changes nothing; reads counters and times that workers write meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "base/counters.h"
#include "base/flow.h"
#include "base/time.h"
#include "classifier/cls.h"
#include "conntrack/ct.h"
#include "control/ctl.h"
#include "lb/lb.h"

#include "ctl_priv.h"

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

/* Since a coarse tick that a worker wrote; its clock may be a little ahead of this one. */
static json_int_t
seconds_since(const struct ctl_view *v, uint32_t tick)
{
	uint32_t ticks = time_tick(v->now(v->ctx)) - tick;

	return ticks > UINT32_MAX / 2
			? 0
			: (json_int_t)(((uint64_t)ticks << TIME_TICK_SHIFT) / TIME_NS_PER_S);
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
	} else if (flow_key_bare(&t.key)) {
		if (t.key.proto != FLOW_PROTO_ANY)
			json_object_set_new(o, "id", json_integer(flow_key_id(&t.key)));
	} else if (t.key.proto == IPPROTO_GRE) {
		json_object_set_new(o, "key", json_integer((json_int_t)sport << 16 | dport));
	} else {
		if (t.key.proto == FLOW_PROTO_RAW)
			dport = 0; /* the protocol says it */
		json_object_set_new(o, "sport", json_integer(sport));
		json_object_set_new(o, "dport", json_integer(dport));
	}
	json_object_set_new(o, "packets", json_integer((json_int_t)f->packets));
	json_object_set_new(o, "bytes", json_integer((json_int_t)f->bytes));
	json_object_set_new(o, "last_seen", json_integer(seconds_since(v, f->last_seen)));
	return o;
}

const char *
ctl_status_name(unsigned int i, uint16_t *bit)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {
		{ CT_S_SEEN_REPLY, "seen_reply" },
		{ CT_S_ASSURED, "assured" },
		{ CT_S_DNAT, "dnat" },
		{ CT_S_SNAT, "snat" },
		{ CT_S_EXPECTED, "expected" },
		{ CT_S_HELPER, "helper" },
		{ CT_S_DYING, "dying" },
	};

	if (i >= RTE_DIM(names))
		return NULL;
	*bit = names[i].bit;
	return names[i].name;
}

static json_t *
status_json(uint16_t status)
{
	json_t *a = json_array();
	const char *name;
	uint16_t bit;
	unsigned int i;

	for (i = 0; (name = ctl_status_name(i, &bit)) != NULL; i++) {
		if (status & bit)
			json_array_append_new(a, json_string(name));
	}
	return a;
}

const char *
ctl_conn_state(const struct ct_conn *c)
{
	if (c->status & CT_S_SEEN_REPLY)
		return ct_state_name(CT_STATE_ESTABLISHED);
	return ct_state_name(c->status & CT_S_EXPECTED ? CT_STATE_RELATED : CT_STATE_NEW);
}

const char *
ctl_tracker_state(uint8_t proto, uint8_t state)
{
	switch (proto) {
	case IPPROTO_TCP:
		return state < CT_TCP_STATES ? ct_tcp_state_name(state) : NULL;
	case IPPROTO_SCTP:
		return state < CT_SCTP_STATES ? ct_sctp_state_name(state) : NULL;
	case IPPROTO_DCCP:
		return state < CT_DCCP_STATES ? ct_dccp_state_name(state) : NULL;
	default:
		return NULL;
	}
}

uint16_t
ctl_conn_backend(const struct ct_conn *c)
{
	uint16_t backend = c->flow[FLOW_ORIGINAL].backend;

	return backend != FLOW_NO_BACKEND ? backend : c->flow[FLOW_REPLY].backend;
}

static json_t *
side_json(const struct ct_conn *c, enum flow_dir dir)
{
	struct ct_tcp_side s;

	ct_tcp_side(c, dir, &s);
	return json_pack("{s:b, s:i, s:b, s:b}", "window_scaling", s.window_scale, "scale", s.scale,
			"sack", s.sack, "closed_first", s.closed_first);
}

/* What the TCP tracker knows of both sides; null for other protocols. */
static json_t *
tcp_json(const struct ct_conn *c)
{
	bool closing;

	if (c->flow[FLOW_ORIGINAL].key.proto != IPPROTO_TCP)
		return json_null();
	closing = c->tcp.state >= CT_TCP_FIN_WAIT && c->tcp.state <= CT_TCP_CLOSE;
	return json_pack("{s:b, s:o, s:o}", "closing", closing, "original",
			side_json(c, FLOW_ORIGINAL), "reply", side_json(c, FLOW_REPLY));
}

static json_t *
label_json(const uint8_t label[16])
{
	char text[33];
	unsigned int i, set = 0;

	for (i = 0; i < 16; i++) {
		snprintf(&text[2 * i], 3, "%02x", label[i]);
		set |= label[i];
	}
	return set != 0 ? json_string(text) : json_null();
}

static json_t *
master_json(const struct flow_tuple *t)
{
	if (t->key.family == 0)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:i, s:i}", "protocol", ctl_key_json(&t->key), "src",
			ctl_address_json(t->key.family, &t->src), "dst",
			ctl_address_json(t->key.family, &t->dst), "sport",
			rte_be_to_cpu_16(t->key.sport), "dport", rte_be_to_cpu_16(t->key.dport));
}

/* What lies beside the table; few connections have it. */
static void
add_extension(json_t *o, const struct ct_ext *e)
{
	static const struct ct_ext none;

	if (e == NULL)
		e = &none;
	json_object_set_new(o, "label", label_json(e->label));
	json_object_set_new(o, "helper",
			e->helper != CT_HELPER_NONE ? json_string(ct_helper_name(e->helper))
						    : json_null());
	json_object_set_new(o, "master", master_json(&e->master_tuple));
}

json_t *
ctl_connection_json(const struct ctl_view *v, uint32_t conn)
{
	const struct ct_conn *c = &ct_conns(v->ct)[conn];
	const struct flow *f = c->flow;
	bool fast = (f[FLOW_ORIGINAL].flags & f[FLOW_REPLY].flags & FLOW_F_FAST) != 0;
	uint32_t expires = ct_expires_in(v->ct, conn, v->now(v->ctx));
	json_t *o;

	o = json_pack("{s:I, s:o, s:i, s:i, s:s, s:s?, s:s?, s:b, s:o, s:o, s:o, s:I, s:o, s:I, "
		      "s:s?, s:i, s:b}",
			"id", (json_int_t)conn, "protocol", ctl_key_json(&f->key), "family",
			f->key.family, "zone", f->key.zone, "state", ctl_conn_state(c), "tcp_state",
			f->key.proto == IPPROTO_TCP ? ct_state_of(c) : NULL, "tracker_state",
			ct_state_of(c), "assured", (c->status & CT_S_ASSURED) != 0, "status",
			status_json(c->status), "original", flow_json(v, conn, FLOW_ORIGINAL),
			"reply", flow_json(v, conn, FLOW_REPLY), "expires", (json_int_t)expires,
			"class", class_json(v, f->class_id), "mark", (json_int_t)c->mark, "service",
			service_of(v, ctl_conn_backend(c)), "owner", c->owner, "fast", fast);
	if (o == NULL)
		return NULL;
	if (v->worker_lcore != NULL)
		json_object_set_new(o, "lcore", json_integer(v->worker_lcore(v->ctx, c->owner)));
	json_object_set_new(o, "tcp", tcp_json(c));
	add_extension(o, ct_ext(v->ct, conn));
	return o;
}
