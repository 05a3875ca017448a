/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Templates, tables and flow queues: what is refused, and what rules of queues do, at once and in simulated time.
 */
#include "test_hwf_rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#define PULL 64

/* Two flow queues, a table of 5-tuples whose actions are COUNT and QUEUE, the queue being the rule's. */
struct bed {
	struct rig *r;
	struct rte_flow_pattern_template *pattern;
	struct rte_flow_actions_template *actions;
	struct rte_flow_template_table *table;
	struct rte_flow_error error;
};

static int
configure(struct rig *r, uint32_t queues, uint32_t size, const struct rte_flow_port_attr *attr,
		struct rte_flow_error *error)
{
	const struct rte_flow_queue_attr q = { .size = size };
	const struct rte_flow_queue_attr *list[HWF_QUEUES_MAX + 1];
	uint32_t i;

	for (i = 0; i < HWF_QUEUES_MAX + 1; i++)
		list[i] = &q;
	return hwf_configure(r->h, 0, attr, (uint16_t)queues, list, error);
}

static struct rte_flow_template_table *
table(struct bed *b, uint32_t nb_flows)
{
	const struct rte_flow_template_table_attr attr = {
		.flow_attr = { .group = 0, .ingress = 1 },
		.nb_flows = nb_flows,
	};
	const struct hwf_table_params params = {
		.attr = &attr,
		.patterns = &b->pattern,
		.n_patterns = 1,
		.actions = &b->actions,
		.n_actions = 1,
	};

	return hwf_table_create(b->r->h, 0, &params, &b->error);
}

static void
templates(struct bed *b)
{
	const struct rte_flow_pattern_template_attr pattern_attr = { .ingress = 1 };
	const struct rte_flow_actions_template_attr actions_attr = { .ingress = 1 };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rig_tuple t;

	rig_tuple(&t, &(struct rig_flow){ 0, 0, 0, 0 });
	t.item[1].spec = NULL;
	t.item[2].spec = NULL;
	b->pattern = hwf_pattern_template_create(b->r->h, 0, &pattern_attr, t.item, &b->error);
	if (b->pattern == NULL)
		fail_msg("%s", b->error.message);
	b->actions = hwf_actions_template_create(
			b->r->h, 0, &actions_attr, actions, actions, &b->error);
	if (b->actions == NULL)
		fail_msg("%s", b->error.message);
}

static struct bed *
bed_new(uint32_t queue_size, uint32_t nb_flows, uint32_t flags)
{
	const struct rte_flow_port_attr attr = { .flags = flags };
	struct bed *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->r = rig_new(NULL);
	assert_int_equal(configure(b->r, 2, queue_size, &attr, &b->error), 0);
	templates(b);
	b->table = table(b, nb_flows);
	if (b->table == NULL)
		fail_msg("%s", b->error.message);
	return b;
}

static void
bed_free(struct bed *b)
{
	rig_free(b->r);
	free(b);
}

static struct rig_flow
nth(uint32_t i)
{
	return (struct rig_flow){ 0x0a000000 + i, 0x0b000000 + i / 7, (uint16_t)(i * 31),
		(uint16_t)(i >> 3) };
}

static struct rte_flow *
create(struct bed *b, uint32_t queue, uint32_t i, bool postpone)
{
	const struct rte_flow_op_attr attr = { .postpone = postpone };
	const struct rte_flow_action_queue to = { .index = (uint16_t)(i % RIG_QUEUES) };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rig_flow f = nth(i);
	struct hwf_async_rule rule = {
		.queue = queue,
		.attr = &attr,
		.table = b->table,
		.actions = actions,
		.user_data = (void *)(uintptr_t)(i + 1),
	};
	struct rig_tuple t;

	rig_tuple(&t, &f);
	rule.pattern = t.item;
	return hwf_async_create(b->r->h, 0, &rule, &b->error);
}

