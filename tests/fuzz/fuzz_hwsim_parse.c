/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a packet, and any actions on it: nothing is read or written beyond it, what fails changes nothing, and the
 * vector is always that of the packet as it is. RSS and the connection unit look at it, too.
 *
 * First byte: number of actions; 24 bytes an action; 2 bytes: how much of the packet is in view; the packet.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hwsim/core/action.h"
#include "hwsim/core/steer.h"

#include "fuzz.h"

#define HEADROOM 300
#define ACTION 24
#define ACTIONS_MAX 16

struct subject {
	uint8_t *room;
	struct sim_pkt p;
	struct sim_phv phv;
	struct sim_offsets off;
};

static void
check_offsets(const struct subject *s)
{
	for (uint32_t i = 0; i < 2; i++) {
		REQUIRE(s->off.l2[i] <= s->p.len && s->off.l3[i] <= s->p.len);
		REQUIRE(s->off.l4[i] <= s->p.len && s->off.vlan[i] <= s->p.len);
	}
	REQUIRE(s->off.tunnel <= s->p.len && s->off.payload <= s->p.len);
	/* Nothing behind the end: what it was is what it is. */
	REQUIRE(s->p.data - s->p.headroom == s->room);
}

/* Actions that move headers parse again; a MODIFY of a port or type leaves the layers as they were. */
static void
check_vector(const struct subject *s, bool moved)
{
	struct sim_phv fresh = s->phv;
	struct sim_offsets off;
	const bool l3 = s->p.len > 0 && !(s->phv.layers[0] & SIM_L_ETH);

	check_offsets(s);
	if (!moved)
		return;
	sim_parse(s->p.data, s->p.len, s->p.frame_len,
			SIM_PARSE_INTEGRITY | (l3 && s->phv.layers[0] ? SIM_PARSE_L3 : 0), &fresh,
			&off);
	memcpy(fresh.integrity, s->phv.integrity, sizeof(fresh.integrity));
	REQUIRE(memcmp(&fresh, &s->phv, sizeof(fresh)) == 0);
	REQUIRE(memcmp(&off, &s->off, sizeof(off)) == 0);
}

static void
act(struct subject *s, const struct sim_action *a)
{
	const struct subject before = *s;
	const size_t all = (size_t)s->p.headroom + s->p.len;
	uint8_t *bytes = malloc(all + 1);
	int rc;

	REQUIRE(bytes != NULL);
	memcpy(bytes, s->room, all);
	rc = sim_action_bytes(&s->p, &s->phv, &s->off, a);
	if (rc != 0) {
		REQUIRE(memcmp(&before, s, sizeof(before)) == 0);
		REQUIRE(memcmp(bytes + s->p.headroom, s->p.data, s->p.len) == 0);
	} else {
		REQUIRE((size_t)s->p.headroom + s->p.len == all);
		check_vector(s, a->type != SIM_A_MODIFY && a->type != SIM_A_MAC_SWAP);
	}
	free(bytes);
}

static void
one_action(struct subject *s, const uint8_t *b)
{
	static const uint8_t types[] = { SIM_A_MODIFY, SIM_A_MODIFY, SIM_A_MODIFY, SIM_A_MAC_SWAP,
		SIM_A_VLAN_POP, SIM_A_VLAN_PUSH, SIM_A_ENCAP, SIM_A_DECAP, SIM_A_STRIP,
		SIM_A_DROP };
	static const uint32_t tpids[] = { 0x8100, 0x88a8, 0x9100, 0x0800 };
	struct sim_action a = { .type = types[b[0] % sizeof(types)], .flags = b[1] };
	struct sim_modify m = { .op = b[2] & 3,
		.dst = b[3],
		.dst_level = b[4] & 1,
		.dst_index = b[4] >> 1,
		.src = b[5],
		.src_level = b[6] & 1,
		.src_index = b[6] >> 1,
		.dst_bit = b[7],
		.src_bit = b[8],
		.bits = b[9] };
	uint8_t encap[SIM_ENCAP_MAX];

	memcpy(m.value, b + 8, sizeof(m.value));
	/* Most of the time, all of the field. */
	if (b[2] & 0x80) {
		m.bits = (uint16_t)sim_field_bits(m.dst);
		m.dst_bit = m.src_bit = 0;
	}
	switch (a.type) {
	case SIM_A_MODIFY:
		a.modify = &m;
		break;
	case SIM_A_VLAN_PUSH:
		a.u32 = tpids[b[2] % 4];
		break;
	case SIM_A_ENCAP:
		/* Out of the packet itself, where fuzzers find headers. */
		a.len = (uint16_t)(b[2] % (SIM_ENCAP_MAX + 2));
		memset(encap, b[3], sizeof(encap));
		if (b[4] < s->p.len)
			memcpy(encap, s->p.data + b[4],
					s->p.len - b[4] < SIM_ENCAP_MAX ? s->p.len - b[4]
									: SIM_ENCAP_MAX);
		a.data = encap;
		break;
	case SIM_A_STRIP:
		a.u32 = b[2] & 1 ? s->off.l3[b[3] & 1] : b[3];
		break;
	default:
		break;
	}
	act(s, &a);
}

static void
others(const struct subject *s, const uint8_t *b)
{
	struct sim_rss rss = { .fields = (uint32_t)b[0] << 8 | b[1],
		.level = b[2] & 1,
		.simple_xor = b[2] & 2,
		.symmetric = b[2] & 4 };
	struct sim_ct ct = { .enable = true, .selective_ack = b[3] & 1, .phase = b[3] >> 5 };
	bool hashed;

	sim_rss_hash(&rss, &s->phv, &hashed);
	for (uint32_t i = 0; i < 2; i++)
		if (s->phv.layers[i] & SIM_L_TCP)
			sim_ct_track(&ct, b[3] & 2, s->p.data + s->off.l4[i],
					(uint16_t)(s->p.len - s->off.l4[i]), 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint32_t n = size > 0 ? data[0] % (ACTIONS_MAX + 1) : 0;
	const uint8_t *actions = data + 1;
	struct subject s;
	size_t hidden, len;

	if (size < 3 + n * ACTION)
		return 0;
	data += 1 + n * ACTION;
	size -= 1 + n * ACTION;
	hidden = data[0] & 1 ? data[1] : 0;
	data += 2;
	size -= 2;
	if (size > SIM_FRAME_MAX)
		size = SIM_FRAME_MAX;
	len = size > hidden ? size - hidden : 0;

	memset(&s, 0, sizeof(s));
	s.room = malloc(HEADROOM + len);
	REQUIRE(s.room != NULL);
	memset(s.room, 0, HEADROOM);
	if (len > 0)
		memcpy(s.room + HEADROOM, data, len);
	s.p = (struct sim_pkt){ .data = s.room + HEADROOM,
		.len = (uint16_t)len,
		.headroom = HEADROOM,
		.frame_len = (uint32_t)size };
	sim_parse(s.p.data, s.p.len, s.p.frame_len, n & 1 ? SIM_PARSE_INTEGRITY : 0, &s.phv,
			&s.off);
	check_offsets(&s);
	for (uint32_t i = 0; i < n; i++) {
		one_action(&s, actions + i * ACTION);
		others(&s, actions + i * ACTION);
	}
	free(s.room);
	return 0;
}
