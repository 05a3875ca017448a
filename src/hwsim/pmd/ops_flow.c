/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow_ops of an ethdev in terms of hwsim/rteflow, which knows cards and switch ports but no ethdevs. Called by
 * librte_ethdev from any thread; hwsim/rteflow locks. Signatures are rte_flow_driver.h's, whatever their number of parameters.
 */
#include <errno.h>

#include <rte_flow_driver.h>
#include <rte_mbuf_dyn.h>

#include "hwsim.h"

#define H(dev) hwsim_port_of(dev)->card->hwf
#define P(dev) hwsim_port_of(dev)->sw

static int
op_validate(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
		const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
		struct rte_flow_error *error)
{
	return hwf_validate(H(dev), P(dev), attr, pattern, actions, error);
}

static struct rte_flow *
op_create(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
		const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
		struct rte_flow_error *error)
{
	return hwf_create(H(dev), P(dev), attr, pattern, actions, error);
}

static int
op_destroy(struct rte_eth_dev *dev, struct rte_flow *flow, struct rte_flow_error *error)
{
	return hwf_destroy(H(dev), P(dev), flow, error);
}

static int
op_flush(struct rte_eth_dev *dev, struct rte_flow_error *error)
{
	return hwf_flush(H(dev), P(dev), error);
}

static int
op_query(struct rte_eth_dev *dev, struct rte_flow *flow, const struct rte_flow_action *action,
		void *data, struct rte_flow_error *error)
{
	return hwf_query(H(dev), P(dev), flow, action, data, error);
}

static int
op_isolate(struct rte_eth_dev *dev, int set, struct rte_flow_error *error)
{
	return hwf_isolate(H(dev), P(dev), set, error);
}

static int
op_dump(struct rte_eth_dev *dev, struct rte_flow *flow, FILE *file, struct rte_flow_error *error)
{
	return hwf_dump(H(dev), P(dev), flow, file, error);
}

static int
op_aged(struct rte_eth_dev *dev, void **contexts, uint32_t n, struct rte_flow_error *error)
{
	return hwf_get_aged(H(dev), P(dev), contexts, n, error);
}

static int
op_queue_aged(struct rte_eth_dev *dev, uint32_t queue, void **contexts, uint32_t n,
		struct rte_flow_error *error)
{
	return hwf_get_queue_aged(H(dev), P(dev), queue, contexts, n, error);
}

/* --- indirect actions --- */

static struct rte_flow_action_handle *
op_handle_create(struct rte_eth_dev *dev, const struct rte_flow_indir_action_conf *conf,
		const struct rte_flow_action *action, struct rte_flow_error *error)
{
	return hwf_indirect_create(H(dev), P(dev), conf, action, error);
}

static int
op_handle_destroy(struct rte_eth_dev *dev, struct rte_flow_action_handle *handle,
		struct rte_flow_error *error)
{
	return hwf_indirect_destroy(H(dev), P(dev), handle, error);
}

static int
op_handle_update(struct rte_eth_dev *dev, struct rte_flow_action_handle *handle, const void *update,
		struct rte_flow_error *error)
{
	return hwf_indirect_update(H(dev), P(dev), handle, update, error);
}

static int
op_handle_query(struct rte_eth_dev *dev, const struct rte_flow_action_handle *handle, void *data,
		struct rte_flow_error *error)
{
	return hwf_indirect_query(H(dev), P(dev), handle, data, error);
}

/* --- tunnels --- */

static int
op_decap_set(struct rte_eth_dev *dev, struct rte_flow_tunnel *tunnel,
		struct rte_flow_action **actions, uint32_t *n, struct rte_flow_error *error)
{
	return hwf_tunnel_decap_set(H(dev), P(dev), tunnel, actions, n, error);
}

static int
op_tunnel_match(struct rte_eth_dev *dev, struct rte_flow_tunnel *tunnel,
		struct rte_flow_item **items, uint32_t *n, struct rte_flow_error *error)
{
	return hwf_tunnel_match(H(dev), P(dev), tunnel, items, n, error);
}

static int
op_restore_info(struct rte_eth_dev *dev, struct rte_mbuf *m, struct rte_flow_restore_info *info,
		struct rte_flow_error *error)
{
	const struct hwsim_card *card = hwsim_port_of(dev)->card;

	if ((m->ol_flags & card->restore_flag) == 0)
		return rte_flow_error_set(error, ENOENT, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"the packet missed in no tunnel");
	return hwf_restore_info(H(dev), P(dev), *RTE_MBUF_DYNFIELD(m, card->restore_at, uint32_t *),
			info, error);
}

