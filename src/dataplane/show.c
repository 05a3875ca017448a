/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the dataplane shows of itself: `show ports`, `show stats`, `show drops`, `clear stats`, and the tables that a run
 * ends with. Control lcore; reads counters that workers are writing.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "dp_priv.h"
#include "limits.h"

static const char *const stage_names[DP_STAGES] = { "rx", "parse", "find", "run", "tx", "return" };

/* ---- sums ---------------------------------------------------------------------------------------------------- */

static void
totals_now(const struct dp *dp, struct dp_totals *out)
{
	*out = (struct dp_totals){ .c = dp->c };
	for (unsigned int i = 0; i < dp->n_workers; i++) {
		const struct dp_worker *w = dp->workers[i];

		counters_add(&out->c, &w->c);
		out->busy_cycles += w->busy_cycles;
		out->busy_packets += w->busy_packets;
		for (unsigned int s = 0; s < DP_STAGES; s++)
			out->stage_cycles[s] += w->stage_cycles[s];
	}
	out->control_cycles = dp->control_cycles;
	out->control_packets = dp->control_packets;
	out->now = dp_now(dp);
}

/* All of struct dp_totals is 64-bit counters: subtract them as such. */
void
dp_totals(const struct dp *dp, struct dp_totals *out)
{
	uint64_t *a = (uint64_t *)out;
	const uint64_t *b = (const uint64_t *)dp->cleared;

	totals_now(dp, out);
	for (size_t i = 0; i < sizeof(*out) / sizeof(*a); i++)
		a[i] -= b[i];
}

static void
sum_pairs(const struct dp *dp, size_t offset, size_t i, struct counter_pair *out)
{
	for (unsigned int w = 0; w < dp->n_workers; w++) {
		const struct counter_pair *p =
				*(struct counter_pair *const *)((const char *)dp->workers[w] +
						offset);

		out->packets += p[i].packets;
		out->bytes += p[i].bytes;
	}
}

static void
class_counters(void *ctx, uint16_t class_id, struct counter_pair *out)
{
	const struct dp *dp = ctx;

	*out = dp->class_counters[class_id];
	sum_pairs(dp, offsetof(struct dp_worker, class_counters), class_id, out);
}

static void
backend_counters(void *ctx, uint16_t backend, struct counter_pair *out)
{
	const struct dp *dp = ctx;

	for (unsigned int dir = 0; dir < 2; dir++) {
		out[dir] = dp->backend_counters[backend << 1 | dir];
		sum_pairs(dp, offsetof(struct dp_worker, backend_counters),
				(size_t)backend << 1 | dir, &out[dir]);
	}
}

static uint64_t
now(void *ctx)
{
	return ((const struct dp *)ctx)->now;
}

/* `flush connections`: between two packets, as ageing does it. */
static void
flush(void *ctx, uint32_t conn)
{
	session_close(ctx, conn, CT_WHY_FLUSHED);
}

