/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving TCP sequence numbers: seqadj.h.
 */
#include <rte_tcp.h>

#include "base/cksum.h"
#include "base/tcp_option.h"
#include "seqadj.h"

static uint32_t
get32(const uint8_t *p)
{
	rte_be32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

static void
add32(uint8_t *p, uint32_t offset)
{
	rte_be32_t v = rte_cpu_to_be_32(get32(p) + offset);

	memcpy(p, &v, sizeof(v));
}

static uint32_t
offset_of_seq(const struct ct_seqadj *a, uint32_t seq)
{
	return (uint32_t)((int32_t)(seq - a->pos) > 0 ? a->after : a->before);
}

/* `ack` is a number as the receiver of the adjusted stream knows it. */
static uint32_t
offset_of_ack(const struct ct_seqadj *a, uint32_t ack)
{
	return (uint32_t)((int32_t)(ack - (uint32_t)a->before - a->pos) > 0 ? a->after : a->before);
}

uint32_t
seqadj_ack_offset(const struct ct_ext *e, enum flow_dir dir, const struct rte_mbuf *m,
		const struct pkt_info *info)
{
	const uint8_t *tcp = rte_pktmbuf_mtod_offset(m, const uint8_t *, info->l4_off);

	if ((info->tcp_flags & RTE_TCP_ACK_FLAG) == 0)
		return 0;
	return offset_of_ack(&e->seq[!dir], get32(tcp + 8));
}

uint32_t
seqadj_seq_back(const struct ct_ext *e, enum flow_dir dir, uint32_t seq)
{
	return seq - offset_of_ack(&e->seq[dir], seq);
}

static void
adjust_sack(const struct ct_seqadj *a, uint8_t *option)
{
	for (uint8_t *p = option + 2; p + 8 <= option + option[1]; p += 8) {
		add32(p, -offset_of_ack(a, get32(p)));
		add32(p + 4, -offset_of_ack(a, get32(p + 4)));
	}
}

static void
adjust_options(const struct ct_ext *e, enum flow_dir dir, uint8_t *options, size_t len)
{
	size_t at = 0, i;

	while ((i = tcp_option_next(options, len, &at)) < len) {
		uint8_t *o = options + i;

		if (*o == TCP_OPTION_SACK)
			adjust_sack(&e->seq[!dir], o);
		if (*o == TCP_OPTION_TIMESTAMPS && o[1] == 10) {
			if (dir == FLOW_REPLY)
				add32(o + 2, e->ts_offset);
			else if (get32(o + 6) != 0) /* a SYN's echoes nothing */
				add32(o + 6, -e->ts_offset);
		}
	}
}

/*
 * One side scales its windows otherwise than the other was told. A window is a limit: it is rounded down. That of a SYN
 * is never scaled (RFC 7323, 2.2).
 */
static void
adjust_window(int8_t shift, uint8_t *tcp)
{
	uint32_t window = (uint32_t)(tcp[14] << 8 | tcp[15]);

	if (shift == 0 || (tcp[13] & RTE_TCP_SYN_FLAG))
		return;
	window = shift > 0 ? RTE_MIN(window << shift, (uint32_t)UINT16_MAX) : window >> -shift;
	tcp[14] = (uint8_t)(window >> 8);
	tcp[15] = (uint8_t)window;
}

void
seqadj_run(const struct ct_ext *e, enum flow_dir dir, struct rte_mbuf *m,
		const struct pkt_info *info)
{
	uint8_t *tcp = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off);
	const uint32_t len =
			RTE_MIN((uint32_t)(tcp[12] >> 4) * 4, (uint32_t)m->data_len - info->l4_off);
	uint8_t before[60];
	uint16_t sum;

	if (len < sizeof(struct rte_tcp_hdr))
		return; /* conntrack calls it invalid */
	memcpy(before, tcp, len);
	add32(tcp + 4, offset_of_seq(&e->seq[dir], get32(tcp + 4)));
	if (tcp[13] & RTE_TCP_ACK_FLAG)
		add32(tcp + 8, -offset_of_ack(&e->seq[!dir], get32(tcp + 8)));
	adjust_window(e->win_shift[dir], tcp);
	adjust_options(e, dir, tcp + sizeof(struct rte_tcp_hdr), len - sizeof(struct rte_tcp_hdr));
	memcpy(&sum, before + 16, sizeof(sum));
	sum = cksum_apply(sum, cksum_delta(0, before, tcp, len));
	memcpy(tcp + 16, &sum, sizeof(sum));
}
