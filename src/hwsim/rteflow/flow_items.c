/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns of rte_flow -> struct sim_match: the items that are headers. Each is a table of fields that says where in the header
 * vector a field goes; the item's spec and mask are headers, too, and are copied as they are. Called by flow.c and by
 * the queues, under hwf.lock; must not keep anything of the pattern.
 */
#include <errno.h>
#include <string.h>

#include "items.h"

/* The most items that are looked at: an END that is missing is found before long. */
#define ITEMS_MAX 48

enum {
	F_NUM = 1,  /* a number: `last` may make it a range */
	F_BIT = 2,  /* `to` is a layer's bit, which the first bit of the field asks for */
	F_NONE = 4, /* the vector does not have it: a mask with bits in it is refused */
};

struct field {
	uint8_t at, len; /* in the item's struct */
	uint8_t flags;
	uint32_t to; /* in struct sim_phv, of the outer level */
	const char *name;
};

#define FIELDS_MAX 12

struct header {
	enum rte_flow_item_type type;
	uint8_t stage;
	uint8_t fields;
	uint32_t layers;  /* bits that it demands */
	const void *mask; /* default */
	const char *name;
	struct field field[FIELDS_MAX];
};

#define ETH(off) (offsetof(struct sim_phv, level[0].eth) + (off))
#define TAG(off) (offsetof(struct sim_phv, level[0].vlan) + (off))
#define IP(off) (offsetof(struct sim_phv, level[0].ip) + (off))
#define IP4(off) (offsetof(struct sim_phv, level[0].ip) + SIM_IP4_AT + (off))
#define FRAG(off) (offsetof(struct sim_phv, level[0].frag6) + (off))
#define L4(off) (offsetof(struct sim_phv, level[0].l4) + (off))
#define TUN(off) (offsetof(struct sim_phv, tunnel) + (off))

#define ARP(member) offsetof(struct rte_flow_item_arp_eth_ipv4, member)

/* VXLAN, GENEVE and GTP-U have the tunnel's number at the same place or one word on: RFC 7348, RFC 8926, TS 29.281. */
#define GTP(item) \
	{ \
		item, ITEMS_TUNNEL, 4, SIM_L_GTPU, &rte_flow_item_gtp_mask, "GTP", \
		{ \
			{ 0, 1, F_NUM, TUN(0), "flags" }, { 1, 1, F_NUM, TUN(1), "message type" }, \
					{ 2, 2, F_NUM, TUN(2), "length" }, \
					{ 4, 4, F_NUM, TUN(4), "TEID" }, \
		} \
	}

/* A key that is there: 4 bytes, all of them. */
static const rte_be32_t gre_key_mask = RTE_BE32(UINT32_MAX);
static const struct rte_flow_item_ipv6_frag_ext frag_ext_mask = { .hdr = { .next_header = 0 } };

