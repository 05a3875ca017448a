/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow: what a packet must look like (key) and what becomes of it (rewrite, next hop, queue, class). Connection
 * tracking finds flows, the session code compiles them, the worker runs them, the offload engine will translate
 * them: this header is what they agree on.
 *
 * A connection has two flows, original and reply. Flow id = connection index << 1 | direction.
 */
#ifndef BASE_FLOW_H
#define BASE_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include "base/siphash.h"
#ifdef __SSE4_2__
#include <nmmintrin.h>
#else
#include <rte_hash_crc.h>
#endif

#define FLOW_NONE UINT32_MAX /* no flow id */

enum flow_dir { FLOW_ORIGINAL = 0, FLOW_REPLY = 1 };

/*
 * 16 bytes laid out as bytes 8..23 of an IPv4 packet without options (TTL, protocol, checksum, addresses, ports),
 * so that the key of the common packet is one load, one mask and one insert.
 *
 * IPv6: src and dst are digests of the addresses, made with a secret (flow_hasher_digest6): equal keys are then only
 * candidates, and the full addresses are compared as well.
 * ICMP and ICMPv6 queries: sport is the identifier, dport is type << 8 | code. GRE with a key (RFC 2890): its upper and
 * its lower half, the same in both directions. Protocols without ports, and GRE without a key: both 0.
 *
 * FLOW_PROTO_*: pseudo protocols, with an id in place of ports (upper half, lower half), the same in both directions.
 */
struct flow_key {
	union {
		struct {
			uint8_t family; /* 4 or 6; 0 = no key */
			uint8_t proto;	/* IPPROTO_*, FLOW_PROTO_* */
			uint16_t zone;	/* host order */
			rte_be32_t src;
			rte_be32_t dst;
			rte_be16_t sport;
			rte_be16_t dport;
		};
		uint64_t w[2];
	};
} __rte_aligned(8);
_Static_assert(sizeof(struct flow_key) == 16, "the key is compared as two words");

/* What the packets of a zone are told apart by. */
enum flow_keys {
	FLOW_KEYS_5TUPLE = 0,
	FLOW_KEYS_TUNNEL,    /* tunnels by addresses, kind and id; the rest by 5-tuple */
	FLOW_KEYS_ADDRESSES, /* addresses alone */
};

/*
 * Protocols of keys that no packet has: numbers that IANA gave to nobody (251, 252), to experiments (253, 254; RFC 3692)
 * and to itself (255). Packets that carry one of these numbers all the same have FLOW_PROTO_RAW and, as the id, the number.
 */
#define FLOW_PROTO_VXLAN 251u  /* id: VNI */
#define FLOW_PROTO_GENEVE 252u /* id: VNI */
#define FLOW_PROTO_GTPU 253u   /* id: TEID */
#define FLOW_PROTO_ANY 254u    /* whatever two addresses send each other; id: 0 */
#define FLOW_PROTO_RAW 255u
#define FLOW_PROTO_PSEUDO FLOW_PROTO_VXLAN /* the first of them */

struct flow_addr {
	uint8_t b[16]; /* IPv6 address; IPv4: first 4 bytes, the rest zero. Network order */
};

/*
 * Key and addresses: what the slow path works with. `src`/`dst` are filled for both families. key.src and key.dst of
 * IPv6 are 0 here: digests are for those who know the hasher, the parser and the connection table.
 */
struct flow_tuple {
	struct flow_key key;
	struct flow_addr src;
	struct flow_addr dst;
};

/* Of IPv6 a candidate only: keys have digests of its addresses. */
static inline bool
flow_key_eq(const struct flow_key *a, const struct flow_key *b)
{
	return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1])) == 0;
}

/* CRC32C of eight bytes. Same value either way; DPDK's inline asks for the CPU's abilities every time. */
static inline uint32_t
flow_crc(uint64_t word, uint32_t crc)
{
#ifdef __SSE4_2__
	return (uint32_t)_mm_crc32_u64(crc, word);
#else
	return rte_hash_crc_8byte(word, crc);
#endif
}

/*
 * Spread what a CRC leaves: every input bit reaches the high bits (buckets) and the low ones (tags). The low
 * bits of a product have seen only the low bits of h, so its high half is folded in.
 */
static inline uint32_t
flow_mix(uint32_t h)
{
	uint64_t product = h * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(product >> 32) ^ (uint32_t)product;
}

