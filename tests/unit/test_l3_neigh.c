/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours of l3: questions, answers, timers, what waits, and what happens when the table is
 * full.
 */
#include "test_l3.h"

static enum l3_neighbour_state
state_of(const struct l3 *l3, uint16_t nh)
{
	return look(l3, nh).state;
}

static bool
usable(const struct l3 *l3, uint16_t nh)
{
	return l3_nexthops(l3)[nh].usable != 0;
}

/* An answer of 10.1.0.2-like neighbours on port 1, sent to us. */
static void
answered_by(struct l3 *l3, const char *who, const struct rte_ether_addr *mac, uint64_t now,
		struct l3_out *out)
{
	struct frame f = { .port = 1, .from = mac };

	expect(l3, arp_frame(&f, 2, who, "10.1.0.1"), now, L3_CONSUMED, DROP_NONE, out);
}

/* The i-th packet of out is the question for `who` to `to` (ARP or solicitation), out of `port`. */
static void
assert_question(const struct l3_out *out, unsigned int i, uint16_t port, const char *source,
		const char *who, const struct rte_ether_addr *to)
{
	struct flow_addr from = ip(source), target = ip(who);
	size_t len;
	const uint8_t *b = made(out, i, port, &len);

	assert_mac(b, to);
	assert_mac(b + 6, &mac_of_port[port]);
	if (family_of(who) == 4) {
		static const uint8_t head[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };

		assert_int_equal(len, 42);
		assert_memory_equal(b + 12, head, sizeof(head));
		assert_mac(b + 22, &mac_of_port[port]);
		assert_memory_equal(b + 28, from.b, 4);
		assert_memory_equal(b + 32, "\0\0\0\0\0\0", 6);
		assert_memory_equal(b + 38, target.b, 4);
	} else {
		char group[64];
		const uint8_t *icmp;

		snprintf(group, sizeof(group), "ff02::1:ff%02x:%02x%02x", target.b[13],
				target.b[14], target.b[15]);
		assert_int_equal(len, 14 + 40 + 32);
		assert_int_equal(get16(b + 12), 0x86dd);
		icmp = assert_icmp(b + 14, len - 14, source,
				to->addr_bytes[0] == 0x33 ? group : who, 255);
		assert_int_equal(icmp[0], 135);
		assert_int_equal(icmp[1], 0);
		assert_int_equal(get32(icmp + 4), 0);
		assert_memory_equal(icmp + 8, target.b, 16);
		assert_int_equal(icmp[24], 1);
		assert_int_equal(icmp[25], 1);
		assert_mac(icmp + 26, &mac_of_port[port]);
	}
}

static void
test_resolve_and_release(void **state)
{
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, "10.1.0.2");
	uint8_t header[14];
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(l3_hold(l3, nh, numbered(i), S, &out), 0);
	assert_int_equal(out.n, 1);
	assert_question(&out, 0, 1, "10.1.0.1", "10.1.0.2", &mac_all);
	assert_int_equal(
			pkt_meta(out.m[0])->sequence, 0); /* of the packet that made it necessary */
	assert_int_equal(pkt_meta(out.m[0])->worker, 5);
	assert_int_equal(l3_held(l3), 4);
	assert_int_equal(look(l3, nh).held, 4);
	assert_false(usable(l3, nh));
	clear(&out);

	answered_by(l3, "10.1.0.2", &mac_a, S + 1000, &out);
	assert_int_equal(out.n, 4);
	memcpy(header, mac_a.addr_bytes, 6);
	memcpy(header + 6, mac_of_port[1].addr_bytes, 6);
	put16(header + 12, 0x0800);
	for (i = 0; i < 4; i++) {
		const struct pkt_meta *meta = pkt_meta(out.m[i]);

		assert_memory_equal(rte_pktmbuf_mtod(out.m[i], uint8_t *), header, 14);
		assert_int_equal(meta->sequence, i);
		assert_int_equal(meta->verdict, PKT_VERDICT_FORWARD);
		assert_int_equal(meta->port_out, 1);
		assert_int_equal(meta->queue_out, 6); /* what it came with */
		assert_int_equal(meta->gate, 3);
		assert_int_equal(meta->flow, 7);
	}
	assert_memory_equal(l3_nexthops(l3)[nh].header, header, 14);
	assert_true(usable(l3, nh));
	assert_int_equal(state_of(l3, nh), L3_NEIGH_REACHABLE);
	assert_int_equal(l3_held(l3), 0);
	done(l3, &out);
}

