/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_mtr: meters. A meter is a handle (hwf_priv.h) that rules name by the number which the application gave it, a meter of
 * the model, a profile and a policy (mtr_policy.c). Called by the driver's glue.
 */
#include "mtr.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

static void
mtr_close(struct hwf *h, uint16_t port)
{
	struct hwf_mtr *m = h->port[port].mtr;
	uint32_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->policies.top; i++) {
		struct mtr_policy *p = hwf_pool_at(&m->policies, i);

		if (p->slot.kind == HWF_POLICY)
			mtr_policy_free(h, m, p);
	}
	hwf_ids_fini(&m->profile_ids);
	hwf_ids_fini(&m->policy_ids);
	hwf_pool_fini(&m->profiles);
	hwf_pool_fini(&m->policies);
	hwf_pool_fini(&m->meters);
	free(m);
	h->port[port].mtr = NULL;
	h->port[port].mtr_close = NULL;
}

struct hwf_mtr *
mtr_of(struct hwf *h, uint16_t port)
{
	struct hwf_mtr *m = h->port[port].mtr;

	if (m != NULL)
		return m;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	if (hwf_pool_init(&m->profiles, sizeof(struct mtr_profile), MTR_PROFILES_MAX) != 0)
		goto fail;
	if (hwf_pool_init(&m->policies, sizeof(struct mtr_policy), MTR_POLICIES_MAX) != 0)
		goto fail_policies;
	if (hwf_pool_init(&m->meters, sizeof(struct mtr_meter),
			    RTE_MAX(h->profile->objects_meters, 1u)) != 0)
		goto fail_meters;
	h->port[port].mtr = m;
	h->port[port].mtr_close = mtr_close;
	return m;
fail_meters:
	hwf_pool_fini(&m->policies);
fail_policies:
	hwf_pool_fini(&m->profiles);
fail:
	free(m);
	return NULL;
}

int
hwf_mtr_capabilities(struct hwf *h, uint16_t port, struct rte_mtr_capabilities *cap,
		struct rte_mtr_error *error)
{
	const uint32_t n = port < h->n_ports ? h->profile->objects_meters : 0;

	if (n == 0)
		return mtr_fail(error, ENOTSUP, RTE_MTR_ERROR_TYPE_UNSPECIFIED, NULL,
				"this card has no meters, or no such port");
	*cap = (struct rte_mtr_capabilities){
		.n_max = n,
		.n_shared_max = n,
		.identical = 1,
		.shared_identical = 1,
		.shared_n_flows_per_mtr_max = UINT32_MAX,
		/* One a rule; the rules behind its JUMP may have others, and see its colour. */
		.chaining_n_mtrs_per_flow_max = 1,
		.chaining_use_prev_mtr_color_supported = 1,
		.meter_srtcm_rfc2697_n_max = n,
		.meter_trtcm_rfc2698_n_max = n,
		.meter_rate_max = UINT64_C(1) << 40,
		.meter_policy_n_max = RTE_MIN(n, MTR_POLICIES_MAX),
		.color_aware_srtcm_rfc2697_supported = 1,
		.color_aware_trtcm_rfc2698_supported = 1,
		.srtcm_rfc2697_byte_mode_supported = 1,
		.srtcm_rfc2697_packet_mode_supported = 1,
		.trtcm_rfc2698_byte_mode_supported = 1,
		.trtcm_rfc2698_packet_mode_supported = 1,
		.stats_mask = MTR_STATS_ALL,
	};
	return 0;
}

/* --- look-up --- */

static struct rte_flow_action_handle *
meter_get(struct hwf *h, uint16_t port, uint32_t mtr_id, struct rte_mtr_error *error)
{
	const uint32_t i = hwf_ids_get(&h->port[port].meters, mtr_id);

	if (i != HWF_NONE)
		return hwf_pool_at(&h->handles, i);
	mtr_fail(error, ENOENT, RTE_MTR_ERROR_TYPE_MTR_ID, NULL, "no meter of this number");
	return NULL;
}

