/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of ports, classes, services, sets and limits, references to them, and which word a misspelt one was meant to be.
 * Called by the reader (cfg_json.c) and through the tables of the sections. A list is complete
 * before anything refers to it.
 */
#include <string.h>
#include <strings.h>

#include <bsd/string.h>
#include <rte_common.h>

#include "cfg_priv.h"

#define SIMILAR_LEN 63	  /* longer words are not compared */
#define CANDIDATES_MAX 64 /* nor more words than so many */

/* ---- did you mean ---------------------------------------------------------------------------- */

/*
 * Edits (insert, delete, replace one letter, case ignored) that turn a into b; both at most
 * SIMILAR_LEN long.
 */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[SIMILAR_LEN + 1], na = strlen(a), nb = strlen(b), i, j;

	for (j = 0; j <= nb; j++)
		row[j] = j;
	for (i = 1; i <= na; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= nb; j++) {
			unsigned int replaced =
					diagonal + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);

			diagonal = row[j];
			row[j] = RTE_MIN(row[j], row[j - 1]) + 1;
			row[j] = RTE_MIN(row[j], replaced);
		}
	}
	return row[nb];
}

const char *
cfg_similar(const char *word, const char *(*candidate)(const void *list, unsigned int i),
		const void *list, unsigned int n)
{
	size_t len = strnlen(word, SIMILAR_LEN + 1);
	/* More edits than a third of the word make another word. */
	unsigned int best = len / 3 + 2, i;
	const char *similar = NULL;

	if (len > SIMILAR_LEN)
		return NULL;
	for (i = 0; i < RTE_MIN(n, (unsigned int)CANDIDATES_MAX); i++) {
		const char *c = candidate(list, i);
		unsigned int d;

		if (c == NULL || strnlen(c, SIMILAR_LEN + 1) > SIMILAR_LEN)
			continue;
		d = distance(word, c);
		if (d < best && d < strlen(c)) {
			best = d;
			similar = c;
		}
	}
	return similar;
}

/* ---- names ----------------------------------------------------------------------------------- */

const char cfg_name_expected[] =
		"a name: 1 to 63 letters, digits and _ . : / @ + -, the first a letter, a digit or _";

void
cfg_parse_name(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	static const char letters[] =
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
			".:/@+-";
	const char *s = cfg_string(r, at, v, cfg_name_expected);
	size_t len;
	char *copy;

	if (s == NULL)
		return;
	len = strnlen(s, CFG_NAME_MAX + 1);
	if (len == 0 || len > CFG_NAME_MAX || s[strspn(s, letters)] != '\0' ||
			strchr(".:/@+-", s[0]) != NULL) {
		cfg_found(r, at, v, cfg_name_expected);
		return;
	}
	copy = cfg_alloc(r, len + 1, 1);
	if (copy != NULL)
		memcpy(copy, s, len);
	*(const char **)field = copy;
}

/* ---- references ------------------------------------------------------------------------------ */

static const char *
port_name(const void *cfg, unsigned int i)
{
	return ((const struct cfg *)cfg)->ports[i].name;
}

static const char *
service_name(const void *cfg, unsigned int i)
{
	return ((const struct cfg *)cfg)->services[i].name;
}

static const char *
class_name(const void *cfg, unsigned int i)
{
	return ((const struct cfg *)cfg)->classes[i].name;
}

static const char *
set_name(const void *cfg, unsigned int i)
{
	return ((const struct cfg *)cfg)->sets[i].name;
}

static const char *
limit_name(const void *cfg, unsigned int i)
{
	return ((const struct cfg *)cfg)->limits[i].name;
}

static const char *
policy_name(const void *cfg, unsigned int i)
{
	return ((const struct cfg *)cfg)->conntrack.timeout_policies[i].name;
}

/* A list of items with names. */
struct named_list {
	const char *key;  /* in the document, or in the object `in` of it */
	const char *noun; /* in messages */
	const char *(*name)(const void *cfg, unsigned int i);
	size_t count; /* offset of the number of items in struct cfg */
	const char *in;
};
static const struct named_list ports_list = { "ports", "port", port_name,
	offsetof(struct cfg, n_ports) };
static const struct named_list services_list = { "services", "service", service_name,
	offsetof(struct cfg, n_services) };
static const struct named_list classes_list = { "classes", "class", class_name,
	offsetof(struct cfg, n_classes) };
static const struct named_list policies_list = { "timeout-policies", "timeout policy", policy_name,
	offsetof(struct cfg, conntrack.n_timeout_policies), "conntrack" };

static const struct named_list sets_list = { "sets", "set", set_name,
	offsetof(struct cfg, n_sets) };
static const struct named_list limits_list = { "limits", "limit", limit_name,
	offsetof(struct cfg, n_limits) };