static void
test_static(void **state)
{
	static const struct rte_ether_addr fixed = { { 2, 0xcc, 0, 0, 0, 50 } };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, "10.1.0.50");
	uint64_t now;

	(void)state;
	assert_true(usable(l3, nh));
	assert_mac(l3_nexthops(l3)[nh].header, &fixed);
	answered_by(l3, "10.1.0.50", &mac_b, S, &out);
	l3_nexthop_ref(l3, nh);
	for (now = S; now < 200 * S; now += S)
		l3_tick(l3, now, &out);
	assert_int_equal(out.n, 0);
	assert_int_equal(state_of(l3, nh), L3_NEIGH_STATIC);
	assert_mac(l3_nexthops(l3)[nh].header, &fixed);
	l3_nexthop_unref(l3, nh);
	done(l3, &out);
}

/* Three questions a second apart, then the packets are dropped and the neighbour rests. */
static void
no_answer(const char *who, uint16_t port, const char *source, const struct rte_ether_addr *to)
{
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, who);
	struct rte_mbuf *late = numbered(9);
	uint64_t t;

	assert_int_equal(l3_hold(l3, nh, numbered(1), 10 * S, &out), 0);
	assert_int_equal(l3_hold(l3, nh, numbered(2), 10 * S, &out), 0);
	for (t = 10 * S; t < 13 * S; t += S / 4) {
		l3_tick(l3, t, &out);
		assert_int_equal(out.n, (t - 10 * S) / S + 1);
	}
	assert_question(&out, 0, port, source, who, to);
	assert_question(&out, 2, port, source, who, to);
	assert_int_equal(pkt_meta(out.m[2])->sequence, UINT32_MAX);
	assert_int_equal(pkt_meta(out.m[2])->worker, 0);
	clear(&out);

	l3_tick(l3, 13 * S, &out);
	assert_int_equal(out.n, 2);
	assert_int_equal(pkt_meta(out.m[0])->verdict, PKT_VERDICT_DROP);
	assert_int_equal(pkt_meta(out.m[0])->reason, DROP_NEIGH_FAILED);
	assert_int_equal(pkt_meta(out.m[0])->sequence, 1);
	assert_int_equal(pkt_meta(out.m[1])->sequence, 2);
	assert_int_equal(state_of(l3, nh), L3_NEIGH_FAILED);
	assert_int_equal(l3_held(l3), 0);
	clear(&out);

	assert_int_equal(l3_hold(l3, nh, late, 14 * S, &out), -EHOSTUNREACH);
	assert_int_equal(out.n, 0);
	assert_int_equal(l3_hold(l3, nh, late, 16 * S, &out), 0);
	assert_int_equal(out.n, 1);
	assert_question(&out, 0, port, source, who, to);
	done(l3, &out);
}

static void
test_no_answer(void **state)
{
	static const struct rte_ether_addr group = { { 0x33, 0x33, 0xff, 0x34, 0x56, 0x78 } };

	(void)state;
	no_answer("10.1.0.2", 1, "10.1.0.1", &mac_all);
	no_answer("203.0.113.7", 2, "0.0.0.0", &mac_all);
	no_answer("2001:db8:1::1234:5678", 1, "2001:db8:1::1", &group);
	no_answer("2001:db8:2::1234:5678", 2, "fe80::ff:fe00:12", &group);
}

static void
test_gateway6(void **state)
{
	static const struct rte_ether_addr group = { { 0x33, 0x33, 0xff, 0, 0, 0xfe } };
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };

	(void)state;
	assert_int_equal(l3_hold(l3, hop(l3, "2001:db8:99::1"), numbered(1), S, &out), 0);
	assert_question(&out, 0, 0, "fe80::ff:fe00:10", "fe80::fe", &group);
	done(l3, &out);
}

