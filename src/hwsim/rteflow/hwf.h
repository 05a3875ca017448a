/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow and rte_mtr in terms of the model's steering: patterns and actions are translated, checked, and inserted. Called by
 * the driver's glue (pmd/ops_flow.c), from any thread: every call takes the NIC's lock itself, and only for as long as it
 * changes the model. Knows no eth_dev.
 *
 * `port` is a switch port. Errors are -errno with `error` set: type and cause point at the part at fault, as rte_flow.h says.
 */
#ifndef HWSIM_RTEFLOW_HWF_H
#define HWSIM_RTEFLOW_HWF_H

#include <rte_flow.h>
#include <rte_flow_driver.h>
#include <rte_mtr.h>
#include <rte_mtr_driver.h>

#include "hwsim/core/nic.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/sim.h"
#include "hwsim/core/steer.h"

struct hwf;

/* What the driver knows and rules need. `ctx` goes back as first argument; calls are made without the NIC's lock unless said. */
struct hwf_env {
	/* Switch port of an ethdev, -1: not one of this NIC's. *host: true for what its host side is (PORT_REPRESENTOR). */
	int (*port_of)(void *ctx, uint16_t ethdev);
	/* Configured rx queues of a switch port's ethdev, and its RSS configuration to start an RSS action from. */
	uint16_t (*rx_queues)(void *ctx, uint16_t port);
	void (*rss)(void *ctx, uint16_t port, struct sim_rss *rss);
	bool (*started)(void *ctx, uint16_t port);
	/* Now, in cycles; under the lock. */
	sim_cycle (*now)(void *ctx);
	/*
	 * Time of a command. sync, called without the lock: waits until it is over (virtual time advances, or the wall clock
	 * where calls are paced). `began` is what begin() said when the application called: the work of this driver stands for
	 * that of the card's own, so it is within the command's time and not beside it.
	 * async, called under the lock: done(arg) runs under the lock in the cycle in which it is over, or before the call
	 * returns where no time passes; returns that cycle, which env->now reaches when the caller is to hear of it (so paced
	 * calls without a clock are done at once and heard of later). -EAGAIN: the command queue is full.
	 */
	uint64_t (*begin)(void *ctx);
	void (*spend)(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost,
			uint64_t began);
	int64_t (*enqueue)(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost,
			void (*done)(void *arg), void *arg);
	/*
	 * A counter was made; what a reader sees of one (sim_nic_counter_read()). Under the lock. NULL: readers see what is counted.
	 */
	void (*counter_new)(void *ctx, uint32_t counter);
	void (*counter_read)(void *ctx, uint32_t counter, uint64_t *packets, uint64_t *bytes,
			bool reset);
	/* Says RTE_ETH_EVENT_FLOW_AGED for the port. */
	void (*aged)(void *ctx, uint16_t port);
};

struct hwf_params {
	struct sim_steer *steer;
	const struct sim_profile *profile;
	struct sim_lock *lock;
	uint16_t n_ports;
	const struct hwf_env *env;
	void *ctx;
};

struct hwf *
hwf_create_all(const struct hwf_params *params);
void
hwf_destroy_all(struct hwf *h);
/* Everything of a port goes: rules, handles, templates, meters (port closed). */
void
hwf_port_close(struct hwf *h, uint16_t port);
/* Called when time has passed: ages contexts, says events. Under no lock. */
void
hwf_tick(struct hwf *h);

/* sim_rss.fields for RTE_ETH_RSS_*, of rules and of ports; what is left in *types, nobody can hash. */
uint32_t
hwf_rss_fields(uint64_t *types);

/* --- synchronous (flow.c, flow_items.c, flow_actions.c) --- */
int
hwf_validate(struct hwf *h, uint16_t port, const struct rte_flow_attr *attr,
		const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		struct rte_flow_error *error);
struct rte_flow *
hwf_create(struct hwf *h, uint16_t port, const struct rte_flow_attr *attr,
		const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		struct rte_flow_error *error);
int
hwf_destroy(struct hwf *h, uint16_t port, struct rte_flow *flow, struct rte_flow_error *error);
int
hwf_flush(struct hwf *h, uint16_t port, struct rte_flow_error *error);
int
hwf_query(struct hwf *h, uint16_t port, struct rte_flow *flow, const struct rte_flow_action *action,
		void *data, struct rte_flow_error *error);
