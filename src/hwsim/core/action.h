/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions that change a packet's bytes: what steering calls for a rule's MODIFY, MAC_SWAP, VLAN_*, ENCAP, DECAP and STRIP.
 * Pure functions of the packet: no tables, no time. Called under the NIC's lock.
 */
#ifndef HWSIM_CORE_ACTION_H
#define HWSIM_CORE_ACTION_H

#include "hwsim/core/pkt.h"
#include "hwsim/core/rule.h"

/*
 * Runs one action on the bytes of `p`. `phv` and `off` are those of the packet, and are current again behind it: the next
 * action and the next group see the new packet. Metadata of `phv` stays, but where a MODIFY writes it (then p->mark and
 * p->meta follow).
 *
 * -errno leaves packet, phv and off as they were:
 *   -ENOENT   no such header to take off (VLAN_POP, DECAP, STRIP), or no Ethernet header where one is needed
 *   -ENOSPC   no headroom, or the frame would be longer than SIM_FRAME_MAX
 *   -ENOTSUP  MODIFY of a port in the first fragment of an SCTP packet: its CRC32C cannot follow; ENCAP by GRE with a checksum
 *             of a packet that is not all in view
 *   -EINVAL   not an action on bytes, or its arguments make no sense
 * A MODIFY of a header that the packet has not is no error: 0, nothing changes. One of an Ethernet type or a UDP port
 * changes the number, not what the packet was parsed as: layers and inner level stay until headers move.
 */
int
sim_action_bytes(struct sim_pkt *p, struct sim_phv *phv, struct sim_offsets *off,
		const struct sim_action *a);

/* SIM_A_MODIFY by itself. */
int
sim_modify_apply(struct sim_pkt *p, const struct sim_offsets *off, struct sim_phv *phv,
		const struct sim_modify *m);

/*
 * A hash of a level's flow: addresses, protocol and ports, the same for all packets of the flow in this direction.
 * ENCAP takes its UDP source port from it; steering may take sim_path.flow from level 0.
 */
uint32_t
sim_flow_hash(const struct sim_phv *phv, uint32_t level);

#endif /* HWSIM_CORE_ACTION_H */
