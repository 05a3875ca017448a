/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the generator of net_hwsim brings a core: frames a second and cycles a frame through rte_eth_rx_burst() of a port with
 * clock=off, or through the wire alone, and rte_pktmbuf_free_bulk(), for several sizes, numbers of flows and bursts; and what rate= gives against the clock. Prints rows
 * of JSON, the median of several runs each. mpps and cycles are of the time that the thread had a CPU, so that others on the
 * machine do not count; wall_mpps is of the clock's. EAL arguments may be given, and behind -- a wire's text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "wire.h"

#define RUNS 5u
#define MS_A_RUN 150u
#define BURST_MAX 64u

struct result {
	uint64_t frames, bytes, cycles;
	uint64_t asked; /* TSC at the last call */
	double cpu_ns;
};

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
ns_of(uint64_t cycles)
{
	return (double)cycles * 1e9 / (double)rte_get_tsc_hz();
}

/* A wire by itself, or a port. */
struct source {
	struct wire *w;
	uint16_t port;
	uint64_t from, asked; /* TSC: before the first call, and at the last */
};

/* Takes frames for `ms`; the wire's clock is the TSC's. */
static inline __attribute__((always_inline)) struct result
take_from(const struct source *s, bool wire, struct rte_mempool *pool, uint16_t burst,
		unsigned int ms)
{
	const uint64_t from = rte_rdtsc(), end = from + rte_get_tsc_hz() / 1000 * ms;
	struct rte_mbuf *m[BURST_MAX];
	struct result r = { .cpu_ns = -cpu_ns() };
	uint64_t at = from;

	while (at < end) {
		const uint16_t n = wire
				? s->w->ops->rx(s->w, 0, pool, m, NULL, burst, (uint64_t)ns_of(at))
				: rte_eth_rx_burst(s->port, 0, m, burst);

		for (uint16_t i = 0; i < n; i++)
			r.bytes += m[i]->pkt_len;
		r.frames += n;
		rte_pktmbuf_free_bulk(m, n);
		r.asked = at;
		at = rte_rdtsc();
	}
	r.cycles = at - from;
	r.cpu_ns += cpu_ns();
	return r;
}

