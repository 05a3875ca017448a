/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time in connection tracking: the wheel against a list of deadlines, timeouts exact to the tick,
 * bounded work, and clocks that jump.
 */
#include "test_ct.h"

static struct rte_rcu_qsbr *rcu;

/* ---- the wheel alone ------------------------------------------------------------------------ */

#define TIMERS 200

/* Steps of time and distances of deadlines, in bits of ticks: small, large, years. */
struct scale {
	unsigned int step_bits, ahead_bits;
};

/* Everything that comes out was due, and nothing that was due stays in; whatever the budget. */
static void
test_wheel(void **state)
{
	const struct scale *s = *state;
	static struct ct_link link[TIMERS + CT_WHEEL_HEADS];
	uint64_t deadline[TIMERS] = { 0 }; /* 0: not in */
	uint64_t now = 0, rnd = 4711;
	struct ct_wheel w;
	unsigned int step, i, budget;

	ct_wheel_init(&w, link, TIMERS);
	/* 64 bits of nanoseconds are 38 bits of ticks. */
	for (step = 0; step < 20000 && now >> 38 == 0; step++) {
		i = random_next(&rnd) % TIMERS;
		if (deadline[i] == 0) {
			deadline[i] = now + random_next(&rnd) % (UINT64_C(1) << s->ahead_bits);
			ct_wheel_add(&w, i, deadline[i]);
		} else if (step % 4 == 0) {
			ct_wheel_del(&w, i);
			deadline[i] = 0;
		}
		if (random_next(&rnd) % 4 != 0)
			continue;
		now += random_next(&rnd) % (UINT64_C(1) << s->step_bits);
		for (;;) {
			uint32_t out;

			budget = 1 + random_next(&rnd) % 5;
			out = ct_wheel_next(&w, now, &budget);
			if (out == FLOW_NONE && budget > 0)
				break;
			if (out == FLOW_NONE)
				continue;
			assert_true(deadline[out] != 0 && deadline[out] <= now);
			deadline[out] = 0;
		}
		for (i = 0; i < TIMERS; i++)
			assert_true(deadline[i] == 0 || deadline[i] > now);
	}
}

/* From one timer to the next over any distance, the work is a step a level, not a step a tick. */
static void
test_wheel_work(void **state)
{
	static struct ct_link link[1 + CT_WHEEL_HEADS];
	struct ct_wheel w;
	unsigned int bits, budget;

	(void)state;
	ct_wheel_init(&w, link, 1);
	for (bits = 0; bits < 31; bits++) {
		uint64_t deadline = w.tick + (UINT64_C(1) << bits);

		ct_wheel_add(&w, 0, deadline);
		budget = CT_WHEEL_LEVELS;
		assert_int_equal(ct_wheel_next(&w, deadline - 1, &budget), FLOW_NONE);
		assert_true(budget > 0);
		assert_int_equal(ct_wheel_next(&w, deadline, &budget), 0);
	}
	/* Beyond its reach: looked at early, which costs a look, and never late. */
	for (; bits < 38; bits++) {
		uint64_t deadline = w.tick + (UINT64_C(1) << bits), at = w.tick + CT_WHEEL_AHEAD;

		ct_wheel_add(&w, 0, deadline);
		budget = CT_WHEEL_LEVELS;
		assert_int_equal(ct_wheel_next(&w, at - 1, &budget), FLOW_NONE);
		assert_int_equal(ct_wheel_next(&w, at, &budget), 0);
	}
}

/* ---- timeouts ------------------------------------------------------------------------------- */

enum script {
	UDP_ONE,      /* one packet */
	UDP_ANSWERED, /* and an answer at once */
	UDP_STREAM,   /* and more after three seconds */
	ICMP_QUERY,
	ICMP6_QUERY,
	OTHER,
	TCP_SYN,
	TCP_SYN_TWICE, /* the second one a minute later, which keeps nothing alive */
	TCP_SYNACK,
	TCP_OPEN,
	TCP_UNACKED,
	TCP_PICKUP,
	TCP_FIN,
	TCP_FIN_ACK,
	TCP_FIN_FIN,
	TCP_CLOSED,
	TCP_RST,
	SCRIPTS
};