static int
op_decap_release(struct rte_eth_dev *dev, struct rte_flow_action *actions, uint32_t n,
		struct rte_flow_error *error)
{
	return hwf_tunnel_action_release(H(dev), P(dev), actions, n, error);
}

static int
op_item_release(struct rte_eth_dev *dev, struct rte_flow_item *items, uint32_t n,
		struct rte_flow_error *error)
{
	return hwf_tunnel_item_release(H(dev), P(dev), items, n, error);
}

/* Every port of the card can say what happens in the switch. */
static int
op_proxy(struct rte_eth_dev *dev, uint16_t *proxy, struct rte_flow_error *error)
{
	RTE_SET_USED(error);
	*proxy = dev->data->port_id;
	return 0;
}

/* --- templates and queues --- */

static int
op_info(struct rte_eth_dev *dev, struct rte_flow_port_info *port, struct rte_flow_queue_info *queue,
		struct rte_flow_error *error)
{
	return hwf_info_get(H(dev), P(dev), port, queue, error);
}

static int
op_configure(struct rte_eth_dev *dev, const struct rte_flow_port_attr *attr, uint16_t n,
		const struct rte_flow_queue_attr *queues[], struct rte_flow_error *error)
{
	return hwf_configure(H(dev), P(dev), attr, n, queues, error);
}

static struct rte_flow_pattern_template *
op_pattern_create(struct rte_eth_dev *dev, const struct rte_flow_pattern_template_attr *attr,
		const struct rte_flow_item pattern[], struct rte_flow_error *error)
{
	return hwf_pattern_template_create(H(dev), P(dev), attr, pattern, error);
}

static int
op_pattern_destroy(struct rte_eth_dev *dev, struct rte_flow_pattern_template *t,
		struct rte_flow_error *error)
{
	return hwf_pattern_template_destroy(H(dev), P(dev), t, error);
}

static struct rte_flow_actions_template *
op_actions_create(struct rte_eth_dev *dev, const struct rte_flow_actions_template_attr *attr,
		const struct rte_flow_action actions[], const struct rte_flow_action masks[],
		struct rte_flow_error *error)
{
	return hwf_actions_template_create(H(dev), P(dev), attr, actions, masks, error);
}

static int
op_actions_destroy(struct rte_eth_dev *dev, struct rte_flow_actions_template *t,
		struct rte_flow_error *error)
{
	return hwf_actions_template_destroy(H(dev), P(dev), t, error);
}

static struct rte_flow_template_table *
op_table_create(struct rte_eth_dev *dev, const struct rte_flow_template_table_attr *attr,
		struct rte_flow_pattern_template *patterns[], uint8_t n_patterns,
		struct rte_flow_actions_template *actions[], uint8_t n_actions,
		struct rte_flow_error *error)
{
	const struct hwf_table_params params = {
		.attr = attr,
		.patterns = patterns,
		.n_patterns = n_patterns,
		.actions = actions,
		.n_actions = n_actions,
	};

	return hwf_table_create(H(dev), P(dev), &params, error);
}

static int
op_table_destroy(struct rte_eth_dev *dev, struct rte_flow_template_table *table,
		struct rte_flow_error *error)
{
	return hwf_table_destroy(H(dev), P(dev), table, error);
}

static struct rte_flow *
op_async_create(struct rte_eth_dev *dev, uint32_t queue, const struct rte_flow_op_attr *attr,
		struct rte_flow_template_table *table, const struct rte_flow_item pattern[],
		uint8_t pattern_template, const struct rte_flow_action actions[],
		uint8_t actions_template, void *user_data, struct rte_flow_error *error)
{
	const struct hwf_async_rule rule = {
		.queue = queue,
		.attr = attr,
		.table = table,
		.pattern = pattern,
		.pattern_template = pattern_template,
		.actions = actions,
		.actions_template = actions_template,
		.user_data = user_data,
	};

	return hwf_async_create(H(dev), P(dev), &rule, error);
}

static int
op_async_destroy(struct rte_eth_dev *dev, uint32_t queue, const struct rte_flow_op_attr *attr,
		struct rte_flow *flow, void *user_data, struct rte_flow_error *error)
{
	const struct hwf_async_rule op = { .queue = queue, .attr = attr, .user_data = user_data };

	return hwf_async_destroy(H(dev), P(dev), &op, flow, error);
}

