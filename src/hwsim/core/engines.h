/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering in time: parser, engines, entry cache, host memory, order. This is the part that src/hwsim/rtl has as
 * SystemVerilog, cycle for cycle; docs/hwsim-pipeline.md is the definition that both keep to.
 *
 * Engines run a packet to completion: each takes one, walks its path step by step, and waits for memory where the entry
 * cache does not have a line. There are steering.engines of them, so that many reads are in flight. Packets of a flow leave
 * in the order of their arrival; others may pass them.
 */
#ifndef HWSIM_CORE_ENGINES_H
#define HWSIM_CORE_ENGINES_H

#include "hwsim/core/event.h"
#include "hwsim/core/nic.h"
#include "hwsim/core/pkt.h"
#include "hwsim/core/profile.h"

struct sim_engines;

struct sim_engines_params {
	const struct sim_profile *profile;
	struct sim_events *events;
	/* The packet gets an engine: its outcome and its path. */
	void (*start)(void *ctx, struct sim_frame *f, sim_cycle now, struct sim_path *path);
	/* Steps of objects (COUNT, METER, AGE, CT, TLS): the cycle at which the engine may go on, >= now. NULL: now. */
	sim_cycle (*object)(void *ctx, const struct sim_frame *f, const struct sim_step *step,
			sim_cycle now);
	/* It leaves, in order. */
	void (*done)(void *ctx, struct sim_frame *f, sim_cycle now);
	/* Where it is; NULL: nobody asks. `unit` counts within sim_engines_unit(). */
	void (*stamp)(void *ctx, const struct sim_frame *f, enum sim_stamp_what what, uint32_t unit,
			uint32_t line, sim_cycle now);
	void *ctx;
};

struct sim_engines *
sim_engines_create(const struct sim_engines_params *params);
/* Its events may still be in the queue, which must not run them: destroy that, too. drop NULL: frames are the caller's. */
void
sim_engines_destroy(struct sim_engines *e, void (*drop)(void *ctx, struct sim_frame *f));
/* Into the parser's queue, at the event queue's present cycle and behind SIM_P_ENGINE. -ENOSPC: full. -ENOMEM. */
int
sim_engines_put(struct sim_engines *e, struct sim_frame *f, sim_cycle now);
/* Packets inside. */
uint32_t
sim_engines_held(const struct sim_engines *e);
/* An entry was written: the cache must not have the old one. */
void
sim_engines_invalidate(struct sim_engines *e, uint32_t line);
/* 0 parser, 1 engines, 2 cache, 3 memory, 4 order; false: no such unit. */
bool
sim_engines_unit(const struct sim_engines *e, uint32_t i, struct sim_unit_stats *stats);

#endif /* HWSIM_CORE_ENGINES_H */
