/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies through the whole dataplane: the dialogue with client and server, with every set of options of either;
 * wrong, old and repeated ACKs; servers that refuse, remember or are silent; no room.
 */
#include "test_dp_talk.h"

static void
every_set_of_options(void **state)
{
	static const int8_t scales[] = { -1, 0, 2, 7, 14 };
	uint16_t port = 1024;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	for (unsigned int c = 0; c < 2 * 2 * 5; c++)
		for (unsigned int s = 0; s < 2 * 2 * 5; s++, port++) {
			struct talk t = {
				.v6 = (c + s) % 2,
				.port = port,
				.isn = port * UINT32_C(0x9e3779b9),
				.server_isn = port * UINT32_C(0x85ebca6b),
				.client = { .mss = 1452,
						.ts = c & 1,
						.sack = c & 2,
						.scale = scales[c / 4],
						.tsval = 1000 + c },
				.server = { .mss = 1460,
						.ts = s & 1,
						.sack = s & 2,
						.scale = scales[s / 4],
						.tsval = 0xfffffffe },
			};

			dialogue(&t, 1440);
		}
	rig_close(&rig);
}

/* As its administrator says: without timestamps nothing is agreed on but the MSS. */
static void
without_timestamps(void **state)
{
	struct talk t = linux_talk(2000);

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\", \"timestamps\": false", ROOM), 1);
	dialogue(&t, 1460);
	rig_close(&rig);
}

/* A client without any option, of either family. */
static void
no_options(void **state)
{
	struct talk t = linux_talk(2001), t6 = linux_talk(2002);

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	t.client = t6.client = (struct opts){ .scale = -1 };
	t6.v6 = true;
	dialogue(&t, 536);
	dialogue(&t6, 1220);
	rig_close(&rig);
}

/* ---- ACKs --------------------------------------------------------------------------------------------------------- */

static void
wrong_cookies(void **state)
{
	struct talk t = linux_talk(3000);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	client_opens(&t);
	for (unsigned int bit = 0; bit < 32; bit++) {
		s = client_ack(&t);
		s.ack ^= UINT32_C(1) << bit;
		client_says(&t, &s);
		nothing_left();
		assert_int_equal(rig_drops(&rig, DROP_SYN_COOKIE), bit + 1);
	}
	/* No ACK reached control, let alone opened anything; nor does one of nowhere, with data or a FIN. */
	s = client_ack(&t);
	s.ack = 5, s.len = 200;
	client_says(&t, &s);
	s.flags = TCP_FIN | TCP_ACK;
	client_says(&t, &s);
	assert_int_equal(rig_drops(&rig, DROP_SYN_COOKIE), 34);
	assert_int_equal(rig_punts(&rig, PUNT_COOKIE), 0);
	assert_int_equal(rig_punts(&rig, PUNT_MISS), 0);
	assert_int_equal(connections(), 0);
	rig_close(&rig);
}

static void
old_cookies(void **state)
{
	struct talk young = linux_talk(3001), old = linux_talk(3002);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	rig.now = 640 * S; /* the counter turns */
	client_opens(&young);
	client_opens(&old);
	rig.now += 127 * S;
	s = client_ack(&young);
	client_says(&young, &s);
	server_gets_syn(&young, 1460);
	rig.now += 1 * S;
	s = client_ack(&old);
	client_says(&old, &s);
	nothing_left();
	assert_int_equal(rig_drops(&rig, DROP_SYN_COOKIE), 1);
	assert_int_equal(connections(), 1);
	rig_close(&rig);
}

/* The ACK again, data, a probe, a FIN, before the server has answered: each repeats the SYN, and none opens another. */
static void
repeated_before_answer(void **state)
{
	struct talk t = linux_talk(3003);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	client_opens(&t);
	for (unsigned int i = 0; i < 5; i++) {
		s = client_ack(&t);
		s.len = i == 1 ? 100 : 0;
		s.seq -= i == 2;
		s.flags |= i == 3 ? TCP_FIN : 0;
		client_says(&t, &s);
		server_gets_syn(&t, 1460);
		nothing_left();
		assert_int_equal(connections(), 1);
	}
	s = client_ack(&t);
	s.ack++; /* no cookie */
	client_says(&t, &s);
	nothing_left();
	assert_int_equal(rig_drops(&rig, DROP_SYN_COOKIE), 1);
	server_agrees(&t);
	exchange(&t, 3);
	/* And after: an ordinary ACK that is late. */
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.ack, t.server_isn + 1);
	assert_int_equal(s.flags, TCP_ACK);
	nothing_left();
	assert_int_equal(connections(), 1);
	rig_close(&rig);
}

/* The first one is lost: the client probes the closed window. */
static void
first_ack_lost(void **state)
{
	struct talk t = linux_talk(3004);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	client_opens(&t);
	s = client_ack(&t);
	s.seq--;
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	server_agrees(&t);
	exchange(&t, 2);
	rig_close(&rig);
}

