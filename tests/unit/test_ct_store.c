/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection store as its writer sees it: against a naive model, full, in parts, walked. */
#include <rte_errno.h>

#include "test_ct.h"

static struct rte_rcu_qsbr *rcu; /* no reader ever registers here */

/*
 * A tuple of a small space, so that many are asked for twice; some are the answer to another one.
 */
static struct flow_tuple
random_tuple(uint64_t *rnd, uint32_t space)
{
	uint32_t n = random_next(rnd) % space;
	uint32_t src = 0x0a000000 + n / 64, dst = 0x0b000000 + n % 8;
	uint16_t sport = 1024 + n % 512;
	struct flow_tuple t;

	switch (n % 5) {
	case 0:
	case 1:
		t = tuple4(IPPROTO_UDP, src, sport, dst, 53);
		break;
	case 2:
		t = tuple4(IPPROTO_TCP, src, sport, dst, 80);
		break;
	case 3:
		t = tuple_echo(n % 2 ? 4 : 6, src, dst, sport);
		break;
	default:
		t = tuple6(IPPROTO_UDP, src, sport, dst, 53);
	}
	t.key.zone = n % 3 == 0;
	if (t.key.proto == IPPROTO_UDP && random_next(rnd) % 8 == 0)
		t = reply_of(&t);
	return t;
}

/* ---- the model: a list ---------------------------------------------------------------------- */

struct model_conn {
	bool used;
	struct flow_tuple tuple[2];
	uint64_t deadline; /* tick at which it is closed */
};

static bool
same_tuple(const struct flow_tuple *a, const struct flow_tuple *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static uint32_t
model_find(const struct model_conn *m, uint32_t n, const struct flow_tuple *t)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (m[i].used && same_tuple(&m[i].tuple[0], t))
			return ct_flow_id(i, FLOW_ORIGINAL);
		if (m[i].used && same_tuple(&m[i].tuple[1], t))
			return ct_flow_id(i, FLOW_REPLY);
	}
	return FLOW_NONE;
}

static uint32_t
model_count(const struct model_conn *m, uint32_t n)
{
	uint32_t i, count = 0;

	for (i = 0; i < n; i++)
		count += m[i].used;
	return count;
}

static uint32_t
model_timeout(const struct flow_tuple *t)
{
	struct ct_timeouts to;

	ct_timeouts_default(&to);
	switch (t->key.proto) {
	case IPPROTO_UDP:
		return to.udp;
	case IPPROTO_TCP:
		return to.tcp[CT_TCP_SYN_SENT];
	case IPPROTO_ICMP:
		return to.icmp;
	default:
		return to.icmp6;
	}
}

/* ---- random operations ---------------------------------------------------------------------- */

struct size {
	uint32_t connections, connections6, space;
	unsigned int steps;
	enum flow_hash_kind kind;
	uint32_t early_drop, zone_limit; /* of zone 1 */
};

/* Connections of zone 1. */
static uint32_t
model_zone(const struct model_conn *m, uint32_t n)
{
	uint32_t i, count = 0;

	for (i = 0; i < n; i++)
		count += m[i].used && m[i].tuple[0].key.zone == 1;
	return count;
}

/* Who was closed to make room: two at most, not assured, of the right part. The model follows. */
static void
follow_eviction(const struct ct_table *t, struct model_conn *m, const struct size *s,
		const struct flow_tuple *tuple)
{
	uint32_t i, evicted = 0;

	for (i = 0; i < s->connections; i++) {
		if (!m[i].used || ct_find(t, &m[i].tuple[0]) != FLOW_NONE)
			continue;
		evicted++;
		assert_true(s->early_drop != 0);
		assert_false(ct_conns(t)[i].status & CT_S_ASSURED);
		assert_true(tuple->key.family == 4 || i < s->connections6);
		assert_int_equal(ct_find(t, &m[i].tuple[1]), FLOW_NONE);
		m[i].used = false;
	}
	assert_true(evicted <= 2);
}