static unsigned int
count(const struct cfg *cfg, const struct named_list *list)
{
	return *(const unsigned int *)((const char *)cfg + list->count);
}

static bool
index_names(struct cfg_reader *r, const struct named_list *list, struct cfg_index *x)
{
	unsigned int n = count(r->cfg, list), i;

	if (!cfg_index_init(r, x, CFG_NAME_MAX + 1, n))
		return false;
	for (i = 0; i < n; i++) {
		const char *name = list->name(r->cfg, i);
		char key[CFG_NAME_MAX + 1] = "";

		if (name == NULL)
			continue;
		strlcpy(key, name, sizeof(key));
		cfg_index_add(x, key, i);
	}
	cfg_index_sort(x);
	return true;
}

static void
check_names(struct cfg_reader *r, const struct named_list *list)
{
	const struct cfg_at at_in = { .key = list->in };
	const struct cfg_at at = { .up = list->in != NULL ? &at_in : NULL, .key = list->key };
	struct cfg_index x;

	if (!index_names(r, list, &x))
		return;
	cfg_index_duplicates(&x, r, &at, "name", "name");
	cfg_index_free(&x);
}

void
cfg_check_names(struct cfg_reader *r)
{
	unsigned int i;

	check_names(r, &ports_list);
	check_names(r, &services_list);
	check_names(r, &classes_list);
	check_names(r, &sets_list);
	check_names(r, &limits_list);
	check_names(r, &policies_list);
	if (json_object_get(r->root, "default-class") != NULL)
		return;
	for (i = 0; i < r->cfg->n_classes; i++) {
		const char *name = r->cfg->classes[i].name;

		if (name != NULL && strcmp(name, CFG_BUILTIN_CLASS_NAME) == 0)
			cfg_error_item(r, "classes", i, "name",
					"\"%s\" is the built-in class: expected another name, or "
					"\"default-class\" to replace it",
					name);
	}
}

/*
 * The list has all of its names: then a name that is not there is an error of its own, not
 * another's echo.
 */
static bool
is_complete(const struct cfg_reader *r, const struct named_list *list, const struct cfg_index *x)
{
	json_t *in = list->in != NULL ? json_object_get(r->root, list->in) : r->root;
	json_t *v = json_object_get(in, list->key);

	return v == NULL ? list != &ports_list : json_is_array(v) && json_array_size(v) == x->n;
}

static int64_t
find_name(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const struct named_list *list,
		struct cfg_index *x)
{
	char key[CFG_NAME_MAX + 1] = "", shown[CFG_SHOWN_MAX], expected[32];
	const char *s, *similar;
	int64_t found = -1;

	snprintf(expected, sizeof(expected), "the name of a %s", list->noun);
	s = cfg_string(r, at, v, expected);
	if (s == NULL)
		return -1;
	if (x->entries == NULL && !index_names(r, list, x))
		return -1;
	if (strlcpy(key, s, sizeof(key)) < sizeof(key))
		found = cfg_index_find(x, key);
	if (found >= 0)
		return found;
	if (list == &classes_list && strcmp(s, CFG_BUILTIN_CLASS_NAME) == 0 &&
			json_object_get(r->root, "default-class") == NULL)
		return CFG_BUILTIN_CLASS;
	if (!is_complete(r, list, x))
		return -1;
	similar = cfg_similar(s, list->name, r->cfg, count(r->cfg, list));
	if (similar != NULL)
		cfg_error(r, at, "no %s is named %s: did you mean \"%s\"?", list->noun,
				cfg_show(v, shown), similar);
	else
		cfg_error(r, at, "no %s is named %s", list->noun, cfg_show(v, shown));
	return -1;
}

void
cfg_parse_port_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	int64_t i = find_name(r, at, v, &ports_list, &r->port_names);

	*(uint16_t *)field = i < 0 ? CFG_BAD_REFERENCE : i;
}

void
cfg_parse_class_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	int64_t i = find_name(r, at, v, &classes_list, &r->class_names);

	*(uint16_t *)field = i < 0 ? CFG_BAD_REFERENCE : i;
}

void
cfg_parse_service_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	int64_t i = find_name(r, at, v, &services_list, &r->service_names);

	*(uint16_t *)field = i < 0 ? CFG_BAD_REFERENCE : i;
}

void
cfg_parse_set_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	int64_t i = find_name(r, at, v, &sets_list, &r->set_names);

	*(uint16_t *)field = i < 0 ? CFG_BAD_REFERENCE : i;
}

void
cfg_parse_policy_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	int64_t i = find_name(r, at, v, &policies_list, &r->policy_names);

	*(uint16_t *)field = i < 0 ? CFG_BAD_REFERENCE : i + 1;
}
