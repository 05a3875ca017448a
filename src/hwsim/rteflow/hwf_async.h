/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/rteflow: what indirect actions, templates and queues, tunnels and meters (flow_indirect.c,
 * flow_template.c, flow_queue.c, flow_tunnel.c, mtr.c) have for the synchronous half (flow.c, flow_items.c,
 * flow_actions.c). All calls are made under the NIC's lock unless said.
 */
#ifndef HWF_ASYNC_H
#define HWF_ASYNC_H

#include "hwf_priv.h"

/* State of all of it, one a struct hwf (its member `async`). NULL: no memory. No lock needed for these three. */
struct hwf_async;
struct hwf_async *
hwf_async_open(struct hwf *h);
void
hwf_async_close(struct hwf_async *a);
/* The port's handles, templates, tables, queues, tunnels and meters go; its rules are gone already. */
void
hwf_async_port_close(struct hwf *h, uint16_t port);

/* --- indirect actions --- */
/*
 * An action INDIRECT in a rule: conf is the handle. Checks it (generation, port, direction) and says what the model has to do
 * for it. *type is the type of the action behind it. Nothing is held yet.
 */
int
hwf_handle_action(const struct hwf_where *w, const struct rte_flow_action *action,
		enum rte_flow_action_type *type, struct sim_action *out,
		struct rte_flow_error *error);
/* A rule begins and ends to use a handle that hwf_handle_action() let through in the same locked stretch. */
void
hwf_handle_hold(struct hwf *h, struct rte_flow_action_handle *handle);
void
hwf_handle_put(struct hwf *h, struct rte_flow_action_handle *handle);
/* For rte_flow_query() of a rule: what the handle's action would answer. */
int
hwf_handle_query(struct hwf *h, const struct rte_flow_action_handle *handle, void *data,
		struct rte_flow_error *error);

/*
 * Cookie of an age context (sim_age_add()): that of a rule's own is its struct rte_flow *, that of a handle has this bit and
 * the handle. hwf_handle_aged() says whom to tell of the latter; false: it is gone.
 */
#define HWF_COOKIE_HANDLE (UINT64_C(1) << 63)
bool
hwf_handle_aged(struct hwf *h, uint64_t cookie, uint16_t *port, uint32_t *queue, void **context);

/* --- meters: action METER --- */
/* `out` gets the model's actions, at most two: METER, and a JUMP where the policy has actions of its own. Returns their number. */
int
hwf_meter_action(const struct hwf_where *w, const struct rte_flow_action *action,
		struct sim_action out[2], struct rte_flow_error *error);
void
hwf_meter_hold(struct hwf *h, uint16_t port, uint32_t mtr_id);
void
hwf_meter_put(struct hwf *h, uint16_t port, uint32_t mtr_id);

/* --- tunnel offload: items and actions that this driver made itself --- */
#define HWF_ITEM_TUNNEL ((enum rte_flow_item_type)INT32_MIN)
#define HWF_ACTION_TUNNEL ((enum rte_flow_action_type)INT32_MIN)
/*
 * The tunnel (1 to 255) of a private item or action; -errno with `error` set where it is none that lives. A rule may have one
 * such item and one such action. The rest is in groups:
 *  - a rule whose pattern has the item is in group hwf_tunnel_group(its attr's group) instead;
 *  - a rule whose actions have the action jumps to hwf_tunnel_group(the group it says) instead.
 */
int
hwf_tunnel_item(const struct hwf_where *w, const struct rte_flow_item *item,
		struct rte_flow_error *error);
int
hwf_tunnel_action(const struct hwf_where *w, const struct rte_flow_action *action,
		struct rte_flow_error *error);
/* Group in the model of a tunnel's `group`; `decap`: the rule that jumps takes the outer headers off. -errno: no more. */
int64_t
hwf_tunnel_group(const struct hwf_where *w, uint8_t tunnel, uint32_t group, bool decap,
		struct rte_flow_error *error);
/* Rules that have the item or the action hold the tunnel: 0 is none. */
void
hwf_tunnel_hold(struct hwf *h, uint8_t tunnel);
void
hwf_tunnel_put(struct hwf *h, uint8_t tunnel);

/* --- limits of rte_flow_configure(): rules with objects of their own ask, too --- */
enum hwf_quota { HWF_Q_COUNTERS, HWF_Q_AGES, HWF_Q_METERS, HWF_Q_CTS, HWF_QUOTAS };
/* False: the port was configured for fewer. Where it was configured for none (0), the card's own limit is what counts. */
bool
hwf_quota_take(struct hwf *h, uint16_t port, enum hwf_quota q);
void
hwf_quota_give(struct hwf *h, uint16_t port, enum hwf_quota q);

#endif /* HWF_ASYNC_H */
