/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Classes that depend on layer 7: the TLS server name in the first data packet, behind bare ACKs, right behind the
 * handshake's ACK, in two segments; the QUIC connection id in the very first packet. The decision stays with the
 * connection, whatever else the rules look at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_dp.h"

#define RULES_TLS \
	"{\"class\": \"gold\", \"protocol\": \"tcp\", \"destination-port\": 443, \"tls-sni\": \"shop.example\"}," \
	"{\"class\": \"no\", \"protocol\": \"tcp\", \"destination-port\": 443, \"tls-sni\": \"*.evil.example\"}"
#define RULES_QUIC \
	"{\"class\": \"quic\", \"protocol\": \"udp\", \"destination-port\": 443, \"quic-dcid\": \"c0ffee\"}"
#define CONFIG(rules) \
	"{\"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"addresses\": [\"198.51.100.2/24\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"addresses\": [\"10.0.0.1/24\"]}]," \
	"\"neighbours\": [" \
	"{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}]," \
	"\"tables\": {\"connections\": 64, \"mbufs\": 1024, \"ring-size\": 64}," \
	"\"classes\": [{\"name\": \"gold\", \"queue\": 1}, {\"name\": \"no\", \"drop\": true}," \
	" {\"name\": \"quic\", \"queue\": 2}]," \
	"\"rules\": [" rules "]}"

#define RULE_GOLD 0
#define QUEUES 4

static struct rig rig;

static void
open_(const char *json)
{
	rig_open(&rig, &(struct rig_params){ .json = json, .n_ports = 2, .n_txq = QUEUES });
}

/* ---- layer 7 ----------------------------------------------------------------------------------------------------- */

static uint16_t
put(uint8_t *at, uint32_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * (size - 1 - i));
	return (uint16_t)size;
}

/* A ClientHello (RFC 8446 4.1.2) in one record; `padding` bytes of another extension come before the name. */
static uint16_t
client_hello(uint8_t *out, const char *name, uint16_t padding)
{
	const uint16_t n = (uint16_t)(name != NULL ? strlen(name) : 0);
	const uint16_t extensions = (uint16_t)(4 + padding + (name != NULL ? 9 + n : 0));
	const uint16_t body = (uint16_t)(2 + 32 + 1 + 2 + 2 + 2 + 2 + extensions);
	uint8_t *p = out;

	p += put(p, 0x160301, 3);
	p += put(p, body + 4u, 2);
	p += put(p, 0x01000000 | body, 4);
	p += put(p, 0x0303, 2);
	memset(p, 0x5a, 32);
	p += 32;
	p += put(p, 0, 1);
	p += put(p, 0x00021301, 4);
	p += put(p, 0x0100, 2);
	p += put(p, extensions, 2);
	p += put(p, 21, 2); /* padding, RFC 7685 */
	p += put(p, padding, 2);
	memset(p, 0, padding);
	p += padding;
	if (name == NULL)
		return (uint16_t)(p - out);
	p += put(p, 0, 2);
	p += put(p, n + 5u, 2);
	p += put(p, n + 3u, 2);
	p += put(p, 0, 1);
	p += put(p, n, 2);
	memcpy(p, name, n);
	return (uint16_t)(p + n - out);
}

/* A QUIC version 1 Initial (RFC 9000 17.2.2) with this destination connection id. */
static uint16_t
quic_initial(uint8_t *out, uint32_t dcid)
{
	uint8_t *p = out;

	memset(out, 0, 1200);
	p += put(p, 0xc3, 1);
	p += put(p, 1, 4);
	p += put(p, 8, 1);
	p += put(p, dcid, 3);
	p += put(p, 0x11223344, 4);
	p += put(p, 0x55, 1);
	p += put(p, 0, 1); /* source id */
	p += put(p, 0, 1); /* token */
	put(p, 0x4000 | (1200 - 18), 2);
	return 1200;
}

/* ---- a connection ------------------------------------------------------------------------------------------------ */

struct tcp {
	uint16_t port;
	uint32_t seq[2];
};

