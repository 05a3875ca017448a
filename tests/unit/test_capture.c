/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading captures: both formats in both byte orders, cut at every byte, with every word set to
 * hostile values. Files are built here, in memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include "capture.h"
#include "capture_file.h"

/* Exactly as long as it says, so that a sanitizer sees a read beyond it. */
static struct capture *
open_copy(const void *data, size_t len, uint8_t **copy)
{
	char err[200];

	*copy = malloc(len + (len == 0));
	memcpy(*copy, data, len);
	return capture_open_memory(*copy, len, err, sizeof(err));
}

static struct capture *
must_open(const struct file *f)
{
	char err[200] = "";
	struct capture *c = capture_open_memory(f->b, f->len, err, sizeof(err));

	if (c == NULL)
		fail_msg("%s", err);
	return c;
}

/* Number of packets; every byte of each is read. */
static unsigned int
drain(struct capture *c, int *end)
{
	struct capture_packet p;
	unsigned int n = 0;
	uint32_t i, sum = 0;

	while ((*end = capture_next(c, &p)) == 1) {
		n++;
		assert_true(p.interface < capture_interfaces(c));
		assert_true(p.caplen <= p.len);
		for (i = 0; i < p.caplen; i++)
			sum += p.data[i];
	}
	assert_true(sum < UINT32_MAX);
	return n;
}

/* ---- classic pcap ---- */

static void
test_pcap_magics(void **state)
{
	static const struct {
		uint32_t magic;
		uint64_t ns;
	} cases[] = {
		{ 0xa1b2c3d4, 1700000000123456000 },
		{ 0xa1b23c4d, 1700000000000123456 },
	};
	size_t i;
	int big;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		for (big = 0; big < 2; big++) {
			struct file f = { .big = big };
			struct capture_packet p;
			struct capture *c;

			/* The upper bits of the link type announce a frame checksum. */
			pcap_header(&f, cases[i].magic, 4, 0x24000000 | 113);
			pcap_packet(&f, 1700000000, 123456, 7, 0xaa);
			c = must_open(&f);
			assert_int_equal(capture_interfaces(c), 1);
			assert_int_equal(capture_interface(c, 0)->linktype, 113);
			assert_int_equal(capture_interface(c, 0)->snaplen, 65535);
			assert_string_equal(capture_interface(c, 0)->name, "");
			assert_null(capture_interface(c, 1));
			assert_int_equal(capture_next(c, &p), 1);
			assert_int_equal(p.ns, cases[i].ns);
			assert_int_equal(p.caplen, 7);
			assert_int_equal(p.len, 8);
			assert_int_equal(p.data[6], 0xaa);
			assert_int_equal(capture_next(c, &p), 0);
			assert_null(capture_error(c));
			capture_close(c);
		}
	}
}

