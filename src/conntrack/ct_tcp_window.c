/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP window tracking: is a segment one that its receiver could accept? After van Rooij, "Real
 * Stateful TCP Packet Filtering in IP Filter" (2000), with selective acknowledgements and window
 * scaling (RFC 2018, RFC 7323) and the kernel's allowances. Called by ct_tcp.c, on the control
 * lcore and, for established connections, on the owner worker.
 *
 * Of each sender is known: `end`, the highest sequence number it sent; `maxend`, the highest it may
 * send, which is the receiver's highest ACK + window; `maxwin`, the largest window it offered. A
 * segment from S to R is good if
 *	I   its first byte is not beyond S.maxend,
 *	II  its end is not older than R's largest window before S.end,
 *	III it acknowledges nothing that R has not sent,
 *	IV  it acknowledges nothing older than a window before R.end.
 */
#include <rte_tcp.h>

#include "base/tcp_option.h"
#include "ct_priv.h"

/* How old an ACK may be at least (IV): 65,535 and the largest segment that overlaps it. */
#define ACK_WINDOW_MIN UINT32_C(66000)

/* The next option that has a length; NULL at the end, or at a broken one. */
static const uint8_t *
next_option(const struct ct_segment *s, size_t *at)
{
	const size_t i = tcp_option_next(s->options, s->option_len, at);

	return i < s->option_len ? s->options + i : NULL;
}

uint8_t
ct_tcp_offer(const struct ct_segment *s, uint8_t *scale)
{
	const uint8_t *o;
	size_t at = 0;
	uint8_t flags = 0;

	*scale = 0;
	while ((o = next_option(s, &at)) != NULL) {
		if (o[0] == TCP_OPTION_SACK_PERMITTED && o[1] == 2)
			flags |= CT_TCP_F_SACK;
		if (o[0] == TCP_OPTION_SCALE && o[1] == 3) {
			flags |= CT_TCP_F_WSCALE;
			*scale = RTE_MIN(o[2], TCP_SCALE_MAX);
		}
	}
	return flags;
}

/* The highest byte that a segment acknowledges, selectively or not. */
static uint32_t
highest_ack(const struct ct_segment *s)
{
	const uint8_t *o;
	size_t at = 0;
	unsigned int i;
	uint32_t ack = s->ack, right;

	while ((o = next_option(s, &at)) != NULL) {
		if (o[0] != TCP_OPTION_SACK || o[1] < 10 || (o[1] - 2) % 8 != 0)
			continue;
		for (i = 2; i < o[1]; i += 8) {
			memcpy(&right, o + i + 4, sizeof(right));
			right = rte_be_to_cpu_32(right) - s->ack_offset;
			if (ct_seq_before(ack, right))
				ack = right;
		}
		break; /* one is all that a segment has (RFC 2018, 3) */
	}
	return ack;
}

void
ct_tcp_window_syn(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s)
{
	struct ct_tcp_window *w = &tcp->win[dir];

	w->end = w->maxend = s->end;
	w->maxwin = RTE_MAX(s->win, 1);
	/* One without any options says nothing about them: what was offered before, if so, stays. */
	if (s->option_len > 0)
		tcp->flags[dir] = (tcp->flags[dir] & CT_TCP_F_LIBERAL) |
				ct_tcp_offer(s, &tcp->scale[dir]);
	/* RFC 7323, 1.3: scaling is on when both ends offered it. */
	if (dir == FLOW_REPLY && !(tcp->flags[0] & tcp->flags[1] & CT_TCP_F_WSCALE))
		tcp->scale[0] = tcp->scale[1] = 0;
}

void
ct_tcp_window_pickup(struct ct_tcp *tcp, const struct ct_segment *s)
{
	struct ct_tcp_window *w = &tcp->win[FLOW_ORIGINAL];

	w->end = s->end;
	w->maxwin = RTE_MAX(s->win, 1);
	w->maxend = w->end + w->maxwin;
	/* Scaling and SACK were agreed on unseen: assume SACK, and do not hold it against them. */
	tcp->flags[0] = tcp->flags[1] = CT_TCP_F_SACK | CT_TCP_F_LIBERAL;
}

/* First segment of a sender that was not seen before, without a SYN. */
static void
learn_sender(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s, uint32_t sack)
{
	struct ct_tcp_window *w = &tcp->win[dir], *other = &tcp->win[!dir];
	uint32_t win = (uint32_t)s->win << tcp->scale[dir];

	w->end = s->end;
	w->maxwin = RTE_MAX(win, UINT32_C(1));
	w->maxend = w->end + w->maxwin;
	if (other->maxwin == 0)
		other->end = other->maxend = sack;
	else if (sack == other->end + 1)
		other->end++; /* answer to a keep-alive, which lies one byte back */
}

