/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is addressed to shunt itself: ICMP and ICMPv6 echo requests are answered (RFC 792, RFC 4443
 * 4.2), from the address that was asked, to the station that the question came from. Nothing else
 * is served. Control lcore.
 *
 * An answer is as large as its question, less IP options and extension headers, so that nothing is
 * amplified.
 */
#include <errno.h>

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "l3_priv.h"

struct echo {
	uint8_t proto;
	uint8_t request;
	uint8_t reply;
};
static const struct echo echo4 = { IPPROTO_ICMP, ICMP_ECHO, ICMP_ECHOREPLY };
static const struct echo echo6 = { IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY };

static int
answer(struct l3 *l3, struct rte_mbuf *question, const struct l3_view *v, uint8_t type,
		struct l3_out *out)
{
	struct rte_mbuf *m = rte_pktmbuf_copy(question, l3->pool, v->l4_off, v->l4_len);
	struct l3_ip ip = {
		.family = v->family,
		.tos = v->tos & 0xfc, /* same DSCP (RFC 1812 4.3.2.5), no ECN */
		.ttl = L3_TTL,
		.src = v->dst,
		.dst = v->src,
	};

	if (m == NULL)
		return -ENOMEM;
	l3_make_plain(m);
	rte_pktmbuf_mtod(m, struct l3_icmp *)->type = type;
	if (l3_make_ip(m, &ip) != 0 || l3_make_ether_back(l3, m, question) != 0) {
		rte_pktmbuf_free(m);
		return -ENOMEM;
	}
	return l3_emit(m, v->port, question, out);
}

enum l3_verdict
l3_echo_input(struct l3 *l3, struct rte_mbuf *m, const struct l3_view *v, enum drop_reason *reason,
		struct l3_out *out)
{
	const struct echo *echo = v->family == 4 ? &echo4 : &echo6;
	struct l3_icmp icmp;

	if (v->fragment)
		return l3_refuse(DROP_LOCAL_UNHANDLED, reason);
	if (v->proto != echo->proto || v->l4_len < sizeof(icmp) ||
			!l3_read(m, v->l4_off, sizeof(icmp), &icmp) || icmp.type != echo->request ||
			icmp.code != 0)
		return l3_refuse(DROP_LOCAL_UNHANDLED, reason);
	if (!l3_view_icmp_ok(m, v))
		return l3_refuse(DROP_ICMP_CHECKSUM, reason);
	if (!rte_is_unicast_ether_addr(&v->eth_dst) || !l3_mac_is_station(&v->eth_src))
		return l3_refuse(DROP_ETH_NOT_OURS, reason);
	if (!l3_addr_is_host(l3, v->port, v->family, &v->src) ||
			l3_own_receives(l3, v->port, v->family, &v->src))
		return l3_refuse(DROP_IP_SOURCE, reason);
	if (v->l3_len > l3->ports[v->port].mtu)
		return l3_refuse(DROP_MTU_EXCEEDED, reason);
	return l3_answered(answer(l3, m, v, echo->reply, out), reason);
}
