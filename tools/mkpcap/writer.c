/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writers of pcap (magic 0xa1b23c4d: nanoseconds) and pcapng (if_tsresol 9). Both are written in
 * host byte order, which readers recognise by the magic. Called by the scenarios.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "writer.h"

#define LINKTYPE_ETHERNET 1
#define SNAPLEN 65535
#define NS_PER_S 1000000000ULL

#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET 6
#define OPTION_IF_NAME 2
#define OPTION_IF_TSRESOL 9

struct mk_writer {
	FILE *file;
	bool ng;
	int error;
};

static void
put(struct mk_writer *w, const void *data, size_t len)
{
	if (len && fwrite(data, len, 1, w->file) != 1 && !w->error)
		w->error = errno ? -errno : -EIO;
}

static void
put_u32(struct mk_writer *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static struct mk_writer *
create(const char *path, bool ng)
{
	struct mk_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->ng = ng;
	w->file = fopen(path, "wb");
	if (!w->file) {
		free(w);
		return NULL;
	}
	setvbuf(w->file, NULL, _IOFBF, 1 << 20);
	return w;
}

struct mk_writer *
mk_pcap_create(const char *path)
{
	struct mk_writer *w = create(path, false);
	const uint16_t version[2] = { 2, 4 };

	if (!w)
		return NULL;
	put_u32(w, 0xa1b23c4d);
	put(w, version, sizeof(version));
	put_u32(w, 0); /* time zone */
	put_u32(w, 0); /* accuracy */
	put_u32(w, SNAPLEN);
	put_u32(w, LINKTYPE_ETHERNET);
	return w;
}

static size_t
pad4(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void
put_option(struct mk_writer *w, uint16_t code, const void *value, uint16_t len)
{
	const uint16_t head[2] = { code, len };

	put(w, head, sizeof(head));
	put(w, value, len);
	put(w, "\0\0\0", pad4(len) - len);
}

static void
put_interface(struct mk_writer *w, const char *name)
{
	const uint8_t nanoseconds = 9;
	uint16_t name_len = (uint16_t)strlen(name);
	uint32_t total = 20 + 4 + (uint32_t)pad4(name_len) + 4 + 4 + 4;

	put_u32(w, BLOCK_INTERFACE);
	put_u32(w, total);
	put_u32(w, LINKTYPE_ETHERNET); /* and 16 reserved bits, which are the upper ones on LE */
	put_u32(w, SNAPLEN);
	put_option(w, OPTION_IF_NAME, name, name_len);
	put_option(w, OPTION_IF_TSRESOL, &nanoseconds, 1);
	put_option(w, 0, NULL, 0);
	put_u32(w, total);
}

struct mk_writer *
mk_pcapng_create(const char *path, const char *const *names)
{
	struct mk_writer *w = create(path, true);
	const uint16_t version[2] = { 1, 0 };

	if (!w)
		return NULL;
	put_u32(w, BLOCK_SECTION);
	put_u32(w, 28);
	put_u32(w, 0x1a2b3c4d);
	put(w, version, sizeof(version));
	put_u32(w, UINT32_MAX); /* section length: not told */
	put_u32(w, UINT32_MAX);
	put_u32(w, 28);
	for (; *names; names++)
		put_interface(w, *names);
	return w;
}

void
mk_write(struct mk_writer *w, unsigned int interface, uint64_t ns, const struct mk_frame *f)
{
	uint32_t total = 28 + (uint32_t)pad4(f->len) + 4;

	if (w->ng) {
		put_u32(w, BLOCK_PACKET);
		put_u32(w, total);
		put_u32(w, interface);
		put_u32(w, (uint32_t)(ns >> 32));
		put_u32(w, (uint32_t)ns);
	} else {
		put_u32(w, (uint32_t)(ns / NS_PER_S));
		put_u32(w, (uint32_t)(ns % NS_PER_S));
	}
	put_u32(w, f->len);
	put_u32(w, f->len);
	put(w, f->data, f->len);
	if (w->ng) {
		put(w, "\0\0\0", pad4(f->len) - f->len);
		put_u32(w, total);
	}
}

int
mk_writer_close(struct mk_writer *w)
{
	int error;

	if (!w)
		return 0;
	error = w->error;
	if (fclose(w->file) != 0 && !error)
		error = -errno;
	free(w);
	return error;
}
