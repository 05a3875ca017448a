/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Indirect actions by flow queues: see flow_queue.c, which carries them out. Called by the driver's glue.
 */
#include "flow_queue.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>

/* It may be gone before an operation that is posted now: EBUSY. */
static int
stays(const struct hwf_where *w, const struct rte_flow_action_handle *handle,
		struct rte_flow_error *error)
{
	if (handle->slot.flags & HWF_H_PENDING)
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_ACTION, handle,
				"a flow queue is destroying the indirect action");
	return 0;
}

struct rte_flow_action_handle *
hwf_async_indirect_create(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
		struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct rte_flow_action_handle *handle = NULL;
	struct hwf_queue *q;
	struct hwf_op *o;

	if (hwf_enter(h, port, error) != 0)
		return NULL;
	q = hwf_queue_get(&w, op->queue, true, error);
	if (q != NULL)
		handle = hwf_handle_make(&w, conf, action, error);
	if (handle != NULL) {
		/* Each operation under way is a use, so that none outlives the handle. */
		handle->uses++;
		o = hwf_op_next(q, OP_MAKE, op->user_data);
		o->handle = handle;
		hwf_op_post(q, op->attr);
	}
	hwf_unlock(h);
	return handle;
}

int
hwf_async_indirect_destroy(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		struct rte_flow_action_handle *handle, struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queue *q;
	struct hwf_op *o;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	q = hwf_queue_get(&w, op->queue, true, error);
	handle = q == NULL ? NULL : hwf_handle_check(&w, handle, error);
	r = handle == NULL ? -rte_errno : hwf_handle_idle(&w, handle, error);
	if (r == 0) {
		handle->slot.flags |= HWF_H_PENDING;
		o = hwf_op_next(q, OP_FREE, op->user_data);
		o->handle = handle;
		hwf_op_post(q, op->attr);
	}
	hwf_unlock(h);
	return r;
}

int
hwf_async_indirect_update(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		struct rte_flow_action_handle *handle, const void *update,
		struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_update *u;
	struct hwf_queue *q;
	struct hwf_op *o;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	u = malloc(sizeof(*u));
	q = hwf_queue_get(&w, op->queue, true, error);
	handle = q == NULL ? NULL : hwf_handle_check(&w, handle, error);
	if (handle == NULL)
		r = -rte_errno;
	else if (u == NULL)
		r = hwf_fail(&w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL, "no memory");
	else if ((r = stays(&w, handle, error)) == 0)
		r = hwf_update_parse(&w, handle, update, u, error);
	if (r == 0) {
		handle->uses++;
		o = hwf_op_next(q, OP_UPDATE, op->user_data);
		o->handle = handle;
		o->update = u;
		hwf_op_post(q, op->attr);
	}
	hwf_unlock(h);
	if (r != 0)
		free(u);
	return r;
}

int
hwf_async_indirect_query(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		const struct rte_flow_action_handle *handle, void *data,
		struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct rte_flow_action_handle *mine;
	struct hwf_queue *q;
	struct hwf_op *o;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	q = hwf_queue_get(&w, op->queue, true, error);
	mine = q == NULL ? NULL : hwf_handle_check(&w, handle, error);
	r = mine == NULL ? -rte_errno : hwf_handle_askable(&w, mine, data, error);
	if (r == 0)
		r = stays(&w, mine, error);
	if (r == 0) {
		mine->uses++;
		o = hwf_op_next(q, OP_QUERY, op->user_data);
		o->handle = mine;
		o->data = data;
		hwf_op_post(q, op->attr);
	}
	hwf_unlock(h);
	return r;
}
