/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator as a wire: frames by lane and time into mbufs. rx of different queues runs on different lcores at once. A
 * generator's text is documented in gen.h. The inner loops that make most of its speed are in gen_fast.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "gen.h"
#include "gen_fast.h"

#define BURST 64u

/* --- frames of any kind --- */

/* A session and a frame's number are a cache miss each when there are many. */
static struct gen_pick
look_ahead(struct gen *g, struct gen_lane *l)
{
	struct gen_pick *slot = &l->look[l->look_at++ % GEN_LOOK];
	const struct gen_pick next = gen_pick(g, l, g->c.order, g->c.sessions), p = *slot;

	if (g->session != NULL)
		rte_prefetch0(&g->session[next.flow]);
	if (g->sent != NULL)
		rte_prefetch0(&g->sent[g->c.sessions ? next.flow << 1 : next.flow]);
	*slot = next;
	return p;
}

static struct gen_pick
next_pick(struct gen *g, struct gen_lane *l)
{
	if (unlikely(!l->looking)) {
		l->looking = true;
		for (uint32_t i = 0; i < GEN_LOOK; i++)
			(void)look_ahead(g, l);
	}
	return look_ahead(g, l);
}

static void
make_frame(struct gen *g, struct gen_lane *l, struct gen_frame *f, struct gen_made *made,
		uint8_t stamp[GEN_STAMP], uint64_t at)
{
	struct gen_pick p;
	uint32_t i = 0;
	uint16_t size;

	/* Every other frame at most belongs to sessions on their way, so that data flows meanwhile. */
	if (g->c.churn == 0 || (gen_random(l) >> 63) != 0 || !gen_churn_pick(g, l, &p))
		p = next_pick(g, l);
	*made = gen_session_make(g, p, f);
	if (g->c.n_sizes > 1)
		i = gen_below((uint32_t)gen_random(l), g->c.n_sizes);
	size = made->control ? 0 : g->c.size[i];
	f->len = RTE_MAX(size, made->tmpl->least);
	f->payload = made->control ? 0 : f->len - made->tmpl->head;
	f->stamp = NULL;
	if (g->session != NULL && !made->control && g->c.dir == GEN_BOTH)
		g->session[p.flow].seq[made->reply] += f->payload;
	if (g->check != NULL) {
		const uint32_t flow = g->c.sessions ? p.flow << 1 | made->reply : p.flow;

		gen_stamp(stamp, flow, g->sent[flow]++, at);
		f->stamp = stamp;
	}
}

/* Into one mbuf, or a chain where it is too short. */
static struct rte_mbuf *
put_frame(struct gen *g, struct rte_mempool *pool, struct rte_mbuf *m, const struct gen_frame *f,
		const struct gen_made *made)
{
	uint8_t frame[SIM_FRAME_MAX + GEN_SLACK];

	if (rte_pktmbuf_tailroom(m) >= f->len + GEN_SLACK) {
		m->data_len = f->len;
		m->pkt_len = f->len;
		m->port = g->ethdev;
		gen_frame_put(rte_pktmbuf_mtod(m, uint8_t *), made->tmpl, f, &g->c, &g->pattern);
		return m;
	}
	rte_pktmbuf_free(m);
	gen_frame_put(frame, made->tmpl, f, &g->c, &g->pattern);
	return wire_mbuf(pool, g->ethdev, frame, f->len);
}

/* false: it went, or was lost on its way, to another queue. */
static bool
is_mine(struct gen *g, struct rte_mbuf *m, uint16_t q, uint16_t to, uint64_t at)
{
	if (!g->many || to == q)
		return true;
	m->tx_offload = at;
	if (to >= GEN_LANES || g->handed[to] == NULL || rte_ring_enqueue(g->handed[to], m) != 0) {
		rte_pktmbuf_free(m);
		wire_count(&g->w.stats.rx_missed, 1);
	}
	return false;
}

struct want {
	struct gen *g;
	struct rte_mempool *pool;
	struct rte_mbuf **m;
	uint64_t *when;
	uint64_t now;
	uint16_t n, q;
};

static uint16_t
any_frames(const struct want *w, struct gen_lane *l)
{
	struct gen *g = w->g;
	struct rte_mbuf *fresh[BURST];
	uint32_t n = RTE_MIN(w->n, BURST), used = 0;
	uint16_t k = 0;

	if (g->paced && l->pace.next > w->now)
		return 0;
	/* No more mbufs than frames may be due. */
	if (g->paced && g->c.burst == 1 && l->least != 0)
		n = (uint32_t)RTE_MIN(n, (w->now - l->pace.next) / l->least + 1);
	if (rte_pktmbuf_alloc_bulk(w->pool, fresh, n) != 0) {
		wire_count(&g->w.stats.rx_nombuf, 1);
		return 0;
	}
	while (used < n && (!g->paced || l->pace.next <= w->now)) {
		const uint64_t at = g->paced ? l->pace.next : w->now;
		uint8_t stamp[GEN_STAMP];
		struct gen_frame f = { 0 };
		struct gen_made made;
		struct rte_mbuf *m;

		make_frame(g, l, &f, &made, stamp, at);
		if (g->paced)
			gen_lane_step(g, l, f.len);
		m = put_frame(g, w->pool, fresh[used++], &f, &made);
		if (m == NULL) {
			wire_count(&g->w.stats.rx_missed, 1);
			continue;
		}
		if (!is_mine(g, m, w->q, made.queue, at))
			continue;
		if (w->when != NULL)
			w->when[k] = at;
		w->m[k++] = m;
	}
	rte_pktmbuf_free_bulk(fresh + used, n - used);
	return k;
}