static struct result
take(const struct source *s, struct rte_mempool *pool, uint16_t burst, unsigned int ms)
{
	return s->w != NULL ? take_from(s, true, pool, burst, ms)
			    : take_from(s, false, pool, burst, ms);
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define VDEV "net_hwsim0"

static int
open_source(struct source *s, const char *text, bool wire, struct rte_mempool *pool)
{
	struct wire_params params = { .text = text, .unpaced = true, .seed = 1 };
	const struct rte_eth_conf conf = { 0 };
	struct sim_error e;
	char args[256];

	*s = (struct source){ 0 };
	if (wire) {
		if (wire_open(&params, &s->w, &e) == 0)
			return 0;
		fprintf(stderr, "%s: %s\n", text, e.text);
		return -1;
	}
	snprintf(args, sizeof(args), "wire=%s", text);
	if (rte_eal_hotplug_add("vdev", VDEV, args) != 0 ||
			rte_eth_dev_get_port_by_name(VDEV, &s->port) != 0 ||
			rte_eth_dev_configure(s->port, 1, 1, &conf) != 0 ||
			rte_eth_rx_queue_setup(s->port, 0, 1024, 0, NULL, pool) != 0 ||
			rte_eth_tx_queue_setup(s->port, 0, 1024, 0, NULL) != 0 ||
			rte_eth_dev_start(s->port) != 0) {
		fprintf(stderr, "%s: no port\n", text);
		return -1;
	}
	return rte_eth_promiscuous_enable(s->port);
}

/* Frames a us that came or would have come had somebody taken them: what rate= is. 0: a port. */
static double
offered(const struct source *s)
{
	if (s->w == NULL)
		return 0;
	return (double)(s->w->stats.rx_frames + s->w->stats.rx_missed) * 1e3 /
			ns_of(s->asked - s->from);
}

static void
close_source(struct source *s)
{
	if (s->w != NULL) {
		s->w->ops->close(s->w);
		return;
	}
	(void)rte_eth_dev_stop(s->port);
	(void)rte_eth_dev_close(s->port);
	(void)rte_eal_hotplug_remove("vdev", VDEV);
}

static int
measure(const char *text, struct rte_mempool *pool, uint16_t burst, bool wire)
{
	double mpps[RUNS], cycles[RUNS], gbps[RUNS], wall[RUNS];
	struct source s;

	if (open_source(&s, text, wire, pool) != 0)
		return 1;
	s.from = rte_rdtsc();
	(void)take(&s, pool, burst, 20);
	for (unsigned int i = 0; i < RUNS; i++) {
		const struct result r = take(&s, pool, burst, MS_A_RUN);

		s.asked = r.asked;
		mpps[i] = (double)r.frames * 1e3 / r.cpu_ns;
		wall[i] = (double)r.frames * 1e3 / ns_of(r.cycles);
		cycles[i] = r.cpu_ns * (double)rte_get_tsc_hz() / 1e9 /
				(double)RTE_MAX(r.frames, 1u);
		gbps[i] = (double)(r.bytes + r.frames * 24) * 8 / r.cpu_ns;
	}
	qsort(mpps, RUNS, sizeof(mpps[0]), by_value);
	qsort(cycles, RUNS, sizeof(cycles[0]), by_value);
	qsort(wall, RUNS, sizeof(wall[0]), by_value);
	qsort(gbps, RUNS, sizeof(gbps[0]), by_value);
	printf("{\"through\": \"%s\", \"wire\": \"%s\", \"burst\": %u, \"mpps\": %.3f, \"cycles\": %.1f, "
	       "\"gbps\": %.3f, \"wall_mpps\": %.4f, \"offered_mpps\": %.4f}\n",
			wire ? "wire" : "port", text, burst, mpps[RUNS / 2], cycles[RUNS / 2],
			gbps[RUNS / 2], wall[RUNS / 2], offered(&s));
	close_source(&s);
	fflush(stdout);
	return 0;
}

int
main(int argc, char **argv)
{
	static const char *const texts[] = {
		"gen:flows=1;size=64",
		"gen:flows=1000;size=64",
		"gen:flows=1000000;size=64",
		"gen:flows=1000000;size=64;order=round",
		"gen:flows=1000000;size=64;order=zipf:1",
		"gen:flows=16000000;size=64",
		"gen:flows=1000000;size=64;ipv6=1",
		"gen:flows=1000000;size=64;proto=tcp",
		"gen:flows=1000000;size=512",
		"gen:flows=1000000;size=1518",
		"gen:flows=1000000;size=imix",
		"gen:sessions=1000000;size=64;proto=tcp",
		"gen:sessions=1000000;size=64;proto=tcp;churn=100000",
		"gen:sessions=1000000;size=114;vxlan=100",
		"gen:flows=1000;size=64;rate=1Mpps",
		"gen:flows=1000;size=64;rate=10Mpps",
		"gen:flows=1000;size=1518;rate=10G",
	};
	struct rte_mempool *pool;
	int failed = 0, used = rte_eal_init(argc, argv);

	if (used < 0)
		return 1;
	pool = rte_pktmbuf_pool_create(
			"source", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
	if (pool == NULL)
		return 1;
	if (argc - used > 1)
		return measure(argv[used + 1], pool, 32, false) |
				measure(argv[used + 1], pool, 32, true);
	for (size_t i = 0; i < RTE_DIM(texts); i++) {
		failed |= measure(texts[i], pool, 32, true);
		if (strstr(texts[i], "rate=") != NULL)
			continue;
		failed |= measure(texts[i], pool, 32, false);
		if (i < 3)
			failed |= measure(texts[i], pool, 64, false);
	}
	rte_eal_cleanup();
	return failed;
}
