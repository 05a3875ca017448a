/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The complete parser: any frame, link layer to transport, headers in any segments. parse_burst()
 * comes here with all that is not plain TCP or UDP; the control lcore may call it as well. Holds
 * what is about the whole packet: link layer, addresses, verdict; the layers above are in
 * parse_ip.c and parse_l4.c. Only reads.
 */
#include "parse.h"

#include "parse_priv.h"

#define VLAN_TAGS_MAX 2

static bool
is_vlan(uint16_t type)
{
	/* 802.1Q, 802.1ad, and what was in use for outer tags before that. */
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ ||
			type == RTE_ETHER_TYPE_QINQ1;
}

static void
note_vlan(struct pkt_info *info, uint16_t tci)
{
	if ((info->flags & PKT_F_VLAN) == 0)
		info->vlan = tci & 0x0fff;
	info->flags |= PKT_F_VLAN;
}

enum drop_reason
parse_link(struct parse *p, uint16_t *type)
{
	unsigned int tags = (p->info->flags & PKT_F_VLAN) != 0; /* the NIC took one out */
	uint8_t buf[RTE_ETHER_HDR_LEN];
	const uint8_t *h = parse_read(p, p->off, RTE_ETHER_HDR_LEN, buf);

	if (h == NULL)
		return DROP_ETH_SHORT;
	*type = parse_be16(h + 2 * RTE_ETHER_ADDR_LEN);
	p->off += RTE_ETHER_HDR_LEN;
	for (; is_vlan(*type); tags++) {
		if (tags == VLAN_TAGS_MAX)
			return DROP_VLAN_DEPTH;
		h = parse_read(p, p->off, sizeof(struct rte_vlan_hdr), buf);
		if (h == NULL)
			return DROP_ETH_SHORT;
		note_vlan(p->info, parse_be16(h));
		*type = parse_be16(h + 2);
		p->off += sizeof(struct rte_vlan_hdr);
	}
	return DROP_NONE;
}

/* Is the frame for this station? */
static enum drop_reason
check_station(struct parse *p, const struct parse_params *pp)
{
	struct rte_ether_addr buf;
	const uint8_t *dst = parse_read(p, 0, sizeof(buf), &buf);

	if (dst == NULL)
		return DROP_ETH_SHORT;
	p->group = (dst[0] & RTE_ETHER_GROUP_ADDR) != 0;
	if (p->group || pp->promiscuous || memcmp(dst, pp->mac.addr_bytes, RTE_ETHER_ADDR_LEN) == 0)
		return DROP_NONE;
	return DROP_ETH_NOT_OURS;
}

/* RFC 1812 4.2.2.11, 5.3.4 and 5.3.7. */
static enum drop_reason
check_ip4(struct parse *p, const struct parse_params *pp, const uint8_t *src, const uint8_t *dst)
{
	bool group = (dst[0] & 0xf0) == 224 || parse_be32(dst) == INADDR_BROADCAST;

	if (group)
		p->info->flags |= PKT_F_MULTICAST;
	else if (dst[0] == 0 || dst[0] == IN_LOOPBACKNET || dst[0] >= 240)
		return DROP_IP_DESTINATION;
	if (pp->forward_multicast)
		return DROP_NONE;
	if (group || p->group)
		return DROP_IP_MULTICAST;
	if (src[0] == 0 || src[0] == IN_LOOPBACKNET || src[0] >= 224)
		return DROP_IP_SOURCE;
	return DROP_NONE;
}

static bool
is_link_local(const uint8_t *addr)
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

/* ::n, for the unspecified address and that of the loopback. */
static bool
is_low(const uint8_t *addr, uint8_t n)
{
	static const uint8_t zeros[15];

	return memcmp(addr, zeros, sizeof(zeros)) == 0 && addr[15] == n;
}

/*
 * RFC 4291 2.5 and 2.7. Neighbour discovery lives on the link, where all of this is as it should
 * be.
 */
static enum drop_reason
check_ip6(struct parse *p, const struct parse_params *pp, const uint8_t *src, const uint8_t *dst)
{
	bool nd = (p->info->flags & PKT_F_ND) != 0;
	bool group = dst[0] == 0xff;

	if (group)
		p->info->flags |= PKT_F_MULTICAST;
	else if (is_low(dst, 0) || is_low(dst, 1))
		return DROP_IP_DESTINATION;
	if (pp->forward_multicast)
		return DROP_NONE;
	if ((group || p->group) && !nd)
		return DROP_IP_MULTICAST;
	if (src[0] == 0xff || is_low(src, 1) || (is_low(src, 0) && !nd))
		return DROP_IP_SOURCE;
	if (is_link_local(dst))
		p->info->flags |= PKT_F_CONTROL; /* perhaps our own: control knows */
	else if (is_link_local(src) && !nd)
		return DROP_IP_LINK_LOCAL;
	return DROP_NONE;
}

