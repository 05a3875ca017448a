/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zones whose connections are not told apart by 5-tuples, in a whole dataplane: one connection whatever is sent, the fast
 * path, and every byte of what leaves, translated or not.
 */
#include <string.h>

#include <arpa/inet.h>

#include "test_dp_net.h"

#define ANY_ZONE 5
#define TUNNEL_ZONE 6

/* Two pairs of ports, a client's and a server's. */
#define KEYS(hash) \
	"{\"lcores\": {\"workers\": [1]}, \"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"zone\": 5," \
	" \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"zone\": 5, \"role\": \"internal\"," \
	" \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]}," \
	"{\"name\": \"ext2\", \"device\": \"net_ring_rig2\", \"zone\": 6," \
	" \"addresses\": [\"203.0.113.1/24\", \"2001:db8:f::2/64\"]}," \
	"{\"name\": \"int2\", \"device\": \"net_ring_rig3\", \"zone\": 6, \"role\": \"internal\"," \
	" \"addresses\": [\"10.2.0.1/24\", \"2001:db8:3::1/64\"]}]," \
	"\"zones\": [{\"id\": 5, \"key\": \"addresses\"}, {\"id\": 6, \"key\": \"tunnel-id\", \"limit\": 20}]," \
	"\"neighbours\": [" \
	"{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"ext\", \"address\": \"2001:db8:e::7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"ext2\", \"address\": \"203.0.113.7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"ext2\", \"address\": \"2001:db8:f::7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"int\", \"address\": \"2001:db8:2::11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"int2\", \"address\": \"10.2.0.11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"int2\", \"address\": \"2001:db8:3::11\", \"mac\": \"02:00:00:00:00:0b\"}]," \
	"\"services\": [{\"name\": \"web\", \"vip\": \"192.0.2.10\", \"protocol\": \"tcp\", \"port\": 80," \
	"\"backends\": [{\"address\": \"10.0.0.11\"}, {\"address\": \"10.2.0.11\"}]}]," \
	"\"classes\": [{\"name\": \"http\", \"mark\": 1}, {\"name\": \"udp\", \"mark\": 2}]," \
	"\"rules\": [{\"class\": \"http\", \"destination-port\": 80, \"protocol\": \"tcp\"}," \
	"{\"class\": \"udp\", \"protocol\": \"udp\"}]," \
	"\"tables\": {\"connections\": 64, \"connections-extended\": 2, \"mbufs\": 1024, \"next-hops\": 256, \"ring-size\": 64}," \
	"\"conntrack\": {\"hash\": \"" hash "\", \"rules\": [{\"helper\": \"ftp\"}]," \
	" \"syn-cookies\": {\"mode\": \"on\", \"protect\": \"all\"}}}"

static void
open_keys(void **state)
{
	rig_open(&rig, &(struct rig_params){ .json = *state, .n_ports = 4 });
}

static uint32_t
connections(void)
{
	struct ct_stats s;

	ct_stats(rig.dp->ct, &s);
	return s.connections;
}

static struct flow_tuple
tuple(uint16_t zone, uint8_t proto, uint32_t id, const char *src, const char *dst)
{
	struct flow_tuple t = { .key = { .family = 4, .zone = zone } };

	flow_key_set_id(&t.key, proto, id);
	if (inet_pton(AF_INET, src, t.src.b) != 1) {
		t.key.family = 6;
		assert_int_equal(inet_pton(AF_INET6, src, t.src.b), 1);
	}
	assert_int_equal(inet_pton(t.key.family == 4 ? AF_INET : AF_INET6, dst, t.dst.b), 1);
	flow_tuple_seal(&t);
	return t;
}

static struct ct_conn *
connection_of(const struct flow_tuple *t)
{
	uint32_t id = ct_find(rig.dp->ct, t);

	assert_int_not_equal(id, FLOW_NONE);
	assert_int_equal(id & 1, FLOW_ORIGINAL);
	return &ct_conns(rig.dp->ct)[id >> 1];
}

/* `p` into `port`; `want` is what must leave by the other port of the pair, TTL and MAC addresses aside. */
static void
through(unsigned int port, const struct packet *p, const struct packet *want)
{
	struct packet out = *want;
	struct frame got, f;

	out.ttl = (uint8_t)((want->ttl != 0 ? want->ttl : 64) - 1);
	out.smac = RIG_MAC;
	out.dmac = port & 1 ? "02:00:00:00:00:fe" : "02:00:00:00:00:0b";
	frame_build(&f, &out);
	rig_run(&rig, port, p);
	assert_true(rig_take_any(&rig, port ^ 1, &got));
	assert_int_equal(got.len, f.len);
	assert_memory_equal(got.b, f.b, f.len);
	assert_int_equal(left(port), 0);
	assert_int_equal(left(port ^ 1), 0);
	rig_check(&rig);
}

