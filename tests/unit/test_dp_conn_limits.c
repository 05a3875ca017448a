/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits on connections, in a whole dataplane: what is refused and how, that nothing stays counted that is not there,
 * and what `show limits` says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "limit/lim.h"
#include "test_dp_net.h"

#define LIMITS(...) TABLES(64, 64, 16) ",\"limits\": [" __VA_ARGS__ "]"
#define SECOND TIME_NS_PER_S

static struct lim_info
info(unsigned int limit)
{
	struct lim_info i;

	assert_int_equal(lim_info(rig.dp->lim, limit, &i), 0);
	return i;
}

static void
later(uint64_t seconds)
{
	for (uint64_t i = 0; i < seconds; i++) {
		rig.now += SECOND;
		rig_settle(&rig);
	}
}

static struct packet
tcp(uint16_t client_port, uint8_t flags)
{
	struct packet p = udp(client_port);

	p.proto = IPPROTO_TCP;
	p.dport = 80;
	p.flags = flags;
	p.seq = 1000000;
	p.payload = NULL;
	p.len = 0;
	return p;
}

/* ---- counted and given back ---------------------------------------------------------------------------------------- */

static void
test_connections(void **state)
{
	(void)state;
	open_(CONFIG("[1]", LIMITS("{\"name\": \"l\", \"connections\": 3}")), 1);
	for (uint16_t i = 0; i < 5; i++) {
		const struct packet p = udp((uint16_t)(2000 + i));

		rig_run(&rig, 0, &p);
		rig_run(&rig, 0, &p); /* of a known connection, or refused again */
	}
	assert_int_equal(left(1), 6);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 4);
	assert_int_equal(info(0).open, 3);
	assert_int_equal(left(0), 0);
	/* Another source has its own. */
	struct packet p = udp(2000);
	p.src = "198.51.100.8";
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	assert_int_equal(info(0).entries, 2);
	later(40);
	assert_int_equal(info(0).open, 0);
	assert_int_equal(info(0).entries, 0);
	p = udp(2009);
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	rig_close(&rig);
}

static void
test_rate(void **state)
{
	(void)state;
	open_(CONFIG("[1]", LIMITS("{\"name\": \"l\", \"by\": \"all\", \"rate\": 2, \"burst\": 3}")),
			1);
	for (uint16_t i = 0; i < 5; i++) {
		const struct packet p = udp((uint16_t)(2000 + i));

		rig_run(&rig, 0, &p);
	}
	assert_int_equal(left(1), 3);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_RATE), 2);
	rig.now += SECOND / 2;
	for (uint16_t i = 0; i < 5; i++) {
		const struct packet p = udp((uint16_t)(2100 + i));

		rig_run(&rig, 0, &p);
	}
	assert_int_equal(left(1), 1);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_RATE), 6);
	rig_close(&rig);
}

/* More sources than the table has room for are refused, and known ones are not. */
static void
test_table_full(void **state)
{
	struct packet p = udp(2000);
	char address[32];

	(void)state;
	open_(CONFIG("[1]", LIMITS("{\"name\": \"l\", \"connections\": 5, \"entries\": 4}")), 1);
	for (unsigned int i = 0; i < 6; i++) {
		snprintf(address, sizeof(address), "198.51.100.%u", 20 + i);
		p.src = address;
		rig_run(&rig, 0, &p);
	}
	assert_int_equal(left(1), 4);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_FULL), 2);
	p.src = "198.51.100.20";
	p.sport = 2001;
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	rig_close(&rig);
}

