/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rare parts of running a flow. Worker and control lcores.
 */
#include <rte_hash_crc.h>

#include "flow_run.h"

#define SCTP_CHECKSUM_OFFSET 8

/* CRC32C over all segments, checksum field as zero (RFC 9260 6.8, appendix A), stored little-endian. */
void
flow_run_sctp(struct rte_mbuf *m, const struct pkt_info *info)
{
	uint32_t left = info->l3_off + info->l3_len - info->l4_off, off = info->l4_off;
	uint8_t *field = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off + SCTP_CHECKSUM_OFFSET);
	uint32_t crc = UINT32_MAX;

	memset(field, 0, sizeof(crc));
	for (const struct rte_mbuf *s = m; s != NULL && left > 0; s = s->next) {
		uint32_t n = s->data_len > off ? RTE_MIN(s->data_len - off, left) : 0;

		crc = rte_hash_crc(rte_pktmbuf_mtod_offset(s, const uint8_t *, off), n, crc);
		left -= n;
		off = off > s->data_len ? off - s->data_len : 0;
	}
	crc = rte_cpu_to_le_32(~crc);
	memcpy(field, &crc, sizeof(crc));
}
