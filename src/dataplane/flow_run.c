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

/* Where a packet's transport checksum is, if it has one over the addresses; else 0. */
static unsigned int
sum_offset(const struct pkt_info *info)
{
	switch (info->proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return 6;
	case IPPROTO_DCCP:
		return info->tcp_flags & PKT_DCCP ? 6 : 0;
	case IPPROTO_ICMPV6:
		return info->family == 6 ? 2 : 0;
	default: /* ICMP and SCTP have none over addresses (RFC 792, RFC 9260 6.8) */
		return 0;
	}
}

void
flow_run_bare(const struct flow *f, const struct ct_conn6 *six, unsigned int dir,
		struct rte_mbuf *m, const struct pkt_info *info, const struct l3_nexthop *nh)
{
	const unsigned int sum = sum_offset(info);
	const bool udp = info->proto == IPPROTO_UDP || info->proto == IPPROTO_UDPLITE;

	flow_run_l3(f, six, dir, rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off), info->family);
	if (sum != 0 && (f->flags & FLOW_F_NAT))
		flow_run_cksum(rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off) + sum,
				f->l4_delta, udp);
	flow_run_link(m, info, nh);
}
