/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_mtr: profiles (rates and bursts) and policies (what becomes of a packet by its colour). Called by the driver's glue;
 * mtr.c puts both together.
 *
 * A policy that lets pass or drops is part of the meter in the model. One with fates by colour (JUMP, QUEUE, ...) gets a
 * group of its own, with a rule a colour: rules that use the meter jump there.
 */
#include "mtr.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_POLICY 2

/* --- profiles --- */

struct mtr_profile *
mtr_profile_get(struct hwf_mtr *m, uint32_t id, struct rte_mtr_error *error)
{
	const uint32_t i = hwf_ids_get(&m->profile_ids, id);

	if (i != HWF_NONE)
		return hwf_pool_at(&m->profiles, i);
	mtr_fail(error, ENOENT, RTE_MTR_ERROR_TYPE_METER_PROFILE_ID, NULL,
			"no meter profile of this number");
	return NULL;
}

/* RFC 2697, section 2: one of the bursts is more than 0. RFC 2698, section 2: PIR >= CIR, both bursts are more than 0. */
static const char *
profile_fault(const struct rte_mtr_meter_profile *p)
{
	const uint64_t most = UINT64_C(1) << 40; /* bytes: 8.8 Tb/s, beyond any port */

	switch (p->alg) {
	case RTE_MTR_NONE:
		return NULL;
	case RTE_MTR_SRTCM_RFC2697:
		if (p->srtcm_rfc2697.cir == 0 || p->srtcm_rfc2697.cir > most)
			return "CIR is 0 or beyond meter_rate_max";
		if (p->srtcm_rfc2697.cbs == 0 && p->srtcm_rfc2697.ebs == 0)
			return "RFC 2697: CBS or EBS must be more than 0";
		if (p->srtcm_rfc2697.cbs > most || p->srtcm_rfc2697.ebs > most)
			return "a burst of more than 2^40";
		return NULL;
	case RTE_MTR_TRTCM_RFC2698:
		if (p->trtcm_rfc2698.cir == 0 || p->trtcm_rfc2698.pir > most)
			return "CIR is 0 or PIR beyond meter_rate_max";
		if (p->trtcm_rfc2698.pir < p->trtcm_rfc2698.cir)
			return "RFC 2698: PIR must not be less than CIR";
		if (p->trtcm_rfc2698.cbs == 0 || p->trtcm_rfc2698.pbs == 0)
			return "RFC 2698: CBS and PBS must be more than 0";
		if (p->trtcm_rfc2698.cbs > most || p->trtcm_rfc2698.pbs > most)
			return "a burst of more than 2^40";
		return NULL;
	default:
		return "only RFC 2697 and RFC 2698 are metered";
	}
}

static int
profile_add(struct hwf_mtr *m, uint32_t id, const struct rte_mtr_meter_profile *def,
		struct rte_mtr_error *error)
{
	const char *fault = profile_fault(def);
	struct mtr_profile *p;
	int r;

	if (fault != NULL)
		return mtr_fail(error,
				(uint32_t)def->alg > RTE_MTR_TRTCM_RFC2698 ? ENOTSUP : EINVAL,
				RTE_MTR_ERROR_TYPE_METER_PROFILE, def, fault);
	if (hwf_ids_get(&m->profile_ids, id) != HWF_NONE)
		return mtr_fail(error, EEXIST, RTE_MTR_ERROR_TYPE_METER_PROFILE_ID, NULL,
				"a meter profile has this number already");
	p = hwf_pool_get(&m->profiles, (enum hwf_kind)HWF_PROFILE, 0);
	if (p == NULL)
		return mtr_fail(error, ENOSPC, RTE_MTR_ERROR_TYPE_METER_PROFILE, NULL,
				"no room for another meter profile");
	p->def = *def;
	p->id = id;
	r = hwf_ids_put(&m->profile_ids, id, hwf_pool_index(&m->profiles, p));
	if (r != 0)
		hwf_pool_put(&m->profiles, p);
	return r == 0 ? 0 : mtr_fail(error, -r, RTE_MTR_ERROR_TYPE_UNSPECIFIED, NULL, "no memory");
}

