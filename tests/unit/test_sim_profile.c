/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Profiles of cards: every number is read, set and bounded; what is wrong is refused, by name; and the list in the header, the
 * schema and the files that are shipped say the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "hwsim/core/profile.h"

struct number {
	const char *section, *key, *text;
	size_t at;
	uint64_t def, min, max;
};

static const struct number numbers[] = {
#define X(section, field, key, def, min, max, text) \
	{ #section, key, text, offsetof(struct sim_profile, section##_##field), def, min, max },
	SIM_PROFILE_NUMBERS(X)
#undef X
};
#define N (sizeof(numbers) / sizeof(numbers[0]))

static const char *const shipped[] = { "ideal", "cx5", "cx6", "25g" };

static uint32_t
get(const struct sim_profile *p, const struct number *n)
{
	uint32_t v;

	memcpy(&v, (const char *)p + n->at, sizeof(v));
	return v;
}

static void
test_ideal(void **state)
{
	struct sim_profile p, loaded;
	struct sim_error e;

	(void)state;
	sim_profile_ideal(&p);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(get(&p, &numbers[i]), numbers[i].def);
	assert_int_equal(sim_profile_load(&loaded, "ideal", &e), 0);
	assert_memory_equal(&p, &loaded, sizeof(p));
	assert_int_equal(sim_profile_parse(&loaded, "{}", "ideal", &e), 0);
	assert_memory_equal(&p, &loaded, sizeof(p));
}

/* Each number by itself, at its bounds and beyond, in a file and by assignment. */
static void
test_bounds(void **state)
{
	uint32_t taken = 0;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		const struct number *n = &numbers[i];
		const int64_t values[] = { (int64_t)n->min, (int64_t)n->max, (int64_t)n->min - 1,
			(int64_t)n->max + 1 };

		for (uint32_t v = 0; v < 4; v++) {
			struct sim_profile p, set;
			struct sim_error e = { "" };
			char json[256], assignment[128], name[64];
			int rc, rc_set;

			snprintf(json, sizeof(json),
					"{\"%s\":{\"%s\":{\"value\":%lld,\"source\":\"x\"}}}",
					n->section, n->key, (long long)values[v]);
			snprintf(assignment, sizeof(assignment), "%s.%s=%lld", n->section, n->key,
					(long long)values[v]);
			snprintf(name, sizeof(name), "%s.%s", n->section, n->key);
			sim_profile_ideal(&set);
			rc = sim_profile_parse(&p, json, "some.json", &e);
			if (rc != 0) {
				/* Its own bounds, or what goes with it. */
				assert_int_equal(rc, v < 2 ? -EINVAL : -ERANGE);
				assert_non_null(strstr(e.text, "some.json"));
				if (v >= 2)
					assert_non_null(strstr(e.text, name));
			} else {
				assert_true(v < 2);
				taken++;
				assert_int_equal(get(&p, n), (uint32_t)values[v]);
			}
			rc_set = sim_profile_set(&set, assignment, &e);
			assert_int_equal(rc_set == 0, rc == 0);
			if (rc_set == 0)
				assert_int_equal(get(&set, n), (uint32_t)values[v]);
			else
				assert_int_equal(get(&set, n), n->def);
		}
	}
	/* Few bounds are no values by themselves. */
	assert_true(taken > 2 * N * 3 / 4);
}

struct bad {
	const char *json;
	const char *says[2];
};

#define V(v) "{\"value\":" v ",\"source\":\"s\"}"

