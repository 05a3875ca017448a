/* SPDX-License-Identifier: BSD-3-Clause */
/* Room in the connection table: who gives way, who finds no place, who is given back. */
#include "test_ct.h"

static struct rte_rcu_qsbr *rcu; /* no reader ever registers here */

static int
open_udp(struct ct_table *t, uint32_t src, uint32_t n, uint32_t *conn)
{
	struct flow_tuple tuple = tuple4(IPPROTO_UDP, src + (n >> 16), (uint16_t)n, 2, 53);
	struct flow_tuple reply = reply_of(&tuple);
	struct ct_packet pkt = plain_packet(0);

	return ct_open(t, &tuple, &reply, 0, &pkt, conn);
}

/*
 * A flood of first packets pushes out itself: who is assured stays, who has an extension stays, and
 * there is room for each new one although no closed slot comes back before readers have left.
 */
static void
test_early_drop(void **state)
{
	enum { N = 2000, TALK = 1000, EXTENDED = 10 };
	struct rte_rcu_qsbr *held = rcu_create(1);
	struct ct_params p = table_params(N, 0, held);
	uint32_t talk[TALK], extended[EXTENDED], conn, i;
	struct ct_stats stats;
	struct ct_table *t;

	(void)state;
	p.early_drop = 90;
	p.extensions = EXTENDED;
	t = ct_create(&p);
	assert_non_null(t);
	rte_rcu_qsbr_thread_register(held, 0);
	rte_rcu_qsbr_thread_online(held, 0);
	for (i = 0; i < TALK; i++) {
		assert_int_equal(open_udp(t, 1, i, &talk[i]), 0);
		ct_conns(t)[talk[i]].status |= CT_S_SEEN_REPLY | CT_S_ASSURED;
	}
	for (i = 0; i < EXTENDED; i++) {
		assert_int_equal(open_udp(t, 50, i, &extended[i]), 0);
		assert_non_null(ct_ext_add(t, extended[i]));
	}
	for (i = 0; i < 100000; i++) {
		assert_int_equal(open_udp(t, 100, i, &conn), 0);
		if (i % 40 == 0) { /* what was closed comes back two rounds later */
			rte_rcu_qsbr_quiescent(held, 0);
			ct_reclaim(t, NULL, UINT32_MAX);
		}
	}
	ct_stats(t, &stats);
	assert_int_equal(stats.full, 0);
	assert_in_range(stats.connections, N * 8 / 10, N * 95 / 100);
	assert_true(stats.early_dropped > 90000);
	for (i = 0; i < TALK; i++)
		assert_int_equal(ct_conns(t)[talk[i]].status & (CT_S_USED | CT_S_DYING), CT_S_USED);
	for (i = 0; i < EXTENDED; i++)
		assert_int_equal(ct_conns(t)[extended[i]].status & (CT_S_USED | CT_S_DYING),
				CT_S_USED);
	assert_sound(t);
	rte_rcu_qsbr_thread_offline(held, 0);
	rte_rcu_qsbr_thread_unregister(held, 0);
	ct_destroy(t);
	rte_free(held);
}

/*
 * Connections whose originals have the same CRC32C, made by who knows the seed: their two buckets
 * take 24, and the rest is refused, and counted as what it is. SipHash has room for all.
 */
static void
test_crowded(void **state)
{
	enum { N = 1000 };
	static const enum flow_hash_kind kinds[] = { FLOW_HASH_CRC32C, FLOW_HASH_SIPHASH };
	const uint32_t seed = 0x5eed;
	const uint64_t odd = (seed * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	uint64_t inverse = odd;
	unsigned int k;
	uint32_t i;

	(void)state;
	for (i = 0; i < 6; i++)
		inverse *= 2 - odd * inverse;
	for (k = 0; k < RTE_DIM(kinds); k++) {
		struct ct_params p = table_params(4 * N, 0, rcu);
		struct ct_packet pkt = plain_packet(0);
		uint32_t conn, opened = 0;
		struct ct_stats stats;
		struct ct_table *t;

		p.hasher = flow_hasher_make(kinds[k], seed, NULL);
		t = ct_create(&p);
		assert_non_null(t);
		for (i = 0; i < N; i++) {
			struct flow_key key = {
				.family = 4, .proto = IPPROTO_UDP, .src = i * 2654435761u
			};
			struct flow_tuple tuple = { .key = key }, reply;

			tuple.key.w[1] = (flow_crc(key.w[0] * odd, seed) ^ 0x1234abcd) * inverse;
			memcpy(tuple.src.b, &tuple.key.src, 4);
			memcpy(tuple.dst.b, &tuple.key.dst, 4);
			assert_true(flow_tuple_reply(&tuple, &reply));
			opened += ct_open(t, &tuple, &reply, 0, &pkt, &conn) == 0;
		}
		ct_stats(t, &stats);
		assert_int_equal(stats.full, 0);
		assert_int_equal(stats.unplaced, N - opened);
		assert_int_equal(opened, kinds[k] == FLOW_HASH_CRC32C ? 2 * CT_SLOTS : N);
		assert_sound(t);
		ct_reclaim(t, NULL, UINT32_MAX);
		assert_sound(t);
		ct_destroy(t);
	}
}

/* Who is given back is named, once, in the order of closing, and readable until then. */
static void
test_reclaimed(void **state)
{
	enum { N = 100 };
	struct ct_table *t = table_create(N, 0, rcu);
	uint32_t conn[N], gone[N], i;

	(void)state;
	for (i = 0; i < N; i++)
		assert_int_equal(open_udp(t, 1, i, &conn[i]), 0);
	for (i = 0; i < N; i++)
		ct_close(t, conn[(i * 37) % N]);
	for (i = 0; i < N; i += 10) {
		assert_int_equal(ct_reclaim(t, gone, 10), 10);
		for (unsigned int k = 0; k < 10; k++) {
			assert_int_equal(gone[k], conn[((i + k) * 37) % N]);
			assert_int_equal(ct_conns(t)[gone[k]].flow[0].key.sport,
					rte_cpu_to_be_16((uint16_t)(((i + k) * 37) % N)));
		}
	}
	assert_int_equal(ct_reclaim(t, gone, 10), 0);
	assert_sound(t);
	ct_destroy(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early_drop),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_reclaimed),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	if (rcu == NULL || rte_rcu_qsbr_init(rcu, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
