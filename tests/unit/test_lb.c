/* SPDX-License-Identifier: BSD-3-Clause */
/* Services, their look-up, and the spread and steadiness of both schedulers. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_errno.h>

#include "eal.h"
#include "lb/lb.h"
#include "lb_priv.h"

static struct flow_addr
ip4(uint32_t a)
{
	struct flow_addr addr = { { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8),
			(uint8_t)a } };

	return addr;
}

static struct flow_addr
ip6(uint16_t last)
{
	struct flow_addr addr = { { 0x20, 0x01, 0x0d, 0xb8 } };

	addr.b[14] = (uint8_t)(last >> 8);
	addr.b[15] = (uint8_t)last;
	return addr;
}

#define VIP4 0xc000020a /* 192.0.2.10 */
#define MANY 2000

/* n backends 10.0.0.1 .. with these weights, or 1 where `weights` is NULL. */
static const struct lb_backend_params *
backends(unsigned int n, const uint16_t *weights)
{
	static struct lb_backend_params b[MANY];
	unsigned int i;

	memset(b, 0, sizeof(b));
	for (i = 0; i < n; i++) {
		b[i].address = ip4(0x0a000001 + i);
		b[i].port = 8080;
		b[i].weight = weights != NULL ? weights[i] : 1;
	}
	return b;
}

static struct lb_service_params
service(enum lb_scheduler scheduler, const struct lb_backend_params *b, unsigned int n)
{
	return (struct lb_service_params){
		.name = "web",
		.family = 4,
		.proto = IPPROTO_TCP,
		.port = 80,
		.vip = ip4(VIP4),
		.scheduler = scheduler,
		.backends = b,
		.n_backends = n,
	};
}

static struct lb *
create(const struct lb_service_params *s, unsigned int n)
{
	const struct lb_params p = { .services = s, .n_services = n, .hash_seed = 42 };

	return lb_create(&p);
}

static struct lb *
create_one(enum lb_scheduler scheduler, unsigned int n, const uint16_t *weights)
{
	const struct lb_service_params s = service(scheduler, backends(n, weights), n);
	struct lb *lb = create(&s, 1);

	assert_non_null(lb);
	return lb;
}

/* Connection i: clients of a /20, some 15 ports each. */
static struct flow_tuple
connection(unsigned int i)
{
	struct flow_tuple t = {
		.key = { .family = 4,
				.proto = IPPROTO_TCP,
				.sport = rte_cpu_to_be_16((uint16_t)(32768 + i / 4096)),
				.dport = rte_cpu_to_be_16(80) },
		.src = ip4(0xc6336400 + i % 4096),
		.dst = ip4(VIP4),
	};

	return t;
}

static unsigned int
pick(struct lb *lb, unsigned int i)
{
	struct flow_tuple t = connection(i);
	struct lb_choice c;

	assert_int_equal(lb_find(lb, &t), 0);
	assert_int_equal(lb_select(lb, 0, &t, &c), 0);
	return c.backend;
}

/* ---- look-up ---- */