static int
destroy(struct bed *b, uint32_t queue, struct rte_flow *flow, uintptr_t user_data)
{
	const struct rte_flow_op_attr attr = { 0 };
	const struct hwf_async_rule op = {
		.queue = queue, .attr = &attr, .user_data = (void *)user_data
	};

	return hwf_async_destroy(b->r->h, 0, &op, flow, &b->error);
}

/* How many results, which must be those from `from` on, in order. */
static uint32_t
pull(struct bed *b, uint32_t queue, uint32_t most, uintptr_t from)
{
	struct rte_flow_op_result res[PULL];
	int n, i;

	n = hwf_pull(b->r->h, 0, queue, res, (uint16_t)(most < PULL ? most : PULL), &b->error);
	assert_true(n >= 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(res[i].status, RTE_FLOW_OP_SUCCESS);
		assert_int_equal((uintptr_t)res[i].user_data, from + (uintptr_t)i);
	}
	return (uint32_t)n;
}

/* Whether the rule's packets go where it says; else they are the port's own. */
static bool
steered(struct bed *b, uint32_t i)
{
	const struct rig_flow f = nth(i);
	struct rig_packet p;

	rig_tcp(&p, &f, 10);
	rig_run(b->r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
	if (p.pkt.dest.rss)
		return false;
	assert_int_equal(p.pkt.dest.queue, i % RIG_QUEUES);
	return true;
}

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
	assert_int_equal(configure(r, 1, 16, &attr, &error), -EBUSY);
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_STATE);
	r->started = false;
	attr.nb_counters = 11;
	assert_int_equal(configure(r, 1, 16, &attr, &error), -EINVAL);
	attr.nb_counters = 2;
	assert_int_equal(configure(r, HWF_QUEUES_MAX + 1, 16, &attr, &error), -EINVAL);
	assert_int_equal(configure(r, 1, queue_info.max_size + 1, &attr, &error), -EINVAL);
	attr.flags = 2;
	assert_int_equal(configure(r, 1, 16, &attr, &error), -ENOTSUP);
	attr.flags = 0;
	assert_int_equal(hwf_configure(r->h, 0, NULL, 0, NULL, &error), -EINVAL);
	assert_int_equal(hwf_configure(r->h, 0, &attr, 1, NULL, &error), -EINVAL);
	assert_int_equal(configure(r, HWF_QUEUES_MAX, 16, &attr, &error), 0);
	assert_int_equal(configure(r, 1, 0, &attr, &error), 0);

	/* Two counters, and that is all. */
	templates(&b);
	b.table = table(&b, 100);
	assert_non_null(create(&b, 0, 0, false));
	assert_non_null(create(&b, 0, 1, false));
	assert_null(create(&b, 0, 2, false));
	assert_int_equal(rte_errno, ENOSPC);
	assert_int_equal(b.error.type, RTE_FLOW_ERROR_TYPE_ACTION);
	/* Not while there are tables, or results. */
	assert_int_equal(configure(r, 1, 16, &attr, &error), -EBUSY);
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
	assert_null(table(b, 1));
	assert_ptr_equal(b->error.cause, out);
	assert_int_equal(hwf_pattern_template_destroy(h, 0, out, &b->error), 0);
	assert_int_equal(hwf_pattern_template_destroy(h, 0, out, &b->error), -ENOENT);
	b->pattern = (void *)b;
	assert_null(table(b, 1));
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
	assert_null(create(b, 2, 0, false));
	assert_int_equal(rte_errno, EINVAL);
	b->table = (void *)b;
	assert_null(create(b, 0, 0, false));
	assert_int_equal(rte_errno, ENOENT);
	b->table = right;
	/* The table's capacity. */
	flow = create(b, 0, 0, false);
	assert_non_null(flow);
	assert_non_null(create(b, 0, 1, false));
	assert_null(create(b, 0, 2, false));
	assert_int_equal(rte_errno, ENOSPC);
	assert_ptr_equal(b->error.cause, b->table);
	assert_int_equal(hwf_table_destroy(b->r->h, 0, b->table, &b->error), -EBUSY);
	assert_int_equal(pull(b, 0, 10, 1), 2);
	/* Not the call for it; not there; twice; queues that are none. */
	assert_int_equal(hwf_destroy(b->r->h, 0, flow, &b->error), -EINVAL);
	assert_int_equal(destroy(b, 0, (void *)b, 0), -ENOENT);
	assert_int_equal(destroy(b, 0, flow, 100), 0);
	assert_int_equal(destroy(b, 0, flow, 101), -EBUSY);
	assert_int_equal(pull(b, 0, 10, 100), 1);
	assert_int_equal(destroy(b, 0, flow, 0), -ENOENT);
	assert_non_null(create(b, 0, 2, false));
	assert_int_equal(hwf_push(b->r->h, 0, 7, &b->error), -EINVAL);
	assert_int_equal(hwf_pull(b->r->h, 0, 7, res, 1, &b->error), -EINVAL);
	assert_int_equal(hwf_pull(b->r->h, 1, 0, res, 1, &b->error), -EINVAL);
	bed_free(b);
}

