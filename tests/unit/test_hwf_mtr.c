/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_mtr: what is refused, lives of profiles, policies and meters, colours against a bucket of the test's own, policies with
 * fates by colour.
 */
#include "test_hwf_rig.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <rte_errno.h>

static const struct rig_flow flow_a = { 1, 2, 3, 4 }, flow_b = { 5, 6, 7, 8 };

static struct rte_mtr_meter_profile
srtcm(uint64_t cir, uint64_t cbs, uint64_t ebs)
{
	return (struct rte_mtr_meter_profile){
		.alg = RTE_MTR_SRTCM_RFC2697,
		.srtcm_rfc2697 = { .cir = cir, .cbs = cbs, .ebs = ebs },
	};
}

static struct rte_mtr_meter_profile
trtcm(uint64_t cir, uint64_t cbs, uint64_t pir, uint64_t pbs)
{
	return (struct rte_mtr_meter_profile){
		.alg = RTE_MTR_TRTCM_RFC2698,
		.trtcm_rfc2698 = { .cir = cir, .cbs = cbs, .pir = pir, .pbs = pbs },
	};
}

/* Profile 1, policy 1 (red is dropped) or 2 (all pass), meter `id`. */
static void
meter(struct rig *r, uint32_t id, struct rte_mtr_meter_profile profile, uint32_t policy, int shared)
{
	rte_mtr_policy_drop_red(drop_red);
	rte_mtr_policy_pass_color(pass);
	struct rte_mtr_params params = {
		.meter_profile_id = id,
		.meter_policy_id = policy,
		.meter_enable = 1,
		.stats_mask = 0xffff, /* more than there are: the eight */
	};
	struct rte_mtr_error error = { 0 };
	int rc = hwf_mtr_policy_add(r->h, 0, policy, policy == 1 ? &drop_red : &pass, &error);

	assert_true(rc == 0 || rc == -EEXIST);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, id, &profile, &error), 0);
	if (hwf_mtr_create(r->h, 0, id, &params, shared, &error) != 0)
		fail_msg("%s", error.message);
}

static struct rte_flow *
metered(struct rig *r, const struct rig_flow *f, uint32_t id, struct rte_flow_error *error)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_meter conf = { .mtr_id = id };
	const struct rte_flow_action_queue queue = { .index = 3 };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_METER, .conf = &conf },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rig_tuple t;

	rig_tuple(&t, f);
	return hwf_create(r->h, 0, &attr, t.item, actions, error);
}

static void
test_refused(void **state)
{
	struct rig *r = *state;
	struct rte_mtr_meter_profile p = { .alg = RTE_MTR_TRTCM_RFC4115 };
	enum rte_color table[64] = { [9] = RTE_COLOR_YELLOW };
	struct rte_mtr_params params = { .meter_profile_id = 1, .meter_policy_id = 1 };
	struct rte_mtr_capabilities cap;
	struct rte_mtr_error error = { 0 };
	struct rte_flow_error flow_error = { 0 };

	assert_int_equal(hwf_mtr_capabilities(r->h, 0, &cap, &error), 0);
	assert_int_equal(cap.n_max, r->profile.objects_meters);
	assert_int_equal(cap.meter_trtcm_rfc4115_n_max, 0);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, &p, &error), -ENOTSUP);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_METER_PROFILE);
	assert_ptr_equal(error.cause, &p);
	p = srtcm(1000, 0, 0);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, &p, &error), -EINVAL);
	p = trtcm(1000, 10, 999, 10);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, &p, &error), -EINVAL);
	p = trtcm(0, 10, 999, 10);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, &p, &error), -EINVAL);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, NULL, &error), -EINVAL);
	assert_int_equal(hwf_mtr_create(r->h, 0, 1, &params, 1, &error), -ENOENT);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_METER_PROFILE_ID);
	p = srtcm(1000, 10, 0);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, &p, &error), 0);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, &p, &error), -EEXIST);
	assert_int_equal(hwf_mtr_create(r->h, 0, 1, &params, 1, &error), -ENOENT);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_METER_POLICY_ID);
	params.meter_policy_id = 0; /* there without being made */
	assert_int_equal(hwf_mtr_create(r->h, 0, 77, &params, 1, &error), 0);
	assert_int_equal(hwf_mtr_policy_delete(r->h, 0, 0, &error), -EBUSY);
	params.meter_policy_id = 1;
	params.dscp_table = table;
	assert_int_equal(hwf_mtr_create(r->h, 0, 1, &params, 1, &error), -ENOTSUP);
	assert_ptr_equal(error.cause, &table[9]);
	params.dscp_table = NULL;
	assert_int_equal(hwf_mtr_destroy(r->h, 0, 1, &error), -ENOENT);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_MTR_ID);
	assert_int_equal(hwf_mtr_enable(r->h, 0, 1, true, &error), -ENOENT);
	assert_null(metered(r, &flow_a, 1, &flow_error));
}

