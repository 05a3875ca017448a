/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator's inner loop, see gen_fast.h. What a frame differs by is known when the wire is opened; the commonest
 * shapes have loops of their own, made from one body with constant arguments.
 */
#include "gen_fast.h"

#include <string.h>

#include <rte_mempool.h>

#define BURST 64u

/* The 32 bytes of an mbuf that a driver sets: rearm data, flags, type, lengths, tag, hash. */
struct image {
	uint8_t b[32];
};
_Static_assert(offsetof(struct rte_mbuf, hash) + 4 - offsetof(struct rte_mbuf, rearm_data) == 32,
		"rearm data to hash");

struct shape {
	uint16_t blocks; /* of 16 bytes */
	uint16_t src, dst, l4, l4_ck;
	uint16_t l3_ck;	 /* 0: IPv6 */
	uint16_t out_l4; /* 0: no VXLAN */
	bool udp, sessions;
	uint8_t order;
};

static struct image
mbuf_image(const struct gen *g)
{
	struct rte_mbuf m;
	struct image i;

	memset(&m, 0, sizeof(m));
	m.data_off = RTE_PKTMBUF_HEADROOM;
	rte_mbuf_refcnt_set(&m, 1);
	m.nb_segs = 1;
	m.port = g->ethdev;
	m.pkt_len = g->fixed_len;
	m.data_len = g->fixed_len;
	memcpy(i.b, (const uint8_t *)&m + offsetof(struct rte_mbuf, rearm_data), sizeof(i.b));
	return i;
}

static inline __attribute__((always_inline)) void
put_tuple(uint8_t *d, const struct gen_tuple *t, const struct gen_sums *sums, const struct shape s)
{
	const uint64_t addr = (uint64_t)t->src + t->dst;
	uint16_t ck;

	memcpy(d + s.src, &t->src, 4);
	memcpy(d + s.dst, &t->dst, 4);
	memcpy(d + s.l4, &t->ports, 4);
	if (s.l3_ck != 0) {
		ck = gen_fold(sums->l3 + addr);
		memcpy(d + s.l3_ck, &ck, 2);
	}
	ck = gen_fold(sums->l4 + addr + t->ports);
	if (s.udp)
		ck = ck != 0 ? ck : UINT16_MAX;
	memcpy(d + s.l4_ck, &ck, 2);
}

static inline __attribute__((always_inline)) void
fill(const struct gen *g, struct gen_lane *l, struct rte_mbuf **m, uint32_t n, const struct shape s)
{
	const struct image image = mbuf_image(g);
	const struct gen_sums sums = g->fixed_sums;
	const struct gen_space *space = &g->space[s.l3_ck == 0];

	for (uint32_t i = 0; i < n; i++) {
		const struct gen_pick p = gen_pick(g, l, s.order, s.sessions);
		uint8_t *d = (uint8_t *)m[i]->buf_addr + RTE_PKTMBUF_HEADROOM;
		const uint8_t *from = g->fixed[s.sessions ? p.reply : 0];
		struct gen_tuple t;

		memcpy(&m[i]->rearm_data, image.b, sizeof(image.b));
		for (uint32_t b = 0; b < s.blocks; b++)
			memcpy(d + b * 16, from + b * 16, 16);
		gen_tuple(space, p.flow, &t);
		if (s.out_l4 != 0) {
			const uint32_t hash = (uint32_t)gen_mix(
					(uint64_t)t.ports << 32 ^ t.src ^ (uint64_t)t.dst << 16);
			const rte_be16_t port = rte_cpu_to_be_16(
					(uint16_t)(0xc000 | (hash >> 16 & 0x3fff)));

			memcpy(d + s.out_l4, &port, 2);
		}
		if (s.sessions && p.reply) {
			t = (struct gen_tuple){
				.src = t.dst, .dst = t.src, .ports = t.ports << 16 | t.ports >> 16
			};
		}
		put_tuple(d, &t, &sums, s);
	}
}

