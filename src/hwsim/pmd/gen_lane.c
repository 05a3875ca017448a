/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lanes of the generator: which flows come in which queue, at what share of the rate. Lanes are changed by the control
 * thread only while the gate is shut: a lane's lcore that finds it shut brings nothing.
 */
#include "gen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "wire_line.h"

#define NS UINT64_C(1000000000)
#define HANDED 4096u

/* --- pace --- */

static double
mean_size(const struct gen *g)
{
	double sum = 0;

	for (uint32_t i = 0; i < g->c.n_sizes; i++)
		sum += g->c.size[i];
	return sum / g->c.n_sizes + WIRE_GAP;
}

/* `share` of `of` parts. */
static void
set_pace(const struct gen *g, struct gen_lane *l, uint64_t share, uint64_t of)
{
	if (g->c.churn != 0)
		wire_pace_set(&l->churn, (wire_u128)NS * g->c.flows, (wire_u128)g->c.churn * l->n);
	if (!g->paced)
		return;
	if (g->rate.bps != 0)
		wire_pace_set(&l->pace, (wire_u128)NS * 8 * of, (wire_u128)g->rate.bps * share);
	else
		wire_pace_set(&l->pace, (wire_u128)NS * of, (wire_u128)g->rate.pps * share);
	l->least = l->pace.whole * (g->rate.bps != 0 ? g->c.size_min + WIRE_GAP : 1);
	l->mean = ((double)l->pace.whole + (double)l->pace.part / (double)l->pace.den) *
			(g->rate.bps != 0 ? mean_size(g) : 1);
}

void
gen_lane_time(struct gen *g, struct gen_lane *l, uint64_t now)
{
	const double most = (double)g->c.backlog * l->mean;

	if (!l->started || now < l->last) {
		l->started = true;
		l->pace.next = now;
		l->pace.rem = 0;
		l->ahead = 0;
		l->in_burst = 0;
		l->churn.next = now;
		l->churn.rem = 0;
		if (g->c.churn != 0)
			wire_pace_step(&l->churn, 1, &l->churn.next);
	} else if (g->drop_late && now > l->pace.next && (double)(now - l->pace.next) > most) {
		const uint64_t skip = now - l->pace.next - (uint64_t)most;

		l->pace.next += skip;
		wire_count(&g->w.stats.rx_missed, (uint64_t)((double)skip / l->mean));
	}
	l->last = now;
}

/* --- order --- */

/* Vose, "A linear algorithm for generating random numbers with a given distribution", 1991. w[] is used up. */
static void
fill_alias(struct gen_alias *a, double *w, uint32_t *work, uint32_t n)
{
	uint32_t small = 0, large = n;
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += w[i];
	for (uint32_t i = 0; i < n; i++) {
		w[i] *= n / sum;
		a[i] = (struct gen_alias){ UINT32_MAX, i };
		/* One list grows from each end. */
		if (w[i] < 1)
			work[small++] = i;
		else
			work[--large] = i;
	}
	while (small > 0 && large < n) {
		const uint32_t s = work[--small], l = work[large];

		a[s].keep = (uint32_t)(w[s] * UINT32_MAX);
		a[s].other = l;
		w[l] -= 1 - w[s];
		if (w[l] < 1) {
			large++;
			work[small++] = l;
		}
	}
}

/* Weights of a lane's flows into w. Returns their sum. */
static double
weigh(const struct gen *g, const struct gen_lane *l, double *w)
{
	double sum = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const uint32_t flow = l->flow != NULL ? l->flow[i] : i;
		const double v = pow((double)flow + 1, -g->c.zipf);

		if (w != NULL)
			w[i] = v;
		sum += v;
	}
	return sum;
}

