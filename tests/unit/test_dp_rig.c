/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rig of test_dp.h: a dataplane whose ports are net_ring devices over rings of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>

#include "test_dp.h"

int
rig_eal(const char *lcores)
{
	const char *const args[] = { "rig", "--no-huge", "--no-pci", "-m", "512", "--no-telemetry",
		"--no-shconf", "--lcores", lcores, "--log-level=error" };
	char *argv[RTE_DIM(args) + 1] = { 0 };

	for (unsigned int i = 0; i < RTE_DIM(args); i++)
		argv[i] = (char *)(uintptr_t)args[i];
	return rte_eal_init((int)RTE_DIM(args), argv) < 0 ? -1 : 0;
}

static struct rte_ring *
ring(const char *what, unsigned int port, unsigned int queue, unsigned int size)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "rig_%s_%u_%u", what, port, queue);
	r = rte_ring_create(name, size, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(r);
	return r;
}

static void
port_open(struct rig *r, unsigned int i, const struct rig_params *p)
{
	struct rig_port *port = &r->port[i];
	char name[16];

	port->n_rx = p->n_rxq != 0 ? p->n_rxq : 1;
	port->n_tx = p->n_txq != 0 ? p->n_txq : 1;
	for (unsigned int q = 0; q < port->n_rx; q++)
		port->rx[q] = ring("rx", i, q, 16384);
	for (unsigned int q = 0; q < port->n_tx; q++)
		port->tx[q] = ring("tx", i, q, p->tx_room != 0 ? p->tx_room : 1024);
	snprintf(name, sizeof(name), "rig%u", i);
	assert_true(rte_eth_from_rings(name, port->rx, port->n_rx, port->tx, port->n_tx, 0) >= 0);
}

void
rig_open(struct rig *r, const struct rig_params *p)
{
	struct cfg_errors errors = { .n = 0 };

	memset(r, 0, sizeof(*r));
	r->cfg = cfg_load_json(p->json, strlen(p->json), "rig", &errors);
	if (r->cfg == NULL)
		cfg_errors_print(&errors, stderr);
	assert_non_null(r->cfg);
	cfg_errors_free(&errors);
	for (unsigned int i = 0; i < p->n_ports; i++)
		port_open(r, i, p);
	r->dp = dp_create(&(struct dp_params){ .cfg = r->cfg });
	assert_non_null(r->dp);
	assert_int_equal(ports_start(r->dp), 0);
	r->now = TIME_NS_PER_S;
}

static void
drain(struct rig *r)
{
	struct frame f;

	for (unsigned int i = 0; i < r->dp->n_ports; i++)
		while (rig_take_any(r, i, &f))
			;
}

void
rig_destroy(struct rig *r)
{
	const unsigned int n_ports = r->dp->n_ports;
	char name[32];

	dp_destroy(r->dp);
	for (unsigned int i = 0; i < n_ports; i++) {
		struct rig_port *port = &r->port[i];

		snprintf(name, sizeof(name), "net_ring_rig%u", i);
		assert_int_equal(rte_eal_hotplug_remove("vdev", name), 0);
		for (unsigned int q = 0; q < port->n_rx; q++)
			rte_ring_free(port->rx[q]);
		for (unsigned int q = 0; q < port->n_tx; q++)
			rte_ring_free(port->tx[q]);
	}
	cfg_free(r->cfg);
}

void
rig_finish(struct rig *r)
{
	unsigned int held;

	do {
		rig_settle(r);
		drain(r);
		held = l3_held(r->dp->l3) + session_frag_waiting(r->dp);
		r->now += TIME_NS_PER_S; /* neighbours that never answer are given up, and fragments too */
	} while (held != 0);
	rig_settle(r);
	drain(r);
	rig_check(r);
	for (unsigned int i = 0; i < r->dp->n_workers; i++) {
		const struct dp_worker *w = r->dp->workers[i];

		assert_int_equal(w->in_flight, 0);
		assert_int_equal(w->n_parked, 0);
		for (uint32_t s = 0; s <= DP_GATE_SLOTS; s++)
			assert_int_equal(w->gate[s], 0);
		for (uint32_t s = 0; s < DP_GATE_SLOTS; s++)
			assert_int_equal(w->parked[s], 0);
	}
	assert_int_equal(rte_mempool_in_use_count(r->dp->pool), 0);
}

