/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules use, and the ways of a packet: counters, ageing, meters, connections, RSS, samples, tunnels, isolation, ports,
 * and what is dropped for which reason.
 */
#include "test_sim_steer.h"

#define MHZ 1000u

static const struct frame tcp = {
	.src = 0x0a000001, .dst = 0xc0a80001, .sport = 1000, .dport = 80, .flags = 0x10
};

struct rig {
	struct sim_profile profile;
	struct sim_steer *s;
	struct sim_pkt seen; /* by the mirror */
	struct sim_dest seen_dest;
	uint32_t mirrored;
};

static void
mirror(void *ctx, const struct sim_pkt *p, const struct sim_dest *dest)
{
	struct rig *r = ctx;

	r->seen = *p;
	r->seen_dest = *dest;
	r->mirrored++;
}

static void
rig_make(struct rig *r)
{
	r->s = sim_steer_create(&(struct sim_steer_params){
			.profile = &r->profile, .n_ports = 4, .mirror = mirror, .ctx = r });
	assert_non_null(r->s);
}

static int
rig_begin(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -1;
	sim_profile_ideal(&r->profile);
	r->profile.clock_mhz = MHZ;
	rig_make(r);
	*state = r;
	return 0;
}

static int
rig_end(void **state)
{
	struct rig *r = *state;

	sim_steer_destroy(r->s);
	free(r);
	return 0;
}

/* Rule of any domain that every packet matches; fails the test if it is refused. */
static struct sim_rule *
any(struct rig *r, uint8_t domain, uint32_t group, const struct sim_action *a, uint32_t n)
{
	struct sim_match m;
	struct sim_rule *rule;
	struct sim_error e = { "" };

	match_any(&m);
	if (sim_rule_insert(r->s,
			    &(struct sim_rule_params){ .domain = domain,
					    .port = domain == SIM_TRANSFER ? SIM_ANY_PORT : 0,
					    .group = group,
					    .priority = 10,
					    .match = &m,
					    .actions = a,
					    .n_actions = n },
			    &rule, &e) < 0)
		fail_msg("%s", e.text);
	return rule;
}

static struct sim_pkt
send_at(struct rig *r, const struct frame *f, uint16_t port, bool from_host, sim_cycle now)
{
	static struct bytes b;
	struct sim_pkt p;

	frame_bytes(f, &b);
	p = frame_pkt(&b, port, from_host);
	sim_steer_run(r->s, &p, now, NULL);
	return p;
}

static void
counters(void **state)
{
	struct rig *r = *state;
	const struct sim_action a[] = { act(SIM_A_COUNT, 1), act(SIM_A_DROP, 0) };
	uint64_t packets, bytes;
	uint16_t len = 0;

	assert_int_equal(sim_counter_add(r->s), 0);
	assert_int_equal(sim_counter_add(r->s), 1);
	any(r, SIM_INGRESS, 0, a, 2);
	for (uint32_t i = 0; i < 5; i++)
		len = send_at(r, &tcp, 0, false, 0).len;
	sim_counter_read(r->s, 1, &packets, &bytes, true);
	assert_int_equal(packets, 5);
	assert_int_equal(bytes, 5 * len);
	sim_counter_read(r->s, 1, &packets, &bytes, false);
	assert_int_equal(packets, 0);
	/* A rule whose counter is gone counts nowhere; deleting twice and reading what is not there is harmless. */
	sim_counter_del(r->s, 1);
	sim_counter_del(r->s, 1);
	sim_counter_del(r->s, UINT32_MAX);
	send_at(r, &tcp, 0, false, 0);
	sim_counter_read(r->s, 1, &packets, &bytes, false);
	assert_int_equal(packets, 0);
	sim_counter_read(r->s, 7777, &packets, &bytes, true);
	assert_int_equal(packets, 0);
	assert_int_equal(sim_counter_add(r->s), 1);
}

