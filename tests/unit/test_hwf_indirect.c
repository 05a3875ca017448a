/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Indirect actions: connections both ways, lives of handles, who may go when, handles that are none.
 */
#include "test_hwf_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

static const struct rte_flow_indir_action_conf ingress = { .ingress = 1 };

static uint64_t
draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 24;
}

static void
draw_ct(struct rte_flow_action_conntrack *ct, uint64_t *seed)
{
	uint8_t *b = (uint8_t *)ct;
	size_t i;

	memset(ct, 0, sizeof(*ct));
	for (i = 0; i < sizeof(*ct); i++)
		b[i] = (uint8_t)draw(seed);
	ct->state = (enum rte_flow_conntrack_state)(draw(seed) % 6);
	ct->last_index = (enum rte_flow_conntrack_tcp_last_index)(
			draw(seed) % 2 ? 1u << draw(seed) % 5 : 0);
}

static bool
same_dir(const struct rte_flow_tcp_dir_param *a, const struct rte_flow_tcp_dir_param *b)
{
	return a->scale == b->scale && a->close_initiated == b->close_initiated &&
			a->last_ack_seen == b->last_ack_seen &&
			a->data_unacked == b->data_unacked && a->sent_end == b->sent_end &&
			a->reply_end == b->reply_end && a->max_win == b->max_win &&
			a->max_ack == b->max_ack;
}

/* Padding and reserved bits may differ, members may not. */
static bool
same_ct(const struct rte_flow_action_conntrack *a, const struct rte_flow_action_conntrack *b)
{
	return a->peer_port == b->peer_port && a->is_original_dir == b->is_original_dir &&
			a->enable == b->enable && a->live_connection == b->live_connection &&
			a->selective_ack == b->selective_ack &&
			a->challenge_ack_passed == b->challenge_ack_passed &&
			a->last_direction == b->last_direction &&
			a->liberal_mode == b->liberal_mode && a->state == b->state &&
			a->max_ack_window == b->max_ack_window &&
			a->retransmission_limit == b->retransmission_limit &&
			a->last_window == b->last_window && a->last_index == b->last_index &&
			a->last_seq == b->last_seq && a->last_ack == b->last_ack &&
			a->last_end == b->last_end &&
			same_dir(&a->original_dir, &b->original_dir) &&
			same_dir(&a->reply_dir, &b->reply_dir);
}

static void
test_ct_both_ways(void **state)
{
	struct rte_flow_action_conntrack in, out;
	uint64_t seed = 7;
	struct sim_ct ct;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		draw_ct(&in, &seed);
		hwf_ct_from_rte(&in, &ct);
		hwf_ct_to_rte(&ct, !in.is_original_dir, &out);
		assert_true(same_ct(&in, &out));
	}
}

static struct rte_flow_action_handle *
make(struct rig *r, enum rte_flow_action_type type, const void *conf)
{
	const struct rte_flow_action action = { .type = type, .conf = conf };
	struct rte_flow_error error = { 0 };
	struct rte_flow_action_handle *handle;

	handle = hwf_indirect_create(r->h, 0, &ingress, &action, &error);
	if (handle == NULL)
		fail_msg("%s", error.message);
	return handle;
}

static struct rte_flow *
use(struct rig *r, const struct rig_flow *f, struct rte_flow_action_handle *handle,
		struct rte_flow_error *error)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_queue queue = { .index = 3 };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_INDIRECT, .conf = handle },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rig_tuple t;

	rig_tuple(&t, f);
	return hwf_create(r->h, 0, &attr, t.item, actions, error);
}