/* No connection comes of it, for five reasons: nothing is counted, no token is gone. */
static void
test_undone(void **state)
{
	struct packet p;

	(void)state;
	open_(CONFIG("[1]",
			      "\"tables\": {\"connections\": 2, \"mbufs\": 1024},"
			      "\"conntrack\": {\"early-drop\": 0},"
			      "\"classes\": [{\"name\": \"no\", \"drop\": true}],"
			      "\"rules\": [{\"class\": \"no\", \"protocol\": \"udp\", \"source-port\": 3002}],"
			      "\"services\": [{\"name\": \"s\", \"vip\": \"192.0.2.1\", \"protocol\": \"udp\", \"port\": 53,"
			      "\"backends\": [{\"address\": \"10.0.0.11\", \"weight\": 0}]}],"
			      "\"limits\": [{\"name\": \"l\", \"by\": \"all\", \"connections\": 3, \"rate\": 1, \"burst\": 2}]"),
			1);
	p = udp(3002);
	rig_run(&rig, 0, &p);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 1);
	p = udp(2000);
	p.dst = "203.0.113.1";
	rig_run(&rig, 0, &p);
	assert_int_equal(rig_drops(&rig, DROP_NO_ROUTE), 1);
	p.dst = "192.0.2.1";
	rig_run(&rig, 0, &p);
	assert_int_equal(rig_drops(&rig, DROP_LB_NO_BACKEND), 1);
	assert_int_equal(info(0).open, 0);
	assert_int_equal(info(0).passed, 0);
	(void)left(0);
	/* Both tokens are there yet; then the table is full. */
	p = udp(2000);
	rig_run(&rig, 0, &p);
	p = udp(2001);
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 2);
	rig.now += SECOND;
	p = udp(2002);
	rig_run(&rig, 0, &p);
	rig_run(&rig, 0, &p);
	assert_int_equal(rig_drops(&rig, DROP_CT_FULL), 2);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_RATE), 0);
	assert_int_equal(info(0).open, 2);
	rig_close(&rig);
}

/* A SYN of a connection in TIME_WAIT: the old one goes, the new one comes. */
static void
test_reopened(void **state)
{
	struct packet p = tcp(2000, TCP_SYN), a;

	(void)state;
	open_(CONFIG("[1]", LIMITS("{\"name\": \"l\", \"connections\": 1}")), 1);
	rig_run(&rig, 0, &p);
	a = answer_to(&p);
	a.flags = TCP_SYN | TCP_ACK;
	a.seq = 5000;
	a.ack = ++p.seq;
	rig_run(&rig, 1, &a);
	p.flags = TCP_ACK;
	p.ack = 5001;
	rig_run(&rig, 0, &p);
	p.flags = TCP_RST | TCP_ACK;
	rig_run(&rig, 0, &p);
	assert_int_equal(info(0).open, 1); /* CLOSE lasts for 10 s */
	a = tcp(2001, TCP_SYN);
	rig_run(&rig, 0, &a);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 1);
	p.flags = TCP_SYN;
	p.ack = 0;
	p.seq += 100000;
	rig_run(&rig, 0, &p);
	assert_int_equal(info(0).open, 1);
	assert_int_equal(info(0).passed, 2);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 1);
	later(130);
	assert_int_equal(info(0).open, 0);
	rig_close(&rig);
}

/* Which service it was is found again at the end. */
static void
test_service(void **state)
{
	struct packet p = udp(2000);

	(void)state;
	open_(CONFIG("[1]",
			      LIMITS("{\"name\": \"s\", \"service\": \"dns\", \"by\": \"destination\", \"connections\": 2},"
				     "{\"name\": \"p\", \"port\": \"side\", \"connections\": 1}") ","
												  "\"services\": [{\"name\": \"other\", \"vip\": \"192.0.2.2\", \"protocol\": \"udp\", \"port\": 53,"
												  "\"backends\": [{\"address\": \"10.0.0.11\"}]},"
												  "{\"name\": \"dns\", \"vip\": \"192.0.2.1\", \"protocol\": \"udp\", \"port\": 53,"
												  "\"backends\": [{\"address\": \"10.0.0.11\"}]}]"),
			1);
	for (uint16_t i = 0; i < 4; i++) {
		p.sport = (uint16_t)(2000 + i);
		p.dst = "192.0.2.1";
		rig_run(&rig, 0, &p);
		p.sport = (uint16_t)(3000 +
				i); /* the same backend: another port, or they would clash */
		p.dst = "192.0.2.2";
		rig_run(&rig, 0, &p);
	}
	assert_int_equal(left(1), 6);
	assert_int_equal(info(0).open, 2);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 2);
	p.src = "10.1.0.9";
	p.dst = "192.0.2.2";
	rig_run(&rig, 2, &p);
	p.sport++;
	rig_run(&rig, 2, &p);
	assert_int_equal(info(1).open, 1);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 3);
	later(40);
	assert_int_equal(info(0).open, 0);
	assert_int_equal(info(1).open, 0);
	assert_int_equal(info(0).entries, 0);
	rig_close(&rig);
}

