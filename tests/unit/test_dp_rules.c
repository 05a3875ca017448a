/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of connection tracking, zones, and what the fast path asks of SCTP, in a whole dataplane.
 */
#include <string.h>

#include <arpa/inet.h>

#include "test_dp_net.h"

/* Two pairs of ports, a client's and a server's, one zone each; a service; some classes. */
#define ZONES(conntrack) \
	"{\"lcores\": {\"workers\": [1]}, \"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"zone\": 7, \"addresses\": [\"198.51.100.2/24\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"zone\": 7, \"addresses\": [\"10.0.0.1/24\"]}," \
	"{\"name\": \"ext2\", \"device\": \"net_ring_rig2\", \"zone\": 65535, \"addresses\": [\"203.0.113.1/24\"]}," \
	"{\"name\": \"int2\", \"device\": \"net_ring_rig3\", \"zone\": 65535, \"addresses\": [\"10.2.0.1/24\"]}]," \
	"\"neighbours\": [" \
	"{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"ext2\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fd\"}," \
	"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"int2\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:1b\"}]," \
	"\"tables\": {\"connections\": 64, \"connections-extended\": 2, \"mbufs\": 1024, \"next-hops\": 256, \"ring-size\": 64}," \
	"\"services\": [{\"name\": \"web\", \"vip\": \"192.0.2.10\", \"protocol\": \"tcp\", \"port\": 80," \
	"\"backends\": [{\"address\": \"10.0.0.11\"}]}," \
	"{\"name\": \"dns\", \"vip\": \"192.0.2.10\", \"protocol\": \"udp\", \"port\": 53," \
	"\"backends\": [{\"address\": \"10.0.0.11\"}]}]," \
	"\"classes\": [{\"name\": \"over\", \"port\": \"int2\"}, {\"name\": \"back\", \"port\": \"ext2\"}," \
	"{\"name\": \"blocked\", \"drop\": true}, {\"name\": \"marked\", \"mark\": 99}]," \
	"\"rules\": [{\"class\": \"over\", \"port\": \"ext2\"}, {\"class\": \"back\", \"port\": \"int2\"}," \
	"{\"class\": \"blocked\", \"protocol\": \"udp\", \"source-port\": 6666}," \
	"{\"class\": \"marked\", \"protocol\": \"udp\", \"source-port\": 7777}]," \
	"\"conntrack\": {" conntrack "}}"

static void
open_zones(const char *json)
{
	rig_open(&rig, &(struct rig_params){ .json = json, .n_ports = 4 });
}

static uint32_t
connections(void)
{
	struct ct_stats s;

	ct_stats(rig.dp->ct, &s);
	return s.connections;
}

/* The connection that the packet belongs to, or NULL; *dir its direction. */
static struct ct_conn *
connection_of(const struct packet *p, uint16_t zone, enum flow_dir *dir)
{
	struct flow_tuple t = { .key = { .family = 4, .proto = p->proto, .zone = zone } };
	uint32_t id;

	inet_pton(AF_INET, p->src, t.src.b);
	inet_pton(AF_INET, p->dst, t.dst.b);
	t.key.sport = rte_cpu_to_be_16(p->sport);
	t.key.dport = rte_cpu_to_be_16(p->dport);
	flow_tuple_seal(&t);
	id = ct_find(rig.dp->ct, &t);
	if (id == FLOW_NONE)
		return NULL;
	*dir = id & 1;
	return &ct_conns(rig.dp->ct)[id >> 1];
}

/* ---- zones ------------------------------------------------------------------------------------------------------ */

/* The same addresses and ports in two zones are two connections, each with its own state and its own answers. */
static void
test_zones(void **state)
{
	const struct packet p = udp(2000), a = answer_to(&p);
	const struct ct_conn *one, *two;
	enum flow_dir dir;

	(void)state;
	open_zones(ZONES(""));
	rig_run(&rig, 0, &p);
	assert_int_equal(left(1), 1);
	rig_run(&rig, 2, &p);
	assert_int_equal(left(3), 1);
	assert_int_equal(connections(), 2);
	one = connection_of(&p, 7, &dir);
	two = connection_of(&p, 65535, &dir);
	assert_non_null(one);
	assert_non_null(two);
	assert_ptr_not_equal(one, two);
	assert_null(connection_of(&p, 0, &dir));
	rig_run(&rig, 1, &a);
	assert_int_equal(left(0), 1);
	assert_true(one->status & CT_S_SEEN_REPLY);
	assert_false(two->status & CT_S_SEEN_REPLY);
	/* On the fast path too, each by its own port. */
	rig_run(&rig, 3, &a);
	assert_int_equal(left(2), 1);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t fast = rig_fast(&rig);

		rig_run(&rig, 0, &p);
		rig_run(&rig, 2, &p);
		rig_run(&rig, 1, &a);
		rig_run(&rig, 3, &a);
		assert_int_equal(rig_fast(&rig), fast + 4);
		for (unsigned int port = 0; port < 4; port++)
			assert_int_equal(left(port), 1);
	}
	assert_int_equal(one->flow[0].packets, 4);
	assert_int_equal(two->flow[0].packets, 4);
	rig_close(&rig);
}

