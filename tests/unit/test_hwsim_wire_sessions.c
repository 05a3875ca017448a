/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator's sessions, watched by a naive tracker of TCP: seq and ack of both sides, handshakes, replacement; what a NAT
 * makes of replies; and what a generator says about frames that come back to it.
 */
#include <stdlib.h>

#include "gen.h"
#include "test_wire.h"

/* --- a naive tracker --- */

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

struct conn {
	uint64_t key;
	bool opened, established, ended;
	uint8_t src[16]; /* of the side that began */
	uint16_t sport;
	uint32_t next[2];
	bool known[2];
	bool fin[2];
	uint8_t first_fin;
	uint32_t frames[2];
};

struct tracker {
	struct conn *conn;
	uint32_t mask, n, opened, established, ended, data;
};

static void
tracker_init(struct tracker *t)
{
	*t = (struct tracker){ .conn = calloc(1 << 16, sizeof(struct conn)),
		.mask = (1 << 16) - 1 };
}

/* The same for both directions. */
static struct conn *
find(struct tracker *t, const struct seen_frame *f)
{
	struct seen_frame r = *f;
	uint64_t key;
	uint32_t i;

	memcpy(r.src, f->dst, 16);
	memcpy(r.dst, f->src, 16);
	r.sport = f->dport;
	r.dport = f->sport;
	key = (tuple_hash(f) + tuple_hash(&r)) | 1;
	for (i = (uint32_t)(key >> 8) & t->mask; t->conn[i].key != 0 && t->conn[i].key != key;)
		i = (i + 1) & t->mask;
	if (t->conn[i].key == 0) {
		t->conn[i].key = key;
		t->n++;
		assert_true(t->n < t->mask);
		memcpy(t->conn[i].src, f->src, 16);
		t->conn[i].sport = f->sport;
	}
	return &t->conn[i];
}

static void
track(struct tracker *t, const struct rte_mbuf *m)
{
	struct seen_frame f;
	struct conn *c;
	unsigned int d;

	read_frame(m, &f);
	assert_int_equal(f.proto, 6);
	c = find(t, &f);
	d = memcmp(c->src, f.src, 16) != 0 || c->sport != f.sport;
	c->frames[d]++;
	if (f.flags == SYN) {
		/* A new one: this tuple is not in use. */
		assert_true(!c->established || c->ended);
		*c = (struct conn){ .key = c->key, .opened = true, .known = { true, false } };
		memcpy(c->src, f.src, 16);
		c->sport = f.sport;
		c->next[0] = f.seq + 1;
		assert_int_equal(f.ack, 0);
		t->opened++;
		return;
	}
	assert_false(c->ended);
	if (!c->known[d])
		c->next[d] = f.seq;
	c->known[d] = true;
	assert_int_equal(f.seq, c->next[d]);
	if (c->known[!d])
		assert_int_equal(f.ack, c->next[!d]);
	c->next[d] += f.payload + ((f.flags & (SYN | FIN)) != 0);
	assert_true((f.flags & ACK) != 0);
	if ((f.flags & SYN) != 0) {
		assert_true(c->opened && !c->established && d == 1);
	} else if (c->opened && !c->established) {
		assert_true(d == 0 && c->known[1] && f.payload == 0 && f.flags == ACK);
		c->established = true;
		t->established++;
	} else if ((f.flags & FIN) != 0) {
		assert_false(c->fin[d]);
		assert_int_equal(f.payload, 0);
		c->fin[d] = true;
		c->first_fin = c->fin[!d] ? !d : d;
		/* Who began ends it, where that was seen. */
		assert_true(!c->opened || c->first_fin == 0);
	} else if (c->fin[0] || c->fin[1]) {
		assert_true(c->fin[0] && c->fin[1] && d == c->first_fin && f.payload == 0);
		c->ended = true;
		t->ended++;
	} else {
		assert_int_equal(f.flags, PSH | ACK);
		assert_true(f.payload > 0);
		t->data++;
	}
}

