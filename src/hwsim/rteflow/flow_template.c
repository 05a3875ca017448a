/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow_configure() and what it is about: limits, queues, templates, tables of templates. Called by the driver's glue.
 *
 * A template is kept as the application wrote it. A rule of it is put together from the template's masks and fixed confs
 * and the rule's specs and other confs, and then is what a synchronous rule would be, through the same translation: so both
 * mean the same.
 */
#include "flow_template.h"

#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the port --- */

static void
queues_close(struct hwf *h, uint16_t port)
{
	struct hwf_queues *s = h->port[port].async;
	uint32_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		hwf_queue_close(h, s->queue[i]);
	for (i = 0; i < s->patterns.top; i++) {
		struct rte_flow_pattern_template *t = hwf_pool_at(&s->patterns, i);

		if (t->slot.kind == HWF_PATTERN)
			free(t->item);
	}
	for (i = 0; i < s->actions.top; i++) {
		struct rte_flow_actions_template *t = hwf_pool_at(&s->actions, i);

		if (t->slot.kind == HWF_ACTIONS) {
			free(t->action);
			free(t->mask);
		}
	}
	hwf_pool_fini(&s->patterns);
	hwf_pool_fini(&s->actions);
	hwf_pool_fini(&s->tables);
	free(s);
	h->port[port].async = NULL;
	h->port[port].async_close = NULL;
	h->port[port].strict_queues = false;
	memset(h->port[port].quota, 0, sizeof(h->port[port].quota));
}

struct hwf_queues *
hwf_queues_of(struct hwf *h, uint16_t port)
{
	struct hwf_queues *s = h->port[port].async;

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	if (hwf_pool_init(&s->patterns, sizeof(struct rte_flow_pattern_template), TEMPLATES_MAX))
		goto fail;
	if (hwf_pool_init(&s->actions, sizeof(struct rte_flow_actions_template), TEMPLATES_MAX))
		goto fail_actions;
	if (hwf_pool_init(&s->tables, sizeof(struct rte_flow_template_table), TEMPLATES_MAX))
		goto fail_tables;
	h->port[port].async = s;
	h->port[port].async_close = queues_close;
	return s;
fail_tables:
	hwf_pool_fini(&s->actions);
fail_actions:
	hwf_pool_fini(&s->patterns);
fail:
	free(s);
	return NULL;
}

/* --- limits --- */

static uint32_t
card_limit(const struct hwf *h, enum hwf_quota q)
{
	const uint32_t limit[HWF_QUOTAS] = {
		[HWF_Q_COUNTERS] = h->profile->objects_counters,
		[HWF_Q_AGES] = h->profile->objects_ages,
		[HWF_Q_METERS] = h->profile->objects_meters,
		[HWF_Q_CTS] = h->profile->objects_cts,
	};

	return limit[q];
}

int
hwf_quota_take(struct hwf *h, uint16_t port, enum hwf_quota q)
{
	struct hwf_port *p = &h->port[port];

	if (p->quota[q] != 0 && p->used[q] >= p->quota[q])
		return -ENOSPC;
	p->used[q]++;
	return 0;
}

void
hwf_quota_give(struct hwf *h, uint16_t port, enum hwf_quota q)
{
	h->port[port].used[q]--;
}

int
hwf_info_get(struct hwf *h, uint16_t port, struct rte_flow_port_info *port_info,
		struct rte_flow_queue_info *queue_info, struct rte_flow_error *error)
{
	if (hwf_check_port(h, port, error) != 0)
		return -ENODEV;
	if (port_info != NULL)
		*port_info = (struct rte_flow_port_info){
			.max_nb_queues = HWF_QUEUES_MAX,
			.max_nb_counters = card_limit(h, HWF_Q_COUNTERS),
			.max_nb_aging_objects = card_limit(h, HWF_Q_AGES),
			.max_nb_meters = card_limit(h, HWF_Q_METERS),
			.max_nb_conn_tracks = card_limit(h, HWF_Q_CTS),
			.supported_flags = RTE_FLOW_PORT_FLAG_STRICT_QUEUE,
		};
	if (queue_info != NULL)
		queue_info->max_size = QUEUE_SIZE_MAX;
	return 0;
}

