/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control: one registry of methods ("show stats", "clear stats", ...) with several doors. This
 * version has the interactive prompt (rte_cmdline); a JSON socket and telemetry call the same
 * methods later. A method takes JSON parameters and gives JSON; its text rendering is made from
 * that JSON, so doors cannot disagree.
 *
 * Control lcore only.
 */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct ctl; /* opaque */

struct ctl_method {
	const char *name; /* words separated by one blank: "show stats" */
	const char *help; /* one line */
	const char *args; /* NULL, or usage of optional parameters: "[limit N] [service NAME]" */
	/*
	 * 0 and *result (new reference), or -errno and *result = {"error": "..."} or NULL. params
	 * is an object or NULL.
	 */
	int (*call)(void *ctx, const json_t *params, json_t **result);
	void (*text)(FILE *out, const json_t *result); /* NULL: print the JSON, indented */
	void *ctx;
};

struct ctl *
ctl_create(void);
void
ctl_destroy(struct ctl *c);

/*
 * Copies *m; its strings must outlive c. -EEXIST (also when the words of one name begin another),
 * -EINVAL, -ENOMEM, -EBUSY (a prompt is open). `help` is built in, and `quit` belongs to the
 * prompt.
 */
int
ctl_register(struct ctl *c, const struct ctl_method *m);

/*
 * Any door: run a method by name. -ENOENT when there is none, -EINVAL for a parameter that m->args
 * does not name. On any error *result is {"error": "..."}, or NULL when memory ran out.
 */
int
ctl_call(struct ctl *c, const char *name, const json_t *params, json_t **result);

/* The same without parameters, its text rendering (or the error's) written to out. */
int
ctl_call_text(struct ctl *c, const char *name, FILE *out);

/*
 * For methods: read a parameter. Doors without types (the prompt) pass numbers as strings, so both
 * are taken. Absent: *out is left alone. 0, or -EINVAL with *result = {"error": "..."}.
 */
int
ctl_param_uint(const json_t *params, const char *key, uint64_t max, uint64_t *out, json_t **result);
int
ctl_param_string(const json_t *params, const char *key, const char **out, json_t **result);

/* {"error": text}, printf-like; NULL when memory ran out. */
json_t *
ctl_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The prompt on two file descriptors (terminal, pipe or file; not blocked on, and still the
 * caller's to close). Every method registered so far is a command; `key value` pairs after the name
 * become params; "json" as last word gives one line of JSON instead of text. `quit` (also end of
 * input) ends it. One prompt a registry: -EBUSY.
 */
int
ctl_prompt_open(struct ctl *c, int fd_in, int fd_out);
/*
 * Take what was typed so far, run it, never wait. 0; 1 when the user is done (quit, end of input)
 * and the answers are written, or nobody is left to read them. Output that would block is kept, and
 * input left alone, until it does not.
 */
int
ctl_prompt_poll(struct ctl *c);
void
ctl_prompt_close(struct ctl *c);

/* ---- methods that only need to read conntrack, load balancing and classifier ---- */

struct ct_table;
struct lb;
struct cls;
struct counter_pair;

struct ctl_view {
	struct ct_table *ct;
	struct lb *lb;
	struct cls *cls;
	uint64_t (*now)(void *ctx); /* ns */
	const char *(*port_name)(void *ctx, uint16_t port);
	void (*class_counters)(void *ctx, uint16_t class_id, struct counter_pair *out);
	void (*backend_counters)(void *ctx, uint16_t backend,
			struct counter_pair *out); /* [2], by flow_dir */
	void *ctx;
};

/* `show connections`, `show services`, `show classes`. Copies *v. 0, -EEXIST, -EINVAL, -ENOMEM. */
int
ctl_register_views(struct ctl *c, const struct ctl_view *v);

/* ---- text tables: used by every method's text rendering, by the end-of-run table too ---- */

struct ctl_table;
/* Title (NULL: none) and headings are not copied. */
struct ctl_table *
ctl_table_create(const char *title);
/* Column: heading, and whether it is aligned right. */
void
ctl_table_column(struct ctl_table *t, const char *heading, bool right);
/* Next cell, row by row; printf-like. */
void
ctl_table_cell(struct ctl_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void
ctl_table_print(const struct ctl_table *t, FILE *out);
void
ctl_table_destroy(struct ctl_table *t);
/* 1234567 -> "1,234,567" into buf */
const char *
ctl_thousands(uint64_t v, char buf[32]);

#endif /* CONTROL_CTL_H */
