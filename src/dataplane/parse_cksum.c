/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transport checksums, over all segments of a packet. Called by workers where the port asks for it,
 * by the control lcore for what it judges. Only reads the packet; what it finds is noted in the
 * packet's info.
 */
#include "parse.h"

#include "parse_priv.h"

#include <rte_hash_crc.h>
#include <rte_ip.h>

#include "base/cksum.h"

/*
 * One's complement sum of `len` bytes at `off`. A segment that begins at an odd byte is summed as
 * if at an even one and swapped, RFC 1071 2(B). (rte_raw_cksum_mbuf() of DPDK 22.11 loses carries
 * when it swaps.)
 */
static uint16_t
sum_segments(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t sum = 0;
	bool odd = false;

	for (; m != NULL && len > 0; m = m->next) {
		uint32_t n;
		uint16_t part;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		n = RTE_MIN(m->data_len - off, len);
		part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);
		sum = cksum_fold(sum + (odd ? rte_bswap16(part) : part));
		odd ^= n & 1;
		len -= n;
		off = 0;
	}
	return (uint16_t)sum;
}

/* Pseudo header, RFC 9293 3.1 and RFC 8200 8.1: addresses, length, protocol. */
static uint16_t
sum_pseudo(const struct rte_mbuf *m, const struct pkt_info *info, uint32_t len)
{
	uint32_t sum = info->family == 6 ? sum_segments(m, info->l3_off + 8u, 32)
					 : sum_segments(m, info->l3_off + 12u, 8);

	return cksum_fold(sum + rte_cpu_to_be_16((uint16_t)len) + rte_cpu_to_be_16(info->proto));
}

/* CRC32C, not finished, of bytes in any segments. */
static uint32_t
crc_segments(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint32_t crc)
{
	for (; m != NULL && len > 0; m = m->next) {
		const uint8_t *at;
		uint32_t n;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		at = rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
		n = RTE_MIN(m->data_len - off, len);
		off = 0;
		len -= n;
		for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), at += sizeof(uint64_t)) {
			uint64_t word;

			memcpy(&word, at, sizeof(word));
			crc = flow_crc(word, crc);
		}
		for (; n > 0; n--)
			crc = rte_hash_crc_1byte(*at++, crc);
	}
	return crc;
}

rte_le32_t
parse_sctp_checksum(const struct rte_mbuf *m, const struct pkt_info *info)
{
	const uint32_t len = (uint32_t)info->l3_off + info->l3_len - info->l4_off;
	uint32_t crc = crc_segments(m, info->l4_off, 8, UINT32_MAX);

	crc = rte_hash_crc_4byte(0, crc);
	crc = crc_segments(m, info->l4_off + 12u, len - 12, crc);
	return rte_cpu_to_le_32(~crc);
}

static rte_le32_t
sctp_sent(const uint8_t *h)
{
	rte_le32_t sent;

	memcpy(&sent, h + 8, sizeof(sent));
	return sent;
}

/* The reason of a wrong checksum; DROP_NONE for protocols that have none that we know. */
static enum drop_reason
checksum_reason(const struct pkt_info *info)
{
	if (parse_is_icmp(info))
		return DROP_ICMP_CHECKSUM;
	switch (info->proto) {
	case IPPROTO_TCP:
		return DROP_TCP_CHECKSUM;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return DROP_UDP_CHECKSUM;
	case IPPROTO_SCTP:
		return DROP_SCTP_CHECKSUM;
	case IPPROTO_DCCP:
		return info->tcp_flags & PKT_DCCP ? DROP_DCCP_CHECKSUM : DROP_NONE;
	default:
		return DROP_NONE;
	}
}

/*
 * `len` bytes of transport header and payload, of which the first 12 (where there are as many) are
 * at h.
 */
static bool
verify(const struct rte_mbuf *m, const struct pkt_info *info, const uint8_t *h, uint32_t len)
{
	uint32_t covered = len, pseudo;

	switch (info->proto) {
	case IPPROTO_SCTP:
		return parse_sctp_checksum(m, info) == sctp_sent(h);
	case IPPROTO_UDP:
		if (parse_be16(h + 6) == 0)
			return true; /* none; where that is not allowed the parser said so */
		covered = len = RTE_MIN(len, parse_be16(h + 4));
		break;
	case IPPROTO_UDPLITE:
		if (parse_be16(h + 4) != 0)
			covered = RTE_MIN(len, parse_be16(h + 4));
		break;
	case IPPROTO_DCCP: /* RFC 4340 9.2: header, and so many words less one */
		if ((h[5] & 15) != 0)
			covered = RTE_MIN(len, (h[4] + (h[5] & 15u) - 1) * 4);
		break;
	}
	/* ICMP over IPv4 knows no pseudo header (RFC 792), over IPv6 it does (RFC 4443 2.3). */
	pseudo = info->proto == IPPROTO_ICMP ? 0 : sum_pseudo(m, info, len);
	return cksum_fold(pseudo + sum_segments(m, info->l4_off, covered)) == 0xffff;
}

bool
parse_l4_checksum(const struct rte_mbuf *m, struct pkt_info *info)
{
	struct parse p = { .m = m, .info = info, .end = info->l3_off + info->l3_len };
	uint32_t need = info->proto == IPPROTO_SCTP ? 12 : 8;
	enum drop_reason why = checksum_reason(info);
	uint8_t buf[12];
	const uint8_t *h;

	if (why == DROP_NONE || info->l4_off == 0 ||
			(info->flags & (PKT_F_DROP | PKT_F_INVALID | PKT_F_FRAG)) != 0)
		return true;
	h = parse_read(&p, info->l4_off, need, buf);
	if (h != NULL && verify(m, info, h, p.end - info->l4_off)) {
		info->flags |= PKT_F_L4_CSUM_GOOD;
		return true;
	}
	info->flags |= PKT_F_L4_CSUM_BAD | PKT_F_INVALID | PKT_F_CONTROL;
	info->reason = (uint8_t)why;
	return false;
}
