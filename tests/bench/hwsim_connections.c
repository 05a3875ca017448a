/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Offloaded connections on a simulated card: each one is an exact rule on the inner 5-tuple of VXLAN frames of 114 bytes that
 * counts, ages, decapsulates and sends the packet out of another port, so that no host is involved. How many packets a
 * second, by the number of connections that are active of those that are offloaded? Prints a row of JSON each, for scripts/bench.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hwsim_rig.h"

#define LEN 110u /* 114 with the FCS */
#define FCS 4u
#define OUTER 50u /* Ethernet, IPv4, UDP, VXLAN */
#define VXLAN_PORT 4789
#define BURST 32u
#define WARM_UP 200000u
#define PACKETS 200000u
/* Ageing of the seeds: 30 s. */
#define TIMEOUT_NS UINT64_C(30000000000)

struct options {
	const char *profile;
	uint32_t connections, active;
	uint32_t n_sets;
	const char *sets[RIG_SETS];
};

static struct rig_flow
flow_of(uint32_t i)
{
	/* Clients 10.0.0.0/12 and their ports, one service: spread over, as real ones are. */
	const uint32_t x = i * 2654435761u;

	return (struct rig_flow){ 0x0a000000 | x >> 12, 0xc0a80001, (uint16_t)(1024 + (x & 0xfff)),
		443 };
}

static void
build(uint8_t *frame, uint32_t i)
{
	const struct rig_flow outer = { 0x0a640001, 0x0a640002, (uint16_t)(49152 + i % 16384),
		VXLAN_PORT };
	const struct rig_flow inner = flow_of(i);

	rig_frame(frame, LEN, &outer);
	frame[42] = 8; /* the VNI is valid */
	rig_put16(frame + 47, 7);
	rig_frame(frame + OUTER, LEN - OUTER, &inner);
}

static int
fail(const char *what, const struct sim_error *e)
{
	fprintf(stderr, "%s: %s\n", what, e->text);
	return -1;
}

static int
insert(struct rig *r, uint32_t group, const struct sim_match *m, const struct sim_action *actions,
		uint32_t n)
{
	const struct sim_rule_params p = {
		.domain = SIM_TRANSFER,
		.port = SIM_ANY_PORT,
		.group = group,
		.match = m,
		.actions = actions,
		.n_actions = n,
	};
	struct sim_error e = { "" };
	struct sim_rule *rule;

	return sim_rule_insert(r->steer, &p, &rule, &e) < 0 ? fail("rule", &e) : 0;
}

static int
offload(struct rig *r, uint32_t i)
{
	const struct rig_flow f = flow_of(i);
	const sim_cycle timeout = sim_profile_cycles(&r->profile, TIMEOUT_NS);
	const int64_t counter = sim_counter_add(r->steer), age = sim_age_add(r->steer, timeout, 0);
	const struct sim_action actions[] = {
		{ .type = SIM_A_COUNT, .u32 = (uint32_t)counter },
		{ .type = SIM_A_AGE, .u32 = (uint32_t)age },
		{ .type = SIM_A_DECAP },
		{ .type = SIM_A_PORT, .u32 = 1 },
	};
	struct sim_match m;
	uint8_t *ip = &m.value.level[1].ip[SIM_IP4_AT];

	if (counter < 0 || age < 0) {
		fprintf(stderr, "no more counters or age contexts\n");
		return -1;
	}
	memset(&m, 0, sizeof(m));
	m.mask.layers[0] = SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP | SIM_L_VXLAN;
	m.mask.layers[1] = SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP;
	m.value.layers[0] = m.mask.layers[0];
	m.value.layers[1] = m.mask.layers[1];
	rig_put32(ip + 12, f.src);
	rig_put32(ip + 16, f.dst);
	rig_put16(m.value.level[1].l4, f.sport);
	rig_put16(m.value.level[1].l4 + 2, f.dport);
	memset(&m.mask.level[1].ip[SIM_IP4_AT + 12], 0xff, 8);
	memset(m.mask.level[1].l4, 0xff, 4);
	return insert(r, 1, &m, actions, 4);
}

static int
rules(struct rig *r, uint32_t n)
{
	const struct sim_action jump = { .type = SIM_A_JUMP, .u32 = 1 };
	struct sim_match m;
	uint32_t i;

	memset(&m, 0, sizeof(m));
	m.mask.layers[0] = SIM_L_ETH | SIM_L_IPV4 | SIM_L_UDP | SIM_L_VXLAN;
	m.value.layers[0] = m.mask.layers[0];
	if (insert(r, 0, &m, &jump, 1) < 0)
		return -1;
	for (i = 0; i < n; i++)
		if (offload(r, i) < 0)
			return -1;
	return 0;
}

