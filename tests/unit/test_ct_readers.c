/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection store as its readers see it: bursts, IPv6 keys that are equal by accident, slots
 * that wait for readers, and a reader beside the writer.
 */
#include <pthread.h>
#include <sched.h>

#include "test_ct.h"

static struct rte_rcu_qsbr *rcu; /* no reader ever registers here */

/* ---- bursts --------------------------------------------------------------------------------- */

/*
 * Bursts of every length find what single look-ups find, in a full table where many flows lie in
 * second buckets.
 */
static void
test_burst(void **state)
{
	enum { N = 20000 };
	struct ct_table *t = table_create(N, N / 2, rcu);
	static struct packet packets[PKT_BURST_MAX];
	static struct pkt_burst b;
	struct ct_packet pkt = plain_packet(0);
	struct ct_stats stats;
	uint64_t rnd = 1;
	uint32_t i, conn;
	unsigned int n, k;

	(void)state;
	for (i = 0; i < N; i++) {
		struct flow_tuple tuple = i % 2 ? tuple6(IPPROTO_UDP, i, 1, 2, 53)
						: tuple4(IPPROTO_UDP, i, 1, 2, 53);
		struct flow_tuple reply = reply_of(&tuple);

		assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), 0);
	}
	ct_stats(t, &stats);
	for (k = 0; k < 4000; k++) {
		uint32_t want[PKT_BURST_MAX];

		memset(&b, 0xa5, sizeof(b));
		b.n = 0;
		for (n = k % (PKT_BURST_MAX + 1); n > 0; n--) {
			/* One in eight is not there, one in sixteen is not to be looked up. */
			uint32_t id = random_next(&rnd) % (N + N / 8);
			struct flow_tuple tuple = id % 2 ? tuple6(IPPROTO_UDP, id, 1, 2, 53)
							 : tuple4(IPPROTO_UDP, id, 1, 2, 53);

			if (random_next(&rnd) % 2)
				tuple = reply_of(&tuple);
			want[b.n] = ct_find(t, &tuple);
			assert_int_equal(want[b.n] == FLOW_NONE, id >= N);
			if (random_next(&rnd) % 16 == 0) {
				tuple.key.family = 0;
				want[b.n] = FLOW_NONE;
			}
			burst_put(&b, &packets[b.n], &tuple, ct_hasher(t));
		}
		ct_find_burst(t, &b);
		for (n = 0; n < b.n; n++)
			assert_int_equal(b.flow[n], want[n]);
	}
	ct_destroy(t);
}

struct entry {
	uint32_t digest, n;
};

static int
by_digest(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;

	return a->digest < b->digest ? -1 : a->digest > b->digest;
}

/*
 * Two connections whose keys are equal and whose addresses are not: digests are 32 bits, so among a
 * hundred thousand addresses some agree.
 */
static void
test_equal_digests(void **state)
{
	enum { N = 200000 };
	struct entry *e = calloc(N, sizeof(*e));
	struct ct_table *t = table_create(64, 64, rcu);
	static struct packet packets[2];
	static struct pkt_burst b;
	struct ct_packet pkt = plain_packet(0);
	unsigned int i, k, pairs = 0;
	struct flow_key key;

	(void)state;
	for (i = 0; i < N; i++) {
		struct flow_tuple tuple = tuple6(IPPROTO_UDP, i, 1, 2, 53);

		flow_tuple_key(ct_hasher(t), &tuple, &key);
		e[i] = (struct entry){ key.src, i };
	}
	qsort(e, N, sizeof(*e), by_digest);
	for (i = 0; i + 1 < N && pairs < 30; i++) {
		struct flow_tuple two[2];
		uint32_t conn[2];

		if (e[i].digest != e[i + 1].digest)
			continue;
		pairs++;
		for (k = 0; k < 2; k++) {
			struct flow_tuple reply;

			two[k] = tuple6(IPPROTO_UDP, e[i + k].n, 1, 2, 53);
			reply = reply_of(&two[k]);
			assert_int_equal(ct_find(t, &two[k]), FLOW_NONE);
			assert_int_equal(ct_open(t, &two[k], &reply, 0, &pkt, &conn[k]), 0);
		}
		b.n = 0;
		for (k = 0; k < 2; k++) {
			assert_int_equal(ct_find(t, &two[k]), ct_flow_id(conn[k], FLOW_ORIGINAL));
			burst_put(&b, &packets[k], &two[k], ct_hasher(t));
		}
		assert_true(flow_key_eq(&b.key[0], &b.key[1]));
		ct_find_burst(t, &b);
		for (k = 0; k < 2; k++)
			assert_int_equal(b.flow[k], ct_flow_id(conn[k], FLOW_ORIGINAL));
		ct_close(t, conn[0]);
		assert_int_equal(ct_find(t, &two[0]), FLOW_NONE);
		ct_find_burst(t, &b);
		assert_int_equal(b.flow[0], FLOW_NONE);
		assert_int_equal(b.flow[1], ct_flow_id(conn[1], FLOW_ORIGINAL));
		ct_close(t, conn[1]);
		ct_reclaim(t, NULL, 2);
	}
	assert_true(pairs > 0);
	assert_sound(t);
	free(e);
	ct_destroy(t);
}

/* ---- readers -------------------------------------------------------------------------------- */