static void
run(struct tracker *t, struct wire *w, uint64_t from, uint64_t to, uint64_t step)
{
	for (uint64_t now = from; now < to; now += step) {
		struct rte_mbuf *m[32];
		const uint16_t k = w->ops->rx(w, 0, pool, m, NULL, 32, now);

		for (uint16_t i = 0; i < k; i++)
			track(t, m[i]);
		rte_pktmbuf_free_bulk(m, k);
	}
}

/* --- sessions --- */

static void
both_sides_advance(void **state)
{
	static const char *const texts[] = {
		"gen:sessions=100;proto=tcp;size=80-600",
		"gen:sessions=100;proto=tcp;order=round",
		"gen:sessions=100;proto=tcp;order=zipf:0.5;ipv6=50%;size=90",
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(texts); i++) {
		struct wire *w = open_wire(texts[i], true);
		struct tracker t;

		tracker_init(&t);
		run(&t, w, 0, 1000, 1);
		assert_int_equal(t.n, 100);
		assert_int_equal(t.data, 32000);
		for (uint32_t k = 0; k <= t.mask; k++)
			assert_true(t.conn[k].key == 0 ||
					(t.conn[k].frames[0] > 10 && t.conn[k].frames[1] > 10));
		w->ops->close(w);
		free(t.conn);
	}
}

static void
handshakes_first(void **state)
{
	struct wire *w = open_wire("gen:sessions=500;proto=tcp;handshake=1", true);
	struct tracker t;

	(void)state;
	tracker_init(&t);
	run(&t, w, 0, 1000, 1);
	assert_int_equal(t.opened, 500);
	assert_int_equal(t.established, 500);
	assert_int_equal(t.data, 32000 - 1500);
	w->ops->close(w);
	free(t.conn);
}

/* 10,000 a second for 200 ms: 2,000 end and begin, each completely. */
static void
churn_replaces(void **state)
{
	static const char *const texts[] = {
		"gen:sessions=5000;proto=tcp;churn=10000",
		"gen:sessions=5000;proto=tcp;churn=10000;order=zipf:1.2",
		"gen:sessions=5000;proto=tcp;churn=10000;rate=2Mpps",
		"gen:sessions=1;proto=tcp;churn=10000",
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(texts); i++) {
		struct wire *w = open_wire(texts[i], true);
		struct tracker t;

		tracker_init(&t);
		run(&t, w, 0, 200000000, 10000);
		assert_in_range(t.opened, 1980, 2000);
		assert_in_range(t.established, t.opened - 20, t.opened);
		assert_in_range(t.ended, t.opened, t.opened + 20);
		assert_true(t.data > 100000);
		w->ops->close(w);
		free(t.conn);
	}
}

/* UDP: another tuple in the place of each. */
static void
churn_of_udp(void **state)
{
	struct wire *w = open_wire("gen:sessions=10;churn=1000;dir=both;rate=1Mpps", false);
	struct set set = { calloc(1 << 14, 8), (1 << 14) - 1, 0 };

	(void)state;
	for (uint64_t now = 0; now < 100000000; now += 20000) {
		struct rte_mbuf *m[32];
		const uint16_t k = w->ops->rx(w, 0, pool, m, NULL, 32, now);

		for (uint16_t i = 0; i < k; i++) {
			struct seen_frame f;

			read_frame(m[i], &f);
			(void)set_add(&set, tuple_hash(&f));
		}
		rte_pktmbuf_free_bulk(m, k);
	}
	/* 10 at first, 100 new ones, two directions; one may not have been chosen before it went. */
	assert_in_range(set.n, 210, 220);
	w->ops->close(w);
	free(set.slot);
}

