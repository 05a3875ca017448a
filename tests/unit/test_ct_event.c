/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events: which ones a connection's life gives, sequence numbers without gaps, what a slow reader is told that it lost,
 * the ring's turning, several readers, and that nothing is recorded while nobody listens.
 */
#include "test_ct.h"

#define RING 8
#define NOW (1000 * SECOND)

static struct rte_rcu_qsbr *rcu;

static struct ct_table *
make(struct ct_events_params events)
{
	struct ct_params p = table_params(64, 8, rcu);
	struct ct_table *t;

	p.events = events;
	t = ct_create(&p);
	assert_non_null(t);
	return t;
}

static struct ct_packet
packet(struct pkt_info *info, const struct rte_tcp_hdr *tcp, uint64_t now)
{
	return (struct ct_packet){ .info = info,
		.l4 = (const uint8_t *)tcp,
		.l4_len = sizeof(*tcp),
		.l4_avail = sizeof(*tcp),
		.now = now };
}

static uint32_t
open_udp(struct ct_table *t, uint16_t port, uint64_t now)
{
	static const struct rte_tcp_hdr none;
	struct flow_tuple o = tuple4(IPPROTO_UDP, 1, port, 2, 53), r;
	struct pkt_info info = { .family = 4, .proto = IPPROTO_UDP, .l3_len = 48 };
	struct ct_packet pkt = packet(&info, &none, now);
	struct ct_verdict v;
	uint32_t conn;

	assert_true(flow_tuple_reply(&o, &r));
	assert_int_equal(ct_open(t, &o, &r, 3, &pkt, &conn), 0);
	ct_track(t, conn, FLOW_ORIGINAL, &pkt, &v);
	return conn;
}

static void
answer_udp(struct ct_table *t, uint32_t conn, uint64_t now)
{
	static const struct rte_tcp_hdr none;
	struct pkt_info info = { .family = 4, .proto = IPPROTO_UDP, .l3_len = 48 };
	struct ct_packet pkt = packet(&info, &none, now);
	struct ct_verdict v;

	ct_track(t, conn, FLOW_REPLY, &pkt, &v);
}

/* One segment of a connection; it is opened when *conn is FLOW_NONE. */
static void
tcp(struct ct_table *t, uint32_t *conn, enum flow_dir dir, uint8_t flags, uint32_t seq,
		uint32_t ack)
{
	struct flow_tuple o = tuple4(IPPROTO_TCP, 1, 1000, 2, 80), r;
	struct pkt_info info = {
		.family = 4, .proto = IPPROTO_TCP, .tcp_flags = flags, .l3_len = 40
	};
	struct rte_tcp_hdr h = { .data_off = 5 << 4, .tcp_flags = flags };
	struct ct_packet pkt = packet(&info, &h, NOW);
	struct ct_verdict v;

	h.sent_seq = rte_cpu_to_be_32(seq);
	h.recv_ack = rte_cpu_to_be_32(ack);
	h.rx_win = rte_cpu_to_be_16(10000);
	assert_true(flow_tuple_reply(&o, &r));
	if (*conn == FLOW_NONE)
		assert_int_equal(ct_open(t, &o, &r, 0, &pkt, conn), 0);
	ct_track(t, *conn, dir, &pkt, &v);
	assert_int_equal(v.reason, DROP_NONE);
}

static const struct ct_event *
next(struct ct_table *t, struct ct_reader *r)
{
	uint64_t lost;
	const struct ct_event *e = ct_events_next(t, r, &lost);

	assert_int_equal(lost, 0);
	return e;
}

static const struct ct_event *
expect(struct ct_table *t, struct ct_reader *r, enum ct_event_kind kind, uint32_t conn)
{
	const struct ct_event *e = next(t, r);

	assert_non_null(e);
	assert_int_equal(e->kind, kind);
	assert_int_equal(e->conn, conn);
	return e;
}

/* ---- what is recorded ---- */