static int
op_push(struct rte_eth_dev *dev, uint32_t queue, struct rte_flow_error *error)
{
	return hwf_push(H(dev), P(dev), queue, error);
}

static int
op_pull(struct rte_eth_dev *dev, uint32_t queue, struct rte_flow_op_result res[], uint16_t n,
		struct rte_flow_error *error)
{
	struct hwsim_card *card = hwsim_port_of(dev)->card;

	/* Who waits for results of a model whose time passes in polls alone would wait for ever. */
	sim_lock_take(&card->lock);
	if (card->model != NULL)
		hwsim_clock_poll(card, 0);
	sim_lock_give(&card->lock);
	return hwf_pull(H(dev), P(dev), queue, res, n, error);
}

static struct rte_flow_action_handle *
op_async_handle_create(struct rte_eth_dev *dev, uint32_t queue, const struct rte_flow_op_attr *attr,
		const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
		void *user_data, struct rte_flow_error *error)
{
	const struct hwf_async_rule op = { .queue = queue, .attr = attr, .user_data = user_data };

	return hwf_async_indirect_create(H(dev), P(dev), &op, conf, action, error);
}

static int
op_async_handle_destroy(struct rte_eth_dev *dev, uint32_t queue,
		const struct rte_flow_op_attr *attr, struct rte_flow_action_handle *handle,
		void *user_data, struct rte_flow_error *error)
{
	const struct hwf_async_rule op = { .queue = queue, .attr = attr, .user_data = user_data };

	return hwf_async_indirect_destroy(H(dev), P(dev), &op, handle, error);
}

static int
op_async_handle_update(struct rte_eth_dev *dev, uint32_t queue, const struct rte_flow_op_attr *attr,
		struct rte_flow_action_handle *handle, const void *update, void *user_data,
		struct rte_flow_error *error)
{
	const struct hwf_async_rule op = { .queue = queue, .attr = attr, .user_data = user_data };

	return hwf_async_indirect_update(H(dev), P(dev), &op, handle, update, error);
}

static int
op_async_handle_query(struct rte_eth_dev *dev, uint32_t queue, const struct rte_flow_op_attr *attr,
		const struct rte_flow_action_handle *handle, void *data, void *user_data,
		struct rte_flow_error *error)
{
	const struct hwf_async_rule op = { .queue = queue, .attr = attr, .user_data = user_data };

	return hwf_async_indirect_query(H(dev), P(dev), &op, handle, data, error);
}

static const struct rte_flow_ops flow_ops = {
	.validate = op_validate,
	.create = op_create,
	.destroy = op_destroy,
	.flush = op_flush,
	.query = op_query,
	.isolate = op_isolate,
	.dev_dump = op_dump,
	.get_aged_flows = op_aged,
	.get_q_aged_flows = op_queue_aged,
	.action_handle_create = op_handle_create,
	.action_handle_destroy = op_handle_destroy,
	.action_handle_update = op_handle_update,
	.action_handle_query = op_handle_query,
	.tunnel_decap_set = op_decap_set,
	.tunnel_match = op_tunnel_match,
	.get_restore_info = op_restore_info,
	.tunnel_action_decap_release = op_decap_release,
	.tunnel_item_release = op_item_release,
	.pick_transfer_proxy = op_proxy,
	.info_get = op_info,
	.configure = op_configure,
	.pattern_template_create = op_pattern_create,
	.pattern_template_destroy = op_pattern_destroy,
	.actions_template_create = op_actions_create,
	.actions_template_destroy = op_actions_destroy,
	.template_table_create = op_table_create,
	.template_table_destroy = op_table_destroy,
	.async_create = op_async_create,
	.async_destroy = op_async_destroy,
	.push = op_push,
	.pull = op_pull,
	.async_action_handle_create = op_async_handle_create,
	.async_action_handle_destroy = op_async_handle_destroy,
	.async_action_handle_update = op_async_handle_update,
	.async_action_handle_query = op_async_handle_query,
};

/* A function's ethdev has no rules: what happens to its frames is said on its representor. */
int
hwsim_flow_ops_get(struct rte_eth_dev *dev, const struct rte_flow_ops **ops)
{
	*ops = NULL; /* ENOSYS, says librte_ethdev then */
	if (hwsim_port_of(dev)->kind == HWSIM_FUNCTION)
		return 0;
	/* No lock is taken around calls that need none. */
	dev->data->dev_flags |= RTE_ETH_DEV_FLOW_OPS_THREAD_SAFE;
	*ops = &flow_ops;
	return 0;
}
