/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TCP tracker: every cell of its table, flags, verdicts over whole connections, windows at
 * their edges, and its modes.
 */
#include "test_ct.h"

static struct rte_rcu_qsbr *rcu;

#define SYN RTE_TCP_SYN_FLAG
#define FIN RTE_TCP_FIN_FLAG
#define RST RTE_TCP_RST_FLAG
#define ACK RTE_TCP_ACK_FLAG
#define PSH RTE_TCP_PSH_FLAG
#define URG RTE_TCP_URG_FLAG
#define ECE RTE_TCP_ECE_FLAG
#define CWR RTE_TCP_CWR_FLAG

/*
 * The table once more, as nf_conntrack's users know it from `conntrack -E`: a word a cell, columns
 * NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE,
 * SYN_SENT2; - is invalid, . is ignored.
 */
static const struct {
	enum flow_dir dir;
	uint8_t flags;
	const char *cells;
} table[] = {
	{ 0, SYN, "SS SS . . . . . SS SS S2" },
	{ 0, SYN | ACK, "- - SR - - - - - - SR" },
	{ 0, FIN | ACK, "- - FW FW LA LA LA TW CL -" },
	{ 0, ACK, "ES - ES ES CW CW TW TW CL -" },
	{ 0, RST, "- CL CL CL CL CL CL CL CL CL" },
	{ 0, 0, "- - - - - - - - - -" },
	{ 1, SYN, "- S2 - - - - - SS - S2" },
	{ 1, SYN | ACK, "- SR . . . . . . . SR" },
	{ 1, FIN | ACK, "- - FW FW LA LA LA TW CL -" },
	{ 1, ACK, "- . SR ES CW CW TW TW CL ." },
	{ 1, RST, "- CL CL CL CL CL CL CL CL CL" },
	{ 1, 0, "- - - - - - - - - -" },
};

static uint8_t
cell(const char *cells, unsigned int column)
{
	static const struct {
		const char *name;
		uint8_t state;
	} names[] = {
		{ "SS", CT_TCP_SYN_SENT },
		{ "SR", CT_TCP_SYN_RECV },
		{ "ES", CT_TCP_ESTABLISHED },
		{ "FW", CT_TCP_FIN_WAIT },
		{ "CW", CT_TCP_CLOSE_WAIT },
		{ "LA", CT_TCP_LAST_ACK },
		{ "TW", CT_TCP_TIME_WAIT },
		{ "CL", CT_TCP_CLOSE },
		{ "S2", CT_TCP_SYN_SENT2 },
		{ "-", CT_TCP_INVALID },
		{ ".", CT_TCP_IGNORE },
	};
	unsigned int i;

	while (column-- > 0)
		cells = strchr(cells, ' ') + 1;
	for (i = 0; i < RTE_DIM(names); i++) {
		size_t len = strlen(names[i].name);

		if (strncmp(cells, names[i].name, len) == 0 &&
				(cells[len] == ' ' || cells[len] == '\0'))
			return names[i].state;
	}
	fail();
	return 0;
}

static uint32_t
open_tcp(struct ct_table *t, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct flow_tuple tuple = tuple4(IPPROTO_TCP, 1, 1000, 2, 80), reply = reply_of(&tuple);
	struct segment s;
	uint32_t conn;

	assert_int_equal(ct_open(t, &tuple, &reply, 0, segment_make(&s, flags, seq, ack, 0, SECOND),
					 &conn),
			0);
	return conn;
}

/*
 * Every cell, by a packet through the tracker. Windows are out of the way, and so is what was seen
 * before.
 */
