/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow queues: operations on rules and indirect actions that are asked for now, carried out in the cycle in which the card's
 * command queue is through with them, and heard of by pulling. Called by the driver's glue, from any thread; a queue by one
 * at a time, as rte_flow.h says.
 *
 *   posted -> (push, or no postpone) -> sent to the command queue -> done there -> pulled
 *
 * A rule has its place, objects and cost when it is posted, and is hidden from packets until it is done; one that is to
 * be destroyed is seen until then. What is done in the command queue (op_done()) runs under the NIC's lock alone and so
 * touches nothing but the model and the operation; the rest follows when it is pulled (op_finish()).
 */
#include "flow_queue.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

static struct hwf_op *
op_at(struct hwf_queue *q, uint32_t i)
{
	return &q->op[i & q->mask];
}

struct hwf_queue *
hwf_queue_new(struct hwf *h, uint16_t port, uint32_t size)
{
	const uint32_t places = rte_align32pow2(size);
	struct hwf_queue *q = calloc(1, sizeof(*q) + places * sizeof(q->op[0]));

	if (q == NULL)
		return NULL;
	q->h = h;
	q->port = port;
	q->size = size;
	q->mask = places - 1;
	return q;
}

bool
hwf_queue_idle(const struct hwf_queue *q)
{
	return q->head == q->tail;
}

/* The command queue may still point into it: then its memory stays until nobody carries out anything any more. */
void
hwf_queue_close(struct hwf *h, struct hwf_queue *q)
{
	bool busy;
	uint32_t i;

	sim_lock_take(h->nic);
	for (i = q->head; i != q->tail; i++) {
		struct hwf_op *op = op_at(q, i);

		if (op->update != NULL)
			hwf_update_fini(op->update);
		free(op->update);
		op->update = NULL;
		op->flow = NULL;
		op->rule = NULL;
		op->handle = NULL;
	}
	busy = q->in_flight != 0;
	sim_lock_give(h->nic);
	if (!busy) {
		free(q);
		return;
	}
	q->next = h->queues_gone;
	h->queues_gone = q;
}

void
hwf_queue_fini(struct hwf *h)
{
	struct hwf_queue *q, *next;

	for (q = h->queues_gone; q != NULL; q = next) {
		next = q->next;
		free(q);
	}
	h->queues_gone = NULL;
}

/* Forgets up to `left` operations on `flow`; returns how many are left. Rules go in the order in which they came, mostly. */
static uint32_t
forget_in(struct hwf_queue *q, const struct rte_flow *flow, uint32_t left)
{
	const uint32_t n = q->tail - q->head;
	const uint32_t first = q->looked - q->head < n ? q->looked - q->head : 0;
	uint32_t i, at;

	for (i = 0; i < n && left > 0; i++) {
		at = q->head + (first + i < n ? first + i : first + i - n);
		if (op_at(q, at)->flow != flow)
			continue;
		op_at(q, at)->flow = NULL;
		op_at(q, at)->rule = NULL;
		q->looked = at + 1;
		left--;
	}
	return left;
}

/* A rule goes without its queue having a say (flush, close): operations on it have nothing to do any more. */
static void
forget(struct hwf *h, struct rte_flow *flow)
{
	struct hwf_queues *s = h->port[flow->slot.port].async;
	struct rte_flow_template_table *t = hwf_pool_at(&s->tables, flow->table);
	/* Its creation, its destruction, or both. */
	uint32_t left = (flow->slot.flags & HWF_F_PENDING ? 1 : 0) +
			(flow->slot.flags & HWF_F_DYING ? 1 : 0);
	uint32_t i;

	t->n_flows--;
	if (left == 0)
		return;
	sim_lock_take(h->nic);
	for (i = 0; i < s->n && left > 0; i++)
		left = forget_in(s->queue[(flow->queue + i) % s->n], flow, left);
	sim_lock_give(h->nic);
}

/* --- posting --- */

struct hwf_queue *
hwf_queue_get(struct hwf_where *w, uint32_t queue, bool room, struct rte_flow_error *error)
{
	struct hwf_queues *s = w->h->port[w->port].async;
	struct hwf_queue *q;

	if (s == NULL || queue >= s->n) {
		hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"flow queue %u: the port is configured for %u", queue,
				s == NULL ? 0 : s->n);
		return NULL;
	}
	q = s->queue[queue];
	if (room && q->tail - q->head >= q->size) {
		hwf_fail(w, error, EAGAIN, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"flow queue %u is full (%u operations): pull", queue, q->size);
		return NULL;
	}
	w->queue = (uint16_t)queue;
	return q;
}

/* Called by the command queue, under the NIC's lock. */
static void
op_done(void *arg)
{
	struct hwf_op *op = arg;
	struct sim_steer *steer = op->q->h->steer;

	op->done = 1;
	op->q->in_flight--;
	if (op->rule != NULL && op->kind == OP_CREATE) {
		sim_rule_show(steer, op->rule);
	} else if (op->rule != NULL && op->kind == OP_DESTROY) {
		sim_rule_remove(steer, op->rule);
		op->flow->rule = NULL;
	} else if (op->update != NULL && op->handle != NULL) {
		op->failed = hwf_update_model(op->q->h, op->handle, op->update) != 0;
	}
}

