/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of actions of rte_flow -> struct sim_action: what writes fields. SET_*, DEC_TTL, INC_TCP_SEQ and the like are a table
 * over MODIFY_FIELD's own translation. Called by flow_actions.c.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>

#include "actions.h"

/* One field written; the caller fills the source in. NULL: no room, the error is set. */
static struct sim_modify *
modify_add(struct actions *a, enum sim_op op, enum sim_field dst)
{
	struct sim_action *s = actions_add(a, SIM_A_MODIFY);
	struct sim_modify *m;

	if (s == NULL)
		return NULL;
	m = &a->out->modify[a->out->n_modify++];
	*m = (struct sim_modify){
		.op = op,
		.dst = dst,
		.src = SIM_F_VALUE,
		.bits = sim_field_bits(dst),
	};
	s->modify = m;
	return m;
}

/* `len` bytes in network order, right-aligned as the model has them. */
static void
value_set(struct sim_modify *m, const void *bytes, uint32_t len)
{
	memcpy(m->value + sizeof(m->value) - len, bytes, len);
}

/* --- actions that are one field and one value --- */

static const struct set {
	enum rte_flow_action_type type;
	uint8_t op, dst; /* enum sim_op, enum sim_field */
	uint8_t len;	 /* bytes of the conf, which are the value; 0: none, the value is 1 */
	uint16_t max;	 /* of one byte: the largest value that fits */
} sets[] = {
	{ RTE_FLOW_ACTION_TYPE_SET_MAC_SRC, SIM_OP_SET, SIM_F_MAC_SRC, 6, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_MAC_DST, SIM_OP_SET, SIM_F_MAC_DST, 6, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC, SIM_OP_SET, SIM_F_IPV4_SRC, 4, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_IPV4_DST, SIM_OP_SET, SIM_F_IPV4_DST, 4, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC, SIM_OP_SET, SIM_F_IPV6_SRC, 16, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_IPV6_DST, SIM_OP_SET, SIM_F_IPV6_DST, 16, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_TP_SRC, SIM_OP_SET, SIM_F_TP_SRC, 2, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_TP_DST, SIM_OP_SET, SIM_F_TP_DST, 2, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_TTL, SIM_OP_SET, SIM_F_TTL, 1, 255 },
	{ RTE_FLOW_ACTION_TYPE_DEC_TTL, SIM_OP_SUB, SIM_F_TTL, 0, 0 },
	{ RTE_FLOW_ACTION_TYPE_SET_IPV4_DSCP, SIM_OP_SET, SIM_F_IPV4_DSCP, 1, 63 },
	{ RTE_FLOW_ACTION_TYPE_SET_IPV6_DSCP, SIM_OP_SET, SIM_F_IPV6_DSCP, 1, 63 },
	{ RTE_FLOW_ACTION_TYPE_INC_TCP_SEQ, SIM_OP_ADD, SIM_F_TCP_SEQ, 4, 0 },
	{ RTE_FLOW_ACTION_TYPE_DEC_TCP_SEQ, SIM_OP_SUB, SIM_F_TCP_SEQ, 4, 0 },
	{ RTE_FLOW_ACTION_TYPE_INC_TCP_ACK, SIM_OP_ADD, SIM_F_TCP_ACK, 4, 0 },
	{ RTE_FLOW_ACTION_TYPE_DEC_TCP_ACK, SIM_OP_SUB, SIM_F_TCP_ACK, 4, 0 },
	{ RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID, SIM_OP_SET, SIM_F_VLAN_ID, 2, 0 },
	{ RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP, SIM_OP_SET, SIM_F_VLAN_PCP, 1, 7 },
};

static int
set_one(struct actions *a, const struct set *s)
{
	static const uint8_t one = 1;
	const uint8_t *conf = s->len != 0 ? a->now->conf : &one;
	struct sim_modify *m;

	if (s->max != 0 && conf[0] > s->max)
		return actions_fail_conf(a, EINVAL, "%u: the highest value is %u", conf[0], s->max);
	if (s->dst == SIM_F_VLAN_ID && (conf[0] & 0xf0) != 0)
		return actions_fail_conf(a, EINVAL, "a VLAN id has 12 bits");
	m = modify_add(a, s->op, s->dst);
	if (m == NULL)
		return -ENOTSUP;
	value_set(m, conf, s->len != 0 ? s->len : 1);
	return 0;
}

