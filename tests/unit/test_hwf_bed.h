/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table of 5-tuples with flow queues, for the tests of templates and of queues; over test_hwf_rig.h.
 */
#ifndef TEST_HWF_BED_H
#define TEST_HWF_BED_H

#include "test_hwf_rig.h"

#define BED_PULL 64

/* Two flow queues, a table of 5-tuples whose actions are COUNT and QUEUE, the queue being the rule's. */
struct bed {
	struct rig *r;
	struct rte_flow_pattern_template *pattern;
	struct rte_flow_actions_template *actions;
	struct rte_flow_template_table *table;
	struct rte_flow_error error;
};

/* rte_flow_configure() of port 0: so many queues of that size. */
int
bed_configure(struct rig *r, uint32_t queues, uint32_t size, const struct rte_flow_port_attr *attr,
		struct rte_flow_error *error);
/* The templates; then a table of them. NULL: refused, see error. */
void
bed_templates(struct bed *b);
struct rte_flow_template_table *
bed_table(struct bed *b, uint32_t nb_flows);
/* All of it. `flags`: of struct rte_flow_port_attr. */
struct bed *
bed_new(uint32_t queue_size, uint32_t nb_flows, uint32_t flags);
void
bed_free(struct bed *b);
/* Rule `i` sends its packets to rx queue i mod RIG_QUEUES; its user data is i + 1. */
struct rte_flow *
bed_create(struct bed *b, uint32_t queue, uint32_t i, bool postpone);
int
bed_destroy(struct bed *b, uint32_t queue, struct rte_flow *flow, uintptr_t user_data);
/* How many results, which must be those from `from` on, in order. */
uint32_t
bed_pull(struct bed *b, uint32_t queue, uint32_t most, uintptr_t from);
/* Whether packets of rule `i` go where it says; else they are the port's own. */
bool
bed_steered(struct bed *b, uint32_t i);

#endif /* TEST_HWF_BED_H */
