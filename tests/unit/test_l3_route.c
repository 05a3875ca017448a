/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes and own addresses of l3: what is configured, and random tables of every kind against a
 * naive model.
 */
#include "test_l3.h"

/* ---- the small network ---- */

static void
test_where_to(void **state)
{
	static const struct {
		const char *dst;
		int error;
		uint16_t port;
		const char *via;
	} cases[] = {
		{ "8.8.8.8", 0, 0, "192.0.2.254" },
		{ "192.0.2.9", 0, 0, "192.0.2.9" },
		{ "192.0.2.254", 0, 0, "192.0.2.254" },
		{ "10.1.2.3", 0, 1, "10.1.2.3" },
		{ "10.3.0.9", 0, 1, "10.3.0.9" },
		{ "10.9.0.0", 0, 1, "10.1.0.99" },
		{ "10.9.255.255", 0, 1, "10.1.0.99" },
		{ "10.10.0.1", 0, 0, "192.0.2.254" },
		{ "203.0.113.200", 0, 2, "203.0.113.200" },
		{ "2001:db8::9", 0, 0, "2001:db8::9" },
		{ "2001:db8:1::9", 0, 1, "2001:db8:1::9" },
		{ "2001:db8:2::9", 0, 2, "2001:db8:2::9" },
		{ "2001:db8:3::9", 0, 0, "fe80::fe" },
		/* not a host that could be asked for */
		{ "192.0.2.255", -ENETUNREACH, 0, NULL },
		{ "192.0.2.0", -ENETUNREACH, 0, NULL },
		{ "10.1.255.255", -ENETUNREACH, 0, NULL },
		{ "192.0.2.1", -ENETUNREACH, 0, NULL },	 /* own */
		{ "192.0.2.77", -ENETUNREACH, 0, NULL }, /* VIP on the link */
		{ "224.0.0.5", -ENETUNREACH, 0, NULL },
		{ "255.255.255.255", -ENETUNREACH, 0, NULL },
		{ "127.0.0.1", -ENETUNREACH, 0, NULL },
		{ "0.0.0.1", -ENETUNREACH, 0, NULL },
		{ "ff02::1", -ENETUNREACH, 0, NULL },
		{ "fe80::1", -ENETUNREACH, 0, NULL },
	};
	static const uint16_t mtu[] = { 1500, 9000, 1280 };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct flow_addr dst = ip(cases[i].dst), via;
		int nh = l3_route(l3, family_of(cases[i].dst), &dst);
		struct l3_neighbour_info info;

		if (cases[i].error != 0) {
			assert_int_equal(nh, cases[i].error);
			continue;
		}
		assert_true(nh > 0);
		info = look(l3, (uint16_t)nh);
		via = ip(cases[i].via);
		assert_int_equal(info.port, cases[i].port);
		assert_memory_equal(&info.addr, &via, ALL);
		assert_int_equal(info.state, L3_NEIGH_INCOMPLETE);
		assert_int_equal(l3_nexthops(l3)[nh].port, cases[i].port);
		assert_int_equal(l3_nexthops(l3)[nh].mtu, mtu[info.port]);
		assert_int_equal(l3_nexthops(l3)[nh].usable, 0);
		assert_int_equal(l3_route(l3, family_of(cases[i].dst), &dst), nh);
	}
	assert_int_equal(l3_nexthops(l3)[0].port, UINT16_MAX);
	assert_int_equal(l3_nexthops(l3)[0].usable, 0);
	done(l3, &out);
}

static void
test_where_to_on_a_port(void **state)
{
	static const struct {
		uint16_t port;
		const char *dst, *via;
	} cases[] = {
		{ 0, "8.8.8.8", "192.0.2.254" },
		{ 1, "8.8.8.8", "8.8.8.8" },
		{ 1, "10.9.1.1", "10.1.0.99" },
		{ 2, "10.9.1.1", "10.9.1.1" },
		{ 2, "2001:db8:5::5", "2001:db8:5::5" },
		{ 0, "2001:db8:5::5", "fe80::fe" },
		{ 3, "8.8.8.8", NULL },
	};
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct flow_addr dst = ip(cases[i].dst), via;
		int nh = l3_route_on(l3, cases[i].port, family_of(cases[i].dst), &dst);
		struct l3_neighbour_info info;

		if (cases[i].via == NULL) {
			assert_int_equal(nh, -ENETUNREACH);
			continue;
		}
		assert_true(nh > 0);
		info = look(l3, (uint16_t)nh);
		via = ip(cases[i].via);
		assert_int_equal(info.port, cases[i].port);
		assert_memory_equal(&info.addr, &via, ALL);
	}
	done(l3, &out);
}

