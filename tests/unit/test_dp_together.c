/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parts of connection tracking that meet: cookies and limits, helpers and services, rules and classes. Nothing that one of
 * them does may be a way around another one.
 */
#include "ct_priv.h"
#include "limit/lim.h"
#include "test_dp_talk.h"

/* More keys of "conntrack" and of the whole, put into COOKIE_CONFIG. */
#define WITH(cookies, conntrack) \
	"\"mode\": \"" cookies "\"}, " conntrack ", \"timeouts\": {\"udp\": 30"
#define AND(extended, more) \
	"\"connections\": 1024, \"connections-extended\": " extended \
	", \"ring-size\": 256}, " more ", \"fragments\": {\"timeout\": 5"

static uint64_t
counted(unsigned int limit)
{
	struct lim_info i;

	assert_int_equal(lim_info(rig.dp->lim, limit, &i), 0);
	return i.open;
}

static struct ct_stats
stats(void)
{
	struct ct_stats s;

	ct_stats(rig.dp->ct, &s);
	return s;
}

/* ---- cookies and limits ----------------------------------------------------------------------------------------- */

/* A cookie is answered by the port with the highest number: the cookie's ACK, of `client`. */
static void
answers_cookie(uint16_t client)
{
	const struct ends e = { "203.0.113.7", "192.0.2.10", client, 80 };
	struct seg s = { .flags = TCP_SYN, .seq = 1000, .win = 64240, .o = { .scale = -1 } };
	struct frame f;

	run(2, &e, &s);
	assert_true(rig_take_any(&rig, 2, &f));
	s.flags = TCP_ACK;
	s.seq++;
	s.ack = get(f.b + 34 + 4, 4) + 1;
	run(2, &e, &s);
}

/* There is no extension for the second one: it is closed again, and is not counted any more, by any limit. */
static void
test_cookie_without_room(void **state)
{
	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"",
			      AND("1",
					      "\"limits\": [{\"name\": \"l\", \"port\": \"ext2\", \"connections\": 2},"
					      "{\"name\": \"m\", \"connections\": 2}]")),
			1);
	for (uint16_t i = 0; i < 10; i++) {
		answers_cookie((uint16_t)(2000 + i));
		assert_int_equal(connections(), 1);
		assert_int_equal(counted(0), 1);
		assert_int_equal(counted(1), 1);
	}
	assert_int_equal(left(1), 1);
	assert_int_equal(rig_drops(&rig, DROP_CT_FULL), 9);
	assert_null(ct_check(rig.dp->ct));
	rig.now += 200 * S;
	rig_settle(&rig);
	assert_int_equal(counted(0), 0);
	rig_close(&rig);
}

/* The client has a connection: a reset must have the number that it expects, or it goes on waiting (RFC 5961 3.2). */
static void
test_cookie_reset(void **state)
{
	struct talk first = linux_talk(2000), second = linux_talk(2001);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG("\"mode\": \"on\"",
			      AND("64", "\"limits\": [{\"name\": \"l\", \"connections\": 1, \"action\": \"reset\"}]")),
			1);
	client_opens(&first);
	s = client_ack(&first);
	client_says(&first, &s);
	server_gets_syn(&first, 1460);
	client_opens(&second);
	s = client_ack(&second);
	s.len = 100;
	client_says(&second, &s);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 1);
	client_gets(&second, &s);
	assert_int_equal(s.flags, TCP_RST);
	assert_int_equal(s.seq, second.cookie + 1);
	nothing_left();
	rig_close(&rig);
}

/* ---- helpers ------------------------------------------------------------------------------------------------------ */

/* A rule that names no protocol gives its helper to the one that it reads, and to none else. */
static void
test_helper_protocol(void **state)
{
	struct packet p = udp(2000);

	(void)state;
	open_(COOKIE_CONFIG(WITH("off", "\"rules\": [{\"helper\": \"ftp\"}]"),
			      AND("64", "\"classes\": []")),
			1);
	rig_run(&rig, 0, &p);
	assert_int_equal(connections(), 1);
	assert_int_equal(stats().exts, 0);
	p.proto = IPPROTO_TCP;
	p.flags = TCP_SYN;
	p.len = 0;
	rig_run(&rig, 0, &p);
	assert_int_equal(connections(), 2);
	assert_int_equal(stats().exts, 1);
	assert_int_equal(left(1), 2);
	rig_close(&rig);
}

/* Somebody asks for a file in the name of a service's address and port: its clients still reach the service. */
static void
test_helper_spares_services(void **state)
{
	struct packet forged = { .src = "192.0.2.10",
		.dst = "198.51.100.7",
		.proto = IPPROTO_UDP,
		.sport = 53,
		.dport = 69,
		.payload = "\0\1f\0octet",
		.len = 10 };
	struct packet query = udp(2000);

	(void)state;
	open_(CONFIG("[1]",
			      "\"conntrack\": {\"rules\": [{\"protocol\": \"udp\", \"destination-port\": 69, \"helper\": \"tftp\"}]},"
			      "\"services\": [{\"name\": \"dns\", \"vip\": \"192.0.2.10\", \"protocol\": \"udp\", \"port\": 53,"
			      "\"backends\": [{\"address\": \"10.0.0.11\"}]}]," TABLES(64, 64, 16)),
			1);
	rig_run(&rig, 0, &forged);
	(void)left(0);
	assert_int_equal(stats().expects, 0);
	query.dst = "192.0.2.10";
	rig_run(&rig, 0, &query);
	assert_int_equal(left(1), 1);
	rig_close(&rig);
}