static void
test_find(void **state)
{
	const struct lb_backend_params b4[] = { { .address = ip4(0x0a000001), .weight = 1 } };
	const struct lb_backend_params b6[] = { { .address = ip6(1), .weight = 1 },
		{ .address = ip6(2), .port = 53, .weight = 1 } };
	const struct lb_service_params s[] = {
		{ "v4", 4, IPPROTO_TCP, 80, ip4(VIP4), LB_HASH, b4, 1 },
		{ "v6", 6, IPPROTO_TCP, 80, ip6(10), LB_HASH, b6, 2 },
		{ "dns", 6, IPPROTO_UDP, 80, ip6(10), LB_ROUND_ROBIN, b6, 2 },
		{ "empty", 4, IPPROTO_SCTP, 80, ip4(VIP4), LB_ROUND_ROBIN, NULL, 0 },
	};
	const struct {
		uint8_t family, proto;
		uint16_t port;
		struct flow_addr dst;
		int want;
	} cases[] = {
		{ 4, IPPROTO_TCP, 80, ip4(VIP4), 0 },
		{ 6, IPPROTO_TCP, 80, ip6(10), 1 },
		{ 6, IPPROTO_UDP, 80, ip6(10), 2 },
		{ 4, IPPROTO_SCTP, 80, ip4(VIP4), 3 },
		{ 4, IPPROTO_TCP, 81, ip4(VIP4), -ENOENT },
		{ 4, IPPROTO_UDP, 80, ip4(VIP4), -ENOENT },
		{ 4, IPPROTO_TCP, 80, ip4(VIP4 + 1), -ENOENT },
		{ 6, IPPROTO_TCP, 80, ip4(VIP4), -ENOENT },
		{ 4, 0, 0, ip4(VIP4), -ENOENT },
	};
	struct lb *lb = create(s, RTE_DIM(s));
	struct lb_service_info info;
	struct lb_choice c;
	unsigned int i;

	(void)state;
	assert_non_null(lb);
	for (i = 0; i < RTE_DIM(cases); i++) {
		const struct flow_tuple t = {
			.key = { .family = cases[i].family,
					.proto = cases[i].proto,
					.dport = rte_cpu_to_be_16(cases[i].port) },
			.dst = cases[i].dst,
		};

		assert_int_equal(lb_find(lb, &t), cases[i].want);
	}
	assert_true(lb_is_vip(lb, 4, &s[0].vip));
	assert_true(lb_is_vip(lb, 6, &s[1].vip));
	assert_false(lb_is_vip(lb, 6, &s[0].vip));
	assert_false(lb_is_vip(lb, 4, &b4[0].address));

	assert_int_equal(lb_services(lb), 4);
	assert_int_equal(lb_backends(lb), 5);
	assert_int_equal(lb_service_info(lb, 2, &info), 0);
	assert_string_equal(info.name, "dns");
	assert_int_equal(info.backend_first, 3);
	assert_int_equal(lb_service_info(lb, 4, &info), -ENOENT);
	assert_int_equal(lb_select(lb, 3, &(struct flow_tuple){ 0 }, &c), -EHOSTUNREACH);
	assert_int_equal(lb_select(lb, 4, &(struct flow_tuple){ 0 }, &c), -EINVAL);
	lb_destroy(lb);
}

/* Enough services that rte_hash has to move keys around. */
static void
test_many_services(void **state)
{
	static struct lb_service_params s[MANY];
	struct flow_tuple t = connection(0);
	unsigned int i;
	struct lb *lb;

	(void)state;
	for (i = 0; i < MANY; i++) {
		s[i] = service(LB_HASH, backends(1, NULL), 1);
		s[i].vip = ip4(VIP4 + i / 4);
		s[i].port = (uint16_t)(1 + i % 4);
	}
	lb = create(s, MANY);
	assert_non_null(lb);
	for (i = 0; i < MANY; i++) {
		t.dst = s[i].vip;
		t.key.dport = rte_cpu_to_be_16(s[i].port);
		assert_int_equal(lb_find(lb, &t), (int)i);
	}
	lb_destroy(lb);

	lb = create(NULL, 0);
	assert_non_null(lb);
	assert_int_equal(lb_find(lb, &t), -ENOENT);
	lb_destroy(lb);
	lb_destroy(NULL);
}

static void
test_refused(void **state)
{
	const struct lb_backend_params v6 = { .address = ip6(1), .weight = 1 };
	struct lb_backend_params twice[] = { { .address = ip4(0x0a000001), .weight = 1 },
		{ .address = ip4(0x0a000001), .port = 80, .weight = 1 } };
	const struct lb_service_params good = service(LB_HASH, backends(1, NULL), 1);
	struct lb_service_params bad[12];
	unsigned int i, n = 0;

	(void)state;
	for (i = 0; i < RTE_DIM(bad); i++)
		bad[i] = good;
	bad[n++].name = NULL;
	bad[n++].family = 5;
	bad[n++].proto = IPPROTO_ICMP;
	bad[n++].port = 0;
	bad[n++].vip = ip4(0);
	bad[n++].vip = ip6(1);
	bad[n++].scheduler = (enum lb_scheduler)7;
	bad[n++].backends = &v6;
	bad[n].backends = twice; /* port 0 and the VIP's port are the same */
	bad[n++].n_backends = 2;
	bad[n].backends = backends(MANY, NULL);
	bad[n++].n_backends = LB_SERVICE_BACKENDS_MAX + 1;
	for (i = 0; i < n; i++) {
		rte_errno = 0;
		assert_null(create(&bad[i], 1));
		assert_int_equal(rte_errno, EINVAL);
	}

	bad[0] = good;
	bad[1] = good;
	bad[1].name = "the same again";
	rte_errno = 0;
	assert_null(create(bad, 2));
	assert_int_equal(rte_errno, EINVAL);
}

/* ---- schedulers ---- */