int
hwf_mtr_profile_add(struct hwf *h, uint16_t port, uint32_t profile_id,
		struct rte_mtr_meter_profile *profile, struct rte_mtr_error *error)
{
	struct hwf_mtr *m;
	int r;

	if (profile == NULL)
		return mtr_fail(error, EINVAL, RTE_MTR_ERROR_TYPE_METER_PROFILE, NULL,
				"no meter profile given");
	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	m = mtr_of(h, port);
	r = m == NULL ? mtr_fail(error, ENOMEM, RTE_MTR_ERROR_TYPE_UNSPECIFIED, NULL, "no memory")
		      : profile_add(m, profile_id, profile, error);
	hwf_unlock(h);
	return r;
}

int
hwf_mtr_profile_delete(
		struct hwf *h, uint16_t port, uint32_t profile_id, struct rte_mtr_error *error)
{
	struct mtr_profile *p;
	struct hwf_mtr *m;
	int r = 0;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	m = mtr_of(h, port);
	p = m == NULL ? NULL : mtr_profile_get(m, profile_id, error);
	if (p == NULL) {
		r = m == NULL ? -ENOMEM : -rte_errno;
	} else if (p->uses != 0) {
		r = mtr_fail(error, EBUSY, RTE_MTR_ERROR_TYPE_METER_PROFILE_ID, NULL,
				"meters use this profile");
	} else {
		hwf_ids_del(&m->profile_ids, profile_id);
		hwf_pool_put(&m->profiles, p);
	}
	hwf_unlock(h);
	return r;
}

/* --- policies --- */

struct mtr_policy *
mtr_policy_get(struct hwf_mtr *m, uint32_t id, struct rte_mtr_error *error)
{
	const uint32_t i = hwf_ids_get(&m->policy_ids, id);

	if (i != HWF_NONE)
		return hwf_pool_at(&m->policies, i);
	mtr_fail(error, ENOENT, RTE_MTR_ERROR_TYPE_METER_POLICY_ID, NULL,
			"no meter policy of this number");
	return NULL;
}

static enum rte_mtr_error_type
color_error(uint32_t color)
{
	static const enum rte_mtr_error_type type[RTE_COLORS] = {
		[RTE_COLOR_GREEN] = RTE_MTR_ERROR_TYPE_POLICER_ACTION_GREEN,
		[RTE_COLOR_YELLOW] = RTE_MTR_ERROR_TYPE_POLICER_ACTION_YELLOW,
		[RTE_COLOR_RED] = RTE_MTR_ERROR_TYPE_POLICER_ACTION_RED,
	};

	return type[color];
}

/* What a list does beyond passing and dropping is left to a group: *rest. */
static int
list_check(const struct rte_flow_action *list, uint32_t color, bool *drop, bool *rest,
		struct rte_mtr_error *error)
{
	const struct rte_flow_action_meter_color *mark;
	const struct rte_flow_action *a;

	*drop = *rest = false;
	for (a = list; a != NULL && a->type != RTE_FLOW_ACTION_TYPE_END; a++) {
		switch (a->type) {
		case RTE_FLOW_ACTION_TYPE_VOID:
		case RTE_FLOW_ACTION_TYPE_PASSTHRU:
			break;
		case RTE_FLOW_ACTION_TYPE_DROP:
			*drop = true;
			break;
		case RTE_FLOW_ACTION_TYPE_METER_COLOR:
			mark = a->conf;
			if (mark == NULL || (uint32_t)mark->color != color)
				return mtr_fail(error, ENOTSUP, color_error(color), a,
						"METER_COLOR: a policy cannot change the colour");
			break;
		case RTE_FLOW_ACTION_TYPE_METER:
		case RTE_FLOW_ACTION_TYPE_INDIRECT:
			return mtr_fail(error, ENOTSUP, color_error(color), a,
					"neither METER nor INDIRECT can be in a policy");
		default:
			*rest = true;
		}
	}
	if (*drop && *rest)
		return mtr_fail(error, EINVAL, color_error(color), list,
				"DROP stands beside other actions");
	return 0;
}

