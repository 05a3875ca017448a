/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection tracking unit: is a TCP segment one that its receiver could accept, and does it change the connection? The
 * state is that of rte_flow's CONNTRACK action; software did the handshake and set it. Called by steering, a packet at a
 * time. Windows after van Rooij, "Real Stateful TCP Packet Filtering in IP Filter" (2000): of each sender the unit knows
 * what it has sent (sent_end), what it may send (reply_end), its largest window and its highest ACK.
 */
#include "hwsim/core/steer.h"

#include "sim_priv.h"

enum {
	FLAG_FIN = 0x01,
	FLAG_SYN = 0x02,
	FLAG_RST = 0x04,
	FLAG_PSH = 0x08,
	FLAG_ACK = 0x10,
	FLAG_URG = 0x20,
};

/* rte_flow's last_index. */
enum { LAST_SYN = 1, LAST_SYNACK = 2, LAST_FIN = 4, LAST_ACK = 8, LAST_RST = 16 };

/* How far behind an ACK may be at least: an unscaled window and the largest segment that overlaps it. */
#define ACK_WINDOW_MIN UINT32_C(66000)
#define SCALE_MAX 14 /* RFC 7323, 2.3 */

struct segment {
	const uint8_t *options;
	uint32_t n_options;
	uint32_t seq, end, ack, sack;
	uint32_t window; /* scaled */
	uint16_t raw_window;
	uint8_t flags;
	uint8_t kind; /* LAST_*; 0: flags that do not go together */
	bool payload;
};

enum event {
	EV_SYN,
	EV_SYNACK,
	EV_ACK,
	EV_ACK_FIN, /* acknowledges the other side's FIN */
	EV_FIN,
	EV_RST,
	EV_COUNT
};

/* Who sent it: while nobody closes, the original and the reply direction; then who sent the first FIN and the other. */
enum role { ROLE_FIRST, ROLE_SECOND, ROLE_COUNT };

#define PHASES (SIM_CT_TIME_WAIT + 1)
#define SAME 0xfe /* passes, changes nothing */
#define NOPE 0xff /* INVALID */
#define SYRC SIM_CT_SYN_RECV
#define ESTB SIM_CT_ESTABLISHED
#define FINW SIM_CT_FIN_WAIT
#define CLSW SIM_CT_CLOSE_WAIT
#define LACK SIM_CT_LAST_ACK
#define TIMW SIM_CT_TIME_WAIT

/* A SYN behind the handshake is software's: it may be a new connection with the same ports. */
static const uint8_t next_phase[PHASES][ROLE_COUNT][EV_COUNT] = {
	/*                      SYN  SYNACK  ACK  ACK_FIN  FIN   RST */
	[SYRC] = { { SAME, NOPE, ESTB, ESTB, FINW, TIMW }, { NOPE, SAME, SAME, SAME, FINW, TIMW } },
	[ESTB] = { { NOPE, NOPE, SAME, SAME, FINW, TIMW }, { NOPE, SAME, SAME, SAME, FINW, TIMW } },
	[FINW] = { { NOPE, NOPE, SAME, SAME, SAME, TIMW }, { NOPE, NOPE, SAME, CLSW, LACK, TIMW } },
	[CLSW] = { { NOPE, NOPE, SAME, SAME, SAME, TIMW }, { NOPE, NOPE, SAME, SAME, LACK, TIMW } },
	[LACK] = { { NOPE, NOPE, SAME, TIMW, SAME, TIMW }, { NOPE, NOPE, SAME, SAME, SAME, TIMW } },
	[TIMW] = { { NOPE, NOPE, SAME, SAME, SAME, SAME }, { NOPE, NOPE, SAME, SAME, SAME, SAME } },
};

/* RFC 9293, 3.4: numbers wrap. */
static bool
before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint32_t
later(uint32_t a, uint32_t b)
{
	return before(a, b) ? b : a;
}

/* What goes together: SYN and FIN alone or with ACK, RST so too, FIN only with ACK; PSH and URG anywhere. */
static uint8_t
kind_of(uint8_t flags)
{
	switch (flags & (FLAG_FIN | FLAG_SYN | FLAG_RST | FLAG_ACK)) {
	case FLAG_SYN:
		return LAST_SYN;
	case FLAG_SYN | FLAG_ACK:
		return LAST_SYNACK;
	case FLAG_FIN | FLAG_ACK:
		return LAST_FIN;
	case FLAG_ACK:
		return LAST_ACK;
	case FLAG_RST:
	case FLAG_RST | FLAG_ACK:
		return LAST_RST;
	default:
		return 0;
	}
}

