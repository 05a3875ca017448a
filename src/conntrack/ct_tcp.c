/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP tracker: the state of a connection as somebody between the two ends can know it. Control
 * lcore, through ct_conn.c.
 *
 * Its judgements are those of Linux's nf_conntrack, packet by packet. A middle box misses packets
 * and sees others that an end will not accept, so besides "next state" there are two more answers:
 * invalid, and ignore: pass it on and believe nothing, since the end's answer will tell who is
 * right. Sequence numbers are in ct_tcp_window.c.
 */
#include <netinet/in.h>

#include <rte_tcp.h>

#include "ct_priv.h"

/*
 * Ends out of the window from both sides shorten only what would be kept for so long: otherwise it goes soon enough.
 */
#define LOST_MIN_S 120

/* Flags that decide; PSH, ECE and CWR go with everything. */
#define FLAGS_MASK \
	(RTE_TCP_FIN_FLAG | RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG | \
			RTE_TCP_URG_FLAG)

/* clang-format off */
#define NO CT_TCP_NONE
#define SS CT_TCP_SYN_SENT
#define SR CT_TCP_SYN_RECV
#define ES CT_TCP_ESTABLISHED
#define FW CT_TCP_FIN_WAIT
#define CW CT_TCP_CLOSE_WAIT
#define LA CT_TCP_LAST_ACK
#define TW CT_TCP_TIME_WAIT
#define CL CT_TCP_CLOSE
#define S2 CT_TCP_SYN_SENT2
#define IG CT_TCP_IGNORE
#define IV CT_TCP_INVALID

/*
 * Columns: state before. A state is named after the side that moved first, so FIN_WAIT is "one FIN
 * seen", CLOSE_WAIT "and acknowledged", LAST_ACK "both FINs seen", TIME_WAIT "both acknowledged"
 * (RFC 9293, 3.3.2, from outside).
 */
static const uint8_t next_state[2][CT_SEGS][CT_TCP_STATES] = {
	[FLOW_ORIGINAL] = {
		/*                   NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
		[CT_SEG_NONE] =    { IV, IV, IV, IV, IV, IV, IV, IV, IV, IV },
		/* Opens, or repeats itself; opens anew after the end. In between, who knows. */
		[CT_SEG_SYN] =     { SS, SS, IG, IG, IG, IG, IG, SS, SS, S2 },
		/* The opener answers a SYN only when both ends opened. */
		[CT_SEG_SYNACK] =  { IV, IV, SR, IV, IV, IV, IV, IV, IV, SR },
		[CT_SEG_FIN] =     { IV, IV, FW, FW, LA, LA, LA, TW, CL, IV },
		/* Picks up in the middle; completes the handshake; acknowledges FINs. */
		[CT_SEG_ACK] =     { ES, IV, ES, ES, CW, CW, TW, TW, CL, IV },
		[CT_SEG_RST] =     { IV, CL, CL, CL, CL, CL, CL, CL, CL, CL },
	},
	[FLOW_REPLY] = {
		[CT_SEG_NONE] =    { IV, IV, IV, IV, IV, IV, IV, IV, IV, IV },
		/* Both ends open; or the other end opens anew. */
		[CT_SEG_SYN] =     { IV, S2, IV, IV, IV, IV, IV, SS, IV, S2 },
		[CT_SEG_SYNACK] =  { IV, SR, IG, IG, IG, IG, IG, IG, IG, SR },
		[CT_SEG_FIN] =     { IV, IV, FW, FW, LA, LA, LA, TW, CL, IV },
		/* An ACK in answer to a SYN: an old connection on that side; a RST will follow. */
		[CT_SEG_ACK] =     { IV, IG, SR, ES, CW, CW, TW, TW, CL, IG },
		[CT_SEG_RST] =     { IV, CL, CL, CL, CL, CL, CL, CL, CL, CL },
	},
};

#undef NO
#undef SS
#undef SR
#undef ES
#undef FW
#undef CW
#undef LA
#undef TW
#undef CL
#undef S2
#undef IG
#undef IV
/* clang-format on */

uint8_t
ct_tcp_next(enum flow_dir dir, enum ct_seg seg, enum ct_tcp_state state)
{
	return next_state[dir][seg][state];
}

