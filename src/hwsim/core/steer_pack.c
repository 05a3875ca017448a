/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions of a rule: checked when the rule is made, so that running them needs no checks of their form, and copied into one
 * block: the list, then what it points to. Called by steer_rule.c.
 */
#include <errno.h>

#include "sim_priv.h"
#include "steer_priv.h"

static bool
is_fate(uint8_t type)
{
	return type >= SIM_A_JUMP && type <= SIM_A_PASSTHRU;
}

static bool
pool_has(const struct sim_pool *p, uint32_t i)
{
	return sim_pool_at(p, i, p->size) != NULL;
}

/* The pool of an action's object, NULL: it has none. */
static const struct sim_pool *
pool_of(const struct sim_objects *o, uint8_t type)
{
	switch (type) {
	case SIM_A_COUNT:
		return &o->counters;
	case SIM_A_METER:
		return &o->meters;
	case SIM_A_AGE:
		return &o->ages;
	case SIM_A_CT:
		return &o->cts;
	case SIM_A_SAMPLE:
		return &o->samples;
	case SIM_A_RSS:
		return &o->rss;
	default:
		return NULL;
	}
}

static int
check_modify(const struct sim_modify *m, struct sim_error *e)
{
	if (m == NULL || m->op > SIM_OP_SUB || m->dst == SIM_F_VALUE || m->dst >= SIM_F_COUNT ||
			m->src >= SIM_F_COUNT || m->dst_level > 1 || m->src_level > 1 ||
			m->bits == 0)
		return sim_fail(e, EINVAL, "modify: no such field, level, operation or width");
	if ((m->dst == SIM_F_TAG && m->dst_index >= SIM_TAGS) ||
			(m->src == SIM_F_TAG && m->src_index >= SIM_TAGS))
		return sim_fail(e, EINVAL, "modify: tags are 0 to %d", SIM_TAGS - 1);
	if (m->dst_bit + m->bits > sim_field_bits(m->dst) ||
			m->src_bit + m->bits > (m->src == SIM_F_VALUE ? 8 * sizeof(m->value)
								      : sim_field_bits(m->src)))
		return sim_fail(e, EINVAL, "modify: %u bits from %u to %u are more than there are",
				m->bits, m->src_bit, m->dst_bit);
	return 0;
}

static int
check_fate(const struct sim_steer *s, const struct sim_rule_params *params,
		const struct sim_action *a, struct sim_error *e)
{
	if (a->type == SIM_A_JUMP && a->u32 >= s->profile->tables_groups)
		return sim_fail(e, EINVAL, "jump to group %u: groups are 0 to %u (tables.groups)",
				a->u32, s->profile->tables_groups - 1);
	if ((a->type == SIM_A_PORT || a->type == SIM_A_HOST) && a->u32 >= s->n_ports)
		return sim_fail(e, EINVAL, "no port %u", a->u32);
	if ((a->type == SIM_A_QUEUE || a->type == SIM_A_RSS) && params->domain == SIM_EGRESS)
		return sim_fail(e, EINVAL, "a queue is no way out of egress");
	if (a->type == SIM_A_QUEUE && a->u32 > UINT16_MAX)
		return sim_fail(e, EINVAL, "no queue %u", a->u32);
	return 0;
}

