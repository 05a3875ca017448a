/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pcapng reader: walks the blocks of a file once and indexes its packets. Written against
 * draft-ietf-opsawg-pcapng (sections below are its), because libpcap neither tells the interfaces
 * apart nor takes files whose interfaces have different link types.
 *
 * Called by capture_open(). Believes no length: a block must lie within the file, a packet or
 * option within its block.
 */
#include <errno.h>

#include "capture_priv.h"

/* Block types, section 11.1. */
#define BLOCK_SECTION 0x0a0d0d0au /* the same in both byte orders */
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 2u /* obsolete, appendix A */
#define BLOCK_SIMPLE 3u
#define BLOCK_ENHANCED 6u

#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPTION_END 0
#define OPTION_IF_NAME 2
#define OPTION_IF_TSRESOL 9
#define OPTION_IF_TSOFFSET 14

#define BLOCK_OVERHEAD 12 /* type, length, length again */

struct block {
	uint64_t offset; /* in the file */
	uint32_t type;
	uint32_t len;  /* of all */
	uint64_t body; /* offset in the file */
	uint32_t body_len;
};

struct section {
	uint32_t first;	  /* its interface 0, counted over the whole file */
	uint64_t last_ns; /* simple packets have no time: that of the packet before */
};

/* Section 4.1: it says the byte order that its own length is already in. */
static int
start_section(struct capture *c, struct section *s, uint64_t offset)
{
	uint32_t magic;

	if (c->size - offset < BLOCK_OVERHEAD + 16)
		return capture_broken(c, offset, "truncated section header");
	c->swap = false;
	magic = capture_u32(c, offset + 8);
	if (magic == rte_bswap32(BYTE_ORDER_MAGIC))
		c->swap = true;
	else if (magic != BYTE_ORDER_MAGIC)
		return capture_broken(c, offset, "section header without byte-order magic");
	if (capture_u16(c, offset + 12) != 1)
		return capture_broken(c, offset, "pcapng version is not 1");
	s->first = c->n_interfaces;
	return 0;
}

static int
read_block(struct capture *c, struct section *s, uint64_t offset, struct block *b)
{
	int rc;

	if (c->size - offset < BLOCK_OVERHEAD)
		return capture_broken(c, offset, "truncated block header");
	if (capture_u32(c, offset) == BLOCK_SECTION) {
		rc = start_section(c, s, offset);
		if (rc != 0)
			return rc;
	}
	b->offset = offset;
	b->type = capture_u32(c, offset);
	b->len = capture_u32(c, offset + 4);
	if (b->len < BLOCK_OVERHEAD || b->len % 4 != 0)
		return capture_broken(c, offset, "impossible block length");
	if (b->len > c->size - offset)
		return capture_broken(c, offset, "truncated block");
	if (capture_u32(c, offset + b->len - 4) != b->len)
		return capture_broken(c, offset, "the two lengths of a block differ");
	b->body = offset + 8;
	b->body_len = b->len - BLOCK_OVERHEAD;
	return 0;
}

static void
take_option(struct capture *c, uint32_t interface, uint16_t code, uint64_t at, uint16_t len)
{
	struct capture_interface *i = &c->interface[interface];
	struct capture_clock *clock = &c->clock[interface];
	uint32_t n;

	switch (code) {
	case OPTION_IF_NAME:
		n = len < CAPTURE_NAME_MAX - 1 ? len : CAPTURE_NAME_MAX - 1;
		memcpy(i->name, c->bytes + at, n);
		i->name[n] = '\0';
		break;
	case OPTION_IF_TSRESOL:
		if (len >= 1)
			clock->resolution = c->bytes[at];
		break;
	case OPTION_IF_TSOFFSET:
		if (len >= 8) {
			uint64_t low = capture_u32(c, at + (c->swap ? 4 : 0));
			uint64_t high = capture_u32(c, at + (c->swap ? 0 : 4));

			if (RTE_BYTE_ORDER == RTE_BIG_ENDIAN) {
				uint64_t other = low;

				low = high;
				high = other;
			}
			clock->offset = (int64_t)(high << 32 | low);
		}
		break;
	}
}