const char *
ct_tcp_state_name(enum ct_tcp_state s)
{
	static const char *const names[CT_TCP_STATES] = {
		[CT_TCP_NONE] = "NONE",
		[CT_TCP_SYN_SENT] = "SYN_SENT",
		[CT_TCP_SYN_RECV] = "SYN_RECV",
		[CT_TCP_ESTABLISHED] = "ESTABLISHED",
		[CT_TCP_FIN_WAIT] = "FIN_WAIT",
		[CT_TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[CT_TCP_LAST_ACK] = "LAST_ACK",
		[CT_TCP_TIME_WAIT] = "TIME_WAIT",
		[CT_TCP_CLOSE] = "CLOSE",
		[CT_TCP_SYN_SENT2] = "SYN_SENT2",
	};

	return (unsigned int)s < CT_TCP_STATES ? names[s] : "?";
}

/* ---- reading a segment ---------------------------------------------------------------------- */

static bool
flags_valid(uint8_t flags)
{
	switch (flags & FLAGS_MASK) {
	case RTE_TCP_SYN_FLAG:
	case RTE_TCP_SYN_FLAG | RTE_TCP_URG_FLAG:
	case RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG:
	case RTE_TCP_RST_FLAG:
	case RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG:
	case RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG:
	case RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_URG_FLAG:
	case RTE_TCP_ACK_FLAG:
	case RTE_TCP_ACK_FLAG | RTE_TCP_URG_FLAG:
		return true;
	default:
		return false;
	}
}

static enum ct_seg
kind_of(uint8_t flags)
{
	if (flags & RTE_TCP_RST_FLAG)
		return CT_SEG_RST;
	if (flags & RTE_TCP_SYN_FLAG)
		return flags & RTE_TCP_ACK_FLAG ? CT_SEG_SYNACK : CT_SEG_SYN;
	if (flags & RTE_TCP_FIN_FLAG)
		return CT_SEG_FIN;
	return flags & RTE_TCP_ACK_FLAG ? CT_SEG_ACK : CT_SEG_NONE;
}

static enum drop_reason
read_segment(const struct ct_packet *pkt, struct ct_segment *s)
{
	struct rte_tcp_hdr h;
	uint32_t header;

	if (pkt->l4_len < sizeof(h) || pkt->l4_avail < sizeof(h))
		return DROP_TCP_SHORT;
	memcpy(&h, pkt->l4, sizeof(h));
	header = (h.data_off >> 4) * 4u;
	if (header < sizeof(h) || header > pkt->l4_len)
		return DROP_TCP_OFFSET;
	if (header > pkt->l4_avail)
		return DROP_TCP_SHORT;
	if (!flags_valid(h.tcp_flags))
		return DROP_TCP_FLAGS;
	s->kind = kind_of(h.tcp_flags);
	s->flags = h.tcp_flags;
	s->seq = rte_be_to_cpu_32(h.sent_seq);
	s->ack = rte_be_to_cpu_32(h.recv_ack) - pkt->ack_offset;
	s->ack_offset = pkt->ack_offset;
	s->win = rte_be_to_cpu_16(h.rx_win);
	s->end = s->seq + (pkt->l4_len - header) + ((h.tcp_flags & RTE_TCP_SYN_FLAG) != 0) +
			((h.tcp_flags & RTE_TCP_FIN_FLAG) != 0);
	s->options = pkt->l4 + sizeof(h);
	s->option_len = (uint8_t)(header - sizeof(h));
	return DROP_NONE;
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum drop_reason
tcp_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	struct ct_segment s;
	enum drop_reason reason = read_segment(pkt, &s);

	(void)tuple;
	if (reason != DROP_NONE)
		return reason;
	switch (ct_tcp_next(FLOW_ORIGINAL, s.kind, CT_TCP_NONE)) {
	case CT_TCP_SYN_SENT:
		return DROP_NONE;
	case CT_TCP_ESTABLISHED:
		return t->tcp_loose ? DROP_NONE : DROP_CT_INVALID;
	default:
		return DROP_CT_INVALID;
	}
}

static void
tcp_open(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt)
{
	struct ct_segment s;

	(void)t;
	if (read_segment(pkt, &s) != DROP_NONE)
		return; /* nobody asked tcp_may_open(); ct_track() will call it invalid */
	if (s.kind == CT_SEG_SYN)
		ct_tcp_window_syn(&c->tcp, FLOW_ORIGINAL, &s);
	else
		ct_tcp_window_pickup(&c->tcp, &s);
}

/* ---- tracking ------------------------------------------------------------------------------- */

enum judgement {
	JUDGE_WINDOW, /* believe it, if it is in the window */
	JUDGE_ACCEPT, /* believe it without looking at the window */
	JUDGE_PASS,   /* let it pass, do not believe it */
	JUDGE_REOPEN,
	JUDGE_INVALID,
};

/*
 * A SYN after the end is a new connection if the old one was closed in order as far as was seen
 * here, or was just reset by the same side. Otherwise the other end will say whether the old one
 * still lives.
 */
static bool
may_reopen(const struct ct_tcp *tcp, enum flow_dir dir)
{
	return ((tcp->flags[0] | tcp->flags[1]) & CT_TCP_F_CLOSE_INIT) != 0 ||
			(tcp->last_dir == dir && tcp->last_index == CT_SEG_RST);
}

/*
 * The other end confirms a SYN that was let through: the two agree on a connection, and what is
 * known here is old.
 */
static bool
resync(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s)
{
	enum flow_dir from = !dir;

	if (s->kind != CT_SEG_SYNACK || tcp->last_index != CT_SEG_SYN || tcp->last_dir != from ||
			s->ack != tcp->last_end)
		return false;
	tcp->win[from].end = tcp->win[from].maxend = tcp->last_end;
	tcp->win[from].maxwin = RTE_MAX(tcp->last_win, 1);
	tcp->scale[from] = tcp->last_wscale;
	tcp->last_flags &= ~CT_TCP_L_CHALLENGE;
	tcp->flags[from] = tcp->last_flags & (CT_TCP_F_WSCALE | CT_TCP_F_SACK);
	memset(&tcp->win[dir], 0, sizeof(tcp->win[dir]));
	tcp->scale[dir] = 0;
	tcp->flags[dir] &= CT_TCP_F_LIBERAL; /* of the answering side alone: Linux does the same */
	return true;
}

/* Remember a segment that is let through, for the answer to it. */
static void
note_passed(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s)
{
	tcp->last_index = s->kind;
	tcp->last_dir = dir;
	tcp->last_seq = s->seq;
	tcp->last_end = s->end;
	tcp->last_win = s->win;
	if (s->kind == CT_SEG_SYN && dir == FLOW_ORIGINAL) {
		tcp->last_flags = ct_tcp_offer(s, &tcp->last_wscale);
		if (tcp->state == CT_TCP_LAST_ACK)
			tcp->last_flags |= CT_TCP_L_CHALLENGE;
	}
	if (s->kind == CT_SEG_ACK && dir == FLOW_REPLY && tcp->state == CT_TCP_SYN_SENT)
		tcp->last_ack = s->ack;
}

static bool
is_ending(const struct ct_tcp *tcp)
{
	return tcp->state >= CT_TCP_FIN_WAIT && tcp->state <= CT_TCP_CLOSE;
}

static bool
is_established(const struct ct_conn *c)
{
	return c->tcp.state == CT_TCP_ESTABLISHED && (c->status & CT_S_ASSURED) != 0;
}

/*
 * A RST must be where the other side expects the next byte (RFC 5961, 3.2); one that is merely in
 * the window gets a challenge ACK from there, so the connection stays as it is.
 */
static enum judgement
judge_rst(const struct ct_table *t, const struct ct_conn *c, enum flow_dir dir,
		const struct ct_segment *s, uint8_t *next)
{
	const struct ct_tcp *tcp = &c->tcp;
	uint32_t expected = tcp->win[!dir].maxack;

	if (is_ending(tcp))
		return JUDGE_ACCEPT;
	if ((tcp->flags[!dir] & CT_TCP_F_MAXACK) && tcp->last_index != CT_SEG_SYN) {
		/* Sequence number 0 answers a SYN that was let through. */
		if (s->seq == 0 && !is_established(c))
			return JUDGE_WINDOW;
		if (ct_seq_before(s->seq, expected) && !t->tcp_ignore_invalid_rst)
			return JUDGE_INVALID;
		if (!is_established(c) || s->seq == expected)
			return JUDGE_WINDOW;
		/* Follows its own data, which is not acknowledged yet. */
		if (tcp->last_index == CT_SEG_ACK && tcp->last_dir == dir &&
				s->seq == tcp->last_end)
			return JUDGE_WINDOW;
		*next = tcp->state;
	}
	/* Answers a SYN, or an ACK, that was let through: the tracker's window does not apply. */
	if (s->ack == tcp->last_end &&
			((tcp->last_index == CT_SEG_SYN && tcp->last_dir != dir &&
					 (c->status & CT_S_SEEN_REPLY)) ||
					(tcp->last_index == CT_SEG_ACK &&
							!(c->status & CT_S_ASSURED))))
		return JUDGE_ACCEPT;
	/* Answers a challenge ACK: the other end still has an old connection, and is told so. */
	if (tcp->state == CT_TCP_SYN_SENT && tcp->last_index == CT_SEG_ACK &&
			tcp->last_dir == FLOW_REPLY && s->seq == tcp->last_ack)
		return JUDGE_ACCEPT;
	return JUDGE_WINDOW;
}

/* What to do with a segment, and where it leads; *old is SYN_SENT after a resynchronisation. */
static enum judgement
judge(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir, const struct ct_segment *s,
		uint8_t *old, uint8_t *next)
{
	struct ct_tcp *tcp = &c->tcp;

	*old = tcp->state;
	*next = ct_tcp_next(dir, s->kind, tcp->state);
	switch (*next) {
	case CT_TCP_INVALID:
		return JUDGE_INVALID;
	case CT_TCP_SYN_SENT:
		if (*old < CT_TCP_TIME_WAIT)
			return JUDGE_WINDOW;
		if (may_reopen(tcp, dir))
			return JUDGE_REOPEN;
		/* fallthrough */
	case CT_TCP_IGNORE:
		if (resync(tcp, dir, s)) {
			*old = CT_TCP_SYN_SENT;
			*next = CT_TCP_SYN_RECV;
			return JUDGE_WINDOW;
		}
		note_passed(tcp, dir, s);
		return JUDGE_PASS;
	case CT_TCP_TIME_WAIT:
		/* Challenge ACK to a SYN (RFC 5961, 4.2), not the ACK of the last FIN. */
		if (*old == CT_TCP_LAST_ACK && s->kind == CT_SEG_ACK && tcp->last_dir != dir &&
				tcp->last_index == CT_SEG_SYN &&
				(tcp->last_flags & CT_TCP_L_CHALLENGE)) {
			tcp->last_flags &= ~CT_TCP_L_CHALLENGE;
			return JUDGE_PASS;
		}
		return JUDGE_WINDOW;
	case CT_TCP_SYN_SENT2:
		tcp->last_flags |= CT_TCP_L_SIMULTANEOUS;
		return JUDGE_WINDOW;
	case CT_TCP_SYN_RECV:
		if (dir == FLOW_REPLY && s->kind == CT_SEG_ACK &&
				(tcp->last_flags & CT_TCP_L_SIMULTANEOUS))
			*next = CT_TCP_ESTABLISHED;
		return JUDGE_WINDOW;
	case CT_TCP_CLOSE:
		return s->kind == CT_SEG_RST ? judge_rst(t, c, dir, s, next) : JUDGE_WINDOW;
	default:
		return JUDGE_WINDOW;
	}
}

/*
 * A FIN or RST outside of the window changes nothing. But when both sides send one, the two know
 * better than the tracker: from now on the connection is kept for the shorter time only. True: that
 * begins with this segment.
 */
static bool
note_invalid(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_segment *s, uint64_t now)
{
	struct ct_tcp *tcp = &c->tcp;
	uint64_t left;

	if (!(c->status & CT_S_ASSURED) || (s->kind != CT_SEG_FIN && s->kind != CT_SEG_RST))
		return false;
	if (tcp->last_dir == dir ||
			(tcp->last_index != CT_SEG_FIN && tcp->last_index != CT_SEG_RST)) {
		tcp->last_index = s->kind;
		tcp->last_dir = dir;
		return false;
	}
	left = ct_ticks_left(t, c, ct_tick64(now));
	if (left < time_ticks_of_s(LOST_MIN_S) ||
			left <= time_ticks_of_s(ct_timeouts_of(t, c)->tcp_unack))
		return false;
	tcp->limits |= CT_TCP_T_LOST;
	return true;
}

/* What shortens the time that the connection is kept for, after a segment that is believed. */
static uint8_t
limits_of(const struct ct_table *t, const struct ct_conn *c, const struct ct_segment *s)
{
	const struct ct_tcp *tcp = &c->tcp;
	uint8_t limits = 0;

	if (tcp->retrans >= t->tcp_max_retrans)
		limits |= CT_TCP_T_RETRANS;
	if (s->kind == CT_SEG_RST)
		limits |= CT_TCP_T_RST;
	if ((tcp->flags[0] | tcp->flags[1]) & CT_TCP_F_UNACKED)
		limits |= CT_TCP_T_UNACKED;
	if (tcp->last_win == 0)
		limits |= CT_TCP_T_CLOSED;
	if (tcp->state == CT_TCP_ESTABLISHED && !(c->status & CT_S_SEEN_REPLY))
		limits |= CT_TCP_T_UNREPLIED;
	return limits;
}

/* A segment that is believed. True: it keeps the connection alive. */
static bool
believe(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir, const struct ct_segment *s,
		uint8_t old, uint8_t next)
{
	struct ct_tcp *tcp = &c->tcp;

	tcp->last_index = s->kind;
	tcp->last_dir = dir;
	if (next == CT_TCP_FIN_WAIT && old != CT_TCP_FIN_WAIT)
		tcp->flags[dir] |= CT_TCP_F_CLOSE_INIT;
	tcp->state = next;
	/* Somebody who keeps repeating a SYN to nobody must not hold the connection for ever. */
	if (!(c->status & CT_S_SEEN_REPLY) && s->kind == CT_SEG_SYN && old == CT_TCP_SYN_SENT)
		return false;
	tcp->limits = limits_of(t, c, s);
	/*
	 * Not written again: on the fast path it is set already, and control may at this moment say that the connection is
	 * closed, in the same word, of one that is not lent to it (ageing, flush). That must not be overwritten.
	 */
	if ((c->status & (CT_S_SEEN_REPLY | CT_S_ASSURED)) == CT_S_SEEN_REPLY &&
			next == CT_TCP_ESTABLISHED &&
			(old == CT_TCP_SYN_RECV || old == CT_TCP_ESTABLISHED))
		c->status |= CT_S_ASSURED;
	return true;
}

static bool
tcp_track(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt, struct ct_verdict *v)
{
	struct ct_segment s;
	bool alive = false;
	uint8_t old, next;

	v->reason = read_segment(pkt, &s);
	if (v->reason != DROP_NONE)
		return false;
	switch (judge(t, c, dir, &s, &old, &next)) {
	case JUDGE_INVALID:
		v->reason = DROP_CT_TCP_STATE;
		break;
	case JUDGE_REOPEN:
		v->reopen = true;
		return false;
	case JUDGE_PASS:
		break;
	case JUDGE_WINDOW:
		switch (ct_tcp_window(&c->tcp, dir, &s, t->tcp_liberal)) {
		case CT_WINDOW_OUT:
			v->reason = DROP_CT_TCP_WINDOW;
			alive = note_invalid(t, c, dir, &s, pkt->now);
			break;
		case CT_WINDOW_PASS:
			break;
		case CT_WINDOW_IN:
			alive = believe(t, c, dir, &s, old, next);
		}
		break;
	case JUDGE_ACCEPT:
		alive = believe(t, c, dir, &s, old, next);
	}
	/* A RST that comes before any answer: there never was a connection. */
	v->close = alive && s.kind == CT_SEG_RST && !(c->status & CT_S_SEEN_REPLY);
	v->established = is_established(c) && !(c->tcp.limits & CT_TCP_T_RST);
	v->closing = !v->established && ((c->status & CT_S_ASSURED) || is_ending(&c->tcp));
	return alive;
}

/*
 * The same for the packets that workers forward alone: an ACK of an established connection leads nowhere else, so only
 * its numbers matter.
 */
bool
ct_track_fast(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt)
{
	struct ct_segment s;

	if (read_segment(pkt, &s) != DROP_NONE || s.kind != CT_SEG_ACK)
		return false;
	switch (ct_tcp_window(&c->tcp, dir, &s, t->tcp_liberal)) {
	case CT_WINDOW_OUT:
		return false;
	case CT_WINDOW_PASS:
		return true;
	case CT_WINDOW_IN:
		(void)believe(t, c, dir, &s, CT_TCP_ESTABLISHED, CT_TCP_ESTABLISHED);
	}
	return true;
}

/* ---- time ----------------------------------------------------------------------------------- */

static uint32_t
tcp_timeout(const struct ct_table *t, struct ct_conn *c)
{
	const struct ct_tcp *tcp = &c->tcp;
	const struct ct_timeouts *to = ct_timeouts_of(t, c);
	uint32_t timeout = to->tcp[tcp->state];

	if (tcp->state == CT_TCP_NONE) /* just opened, its first packet is still to be tracked */
		return to->tcp[CT_TCP_SYN_SENT];
	/* The first that applies; limits_of() said so when the last segment was believed. */
	if ((tcp->limits & CT_TCP_T_RETRANS) && timeout > to->tcp_retrans)
		timeout = to->tcp_retrans;
	else if (tcp->limits & CT_TCP_T_RST)
		timeout = to->tcp[CT_TCP_CLOSE];
	else if ((tcp->limits & CT_TCP_T_UNACKED) && timeout > to->tcp_unack)
		timeout = to->tcp_unack;
	else if ((tcp->limits & CT_TCP_T_CLOSED) && timeout > to->tcp_retrans)
		timeout = to->tcp_retrans;
	if (tcp->limits & (CT_TCP_T_UNREPLIED | CT_TCP_T_LOST))
		timeout = RTE_MIN(timeout, to->tcp_unack);
	return timeout;
}

const struct ct_ops ct_tcp_ops = {
	.may_open = tcp_may_open,
	.open = tcp_open,
	.track = tcp_track,
	.timeout = tcp_timeout,
};