/* 30,000 rules in batches, each with its counter; then half of them go. */
static void
test_many(void **state)
{
	enum { N = 30000, BATCH = 32 };
	struct bed *b = bed_new(256, N, 0);
	struct rte_flow **flow = calloc(N, sizeof(*flow));
	const struct rte_flow_action count = { .type = RTE_FLOW_ACTION_TYPE_COUNT };
	struct rte_flow_query_count q = { 0 };
	struct sim_steer_stats stats;
	uint32_t i, done = 0;

	(void)state;
	for (i = 0; i < N; i++) {
		flow[i] = create(b, 0, i, i % BATCH != BATCH - 1);
		assert_non_null(flow[i]);
		if (i % BATCH == BATCH - 1)
			done += pull(b, 0, PULL, done + 1);
	}
	assert_int_equal(hwf_push(b->r->h, 0, 0, &b->error), 0);
	while (done < N)
		done += pull(b, 0, 7, done + 1);
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, N);
	for (i = 0; i < N; i += 7)
		assert_true(steered(b, i));
	assert_false(steered(b, N));
	assert_int_equal(hwf_query(b->r->h, 0, flow[14], &count, &q, &b->error), 0);
	assert_int_equal(q.hits, 1);
	for (i = 0; i < N; i += 2) {
		assert_int_equal(destroy(b, 0, flow[i], i + 1), 0);
		assert_int_equal(pull(b, 0, 1, i + 1), 1);
	}
	for (i = 0; i < N; i += 11)
		assert_int_equal(steered(b, i), i % 2);
	assert_int_equal(hwf_flush(b->r->h, 0, &b->error), 0);
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, 0);
	assert_int_equal(stats.counters, 0);
	assert_int_equal(hwf_table_destroy(b->r->h, 0, b->table, &b->error), 0);
	free(flow);
	bed_free(b);
}

static void
test_postpone_and_full(void **state)
{
	struct bed *b = bed_new(8, 100, 0);
	uint32_t i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_non_null(create(b, 1, i, true));
	assert_null(create(b, 1, 8, true));
	assert_int_equal(rte_errno, EAGAIN);
	/* Nothing was pushed: nothing is there, and nothing to hear of. */
	assert_false(steered(b, 0));
	assert_int_equal(pull(b, 1, PULL, 1), 0);
	assert_int_equal(hwf_push(b->r->h, 0, 1, &b->error), 0);
	assert_true(steered(b, 7));
	/* Still full until it is pulled. */
	assert_null(create(b, 1, 8, true));
	assert_int_equal(pull(b, 1, 3, 1), 3);
	assert_non_null(create(b, 1, 8, true));
	/* One that is not postponed takes those before it along. */
	assert_false(steered(b, 8));
	assert_non_null(create(b, 1, 9, false));
	assert_true(steered(b, 8));
	assert_int_equal(pull(b, 1, PULL, 4), 7);
	assert_int_equal(pull(b, 0, PULL, 1), 0);
	bed_free(b);
}

