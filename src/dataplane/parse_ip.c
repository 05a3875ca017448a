/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internet headers: IPv4 with options, IPv6 with its chain of extension headers, and fragments of
 * both. For the packet itself and for packets that it carries (quoted by ICMP errors, in tunnels).
 * Workers and control; only reads.
 */
#include "parse_priv.h"

#include <rte_ip.h>

#define IP4_OPT_END 0
#define IP4_OPT_NOP 1
#define IP4_OPT_LSRR 131
#define IP4_OPT_SSRR 137

#define IP_LENGTH_MAX 65535

/*
 * Fragment of `len` payload bytes at byte `offset`, behind `header` bytes of headers. What could
 * only be meant to confuse whoever reassembles is refused here: RFC 791 3.2, RFC 8200 4.5, RFC 1858
 * and RFC 3128 (TCP flags that a second fragment rewrites).
 */
static enum drop_reason
check_fragment(struct parse *p, uint32_t offset, bool more, uint32_t header, uint32_t len)
{
	p->info->flags |= PKT_F_FRAG | PKT_F_CONTROL | (offset == 0 ? PKT_F_FRAG_FIRST : 0);
	if (p->quoted)
		return DROP_NONE;
	if (len == 0 || (more && len % 8 != 0) || header + offset + len > IP_LENGTH_MAX)
		return DROP_FRAG_LENGTH;
	if (p->info->proto == IPPROTO_TCP && offset == 8)
		return DROP_FRAG_TINY;
	return DROP_NONE;
}

/* RFC 791 3.1; RFC 7126 4.3 and 4.4 for source routes. */
static enum drop_reason
check_options(const uint8_t *opt, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += opt[i + 1]) {
		while (i < len && opt[i] == IP4_OPT_NOP)
			i++;
		if (i == len || opt[i] == IP4_OPT_END)
			break;
		if (len - i < 2 || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return DROP_IP4_OPTION;
		if (opt[i] == IP4_OPT_LSRR || opt[i] == IP4_OPT_SSRR)
			return DROP_IP4_SOURCE_ROUTE;
	}
	return DROP_NONE;
}

static enum drop_reason
check_ip4_header(struct parse *p, const uint8_t *h, uint32_t header_len)
{
	bool intact = (p->m->ol_flags & PARSE_RX_IP_INTACT) != 0 && !p->carried;

	if (!intact && rte_raw_cksum(h, header_len) != 0xffff)
		return DROP_IP4_CHECKSUM;
	return check_options(h + sizeof(struct rte_ipv4_hdr),
			header_len - (uint32_t)sizeof(struct rte_ipv4_hdr));
}

enum drop_reason
parse_ip4(struct parse *p)
{
	uint8_t buf[60];
	const uint8_t *h = parse_read(p, p->off, sizeof(struct rte_ipv4_hdr), buf);
	struct pkt_info *info = p->info;
	enum drop_reason why = DROP_NONE;
	uint32_t header_len, total, fragment;

	if (h == NULL)
		return DROP_IP4_SHORT;
	if (h[0] >> 4 != 4)
		return DROP_IP4_VERSION;
	header_len = (h[0] & 0x0fu) * 4;
	if (header_len < sizeof(struct rte_ipv4_hdr))
		return DROP_IP4_IHL;
	h = parse_read(p, p->off, header_len, buf);
	if (h == NULL)
		return DROP_IP4_IHL;
	total = parse_be16(h + 2);
	if (total < header_len || (total > p->end - p->off && !p->quoted))
		return DROP_IP4_LENGTH;
	p->end = RTE_MIN(p->end, p->off + total);

	info->family = 4;
	info->proto = h[9];
	info->l3_off = (uint16_t)p->off;
	info->l3_len = (uint16_t)(p->end - p->off);
	info->payload_off = parse_off16(p->end);
	if (header_len > sizeof(struct rte_ipv4_hdr))
		info->flags |= PKT_F_OPTIONS | PKT_F_CONTROL;
	if (h[8] <= 1)
		info->flags |= PKT_F_TTL | PKT_F_CONTROL;
	if (!p->quoted)
		why = check_ip4_header(p, h, header_len);
	fragment = parse_be16(h + 6);
	if (why == DROP_NONE && (fragment & 0x3fff) != 0)
		why = check_fragment(p, (fragment & 0x1fff) * 8, (fragment & 0x2000) != 0,
				header_len, total - header_len);
	p->off += header_len;
	if ((fragment & 0x1fff) == 0)
		info->l4_off = (uint16_t)p->off;
	return why;
}

