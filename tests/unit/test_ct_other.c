/* SPDX-License-Identifier: BSD-3-Clause */
/* The trackers that do not look into packets: UDP, ICMP queries, everything else. */
#include "test_ct.h"

static struct rte_rcu_qsbr *rcu;

static void
test_plain_trackers(void **state)
{
	const struct flow_tuple tuples[] = {
		tuple4(IPPROTO_UDP, 1, 1000, 2, 53), tuple6(IPPROTO_UDP, 1, 1000, 2, 53),
		tuple4(IPPROTO_UDPLITE, 1, 1000, 2, 53), tuple_echo(4, 1, 2, 99),
		tuple_echo(6, 1, 2, 99), tuple4(IPPROTO_GRE, 1, 0, 2, 0),
		tuple4(IPPROTO_GRE, 1, 0xabcd, 2, 0x1234), tuple4(IPPROTO_ESP, 1, 0, 2, 0),
		tuple6(IPPROTO_ICMP, 1, 0, 2, 0), /* IPv4's ICMP over IPv6 is just a protocol */
	};
	struct ct_table *t = table_create(1, 1, rcu);
	struct ct_packet pkt = plain_packet(SECOND);
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(tuples); i++) {
		static const struct {
			enum flow_dir dir;
			enum ct_state state;
			bool established;
		} lines[] = { { 0, CT_STATE_NEW, false }, { 0, CT_STATE_NEW, false },
			{ 1, CT_STATE_ESTABLISHED, true }, { 0, CT_STATE_ESTABLISHED, true },
			{ 1, CT_STATE_ESTABLISHED, true } };
		struct flow_tuple reply = reply_of(&tuples[i]);
		struct ct_verdict v;
		unsigned int n;
		uint32_t conn;

		assert_int_equal(ct_may_open(t, &tuples[i], &pkt), DROP_NONE);
		assert_int_equal(ct_open(t, &tuples[i], &reply, 0, &pkt, &conn), 0);
		for (n = 0; n < RTE_DIM(lines); n++) {
			ct_track(t, conn, lines[n].dir, &pkt, &v);
			assert_int_equal(v.state, lines[n].state);
			assert_int_equal(v.established, lines[n].established);
			assert_false(v.closing || v.close || v.reopen);
		}
		ct_close(t, conn);
		ct_reclaim(t, NULL, 1);
	}
	ct_destroy(t);
}

/* Only queries open. */
static void
test_icmp_types(void **state)
{
	struct ct_table *t = table_create(1, 1, rcu);
	struct ct_packet pkt = plain_packet(0);
	unsigned int type;

	(void)state;
	for (type = 0; type < 256; type++) {
		struct flow_tuple t4 = tuple4(IPPROTO_ICMP, 1, 9, 2, type << 8);
		struct flow_tuple t6 = tuple6(IPPROTO_ICMPV6, 1, 9, 2, type << 8);
		bool query4 = type == 8 || type == 13 || type == 15 || type == 17;
		bool query6 = type == 128 || type == 139;

		assert_int_equal(ct_may_open(t, &t4, &pkt), query4 ? DROP_NONE : DROP_CT_INVALID);
		assert_int_equal(ct_may_open(t, &t6, &pkt), query6 ? DROP_NONE : DROP_CT_INVALID);
	}
	ct_destroy(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_trackers),
		cmocka_unit_test(test_icmp_types),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	if (rcu == NULL || rte_rcu_qsbr_init(rcu, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
