/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator's connection unit: every cell of its phases, the edges of its windows around every number where 32 bits
 * wrap, whole connections, and what is malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hwsim/core/phv.h"
#include "hwsim/core/steer.h"

enum { F = 0x01, S = 0x02, R = 0x04, P = 0x08, A = 0x10, U = 0x20 };

static const uint32_t isns[] = { 0, 1000, 0x7fffff00, 0x80000000, 0xfffffff0, 0xffff0000,
	UINT32_MAX };
#define ISNS (sizeof(isns) / sizeof(isns[0]))

struct seg {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t win;
	uint32_t payload;
};

static uint8_t
feed_options(struct sim_ct *ct, bool reply, const struct seg *s, const uint8_t *options, uint32_t n)
{
	uint8_t h[60] = { 0 };

	for (uint32_t i = 0; i < 4; i++) {
		h[4 + i] = (uint8_t)(s->seq >> (24 - 8 * i));
		h[8 + i] = (uint8_t)(s->ack >> (24 - 8 * i));
	}
	h[12] = (uint8_t)((5 + n / 4) << 4);
	h[13] = s->flags;
	h[14] = (uint8_t)(s->win >> 8);
	h[15] = (uint8_t)s->win;
	if (n > 0)
		memcpy(h + 20, options, n);
	return sim_ct_track(ct, reply, h, (uint16_t)(20 + n), s->payload);
}

static uint8_t
feed(struct sim_ct *ct, bool reply, struct seg s)
{
	return feed_options(ct, reply, &s, NULL, 0);
}

/* SYN and SYN-ACK were seen: the original's next byte is a, the reply's is b. Windows of 10000 each. */
static struct sim_ct
handshaken(uint32_t a, uint32_t b)
{
	return (struct sim_ct){
		.enable = true,
		.phase = SIM_CT_SYN_RECV,
		.max_ack_window = 0,
		.dir = { { .sent_end = a, .reply_end = a + 10000, .max_win = 10000, .max_ack = b },
				{ .sent_end = b,
						.reply_end = b + 10000,
						.max_win = 10000,
						.max_ack = a } },
	};
}

static struct sim_ct
established(uint32_t a, uint32_t b)
{
	struct sim_ct ct = handshaken(a, b);

	assert_int_equal(feed(&ct, false, (struct seg){ A, a, b, 10000, 0 }),
			SIM_CT_VALID | SIM_CT_CHANGED);
	assert_int_equal(ct.phase, SIM_CT_ESTABLISHED);
	assert_true(ct.live);
	return ct;
}

/* --- every cell --- */

/*
 * By phase, then by who sent it: the side that opened (phases up to established) or closed first, and the other. S SYN, Y
 * SYN-ACK, A an ACK of data, K an ACK of the other side's FIN, F FIN, R RST. '.' stays, '-' is INVALID, else the phase.
 */
static const struct {
	uint8_t phase;
	const char *first, *second;
} cells[] = {
	/*                      SYAKFR    SYAKFR */
	{ SIM_CT_SYN_RECV, ".-e?ft", "-..?ft" },
	{ SIM_CT_ESTABLISHED, "--.?ft", "-..?ft" },
	{ SIM_CT_FIN_WAIT, "--.?.t", "--.clt" },
	{ SIM_CT_CLOSE_WAIT, "--.?.t", "--..lt" },
	{ SIM_CT_LAST_ACK, "--.t.t", "--...t" },
	{ SIM_CT_TIME_WAIT, "--....", "--...." },
};

