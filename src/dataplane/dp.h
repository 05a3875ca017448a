/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane as a whole: what main(), tests and benches drive. Build it from a configuration, then either start the
 * workers on their lcores and poll control, or replay a capture on one lcore.
 *
 * Every call is for the main lcore, which is the control lcore.
 */
#ifndef DATAPLANE_DP_H
#define DATAPLANE_DP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config/cfg.h"
#include "control/ctl.h"

struct dp; /* opaque */

struct dp_params {
	const struct cfg *cfg; /* outlives the dataplane */
	bool replay; /* in-memory ports, one worker, no lcores, no device of the configuration is touched */
	bool profile; /* count cycles by stage (a few cycles a packet) */
};

/* After rte_eal_init(). NULL: what is wrong has been logged, nothing is left behind. */
struct dp *
dp_create(const struct dp_params *p);
/* Stops what runs. Packets still inside are counted as drops (shutdown). NULL is fine. */
void
dp_destroy(struct dp *dp);

/* Start the ports, and the workers on their lcores (with one lcore: none; dp_poll runs both roles in turn). 0/-errno. */
int
dp_start(struct dp *dp);
void
dp_stop(struct dp *dp);

/* One bounded round of the control role, and of the worker where there is no lcore for it. Packets handled. */
unsigned int
dp_poll(struct dp *dp, uint64_t now);

/* Nanoseconds since start. */
uint64_t
dp_now(const struct dp *dp);

/* The methods ("show stats", ...). */
struct ctl *
dp_ctl(struct dp *dp);

/* Doors of people and programs. `events`: path of the socket that readers of events connect to, or NULL. 0/-errno, logged. */
int
dp_doors_open(struct dp *dp, bool prompt, const char *events);
/*
 * Serve them, `seen` packets after the last call: at once when there are none, else for a sixteenth of the time at
 * most. False: the prompt's user is done.
 */
bool
dp_doors_poll(struct dp *dp, unsigned int seen, uint64_t now);
void
dp_doors_close(struct dp *dp);

/* The tables that a run ends with. */
void
dp_report(struct dp *dp, FILE *out);

struct dp_replay_params {
	const char *in;	      /* pcap or pcapng */
	const char *out;      /* pcapng, one interface a port; NULL = none */
	const char *verdicts; /* JSON lines; NULL = none */
	const char *events;   /* JSON lines of what happened to connections; NULL = none */
	unsigned int burst;   /* 1 .. 64 packets at a time */
	FILE *report;	      /* dp_report() goes there once there was something to replay */
};
/* 0, or -errno with the reason logged. What was replayed until then has been written. */
int
dp_replay(struct dp *dp, const struct dp_replay_params *p);

#endif /* DATAPLANE_DP_H */