static const struct bad bads[] = {
	{ "", { "f:1:0", "" } },
	{ "{\n  \"cache\": {\n    \"lines\": }\n}", { "f:3:", "" } },
	{ "{\"cache\":{},\"cache\":{}}", { "duplicate", "" } },
	{ "[]", { "object", "" } },
	{ "{\"cash\":{}}", { "cash", "unknown section" } },
	{ "{\"cache\":[]}", { "cache", "object" } },
	{ "{\"cache\":{\"line\":" V("8") "}}", { "cache.line", "unknown key" } },
	{ "{\"cache\":{\"lines\":8}}", { "cache.lines", "0 to 4194304" } },
	{ "{\"cache\":{\"lines\":{\"value\":8}}}", { "cache.lines", "source" } },
	{ "{\"cache\":{\"lines\":{\"value\":8,\"source\":\"\"}}}", { "cache.lines", "source" } },
	{ "{\"cache\":{\"lines\":{\"value\":8,\"source\":1}}}", { "cache.lines", "source" } },
	{ "{\"cache\":{\"lines\":{\"source\":\"s\"}}}", { "cache.lines", "integer" } },
	{ "{\"cache\":{\"lines\":" V("8.0") "}}", { "cache.lines", "integer" } },
	{ "{\"cache\":{\"lines\":" V("\"8\"") "}}", { "cache.lines", "integer" } },
	{ "{\"cache\":{\"lines\":" V("-1") "}}", { "cache.lines", "0 to 4194304" } },
	{ "{\"cache\":{\"lines\":" V("9223372036854775807") "}}",
			{ "cache.lines", "0 to 4194304" } },
	{ "{\"cache\":{\"lines\":{\"value\":8,\"source\":\"s\",\"unit\":\"\"}}}",
			{ "cache.lines", "unit" } },
	{ "{\"cache\":{\"lines\":" V("12") ",\"ways\":" V("8") "}}",
			{ "cache.lines", "cache.ways" } },
	{ "{\"pcie\":{\"mrrs\":" V("384") "}}", { "mrrs 384", "powers of 2" } },
	{ "{\"pcie\":{\"lanes\":" V("3") "}}", { "lanes 3", "powers of 2" } },
	{ "{\"buffer\":{\"bytes\":" V("99") "}}", { "buffer.bytes", "16384" } },
	{ "{\"tables\":{\"exact-max\":" V("1") "}}", { "tables.root-max", "tables.exact-max" } },
	{ "{\"tables\":{\"root-buckets\":" V("9") ",\"buckets-max\":" V("8") "}}",
			{ "tables.root-buckets", "tables.buckets-max" } },
	{ "{\"objects\":{\"counters\":" V("1") ",\"counter-cache\":" V("2") "}}",
			{ "objects.counter-cache", "objects.counters" } },
	{ "{\"queues\":{\"descriptors\":" V("64") "},\"dma\":{\"prefetch\":" V("65") "}}",
			{ "prefetch", "queues.descriptors" } },
	{ "{\"name\":1}", { "name", "string" } },
	{ "{\"name\":\"\"}", { "name", "string" } },
	{ "{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
			{ "name", "63" } },
	{ "{\"comment\":1}", { "comment", "" } },
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct sim_profile p, before;
		struct sim_error e = { "" };

		memset(&p, 0x5a, sizeof(p));
		before = p;
		if (sim_profile_parse(&p, bads[i].json, "f", &e) == 0)
			fail_msg("taken: %s", bads[i].json);
		if (strncmp(e.text, "f:", 2) != 0 || strstr(e.text, bads[i].says[0]) == NULL ||
				strstr(e.text, bads[i].says[1]) == NULL)
			fail_msg("%s: says \"%s\"", bads[i].json, e.text);
		assert_memory_equal(&p, &before, sizeof(p));
		assert_int_not_equal(sim_profile_parse(&p, bads[i].json, "f", NULL), 0);
	}
}

static void
test_set_bad(void **state)
{
	static const char *const wrong[] = { "", "=", ".=", "cache", "cache.lines",
		"cache.lines=", "cache.lines=x", "cache.lines=8x", "cache.lines= 8",
		"cache.lines=-8", "cache.lines=+8", "cache.lines=12",
		"cache.lines=99999999999999999999", "cacheXlines=8", "cache.line=8",
		"=cache.lines8", "cache=lines.8", "pcie.mrrs=384",
		"0123456789012345678901234567890123456789012345678901234567890123.x=1" };
	struct sim_profile p, before;
	struct sim_error e;

	(void)state;
	sim_profile_ideal(&p);
	before = p;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (sim_profile_set(&p, wrong[i], &e) == 0)
			fail_msg("taken: %s", wrong[i]);
		assert_memory_equal(&p, &before, sizeof(p));
	}
	assert_int_equal(sim_profile_set(&p, "cache.lines=16384", &e), 0);
	assert_int_equal(p.cache_lines, 16384);
}

/* Every shipped file has every number, with a source, within the bounds of the list; the loader takes it. */
static void
test_shipped(void **state)
{
	(void)state;
	for (size_t f = 0; f < sizeof(shipped) / sizeof(shipped[0]); f++) {
		struct sim_profile p, ideal;
		struct sim_error e;
		json_error_t at;
		char path[4096];
		json_t *root;

		snprintf(path, sizeof(path), "%s/config/hwsim/%s.json", getenv("SHUNT_SOURCE_DIR"),
				shipped[f]);
		root = json_load_file(path, 0, &at);
		assert_non_null(root);
		if (sim_profile_load(&p, path, &e) != 0)
			fail_msg("%s", e.text);
		assert_string_equal(p.name, shipped[f]);
		for (size_t i = 0; i < N; i++) {
			json_t *j = json_object_get(
					json_object_get(root, numbers[i].section), numbers[i].key);

			if (j == NULL)
				fail_msg("%s: no %s.%s", path, numbers[i].section, numbers[i].key);
			assert_int_equal(json_integer_value(json_object_get(j, "value")),
					get(&p, &numbers[i]));
		}
		sim_profile_ideal(&ideal);
		if (strcmp(shipped[f], "ideal") == 0)
			assert_memory_equal(&p, &ideal, sizeof(p));
		else
			assert_memory_not_equal(&p, &ideal, sizeof(p));
		json_decref(root);
	}
}