/* A connection whose side `first` closed first, brought into the phase by its packets. Next bytes of first, other. */
static struct sim_ct
in_phase(uint8_t phase, bool first, uint32_t next[2])
{
	struct sim_ct ct = phase == SIM_CT_SYN_RECV ? handshaken(100, 900) : established(100, 900);

	next[0] = first ? 900 : 100;
	next[1] = first ? 100 : 900;
	if (phase >= SIM_CT_FIN_WAIT)
		assert_true(feed(&ct, first, (struct seg){ F | A, next[0]++, next[1], 10000, 0 }) &
				SIM_CT_CHANGED);
	if (phase >= SIM_CT_CLOSE_WAIT)
		assert_true(feed(&ct, !first, (struct seg){ A, next[1], next[0], 10000, 0 }) &
				SIM_CT_CHANGED);
	if (phase >= SIM_CT_LAST_ACK)
		assert_true(feed(&ct, !first, (struct seg){ F | A, next[1]++, next[0], 10000, 0 }) &
				SIM_CT_CHANGED);
	if (phase >= SIM_CT_TIME_WAIT)
		assert_true(feed(&ct, first, (struct seg){ A, next[0], next[1], 10000, 0 }) &
				SIM_CT_CHANGED);
	assert_int_equal(ct.phase, phase);
	return ct;
}

static uint8_t
phase_named(char c, uint8_t now)
{
	switch (c) {
	case 'e':
		return SIM_CT_ESTABLISHED;
	case 'f':
		return SIM_CT_FIN_WAIT;
	case 'c':
		return SIM_CT_CLOSE_WAIT;
	case 'l':
		return SIM_CT_LAST_ACK;
	case 't':
		return SIM_CT_TIME_WAIT;
	default:
		return now;
	}
}

/* FINs that this side (0 first) has sent in this phase. */
static bool
has_closed(uint8_t phase, uint32_t role)
{
	return phase >= (role == 0 ? SIM_CT_FIN_WAIT : SIM_CT_LAST_ACK);
}

static void
walk_cell(uint8_t phase, bool first, uint32_t role, char event, char want)
{
	uint32_t next[2];
	struct sim_ct ct = in_phase(phase, first, next);
	const struct sim_ct before = ct;
	const bool dir = role == 0 ? first : !first;
	struct seg s = { 0, next[role], next[!role], 9000, 0 };
	uint8_t got, now = phase_named(want, phase);

	if (event == 'A' && has_closed(phase, !role))
		s.ack--; /* all but the FIN */
	if (event == 'S' || event == 'Y')
		s.seq--; /* as it was sent */
	if (event == 'F' && has_closed(phase, role))
		s.seq--;
	if (event == 'F' && phase == SIM_CT_LAST_ACK && role == 0)
		s.ack--; /* again, and does not know of the other FIN */
	s.flags = event == 'S'	       ? S
			: event == 'Y' ? S | A
			: event == 'F' ? F | A
			: event == 'R' ? R
				       : A;
	got = feed(&ct, dir, s);
	if (want == '-') {
		if (got != SIM_CT_INVALID || memcmp(&ct, &before, sizeof(ct)) != 0)
			fail_msg("phase %u role %u event %c: %x, not INVALID", phase, role, event,
					got);
		return;
	}
	if (got != (SIM_CT_VALID | (now != phase ? SIM_CT_CHANGED : 0)) || ct.phase != now)
		fail_msg("phase %u role %u event %c: %x, phase %u, should be %u", phase, role,
				event, got, ct.phase, now);
}

static void
test_cells(void **state)
{
	static const char events[] = "SYAKFR";

	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		const bool closing = cells[i].phase >= SIM_CT_FIN_WAIT;

		/* Either side may close first. */
		for (uint32_t first = 0; first <= (closing ? 1 : 0); first++) {
			for (uint32_t e = 0; e < 6; e++) {
				if (cells[i].first[e] != '?')
					walk_cell(cells[i].phase, first, 0, events[e],
							cells[i].first[e]);
				if (cells[i].second[e] != '?')
					walk_cell(cells[i].phase, first, 1, events[e],
							cells[i].second[e]);
			}
		}
	}
}