static int
configure_check(const struct hwf_where *w, const struct rte_flow_port_attr *attr, uint16_t n,
		const struct rte_flow_queue_attr *queue[], struct rte_flow_error *error)
{
	const uint32_t want[HWF_QUOTAS] = {
		[HWF_Q_COUNTERS] = attr->nb_counters,
		[HWF_Q_AGES] = attr->nb_aging_objects,
		[HWF_Q_METERS] = attr->nb_meters,
		[HWF_Q_CTS] = attr->nb_conn_tracks,
	};
	static const char *const name[HWF_QUOTAS] = { "counters", "aging objects", "meters",
		"connections" };
	uint32_t i;

	for (i = 0; i < HWF_QUOTAS; i++) {
		if (want[i] > card_limit(w->h, i))
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, attr,
					"%u %s: the card has %u", want[i], name[i],
					card_limit(w->h, i));
		if (want[i] != 0 && want[i] < w->h->port[w->port].used[i])
			return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_STATE, attr,
					"%u %s: %u are in use", want[i], name[i],
					w->h->port[w->port].used[i]);
	}
	if (attr->flags & ~RTE_FLOW_PORT_FLAG_STRICT_QUEUE)
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, &attr->flags,
				"flags %#x: only STRICT_QUEUE", attr->flags);
	if (n > HWF_QUEUES_MAX)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"%u flow queues: at most %d", n, HWF_QUEUES_MAX);
	for (i = 0; i < n; i++)
		if (queue == NULL || queue[i] == NULL || queue[i]->size > QUEUE_SIZE_MAX)
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED,
					queue == NULL ? NULL : queue[i],
					"flow queue %u: no size, or one above %u", i,
					QUEUE_SIZE_MAX);
	return 0;
}

static int
configure_state(const struct hwf_where *w, const struct hwf_queues *s, struct rte_flow_error *error)
{
	uint32_t i;

	if (w->h->env->started(w->h->ctx, w->port))
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_STATE, NULL,
				"stop the port before its flow queues are configured");
	if (s->tables.used != 0)
		return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_STATE, NULL,
				"there are template tables: destroy them first");
	for (i = 0; i < s->n; i++)
		if (!hwf_queue_idle(s->queue[i]))
			return hwf_fail(w, error, EBUSY, RTE_FLOW_ERROR_TYPE_STATE, NULL,
					"flow queue %u has operations to be pulled", i);
	return 0;
}

static int
configure(const struct hwf_where *w, const struct rte_flow_port_attr *attr, uint16_t n,
		const struct rte_flow_queue_attr *queue[], struct rte_flow_error *error)
{
	struct hwf_port *p = &w->h->port[w->port];
	struct hwf_queue *fresh[HWF_QUEUES_MAX];
	struct hwf_queues *s = p->async;
	uint32_t i;

	for (i = 0; i < n; i++) {
		fresh[i] = hwf_queue_new(w->h, w->port,
				queue[i]->size ? queue[i]->size : QUEUE_SIZE_DEFAULT);
		if (fresh[i] == NULL) {
			while (i > 0)
				hwf_queue_close(w->h, fresh[--i]);
			return hwf_fail(w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
					"no memory for flow queues");
		}
	}
	for (i = 0; i < s->n; i++)
		hwf_queue_close(w->h, s->queue[i]);
	memcpy(s->queue, fresh, n * sizeof(fresh[0]));
	s->n = n;
	p->strict_queues = (attr->flags & RTE_FLOW_PORT_FLAG_STRICT_QUEUE) != 0;
	p->quota[HWF_Q_COUNTERS] = attr->nb_counters;
	p->quota[HWF_Q_AGES] = attr->nb_aging_objects;
	p->quota[HWF_Q_METERS] = attr->nb_meters;
	p->quota[HWF_Q_CTS] = attr->nb_conn_tracks;
	return 0;
}

