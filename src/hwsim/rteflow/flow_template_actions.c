/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions templates, and rules put together from templates. Called by the driver's glue, and by flow_queue.c.
 */
#include "flow_template.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Sizes of confs that hold no pointers into other memory: there a mask may say bit by bit what is the template's. 0: the
 * conf is the template's or the rule's as a whole.
 */
static size_t
flat_size(enum rte_flow_action_type type)
{
	switch (type) {
	case RTE_FLOW_ACTION_TYPE_MARK:
		return sizeof(struct rte_flow_action_mark);
	case RTE_FLOW_ACTION_TYPE_JUMP:
		return sizeof(struct rte_flow_action_jump);
	case RTE_FLOW_ACTION_TYPE_QUEUE:
		return sizeof(struct rte_flow_action_queue);
	case RTE_FLOW_ACTION_TYPE_COUNT:
		return sizeof(struct rte_flow_action_count);
	case RTE_FLOW_ACTION_TYPE_METER:
		return sizeof(struct rte_flow_action_meter);
	case RTE_FLOW_ACTION_TYPE_AGE:
		return sizeof(struct rte_flow_action_age);
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
		return sizeof(struct rte_flow_action_port_id);
	case RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR:
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
		return sizeof(struct rte_flow_action_ethdev);
	case RTE_FLOW_ACTION_TYPE_SET_TAG:
		return sizeof(struct rte_flow_action_set_tag);
	case RTE_FLOW_ACTION_TYPE_SET_META:
		return sizeof(struct rte_flow_action_set_meta);
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DST:
		return sizeof(struct rte_flow_action_set_ipv4);
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_DST:
		return sizeof(struct rte_flow_action_set_ipv6);
	case RTE_FLOW_ACTION_TYPE_SET_TP_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_TP_DST:
		return sizeof(struct rte_flow_action_set_tp);
	case RTE_FLOW_ACTION_TYPE_SET_MAC_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_MAC_DST:
		return sizeof(struct rte_flow_action_set_mac);
	case RTE_FLOW_ACTION_TYPE_SET_TTL:
		return sizeof(struct rte_flow_action_set_ttl);
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		return sizeof(struct rte_flow_action_modify_field);
	default:
		return 0;
	}
}

_Static_assert(sizeof(struct rte_flow_action_modify_field) <= TEMPLATE_CONF_MAX, "the largest");

static enum template_conf
conf_of(const struct rte_flow_action *action, const struct rte_flow_action *mask)
{
	const size_t size = flat_size(action->type);
	const uint8_t *bits = mask->conf;
	size_t i, zeros = 0, ones = 0;

	if ((int)action->type < 0 || action->conf == NULL)
		return (int)action->type < 0 ? CONF_TEMPLATE : CONF_RULE;
	if (bits == NULL)
		return CONF_RULE;
	if (size == 0)
		return CONF_TEMPLATE;
	for (i = 0; i < size; i++) {
		zeros += bits[i] == 0;
		ones += bits[i] == UINT8_MAX;
	}
	return zeros == size ? CONF_RULE : ones == size ? CONF_TEMPLATE : CONF_BOTH;
}

static struct rte_flow_action *
actions_copy(const struct rte_flow_action *from, uint32_t n, struct rte_flow_error *error)
{
	struct rte_flow_action *to;
	uint32_t i;
	int size;

	size = rte_flow_conv(RTE_FLOW_CONV_OP_ACTIONS, NULL, 0, from, error);
	to = size < 0 ? NULL : calloc(1, (size_t)size);
	if (to == NULL ||
			rte_flow_conv(RTE_FLOW_CONV_OP_ACTIONS, to, (size_t)size, from, error) <
					0) {
		free(to);
		return NULL;
	}
	/* Handles and what this driver made itself are pointers to keep, not to follow. */
	for (i = 0; i < n; i++)
		if ((int)from[i].type < 0 || from[i].type == RTE_FLOW_ACTION_TYPE_INDIRECT)
			to[i] = from[i];
	return to;
}

/*
 * Masks whose bits are looked at. Those of other confs may have all bits set, and then no pointer in them is one: they have said
 * that the conf is the template's.
 */
static struct rte_flow_action *
masks_copy(const struct rte_flow_action *from, uint32_t n, struct rte_flow_error *error)
{
	struct rte_flow_action flat[SIM_ACTIONS_MAX + 1];
	uint32_t i;

	memset(flat, 0, sizeof(flat));
	/* END stays at the end. */
	for (i = 0; i + 1 < n; i++) {
		flat[i].type = from[i].type;
		if ((int)from[i].type < 0 || from[i].type == RTE_FLOW_ACTION_TYPE_INDIRECT)
			flat[i].type = RTE_FLOW_ACTION_TYPE_VOID;
		else if (flat_size(from[i].type) != 0)
			flat[i].conf = from[i].conf;
	}
	return actions_copy(flat, n, error);
}

static int
actions_check(const struct hwf_where *w, struct rte_flow_actions_template *t,
		const struct rte_flow_action *actions, const struct rte_flow_action *masks,
		struct rte_flow_error *error)
{
	uint32_t i, both = 0;

