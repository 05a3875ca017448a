/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of actions of rte_flow -> struct sim_action: fates, objects and metadata, and what may stand with what. Called by
 * flow.c and by the queues, under hwf.lock; creates nothing (flow_claim.c does).
 *
 * A rule has one fate. It runs last, wherever it stands: applications write "queue / mark". What changes bytes must stand in
 * front of it. A rule without one goes on to the next lower priority, as if it said PASSTHRU.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions.h"

#define ACTIONS_LOOKED_AT 64

int
actions_fail(const struct actions *a, int err, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return hwf_fail(a->w, a->error, err, RTE_FLOW_ERROR_TYPE_ACTION, a->now, "%s", text);
}

int
actions_fail_conf(const struct actions *a, int err, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return hwf_fail(a->w, a->error, err, RTE_FLOW_ERROR_TYPE_ACTION_CONF,
			a->now->conf != NULL ? a->now->conf : a->now, "%s", text);
}

struct sim_action *
actions_add(struct actions *a, enum sim_action_type type)
{
	struct sim_action *s = &a->out->action[a->out->n];

	/* One is kept for the fate. */
	if (a->out->n >= SIM_ACTIONS_MAX - 1) {
		hwf_fail(a->w, a->error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION_NUM, a->now,
				"more than %d actions, SET_TAG and SET_META counted once a run of bits",
				SIM_ACTIONS_MAX);
		return NULL;
	}
	a->out->n++;
	*s = (struct sim_action){ .type = type };
	return s;
}

int
actions_u32(struct actions *a, enum sim_action_type type, uint32_t value)
{
	struct sim_action *s = actions_add(a, type);

	if (s == NULL)
		return -ENOTSUP;
	s->u32 = value;
	return 0;
}

int
actions_fate(struct actions *a, enum sim_action_type type, uint32_t value)
{
	if (a->fate.type != SIM_A_END)
		return actions_fail(a, EINVAL, "a second fate: a packet goes one way");
	a->fate = (struct sim_action){ .type = type, .u32 = value };
	return 0;
}

int
actions_once(struct actions *a, uint32_t bit, const char *name)
{
	const uint32_t shared = ACTIONS_AGE | ACTIONS_CT | ACTIONS_METER;

	if (a->seen & bit)
		return actions_fail(a, ENOTSUP, "a second %s", name);
	/* mlx5: one ASO object a rule. */
	if (a->w->h->profile->objects_shared_one && bit & shared && a->seen & shared)
		return actions_fail(a, ENOTSUP,
				"%s beside another of AGE, CONNTRACK and METER: this card takes one",
				name);
	a->seen |= bit;
	return 0;
}

int
actions_port(struct actions *a, const struct rte_flow_action *action)
{
	uint32_t id;
	int port;

	if (!a->w->attr->transfer)
		return actions_fail(a, EINVAL, "ports are for transfer rules");
	if (action->conf == NULL)
		return actions_fail_conf(a, EINVAL, "no port");
	if (action->type == RTE_FLOW_ACTION_TYPE_PORT_ID) {
		const struct rte_flow_action_port_id *c = action->conf;

		if (c->original)
			return a->w->port;
		id = c->id;
	} else {
		id = ((const struct rte_flow_action_ethdev *)action->conf)->port_id;
	}
	port = id > UINT16_MAX ? -1 : a->w->h->env->port_of(a->w->h->ctx, id);
	return port >= 0 ? port
			 : actions_fail_conf(a, EINVAL, "port %u is not one of this NIC", id);
}

static int
none(struct actions *a)
{
	(void)a;
	return 0;
}

static int
passthru(struct actions *a)
{
	return actions_fate(a, SIM_A_PASSTHRU, 0);
}

static int
drop(struct actions *a)
{
	return actions_fate(a, SIM_A_DROP, 0);
}

