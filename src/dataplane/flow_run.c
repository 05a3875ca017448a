/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rare parts of running a flow. Worker and control lcores.
 */
#include "flow_run.h"
#include "parse.h"

#define SCTP_CHECKSUM_OFFSET 8

void
flow_run_sctp(struct rte_mbuf *m, const struct pkt_info *info)
{
	const rte_le32_t sum = parse_sctp_checksum(m, info);

	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off + SCTP_CHECKSUM_OFFSET), &sum,
			sizeof(sum));
}
