/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements of neighbours. Control
 * lcore. Messages of routers and redirects are consumed and ignored: shunt is a router, and its
 * routes are configured.
 *
 * What is believed is the same as for ARP (l3_arp.c). Flags of the advertisement are honoured as
 * 7.2.5 says.
 */
#include <errno.h>
#include <string.h>

#include <netinet/icmp6.h>

#include "l3_priv.h"

/* Longest message that is looked into: one packet of IPv6's least MTU. */
#define MESSAGE_MAX (1280 - 40)

#define FLAG_ROUTER 0x80000000u
#define FLAG_SOLICITED 0x40000000u
#define FLAG_OVERRIDE 0x20000000u

/* Solicitation and advertisement alike, and the one option that is used. */
struct message {
	struct l3_icmp icmp;
	uint8_t target[16];
} __rte_packed;

struct option {
	uint8_t type;
	uint8_t len; /* 8 bytes each */
	struct rte_ether_addr mac;
} __rte_packed;
_Static_assert(sizeof(struct message) == 24 && sizeof(struct option) == 8, "RFC 4861 4.3, 4.6.1");

struct nd {
	struct l3_view ip;
	uint8_t type;
	uint32_t flags;
	struct flow_addr target;
	bool has_mac;
	struct rte_ether_addr mac; /* of the link-layer address option that belongs to the type */
};

static bool
is_multicast(const struct flow_addr *addr)
{
	return addr->b[0] == 0xff;
}

static bool
is_unspecified(const struct flow_addr *addr)
{
	static const struct flow_addr none;

	return memcmp(addr->b, none.b, 16) == 0;
}

/* ff02::1:ff and the last three bytes, RFC 4291 2.7.1. */
static struct flow_addr
solicited_node(const struct flow_addr *addr)
{
	return (struct flow_addr){ { 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, addr->b[13],
			addr->b[14], addr->b[15] } };
}

/* RFC 2464 section 7. */
static struct rte_ether_addr
multicast_mac(const struct flow_addr *group)
{
	return (struct rte_ether_addr){ { 0x33, 0x33, group->b[12], group->b[13], group->b[14],
			group->b[15] } };
}

/* All options are walked, as one of length zero anywhere condemns the message (RFC 4861 4.6). */
static int
parse_options(const uint8_t *at, uint16_t left, struct nd *nd)
{
	uint8_t wanted = nd->type == ND_NEIGHBOR_SOLICIT ? ND_OPT_SOURCE_LINKADDR
							 : ND_OPT_TARGET_LINKADDR;

	while (left > 0) {
		uint16_t len;

		if (left < 2)
			return -EBADMSG;
		len = at[1] * 8;
		if (len == 0 || len > left)
			return -EBADMSG;
		if (at[0] == wanted && len == sizeof(struct option)) {
			memcpy(&nd->mac, at + 2, sizeof(nd->mac));
			nd->has_mac = true;
		}
		at += len;
		left -= len;
	}
	return 0;
}

/* RFC 4861 7.1.1 and 7.1.2, word for word; and no fragments (RFC 6980). */
static int
parse(struct l3 *l3, struct rte_mbuf *m, struct nd *nd)
{
	uint8_t bytes[MESSAGE_MAX];
	const struct l3_view *ip = &nd->ip;
	struct message msg = { 0 };
	enum drop_reason unused;

	if (l3_view(l3, m, &nd->ip, &unused) != 0 || ip->family != 6 || ip->ttl != 255 ||
			ip->proto != IPPROTO_ICMPV6 || ip->fragment ||
			ip->l4_len < sizeof(struct l3_icmp) || ip->l4_len > sizeof(bytes) ||
			!l3_view_icmp_ok(m, ip) || !l3_read(m, ip->l4_off, ip->l4_len, bytes))
		return -EBADMSG;
	memcpy(&msg, bytes, RTE_MIN(sizeof(msg), (size_t)ip->l4_len));
	if (msg.icmp.code != 0)
		return -EBADMSG;
	nd->type = msg.icmp.type;
	nd->has_mac = false;
	if (nd->type != ND_NEIGHBOR_SOLICIT && nd->type != ND_NEIGHBOR_ADVERT)
		return nd->type >= ND_ROUTER_SOLICIT && nd->type <= ND_REDIRECT ? 0 : -EBADMSG;
	if (ip->l4_len < sizeof(msg))
		return -EBADMSG;
	nd->flags = rte_be_to_cpu_32(msg.icmp.rest);
	memcpy(nd->target.b, msg.target, 16);
	if (is_multicast(&nd->target) ||
			parse_options(bytes + sizeof(msg), ip->l4_len - sizeof(msg), nd) != 0)
		return -EBADMSG;
	/* As for ARP: who speaks for another station's address is not listened to. */
	if (nd->has_mac && (!l3_mac_is_station(&nd->mac) || !l3_mac_same(&nd->mac, &ip->eth_src)))
		return -EBADMSG;
	return 0;
}

/* ICMPv6 of type `type` about `target`, with our MAC as its option. NULL: no memory. */
static struct rte_mbuf *
make(struct l3 *l3, uint8_t type, uint32_t flags, const struct flow_addr *target,
		const struct rte_ether_addr *mac)
{
	struct {
		struct message msg;
		struct option option;
	} * whole;
	void *data;
	struct rte_mbuf *m = l3_make(l3, sizeof(*whole), &data);

	if (m == NULL)
		return NULL;
	whole = data;
	whole->msg.icmp = (struct l3_icmp){ .type = type, .rest = rte_cpu_to_be_32(flags) };
	memcpy(whole->msg.target, target->b, 16);
	whole->option.type = type == ND_NEIGHBOR_SOLICIT ? ND_OPT_SOURCE_LINKADDR
							 : ND_OPT_TARGET_LINKADDR;
	whole->option.len = 1;
	whole->option.mac = *mac;
	return m;
}

