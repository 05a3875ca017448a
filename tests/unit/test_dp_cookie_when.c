/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When SYN cookies are used, and for which packets: thresholds, full rings, ports, destinations, broken packets.
 */
#include "test_dp_talk.h"

/* ---- when ---------------------------------------------------------------------------------------------------------- */

static uint32_t
half_open(void)
{
	struct ct_stats s;

	ct_stats(rig.dp->ct, &s);
	return s.half_open;
}

static void
automatic(void **state)
{
	struct talk t = linux_talk(6000), late = linux_talk(6001), stranger = linux_talk(6002);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"threshold\": 20", ROOM), 1);
	for (uint16_t i = 0; i < 20; i++) {
		const struct talk flood = { .port = (uint16_t)(10000 + i) };

		s = syn(i);
		client_says(&flood, &s);
		server_gets(&flood, &s);
	}
	assert_int_equal(half_open(), 20);
	assert_int_equal(sent(), 0);
	/* Now they are used, for the good and the bad. */
	for (uint16_t i = 0; i < 50; i++) {
		const struct talk flood = { .port = (uint16_t)(20000 + i) };

		s = syn(i);
		client_says(&flood, &s);
		client_gets(&flood, &s);
	}
	assert_int_equal(sent(), 50);
	assert_int_equal(connections(), 20);
	handshake(&t, 1460);
	client_opens(&late);
	/* The half-open ones go; for some seconds nothing changes, then SYNs go their ordinary way again. */
	rig.now += 119 * S;
	rig_settle(&rig);
	client_opens(&late);
	rig.now += 2 * S;
	rig_settle(&rig);
	assert_int_equal(half_open(), 0);
	rig.now += 6 * S;
	rig_settle(&rig);
	s = syn(1);
	client_says(&stranger, &s);
	server_gets(&stranger, &s);
	assert_int_equal(s.flags, TCP_SYN);
	/* What was sent is still good, and what is no cookie goes the ordinary way: picked up in the middle. */
	s = client_ack(&late);
	client_says(&late, &s);
	server_gets_syn(&late, 1460);
	stranger.port++;
	s = client_ack(&late);
	s.ack = 99;
	client_says(&stranger, &s);
	server_gets(&stranger, &s);
	assert_int_equal(s.ack, 99);
	assert_int_equal(rig_drops(&rig, DROP_SYN_COOKIE), 0);
	exchange(&t, 2);
	nothing_left();
	rig_close(&rig);
}

/* Half a threshold is the way back. */
static void
hysteresis(void **state)
{
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"threshold\": 20", ROOM), 1);
	for (uint16_t i = 0; i < 20; i++) {
		struct talk flood = { .port = (uint16_t)(10000 + i) };

		if (i == 11) /* so many are there when the others have gone */
			rig.now += 60 * S;
		s = syn(i);
		client_says(&flood, &s);
		server_gets(&flood, &s);
	}
	assert_int_equal(half_open(), 20);
	rig.now += 61 * S;
	rig_settle(&rig);
	assert_int_equal(half_open(), 9);
	assert_int_equal(rig.dp->cookies.state, COOKIES_ACTIVE);
	rig.now += 4 * S;
	rig_settle(&rig);
	assert_int_equal(rig.dp->cookies.state, COOKIES_ACTIVE);
	rig.now += 2 * S;
	rig_settle(&rig);
	assert_int_equal(rig.dp->cookies.state, COOKIES_ACCEPT);
	rig.now += 129 * S;
	rig_settle(&rig);
	assert_int_equal(rig.dp->cookies.state, COOKIES_OFF);
	rig_close(&rig);
}

static void
never(void **state)
{
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"off\", \"threshold\": 1", ROOM), 1);
	for (uint16_t i = 0; i < 30; i++) {
		const struct talk flood = { .port = (uint16_t)(10000 + i) };

		s = syn(i);
		client_says(&flood, &s);
		server_gets(&flood, &s);
	}
	assert_int_equal(connections(), 30);
	rig_close(&rig);
}