/* Bits of a number under a mask: one field write a run of them. */
static int
set_masked(struct actions *a, enum sim_field dst, uint8_t index, uint32_t data, uint32_t mask)
{
	const rte_be32_t value = rte_cpu_to_be_32(data);
	struct sim_modify *m;
	uint32_t at, bits;

	while (mask != 0) {
		at = __builtin_ctz(mask);
		bits = ~(mask >> at) == 0 ? 32 : __builtin_ctz(~(mask >> at));
		m = modify_add(a, SIM_OP_SET, dst);
		if (m == NULL)
			return -ENOTSUP;
		m->dst_index = index;
		m->dst_bit = at;
		m->src_bit = at;
		m->bits = bits;
		value_set(m, &value, sizeof(value));
		mask &= ~(uint32_t)(((UINT64_C(1) << bits) - 1) << at);
	}
	return 0;
}

static int
set_tag(struct actions *a)
{
	const struct rte_flow_action_set_tag *c = a->now->conf;

	if (c->index >= SIM_TAGS)
		return actions_fail_conf(a, EINVAL, "tag %u: there are %d", c->index, SIM_TAGS);
	return set_masked(a, SIM_F_TAG, c->index, c->data, c->mask);
}

static int
set_meta(struct actions *a)
{
	const struct rte_flow_action_set_meta *c = a->now->conf;

	return set_masked(a, SIM_F_META, 0, c->data, c->mask);
}

int
actions_set(struct actions *a)
{
	const bool tag = a->now->type == RTE_FLOW_ACTION_TYPE_SET_TAG,
		   meta = a->now->type == RTE_FLOW_ACTION_TYPE_SET_META;
	const struct set *s = NULL;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sets) && s == NULL; i++)
		if (sets[i].type == a->now->type)
			s = &sets[i];
	if (s == NULL && !tag && !meta)
		return -ENOENT;
	if (!tag && !meta && a->fate.type != SIM_A_END)
		return actions_fail(a, EINVAL,
				"an action that changes the packet stands behind its fate");
	if (a->now->conf == NULL && (tag || meta || s->len != 0))
		return a->w->template ? 0 : actions_fail_conf(a, EINVAL, "no value to set");
	if (tag)
		return set_tag(a);
	return meta ? set_meta(a) : set_one(a, s);
}

/* --- MODIFY_FIELD --- */

#define FIELD(ID, FIELD) [RTE_FLOW_FIELD_##ID] = FIELD
static const uint8_t fields[] = {
	FIELD(MAC_DST, SIM_F_MAC_DST),
	FIELD(MAC_SRC, SIM_F_MAC_SRC),
	FIELD(VLAN_TYPE, SIM_F_VLAN_TYPE),
	FIELD(VLAN_ID, SIM_F_VLAN_ID),
	FIELD(MAC_TYPE, SIM_F_ETH_TYPE),
	FIELD(IPV4_DSCP, SIM_F_IPV4_DSCP),
	FIELD(IPV4_TTL, SIM_F_IPV4_TTL),
	FIELD(IPV4_SRC, SIM_F_IPV4_SRC),
	FIELD(IPV4_DST, SIM_F_IPV4_DST),
	FIELD(IPV6_DSCP, SIM_F_IPV6_DSCP),
	FIELD(IPV6_HOPLIMIT, SIM_F_IPV6_HOPLIMIT),
	FIELD(IPV6_SRC, SIM_F_IPV6_SRC),
	FIELD(IPV6_DST, SIM_F_IPV6_DST),
	FIELD(TCP_PORT_SRC, SIM_F_TCP_SRC),
	FIELD(TCP_PORT_DST, SIM_F_TCP_DST),
	FIELD(TCP_SEQ_NUM, SIM_F_TCP_SEQ),
	FIELD(TCP_ACK_NUM, SIM_F_TCP_ACK),
	FIELD(TCP_FLAGS, SIM_F_TCP_FLAGS),
	FIELD(UDP_PORT_SRC, SIM_F_UDP_SRC),
	FIELD(UDP_PORT_DST, SIM_F_UDP_DST),
	FIELD(VXLAN_VNI, SIM_F_VXLAN_VNI),
	FIELD(GENEVE_VNI, SIM_F_GENEVE_VNI),
	FIELD(GTP_TEID, SIM_F_GTP_TEID),
	FIELD(TAG, SIM_F_TAG),
	FIELD(MARK, SIM_F_MARK),
	FIELD(META, SIM_F_META),
	FIELD(IPV4_ECN, SIM_F_IPV4_ECN),
	FIELD(IPV6_ECN, SIM_F_IPV6_ECN),
};

static bool
is_word(enum sim_field f)
{
	return f == SIM_F_TAG || f == SIM_F_MARK || f == SIM_F_META;
}

