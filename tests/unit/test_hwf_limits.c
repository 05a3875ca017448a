/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules have to do with each other and with the card: capacities, what a profile does not allow, rules without a fate,
 * groups in circles, indirect actions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "test_hwf_words.h"

static const struct rte_flow_attr in = { .ingress = 1 };
static const struct rte_flow_item all[] = { I(END) };
static const struct rte_flow_item udp[] = { I(ETH), I(IPV4), I(UDP), I(END) };
static const struct rte_flow_action drop[] = { A(DROP), A(END) };
static const struct rte_flow_action count_queue[] = { A(COUNT), TO_QUEUE(2), A(END) };
static const struct rte_flow_action count_only[] = { A(COUNT), A(END) };
static const struct rte_flow_action age_only[] = { A(AGE), A(END) };

/* Rules until the card is full of something; then one goes, and one more fits. */
static void
full(struct rig *r, const struct rte_flow_action *action, uint32_t room,
		enum rte_flow_error_type type)
{
	struct rte_flow *flow = NULL;
	struct rte_flow_error e = { 0 };
	struct rte_flow_item_udp spec = { .hdr.dst_port = 0 };
	const struct rte_flow_item item[] = { { .type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &spec },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };
	uint32_t i;

	for (i = 0; i < room; i++) {
		spec.hdr.dst_port = rte_cpu_to_be_16((uint16_t)i);
		flow = rig_rule(r, 0, item, action);
	}
	spec.hdr.dst_port = rte_cpu_to_be_16((uint16_t)i);
	assert_null(hwf_create(r->h, 0, &in, item, action, &e));
	assert_int_equal(rte_errno, ENOSPC);
	assert_int_equal(e.type, type);
	assert_non_null(e.message);
	assert_true(strlen(e.message) > 5);
	/* Capacity is no reason for a rule to be wrong. */
	assert_int_equal(hwf_validate(r->h, 0, &in, item, action, &e), 0);
	assert_int_equal(r->h->flows.used, room);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
	rig_rule(r, 0, item, action);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	rig_empty(r);
}

static void
capacity(void **state)
{
	static const struct rte_flow_action_age age = { .timeout = 1 };
	static const struct rte_flow_action aged[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_AGE, .conf = &age },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	static const char *const set[] = { "objects.counters=10", "objects.ages=5",
		"tables.root-max=40", NULL };
	struct rig *r = rig_new(set);

	(void)state;
	full(r, count_queue, 10, RTE_FLOW_ERROR_TYPE_ACTION);
	full(r, aged, 5, RTE_FLOW_ERROR_TYPE_ACTION);
	full(r, drop, 40, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	rig_free(r);
}

/* Rules without a fate go on to the next priority; groups that go in circles end somewhere. */
static void
chains(void **state)
{
	static const struct rte_flow_attr prio[] = { { .ingress = 1 },
		{ .ingress = 1, .priority = 1 }, { .ingress = 1, .priority = 2 } };
	static const struct rte_flow_action_mark mark = { .id = 3 };
	static const struct rte_flow_action_queue queue = { .index = 6 };
	static const struct rte_flow_action_jump self = { .group = 0 };
	static const struct rte_flow_action marks[] = { { .type = RTE_FLOW_ACTION_TYPE_MARK,
									.conf = &mark },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_action counts[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_PASSTHRU }, { .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_action queues[] = { { .type = RTE_FLOW_ACTION_TYPE_QUEUE,
									 .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_action jumps[] = { { .type = RTE_FLOW_ACTION_TYPE_JUMP,
									.conf = &self },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	struct rte_flow_query_count q = { 0 };
	struct rte_flow *counted;
	struct rig_packet p;

	(void)state;
	assert_non_null(hwf_create(r->h, 0, &prio[0], udp, marks, &e));
	counted = hwf_create(r->h, 0, &prio[1], udp, counts, &e);
	assert_non_null(counted);
	assert_non_null(hwf_create(r->h, 0, &prio[2], all, queues, &e));
	rig_stack(&p, "eth ipv4 udp data");
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.queue, 6);
	assert_int_equal(p.pkt.mark, 3);
	assert_int_equal(hwf_query(r->h, 0, counted, count_only, &q, &e), 0);
	assert_int_equal(q.hits, 1);
	/* The same again is a mistake: it could never match. */
	assert_null(hwf_create(r->h, 0, &prio[1], udp, counts, &e));
	assert_int_equal(rte_errno, EEXIST);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY);
	assert_ptr_equal(e.cause, &prio[1]);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);

	rig_rule(r, 0, all, jumps);
	rig_stack(&p, "eth ipv4 udp data");
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_DROP);
	assert_int_equal(p.pkt.dest.queue, SIM_DROP_LOOP);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	rig_empty(r);
	rig_free(r);
}

/* More indirect actions than a rule has room for in itself. */
static void
handles(void **state)
{
	static const struct rte_flow_indir_action_conf conf = { .ingress = 1 };
	static const struct rte_flow_action_age age = { .timeout = 5 };
	static const struct rte_flow_action_conntrack ct = { .enable = 1 };
	static const uint16_t queues[] = { 4 };
	static const struct rte_flow_action_rss rss = { .queue_num = 1, .queue = queues };
	static const struct rte_flow_action of[4] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_AGE, .conf = &age },
		{ .type = RTE_FLOW_ACTION_TYPE_CONNTRACK, .conf = &ct },
		{ .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss } };
	struct rte_flow_action use[5] = { { 0 } }, twice[3] = { { 0 } };
	struct rig *r = rig_new(NULL);
	struct rte_flow_action_handle *h[4];
	struct rte_flow_query_count q = { 0 };
	struct rte_flow_query_age qa = { 0 };
	struct rte_flow_error e = { 0 };
	struct rte_flow *flow;
	struct rig_packet p;
	uint32_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		h[i] = hwf_indirect_create(r->h, 0, &conf, &of[i], &e);
		assert_non_null(h[i]);
		use[i] = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_INDIRECT,
			.conf = h[i] };
	}
	flow = rig_rule(r, 0, all, use);
	for (i = 0; i < 4; i++)
		assert_int_equal(h[i]->uses, 1);
	rig_stack(&p, "eth ipv4 tcp data");
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.queue, 4);
	/* What the rule shares can be asked for by the rule, too. */
	assert_int_equal(hwf_query(r->h, 0, flow, count_only, &q, &e), 0);
	assert_int_equal(q.hits, 1);
	assert_int_equal(hwf_query(r->h, 0, flow, age_only, &qa, &e), 0);
	twice[0] = use[0];
	twice[1] = use[0];
	assert_null(hwf_create(r->h, 0, &in, udp, twice, &e));
	assert_ptr_equal(e.cause, &twice[1]);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(h[i]->uses, 0);
		assert_int_equal(hwf_indirect_destroy(r->h, 0, h[i], &e), 0);
		assert_null(hwf_create(r->h, 0, &in, all, use, &e));
	}
	rig_empty(r);
	rig_free(r);
}