/* Strangers fill their share of the ring: the worker helps itself, before control has counted anything. */
static void
ring_full(void **state)
{
	struct talk t = linux_talk(7000);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"threshold\": 1000", "\"connections\": 1024, \"ring-size\": 64"), 1);
	for (uint16_t i = 0; i < 300; i++) {
		const struct talk flood = { .port = (uint16_t)(10000 + i) };
		const struct ends e = from_client(&flood);

		s = syn(i);
		feed_seg(0, &e, &s);
	}
	for (unsigned int i = 0; i < 10; i++)
		rig_worker(&rig, 0);
	assert_true(rig_drops(&rig, DROP_CONTROL_RING_FULL) > 0);
	assert_true(sent() > 100);
	assert_int_equal(rig.dp->cookies.state, COOKIES_OFF);
	rig_settle(&rig);
	(void)left(0), (void)left(1);
	client_opens(&t);
	rig.now += 6 * S; /* and it calms down: what it sent is good for two turns of the counter */
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	server_agrees(&t);
	t.port++;
	s = syn(1);
	client_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.flags, TCP_SYN);
	rig_close(&rig);
}

/* ---- which ----------------------------------------------------------------------------------------------------------- */

static void
expect_cookie(unsigned int port, const struct ends *e, bool cookie)
{
	const uint64_t before = sent();
	struct seg s = syn(9);

	run(port, e, &s);
	assert_int_equal(sent() - before, cookie);
	for (unsigned int i = 0; i < 3; i++)
		(void)left(i);
}

static void
which_ones(void **state)
{
	const struct ends vip = { "198.51.100.7", "192.0.2.10", 1, 80 },
			  vip6 = { "2001:db8:e::7", "2001:db8:1::10", 1, 80 },
			  other_port = { "198.51.100.7", "192.0.2.10", 1, 81 },
			  routed = { "198.51.100.7", "10.0.0.11", 1, 80 },
			  by_route = { "198.51.100.7", "192.0.2.200", 1, 80 },
			  nowhere = { "198.51.100.7", "172.16.0.1", 1, 80 },
			  own = { "198.51.100.7", "198.51.100.2", 1, 80 },
			  inside = { "10.0.0.11", "192.0.2.10", 1, 80 };

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	expect_cookie(0, &vip, true);
	expect_cookie(0, &vip6, true);
	expect_cookie(0, &other_port, false);
	expect_cookie(0, &routed, false);
	expect_cookie(1, &inside, false);
	rig_close(&rig);
	open_(COOKIE_CONFIG("\"mode\": \"on\", \"protect\": \"all\"", ROOM), 1);
	expect_cookie(0, &vip, true);
	expect_cookie(0, &vip6, true);
	expect_cookie(0, &other_port, false); /* an own address */
	expect_cookie(0, &routed, true);
	expect_cookie(0, &by_route, true);
	expect_cookie(0, &nowhere, false);
	expect_cookie(0, &own, false);
	expect_cookie(1, &inside, false);
	rig_close(&rig);
}

/* Without a service: nothing is translated but the numbers. */
static void
routed(void **state)
{
	const struct ends up = { "198.51.100.7", "10.0.0.11", 1234, 22 },
			  down = { "10.0.0.11", "198.51.100.7", 22, 1234 };
	struct seg s = syn(5), ack;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\", \"protect\": \"all\"", ROOM), 1);
	run(0, &up, &s);
	take(0, &down, &s);
	ack = (struct seg){
		.flags = TCP_ACK, .seq = 6, .ack = s.seq + 1, .win = 1000, .o.scale = -1
	};
	run(0, &up, &ack);
	take(1, &up, &ack);
	assert_int_equal(ack.flags, TCP_SYN);
	assert_int_equal(ack.seq, 5);
	ack = (struct seg){ .flags = TCP_SYN | TCP_ACK,
		.seq = 90,
		.ack = 6,
		.win = 1000,
		.o = { .mss = 1460, .scale = -1 } };
	run(1, &down, &ack);
	take(1, &up, &ack);
	assert_int_equal(ack.ack, 91);
	take(0, &down, &ack);
	assert_int_equal(ack.seq, s.seq + 1);
	assert_int_equal(ack.win, 1000);
	nothing_left();
	rig_close(&rig);
}

