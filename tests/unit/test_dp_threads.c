/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Worker and control on lcores of their own, for some seconds: connections open, run fast and close, strangers push
 * others out of a table that is too small for all of them, somebody flushes and somebody looks at all of it. Nothing is
 * asked about single packets. At the end the accounts must add up, no mbuf and no gate may be missing, and the
 * connection table must be sound. Two CPUs are needed. DP_THREADS_SECONDS says how long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <sched.h>

#include <cmocka.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "ct_priv.h"
#include "test_dp.h"

#define CONNECTIONS 160
#define TABLE 256
#define STRANGERS 20000 /* their ports, which no connection above has */

static const char config[] =
		"{\"lcores\": {\"workers\": [1]}, \"ports\": ["
		"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"promiscuous\": true, \"addresses\": [\"198.51.100.2/24\"]},"
		"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"promiscuous\": true,"
		" \"addresses\": [\"10.0.0.1/24\"]}],"
		"\"neighbours\": [{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"},"
		"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}],"
		"\"conntrack\": {\"early-drop\": 80},"
		"\"tables\": {\"connections\": 256, \"connections-ipv6\": 0, \"mbufs\": 8191, \"next-hops\": 64, \"ring-size\": 256}}";

struct side {
	uint32_t seq;
	bool open;
};

struct test {
	struct rig rig;
	bool go, stop, stopped; /* [A]: what was written before is seen after */
	uint64_t random;
	struct side side[CONNECTIONS][2];
	uint64_t flushed;
	uint64_t looks;
};

static uint32_t
draw(struct test *t, uint32_t n)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 11) % n;
}

/* ---- the worker's lcore -------------------------------------------------------------------------------------------- */

