/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names that users see, and sums of counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/counters.h"
#include "base/drop.h"
#include "base/pkt.h"

/* Lower case, digits, underscores: these are JSON keys and column heads. */
static void
check_name(const char *name)
{
	assert_in_range(strlen(name), 1, 24);
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
}

static void
test_drop_names(void **state)
{
	(void)state;
	for (int i = 0; i < DROP_COUNT; i++) {
		check_name(drop_name((enum drop_reason)i));
		assert_true(strlen(drop_text((enum drop_reason)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(drop_name((enum drop_reason)i),
					drop_name((enum drop_reason)j));
	}
	assert_int_equal(DROP_NONE, 0);
	assert_true(DROP_COUNT <= UINT8_MAX + 1); /* pkt_info.reason */
	assert_string_equal(drop_name(DROP_IP4_CHECKSUM), "ip4_checksum");
	assert_string_equal(drop_name(DROP_COUNT), "?");
	assert_string_equal(drop_text((enum drop_reason) - 1), "?");
}

static void
test_punt_names(void **state)
{
	(void)state;
	for (int i = 0; i < PUNT_COUNT; i++) {
		check_name(punt_name((enum punt_reason)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(punt_name((enum punt_reason)i),
					punt_name((enum punt_reason)j));
	}
	assert_string_equal(punt_name(PUNT_NOT_FAST), "not_fast");
	assert_string_equal(punt_name(PUNT_COUNT), "?");
}

static void
test_state_names(void **state)
{
	static const char *const names[] = { "none", "new", "established", "related", "invalid",
		"untracked" };

	(void)state;
	for (int i = 0; i < CT_STATE_COUNT; i++)
		assert_string_equal(ct_state_name((enum ct_state)i), names[i]);
	assert_string_equal(ct_state_name(CT_STATE_COUNT), "?");
}

static void
test_counters_add(void **state)
{
	static struct counters a, b;

	(void)state;
	a.rx.packets = 1;
	b.rx.packets = 2;
	b.rx.bytes = UINT64_C(1) << 40;
	a.state[CT_STATE_COUNT - 1].bytes = 5;
	b.polls = 7;
	a.drop[DROP_COUNT - 1] = 11;
	b.drop[DROP_COUNT - 1] = 13;
	counters_add(&a, &b);
	assert_int_equal(a.rx.packets, 3);
	assert_int_equal(a.rx.bytes, UINT64_C(1) << 40);
	assert_int_equal(a.state[CT_STATE_COUNT - 1].bytes, 5);
	assert_int_equal(a.polls, 7);
	assert_int_equal(a.drop[DROP_COUNT - 1], 24);
	assert_int_equal(a.tx.packets, 0);
	assert_int_equal(b.drop[DROP_COUNT - 1], 13);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop_names),
		cmocka_unit_test(test_punt_names),
		cmocka_unit_test(test_state_names),
		cmocka_unit_test(test_counters_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
