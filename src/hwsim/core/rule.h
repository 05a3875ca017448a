/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rule, in the model's own words: what hwsim/rteflow makes of rte_flow, and what steering runs.
 */
#ifndef HWSIM_CORE_RULE_H
#define HWSIM_CORE_RULE_H

#include "hwsim/core/phv.h"
#include "hwsim/core/sim.h"

/*
 * Which tables a rule is in. A packet from a wire or function walks TRANSFER, and INGRESS of the port whose host side
 * it comes to; one from the host walks EGRESS of its port, then TRANSFER.
 */
enum sim_domain { SIM_INGRESS, SIM_EGRESS, SIM_TRANSFER, SIM_DOMAINS };

#define SIM_ANY_PORT UINT16_MAX
#define SIM_RANGES_MAX 2

/*
 * A number in the vector that must lie within bounds (rte_flow item `last`). Big-endian, 1 to 8 bytes wide; port, mark,
 * meta and tags, which are no headers, are as the CPU has them.
 */
struct sim_range {
	uint16_t at; /* byte offset into struct sim_phv */
	uint16_t width;
	uint64_t low, high; /* host order, inclusive */
	uint64_t mask; /* bits of the number that are compared, host order: a VLAN id is 12 of 16; 0: all */
};

struct sim_match {
	struct sim_phv value; /* bits outside of the mask are ignored */
	struct sim_phv mask;
	uint32_t n_ranges;
	struct sim_range range[SIM_RANGES_MAX];
	bool invert; /* matches what the rest does not */
};

/* Fields that can be read and written; `level` 0 is the outer header, 1 the inner. All in network order. */
enum sim_field {
	SIM_F_VALUE, /* source only: the immediate */
	SIM_F_MAC_DST,
	SIM_F_MAC_SRC,
	SIM_F_ETH_TYPE,
	SIM_F_VLAN_ID,	/* 12 bits of the outer tag */
	SIM_F_VLAN_PCP, /* 3 bits */
	SIM_F_VLAN_TYPE,
	SIM_F_IPV4_SRC,
	SIM_F_IPV4_DST,
	SIM_F_IPV4_DSCP,
	SIM_F_IPV4_ECN,
	SIM_F_IPV4_TTL,
	SIM_F_IPV6_SRC,
	SIM_F_IPV6_DST,
	SIM_F_IPV6_DSCP,
	SIM_F_IPV6_ECN,
	SIM_F_IPV6_HOPLIMIT,
	SIM_F_TCP_SRC,
	SIM_F_TCP_DST,
	SIM_F_TCP_SEQ,
	SIM_F_TCP_ACK,
	SIM_F_TCP_FLAGS,
	SIM_F_UDP_SRC,
	SIM_F_UDP_DST,
	SIM_F_TP_SRC, /* of TCP, UDP or SCTP, whichever is there (SET_TP_SRC) */
	SIM_F_TP_DST,
	SIM_F_TTL, /* of IPv4 or IPv6, whichever is there (SET_TTL, DEC_TTL) */
	SIM_F_VXLAN_VNI,
	SIM_F_GENEVE_VNI,
	SIM_F_GTP_TEID,
	SIM_F_TAG, /* `index` says which */
	SIM_F_MARK,
	SIM_F_META,
	SIM_F_COUNT
};

/* Width in bits, 0 for SIM_F_VALUE. */
uint32_t
sim_field_bits(enum sim_field f);

enum sim_op { SIM_OP_SET, SIM_OP_ADD, SIM_OP_SUB };

/*
 * dst[dst_bit .. +bits] op= src[src_bit .. +bits]; bits count from the least significant end of the field, as
 * MODIFY_FIELD's offsets do. Checksums of IPv4, TCP, UDP, SCTP (CRC32C) and ICMPv6 follow the change. A header that the
 * packet has not leaves it as it is.
 */
struct sim_modify {
	uint8_t op; /* enum sim_op */
	uint8_t dst, dst_level, dst_index;
	uint8_t src, src_level, src_index;
	uint8_t pad;
	uint16_t dst_bit, src_bit, bits;
	uint8_t value[16]; /* SIM_F_VALUE: right-aligned, network order */
};

enum sim_action_type {
	SIM_A_END,
	/* Fate. */
	SIM_A_JUMP,  /* u32: group */
	SIM_A_QUEUE, /* u32: rx queue of the port */
	SIM_A_RSS,   /* u32: index of an RSS object, sim_steer_rss_add() */
	SIM_A_DROP,
	SIM_A_PORT,	/* u32: out of this switch port (wire or function); transfer rules */
	SIM_A_HOST,	/* u32: to the host side of this switch port, through its ingress tables */
	SIM_A_PASSTHRU, /* goes on as if the rule had not ended the look-up: next lower priority */
	/* Metadata and objects; objects are indices, kind by kind, of hwsim/core/steer.h. */
	SIM_A_MARK, /* u32 */
	SIM_A_FLAG,
	SIM_A_COUNT,  /* u32: counter */
	SIM_A_METER,  /* u32: meter */
	SIM_A_AGE,    /* u32: age context */
	SIM_A_CT,     /* u32: connection; flags: SIM_AF_REPLY */
	SIM_A_TLS,    /* u32: session; the engine's behaviour is not built yet */
	SIM_A_SAMPLE, /* u32: index of a sample object */
	/* Bytes. */
	SIM_A_MODIFY, /* struct sim_modify */
	SIM_A_MAC_SWAP,
	SIM_A_VLAN_POP,
	SIM_A_VLAN_PUSH, /* u32: TPID, host order; TCI is that of the tag there was, or 0 */
	SIM_A_ENCAP, /* data, len: put in front; lengths, IPv4 checksum, ids follow; UDP source port from the inner hash if 0 */
	SIM_A_DECAP, /* takes everything off up to the inner L2 header; up to inner L3 with SIM_AF_KEEP_L2 */
	SIM_A_STRIP, /* u32: takes this many bytes off in front (RAW_DECAP) */
};

/* sim_action.flags of SIM_A_DECAP: up to the inner L3 header; the outer Ethernet header stays, its type follows. */
#define SIM_AF_KEEP_L2 1u
/* sim_action.flags of SIM_A_CT: packets of this rule are of the reply direction; else of the original one. */
#define SIM_AF_REPLY 2u

/* A new frame begins with an Ethernet header. */
#define SIM_ENCAP_MIN 14
#define SIM_ENCAP_MAX 128

struct sim_action {
	uint8_t type; /* enum sim_action_type */
	uint8_t flags;
	uint16_t len; /* of data */
	union {
		uint32_t u32;
		const struct sim_modify *modify; /* caller's; copied on insertion */
		const uint8_t *data;		 /* caller's; copied on insertion */
	};
};

#define SIM_ACTIONS_MAX 32

/* What sim_rule_insert() is given; nothing of it is kept by reference. */
struct sim_rule_params {
	uint8_t domain; /* enum sim_domain */
	uint16_t port;	/* INGRESS, EGRESS: of this port. TRANSFER: SIM_ANY_PORT */
	uint32_t group;
	uint32_t priority; /* 0 is highest */
	const struct sim_match *match;
	const struct sim_action *actions;
	uint32_t n_actions;
	uint64_t cookie; /* the caller's, for sim_rule_walk() */
	/*
	 * Has its place, but no packet sees it before sim_rule_show(): rules of asynchronous queues, whose room and
	 * cost are known when they are asked for, and which are there when the command queue is through with them.
	 */
	bool hidden;
};

#endif /* HWSIM_CORE_RULE_H */
