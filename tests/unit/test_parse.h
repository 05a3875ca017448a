/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for the parser's tests: good ones of every kind, to be damaged, and mbufs to parse them
 * from. An mbuf's segments are allocations of exactly their size, so that a sanitizer sees every
 * read beyond them.
 *
 * Offsets: Ethernet 0, IP 14, transport 34 (IPv4) or 54 (IPv6).
 */
#ifndef TESTS_UNIT_TEST_PARSE_H
#define TESTS_UNIT_TEST_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "parse.h"

#define FRAME_MAX 2048
#define IP_OFF 14
#define IP4_L4 34
#define IP6_L4 54
#define PAYLOAD 16 /* bytes, of every good frame */

enum frame_kind {
	ARP,
	TCP4,
	UDP4,
	LITE4,
	SCTP4,
	ECHO4,
	UNREACH4,
	GRE4,
	OTHER4,
	TCP6,
	UDP6,
	LITE6,
	SCTP6,
	ECHO6,
	UNREACH6,
	NS6,
	OTHER6,
	FRAME_KINDS
};

struct frame {
	uint32_t len;
	uint8_t b[FRAME_MAX];
};

/* The station that the frames are for. */
#define TEST_MAC \
	{ \
		{ \
			0x02, 0, 0, 0, 0, 0x01 \
		} \
	}

void
frame_make(struct frame *f, enum frame_kind kind);

/* Insert n bytes at `at`, which is behind the IP header: its length field grows with it. */
void
frame_insert(struct frame *f, uint32_t at, const void *bytes, uint32_t n);

static inline void
frame_put16(struct frame *f, uint32_t at, uint16_t v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

/* Set the checksum of the IPv4 header at `ip`. */
void
frame_seal_ip4(struct frame *f, uint32_t ip);

/*
 * Set the transport checksum, by a plain computation of its own. `l4`: offset, `cksum`: of the
 * field in the frame.
 */
void
frame_seal_l4(struct frame *f, uint32_t l4, uint8_t proto, uint32_t cksum);

/*
 * An mbuf chain over a copy of the frame: segment lengths from `cut` (0-terminated; the last takes
 * the rest).
 */
struct rte_mbuf *
mbuf_make(const struct frame *f, const uint16_t *cut);
void
mbuf_free(struct rte_mbuf *m);

#endif /* TESTS_UNIT_TEST_PARSE_H */
