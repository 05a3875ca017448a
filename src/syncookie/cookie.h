/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies (RFC 4987, 3.6): answer a SYN without remembering it. What must be known later is in the numbers that the
 * client sends back: the first sequence number of the answer is a keyed hash of the addresses, ports, the client's own
 * number and a counter that turns every 64 seconds, with the client's MSS in its low bits; window scale and SACK are in
 * the low bits of the timestamp (RFC 7323), and hashed too. A client without timestamps is offered neither.
 *
 *   cookie.c          the number itself
 *   cookie_option.c   TCP options, to be read and to be written
 *   cookie_segment.c  segments written into packets
 *
 * Pure functions: no state, no clock, no device. Any lcore. Reads packets of strangers, whose headers the parser has
 * found to be contiguous.
 */
#ifndef SYNCOOKIE_COOKIE_H
#define SYNCOOKIE_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/flow.h"
#include "base/pkt.h"
#include "base/time.h"

/* ---- TCP options ------------------------------------------------------------------------------------------- */

struct cookie_options {
	uint16_t mss; /* 0: not said */
	bool sack;    /* permitted */
	bool scaling;
	uint8_t scale; /* 0 .. 14 */
	bool timestamps;
	uint32_t tsval, tsecr;
};

#define COOKIE_OPTIONS_MAX 20 /* bytes that are written at most */

/* Reads up to the end or the first broken option. */
void
cookie_options_read(const uint8_t *options, size_t len, struct cookie_options *out);
/* Returns bytes written: a multiple of 4. */
unsigned int
cookie_options_write(uint8_t out[COOKIE_OPTIONS_MAX], const struct cookie_options *o);

/* ---- cookies ------------------------------------------------------------------------------------------------- */

#define COOKIE_PERIOD_NS (64 * TIME_NS_PER_S)
#define COOKIE_LIFE_NS \
	(2 * COOKIE_PERIOD_NS) /* at most so long, and at least half of it, is one accepted */

/* The largest MSS that a cookie can say and that is not above this one; 0 stands for the default of the family. */
uint16_t
cookie_mss(uint16_t mss, uint8_t family);

/*
 * First sequence number of the answer to a SYN with number `isn`, tuple as it came in. *offered: what it offered; on
 * return what can be remembered of that, with tsval of the answer, and tsecr.
 */
uint32_t
cookie_make(const uint64_t key[2], const struct flow_tuple *t, uint32_t isn, uint64_t now,
		struct cookie_options *offered);

/* What an ACK says about the SYN before it. */
struct cookie_ack {
	uint32_t isn;		       /* of the client */
	uint32_t cookie;	       /* what it had been answered */
	uint16_t window;	       /* as it is in the segment */
	struct cookie_options options; /* as the SYN had them; timestamps are those of the ACK */
};

/*
 * Does this TCP header, with an ACK and `len` bytes long, answer a cookie that is not older than two turns of the
 * counter? Tuple as it came in. The number may be one less than the next one: so do probes of a closed window come.
 */
bool
cookie_check(const uint64_t key[2], const struct flow_tuple *t, const uint8_t *tcp, size_t len,
		uint64_t now, struct cookie_ack *out);

/* ---- segments ------------------------------------------------------------------------------------------------ */

struct cookie_segment {
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	struct cookie_options options;
};

/*
 * Replace the TCP segment in m, payload included, by this one; what is before it stays, but for the IP length. Keeps
 * *info right. False: no room in the buffer; m is as it was.
 */
bool
cookie_segment_put(struct rte_mbuf *m, struct pkt_info *info, const struct cookie_segment *s);

/*
 * Turn a packet round, in place: back to the station that it came from, out of the port whose address is `own`, from
 * where it was going to; with this segment. VLAN tags stay, IP options and extension headers go.
 */
bool
cookie_segment_answer(struct rte_mbuf *m, struct pkt_info *info, const struct flow_tuple *t,
		const struct rte_ether_addr *own, const struct cookie_segment *s);

/* Fill an empty mbuf: room for an Ethernet header, then IP and TCP of this tuple. *info is filled in. */
bool
cookie_segment_make(struct rte_mbuf *m, struct pkt_info *info, const struct flow_tuple *t,
		const struct cookie_segment *s);

#endif /* SYNCOOKIE_COOKIE_H */