/* What is left to the group, without what the meter does by itself. false: too long. */
static bool
list_strip(const struct rte_flow_action *list, struct rte_flow_action out[SIM_ACTIONS_MAX + 1])
{
	uint32_t n = 0;

	for (; list->type != RTE_FLOW_ACTION_TYPE_END; list++) {
		if (list->type == RTE_FLOW_ACTION_TYPE_VOID ||
				list->type == RTE_FLOW_ACTION_TYPE_PASSTHRU ||
				list->type == RTE_FLOW_ACTION_TYPE_METER_COLOR)
			continue;
		if (n == SIM_ACTIONS_MAX)
			return false;
		out[n++] = *list;
	}
	out[n] = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_END };
	return true;
}

/* Right for rules of some direction? Which one it will be shows when a rule uses the meter. */
static int
list_translates(struct hwf *h, uint16_t port, const struct rte_flow_action *list, uint32_t color,
		struct rte_mtr_error *error)
{
	static const struct rte_flow_attr attr[SIM_DOMAINS] = {
		[SIM_INGRESS] = { .group = 1, .ingress = 1 },
		[SIM_EGRESS] = { .group = 1, .egress = 1 },
		[SIM_TRANSFER] = { .group = 1, .transfer = 1 },
	};
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct rte_flow_action rest[SIM_ACTIONS_MAX + 1];
	struct rte_flow_error why = { 0 };
	struct hwf_actions *a;
	uint32_t d;
	int r = -1;

	if (!list_strip(list, rest))
		return mtr_fail(error, ENOTSUP, color_error(color), list, "too many actions");
	a = malloc(sizeof(*a));
	if (a == NULL)
		return mtr_fail(error, ENOMEM, RTE_MTR_ERROR_TYPE_UNSPECIFIED, NULL, "no memory");
	for (d = 0; d < SIM_DOMAINS && r != 0; d++) {
		w.attr = &attr[d];
		r = hwf_actions(&w, rest, a, &why);
	}
	/* What is wrong in the first direction is what most callers mean: it is said again, where messages are kept. */
	if (r != 0) {
		w.attr = &attr[SIM_INGRESS];
		hwf_actions(&w, rest, a, &why);
		/* An action itself is one of the copies here. */
		if ((uintptr_t)why.cause - (uintptr_t)rest < sizeof(rest))
			why.cause = list;
		mtr_fail(error, EINVAL, color_error(color), why.cause, why.message);
	}
	free(a);
	return r == 0 ? 0 : -EINVAL;
}

static int
policy_check(struct hwf *h, uint16_t port, const struct rte_mtr_meter_policy_params *params,
		struct mtr_policy *p, struct rte_mtr_error *error)
{
	bool rest[RTE_COLORS];
	uint32_t c;
	int r;

	p->fates = false;
	for (c = 0; c < RTE_COLORS; c++) {
		r = list_check(params->actions[c], c, &p->drop[c], &rest[c], error);
		if (r == 0 && rest[c])
			r = list_translates(h, port, params->actions[c], c, error);
		if (r != 0)
			return r;
		p->fates |= rest[c];
	}
	if (p->fates && hwf_group_own(h) == UINT32_MAX)
		return mtr_fail(error, ENOTSUP, RTE_MTR_ERROR_TYPE_METER_POLICY, params,
				"this card has no groups to spare for policies with fates");
	return 0;
}

