/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry (names, parameters, errors) and text tables.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>

#include "control/ctl.h"

/* Gives its parameters back. */
static int
echo_call(void *ctx, const json_t *params, json_t **result)
{
	(void)ctx;
	*result = params != NULL ? json_deep_copy(params) : json_object();
	return 0;
}

static int
fail_call(void *ctx, const json_t *params, json_t **result)
{
	(void)params;
	(void)result;
	return *(int *)ctx;
}

static int
register_named(struct ctl *c, const char *name)
{
	const struct ctl_method m = {
		.name = name,
		.help = "help",
		.args = "[limit N] [service NAME] [all]",
		.call = echo_call,
	};

	return ctl_register(c, &m);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{ "show stats", 0 },
		{ "show stats", -EEXIST },
		{ "show", -EEXIST },		/* "stats" would be its parameter */
		{ "show stats long", -EEXIST }, /* the other way round */
		{ "show stats2", 0 },		/* another word */
		{ "show-all", 0 },
		{ "help", -EEXIST },
		{ "help me", -EEXIST },
		{ "quit", -EEXIST },
		{ "", -EINVAL },
		{ " show", -EINVAL },
		{ "show ", -EINVAL },
		{ "show  ports", -EINVAL },
		{ "Show", -EINVAL },
		{ "a#b", -EINVAL },
		{ "a\tb", -EINVAL },
		{ "0123456789012345678901234567890123456789012345678901234567890123", -EINVAL },
		{ NULL, -EINVAL },
	};
	struct ctl *c = ctl_create();
	size_t i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		if (register_named(c, cases[i].name) != cases[i].rc)
			fail_msg("case %zu: %s", i, cases[i].name);
	}
	ctl_destroy(c);
	ctl_destroy(NULL);
}

static void
check_call(struct ctl *c, const char *name, const char *params, int rc, const char *expected)
{
	json_t *p = params != NULL ? json_loads(params, JSON_DECODE_ANY, NULL) : NULL;
	json_t *result = NULL;
	char *text;

	assert_int_equal(ctl_call(c, name, p, &result), rc);
	text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	json_decref(p);
	json_decref(result);
}

static void
test_call(void **state)
{
	int nothing = 0, broken = -ENODEV;
	const struct ctl_method fails = {
		.name = "fail", .help = "h", .call = fail_call, .ctx = &broken
	};
	const struct ctl_method none = {
		.name = "none", .help = "h", .call = fail_call, .ctx = &nothing
	};
	struct ctl *c = ctl_create();

	(void)state;
	assert_int_equal(register_named(c, "echo it"), 0);
	assert_int_equal(ctl_register(c, &fails), 0);
	assert_int_equal(ctl_register(c, &none), 0);
	check_call(c, "echo it", NULL, 0, "{}");
	check_call(c, "echo it", "{\"limit\": 3, \"service\": \"x\", \"all\": true}", 0,
			"{\"all\":true,\"limit\":3,\"service\":\"x\"}");
	check_call(c, "echo it", "{\"lim\": 3}", -EINVAL,
			"{\"error\":\"unknown parameter \\\"lim\\\"; usage: echo it [limit N] "
			"[service NAME] [all]\"}");
	check_call(c, "echo it", "{\"N\": 3}", -EINVAL,
			"{\"error\":\"unknown parameter \\\"N\\\"; usage: echo it [limit N] "
			"[service NAME] [all]\"}");
	check_call(c, "echo it", "{\"\": 3}", -EINVAL,
			"{\"error\":\"unknown parameter \\\"\\\"; usage: echo it [limit N] "
			"[service NAME] [all]\"}");
	check_call(c, "echo it", "[1]", -EINVAL, "{\"error\":\"parameters must be an object\"}");
	check_call(c, "echo", NULL, -ENOENT, "{\"error\":\"no such method: echo\"}");
	check_call(c, "fail", NULL, -ENODEV, "{\"error\":\"fail: No such device\"}");
	check_call(c, "fail", "{\"a\": 1}", -EINVAL,
			"{\"error\":\"unknown parameter \\\"a\\\"; usage: fail\"}");
	check_call(c, "none", NULL, -ENOMEM, "{\"error\":\"none: Cannot allocate memory\"}");
	ctl_destroy(c);
}

static void
test_help(void **state)
{
	struct ctl *c = ctl_create();
	json_t *result;

	(void)state;
	assert_int_equal(register_named(c, "show stats"), 0);
	assert_int_equal(ctl_call(c, "help", NULL, &result), 0);
	assert_int_equal(json_array_size(result), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(result, 0), "name")),
			"help");
	assert_string_equal(json_string_value(json_object_get(json_array_get(result, 1), "args")),
			"[limit N] [service NAME] [all]");
	json_decref(result);
	ctl_destroy(c);
}

