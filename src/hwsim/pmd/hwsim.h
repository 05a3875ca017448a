/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the driver net_hwsim: the NIC, its ports and their queues. One vdev is one NIC: one steering, one model in
 * cycles (not with clock=off), `ports` ethdevs with a wire each, and representors with a function each.
 */
#ifndef HWSIM_PMD_H
#define HWSIM_PMD_H

#include <ethdev_driver.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "hwsim/core/nic.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/steer.h"
#include "hwsim/rteflow/hwf.h"

#include "wire.h"

enum hwsim_clock { HWSIM_CLOCK_OFF, HWSIM_CLOCK_TSC, HWSIM_CLOCK_VIRTUAL };

/* devargs: see args.c, which is the only place that knows their text. */
struct hwsim_args {
	char profile[PATH_MAX];
	uint16_t ports;
	enum hwsim_clock clock;
	bool pace;
	char wire[SIM_PORTS_MAX][PATH_MAX]; /* one each port, or the first for all */
	uint16_t n_wires;
	uint16_t representors[SIM_PORTS_MAX];
	uint16_t n_representors;
	uint32_t trace;
	uint64_t seed;
};

#endif /* HWSIM_PMD_H */