/* Our last ACK is lost: the server repeats its SYN/ACK, and the client's answer to that completes its handshake. */
static void
last_ack_lost(void **state)
{
	struct talk t = linux_talk(3005);
	struct seg s = { .flags = TCP_SYN | TCP_ACK, .win = 65160 };

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	handshake(&t, 1460);
	s.seq = t.server_isn;
	s.ack = t.isn + 1;
	s.o = agreed(&t);
	server_says(&t, &s);
	client_gets(&t, &s);
	assert_int_equal(s.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(s.seq, t.cookie);
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.ack, t.server_isn + 1);
	exchange(&t, 3); /* the scales are what they were */
	rig_close(&rig);
}

/* ---- servers ------------------------------------------------------------------------------------------------------- */

static void
server_refuses(void **state)
{
	struct talk t = linux_talk(4000);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	client_opens(&t);
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	s = (struct seg){ .flags = TCP_RST | TCP_ACK, .ack = t.isn + 5, .o.scale = -1 };
	server_says(&t, &s); /* not about our SYN */
	nothing_left();
	assert_int_equal(connections(), 1);
	s = (struct seg){ .flags = TCP_RST | TCP_ACK, .ack = t.isn + 1, .o.scale = -1 };
	server_says(&t, &s);
	client_gets(&t, &s);
	assert_int_equal(s.flags, TCP_RST | TCP_ACK);
	assert_int_equal(s.seq, t.cookie + 1);
	assert_int_equal(s.ack, t.isn + 1);
	nothing_left();
	assert_int_equal(connections(), 0);
	rig_close(&rig);
}

/* It has an old connection with these ports: that is reset, and the next packet of the client's opens the new one. */
static void
server_remembers(void **state)
{
	struct talk t = linux_talk(4001);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	client_opens(&t);
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	s = (struct seg){ .flags = TCP_ACK, .seq = 77, .ack = 1234567, .o.scale = -1 };
	server_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.flags, TCP_RST);
	assert_int_equal(s.seq, 1234567);
	nothing_left();
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	server_agrees(&t);
	exchange(&t, 2);
	rig_close(&rig);
}

static void
server_silent(void **state)
{
	struct talk t = linux_talk(4002);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	rig.now = 640 * S;
	client_opens(&t);
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	rig.now += 100 * S;
	client_says(&t, &s); /* repeated to nobody: does not keep it alive */
	server_gets_syn(&t, 1460);
	rig.now += 21 * S;
	rig_settle(&rig);
	assert_int_equal(connections(), 0);
	rig_close(&rig);
}

static void
client_gives_up(void **state)
{
	struct talk t = linux_talk(4003);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	client_opens(&t);
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	s = (struct seg){ .flags = TCP_RST, .seq = t.isn + 2, .o.scale = -1 };
	client_says(&t, &s); /* somebody guesses */
	nothing_left();
	assert_int_equal(connections(), 1);
	s.seq = t.isn + 1;
	client_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.flags, TCP_RST);
	assert_int_equal(s.seq, t.isn + 1);
	nothing_left();
	assert_int_equal(connections(), 0);

	/* Or it begins anew: that SYN goes the ordinary way. A late one of the old is nothing. */
	client_opens(&t);
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	s = (struct seg){ .flags = TCP_SYN, .seq = t.isn, .win = 64240, .o = t.client };
	client_says(&t, &s);
	nothing_left();
	s = (struct seg){ .flags = TCP_SYN, .seq = t.isn + 100000, .win = 64240, .o = t.client };
	client_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.flags, TCP_SYN);
	assert_int_equal(s.seq, t.isn + 100000);
	assert_int_equal(connections(), 1);
	rig_close(&rig);
}

/* The client's window is what it says by its scale, also when the server does not scale: 120 segments, half of them at once. */
static void
window_of_client(void **state)
{
	struct talk t = linux_talk(4005);
	struct seg first;

	(void)state;
	t.server.scale = -1;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	client_opens(&t);
	first = client_ack(&t);
	first.win = 10; /* 1280 bytes, and more later */
	client_says(&t, &first);
	server_gets(&t, &first);
	assert_int_equal(first.win, 1280);
	server_agrees(&t);
	first = client_ack(&t);
	client_says(&t, &first);
	server_gets(&t, &first);
	for (uint32_t i = 0; i < 120; i++) {
		struct seg s = { .flags = TCP_ACK,
			.seq = t.server_isn + 1 + 1400 * i,
			.ack = t.isn + 1,
			.win = 900,
			.len = 1400,
			.o.scale = -1 };

		server_says(&t, &s);
		client_gets(&t, &s);
		assert_int_equal(s.seq, t.cookie + 1 + 1400 * i);
		if (i % 40 != 39)
			continue;
		s = client_ack(&t);
		s.ack += 1400 * (i + 1);
		client_says(&t, &s);
		server_gets(&t, &s);
		assert_int_equal(s.win, 502 << 7);
	}
	assert_int_equal(rig_drops(&rig, DROP_CT_TCP_WINDOW), 0);
	assert_int_equal(rig_punts(&rig, PUNT_WINDOW), 0);
	rig_close(&rig);
}