/* Versions up to 2.3 have the two lengths the other way round, 2.3 only sometimes. */
static void
test_pcap_old_versions(void **state)
{
	static const struct {
		uint16_t minor;
		uint32_t first, second, caplen, len;
	} cases[] = {
		{ 2, 90, 4, 4, 90 }, { 3, 90, 4, 4, 90 }, { 3, 4, 90, 4, 90 }, { 4, 4, 90, 4, 90 },
		{ 4, 4, 0, 4, 4 }, /* len 0: the bytes are there */
	};
	size_t i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct file f = { 0 };
		struct capture_packet p;
		struct capture *c;

		pcap_header(&f, 0xa1b2c3d4, cases[i].minor, 1);
		put64(&f, 0);
		put32(&f, cases[i].first);
		put32(&f, cases[i].second);
		put32(&f, 0);
		c = must_open(&f);
		assert_int_equal(capture_next(c, &p), 1);
		assert_int_equal(p.caplen, cases[i].caplen);
		assert_int_equal(p.len, cases[i].len);
		capture_close(c);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} cases[] = {
		{ "", 0, "empty file" },
		{ "\xd4\xc3", 2, "too short" },
		{ "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8, "truncated file header" },
		{ "\xd4\xc3\xb2\xa1\x03\x00\x04\x00\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0", 24,
				"version" },
		{ "\x34\xcd\xb2\xa1\x02\x00\x04\x00", 8, "Kuznetzov" },
		{ "\xa1\xb2\xcd\x34\x00\x02\x00\x04", 8, "Kuznetzov" },
		{ "\x1f\x8b\x08\x00", 4, "gzip" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd" },
		{ "\x04\x22\x4d\x18", 4, "lz4" },
		{ "BZh9", 4, "bzip2" },
		{ "\xfd"
		  "7zXZ\0",
				6, "xz" },
		{ "PK\3\4", 4, "zip" },
		{ "snoop\0\0\0", 8, "snoop" },
		{ "#!/bin/sh\n", 10, "neither pcap nor pcapng" },
		{ "\n\r\r\n\x1c\0\0\0MMMM\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0", 28,
				"magic" },
	};
	char err[200];
	size_t i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		err[0] = '\0';
		assert_null(capture_open_memory(cases[i].bytes, cases[i].len, err, sizeof(err)));
		if (strstr(err, cases[i].why) == NULL)
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err, cases[i].why);
	}
	assert_null(capture_open("/nonexistent/file", err, sizeof(err)));
	assert_string_equal(err, "No such file or directory");
	assert_null(capture_open("/dev/null", err, sizeof(err)));
	assert_string_equal(err, "not a regular file");
	assert_null(capture_open("/", err, sizeof(err)));
	assert_string_equal(err, "not a regular file");
	capture_close(NULL);
}

/* ---- pcapng ---- */

static void
build_pcapng(struct file *f)
{
	size_t at;

	section(f);
	interface(f, 1, 0, "client", 9, 0);
	interface(f, 101, 4, "server", -1, 0);
	enhanced(f, 1, 5000000, "abcde", 9);
	enhanced(f, 0, 4000000000, "0123", 4);
	at = block_start(f, 0x80001234); /* of a type that nobody knows */
	put32(f, 42);
	block_end(f, at);
	obsolete(f, 0, 5500000000, "xyz");
	section(f); /* interfaces are counted anew */
	interface(f, 113, 6, NULL, 6, 100);
	simple(f, 9, "simple");
	enhanced(f, 0, 1000001, "", 0);
}

static void
test_pcapng(void **state)
{
	static const struct {
		uint32_t interface, caplen, len, number;
		uint64_t ns;
		const char *data;
	} expected[] = {
		{ 1, 5, 9, 0, 5000000000, "abcde" },
		{ 0, 4, 4, 1, 4000000000, "0123" },
		{ 0, 3, 3, 2, 5500000000, "xyz" },
		{ 2, 6, 9, 3, 5500000000, "simple" }, /* no time of its own */
		{ 2, 0, 0, 4, 101000001000, "" },
	};
	static const unsigned int by_time[] = { 1, 0, 2, 3, 4 };
	int big, sorted;

	(void)state;
	for (big = 0; big < 2; big++) {
		for (sorted = 0; sorted < 2; sorted++) {
			struct file f = { .big = big };
			struct capture_packet p;
			struct capture *c;
			size_t i;

			build_pcapng(&f);
			c = must_open(&f);
			assert_int_equal(capture_interfaces(c), 3);
			assert_string_equal(capture_interface(c, 0)->name, "client");
			assert_string_equal(capture_interface(c, 1)->name, "server");
			assert_string_equal(capture_interface(c, 2)->name, "");
			assert_int_equal(capture_interface(c, 1)->linktype, 101);
			assert_int_equal(capture_interface(c, 2)->snaplen, 6);
			assert_int_equal(capture_packets(c), RTE_DIM(expected));
			assert_false(capture_sorted(c));
			if (sorted) {
				capture_sort(c);
				assert_true(capture_sorted(c));
			}
			for (i = 0; i < RTE_DIM(expected); i++) {
				unsigned int e = sorted ? by_time[i] : i;

				assert_int_equal(capture_next(c, &p), 1);
				assert_int_equal(p.number, expected[e].number);
				assert_int_equal(p.interface, expected[e].interface);
				assert_int_equal(p.ns, expected[e].ns);
				assert_int_equal(p.caplen, expected[e].caplen);
				assert_int_equal(p.len, expected[e].len);
				assert_memory_equal(p.data, expected[e].data, p.caplen);
			}
			assert_int_equal(capture_next(c, &p), 0);
			capture_close(c);
		}
	}
}

