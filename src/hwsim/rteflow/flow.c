/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules, one call each: validate, create, destroy, flush, query, isolate. Called by the driver from any thread; takes
 * hwf.lock, and the NIC's lock around calls of the model; time passes (hwf_env.spend) under neither.
 */
#include "hwf_priv.h"

#include <errno.h>
#include <string.h>

#include <rte_errno.h>

/* A rule in the model's words, on the stack of a call. */
struct translated {
	struct sim_match match;
	struct hwf_actions actions;
};

static int
translate(struct hwf_where *w, const struct rte_flow_item *pattern,
		const struct rte_flow_action *actions, struct translated *t,
		struct rte_flow_error *error)
{
	int rc;

	rc = hwf_attr(w, error);
	if (rc == 0 && pattern != NULL && hwf_tunnel_of(w, pattern, &w->tunnel, error) < 0)
		return -rte_errno;
	if (rc == 0)
		rc = hwf_match(w, pattern, &t->match, error);
	return rc == 0 ? hwf_actions(w, actions, &t->actions, error) : rc;
}

int
hwf_validate(struct hwf *h, uint16_t port, const struct rte_flow_attr *attr,
		const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .attr = attr, .queue = UINT16_MAX };
	struct translated t;
	int rc;

	rc = hwf_check_port(h, port, error);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&h->lock);
	rc = translate(&w, pattern, actions, &t, error);
	pthread_mutex_unlock(&h->lock);
	return rc;
}

static uint8_t
tunnel_id(const struct hwf *h, const struct hwf_tunnel *t)
{
	return t == NULL ? 0 : hwf_pool_index(&h->tunnels, t) + 1;
}

/* Objects and handles of the actions become the rule's. */
static int
adopt(const struct hwf_where *w, struct rte_flow *flow, const struct hwf_actions *a)
{
	struct hwf *h = w->h;
	struct hwf_extra *x = NULL;
	uint32_t i;

	flow->counter = a->counter != HWF_NONE ? a->counter : a->shared_counter;
	flow->age = a->age != HWF_NONE ? a->age : a->shared_age;
	flow->slot.flags = (a->counter != HWF_NONE ? HWF_F_COUNTER_OWN : 0) |
			(a->age != HWF_NONE ? HWF_F_AGE_OWN : 0);
	flow->handle[0] = HWF_NONE;
	flow->handle[1] = HWF_NONE;
	flow->extra = HWF_NONE;
	flow->table = HWF_NONE;
	flow->queue = w->queue;
	flow->tunnel[0] = tunnel_id(h, w->tunnel);
	flow->tunnel[1] = tunnel_id(h, a->tunnel);
	if (a->rss != HWF_NONE || a->sample != HWF_NONE || a->n_handles > 2) {
		x = hwf_pool_get(&h->extras, HWF_EXTRA, flow->slot.port);
		if (x == NULL)
			return -ENOMEM;
		flow->extra = hwf_pool_index(&h->extras, x);
		x->rss = a->rss;
		x->sample = a->sample;
	}
	for (i = 0; i < a->n_handles; i++) {
		if (i < 2)
			flow->handle[i] = hwf_pool_index(&h->handles, a->handle[i]);
		else
			x->handle[x->n_handles++] = hwf_pool_index(&h->handles, a->handle[i]);
	}
	return 0;
}

/* The rule goes into the model, into the tunnel's own group if it has an item of one; `flow` is not linked yet. */
static int
insert(const struct hwf_where *w, struct rte_flow *flow, const struct sim_match *match,
		const struct hwf_actions *a, struct sim_cmd_cost *cost,
		struct rte_flow_error *error)
{
	struct hwf *h = w->h;
	struct sim_rule_params params = {
		.domain = hwf_domain(w->attr),
		.port = w->attr->transfer ? SIM_ANY_PORT : w->port,
		.group = w->attr->group,
		.priority = w->attr->priority,
		.match = match,
		.actions = a->action,
		.n_actions = a->n,
		.cookie = hwf_pool_index(&h->flows, flow),
		.hidden = w->queue != UINT16_MAX,
	};
	struct sim_error e = { "" };
	int rc;