/* One of each, from src to dst. */
#define MIXED 10
static void
mix(struct packet p[MIXED], const char *src, const char *dst)
{
	const bool v6 = strchr(src, ':') != NULL;
	const struct packet list[MIXED] = {
		{ .proto = IPPROTO_UDP, .sport = 1000, .dport = 53 },
		{ .proto = IPPROTO_TCP, .sport = 1001, .dport = 80, .flags = TCP_SYN, .seq = 7 },
		{ .proto = IPPROTO_TCP,
				.sport = 1002,
				.dport = 80,
				.flags = TCP_ACK,
				.seq = 1u << 31 },
		{ .proto = IPPROTO_TCP, .sport = 1002, .dport = 80, .flags = TCP_RST },
		{ .proto = IPPROTO_TCP, .sport = 1003, .dport = 21, .flags = TCP_FIN | TCP_ACK },
		{ .proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				.sport = 9,
				.dport = v6 ? 0x8000 : 0x0800 },
		{ .proto = IPPROTO_SCTP, .sport = 1, .dport = 2, .tag = 5, .flags = SCTP_DATA },
		{ .proto = IPPROTO_DCCP, .sport = 3, .dport = 4, .flags = DCCP_DATAACK },
		{ .proto = IPPROTO_UDPLITE, .sport = 3, .dport = 4 },
		{ .proto = FLOW_PROTO_GTPU },
	};

	for (unsigned int i = 0; i < MIXED; i++) {
		p[i] = list[i];
		p[i].src = src, p[i].dst = dst;
		p[i].payload = "some data in it ", p[i].len = 16;
	}
}

static const char *const hosts[2][2] = { { "198.51.100.7", "10.0.0.11" },
	{ "2001:db8:e::7", "2001:db8:2::11" } };

/* All that two addresses send each other is one connection, SYN, FIN and RST or not; it runs fast, untouched. */
static void
test_addresses(void **state)
{
	open_keys(state);
	for (unsigned int v = 0; v < 2; v++) {
		struct packet there[MIXED], back[MIXED];
		struct flow_tuple t;
		struct ct_conn *c;
		uint64_t fast;

		mix(there, hosts[v][0], hosts[v][1]);
		mix(back, hosts[v][1], hosts[v][0]);
		through(0, &there[1], &there[1]); /* a SYN, and no cookie for it */
		assert_int_equal(connections(), v + 1);
		through(1, &back[0], &back[0]);
		fast = rig_fast(&rig);
		for (unsigned int i = 0; i < 2 * MIXED; i++) {
			through(0, &there[i % MIXED], &there[i % MIXED]);
			through(1, &back[i % MIXED], &back[i % MIXED]);
		}
		assert_int_equal(rig_fast(&rig), fast + 4 * MIXED);
		assert_int_equal(connections(), v + 1);
		t = tuple(ANY_ZONE, FLOW_PROTO_ANY, 0, hosts[v][0], hosts[v][1]);
		c = connection_of(&t);
		assert_int_equal(c->flow[0].packets, 2 * MIXED + 1);
		assert_int_equal(c->flow[1].packets, 2 * MIXED + 1);
		assert_int_equal(c->mark, 0); /* no rule that asks for a protocol is meant */
		assert_int_equal(c->status & (CT_S_HELPER | CT_S_DNAT | CT_S_SNAT), 0);
		assert_null(ct_state_of(c));
	}
	assert_int_equal(rig.dp->alg_unread, 0); /* the rule's helper is not for them */
	rig_close(&rig);
}

