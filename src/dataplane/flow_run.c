/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rare parts of running a flow. Worker and control lcores.
 */
#include "flow_run.h"
#include "parse.h"

#define SCTP_CHECKSUM_OFFSET 8

void
flow_run_rare(const struct flow *f, struct rte_mbuf *m, uint8_t *l4, const struct pkt_info *info)
{
	rte_le32_t crc;

	if (!flow_has_ports(info->proto) ||
			(info->proto == IPPROTO_DCCP && (info->tcp_flags & PKT_DCCP) == 0))
		return;
	memcpy(l4, &f->sport, 4);
	if (info->proto == IPPROTO_SCTP) { /* a CRC cannot be updated by differences */
		crc = parse_sctp_checksum(m, info);
		memcpy(l4 + SCTP_CHECKSUM_OFFSET, &crc, sizeof(crc));
	} else { /* UDP-Lite never sends 0 (RFC 3828 3.1), DCCP does */
		flow_run_cksum(l4 + 6, f->l4_delta, info->proto == IPPROTO_UDPLITE);
	}
}
