/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the two readers (classic pcap, pcapng) share: the bytes of the file, in either byte order
 * and at any alignment, and the index of packets that both fill in. Replay only.
 */
#ifndef DATAPLANE_CAPTURE_PRIV_H
#define DATAPLANE_CAPTURE_PRIV_H

#include <string.h>

#include <rte_byteorder.h>

#include "capture.h"

/* A packet found: 32 bytes for a record of at least 16, so the index is at most twice the file. */
struct capture_record {
	uint64_t ns;
	uint64_t offset; /* of its data */
	uint32_t caplen;
	uint32_t len;
	uint32_t interface;
	uint32_t number;
};

/* How an interface counts time. */
struct capture_clock {
	uint8_t resolution; /* if_tsresol: 10^-n s, or with the top bit 2^-n s */
	int64_t offset;	    /* if_tsoffset: s */
};

struct capture {
	const uint8_t *bytes;
	uint64_t size;
	bool mapped; /* bytes are a mapping of this reader's */
	bool swap;   /* the byte order of what is being read is not this machine's */

	struct capture_interface *interface;
	struct capture_clock *clock; /* by interface */
	uint32_t n_interfaces;

	struct capture_record *record;
	uint64_t n_records;
	uint64_t max_records;
	uint64_t next; /* for capture_next() */
	bool sorted;

	char error[160]; /* "": the file is whole */
};

/* Offsets are checked by the caller. */
static inline uint16_t
capture_u16(const struct capture *c, uint64_t offset)
{
	uint16_t v;

	memcpy(&v, c->bytes + offset, sizeof(v));
	return c->swap ? rte_bswap16(v) : v;
}

static inline uint32_t
capture_u32(const struct capture *c, uint64_t offset)
{
	uint32_t v;

	memcpy(&v, c->bytes + offset, sizeof(v));
	return c->swap ? rte_bswap32(v) : v;
}

/* Takes name "" and the clock of microseconds. -ENOMEM, -ENOSPC. */
int
capture_add_interface(struct capture *c, uint32_t linktype, uint32_t snaplen);

/* A packet at `offset`, which the caller has checked to be in the file. */
int
capture_add_packet(struct capture *c, const struct capture_record *r);

/* The file is broken at `offset`: keep what is known so far. Returns -EBADMSG. */
int
capture_broken(struct capture *c, uint64_t offset, const char *what);

#define CAPTURE_CLOCK_US ((struct capture_clock){ .resolution = 6 })
#define CAPTURE_CLOCK_NS ((struct capture_clock){ .resolution = 9 })

/* A timestamp in its interface's units, in ns since 1970; clamped to what fits. */
uint64_t
capture_ns(const struct capture_clock *clock, uint64_t stamp);

/* Index the blocks of a pcapng file. 0, -EBADMSG (capture_broken() was called) or -ENOMEM. */
int
capture_scan_pcapng(struct capture *c);

#endif /* DATAPLANE_CAPTURE_PRIV_H */