static unsigned int
worker_lcore(void *ctx, uint8_t owner)
{
	const struct dp *dp = ctx;

	return owner < dp->n_workers ? dp->workers[owner]->lcore : UINT_MAX;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *
pair(const struct counter_pair *p)
{
	return json_pack("{sI sI}", "packets", (json_int_t)p->packets, "bytes",
			(json_int_t)p->bytes);
}

static void
set(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static double
ratio(uint64_t a, uint64_t b)
{
	return b == 0 ? 0.0 : (double)a / (double)b;
}

static json_t *
stages_json(const struct dp_worker *w)
{
	json_t *o = json_object();

	for (unsigned int s = 0; s < DP_STAGES; s++)
		set(o, stage_names[s], w->stage_cycles[s]);
	return o;
}

static json_t *
workers_json(const struct dp *dp)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < dp->n_workers; i++) {
		const struct dp_worker *w = dp->workers[i];
		json_t *o = json_object();

		set(o, "lcore", w->lcore);
		set(o, "packets", w->c.rx.packets);
		set(o, "busy_packets", w->busy_packets);
		set(o, "cycles", w->busy_cycles);
		set(o, "in_flight", w->in_flight);
		set(o, "handover", w->c.handover);
		set(o, "polls", w->c.polls);
		set(o, "empty_polls", w->c.empty_polls);
		json_object_set_new(o, "stages", stages_json(w));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
conntrack_json(const struct dp *dp)
{
	struct ct_stats s;

	ct_stats(dp->ct, &s);
	return json_pack("{sI sI sI sI sI sI sI sI sI sI sI sI sI sI}", "connections",
			(json_int_t)s.connections, "connections_ipv6", (json_int_t)s.connections6,
			"connections_max", (json_int_t)s.connections_max, "opened",
			(json_int_t)s.opened, "closed", (json_int_t)s.closed, "expired",
			(json_int_t)s.expired, "full", (json_int_t)s.full, "unplaced",
			(json_int_t)s.unplaced, "early_dropped", (json_int_t)s.early_dropped,
			"zone_limited", (json_int_t)s.zone_limited, "clashes",
			(json_int_t)s.clashes, "displaced", (json_int_t)s.displaced, "bytes",
			(json_int_t)s.bytes, "extensions_full", (json_int_t)s.ext_full);
}

static json_t *
helpers_json(const struct dp *dp)
{
	struct ct_stats s;

	ct_stats(dp->ct, &s);
	return json_pack("{sI sI sI sI sI sI sI sI}", "expectations", (json_int_t)s.expects,
			"expectations_max", (json_int_t)s.expects_max, "announced",
			(json_int_t)s.expects_made, "opened", (json_int_t)s.expects_met, "expired",
			(json_int_t)s.expects_expired, "full", (json_int_t)s.expects_full,
			"refused", (json_int_t)dp->alg_refused, "unread",
			(json_int_t)dp->alg_unread);
}

static json_t *
tunnels_json(const struct dp *dp)
{
	json_t *o = json_object();

	for (unsigned int i = 1; i < PARSE_TUNNEL_TYPES; i++) {
		const struct tunnel_counter *t = &dp->tunnels[i];

		json_object_set_new(o, parse_tunnel_name(i),
				json_pack("{sI sI sI}", "connections", (json_int_t)t->connections,
						"outer_bytes", (json_int_t)t->outer_bytes,
						"inner_bytes", (json_int_t)t->inner_bytes));
	}
	return o;
}

static uint64_t
drops_sum(const struct counters *c)
{
	uint64_t sum = 0;

	for (unsigned int i = 1; i < DROP_COUNT; i++)
		sum += c->drop[i];
	return sum;
}

static json_t *
cookies_json(const struct dp *dp, const struct counters *c)
{
	static const char *const states[] = { "off", "accepted", "active" };
	struct ct_stats s;

	ct_stats(dp->ct, &s);
	return json_pack("{ss sI sI sI sI}", "state", states[dp->cookies.state], "half_open",
			(json_int_t)s.half_open, "sent", (json_int_t)c->cookies_sent, "valid",
			(json_int_t)c->cookies_valid, "refused",
			(json_int_t)c->drop[DROP_SYN_COOKIE]);
}

static int
stats_call(void *ctx, const json_t *params, json_t **result)
{
	const struct dp *dp = ctx;
	struct dp_totals t;
	json_t *o = json_object(), *states = json_object(), *punts = json_object();

	(void)params;
	dp_totals(dp, &t);
	json_object_set_new(o, "seconds", json_real((double)t.now / 1e9));
	json_object_set_new(o, "rx", pair(&t.c.rx));
	json_object_set_new(o, "tx", pair(&t.c.tx));
	json_object_set_new(o, "forwarded_fast", pair(&t.c.fast));
	json_object_set_new(o, "forwarded_slow", pair(&t.c.slow));
	set(o, "local", t.c.local);
	set(o, "held", l3_held(dp->l3));
	set(o, "fragments_waiting", session_frag_waiting(dp));
	set(o, "merged", t.c.merged);
	set(o, "dropped", drops_sum(&t.c));
	set(o, "made", t.c.made);
	set(o, "reassembled", t.c.reassembled);
	set(o, "fragmented", t.c.fragmented);
	set(o, "fragments_made", t.c.fragments_made);
	set(o, "handover", t.c.handover);
	set(o, "parked", t.c.parked);
	set(o, "lines_asked", t.c.lines_asked);
	set(o, "icmp_limited", t.c.icmp_limited);
	json_object_set_new(o, "syn_cookies", cookies_json(dp, &t.c));
	json_object_set_new(o, "fast_share",
			json_real(ratio(t.c.fast.packets, t.c.fast.packets + t.c.slow.packets)));
	json_object_set_new(
			o, "cycles_per_packet", json_real(ratio(t.busy_cycles, t.c.rx.packets)));
	json_object_set_new(o, "control_cycles_per_packet",
			json_real(ratio(t.control_cycles, t.control_packets)));
	set(o, "busy_cycles", t.busy_cycles);
	set(o, "tsc_hz", rte_get_tsc_hz());
	for (unsigned int i = 1; i < CT_STATE_COUNT; i++)
		json_object_set_new(states, ct_state_name(i), pair(&t.c.state[i]));
	json_object_set_new(o, "states", states);
	for (unsigned int i = 1; i < PUNT_COUNT; i++)
		set(punts, punt_name(i), t.c.punt[i]);
	json_object_set_new(o, "punts", punts);
	json_object_set_new(o, "tunnels", tunnels_json(dp));
	json_object_set_new(o, "workers", workers_json(dp));
	json_object_set_new(o, "conntrack", conntrack_json(dp));
	json_object_set_new(o, "helpers", helpers_json(dp));
	*result = o;
	return 0;
}

static int
drops_call(void *ctx, const json_t *params, json_t **result)
{
	struct dp_totals t;
	json_t *list = json_array();

	(void)params;
	dp_totals(ctx, &t);
	for (unsigned int i = 1; i < DROP_COUNT; i++)
		if (t.c.drop[i] != 0)
			json_array_append_new(list,
					json_pack("{ss sI ss}", "reason", drop_name(i), "packets",
							(json_int_t)t.c.drop[i], "meaning",
							drop_text(i)));
	*result = json_pack("{so}", "drops", list);
	return 0;
}

/* Names of the classes that steer to a queue. */
static json_t *
steered_json(const struct dp *dp, unsigned int port, uint16_t queue)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < cls_classes(dp->cls); i++) {
		const struct cls_class *c = cls_class(dp->cls, (uint16_t)i);

		if (c->queue == queue && (c->port == CLS_ANY_PORT || c->port == port))
			json_array_append_new(list, json_string(c->name));
	}
	return list;
}

