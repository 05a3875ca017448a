/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Offloaded connections at line rate: VXLAN frames of 114 bytes (with FCS) of N connections, in random order, back to back
 * into port 0 of a simulated card. A rule each: tunnel off, address and port translated, TTL, counter, age; out of port 1. No
 * packet sees the host. Prints what left, what was dropped, and how the entry cache did. No EAL.
 */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hwsim/core/nic.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/steer.h"

#define FRAME 110 /* 114 with FCS */
#define INNER 50  /* Ethernet, IPv4, UDP, VXLAN */
#define INNER_IP (INNER + 14)
#define INNER_L4 (INNER_IP + 20)

struct options {
	struct sim_profile profile;
	uint32_t connections;
	uint32_t packets, warm_up;
	bool json;
};

struct bench {
	const struct options *o;
	struct sim_steer *steer;
	struct sim_nic *nic;
	uint8_t frame[FRAME];
	uint64_t random;
	sim_cycle wire_free;
};

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static void
ip_header(uint8_t *ip, uint32_t length, uint32_t src, uint32_t dst)
{
	uint32_t sum = 0;

	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, length);
	ip[8] = 64;
	ip[9] = 17;
	put32(ip + 12, src);
	put32(ip + 16, dst);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
}

/* Connection i: client 10.x.y.z, port 1024 + ..., to one service; UDP inside, without checksum. */
static void
set_connection(uint8_t *frame, uint32_t i)
{
	ip_header(frame + INNER_IP, FRAME - INNER_IP, 0x0a000000 | (i >> 4), 0xc0000201);
	put16(frame + INNER_L4, 1024 + (i & 15));
	put16(frame + INNER_L4 + 2, 80);
}

static void
make_frame(uint8_t *f)
{
	memset(f, 0, FRAME);
	f[5] = 2, f[11] = 1;
	put16(f + 12, 0x0800);
	ip_header(f + 14, FRAME - 14, 0xac100001, 0xac100002);
	put16(f + 34, 49152);
	put16(f + 36, 4789);
	put16(f + 38, FRAME - 34);
	f[42] = 8;
	put32(f + 46, 7 << 8);
	f[INNER + 5] = 4, f[INNER + 11] = 3;
	put16(f + INNER + 12, 0x0800);
	put16(f + INNER_L4 + 4, FRAME - INNER_L4);
}

static void
insert(struct bench *b, const struct sim_match *m, uint32_t group, const struct sim_action *actions,
		uint32_t n)
{
	struct sim_error e = { "" };
	struct sim_rule *rule;
	const struct sim_rule_params p = {
		.domain = SIM_TRANSFER,
		.port = SIM_ANY_PORT,
		.group = group,
		.match = m,
		.actions = actions,
		.n_actions = n,
	};

	if (sim_rule_insert(b->steer, &p, &rule, &e) != 0)
		errx(1, "a rule was refused: %s", e.text);
}

static void
offload_connection(struct bench *b, uint32_t i)
{
	static const struct sim_modify dst = {
		.op = SIM_OP_SET, .dst = SIM_F_IPV4_DST, .bits = 32, .value = { [12] = 10, 9, 8, 7 }
	};
	static const struct sim_modify port = {
		.op = SIM_OP_SET, .dst = SIM_F_UDP_DST, .bits = 16, .value = { [14] = 0x1f, 0x90 }
	};
	static const struct sim_modify ttl = {
		.op = SIM_OP_SUB, .dst = SIM_F_IPV4_TTL, .bits = 8, .value = { [15] = 1 }
	};
	const int64_t counter = sim_counter_add(b->steer);
	const int64_t age = sim_age_add(
			b->steer, sim_profile_cycles(&b->o->profile, 30000000000u), 0, i);
	struct sim_level *v, *k;
	struct sim_match m;

	if (counter < 0 || age < 0)
		errx(1, "the profile has no counter or age context left at connection %u", i);
	memset(&m, 0, sizeof(m));
	set_connection(b->frame, i);
	m.mask.layers[0] = m.value.layers[0] = SIM_L_VXLAN;
	m.mask.layers[1] = m.value.layers[1] = SIM_L_IPV4 | SIM_L_UDP;
	memcpy(m.value.tunnel, b->frame + 42, 8);
	memset(m.mask.tunnel + 4, 0xff, 3);
	v = &m.value.level[1], k = &m.mask.level[1];
	memcpy(v->ip + SIM_IP4_AT, b->frame + INNER_IP, 20);
	memset(k->ip + SIM_IP4_AT + 12, 0xff, 8);
	k->ip[SIM_IP4_AT + 9] = 0xff;
	memcpy(v->l4, b->frame + INNER_L4, 4);
	memset(k->l4, 0xff, 4);
	insert(b, &m, 1,
			(struct sim_action[]){ { .type = SIM_A_DECAP },
					{ .type = SIM_A_MODIFY, .modify = &dst },
					{ .type = SIM_A_MODIFY, .modify = &port },
					{ .type = SIM_A_MODIFY, .modify = &ttl },
					{ .type = SIM_A_COUNT, .u32 = (uint32_t)counter },
					{ .type = SIM_A_AGE, .u32 = (uint32_t)age },
					{ .type = SIM_A_PORT, .u32 = 1 } },
			7);
}