static void
test_round_robin(void **state)
{
	static const uint16_t smooth[] = { 5, 0, 1, 1 };
	static const unsigned int order[] = { 0, 0, 2, 0, 3, 0, 0 };
	struct lb *lb = create_one(LB_ROUND_ROBIN, 7, NULL);
	struct lb_service_info service_info;
	struct lb_backend_info info;
	unsigned int i;

	(void)state;
	for (i = 0; i < 700; i++)
		assert_int_equal(pick(lb, i), i % 7);
	assert_int_equal(lb_service_info(lb, 0, &service_info), 0);
	assert_int_equal(service_info.connections, 700);
	for (i = 0; i < 7; i++) {
		assert_int_equal(lb_backend_info(lb, 0, i, &info), 0);
		assert_int_equal(info.connections, 100);
	}
	assert_int_equal(lb_backend_info(lb, 0, 7, &info), -ENOENT);
	lb_destroy(lb);

	lb = create_one(LB_ROUND_ROBIN, 4, smooth);
	for (i = 0; i < 70; i++)
		assert_int_equal(pick(lb, i), order[i % 7]);
	lb_destroy(lb);
}

/*
 * Chi-square of `n` choices against the weights, bounded by 6 standard deviations above its mean:
 * a fair scheduler fails once in more than 10^6 seeds, and the seed is fixed.
 */
static void
check_spread(unsigned int n_backends, const uint16_t *weights, unsigned int n)
{
	struct lb *lb = create_one(LB_HASH, n_backends, weights);
	double sum = 0, chi = 0, freedom = -1;
	unsigned int i;

	for (i = 0; i < n; i++)
		pick(lb, i);
	for (i = 0; i < n_backends; i++)
		sum += weights != NULL ? weights[i] : 1;
	for (i = 0; i < n_backends; i++) {
		double want = n * (weights != NULL ? weights[i] : 1) / sum;
		struct lb_backend_info info;

		assert_int_equal(lb_backend_info(lb, 0, i, &info), 0);
		if (want == 0) {
			assert_int_equal(info.connections, 0);
			continue;
		}
		chi += ((double)info.connections - want) * ((double)info.connections - want) / want;
		freedom++;
	}
	print_message("%u backends: chi-square %.1f, %.0f degrees of freedom\n", n_backends, chi,
			freedom);
	assert_true(chi < freedom + 6 * sqrt(2 * freedom));
	lb_destroy(lb);
}

static void
test_hash_spread(void **state)
{
	static const uint16_t few[] = { 1, 2, 3, 0, 10 }, lopsided[] = { 1, 1000 },
			      large[] = { 65535, 65534, 32768 };
	static uint16_t mixed[1024];
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(mixed); i++)
		mixed[i] = (uint16_t)(1 + i % 5);
	check_spread(2, NULL, 20000);
	check_spread(10, NULL, 20000);
	check_spread(RTE_DIM(few), few, 40000);
	check_spread(RTE_DIM(lopsided), lopsided, 60000);
	check_spread(RTE_DIM(large), large, 40000);
	check_spread(RTE_DIM(mixed), mixed, 40000);
}

/* The integer logarithm against libm's. */
static void
test_hash_log(void **state)
{
	struct lb_log2 *table = lb_log2_create();
	uint64_t h = 1;
	unsigned int i;

	(void)state;
	assert_non_null(table);
	assert_int_equal(lb_log2_inverse(table, 1), UINT64_C(64) << LB_LOG2_BITS);
	assert_int_equal(lb_log2_inverse(table, UINT64_C(1) << 63), UINT64_C(1) << LB_LOG2_BITS);
	assert_true(lb_log2_inverse(table, UINT64_MAX) > 0);
	for (i = 0; i < 100000; i++) {
		double got, want;

		h = h * UINT64_C(6364136223846793005) + 1442695040888963407;
		got = ldexp((double)lb_log2_inverse(table, h), -LB_LOG2_BITS);
		want = 64 - log2((double)h);
		assert_true(fabs(got - want) < 2e-7);
	}
	free(table);
}