static void
step_open(struct ct_table *t, struct model_conn *m, const struct size *s,
		const struct flow_tuple *tuple, uint64_t now)
{
	struct flow_tuple reply = reply_of(tuple);
	struct segment seg;
	struct ct_packet plain = plain_packet(now);
	const struct ct_packet *pkt = &plain;
	uint32_t conn = FLOW_NONE;
	int rc;

	if (tuple->key.proto == IPPROTO_TCP)
		pkt = segment_make(&seg, RTE_TCP_SYN_FLAG, 1, 0, 0, now);
	rc = ct_open(t, tuple, &reply, 3, pkt, &conn);
	if (model_find(m, s->connections, tuple) != FLOW_NONE ||
			model_find(m, s->connections, &reply) != FLOW_NONE) {
		assert_int_equal(rc, -EEXIST);
		return;
	}
	if (s->zone_limit != 0 && tuple->key.zone == 1 &&
			model_zone(m, s->connections) >= s->zone_limit) {
		assert_int_equal(rc, -EDQUOT);
		return;
	}
	follow_eviction(t, m, s, tuple);
	if (rc != 0) {
		/*
		 * Full, and nothing else: of used slots, and those that wait for readers. IPv6 has
		 * the low part only.
		 */
		assert_int_equal(rc, -ENOSPC);
		for (conn = 0; conn < (tuple->key.family == 4 ? s->connections : s->connections6);
				conn++)
			assert_true(m[conn].used || (ct_conns(t)[conn].status & CT_S_DYING));
		return;
	}
	assert_true(conn < s->connections && !m[conn].used);
	if (tuple->key.family == 6)
		assert_true(conn < s->connections6);
	m[conn].used = true;
	m[conn].tuple[0] = *tuple;
	m[conn].tuple[1] = reply;
	m[conn].deadline = (now >> TIME_TICK_SHIFT) + time_ticks_of_s(model_timeout(tuple));
}

static void
step_age(struct ct_table *t, struct model_conn *m, const struct size *s, uint64_t now)
{
	uint32_t closed[16], i, due = 0;
	unsigned int n, j, calls = 0;

	for (i = 0; i < s->connections; i++)
		due += m[i].used && m[i].deadline <= now >> TIME_TICK_SHIFT;
	/* Every call does some of it; each timer is touched once a level at most. */
	for (; calls < 10 * s->connections + 10; calls++) {
		n = ct_age(t, now, closed, RTE_DIM(closed));
		for (j = 0; j < n; j++) {
			assert_true(m[closed[j]].used &&
					m[closed[j]].deadline <= now >> TIME_TICK_SHIFT);
			m[closed[j]].used = false;
			due--;
		}
	}
	assert_int_equal(due, 0);
}

static void
test_random(void **state)
{
	const struct size *s = *state;
	const struct ct_zone_params zone = { .id = 1, .limit = s->zone_limit };
	struct ct_params params = table_params(s->connections, s->connections6, rcu);
	struct ct_table *t;
	struct model_conn *m = calloc(s->connections, sizeof(*m));
	uint64_t rnd = 88172645463325252u, now = 1700000000 * SECOND;
	struct ct_stats stats;
	unsigned int i;
	uint32_t id;

	params.hasher = flow_hasher_make(s->kind, 0x5eed, NULL);
	params.early_drop = s->early_drop;
	params.zones = &zone;
	params.n_zones = 1;
	t = ct_create(&params);
	assert_non_null(t);
	for (i = 0; i < s->steps; i++) {
		struct flow_tuple tuple = random_tuple(&rnd, s->space), got;
		unsigned int what = random_next(&rnd) % 100;

		assert_int_equal(ct_find(t, &tuple), model_find(m, s->connections, &tuple));
		/* Mostly opening, so that the table is full most of the time. */
		if (what < 60) {
			step_open(t, m, s, &tuple, now);
		} else if (what < 70) {
			id = ct_find(t, &tuple);
			if (id == FLOW_NONE)
				continue;
			ct_tuple(t, id, &got);
			assert_true(same_tuple(&got, &tuple));
			ct_close(t, id >> 1);
			m[id >> 1].used = false;
		} else if (what < 98) {
			ct_reclaim(t, NULL, 4);
		} else {
			now += random_next(&rnd) % (4 * SECOND);
			step_age(t, m, s, now);
		}
		if (i % 1024 == 0)
			assert_sound(t);
	}
	assert_sound(t);
	ct_stats(t, &stats);
	assert_int_equal(stats.early_dropped != 0, s->early_drop != 0);
	assert_int_equal(stats.zone_limited != 0, s->zone_limit != 0);
	assert_int_equal(ct_zone_connections(t, 1), model_zone(m, s->connections));
	assert_int_equal(stats.unplaced, 0);
	now += 200 * SECOND;
	step_age(t, m, s, now);
	assert_int_equal(model_count(m, s->connections), 0);
	ct_reclaim(t, NULL, s->connections);
	assert_sound(t);
	free(m);
	ct_destroy(t);
}

