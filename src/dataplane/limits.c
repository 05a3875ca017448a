/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits joined to connections: made from the configuration, asked when a connection opens, told when it ends; what
 * becomes of one that is refused. Control lcore only.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_random.h>

#include "base/log.h"
#include "limit/lim.h"
#include "limits.h"
#include "session.h"

/* Slots that a tick looks at to clean up: a hundred ticks a second see the default table in 20 s. */
#define TIDY_TICK 64

static const enum drop_reason reasons[LIM_VERDICTS] = {
	[LIM_PASS] = DROP_NONE,
	[LIM_CONNECTIONS] = DROP_LIMIT_CONNECTIONS,
	[LIM_RATE] = DROP_LIMIT_RATE,
	[LIM_FULL] = DROP_LIMIT_FULL,
};

/* ---- from the configuration -------------------------------------------------------------------------------------- */

static struct lim_limit_params
limit_of(const struct cfg_limit *c)
{
	static const enum lim_by by[] = {
		[CFG_BY_SOURCE] = LIM_BY_SOURCE,
		[CFG_BY_DESTINATION] = LIM_BY_DESTINATION,
		[CFG_BY_ALL] = LIM_BY_ALL,
	};
	static const enum lim_action action[] = {
		[CFG_LIMIT_DROP] = LIM_DROP,
		[CFG_LIMIT_RESET] = LIM_RESET,
		[CFG_LIMIT_COUNT] = LIM_COUNT,
	};

	return (struct lim_limit_params){
		.name = c->name,
		.proto = c->proto,
		.dport_lo = c->destination_port.lo,
		.dport_hi = c->destination_port.hi,
		.port_in = c->in_port == CFG_ANY_PORT ? LIM_NONE : c->in_port,
		.service = c->service == CFG_ANY_SERVICE ? -1 : c->service,
		.zone = c->has_zone ? c->zone : -1,
		.set = c->set == CFG_NO_SET ? LIM_NONE : c->set,
		.not_set = c->not_set == CFG_NO_SET ? LIM_NONE : c->not_set,
		.by = by[c->by],
		.prefix_len = c->prefix_length,
		.prefix_len6 = c->prefix_length_ipv6,
		.connections = c->connections,
		.rate = c->rate,
		.burst = c->burst,
		.action = action[c->action],
		.entries = c->entries,
	};
}

/* Arrays that lim_create() reads. */
struct arrays {
	struct lim_set_params *sets;
	struct lim_prefix *prefixes; /* of all sets */
	struct lim_limit_params *limits;
};

static bool
arrays_fill(struct arrays *a, const struct cfg *cfg)
{
	struct lim_prefix *next;
	size_t n = 0;

	for (unsigned int i = 0; i < cfg->n_sets; i++)
		n += cfg->sets[i].n_prefixes;
	a->sets = calloc(cfg->n_sets + 1, sizeof(*a->sets));
	a->prefixes = next = calloc(n + 1, sizeof(*a->prefixes));
	a->limits = calloc(cfg->n_limits + 1, sizeof(*a->limits));
	if (a->sets == NULL || a->prefixes == NULL || a->limits == NULL)
		return false;
	for (unsigned int i = 0; i < cfg->n_sets; i++) {
		const struct cfg_set *s = &cfg->sets[i];

		a->sets[i] = (struct lim_set_params){ next, s->n_prefixes };
		for (unsigned int j = 0; j < s->n_prefixes; j++)
			*next++ = (struct lim_prefix){ s->prefixes[j].family, s->prefixes[j].len,
				s->prefixes[j].addr };
	}
	for (unsigned int i = 0; i < cfg->n_limits; i++)
		a->limits[i] = limit_of(&cfg->limits[i]);
	return true;
}

int
limits_create(struct dp *dp)
{
	const struct cfg *cfg = dp->cfg;
	struct arrays a = { .sets = NULL };

	if (cfg->n_limits == 0)
		return 0;
	rte_errno = ENOMEM;
	if (arrays_fill(&a, cfg)) {
		bool fixed = dp->replay || cfg->conntrack.has_hash_seed;

		dp->lim = lim_create(&(struct lim_params){
				.limits = a.limits,
				.n_limits = cfg->n_limits,
				.sets = a.sets,
				.n_sets = cfg->n_sets,
				.hash_seed = fixed ? dp->hash_seed : rte_rand(),
				.socket_id = (int)rte_socket_id(),
		});
	}
	free(a.sets);
	free(a.prefixes);
	free(a.limits);
	if (dp->lim != NULL)
		return 0;
	log_err("limits: %s; lower limits/entries or give EAL more memory\n",
			rte_strerror(rte_errno));
	return -rte_errno;
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

/* Drop it, and say so at once: TCP by a reset, others by ICMP. */
static void
reset(struct session *s, enum drop_reason why)
{
	struct dp *dp = s->dp;

	if (s->tuple.key.proto != IPPROTO_TCP) { /* nor what is only a packet of many */
		session_drop_error(dp, s->m, why, L3_ICMP_PORT, 0);
		return;
	}
	/* Who answered a cookie believes a reset only with the number that it expects: that is in its ACK. */
	if (s->cookie != NULL && !session_cookie_undo(s))
		return;
	if (l3_tcp_reset(dp->l3, s->m, s->now, &dp->l3_out) == -EBUSY)
		dp->c.icmp_limited++;
	session_drop(dp, s->m, why);
	session_l3_flush(dp);
}

bool
limits_refuse(struct session *s, int service)
{
	const struct lim_conn c = {
		.tuple = &s->tuple, .port_in = s->meta->port_in, .service = service
	};
	struct lim_info info;
	unsigned int limit;
	enum lim_verdict v = lim_open(s->dp->lim, &c, s->now, &limit);

	if (likely(v == LIM_PASS))
		return false;
	session_note(s->dp, s->m, CT_STATE_NEW, 2, FLOW_NONE);
	if (lim_info(s->dp->lim, limit, &info) == 0 && info.action == LIM_RESET)
		reset(s, reasons[v]);
	else
		session_drop(s->dp, s->m, reasons[v]);
	return true;
}

void
limits_undo(struct dp *dp)
{
	lim_undo(dp->lim);
}

/*
 * What was asked when it opened is asked again: its tuple and port of entry are in its original flow, and its service
 * follows from the tuple.
 */
void
limits_close(struct dp *dp, uint32_t conn)
{
	struct ct_conn *closed = &ct_conns(dp->ct)[conn];
	struct flow_tuple tuple;
	struct lim_conn c = {
		.tuple = &tuple,
		.port_in = closed->flow[FLOW_ORIGINAL].port_in,
		.service = -1,
	};

	if ((closed->status & CT_S_COUNTED) == 0)
		return;
	closed->status &= (uint16_t)~CT_S_COUNTED;
	ct_tuple(dp->ct, ct_flow_id(conn, FLOW_ORIGINAL), &tuple);
	/* One that was expected had none, wherever it goes. */
	if (lim_asks_service(dp->lim) && !(closed->status & CT_S_EXPECTED))
		c.service = lb_find(dp->lb, &tuple);
	lim_close(dp->lim, &c, dp->now);
}

void
limits_tick(struct dp *dp, uint64_t now)
{
	if (dp->lim != NULL)
		lim_tidy(dp->lim, now, TIDY_TICK);
}