/*
 * CRC32C of two words from `seed`, then mixed.
 *
 * A CRC is linear: two inputs that collide under one seed collide under all, and a sender can compute as many of them
 * as it likes. So the words are multiplied by a constant made of the seed first.
 */
static inline uint32_t
flow_hash_words(uint64_t first, uint64_t second, uint32_t seed)
{
	const uint64_t odd = (seed * UINT64_C(0x9e3779b97f4a7c15)) | 1;

	return flow_mix(flow_crc(second * odd, flow_crc(first * odd, seed)));
}

/* Hash of a key by CRC32C; same on every lcore and in every variant. */
static inline uint32_t
flow_hash(const struct flow_key *key, uint32_t seed)
{
	return flow_hash_words(key->w[0], key->w[1], seed);
}

/* 32-bit digest of an IPv6 address for flow_key.src/dst, by CRC32C. */
static inline uint32_t
flow_digest6(const uint8_t addr[16], uint32_t seed)
{
	uint64_t half[2];

	memcpy(half, addr, sizeof(half));
	return flow_hash_words(half[0], half[1], ~seed);
}

enum flow_hash_kind {
	FLOW_HASH_CRC32C =
			0, /* one instruction a word; a sender that learns the seed can make collisions */
	FLOW_HASH_SIPHASH, /* SipHash-1-3 with a key of 128 bits: nobody can */
};

/* How keys and addresses are hashed; the same wherever flows are looked for. Zeroed: CRC32C with seed 0. */
struct flow_hasher {
	enum flow_hash_kind kind;
	uint32_t seed;	 /* CRC32C */
	uint64_t key[2]; /* SipHash */
	siphash_many_fn *many;
};

/* Seed to SipHash's key: for replay, where runs must be the same. `secret` instead of NULL: its 16 bytes are the key. */
struct flow_hasher
flow_hasher_make(enum flow_hash_kind kind, uint32_t seed, const uint64_t secret[2]);

/* Hash of a key, as the connection table wants it. */
static inline uint32_t
flow_hasher_hash(const struct flow_hasher *h, const struct flow_key *key)
{
	if (likely(h->kind == FLOW_HASH_CRC32C))
		return flow_hash(key, h->seed);
	return (uint32_t)siphash13_words(h->key, key->w[0], key->w[1]);
}

/* What stands for an IPv6 address in a key. */
static inline uint32_t
flow_hasher_digest6(const struct flow_hasher *h, const uint8_t addr[16])
{
	uint64_t half[2];

	if (likely(h->kind == FLOW_HASH_CRC32C))
		return flow_digest6(addr, h->seed);
	memcpy(half, addr, sizeof(half));
	return (uint32_t)siphash13_words(h->key, half[0], half[1]);
}

/*
 * Hash of one endpoint (address, port), for spreading connections over workers: the external endpoint is what NAT
 * leaves alone, so both directions agree. For IPv6 pass the digest.
 */
static inline uint32_t
flow_endpoint_hash(rte_be32_t addr, rte_be16_t port)
{
	return flow_mix(flow_crc((uint64_t)addr << 16 | port, UINT32_MAX));
}

static inline bool
flow_proto_pseudo(uint8_t proto)
{
	return proto >= FLOW_PROTO_PSEUDO;
}

/* A key without ports whose packets may have some: they are no part of it, and are left alone. */
static inline bool
flow_key_bare(const struct flow_key *key)
{
	return key->proto >= FLOW_PROTO_PSEUDO && key->proto != FLOW_PROTO_RAW;
}

static inline void
flow_key_set_id(struct flow_key *key, uint8_t proto, uint32_t id)
{
	key->proto = proto;
	key->sport = rte_cpu_to_be_16((uint16_t)(id >> 16));
	key->dport = rte_cpu_to_be_16((uint16_t)id);
}

/* The id of a key with a pseudo protocol. */
static inline uint32_t
flow_key_id(const struct flow_key *key)
{
	return (uint32_t)rte_be_to_cpu_16(key->sport) << 16 | rte_be_to_cpu_16(key->dport);
}

/* The protocol that packets with this key carry in their IP header; 0: any. */
static inline uint8_t
flow_key_carries(const struct flow_key *key)
{
	if (likely(!flow_proto_pseudo(key->proto)))
		return key->proto;
	if (key->proto == FLOW_PROTO_RAW)
		return (uint8_t)flow_key_id(key);
	return key->proto == FLOW_PROTO_ANY ? 0 : 17; /* tunnels: UDP */
}