/*
 * Extension headers that a next one follows (RFC 8200 4.1); ESP hides it, so it counts as
 * transport.
 */
static bool
is_extension(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS ||
			proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH;
}

/*
 * One extension header at p->off, which info.proto names: both are moved to the next. *last: a
 * fragment other than the first, nothing behind it is a header.
 */
static enum drop_reason
parse_extension(struct parse *p, bool *last)
{
	struct pkt_info *info = p->info;
	uint8_t kind = info->proto, buf[8];
	const uint8_t *h = parse_read(p, p->off, sizeof(buf), buf);
	uint32_t len, fragment;

	if (h == NULL)
		return DROP_IP6_EXT_SHORT;
	if (kind == IPPROTO_HOPOPTS && p->off != info->l3_off + sizeof(struct rte_ipv6_hdr))
		return DROP_IP6_EXT_ORDER;
	if (kind == IPPROTO_ROUTING && h[2] == 0)
		return DROP_IP6_ROUTING0;
	len = kind == IPPROTO_FRAGMENT ? 8 : kind == IPPROTO_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
	if (len > p->end - p->off)
		return DROP_IP6_EXT_SHORT;
	info->proto = h[0];
	p->off += len;
	fragment = kind == IPPROTO_FRAGMENT ? parse_be16(h + 2) & 0xfff9u : 0;
	if (fragment == 0)
		return DROP_NONE; /* atomic fragments are whole packets: RFC 6946 */
	*last = fragment >= 8;
	return check_fragment(p, fragment & 0xfff8u, (fragment & 1) != 0,
			p->off - 8 - info->l3_off - (uint32_t)sizeof(struct rte_ipv6_hdr),
			p->end - p->off);
}

static enum drop_reason
parse_extensions(struct parse *p)
{
	struct pkt_info *info = p->info;
	enum drop_reason why;
	bool last = false;

	for (unsigned int n = 0; is_extension(info->proto) && !last; n++) {
		if (n == PARSE_EXT_MAX)
			return DROP_IP6_EXT_COUNT;
		info->flags |= PKT_F_OPTIONS | PKT_F_CONTROL;
		why = parse_extension(p, &last);
		if (why != DROP_NONE)
			return why;
	}
	if (!last)
		info->l4_off = (uint16_t)p->off;
	return DROP_NONE;
}

enum drop_reason
parse_ip6(struct parse *p)
{
	uint8_t buf[sizeof(struct rte_ipv6_hdr)];
	const uint8_t *h = parse_read(p, p->off, sizeof(buf), buf);
	struct pkt_info *info = p->info;
	uint32_t total;

	if (h == NULL)
		return DROP_IP6_SHORT;
	if (h[0] >> 4 != 6)
		return DROP_IP6_VERSION;
	/*
	 * A jumbogram (RFC 2675) says 0 and fails at its hop-by-hop header: Ethernet carries none.
	 */
	total = (uint32_t)sizeof(struct rte_ipv6_hdr) + parse_be16(h + 4);
	if ((total > p->end - p->off || total > IP_LENGTH_MAX) && !p->quoted)
		return DROP_IP6_LENGTH;
	p->end = RTE_MIN(p->end, p->off + total);

	info->family = 6;
	info->proto = h[6];
	info->l3_off = (uint16_t)p->off;
	info->l3_len = (uint16_t)(p->end - p->off);
	info->payload_off = parse_off16(p->end);
	if (h[7] <= 1)
		info->flags |= PKT_F_TTL | PKT_F_CONTROL;
	p->off += (uint32_t)sizeof(struct rte_ipv6_hdr);
	return parse_extensions(p);
}
