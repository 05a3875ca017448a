/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devargs of net_hwsim: what is right is taken, what is wrong is refused and named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hwsim.h"

static void
test_defaults(void **state)
{
	static const char *const empty[] = { NULL, "", ",", "seed=1" };
	struct hwsim_args a;
	struct sim_error e;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(empty); i++) {
		assert_int_equal(hwsim_args_parse(&a, empty[i], &e), 0);
		assert_string_equal(a.profile, "ideal");
		assert_int_equal(a.ports, 1);
		assert_int_equal(a.clock, HWSIM_CLOCK_OFF);
		assert_false(a.pace);
		assert_null(a.wire_all);
		assert_int_equal(a.n_representors, 0);
		assert_int_equal(a.seed, 1);
		hwsim_args_free(&a);
	}
}

static void
test_all(void **state)
{
	static const uint16_t representors[] = { 0, 1, 2, 7 };
	struct hwsim_args a;
	struct sim_error e;

	(void)state;
	assert_int_equal(hwsim_args_parse(&a,
					 "profile=cx5,ports=2,wire=gen:flows=10;size=64,wire1=pcap:"
					 "rx=a;tx=b,clock=virtual,pace=1,representor=[0-2,vf7],"
					 "trace=5,wave=/x/y.vcd,seed=0x10,set=cache.lines=4;"
					 "mac.mbps=25000,set=clock.mhz=200",
					 &e),
			0);
	assert_string_equal(a.profile, "cx5");
	assert_int_equal(a.ports, 2);
	assert_string_equal(a.wire_all, "gen:flows=10;size=64");
	assert_null(a.wire[0]);
	assert_string_equal(a.wire[1], "pcap:rx=a;tx=b");
	assert_int_equal(a.clock, HWSIM_CLOCK_VIRTUAL);
	assert_true(a.pace);
	assert_int_equal(a.n_representors, RTE_DIM(representors));
	assert_memory_equal(a.representors, representors, sizeof(representors));
	assert_int_equal(a.trace, 5);
	assert_string_equal(a.wave, "/x/y.vcd");
	assert_int_equal(a.seed, 16);
	assert_int_equal(a.n_sets, 3);
	assert_string_equal(a.set[0], "cache.lines=4");
	assert_string_equal(a.set[1], "mac.mbps=25000");
	assert_string_equal(a.set[2], "clock.mhz=200");
	hwsim_args_free(&a);
}

static void
test_representors(void **state)
{
	static const struct {
		const char *text;
		uint16_t n, last;
	} good[] = { { "representor=3", 1, 3 }, { "representor=vf3", 1, 3 },
		{ "representor=[5]", 1, 5 }, { "representor=vf[0-3]", 4, 3 },
		{ "representor=[0-3,9,5-6]", 7, 6 } };
	struct hwsim_args a;
	struct sim_error e;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(good); i++) {
		assert_int_equal(hwsim_args_parse(&a, good[i].text, &e), 0);
		assert_int_equal(a.n_representors, good[i].n);
		assert_int_equal(a.representors[a.n_representors - 1], good[i].last);
		hwsim_args_free(&a);
	}
}

/* Every refusal says what it is about. */
static void
test_bad(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "bogus=1", "bogus=: no such key" },
		{ "wir=loop", "wir=: no such key" },
		{ "profiles=x", "profiles=: no such key" },
		{ "ports", "ports=: wants a value" },
		{ "ports=", "ports=: wants a value" },
		{ "=3", "=: no such key" },
		{ "ports=0", "ports=0" },
		{ "ports=-1", "ports=-1" },
		{ "ports=+1", "ports=+1" },
		{ "ports= 1", "ports= 1" },
		{ "ports=65", "ports=65" },
		{ "ports=1x", "ports=1x" },
		{ "ports=1,ports=1", "ports= is there twice" },
		{ "clock=on", "off, virtual or tsc" },
		{ "pace=2", "pace=2" },
		{ "pace=yes", "pace=yes" },
		{ "seed=18446744073709551616", "seed=18446744073709551616" },
		{ "trace=1", "trace=" },
		{ "clock=tsc,trace=1048577", "trace=1048577" },
		{ "wave=x.vcd", "wave=" },
		{ "wire1=loop", "wire1=" },
		{ "wire64=loop", "wire64=" },
		{ "wirex=loop", "wirex=" },
		{ "wire=loop,wire=none", "wire= is there twice" },
		{ "wire0=loop,wire0=none", "wire0= is there twice" },
		{ "representor=", "representor=: wants a value" },
		{ "representor=x", "representor=x" },
		{ "representor=[]", "representor=" },
		{ "representor=[0-3", "no ]" },
		{ "representor=[3-0]", "backwards" },
		{ "representor=[0,0]", "twice" },
		{ "representor=[0-63]", "more than" },
		{ "ports=60,representor=[0-9]", "more than 64 together" },
		{ "representor=-1", "representor=" },
	};
	struct hwsim_args a;
	struct sim_error e;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		e.text[0] = '\0';
		if (hwsim_args_parse(&a, bad[i].text, &e) != -EINVAL)
			fail_msg("%s was taken", bad[i].text);
		if (strstr(e.text, bad[i].says) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, e.text,
					bad[i].says);
		assert_null(a.wire_all);
	}
}

/* Longer than anything has room for. */
static void
test_long(void **state)
{
	static char text[3 * PATH_MAX];
	struct hwsim_args a;
	struct sim_error e;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		memset(text, '1', sizeof(text) - 1);
		memcpy(text, i == 0 ? "profile=" : "representor=", i == 0 ? 8 : 12);
		assert_int_equal(hwsim_args_parse(&a, text, &e), -EINVAL);
	}
	/* 65 settings */
	text[0] = '\0';
	for (unsigned int i = 0; i < 65; i++)
		strcat(text, i == 0 ? "set=a.b=1" : ";a.b=1");
	assert_int_equal(hwsim_args_parse(&a, text, &e), -EINVAL);
	assert_non_null(strstr(e.text, "more than 64"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_representors),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("hwsim_args", tests, NULL, NULL);
}