static int
policy_copy(struct mtr_policy *p, const struct rte_mtr_meter_policy_params *params)
{
	struct rte_flow_action rest[SIM_ACTIONS_MAX + 1];
	uint32_t c;
	int size;

	for (c = 0; c < RTE_COLORS; c++) {
		if (params->actions[c] == NULL || p->drop[c])
			continue;
		list_strip(params->actions[c], rest);
		if (rest[0].type == RTE_FLOW_ACTION_TYPE_END)
			continue;
		size = rte_flow_conv(RTE_FLOW_CONV_OP_ACTIONS, NULL, 0, rest, NULL);
		if (size < 0)
			return -EINVAL;
		p->actions[c] = calloc(1, (size_t)size);
		if (p->actions[c] == NULL)
			return -ENOMEM;
		if (rte_flow_conv(RTE_FLOW_CONV_OP_ACTIONS, p->actions[c], (size_t)size, rest,
				    NULL) < 0)
			return -EINVAL;
	}
	return 0;
}

static void
set_free(struct hwf *h, struct mtr_set *set)
{
	uint32_t c;

	if (set->group == HWF_NONE)
		return;
	for (c = 0; c < RTE_COLORS; c++) {
		if (set->rule[c] != NULL) {
			sim_lock_take(h->nic);
			sim_rule_remove(h->steer, set->rule[c]);
			sim_lock_give(h->nic);
		}
		if (set->actions[c] != NULL) {
			hwf_actions_release(h, set->actions[c]);
			free(set->actions[c]);
		}
		set->rule[c] = NULL;
		set->actions[c] = NULL;
	}
	hwf_group_give(h, set->group);
	set->group = HWF_NONE;
}

void
mtr_policy_free(struct hwf *h, struct hwf_mtr *m, struct mtr_policy *policy)
{
	uint32_t i;

	for (i = 0; i < SIM_DOMAINS; i++)
		set_free(h, &policy->set[i]);
	for (i = 0; i < RTE_COLORS; i++)
		free(policy->actions[i]);
	hwf_pool_put(&m->policies, policy);
}

static int
policy_add(struct hwf *h, uint16_t port, uint32_t id,
		const struct rte_mtr_meter_policy_params *params, struct rte_mtr_error *error)
{
	struct hwf_mtr *m = mtr_of(h, port);
	struct mtr_policy *p;
	uint32_t i;
	int r;

	p = m == NULL ? NULL : hwf_pool_get(&m->policies, (enum hwf_kind)HWF_POLICY, port);
	if (p == NULL)
		return mtr_fail(error, ENOSPC, RTE_MTR_ERROR_TYPE_METER_POLICY, NULL,
				"no room for another meter policy");
	for (i = 0; i < SIM_DOMAINS; i++)
		p->set[i].group = HWF_NONE;
	p->id = id;
	r = policy_check(h, port, params, p, error);
	if (r == 0) {
		r = policy_copy(p, params);
		if (r == 0)
			r = hwf_ids_put(&m->policy_ids, id, hwf_pool_index(&m->policies, p));
		if (r != 0)
			mtr_fail(error, -r,
					r == -EEXIST ? RTE_MTR_ERROR_TYPE_METER_POLICY_ID
						     : RTE_MTR_ERROR_TYPE_METER_POLICY,
					NULL,
					r == -EEXIST ? "a meter policy has this number already"
						     : "this policy cannot be kept");
	}
	if (r != 0)
		mtr_policy_free(h, m, p);
	return r;
}

struct mtr_policy *
mtr_policy_default(struct hwf *h, uint16_t port, struct rte_mtr_error *error)
{
	rte_mtr_policy_drop_red(drop_red);

	if (policy_add(h, port, 0, &drop_red, error) != 0)
		return NULL;
	return mtr_policy_get(mtr_of(h, port), 0, error);
}

int
hwf_mtr_policy_validate(struct hwf *h, uint16_t port, struct rte_mtr_meter_policy_params *policy,
		struct rte_mtr_error *error)
{
	struct mtr_policy trial;
	int r;

