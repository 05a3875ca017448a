/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text tables: cells are collected first, so that every column can be as wide as its widest cell.
 * The text renderings of methods and the table at the end of a run use them.
 *
 * Control lcore only. Never fails half way: when memory runs out the table says so in place of its
 * rows.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"

#define COLUMNS_MAX 32

struct column {
	const char *heading;
	bool right;
	int width;
};

struct ctl_table {
	const char *title; /* NULL: none */
	struct column column[COLUMNS_MAX];
	unsigned int n_columns;
	char **cell; /* row by row */
	size_t n_cells;
	size_t max_cells;
	bool begun; /* headings are printed */
	bool failed;
};

struct ctl_table *
ctl_table_create(const char *title)
{
	struct ctl_table *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->title = title;
	return t;
}

void
ctl_table_column(struct ctl_table *t, const char *heading, bool right)
{
	if (t == NULL || t->failed)
		return;
	if (t->n_columns == COLUMNS_MAX || t->n_cells > 0) {
		t->failed = true;
		return;
	}
	t->column[t->n_columns++] = (struct column){ heading, right, (int)strlen(heading) };
}

/* Names come from configuration files and captures: nothing in them may move the cursor. */
static void
make_printable(char *s)
{
	for (; *s != '\0'; s++) {
		if (iscntrl((unsigned char)*s))
			*s = '?';
	}
}

void
ctl_table_cell(struct ctl_table *t, const char *fmt, ...)
{
	struct column *column;
	va_list ap;
	char *text;
	int len;

	if (t == NULL || t->failed || t->n_columns == 0)
		return;
	if (t->n_cells == t->max_cells) {
		size_t max = t->max_cells == 0 ? 64 : 2 * t->max_cells;
		char **cell = reallocarray(t->cell, max, sizeof(*cell));

		if (cell == NULL) {
			t->failed = true;
			return;
		}
		t->cell = cell;
		t->max_cells = max;
	}
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		t->failed = true;
		return;
	}
	make_printable(text);
	column = &t->column[t->n_cells % t->n_columns];
	if (column->width < len)
		column->width = len;
	t->cell[t->n_cells++] = text;
}

static void
print_cell(const struct ctl_table *t, unsigned int i, const char *text, FILE *out)
{
	const struct column *column = &t->column[i];

	fputs(i == 0 ? "" : "  ", out);
	if (column->right)
		fprintf(out, "%*s", column->width, text);
	else if (i + 1 < t->n_columns)
		fprintf(out, "%-*s", column->width, text);
	else
		fputs(text, out); /* no blanks at the end of a line */
}

static void
print_rows(const struct ctl_table *t, FILE *out)
{
	unsigned int i;
	size_t k;

	for (k = 0; k < t->n_cells; k++) {
		i = k % t->n_columns;
		print_cell(t, i, t->cell[k], out);
		if (i + 1 == t->n_columns || k + 1 == t->n_cells)
			fputc('\n', out);
	}
}

void
ctl_table_print(const struct ctl_table *t, FILE *out)
{
	unsigned int i;

	if (t == NULL || t->failed) {
		fputs("error: no memory for the table\n", out);
		return;
	}
	if (t->title != NULL)
		fprintf(out, "%s\n", t->title);
	if (t->n_columns == 0)
		return;
	for (i = 0; i < t->n_columns; i++)
		print_cell(t, i, t->column[i].heading, out);
	fputc('\n', out);
	print_rows(t, out);
}

static void
forget_cells(struct ctl_table *t)
{
	size_t k;

	for (k = 0; k < t->n_cells; k++)
		free(t->cell[k]);
	t->n_cells = 0;
}

void
ctl_table_flush(struct ctl_table *t, FILE *out)
{
	if (t == NULL || t->failed || !t->begun)
		ctl_table_print(t, out);
	else
		print_rows(t, out);
	if (t == NULL)
		return;
	t->begun = true;
	forget_cells(t);
}

void
ctl_table_destroy(struct ctl_table *t)
{
	if (t == NULL)
		return;
	forget_cells(t);
	free(t->cell);
	free(t);
}

const char *
ctl_thousands(uint64_t v, char buf[32])
{
	char *p = buf + 31;
	unsigned int digits = 0;

	*p = '\0';
	do {
		if (digits > 0 && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + v % 10);
		v /= 10;
		digits++;
	} while (v > 0);
	return p;
}
