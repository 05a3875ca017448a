/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When synchronous commands begin: as the application calls, so that the driver's own work is part of a command's time.
 */
#include "test_hwf_packets.h"
#include "test_hwf_rig.h"
#include "test_hwf_words.h"

static const struct rte_flow_attr in = { .ingress = 1 };
static const struct rte_flow_item udp[] = { I(ETH), I(IPV4), I(UDP), I(END) };
static const struct rte_flow_item all[] = { I(END) };
static const struct rte_flow_action drop[] = { A(DROP), A(END) };

static struct rte_flow *
make(struct rig *r, const struct rte_flow_item *item)
{
	struct rte_flow_error e = { 0 };
	struct rte_flow *flow = hwf_create(r->h, 0, &in, item, drop, &e);

	if (flow == NULL)
		fail_msg("%s", e.message);
	return flow;
}

/* The first reads the clock once, and spends from there. A call that is refused spends nothing. */
static void
calls(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	struct rte_flow *flow;

	(void)state;
	flow = make(r, udp);
	assert_int_equal(r->begun, 1);
	assert_int_equal(r->began, 1);
	assert_int_equal(hwf_destroy(r->h, 1, flow, &e), -ENOENT);
	assert_int_equal(r->spent, 1);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
	assert_int_equal(r->spent, 2);
	assert_int_equal(r->began, r->begun);
	rig_free(r);
}

/* Each rule of a flush is a command of its own; the last look finds nothing. */
static void
flush(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };

	(void)state;
	make(r, udp);
	make(r, all);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	assert_int_equal(r->spent, 4);
	assert_int_equal(r->begun, 5);
	assert_int_equal(r->began, 4);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),
		cmocka_unit_test(flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
