/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a mask asks of the hardware: an exact table, or TCAM and how much of it. Called by steer_rule.c and steer_group.c.
 *
 * Exact tables take whole fields and prefixes of fields, in any combination, one table each. Bits of metadata, of the list of
 * headers and of TCP's flags count as fields of their own. Ranges, inversion and other bits take TCAM: a range as many
 * entries as prefixes cover it, the inversion of a rule one entry for each bit that can differ (and for its ranges those
 * that cover what is outside).
 */
#include <stddef.h>

#include "sim_priv.h"
#include "steer_priv.h"

#define LEVEL_AT(member) (offsetof(struct sim_level, member))
#define IP4 (LEVEL_AT(ip) + SIM_IP4_AT)
#define IP6 (LEVEL_AT(ip))
#define L4 (LEVEL_AT(l4))

/* A field of a level: bytes of the level that hold it, and which of their bits, up to 32, are it; 0: all of them. */
struct field {
	uint16_t at, width;
	uint32_t bits;
	uint32_t layers; /* any of them is asked for; 0: always */
};

static const struct field fields[] = {
	{ LEVEL_AT(eth), 6, 0, 0 },
	{ LEVEL_AT(eth) + 6, 6, 0, 0 },
	{ LEVEL_AT(eth) + 12, 2, 0, 0 },
	{ LEVEL_AT(vlan), 2, 0xe000, 0 },
	{ LEVEL_AT(vlan), 2, 0x1000, 0 },
	{ LEVEL_AT(vlan), 2, 0x0fff, 0 },
	{ LEVEL_AT(vlan) + 2, 2, 0, 0 },
	{ LEVEL_AT(vlan) + 4, 2, 0xe000, 0 },
	{ LEVEL_AT(vlan) + 4, 2, 0x1000, 0 },
	{ LEVEL_AT(vlan) + 4, 2, 0x0fff, 0 },
	{ LEVEL_AT(vlan) + 6, 2, 0, 0 },
	{ IP4, 1, 0xf0, SIM_L_IPV4 },
	{ IP4, 1, 0x0f, SIM_L_IPV4 },
	{ IP4 + 1, 1, 0xfc, SIM_L_IPV4 },
	{ IP4 + 1, 1, 0x03, SIM_L_IPV4 },
	{ IP4 + 2, 2, 0, SIM_L_IPV4 },
	{ IP4 + 4, 2, 0, SIM_L_IPV4 },
	{ IP4 + 6, 2, 0x8000, SIM_L_IPV4 },
	{ IP4 + 6, 2, 0x4000, SIM_L_IPV4 },
	{ IP4 + 6, 2, 0x2000, SIM_L_IPV4 },
	{ IP4 + 6, 2, 0x1fff, SIM_L_IPV4 },
	{ IP4 + 8, 1, 0, SIM_L_IPV4 },
	{ IP4 + 9, 1, 0, SIM_L_IPV4 },
	{ IP4 + 10, 2, 0, SIM_L_IPV4 },
	{ IP4 + 12, 4, 0, SIM_L_IPV4 },
	{ IP4 + 16, 4, 0, SIM_L_IPV4 },
	{ IP6, 4, 0xf0000000, SIM_L_IPV6 },
	{ IP6, 4, 0x0fc00000, SIM_L_IPV6 }, /* DSCP */
	{ IP6, 4, 0x00300000, SIM_L_IPV6 }, /* ECN */
	{ IP6, 4, 0x000fffff, SIM_L_IPV6 },
	{ IP6 + 4, 2, 0, SIM_L_IPV6 },
	{ IP6 + 6, 1, 0, SIM_L_IPV6 },
	{ IP6 + 7, 1, 0, SIM_L_IPV6 },
	{ IP6 + 8, 16, 0, SIM_L_IPV6 },
	{ IP6 + 24, 16, 0, SIM_L_IPV6 },
	{ LEVEL_AT(ip), 2, 0, SIM_L_ARP },
	{ LEVEL_AT(ip) + 2, 2, 0, SIM_L_ARP },
	{ LEVEL_AT(ip) + 6, 2, 0, SIM_L_ARP },
	{ LEVEL_AT(ip) + 8, 6, 0, SIM_L_ARP },
	{ LEVEL_AT(ip) + 14, 4, 0, SIM_L_ARP },
	{ LEVEL_AT(ip) + 18, 6, 0, SIM_L_ARP },
	{ LEVEL_AT(ip) + 24, 4, 0, SIM_L_ARP },
	{ LEVEL_AT(frag6) + 2, 2, 0xfff8, 0 },
	{ LEVEL_AT(frag6) + 2, 2, 0x0006, 0 },
	{ LEVEL_AT(frag6) + 2, 2, 0x0001, 0 },
	{ LEVEL_AT(frag6) + 4, 4, 0, 0 },
	{ L4, 2, 0, SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP },
	{ L4 + 2, 2, 0, SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP },
	{ L4, 1, 0, SIM_L_ICMP | SIM_L_ICMP6 },
	{ L4 + 1, 1, 0, SIM_L_ICMP | SIM_L_ICMP6 },
	{ L4, 4, 0, SIM_L_ESP },
	{ L4 + 4, 4, 0, SIM_L_TCP | SIM_L_SCTP | SIM_L_ESP },
	{ L4 + 8, 4, 0, SIM_L_TCP | SIM_L_SCTP },
	{ L4 + 12, 2, 0xf000, SIM_L_TCP },
	{ L4 + 14, 2, 0, SIM_L_TCP },
};