/* Translated: addresses, and every checksum that sums them; ports stay. On both paths. */
static void
test_translated(void **state)
{
	static const char *const vip[2] = { "192.0.2.99", "2001:db8:9::9" };
	const struct ct_packet first = { .now = 0 };

	open_keys(state);
	for (unsigned int v = 0; v < 2; v++) {
		const struct flow_tuple t = tuple(ANY_ZONE, FLOW_PROTO_ANY, 0, hosts[v][0], vip[v]);
		const struct flow_tuple reply =
				tuple(ANY_ZONE, FLOW_PROTO_ANY, 0, hosts[v][1], hosts[v][0]);
		struct packet in[MIXED], out[MIXED], answer[MIXED], left_as[MIXED];
		uint32_t conn;
		uint64_t fast;

		assert_int_equal(ct_open(rig.dp->ct, &t, &reply, 0, &first, &conn), 0);
		mix(in, hosts[v][0], vip[v]);
		mix(out, hosts[v][0], hosts[v][1]);
		mix(answer, hosts[v][1], hosts[v][0]);
		mix(left_as, vip[v], hosts[v][0]);
		for (unsigned int i = 0; i < MIXED; i++) /* slow: no answer yet */
			through(0, &in[i], &out[i]);
		through(1, &answer[0], &left_as[0]);
		fast = rig_fast(&rig);
		for (unsigned int i = 0; i < MIXED; i++) {
			through(0, &in[i], &out[i]);
			through(1, &answer[i], &left_as[i]);
		}
		assert_int_equal(rig_fast(&rig), fast + 2 * MIXED);
		assert_int_equal(ct_conns(rig.dp->ct)[conn].status & (CT_S_DNAT | CT_S_SNAT),
				CT_S_DNAT);
	}
	assert_int_equal(connections(), 2);
	rig_close(&rig);
}

static struct packet
error_about(const struct frame *f, const char *src, const char *dst)
{
	const bool v6 = frame_family(f) == 6;

	return (struct packet){ .src = src,
		.dst = dst,
		.proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
		.dport = v6 ? 0x0104 : 0x0303,
		.payload = f->b + frame_l3(f),
		.len = (uint16_t)(f->len - frame_l3(f)) };
}

/* Errors about whatever was sent are the connection's, and are translated back. */
static void
test_errors(void **state)
{
	static const char *const vip[2] = { "192.0.2.99", "2001:db8:9::9" };
	const struct ct_packet first = { .now = 0 };
	unsigned int n = 0;

	open_keys(state);
	for (unsigned int v = 0; v < 2; v++) {
		const struct flow_tuple t = tuple(ANY_ZONE, FLOW_PROTO_ANY, 0, hosts[v][0], vip[v]);
		const struct flow_tuple reply =
				tuple(ANY_ZONE, FLOW_PROTO_ANY, 0, hosts[v][1], hosts[v][0]);
		struct packet in[MIXED], out[MIXED];
		uint32_t conn;

		assert_int_equal(ct_open(rig.dp->ct, &t, &reply, 0, &first, &conn), 0);
		mix(in, hosts[v][0], vip[v]);
		mix(out, hosts[v][0], hosts[v][1]);
		for (unsigned int i = 0; i < MIXED; i++) {
			struct packet error, want;
			struct frame sent, arrived;

			if (out[i].proto == IPPROTO_SCTP || out[i].proto == IPPROTO_ICMPV6)
				continue; /* their checksums cannot be, or are not, put back in a quotation */
			frame_build(&sent, &in[i]);
			frame_build(&arrived, &out[i]);
			error = error_about(&arrived, hosts[v][1], hosts[v][0]);
			want = error_about(&sent, vip[v], hosts[v][0]);
			through(1, &error, &want);
			n++;
		}
		assert_int_equal(ct_conns(rig.dp->ct)[conn].flow[0].packets, 0);
	}
	assert_int_equal(rig.dp->c.state[CT_STATE_RELATED].packets, n);
	assert_int_equal(connections(), 2);
	rig_close(&rig);
}

/* ---- tunnels ---------------------------------------------------------------------------------------------------- */

static struct packet
tunnelled(uint16_t dport, const void *header, uint16_t entropy, bool v6, bool back)
{
	static const char *const ends[2][2] = { { "203.0.113.7", "10.2.0.11" },
		{ "2001:db8:f::7", "2001:db8:3::11" } };

	return (struct packet){ .src = ends[v6][back],
		.dst = ends[v6][!back],
		.proto = IPPROTO_UDP,
		.sport = entropy,
		.dport = dport,
		.payload = header,
		.len = 24 };
}

