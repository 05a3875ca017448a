/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator under RSS: every frame in the queue that the hash and the table of indirection say, whatever the key, the
 * fields and the table; all flows there, at their share of the rate; and all of that while RSS changes under running lcores.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "test_wire.h"

static struct sim_rss
rss_of(uint16_t queues, uint32_t fields, uint16_t n, uint32_t key)
{
	struct sim_rss rss = { .fields = fields, .n = n };

	for (uint32_t i = 0; i < SIM_RSS_KEY; i++)
		rss.key[i] = (uint8_t)((i + 1) * 2654435761u * (key | 1) >> 16);
	for (uint32_t i = 0; i < n; i++)
		rss.queue[i] = (uint16_t)((i * 5 + key) % queues);
	return rss;
}

static uint16_t
queue_of(const struct sim_rss *rss, const struct rte_mbuf *m)
{
	struct sim_phv phv;
	struct sim_offsets off;
	bool hashed;

	memset(&phv, 0, sizeof(phv));
	sim_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, 0, &phv, &off);
	return rss->queue[sim_rss_hash(rss, &phv, &hashed) % rss->n];
}

#define ALL (SIM_RSS_IPV4 | SIM_RSS_IPV6 | SIM_RSS_TCP | SIM_RSS_UDP)

struct spread_case {
	const char *text;
	uint16_t queues, n;
	uint32_t fields;
	uint8_t level;
	bool symmetric;
	uint32_t tuples; /* that are to be seen; 0: they change */
	uint32_t polls; /* of each queue; 0: 250. Flows that are drawn take longer until all were there */
};

static const struct spread_case cases[] = {
	{ "gen:flows=1000;order=round", 4, 128, ALL, 0, false, 1000 },
	{ "gen:flows=1000;order=round", 7, 7, SIM_RSS_IPV4, 0, false, 1000 },
	{ "gen:flows=1000;order=round", 3, 512, SIM_RSS_IPV4 | SIM_RSS_L3_SRC_ONLY, 0, false,
			1000 },
	{ "gen:flows=1000;order=round;dport=1-128", 3, 64, ALL | SIM_RSS_L4_DST_ONLY, 0, false,
			1000 },
	{ "gen:flows=1000;order=random", 1, 128, ALL, 0, false, 1000, 1000 },
	{ "gen:flows=1000;order=zipf:0.3", 5, 128, ALL, 0, false, 1000, 1000 },
	{ "gen:flows=1000;order=round", 4, 128, SIM_RSS_IPV6, 0, false, 1000 },
	{ "gen:flows=1000;order=round;ipv6=50%;proto=mix;size=imix", 4, 128, ALL, 0, false, 1000 },
	{ "gen:flows=1000;order=round;vxlan=5;size=200", 4, 128, ALL, 0, false, 1000 },
	{ "gen:flows=1000;order=round;vxlan=5;size=200", 4, 128, ALL, 1, false, 1000 },
	{ "gen:sessions=500;order=round", 4, 128, ALL, 0, false, 1000 },
	{ "gen:sessions=500;order=round", 4, 128, ALL, 0, true, 1000 },
	{ "gen:sessions=500;proto=tcp;ipv6=20%;size=90", 4, 128, ALL, 0, false, 1000 },
	{ "gen:sessions=500;proto=tcp;dir=reply", 4, 128, ALL, 0, false, 500 },
	{ "gen:sessions=500;proto=tcp;churn=100000", 4, 128, ALL, 0, false, 0 },
	{ "gen:sessions=500;proto=mix;churn=100000;handshake=1", 4, 128, ALL, 0, true, 0 },
};

static void
spread_one(const struct spread_case *c, uint32_t key)
{
	const uint32_t polls = c->polls != 0 ? c->polls : 250;
	struct sim_rss rss = rss_of(c->queues, c->fields, c->n, key);
	struct set set = { calloc(1 << 18, 8), (1 << 18) - 1, 0 };
	struct wire *w = open_wire(c->text, true);

	rss.level = c->level;
	rss.symmetric = c->symmetric;
	w->ops->spread(w, &rss);
	for (uint32_t i = 0; i < polls; i++) {
		for (uint16_t q = 0; q < c->queues + 1; q++) {
			struct rte_mbuf *m[16];
			const uint16_t k = w->ops->rx(w, q, pool, m, NULL, 16, i * 1000);

			for (uint16_t j = 0; j < k; j++) {
				struct seen_frame f;

				read_frame(m[j], &f);
				if (queue_of(&rss, m[j]) != q)
					fail_msg("%s: in queue %u, not %u", c->text, q,
							queue_of(&rss, m[j]));
				(void)set_add(&set, tuple_hash(&f));
			}
			rte_pktmbuf_free_bulk(m, k);
		}
	}
	if (c->tuples != 0 && set.n != c->tuples)
		fail_msg("%s: %u tuples", c->text, set.n);
	assert_int_equal(w->stats.errors, 0);
	/* Replies whose queue is asked less often than they come are lost, as in any card. */
	assert_true(w->stats.rx_missed == 0 || strstr(c->text, "sessions") != NULL);
	w->ops->close(w);
	free(set.slot);
}