static void
test_cells(void **state)
{
	unsigned int row, column, cells = 0;

	(void)state;
	for (row = 0; row < RTE_DIM(table); row++) {
		for (column = 0; column < CT_TCP_STATES; column++) {
			uint8_t want = cell(table[row].cells, column);
			struct ct_params params = table_params(1, 0, rcu);
			struct ct_verdict v;
			struct segment s;
			struct ct_table *t;
			struct ct_conn *c;
			uint32_t conn;

			params.tcp_liberal = true;
			t = ct_create(&params);
			assert_non_null(t);
			conn = open_tcp(t, SYN, 999, 0);
			c = &ct_conns(t)[conn];
			c->status |= CT_S_SEEN_REPLY;
			c->tcp.state = column;
			c->tcp.last_dir = !table[row].dir;
			c->tcp.last_index = CT_SEG_FIN;
			ct_track(t, conn, table[row].dir,
					segment_make(&s, table[row].flags, 1000, 2000, 0, SECOND),
					&v);
			cells++;
			if (want == CT_TCP_INVALID) {
				assert_int_equal(v.state, CT_STATE_INVALID);
				assert_int_equal(v.reason,
						table[row].flags == 0 ? DROP_TCP_FLAGS
								      : DROP_CT_TCP_STATE);
				assert_int_equal(c->tcp.state, column);
			} else if (want == CT_TCP_IGNORE ||
					(want == CT_TCP_SYN_SENT && column >= CT_TCP_TIME_WAIT)) {
				/*
				 * A SYN after the end: not believed either, unless the end was
				 * seen.
				 */
				assert_int_equal(v.state, CT_STATE_ESTABLISHED);
				assert_int_equal(c->tcp.state, column);
			} else {
				assert_int_equal(v.state, CT_STATE_ESTABLISHED);
				assert_int_equal(c->tcp.state, want);
			}
			assert_false(v.reopen);
			ct_destroy(t);
		}
	}
	assert_int_equal(cells, 2 * CT_SEGS * CT_TCP_STATES);
}

/*
 * A SYN after an end that was seen opens anew, from either side; after a RST only from the side
 * that sent it.
 */
static void
test_reopen(void **state)
{
	static const struct {
		enum ct_tcp_state state;
		bool close_init;
		enum flow_dir last_dir, dir;
		enum ct_seg last;
		bool reopen;
	} cases[] = {
		{ CT_TCP_TIME_WAIT, true, 0, 0, CT_SEG_ACK, true },
		{ CT_TCP_TIME_WAIT, true, 0, 1, CT_SEG_ACK, true },
		{ CT_TCP_TIME_WAIT, false, 0, 0, CT_SEG_ACK, false },
		{ CT_TCP_CLOSE, false, 0, 0, CT_SEG_RST, true },
		{ CT_TCP_CLOSE, false, 1, 0, CT_SEG_RST, false },
		{ CT_TCP_CLOSE, true, 1, 0, CT_SEG_RST, true },
		{ CT_TCP_LAST_ACK, true, 0, 0, CT_SEG_FIN, false },
	};
	struct ct_table *t = table_create(1, 0, rcu);
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		uint32_t conn = open_tcp(t, SYN, 999, 0);
		struct ct_conn *c = &ct_conns(t)[conn];
		struct ct_verdict v;
		struct segment s;

		c->status |= CT_S_SEEN_REPLY | CT_S_ASSURED;
		c->tcp.state = cases[i].state;
		c->tcp.last_dir = cases[i].last_dir;
		c->tcp.last_index = cases[i].last;
		if (cases[i].close_init)
			c->tcp.flags[0] |= CT_TCP_F_CLOSE_INIT;
		ct_track(t, conn, cases[i].dir, segment_make(&s, SYN, 777777, 0, 0, 2 * SECOND),
				&v);
		assert_int_equal(v.reopen, cases[i].reopen);
		assert_int_equal(v.state, cases[i].reopen ? CT_STATE_NEW : CT_STATE_ESTABLISHED);
		assert_int_equal(c->tcp.state, cases[i].state);
		ct_close(t, conn);
		ct_reclaim(t, NULL, 1);
	}
	ct_destroy(t);
}

/*
 * All 256 combinations: the five that stacks send, with and without URG where it makes sense; PSH,
 * ECE, CWR never matter.
 */
static void
test_flags(void **state)
{
	static const uint8_t good[] = { SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK,
		FIN | ACK | URG, ACK, ACK | URG };
	struct ct_table *t = table_create(1, 0, rcu);
	struct flow_tuple tuple = tuple4(IPPROTO_TCP, 1, 1000, 2, 80);
	unsigned int flags, i;

	(void)state;
	for (flags = 0; flags < 256; flags++) {
		uint8_t deciding = flags & ~(PSH | ECE | CWR);
		enum drop_reason want = DROP_TCP_FLAGS;
		struct segment s;

		for (i = 0; i < RTE_DIM(good); i++) {
			if (deciding == good[i])
				want = DROP_CT_INVALID;
		}
		if (want == DROP_CT_INVALID && (deciding & ~URG) != (deciding & (RST | FIN)) &&
				((deciding & ~URG) == SYN || (deciding & ~URG) == ACK))
			want = DROP_NONE;
		assert_int_equal(ct_may_open(t, &tuple, segment_make(&s, flags, 1, 1, 0, 0)), want);
	}
	ct_destroy(t);
}

