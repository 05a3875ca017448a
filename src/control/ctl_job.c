/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Jobs: methods that work in parts. The prompt runs one part a poll, and takes no further input before
 * the end; ctl_run() runs all of them at once, for doors and tests that have the time.
 *
 * Control lcore only, between packets: a part is bounded, by the method, to some tens of microseconds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"

#include "ctl_priv.h"

struct ctl_job {
	const struct ctl_method *m;
	json_t *items;	  /* found by the last part */
	bool begun;	  /* something was written */
	uint64_t state[]; /* the method's own */
};

int
ctl_job_start(const struct ctl_method *m, const json_t *params, struct ctl_job **job,
		json_t **result)
{
	struct ctl_job *j;
	int rc;

	*result = NULL;
	rc = ctl_check_params(m, params, result);
	if (rc != 0)
		return rc;
	j = calloc(1, sizeof(*j) + m->job->size);
	if (j == NULL)
		return -ENOMEM;
	j->m = m;
	j->items = json_array();
	rc = j->items == NULL ? -ENOMEM : m->job->start(m->ctx, j->state, params, result);
	if (rc == 0) {
		*job = j;
		return 0;
	}
	if (json_object_get(*result, "error") == NULL) {
		json_decref(*result);
		*result = ctl_error("%s: %s", m->name, strerror(-rc));
	}
	json_decref(j->items);
	free(j);
	return rc;
}

void
ctl_job_stop(struct ctl_job *j)
{
	if (j == NULL)
		return;
	if (j->m->job->stop != NULL)
		j->m->job->stop(j->m->ctx, j->state);
	json_decref(j->items);
	free(j);
}

/* ---- written as it goes ---- */

static void
write_items(struct ctl_job *j, FILE *out, bool last)
{
	const bool lines = j->m->job->lines;
	const json_t *item;
	size_t i;

	json_array_foreach(j->items, i, item) {
		if (!lines)
			fputc(j->begun ? ',' : '[', out);
		j->begun = true;
		json_dumpf(item, out, JSON_COMPACT);
		if (lines)
			fputc('\n', out);
	}
	if (last && !lines)
		fputs(j->begun ? "]\n" : "[]\n", out);
}

static int
write_end(struct ctl_job *j, FILE *out, bool as_json)
{
	json_t *result = NULL;
	int rc = j->m->job->end(j->m->ctx, j->state, &result);

	if (rc == 0 && result == NULL)
		rc = -ENOMEM;
	if (as_json) {
		json_dumpf(result, out, JSON_COMPACT | JSON_ENCODE_ANY);
		fputc('\n', out);
	} else {
		ctl_print(j->m, rc, result, out);
	}
	json_decref(result);
	return CTL_JOB_DONE;
}

int
ctl_job_step(struct ctl_job *j, FILE *out, bool as_json)
{
	const struct ctl_job_ops *ops = j->m->job;
	int rc = ops->step(j->m->ctx, j->state, j->items);

	if (rc < 0) {
		/* What was written so far stays: the line says that it is not all. */
		fprintf(out, "%serror: %s: %s\n", j->begun ? "\n" : "", j->m->name, strerror(-rc));
		return CTL_JOB_DONE;
	}
	if (rc == CTL_JOB_DONE && ops->end != NULL)
		return write_end(j, out, as_json);
	if (ops->end == NULL && as_json)
		write_items(j, out, rc == CTL_JOB_DONE);
	else if (ops->end == NULL)
		ops->text(out, j->state, j->items, rc == CTL_JOB_DONE);
	json_array_clear(j->items);
	return rc;
}

/* ---- all at once ---- */

int
ctl_job_run(const struct ctl_method *m, const json_t *params, json_t **result)
{
	struct ctl_job *j;
	int rc = ctl_job_start(m, params, &j, result);

	if (rc != 0)
		return rc;
	do {
		rc = m->job->step(m->ctx, j->state, j->items);
	} while (rc == CTL_JOB_MORE);
	if (rc == CTL_JOB_IDLE)
		rc = 0;
	if (rc == 0 && m->job->end != NULL)
		rc = m->job->end(m->ctx, j->state, result);
	else if (rc == 0)
		*result = json_incref(j->items);
	if (rc == 0 && *result == NULL)
		rc = -ENOMEM;
	if (rc != 0 && json_object_get(*result, "error") == NULL) {
		json_decref(*result);
		*result = ctl_error("%s: %s", m->name, strerror(-rc));
	}
	ctl_job_stop(j);
	return rc;
}