/* Frames at line rate; returns those that left, and the cycles of their latency in *latency. */
static uint64_t
traffic(struct rig *r, uint32_t active, uint32_t packets, uint64_t *latency)
{
	struct sim_frame *f[BURST];
	uint8_t frame[LEN];
	int64_t at = (int64_t)sim_nic_now(r->nic);
	uint64_t got = 0;
	uint32_t i, k, n;

	*latency = 0;
	for (i = 0; i < packets; i++) {
		build(frame, (uint32_t)(rig_random(r) % active));
		at = sim_nic_wire_in(r->nic, 0, (sim_cycle)at, frame, LEN, 0);
		if (at < 0)
			return 0;
		if (i % BURST != BURST - 1)
			continue;
		sim_run(r->nic, (sim_cycle)at);
		while ((n = sim_nic_wire_out(r->nic, 1, f, BURST)) > 0) {
			for (k = 0; k < n; k++) {
				*latency += f[k]->left - f[k]->arrived;
				sim_frame_free(r->nic, f[k]);
			}
			got += n;
		}
	}
	return got;
}

static void
unit(const struct rig *r, const char *name, struct sim_unit_stats *s)
{
	uint32_t i;

	for (i = 0; sim_nic_unit(r->nic, i, s); i++)
		if (strcmp(s->name, name) == 0)
			return;
	memset(s, 0, sizeof(*s));
}

static double
rate(uint64_t hits, uint64_t misses)
{
	return hits + misses > 0 ? (double)hits / (double)(hits + misses) : 1;
}

static int
point(struct rig *r, const struct options *o, uint32_t active)
{
	struct sim_unit_stats cache, counters, cache0, counters0;
	const double mhz = r->profile.clock_mhz;
	uint64_t got, latency;
	double cycles;

	traffic(r, active, WARM_UP, &latency);
	unit(r, "cache", &cache0);
	unit(r, "counter_cache", &counters0);
	cycles = (double)sim_nic_now(r->nic);
	got = traffic(r, active, PACKETS, &latency);
	cycles = (double)sim_nic_now(r->nic) - cycles;
	unit(r, "cache", &cache);
	unit(r, "counter_cache", &counters);
	if (got == 0)
		return -1;
	printf("{\"bench\": \"hwsim_connections\", \"profile\": \"%s\", \"connections\": %u, \"active\": %u, \"bytes\": %u, "
	       "\"mpps\": %.3f, \"mean_latency_us\": %.3f, \"entry_cache_hit_rate\": %.4f, \"counter_cache_hit_rate\": %.4f}\n",
			o->profile, o->connections, active, LEN + FCS, (double)got * mhz / cycles,
			(double)latency / (double)got / mhz,
			rate(cache.hits - cache0.hits, cache.misses - cache0.misses),
			rate(counters.hits - counters0.hits, counters.misses - counters0.misses));
	fflush(stdout);
	return 0;
}

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "connections", required_argument, NULL, 'c' },
		{ "active", required_argument, NULL, 'a' },
		{ "set", required_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'p')
			o->profile = optarg;
		else if (c == 'c')
			o->connections = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'a')
			o->active = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'x' && o->n_sets < RIG_SETS)
			o->sets[o->n_sets++] = optarg;
		else
			return -1;
	}
	return optind == argc && o->connections > 0 && o->active <= o->connections ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct options o = { .profile = "25g", .connections = 1000000 };
	struct rig r = { .ports = 2 };
	int err = 1;
	uint32_t n;

	if (parse(&o, argc, argv) < 0) {
		fprintf(stderr, "usage: %s [--profile FILE] [--connections N] [--active N] [--set section.key=value]...\n",
				argv[0]);
		return 2;
	}
	if (rig_open(&r, o.profile, o.sets, o.n_sets) < 0)
		return 1;
	if (rules(&r, o.connections) == 0) {
		err = 0;
		if (o.active > 0)
			err = point(&r, &o, o.active);
		for (n = 1000; o.active == 0 && err == 0; n *= 10) {
			err = point(&r, &o, n < o.connections ? n : o.connections);
			if (n >= o.connections)
				break;
		}
	}
	rig_close(&r);
	return err != 0;
}
