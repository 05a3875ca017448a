/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet that an ICMP error quotes (RFC 792, RFC 4443 2.4): cut anywhere, and written by
 * whoever sent the error. It need show no more than what names its connection: senders quote what they like. Control lcore; only reads.
 */
#include "parse.h"

#include "parse_priv.h"

#define QUOTED_TRANSPORT 8
#define ICMP_HEADER 8

enum drop_reason
parse_icmp_inner(const struct rte_mbuf *m, const struct pkt_info *outer, uint16_t zone,
		struct pkt_info *inner, struct flow_tuple *tuple)
{
	struct parse p = {
		.m = m,
		.info = inner,
		.off = outer->payload_off,
		.end = outer->l3_off + outer->l3_len,
		.quoted = true,
		.carried = true,
	};
	uint8_t buf[ICMP_HEADER];
	const uint8_t *h;

	memset(inner, 0, sizeof(*inner));
	memset(tuple, 0, sizeof(*tuple));
	if ((outer->family == 4 ? parse_ip4(&p) : parse_ip6(&p)) != DROP_NONE)
		return DROP_ICMP_INNER;
	if (inner->l4_off == 0)
		return DROP_ICMP_INNER; /* no first fragment */
	if (parse_is_icmp(inner)) {
		h = parse_read(&p, inner->l4_off, sizeof(buf), buf);
		if (h == NULL || parse_icmp_is_error(inner->family, h[0]))
			return DROP_ICMP_INNER;
	}
	if (inner->proto == IPPROTO_DCCP)
		inner->tcp_flags =
				PKT_DCCP; /* its type is not among the 8 bytes: it was sent, so it is good */
	inner->payload_off = (uint16_t)(inner->l4_off + QUOTED_TRANSPORT);
	return parse_tuple(m, inner, zone, tuple) ? DROP_NONE : DROP_ICMP_INNER;
}