/* An answer by a port of another zone is a first packet there; for TCP that is none. */
static void
test_zones_mixed(void **state)
{
	struct packet p = udp(2000), a;

	(void)state;
	open_zones(ZONES(""));
	a = answer_to(&p);
	rig_run(&rig, 0, &p);
	rig_run(&rig, 3, &a);
	assert_int_equal(connections(), 2);
	assert_int_equal(rig.dp->c.state[CT_STATE_NEW].packets, 2);
	p.proto = IPPROTO_TCP, p.flags = TCP_SYN, p.len = 0;
	a = answer_to(&p);
	a.flags = TCP_SYN | TCP_ACK, a.ack = 1;
	rig_run(&rig, 0, &p);
	rig_run(&rig, 3, &a);
	assert_int_equal(rig_drops(&rig, DROP_CT_INVALID), 1);
	rig_close(&rig);
}

/* ICMP errors are about connections of the zone of their port. */
static void
test_zones_icmp(void **state)
{
	const struct packet p = udp(2000);
	struct packet error = { .src = "10.0.0.11",
		.dst = "198.51.100.7",
		.proto = IPPROTO_ICMP,
		.dport = 3 << 8 | 3 };
	uint8_t quoted[64];
	struct frame f;

	(void)state;
	open_zones(ZONES(""));
	frame_build(&f, &p);
	memcpy(quoted, f.b + 14, 36);
	error.payload = quoted;
	error.len = 36;
	rig_run(&rig, 0, &p);
	rig_run(&rig, 3, &error);
	assert_int_equal(rig_drops(&rig, DROP_CT_ICMP_UNKNOWN), 1);
	assert_int_equal(rig.dp->c.state[CT_STATE_RELATED].packets, 0);
	rig_run(&rig, 1, &error);
	assert_int_equal(rig.dp->c.state[CT_STATE_RELATED].packets, 1);
	assert_int_equal(left(0), 1);
	rig_close(&rig);
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

#define RULES \
	"\"timeout-policies\": [{\"name\": \"long\", \"timeouts\": {\"udp\": 1000}}, {\"name\": \"short\", \"timeouts\": {\"udp\": 5}}]," \
	"\"rules\": [" \
	"{\"protocol\": \"udp\", \"source-port\": \"1-9\", \"timeouts\": \"short\", \"mark\": 1}," \
	"{\"protocol\": \"udp\", \"source-port\": 5, \"mark\": 2}," \
	"{\"protocol\": \"udp\", \"source-port\": 7777, \"mark\": 3}," \
	"{\"service\": \"dns\", \"mark\": 4}," \
	"{\"zone\": 65535, \"mark\": 5, \"timeouts\": \"long\"}," \
	"{\"protocol\": \"udp\", \"source-port\": 10, \"label\": \"c0ffee\"}," \
	"{\"protocol\": \"udp\", \"source-port\": 11, \"helper\": \"tftp\"}," \
	"{\"protocol\": \"udp\", \"source-port\": \"12-13\", \"label\": \"01\", \"mark\": 6}]"

static const struct {
	unsigned int port;
	uint16_t sport;
	const char *dst;
	uint32_t mark;
	uint8_t policy;
	uint32_t expires;
} chosen[] = {
	{ 0, 5, "10.0.0.11", 1, 2, 5 }, /* the first that matches */
	{ 0, 2000, "10.0.0.11", 0, 0, 30 },
	{ 0, 7777, "10.0.0.11", 99, 0, 30 }, /* the class's mark */
	{ 0, 2001, "192.0.2.10", 4, 0, 30 },
	{ 2, 2000, "10.0.0.11", 5, 1, 1000 },
	{ 2, 5, "10.0.0.11", 1, 2, 5 },
	{ 2, 2001, "192.0.2.10", 4, 0, 30 },
};

static void
test_rules(void **state)
{
	static const uint8_t number[16] = { [13] = 0xc0, 0xff, 0xee };
	const struct ct_conn *conns, *c;
	struct ct_stats stats;
	enum flow_dir dir;
	struct packet p;

	(void)state;
	open_zones(ZONES(RULES));
	conns = ct_conns(rig.dp->ct);
	for (unsigned int i = 0; i < RTE_DIM(chosen); i++) {
		p = udp(chosen[i].sport);
		p.dst = chosen[i].dst;
		rig_run(&rig, chosen[i].port, &p);
		c = connection_of(&p, chosen[i].port == 0 ? 7 : 65535, &dir);
		assert_non_null(c);
		assert_int_equal(c->mark, chosen[i].mark);
		assert_int_equal(c->policy, chosen[i].policy);
		assert_in_range(ct_expires_in(rig.dp->ct, (uint32_t)(c - conns), rig.now),
				chosen[i].expires - 1, chosen[i].expires);
		assert_null(ct_ext(rig.dp->ct, (uint32_t)(c - conns)));
	}
	p = udp(10);
	rig_run(&rig, 0, &p);
	c = connection_of(&p, 7, &dir);
	assert_memory_equal(ct_ext(rig.dp->ct, (uint32_t)(c - conns))->label, number, 16);
	assert_int_equal(ct_ext(rig.dp->ct, (uint32_t)(c - conns))->helper, CFG_HELPER_NONE);
	p = udp(11);
	rig_run(&rig, 0, &p);
	c = connection_of(&p, 7, &dir);
	assert_int_equal(ct_ext(rig.dp->ct, (uint32_t)(c - conns))->helper, CFG_HELPER_TFTP);
	/* Both extensions are in use: the connection goes on without, and that is counted. */
	p = udp(12);
	rig_run(&rig, 0, &p);
	c = connection_of(&p, 7, &dir);
	assert_non_null(c);
	assert_null(ct_ext(rig.dp->ct, (uint32_t)(c - conns)));
	assert_int_equal(c->mark, 6);
	ct_stats(rig.dp->ct, &stats);
	assert_int_equal(stats.ext_full, 1);
	rig_close(&rig);
}

/* Once: a connection is as its first packet was. */
static void
test_rules_once(void **state)
{
	struct packet p = udp(5), a = answer_to(&p);
	const struct ct_conn *c;
	enum flow_dir dir;

	(void)state;
	open_zones(ZONES("\"rules\": [{\"protocol\": \"udp\", \"source-port\": 53, \"mark\": 2},"
			 "{\"protocol\": \"udp\", \"destination-port\": 53, \"mark\": 1}]"));
	rig_run(&rig, 0, &p);
	rig_run(&rig, 1, &a);
	rig_run(&rig, 0, &p);
	c = connection_of(&p, 7, &dir);
	assert_int_equal(c->mark, 1);
	assert_int_equal(connections(), 1);
	rig_close(&rig);
}

static void
test_uncommitted(void **state)
{
	struct packet p = udp(2000), dropped = udp(6666), service = udp(2001), syn = udp(2002);
	struct packet a = answer_to(&p);
	enum flow_dir dir;

	(void)state;
	open_zones(ZONES("\"rules\": [{\"source\": \"198.51.100.0/24\", \"commit\": false}]"));
	for (unsigned int i = 0; i < 3; i++) {
		rig_run(&rig, 0, &p);
		assert_int_equal(left(1), 1);
	}
	assert_int_equal(connections(), 0);
	assert_int_equal(rig.dp->c.state[CT_STATE_NEW].packets, 3);
	/* Its answer is a first packet, of a connection that no rule keeps from being made. */
	rig_run(&rig, 1, &a);
	assert_int_equal(left(0), 1);
	assert_int_equal(connections(), 1);
	rig_run(&rig, 0, &p);
	assert_int_equal(rig.dp->c.state[CT_STATE_ESTABLISHED].packets, 1);
	/* Classes that drop do. */
	rig_run(&rig, 0, &dropped);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 1);
	/* A service needs an entry. */
	service.dst = "192.0.2.10";
	rig_run(&rig, 0, &service);
	assert_non_null(connection_of(&service, 7, &dir));
	assert_int_equal(left(1), 2); /* and the packet before */
	/* Nothing of TCP gets further than its SYN. */
	syn.proto = IPPROTO_TCP, syn.dport = 80, syn.flags = TCP_SYN, syn.len = 0;
	rig_run(&rig, 0, &syn);
	assert_int_equal(left(1), 1);
	a = answer_to(&syn);
	a.flags = TCP_SYN | TCP_ACK, a.ack = 1;
	rig_run(&rig, 1, &a);
	assert_int_equal(rig_drops(&rig, DROP_CT_INVALID), 1);
	rig_close(&rig);
}