int
hwf_configure(struct hwf *h, uint16_t port, const struct rte_flow_port_attr *port_attr,
		uint16_t nb_queue, const struct rte_flow_queue_attr *queue_attr[],
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queues *s;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	s = hwf_queues_of(h, port);
	if (s == NULL || port_attr == NULL)
		r = hwf_fail(&w, error, s == NULL ? ENOMEM : EINVAL,
				RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no attributes, or no memory");
	else
		r = configure_check(&w, port_attr, nb_queue, queue_attr, error);
	if (r == 0)
		r = configure_state(&w, s, error);
	if (r == 0)
		r = configure(&w, port_attr, nb_queue, queue_attr, error);
	hwf_unlock(h);
	return r;
}

/* --- pattern templates --- */

/* What the template says on its own: masks; and specs where `last` makes them part of a range. */
static int
pattern_check(const struct hwf_where *w, struct rte_flow_pattern_template *t,
		struct rte_flow_error *error)
{
	const struct rte_flow_attr attr = {
		.group = 1,
		.ingress = t->attr.ingress,
		.egress = !t->attr.ingress && t->attr.egress,
		.transfer = !t->attr.ingress && !t->attr.egress,
	};
	struct rte_flow_item item[TEMPLATE_ITEMS_MAX];
	struct hwf_where in = *w;
	struct sim_match match;
	uint32_t i;

	memcpy(item, t->item, t->n * sizeof(item[0]));
	for (i = 0; i + 1 < t->n; i++) {
		if (item[i].mask == NULL && t->attr.relaxed_matching &&
				(int)item[i].type > RTE_FLOW_ITEM_TYPE_VOID) {
			t->skipped |= UINT64_C(1) << i;
			item[i] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_VOID };
		}
		/* The spec of a rule is to come; but a private item is its spec. */
		if (item[i].last == NULL && (int)item[i].type >= 0)
			item[i].spec = NULL;
	}
	in.attr = &attr;
	in.template = true;
	if (hwf_tunnel_of(&in, item, &in.tunnel, error) < 0)
		return -rte_errno;
	return hwf_match(&in, item, &match, error);
}

static int
pattern_copy(const struct hwf_where *w, struct rte_flow_pattern_template *t,
		const struct rte_flow_item *pattern, struct rte_flow_error *error)
{
	uint32_t i;
	int size;

	for (t->n = 1; pattern[t->n - 1].type != RTE_FLOW_ITEM_TYPE_END; t->n++)
		if (t->n == TEMPLATE_ITEMS_MAX)
			return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_NUM,
					&pattern[t->n - 1], "more than %d items",
					TEMPLATE_ITEMS_MAX - 1);
	size = rte_flow_conv(RTE_FLOW_CONV_OP_PATTERN, NULL, 0, pattern, error);
	if (size < 0)
		return size;
	t->item = calloc(1, (size_t)size);
	if (t->item == NULL)
		return hwf_fail(w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no memory");
	size = rte_flow_conv(RTE_FLOW_CONV_OP_PATTERN, t->item, (size_t)size, pattern, error);
	for (i = 0; i < t->n; i++)
		if ((int)pattern[i].type < 0)
			t->item[i] = pattern[i];
	return size < 0 ? size : 0;
}

struct rte_flow_pattern_template *
hwf_pattern_template_create(struct hwf *h, uint16_t port,
		const struct rte_flow_pattern_template_attr *attr,
		const struct rte_flow_item pattern[], struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct rte_flow_pattern_template *t = NULL;
	struct hwf_queues *s;

	if (hwf_enter(h, port, error) != 0)
		return NULL;
	s = hwf_queues_of(h, port);
	if (attr == NULL || pattern == NULL || !(attr->ingress || attr->egress || attr->transfer))
		hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, attr,
				"a pattern template is for ingress, egress or transfer");
	else if (s == NULL ||
			(t = hwf_pool_get(&s->patterns, (enum hwf_kind)HWF_PATTERN, port)) == NULL)
		hwf_fail(&w, error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no room for another pattern template");
	if (t != NULL) {
		t->attr = *attr;
		if (pattern_copy(&w, t, pattern, error) != 0 || pattern_check(&w, t, error) != 0) {
			free(t->item);
			hwf_pool_put(&s->patterns, t);
			t = NULL;
		}
	}
	hwf_unlock(h);
	return t;
}

int
hwf_pattern_template_destroy(struct hwf *h, uint16_t port, struct rte_flow_pattern_template *t,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queues *s;
	int r = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	s = hwf_queues_of(h, port);
	if (s == NULL || !hwf_pool_has(&s->patterns, t, (enum hwf_kind)HWF_PATTERN, port)) {
		r = hwf_fail(&w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, t,
				"no such pattern template on this port");
	} else if (t->uses != 0) {
		r = hwf_fail(&w, error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE, t,
				"%u tables have this pattern template", t->uses);
	} else {
		free(t->item);
		hwf_pool_put(&s->patterns, t);
	}
	hwf_unlock(h);
	return r;
}

/* --- tables --- */