/* The schema is the list: no key more, none less, the same bounds and words. */
static void
test_schema(void **state)
{
	json_error_t at;
	char path[4096];
	json_t *root, *sections, *section;
	const char *name;
	size_t keys = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/config/hwsim/schema.json", getenv("SHUNT_SOURCE_DIR"));
	root = json_load_file(path, 0, &at);
	assert_non_null(root);
	sections = json_object_get(root, "properties");
	for (size_t i = 0; i < N; i++) {
		const struct number *n = &numbers[i];
		json_t *j, *v;

		section = json_object_get(json_object_get(sections, n->section), "properties");
		j = json_object_get(section, n->key);
		v = json_object_get(json_object_get(j, "properties"), "value");
		if (v == NULL)
			fail_msg("schema: no %s.%s", n->section, n->key);
		assert_string_equal(json_string_value(json_object_get(j, "description")), n->text);
		assert_int_equal(json_integer_value(json_object_get(v, "minimum")), n->min);
		assert_int_equal(json_integer_value(json_object_get(v, "maximum")), n->max);
		assert_int_equal(json_integer_value(json_object_get(v, "default")), n->def);
	}
	json_object_foreach(sections, name, section) {
		json_t *p = json_object_get(section, "properties");

		if (p != NULL)
			keys += json_object_size(p) - (json_object_get(p, "comment") != NULL);
	}
	assert_int_equal(keys, N);
	json_decref(root);
}

static void
write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Names, directories, paths; files that are none. */
static void
test_places(void **state)
{
	char dir[] = "/tmp/shunt-profiles-XXXXXX", path[128];
	const char *json = "{\"name\":\"mine\",\"mac\":{\"mbps\":" V("1234") "}}";
	struct sim_profile p;
	struct sim_error e;
	char *big;

	(void)state;
	assert_non_null(mkdtemp(dir));
	unsetenv("SHUNT_HWSIM_PROFILES");
	/* The source tree's: this is where the build was set up from. */
	assert_int_equal(sim_profile_load(&p, "cx5", &e), 0);
	assert_int_equal(p.mac_mbps, 100000);
	assert_int_equal(sim_profile_load(&p, "mine", &e), -ENOENT);
	assert_non_null(strstr(e.text, "mine"));
	assert_non_null(strstr(e.text, "cx5"));

	setenv("SHUNT_HWSIM_PROFILES", dir, 1);
	snprintf(path, sizeof(path), "%s/mine.json", dir);
	write_file(path, json, strlen(json));
	assert_int_equal(sim_profile_load(&p, "mine", &e), 0);
	assert_string_equal(p.name, "mine");
	assert_int_equal(p.mac_mbps, 1234);
	assert_int_equal(sim_profile_load(&p, path, &e), 0);
	assert_int_equal(sim_profile_load(&p, "cx6", &e), 0);

	/* One that is wrong is not passed over for another place's. */
	write_file(path, "{", 1);
	assert_int_equal(sim_profile_load(&p, "mine", &e), -EINVAL);
	assert_non_null(strstr(e.text, path));
	big = malloc(2u << 20);
	assert_non_null(big);
	memset(big, ' ', 2u << 20);
	write_file(path, big, 2u << 20);
	free(big);
	assert_int_equal(sim_profile_load(&p, path, &e), -EFBIG);
	assert_int_equal(sim_profile_load(&p, dir, &e), -EIO);
	assert_int_equal(sim_profile_load(&p, "none.json", &e), -ENOENT);
	assert_int_equal(sim_profile_load(&p, "", &e), -ENOENT);
	unlink(path);
	rmdir(dir);
	unsetenv("SHUNT_HWSIM_PROFILES");
}

static void
test_time(void **state)
{
	struct sim_profile p;

	(void)state;
	sim_profile_ideal(&p);
	p.clock_mhz = 250;
	assert_int_equal(sim_profile_cycles(&p, 0), 0);
	assert_int_equal(sim_profile_cycles(&p, 1), 1);
	assert_int_equal(sim_profile_cycles(&p, 4), 1);
	assert_int_equal(sim_profile_cycles(&p, 5), 2);
	assert_int_equal(sim_profile_ns(&p, 1), 4);
	p.clock_mhz = 3000;
	assert_int_equal(sim_profile_ns(&p, 1), 1);
	assert_int_equal(sim_profile_ns(&p, 3), 1);
	assert_int_equal(sim_profile_ns(&p, 4), 2);
	assert_int_equal(sim_profile_cycles(&p, UINT64_MAX), SIM_NEVER);
	p.clock_mhz = 1;
	assert_int_equal(sim_profile_ns(&p, UINT64_MAX), UINT64_MAX);
	for (uint64_t ns = 0; ns < 100000; ns += 77)
		for (p.clock_mhz = 1; p.clock_mhz < 4000; p.clock_mhz += 333)
			assert_true(sim_profile_ns(&p, sim_profile_cycles(&p, ns)) >= ns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ideal),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_set_bad),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_time),
	};

	if (getenv("SHUNT_SOURCE_DIR") == NULL) {
		puts("SHUNT_SOURCE_DIR is not set");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
