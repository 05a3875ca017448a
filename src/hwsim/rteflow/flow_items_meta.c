/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns of rte_flow -> struct sim_match: the items that are no headers: ports, what earlier rules left (MARK, META, TAG, the
 * meter's colour, the connection's state), and what the parser found out (INTEGRITY). They may stand anywhere in a
 * pattern. Called by flow_items.c.
 */
#include <errno.h>
#include <string.h>

#include "items.h"

/* Words of the vector that are numbers of the host, not bytes of a packet. */
static void
word(uint32_t *value, uint32_t *mask, uint32_t spec, uint32_t bits)
{
	*mask |= bits;
	*value |= spec & bits;
}

/* A port item in spec and mask; *any: of all ports. */
static int
port_item(struct items *it, const struct rte_flow_item *item, bool host)
{
	const bool old = item->type == RTE_FLOW_ITEM_TYPE_PORT_ID;
	const uint32_t all = old ? UINT32_MAX : UINT16_MAX;
	uint32_t id, mask = all;
	int port;

	if (!it->w->attr->transfer)
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"port items are for transfer rules");
	if (it->said_port)
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"the pattern has a port already");
	it->said_port = true;
	it->match->mask.from_host = 0xff;
	it->match->value.from_host = host;
	if (item->mask != NULL)
		mask = old ? ((const struct rte_flow_item_port_id *)item->mask)->id
			   : ((const struct rte_flow_item_ethdev *)item->mask)->port_id;
	if (mask != 0 && mask != all)
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK, item->mask,
				"a port's number is matched as a whole or not at all");
	if (mask == 0 || (item->spec == NULL && !it->w->template))
		return 0;
	it->match->mask.port = UINT16_MAX;
	if (item->spec == NULL)
		return 0;
	id = old ? ((const struct rte_flow_item_port_id *)item->spec)->id
		 : ((const struct rte_flow_item_ethdev *)item->spec)->port_id;
	port = id > UINT16_MAX ? -1 : it->w->h->env->port_of(it->w->h->ctx, id);
	if (port < 0)
		return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, item->spec,
				"port %u is not one of this NIC", id);
	it->match->value.port = port;
	return 0;
}

void
items_own_port(struct items *it)
{
	it->match->mask.from_host = 0xff;
	it->match->mask.port = UINT16_MAX;
	it->match->value.port = it->w->port;
}

static int
mark(struct items *it, const struct rte_flow_item *item)
{
	const struct rte_flow_item_mark *spec = item->spec, *mask = item->mask;

	word(&it->match->value.mark, &it->match->mask.mark, spec != NULL ? spec->id : 0,
			mask != NULL ? mask->id : UINT32_MAX);
	return 0;
}

static int
meta(struct items *it, const struct rte_flow_item *item)
{
	const struct rte_flow_item_meta *spec = item->spec, *mask = item->mask;

	word(&it->match->value.meta, &it->match->mask.meta, spec != NULL ? spec->data : 0,
			mask != NULL ? mask->data : UINT32_MAX);
	return 0;
}

static int
tag(struct items *it, const struct rte_flow_item *item)
{
	const struct rte_flow_item_tag *spec = item->spec, *mask = item->mask;

	if (spec == NULL)
		return 0;
	if (mask != NULL && mask->index != 0 && mask->index != UINT8_MAX)
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_MASK, mask,
				"a tag's index is no value that can be masked");
	if (spec->index >= SIM_TAGS)
		return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, spec,
				"tag %u: there are %d", spec->index, SIM_TAGS);
	if (it->metas & 1u << spec->index)
		return hwf_fail(it->w, it->error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"the pattern has tag %u already", spec->index);
	it->metas |= 1u << spec->index;
	word(&it->match->value.tag[spec->index], &it->match->mask.tag[spec->index], spec->data,
			mask != NULL ? mask->data : UINT32_MAX);
	return 0;
}

static int
integrity(struct items *it, const struct rte_flow_item *item)
{
	const struct rte_flow_item_integrity *spec = item->spec, *mask = item->mask;
	uint64_t bits;
	uint32_t level;

	if (spec == NULL && mask == NULL)
		return 0;
	/* Levels as those of RSS: 0 and 1 are the outermost header, 2 the one within. */
	level = spec != NULL ? spec->level : mask->level;
	if (level > 2)
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, item->spec,
				"INTEGRITY: levels are 0 and 1 (outer) and 2 (inner)");
	level = level == 2;
	if (it->metas & 1u << (SIM_TAGS + level))
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"the pattern has INTEGRITY of this level already");
	it->metas |= 1u << (SIM_TAGS + level);
	bits = mask != NULL ? mask->value : rte_flow_item_integrity_mask.value;
	/* Of the default mask, which has all bits set, the reserved ones are meant by nobody. */
	if (mask != NULL && bits != UINT64_MAX && bits > UINT8_MAX)
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK, mask,
				"INTEGRITY: reserved bits are set");
	it->match->mask.integrity[level] = bits;
	it->match->value.integrity[level] = spec != NULL ? spec->value & bits : 0;
	return 0;
}

