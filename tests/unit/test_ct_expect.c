/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expectations: what fits one, limits, timeouts, clashes, the end of the master; and a long random walk against a naive
 * model. The table's invariants are checked on the way.
 */
#include "test_ct.h"

#define CLIENT 0x0a000001
#define SERVER 0x0a000002
#define VIP 0xc000020a

static struct rte_rcu_qsbr *rcu;
static struct ct_table *table;

static struct ct_table *
create(uint32_t expectations)
{
	struct ct_params p = table_params(1024, 512, rcu);

	p.extensions = 512;
	p.expectations = expectations;
	table = ct_create(&p);
	assert_non_null(table);
	return table;
}

static int
teardown(void **state)
{
	(void)state;
	assert_sound(table);
	ct_destroy(table);
	table = NULL;
	return 0;
}

/* An open UDP connection: there is no state to care for. */
static uint32_t
open_conn(const struct flow_tuple *original, uint64_t now)
{
	static const uint8_t udp[8];
	const struct pkt_info info = { .proto = IPPROTO_UDP };
	const struct ct_packet pkt = {
		.info = &info, .l4 = udp, .l4_len = 8, .l4_avail = 8, .now = now
	};
	struct flow_tuple reply;
	uint32_t conn;

	assert_true(flow_tuple_reply(original, &reply));
	assert_int_equal(ct_open(table, original, &reply, 0, &pkt, &conn), 0);
	return conn;
}

static uint32_t
open_master(uint16_t port, uint64_t now)
{
	struct flow_tuple t = tuple4(IPPROTO_UDP, CLIENT, port, SERVER, 21);

	return open_conn(&t, now);
}

static struct ct_expect
expected(uint32_t master, uint32_t src, uint16_t dport)
{
	struct ct_expect e = {
		.tuple = tuple4(IPPROTO_UDP, src, 0, SERVER, dport),
		.any_sport = true,
		.master = master,
		.timeout = 300,
		.at_once = 1,
	};

	return e;
}

static uint32_t
find(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct flow_tuple t = tuple4(IPPROTO_UDP, src, sport, dst, dport);

	return ct_expect_find(table, &t);
}