void
rig_close(struct rig *r)
{
	rig_finish(r);
	rig_destroy(r);
}

bool
rig_feed(struct rig *r, unsigned int port, unsigned int queue, const struct frame *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->dp->pool);

	if (m == NULL) {
		r->lost++;
		return false;
	}
	memset(pkt_meta(m), 0xa5, sizeof(struct pkt_meta)); /* as the last user may have left it */
	memcpy(rte_pktmbuf_append(m, (uint16_t)f->len), f->b, f->len);
	if (rte_ring_sp_enqueue(r->port[port].rx[queue], m) != 0) {
		rte_pktmbuf_free(m);
		r->lost++;
		return false;
	}
	r->fed++;
	return true;
}

bool
rig_take(struct rig *r, unsigned int port, unsigned int queue, struct frame *f)
{
	const void *data;
	struct rte_mbuf *m;
	void *p;

	if (rte_ring_sc_dequeue(r->port[port].tx[queue], &p) != 0)
		return false;
	m = p;
	assert_true(m->pkt_len <= sizeof(f->b));
	f->len = m->pkt_len;
	data = rte_pktmbuf_read(m, 0, m->pkt_len, f->b);
	if (data != f->b) /* in one segment */
		memcpy(f->b, data, m->pkt_len);
	rte_pktmbuf_free(m);
	r->left++;
	return true;
}

bool
rig_take_any(struct rig *r, unsigned int port, struct frame *f)
{
	for (unsigned int q = 0; q < r->port[port].n_tx; q++)
		if (rig_take(r, port, q, f))
			return true;
	return false;
}

void
rig_worker(struct rig *r, unsigned int worker)
{
	worker_poll(r->dp->workers[worker], r->now);
}

void
rig_control(struct rig *r)
{
	r->dp->now = r->now;
	control_poll(r->dp, r->now);
}

bool
rig_idle(const struct rig *r)
{
	for (unsigned int i = 0; i < r->dp->n_ports; i++)
		for (unsigned int q = 0; q < r->port[i].n_rx; q++)
			if (!rte_ring_empty(r->port[i].rx[q]))
				return false;
	for (unsigned int i = 0; i < r->dp->n_workers; i++) {
		const struct dp_worker *w = r->dp->workers[i];

		if (!rte_ring_empty(w->to_control) || !rte_ring_empty(w->from_control) ||
				!rte_ring_empty(w->gates))
			return false;
		for (unsigned int j = 0; j < r->dp->n_workers; j++)
			if (w->handover_in[j] != NULL && !rte_ring_empty(w->handover_in[j]))
				return false;
	}
	return r->dp->lend.n == 0;
}

void
rig_settle(struct rig *r)
{
	unsigned int rounds = 0;

	do {
		for (unsigned int i = 0; i < r->dp->n_workers; i++)
			rig_worker(r, i);
		rig_control(r);
		assert_true(++rounds < 100000);
	} while (!rig_idle(r));
	for (unsigned int i = 0; i < r->dp->n_workers; i++)
		rig_worker(r, i);
	if (!rig_idle(r))
		rig_settle(r);
}

void
rig_run(struct rig *r, unsigned int port, const struct packet *p)
{
	struct frame f;

	frame_build(&f, p);
	assert_true(rig_feed(r, port, 0, &f));
	rig_settle(r);
	rig_check(r);
}

/* ---- accounting -------------------------------------------------------------------------------------------------- */

struct tally {
	uint64_t in, out, drops, local, merged, inside;
	uint64_t with_control, gates; /* must be the same */
};

