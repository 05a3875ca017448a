/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules use: counters, ageing, meters, connections.
 */
#include "test_sim_rig.h"

static const struct frame tcp = {
	.src = 0x0a000001, .dst = 0xc0a80001, .sport = 1000, .dport = 80, .flags = 0x10
};

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
		assert_int_equal(sim_age_add(r->s, i, 0), i);
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
		assert_int_equal(sim_age_add(r->s, i, 0), i);
	}
	sim_steer_stats(r->s, &st);
	assert_int_equal(st.bytes, before);
}

/* Random contexts against an array: who is aged when, and each told once. */
#define AGES 200
struct model_age {
	bool there, told;
	uint32_t timeout;
	sim_cycle last;
};

/* Those that are on the list are those that ought to be. How many. */
static uint32_t
fetch_aged(struct rig *r, struct model_age *model, sim_cycle now)
{
	uint32_t got[AGES], n, want = 0;

	sim_age_scan(r->s, now);
	for (uint32_t k = 0; k < AGES; k++)
		want += model[k].there && !model[k].told && now - model[k].last >= model[k].timeout;
	assert_int_equal(sim_age_take(r->s, NULL, 0), want);
	n = sim_age_take(r->s, got, AGES);
	assert_int_equal(n, want);
	for (uint32_t k = 0; k < n; k++) {
		assert_true(model[got[k]].there && !model[got[k]].told);
		assert_true(now - model[got[k]].last >= model[got[k]].timeout);
		model[got[k]].told = true;
	}
	assert_int_equal(sim_age_scan(r->s, now), 0);
	return n;
}

static void
ageing(void **state)
{
	struct rig *r = *state;
	struct model_age model[AGES] = { { 0 } };
	sim_cycle now = 1, since;
	uint32_t told = 0;
	bool aged;

	srand(5);
	for (uint32_t step = 0; step < 20000; step++) {
		const uint32_t i = (uint32_t)rand() % AGES;
		const sim_cycle timeout = 1 + (uint32_t)rand() % 400;
		int64_t made;

		now += (uint32_t)rand() % 3;
		switch (rand() % 8) {
		case 0:
			made = sim_age_add(r->s, timeout, now);
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
			told += fetch_aged(r, model, now);
			break;
		case 4:
			/* Listed, and not taken: packets take it off again. */
			sim_age_scan(r->s, now);
			break;
		default:
			sim_age_read(r->s, i, now, &aged, &since);
			if (!model[i].there)
				break;
			assert_int_equal(since, now - model[i].last);
			assert_int_equal(aged, model[i].told || since >= model[i].timeout);
		}
	}
	assert_true(told > 100);
}

/* The scanner by and by: a slice at a time, each context once in a round, none left out and none reported twice. */
static void
ageing_in_slices(void **state)
{
	struct rig *r = *state;
	const uint32_t n = 5 * SIM_AGE_SLICE + 7;
	sim_cycle next, round = 0, now = 1000;
	uint32_t seen = 0, most = 0, steps = 0;

	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(sim_age_add(r->s, 10, 0), i);
	for (next = sim_age_tick(r->s, now); steps < 6; next = sim_age_tick(r->s, now)) {
		const uint32_t listed = sim_age_take(r->s, NULL, 0) - seen;

		most = listed > most ? listed : most;
		seen += listed;
		steps++;
		if (next > now) {
			round += next - now;
			now = next;
			assert_int_equal(sim_age_tick(r->s, now - 1), next);
		}
	}
	assert_int_equal(most, SIM_AGE_SLICE);
	assert_int_equal(seen, n);
	assert_true(round > 0);
	/* Not called for long: as many slices as there are, and it is up to date. */
	now += UINT64_C(1) << 40;
	for (steps = 0; sim_age_tick(r->s, now) <= now; steps++)
		assert_true(steps < 6);
	assert_int_equal(sim_age_take(r->s, NULL, 0), n);
	for (uint32_t i = 0; i < n; i++)
		sim_age_del(r->s, i);
}

static void
ageing_by_packets(void **state)
{
	struct rig *r = *state;
	const struct sim_action a[] = { act(SIM_A_AGE, 0), act(SIM_A_QUEUE, 1) };
	uint32_t got;

	assert_int_equal(sim_age_add(r->s, 100, 0), 0);
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
	/* Disabled it colours nothing: what comes without a colour is green (rte_mtr.h). */
	assert_int_equal(sim_meter_enable(r->s, 0, false), 0);
	p = send_at(r, &tcp, 0, false, 1);
	assert_int_equal(p.dest.queue, 5);
	sim_meter_read(r->s, 0, &st, false);
	assert_int_equal(st.packets[0], 1);
	assert_int_equal(st.packets[1] + st.packets[2], 0);
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

/* A rule's direction is its own: a change of the object leaves it alone. */
static void
connections(void **state)
{
	struct rig *r = *state;
	struct sim_action a[] = { act(SIM_A_CT, 0), act(SIM_A_JUMP, 1) };
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
	a[0].flags = SIM_AF_REPLY;
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
		T(ageing_in_slices),
		T(meters),
		T(connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
