/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the benchmarks of the NIC's model (hwsim_rig.h).
 */
#include "hwsim_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SEED UINT64_C(0x9e3779b97f4a7c15)
/* Rules that match more give way to those that match exactly. */
#define HIGH 0
#define LOW 1

int
rig_open(struct rig *r, const char *profile, const char *const *sets, uint32_t n_sets)
{
	const uint16_t ports = r->ports > 0 ? r->ports : 1;
	struct sim_steer_params steer = { .profile = &r->profile, .n_ports = ports };
	struct sim_nic_params nic = {
		.profile = &r->profile, .n_ports = ports, .trace_packets = r->trace
	};
	struct sim_error e = { "" };
	uint32_t i;

	memset(&r->profile, 0, sizeof(r->profile));
	r->steer = NULL;
	r->nic = NULL;
	r->random = SEED;
	if (sim_profile_load(&r->profile, profile, &e) < 0)
		goto failed;
	for (i = 0; i < n_sets; i++)
		if (sim_profile_set(&r->profile, sets[i], &e) < 0)
			goto failed;
	r->steer = sim_steer_create(&steer);
	nic.steer = r->steer;
	if (r->steer == NULL) {
		sim_fail(&e, ENOMEM, "no memory for the tables");
		goto failed;
	}
	r->nic = sim_nic_create(&nic, &e);
	if (r->nic != NULL)
		return 0;
failed:
	fprintf(stderr, "%s\n", e.text);
	rig_close(r);
	return -1;
}

void
rig_close(struct rig *r)
{
	sim_nic_destroy(r->nic);
	sim_steer_destroy(r->steer);
	r->nic = NULL;
	r->steer = NULL;
}

uint64_t
rig_random(struct rig *r)
{
	uint64_t x = r->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	r->random = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

void
rig_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void
rig_put32(uint8_t *p, uint32_t v)
{
	rig_put16(p, (uint16_t)(v >> 16));
	rig_put16(p + 2, (uint16_t)v);
}

void
rig_frame(uint8_t *frame, uint32_t len, const struct rig_flow *f)
{
	static const uint8_t eth[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };
	uint8_t *ip = frame + sizeof(eth), *udp = ip + 20;
	uint32_t sum = 0, i;

	memset(frame, 0, len);
	memcpy(frame, eth, sizeof(eth));
	ip[0] = 0x45;
	rig_put16(ip + 2, (uint16_t)(len - sizeof(eth)));
	ip[8] = 64;
	ip[9] = 17;
	rig_put32(ip + 12, f->src);
	rig_put32(ip + 16, f->dst);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	rig_put16(ip + 10, (uint16_t)~sum);
	rig_put16(udp, f->sport);
	rig_put16(udp + 2, f->dport);
	rig_put16(udp + 4, (uint16_t)(len - sizeof(eth) - 20));
}

int
rig_rule(struct rig *r, uint32_t group, enum rig_kind kind, const struct rig_flow *f,
		struct rig_fate fate, struct sim_error *e)
{
	const struct sim_action action = { .type = fate.type, .u32 = fate.to };
	struct sim_match m;
	struct sim_rule_params p = {
		.domain = SIM_INGRESS,
		.group = group,
		.priority = kind == RIG_TUPLE ? HIGH : LOW,
		.match = &m,
		.actions = &action,
		.n_actions = 1,
	};
	uint8_t *ip = &m.value.level[0].ip[SIM_IP4_AT], *ip_mask = &m.mask.level[0].ip[SIM_IP4_AT];
	struct sim_rule *rule;

	memset(&m, 0, sizeof(m));
	m.mask.layers[0] = SIM_L_ETH;
	if (kind != RIG_ETH)
		m.mask.layers[0] |= SIM_L_IPV4;
	if (kind == RIG_CATCHALL) {
		rig_put32(ip + 16, 0xc0a80000);
		rig_put32(ip_mask + 16, 0xffff0000);
	} else if (kind == RIG_TUPLE) {
		m.mask.layers[0] |= SIM_L_UDP;
		rig_put32(ip + 12, f->src);
		rig_put32(ip + 16, f->dst);
		rig_put16(m.value.level[0].l4, f->sport);
		rig_put16(m.value.level[0].l4 + 2, f->dport);
		memset(ip_mask + 12, 0xff, 8);
		memset(m.mask.level[0].l4, 0xff, 4);
	}
	m.value.layers[0] = m.mask.layers[0];
	return sim_rule_insert(r->steer, &p, &rule, e);
}

double
rig_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
