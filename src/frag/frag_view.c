/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a fragment says of itself. The parser has seen it, yet every length is checked again here: what is read decides
 * where bytes are cut. Control lcore; only reads.
 */
#include <string.h>

#include <netinet/in.h>

#include <rte_ip.h>

#include "frag_priv.h"

#define EXTENSIONS_MAX 16 /* more than the parser lets pass */

/* RFC 791 3.1. */
static bool
view4(const uint8_t *ip, struct frag_view *v)
{
	uint32_t header = (ip[0] & 0x0fu) * 4, field = frag_be16(ip + 6);

	if (ip[0] >> 4 != 4 || header < sizeof(struct rte_ipv4_hdr) || header > v->l3_len)
		return false;
	v->key.proto = ip[9];
	v->key.id = (uint32_t)(ip[4] << 8 | ip[5]);
	memcpy(v->key.src.b, ip + 12, 4);
	memcpy(v->key.dst.b, ip + 16, 4);
	v->payload = (uint16_t)(v->l3_off + header);
	v->offset = (field & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS;
	v->more = (field & RTE_IPV4_HDR_MF_FLAG) != 0;
	v->df = (field & RTE_IPV4_HDR_DF_FLAG) != 0;
	v->ecn = ip[1] & 3;
	return v->more || v->offset != 0;
}

static uint32_t
extension_len(uint8_t kind, const uint8_t *h)
{
	return kind == IPPROTO_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
}

/* Find the fragment header: RFC 8200 4.1 and 4.5. `in_view` bytes lie in the first segment. */
static bool
view6(const uint8_t *ip, uint32_t in_view, struct frag_view *v)
{
	uint32_t at = sizeof(struct rte_ipv6_hdr), names = 6, field;

	if (ip[0] >> 4 != 6)
		return false;
	for (unsigned int i = 0; ip[names] != IPPROTO_FRAGMENT; i++) {
		uint8_t kind = ip[names];

		if (i == EXTENSIONS_MAX || at + FRAG_HEADER6_LEN > in_view)
			return false;
		if (kind != IPPROTO_HOPOPTS && kind != IPPROTO_ROUTING && kind != IPPROTO_DSTOPTS &&
				kind != IPPROTO_AH)
			return false;
		names = at;
		at += extension_len(kind, ip + at);
	}
	if (at + FRAG_HEADER6_LEN > in_view)
		return false;
	field = frag_be16(ip + at + 2);
	memcpy(&v->key.id, ip + at + 4, sizeof(v->key.id));
	memcpy(v->key.src.b, ip + 8, 16);
	memcpy(v->key.dst.b, ip + 24, 16);
	v->header = (uint16_t)(v->l3_off + at);
	v->names = (uint16_t)(v->l3_off + names);
	v->payload = v->header + FRAG_HEADER6_LEN;
	v->offset = field & 0xfff8;
	v->more = (field & 1) != 0;
	v->df = true; /* no router may cut it */
	v->ecn = ip[1] >> 4 & 3;
	return v->more || v->offset != 0;
}

bool
frag_view(struct rte_mbuf *m, uint16_t zone, struct frag_view *v)
{
	const struct pkt_info *info = &pkt_meta(m)->info;
	const uint32_t min = info->family == 4 ? sizeof(struct rte_ipv4_hdr)
					       : sizeof(struct rte_ipv6_hdr);
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, info->l3_off);
	uint32_t in_view;
	bool good;

	*v = (struct frag_view){
		.key = { .family = info->family, .zone = zone },
		.l3_off = info->l3_off,
		.l3_len = info->l3_len,
	};
	if ((info->family != 4 && info->family != 6) || info->l3_off < RTE_ETHER_HDR_LEN ||
			(uint32_t)info->l3_off + info->l3_len > m->pkt_len || info->l3_len < min ||
			info->l3_off + min > m->data_len)
		return false;
	in_view = RTE_MIN((uint32_t)info->l3_len, (uint32_t)m->data_len - info->l3_off);
	good = info->family == 4 ? view4(ip, v) : view6(ip, in_view, v);
	if (!good || v->payload > info->l3_off + in_view)
		return false;
	v->len = (uint32_t)info->l3_off + info->l3_len - v->payload;
	return true;
}
