/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP segments without payload, written into packets: cookie.h. Checksums are computed from scratch.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "base/cksum.h"
#include "syncookie/cookie.h"

#define SEGMENT_MAX (sizeof(struct rte_tcp_hdr) + COOKIE_OPTIONS_MAX)
#define TTL 64 /* RFC 1700, what hosts send */

/* `m` becomes `len` bytes long, in one segment. False: no room. */
static bool
resize(struct rte_mbuf *m, uint32_t len)
{
	if (len > (uint32_t)m->buf_len - m->data_off)
		return false;
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	return true;
}

static void
set_ip_length(uint8_t *l3, const struct pkt_info *info)
{
	const uint16_t header = (uint16_t)(info->l4_off - info->l3_off);
	rte_be16_t len = rte_cpu_to_be_16(info->l3_len);
	uint16_t sum;

	if (info->family == 6) {
		len = rte_cpu_to_be_16((uint16_t)(info->l3_len - sizeof(struct rte_ipv6_hdr)));
		memcpy(l3 + 4, &len, sizeof(len));
		return;
	}
	memcpy(l3 + 2, &len, sizeof(len));
	memset(l3 + 10, 0, sizeof(sum));
	sum = (uint16_t)~cksum_fold64(cksum_sum_short(l3, header));
	memcpy(l3 + 10, &sum, sizeof(sum));
}

static uint16_t
tcp_checksum(const uint8_t *l3, const uint8_t *tcp, size_t len, uint8_t family)
{
	uint64_t sum = rte_cpu_to_be_16(IPPROTO_TCP) + rte_cpu_to_be_16((uint16_t)len);

	if (family == 4)
		sum += cksum_sum_short(l3 + 12, 8);
	else
		sum += cksum_sum_short(l3 + 8, 32);
	return (uint16_t)~cksum_fold64(sum + cksum_sum_short(tcp, len));
}

bool
cookie_segment_put(struct rte_mbuf *m, struct pkt_info *info, const struct cookie_segment *s)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off);
	uint8_t *tcp = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off);
	uint8_t options[COOKIE_OPTIONS_MAX];
	const unsigned int n = cookie_options_write(options, &s->options);
	const uint16_t len = (uint16_t)(sizeof(struct rte_tcp_hdr) + n);
	struct rte_tcp_hdr h;

	if (!resize(m, (uint32_t)info->l4_off + len))
		return false;
	memcpy(&h, tcp, 4); /* ports */
	h.sent_seq = rte_cpu_to_be_32(s->seq);
	h.recv_ack = rte_cpu_to_be_32(s->ack);
	h.data_off = (uint8_t)(len / 4 << 4);
	h.tcp_flags = s->flags;
	h.rx_win = rte_cpu_to_be_16(s->window);
	h.cksum = 0;
	h.tcp_urp = 0;
	memcpy(tcp, &h, sizeof(h));
	memcpy(tcp + sizeof(h), options, n);
	info->payload_off = (uint16_t)(info->l4_off + len);
	info->l3_len = (uint16_t)(info->payload_off - info->l3_off);
	info->tcp_flags = s->flags;
	info->flags |= PKT_F_L4_CSUM_GOOD;
	set_ip_length(l3, info);
	h.cksum = tcp_checksum(l3, tcp, len, info->family);
	memcpy(tcp + 16, &h.cksum, sizeof(h.cksum));
	m->ol_flags = 0;
	return true;
}

/* The fixed part; length and checksum come with the segment. RFC 6864: what is not split needs no identification. */
static void
put_ip(uint8_t *l3, uint8_t family, const struct flow_addr *src, const struct flow_addr *dst)
{
	if (family == 4) {
		struct rte_ipv4_hdr h = {
			.version_ihl = RTE_IPV4_VHL_DEF,
			.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
			.time_to_live = TTL,
			.next_proto_id = IPPROTO_TCP,
		};

		memcpy(&h.src_addr, src->b, 4);
		memcpy(&h.dst_addr, dst->b, 4);
		memcpy(l3, &h, sizeof(h));
	} else {
		struct rte_ipv6_hdr h = {
			.vtc_flow = rte_cpu_to_be_32(6u << 28),
			.proto = IPPROTO_TCP,
			.hop_limits = TTL,
		};

		memcpy(&h.src_addr, src->b, 16);
		memcpy(&h.dst_addr, dst->b, 16);
		memcpy(l3, &h, sizeof(h));
	}
}

static uint16_t
ip_header_len(uint8_t family)
{
	return family == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

static void
put_ports(uint8_t *tcp, rte_be16_t sport, rte_be16_t dport)
{
	const rte_be16_t ports[2] = { sport, dport };

	memcpy(tcp, ports, sizeof(ports));
}

bool
cookie_segment_answer(struct rte_mbuf *m, struct pkt_info *info, const struct flow_tuple *t,
		const struct rte_ether_addr *own, const struct cookie_segment *s)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off);
	const uint16_t l4_off = (uint16_t)(info->l3_off + ip_header_len(info->family));

	if (!rte_is_unicast_ether_addr(&eth->src_addr) ||
			l4_off + SEGMENT_MAX > (size_t)m->buf_len - m->data_off)
		return false;
	rte_ether_addr_copy(&eth->src_addr, &eth->dst_addr);
	rte_ether_addr_copy(own, &eth->src_addr);
	info->l4_off = l4_off;
	put_ip(l3, info->family, &t->dst, &t->src);
	put_ports(rte_pktmbuf_mtod_offset(m, uint8_t *, l4_off), t->key.dport, t->key.sport);
	return cookie_segment_put(m, info, s);
}

bool
cookie_segment_make(struct rte_mbuf *m, struct pkt_info *info, const struct flow_tuple *t,
		const struct cookie_segment *s)
{
	const uint8_t family = t->key.family;

	*info = (struct pkt_info){
		.l3_off = sizeof(struct rte_ether_hdr),
		.l4_off = (uint16_t)(sizeof(struct rte_ether_hdr) + ip_header_len(family)),
		.family = family,
		.proto = IPPROTO_TCP,
	};
	if (info->l4_off + SEGMENT_MAX > (size_t)m->buf_len - m->data_off)
		return false;
	memset(rte_pktmbuf_mtod(m, void *), 0, info->l3_off);
	put_ip(rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off), family, &t->src, &t->dst);
	put_ports(rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off), t->key.sport, t->key.dport);
	return cookie_segment_put(m, info, s);
}
