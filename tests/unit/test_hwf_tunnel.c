/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnel offload: what is handed out and taken back, tunnels that share group numbers, what is told of packets that miss.
 */
#include "test_hwf_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

static const struct rig_flow inner = { 0xc0a80001, 0xc0a80002, 1000, 80 };

static struct rte_flow_tunnel
vxlan(uint64_t vni)
{
	return (struct rte_flow_tunnel){
		.type = RTE_FLOW_ITEM_TYPE_VXLAN, .tun_id = vni, .ttl = 64, .tp_dst = 0x12b5
	};
}

/* eth / ipv4 / udp / vxlan vni -> [decap] tunnel-decap-set / jump `group`. */
static struct rte_flow *
outer_rule(struct rig *r, uint32_t vni, const struct rte_flow_action *set, uint32_t group,
		bool decap)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_item_vxlan spec = {
		.vni = { (uint8_t)(vni >> 16), (uint8_t)(vni >> 8), (uint8_t)vni }
	};
	const struct rte_flow_item pattern[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4 },
		{ .type = RTE_FLOW_ITEM_TYPE_UDP },
		{ .type = RTE_FLOW_ITEM_TYPE_VXLAN, .spec = &spec },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	const struct rte_flow_action_jump jump = { .group = group };
	const struct rte_flow_action actions[] = {
		{ .type = decap ? RTE_FLOW_ACTION_TYPE_VXLAN_DECAP : RTE_FLOW_ACTION_TYPE_VOID },
		*set,
		{ .type = RTE_FLOW_ACTION_TYPE_JUMP, .conf = &jump },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow = hwf_create(r->h, 0, &attr, pattern, actions, &error);

	if (flow == NULL)
		fail_msg("%s", error.message);
	return flow;
}

/* tunnel-match / eth / ipv4 / udp / vxlan / eth / ipv4 / tcp -> vxlan_decap / queue. */
static struct rte_flow *
inner_rule(struct rig *r, const struct rte_flow_item *match, uint32_t group, uint16_t queue,
		struct rte_flow_error *error)
{
	const struct rte_flow_attr attr = { .ingress = 1, .group = group };
	struct rig_tuple t;
	struct rte_flow_item pattern[] = {
		*match,
		{ .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4 },
		{ .type = RTE_FLOW_ITEM_TYPE_UDP },
		{ .type = RTE_FLOW_ITEM_TYPE_VXLAN },
		{ .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	const struct rte_flow_action_queue to = { .index = queue };
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_VXLAN_DECAP },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};

	rig_tuple(&t, &inner);
	pattern[6] = t.item[1];
	pattern[7] = t.item[2];
	return hwf_create(r->h, 0, &attr, pattern, actions, error);
}

struct offload {
	struct rte_flow_tunnel tunnel;
	struct rte_flow_action *actions;
	struct rte_flow_item *items;
	uint32_t n_actions, n_items;
};

static void
open_tunnel(struct rig *r, struct offload *o, uint32_t vni)
{
	struct rte_flow_error error = { 0 };

	o->tunnel = vxlan(vni);
	assert_int_equal(hwf_tunnel_decap_set(
					 r->h, 0, &o->tunnel, &o->actions, &o->n_actions, &error),
			0);
	assert_int_equal(hwf_tunnel_match(r->h, 0, &o->tunnel, &o->items, &o->n_items, &error), 0);
	assert_int_equal(o->n_actions, 1);
	assert_int_equal(o->n_items, 1);
	assert_true((int)o->actions[0].type < 0);
	assert_true((int)o->items[0].type < 0);
}

/* Two tunnels, one group number: 0, as Open vSwitch has it. Each has its own rules there, or none and misses. */
static void
test_two_tunnels(void **state)
{
	struct rig *r = *state;
	struct rte_flow_restore_info info;
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow[3];
	struct offload o[2];
	struct rig_packet p;

	open_tunnel(r, &o[0], 100);
	open_tunnel(r, &o[1], 200);
	flow[0] = outer_rule(r, 100, o[0].actions, 0, false);
	flow[1] = outer_rule(r, 200, o[1].actions, 0, false);
	rig_vxlan(&p, &inner, 100);
	rig_run(r, &p, 0);
	assert_true(p.pkt.restored);
	assert_int_equal(hwf_restore_info(r->h, 0, p.pkt.restore, &info, &error), 0);
	assert_int_equal(info.flags,
			RTE_FLOW_RESTORE_INFO_TUNNEL | RTE_FLOW_RESTORE_INFO_GROUP_ID |
					RTE_FLOW_RESTORE_INFO_ENCAPSULATED);
	assert_int_equal(info.group_id, 0);
	assert_int_equal(info.tunnel.tun_id, 100);
	assert_int_equal(info.tunnel.type, RTE_FLOW_ITEM_TYPE_VXLAN);
	assert_int_equal(info.tunnel.ttl, 64);
	/* It is as it came. */
	assert_int_equal(p.pkt.len, 14 + 20 + 8 + 8 + 14 + 20 + 20 + 32);

	flow[2] = inner_rule(r, o[0].items, 0, 6, &error);
	if (flow[2] == NULL)
		fail_msg("%s", error.message);
	rig_vxlan(&p, &inner, 100);
	rig_run(r, &p, 0);
	assert_false(p.pkt.restored);
	assert_int_equal(p.pkt.dest.queue, 6);
	assert_int_equal(p.pkt.len, 14 + 20 + 20 + 32);
	rig_vxlan(&p, &inner, 200);
	rig_run(r, &p, 0);
	assert_true(p.pkt.restored);
	assert_int_equal(hwf_restore_info(r->h, 0, p.pkt.restore, &info, &error), 0);
	assert_int_equal(info.tunnel.tun_id, 200);
	/* No tunnel: neither. */
	rig_vxlan(&p, &inner, 300);
	rig_run(r, &p, 0);
	assert_false(p.pkt.restored);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hwf_destroy(r->h, 0, flow[i], &error), 0);
}

