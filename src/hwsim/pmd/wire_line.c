/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames on their way from one port's tx to another's rx, see wire_line.h. wire_line_put() runs on any number of lcores
 * at once, wire_line_get() on one a queue; spread on the control thread beside them. Bytes are not changed here.
 */
#include "wire_line.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_pause.h>

#define BURST 64u

void
wire_rss_set(struct wire_rss *r, const struct sim_rss *rss)
{
	const uint32_t next = __atomic_load_n(&r->active, __ATOMIC_RELAXED) ^ 1;

	/* Who still reads the slot began before the last change; a burst is short. */
	while (__atomic_load_n(&r->slot[next].readers, __ATOMIC_ACQUIRE) != 0)
		rte_pause();
	r->slot[next].rss = *rss;
	r->slot[next].many = false;
	for (uint32_t i = 1; i < rss->n && i < SIM_RSS_QUEUES_MAX; i++)
		r->slot[next].many |= rss->queue[i] != rss->queue[0];
	__atomic_store_n(&r->active, next, __ATOMIC_SEQ_CST);
}

uint32_t
wire_rss_enter(struct wire_rss *r)
{
	for (;;) {
		const uint32_t slot = __atomic_load_n(&r->active, __ATOMIC_RELAXED);

		__atomic_fetch_add(&r->slot[slot].readers, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&r->active, __ATOMIC_SEQ_CST) == slot)
			return slot;
		wire_rss_leave(r, slot);
	}
}

void
wire_rss_leave(struct wire_rss *r, uint32_t slot)
{
	__atomic_fetch_sub(&r->slot[slot].readers, 1, __ATOMIC_RELEASE);
}

/* Without a name, so that it takes none of EAL's few memory zones. */
struct rte_ring *
wire_ring_create(uint32_t frames, int socket)
{
	const ssize_t size = rte_ring_get_memsize(frames);
	struct rte_ring *r;

	if (size < 0)
		return NULL;
	r = rte_zmalloc_socket("wire ring", (size_t)size, RTE_CACHE_LINE_SIZE, socket);
	if (r == NULL || rte_ring_init(r, "wire", frames, RING_F_SC_DEQ) == 0)
		return r;
	rte_free(r);
	return NULL;
}

static int
add_ring(struct wire_line *l, uint16_t q)
{
	struct rte_ring *r;

	if (q >= SIM_RSS_QUEUES_MAX)
		return -EINVAL;
	if (l->ring[q] != NULL)
		return 0;
	r = wire_ring_create(l->frames, l->socket);
	if (r == NULL)
		return -ENOMEM;
	__atomic_store_n(&l->ring[q], r, __ATOMIC_RELEASE);
	return 0;
}

int
wire_line_init(struct wire_line *l, uint32_t frames, int socket)
{
	l->frames = frames;
	l->socket = socket;
	return add_ring(l, 0);
}

uint32_t
wire_line_drain(struct wire_line *l)
{
	uint32_t n = 0;
	void *m;

	for (uint32_t q = 0; q < SIM_RSS_QUEUES_MAX; q++) {
		for (; l->ring[q] != NULL && rte_ring_dequeue(l->ring[q], &m) == 0; n++)
			rte_pktmbuf_free(m);
	}
	return n;
}

void
wire_line_fini(struct wire_line *l)
{
	(void)wire_line_drain(l);
	for (uint32_t q = 0; q < SIM_RSS_QUEUES_MAX; q++)
		rte_free(l->ring[q]);
}

/* A queue for which there is no memory loses its frames, which is counted. */
void
wire_line_spread(struct wire_line *l, const struct sim_rss *rss)
{
	for (uint32_t i = 0; i < rss->n && i < SIM_RSS_QUEUES_MAX; i++)
		(void)add_ring(l, rss->queue[i]);
	wire_rss_set(&l->rss, rss);
}

uint16_t
wire_rss_queue(const struct sim_rss *rss, const struct rte_mbuf *m)
{
	struct sim_phv phv;
	struct sim_offsets off;
	bool hashed;

	/* Everything in front of the levels is not the parser's. */
	memset(&phv, 0, sizeof(phv));
	sim_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, 0, &phv, &off);
	return rss->queue[sim_rss_hash(rss, &phv, &hashed) % rss->n];
}