/* Bits of these are fields of their own; software keeps several numbers in one register. */
static bool
free_bits(uint32_t at)
{
	const uint32_t in_level =
			(at - (uint32_t)offsetof(struct sim_phv, level)) % sizeof(struct sim_level);

	return at < offsetof(struct sim_phv, level) ||
			(at < offsetof(struct sim_phv, tunnel) &&
					(in_level == L4 + 12 || in_level == L4 + 13)) ||
			(at >= offsetof(struct sim_phv, tunnel) &&
					at != offsetof(struct sim_phv, tunnel) + 4 &&
					at != offsetof(struct sim_phv, tunnel) + 5 &&
					at != offsetof(struct sim_phv, tunnel) + 6);
}

static bool
byte_is_prefix(uint8_t b)
{
	const uint8_t gap = (uint8_t)~b;

	return (gap & (gap + 1)) == 0;
}

/* Are the bits of `f` in `m` a prefix of it? Takes them out. */
static bool
field_prefix(const struct field *f, uint8_t *m)
{
	bool ended = false;

	for (uint32_t i = 0; i < f->width * 8u; i++) {
		const uint32_t bit = f->width * 8u - 1 - i;
		uint8_t *byte = &m[f->at + i / 8];
		const uint8_t one = (uint8_t)(0x80 >> i % 8);

		if (f->bits != 0 && (f->bits >> bit & 1) == 0)
			continue;
		if ((*byte & one) == 0)
			ended = true;
		else if (ended)
			return false;
		*byte = (uint8_t)(*byte & ~one);
	}
	return true;
}

bool
sim_shape_exact(const struct sim_match *match)
{
	struct sim_phv mask = match->mask;
	const uint8_t *bytes = (const uint8_t *)&mask;
	uint32_t layers;

	if (match->invert || match->n_ranges > 0)
		return false;
	for (uint32_t level = 0; level < 2; level++) {
		layers = mask.layers[level] & match->value.layers[level];
		for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			if ((fields[i].layers == 0 || (fields[i].layers & layers)) &&
					!field_prefix(&fields[i], (uint8_t *)&mask.level[level]))
				return false;
	}
	/* What no field above covers is judged byte by byte: reserved bytes, and headers that are not asked for. */
	for (uint32_t at = 0; at < sizeof(mask); at++)
		if (bytes[at] != 0 && !free_bits(at) && !byte_is_prefix(bytes[at]))
			return false;
	return true;
}