/* Stale after 30 s; asked again only when a flow needs it; stays in use meanwhile. */
static void
test_refresh(void **state)
{
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, "10.1.0.2");
	uint64_t t;

	(void)state;
	assert_int_equal(l3_hold(l3, nh, numbered(1), 0, &out), 0);
	answered_by(l3, "10.1.0.2", &mac_a, 0, &out);
	clear(&out);
	l3_tick(l3, 30 * S - 1, &out);
	assert_int_equal(state_of(l3, nh), L3_NEIGH_REACHABLE);
	l3_tick(l3, 30 * S, &out);
	assert_int_equal(state_of(l3, nh), L3_NEIGH_STALE);
	l3_tick(l3, 100 * S, &out);
	assert_int_equal(out.n, 0);
	assert_true(usable(l3, nh));

	l3_nexthop_ref(l3, nh);
	l3_nexthop_ref(l3, nh);
	l3_tick(l3, 100 * S + 1, &out);
	assert_int_equal(out.n, 1);
	assert_question(&out, 0, 1, "10.1.0.1", "10.1.0.2", &mac_a); /* itself */
	answered_by(l3, "10.1.0.2", &mac_a, 100 * S + 2, &out);
	assert_int_equal(state_of(l3, nh), L3_NEIGH_REACHABLE);
	clear(&out);

	/*
	 * Referenced: asked when its time is over; itself three times, everybody three times, then
	 * failed.
	 */
	for (t = 130 * S + 2; t < 136 * S + 2; t += S) {
		unsigned int i = out.n;

		l3_tick(l3, t, &out);
		assert_int_equal(out.n, i + 1);
		assert_question(&out, i, 1, "10.1.0.1", "10.1.0.2", i < 3 ? &mac_a : &mac_all);
		assert_true(usable(l3, nh));
		assert_int_equal(state_of(l3, nh), L3_NEIGH_STALE);
	}
	l3_tick(l3, t, &out);
	assert_int_equal(out.n, 6);
	assert_false(usable(l3, nh));
	assert_int_equal(state_of(l3, nh), L3_NEIGH_FAILED);
	clear(&out);

	/* Nobody asks for a failed one by himself; a packet does. */
	l3_tick(l3, 300 * S, &out);
	assert_int_equal(out.n, 0);
	assert_int_equal(l3_hold(l3, nh, numbered(2), 300 * S, &out), 0);
	answered_by(l3, "10.1.0.2", &mac_b, 300 * S, &out);
	assert_true(usable(l3, nh));
	assert_mac(l3_nexthops(l3)[nh].header, &mac_b);
	l3_nexthop_unref(l3, nh);
	l3_nexthop_unref(l3, nh);
	done(l3, &out);
}

static void
test_hold_limits(void **state)
{
	struct l3 *l3 = network((struct limits){ 64, 4, 10, 10 });
	struct l3_out out = { 0 };
	uint16_t a = hop(l3, "10.1.0.2"), b = hop(l3, "10.1.0.3"), c = hop(l3, "10.1.0.4");
	struct rte_mbuf *extra = numbered(99);
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(l3_hold(l3, a, numbered(i), S, &out), 0);
	assert_int_equal(l3_hold(l3, a, extra, S, &out), -ENOBUFS); /* a neighbour */
	for (i = 0; i < 4; i++)
		assert_int_equal(l3_hold(l3, b, numbered(i), S, &out), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(l3_hold(l3, c, numbered(i), S, &out), 0);
	assert_int_equal(l3_hold(l3, c, extra, S, &out), -ENOBUFS); /* in all */
	assert_int_equal(l3_held(l3), 10);
	assert_int_equal(out.n, 3);
	clear(&out);
	/* Asked for, though nothing could be held. */
	assert_int_equal(l3_hold(l3, hop(l3, "10.1.0.5"), extra, S, &out), -ENOBUFS);
	assert_question(&out, 0, 1, "10.1.0.1", "10.1.0.5", &mac_all);
	clear(&out);
	/* Room again. */
	answered_by(l3, "10.1.0.2", &mac_a, S, &out);
	assert_int_equal(out.n, 4);
	assert_int_equal(l3_held(l3), 6);
	assert_int_equal(l3_hold(l3, c, extra, S, &out), 0);
	/* No such entry. */
	extra = numbered(1);
	assert_int_equal(l3_hold(l3, 0, extra, S, &out), -EHOSTUNREACH);
	assert_int_equal(l3_hold(l3, 63, extra, S, &out), -EHOSTUNREACH);
	assert_int_equal(l3_hold(l3, 65535, extra, S, &out), -EHOSTUNREACH);
	rte_pktmbuf_free(extra);
	/* What is held when shunt ends is freed: done() counts. */
	done(l3, &out);
}

/* More than one call's worth waits: order is kept, and workers must not overtake meanwhile. */
static void
test_release_in_parts(void **state)
{
	struct l3 *l3 = network((struct limits){ 64, 600, 600, 10 });
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, "10.1.0.2");
	uint32_t sent = 0, i;

	(void)state;
	for (i = 0; i < 500; i++)
		assert_int_equal(l3_hold(l3, nh, numbered(i), S, &out), 0);
	clear(&out);
	answered_by(l3, "10.1.0.2", &mac_a, S, &out);
	assert_int_equal(out.n, L3_OUT_MAX);
	assert_false(usable(l3, nh));
	assert_int_equal(state_of(l3, nh), L3_NEIGH_REACHABLE);
	assert_int_equal(l3_hold(l3, nh, numbered(500), S, &out), 0);
	assert_int_equal(out.n, L3_OUT_MAX);
	while (out.n > 0) {
		for (i = 0; i < out.n; i++)
			assert_int_equal(pkt_meta(out.m[i])->sequence, sent++);
		clear(&out);
		l3_tick(l3, S, &out);
	}
	assert_int_equal(sent, 501);
	assert_true(usable(l3, nh));

	/* The same for packets that are to be dropped. */
	nh = hop(l3, "10.1.0.3");
	for (i = 0; i < 500; i++)
		assert_int_equal(l3_hold(l3, nh, numbered(i), S, &out), 0);
	clear(&out);
	for (i = 1; i <= 3; i++)
		l3_tick(l3, (1 + i) * S, &out);
	sent = 0;
	for (i = 2; out.n > 0; i = 0) {
		for (; i < out.n; i++) {
			assert_int_equal(pkt_meta(out.m[i])->sequence, sent++);
			assert_int_equal(pkt_meta(out.m[i])->verdict, PKT_VERDICT_DROP);
		}
		clear(&out);
		l3_tick(l3, 5 * S, &out);
	}
	assert_int_equal(sent, 500);
	done(l3, &out);
}

