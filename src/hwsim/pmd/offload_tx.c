/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What transmit descriptors ask for: checksums and tags, done in software before a frame goes on. Called by the datapath on
 * the sender's thread, without locks. The bytes of a frame that somebody else holds too are never written: a card reads
 * host memory.
 */
#include <errno.h>
#include <string.h>

#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_net.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "hwsim.h"

static bool
is_shared(const struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		if (!RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1)
			return true;
	return false;
}

/* Bytes that steering wants to see at once: the longest headers that rules look at, tunnel and options with them. */
#define HEADER_BYTES 256u

/*
 * Where a copy goes: to the pool that the bytes are in. That of the mbuf itself may be one for clones, without room for any.
 * NULL: there is none.
 */
static struct rte_mempool *
pool_of(struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next) {
		struct rte_mempool *pool =
				RTE_MBUF_CLONED(m) ? rte_mbuf_from_indirect(m)->pool : m->pool;

		if (rte_pktmbuf_data_room_size(pool) > RTE_PKTMBUF_HEADROOM)
			return pool;
	}
	return NULL;
}

struct rte_mbuf *
hwsim_tx_own(struct rte_mbuf *m)
{
	struct rte_mempool *pool;
	struct rte_mbuf *copy;

	if (!is_shared(m) && (m->nb_segs == 1 || m->data_len >= HEADER_BYTES))
		return m;
	if (!is_shared(m) && rte_pktmbuf_linearize(m) == 0)
		return m;
	pool = pool_of(m);
	copy = pool != NULL ? rte_pktmbuf_copy(m, pool, 0, UINT32_MAX) : NULL;
	rte_pktmbuf_free(m);
	return copy;
}

/* Where the headers of an offload are. */
struct spot {
	uint32_t l3, l4;
	bool v4;
};

/* Ones' complement from `from` on, the pseudo header with it; the field at `field` counts as 0. */
static uint16_t
sum_l4(struct rte_mbuf *m, const struct spot *s)
{
	void *l3 = rte_pktmbuf_mtod_offset(m, void *, s->l3);

	return s->v4 ? rte_ipv4_udptcp_cksum_mbuf(m, l3, (uint16_t)s->l4)
		     : rte_ipv6_udptcp_cksum_mbuf(m, l3, (uint16_t)s->l4);
}

static int
sum_tcp(struct rte_mbuf *m, const struct spot *s)
{
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, s->l4);

	if (m->data_len < s->l4 + sizeof(*tcp))
		return -EINVAL;
	tcp->cksum = 0;
	tcp->cksum = sum_l4(m, s);
	return 0;
}

static int
sum_udp(struct rte_mbuf *m, const struct spot *s)
{
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, s->l4);

	if (m->data_len < s->l4 + sizeof(*udp))
		return -EINVAL;
	udp->dgram_cksum = 0;
	udp->dgram_cksum = sum_l4(m, s);
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff; /* RFC 768: 0 means none */
	return 0;
}

/* rte_hash_crc() reads words where they lie, aligned or not. */
static uint32_t
crc32c(const uint8_t *p, uint32_t n, uint32_t crc)
{
	uint64_t word;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		crc = rte_hash_crc_8byte(word, crc);
	}
	for (; n > 0; n--)
		crc = rte_hash_crc_1byte(*p++, crc);
	return crc;
}

/* RFC 9260, appendix A: CRC32C over all of the SCTP packet, its own field 0. */
static int
sum_sctp(struct rte_mbuf *m, const struct spot *s)
{
	struct rte_sctp_hdr *sctp = rte_pktmbuf_mtod_offset(m, struct rte_sctp_hdr *, s->l4);
	const struct rte_mbuf *seg;
	uint32_t crc = UINT32_MAX, skip = s->l4;

	if (m->data_len < s->l4 + sizeof(*sctp))
		return -EINVAL;
	sctp->cksum = 0;
	for (seg = m; seg != NULL; seg = seg->next) {
		crc = crc32c(rte_pktmbuf_mtod_offset(seg, const uint8_t *, skip),
				seg->data_len - skip, crc);
		skip = 0;
	}
	sctp->cksum = rte_cpu_to_le_32(~crc);
	return 0;
}

static int
sum_ip(struct rte_mbuf *m, uint32_t at)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, at);

	if (m->data_len < at + sizeof(*ip) || m->data_len < at + rte_ipv4_hdr_len(ip) ||
			rte_ipv4_hdr_len(ip) < sizeof(*ip))
		return -EINVAL;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
	return 0;
}