/* Forged requests take extensions, one each, but not those that handshakes with a cookie need. */
static void
test_extensions_for_cookies(void **state)
{
	struct packet p = udp(2000);
	struct talk t = linux_talk(5000);
	struct seg s;

	(void)state;
	open_(COOKIE_CONFIG(WITH("on",
					    "\"rules\": [{\"protocol\": \"udp\", \"destination-port\": 69, \"helper\": \"tftp\","
					    " \"label\": \"01\"}]"),
			      AND("16", "\"classes\": []")),
			1);
	p.dport = 69;
	for (uint16_t i = 0; i < 50; i++) {
		p.sport = (uint16_t)(2000 + i);
		rig_run(&rig, 0, &p);
	}
	assert_int_equal(left(1), 50);
	assert_int_equal(connections(), 50);
	assert_int_equal(stats().exts, 14);
	client_opens(&t);
	s = client_ack(&t);
	client_says(&t, &s);
	server_gets_syn(&t, 1460);
	assert_int_equal(stats().exts, 15);
	rig_close(&rig);
}

/* ---- classes ------------------------------------------------------------------------------------------------------ */

/* What fits no connection, and what never has one, is not let through by a class that drops. */
static void
test_classes_of_strangers(void **state)
{
	struct packet p = { .src = "198.51.100.7",
		.dst = "10.0.0.11",
		.proto = IPPROTO_TCP,
		.sport = 2000,
		.dport = 80,
		.flags = TCP_SYN | TCP_ACK };
	struct packet report = { .src = "2001:db8:e::7",
		.dst = "2001:db8:2::11",
		.proto = IPPROTO_ICMPV6,
		.dport = 143 << 8 };
	struct frame f;

	(void)state;
	open_(COOKIE_CONFIG(WITH("off", "\"invalid\": \"forward\""),
			      AND("64",
					      "\"classes\": [{\"name\": \"no\", \"drop\": true}],"
					      "\"rules\": [{\"class\": \"no\", \"protocol\": \"tcp\", \"destination-port\": 80},"
					      "{\"class\": \"no\", \"source\": \"198.51.100.66/32\"},"
					      "{\"class\": \"no\", \"protocol\": \"tcp\", \"destination-port\": 81, \"state\": \"invalid\"},"
					      "{\"class\": \"no\", \"protocol\": \"icmpv6\", \"destination\": \"2001:db8:2::/64\"}]")),
			1);
	rig_run(&rig, 0, &p);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 1);
	p.dport = 81;
	rig_run(&rig, 0, &p);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 2);
	nothing_left();
	p.dport = 82;
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	/* Whatever is wrong with it, where it comes from can be read. */
	p.src = "198.51.100.66";
	frame_build(&f, &p);
	f.b[14 + 20 + 12] = 0x10; /* a header of four bytes */
	assert_true(rig_feed(&rig, 0, 0, &f));
	rig_settle(&rig);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 3);
	rig_run(&rig, 0, &report);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 4);
	nothing_left();
	report.dst = "2001:db8:e::9";
	rig_run(&rig, 1, &report);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 4);
	rig_close(&rig);
}

/* A rule with "force" lets the other direction open anew, but nothing gives way to what a class drops. */
static void
test_force_and_classes(void **state)
{
	struct packet p = { .src = "198.51.100.7",
		.dst = "10.0.0.11",
		.proto = IPPROTO_TCP,
		.sport = 2000,
		.dport = 80,
		.seq = 1000,
		.flags = TCP_SYN };
	struct packet a;

	(void)state;
	open_(COOKIE_CONFIG(WITH("off", "\"rules\": [{\"source\": \"10.0.0.0/24\", \"force\": true}]"),
			      AND("64",
					      "\"classes\": [{\"name\": \"no\", \"drop\": true}],"
					      "\"rules\": [{\"class\": \"no\", \"source\": \"10.0.0.0/24\", \"state\": \"new\"}]")),
			1);
	a = answer_to(&p);
	a.seq = 5000, a.ack = 1001, a.flags = TCP_SYN | TCP_ACK;
	rig_run(&rig, 0, &p);
	rig_run(&rig, 1, &a);
	p.seq = 1001, p.ack = 5001, p.flags = TCP_ACK;
	rig_run(&rig, 0, &p);
	assert_int_equal(left(0), 1);
	assert_int_equal(left(1), 2);
	assert_int_equal(connections(), 1);
	a.flags = TCP_SYN, a.seq = 77777, a.ack = 0;
	rig_run(&rig, 1, &a);
	(void)left(0);
	assert_int_equal(connections(), 1);
	assert_int_equal(stats().closed, 0);
	p.flags = TCP_ACK | TCP_PSH;
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookie_without_room),
		cmocka_unit_test(test_cookie_reset),
		cmocka_unit_test(test_helper_protocol),
		cmocka_unit_test(test_helper_spares_services),
		cmocka_unit_test(test_extensions_for_cookies),
		cmocka_unit_test(test_classes_of_strangers),
		cmocka_unit_test(test_force_and_classes),
	};

	if (rig_eal("0@0,1@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
