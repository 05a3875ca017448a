/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SCTP tracker: every cell of its table as a Linux 6.18 router showed it (each cell was brought about with packets,
 * and read back from /proc/net/nf_conntrack), then tags, bundles and lengths by scenarios.
 */
#include "test_ct.h"

static struct rte_rcu_qsbr *rcu;

/* ---- every cell --------------------------------------------------------------------------------------------- */

/* Columns: none, closed, cookie wait, cookie echoed, established, shutdown sent, received, ack sent, heartbeat sent. */
static const char *const said[2][CT_CHUNKS] = {
	{
			"CL CL CW CE ES CL CL SA CW", /* INIT */
			"CL CL CW CE ES SS SR SA CL", /* INIT ACK */
			"-- CL CL CL CL CL CL CL CL", /* ABORT */
			"CL CL CW CE SS SS SR SA CL", /* SHUTDOWN */
			"SA CL CW CE ES SA SA SA SA", /* SHUTDOWN ACK */
			"CL CL CW CE ES SS SR SA CL", /* ERROR */
			"CL CL CE CE ES SS SR SA CL", /* COOKIE ECHO */
			"-- CL CW ES ES SS SR SA CL", /* COOKIE ACK */
			"-- CL CW CE ES SS SR CL CL", /* SHUTDOWN COMPLETE */
			"HS CL CW CE ES SS SR SA HS", /* HEARTBEAT */
			"CL CL CW CE ES SS SR SA HS", /* HEARTBEAT ACK */
	},
	{
			"-- CL CW CE ES SS SR SA --",
			"-- CW CW CE ES SS SR SA --",
			"-- CL CL CL CL CL CL CL --",
			"-- CL CW CE SR SS SR SA --",
			"-- CL CW CE ES SA SA SA --",
			"-- CL CW CL ES SS SR SA --",
			"-- CL CE CE ES SS SR SA --",
			"-- CL CW ES ES SS SR SA --",
			"-- CL CW CE ES SS SR CL --",
			"-- CL CW CE ES SS SR SA HS",
			"-- CL CW CE ES SS SR SA ES",
	},
};

static uint8_t
state_of(const char *cell)
{
	static const char names[] = "-- CL CW CE ES SS SR SA HS";
	unsigned int i;

	for (i = 0; i < CT_SCTP_STATES; i++) {
		if (memcmp(names + 3 * i, cell, 2) == 0)
			return i == 0 ? CT_SCTP_INVALID : (uint8_t)i;
	}
	fail();
	return 0;
}

static void
test_cells(void **state)
{
	unsigned int dir, chunk, s;

	(void)state;
	for (dir = 0; dir < 2; dir++)
		for (chunk = 0; chunk < CT_CHUNKS; chunk++)
			for (s = 0; s < CT_SCTP_STATES; s++)
				assert_int_equal(ct_sctp_next(dir, chunk, s),
						state_of(said[dir][chunk] + 3 * s));
}

/* ---- packets ------------------------------------------------------------------------------------------------ */

enum {
	DATA = 0,
	INIT = 1,
	INIT_ACK = 2,
	SACK = 3,
	HB = 4,
	HB_ACK = 5,
	ABORT = 6,
	SHUTDOWN = 7,
	SHUTDOWN_ACK = 8,
	ERROR = 9,
	COOKIE_ECHO = 10,
	COOKIE_ACK = 11,
	SHUTDOWN_COMPLETE = 14,
	ASCONF = 193,
	END = 255
};

#define TAG_C 0x0c0c0c0c /* the client asked for it: packets to the client carry it */
#define TAG_S 0x05050505
#define O FLOW_ORIGINAL
#define R FLOW_REPLY

struct step {
	enum flow_dir dir;
	uint8_t chunks[4]; /* END: no more; flags T in `t` */
	uint32_t tag;
	enum ct_sctp_state after;
	enum drop_reason why;
	uint32_t itag; /* 0: TAG_C or TAG_S by direction */
	bool t;
};
#define ONE(c) \
	{ \
		c, END \
	}
