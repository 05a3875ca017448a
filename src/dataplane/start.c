/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Build the dataplane from its configuration, start and stop it. Main lcore. What fails says why and undoes what was
 * done; teardown runs in reverse of construction.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_random.h>

#include "base/log.h"
#include "dp_priv.h"

#define POOL_CACHE 512
#define NAME_LEN 32
#define DRAIN_ROUNDS 100000
#define EXPECTATIONS_MAX 4096u

/* ---- clock ---------------------------------------------------------------------------------------------------- */

static void
clock_start(struct dp_clock *c)
{
	c->mult = (uint64_t)(((__uint128_t)TIME_NS_PER_S << 32) / rte_get_tsc_hz());
	c->tsc0 = rte_rdtsc();
}

/* The world's time when the dataplane's clock was 0: only events are told it. */
static uint64_t
epoch_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * TIME_NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t
dp_now(const struct dp *dp)
{
	return (uint64_t)(((__uint128_t)(rte_rdtsc() - dp->clock.tsc0) * dp->clock.mult) >> 32);
}

/* ---- lcores ---------------------------------------------------------------------------------------------------- */

static int
add_worker_lcore(struct dp *dp, unsigned int *lcores, unsigned int lcore)
{
	if (!rte_lcore_is_enabled(lcore) || lcore == rte_get_main_lcore()) {
		log_err("lcores/workers: lcore %u %s: name lcores of the EAL options (-l), without the main one (%u)\n",
				lcore,
				rte_lcore_is_enabled(lcore) ? "is the control lcore"
							    : "is not there",
				rte_get_main_lcore());
		return -EINVAL;
	}
	if (dp->n_workers == DP_WORKERS_MAX) {
		log_err("more than %u workers\n", DP_WORKERS_MAX);
		return -E2BIG;
	}
	lcores[dp->n_workers++] = lcore;
	return 0;
}

/* Which lcores are workers. One lcore, or a replay: control does the worker's part in turn. */
static int
choose_workers(struct dp *dp, unsigned int *lcores)
{
	unsigned int lcore;
	int rc = 0;

	if (dp->replay || (rte_lcore_count() == 1 && dp->cfg->n_workers == 0)) {
		lcores[dp->n_workers++] = rte_get_main_lcore();
		return 0;
	}
	dp->workers_running = true;
	for (unsigned int i = 0; i < dp->cfg->n_workers && rc == 0; i++)
		rc = add_worker_lcore(dp, lcores, dp->cfg->workers[i]);
	if (dp->cfg->n_workers == 0)
		RTE_LCORE_FOREACH_WORKER(lcore)
			if (rc == 0)
				rc = add_worker_lcore(dp, lcores, lcore);
	return rc;
}