static struct packet
segment(struct tcp *t, unsigned int dir, uint8_t flags, const void *payload, uint16_t len)
{
	struct packet p = {
		.src = dir == FLOW_ORIGINAL ? "198.51.100.7" : "10.0.0.11",
		.dst = dir == FLOW_ORIGINAL ? "10.0.0.11" : "198.51.100.7",
		.sport = dir == FLOW_ORIGINAL ? t->port : 443,
		.dport = dir == FLOW_ORIGINAL ? 443 : t->port,
		.proto = IPPROTO_TCP,
		.seq = t->seq[dir],
		.ack = flags & TCP_ACK ? t->seq[!dir] : 0,
		.flags = flags,
		.payload = payload,
		.len = len,
	};

	t->seq[dir] += len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
	return p;
}

static void
send_segment(struct tcp *t, unsigned int dir, uint8_t flags, const void *payload, uint16_t len)
{
	const struct packet p = segment(t, dir, flags, payload, len);

	rig_run(&rig, dir, &p);
}

static void
handshake(struct tcp *t, uint16_t port)
{
	*t = (struct tcp){ port, { 1000, 5000 } };
	send_segment(t, FLOW_ORIGINAL, TCP_SYN, NULL, 0);
	send_segment(t, FLOW_REPLY, TCP_SYN | TCP_ACK, NULL, 0);
	send_segment(t, FLOW_ORIGINAL, TCP_ACK, NULL, 0);
}

/* Queues that the frames left by since the last question, a digit a frame, in the order of the queues. */
static const char *
queues(unsigned int port)
{
	static char text[64];
	struct frame f;
	size_t n = 0;

	for (unsigned int q = 0; q < QUEUES; q++)
		while (n < sizeof(text) - 1 && rig_take(&rig, port, q, &f))
			text[n++] = (char)('0' + q);
	text[n] = '\0';
	return text;
}

static void
nothing_left(void)
{
	(void)queues(0);
	(void)queues(1);
}

/* ---- TLS ------------------------------------------------------------------------------------------------------------ */

static void
test_first_data_packet(void **state)
{
	uint8_t hello[600];
	uint16_t len = client_hello(hello, "Shop.Example", 100);
	struct tcp t;
	uint64_t fast;

	(void)state;
	open_(CONFIG(RULES_TLS));
	handshake(&t, 2000);
	nothing_left();
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, NULL, 0); /* a bare one says nothing */
	assert_string_equal(queues(1), "0");
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK | TCP_PSH, hello, len);
	assert_string_equal(queues(1), "1");
	/* Kept, and on the fast path now, without a look. */
	fast = rig_fast(&rig);
	for (unsigned int i = 0; i < 20; i++) {
		send_segment(&t, FLOW_ORIGINAL, TCP_ACK, "data", 4);
		assert_string_equal(queues(1), "1");
		send_segment(&t, FLOW_REPLY, TCP_ACK, "data", 4);
		assert_string_equal(queues(0), "0");
	}
	assert_int_equal(rig_fast(&rig), fast + 40);
	assert_int_equal(rig_punts(&rig, PUNT_L7), 1);
	assert_int_equal(cls_rule_hits(rig.dp->cls, RULE_GOLD), 1);
	rig_close(&rig);
}

/* The ClientHello comes with the handshake's last ACK still on its way to control, or is that ACK itself. */
static void
test_right_behind_handshake(void **state)
{
	uint8_t hello[600];
	uint16_t len = client_hello(hello, "shop.example", 0);
	struct packet p[2];
	struct frame f;
	struct tcp t;

	(void)state;
	open_(CONFIG(RULES_TLS));
	for (unsigned int together = 0; together < 2; together++) {
		t = (struct tcp){ (uint16_t)(2000 + together), { 1000, 5000 } };
		send_segment(&t, FLOW_ORIGINAL, TCP_SYN, NULL, 0);
		send_segment(&t, FLOW_REPLY, TCP_SYN | TCP_ACK, NULL, 0);
		nothing_left();
		if (!together) {
			p[0] = segment(&t, FLOW_ORIGINAL, TCP_ACK, NULL, 0);
			frame_build(&f, &p[0]);
			assert_true(rig_feed(&rig, 0, 0, &f));
		}
		p[1] = segment(&t, FLOW_ORIGINAL, TCP_ACK | TCP_PSH, hello, len);
		frame_build(&f, &p[1]);
		assert_true(rig_feed(&rig, 0, 0, &f));
		rig_settle(&rig);
		assert_string_equal(queues(1), together ? "1" : "01");
		send_segment(&t, FLOW_ORIGINAL, TCP_ACK, "data", 4);
		assert_string_equal(queues(1), "1");
	}
	assert_int_equal(cls_rule_hits(rig.dp->cls, RULE_GOLD), 2);
	rig_close(&rig);
}

