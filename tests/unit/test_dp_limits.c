/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens at the limits: full rings, full tables, no mbufs, an output that refuses, a park that overflows, devices
 * that are not there. Nothing waits, nothing leaks, every drop has its reason.
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

/* Strangers leave a quarter of the ring to those who are known. */
static void
test_control_ring_reserve(void **state)
{
	const struct packet known = udp(1999);
	struct packet slow = known;

	(void)state;
	open_(CONFIG("[1]", TABLES(256, 64, 0)), 1);
	establish(&known);
	for (uint16_t i = 0; i < 60; i++) {
		const struct packet p = udp((uint16_t)(2000 + i));

		feed(0, &p);
	}
	slow.ttl = 1;
	feed(0, &slow);
	rig_worker(&rig, 0);
	rig_check(&rig);
	/* 63 entries, 15 of them kept free: 48 strangers. */
	assert_int_equal(rig_drops(&rig, DROP_CONTROL_RING_FULL), 12);
	assert_int_equal(rig.dp->workers[0]->in_flight, 49);
	rig_settle(&rig);
	assert_int_equal(rig_drops(&rig, DROP_TTL_EXPIRED), 1);
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

/* A zone has its limit, says why it refuses, and takes again what has room; with the keyed hash, both families. */
static void
test_zone_limit(void **state)
{
	struct packet p[6];

	(void)state;
	open_(CONFIG("[1]",
			      TABLES(64, 64, 16) ",\"conntrack\": {\"hash\": \"siphash\"},"
						 "\"zones\": [{\"id\": 7, \"limit\": 1}, {\"id\": 0, \"limit\": 4}]"),
			1);
	for (unsigned int i = 0; i < RTE_DIM(p); i++) {
		p[i] = udp((uint16_t)(2000 + i));
		rig_run(&rig, 0, &p[i]);
		rig_run(&rig, 0, &p[i]); /* of those that are known, the second is no opening */
	}
	assert_int_equal(left(1), 8);
	assert_int_equal(rig_drops(&rig, DROP_CT_ZONE_LIMIT), 4);
	assert_int_equal(ct_zone_connections(rig.dp->ct, 0), 4);
	assert_int_equal(ct_zone_connections(rig.dp->ct, 7), 0);
	rig.now += 60 * TIME_NS_PER_S;
	rig_settle(&rig);
	assert_int_equal(ct_zone_connections(rig.dp->ct, 0), 0);
	rig_run(&rig, 0, &p[5]);
	assert_int_equal(left(1), 1);
	rig_close(&rig);
}

/* A full table is an episode: it begins with the first refusal, and is over when none came for a while. */
static void
test_full_episode(void **state)
{
	const struct table_watch *w;

	(void)state;
	open_(CONFIG("[1]", TABLES(2, 64, 16) ",\"conntrack\": {\"early-drop\": 0}"), 1);
	w = &rig.dp->table_watch;
	for (uint16_t i = 0; i < 5; i++) {
		const struct packet p = udp((uint16_t)(2000 + i));

		assert_int_equal(w->full, i > 2);
		rig_run(&rig, 0, &p);
		rig.now += TIME_NS_PER_S / 10;
		rig_control(&rig);
	}
	assert_int_equal(w->refused - w->begin, 3);
	rig.now += 5 * TIME_NS_PER_S;
	rig_control(&rig);
	assert_true(w->full);
	rig.now += 6 * TIME_NS_PER_S;
	rig_control(&rig);
	assert_false(w->full);
	left(1);
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
	for (unsigned int i = 0; i < DP_PARK_PER_KEY + 50; i++)
		feed(0, &p);
	for (unsigned int i = 0; i < 200; i++)
		rig_worker(&rig, 0);
	rig_check(&rig);
	assert_int_equal(rig.dp->workers[0]->n_parked, DP_PARK_PER_KEY);
	assert_int_equal(rig_drops(&rig, DROP_PARK_FULL), 50);
	while (out < 900) { /* the output ring has 1023 entries */
		rig_control(&rig);
		rig_worker(&rig, 0);
		out += left(1);
		rig_check(&rig);
	}
	rig_close(&rig);
}

/* A connection whose packet stays away for long does not hold up what was parked behind its others. */
static void
test_parked_behind_others(void **state)
{
	const struct packet a = udp(2000), b = udp(2001);
	struct packet slow_a = a, slow_b = b;
	struct dp_worker *w;
	uint32_t away = 0;

	(void)state;
	open_(CONFIG("[1]", TABLES(64, 64, 64)), 1);
	establish(&a);
	establish(&b);
	w = rig.dp->workers[0];
	slow_a.ttl = slow_b.ttl = 1;
	feed(0, &slow_a);
	rig_worker(&rig, 0);
	while (w->gate[away] == 0)
		away++;
	w->gate[away]++; /* as if one more were held for a neighbour */
	feed(0, &slow_b);
	feed(0, &a);
	feed(0, &b);
	feed(0, &a);
	feed(0, &b);
	rig_worker(&rig, 0);
	assert_int_equal(w->n_parked, 4);
	for (unsigned int i = 0; i < 4; i++) {
		rig_control(&rig);
		rig_worker(&rig, 0);
	}
	assert_int_equal(w->n_parked, 2);
	assert_int_equal(left(1), 2);
	w->gate[away]--;
	w->gate_opened = true;
	rig_settle(&rig);
	assert_int_equal(w->n_parked, 0);
	assert_int_equal(left(1), 2);
	rig_close(&rig);
}

/*
 * A connection expires while one packet of it is with control and another one waits for that in the park: a third one,
 * which finds no flow any more, must not overtake the second.
 */
static void
test_expired_while_parked(void **state)
{
	const struct packet p = udp(2000);
	struct packet slow = p, first = p, second = p;
	struct frame f;

	(void)state;
	open_(CONFIG("[1]", TABLES(256, 256, 16)), 1);
	establish(&p);
	for (uint16_t i = 0; i < DP_RING_BURST; i++) { /* control takes so many at once */
		const struct packet other = udp((uint16_t)(3000 + i));

		feed(0, &other);
	}
	slow.ttl = 1;
	first.payload = "first";
	first.len = 5;
	second.payload = "second";
	second.len = 6;
	feed(0, &slow);
	rig_worker(&rig, 0);
	feed(0, &first);
	rig_worker(&rig, 0);
	rig_worker(&rig, 0);
	assert_int_equal(rig.dp->workers[0]->n_parked, 1);
	rig.now += 500 * TIME_NS_PER_S;
	rig_control(&rig);
	feed(0, &second);
	rig_settle(&rig);
	for (unsigned int i = 0; i < DP_RING_BURST; i++)
		assert_true(rig_take(&rig, 1, 0, &f));
	assert_true(rig_take(&rig, 1, 0, &f));
	assert_memory_equal(f.b + f.len - 5, "first", 5);
	assert_true(rig_take(&rig, 1, 0, &f));
	assert_memory_equal(f.b + f.len - 6, "second", 6);
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
		cmocka_unit_test(test_control_ring_reserve),
		cmocka_unit_test(test_return_ring_full),
		cmocka_unit_test(test_no_mbufs),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_zone_limit),
		cmocka_unit_test(test_full_episode),
		cmocka_unit_test(test_output_full),
		cmocka_unit_test(test_park_full),
		cmocka_unit_test(test_parked_behind_others),
		cmocka_unit_test(test_expired_while_parked),
		cmocka_unit_test(test_devices_missing),
	};

	if (rig_eal("0@0,1@0,2@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