static void
test_count(void **state)
{
	struct rig *r = *state;
	const struct rig_flow a = { 1, 2, 3, 4 }, b = { 1, 2, 3, 5 };
	struct rte_flow_action_handle *handle = make(r, RTE_FLOW_ACTION_TYPE_COUNT, NULL);
	struct rte_flow_query_count q = { .reset = 1 };
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow[2];
	struct rig_packet p;

	flow[0] = use(r, &a, handle, &error);
	flow[1] = use(r, &b, handle, &error);
	assert_non_null(flow[0]);
	assert_non_null(flow[1]);
	rig_tcp(&p, &a, 100);
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
	assert_int_equal(p.pkt.dest.queue, 3);
	rig_tcp(&p, &b, 100);
	rig_run(r, &p, 0);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), 0);
	assert_int_equal(q.hits, 2);
	assert_int_equal(q.bytes, 2 * (54 + 100));
	assert_true(q.hits_set && q.bytes_set);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), 0);
	assert_int_equal(q.hits, 0);

	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), -EBUSY);
	assert_ptr_equal(error.cause, handle);
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_ACTION);
	assert_int_equal(hwf_destroy(r->h, 0, flow[0], &error), 0);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), -EBUSY);
	assert_int_equal(hwf_destroy(r->h, 0, flow[1], &error), 0);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), 0);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), -ENOENT);
}

static void
test_age(void **state)
{
	struct rig *r = *state;
	const struct rig_flow f = { 1, 2, 3, 4 };
	int told;
	const struct rte_flow_action_age conf = { .timeout = 10, .context = &told };
	const sim_cycle second = (sim_cycle)r->profile.clock_mhz * 1000000;
	struct rte_flow_action_handle *handle = make(r, RTE_FLOW_ACTION_TYPE_AGE, &conf);
	struct rte_flow_update_age update = { .touch = 1 };
	struct rte_flow_query_age q;
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow = use(r, &f, handle, &error);
	struct rig_packet p;
	void *context = NULL;

	assert_non_null(flow);
	rig_advance(r, r->now + 8 * second);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), 0);
	assert_int_equal(q.aged, 0);
	assert_int_equal(q.sec_since_last_hit, 8);
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &update, &error), 0);
	rig_advance(r, r->now + 4 * second);
	rig_tcp(&p, &f, 0);
	rig_run(r, &p, 0);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), 0);
	assert_int_equal(q.sec_since_last_hit, 0);
	update = (struct rte_flow_update_age){ .timeout_valid = 1, .timeout = 2 };
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &update, &error), 0);
	rig_advance(r, r->now + 3 * second);
	hwf_tick(r->h);
	assert_int_equal(r->aged[0], 1);
	assert_int_equal(hwf_get_aged(r->h, 0, &context, 1, &error), 1);
	assert_ptr_equal(context, &told);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), 0);
	assert_int_equal(q.aged, 1);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &error), 0);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), 0);
}

static void
test_ct(void **state)
{
	struct rig *r = *state;
	struct rte_flow_action_conntrack in, out;
	struct rte_flow_modify_conntrack modify = { 0 };
	struct rte_flow_action_handle *handle;
	struct rte_flow_error error = { 0 };
	uint64_t seed = 3;

	draw_ct(&in, &seed);
	in.is_original_dir = 1;
	handle = make(r, RTE_FLOW_ACTION_TYPE_CONNTRACK, &in);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &out, &error), 0);
	assert_true(same_ct(&in, &out));
	/* Neither: a mistake. Direction alone: nothing else changes. */
	draw_ct(&modify.new_ct, &seed);
	modify.new_ct.is_original_dir = 0;
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &modify, &error), -EINVAL);
	modify.direction = 1;
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &modify, &error), 0);
	in.is_original_dir = 0;
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &out, &error), 0);
	assert_true(same_ct(&in, &out));
	/* State alone: the direction stays. */
	modify.direction = 0;
	modify.state = 1;
	modify.new_ct.is_original_dir = 1;
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &modify, &error), 0);
	in = modify.new_ct;
	in.is_original_dir = 0;
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &out, &error), 0);
	assert_true(same_ct(&in, &out));
	modify.new_ct.state = (enum rte_flow_conntrack_state)17;
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &modify, &error), -EINVAL);
	assert_ptr_equal(error.cause, &modify.new_ct.state);
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, NULL, &error), -EINVAL);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), 0);
}