/* Headers cut or with a wrong length are refused, and nothing beyond them is read. */
static void
test_broken(void **state)
{
	static const struct {
		uint32_t len, avail;
		uint8_t offset;
		enum drop_reason want;
	} cases[] = {
		{ 20, 20, 5, DROP_NONE },
		{ 19, 19, 5, DROP_TCP_SHORT },
		{ 0, 0, 5, DROP_TCP_SHORT },
		{ 40, 19, 5, DROP_TCP_SHORT },
		{ 20, 20, 4, DROP_TCP_OFFSET },
		{ 20, 20, 0, DROP_TCP_OFFSET },
		{ 20, 20, 6, DROP_TCP_OFFSET },
		{ 60, 60, 15, DROP_NONE },
		{ 59, 59, 15, DROP_TCP_OFFSET },
		{ 60, 59, 15, DROP_TCP_SHORT },
	};
	struct ct_table *t = table_create(1, 0, rcu);
	struct flow_tuple tuple = tuple4(IPPROTO_TCP, 1, 1000, 2, 80);
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct segment s;
		uint8_t *exact = malloc(cases[i].avail + 1);

		segment_make(&s, SYN, 1, 0, 0, 0);
		s.h.data_off = cases[i].offset << 4;
		memcpy(exact, &s.h, RTE_MIN(cases[i].avail, 20u));
		if (cases[i].avail > 20)
			memset(exact + 20, 1, cases[i].avail - 20);
		s.pkt.l4 = exact;
		s.pkt.l4_len = cases[i].len;
		s.pkt.l4_avail = cases[i].avail;
		assert_int_equal(ct_may_open(t, &tuple, &s.pkt), cases[i].want);
		free(exact);
	}
	ct_destroy(t);
}

/* ---- whole connections ---------------------------------------------------------------------- */

#define E 1  /* established */
#define C 2  /* closing */
#define X 4  /* close */
#define R 8  /* reopen */
#define A 16 /* assured afterwards */
#define F 32 /* goes by ct_track_fast(), which believes it */
#define O 64 /* goes by ct_track_fast(), which does not: out of the window */

struct line {
	enum flow_dir dir;
	uint8_t flags;
	uint32_t seq, ack, len;
	enum ct_state state;
	enum ct_tcp_state tcp;
	unsigned int out;
};

#define NEW CT_STATE_NEW
#define EST CT_STATE_ESTABLISHED
#define INV CT_STATE_INVALID

static const struct line handshake[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 1, SYN | ACK, 1999, 1000, 0, EST, CT_TCP_SYN_RECV, 0 },
	{ 0, ACK, 1000, 2000, 0, EST, CT_TCP_ESTABLISHED, E | A },
	{ 0, ACK | PSH, 1000, 2000, 100, EST, CT_TCP_ESTABLISHED, E | A },
	{ 1, ACK, 2000, 1100, 0, EST, CT_TCP_ESTABLISHED, E | A },
	{ 1, FIN | ACK, 2000, 1100, 0, EST, CT_TCP_FIN_WAIT, C | A },
	{ 0, ACK, 1100, 2001, 0, EST, CT_TCP_CLOSE_WAIT, C | A },
	{ 0, FIN | ACK, 1100, 2001, 0, EST, CT_TCP_LAST_ACK, C | A },
	{ 1, ACK, 2001, 1101, 0, EST, CT_TCP_TIME_WAIT, C | A },
	{ 0, SYN, 500000, 0, 0, NEW, CT_TCP_TIME_WAIT, R | A },
};

static const struct line refused[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 1, RST | ACK, 0, 1000, 0, EST, CT_TCP_CLOSE, C | X },
};

