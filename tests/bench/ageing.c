/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ageing beside traffic: a worker forwards packets of some live connections, back and forth between two in-memory ports
 * (net_ring), as fast as it can, while a million idle connections come to the end of their timeout of five seconds
 * almost at once. Is everything idle gone soon, nothing live lost, and how much slower is the worker meanwhile?
 *
 * Control and worker on two lcores, as when live. The idle connections are opened in the table directly: what is
 * measured is how they end. Prints rows of JSON for scripts/bench; exits with 77 where there is one lcore only.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_udp.h>

#include "config/cfg.h"
#include "dp_priv.h"

#define LIVE 512u
#define IDLE 1000000u
#define STEP 256u /* idle connections opened between two rounds of control */
#define RING 4096u
#define BURST 64u
#define FRAME 60u
#define MS UINT64_C(1000000)
#define TIMEOUT (5000 * MS)

#define CLIENT RTE_IPV4(198, 18, 0, 1)
#define SERVER RTE_IPV4(10, 1, 0, 1)

static const char config[] =
		"{'ports': [{'name': 'external', 'device': 'net_ring_external', 'promiscuous': true,"
		"            'addresses': ['198.51.100.2/24']},"
		"           {'name': 'internal', 'device': 'net_ring_internal', 'role': 'internal', 'promiscuous': true,"
		"            'addresses': ['10.1.0.254/16']}],"
		" 'routes': [{'prefix': '198.18.0.0/15', 'via': '198.51.100.1'}],"
		" 'neighbours': [{'port': 'external', 'address': '198.51.100.1', 'mac': '02:00:00:00:00:fe'},"
		"                {'port': 'internal', 'address': '10.1.0.1', 'mac': '02:00:00:00:01:01'}],"
		" 'conntrack': {'timeouts': {'udp': 5, 'udp-stream': 5}},"
		" 'tables': {'connections': 1200000, 'connections-ipv6': 0, 'mbufs': 16383, 'mbuf-size': 512}}";

struct frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
} __rte_packed;

/* A port's rings, seen from the cable. */
struct cable {
	struct rte_ring *to_shunt;
	struct rte_ring *from_shunt;
};

struct bench {
	struct dp *dp;
	struct cable external, internal;
	uint64_t packets; /* forwarded; written by the worker's lcore */
};

static void
fail(const char *what)
{
	fprintf(stderr, "ageing: %s\n", what);
	exit(1);
}