/* Both close at once: FINs cross, each is acknowledged on its own. */
static void
test_crossed_close(void **state)
{
	struct sim_ct ct = established(100, 900);

	(void)state;
	assert_int_equal(feed(&ct, false, (struct seg){ F | A, 100, 900, 10000, 0 }),
			SIM_CT_VALID | SIM_CT_CHANGED);
	assert_int_equal(feed(&ct, true, (struct seg){ F | A, 900, 100, 10000, 0 }),
			SIM_CT_VALID | SIM_CT_CHANGED);
	assert_int_equal(ct.phase, SIM_CT_LAST_ACK);
	assert_int_equal(feed(&ct, true, (struct seg){ A, 901, 101, 10000, 0 }), SIM_CT_VALID);
	assert_int_equal(feed(&ct, false, (struct seg){ A, 101, 901, 10000, 0 }),
			SIM_CT_VALID | SIM_CT_CHANGED);
	assert_int_equal(ct.phase, SIM_CT_TIME_WAIT);
	assert_true(ct.dir[0].close_initiated && ct.dir[1].close_initiated);
}

/* --- windows --- */

static void
edge(uint32_t isn, struct seg inside, struct seg outside)
{
	struct sim_ct ct = established(isn, isn);

	assert_int_equal(feed(&ct, true, outside), SIM_CT_INVALID);
	if (!(feed(&ct, true, inside) & SIM_CT_VALID))
		fail_msg("isn %x: seq %x ack %x", isn, inside.seq, inside.ack);
}

static void
test_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ISNS; i++) {
		const uint32_t n = isns[i];

		/* I: not beyond what it may send. */
		edge(n, (struct seg){ A, n + 10000, n, 10000, 1 },
				(struct seg){ A, n + 10001, n, 10000, 1 });
		/* II: ends within a window of what it has sent. */
		edge(n, (struct seg){ A, n - 10001, n, 10000, 1 },
				(struct seg){ A, n - 10002, n, 10000, 1 });
		/* III: acknowledges nothing that was not sent. */
		edge(n, (struct seg){ A, n, n, 10000, 0 }, (struct seg){ A, n, n + 1, 10000, 0 });
		/* IV: nor what is long gone. */
		edge(n, (struct seg){ A, n, n - 66000, 10000, 0 },
				(struct seg){ A, n, n - 66001, 10000, 0 });
	}
}

/* Windows that software did not tell of are no windows of 0. */
static void
test_unknown_window(void **state)
{
	struct sim_ct ct = established(5000, 5000);

	(void)state;
	ct.dir[0].max_win = 0;
	assert_int_equal(feed(&ct, true, (struct seg){ A, 4000, 5000, 1, 1 }), SIM_CT_VALID);
	ct.dir[0].max_win = 1;
	assert_int_equal(feed(&ct, true, (struct seg){ A, 4000, 5000, 1, 1 }), SIM_CT_INVALID);
}

static void
test_ack_window(void **state)
{
	struct sim_ct ct = established(0, 0);

	(void)state;
	ct.max_ack_window = 3;
	assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 0u - 65535 * 8, 1, 0 }), SIM_CT_VALID);
	assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 0u - 65535 * 8 - 1, 1, 0 }),
			SIM_CT_INVALID);
	ct.max_ack_window = 255;
	assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 0u - (65535 << 14), 1, 0 }),
			SIM_CT_VALID);
}

/* The state moves as the fields are documented to. */
static void
test_learning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ISNS; i++) {
		const uint32_t n = isns[i];
		struct sim_ct ct = established(n, n);

		assert_int_equal(feed(&ct, false, (struct seg){ A | P, n, n, 20000, 500 }),
				SIM_CT_VALID);
		assert_int_equal(ct.dir[0].sent_end, n + 500);
		assert_true(ct.dir[0].data_unacked);
		assert_int_equal(ct.dir[0].max_win, 20000);
		assert_int_equal(ct.dir[1].reply_end, n + 20000);
		assert_int_equal(feed(&ct, true, (struct seg){ A, n, n + 500, 300, 0 }),
				SIM_CT_VALID);
		assert_false(ct.dir[0].data_unacked);
		assert_int_equal(ct.dir[1].max_ack, n + 500);
		assert_int_equal(ct.dir[0].reply_end, n + 10000); /* never less than it was */
		assert_false(ct.last_direction);
		assert_int_equal(ct.last_index, 8);
		assert_int_equal(ct.last_seq, n);
		assert_int_equal(ct.last_ack, n + 500);
		assert_int_equal(ct.last_end, n);
		assert_int_equal(ct.last_window, 300);
		/* Old data again moves nothing back. */
		assert_int_equal(feed(&ct, false, (struct seg){ A, n, n, 20000, 100 }),
				SIM_CT_VALID);
		assert_int_equal(ct.dir[0].sent_end, n + 500);
		assert_true(ct.last_direction);
	}
}