static const struct line reset[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 1, SYN | ACK, 1999, 1000, 0, EST, CT_TCP_SYN_RECV, 0 },
	{ 0, ACK, 1000, 2000, 0, EST, CT_TCP_ESTABLISHED, E | A },
	/* In the window, but not where it is expected: the other end will challenge it. */
	{ 1, RST, 2500, 0, 0, EST, CT_TCP_ESTABLISHED, C | A },
	{ 0, ACK, 1000, 2000, 0, EST, CT_TCP_ESTABLISHED, E | A },
	/* Before what is acknowledged, and beyond the window. */
	{ 1, RST, 1900, 0, 0, INV, CT_TCP_ESTABLISHED, E | A },
	{ 1, RST, 2000 + 8192 * 2, 0, 0, INV, CT_TCP_ESTABLISHED, E | A },
	{ 1, RST, 2000, 0, 0, EST, CT_TCP_CLOSE, C | A },
};

static const struct line picked_up[] = {
	{ 0, ACK, 1000, 2000, 10, NEW, CT_TCP_ESTABLISHED, 0 },
	{ 0, ACK, 1010, 2000, 10, NEW, CT_TCP_ESTABLISHED, 0 },
	{ 1, ACK, 2000, 1020, 10, EST, CT_TCP_ESTABLISHED, 0 },
	{ 0, ACK, 1020, 2010, 10, EST, CT_TCP_ESTABLISHED, E | A },
};

static const struct line simultaneous[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 1, SYN, 1999, 0, 0, EST, CT_TCP_SYN_SENT2, 0 },
	{ 0, SYN | ACK, 999, 2000, 0, EST, CT_TCP_SYN_RECV, 0 },
	{ 1, ACK, 2000, 1000, 0, EST, CT_TCP_ESTABLISHED, E | A },
};

/* The ends agree on a new connection, of which the tracker knew nothing. */
static const struct line out_of_step[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 1, SYN | ACK, 1999, 1000, 0, EST, CT_TCP_SYN_RECV, 0 },
	{ 0, ACK, 1000, 2000, 0, EST, CT_TCP_ESTABLISHED, E | A },
	{ 0, SYN, 700000, 0, 0, EST, CT_TCP_ESTABLISHED, E | A },
	{ 1, SYN | ACK, 900000, 700001, 0, EST, CT_TCP_SYN_RECV, C | A },
	{ 0, ACK, 700001, 900001, 0, EST, CT_TCP_ESTABLISHED, E | A },
};

static const struct line strays[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 0, ACK, 1000, 2000, 0, INV, CT_TCP_SYN_SENT, 0 },
	{ 1, FIN | ACK, 2000, 1000, 0, INV, CT_TCP_SYN_SENT, 0 },
	{ 1, ACK, 5000, 7000, 0, EST, CT_TCP_SYN_SENT, 0 },
	{ 0, RST, 9000, 0, 0, INV, CT_TCP_SYN_SENT, 0 },
	/* The answer to a challenge ACK, where that wanted it (RFC 5961, 4.2): the old one goes. */
	{ 1, ACK, 5000, 7000, 0, EST, CT_TCP_SYN_SENT, 0 },
	{ 0, RST, 7000, 0, 0, EST, CT_TCP_CLOSE, C },
};

/* The window: 8192 bytes both ways, not scaled. */
static const struct line windows[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 1, SYN | ACK, 1999, 1000, 0, EST, CT_TCP_SYN_RECV, 0 },
	{ 0, ACK, 1000, 2000, 0, EST, CT_TCP_ESTABLISHED, E | A },
	{ 0, ACK, 1000 + 8192, 2000, 0, EST, CT_TCP_ESTABLISHED, E | A }, /* I, last that fits */
	{ 0, ACK, 1000 + 8192 + 9000, 2000, 0, INV, CT_TCP_ESTABLISHED, E | A }, /* far beyond */
	{ 1, ACK, 2000, 1000 + 8193, 0, INV, CT_TCP_ESTABLISHED, E | A }, /* III, never sent */
	{ 1, ACK, 2000, 1000 + 8192, 0, EST, CT_TCP_ESTABLISHED, E | A },
	{ 0, FIN | ACK, 1000 - 2, 2000, 0, EST, CT_TCP_ESTABLISHED,
			E | A }, /* II, old: passes, closes nothing */
	{ 0, FIN | ACK, 1000 + 8192 * 4, 2000, 0, INV, CT_TCP_ESTABLISHED, E | A },
	{ 0, FIN | ACK, 1000 + 8192, 2000, 0, EST, CT_TCP_FIN_WAIT, C | A },
};

