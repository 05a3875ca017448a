/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random frames: TCP and UDP over IPv4, with and without tags and options, and now and then a fragment, something cut short, another
 * protocol or plain noise, so that RTL's parser and the model's have something to disagree on.
 */
#include "world_priv.h"

#include <string.h>

void
world_flows(uint64_t *random, struct key *flows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		flows[i] = (struct key){ .kind = 0x300 | (world_random(random) % 2 ? 6 : 17),
			.src = 0x0a000000 | (uint32_t)(world_random(random) % 65536),
			.dst = 0xc0a80000 | (uint32_t)(world_random(random) % 65536),
			.ports = (uint32_t)world_random(random) };
}

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

void
world_frame(uint64_t *random, const struct key *flow, struct world_packet *p)
{
	static const uint16_t tags[] = { 0x8100, 0x88a8, 0x9100 };
	uint32_t odd = (uint32_t)(world_random(random) % 32), at = 12, n;
	uint32_t ihl = world_random(random) % 4 == 0 ? 5 + (uint32_t)(world_random(random) % 11)
						     : 5;
	uint8_t *ip;

	for (uint32_t i = 0; i < sizeof(p->data); i++)
		p->data[i] = (uint8_t)world_random(random);
	p->len = (uint16_t)(60 + world_random(random) % 190);
	for (n = (uint32_t)(world_random(random) % 8); n >= 6; n--, at += 4)
		put16(p->data + at, tags[world_random(random) % 3]);
	put16(p->data + at, odd == 0 ? 0x86dd : odd == 1 ? 0x0806 : odd == 2 ? 0x8100 : 0x0800);
	ip = p->data + at + 2;
	ip[0] = (uint8_t)((odd == 3 ? 6u : 4u) << 4 | (odd == 4 ? world_random(random) % 16 : ihl));
	put16(ip + 2, odd == 5 ? (uint32_t)(world_random(random) % 64) : p->len - at - 2u);
	put16(ip + 6, odd == 6 ? (uint32_t)world_random(random) : odd == 7 ? 0x2000 : 0x4000);
	ip[9] = odd == 8 ? (uint8_t)world_random(random) : (uint8_t)flow->kind;
	put32(ip + 12, flow->src);
	put32(ip + 16, flow->dst);
	put32(ip + ihl * 4, flow->ports);
	if (odd == 9)
		p->len = (uint16_t)(1 + world_random(random) % 100);
}

void
world_key(const struct world_packet *p, struct key *k)
{
	struct sim_phv phv;
	struct sim_offsets off;
	const uint8_t *ip = phv.level[0].ip + SIM_IP4_AT, *l4 = phv.level[0].l4;

	memset(k, 0, sizeof(*k));
	sim_parse(p->data, p->len, p->len, 0, &phv, &off);
	if ((phv.layers[0] & SIM_L_IPV4) == 0)
		return;
	k->kind = 0x200 | ip[9];
	k->src = (uint32_t)ip[12] << 24 | (uint32_t)ip[13] << 16 | (uint32_t)ip[14] << 8 | ip[15];
	k->dst = (uint32_t)ip[16] << 24 | (uint32_t)ip[17] << 16 | (uint32_t)ip[18] << 8 | ip[19];
	if ((phv.layers[0] & (SIM_L_TCP | SIM_L_UDP)) == 0)
		return;
	k->kind |= 0x100;
	k->ports = (uint32_t)l4[0] << 24 | (uint32_t)l4[1] << 16 | (uint32_t)l4[2] << 8 | l4[3];
}