/* Not answered: broken ones, those that a router answers, other flags. */
static void
not_plain(void **state)
{
	const struct talk t = linux_talk(8000);
	const struct ends e = from_client(&t);
	static const uint8_t flags[] = { 0, TCP_FIN, TCP_RST, TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST,
		TCP_SYN | TCP_ACK, TCP_PSH };
	struct frame f;
	struct seg s = syn(1);

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	for (unsigned int i = 0; i < RTE_DIM(flags); i++) {
		s = syn(1);
		s.flags = flags[i];
		run(0, &e, &s);
		nothing_left();
	}
	s = syn(1);
	build(&f, &e, &s);
	f.b[14 + 20 + 16] ^= 1; /* checksum */
	assert_true(rig_feed(&rig, 0, 0, &f));
	rig_settle(&rig);
	nothing_left();
	assert_int_equal(rig_drops(&rig, DROP_TCP_CHECKSUM), 1);
	build(&f, &e, &s);
	f.b[14 + 8] = 1; /* TTL */
	set(f.b + 24, 0, 2);
	set(f.b + 24, ~sum(f.b + 14, 20, 0), 2);
	assert_true(rig_feed(&rig, 0, 0, &f));
	rig_settle(&rig);
	assert_int_equal(rig_drops(&rig, DROP_TTL_EXPIRED), 1);
	assert_int_equal(sent(), 0);
	rig_close(&rig);
}

/* Control has its SYN already, and may be opening the connection: the repeated one goes there too. */
static void
while_control_has_it(void **state)
{
	const struct talk t = linux_talk(8001);
	const struct ends e = from_client(&t);
	struct seg s = syn(1);

	(void)state;
	open_(COOKIE_CONFIG("\"threshold\": 1000", ROOM), 1);
	feed_seg(0, &e, &s);
	rig_worker(&rig, 0);
	rig.dp->cookies.state = COOKIES_ACTIVE;
	feed_seg(0, &e, &s);
	rig_worker(&rig, 0);
	assert_int_equal(sent(), 0);
	rig_settle(&rig);
	assert_int_equal(connections(), 1);
	assert_int_equal(left(1), 2);
	rig_close(&rig);
}

/* A reader may miss an entry that is being moved: an ACK of a connection is not dropped for that. */
static void
missed(void **state)
{
	struct dp_worker *w;
	struct talk t = linux_talk(8002);
	const struct ends e = from_client(&t);
	struct pkt_burst *b;
	struct frame f;
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	w = rig.dp->workers[0];
	b = &w->burst;
	handshake(&t, 1460);
	for (unsigned int known = 0; known < 2; known++) {
		s = (struct seg){ .flags = TCP_ACK, .seq = t.isn + 1, .ack = 1, .o.scale = -1 };
		build(&f, &e, &s);
		if (!known)
			set(f.b + 34, 8003, 2); /* its checksum is of no concern here */
		b->n = 1;
		b->port = 0;
		b->mbuf[0] = rte_pktmbuf_alloc(rig.dp->pool);
		assert_non_null(b->mbuf[0]);
		memcpy(rte_pktmbuf_append(b->mbuf[0], (uint16_t)f.len), f.b, f.len);
		parse_burst(b, &rig.dp->ports[0].parse);
		b->info[0].flags &= (uint16_t) ~(PKT_F_INVALID | PKT_F_CONTROL);
		parse_one(b->mbuf[0],
				&(struct parse_params){ .promiscuous = true,
						.hasher = *ct_hasher(rig.dp->ct) },
				&b->info[0], &b->key[0]);
		b->hash[0] = flow_hasher_hash(ct_hasher(rig.dp->ct), &b->key[0]);
		b->flow[0] = FLOW_NONE;
		assert_int_equal(worker_cookie(w, b, 0, rig.now), !known);
		assert_int_equal(rig_drops(&rig, DROP_SYN_COOKIE), 1);
		if (known)
			rte_pktmbuf_free(b->mbuf[0]);
	}
	rig_destroy(&rig);
}

/* Out of a full ring nothing is lost that was there: 10,000 SYNs beside a connection that goes on. */
static void
flood_beside(void **state)
{
	struct talk t = linux_talk(9000);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	handshake(&t, 1460);
	for (unsigned int i = 0; i < 10000; i++) {
		const struct talk flood = { .port = (uint16_t)(10000 + i) };
		const struct ends e = from_client(&flood);

		s = syn(i);
		feed_seg(0, &e, &s);
		if (i % 50 == 49) {
			rig_settle(&rig);
			assert_int_equal(left(0), 50);
		}
	}
	exchange(&t, 3);
	assert_int_equal(connections(), 1);
	assert_int_equal(sent(), 10001);
	assert_int_equal(rig_punts(&rig, PUNT_MISS), 0);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(automatic),
		cmocka_unit_test(hysteresis),
		cmocka_unit_test(never),
		cmocka_unit_test(ring_full),
		cmocka_unit_test(which_ones),
		cmocka_unit_test(routed),
		cmocka_unit_test(not_plain),
		cmocka_unit_test(while_control_has_it),
		cmocka_unit_test(missed),
		cmocka_unit_test(flood_beside),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