static json_t *
txqs_json(const struct dp *dp, unsigned int port)
{
	const struct dp_port *p = &dp->ports[port];
	json_t *list = json_array();

	for (uint16_t q = 0; q < p->n_txq; q++) {
		const struct dp_worker *w = dp->workers[dp->tx_owner[p->tx_base + q]];
		const struct dp_txq *t = &w->txq[dp->tx_slot[p->tx_base + q]];

		json_array_append_new(list,
				json_pack("{sI so sI sI}", "queue", (json_int_t)q, "classes",
						steered_json(dp, port, q), "packets",
						(json_int_t)t->packets, "bytes",
						(json_int_t)t->bytes));
	}
	return list;
}

/* What workers took from a port. The device's own counters do not always know bytes. */
static struct counter_pair
received(const struct dp *dp, unsigned int port)
{
	struct counter_pair sum = { 0 };

	for (unsigned int i = 0; i < dp->n_workers; i++) {
		const struct dp_worker *w = dp->workers[i];

		for (uint16_t q = 0; q < w->n_rxq; q++)
			if (w->rxq[q].port == port) {
				sum.packets += w->rxq[q].rx.packets;
				sum.bytes += w->rxq[q].rx.bytes;
			}
	}
	return sum;
}

static int
ports_call(void *ctx, const json_t *params, json_t **result)
{
	const struct dp *dp = ctx;
	json_t *list = json_array();

	(void)params;
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		const struct dp_port *p = &dp->ports[i];
		char name[RTE_ETH_NAME_MAX_LEN] = "", mac[RTE_ETHER_ADDR_FMT_SIZE];
		struct rte_eth_stats s = { .ipackets = 0 };
		struct rte_eth_link link = { .link_status = 0 };
		struct counter_pair rx = received(dp, i);
		json_t *o;

		rte_eth_dev_get_name_by_port(p->id, name);
		rte_eth_stats_get(p->id, &s);
		(void)rte_eth_link_get_nowait(p->id, &link);
		rte_ether_format_addr(mac, sizeof(mac), &p->mac);
		o = json_pack("{ss ss ss ss si si si sb}", "name", p->cfg->name, "device", name,
				"role", p->cfg->role == CFG_EXTERNAL ? "external" : "internal",
				"mac", mac, "mtu", p->cfg->mtu, "rx_queues", p->n_rxq, "tx_queues",
				p->n_txq, "up", link.link_status);
		set(o, "rx_packets", rx.packets);
		set(o, "rx_bytes", rx.bytes);
		set(o, "rx_missed", s.imissed);
		set(o, "rx_nombuf", s.rx_nombuf);
		set(o, "tx_packets", s.opackets);
		set(o, "tx_bytes", s.obytes);
		json_object_set_new(o, "queues", txqs_json(dp, i));
		json_array_append_new(list, o);
	}
	*result = json_pack("{so}", "ports", list);
	return 0;
}

