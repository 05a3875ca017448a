/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One packet on its way through the NIC. The bytes belong to whoever made it: an mbuf in functional mode, the packet
 * buffer of the model in timed mode. Actions write in place and may take head- or tailroom.
 */
#ifndef HWSIM_CORE_PKT_H
#define HWSIM_CORE_PKT_H

#include "hwsim/core/phv.h"
#include "hwsim/core/sim.h"

enum sim_dest_kind {
	SIM_TO_QUEUE, /* host side of a port: rx queue `queue` of the ethdev of `port` */
	SIM_TO_WIRE,  /* out of `port`: its wire, or its function */
	SIM_TO_DROP,  /* `queue` is an enum sim_drop */
};

/* Reasons, one counter each (xstats drop_<name>). */
#define SIM_DROPS(X) \
	X(ACTION, action, "a rule said DROP") \
	X(METER, meter, "red, or no colour policy let it through") \
	X(LOOP, loop, "more groups than the pipeline has steps") \
	X(RULE, rule, "a rule names a queue or port that is not there") \
	X(ROOM, room, "no head- or tailroom for an encapsulation, or no such header to take off") \
	X(BUFFER, buffer, "packet buffer full") \
	X(NODESC, nodesc, "no descriptor in the rx queue") \
	X(NOMBUF, nombuf, "no buffer for a received packet") \
	X(FILTER, filter, "not for this MAC or VLAN") \
	X(LENGTH, length, "longer than the MTU or shorter than a header") \
	X(LINK, link, "port stopped or link down") \
	X(WIRE, wire, "the far side did not take it") \
	X(ISOLATED, isolated, "no rule wanted it and the port is isolated")

enum sim_drop {
#define X(NAME, name, text) SIM_DROP_##NAME,
	SIM_DROPS(X)
#undef X
			SIM_DROP_COUNT
};

struct sim_dest {
	uint8_t kind; /* enum sim_dest_kind */
	uint8_t rss;  /* SIM_TO_QUEUE: 1: queue is still to be chosen by the port's own RSS */
	uint16_t port;
	uint16_t queue;
};

/* FLAG says less than MARK: after both there is a number. */
enum sim_mark { SIM_MARK_NUMBER = 1, SIM_MARK_FLAG = 2 };

struct sim_pkt {
	uint8_t *data;
	uint16_t len;	    /* bytes in view, contiguous */
	uint16_t headroom;  /* before data */
	uint16_t tailroom;  /* behind data + len */
	uint16_t port;	    /* entered by */
	uint32_t frame_len; /* all of it, without FCS; == len when contiguous */
	uint8_t from_host;
	/* Results of steering, for the descriptor. */
	uint8_t marked; /* enum sim_mark */
	uint8_t meta_set;
	uint8_t restored; /* tunnel miss: `restore` is valid */
	uint32_t mark;
	uint32_t meta;
	uint32_t restore; /* tunnel << 24 | group, see sim_steer_tunnel_group() */
	uint32_t hash;	  /* RSS hash, when rss_hashed */
	uint8_t rss_hashed;
	uint8_t pad[3];
	struct sim_dest dest;
};

/*
 * What the packet did in the pipeline, for the model in cycles: one step a look-up, entry read, action or object. NULL
 * where only the outcome matters.
 */
enum sim_step_kind {
	SIM_STEP_PARSE,
	SIM_STEP_GROUP, /* a group was entered; line = its number */
	SIM_STEP_EXACT, /* an exact matcher was asked; line = address of the bucket's entry, in lines of 64 B */
	SIM_STEP_CHAIN, /* further entries of that bucket: `count` lines from `line` on, one after the other */
	SIM_STEP_ROOT, /* `count` entries of the fixed hash of group 0 were read, from `line` on */
	SIM_STEP_WALK, /* `count` entries of the list behind that hash were searched, one by one */
	SIM_STEP_TCAM, /* a wildcard matcher was asked */
	SIM_STEP_ACTION, /* `count` actions of a rule */
	SIM_STEP_COUNT,	 /* counter `line` */
	SIM_STEP_METER,	 /* meter `line` */
	SIM_STEP_AGE,	 /* age context `line` touched */
	SIM_STEP_CT,	 /* connection `line`, read-modify-write */
	SIM_STEP_COPY,	 /* `count` bytes put in or taken off in front */
	SIM_STEP_TLS,	 /* TLS engine, session `line` */
};

struct sim_step {
	uint8_t kind; /* enum sim_step_kind */
	uint8_t pad;
	uint16_t count;
	uint32_t line;
};

#define SIM_STEPS_MAX 192

struct sim_path {
	uint32_t n;
	uint32_t flow; /* hash of the packet's outer flow: what order is kept by */
	struct sim_step step[SIM_STEPS_MAX];
};

#endif /* HWSIM_CORE_PKT_H */
