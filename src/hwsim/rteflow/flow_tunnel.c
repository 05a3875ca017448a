/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnel offload: private items and actions for a tunnel, groups of its own for each, and what to tell of a packet that
 * missed behind them. Called by the driver's glue, and by the translation of rules.
 *
 * The rule that sees the outer headers has the private action and jumps; the rules behind it have the private item, which
 * puts them into the tunnel's group of that number. So tunnels share group numbers without meeting, and a packet that
 * misses names both: sim_pkt.restore = tunnel << 24 | group.
 */
#include "hwf_async.h"

#include <errno.h>
#include <rte_errno.h>
#include <string.h>

#define GROUP_TUNNEL 1
#define RESTORE_GROUPS (1u << 24)

/* --- groups that no application has --- */

uint32_t
hwf_group_own(const struct hwf *h)
{
	const uint32_t end = RTE_MIN(h->profile->tables_groups, RESTORE_GROUPS);

	/* A card with few groups has none to spare: then there are no tunnels and no policies with fates. */
	return end > 2 * HWF_GROUPS_OWN ? end - HWF_GROUPS_OWN : UINT32_MAX;
}

int64_t
hwf_group_take(struct hwf *h, const struct hwf_group *g)
{
	const uint32_t first = hwf_group_own(h);
	uint32_t i;

	if (first == UINT32_MAX)
		return -ENOSPC;
	for (i = 0; i < HWF_GROUPS_OWN; i++)
		if (h->own[i].kind == 0) {
			h->own[i] = *g;
			return (int64_t)first + i;
		}
	return -ENOSPC;
}

void
hwf_group_give(struct hwf *h, uint32_t real)
{
	memset(&h->own[real - hwf_group_own(h)], 0, sizeof(h->own[0]));
}

/* --- tunnels --- */

static uint8_t
id_of(const struct hwf *h, const struct hwf_tunnel *t)
{
	return (uint8_t)(hwf_pool_index(&h->tunnels, t) + 1);
}

static struct hwf_tunnel *
by_id(const struct hwf *h, uint8_t id)
{
	return hwf_pool_at(&h->tunnels, id - 1u);
}

static bool
same(const struct rte_flow_tunnel *a, const struct rte_flow_tunnel *b)
{
	if (a->type != b->type || a->tun_id != b->tun_id || a->is_ipv6 != b->is_ipv6 ||
			a->tp_src != b->tp_src || a->tp_dst != b->tp_dst ||
			a->tun_flags != b->tun_flags)
		return false;
	if (a->tos != b->tos || a->ttl != b->ttl || a->label != b->label)
		return false;
	if (a->is_ipv6)
		return memcmp(&a->ipv6, &b->ipv6, sizeof(a->ipv6)) == 0;
	return memcmp(&a->ipv4, &b->ipv4, sizeof(a->ipv4)) == 0;
}

static int
check(const struct hwf_where *w, const struct rte_flow_tunnel *t, struct rte_flow_error *error)
{
	if (t == NULL)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no tunnel given");
	if (t->type != RTE_FLOW_ITEM_TYPE_VXLAN && t->type != RTE_FLOW_ITEM_TYPE_GENEVE &&
			t->type != RTE_FLOW_ITEM_TYPE_GRE)
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, t,
				"tunnel of type %d: only VXLAN, GENEVE and GRE", (int)t->type);
	if (t->type != RTE_FLOW_ITEM_TYPE_GRE && t->tun_id >= 1u << 24)
		return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, &t->tun_id,
				"a network identifier has 24 bits");
	if (hwf_group_own(w->h) == UINT32_MAX)
		return hwf_fail(w, error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, t,
				"%s has no groups to spare for tunnels", w->h->profile->name);
	return 0;
}

static struct hwf_tunnel *
find(struct hwf *h, uint16_t port, const struct rte_flow_tunnel *def)
{
	uint32_t i;

	for (i = h->port[port].tunnels.first; i != HWF_NONE;) {
		struct hwf_tunnel *t = hwf_pool_at(&h->tunnels, i);

		if (same(&t->def, def))
			return t;
		i = t->slot.next;
	}
	return NULL;
}

/* The tunnel of that definition, a new one or the one there is; -rte_errno. */
static int
need(const struct hwf_where *w, const struct rte_flow_tunnel *def, struct hwf_tunnel **tunnel,
		struct rte_flow_error *error)
{
	struct hwf *h = w->h;
	int r;