static enum sim_cmd_kind
cmd_kind(const struct hwf_op *op)
{
	return op->kind == OP_CREATE		 ? SIM_CMD_INSERT
			: op->kind == OP_DESTROY ? SIM_CMD_DELETE
						 : SIM_CMD_UPDATE;
}

/* As much of what is pushed as the command queue takes. */
static void
send_pushed(struct hwf_queue *q)
{
	struct hwf *h = q->h;
	int64_t at = 0;

	if (q->sent == q->pushed)
		return;
	sim_lock_take(h->nic);
	while (q->sent != q->pushed) {
		struct hwf_op *op = op_at(q, q->sent);

		q->in_flight++;
		at = h->env->enqueue(h->ctx, cmd_kind(op), &op->cost, op_done, op);
		if (at < 0) {
			q->in_flight--;
			if (at == -EAGAIN)
				break;
			op->done = op->failed = 1;
		}
		op->at = at < 0 ? 0 : (sim_cycle)at;
		q->sent++;
	}
	sim_lock_give(h->nic);
}

struct hwf_op *
hwf_op_next(struct hwf_queue *q, enum op_kind kind, void *user_data)
{
	struct hwf_op *op = op_at(q, q->tail);

	memset(op, 0, sizeof(*op));
	op->kind = (uint8_t)kind;
	op->q = q;
	op->user_data = user_data;
	return op;
}

void
hwf_op_post(struct hwf_queue *q, const struct rte_flow_op_attr *attr)
{
	q->tail++;
	if (attr != NULL && attr->postpone)
		return;
	q->pushed = q->tail;
	send_pushed(q);
}

/* --- rules --- */

static int
table_room(const struct hwf_where *w, struct rte_flow_template_table *t,
		struct rte_flow_error *error)
{
	const struct hwf_queues *s = w->h->port[w->port].async;

	if (!hwf_pool_has(&s->tables, t, (enum hwf_kind)HWF_TABLE, w->port))
		return hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, t,
				"no such template table on this port");
	if (t->n_flows >= t->nb_flows)
		return hwf_fail(w, error, ENOSPC, RTE_FLOW_ERROR_TYPE_HANDLE, t,
				"the table was made for %u rules", t->nb_flows);
	return 0;
}

static struct rte_flow *
rule_add(struct hwf_where *w, const struct hwf_async_rule *rule, struct sim_cmd_cost *cost,
		struct rte_flow_error *error)
{
	struct rte_flow_template_table *t = rule->table;
	struct template_rule made;
	struct hwf_actions actions;
	struct sim_match match;
	struct rte_flow *flow;

	if (table_room(w, t, error) != 0)
		return NULL;
	w->attr = &t->attr;
	if (hwf_template_rule(w, rule, &made, error) != 0 ||
			hwf_tunnel_of(w, made.item, &w->tunnel, error) < 0 ||
			hwf_match(w, made.item, &match, error) != 0 ||
			hwf_actions(w, made.action, &actions, error) != 0)
		return NULL;
	flow = hwf_rule_add(w, &match, &actions, cost, error);
	if (flow == NULL)
		return NULL;
	flow->slot.flags |= HWF_F_ASYNC | HWF_F_PENDING;
	flow->queue = w->queue;
	flow->table = hwf_pool_index(&((struct hwf_queues *)w->h->port[w->port].async)->tables, t);
	t->n_flows++;
	return flow;
}

struct rte_flow *
hwf_async_create(struct hwf *h, uint16_t port, const struct hwf_async_rule *rule,
		struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct rte_flow *flow = NULL;
	struct sim_cmd_cost cost;
	struct hwf_queue *q;
	struct hwf_op *op;

	if (hwf_enter(h, port, error) != 0)
		return NULL;
	q = hwf_queue_get(&w, rule->queue, true, error);
	if (q != NULL)
		flow = rule_add(&w, rule, &cost, error);
	if (flow != NULL) {
		h->port[port].async_forget = forget;
		op = hwf_op_next(q, OP_CREATE, rule->user_data);
		op->flow = flow;
		op->rule = flow->rule;
		op->cost = cost;
		hwf_op_post(q, rule->attr);
	}
	hwf_unlock(h);
	return flow;
}

static int
destroyable(const struct hwf_where *w, const struct rte_flow *flow, struct rte_flow_error *error)
{
	if (!hwf_pool_has(&w->h->flows, flow, HWF_FLOW, w->port))
		return hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"no such rule on this port");
	if ((flow->slot.flags & HWF_F_ASYNC) == 0)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"not a rule of a template table: rte_flow_destroy() destroys it");
	if (flow->slot.flags & HWF_F_DYING)
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"the rule is being destroyed already");
	/* Operations of one queue keep their order; of two they do not. */
	if (flow->queue != w->queue && (flow->slot.flags & HWF_F_PENDING))
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"flow queue %u is still creating the rule", flow->queue);
	if (flow->queue != w->queue && w->h->port[w->port].strict_queues)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"STRICT_QUEUE: the rule is flow queue %u's", flow->queue);
	return 0;
}