static void
test_life_of_tcp(void **state)
{
	struct ct_table *t = make((struct ct_events_params){ .ring = 64 });
	const struct ct_event *e;
	struct ct_reader r;
	uint32_t c = FLOW_NONE;
	unsigned int i;
	static const struct {
		enum flow_dir dir;
		uint8_t flags;
		uint32_t seq, ack;
		uint8_t changed; /* 0: no event */
		uint8_t state;
	} steps[] = {
		{ FLOW_REPLY, RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG, 500, 101,
				CT_CHANGED_REPLY | CT_CHANGED_STATE, CT_TCP_SYN_RECV },
		{ FLOW_ORIGINAL, RTE_TCP_ACK_FLAG, 101, 501, CT_CHANGED_ASSURED | CT_CHANGED_STATE,
				CT_TCP_ESTABLISHED },
		{ FLOW_ORIGINAL, RTE_TCP_ACK_FLAG, 101, 501, 0, 0 },
		{ FLOW_ORIGINAL, RTE_TCP_ACK_FLAG | RTE_TCP_FIN_FLAG, 101, 501, CT_CHANGED_STATE,
				CT_TCP_FIN_WAIT },
	};

	(void)state;
	assert_int_equal(ct_events_open(t, &r), 0);
	tcp(t, &c, FLOW_ORIGINAL, RTE_TCP_SYN_FLAG, 100, 0);
	e = expect(t, &r, CT_EVENT_NEW, c);
	assert_int_equal(e->sequence, 0);
	assert_int_equal(e->time, NOW);
	assert_int_equal(e->state, CT_TCP_SYN_SENT);
	assert_int_equal(e->status & CT_S_SEEN_REPLY, 0);
	assert_int_equal(e->expires, 120);
	assert_int_equal(rte_be_to_cpu_16(e->tuple[FLOW_ORIGINAL].key.sport), 1000);
	assert_int_equal(rte_be_to_cpu_16(e->tuple[FLOW_REPLY].key.sport), 80);
	for (i = 0; i < RTE_DIM(steps); i++) {
		tcp(t, &c, steps[i].dir, steps[i].flags, steps[i].seq, steps[i].ack);
		if (steps[i].changed == 0) {
			assert_null(next(t, &r));
			continue;
		}
		e = expect(t, &r, CT_EVENT_UPDATE, c);
		assert_int_equal(e->changed, steps[i].changed);
		assert_int_equal(e->state, steps[i].state);
	}
	ct_conns(t)[c].mark = 9;
	ct_changed(t, c, CT_CHANGED_MARK);
	e = expect(t, &r, CT_EVENT_UPDATE, c);
	assert_int_equal(e->changed, CT_CHANGED_MARK);
	assert_int_equal(e->mark, 9);
	ct_conns(t)[c].flow[FLOW_REPLY].packets = 77;
	ct_conns(t)[c].flow[FLOW_ORIGINAL].bytes = 1234;
	ct_close_for(t, c, CT_WHY_FLUSHED);
	ct_close_for(t, c, CT_WHY_FLUSHED); /* only once */
	e = expect(t, &r, CT_EVENT_DESTROY, c);
	assert_int_equal(e->why, CT_WHY_FLUSHED);
	assert_int_equal(e->packets[FLOW_REPLY], 77);
	assert_int_equal(e->bytes[FLOW_ORIGINAL], 1234);
	assert_null(next(t, &r));
	ct_events_close(t, &r);
	ct_destroy(t);
}

static void
test_expiry_and_close(void **state)
{
	struct ct_table *t = make((struct ct_events_params){ .ring = 64 });
	struct ct_reader r;
	uint32_t a, b, closed[8];
	const struct ct_event *e;

	(void)state;
	assert_int_equal(ct_events_open(t, &r), 0);
	a = open_udp(t, 1, NOW);
	b = open_udp(t, 2, NOW);
	expect(t, &r, CT_EVENT_NEW, a);
	expect(t, &r, CT_EVENT_NEW, b);
	answer_udp(t, b, NOW + 10 * SECOND);
	assert_int_equal(expect(t, &r, CT_EVENT_UPDATE, b)->changed & CT_CHANGED_REPLY,
			CT_CHANGED_REPLY);
	assert_int_equal(ct_age(t, NOW + 31 * SECOND, closed, 8), 1);
	e = expect(t, &r, CT_EVENT_DESTROY, a);
	assert_int_equal(e->why, CT_WHY_EXPIRED);
	assert_int_equal(e->time, NOW + 31 * SECOND);
	ct_close(t, b);
	assert_int_equal(expect(t, &r, CT_EVENT_DESTROY, b)->why, CT_WHY_CLOSED);
	ct_events_close(t, &r);
	ct_destroy(t);
}

/* A connection whose first packet nobody tracks is announced all the same, and before its end. */
static void
test_never_tracked(void **state)
{
	struct ct_table *t = make((struct ct_events_params){ .ring = 64 });
	struct flow_tuple o = tuple4(IPPROTO_UDP, 1, 9, 2, 53), reply;
	static const struct rte_tcp_hdr none;
	struct pkt_info info = { .family = 4, .proto = IPPROTO_UDP, .l3_len = 48 };
	struct ct_packet pkt = packet(&info, &none, NOW);
	struct ct_reader r;
	uint32_t c;

	(void)state;
	assert_int_equal(ct_events_open(t, &r), 0);
	assert_true(flow_tuple_reply(&o, &reply));
	assert_int_equal(ct_open(t, &o, &reply, 0, &pkt, &c), 0);
	ct_changed(t, c, CT_CHANGED_MARK); /* part of its opening */
	ct_close(t, c);
	expect(t, &r, CT_EVENT_NEW, c);
	expect(t, &r, CT_EVENT_DESTROY, c);
	assert_null(next(t, &r));
	assert_int_equal(ct_open(t, &o, &reply, 0, &pkt, &c), 0);
	expect(t, &r, CT_EVENT_NEW, c);
	ct_events_close(t, &r);
	ct_destroy(t);
}