/* Only the share of a backend that goes moves, and it goes everywhere. */
static void
test_hash_steady(void **state)
{
	static const uint16_t before[] = { 3, 1, 2, 2, 1, 1 }, gone[] = { 3, 1, 0, 2, 1, 1 },
			      more[] = { 3, 1, 2, 4, 1, 1 };
	struct lb *a = create_one(LB_HASH, RTE_DIM(before), before);
	struct lb *b = create_one(LB_HASH, RTE_DIM(gone), gone);
	struct lb *c = create_one(LB_HASH, RTE_DIM(more), more);
	struct lb *again = create_one(LB_HASH, RTE_DIM(before), before);
	unsigned int heirs[RTE_DIM(before)] = { 0 }, i, gained = 0;

	(void)state;
	for (i = 0; i < 20000; i++) {
		unsigned int was = pick(a, i), is = pick(b, i), then = pick(c, i);

		assert_int_equal(pick(again, i), was);
		if (was == 2)
			heirs[is]++;
		else
			assert_int_equal(is, was);
		if (then != was) {
			assert_int_equal(then, 3);
			gained++;
		}
	}
	for (i = 0; i < RTE_DIM(heirs); i++)
		assert_true(i == 2 ? heirs[i] == 0 : heirs[i] > 100);
	/* From 2/10 to 4/12. */
	assert_in_range(gained, 20000 * 12 / 100, 20000 * 15 / 100);
	lb_destroy(a);
	lb_destroy(b);
	lb_destroy(c);
	lb_destroy(again);
}

/* The choice goes by what a backend is, not by its place, and by the seed. */
static void
test_hash_identity(void **state)
{
	struct lb_backend_params forward[8], backward[8];
	struct lb_service_params s[] = { service(LB_HASH, forward, 8),
		service(LB_HASH, backward, 8) };
	struct lb_params other = { .services = s, .n_services = 1, .hash_seed = 43 };
	struct lb *a, *b, *c;
	unsigned int i, same = 0;

	(void)state;
	memcpy(forward, backends(8, NULL), sizeof(forward));
	for (i = 0; i < 8; i++)
		backward[i] = forward[7 - i];
	a = create(&s[0], 1);
	b = create(&s[1], 1);
	c = lb_create(&other);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	for (i = 0; i < 8000; i++) {
		unsigned int choice = pick(a, i);

		assert_int_equal(choice, 7 - pick(b, i));
		same += choice == pick(c, i);
	}
	assert_in_range(same, 800, 1200); /* an eighth, by chance */
	lb_destroy(a);
	lb_destroy(b);
	lb_destroy(c);
}

static void
test_ports_and_zero_weights(void **state)
{
	static const uint16_t zero[] = { 0, 0, 0 };
	struct lb_backend_params b6[] = { { .address = ip6(1), .weight = 1 },
		{ .address = ip6(1), .port = 8443, .weight = 1 } };
	struct lb_service_params s = { "v6", 6, IPPROTO_UDP, 443, ip6(10), LB_HASH, b6, 2 };
	enum lb_scheduler scheduler;
	struct lb_choice c;

	(void)state;
	for (scheduler = LB_ROUND_ROBIN; scheduler <= LB_HASH; scheduler++) {
		struct flow_tuple t = connection(0);
		struct lb *lb = create_one(scheduler, RTE_DIM(zero), zero);
		unsigned int ports[2] = { 0 }, i;
		struct lb_service_info info;

		assert_int_equal(lb_select(lb, 0, &t, &c), -EHOSTUNREACH);
		assert_int_equal(lb_service_info(lb, 0, &info), 0);
		assert_int_equal(info.connections, 0);
		lb_destroy(lb);

		s.scheduler = scheduler;
		lb = create(&s, 1);
		assert_non_null(lb);
		t.key.family = 6;
		t.key.proto = IPPROTO_UDP;
		t.key.dport = rte_cpu_to_be_16(443);
		t.dst = ip6(10);
		for (i = 0; i < 100; i++) {
			t.src = ip6((uint16_t)(1000 + i));
			assert_int_equal(lb_find(lb, &t), 0);
			assert_int_equal(lb_select(lb, 0, &t, &c), 0);
			assert_memory_equal(&c.address, &b6[0].address, sizeof(c.address));
			assert_int_equal(c.port, c.backend == 0 ? 443 : 8443);
			ports[c.backend]++;
		}
		assert_in_range(ports[0], 30, 70);
		lb_destroy(lb);
	}
	assert_string_equal(lb_scheduler_name(LB_ROUND_ROBIN), "round-robin");
	assert_string_equal(lb_scheduler_name(LB_HASH), "hash");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_many_services),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round_robin),
		cmocka_unit_test(test_hash_log),
		cmocka_unit_test(test_hash_spread),
		cmocka_unit_test(test_hash_steady),
		cmocka_unit_test(test_hash_identity),
		cmocka_unit_test(test_ports_and_zero_weights),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
