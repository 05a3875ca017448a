/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures built in memory, for the tests of the reader: classic pcap and pcapng, in either byte
 * order, packet by packet and block by block. Writes what it is told to: nothing here is checked
 * against anything.
 */
#ifndef TESTS_UNIT_CAPTURE_FILE_H
#define TESTS_UNIT_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

struct file {
	bool big;
	size_t len;
	uint8_t b[4096];
};

static inline void
put16(struct file *f, uint16_t v)
{
	v = f->big ? rte_cpu_to_be_16(v) : rte_cpu_to_le_16(v);
	memcpy(f->b + f->len, &v, 2);
	f->len += 2;
}

static inline void
put32(struct file *f, uint32_t v)
{
	v = f->big ? rte_cpu_to_be_32(v) : rte_cpu_to_le_32(v);
	memcpy(f->b + f->len, &v, 4);
	f->len += 4;
}

static inline void
put64(struct file *f, uint64_t v)
{
	v = f->big ? rte_cpu_to_be_64(v) : rte_cpu_to_le_64(v);
	memcpy(f->b + f->len, &v, 8);
	f->len += 8;
}

static inline void
put_bytes(struct file *f, const void *data, size_t len)
{
	memcpy(f->b + f->len, data, len);
	f->len += len;
	while (f->len % 4 != 0 && len > 0)
		f->b[f->len++] = 0;
}

static inline void
pcap_header(struct file *f, uint32_t magic, uint16_t minor, uint32_t link)
{
	put32(f, magic);
	put16(f, 2);
	put16(f, minor);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
}

/* Data of `len` bytes, all `fill`. */
static inline void
pcap_packet(struct file *f, uint32_t s, uint32_t fraction, uint32_t len, uint8_t fill)
{
	put32(f, s);
	put32(f, fraction);
	put32(f, len);
	put32(f, len + 1);
	memset(f->b + f->len, fill, len);
	f->len += len;
}

static inline size_t
block_start(struct file *f, uint32_t type)
{
	put32(f, type);
	put32(f, 0);
	return f->len - 8;
}

static inline void
block_end(struct file *f, size_t at)
{
	struct file len = { .big = f->big };

	put32(&len, (uint32_t)(f->len + 4 - at));
	memcpy(f->b + at + 4, len.b, 4);
	put32(f, (uint32_t)(f->len + 4 - at));
}

static inline void
section(struct file *f)
{
	size_t at = block_start(f, 0x0a0d0d0a);

	put32(f, 0x1a2b3c4d);
	put16(f, 1);
	put16(f, 0);
	put64(f, UINT64_MAX);
	block_end(f, at);
}

static inline void
interface(struct file *f, uint16_t link, uint32_t snaplen, const char *name, int resol,
		int64_t offset)
{
	size_t at = block_start(f, 1);
	uint8_t r = (uint8_t)resol;

	put16(f, link);
	put16(f, 0);
	put32(f, snaplen);
	if (name != NULL) {
		put16(f, 2);
		put16(f, (uint16_t)strlen(name));
		put_bytes(f, name, strlen(name));
	}
	if (resol >= 0) {
		put16(f, 9);
		put16(f, 1);
		put_bytes(f, &r, 1);
	}
	if (offset != 0) {
		put16(f, 14);
		put16(f, 8);
		put64(f, (uint64_t)offset);
	}
	put32(f, 0);
	block_end(f, at);
}

static inline void
enhanced(struct file *f, uint32_t id, uint64_t stamp, const char *data, uint32_t len)
{
	size_t at = block_start(f, 6);

	put32(f, id);
	put32(f, (uint32_t)(stamp >> 32));
	put32(f, (uint32_t)stamp);
	put32(f, (uint32_t)strlen(data));
	put32(f, len);
	put_bytes(f, data, strlen(data));
	block_end(f, at);
}

static inline void
obsolete(struct file *f, uint16_t id, uint64_t stamp, const char *data)
{
	size_t at = block_start(f, 2);

	put16(f, id);
	put16(f, 7); /* drops */
	put32(f, (uint32_t)(stamp >> 32));
	put32(f, (uint32_t)stamp);
	put32(f, (uint32_t)strlen(data));
	put32(f, (uint32_t)strlen(data));
	put_bytes(f, data, strlen(data));
	block_end(f, at);
}

static inline void
simple(struct file *f, uint32_t len, const char *data)
{
	size_t at = block_start(f, 3);

	put32(f, len);
	put_bytes(f, data, strlen(data));
	block_end(f, at);
}

#endif /* TESTS_UNIT_CAPTURE_FILE_H */
