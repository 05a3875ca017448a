/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls in any order, with handles that live, that are gone and that never were, while commands are under way: whatever is
 * answered, nothing is lost, nothing stays, and (with ASan) nothing is touched that is gone.
 */
#include "test_hwf_bed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#define SLOTS 64
#define STEPS 60000

struct chaos {
	struct bed *b;
	uint64_t seed;
	struct rte_flow *flow[SLOTS], *sync[SLOTS];
	struct rte_flow_action_handle *handle[SLOTS];
	struct rte_flow_action *action[SLOTS];
	struct rte_flow_item *item[SLOTS];
	uint32_t ok, refused;
};

static uint32_t
draw(struct chaos *c, uint32_t n)
{
	c->seed = c->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(c->seed >> 33) % n;
}

static void
count(struct chaos *c, bool ok)
{
	c->ok += ok;
	c->refused += !ok;
}

static void
step_rule(struct chaos *c)
{
	struct bed *b = c->b;
	const uint32_t i = draw(c, SLOTS), queue = draw(c, 2);
	const struct rte_flow_op_attr attr = { .postpone = draw(c, 2) };
	const struct hwf_async_rule op = { .queue = queue, .attr = &attr };
	struct rte_flow *flow;

	if (draw(c, 2)) {
		flow = bed_create(b, queue, draw(c, 1000), attr.postpone);
		count(c, flow != NULL);
		if (flow != NULL)
			c->flow[i] = flow;
	} else {
		count(c, hwf_async_destroy(b->r->h, 0, &op, c->flow[i], &b->error) == 0);
	}
}

/* Synchronous, with a handle of whatever kind, a meter or a tunnel. */
static void
step_sync(struct chaos *c)
{
	struct bed *b = c->b;
	const uint32_t i = draw(c, SLOTS);
	const struct rte_flow_attr attr = { .ingress = 1, .group = draw(c, 3) };
	const struct rte_flow_action_queue queue = { .index = 1 };
	const struct rte_flow_action_jump jump = { .group = 2 };
	const struct rte_flow_action_meter meter = { .mtr_id = draw(c, 4) };
	const struct rte_flow_action first[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_INDIRECT, .conf = c->handle[draw(c, SLOTS)] },
		{ .type = RTE_FLOW_ACTION_TYPE_METER, .conf = &meter },
		c->action[i] != NULL ? *c->action[i] : (struct rte_flow_action){ 0 },
	};
	const struct rte_flow_action actions[] = {
		first[draw(c, 3)],
		{ .type = draw(c, 2) ? RTE_FLOW_ACTION_TYPE_JUMP : RTE_FLOW_ACTION_TYPE_VOID,
				.conf = &jump },
		{ .type = draw(c, 2) ? RTE_FLOW_ACTION_TYPE_QUEUE : RTE_FLOW_ACTION_TYPE_VOID,
				.conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rig_flow f = { draw(c, 50), 2, 3, 4 };
	struct rte_flow *flow;
	struct rig_tuple t;

	if (draw(c, 2)) {
		count(c, hwf_destroy(b->r->h, 0, c->sync[i], &b->error) == 0);
		return;
	}
	rig_tuple(&t, &f);
	if (c->item[i] != NULL && draw(c, 4) == 0)
		t.item[0] = *c->item[i];
	flow = hwf_create(b->r->h, 0, &attr, t.item, actions, &b->error);
	count(c, flow != NULL);
	if (flow != NULL)
		c->sync[i] = flow;
}

static void
step_handle(struct chaos *c)
{
	struct hwf *h = c->b->r->h;
	struct rte_flow_error *error = &c->b->error;
	const struct rte_flow_indir_action_conf conf = { .ingress = draw(c, 2) };
	const struct rte_flow_op_attr attr = { .postpone = draw(c, 2) };
	const struct hwf_async_rule op = { .queue = draw(c, 2), .attr = &attr };
	const uint16_t queue = (uint16_t)draw(c, RIG_QUEUES + 1);
	const struct rte_flow_action_rss rss = { .queue = &queue, .queue_num = 1 };
	const struct rte_flow_action_age age = { .timeout = 1 };
	const struct rte_flow_action_conntrack ct = { .enable = 1 };
	const struct rte_flow_action kind[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_AGE, .conf = &age },
		{ .type = RTE_FLOW_ACTION_TYPE_CONNTRACK, .conf = &ct },
		{ .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss },
	};
	const struct rte_flow_action *action = &kind[draw(c, 4)];
	const struct rte_flow_modify_conntrack modify = { .new_ct = ct, .direction = 1 };
	static struct rte_flow_action_conntrack
			answer; /* the largest of the answers; late ones, too */
	struct rte_flow_action_handle **at = &c->handle[draw(c, SLOTS)], *made = NULL;

	switch (draw(c, 8)) {
	case 0:
		made = hwf_indirect_create(h, 0, &conf, action, error);
		break;
	case 1:
		made = hwf_async_indirect_create(h, 0, &op, &conf, action, error);
		break;
	case 2:
		count(c, hwf_indirect_destroy(h, 0, *at, error) == 0);
		break;
	case 3:
		count(c, hwf_async_indirect_destroy(h, 0, &op, *at, error) == 0);
		break;
	case 4:
		count(c, hwf_indirect_query(h, 0, *at, &answer, error) == 0);
		break;
	case 5:
		count(c, hwf_async_indirect_query(h, 0, &op, *at, &answer, error) == 0);
		break;
	case 6:
		/* Long enough for each type to be read as its own update. */
		count(c, hwf_indirect_update(h, 0, *at, &modify, error) == 0);
		break;
	default:
		count(c, hwf_async_indirect_update(h, 0, &op, *at, &modify, error) == 0);
		break;
	}
	if (made != NULL)
		*at = made;
}