#define OK .why = DROP_NONE

static uint32_t
build(uint8_t *at, const struct step *s)
{
	uint32_t len = 12, i, tag = rte_cpu_to_be_32(s->tag);
	uint32_t asked = rte_cpu_to_be_32(s->itag != 0 ? s->itag : s->dir == O ? TAG_C : TAG_S);

	memset(at, 0, 128);
	memcpy(at + 4, &tag, 4);
	for (i = 0; i < 4 && s->chunks[i] != END; i++) {
		bool init = s->chunks[i] == INIT || s->chunks[i] == INIT_ACK;

		at[len] = s->chunks[i];
		at[len + 1] = s->t;
		at[len + 3] = init ? 20 : 8;
		if (init)
			memcpy(at + len + 4, &asked, 4);
		len += init ? 20 : 8;
	}
	return len;
}

struct play {
	struct ct_table *t;
	uint32_t conn; /* FLOW_NONE: none yet */
	uint64_t now;
	struct ct_verdict v;
};

static enum drop_reason
send_raw(struct play *p, enum flow_dir dir, const uint8_t *l4, uint32_t len, uint8_t flags)
{
	struct flow_tuple tuple = tuple4(IPPROTO_SCTP, 1, 1000, 2, 80), reply = reply_of(&tuple);
	const struct pkt_info info = { .family = 4, .proto = IPPROTO_SCTP, .tcp_flags = flags };
	uint8_t *exact = malloc(len); /* so that a sanitizer sees a read beyond it */
	struct ct_packet pkt = { &info, exact, len, len, p->now };
	enum drop_reason why = DROP_NONE;

	assert_non_null(exact);
	memcpy(exact, l4, len);
	if (p->conn == FLOW_NONE)
		why = ct_may_open(p->t, &tuple, &pkt);
	if (p->conn == FLOW_NONE && why == DROP_NONE)
		assert_int_equal(ct_open(p->t, &tuple, &reply, 0, &pkt, &p->conn), 0);
	if (why == DROP_NONE) {
		ct_track(p->t, p->conn, dir, &pkt, &p->v);
		why = p->v.reason;
	}
	free(exact);
	return why;
}

static void
run(struct play *p, const struct step *steps, unsigned int n)
{
	uint8_t l4[128];
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct step *s = &steps[i];
		uint32_t len = build(l4, s);
		struct ct_sctp before;

		if (p->conn != FLOW_NONE)
			before = ct_conns(p->t)[p->conn].sctp;
		if (send_raw(p, s->dir, l4, len, 0) != s->why)
			fail_msg("step %u: %s", i, drop_name(p->v.reason));
		if (p->conn == FLOW_NONE)
			continue;
		if (s->why != DROP_NONE) /* nothing is learnt of what is refused */
			assert_memory_equal(&before, &ct_conns(p->t)[p->conn].sctp, sizeof(before));
		if (ct_conns(p->t)[p->conn].sctp.state != s->after)
			fail_msg("step %u: %s", i,
					ct_sctp_state_name(ct_conns(p->t)[p->conn].sctp.state));
	}
}

#define RUN(p, ...) \
	do { \
		static const struct step steps_[] = { __VA_ARGS__ }; \
		run(p, steps_, RTE_DIM(steps_)); \
	} while (0)

static struct play
play(void)
{
	return (struct play){ .t = table_create(4, 0, rcu), .conn = FLOW_NONE, .now = SECOND };
}

static struct play
play_open(void)
{
	struct play p = play();

	RUN(&p, { O, ONE(INIT), 0, CT_SCTP_CLOSED, OK },
			{ R, ONE(INIT_ACK), TAG_C, CT_SCTP_COOKIE_WAIT, OK },
			{ O, { COOKIE_ECHO, DATA, END }, TAG_S, CT_SCTP_COOKIE_ECHOED, OK },
			{ R, { COOKIE_ACK, SACK, END }, TAG_C, CT_SCTP_ESTABLISHED, OK });
	assert_true(p.v.established && !p.v.closing);
	assert_int_equal(p.v.state, CT_STATE_ESTABLISHED);
	assert_true(ct_conns(p.t)[p.conn].status & CT_S_ASSURED);
	return p;
}

