/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways of a packet: RSS, samples, tunnels, ports, isolation, loops, metadata, and what is dropped for which reason.
 */
#include "test_sim_rig.h"

static const struct frame tcp = {
	.src = 0x0a000001, .dst = 0xc0a80001, .sport = 1000, .dport = 80, .flags = 0x10
};

static void
rss(void **state)
{
	struct rig *r = *state;
	struct sim_rss cfg = { .fields = SIM_RSS_IPV4 | SIM_RSS_TCP, .n = 7 };
	const struct sim_action a = act(SIM_A_RSS, 0);
	uint32_t seen[7] = { 0 };
	struct frame f = tcp;
	struct sim_pkt p;

	for (uint32_t i = 0; i < SIM_RSS_KEY; i++)
		cfg.key[i] = (uint8_t)(0x6d + 37 * i);
	for (uint16_t i = 0; i < 7; i++)
		cfg.queue[i] = (uint16_t)(100 + i);
	assert_int_equal(sim_steer_rss_add(r->s, &(struct sim_rss){ .n = 0 }), -EINVAL);
	assert_int_equal(sim_steer_rss_add(r->s, &(struct sim_rss){ .n = 513 }), -EINVAL);
	assert_int_equal(sim_steer_rss_add(r->s, &cfg), 0);
	any(r, SIM_INGRESS, 0, &a, 1);
	for (uint32_t i = 0; i < 700; i++) {
		f.src = i * 0x01000193;
		f.sport = (uint16_t)(i * 31);
		p = send_at(r, &f, 0, false, 0);
		assert_int_equal(p.dest.kind, SIM_TO_QUEUE);
		assert_int_equal(p.rss_hashed, 1);
		assert_int_equal(p.dest.queue, 100 + p.hash % 7);
		seen[p.hash % 7]++;
	}
	for (uint32_t i = 0; i < 7; i++)
		assert_true(seen[i] > 50 && seen[i] < 200);
	f.v6 = f.udp = true;
	p = send_at(r, &f, 0, false, 0);
	assert_int_equal(p.dest.queue, 100);
	assert_int_equal(p.rss_hashed, 0);
	cfg.n = 1;
	cfg.queue[0] = 9;
	assert_int_equal(sim_steer_rss_update(r->s, 0, &cfg), 0);
	assert_int_equal(send_at(r, &tcp, 0, false, 0).dest.queue, 9);
	sim_steer_rss_del(r->s, 0);
	assert_int_equal(sim_steer_rss_update(r->s, 0, &cfg), -ENOENT);
	p = send_at(r, &tcp, 0, false, 0);
	assert_int_equal(p.dest.kind, SIM_TO_DROP);
	assert_int_equal(p.dest.queue, SIM_DROP_RULE);
}

static void
samples(void **state)
{
	struct rig *r = *state;
	const struct sim_action a[] = { act(SIM_A_SAMPLE, 0), act(SIM_A_MARK, 3),
		act(SIM_A_QUEUE, 2) };
	struct sim_sample sample = {
		.ratio = 3, .dest = { .kind = SIM_TO_WIRE, .port = 2 }, .marked = true, .mark = 77
	};
	struct sim_pkt p;

	assert_int_equal(sim_steer_sample_add(r->s, &(struct sim_sample){ .ratio = 0 }), -EINVAL);
	assert_int_equal(sim_steer_sample_add(r->s,
					 &(struct sim_sample){ .ratio = 1, .dest = { .port = 4 } }),
			-EINVAL);
	assert_int_equal(sim_steer_sample_add(r->s, &sample), 0);
	any(r, SIM_INGRESS, 0, a, 3);
	for (uint32_t i = 1; i <= 10; i++) {
		p = send_at(r, &tcp, 0, false, 0);
		assert_int_equal(p.dest.queue, 2);
		assert_int_equal(p.mark, 3);
		assert_int_equal(r->mirrored, i / 3);
	}
	assert_int_equal(r->seen.mark, 77);
	assert_int_equal(r->seen_dest.kind, SIM_TO_WIRE);
	assert_int_equal(r->seen.dest.port, 2);
	assert_int_equal(r->seen.len, p.len);
	sim_steer_sample_del(r->s, 0);
	send_at(r, &tcp, 0, false, 0);
	assert_int_equal(r->mirrored, 3);
}

