/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Indirect actions: objects that rules share by a handle. Called by the driver's glue, and by flow_queue.c for the asynchronous
 * ones. Rules hold a handle by its count of uses (flow_actions.c); nothing here looks at rules.
 */
#include "hwf_async.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

/* --- connections, both ways --- */

static void
dir_from_rte(const struct rte_flow_tcp_dir_param *from, struct sim_ct_dir *to)
{
	to->scale = from->scale;
	to->close_initiated = from->close_initiated;
	to->last_ack_seen = from->last_ack_seen;
	to->data_unacked = from->data_unacked;
	to->sent_end = from->sent_end;
	to->reply_end = from->reply_end;
	to->max_win = from->max_win;
	to->max_ack = from->max_ack;
}

static void
dir_to_rte(const struct sim_ct_dir *from, struct rte_flow_tcp_dir_param *to)
{
	to->scale = from->scale;
	to->close_initiated = from->close_initiated;
	to->last_ack_seen = from->last_ack_seen;
	to->data_unacked = from->data_unacked;
	to->sent_end = from->sent_end;
	to->reply_end = from->reply_end;
	to->max_win = from->max_win;
	to->max_ack = from->max_ack;
}

void
hwf_ct_from_rte(const struct rte_flow_action_conntrack *from, struct sim_ct *to)
{
	memset(to, 0, sizeof(*to));
	to->enable = from->enable;
	to->live = from->live_connection;
	to->selective_ack = from->selective_ack;
	to->challenge_ack_passed = from->challenge_ack_passed;
	to->last_direction = from->last_direction;
	to->liberal = from->liberal_mode;
	to->phase = (uint8_t)from->state; /* the same order, see the assertions */
	to->max_ack_window = from->max_ack_window;
	to->retransmission_limit = from->retransmission_limit;
	to->last_index = (uint8_t)from->last_index;
	to->last_window = from->last_window;
	to->last_seq = from->last_seq;
	to->last_ack = from->last_ack;
	to->last_end = from->last_end;
	to->peer_port = from->peer_port;
	to->reply = !from->is_original_dir;
	dir_from_rte(&from->original_dir, &to->dir[0]);
	dir_from_rte(&from->reply_dir, &to->dir[1]);
}

_Static_assert((int)SIM_CT_SYN_RECV == (int)RTE_FLOW_CONNTRACK_STATE_SYN_RECV, "copied as it is");
_Static_assert((int)SIM_CT_TIME_WAIT == (int)RTE_FLOW_CONNTRACK_STATE_TIME_WAIT, "copied as it is");

void
hwf_ct_to_rte(const struct sim_ct *from, bool reply, struct rte_flow_action_conntrack *to)
{
	memset(to, 0, sizeof(*to));
	to->peer_port = from->peer_port;
	to->is_original_dir = !reply;
	to->enable = from->enable;
	to->live_connection = from->live;
	to->selective_ack = from->selective_ack;
	to->challenge_ack_passed = from->challenge_ack_passed;
	to->last_direction = from->last_direction;
	to->liberal_mode = from->liberal;
	to->state = (enum rte_flow_conntrack_state)from->phase;
	to->max_ack_window = from->max_ack_window;
	to->retransmission_limit = from->retransmission_limit;
	dir_to_rte(&from->dir[0], &to->original_dir);
	dir_to_rte(&from->dir[1], &to->reply_dir);
	to->last_window = from->last_window;
	to->last_index = (enum rte_flow_conntrack_tcp_last_index)from->last_index;
	to->last_seq = from->last_seq;
	to->last_ack = from->last_ack;
	to->last_end = from->last_end;
}

static int
ct_check(const struct hwf_where *w, const struct rte_flow_action_conntrack *ct,
		struct rte_flow_error *error)
{
	const uint32_t flags = (uint32_t)ct->last_index;

	if ((uint32_t)ct->state > RTE_FLOW_CONNTRACK_STATE_TIME_WAIT)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, &ct->state,
				"CONNTRACK: state %u is none of enum rte_flow_conntrack_state",
				(uint32_t)ct->state);
	if (flags > RTE_FLOW_CONNTRACK_FLAG_RST || (flags & (flags - 1)) != 0)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, &ct->last_index,
				"CONNTRACK: last_index %#x is not one flag", flags);
	return 0;
}

/* --- life --- */

static enum hwf_quota
quota_of(uint32_t type)
{
	switch (type) {
	case RTE_FLOW_ACTION_TYPE_COUNT:
		return HWF_Q_COUNTERS;
	case RTE_FLOW_ACTION_TYPE_AGE:
		return HWF_Q_AGES;
	case RTE_FLOW_ACTION_TYPE_METER:
		return HWF_Q_METERS;
	case RTE_FLOW_ACTION_TYPE_CONNTRACK:
		return HWF_Q_CTS;
	default:
		return HWF_QUOTAS;
	}
}

