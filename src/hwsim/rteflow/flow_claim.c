/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects of the model that a rule's actions ask for: made when the rule is, given back when it goes or could not be made.
 * Under hwf.lock.
 */
#include <errno.h>

#include "actions.h"

static int
no_room(const struct hwf_where *w, struct rte_flow_error *error,
		const struct rte_flow_action *action, int64_t rc, const char *what)
{
	return hwf_fail(w, error, -rc, RTE_FLOW_ERROR_TYPE_ACTION, action,
			rc == -ENOSPC ? "no %s left on this card" : "no memory for a %s", what);
}

static int
claim_counter(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error)
{
	int64_t n = hwf_quota_take(w->h, w->port, HWF_Q_COUNTERS);

	if (n != 0)
		return no_room(w, error, a->count_action, n, "counter");
	n = hwf_counter_add(w->h);
	if (n < 0) {
		hwf_quota_give(w->h, w->port, HWF_Q_COUNTERS);
		return no_room(w, error, a->count_action, n, "counter");
	}
	a->counter = n;
	a->action[a->count_at].u32 = n;
	return 0;
}

static int
claim_age(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error)
{
	int64_t n = hwf_quota_take(w->h, w->port, HWF_Q_AGES);

	if (n != 0)
		return no_room(w, error, a->age_action, n, "age context");
	n = hwf_age_add(w, a->age_action->conf);
	if (n < 0) {
		hwf_quota_give(w->h, w->port, HWF_Q_AGES);
		return no_room(w, error, a->age_action, n, "age context");
	}
	a->age = n;
	a->action[a->age_at].u32 = n;
	return 0;
}

static int
claim_rss(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error)
{
	struct sim_rss rss;
	int64_t n;
	int rc;

	rc = hwf_rss(w, a->rss_action, &rss, error);
	if (rc != 0)
		return rc;
	sim_lock_take(w->h->nic);
	n = sim_steer_rss_add(w->h->steer, &rss);
	sim_lock_give(w->h->nic);
	if (n < 0)
		return no_room(w, error, a->rss_action, n, "RSS object");
	a->rss = n;
	a->action[a->rss_at].u32 = n;
	return 0;
}

static int
claim_sample(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error)
{
	struct sim_sample sample;
	int64_t n;
	int rc;

	rc = actions_sample_of(w, a->sample_action, &sample, error);
	if (rc != 0)
		return rc;
	sim_lock_take(w->h->nic);
	n = sim_steer_sample_add(w->h->steer, &sample);
	sim_lock_give(w->h->nic);
	if (n < 0)
		return no_room(w, error, a->sample_action, n, "sample object");
	a->sample = n;
	a->action[a->sample_at].u32 = n;
	return 0;
}

/* The JUMP beside a private action of tunnel offload: to the tunnel's own group of that number. */
static int
claim_tunnel(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error)
{
	bool decap = false;
	int64_t group;
	uint32_t i;

	for (i = 0; i < a->n; i++)
		decap |= a->action[i].type == SIM_A_DECAP || a->action[i].type == SIM_A_STRIP;
	group = hwf_tunnel_group(w, a->tunnel, a->jump, decap, error);
	if (group < 0)
		return group;
	a->action[a->n - 1].u32 = group;
	return 0;
}

int
hwf_actions_claim(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error)
{
	int rc = 0;
	uint32_t i;

	if (a->count_action != NULL)
		rc = claim_counter(w, a, error);
	if (rc == 0 && a->age_action != NULL)
		rc = claim_age(w, a, error);
	if (rc == 0 && a->rss_action != NULL)
		rc = claim_rss(w, a, error);
	if (rc == 0 && a->sample_action != NULL)
		rc = claim_sample(w, a, error);
	if (rc == 0 && a->tunnel != NULL)
		rc = claim_tunnel(w, a, error);
	a->port = w->port;
	if (rc == 0) {
		for (i = 0; i < a->n_handles; i++)
			a->handle[i]->uses++;
		a->claimed = true;
	} else {
		hwf_actions_release(w->h, a);
	}
	return rc;
}

void
hwf_actions_release(struct hwf *h, struct hwf_actions *a)
{
	uint32_t i;

	for (i = 0; a->claimed && i < a->n_handles; i++)
		a->handle[i]->uses--;
	a->claimed = false;
	if (a->age != HWF_NONE) {
		hwf_age_del(h, a->age);
		hwf_quota_give(h, a->port, HWF_Q_AGES);
	}
	if (a->counter != HWF_NONE)
		hwf_quota_give(h, a->port, HWF_Q_COUNTERS);
	sim_lock_take(h->nic);
	if (a->counter != HWF_NONE)
		sim_counter_del(h->steer, a->counter);
	if (a->rss != HWF_NONE)
		sim_steer_rss_del(h->steer, a->rss);
	if (a->sample != HWF_NONE)
		sim_steer_sample_del(h->steer, a->sample);
	sim_lock_give(h->nic);
	a->counter = HWF_NONE;
	a->age = HWF_NONE;
	a->rss = HWF_NONE;
	a->sample = HWF_NONE;
}