static void
test_own(void **state)
{
	static const struct {
		const char *addr;
		bool own, vip, answers[3], receives[3];
	} cases[] = {
		{ "192.0.2.1", true, false, { true, false, false }, { true, true, true } },
		{ "10.3.0.1", true, false, { false, true, false }, { true, true, true } },
		{ "192.0.2.2", false, false, { false }, { false } },
		{ "198.51.100.10", true, true, { true, false, false }, { true, true, true } },
		{ "2001:db8:f::10", true, true, { true, false, false }, { true, true, true } },
		{ "2001:db8:1::1", true, false, { false, true, false }, { true, true, true } },
		/* link-local, from the MAC, on ports with IPv6 only */
		{ "fe80::ff:fe00:10", true, false, { true, false, false }, { true, false, false } },
		{ "fe80::ff:fe00:11", true, false, { false, true, false }, { false, true, false } },
		{ "fe80::ff:fe00:12", false, false, { false }, { false } },
	};
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	unsigned int i, port;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct flow_addr a = ip(cases[i].addr);
		uint8_t family = family_of(cases[i].addr);

		assert_int_equal(l3_is_own(l3, family, &a), cases[i].own);
		assert_int_equal(l3_is_vip(l3, family, &a), cases[i].vip);
		for (port = 0; port < 3; port++) {
			assert_int_equal(l3_own_answers(l3, (uint16_t)port, family, &a),
					cases[i].answers[port]);
			assert_int_equal(l3_own_receives(l3, (uint16_t)port, family, &a),
					cases[i].receives[port]);
		}
	}
	done(l3, &out);
}

static void
test_source(void **state)
{
	static const struct {
		uint16_t port;
		const char *towards, *source;
	} cases[] = {
		{ 0, "192.0.2.9", "192.0.2.1" },
		{ 0, "8.8.8.8", "192.0.2.1" },
		{ 1, "10.3.0.7", "10.3.0.1" },
		{ 1, "10.1.3.7", "10.1.0.1" },
		{ 1, "8.8.8.8", "10.1.0.1" },
		{ 1, "2001:db8:1::7", "2001:db8:1::1" },
		{ 1, "2001:db8:7::7", "2001:db8:1::1" },
		{ 1, "fe80::7", "fe80::ff:fe00:11" },
		{ 2, "fe80::7", NULL },
		{ 2, "8.8.8.8", NULL },
	};
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct flow_addr towards = ip(cases[i].towards), expected;
		const struct flow_addr *source = l3_own_source(
				l3, cases[i].port, family_of(cases[i].towards), &towards);

		if (cases[i].source == NULL) {
			assert_null(source);
			continue;
		}
		expected = ip(cases[i].source);
		assert_non_null(source);
		assert_memory_equal(source, &expected, ALL);
	}
	done(l3, &out);
}

/* ---- creation ---- */

static void
test_refused(void **state)
{
	struct l3_prefix address = prefix("192.0.2.1", 24), long4 = prefix("192.0.2.1", 33);
	struct l3_port_params port = { mac_of_port[0], 1500, true, &address, 1 };
	struct l3_port_params bad_port = { mac_of_port[0], 1500, true, &long4, 1 };
	struct l3_route_params far_port = { prefix("0.0.0.0", 0), 1, true, { { 0 } } };
	struct l3_route_params long6 = { prefix("::", 129), 0, true, { { 0 } } };
	struct l3_route_params via_self = { prefix("0.0.0.0", 0), 0, false, ip("192.0.2.1") };
	struct l3_route_params gateways[2] = {
		{ prefix("10.0.0.0", 8), 0, false, ip("192.0.2.2") },
		{ prefix("11.0.0.0", 8), 0, false, ip("192.0.2.3") },
	};
	struct l3_neighbour_params twice[2] = { { 0, 4, ip("192.0.2.2"), mac_a },
		{ 0, 4, ip("192.0.2.2"), mac_b } };
	struct l3_neighbour_params group = { 0, 4, ip("192.0.2.2"), mac_all };
	const struct l3_params good = { .name = "l3_refused",
		.ports = &port,
		.n_ports = 1,
		.max_nexthops = 1,
		.pool = pool,
		.socket_id = SOCKET_ID_ANY };
	struct l3_params bad[12];
	const int error[RTE_DIM(bad)] = { EINVAL, EINVAL, EINVAL, ENAMETOOLONG, EINVAL, EINVAL,
		EINVAL, EINVAL, ENOSPC, EEXIST, EINVAL, E2BIG };
	struct l3 *l3;
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(bad); i++)
		bad[i] = good;
	bad[0].n_ports = 0;
	bad[1].max_nexthops = 0;
	bad[2].max_nexthops = 65536;
	bad[3].name = "a name that is too long";
	bad[4].ports = &bad_port;
	bad[5].routes = &far_port, bad[5].n_routes = 1;
	bad[6].routes = &long6, bad[6].n_routes = 1;
	bad[7].routes = &via_self, bad[7].n_routes = 1;
	bad[8].routes = gateways, bad[8].n_routes = 2; /* references keep the only entry */
	bad[9].neighbours = twice, bad[9].n_neighbours = 2;
	bad[10].neighbours = &group, bad[10].n_neighbours = 1;
	bad[11].n_routes = (1u << 20) + 1;
	for (i = 0; i < RTE_DIM(bad); i++) {
		rte_errno = 0;
		assert_null(l3_create(&bad[i]));
		assert_int_equal(rte_errno, error[i]);
	}
	l3 = l3_create(&good);
	assert_non_null(l3);
	l3_destroy(l3);
	l3_destroy(NULL);
}