/* 100 cycles a command: a packet sees a rule from the cycle on in which its command is over, not before, and is heard of then. */
static void
test_time(void **state)
{
	struct bed *b = bed_new(64, 100, 0);
	struct rte_flow *flow[10];
	const sim_cycle from = b->r->now;
	uint32_t i;

	(void)state;
	b->r->timed = true;
	for (i = 0; i < 10; i++)
		assert_non_null(flow[i] = create(b, 0, i, false));
	assert_false(steered(b, 0));
	assert_int_equal(pull(b, 0, PULL, 1), 0);
	rig_advance(b->r, from + 99);
	assert_false(steered(b, 0));
	rig_advance(b->r, from + 100);
	assert_true(steered(b, 0));
	assert_false(steered(b, 1));
	assert_int_equal(pull(b, 0, PULL, 1), 1);
	rig_advance(b->r, from + 950);
	assert_true(steered(b, 8));
	assert_false(steered(b, 9));
	assert_int_equal(pull(b, 0, PULL, 2), 8);
	/* A rule is destroyed behind its own creation; it is seen for 100 cycles, though nothing was pulled in between. */
	assert_int_equal(destroy(b, 1, flow[9], 0), -EBUSY);
	assert_int_equal(destroy(b, 0, flow[9], 11), 0);
	rig_advance(b->r, from + 1000);
	assert_true(steered(b, 9));
	rig_advance(b->r, from + 1099);
	assert_true(steered(b, 9));
	rig_advance(b->r, from + 1100);
	assert_false(steered(b, 9));
	assert_int_equal(pull(b, 0, PULL, 10), 2);
	bed_free(b);
}

/* A short command queue: what it does not take waits in the flow queue and is sent when it does. */
static void
test_command_queue_full(void **state)
{
	struct bed *b = bed_new(64, 100, 0);
	uint32_t i, done = 0;

	(void)state;
	b->r->timed = true;
	b->r->depth = 4;
	for (i = 0; i < 20; i++)
		assert_non_null(create(b, 0, i, false));
	for (i = 0; i < 100 && done < 20; i++) {
		rig_advance(b->r, b->r->now + 100);
		done += pull(b, 0, PULL, done + 1);
		assert_true(done <= i + 1);
	}
	assert_int_equal(done, 20);
	for (i = 0; i < 20; i++)
		assert_true(steered(b, i));
	bed_free(b);
}

/* Ports close and rules are flushed while commands are under way: they find nothing to do, and nothing is lost. */
static void
test_gone_under_way(void **state)
{
	struct bed *b = bed_new(64, 100, 0);
	struct sim_steer_stats stats;
	struct rte_flow *flow;
	uint32_t i;

	(void)state;
	b->r->timed = true;
	for (i = 0; i < 10; i++)
		assert_non_null(flow = create(b, 0, i, false));
	assert_int_equal(destroy(b, 0, flow, 11), 0);
	assert_int_equal(hwf_flush(b->r->h, 0, &b->error), 0);
	rig_advance(b->r, b->r->now + 500);
	assert_int_equal(pull(b, 0, PULL, 1), 5);
	for (i = 20; i < 30; i++)
		assert_non_null(create(b, 1, i, i % 2));
	hwf_port_close(b->r->h, 0);
	rig_advance(b->r, b->r->now + 10000);
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, 0);
	assert_int_equal(stats.counters, 0);
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
	rule.table = table(b, 1);
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

