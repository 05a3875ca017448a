/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Wires that carry what ports send: loop, none and peer. Order, room, whose bytes they are, queues by RSS; and the
 * reading of options that all kinds share.
 */
#include <errno.h>

#include "test_wire.h"

/* A UDP frame over IPv4 whose ports tell its number. */
static struct rte_mbuf *
numbered(uint32_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint16_t sum;
	uint8_t *d;

	assert_non_null(m);
	d = (uint8_t *)rte_pktmbuf_append(m, 60);
	memset(d, 0, 60);
	d[12] = 8;
	d[14] = 0x45;
	d[17] = 46;
	d[22] = 64;
	d[23] = 17;
	memcpy(d + 26, "\xc6\x12\0\1\xc6\x13\0\2", 8);
	sum = (uint16_t)~naive_sum(0, d + 14, 20);
	d[24] = (uint8_t)(sum >> 8);
	d[25] = (uint8_t)sum;
	d[34] = (uint8_t)(n >> 8);
	d[35] = (uint8_t)n;
	d[37] = 53;
	d[39] = 26;
	return m;
}

static uint32_t
number_of(const struct rte_mbuf *m)
{
	return be(rte_pktmbuf_mtod(m, const uint8_t *) + 34, 2);
}

static void
send_numbered(struct wire *w, uint32_t from, uint32_t n, uint64_t now)
{
	while (n > 0) {
		struct rte_mbuf *m[100];
		const uint16_t k = (uint16_t)RTE_MIN(n, RTE_DIM(m));

		for (uint16_t i = 0; i < k; i++)
			m[i] = numbered(from + i);
		assert_int_equal(w->ops->tx(w, 0, m, k, now), k);
		from += k;
		n -= k;
	}
}

/* As dpdk-test's pmd_perf_autotest does: 2048 and more are sent before the first is asked for. */
static void
loop_keeps_order(void **state)
{
	struct wire *w = open_wire("loop", true);
	struct rte_mbuf *m[33];
	uint64_t when[33];
	uint32_t next = 0;

	(void)state;
	assert_true(w->ops->next(w) == UINT64_MAX && w->ops->link(w) && w->ops->fd(w) == -1);
	send_numbered(w, 0, 4000, 123);
	assert_int_equal(w->ops->next(w), 0);
	while (next < 4000) {
		const uint16_t k = w->ops->rx(w, 0, pool, m, when, 33, 1000);

		assert_true(k > 0);
		for (uint16_t i = 0; i < k; i++, next++) {
			struct seen_frame f;

			read_frame(m[i], &f);
			assert_int_equal(number_of(m[i]), next);
			assert_int_equal(when[i], 123);
			assert_int_equal(m[i]->tx_offload, 0);
		}
		rte_pktmbuf_free_bulk(m, k);
	}
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 33, 1000), 0);
	assert_int_equal(w->ops->rx(w, 1, pool, m, when, 33, 1000), 0);
	assert_int_equal(w->ops->rx(w, 60000, pool, m, when, 33, 1000), 0);
	assert_int_equal(w->stats.rx_frames, 4000);
	assert_int_equal(w->stats.tx_bytes, 240000);
	assert_int_equal(w->stats.tx_lost, 0);
	w->ops->close(w);
}

/* What has no room is lost, freed and counted; what is in it when it is closed is freed. */
static void
loop_is_bounded(void **state)
{
	struct wire *w = open_wire("loop:frames=64", true);

	(void)state;
	send_numbered(w, 0, 200, 0);
	assert_int_equal(w->stats.tx_frames, 200);
	assert_int_equal(w->stats.tx_lost, 200 - 63);
	assert_int_equal(rte_mempool_in_use_count(pool), 63);
	w->ops->close(w);
}