/* ---- refused aloud ------------------------------------------------------------------------------------------------- */

static uint32_t
word(const uint8_t *b, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *b++;
	return v;
}

/* RFC 1071: what is right sums up to 0xffff. */
static uint16_t
sum(const uint8_t *b, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 == 0 ? (uint32_t)b[i] << 8 : b[i];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* The reset that answers p: RFC 9293 3.10.7.1. */
static void
check_reset(const struct packet *p, uint32_t seq, uint32_t ack, uint8_t flags)
{
	struct frame f, in;
	uint32_t l3, l4, n;

	frame_build(&in, p);
	assert_true(rig_take(&rig, 0, 0, &f));
	l3 = frame_l3(&f);
	assert_int_equal(l3, frame_l3(&in));
	assert_memory_equal(f.b, in.b + 6, 6);
	assert_memory_equal(f.b + 12, in.b + 12, l3 - 12); /* tags and type */
	n = frame_family(&f) == 4 ? 4 : 16;
	l4 = l3 + (n == 4 ? 20 : 40);
	assert_int_equal(f.len, l4 + 20);
	if (n == 4) {
		assert_int_equal(sum(f.b + l3, 20, 0), 0xffff);
		assert_int_equal(word(f.b + l3 + 2, 2), 40);
		assert_int_equal(f.b[l3 + 9], IPPROTO_TCP);
	} else {
		assert_int_equal(word(f.b + l3 + 4, 2), 20);
		assert_int_equal(f.b[l3 + 6], IPPROTO_TCP);
	}
	assert_memory_equal(f.b + l4 - 2 * n, in.b + l4 - n, n);
	assert_memory_equal(f.b + l4 - n, in.b + l4 - 2 * n, n);
	assert_int_equal(sum(f.b + l4 - 2 * n, 2 * n + 20, 20 + IPPROTO_TCP), 0xffff);
	assert_int_equal(word(f.b + l4, 2), p->dport);
	assert_int_equal(word(f.b + l4 + 2, 2), p->sport);
	assert_int_equal(word(f.b + l4 + 4, 4), seq);
	assert_int_equal(word(f.b + l4 + 8, 4), ack);
	assert_int_equal(f.b[l4 + 12], 0x50);
	assert_int_equal(f.b[l4 + 13], flags);
	assert_int_equal(left(0), 0);
}

#define RESET "{\"name\": \"l\", \"by\": \"all\", \"connections\": 1, \"action\": \"reset\"}"

static void
test_reset(void **state)
{
	struct packet p = tcp(2000, TCP_SYN);
	struct frame f;

	(void)state;
	open_(CONFIG("[1]", LIMITS(RESET)), 1);
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	p.sport++;
	rig_run(&rig, 0, &p);
	check_reset(&p, 0, p.seq + 1, TCP_RST | TCP_ACK);
	p.seq = UINT32_MAX;
	p.vlans = 2;
	rig_run(&rig, 0, &p);
	check_reset(&p, 0, 0, TCP_RST | TCP_ACK);
	p.vlans = 0;
	p.payload = "early data";
	p.len = 10;
	rig_run(&rig, 0, &p);
	check_reset(&p, 0, 10, TCP_RST | TCP_ACK);
	/* Picked up in the middle. */
	p.flags = TCP_ACK | TCP_PSH;
	p.ack = 77;
	rig_run(&rig, 0, &p);
	check_reset(&p, 77, 0, TCP_RST);
	p = tcp(2001, TCP_SYN);
	p.src = "2001:db8::1";
	p.dst = "2001:db8::2";
	rig_run(&rig, 0, &p);
	check_reset(&p, 0, p.seq + 1, TCP_RST | TCP_ACK);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 5);
	/* Others: port unreachable. */
	p = udp(2000);
	rig_run(&rig, 0, &p);
	assert_true(rig_take(&rig, 0, 0, &f));
	assert_int_equal(f.b[34] << 8 | f.b[35], 3 << 8 | 3);
	assert_int_equal(info(0).over[LIM_CONNECTIONS], 6);
	assert_int_equal(info(0).open, 1);
	rig_close(&rig);
}