/* What workers forward moves the windows as if control had seen it. */
static const struct line fast[] = {
	{ 0, SYN, 999, 0, 0, NEW, CT_TCP_SYN_SENT, 0 },
	{ 1, SYN | ACK, 1999, 1000, 0, EST, CT_TCP_SYN_RECV, 0 },
	{ 0, ACK, 1000, 2000, 0, EST, CT_TCP_ESTABLISHED, E | A },
	{ 0, ACK, 1000, 2000, 8000, EST, CT_TCP_ESTABLISHED, E | A | F },
	{ 1, ACK, 2000, 9000, 0, EST, CT_TCP_ESTABLISHED, E | A | F },
	{ 0, ACK | PSH, 9000, 2000, 8000, EST, CT_TCP_ESTABLISHED, E | A | F },
	{ 0, ACK, 9000 + 8192 * 3, 2000, 1, INV, CT_TCP_ESTABLISHED, E | A | O },
	{ 1, ACK, 2000, 17001, 0, INV, CT_TCP_ESTABLISHED, E | A | O },
	{ 0, FIN | ACK, 17000, 2000, 0, EST, CT_TCP_FIN_WAIT, C | A | O }, /* never alone */
	{ 1, ACK, 2000, 17001, 0, EST, CT_TCP_CLOSE_WAIT, C | A },
	{ 1, FIN | ACK, 2000, 17001, 0, EST, CT_TCP_LAST_ACK, C | A },
	{ 0, ACK, 17001, 2001, 0, EST, CT_TCP_TIME_WAIT, C | A },
};

static const struct script {
	const char *name;
	const struct line *line;
	unsigned int n;
} scripts[] = {
#define SCRIPT(s) \
	{ \
#s, s, RTE_DIM(s) \
	}
	SCRIPT(handshake),
	SCRIPT(refused),
	SCRIPT(reset),
	SCRIPT(picked_up),
	SCRIPT(simultaneous),
	SCRIPT(out_of_step),
	SCRIPT(strays),
	SCRIPT(windows),
	SCRIPT(fast),
};

static void
check_line(const struct script *script, unsigned int n, const struct ct_conn *c,
		const struct ct_verdict *v)
{
	const struct line *l = &script->line[n];
	unsigned int out = (v->established ? E : 0) | (v->closing ? C : 0) | (v->close ? X : 0) |
			(v->reopen ? R : 0) | (c->status & CT_S_ASSURED ? A : 0);

	if (v->state != l->state || c->tcp.state != l->tcp || out != (l->out & ~(F | O)))
		fail_msg("%s line %u: state %u, %s, flags %#x", script->name, n, v->state,
				ct_tcp_state_name(c->tcp.state), out);
}

/* The same at every place of the sequence space: nothing breaks where the numbers wrap. */
static void
test_scripts(void **state)
{
	static const uint32_t shifts[] = { 0, UINT32_MAX - 500, UINT32_MAX - 999, UINT32_MAX - 2000,
		1u << 31 };
	unsigned int i, n, k;

	(void)state;
	for (i = 0; i < RTE_DIM(scripts); i++) {
		for (k = 0; k < RTE_DIM(shifts); k++) {
			struct ct_table *t = table_create(1, 0, rcu);
			uint32_t conn = FLOW_NONE;

			for (n = 0; n < scripts[i].n; n++) {
				const struct line *l = &scripts[i].line[n];
				struct ct_verdict v;
				struct segment s;
				uint32_t ack = l->flags & ACK ? l->ack + shifts[k] : 0;
				/* The RST that refuses a SYN has no number of its own. */
				uint32_t seq = l->flags & RST && l->seq == 0 ? 0
									     : l->seq + shifts[k];

				if (n == 0)
					conn = open_tcp(t, l->flags, seq, ack);
				segment_make(&s, l->flags, seq, ack, l->len, (n + 1) * SECOND);
				if (l->out & (F | O))
					assert_int_equal(ct_track_fast(t, &ct_conns(t)[conn],
									 l->dir, &s.pkt),
							(l->out & F) != 0);
				/* Control says the same, also of what the fast path let through. */
				ct_track(t, conn, l->dir, &s.pkt, &v);
				check_line(&scripts[i], n, &ct_conns(t)[conn], &v);
				assert_sound(t);
			}
			ct_destroy(t);
		}
	}
}

/*
 * Window scaling: the SYN's own window is not scaled, later ones are, when both sides offered it.
 */
