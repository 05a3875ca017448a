/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading captures: maps the file, indexes its packets once (classic pcap here, pcapng in
 * capture_pcapng.c) and hands them out, in file order or by time. Both formats are read by hand:
 * sorting wants offsets, which libpcap hides.
 *
 * Called by replay, on the control lcore. The index makes later calls simple: they touch nothing
 * unchecked.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_priv.h"

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define MAGIC_KUZNETZOV 0xa1b2cd34u /* patched libpcap of 1999: longer record headers */
#define MAGIC_SECTION 0x0a0d0d0au

#define FILE_HEADER 24
#define RECORD_HEADER 16

/* ---- the index ---- */

int
capture_broken(struct capture *c, uint64_t offset, const char *what)
{
	snprintf(c->error, sizeof(c->error),
			"broken at byte %" PRIu64 " (after %" PRIu64 " packets): %s", offset,
			c->n_records, what);
	return -EBADMSG;
}

int
capture_add_interface(struct capture *c, uint32_t linktype, uint32_t snaplen)
{
	uint32_t n = c->n_interfaces;

	if (n == CAPTURE_INTERFACES_MAX)
		return -ENOSPC;
	if ((n & (n - 1)) == 0) { /* 0, 1, 2, 4, ...: full */
		uint32_t max = n == 0 ? 1 : 2 * n;
		struct capture_interface *interface;
		struct capture_clock *clock;

		interface = reallocarray(c->interface, max, sizeof(*interface));
		if (interface == NULL)
			return -ENOMEM;
		c->interface = interface;
		clock = reallocarray(c->clock, max, sizeof(*clock));
		if (clock == NULL)
			return -ENOMEM;
		c->clock = clock;
	}
	c->interface[n] = (struct capture_interface){ .linktype = linktype, .snaplen = snaplen };
	c->clock[n] = CAPTURE_CLOCK_US;
	c->n_interfaces++;
	return 0;
}

int
capture_add_packet(struct capture *c, const struct capture_record *r)
{
	struct capture_record *to;

	if (r->caplen > CAPTURE_PACKET_MAX)
		return capture_broken(c, r->offset, "packet is longer than any can be");
	if (c->n_records == UINT32_MAX)
		return capture_broken(c, r->offset, "too many packets");
	if (c->n_records == c->max_records) {
		uint64_t max = c->max_records == 0 ? 64 : 2 * c->max_records;

		to = reallocarray(c->record, max, sizeof(*to));
		if (to == NULL)
			return -ENOMEM;
		c->record = to;
		c->max_records = max;
	}
	to = &c->record[c->n_records];
	*to = *r;
	to->number = (uint32_t)c->n_records;
	if (to->len < to->caplen)
		to->len = to->caplen; /* sloppy writers leave it 0: the bytes are there */
	if (c->n_records > 0 && to->ns < to[-1].ns)
		c->sorted = false;
	c->n_records++;
	return 0;
}

uint64_t
capture_ns(const struct capture_clock *clock, uint64_t stamp)
{
	unsigned int n = clock->resolution & 0x7f;
	unsigned __int128 ns = (unsigned __int128)stamp * 1000000000, power = 1;
	__int128 sum;

	/* ns is below 2^94: 10^29 and 2^127 divide it to nothing, and fit. */
	if (clock->resolution & 0x80) {
		ns >>= n;
	} else {
		for (n = n < 29 ? n : 29; n > 0; n--)
			power *= 10;
		ns /= power;
	}
	sum = (__int128)ns + (__int128)clock->offset * 1000000000;
	if (sum < 0)
		return 0;
	return sum > UINT64_MAX ? UINT64_MAX : (uint64_t)sum;
}

/* ---- classic pcap: draft-ietf-opsawg-pcap ---- */

static int
pcap_record(struct capture *c, uint64_t offset, bool swapped, bool maybe_swapped,
		struct capture_record *r)
{
	uint32_t fraction;

	if (c->size - offset < RECORD_HEADER)
		return capture_broken(c, offset, "truncated packet header");
	fraction = capture_u32(c, offset + 4);
	r->ns = (uint64_t)capture_u32(c, offset) * 1000000000 + capture_ns(c->clock, fraction);
	r->caplen = capture_u32(c, offset + 8);
	r->len = capture_u32(c, offset + 12);
	if (swapped || (maybe_swapped && r->caplen > r->len)) {
		uint32_t other = r->caplen;

		r->caplen = r->len;
		r->len = other;
	}
	r->interface = 0;
	r->offset = offset + RECORD_HEADER;
	if (r->caplen > CAPTURE_PACKET_MAX)
		return capture_broken(c, offset, "packet is longer than any can be");
	if (r->caplen > c->size - r->offset)
		return capture_broken(c, offset, "truncated packet");
	return 0;
}