static struct mtr_meter *
record(const struct hwf *h, const struct rte_flow_action_handle *handle)
{
	const struct hwf_mtr *m = h->port[handle->slot.port].mtr;

	return hwf_pool_at(&m->meters, handle->more[0]);
}

static void
model_params(const struct mtr_meter *meter, const struct mtr_profile *profile,
		const struct mtr_policy *policy, struct sim_meter_params *p)
{
	const struct rte_mtr_meter_profile *def = &profile->def;

	memset(p, 0, sizeof(*p));
	p->packets = def->packet_mode != 0;
	p->color_aware = meter->aware;
	memcpy(p->drop, policy->drop, sizeof(p->drop));
	if (def->alg == RTE_MTR_TRTCM_RFC2698) {
		p->two_rate = true;
		p->cir = def->trtcm_rfc2698.cir;
		p->cbs = def->trtcm_rfc2698.cbs;
		p->pir = def->trtcm_rfc2698.pir;
		p->ebs_pbs = def->trtcm_rfc2698.pbs;
	} else if (def->alg == RTE_MTR_SRTCM_RFC2697) {
		p->cir = def->srtcm_rfc2697.cir;
		p->cbs = def->srtcm_rfc2697.cbs;
		p->ebs_pbs = def->srtcm_rfc2697.ebs;
	} else {
		/* NONE: never enabled, so these are never used; they only have to be lawful. */
		p->cir = p->cbs = 1;
	}
}

/* The model's meter follows its profile and policy. Under hwf.lock. */
static int
model_update(struct hwf *h, const struct rte_flow_action_handle *handle,
		const struct mtr_profile *profile, const struct mtr_policy *policy)
{
	const struct mtr_meter *meter = record(h, handle);
	struct sim_meter_params p;
	int r;

	model_params(meter, profile, policy, &p);
	sim_lock_take(h->nic);
	r = sim_meter_update(h->steer, handle->object, &p, h->env->now(h->ctx));
	if (r == 0)
		r = sim_meter_enable(h->steer, handle->object,
				meter->enabled && profile->def.alg != RTE_MTR_NONE);
	sim_lock_give(h->nic);
	return r;
}

/* --- life --- */

static int
params_check(const struct rte_mtr_params *params, struct rte_mtr_error *error)
{
	uint32_t i;

	if (params == NULL)
		return mtr_fail(error, EINVAL, RTE_MTR_ERROR_TYPE_MTR_PARAMS, NULL,
				"no meter parameters given");
	/* A table of nothing but green is the same as none. */
	for (i = 0; params->dscp_table != NULL && i < 64; i++)
		if (params->dscp_table[i] != RTE_COLOR_GREEN)
			return mtr_fail(error, ENOTSUP, RTE_MTR_ERROR_TYPE_MTR_PARAMS,
					&params->dscp_table[i],
					"colours in come from the meter before, not from DSCP");
	for (i = 0; params->vlan_table != NULL && i < 16; i++)
		if (params->vlan_table[i] != RTE_COLOR_GREEN)
			return mtr_fail(error, ENOTSUP, RTE_MTR_ERROR_TYPE_MTR_PARAMS,
					&params->vlan_table[i],
					"colours in come from the meter before, not from VLAN");
	return 0;
}

/* Handle, record and number, or nothing. */
static struct rte_flow_action_handle *
meter_new(struct hwf *h, uint16_t port, uint32_t mtr_id, struct rte_mtr_error *error)
{
	struct hwf_mtr *m = h->port[port].mtr;
	struct rte_flow_action_handle *handle;
	struct mtr_meter *meter;

	if (hwf_ids_get(&h->port[port].meters, mtr_id) != HWF_NONE) {
		mtr_fail(error, EEXIST, RTE_MTR_ERROR_TYPE_MTR_ID, NULL,
				"a meter has this number already");
		return NULL;
	}
	meter = hwf_pool_get(&m->meters, (enum hwf_kind)HWF_METER, port);
	handle = meter == NULL ? NULL : hwf_pool_get(&h->handles, HWF_HANDLE, port);
	if (handle == NULL ||
			hwf_ids_put(&h->port[port].meters, mtr_id,
					hwf_pool_index(&h->handles, handle)) != 0) {
		if (handle != NULL)
			hwf_pool_put(&h->handles, handle);
		if (meter != NULL)
			hwf_pool_put(&m->meters, meter);
		mtr_fail(error, ENOSPC, RTE_MTR_ERROR_TYPE_MTR_ID, NULL,
				"no room for another meter");
		return NULL;
	}
	handle->type = RTE_FLOW_ACTION_TYPE_METER;
	handle->id = mtr_id;
	handle->queue = UINT16_MAX;
	handle->more[0] = hwf_pool_index(&m->meters, meter);
	return handle;
}