static void
test_fits(void **state)
{
	struct flow_tuple other;
	struct ct_expect e;
	uint32_t i, master;

	(void)state;
	create(8);
	assert_int_equal(find(CLIENT, 1, SERVER, 2000), FLOW_NONE);
	master = open_master(1, SECOND);
	e = expected(master, CLIENT, 2000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
	assert_sound(table);
	assert_int_equal(find(CLIENT, 1, SERVER, 2000), i);
	assert_int_equal(find(CLIENT, 65535, SERVER, 2000), i);
	assert_int_equal(find(CLIENT + 1, 1, SERVER, 2000), FLOW_NONE);
	assert_int_equal(find(CLIENT, 1, SERVER + 1, 2000), FLOW_NONE);
	assert_int_equal(find(CLIENT, 1, SERVER, 2001), FLOW_NONE);
	assert_int_equal(find(SERVER, 2000, CLIENT, 1), FLOW_NONE);
	other = tuple4(IPPROTO_TCP, CLIENT, 1, SERVER, 2000);
	assert_int_equal(ct_expect_find(table, &other), FLOW_NONE);
	other = tuple4(IPPROTO_UDP, CLIENT, 1, SERVER, 2000);
	other.key.zone = 1;
	assert_int_equal(ct_expect_find(table, &other), FLOW_NONE);
	other = tuple6(IPPROTO_UDP, CLIENT, 1, SERVER, 2000);
	assert_int_equal(ct_expect_find(table, &other), FLOW_NONE);

	/* one source port; any source */
	e.any_sport = false;
	e.tuple.key.sport = rte_cpu_to_be_16(20);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
	assert_int_equal(find(CLIENT, 20, SERVER, 2000), i);
	assert_int_equal(find(CLIENT, 21, SERVER, 2000), FLOW_NONE);
	e.any_src = true;
	e.tuple.key.sport = 0;
	memset(&e.tuple.src, 0, sizeof(e.tuple.src));
	e.any_sport = true;
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
	assert_int_equal(find(CLIENT + 99, 5, SERVER, 2000), i);
	assert_int_equal(find(CLIENT + 99, 5, SERVER, 2001), FLOW_NONE);

	e.any_src = false;
	e.tuple = tuple6(IPPROTO_UDP, CLIENT, 0, SERVER, 2000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
	assert_int_equal(ct_expect_find(table, &other), i);
	other = tuple6(IPPROTO_UDP, CLIENT + 1, 1, SERVER, 2000);
	assert_int_equal(ct_expect_find(table, &other), FLOW_NONE);
}

static void
test_taken(void **state)
{
	struct flow_tuple t = tuple4(IPPROTO_UDP, CLIENT, 7, SERVER, 2000), master_tuple;
	uint32_t i, master, child, out[4];
	struct ct_expect e;
	struct ct_ext *ext;

	(void)state;
	create(8);
	master = open_master(1, SECOND);
	ct_conns(table)[master].mark = 77;
	for (unsigned int permanent = 0; permanent < 2; permanent++) {
		t.key.sport = rte_cpu_to_be_16((uint16_t)(7 + permanent));
		e = expected(master, CLIENT, 2000);
		e.permanent = permanent;
		assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
		child = open_conn(&t, SECOND);
		assert_int_equal(ct_expect_take(table, i, child), 0);
		assert_sound(table);
		assert_int_equal(find(CLIENT, 9, SERVER, 2000), permanent ? i : FLOW_NONE);
		assert_int_equal(ct_conns(table)[child].mark, 77);
		assert_true(ct_conns(table)[child].status & CT_S_EXPECTED);
		ext = ct_ext(table, child);
		assert_non_null(ext);
		assert_int_equal(ext->master, master);
		ct_tuple(table, ct_flow_id(master, FLOW_ORIGINAL), &master_tuple);
		assert_memory_equal(&ext->master_tuple, &master_tuple, sizeof(master_tuple));
		assert_int_equal(ct_children(table, master, out, 4), 1 + permanent);
		assert_int_equal(out[0], child);
	}
	assert_int_equal(ct_children(table, master, out, 1), 1);
	assert_int_equal(ct_children(table, child, out, 4), 0);
	/* The child outlives its master, and still knows who that was. */
	ct_close(table, master);
	assert_int_equal(find(CLIENT, 9, SERVER, 2000), FLOW_NONE);
	assert_int_equal(ext->master, FLOW_NONE);
	assert_memory_equal(&ext->master_tuple, &master_tuple, sizeof(master_tuple));
}

/* `related` until it is answered. */
static void
test_state(void **state)
{
	static const uint8_t udp[8];
	const struct pkt_info info = { .proto = IPPROTO_UDP };
	const struct ct_packet pkt = {
		.info = &info, .l4 = udp, .l4_len = 8, .l4_avail = 8, .now = SECOND
	};
	struct flow_tuple t = tuple4(IPPROTO_UDP, CLIENT, 7, SERVER, 2000);
	struct ct_expect e;
	struct ct_verdict v;
	uint32_t i, child;

	(void)state;
	create(8);
	e = expected(open_master(1, SECOND), CLIENT, 2000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
	child = open_conn(&t, SECOND);
	assert_int_equal(ct_expect_take(table, i, child), 0);
	for (unsigned int n = 0; n < 2; n++) {
		ct_track(table, child, FLOW_ORIGINAL, &pkt, &v);
		assert_int_equal(v.state, CT_STATE_RELATED);
	}
	ct_track(table, child, FLOW_REPLY, &pkt, &v);
	assert_int_equal(v.state, CT_STATE_ESTABLISHED);
	ct_track(table, child, FLOW_ORIGINAL, &pkt, &v);
	assert_int_equal(v.state, CT_STATE_ESTABLISHED);
}

static void
test_limits(void **state)
{
	uint32_t i[4], master[4];
	struct ct_expect e;
	struct ct_stats stats;

	(void)state;
	create(3);
	for (unsigned int n = 0; n < 4; n++)
		master[n] = open_master((uint16_t)(1 + n), SECOND);
	/* one more of a master ends its oldest */
	for (unsigned int n = 0; n < 3; n++) {
		e = expected(master[0], CLIENT, (uint16_t)(2000 + n));
		e.at_once = 2;
		assert_int_equal(ct_expect_add(table, &e, SECOND, &i[n]), 0);
		assert_sound(table);
	}
	assert_int_equal(find(CLIENT, 1, SERVER, 2000), FLOW_NONE);
	assert_int_equal(find(CLIENT, 1, SERVER, 2001), i[1]);
	assert_int_equal(find(CLIENT, 1, SERVER, 2002), i[2]);
	/* the same again takes its place */
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i[2]), 0);
	ct_stats(table, &stats);
	assert_int_equal(stats.expects, 2);
	/* all may have one, but for the table's size */
	e = expected(master[1], CLIENT, 3000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i[0]), 0);
	e = expected(master[2], CLIENT, 3001);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i[3]), -ENOSPC);
	ct_stats(table, &stats);
	assert_int_equal(stats.expects_full, 1);
	/* what fits another master's is not let in twice */
	ct_expect_remove(table, i[1]);
	e = expected(master[2], CLIENT, 3000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i[3]), -EBUSY);
	e.any_sport = false;
	e.tuple.key.sport = rte_cpu_to_be_16(20);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i[3]), -EBUSY);
	e.any_src = true;
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i[3]), -EBUSY);
	e = expected(master[2], CLIENT + 1, 3000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i[3]), 0);
	assert_int_equal(find(CLIENT, 1, SERVER, 3000), i[0]);
	assert_int_equal(find(CLIENT + 1, 1, SERVER, 3000), i[3]);
}

