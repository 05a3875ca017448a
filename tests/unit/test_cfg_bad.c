/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configurations that are refused: every row of cfg_bad.json says which errors its configuration
 * has, no more and no fewer. (test_cfg_schema.py asks the schema about the same rows.) Here also
 * what is no row: text that is no JSON, and files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "config/cfg.h"

static const struct cfg_error *
find_error(const struct cfg_errors *errs, const char *where)
{
	unsigned int i;

	for (i = 0; i < errs->n; i++) {
		if (strcmp(errs->list[i].where, where) == 0)
			return &errs->list[i];
	}
	return NULL;
}

/* A row's errors are there, with what they must say; `count` where one place has several. */
static bool
row_passes(const char *what, json_t *row, const struct cfg_errors *errs)
{
	json_t *expected = json_object_get(row, "errors"), *count = json_object_get(row, "count");
	size_t n = count != NULL ? (size_t)json_integer_value(count) : json_object_size(expected);
	const char *where;
	json_t *substring;
	bool good = true;

	json_object_foreach(expected, where, substring) {
		const struct cfg_error *e = find_error(errs, where);

		if (e != NULL && strstr(e->message, json_string_value(substring)) != NULL)
			continue;
		print_error("%s: no error at \"%s\" that says: %s\n", what, where,
				json_string_value(substring));
		good = false;
	}
	if (errs->n != n || errs->more != 0) {
		print_error("%s: %u errors, not %zu\n", what, errs->n + errs->more, n);
		good = false;
	}
	if (!good)
		cfg_errors_print(errs, stderr);
	return good;
}

static void
test_rows(void **state)
{
	const char *source = getenv("SHUNT_SOURCE_DIR");
	struct cfg_errors errs = { 0 };
	unsigned int failed = 0;
	char path[4096];
	json_error_t error;
	json_t *rows, *row;
	size_t i;

	(void)state;
	assert_non_null(source);
	snprintf(path, sizeof(path), "%s/tests/unit/cfg_bad.json", source);
	rows = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(rows);
	assert_true(json_array_size(rows) > 100);
	json_array_foreach(rows, i, row) {
		const char *what = json_string_value(json_object_get(row, "what"));
		char *text = json_dumps(json_object_get(row, "config"), JSON_COMPACT);
		struct cfg *cfg;

		assert_non_null(what);
		assert_non_null(text);
		cfg = cfg_load_json(text, strlen(text), what, &errs);
		if (cfg != NULL) {
			print_error("%s: was accepted\n", what);
			failed++;
		} else {
			failed += !row_passes(what, row, &errs);
		}
		cfg_free(cfg);
		free(text);
	}
	cfg_errors_free(&errs);
	json_decref(rows);
	assert_int_equal(failed, 0);
}

static void
test_no_json(void **state)
{
	static const struct {
		const char *text, *where, *message;
	} rows[] = {
		{ "", "1:0", "expected near end of file" },
		{ "{", "1:1", "expected near end of file" },
		{ "{\"ports\": [\n  {\"name\": \"a\",}\n]}", "2:16", "string or '}' expected" },
		{ "{\"ports\": [{\"name\": \"a\"}]} x", "1:28", "end of file expected" },
		{ "{\"ports\": [{\"name\": \"a\", \"name\": \"b\"}]}", "1:31",
				"duplicate object key" },
		{ "{\"ports\": [{\"name\": \"a\\u0000b\"}]}", "1:30", "\\u0000 is not allowed" },
		{ "{\"ports\": [{\"name\": \"\xff\"}]}", "1:21", "unable to decode byte 0xff" },
		{ "{\"ports\": [{\"mtu\": 99999999999999999999}]}", "1:39", "too big integer" },
		{ "{'ports': 1}", "1:2", "expected near '''" },
		{ "{\"ports\": \"\x1b[2J\"}", "1:11", "control character 0x1b" },
	};
	struct cfg_errors errs = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(cfg_load_json(rows[i].text, strlen(rows[i].text), "x", &errs));
		assert_int_equal(errs.n, 1);
		assert_string_equal(errs.list[0].where, rows[i].where);
		if (strstr(errs.list[0].message, rows[i].message) == NULL)
			fail_msg("%s: %s", rows[i].text, errs.list[0].message);
	}
	cfg_errors_free(&errs);
}

