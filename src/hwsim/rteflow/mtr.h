/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/rteflow: meters of a port, shared by mtr.c (meters) and mtr_policy.c (profiles and policies). Under hwf.lock.
 */
#ifndef HWF_MTR_H
#define HWF_MTR_H

#include <errno.h>

#include "hwf_async.h"

#define MTR_PROFILES_MAX 65536u
#define MTR_POLICIES_MAX 4096u

struct mtr_profile {
	struct hwf_slot slot;
	uint32_t uses, id;
	struct rte_mtr_meter_profile def;
};

/* Rules by colour in a group of the policy's own, for one of the domains. */
struct mtr_set {
	uint32_t group; /* HWF_NONE: not there */
	struct sim_rule *rule[RTE_COLORS];
	struct hwf_actions *actions[RTE_COLORS]; /* what the rule holds */
};

struct mtr_policy {
	struct hwf_slot slot;
	uint32_t uses, id;
	bool drop[RTE_COLORS];
	bool fates; /* a colour has actions other than to pass or to be dropped */
	struct rte_flow_action *actions[RTE_COLORS]; /* copies, NULL: none */
	struct mtr_set set[SIM_DOMAINS];
};

/* What a handle of type METER has in more[0]. */
struct mtr_meter {
	struct hwf_slot slot;
	uint32_t profile, policy; /* numbers in the pools */
	uint64_t stats_mask;
	bool shared, enabled, aware;
};

struct hwf_mtr {
	struct hwf_ids profile_ids, policy_ids;
	struct hwf_pool profiles, policies, meters;
};

/* The port's, made when first asked for. NULL: no memory. */
struct hwf_mtr *
mtr_of(struct hwf *h, uint16_t port);

#define MTR_STATS_ALL \
	((uint64_t)RTE_MTR_STATS_N_PKTS_GREEN | RTE_MTR_STATS_N_PKTS_YELLOW | \
			RTE_MTR_STATS_N_PKTS_RED | RTE_MTR_STATS_N_PKTS_DROPPED | \
			RTE_MTR_STATS_N_BYTES_GREEN | RTE_MTR_STATS_N_BYTES_YELLOW | \
			RTE_MTR_STATS_N_BYTES_RED | RTE_MTR_STATS_N_BYTES_DROPPED)

/* Fills `error` (NULL is fine) and returns -err: rte_mtr_error_set() returns err. */
static inline int
mtr_fail(struct rte_mtr_error *error, int err, enum rte_mtr_error_type type, const void *cause,
		const char *message)
{
	return -rte_mtr_error_set(error, err, type, cause, message);
}

static inline int
mtr_enter(struct hwf *h, uint16_t port, struct rte_mtr_error *error)
{
	if (port >= h->n_ports)
		return mtr_fail(error, ENODEV, RTE_MTR_ERROR_TYPE_UNSPECIFIED, NULL,
				"the NIC has no such port");
	pthread_mutex_lock(&h->lock);
	return 0;
}

/* By the application's number; NULL with `error` set. */
struct mtr_profile *
mtr_profile_get(struct hwf_mtr *m, uint32_t id, struct rte_mtr_error *error);
struct mtr_policy *
mtr_policy_get(struct hwf_mtr *m, uint32_t id, struct rte_mtr_error *error);
/*
 * Policy 0 where the application made none of that number: green and yellow pass, red is dropped. dpdk-test-flow-perf and
 * others of the time before policies make meters without one.
 */
struct mtr_policy *
mtr_policy_default(struct hwf *h, uint16_t port, struct rte_mtr_error *error);
/* The group of a policy with fates, for rules of `w`; made when first asked for. */
int64_t
mtr_policy_group(
		const struct hwf_where *w, struct mtr_policy *policy, struct rte_flow_error *error);
void
mtr_policy_free(struct hwf *h, struct hwf_mtr *m, struct mtr_policy *policy);

#endif /* HWF_MTR_H */
