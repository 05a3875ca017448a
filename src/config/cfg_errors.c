/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of everything that is wrong with a configuration file: where (a JSON pointer, RFC 6901)
 * and what. Called by the other files of this folder while they read. What comes from the file is
 * made printable here, whatever it was, and the list is bounded.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "cfg_priv.h"

#define MESSAGE_MAX 512

/* Text that is put together piece by piece; what does not fit is cut. */
struct text {
	char *buf;
	size_t size;
	size_t len;
};

static void
text_add(struct text *t, const char *s, size_t n)
{
	size_t room = t->size - 1 - t->len;

	n = RTE_MIN(n, room);
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

static void
pointer_add_key(struct text *t, const char *key)
{
	for (; *key; key++) {
		if (*key == '~')
			text_add(t, "~0", 2);
		else if (*key == '/')
			text_add(t, "~1", 2);
		else
			text_add(t, key, 1);
	}
}

static void
pointer_add(struct text *t, const struct cfg_at *at)
{
	char number[24];

	if (at == NULL)
		return;
	pointer_add(t, at->up);
	text_add(t, "/", 1);
	if (at->key != NULL) {
		pointer_add_key(t, at->key);
	} else {
		snprintf(number, sizeof(number), "%zu", at->index);
		text_add(t, number, strlen(number));
	}
}

const char *
cfg_pointer(const struct cfg_at *at, char buf[CFG_POINTER_MAX])
{
	struct text t = { buf, CFG_POINTER_MAX, 0 };

	buf[0] = '\0';
	pointer_add(&t, at);
	return buf;
}

/* A copy that any terminal may see: everything but printable ASCII becomes \xNN. */
static char *
printable(const char *s)
{
	char *out = malloc(4 * strlen(s) + 1);
	char *o = out;

	if (out == NULL)
		return NULL;
	for (; *s; s++) {
		unsigned char c = *s;

		if (c < ' ' || c > '~')
			o += sprintf(o, "\\x%02x", c);
		else
			*o++ = c;
	}
	*o = '\0';
	return out;
}

void
cfg_errors_add(struct cfg_errors *errs, const char *where, const char *message)
{
	struct cfg_error e;

	if (errs->list == NULL)
		errs->list = calloc(CFG_ERRORS_MAX, sizeof(*errs->list));
	if (errs->list == NULL || errs->n == CFG_ERRORS_MAX) {
		errs->more++;
		return;
	}
	e.where = printable(where);
	e.message = printable(message);
	if (e.where == NULL || e.message == NULL) {
		free(e.where);
		free(e.message);
		errs->more++;
		return;
	}
	errs->list[errs->n++] = e;
}

static void
error_va(struct cfg_reader *r, const struct cfg_at *at, const char *fmt, va_list ap)
{
	char where[CFG_POINTER_MAX], message[MESSAGE_MAX];

	vsnprintf(message, sizeof(message), fmt, ap);
	cfg_errors_add(r->errs, cfg_pointer(at, where), message);
}

void
cfg_error(struct cfg_reader *r, const struct cfg_at *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_va(r, at, fmt, ap);
	va_end(ap);
}

void
cfg_error_item(struct cfg_reader *r, const char *list, size_t i, const char *key, const char *fmt,
		...)
{
	const struct cfg_at at_list = { .key = list };
	const struct cfg_at at_item = { .up = &at_list, .index = i };
	const struct cfg_at at_key = { .up = &at_item, .key = key };
	va_list ap;

	va_start(ap, fmt);
	error_va(r, key != NULL ? &at_key : &at_item, fmt, ap);
	va_end(ap);
}

void
cfg_errors_print(const struct cfg_errors *errs, FILE *out)
{
	const char *name = errs->name != NULL ? errs->name : "configuration";
	unsigned int i;

	for (i = 0; i < errs->n; i++) {
		const struct cfg_error *e = &errs->list[i];

		fprintf(out, "%s: %s%s%s\n", name, e->where, e->where[0] ? ": " : "", e->message);
	}
	if (errs->more > 0)
		fprintf(out, "%s: and %u more\n", name, errs->more);
}

void
cfg_errors_free(struct cfg_errors *errs)
{
	unsigned int i;

	for (i = 0; i < errs->n; i++) {
		free(errs->list[i].where);
		free(errs->list[i].message);
	}
	free(errs->list);
	free(errs->name);
	memset(errs, 0, sizeof(*errs));
}

const char *
cfg_show(json_t *v, char buf[CFG_SHOWN_MAX])
{
	const char *s;

	switch (json_typeof(v)) {
	case JSON_STRING:
		s = json_string_value(v);
		snprintf(buf, CFG_SHOWN_MAX, strlen(s) <= 64 ? "\"%.64s\"" : "\"%.64s...\"", s);
		break;
	case JSON_INTEGER:
		snprintf(buf, CFG_SHOWN_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		snprintf(buf, CFG_SHOWN_MAX, "the fraction %g", json_real_value(v));
		break;
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "null";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	}
	return buf;
}

void
cfg_found(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const char *expected)
{
	char shown[CFG_SHOWN_MAX];

	cfg_error(r, at, "found %s, expected %s", cfg_show(v, shown), expected);
}