static const struct header headers[] = {
	{ RTE_FLOW_ITEM_TYPE_ETH, ITEMS_L2, 4, SIM_L_ETH, &rte_flow_item_eth_mask, "ETH",
			{
					{ 0, 6, 0, ETH(0), "dst" },
					{ 6, 6, 0, ETH(6), "src" },
					{ 12, 2, F_NUM, ETH(12), "type" },
					{ 16, 1, F_BIT, SIM_L_VLAN, "has_vlan" },
			} },
	{ RTE_FLOW_ITEM_TYPE_VLAN, ITEMS_VLAN, 3, SIM_L_VLAN, &rte_flow_item_vlan_mask, "VLAN",
			{
					{ 0, 2, F_NUM, TAG(0), "tci" },
					{ 2, 2, F_NUM, TAG(2), "inner_type" },
					{ 4, 1, F_BIT, SIM_L_QINQ, "has_more_vlan" },
			} },
	{ RTE_FLOW_ITEM_TYPE_IPV4, ITEMS_L3, 10, SIM_L_IPV4, &rte_flow_item_ipv4_mask, "IPV4",
			{
					{ 0, 1, F_NUM, IP4(0), "version_ihl" },
					{ 1, 1, F_NUM, IP4(1), "type_of_service" },
					{ 2, 2, F_NUM, IP4(2), "total_length" },
					{ 4, 2, F_NUM, IP4(4), "packet_id" },
					{ 6, 2, F_NUM, IP4(6), "fragment_offset" },
					{ 8, 1, F_NUM, IP4(8), "time_to_live" },
					{ 9, 1, F_NUM, IP4(9), "next_proto_id" },
					{ 10, 2, F_NUM, IP4(10), "hdr_checksum" },
					{ 12, 4, F_NUM, IP4(12), "src_addr" },
					{ 16, 4, F_NUM, IP4(16), "dst_addr" },
			} },
	{ RTE_FLOW_ITEM_TYPE_IPV6, ITEMS_L3, 6, SIM_L_IPV6, &rte_flow_item_ipv6_mask, "IPV6",
			{
					{ 0, 4, F_NUM, IP(0), "vtc_flow" },
					{ 4, 2, F_NUM, IP(4), "payload_len" },
					{ 6, 1, F_NUM, IP(6), "proto" },
					{ 7, 1, F_NUM, IP(7), "hop_limits" },
					{ 8, 16, 0, IP(8), "src_addr" },
					{ 24, 16, 0, IP(24), "dst_addr" },
			} },
	{ RTE_FLOW_ITEM_TYPE_IPV6_FRAG_EXT, ITEMS_L3_EXT, 4, SIM_L_IPV6 | SIM_L_FRAG6,
			&frag_ext_mask, "IPV6_FRAG_EXT",
			{
					{ 0, 1, F_NUM, FRAG(0), "next_header" },
					{ 1, 1, F_NUM, FRAG(1), "reserved" },
					{ 2, 2, F_NUM, FRAG(2), "frag_data" },
					{ 4, 4, F_NUM, FRAG(4), "id" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ARP_ETH_IPV4, ITEMS_L3, 9, SIM_L_ARP, &rte_flow_item_arp_eth_ipv4_mask,
			"ARP_ETH_IPV4",
			{
					{ ARP(hrd), 2, F_NUM, IP(0), "hrd" },
					{ ARP(pro), 2, F_NUM, IP(2), "pro" },
					{ ARP(hln), 1, F_NUM, IP(4), "hln" },
					{ ARP(pln), 1, F_NUM, IP(5), "pln" },
					{ ARP(op), 2, F_NUM, IP(6), "op" },
					{ ARP(sha), 6, 0, IP(8), "sha" },
					{ ARP(spa), 4, F_NUM, IP(14), "spa" },
					{ ARP(tha), 6, 0, IP(18), "tha" },
					{ ARP(tpa), 4, F_NUM, IP(24), "tpa" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ICMP, ITEMS_L4, 5, SIM_L_ICMP, &rte_flow_item_icmp_mask, "ICMP",
			{
					{ 0, 1, F_NUM, L4(0), "type" },
					{ 1, 1, F_NUM, L4(1), "code" },
					{ 2, 2, F_NUM, L4(2), "checksum" },
					{ 4, 2, F_NUM, L4(4), "ident" },
					{ 6, 2, F_NUM, L4(6), "seq" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ICMP6, ITEMS_L4, 3, SIM_L_ICMP6, &rte_flow_item_icmp6_mask, "ICMP6",
			{
					{ 0, 1, F_NUM, L4(0), "type" },
					{ 1, 1, F_NUM, L4(1), "code" },
					{ 2, 2, F_NUM, L4(2), "checksum" },
			} },
	{ RTE_FLOW_ITEM_TYPE_UDP, ITEMS_L4, 4, SIM_L_UDP, &rte_flow_item_udp_mask, "UDP",
			{
					{ 0, 2, F_NUM, L4(0), "src_port" },
					{ 2, 2, F_NUM, L4(2), "dst_port" },
					{ 4, 2, F_NUM, L4(4), "dgram_len" },
					{ 6, 2, F_NUM, L4(6), "dgram_cksum" },
			} },
	{ RTE_FLOW_ITEM_TYPE_TCP, ITEMS_L4, 9, SIM_L_TCP, &rte_flow_item_tcp_mask, "TCP",
			{
					{ 0, 2, F_NUM, L4(0), "src_port" },
					{ 2, 2, F_NUM, L4(2), "dst_port" },
					{ 4, 4, F_NUM, L4(4), "sent_seq" },
					{ 8, 4, F_NUM, L4(8), "recv_ack" },
					{ 12, 1, F_NUM, L4(12), "data_off" },
					{ 13, 1, F_NUM, L4(13), "tcp_flags" },
					{ 14, 2, F_NUM, L4(14), "rx_win" },
					{ 16, 2, F_NUM, L4(16), "cksum" },
					{ 18, 2, F_NUM, L4(18), "tcp_urp" },
			} },
	{ RTE_FLOW_ITEM_TYPE_SCTP, ITEMS_L4, 4, SIM_L_SCTP, &rte_flow_item_sctp_mask, "SCTP",
			{
					{ 0, 2, F_NUM, L4(0), "src_port" },
					{ 2, 2, F_NUM, L4(2), "dst_port" },
					{ 4, 4, F_NUM, L4(4), "tag" },
					{ 8, 4, F_NUM, L4(8), "cksum" },
			} },
	{ RTE_FLOW_ITEM_TYPE_ESP, ITEMS_L4, 2, SIM_L_ESP, &rte_flow_item_esp_mask, "ESP",
			{
					{ 0, 4, F_NUM, L4(0), "spi" },
					{ 4, 4, F_NUM, L4(4), "seq" },
			} },
	{ RTE_FLOW_ITEM_TYPE_VXLAN, ITEMS_TUNNEL, 4, SIM_L_VXLAN, &rte_flow_item_vxlan_mask,
			"VXLAN",
			{
					{ 0, 1, F_NUM, TUN(0), "flags" },
					{ 1, 3, F_NUM, TUN(1), "rsvd0" },
					{ 4, 3, F_NUM, TUN(4), "vni" },
					{ 7, 1, F_NUM, TUN(7), "rsvd1" },
			} },
	{ RTE_FLOW_ITEM_TYPE_GENEVE, ITEMS_TUNNEL, 4, SIM_L_GENEVE, &rte_flow_item_geneve_mask,
			"GENEVE",
			{
					{ 0, 2, F_NUM, TUN(0), "ver_opt_len_o_c_rsvd0" },
					{ 2, 2, F_NUM, TUN(2), "protocol" },
					{ 4, 3, F_NUM, TUN(4), "vni" },
					{ 7, 1, F_NUM, TUN(7), "rsvd1" },
			} },
	GTP(RTE_FLOW_ITEM_TYPE_GTPU),
	GTP(RTE_FLOW_ITEM_TYPE_GTP),
	{ RTE_FLOW_ITEM_TYPE_GRE, ITEMS_TUNNEL, 2, SIM_L_GRE, &rte_flow_item_gre_mask, "GRE",
			{
					{ 0, 2, F_NUM, TUN(0), "c_rsvd0_ver" },
					{ 2, 2, F_NUM, TUN(2), "protocol" },
			} },
	{ RTE_FLOW_ITEM_TYPE_GRE_KEY, ITEMS_KEY, 1, SIM_L_GRE | SIM_L_GRE_KEY, &gre_key_mask,
			"GRE_KEY",
			{
					{ 0, 4, F_NUM, TUN(8), "key" },
			} },
	{ RTE_FLOW_ITEM_TYPE_NVGRE, ITEMS_TUNNEL, 4, SIM_L_GRE | SIM_L_NVGRE,
			&rte_flow_item_nvgre_mask, "NVGRE",
			{
					{ 0, 2, F_NUM, TUN(0), "c_k_s_rsvd0_ver" },
					{ 2, 2, F_NUM, TUN(2), "protocol" },
					{ 4, 3, F_NUM, TUN(8), "tni" },
					{ 7, 1, F_NUM, TUN(11), "flow_id" },
			} },
};

int
items_fail(const struct items *it, int err, enum rte_flow_error_type type, const void *cause,
		const char *text)
{
	return hwf_fail(it->w, it->error, err, type, cause, "%s", text);
}

static const struct header *
header_of(enum rte_flow_item_type type)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(headers); i++)
		if (headers[i].type == type)
			return &headers[i];
	return NULL;
}

static uint64_t
number(const uint8_t *p, uint32_t len)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < len; i++)
		n = n << 8 | p[i];
	return n;
}

/* `last` of a field: 0 and the spec's own value make no range (rte_flow.h, struct rte_flow_item). 1: it is a range. */
static int
range(struct items *it, const struct items_one *one, const struct field *f, uint32_t to)
{
	const uint64_t mask = number(one->mask + f->at, RTE_MIN(f->len, 8)),
		       low = number(one->spec + f->at, RTE_MIN(f->len, 8)) & mask,
		       high = number(one->last + f->at, RTE_MIN(f->len, 8)) & mask;
	struct sim_match *m = it->match;

	if (!(f->flags & F_NUM)) {
		uint8_t b = 0;
		uint32_t i;

		for (i = 0; i < f->len; i++)
			b |= one->last[f->at + i] & one->mask[f->at + i] &
					(one->last[f->at + i] ^ one->spec[f->at + i]);
		return b == 0 ? 0
			      : hwf_fail(it->w, it->error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST,
						one->item->last, "%s is no number: no range of it",
						f->name);
	}
	if (high == 0 || high == low)
		return 0;
	if (high < low)
		return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_LAST,
				one->item->last, "range of %s ends before it begins", f->name);
	if (m->n_ranges == SIM_RANGES_MAX)
		return hwf_fail(it->w, it->error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST,
				one->item->last, "range of %s: a rule has room for %d ranges",
				f->name, SIM_RANGES_MAX);
	m->range[m->n_ranges++] = (struct sim_range){
		.at = to,
		.width = f->len,
		.low = low,
		.high = high,
		.mask = mask,
	};
	return 1;
}

/* has_vlan and the like: a layer's bit that is there or is not. */
static void
field_bit(struct items *it, const struct items_one *one, const struct field *f)
{
	/* The first bit of a bit field lies lowest on little-endian machines, highest on the others. */
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
	const uint8_t bit = 1;
#else
	const uint8_t bit = 0x80;
#endif

	if (!(one->mask[f->at] & bit))
		return;
	it->match->mask.layers[it->level] |= f->to;
	if (one->spec[f->at] & bit)
		it->match->value.layers[it->level] |= f->to;
}

static int
field_add(struct items *it, const struct items_one *one, const struct field *f, uint32_t to)
{
	uint8_t *value = (uint8_t *)&it->match->value + to,
		*mask = (uint8_t *)&it->match->mask + to;
	uint32_t i;
	int rc;

	if (f->flags & F_BIT) {
		field_bit(it, one, f);
		return 0;
	}
	if (one->last != NULL) {
		rc = range(it, one, f, to);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	for (i = 0; i < f->len; i++) {
		mask[i] |= one->mask[f->at + i];
		value[i] |= one->spec[f->at + i] & one->mask[f->at + i];
	}
	return 0;
}

/* Bits of the IPv6 item that say which extension headers there are: only some are in the vector. */
static int
ipv6_extensions(struct items *it, const struct items_one *one)
{
	const struct rte_flow_item_ipv6 *mask = (const void *)one->mask,
					*spec = (const void *)one->spec;
	struct sim_match *m = it->match;

	if (mask->has_frag_ext) {
		m->mask.layers[it->level] |= SIM_L_FRAG6;
		if (spec->has_frag_ext)
			m->value.layers[it->level] |= SIM_L_FRAG6;
	}
	if (mask->has_esp_ext) {
		m->mask.layers[it->level] |= SIM_L_ESP;
		if (spec->has_esp_ext)
			m->value.layers[it->level] |= SIM_L_ESP;
	}
	if (!(mask->has_hop_ext || mask->has_route_ext || mask->has_auth_ext ||
			    mask->has_dest_ext || mask->has_mobil_ext || mask->has_hip_ext ||
			    mask->has_shim6_ext))
		return 0;
	/* The vector has one bit for all of the others: it can say that there are none. */
	if (mask->has_hop_ext && mask->has_route_ext && mask->has_auth_ext && mask->has_dest_ext &&
			mask->has_mobil_ext && mask->has_hip_ext && mask->has_shim6_ext &&
			!(spec->has_hop_ext || spec->has_route_ext || spec->has_auth_ext ||
					spec->has_dest_ext || spec->has_mobil_ext ||
					spec->has_hip_ext || spec->has_shim6_ext)) {
		m->mask.layers[it->level] |= SIM_L_IP_OPT;
		return 0;
	}
	return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK, one->item->mask,
			"IPV6: of has_*_ext, only frag and esp can be told apart; the others only "
			"all together, as not there");
}

/* May this header stand here? Goes over to the inner level behind a tunnel. */
static int
place(struct items *it, const struct header *h, const struct rte_flow_item *item)
{
	const uint32_t l3 = SIM_L_IPV4 | SIM_L_IPV6;
	uint32_t seen;

	/* Behind a tunnel, or IP in IP (RFC 2003), all begins again. */
	if (it->level == 0 && h->stage <= ITEMS_L4 &&
			(it->stage >= ITEMS_TUNNEL ||
					(h->layers & l3 && h->stage == ITEMS_L3 &&
							it->layers[0] & l3 &&
							it->stage <= ITEMS_L3_EXT))) {
		it->level = 1;
		it->stage = ITEMS_ANYWHERE;
		it->vlans = 0;
	}
	seen = it->layers[it->level];
	if (h->stage >= ITEMS_TUNNEL && it->level == 1)
		return hwf_fail(it->w, it->error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"%s within a tunnel: two levels are told apart, outer and inner",
				h->name);
	if (h->type == RTE_FLOW_ITEM_TYPE_VLAN && it->stage == ITEMS_VLAN) {
		if (it->vlans < 2)
			return 0;
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"a third VLAN: two tags are parsed");
	}
	if (h->stage == ITEMS_KEY && !(seen & SIM_L_GRE))
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"GRE_KEY must follow GRE");
	if (h->stage == it->stage || (seen & h->layers) == h->layers)
		return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"%s: the pattern has a header of this layer already", h->name);
	if (h->stage < it->stage)
		return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"%s must stand before the header in front of it", h->name);
	return 0;
}