/*
 * RFC 4861 7.2.4. To a duplicate check, which has no source, all nodes get the answer. Router flag:
 * shunt forwards, and a host that uses it as its router would stop if an advertisement denied it
 * (7.2.5).
 */
static int
answer(struct l3 *l3, struct rte_mbuf *question, const struct nd *nd, struct l3_out *out)
{
	static const struct flow_addr all_nodes = { { 0xff, 0x02, [15] = 1 } };
	uint16_t port = nd->ip.port;
	bool check = is_unspecified(&nd->ip.src);
	struct rte_mbuf *m = make(l3, ND_NEIGHBOR_ADVERT,
			FLAG_ROUTER | FLAG_OVERRIDE | (check ? 0 : FLAG_SOLICITED), &nd->target,
			&l3->ports[port].mac);
	struct l3_ip ip = {
		.family = 6,
		.ttl = 255,
		.src = nd->target,
		.dst = check ? all_nodes : nd->ip.src,
	};

	if (m == NULL)
		return -ENOMEM;
	if (l3_make_ip(m, &ip) != 0 || l3_make_ether_back(l3, m, question) != 0) {
		rte_pktmbuf_free(m);
		return -ENOMEM;
	}
	if (check)
		rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr = multicast_mac(&all_nodes);
	return l3_emit(m, port, question, out);
}

static enum l3_verdict
solicitation(struct l3 *l3, struct rte_mbuf *m, const struct nd *nd, enum drop_reason *reason,
		struct l3_out *out)
{
	const struct flow_addr *src = &nd->ip.src;
	uint16_t port = nd->ip.port;
	struct flow_addr group = solicited_node(&nd->target);

	if (is_unspecified(src)) {
		if (nd->has_mac || memcmp(&nd->ip.dst, &group, sizeof(group)) != 0)
			return l3_refuse(DROP_ND_BAD, reason);
	} else if (!l3_addr_is_host(l3, port, 6, src) || !l3_mac_is_station(&nd->ip.eth_src)) {
		return l3_refuse(DROP_ND_BAD, reason);
	}
	if (!l3_own_answers(l3, port, 6, &nd->target))
		return L3_CONSUMED;
	/* Our own address as source: a duplicate, or our own frame come back. */
	if (l3_is_own(l3, 6, src))
		return L3_CONSUMED;
	if (nd->has_mac && !(pkt_meta(m)->info.flags & PKT_F_VLAN))
		l3_neigh_learn(l3, port, 6, src, &nd->mac);
	return l3_answered(answer(l3, m, nd, out), reason);
}

/* RFC 4861 7.2.5. */
static enum l3_verdict
advertisement(struct l3 *l3, struct rte_mbuf *m, const struct nd *nd, uint64_t now,
		enum drop_reason *reason)
{
	bool solicited = (nd->flags & FLAG_SOLICITED) != 0;
	bool override = (nd->flags & FLAG_OVERRIDE) != 0;
	struct l3_neigh *n;
	bool news;

	if (solicited && is_multicast(&nd->ip.dst))
		return l3_refuse(DROP_ND_BAD, reason);
	n = l3_neigh_find(l3, nd->ip.port, 6, &nd->target);
	if (n == NULL || n->state == L3_NEIGH_STATIC || pkt_meta(m)->info.flags & PKT_F_VLAN)
		return L3_CONSUMED;
	if (!n->resolved && !nd->has_mac)
		return L3_CONSUMED;
	news = n->resolved && nd->has_mac && !l3_mac_same(&n->mac, &nd->mac);
	if (news && !override) {
		if (n->state == L3_NEIGH_REACHABLE)
			l3_neigh_suspect(l3, n);
		return L3_CONSUMED;
	}
	if (solicited && n->probing)
		l3_neigh_confirm(l3, n, nd->has_mac ? &nd->mac : &n->mac, now);
	else if (nd->has_mac)
		l3_neigh_update(l3, n, &nd->mac);
	return L3_CONSUMED;
}

enum l3_verdict
l3_nd_input(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason,
		struct l3_out *out)
{
	struct nd nd;

	if (parse(l3, m, &nd) != 0)
		return l3_refuse(DROP_ND_BAD, reason);
	if (nd.type == ND_NEIGHBOR_SOLICIT)
		return solicitation(l3, m, &nd, reason, out);
	if (nd.type == ND_NEIGHBOR_ADVERT)
		return advertisement(l3, m, &nd, now, reason);
	return L3_CONSUMED;
}

/* RFC 4861 7.2.2. A port without an address in IPv6 has its link-local one for this. */
void
l3_nd_ask(struct l3 *l3, const struct l3_neigh *n, bool unicast, struct rte_mbuf *cause,
		struct l3_out *out)
{
	const struct l3_port *port = &l3->ports[n->port];
	const struct flow_addr *source = l3_own_source(l3, n->port, 6, &n->addr);
	struct l3_ip ip = {
		.family = 6,
		.ttl = 255,
		.src = source != NULL ? *source : port->link_local,
		.dst = unicast ? n->addr : solicited_node(&n->addr),
	};
	struct rte_ether_addr mac = unicast ? n->mac : multicast_mac(&ip.dst);
	struct rte_mbuf *m = make(l3, ND_NEIGHBOR_SOLICIT, 0, &n->addr, &port->mac);

	if (m == NULL)
		return;
	if (l3_make_ip(m, &ip) != 0 ||
			l3_make_ether(m, &mac, &port->mac, RTE_ETHER_TYPE_IPV6) != 0) {
		rte_pktmbuf_free(m);
		return;
	}
	l3_emit(m, n->port, cause, out);
}