	if (w->tunnel != NULL) {
		const int64_t group = hwf_tunnel_group(w, w->tunnel, w->attr->group, false, error);

		if (group < 0)
			return group;
		params.group = group;
	}
	memset(cost, 0, sizeof(*cost));
	sim_lock_take(h->nic);
	rc = sim_rule_insert(h->steer, &params, &flow->rule, &e);
	if (rc == 0)
		sim_rule_cost(flow->rule, cost);
	sim_lock_give(h->nic);
	if (rc == 0)
		return 0;
	if (rc == -EEXIST)
		return hwf_fail(w, error, EEXIST, RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY, w->attr, "%s",
				e.text);
	return hwf_fail(w, error, -rc, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL, "%s", e.text);
}

struct rte_flow *
hwf_rule_add(const struct hwf_where *w, const struct sim_match *match, struct hwf_actions *a,
		struct sim_cmd_cost *cost, struct rte_flow_error *error)
{
	struct hwf *h = w->h;
	struct rte_flow *flow;

	flow = hwf_pool_get(&h->flows, HWF_FLOW, w->port);
	if (flow == NULL) {
		hwf_fail(w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no memory for a rule");
		return NULL;
	}
	if (hwf_actions_claim(w, a, error) != 0)
		goto out_flow;
	if (adopt(w, flow, a) != 0) {
		hwf_fail(w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no memory for a rule");
		goto out_claim;
	}
	if (insert(w, flow, match, a, cost, error) != 0) {
		if (flow->extra != HWF_NONE)
			hwf_pool_put(&h->extras, hwf_pool_at(&h->extras, flow->extra));
		goto out_claim;
	}
	hwf_tunnel_uses(h, flow->tunnel, 1);
	if (a->age != HWF_NONE)
		hwf_age_context(h, a->age, flow);
	hwf_list_add(&h->port[w->port].flows, &h->flows, flow);
	return flow;
out_claim:
	hwf_actions_release(h, a);
out_flow:
	hwf_pool_put(&h->flows, flow);
	return NULL;
}

static void
unuse(struct hwf *h, uint32_t handle)
{
	if (handle != HWF_NONE)
		((struct rte_flow_action_handle *)hwf_pool_at(&h->handles, handle))->uses--;
}

void
hwf_rule_del(struct hwf *h, struct rte_flow *flow, struct sim_cmd_cost *cost)
{
	struct hwf_extra *x = NULL;
	uint32_t i;

	if (flow->extra != HWF_NONE)
		x = hwf_pool_at(&h->extras, flow->extra);
	memset(cost, 0, sizeof(*cost));
	sim_lock_take(h->nic);
	if (flow->rule != NULL) {
		sim_rule_cost(flow->rule, cost);
		sim_rule_remove(h->steer, flow->rule);
	}
	if (flow->slot.flags & HWF_F_COUNTER_OWN)
		sim_counter_del(h->steer, flow->counter);
	if (x != NULL && x->rss != HWF_NONE)
		sim_steer_rss_del(h->steer, x->rss);
	if (x != NULL && x->sample != HWF_NONE)
		sim_steer_sample_del(h->steer, x->sample);
	sim_lock_give(h->nic);
	if (flow->slot.flags & HWF_F_AGE_OWN) {
		hwf_age_del(h, flow->age);
		hwf_quota_give(h, flow->slot.port, HWF_Q_AGES);
	}
	if (flow->slot.flags & HWF_F_COUNTER_OWN)
		hwf_quota_give(h, flow->slot.port, HWF_Q_COUNTERS);
	hwf_tunnel_uses(h, flow->tunnel, -1);
	unuse(h, flow->handle[0]);
	unuse(h, flow->handle[1]);
	for (i = 0; x != NULL && i < x->n_handles; i++)
		unuse(h, x->handle[i]);
	if (x != NULL)
		hwf_pool_put(&h->extras, x);
	hwf_list_del(&h->port[flow->slot.port].flows, &h->flows, flow);
	hwf_pool_put(&h->flows, flow);
}

void
hwf_flows_drop(struct hwf *h, uint16_t port)
{
	struct hwf_port *p = &h->port[port];
	struct sim_cmd_cost cost;
	struct rte_flow *flow;

	while (p->flows.first != HWF_NONE) {
		flow = hwf_pool_at(&h->flows, p->flows.first);
		if (flow->slot.flags & HWF_F_ASYNC && p->async_forget != NULL)
			p->async_forget(h, flow);
		hwf_rule_del(h, flow, &cost);
	}
}

struct rte_flow *
hwf_create(struct hwf *h, uint16_t port, const struct rte_flow_attr *attr,
		const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .attr = attr, .queue = UINT16_MAX };
	const uint64_t began = h->env->begin(h->ctx);
	struct sim_cmd_cost cost;
	struct rte_flow *flow = NULL;
	struct translated t;

	if (hwf_check_port(h, port, error) != 0)
		return NULL;
	pthread_mutex_lock(&h->lock);
	if (translate(&w, pattern, actions, &t, error) == 0)
		flow = hwf_rule_add(&w, &t.match, &t.actions, &cost, error);
	pthread_mutex_unlock(&h->lock);
	if (flow != NULL)
		h->env->spend(h->ctx, SIM_CMD_INSERT, &cost, began);
	return flow;
}

/* A rule that the application hands in: is it one, and may it be dealt with here? */
static int
known(const struct hwf_where *w, const struct rte_flow *flow, struct rte_flow_error *error)
{
	if (!hwf_pool_has(&w->h->flows, flow, HWF_FLOW, w->port))
		return hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"no such rule on this port");
	return 0;
}

