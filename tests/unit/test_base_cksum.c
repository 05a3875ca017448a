/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksum deltas against full recomputation, the zeros of RFC 1624 included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>
#include <rte_cpuflags.h>

#include "base/cksum.h"
#include "cksum_isa.h"

#define LEN 40
#define FIELD 10 /* of the checksum */

/* RFC 1071, as written there. */
static uint16_t
full(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i < len; i += 2) {
		memcpy(&word, data + i, sizeof(word));
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint16_t
field(const uint8_t *data)
{
	uint16_t v;

	memcpy(&v, data + FIELD, sizeof(v));
	return v;
}

static void
set_field(uint8_t *data, uint16_t v)
{
	memcpy(data + FIELD, &v, sizeof(v));
}

static void
seal(uint8_t *data)
{
	set_field(data, 0);
	set_field(data, full(data, LEN));
}

/* Change `len` bytes at `off`, incrementally and in full. */
static void
check_change(const uint8_t *before, size_t off, const uint8_t *with, size_t len)
{
	uint8_t after[LEN];
	uint16_t delta = cksum_delta(0, before + off, with, len);

	memcpy(after, before, LEN);
	memcpy(after + off, with, len);
	seal(after);
	assert_int_equal(cksum_apply(field(before), delta), field(after));
}

static void
test_random(void **state)
{
	uint8_t data[LEN], with[LEN];

	(void)state;
	srandom(2);
	for (unsigned int n = 0; n < 200000; n++) {
		size_t off = 12 + (size_t)random() % 14 * 2;
		size_t len = (size_t)random() % ((LEN - off) / 2 + 1) * 2;
		/* Few different bytes, so that sums of 0 and 0xffff turn up. */
		static const uint8_t bytes[] = { 0, 0, 0xff, 0xff, 1, 0xfe };

		for (unsigned int i = 0; i < LEN; i++) {
			data[i] = n & 1 ? (uint8_t)random() : bytes[random() % 6];
			with[i] = n & 1 ? (uint8_t)random() : bytes[random() % 6];
		}
		data[0] = 0x45; /* what is summed is never all zero */
		seal(data);
		check_change(data, off, with, len);
	}
}

/* Every word, every checksum that it can lead to: all of what RFC 1624 4 and 5 are about. */
static void
test_corner(void **state)
{
	uint8_t data[LEN] = { 0x45 }, with[2];

	(void)state;
	for (uint32_t from = 0; from <= 0xffff; from++) {
		static const uint16_t to[] = { 0, 1, 0x00ff, 0xff00, 0xfffe, 0xffff, 0x4500, 0x0045,
			0xffba, 0xbaff };

		data[12] = (uint8_t)(from >> 8);
		data[13] = (uint8_t)from;
		seal(data);
		for (unsigned int i = 0; i < RTE_DIM(to); i++) {
			with[0] = (uint8_t)(to[i] >> 8);
			with[1] = (uint8_t)to[i];
			check_change(data, 12, with, 2);
		}
	}
}

/* RFC 1624 4: HC = 0xdd2f, 0x5555 becomes 0x3285: 0x0000, and not the other zero. */
static void
test_rfc1624_example(void **state)
{
	static const uint8_t from[] = { 0x55, 0x55 }, to[] = { 0x32, 0x85 };
	uint8_t field_bytes[] = { 0xdd, 0x2f };
	uint16_t v;

	(void)state;
	memcpy(&v, field_bytes, sizeof(v));
	assert_int_equal(cksum_apply(v, cksum_delta(0, from, to, 2)), 0x0000);
}

/* A delta may be built in pieces, and what is changed and changed back makes no difference. */
static void
test_pieces(void **state)
{
	uint8_t a[16], b[16];

	(void)state;
	srandom(3);
	for (unsigned int n = 0; n < 10000; n++) {
		uint16_t whole, parts, back, sum = (uint16_t)random();

		for (unsigned int i = 0; i < sizeof(a); i++) {
			a[i] = (uint8_t)random();
			b[i] = (uint8_t)random();
		}
		sum = sum == 0xffff ? 0 : sum;
		whole = cksum_delta(0, a, b, sizeof(a));
		parts = cksum_delta(cksum_delta(0, a + 6, b + 6, 10), a, b, 6);
		assert_int_equal(cksum_apply(sum, whole), cksum_apply(sum, parts));
		back = cksum_delta(whole, b, a, sizeof(a));
		assert_int_equal(cksum_apply(sum, back), sum);
	}
}

static void
test_udp(void **state)
{
	static const uint8_t from[] = { 0x12, 0x34 }, to[] = { 0x43, 0x21 };
	uint16_t there = cksum_delta(0, from, to, 2), back = cksum_delta(0, to, from, 2);

	(void)state;
	assert_int_equal(cksum_apply_udp(0, there), 0); /* none stays none */
	for (uint32_t sum = 1; sum <= 0xffff; sum++) {
		uint16_t changed = cksum_apply_udp((uint16_t)sum, there);

		assert_int_not_equal(changed, 0);
		assert_int_equal(cksum_apply_udp(changed, back), sum);
		assert_int_equal(cksum_apply_udp((uint16_t)sum, cksum_delta(0, to, to, 2)), sum);
	}
}

/* Sum by 16-bit words, RFC 1071 as it is written. */
static uint16_t
naive_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i < len; i += 2) {
		word = 0;
		memcpy(&word, p + i, len - i < 2 ? 1 : 2);
		sum = cksum_fold(sum + word);
	}
	return (uint16_t)sum;
}

/* Every form that this CPU can run, every length around the lanes' edges, bytes that carry most. */
static void
test_sums(void **state)
{
	cksum_sum_fn *forms[4] = { cksum_sum_short, cksum_sum_best() };
	static const uint8_t fill[] = { 0xff, 0x00, 0x80 };
	unsigned int n_forms = 2;
	uint8_t data[70000];

	(void)state;
#ifdef RTE_ARCH_X86_64
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		forms[n_forms++] = cksum_sum_avx2;
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) > 0)
		forms[n_forms++] = cksum_sum_avx512;
#endif
	for (unsigned int round = 0; round < 6; round++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = round < sizeof(fill) ? fill[round] : (uint8_t)random();
		for (size_t len = 0; len < sizeof(data); len += len < 600 ? 1 : 9973) {
			for (unsigned int f = 0; f < n_forms; f++) {
				size_t at = round * 7 % (sizeof(data) - len);

				assert_int_equal(cksum_fold64(forms[f](data + at, len)),
						naive_sum(data + at, len));
			}
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_corner),
		cmocka_unit_test(test_rfc1624_example),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