int
hwf_isolate(struct hwf *h, uint16_t port, int set, struct rte_flow_error *error);
/* flow NULL: all. One line a rule: domain, group, priority, pattern, actions, hits. */
int
hwf_dump(struct hwf *h, uint16_t port, struct rte_flow *flow, FILE *file,
		struct rte_flow_error *error);
int
hwf_get_aged(struct hwf *h, uint16_t port, void **contexts, uint32_t nb,
		struct rte_flow_error *error);

/* --- indirect actions (flow_indirect.c): COUNT, AGE, CONNTRACK, RSS; METER is by rte_mtr, METER_MARK is refused --- */
struct rte_flow_action_handle *
hwf_indirect_create(struct hwf *h, uint16_t port, const struct rte_flow_indir_action_conf *conf,
		const struct rte_flow_action *action, struct rte_flow_error *error);
int
hwf_indirect_destroy(struct hwf *h, uint16_t port, struct rte_flow_action_handle *handle,
		struct rte_flow_error *error);
int
hwf_indirect_update(struct hwf *h, uint16_t port, struct rte_flow_action_handle *handle,
		const void *update, struct rte_flow_error *error);
int
hwf_indirect_query(struct hwf *h, uint16_t port, const struct rte_flow_action_handle *handle,
		void *data, struct rte_flow_error *error);

/* --- templates and queues (flow_template.c, flow_queue.c): the rest of rte_flow_ops, named as there --- */
int
hwf_info_get(struct hwf *h, uint16_t port, struct rte_flow_port_info *port_info,
		struct rte_flow_queue_info *queue_info, struct rte_flow_error *error);
int
hwf_configure(struct hwf *h, uint16_t port, const struct rte_flow_port_attr *port_attr,
		uint16_t nb_queue, const struct rte_flow_queue_attr *queue_attr[],
		struct rte_flow_error *error);
struct rte_flow_pattern_template *
hwf_pattern_template_create(struct hwf *h, uint16_t port,
		const struct rte_flow_pattern_template_attr *attr,
		const struct rte_flow_item pattern[], struct rte_flow_error *error);
int
hwf_pattern_template_destroy(struct hwf *h, uint16_t port, struct rte_flow_pattern_template *t,
		struct rte_flow_error *error);
struct rte_flow_actions_template *
hwf_actions_template_create(struct hwf *h, uint16_t port,
		const struct rte_flow_actions_template_attr *attr,
		const struct rte_flow_action actions[], const struct rte_flow_action masks[],
		struct rte_flow_error *error);
int
hwf_actions_template_destroy(struct hwf *h, uint16_t port, struct rte_flow_actions_template *t,
		struct rte_flow_error *error);
/* At most 6 parameters is our rule; rte_flow's signatures are what they are, so these come in a struct. */
struct hwf_table_params {
	const struct rte_flow_template_table_attr *attr;
	struct rte_flow_pattern_template **patterns;
	uint8_t n_patterns;
	struct rte_flow_actions_template **actions;
	uint8_t n_actions;
};
struct rte_flow_template_table *
hwf_table_create(struct hwf *h, uint16_t port, const struct hwf_table_params *params,
		struct rte_flow_error *error);
int
hwf_table_destroy(struct hwf *h, uint16_t port, struct rte_flow_template_table *table,
		struct rte_flow_error *error);
struct hwf_async_rule {
	uint32_t queue;
	const struct rte_flow_op_attr *attr;
	struct rte_flow_template_table *table;
	const struct rte_flow_item *pattern;
	uint8_t pattern_template;
	const struct rte_flow_action *actions;
	uint8_t actions_template;
	void *user_data;
};
struct rte_flow *
hwf_async_create(struct hwf *h, uint16_t port, const struct hwf_async_rule *rule,
		struct rte_flow_error *error);
int
hwf_async_destroy(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		struct rte_flow *flow, struct rte_flow_error *error);
int
hwf_push(struct hwf *h, uint16_t port, uint32_t queue, struct rte_flow_error *error);
int
hwf_pull(struct hwf *h, uint16_t port, uint32_t queue, struct rte_flow_op_result res[],
		uint16_t n_res, struct rte_flow_error *error);
