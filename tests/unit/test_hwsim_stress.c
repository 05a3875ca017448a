/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ethdev allows at the same time, at the same time: two threads poll a queue each, a third makes, asks about and removes
 * rules, a fourth reads and resets statistics, writes the redirection table and switches the link. For the sanitizers
 * (-Db_sanitize=thread, or address,undefined), and for what must hold without them: every buffer comes back, no call fails.
 */
#include "test_hwsim_rig.h"

#include <pthread.h>
#include <sched.h>

#include <rte_cycles.h>

#define BURST 16
#define QUEUES 2
#define FLOWS 8

#ifdef __SANITIZE_THREAD__
/*
 * Mempools' rings are in DPDK's libraries, which are not instrumented: that a buffer was given back before it was taken again
 * cannot be seen. Everything of our own is looked at.
 */
const char *
__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
	return "race:rte_pktmbuf_\n"
	       "race:rte_mbuf_\n"
	       "race:rte_mempool_\n"
	       "race:rte_ring_\n"
	       "race:eal_alarm\n"
	       "race:fresh_frame\n";
}
#endif

struct stress {
	uint16_t port;
	bool link; /* switched, too */
	int stop;  /* [A] */
	struct {
		uint8_t bytes[128];
		uint16_t len;
	} frame[FLOWS];
	uint64_t rules, looks; /* of their threads */
};

struct poller {
	struct stress *s;
	uint16_t queue;
	uint64_t sent, received;
};

static bool
stopped(struct stress *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE) != 0;
}

static struct rte_mbuf *
fresh_frame(const struct stress *s, unsigned int i)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig_pool);

	if (m == NULL)
		return NULL;
	memcpy(rte_pktmbuf_mtod(m, void *), s->frame[i % FLOWS].bytes, s->frame[i % FLOWS].len);
	m->data_len = s->frame[i % FLOWS].len;
	m->pkt_len = m->data_len;
	return m;
}

static void *
poll_queue(void *arg)
{
	struct poller *p = arg;
	struct rte_mbuf *m[BURST];

	while (!stopped(p->s)) {
		uint16_t n = 0, k;

		while (n < BURST / 2 && (m[n] = fresh_frame(p->s, n)) != NULL)
			n++;
		k = rte_eth_tx_burst(p->s->port, p->queue, m, n);
		rte_pktmbuf_free_bulk(m + k, (unsigned int)(n - k));
		p->sent += k;
		k = rte_eth_rx_burst(p->s->port, p->queue, m, BURST);
		rte_pktmbuf_free_bulk(m, k);
		p->received += k;
	}
	return NULL;
}

static struct rte_flow *
make_rule(uint16_t port, uint64_t i)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_action_queue queue = { .index = (uint16_t)(i % QUEUES) };
	const struct rte_flow_item_ipv4 spec = { .hdr.src_addr = rte_cpu_to_be_32(i % FLOWS) };
	const struct rte_flow_item_ipv4 mask = { .hdr.src_addr = UINT32_MAX };
	const struct rte_flow_action_mark mark = { .id = 7 };
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &spec, .mask = &mask },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };
	const struct rte_flow_action to_queue[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &mark },
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	const struct rte_flow_action drop[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_DROP }, { .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_error error;

	return rte_flow_create(port, &attr, pattern, i % 3 == 0 ? drop : to_queue, &error);
}

