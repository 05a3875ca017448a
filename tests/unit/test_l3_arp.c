/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP of l3: whom it answers, what it believes, what it refuses. */
#include "test_l3.h"

/* The only packet in out is the answer "`who` is at the MAC of `port`" to `asker`. */
static void
assert_answer(struct l3_out *out, uint16_t port, const char *who, const char *asker,
		const struct rte_ether_addr *mac, uint8_t vlans)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 2 };
	struct flow_addr own = ip(who), their = ip(asker);
	size_t len, off = 14 + 4u * vlans;
	const uint8_t *b = made(out, 0, port, &len);

	assert_int_equal(out->n, 1);
	assert_int_equal(len, off + 28); /* no larger than the question */
	assert_mac(b, mac);
	assert_mac(b + 6, &mac_of_port[port]);
	if (vlans > 0) {
		assert_int_equal(get16(b + 12), 0x8100);
		assert_int_equal(get16(b + 14), 100);
	}
	assert_int_equal(get16(b + off - 2), 0x0806);
	assert_memory_equal(b + off, head, sizeof(head));
	assert_mac(b + off + 8, &mac_of_port[port]);
	assert_memory_equal(b + off + 14, own.b, 4);
	assert_mac(b + off + 18, mac);
	assert_memory_equal(b + off + 24, their.b, 4);
	assert_int_equal(pkt_meta(out->m[0])->sequence, 1234);
	assert_int_equal(pkt_meta(out->m[0])->worker, 5);
	assert_int_equal(pkt_meta(out->m[0])->port_in, port);
	clear(out);
}

static void
test_questions(void **state)
{
	static const struct {
		uint16_t port;
		const char *sender, *target;
		uint8_t vlans;
		bool answered;
		bool learnt; /* the sender has an entry afterwards */
	} cases[] = {
		{ 0, "192.0.2.9", "192.0.2.1", 0, true, true },
		{ 1, "10.1.0.9", "10.1.0.1", 0, true, true },
		{ 1, "10.3.0.9", "10.3.0.1", 0, true, true },
		{ 0, "192.0.2.10", "198.51.100.10", 0, true, true },  /* VIP */
		{ 1, "10.1.0.10", "198.51.100.10", 0, false, false }, /* not on this port */
		{ 0, "192.0.2.11", "192.0.2.50", 0, false, false },   /* somebody else's */
		{ 0, "192.0.2.11", "10.1.0.1", 0, false, false },     /* own, of another port */
		{ 0, "0.0.0.0", "192.0.2.1", 0, true, false },	      /* RFC 5227 probe */
		{ 0, "0.0.0.0", "192.0.2.50", 0, false, false },
		{ 0, "8.8.8.8", "192.0.2.1", 0, true, false },	  /* not on this link */
		{ 0, "192.0.2.12", "192.0.2.1", 1, true, false }, /* another VLAN */
		{ 0, "192.0.2.12", "192.0.2.1", 2, true, false },
		{ 0, "192.0.2.1", "192.0.2.1", 0, false, false }, /* a duplicate's announcement */
		{ 0, "198.51.100.10", "192.0.2.1", 0, true, false },
		{ 2, "203.0.113.9", "203.0.113.1", 0, false, false },
	};
	struct l3_out out = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct l3 *l3 = network(LIMITS);
		struct frame f = { .port = cases[i].port,
			.to = &mac_all,
			.from = &mac_b,
			.vlans = cases[i].vlans,
			.padding = 18 };
		struct flow_addr sender = ip(cases[i].sender);
		struct l3_neigh *n;

		expect(l3, arp_frame(&f, 1, cases[i].sender, cases[i].target), S, L3_CONSUMED,
				DROP_NONE, &out);
		if (cases[i].answered)
			assert_answer(&out, f.port, cases[i].target, cases[i].sender, &mac_b,
					f.vlans);
		assert_int_equal(out.n, 0);
		n = l3_neigh_find(l3, f.port, 4, &sender);
		assert_int_equal(n != NULL, cases[i].learnt);
		if (n != NULL) {
			assert_int_equal(n->state, L3_NEIGH_STALE);
			assert_int_equal(l3_nexthops(l3)[n - l3->neigh].usable, 1);
			assert_mac(l3_nexthops(l3)[n - l3->neigh].header, &mac_b);
		}
		done(l3, &out);
	}
}

