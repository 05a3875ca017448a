/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames sorted by time. Called by the demo scenario. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "timeline.h"

struct event {
	uint64_t ns;
	size_t order;
	unsigned int interface;
	struct mk_frame *frame; /* as long as its packet, not MK_FRAME_MAX */
};

struct mk_timeline {
	struct event *events;
	size_t n;
	size_t room;
	int error;
};

struct mk_timeline *
mk_timeline_create(void)
{
	return calloc(1, sizeof(struct mk_timeline));
}

void
mk_timeline_destroy(struct mk_timeline *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->events[i].frame);
	free(t->events);
	free(t);
}

static int
grow(struct mk_timeline *t)
{
	size_t room = t->room ? 2 * t->room : 1024;
	struct event *events = realloc(t->events, room * sizeof(*events));

	if (!events)
		return -ENOMEM;
	t->events = events;
	t->room = room;
	return 0;
}

void
mk_timeline_add(struct mk_timeline *t, unsigned int interface, uint64_t ns,
		const struct mk_frame *f)
{
	size_t size = offsetof(struct mk_frame, data) + f->len;
	struct mk_frame *copy;

	if (t->error || (t->n == t->room && (t->error = grow(t)) != 0))
		return;
	copy = malloc(size);
	if (!copy) {
		t->error = -ENOMEM;
		return;
	}
	memcpy(copy, f, size);
	t->events[t->n] = (struct event){ ns, t->n, interface, copy };
	t->n++;
}

static int
by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

int
mk_timeline_write(struct mk_timeline *t, struct mk_writer *w)
{
	if (t->error)
		return t->error;
	if (t->n)
		qsort(t->events, t->n, sizeof(*t->events), by_time);
	for (size_t i = 0; i < t->n; i++)
		mk_write(w, t->events[i].interface, t->events[i].ns, t->events[i].frame);
	return 0;
}