/* 64 bytes of UDP over IPv4, the commonest load of a benchmark. */
#define PLAIN(ORDER) \
	((struct shape){ .blocks = 4, \
			.src = 26, \
			.dst = 30, \
			.l4 = 34, \
			.l4_ck = 40, \
			.l3_ck = 24, \
			.udp = true, \
			.order = (ORDER) })

static void
fill_any(const struct gen *g, struct gen_lane *l, struct rte_mbuf **m, uint32_t n)
{
	const struct gen_tmpl *t = &g->tmpl[0][g->v6][g->tcp];
	const struct shape s = { .blocks = (uint16_t)((g->fixed_len + 15) / 16),
		.src = t->src,
		.dst = t->dst,
		.l4 = t->l4,
		.l4_ck = t->l4_ck,
		.l3_ck = t->v6 ? 0 : (uint16_t)(t->l3 + 10),
		.out_l4 = t->out_l4,
		.udp = !t->tcp,
		.sessions = g->c.sessions,
		.order = g->c.order };

	fill(g, l, m, n, s);
}

static bool
is_plain(const struct gen *g)
{
	return g->fixed_len > 48 && g->fixed_len <= 64 && !g->v6 && !g->tcp && !g->c.sessions &&
			!g->c.vxlan && g->c.vlan == 0;
}

/* Times of up to n frames; returns how many are due. */
static uint16_t
due(const struct gen *g, struct gen_lane *l, uint64_t *when, uint16_t n, uint64_t now)
{
	uint16_t k = 0;

	if (!g->paced) {
		for (k = 0; when != NULL && k < n; k++)
			when[k] = now;
		return n;
	}
	for (k = 0; k < n && l->pace.next <= now; k++) {
		if (when != NULL)
			when[k] = l->pace.next;
		gen_lane_step(g, l, g->fixed_len);
	}
	return k;
}

uint16_t
gen_fast_frames(struct gen *g, struct gen_lane *l, struct rte_mempool *pool, struct rte_mbuf **m,
		uint64_t *when, uint16_t n, uint64_t now)
{
	const struct wire_pace pace = l->pace;
	const uint64_t ahead = l->ahead, in_burst = l->in_burst;
	const uint16_t k = due(g, l, when, n, now);

	if (k == 0)
		return 0;
	/* As drivers do: a free mbuf has one segment and no next. */
	if (rte_mempool_get_bulk(pool, (void **)m, k) != 0) {
		l->pace = pace;
		l->ahead = ahead;
		l->in_burst = in_burst;
		wire_count(&g->w.stats.rx_nombuf, 1);
		return 0;
	}
	if (!is_plain(g))
		fill_any(g, l, m, k);
	else if (g->c.order == GEN_ROUND)
		fill(g, l, m, k, PLAIN(GEN_ROUND));
	else if (g->c.order == GEN_RANDOM)
		fill(g, l, m, k, PLAIN(GEN_RANDOM));
	else
		fill(g, l, m, k, PLAIN(GEN_ZIPF));
	return k;
}

void
gen_fast_init(struct gen *g)
{
	const struct gen_conf *c = &g->c;
	const bool nat = c->reply_src.given || c->reply_dst.given || c->reply_sport != 0 ||
			c->reply_dport != 0;
	struct gen_frame f = { .flags = c->sessions ? gen_steps[GEN_EST].flags : c->tcp_flags };

	g->fast = false;
	if (g->mixed || c->n_sizes != 1 || c->check || g->session != NULL || nat ||
			(c->vxlan && (c->out_src.mask | c->out_dst.mask) != 0))
		return;
	for (uint32_t reply = 0; reply < 2; reply++) {
		const struct gen_tmpl *t = &g->tmpl[reply][g->v6][g->tcp];

		f.len = RTE_MAX(c->size[0], t->least);
		if (f.len > GEN_FIXED_MAX)
			return;
		f.payload = f.len - t->head;
		gen_seq_of_none(g, reply, &f);
		gen_frame_put(g->fixed[reply], t, &f, c, &g->pattern);
		g->fixed_len = f.len;
		/* Replies of sessions have the same: addresses, ports, seq and ack are only swapped. */
		if (reply == 0)
			g->fixed_sums = gen_frame_sums(t, &f, &g->pattern);
	}
	g->fast = true;
}