/* Both ends agree on a new connection while shunt knows the old one: the client sees the server's own scale then. */
static void
opened_anew(void **state)
{
	struct talk t = linux_talk(4006);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	handshake(&t, 1460);
	s = (struct seg){ .flags = TCP_SYN, .seq = 0x40000000, .win = 64240, .o = t.client };
	client_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.seq, 0x40000000);
	s = (struct seg){ .flags = TCP_SYN | TCP_ACK,
		.seq = 0x50000000,
		.ack = 0x40000001,
		.win = 65160,
		.o = agreed(&t) };
	server_says(&t, &s);
	client_gets(&t, &s);
	assert_int_equal(s.o.scale, 9);
	assert_int_equal(s.win, 65160);
	s = (struct seg){
		.flags = TCP_ACK, .seq = 0x40000001, .ack = s.seq + 1, .win = 502, .o.scale = -1
	};
	client_says(&t, &s);
	server_gets(&t, &s);
	assert_int_equal(s.ack, 0x50000001);
	assert_int_equal(s.win, 502);
	s = (struct seg){ .flags = TCP_ACK,
		.seq = 0x50000001,
		.ack = 0x40000001,
		.win = 900,
		.len = 100,
		.o.scale = -1 };
	server_says(&t, &s);
	client_gets(&t, &s);
	assert_int_equal(s.win, 900);
	nothing_left();
	rig_close(&rig);
}

/* ICMP errors quote what was sent on: numbers go back to what their sender had sent. */
static void
icmp_error(void **state)
{
	struct talk t = linux_talk(4004);
	struct packet error = { .src = "198.51.100.9",
		.dst = "192.0.2.10",
		.proto = IPPROTO_ICMP,
		.dport = 3 << 8 | 4,
		.seq = 1400 };
	struct ends e;
	struct frame f, quoted;
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"", ROOM), 1);
	handshake(&t, 1460);
	e = to_client(&t);
	s = (struct seg){
		.flags = TCP_ACK, .seq = t.cookie + 1, .ack = t.isn + 1, .len = 1400, .o.scale = -1
	};
	build(&quoted, &e, &s);
	error.payload = quoted.b + 14;
	error.len = 48;
	rig_run(&rig, 0, &error);
	assert_true(rig_take_any(&rig, 1, &f));
	assert_int_equal(sum(f.b + 34, f.len - 34, 0), 0xffff);
	assert_int_equal(get(f.b + 42 + 20 + 4, 4), t.server_isn + 1);
	/* And the quoted checksum is that of the segment as the server made it. */
	e = from_server(&t);
	s.seq = t.server_isn + 1;
	build(&quoted, &e, &s);
	assert_memory_equal(f.b + 42 + 20, quoted.b + 34, 20);
	nothing_left();
	rig_close(&rig);
}

/* ---- room ------------------------------------------------------------------------------------------------------------ */

static void
no_room(void **state)
{
	struct talk t[3] = { linux_talk(5000), linux_talk(5001), linux_talk(5002) };
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"",
			      "\"connections\": 1024, \"connections-extended\": 2, \"ring-size\": 256"),
			1);
	for (unsigned int i = 0; i < 3; i++) {
		client_opens(&t[i]);
		s = client_ack(&t[i]);
		client_says(&t[i], &s);
		if (i < 2)
			server_gets_syn(&t[i], 1460);
	}
	nothing_left();
	assert_int_equal(connections(), 2);
	assert_int_equal(rig_drops(&rig, DROP_CT_FULL), 1);
	/* There is room again: the client repeats itself. */
	rig.now += 121 * S;
	rig_settle(&rig);
	client_opens(&t[2]);
	s = client_ack(&t[2]);
	client_says(&t[2], &s);
	server_gets_syn(&t[2], 1460);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_set_of_options),
		cmocka_unit_test(without_timestamps),
		cmocka_unit_test(no_options),
		cmocka_unit_test(wrong_cookies),
		cmocka_unit_test(old_cookies),
		cmocka_unit_test(repeated_before_answer),
		cmocka_unit_test(first_ack_lost),
		cmocka_unit_test(last_ack_lost),
		cmocka_unit_test(server_refuses),
		cmocka_unit_test(server_remembers),
		cmocka_unit_test(server_silent),
		cmocka_unit_test(client_gives_up),
		cmocka_unit_test(window_of_client),
		cmocka_unit_test(opened_anew),
		cmocka_unit_test(icmp_error),
		cmocka_unit_test(no_room),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