/* As many a second as ICMP errors, and no answers to what nobody answers. */
static void
test_reset_bounds(void **state)
{
	struct packet p = tcp(2000, TCP_SYN);

	(void)state;
	open_(CONFIG("[1]", LIMITS(RESET) ",\"l3\": {\"icmp-rate\": 3}"), 1);
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	for (uint16_t i = 0; i < 10; i++) {
		p.sport++;
		rig_run(&rig, 0, &p);
	}
	assert_int_equal(left(0), 3);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 10);
	assert_int_equal(rig.dp->c.icmp_limited, 7);
	rig.now += 2 * SECOND;
	p.smac = "03:00:00:00:00:fe";
	rig_run(&rig, 0, &p);
	p.smac = NULL;
	p.src = "198.51.100.255"; /* broadcast of the link */
	rig_run(&rig, 0, &p);
	assert_int_equal(left(0), 0);
	assert_int_equal(rig_drops(&rig, DROP_LIMIT_CONNECTIONS), 12);
	rig_close(&rig);
}

/* ---- only counted, sets, report ------------------------------------------------------------------------------------ */

static void
test_show(void **state)
{
	struct packet p = udp(2000);
	json_t *r, *limits, *a, *top;
	char *text = NULL;
	size_t size;
	FILE *out;

	(void)state;
	open_(CONFIG("[1]",
			      LIMITS("{\"name\": \"seen\", \"connections\": 1, \"action\": \"count\", \"prefix-length\": 24},"
				     "{\"name\": \"strangers\", \"connections\": 2, \"rate\": 10, \"not-set\": \"known\"}") ","
															    "\"sets\": [{\"name\": \"known\", \"prefixes\": [\"198.51.100.8/31\", \"2001:db8::/32\"]}]"),
			1);
	for (uint16_t i = 0; i < 4; i++) {
		p.sport = (uint16_t)(2000 + i);
		p.src = "198.51.100.7";
		rig_run(&rig, 0, &p);
		p.src = "198.51.100.9";
		rig_run(&rig, 0, &p);
	}
	assert_int_equal(left(1), 6);
	assert_int_equal(ctl_call(rig.dp->ctl, "show limits", NULL, &r), 0);
	limits = json_object_get(r, "limits");
	assert_int_equal(json_array_size(limits), 2);
	a = json_array_get(limits, 0);
#define NUMBER(o, key) json_integer_value(json_object_get(o, key))
	assert_int_equal(NUMBER(a, "connections"), 6);
	assert_int_equal(NUMBER(a, "counted"), 5);
	assert_int_equal(NUMBER(a, "refused"), 0);
	assert_int_equal(NUMBER(a, "entries"), 1);
	top = json_array_get(json_object_get(a, "top"), 0);
	assert_string_equal(json_string_value(json_object_get(top, "prefix")), "198.51.100.0/24");
	assert_int_equal(NUMBER(top, "connections"), 6);
	a = json_array_get(limits, 1);
	assert_int_equal(NUMBER(a, "connections"), 2);
	assert_int_equal(NUMBER(a, "refused"), 2);
	assert_int_equal(NUMBER(a, "by_connections"), 2);
	top = json_array_get(json_object_get(a, "top"), 0);
	assert_string_equal(json_string_value(json_object_get(top, "prefix")), "198.51.100.7/32");
	assert_int_equal(NUMBER(top, "tokens"), 8);
	json_decref(r);

	r = json_pack("{ss}", "name", "strangers");
	assert_int_equal(ctl_call(rig.dp->ctl, "show limits", r, &a), 0);
	assert_int_equal(json_array_size(json_object_get(a, "limits")), 1);
	json_decref(a);
	json_object_set_new(r, "name", json_string("nobody"));
	assert_int_not_equal(ctl_call(rig.dp->ctl, "show limits", r, &a), 0);
	json_decref(a);
	json_decref(r);

	out = open_memstream(&text, &size);
	assert_int_equal(ctl_call_text(rig.dp->ctl, "show limits", out), 0);
	fclose(out);
	assert_non_null(strstr(text, "strangers"));
	assert_non_null(strstr(text, "198.51.100.7/32"));
	free(text);
	rig_close(&rig);

	open_(CONFIG("[1]", TABLES(64, 64, 16)), 1);
	assert_null(rig.dp->lim);
	assert_int_equal(ctl_call(rig.dp->ctl, "show limits", NULL, &r), 0);
	assert_int_equal(json_array_size(json_object_get(r, "limits")), 0);
	json_decref(r);
	rig_close(&rig);
}