/* A freed counter rests for a refresh interval, and capacity counts those that rest. */
static void
counters_rest(void **state)
{
	struct rig *r = *state;

	sim_steer_destroy(r->s);
	r->profile.objects_counters = 3;
	r->profile.objects_counter_refresh_us = 500;
	rig_make(r);
	send_at(r, &tcp, 0, false, 1000);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(sim_counter_add(r->s), i);
	sim_counter_del(r->s, 0);
	assert_int_equal(sim_counter_add(r->s), 2);
	assert_int_equal(sim_counter_add(r->s), -ENOSPC);
	send_at(r, &tcp, 0, false, 1000 + 500 * MHZ - 1);
	assert_int_equal(sim_counter_add(r->s), -ENOSPC);
	send_at(r, &tcp, 0, false, 1000 + 500 * MHZ);
	assert_int_equal(sim_counter_add(r->s), 0);
	assert_int_equal(sim_counter_add(r->s), -ENOSPC);
}

/* Many objects: handles are dense, memory does not move, what is given back is used again. */
static void
many_objects(void **state)
{
	struct rig *r = *state;
	struct sim_steer_stats st;
	uint64_t before;

	for (uint32_t i = 0; i < 20000; i++) {
		assert_int_equal(sim_counter_add(r->s), i);
		assert_int_equal(sim_age_add(r->s, i, 0, i), i);
	}
	sim_steer_stats(r->s, &st);
	assert_int_equal(st.counters, 20000);
	assert_int_equal(st.ages, 20000);
	before = st.bytes;
	for (uint32_t i = 0; i < 20000; i += 2) {
		sim_counter_del(r->s, i);
		sim_age_del(r->s, i);
	}
	for (uint32_t i = 0; i < 20000; i += 2) {
		assert_int_equal(sim_counter_add(r->s), i);
		assert_int_equal(sim_age_add(r->s, i, 0, 7), i);
		assert_int_equal(sim_age_cookie(r->s, i), 7);
		assert_int_equal(sim_age_cookie(r->s, i + 1), i + 1);
	}
	sim_steer_stats(r->s, &st);
	assert_int_equal(st.bytes, before);
}

/* Random contexts against an array: who is aged when, and each told once. */
#define AGES 200
static void
ageing(void **state)
{
	struct rig *r = *state;
	struct {
		bool there, told;
		uint32_t timeout;
		sim_cycle last;
	} model[AGES] = { { 0 } };
	sim_cycle now = 1, since;
	uint32_t got[AGES];
	bool aged;

	srand(5);
	for (uint32_t step = 0; step < 20000; step++) {
		const uint32_t i = (uint32_t)rand() % AGES;
		const sim_cycle timeout = 1 + (uint32_t)rand() % 400;
		uint32_t n = 0, want = 0;
		int64_t made;

		now += (uint32_t)rand() % 3;
		switch (rand() % 8) {
		case 0:
			made = sim_age_add(r->s, timeout, now, now);
			assert_true(made >= 0);
			if (made >= AGES) {
				sim_age_del(r->s, (uint32_t)made);
				break;
			}
			assert_false(model[made].there);
			model[made].there = true;
			model[made].told = false;
			model[made].timeout = (uint32_t)timeout;
			model[made].last = now;
			break;
		case 1:
			sim_age_del(r->s, i);
			model[i].there = false;
			break;
		case 2:
			assert_int_equal(sim_age_update(r->s, i, &timeout, true, now),
					model[i].there ? 0 : -ENOENT);
			model[i].timeout = (uint32_t)timeout;
			model[i].last = now;
			model[i].told = false;
			break;
		case 3:
			sim_age_scan(r->s, now);
			for (uint32_t k = 0; k < AGES; k++)
				want += model[k].there && !model[k].told &&
						now - model[k].last >= model[k].timeout;
			assert_int_equal(sim_age_take(r->s, NULL, 0), want);
			n = sim_age_take(r->s, got, AGES);
			assert_int_equal(n, want);
			for (uint32_t k = 0; k < n; k++) {
				assert_true(model[got[k]].there && !model[got[k]].told);
				assert_true(now - model[got[k]].last >= model[got[k]].timeout);
				model[got[k]].told = true;
			}
			assert_int_equal(sim_age_scan(r->s, now), 0);
			break;
		case 4:
			sim_age_scan(r->s,
					now); /* listed, and not taken: packets take it off again */
			break;
		default:
			sim_age_read(r->s, i, now, &aged, &since);
			if (!model[i].there)
				break;
			assert_int_equal(since, now - model[i].last);
			assert_int_equal(aged, model[i].told || since >= model[i].timeout);
		}
	}
}

