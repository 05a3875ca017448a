/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns of rte_flow -> struct sim_match: the items that are headers. Each is a table of fields that says where in the header
 * vector a field goes; the item's spec and mask are headers, too, and are copied as they are. Called by flow.c and by
 * the queues, under hwf.lock; must not keep anything of the pattern.
 */
#include <errno.h>
#include <string.h>

#include "items.h"

int
items_fail(const struct items *it, int err, enum rte_flow_error_type type, const void *cause,
		const char *text)
{
	return hwf_fail(it->w, it->error, err, type, cause, "%s", text);
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
range(struct items *it, const struct items_one *one, const struct items_field *f, uint32_t to)
{
	const uint64_t mask = number(one->mask + f->at, RTE_MIN(f->len, 8)),
		       low = number(one->spec + f->at, RTE_MIN(f->len, 8)) & mask,
		       high = number(one->last + f->at, RTE_MIN(f->len, 8)) & mask;
	struct sim_match *m = it->match;

	if (!(f->flags & ITEMS_NUM)) {
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

/* has_vlan and the like, of a mask or spec: where compilers put bit fields is their own business. */
static bool
bit(const struct items_one *one, const uint8_t *header)
{
	if (one->item->type == RTE_FLOW_ITEM_TYPE_ETH)
		return ((const struct rte_flow_item_eth *)(const void *)header)->has_vlan;
	return ((const struct rte_flow_item_vlan *)(const void *)header)->has_more_vlan;
}

/* A layer's bit that is there or is not. */
static int
field_bit(struct items *it, const struct items_one *one, const struct items_field *f)
{
	if (!bit(one, one->mask))
		return 0;
	/* has_more_vlan of the second tag. */
	if (it->vlans == 2)
		return bit(one, one->spec) ? items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_SPEC,
							     one->item->spec,
							     "has_more_vlan: two tags are parsed")
					   : 0;
	it->match->mask.layers[it->level] |= f->to;
	if (bit(one, one->spec))
		it->match->value.layers[it->level] |= f->to;
	return 0;
}

static int
field_add(struct items *it, const struct items_one *one, const struct items_field *f, uint32_t to)
{
	uint8_t *value = (uint8_t *)&it->match->value + to,
		*mask = (uint8_t *)&it->match->mask + to;
	uint32_t i;
	int rc;

	if (f->flags & ITEMS_BIT)
		return field_bit(it, one, f);
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
place(struct items *it, const struct items_header *h, const struct rte_flow_item *item)
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
carried(struct items *it, const struct items_header *h, const struct rte_flow_item *item)
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
header_add(struct items *it, const struct items_header *h, const struct rte_flow_item *item)
{
	static const uint8_t nothing[64] __rte_aligned(8);
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
		if (it->vlans == 2 && h->stage == ITEMS_VLAN)
			to += 4;
		rc = field_add(it, &one, &h->field[i], to);
		if (rc != 0)
			return rc;
	}
	return h->type == RTE_FLOW_ITEM_TYPE_IPV6 ? ipv6_extensions(it, &one) : 0;
}

static int
item_add(struct items *it, const struct rte_flow_item *item)
{
	const struct items_header *h;
	int rc;

	if (item->spec == NULL && !it->w->template) {
		if (item->last != NULL)
			return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_LAST, item->last,
					"last without spec");
		if (item->mask != NULL)
			return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_MASK, item->mask,
					"mask without spec");
	}
	h = items_header(item->type);
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
		if (i == HWF_ITEMS_MAX)
			return items_fail(&it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_NUM, pattern,
					"more items than any packet has headers");
		rc = item_add(&it, &pattern[i]);
		if (rc != 0)
			return rc;
	}
	if (!w->attr->transfer || it.said_port)
		return 0;
	/* The port would be inverted, too: the rule would see what is other ports'. */
	if (match->invert)
		return items_fail(&it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, pattern,
				"INVERT in a transfer rule that names no port");
	items_own_port(&it);
	return 0;
}
