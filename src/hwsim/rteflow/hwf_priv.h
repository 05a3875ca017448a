/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/rteflow: what its files share.
 */
#ifndef HWF_PRIV_H
#define HWF_PRIV_H

#include "hwsim/rteflow/hwf.h"

/* A pattern or a list of actions on its way into the model; on the stack of a call, or kept by a template. */
struct hwf_actions {
	struct sim_action action[SIM_ACTIONS_MAX];
	struct sim_modify modify[SIM_ACTIONS_MAX];
	uint8_t data[2][SIM_ENCAP_MAX]; /* encapsulations */
	uint32_t n;
	uint32_t n_data;
	/* Objects that exist for this rule alone, and go with it; UINT32_MAX: none. */
	uint32_t counter, age, rss, sample;
	/* Handles that the rule uses; their use is counted. */
	struct rte_flow_action_handle *handle[8];
	uint32_t n_handles;
};

/* Where an item or action stands: what may be there depends on it. */
struct hwf_where {
	struct hwf *h;
	uint16_t port;
	const struct rte_flow_attr *attr;
	bool template; /* spec is not there yet: masks and types are checked */
};

/* flow_items.c: pattern -> match. Checks everything; cause of an error is the item, its spec, mask or last. */
int
hwf_match(const struct hwf_where *w, const struct rte_flow_item *pattern, struct sim_match *match,
		struct rte_flow_error *error);

/*
 * flow_actions.c: actions -> the model's. Checks everything, creates nothing: objects that the rule needs are made by
 * hwf_actions_claim() and given back by hwf_actions_drop(), so that validate() is the first half of create().
 */
int
hwf_actions(const struct hwf_where *w, const struct rte_flow_action *actions,
		struct hwf_actions *out, struct rte_flow_error *error);
int
hwf_actions_claim(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error);
void
hwf_actions_release(struct hwf *h, struct hwf_actions *a);

#endif /* HWF_PRIV_H */