static const struct rte_flow_item udp_dst_range[] = {
	I(UDP, S(udp, .hdr.dst_port = BE16(1)), L(udp, .hdr.dst_port = BE16(2)),
			M(udp, .hdr.dst_port = 0xffff)),
	I(END),
};

static void
profiles(void **state)
{
	static const struct rte_flow_action_age age = { .timeout = 1 };
	static const struct rte_flow_indir_action_conf conf = { .ingress = 1 };
	static const struct rte_flow_action_conntrack ct_conf = { .enable = 1,
		.state = RTE_FLOW_CONNTRACK_STATE_ESTABLISHED };
	static const struct rte_flow_action ct = { .type = RTE_FLOW_ACTION_TYPE_CONNTRACK,
		.conf = &ct_conf };
	static const struct rte_flow_action_jump jump = { .group = 2 };
	static const struct rte_flow_attr in1 = { .ingress = 1, .group = 1 };
	static const char *const set[] = { "tables.tcam-entries=0", "objects.one-of-age-ct-meter=1",
		"objects.connection-group0=0", NULL };
	struct rig *r = rig_new(set);
	struct rte_flow_error e = { 0 };
	struct rte_flow_action_handle *h = hwf_indirect_create(r->h, 0, &conf, &ct, &e);
	const struct rte_flow_action use[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_INDIRECT, .conf = h },
		{ .type = RTE_FLOW_ACTION_TYPE_JUMP, .conf = &jump },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
		{ .type = RTE_FLOW_ACTION_TYPE_AGE, .conf = &age },
	};
	const struct rte_flow_action both[] = { use[3], use[0], use[1], use[2] };
	const struct rte_flow_action late[] = { use[1], use[0], use[2] };

	(void)state;
	assert_non_null(h);
	/* A card without TCAM has no ranges. */
	assert_null(hwf_create(r->h, 0, &in, udp_dst_range, drop, &e));
	assert_int_equal(rte_errno, ENOSPC);
	/* mlx5: one of AGE, CONNTRACK and METER; no CONNTRACK in group 0; it stands in front of JUMP. */
	assert_null(hwf_create(r->h, 0, &in1, all, both, &e));
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ACTION);
	assert_ptr_equal(e.cause, &both[1]);
	assert_null(hwf_create(r->h, 0, &in, all, use, &e));
	assert_ptr_equal(e.cause, &use[0]);
	assert_non_null(strstr(e.message, "group 0"));
	assert_null(hwf_create(r->h, 0, &in1, all, late, &e));
	assert_ptr_equal(e.cause, &late[1]);
	/* Of another port, in a domain it was not made for. */
	assert_null(hwf_create(r->h, 1, &in1, all, use, &e));
	assert_int_equal(rte_errno, ENOENT);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
	assert_non_null(hwf_create(r->h, 0, &in1, all, use, &e));
	assert_int_equal(h->uses, 1);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, h, &e), -EBUSY);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	assert_int_equal(h->uses, 0);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, h, &e), 0);
	rig_empty(r);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity),
		cmocka_unit_test(chains),
		cmocka_unit_test(handles),
		cmocka_unit_test(profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