/* What carries what. Headers that are not in the pattern are free. */
static int
carried(struct items *it, const struct header *h, const struct rte_flow_item *item)
{
	static const struct {
		uint32_t header, below; /* `header` is not carried by `below` */
	} never[] = {
		{ SIM_L_ICMP, SIM_L_IPV6 },
		{ SIM_L_ICMP6, SIM_L_IPV4 },
		{ SIM_L_FRAG6, SIM_L_IPV4 | SIM_L_ARP },
		{ SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP | SIM_L_ICMP | SIM_L_ICMP6 | SIM_L_ESP,
				SIM_L_ARP },
		{ SIM_L_VXLAN | SIM_L_GENEVE | SIM_L_GTPU,
				SIM_L_TCP | SIM_L_SCTP | SIM_L_ICMP | SIM_L_ICMP6 | SIM_L_ESP |
						SIM_L_ARP },
		{ SIM_L_GRE,
				SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP | SIM_L_ICMP | SIM_L_ICMP6 |
						SIM_L_ESP | SIM_L_ARP },
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(never); i++)
		if (h->layers & never[i].header && it->layers[it->level] & never[i].below)
			return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
					"%s is not carried by the header in front of it", h->name);
	return 0;
}

static int
header_add(struct items *it, const struct header *h, const struct rte_flow_item *item)
{
	static const uint8_t nothing[64];
	struct items_one one = {
		.item = item,
		.spec = item->spec,
		.last = item->last,
		.mask = item->mask != NULL ? item->mask : h->mask,
	};
	uint32_t i, to, layers = h->layers;
	int rc = place(it, h, item);

	if (rc == 0)
		rc = carried(it, h, item);
	if (rc != 0)
		return rc;
	it->stage = h->stage;
	if (h->type == RTE_FLOW_ITEM_TYPE_VLAN && it->vlans++ == 1)
		layers |= SIM_L_QINQ;
	if (it->match->mask.layers[it->level] & ~it->match->value.layers[it->level] & layers)
		return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"%s: an item in front says that there is none", h->name);
	it->layers[it->level] |= layers;
	it->match->mask.layers[it->level] |= layers;
	it->match->value.layers[it->level] |= layers;
	if (one.spec == NULL) {
		if (!it->w->template)
			return 0;
		/* A template's masks say which fields rules will give. */
		one.spec = nothing;
		one.last = NULL;
	}
	for (i = 0; i < h->fields; i++) {
		to = h->field[i].to;
		if (h->stage < ITEMS_TUNNEL)
			to += it->level * sizeof(struct sim_level);
		if (it->vlans == 2 && h->stage == ITEMS_VLAN) {
			to += 4;
			/* has_more_vlan of the second tag: there is no room for a third. */
			if (h->field[i].flags & F_BIT) {
				if (one.mask[4] & 1 && one.spec[4] & 1)
					return items_fail(it, ENOTSUP,
							RTE_FLOW_ERROR_TYPE_ITEM_SPEC, item->spec,
							"has_more_vlan: two tags are parsed");
				continue;
			}
		}
		rc = field_add(it, &one, &h->field[i], to);
		if (rc != 0)
			return rc;
	}
	return h->type == RTE_FLOW_ITEM_TYPE_IPV6 ? ipv6_extensions(it, &one) : 0;
}