	r = check(w, def, error);
	if (r != 0)
		return r;
	*tunnel = find(h, w->port, def);
	if (*tunnel != NULL)
		return 0;
	*tunnel = hwf_pool_get(&h->tunnels, HWF_TUNNEL, w->port);
	if (*tunnel == NULL)
		return hwf_fail(w, error, ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, def,
				"at most %d tunnels", HWF_TUNNELS_MAX);
	(*tunnel)->def = *def;
	(*tunnel)->item = (struct rte_flow_item){ .type = HWF_ITEM_TUNNEL, .spec = *tunnel };
	(*tunnel)->action = (struct rte_flow_action){ .type = HWF_ACTION_TUNNEL, .conf = *tunnel };
	hwf_list_add(&h->port[w->port].tunnels, &h->tunnels, *tunnel);
	return 0;
}

/* Nobody has items, actions or rules of it any more: its groups are empty. */
static void
unless_used(struct hwf *h, struct hwf_tunnel *t)
{
	const uint8_t id = id_of(h, t);
	uint32_t i;

	if (t->uses != 0)
		return;
	for (i = 0; i < HWF_GROUPS_OWN; i++) {
		if (h->own[i].kind != GROUP_TUNNEL || h->own[i].tunnel != id)
			continue;
		sim_lock_take(h->nic);
		sim_steer_tunnel_group(h->steer, h->own[i].port, hwf_group_own(h) + i, 0);
		sim_lock_give(h->nic);
		hwf_group_give(h, hwf_group_own(h) + i);
	}
	hwf_list_del(&h->port[t->slot.port].tunnels, &h->tunnels, t);
	hwf_pool_put(&h->tunnels, t);
}

void
hwf_tunnel_uses(struct hwf *h, const uint8_t tunnels[2], int n)
{
	uint32_t i;

	for (i = 0; i < 2; i++)
		if (tunnels[i] != 0) {
			struct hwf_tunnel *t = by_id(h, tunnels[i]);

			t->uses += (uint32_t)n;
			unless_used(h, t);
		}
}

void
hwf_tunnel_close(struct hwf *h, uint16_t port)
{
	while (h->port[port].tunnels.first != HWF_NONE) {
		struct hwf_tunnel *t = hwf_pool_at(&h->tunnels, h->port[port].tunnels.first);

		t->uses = 0;
		unless_used(h, t);
	}
}

/* --- in rules --- */

int
hwf_tunnel_of(const struct hwf_where *w, const struct rte_flow_item *pattern,
		struct hwf_tunnel **tunnel, struct rte_flow_error *error)
{
	uint32_t i;

	*tunnel = NULL;
	/* Of longer patterns hwf_match() says that they are too long. */
	for (i = 0; i < HWF_ITEMS_MAX && pattern->type != RTE_FLOW_ITEM_TYPE_END; i++, pattern++) {
		if (pattern->type != HWF_ITEM_TUNNEL)
			continue;
		if (*tunnel != NULL)
			return hwf_fail(w, error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, pattern,
					"a rule is of one tunnel at most");
		if (!hwf_pool_has(&w->h->tunnels, pattern->spec, HWF_TUNNEL, w->port))
			return hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, pattern,
					"no such tunnel on this port, or released");
		*tunnel = (struct hwf_tunnel *)(uintptr_t)pattern->spec;
	}
	return *tunnel != NULL;
}

struct hwf_tunnel *
hwf_tunnel_get(const struct hwf_where *w, const struct rte_flow_action *action,
		struct rte_flow_error *error)
{
	if (hwf_pool_has(&w->h->tunnels, action->conf, HWF_TUNNEL, w->port))
		return (struct hwf_tunnel *)(uintptr_t)action->conf;
	hwf_fail(w, error, ENOENT, RTE_FLOW_ERROR_TYPE_ACTION_CONF, action,
			"no such tunnel on this port, or released");
	return NULL;
}

int64_t
hwf_tunnel_group(const struct hwf_where *w, struct hwf_tunnel *tunnel, uint32_t group, bool decap,
		struct rte_flow_error *error)
{
	struct hwf *h = w->h;
	const enum sim_domain d = hwf_domain(w->attr);
	const struct hwf_group want = {
		.kind = GROUP_TUNNEL,
		.domain = (uint8_t)d,
		.tunnel = id_of(h, tunnel),
		.port = d == SIM_TRANSFER ? SIM_ANY_PORT : w->port,
		.group = group,
		.decap = decap,
	};
	int64_t real;
	uint32_t i;
	int r;

	for (i = 0; i < HWF_GROUPS_OWN; i++) {
		struct hwf_group *g = &h->own[i];

		if (g->kind == want.kind && g->tunnel == want.tunnel && g->group == group &&
				g->domain == want.domain && g->port == want.port) {
			g->decap |= decap;
			return (int64_t)hwf_group_own(h) + i;
		}
	}
	real = hwf_group_take(h, &want);
	if (real < 0)
		return hwf_fail(w, error, ENOSPC, RTE_FLOW_ERROR_TYPE_ATTR_GROUP, w->attr,
				"at most %u groups of tunnels and of meter policies",
				HWF_GROUPS_OWN);
	sim_lock_take(h->nic);
	r = sim_steer_tunnel_group(h->steer, want.port, (uint32_t)real, want.tunnel);
	sim_lock_give(h->nic);
	if (r == 0)
		return real;
	hwf_group_give(h, (uint32_t)real);
	return hwf_fail(w, error, -r, RTE_FLOW_ERROR_TYPE_ATTR_GROUP, w->attr,
			"no room for another group of a tunnel");
}

