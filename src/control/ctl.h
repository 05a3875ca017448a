/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control: one registry of methods ("show stats", "clear stats", ...) with several doors. Built are
 * the interactive prompt (rte_cmdline) and a socket that events are read from; a JSON socket and
 * telemetry are to call the same methods. A method takes JSON parameters and gives JSON; its text
 * rendering is made from that JSON, so doors cannot disagree. Methods that look at all connections
 * are jobs: they do a bounded part of their work a call, because packets wait meanwhile.
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

#define CTL_JOB_DONE 0
#define CTL_JOB_MORE 1 /* call again */
#define CTL_JOB_IDLE 2 /* nothing to be had at the moment, but there may be later */

/* A method that works in parts. `job` is its own memory, zeroed before start(). */
struct ctl_job_ops {
	size_t size; /* of that memory */
	/* As a method's call, but for the result: only errors. */
	int (*start)(void *ctx, void *job, const json_t *params, json_t **result);
	/* One bounded part; what it found goes to the array `items`. CTL_JOB_*, or -errno. */
	int (*step)(void *ctx, void *job, json_t *items);
	/* The answer of a job that counts; NULL: the answer is the list of all items. */
	int (*end)(void *ctx, void *job, json_t **result);
	void (*stop)(void *ctx, void *job); /* always last, after start() gave 0; may be NULL */
	/* Print items as they come; `last` is said once. NULL: all at once by the method's text(). */
	void (*text)(FILE *out, void *job, const json_t *items, bool last);
	bool lines; /* as JSON: an item a line instead of a list, since there may be no end */
};

struct ctl_method {
	const char *name; /* words separated by one blank: "show stats" */
	const char *help; /* one line */
	/*
	 * NULL, or usage of optional parameters: "[limit N] [service NAME] [all]". One without a
	 * value is true when it is there.
	 */
	const char *args;
	/*
	 * 0 and *result (new reference), or -errno and *result = {"error": "..."} or NULL. params
	 * is an object or NULL.
	 */
	int (*call)(void *ctx, const json_t *params, json_t **result);
	void (*text)(FILE *out, const json_t *result); /* NULL: print the JSON, indented */
	void *ctx;
	const struct ctl_job_ops *job; /* instead of call */
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
 * does not name. On any error *result is {"error": "..."}, or NULL when memory ran out. A job is run
 * to its end, or until it has nothing more to say at the moment: for doors that have the time.
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
/* true, false, "yes", "no", "true", "false"; *out: 1 or 0. */
int
ctl_param_bool(const json_t *params, const char *key, int *out, json_t **result);

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
struct ct_event;
struct lb;
struct cls;
struct counter_pair;

struct ctl_view {
	struct ct_table *ct;
	struct lb *lb;
	struct cls *cls;
	uint64_t (*now)(void *ctx); /* ns */
	uint64_t epoch;		    /* to be added to get ns since 1970; 0: not known */
	/* Close a connection and let go of what belongs to it, because somebody asked for it. */
	void (*flush)(void *ctx, uint32_t conn);
	unsigned int (*worker_lcore)(void *ctx, uint8_t owner);
	const char *(*port_name)(void *ctx, uint16_t port);
	void (*class_counters)(void *ctx, uint16_t class_id, struct counter_pair *out);
	void (*backend_counters)(void *ctx, uint16_t backend,
			struct counter_pair *out); /* [2], by flow_dir */
	void *ctx;
};

/*
 * `show connections`, `count connections`, `flush connections`, `show conntrack`, `show events`,
 * `watch events`, `show services`, `show classes`. Copies *v. 0, -EEXIST, -EINVAL, -ENOMEM.
 */
int
ctl_register_views(struct ctl *c, const struct ctl_view *v);

/* ---- the event stream: JSON lines of what happens to connections ---- */

/* An event as one line of JSON with its newline; its length. `epoch` as in struct ctl_view. */
#define CTL_EVENT_LINE_MAX 1024
size_t
ctl_event_json(const struct ct_event *e, uint64_t epoch, char buf[CTL_EVENT_LINE_MAX]);
/* In the manner of `conntrack -E`. */
size_t
ctl_event_text(const struct ct_event *e, char buf[CTL_EVENT_LINE_MAX]);
/* What a reader that was overrun is told: {"lost": N, "sequence": next}. */
size_t
ctl_event_lost(uint64_t lost, uint64_t sequence, char buf[CTL_EVENT_LINE_MAX]);

#define CTL_FEED_READERS_MAX 16

struct ctl_feed; /* opaque: a Unix socket that readers connect to */

/*
 * Listen at `path`, where nothing is, or a socket that nobody listens at. NULL with errno: EADDRINUSE, EEXIST (something
 * else is there), ENOTSUP (no events are recorded), ENAMETOOLONG, ... The table outlives it.
 */
struct ctl_feed *
ctl_feed_create(struct ct_table *ct, const char *path, uint64_t epoch);
void
ctl_feed_destroy(struct ctl_feed *f);
/* Take new readers, hand on a bounded number of events. Never waits. True: there is more. */
bool
ctl_feed_poll(struct ctl_feed *f);
unsigned int
ctl_feed_readers(const struct ctl_feed *f);

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
/*
 * For tables that are longer than memory: print what was gathered, with the headings the first time, and forget it.
 * Columns only become wider.
 */
void
ctl_table_flush(struct ctl_table *t, FILE *out);
void
ctl_table_destroy(struct ctl_table *t);
/* 1234567 -> "1,234,567" into buf */
const char *
ctl_thousands(uint64_t v, char buf[32]);

#endif /* CONTROL_CTL_H */
