/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow_configure(), templates and tables: what is refused, what masks mean, what may go when.
 */
#include "test_hwf_bed.h"

#include <errno.h>

#include <string.h>

#include <rte_errno.h>

static void
test_configure(void **state)
{
	struct rig *r = rig_new((const char *const[]){ "objects.counters=10", NULL });
	struct rte_flow_port_attr attr = { 0 };
	struct rte_flow_port_info info;
	struct rte_flow_queue_info queue_info;
	struct rte_flow_error error = { 0 };
	struct bed b = { .r = r };

	(void)state;
	assert_int_equal(hwf_info_get(r->h, 0, &info, &queue_info, &error), 0);
	assert_int_equal(info.max_nb_counters, 10);
	assert_int_equal(info.max_nb_queues, HWF_QUEUES_MAX);
	assert_int_equal(info.max_nb_conn_tracks, r->profile.objects_cts);
	r->started = true;
	assert_int_equal(bed_configure(r, 1, 16, &attr, &error), -EBUSY);
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_STATE);
	r->started = false;
	attr.nb_counters = 11;
	assert_int_equal(bed_configure(r, 1, 16, &attr, &error), -EINVAL);
	attr.nb_counters = 2;
	assert_int_equal(bed_configure(r, HWF_QUEUES_MAX + 1, 16, &attr, &error), -EINVAL);
	assert_int_equal(bed_configure(r, 1, queue_info.max_size + 1, &attr, &error), -EINVAL);
	attr.flags = 2;
	assert_int_equal(bed_configure(r, 1, 16, &attr, &error), -ENOTSUP);
	attr.flags = 0;
	assert_int_equal(hwf_configure(r->h, 0, NULL, 0, NULL, &error), -EINVAL);
	assert_int_equal(hwf_configure(r->h, 0, &attr, 1, NULL, &error), -EINVAL);
	assert_int_equal(bed_configure(r, HWF_QUEUES_MAX, 16, &attr, &error), 0);
	assert_int_equal(bed_configure(r, 1, 0, &attr, &error), 0);

	/* Two counters, and that is all. */
	bed_templates(&b);
	b.table = bed_table(&b, 100);
	assert_non_null(bed_create(&b, 0, 0, false));
	assert_non_null(bed_create(&b, 0, 1, false));
	assert_null(bed_create(&b, 0, 2, false));
	assert_int_equal(rte_errno, ENOSPC);
	assert_int_equal(b.error.type, RTE_FLOW_ERROR_TYPE_ACTION);
	/* Not while there are tables, or results. */
	assert_int_equal(bed_configure(r, 1, 16, &attr, &error), -EBUSY);
	rig_free(r);
}

