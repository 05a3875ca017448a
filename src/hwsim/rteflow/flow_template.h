/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/rteflow: templates, tables and queues of a port, shared by flow_template.c and flow_queue.c. Under hwf.lock.
 */
#ifndef HWF_TEMPLATE_H
#define HWF_TEMPLATE_H

#include "hwf_async.h"

#define TEMPLATE_ITEMS_MAX 32  /* with END */
#define TEMPLATES_MAX 4096u    /* of a kind, and tables, a port */
#define TABLE_TEMPLATES_MAX 32 /* of a kind, a table */
#define QUEUE_SIZE_MAX 65536u
#define QUEUE_SIZE_DEFAULT 1024u

struct rte_flow_pattern_template {
	struct hwf_slot slot;
	uint32_t uses; /* tables */
	struct rte_flow_pattern_template_attr attr;
	uint32_t n;		    /* items, with END */
	struct rte_flow_item *item; /* a copy; masks, and specs of ranges */
	uint64_t skipped; /* bits of items without a mask, which relaxed matching does not look at */
};

/* How the conf of an action of a rule comes about. */
enum template_conf {
	CONF_RULE,     /* the rule's */
	CONF_TEMPLATE, /* the template's */
	CONF_BOTH,     /* the template's bits where the mask has ones, else the rule's */
};

#define TEMPLATE_CONF_MAX 160 /* bytes of a conf that can be put together bit by bit */

struct rte_flow_actions_template {
	struct hwf_slot slot;
	uint32_t uses; /* tables */
	struct rte_flow_actions_template_attr attr;
	uint32_t n;			       /* actions, with END */
	struct rte_flow_action *action, *mask; /* copies */
	uint8_t conf[SIM_ACTIONS_MAX + 1];     /* enum template_conf */
};

struct rte_flow_template_table {
	struct hwf_slot slot;
	struct rte_flow_attr attr;
	uint32_t nb_flows, n_flows; /* at most, and now */
	uint8_t n_patterns, n_actions;
	struct rte_flow_pattern_template *pattern[TABLE_TEMPLATES_MAX];
	struct rte_flow_actions_template *action[TABLE_TEMPLATES_MAX];
};

struct hwf_queue;

struct hwf_queues {
	struct hwf_pool patterns, actions, tables;
	uint16_t n;
	struct hwf_queue *queue[HWF_QUEUES_MAX];
};

/* The port's, made when first asked for. NULL: no memory. */
struct hwf_queues *
hwf_queues_of(struct hwf *h, uint16_t port);

/* What a rule of the table is: pattern and actions as a synchronous rule would have them. */
struct template_rule {
	struct rte_flow_item item[TEMPLATE_ITEMS_MAX];
	struct rte_flow_action action[SIM_ACTIONS_MAX + 1];
	uint8_t conf[4][TEMPLATE_CONF_MAX] __attribute__((aligned(8))); /* of CONF_BOTH */
	uint32_t n_conf;
};

/* Puts it together; checks that types and order are those of the templates. */
int
hwf_template_rule(const struct hwf_where *w, const struct hwf_async_rule *rule,
		struct template_rule *out, struct rte_flow_error *error);

/* flow_queue.c */
struct hwf_queue *
hwf_queue_new(struct hwf *h, uint16_t port, uint32_t size);
/* Nothing is outstanding, so that it can go. */
bool
hwf_queue_idle(const struct hwf_queue *q);
/* Operations that the command queue has yet to carry out are forgotten. */
void
hwf_queue_close(struct hwf *h, struct hwf_queue *q);

#endif /* HWF_TEMPLATE_H */
