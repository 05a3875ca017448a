/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of the parser. The input is 8 bytes that choose parameters, NIC flags and segment
 * sizes, then the frame. Segments are allocations of exactly their size, so that a read beyond one
 * is seen. What must hold: no such read; fast and complete parser agree; segmentation changes
 * nothing; offsets stay in order.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "fuzz.h"
#include "parse.h"

#define CHOICES 8
#define FRAME_MAX 70000

#define CHECK(x) \
	do { \
		if (!(x)) \
			abort(); \
	} while (0)

static struct rte_mbuf *
segment(const uint8_t *data, size_t len)
{
	struct rte_mbuf *m = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*m));

	CHECK(m != NULL);
	memset(m, 0, sizeof(*m));
	m->buf_addr = malloc(len);
	if (len > 0)
		memcpy(m->buf_addr, data, len);
	m->buf_len = (uint16_t)len;
	m->data_len = (uint16_t)len;
	m->nb_segs = 1;
	rte_mbuf_refcnt_set(m, 1);
	return m;
}

/* First segment of `first` bytes, the others of `rest`; 0 = as much as fits. */
static struct rte_mbuf *
chain(const uint8_t *data, size_t len, size_t first, size_t rest)
{
	struct rte_mbuf *head = NULL, **next = &head;
	size_t off = 0, step = first;

	do {
		size_t n = RTE_MIN(len - off,
				RTE_MIN(step != 0 ? step : UINT16_MAX, (size_t)UINT16_MAX));

		*next = segment(data + off, n);
		if (*next != head)
			head->nb_segs++;
		next = &(*next)->next;
		off += n;
		step = rest;
	} while (off < len);
	head->pkt_len = (uint32_t)len;
	return head;
}

static void
free_chain(struct rte_mbuf *m)
{
	while (m != NULL) {
		struct rte_mbuf *next = m->next;

		free(m->buf_addr);
		free(m);
		m = next;
	}
}

/* What nobody who uses the parser checks again. */
static void
check_info(const struct pkt_info *info, const struct flow_key *key, uint32_t len)
{
	const uint32_t end = info->l3_off + info->l3_len;

	CHECK((info->reason != 0) == ((info->flags & (PKT_F_DROP | PKT_F_INVALID)) != 0));
	CHECK((info->flags & PKT_F_INVALID) == 0 || (info->flags & PKT_F_CONTROL) != 0);
	CHECK(key->family == 0 || key->family == info->family);
	if (info->flags & PKT_F_DROP) {
		CHECK(key->family == 0);
		return;
	}
	/* Offsets are 16 bits wide; only the end of a packet without payload in view may lie beyond. */
	CHECK(end <= len && info->l3_off <= 22 && info->payload_off <= end);
	CHECK(info->l4_off == 0 ||
			(info->l4_off > info->l3_off && info->l4_off <= info->payload_off));
	CHECK((key->family != 0) ==
			((info->flags &
					 (PKT_F_INVALID | PKT_F_ARP | PKT_F_ND | PKT_F_FRAG |
							 PKT_F_ICMP_ERROR)) == 0));
}

/*
 * Bytes of the transport header that a quoted packet's connection is named by. ICMPv6 inside IPv4 is a number like any
 * other, and so the other way round: it has no query whose identifier would name anything.
 */
static uint32_t
named_by(const struct pkt_info *inner)
{
	if (inner->proto == (inner->family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return 8;
	return flow_has_ports(inner->proto) ? 4 : 0;
}

/* Whatever is inside, and the sums over it. */
static void
look_inside(const struct rte_mbuf *m, struct pkt_info info)
{
	const uint32_t end = info.l3_off + info.l3_len;
	struct parse_tunnel tunnel;
	struct flow_tuple tuple;
	struct pkt_info inner;

	if (info.flags & PKT_F_ICMP_ERROR &&
			parse_icmp_inner(m, &info, 1, &inner, &tuple) == DROP_NONE) {
		CHECK(inner.l3_off == info.payload_off && inner.l3_off + inner.l3_len <= end);
		CHECK(inner.l4_off >= inner.l3_off + 20 && inner.l4_off + named_by(&inner) <= end);
		CHECK(tuple.key.family == info.family);
	}
	if (parse_tunnel(m, &info, &tunnel))
		CHECK(tunnel.inner_off + tunnel.inner_len <= end);
	parse_l4_checksum(m, &info);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rte_ether_addr mac = { { 0x02, 0, 0, 0, 0, 0x01 } };
	struct pkt_info info, split, fast;
	struct flow_key key, split_key, fast_key;
	struct parse_params pp = { .mac = mac };
	struct rte_mbuf *whole, *pieces;
	static struct pkt_burst b;

	if (size < CHOICES || size > FRAME_MAX)
		return 0;
	pp.promiscuous = data[0] & 1;
	pp.forward_multicast = data[0] >> 1 & 1;
	pp.sum = cksum_sum_best();
	pp.verify_l4 = data[0] >> 2 & 1;
	pp.zone = data[1];
	pp.hasher = flow_hasher_make(
			data[1] & 1 ? FLOW_HASH_SIPHASH : FLOW_HASH_CRC32C, data[1], NULL);
	whole = chain(data + CHOICES, size - CHOICES, 0, 0);
	pieces = chain(data + CHOICES, size - CHOICES, data[2], 1 + data[3]);
	/* IP and L4 verdicts, VLAN and QinQ stripping: some of everything. */
	whole->ol_flags = (data[4] & 1 ? RTE_MBUF_F_RX_IP_CKSUM_GOOD : 0) |
			(data[4] & 2 ? RTE_MBUF_F_RX_IP_CKSUM_BAD : 0) |
			(data[4] & 4 ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : 0) |
			(data[4] & 8 ? RTE_MBUF_F_RX_L4_CKSUM_BAD : 0) |
			((data[4] & 0x30) == 0x30 ? RTE_MBUF_F_RX_VLAN_STRIPPED : 0);
	whole->vlan_tci = data[5];
	pieces->ol_flags = whole->ol_flags;
	pieces->vlan_tci = whole->vlan_tci;

	parse_one(whole, &pp, &info, &key);
	parse_one(pieces, &pp, &split, &split_key);
	CHECK(memcmp(&info, &split, sizeof(info)) == 0);
	CHECK(memcmp(&key, &split_key, sizeof(key)) == 0);
	check_info(&info, &key, whole->pkt_len);
	if (parse_plain(whole, &pp, &fast, &fast_key)) {
		CHECK(memcmp(&info, &fast, sizeof(info)) == 0);
		CHECK(memcmp(&key, &fast_key, sizeof(key)) == 0);
	}
	look_inside(whole, info);
	look_inside(pieces, info);

	b.n = 2;
	b.mbuf[0] = whole;
	b.mbuf[1] = pieces;
	parse_burst(&b, &pp);
	/* Nothing of this can be joined: there is no room behind the first segment. */
	for (unsigned int i = 0; i < b.n; i++) {
		CHECK(memcmp(&info, &b.info[i], sizeof(info)) == 0 ||
				b.info[i].reason == DROP_HDR_SPLIT);
		CHECK(b.hash[i] == (b.key[i].family ? flow_hasher_hash(&pp.hasher, &b.key[i]) : 0));
	}
	free_chain(whole);
	free_chain(pieces);
	return 0;
}