static void
test_indirect(void **state)
{
	struct bed *b = bed_new(64, 10, 0);
	const struct rte_flow_indir_action_conf conf = { .ingress = 1 };
	const struct rte_flow_op_attr attr = { 0 };
	struct hwf_async_rule op = { .queue = 1, .attr = &attr, .user_data = (void *)1 };
	struct rte_flow_action_conntrack ct = { .enable = 1, .is_original_dir = 1 }, out = { 0 };
	const struct rte_flow_action action = { .type = RTE_FLOW_ACTION_TYPE_CONNTRACK,
		.conf = &ct };
	struct rte_flow_modify_conntrack modify = { .state = 1 };
	struct rte_flow_action_handle *handle;
	struct hwf *h = b->r->h;

	(void)state;
	b->r->timed = true;
	handle = hwf_async_indirect_create(h, 0, &op, &conf, &action, &b->error);
	assert_non_null(handle);
	modify.new_ct = ct;
	modify.new_ct.last_seq = 4711;
	op.user_data = (void *)2;
	assert_int_equal(hwf_async_indirect_update(h, 0, &op, handle, &modify, &b->error), 0);
	op.user_data = (void *)3;
	assert_int_equal(hwf_async_indirect_query(h, 0, &op, handle, &out, &b->error), 0);
	/* Operations are under way. */
	op.user_data = (void *)4;
	assert_int_equal(hwf_async_indirect_destroy(h, 0, &op, handle, &b->error), -EBUSY);
	assert_int_equal(hwf_indirect_destroy(h, 0, handle, &b->error), -EBUSY);
	rig_advance(b->r, b->r->now + 100);
	assert_int_equal(pull(b, 1, PULL, 1), 1);
	assert_int_equal(hwf_indirect_query(h, 0, handle, &out, &b->error), 0);
	assert_int_equal(out.last_seq, 0);
	out.enable = 0;
	rig_advance(b->r, b->r->now + 200);
	assert_int_equal(out.enable, 0);
	assert_int_equal(pull(b, 1, PULL, 2), 2);
	assert_int_equal(out.enable, 1);
	assert_int_equal(out.last_seq, 4711);
	assert_int_equal(hwf_async_indirect_destroy(h, 0, &op, handle, &b->error), 0);
	assert_int_equal(hwf_async_indirect_destroy(h, 0, &op, handle, &b->error), -EBUSY);
	assert_int_equal(hwf_async_indirect_update(h, 0, &op, handle, NULL, &b->error), -EINVAL);
	rig_advance(b->r, b->r->now + 100);
	assert_int_equal(pull(b, 1, PULL, 4), 1);
	assert_int_equal(hwf_indirect_query(h, 0, handle, &out, &b->error), -ENOENT);
	bed_free(b);
}

/* Updates that nobody pulls do not leak when the port goes (ASan). */
static void
test_update_unpulled(void **state)
{
	struct bed *b = bed_new(64, 10, 0);
	const struct rte_flow_indir_action_conf conf = { .ingress = 1 };
	const uint16_t queue = 1;
	const struct rte_flow_action_rss rss = { .queue = &queue, .queue_num = 1 };
	const struct rte_flow_action action = { .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss };
	const struct rte_flow_op_attr attr = { .postpone = 1 };
	const struct hwf_async_rule op = { .attr = &attr };
	struct rte_flow_action_handle *handle;

	(void)state;
	handle = hwf_indirect_create(b->r->h, 0, &conf, &action, &b->error);
	assert_non_null(handle);
	assert_int_equal(hwf_async_indirect_update(b->r->h, 0, &op, handle, &action, &b->error), 0);
	assert_int_equal(hwf_async_indirect_update(b->r->h, 0, &op, handle, &action, &b->error), 0);
	bed_free(b);
}