/* What comes the wrong way round: with and without `force`. */
static void
test_force(void **state)
{
	struct packet syn = udp(2002), back, u = udp(2003);
	const struct ct_conn *c;
	enum flow_dir dir;

	(void)state;
	for (unsigned int forced = 0; forced < 2; forced++) {
		open_zones(forced ? ZONES("\"rules\": [{\"source\": \"10.0.0.0/24\", \"force\": true, \"mark\": 8}]")
				  : ZONES("\"rules\": [{\"source\": \"10.0.0.0/24\", \"mark\": 8}]"));
		syn.proto = IPPROTO_TCP, syn.dport = 80, syn.flags = TCP_SYN, syn.len = 0;
		rig_run(&rig, 0, &syn);
		back = answer_to(&syn);
		/* Other packets of that direction do not ask for a connection. */
		back.flags = TCP_ACK, back.ack = 77;
		rig_run(&rig, 1, &back);
		c = connection_of(&back, 7, &dir);
		assert_non_null(c);
		assert_int_equal(dir, FLOW_REPLY);
		back.flags = TCP_SYN, back.ack = 0;
		rig_run(&rig, 1, &back);
		c = connection_of(&back, 7, &dir);
		assert_non_null(c);
		assert_int_equal(dir, forced ? FLOW_ORIGINAL : FLOW_REPLY);
		assert_int_equal(c->mark, forced ? 8 : 0);
		assert_int_equal(connections(), 1);
		/* UDP: the first answer, and no later one. */
		rig_run(&rig, 0, &u);
		back = answer_to(&u);
		rig_run(&rig, 1, &back);
		assert_non_null(connection_of(&back, 7, &dir));
		assert_int_equal(dir, forced ? FLOW_ORIGINAL : FLOW_REPLY);
		rig_run(&rig, 0, &u);
		rig_run(&rig, 1, &back);
		assert_non_null(connection_of(&back, 7, &dir));
		assert_int_equal(dir, forced ? FLOW_ORIGINAL : FLOW_REPLY);
		assert_int_equal(connections(), 2);
		rig_close(&rig);
	}
}

