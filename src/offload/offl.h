/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Offload: established connections as rte_flow rules in a NIC. Not built yet: this header fixes what the engine
 * works on, so that flows are compiled in a form that it can take.
 *
 * A rule is made from a struct flow (base/flow.h) and its next hop, from nothing else: match = zone, 5-tuple, port of
 * entry; actions = rewrite of addresses and ports, TTL, MAC addresses, mark, queue. So what a worker's fast path
 * does and what the NIC does cannot differ. Only flows with FLOW_F_FAST and without FLOW_F_L7 are offered;
 * packets with SYN, FIN or RST and fragments are left to the software by the rule's pattern.
 *
 * The control lcore is the only one that inserts, removes and queries rules, in batches, when a connection
 * becomes fast (session.c: set_fast) and before it is closed; the dataplane calls the engine, never the reverse. The
 * engine depends on base and rte_flow only: it knows no vendor, and not the simulator either.
 */
#ifndef OFFLOAD_OFFL_H
#define OFFLOAD_OFFL_H

#include <stdint.h>

#include "base/flow.h"

/* Life of a flow's rule; one writer, the control lcore. */
enum offl_state {
	OFFL_NONE = 0,	/* not offered, or refused by the admission policy */
	OFFL_INSERTING, /* asked for; the software path still runs the flow */
	OFFL_ACTIVE,	/* the NIC runs it; its counters are polled in batches */
	OFFL_REMOVING,	/* asked to go; a packet may still be in the NIC */
	OFFL_REFUSED,	/* the device cannot express it: not asked again */
};

/* What names a rule: the flow, and the generation of its connection slot, so that a late answer is recognised. */
struct offl_key {
	uint32_t flow_id;
	uint16_t generation;
	uint16_t port_in; /* configuration index */
};

#endif /* OFFLOAD_OFFL_H */
