/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Move TCP sequence numbers of a connection whose stream was changed on its way (a helper rewrote text in it, or the
 * handshake was answered by a SYN cookie): sequence number, ACK, SACK blocks (RFC 2018), timestamps (RFC 7323), checksum.
 * Owner worker for flows that are fast, control for the rest; whoever has the packet.
 */
#ifndef DATAPLANE_SEQADJ_H
#define DATAPLANE_SEQADJ_H

#include <rte_mbuf.h>

#include "base/pkt.h"
#include "conntrack/ct.h"

/*
 * How far an acknowledgement in direction `dir` must go back to be about what the other side sent: for
 * ct_packet.ack_offset.
 */
uint32_t
seqadj_ack_offset(const struct ct_ext *e, enum flow_dir dir, const struct rte_mbuf *m,
		const struct pkt_info *info);

/* A sequence number of direction `dir` as its sender had given it, from what became of it here. */
uint32_t
seqadj_seq_back(const struct ct_ext *e, enum flow_dir dir, uint32_t seq);

/* Rewrite a TCP packet of direction `dir`, its header contiguous. The checksum is updated, right or wrong as it was. */
void
seqadj_run(const struct ct_ext *e, enum flow_dir dir, struct rte_mbuf *m,
		const struct pkt_info *info);

#endif /* DATAPLANE_SEQADJ_H */
