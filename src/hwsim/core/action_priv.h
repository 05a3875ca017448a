/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the actions: what action.c, action_modify.c and action_tunnel.c share.
 */
#ifndef SIM_ACTION_PRIV_H
#define SIM_ACTION_PRIV_H

#include "hwsim/core/action.h"

#include "sim_priv.h"

/* A packet on which an action works. */
struct sim_edit {
	struct sim_pkt *p;
	struct sim_phv *phv;
	struct sim_offsets *off;
};

/* Headers have moved: parses again. `l3`: the bytes begin with IP. */
void
sim_edit_parse(const struct sim_edit *e, bool l3);
/* Room in front: n more bytes, at most what sim_edit_room() allows, or n fewer. */
int
sim_edit_room(const struct sim_edit *e, uint32_t n);
void
sim_edit_grow(const struct sim_edit *e, uint32_t n);
void
sim_edit_shrink(const struct sim_edit *e, uint32_t n);

/* GRE with a checksum, at 4 of its header (RFC 2784). */
static inline bool
sim_gre_summed(const uint8_t *h)
{
	return (sim_get16(h) & 0xc007) == 0x8000;
}

/* action_tunnel.c */
int
sim_encap(const struct sim_edit *e, const uint8_t *data, uint32_t n);
int
sim_decap(const struct sim_edit *e, bool keep_l2);
int
sim_strip(const struct sim_edit *e, uint32_t n);

#endif /* SIM_ACTION_PRIV_H */
