/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Owners, classes and output queues at work, packets to shunt itself, and the ICMP errors that are owed.
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

#include "test_dp_net.h"

/* Both directions belong to one worker, even if the other one missed the answer. */
static void
test_one_owner(void **state)
{
	const struct packet p = udp(2000), a = answer_to(&p);
	const struct ct_conn *c;
	uint32_t next;
	struct frame f;

	(void)state;
	open_(CONFIG("[1, 2]", TABLES(64, 64, 16)), 2);
	for (unsigned int i = 0; i < 3; i++)
		rig.dp->ports[i].spread_by_nic = true;
	frame_build(&f, &p);
	assert_true(rig_feed(&rig, 0, 0, &f));
	rig_worker(&rig, 0);
	frame_build(&f, &a);
	assert_true(rig_feed(&rig, 1, 1, &f));
	rig_worker(&rig, 1);
	rig_settle(&rig);
	rig_check(&rig);
	c = &ct_conns(rig.dp->ct)[ct_next(rig.dp->ct, 0, UINT32_MAX, &next)];
	assert_int_equal(c->flow[FLOW_ORIGINAL].owner, 0);
	assert_int_equal(c->flow[FLOW_REPLY].owner, 0);
	assert_int_equal(left(0) + left(1), 2);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_owner),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_queue_of_other_worker),
		cmocka_unit_test(test_to_itself),
		cmocka_unit_test(test_errors_owed),
	};

	if (rig_eal("0@0,1@0,2@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