	if (policy == NULL)
		return mtr_fail(error, EINVAL, RTE_MTR_ERROR_TYPE_METER_POLICY, NULL,
				"no meter policy given");
	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	r = policy_check(h, port, policy, &trial, error);
	hwf_unlock(h);
	return r;
}

int
hwf_mtr_policy_add(struct hwf *h, uint16_t port, uint32_t policy_id,
		struct rte_mtr_meter_policy_params *policy, struct rte_mtr_error *error)
{
	int r;

	if (policy == NULL)
		return mtr_fail(error, EINVAL, RTE_MTR_ERROR_TYPE_METER_POLICY, NULL,
				"no meter policy given");
	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	r = policy_add(h, port, policy_id, policy, error);
	hwf_unlock(h);
	return r;
}

int
hwf_mtr_policy_delete(struct hwf *h, uint16_t port, uint32_t policy_id, struct rte_mtr_error *error)
{
	struct mtr_policy *p;
	struct hwf_mtr *m;
	int r = 0;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	m = mtr_of(h, port);
	p = m == NULL ? NULL : mtr_policy_get(m, policy_id, error);
	if (p == NULL) {
		r = m == NULL ? -ENOMEM : -rte_errno;
	} else if (p->uses != 0) {
		r = mtr_fail(error, EBUSY, RTE_MTR_ERROR_TYPE_METER_POLICY_ID, NULL,
				"meters use this policy");
	} else {
		hwf_ids_del(&m->policy_ids, policy_id);
		mtr_policy_free(h, m, p);
	}
	hwf_unlock(h);
	return r;
}

/* --- fates by colour --- */

static int
set_rule(const struct hwf_where *w, struct mtr_policy *policy, struct mtr_set *set, uint32_t c,
		struct rte_flow_error *error)
{
	struct sim_match match = { 0 };
	struct sim_rule_params params = {
		.domain = (uint8_t)hwf_domain(w->attr),
		.port = w->attr->transfer ? SIM_ANY_PORT : w->port,
		.group = w->attr->group,
		.match = &match,
	};
	struct hwf_actions *a;
	struct sim_error why;
	int r;

	a = malloc(sizeof(*a));
	if (a == NULL)
		return hwf_fail(w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no memory");
	r = hwf_actions(w, policy->actions[c], a, error);
	if (r == 0)
		r = hwf_actions_claim(w, a, error);
	if (r != 0) {
		free(a);
		return r;
	}
	set->actions[c] = a;
	match.value.color = (uint8_t)(c + 1);
	match.mask.color = UINT8_MAX;
	params.actions = a->action;
	params.n_actions = a->n;
	sim_lock_take(w->h->nic);
	r = sim_rule_insert(w->h->steer, &params, &set->rule[c], &why);
	sim_lock_give(w->h->nic);
	if (r != 0)
		hwf_fail(w, error, -r, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL, "meter policy %u: %s",
				policy->id, why.text);
	return r;
}

int64_t
mtr_policy_group(const struct hwf_where *w, struct mtr_policy *policy, struct rte_flow_error *error)
{
	const struct hwf_group own = { .kind = GROUP_POLICY };
	struct mtr_set *set = &policy->set[hwf_domain(w->attr)];
	struct rte_flow_attr attr = *w->attr;
	struct hwf_where in = { .h = w->h, .port = w->port, .attr = &attr, .queue = UINT16_MAX };
	int64_t real;
	uint32_t c;
	int r = 0;

	if (set->group != HWF_NONE)
		return set->group;
	real = hwf_group_take(w->h, &own);
	if (real < 0)
		return hwf_fail(w, error, ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"at most %u groups of tunnels and of meter policies",
				HWF_GROUPS_OWN);
	set->group = (uint32_t)real;
	attr.group = set->group;
	attr.priority = 0;
	for (c = 0; c < RTE_COLORS && r == 0; c++)
		if (policy->actions[c] != NULL)
			r = set_rule(&in, policy, set, c, error);
	if (r != 0)
		set_free(w->h, set);
	return r == 0 ? real : r;
}