static int
clear_call(void *ctx, const json_t *params, json_t **result)
{
	struct dp *dp = ctx;

	(void)params;
	totals_now(dp, dp->cleared);
	*result = json_pack("{sb}", "cleared", 1);
	return 0;
}

/* ---- registry ---------------------------------------------------------------------------------------------------------- */

int
show_register(struct dp *dp)
{
	const struct ctl_method methods[] = {
		{ "show ports", "devices, queues and what went through them", NULL, ports_call,
				show_ports_text, dp },
		{ "show stats", "packets, states, connections, cycles", NULL, stats_call,
				show_stats_text, dp },
		{ "show drops", "dropped packets by reason", NULL, drops_call, show_drops_text,
				dp },
		{ "show limits", "limits on connections, and who has the most", "[name NAME]",
				limits_call, limits_text, dp },
		{ "clear stats", "count from zero again", NULL, clear_call, show_clear_text, dp },
	};
	const struct ctl_view view = {
		.ct = dp->ct,
		.lb = dp->lb,
		.cls = dp->cls,
		.now = now,
		.epoch = dp->epoch,
		.flush = flush,
		.worker_lcore = worker_lcore,
		.port_name = ports_name,
		.class_counters = class_counters,
		.backend_counters = backend_counters,
		.ctx = dp,
	};
	int rc = 0;

	dp->ctl = ctl_create();
	if (dp->ctl == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < RTE_DIM(methods) && rc == 0; i++)
		rc = ctl_register(dp->ctl, &methods[i]);
	return rc != 0 ? rc : ctl_register_views(dp->ctl, &view);
}

void
dp_report(struct dp *dp, FILE *out)
{
	static const char *const parts[] = {
		"show ports",
		"show stats",
		"show services",
		"show classes",
		"show drops",
	};

	for (size_t i = 0; i < RTE_DIM(parts); i++) {
		ctl_call_text(dp->ctl, parts[i], out);
		fputc('\n', out);
	}
	if (dp->lim != NULL)
		ctl_call_text(dp->ctl, "show limits", out);
}