static void
test_malformed(void **state)
{
	static const struct rte_ether_addr zero;
	static const struct {
		uint16_t at; /* byte to change, from the start of the ARP packet */
		uint8_t value;
	} changes[] = { { 0, 1 }, { 1, 6 }, { 2, 0x86 }, { 4, 8 }, { 5, 16 }, { 7, 0 }, { 7, 3 },
		{ 6, 1 }, { 8, 0xff }, { 13, 9 }, { 14, 224 }, { 14, 127 }, { 14, 255 },
		{ 17, 255 } };
	struct frame f = { .port = 0, .to = &mac_all };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	struct rte_mbuf *m;
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(changes); i++) {
		m = arp_frame(&f, 1, "192.0.2.9", "192.0.2.1");
		rte_pktmbuf_mtod(m, uint8_t *)[14 + changes[i].at] = changes[i].value;
		expect(l3, m, S, L3_DROP, DROP_ARP_BAD, &out);
	}
	/* Cut anywhere: in the ARP packet, in Ethernet. */
	for (i = 0; i < 42; i++) {
		m = arp_frame(&f, 1, "192.0.2.9", "192.0.2.1");
		rte_pktmbuf_trim(m, (uint16_t)(42 - i));
		expect(l3, m, S, L3_DROP, DROP_ARP_BAD, &out);
	}
	/* Offsets that the parser would not give. */
	for (i = 0; i < 14; i++) {
		m = arp_frame(&f, 1, "192.0.2.9", "192.0.2.1");
		pkt_meta(m)->info.l3_off = (uint16_t)i;
		expect(l3, m, S, L3_DROP, DROP_ARP_BAD, &out);
	}
	f.from = &zero;
	expect(l3, arp_frame(&f, 1, "192.0.2.9", "192.0.2.1"), S, L3_DROP, DROP_ARP_BAD, &out);
	f.from = &mac_all;
	expect(l3, arp_frame(&f, 1, "192.0.2.9", "192.0.2.1"), S, L3_DROP, DROP_ARP_BAD, &out);
	m = arp_frame(&(struct frame){ .port = 0 }, 1, "192.0.2.9", "192.0.2.1");
	pkt_meta(m)->port_in = 3;
	expect(l3, m, S, L3_DROP, DROP_ETH_NOT_OURS, &out);
	assert_int_equal(out.n, 0);
	assert_int_equal(hop(l3, "192.0.2.9"), hop(l3, "192.0.2.9"));
	assert_int_equal(look(l3, hop(l3, "192.0.2.9")).state, L3_NEIGH_INCOMPLETE);
	done(l3, &out);
}

/* In pieces, as no NIC would deliver it. */
static void
test_segments(void **state)
{
	struct l3_out out = { 0 };
	uint16_t cut;

	(void)state;
	for (cut = 1; cut < 42; cut += 3) {
		struct l3 *l3 = network(LIMITS);
		struct frame f = { .port = 0, .to = &mac_all, .segment = cut };

		expect(l3, arp_frame(&f, 1, "192.0.2.9", "192.0.2.1"), S, L3_CONSUMED, DROP_NONE,
				&out);
		assert_answer(&out, 0, "192.0.2.1", "192.0.2.9", &mac_a, 0);
		done(l3, &out);
	}
}

