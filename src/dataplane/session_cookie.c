/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections that begin with a SYN cookie. The client's ACK is turned into the SYN that it stands for, and goes the
 * way of every first packet (session_open.c). Until the server has answered, every packet of the client repeats that
 * SYN. The server's SYN/ACK tells how far its numbers lie from the cookie, which the client takes for them: they are
 * moved from then on (seqadj.c), windows and timestamps too. The server gets its ACK, the client a window.
 *
 * Packets are given to the tracker as their sender made them. Control lcore only.
 */
#include <rte_tcp.h>

#include "seqadj.h"
#include "session.h"
#include "syncookie/cookie.h"

/* ct_ext.cookie */
#define STAGE_NONE 0
#define STAGE_SENT \
	1 /* the server has our SYN; seq[FLOW_REPLY].pos is the cookie, ts_offset what the client echoes */
#define STAGE_DONE 2

#define SCALE_NONE \
	(-1) /* ct_ext.win_shift[FLOW_ORIGINAL] in STAGE_SENT: the client's scale, or this */

struct header {
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	struct cookie_options options;
};

static void
read_header(const struct session *s, struct header *out)
{
	const struct pkt_info *info = &s->meta->info;
	struct rte_tcp_hdr h;

	memcpy(&h, s->pkt.l4, sizeof(h));
	out->seq = rte_be_to_cpu_32(h.sent_seq);
	out->ack = rte_be_to_cpu_32(h.recv_ack);
	out->window = rte_be_to_cpu_16(h.rx_win);
	out->flags = h.tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG);
	cookie_options_read(s->pkt.l4 + sizeof(h),
			(size_t)(info->payload_off - info->l4_off) - sizeof(h), &out->options);
}

/* Put another segment in the place of the packet's. False: it was dropped, there is no room. */
static bool
become(struct session *s, const struct cookie_segment *segment)
{
	if (!cookie_segment_put(s->m, &s->meta->info, segment)) {
		session_drop(s->dp, s->m, DROP_HDR_SPLIT);
		return false;
	}
	session_view(s);
	return true;
}

/* ---- the first ACK ------------------------------------------------------------------------------------------- */

/* The SYN that was answered with the cookie; the client's window as it is now. */
static bool
become_syn(struct session *s, const struct cookie_ack *a)
{
	struct cookie_segment syn = {
		.seq = a->isn,
		.flags = RTE_TCP_SYN_FLAG,
		.window = (uint16_t)RTE_MIN((uint32_t)a->window << a->options.scale, UINT16_MAX),
		.options = a->options,
	};

	syn.options.tsecr = 0;
	return become(s, &syn);
}

static bool
check(const struct session *s, struct cookie_ack *a)
{
	const struct pkt_info *info = &s->meta->info;

	return cookie_check(s->dp->cookies.key, &s->tuple, s->pkt.l4,
			(size_t)(info->payload_off - info->l4_off), s->now, a);
}

bool
session_cookie_first(struct session *s, struct cookie_ack *a)
{
	if (!check(s, a)) { /* it grew too old in the ring */
		session_drop(s->dp, s->m, DROP_SYN_COOKIE);
		return false;
	}
	s->dp->c.cookies_valid++;
	s->cookie = a;
	return become_syn(s, a);
}

bool
session_cookie_undo(struct session *s)
{
	const struct cookie_ack *a = s->cookie;
	const struct cookie_segment ack = {
		.seq = a->isn + 1,
		.ack = a->cookie + 1,
		.window = a->window,
		.flags = RTE_TCP_ACK_FLAG,
	};

	return become(s, &ack);
}

bool
session_cookie_opened(struct session *s, uint32_t conn)
{
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	struct ct_ext *e = ct_ext_add(s->dp->ct, conn);

	if (e == NULL)
		return false;
	e->cookie = STAGE_SENT;
	e->seq[FLOW_REPLY].pos = s->cookie->cookie;
	e->ts_offset = s->cookie->options.tsecr;
	e->win_shift[FLOW_ORIGINAL] =
			s->cookie->options.scaling ? (int8_t)s->cookie->options.scale : SCALE_NONE;
	c->flow[FLOW_ORIGINAL].flags |= FLOW_F_ADJUST;
	c->flow[FLOW_REPLY].flags |= FLOW_F_ADJUST;
	return true;
}

/* ---- packets that are made for the server ---------------------------------------------------------------------- */

/* A packet of the client's direction, as the client would have sent it; NULL: no mbuf. */
static struct rte_mbuf *
make(const struct session *s, uint32_t conn, const struct cookie_segment *segment)
{
	const struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->dp->pool);
	struct flow_tuple t;
	struct pkt_meta *meta;

	if (m == NULL)
		return NULL;
	meta = pkt_meta(m);
	*meta = (struct pkt_meta){
		.flow = FLOW_NONE,
		.gate = PKT_GATE_NONE,
		.port_in = c->flow[FLOW_ORIGINAL].port_in,
		.worker = c->owner,
		.ct_dir = 2,
		.conn = FLOW_NONE,
		.sequence = UINT32_MAX, /* no input packet's verdict is about it */
	};
	ct_tuple(s->dp->ct, ct_flow_id(conn, FLOW_ORIGINAL), &t);
	if (!cookie_segment_make(m, &meta->info, &t, segment)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	meta->sequence = s->meta->sequence;
	return m;
}