static void
each_in_its_queue(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		spread_one(&cases[i], 1);
		spread_one(&cases[i], 77);
	}
}

/* At 1 Mpps, whichever queues there are: a queue has the share of its flows. */
static void
shares_of_the_rate(void **state)
{
	struct wire *w = open_wire("gen:flows=997;rate=1Mpps", false);
	struct sim_rss rss = rss_of(3, ALL, 128, 5);
	uint64_t sum = 0;

	(void)state;
	w->ops->spread(w, &rss);
	for (uint64_t now = 0; now <= 1000000000; now += 10000) {
		for (uint16_t q = 0; q < 3; q++) {
			struct rte_mbuf *m[64];
			const uint16_t k = w->ops->rx(w, q, pool, m, NULL, 64, now);

			rte_pktmbuf_free_bulk(m, k);
			sum += k;
		}
	}
	/* Three that begin with a frame each. */
	assert_in_range(sum, 1000000, 1000003);
	w->ops->close(w);
}

/* New tables come into force at once, and go back to one queue. */
static void
changes(void **state)
{
	struct wire *w = open_wire("gen:sessions=200;proto=tcp;churn=1000", true);

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		const struct sim_rss rss = rss_of((uint16_t)(1 + i % 4), ALL, 64, i);

		w->ops->spread(w, &rss);
		for (uint16_t n = 0; n < 40; n++) {
			const uint16_t q = n % 5;
			struct rte_mbuf *m[32];
			const uint16_t k = w->ops->rx(w, q, pool, m, NULL, 32, i * 100000 + n);

			for (uint16_t j = 0; j < k; j++)
				assert_int_equal(queue_of(&rss, m[j]), q);
			rte_pktmbuf_free_bulk(m, k);
		}
	}
	w->ops->close(w);
}

struct reader {
	struct wire *w;
	uint16_t q;
	uint32_t *stop; /* [A] */
	uint64_t frames;
};

static void *
read_queue(void *arg)
{
	struct reader *r = arg;
	struct rte_mbuf *m[32];
	uint64_t now = 0;

	while (__atomic_load_n(r->stop, __ATOMIC_RELAXED) == 0) {
		const uint16_t k = r->w->ops->rx(r->w, r->q, pool, m, NULL, 32, now += 1000);

		/* What comes back goes out again: both directions of a loop at once. */
		if (k != 0 && r->w->ops->tx(r->w, r->q, m, k, now) != k)
			break;
		r->frames += k;
		/* While the table changes nothing comes: who changes it needs the core more. */
		if (k == 0)
			sched_yield();
	}
	return NULL;
}

/* Three threads take frames while the table changes; nothing is lost from the pool, and all go on. */
static void
changes_under_load(void **state)
{
	static const char *const texts[] = { "gen:flows=500;check=1;size=100",
		"gen:sessions=500;proto=tcp;churn=100000", "loop" };

	(void)state;
	for (size_t t = 0; t < RTE_DIM(texts); t++) {
		struct wire *w = open_wire(texts[t], true);
		struct reader r[3];
		pthread_t thread[3];
		uint32_t stop = 0;

		if (strcmp(texts[t], "loop") == 0) {
			struct rte_mbuf *m[100];

			assert_int_equal(rte_pktmbuf_alloc_bulk(pool, m, 100), 0);
			for (uint32_t i = 0; i < 100; i++)
				memset(rte_pktmbuf_append(m[i], 60), (int)i, 60);
			assert_int_equal(w->ops->tx(w, 0, m, 100, 0), 100);
		}
		for (uint16_t q = 0; q < 3; q++) {
			r[q] = (struct reader){ .w = w, .q = q, .stop = &stop };
			assert_int_equal(pthread_create(&thread[q], NULL, read_queue, &r[q]), 0);
		}
		for (uint32_t i = 0; i < 30; i++) {
			const struct sim_rss rss = rss_of((uint16_t)(1 + i % 3), ALL, 64, i);

			w->ops->spread(w, &rss);
			usleep(2000);
		}
		__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
		for (uint16_t q = 0; q < 3; q++)
			assert_int_equal(pthread_join(thread[q], NULL), 0);
		assert_true(r[0].frames + r[1].frames + r[2].frames > 1000);
		w->ops->close(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_in_its_queue, wire_test_end),
		cmocka_unit_test_teardown(shares_of_the_rate, wire_test_end),
		cmocka_unit_test_teardown(changes, wire_test_end),
		cmocka_unit_test_teardown(changes_under_load, wire_test_end),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
