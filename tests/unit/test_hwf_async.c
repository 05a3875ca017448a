/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow queues: rules and indirect actions by them, at once and in simulated time, from several threads.
 */
#include "test_hwf_bed.h"

#include "flow_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <rte_errno.h>

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
		flow[i] = bed_create(b, 0, i, i % BATCH != BATCH - 1);
		assert_non_null(flow[i]);
		if (i % BATCH == BATCH - 1)
			done += bed_pull(b, 0, BED_PULL, done + 1);
	}
	assert_int_equal(hwf_push(b->r->h, 0, 0, &b->error), 0);
	while (done < N)
		done += bed_pull(b, 0, 7, done + 1);
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, N);
	for (i = 0; i < N; i += 7)
		assert_true(bed_steered(b, i));
	assert_false(bed_steered(b, N));
	assert_int_equal(hwf_query(b->r->h, 0, flow[14], &count, &q, &b->error), 0);
	assert_int_equal(q.hits, 1);
	for (i = 0; i < N; i += 2) {
		assert_int_equal(bed_destroy(b, 0, flow[i], i + 1), 0);
		assert_int_equal(bed_pull(b, 0, 1, i + 1), 1);
	}
	for (i = 0; i < N; i += 11)
		assert_int_equal(bed_steered(b, i), i % 2);
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
		assert_non_null(bed_create(b, 1, i, true));
	assert_null(bed_create(b, 1, 8, true));
	assert_int_equal(rte_errno, EAGAIN);
	/* Nothing was pushed: nothing is there, and nothing to hear of. */
	assert_false(bed_steered(b, 0));
	assert_int_equal(bed_pull(b, 1, BED_PULL, 1), 0);
	assert_int_equal(hwf_push(b->r->h, 0, 1, &b->error), 0);
	assert_true(bed_steered(b, 7));
	/* Still full until it is pulled. */
	assert_null(bed_create(b, 1, 8, true));
	assert_int_equal(bed_pull(b, 1, 3, 1), 3);
	assert_non_null(bed_create(b, 1, 8, true));
	/* One that is not postponed takes those before it along. */
	assert_false(bed_steered(b, 8));
	assert_non_null(bed_create(b, 1, 9, false));
	assert_true(bed_steered(b, 8));
	assert_int_equal(bed_pull(b, 1, BED_PULL, 4), 7);
	assert_int_equal(bed_pull(b, 0, BED_PULL, 1), 0);
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
		assert_non_null(flow[i] = bed_create(b, 0, i, false));
	assert_false(bed_steered(b, 0));
	assert_int_equal(bed_pull(b, 0, BED_PULL, 1), 0);
	rig_advance(b->r, from + 99);
	assert_false(bed_steered(b, 0));
	rig_advance(b->r, from + 100);
	assert_true(bed_steered(b, 0));
	assert_false(bed_steered(b, 1));
	assert_int_equal(bed_pull(b, 0, BED_PULL, 1), 1);
	rig_advance(b->r, from + 950);
	assert_true(bed_steered(b, 8));
	assert_false(bed_steered(b, 9));
	assert_int_equal(bed_pull(b, 0, BED_PULL, 2), 8);
	/* A rule is destroyed behind its own creation; it is seen for 100 cycles, though nothing was pulled in between. */
	assert_int_equal(bed_destroy(b, 1, flow[9], 0), -EBUSY);
	assert_int_equal(bed_destroy(b, 0, flow[9], 11), 0);
	rig_advance(b->r, from + 1000);
	assert_true(bed_steered(b, 9));
	rig_advance(b->r, from + 1099);
	assert_true(bed_steered(b, 9));
	rig_advance(b->r, from + 1100);
	assert_false(bed_steered(b, 9));
	assert_int_equal(bed_pull(b, 0, BED_PULL, 10), 2);
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
		assert_non_null(bed_create(b, 0, i, false));
	for (i = 0; i < 100 && done < 20; i++) {
		rig_advance(b->r, b->r->now + 100);
		done += bed_pull(b, 0, BED_PULL, done + 1);
		assert_true(done <= i + 1);
	}
	assert_int_equal(done, 20);
	for (i = 0; i < 20; i++)
		assert_true(bed_steered(b, i));
	bed_free(b);
}