/* Rules I to IV. */
static enum ct_window
check(struct ct_tcp *tcp, enum flow_dir dir, uint32_t seq, uint32_t end, uint32_t sack)
{
	struct ct_tcp_window *w = &tcp->win[dir], *other = &tcp->win[!dir];
	uint32_t oldest_ack = other->end - RTE_MAX(w->maxwin, ACK_WINDOW_MIN) - 1;
	bool ack_seen = ct_seq_before(sack, other->end + 1);
	bool ack_fresh = ct_seq_before(oldest_ack, sack);
	bool end_fresh = ct_seq_before(w->end - other->maxwin - 1, end);

	if (!ct_seq_before(seq, w->maxend + 1)) {
		/*
		 * Some stacks send a little more than the window. Whether the other end takes it,
		 * its ACK will say; so rule III must know of these bytes.
		 */
		if (other->maxwin == 0 || !end_fresh || !ack_seen || !ack_fresh ||
				end - w->maxend + 1 > other->maxwin)
			return CT_WINDOW_OUT;
		w->end = end;
		tcp->flags[dir] |= CT_TCP_F_UNACKED;
		return CT_WINDOW_PASS;
	}
	if (!ack_seen)
		return CT_WINDOW_OUT;
	if ((other->maxwin != 0 && !end_fresh) || !ack_fresh)
		return CT_WINDOW_PASS;
	return CT_WINDOW_IN;
}

/* Learn from a good segment; `ack` and `sack` are its own, or what they are taken for. */
static void
learn(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s, uint32_t end, uint32_t ack,
		uint32_t sack)
{
	struct ct_tcp_window *w = &tcp->win[dir], *other = &tcp->win[!dir];
	uint32_t win = s->win;

	/* RFC 7323, 2.2: the window of a SYN is never scaled. */
	if (!(s->flags & RTE_TCP_SYN_FLAG))
		win <<= tcp->scale[dir];
	w->maxwin = RTE_MAX(w->maxwin, win + (sack - ack));
	if (ct_seq_before(w->end, end)) {
		w->end = end;
		tcp->flags[dir] |= CT_TCP_F_UNACKED;
	}
	if (s->flags & RTE_TCP_ACK_FLAG) {
		if (!(tcp->flags[dir] & CT_TCP_F_MAXACK) || ct_seq_before(w->maxack, ack))
			w->maxack = ack;
		tcp->flags[dir] |= CT_TCP_F_MAXACK;
	}
	if (other->maxwin != 0 && ct_seq_before(w->maxend, end))
		other->maxwin += end - w->maxend;
	if (ct_seq_before(other->maxend - 1, sack + win))
		other->maxend = sack + win + (win == 0); /* one byte may probe a closed window */
	if (ack == other->end)
		tcp->flags[!dir] &= ~CT_TCP_F_UNACKED;
}

static void
count_repeats(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s, uint32_t seq,
		uint32_t end, uint32_t ack)
{
	if (tcp->last_dir == dir && tcp->last_seq == seq && tcp->last_ack == ack &&
			tcp->last_end == end && tcp->last_win == s->win) {
		tcp->retrans += tcp->retrans < UINT8_MAX;
		return;
	}
	tcp->last_dir = dir;
	tcp->last_seq = seq;
	tcp->last_ack = ack;
	tcp->last_end = end;
	tcp->last_win = s->win;
	tcp->retrans = 0;
}

static bool
is_opening(const struct ct_tcp *tcp)
{
	return tcp->state == CT_TCP_SYN_SENT || tcp->state == CT_TCP_SYN_RECV;
}

enum ct_window
ct_tcp_window(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s, bool liberal)
{
	struct ct_tcp_window *w = &tcp->win[dir], *other = &tcp->win[!dir];
	uint32_t seq = s->seq, end = s->end, ack = s->ack, sack = s->ack;
	bool syn = (s->flags & RTE_TCP_SYN_FLAG) != 0, first = w->maxwin == 0;
	enum ct_window verdict;

	if (tcp->flags[!dir] & CT_TCP_F_SACK)
		sack = highest_ack(s);
	/* First SYN of this side; or a later one, with a new first number (RFC 9293, 3.4.3). */
	if (syn && (first || (ct_seq_before(w->end, end) && is_opening(tcp)))) {
		ct_tcp_window_syn(tcp, dir, s);
		if (s->kind == CT_SEG_SYN && (first || dir == FLOW_REPLY))
			return CT_WINDOW_IN; /* both ends open: nothing to acknowledge yet */
	} else if (first) {
		learn_sender(tcp, dir, s, sack);
	}
	/* Without an ACK, or in a RST of which it says nothing: nothing to object to. */
	if (!(s->flags & RTE_TCP_ACK_FLAG) || (s->kind == CT_SEG_RST && ack == 0))
		ack = sack = other->end;
	if (s->kind == CT_SEG_RST && seq == 0 && tcp->state == CT_TCP_SYN_SENT)
		seq = end = w->end; /* refuses a SYN, knows no number of its own */

	verdict = check(tcp, dir, seq, end, sack);
	if (verdict != CT_WINDOW_IN)
		return liberal || (tcp->flags[dir] & CT_TCP_F_LIBERAL) ? CT_WINDOW_IN : verdict;
	learn(tcp, dir, s, end, ack, sack);
	if (s->kind == CT_SEG_ACK)
		count_repeats(tcp, dir, s, seq, end, ack);
	return CT_WINDOW_IN;
}