static int
jump(struct actions *a)
{
	const struct rte_flow_action_jump *c = a->now->conf;
	const uint32_t end = RTE_MIN(a->w->h->profile->tables_groups, hwf_group_own(a->w->h));

	if (c->group >= end)
		return actions_fail_conf(a, ENOTSUP,
				"group %u: the highest is %u (profile: tables.groups)", c->group,
				end - 1);
	a->out->jump = c->group;
	return actions_fate(a, SIM_A_JUMP, c->group);
}

static int
queue(struct actions *a)
{
	const struct rte_flow_action_queue *c = a->now->conf;
	const uint16_t n = a->w->h->env->rx_queues(a->w->h->ctx, a->w->port);

	if (c->index >= n)
		return actions_fail_conf(a, EINVAL, "queue %u: the port has %u", c->index, n);
	return actions_fate(a, SIM_A_QUEUE, c->index);
}

static int
port(struct actions *a)
{
	const int p = actions_port(a, a->now);

	if (p < 0)
		return p;
	return actions_fate(a,
			a->now->type == RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR ? SIM_A_HOST
									      : SIM_A_PORT,
			p);
}

static int
mark(struct actions *a)
{
	return actions_u32(a, SIM_A_MARK, ((const struct rte_flow_action_mark *)a->now->conf)->id);
}

static int
flag(struct actions *a)
{
	return actions_u32(a, SIM_A_FLAG, 0);
}

static int
mac_swap(struct actions *a)
{
	return actions_u32(a, SIM_A_MAC_SWAP, 0);
}

static int
pop_vlan(struct actions *a)
{
	return actions_u32(a, SIM_A_VLAN_POP, 0);
}

static int
push_vlan(struct actions *a)
{
	const struct rte_flow_action_of_push_vlan *c = a->now->conf;
	const uint16_t type = rte_be_to_cpu_16(c->ethertype);

	if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ)
		return actions_fail_conf(
				a, EINVAL, "0x%04x is no VLAN's EtherType: 0x8100 or 0x88a8", type);
	return actions_u32(a, SIM_A_VLAN_PUSH, type);
}

static int
count(struct actions *a)
{
	int rc = actions_once(a, ACTIONS_COUNT, "COUNT");

	a->out->count_action = a->now;
	a->out->count_at = a->out->n;
	return rc != 0 ? rc : actions_u32(a, SIM_A_COUNT, 0);
}

static int
age(struct actions *a)
{
	const struct rte_flow_action_age *c = a->now->conf;
	int rc = actions_once(a, ACTIONS_AGE, "AGE");

	if (rc == 0 && c->reserved != 0)
		rc = actions_fail_conf(a, EINVAL, "AGE: reserved bits are set");
	if (rc == 0 && c->timeout == 0)
		rc = actions_fail_conf(a, EINVAL, "AGE: a timeout of 0 seconds");
	a->out->age_action = a->now;
	a->out->age_at = a->out->n;
	return rc != 0 ? rc : actions_u32(a, SIM_A_AGE, 0);
}

static int
security(struct actions *a)
{
	const struct rte_flow_action_security *c = a->now->conf;
	const uint32_t sessions = a->w->h->profile->tls_sessions;
	const uintptr_t session = (uintptr_t)c->security_session;
	int rc = actions_once(a, ACTIONS_TLS, "SECURITY");

	if (rc != 0)
		return rc;
	if (sessions == 0)
		return actions_fail(a, ENOTSUP,
				"SECURITY: this card has no TLS engine (profile: tls.sessions)");
	/* The engine's sessions are numbers. */
	if (session >= sessions)
		return actions_fail_conf(
				a, EINVAL, "SECURITY: no such session, the card has %u", sessions);
	return actions_u32(a, SIM_A_TLS, session);
}

