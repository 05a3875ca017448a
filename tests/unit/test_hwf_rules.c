/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of rules: destroyed twice, by strangers and from other ports; counted, aged, dumped; added and removed by a thread
 * while packets run in another.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "test_hwf_words.h"

#define SECOND(r) ((sim_cycle)(r)->profile.clock_mhz * 1000000)

static const struct rte_flow_item all[] = { I(END) };
static const struct rte_flow_item udp[] = { I(ETH), I(IPV4), I(UDP), I(END) };
static const struct rte_flow_action drop[] = { A(DROP), A(END) };
static const struct rte_flow_action count_queue[] = { A(COUNT), TO_QUEUE(2), A(END) };
static const struct rte_flow_action count_only[] = { A(COUNT), A(END) };
static const struct rte_flow_action age_only[] = { A(AGE), A(END) };

static void
destroy(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	struct rte_flow *flow = rig_rule(r, 0, udp, drop), *other = rig_rule(r, 1, udp, drop);
	uint32_t local;

	(void)state;
	/* Of another port, of nobody, inside of one, nothing at all. */
	assert_int_equal(hwf_destroy(r->h, 1, flow, &e), -ENOENT);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_HANDLE);
	assert_ptr_equal(e.cause, flow);
	assert_int_equal(rte_errno, ENOENT);
	assert_int_equal(hwf_destroy(r->h, 0, (struct rte_flow *)&local, &e), -ENOENT);
	assert_int_equal(hwf_destroy(r->h, 0, (struct rte_flow *)((uintptr_t)flow + 8), &e),
			-ENOENT);
	assert_int_equal(hwf_destroy(r->h, 0, NULL, &e), -ENOENT);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &e), -ENOENT);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_HANDLE);
	/* The slot comes again late: a stale pointer is still one after the next rule is made. */
	rig_rule(r, 0, udp, drop);
	assert_int_equal(hwf_flush(r->h, 0, &e), 0);
	assert_int_equal(hwf_destroy(r->h, 0, flow, &e), -ENOENT);
	/* Rules of the other port are still there. */
	assert_int_equal(hwf_destroy(r->h, 1, other, &e), 0);
	assert_int_equal(r->spent, 6);
	rig_empty(r);
	rig_free(r);
}

static void
count(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	struct rte_flow_query_count q = { 0 };
	struct rte_flow *flow = rig_rule(r, 0, udp, count_queue), *none = rig_rule(r, 1, udp, drop);
	struct rig_packet p;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		rig_stack(&p, "eth ipv4 udp data");
		rig_run(r, &p, 0);
	}
	assert_int_equal(hwf_query(r->h, 0, flow, count_only, &q, &e), 0);
	assert_int_equal(q.hits_set, 1);
	assert_int_equal(q.bytes_set, 1);
	assert_int_equal(q.hits, 3);
	assert_int_equal(q.bytes, 3 * p.pkt.frame_len);
	q.reset = 1;
	assert_int_equal(hwf_query(r->h, 0, flow, count_only, &q, &e), 0);
	assert_int_equal(q.hits, 3);
	q.reset = 0;
	assert_int_equal(hwf_query(r->h, 0, flow, count_only, &q, &e), 0);
	assert_int_equal(q.hits, 0);
	assert_int_equal(q.bytes, 0);
	/* Rules without, other actions, other ports. */
	assert_int_equal(hwf_query(r->h, 1, none, count_only, &q, &e), -EINVAL);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ACTION);
	assert_ptr_equal(e.cause, count_only);
	assert_int_equal(hwf_query(r->h, 0, flow, age_only, &q, &e), -EINVAL);
	assert_int_equal(hwf_query(r->h, 0, flow, drop, &q, &e), -ENOTSUP);
	assert_int_equal(hwf_query(r->h, 1, flow, count_only, &q, &e), -ENOENT);
	assert_int_equal(hwf_query(r->h, 0, flow, count_only, NULL, &e), -EINVAL);
	hwf_port_close(r->h, 0);
	hwf_port_close(r->h, 1);
	rig_empty(r);
	rig_free(r);
}

static int mine;
static const struct rte_flow_item tcp[] = { I(TCP), I(END) };
static const struct rte_flow_action age_10_s[] = { A(AGE, C(age, .timeout = 10, .context = &mine)),
	A(DROP), A(END) };
static const struct rte_flow_action age_2_s[] = { A(AGE, C(age, .timeout = 2)), A(DROP), A(END) };