static void
tunnels(void **state)
{
	struct rig *r = *state;
	const struct sim_action jump = act(SIM_A_JUMP, 9), queue = act(SIM_A_QUEUE, 4);
	struct sim_match m;
	struct sim_pkt p;

	assert_int_equal(sim_steer_tunnel_group(r->s, 0, 9, 256), -EINVAL);
	assert_int_equal(sim_steer_tunnel_group(r->s, 0, 1u << 24, 1), -EINVAL);
	assert_int_equal(sim_steer_tunnel_group(r->s, 4, 9, 1), -EINVAL);
	assert_int_equal(sim_steer_tunnel_group(r->s, 0, 9, 3), 0);
	any(r, SIM_INGRESS, 0, &jump, 1);
	p = send_at(r, &tcp, 0, false, 0);
	assert_int_equal(p.restored, 1);
	assert_int_equal(p.restore, 3u << 24 | 9);
	assert_int_equal(p.dest.rss, 1);
	match_tuple(&m, &tcp);
	assert_int_equal(rule_add(r->s, 9, 0, &m, queue, NULL), 0);
	p = send_at(r, &tcp, 0, false, 0);
	assert_int_equal(p.restored, 0);
	assert_int_equal(p.dest.queue, 4);
	assert_int_equal(sim_steer_tunnel_group(r->s, 0, 9, 0), 0);
	p = send_at(r, &(struct frame){ .src = 1 }, 0, false, 0);
	assert_int_equal(p.restored, 0);
}

static void
ports(void **state)
{
	struct rig *r = *state;
	const struct sim_action host = act(SIM_A_HOST, 2), wire = act(SIM_A_PORT, 3),
				queue = act(SIM_A_QUEUE, 8), loop = act(SIM_A_HOST, 0);
	struct sim_rule *rule;
	struct sim_match m;
	struct sim_pkt p;

	assert_false(sim_steer_active(r->s, 1));
	/* Default ways. */
	p = send_at(r, &tcp, 1, false, 0);
	assert_true(p.dest.kind == SIM_TO_QUEUE && p.dest.port == 1 && p.dest.rss);
	p = send_at(r, &tcp, 1, true, 0);
	assert_true(p.dest.kind == SIM_TO_WIRE && p.dest.port == 1);
	p = send_at(r, &tcp, 4, true, 0);
	assert_true(p.dest.kind == SIM_TO_DROP && p.dest.queue == SIM_DROP_RULE);
	/* The switch hands over to another port's host, whose own tables then decide. */
	rule = any(r, SIM_TRANSFER, 0, &host, 1);
	for (uint16_t port = 0; port < 4; port++)
		assert_true(sim_steer_active(r->s, port));
	p = send_at(r, &tcp, 1, true, 0);
	assert_true(p.dest.kind == SIM_TO_QUEUE && p.dest.port == 2 && p.dest.rss);
	match_any(&m);
	assert_int_equal(sim_rule_insert(r->s,
					 &(struct sim_rule_params){ .domain = SIM_INGRESS,
							 .port = 2,
							 .match = &m,
							 .actions = &queue,
							 .n_actions = 1 },
					 &(struct sim_rule *){ NULL }, NULL),
			0);
	p = send_at(r, &tcp, 1, false, 0);
	assert_true(p.dest.port == 2 && p.dest.queue == 8 && !p.dest.rss);
	sim_rule_remove(r->s, rule);
	assert_false(sim_steer_active(r->s, 1));
	assert_true(sim_steer_active(r->s, 2));
	/* Ingress metadata: the port it came by can be matched. */
	any(r, SIM_TRANSFER, 0, &wire, 1);
	p = send_at(r, &tcp, 2, false, 0);
	assert_true(p.dest.kind == SIM_TO_WIRE && p.dest.port == 3);
	/* Host of 0 leads to itself for ever. */
	memset(&m, 0, sizeof(m));
	m.mask.port = UINT16_MAX;
	assert_int_equal(sim_rule_insert(r->s,
					 &(struct sim_rule_params){ .domain = SIM_TRANSFER,
							 .port = SIM_ANY_PORT,
							 .match = &m,
							 .actions = &loop,
							 .n_actions = 1 },
					 &(struct sim_rule *){ NULL }, NULL),
			0);
	any(r, SIM_INGRESS, 0, &loop, 1);
	p = send_at(r, &tcp, 0, false, 0);
	assert_true(p.dest.kind == SIM_TO_DROP && p.dest.queue == SIM_DROP_LOOP);
	p = send_at(r, &tcp, 1, false, 0);
	assert_true(p.dest.kind == SIM_TO_WIRE);
}

