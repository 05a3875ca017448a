/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/rteflow: what indirect actions, templates and queues share among themselves. See hwf_priv.h for locks.
 */
#ifndef HWF_ASYNC_H
#define HWF_ASYNC_H

#include "hwf_priv.h"

/* --- locks, in the order in which they are taken --- */

/* Into hwf.lock, for a call about `port`; -ENODEV with `error` set: there is no such. */
static inline int
hwf_enter(struct hwf *h, uint16_t port, struct rte_flow_error *error)
{
	int r = hwf_check_port(h, port, error);

	if (r == 0)
		pthread_mutex_lock(&h->lock);
	return r;
}

static inline void
hwf_unlock(struct hwf *h)
{
	pthread_mutex_unlock(&h->lock);
}

/* hwf_slot.kind of what is in pools of this half. */
enum hwf_async_kind {
	HWF_PATTERN = HWF_ASYNC,
	HWF_ACTIONS,
	HWF_TABLE,
	HWF_PROFILE,
	HWF_POLICY,
	HWF_METER,
};

#define HWF_F_DYING 128u /* hwf_slot.flags of a flow: it is being destroyed by a queue */

/* --- indirect actions (flow_indirect.c); under hwf.lock --- */

void
hwf_ct_from_rte(const struct rte_flow_action_conntrack *from, struct sim_ct *to);
/* `reply` is the handle's: the model does not know which rules there will be. */
void
hwf_ct_to_rte(const struct sim_ct *from, bool reply, struct rte_flow_action_conntrack *to);

/* What an update asks for, checked: the first half of it, so that queues can carry it out later. */
struct hwf_update {
	bool age_too, ct_state, ct_direction, reply;
	struct rte_flow_update_age age;
	struct sim_ct ct;
	struct sim_rss *rss; /* NULL: not RSS. Freed by hwf_update_fini() */
};

struct rte_flow_action_handle *
hwf_handle_make(const struct hwf_where *w, const struct rte_flow_indir_action_conf *conf,
		const struct rte_flow_action *action, struct rte_flow_error *error);
/* NULL with `error` set: none of the port's, or gone. */
struct rte_flow_action_handle *
hwf_handle_check(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		struct rte_flow_error *error);
/* EBUSY where rules use it or a queue has an operation on it. */
int
hwf_handle_idle(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		struct rte_flow_error *error);
int
hwf_update_parse(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		const void *update, struct hwf_update *u, struct rte_flow_error *error);
/* The model's half (connections, RSS), under the NIC's lock; then the rest, without it. */
int
hwf_update_model(struct hwf *h, const struct rte_flow_action_handle *handle,
		const struct hwf_update *u);
int
hwf_update_rest(struct hwf *h, struct rte_flow_action_handle *handle, const struct hwf_update *u);
void
hwf_update_fini(struct hwf_update *u);
/* Whether there is something to ask; then what the answer is. */
int
hwf_handle_askable(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		const void *data, struct rte_flow_error *error);
void
hwf_handle_ask(struct hwf *h, const struct rte_flow_action_handle *handle, void *data);

#endif /* HWF_ASYNC_H */