/* The object behind a handle: its number, or -errno with `error` set. */
static int64_t
make_ct(const struct hwf_where *w, const struct rte_flow_action *action,
		struct rte_flow_error *error)
{
	struct sim_ct ct;
	int64_t n;

	n = ct_check(w, action->conf, error);
	if (n != 0)
		return n;
	hwf_ct_from_rte(action->conf, &ct);
	sim_lock_take(w->h->nic);
	n = sim_ct_add(w->h->steer, &ct);
	sim_lock_give(w->h->nic);
	return n;
}

static int64_t
make_rss(const struct hwf_where *w, const struct rte_flow_action *action,
		struct rte_flow_error *error)
{
	struct sim_rss rss;
	int64_t n;

	n = hwf_rss(w, action, &rss, error);
	if (n != 0)
		return n;
	sim_lock_take(w->h->nic);
	n = sim_steer_rss_add(w->h->steer, &rss);
	sim_lock_give(w->h->nic);
	return n;
}

static int64_t
make_object(const struct hwf_where *w, const struct rte_flow_action *action,
		struct rte_flow_error *error)
{
	int64_t n;

	if (action->type != RTE_FLOW_ACTION_TYPE_COUNT && action->conf == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, action,
				"an indirect action of type %d needs a conf", (int)action->type);
	if (error != NULL)
		error->type = RTE_FLOW_ERROR_TYPE_NONE;
	switch (action->type) {
	case RTE_FLOW_ACTION_TYPE_COUNT:
		n = hwf_counter_add(w->h);
		break;
	case RTE_FLOW_ACTION_TYPE_AGE:
		n = hwf_age_add(w, action->conf);
		break;
	case RTE_FLOW_ACTION_TYPE_CONNTRACK:
		n = make_ct(w, action, error);
		break;
	default:
		n = make_rss(w, action, error);
		break;
	}
	/* Who checked a conf has said what is wrong; the model only has too few of something. */
	if (n < 0 && (error == NULL || error->type == RTE_FLOW_ERROR_TYPE_NONE))
		return hwf_fail(w, error, (int)-n, RTE_FLOW_ERROR_TYPE_ACTION, action,
				"no room for another object of action type %d", (int)action->type);
	return n;
}

static void
drop_object(struct hwf *h, uint32_t type, uint32_t object)
{
	if (type == RTE_FLOW_ACTION_TYPE_AGE) {
		hwf_age_del(h, object);
		return;
	}
	sim_lock_take(h->nic);
	if (type == RTE_FLOW_ACTION_TYPE_COUNT)
		sim_counter_del(h->steer, object);
	else if (type == RTE_FLOW_ACTION_TYPE_CONNTRACK)
		sim_ct_del(h->steer, object);
	else if (type == RTE_FLOW_ACTION_TYPE_RSS)
		sim_steer_rss_del(h->steer, object);
	else
		sim_meter_del(h->steer, object);
	sim_lock_give(h->nic);
}

static bool
may_be_indirect(enum rte_flow_action_type type)
{
	return type == RTE_FLOW_ACTION_TYPE_COUNT || type == RTE_FLOW_ACTION_TYPE_AGE ||
			type == RTE_FLOW_ACTION_TYPE_CONNTRACK || type == RTE_FLOW_ACTION_TYPE_RSS;
}

static uint8_t
domains_of(const struct rte_flow_indir_action_conf *conf)
{
	/* A conf that names no direction fits all: testpmd sends such ones. */
	if (conf == NULL)
		return 0;
	return (uint8_t)((conf->ingress ? 1u << SIM_INGRESS : 0) |
			(conf->egress ? 1u << SIM_EGRESS : 0) |
			(conf->transfer ? 1u << SIM_TRANSFER : 0));
}

