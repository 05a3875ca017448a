/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading packets for shunt itself, and making new ones. Control lcore. The parser has seen these
 * packets, yet nothing here relies on more than "offsets lie within the frame": what is read is
 * checked again. Made packets carry checksums computed in software: they are few, and every port
 * takes them.
 */
#include <errno.h>
#include <string.h>

#include <rte_ip.h>

#include "base/cksum.h"
#include "l3_priv.h"

/* Ethernet and at most two VLAN tags. */
#define L2_MAX (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)

static bool
l2_ok(uint16_t len)
{
	return len >= RTE_ETHER_HDR_LEN && len <= L2_MAX &&
			(len - RTE_ETHER_HDR_LEN) % RTE_VLAN_HLEN == 0;
}

bool
l3_read(const struct rte_mbuf *m, uint32_t off, uint32_t len, void *to)
{
	const void *bytes = rte_pktmbuf_read(m, off, len, to);

	if (bytes != NULL && bytes != to)
		memcpy(to, bytes, len);
	return bytes != NULL;
}

static int
view4(struct rte_mbuf *m, struct l3_view *v)
{
	struct rte_ipv4_hdr ip;
	uint16_t header, frag;

	if (v->l3_len < sizeof(ip) || !l3_read(m, v->l3_off, sizeof(ip), &ip) ||
			ip.version_ihl >> 4 != 4)
		return -EBADMSG;
	header = rte_ipv4_hdr_len(&ip);
	if (header < sizeof(ip) || header > v->l3_len)
		return -EBADMSG;
	frag = rte_be_to_cpu_16(ip.fragment_offset);
	v->proto = ip.next_proto_id;
	v->tos = ip.type_of_service;
	v->ttl = ip.time_to_live;
	v->fragment = (frag & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0;
	v->first = (frag & RTE_IPV4_HDR_OFFSET_MASK) == 0;
	memcpy(v->src.b, &ip.src_addr, 4);
	memcpy(v->dst.b, &ip.dst_addr, 4);
	if (v->first) {
		v->l4_off = v->l3_off + header;
		v->l4_len = v->l3_len - header;
	}
	return 0;
}

/* The chain of extension headers was walked by the parser: its protocol and offset are taken. */
static int
view6(struct rte_mbuf *m, struct l3_view *v, const struct pkt_info *info)
{
	struct rte_ipv6_hdr ip;
	uint32_t vtc_flow;

	if (v->l3_len < sizeof(ip) || !l3_read(m, v->l3_off, sizeof(ip), &ip))
		return -EBADMSG;
	vtc_flow = rte_be_to_cpu_32(ip.vtc_flow);
	if (vtc_flow >> 28 != 6)
		return -EBADMSG;
	v->proto = info->proto;
	v->tos = (uint8_t)(vtc_flow >> 20);
	v->ttl = ip.hop_limits;
	v->fragment = (info->flags & PKT_F_FRAG) != 0;
	v->first = !v->fragment || (info->flags & PKT_F_FRAG_FIRST) != 0;
	memcpy(v->src.b, &ip.src_addr, 16);
	memcpy(v->dst.b, &ip.dst_addr, 16);
	if (v->first && info->l4_off != 0) {
		if (info->l4_off < v->l3_off + sizeof(ip) || info->l4_off > v->l3_off + v->l3_len ||
				(info->l4_off - v->l3_off) % 4 != 0)
			return -EBADMSG;
		v->l4_off = info->l4_off;
		v->l4_len = v->l3_off + v->l3_len - v->l4_off;
	}
	return 0;
}

int
l3_view(const struct l3 *l3, struct rte_mbuf *m, struct l3_view *v, enum drop_reason *reason)
{
	const struct pkt_meta *meta = pkt_meta(m);
	const struct pkt_info *info = &meta->info;
	struct rte_ether_hdr eth;
	int rc;

	*v = (struct l3_view){
		.port = meta->port_in,
		.l3_off = info->l3_off,
		.l3_len = info->l3_len,
		.family = info->family,
	};
	*reason = DROP_ETH_SHORT;
	if (!l3_read(m, 0, sizeof(eth), &eth) || v->port >= l3->n_ports || !l2_ok(v->l3_off) ||
			(uint32_t)v->l3_off + v->l3_len > rte_pktmbuf_pkt_len(m))
		return -EBADMSG;
	v->eth_src = eth.src_addr;
	v->eth_dst = eth.dst_addr;
	*reason = v->family == 4 ? DROP_IP4_SHORT : DROP_IP6_SHORT;
	if (v->family == 4)
		rc = view4(m, v);
	else
		rc = v->family == 6 ? view6(m, v, info) : -EBADMSG;
	if (rc == 0)
		*reason = DROP_NONE;
	return rc;
}

/* Pseudo header of RFC 8200 8.1; ICMP over IPv4 has none. */
static uint16_t
pseudo_sum(uint8_t family, const struct flow_addr *src, const struct flow_addr *dst, uint16_t len)
{
	struct rte_ipv6_hdr ip = { .payload_len = rte_cpu_to_be_16(len), .proto = IPPROTO_ICMPV6 };

	if (family == 4)
		return 0;
	memcpy(&ip.src_addr, src->b, 16);
	memcpy(&ip.dst_addr, dst->b, 16);
	return rte_ipv6_phdr_cksum(&ip, 0);
}

/*
 * Not rte_raw_cksum_mbuf(): in 22.11 it loses carries of a segment that begins at an odd byte of
 * the message. `len` bytes from `off` are in the packet; segments may be of any length.
 */
static uint16_t
raw_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t done = 0;
	uint16_t sum = 0;

	for (; m != NULL && done < len; m = m->next) {
		uint32_t n;
		uint16_t part;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		n = RTE_MIN(m->data_len - off, len - done);
		part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, off), n);
		sum = cksum_fold((uint32_t)sum + (done % 2 == 0 ? part : rte_bswap16(part)));
		done += n;
		off = 0;
	}
	return sum;
}

