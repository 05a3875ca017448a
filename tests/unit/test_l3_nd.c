/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery of l3: whom it answers, what it believes, what it refuses. */
#include "test_l3.h"

#define ROUTER 0x80
#define SOLICITED 0x40
#define OVERRIDE 0x20

static void
test_solicitations(void **state)
{
	static const struct {
		uint16_t port;
		const char *src, *dst, *target;
		bool option;
		bool answered, learnt;
	} cases[] = {
		{ 0, "2001:db8::9", "ff02::1:ff00:1", "2001:db8::1", true, true, true },
		{ 0, "2001:db8::9", "2001:db8::1", "2001:db8::1", true, true, true },
		{ 0, "2001:db8::9", "2001:db8::1", "2001:db8::1", false, true, false },
		{ 0, "2001:db8::9", "ff02::1:ff00:10", "2001:db8:f::10", true, true,
				true }, /* VIP */
		{ 1, "2001:db8:1::9", "ff02::1:ff00:10", "2001:db8:f::10", true, false, false },
		{ 0, "fe80::9", "ff02::1:ff00:1", "2001:db8::1", true, true, false },
		{ 0, "fe80::9", "ff02::1:ff00:10", "fe80::ff:fe00:10", true, true, false },
		{ 0, "2001:db8::9", "ff02::1:ff00:5", "2001:db8::5", true, false, false },
		{ 0, "2001:db8::9", "ff02::1:ff00:1", "2001:db8:1::1", true, false, false },
		{ 0, "2001:db8:77::9", "ff02::1:ff00:1", "2001:db8::1", true, true, false },
		{ 0, "::", "ff02::1:ff00:1", "2001:db8::1", false, true,
				false }, /* duplicate check */
		{ 0, "::", "ff02::1:ff00:5", "2001:db8::5", false, false, false },
		{ 0, "2001:db8::1", "ff02::1:ff00:1", "2001:db8::1", true, false,
				false }, /* ourselves */
	};
	static const struct rte_ether_addr mac_all_nodes = { { 0x33, 0x33, 0, 0, 0, 1 } };
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct l3 *l3 = network(LIMITS);
		struct frame f = {
			.port = cases[i].port, .src = cases[i].src, .dst = cases[i].dst
		};
		struct flow_addr src = ip(cases[i].src), target = ip(cases[i].target);
		bool check = strcmp(cases[i].src, "::") == 0;
		const uint8_t *b, *icmp;
		struct l3_neigh *n;
		size_t len;

		expect(l3, nd_frame(&f, 135, 0, cases[i].target, cases[i].option ? &mac_a : NULL),
				S, L3_CONSUMED, DROP_NONE, &out);
		assert_int_equal(out.n, cases[i].answered);
		if (cases[i].answered) {
			b = made(&out, 0, f.port, &len);
			assert_int_equal(len, 14 + 40 + 32);
			assert_mac(b, check ? &mac_all_nodes : &mac_a);
			assert_mac(b + 6, &mac_of_port[f.port]);
			assert_int_equal(get16(b + 12), 0x86dd);
			icmp = assert_icmp(b + 14, len - 14, cases[i].target,
					check ? "ff02::1" : cases[i].src, 255);
			assert_int_equal(icmp[0], 136);
			assert_int_equal(icmp[1], 0);
			assert_int_equal(get32(icmp + 4) >> 24,
					ROUTER | OVERRIDE | (check ? 0 : SOLICITED));
			assert_memory_equal(icmp + 8, target.b, 16);
			assert_int_equal(icmp[24], 2);
			assert_int_equal(icmp[25], 1);
			assert_mac(icmp + 26, &mac_of_port[f.port]);
			assert_int_equal(pkt_meta(out.m[0])->sequence, 1234);
		}
		n = l3_neigh_find(l3, f.port, 6, &src);
		assert_int_equal(n != NULL, cases[i].learnt);
		if (n != NULL) {
			assert_int_equal(n->state, L3_NEIGH_STALE);
			assert_mac(l3_nexthops(l3)[n - l3->neigh].header, &mac_a);
			assert_int_equal(get16(l3_nexthops(l3)[n - l3->neigh].header + 12), 0x86dd);
		}
		done(l3, &out);
	}
}

/*
 * The checksum of a changed message is made right again, so that it is the change that is refused.
 */
static void
reseal(struct rte_mbuf *m)
{
	uint8_t *h = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);
	uint16_t len = pkt_meta(m)->info.l3_len - 40;

	put16(h + 42, 0);
	put16(h + 42, (uint16_t)~fold(add_bytes(add_bytes(len + 58u, h + 8, 32), h + 40, len)));
}