static void
test_scale(void **state)
{
	struct sim_ct ct = established(0, 0);

	(void)state;
	ct.dir[0].scale = 7;
	assert_int_equal(feed(&ct, false, (struct seg){ A, 0, 0, 1000, 0 }), SIM_CT_VALID);
	assert_int_equal(ct.dir[1].reply_end, 128000);
	assert_int_equal(ct.dir[0].max_win, 128000);
	ct = established(0, 0);
	ct.dir[0].scale = 15; /* off */
	assert_int_equal(feed(&ct, false, (struct seg){ A, 0, 0, 11000, 0 }), SIM_CT_VALID);
	assert_int_equal(ct.dir[1].reply_end, 11000);
}

/* A window that closes is news, once; it may be probed by one byte. */
static void
test_closed_window(void **state)
{
	struct sim_ct ct = established(0, 0);

	(void)state;
	ct.dir[0].reply_end = 100;
	assert_int_equal(feed(&ct, false, (struct seg){ A, 0, 0, 500, 100 }), SIM_CT_VALID);
	assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 100, 5, 0 }), SIM_CT_VALID);
	assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 100, 0, 0 }),
			SIM_CT_VALID | SIM_CT_CHANGED);
	assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 100, 0, 0 }), SIM_CT_VALID);
	assert_int_equal(ct.dir[0].reply_end, 105);
	ct.dir[0].reply_end = 100;
	assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 100, 0, 0 }), SIM_CT_VALID);
	assert_int_equal(ct.dir[0].reply_end, 101);
}

static void
test_sack(void **state)
{
	const uint8_t sack[12] = { 1, 1, 5, 10, 0, 0, 3, 0, 0, 0, 4, 0 }; /* 768 to 1024 */
	const uint8_t broken[4] = { 5, 200, 0, 0 };
	const struct seg ack = { A, 0, 0, 10000, 0 };
	struct sim_ct ct = established(0, 0);

	(void)state;
	ct.selective_ack = true;
	/* Selectively acknowledged, and never sent. */
	assert_int_equal(feed_options(&ct, true, &ack, sack, sizeof(sack)), SIM_CT_INVALID);
	ct.selective_ack = false;
	assert_int_equal(feed_options(&ct, true, &ack, sack, sizeof(sack)), SIM_CT_VALID);
	ct.selective_ack = true;
	assert_int_equal(feed(&ct, false, (struct seg){ A, 0, 0, 10000, 1024 }), SIM_CT_VALID);
	assert_int_equal(feed_options(&ct, true, &ack, sack, sizeof(sack)), SIM_CT_VALID);
	assert_int_equal(ct.dir[0].reply_end, 11024);
	assert_int_equal(ct.dir[1].max_win, 11024);
	assert_int_equal(feed_options(&ct, true, &ack, broken, sizeof(broken)), SIM_CT_VALID);
}

static void
test_reset(void **state)
{
	struct sim_ct ct = established(100, 900);

	(void)state;
	/* In the window, not the next byte: passes, is asked for again. */
	assert_int_equal(feed(&ct, false, (struct seg){ R, 150, 0, 0, 0 }), SIM_CT_VALID);
	assert_int_equal(ct.phase, SIM_CT_ESTABLISHED);
	assert_false(ct.challenge_ack_passed);
	assert_int_equal(feed(&ct, true, (struct seg){ A, 900, 100, 10000, 0 }), SIM_CT_VALID);
	assert_true(ct.challenge_ack_passed);
	/* Out of it. */
	assert_int_equal(feed(&ct, false, (struct seg){ R, 100 + 10001, 0, 0, 0 }), SIM_CT_INVALID);
	assert_int_equal(feed(&ct, false, (struct seg){ R, 100, 0, 0, 0 }),
			SIM_CT_VALID | SIM_CT_CHANGED);
	assert_int_equal(ct.phase, SIM_CT_TIME_WAIT);
}