static void
test_policies_refused(void **state)
{
	struct rig *r = *state;
	const struct rte_flow_action_meter_color green = { .color = RTE_COLOR_GREEN };
	const struct rte_flow_action_queue far = { .index = 9999 };
	const struct rte_flow_action_queue near = { .index = 1 };
	const struct rte_flow_action repaint[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_METER_COLOR, .conf = &green },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action both[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &far },
		{ .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action twice[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &near },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &near },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action beyond[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &far },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_mtr_meter_policy_params p = { { NULL, repaint, NULL } };
	struct rte_mtr_error error = { 0 };

	assert_int_equal(hwf_mtr_policy_validate(r->h, 0, &p, &error), -ENOTSUP);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_POLICER_ACTION_YELLOW);
	assert_ptr_equal(error.cause, &repaint[0]);
	p.actions[RTE_COLOR_YELLOW] = NULL;
	assert_int_equal(hwf_mtr_policy_validate(r->h, 0, &p, &error), 0);
	p.actions[RTE_COLOR_RED] = both;
	assert_int_equal(hwf_mtr_policy_add(r->h, 0, 1, &p, &error), -EINVAL);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_POLICER_ACTION_RED);
	p.actions[RTE_COLOR_RED] = beyond;
	assert_int_equal(hwf_mtr_policy_add(r->h, 0, 1, &p, &error), -EINVAL);
	/* Of ingress, which it is meant for, and the caller's. */
	assert_non_null(strstr(error.message, "the port has 8"));
	assert_ptr_equal(error.cause, &far);
	p.actions[RTE_COLOR_RED] = twice;
	assert_int_equal(hwf_mtr_policy_add(r->h, 0, 1, &p, &error), -EINVAL);
	assert_non_null(strstr(error.message, "second fate"));
	assert_ptr_equal(error.cause, twice);
	assert_int_equal(hwf_mtr_policy_delete(r->h, 0, 1, &error), -ENOENT);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_METER_POLICY_ID);
}

static void
test_lives(void **state)
{
	struct rig *r = *state;
	struct rte_mtr_meter_profile p = srtcm(5000, 50, 50);
	struct rte_mtr_error error = { 0 };
	struct rte_flow_error flow_error = { 0 };
	struct rte_flow *flow;

	meter(r, 7, srtcm(1000, 10, 10), 1, 0);
	flow = metered(r, &flow_a, 7, &flow_error);
	if (flow == NULL)
		fail_msg("%s", flow_error.message);
	/* Made for one rule. */
	assert_null(metered(r, &flow_b, 7, &flow_error));
	assert_int_equal(rte_errno, EBUSY);
	assert_int_equal(hwf_mtr_destroy(r->h, 0, 7, &error), -EBUSY);
	assert_int_equal(error.type, RTE_MTR_ERROR_TYPE_MTR_ID);
	assert_int_equal(hwf_mtr_profile_delete(r->h, 0, 7, &error), -EBUSY);
	assert_int_equal(hwf_mtr_policy_delete(r->h, 0, 1, &error), -EBUSY);
	assert_int_equal(hwf_mtr_profile_update(r->h, 0, 7, 8, &error), -ENOENT);
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 8, &p, &error), 0);
	assert_int_equal(hwf_mtr_profile_update(r->h, 0, 7, 8, &error), 0);
	assert_int_equal(hwf_mtr_profile_delete(r->h, 0, 7, &error), 0);
	assert_int_equal(hwf_mtr_profile_delete(r->h, 0, 8, &error), -EBUSY);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &flow_error), 0);
	assert_int_equal(hwf_mtr_destroy(r->h, 0, 7, &error), 0);
	assert_int_equal(hwf_mtr_destroy(r->h, 0, 7, &error), -ENOENT);
	assert_int_equal(hwf_mtr_profile_delete(r->h, 0, 8, &error), 0);
	assert_int_equal(hwf_mtr_policy_delete(r->h, 0, 1, &error), 0);
}