/* ---- filling -------------------------------------------------------------------------------- */

/* Every slot can be used, at every size: the hash has room for all flows. */
static void
test_full(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 5, 6, 7, 10, 11, 16, 31, 100, 1000, 4097, 20000,
		60000 };
	struct ct_stats stats;
	unsigned int k;
	uint32_t i, conn;

	(void)state;
	for (k = 0; k < RTE_DIM(sizes); k++) {
		uint32_t n = sizes[k];
		struct ct_table *t = table_create(n, n / 2, rcu);
		struct ct_packet pkt = plain_packet(0);

		for (i = 0; i <= n; i++) {
			struct flow_tuple tuple = i % 2 && i / 2 < n / 2
					? tuple6(IPPROTO_UDP, 1, i, 2 + i / 60000, 53)
					: tuple4(IPPROTO_UDP, 1, i, 2 + i / 60000, 53);
			struct flow_tuple reply = reply_of(&tuple);

			assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn),
					i < n ? 0 : -ENOSPC);
		}
		assert_sound(t);
		ct_stats(t, &stats);
		assert_int_equal(stats.connections, n);
		assert_int_equal(stats.full, 1);
		assert_true(n < 1000 || stats.slots * 84 / 100 <= 2 * n);
		for (i = 0; i < n; i++)
			ct_close(t, i);
		assert_sound(t);
		assert_int_equal(ct_reclaim(t, NULL, UINT32_MAX), n);
		ct_stats(t, &stats);
		assert_int_equal(stats.connections, 0);
		assert_int_equal(stats.connections6, 0);
		assert_int_equal(stats.closed, n);
		assert_sound(t);
		ct_destroy(t);
	}
}

/* IPv6 may have its part and no more, and finds room there while IPv4 has other. */
static void
test_parts(void **state)
{
	struct ct_table *t = table_create(10, 4, rcu);
	struct ct_packet pkt = plain_packet(0);
	struct flow_tuple tuple, reply;
	uint32_t i, conn;

	(void)state;
	for (i = 0; i < 6; i++) {
		tuple = tuple4(IPPROTO_UDP, 1, i, 2, 53);
		reply = reply_of(&tuple);
		assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), 0);
		assert_in_range(conn, 4, 9);
	}
	for (i = 0; i < 5; i++) {
		tuple = tuple6(IPPROTO_UDP, 1, i, 2, 53);
		reply = reply_of(&tuple);
		assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), i < 4 ? 0 : -ENOSPC);
	}
	tuple = tuple4(IPPROTO_UDP, 1, 6, 2, 53);
	reply = reply_of(&tuple);
	assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), -ENOSPC);
	ct_close(t, 0);
	assert_int_equal(ct_reclaim(t, NULL, 1), 1);
	assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), 0);
	assert_int_equal(conn, 0);
	assert_sound(t);
	ct_destroy(t);
}

static void
test_params(void **state)
{
	const struct {
		uint32_t connections, connections6;
		bool rcu;
		uint32_t early_drop;
	} bad[] = { { 0, 0, true }, { 1, 2, true }, { (1u << 30) + 1, 0, true }, { 1, 0, false },
		{ 1, 0, true, 101 } };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(bad); i++) {
		struct ct_params p = table_params(
				bad[i].connections, bad[i].connections6, bad[i].rcu ? rcu : NULL);

		p.early_drop = bad[i].early_drop;
		rte_errno = 0;
		assert_null(ct_create(&p));
		assert_int_equal(rte_errno, EINVAL);
	}
	ct_destroy(NULL);
}

/* A tuple that is its own answer cannot have two flows. */
static void
test_own_answer(void **state)
{
	struct ct_table *t = table_create(4, 0, rcu);
	struct flow_tuple tuple = tuple4(IPPROTO_UDP, 1, 7, 1, 7), reply = reply_of(&tuple);
	struct ct_packet pkt = plain_packet(0);
	uint32_t conn;

	(void)state;
	assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), -EEXIST);
	assert_sound(t);
	ct_destroy(t);
}

