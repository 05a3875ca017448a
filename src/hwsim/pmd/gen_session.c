/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions of the generator: who sends next what segment, and how a session gives way to another (churn). Runs on the
 * lcore of the lane that owns the session.
 */
#include "gen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FIN 0x01u
#define SYN 0x02u
#define PSH 0x08u
#define ACK 0x10u

/* RFC 9293, 3.5 and 3.6: the original side opens and closes, the other's FIN carries the ACK of its. */
const struct gen_step gen_steps[GEN_PHASES] = {
	[GEN_EST] = { .flags = PSH | ACK, .next = GEN_EST },
	[GEN_FIN] = { .flags = FIN | ACK, .next = GEN_FIN_REPLY },
	[GEN_FIN_REPLY] = { .reply = 1, .flags = FIN | ACK, .next = GEN_LAST_ACK },
	[GEN_LAST_ACK] = { .flags = ACK, .next = GEN_SYN, .renew = 1 },
	[GEN_SYN] = { .flags = SYN, .next = GEN_SYN_REPLY },
	[GEN_SYN_REPLY] = { .reply = 1, .flags = SYN | ACK, .next = GEN_ACK },
	[GEN_ACK] = { .flags = ACK, .next = GEN_EST },
};

static void
first_seq(const struct gen *g, uint32_t s, uint32_t number, uint32_t seq[2])
{
	const uint64_t h = gen_mix(g->key + ((uint64_t)number << 32 | s));

	seq[0] = (uint32_t)h;
	seq[1] = (uint32_t)(h >> 32);
}

static void
swap_ports(struct gen_tuple *t)
{
	t->ports = t->ports << 16 | t->ports >> 16;
}

void
gen_tuple_of(const struct gen *g, uint32_t flow, uint32_t number, bool reply, struct gen_frame *f)
{
	const struct gen_conf *c = &g->c;
	struct gen_tuple t;
	bool v6, tcp;

	gen_kind(g, flow, &v6, &tcp);
	gen_tuple(&g->space[v6], flow + (uint64_t)number * c->flows, &t);
	f->tuple = t;
	/* Of the tuple as both directions have it, so that they share a tunnel's address. */
	f->out_hash = (uint32_t)gen_mix((uint64_t)t.ports << 32 ^ t.src ^ (uint64_t)t.dst << 16);
	if (!reply)
		return;
	f->tuple.src = t.dst;
	f->tuple.dst = t.src;
	swap_ports(&f->tuple);
	if (c->reply_src.given)
		f->tuple.src = rte_cpu_to_be_32(
				c->reply_src.low | (rte_be_to_cpu_32(t.dst) & c->reply_src.mask));
	if (c->reply_dst.given)
		f->tuple.dst = rte_cpu_to_be_32(
				c->reply_dst.low | (rte_be_to_cpu_32(t.src) & c->reply_dst.mask));
	if (c->reply_sport != 0)
		f->tuple.ports = (f->tuple.ports & RTE_BE32(0x0000ffff)) |
				rte_cpu_to_be_32((uint32_t)c->reply_sport << 16);
	if (c->reply_dport != 0)
		f->tuple.ports = (f->tuple.ports & RTE_BE32(0xffff0000)) |
				rte_cpu_to_be_32(c->reply_dport);
}

/* Another tuple in this place. There are only so many: then they come again. */
static void
renew(struct gen *g, uint32_t s)
{
	struct gen_session *ss = &g->session[s];
	bool v6, tcp;
	uint32_t seq[2];

	gen_kind(g, s, &v6, &tcp);
	ss->number = (ss->number + 1u) % g->numbers[v6];
	first_seq(g, s, ss->number, seq);
	ss->seq[0] = seq[0];
	ss->seq[1] = seq[1];
	if (g->many) {
		ss->queue[0] = gen_queue_of(g, s, ss->number, false);
		ss->queue[1] = gen_queue_of(g, s, ss->number, true);
	}
}