/* What other lanes made for this queue. */
static uint16_t
handed_frames(const struct want *w)
{
	struct rte_ring *r = w->g->handed[w->q];
	uint16_t n;

	if (r == NULL)
		return 0;
	n = (uint16_t)rte_ring_dequeue_burst(r, (void **)w->m, w->n, NULL);
	for (uint16_t i = 0; i < n; i++) {
		if (w->when != NULL)
			w->when[i] = RTE_MIN(w->m[i]->tx_offload, w->now);
		w->m[i]->tx_offload = 0;
	}
	return n;
}

/* --- the wire --- */

/* Takes up to n of count=; what is not used is given back. */
static uint16_t
take_count(struct gen *g, uint16_t n)
{
	uint64_t left;

	if (g->c.count == UINT64_MAX)
		return n;
	left = __atomic_load_n(&g->left, __ATOMIC_RELAXED);
	do {
		n = (uint16_t)RTE_MIN(left, n);
	} while (!__atomic_compare_exchange_n(
			&g->left, &left, left - n, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return n;
}

static uint16_t
lane_frames(const struct want *w, struct gen_lane *l)
{
	struct gen *g = w->g;
	struct want part = *w;
	uint16_t got = g->many ? handed_frames(w) : 0;

	while (got < w->n) {
		uint16_t k;

		part.m = w->m + got;
		part.when = w->when != NULL ? w->when + got : NULL;
		part.n = take_count(g, (uint16_t)RTE_MIN(w->n - got, BURST));
		if (part.n == 0)
			break;
		if (g->fast && g->session == NULL && gen_fast_room(w->pool) >= GEN_FIXED_MAX)
			k = gen_fast_frames(g, l, part.pool, part.m, part.when, part.n, part.now);
		else
			k = any_frames(&part, l);
		if (k < part.n && g->c.count != UINT64_MAX)
			__atomic_fetch_add(&g->left, part.n - k, __ATOMIC_RELAXED);
		got += k;
		if (k < part.n)
			break;
	}
	return got;
}

static uint16_t
gen_rx(struct wire *wire, uint16_t q, struct rte_mempool *pool, struct rte_mbuf **m, uint64_t *when,
		uint16_t n, uint64_t now)
{
	struct gen *g = (struct gen *)wire;
	const struct want w = {
		.g = g, .pool = pool, .m = m, .when = when, .now = now, .n = n, .q = q
	};
	struct gen_lane *l;
	uint64_t bytes = 0;
	uint16_t got = 0;

	if (q >= GEN_LANES)
		return 0;
	l = &g->lane[q];
	__atomic_store_n(&l->busy, 1, __ATOMIC_SEQ_CST);
	if (likely(__atomic_load_n(&g->shut, __ATOMIC_SEQ_CST) == 0) && (l->n != 0 || g->many)) {
		if (l->n != 0)
			gen_lane_time(g, l, now);
		if (l->n != 0 && g->c.churn != 0)
			gen_churn(g, l, now);
		got = l->n != 0 ? lane_frames(&w, l) : handed_frames(&w);
	}
	__atomic_store_n(&l->busy, 0, __ATOMIC_RELEASE);
	if (got == 0)
		return 0;
	if (g->fast)
		bytes = (uint64_t)got * g->fixed_len;
	else
		for (uint16_t i = 0; i < got; i++)
			bytes += m[i]->pkt_len;
	wire_count(&wire->stats.rx_frames, got);
	wire_count(&wire->stats.rx_bytes, bytes);
	return got;
}

static uint16_t
gen_tx(struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	struct gen *g = (struct gen *)w;
	uint64_t bytes = 0;

	RTE_SET_USED(q);
	for (uint16_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	wire_count(&w->stats.tx_frames, n);
	wire_count(&w->stats.tx_bytes, bytes);
	if (g->check != NULL)
		gen_check_frames(g->check, m, n, now);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static void
gen_spread(struct wire *w, const struct sim_rss *rss)
{
	gen_lanes_spread((struct gen *)w, rss);
}

static uint64_t
gen_next(struct wire *w)
{
	const struct gen *g = (const struct gen *)w;
	uint64_t next = UINT64_MAX;

	if (g->c.count != UINT64_MAX && __atomic_load_n(&g->left, __ATOMIC_RELAXED) == 0)
		return UINT64_MAX;
	for (uint32_t q = 0; q < GEN_LANES; q++) {
		const struct gen_lane *l = &g->lane[q];

		if (l->n == 0)
			continue;
		if (!g->paced || !l->started)
			return 0;
		next = RTE_MIN(next, l->pace.next);
	}
	return next;
}

static int
gen_fd(struct wire *w)
{
	RTE_SET_USED(w);
	return -1;
}

static bool
gen_link(const struct wire *w)
{
	RTE_SET_USED(w);
	return true;
}

static uint32_t
gen_xstats(struct wire *w, struct wire_xstat *x, uint32_t n)
{
	struct gen *g = (struct gen *)w;

	return g->check != NULL ? gen_check_xstats(g->check, x, n) : 0;
}

static void
gen_reset(struct wire *w)
{
	struct gen *g = (struct gen *)w;

	if (g->check != NULL)
		gen_check_reset(g->check);
}

static void
gen_close(struct wire *w)
{
	struct gen *g = (struct gen *)w;

	gen_lanes_fini(g);
	gen_check_destroy(g->check);
	if (g->session != NULL)
		munmap(g->session, (size_t)g->c.flows * sizeof(*g->session));
	free(g->sent);
	free(g->c.size);
	free(g);
}

static const struct wire_ops gen_ops = {
	.name = "gen",
	.rx = gen_rx,
	.tx = gen_tx,
	.spread = gen_spread,
	.next = gen_next,
	.fd = gen_fd,
	.link = gen_link,
	.xstats = gen_xstats,
	.reset = gen_reset,
	.close = gen_close,
};

/* --- opening --- */

static int
set_tuples(struct gen *g, struct sim_error *e)
{
	for (uint32_t v6 = 0; v6 < 2; v6++) {
		/* A family of which no flow is. */
		if (v6 ? g->c.v6_percent == 0 : g->c.v6_percent == 100)
			continue;
		if (gen_space_init(&g->space[v6], &g->c, v6) != 0)
			return sim_fail(e, ERANGE,
					"%s=%u: src%s, dst%s, sport and dport make %llu tuples only",
					g->c.sessions ? "sessions" : "flows", g->c.flows,
					v6 ? "6" : "", v6 ? "6" : "",
					(unsigned long long)g->space[v6].mask + 1);
		g->numbers[v6] = (uint32_t)RTE_MIN(
				g->space[v6].mask / g->c.flows + 1, UINT64_C(1) << 24);
		if ((uint64_t)g->numbers[v6] * g->c.flows - 1 > g->space[v6].mask)
			g->numbers[v6]--;
	}
	return 0;
}

static void
set_templates(struct gen *g)
{
	const struct gen_conf *c = &g->c;

	g->v6 = c->v6_percent == 100;
	g->tcp = c->tcp_percent == 100;
	g->mixed = (c->v6_percent != 0 && !g->v6) || (c->tcp_percent != 0 && !g->tcp);
	for (uint32_t i = 0; i < 8; i++)
		gen_tmpl_init(&g->tmpl[i >> 2][i >> 1 & 1][i & 1], c, i >> 1 & 1, i & 1, i >> 2);
	gen_pattern_init(&g->pattern, c);
}

static void
set_rate(struct gen *g, const struct wire_params *params)
{
	g->rate = g->c.rate;
	g->paced = g->rate.pps != 0 || g->rate.bps != 0;
	g->drop_late = g->paced && params->unpaced;
	if (!g->paced && !params->unpaced && params->link_bps != 0) {
		g->rate.bps = params->link_bps;
		g->paced = true;
	}
}

static int
set_memory(struct gen *g, struct sim_error *e)
{
	const struct gen_conf *c = &g->c;
	const uint32_t flows = c->sessions ? 2 * c->flows : c->flows;

	if (c->check) {
		g->check = gen_check_create(flows);
		g->sent = calloc(flows, sizeof(*g->sent));
		if (g->check == NULL || g->sent == NULL)
			return sim_fail(e, ENOMEM, "check: no memory for %u flows", flows);
	}
	if (((c->sessions && c->tcp_percent != 0 && c->dir == GEN_BOTH) || c->churn != 0) &&
			gen_sessions_init(g) != 0)
		return sim_fail(e, ENOMEM, "sessions: no memory for %u", c->flows);
	return gen_lanes_init(g, e);
}

int
wire_gen_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e)
{
	struct gen *g = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*g), 64));
	int err;

	if (g == NULL)
		return sim_fail(e, ENOMEM, "gen: no memory");
	memset(g, 0, sizeof(*g));
	g->w.ops = &gen_ops;
	g->ethdev = params->ethdev;
	g->port = params->port;
	g->socket = params->socket;
	err = gen_conf_read(params, options, &g->c, e);
	if (err == 0) {
		g->key = gen_mix(g->c.seed);
		g->left = g->c.count;
		set_rate(g, params);
		set_templates(g);
		err = set_tuples(g, e);
	}
	if (err == 0)
		err = set_memory(g, e);
	if (err != 0) {
		gen_close(&g->w);
		return err;
	}
	gen_fast_init(g);
	*w = &g->w;
	return 0;
}