static int
check_one(const struct sim_steer *s, const struct sim_rule_params *params,
		const struct sim_action *a, struct sim_error *e)
{
	const struct sim_pool *pool = pool_of(&s->objects, a->type);
	int rc = is_fate(a->type) ? check_fate(s, params, a, e) : 0;

	if (rc < 0)
		return rc;
	if (pool != NULL && !pool_has(pool, a->u32))
		return sim_fail(e, EINVAL, "no such object: %s %u", pool->name, a->u32);
	switch (a->type) {
	case SIM_A_CT:
		if (params->group == 0 && !s->profile->objects_ct_group0)
			return sim_fail(e, ENOTSUP,
					"CONNTRACK in group 0 (objects.connection-group0)");
		return 0;
	case SIM_A_TLS:
		if (a->u32 >= s->profile->tls_sessions)
			return sim_fail(e, ENOTSUP, "TLS session %u of %u (tls.sessions)", a->u32,
					s->profile->tls_sessions);
		return 0;
	case SIM_A_MODIFY:
		return check_modify(a->modify, e);
	case SIM_A_ENCAP:
		if (a->data == NULL || a->len < SIM_ENCAP_MIN || a->len > SIM_ENCAP_MAX)
			return sim_fail(e, EINVAL, "encapsulation of %u bytes, not %d to %d",
					a->len, SIM_ENCAP_MIN, SIM_ENCAP_MAX);
		return 0;
	case SIM_A_STRIP:
		if (a->u32 == 0 || a->u32 > SIM_ENCAP_MAX)
			return sim_fail(e, EINVAL, "%u bytes to take off, at most %d", a->u32,
					SIM_ENCAP_MAX);
		return 0;
	case SIM_A_VLAN_PUSH:
		if (a->u32 > UINT16_MAX || !sim_is_tpid((uint16_t)a->u32))
			return sim_fail(e, EINVAL, "no TPID: %u", a->u32);
		return 0;
	default:
		if (a->type == SIM_A_END || a->type > SIM_A_STRIP)
			return sim_fail(e, EINVAL, "no such action: %u", a->type);
		return 0;
	}
}

/* Bytes behind the list. */
static uint32_t
apart(const struct sim_action *a)
{
	if (a->type == SIM_A_MODIFY)
		return sizeof(*a->modify);
	return a->type == SIM_A_ENCAP ? (a->len + 7u) & ~7u : 0;
}

int
sim_pack_check(const struct sim_steer *s, const struct sim_rule_params *params, uint32_t *size,
		struct sim_error *e)
{
	uint32_t fates = 0, shared = 0;
	int rc;

	if (params->n_actions > SIM_ACTIONS_MAX ||
			(params->n_actions > 0 && params->actions == NULL))
		return sim_fail(e, EINVAL, "%u actions, at most %d", params->n_actions,
				SIM_ACTIONS_MAX);
	*size = params->n_actions * (uint32_t)sizeof(struct sim_action);
	for (uint32_t i = 0; i < params->n_actions; i++) {
		const struct sim_action *a = &params->actions[i];

		rc = check_one(s, params, a, e);
		if (rc < 0)
			return rc;
		fates += is_fate(a->type);
		shared += a->type == SIM_A_AGE || a->type == SIM_A_CT || a->type == SIM_A_METER;
		*size += apart(a);
	}
	if (fates > 1)
		return sim_fail(e, EINVAL, "%u fates, at most one", fates);
	if (shared > 1 && s->profile->objects_shared_one)
		return sim_fail(e, ENOTSUP,
				"more than one of AGE, CONNTRACK and METER "
				"(objects.one-of-age-ct-meter)");
	return 0;
}

void
sim_pack(const struct sim_rule_params *params, struct sim_action *to)
{
	uint8_t *behind = (uint8_t *)(to + params->n_actions);

	for (uint32_t i = 0; i < params->n_actions; i++) {
		const struct sim_action *a = &params->actions[i];

		to[i] = *a;
		if (a->type == SIM_A_MODIFY) {
			memcpy(behind, a->modify, sizeof(*a->modify));
			to[i].modify = (const struct sim_modify *)(const void *)behind;
		} else if (a->type == SIM_A_ENCAP) {
			memcpy(behind, a->data, a->len);
			to[i].data = behind;
		}
		behind += apart(a);
	}
}

/* An entry has room for two actions, one that holds nothing else for four (12 of 64 bytes, mlx5). */
uint32_t
sim_pack_entries(uint32_t n_actions)
{
	return n_actions <= 2 ? 1 : 1 + (n_actions - 2 + 3) / 4;
}