/* The highest byte that is acknowledged, selectively or not (RFC 2018, 3). A broken option ends the list. */
static uint32_t
highest_ack(const struct segment *g)
{
	const uint8_t *o = g->options;
	uint32_t ack = g->ack;

	for (uint32_t i = 0; i < g->n_options && o[i] != 0;) {
		uint32_t n = 1;

		if (o[i] != 1) {
			if (i + 1 >= g->n_options || o[i + 1] < 2 || i + o[i + 1] > g->n_options)
				break;
			n = o[i + 1];
		}
		if (o[i] == 5 && n >= 10 && (n - 2) % 8 == 0)
			for (uint32_t b = i + 2; b < i + n; b += 8)
				ack = later(ack, sim_get32(o + b + 4));
		i += n;
	}
	return ack;
}

/* false: malformed. */
static bool
read_segment(const uint8_t *tcp, uint16_t room, uint32_t payload, struct segment *g)
{
	uint32_t header;

	if (room < 20)
		return false;
	header = (tcp[12] >> 4) * 4u;
	if (header < 20 || header > room)
		return false;
	g->options = tcp + 20;
	g->n_options = header - 20;
	g->flags = tcp[13] & 0x3f;
	g->kind = kind_of(g->flags);
	g->seq = sim_get32(tcp + 4);
	g->ack = sim_get32(tcp + 8);
	g->end = g->seq + payload + ((g->flags & FLAG_SYN) != 0) + ((g->flags & FLAG_FIN) != 0);
	g->raw_window = sim_get16(tcp + 14);
	g->payload = payload != 0;
	return true;
}

/* The numbers that the segment stands for in this connection. */
static void
relate(const struct sim_ct *ct, bool dir, struct segment *g)
{
	const struct sim_ct_dir *s = &ct->dir[dir];
	const struct sim_ct_dir *r = &ct->dir[!dir];

	g->window = g->raw_window;
	/* RFC 7323, 2.2: the window of a SYN is not scaled. 15 says that scaling is off. */
	if (!(g->flags & FLAG_SYN) && s->scale <= SCALE_MAX)
		g->window <<= s->scale;
	/* Without an ACK, or in a RST of which it says nothing: nothing to object to. */
	if (!(g->flags & FLAG_ACK) || (g->kind == LAST_RST && g->ack == 0))
		g->ack = r->sent_end;
	g->sack = ct->selective_ack && (g->flags & FLAG_ACK) ? highest_ack(g) : g->ack;
}

static bool
in_window(const struct sim_ct *ct, bool dir, const struct segment *g)
{
	const struct sim_ct_dir *s = &ct->dir[dir];
	const struct sim_ct_dir *r = &ct->dir[!dir];
	const uint32_t shift = ct->max_ack_window < SCALE_MAX ? ct->max_ack_window : SCALE_MAX;
	uint32_t oldest = UINT32_C(65535) << shift;

	if (oldest < ACK_WINDOW_MIN)
		oldest = ACK_WINDOW_MIN;
	if (oldest < s->max_win)
		oldest = s->max_win;
	/* A window of 0 is one that nobody has seen: how far back an end may lie is not known then. */
	return !before(s->reply_end, g->seq) &&
			(r->max_win == 0 || !before(g->end, s->sent_end - r->max_win)) &&
			!before(r->sent_end, g->sack) && !before(g->sack, r->sent_end - oldest);
}

/* The same data again, the window too: it did not arrive, or its ACK did not. */
static bool
is_repeat(const struct sim_ct *ct, bool dir, const struct segment *g)
{
	return g->payload && ct->last_index != 0 && ct->last_direction == !dir &&
			ct->last_seq == g->seq && ct->last_ack == g->ack &&
			ct->last_end == g->end && ct->last_window == g->raw_window;
}

static enum role
role_of(const struct sim_ct *ct, bool dir)
{
	if (ct->phase < SIM_CT_FIN_WAIT)
		return dir ? ROLE_SECOND : ROLE_FIRST;
	/* Both have closed: who did first is who was acknowledged, see advance(). */
	if (ct->dir[0].close_initiated && ct->dir[1].close_initiated)
		return ct->dir[dir].last_ack_seen || !ct->dir[!dir].last_ack_seen ? ROLE_FIRST
										  : ROLE_SECOND;
	return ct->dir[dir].close_initiated ? ROLE_FIRST : ROLE_SECOND;
}

static enum event
event_of(const struct sim_ct *ct, bool dir, const struct segment *g)
{
	const struct sim_ct_dir *r = &ct->dir[!dir];
	const bool acks_fin =
			r->close_initiated && g->ack == r->sent_end && (g->flags & FLAG_ACK) != 0;

	switch (g->kind) {
	case LAST_SYN:
		return EV_SYN;
	case LAST_SYNACK:
		return EV_SYNACK;
	case LAST_RST:
		return EV_RST;
	case LAST_FIN:
		/* Sent again it is an ACK like others. */
		if (!ct->dir[dir].close_initiated)
			return EV_FIN;
		return acks_fin ? EV_ACK_FIN : EV_FIN;
	default:
		return acks_fin ? EV_ACK_FIN : EV_ACK;
	}
}