static void
ageing_by_packets(void **state)
{
	struct rig *r = *state;
	const struct sim_action a[] = { act(SIM_A_AGE, 0), act(SIM_A_QUEUE, 1) };
	uint32_t got;

	assert_int_equal(sim_age_add(r->s, 100, 0, 0), 0);
	any(r, SIM_INGRESS, 0, a, 2);
	assert_int_equal(sim_age_scan(r->s, 99), 0);
	send_at(r, &tcp, 0, false, 90);
	assert_int_equal(sim_age_scan(r->s, 189), 0);
	assert_int_equal(sim_age_scan(r->s, 190), 1);
	assert_int_equal(sim_age_take(r->s, &got, 1), 1);
	assert_int_equal(got, 0);
	assert_int_equal(sim_age_scan(r->s, 5000), 0);
	send_at(r, &tcp, 0, false, 6000);
	assert_int_equal(sim_age_scan(r->s, 6100), 1);
	/* One that came after all is not aged any more. */
	send_at(r, &tcp, 0, false, 6200);
	assert_int_equal(sim_age_take(r->s, &got, 1), 0);
}

/* 1 packet of burst, nothing after: first green, then red; RED is dropped, and the next group sees the colour. */
static void
meters(void **state)
{
	struct rig *r = *state;
	struct sim_meter_params mp = {
		.packets = true, .cir = 1, .cbs = 1, .drop = { false, false, true }
	};
	const struct sim_action a[] = { act(SIM_A_METER, 0), act(SIM_A_JUMP, 1) };
	struct sim_meter_stats st;
	struct sim_match m;
	struct sim_pkt p;

	assert_int_equal(sim_meter_add(r->s, &mp, 0), 0);
	any(r, SIM_INGRESS, 0, a, 2);
	memset(&m, 0, sizeof(m));
	m.mask.color = 0xff;
	m.value.color = SIM_GREEN;
	assert_int_equal(rule_add(r->s, 1, 0, &m, act(SIM_A_QUEUE, 5), NULL), 0);
	m.value.color = SIM_RED;
	assert_int_equal(rule_add(r->s, 1, 0, &m, act(SIM_A_QUEUE, 6), NULL), 0);
	p = send_at(r, &tcp, 0, false, 1);
	assert_int_equal(p.dest.queue, 5);
	p = send_at(r, &tcp, 0, false, 1);
	assert_int_equal(p.dest.kind, SIM_TO_DROP);
	assert_int_equal(p.dest.queue, SIM_DROP_METER);
	mp.drop[2] = false;
	mp.cbs = 0;
	assert_int_equal(sim_meter_update(r->s, 0, &mp, 1), 0);
	p = send_at(r, &tcp, 0, false, 1);
	assert_int_equal(p.dest.queue, 6);
	sim_meter_read(r->s, 0, &st, true);
	assert_int_equal(st.packets[0], 1);
	assert_int_equal(st.packets[2], 2);
	assert_int_equal(st.bytes[2], 2 * p.frame_len);
	assert_int_equal(st.dropped_packets, 1);
	assert_int_equal(st.dropped_bytes, p.frame_len);
	/* Disabled it lets all through and colours nothing. */
	assert_int_equal(sim_meter_enable(r->s, 0, false), 0);
	p = send_at(r, &tcp, 0, false, 1);
	assert_int_equal(p.dest.rss, 1);
	sim_meter_read(r->s, 0, &st, false);
	assert_int_equal(st.packets[0] + st.packets[1] + st.packets[2], 0);
	sim_meter_del(r->s, 0);
	assert_int_equal(sim_meter_enable(r->s, 0, true), -ENOENT);
	assert_int_equal(sim_meter_update(r->s, 0, &mp, 1), -ENOENT);
}