/* ---- SCTP on the fast path --------------------------------------------------------------------------------------- */

static void
sctp(unsigned int port, uint8_t chunk, uint32_t tag, uint32_t asked)
{
	struct packet p = udp(2000);

	p.proto = IPPROTO_SCTP;
	if (port == 1)
		p = answer_to(&p);
	p.flags = chunk;
	p.tag = tag;
	p.ack = asked;
	p.len = chunk == SCTP_INIT || chunk == SCTP_INIT_ACK ? 0 : 8;
	rig_run(&rig, port, &p);
}

static void
test_sctp_tags(void **state)
{
	uint64_t fast;

	(void)state;
	open_zones(ZONES(""));
	sctp(0, SCTP_INIT, 0, 1);
	sctp(1, SCTP_INIT_ACK, 1, 2);
	sctp(0, SCTP_COOKIE_ECHO, 2, 0);
	sctp(0, SCTP_DATA, 2, 0); /* not yet */
	sctp(1, SCTP_COOKIE_ACK, 1, 0);
	assert_int_equal(rig_fast(&rig), 0);
	sctp(0, SCTP_DATA, 2, 0);
	sctp(1, SCTP_DATA, 1, 0);
	assert_int_equal(rig_fast(&rig), 2);
	assert_int_equal(left(0) + left(1), 7);
	/* Who does not know the tag does not get through, and changes nothing. */
	fast = rig_fast(&rig);
	sctp(0, SCTP_DATA, 1, 0);
	sctp(1, SCTP_DATA, 0, 0);
	sctp(1, 6, 7, 0); /* ABORT */
	assert_int_equal(rig_drops(&rig, DROP_CT_SCTP_TAG), 3);
	assert_int_equal(rig_fast(&rig), fast);
	assert_int_equal(left(0) + left(1), 0);
	/* Heartbeats are control's; the association stays where it was. */
	sctp(0, 4, 2, 0);
	sctp(1, 5, 1, 0);
	assert_int_equal(rig_fast(&rig), fast);
	sctp(0, SCTP_DATA, 2, 0);
	assert_int_equal(rig_fast(&rig), fast + 1);
	/* After a SHUTDOWN nothing is fast any more. */
	sctp(0, 7, 2, 0);
	sctp(1, SCTP_DATA, 1, 0);
	assert_int_equal(rig_fast(&rig), fast + 1);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_zones_mixed),
		cmocka_unit_test(test_zones_icmp),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_rules_once),
		cmocka_unit_test(test_uncommitted),
		cmocka_unit_test(test_force),
		cmocka_unit_test(test_sctp_tags),
	};

	if (rig_eal("0@0,1@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