int
hwf_async_destroy(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		struct rte_flow *flow, struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queue *q;
	struct hwf_op *o;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	q = hwf_queue_get(&w, op->queue, true, error);
	r = q == NULL ? -rte_errno : destroyable(&w, flow, error);
	if (r == 0) {
		flow->slot.flags |= HWF_F_DYING;
		o = hwf_op_next(q, OP_DESTROY, op->user_data);
		o->flow = flow;
		o->rule = flow->rule;
		sim_lock_take(h->nic);
		sim_rule_cost(flow->rule, &o->cost);
		sim_lock_give(h->nic);
		hwf_op_post(q, op->attr);
	}
	hwf_unlock(h);
	return r;
}

/* --- push and pull --- */

int
hwf_push(struct hwf *h, uint16_t port, uint32_t queue, struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queue *q;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	q = hwf_queue_get(&w, queue, false, error);
	if (q != NULL) {
		q->pushed = q->tail;
		send_pushed(q);
	}
	hwf_unlock(h);
	return q == NULL ? -rte_errno : 0;
}

static void
finish_rule(struct hwf *h, struct hwf_op *op)
{
	struct rte_flow *flow = op->flow;
	struct sim_cmd_cost cost;
	bool gone;

	if (flow == NULL)
		return;
	/* A rule whose creation failed is none; if it is being destroyed already, that operation ends it. */
	gone = op->kind == OP_DESTROY ? !op->failed
				      : op->failed && !(flow->slot.flags & HWF_F_DYING);
	if (gone) {
		/* This was the last operation on it: there is nothing to be looked for. */
		flow->slot.flags &= (uint8_t) ~(HWF_F_DYING | HWF_F_PENDING);
		forget(h, flow);
		hwf_rule_del(h, flow, &cost);
	} else {
		flow->slot.flags &=
				(uint8_t) ~(op->kind == OP_DESTROY ? HWF_F_DYING : HWF_F_PENDING);
	}
}

/* The half of an operation that waits for its being pulled. */
static void
op_finish(struct hwf *h, struct hwf_op *op)
{
	struct rte_flow_action_handle *handle = op->handle;

	if (op->kind == OP_CREATE || op->kind == OP_DESTROY) {
		finish_rule(h, op);
		return;
	}
	if (op->kind == OP_FREE) {
		handle->slot.flags &= (uint8_t)~HWF_H_PENDING;
		if (!op->failed)
			hwf_handle_free(h, handle);
		return;
	}
	handle->uses--;
	if (op->kind == OP_QUERY && !op->failed)
		hwf_handle_ask(h, handle, op->data);
	if (op->kind == OP_UPDATE) {
		if (!op->failed)
			op->failed = hwf_update_rest(h, handle, op->update) != 0;
		hwf_update_fini(op->update);
		free(op->update);
		op->update = NULL;
	}
}

/* How many from the head on the caller may hear of. */
static uint32_t
ready(struct hwf_queue *q, uint32_t most)
{
	struct hwf *h = q->h;
	uint32_t n = 0;
	sim_cycle now;

	sim_lock_take(h->nic);
	now = h->env->now(h->ctx);
	while (n < most && q->head + n != q->sent && op_at(q, q->head + n)->done &&
			op_at(q, q->head + n)->at <= now)
		n++;
	sim_lock_give(h->nic);
	return n;
}

int
hwf_pull(struct hwf *h, uint16_t port, uint32_t queue, struct rte_flow_op_result res[],
		uint16_t n_res, struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queue *q;
	struct hwf_op *op;
	uint32_t i, n = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	q = hwf_queue_get(&w, queue, false, error);
	if (q != NULL) {
		send_pushed(q);
		n = ready(q, n_res);
		for (i = 0; i < n; i++) {
			op = op_at(q, q->head);
			op_finish(h, op);
			res[i].user_data = op->user_data;
			res[i].status = op->failed ? RTE_FLOW_OP_ERROR : RTE_FLOW_OP_SUCCESS;
			q->head++;
		}
	}
	hwf_unlock(h);
	return q == NULL ? -rte_errno : (int)n;
}

int
hwf_get_queue_aged(struct hwf *h, uint16_t port, uint32_t queue, void **contexts, uint32_t nb,
		struct rte_flow_error *error)
{
	struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	int r = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	if (nb != 0 && contexts == NULL)
		r = hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no array for the contexts");
	else if (h->port[port].strict_queues && hwf_queue_get(&w, queue, false, error) == NULL)
		r = -rte_errno;
	else
		r = hwf_age_fetch(
				h, port, h->port[port].strict_queues ? 1 + queue : 0, contexts, nb);
	hwf_unlock(h);
	return r;
}
