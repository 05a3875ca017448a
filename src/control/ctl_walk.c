/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over the connection table: list, count and flush connections. Jobs: a part looks at a bounded
 * number of slots, prints or closes a bounded number of connections, and packets are served between parts.
 *
 * Control lcore only. A walk is no snapshot: a connection that lives from its beginning to its end is met once,
 * one that comes or goes meanwhile once or not at all.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/flow.h"
#include "conntrack/ct.h"
#include "control/ctl.h"

#include "ctl_priv.h"

#define LIST_DEFAULT 100
#define LIMIT_MAX (UINT64_C(1) << 30)
#define PART_SLOTS 2048 /* looked at: one line of memory each */
#define PART_SHOWN 16	/* about 10 us each, most of it making JSON and writing it */
#define TABLE_ROWS 128	/* printed at once: columns of a short table fit all of it */
#define PART_CLOSED 64

enum list_format { FORMAT_TABLE, FORMAT_CONNTRACK, FORMAT_LINES };

struct walk {
	struct ctl_filter filter;
	uint64_t left; /* connections */
	uint64_t done;
	uint32_t next; /* slot; FLOW_NONE: the end */
	enum list_format format;
	struct ctl_table *table;
	unsigned int rows; /* gathered in it */
};

static int
walk_start(const struct ctl_view *v, struct walk *w, const json_t *params, json_t **result)
{
	uint64_t from = 0;
	int rc = ctl_filter_parse(v, params, &w->filter, result);

	if (rc == 0)
		rc = ctl_param_uint(params, "limit", LIMIT_MAX, &w->left, result);
	if (rc == 0)
		rc = ctl_param_uint(params, "from", UINT32_MAX - 1, &from, result);
	w->next = (uint32_t)from;
	return rc;
}

/* The next connection that is meant, or FLOW_NONE: *slots are used up, or there is none. */
static uint32_t
walk_next(const struct ctl_view *v, struct walk *w, uint32_t *slots)
{
	uint32_t from, conn;

	while (w->left > 0 && *slots > 0 && w->next != FLOW_NONE) {
		from = w->next;
		conn = ct_next(v->ct, from, *slots, &w->next);
		*slots -= RTE_MIN(*slots, w->next - from);
		if (conn != FLOW_NONE && ctl_filter_matches(v, conn, &w->filter)) {
			w->left--;
			w->done++;
			return conn;
		}
	}
	return FLOW_NONE;
}

static int
walk_state(const struct walk *w)
{
	return w->left > 0 && w->next != FLOW_NONE ? CTL_JOB_MORE : CTL_JOB_DONE;
}

/* ---- show connections ------------------------------------------------------------------------- */

static int
list_start(void *ctx, void *job, const json_t *params, json_t **result)
{
	static const char *const formats[] = { "table", "conntrack", "lines" };
	const char *format = "table";
	struct walk *w = job;
	unsigned int i;
	int rc = ctl_param_string(params, "format", &format, result);

	if (rc != 0)
		return rc;
	for (i = 0; i < RTE_DIM(formats) && strcmp(formats[i], format) != 0; i++)
		;
	if (i == RTE_DIM(formats)) {
		*result = ctl_error("format: must be table, conntrack or lines");
		return -EINVAL;
	}
	w->format = i;
	/* The other two are for programs, which want all unless they say how many. */
	w->left = w->format == FORMAT_TABLE ? LIST_DEFAULT : LIMIT_MAX;
	return walk_start(ctx, w, params, result);
}

static int
list_step(void *ctx, void *job, json_t *items)
{
	const struct ctl_view *v = ctx;
	struct walk *w = job;
	uint32_t slots = PART_SLOTS, conn;
	unsigned int n = PART_SHOWN;

	while (n > 0 && (conn = walk_next(v, w, &slots)) != FLOW_NONE) {
		if (json_array_append_new(items, ctl_connection_json(v, conn)) != 0)
			return -ENOMEM;
		n--;
	}
	return walk_state(w);
}

static void
list_table(FILE *out, struct walk *w, const json_t *items, bool last)
{
	const json_t *item;
	size_t i;

	if (w->table == NULL)
		w->table = ctl_connections_table();
	json_array_foreach(items, i, item)
		ctl_connections_row(w->table, item);
	w->rows += json_array_size(items);
	if (w->rows >= TABLE_ROWS || last) {
		ctl_table_flush(w->table, out);
		w->rows = 0;
	}
	if (last)
		fprintf(out, "%" PRIu64 " shown\n", w->done);
}

static void
list_text(FILE *out, void *job, const json_t *items, bool last)
{
	struct walk *w = job;
	const json_t *item;
	size_t i;

	if (w->format == FORMAT_TABLE) {
		list_table(out, w, items, last);
		return;
	}
	json_array_foreach(items, i, item) {
		if (w->format == FORMAT_CONNTRACK) {
			ctl_connection_line(out, item);
			continue;
		}
		json_dumpf(item, out, JSON_COMPACT);
		fputc('\n', out);
	}
}

static void
list_stop(void *ctx, void *job)
{
	struct walk *w = job;

	(void)ctx;
	ctl_table_destroy(w->table);
}