	for (i = 0; actions[i].type != RTE_FLOW_ACTION_TYPE_END; i++) {
		if (i == SIM_ACTIONS_MAX)
			return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION_NUM,
					&actions[i], "more than %d actions", SIM_ACTIONS_MAX);
		/* The mask of an indirect action says which type is behind the handle. */
		if (actions[i].type != masks[i].type &&
				actions[i].type != RTE_FLOW_ACTION_TYPE_INDIRECT)
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION, &masks[i],
					"mask %u is of another type than its action", i);
		t->conf[i] = (uint8_t)conf_of(&actions[i], &masks[i]);
		both += t->conf[i] == CONF_BOTH;
	}
	if (both > RTE_DIM(((struct template_rule *)NULL)->conf))
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION_NUM, masks,
				"more than %zu actions whose masks fix a part of them",
				RTE_DIM(((struct template_rule *)NULL)->conf));
	t->n = i + 1;
	return 0;
}

static int
actions_fill(const struct hwf_where *w, struct rte_flow_actions_template *t,
		const struct rte_flow_action *actions, const struct rte_flow_action *masks,
		struct rte_flow_error *error)
{
	int r;

	r = actions_check(w, t, actions, masks, error);
	if (r != 0)
		return r;
	t->action = actions_copy(actions, t->n, error);
	t->mask = t->action == NULL ? NULL : masks_copy(masks, t->n, error);
	if (t->mask == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION, actions,
				"an action or mask that cannot be kept");
	return 0;
}

struct rte_flow_actions_template *
hwf_actions_template_create(struct hwf *h, uint16_t port,
		const struct rte_flow_actions_template_attr *attr,
		const struct rte_flow_action actions[], const struct rte_flow_action masks[],
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct rte_flow_actions_template *t = NULL;
	struct hwf_queues *s;

	if (hwf_enter(h, port, error) != 0)
		return NULL;
	s = hwf_queues_of(h, port);
	/* testpmd 22.11 takes no direction for an actions template: none is any. */
	if (attr == NULL || actions == NULL || masks == NULL)
		hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, attr,
				"an actions template has attributes, actions and masks");
	else if (s == NULL ||
			(t = hwf_pool_get(&s->actions, (enum hwf_kind)HWF_ACTIONS, port)) == NULL)
		hwf_fail(&w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no room for another actions template");
	if (t != NULL) {
		t->attr = *attr;
		if (actions_fill(&w, t, actions, masks, error) != 0) {
			free(t->action);
			hwf_pool_put(&s->actions, t);
			t = NULL;
		}
	}
	hwf_unlock(h);
	return t;
}

int
hwf_actions_template_destroy(struct hwf *h, uint16_t port, struct rte_flow_actions_template *t,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queues *s;
	int r = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	s = hwf_queues_of(h, port);
	if (s == NULL || !hwf_pool_has(&s->actions, t, (enum hwf_kind)HWF_ACTIONS, port)) {
		r = hwf_fail(&w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, t,
				"no such actions template on this port");
	} else if (t->uses != 0) {
		r = hwf_fail(&w, error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE, t,
				"%u tables have this actions template", t->uses);
	} else {
		free(t->action);
		free(t->mask);
		hwf_pool_put(&s->actions, t);
	}
	hwf_unlock(h);
	return r;
}

/* --- rules --- */

static int
rule_items(const struct hwf_where *w, const struct rte_flow_pattern_template *t,
		const struct rte_flow_item *rule, struct rte_flow_item *out,
		struct rte_flow_error *error)
{
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		if (rule[i].type != t->item[i].type)
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, &rule[i],
					"item %u is not that of the pattern template", i);
		out[i] = t->item[i];
		if (t->skipped >> i & 1)
			out[i] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_VOID };
		else if (out[i].last == NULL && (int)out[i].type >= 0)
			out[i].spec = out[i].mask == NULL ? NULL : rule[i].spec;
	}
	return 0;
}

static void
conf_merge(const struct rte_flow_action *fixed, const struct rte_flow_action *mask,
		const struct rte_flow_action *rule, uint8_t *out)
{
	const size_t size = flat_size(fixed->type);
	const uint8_t *a = fixed->conf, *m = mask->conf, *b = rule->conf;
	size_t i;

	for (i = 0; i < size; i++)
		out[i] = (uint8_t)((a[i] & m[i]) | (b == NULL ? 0 : b[i] & ~m[i]));
}

static int
rule_actions(const struct hwf_where *w, const struct rte_flow_actions_template *t,
		const struct rte_flow_action *rule, struct template_rule *out,
		struct rte_flow_error *error)
{
	uint32_t i;

	out->n_conf = 0;
	for (i = 0; i < t->n; i++) {
		if (rule[i].type != t->action[i].type)
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION, &rule[i],
					"action %u is not that of the actions template", i);
		out->action[i] = t->conf[i] == CONF_RULE ? rule[i] : t->action[i];
		if (t->conf[i] == CONF_BOTH) {
			conf_merge(&t->action[i], &t->mask[i], &rule[i], out->conf[out->n_conf]);
			out->action[i].conf = out->conf[out->n_conf++];
		}
	}
	return 0;
}

int
hwf_template_rule(const struct hwf_where *w, const struct hwf_async_rule *rule,
		struct template_rule *out, struct rte_flow_error *error)
{
	const struct rte_flow_template_table *t = rule->table;
	int r;

	if (rule->pattern == NULL || rule->pattern_template >= t->n_patterns)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, rule->pattern,
				"the table has %u pattern templates", t->n_patterns);
	if (rule->actions == NULL || rule->actions_template >= t->n_actions)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION, rule->actions,
				"the table has %u actions templates", t->n_actions);
	r = rule_items(w, t->pattern[rule->pattern_template], rule->pattern, out->item, error);
	if (r == 0)
		r = rule_actions(w, t->action[rule->actions_template], rule->actions, out, error);
	return r;
}