static void
test_next(void **state)
{
	struct ct_table *t = table_create(100, 0, rcu);
	struct ct_packet pkt = plain_packet(0);
	uint32_t i, conn, next, found = 0, calls = 0;

	(void)state;
	for (i = 0; i < 100; i++) {
		struct flow_tuple tuple = tuple4(IPPROTO_UDP, 1, i, 2, 53),
				  reply = reply_of(&tuple);

		assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), 0);
	}
	for (i = 0; i < 100; i++) {
		if (i % 10 != 0)
			ct_close(t, i);
	}
	for (next = 0; next != FLOW_NONE; calls++) {
		conn = ct_next(t, next, 7, &next);
		if (conn != FLOW_NONE)
			assert_int_equal(conn, 10 * found++);
	}
	assert_int_equal(found, 10);
	assert_true(calls <= 10 + 100 / 7 + 10);
	ct_next(t, 100, 7, &next);
	assert_int_equal(next, FLOW_NONE);
	ct_destroy(t);
}

/* What NAT changes is seen from the answer. */
static void
test_nat_status(void **state)
{
	struct flow_tuple udp = tuple4(IPPROTO_UDP, 1, 1000, 2, 53), echo = tuple_echo(4, 1, 2, 77);
	struct flow_tuple udp_back = reply_of(&udp), echo_back = reply_of(&echo);
	const struct {
		struct flow_tuple original, reply;
		uint16_t nat;
	} cases[] = {
		{ udp, udp_back, 0 },
		{ udp, tuple4(IPPROTO_UDP, 3, 53, 1, 1000), CT_S_DNAT },
		{ udp, tuple4(IPPROTO_UDP, 2, 5353, 1, 1000), CT_S_DNAT },
		{ udp, tuple4(IPPROTO_UDP, 2, 53, 9, 1000), CT_S_SNAT },
		{ udp, tuple4(IPPROTO_UDP, 2, 53, 1, 1001), CT_S_SNAT },
		{ udp, tuple4(IPPROTO_UDP, 3, 53, 9, 1000), CT_S_DNAT | CT_S_SNAT },
		{ echo, echo_back, 0 },
		{ echo, tuple4(IPPROTO_ICMP, 2, 78, 1, 0), CT_S_SNAT },
		{ echo, tuple4(IPPROTO_ICMP, 3, 77, 1, 0), CT_S_DNAT },
	};
	struct ct_table *t = table_create(1, 0, rcu);
	struct ct_packet pkt = plain_packet(0);
	unsigned int i;
	uint32_t conn;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		assert_int_equal(
				ct_open(t, &cases[i].original, &cases[i].reply, 5, &pkt, &conn), 0);
		assert_int_equal(ct_conns(t)[conn].status, CT_S_USED | cases[i].nat);
		assert_int_equal(ct_conns(t)[conn].owner, 5);
		ct_close(t, conn);
		ct_reclaim(t, NULL, 1);
	}
	ct_destroy(t);
}

int
main(void)
{
	static struct size sizes[] = {
		{ 1, 1, 20, 20000 },
		{ 5, 2, 40, 50000 },
		{ 40, 15, 200, 100000 },
		{ 300, 300, 1000, 60000, FLOW_HASH_SIPHASH },
		{ 300, 0, 400, 60000 },
		{ 40, 15, 200, 60000, .zone_limit = 7 },
		{ 300, 100, 1000, 60000, FLOW_HASH_SIPHASH, .early_drop = 90 },
		{ 40, 15, 200, 60000, .early_drop = 50, .zone_limit = 7 },
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_params),
		cmocka_unit_test_prestate(test_random, &sizes[0]),
		cmocka_unit_test_prestate(test_random, &sizes[1]),
		cmocka_unit_test_prestate(test_random, &sizes[2]),
		cmocka_unit_test_prestate(test_random, &sizes[3]),
		cmocka_unit_test_prestate(test_random, &sizes[4]),
		cmocka_unit_test_prestate(test_random, &sizes[5]),
		cmocka_unit_test_prestate(test_random, &sizes[6]),
		cmocka_unit_test_prestate(test_random, &sizes[7]),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_own_answer),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_nat_status),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	if (rcu == NULL || rte_rcu_qsbr_init(rcu, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
