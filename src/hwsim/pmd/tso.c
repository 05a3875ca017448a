/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP segmentation: a long TCP packet over IPv4 or IPv6 cut into frames of tso_segsz bytes of payload, as the RTE_MBUF_F_TX_TCP_SEG
 * of an mbuf asks for. Called by the datapath on the sender's thread. Packets in tunnels are not cut: that is not announced.
 */
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "hwsim.h"

struct cut {
	const struct rte_mbuf *m;
	uint32_t header; /* bytes of all headers */
	uint32_t l3, l4;
	uint32_t size; /* payload of a piece */
	bool v4;
};

static bool
look(const struct rte_mbuf *m, struct cut *c)
{
	const uint64_t tunnel = RTE_MBUF_F_TX_TUNNEL_MASK | RTE_MBUF_F_TX_OUTER_IPV4 |
			RTE_MBUF_F_TX_OUTER_IPV6;

	*c = (struct cut){ .m = m,
		.l3 = m->l2_len,
		.l4 = m->l2_len + m->l3_len,
		.header = m->l2_len + m->l3_len + m->l4_len,
		.size = m->tso_segsz,
		.v4 = (m->ol_flags & RTE_MBUF_F_TX_IPV4) != 0 };
	return (m->ol_flags & tunnel) == 0 && m->l2_len >= RTE_ETHER_HDR_LEN &&
			m->l3_len >=
			(c->v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr)) &&
			m->l4_len >= sizeof(struct rte_tcp_hdr) && c->size > 0 &&
			m->data_len >= c->header && c->header + c->size <= SIM_FRAME_MAX &&
			m->pkt_len - c->header <= UINT16_MAX * (uint32_t)4;
}

/* Appends bytes `at`.. of `m` to `to`, in as many buffers as it takes. */
static bool
copy_payload(const struct cut *c, struct rte_mbuf *to, uint32_t at, uint32_t len)
{
	struct rte_mbuf *last = to;
	uint32_t k;

	while (len > 0) {
		k = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(last));
		if (k == 0) {
			last->next = rte_pktmbuf_alloc(c->m->pool);
			if (last->next == NULL)
				return false;
			last = last->next;
			last->data_off = 0;
			to->nb_segs++;
			continue;
		}
		/* Returns where the bytes are if they are in one piece; else it copies. */
		const void *bytes = rte_pktmbuf_read(
				c->m, at, k, rte_pktmbuf_mtod_offset(last, void *, last->data_len));
		if (bytes == NULL)
			return false;
		if (bytes != rte_pktmbuf_mtod_offset(last, void *, last->data_len))
			memcpy(rte_pktmbuf_mtod_offset(last, void *, last->data_len), bytes, k);
		last->data_len = (uint16_t)(last->data_len + k);
		to->pkt_len += k;
		at += k;
		len -= k;
	}
	return true;
}

/* Headers of piece `i`: lengths, identification (RFC 791), sequence number; FIN and PSH on the last, CWR on the first. */
static void
fix_headers(const struct cut *c, struct rte_mbuf *f, uint32_t i, bool last)
{
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(f, struct rte_tcp_hdr *, c->l4);
	const uint16_t l3_len = (uint16_t)(f->pkt_len - c->l3);

	if (c->v4) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(f, struct rte_ipv4_hdr *, c->l3);

		ip->total_length = rte_cpu_to_be_16(l3_len);
		ip->packet_id = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip->packet_id) + i));
	} else {
		struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(f, struct rte_ipv6_hdr *, c->l3);

		ip->payload_len = rte_cpu_to_be_16((uint16_t)(l3_len - sizeof(*ip)));
	}
	tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + i * c->size);
	if (!last)
		tcp->tcp_flags &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
	if (i > 0)
		tcp->tcp_flags &= (uint8_t)~RTE_TCP_CWR_FLAG;
}

static struct rte_mbuf *
make_piece(const struct cut *c, uint32_t i)
{
	const uint32_t at = c->header + i * c->size;
	const uint32_t len = RTE_MIN(c->size, c->m->pkt_len - at);
	struct rte_mbuf *f = rte_pktmbuf_alloc(c->m->pool);

	if (f == NULL)
		return NULL;
	if (rte_pktmbuf_tailroom(f) < c->header) {
		rte_pktmbuf_free(f);
		return NULL;
	}
	memcpy(rte_pktmbuf_append(f, (uint16_t)c->header), rte_pktmbuf_mtod(c->m, const void *),
			c->header);
	if (!copy_payload(c, f, at, len)) {
		rte_pktmbuf_free(f);
		return NULL;
	}
	fix_headers(c, f, i, at + len == c->m->pkt_len);
	f->ol_flags = (c->m->ol_flags & ~RTE_MBUF_F_TX_TCP_SEG) | RTE_MBUF_F_TX_TCP_CKSUM |
			(c->v4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
	f->tx_offload = c->m->tx_offload;
	f->vlan_tci = c->m->vlan_tci;
	f->vlan_tci_outer = c->m->vlan_tci_outer;
	return f;
}

/* Frames made, at most `max`; `m` is gone. 0: it could not be. */
static uint16_t
segment(struct rte_mbuf *m, struct rte_mbuf **out, uint16_t max)
{
	uint32_t n, i;
	struct cut c;

	if (!look(m, &c)) {
		rte_pktmbuf_free(m);
		return 0;
	}
	n = m->pkt_len == c.header ? 1 : (m->pkt_len - c.header + c.size - 1) / c.size;
	for (i = 0; n <= max && i < n; i++) {
		out[i] = make_piece(&c, i);
		if (out[i] == NULL)
			break;
	}
	/* All of it or nothing: half a send is worse than a loss. */
	if (i < n) {
		rte_pktmbuf_free_bulk(out, n <= max ? i : 0);
		i = 0;
	}
	rte_pktmbuf_free(m);
	return (uint16_t)i;
}

uint16_t
hwsim_tx_ready(struct hwsim_txq *q, struct rte_mbuf *m, struct rte_mbuf **out, uint16_t max)
{
	uint16_t n = 1, i, k = 0;

	out[0] = hwsim_tx_own(m);
	if (out[0] == NULL) {
		hwsim_drop_count(q->port, SIM_DROP_NOMBUF, 1);
		return 0;
	}
	if ((out[0]->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0)
		n = segment(out[0], out, max);
	if (n == 0)
		hwsim_count(&q->errors, 1);
	for (i = 0; i < n; i++) {
		if (out[i]->pkt_len <= SIM_FRAME_MAX && hwsim_tx_offload(out[i]) == 0) {
			out[k++] = out[i];
			continue;
		}
		hwsim_count(&q->errors, 1);
		hwsim_drop_count(q->port, SIM_DROP_LENGTH, 1);
		rte_pktmbuf_free(out[i]);
	}
	return k;
}
