/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * New connections a second: one worker and the control lcore on two in-memory ports (net_ring), with clients and
 * servers that take part in the handshakes. They run on the worker's lcore between its polls, keep a bounded number
 * of openings under way, and wait for shunt as real ones do: nothing is dropped, and whatever is slower of
 * worker and control sets the rate.
 *
 * UDP: a datagram, counted when it arrives at its server. TCP: SYN, SYN/ACK, ACK, counted when the ACK arrives. Full TCP:
 * the same and FIN, FIN, ACK; closed connections stay for a second (TIME_WAIT), so that ageing and deletion run beside.
 * The last runs measure what a dump costs: with half of the connections open, all of them are listed at the prompt while
 * the other half is opened.
 * Prints rows of JSON for scripts/bench. EAL arguments may be given; defaults are two lcores.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "config/cfg.h"
#include "dp_priv.h"

#define SESSIONS 2000000u
#define SESSIONS_FULL 6000000u
#define UNDER_WAY 1024u /* openings that wait for an answer, at most */
#define RING 4096u
#define BURST 64u

#define CLIENT_NET RTE_IPV4(198, 18, 0, 1)
#define CLIENT_PORTS 60000u
#define VIP RTE_IPV4(10, 255, 0, 1)

static const char config[] =
		"{'ports': [{'name': 'external', 'device': 'net_ring_opens%2$d_external', 'promiscuous': true,"
		"            'addresses': ['198.51.100.2/24']},"
		"           {'name': 'internal', 'device': 'net_ring_opens%2$d_internal', 'role': 'internal', 'promiscuous': true,"
		"            'addresses': ['10.1.0.254/16']}],"
		" 'routes': [{'prefix': '198.18.0.0/15', 'via': '198.51.100.1'}],"
		" 'neighbours': [{'port': 'external', 'address': '198.51.100.1', 'mac': '02:00:00:00:00:fe'},"
		"                {'port': 'internal', 'address': '10.1.0.1', 'mac': '02:00:00:00:01:01'},"
		"                {'port': 'internal', 'address': '10.1.0.2', 'mac': '02:00:00:00:01:02'}],"
		" 'conntrack': {'timeouts': {'tcp-time-wait': 1}},"
		" 'tables': {'connections': 4194304, 'connections-ipv6': 0, 'mbufs': 32767, 'mbuf-size': 512},"
		" 'services': [{'name': 's', 'vip': '10.255.0.1', 'protocol': '%1$s', 'port': 9000,"
		"               'backends': [{'address': '10.1.0.1', 'port': 7000}, {'address': '10.1.0.2', 'port': 7000}]}]}";

struct frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	union {
		struct rte_tcp_hdr tcp;
		struct rte_udp_hdr udp;
	};
} __rte_packed;

/* A port's rings, seen from the cable. */
struct cable {
	struct rte_ring *to_shunt;
	struct rte_ring *from_shunt;
};

enum scenario { UDP, TCP, TCP_FULL, UDP_DUMP, TCP_DUMP, SCENARIOS };

struct bench {
	struct dp *dp;
	struct cable external, internal;
	enum scenario scenario;
	bool tcp;
	uint32_t sessions;
	bool dump;    /* list the table in the second half */
	int dump_out; /* what is listed; -1: not begun */
	int dump_in[2];
	uint64_t tsc_half;
	uint32_t sent; /* openings begun */
	uint32_t done; /* openings that arrived */
	uint64_t tsc_begin, tsc_end;
};

static void
fail(const char *what)
{
	fprintf(stderr, "opens: %s\n", what);
	exit(1);
}