/* Takes back meter_new(). */
static void
meter_undo(struct hwf *h, struct rte_flow_action_handle *handle)
{
	const uint16_t port = handle->slot.port;
	struct hwf_mtr *m = h->port[port].mtr;

	hwf_ids_del(&h->port[port].meters, handle->id);
	hwf_pool_put(&m->meters, record(h, handle));
	hwf_pool_put(&h->handles, handle);
}

/* The model's meter behind a new handle. */
static int
meter_model(struct hwf *h, struct rte_flow_action_handle *handle, const struct mtr_profile *profile,
		const struct mtr_policy *policy)
{
	struct mtr_meter *meter = record(h, handle);
	struct sim_meter_params p;
	int64_t n;

	if (hwf_quota_take(h, handle->slot.port, HWF_Q_METERS) != 0)
		return -ENOSPC;
	model_params(meter, profile, policy, &p);
	sim_lock_take(h->nic);
	n = sim_meter_add(h->steer, &p, h->env->now(h->ctx));
	if (n >= 0)
		sim_meter_enable(h->steer, (uint32_t)n,
				meter->enabled && profile->def.alg != RTE_MTR_NONE);
	sim_lock_give(h->nic);
	if (n < 0) {
		hwf_quota_give(h, handle->slot.port, HWF_Q_METERS);
		return (int)n;
	}
	handle->object = (uint32_t)n;
	return 0;
}

static int
meter_create(struct hwf *h, uint16_t port, uint32_t mtr_id, const struct rte_mtr_params *params,
		bool shared, struct rte_mtr_error *error)
{
	struct hwf_mtr *m = mtr_of(h, port);
	struct rte_flow_action_handle *handle;
	struct mtr_profile *profile;
	struct mtr_policy *policy;
	struct mtr_meter *meter;
	int r;

	if (m == NULL)
		return mtr_fail(error, ENOMEM, RTE_MTR_ERROR_TYPE_UNSPECIFIED, NULL, "no memory");
	profile = mtr_profile_get(m, params->meter_profile_id, error);
	policy = profile == NULL ? NULL : mtr_policy_get(m, params->meter_policy_id, error);
	if (profile != NULL && policy == NULL && params->meter_policy_id == 0)
		policy = mtr_policy_default(h, port, error);
	handle = policy == NULL ? NULL : meter_new(h, port, mtr_id, error);
	if (handle == NULL)
		return -rte_errno;
	meter = record(h, handle);
	meter->profile = hwf_pool_index(&m->profiles, profile);
	meter->policy = hwf_pool_index(&m->policies, policy);
	/* dpdk-test-flow-perf asks for 0xffff: what there is counts, and reading says which that is. */
	meter->stats_mask = params->stats_mask & MTR_STATS_ALL;
	meter->shared = shared;
	meter->enabled = params->meter_enable != 0;
	meter->aware = params->use_prev_mtr_color != 0;
	r = meter_model(h, handle, profile, policy);
	if (r != 0) {
		meter_undo(h, handle);
		return mtr_fail(error, -r, RTE_MTR_ERROR_TYPE_MTR_ID, NULL,
				"the card or rte_flow_configure() has no room for another meter");
	}
	profile->uses++;
	policy->uses++;
	hwf_list_add(&h->port[port].handles, &h->handles, handle);
	return 0;
}