/* The window is tracked by rules of both directions behind one handle; the direction is that at the rule's creation. */
static void
test_ct_packets(void **state)
{
	struct rig *r = *state;
	const struct rig_flow there = { 1, 2, 3, 4 }, back = { 2, 1, 4, 3 };
	struct rte_flow_action_conntrack ct = {
		.is_original_dir = 1,
		.enable = 1,
		.state = RTE_FLOW_CONNTRACK_STATE_ESTABLISHED,
		.max_ack_window = 7,
		.retransmission_limit = 5,
		.original_dir = { .scale = 7,
				.sent_end = 0,
				.reply_end = 0xffff,
				.max_win = 0xffff },
		.reply_dir = { .scale = 7, .sent_end = 0, .reply_end = 0xffff, .max_win = 0xffff },
		.live_connection = 1,
	};
	struct rte_flow_modify_conntrack modify = { .direction = 1 };
	struct rte_flow_action_handle *handle = make(r, RTE_FLOW_ACTION_TYPE_CONNTRACK, &ct);
	struct rte_flow_action_conntrack out;
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow[2];
	struct rig_packet p;

	flow[0] = use(r, &there, handle, &error);
	if (flow[0] == NULL)
		fail_msg("%s", error.message);
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &modify, &error), 0);
	flow[1] = use(r, &back, handle, &error);
	assert_non_null(flow[1]);
	rig_tcp(&p, &there, 100);
	rig_run(r, &p, 0);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &out, &error), 0);
	assert_int_equal(out.original_dir.sent_end, 100);
	assert_int_equal(out.last_direction, 1);
	rig_tcp(&p, &back, 60);
	rig_run(r, &p, 0);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &out, &error), 0);
	assert_int_equal(out.original_dir.sent_end, 100);
	assert_int_equal(out.reply_dir.sent_end, 60);
	assert_int_equal(out.last_direction, 0);
	assert_int_equal(hwf_destroy(r->h, 0, flow[0], &error), 0);
	assert_int_equal(hwf_destroy(r->h, 0, flow[1], &error), 0);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), 0);
}

static void
test_rss(void **state)
{
	struct rig *r = *state;
	const uint16_t queues[] = { 1, 5 }, other[] = { 2 };
	struct rte_flow_action_rss conf = { .queue = queues, .queue_num = 2 };
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rig_flow f = { 9, 8, 7, 6 };
	struct rte_flow_action_handle *handle = make(r, RTE_FLOW_ACTION_TYPE_RSS, &conf);
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_INDIRECT, .conf = handle },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_action update = { .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &conf };
	struct rte_flow_query_count q;
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow;
	struct rig_tuple t;
	struct rig_packet p;

	rig_tuple(&t, &f);
	flow = hwf_create(r->h, 0, &attr, t.item, actions, &error);
	if (flow == NULL)
		fail_msg("%s", error.message);
	rig_tcp(&p, &f, 0);
	rig_run(r, &p, 0);
	assert_true(p.pkt.dest.queue == 1 || p.pkt.dest.queue == 5);
	conf.queue = other;
	conf.queue_num = 1;
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &update, &error), 0);
	rig_tcp(&p, &f, 0);
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.queue, 2);
	update.type = RTE_FLOW_ACTION_TYPE_QUEUE;
	assert_int_equal(hwf_indirect_update(r->h, 0, handle, &update, &error), -EINVAL);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), -ENOTSUP);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &error), 0);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), 0);
}