/* Both directions of a tunnel are one connection, whatever the source ports are; each id is another one. */
static void
test_tunnels(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t proto;
		uint32_t id;
		uint8_t header[24];
	} kinds[] = {
		{ 4789, FLOW_PROTO_VXLAN, 0x123456, { 8, 0, 0, 0, 0x12, 0x34, 0x56, 0 } },
		{ 4789, FLOW_PROTO_VXLAN, 0x123457, { 8, 0, 0, 0, 0x12, 0x34, 0x57, 0 } },
		{ 6081, FLOW_PROTO_GENEVE, 0x123456, { 0, 0, 0x65, 0x58, 0x12, 0x34, 0x56, 0 } },
		{ 2152, FLOW_PROTO_GTPU, 0xfedcba98, { 0x30, 255, 0, 16, 0xfe, 0xdc, 0xba, 0x98 } },
	};
	const unsigned int n = RTE_DIM(kinds);

	open_keys(state);
	for (unsigned int i = 0; i < 2 * n; i++) {
		const bool v6 = i >= n;
		const unsigned int k = i % n;
		struct packet p = tunnelled(kinds[k].port, kinds[k].header, 0, v6, false);
		struct packet a = tunnelled(kinds[k].port, kinds[k].header, 0, v6, true);
		struct flow_tuple t = tuple(TUNNEL_ZONE, kinds[k].proto, kinds[k].id, p.src, p.dst);
		uint64_t fast;

		p.sport = 50000, a.sport = 60000;
		through(2, &p, &p);
		through(3, &a, &a);
		fast = rig_fast(&rig);
		for (uint16_t entropy = 1; entropy < 20; entropy++) {
			p.sport = (uint16_t)(50000 + entropy),
			a.sport = (uint16_t)(60000 + entropy);
			through(2, &p, &p);
			through(3, &a, &a);
		}
		assert_int_equal(rig_fast(&rig), fast + 38);
		assert_int_equal(connections(), i + 1);
		assert_int_equal(connection_of(&t)->flow[1].packets, 20);
		assert_int_equal(connection_of(&t)->mark, 2); /* they are UDP to rules */
	}
	rig_close(&rig);
}

/* What is no tunnel has ports in its key there, with services and helpers; a quotation that shows the id names its tunnel. */
static void
test_beside_tunnels(void **state)
{
	static const uint8_t vxlan[24] = { 8, 0, 0, 0, 0, 0, 5, 0 }, none[24] = { 0 };
	struct packet p = tunnelled(4789, none, 50000, false, false), e;
	struct packet a = answer_to(&p);
	struct frame f;

	open_keys(state);
	through(2, &p, &p); /* no VNI is announced */
	through(3, &a, &a);
	assert_int_equal(connections(), 1);
	p.sport++;
	through(2, &p, &p);
	assert_int_equal(connections(), 2);
	p = tunnelled(4789, vxlan, 50000, false, false);
	through(2, &p, &p);
	assert_int_equal(connections(), 3);
	p.sport = 50002;
	frame_build(&f, &p);
	for (uint16_t cut = 28; cut <= 44; cut += 8) {
		e = error_about(&f, p.dst, p.src);
		e.len = cut;
		rig_run(&rig, 3, &e);
		assert_int_equal(left(2), cut >= 36);
	}
	p = tunnelled(4789, none, 50001, false,
			false); /* cut as short, that of no tunnel is known by its ports */
	frame_build(&f, &p);
	e = error_about(&f, p.dst, p.src);
	e.len = 28;
	rig_run(&rig, 3, &e);
	assert_int_equal(left(2), 1);
	assert_int_equal(rig_drops(&rig, DROP_CT_ICMP_UNKNOWN), 1);
	rig_close(&rig);
}

/* Services are found by 5-tuples: not in a zone that has none, and nobody else answers for them. */
static void
test_services(void **state)
{
	struct packet p[MIXED];

	open_keys(state);
	mix(p, "198.51.100.7", "192.0.2.10");
	rig_run(&rig, 0, &p[1]);
	assert_int_equal(left(1), 0);
	assert_int_equal(connections(), 0);
	rig_check(&rig);
	rig_close(&rig);
}

int
main(void)
{
	static char crc[] = KEYS("crc32c"), siphash[] = KEYS("siphash");
#define BOTH(f) cmocka_unit_test_prestate(f, crc), cmocka_unit_test_prestate(f, siphash)
	const struct CMUnitTest tests[] = {
		BOTH(test_addresses),
		BOTH(test_translated),
		BOTH(test_errors),
		BOTH(test_tunnels),
		BOTH(test_beside_tunnels),
		BOTH(test_services),
	};

	if (rig_eal("0@0,1@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