int
hwf_mtr_create(struct hwf *h, uint16_t port, uint32_t mtr_id, struct rte_mtr_params *params,
		int shared, struct rte_mtr_error *error)
{
	int r = params_check(params, error);

	if (r != 0)
		return r;
	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	r = meter_create(h, port, mtr_id, params, shared != 0, error);
	hwf_unlock(h);
	return r;
}

int
hwf_mtr_destroy(struct hwf *h, uint16_t port, uint32_t mtr_id, struct rte_mtr_error *error)
{
	struct rte_flow_action_handle *handle;
	struct mtr_meter *meter;
	struct hwf_mtr *m;
	int r = 0;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	handle = meter_get(h, port, mtr_id, error);
	if (handle == NULL) {
		r = -rte_errno;
	} else if (handle->uses != 0) {
		r = mtr_fail(error, EBUSY, RTE_MTR_ERROR_TYPE_MTR_ID, NULL, "rules use this meter");
	} else {
		m = h->port[port].mtr;
		meter = record(h, handle);
		((struct mtr_profile *)hwf_pool_at(&m->profiles, meter->profile))->uses--;
		((struct mtr_policy *)hwf_pool_at(&m->policies, meter->policy))->uses--;
		hwf_pool_put(&m->meters, meter);
		hwf_ids_del(&h->port[port].meters, mtr_id);
		hwf_handle_free(h, handle);
	}
	hwf_unlock(h);
	return r;
}

/* --- changes --- */

int
hwf_mtr_enable(struct hwf *h, uint16_t port, uint32_t mtr_id, bool on, struct rte_mtr_error *error)
{
	struct rte_flow_action_handle *handle;
	const struct mtr_profile *profile;
	struct mtr_meter *meter;
	struct hwf_mtr *m;
	int r = 0;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	handle = meter_get(h, port, mtr_id, error);
	if (handle == NULL) {
		r = -rte_errno;
	} else {
		m = h->port[port].mtr;
		meter = record(h, handle);
		meter->enabled = on;
		profile = hwf_pool_at(&m->profiles, meter->profile);
		sim_lock_take(h->nic);
		sim_meter_enable(h->steer, handle->object, on && profile->def.alg != RTE_MTR_NONE);
		sim_lock_give(h->nic);
	}
	hwf_unlock(h);
	return r;
}

static int
refused(struct rte_mtr_error *error, int r)
{
	return r == 0 ? 0
		      : mtr_fail(error, -r, RTE_MTR_ERROR_TYPE_MTR_PARAMS, NULL,
					"the model refuses these parameters");
}

int
hwf_mtr_profile_update(struct hwf *h, uint16_t port, uint32_t mtr_id, uint32_t profile_id,
		struct rte_mtr_error *error)
{
	struct rte_flow_action_handle *handle;
	struct mtr_profile *now, *next;
	struct mtr_meter *meter;
	struct hwf_mtr *m;
	int r;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	m = h->port[port].mtr;
	handle = meter_get(h, port, mtr_id, error);
	next = handle == NULL ? NULL : mtr_profile_get(m, profile_id, error);
	if (next == NULL) {
		r = -rte_errno;
	} else {
		meter = record(h, handle);
		now = hwf_pool_at(&m->profiles, meter->profile);
		r = refused(error,
				model_update(h, handle, next,
						hwf_pool_at(&m->policies, meter->policy)));
		if (r == 0) {
			now->uses--;
			next->uses++;
			meter->profile = hwf_pool_index(&m->profiles, next);
		}
	}
	hwf_unlock(h);
	return r;
}

static int
policy_update(struct hwf *h, struct rte_flow_action_handle *handle, struct mtr_policy *next,
		struct rte_mtr_error *error)
{
	struct hwf_mtr *m = h->port[handle->slot.port].mtr;
	struct mtr_meter *meter = record(h, handle);
	struct mtr_policy *now = hwf_pool_at(&m->policies, meter->policy);
	int r;