static void
ageing(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rte_flow_query_age q = { 0 };
	struct rte_flow_error e = { 0 };
	struct rte_flow *slow = rig_rule(r, 0, udp, age_10_s),
			*quick = rig_rule(r, 0, tcp, age_2_s);
	void *contexts[4] = { NULL };
	struct rig_packet p;

	(void)state;
	r->now += SECOND(r);
	hwf_tick(r->h);
	assert_int_equal(r->aged[0], 0);
	assert_int_equal(hwf_get_aged(r->h, 0, NULL, 0, &e), 0);
	assert_int_equal(hwf_query(r->h, 0, slow, age_only, &q, &e), 0);
	assert_int_equal(q.aged, 0);
	assert_int_equal(q.sec_since_last_hit_valid, 1);
	assert_int_equal(q.sec_since_last_hit, 1);
	/* The quick one ages: one event, however often the scanner looks, until somebody fetches. */
	r->now += 2 * SECOND(r);
	hwf_tick(r->h);
	r->now += SECOND(r) / 10;
	hwf_tick(r->h);
	assert_int_equal(r->aged[0], 1);
	assert_int_equal(r->aged[1], 0);
	assert_int_equal(hwf_get_aged(r->h, 0, NULL, 0, &e), 1);
	assert_int_equal(hwf_get_aged(r->h, 1, NULL, 0, &e), 0);
	assert_int_equal(hwf_get_aged(r->h, 0, contexts, 4, &e), 1);
	/* Without a context of the application's it is the rule. */
	assert_ptr_equal(contexts[0], quick);
	assert_int_equal(hwf_get_aged(r->h, 0, contexts, 4, &e), 0);
	assert_int_equal(hwf_query(r->h, 0, quick, age_only, &q, &e), 0);
	assert_int_equal(q.aged, 1);
	/* A packet keeps the slow one, then makes the quick one young again. */
	r->now += 5 * SECOND(r);
	rig_stack(&p, "eth ipv4 udp data");
	rig_run(r, &p, 0);
	rig_stack(&p, "eth ipv4 tcp data");
	rig_run(r, &p, 0);
	r->now += SECOND(r);
	hwf_tick(r->h);
	assert_int_equal(hwf_query(r->h, 0, quick, age_only, &q, &e), 0);
	assert_int_equal(q.aged, 0);
	assert_int_equal(r->aged[0], 1);
	r->now += 10 * SECOND(r);
	hwf_tick(r->h);
	assert_int_equal(r->aged[0], 2);
	assert_int_equal(hwf_get_aged(r->h, 0, NULL, 0, &e), 2);
	/* One goes while it is listed. */
	assert_int_equal(hwf_destroy(r->h, 0, quick, &e), 0);
	assert_int_equal(hwf_get_aged(r->h, 0, contexts, 4, &e), 1);
	assert_ptr_equal(contexts[0], &mine);
	assert_int_equal(hwf_get_aged(r->h, 0, NULL, 4, &e), -EINVAL);
	assert_int_equal(hwf_destroy(r->h, 0, slow, &e), 0);
	rig_empty(r);
	rig_free(r);
}

static const struct rte_flow_item long_pattern[] = {
	I(ETH, S(eth, .type = BE16(0x8100)), M(eth, .type = 0xffff)),
	I(VLAN, S(vlan, .tci = BE16(100))),
	I(IPV4, S(ipv4, .hdr.src_addr = V4(10, 0, 0, 0)),
			M(ipv4, .hdr.src_addr = V4(255, 0, 0, 0))),
	I(UDP, S(udp, .hdr.src_port = BE16(53)), L(udp, .hdr.src_port = BE16(99)),
			M(udp, .hdr.src_port = 0xffff)),
	I(VXLAN, S(vxlan, .vni = { 0, 0, 9 })),
	I(IPV6, S(ipv6, .hdr.dst_addr = { 0x20, 1 }), M(ipv6, .hdr.dst_addr = { 0xff, 0xff })),
	I(MARK, S(mark, 7)),
	I(END),
};
static const struct rte_flow_action long_actions[] = {
	TO_QUEUE(1),
	A(MARK, C(mark, 5)),
	A(COUNT),
	A(SET_TAG, C(set_tag, .data = 0x10, .mask = 0xf0, .index = 2)),
	A(END),
};

static void
dump(void **state)
{
	static const struct rte_flow_attr switched = { .transfer = 1, .group = 3, .priority = 4 };
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	struct rte_flow *flow = rig_rule(r, 0, long_pattern, long_actions);
	struct rte_flow *other = hwf_create(r->h, 0, &switched, all, drop, &e);
	struct rig_packet p;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	rig_rule(r, 1, udp, drop);
	assert_int_equal(hwf_dump(r->h, 0, NULL, f, &e), 0);
	fflush(f);
	assert_string_equal(text,
			"ingress port 0 group 0 priority 0 pattern eth type 33024 / vlan tci 100/0xfff / "
			"ipv4 src_addr 10.0.0.0/255.0.0.0 / udp src_port 53-99 / vxlan vni 9 / "
			"ipv6 dst_addr 2001::/ffff:: / mark 7 / end actions mark 5 / count 0 / "
			"set tag2 bits 4+4 0x10 / queue 1 / end hits 0\n"
			"transfer port 0 group 3 priority 4 pattern represented_port 0 / end actions drop / end "
			"hits 0\n");
	fclose(f);
	free(text);
	rig_stack(&p, "eth ipv4 udp data");
	rig_run(r, &p, 1);
	/* One rule of it, and those that are not there. */
	f = open_memstream(&text, &size);
	assert_int_equal(hwf_dump(r->h, 1, NULL, f, &e), 0);
	assert_int_equal(hwf_dump(r->h, 0, other, f, &e), 0);
	fclose(f);
	assert_string_equal(text,
			"ingress port 1 group 0 priority 0 pattern eth / ipv4 / udp / end actions drop / end "
			"hits 1\n"
			"transfer port 0 group 3 priority 4 pattern represented_port 0 / end actions drop / end "
			"hits 0\n");
	free(text);
	assert_int_equal(hwf_dump(r->h, 1, flow, stderr, &e), -ENOENT);
	assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_HANDLE);
	assert_int_equal(hwf_dump(r->h, 0, NULL, NULL, &e), -EINVAL);
	rig_free(r);
}