/* Strict queues: rules belong to a queue, and what has aged is told there alone. */
static void
test_strict_queue(void **state)
{
	struct bed *b = bed_new(64, 10, RTE_FLOW_PORT_FLAG_STRICT_QUEUE);
	const struct rte_flow_actions_template_attr ingress = { .ingress = 1 };
	const sim_cycle second = (sim_cycle)b->r->profile.clock_mhz * 1000000;
	int told;
	const struct rte_flow_action_age age = { .timeout = 2, .context = &told };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_AGE, .conf = &age },
		{ .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_op_attr attr = { 0 };
	struct hwf_async_rule rule = { .queue = 1, .attr = &attr, .actions = actions };
	struct rte_flow *flow;
	struct rig_tuple t;
	void *context[4] = { NULL };

	(void)state;
	b->actions = hwf_actions_template_create(b->r->h, 0, &ingress, actions, actions, &b->error);
	assert_non_null(b->actions);
	rule.table = table(b, 2);
	assert_non_null(rule.table);
	rig_tuple(&t, &(struct rig_flow){ 1, 2, 3, 4 });
	rule.pattern = t.item;
	flow = hwf_async_create(b->r->h, 0, &rule, &b->error);
	assert_non_null(flow);
	assert_int_equal(pull(b, 1, 1, 0), 1);
	assert_int_equal(destroy(b, 0, flow, 0), -EINVAL);
	rig_advance(b->r, b->r->now + 3 * second);
	hwf_tick(b->r->h);
	assert_int_equal(hwf_get_queue_aged(b->r->h, 0, 0, context, 4, &b->error), 0);
	assert_int_equal(hwf_get_queue_aged(b->r->h, 0, 1, NULL, 0, &b->error), 1);
	assert_int_equal(hwf_get_queue_aged(b->r->h, 0, 1, context, 4, &b->error), 1);
	assert_ptr_equal(context[0], &told);
	assert_int_equal(hwf_get_queue_aged(b->r->h, 0, 1, context, 4, &b->error), 0);
	assert_int_equal(hwf_get_queue_aged(b->r->h, 0, 9, context, 4, &b->error), -EINVAL);
	bed_free(b);
}

/* Two threads, a queue each, while packets run in a third place: the main thread. */
struct worker {
	struct bed b;
	uint32_t queue, first, n;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	uint32_t i, posted = 0, done = 0;
	struct rte_flow **flow = calloc(w->n, sizeof(*flow));
	struct rte_flow_op_result res[PULL];
	int n;

	while (done < w->n) {
		for (; posted < w->n && posted - done < 100; posted++) {
			flow[posted] = create(&w->b, w->queue, w->first + posted, posted % 8);
			if (flow[posted] == NULL)
				goto out;
		}
		hwf_push(w->b.r->h, 0, w->queue, NULL);
		n = hwf_pull(w->b.r->h, 0, w->queue, res, PULL, NULL);
		for (i = 0; n > 0 && i < (uint32_t)n; i++)
			if (res[i].user_data != (void *)(uintptr_t)(w->first + ++done))
				goto out;
	}
	for (i = 0; i < w->n; i += 2) {
		if (destroy(&w->b, w->queue, flow[i], 1) != 0 ||
				hwf_pull(w->b.r->h, 0, w->queue, res, 1, NULL) != 1)
			goto out;
	}
	free(flow);
	return NULL;
out:
	free(flow);
	return w;
}

static void
test_threads(void **state)
{
	enum { N = 5000 };
	struct bed *b = bed_new(256, 2 * N, 0);
	struct worker w[2];
	pthread_t thread[2];
	struct sim_steer_stats stats;
	void *failed;
	uint32_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		w[i] = (struct worker){ .b = *b, .queue = i, .first = i * N, .n = N };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (i = 0; i < 2000; i++)
		steered(b, i);
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, N);
	for (i = 0; i < 2 * N; i += 13)
		assert_int_equal(steered(b, i), i % 2);
	bed_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_templates_refused),
		cmocka_unit_test(test_rules_refused),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_postpone_and_full),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_command_queue_full),
		cmocka_unit_test(test_gone_under_way),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_update_unpulled),
		cmocka_unit_test(test_strict_queue),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