static void
isolated(void **state)
{
	struct rig *r = *state;
	const struct sim_action queue = act(SIM_A_QUEUE, 1);
	struct sim_match m;
	struct sim_pkt p;

	sim_steer_isolate(r->s, 0, true);
	sim_steer_isolate(r->s, 0, true);
	assert_true(sim_steer_active(r->s, 0));
	assert_false(sim_steer_active(r->s, 1));
	match_tuple(&m, &tcp);
	assert_int_equal(rule_add(r->s, 0, 0, &m, queue, NULL), 0);
	assert_int_equal(send_at(r, &tcp, 0, false, 0).dest.queue, 1);
	p = send_at(r, &(struct frame){ .udp = true }, 0, false, 0);
	assert_true(p.dest.kind == SIM_TO_DROP && p.dest.queue == SIM_DROP_ISOLATED);
	p = send_at(r, &(struct frame){ .udp = true }, 0, true, 0);
	assert_int_equal(p.dest.kind, SIM_TO_WIRE);
	sim_steer_isolate(r->s, 0, false);
	p = send_at(r, &(struct frame){ .udp = true }, 0, false, 0);
	assert_int_equal(p.dest.rss, 1);
}

/* A jump loop ends after as many groups as the pipeline has, and every drop is in the books. */
static void
loops(void **state)
{
	struct rig *r = *state;
	const struct sim_action a[] = { act(SIM_A_COUNT, 0), act(SIM_A_JUMP, 1) };
	const struct sim_action pop[] = { act(SIM_A_VLAN_POP, 0), act(SIM_A_QUEUE, 0) };
	uint64_t packets, bytes;
	struct sim_steer_stats st;
	struct sim_rule *rule;
	struct sim_pkt p;

	assert_int_equal(sim_counter_add(r->s), 0);
	rule = any(r, SIM_INGRESS, 0, a, 2);
	any(r, SIM_INGRESS, 1, a, 2);
	p = send_at(r, &tcp, 0, false, 0);
	assert_true(p.dest.kind == SIM_TO_DROP && p.dest.queue == SIM_DROP_LOOP);
	sim_counter_read(r->s, 0, &packets, &bytes, false);
	assert_int_equal(packets, r->profile.steering_groups_max);
	/* No tag to take off. */
	assert_int_equal(sim_rule_update(r->s, rule, pop, 2, NULL), 0);
	p = send_at(r, &tcp, 0, false, 0);
	assert_true(p.dest.kind == SIM_TO_DROP && p.dest.queue == SIM_DROP_ROOM);
	p = send_at(r, &(struct frame){ .vlan = true, .vid = 5 }, 0, false, 0);
	assert_int_equal(p.dest.kind, SIM_TO_QUEUE);
	sim_steer_stats(r->s, &st);
	assert_int_equal(st.packets, 3);
	assert_int_equal(st.hits, 3);
	assert_int_equal(st.drops[SIM_DROP_LOOP], 1);
	assert_int_equal(st.drops[SIM_DROP_ROOM], 1);
}

