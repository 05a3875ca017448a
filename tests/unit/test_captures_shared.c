/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every capture of the shared collection ($SHUNT_SHARED, else beside the source tree): it opens, or the
 * reason is one of those that a capture may be refused for; its packets are walked to the end and
 * turned into frames. Prints one line a file: name, packets, interfaces, how it ended (compare with
 * capinfos -c). Skipped (77) without the collection.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "capture.h"

/* False: the reader did something that it must not. */
static bool
walk(const char *name, struct capture *c)
{
	uint64_t packets = 0, unsupported = 0, cut = 0, last = 0;
	struct capture_packet p;
	struct capture_frame f;
	char link[32] = "-";
	int rc, end;

	capture_sort(c);
	while ((end = capture_next(c, &p)) == 1) {
		const struct capture_interface *i = capture_interface(c, p.interface);

		if (i == NULL || p.ns < last || p.caplen > p.len)
			return false;
		last = p.ns;
		packets++;
		capture_linktype_name(i->linktype, link);
		rc = capture_to_ethernet(i->linktype, &p, &f);
		unsupported += rc == -ENOTSUP;
		cut += rc == -EBADMSG;
		if (rc == 0 && f.caplen > p.caplen)
			return false;
	}
	printf("%s %" PRIu64 " interfaces=%u link=%s unsupported=%" PRIu64 " cut=%" PRIu64 " %s\n",
			name, packets, capture_interfaces(c), link, unsupported, cut,
			end == 0 ? "whole" : capture_error(c));
	return packets == capture_packets(c) && packets > 0 &&
			end == (capture_error(c) != NULL ? -EBADMSG : 0);
}

/* 0: fine, or refused with good reason. */
static int
check(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char err[200];
	struct capture *c = capture_open(path, err, sizeof(err));
	bool ok;

	if (c == NULL) {
		printf("%s refused: %s\n", name, err);
		return strncmp(err, "compressed", 10) != 0;
	}
	ok = walk(name, c);
	if (!ok)
		printf("%s FAILED\n", name);
	capture_close(c);
	return !ok;
}

int
main(void)
{
	static const char *const patterns[] = { "captures/pcap/*", "conformance/*.pcapng" };
	const char *shared = getenv("SHUNT_SHARED"), *source = getenv("SHUNT_SOURCE_DIR");
	char pattern[4096];
	glob_t files = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < RTE_DIM(patterns); i++) {
		if (shared != NULL)
			snprintf(pattern, sizeof(pattern), "%s/%s", shared, patterns[i]);
		else
			snprintf(pattern, sizeof(pattern), "%s/../shared/%s",
					source != NULL ? source : ".", patterns[i]);
		glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &files);
	}
	if (files.gl_pathc == 0) {
		printf("no captures in $SHUNT_SHARED or beside the source tree: skipped\n");
		return 77;
	}
	for (i = 0; i < files.gl_pathc; i++)
		rc |= check(files.gl_pathv[i]);
	globfree(&files);
	return rc;
}
