/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keyed hashes of a burst, apart from parsing: digests of the IPv6 addresses first, then hashes of
 * the keys. Worker lcores, from parse_burst() when the configuration asks for SipHash, or when
 * keys are not complete before a packet is parsed (parse_key.c).
 */
#include "parse.h"

#include "parse_priv.h"

static void
digest_addresses(struct pkt_burst *b, const struct flow_hasher *h)
{
	uint64_t addr[2 * PKT_BURST_MAX][2];
	uint32_t digest[2 * PKT_BURST_MAX];
	uint8_t who[PKT_BURST_MAX];
	unsigned int i, n = 0;

	for (i = 0; i < b->n; i++) {
		if (b->key[i].family != 6)
			continue;
		/* Headers of a packet with a key lie in its first segment: RFC 8200, 3. */
		memcpy(addr[2 * n],
				rte_pktmbuf_mtod_offset(
						b->mbuf[i], const void *, b->info[i].l3_off + 8),
				2 * sizeof(addr[0]));
		who[n++] = (uint8_t)i;
	}
	if (n == 0)
		return;
	h->many(h->key, addr[0], digest, 2 * n);
	for (i = 0; i < n; i++) {
		b->key[who[i]].src = digest[2 * i];
		b->key[who[i]].dst = digest[2 * i + 1];
	}
}

/* CRC32C, a packet at a time: nothing to wait for. */
static void
hash_crc(struct pkt_burst *b, const struct flow_hasher *h)
{
	for (unsigned int i = 0; i < b->n; i++) {
		struct flow_key *key = &b->key[i];
		const uint8_t *addr;

		if (key->family == 6) {
			addr = rte_pktmbuf_mtod_offset(
					b->mbuf[i], const uint8_t *, b->info[i].l3_off + 8);
			key->src = flow_digest6(addr, h->seed);
			key->dst = flow_digest6(addr + 16, h->seed);
		}
		b->hash[i] = key->family != 0 ? flow_hash(key, h->seed) : 0;
	}
}

void
parse_hash(struct pkt_burst *b, const struct flow_hasher *h)
{
	unsigned int i, six = 0, none = 0;

	if (h->kind == FLOW_HASH_CRC32C) {
		hash_crc(b, h);
		return;
	}
	for (i = 0; i < b->n; i++) {
		six += b->key[i].family == 6;
		none += b->key[i].family == 0;
	}
	if (six != 0)
		digest_addresses(b, h);
	h->many(h->key, b->key[0].w, b->hash, b->n);
	for (i = 0; none != 0 && i < b->n; i++) {
		if (b->key[i].family == 0)
			b->hash[i] = 0;
	}
}