/* Now and then there is no rule at all, and packets take the short way. Not NULL: a call failed. */
static void *
churn_rules(void *arg)
{
	const struct rte_flow_action count[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow *flow[FLOWS / 2];
	struct rte_flow_error error;
	struct stress *s = arg;

	while (!stopped(s)) {
		for (unsigned int i = 0; i < RTE_DIM(flow); i++)
			flow[i] = make_rule(s->port, s->rules + i);
		for (unsigned int i = 0; i < RTE_DIM(flow); i++) {
			struct rte_flow_query_count answer = { .reset = i & 1 };

			if (flow[i] == NULL ||
					rte_flow_query(s->port, flow[i], count, &answer, &error) !=
							0 ||
					rte_flow_destroy(s->port, flow[i], &error) != 0)
				return s;
			s->rules++;
		}
		sched_yield();
	}
	return NULL;
}

static int
look(struct stress *s, struct rte_eth_xstat *x, unsigned int room)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / 64];
	struct rte_eth_rss_conf hash = { .rss_hf = s->looks % 16 == 0 ? RTE_ETH_RSS_IP
								      : RTE_ETH_RSS_UDP };
	struct rte_eth_stats stats;
	struct rte_eth_link link;
	uint64_t cycles;
	int rc;

	for (unsigned int i = 0; i < RTE_DIM(reta); i++) {
		reta[i].mask = UINT64_MAX;
		for (unsigned int k = 0; k < 64; k++)
			reta[i].reta[k] = (uint16_t)((k + s->looks) % QUEUES);
	}
	rc = rte_eth_xstats_get(s->port, x, room) > 0 ? 0 : -1;
	rc |= rte_eth_stats_get(s->port, &stats);
	rc |= rte_eth_link_get_nowait(s->port, &link);
	rc |= rte_eth_read_clock(s->port, &cycles);
	if (s->looks % 8 == 0)
		rc |= rte_eth_dev_rss_reta_update(s->port, reta, RTE_ETH_RSS_RETA_SIZE_512) |
				rte_eth_dev_rss_hash_update(s->port, &hash);
	if (s->looks % 16 == 1)
		rc |= rte_eth_xstats_reset(s->port) | rte_eth_stats_reset(s->port);
	if (s->looks % 16 == 2 && s->link)
		rc |= rte_eth_dev_set_link_down(s->port) | rte_eth_dev_set_link_up(s->port);
	s->looks++;
	return rc;
}

static void *
look_at(void *arg)
{
	struct rte_eth_xstat x[2048];
	struct stress *s = arg;

	while (!stopped(s)) {
		if (look(s, x, RTE_DIM(x)) != 0)
			return s;
		rte_delay_us_sleep(200);
	}
	return NULL;
}

static void
make_frames(struct stress *s)
{
	for (unsigned int i = 0; i < FLOWS; i++) {
		struct rte_mbuf *m = rig_frame(&(struct rig_flow){ .src = i, .sport = 5 });

		s->frame[i].len = m->data_len;
		memcpy(s->frame[i].bytes, rte_pktmbuf_mtod(m, void *), m->data_len);
		rte_pktmbuf_free(m);
	}
}

static void
run(const char *devargs, unsigned int ms)
{
	struct stress s = { .port = rig_card(devargs), .link = true };
	struct poller p[QUEUES];
	pthread_t thread[QUEUES + 2];
	void *failed;

	make_frames(&s);
	rig_start(s.port,
			&(struct rig_conf){ .rxq = QUEUES,
					.txq = QUEUES,
					.rx_offloads = RTE_ETH_RX_OFFLOAD_RSS_HASH,
					.rss_hf = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP });
	for (uint16_t q = 0; q < QUEUES; q++) {
		p[q] = (struct poller){ .s = &s, .queue = q };
		assert_int_equal(pthread_create(&thread[q], NULL, poll_queue, &p[q]), 0);
	}
	assert_int_equal(pthread_create(&thread[QUEUES], NULL, churn_rules, &s), 0);
	assert_int_equal(pthread_create(&thread[QUEUES + 1], NULL, look_at, &s), 0);
	rte_delay_us_sleep(ms * 1000);
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < RTE_DIM(thread); i++) {
		assert_int_equal(pthread_join(thread[i], &failed), 0);
		assert_null(failed);
	}
	assert_true(s.rules > 0 && s.looks > 0);
	for (uint16_t q = 0; q < QUEUES; q++)
		assert_true(p[q].sent > 0);
	assert_true(p[0].received + p[1].received > 0);
	rig_remove();
}

static void
test_loop(void **state)
{
	(void)state;
	run(NULL, 1000);
}

/* The check's figures are read and reset while frames come back. */
static void
test_generator(void **state)
{
	(void)state;
	run("wire=gen:flows=64;check=1;rate=200000", 500);
}

/* The tick of EAL's thread takes time forward, too. */
static void
test_cycles(void **state)
{
	(void)state;
	run("clock=tsc,profile=25g", 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_generator),
		cmocka_unit_test(test_cycles),
	};

	return cmocka_run_group_tests_name("hwsim_stress", tests, rig_init, rig_fini);
}