/* META and tags that a rule writes are what later groups match, and META goes along to the host; a sender's comes along. */
static void
metadata(void **state)
{
	struct rig *r = *state;
	const struct sim_modify meta = {
		.dst = SIM_F_META, .bits = 32, .value = { [14] = 0x12, [15] = 0x34 }
	};
	const struct sim_modify tag = {
		.dst = SIM_F_TAG, .dst_index = 3, .src = SIM_F_META, .bits = 16
	};
	const struct sim_action a[] = { { .type = SIM_A_MODIFY, .modify = &meta },
		{ .type = SIM_A_MODIFY, .modify = &tag }, act(SIM_A_JUMP, 1) };
	const struct sim_action drop = act(SIM_A_DROP, 0);
	struct sim_match m;
	struct bytes b;
	struct sim_pkt p;

	any(r, SIM_INGRESS, 0, a, 3);
	memset(&m, 0, sizeof(m));
	m.value.tag[3] = m.value.meta = 0x1234;
	m.mask.tag[3] = m.mask.meta = UINT32_MAX;
	assert_int_equal(rule_add(r->s, 1, 0, &m, act(SIM_A_QUEUE, 3), NULL), 0);
	p = send_at(r, &tcp, 0, false, 0);
	assert_int_equal(p.dest.queue, 3);
	assert_int_equal(p.meta_set, 1);
	assert_int_equal(p.meta, 0x1234);
	memset(&m, 0, sizeof(m));
	m.value.meta = 55;
	m.mask.meta = UINT32_MAX;
	assert_int_equal(sim_rule_insert(r->s,
					 &(struct sim_rule_params){ .domain = SIM_EGRESS,
							 .match = &m,
							 .actions = &drop,
							 .n_actions = 1 },
					 &(struct sim_rule *){ NULL }, NULL),
			0);
	for (uint32_t v = 54; v < 56; v++) {
		frame_bytes(&tcp, &b);
		p = frame_pkt(&b, 0, true);
		p.meta_set = 1;
		p.meta = v;
		sim_steer_run(r->s, &p, 0, NULL);
		assert_int_equal(p.dest.kind, v == 55 ? SIM_TO_DROP : SIM_TO_WIRE);
	}
}

/* All packets of a flow's direction have the same order key, others other ones; the path begins with the parser. */
static void
paths(void **state)
{
	struct rig *r = *state;
	const struct sim_action a[] = { act(SIM_A_COUNT, 0), act(SIM_A_AGE, 0), act(SIM_A_MARK, 1),
		act(SIM_A_DROP, 0) };
	static const uint8_t kinds[] = { SIM_STEP_PARSE, SIM_STEP_GROUP, SIM_STEP_EXACT,
		SIM_STEP_ACTION, SIM_STEP_COUNT, SIM_STEP_AGE };
	struct frame f = tcp;
	struct sim_path path, other;

	assert_int_equal(sim_counter_add(r->s), 0);
	assert_int_equal(sim_age_add(r->s, 1, 0), 0);
	any(r, SIM_INGRESS, 0, a, 4);
	run_path(r->s, &f, &path);
	assert_int_equal(path.n, sizeof(kinds));
	for (uint32_t i = 0; i < path.n; i++)
		assert_int_equal(path.step[i].kind, kinds[i]);
	assert_int_equal(path.step[3].count, 4);
	f.ttl = 7;
	f.flags = 1;
	f.payload = 11;
	run_path(r->s, &f, &other);
	assert_int_equal(path.flow, other.flow);
	f.sport++;
	run_path(r->s, &f, &other);
	assert_int_not_equal(path.flow, other.flow);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
	const struct CMUnitTest tests[] = {
		T(rss),
		T(samples),
		T(tunnels),
		T(ports),
		T(isolated),
		T(loops),
		T(metadata),
		T(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