/* Equal timestamps stay in the order of the file. */
static void
test_sort_stable(void **state)
{
	static const uint32_t seconds[] = { 5, 3, 5, 3, 3, 9, 0 };
	static const uint8_t expected[] = { 6, 1, 3, 4, 0, 2, 5 };
	struct file f = { 0 };
	struct capture_packet p;
	struct capture *c;
	size_t i;

	(void)state;
	pcap_header(&f, 0xa1b2c3d4, 4, 1);
	for (i = 0; i < RTE_DIM(seconds); i++)
		pcap_packet(&f, seconds[i], 0, 1, (uint8_t)i);
	c = must_open(&f);
	assert_false(capture_sorted(c));
	capture_sort(c);
	for (i = 0; i < RTE_DIM(expected); i++) {
		assert_int_equal(capture_next(c, &p), 1);
		assert_int_equal(p.data[0], expected[i]);
		assert_int_equal(p.number, expected[i]);
	}
	capture_close(c);
}

static void
test_timestamps(void **state)
{
	static const struct {
		int resolution;
		int64_t offset;
		uint64_t stamp, ns;
	} cases[] = {
		{ -1, 0, 1, 1000 }, /* not given: microseconds */
		{ 0, 0, 7, 7000000000 },
		{ 3, 0, 7, 7000000 },
		{ 9, 0, UINT64_MAX, UINT64_MAX },
		{ 8, 0, UINT64_MAX, UINT64_MAX },
		{ 10, 0, 19, 1 },
		{ 12, 0, 1234567, 1234 },
		{ 28, 0, UINT64_MAX, 1 },
		{ 29, 0, UINT64_MAX, 0 },
		{ 127, 0, UINT64_MAX, 0 },
		{ 0x80, 0, 2, 2000000000 },
		{ 0x80 | 1, 0, 3, 1500000000 },
		{ 0x80 | 32, 0, UINT64_C(0x180000000), 1500000000 },
		{ 0x80 | 64, 0, UINT64_C(1) << 63, 500000000 },
		{ 0x80 | 127, 0, UINT64_MAX, 0 },
		{ 6, 10, 5, 10000005000 },
		{ 6, -10, 5, 0 }, /* before 1970 */
		{ 6, -1, 3000000, 2000000000 },
		{ 9, INT64_MAX, UINT64_MAX, UINT64_MAX },
		{ 9, INT64_MIN, UINT64_MAX, 0 },
	};
	size_t i;
	int big;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		for (big = 0; big < 2; big++) {
			struct file f = { .big = big };
			struct capture_packet p;
			struct capture *c;

			section(&f);
			interface(&f, 1, 0, "if", cases[i].resolution, cases[i].offset);
			enhanced(&f, 0, cases[i].stamp, "", 0);
			c = must_open(&f);
			assert_int_equal(capture_next(c, &p), 1);
			if (p.ns != cases[i].ns)
				fail_msg("case %zu: %ju, not %ju", i, (uintmax_t)p.ns,
						(uintmax_t)cases[i].ns);
			capture_close(c);
		}
	}
}

/* ---- files that break off, or lie ---- */

static void
check_cuts(const struct file *f)
{
	size_t len;
	unsigned int last = 0;

	for (len = 0; len < f->len; len++) {
		uint8_t *copy;
		struct capture *c = open_copy(f->b, len, &copy);
		unsigned int n;
		int end;

		if (c != NULL) {
			n = drain(c, &end);
			assert_true(n >= last); /* packets before the cut are delivered */
			last = n;
			assert_int_equal(end, capture_error(c) != NULL ? -EBADMSG : 0);
			capture_close(c);
		}
		free(copy);
	}
	assert_true(last > 0);
}