/* Asynchronous indirect actions: op->user_data and op->attr as above. */
struct rte_flow_action_handle *
hwf_async_indirect_create(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
		struct rte_flow_error *error);
int
hwf_async_indirect_destroy(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		struct rte_flow_action_handle *handle, struct rte_flow_error *error);
int
hwf_async_indirect_update(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		struct rte_flow_action_handle *handle, const void *update,
		struct rte_flow_error *error);
int
hwf_async_indirect_query(struct hwf *h, uint16_t port, const struct hwf_async_rule *op,
		const struct rte_flow_action_handle *handle, void *data,
		struct rte_flow_error *error);
int
hwf_get_queue_aged(struct hwf *h, uint16_t port, uint32_t queue, void **contexts, uint32_t nb,
		struct rte_flow_error *error);

/* --- tunnel offload (flow_tunnel.c) --- */
int
hwf_tunnel_decap_set(struct hwf *h, uint16_t port, struct rte_flow_tunnel *tunnel,
		struct rte_flow_action **actions, uint32_t *n, struct rte_flow_error *error);
int
hwf_tunnel_match(struct hwf *h, uint16_t port, struct rte_flow_tunnel *tunnel,
		struct rte_flow_item **items, uint32_t *n, struct rte_flow_error *error);
int
hwf_tunnel_action_release(struct hwf *h, uint16_t port, struct rte_flow_action *actions, uint32_t n,
		struct rte_flow_error *error);
int
hwf_tunnel_item_release(struct hwf *h, uint16_t port, struct rte_flow_item *items, uint32_t n,
		struct rte_flow_error *error);
/* `restore` is sim_pkt.restore, which the driver keeps in a dynamic mbuf field. */
int
hwf_restore_info(struct hwf *h, uint16_t port, uint32_t restore, struct rte_flow_restore_info *info,
		struct rte_flow_error *error);

/* --- meters (mtr.c): ops in terms of h and port, named as in rte_mtr_ops; the driver's glue wraps them --- */
int
hwf_mtr_capabilities(struct hwf *h, uint16_t port, struct rte_mtr_capabilities *cap,
		struct rte_mtr_error *error);
int
hwf_mtr_profile_add(struct hwf *h, uint16_t port, uint32_t profile_id,
		struct rte_mtr_meter_profile *profile, struct rte_mtr_error *error);
int
hwf_mtr_profile_delete(
		struct hwf *h, uint16_t port, uint32_t profile_id, struct rte_mtr_error *error);
int
hwf_mtr_policy_validate(struct hwf *h, uint16_t port, struct rte_mtr_meter_policy_params *policy,
		struct rte_mtr_error *error);
int
hwf_mtr_policy_add(struct hwf *h, uint16_t port, uint32_t policy_id,
		struct rte_mtr_meter_policy_params *policy, struct rte_mtr_error *error);
int
hwf_mtr_policy_delete(
		struct hwf *h, uint16_t port, uint32_t policy_id, struct rte_mtr_error *error);
int
hwf_mtr_create(struct hwf *h, uint16_t port, uint32_t mtr_id, struct rte_mtr_params *params,
		int shared, struct rte_mtr_error *error);
int
hwf_mtr_destroy(struct hwf *h, uint16_t port, uint32_t mtr_id, struct rte_mtr_error *error);
int
hwf_mtr_enable(struct hwf *h, uint16_t port, uint32_t mtr_id, bool on, struct rte_mtr_error *error);
int
hwf_mtr_profile_update(struct hwf *h, uint16_t port, uint32_t mtr_id, uint32_t profile_id,
		struct rte_mtr_error *error);
int
hwf_mtr_policy_update(struct hwf *h, uint16_t port, uint32_t mtr_id, uint32_t policy_id,
		struct rte_mtr_error *error);
int
hwf_mtr_stats_update(struct hwf *h, uint16_t port, uint32_t mtr_id, uint64_t mask,
		struct rte_mtr_error *error);
struct hwf_mtr_read {
	struct rte_mtr_stats *stats;
	uint64_t *mask;
	int clear;
};
int
hwf_mtr_stats_read(struct hwf *h, uint16_t port, uint32_t mtr_id, const struct hwf_mtr_read *read,
		struct rte_mtr_error *error);

#endif /* HWSIM_RTEFLOW_HWF_H */
