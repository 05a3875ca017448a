/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewritten packets equal packets that are built with the new addresses: every protocol, both families, both
 * directions, with and without translation, VLAN tags and checksums, on the slow path and on the fast one. ICMP errors
 * through a translation, both ways, with whole and with cut quotations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_dp.h"

#define SHUNT_EXT RIG_MAC
#define SHUNT_INT RIG_MAC
#define GATEWAY "02:00:00:00:00:fe"
#define SERVER "02:00:00:00:01:11"

static const char config[] =
		"{\"ports\": ["
		"{\"name\": \"ext\", \"device\": \"net_ring_rig0\","
		" \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]},"
		"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\","
		" \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]}],"
		"\"routes\": [{\"prefix\": \"0.0.0.0/0\", \"via\": \"198.51.100.1\"},"
		"{\"prefix\": \"::/0\", \"via\": \"2001:db8:e::1\"}],"
		"\"neighbours\": ["
		"{\"port\": \"ext\", \"address\": \"198.51.100.1\", \"mac\": \"" GATEWAY "\"},"
		"{\"port\": \"ext\", \"address\": \"2001:db8:e::1\", \"mac\": \"" GATEWAY "\"},"
		"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"" SERVER "\"},"
		"{\"port\": \"int\", \"address\": \"2001:db8:2::11\", \"mac\": \"" SERVER "\"}],"
		"\"tables\": {\"connections\": 1024, \"mbufs\": 2048, \"ring-size\": 256},"
		"\"services\": ["
#define SERVICE(name, proto, vip, backend) \
	"{\"name\": \"" name "\", \"vip\": \"" vip "\", \"protocol\": \"" proto \
	"\", \"port\": 80, \"backends\": [{\"address\": \"" backend "\", \"port\": 8080}]}"
		SERVICE("t4", "tcp", "192.0.2.10", "10.0.0.11") "," SERVICE(
				"u4", "udp", "192.0.2.10", "10.0.0.11") "," SERVICE("s4", "sctp",
				"192.0.2.10", "10.0.0.11") "," SERVICE("t6", "tcp",
				"2001:db8:1::10", "2001:db8:2::11") "," SERVICE("u6", "udp",
				"2001:db8:1::10", "2001:db8:2::11") "," SERVICE("s6", "sctp",
				"2001:db8:1::10", "2001:db8:2::11") "]}";

#define CLIENT4 "203.0.113.5"
#define CLIENT6 "2001:db8:c::5"
#define VIP4 "192.0.2.10"
#define VIP6 "2001:db8:1::10"
#define SERVER4 "10.0.0.11"
#define SERVER6 "2001:db8:2::11"

static struct rig rig;