static struct cable
port_create(enum scenario scenario, const char *side)
{
	char name[32], in[40], out[40];
	struct cable c;

	snprintf(name, sizeof(name), "opens%d_%s", scenario, side);
	snprintf(in, sizeof(in), "%s_in", name);
	snprintf(out, sizeof(out), "%s_out", name);
	c.to_shunt = rte_ring_create(in, RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	c.from_shunt = rte_ring_create(out, RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (c.to_shunt == NULL || c.from_shunt == NULL ||
			rte_eth_from_rings(name, &c.to_shunt, 1, &c.from_shunt, 1, 0) < 0)
		fail("no in-memory port");
	return c;
}

/* ---- clients and servers ------------------------------------------------------------------------------------ */

static void
checksums(struct frame *f)
{
	f->ip.hdr_checksum = 0;
	f->ip.hdr_checksum = rte_ipv4_cksum(&f->ip);
	if (f->ip.next_proto_id == IPPROTO_TCP) {
		f->tcp.cksum = 0;
		f->tcp.cksum = rte_ipv4_udptcp_cksum(&f->ip, &f->tcp);
	} else {
		f->udp.dgram_cksum = 0;
		f->udp.dgram_cksum = rte_ipv4_udptcp_cksum(&f->ip, &f->udp);
	}
}

/* First packet of session i. */
static void
fill_opening(const struct bench *b, struct rte_mbuf *m, uint32_t i)
{
	const uint32_t l4 = b->tcp ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr);
	struct frame *f = (struct frame *)rte_pktmbuf_append(m, 60);

	memset(f, 0, 60);
	f->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	f->ip.version_ihl = RTE_IPV4_VHL_DEF;
	f->ip.time_to_live = 64;
	f->ip.next_proto_id = b->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	f->ip.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(f->ip) + l4));
	f->ip.src_addr = rte_cpu_to_be_32(CLIENT_NET + i / CLIENT_PORTS);
	f->ip.dst_addr = rte_cpu_to_be_32(VIP);
	f->udp.src_port = rte_cpu_to_be_16((uint16_t)(1024 + i % CLIENT_PORTS));
	f->udp.dst_port = rte_cpu_to_be_16(9000);
	if (b->tcp) {
		f->tcp.sent_seq = rte_cpu_to_be_32(i * 16);
		f->tcp.data_off = 5 << 4;
		f->tcp.tcp_flags = RTE_TCP_SYN_FLAG;
		f->tcp.rx_win = rte_cpu_to_be_16(65535);
	} else {
		f->udp.dgram_len = rte_cpu_to_be_16(sizeof(f->udp));
	}
	checksums(f);
}

/* First sequence number of the server, by the client's. Both are multiples of 16: small numbers after them tell segments apart. */
static uint32_t
server_isn(uint32_t client_isn)
{
	return client_isn ^ 0x5a5a5a50;
}

/* Turn a SYN or FIN into the answer to it, which has `flags`. */
static void
answer(struct rte_mbuf *m, uint32_t seq, uint8_t flags)
{
	struct frame *f = rte_pktmbuf_mtod(m, struct frame *);

	RTE_SWAP(f->ip.src_addr, f->ip.dst_addr);
	RTE_SWAP(f->tcp.src_port, f->tcp.dst_port);
	f->ip.time_to_live = 64;
	f->tcp.recv_ack = rte_cpu_to_be_32(rte_be_to_cpu_32(f->tcp.sent_seq) + 1);
	f->tcp.sent_seq = rte_cpu_to_be_32(seq);
	f->tcp.tcp_flags = flags;
	checksums(f);
}

/* The client's FIN, right behind its ACK `m`. */
static struct rte_mbuf *
make_fin(struct bench *b, const struct rte_mbuf *m)
{
	struct rte_mbuf *fin = rte_pktmbuf_copy(m, b->dp->pool, 0, UINT32_MAX);
	struct frame *f;

	if (fin == NULL)
		fail("mbufs");
	f = rte_pktmbuf_mtod(fin, struct frame *);
	f->tcp.tcp_flags = RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG;
	checksums(f);
	return fin;
}

static void
put(struct rte_ring *r, struct rte_mbuf **m, unsigned int n)
{
	if (n != 0 && rte_ring_sp_enqueue_bulk(r, (void **)m, n, NULL) != n)
		fail("a ring that cannot be full is full");
}

/* Is this what a connection is counted by: the last segment of its scenario? */
static bool
is_last(const struct bench *b, const struct frame *f)
{
	return b->scenario != TCP_FULL || (rte_be_to_cpu_32(f->tcp.recv_ack) & 15) == 2;
}

static void
servers(struct bench *b)
{
	struct rte_mbuf *in[BURST], *out[BURST];
	unsigned int n = rte_ring_sc_dequeue_burst(
				     b->internal.from_shunt, (void **)in, BURST, NULL),
		     n_out = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct frame *f = rte_pktmbuf_mtod(in[i], const struct frame *);

		if (b->tcp && (f->tcp.tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG))) {
			bool syn = f->tcp.tcp_flags & RTE_TCP_SYN_FLAG;

			answer(in[i],
					syn ? server_isn(rte_be_to_cpu_32(f->tcp.sent_seq))
					    : rte_be_to_cpu_32(f->tcp.recv_ack),
					syn ? RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG
					    : RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG);
			out[n_out++] = in[i];
			continue;
		}
		b->done += is_last(b, f);
		rte_pktmbuf_free(in[i]);
		if (b->done == b->sessions && b->tsc_end == 0)
			b->tsc_end = rte_rdtsc();
		else if (b->done == b->sessions / 2)
			__atomic_store_n(&b->tsc_half, rte_rdtsc(), __ATOMIC_RELEASE);
	}
	put(b->internal.to_shunt, out, n_out);
}

