/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Meters as arithmetic: the token buckets of RFC 2697 (srTCM) and RFC 2698 (trTCM). Pure functions of the meter's state;
 * the time is an argument. Steering keeps one struct sim_meter a meter object.
 */
#ifndef HWSIM_CORE_METER_H
#define HWSIM_CORE_METER_H

#include "hwsim/core/steer.h"

/* A bucket: whole tokens, and the part of one that has come so far, in units of 1/hz. So nothing is ever rounded away. */
struct sim_bucket {
	uint64_t tokens, depth;
	uint64_t rate; /* tokens a second */
	uint64_t part; /* < hz */
};

struct sim_meter {
	struct sim_meter_params params;
	uint64_t hz; /* of the clock that `now` counts */
	sim_cycle last;
	struct sim_bucket c; /* committed */
	struct sim_bucket
			e; /* excess (RFC 2697; filled by what c does not hold) or peak (RFC 2698) */
};

/* Buckets begin full (both RFCs, section 3). `mhz` 0 counts as 1. */
void
sim_meter_init(struct sim_meter *m, const struct sim_meter_params *p, uint32_t mhz, sim_cycle now);

/*
 * Colours a packet of `bytes` and takes its tokens. color_in: colour that the packet has (enum sim_color), 0 for none,
 * which is green; only a colour aware meter looks at it. A `now` before the last one counts as the last one.
 */
enum sim_color
sim_meter_color(struct sim_meter *m, uint32_t bytes, uint8_t color_in, sim_cycle now);

#endif /* HWSIM_CORE_METER_H */
