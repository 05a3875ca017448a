/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capture reader and the link types on hostile bytes: every packet is walked, in order of time,
 * every byte that the reader hands out is touched.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "fuzz.h"

static volatile uint32_t sink;

static void
touch(const uint8_t *data, uint32_t len)
{
	uint32_t i, sum = 0;

	for (i = 0; i < len; i++)
		sum += data[i];
	sink = sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_packet p;
	struct capture_frame f;
	struct capture *c;
	char text[200];
	uint64_t n = 0, last = 0;

	c = capture_open_memory(data, size, text, sizeof(text));
	if (c == NULL)
		return 0;
	capture_sort(c);
	while (capture_next(c, &p) == 1) {
		const struct capture_interface *i = capture_interface(c, p.interface);

		if (i == NULL || p.ns < last || p.caplen > p.len || p.caplen > size ||
				strlen(i->name) >= CAPTURE_NAME_MAX)
			abort();
		last = p.ns;
		n++;
		touch(p.data, p.caplen);
		capture_linktype_name(i->linktype, text);
		if (capture_to_ethernet(i->linktype, &p, &f) == 0) {
			if (f.caplen > f.len || f.caplen > p.caplen)
				abort();
			touch(f.data, f.caplen);
		}
	}
	if (n != capture_packets(c))
		abort();
	capture_close(c);
	return 0;
}