/* A command queue that fails: the rule is none, a rule that was to go stays. */
static void
test_command_fails(void **state)
{
	struct bed *b = bed_new(64, 100, 0);
	struct rte_flow *flow = bed_create(b, 0, 0, false);
	struct rte_flow_op_result res[4];
	struct sim_steer_stats stats;

	(void)state;
	assert_non_null(flow);
	assert_int_equal(bed_pull(b, 0, BED_PULL, 1), 1);
	b->r->refuse = -ENOMEM;
	assert_non_null(bed_create(b, 0, 1, false));
	assert_int_equal(bed_destroy(b, 0, flow, 9), 0);
	assert_int_equal(hwf_pull(b->r->h, 0, 0, res, 4, &b->error), 2);
	assert_int_equal(res[0].status, RTE_FLOW_OP_ERROR);
	assert_int_equal(res[1].status, RTE_FLOW_OP_ERROR);
	assert_ptr_equal(res[1].user_data, (void *)9);
	assert_true(bed_steered(b, 0));
	assert_false(bed_steered(b, 1));
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, 1);
	assert_int_equal(stats.counters, 1);
	b->r->refuse = 0;
	assert_int_equal(bed_destroy(b, 0, flow, 10), 0);
	assert_int_equal(bed_pull(b, 0, BED_PULL, 10), 1);
	assert_int_equal(hwf_table_destroy(b->r->h, 0, b->table, &b->error), 0);
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
		assert_non_null(flow = bed_create(b, 0, i, false));
	assert_int_equal(bed_destroy(b, 0, flow, 11), 0);
	assert_int_equal(hwf_flush(b->r->h, 0, &b->error), 0);
	rig_advance(b->r, b->r->now + 500);
	assert_int_equal(bed_pull(b, 0, BED_PULL, 1), 5);
	for (i = 20; i < 30; i++)
		assert_non_null(bed_create(b, 1, i, i % 2));
	hwf_port_close(b->r->h, 0);
	rig_advance(b->r, b->r->now + 10000);
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, 0);
	assert_int_equal(stats.counters, 0);
	bed_free(b);
}

/* Counters of operations run on for ever; where they come round again, places in the ring must not. */
static void
test_wrap(void **state)
{
	struct bed *b = bed_new(10, 100, 0);
	struct hwf_queue *q = ((struct hwf_queues *)b->r->h->port[0].async)->queue[0];
	uint32_t i, round;

	(void)state;
	q->head = q->sent = q->pushed = q->tail = q->looked = UINT32_MAX - 13;
	for (round = 0; round < 3; round++) {
		for (i = 10 * round; i < 10 * round + 10; i++)
			assert_non_null(bed_create(b, 0, i, true));
		assert_null(bed_create(b, 0, 99, true));
		assert_int_equal(hwf_push(b->r->h, 0, 0, &b->error), 0);
		assert_int_equal(bed_pull(b, 0, BED_PULL, 10 * round + 1), 10);
	}
	for (i = 0; i < 30; i++)
		assert_true(bed_steered(b, i));
	bed_free(b);
}