/* Neighbour discovery never crossed a router and is never fragmented: RFC 4861 7.1, RFC 6980 5. */
static enum drop_reason
check_nd(struct parse *p, uint8_t hop_limit)
{
	struct pkt_info *info = p->info;

	if (info->proto != IPPROTO_ICMPV6 || p->icmp_type < 133 || p->icmp_type > 137)
		return DROP_NONE;
	if (hop_limit != 255 || (info->flags & PKT_F_FRAG) != 0)
		return DROP_ND_BAD;
	info->flags |= PKT_F_ND | PKT_F_CONTROL;
	return DROP_NONE;
}

static enum drop_reason
check_addresses(struct parse *p, const struct parse_params *pp)
{
	uint8_t buf[40]; /* both address pairs end within the fixed header */
	const uint8_t *h = parse_read(p, p->info->l3_off, p->info->family == 6 ? 40 : 20, buf);
	enum drop_reason why;

	if (h == NULL)
		return DROP_IP4_SHORT; /* not reached: the header was read before */
	if (p->info->family == 4)
		return check_ip4(p, pp, h + 12, h + 16);
	why = check_nd(p, h[7]);
	return why != DROP_NONE ? why : check_ip6(p, pp, h + 8, h + 24);
}

/*
 * The NIC's word counts for what NICs do verify; some say "good" of everything else as well. Their
 * "bad" is looked at again: the 82599, for one, says so of UDP that carries no checksum.
 */
static void
check_transport_sum(struct parse *p, const struct parse_params *pp)
{
	struct pkt_info *info = p->info;
	bool by_nic = info->proto == IPPROTO_TCP || info->proto == IPPROTO_UDP;

	if (info->flags & PKT_F_FRAG)
		return;
	if (by_nic && (p->m->ol_flags & PARSE_RX_L4_INTACT) != 0)
		info->flags |= PKT_F_L4_CSUM_GOOD;
	else if (pp->verify_l4 || (by_nic && (p->m->ol_flags & PARSE_RX_L4_BAD) != 0))
		parse_l4_checksum(p->m, info);
}

/* IP and transport. Returns why the packet must be dropped; `invalid` is noted in info. */
static enum drop_reason
parse_network(struct parse *p, const struct parse_params *pp, uint16_t type)
{
	struct pkt_info *info = p->info;
	enum drop_reason invalid = DROP_NONE;
	enum drop_reason why = type == RTE_ETHER_TYPE_IPV4 ? parse_ip4(p) : parse_ip6(p);

	if (why != DROP_NONE)
		return why;
	if (info->l4_off != 0)
		invalid = parse_l4(p);
	why = check_addresses(p, pp);
	if (why != DROP_NONE)
		return why;
	if (invalid == DROP_NONE) {
		check_transport_sum(p, pp);
		return DROP_NONE;
	}
	/* A first fragment must show what filters look at: RFC 1858, RFC 7112. */
	if (info->flags & PKT_F_FRAG)
		return DROP_FRAG_TINY;
	info->flags |= PKT_F_INVALID | PKT_F_CONTROL;
	info->reason = (uint8_t)invalid;
	return DROP_NONE;
}

static enum drop_reason
parse_frame(struct parse *p, const struct parse_params *pp)
{
	const struct rte_mbuf *m = p->m;
	enum drop_reason why = check_station(p, pp);
	uint16_t type;

	if (why != DROP_NONE)
		return why;
	if (m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED)
		note_vlan(p->info, m->vlan_tci_outer);
	else if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		note_vlan(p->info, m->vlan_tci);
	why = parse_link(p, &type);
	if (why != DROP_NONE)
		return why;
	p->info->l3_off = (uint16_t)p->off;
	if (type == RTE_ETHER_TYPE_IPV4 || type == RTE_ETHER_TYPE_IPV6)
		return parse_network(p, pp, type);
	if (type != RTE_ETHER_TYPE_ARP)
		return DROP_ETH_TYPE;
	p->info->flags |= PKT_F_ARP | PKT_F_CONTROL;
	p->info->l3_len = (uint16_t)RTE_MIN(p->end - p->off, UINT16_MAX);
	p->info->payload_off = parse_off16(p->end);
	return DROP_NONE;
}

void
parse_one(const struct rte_mbuf *m, const struct parse_params *pp, struct pkt_info *info,
		struct flow_key *key)
{
	/*
	 * Lengths and offsets of headers are 16 bits wide: a packet of 65,535 bytes behind its
	 * link header is the longest. What lies beyond is no packet's.
	 */
	struct parse p = { .m = m, .info = info, .end = RTE_MIN(m->pkt_len, PARSE_END_MAX) };
	struct flow_tuple tuple;
	enum drop_reason why;

	memset(info, 0, sizeof(*info));
	memset(key, 0, sizeof(*key));
	why = parse_frame(&p, pp);
	if (why != DROP_NONE) {
		info->flags |= PKT_F_DROP;
		info->reason = (uint8_t)why;
	} else if ((info->flags & PARSE_NO_KEY) == 0 && parse_tuple(m, info, pp->zone, &tuple)) {
		flow_tuple_key(&pp->hasher, &tuple, key);
		parse_key(m, pp, info, key);
	}
}