static void
test_life(void **state)
{
	struct play p = play_open();

	(void)state;
	RUN(&p, { O, { DATA, SACK, ASCONF, END }, TAG_S, CT_SCTP_ESTABLISHED, OK },
			{ R, { HB, SACK, DATA, END }, TAG_C, CT_SCTP_ESTABLISHED, OK },
			{ O, ONE(SHUTDOWN), TAG_S, CT_SCTP_SHUTDOWN_SENT, OK });
	assert_true(p.v.closing && !p.v.established);
	RUN(&p, { R, ONE(SHUTDOWN_ACK), TAG_C, CT_SCTP_SHUTDOWN_ACK_SENT, OK },
			{ O, ONE(SHUTDOWN_COMPLETE), TAG_S, CT_SCTP_CLOSED, OK });
	ct_destroy(p.t);
	p = play_open();
	RUN(&p, { R, ONE(SHUTDOWN), TAG_C, CT_SCTP_SHUTDOWN_RECD, OK });
	ct_destroy(p.t);
}

/* RFC 9260 8.5 and 8.5.1: whoever does not know the tag changes nothing. */
static void
test_tags(void **state)
{
	struct play p = play_open();

	(void)state;
	RUN(&p, { O, ONE(DATA), TAG_C, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ O, ONE(DATA), 0, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ O, ONE(SHUTDOWN), 1, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ O, ONE(ERROR), 1, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ O, ONE(COOKIE_ECHO), 1, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ O, ONE(INIT), TAG_S, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ R, ONE(ABORT), TAG_S, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ R, ONE(ABORT), TAG_C, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG,
					.t = true },
			{ R, ONE(SHUTDOWN_COMPLETE), 7, CT_SCTP_ESTABLISHED,
					.why = DROP_CT_SCTP_TAG },
			/* With T it is the tag of its answers. */
			{ R, ONE(ABORT), TAG_S, CT_SCTP_CLOSED, OK, .t = true });
	ct_destroy(p.t);
	p = play_open();
	RUN(&p, { R, ONE(ABORT), TAG_C, CT_SCTP_CLOSED, OK });
	ct_destroy(p.t);
	/* A server that answers twice, or another one: the first tag counts. */
	p = play();
	RUN(&p, { O, ONE(INIT), 0, CT_SCTP_CLOSED, OK },
			{ R, ONE(INIT_ACK), 1, CT_SCTP_CLOSED, .why = DROP_CT_SCTP_TAG },
			{ R, ONE(INIT_ACK), TAG_C, CT_SCTP_COOKIE_WAIT, OK });
	ct_destroy(p.t);
}