/* Packets that are about to be counted by one worker more (NOBODY as the first slot), or by one less. */
static void
look_into_moves(struct rte_ring *gates, struct tally *t)
{
	void *move = NULL;

	for (unsigned int n = rte_ring_count(gates); n > 0; n--) {
		assert_int_equal(rte_ring_sc_dequeue(gates, &move), 0);
		t->gates += ((uintptr_t)move & 0xfffff) == DP_GATE_NOBODY;
		t->gates -= (uintptr_t)move >> 20 == DP_GATE_NOBODY;
		assert_int_equal(rte_ring_sp_enqueue(gates, move), 0);
	}
}

/* Packets of the return ring by what they are: it is emptied and filled again. */
static void
look_into(struct rte_ring *ring_, uint64_t *gated, uint64_t *alive)
{
	void *m[64];
	unsigned int n = rte_ring_count(ring_), k;

	for (unsigned int seen = 0; seen < n; seen += k) {
		k = rte_ring_sc_dequeue_burst(ring_, m, RTE_MIN(n - seen, RTE_DIM(m)), NULL);
		for (unsigned int i = 0; i < k; i++) {
			const struct pkt_meta *meta = pkt_meta(m[i]);

			*gated += meta->gate != PKT_GATE_NONE;
			*alive += meta->gate != PKT_GATE_NONE &&
					meta->verdict != PKT_VERDICT_DROP &&
					meta->verdict != PKT_VERDICT_LOCAL;
		}
		assert_int_equal(rte_ring_sp_enqueue_bulk(ring_, m, k, NULL), k);
	}
}

static void
tally_counters(struct tally *t, const struct counters *c)
{
	t->in += c->rx.packets + c->made;
	t->local += c->local;
	t->merged += c->merged;
	for (unsigned int i = 1; i < DROP_COUNT; i++)
		t->drops += c->drop[i];
}

static void
tally_worker(const struct dp *dp, const struct dp_worker *w, struct tally *t)
{
	uint64_t gated = 0, alive = 0;

	tally_counters(t, &w->c);
	look_into(w->from_control, &gated, &alive);
	look_into_moves(w->gates, t);
	t->with_control += rte_ring_count(w->to_control) + gated;
	t->gates += w->in_flight;
	t->inside += rte_ring_count(w->to_control) + alive + w->n_parked;
	for (unsigned int i = 0; i < dp->n_workers; i++)
		if (w->handover_in[i] != NULL)
			t->inside += rte_ring_count(w->handover_in[i]);
	for (unsigned int q = 0; q < w->n_txq; q++)
		t->out += w->txq[q].packets;
}

void
rig_check(const struct rig *r)
{
	const unsigned int held = l3_held(r->dp->l3);
	const struct dp_lend *l = &r->dp->lend;
	struct tally t = { .inside = held + session_frag_waiting(r->dp) + l->n,
		.with_control = held + l->n };

	for (unsigned int i = 0; i < l->n; i++) /* two workers count it */
		t.with_control += l->line[i].asked &&
				l->line[i].owner != pkt_meta(l->line[i].m)->worker;
	tally_counters(&t, &r->dp->c);
	for (unsigned int i = 0; i < r->dp->n_workers; i++)
		tally_worker(r->dp, r->dp->workers[i], &t);
	assert_int_equal(t.with_control, t.gates);
	if (t.in != t.out + t.drops + t.local + t.merged + t.inside)
		fprintf(stderr, "in %lu, out %lu, drops %lu, local %lu, merged %lu, inside %lu\n",
				t.in, t.out, t.drops, t.local, t.merged, t.inside);
	assert_int_equal(t.in, t.out + t.drops + t.local + t.merged + t.inside);
}

uint64_t
rig_drops(const struct rig *r, enum drop_reason why)
{
	uint64_t n = r->dp->c.drop[why];

	for (unsigned int i = 0; i < r->dp->n_workers; i++)
		n += r->dp->workers[i]->c.drop[why];
	return n;
}

uint64_t
rig_punts(const struct rig *r, enum punt_reason why)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < r->dp->n_workers; i++)
		n += r->dp->workers[i]->c.punt[why];
	return n;
}

uint64_t
rig_fast(const struct rig *r)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < r->dp->n_workers; i++)
		n += r->dp->workers[i]->c.fast.packets;
	return n;
}