static int
set_zipf(struct gen *g)
{
	double *w = malloc(g->c.flows * sizeof(*w)), all = 0;
	uint32_t *work = malloc(g->c.flows * sizeof(*work)), at = 0;

	if (g->aliases == NULL)
		g->aliases = malloc(g->c.flows * sizeof(*g->aliases));
	if (w == NULL || work == NULL || g->aliases == NULL) {
		free(w);
		free(work);
		return -ENOMEM;
	}
	for (uint32_t q = 0; q < GEN_LANES; q++)
		all += weigh(g, &g->lane[q], NULL);
	for (uint32_t q = 0; q < GEN_LANES; q++) {
		struct gen_lane *l = &g->lane[q];
		double sum;

		if (l->n == 0)
			continue;
		sum = weigh(g, l, w);
		l->alias = g->aliases + at;
		fill_alias(l->alias, w, work, l->n);
		at += l->n;
		if (l->n == g->c.flows)
			set_pace(g, l, 1, 1);
		else
			set_pace(g, l, RTE_MAX((uint64_t)(sum / all * (1u << 24)), 1u), 1u << 24);
	}
	free(w);
	free(work);
	return 0;
}

/* Once lanes have their flows: shares of the rate, and where each begins. */
static int
start_lanes(struct gen *g)
{
	for (uint32_t q = 0; q < GEN_LANES; q++) {
		struct gen_lane *l = &g->lane[q];

		l->cursor = 0;
		l->churn_cursor = 0;
		l->turn_head = l->turn_n = 0;
		l->started = false;
		l->looking = false;
		if (l->n == 0)
			continue;
		if (g->c.churn != 0 && l->turn == NULL)
			l->turn = malloc(GEN_TURNS * sizeof(*l->turn));
		if (g->c.churn != 0 && l->turn == NULL)
			return -ENOMEM;
		/* Those in the middle of it go on. */
		for (uint32_t i = 0; g->c.churn != 0 && i < l->n && l->turn_n < GEN_TURNS; i++) {
			const uint32_t s = l->flow != NULL ? l->flow[i] : i;

			if (!g->c.handshake && g->session[s].phase != GEN_EST)
				l->turn[l->turn_n++] = s;
		}
		set_pace(g, l, l->n, g->c.flows);
	}
	return g->c.order == GEN_ZIPF ? set_zipf(g) : 0;
}

/* All flows in one queue. */
static int
single(struct gen *g, uint16_t queue)
{
	for (uint32_t q = 0; q < GEN_LANES; q++) {
		g->lane[q].n = q == queue ? g->c.flows : 0;
		g->lane[q].flow = NULL;
	}
	g->many = false;
	return start_lanes(g);
}

int
gen_lanes_init(struct gen *g, struct sim_error *e)
{
	for (uint32_t q = 0; q < GEN_LANES; q++)
		g->lane[q].rng = gen_mix(g->key ^ (uint64_t)(g->port + 1) << 32 ^ q << 1);
	return single(g, 0) == 0 ? 0 : sim_fail(e, ENOMEM, "gen: no memory for its flows");
}

/* --- spread --- */

uint16_t
gen_queue_of(const struct gen *g, uint32_t flow, uint32_t number, bool reply)
{
	uint8_t b[GEN_HEAD_MAX + SIM_FRAME_MIN + GEN_SLACK];
	struct gen_frame f = { 0 };
	struct sim_offsets off;
	struct sim_phv phv;
	const struct gen_tmpl *t;
	bool v6, tcp, hashed;

	gen_kind(g, flow, &v6, &tcp);
	t = &g->tmpl[reply][v6][tcp];
	gen_tuple_of(g, flow, number, reply, &f);
	f.len = t->least;
	f.flags = 0x10;
	gen_frame_put(b, t, &f, &g->c, &g->pattern);
	memset(&phv, 0, sizeof(phv));
	sim_parse(b, f.len, f.len, 0, &phv, &off);
	return g->rss.queue[sim_rss_hash(&g->rss, &phv, &hashed) % g->rss.n];
}