static void
test_kinds(void **state)
{
	struct ct_table *t = make((struct ct_events_params){
			.ring = RING, .kinds = 1u << CT_EVENT_DESTROY, .always = true });
	struct ct_event_stats s;
	struct ct_reader r;
	uint32_t c;

	(void)state;
	c = open_udp(t, 1, NOW);
	answer_udp(t, c, NOW);
	ct_close(t, c);
	ct_event_stats(t, &s);
	assert_true(s.on);
	assert_int_equal(s.readers, 0);
	assert_int_equal(s.next, 1);
	assert_int_equal(s.written[CT_EVENT_DESTROY], 1);
	ct_events_recent(t, &r, 100);
	expect(t, &r, CT_EVENT_DESTROY, c);
	ct_destroy(t);
}

static void
test_nobody_listens(void **state)
{
	struct ct_table *t = make((struct ct_events_params){ .ring = RING });
	struct ct_table *without = make((struct ct_events_params){ .ring = 0, .always = true });
	struct ct_event_stats s;
	struct ct_reader r;
	uint32_t c;

	(void)state;
	ct_close(t, open_udp(t, 1, NOW));
	ct_event_stats(t, &s);
	assert_int_equal(s.next, 0);
	assert_false(s.on);
	/* From the reader's coming to its going. */
	c = open_udp(t, 2, NOW);
	assert_int_equal(ct_events_open(t, &r), 0);
	assert_null(next(t, &r));
	ct_close(t, c);
	expect(t, &r, CT_EVENT_DESTROY, c);
	ct_events_close(t, &r);
	open_udp(t, 3, NOW);
	ct_event_stats(t, &s);
	assert_int_equal(s.next, 1);

	assert_int_equal(ct_events_open(without, &r), -ENOTSUP);
	ct_close(without, open_udp(without, 1, NOW));
	ct_events_recent(without, &r, 5);
	assert_null(next(without, &r));
	ct_destroy(without);
	ct_destroy(t);
}

/* ---- the ring ---- */

/* Each gives two events. */
static void
pairs(struct ct_table *t, unsigned int n)
{
	for (; n > 0; n--) {
		ct_close(t, open_udp(t, (uint16_t)n, NOW));
		while (ct_reclaim(t, NULL, 64) != 0)
			;
	}
}

/* A reader that keeps up sees every number once, however often the ring turns; one that does not is told how many. */
static void
test_fast_and_slow(void **state)
{
	struct ct_table *t = make((struct ct_events_params){ .ring = RING - 1 }); /* rounded up */
	struct ct_reader fast, slow, never;
	const struct ct_event *e;
	struct ct_event_stats s;
	uint64_t expected = 0, lost, i;
	unsigned int round;

	(void)state;
	assert_int_equal(ct_events_open(t, &fast), 0);
	assert_int_equal(ct_events_open(t, &slow), 0);
	for (round = 0; round < 100; round++) {
		pairs(t, 1 + round % (RING / 2)); /* up to a full ring */
		while ((e = next(t, &fast)) != NULL)
			assert_int_equal(e->sequence, expected++);
	}
	ct_event_stats(t, &s);
	assert_int_equal(s.ring, RING);
	assert_int_equal(s.next, expected);

	e = ct_events_next(t, &slow, &lost);
	assert_int_equal(lost, expected - RING);
	assert_non_null(e);
	for (i = expected - RING; i < expected; i++) {
		assert_int_equal(e->sequence, i);
		e = next(t, &slow); /* said once */
	}
	assert_null(e);
	ct_event_stats(t, &s);
	assert_int_equal(s.lost, expected - RING);

	/* Just full is no loss, one more is one. */
	never = slow;
	pairs(t, RING / 2);
	assert_int_equal(next(t, &never)->sequence, expected);
	ct_close(t, open_udp(t, 7, NOW));
	e = ct_events_next(t, &never, &lost);
	assert_int_equal(lost, 1);
	assert_int_equal(e->sequence, expected + 2);
	ct_events_close(t, &slow);
	assert_int_equal(
			ct_events_next(t, &fast, &lost)->sequence, expected + 2); /* others go on */
	assert_int_equal(lost, 2);
	ct_events_close(t, &fast);
	ct_destroy(t);
}

static void
test_recent(void **state)
{
	struct ct_table *t = make((struct ct_events_params){ .ring = RING, .always = true });
	struct ct_reader r;

	(void)state;
	ct_events_recent(t, &r, 5);
	assert_null(next(t, &r));
	pairs(t, 1);
	ct_events_recent(t, &r, 5);
	assert_int_equal(next(t, &r)->sequence, 0);
	pairs(t, 10);
	ct_events_recent(t, &r, 3);
	assert_int_equal(next(t, &r)->sequence, 22 - 3);
	ct_events_recent(t, &r, UINT64_MAX);
	assert_int_equal(next(t, &r)->sequence, 22 - RING);
	ct_destroy(t);
}

static int
setup(void **state)
{
	(void)state;
	rcu = rcu_create(1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rte_free(rcu);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_of_tcp),
		cmocka_unit_test(test_expiry_and_close),
		cmocka_unit_test(test_never_tracked),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_fast_and_slow),
		cmocka_unit_test(test_recent),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