static void
test_params(void **state)
{
	static const struct {
		const char *json;
		int rc;
		uint64_t value;
	} cases[] = {
		{ "{}", 0, 77 },
		{ "{\"n\": 5}", 0, 5 },
		{ "{\"n\": \"5\"}", 0, 5 },
		{ "{\"n\": \"007\"}", 0, 7 },
		{ "{\"n\": 1000}", 0, 1000 },
		{ "{\"n\": 1001}", -EINVAL, 77 },
		{ "{\"n\": \"1001\"}", -EINVAL, 77 },
		{ "{\"n\": -1}", -EINVAL, 77 },
		{ "{\"n\": \"-1\"}", -EINVAL, 77 },
		{ "{\"n\": \"+1\"}", -EINVAL, 77 },
		{ "{\"n\": \" 1\"}", -EINVAL, 77 },
		{ "{\"n\": \"1x\"}", -EINVAL, 77 },
		{ "{\"n\": \"0x1\"}", -EINVAL, 77 },
		{ "{\"n\": \"\"}", -EINVAL, 77 },
		{ "{\"n\": \"99999999999999999999\"}", -EINVAL, 77 },
		{ "{\"n\": 1.0}", -EINVAL, 77 },
		{ "{\"n\": null}", -EINVAL, 77 },
		{ "{\"n\": [1]}", -EINVAL, 77 },
	};
	const char *text = "before";
	json_t *error = NULL, *p;
	size_t i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		uint64_t n = 77;

		p = json_loads(cases[i].json, 0, NULL);
		error = NULL;
		if (ctl_param_uint(p, "n", 1000, &n, &error) != cases[i].rc || n != cases[i].value)
			fail_msg("%s", cases[i].json);
		if (cases[i].rc != 0)
			assert_string_equal(json_string_value(json_object_get(error, "error")),
					"n: must be a number from 0 to 1000");
		json_decref(error);
		json_decref(p);
	}
	p = json_loads("{\"a\": \"x\", \"b\": 1}", 0, NULL);
	error = NULL;
	assert_int_equal(ctl_param_string(p, "c", &text, &error), 0);
	assert_string_equal(text, "before");
	assert_int_equal(ctl_param_string(p, "a", &text, &error), 0);
	assert_string_equal(text, "x");
	assert_null(error);
	assert_int_equal(ctl_param_string(p, "b", &text, &error), -EINVAL);
	assert_non_null(error);
	json_decref(error);
	json_decref(p);
}

static void
test_error_text(void **state)
{
	json_t *e = ctl_error("%s", "\xff\xfe");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(e, "error")), "not UTF-8");
	json_decref(e);
}

static void
test_thousands(void **state)
{
	static const struct {
		uint64_t v;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 1234567, "1,234,567" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char buf[32];
	size_t i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++)
		assert_string_equal(ctl_thousands(cases[i].v, buf), cases[i].text);
}

static char *
printed(struct ctl_table *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ctl_table_print(t, f);
	fclose(f);
	return text;
}

static void
test_table(void **state)
{
	struct ctl_table *t = ctl_table_create("title");
	char *text;
	int i;

	(void)state;
	ctl_table_column(t, "name", false);
	ctl_table_column(t, "n", true);
	ctl_table_column(t, "what", false);
	text = printed(t);
	assert_string_equal(text, "title\nname  n  what\n");
	free(text);

	ctl_table_cell(t, "%s", "a longer name");
	ctl_table_cell(t, "%d", 12345);
	ctl_table_cell(t, "x\033[2J");
	ctl_table_cell(t, "b");
	ctl_table_cell(t, "%d", 1);
	text = printed(t);
	assert_string_equal(text,
			"title\n"
			"name               n  what\n"
			"a longer name  12345  x?[2J\n"
			"b                  1\n");
	free(text);
	for (i = 0; i < 1000; i++)
		ctl_table_cell(t, "%d", i);
	text = printed(t);
	assert_non_null(strstr(text, "998"));
	free(text);
	ctl_table_destroy(t);

	/* Misuse ends in a message, not in a crash. */
	t = ctl_table_create(NULL);
	ctl_table_cell(t, "no column yet");
	for (i = 0; i < 100; i++)
		ctl_table_column(t, "c", false);
	text = printed(t);
	assert_string_equal(text, "error: no memory for the table\n");
	free(text);
	ctl_table_destroy(t);
	ctl_table_destroy(NULL);
	ctl_table_column(NULL, "c", false);
	ctl_table_cell(NULL, "c");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_thousands),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