/* A dump knows groups of tunnels as the application does, where rules are and where they jump to. */
static void
test_dump(void **state)
{
	struct rig *r = *state;
	struct rte_flow_error error = { 0 };
	struct offload o;
	char *text = NULL;
	size_t size;
	FILE *f;

	open_tunnel(r, &o, 100);
	outer_rule(r, 100, o.actions, 5, false);
	assert_non_null(inner_rule(r, o.items, 5, 6, &error));
	f = open_memstream(&text, &size);
	assert_non_null(f);
	assert_int_equal(hwf_dump(r->h, 0, NULL, f, &error), 0);
	fclose(f);
	assert_non_null(strstr(text, "actions jump 5 tunnel 1 / end"));
	assert_non_null(strstr(text, "group 5 tunnel 1 priority"));
	free(text);
}

/* Outer headers are taken off before the jump: the packet that misses has them no more. */
static void
test_decap_before(void **state)
{
	struct rig *r = *state;
	struct rte_flow_restore_info info;
	struct rte_flow_error error = { 0 };
	struct offload o;
	struct rig_packet p;

	open_tunnel(r, &o, 100);
	outer_rule(r, 100, o.actions, 77, true);
	rig_vxlan(&p, &inner, 100);
	rig_run(r, &p, 0);
	assert_true(p.pkt.restored);
	assert_int_equal(p.pkt.len, 14 + 20 + 20 + 32);
	assert_int_equal(hwf_restore_info(r->h, 0, p.pkt.restore, &info, &error), 0);
	assert_int_equal(info.flags, RTE_FLOW_RESTORE_INFO_TUNNEL | RTE_FLOW_RESTORE_INFO_GROUP_ID);
	assert_int_equal(info.group_id, 77);
}

static void
test_release(void **state)
{
	struct rig *r = *state;
	struct rte_flow_restore_info info;
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow;
	struct offload o, again;
	struct rig_packet p;

	open_tunnel(r, &o, 100);
	open_tunnel(r, &again, 100);
	assert_ptr_equal(o.actions, again.actions);
	flow = outer_rule(r, 100, o.actions, 1, false);
	assert_int_equal(hwf_tunnel_action_release(r->h, 0, o.actions, 2, &error), -EINVAL);
	assert_int_equal(hwf_tunnel_action_release(r->h, 1, o.actions, 1, &error), -EINVAL);
	assert_int_equal(hwf_tunnel_action_release(r->h, 0, NULL, 1, &error), -EINVAL);
	assert_int_equal(hwf_tunnel_action_release(r->h, 0, (void *)o.items, 1, &error), -EINVAL);
	assert_int_equal(hwf_tunnel_action_release(r->h, 0, o.actions, 1, &error), 0);
	assert_int_equal(hwf_tunnel_action_release(r->h, 0, o.actions, 1, &error), 0);
	assert_int_equal(hwf_tunnel_action_release(r->h, 0, o.actions, 1, &error), -EINVAL);
	assert_int_equal(hwf_tunnel_item_release(r->h, 0, o.items, 1, &error), 0);
	assert_int_equal(hwf_tunnel_item_release(r->h, 0, o.items, 1, &error), 0);
	/* The rule still has it. */
	rig_vxlan(&p, &inner, 100);
	rig_run(r, &p, 0);
	assert_int_equal(hwf_restore_info(r->h, 0, p.pkt.restore, &info, &error), 0);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &error), 0);
	/* Now nobody has. */
	assert_int_equal(hwf_restore_info(r->h, 0, p.pkt.restore, &info, &error), -EINVAL);
	assert_int_equal(hwf_tunnel_item_release(r->h, 0, o.items, 1, &error), -EINVAL);
	assert_null(inner_rule(r, &(struct rte_flow_item){ .type = HWF_ITEM_TUNNEL, .spec = r }, 1,
			0, &error));
	assert_int_equal(hwf_restore_info(r->h, 0, 0, &info, &error), -EINVAL);
	assert_int_equal(hwf_restore_info(r->h, 0, UINT32_MAX, &info, &error), -EINVAL);
}

static void
test_refused(void **state)
{
	struct rig *r = *state;
	struct rte_flow_tunnel t = vxlan(1u << 24);
	struct rte_flow_error error = { 0 };
	struct rte_flow_action *actions;
	struct rte_flow_item *items;
	uint32_t n, i;

	assert_int_equal(hwf_tunnel_decap_set(r->h, 0, &t, &actions, &n, &error), -EINVAL);
	assert_ptr_equal(error.cause, &t.tun_id);
	t.type = RTE_FLOW_ITEM_TYPE_GTPU;
	assert_int_equal(hwf_tunnel_decap_set(r->h, 0, &t, &actions, &n, &error), -ENOTSUP);
	assert_int_equal(hwf_tunnel_match(r->h, 0, NULL, &items, &n, &error), -EINVAL);
	for (i = 0; i < HWF_TUNNELS_MAX; i++) {
		t = vxlan(i);
		assert_int_equal(hwf_tunnel_match(r->h, 0, &t, &items, &n, &error), 0);
	}
	t = vxlan(i);
	assert_int_equal(hwf_tunnel_match(r->h, 0, &t, &items, &n, &error), -ENOSPC);
	hwf_port_close(r->h, 0);
	assert_int_equal(hwf_tunnel_match(r->h, 0, &t, &items, &n, &error), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dump, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_two_tunnels, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_decap_before, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_release, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_refused, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