static const struct hwf_group *
own_group(const struct hwf *h, uint32_t real)
{
	const uint32_t first = hwf_group_own(h);

	if (first == UINT32_MAX || real < first || real - first >= HWF_GROUPS_OWN)
		return NULL;
	return &h->own[real - first];
}

bool
hwf_tunnel_ungroup(const struct hwf *h, uint32_t real, uint8_t *tunnel, uint32_t *group)
{
	const struct hwf_group *g = own_group(h, real);

	if (g == NULL || g->kind != GROUP_TUNNEL)
		return false;
	*tunnel = g->tunnel;
	*group = g->group;
	return true;
}

/* --- calls of the application --- */

int
hwf_tunnel_decap_set(struct hwf *h, uint16_t port, struct rte_flow_tunnel *tunnel,
		struct rte_flow_action **actions, uint32_t *n, struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_tunnel *t;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	r = need(&w, tunnel, &t, error);
	if (r == 0) {
		t->uses++;
		t->actions++;
		*actions = &t->action;
		*n = 1;
	}
	hwf_unlock(h);
	return r;
}

int
hwf_tunnel_match(struct hwf *h, uint16_t port, struct rte_flow_tunnel *tunnel,
		struct rte_flow_item **items, uint32_t *n, struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_tunnel *t;
	int r;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	r = need(&w, tunnel, &t, error);
	if (r == 0) {
		t->uses++;
		t->items++;
		*items = &t->item;
		*n = 1;
	}
	hwf_unlock(h);
	return r;
}

/* What was handed out is inside of the tunnel, `at` bytes from its beginning; a pointer is looked at before it is followed. */
static struct hwf_tunnel *
handed_out(const struct hwf *h, uint16_t port, const void *array, size_t at)
{
	uint32_t i;

	for (i = h->port[port].tunnels.first; array != NULL && i != HWF_NONE;) {
		struct hwf_tunnel *t = hwf_pool_at(&h->tunnels, i);

		if ((const uint8_t *)t + at == array)
			return t;
		i = t->slot.next;
	}
	return NULL;
}

int
hwf_tunnel_action_release(struct hwf *h, uint16_t port, struct rte_flow_action *actions, uint32_t n,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_tunnel *t;
	int r = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	t = handed_out(h, port, actions, offsetof(struct hwf_tunnel, action));
	if (t == NULL || n != 1 || t->actions == 0) {
		r = hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, actions,
				"not what rte_flow_tunnel_decap_set() gave, or released already");
	} else {
		t->actions--;
		t->uses--;
		unless_used(h, t);
	}
	hwf_unlock(h);
	return r;
}

int
hwf_tunnel_item_release(struct hwf *h, uint16_t port, struct rte_flow_item *items, uint32_t n,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	struct hwf_tunnel *t;
	int r = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	t = handed_out(h, port, items, offsetof(struct hwf_tunnel, item));
	if (t == NULL || n != 1 || t->items == 0) {
		r = hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, items,
				"not what rte_flow_tunnel_match() gave, or released already");
	} else {
		t->items--;
		t->uses--;
		unless_used(h, t);
	}
	hwf_unlock(h);
	return r;
}

int
hwf_restore_info(struct hwf *h, uint16_t port, uint32_t restore, struct rte_flow_restore_info *info,
		struct rte_flow_error *error)
{
	const struct hwf_where w = { .h = h, .port = port, .queue = UINT16_MAX };
	const struct hwf_group *g;
	int r = 0;

	if (hwf_enter(h, port, error) != 0)
		return -ENODEV;
	g = own_group(h, restore & (RESTORE_GROUPS - 1));
	/* The tunnel may have gone while the packet was on its way: then nothing is known of it. */
	if (g == NULL || g->kind != GROUP_TUNNEL || g->tunnel != restore >> 24) {
		r = hwf_fail(&w, error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"the packet missed in no group of a tunnel");
	} else {
		memset(info, 0, sizeof(*info));
		info->flags = RTE_FLOW_RESTORE_INFO_TUNNEL | RTE_FLOW_RESTORE_INFO_GROUP_ID |
				(g->decap ? 0 : RTE_FLOW_RESTORE_INFO_ENCAPSULATED);
		info->group_id = g->group;
		info->tunnel = by_id(h, g->tunnel)->def;
	}
	hwf_unlock(h);
	return r;
}
