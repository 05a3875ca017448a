/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rig of the tests of the NIC in time (test_sim_nic_rig.h).
 */
#include "test_sim_nic_rig.h"

#include <stdlib.h>

#define FLOW_AT 34 /* UDP's source port in the frame */

static void
mirror(void *ctx, const struct sim_pkt *p, const struct sim_dest *dest)
{
	struct sim_nic **nic = ctx;

	sim_nic_mirror(*nic, p, dest);
}

void
nrig_open(struct nrig *r, uint16_t ports, uint32_t trace, const char *const *sets)
{
	struct sim_steer_params steer = { .n_ports = ports, .mirror = mirror };
	struct sim_nic_params nic = { .n_ports = ports, .trace_packets = trace };
	struct sim_error e = { "" };

	memset(r, 0, sizeof(*r));
	r->random = 1;
	sim_profile_ideal(&r->profile);
	for (; sets != NULL && *sets != NULL; sets++)
		if (sim_profile_set(&r->profile, *sets, &e) < 0)
			fail_msg("%s: %s", *sets, e.text);
	r->self = calloc(1, sizeof(*r->self));
	assert_non_null(r->self);
	steer.profile = &r->profile;
	steer.ctx = r->self;
	r->steer = sim_steer_create(&steer);
	assert_non_null(r->steer);
	nic.profile = &r->profile;
	nic.steer = r->steer;
	r->nic = sim_nic_create(&nic, &e);
	assert_non_null(r->nic);
	*r->self = r->nic;
}

void
nrig_close(struct nrig *r)
{
	nrig_books(r);
	sim_nic_destroy(r->nic);
	sim_steer_destroy(r->steer);
	free(r->self);
}

uint64_t
nrig_random(struct nrig *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random;
}

void
nrig_frame(uint8_t *frame, uint32_t len, uint16_t flow)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0, 0,
		0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 192, 168, 0, 1, 0, 0, 0, 53, 0, 8, 0, 0 };
	uint32_t i;

	for (i = 0; i < len; i++)
		frame[i] = (uint8_t)(i < sizeof(head) ? head[i] : i * 7 + flow);
	if (len < sizeof(head))
		return;
	frame[16] = (uint8_t)((len - 14) >> 8);
	frame[17] = (uint8_t)(len - 14);
	frame[FLOW_AT] = (uint8_t)(flow >> 8);
	frame[FLOW_AT + 1] = (uint8_t)flow;
}

int64_t
nrig_in(struct nrig *r, uint16_t port, sim_cycle at, uint32_t len, uint16_t flow)
{
	static uint8_t frame[SIM_FRAME_MAX];

	nrig_frame(frame, len, flow);
	return sim_nic_wire_in(r->nic, port, at, frame, len, flow);
}

struct sim_rule *
nrig_rule(struct nrig *r, enum sim_domain domain, uint16_t port, uint16_t flow,
		const struct sim_action *actions, uint32_t n)
{
	struct sim_match m;
	struct sim_rule_params p = {
		.domain = (uint8_t)domain,
		.port = domain == SIM_TRANSFER ? SIM_ANY_PORT : port,
		.priority = flow == 0,
		.match = &m,
		.actions = actions,
		.n_actions = n,
	};
	struct sim_error e = { "" };
	struct sim_rule *rule = NULL;

	memset(&m, 0, sizeof(m));
	m.value.layers[0] = SIM_L_ETH;
	if (flow != 0) {
		m.value.layers[0] |= SIM_L_IPV4 | SIM_L_UDP;
		m.value.level[0].l4[0] = (uint8_t)(flow >> 8);
		m.value.level[0].l4[1] = (uint8_t)flow;
		memset(m.mask.level[0].l4, 0xff, 2);
	}
	m.mask.layers[0] = m.value.layers[0];
	if (sim_rule_insert(r->steer, &p, &rule, &e) < 0)
		fail_msg("%s", e.text);
	return rule;
}

/* Frames come in order of their arrival, each after it came. */
static void
check(const struct sim_frame *f, const struct sim_frame *last)
{
	assert_true(f->left >= f->arrived);
	if (last != NULL)
		assert_true(f->left >= last->left);
}

uint32_t
nrig_rx(struct nrig *r, uint16_t port, uint16_t q)
{
	struct sim_frame *f[16], last = { .left = 0 };
	uint32_t n, i, all = 0;

	while ((n = sim_nic_rx(r->nic, port, q, f, 16)) > 0) {
		for (i = 0; i < n; i++) {
			check(f[i], &last);
			last = *f[i];
			sim_frame_free(r->nic, f[i]);
		}
		sim_nic_rx_post(r->nic, port, q, n);
		all += n;
	}
	return all;
}

uint32_t
nrig_out(struct nrig *r, uint16_t port)
{
	struct sim_frame *f[16], last = { .left = 0 };
	uint32_t n, i, all = 0;

	while ((n = sim_nic_wire_out(r->nic, port, f, 16)) > 0) {
		for (i = 0; i < n; i++) {
			check(f[i], &last);
			last = *f[i];
			sim_frame_free(r->nic, f[i]);
		}
		all += n;
	}
	return all;
}

void
nrig_books(struct nrig *r)
{
	struct sim_account a;
	uint64_t drops = 0;
	int i;

	sim_nic_account(r->nic, &a);
	for (i = 0; i < SIM_DROP_COUNT; i++)
		drops += a.drops[i];
	assert_int_equal(a.dropped, drops);
	assert_int_equal(a.in_wire + a.in_host + a.made,
			a.out_wire + a.out_host + a.dropped + a.held);
	/* Two ways to count what is inside: place by place, and what the pool gave out (tests give back what they take). */
	assert_int_equal(a.held, r->nic->pool.used);
	assert_int_equal(r->nic->lost_events, 0);
}

void
nrig_unit(struct nrig *r, const char *name, struct sim_unit_stats *s)
{
	uint32_t i;

	for (i = 0; sim_nic_unit(r->nic, i, s); i++)
		if (strcmp(s->name, name) == 0)
			return;
	fail_msg("no unit %s", name);
}