/* Arrays in arrays, deeper than any reader that calls itself could follow. */
static void
test_deep(void **state)
{
	size_t n = 1 << 20;
	struct cfg_errors errs = { 0 };
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	memset(text, '[', n);
	assert_null(cfg_load_json(text, n, "x", &errs));
	assert_int_equal(errs.n, 1);
	assert_non_null(strstr(errs.list[0].message, "maximum parsing depth"));
	cfg_errors_free(&errs);
	free(text);
}

/* A list of errors without end is cut, and says so. */
static void
test_many(void **state)
{
	struct cfg_errors errs = { 0 };
	char *text = malloc(1 << 16), line[256], last[256] = "";
	size_t len = 0;
	FILE *f;
	int i;

	(void)state;
	assert_non_null(text);
	len += sprintf(text, "{\"ports\": [{\"name\": \"a\"}], \"routes\": [0");
	for (i = 1; i < CFG_ERRORS_MAX + 7; i++)
		len += sprintf(text + len, ",%d", i);
	len += sprintf(text + len, "]}");
	assert_null(cfg_load_json(text, len, "x", &errs));
	assert_int_equal(errs.n, CFG_ERRORS_MAX);
	assert_int_equal(errs.more, 7);
	f = tmpfile();
	assert_non_null(f);
	cfg_errors_print(&errs, f);
	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL)
		strcpy(last, line);
	assert_string_equal(last, "x: and 7 more\n");
	fclose(f);
	cfg_errors_free(&errs);
	free(text);
}

/*
 * A place and a message are cut where they are too long; nothing of them is lost on the way to the
 * terminal.
 */
static void
test_long(void **state)
{
	struct cfg_errors errs = { 0 };
	char *text = malloc(1 << 16);
	size_t len;

	(void)state;
	assert_non_null(text);
	len = sprintf(text, "{\"ports\": [{\"name\": \"a\"}], \"");
	memset(text + len, '\x7f', 5000);
	len += 5000;
	len += sprintf(text + len, "\": \"");
	memset(text + len, 'y', 5000);
	len += 5000;
	len += sprintf(text + len, "\"}");
	assert_null(cfg_load_json(text, len, "x", &errs));
	assert_int_equal(errs.n, 1);
	assert_int_equal(strncmp(errs.list[0].where, "/\\x7f\\x7f", 9), 0);
	assert_true(strlen(errs.list[0].where) < 1100);
	cfg_errors_free(&errs);
	free(text);
}

static void
test_files(void **state)
{
	char path[] = "/tmp/test_cfg_XXXXXX", line[256] = "", expected[256];
	struct cfg_errors errs = { 0 };
	FILE *f;
	int fd;

	(void)state;
	assert_null(cfg_load("/nonexistent/x.json", &errs));
	assert_string_equal(errs.list[0].where, "");
	assert_string_equal(errs.list[0].message, "cannot be read: No such file or directory");
	assert_null(cfg_load("/tmp", &errs));
	assert_string_equal(errs.list[0].message, "cannot be read: Is a directory");

	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)CFG_FILE_MAX + 1), 0);
	assert_null(cfg_load(path, &errs));
	assert_int_equal(errs.n, 1);
	assert_string_equal(errs.list[0].message, "more than 64 MiB: expected less");

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(
			dprintf(fd, "{\"ports\": [{\"name\": \"a\"}, {\"name\": \"b\", \"mtu\": 70000}]}"),
			55);
	assert_null(cfg_load(path, &errs));
	f = tmpfile();
	assert_non_null(f);
	cfg_errors_print(&errs, f);
	rewind(f);
	assert_non_null(fgets(line, sizeof(line), f));
	snprintf(expected, sizeof(expected),
			"%s: /ports/1/mtu: 70000 is out of range: expected 68 to 65535\n", path);
	assert_string_equal(line, expected);
	assert_null(fgets(line, sizeof(line), f));
	fclose(f);
	close(fd);
	unlink(path);
	cfg_errors_free(&errs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_json),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