static int
scan_pcap(struct capture *c, uint32_t magic)
{
	struct capture_record r;
	uint16_t minor;
	uint64_t offset;
	int rc;

	if (c->size < FILE_HEADER)
		return capture_broken(c, 0, "truncated file header");
	if (capture_u16(c, 4) != 2)
		return capture_broken(c, 4, "pcap version is not 2");
	minor = capture_u16(c, 6);
	/* The upper 16 bits say whether frames end with a checksum, which IP does not notice. */
	rc = capture_add_interface(c, capture_u32(c, 20) & 0xffff, capture_u32(c, 16));
	if (rc != 0)
		return rc;
	if (magic == MAGIC_NS)
		c->clock[0] = CAPTURE_CLOCK_NS;
	for (offset = FILE_HEADER; offset < c->size; offset = r.offset + r.caplen) {
		/* Until 2.3 the two lengths were the other way round, in 2.3 in some writers. */
		rc = pcap_record(c, offset, minor < 3, minor == 3, &r);
		if (rc == 0)
			rc = capture_add_packet(c, &r);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- opening ---- */

static const char *
other_format(const struct capture *c)
{
	static const struct {
		const char *name;
		uint8_t len;
		uint8_t magic[6];
	} known[] = {
		{ "compressed with gzip; decompress it first", 2, { 0x1f, 0x8b } },
		{ "compressed with zstd; decompress it first", 4, { 0x28, 0xb5, 0x2f, 0xfd } },
		{ "compressed with lz4; decompress it first", 4, { 0x04, 0x22, 0x4d, 0x18 } },
		{ "compressed with bzip2; decompress it first", 3, { 'B', 'Z', 'h' } },
		{ "compressed with xz; decompress it first", 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
		{ "a zip archive; unpack it first", 4, { 'P', 'K', 3, 4 } },
		{ "a snoop capture; convert it with editcap first", 5,
				{ 's', 'n', 'o', 'o', 'p' } },
	};
	size_t i;

	for (i = 0; i < RTE_DIM(known); i++) {
		if (c->size >= known[i].len && memcmp(c->bytes, known[i].magic, known[i].len) == 0)
			return known[i].name;
	}
	return "neither pcap nor pcapng";
}

/* Index the file. 0 also when it is broken further on; else -errno with the reason in c->error. */
static int
scan(struct capture *c)
{
	uint32_t magic;
	int rc;

	if (c->size < sizeof(magic)) {
		snprintf(c->error, sizeof(c->error), "%s",
				c->size == 0 ? "empty file" : "too short for a capture");
		return -EBADMSG;
	}
	magic = capture_u32(c, 0);
	if (magic == rte_bswap32(MAGIC_US) || magic == rte_bswap32(MAGIC_NS) ||
			magic == rte_bswap32(MAGIC_KUZNETZOV)) {
		c->swap = true;
		magic = rte_bswap32(magic);
	}
	switch (magic) {
	case MAGIC_US:
	case MAGIC_NS:
		rc = scan_pcap(c, magic);
		break;
	case MAGIC_SECTION:
		rc = capture_scan_pcapng(c);
		break;
	case MAGIC_KUZNETZOV:
		snprintf(c->error, sizeof(c->error),
				"modified (\"Kuznetzov\") pcap; convert it with editcap first");
		return -ENOTSUP;
	default:
		snprintf(c->error, sizeof(c->error), "%s", other_format(c));
		return -ENOTSUP;
	}
	if (rc == -ENOMEM)
		snprintf(c->error, sizeof(c->error), "no memory for its index");
	/* Broken before anything was in it: not worth being called a capture. */
	if (rc == -EBADMSG && c->n_interfaces > 0)
		rc = 0;
	return rc;
}

static struct capture *
open_bytes(const void *bytes, size_t size, bool mapped, char *err, size_t errlen)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		snprintf(err, errlen, "no memory");
		if (mapped)
			munmap((void *)(uintptr_t)bytes, size);
		return NULL;
	}
	c->bytes = bytes;
	c->size = size;
	c->mapped = mapped;
	c->sorted = true;
	if (scan(c) != 0) {
		snprintf(err, errlen, "%s", c->error);
		capture_close(c);
		return NULL;
	}
	return c;
}

struct capture *
capture_open_memory(const void *data, size_t size, char *err, size_t errlen)
{
	return open_bytes(data, size, false, err, errlen);
}

struct capture *
capture_open(const char *path, char *err, size_t errlen)
{
	struct stat st;
	void *map = NULL;
	int fd;

	/* Non-blocking: opening a FIFO would wait for its writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, errlen, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(err, errlen, "not a regular file");
		close(fd);
		return NULL;
	}
	if (st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		snprintf(err, errlen, "cannot be mapped: %s", strerror(errno));
		close(fd);
		return NULL;
	}
	close(fd);
	return open_bytes(map, (size_t)st.st_size, map != NULL, err, errlen);
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->mapped)
		munmap((void *)(uintptr_t)c->bytes, c->size);
	free(c->interface);
	free(c->clock);
	free(c->record);
	free(c);
}

/* ---- reading ---- */

uint32_t
capture_interfaces(const struct capture *c)
{
	return c->n_interfaces;
}

const struct capture_interface *
capture_interface(const struct capture *c, uint32_t i)
{
	return i < c->n_interfaces ? &c->interface[i] : NULL;
}

uint64_t
capture_packets(const struct capture *c)
{
	return c->n_records;
}

bool
capture_sorted(const struct capture *c)
{
	return c->sorted;
}

/* By time, then by place: no two are equal, so qsort() need not be stable. */
static int
compare_records(const void *a, const void *b)
{
	const struct capture_record *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

void
capture_sort(struct capture *c)
{
	if (c->sorted)
		return;
	qsort(c->record, c->n_records, sizeof(*c->record), compare_records);
	c->sorted = true;
}

int
capture_next(struct capture *c, struct capture_packet *out)
{
	const struct capture_record *r;

	if (c->next == c->n_records)
		return c->error[0] != '\0' ? -EBADMSG : 0;
	r = &c->record[c->next++];
	*out = (struct capture_packet){
		.number = r->number,
		.ns = r->ns,
		.interface = r->interface,
		.caplen = r->caplen,
		.len = r->len,
		.data = c->bytes + r->offset,
	};
	return 1;
}

const char *
capture_error(const struct capture *c)
{
	return c->error[0] != '\0' ? c->error : NULL;
}
