/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a limit costs an opening: cycles of lim_open() and lim_close() with as many sources as asked for, in random
 * order, so that every one is a cache miss. Prints rows of JSON, as scripts/bench reads them. EAL arguments may be given.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ip.h>

#include "base/time.h"
#include "limit/lim.h"

#define OPENS 4000000u

struct bench {
	struct lim *l;
	uint32_t sources; /* power of two */
	bool v6;
	uint64_t cycles; /* of */
	uint32_t n;	 /* calls that nothing interrupted */
};

/* A call that took longer was interrupted: on a busy machine such would be all of the mean. */
#define INTERRUPTED 10000u

static void
measured(struct bench *b, uint64_t cycles)
{
	if (cycles >= INTERRUPTED)
		return;
	b->cycles += cycles;
	b->n++;
}

/* Source i of a random walk through all of them; a multiplication by an odd number visits each once. */
static struct flow_tuple
tuple(const struct bench *b, uint32_t i)
{
	const uint32_t n = i * 2654435761u & (b->sources - 1);
	struct flow_tuple t = { .key = { .family = b->v6 ? 6 : 4, .proto = IPPROTO_TCP } };
	rte_be32_t ip = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 0) + n);

	t.key.dport = RTE_BE16(80);
	memcpy(t.src.b + (b->v6 ? 4 : 0), &ip, sizeof(ip)); /* IPv6: the last bits of a /64 */
	return t;
}

static void
opens(struct bench *b, uint32_t n)
{
	uint64_t now = TIME_NS_PER_S;

	b->cycles = b->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct flow_tuple t = tuple(b, i);
		const struct lim_conn c = { .tuple = &t, .service = -1 };
		unsigned int limit;
		uint64_t begin = rte_rdtsc_precise();

		if (lim_open(b->l, &c, now += 250, &limit) != LIM_PASS)
			rte_exit(1, "limits: refused\n");
		measured(b, rte_rdtsc_precise() - begin);
	}
}

static void
closes(struct bench *b, uint32_t n)
{
	b->cycles = b->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct flow_tuple t = tuple(b, i);
		const struct lim_conn c = { .tuple = &t, .service = -1 };
		uint64_t begin = rte_rdtsc_precise();

		lim_close(b->l, &c, UINT64_C(100) * TIME_NS_PER_S);
		measured(b, rte_rdtsc_precise() - begin);
	}
}

static uint64_t
overhead(void)
{
	struct bench b = { .n = 0 };

	for (unsigned int i = 0; i < 1000000; i++) {
		uint64_t begin = rte_rdtsc_precise();

		measured(&b, rte_rdtsc_precise() - begin);
	}
	return b.cycles / b.n;
}

static void
print(const struct bench *b, const char *what, uint64_t clock)
{
	printf("{\"name\": \"limit-%s-ipv%u\", \"sessions\": %u, \"metric\": \"cycles\", \"value\": %.1f, \"peer\": null}\n",
			what, b->v6 ? 6 : 4, b->sources, (double)b->cycles / b->n - (double)clock);
	fflush(stdout);
}

static void
run(uint32_t sources, bool v6, uint64_t clock)
{
	const struct lim_limit_params limit = {
		.name = "per-source",
		.dport_hi = UINT16_MAX,
		.port_in = LIM_NONE,
		.service = -1,
		.zone = -1,
		.set = LIM_NONE,
		.not_set = LIM_NONE,
		.prefix_len = 32,
		.prefix_len6 = 64,
		.connections = 1000000,
		.rate = 1000000,
		.burst = 1000000,
		.entries = sources,
	};
	struct bench b = { .sources = sources, .v6 = v6 };

	b.l = lim_create(&(struct lim_params){
			.limits = &limit, .n_limits = 1, .hash_seed = 1, .socket_id = -1 });
	if (b.l == NULL)
		rte_exit(1, "limits: no memory\n");
	opens(&b, sources);
	print(&b, "open-new", clock);
	opens(&b, OPENS);
	print(&b, "open-known", clock);
	closes(&b, OPENS);
	print(&b, "close", clock);
	lim_destroy(b.l);
}

int
main(int argc, char **argv)
{
	char *defaults[] = { (char[]){ "limits" }, (char[]){ "-l" }, (char[]){ "0" },
		(char[]){ "--in-memory" }, (char[]){ "--no-pci" }, (char[]){ "--no-telemetry" },
		(char[]){ "--log-level=lib.eal:3" } };
	uint64_t clock;

	if ((argc > 1 ? rte_eal_init(argc, argv) : rte_eal_init((int)RTE_DIM(defaults), defaults)) <
			0)
		rte_exit(1, "EAL does not start: hugepages? sysctl vm.nr_hugepages=1024\n");
	clock = overhead();
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		run(1u << 10, v6, clock);
		run(1u << 16, v6, clock);
		run(1u << 20, v6, clock);
	}
	rte_eal_cleanup();
	return 0;
}