static void
learn(struct sim_ct *ct, bool dir, const struct segment *g)
{
	struct sim_ct_dir *s = &ct->dir[dir];
	struct sim_ct_dir *r = &ct->dir[!dir];
	const uint32_t window = g->window + (g->sack - g->ack);

	if (window > s->max_win)
		s->max_win = window;
	if (before(s->sent_end, g->end)) {
		s->sent_end = g->end;
		s->data_unacked = true;
	}
	if (g->flags & FLAG_ACK)
		s->max_ack = later(s->max_ack, g->ack);
	/* One byte may probe a closed window. */
	r->reply_end = later(r->reply_end, g->sack + g->window + (g->window == 0));
	if (g->ack == r->sent_end)
		r->data_unacked = false;
	if (g->kind == LAST_FIN)
		s->close_initiated = true;
}

static void
remember(struct sim_ct *ct, bool dir, const struct segment *g)
{
	const bool again = is_repeat(ct, dir, g);

	/* RFC 5961, 3.2: the answer to a RST that did not hit the next byte. */
	if (ct->last_index == LAST_RST && ct->last_direction == dir && g->kind == LAST_ACK &&
			!g->payload && ct->phase != SIM_CT_TIME_WAIT)
		ct->challenge_ack_passed = true;
	ct->repeats = !again ? 0 : ct->repeats < UINT8_MAX ? ct->repeats + 1 : UINT8_MAX;
	ct->last_direction = !dir; /* 1: original */
	ct->last_index = g->kind;
	ct->last_window = g->raw_window;
	ct->last_seq = g->seq;
	ct->last_ack = g->ack;
	ct->last_end = g->end;
}

/* Phase behind the segment; NOPE: it has no place here. */
static uint8_t
phase_after(const struct sim_ct *ct, bool dir, const struct segment *g)
{
	const struct sim_ct_dir *s = &ct->dir[dir];
	uint8_t next;

	if (g->kind == 0 || ct->phase >= PHASES)
		return NOPE;
	next = next_phase[ct->phase][role_of(ct, dir)][event_of(ct, dir, g)];
	if (g->kind == LAST_RST && next == SIM_CT_TIME_WAIT && ct->phase != SIM_CT_SYN_RECV &&
			g->seq != s->sent_end && g->seq != ct->dir[!dir].max_ack)
		return SAME;
	return next;
}

/* What the segment does to the connection beyond windows. Returns CHANGED or 0. */
static uint32_t
advance(struct sim_ct *ct, bool dir, const struct segment *g, uint8_t next)
{
	uint32_t changed = 0;

	/*
	 * last_ack_seen is kept as: the FIN of this side was acknowledged. With the second FIN the first side has it and the
	 * other has not, whether or not the ACK came with that FIN: so LAST_ACK knows who is who.
	 */
	if (next == SIM_CT_CLOSE_WAIT || next == SIM_CT_LAST_ACK ||
			(next == SIM_CT_TIME_WAIT && g->kind != LAST_RST))
		ct->dir[!dir].last_ack_seen = true;
	if (next == SIM_CT_FIN_WAIT || next == SIM_CT_LAST_ACK)
		ct->dir[dir].last_ack_seen = false;
	if (next != SAME && next != ct->phase) {
		ct->phase = next;
		changed = SIM_CT_CHANGED;
	}
	if (!ct->live && ct->phase >= SIM_CT_ESTABLISHED && (g->flags & FLAG_ACK) &&
			g->kind != LAST_RST) {
		ct->live = true;
		changed = SIM_CT_CHANGED;
	}
	if (g->raw_window == 0 && ct->last_index != 0 && ct->last_direction == !dir &&
			ct->last_window != 0 && g->kind != LAST_RST)
		changed = SIM_CT_CHANGED;
	return changed;
}

uint8_t
sim_ct_track(struct sim_ct *ct, bool reply, const uint8_t *tcp, uint16_t room, uint32_t payload)
{
	struct segment g;
	uint32_t changed;
	uint8_t next;

	if (!ct->enable)
		return SIM_CT_DISABLED;
	if (!read_segment(tcp, room, payload, &g))
		return SIM_CT_BAD;
	relate(ct, reply, &g);
	next = phase_after(ct, reply, &g);
	if (!ct->liberal) {
		if (next == NOPE || !in_window(ct, reply, &g))
			return SIM_CT_INVALID;
		if (ct->retransmission_limit != 0 && is_repeat(ct, reply, &g) &&
				ct->repeats >= ct->retransmission_limit)
			return SIM_CT_INVALID;
	}
	changed = advance(ct, reply, &g, next == NOPE ? SAME : next);
	learn(ct, reply, &g);
	remember(ct, reply, &g);
	return (uint8_t)(SIM_CT_VALID | changed);
}
