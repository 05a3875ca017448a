/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is made of captures: link types to frames, the writer (read back with the reader, and byte
 * by byte), verdict lines byte by byte.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_common.h>

#include "capture.h"
#include "conntrack/ct.h"
#include "verdict.h"

/* ---- link types ---- */

static const struct {
	uint32_t link;
	const char *data;
	uint32_t caplen;
	int rc;
	uint16_t type; /* 0: as is */
	uint32_t skipped;
} link_cases[] = {
	{ 1, "abc", 3, 0, 0, 0 },
	{ 1, "", 0, 0, 0, 0 },
	{ 12, "\x45", 1, 0, 0x0800, 0 },
	{ 14, "\x60", 1, 0, 0x86dd, 0 },
	{ 101, "\x60", 1, 0, 0x86dd, 0 },
	{ 101, "", 0, 0, 0x0800, 0 },
	{ 228, "\x60", 1, 0, 0x0800, 0 },
	{ 229, "\x45", 1, 0, 0x86dd, 0 },
	{ 0, "\2\0\0\0\x45", 5, 0, 0x0800, 4 },
	{ 0, "\0\0\0\2\x45", 5, 0, 0x0800, 4 },
	{ 0, "\x1e\0\0\0\x60", 5, 0, 0x86dd, 4 },
	{ 0, "\0\0\0\x18\x60", 5, 0, 0x86dd, 4 },
	{ 0, "\7\0\0\0\x60", 5, -ENOTSUP, 0, 0 },
	{ 0, "\2\0\0", 3, -EBADMSG, 0, 0 },
	{ 108, "\0\0\0\2\x45", 5, 0, 0x0800, 4 },
	{ 108, "\2\0\0\0\x45", 5, -ENOTSUP, 0, 0 },
	{ 113, "\0\0\0\1\0\6abcdef\0\0\x08\x00\x45", 17, 0, 0x0800, 16 },
	{ 113, "\0\0\0\1\0\6abcdef\0\0\x08\x06", 16, 0, 0x0806, 16 },
	{ 113, "\0\0\0\1\0\6abcdef\0\0\0\4", 16, -ENOTSUP, 0, 0 },
	{ 113, "\0\0\0\1\0\6abcdef\0\0\x08", 15, -EBADMSG, 0, 0 },
	{ 276, "\x86\xdd\0\0\0\0\0\1\0\1\0\6abcdef\0\0", 20, 0, 0x86dd, 20 },
	{ 276, "\x86\xdd\0\0\0\0\0\1\0\1\0\6abcdef\0", 19, -EBADMSG, 0, 0 },
	{ 9, "\xff\3\0\x21\x45", 5, 0, 0x0800, 4 },
	{ 9, "\0\x57\x60", 3, 0, 0x86dd, 2 },
	{ 9, "\x21\x45", 2, 0, 0x0800, 1 },
	{ 50, "\xff\3\x57\x60", 4, 0, 0x86dd, 3 },
	{ 50, "\x0f\0\x08\0\x45", 5, 0, 0x0800, 4 },
	{ 50, "\x8f\0\x80\x35", 4, 0, 0x8035, 4 },
	{ 9, "\xff\3\xc0\x21", 4, -ENOTSUP, 0, 0 },
	{ 9, "\xff\3", 2, -EBADMSG, 0, 0 },
	{ 9, "\0", 1, -EBADMSG, 0, 0 },
	{ 192, "\0\0\x0a\0\1\0\0\0xxframe", 15, 0, 0, 10 },
	{ 192, "\0\0\x08\0\x69\0\0\0xx", 10, -ENOTSUP, 0, 0 },
	{ 192, "\0\0\x07\0\1\0\0\0", 8, -EBADMSG, 0, 0 },
	{ 192, "\0\0\x09\0\1\0\0\0", 8, -EBADMSG, 0, 0 },
	{ 192, "\0\0\x08\0\1\0\0", 7, -EBADMSG, 0, 0 },
	{ 105, "whatever", 8, -ENOTSUP, 0, 0 },
	{ UINT32_MAX, "", 0, -ENOTSUP, 0, 0 },
};

