/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash (Aumasson & Bernstein, INDOCRYPT 2012): a keyed hash of short inputs. Who does not know the key cannot make
 * inputs that collide, so it is safe where CRC32C is only fast. SipHash-1-3 is what hash tables take, with a margin
 * that is thought to be enough for them; 2-4 is what the paper proposes for authentication.
 *
 * Any lcore; pure functions. Words are taken as they lie in memory of a little-endian machine.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))

/* One SipRound. A macro, for words and for vectors of them: siphash_isa.c. */
#define SIPHASH_ROUND(v0, v1, v2, v3) \
	do { \
		v0 += v1; \
		v2 += v3; \
		v1 = SIPHASH_ROTATE(v1, 13) ^ v0; \
		v3 = SIPHASH_ROTATE(v3, 16) ^ v2; \
		v0 = SIPHASH_ROTATE(v0, 32); \
		v2 += v1; \
		v0 += v3; \
		v1 = SIPHASH_ROTATE(v1, 17) ^ v2; \
		v3 = SIPHASH_ROTATE(v3, 21) ^ v0; \
		v2 = SIPHASH_ROTATE(v2, 32); \
	} while (0)

#define SIPHASH_INIT0 UINT64_C(0x736f6d6570736575)
#define SIPHASH_INIT1 UINT64_C(0x646f72616e646f6d)
#define SIPHASH_INIT2 UINT64_C(0x6c7967656e657261)
#define SIPHASH_INIT3 UINT64_C(0x7465646279746573)

/* SipHash-1-3 of two words and `last`: the bytes that are left, and the length of all of it in the highest one. */
static inline uint64_t
siphash13_tail(const uint64_t key[2], uint64_t first, uint64_t second, uint64_t last)
{
	uint64_t v0 = key[0] ^ SIPHASH_INIT0, v1 = key[1] ^ SIPHASH_INIT1;
	uint64_t v2 = key[0] ^ SIPHASH_INIT2, v3 = key[1] ^ SIPHASH_INIT3 ^ first;

	SIPHASH_ROUND(v0, v1, v2, v3);
	v0 ^= first;
	v3 ^= second;
	SIPHASH_ROUND(v0, v1, v2, v3);
	v0 ^= second;
	v3 ^= last;
	SIPHASH_ROUND(v0, v1, v2, v3);
	v0 ^= last;
	v2 ^= 0xff;
	for (unsigned int i = 0; i < 3; i++)
		SIPHASH_ROUND(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

/* SipHash-1-3 of 16 bytes. */
static inline uint64_t
siphash13_words(const uint64_t key[2], uint64_t first, uint64_t second)
{
	return siphash13_tail(key, first, second, UINT64_C(16) << 56);
}

struct siphash_rounds {
	unsigned int block; /* a word of the message */
	unsigned int last;
};

/* Of anything, with any number of rounds; slow. */
uint64_t
siphash(const uint64_t key[2], const void *data, size_t len, struct siphash_rounds rounds);

/* Low halves of SipHash-1-3 of n inputs of 16 bytes: out[i] of word[2 * i] and word[2 * i + 1]. */
typedef void
siphash_many_fn(const uint64_t key[2], const uint64_t *word, uint32_t *out, unsigned int n);

/* The fastest that this CPU can do. */
siphash_many_fn *
siphash13_many_best(void);

#endif /* BASE_SIPHASH_H */