const struct ctl_job_ops ctl_connections_job = {
	.size = sizeof(struct walk),
	.start = list_start,
	.step = list_step,
	.stop = list_stop,
	.text = list_text,
};

void
ctl_connections_text(FILE *out, const json_t *result)
{
	struct ctl_table *t = ctl_connections_table();
	const json_t *item;
	size_t i;

	json_array_foreach(result, i, item)
		ctl_connections_row(t, item);
	ctl_table_print(t, out);
	ctl_table_destroy(t);
	fprintf(out, "%zu shown\n", json_array_size(result));
}

/* ---- count connections ------------------------------------------------------------------------- */

static int
count_start(void *ctx, void *job, const json_t *params, json_t **result)
{
	struct walk *w = job;

	w->left = UINT64_MAX;
	return walk_start(ctx, w, params, result);
}

static int
count_step(void *ctx, void *job, json_t *items)
{
	const struct ctl_view *v = ctx;
	struct walk *w = job;
	uint32_t slots = PART_SLOTS;
	struct ct_stats s;

	(void)items;
	if (!w->filter.any) {
		ct_stats(v->ct, &s);
		w->done = s.connections;
		return CTL_JOB_DONE;
	}
	while (walk_next(v, w, &slots) != FLOW_NONE)
		;
	return walk_state(w);
}

static int
count_end(void *ctx, void *job, json_t **result)
{
	const struct walk *w = job;

	(void)ctx;
	*result = json_pack("{s:I}", "connections", (json_int_t)w->done);
	return 0;
}

const struct ctl_job_ops ctl_count_job = {
	.size = sizeof(struct walk),
	.start = count_start,
	.step = count_step,
	.end = count_end,
};

void
ctl_count_text(FILE *out, const json_t *result)
{
	fprintf(out, "%" PRIu64 "\n", ctl_uint_of(result, "connections"));
}

/* ---- flush connections ------------------------------------------------------------------------- */

struct flush {
	struct walk walk;
	uint64_t children; /* closed because of their masters */
	uint32_t conn;	   /* under way: its children go first; FLOW_NONE: none */
};

static int
flush_start(void *ctx, void *job, const json_t *params, json_t **result)
{
	const struct ctl_view *v = ctx;
	struct flush *f = job;
	int all = 0, rc;

	f->conn = FLOW_NONE;
	f->walk.left = UINT64_MAX;
	if (v->flush == NULL)
		return -ENOTSUP;
	rc = ctl_param_bool(params, "all", &all, result);
	if (rc == 0)
		rc = walk_start(v, &f->walk, params, result);
	if (rc != 0 || f->walk.filter.any == (all == 0))
		return rc;
	*result = f->walk.filter.any
			? ctl_error("\"all\" and a condition exclude each other")
			: ctl_error("no condition: say \"all\" to close every connection");
	return -EINVAL;
}

/*
 * Close one connection: the master, or the last in line of those that it expected. A master may have many, so they are
 * counted as everything else is. True: it was the master.
 */
static bool
flush_one(const struct ctl_view *v, struct flush *f)
{
	const struct ct_ext *e;
	uint32_t victim = f->conn;

	while ((e = ct_ext(v->ct, victim)) != NULL && e->child != FLOW_NONE)
		victim = e->child;
	v->flush(v->ctx, victim);
	f->children += victim != f->conn;
	return victim == f->conn;
}

/* Between two parts it may have ended by itself, and its slot may have another connection. */
static bool
still_meant(const struct ctl_view *v, const struct flush *f)
{
	uint16_t status = ct_conns(v->ct)[f->conn].status;

	return (status & (CT_S_USED | CT_S_DYING)) == CT_S_USED &&
			ctl_filter_matches(v, f->conn, &f->walk.filter);
}

static int
flush_step(void *ctx, void *job, json_t *items)
{
	const struct ctl_view *v = ctx;
	struct flush *f = job;
	uint32_t slots = PART_SLOTS;
	unsigned int n;

	(void)items;
	if (f->conn != FLOW_NONE && !still_meant(v, f))
		f->conn = FLOW_NONE;
	for (n = 0; n < PART_CLOSED; n++) {
		if (f->conn == FLOW_NONE)
			f->conn = walk_next(v, &f->walk, &slots);
		if (f->conn == FLOW_NONE)
			return walk_state(&f->walk);
		if (flush_one(v, f))
			f->conn = FLOW_NONE;
	}
	return CTL_JOB_MORE;
}

static int
flush_end(void *ctx, void *job, json_t **result)
{
	const struct flush *f = job;

	(void)ctx;
	*result = json_pack("{s:I, s:I}", "flushed", (json_int_t)f->walk.done, "children",
			(json_int_t)f->children);
	return 0;
}

const struct ctl_job_ops ctl_flush_job = {
	.size = sizeof(struct flush),
	.start = flush_start,
	.step = flush_step,
	.end = flush_end,
};

void
ctl_flush_text(FILE *out, const json_t *result)
{
	fprintf(out, "%" PRIu64 " connections closed, and %" PRIu64 " that they had expected\n",
			ctl_uint_of(result, "flushed"), ctl_uint_of(result, "children"));
}