/* ---- random tables ---- */

static uint32_t seed = 1;

static uint32_t
next_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* Addresses that are close to each other, so that prefixes nest and destinations hit. */
static struct flow_addr
random_addr(uint8_t family)
{
	struct flow_addr a = { { 0 } };
	unsigned int i;

	for (i = 0; i < (family == 4 ? 4u : 16u); i++)
		a.b[i] = next_random() % 4 == 0 ? (uint8_t)next_random()
						: (uint8_t)(next_random() % 3);
	a.b[0] = family == 4 ? 20 + next_random() % 2 : 0x20;
	return a;
}

static bool
covers(const struct l3_prefix *x, const struct flow_addr *a)
{
	unsigned int bit;

	for (bit = 0; bit < x->len; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		if ((x->addr.b[bit / 8] ^ a->b[bit / 8]) & mask)
			return false;
	}
	return true;
}

static const struct l3_route_params *
naive(const struct l3_route_params *r, unsigned int n, uint8_t family, const struct flow_addr *a)
{
	const struct l3_route_params *best = NULL;
	unsigned int i;

	for (i = 0; i < n; i++) {
		/* >= : the later of two equal prefixes counts */
		if (r[i].prefix.family == family && covers(&r[i].prefix, a) &&
				(best == NULL || r[i].prefix.len >= best->prefix.len))
			best = &r[i];
	}
	return best;
}

static void
compare_with_naive(unsigned int n, bool default_routes)
{
	struct l3_port_params ports[4] = { 0 };
	struct l3_route_params *r = calloc(n, sizeof(*r));
	struct l3_params p = { .name = "l3_random",
		.ports = ports,
		.n_ports = RTE_DIM(ports),
		.routes = r,
		.n_routes = n,
		.max_nexthops = 600,
		.pool = pool,
		.socket_id = SOCKET_ID_ANY };
	unsigned int i, hits = 0;
	struct l3 *l3;

	assert_non_null(r);
	for (i = 0; i < n; i++) {
		uint8_t family = i % 2 ? 4 : 6;

		r[i].prefix.family = family;
		r[i].prefix.len = (uint8_t)(8 + next_random() % (family == 4 ? 25 : 121));
		if (i < 2)
			r[i].prefix.len = default_routes ? 0 : 8;
		r[i].prefix.addr = random_addr(family);
		r[i].port = (uint16_t)(next_random() % 4);
		r[i].on_link = next_random() % 2;
		r[i].via = random_addr(family);
		r[i].via.b[3] = r[i].via.b[15] = 0; /* few gateways */
		r[i].via.b[2] %= 4;
		memset(r[i].via.b + 4, 0, 12);
	}
	l3 = l3_create(&p);
	assert_non_null(l3);
	for (i = 0; i < 20000; i++) {
		uint8_t family = i % 2 ? 4 : 6;
		struct flow_addr dst = random_addr(family), via;
		const struct l3_route_params *want = naive(r, n, family, &dst);
		int nh = l3_route(l3, family, &dst);
		struct l3_neighbour_info info;

		if (want == NULL) {
			assert_int_equal(nh, -ENETUNREACH);
			continue;
		}
		hits++;
		assert_true(nh > 0);
		info = look(l3, (uint16_t)nh);
		via = want->on_link ? dst : want->via;
		assert_int_equal(info.port, want->port);
		assert_memory_equal(&info.addr, &via, ALL);
	}
	assert_true(hits > 1000);
	l3_destroy(l3);
	free(r);
}

/*
 * Both kinds of table in both families (16 and 256 routes are the limits), and both default routes.
 */
static void
test_longest_prefix(void **state)
{
	static const unsigned int sizes[] = { 16, 30, 400, 700, 3000 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(sizes); i++) {
		compare_with_naive(sizes[i], true);
		compare_with_naive(sizes[i], false);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_to),
		cmocka_unit_test(test_where_to_on_a_port),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_longest_prefix),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
