/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card of four ports for tests of steering, its mirror, and rules that every packet matches.
 */
#ifndef TEST_SIM_RIG_H
#define TEST_SIM_RIG_H

#include "test_sim_steer.h"

#define MHZ 1000u

struct rig {
	struct sim_profile profile;
	struct sim_steer *s;
	struct sim_pkt seen; /* by the mirror */
	struct sim_dest seen_dest;
	uint32_t mirrored;
};

static inline void
mirror(void *ctx, const struct sim_pkt *p, const struct sim_dest *dest)
{
	struct rig *r = ctx;

	r->seen = *p;
	r->seen_dest = *dest;
	r->mirrored++;
}

static inline void
rig_make(struct rig *r)
{
	r->s = sim_steer_create(&(struct sim_steer_params){
			.profile = &r->profile, .n_ports = 4, .mirror = mirror, .ctx = r });
	assert_non_null(r->s);
}

static inline int
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

static inline int
rig_end(void **state)
{
	struct rig *r = *state;

	sim_steer_destroy(r->s);
	free(r);
	return 0;
}

/* Rule of any domain that every packet matches; fails the test if it is refused. */
static inline struct sim_rule *
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

static inline struct sim_pkt
send_at(struct rig *r, const struct frame *f, uint16_t port, bool from_host, sim_cycle now)
{
	static struct bytes b;
	struct sim_pkt p;

	frame_bytes(f, &b);
	p = frame_pkt(&b, port, from_host);
	sim_steer_run(r->s, &p, now, NULL);
	return p;
}

#endif /* TEST_SIM_RIG_H */