static int
setup(void **state)
{
	(void)state;
	rig_open(&rig, &(struct rig_params){ .json = config, .n_ports = 2 });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static void
same_frame(const struct frame *got, const struct frame *want)
{
	if (got->len == want->len && memcmp(got->b, want->b, got->len) == 0)
		return;
	for (uint32_t i = 0; i < RTE_MAX(got->len, want->len); i++)
		if (i >= got->len || i >= want->len || got->b[i] != want->b[i])
			fprintf(stderr, "byte %u: got %02x, want %02x\n", i,
					i < got->len ? got->b[i] : 0,
					i < want->len ? want->b[i] : 0);
	assert_int_equal(got->len, want->len);
	assert_memory_equal(got->b, want->b, got->len);
}

/* `in` goes into `port`, and `want` and nothing else comes out of the other one. */
static void
expect(unsigned int port, const struct packet *in, const struct packet *want)
{
	struct frame got, wanted;

	frame_build(&wanted, want);
	rig_run(&rig, port, in);
	assert_true(rig_take_any(&rig, !port, &got));
	same_frame(&got, &wanted);
	assert_false(rig_take_any(&rig, 0, &got));
	assert_false(rig_take_any(&rig, 1, &got));
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

struct kind {
	const char *name;
	uint8_t proto;
	bool v6;
	bool service;
	bool no_checksum;
	uint8_t vlans;
};

static const struct kind kinds[] = {
	{ "tcp", IPPROTO_TCP, false, true },
	{ "tcp, tagged", IPPROTO_TCP, false, true, .vlans = 1 },
	{ "tcp, two tags", IPPROTO_TCP, false, true, .vlans = 2 },
	{ "tcp, routed", IPPROTO_TCP, false, false },
	{ "udp", IPPROTO_UDP, false, true },
	{ "udp, tagged", IPPROTO_UDP, false, true, .vlans = 1 },
	{ "udp without checksum", IPPROTO_UDP, false, true, .no_checksum = true },
	{ "udp, routed", IPPROTO_UDP, false, false },
	{ "sctp", IPPROTO_SCTP, false, true },
	{ "sctp, routed", IPPROTO_SCTP, false, false },
	{ "dccp, routed", IPPROTO_DCCP, false, false },
	{ "udp-lite, routed", IPPROTO_UDPLITE, false, false },
	{ "gre with a key", IPPROTO_GRE, false, false },
	{ "icmp", IPPROTO_ICMP, false, false },
	{ "icmp, tagged", IPPROTO_ICMP, false, false, .vlans = 1 },
	{ "other protocol", 253, false, false },
	{ "tcp6", IPPROTO_TCP, true, true },
	{ "tcp6, two tags", IPPROTO_TCP, true, true, .vlans = 2 },
	{ "tcp6, routed", IPPROTO_TCP, true, false },
	{ "udp6", IPPROTO_UDP, true, true },
	{ "udp6, tagged", IPPROTO_UDP, true, true, .vlans = 1 },
	{ "sctp6", IPPROTO_SCTP, true, true },
	{ "sctp6, routed", IPPROTO_SCTP, true, false },
	{ "dccp6, routed", IPPROTO_DCCP, true, false },
	{ "udp-lite6, routed", IPPROTO_UDPLITE, true, false },
	{ "gre6 with a key", IPPROTO_GRE, true, false },
	{ "icmp6", IPPROTO_ICMPV6, true, false },
	{ "other protocol, v6", 253, true, false },
};

/* Four packets open an association, two a direction; the server asked for tag 2, the client for tag 1. */
static void
sctp_of(struct packet *p, unsigned int dir, unsigned int n)
{
	static const uint8_t types[2][2] = { { SCTP_INIT, SCTP_COOKIE_ECHO },
		{ SCTP_INIT_ACK, SCTP_COOKIE_ACK } };

	p->flags = n < 2 ? types[dir][n] : SCTP_DATA;
	p->tag = p->flags == SCTP_INIT ? 0 : dir == FLOW_ORIGINAL ? 2 : 1;
	p->ack = dir == FLOW_ORIGINAL ? 1 : 2;
}

static void
dccp_of(struct packet *p, unsigned int dir, unsigned int n)
{
	static const uint8_t types[2][2] = { { DCCP_REQUEST, DCCP_ACK },
		{ DCCP_RESPONSE, DCCP_ACK } };

	p->flags = n < 2 ? types[dir][n] : DCCP_DATAACK;
}

/* Sender, payload and numbers of packet n of a direction. */
static struct packet
packet_of(const struct kind *k, unsigned int dir, unsigned int n, uint16_t client)
{
	static uint8_t payload[1200];
	const bool icmp = k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6;
	static const uint8_t flags[] = { TCP_SYN, TCP_ACK, TCP_ACK | TCP_PSH };
	const uint16_t len = n == 0 && k->proto == IPPROTO_TCP
			? 0
			: (uint16_t)(1 + (n * 397 + client * 31) % sizeof(payload));
	struct packet p = {
		.proto = k->proto,
		.no_checksum = k->no_checksum,
		.ttl = (uint8_t)(2 + (n * 50 + client) % 250),
		.payload = payload,
		.len = len,
		.seq = 100,
		.ack = 100,
	};

	for (unsigned int i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(rand() >> 8);
	if (icmp) {
		p.sport = client;
		p.dport = (uint16_t)((dir == FLOW_ORIGINAL ? (k->v6 ? 128 : 8) : (k->v6 ? 129 : 0))
				<< 8);
	} else if (k->proto == IPPROTO_SCTP) {
		sctp_of(&p, dir, n);
	} else if (k->proto == IPPROTO_DCCP) {
		dccp_of(&p, dir, n);
	} else if (k->proto == IPPROTO_GRE) {
		p.seq = 0xabcd0000u + client;
	} else if (k->proto == IPPROTO_TCP) {
		p.flags = flags[RTE_MIN(n, 2u)];
		if (n == 0 && dir == FLOW_REPLY)
			p.flags |= TCP_ACK;
		p.seq += n == 0 ? 0 : 1;
		p.ack += n == 0 && dir == FLOW_ORIGINAL ? -100 : 1;
	}
	return p;
}

static void
addresses(struct packet *p, const struct kind *k, const char *src, const char *dst, uint16_t sport,
		uint16_t dport)
{
	p->src = src;
	p->dst = dst;
	if (flow_has_ports(k->proto)) {
		p->sport = sport;
		p->dport = dport;
	}
}

static void
send_one(const struct kind *k, unsigned int dir, unsigned int n, uint16_t client_port)
{
	const char *client = k->v6 ? CLIENT6 : CLIENT4, *server = k->v6 ? SERVER6 : SERVER4;
	const char *meant = k->service ? (k->v6 ? VIP6 : VIP4) : server;
	const uint16_t port = k->service ? 80 : 8080;
	struct packet in = packet_of(k, dir, n, client_port), out = in;

	if (dir == FLOW_ORIGINAL) {
		addresses(&in, k, client, meant, client_port, port);
		addresses(&out, k, client, server, client_port, 8080);
		in.dmac = SHUNT_EXT, in.smac = GATEWAY;
		out.dmac = SERVER, out.smac = SHUNT_INT;
	} else {
		addresses(&in, k, server, client, 8080, client_port);
		addresses(&out, k, meant, client, port, client_port);
		in.dmac = SHUNT_INT, in.smac = SERVER;
		out.dmac = GATEWAY, out.smac = SHUNT_EXT;
	}
	in.vlans = k->vlans;
	out.ttl--;
	expect(dir == FLOW_ORIGINAL ? 0 : 1, &in, &out);
}

static void
test_every_kind(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		const struct kind *k = &kinds[i];

		for (unsigned int c = 0; c < 20; c++) {
			const uint16_t client = (uint16_t)(1024 + i * 64 + c * 997);
			uint64_t fast;

			send_one(k, FLOW_ORIGINAL, 0, client);
			send_one(k, FLOW_REPLY, 0, client);
			send_one(k, FLOW_ORIGINAL, 1, client);
			send_one(k, FLOW_REPLY, 1, client);
			fast = rig_fast(&rig);
			for (unsigned int n = 2; n < 6; n++)
				send_one(k, n % 2, n, client);
			if (rig_fast(&rig) != fast + 4)
				fprintf(stderr, "%s: not on the fast path\n", k->name);
			assert_int_equal(rig_fast(&rig), fast + 4);
		}
	}
}

/* ---- ICMP errors --------------------------------------------------------------------------------------------------- */

/* The IP packet of `p` as its receiver quotes it: at most `len` bytes, TTL as it arrived. */
static uint16_t
quote(uint8_t *out, const struct packet *p, uint16_t len)
{
	struct frame f;
	uint16_t n;

	frame_build(&f, p);
	n = RTE_MIN(len, (uint16_t)(f.len - 14));
	memcpy(out, f.b + 14, n);
	return n;
}

/*
 * An error that `router` (NULL: the receiver) sends about packet n of direction `dir`; it comes in on the far side of
 * that packet and leaves on its sender's side, the quotation as the sender knows the packet.
 */
static void
error_about(const struct kind *k, unsigned int dir, const char *router, uint16_t quoted,
		uint16_t client_port)
{
	const char *client = k->v6 ? CLIENT6 : CLIENT4, *server = k->v6 ? SERVER6 : SERVER4;
	const char *vip = k->v6 ? VIP6 : VIP4;
	const uint16_t type = (uint16_t)(k->v6 ? 1 << 8 | 4 : 3 << 8 | 3);
	struct packet sent = packet_of(k, dir, 2, client_port), known = sent;
	uint8_t q_in[1500], q_out[1500];
	struct packet in = { .proto = k->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, .dport = type };
	struct packet out;

	/* As it was sent on, and as its sender had sent it. */
	if (dir == FLOW_ORIGINAL) {
		addresses(&sent, k, client, server, client_port, 8080);
		addresses(&known, k, client, vip, client_port, 80);
	} else {
		addresses(&sent, k, vip, client, 80, client_port);
		addresses(&known, k, server, client, 8080, client_port);
	}
	in.len = quote(q_in, &sent, quoted);
	in.payload = q_in;
	out = in;
	quote(q_out, &known, quoted);
	if (k->proto == IPPROTO_SCTP) /* its CRC covers what is not there: it stays */
		memcpy(q_out + (k->v6 ? 48 : 28), q_in + (k->v6 ? 48 : 28),
				RTE_MIN(4, RTE_MAX(0, in.len - (k->v6 ? 48 : 28))));
	out.payload = q_out;
	out.ttl = 63;
	if (dir == FLOW_ORIGINAL) {
		in.src = router != NULL ? router : server;
		in.dst = client;
		out.src = vip; /* the inside does not show */
		out.dst = client;
		in.dmac = SHUNT_INT, in.smac = SERVER;
		out.dmac = GATEWAY, out.smac = SHUNT_EXT;
	} else {
		in.src = out.src = router != NULL ? router : client;
		in.dst = vip;
		out.dst = server;
		in.dmac = SHUNT_EXT, in.smac = GATEWAY;
		out.dmac = SERVER, out.smac = SHUNT_INT;
	}
	expect(dir == FLOW_ORIGINAL ? 1 : 0, &in, &out);
}

static void
test_icmp_errors(void **state)
{
	static const uint16_t cuts[] = { 1480, 600, 64, 60, 40, 32,
		28 }; /* of IPv4; 20 more of IPv6 */

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		const struct kind *k = &kinds[i];
		const uint16_t client = (uint16_t)(3000 + i);

		if (!k->service || k->vlans != 0)
			continue;
		send_one(k, FLOW_ORIGINAL, 0, client);
		send_one(k, FLOW_REPLY, 0, client);
		send_one(k, FLOW_ORIGINAL, 1, client);
		send_one(k, FLOW_REPLY, 1, client);
		for (unsigned int c = 0; c < RTE_DIM(cuts); c++) {
			const uint16_t cut = (uint16_t)RTE_MIN(cuts[c] + (k->v6 ? 20 : 0), 1232);

			error_about(k, FLOW_ORIGINAL, NULL, cut, client);
			error_about(k, FLOW_REPLY, NULL, cut, client);
			error_about(k, FLOW_ORIGINAL, k->v6 ? "2001:db8:2::99" : "10.0.0.99", cut,
					client);
			error_about(k, FLOW_REPLY, k->v6 ? "2001:db8:e::99" : "198.51.100.77", cut,
					client);
		}
		/* The connection is as before. */
		send_one(k, FLOW_ORIGINAL, 2, client);
		send_one(k, FLOW_REPLY, 2, client);
	}
}

/* Errors about nothing: dropped as invalid, nothing is learnt. */
static void
test_icmp_error_unknown(void **state)
{
	uint8_t q[64];
	struct packet about = {
		.src = CLIENT4, .dst = SERVER4, .proto = IPPROTO_UDP, .sport = 9, .dport = 9
	};
	struct packet p = { .src = SERVER4,
		.dst = CLIENT4,
		.proto = IPPROTO_ICMP,
		.dport = 3 << 8 | 3,
		.dmac = SHUNT_INT,
		.smac = SERVER,
		.payload = q };
	struct frame f;

	(void)state;
	p.len = quote(q, &about, 28);
	rig_run(&rig, 1, &p);
	assert_int_equal(rig_drops(&rig, DROP_CT_ICMP_UNKNOWN), 1);
	p.len = 23; /* cut within the ports */
	rig_run(&rig, 1, &p);
	assert_int_equal(rig_drops(&rig, DROP_ICMP_INNER), 1);
	assert_false(rig_take_any(&rig, 0, &f));
	assert_false(rig_take_any(&rig, 1, &f));
}

/* To somebody else than the quoted packet's sender: not `related`, whatever it quotes. */
static void
test_icmp_error_to_others(void **state)
{
	uint8_t q[64];
	struct packet about = { .src = CLIENT4,
		.dst = SERVER4,
		.proto = IPPROTO_UDP,
		.sport = 9,
		.dport = 9,
		.dmac = SHUNT_EXT,
		.smac = GATEWAY };
	struct packet p = { .src = SERVER4,
		.dst = "203.0.113.99",
		.proto = IPPROTO_ICMP,
		.dport = 3 << 8 | 3,
		.dmac = SHUNT_INT,
		.smac = SERVER,
		.payload = q };
	struct frame f;

	(void)state;
	rig_run(&rig, 0, &about);
	assert_true(rig_take_any(&rig, 1, &f));
	p.len = quote(q, &about, 28);
	rig_run(&rig, 1, &p);
	assert_int_equal(rig_drops(&rig, DROP_CT_ICMP_UNKNOWN), 1);
	assert_false(rig_take_any(&rig, 0, &f));
	p.dst = CLIENT4;
	rig_run(&rig, 1, &p);
	assert_int_equal(rig_drops(&rig, DROP_CT_ICMP_UNKNOWN), 1);
	assert_true(rig_take_any(&rig, 0, &f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_icmp_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_icmp_error_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_icmp_error_to_others, setup, teardown),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