static void
step_tunnel(struct chaos *c)
{
	struct hwf *h = c->b->r->h;
	struct rte_flow_error *error = &c->b->error;
	const uint32_t i = draw(c, SLOTS);
	struct rte_flow_tunnel t = { .type = RTE_FLOW_ITEM_TYPE_VXLAN, .tun_id = draw(c, 5) };
	struct rte_flow_restore_info info;
	uint32_t n;

	switch (draw(c, 5)) {
	case 0:
		count(c, hwf_tunnel_decap_set(h, 0, &t, &c->action[i], &n, error) == 0);
		break;
	case 1:
		count(c, hwf_tunnel_match(h, 0, &t, &c->item[i], &n, error) == 0);
		break;
	case 2:
		count(c, hwf_tunnel_action_release(h, 0, c->action[i], 1, error) == 0);
		c->action[i] = NULL;
		break;
	case 3:
		count(c, hwf_tunnel_item_release(h, 0, c->item[i], 1, error) == 0);
		c->item[i] = NULL;
		break;
	default:
		count(c, hwf_restore_info(h, 0, draw(c, UINT32_MAX), &info, error) == 0);
		break;
	}
}

static void
step_meter(struct chaos *c)
{
	struct hwf *h = c->b->r->h;
	const struct rte_flow_action_queue queue = { .index = 2 };
	const struct rte_flow_action fate[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_mtr_meter_policy_params policy = { { draw(c, 2) ? fate : NULL, NULL, NULL } };
	struct rte_mtr_meter_profile profile = {
		.alg = (enum rte_mtr_algorithm)draw(c, 4),
		.srtcm_rfc2697 = { 1000, 1000, draw(c, 2) },
	};
	const uint32_t id = draw(c, 4), other = draw(c, 4);
	struct rte_mtr_params params = { .meter_profile_id = other, .meter_policy_id = draw(c, 4) };
	struct rte_mtr_stats stats;
	const struct hwf_mtr_read read = { .stats = &stats };
	struct rte_mtr_error error;

	switch (draw(c, 10)) {
	case 0:
		count(c, hwf_mtr_profile_add(h, 0, id, &profile, &error) == 0);
		break;
	case 1:
		count(c, hwf_mtr_profile_delete(h, 0, id, &error) == 0);
		break;
	case 2:
		count(c, hwf_mtr_policy_add(h, 0, id, &policy, &error) == 0);
		break;
	case 3:
		count(c, hwf_mtr_policy_delete(h, 0, id, &error) == 0);
		break;
	case 4:
	case 5:
		count(c, hwf_mtr_create(h, 0, id, &params, (int)draw(c, 2), &error) == 0);
		break;
	case 6:
		count(c, hwf_mtr_destroy(h, 0, id, &error) == 0);
		break;
	case 7:
		count(c, hwf_mtr_profile_update(h, 0, id, other, &error) == 0);
		break;
	case 8:
		count(c, hwf_mtr_policy_update(h, 0, id, other, &error) == 0);
		break;
	default:
		count(c, hwf_mtr_stats_read(h, 0, id, &read, &error) == 0);
		break;
	}
}

static void
step_time(struct chaos *c)
{
	struct bed *b = c->b;
	struct rte_flow_op_result res[8];
	struct rig_packet p;
	const struct rig_flow f = { draw(c, 50), 2, 3, 4 };

	switch (draw(c, 40)) {
	case 0:
		count(c, hwf_flush(b->r->h, 0, &b->error) == 0);
		break;
	case 1:
		hwf_tick(b->r->h);
		break;
	case 2:
		b->r->timed = draw(c, 4) != 0;
		break;
	case 3:
		if (draw(c, 10))
			break;
		/* Handles of before are gone, queues and templates with them. */
		hwf_port_close(b->r->h, 0);
		assert_int_equal(bed_configure(b->r, 2, 64, &(struct rte_flow_port_attr){ 0 },
						 &b->error),
				0);
		bed_templates(b);
		b->table = bed_table(b, 200);
		assert_non_null(b->table);
		memset(c->action, 0, sizeof(c->action));
		memset(c->item, 0, sizeof(c->item));
		break;
	default:
		rig_advance(b->r, b->r->now + draw(c, 300));
		rig_tcp(&p, &f, 0);
		rig_run(b->r, &p, 0);
		hwf_push(b->r->h, 0, draw(c, 2), &b->error);
		count(c, hwf_pull(b->r->h, 0, draw(c, 2), res, 8, &b->error) >= 0);
		break;
	}
}

static void
nothing_left(const struct hwf *h)
{
	uint32_t i;

	assert_int_equal(h->flows.used, 0);
	assert_int_equal(h->extras.used, 0);
	assert_int_equal(h->handles.used, 0);
	assert_int_equal(h->tunnels.used, 0);
	for (i = 0; i < HWF_QUOTAS; i++)
		assert_int_equal(h->port[0].used[i], 0);
	for (i = 0; i < HWF_GROUPS_OWN; i++)
		assert_int_equal(h->own[i].kind, 0);
}

static void
run(uint64_t seed)
{
	void (*const step[])(struct chaos * c) = { step_rule, step_rule, step_sync, step_handle,
		step_handle, step_tunnel, step_meter, step_time, step_time };
	struct chaos c = { .b = bed_new(64, 200, 0), .seed = seed };
	struct sim_steer_stats stats;
	uint32_t i;

	c.b->r->timed = true;
	for (i = 0; i < STEPS; i++)
		step[draw(&c, sizeof(step) / sizeof(step[0]))](&c);
	/* Both were at work. */
	assert_true(c.ok > STEPS / 10);
	assert_true(c.refused > STEPS / 10);
	hwf_port_close(c.b->r->h, 0);
	rig_advance(c.b->r, c.b->r->now + 1000000);
	sim_steer_stats(c.b->r->steer, &stats);
	assert_int_equal(stats.rules, 0);
	assert_int_equal(stats.counters, 0);
	assert_int_equal(stats.ages, 0);
	assert_int_equal(stats.cts, 0);
	assert_int_equal(stats.meters, 0);
	nothing_left(c.b->r->h);
	bed_free(c.b);
}

static void
test_any_order(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++)
		run(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