/* Whole only when the first segment was sent again with the rest of it. */
static void
test_second_data_packet(void **state)
{
	uint8_t hello[600];
	uint16_t len = client_hello(hello, "shop.example", 300);
	struct tcp t;

	(void)state;
	open_(CONFIG(RULES_TLS));
	handshake(&t, 2000);
	nothing_left();
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, hello, 200);
	assert_string_equal(queues(1), "0");
	t.seq[FLOW_ORIGINAL] -= 200;
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, hello, len);
	assert_string_equal(queues(1), "1");
	rig_close(&rig);
}

/* In two segments: no class by name, and an end to the looking. */
static void
test_two_segments(void **state)
{
	uint8_t hello[600];
	uint16_t len = client_hello(hello, "shop.example", 300);
	uint64_t punts;
	struct tcp t;

	(void)state;
	open_(CONFIG(RULES_TLS));
	handshake(&t, 2000);
	nothing_left();
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, hello, 200);
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, hello + 200, (uint16_t)(len - 200));
	assert_string_equal(queues(1), "00");
	for (unsigned int i = 0; i < 10; i++)
		send_segment(&t, FLOW_ORIGINAL, TCP_ACK, "data", 4);
	assert_string_equal(queues(1), "0000000000");
	punts = rig_punts(&rig, PUNT_L7);
	assert_in_range(punts, 1, 2);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t next, conn = ct_next(rig.dp->ct, 0, UINT32_MAX, &next);
		const struct flow *f = &ct_conns(rig.dp->ct)[conn].flow[i];

		assert_int_equal(f->flags & (FLOW_F_L7 | FLOW_F_FAST), FLOW_F_FAST);
	}
	/* One that never gets beyond its beginning is given up after some packets. */
	handshake(&t, 2001);
	for (unsigned int i = 0; i < 20; i++) {
		send_segment(&t, FLOW_ORIGINAL, TCP_ACK, hello, 200);
		t.seq[FLOW_ORIGINAL] -= 200;
	}
	assert_int_equal(rig_punts(&rig, PUNT_L7), punts + 1);
	assert_int_equal(cls_rule_hits(rig.dp->cls, RULE_GOLD), 0);
	rig_close(&rig);
}

/* A server's ClientHello does not name the client's class, not even under rules that look at nothing else. */
static void
test_server_names_nothing(void **state)
{
	uint8_t hello[600];
	const uint16_t len = client_hello(hello, "shop.example", 0);
	struct tcp t;

	(void)state;
	open_(CONFIG("{\"class\": \"gold\", \"tls-sni\": \"shop.example\"}"));
	handshake(&t, 2000);
	for (unsigned int i = 0; i < 20; i++)
		send_segment(&t, FLOW_REPLY, TCP_ACK, hello, len);
	assert_int_equal(rig_punts(&rig, PUNT_L7), 1); /* enough was seen */
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, "data", 4);
	assert_null(strpbrk(queues(1), "123"));
	assert_null(strpbrk(queues(0), "123"));
	assert_int_equal(cls_rule_hits(rig.dp->cls, RULE_GOLD), 0);
	rig_close(&rig);
}

/* No TLS at all, a ClientHello without a name, a server that says the name: none of them is it. */
static void
test_no_name(void **state)
{
	uint8_t hello[600], named[600];
	const uint16_t len = client_hello(hello, NULL, 50),
		       named_len = client_hello(named, "shop.example", 0);
	struct tcp t;

	(void)state;
	open_(CONFIG(RULES_TLS));
	handshake(&t, 2000);
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, hello, len);
	handshake(&t, 2001);
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, "GET / HTTP/1.1\r\n\r\n", 18);
	handshake(&t, 2002);
	for (unsigned int i = 0; i < 20; i++)
		send_segment(&t, FLOW_REPLY, TCP_ACK, named, named_len);
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, "data", 4);
	assert_null(strpbrk(queues(1), "123"));
	assert_int_equal(cls_rule_hits(rig.dp->cls, RULE_GOLD), 0);
	rig_close(&rig);
}