static struct sim_ct
connection(void)
{
	return (struct sim_ct){
		.enable = true,
		.live = true,
		.phase = SIM_CT_ESTABLISHED,
		.dir = { { .sent_end = 1000,
					 .reply_end = 1000 + 60000,
					 .max_win = 60000,
					 .max_ack = 2000,
					 .last_ack_seen = true },
				{ .sent_end = 2000,
						.reply_end = 2000 + 60000,
						.max_win = 60000,
						.max_ack = 1000,
						.last_ack_seen = true } },
	};
}

/* A rule's direction is the object's when the rule was made: a later change of the object leaves it alone. */
static void
connections(void **state)
{
	struct rig *r = *state;
	const struct sim_action a[] = { act(SIM_A_CT, 0), act(SIM_A_JUMP, 1) };
	struct sim_ct ct = connection();
	struct frame udp = tcp, far = tcp;
	struct sim_rule *rule;
	struct sim_match m;
	static struct bytes b;
	struct sim_pkt p;

	udp.udp = true;
	far.payload = 1;
	assert_int_equal(sim_ct_add(r->s, &ct), 0);
	rule = any(r, SIM_INGRESS, 0, a, 2);
	for (uint8_t bit = 0; bit < 5; bit++) {
		memset(&m, 0, sizeof(m));
		m.mask.ct = m.value.ct = (uint8_t)(1u << bit);
		assert_int_equal(rule_add(r->s, 1, bit, &m, act(SIM_A_QUEUE, 1u << bit), NULL), 0);
	}
	assert_int_equal(send_at(r, &tcp, 0, false, 0).dest.queue, SIM_CT_VALID);
	assert_int_equal(send_at(r, &udp, 0, false, 0).dest.queue, SIM_CT_BAD);
	/* Header cut short, and an IP header that says more than there is. */
	frame_bytes(&tcp, &b);
	p = frame_pkt(&b, 0, false);
	p.len = 40;
	sim_steer_run(r->s, &p, 0, NULL);
	assert_true(p.dest.rss || p.dest.queue == SIM_CT_BAD);
	frame_bytes(&far, &b);
	p = frame_pkt(&b, 0, false);
	p.len = p.frame_len = (uint16_t)(p.len - 1);
	sim_steer_run(r->s, &p, 0, NULL);
	assert_int_equal(p.dest.queue, SIM_CT_BAD);
	/* Seq 1000 with ack 2000 makes sense in the original direction; as a reply it is beside the window. */
	ct.reply = true;
	ct.dir[1].sent_end += 1u << 30;
	ct.dir[1].reply_end += 1u << 30;
	ct.dir[1].max_ack += 1u << 30;
	assert_int_equal(sim_ct_update(r->s, 0, &ct, false, true), 0);
	assert_int_equal(send_at(r, &tcp, 0, false, 0).dest.queue, SIM_CT_VALID);
	assert_int_equal(sim_ct_update(r->s, 0, &ct, true, false), 0);
	assert_int_equal(sim_rule_update(r->s, rule, a, 2, NULL), 0);
	assert_int_equal(send_at(r, &tcp, 0, false, 0).dest.queue, SIM_CT_INVALID);
	sim_ct_read(r->s, 0, &ct);
	assert_true(ct.reply);
	ct.enable = false;
	assert_int_equal(sim_ct_update(r->s, 0, &ct, true, false), 0);
	assert_int_equal(send_at(r, &tcp, 0, false, 0).dest.queue & SIM_CT_DISABLED,
			SIM_CT_DISABLED);
	sim_ct_del(r->s, 0);
	assert_int_equal(sim_ct_update(r->s, 0, &ct, true, true), -ENOENT);
	assert_int_equal(send_at(r, &tcp, 0, false, 0).dest.queue, SIM_CT_BAD);
}

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
	assert_int_equal(p.vlan_popped, 1);
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
	assert_int_equal(sim_age_add(r->s, 1, 0, 0), 0);
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
		T(counters),
		T(counters_rest),
		T(many_objects),
		T(ageing),
		T(ageing_by_packets),
		T(meters),
		T(connections),
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