/* May a packet that shunt makes leave? It cannot be held for a neighbour: no worker waits for it. */
static bool
can_send(const struct session *s, uint32_t conn)
{
	const struct flow *f = &ct_conns(s->dp->ct)[conn].flow[FLOW_ORIGINAL];

	return !(f->flags & FLOW_F_DROP) && l3_nexthops(s->dp->l3)[f->nexthop].usable;
}

static void
send_made(const struct session *s, struct rte_mbuf *m, uint32_t conn, bool tracked)
{
	struct session made = { .dp = s->dp, .m = m, .meta = pkt_meta(m), .now = s->now };
	struct ct_verdict v;

	session_view(&made);
	if (tracked) {
		made.pkt.ack_offset = seqadj_ack_offset(
				ct_ext(s->dp->ct, conn), FLOW_ORIGINAL, m, &made.meta->info);
		ct_track(s->dp->ct, conn, FLOW_ORIGINAL, &made.pkt, &v);
	}
	session_forward(&made, conn, FLOW_ORIGINAL);
}

/* ---- the server's answer ----------------------------------------------------------------------------------------- */

/* Now both sides' numbers, clocks and scales are known, and so what lies between them. */
static void
settle(struct session *s, uint32_t conn, struct ct_ext *e, const struct header *h)
{
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	const uint32_t offset = e->seq[FLOW_REPLY].pos - h->seq;
	const int8_t client = e->win_shift[FLOW_ORIGINAL];
	const int8_t announced = (int8_t)s->dp->cookies.cfg->window_scale;

	e->seq[FLOW_REPLY] = (struct ct_seqadj){ h->seq, (int32_t)offset, (int32_t)offset };
	e->ts_offset = h->options.timestamps ? e->ts_offset - h->options.tsval : 0;
	e->win_shift[FLOW_ORIGINAL] = e->win_shift[FLOW_REPLY] = 0;
	if (client != SCALE_NONE) {
		/*
		 * The client scales by what our SYN/ACK announced, whatever the server says. A server that does not
		 * scale reads the client's windows as they are (RFC 7323, 1.3): they are spelt out for it, and the
		 * tracker, which sees them before that, must know their scale.
		 */
		if (!h->options.scaling) {
			e->win_shift[FLOW_ORIGINAL] = client;
			c->tcp.scale[FLOW_ORIGINAL] = (uint8_t)client;
		}
		e->win_shift[FLOW_REPLY] =
				(int8_t)((h->options.scaling ? h->options.scale : 0) - announced);
	}
	e->cookie = STAGE_DONE;
}

/* What the client had answered to the cookie, for the server. */
static struct rte_mbuf *
make_ack(const struct session *s, uint32_t conn, const struct ct_ext *e, const struct header *h)
{
	const struct ct_tcp *tcp = &ct_conns(s->dp->ct)[conn].tcp;
	const int8_t scale = e->win_shift[FLOW_ORIGINAL];
	const struct cookie_segment ack = {
		.seq = h->ack,
		.ack = e->seq[FLOW_REPLY].pos + 1,
		.window = (uint16_t)(tcp->win[FLOW_ORIGINAL].maxwin >> RTE_MAX(scale, 0)),
		.flags = RTE_TCP_ACK_FLAG,
		.options = { .timestamps = h->options.timestamps,
				.tsval = h->options.tsecr,
				.tsecr = e->ts_offset },
	};

	return make(s, conn, &ack);
}

/* The client has its SYN/ACK already: what is news to it is the window. */
static bool
become_window(struct session *s, const struct header *h, bool scaled)
{
	const struct cookie_segment update = {
		.seq = h->seq + 1,
		.ack = h->ack,
		.window = (uint16_t)(h->window >> (scaled ? h->options.scale : 0)),
		.flags = RTE_TCP_ACK_FLAG,
		.options = { .timestamps = h->options.timestamps,
				.tsval = h->options.tsval,
				.tsecr = h->options.tsecr },
	};

	return become(s, &update);
}