int
hwf_destroy(struct hwf *h, uint16_t port, struct rte_flow *flow, struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port };
	const uint64_t began = h->env->begin(h->ctx);
	struct sim_cmd_cost cost;
	int rc;

	rc = hwf_check_port(h, port, error);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&h->lock);
	rc = known(&w, flow, error);
	if (rc == 0 && flow->slot.flags & HWF_F_ASYNC)
		rc = hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"a rule of a template table: rte_flow_async_destroy() destroys it");
	if (rc == 0)
		hwf_rule_del(h, flow, &cost);
	pthread_mutex_unlock(&h->lock);
	if (rc == 0)
		h->env->spend(h->ctx, SIM_CMD_DELETE, &cost, began);
	return rc;
}

int
hwf_flush(struct hwf *h, uint16_t port, struct rte_flow_error *error)
{
	struct sim_cmd_cost cost;
	struct rte_flow *flow;
	struct hwf_port *p;
	uint64_t began;
	bool more;
	int rc;

	rc = hwf_check_port(h, port, error);
	p = &h->port[rc == 0 ? port : 0];
	/* One at a time, as the card does it: time passes, and others have their turn. */
	for (more = rc == 0; more;) {
		began = h->env->begin(h->ctx);
		pthread_mutex_lock(&h->lock);
		more = p->flows.first != HWF_NONE;
		if (more) {
			flow = hwf_pool_at(&h->flows, p->flows.first);
			if (flow->slot.flags & HWF_F_ASYNC && p->async_forget != NULL)
				p->async_forget(h, flow);
			hwf_rule_del(h, flow, &cost);
		}
		pthread_mutex_unlock(&h->lock);
		if (more)
			h->env->spend(h->ctx, SIM_CMD_DELETE, &cost, began);
	}
	return rc;
}

static int
query(const struct hwf_where *w, struct rte_flow *flow, const struct rte_flow_action *action,
		void *data, struct rte_flow_error *error)
{
	const uint32_t none = HWF_NONE;

	switch ((int)action->type) {
	case RTE_FLOW_ACTION_TYPE_COUNT:
		if (flow->counter == none)
			break;
		hwf_count_query(w->h, flow->counter, data);
		return 0;
	case RTE_FLOW_ACTION_TYPE_AGE:
		if (flow->age == none)
			break;
		hwf_age_query(w->h, flow->age, data);
		return 0;
	default:
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, action,
				"only COUNT and AGE can be asked about");
	}
	return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION, action,
			"the rule has no such action");
}

int
hwf_query(struct hwf *h, uint16_t port, struct rte_flow *flow, const struct rte_flow_action *action,
		void *data, struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port };
	int rc;

	rc = hwf_check_port(h, port, error);
	if (rc != 0)
		return rc;
	if (data == NULL || action == NULL)
		return hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"nothing to ask about, or no place for the answer");
	pthread_mutex_lock(&h->lock);
	rc = known(&w, flow, error);
	for (; rc == 0 && action->type == RTE_FLOW_ACTION_TYPE_VOID; action++)
		;
	if (rc == 0)
		rc = query(&w, flow, action, data, error);
	pthread_mutex_unlock(&h->lock);
	return rc;
}

int
hwf_isolate(struct hwf *h, uint16_t port, int set, struct rte_flow_error *error)
{
	int rc = hwf_check_port(h, port, error);

	if (rc != 0)
		return rc;
	pthread_mutex_lock(&h->lock);
	h->port[port].isolated = set != 0;
	sim_lock_take(h->nic);
	sim_steer_isolate(h->steer, port, set != 0);
	sim_lock_give(h->nic);
	pthread_mutex_unlock(&h->lock);
	return 0;
}