/* Protocols that have ports, in the first four bytes of their header. */
bool
flow_has_ports(uint8_t proto);

/* "tcp", NULL: it has no name here; and back, -1: there is no such name. Case does not matter. */
const char *
flow_proto_name(uint8_t proto);
int
flow_proto_number(const char *name);

/* Fill in the key's src/dst from the tuple's addresses: those of IPv4, 0 for IPv6. */
void
flow_tuple_seal(struct flow_tuple *t);

/* The key of a tuple as packets and flows have it, digests included. */
void
flow_tuple_key(const struct flow_hasher *h, const struct flow_tuple *t, struct flow_key *key);

/*
 * The tuple of the answer: addresses and ports swapped; for ICMP and ICMPv6 queries the type becomes that of the
 * reply. Returns false when the type has no answer (an ICMP type that opens no connection); *out is then undefined.
 */
bool
flow_tuple_reply(const struct flow_tuple *t, struct flow_tuple *out);

/* The tuple of the other direction, also from the answer's side: an echo reply becomes the echo request. */
bool
flow_tuple_inverse(const struct flow_tuple *t, struct flow_tuple *out);

/* "tcp 192.0.2.1:1234 -> 192.0.2.10:80" into buf; returns buf. */
#define FLOW_TUPLE_STRLEN 128
const char *
flow_tuple_str(const struct flow_tuple *t, char *buf, size_t len);

/* ------------------------------------------------------------------------------------------------------------ */

#define FLOW_F_FAST 0x01u     /* workers may run it without asking */
#define FLOW_F_COMPILED 0x02u /* rewrite, next hop, queue and class are filled in */
#define FLOW_F_NAT 0x04u      /* addresses or ports change */
#define FLOW_F_L7 0x08u	      /* class still open: the worker looks into the first data packets */
#define FLOW_F_DROP 0x10u     /* the class says drop */
#define FLOW_F_ADJUST 0x40u   /* TCP: sequence numbers are moved, as its ct_ext says */
#define FLOW_F_L7_FOUND 0x20u /* layer 7 was known when the class was decided */
#define FLOW_F_BARE 0x80u     /* its key has no ports, its packets may: flow_run_bare() */

#define FLOW_QUEUE_ANY UINT16_MAX /* no steering: the worker's own queue */
#define FLOW_NO_BACKEND UINT16_MAX

/*
 * One direction of a connection, one cache line: one look-up brings everything that a packet of an established
 * connection needs.
 *
 * Owner letters: [I] immutable after publish. [L] lent: written by the owner worker while the flow has FLOW_F_FAST, and
 * by the control lcore while a packet that the worker counts by this connection is in its hands, or the flow is not fast
 * (the worker parks every other packet of the connection meanwhile, so the two never write at once; the rings order their
 * accesses). Flags are written by control alone.
 */
struct flow {
	struct flow_key key; /* [I] as the packet arrives */

	rte_be32_t src; /* [L] as it leaves; IPv6: see ct_conn6 */
	rte_be32_t dst;
	rte_be16_t sport;
	rte_be16_t dport;
	uint16_t l3_delta; /* [L] to add to the IPv4 header checksum (RFC 1624), one's complement,
				* the TTL's decrement included */
	uint16_t l4_delta; /* [L] to add to the transport checksum, pseudo header included */

	uint16_t nexthop;  /* [L] index of the l3 next hop: port and MAC header */
	uint16_t queue;	   /* [L] output queue, or FLOW_QUEUE_ANY */
	uint16_t class_id; /* [L] class that decided */
	uint8_t flags;	   /* [L] FLOW_F_* */
	uint8_t owner;	   /* [I] worker that runs it */

	uint16_t backend;   /* [L] counter index of the service's backend, or FLOW_NO_BACKEND */
	uint16_t port_in;   /* [L] port of entry of the packet that it was compiled for */
	uint32_t last_seen; /* [L] coarse tick (time.h) of the last packet */

	uint64_t packets; /* [L] */
	uint64_t bytes;	  /* [L] IP bytes */
} __rte_cache_aligned;
_Static_assert(sizeof(struct flow) == 64, "a flow is one cache line");

#endif /* BASE_FLOW_H */
