/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/rteflow: operations of flow queues, shared by flow_queue.c (rules, push, pull) and flow_queue_indirect.c.
 */
#ifndef HWF_QUEUE_H
#define HWF_QUEUE_H

#include "flow_template.h"

enum op_kind { OP_CREATE, OP_DESTROY, OP_MAKE, OP_FREE, OP_UPDATE, OP_QUERY };

struct hwf_op {
	uint8_t kind;	/* enum op_kind */
	uint8_t done;	/* [N] carried out */
	uint8_t failed; /* [N] */
	struct hwf_queue *q;
	void *user_data;
	sim_cycle at; /* [N] when the caller may hear of it */
	struct sim_cmd_cost cost;
	struct rte_flow *flow; /* NULL: not about a rule, or it is gone */
	struct sim_rule *rule; /* [N] the same */
	struct rte_flow_action_handle *handle;
	struct hwf_update *update;
	void *data; /* of a query */
};

/* [N] is under the NIC's lock, all else under hwf.lock. Counters run on; their low bits are places in the ring. */
struct hwf_queue {
	struct hwf_queue *next; /* of those gone */
	struct hwf *h;
	uint16_t port;
	uint32_t size;	 /* operations at most */
	uint32_t mask;	 /* of the ring, which is a power of two: so counters may come round */
	uint32_t looked; /* where to look first for a rule's operation */
	uint32_t head, sent, pushed,
			tail; /* to be pulled next, sent next, sent no further, posted next */
	uint32_t in_flight;   /* [N] sent and not done */
	struct hwf_op op[];
};

/* The queue an operation is for, with room for it if `room`; w->queue is set. NULL with `error` set. */
struct hwf_queue *
hwf_queue_get(struct hwf_where *w, uint32_t queue, bool room, struct rte_flow_error *error);
/* The next place, filled in but for what it is about; hwf_op_post() makes it count. */
struct hwf_op *
hwf_op_next(struct hwf_queue *q, enum op_kind kind, void *user_data);
void
hwf_op_post(struct hwf_queue *q, const struct rte_flow_op_attr *attr);

#endif /* HWF_QUEUE_H */