/* RFC 4861 7.1.1, 7.1.2: every rule. */
static void
test_malformed(void **state)
{
	static const struct {
		uint8_t type;
		const char *src, *dst, *target;
		bool option;
		uint16_t at; /* byte of the IP packet to change */
		uint8_t value;
	} cases[] = {
		{ 135, "2001:db8::9", "2001:db8::1", "2001:db8::1", true, 7, 254 }, /* hop limit */
		{ 135, "2001:db8::9", "2001:db8::1", "2001:db8::1", true, 41, 1 },  /* code */
		{ 135, "2001:db8::9", "2001:db8::1", "ff02::1", true, 0, 0x60 },    /* target */
		{ 135, "2001:db8::9", "2001:db8::1", "2001:db8::1", true, 65,
				0 }, /* option length 0 */
		{ 135, "2001:db8::9", "2001:db8::1", "2001:db8::1", true, 65,
				2 }, /* beyond the end */
		{ 135, "2001:db8::9", "2001:db8::1", "2001:db8::1", true, 66,
				0xff }, /* group MAC */
		{ 135, "2001:db8::9", "2001:db8::1", "2001:db8::1", true, 71,
				0x77 }, /* another's MAC */
		{ 135, "::", "ff02::1:ff00:1", "2001:db8::1", true, 0,
				0x60 }, /* option without source */
		{ 135, "::", "2001:db8::1", "2001:db8::1", false, 0, 0x60 }, /* not to the group */
		{ 135, "::1", "2001:db8::1", "2001:db8::1", true, 0, 0x60 }, /* loopback */
		{ 135, "ff02::9", "2001:db8::1", "2001:db8::1", true, 0,
				0x60 }, /* multicast source */
		{ 136, "2001:db8::9", "ff02::1", "2001:db8::9", true, 44,
				SOLICITED }, /* to all, as solicited */
		{ 136, "2001:db8::9", "2001:db8::1", "ff02::9", true, 0, 0x60 },
		{ 136, "2001:db8::9", "2001:db8::1", "2001:db8::9", true, 65, 0 },
		{ 136, "2001:db8::9", "2001:db8::1", "2001:db8::9", true, 7, 64 },
		{ 136, "2001:db8::9", "2001:db8::1", "2001:db8::9", true, 41, 1 },
		{ 138, "2001:db8::9", "2001:db8::1", "2001:db8::9", true, 0,
				0x60 }, /* no message of ours */
	};
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	struct rte_mbuf *m;
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct frame f = { .port = 0, .src = cases[i].src, .dst = cases[i].dst };

		m = nd_frame(&f, cases[i].type, 0, cases[i].target,
				cases[i].option ? &mac_a : NULL);
		pkt_meta(m)->info.flags |= PKT_F_ND;
		rte_pktmbuf_mtod(m, uint8_t *)[14 + cases[i].at] = cases[i].value;
		reseal(m);
		expect(l3, m, S, L3_DROP, DROP_ND_BAD, &out);
	}
	/* Any bit wrong: checksum. */
	for (i = 8; i < 72; i++) {
		m = nd_frame(&(struct frame){ .src = "2001:db8::9", .dst = "2001:db8::1" }, 135, 0,
				"2001:db8::1", &mac_a);
		rte_pktmbuf_mtod(m, uint8_t *)[14 + i] ^= 1;
		expect(l3, m, S, L3_DROP, DROP_ND_BAD, &out);
	}
	assert_int_equal(out.n, 0);
	done(l3, &out);
}

/* Every length that is too short, with what the parser says fitting it and not fitting it. */
static void
test_cut(void **state)
{
	struct frame f = { .src = "2001:db8::9", .dst = "2001:db8::1" };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t len;

	(void)state;
	for (len = 0; len < 72; len++) {
		struct rte_mbuf *m = nd_frame(&f, 135, 0, "2001:db8::1", &mac_a);
		struct rte_mbuf *n = nd_frame(&f, 135, 0, "2001:db8::1", &mac_a);

		rte_pktmbuf_trim(m, 72 - len);
		expect(l3, m, S, L3_DROP, DROP_ND_BAD, &out);
		pkt_meta(n)->info.l3_len = len;
		if (len >= 40)
			reseal(n);
		if (len == 64) /* whole, without its option */
			expect(l3, n, S, L3_CONSUMED, DROP_NONE, &out);
		else
			expect(l3, n, S, L3_DROP, DROP_ND_BAD, &out);
	}
	assert_int_equal(out.n, 1);
	done(l3, &out);
}

/* Messages of routers do nothing. */
static void
test_ignored(void **state)
{
	static const uint8_t types[] = { 133, 134, 137 };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(types); i++) {
		struct frame f = { .src = "fe80::fe", .dst = "ff02::1" };

		expect(l3, nd_frame(&f, types[i], 0, "2001:db8::9", &mac_a), S, L3_CONSUMED,
				DROP_NONE, &out);
	}
	assert_int_equal(out.n, 0);
	assert_int_equal(look(l3, hop(l3, "2001:db8:9::9")).state, L3_NEIGH_INCOMPLETE);
	done(l3, &out);
}

