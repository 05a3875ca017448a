/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens at the limits: full rings, full tables, no mbufs, an output that refuses, a park that overflows, devices
 * that are not there. Nothing waits, nothing leaks, every drop has its reason; and classes, queues and owners at work.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include <rte_errno.h>

#include "test_dp.h"

/* A client's net and a server's, both hosts' MAC addresses known, and 10.0.0.128/25 of hosts that do not answer. */
#define CONFIG(workers, extra) \
	"{\"lcores\": {\"workers\": " workers "}, \"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"addresses\": [\"198.51.100.2/24\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"addresses\": [\"10.0.0.1/24\"]}," \
	"{\"name\": \"side\", \"device\": \"net_ring_rig2\", \"role\": \"internal\", \"addresses\": [\"10.1.0.1/24\"]}]," \
	"\"neighbours\": [" \
	"{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"side\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:1b\"}]," extra \
	"}"
#define TABLES(connections, ring, hold) \
	"\"tables\": {\"connections\": " #connections \
	", \"mbufs\": 1024, \"next-hops\": 256, \"ring-size\": " #ring \
	", \"hold-per-neighbour\": 4, \"hold-total\": " #hold "}"

static struct rig rig;

static void
open_(const char *json, unsigned int queues)
{
	rig_open(&rig,
			&(struct rig_params){ .json = json,
					.n_ports = 3,
					.n_rxq = queues,
					.n_txq = queues });
}

static struct packet
udp(uint16_t client_port)
{
	return (struct packet){ .src = "198.51.100.7",
		.dst = "10.0.0.11",
		.proto = IPPROTO_UDP,
		.sport = client_port,
		.dport = 53,
		.payload = "question",
		.len = 8 };
}

static struct packet
answer_to(const struct packet *p)
{
	struct packet a = *p;

	a.src = p->dst, a.dst = p->src;
	a.sport = p->dport, a.dport = p->sport;
	return a;
}

static void
feed(unsigned int port, const struct packet *p)
{
	struct frame f;

	frame_build(&f, p);
	assert_true(rig_feed(&rig, port, 0, &f));
}

/* Frames that wait at an output port, counted and thrown away. */
static unsigned int
left(unsigned int port)
{
	struct frame f;
	unsigned int n = 0;

	while (rig_take_any(&rig, port, &f))
		n++;
	return n;
}

static void
establish(const struct packet *p)
{
	const struct packet a = answer_to(p);

	rig_run(&rig, 0, p);
	rig_run(&rig, 1, &a);
	for (unsigned int i = 0; i < rig.dp->n_ports; i++)
		(void)left(i);
}

/* ---- rings ---------------------------------------------------------------------------------------------------------- */

static void
test_control_ring_full(void **state)
{
	(void)state;
	open_(CONFIG("[1]", TABLES(64, 4, 0)), 1);
	for (uint16_t i = 0; i < 10; i++) {
		const struct packet p = udp((uint16_t)(2000 + i));

		feed(0, &p);
	}
	rig_worker(&rig, 0);
	rig_check(&rig);
	/* A ring of 4 entries holds 3. */
	assert_int_equal(rig_drops(&rig, DROP_CONTROL_RING_FULL), 7);
	assert_int_equal(rig.dp->workers[0]->in_flight, 3);
	rig_settle(&rig);
	assert_int_equal(left(1), 3);
	rig_close(&rig);
}

/*
 * Packets that shunt makes may not take the places of those that must come back: hosts that do not answer are asked for
 * again and again while the worker stands still, then all that was held is given up at once.
 */