/* A question that found no room is asked at the next tick. */
static void
test_no_room_to_ask(void **state)
{
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { .n = L3_OUT_MAX };
	uint16_t nh = hop(l3, "10.1.0.2");

	(void)state;
	assert_int_equal(l3_hold(l3, nh, numbered(1), S, &out), 0);
	out.n = 0;
	l3_tick(l3, S, &out);
	assert_int_equal(out.n, 1);
	assert_question(&out, 0, 1, "10.1.0.1", "10.1.0.2", &mac_all);
	done(l3, &out);
}

/* A tick handles a bounded number of timers, and the rest the next time. */
static void
test_tick_is_bounded(void **state)
{
	struct l3 *l3 = network((struct limits){ 400, 4, 400, 10 });
	struct l3_out out = { 0 };
	unsigned int i;
	char who[32];

	(void)state;
	for (i = 1; i <= 200; i++) {
		snprintf(who, sizeof(who), "10.1.9.%u", i);
		assert_int_equal(l3_hold(l3, hop(l3, who), numbered(i), S, &out), 0);
	}
	clear(&out);
	for (i = 0; i < 200; i += L3_TICK_WORK) {
		l3_tick(l3, 2 * S, &out);
		assert_int_equal(out.n, RTE_MIN(L3_TICK_WORK, 200 - (int)i));
		clear(&out);
	}
	l3_tick(l3, 2 * S, &out);
	assert_int_equal(out.n, 0);
	done(l3, &out);
}

/*
 * A stranger scans the connected /16: what is in use stays, what he asked for is replaced, oldest
 * first.
 */
static void
test_scan(void **state)
{
	struct l3 *l3 = network((struct limits){ 32, 4, 1000, 10 });
	struct l3_out out = { 0 };
	uint16_t used = hop(l3, "10.1.0.2"), wanted;
	struct l3_neighbour_info info;
	unsigned int i, dropped = 0;
	char who[32];

	(void)state;
	assert_int_equal(l3_hold(l3, used, numbered(1), S, &out), 0);
	answered_by(l3, "10.1.0.2", &mac_a, S, &out);
	l3_nexthop_ref(l3, used);
	wanted = hop(l3, "10.1.0.3");
	l3_nexthop_ref(l3, wanted);
	assert_int_equal(l3_hold(l3, wanted, numbered(2), S, &out), 0);
	clear(&out);

	for (i = 0; i < 2000; i++) {
		snprintf(who, sizeof(who), "10.1.%u.%u", 1 + i / 250, 1 + i % 250);
		assert_int_equal(l3_hold(l3, hop(l3, who), numbered(100 + i), S, &out), 0);
		if (i % 100 == 99) {
			unsigned int k;

			l3_tick(l3, S, &out);
			for (k = 0; k < out.n; k++)
				dropped += pkt_meta(out.m[k])->reason == DROP_NEIGH_FULL &&
						pkt_meta(out.m[k])->verdict == PKT_VERDICT_DROP;
			clear(&out);
		}
	}
	/* 32 entries: three gateways, one static, two of ours: 26 of the scan are left. */
	assert_int_equal(dropped, 2000 - 26);
	assert_int_equal(l3_held(l3), 26 + 1);
	info = look(l3, used);
	assert_int_equal(info.state, L3_NEIGH_REACHABLE);
	assert_int_equal(hop(l3, "10.1.0.2"), used);
	assert_int_equal(hop(l3, "10.1.0.3"), wanted);
	assert_int_equal(look(l3, wanted).held, 1);
	answered_by(l3, "10.1.0.3", &mac_b, S, &out);
	assert_int_equal(out.n, 1);
	assert_true(usable(l3, wanted));
	done(l3, &out);
}

