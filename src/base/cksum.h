/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Incremental Internet checksums, RFC 1624. A delta is the one's complement sum (new - old) of the 16-bit words
 * that change, computed once when a flow is compiled; applying it to a packet's checksum is two additions.
 * Checksum fields are worked on as they lie in memory (network order): one's complement sums do not care (RFC 1071).
 */
#ifndef BASE_CKSUM_H
#define BASE_CKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Fold a sum of 16-bit words to 16 bits. */
static inline uint16_t
cksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* delta + (new - old) over `len` bytes (even). */
uint16_t
cksum_delta(uint16_t delta, const void *old, const void *new_, size_t len);

/*
 * Checksum field value after the change: HC' = ~(~HC + delta) (RFC 1624 3, equation 3).
 *
 * Gives what a full recomputation gives, never the other zero: a sum is 0x0000 only of bytes that are all zero, which
 * no IP header or pseudo header is, so a recomputed field is never 0xffff, and neither is this one - unless the field was
 * 0xffff before (no stack writes that, but UDP's, see below) and the delta is 0: then it stays as it came.
 */
static inline uint16_t
cksum_apply(uint16_t cksum, uint16_t delta)
{
	return (uint16_t)~cksum_fold((uint32_t)(uint16_t)~cksum + delta);
}

/* The same for UDP: 0 means "no checksum" and stays; a computed 0 is sent as 0xffff (RFC 768). */
static inline uint16_t
cksum_apply_udp(uint16_t cksum, uint16_t delta)
{
	uint16_t sum;

	if (cksum == 0)
		return 0;
	sum = cksum_apply(cksum, delta);
	return sum != 0 ? sum : 0xffff;
}

/* ---- sums over bytes ---------------------------------------------------------------------------------------- */

/* Fold a sum of words of any width to 16 bits. */
static inline uint16_t
cksum_fold64(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	return cksum_fold((uint32_t)((sum & 0xffff) + (sum >> 16)));
}

/*
 * One's complement sum (RFC 1071) of len bytes, to be folded; an odd last byte counts as if a zero followed. For headers and
 * small packets, where calling a vector loop costs more than it saves.
 */
static inline uint64_t
cksum_sum_short(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = 0;
	uint32_t word, rest = 0;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	memcpy(&rest, p, len);
	return sum + rest;
}

/* The same for any length, in the widest form that this CPU has; ask for it once, at start. */
typedef uint64_t
cksum_sum_fn(const void *data, size_t len);

cksum_sum_fn *
cksum_sum_best(void);

#define CKSUM_SUM_SHORT_MAX 128 /* bytes from which on the vector loop wins; measured */

#endif /* BASE_CKSUM_H */