/* A frame that somebody else holds is copied; a chain too; flags of sending are gone. */
static void
loop_gives_own_bytes(void **state)
{
	struct wire *w = open_wire("loop", true);
	struct rte_mbuf *held = numbered(1), *cloned = numbered(2), *m[4], *tail = numbered(3);

	(void)state;
	m[0] = held;
	m[1] = rte_pktmbuf_clone(cloned, pool);
	m[2] = numbered(3);
	rte_mbuf_refcnt_update(held, 1);
	rte_pktmbuf_chain(m[2], tail);
	m[2]->ol_flags = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m[2]->packet_type = 5;
	assert_int_equal(w->ops->tx(w, 0, m, 3, 5), 3);
	assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 4, 5), 3);
	assert_ptr_not_equal(m[0], held);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(number_of(m[i]), i + 1);
		assert_true(rte_mbuf_refcnt_read(m[i]) == 1 && RTE_MBUF_DIRECT(m[i]));
		assert_true(m[i]->ol_flags == 0 && m[i]->packet_type == 0 && m[i]->port == 7);
	}
	assert_int_equal(m[2]->nb_segs, 2);
	assert_int_equal(m[2]->pkt_len, 120);
	rte_pktmbuf_free_bulk(m, 3);
	/* Without a pool there is nothing to copy into. */
	rte_mbuf_refcnt_set(held, 2);
	m[0] = held;
	assert_int_equal(w->ops->tx(w, 0, m, 1, 5), 1);
	assert_int_equal(w->ops->rx(w, 0, NULL, m, NULL, 4, 5), 0);
	assert_int_equal(w->stats.errors, 1);
	rte_pktmbuf_free(held);
	rte_pktmbuf_free(cloned);
	w->ops->close(w);
}

static struct sim_rss
rss_of(uint16_t queues)
{
	struct sim_rss rss = { .fields = SIM_RSS_IPV4 | SIM_RSS_UDP, .n = 128 };

	for (uint32_t i = 0; i < SIM_RSS_KEY; i++)
		rss.key[i] = (uint8_t)(0x6d + i * 37);
	for (uint32_t i = 0; i < rss.n; i++)
		rss.queue[i] = (uint16_t)(i * 7 % queues);
	return rss;
}

static uint16_t
queue_of(const struct sim_rss *rss, const struct rte_mbuf *m)
{
	struct sim_phv phv;
	struct sim_offsets off;
	bool hashed;
	uint32_t hash;

	memset(&phv, 0, sizeof(phv));
	sim_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, 0, &phv, &off);
	hash = sim_rss_hash(rss, &phv, &hashed);
	assert_true(hashed);
	return rss->queue[hash % rss->n];
}

/* Each frame in its queue, a queue's frames in order, none lost; also when RSS changes on the way. */
static void
loop_spreads(void **state)
{
	struct wire *w = open_wire("loop", true);
	uint32_t got = 0, busy = 0;

	(void)state;
	for (uint16_t queues = 1; queues <= 5; queues += 2) {
		const struct sim_rss rss = rss_of(queues);

		w->ops->spread(w, &rss);
		send_numbered(w, 0, 1000, 0);
		for (uint16_t q = 0; q < queues; q++) {
			struct rte_mbuf *m[64];
			int64_t last = -1;
			uint16_t k;

			while ((k = w->ops->rx(w, q, pool, m, NULL, 64, 0)) != 0) {
				for (uint16_t i = 0; i < k; i++) {
					assert_int_equal(queue_of(&rss, m[i]), q);
					assert_true((int64_t)number_of(m[i]) > last);
					last = number_of(m[i]);
				}
				rte_pktmbuf_free_bulk(m, k);
				got += k;
			}
			busy += last >= 0;
		}
	}
	assert_int_equal(got, 3000);
	assert_int_equal(busy, 1 + 3 + 5);
	w->ops->close(w);
}

static void
none_counts(void **state)
{
	struct wire *w = open_wire("none", true);
	struct rte_mbuf *m[4];

	(void)state;
	send_numbered(w, 0, 30, 0);
	assert_int_equal(w->stats.tx_frames, 30);
	assert_int_equal(w->stats.tx_lost, 30);
	assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 4, 0), 0);
	w->ops->close(w);
}

static struct wire *
open_peer(uint16_t port, uint16_t other, struct wire *with, struct sim_error *e)
{
	char text[16];
	struct wire_params p = {
		.text = text, .port = port, .ethdev = 7, .peer = with, .socket = -1
	};
	struct wire *w = NULL;

	snprintf(text, sizeof(text), "peer:%u", other);
	return wire_open(&p, &w, e) == 0 ? w : NULL;
}

