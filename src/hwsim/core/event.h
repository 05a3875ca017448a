/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event queue: what happens at which cycle. Events of a cycle run by priority, then in the order in which they were put
 * in, so a run is the same every time.
 */
#ifndef HWSIM_CORE_EVENT_H
#define HWSIM_CORE_EVENT_H

#include "hwsim/core/sim.h"

/*
 * Within a cycle: what ends comes before what begins, from the packet's way out to its way in, so that a place that is given
 * up in a cycle can be taken in the same cycle, in one order that does not depend on who was put in first. RTL of the same
 * units resolves a cycle in this order, too.
 */
enum sim_prio {
	SIM_P_COMMAND, /* rules change before the packets of the cycle look */
	SIM_P_MEMORY,  /* reads come back, the cache is filled */
	SIM_P_ENGINE, /* all of engines.h, in one event a cycle: its order is in docs/hwsim-pipeline.md */
	SIM_P_BUFFER,
	SIM_P_MAC,
	SIM_P_DMA,
	SIM_P_HOST,
	SIM_P_TICK, /* scanners and refreshers */
	SIM_P_COUNT
};

struct sim_event {
	sim_cycle at;
	uint8_t prio;
	uint8_t kind;  /* the unit's own */
	uint16_t unit; /* index of the unit */
	uint32_t arg;
	void *ptr;
	void (*run)(void *owner, const struct sim_event *ev);
	void *owner;
};

struct sim_events;

struct sim_events *
sim_events_create(void);
void
sim_events_destroy(struct sim_events *q);
/* Copies *ev. Its cycle is not before the one that runs. -ENOMEM. */
int
sim_events_add(struct sim_events *q, const struct sim_event *ev);
/* Cycle of the next one, SIM_NEVER: none. */
sim_cycle
sim_events_next(const struct sim_events *q);
/* Runs all up to and including `until`. Returns their number. */
uint64_t
sim_events_run(struct sim_events *q, sim_cycle until);
sim_cycle
sim_events_now(const struct sim_events *q);
uint32_t
sim_events_pending(const struct sim_events *q);

#endif /* HWSIM_CORE_EVENT_H */
