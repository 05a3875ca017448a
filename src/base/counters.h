/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters. Each lcore has its own block and is its only writer; readers add the blocks up and may see values a
 * moment old. Plain 64-bit stores: no atomics on the hot path, and x86-64/arm64 do not tear them.
 */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdint.h>

#include <rte_common.h>

#include "base/drop.h"
#include "base/pkt.h"

struct counter_pair {
	uint64_t packets;
	uint64_t bytes;
};

/* One packet more; its owner lcore. */
static inline void
counter_add(struct counter_pair *c, uint32_t bytes)
{
	c->packets++;
	c->bytes += bytes;
}

/* Packet states, as conntrack names them (ct.h); here because everybody counts by them. */
enum ct_state {
	CT_STATE_NONE = 0, /* never tracked: ARP, dropped before */
	CT_STATE_NEW,
	CT_STATE_ESTABLISHED,
	CT_STATE_RELATED,
	CT_STATE_INVALID,
	CT_STATE_UNTRACKED,
	CT_STATE_COUNT
};
const char *
ct_state_name(enum ct_state s);

/* [W] one a lcore (control has one too), cache aligned, never shared for writing. */
struct counters {
	struct counter_pair rx;
	struct counter_pair tx;	  /* taken by output queues: forwarded, or made by shunt */
	struct counter_pair fast; /* forwarded by the worker alone */
	struct counter_pair slow; /* forwarded by way of control */
	struct counter_pair state[CT_STATE_COUNT];
	uint64_t local;	      /* consumed: ARP, ND, echo to own addresses */
	uint64_t made;	      /* packets that shunt itself made (ARP, ICMP) */
	uint64_t reassembled; /* packets put together out of fragments */
	uint64_t merged; /* fragments that are part of another packet now: all but one of each of those */
	uint64_t fragmented;	 /* packets that left in fragments */
	uint64_t fragments_made; /* those fragments: all but one of each packet count as made */
	uint64_t handover;	 /* given to the owner worker */
	uint64_t lines_asked;	 /* packets that waited until a worker let their connection go */
	uint64_t parked; /* waited in the worker for an earlier packet to come back from control */
	uint64_t icmp_limited;	/* ICMP errors of shunt's own that the rate limit held back */
	uint64_t cookies_sent;	/* SYNs answered with a SYN cookie */
	uint64_t cookies_valid; /* ACKs that answered one */
	uint64_t polls;
	uint64_t empty_polls;
	uint64_t punt[PUNT_COUNT];
	uint64_t drop[DROP_COUNT];
} __rte_cache_aligned;

/* a += b, field by field. */
void
counters_add(struct counters *a, const struct counters *b);

#endif /* BASE_COUNTERS_H */