/* ---- always the truth ---------------------------------------------------------------------------------------------- */

/* Random traffic of all kinds: a limit that matches everything has counted what the table holds, at any time. */
static void
test_truth(void **state)
{
	static const char *const hosts[] = { "198.51.100.7", "198.51.100.8", "198.51.100.9",
		"2001:db8::7", "2001:db8::8" };
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK, TCP_RST,
		TCP_FIN | TCP_ACK };
	struct ct_stats s;

	(void)state;
	open_(CONFIG("[1]",
			      TABLES(40, 64, 16) ","
						 "\"conntrack\": {\"invalid\": \"forward\", \"early-drop\": 0},"
						 "\"limits\": [{\"name\": \"all\", \"by\": \"all\", \"connections\": 1000},"
						 "{\"name\": \"tcp\", \"protocol\": \"tcp\", \"entries\": 64, \"connections\": 2, \"rate\": 100, \"burst\": 200, \"action\": \"reset\"},"
						 "{\"name\": \"few\", \"by\": \"destination\", \"connections\": 5, \"entries\": 2, \"action\": \"count\"},"
						 "{\"name\": \"dns\", \"service\": \"dns\", \"prefix-length\": 24, \"connections\": 20}],"
						 "\"services\": [{\"name\": \"dns\", \"vip\": \"192.0.2.1\", \"protocol\": \"udp\", \"port\": 53,"
						 "\"backends\": [{\"address\": \"10.0.0.11\"}]}]"),
			1);
	srand(7);
	for (unsigned int i = 0; i < 6000; i++) {
		struct packet p = rand() % 2
				? udp((uint16_t)(2000 + rand() % 30))
				: tcp((uint16_t)(2000 + rand() % 30), flags[rand() % 6]);
		const unsigned int h = (unsigned int)rand() % 5;

		p.src = hosts[h];
		p.dst = h > 2 ? "2001:db8::11" : rand() % 3 ? "10.0.0.11" : "192.0.2.1";
		if (rand() % 4 == 0) {
			struct packet a = answer_to(&p);

			rig_run(&rig, 1, &a);
		} else {
			rig_run(&rig, 0, &p);
		}
		if (rand() % 10 == 0)
			rig.now += (uint64_t)(rand() % 5000) * 1000000;
		if (rand() % 500 == 0)
			later(100);
		(void)left(0);
		(void)left(1);
		ct_stats(rig.dp->ct, &s);
		assert_int_equal(info(0).open, s.connections);
	}
	assert_true(info(0).passed > 500);
	assert_true(info(1).over[LIM_CONNECTIONS] > 10);
	assert_true(info(2).over[LIM_FULL] > 10);
	assert_true(info(3).passed > 10);
	for (unsigned int i = 0; i < 500; i++) {
		rig.now += 1000 * SECOND;
		rig_settle(&rig);
	}
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(info(i).open, 0);
		assert_int_equal(info(i).unlisted, 0);
		assert_int_equal(info(i).entries, 0);
	}
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_undone),
		cmocka_unit_test(test_reopened),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_reset_bounds),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_truth),
	};

	if (rig_eal("0@0,1@0,2@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