static int
conntrack(struct items *it, const struct rte_flow_item *item)
{
	const struct rte_flow_item_conntrack *spec = item->spec, *mask = item->mask;
	const uint32_t all = SIM_CT_VALID | SIM_CT_CHANGED | SIM_CT_INVALID | SIM_CT_DISABLED |
			SIM_CT_BAD;
	uint32_t bits = mask != NULL ? mask->flags : UINT32_MAX,
		 flags = spec != NULL ? spec->flags : 0;

	if (flags & bits & ~all)
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, spec,
				"CONNTRACK: no such state");
	if (it->w->h->profile->objects_ct_group0 == 0 && it->w->attr->group == 0)
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"CONNTRACK is not looked at in group 0");
	/*
	 * With all bits in the mask, as it is by default, those of the spec are asked for and the others left open, as mlx5 does:
	 * a packet that closes a connection is VALID and CHANGED, and VALID is to match it. No bits: no CONNTRACK action yet.
	 */
	if ((bits & all) == all && (flags & all) != 0)
		bits = flags;
	it->match->mask.ct = bits & all;
	it->match->value.ct = flags & bits;
	return 0;
}

static int
color(struct items *it, const struct rte_flow_item *item)
{
	const struct rte_flow_item_meter_color *spec = item->spec, *mask = item->mask;

	if (mask != NULL && mask->color == 0)
		return 0;
	if (spec == NULL && !it->w->template)
		return 0;
	if (mask != NULL && (mask->color & RTE_COLORS) != RTE_COLORS)
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK, mask,
				"a colour is matched as a whole or not at all");
	if (spec != NULL && (unsigned int)spec->color >= RTE_COLORS)
		return items_fail(
				it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, spec, "no such colour");
	it->match->mask.color = 0xff;
	it->match->value.color = spec != NULL ? spec->color + 1 : 0;
	return 0;
}

/* Tunnel offload's private item puts the rule into a group of the tunnel (hwf_rule_add()): only packets of it are there. */
static int
tunnel(struct items *it, const struct rte_flow_item *item)
{
	if (it->w->tunnel == NULL || item->spec != it->w->tunnel)
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"not an item of rte_flow_tunnel_match(), or released already");
	return 0;
}

/* Items that are there at most once: a second one would be ORed into the first. */
static int
once(struct items *it, const struct rte_flow_item *item, uint32_t bit)
{
	const uint32_t seen = it->metas & bit;

	it->metas |= bit;
	if (seen)
		return items_fail(it, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"the pattern has an item of this type already");
	return 0;
}

static const struct {
	enum rte_flow_item_type type;
	bool once;
	int (*add)(struct items *it, const struct rte_flow_item *item);
} metas[] = {
	{ RTE_FLOW_ITEM_TYPE_MARK, true, mark },
	{ RTE_FLOW_ITEM_TYPE_META, true, meta },
	{ RTE_FLOW_ITEM_TYPE_TAG, false, tag },
	{ RTE_FLOW_ITEM_TYPE_INTEGRITY, false, integrity },
	{ RTE_FLOW_ITEM_TYPE_CONNTRACK, true, conntrack },
	{ RTE_FLOW_ITEM_TYPE_METER_COLOR, true, color },
	{ HWF_ITEM_TUNNEL, true, tunnel },
};

int
items_meta(struct items *it, const struct rte_flow_item *item)
{
	unsigned int i;

	/* These have no memory behind them, or none that is looked at. */
	if (item->type == RTE_FLOW_ITEM_TYPE_VOID || item->type == RTE_FLOW_ITEM_TYPE_ANY)
		return 0;
	if (item->type == RTE_FLOW_ITEM_TYPE_INVERT) {
		it->match->invert = true;
		return once(it, item, 1u << 31);
	}
	if (item->type == RTE_FLOW_ITEM_TYPE_RAW)
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"RAW: the card matches headers, not bytes at an offset");
	if (item->last != NULL)
		return items_fail(it, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST, item->last,
				"no range of what is no header");
	switch (item->type) {
	case RTE_FLOW_ITEM_TYPE_PORT_ID:
	case RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT:
		return port_item(it, item, false);
	case RTE_FLOW_ITEM_TYPE_PORT_REPRESENTOR:
		return port_item(it, item, true);
	default:
		break;
	}
	for (i = 0; i < RTE_DIM(metas); i++) {
		if (metas[i].type != item->type)
			continue;
		if (metas[i].once && once(it, item, 1u << (16 + i)) != 0)
			return -EINVAL;
		if (item->spec == NULL && !it->w->template)
			return 0;
		return metas[i].add(it, item);
	}
	return -ENOENT;
}
