/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets towards a neighbour whose MAC address is not known: held, asked for, released in order or given up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_dp.h"

static const char config[] =
		"{\"ports\": ["
		"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]},"
		"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\","
		" \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]}],"
		"\"neighbours\": [{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"},"
		"{\"port\": \"ext\", \"address\": \"2001:db8:e::7\", \"mac\": \"02:00:00:00:00:fe\"}],"
		"\"tables\": {\"connections\": 64, \"mbufs\": 1024, \"ring-size\": 64, \"hold-per-neighbour\": 8, \"hold-total\": 20}}";

struct family {
	const char *client, *server, *own;
};
static const struct family families[] = {
	{ "198.51.100.7", "10.0.0.11", "10.0.0.1" },
	{ "2001:db8:e::7", "2001:db8:2::11", "2001:db8:2::1" },
};

static struct rig rig;

static void
open_(void)
{
	rig_open(&rig, &(struct rig_params){ .json = config, .n_ports = 2 });
}

static struct packet
datagram(const struct family *fam, uint16_t port, const uint8_t *n)
{
	return (struct packet){ .src = fam->client,
		.dst = fam->server,
		.proto = IPPROTO_UDP,
		.sport = port,
		.dport = 53,
		.payload = n,
		.len = 1 };
}

static bool
is_question(const struct frame *f)
{
	return (f->b[12] == 0x08 && f->b[13] == 0x06) ||
			(f->b[12] == 0x86 && f->b[20] == IPPROTO_ICMPV6);
}

static void
answer(const struct family *fam)
{
	struct frame f;

	frame_neighbour(&f, fam->server, "02:00:00:00:00:0b", fam->own, RIG_MAC);
	assert_true(rig_feed(&rig, 1, 0, &f));
	rig_settle(&rig);
	rig_check(&rig);
}

static void
test_released_in_order(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 2; v++) {
		const struct family *fam = &families[v];
		struct frame f;
		uint8_t n;

		open_();
		for (n = 0; n < 5; n++) {
			const struct packet p = datagram(fam, (uint16_t)(2000 + n / 3), &n);

			rig_run(&rig, 0, &p);
		}
		assert_int_equal(l3_held(rig.dp->l3), 5);
		assert_int_equal(rig.dp->workers[0]->in_flight, 5);
		assert_true(rig_take(&rig, 1, 0, &f));
		assert_true(is_question(&f));
		assert_false(rig_take(&rig, 1, 0, &f));
		answer(fam);
		assert_int_equal(l3_held(rig.dp->l3), 0);
		for (n = 0; n < 5; n++) {
			assert_true(rig_take(&rig, 1, 0, &f));
			assert_int_equal(f.b[f.len - 1], n);
			assert_memory_equal(f.b, "\x02\0\0\0\0\x0b", 6);
		}
		/* From now on they pass. */
		{
			const struct packet p = datagram(fam, 2000, &n);

			rig_run(&rig, 0, &p);
			assert_true(rig_take(&rig, 1, 0, &f));
			assert_int_equal(f.b[f.len - 1], 5);
		}
		rig_close(&rig);
	}
}

static void
test_given_up(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 2; v++) {
		const struct family *fam = &families[v];
		unsigned int questions = 0, errors = 0;
		struct frame f;
		uint8_t n = 0;

		open_();
		for (unsigned int i = 0; i < 10; i++) {
			const struct packet p = datagram(fam, 2000, &n);

			rig_run(&rig, 0, &p);
		}
		assert_int_equal(l3_held(rig.dp->l3), 8);
		assert_int_equal(rig_drops(&rig, DROP_NEIGH_HOLD_FULL), 2);
		for (unsigned int i = 0; i < 500; i++) {
			rig.now += TIME_NS_PER_S / 100;
			rig_settle(&rig);
			rig_check(&rig);
		}
		assert_int_equal(l3_held(rig.dp->l3), 0);
		assert_int_equal(rig_drops(&rig, DROP_NEIGH_FAILED), 8);
		while (rig_take(&rig, 1, 0, &f))
			questions += is_question(&f);
		assert_int_equal(questions, 3);
		while (rig_take(&rig, 0, 0, &f))
			errors++; /* host unreachable */
		assert_in_range(errors, 0, 8);
		/* It comes up after all. */
		{
			const struct packet p = datagram(fam, 2000, &n);

			rig.now += 30 * TIME_NS_PER_S;
			rig_settle(&rig);
			rig_run(&rig, 0, &p);
			assert_int_equal(l3_held(rig.dp->l3), 1);
			answer(fam);
			assert_true(rig_take(&rig, 1, 0, &f));
			assert_true(is_question(&f));
			assert_true(rig_take(&rig, 1, 0, &f));
			assert_int_equal(f.b[f.len - 1], 0);
		}
		rig_close(&rig);
	}
}

/* Packets of one direction wait for its neighbour: those of the other direction do not wait for them. */
static void
test_other_direction_goes_on(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 2; v++) {
		const struct family *fam = &families[v];
		struct packet back = { .src = fam->server,
			.dst = fam->client,
			.proto = IPPROTO_UDP,
			.sport = 53,
			.dport = 2000,
			.payload = "b",
			.len = 1 };
		struct frame f;
		uint8_t n = 0;

		open_();
		/* From the server first, so that its way is known and the client's answer is what waits. */
		rig_run(&rig, 1, &back);
		assert_true(rig_take(&rig, 0, 0, &f));
		for (; n < 3; n++) {
			const struct packet p = datagram(fam, 2000, &n);

			rig_run(&rig, 0, &p);
		}
		assert_int_equal(l3_held(rig.dp->l3), 3);
		rig_run(&rig, 1, &back);
		assert_true(rig_take(&rig, 0, 0, &f));
		assert_int_equal(f.b[f.len - 1], 'b');
		rig_check(&rig);
		assert_true(rig_take(&rig, 1, 0, &f));
		assert_true(is_question(&f));
		answer(fam);
		for (n = 0; n < 3; n++) {
			assert_true(rig_take(&rig, 1, 0, &f));
			assert_int_equal(f.b[f.len - 1], n);
		}
		rig_close(&rig);
	}
}

/* The end comes while packets are held, with control, on their way back, and parked behind those. */
static void
test_end_with_packets_inside(void **state)
{
	uint8_t n = 0;
	struct packet p = datagram(&families[0], 2000, &n);
	struct frame f;

	(void)state;
	open_();
	for (unsigned int step = 0; step < 3; step++) {
		p.sport = (uint16_t)(2000 + step);
		frame_build(&f, &p);
		assert_true(rig_feed(&rig, 0, 0, &f));
		rig_worker(&rig, 0);
		if (step < 2)
			rig_control(&rig);
	}
	rig_check(&rig);
	assert_int_equal(l3_held(rig.dp->l3), 2);
	assert_int_equal(rig.dp->workers[0]->in_flight, 3);
	rig_destroy(&rig);
	open_();
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_released_in_order),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_other_direction_goes_on),
		cmocka_unit_test(test_end_with_packets_inside),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