static void
test_drop_by_name(void **state)
{
	uint8_t hello[600];
	const uint16_t len = client_hello(hello, "www.evil.example", 0);
	struct tcp t;

	(void)state;
	open_(CONFIG(RULES_TLS));
	handshake(&t, 2000);
	nothing_left();
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, hello, len);
	send_segment(&t, FLOW_ORIGINAL, TCP_ACK, "data", 4);
	assert_string_equal(queues(1), "");
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 2);
	rig_close(&rig);
}

/* ---- QUIC ----------------------------------------------------------------------------------------------------------- */

static void
datagrams(const char *json)
{
	uint8_t initial[1200];
	struct packet p = { .src = "198.51.100.7",
		.dst = "10.0.0.11",
		.proto = IPPROTO_UDP,
		.sport = 2000,
		.dport = 443,
		.payload = initial };
	struct packet answer = { .src = "10.0.0.11",
		.dst = "198.51.100.7",
		.proto = IPPROTO_UDP,
		.sport = 443,
		.dport = 2000,
		.payload = "\x40short header",
		.len = 13 };
	uint64_t fast;

	open_(json);
	p.len = quic_initial(initial, 0xc0ffee);
	rig_run(&rig, 0, &p);
	assert_string_equal(queues(1), "2"); /* the very first one already */
	rig_run(&rig, 1, &answer);
	p.payload = "\x40short header";
	p.len = 13;
	fast = rig_fast(&rig);
	for (unsigned int i = 0; i < 20; i++) {
		rig_run(&rig, 0, &p);
		rig_run(&rig, 1, &answer);
		assert_string_equal(queues(1), "2");
	}
	assert_int_equal(rig_fast(&rig), fast + 40);
	assert_int_equal(rig_punts(&rig, PUNT_L7), 0);
	/* Another id. */
	p.sport = 2001;
	p.payload = initial;
	p.len = quic_initial(initial, 0xdecaf0);
	rig_run(&rig, 0, &p);
	assert_string_equal(queues(1), "0");
	rig_close(&rig);
}

static void
test_quic(void **state)
{
	(void)state;
	datagrams(CONFIG(RULES_QUIC));
}

/* Rules that look at the state as well: asked again when the answer comes, the class must not be forgotten. */
static void
test_quic_and_states(void **state)
{
	(void)state;
	datagrams(CONFIG(RULES_QUIC ",{\"class\": \"default\", \"state\": \"established\"}"));
}

/* Asked of packets in any direction: the answers' class does not wait for what the question has settled. */
static void
test_quic_any_port(void **state)
{
	(void)state;
	datagrams(CONFIG("{\"class\": \"quic\", \"quic-dcid\": \"c0ffee\"}"));
}

/* The first datagram says nothing, the second one is of a class that drops, and no answer was seen yet. */
static void
test_drop_before_answer(void **state)
{
	uint8_t initial[1200];
	struct packet p = { .src = "198.51.100.7",
		.dst = "10.0.0.11",
		.proto = IPPROTO_UDP,
		.sport = 2000,
		.dport = 443 };

	(void)state;
	open_(CONFIG("{\"class\": \"no\", \"protocol\": \"udp\", \"quic-dcid\": \"c0ffee\"}"));
	rig_run(&rig, 0, &p);
	assert_string_equal(queues(1), "0");
	p.payload = initial;
	p.len = quic_initial(initial, 0xc0ffee);
	rig_run(&rig, 0, &p);
	rig_run(&rig, 0, &p);
	assert_string_equal(queues(1), "");
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 2);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_data_packet),
		cmocka_unit_test(test_right_behind_handshake),
		cmocka_unit_test(test_second_data_packet),
		cmocka_unit_test(test_two_segments),
		cmocka_unit_test(test_server_names_nothing),
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_drop_by_name),
		cmocka_unit_test(test_quic),
		cmocka_unit_test(test_quic_and_states),
		cmocka_unit_test(test_quic_any_port),
		cmocka_unit_test(test_drop_before_answer),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
