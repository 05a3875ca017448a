/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the benchmarks of the NIC's model share: a profile by name with changes, rules of the published workload, frames of
 * random flows. No DPDK.
 */
#ifndef BENCH_HWSIM_RIG_H
#define BENCH_HWSIM_RIG_H

#include "hwsim/core/nic.h"

#define RIG_SETS 32

struct rig {
	struct sim_profile profile;
	struct sim_steer *steer;
	struct sim_nic *nic;
	uint64_t random; /* state of rig_random() */
	uint32_t trace;	 /* before rig_open(): packets to trace */
	uint16_t ports;	 /* before rig_open(); 0: one */
};

/* r->trace and r->ports are set, all else is not. Loads the profile and sets what `sets` says; makes steering and NIC. Prints what is wrong; -1. */
int
rig_open(struct rig *r, const char *profile, const char *const *sets, uint32_t n_sets);
void
rig_close(struct rig *r);
/* xorshift64* (Vigna 2016). */
uint64_t
rig_random(struct rig *r);

/* A UDP flow over IPv4, in host order. */
struct rig_flow {
	uint32_t src, dst;
	uint16_t sport, dport;
};

/* A frame of `len` bytes without FCS. */
void
rig_frame(uint8_t *frame, uint32_t len, const struct rig_flow *f);

/* Fate of a rule. */
struct rig_fate {
	uint8_t type; /* SIM_A_JUMP, SIM_A_QUEUE */
	uint32_t to;
};
enum rig_kind {
	RIG_ETH,      /* eth */
	RIG_CATCHALL, /* eth / ipv4 dst 192.168.0.0/16 */
	RIG_TUPLE,    /* eth / ipv4 / udp, addresses and ports of `f` */
};
/* 0, -EEXIST, or -errno with the reason in *e. */
int
rig_rule(struct rig *r, uint32_t group, enum rig_kind kind, const struct rig_flow *f,
		struct rig_fate fate, struct sim_error *e);
/* A number of 16 or 32 bits in network order. */
void
rig_put16(uint8_t *p, uint16_t v);
void
rig_put32(uint8_t *p, uint32_t v);
/* Of this process: what others do on the machine does not count. */
double
rig_seconds(void);

#endif /* BENCH_HWSIM_RIG_H */
