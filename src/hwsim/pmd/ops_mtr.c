/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_mtr_ops of an ethdev in terms of hwsim/rteflow. Called by librte_ethdev from any thread; hwsim/rteflow locks.
 */
#include <errno.h>

#include <rte_mtr_driver.h>

#include "hwsim.h"

#define H(dev) hwsim_port_of(dev)->card->hwf
#define P(dev) hwsim_port_of(dev)->sw

static int
op_capabilities(struct rte_eth_dev *dev, struct rte_mtr_capabilities *cap,
		struct rte_mtr_error *error)
{
	return hwf_mtr_capabilities(H(dev), P(dev), cap, error);
}

static int
op_profile_add(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_meter_profile *profile,
		struct rte_mtr_error *error)
{
	return hwf_mtr_profile_add(H(dev), P(dev), id, profile, error);
}

static int
op_profile_delete(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_error *error)
{
	return hwf_mtr_profile_delete(H(dev), P(dev), id, error);
}

static int
op_policy_validate(struct rte_eth_dev *dev, struct rte_mtr_meter_policy_params *policy,
		struct rte_mtr_error *error)
{
	return hwf_mtr_policy_validate(H(dev), P(dev), policy, error);
}

static int
op_policy_add(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_meter_policy_params *policy,
		struct rte_mtr_error *error)
{
	return hwf_mtr_policy_add(H(dev), P(dev), id, policy, error);
}

static int
op_policy_delete(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_error *error)
{
	return hwf_mtr_policy_delete(H(dev), P(dev), id, error);
}

static int
op_create(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_params *params, int shared,
		struct rte_mtr_error *error)
{
	return hwf_mtr_create(H(dev), P(dev), id, params, shared, error);
}

static int
op_destroy(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_error *error)
{
	return hwf_mtr_destroy(H(dev), P(dev), id, error);
}

static int
op_enable(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_error *error)
{
	return hwf_mtr_enable(H(dev), P(dev), id, true, error);
}

static int
op_disable(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_error *error)
{
	return hwf_mtr_enable(H(dev), P(dev), id, false, error);
}

static int
op_profile_update(
		struct rte_eth_dev *dev, uint32_t id, uint32_t profile, struct rte_mtr_error *error)
{
	return hwf_mtr_profile_update(H(dev), P(dev), id, profile, error);
}

static int
op_policy_update(struct rte_eth_dev *dev, uint32_t id, uint32_t policy, struct rte_mtr_error *error)
{
	return hwf_mtr_policy_update(H(dev), P(dev), id, policy, error);
}

static int
op_stats_update(struct rte_eth_dev *dev, uint32_t id, uint64_t mask, struct rte_mtr_error *error)
{
	return hwf_mtr_stats_update(H(dev), P(dev), id, mask, error);
}

static int
op_stats_read(struct rte_eth_dev *dev, uint32_t id, struct rte_mtr_stats *stats, uint64_t *mask,
		int clear, struct rte_mtr_error *error)
{
	const struct hwf_mtr_read read = { .stats = stats, .mask = mask, .clear = clear };

	return hwf_mtr_stats_read(H(dev), P(dev), id, &read, error);
}

static const struct rte_mtr_ops mtr_ops = {
	.capabilities_get = op_capabilities,
	.meter_profile_add = op_profile_add,
	.meter_profile_delete = op_profile_delete,
	.meter_policy_validate = op_policy_validate,
	.meter_policy_add = op_policy_add,
	.meter_policy_delete = op_policy_delete,
	.create = op_create,
	.destroy = op_destroy,
	.meter_enable = op_enable,
	.meter_disable = op_disable,
	.meter_profile_update = op_profile_update,
	.meter_policy_update = op_policy_update,
	.stats_update = op_stats_update,
	.stats_read = op_stats_read,
};

int
hwsim_mtr_ops_get(struct rte_eth_dev *dev, void *ops)
{
	if (hwsim_port_of(dev)->kind == HWSIM_FUNCTION)
		return -ENOTSUP;
	*(const struct rte_mtr_ops **)ops = &mtr_ops;
	return 0;
}