/* A path that is first seen by heartbeats, and one whose association was opened anew elsewhere. */
static void
test_heartbeats(void **state)
{
	struct play p = play();

	(void)state;
	RUN(&p, { O, ONE(HB), TAG_S, CT_SCTP_HEARTBEAT_SENT, OK },
			{ R, ONE(DATA), TAG_C, CT_SCTP_HEARTBEAT_SENT, .why = DROP_CT_SCTP_TAG },
			{ R, ONE(HB_ACK), TAG_C, CT_SCTP_ESTABLISHED, OK },
			{ O, ONE(DATA), TAG_S, CT_SCTP_ESTABLISHED, OK },
			{ R, ONE(DATA), TAG_C, CT_SCTP_ESTABLISHED, OK });
	assert_false(ct_conns(p.t)[p.conn].status & CT_S_ASSURED);
	/* New tags: in doubt until the other side confirms them. */
	RUN(&p, { O, ONE(HB_ACK), 77, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ O, { HB, DATA, END }, 77, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG });
	p.now += 100 * SECOND;
	{
		static const struct step doubt = { O, ONE(HB), 77, CT_SCTP_ESTABLISHED, OK };
		uint32_t left = ct_expires_in(p.t, p.conn, p.now);
		uint8_t l4[128];

		assert_int_equal(send_raw(&p, O, l4, build(l4, &doubt), 0), DROP_NONE);
		assert_int_equal(ct_expires_in(p.t, p.conn, p.now), left); /* holds nothing alive */
	}
	RUN(&p, { O, ONE(HB_ACK), 77, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ O, ONE(DATA), 77, CT_SCTP_ESTABLISHED, .why = DROP_CT_SCTP_TAG },
			{ R, ONE(HB_ACK), 88, CT_SCTP_ESTABLISHED, OK },
			{ R, ONE(DATA), 88, CT_SCTP_ESTABLISHED, OK },
			{ O, ONE(HB), 77, CT_SCTP_ESTABLISHED, OK },
			{ O, ONE(DATA), 77, CT_SCTP_ESTABLISHED, OK });
	ct_destroy(p.t);
}

/* What opens: RFC 9260 8.4; and what may not be together: 4.3, 6.10. */
static void
test_opening(void **state)
{
	static const struct step rows[] = {
		{ O, ONE(INIT), 0, CT_SCTP_CLOSED, OK },
		{ O, ONE(HB), 9, CT_SCTP_HEARTBEAT_SENT, OK },
		{ O, ONE(HB_ACK), 9, CT_SCTP_CLOSED, OK },
		{ O, ONE(SHUTDOWN_ACK), 9, CT_SCTP_SHUTDOWN_ACK_SENT, OK },
		{ O, ONE(INIT), 9, 0, .why = DROP_CT_SCTP_TAG },
		{ O, ONE(HB), 0, 0, .why = DROP_CT_SCTP_TAG },
		{ O, ONE(DATA), 9, 0, .why = DROP_CT_INVALID },
		{ O, ONE(SACK), 9, 0, .why = DROP_CT_INVALID },
		{ O, ONE(ABORT), 9, 0, .why = DROP_CT_INVALID },
		{ O, ONE(COOKIE_ACK), 9, 0, .why = DROP_CT_INVALID },
		{ O, ONE(SHUTDOWN_COMPLETE), 9, 0, .why = DROP_CT_INVALID },
		{ O, ONE(INIT_ACK), 9, 0, .why = DROP_CT_SCTP_TAG },
		{ O, ONE(COOKIE_ECHO), 9, 0, .why = DROP_CT_SCTP_TAG },
		{ O, ONE(SHUTDOWN), 9, 0, .why = DROP_CT_SCTP_TAG },
		{ O, ONE(ERROR), 9, 0, .why = DROP_CT_SCTP_TAG },
		{ O, { HB, DATA, END }, 9, 0, .why = DROP_CT_INVALID },
		{ O, { INIT, DATA, END }, 0, 0, .why = DROP_SCTP_CHUNK },
		{ O, { DATA, INIT, END }, 0, 0, .why = DROP_SCTP_CHUNK },
		{ O, { INIT, INIT, END }, 0, 0, .why = DROP_SCTP_CHUNK },
		{ O, { DATA, COOKIE_ECHO, END }, 9, 0, .why = DROP_SCTP_CHUNK },
		{ O, { SHUTDOWN_COMPLETE, SACK, END }, 9, 0, .why = DROP_SCTP_CHUNK },
		{ O, { END }, 9, 0, .why = DROP_SCTP_SHORT },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(rows); i++) {
		struct play p = play();

		print_message("row %u\n", i);
		run(&p, &rows[i], 1);
		assert_int_equal(p.conn != FLOW_NONE, rows[i].why == DROP_NONE);
		ct_destroy(p.t);
	}
}

