/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames collected in any order and written in the order of their times, for scenarios whose
 * conversations overlap. Running out of memory is remembered and reported by the write.
 */
#ifndef MK_TIMELINE_H
#define MK_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "writer.h"

struct mk_timeline;

struct mk_timeline *
mk_timeline_create(void);

void
mk_timeline_destroy(struct mk_timeline *t);

void
mk_timeline_add(struct mk_timeline *t, unsigned int interface, uint64_t ns,
		const struct mk_frame *f);

/* Frames of the same time keep the order in which they were added. Returns 0 or -errno. */
int
mk_timeline_write(struct mk_timeline *t, struct mk_writer *w);

#endif /* MK_TIMELINE_H */