static void
test_no_table(void **state)
{
	struct ct_expect e;
	uint32_t i;

	(void)state;
	create(0);
	e = expected(open_master(1, SECOND), CLIENT, 2000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i), -ENOSPC);
	assert_int_equal(find(CLIENT, 1, SERVER, 2000), FLOW_NONE);
	assert_int_equal(ct_expect_next(table, 0), FLOW_NONE);
}

static void
test_timeout(void **state)
{
	uint32_t closed[4], i, master;
	struct ct_stats stats;
	struct ct_expect e;

	(void)state;
	create(8);
	/* one that outlives them all */
	ct_age(table, 1000 * SECOND, closed, 4);
	for (unsigned int n = 0; n < 8; n++) {
		master = open_master((uint16_t)(n + 1), 1000 * SECOND);
		e = expected(master, CLIENT, (uint16_t)(2000 + n));
		e.timeout = 10;
		assert_int_equal(ct_expect_add(table, &e, 1000 * SECOND, &i), 0);
	}
	assert_int_equal(ct_expect_expires_in(table, i, 1000 * SECOND), 10);
	assert_int_equal(ct_expect_expires_in(table, i, 1020 * SECOND), 0);
	ct_age(table, 1009 * SECOND, closed, 4);
	assert_int_equal(find(CLIENT, 1, SERVER, 2003), 3);
	assert_true(ct_age_due(table, 1011 * SECOND));
	/* bounded: a few a step */
	for (unsigned int n = 0; n < 100 && ct_age_due(table, 1011 * SECOND); n++) {
		uint32_t before, after;

		ct_stats(table, &stats);
		before = stats.expects;
		assert_int_equal(ct_age(table, 1011 * SECOND, closed, 4), 0);
		ct_stats(table, &stats);
		after = stats.expects;
		assert_true(before - after <= 4);
		assert_sound(table);
	}
	ct_stats(table, &stats);
	assert_int_equal(stats.expects, 0);
	assert_int_equal(stats.expects_expired, 8);
	assert_int_equal(stats.connections, 8);
	assert_int_equal(find(CLIENT, 1, SERVER, 2003), FLOW_NONE);
}

/* Closed and aged masters alike take theirs with them. */
static void
test_master_gone(void **state)
{
	uint32_t closed[8], i, master[3];
	struct ct_stats stats;
	struct ct_expect e;

	(void)state;
	create(8);
	for (unsigned int n = 0; n < 3; n++) {
		master[n] = open_master((uint16_t)(n + 1), SECOND);
		for (unsigned int k = 0; k < 2; k++) {
			e = expected(master[n], CLIENT, (uint16_t)(2000 + 10 * n + k));
			e.at_once = 2;
			assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
		}
	}
	ct_close(table, master[1]);
	assert_sound(table);
	ct_stats(table, &stats);
	assert_int_equal(stats.expects, 4);
	assert_int_equal(find(CLIENT, 1, SERVER, 2010), FLOW_NONE);
	assert_int_equal(find(CLIENT, 1, SERVER, 2011), FLOW_NONE);
	while (ct_age_due(table, 60 * SECOND))
		ct_age(table, 60 * SECOND, closed, 8);
	ct_stats(table, &stats);
	assert_int_equal(stats.connections, 0);
	assert_int_equal(stats.expects, 0);
}

