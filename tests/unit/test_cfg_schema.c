/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config/schema.json and the loader know the same sections and keys, with the same types, ranges,
 * words and defaults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>

#include "cfg_priv.h"

static const struct cfg_section *const sections[] = {
	&cfg_root_section,
	&cfg_port_section,
	&cfg_route_section,
	&cfg_neighbour_section,
	&cfg_lcores_section,
	&cfg_tables_section,
	&cfg_conntrack_section,
	&cfg_timeouts_section,
	&cfg_zone_section,
	&cfg_timeout_policy_section,
	&cfg_ct_rule_section,
	&cfg_syn_cookies_section,
	&cfg_l3_section,
	&cfg_events_section,
	&cfg_service_section,
	&cfg_backend_section,
	&cfg_class_section,
	&cfg_rule_section,
	&cfg_set_section,
	&cfg_limit_section,
};

static json_t *schema;

static int
setup(void **state)
{
	const char *source = getenv("SHUNT_SOURCE_DIR");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/config/schema.json", source ? source : ".");
	schema = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	return schema == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	json_decref(schema);
	return 0;
}

static json_t *
definition(const struct cfg_section *s)
{
	return s == &cfg_root_section ? schema
				      : json_object_get(json_object_get(schema, "$defs"), s->name);
}

static int64_t
number(json_t *property, const char *name, int64_t absent)
{
	json_t *v = json_object_get(property, name);

	return v == NULL ? absent : json_integer_value(v);
}

static void
check_words(json_t *property, const struct cfg_key *key)
{
	json_t *words = json_object_get(property, "enum");
	const char *fallback = json_string_value(json_object_get(property, "default"));
	size_t n;

	for (n = 0; key->words[n].word != NULL; n++) {
		assert_string_equal(
				json_string_value(json_array_get(words, n)), key->words[n].word);
		if (!key->required && key->words[n].value == key->fallback)
			assert_string_equal(fallback, key->words[n].word);
	}
	assert_int_equal(json_array_size(words), n);
	assert_int_equal(fallback == NULL, key->required);
}

static void
check_uint(json_t *property, const struct cfg_key *key)
{
	json_t *fallback = json_object_get(property, "default");
	/*
	 * A default outside of the range, or a key that may be absent, is something else than a
	 * number.
	 */
	bool plain = !key->required && key->has == 0 && key->fallback >= key->min &&
			key->fallback <= key->max;

	assert_string_equal(json_string_value(json_object_get(property, "type")), "integer");
	assert_int_equal(number(property, "minimum", -1), key->min);
	assert_int_equal(number(property, "maximum", -1), key->max);
	assert_int_equal(fallback != NULL, plain);
	if (plain)
		assert_int_equal(json_integer_value(fallback), key->fallback);
}

static void
check_key(json_t *property, const struct cfg_key *key)
{
	const char *type = json_string_value(json_object_get(property, "type"));
	const char *ref = json_string_value(json_object_get(property, "$ref"));
	char expected[64] = "";

	if (key->section != NULL)
		snprintf(expected, sizeof(expected), "#/$defs/%s", key->section->name);
	switch (key->type) {
	case CFG_BOOL:
		assert_string_equal(type, "boolean");
		assert_int_equal(json_is_true(json_object_get(property, "default")), key->fallback);
		break;
	case CFG_UINT:
		check_uint(property, key);
		break;
	case CFG_ENUM:
		check_words(property, key);
		break;
	case CFG_OBJECT:
		assert_string_equal(ref, expected);
		break;
	case CFG_LIST:
		assert_string_equal(type, "array");
		assert_int_equal(number(property, "minItems", 0), key->min);
		assert_int_equal(number(property, "maxItems", -1), key->max);
		ref = json_string_value(
				json_object_get(json_object_get(property, "items"), "$ref"));
		if (key->section != NULL)
			assert_string_equal(ref, expected);
		break;
	case CFG_VALUE:
		break; /* by cfg_bad.json */
	}
}

static bool
is_required(json_t *def, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(def, "required"), i, v) {
		if (strcmp(json_string_value(v), name) == 0)
			return true;
	}
	return false;
}

static void
test_sections(void **state)
{
	unsigned int i, k;

	(void)state;
	for (i = 0; i < RTE_DIM(sections); i++) {
		const struct cfg_section *s = sections[i];
		json_t *def = definition(s), *properties = json_object_get(def, "properties");

		assert_true(json_is_false(json_object_get(def, "additionalProperties")));
		assert_non_null(json_object_get(properties, CFG_COMMENT));
		assert_int_equal(json_object_size(properties), s->n_keys + 1);
		for (k = 0; k < s->n_keys; k++) {
			const struct cfg_key *key = &s->keys[k];
			json_t *property = json_object_get(properties, key->name);

			print_message("%s: %s\n", s->name, key->name);
			assert_non_null(property);
			assert_int_equal(is_required(def, key->name), key->required);
			check_key(property, key);
		}
	}
}

/* Every key of every table is read into a place of its own. */
static void
test_fields(void **state)
{
	unsigned int i, a, b;

	(void)state;
	for (i = 0; i < RTE_DIM(sections); i++) {
		for (a = 0; a < sections[i]->n_keys; a++) {
			for (b = 0; b < a; b++) {
				const struct cfg_key *x = &sections[i]->keys[a],
						     *y = &sections[i]->keys[b];

				assert_string_not_equal(x->name, y->name);
				if (x->size > 0 && y->size > 0)
					assert_true(x->offset >= y->offset + y->size ||
							y->offset >= x->offset + x->size);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