static void
test_templates_refused(void **state)
{
	struct bed *b = bed_new(64, 10, 0);
	const struct rte_flow_pattern_template_attr egress = { .egress = 1 };
	const struct rte_flow_pattern_template_attr none = { 0 };
	const struct rte_flow_actions_template_attr ingress = { .ingress = 1 };
	const struct rte_flow_item odd[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_HIGIG2 },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	const struct rte_flow_action drop[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action mark[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_MARK },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_pattern_template *first = b->pattern, *out;
	struct hwf *h = b->r->h;
	struct rig_tuple t;

	(void)state;
	rig_tuple(&t, &(struct rig_flow){ 0 });
	assert_null(hwf_pattern_template_create(h, 0, &none, t.item, &b->error));
	assert_int_equal(b->error.type, RTE_FLOW_ERROR_TYPE_ATTR);
	assert_null(hwf_pattern_template_create(h, 0, &egress, odd, &b->error));
	assert_int_equal(rte_errno, ENOTSUP);
	assert_null(hwf_actions_template_create(h, 0, &ingress, drop, mark, &b->error));
	assert_ptr_equal(b->error.cause, &mark[0]);
	/* A template for another direction. */
	out = hwf_pattern_template_create(h, 0, &egress, t.item, &b->error);
	assert_non_null(out);
	b->pattern = out;
	assert_null(bed_table(b, 1));
	assert_ptr_equal(b->error.cause, out);
	assert_int_equal(hwf_pattern_template_destroy(h, 0, out, &b->error), 0);
	assert_int_equal(hwf_pattern_template_destroy(h, 0, out, &b->error), -ENOENT);
	b->pattern = (void *)b;
	assert_null(bed_table(b, 1));
	assert_int_equal(rte_errno, ENOENT);
	/* In use, from below to above. */
	assert_int_equal(hwf_pattern_template_destroy(h, 0, first, &b->error), -EBUSY);
	assert_ptr_equal(b->error.cause, first);
	assert_int_equal(hwf_actions_template_destroy(h, 0, b->actions, &b->error), -EBUSY);
	assert_int_equal(hwf_actions_template_destroy(h, 1, b->actions, &b->error), -ENOENT);
	assert_int_equal(hwf_table_destroy(h, 0, b->table, &b->error), 0);
	assert_int_equal(hwf_table_destroy(h, 0, b->table, &b->error), -ENOENT);
	assert_int_equal(hwf_pattern_template_destroy(h, 0, first, &b->error), 0);
	assert_int_equal(hwf_actions_template_destroy(h, 0, b->actions, &b->error), 0);
	bed_free(b);
}

static void
test_rules_refused(void **state)
{
	struct bed *b = bed_new(64, 2, 0);
	struct rte_flow_op_result res[1];
	struct rte_flow_template_table *right = b->table;
	const struct rte_flow_op_attr attr = { 0 };
	const struct rte_flow_action drop[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct hwf_async_rule rule = { .attr = &attr, .table = right, .actions = drop };
	struct rte_flow *flow;
	struct rig_tuple t;

	(void)state;
	rig_tuple(&t, &(struct rig_flow){ 0 });
	rule.pattern = t.item;
	assert_null(hwf_async_create(b->r->h, 0, &rule, &b->error));
	assert_ptr_equal(b->error.cause, &drop[0]);
	rule.actions_template = 1;
	assert_null(hwf_async_create(b->r->h, 0, &rule, &b->error));
	rule.pattern_template = 1;
	assert_null(hwf_async_create(b->r->h, 0, &rule, &b->error));
	rule.pattern_template = 0;
	rule.actions_template = 0;
	t.item[2].type = RTE_FLOW_ITEM_TYPE_UDP;
	assert_null(hwf_async_create(b->r->h, 0, &rule, &b->error));
	assert_ptr_equal(b->error.cause, &t.item[2]);
	assert_null(bed_create(b, 2, 0, false));
	assert_int_equal(rte_errno, EINVAL);
	b->table = (void *)b;
	assert_null(bed_create(b, 0, 0, false));
	assert_int_equal(rte_errno, ENOENT);
	b->table = right;
	/* The table's capacity. */
	flow = bed_create(b, 0, 0, false);
	assert_non_null(flow);
	assert_non_null(bed_create(b, 0, 1, false));
	assert_null(bed_create(b, 0, 2, false));
	assert_int_equal(rte_errno, ENOSPC);
	assert_ptr_equal(b->error.cause, b->table);
	assert_int_equal(hwf_table_destroy(b->r->h, 0, b->table, &b->error), -EBUSY);
	assert_int_equal(bed_pull(b, 0, 10, 1), 2);
	/* Not the call for it; not there; twice; queues that are none. */
	assert_int_equal(hwf_destroy(b->r->h, 0, flow, &b->error), -EINVAL);
	assert_int_equal(bed_destroy(b, 0, (void *)b, 0), -ENOENT);
	assert_int_equal(bed_destroy(b, 0, flow, 100), 0);
	assert_int_equal(bed_destroy(b, 0, flow, 101), -EBUSY);
	assert_int_equal(bed_pull(b, 0, 10, 100), 1);
	assert_int_equal(bed_destroy(b, 0, flow, 0), -ENOENT);
	assert_non_null(bed_create(b, 0, 2, false));
	assert_int_equal(hwf_push(b->r->h, 0, 7, &b->error), -EINVAL);
	assert_int_equal(hwf_pull(b->r->h, 0, 7, res, 1, &b->error), -EINVAL);
	assert_int_equal(hwf_pull(b->r->h, 1, 0, res, 1, &b->error), -EINVAL);
	bed_free(b);
}

/* A mask of ones says that a conf is the template's as a whole: what would be pointers in it is not followed. */
static void
test_mask_of_ones(void **state)
{
	static const uint16_t queue[] = { 1, 2 };
	const struct rte_flow_action_rss rss = { .queue_num = 2, .queue = queue };
	const struct rte_flow_action_raw_encap encap = { .data = (uint8_t[14]){ 0 }, .size = 14 };
	const struct rte_flow_actions_template_attr ingress = { .ingress = 1 };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_RAW_ENCAP, .conf = &encap },
		{ .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_action masks[3];
	uint8_t ones[256];
	struct bed *b = bed_new(8, 10, 0);
	struct rte_flow_actions_template *t;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	memcpy(masks, actions, sizeof(masks));
	masks[0].conf = masks[1].conf = ones;
	t = hwf_actions_template_create(b->r->h, 0, &ingress, actions, masks, &b->error);
	if (t == NULL)
		fail_msg("%s", b->error.message);
	assert_int_equal(hwf_actions_template_destroy(b->r->h, 0, t, &b->error), 0);
	bed_free(b);
}

/* Confs that are the template's, the rule's, and a bit of each; items without masks under relaxed matching. */
static void
test_masks(void **state)
{
	struct bed *b = bed_new(64, 10, 0);
	const struct rte_flow_pattern_template_attr relaxed = { .ingress = 1,
		.relaxed_matching = 1 };
	const struct rte_flow_actions_template_attr ingress = { .ingress = 1 };
	const struct rte_flow_action_mark mark = { .id = 0x770000 }, all = { .id = 0xffff0000 },
					  other = { .id = 5 };
	struct rte_flow_action_set_tag tag = { .data = 0xff00, .mask = UINT32_MAX, .index = 2 };
	struct rte_flow_action_set_tag tag_mask = {
		.data = 0xff00, .mask = UINT32_MAX, .index = UINT8_MAX
	};
	struct rte_flow_action_set_tag tag_rule = { .data = 0xab, .mask = 3, .index = 1 };
	const struct rte_flow_action_queue queue = { .index = 4 };
	const struct rte_flow_action fixed[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &mark },
		{ .type = RTE_FLOW_ACTION_TYPE_SET_TAG, .conf = &tag },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action masks[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &all },
		{ .type = RTE_FLOW_ACTION_TYPE_SET_TAG, .conf = &tag_mask },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action rule_actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &other },
		{ .type = RTE_FLOW_ACTION_TYPE_SET_TAG, .conf = &tag_rule },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_op_attr attr = { 0 };
	const struct rig_flow f = { 1, 2, 3, 4 };
	struct hwf_async_rule rule = { .attr = &attr, .actions = rule_actions };
	struct rig_packet p;
	struct rig_tuple t;

	(void)state;
	rig_tuple(&t, &f);
	/* TCP without a mask: with relaxed matching UDP is as good. */
	t.item[2].mask = NULL;
	b->pattern = hwf_pattern_template_create(b->r->h, 0, &relaxed, t.item, &b->error);
	assert_non_null(b->pattern);
	b->actions = hwf_actions_template_create(b->r->h, 0, &ingress, fixed, masks, &b->error);
	assert_non_null(b->actions);
	rule.table = bed_table(b, 1);
	assert_non_null(rule.table);
	rule.pattern = t.item;
	if (hwf_async_create(b->r->h, 0, &rule, &b->error) == NULL)
		fail_msg("%s", b->error.message);
	rig_tcp(&p, &f, 0);
	p.pkt.data[23] = 17;
	rig_run(b->r, &p, 0);
	assert_int_equal(p.pkt.dest.queue, 4);
	assert_false(p.pkt.dest.rss);
	assert_true(p.pkt.marked);
	assert_int_equal(p.pkt.mark, 0x770005);
	bed_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_templates_refused),
		cmocka_unit_test(test_rules_refused),
		cmocka_unit_test(test_mask_of_ones),
		cmocka_unit_test(test_masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
