/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rig of the tests of the NIC in time: a profile with changes, steering, a NIC, frames, rules, and the books checked.
 */
#ifndef TEST_SIM_NIC_RIG_H
#define TEST_SIM_NIC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nic_priv.h"

struct nrig {
	struct sim_profile profile;
	struct sim_steer *steer;
	struct sim_nic *nic;
	uint64_t random;
	struct sim_nic **self; /* for mirrors: the NIC is made after the steering that calls it */
};

/* The ideal card with `sets`, which ends with NULL. */
void
nrig_open(struct nrig *r, uint16_t ports, uint32_t trace, const char *const *sets);
void
nrig_close(struct nrig *r);
uint64_t
nrig_random(struct nrig *r);

/* A UDP packet of `len` bytes from 10.0.0.1 to 192.168.0.1, flow by source port. */
void
nrig_frame(uint8_t *frame, uint32_t len, uint16_t flow);
/* Arrives at `at`, or behind the one before. Returns when the wire is free. */
int64_t
nrig_in(struct nrig *r, uint16_t port, sim_cycle at, uint32_t len, uint16_t flow);
/* A rule: packets of UDP source port `flow` (0: all) of a port (TRANSFER: any) have these actions. */
struct sim_rule *
nrig_rule(struct nrig *r, enum sim_domain domain, uint16_t port, uint16_t flow,
		const struct sim_action *actions, uint32_t n);
/* Takes all frames of an rx queue, posts their descriptors again and checks that they are in order. Returns their number. */
uint32_t
nrig_rx(struct nrig *r, uint16_t port, uint16_t q);
/* The same at a wire. */
uint32_t
nrig_out(struct nrig *r, uint16_t port);
/* in == out + dropped + held, and the pool agrees. */
void
nrig_books(struct nrig *r);
void
nrig_unit(struct nrig *r, const char *name, struct sim_unit_stats *s);

#endif /* TEST_SIM_NIC_RIG_H */