void
sim_shape_of(struct sim_shape *shape, const struct sim_match *match)
{
	uint64_t h = match->invert + 2ull * match->n_ranges;
	uint16_t n = 0;

	for (uint32_t i = 0; i < SIM_PHV_WORDS; i++) {
		const uint64_t mask = sim_phv_word(&match->mask, i);

		if (mask == 0)
			continue;
		shape->index[n] = (uint8_t)i;
		shape->mask[n++] = mask;
		h = sim_mix(h + i, mask);
	}
	shape->n_words = n;
	shape->n_ranges = (uint16_t)match->n_ranges;
	shape->invert = match->invert;
	memset(shape->range_at, 0, sizeof(shape->range_at));
	memset(shape->range_width, 0, sizeof(shape->range_width));
	memset(shape->range_mask, 0, sizeof(shape->range_mask));
	for (uint32_t i = 0; i < match->n_ranges; i++) {
		shape->range_at[i] = match->range[i].at;
		shape->range_width[i] = match->range[i].width;
		shape->range_mask[i] =
				match->range[i].mask != 0 ? match->range[i].mask : UINT64_MAX;
		h = sim_mix(h, (uint64_t)match->range[i].at << 16 | match->range[i].width);
		h = sim_mix(h, shape->range_mask[i]);
	}
	shape->hash = (uint32_t)(h ^ h >> 32);
}

uint64_t
sim_range_of(const struct sim_phv *phv, uint16_t at, uint16_t width)
{
	const uint8_t *p = (const uint8_t *)phv + at;
	uint64_t v = 0;
	uint16_t v16;
	uint32_t v32;

	if (at < offsetof(struct sim_phv, level) && width == 4) {
		memcpy(&v32, p, 4);
		return v32;
	}
	if (at < offsetof(struct sim_phv, level) && width == 2) {
		memcpy(&v16, p, 2);
		return v16;
	}
	for (uint32_t i = 0; i < width; i++)
		v = v << 8 | p[i];
	return v;
}

/* Prefixes that cover low..high: each time the largest aligned block that fits. */
static uint32_t
prefixes(uint64_t low, uint64_t high)
{
	uint32_t n = 0;

	for (;;) {
		uint32_t k = low == 0 ? 63 : (uint32_t)__builtin_ctzll(low);

		while (k > 0 && (1ull << k) - 1 > high - low)
			k--;
		/* low == 0 and high == 2^64 - 1 are two blocks here, and one in truth; nobody asks for it. */
		n++;
		if ((1ull << k) - 1 >= high - low)
			return n;
		low += 1ull << k;
	}
}

uint32_t
sim_shape_tcam(const struct sim_match *match)
{
	uint64_t n = match->invert ? 0 : 1;

	for (uint32_t i = 0; i < match->n_ranges; i++) {
		const struct sim_range *r = &match->range[i];
		const uint64_t all = r->width == 8 ? UINT64_MAX : (1ull << 8 * r->width) - 1,
			       max = r->mask != 0 ? r->mask & all : all;

		if (!match->invert) {
			n *= prefixes(r->low, r->high);
			continue;
		}
		n += r->low > 0 ? prefixes(0, r->low - 1) : 0;
		n += r->high < max ? prefixes(r->high + 1, max) : 0;
	}
	for (uint32_t i = 0; match->invert && i < SIM_PHV_WORDS; i++)
		n += (uint32_t)__builtin_popcountll(sim_phv_word(&match->mask, i));
	/* What can match nothing has its place in the list all the same. */
	n = n == 0 ? 1 : n;
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

uint16_t
sim_shape_headers(const struct sim_match *match)
{
	const uint32_t kinds = SIM_L_ETH | SIM_L_VLAN | SIM_L_QINQ | SIM_L_IPV4 | SIM_L_IPV6 |
			SIM_L_FRAG6 | SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP | SIM_L_ICMP |
			SIM_L_ICMP6 | SIM_L_ESP | SIM_L_ARP | SIM_L_VXLAN | SIM_L_GENEVE |
			SIM_L_GTPU | SIM_L_GRE | SIM_L_GRE_KEY;
	uint32_t n = 0;

	for (uint32_t level = 0; level < 2; level++)
		n += (uint32_t)__builtin_popcount(
				match->mask.layers[level] & match->value.layers[level] & kinds);
	return (uint16_t)n;
}

/* The bits that say which headers there are come from the parser, not from a tag of an entry. */
uint16_t
sim_shape_bytes(const struct sim_match *match)
{
	const uint8_t *mask = (const uint8_t *)&match->mask;
	uint32_t n = 0;

	for (uint32_t i = sizeof(match->mask.layers); i < sizeof(match->mask); i++)
		n += mask[i] != 0;
	for (uint32_t i = 0; i < match->n_ranges; i++)
		n += match->range[i].width;
	return (uint16_t)n;
}