static void
clients(struct bench *b)
{
	struct rte_mbuf *m[BURST], *out[2 * BURST];
	unsigned int n = rte_ring_sc_dequeue_burst(b->external.from_shunt, (void **)m, BURST, NULL),
		     n_out = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct frame *f = rte_pktmbuf_mtod(m[i], const struct frame *);
		bool syn = f->tcp.tcp_flags & RTE_TCP_SYN_FLAG;

		answer(m[i], rte_be_to_cpu_32(f->tcp.recv_ack), RTE_TCP_ACK_FLAG);
		out[n_out++] = m[i];
		if (syn && b->scenario == TCP_FULL)
			out[n_out++] = make_fin(b, m[i]);
	}
	put(b->external.to_shunt, out, n_out);
	n = RTE_MIN(BURST, RTE_MIN(b->sessions - b->sent, UNDER_WAY - (b->sent - b->done)));
	if (n == 0 || rte_pktmbuf_alloc_bulk(b->dp->pool, m, n) != 0)
		return;
	for (unsigned int i = 0; i < n; i++)
		fill_opening(b, m[i], b->sent++);
	put(b->external.to_shunt, m, n);
}

static int
worker_lcore(void *arg)
{
	struct bench *b = arg;
	struct dp *dp = b->dp;

	rte_rcu_qsbr_thread_register(dp->qsbr, 0);
	rte_rcu_qsbr_thread_online(dp->qsbr, 0);
	b->tsc_begin = rte_rdtsc();
	while (b->done < b->sessions && !atomic_load_explicit(&dp->stop, memory_order_relaxed)) {
		clients(b);
		worker_poll(dp->workers[0], dp_now(dp));
		servers(b);
		rte_rcu_qsbr_quiescent(dp->qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(dp->qsbr, 0);
	rte_rcu_qsbr_thread_unregister(dp->qsbr, 0);
	atomic_store(&dp->stop, true);
	return 0;
}

/* ---- a run ---------------------------------------------------------------------------------------------------- */

static struct cfg *
load(const struct bench *b)
{
	char text[sizeof(config) + 64];
	struct cfg_errors errors = { .n = 0 };
	struct cfg *cfg;
	int n = snprintf(text, sizeof(text), config, b->tcp ? "tcp" : "udp", b->scenario);

	for (int i = 0; i < n; i++)
		if (text[i] == '\'')
			text[i] = '"';
	cfg = cfg_load_json(text, (size_t)n, "opens", &errors);
	if (cfg == NULL) {
		cfg_errors_print(&errors, stderr);
		fail("configuration");
	}
	return cfg;
}

/* ---- a dump under way ------------------------------------------------------------------------------------------- */

/* A command at the prompt, whose answer goes to memory. */
static void
begin_dump(struct bench *b)
{
	static const char command[] = "show connections format conntrack\n";

	b->dump_out = memfd_create("dump", MFD_CLOEXEC);
	if (b->dump_out < 0 || pipe(b->dump_in) != 0 ||
			write(b->dump_in[1], command, sizeof(command) - 1) < 0 ||
			ctl_prompt_open(b->dp->ctl, b->dump_in[0], b->dump_out) != 0)
		fail("no prompt");
	b->dp->prompt = true;
}

static void
end_dump(struct bench *b)
{
	static char buf[1 << 16];
	uint64_t listed = 0;
	double seconds = (double)(b->tsc_end - b->tsc_half) / (double)rte_get_tsc_hz();
	ssize_t n;

	lseek(b->dump_out, 0, SEEK_SET);
	while ((n = read(b->dump_out, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			listed += buf[i] == '\n';
	dp_doors_close(b->dp);
	close(b->dump_in[0]);
	close(b->dump_in[1]);
	close(b->dump_out);
	b->dump_out = -1;
	if (listed == 0)
		fail("the dump did not begin");
	printf("{\"name\": \"dump-under-load-%s\", \"sessions\": %u, \"metric\": \"listed_per_s\", \"value\": %.0f, \"peer\": null}\n",
			b->tcp ? "tcp" : "udp", SESSIONS / 2, (double)listed / seconds);
}

static void
print_row(const struct bench *b, const char *name, uint64_t from, uint32_t n)
{
	printf("{\"name\": \"%s-%s\", \"sessions\": %u, \"metric\": \"per_s\", \"value\": %.0f, \"peer\": null}\n",
			name, b->tcp ? "tcp" : "udp", n,
			(double)n * (double)rte_get_tsc_hz() / (double)(b->tsc_end - from));
}

/* What the control lcore was busy for, a connection: the rest of its time it waited for the worker. */
static void
print_control(const struct bench *b, const char *name)
{
	printf("{\"name\": \"%s-%s\", \"sessions\": %u, \"metric\": \"control_cycles\", \"value\": %.1f, \"peer\": null}\n",
			name, b->tcp ? "tcp" : "udp", b->sessions,
			(double)b->dp->control_cycles / b->sessions);
}

static void
print_rows(struct bench *b)
{
	switch (b->scenario) {
	case TCP_FULL:
		print_row(b, "full-connections", b->tsc_begin, b->sessions);
		print_control(b, "full-connections");
		return;
	case UDP_DUMP:
	case TCP_DUMP:
		end_dump(b);
		print_row(b, "new-connections-under-dump", b->tsc_half, b->sessions / 2);
		return;
	default:
		print_row(b, "new-connections", b->tsc_begin, b->sessions);
		print_control(b, "new-connections");
		print_row(b, "new-connections-second-half", b->tsc_half, b->sessions / 2);
	}
}

static void
run(struct bench *b)
{
	struct cfg *cfg = load(b);
	const struct dp_params p = { .cfg = cfg };
	const uint64_t limit = 60 * rte_get_tsc_hz();
	uint64_t begin;

	b->sent = b->done = 0;
	b->tsc_end = b->tsc_half = 0;
	b->dump_out = -1;
	b->dp = dp_create(&p);
	if (b->dp == NULL || ports_start(b->dp) != 0)
		fail("dataplane");
	atomic_store(&b->dp->stop, false);
	begin = rte_rdtsc();
	rte_eal_remote_launch(worker_lcore, b, b->dp->workers[0]->lcore);
	while (!atomic_load_explicit(&b->dp->stop, memory_order_relaxed)) {
		uint64_t now = dp_now(b->dp);

		if (b->dump && b->dump_out < 0 &&
				__atomic_load_n(&b->tsc_half, __ATOMIC_ACQUIRE) != 0)
			begin_dump(b);
		dp_doors_poll(b->dp, dp_poll(b->dp, now), now);
		if (rte_rdtsc() - begin > limit)
			atomic_store(&b->dp->stop, true);
	}
	rte_eal_mp_wait_lcore();
	if (b->done < b->sessions) {
		dp_report(b->dp, stderr);
		fail("connections were lost: see the drops above");
	}
	print_rows(b);
	fflush(stdout);
	dp_destroy(b->dp);
	cfg_free(cfg);
}

int
main(int argc, char **argv)
{
	char *defaults[] = { (char[]){ "opens" }, (char[]){ "-l" }, (char[]){ "0,1" },
		(char[]){ "--in-memory" }, (char[]){ "--no-pci" }, (char[]){ "--no-telemetry" },
		(char[]){ "--log-level=lib.eal:3" } };
	struct bench b = { .tcp = false };

	if ((argc > 1 ? rte_eal_init(argc, argv) : rte_eal_init((int)RTE_DIM(defaults), defaults)) <
			0)
		fail("EAL does not start: hugepages? sysctl vm.nr_hugepages=1024");
	if (rte_lcore_count() != 2)
		fail("two lcores are needed: control and one worker");
	for (enum scenario i = UDP; i < SCENARIOS; i++) {
		b.scenario = i;
		b.tcp = i != UDP && i != UDP_DUMP;
		b.dump = i == UDP_DUMP || i == TCP_DUMP;
		b.sessions = i == TCP_FULL ? SESSIONS_FULL : SESSIONS;
		b.external = port_create(i, "external");
		b.internal = port_create(i, "internal");
		run(&b);
		rte_ring_free(b.external.to_shunt);
		rte_ring_free(b.external.from_shunt);
		rte_ring_free(b.internal.to_shunt);
		rte_ring_free(b.internal.from_shunt);
	}
	rte_eal_cleanup();
	return 0;
}
