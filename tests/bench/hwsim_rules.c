/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules and look-ups of the NIC simulator cost in functional mode: insertions and deletions a second with as many
 * 5-tuple rules as asked for, bytes a rule, and packets a second through three groups, in cache and out of it. Prints rows of
 * JSON, as scripts/bench reads them. No EAL: the model knows nothing of DPDK.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hwsim/core/steer.h"

#define PACKETS 4000000u
#define BURST 64u /* divides PACKETS */
#define AT_SRC (SIM_IP4_AT + 12)

/* Time of its own, so that others on the machine disturb caches only. */
static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
rss_bytes(void)
{
	unsigned long all = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void
print(const char *what, uint32_t rules, const char *metric, double value)
{
	printf("{\"name\": \"hwsim-%s\", \"sessions\": %u, \"metric\": \"%s\", \"value\": %.1f, \"peer\": null}\n",
			what, rules, metric, value);
	fflush(stdout);
}

static void
die(const char *what)
{
	fprintf(stderr, "hwsim_rules: %s\n", what);
	exit(1);
}

/* Flow i: addresses and ports spread over the words that are hashed. */
static void
tuple(uint8_t *ip_src, uint8_t *ports, uint32_t i)
{
	const uint32_t src = __builtin_bswap32(0x0a000000 | (i & 0xfffff));
	const uint32_t dst = __builtin_bswap32(0xc0a80000 | (i >> 20));
	const uint16_t p[2] = { __builtin_bswap16((uint16_t)(1024 + i % 60000)),
		__builtin_bswap16(443) };

	memcpy(ip_src, &src, 4);
	memcpy(ip_src + 4, &dst, 4);
	memcpy(ports, p, 4);
}

static void
match_tuple(struct sim_match *m)
{
	memset(m, 0, sizeof(*m));
	m->value.layers[0] = m->mask.layers[0] = SIM_L_IPV4 | SIM_L_TCP;
	memset(m->mask.level[0].ip + AT_SRC, 0xff, 8);
	memset(m->mask.level[0].l4, 0xff, 4);
}

/* Group g: N rules of a 5-tuple -> count, mark, and on to the next group or a queue. */
static double
insert(struct sim_steer *s, uint32_t group, uint32_t n, bool last, struct sim_rule **rule)
{
	struct sim_action a[3] = { { .type = SIM_A_COUNT }, { .type = SIM_A_MARK },
		{ .type = last ? SIM_A_QUEUE : SIM_A_JUMP, .u32 = last ? 1 : group + 1 } };
	struct sim_match m;
	struct sim_rule_params p = { .domain = SIM_INGRESS,
		.group = group,
		.priority = 1,
		.match = &m,
		.actions = a,
		.n_actions = 3 };
	double begin = now_s();

	match_tuple(&m);
	for (uint32_t i = 0; i < n; i++) {
		tuple(m.value.level[0].ip + AT_SRC, m.value.level[0].l4, i);
		a[1].u32 = i;
		if (sim_rule_insert(s, &p, &rule[i], NULL) < 0)
			die("a rule is refused");
	}
	return now_s() - begin;
}

static void
frame_of(uint8_t *f)
{
	memset(f, 0, 64);
	f[5] = 1;
	f[11] = 2;
	f[12] = 8;
	f[14] = 0x45;
	f[17] = 46;
	f[22] = 64;
	f[23] = 6;
	f[46] = 0x50;
}

static double
lookups(struct sim_steer *s, uint32_t flows, uint32_t packets)
{
	uint8_t f[64];
	struct sim_pkt p;
	double begin;

	frame_of(f);
	begin = now_s();
	for (uint32_t i = 0; i < packets; i++) {
		tuple(f + 26, f + 34, i * 2654435761u & (flows - 1));
		p = (struct sim_pkt){ .data = f, .len = 60, .frame_len = 60 };
		sim_steer_run(s, &p, i, NULL);
		if (p.dest.kind != SIM_TO_QUEUE || p.dest.queue != 1)
			die("a packet went astray");
	}
	return (now_s() - begin) / packets * 1e9;
}

/* The same in bursts, looked ahead for, as the driver does it. */
static double
lookups_ahead(struct sim_steer *s, uint32_t flows, uint32_t packets)
{
	struct sim_ahead ahead[BURST];
	struct sim_pkt p[BURST];
	uint8_t f[BURST][64];
	double begin;

	for (uint32_t k = 0; k < BURST; k++)
		frame_of(f[k]);
	begin = now_s();
	for (uint32_t i = 0; i < packets; i += BURST) {
		for (uint32_t k = 0; k < BURST; k++) {
			tuple(f[k] + 26, f[k] + 34, (i + k) * 2654435761u & (flows - 1));
			p[k] = (struct sim_pkt){ .data = f[k], .len = 60, .frame_len = 60 };
			sim_steer_ahead(s, &p[k], &ahead[k]);
		}
		for (uint32_t k = 0; k < BURST; k++)
			sim_steer_closer(s, &ahead[k]);
		for (uint32_t k = 0; k < BURST; k++)
			sim_steer_closer(s, &ahead[k]);
		for (uint32_t k = 0; k < BURST; k++) {
			sim_steer_run(s, &p[k], i, NULL);
			if (p[k].dest.kind != SIM_TO_QUEUE || p[k].dest.queue != 1)
				die("a packet went astray");
		}
	}
	return (now_s() - begin) / packets * 1e9;
}

static void
rules(uint32_t n)
{
	struct sim_rule **rule = calloc(n, sizeof(*rule));
	struct sim_profile p;
	struct sim_steer *s;
	struct sim_steer_stats st;
	double t, rss;

	sim_profile_ideal(&p);
	s = sim_steer_create(&(struct sim_steer_params){ .profile = &p, .n_ports = 1 });
	if (rule == NULL || s == NULL || sim_counter_add(s) != 0)
		die("no memory");
	memset(rule, 1, n * sizeof(*rule));
	rss = rss_bytes();
	t = insert(s, 0, n, true, rule);
	print("insert", n, "k/s", n / t / 1e3);
	sim_steer_stats(s, &st);
	print("rule", n, "bytes", (double)st.bytes / n);
	print("rule-resident", n, "bytes", (rss_bytes() - rss) / n);
	print("lookup-all", n, "ns", lookups(s, n, PACKETS));
	print("lookup-ahead", n, "ns", lookups_ahead(s, n, PACKETS));
	t = now_s();
	for (uint32_t i = 0; i < n; i++)
		sim_rule_remove(s, rule[i]);
	print("delete", n, "k/s", n / (now_s() - t) / 1e3);
	sim_steer_destroy(s);
	free(rule);
}

static void
groups(void)
{
	struct sim_rule *rule[64];
	struct sim_profile p;
	struct sim_steer *s;

	sim_profile_ideal(&p);
	s = sim_steer_create(&(struct sim_steer_params){ .profile = &p, .n_ports = 1 });
	if (s == NULL || sim_counter_add(s) != 0)
		die("no memory");
	for (uint32_t g = 0; g < 3; g++)
		insert(s, g, 64, g == 2, rule);
	print("lookup-three-groups", 64, "ns", lookups(s, 64, PACKETS));
	sim_steer_destroy(s);
}

int
main(void)
{
	groups();
	rules(1u << 20);
	rules(2u << 20);
	return 0;
}