/* Checksum field that makes `len` bytes from `off` right; 0 when they are right already. */
static uint16_t
icmp_cksum(const struct rte_mbuf *m, uint32_t off, uint16_t len, uint16_t pseudo)
{
	return (uint16_t)~cksum_fold((uint32_t)raw_sum(m, off, len) + pseudo);
}

bool
l3_view_icmp_ok(struct rte_mbuf *m, const struct l3_view *v)
{
	return v->l4_len >= sizeof(struct l3_icmp) &&
			icmp_cksum(m, v->l4_off, v->l4_len,
					pseudo_sum(v->family, &v->src, &v->dst, v->l4_len)) == 0;
}

/* ---- making ---- */

struct rte_mbuf *
l3_make(struct l3 *l3, uint16_t len, void **data)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(l3->pool);

	if (m == NULL)
		return NULL;
	*data = rte_pktmbuf_append(m, len);
	if (*data == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

void
l3_make_plain(struct rte_mbuf *m)
{
	m->ol_flags = 0;
	m->tx_offload = 0;
	m->packet_type = 0;
	m->vlan_tci = 0;
	m->vlan_tci_outer = 0;
}

int
l3_make_ip(struct rte_mbuf *m, const struct l3_ip *ip)
{
	uint16_t len = (uint16_t)rte_pktmbuf_pkt_len(m);
	struct l3_icmp *icmp = rte_pktmbuf_mtod(m, struct l3_icmp *);

	icmp->cksum = 0;
	icmp->cksum = icmp_cksum(m, 0, len, pseudo_sum(ip->family, &ip->src, &ip->dst, len));
	return l3_make_ip_header(m, ip, ip->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

int
l3_make_ip_header(struct rte_mbuf *m, const struct l3_ip *ip, uint8_t proto)
{
	uint16_t len = (uint16_t)rte_pktmbuf_pkt_len(m);
	bool v4 = ip->family == 4;
	void *header;

	header = rte_pktmbuf_prepend(
			m, v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	if (header == NULL)
		return -ENOMEM;
	if (v4) {
		/* Atomic datagram (RFC 6864): what is not fragmented needs no identification. */
		struct rte_ipv4_hdr h = {
			.version_ihl = RTE_IPV4_VHL_DEF,
			.type_of_service = ip->tos,
			.total_length = rte_cpu_to_be_16((uint16_t)(len + sizeof(h))),
			.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
			.time_to_live = ip->ttl,
			.next_proto_id = proto,
		};

		memcpy(&h.src_addr, ip->src.b, 4);
		memcpy(&h.dst_addr, ip->dst.b, 4);
		h.hdr_checksum = rte_ipv4_cksum(&h);
		memcpy(header, &h, sizeof(h));
	} else {
		struct rte_ipv6_hdr h = {
			.vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)ip->tos << 20),
			.payload_len = rte_cpu_to_be_16(len),
			.proto = proto,
			.hop_limits = ip->ttl,
		};

		memcpy(&h.src_addr, ip->src.b, 16);
		memcpy(&h.dst_addr, ip->dst.b, 16);
		memcpy(header, &h, sizeof(h));
	}
	return 0;
}

int
l3_make_ether(struct rte_mbuf *m, const struct rte_ether_addr *dst,
		const struct rte_ether_addr *src, uint16_t type)
{
	struct rte_ether_hdr *eth = (void *)rte_pktmbuf_prepend(m, sizeof(*eth));

	if (eth == NULL)
		return -ENOMEM;
	eth->dst_addr = *dst;
	eth->src_addr = *src;
	eth->ether_type = rte_cpu_to_be_16(type);
	return 0;
}

int
l3_make_ether_back(struct l3 *l3, struct rte_mbuf *m, struct rte_mbuf *question)
{
	const struct pkt_meta *meta = pkt_meta(question);
	uint16_t len = meta->info.l3_off;
	struct rte_ether_hdr *ours;

	if (!l2_ok(len))
		return -EBADMSG;
	ours = (void *)rte_pktmbuf_prepend(m, len);
	if (ours == NULL || !l3_read(question, 0, len, ours))
		return -ENOMEM;
	ours->dst_addr = ours->src_addr;
	ours->src_addr = l3->ports[meta->port_in].mac;
	return 0;
}

int
l3_emit(struct rte_mbuf *m, uint16_t port, struct rte_mbuf *cause, struct l3_out *out)
{
	struct pkt_meta *meta = pkt_meta(m);

	if (!l3_room(out)) {
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	*meta = (struct pkt_meta){
		.flow = FLOW_NONE,
		.port_in = port,
		.gate = PKT_GATE_NONE,
		.port_out = port,
		.queue_out = FLOW_QUEUE_ANY,
		.verdict = PKT_VERDICT_FORWARD,
		.ct_dir = 2,
		.conn = FLOW_NONE,
		.sequence = UINT32_MAX,
	};
	if (cause != NULL) {
		const struct pkt_meta *why = pkt_meta(cause);

		meta->port_in = why->port_in;
		meta->worker = why->worker;
		meta->sequence = why->sequence;
	}
	out->m[out->n++] = m;
	return 0;
}