/* A handle that the rule uses from now on. */
static int
use(struct actions *a, struct rte_flow_action_handle *handle)
{
	uint32_t i;

	for (i = 0; i < a->out->n_handles; i++)
		if (a->out->handle[i] == handle)
			return actions_fail(a, EINVAL, "the same indirect action twice");
	if (handle->slot.flags & HWF_H_PENDING)
		return actions_fail(a, EBUSY, "a flow queue is destroying the indirect action");
	if (a->out->n_handles == HWF_HANDLES_MAX)
		return actions_fail(a, ENOTSUP, "more than %d indirect actions", HWF_HANDLES_MAX);
	if (handle->domains != 0 && !(handle->domains & 1u << hwf_domain(a->w->attr)))
		return actions_fail(a, EINVAL,
				"the indirect action was made for another of ingress, egress and transfer");
	a->out->handle[a->out->n_handles++] = handle;
	return 0;
}

static int
meter(struct actions *a)
{
	const struct rte_flow_action_meter *c = a->now->conf;
	const uint32_t i = hwf_ids_get(&a->w->h->port[a->w->port].meters, c->mtr_id);
	struct rte_flow_action_handle *handle;
	int64_t group;
	int rc;

	if (i == HWF_NONE)
		return actions_fail_conf(a, EINVAL, "no meter %u on this port", c->mtr_id);
	handle = hwf_pool_at(&a->w->h->handles, i);
	rc = actions_once(a, ACTIONS_METER, "METER");
	if (rc == 0)
		rc = use(a, handle);
	if (rc == 0)
		rc = actions_u32(a, SIM_A_METER, handle->object);
	if (rc != 0)
		return rc;
	/* A policy with actions of its own says where packets of each colour go: the rule does not. */
	group = hwf_mtr_group(a->w, handle, a->error);
	if (group < 0)
		return group;
	return group == HWF_NONE ? 0 : actions_fate(a, SIM_A_JUMP, group);
}

static int
track(struct actions *a, const struct rte_flow_action_handle *handle)
{
	struct sim_action *s;
	int rc = actions_once(a, ACTIONS_CT, "CONNTRACK");

	if (rc != 0)
		return rc;
	if (a->fate.type != SIM_A_END)
		return actions_fail(a, EINVAL, "CONNTRACK must stand in front of the fate");
	if (a->w->attr->group == 0 && !a->w->h->profile->objects_ct_group0)
		return actions_fail(a, ENOTSUP, "CONNTRACK: not in group 0 of this card");
	s = actions_add(a, SIM_A_CT);
	if (s == NULL)
		return -ENOTSUP;
	s->u32 = handle->object;
	s->flags = handle->reply ? SIM_AF_REPLY : 0;
	return 0;
}

static int
indirect(struct actions *a)
{
	/* conf is the handle itself. */
	struct rte_flow_action_handle *handle =
			(struct rte_flow_action_handle *)(uintptr_t)a->now->conf;
	int rc;

	if (!hwf_pool_has(&a->w->h->handles, handle, HWF_HANDLE, a->w->port) ||
			handle->type == RTE_FLOW_ACTION_TYPE_METER)
		return hwf_fail(a->w, a->error, ENOENT, RTE_FLOW_ERROR_TYPE_ACTION_CONF,
				a->now->conf, "no such indirect action on this port");
	rc = use(a, handle);
	if (rc != 0)
		return rc;
	switch (handle->type) {
	case RTE_FLOW_ACTION_TYPE_COUNT:
		a->out->shared_counter = handle->object;
		rc = actions_once(a, ACTIONS_COUNT, "COUNT");
		return rc != 0 ? rc : actions_u32(a, SIM_A_COUNT, handle->object);
	case RTE_FLOW_ACTION_TYPE_AGE:
		a->out->shared_age = handle->object;
		rc = actions_once(a, ACTIONS_AGE, "AGE");
		return rc != 0 ? rc : actions_u32(a, SIM_A_AGE, handle->object);
	case RTE_FLOW_ACTION_TYPE_CONNTRACK:
		return track(a, handle);
	case RTE_FLOW_ACTION_TYPE_RSS:
		if (!a->w->attr->ingress || a->w->attr->transfer)
			return actions_fail(a, EINVAL, "RSS is for ingress rules");
		return actions_fate(a, SIM_A_RSS, handle->object);
	default:
		return actions_fail(a, ENOTSUP, "an indirect action of this type cannot be used");
	}
}

