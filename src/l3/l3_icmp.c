/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ICMP errors that a router owes: RFC 792, RFC 1812 4.3 (IPv4) and RFC 4443 (IPv6), one body
 * for both. Control lcore.
 *
 * The error goes back to the station that sent the packet, out of the port where it came in: right
 * for every path on which packets reach that port, and no look-up or neighbour is needed that a
 * flood of such packets could fill.
 */
#include <errno.h>

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "l3_priv.h"

struct code {
	uint8_t type;
	uint8_t code;
};

/*
 * What an error is called, and how much of a packet it may be (RFC 1812 4.3.2.3; RFC 4443 2.4 (c)).
 */
static const struct language {
	uint8_t proto;
	uint8_t tos; /* internetwork control, RFC 1812 4.3.2.5 */
	uint16_t headers;
	uint16_t most;
	struct code code[L3_ICMP_PROHIBITED + 1];
} ip4 = {
	.proto = IPPROTO_ICMP,
	.tos = 0xc0,
	.headers = 20 + sizeof(struct l3_icmp),
	.most = 576,
	.code = {
		[L3_ICMP_TTL] = { ICMP_TIME_EXCEEDED, ICMP_EXC_TTL },
		[L3_ICMP_NO_ROUTE] = { ICMP_DEST_UNREACH, ICMP_NET_UNREACH },
		[L3_ICMP_HOST] = { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH },
		[L3_ICMP_PORT] = { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH },
		[L3_ICMP_TOO_BIG] = { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED },
		[L3_ICMP_REASSEMBLY] = { ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME },
		[L3_ICMP_PROHIBITED] = { ICMP_DEST_UNREACH, ICMP_PKT_FILTERED },
	},
}, ip6 = {
	.proto = IPPROTO_ICMPV6,
	.tos = 0,
	.headers = 40 + sizeof(struct l3_icmp),
	.most = 1280,
	.code = {
		[L3_ICMP_TTL] = { ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT },
		[L3_ICMP_NO_ROUTE] = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE },
		[L3_ICMP_HOST] = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR },
		[L3_ICMP_PORT] = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT },
		[L3_ICMP_TOO_BIG] = { ICMP6_PACKET_TOO_BIG, 0 },
		[L3_ICMP_REASSEMBLY] = { ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY },
		[L3_ICMP_PROHIBITED] = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN },
	},
};

/*
 * Only what is known to be a query may be complained about: all other types are errors, or may be
 * one day.
 */
static bool
is_query(uint8_t family, uint8_t type)
{
	if (family == 6)
		return type >= 128 && type != ND_REDIRECT;
	switch (type) {
	case ICMP_ECHO:
	case ICMP_ECHOREPLY:
	case ICMP_TIMESTAMP:
	case ICMP_TIMESTAMPREPLY:
	case ICMP_INFO_REQUEST:
	case ICMP_INFO_REPLY:
	case ICMP_ADDRESS:
	case ICMP_ADDRESSREPLY:
		return true;
	default:
		return false;
	}
}

bool
l3_may_complain(const struct l3 *l3, struct rte_mbuf *m, const struct l3_view *v)
{
	const uint8_t icmp_proto = v->family == 4 ? ip4.proto : ip6.proto;
	struct l3_icmp icmp;
	bool multicast = v->family == 4 ? v->dst.b[0] >= 224 : v->dst.b[0] == 0xff;

	if (!v->first || multicast || !rte_is_unicast_ether_addr(&v->eth_dst) ||
			!l3_mac_is_station(&v->eth_src))
		return false;
	if (!l3_addr_is_host(l3, v->port, v->family, &v->src) ||
			l3_own_receives(l3, v->port, v->family, &v->src))
		return false;
	if (l3_addr_is_broadcast(l3, v->port, v->family, &v->dst))
		return false;
	if (v->proto != icmp_proto)
		return true;
	return v->l4_len >= sizeof(icmp) && l3_read(m, v->l4_off, sizeof(icmp), &icmp) &&
			is_query(v->family, icmp.type);
}

/*
 * The port's own address; where it has none in this family, that of another one (RFC 1812 4.3.2.4,
 * router-id).
 */
static const struct flow_addr *
source_for(const struct l3 *l3, const struct l3_view *v)
{
	const struct flow_addr *source = l3_own_source(l3, v->port, v->family, &v->src);
	unsigned int i;

	for (i = 0; i < l3->n_ports && source == NULL; i++) {
		source = l3_own_source(l3, (uint16_t)i, v->family, &v->src);
		if (source != NULL && l3_addr_is_link_local(v->family, source))
			source = NULL;
	}
	return source;
}

/*
 * Token bucket as the generic cell rate algorithm (ITU-T I.371): one number, the time when the
 * bucket would be full again. A burst is one second's worth.
 */
bool
l3_rate_allows(const struct l3 *l3, uint64_t *tat, uint64_t now)
{
	uint64_t next = RTE_MAX(*tat, now);

	if (l3->icmp_interval == 0 || next - now + l3->icmp_interval > TIME_NS_PER_S)
		return false;
	*tat = next + l3->icmp_interval;
	return true;
}

int
l3_icmp_error(struct l3 *l3, struct rte_mbuf *m, enum l3_icmp_error what, uint16_t mtu,
		uint64_t now, struct l3_out *out)
{
	const struct flow_addr *source;
	const struct language *say;
	enum drop_reason unused;
	struct rte_mbuf *error;
	struct l3_icmp *icmp;
	struct l3_view v;
	struct l3_ip ip;

	if (l3_view(l3, m, &v, &unused) != 0)
		return -EPERM;
	say = v.family == 4 ? &ip4 : &ip6;
	if (!l3_may_complain(l3, m, &v))
		return -EPERM;
	source = source_for(l3, &v);
	if (source == NULL)
		return -EADDRNOTAVAIL;
	if (!l3_rate_allows(l3, &l3->icmp_tat, now))
		return -EBUSY;
	error = rte_pktmbuf_copy(
			m, l3->pool, v.l3_off, RTE_MIN(v.l3_len, say->most - say->headers));
	if (error == NULL)
		return -ENOMEM;
	l3_make_plain(error);
	icmp = (void *)rte_pktmbuf_prepend(error, sizeof(*icmp));
	ip = (struct l3_ip){
		.family = v.family, .tos = say->tos, .ttl = L3_TTL, .src = *source, .dst = v.src
	};
	if (icmp == NULL)
		goto no_room;
	*icmp = (struct l3_icmp){
		.type = say->code[what].type,
		.code = say->code[what].code,
		/* IPv4 has 16 bits for it and IPv6 has 32 (RFC 1191 section 4): the same place. */
		.rest = what == L3_ICMP_TOO_BIG ? rte_cpu_to_be_32(mtu) : 0,
	};
	if (l3_make_ip(error, &ip) != 0 || l3_make_ether_back(l3, error, m) != 0)
		goto no_room;
	return l3_emit(error, v.port, m, out) == 0 ? 0 : -ENOMEM;

no_room:
	rte_pktmbuf_free(error);
	return -ENOMEM;
}