static struct rte_flow_action_handle *
fill(const struct hwf_where *w, const struct rte_flow_indir_action_conf *conf,
		const struct rte_flow_action *action, struct rte_flow_error *error)
{
	const enum hwf_quota q = quota_of(action->type);
	struct rte_flow_action_handle *handle;
	int64_t object;

	handle = hwf_pool_get(&w->h->handles, HWF_HANDLE, w->port);
	if (handle == NULL) {
		hwf_fail(w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no room for another handle");
		return NULL;
	}
	if (q < HWF_QUOTAS && hwf_quota_take(w->h, w->port, q) != 0) {
		hwf_fail(w, error, ENOSPC, RTE_FLOW_ERROR_TYPE_ACTION, action,
				"rte_flow_configure() asked for no more objects of action type %d",
				(int)action->type);
		goto back;
	}
	object = make_object(w, action, error);
	if (object < 0) {
		if (q < HWF_QUOTAS)
			hwf_quota_give(w->h, w->port, q);
		goto back;
	}
	handle->type = action->type;
	handle->object = (uint32_t)object;
	handle->queue = w->queue;
	handle->domains = domains_of(conf);
	return handle;
back:
	hwf_pool_put(&w->h->handles, handle);
	return NULL;
}

struct rte_flow_action_handle *
hwf_handle_make(const struct hwf_where *w, const struct rte_flow_indir_action_conf *conf,
		const struct rte_flow_action *action, struct rte_flow_error *error)
{
	struct rte_flow_action_handle *handle;

	if (action == NULL || !may_be_indirect(action->type)) {
		hwf_fail(w, error, action == NULL ? EINVAL : ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION,
				action, "only COUNT, AGE, CONNTRACK and RSS can be indirect here");
		return NULL;
	}
	handle = fill(w, conf, action, error);
	if (handle == NULL)
		return NULL;
	if (action->type == RTE_FLOW_ACTION_TYPE_COUNT && action->conf != NULL)
		handle->id = ((const struct rte_flow_action_count *)action->conf)->id;
	if (action->type == RTE_FLOW_ACTION_TYPE_CONNTRACK)
		handle->reply = !((const struct rte_flow_action_conntrack *)action->conf)
						 ->is_original_dir;
	if (action->type == RTE_FLOW_ACTION_TYPE_AGE) {
		const struct rte_flow_action_age *age = action->conf;

		hwf_age_context(w->h, handle->object, age->context ? age->context : handle);
	}
	hwf_list_add(&w->h->port[w->port].handles, &w->h->handles, handle);
	return handle;
}

struct rte_flow_action_handle *
hwf_handle_check(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		struct rte_flow_error *error)
{
	/* A meter is a handle inside, which the application never sees. */
	if (hwf_pool_has(&w->h->handles, handle, HWF_HANDLE, w->port) &&
			handle->type != RTE_FLOW_ACTION_TYPE_METER)
		return (struct rte_flow_action_handle *)(uintptr_t)handle;
	hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_ACTION, handle,
			"no such indirect action on this port");
	return NULL;
}

int
hwf_handle_idle(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		struct rte_flow_error *error)
{
	if (handle->slot.flags & HWF_H_PENDING)
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_ACTION, handle,
				"a flow queue has an operation on this indirect action");
	if (handle->uses != 0)
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_ACTION, handle,
				"%u rules use this indirect action", handle->uses);
	return 0;
}

void
hwf_handle_free(struct hwf *h, struct rte_flow_action_handle *handle)
{
	const uint16_t port = handle->slot.port;
	const enum hwf_quota q = quota_of(handle->type);

	drop_object(h, handle->type, handle->object);
	if (q < HWF_QUOTAS)
		hwf_quota_give(h, port, q);
	hwf_list_del(&h->port[port].handles, &h->handles, handle);
	hwf_pool_put(&h->handles, handle);
}

/* --- update --- */

static int
parse_ct(const struct hwf_where *w, const struct rte_flow_modify_conntrack *m, struct hwf_update *u,
		struct rte_flow_error *error)
{
	int r;

	if (!m->state && !m->direction)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, m,
				"CONNTRACK: neither state nor direction is to be updated");
	if (m->state) {
		r = ct_check(w, &m->new_ct, error);
		if (r != 0)
			return r;
	}
	hwf_ct_from_rte(&m->new_ct, &u->ct);
	u->ct_state = m->state;
	u->ct_direction = m->direction;
	u->reply = !m->new_ct.is_original_dir;
	return 0;
}

static int
parse_rss(const struct hwf_where *w, const struct rte_flow_action *action, struct hwf_update *u,
		struct rte_flow_error *error)
{
	int r;

	/* The same as on creation: an action, as testpmd and mlx5 have it, not its bare conf. */
	if (action->type != RTE_FLOW_ACTION_TYPE_RSS || action->conf == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION, action,
				"RSS: the update of an indirect action is an action RSS");
	u->rss = malloc(sizeof(*u->rss));
	if (u->rss == NULL)
		return hwf_fail(w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no memory");
	r = hwf_rss(w, action, u->rss, error);
	if (r != 0)
		hwf_update_fini(u);
	return r;
}

int
hwf_update_parse(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		const void *update, struct hwf_update *u, struct rte_flow_error *error)
{
	memset(u, 0, sizeof(*u));
	if (update == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, NULL,
				"nothing to update with");
	switch (handle->type) {
	case RTE_FLOW_ACTION_TYPE_AGE:
		u->age_too = true;
		u->age = *(const struct rte_flow_update_age *)update;
		return 0;
	case RTE_FLOW_ACTION_TYPE_CONNTRACK:
		return parse_ct(w, update, u, error);
	case RTE_FLOW_ACTION_TYPE_RSS:
		return parse_rss(w, update, u, error);
	default:
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, handle,
				"an indirect action of type %u cannot be updated", handle->type);
	}
}