static int
conntrack(struct actions *a)
{
	return actions_fail(a, ENOTSUP,
			"CONNTRACK is used by an indirect action of it: both directions share it");
}

/* The JUMP of this rule goes to a group of the tunnel, see flow_claim.c. */
static int
tunnel(struct actions *a)
{
	if (a->out->tunnel != NULL)
		return actions_fail(a, EINVAL, "a second action of tunnel offload");
	a->out->tunnel = hwf_tunnel_get(a->w, a->now, a->error);
	return a->out->tunnel != NULL ? 0 : -ENOENT;
}

/* Where an action may be, and what it is. */
enum {
	IN = 1 << SIM_INGRESS,
	OUT = 1 << SIM_EGRESS,
	TRANSFER = 1 << SIM_TRANSFER,
	ALL = IN | OUT | TRANSFER,
	CONF = 16,  /* must have a conf */
	BYTES = 32, /* changes the packet: in front of the fate only */
};

static const struct entry {
	enum rte_flow_action_type type;
	uint8_t flags;
	int (*add)(struct actions *a);
	const char *name;
} entries[] = {
	{ RTE_FLOW_ACTION_TYPE_VOID, ALL, none, "VOID" },
	{ RTE_FLOW_ACTION_TYPE_PASSTHRU, ALL, passthru, "PASSTHRU" },
	{ RTE_FLOW_ACTION_TYPE_JUMP, ALL | CONF, jump, "JUMP" },
	{ RTE_FLOW_ACTION_TYPE_DROP, ALL, drop, "DROP" },
	{ RTE_FLOW_ACTION_TYPE_QUEUE, IN | CONF, queue, "QUEUE" },
	{ RTE_FLOW_ACTION_TYPE_RSS, IN | CONF, actions_rss, "RSS" },
	{ RTE_FLOW_ACTION_TYPE_PORT_ID, ALL | CONF, port, "PORT_ID" },
	{ RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR, ALL | CONF, port, "PORT_REPRESENTOR" },
	{ RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT, ALL | CONF, port, "REPRESENTED_PORT" },
	{ RTE_FLOW_ACTION_TYPE_MARK, IN | TRANSFER | CONF, mark, "MARK" },
	{ RTE_FLOW_ACTION_TYPE_FLAG, IN | TRANSFER, flag, "FLAG" },
	{ RTE_FLOW_ACTION_TYPE_COUNT, ALL, count, "COUNT" },
	{ RTE_FLOW_ACTION_TYPE_AGE, ALL | CONF, age, "AGE" },
	{ RTE_FLOW_ACTION_TYPE_METER, ALL | CONF, meter, "METER" },
	{ RTE_FLOW_ACTION_TYPE_CONNTRACK, ALL, conntrack, "CONNTRACK" },
	{ RTE_FLOW_ACTION_TYPE_INDIRECT, ALL | CONF, indirect, "INDIRECT" },
	{ RTE_FLOW_ACTION_TYPE_SECURITY, ALL | CONF, security, "SECURITY" },
	{ RTE_FLOW_ACTION_TYPE_SAMPLE, ALL | CONF, actions_sample, "SAMPLE" },
	{ RTE_FLOW_ACTION_TYPE_MAC_SWAP, ALL | BYTES, mac_swap, "MAC_SWAP" },
	{ RTE_FLOW_ACTION_TYPE_OF_POP_VLAN, ALL | BYTES, pop_vlan, "OF_POP_VLAN" },
	{ RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN, ALL | CONF | BYTES, push_vlan, "OF_PUSH_VLAN" },
	{ RTE_FLOW_ACTION_TYPE_VXLAN_ENCAP, ALL | CONF | BYTES, actions_vxlan_encap,
			"VXLAN_ENCAP" },
	{ RTE_FLOW_ACTION_TYPE_NVGRE_ENCAP, ALL | CONF | BYTES, actions_nvgre_encap,
			"NVGRE_ENCAP" },
	{ RTE_FLOW_ACTION_TYPE_RAW_ENCAP, ALL | CONF | BYTES, actions_raw_encap, "RAW_ENCAP" },
	{ RTE_FLOW_ACTION_TYPE_RAW_DECAP, ALL | CONF | BYTES, actions_raw_decap, "RAW_DECAP" },
	{ RTE_FLOW_ACTION_TYPE_VXLAN_DECAP, ALL | BYTES, actions_decap, "VXLAN_DECAP" },
	{ RTE_FLOW_ACTION_TYPE_NVGRE_DECAP, ALL | BYTES, actions_decap, "NVGRE_DECAP" },
	{ RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, ALL | CONF | BYTES, actions_modify_field,
			"MODIFY_FIELD" },
	{ HWF_ACTION_TUNNEL, ALL | CONF, tunnel, "tunnel offload" },
};