/* Every row leads on, through all, back to data; each opening and closing flag has its place. */
static void
steps_are_a_circle(void **state)
{
	uint8_t phase = GEN_FIN, renewed = 0, flags[GEN_PHASES] = { 0 };
	uint32_t n = 0;

	(void)state;
	assert_int_equal(gen_steps[GEN_EST].next, GEN_EST);
	assert_int_equal(gen_steps[GEN_EST].flags, PSH | ACK);
	while (phase != GEN_EST) {
		assert_int_equal(flags[phase], 0);
		flags[phase] = gen_steps[phase].flags;
		renewed += gen_steps[phase].renew;
		/* Whoever answers is not who has asked. */
		if (gen_steps[phase].next != GEN_EST && !gen_steps[phase].renew)
			assert_int_equal(gen_steps[gen_steps[phase].next].reply,
					!gen_steps[phase].reply);
		phase = gen_steps[phase].next;
		n++;
	}
	assert_int_equal(n, GEN_PHASES - 1);
	assert_int_equal(renewed, 1);
	assert_int_equal(flags[GEN_SYN], SYN);
	assert_int_equal(flags[GEN_SYN_REPLY], SYN | ACK);
	assert_int_equal(flags[GEN_ACK], ACK);
	assert_int_equal(flags[GEN_FIN], FIN | ACK);
	assert_int_equal(flags[GEN_FIN_REPLY], FIN | ACK);
	assert_int_equal(flags[GEN_LAST_ACK], ACK);
	assert_true(gen_steps[GEN_LAST_ACK].renew && !gen_steps[GEN_LAST_ACK].reply);
}

static void
replies_behind_nat(void **state)
{
	struct wire *w = open_wire("gen:sessions=200;order=round;src=10.0.0.0/24;dst=10.9.0.1;"
				   "dport=80;reply-src=192.0.2.7;reply-sport=8080;"
				   "reply-dst=203.0.113.0/24",
			true);
	struct seen_frame f[2];

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct rte_mbuf *m[2];

		assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 2, 0), 2);
		for (uint32_t k = 0; k < 2; k++)
			read_frame(m[k], &f[k]);
		assert_int_equal(be(f[0].src, 3), 0x0a0000);
		assert_int_equal(be(f[0].dst, 4), 0x0a090001);
		assert_int_equal(f[0].dport, 80);
		assert_int_equal(be(f[1].src, 4), 0xc0000207);
		assert_int_equal(f[1].sport, 8080);
		assert_int_equal(be(f[1].dst, 4), 0xcb007100 + f[0].src[3]);
		assert_int_equal(f[1].dport, f[0].sport);
		rte_pktmbuf_free_bulk(m, 2);
	}
	w->ops->close(w);
}

/* One side each of two wires: together the same sessions, in the same tunnel's path. */
static void
sides_apart(void **state)
{
	struct wire *a = open_wire("gen:sessions=100;dir=orig;vxlan=9;size=200;order=round", true);
	struct wire *b = open_wire("gen:sessions=100;dir=reply;vxlan=9;size=200;order=round", true);
	struct rte_mbuf *m[2];

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct seen_frame f, g;

		assert_int_equal(a->ops->rx(a, 0, pool, m, NULL, 1, 0), 1);
		assert_int_equal(b->ops->rx(b, 0, pool, m + 1, NULL, 1, 0), 1);
		read_frame(m[0], &f);
		read_frame(m[1], &g);
		assert_int_equal(f.len, 196);
		assert_int_equal(f.vni, 9);
		assert_memory_equal(f.src, g.dst, 16);
		assert_memory_equal(f.dst, g.src, 16);
		assert_true(f.sport == g.dport && f.dport == g.sport);
		assert_true(f.outer_sport == g.outer_sport && f.outer_sport >= 0xc000);
		rte_pktmbuf_free_bulk(m, 2);
	}
	a->ops->close(a);
	b->ops->close(b);
}

/* --- what comes back --- */

static uint64_t
number(struct wire *w, const char *name)
{
	struct wire_xstat x[32];
	const uint32_t n = w->ops->xstats(w, x, RTE_DIM(x));

	assert_true(n <= RTE_DIM(x) && w->ops->xstats(w, NULL, 0) == n);
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(x[i].name, name) == 0)
			return x[i].value;
	}
	fail_msg("no xstat %s", name);
	return 0;
}

