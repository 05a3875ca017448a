/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads JSON objects by tables of keys: types, ranges, words, defaults, lists, unknown keys.
 * Called by cfg.c for the document; calls the parsers of the sections for what a table cannot say.
 * Goes on after an error: a file's mistakes are all reported at once.
 */
#include <stdlib.h>
#include <string.h>

#include "cfg_priv.h"

#define MISSPELT_KEYS 64 /* no section has nearly as many */

struct block { /* what cfg->memory chains */
	struct block *next;
	max_align_t data[];
};

void *
cfg_alloc(struct cfg_reader *r, size_t n, size_t size)
{
	struct block *b;

	if (n > (SIZE_MAX - sizeof(*b)) / size || (b = calloc(1, sizeof(*b) + n * size)) == NULL) {
		cfg_error(r, NULL, "out of memory");
		return NULL;
	}
	b->next = r->cfg->memory;
	r->cfg->memory = b;
	return b->data;
}

void
cfg_free(struct cfg *cfg)
{
	struct block *b, *next;

	if (cfg == NULL)
		return;
	for (b = cfg->memory; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(cfg);
}

/* ---- single values --------------------------------------------------------------------------- */

static void
store(void *field, size_t size, uint32_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)field = value;
		break;
	case 2:
		*(uint16_t *)field = value;
		break;
	case 4:
		*(uint32_t *)field = value;
		break;
	}
}

const char *
cfg_string(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const char *expected)
{
	if (!json_is_string(v)) {
		cfg_found(r, at, v, expected);
		return NULL;
	}
	return json_string_value(v);
}

static const char *
word_at(const void *list, unsigned int i)
{
	return ((const struct cfg_word *)list)[i].word;
}

/* "drop" or "forward" */
static const char *
words_str(const struct cfg_word *words, char *buf, size_t size)
{
	size_t len = 0;
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; words[i].word != NULL && len < size; i++) {
		const char *before = i == 0 ? "" : words[i + 1].word != NULL ? ", " : " or ";

		len += snprintf(buf + len, size - len, "%s\"%s\"", before, words[i].word);
	}
	return buf;
}

bool
cfg_enum(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const struct cfg_word *words,
		uint32_t *out)
{
	char shown[CFG_SHOWN_MAX], expected[256];
	const char *similar = NULL;
	unsigned int n;

	for (n = 0; words[n].word != NULL; n++) {
		if (json_is_string(v) && strcmp(words[n].word, json_string_value(v)) == 0) {
			*out = words[n].value;
			return true;
		}
	}
	words_str(words, expected, sizeof(expected));
	if (json_is_string(v))
		similar = cfg_similar(json_string_value(v), word_at, words, n);
	if (similar != NULL)
		cfg_error(r, at, "found %s, expected %s: did you mean \"%s\"?", cfg_show(v, shown),
				expected, similar);
	else
		cfg_found(r, at, v, expected);
	return false;
}

static void
read_uint(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const struct cfg_key *key,
		void *field)
{
	char expected[64];
	json_int_t i;

	store(field, key->size, 0);
	if (!json_is_integer(v)) {
		snprintf(expected, sizeof(expected), "an integer from %u to %u", key->min,
				key->max);
		cfg_found(r, at, v, expected);
		return;
	}
	i = json_integer_value(v);
	if (i < (json_int_t)key->min || i > (json_int_t)key->max)
		cfg_error(r, at, "%" JSON_INTEGER_FORMAT " is out of range: expected %u to %u", i,
				key->min, key->max);
	else
		store(field, key->size, i);
}

/* ---- objects and lists ----------------------------------------------------------------------- */

static void
read_list(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const struct cfg_key *key,
		void *object)
{
	void **items = (void **)((char *)object + key->offset);
	unsigned int *count = (unsigned int *)((char *)object + key->count);
	struct cfg_at at_item = { .up = at };
	size_t i, n;

	if (!json_is_array(v)) {
		cfg_found(r, at, v, "an array");
		return;
	}
	n = json_array_size(v);
	if (n < key->min || n > key->max) {
		cfg_error(r, at, "%zu entries: expected %u to %u", n, key->min, key->max);
		return;
	}
	*items = cfg_alloc(r, n, key->item_size);
	if (*items == NULL)
		return;
	*count = n;
	for (i = 0; i < n; i++) {
		void *item = (char *)*items + i * key->item_size;

		at_item.index = i;
		if (key->section != NULL)
			cfg_read(r, &at_item, json_array_get(v, i), key->section, item);
		else
			key->parse(r, &at_item, json_array_get(v, i), item);
	}
}

