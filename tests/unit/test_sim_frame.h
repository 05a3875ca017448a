/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for the tests of the NIC simulator: written header by header from a description, with checksums summed byte by
 * byte, and with a note of where everything is. Knows nothing of the parser and the actions that it is to judge.
 */
#ifndef TEST_SIM_FRAME_H
#define TEST_SIM_FRAME_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "hwsim/core/action.h"
#include "hwsim/core/phv.h"
#include "hwsim/core/pkt.h"

enum tunnel { T_NONE, T_VXLAN, T_GENEVE, T_GTPU, T_GRE, T_NVGRE, T_IPIP, T_COUNT };
enum cut { CUT_NONE, CUT_FIRST, CUT_LATER, CUT_ATOMIC };

struct level_spec {
	uint8_t tags;
	uint8_t ip;	 /* 0, 4, 6 */
	uint8_t options; /* words of IPv4 options; IPv6 extension headers */
	uint8_t cut;	 /* enum cut */
	uint8_t l4;	 /* protocol number, 0: none */
	bool no_sum;	 /* UDP */
};

struct frame_spec {
	struct level_spec level[2];
	uint8_t tunnel; /* enum tunnel; then level[0].l4 and what it is made of follow */
	uint8_t gre;	/* bits 7 checksum, 5 key, 4 sequence */
	uint16_t payload;
};

struct frame {
	uint8_t room[512 + 4096];
	uint8_t *data; /* 512 into the room */
	uint32_t len;
	uint32_t layers[2];
	uint32_t l2[2], l3[2], l4[2], vlan[2], tunnel, payload;
	uint32_t l3_len[2]; /* IP header, options and extensions */
	uint8_t proto[2];   /* of layer 4 */
	struct frame_spec spec;
};

/* Any packet that the parser knows; srandom() says which. */
void
frame_random_spec(struct frame_spec *s);
void
frame_build(struct frame *f, const struct frame_spec *s);
/* All checksums from scratch; those of UDP that are 0 stay so. Those of fragments are of the bytes that are there. */
void
frame_seal(struct frame *f);
/* As an action gets it: with the vector and offsets. */
void
frame_packet(struct frame *f, struct sim_pkt *p, struct sim_phv *phv, struct sim_offsets *off);

uint16_t
naive_sum(uint32_t start, const uint8_t *p, uint32_t n);
uint32_t
naive_crc32c(const uint8_t *p, uint32_t n);

static inline void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

#endif /* TEST_SIM_FRAME_H */
