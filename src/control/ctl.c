/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry: methods by name, and the checks that every door relies on (parameters that the
 * method knows, an error text for every failure). Doors and the dataplane call it.
 *
 * Control lcore only. Does no input or output: that is the doors' business.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"

#include "ctl_priv.h"

json_t *
ctl_error(const char *fmt, ...)
{
	char text[2 * CTL_USAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* "s?" is not enough: what the user typed may not be UTF-8. */
	return json_pack("{s:o}", "error", json_string(text) ?: json_string("not UTF-8"));
}

/* ---- parameters ---- */

int
ctl_param_string(const json_t *params, const char *key, const char **out, json_t **result)
{
	const json_t *v = json_object_get(params, key);

	if (v == NULL)
		return 0;
	if (!json_is_string(v)) {
		*result = ctl_error("%s: must be a string", key);
		return -EINVAL;
	}
	*out = json_string_value(v);
	return 0;
}

/* Decimal digits only: strtoull() alone would take "-1", " 1" and "". */
static bool
parse_uint(const char *s, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)s[0]))
		return false;
	errno = 0;
	*out = strtoull(s, &end, 10);
	return errno == 0 && *end == '\0';
}

int
ctl_param_uint(const json_t *params, const char *key, uint64_t max, uint64_t *out, json_t **result)
{
	const json_t *v = json_object_get(params, key);
	uint64_t value = 0;
	bool ok = false;

	if (v == NULL)
		return 0;
	if (json_is_integer(v)) {
		ok = json_integer_value(v) >= 0;
		value = (uint64_t)json_integer_value(v);
	} else if (json_is_string(v)) {
		ok = parse_uint(json_string_value(v), &value);
	}
	if (!ok || value > max) {
		*result = ctl_error("%s: must be a number from 0 to %" PRIu64, key, max);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

int
ctl_param_bool(const json_t *params, const char *key, int *out, json_t **result)
{
	const json_t *v = json_object_get(params, key);
	const char *s = json_string_value(v);

	if (v == NULL)
		return 0;
	if (json_is_true(v) || (s != NULL && (strcmp(s, "yes") == 0 || strcmp(s, "true") == 0)))
		*out = 1;
	else if (json_is_false(v) ||
			(s != NULL && (strcmp(s, "no") == 0 || strcmp(s, "false") == 0)))
		*out = 0;
	else
		*result = ctl_error("%s: must be yes or no", key);
	return *result != NULL ? -EINVAL : 0;
}

/*
 * What follows a parameter in the usage text, or NULL when it is not there: ' ' before a value, ']' without one.
 * "[limit N] [all]" names limit and all.
 */
static const char *
args_find(const char *args, const char *key)
{
	size_t len = strlen(key);

	if (args == NULL || len == 0)
		return NULL;
	for (; (args = strchr(args, '[')) != NULL;) {
		args++;
		if (strncmp(args, key, len) == 0 && (args[len] == ' ' || args[len] == ']'))
			return args + len;
	}
	return NULL;
}

bool
ctl_args_flag(const char *args, const char *key)
{
	const char *after = args_find(args, key);

	return after != NULL && *after == ']';
}

void
ctl_usage(const struct ctl_method *m, char *buf, size_t len)
{
	snprintf(buf, len, "%s%s%s", m->name, m->args != NULL ? " " : "",
			m->args != NULL ? m->args : "");
}

int
ctl_check_params(const struct ctl_method *m, const json_t *params, json_t **result)
{
	void *iter;
	char usage[CTL_USAGE_MAX];

	if (params == NULL)
		return 0;
	if (!json_is_object(params)) {
		*result = ctl_error("parameters must be an object");
		return -EINVAL;
	}
	/* json_object_foreach() wants to write. */
	for (iter = json_object_iter((json_t *)(uintptr_t)params); iter != NULL;
			iter = json_object_iter_next((json_t *)(uintptr_t)params, iter)) {
		if (args_find(m->args, json_object_iter_key(iter)) != NULL)
			continue;
		ctl_usage(m, usage, sizeof(usage));
		*result = ctl_error("unknown parameter \"%.64s\"; usage: %s",
				json_object_iter_key(iter), usage);
		return -EINVAL;
	}
	return 0;
}

/* ---- calling ---- */

int
ctl_run(const struct ctl_method *m, const json_t *params, json_t **result)
{
	int rc;

	*result = NULL;
	if (m->job != NULL)
		return ctl_job_run(m, params, result);
	rc = ctl_check_params(m, params, result);
	if (rc == 0)
		rc = m->call(m->ctx, params, result);
	if (rc == 0 && *result == NULL)
		rc = -ENOMEM;
	if (rc != 0 && json_object_get(*result, "error") == NULL) {
		json_decref(*result);
		*result = ctl_error("%s: %s", m->name, strerror(-rc));
	}
	return rc;
}

static const struct ctl_method *
find(const struct ctl *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		if (strcmp(c->methods[i].name, name) == 0)
			return &c->methods[i];
	}
	return NULL;
}

int
ctl_call(struct ctl *c, const char *name, const json_t *params, json_t **result)
{
	const struct ctl_method *m = find(c, name);

	if (m == NULL) {
		*result = ctl_error("no such method: %.64s", name);
		return -ENOENT;
	}
	return ctl_run(m, params, result);
}

void
ctl_print(const struct ctl_method *m, int rc, const json_t *result, FILE *out)
{
	const char *error = json_string_value(json_object_get(result, "error"));

	if (rc != 0) {
		fprintf(out, "error: %s\n", error != NULL ? error : strerror(-rc));
	} else if (m->text != NULL) {
		m->text(out, result);
	} else {
		json_dumpf(result, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
		fputc('\n', out);
	}
}

int
ctl_call_text(struct ctl *c, const char *name, FILE *out)
{
	const struct ctl_method *m = find(c, name);
	json_t *result = NULL;
	int rc;

	if (m == NULL)
		return -ENOENT;
	rc = ctl_run(m, NULL, &result);
	ctl_print(m, rc, result, out);
	json_decref(result);
	return rc;
}

/* ---- help ---- */

static int
help_call(void *ctx, const json_t *params, json_t **result)
{
	const struct ctl *c = ctx;
	unsigned int i;

	(void)params;
	*result = json_array();
	for (i = 0; i < c->n; i++) {
		const struct ctl_method *m = &c->methods[i];

		if (json_array_append_new(*result,
				    json_pack("{s:s, s:s?, s:s}", "name", m->name, "args", m->args,
						    "help", m->help)) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void
help_text(FILE *out, const json_t *result)
{
	struct ctl_table *t = ctl_table_create(NULL);
	const json_t *m;
	size_t i;

	ctl_table_column(t, "command", false);
	ctl_table_column(t, "what it does", false);
	json_array_foreach(result, i, m) {
		const char *args = json_string_value(json_object_get(m, "args"));

		ctl_table_cell(t, "%s%s%s", json_string_value(json_object_get(m, "name")),
				args != NULL ? " " : "", args != NULL ? args : "");
		ctl_table_cell(t, "%s", json_string_value(json_object_get(m, "help")));
	}
	ctl_table_print(t, out);
	ctl_table_destroy(t);
	fprintf(out, "\"json\" as last word: the answer as one line of JSON. \"quit\" ends the prompt.\n");
}

/* ---- life ---- */

/*
 * Words of [a-z0-9_-] with one blank between: nothing that rte_cmdline's tokens give a meaning to
 * ("#", "(").
 */
static bool
name_ok(const char *name)
{
	size_t i, len;

	len = strnlen(name, CTL_NAME_MAX);
	if (len == 0 || len == CTL_NAME_MAX)
		return false;
	for (i = 0; i < len; i++) {
		if (name[i] == ' ') {
			if (i == 0 || i + 1 == len || name[i + 1] == ' ')
				return false;
		} else if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
				name[i] != '_' && name[i] != '-') {
			return false;
		}
	}
	return true;
}

/* A name that goes on where another ends could not be told from that one's parameters. */
static bool
names_clash(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), n = la < lb ? la : lb;
	const char *longer = la < lb ? b : a;

	return strncmp(a, b, n) == 0 && (longer[n] == '\0' || longer[n] == ' ');
}

int
ctl_register(struct ctl *c, const struct ctl_method *m)
{
	struct ctl_method *methods;
	unsigned int i;

	if (m->name == NULL || m->help == NULL || (m->call == NULL) == (m->job == NULL) ||
			!name_ok(m->name))
		return -EINVAL;
	if (names_clash(m->name, "quit"))
		return -EEXIST;
	for (i = 0; i < c->n; i++) {
		if (names_clash(m->name, c->methods[i].name))
			return -EEXIST;
	}
	if (c->prompt != NULL)
		return -EBUSY; /* it points at the methods */
	if (c->n == CTL_METHODS_MAX)
		return -ENOSPC;
	methods = reallocarray(c->methods, c->n + 1, sizeof(*methods));
	if (methods == NULL)
		return -ENOMEM;
	c->methods = methods;
	c->methods[c->n++] = *m;
	return 0;
}

struct ctl *
ctl_create(void)
{
	struct ctl *c = calloc(1, sizeof(*c));
	const struct ctl_method help = {
		.name = "help",
		.help = "list the commands",
		.call = help_call,
		.text = help_text,
		.ctx = c,
	};

	if (c != NULL && ctl_register(c, &help) != 0) {
		free(c);
		c = NULL;
	}
	return c;
}

void
ctl_destroy(struct ctl *c)
{
	if (c == NULL)
		return;
	ctl_prompt_close(c);
	free(c->view);
	free(c->methods);
	free(c);
}