struct gen_made
gen_session_make(struct gen *g, struct gen_pick p, struct gen_frame *f)
{
	struct gen_session *ss = g->session != NULL ? &g->session[p.flow] : NULL;
	struct gen_made m = { .reply = p.reply };
	const struct gen_step *step = &gen_steps[GEN_EST];
	bool v6, tcp;

	gen_kind(g, p.flow, &v6, &tcp);
	f->flags = g->c.sessions ? step->flags : g->c.tcp_flags;
	if (tcp && ss != NULL && ss->phase != GEN_EST) {
		step = &gen_steps[ss->phase];
		m.reply = step->reply;
		m.control = true;
		f->flags = step->flags;
	}
	gen_tuple_of(g, p.flow, ss != NULL ? ss->number : 0, m.reply, f);
	m.tmpl = &g->tmpl[m.reply][v6][tcp];
	if (ss == NULL) {
		gen_seq_of_none(g, m.reply, f);
		return m;
	}
	m.queue = ss->queue[m.reply];
	f->seq = ss->seq[m.reply];
	f->ack = (f->flags & ACK) != 0 ? ss->seq[!m.reply] : 0;
	if (m.control) {
		ss->seq[m.reply] += (f->flags & (SYN | FIN)) != 0;
		ss->phase = step->next;
		if (step->renew)
			renew(g, p.flow);
	}
	return m;
}

int
gen_sessions_init(struct gen *g)
{
	const size_t size = (size_t)g->c.flows * sizeof(*g->session);
	void *p;

	/* Pages of their own, large where the kernel has them: a session is picked at random, each a TLB miss. */
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(p, size, MADV_HUGEPAGE);
	g->session = p;
	for (uint32_t s = 0; s < g->c.flows; s++) {
		struct gen_session *ss = &g->session[s];
		uint32_t seq[2];
		bool v6, tcp;

		gen_kind(g, s, &v6, &tcp);
		first_seq(g, s, 0, seq);
		ss->seq[0] = seq[0];
		ss->seq[1] = seq[1];
		ss->phase = g->c.handshake && tcp ? GEN_SYN : GEN_EST;
	}
	return 0;
}

/* --- churn --- */

static void
push_turn(struct gen_lane *l, uint32_t s)
{
	l->turn[(l->turn_head + l->turn_n++) % GEN_TURNS] = s;
}

void
gen_churn(struct gen *g, struct gen_lane *l, uint64_t now)
{
	/* Behind by more than a second: nobody asked for frames meanwhile, and all at once would be no churn but a flood. */
	if (now > l->churn.next + UINT64_C(1000000000))
		l->churn.next = now;
	for (uint32_t i = 0; i < 64 && l->churn.next <= now && l->turn_n < GEN_TURNS; i++) {
		const uint32_t at = l->churn_cursor;
		const uint32_t s = l->flow != NULL ? l->flow[at] : at;
		bool v6, tcp;

		l->churn_cursor = at + 1 < l->n ? at + 1 : 0;
		gen_kind(g, s, &v6, &tcp);
		if (!tcp) {
			renew(g, s);
		} else if (g->session[s].phase == GEN_EST) {
			g->session[s].phase = GEN_FIN;
			push_turn(l, s);
		}
		wire_pace_step(&l->churn, 1, &l->churn.next);
	}
}

bool
gen_churn_pick(struct gen *g, struct gen_lane *l, struct gen_pick *p)
{
	while (l->turn_n > 0) {
		const uint32_t s = l->turn[l->turn_head];

		l->turn_head = (l->turn_head + 1) % GEN_TURNS;
		l->turn_n--;
		/* A pick of order= may have brought it to its end already. */
		if (g->session[s].phase == GEN_EST)
			continue;
		push_turn(l, s);
		*p = (struct gen_pick){ .flow = s };
		return true;
	}
	return false;
}