static enum session_next
server_agrees(struct session *s, uint32_t conn, struct ct_ext *e, const struct header *h)
{
	const bool scaled = e->win_shift[FLOW_ORIGINAL] != SCALE_NONE && h->options.scaling;
	struct rte_mbuf *ack;
	struct ct_verdict v;

	if (h->ack != ct_conns(s->dp->ct)[conn].tcp.win[FLOW_ORIGINAL].end)
		return SESSION_GO_ON; /* not about our SYN: the tracker will call it invalid */
	/* It will be repeated. */
	if (!can_send(s, conn)) {
		session_drop(s->dp, s->m, DROP_NEIGH_FAILED);
		return SESSION_TAKEN;
	}
	ack = make_ack(s, conn, e, h);
	if (ack == NULL) {
		session_drop(s->dp, s->m, DROP_NO_MBUF);
		return SESSION_TAKEN;
	}
	ct_track(s->dp->ct, conn, FLOW_REPLY, &s->pkt, &v);
	if (v.state == CT_STATE_INVALID) {
		rte_pktmbuf_free(ack);
		session_invalid(s->dp, s->m, v.reason, conn, s->now);
		return SESSION_TAKEN;
	}
	settle(s, conn, e, h);
	send_made(s, ack, conn, true);
	return become_window(s, h, scaled) ? SESSION_GO_ON : SESSION_TAKEN;
}

/*
 * An ACK that is not about our SYN: the server remembers an old connection (RFC 9293, 3.5.2). The client would reset
 * that if it had sent the SYN itself; and then repeat it, as it will here.
 */
static enum session_next
server_remembers(struct session *s, uint32_t conn, const struct header *h)
{
	const struct cookie_segment rst = { .seq = h->ack, .flags = RTE_TCP_RST_FLAG };
	struct rte_mbuf *m = can_send(s, conn) ? make(s, conn, &rst) : NULL;

	if (m != NULL)
		send_made(s, m, conn, false);
	session_local(s->dp, s->m);
	return SESSION_TAKEN;
}

static enum session_next
from_server(struct session *s, uint32_t conn, struct ct_ext *e, const struct header *h)
{
	uint32_t offset;

	switch (h->flags) {
	case RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG:
		return server_agrees(s, conn, e, h);
	case RTE_TCP_ACK_FLAG:
		return server_remembers(s, conn, h);
	case RTE_TCP_RST_FLAG:
	case RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG:
		/* The client believes it only with the number that it expects next (RFC 5961, 3.2). */
		offset = e->seq[FLOW_REPLY].pos + 1 - h->seq;
		e->seq[FLOW_REPLY].before = e->seq[FLOW_REPLY].after = (int32_t)offset;
		return SESSION_GO_ON;
	default:
		session_invalid(s->dp, s->m, DROP_CT_TCP_STATE, conn, s->now);
		return SESSION_TAKEN;
	}
}

/* ---- the client, while the server has not answered ---------------------------------------------------------------- */

static enum session_next
client_resets(struct session *s, uint32_t next, const struct header *h, uint32_t conn)
{
	const struct cookie_segment rst = { .seq = next, .flags = RTE_TCP_RST_FLAG };

	if (h->seq != next) {
		session_invalid(s->dp, s->m, DROP_CT_TCP_WINDOW, conn, s->now);
		return SESSION_TAKEN;
	}
	/* What it acknowledges is the cookie, which the server never saw. */
	return become(s, &rst) ? SESSION_GO_ON : SESSION_TAKEN;
}

static enum session_next
from_client(struct session *s, uint32_t conn, const struct header *h)
{
	const uint32_t next = ct_conns(s->dp->ct)[conn].tcp.win[FLOW_ORIGINAL].end;
	struct cookie_ack a;

	if (h->flags & RTE_TCP_RST_FLAG)
		return client_resets(s, next, h, conn);
	if (h->flags == RTE_TCP_SYN_FLAG && h->seq != next - 1)
		return SESSION_REOPEN; /* it gave up, and starts anew */
	if (h->flags != RTE_TCP_ACK_FLAG || !check(s, &a) || a.isn != next - 1) {
		session_drop(s->dp, s->m, DROP_SYN_COOKIE);
		return SESSION_TAKEN;
	}
	/* Data is dropped: the client sends it again, as it does with what the closed window kept back. */
	return become_syn(s, &a) ? SESSION_GO_ON : SESSION_TAKEN;
}

enum session_next
session_cookie_known(struct session *s, uint32_t conn, enum flow_dir dir)
{
	struct ct_ext *e = ct_ext(s->dp->ct, conn);
	struct header h;

	if (likely(e->cookie != STAGE_SENT))
		return SESSION_GO_ON;
	read_header(s, &h);
	return dir == FLOW_REPLY ? from_server(s, conn, e, &h) : from_client(s, conn, &h);
}

void
session_cookie_tracked(const struct session *s, uint32_t conn, enum flow_dir dir)
{
	struct ct_ext *e = ct_ext(s->dp->ct, conn);

	/*
	 * A SYN/ACK that the tracker believes: the two agreed on a new connection, and the client sees the server's own
	 * scale this time. Numbers and clocks go on being moved, from the SYN/ACK on.
	 */
	if (e->cookie == STAGE_DONE && dir == FLOW_REPLY &&
			(s->meta->info.tcp_flags & RTE_TCP_SYN_FLAG) &&
			ct_conns(s->dp->ct)[conn].tcp.state == CT_TCP_SYN_RECV)
		e->win_shift[FLOW_ORIGINAL] = e->win_shift[FLOW_REPLY] = 0;
}