static void
test_link_types(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < RTE_DIM(link_cases); i++) {
		uint8_t *data = malloc(link_cases[i].caplen + 1);
		struct capture_packet p = { .caplen = link_cases[i].caplen,
			.len = link_cases[i].caplen + 5 };
		struct capture_frame f;
		int rc;

		data = realloc(data, link_cases[i].caplen + (link_cases[i].caplen == 0));
		memcpy(data, link_cases[i].data, link_cases[i].caplen);
		p.data = data;
		rc = capture_to_ethernet(link_cases[i].link, &p, &f);
		if (rc != link_cases[i].rc)
			fail_msg("case %zu: %d", i, rc);
		if (rc == 0) {
			assert_int_equal(f.header_len, link_cases[i].type != 0 ? 14 : 0);
			if (f.header_len != 0)
				assert_int_equal(f.header[12] << 8 | f.header[13],
						link_cases[i].type);
			assert_ptr_equal(f.data, data + link_cases[i].skipped);
			assert_int_equal(f.caplen, link_cases[i].caplen - link_cases[i].skipped);
			assert_int_equal(f.len, f.caplen + 5);
		}
		free(data);
	}
}

static void
test_link_names(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(capture_linktype_name(1, buf), "EN10MB");
	assert_string_equal(capture_linktype_name(101, buf), "RAW");
	assert_string_equal(capture_linktype_name(113, buf), "LINUX_SLL");
	assert_string_equal(capture_linktype_name(UINT32_MAX, buf), "link type 4294967295");
}

/* ---- writing ---- */

static void
test_writer(void **state)
{
	static const char *const names[] = { "client",
		"a port whose name is longer than any that the reader keeps, "
		"which has a limit of 63" };
	static const uint8_t data[] = { 1, 2, 3, 4, 5 };
	char path[] = "/tmp/shunt-test-XXXXXX", err[200];
	struct capture_packet p;
	struct capture_writer *w;
	struct capture *c;
	FILE *file;
	int fd;

	(void)state;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	w = capture_writer_open(path, names, 2);
	assert_non_null(w);
	assert_int_equal(capture_writer_add(w, 1, UINT64_C(1700000000123456789), data, 5), 0);
	assert_int_equal(capture_writer_add(w, 0, 0, data, 0), 0);
	assert_int_equal(capture_writer_add(w, 2, 0, data, 5), -EINVAL);
	assert_int_equal(capture_writer_add(w, 0, 0, data, CAPTURE_PACKET_MAX + 1), -EINVAL);
	assert_int_equal(capture_writer_close(w), 0);

	c = capture_open(path, err, sizeof(err));
	assert_non_null(c);
	assert_int_equal(capture_interfaces(c), 2);
	assert_string_equal(capture_interface(c, 0)->name, "client");
	assert_int_equal(strlen(capture_interface(c, 1)->name), CAPTURE_NAME_MAX - 1);
	assert_memory_equal(capture_interface(c, 1)->name, names[1], CAPTURE_NAME_MAX - 1);
	assert_int_equal(capture_next(c, &p), 1);
	assert_int_equal(p.interface, 1);
	assert_int_equal(p.ns, UINT64_C(1700000000123456789));
	assert_int_equal(p.caplen, 5);
	assert_memory_equal(p.data, data, 5);
	assert_int_equal(capture_next(c, &p), 1);
	assert_int_equal(p.caplen, 0);
	assert_int_equal(capture_next(c, &p), 0);
	capture_close(c);

	/* Bytes are the same everywhere: section header, little-endian. */
	file = fopen(path, "rb");
	assert_int_equal(fread(err, 1, 28, file), 28);
	assert_memory_equal(err,
			"\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0"
			"\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0",
			28);
	fclose(file);
	unlink(path);
}

static void
test_writer_errors(void **state)
{
	static const char *const names[] = { "client" };
	static const uint8_t data[1500];
	struct capture_writer *w;
	int i;

	(void)state;
	errno = 0;
	assert_null(capture_writer_open("/nonexistent/file", names, 1));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(capture_writer_close(NULL), 0);
	if (access("/dev/full", W_OK) != 0)
		return;
	/* A little is found out when the buffer is flushed, much at once. */
	w = capture_writer_open("/dev/full", names, 1);
	assert_non_null(w);
	assert_int_equal(capture_writer_close(w), -ENOSPC);
	w = capture_writer_open("/dev/full", names, 1);
	assert_non_null(w);
	for (i = 0; i < 10000; i++) {
		if (capture_writer_add(w, 0, 0, data, sizeof(data)) != 0)
			break;
	}
	assert_true(i < 10000);
	assert_int_equal(capture_writer_close(w), -ENOSPC);
}

