/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hwsim: public face of the NIC simulator's model, in cycles, without DPDK types. Not built yet (README.md beside this
 * file); the driver is reached through rte_ethdev and rte_flow only.
 */
#ifndef HWSIM_SIM_H
#define HWSIM_SIM_H

#include <stdint.h>

/* Simulated time. One clock domain: everything else is a ratio of it. */
typedef uint64_t sim_cycle;

#endif /* HWSIM_SIM_H */