/* No extension left for the child: it is not let in, and nothing is broken. */
static void
test_no_extension(void **state)
{
	struct flow_tuple t = tuple4(IPPROTO_UDP, CLIENT, 7, SERVER, 2000);
	struct ct_params p = table_params(64, 0, rcu);
	struct ct_expect e;
	uint32_t i, child;

	(void)state;
	p.extensions = 1;
	p.expectations = 4;
	table = ct_create(&p);
	assert_non_null(table);
	e = expected(open_master(1, SECOND), CLIENT, 2000);
	assert_int_equal(ct_expect_add(table, &e, SECOND, &i), 0);
	child = open_conn(&t, SECOND);
	assert_int_equal(ct_expect_take(table, i, child), -ENOSPC);
	ct_close(table, child);
	assert_int_equal(find(CLIENT, 1, SERVER, 2000), i);
}

/* ---- a walk ------------------------------------------------------------------------------------------------------- */

#define MASTERS 24
#define PORTS 12

struct model {
	bool used;
	struct ct_expect e;
};

static void
walk_check(struct model *m, uint32_t n)
{
	for (uint32_t src = 0; src < 3; src++)
		for (uint16_t port = 0; port < PORTS; port++) {
			struct flow_tuple t =
					tuple4(IPPROTO_UDP, CLIENT + src, 5, SERVER, 2000 + port);
			uint32_t got = ct_expect_find(table, &t);
			bool want = false;

			for (uint32_t i = 0; i < n; i++)
				want |= m[i].used && m[i].e.tuple.key.dport == t.key.dport &&
						(m[i].e.any_src ||
								memcmp(&m[i].e.tuple.src, &t.src,
										sizeof(t.src)) ==
										0);
			assert_int_equal(got != FLOW_NONE, want);
			if (got != FLOW_NONE)
				assert_true(m[got].used);
		}
}

static void
test_walk(void **state)
{
	struct model m[16] = { 0 };
	uint32_t master[MASTERS];
	unsigned int busy = 0, added = 0, full = 0;

	(void)state;
	create(RTE_DIM(m));
	srand(7);
	for (unsigned int n = 0; n < MASTERS; n++)
		master[n] = open_master((uint16_t)(n + 1), SECOND);
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int who = (unsigned int)rand() % MASTERS;
		struct ct_expect e = expected(master[who], CLIENT + (uint32_t)rand() % 3,
				(uint16_t)(2000 + rand() % PORTS));
		uint32_t i;

		if (rand() % 4 != 0) {
			e.any_src = rand() % 8 == 0;
			switch (ct_expect_add(table, &e, SECOND, &i)) {
			case 0:
				/* at_once 1: what this master had before is gone */
				for (unsigned int k = 0; k < RTE_DIM(m); k++)
					m[k].used &= m[k].e.master != e.master;
				assert_false(m[i].used);
				m[i] = (struct model){ true, e };
				added++;
				break;
			case -EBUSY:
				busy++;
				break;
			default:
				full++;
				break;
			}
		} else {
			ct_close(table, master[who]);
			for (unsigned int k = 0; k < RTE_DIM(m); k++)
				m[k].used &= m[k].e.master != master[who];
			master[who] = open_master((uint16_t)(who + 1), SECOND);
			ct_reclaim(table, NULL, 16);
		}
		walk_check(m, RTE_DIM(m));
		if (step % 64 == 0)
			assert_sound(table);
	}
	assert_true(busy > 100 && added > 100 && full > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_fits, teardown),
		cmocka_unit_test_teardown(test_taken, teardown),
		cmocka_unit_test_teardown(test_state, teardown),
		cmocka_unit_test_teardown(test_limits, teardown),
		cmocka_unit_test_teardown(test_no_table, teardown),
		cmocka_unit_test_teardown(test_timeout, teardown),
		cmocka_unit_test_teardown(test_master_gone, teardown),
		cmocka_unit_test_teardown(test_no_extension, teardown),
		cmocka_unit_test_teardown(test_walk, teardown),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rcu_create(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