static void
test_scaling(void **state)
{
	static const struct {
		uint8_t original, reply; /* shift counts; 0xff: no option */
		uint32_t bytes; /* that may be sent after the SYN/ACK and an ACK with window 100 */
	} cases[] = {
		{ 7, 7, 100 << 7 },
		{ 0, 3, 8192 }, /* the SYN/ACK's window is larger than 100 << 3 */
		{ 7, 0xff, 8192 },
		{ 0xff, 7, 8192 },
		{ 7, 14, 100 << 14 },
		{ 7, 15, 100 << 14 },
	};
	unsigned int i, over;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		for (over = 0; over < 2; over++) {
			struct ct_table *t = table_create(1, 0, rcu);
			struct flow_tuple tuple = tuple4(IPPROTO_TCP, 1, 1000, 2, 80),
					  reply = reply_of(&tuple);
			struct ct_verdict v;
			struct segment s;
			uint32_t conn, seq = 1000 + cases[i].bytes;

			segment_make(&s, SYN, 999, 0, 0, 0);
			if (cases[i].original != 0xff) {
				memcpy(s.options, (uint8_t[]){ 1, 3, 3, cases[i].original }, 4);
				s.h.data_off = 6 << 4;
				s.pkt.l4_len = s.pkt.l4_avail = 24;
			}
			assert_int_equal(ct_open(t, &tuple, &reply, 0, &s.pkt, &conn), 0);
			ct_track(t, conn, 0, &s.pkt, &v);
			segment_make(&s, SYN | ACK, 1999, 1000, 0, 0);
			if (cases[i].reply != 0xff) {
				memcpy(s.options, (uint8_t[]){ 1, 3, 3, cases[i].reply }, 4);
				s.h.data_off = 6 << 4;
				s.pkt.l4_len = s.pkt.l4_avail = 24;
			}
			ct_track(t, conn, 1, &s.pkt, &v);
			ct_track(t, conn, 0, segment_make(&s, ACK, 1000, 2000, 0, 0), &v);
			segment_make(&s, ACK, 2000, 1000, 0, 0);
			s.h.rx_win = rte_cpu_to_be_16(100);
			ct_track(t, conn, 1, &s.pkt, &v);
			/* Beyond the window by more than the window: no stack does that. */
			if (over)
				seq += RTE_MAX(cases[i].bytes, 8192u) + 1;
			ct_track(t, conn, 0, segment_make(&s, ACK, seq, 2000, 0, 0), &v);
			assert_int_equal(v.state, over ? INV : EST);
			assert_int_equal(v.reason, over ? DROP_CT_TCP_WINDOW : DROP_NONE);
			ct_destroy(t);
		}
	}
}

/* Loose and liberal modes. */
static void
test_modes(void **state)
{
	struct flow_tuple tuple = tuple4(IPPROTO_TCP, 1, 1000, 2, 80);
	unsigned int mode;

	(void)state;
	for (mode = 0; mode < 4; mode++) {
		struct ct_params params = table_params(1, 0, rcu);
		struct ct_verdict v;
		struct segment s;
		struct ct_table *t;
		uint32_t conn;

		params.tcp_loose = mode & 1;
		params.tcp_liberal = mode & 2;
		t = ct_create(&params);
		assert_int_equal(ct_may_open(t, &tuple, segment_make(&s, ACK, 1, 1, 0, 0)),
				params.tcp_loose ? DROP_NONE : DROP_CT_INVALID);
		assert_int_equal(ct_may_open(t, &tuple, segment_make(&s, SYN, 1, 0, 0, 0)),
				DROP_NONE);
		assert_int_equal(ct_may_open(t, &tuple, segment_make(&s, SYN | ACK, 1, 1, 0, 0)),
				DROP_CT_INVALID);
		conn = open_tcp(t, SYN, 999, 0);
		ct_track(t, conn, 0, segment_make(&s, SYN, 999, 0, 0, 0), &v);
		ct_track(t, conn, 1, segment_make(&s, SYN | ACK, 1999, 1000, 0, 0), &v);
		ct_track(t, conn, 0, segment_make(&s, ACK, 1000 + 1000000, 2000, 0, 0), &v);
		assert_int_equal(v.state, params.tcp_liberal ? EST : INV);
		ct_destroy(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_scaling),
		cmocka_unit_test(test_modes),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	if (rcu == NULL || rte_rcu_qsbr_init(rcu, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