struct play {
	struct ct_table *t;
	struct flow_tuple tuple;
	uint32_t conn;
	uint64_t now;
};

static struct flow_tuple
script_tuple(enum script s)
{
	switch (s) {
	case UDP_ONE:
	case UDP_ANSWERED:
	case UDP_STREAM:
		return tuple4(IPPROTO_UDP, 1, 1000, 2, 53);
	case ICMP_QUERY:
		return tuple_echo(4, 1, 2, 3);
	case ICMP6_QUERY:
		return tuple_echo(6, 1, 2, 3);
	case OTHER:
		return tuple4(IPPROTO_ESP, 1, 0, 2, 0);
	default:
		return tuple4(IPPROTO_TCP, 1, 1000, 2, 80);
	}
}

static void
play_packet(struct play *p, enum flow_dir dir, const struct ct_packet *pkt)
{
	struct ct_verdict v;

	if (p->conn == FLOW_NONE) {
		struct flow_tuple reply = reply_of(&p->tuple);

		assert_int_equal(ct_may_open(p->t, &p->tuple, pkt), DROP_NONE);
		assert_int_equal(ct_open(p->t, &p->tuple, &reply, 0, pkt, &p->conn), 0);
	}
	ct_track(p->t, p->conn, dir, pkt, &v);
	assert_int_equal(v.reason, DROP_NONE);
	assert_false(v.reopen);
}

static void
play_tcp(struct play *p, enum flow_dir dir, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	struct segment s;

	play_packet(p, dir, segment_make(&s, flags, seq, ack, len, p->now));
}

#define SYN RTE_TCP_SYN_FLAG
#define FIN RTE_TCP_FIN_FLAG
#define RST RTE_TCP_RST_FLAG
#define ACK RTE_TCP_ACK_FLAG

static void
play_tcp_script(struct play *p, enum script s)
{
	if (s == TCP_PICKUP) {
		play_tcp(p, 0, ACK, 1000, 2000, 10);
		return;
	}
	play_tcp(p, 0, SYN, 999, 0, 0);
	if (s == TCP_SYN_TWICE) {
		p->now += 60 * SECOND;
		play_tcp(p, 0, SYN, 999, 0, 0);
		p->now -= 60 * SECOND;
	}
	if (s <= TCP_SYN_TWICE)
		return;
	play_tcp(p, 1, SYN | ACK, 1999, 1000, 0);
	if (s == TCP_SYNACK)
		return;
	play_tcp(p, 0, ACK, 1000, 2000, 0);
	if (s == TCP_OPEN)
		return;
	if (s == TCP_UNACKED) {
		play_tcp(p, 0, ACK, 1000, 2000, 10);
		return;
	}
	if (s == TCP_RST) {
		play_tcp(p, 0, RST, 1000, 0, 0);
		return;
	}
	play_tcp(p, 0, FIN | ACK, 1000, 2000, 0);
	if (s == TCP_FIN)
		return;
	if (s != TCP_FIN_FIN)
		play_tcp(p, 1, ACK, 2000, 1001, 0);
	if (s == TCP_FIN_ACK)
		return;
	play_tcp(p, 1, FIN | ACK, 2000, 1001, 0);
	if (s == TCP_CLOSED)
		play_tcp(p, 0, ACK, 1001, 2001, 0);
}

static void
play_script(struct play *p, enum script s)
{
	struct ct_packet pkt = plain_packet(p->now);

	p->tuple = script_tuple(s);
	p->conn = FLOW_NONE;
	if (p->tuple.key.proto == IPPROTO_TCP) {
		play_tcp_script(p, s);
		return;
	}
	play_packet(p, FLOW_ORIGINAL, &pkt);
	if (s == UDP_ANSWERED || s == UDP_STREAM)
		play_packet(p, FLOW_REPLY, &pkt);
	if (s == UDP_STREAM) {
		p->now += 3 * SECOND;
		pkt.now = p->now;
		play_packet(p, FLOW_ORIGINAL, &pkt);
	}
}