int
hwf_update_model(struct hwf *h, const struct rte_flow_action_handle *handle,
		const struct hwf_update *u)
{
	if (u->rss != NULL)
		return sim_steer_rss_update(h->steer, handle->object, u->rss);
	if (u->ct_state || u->ct_direction)
		return sim_ct_update(
				h->steer, handle->object, &u->ct, u->ct_state, u->ct_direction);
	return 0;
}

int
hwf_update_rest(struct hwf *h, struct rte_flow_action_handle *handle, const struct hwf_update *u)
{
	if (u->ct_direction)
		handle->reply = u->reply;
	return u->age_too ? hwf_age_update(h, handle->object, &u->age) : 0;
}

void
hwf_update_fini(struct hwf_update *u)
{
	free(u->rss);
	u->rss = NULL;
}

/* --- query --- */

int
hwf_handle_askable(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		const void *data, struct rte_flow_error *error)
{
	if (handle->type == RTE_FLOW_ACTION_TYPE_RSS)
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, handle,
				"RSS: there is nothing to query");
	if (data == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, NULL,
				"no place for the answer");
	return 0;
}

void
hwf_handle_ask(struct hwf *h, const struct rte_flow_action_handle *handle, void *data)
{
	struct sim_ct ct;

	if (handle->type == RTE_FLOW_ACTION_TYPE_COUNT) {
		hwf_count_query(h, handle->object, data);
	} else if (handle->type == RTE_FLOW_ACTION_TYPE_AGE) {
		hwf_age_query(h, handle->object, data);
	} else {
		sim_lock_take(h->nic);
		sim_ct_read(h->steer, handle->object, &ct);
		sim_lock_give(h->nic);
		hwf_ct_to_rte(&ct, handle->reply, data);
	}
}

/* --- synchronous calls --- */

/* Handles that rules use go by hwf_port_close(), after the rules. */
struct rte_flow_action_handle *
hwf_indirect_create(struct hwf *h, uint16_t port, const struct rte_flow_indir_action_conf *conf,
		const struct rte_flow_action *action, struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct rte_flow_action_handle *handle;

	if (hwf_enter(h, port, error) != 0)
		return NULL;
	handle = hwf_handle_make(&w, conf, action, error);
	hwf_unlock(h);
	return handle;
}

int
hwf_indirect_destroy(struct hwf *h, uint16_t port, struct rte_flow_action_handle *handle,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	handle = hwf_handle_check(&w, handle, error);
	r = handle == NULL ? -rte_errno : hwf_handle_idle(&w, handle, error);
	if (r == 0)
		hwf_handle_free(h, handle);
	hwf_unlock(h);
	return r;
}

static int
update_now(const struct hwf_where *w, struct rte_flow_action_handle *handle,
		const struct hwf_update *u, struct rte_flow_error *error)
{
	int r;

	sim_lock_take(w->h->nic);
	r = hwf_update_model(w->h, handle, u);
	sim_lock_give(w->h->nic);
	if (r == 0)
		r = hwf_update_rest(w->h, handle, u);
	if (r != 0)
		return hwf_fail(w, error, -r, RTE_FLOW_ERROR_TYPE_ACTION_CONF, handle,
				"the model refuses this update");
	return 0;
}

int
hwf_indirect_update(struct hwf *h, uint16_t port, struct rte_flow_action_handle *handle,
		const void *update, struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_update u;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	handle = hwf_handle_check(&w, handle, error);
	r = handle == NULL ? -rte_errno : hwf_update_parse(&w, handle, update, &u, error);
	if (r == 0) {
		r = update_now(&w, handle, &u, error);
		hwf_update_fini(&u);
	}
	hwf_unlock(h);
	return r;
}

int
hwf_indirect_query(struct hwf *h, uint16_t port, const struct rte_flow_action_handle *handle,
		void *data, struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	handle = hwf_handle_check(&w, handle, error);
	r = handle == NULL ? -rte_errno : hwf_handle_askable(&w, handle, data, error);
	if (r == 0)
		hwf_handle_ask(h, handle, data);
	hwf_unlock(h);
	return r;
}
