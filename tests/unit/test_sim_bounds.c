/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cards at the bounds of what a profile may say: every number at its least and at its most, alone, and all of them at random.
 * Frames are conserved, what is held comes out, and twice the same is the same.
 */
#include "test_sim_nic_rig.h"

#define RING 64
#define FRAMES 40

struct bound {
	const char *key;
	uint32_t least, most;
};

static const struct bound bounds[] = {
#define X(section, field, key, def, min, max, text) { #section "." key, min, max },
	SIM_PROFILE_NUMBERS(X)
#undef X
};
#define N_BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

/* A rule of everything that takes time, group after group. */
static void
rules(struct nrig *r)
{
	static const uint8_t header[18] = { [12] = 0x81, [16] = 0x08 };
	struct sim_action a[6];
	uint32_t n = 0;
	int64_t i;

	i = sim_counter_add(r->steer);
	if (i >= 0)
		a[n++] = (struct sim_action){ .type = SIM_A_COUNT, .u32 = (uint32_t)i };
	i = sim_age_add(r->steer, 1, 0);
	if (i >= 0)
		a[n++] = (struct sim_action){ .type = SIM_A_AGE, .u32 = (uint32_t)i };
	a[n++] = (struct sim_action){ .type = SIM_A_ENCAP, .data = header, .len = 18 };
	a[n++] = (struct sim_action){ .type = SIM_A_QUEUE };
	nrig_rule(r, SIM_INGRESS, 0, 1, a, n);
}

/* A digest of when which frame came where, or 0: this card is none. */
static uint64_t
run(const struct sim_profile *p)
{
	struct nrig r = { .profile = *p };
	uint64_t digest = 1;
	struct sim_frame *f[FRAMES];
	sim_cycle until;
	uint8_t frame[200];
	uint32_t n;

	r.steer = sim_steer_create(
			&(struct sim_steer_params){ .profile = &r.profile, .n_ports = 2 });
	assert_non_null(r.steer);
	r.nic = sim_nic_create(
			&(struct sim_nic_params){ .profile = p, .n_ports = 2, .steer = r.steer },
			NULL);
	assert_non_null(r.nic);
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, RING), 0);
	assert_int_equal(sim_nic_txq_setup(r.nic, 1, 0, RING), 0);
	if (p->tables_priorities > 1)
		rules(&r);
	for (uint16_t i = 0; i < FRAMES; i++) {
		nrig_frame(frame, 60 + i, i % 3);
		assert_true(sim_nic_wire_in(r.nic, 0, i * 1000u, frame, 60u + i, i) >= 0);
		if (sim_nic_tx(r.nic, 1, 0, frame, 60u + i, i) == 0)
			sim_nic_tx_ring(r.nic, 1, 0);
	}
	/* Slowest of all are a MAC of 10 Mb/s at 10 GHz and steps of 1,000,000 cycles. */
	for (until = 1000; until < UINT64_C(1) << 37; until *= 2) {
		sim_run(r.nic, until);
		nrig_books(&r);
		n = sim_nic_rx(r.nic, 0, 0, f, FRAMES);
		sim_nic_rx_post(r.nic, 0, 0, n);
		for (uint32_t i = 0; i < n; i++) {
			digest = digest * 31 + f[i]->left;
			digest = digest * 31 + f[i]->cookie;
			sim_frame_free(r.nic, f[i]);
		}
		n = sim_nic_wire_out(r.nic, 1, f, FRAMES);
		for (uint32_t i = 0; i < n; i++) {
			digest = digest * 31 + f[i]->left;
			sim_frame_free(r.nic, f[i]);
		}
		if (sim_nic_held(r.nic) == 0 && until > 1000000)
			break;
	}
	assert_int_equal(sim_nic_held(r.nic), 0);
	nrig_books(&r);
	sim_nic_destroy(r.nic);
	sim_steer_destroy(r.steer);
	return digest;
}

/* false: numbers that do not go together. */
static bool
set(struct sim_profile *p, const struct bound *b, uint32_t value)
{
	char text[96];

	snprintf(text, sizeof(text), "%s=%u", b->key, value);
	return sim_profile_set(p, text, NULL) == 0;
}

static void
one_by_one(void **state)
{
	struct sim_profile p;
	uint32_t ran = 0;

	(void)state;
	for (uint32_t i = 0; i < 2 * N_BOUNDS; i++) {
		sim_profile_ideal(&p);
		/* A scan each us for the whole run would be all that this does. */
		assert_int_equal(sim_profile_set(&p, "objects.age-scan-us=100000", NULL), 0);
		if (!set(&p, &bounds[i / 2], i % 2 ? bounds[i / 2].most : bounds[i / 2].least))
			continue;
		run(&p);
		ran++;
	}
	assert_true(ran > 3 * N_BOUNDS / 2);
}

static void
all_at_once(void **state)
{
	uint64_t x = 1;
	struct sim_profile p;

	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		sim_profile_ideal(&p);
		for (uint32_t i = 0; i < N_BOUNDS; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			if (x >> 62 != 0)
				set(&p, &bounds[i], x >> 61 & 1 ? bounds[i].least : bounds[i].most);
		}
		p.objects_age_scan_us = 100000;
		assert_int_equal(run(&p), run(&p));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(all_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