/*
 * Everything lives until its timeout's last tick and not longer; it goes when it is looked at every
 * tick, and when time jumps.
 */
static void
test_timeouts(void **state)
{
	static const struct {
		enum script script;
		uint32_t seconds;
	} cases[] = {
		{ UDP_ONE, 30 },
		{ UDP_ANSWERED, 30 },
		{ UDP_STREAM, 120 },
		{ ICMP_QUERY, 31 },
		{ ICMP6_QUERY, 32 },
		{ OTHER, 600 },
		{ TCP_SYN, 120 },
		{ TCP_SYN_TWICE, 120 },
		{ TCP_SYNACK, 60 },
		{ TCP_OPEN, 5 * 24 * 3600 },
		{ TCP_UNACKED, 300 },
		{ TCP_PICKUP, 300 },
		{ TCP_FIN, 121 },
		{ TCP_FIN_ACK, 60 },
		{ TCP_FIN_FIN, 33 },
		{ TCP_CLOSED, 122 },
		{ TCP_RST, 10 },
	};
	struct ct_params params = table_params(4, 4, rcu);
	uint64_t start = 1700000000 * SECOND + 12345;
	unsigned int i, jump;

	(void)state;
	_Static_assert(RTE_DIM(cases) == SCRIPTS, "every script");
	/* No two alike, so that one is not taken for another. */
	params.timeouts.icmp = 31;
	params.timeouts.icmp6 = 32;
	params.timeouts.tcp[CT_TCP_FIN_WAIT] = 121;
	params.timeouts.tcp[CT_TCP_TIME_WAIT] = 122;
	params.timeouts.tcp[CT_TCP_LAST_ACK] = 33;
	for (i = 0; i < RTE_DIM(cases); i++) {
		for (jump = 0; jump < 2; jump++) {
			struct play p = { .t = ct_create(&params), .now = start };
			uint32_t closed[4], seconds;
			uint64_t tick, end;

			assert_non_null(p.t);
			play_script(&p, cases[i].script);
			end = (p.now >> TIME_TICK_SHIFT) + time_ticks_of_s(cases[i].seconds);
			seconds = ct_expires_in(p.t, p.conn, p.now);
			assert_in_range(seconds, cases[i].seconds - 1, cases[i].seconds + 1);
			tick = jump || cases[i].seconds > 1000 ? end - 3 : p.now >> TIME_TICK_SHIFT;
			for (; tick < end; tick++)
				assert_int_equal(
						ct_age(p.t, tick << TIME_TICK_SHIFT, closed, 4), 0);
			assert_sound(p.t);
			assert_int_equal(ct_age(p.t, end << TIME_TICK_SHIFT, closed, 4), 1);
			assert_int_equal(closed[0], p.conn);
			assert_int_equal(ct_expires_in(p.t, p.conn, end << TIME_TICK_SHIFT), 0);
			ct_destroy(p.t);
		}
	}
}

/* Packets that only the worker sees keep a connection alive, whenever it is looked at. */
static void
test_worker_stamps(void **state)
{
	struct play p = { .t = table_create(4, 0, rcu), .now = 100 * SECOND };
	uint32_t closed[4];
	unsigned int s;

	(void)state;
	play_script(&p, UDP_ANSWERED);
	for (s = 0; s < 1000; s++) {
		p.now += 20 * SECOND;
		ct_conns(p.t)[p.conn].flow[s % 2].last_seen = time_tick(p.now);
		assert_int_equal(ct_age(p.t, p.now, closed, 4), 0);
	}
	assert_true(ct_conns(p.t)[p.conn].status & CT_S_ASSURED);
	assert_in_range(ct_expires_in(p.t, p.conn, p.now), 119, 121);
	/* A worker's clock may be a little ahead. */
	ct_conns(p.t)[p.conn].flow[0].last_seen = time_tick(p.now + 130 * SECOND) + 1;
	assert_int_equal(ct_age(p.t, p.now + 129 * SECOND, closed, 4), 0);
	assert_int_equal(ct_age(p.t, p.now + 252 * SECOND, closed, 4), 1);
	ct_destroy(p.t);
}