static struct rte_ring *
ring(const char *what, unsigned int a, unsigned int b, uint32_t size)
{
	char name[NAME_LEN];

	snprintf(name, sizeof(name), "shunt_%s_%u_%u", what, a, b);
	return rte_ring_create(name, size, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static struct dp_worker *
worker_create(struct dp *dp, uint8_t index, unsigned int lcore)
{
	const uint32_t size = dp->cfg->tables.ring_size;
	struct dp_worker *w = rte_zmalloc("worker", sizeof(*w), RTE_CACHE_LINE_SIZE);

	if (w == NULL)
		return NULL;
	w->dp = dp;
	w->index = index;
	w->lcore = lcore;
	w->profile = dp->profile;
	w->to_control = ring("control", index, 0, size);
	/*
	 * What a worker has in flight, held packets included, fits the ring back; the other half is for packets that
	 * shunt makes itself.
	 */
	w->in_flight_max = size + dp->cfg->tables.hold_total;
	w->from_control = ring("return", index, 0, rte_align32pow2(2 * w->in_flight_max));
	w->gates = ring("gates", index, 0, size);
	w->handover_in = rte_calloc("handover", dp->n_workers, sizeof(*w->handover_in), 0);
	w->class_counters = rte_calloc("class", dp->cfg->n_classes, sizeof(*w->class_counters),
			RTE_CACHE_LINE_SIZE);
	w->backend_counters = rte_calloc("backend", dp->cfg->n_backends * 2 + 1,
			sizeof(*w->backend_counters), RTE_CACHE_LINE_SIZE);
	dp->workers[index] = w;
	if (w->to_control == NULL || w->from_control == NULL || w->gates == NULL ||
			w->handover_in == NULL || w->class_counters == NULL ||
			w->backend_counters == NULL)
		return NULL;
	for (unsigned int from = 0; from < dp->n_workers; from++) {
		if (from == index)
			continue;
		w->handover_in[from] = ring("handover", from, index, size);
		if (w->handover_in[from] == NULL)
			return NULL;
	}
	return w;
}

static int
workers_create(struct dp *dp)
{
	unsigned int lcores[DP_WORKERS_MAX];
	int rc = choose_workers(dp, lcores);

	if (rc != 0)
		return rc;
	dp->workers = rte_calloc("workers", dp->n_workers, sizeof(*dp->workers), 0);
	if (dp->workers == NULL)
		return -ENOMEM;
	dp->outbox = rte_calloc("outbox", dp->n_workers, sizeof(*dp->outbox), RTE_CACHE_LINE_SIZE);
	if (dp->outbox == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->n_workers; i++)
		if (worker_create(dp, (uint8_t)i, lcores[i]) == NULL) {
			log_err("worker %u: rings and counters do not fit in memory; lower tables/ring-size\n",
					i);
			return -ENOMEM;
		}
	return 0;
}

static void
ring_destroy(struct dp *dp, struct rte_ring *r)
{
	void *m;

	if (r == NULL)
		return;
	while (rte_ring_sc_dequeue(r, &m) == 0) {
		dp->c.drop[DROP_SHUTDOWN]++;
		rte_pktmbuf_free(m);
	}
	rte_ring_free(r);
}

static void
workers_destroy(struct dp *dp)
{
	for (unsigned int i = 0; dp->workers != NULL && i < dp->n_workers; i++) {
		struct dp_worker *w = dp->workers[i];

		if (w == NULL)
			continue;
		worker_drop_parked(w);
		for (unsigned int from = 0; w->handover_in != NULL && from < dp->n_workers; from++)
			ring_destroy(dp, w->handover_in[from]);
		ring_destroy(dp, w->to_control);
		ring_destroy(dp, w->from_control);
		rte_ring_free(w->gates);
		rte_free(w->handover_in);
		rte_free(w->class_counters);
		rte_free(w->backend_counters);
		rte_free(w->rxq);
		rte_free(w->txq);
		rte_free(w->tx_own);
		rte_free(w);
	}
	rte_free(dp->outbox);
	rte_free(dp->workers);
	dp->workers = NULL;
}

/* ---- queues to workers ------------------------------------------------------------------------------------------ */

/* Queue q of every port belongs to worker q mod workers, for rx and for tx. */
static int
queues_create(struct dp *dp)
{
	uint32_t total = 0;

	for (unsigned int i = 0; i < dp->n_ports; i++) {
		dp->ports[i].tx_base = (uint16_t)total;
		total += dp->ports[i].n_txq;
	}
	dp->tx_owner = rte_calloc("tx_owner", total, sizeof(*dp->tx_owner), 0);
	dp->tx_slot = rte_calloc("tx_slot", total, sizeof(*dp->tx_slot), 0);
	if (dp->tx_owner == NULL || dp->tx_slot == NULL || total > UINT16_MAX)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->n_workers; i++) {
		struct dp_worker *w = dp->workers[i];

		w->rxq = rte_calloc("rxq", (size_t)dp->n_ports * RTE_MAX_QUEUES_PER_PORT,
				sizeof(*w->rxq), 0);
		w->txq = rte_calloc("txq", total, sizeof(*w->txq), RTE_CACHE_LINE_SIZE);
		w->tx_own = rte_calloc("tx_own", dp->n_ports, sizeof(*w->tx_own), 0);
		if (w->rxq == NULL || w->txq == NULL || w->tx_own == NULL)
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		const struct dp_port *p = &dp->ports[i];

		for (uint16_t q = 0; q < p->n_rxq; q++) {
			struct dp_worker *w = dp->workers[q % dp->n_workers];

			w->rxq[w->n_rxq++] = (struct dp_rxq){ (uint16_t)i, p->id, q };
		}
		for (unsigned int j = 0; j < dp->n_workers; j++)
			dp->workers[j]->tx_own[i] = DP_NO_TXQ;
		for (uint16_t q = 0; q < p->n_txq; q++) {
			struct dp_worker *w = dp->workers[q % dp->n_workers];

			dp->tx_owner[p->tx_base + q] = w->index;
			dp->tx_slot[p->tx_base + q] = w->n_txq;
			if (q == w->index)
				w->tx_own[i] = w->n_txq;
			w->txq[w->n_txq++] = (struct dp_txq){
				.port = (uint16_t)i, .id = p->id, .queue = q
			};
		}
	}
	return 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------------- */

static int
qsbr_create(struct dp *dp)
{
	dp->qsbr = rte_zmalloc(
			"qsbr", rte_rcu_qsbr_get_memsize(dp->n_workers), RTE_CACHE_LINE_SIZE);
	if (dp->qsbr == NULL)
		return -ENOMEM;
	return rte_rcu_qsbr_init(dp->qsbr, dp->n_workers) == 0 ? 0 : -rte_errno;
}

/* Live it has a secret that nobody can guess from what is seen of other random numbers; a replay must be repeatable. */
static struct flow_hasher
make_hasher(const struct dp *dp)
{
	const struct cfg_conntrack *c = &dp->cfg->conntrack;
	const enum flow_hash_kind kind =
			c->hash == CFG_HASH_SIPHASH ? FLOW_HASH_SIPHASH : FLOW_HASH_CRC32C;
	uint64_t secret[2];

	if (dp->replay || c->has_hash_seed)
		return flow_hasher_make(kind, dp->hash_seed, NULL);
	if (getentropy(secret, sizeof(secret)) != 0)
		secret[0] = rte_rand(), secret[1] = rte_rand();
	return flow_hasher_make(kind, dp->hash_seed, secret);
}

/* To be freed; NULL: no memory. */
static struct ct_zone_params *
zone_params(const struct cfg *cfg)
{
	struct ct_zone_params *zones = calloc(RTE_MAX(cfg->n_zones, 1u), sizeof(*zones));

	for (unsigned int i = 0; zones != NULL && i < cfg->n_zones; i++)
		zones[i] = (struct ct_zone_params){ cfg->zones[i].id, cfg->zones[i].limit };
	return zones;
}

_Static_assert(CT_POLICIES_MAX == CFG_TIMEOUT_POLICIES_MAX, "every policy has its number");

static void
set_timeouts(struct ct_timeouts *to, const struct cfg_timeouts *t)
{
	ct_timeouts_default(to); /* some have no key in the configuration */
	to->tcp[CT_TCP_SYN_SENT] = t->tcp_syn_sent;
	to->tcp[CT_TCP_SYN_RECV] = t->tcp_syn_recv;
	to->tcp[CT_TCP_ESTABLISHED] = t->tcp_established;
	to->tcp[CT_TCP_FIN_WAIT] = t->tcp_fin_wait;
	to->tcp[CT_TCP_CLOSE_WAIT] = t->tcp_close_wait;
	to->tcp[CT_TCP_LAST_ACK] = t->tcp_last_ack;
	to->tcp[CT_TCP_TIME_WAIT] = t->tcp_time_wait;
	to->tcp[CT_TCP_CLOSE] = t->tcp_close;
	to->tcp[CT_TCP_SYN_SENT2] = t->tcp_syn_sent2;
	to->tcp_retrans = t->tcp_retrans;
	to->tcp_unack = t->tcp_unack;
	to->udp = t->udp;
	to->udp_stream = t->udp_stream;
	to->icmp = t->icmp;
	to->icmp6 = t->icmpv6;
	to->generic = t->generic;
	to->sctp[CT_SCTP_CLOSED] = t->sctp_closed;
	to->sctp[CT_SCTP_COOKIE_WAIT] = t->sctp_cookie_wait;
	to->sctp[CT_SCTP_COOKIE_ECHOED] = t->sctp_cookie_echoed;
	to->sctp[CT_SCTP_ESTABLISHED] = t->sctp_established;
	to->sctp[CT_SCTP_SHUTDOWN_SENT] = t->sctp_shutdown_sent;
	to->sctp[CT_SCTP_SHUTDOWN_RECD] = t->sctp_shutdown_recd;
	to->sctp[CT_SCTP_SHUTDOWN_ACK_SENT] = t->sctp_shutdown_ack_sent;
	to->sctp[CT_SCTP_HEARTBEAT_SENT] = t->sctp_heartbeat_sent;
	to->gre = t->gre;
	to->gre_stream = t->gre_stream;
	to->dccp[CT_DCCP_REQUEST] = t->dccp_request;
	to->dccp[CT_DCCP_RESPOND] = t->dccp_respond;
	to->dccp[CT_DCCP_PARTOPEN] = t->dccp_partopen;
	to->dccp[CT_DCCP_OPEN] = t->dccp_open;
	to->dccp[CT_DCCP_CLOSEREQ] = t->dccp_closereq;
	to->dccp[CT_DCCP_CLOSING] = t->dccp_closing;
	to->dccp[CT_DCCP_TIMEWAIT] = t->dccp_timewait;
}

static struct ct_events_params
events_params(const struct cfg_events *e)
{
	struct ct_events_params p = {
		.ring = e->ring,
		.kinds = (uint8_t)(e->new << CT_EVENT_NEW | e->update << CT_EVENT_UPDATE |
				e->destroy << CT_EVENT_DESTROY),
		.always = e->always,
	};

	if (p.kinds == 0)
		p.ring = 0;
	return p;
}

static int
conntrack_create(struct dp *dp)
{
	const struct cfg_conntrack *c = &dp->cfg->conntrack;
	struct ct_zone_params *zones = zone_params(dp->cfg);
	struct ct_timeouts policies[CT_POLICIES_MAX];
	struct ct_params p = {
		.connections = dp->cfg->tables.connections,
		.connections6 = dp->cfg->tables.connections_ipv6,
		.extensions = dp->cfg->tables.connections_extended,
		.expectations = RTE_MIN(dp->cfg->tables.connections_extended, EXPECTATIONS_MAX),
		.hasher = make_hasher(dp),
		.early_drop = c->early_drop,
		.zones = zones,
		.n_zones = dp->cfg->n_zones,
		.policies = policies,
		.n_policies = c->n_timeout_policies,
		.socket_id = (int)rte_socket_id(),
		.qsbr = dp->qsbr,
		.tcp_loose = c->tcp_loose,
		.tcp_liberal = c->tcp_liberal,
		.tcp_ignore_invalid_rst = c->tcp_ignore_invalid_rst,
		.tcp_max_retrans = (uint8_t)c->tcp_max_retrans,
		.events = events_params(&dp->cfg->events),
	};

	if (zones == NULL)
		return -ENOMEM;
	set_timeouts(&p.timeouts, &c->timeouts);
	for (unsigned int i = 0; i < c->n_timeout_policies; i++)
		set_timeouts(&policies[i], &c->timeout_policies[i].timeouts);
	dp->ct = ct_create(&p);
	free(zones);
	if (dp->ct == NULL) {
		log_err("%u connections (%u of them IPv6) do not fit in memory: %s; lower tables/connections or give EAL more\n",
				p.connections, p.connections6, rte_strerror(rte_errno));
		return -rte_errno;
	}
	for (unsigned int i = 0; i < dp->n_workers; i++) {
		dp->workers[i]->ct = dp->ct;
		dp->workers[i]->conns = ct_conns(dp->ct);
		dp->workers[i]->conns6 = ct_conns6(dp->ct);
	}
	return 0;
}

static int
pool_create(struct dp *dp)
{
	const struct cfg_tables *t = &dp->cfg->tables;
	uint32_t cache = RTE_MIN((uint32_t)POOL_CACHE, t->mbufs / 4);

	dp->pool = rte_pktmbuf_pool_create("shunt_mbufs", t->mbufs, cache, sizeof(struct pkt_meta),
			(uint16_t)t->mbuf_size, (int)rte_socket_id());
	if (dp->pool == NULL) {
		log_err("%u mbufs of %u bytes do not fit in memory: %s; lower tables/mbufs or give EAL more\n",
				t->mbufs, t->mbuf_size, rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static int
counters_create(struct dp *dp)
{
	dp->class_counters =
			rte_calloc("class", dp->cfg->n_classes, sizeof(*dp->class_counters), 0);
	dp->backend_counters = rte_calloc(
			"backend", dp->cfg->n_backends * 2 + 1, sizeof(*dp->backend_counters), 0);
	dp->cleared = rte_zmalloc("cleared", sizeof(*dp->cleared), 0);
	return dp->class_counters == NULL || dp->backend_counters == NULL || dp->cleared == NULL
			? -ENOMEM
			: 0;
}

struct dp *
dp_create(const struct dp_params *p)
{
	static int (*const steps[])(struct dp *) = {
		workers_create,
		qsbr_create,
		counters_create,
		pool_create,
		conntrack_create,
		ports_open,
		queues_create,
		policy_create,
		cookies_create,
		session_frag_create,
		show_register,
	};
	struct dp *dp = rte_zmalloc("dp", sizeof(*dp), RTE_CACHE_LINE_SIZE);
	int rc = 0;

	if (dp == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	dp->cfg = p->cfg;
	dp->replay = p->replay;
	dp->profile = p->profile;
	dp->hash_seed = p->cfg->conntrack.hash_seed;
	if (!p->cfg->conntrack.has_hash_seed && !p->replay)
		dp->hash_seed = (uint32_t)rte_rand();
	clock_start(&dp->clock);
	dp->epoch = p->replay ? 0 : epoch_now();
	for (unsigned int i = 0; i < RTE_DIM(steps) && rc == 0; i++)
		rc = steps[i](dp);
	if (rc != 0) {
		dp_destroy(dp);
		rte_errno = -rc;
		return NULL;
	}
	return dp;
}

void
dp_destroy(struct dp *dp)
{
	if (dp == NULL)
		return;
	dp_stop(dp);
	dp_doors_close(dp);
	ctl_destroy(dp->ctl);
	frag_destroy(dp->frag);
	policy_destroy(dp);
	rte_free(dp->tx_owner);
	rte_free(dp->tx_slot);
	workers_destroy(dp);
	ports_close(dp);
	ct_destroy(dp->ct);
	rte_mempool_free(dp->pool);
	rte_free(dp->class_counters);
	rte_free(dp->backend_counters);
	rte_free(dp->cleared);
	rte_free(dp->qsbr);
	rte_free(dp);
}

/* ---- running ------------------------------------------------------------------------------------------------------------ */

static unsigned int
timed_poll(struct dp_worker *w, uint64_t now)
{
	uint64_t t0 = rte_rdtsc();
	unsigned int seen = worker_poll(w, now);

	if (seen != 0) {
		w->busy_cycles += rte_rdtsc() - t0;
		w->busy_packets += seen;
	}
	return seen;
}

static int
worker_main(void *arg)
{
	struct dp_worker *w = arg;
	struct dp *dp = w->dp;

	rte_rcu_qsbr_thread_register(dp->qsbr, w->index);
	rte_rcu_qsbr_thread_online(dp->qsbr, w->index);
	while (!atomic_load_explicit(&dp->stop, memory_order_relaxed)) {
		timed_poll(w, dp_now(dp));
		rte_rcu_qsbr_quiescent(dp->qsbr, w->index);
	}
	rte_rcu_qsbr_thread_offline(dp->qsbr, w->index);
	rte_rcu_qsbr_thread_unregister(dp->qsbr, w->index);
	return 0;
}

/*
 * The workers' lcores stand still: what is between them and control comes to its end here, so that the counters of a
 * run add up. What is held for a neighbour stays, and is counted as held.
 */
static void
drain(struct dp *dp)
{
	unsigned int seen = 1;

	for (unsigned int round = 0; round < DRAIN_ROUNDS && seen != 0; round++) {
		seen = 0;
		for (unsigned int i = 0; i < dp->n_workers; i++)
			seen += worker_poll_inside(dp->workers[i], dp->now);
		seen += control_poll(dp, dp->now);
	}
	for (unsigned int i = 0; i < dp->n_workers; i++)
		worker_drop_parked(dp->workers[i]);
}

int
dp_start(struct dp *dp)
{
	int rc = ports_start(dp);

	atomic_store(&dp->stop, false);
	for (unsigned int i = 0; dp->workers_running && i < dp->n_workers && rc == 0; i++)
		rc = rte_eal_remote_launch(worker_main, dp->workers[i], dp->workers[i]->lcore);
	dp->running = !dp->replay;
	return rc;
}

void
dp_stop(struct dp *dp)
{
	atomic_store(&dp->stop, true);
	if (dp->workers_running)
		rte_eal_mp_wait_lcore();
	if (dp->running)
		drain(dp);
	dp->running = false;
}

unsigned int
dp_poll(struct dp *dp, uint64_t now)
{
	unsigned int seen = 0;

	dp->now = now;
	if (!dp->workers_running)
		seen += timed_poll(dp->workers[0], now);
	return seen + control_poll(dp, now);
}

struct ctl *
dp_ctl(struct dp *dp)
{
	return dp->ctl;
}