/* Lane of a flow; of a session too, whose directions' queues are noted. */
static uint16_t
sort_one(struct gen *g, uint32_t i)
{
	struct gen_session *ss = g->session != NULL ? &g->session[i] : NULL;
	const bool reply = g->c.sessions && g->c.dir == GEN_REPLY;
	const uint32_t number = ss != NULL ? ss->number : 0;
	uint16_t q = gen_queue_of(g, i, number, reply);

	if (ss != NULL && g->c.dir == GEN_BOTH) {
		ss->queue[0] = q;
		ss->queue[1] = gen_queue_of(g, i, number, true);
	} else if (ss != NULL) {
		ss->queue[0] = ss->queue[1] = q;
	}
	return q < GEN_LANES ? q : 0;
}

static int
sort_flows(struct gen *g)
{
	const uint32_t n = g->c.flows;
	uint16_t *of = malloc(n * sizeof(*of));
	uint32_t at[GEN_LANES], sum = 0;

	if (g->lists == NULL)
		g->lists = malloc(n * sizeof(*g->lists));
	if (of == NULL || g->lists == NULL ||
			(g->c.sessions && g->session == NULL && gen_sessions_init(g) != 0)) {
		free(of);
		return -ENOMEM;
	}
	g->many = g->c.sessions;
	for (uint32_t q = 0; q < GEN_LANES; q++)
		g->lane[q].n = 0;
	for (uint32_t i = 0; i < n; i++) {
		of[i] = sort_one(g, i);
		g->lane[of[i]].n++;
	}
	for (uint32_t q = 0; q < GEN_LANES; q++) {
		at[q] = sum;
		g->lane[q].flow = g->lists + sum;
		sum += g->lane[q].n;
	}
	for (uint32_t i = 0; i < n; i++)
		g->lists[at[of[i]]++] = i;
	free(of);
	return start_lanes(g);
}

/* For replies whose queue is not that of their session. */
static int
make_rings(struct gen *g)
{
	for (uint32_t i = 0; i < g->rss.n; i++) {
		const uint16_t q = g->rss.queue[i];

		if (q >= GEN_LANES || g->handed[q] != NULL)
			continue;
		g->handed[q] = wire_ring_create(HANDED, g->socket);
		if (g->handed[q] == NULL)
			return -ENOMEM;
	}
	return 0;
}

uint32_t
gen_lanes_drain(struct gen *g)
{
	uint32_t n = 0;
	void *m;

	for (uint32_t q = 0; q < GEN_LANES; q++) {
		for (; g->handed[q] != NULL && rte_ring_dequeue(g->handed[q], &m) == 0; n++)
			rte_pktmbuf_free(m);
	}
	return n;
}

void
gen_lanes_spread(struct gen *g, const struct sim_rss *rss)
{
	bool many = false;
	int err = 0;

	__atomic_store_n(&g->shut, 1, __ATOMIC_SEQ_CST);
	for (uint32_t q = 0; q < GEN_LANES; q++) {
		while (__atomic_load_n(&g->lane[q].busy, __ATOMIC_SEQ_CST) != 0)
			rte_pause();
	}
	(void)gen_lanes_drain(g);
	g->rss = *rss;
	g->rss.n = RTE_MIN(rss->n, SIM_RSS_QUEUES_MAX);
	for (uint32_t i = 1; i < g->rss.n; i++)
		many |= rss->queue[i] != rss->queue[0];
	if (many && g->c.sessions && g->c.dir == GEN_BOTH)
		err = make_rings(g);
	if (many && err == 0)
		err = sort_flows(g);
	/* Without memory for lists all come in the first queue, which is counted as an error. */
	if (!many || err != 0)
		(void)single(g, g->rss.n != 0 && rss->queue[0] < GEN_LANES ? rss->queue[0] : 0);
	if (err != 0)
		wire_count(&g->w.stats.errors, 1);
	__atomic_store_n(&g->shut, 0, __ATOMIC_SEQ_CST);
}

void
gen_lanes_fini(struct gen *g)
{
	(void)gen_lanes_drain(g);
	for (uint32_t q = 0; q < GEN_LANES; q++) {
		rte_free(g->handed[q]);
		free(g->lane[q].turn);
	}
	free(g->lists);
	free(g->aliases);
}