static int
item_add(struct items *it, const struct rte_flow_item *item)
{
	const struct header *h;
	int rc;

	if (item->spec == NULL && !it->w->template) {
		if (item->last != NULL)
			return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_LAST, item->last,
					"last without spec");
		if (item->mask != NULL)
			return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_MASK, item->mask,
					"mask without spec");
	}
	h = header_of(item->type);
	if (h != NULL)
		return header_add(it, h, item);
	rc = items_meta(it, item);
	if (rc != -ENOENT)
		return rc;
	return hwf_fail(it->w, it->error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item,
			"item type %d is not supported", (int)item->type);
}

int
hwf_match(const struct hwf_where *w, const struct rte_flow_item *pattern, struct sim_match *match,
		struct rte_flow_error *error)
{
	struct items it = { .w = w, .match = match, .error = error };
	uint32_t i;
	int rc;

	if (pattern == NULL)
		return items_fail(&it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_NUM, NULL, "no pattern");
	memset(match, 0, sizeof(*match));
	for (i = 0; pattern[i].type != RTE_FLOW_ITEM_TYPE_END; i++) {
		if (i == ITEMS_MAX)
			return items_fail(&it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_NUM, pattern,
					"more than 48 items");
		rc = item_add(&it, &pattern[i]);
		if (rc != 0)
			return rc;
	}
	if (w->attr->transfer && !it.said_port)
		items_own_port(&it);
	return 0;
}