/* Section 4.2. */
static int
add_interface(struct capture *c, const struct block *b)
{
	uint64_t at = b->body + 8, end = b->body + b->body_len;
	uint32_t interface = c->n_interfaces;
	int rc;

	if (b->body_len < 8)
		return capture_broken(c, b->offset, "interface description is too short");
	rc = capture_add_interface(c, capture_u16(c, b->body), capture_u32(c, b->body + 4));
	if (rc == -ENOSPC)
		return capture_broken(c, b->offset, "too many interfaces");
	if (rc != 0)
		return rc;
	while (end - at >= 4) {
		uint16_t code = capture_u16(c, at), len = capture_u16(c, at + 2);
		uint32_t padded = RTE_ALIGN_CEIL((uint32_t)len, 4);

		at += 4;
		if (code == OPTION_END)
			break;
		if (padded > end - at)
			return capture_broken(c, b->offset, "option runs past its block");
		take_option(c, interface, code, at, len);
		at += padded;
	}
	return 0;
}

/* A packet whose data begins `head` bytes into the block's body. */
static int
add_packet(struct capture *c, struct section *s, const struct block *b, uint32_t head,
		struct capture_record *r)
{
	if (r->caplen > b->body_len - head)
		return capture_broken(c, b->offset, "packet runs past its block");
	r->offset = b->body + head;
	s->last_ns = r->ns;
	return capture_add_packet(c, r);
}

/* Section 4.3, and appendix A: the same but for the first four bytes. */
static int
add_enhanced(struct capture *c, struct section *s, const struct block *b)
{
	uint32_t id;
	struct capture_record r;

	if (b->body_len < 20)
		return capture_broken(c, b->offset, "packet block is too short");
	id = b->type == BLOCK_PACKET ? capture_u16(c, b->body) : capture_u32(c, b->body);
	if (id >= c->n_interfaces - s->first)
		return capture_broken(
				c, b->offset, "packet of an interface that was not described");
	r.interface = s->first + id;
	r.ns = capture_ns(&c->clock[r.interface],
			(uint64_t)capture_u32(c, b->body + 4) << 32 | capture_u32(c, b->body + 8));
	r.caplen = capture_u32(c, b->body + 12);
	r.len = capture_u32(c, b->body + 16);
	return add_packet(c, s, b, 20, &r);
}

/* Section 4.4: as much of it as snaplen allows is there. */
static int
add_simple(struct capture *c, struct section *s, const struct block *b)
{
	struct capture_record r = { .ns = s->last_ns, .interface = s->first };
	uint32_t snaplen;

	if (b->body_len < 4)
		return capture_broken(c, b->offset, "packet block is too short");
	if (s->first == c->n_interfaces)
		return capture_broken(
				c, b->offset, "packet of an interface that was not described");
	snaplen = c->interface[s->first].snaplen;
	r.len = capture_u32(c, b->body);
	r.caplen = snaplen != 0 && snaplen < r.len ? snaplen : r.len;
	return add_packet(c, s, b, 4, &r);
}

int
capture_scan_pcapng(struct capture *c)
{
	struct section s = { 0 };
	struct block b = { 0 };
	uint64_t offset;
	int rc = 0;

	for (offset = 0; offset < c->size && rc == 0; offset += b.len) {
		rc = read_block(c, &s, offset, &b);
		if (rc != 0)
			break;
		switch (b.type) {
		case BLOCK_INTERFACE:
			rc = add_interface(c, &b);
			break;
		case BLOCK_ENHANCED:
		case BLOCK_PACKET:
			rc = add_enhanced(c, &s, &b);
			break;
		case BLOCK_SIMPLE:
			rc = add_simple(c, &s, &b);
			break;
		default: /* name resolution, statistics, secrets, custom: nothing to replay */
			break;
		}
	}
	return rc;
}
