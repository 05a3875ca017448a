/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See test_hwf_bed.h.
 */
#include "test_hwf_bed.h"

#include <stdlib.h>

int
bed_configure(struct rig *r, uint32_t queues, uint32_t size, const struct rte_flow_port_attr *attr,
		struct rte_flow_error *error)
{
	const struct rte_flow_queue_attr q = { .size = size };
	const struct rte_flow_queue_attr *list[HWF_QUEUES_MAX + 1];
	uint32_t i;

	for (i = 0; i < HWF_QUEUES_MAX + 1; i++)
		list[i] = &q;
	return hwf_configure(r->h, 0, attr, (uint16_t)queues, list, error);
}

struct rte_flow_template_table *
bed_table(struct bed *b, uint32_t nb_flows)
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

void
bed_templates(struct bed *b)
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

struct bed *
bed_new(uint32_t queue_size, uint32_t nb_flows, uint32_t flags)
{
	const struct rte_flow_port_attr attr = { .flags = flags };
	struct bed *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->r = rig_new(NULL);
	assert_int_equal(bed_configure(b->r, 2, queue_size, &attr, &b->error), 0);
	bed_templates(b);
	b->table = bed_table(b, nb_flows);
	if (b->table == NULL)
		fail_msg("%s", b->error.message);
	return b;
}

void
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

struct rte_flow *
bed_create(struct bed *b, uint32_t queue, uint32_t i, bool postpone)
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

int
bed_destroy(struct bed *b, uint32_t queue, struct rte_flow *flow, uintptr_t user_data)
{
	const struct rte_flow_op_attr attr = { 0 };
	const struct hwf_async_rule op = {
		.queue = queue, .attr = &attr, .user_data = (void *)user_data
	};

	return hwf_async_destroy(b->r->h, 0, &op, flow, &b->error);
}

uint32_t
bed_pull(struct bed *b, uint32_t queue, uint32_t most, uintptr_t from)
{
	struct rte_flow_op_result res[BED_PULL];
	int n, i;

	n = hwf_pull(b->r->h, 0, queue, res, (uint16_t)(most < BED_PULL ? most : BED_PULL),
			&b->error);
	assert_true(n >= 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(res[i].status, RTE_FLOW_OP_SUCCESS);
		assert_int_equal((uintptr_t)res[i].user_data, from + (uintptr_t)i);
	}
	return (uint32_t)n;
}

bool
bed_steered(struct bed *b, uint32_t i)
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