static void
test_return_ring_full(void **state)
{
	char address[32];

	(void)state;
	open_(CONFIG("[1]", TABLES(256, 8, 100)), 1);
	for (unsigned int i = 0; i < 100; i++) {
		struct packet p = udp((uint16_t)(2000 + i));

		snprintf(address, sizeof(address), "10.0.0.%u", 128 + i);
		p.dst = address;
		feed(0, &p);
		rig_worker(&rig, 0);
		rig_control(&rig);
	}
	assert_int_equal(l3_held(rig.dp->l3), 100);
	for (unsigned int i = 0; i < 1000; i++) {
		rig.now += TIME_NS_PER_S / 100;
		rig_control(&rig);
		rig_check(&rig);
	}
	assert_int_equal(l3_held(rig.dp->l3), 0);
	assert_int_equal(rig_drops(&rig, DROP_NEIGH_FAILED), 100);
	assert_true(rig_drops(&rig, DROP_RETURN_RING_FULL) > 0);
	rig_close(&rig); /* asserts that every gate is open again */
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

static void
test_no_mbufs(void **state)
{
	static struct rte_mbuf *all[1024];
	struct packet p = udp(2000), unknown = udp(2001);
	unsigned int n = 0;

	(void)state;
	open_(CONFIG("[1]", TABLES(64, 64, 16)), 1);
	p.ttl = 1;
	feed(0, &p); /* would be answered */
	unknown.dst = "10.0.0.200";
	feed(0, &unknown); /* would be asked for */
	while ((all[n] = rte_pktmbuf_alloc(rig.dp->pool)) != NULL)
		n++;
	rig_settle(&rig);
	rig_check(&rig);
	assert_int_equal(left(0) + left(1), 0);
	assert_int_equal(rig_drops(&rig, DROP_TTL_EXPIRED), 1);
	assert_int_equal(l3_held(rig.dp->l3), 1);
	rte_pktmbuf_free_bulk(all, n);
	rig.now += TIME_NS_PER_S + 1; /* asked for with the next try */
	rig_settle(&rig);
	assert_int_equal(left(1), 1);
	rig_run(&rig, 0, &p);
	assert_int_equal(left(0), 1); /* time exceeded */
	rig_close(&rig);
}

static void
test_table_full(void **state)
{
	const struct packet p[3] = { udp(2000), udp(2001), udp(2002) };
	struct packet service = udp(2003);

	(void)state;
	open_(CONFIG("[1]", TABLES(2, 64, 16)), 1);
	for (unsigned int i = 0; i < 3; i++)
		rig_run(&rig, 0, &p[i]);
	assert_int_equal(left(1), 2);
	assert_int_equal(rig_drops(&rig, DROP_CT_FULL), 1);
	rig_close(&rig);

	open_(CONFIG("[1]",
			      TABLES(2, 64, 16) ",\"conntrack\": {\"full\": \"forward\"},"
						"\"services\": [{\"name\": \"s\", \"vip\": \"192.0.2.1\", \"protocol\": \"udp\", \"port\": 53,"
						"\"backends\": [{\"address\": \"10.0.0.11\"}]}]"),
			1);
	for (unsigned int i = 0; i < 3; i++)
		rig_run(&rig, 0, &p[i]);
	assert_int_equal(left(1), 3);
	assert_int_equal(rig.dp->c.state[CT_STATE_UNTRACKED].packets, 1);
	service.dst = "192.0.2.1"; /* cannot be translated, so cannot be forwarded */
	rig_run(&rig, 0, &service);
	assert_int_equal(rig_drops(&rig, DROP_CT_FULL), 1);
	assert_int_equal(left(1), 0);
	/* When the first ones are forgotten there is room again. */
	rig.now += 60 * TIME_NS_PER_S;
	rig_settle(&rig);
	rig_run(&rig, 0, &service);
	assert_int_equal(left(1), 1);
	rig_close(&rig);
}

static void
test_output_full(void **state)
{
	const struct packet p = udp(2000);

	(void)state;
	rig_open(&rig,
			&(struct rig_params){ .json = CONFIG("[1]", TABLES(64, 64, 16)),
					.n_ports = 3,
					.tx_room = 4 });
	establish(&p);
	for (unsigned int i = 0; i < 10; i++)
		feed(0, &p);
	rig_worker(&rig, 0);
	rig_check(&rig);
	assert_int_equal(rig_drops(&rig, DROP_TX_FULL), 7);
	assert_int_equal(left(1), 3);
	rig_close(&rig);
}

static void
test_park_full(void **state)
{
	const struct packet p = udp(2000);
	struct packet slow = p;
	unsigned int out = 0;

	(void)state;
	open_(CONFIG("[1]", "\"tables\": {\"connections\": 64, \"mbufs\": 12000, \"ring-size\": 64}"),
			1);
	establish(&p);
	slow.ttl = 1;
	feed(0, &slow); /* to control */
	for (unsigned int i = 0; i < DP_PARK_SLOTS + 50; i++)
		feed(0, &p);
	for (unsigned int i = 0; i < 200; i++)
		rig_worker(&rig, 0);
	rig_check(&rig);
	assert_int_equal(rig.dp->workers[0]->n_parked, DP_PARK_SLOTS);
	assert_int_equal(rig_drops(&rig, DROP_PARK_FULL), 50);
	while (out < 900) { /* the output ring has 1023 entries: let it drain */
		rig_control(&rig);
		rig_worker(&rig, 0);
		out += left(1);
		rig_check(&rig);
	}
	rig_close(&rig);
}

/* ---- classes, queues ---------------------------------------------------------------------------------------------------- */

#define CLASSES \
	"\"classes\": [{\"name\": \"gold\", \"queue\": 3, \"mark\": 17}, {\"name\": \"aside\", \"port\": \"side\", \"queue\": 1}," \
	"{\"name\": \"no\", \"drop\": true}]," \
	"\"rules\": [{\"class\": \"gold\", \"protocol\": \"udp\", \"source-port\": 3000}," \
	"{\"class\": \"aside\", \"protocol\": \"udp\", \"source-port\": 3001}," \
	"{\"class\": \"no\", \"protocol\": \"udp\", \"source-port\": 3002}," \
	"{\"class\": \"no\", \"protocol\": \"udp\", \"source-port\": 3003, \"state\": \"established\"}]"

static unsigned int
left_by(unsigned int port, unsigned int queue)
{
	struct frame f;
	unsigned int n = 0;

	while (rig_take(&rig, port, queue, &f))
		n++;
	return n;
}

/* Slow path and fast path alike: out of (port, queue), twice. */
static void
leaves_by(uint16_t client_port, unsigned int port, unsigned int queue)
{
	const struct packet p = udp(client_port);

	rig_run(&rig, 0, &p);
	assert_int_equal(left_by(port, queue), 1);
	establish(&p);
	rig_run(&rig, 0, &p);
	assert_int_equal(left_by(port, queue), 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(left(i), 0);
}

static void
test_classes(void **state)
{
	const struct packet dropped = udp(3002), later = udp(3003);
	const struct packet answer = answer_to(&later);
	uint32_t next;

	(void)state;
	open_(CONFIG("[1]", TABLES(64, 64, 16) "," CLASSES), 4);
	leaves_by(3000, 1, 3);
	next = ct_next(rig.dp->ct, 0, UINT32_MAX, &next);
	assert_int_equal(ct_conns(rig.dp->ct)[next].mark, 17);
	leaves_by(3001, 2, 1);
	rig_run(&rig, 0, &dropped);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 1);
	/* Dropped once it is established; what is in the other direction is of no such class. */
	rig_run(&rig, 0, &later);
	assert_int_equal(left(1), 1);
	rig_run(&rig, 1, &answer);
	assert_int_equal(left(0), 1);
	rig_run(&rig, 0, &later);
	rig_run(&rig, 0, &later);
	assert_int_equal(left(1), 0);
	assert_int_equal(rig_drops(&rig, DROP_CLASS_DROP), 3);
	rig_run(&rig, 1, &answer);
	assert_int_equal(left(0), 1);
	rig_close(&rig);
}

/* Queue 3 belongs to worker 3 mod 2: the other worker hands packets for it over. */
static void
test_queue_of_other_worker(void **state)
{
	const struct packet p = udp(3000);
	uint64_t handed;

	(void)state;
	open_(CONFIG("[1, 2]", TABLES(64, 64, 16) "," CLASSES), 4);
	for (unsigned int i = 0; i < 3; i++)
		rig.dp->ports[i].spread_by_nic = true;
	leaves_by(3000, 1, 3); /* arrives on queue 0, so at worker 0 */
	handed = rig.dp->workers[0]->c.handover;
	assert_true(handed > 0);
	for (unsigned int i = 0; i < 100; i++)
		feed(0, &p);
	rig_worker(&rig, 0);
	rig_check(&rig);
	assert_int_equal(rig.dp->workers[0]->c.handover, handed + 63); /* its ring has 63 entries */
	assert_int_equal(rig_drops(&rig, DROP_HANDOVER_RING_FULL), 1);
	rig_settle(&rig);
	rig_close(&rig);
}

/* ---- what is no business of connections ---------------------------------------------------------------------------- */

static void
test_to_itself(void **state)
{
	struct packet ping = udp(0);
	struct packet bad = udp(2000);
	struct packet frag = udp(2000);
	struct frame f;

	(void)state;
	open_(CONFIG("[1]", TABLES(64, 64, 16) ",\"conntrack\": {\"invalid\": \"forward\"}"), 1);
	ping.proto = IPPROTO_ICMP;
	ping.dst = "198.51.100.2";
	ping.sport = 77, ping.dport = 8 << 8;
	rig_run(&rig, 0, &ping);
	assert_int_equal(left(0), 1);
	assert_int_equal(rig.dp->c.local, 1);
	/* Invalid packets are forwarded, but not to shunt itself. */
	bad.dst = "198.51.100.2";
	frame_build(&f, &bad);
	f.b[f.len - 1] ^= 1;
	assert_true(rig_feed(&rig, 0, 0, &f));
	rig_settle(&rig);
	rig_check(&rig);
	assert_int_equal(rig_drops(&rig, DROP_LOCAL_UNHANDLED), 1);
	bad.dst = "10.0.0.11";
	frame_build(&f, &bad);
	f.b[f.len - 1] ^= 1;
	assert_true(rig_feed(&rig, 0, 0, &f));
	rig_settle(&rig);
	assert_int_equal(left(1), 1);
	frame_build(&f, &frag);
	f.b[14 + 6] = 0x20; /* more fragments; 8 less in one's complement of nothing: sum again */
	f.b[14 + 10] = (uint8_t)(f.b[14 + 10] + 0x20);
	assert_true(rig_feed(&rig, 0, 0, &f));
	rig_settle(&rig);
	rig_check(&rig);
	assert_int_equal(rig.dp->workers[0]->c.rx.packets, 4);
	assert_int_equal(rig_drops(&rig, DROP_NO_ROUTE), 0);
	rig_close(&rig);
}

/* No route: an ICMP error; a class that drops: none. */
static void
test_errors_owed(void **state)
{
	struct packet p = udp(2000), dropped = udp(3002), big = udp(2001);
	static uint8_t payload[1400];
	struct frame f;

	(void)state;
	open_(CONFIG("[1]", TABLES(64, 64, 16) "," CLASSES), 4);
	p.dst = "203.0.113.1";
	rig_run(&rig, 0, &p);
	assert_int_equal(rig_drops(&rig, DROP_NO_ROUTE), 1);
	assert_true(rig_take(&rig, 0, 0, &f));
	assert_int_equal(f.b[34], 3); /* destination unreachable */
	rig_run(&rig, 0, &dropped);
	assert_int_equal(left(0), 0);
	/* Established, on the fast path, then too large for what comes next. */
	establish(&big);
	((struct l3_nexthop *)(uintptr_t)l3_nexthops(
			rig.dp->l3))[l3_route(rig.dp->l3, 4,
						     &(struct flow_addr){ { 10, 0, 0, 11 } })]
			.mtu = 1000;
	big.payload = payload;
	big.len = sizeof(payload);
	rig_run(&rig, 0, &big);
	assert_int_equal(rig_drops(&rig, DROP_MTU_EXCEEDED), 1);
	assert_int_equal(rig_punts(&rig, PUNT_MTU), 1);
	assert_true(rig_take(&rig, 0, 0, &f));
	assert_int_equal(f.b[34] << 8 | f.b[35], 3 << 8 | 4); /* fragmentation needed */
	assert_int_equal(f.b[40] << 8 | f.b[41], 1000);
	rig_close(&rig);
}

/* ---- devices -------------------------------------------------------------------------------------------------------- */

static struct dp *
create(const char *json)
{
	struct cfg_errors errors = { .n = 0 };
	struct cfg *cfg = cfg_load_json(json, strlen(json), "rig", &errors);
	struct dp *dp;

	assert_non_null(cfg);
	cfg_errors_free(&errors);
	dp = dp_create(&(struct dp_params){ .cfg = cfg });
	cfg_free(cfg);
	return dp;
}

static void
test_devices_missing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_null(create(
				"{\"lcores\": {\"workers\": [1]}, \"ports\": [{\"name\": \"a\", \"device\": \"net_nosuch0\"}]," TABLES(
						64, 64, 16) "}"));
		assert_int_not_equal(rte_errno, 0);
		assert_null(create(
				"{\"lcores\": {\"workers\": [1]}, \"ports\": [{\"name\": \"a\"}]," TABLES(
						64, 64, 16) "}"));
		assert_int_equal(rte_errno, ENODEV);
		/* Lcores: the main one, and one that EAL does not have. */
		assert_null(create(
				"{\"lcores\": {\"workers\": [0]}, \"ports\": [{\"name\": \"a\"}]," TABLES(
						64, 64, 16) "}"));
		assert_int_equal(rte_errno, EINVAL);
		assert_null(create(
				"{\"lcores\": {\"workers\": [9]}, \"ports\": [{\"name\": \"a\"}]," TABLES(
						64, 64, 16) "}"));
		assert_int_equal(rte_errno, EINVAL);
		/* A class without a port may lead out of any. */
		assert_null(create(
				"{\"lcores\": {\"workers\": [1]}, \"ports\": [{\"name\": \"a\", \"device\": \"net_null0\","
				"\"tx-queues\": 2}, {\"name\": \"b\", \"device\": \"net_null1\", \"tx-queues\": 1}],"
				"\"classes\": [{\"name\": \"c\", \"queue\": 1}]," TABLES(
						64, 64, 16) "}"));
		assert_int_equal(rte_errno, ERANGE);
		/* One port is there and the other one is not. */
		assert_null(create(
				"{\"lcores\": {\"workers\": [1]}, \"ports\": [{\"name\": \"a\", \"device\": \"net_null0\"},"
				"{\"name\": \"b\", \"device\": \"net_nosuch0\"}]," TABLES(
						64, 64, 16) "}"));
	}
	/* Nothing was left behind that would be in the way. */
	open_(CONFIG("[1]", TABLES(64, 64, 16)), 1);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_ring_full),
		cmocka_unit_test(test_return_ring_full),
		cmocka_unit_test(test_no_mbufs),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_output_full),
		cmocka_unit_test(test_park_full),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_queue_of_other_worker),
		cmocka_unit_test(test_to_itself),
		cmocka_unit_test(test_errors_owed),
		cmocka_unit_test(test_devices_missing),
	};

	if (rig_eal("0@0,1@0,2@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