/* Flushed with as much under way as there can be: each rule's operation is found at once, or this takes minutes. */
static void
test_flush_under_way(void **state)
{
	enum { N = 65536 };
	struct bed *b = bed_new(N, N, 0);
	struct sim_steer_stats stats;
	uint32_t i;

	(void)state;
	for (i = 0; i < N; i++)
		assert_non_null(bed_create(b, 1, i, true));
	assert_int_equal(hwf_flush(b->r->h, 0, &b->error), 0);
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, 0);
	for (i = 0; i < N; i += BED_PULL) {
		assert_int_equal(hwf_push(b->r->h, 0, 1, &b->error), 0);
		assert_int_equal(bed_pull(b, 1, BED_PULL, i + 1), BED_PULL);
	}
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, 0);
	assert_int_equal(stats.counters, 0);
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
	assert_int_equal(hwf_async_indirect_update(h, 0, &op, handle, NULL, &b->error), -EINVAL);
	assert_int_equal(hwf_async_indirect_update(h, RIG_PORTS, &op, handle, &modify, &b->error),
			-ENODEV);
	/* Operations are under way. */
	op.user_data = (void *)4;
	assert_int_equal(hwf_async_indirect_destroy(h, 0, &op, handle, &b->error), -EBUSY);
	assert_int_equal(hwf_indirect_destroy(h, 0, handle, &b->error), -EBUSY);
	rig_advance(b->r, b->r->now + 100);
	assert_int_equal(bed_pull(b, 1, BED_PULL, 1), 1);
	assert_int_equal(hwf_indirect_query(h, 0, handle, &out, &b->error), 0);
	assert_int_equal(out.last_seq, 0);
	out.enable = 0;
	rig_advance(b->r, b->r->now + 200);
	assert_int_equal(out.enable, 0);
	assert_int_equal(bed_pull(b, 1, BED_PULL, 2), 2);
	assert_int_equal(out.enable, 1);
	assert_int_equal(out.last_seq, 4711);
	assert_int_equal(hwf_async_indirect_destroy(h, 0, &op, handle, &b->error), 0);
	assert_int_equal(hwf_async_indirect_destroy(h, 0, &op, handle, &b->error), -EBUSY);
	/* What is posted now would be about what is gone by then. */
	assert_int_equal(hwf_async_indirect_update(h, 0, &op, handle, &modify, &b->error), -EBUSY);
	assert_int_equal(hwf_async_indirect_query(h, 0, &op, handle, &out, &b->error), -EBUSY);
	rig_advance(b->r, b->r->now + 100);
	assert_int_equal(bed_pull(b, 1, BED_PULL, 4), 1);
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
	rule.table = bed_table(b, 2);
	assert_non_null(rule.table);
	rig_tuple(&t, &(struct rig_flow){ 1, 2, 3, 4 });
	rule.pattern = t.item;
	flow = hwf_async_create(b->r->h, 0, &rule, &b->error);
	assert_non_null(flow);
	assert_int_equal(bed_pull(b, 1, 1, 0), 1);
	assert_int_equal(bed_destroy(b, 0, flow, 0), -EINVAL);
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
	struct rte_flow_op_result res[BED_PULL];
	int n;

	while (done < w->n) {
		for (; posted < w->n && posted - done < 100; posted++) {
			flow[posted] = bed_create(&w->b, w->queue, w->first + posted, posted % 8);
			if (flow[posted] == NULL)
				goto out;
		}
		hwf_push(w->b.r->h, 0, w->queue, NULL);
		n = hwf_pull(w->b.r->h, 0, w->queue, res, BED_PULL, NULL);
		for (i = 0; n > 0 && i < (uint32_t)n; i++)
			if (res[i].user_data != (void *)(uintptr_t)(w->first + ++done))
				goto out;
	}
	for (i = 0; i < w->n; i += 2) {
		if (bed_destroy(&w->b, w->queue, flow[i], 1) != 0 ||
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
		bed_steered(b, i);
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
	sim_steer_stats(b->r->steer, &stats);
	assert_int_equal(stats.rules, N);
	for (i = 0; i < 2 * N; i += 13)
		assert_int_equal(bed_steered(b, i), i % 2);
	bed_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_postpone_and_full),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_command_queue_full),
		cmocka_unit_test(test_command_fails),
		cmocka_unit_test(test_gone_under_way),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_flush_under_way),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_update_unpulled),
		cmocka_unit_test(test_strict_queue),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