static uint32_t
random_below(struct bench *b, uint32_t n)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return (uint32_t)((b->random >> 32) * n >> 32);
}

/* n frames back to back; what left is freed as it comes. */
static void
send_frames(struct bench *b, uint32_t n)
{
	struct sim_frame *out[64];
	uint32_t got;

	for (uint32_t i = 0; i < n; i++) {
		int64_t wire_free;

		set_connection(b->frame, random_below(b, b->o->connections));
		wire_free = sim_nic_wire_in(b->nic, 0, b->wire_free, b->frame, FRAME, i);
		if (wire_free < 0)
			errx(1, "the model has no memory for a frame");
		b->wire_free = (sim_cycle)wire_free;
		if (i % 32 != 31)
			continue;
		sim_run(b->nic, b->wire_free);
		while ((got = sim_nic_wire_out(b->nic, 1, out, 64)) > 0)
			for (uint32_t j = 0; j < got; j++)
				sim_frame_free(b->nic, out[j]);
	}
}

static double
cache_hits(const struct bench *b)
{
	struct sim_unit_stats u;

	for (uint32_t i = 0; sim_nic_unit(b->nic, i, &u); i++)
		if (strcmp(u.name, "cache") == 0 && u.hits + u.misses > 0)
			return (double)u.hits / (double)(u.hits + u.misses);
	return 1;
}

static void
report(const struct bench *b, const struct sim_account *before, sim_cycle from)
{
	const double s = (double)(sim_nic_now(b->nic) - from) / (b->o->profile.clock_mhz * 1e6);
	struct sim_account a;
	double in, out, lost;

	sim_nic_account(b->nic, &a);
	in = (double)(a.in_wire - before->in_wire) / s / 1e6;
	out = (double)(a.out_wire - before->out_wire) / s / 1e6;
	lost = (double)(a.dropped - before->dropped) / (double)(a.in_wire - before->in_wire);
	if (b->o->json)
		printf("{\"connections\": %u, \"in_mpps\": %.3f, \"out_mpps\": %.3f, \"lost\": %.4f,"
		       " \"to_host\": %lu, \"cache_hits\": %.4f}\n",
				b->o->connections, in, out, lost, (unsigned long)a.out_host,
				cache_hits(b));
	else
		printf("%u connections: %.2f Mpps in, %.2f out, %.2f %% dropped, %lu to the host; cache"
		       " hits %.1f %%\n",
				b->o->connections, in, out, 100 * lost, (unsigned long)a.out_host,
				100 * cache_hits(b));
	if (a.in_wire + a.in_host + a.made != a.out_wire + a.out_host + a.dropped + a.held)
		errx(1, "frames do not add up");
}

static void
run(const struct options *o)
{
	struct bench b = { .o = o, .random = 88172645463325252u };
	struct sim_steer_params sp = { .profile = &o->profile, .n_ports = 2 };
	struct sim_nic_params np = { .profile = &o->profile, .n_ports = 2 };
	struct sim_account before;
	struct sim_error e = { "" };
	struct sim_match vxlan;
	sim_cycle from;

	b.steer = np.steer = sim_steer_create(&sp);
	b.nic = b.steer == NULL ? NULL : sim_nic_create(&np, &e);
	if (b.nic == NULL)
		errx(1, "the card cannot be made: %s", e.text);
	make_frame(b.frame);
	memset(&vxlan, 0, sizeof(vxlan));
	vxlan.mask.layers[0] = vxlan.value.layers[0] = SIM_L_VXLAN;
	insert(&b, &vxlan, 0, (struct sim_action[]){ { .type = SIM_A_JUMP, .u32 = 1 } }, 1);
	for (uint32_t i = 0; i < o->connections; i++)
		offload_connection(&b, i);
	send_frames(&b, o->warm_up);
	sim_nic_account(b.nic, &before);
	from = sim_nic_now(b.nic);
	send_frames(&b, o->packets);
	report(&b, &before, from);
	sim_nic_destroy(b.nic);
	sim_steer_destroy(b.steer);
}

static uint32_t
number(const char *name, const char *text)
{
	char *end;
	const unsigned long v = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < 1 || v > 100000000)
		errx(2, "--%s is a number from 1 to 100000000, not '%s'", name, text);
	return (uint32_t)v;
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "connections", required_argument, NULL, 'c' },
		{ "packets", required_argument, NULL, 'n' },
		{ "warm-up", required_argument, NULL, 'w' },
		{ "set", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .connections = 1000000, .packets = 1000000, .warm_up = 1000000 };
	struct sim_error e = { "" };
	int c;

	sim_profile_ideal(&o.profile);
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'p' && sim_profile_load(&o.profile, optarg, &e) != 0)
			errx(2, "%s", e.text);
		else if (c == 's' && sim_profile_set(&o.profile, optarg, &e) != 0)
			errx(2, "%s", e.text);
		else if (c == 'c')
			o.connections = number("connections", optarg);
		else if (c == 'n')
			o.packets = number("packets", optarg);
		else if (c == 'w')
			o.warm_up = number("warm-up", optarg);
		else if (c == 'j')
			o.json = true;
		else if (c == '?')
			errx(2, "options: --profile --connections --packets --warm-up --set --json");
	}
	run(&o);
	return 0;
}