/* A field of MODIFY_FIELD and where in it; SIM_F_VALUE with an error set: none that can be used. */
static enum sim_field
field_of(const struct actions *a, const struct rte_flow_action_modify_data *d, uint8_t *level,
		uint8_t *index)
{
	const enum sim_field f =
			(unsigned int)d->field < RTE_DIM(fields) ? fields[d->field] : SIM_F_VALUE;

	*level = 0;
	*index = 0;
	if (f == SIM_F_VALUE) {
		actions_fail_conf(a, ENOTSUP, "field %d cannot be read or written", (int)d->field);
		return f;
	}
	if (f == SIM_F_TAG) {
		if (d->level >= SIM_TAGS) {
			actions_fail_conf(a, EINVAL, "tag %u: there are %d", d->level, SIM_TAGS);
			return SIM_F_VALUE;
		}
		*index = d->level;
	} else if (!is_word(f)) {
		/* As RSS: 0 and 1 are the outermost header, 2 is the one within. */
		if (d->level > 2) {
			actions_fail_conf(a, ENOTSUP, "level %u: 0 and 1 (outer) and 2 (inner)",
					d->level);
			return SIM_F_VALUE;
		}
		*level = d->level == 2;
	}
	return f;
}

/* VALUE and POINTER: laid out as in the item, so numbers that are no headers are in host order. */
static int
immediate(struct actions *a, struct sim_modify *m, const struct rte_flow_action_modify_field *c)
{
	const uint8_t *from = c->src.field == RTE_FLOW_FIELD_VALUE ? c->src.value : c->src.pvalue;
	const uint32_t len = (sim_field_bits(m->dst) + 7) / 8;
	uint32_t host;
	rte_be32_t net;

	if (from == NULL)
		return actions_fail_conf(a, EINVAL, "POINTER to nowhere");
	if (is_word(m->dst)) {
		memcpy(&host, from, sizeof(host));
		net = rte_cpu_to_be_32(host);
		value_set(m, &net, sizeof(net));
	} else {
		value_set(m, from, len);
	}
	/* rte_flow.h: "the immediate source bitfield offset is inherited from the destination's one". */
	m->src_bit = m->dst_bit;
	return 0;
}

static int
source(struct actions *a, struct sim_modify *m, const struct rte_flow_action_modify_field *c)
{
	uint8_t level, index;
	enum sim_field f;

	if (c->src.field == RTE_FLOW_FIELD_VALUE || c->src.field == RTE_FLOW_FIELD_POINTER)
		return immediate(a, m, c);
	f = field_of(a, &c->src, &level, &index);
	if (f == SIM_F_VALUE)
		return -rte_errno;
	if (c->src.offset >= sim_field_bits(f) || c->width > sim_field_bits(f) - c->src.offset)
		return actions_fail_conf(a, EINVAL, "%u bits from bit %u: the source has %u",
				c->width, c->src.offset, sim_field_bits(f));
	m->src = f;
	m->src_level = level;
	m->src_index = index;
	m->src_bit = c->src.offset;
	return 0;
}

int
actions_modify_field(struct actions *a)
{
	static const uint8_t ops[] = {
		[RTE_FLOW_MODIFY_SET] = SIM_OP_SET,
		[RTE_FLOW_MODIFY_ADD] = SIM_OP_ADD,
		[RTE_FLOW_MODIFY_SUB] = SIM_OP_SUB,
	};
	const struct rte_flow_action_modify_field *c = a->now->conf;
	struct sim_modify *m;
	uint8_t level, index;
	enum sim_field f;

	if ((unsigned int)c->operation >= RTE_DIM(ops))
		return actions_fail_conf(a, EINVAL, "operation %d is none of SET, ADD and SUB",
				(int)c->operation);
	if (c->dst.field == RTE_FLOW_FIELD_VALUE || c->dst.field == RTE_FLOW_FIELD_POINTER)
		return actions_fail_conf(a, EINVAL, "an immediate value cannot be written");
	f = field_of(a, &c->dst, &level, &index);
	if (f == SIM_F_VALUE)
		return -rte_errno;
	if (c->width == 0 || c->dst.offset >= sim_field_bits(f) ||
			c->width > sim_field_bits(f) - c->dst.offset)
		return actions_fail_conf(a, EINVAL, "%u bits from bit %u: the destination has %u",
				c->width, c->dst.offset, sim_field_bits(f));
	m = modify_add(a, ops[c->operation], f);
	if (m == NULL)
		return -ENOTSUP;
	m->dst_level = level;
	m->dst_index = index;
	m->dst_bit = c->dst.offset;
	m->bits = c->width;
	return source(a, m, c);
}