static void
test_repeats(void **state)
{
	const struct seg data = { A, 0, 0, 10000, 10 };
	struct sim_ct ct = established(0, 0);

	(void)state;
	ct.retransmission_limit = 3;
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(feed(&ct, false, data), SIM_CT_VALID);
		assert_int_equal(feed(&ct, false, data), SIM_CT_INVALID);
		/* Anything else begins anew. */
		assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 10, 10000, 0 }), SIM_CT_VALID);
	}
	/* ACKs without data may be as many as they like (RFC 5681, 2: duplicates say something). */
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(feed(&ct, true, (struct seg){ A, 0, 10, 10000, 0 }), SIM_CT_VALID);
	ct.retransmission_limit = 0;
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(feed(&ct, false, data), SIM_CT_VALID);
}

static void
test_liberal(void **state)
{
	struct sim_ct ct = established(100, 900);

	(void)state;
	ct.liberal = true;
	assert_int_equal(feed(&ct, false, (struct seg){ A, 5000000, 7000000, 1, 1 }), SIM_CT_VALID);
	assert_int_equal(feed(&ct, false, (struct seg){ S | F, 0, 0, 1, 1 }), SIM_CT_VALID);
	assert_int_equal(ct.phase, SIM_CT_ESTABLISHED);
	/* State changes are still seen. */
	assert_int_equal(feed(&ct, true, (struct seg){ F | A, 77, 88, 10000, 0 }),
			SIM_CT_VALID | SIM_CT_CHANGED);
	assert_int_equal(ct.phase, SIM_CT_FIN_WAIT);
}

/* Which flags go together: all 64 of them, on an established connection. */
static void
test_flags(void **state)
{
	(void)state;
	for (uint32_t flags = 0; flags < 64; flags++) {
		struct sim_ct ct = established(100, 900);
		const uint32_t main = flags & (F | S | R | A);
		const bool known = main == A || main == (F | A) || main == R || main == (R | A);
		const uint8_t got = feed(
				&ct, false, (struct seg){ (uint8_t)flags, 100, 900, 10000, 0 });

		if (((got & SIM_CT_VALID) != 0) != known)
			fail_msg("flags %x: %x", flags, got);
	}
}

static void
test_malformed(void **state)
{
	struct sim_ct ct = established(100, 900);
	const struct sim_ct before = ct;
	uint8_t h[60] = { [12] = 0x50, [13] = A };

	(void)state;
	for (uint16_t room = 0; room < 20; room++)
		assert_int_equal(sim_ct_track(&ct, false, h, room, 0), SIM_CT_BAD);
	for (uint32_t words = 0; words < 5; words++) {
		h[12] = (uint8_t)(words << 4);
		assert_int_equal(sim_ct_track(&ct, false, h, 60, 0), SIM_CT_BAD);
	}
	h[12] = 0xf0;
	assert_int_equal(sim_ct_track(&ct, false, h, 59, 0), SIM_CT_BAD);
	assert_memory_equal(&ct, &before, sizeof(ct));
	ct.phase = 200;
	assert_int_equal(feed(&ct, false, (struct seg){ A, 100, 900, 10000, 0 }), SIM_CT_INVALID);
	ct.enable = false;
	assert_int_equal(feed(&ct, false, (struct seg){ A, 100, 900, 10000, 0 }), SIM_CT_DISABLED);
	assert_int_equal(sim_ct_track(&ct, false, h, 0, 0), SIM_CT_DISABLED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_crossed_close),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_unknown_window),
		cmocka_unit_test(test_ack_window),
		cmocka_unit_test(test_learning),
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_closed_window),
		cmocka_unit_test(test_sack),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_liberal),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