/* From the inside out: the outer UDP checksum is over the inner ones. */
static int
sum_all(struct rte_mbuf *m, uint64_t flags)
{
	const uint32_t outer = m->outer_l2_len;
	const bool tunnel = (flags &
					    (RTE_MBUF_F_TX_TUNNEL_MASK | RTE_MBUF_F_TX_OUTER_IPV4 |
							    RTE_MBUF_F_TX_OUTER_IPV6)) != 0;
	struct spot s = { .l3 = m->l2_len + (tunnel ? outer + m->outer_l3_len : 0),
		.v4 = (flags & RTE_MBUF_F_TX_IPV4) != 0 };
	int rc = 0;

	s.l4 = s.l3 + m->l3_len;
	if (m->data_len < s.l4)
		return -EINVAL;
	if ((flags & RTE_MBUF_F_TX_IP_CKSUM) != 0)
		rc = sum_ip(m, s.l3);
	if (rc == 0 && (flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM)
		rc = sum_tcp(m, &s);
	else if (rc == 0 && (flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM)
		rc = sum_udp(m, &s);
	else if (rc == 0 && (flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_SCTP_CKSUM)
		rc = sum_sctp(m, &s);
	if (rc == 0 && (flags & RTE_MBUF_F_TX_OUTER_IP_CKSUM) != 0)
		rc = sum_ip(m, outer);
	if (rc == 0 && (flags & RTE_MBUF_F_TX_OUTER_UDP_CKSUM) != 0) {
		s = (struct spot){ .l3 = outer,
			.l4 = outer + m->outer_l3_len,
			.v4 = (flags & RTE_MBUF_F_TX_OUTER_IPV4) != 0 };
		rc = sum_udp(m, &s);
	}
	return rc;
}

static int
insert_tag(struct rte_mbuf *m, uint16_t tpid, uint16_t tci)
{
	uint8_t *p;

	if (m->data_len < RTE_ETHER_HDR_LEN)
		return -EINVAL;
	p = (uint8_t *)rte_pktmbuf_prepend(m, RTE_VLAN_HLEN);
	if (p == NULL)
		return -ENOSPC;
	memmove(p, p + RTE_VLAN_HLEN, 2 * RTE_ETHER_ADDR_LEN);
	p[12] = (uint8_t)(tpid >> 8);
	p[13] = (uint8_t)tpid;
	p[14] = (uint8_t)(tci >> 8);
	p[15] = (uint8_t)tci;
	return 0;
}

int
hwsim_tx_offload(struct rte_mbuf *m)
{
	const uint64_t flags = m->ol_flags;
	int rc = 0;

	if ((flags &
			    (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM |
					    RTE_MBUF_F_TX_OUTER_IP_CKSUM |
					    RTE_MBUF_F_TX_OUTER_UDP_CKSUM)) != 0)
		rc = sum_all(m, flags);
	if (rc == 0 && (flags & (RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_QINQ)) != 0)
		rc = insert_tag(m, RTE_ETHER_TYPE_VLAN, m->vlan_tci);
	if (rc == 0 && (flags & RTE_MBUF_F_TX_QINQ) != 0)
		rc = insert_tag(m, RTE_ETHER_TYPE_QINQ, m->vlan_tci_outer);
	m->ol_flags = flags & ~(RTE_MBUF_F_TX_OFFLOAD_MASK);
	return rc;
}

uint16_t
hwsim_tx_prepare(void *txq, struct rte_mbuf **m, uint16_t n)
{
	const uint64_t known = HWSIM_TX_WORK | RTE_MBUF_F_TX_TUNNEL_MASK | RTE_MBUF_F_TX_IPV4 |
			RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_OUTER_IPV4 | RTE_MBUF_F_TX_OUTER_IPV6;
	uint16_t i;

	RTE_SET_USED(txq);
	for (i = 0; i < n; i++) {
		const uint64_t flags = m[i]->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK;

		if ((flags & ~known) != 0 || m[i]->pkt_len > SIM_FRAME_MAX) {
			if ((flags & RTE_MBUF_F_TX_TCP_SEG) != 0 && (flags & ~known) == 0)
				continue; /* its pieces are shorter */
			rte_errno = (flags & ~known) != 0 ? ENOTSUP : EINVAL;
			return i;
		}
		if (rte_validate_tx_offload(m[i]) != 0) {
			rte_errno = EINVAL;
			return i;
		}
	}
	return n;
}