static void
test_refused(void **state)
{
	struct rig *r = *state;
	const struct rte_flow_action_queue queue = { .index = 1 };
	struct rte_flow_action action = { .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue };
	struct rte_flow_action_conntrack ct = { .last_index = 3 };
	struct rte_flow_error error = { 0 };

	assert_null(hwf_indirect_create(r->h, 0, &ingress, &action, &error));
	assert_int_equal(rte_errno, ENOTSUP);
	assert_ptr_equal(error.cause, &action);
	action = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_AGE };
	assert_null(hwf_indirect_create(r->h, 0, &ingress, &action, &error));
	assert_int_equal(rte_errno, EINVAL);
	action = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_CONNTRACK, .conf = &ct };
	assert_null(hwf_indirect_create(r->h, 0, &ingress, &action, &error));
	assert_ptr_equal(error.cause, &ct.last_index);
}

static void
test_room(void **state)
{
	static const char *const small[] = { "objects.counters=3", NULL };
	struct rig *r = rig_new(small);
	const struct rte_flow_action count = { .type = RTE_FLOW_ACTION_TYPE_COUNT };
	struct rte_flow_error error = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_non_null(hwf_indirect_create(r->h, 0, &ingress, &count, &error));
	assert_null(hwf_indirect_create(r->h, 0, &ingress, &count, &error));
	assert_int_equal(rte_errno, ENOSPC);
	assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_ACTION);
	rig_free(r);
}

/* Pointers that are no handles: of another port, gone, in the middle of one, anywhere. */
static void
test_stale(void **state)
{
	struct rig *r = *state;
	struct rte_flow_action_handle *handle = make(r, RTE_FLOW_ACTION_TYPE_COUNT, NULL);
	struct rte_flow_action_handle *bad[] = { NULL, (void *)1, (void *)((uint8_t *)handle + 8),
		(void *)r, (void *)((uint8_t *)handle - 4096), (void *)((uint8_t *)handle + 64) };
	const struct rig_flow f = { 1, 2, 3, 4 };
	struct rte_flow_query_count q = { 0 };
	struct rte_flow_error error = { 0 };
	size_t i;

	assert_int_equal(hwf_indirect_query(r->h, 1, handle, &q, &error), -ENOENT);
	assert_int_equal(hwf_indirect_destroy(r->h, 1, handle, &error), -ENOENT);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(hwf_indirect_query(r->h, 0, bad[i], &q, &error), -ENOENT);
		assert_int_equal(hwf_indirect_update(r->h, 0, bad[i], &q, &error), -ENOENT);
		assert_int_equal(hwf_indirect_destroy(r->h, 0, bad[i], &error), -ENOENT);
		assert_int_equal(error.type, RTE_FLOW_ERROR_TYPE_ACTION);
		assert_ptr_equal(error.cause, bad[i]);
	}
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, NULL, &error), -EINVAL);
	assert_int_equal(hwf_indirect_destroy(r->h, 0, handle, &error), 0);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), -ENOENT);
	assert_null(use(r, &f, handle, &error));
}

/* Handles, rules and all go with the port, in whatever state. */
static void
test_close(void **state)
{
	struct rig *r = *state;
	const struct rig_flow f = { 1, 2, 3, 4 };
	const struct rte_flow_action_age age = { .timeout = 1 };
	struct rte_flow_action_handle *handle = make(r, RTE_FLOW_ACTION_TYPE_COUNT, NULL);
	struct rte_flow_error error = { 0 };
	struct sim_steer_stats stats;
	struct rte_flow_query_count q;

	make(r, RTE_FLOW_ACTION_TYPE_AGE, &age);
	assert_non_null(use(r, &f, handle, &error));
	hwf_port_close(r->h, 0);
	sim_steer_stats(r->steer, &stats);
	assert_int_equal(stats.rules, 0);
	assert_int_equal(stats.counters, 0);
	assert_int_equal(stats.ages, 0);
	assert_int_equal(hwf_indirect_query(r->h, 0, handle, &q, &error), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ct_both_ways),
		cmocka_unit_test_setup_teardown(test_count, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_age, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_ct, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_ct_packets, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_rss, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_refused, rig_setup, rig_teardown),
		cmocka_unit_test(test_room),
		cmocka_unit_test_setup_teardown(test_stale, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_close, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