static int
after_fate(const struct actions *a)
{
	return actions_fail(a, EINVAL, "an action that changes the packet stands behind its fate");
}

static int
action_add(struct actions *a)
{
	static const char *const domain[] = { "ingress", "egress", "transfer" };
	const struct entry *e = NULL;
	unsigned int i;
	int rc;

	for (i = 0; i < RTE_DIM(entries) && e == NULL; i++)
		if (entries[i].type == a->now->type)
			e = &entries[i];
	if (e == NULL) {
		/* Writers of fields: one table, their conf is always there; tags and the like are no bytes. */
		rc = actions_set(a);
		return rc != -ENOENT ? rc
				     : actions_fail(a, ENOTSUP, "action type %d is not supported",
						       (int)a->now->type);
	}
	if (!(e->flags & 1u << hwf_domain(a->w->attr)))
		return actions_fail(a, EINVAL, "%s is not for %s rules", e->name,
				domain[hwf_domain(a->w->attr)]);
	if (e->flags & BYTES && a->fate.type != SIM_A_END)
		return after_fate(a);
	if (e->flags & CONF && a->now->conf == NULL) {
		/* In a template the rule brings it. */
		return a->w->template ? 0
				      : actions_fail_conf(a, EINVAL, "%s without a conf", e->name);
	}
	return e->add(a);
}

int
hwf_actions(const struct hwf_where *w, const struct rte_flow_action *actions,
		struct hwf_actions *out, struct rte_flow_error *error)
{
	struct actions a = { .w = w, .out = out, .error = error };
	uint32_t i;
	int rc;

	/* action[] and modify[] are written before they are read: they are the bulk of it. */
	memset(&out->n, 0, sizeof(*out) - offsetof(struct hwf_actions, n));
	out->counter = HWF_NONE;
	out->age = HWF_NONE;
	out->rss = HWF_NONE;
	out->sample = HWF_NONE;
	out->shared_counter = HWF_NONE;
	out->shared_age = HWF_NONE;
	out->jump = HWF_NONE;
	if (actions == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_NUM, NULL,
				"no actions");
	for (i = 0; actions[i].type != RTE_FLOW_ACTION_TYPE_END; i++) {
		if (i == ACTIONS_LOOKED_AT)
			return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION_NUM, actions,
					"more than %d actions", ACTIONS_LOOKED_AT);
		a.now = &actions[i];
		rc = action_add(&a);
		if (rc != 0)
			return rc;
	}
	a.now = actions;
	if (out->tunnel != NULL && out->jump == HWF_NONE)
		return actions_fail(
				&a, EINVAL, "an action of tunnel offload needs a JUMP beside it");
	if (a.fate.type == SIM_A_END)
		a.fate.type = SIM_A_PASSTHRU;
	if (a.fate.type == SIM_A_RSS)
		out->rss_at = out->n;
	out->action[out->n++] = a.fate;
	return 0;
}