/* RFC 2697 and 2698 in floating point: fills continuously, so at a boundary it may decide otherwise,
 * and what comes next with it: 60 of 20,000 may differ. */
struct bucket {
	bool two;
	double cir, cbs, pir, size; /* size: EBS or PBS */
	double c, e, last;
};

static int
bucket_color(struct bucket *b, double now, double len)
{
	const double dt = now - b->last;
	double more;

	b->last = now;
	if (b->two) {
		b->c = fmin(b->cbs, b->c + b->cir * dt);
		b->e = fmin(b->size, b->e + b->pir * dt);
		if (b->e < len)
			return RTE_COLOR_RED;
		b->e -= len;
		if (b->c < len)
			return RTE_COLOR_YELLOW;
		b->c -= len;
		return RTE_COLOR_GREEN;
	}
	more = b->c + b->cir * dt - b->cbs;
	b->c = fmin(b->cbs, b->c + b->cir * dt);
	if (more > 0)
		b->e = fmin(b->size, b->e + more);
	if (b->c >= len) {
		b->c -= len;
		return RTE_COLOR_GREEN;
	}
	if (b->e >= len) {
		b->e -= len;
		return RTE_COLOR_YELLOW;
	}
	return RTE_COLOR_RED;
}

/* 20,000 packets of random gaps and lengths, at up to thrice the rate. */
static void
race(struct rig *r, uint32_t id, struct bucket b)
{
	const double hz = (double)r->profile.clock_mhz * 1e6;
	uint64_t want[RTE_COLORS] = { 0 }, bytes = 0, seed = 11, passed = 0;
	struct rte_mtr_stats stats;
	uint64_t mask = 0;
	const struct hwf_mtr_read read = { .stats = &stats, .mask = &mask, .clear = 1 };
	struct rte_mtr_error error = { 0 };
	struct rig_packet p;
	const sim_cycle from = r->now;
	uint32_t i, c;

	b.c = b.cbs;
	b.e = b.size;
	for (i = 0; i < 20000; i++) {
		uint32_t payload;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		payload = (uint32_t)(seed >> 40) % 400;
		rig_advance(r, r->now + (seed >> 33) % (uint64_t)(2 * 250 * hz / (2 * b.cir)));
		rig_tcp(&p, &flow_a, payload);
		c = (uint32_t)bucket_color(&b, (double)(r->now - from) / hz, p.pkt.frame_len);
		want[c]++;
		bytes += p.pkt.frame_len;
		rig_run(r, &p, 0);
		passed += p.pkt.dest.kind == SIM_TO_QUEUE;
	}
	assert_int_equal(hwf_mtr_stats_read(r->h, 0, id, &read, &error), 0);
	assert_int_equal(mask, 0xff);
	for (c = 0; c < RTE_COLORS; c++) {
		const int64_t off = (int64_t)(stats.n_pkts[c] - want[c]);

		assert_true(want[c] > 100);
		if (off < -60 || off > 60)
			fail_msg("colour %u: %lu packets, expected %lu", c, stats.n_pkts[c],
					want[c]);
	}
	assert_int_equal(stats.n_pkts[0] + stats.n_pkts[1] + stats.n_pkts[2], 20000);
	assert_int_equal(stats.n_bytes[0] + stats.n_bytes[1] + stats.n_bytes[2], bytes);
	assert_int_equal(stats.n_pkts_dropped, stats.n_pkts[RTE_COLOR_RED]);
	assert_int_equal(stats.n_bytes_dropped, stats.n_bytes[RTE_COLOR_RED]);
	assert_int_equal(passed, 20000 - stats.n_pkts_dropped);
	/* Cleared by reading. */
	assert_int_equal(hwf_mtr_stats_read(r->h, 0, id, &read, &error), 0);
	assert_int_equal(stats.n_pkts[0], 0);
}

