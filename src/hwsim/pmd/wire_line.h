/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One direction of a cable: bounded rings that hold frames on their way, one for each rx queue of the receiving end. A
 * loop is a line into itself, a pair of peers two of them. Frames are passed on as they are, without copying.
 */
#ifndef HWSIM_WIRE_LINE_H
#define HWSIM_WIRE_LINE_H

#include <rte_ring.h>

#include "wire.h"

/* dpdk-test's pmd_perf_autotest sends 2048 frames before it receives any. */
#define WIRE_LINE_FRAMES 8192u
#define WIRE_LINE_FRAMES_MAX (1u << 20)

/* A configuration of RSS that readers use while a new one is written: two slots, readers are counted. */
struct wire_rss {
	uint32_t active; /* [A] slot in use */
	struct {
		uint32_t readers; /* [A] */
		bool many;	  /* more than one queue */
		struct sim_rss rss;
	} slot[2];
};

void
wire_rss_set(struct wire_rss *r, const struct sim_rss *rss);
/* Slot to read until wire_rss_leave(). */
uint32_t
wire_rss_enter(struct wire_rss *r);
void
wire_rss_leave(struct wire_rss *r, uint32_t slot);

/* rss->n != 0. The mbuf's first segment holds all headers. */
uint16_t
wire_rss_queue(const struct sim_rss *rss, const struct rte_mbuf *m);

struct wire_line {
	struct wire_rss rss;
	struct rte_ring *ring
			[SIM_RSS_QUEUES_MAX]; /* [A] by rx queue, made when RSS first names it */
	uint32_t frames;		      /* room a ring */
	int socket;
};

/* A ring without a name for many that send and one that receives; rte_free() it. */
struct rte_ring *
wire_ring_create(uint32_t frames, int socket);

int
wire_line_init(struct wire_line *l, uint32_t frames, int socket);
/* Frees the frames on the line and returns their number; the caller is the only one that receives. */
uint32_t
wire_line_drain(struct wire_line *l);
void
wire_line_fini(struct wire_line *l);
void
wire_line_spread(struct wire_line *l, const struct sim_rss *rss);
/* Takes all n and counts them at `w`; those that found no room are lost. */
void
wire_line_put(struct wire_line *l, struct wire *w, struct rte_mbuf **m, uint16_t n, uint64_t now);
struct wire_line_get {
	struct rte_mempool *pool; /* for frames that must be copied */
	uint64_t *when;		  /* may be NULL */
	uint64_t now;
	uint16_t ethdev;
};
uint16_t
wire_line_get(struct wire_line *l, struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n,
		const struct wire_line_get *g);
bool
wire_line_empty(const struct wire_line *l);
uint32_t
wire_line_count(const struct wire_line *l, uint16_t q);

#endif /* HWSIM_WIRE_LINE_H */