static void
isolate(void **state)
{
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	struct rig_packet p;

	(void)state;
	rig_rule(r, 0, udp, count_queue);
	assert_int_equal(hwf_isolate(r->h, 0, 1, &e), 0);
	rig_stack(&p, "eth ipv4 udp data");
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
	rig_stack(&p, "eth ipv4 tcp data");
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_DROP);
	assert_int_equal(p.pkt.dest.queue, SIM_DROP_ISOLATED);
	rig_stack(&p, "eth ipv4 tcp data");
	rig_run(r, &p, 1);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
	assert_int_equal(hwf_isolate(r->h, 0, 0, &e), 0);
	rig_stack(&p, "eth ipv4 tcp data");
	rig_run(r, &p, 0);
	assert_int_equal(p.pkt.dest.kind, SIM_TO_QUEUE);
	rig_free(r);
}

/* A transfer rule is of what comes in at the port it was made on, unless it names another. */
static const struct rte_flow_item from_2[] = { I(REPRESENTED_PORT, S(ethdev, 2)), I(END) };
static const struct rte_flow_item from_any[] = { I(REPRESENTED_PORT), I(END) };
static const struct rte_flow_item from_host_1[] = { I(PORT_REPRESENTOR, S(ethdev, 1)), I(END) };

static bool
dropped(struct rig *r, uint16_t port, bool host)
{
	struct rig_packet p;

	rig_stack(&p, "eth ipv4 udp data");
	p.pkt.from_host = host;
	rig_run(r, &p, port);
	return p.pkt.dest.kind == SIM_TO_DROP;
}

static void
ports(void **state)
{
	static const struct rte_flow_attr attr = { .transfer = 1 },
					  old = { .transfer = 1, .ingress = 1 };
	static const struct {
		const struct rte_flow_item *item;
		uint32_t wires, hosts; /* bits of ports whose packets it drops */
	} t[] = {
		{ all, 1u << 1, 0 },
		{ from_2, 1u << 2, 0 },
		{ from_any, 15, 0 },
		{ from_host_1, 0, 1u << 1 },
	};
	struct rig *r = rig_new(NULL);
	struct rte_flow_error e = { 0 };
	uint32_t i, port;

	(void)state;
	for (i = 0; i < 2 * RTE_DIM(t); i++) {
		assert_non_null(hwf_create(r->h, 1, i & 1 ? &old : &attr, t[i / 2].item, drop, &e));
		for (port = 0; port < RIG_PORTS; port++) {
			assert_int_equal(dropped(r, (uint16_t)port, false),
					t[i / 2].wires >> port & 1);
			assert_int_equal(dropped(r, (uint16_t)port, true),
					t[i / 2].hosts >> port & 1);
		}
		assert_int_equal(hwf_flush(r->h, 1, &e), 0);
	}
	rig_empty(r);
	rig_free(r);
}

/* --- while packets run --- */

struct threads {
	struct rig *r;
	bool stop; /* [A] */
	uint32_t bad;
};

static void *
packets(void *arg)
{
	struct threads *t = arg;
	struct rig_packet p;

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		rig_stack(&p, "eth ipv4 udp data");
		rig_run(t->r, &p, 0);
		/* As the rule says, or as if there were none: nothing in between. */
		if (p.pkt.dest.kind == SIM_TO_QUEUE && !p.pkt.dest.rss && p.pkt.dest.queue != 2)
			t->bad++;
		hwf_tick(t->r->h);
	}
	return NULL;
}

static void
live(void **state)
{
	struct rig *r = rig_new(NULL);
	struct threads t = { .r = r };
	struct rte_flow_error e = { 0 };
	pthread_t thread;
	uint32_t i;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, packets, &t), 0);
	for (i = 0; i < 3000; i++) {
		struct rte_flow *flow = rig_rule(r, 0, udp, count_queue);
		struct rte_flow_query_count q = { .reset = 1 };

		assert_int_equal(hwf_query(r->h, 0, flow, count_only, &q, &e), 0);
		if (i % 8 == 7)
			assert_int_equal(hwf_flush(r->h, 0, &e), 0);
		else
			assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
	}
	__atomic_store_n(&t.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(t.bad, 0);
	rig_empty(r);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destroy),
		cmocka_unit_test(count),
		cmocka_unit_test(ageing),
		cmocka_unit_test(dump),
		cmocka_unit_test(isolate),
		cmocka_unit_test(ports),
		cmocka_unit_test(live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