static bool
fits(const struct rte_flow_attr *a, bool ingress, bool egress, bool transfer)
{
	return (a->transfer && transfer) || (!a->transfer && a->ingress && ingress) ||
			(!a->transfer && a->egress && egress);
}

static int
table_check(const struct hwf_where *w, const struct hwf_queues *s, const struct hwf_table_params *p,
		struct rte_flow_error *error)
{
	const struct rte_flow_attr *attr = &p->attr->flow_attr;
	uint32_t i;
	int r;

	r = hwf_attr(w, error);
	if (r != 0)
		return r;
	if (p->n_patterns == 0 || p->n_patterns > TABLE_TEMPLATES_MAX || p->n_actions == 0 ||
			p->n_actions > TABLE_TEMPLATES_MAX || p->attr->nb_flows == 0)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, p->attr,
				"a table has 1 to %d templates of a kind, and room for a rule",
				TABLE_TEMPLATES_MAX);
	for (i = 0; i < p->n_patterns; i++) {
		const struct rte_flow_pattern_template *t = p->patterns[i];

		if (!hwf_pool_has(&s->patterns, t, (enum hwf_kind)HWF_PATTERN, w->port))
			return hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, t,
					"pattern template %u is none of this port", i);
		if (!fits(attr, t->attr.ingress, t->attr.egress, t->attr.transfer))
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, t,
					"pattern template %u is for another direction", i);
	}
	for (i = 0; i < p->n_actions; i++) {
		const struct rte_flow_actions_template *t = p->actions[i];

		if (!hwf_pool_has(&s->actions, t, (enum hwf_kind)HWF_ACTIONS, w->port))
			return hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, t,
					"actions template %u is none of this port", i);
		if ((t->attr.ingress || t->attr.egress || t->attr.transfer) &&
				!fits(attr, t->attr.ingress, t->attr.egress, t->attr.transfer))
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, t,
					"actions template %u is for another direction", i);
	}
	return 0;
}

static void
table_fill(struct rte_flow_template_table *t, const struct hwf_table_params *p)
{
	uint32_t i;

	t->attr = p->attr->flow_attr;
	t->nb_flows = p->attr->nb_flows;
	t->n_patterns = p->n_patterns;
	t->n_actions = p->n_actions;
	for (i = 0; i < p->n_patterns; i++) {
		t->pattern[i] = p->patterns[i];
		t->pattern[i]->uses++;
	}
	for (i = 0; i < p->n_actions; i++) {
		t->action[i] = p->actions[i];
		t->action[i]->uses++;
	}
}

struct rte_flow_template_table *
hwf_table_create(struct hwf *h, uint16_t port, const struct hwf_table_params *params,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h,
		.port = port,
		.attr = params->attr == NULL ? NULL : &params->attr->flow_attr,
		.queue = UINT16_MAX };
	struct rte_flow_template_table *t = NULL;
	struct hwf_queues *s;

	if (hwf_enter(h, port, error) != 0)
		return NULL;
	s = hwf_queues_of(h, port);
	if (s == NULL || params->attr == NULL || params->patterns == NULL ||
			params->actions == NULL) {
		hwf_fail(&w, error, s == NULL ? ENOMEM : EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED,
				NULL, "no attributes or templates, or no memory");
	} else if (table_check(&w, s, params, error) == 0) {
		t = hwf_pool_get(&s->tables, (enum hwf_kind)HWF_TABLE, port);
		if (t == NULL)
			hwf_fail(&w, error, ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
					"at most %u tables", TEMPLATES_MAX);
		else
			table_fill(t, params);
	}
	hwf_unlock(h);
	return t;
}

int
hwf_table_destroy(struct hwf *h, uint16_t port, struct rte_flow_template_table *table,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_queues *s;
	uint32_t i;
	int r = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	s = hwf_queues_of(h, port);
	if (s == NULL || !hwf_pool_has(&s->tables, table, (enum hwf_kind)HWF_TABLE, port)) {
		r = hwf_fail(&w, error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, table,
				"no such template table on this port");
	} else if (table->n_flows != 0) {
		r = hwf_fail(&w, error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE, table,
				"%u rules are in this table", table->n_flows);
	} else {
		for (i = 0; i < table->n_patterns; i++)
			table->pattern[i]->uses--;
		for (i = 0; i < table->n_actions; i++)
			table->action[i]->uses--;
		hwf_pool_put(&s->tables, table);
	}
	hwf_unlock(h);
	return r;
}