/* Frames of one queue stay in order; `queue` is the queue of each. Returns how many found room. */
static uint32_t
put_sorted(struct wire_line *l, struct rte_mbuf **m, const uint16_t *queue, uint32_t n)
{
	uint64_t left = n == BURST ? UINT64_MAX : (UINT64_C(1) << n) - 1;
	struct rte_mbuf *of[BURST];
	uint32_t put = 0;

	while (left != 0) {
		const uint16_t q = queue[rte_bsf64(left)];
		struct rte_ring *r = NULL;
		uint32_t k = 0, done;

		for (uint64_t rest = left; rest != 0; rest &= rest - 1) {
			const uint32_t i = rte_bsf64(rest);

			if (queue[i] != q)
				continue;
			of[k++] = m[i];
			left &= ~(UINT64_C(1) << i);
		}
		if (q < SIM_RSS_QUEUES_MAX)
			r = __atomic_load_n(&l->ring[q], __ATOMIC_ACQUIRE);
		done = r != NULL ? rte_ring_enqueue_burst(r, (void **)of, k, NULL) : 0;
		rte_pktmbuf_free_bulk(of + done, k - done);
		put += done;
	}
	return put;
}

void
wire_line_put(struct wire_line *l, struct wire *w, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	const uint32_t slot = wire_rss_enter(&l->rss);
	const struct sim_rss *rss = &l->rss.slot[slot].rss;
	const bool many = l->rss.slot[slot].many;
	const uint16_t only = rss->n != 0 ? rss->queue[0] : 0;
	uint16_t queue[BURST];
	uint64_t bytes = 0, put = 0;

	for (uint32_t at = 0; at < n; at += BURST) {
		const uint32_t k = RTE_MIN(n - at, BURST);

		for (uint32_t i = 0; i < k; i++) {
			bytes += m[at + i]->pkt_len;
			queue[i] = many ? wire_rss_queue(rss, m[at + i]) : only;
			/* Nobody needs a frame's offloads any more: its time of arrival takes their place. */
			m[at + i]->tx_offload = now;
		}
		put += put_sorted(l, m + at, queue, k);
	}
	wire_rss_leave(&l->rss, slot);
	wire_count(&w->stats.tx_frames, n);
	wire_count(&w->stats.tx_bytes, bytes);
	if (put != n)
		wire_count(&w->stats.tx_lost, n - put);
}

/* The receiver may write into what it gets: nobody else may hold these bytes. */
static bool
is_ours(const struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next) {
		if (!RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1)
			return false;
	}
	return true;
}

uint16_t
wire_line_get(struct wire_line *l, struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n,
		const struct wire_line_get *g)
{
	struct rte_ring *r = NULL;
	uint64_t bytes = 0;
	uint16_t got, k = 0;

	if (q < SIM_RSS_QUEUES_MAX)
		r = __atomic_load_n(&l->ring[q], __ATOMIC_ACQUIRE);
	if (r == NULL)
		return 0;
	got = (uint16_t)rte_ring_dequeue_burst(r, (void **)m, n, NULL);
	if (got == 0)
		return 0;
	for (uint16_t i = 0; i < got; i++) {
		const uint64_t sent = m[i]->tx_offload;
		struct rte_mbuf *f = m[i];

		if (unlikely(!is_ours(f))) {
			f = g->pool != NULL ? rte_pktmbuf_copy(f, g->pool, 0, UINT32_MAX) : NULL;
			rte_pktmbuf_free(m[i]);
			if (f == NULL) {
				wire_count(&w->stats.errors, 1);
				continue;
			}
		}
		f->tx_offload = 0;
		/* The copy may be in a pool whose buffers are all external. */
		f->ol_flags &= RTE_MBUF_F_EXTERNAL;
		f->packet_type = 0;
		f->port = g->ethdev;
		bytes += f->pkt_len;
		if (g->when != NULL)
			g->when[k] = RTE_MIN(sent, g->now);
		m[k++] = f;
	}
	wire_count(&w->stats.rx_frames, k);
	wire_count(&w->stats.rx_bytes, bytes);
	return k;
}

uint32_t
wire_line_count(const struct wire_line *l, uint16_t q)
{
	const struct rte_ring *r = NULL;

	if (q < SIM_RSS_QUEUES_MAX)
		r = __atomic_load_n(&l->ring[q], __ATOMIC_ACQUIRE);
	return r != NULL ? rte_ring_count(r) : 0;
}

bool
wire_line_empty(const struct wire_line *l)
{
	for (uint32_t q = 0; q < SIM_RSS_QUEUES_MAX; q++) {
		const struct rte_ring *r = __atomic_load_n(&l->ring[q], __ATOMIC_ACQUIRE);

		if (r != NULL && !rte_ring_empty(r))
			return false;
	}
	return true;
}