/* An earlier deadline counts at once. */
static void
test_earlier(void **state)
{
	struct play p = { .t = table_create(4, 0, rcu), .now = 0 };
	uint32_t closed[4];

	(void)state;
	play_script(&p, TCP_OPEN);
	p.now += 1000 * SECOND;
	assert_int_equal(ct_age(p.t, p.now, closed, 4), 0);
	play_tcp(&p, 0, RST, 1000, 0, 0);
	assert_int_equal(ct_age(p.t, p.now + 9 * SECOND, closed, 4), 0);
	assert_int_equal(ct_age(p.t, p.now + 11 * SECOND, closed, 4), 1);
	ct_destroy(p.t);
}

/* Many at once: a call does no more than asked, the next ones do the rest; years later as well. */
static void
test_bounded(void **state)
{
	enum { N = 1000 };
	static const uint64_t later[] = { 31 * SECOND, 86400 * SECOND, 8 * 365 * 86400 * SECOND };
	struct ct_packet pkt = plain_packet(0);
	uint32_t closed[7], conn, i, total, calls;
	unsigned int k, n;

	(void)state;
	for (k = 0; k < RTE_DIM(later); k++) {
		struct ct_table *t = table_create(N, 0, rcu);

		for (i = 0; i < N; i++) {
			struct flow_tuple tuple = tuple4(IPPROTO_UDP, 1, i, 2, 53),
					  reply = reply_of(&tuple);

			pkt.now = i * SECOND / 1000;
			assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), 0);
		}
		for (total = calls = 0; total < N; calls++) {
			n = ct_age(t, later[k] + SECOND, closed, RTE_DIM(closed));
			assert_true(n <= RTE_DIM(closed));
			total += n;
			assert_true(calls < N * CT_WHEEL_LEVELS / RTE_DIM(closed) + 2);
		}
		assert_sound(t);
		assert_int_equal(ct_age(t, later[k] + SECOND, closed, RTE_DIM(closed)), 0);
		ct_destroy(t);
	}
}

/* A clock that goes back does no harm: nothing ages until it is where it was. */
static void
test_backwards(void **state)
{
	struct play p = { .t = table_create(4, 0, rcu), .now = 5000 * SECOND };
	uint32_t closed[4];

	(void)state;
	assert_int_equal(ct_age(p.t, 10000 * SECOND, closed, 4), 0);
	play_script(&p, UDP_ONE);
	assert_int_equal(ct_age(p.t, 6000 * SECOND, closed, 4), 0);
	assert_sound(p.t);
	assert_int_equal(ct_age(p.t, 10000 * SECOND, closed, 4), 1);
	ct_destroy(p.t);
}

int
main(void)
{
	static struct scale scales[] = { { 3, 5 }, { 6, 12 }, { 12, 12 }, { 10, 22 }, { 22, 16 },
		{ 26, 31 }, { 31, 31 } };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_wheel, &scales[0]),
		cmocka_unit_test_prestate(test_wheel, &scales[1]),
		cmocka_unit_test_prestate(test_wheel, &scales[2]),
		cmocka_unit_test_prestate(test_wheel, &scales[3]),
		cmocka_unit_test_prestate(test_wheel, &scales[4]),
		cmocka_unit_test_prestate(test_wheel, &scales[5]),
		cmocka_unit_test_prestate(test_wheel, &scales[6]),
		cmocka_unit_test(test_wheel_work),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_worker_stamps),
		cmocka_unit_test(test_earlier),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_backwards),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	if (rcu == NULL || rte_rcu_qsbr_init(rcu, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
