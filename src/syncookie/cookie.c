/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making and checking cookies: cookie.h. 29 bits of hash over 3 bits that choose the MSS.
 *
 * A guessed ACK is right with 2 (counter values) * 2 (sequence numbers) / 2^29: a flood of a million a second opens one
 * connection in two minutes, and that one belongs to the address that the guess was made for.
 */
#include <rte_tcp.h>

#include "base/siphash.h"
#include "syncookie/cookie.h"

#define MSS_BITS 3
#define HASH_MASK (UINT32_MAX >> MSS_BITS)

/*
 * What is common: the smallest that hosts must take (RFC 9293, 3.7.1), IPv6's smallest MTU, tunnels, PPPoE, Ethernet,
 * jumbo frames. Rounded down, so that the server never sends more than the client said.
 */
static const uint16_t mss_table[1 << MSS_BITS] = { 64, 536, 1220, 1300, 1380, 1440, 1460, 8940 };

/* Low bits of the timestamp: the scale, 15 = none, and SACK. It counts milliseconds otherwise. */
#define TS_SCALE 0x0fu
#define TS_NO_SCALE 0x0fu
#define TS_SACK 0x10u
#define TS_MASK 0x1fu

static uint32_t
mss_index(uint16_t mss, uint8_t family)
{
	uint32_t i = (1 << MSS_BITS) - 1;

	if (mss == 0)
		mss = family == 4 ? 536 : 1220;
	while (i > 0 && mss_table[i] > mss)
		i--;
	return i;
}

uint16_t
cookie_mss(uint16_t mss, uint8_t family)
{
	return mss_table[mss_index(mss, family)];
}

static uint32_t
counter_at(uint64_t now)
{
	return (uint32_t)(now / COOKIE_PERIOD_NS);
}

/* All that is agreed on: an answer to other options, or with other ones, is no answer. */
static uint32_t
hash(const uint64_t key[2], const struct flow_tuple *t, uint32_t isn, uint32_t counter,
		uint32_t agreed)
{
	const size_t len = t->key.family == 4 ? 4 : 16;
	struct {
		uint32_t isn, counter, agreed;
		rte_be16_t sport, dport;
		uint8_t addresses[32];
	} in = { isn, counter, agreed, t->key.sport, t->key.dport, { 0 } };

	memcpy(in.addresses, t->src.b, len);
	memcpy(in.addresses + len, t->dst.b, len);
	return (uint32_t)siphash(key, &in, offsetof(__typeof__(in), addresses) + 2 * len,
			       (struct siphash_rounds){ 2, 4 }) &
			HASH_MASK;
}

static uint32_t
agreed(uint32_t mss, const struct cookie_options *o, uint32_t bits)
{
	return mss | bits << 8 | (uint32_t)o->timestamps << 16;
}

uint32_t
cookie_make(const uint64_t key[2], const struct flow_tuple *t, uint32_t isn, uint64_t now,
		struct cookie_options *offered)
{
	const uint32_t mss = mss_index(offered->mss, t->key.family);
	uint32_t bits = TS_NO_SCALE;

	if (offered->timestamps) {
		bits = (offered->scaling ? offered->scale : TS_NO_SCALE) |
				(offered->sack ? TS_SACK : 0);
		offered->tsecr = offered->tsval;
		offered->tsval = ((uint32_t)(now / 1000000) & ~TS_MASK) | bits;
	} else {
		offered->scaling = offered->sack = false;
	}
	offered->mss = mss_table[mss];
	return hash(key, t, isn, counter_at(now), agreed(mss, offered, bits)) << MSS_BITS | mss;
}

static uint32_t
get32(const uint8_t *p)
{
	rte_be32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

bool
cookie_check(const uint64_t key[2], const struct flow_tuple *t, const uint8_t *tcp, size_t len,
		uint64_t now, struct cookie_ack *out)
{
	uint32_t mss, bits, what;

	if (len < sizeof(struct rte_tcp_hdr))
		return false;
	out->cookie = get32(tcp + 8) - 1;
	out->window = (uint16_t)(tcp[14] << 8 | tcp[15]);
	cookie_options_read(tcp + sizeof(struct rte_tcp_hdr), len - sizeof(struct rte_tcp_hdr),
			&out->options);
	mss = out->cookie & ((1 << MSS_BITS) - 1);
	bits = out->options.timestamps ? out->options.tsecr & TS_MASK : TS_NO_SCALE;
	what = agreed(mss, &out->options, bits);
	out->options.mss = mss_table[mss];
	out->options.sack = bits & TS_SACK;
	out->options.scaling = (bits & TS_SCALE) != TS_NO_SCALE;
	out->options.scale = out->options.scaling ? bits & TS_SCALE : 0;
	for (uint32_t probe = 0; probe < 2; probe++)
		for (uint32_t age = 0; age < 2; age++) {
			out->isn = get32(tcp + 4) - 1 + probe;
			if (hash(key, t, out->isn, counter_at(now) - age, what) ==
					out->cookie >> MSS_BITS)
				return true;
		}
	return false;
}