/* RFC 4861 7.2.5, by state. mac_a is who it was when FRESH or STALE. */
static void
test_advertisements(void **state)
{
	enum before { UNKNOWN, IDLE, ASKED, FRESH, REFRESHED };
	static const struct {
		enum before before;
		uint8_t flags;
		const char *dst;
		const struct rte_ether_addr *option;
		bool known, usable;
		enum l3_neighbour_state after;
		const struct rte_ether_addr *mac;
	} cases[] = {
		{ UNKNOWN, SOLICITED | OVERRIDE, "2001:db8:1::1", &mac_a, false },
		{ IDLE, OVERRIDE, "ff02::1", &mac_b, true, true, L3_NEIGH_STALE, &mac_b },
		{ IDLE, SOLICITED | OVERRIDE, "2001:db8:1::1", &mac_b, true, true, L3_NEIGH_STALE,
				&mac_b },
		{ ASKED, SOLICITED | OVERRIDE, "2001:db8:1::1", &mac_a, true, true,
				L3_NEIGH_REACHABLE, &mac_a },
		{ ASKED, SOLICITED, "2001:db8:1::1", &mac_a, true, true, L3_NEIGH_REACHABLE,
				&mac_a },
		{ ASKED, 0, "ff02::1", &mac_a, true, true, L3_NEIGH_STALE, &mac_a },
		{ ASKED, SOLICITED | OVERRIDE, "2001:db8:1::1", NULL, true, false,
				L3_NEIGH_INCOMPLETE },
		{ FRESH, 0, "ff02::1", &mac_b, true, true, L3_NEIGH_STALE, &mac_a }, /* doubt */
		{ FRESH, OVERRIDE, "ff02::1", &mac_b, true, true, L3_NEIGH_STALE, &mac_b },
		{ FRESH, OVERRIDE, "ff02::1", &mac_a, true, true, L3_NEIGH_REACHABLE, &mac_a },
		{ FRESH, 0, "ff02::1", NULL, true, true, L3_NEIGH_REACHABLE, &mac_a },
		{ REFRESHED, SOLICITED, "2001:db8:1::1", NULL, true, true, L3_NEIGH_REACHABLE,
				&mac_a },
		{ REFRESHED, SOLICITED, "2001:db8:1::1", &mac_b, true, true, L3_NEIGH_STALE,
				&mac_a },
		{ REFRESHED, SOLICITED | OVERRIDE, "2001:db8:1::1", &mac_b, true, true,
				L3_NEIGH_REACHABLE, &mac_b },
	};
	struct flow_addr who = ip("2001:db8:1::2");
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct l3 *l3 = network(LIMITS);
		struct frame f = { .port = 1, .src = "2001:db8:1::2", .dst = "2001:db8:1::1" };
		struct l3_neigh *n;
		uint16_t nh = 0;

		if (cases[i].before != UNKNOWN)
			nh = hop(l3, "2001:db8:1::2");
		if (cases[i].before > IDLE)
			assert_int_equal(l3_hold(l3, nh, numbered(1), 0, &out), 0);
		if (cases[i].before >= FRESH)
			expect(l3, nd_frame(&f, 136, SOLICITED | OVERRIDE, "2001:db8:1::2", &mac_a),
					0, L3_CONSUMED, DROP_NONE, &out);
		if (cases[i].before == REFRESHED) {
			l3_nexthop_ref(l3, nh);
			l3_tick(l3, 31 * S, &out);
			assert_int_equal(look(l3, nh).state, L3_NEIGH_STALE);
			assert_int_equal(out.n, 3); /* question, released packet, question */
		}
		clear(&out);
		f.dst = cases[i].dst;
		f.from = cases[i].option;
		expect(l3, nd_frame(&f, 136, cases[i].flags, "2001:db8:1::2", cases[i].option),
				31 * S, L3_CONSUMED, DROP_NONE, &out);
		n = l3_neigh_find(l3, 1, 6, &who);
		assert_int_equal(n != NULL, cases[i].known);
		if (n != NULL) {
			assert_int_equal(n->state, cases[i].after);
			assert_int_equal(l3_nexthops(l3)[nh].usable, cases[i].usable);
			if (cases[i].mac != NULL)
				assert_mac(l3_nexthops(l3)[nh].header, cases[i].mac);
			assert_int_equal(l3_held(l3), cases[i].usable ? 0 : 1);
		}
		done(l3, &out);
	}
}

/* Released packets carry IPv6's EtherType, in the order in which they came. */
static void
test_release(void **state)
{
	struct frame f = { .port = 1, .src = "2001:db8:1::2", .dst = "2001:db8:1::1" };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, "2001:db8:1::2");
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(l3_hold(l3, nh, numbered(i), S, &out), 0);
	clear(&out);
	expect(l3, nd_frame(&f, 136, SOLICITED, "2001:db8:1::2", &mac_a), S, L3_CONSUMED, DROP_NONE,
			&out);
	assert_int_equal(out.n, 3);
	for (i = 0; i < 3; i++) {
		const uint8_t *b = rte_pktmbuf_mtod(out.m[i], uint8_t *);

		assert_mac(b, &mac_a);
		assert_mac(b + 6, &mac_of_port[1]);
		assert_int_equal(get16(b + 12), 0x86dd);
		assert_int_equal(pkt_meta(out.m[i])->sequence, i);
	}
	done(l3, &out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_solicitations),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_advertisements),
		cmocka_unit_test(test_release),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
