/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive side scaling: what of a packet is hashed, and the hash. Called by steering and by ports for packets that no rule
 * steered. Pure functions of the vector.
 */
#include "hwsim/core/steer.h"

#include "sim_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Two IPv6 addresses and two ports: as much as a key of 40 bytes can hash, which needs 4 more than it hashes. */
#define INPUT_MAX 36

struct input {
	uint8_t bytes[INPUT_MAX];
	uint32_t n;
};

/* A pair of n bytes each, source first; with `only` a half of it. */
static void
add_pair(struct input *in, const struct sim_rss *rss, const uint8_t *pair, uint32_t n,
		const uint32_t only[2])
{
	const bool src = (rss->fields & only[0]) != 0;
	const bool dst = (rss->fields & only[1]) != 0;

	if (src != dst) {
		memcpy(in->bytes + in->n, src ? pair : pair + n, n);
		in->n += n;
	} else {
		const bool swap = rss->symmetric && memcmp(pair, pair + n, n) > 0;

		memcpy(in->bytes + in->n, swap ? pair + n : pair, n);
		memcpy(in->bytes + in->n + n, swap ? pair : pair + n, n);
		in->n += 2 * n;
	}
}

/* What may be asked for of a packet: of its addresses, or of its ports or SPI, with which the addresses come. */
struct offer {
	uint32_t l3, l4;
};

static struct offer
offer_of(uint32_t layers)
{
	const bool v4 = (layers & SIM_L_IPV4) != 0;
	const uint32_t l3 = v4 ? SIM_RSS_IPV4 : SIM_RSS_IPV6;

	if (layers & SIM_L_FRAG)
		return (struct offer){ .l3 = v4 ? SIM_RSS_FRAG4 : SIM_RSS_FRAG6 };
	if (layers & SIM_L_TCP)
		return (struct offer){ l3, v4 ? SIM_RSS_TCP4 : SIM_RSS_TCP6 };
	if (layers & SIM_L_UDP)
		return (struct offer){ l3, v4 ? SIM_RSS_UDP4 : SIM_RSS_UDP6 };
	if (layers & SIM_L_SCTP)
		return (struct offer){ l3, v4 ? SIM_RSS_SCTP4 : SIM_RSS_SCTP6 };
	return (struct offer){ l3 | (v4 ? SIM_RSS_OTHER4 : SIM_RSS_OTHER6),
		layers & SIM_L_ESP ? SIM_RSS_ESP : 0 };
}

static void
add_l3(struct input *in, const struct sim_rss *rss, uint32_t layers, const struct sim_level *lv)
{
	static const uint32_t l3_only[2] = { SIM_RSS_L3_SRC_ONLY, SIM_RSS_L3_DST_ONLY };
	static const uint32_t l4_only[2] = { SIM_RSS_L4_SRC_ONLY, SIM_RSS_L4_DST_ONLY };
	const struct offer offer = offer_of(layers);
	const uint32_t l4 = rss->fields & offer.l4;

	if (!(rss->fields & offer.l3) && !l4)
		return;
	if (layers & SIM_L_IPV4)
		add_pair(in, rss, lv->ip + SIM_IP4_AT + 12, 4, l3_only);
	else
		add_pair(in, rss, lv->ip + 8, 16, l3_only);
	if (l4 & SIM_RSS_ESP) {
		memcpy(in->bytes + in->n, lv->l4, 4);
		in->n += 4;
	} else if (l4) {
		add_pair(in, rss, lv->l4, 2, l4_only);
	}
}

static void
add_l2(struct input *in, const struct sim_rss *rss, uint32_t layers, const struct sim_level *lv)
{
	static const uint32_t both[2] = { 0, 0 };
	uint8_t macs[12];

	if ((rss->fields & SIM_RSS_ETH) && (layers & SIM_L_ETH)) {
		memcpy(macs, lv->eth + 6, 6);
		memcpy(macs + 6, lv->eth, 6);
		add_pair(in, rss, macs, 6, both);
	}
	if ((rss->fields & SIM_RSS_VLAN) && (layers & SIM_L_VLAN)) {
		sim_put16(in->bytes + in->n, sim_get16(lv->vlan) & 0xfff);
		in->n += 2;
	}
}

static uint32_t
simple_xor(const struct input *in)
{
	uint32_t h = 0;

	for (uint32_t i = 0; i < in->n; i += 4)
		h ^= sim_get32(in->bytes + i);
	return h;
}

#if defined(__x86_64__)
static inline uint32_t
reversed(uint32_t v)
{
	v = __builtin_bswap32(v);
	v = (v & 0x0f0f0f0fu) << 4 | (v >> 4 & 0x0f0f0f0fu);
	v = (v & 0x33333333u) << 2 | (v >> 2 & 0x33333333u);
	return (v & 0x55555555u) << 1 | (v >> 1 & 0x55555555u);
}

/*
 * Four bytes at a time: bit i of the input takes the key from bit i on, and the sum of shifted keys is the product without
 * carries of the key and the input whose bits are turned round. Returns the bytes that are done.
 */
static __attribute__((target("pclmul"))) uint32_t
toeplitz_words(const uint8_t *key, const uint8_t *data, uint32_t len, uint32_t *hash)
{
	uint32_t i;

	for (i = 0; i + 4 <= len; i += 4) {
		const uint64_t k = (uint64_t)sim_get32(key + i) << 32 | sim_get32(key + i + 4);
		const __m128i p = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)k),
				_mm_cvtsi64_si128(reversed(sim_get32(data + i))), 0);

		*hash ^= (uint32_t)((uint64_t)_mm_cvtsi128_si64(p) >> 32);
	}
	return i;
}
#endif

uint32_t
sim_toeplitz(const uint8_t key[SIM_RSS_KEY], const uint8_t *data, uint32_t len)
{
	uint32_t hash = 0;
	uint32_t i = 0;

	if (len > INPUT_MAX)
		len = INPUT_MAX;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("pclmul"))
		i = toeplitz_words(key, data, len, &hash);
#endif
	for (; i < len; i++) {
		/* Bits 39..0 of the key that the eight bits of this byte choose from. */
		const uint64_t window = (uint64_t)sim_get32(key + i) << 8 | key[i + 4];

		for (uint32_t bit = 0; bit < 8; bit++)
			hash ^= (uint32_t)(window >> (8 - bit)) &
					-(uint32_t)(data[i] >> (7 - bit) & 1);
	}
	return hash;
}

uint32_t
sim_rss_hash(const struct sim_rss *rss, const struct sim_phv *phv, bool *hashed)
{
	const uint32_t level = rss->level != 0 && phv->layers[1] != 0;
	const uint32_t layers = phv->layers[level];
	struct input in = { .n = 0 };

	if (layers & SIM_L_IP)
		add_l3(&in, rss, layers, &phv->level[level]);
	if (in.n == 0)
		add_l2(&in, rss, layers, &phv->level[level]);
	*hashed = in.n != 0;
	if (in.n == 0)
		return 0;
	return rss->simple_xor ? simple_xor(&in) : sim_toeplitz(rss->key, in.bytes, in.n);
}