static int
worker_lcore(void *arg)
{
	struct test *t = arg;
	struct dp *dp = t->rig.dp;

	while (!__atomic_load_n(&t->go, __ATOMIC_ACQUIRE))
		;
	rte_rcu_qsbr_thread_register(dp->qsbr, 0);
	rte_rcu_qsbr_thread_online(dp->qsbr, 0);
	while (!__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE)) {
		worker_poll(dp->workers[0], dp_now(dp));
		rte_rcu_qsbr_quiescent(dp->qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(dp->qsbr, 0);
	rte_rcu_qsbr_thread_unregister(dp->qsbr, 0);
	__atomic_store_n(&t->stopped, true, __ATOMIC_RELEASE);
	return 0;
}

/* ---- control's, and all others' ------------------------------------------------------------------------------------ */

static uint8_t
choose_flags(struct test *t, struct side *me, unsigned int dir)
{
	const uint32_t what = draw(t, 64);

	if (!me->open || what == 0) {
		me->open = true;
		return dir == FLOW_ORIGINAL ? TCP_SYN : TCP_SYN | TCP_ACK;
	}
	if (what == 1) {
		me->open = false;
		return TCP_FIN | TCP_ACK;
	}
	if (what == 2) {
		me->open = false;
		return TCP_RST | TCP_ACK;
	}
	return TCP_ACK | TCP_PSH;
}

static void
feed(struct test *t)
{
	const unsigned int c = draw(t, CONNECTIONS), dir = draw(t, 2);
	const bool stranger = draw(t, 16) == 0;
	const uint16_t client = (uint16_t)(stranger ? STRANGERS + draw(t, 40000) : 1024 + c);
	struct side *me = &t->side[c][dir];
	static const uint8_t payload[8];
	struct packet p = {
		.src = dir == FLOW_ORIGINAL ? "198.51.100.7" : "10.0.0.11",
		.dst = dir == FLOW_ORIGINAL ? "10.0.0.11" : "198.51.100.7",
		.sport = dir == FLOW_ORIGINAL ? client : 80,
		.dport = dir == FLOW_ORIGINAL ? 80 : client,
		.proto = stranger || c % 2 == 0 ? IPPROTO_UDP : IPPROTO_TCP,
		.seq = me->seq,
		.ack = t->side[c][!dir].seq,
		.payload = payload,
		.len = sizeof(payload),
	};
	struct frame f;

	if (p.proto == IPPROTO_TCP)
		p.flags = choose_flags(t, me, dir);
	frame_build(&f, &p);
	/* The driver takes at most some bursts at a time: what is fed is not lost. */
	if (rte_ring_count(t->rig.port[dir].rx[0]) < 256 && rig_feed(&t->rig, dir, 0, &f) &&
			!stranger)
		me->seq += p.len + ((p.flags & (TCP_SYN | TCP_FIN)) != 0);
}

static void
flush_one(struct test *t)
{
	struct dp *dp = t->rig.dp;
	uint32_t next, conn = ct_next(dp->ct, draw(t, TABLE), TABLE, &next);

	if (conn == FLOW_NONE)
		return;
	session_close(dp, conn, CT_WHY_FLUSHED);
	t->flushed++;
}

/* Everything that a report reads, while the worker writes it. */
static void
look(struct test *t, FILE *nowhere)
{
	static const char *const commands[] = { "show connections", "show stats",
		"show conntrack" };

	ctl_call_text(dp_ctl(t->rig.dp), commands[draw(t, RTE_DIM(commands))], nowhere);
	t->looks++;
}

static void
run(struct test *t, uint64_t until, FILE *nowhere)
{
	struct rig *r = &t->rig;
	struct frame f;

	for (r->now = dp_now(r->dp); r->now < until; r->now = dp_now(r->dp)) {
		for (unsigned int i = draw(t, 32); i > 0; i--)
			feed(t);
		rig_control(r);
		if (draw(t, 512) == 0)
			flush_one(t);
		if (draw(t, 20000) == 0)
			look(t, nowhere);
		for (unsigned int port = 0; port < 2; port++)
			while (rig_take_any(r, port, &f))
				;
	}
}

static void
test_all_at_once(void **state)
{
	const char *seconds = getenv("DP_THREADS_SECONDS");
	struct rig_params p = { .json = config, .n_ports = 2 };
	struct test *t = calloc(1, sizeof(*t));
	FILE *nowhere = fopen("/dev/null", "w");
	struct ct_stats stats;
	uint64_t begin;

	(void)state;
	assert_non_null(nowhere);
	t->random = 0x9e3779b97f4a7c15;
	rig_open(&t->rig, &p);
	begin = dp_now(t->rig.dp);
	assert_int_equal(rte_eal_remote_launch(worker_lcore, t, 1), 0);
	__atomic_store_n(&t->go, true, __ATOMIC_RELEASE);
	run(t, begin + (seconds != NULL ? strtoull(seconds, NULL, 10) : 3) * TIME_NS_PER_S,
			nowhere);
	__atomic_store_n(&t->stop, true, __ATOMIC_RELEASE);
	rte_eal_wait_lcore(1);
	assert_true(__atomic_load_n(&t->stopped, __ATOMIC_ACQUIRE));
	t->rig.now = dp_now(t->rig.dp);
	rig_finish(&t->rig);
	assert_null(ct_check(t->rig.dp->ct));
	ct_stats(t->rig.dp->ct, &stats);
	print_message("%lu fed, %lu fast, %lu parked, %lu lines asked for, %lu opened, %lu flushed, %lu pushed out, %lu moved, %lu looks\n",
			t->rig.fed, rig_fast(&t->rig), t->rig.dp->workers[0]->c.parked,
			t->rig.dp->c.lines_asked, stats.opened, t->flushed, stats.early_dropped,
			stats.displaced, t->looks);
	/* It was about something. */
	assert_true(rig_fast(&t->rig) > 100);
	assert_true(stats.early_dropped > 0 && t->flushed > 0 && stats.closed > 0);
	rig_destroy(&t->rig);
	fclose(nowhere);
	free(t);
}

/* Two CPUs that this process may use, as EAL's --lcores; false: there are no two. */
static bool
choose_cpus(char *lcores, size_t len)
{
	int cpu[2], n = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return false;
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	if (n < 2)
		return false;
	snprintf(lcores, len, "0@%d,1@%d", cpu[0], cpu[1]);
	return true;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_at_once) };
	char lcores[32];

	if (!choose_cpus(lcores, sizeof(lcores))) {
		fprintf(stderr, "two CPUs are needed, one for the worker and one for control\n");
		return 77;
	}
	if (rig_eal(lcores) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