/* What somebody says about 10.1.0.2 on port 1, by the state in which the entry is. */
static void
test_claims(void **state)
{
	enum before { UNKNOWN, IDLE, ASKED, FRESH, FAILED };
	static const struct {
		enum before before;
		uint16_t op;
		const struct rte_ether_addr *to, *from; /* mac_a is who it was when FRESH */
		const char *target;
		uint8_t vlans;
		bool known, usable;
		enum l3_neighbour_state after;
		const struct rte_ether_addr *mac;
	} cases[] = {
		/* answers nobody asked for, and announcements, make no entries */
		{ UNKNOWN, 2, &mac_of_port[1], &mac_a, "10.1.0.1", 0, false },
		{ UNKNOWN, 2, &mac_all, &mac_a, "10.1.0.2", 0, false },
		{ UNKNOWN, 1, &mac_all, &mac_a, "10.1.0.2", 0, false },
		/* ... but change known ones, to be verified */
		{ IDLE, 2, &mac_of_port[1], &mac_a, "10.1.0.1", 0, true, true, L3_NEIGH_STALE,
				&mac_a },
		{ IDLE, 1, &mac_all, &mac_a, "10.1.0.2", 0, true, true, L3_NEIGH_STALE, &mac_a },
		{ FAILED, 1, &mac_all, &mac_a, "10.1.0.2", 0, true, true, L3_NEIGH_STALE, &mac_a },
		{ FRESH, 1, &mac_all, &mac_b, "10.1.0.2", 0, true, true, L3_NEIGH_STALE, &mac_b },
		{ FRESH, 2, &mac_of_port[1], &mac_b, "10.1.0.1", 0, true, true, L3_NEIGH_STALE,
				&mac_b },
		{ FRESH, 2, &mac_of_port[1], &mac_a, "10.1.0.1", 0, true, true, L3_NEIGH_REACHABLE,
				&mac_a },
		/* only what was asked for proves anything */
		{ ASKED, 2, &mac_of_port[1], &mac_b, "10.1.0.1", 0, true, true, L3_NEIGH_REACHABLE,
				&mac_b },
		{ ASKED, 2, &mac_all, &mac_b, "10.1.0.1", 0, true, true, L3_NEIGH_STALE, &mac_b },
		{ ASKED, 1, &mac_all, &mac_b, "10.1.0.1", 0, true, true, L3_NEIGH_STALE, &mac_b },
		/* another VLAN is another link */
		{ ASKED, 2, &mac_of_port[1], &mac_b, "10.1.0.1", 1, true, false,
				L3_NEIGH_INCOMPLETE },
	};
	struct flow_addr who = ip("10.1.0.2");
	struct l3_out out = { 0 };
	unsigned int i, t;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct l3 *l3 = network(LIMITS);
		struct frame f = { .port = 1 };
		struct l3_neigh *n;
		uint16_t nh = 0;

		if (cases[i].before != UNKNOWN)
			nh = hop(l3, "10.1.0.2");
		if (cases[i].before > IDLE)
			assert_int_equal(l3_hold(l3, nh, numbered(1), 0, &out), 0);
		if (cases[i].before == FRESH)
			expect(l3, arp_frame(&f, 2, "10.1.0.2", "10.1.0.1"), 0, L3_CONSUMED,
					DROP_NONE, &out);
		for (t = 1; cases[i].before == FAILED && t <= 3; t++)
			l3_tick(l3, t * S, &out);
		clear(&out);
		f.to = cases[i].to;
		f.from = cases[i].from;
		f.vlans = cases[i].vlans;
		expect(l3, arp_frame(&f, cases[i].op, "10.1.0.2", cases[i].target), S, L3_CONSUMED,
				DROP_NONE, &out);
		n = l3_neigh_find(l3, 1, 4, &who);
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

/* A new MAC of a neighbour in use is believed at once, and asked for at the next tick. */
static void
test_news_is_verified(void **state)
{
	struct frame f = { .port = 1 };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, "10.1.0.2");
	size_t len;

	(void)state;
	l3_nexthop_ref(l3, nh);
	assert_int_equal(l3_hold(l3, nh, numbered(1), 0, &out), 0);
	expect(l3, arp_frame(&f, 2, "10.1.0.2", "10.1.0.1"), 0, L3_CONSUMED, DROP_NONE, &out);
	clear(&out);
	f.from = &mac_b;
	f.to = &mac_all;
	expect(l3, arp_frame(&f, 2, "10.1.0.2", "10.1.0.2"), S, L3_CONSUMED, DROP_NONE, &out);
	assert_int_equal(out.n, 0);
	assert_mac(l3_nexthops(l3)[nh].header, &mac_b);
	l3_tick(l3, S, &out);
	assert_int_equal(out.n, 1);
	assert_mac(made(&out, 0, 1, &len), &mac_b);
	l3_nexthop_unref(l3, nh);
	done(l3, &out);
}

/* Strangers' questions use free entries only. */
static void
test_strangers_take_nothing(void **state)
{
	struct l3 *l3 = network((struct limits){ 8, 4, 16, 10 });
	struct frame f = { .port = 1, .to = &mac_all };
	struct l3_out out = { 0 };
	uint16_t idle = hop(l3, "10.1.0.2");
	char who[32];
	unsigned int i;

	(void)state;
	for (i = 10; i < 100; i++) {
		snprintf(who, sizeof(who), "10.1.0.%u", i);
		expect(l3, arp_frame(&f, 1, who, "10.1.0.1"), S, L3_CONSUMED, DROP_NONE, &out);
		assert_int_equal(out.n, 1);
		clear(&out);
	}
	assert_int_equal(look(l3, idle).addr.b[3], 2);
	for (i = 0; i < 3; i++) {
		snprintf(who, sizeof(who), "10.1.2.%u", 1 + i);
		l3_nexthop_ref(l3, hop(l3, who));
	}
	done(l3, &out);
}

static void
test_no_answer_possible(void **state)
{
	static struct rte_mbuf *all[4096];
	struct frame f = { .port = 0, .to = &mac_all };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { .n = L3_OUT_MAX };
	struct rte_mbuf *m = arp_frame(&f, 1, "192.0.2.9", "192.0.2.1");
	unsigned int n = 0;

	(void)state;
	expect(l3, m, S, L3_DROP, DROP_TX_FULL, &out);
	out.n = 0;
	m = arp_frame(&f, 1, "192.0.2.9", "192.0.2.1");
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(pool)) != NULL)
		n++;
	expect(l3, m, S, L3_DROP, DROP_NO_MBUF, &out);
	rte_pktmbuf_free_bulk(all, n);
	done(l3, &out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_news_is_verified),
		cmocka_unit_test(test_strangers_take_nothing),
		cmocka_unit_test(test_no_answer_possible),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