static struct cable
port_create(const char *name)
{
	char in[40], out[40];
	struct cable c;

	snprintf(in, sizeof(in), "%s_in", name);
	snprintf(out, sizeof(out), "%s_out", name);
	c.to_shunt = rte_ring_create(in, RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	c.from_shunt = rte_ring_create(out, RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (c.to_shunt == NULL || c.from_shunt == NULL ||
			rte_eth_from_rings(name, &c.to_shunt, 1, &c.from_shunt, 1, 0) < 0)
		fail("no in-memory port");
	return c;
}

static struct cfg *
load(void)
{
	char text[sizeof(config)];
	struct cfg_errors errors = { .n = 0 };
	struct cfg *cfg;

	memcpy(text, config, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		if (text[i] == '\'')
			text[i] = '"';
	cfg = cfg_load_json(text, sizeof(text) - 1, "ageing", &errors);
	if (cfg == NULL) {
		cfg_errors_print(&errors, stderr);
		fail("configuration");
	}
	return cfg;
}

/* ---- traffic: worker's lcore -------------------------------------------------------------------------------- */

static void
send_first(struct bench *b)
{
	for (uint32_t i = 0; i < LIVE; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(b->dp->pool);
		struct frame *f;

		if (m == NULL)
			fail("no mbuf");
		f = (struct frame *)rte_pktmbuf_append(m, FRAME);
		memset(f, 0, FRAME);
		f->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
		f->ip.version_ihl = RTE_IPV4_VHL_DEF;
		f->ip.time_to_live = 64;
		f->ip.next_proto_id = IPPROTO_UDP;
		f->ip.total_length = rte_cpu_to_be_16(sizeof(f->ip) + sizeof(f->udp));
		f->ip.src_addr = rte_cpu_to_be_32(CLIENT);
		f->ip.dst_addr = rte_cpu_to_be_32(SERVER);
		f->ip.hdr_checksum = rte_ipv4_cksum(&f->ip);
		f->udp.src_port = rte_cpu_to_be_16((uint16_t)(1024 + i));
		f->udp.dst_port = rte_cpu_to_be_16(53);
		f->udp.dgram_len = rte_cpu_to_be_16(sizeof(f->udp));
		if (rte_ring_sp_enqueue(b->external.to_shunt, m) != 0)
			fail("ring");
	}
}

/* What comes out of a port is answered into it. */
static void
answer(struct bench *b, const struct cable *c)
{
	struct rte_mbuf *m[BURST];
	unsigned int n = rte_ring_sc_dequeue_burst(c->from_shunt, (void **)m, BURST, NULL);

	for (unsigned int i = 0; i < n; i++) {
		struct frame *f = rte_pktmbuf_mtod(m[i], struct frame *);

		RTE_SWAP(f->ip.src_addr, f->ip.dst_addr);
		RTE_SWAP(f->udp.src_port, f->udp.dst_port);
		f->ip.time_to_live = 64;
		f->ip.hdr_checksum = 0;
		f->ip.hdr_checksum = rte_ipv4_cksum(&f->ip);
	}
	if (n != 0 && rte_ring_sp_enqueue_bulk(c->to_shunt, (void **)m, n, NULL) != n)
		fail("a ring that cannot be full is full");
	__atomic_store_n(&b->packets, b->packets + n, __ATOMIC_RELAXED);
}

static int
worker_lcore(void *arg)
{
	struct bench *b = arg;
	struct dp *dp = b->dp;

	rte_rcu_qsbr_thread_register(dp->qsbr, 0);
	rte_rcu_qsbr_thread_online(dp->qsbr, 0);
	send_first(b);
	while (!atomic_load_explicit(&dp->stop, memory_order_relaxed)) {
		worker_poll(dp->workers[0], dp_now(dp));
		answer(b, &b->internal);
		answer(b, &b->external);
		rte_rcu_qsbr_quiescent(dp->qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(dp->qsbr, 0);
	rte_rcu_qsbr_thread_unregister(dp->qsbr, 0);
	return 0;
}

/* ---- control's lcore ---------------------------------------------------------------------------------------- */

static struct flow_tuple
tuple_of(uint32_t client, uint16_t port)
{
	struct flow_tuple t = { .key = { .family = 4, .proto = IPPROTO_UDP } };
	uint32_t src = rte_cpu_to_be_32(client), dst = rte_cpu_to_be_32(SERVER);

	t.key.sport = rte_cpu_to_be_16(port);
	t.key.dport = rte_cpu_to_be_16(53);
	memcpy(t.src.b, &src, sizeof(src));
	memcpy(t.dst.b, &dst, sizeof(dst));
	flow_tuple_seal(&t);
	return t;
}

static void
poll_until(struct bench *b, uint64_t end)
{
	while (dp_now(b->dp) < end)
		dp_poll(b->dp, dp_now(b->dp));
}

/* Packets a second from now until `end`; 0: until there is nothing idle any more. */
static double
worker_rate(struct bench *b, uint64_t end)
{
	uint64_t begin = dp_now(b->dp), packets = __atomic_load_n(&b->packets, __ATOMIC_RELAXED),
		 now;
	struct ct_stats s;

	for (;;) {
		now = dp_now(b->dp);
		dp_poll(b->dp, now);
		ct_stats(b->dp->ct, &s);
		if (end != 0 ? now >= end : s.connections <= LIVE)
			break;
		if (now - begin > 30000 * MS)
			fail("idle connections do not go");
	}
	packets = __atomic_load_n(&b->packets, __ATOMIC_RELAXED) - packets;
	return (double)packets * 1e9 / (double)(now - begin);
}

static void
open_idle(struct bench *b)
{
	static const struct pkt_info info;
	static const uint8_t l4[8];

	for (uint32_t i = 0; i < IDLE; i++) {
		struct ct_packet pkt = { &info, l4, sizeof(l4), sizeof(l4), dp_now(b->dp), 0 };
		struct flow_tuple t =
				tuple_of(CLIENT + 1 + i / 60000, (uint16_t)(1024 + i % 60000));
		struct flow_tuple r;
		uint32_t conn;

		if (!flow_tuple_reply(&t, &r) || ct_open(b->dp->ct, &t, &r, 0, &pkt, &conn) != 0)
			fail("an idle connection finds no place");
		if (i % STEP == 0)
			dp_poll(b->dp, dp_now(b->dp));
	}
}

static uint32_t
lost(const struct bench *b)
{
	struct ct_stats s;
	uint32_t n = 0;

	for (uint32_t i = 0; i < LIVE; i++) {
		struct flow_tuple t = tuple_of(CLIENT, (uint16_t)(1024 + i));

		n += ct_find(b->dp->ct, &t) == FLOW_NONE;
	}
	ct_stats(b->dp->ct, &s);
	/* One that was closed and opened again by its next packet counts as well. */
	return n + (uint32_t)(s.expired - IDLE) + (uint32_t)(s.opened - IDLE - LIVE);
}

static void
row(const char *metric, double value)
{
	printf("{\"name\": \"ageing\", \"sessions\": %u, \"metric\": \"%s\", \"value\": %.3f}\n",
			IDLE, metric, value);
}

static void
run(struct bench *b)
{
	uint64_t first, last, gone;
	double before, during;

	poll_until(b, dp_now(b->dp) + 500 * MS);
	first = dp_now(b->dp);
	open_idle(b);
	last = dp_now(b->dp);
	poll_until(b, last + 200 * MS);
	before = worker_rate(b, first + TIMEOUT - 200 * MS);
	poll_until(b, first + TIMEOUT);
	during = worker_rate(b, 0);
	gone = dp_now(b->dp);
	row("late_s", gone > last + TIMEOUT ? (double)(gone - last - TIMEOUT) / 1e9 : 0);
	row("lost_live", lost(b));
	row("opened_in_s", (double)(last - first) / 1e9);
	row("worker_mpps", before / 1e6);
	row("worker_mpps_expiring", during / 1e6);
	row("slower_percent", 100 * (before - during) / before);
}

int
main(int argc, char **argv)
{
	struct bench b = { .packets = 0 };
	struct dp_params p = { .cfg = NULL };
	struct cfg *cfg;

	if (rte_eal_init(argc, argv) < 0)
		fail("EAL does not start: hugepages? sysctl vm.nr_hugepages=512");
	if (rte_lcore_count() != 2) {
		fprintf(stderr, "ageing: two lcores are needed: control and one worker\n");
		return 77;
	}
	b.external = port_create("external");
	b.internal = port_create("internal");
	p.cfg = cfg = load();
	b.dp = dp_create(&p);
	if (b.dp == NULL || ports_start(b.dp) != 0)
		fail("dataplane");
	atomic_store(&b.dp->stop, false);
	rte_eal_remote_launch(worker_lcore, &b, b.dp->workers[0]->lcore);
	run(&b);
	atomic_store(&b.dp->stop, true);
	rte_eal_mp_wait_lcore();
	dp_destroy(b.dp);
	cfg_free(cfg);
	rte_eal_cleanup();
	return 0;
}