/* Chunks are all there, and as long as they say. */
static void
test_lengths(void **state)
{
	static const struct step data = { O, { SACK, SHUTDOWN, END }, TAG_S, 0, OK };
	struct play p = play_open();
	uint32_t len, cut;
	uint8_t l4[128];

	(void)state;
	len = build(l4, &data);
	for (cut = 0; cut < len; cut++) {
		enum drop_reason why = send_raw(&p, O, l4, cut, 0);

		if (cut == 20) /* the first chunk alone */
			assert_int_equal(why, DROP_NONE);
		else
			assert_int_equal(why, cut < 16 ? DROP_SCTP_SHORT : DROP_SCTP_CHUNK);
		assert_int_equal(ct_conns(p.t)[p.conn].sctp.state, CT_SCTP_ESTABLISHED);
	}
	for (cut = 0; cut < 4; cut++) {
		l4[15] = (uint8_t)cut;
		assert_int_equal(send_raw(&p, O, l4, len, 0), DROP_SCTP_CHUNK);
	}
	l4[15] = 17; /* reaches beyond */
	assert_int_equal(send_raw(&p, O, l4, len, 0), DROP_SCTP_CHUNK);
	/* What the parser has been through is believed to be data: only the tag counts. */
	assert_int_equal(send_raw(&p, O, l4, len, PKT_SCTP_DATA), DROP_NONE);
	ct_destroy(p.t);
	/* INIT: its fixed part, and a tag. */
	for (cut = 4; cut < 20; cut++) {
		static const struct step init = { O, ONE(INIT), 0, 0, OK };

		p = play();
		len = build(l4, &init);
		l4[15] = (uint8_t)cut;
		assert_int_equal(send_raw(&p, O, l4, 12 + RTE_ALIGN_CEIL(cut, 4u), 0),
				DROP_SCTP_CHUNK);
		l4[15] = 20;
		memset(l4 + 16, 0, 4);
		assert_int_equal(send_raw(&p, O, l4, len, 0), DROP_SCTP_CHUNK);
		ct_destroy(p.t);
	}
}

/* Each state has its time; an INIT repeated to nobody holds nothing. */
static void
test_times(void **state)
{
	struct ct_params tp = table_params(4, 0, rcu);
	struct ct_timeouts mine;
	struct play p = play();

	(void)state;
	RUN(&p, { O, ONE(INIT), 0, CT_SCTP_CLOSED, OK });
	assert_in_range(ct_expires_in(p.t, p.conn, p.now), 9, 10);
	p.now += 5 * SECOND;
	RUN(&p, { O, ONE(INIT), 0, CT_SCTP_CLOSED, OK });
	assert_in_range(ct_expires_in(p.t, p.conn, p.now), 4, 5);
	ct_destroy(p.t);
	p = play_open();
	assert_in_range(ct_expires_in(p.t, p.conn, p.now), 209, 210);
	RUN(&p, { O, ONE(SHUTDOWN), TAG_S, CT_SCTP_SHUTDOWN_SENT, OK });
	assert_in_range(ct_expires_in(p.t, p.conn, p.now), 2, 3);
	ct_destroy(p.t);
	/* Another policy. */
	mine = tp.timeouts;
	for (unsigned int i = 0; i < CT_SCTP_STATES; i++)
		mine.sctp[i] = 1000 + i;
	tp.policies = &mine;
	tp.n_policies = 1;
	p = (struct play){ .t = ct_create(&tp), .conn = FLOW_NONE, .now = SECOND };
	RUN(&p, { O, ONE(INIT), 0, CT_SCTP_CLOSED, OK });
	ct_conns(p.t)[p.conn].policy = 1;
	assert_in_range(ct_expires_in(p.t, p.conn, p.now), 1000, 1001);
	ct_conns(p.t)[p.conn].policy = 2; /* there is none: the defaults */
	assert_in_range(ct_expires_in(p.t, p.conn, p.now), 9, 10);
	ct_destroy(p.t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_heartbeats),
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_times),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rcu_create(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
