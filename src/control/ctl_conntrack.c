/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `show conntrack`: the connection table in figures. What conntrack counts anyway, and connections by family, zone,
 * protocol and TCP state, which a walk counts: counting them as they change would cost every packet that control
 * tracks.
 *
 * Control lcore only; a job, so packets are served between its parts.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "base/flow.h"
#include "conntrack/ct.h"
#include "control/ctl.h"

#include "ctl_priv.h"

#define PART_SLOTS 4096
#define ZONES_MAX 64 /* that are counted by themselves */

struct census {
	uint32_t next;
	uint64_t family[2]; /* IPv4, IPv6 */
	uint64_t proto[256];
	uint64_t tcp[CT_TCP_STATES];
	uint64_t replied, assured, fast;
	unsigned int n_zones;
	uint64_t other_zones; /* connections in zones that found no place */
	struct {
		uint16_t zone;
		uint64_t connections;
	} zone[ZONES_MAX];
};

static int
census_start(void *ctx, void *job, const json_t *params, json_t **result)
{
	(void)ctx;
	(void)job;
	(void)params;
	(void)result;
	return 0;
}

static void
count_zone(struct census *s, uint16_t zone)
{
	unsigned int i;

	for (i = 0; i < s->n_zones && s->zone[i].zone != zone; i++)
		;
	if (i == ZONES_MAX) {
		s->other_zones++;
		return;
	}
	if (i == s->n_zones) {
		s->zone[i].zone = zone;
		s->n_zones++;
	}
	s->zone[i].connections++;
}

static void
count(struct census *s, const struct ct_conn *c)
{
	const struct flow_key *k = &c->flow[FLOW_ORIGINAL].key;

	s->family[k->family == 6]++;
	s->proto[k->proto]++;
	if (k->proto == IPPROTO_TCP && c->tcp.state < CT_TCP_STATES)
		s->tcp[c->tcp.state]++;
	s->replied += (c->status & CT_S_SEEN_REPLY) != 0;
	s->assured += (c->status & CT_S_ASSURED) != 0;
	s->fast += (c->flow[0].flags & c->flow[1].flags & FLOW_F_FAST) != 0;
	count_zone(s, k->zone);
}

static int
census_step(void *ctx, void *job, json_t *items)
{
	const struct ctl_view *v = ctx;
	struct census *s = job;
	uint32_t slots = PART_SLOTS, from, conn;

	(void)items;
	while (slots > 0 && s->next != FLOW_NONE) {
		from = s->next;
		conn = ct_next(v->ct, from, slots, &s->next);
		slots -= RTE_MIN(slots, s->next - from);
		if (conn != FLOW_NONE)
			count(s, &ct_conns(v->ct)[conn]);
	}
	return s->next != FLOW_NONE ? CTL_JOB_MORE : CTL_JOB_DONE;
}

static void
set(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *
protocols_json(const struct census *s)
{
	json_t *o = json_object();
	char name[8];
	unsigned int i;

	for (i = 0; i < RTE_DIM(s->proto); i++) {
		if (s->proto[i] != 0)
			set(o, ctl_protocol_name((uint8_t)i, name), s->proto[i]);
	}
	return o;
}

static json_t *
zones_json(const struct census *s)
{
	json_t *o = json_object();
	char name[8];
	unsigned int i;

	for (i = 0; i < s->n_zones; i++) {
		snprintf(name, sizeof(name), "%u", s->zone[i].zone);
		set(o, name, s->zone[i].connections);
	}
	if (s->other_zones != 0)
		set(o, "other", s->other_zones);
	return o;
}

static json_t *
events_json(const struct ctl_view *v)
{
	struct ct_event_stats e;
	json_t *o = json_object(), *written = json_object();
	unsigned int i;

	ct_event_stats(v->ct, &e);
	for (i = 0; i < CT_EVENT_KINDS; i++)
		set(written, ct_event_name(i), e.written[i]);
	set(o, "ring", e.ring);
	json_object_set_new(o, "recording", json_boolean(e.on));
	set(o, "readers", e.readers);
	set(o, "sequence", e.next);
	json_object_set_new(o, "written", written);
	set(o, "lost", e.lost);
	return o;
}

static void
add_stats(json_t *o, const struct ct_stats *s)
{
	set(o, "opened", s->opened);
	set(o, "closed", s->closed);
	set(o, "expired", s->expired);
	set(o, "refused_full", s->full);
	set(o, "refused_clash", s->clashes);
	set(o, "displaced", s->displaced);
	set(o, "extensions", s->exts);
	set(o, "extensions_max", s->exts_max);
	set(o, "extensions_full", s->ext_full);
	set(o, "buckets", s->buckets);
	set(o, "slots", s->slots);
	set(o, "bytes", s->bytes);
}

static int
census_end(void *ctx, void *job, json_t **result)
{
	const struct ctl_view *v = ctx;
	const struct census *s = job;
	json_t *o = json_object(), *family = json_object(), *tcp = json_object();
	struct ct_stats st;
	unsigned int i;

	ct_stats(v->ct, &st);
	set(o, "connections", st.connections);
	set(o, "connections_max", st.connections_max);
	set(o, "connections_ipv6_max", st.connections6_max);
	set(family, "ipv4", s->family[0]);
	set(family, "ipv6", s->family[1]);
	json_object_set_new(o, "families", family);
	json_object_set_new(o, "zones", zones_json(s));
	json_object_set_new(o, "protocols", protocols_json(s));
	for (i = 0; i < CT_TCP_STATES; i++)
		set(tcp, ct_tcp_state_name(i), s->tcp[i]);
	json_object_set_new(o, "tcp_states", tcp);
	set(o, "replied", s->replied);
	set(o, "assured", s->assured);
	set(o, "fast", s->fast);
	add_stats(o, &st);
	json_object_set_new(o, "events", events_json(v));
	*result = o;
	return 0;
}

const struct ctl_job_ops ctl_conntrack_job = {
	.size = sizeof(struct census),
	.start = census_start,
	.step = census_step,
	.end = census_end,
};

/* Rows of an object's numbers; of objects in it, with both names. */
static void
rows(struct ctl_table *t, const char *prefix, const json_t *o)
{
	void *iter;

	/* json_object_foreach() wants to write. */
	for (iter = json_object_iter((json_t *)(uintptr_t)o); iter != NULL;
			iter = json_object_iter_next((json_t *)(uintptr_t)o, iter)) {
		const char *key = json_object_iter_key(iter);
		const json_t *v = json_object_iter_value(iter);

		if (json_is_object(v)) {
			rows(t, key, v);
			continue;
		}
		ctl_table_cell(t, "%s%s%s", prefix, *prefix != '\0' ? " " : "", key);
		if (json_is_boolean(v))
			ctl_table_cell(t, "%s", json_is_true(v) ? "yes" : "no");
		else
			ctl_thousands_cell(t, (uint64_t)json_integer_value(v));
	}
}

void
ctl_conntrack_text(FILE *out, const json_t *result)
{
	struct ctl_table *t = ctl_table_create("Connection tracking");

	ctl_table_column(t, "what", false);
	ctl_table_column(t, "value", true);
	rows(t, "", result);
	ctl_table_print(t, out);
	ctl_table_destroy(t);
}