/* ---- verdicts ---- */

static void
check_verdict(const struct verdict *v, const char *expected)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(verdict_write(f, v), 0);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void
test_verdict(void **state)
{
	static const uint8_t frame[] = { 0x00, 0x9f, 0xa0, 0xff };
	static uint8_t large[2000];
	static char expected[5000];
	const struct verdict_out out[] = { { "server", 0, frame, 4 },
		{ "b\"\\\n", 65535, frame, 0 } };
	const struct verdict_out big = { "x", 1, large, sizeof(large) };
	struct verdict v = {
		.port = "client",
		.state = "new",
		.dir = "original",
		.flags = CT_FLAG_TRK | CT_FLAG_NEW | CT_FLAG_DNAT,
		.tcp = "SYN_SENT",
		.verdict = "forward",
		.class = "default",
		.path = "slow",
		.out = out,
		.n_out = 1,
	};
	size_t i, n;

	(void)state;
	check_verdict(&v,
			"{\"n\": 0, \"port\": \"client\", \"state\": \"new\", \"dir\": \"original\", "
			"\"flags\": [\"trk\", \"new\", \"dnat\"], \"tcp\": \"SYN_SENT\", \"verdict\": \"forward\", \"reason\": null, "
			"\"class\": \"default\", \"path\": \"slow\", "
			"\"out\": [{\"port\": \"server\", \"queue\": 0, \"frame\": \"009fa0ff\"}]}\n");
	v.n_out = 2;
	v.n = UINT64_MAX;
	v.tcp = NULL;
	v.flags = 0;
	v.sctp = "CLOSED";
	v.class = NULL;
	check_verdict(&v,
			"{\"n\": 18446744073709551615, \"port\": \"client\", \"state\": \"new\", "
			"\"dir\": \"original\", \"flags\": [], \"sctp\": \"CLOSED\", \"verdict\": \"forward\", \"reason\": null, "
			"\"class\": null, \"path\": \"slow\", "
			"\"out\": [{\"port\": \"server\", \"queue\": 0, \"frame\": \"009fa0ff\"}, "
			"{\"port\": \"b\\\"\\\\\\u000a\", \"queue\": 65535, \"frame\": \"\"}]}\n");
	v = (struct verdict){ .n = 7,
		.port = "p",
		.state = "none",
		.dir = "none",
		.verdict = "drop",
		.reason = "ip4_checksum",
		.path = NULL,
		.out = &big };
	check_verdict(&v,
			"{\"n\": 7, \"port\": \"p\", \"state\": \"none\", \"dir\": \"none\", "
			"\"flags\": [], \"verdict\": \"drop\", \"reason\": \"ip4_checksum\", \"class\": null, "
			"\"path\": null, \"out\": []}\n");
	/* Longer than any buffer inside. */
	v.n_out = 1;
	n = (size_t)snprintf(expected, sizeof(expected),
			"{\"n\": 7, \"port\": \"p\", \"state\": \"none\", \"dir\": \"none\", "
			"\"flags\": [], \"verdict\": \"drop\", \"reason\": \"ip4_checksum\", \"class\": null, "
			"\"path\": null, \"out\": [{\"port\": \"x\", \"queue\": 1, \"frame\": \"");
	for (i = 0; i < sizeof(large); i++) {
		large[i] = (uint8_t)i;
		n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%02x", (uint8_t)i);
	}
	snprintf(expected + n, sizeof(expected) - n, "\"}]}\n");
	check_verdict(&v, expected);
}

static void
test_verdict_error(void **state)
{
	const struct verdict v = { .port = "p", .state = "none", .dir = "none", .verdict = "drop" };
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	if (f == NULL)
		skip();
	setvbuf(f, NULL, _IONBF, 0);
	assert_int_equal(verdict_write(f, &v), -EIO);
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_link_names),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_errors),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_verdict_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