static void
test_srtcm(void **state)
{
	struct rig *r = *state;
	struct rte_flow_error error = { 0 };

	meter(r, 1, srtcm(1000000, 20000, 40000), 1, 1);
	assert_non_null(metered(r, &flow_a, 1, &error));
	race(r, 1, (struct bucket){ .cir = 1e6, .cbs = 20000, .size = 40000 });
}

static void
test_trtcm(void **state)
{
	struct rig *r = *state;
	struct rte_flow_error error = { 0 };

	meter(r, 1, trtcm(1000000, 20000, 1100000, 30000), 1, 1);
	assert_non_null(metered(r, &flow_a, 1, &error));
	race(r, 1,
			(struct bucket){ .two = true,
					.cir = 1e6,
					.cbs = 20000,
					.pir = 1.1e6,
					.size = 30000 });
}

static int
color_of(struct rig *r, const struct rig_flow *f, uint32_t id)
{
	struct rte_mtr_stats stats;
	const struct hwf_mtr_read read = { .stats = &stats, .clear = 1 };
	struct rte_mtr_error error = { 0 };
	struct rig_packet p;
	int c;

	rig_tcp(&p, f, 6);
	rig_run(r, &p, 0);
	assert_int_equal(hwf_mtr_stats_read(r->h, 0, id, &read, &error), 0);
	for (c = 0; c < RTE_COLORS; c++)
		if (stats.n_pkts[c] == 1)
			return c;
	return -1;
}

/* Packets in place of bytes, two rules on one meter, off and on, statistics by choice. */
static void
test_shared(void **state)
{
	struct rig *r = *state;
	struct rte_mtr_meter_profile p = srtcm(1, 2, 1);
	struct rte_flow_error flow_error = { 0 };
	struct rte_mtr_error error = { 0 };
	struct rte_mtr_stats stats;
	uint64_t mask;
	const struct hwf_mtr_read read = { .stats = &stats, .mask = &mask };

	p.packet_mode = 1;
	meter(r, 4, p, 2, 1);
	assert_non_null(metered(r, &flow_a, 4, &flow_error));
	assert_non_null(metered(r, &flow_b, 4, &flow_error));
	assert_int_equal(color_of(r, &flow_a, 4), RTE_COLOR_GREEN);
	assert_int_equal(color_of(r, &flow_b, 4), RTE_COLOR_GREEN);
	assert_int_equal(color_of(r, &flow_a, 4), RTE_COLOR_YELLOW);
	assert_int_equal(color_of(r, &flow_b, 4), RTE_COLOR_RED);
	assert_int_equal(hwf_mtr_enable(r->h, 0, 4, false, &error), 0);
	assert_int_equal(color_of(r, &flow_b, 4), RTE_COLOR_GREEN);
	assert_int_equal(hwf_mtr_enable(r->h, 0, 4, true, &error), 0);
	assert_int_equal(color_of(r, &flow_b, 4), RTE_COLOR_RED);
	assert_int_equal(hwf_mtr_stats_update(r->h, 0, 4, RTE_MTR_STATS_N_PKTS_RED, &error), 0);
	assert_int_equal(hwf_mtr_stats_update(r->h, 0, 9, 1, &error), -ENOENT);
	assert_int_equal(color_of(r, &flow_b, 4), RTE_COLOR_RED);
	assert_int_equal(hwf_mtr_stats_read(r->h, 0, 4, &read, &error), 0);
	assert_int_equal(mask, RTE_MTR_STATS_N_PKTS_RED);
	hwf_port_close(r->h, 0);
	assert_int_equal(hwf_mtr_stats_read(r->h, 0, 4, &read, &error), -ENOENT);
}