/* One flow; frames are lost, exchanged, doubled and damaged on the way. */
static void
checks_what_comes_back(void **state)
{
	struct wire *w = open_wire("gen:check=1;rate=1Mpps;size=100", false);
	struct rte_mbuf *m[102], *foreign = rte_pktmbuf_alloc(pool);

	(void)state;
	assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 100, 0), 1);
	assert_int_equal(w->ops->rx(w, 0, pool, m + 1, NULL, 100, 99 * 1000 + 5), 99);
	/* Lost: 10, 11. Exchanged: 20 and 21. Doubled: 90, and much later 5. */
	rte_pktmbuf_free_bulk(m + 10, 2);
	m[101] = rte_pktmbuf_copy(m[5], pool, 0, UINT32_MAX);
	assert_int_equal(w->ops->tx(w, 0, m, 10, 200000), 10);
	assert_int_equal(w->ops->tx(w, 0, m + 12, 8, 200000), 8);
	m[100] = rte_pktmbuf_copy(m[90], pool, 0, UINT32_MAX);
	assert_int_equal(w->ops->tx(w, 0, m + 21, 1, 200000), 1);
	assert_int_equal(w->ops->tx(w, 0, m + 20, 1, 200000), 1);
	rte_pktmbuf_mtod(m[40], uint8_t *)[70] ^= 1;
	assert_int_equal(w->ops->tx(w, 0, m + 22, 78, 200000), 78);
	assert_int_equal(w->ops->tx(w, 0, m + 100, 2, 200000), 2);
	memset(rte_pktmbuf_append(foreign, 60), 0, 60);
	assert_int_equal(w->ops->tx(w, 0, &foreign, 1, 200000), 1);
	assert_int_equal(number(w, "check_received"), 101);
	assert_int_equal(number(w, "check_lost"), 2);
	assert_int_equal(number(w, "check_reordered"), 1);
	assert_int_equal(number(w, "check_duplicate"), 1);
	assert_int_equal(number(w, "check_old"), 1);
	assert_int_equal(number(w, "check_foreign"), 1);
	assert_int_equal(number(w, "check_bad_checksum"), 1);
	/* A frame a us, from 0 on; all were back at 200 us. */
	assert_int_equal(number(w, "latency_min_ns"), 200000 - 99000);
	assert_int_equal(number(w, "latency_max_ns"), 200000);
	w->ops->close(w);
}

static void
latency_is_measured(void **state)
{
	struct wire *w = open_wire("gen:check=1;rate=1Mpps;flows=10;size=imix", false);
	struct rte_mbuf *m[32];

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		const uint64_t now = 1000 * i;

		assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 32, now), 1);
		/* 1,000 to 1,999 ns, each as often. */
		assert_int_equal(w->ops->tx(w, 0, m, 1, now + 1000 + i % 1000), 1);
	}
	assert_int_equal(number(w, "check_lost"), 0);
	assert_int_equal(number(w, "check_bad_checksum"), 0);
	assert_int_equal(number(w, "latency_min_ns"), 1000);
	assert_int_equal(number(w, "latency_max_ns"), 1999);
	/* To 1 in 32, rounded down. */
	assert_in_range(number(w, "latency_p50_ns"), 1440, 1500);
	assert_in_range(number(w, "latency_p90_ns"), 1830, 1900);
	assert_in_range(number(w, "latency_p99_ns"), 1920, 1990);
	w->ops->close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(both_sides_advance, wire_test_end),
		cmocka_unit_test_teardown(handshakes_first, wire_test_end),
		cmocka_unit_test_teardown(churn_replaces, wire_test_end),
		cmocka_unit_test_teardown(churn_of_udp, wire_test_end),
		cmocka_unit_test(steps_are_a_circle),
		cmocka_unit_test_teardown(replies_behind_nat, wire_test_end),
		cmocka_unit_test_teardown(sides_apart, wire_test_end),
		cmocka_unit_test_teardown(checks_what_comes_back, wire_test_end),
		cmocka_unit_test_teardown(latency_is_measured, wire_test_end),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