/* Everything referenced: no room, until one is given back. */
static void
test_table_full(void **state)
{
	struct l3 *l3 = network((struct limits){ 8, 4, 16, 10 });
	struct flow_addr more = ip("10.1.1.100");
	struct l3_out out = { 0 };
	uint16_t nh[4];
	unsigned int i;
	char who[32];

	(void)state;
	for (i = 0; i < 4; i++) {
		snprintf(who, sizeof(who), "10.1.1.%u", i + 1);
		nh[i] = hop(l3, who);
		l3_nexthop_ref(l3, nh[i]);
	}
	assert_int_equal(l3_route(l3, 4, &more), -ENOSPC);
	assert_int_equal(l3_route_on(l3, 1, 4, &more), -ENOSPC);
	assert_true(hop(l3, "8.8.8.8") > 0); /* gateways have theirs */
	l3_nexthop_unref(l3, nh[2]);
	assert_int_equal(l3_route(l3, 4, &more), nh[2]);
	assert_int_equal(l3_neighbour_info(l3, 0, &(struct l3_neighbour_info){ 0 }), -ENOENT);
	assert_int_equal(l3_neighbour_info(l3, 9, &(struct l3_neighbour_info){ 0 }), -ENOENT);
	done(l3, &out);
}

/* Worthless first: failed, then idle, then stale; never reachable. */
static void
test_taken_back_in_order(void **state)
{
	struct l3 *l3 = network((struct limits){ 8, 4, 16, 10 });
	struct l3_out out = { 0 };
	uint16_t stale = hop(l3, "10.1.1.1"), failed = hop(l3, "10.1.1.2"), fresh, idle;
	struct flow_addr more = ip("10.1.1.9");
	unsigned int i;

	(void)state;
	assert_int_equal(l3_hold(l3, stale, numbered(1), S, &out), 0);
	answered_by(l3, "10.1.1.1", &mac_a, S, &out);
	assert_int_equal(l3_hold(l3, failed, numbered(1), S, &out), 0);
	for (i = 2; i <= 40; i++)
		l3_tick(l3, i * S, &out);
	clear(&out);
	fresh = hop(l3, "10.1.1.3");
	assert_int_equal(l3_hold(l3, fresh, numbered(1), 40 * S, &out), 0);
	answered_by(l3, "10.1.1.3", &mac_b, 40 * S, &out);
	idle = hop(l3, "10.1.1.4");
	assert_int_equal(state_of(l3, stale), L3_NEIGH_STALE);
	assert_int_equal(state_of(l3, failed), L3_NEIGH_FAILED);

	assert_int_equal(hop(l3, "10.1.1.5"), failed);
	l3_nexthop_ref(l3, failed);
	assert_int_equal(hop(l3, "10.1.1.6"), idle);
	l3_nexthop_ref(l3, idle);
	assert_true(usable(l3, stale));
	assert_int_equal(hop(l3, "10.1.1.7"), stale);
	assert_false(usable(l3, stale));
	l3_nexthop_ref(l3, stale);
	assert_int_equal(l3_route(l3, 4, &more), -ENOSPC);
	assert_true(usable(l3, fresh));
	done(l3, &out);
}

/* No mbufs: questions are lost, nothing else is. */
static void
test_no_mbufs(void **state)
{
	static struct rte_mbuf *all[4096];
	struct l3 *l3 = network(LIMITS);
	struct l3_out out = { 0 };
	uint16_t nh = hop(l3, "10.1.0.2");
	struct rte_mbuf *m = numbered(1);
	unsigned int n = 0;

	(void)state;
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(pool)) != NULL)
		n++;
	assert_int_equal(l3_hold(l3, nh, m, S, &out), 0);
	assert_int_equal(out.n, 0);
	rte_pktmbuf_free_bulk(all, n);
	l3_tick(l3, 2 * S, &out);
	assert_int_equal(out.n, 1);
	assert_question(&out, 0, 1, "10.1.0.1", "10.1.0.2", &mac_all);
	done(l3, &out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve_and_release),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_gateway6),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_hold_limits),
		cmocka_unit_test(test_release_in_parts),
		cmocka_unit_test(test_no_room_to_ask),
		cmocka_unit_test(test_tick_is_bounded),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_taken_back_in_order),
		cmocka_unit_test(test_no_mbufs),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