static void
read_value(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const struct cfg_key *key,
		void *object)
{
	void *field = (char *)object + key->offset;
	unsigned int before = cfg_errors_count(r->errs);
	uint32_t word;

	switch (key->type) {
	case CFG_BOOL:
		if (json_is_boolean(v))
			*(bool *)field = json_is_true(v);
		else
			cfg_found(r, at, v, "true or false");
		break;
	case CFG_UINT:
		read_uint(r, at, v, key, field);
		break;
	case CFG_ENUM:
		store(field, key->size, cfg_enum(r, at, v, key->words, &word) ? word : 0);
		break;
	case CFG_OBJECT:
		cfg_read(r, at, v, key->section, field);
		break;
	case CFG_LIST:
		read_list(r, at, v, key, object);
		break;
	case CFG_VALUE:
		key->parse(r, at, v, field);
		break;
	}
	if (key->has != 0 && cfg_errors_count(r->errs) == before)
		*(bool *)((char *)object + key->has) = true;
}

static const char *
key_at(const void *section, unsigned int i)
{
	return ((const struct cfg_section *)section)->keys[i].name;
}

static bool
is_known(const struct cfg_section *section, const char *name)
{
	unsigned int i;

	for (i = 0; i < section->n_keys; i++) {
		if (strcmp(section->keys[i].name, name) == 0)
			return true;
	}
	return strcmp(name, CFG_COMMENT) == 0;
}

/* Object v has the key, but misspelt, among its first keys: that is reported already. */
static bool
is_misspelt(json_t *v, const struct cfg_section *section, const struct cfg_key *key)
{
	unsigned int looked = 0;
	const char *name;
	json_t *value;

	json_object_foreach(v, name, value) {
		if (looked++ == MISSPELT_KEYS)
			return false;
		if (!is_known(section, name) &&
				cfg_similar(name, key_at, section, section->n_keys) == key->name)
			return true;
	}
	return false;
}

static void
missing(struct cfg_reader *r, const struct cfg_at *at, const struct cfg_key *key)
{
	char expected[256] = "";

	switch (key->type) {
	case CFG_UINT:
		snprintf(expected, sizeof(expected), "an integer from %u to %u", key->min,
				key->max);
		break;
	case CFG_ENUM:
		words_str(key->words, expected, sizeof(expected));
		break;
	case CFG_LIST:
		snprintf(expected, sizeof(expected), "an array of %u to %u entries", key->min,
				key->max);
		break;
	default:
		snprintf(expected, sizeof(expected), "%s", key->expected);
		break;
	}
	cfg_error(r, at, "\"%s\" is missing: expected %s", key->name, expected);
}

static void
absent(struct cfg_reader *r, const struct cfg_at *at, const struct cfg_key *key, void *object)
{
	void *field = (char *)object + key->offset;

	if (key->type == CFG_OBJECT)
		cfg_read(r, at, NULL, key->section, field);
	else if (key->type != CFG_LIST && key->fallback != 0)
		store(field, key->size, key->fallback);
}

static void
unknown_key(struct cfg_reader *r, const struct cfg_at *at, const struct cfg_section *section)
{
	char expected[400] = "";
	const char *similar;
	size_t len = 0;
	unsigned int i;

	if (r->errs->n == CFG_ERRORS_MAX) { /* nobody will read more of it */
		r->errs->more++;
		return;
	}
	similar = cfg_similar(at->key, key_at, section, section->n_keys);
	if (similar != NULL) {
		cfg_error(r, at, "unknown key: did you mean \"%s\"?", similar);
		return;
	}
	for (i = 0; i < section->n_keys && len < sizeof(expected); i++)
		len += snprintf(expected + len, sizeof(expected) - len, "%s%s", i > 0 ? ", " : "",
				section->keys[i].name);
	cfg_error(r, at, "unknown key: expected one of %s", expected);
}

static void
check_keys(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		const struct cfg_section *section)
{
	struct cfg_at at_key = { .up = at };
	json_t *value;

	json_object_foreach(v, at_key.key, value) {
		if (!is_known(section, at_key.key))
			unknown_key(r, &at_key, section);
		else if (strcmp(at_key.key, CFG_COMMENT) == 0)
			cfg_string(r, &at_key, value, "a string");
	}
}

void
cfg_read(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		const struct cfg_section *section, void *object)
{
	unsigned int before = cfg_errors_count(r->errs), i;
	bool given = v != NULL;

	if (section->init != NULL)
		section->init(object);
	if (given && !json_is_object(v)) {
		cfg_found(r, at, v, "an object");
		given = false;
	}
	for (i = 0; i < section->n_keys; i++) {
		const struct cfg_key *key = &section->keys[i];
		const struct cfg_at at_key = { .up = at, .key = key->name };
		json_t *value = given ? json_object_get(v, key->name) : NULL;

		if (value != NULL)
			read_value(r, &at_key, value, key, object);
		else
			absent(r, &at_key, key, object);
		if (given && value == NULL && key->required && !is_misspelt(v, section, key))
			missing(r, at, key);
	}
	if (given)
		check_keys(r, at, v, section);
	if (section->check != NULL)
		section->check(r, at, object, cfg_errors_count(r->errs) == before);
}
