/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing captures: pcapng (draft-ietf-opsawg-pcapng) with an interface a port and nanoseconds.
 * Written by hand because libpcap writes only one interface, and because the same run must give the
 * same bytes on every machine.
 *
 * Called by replay, on the control lcore. Buffered; the first error sticks and
 * capture_writer_close() reports it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "capture.h"

#define BUFFER (1 << 20)

struct capture_writer {
	FILE *file;
	uint32_t n_interfaces;
	int error; /* first one, -errno */
};

static void
put(struct capture_writer *w, const void *data, size_t len)
{
	if (w->error == 0 && len > 0 && fwrite(data, len, 1, w->file) != 1)
		w->error = errno != 0 ? -errno : -EIO;
}

static void
put_u16(struct capture_writer *w, uint16_t v)
{
	rte_le16_t le = rte_cpu_to_le_16(v);

	put(w, &le, sizeof(le));
}

static void
put_u32(struct capture_writer *w, uint32_t v)
{
	rte_le32_t le = rte_cpu_to_le_32(v);

	put(w, &le, sizeof(le));
}

/* Data filled up to a multiple of four bytes. */
static void
put_padded(struct capture_writer *w, const void *data, uint32_t len)
{
	static const uint8_t zero[3];

	put(w, data, len);
	put(w, zero, RTE_ALIGN_CEIL(len, 4) - len);
}

static void
put_section(struct capture_writer *w)
{
	put_u32(w, 0x0a0d0d0a);
	put_u32(w, 28);
	put_u32(w, 0x1a2b3c4d);
	put_u16(w, 1); /* version 1.0 */
	put_u16(w, 0);
	put_u32(w, UINT32_MAX); /* length of the section: not given */
	put_u32(w, UINT32_MAX);
	put_u32(w, 28);
}

static void
put_interface(struct capture_writer *w, const char *name)
{
	uint16_t name_len = (uint16_t)strnlen(name, CAPTURE_NAME_MAX - 1);
	uint32_t len = 20 + 4 + RTE_ALIGN_CEIL(name_len, 4) + 8 + 4;

	put_u32(w, 1);
	put_u32(w, len);
	put_u16(w, 1); /* LINKTYPE_ETHERNET */
	put_u16(w, 0);
	put_u32(w, CAPTURE_PACKET_MAX);
	put_u16(w, 2); /* if_name */
	put_u16(w, name_len);
	put_padded(w, name, name_len);
	put_u16(w, 9); /* if_tsresol: 10^-9 s */
	put_u16(w, 1);
	put_padded(w, "\x09", 1);
	put_u32(w, 0); /* end of options */
	put_u32(w, len);
}

struct capture_writer *
capture_writer_open(const char *path, const char *const *names, uint32_t n_names)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	uint32_t i;

	if (w == NULL)
		return NULL;
	w->n_interfaces = n_names;
	w->file = fopen(path, "we");
	if (w->file == NULL) {
		free(w);
		return NULL;
	}
	setvbuf(w->file, NULL, _IOFBF, BUFFER);
	put_section(w);
	for (i = 0; i < n_names; i++)
		put_interface(w, names[i]);
	return w;
}

int
capture_writer_add(struct capture_writer *w, uint32_t interface, uint64_t ns, const void *data,
		uint32_t len)
{
	uint32_t block = 32 + RTE_ALIGN_CEIL(len, 4);

	if (interface >= w->n_interfaces || len > CAPTURE_PACKET_MAX)
		return -EINVAL;
	put_u32(w, 6);
	put_u32(w, block);
	put_u32(w, interface);
	put_u32(w, (uint32_t)(ns >> 32));
	put_u32(w, (uint32_t)ns);
	put_u32(w, len);
	put_u32(w, len);
	put_padded(w, data, len);
	put_u32(w, block);
	return w->error;
}

int
capture_writer_close(struct capture_writer *w)
{
	int error;

	if (w == NULL)
		return 0;
	error = w->error;
	if (fclose(w->file) != 0 && error == 0)
		error = -errno;
	free(w);
	return error;
}
