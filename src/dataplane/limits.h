/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits on connections, as the slow path sees them (limits.c), and the method that shows them (limits_show.c). Control
 * lcore only. Without limits in the configuration dp->lim is NULL and nothing here is called.
 */
#ifndef DATAPLANE_LIMITS_H
#define DATAPLANE_LIMITS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct dp;
struct session;

/* At start: dp->lim from dp->cfg. 0, or -errno and a message. */
int
limits_create(struct dp *dp);

/*
 * A first packet wants to open a connection to `service` (negative: none). True: a limit refuses it, and m is taken.
 * False: it is counted; if no connection comes of it, say limits_undo() before anything else is asked.
 */
bool
limits_refuse(struct session *s, int service);
void
limits_undo(struct dp *dp);

/* A connection ends: its flows and tuple can still be read. */
void
limits_close(struct dp *dp, uint32_t conn);

/* Now and then: forget prefixes that have come to rest. */
void
limits_tick(struct dp *dp, uint64_t now);

/* `show limits [name NAME]`: ctx is the struct dp. */
int
limits_call(void *ctx, const json_t *params, json_t **result);
void
limits_text(FILE *out, const json_t *r);

#endif /* DATAPLANE_LIMITS_H */