/* A slot is not used again while a reader may hold it. */
static void
test_held(void **state)
{
	struct rte_rcu_qsbr *held = rcu_create(2);
	struct ct_table *t = table_create(1, 0, held);
	struct flow_tuple tuple = tuple4(IPPROTO_UDP, 1, 1, 2, 53), reply = reply_of(&tuple);
	struct ct_packet pkt = plain_packet(0);
	uint32_t conn, again;

	(void)state;
	rte_rcu_qsbr_thread_register(held, 1);
	rte_rcu_qsbr_thread_online(held, 1);
	assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), 0);
	ct_close(t, conn);
	assert_int_equal(ct_find(t, &tuple), FLOW_NONE);
	assert_int_equal(ct_reclaim(t, NULL, 8), 0);
	assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &again), -ENOSPC);
	assert_true(flow_key_eq(&ct_conns(t)[conn].flow[0].key, &tuple.key));
	assert_sound(t);

	rte_rcu_qsbr_quiescent(held, 1);
	assert_int_equal(ct_reclaim(t, NULL, 0), 0);
	assert_int_equal(ct_reclaim(t, NULL, 8), 1);
	assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &again), 0);
	assert_int_equal(again, conn);
	/* Closed after the reader's last word: it counts again. */
	ct_close(t, conn);
	assert_int_equal(ct_reclaim(t, NULL, 8), 0);
	rte_rcu_qsbr_thread_offline(held, 1);
	assert_int_equal(ct_reclaim(t, NULL, 8), 1);
	assert_sound(t);
	rte_rcu_qsbr_thread_unregister(held, 1);
	ct_destroy(t);
	rte_free(held);
}

#define STABLE 4000
#define MOVING 4000

struct reader {
	struct ct_table *t;
	struct rte_rcu_qsbr *rcu;
	uint32_t id[STABLE];
	bool stop;
	uint64_t looked, missed, wrong;
};

static void *
reader_main(void *arg)
{
	struct reader *r = arg;
	static struct packet packets[PKT_BURST_MAX];
	static struct pkt_burst b;
	uint64_t rnd = 77;

	rte_rcu_qsbr_thread_online(r->rcu, 0);
	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		uint32_t who[PKT_BURST_MAX];
		unsigned int i;

		b.n = 0;
		while (b.n < PKT_BURST_MAX) {
			uint32_t n = random_next(&rnd) % STABLE;
			struct flow_tuple tuple = tuple4(IPPROTO_UDP, n, 1, 2, 53);

			who[b.n] = n;
			burst_put(&b, &packets[b.n], &tuple, ct_hasher(r->t));
		}
		ct_find_burst(r->t, &b);
		for (i = 0; i < b.n; i++) {
			r->missed += b.flow[i] == FLOW_NONE;
			r->wrong += b.flow[i] != FLOW_NONE && b.flow[i] != r->id[who[i]];
		}
		r->looked += b.n;
		rte_rcu_qsbr_quiescent(r->rcu, 0);
	}
	rte_rcu_qsbr_thread_offline(r->rcu, 0);
	return NULL;
}

/*
 * The writer fills and empties the table, so that entries of the stable flows are moved about,
 * while the reader looks for them: it may miss one that moves, it must never get another.
 */
static void
test_reader_beside(void **state)
{
	struct ct_packet pkt = plain_packet(0);
	struct ct_stats stats;
	struct reader *r = calloc(1, sizeof(*r));
	pthread_t thread;
	uint64_t rnd = 5;
	uint32_t i, n, conn, waits = 0;

	(void)state;
	r->rcu = rcu_create(1);
	r->t = table_create(STABLE + MOVING, 0, r->rcu);
	rte_rcu_qsbr_thread_register(r->rcu, 0);
	for (i = 0; i < STABLE; i++) {
		struct flow_tuple tuple = tuple4(IPPROTO_UDP, i, 1, 2, 53),
				  reply = reply_of(&tuple);

		assert_int_equal(ct_open(r->t, &tuple, &reply, 0, &pkt, &conn), 0);
		r->id[i] = ct_flow_id(conn, FLOW_ORIGINAL);
	}
	assert_int_equal(pthread_create(&thread, NULL, reader_main, r), 0);
	for (n = 0; n < 40; n++) {
		uint32_t open[MOVING];

		for (i = 0; i < MOVING;) {
			struct flow_tuple tuple =
					tuple4(IPPROTO_UDP, 0x01000000, i, random_next(&rnd), 53);
			struct flow_tuple reply = reply_of(&tuple);
			int rc = ct_open(r->t, &tuple, &reply, 0, &pkt, &open[i]);

			if (rc == 0)
				i++;
			else
				waits++;
			if (rc == -ENOSPC && ct_reclaim(r->t, NULL, UINT32_MAX) == 0)
				sched_yield();
		}
		for (i = 0; i < MOVING; i++)
			ct_close(r->t, open[i]);
	}
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_sound(r->t);
	ct_stats(r->t, &stats);
	print_message("%lu looked up, %lu missed, %lu entries moved\n", r->looked, r->missed,
			stats.displaced);
	assert_true(r->looked > 0);
	assert_true(stats.displaced > 0);
	assert_int_equal(r->wrong, 0);
	assert_true(r->missed <= stats.displaced);
	for (i = 0; i < STABLE; i++) {
		struct flow_tuple tuple = tuple4(IPPROTO_UDP, i, 1, 2, 53);

		assert_int_equal(ct_find(r->t, &tuple), r->id[i]);
	}
	rte_rcu_qsbr_thread_unregister(r->rcu, 0);
	ct_destroy(r->t);
	rte_free(r->rcu);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_equal_digests),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_reader_beside),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	if (rcu == NULL || rte_rcu_qsbr_init(rcu, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