	/* A rule was made with the jump that the policy wants, or without one. */
	if (handle->uses != 0 && now != next && (now->fates || next->fates))
		return mtr_fail(error, EBUSY, RTE_MTR_ERROR_TYPE_METER_POLICY_ID, NULL,
				"rules use this meter, and one of the policies has fates by colour");
	r = refused(error,
			model_update(h, handle, hwf_pool_at(&m->profiles, meter->profile), next));
	if (r == 0) {
		now->uses--;
		next->uses++;
		meter->policy = hwf_pool_index(&m->policies, next);
	}
	return r;
}

int
hwf_mtr_policy_update(struct hwf *h, uint16_t port, uint32_t mtr_id, uint32_t policy_id,
		struct rte_mtr_error *error)
{
	struct rte_flow_action_handle *handle;
	struct mtr_policy *next;
	int r;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	handle = meter_get(h, port, mtr_id, error);
	next = handle == NULL ? NULL : mtr_policy_get(h->port[port].mtr, policy_id, error);
	r = next == NULL ? -rte_errno : policy_update(h, handle, next, error);
	hwf_unlock(h);
	return r;
}

/* --- statistics --- */

int
hwf_mtr_stats_update(struct hwf *h, uint16_t port, uint32_t mtr_id, uint64_t mask,
		struct rte_mtr_error *error)
{
	struct rte_flow_action_handle *handle;
	int r = 0;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	handle = meter_get(h, port, mtr_id, error);
	if (handle == NULL)
		r = -rte_errno;
	else
		record(h, handle)->stats_mask = mask & MTR_STATS_ALL;
	hwf_unlock(h);
	return r;
}

static void
stats_fill(const struct sim_meter_stats *from, uint64_t mask, struct rte_mtr_stats *to)
{
	uint32_t c;

	memset(to, 0, sizeof(*to));
	for (c = 0; c < RTE_COLORS; c++) {
		/* The masks of colours follow each other, as the colours do. */
		if (mask & ((uint64_t)RTE_MTR_STATS_N_PKTS_GREEN << c))
			to->n_pkts[c] = from->packets[c];
		if (mask & ((uint64_t)RTE_MTR_STATS_N_BYTES_GREEN << c))
			to->n_bytes[c] = from->bytes[c];
	}
	if (mask & RTE_MTR_STATS_N_PKTS_DROPPED)
		to->n_pkts_dropped = from->dropped_packets;
	if (mask & RTE_MTR_STATS_N_BYTES_DROPPED)
		to->n_bytes_dropped = from->dropped_bytes;
}

int
hwf_mtr_stats_read(struct hwf *h, uint16_t port, uint32_t mtr_id, const struct hwf_mtr_read *read,
		struct rte_mtr_error *error)
{
	struct rte_flow_action_handle *handle;
	struct sim_meter_stats stats;
	int r = 0;

	if (mtr_enter(h, port, error) != 0)
		return -ENODEV;
	handle = meter_get(h, port, mtr_id, error);
	if (handle == NULL) {
		r = -rte_errno;
	} else {
		sim_lock_take(h->nic);
		sim_meter_read(h->steer, handle->object, &stats, read->clear != 0);
		sim_lock_give(h->nic);
		if (read->stats != NULL)
			stats_fill(&stats, record(h, handle)->stats_mask, read->stats);
		if (read->mask != NULL)
			*read->mask = record(h, handle)->stats_mask;
	}
	hwf_unlock(h);
	return r;
}

/* --- in rules --- */

int64_t
hwf_mtr_group(const struct hwf_where *w, struct rte_flow_action_handle *meter,
		struct rte_flow_error *error)
{
	const struct mtr_meter *mine = record(w->h, meter);
	struct hwf_mtr *m = w->h->port[meter->slot.port].mtr;
	struct mtr_policy *policy = hwf_pool_at(&m->policies, mine->policy);

	if (!mine->shared && meter->uses != 0)
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_ACTION_CONF, meter,
				"meter %u was made for one rule, and has it", meter->id);
	if (!policy->fates)
		return HWF_NONE;
	return mtr_policy_group(w, policy, error);
}