static void
test_cut_everywhere(void **state)
{
	int big;

	(void)state;
	for (big = 0; big < 2; big++) {
		struct file ng = { .big = big }, classic = { .big = big };

		build_pcapng(&ng);
		check_cuts(&ng);
		pcap_header(&classic, 0xa1b2c3d4, 4, 1);
		pcap_packet(&classic, 1, 2, 60, 1);
		pcap_packet(&classic, 1, 3, 0, 1);
		pcap_packet(&classic, 1, 4, 61, 1);
		check_cuts(&classic);
	}
}

static void
test_error_says_where(void **state)
{
	struct file f = { 0 };
	struct capture_packet p;
	struct capture *c;

	(void)state;
	pcap_header(&f, 0xa1b2c3d4, 4, 1);
	pcap_packet(&f, 1, 2, 60, 1);
	pcap_packet(&f, 1, 3, 60, 1);
	f.len -= 10;
	c = must_open(&f);
	assert_int_equal(capture_next(c, &p), 1);
	assert_int_equal(capture_next(c, &p), -EBADMSG);
	assert_string_equal(
			capture_error(c), "broken at byte 100 (after 1 packets): truncated packet");
	assert_int_equal(capture_next(c, &p), -EBADMSG);
	capture_close(c);
}

/*
 * Every aligned word of a valid file, replaced by values that lengths and counts should not have.
 */
static void
test_hostile_words(void **state)
{
	static const uint32_t evil[] = { 0, 1, 3, 4, 12, 13, 0x7fffffff, 0x80000000, 0xfffffff0,
		0xfffffffc, 0xffffffff, 262144, 262145 };
	int kind;

	(void)state;
	for (kind = 0; kind < 4; kind++) {
		struct file f = { .big = kind & 1 };
		size_t at, i;

		if (kind & 2) {
			build_pcapng(&f);
		} else {
			pcap_header(&f, 0xa1b2c3d4, 4, 1);
			pcap_packet(&f, 1, 2, 60, 1);
			pcap_packet(&f, 1, 4, 64, 1);
		}
		for (at = 0; at < f.len; at += 4) {
			for (i = 0; i < RTE_DIM(evil); i++) {
				struct file bad = f;
				struct capture *c;
				uint8_t *copy;
				int end;

				bad.len = at;
				put32(&bad, evil[i]);
				c = open_copy(bad.b, f.len, &copy);
				if (c != NULL) {
					assert_true(drain(c, &end) <= 5);
					capture_close(c);
				}
				free(copy);
			}
		}
	}
}

/* A description is 20 bytes: a file must not make more of them than anybody needs. */
static void
test_interfaces_bounded(void **state)
{
	static uint8_t bytes[28 + 20 * (CAPTURE_INTERFACES_MAX + 1)];
	struct file f = { 0 };
	struct capture_packet p;
	struct capture *c;
	char err[200];
	size_t at, i;

	(void)state;
	section(&f);
	memcpy(bytes, f.b, 28);
	f.len = 0;
	at = block_start(&f, 1);
	put32(&f, 1);
	put32(&f, 0);
	block_end(&f, at);
	for (i = 0; i <= CAPTURE_INTERFACES_MAX; i++)
		memcpy(bytes + 28 + 20 * i, f.b, 20);
	c = capture_open_memory(bytes, sizeof(bytes), err, sizeof(err));
	assert_non_null(c);
	assert_int_equal(capture_interfaces(c), CAPTURE_INTERFACES_MAX);
	assert_int_equal(capture_next(c, &p), -EBADMSG);
	assert_non_null(strstr(capture_error(c), "too many interfaces"));
	capture_close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap_magics),
		cmocka_unit_test(test_pcap_old_versions),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_sort_stable),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_error_says_where),
		cmocka_unit_test(test_hostile_words),
		cmocka_unit_test(test_interfaces_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
