/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP resets in the name of whom a segment was meant for: a connection is refused at once, and its opener need not wait
 * for a timeout. Control lcore.
 *
 * Like an ICMP error it goes back the way the segment came, under the same conditions, and as often a second: forged
 * segments must not make shunt a source of many.
 */
#include <errno.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "base/cksum.h"
#include "l3_priv.h"

/*
 * Numbers of the answer to a segment of no connection (RFC 9293 3.10.7.1): what the other side has acknowledged, or
 * else nothing, and then the reset acknowledges all that came (SYN and FIN count as a byte each).
 */
static void
answer_to(const struct rte_tcp_hdr *in, uint16_t l4_len, struct rte_tcp_hdr *out)
{
	const uint32_t payload = l4_len - (uint32_t)(in->data_off >> 4) * 4;
	uint32_t len = payload;

	*out = (struct rte_tcp_hdr){
		.src_port = in->dst_port,
		.dst_port = in->src_port,
		.data_off = sizeof(*out) / 4 << 4,
		.tcp_flags = RTE_TCP_RST_FLAG,
	};
	if (in->tcp_flags & RTE_TCP_ACK_FLAG) {
		out->sent_seq = in->recv_ack;
		return;
	}
	len += (in->tcp_flags & RTE_TCP_SYN_FLAG) != 0;
	len += (in->tcp_flags & RTE_TCP_FIN_FLAG) != 0;
	out->recv_ack = rte_cpu_to_be_32(rte_be_to_cpu_32(in->sent_seq) + len);
	out->tcp_flags |= RTE_TCP_ACK_FLAG;
}

/* Sum of the pseudo header (RFC 9293 3.1) and the segment. */
static uint16_t
tcp_cksum(const struct l3_ip *ip, const struct rte_tcp_hdr *tcp)
{
	const struct {
		rte_be32_t len, proto;
	} rest = { rte_cpu_to_be_32(sizeof(*tcp)), rte_cpu_to_be_32(IPPROTO_TCP) };
	const size_t n = ip->family == 4 ? 4 : 16;
	uint32_t sum = rte_raw_cksum(tcp, sizeof(*tcp));

	sum += rte_raw_cksum(ip->src.b, n);
	sum += rte_raw_cksum(ip->dst.b, n);
	sum += rte_raw_cksum(&rest, sizeof(rest));
	return (uint16_t)~cksum_fold(sum);
}

int
l3_tcp_reset(struct l3 *l3, struct rte_mbuf *m, uint64_t now, struct l3_out *out)
{
	enum drop_reason unused;
	struct rte_tcp_hdr in;
	struct rte_mbuf *reset;
	struct l3_view v;
	struct l3_ip ip;
	void *data;

	if (l3_view(l3, m, &v, &unused) != 0 || !l3_may_complain(l3, m, &v) ||
			v.proto != IPPROTO_TCP || v.l4_len < sizeof(in) ||
			!l3_read(m, v.l4_off, sizeof(in), &in) ||
			(in.data_off >> 4) * 4 < (int)sizeof(in) ||
			(in.data_off >> 4) * 4 > v.l4_len || (in.tcp_flags & RTE_TCP_RST_FLAG))
		return -EPERM;
	if (!l3_rate_allows(l3, &l3->reset_tat, now))
		return -EBUSY;
	reset = l3_make(l3, sizeof(in), &data);
	if (reset == NULL)
		return -ENOMEM;
	ip = (struct l3_ip){ .family = v.family, .ttl = L3_TTL, .src = v.dst, .dst = v.src };
	answer_to(&in, v.l4_len, data);
	((struct rte_tcp_hdr *)data)->cksum = tcp_cksum(&ip, data);
	if (l3_make_ip_header(reset, &ip, IPPROTO_TCP) != 0 ||
			l3_make_ether_back(l3, reset, m) != 0) {
		rte_pktmbuf_free(reset);
		return -ENOMEM;
	}
	return l3_emit(reset, v.port, m, out) == 0 ? 0 : -ENOMEM;
}