/* Green to queue 1, yellow to group 9, red gone. */
static void
fates(struct rig *r)
{
	const struct rte_flow_action_queue one = { .index = 1 };
	const struct rte_flow_action_jump jump = { .group = 9 };
	const struct rte_flow_action green[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &one },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action yellow[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_JUMP, .conf = &jump },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action red[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_DROP },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_mtr_meter_policy_params policy = { { green, yellow, red } };
	struct rte_mtr_meter_profile profile = srtcm(1, 1, 1);
	struct rte_mtr_params params = {
		.meter_profile_id = 1, .meter_policy_id = 1, .meter_enable = 1, .stats_mask = 0xff
	};
	struct rte_mtr_error mtr_error = { 0 };

	profile.packet_mode = 1;
	assert_int_equal(hwf_mtr_profile_add(r->h, 0, 1, &profile, &mtr_error), 0);
	if (hwf_mtr_policy_add(r->h, 0, 1, &policy, &mtr_error) != 0)
		fail_msg("%s", mtr_error.message);
	assert_int_equal(hwf_mtr_create(r->h, 0, 1, &params, 1, &mtr_error), 0);
}

/* Green to queue 1, yellow to a group that knows its colour, red gone; by the policy, in a rule without a fate of its own. */
static void
test_fates(void **state)
{
	struct rig *r = *state;
	const struct rte_flow_action_queue five = { .index = 5 };
	const struct rte_flow_action_meter conf = { .mtr_id = 1 };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_METER, .conf = &conf },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_item_meter_color is_yellow = { .color = RTE_COLOR_YELLOW };
	const struct rte_flow_item by_color[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_METER_COLOR, .spec = &is_yellow },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	const struct rte_flow_action to_five[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &five },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_attr root = { .ingress = 1 }, nine = { .ingress = 1, .group = 9 };
	struct rte_flow_error error = { 0 };
	struct rte_mtr_error mtr_error = { 0 };
	struct rte_flow *flow;
	struct sim_steer_stats stats;
	struct rig_packet p;
	struct rig_tuple t;

	fates(r);
	rig_tuple(&t, &flow_a);
	flow = hwf_create(r->h, 0, &root, t.item, actions, &error);
	if (flow == NULL)
		fail_msg("%s", error.message);
	/* A fate of the rule's own beside those of the policy. */
	assert_null(metered(r, &flow_b, 1, &error));
	if (hwf_create(r->h, 0, &nine, by_color, to_five, &error) == NULL)
		fail_msg("%s", error.message);
	rig_tcp(&p, &flow_a, 0);
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
	assert_int_equal(p.pkt.dest.queue, 1);
	rig_tcp(&p, &flow_a, 0);
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
	assert_int_equal(p.pkt.dest.queue, 5);
	rig_tcp(&p, &flow_a, 0);
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_DROP);
	assert_int_equal(p.pkt.dest.queue, SIM_DROP_METER);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &error), 0);
	assert_int_equal(hwf_mtr_destroy(r->h, 0, 1, &mtr_error), 0);
	assert_int_equal(hwf_mtr_policy_delete(r->h, 0, 1, &mtr_error), 0);
	sim_steer_stats(r->steer, &stats);
	assert_int_equal(stats.rules, 1);
	assert_int_equal(stats.meters, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_policies_refused, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_lives, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_srtcm, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_trtcm, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_shared, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_fates, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