static void
peers_talk(void **state)
{
	struct sim_error e;
	struct wire *a = open_peer(0, 1, NULL, &e), *b, *loop = open_wire("loop", true);
	struct rte_mbuf *m[64];
	uint16_t n = 0;

	(void)state;
	assert_int_equal(wire_peer_port("peer:63", &n), 0);
	assert_int_equal(n, 63);
	assert_int_equal(wire_peer_port("peer:64", &n), -EINVAL);
	assert_int_equal(wire_peer_port("peer:", &n), -EINVAL);
	assert_int_equal(wire_peer_port("loop", &n), -ENOENT);
	refuse("peer:0", "peer");
	refuse("peer:x", "peer");
	assert_null(open_peer(2, 1, a, &e));
	assert_null(open_peer(1, 2, a, &e));
	assert_null(open_peer(1, 0, loop, &e));

	assert_false(a->ops->link(a));
	send_numbered(a, 0, 10, 0);
	assert_int_equal(a->stats.tx_lost, 10);
	b = open_peer(1, 0, a, &e);
	assert_non_null(b);
	assert_null(open_peer(1, 0, a, &e));
	assert_true(a->ops->link(a) && b->ops->link(b));
	send_numbered(a, 0, 40, 0);
	send_numbered(b, 100, 5, 0);
	assert_int_equal(b->ops->rx(b, 0, pool, m, NULL, 64, 0), 40);
	assert_int_equal(number_of(m[39]), 39);
	rte_pktmbuf_free_bulk(m, 40);
	assert_int_equal(a->ops->rx(a, 0, pool, m, NULL, 64, 0), 5);
	assert_int_equal(number_of(m[0]), 100);
	rte_pktmbuf_free_bulk(m, 5);
	/* One end goes and comes again. */
	send_numbered(b, 0, 3, 0);
	a->ops->close(a);
	assert_false(b->ops->link(b));
	send_numbered(b, 0, 3, 0);
	assert_int_equal(b->stats.tx_lost, 3);
	a = open_peer(0, 1, b, &e);
	assert_non_null(a);
	assert_true(b->ops->link(b));
	send_numbered(b, 7, 1, 0);
	send_numbered(a, 8, 2, 0);
	assert_int_equal(a->ops->rx(a, 0, pool, m, NULL, 64, 0), 1);
	assert_int_equal(number_of(m[0]), 7);
	rte_pktmbuf_free(m[0]);
	a->ops->close(a);
	b->ops->close(b);
	loop->ops->close(loop);
}

static void
options_are_read(void **state)
{
	static const char *const known[] = { "a", "bc", NULL };
	struct sim_error e;
	struct wire_rate r;
	uint64_t v = 5;
	char text[8];

	(void)state;
	assert_int_equal(wire_option("a=1;bc=xyz", "bc", text, sizeof(text)), 0);
	assert_string_equal(text, "xyz");
	assert_int_equal(wire_option("a=1;bc=xyz", "b", text, sizeof(text)), -ENOENT);
	assert_int_equal(wire_option("a=12345678", "a", text, sizeof(text)), -E2BIG);
	assert_int_equal(wire_option("", "a", text, sizeof(text)), -ENOENT);
	assert_int_equal(wire_option_check(";;a=1;", known, &e), 0);
	assert_int_equal(wire_option_check("a=1;abc=2", known, &e), -EINVAL);
	assert_non_null(strstr(e.text, "abc"));
	assert_int_equal(wire_option_check("=1", known, &e), -EINVAL);
	assert_int_equal(wire_option_u64("a=3k", "a", 3000, &v, &e), 0);
	assert_int_equal(v, 3000);
	assert_int_equal(wire_option_u64("a=3k", "bc", 3000, &v, &e), 0);
	assert_int_equal(v, 3000);
	assert_int_equal(wire_option_u64("a=3k", "a", 2999, &v, &e), -ERANGE);
	assert_int_equal(wire_option_u64("a=20000000000G", "a", UINT64_MAX, &v, &e), -ERANGE);
	assert_int_equal(wire_option_u64("a=3kk", "a", 9999, &v, &e), -EINVAL);
	assert_int_equal(wire_option_rate("rate=2.5Gbps", &r, &e), 0);
	assert_true(r.bps == 2500000000 && r.pps == 0);
	assert_int_equal(wire_option_rate("rate=14.88Mpps", &r, &e), 0);
	assert_true(r.pps == 14880000 && r.bps == 0);
	assert_int_equal(wire_option_rate("rate=max", &r, &e), 0);
	assert_true(r.pps == 0 && r.bps == 0);
	refuse("loop:frames=100", "frames");
	refuse("loop:frames=0", "frames");
	refuse("loop:frames=2M", "frames");
	refuse("loop:speed=1", "speed");
	refuse("none:x=1", "x");
	refuse("Loop", "Loop");
	refuse(":", "loop");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(loop_keeps_order, wire_test_end),
		cmocka_unit_test_teardown(loop_is_bounded, wire_test_end),
		cmocka_unit_test_teardown(loop_gives_own_bytes, wire_test_end),
		cmocka_unit_test_teardown(loop_spreads, wire_test_end),
		cmocka_unit_test_teardown(none_counts, wire_test_end),
		cmocka_unit_test_teardown(peers_talk, wire_test_end),
		cmocka_unit_test(options_are_read),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
