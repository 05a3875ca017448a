/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: the registry's contents, which the prompt turns into
 * commands, and the views, which a registry carries so that it frees them.
 *
 * Control lcore only.
 */
#ifndef CONTROL_CTL_PRIV_H
#define CONTROL_CTL_PRIV_H

#include "control/ctl.h"

#define CTL_METHODS_MAX 256
#define CTL_NAME_MAX 64

struct ctl_prompt;

struct ctl {
	struct ctl_method *methods; /* in order of registration; [0] is `help` */
	unsigned int n;
	struct ctl_prompt *prompt; /* NULL: not open */
	struct ctl_view *view;	   /* NULL: no views */
};

/* What a method looks like to a user: "show connections [limit N]". */
void
ctl_usage(const struct ctl_method *m, char *buf, size_t len);

/* Print a method's result, or its error, as a door for people does. */
void
ctl_print(const struct ctl_method *m, int rc, const json_t *result, FILE *out);

/* ctl_call() of a method already found. */
int
ctl_run(const struct ctl_method *m, const json_t *params, json_t **result);

/* ---- views: what their files share ---- */

struct flow_addr;

json_t *
ctl_protocol_json(uint8_t number); /* "tcp"; "88" when it has no name here */
/* Name or number. -EINVAL with *result = {"error": "..."}. */
int
ctl_parse_protocol(const char *text, int *proto, json_t **result);
json_t *
ctl_address_json(uint8_t family, const struct flow_addr *addr);

/* Members of an object, for text renderings; "-" and 0 when absent or null. */
const char *
ctl_string_of(const json_t *o, const char *key);
uint64_t
ctl_uint_of(const json_t *o, const char *key);
void
ctl_thousands_cell(struct ctl_table *t, uint64_t v);

int
ctl_connections_call(void *ctx, const json_t *params, json_t **result);
void
ctl_connections_text(FILE *out, const json_t *result);
int
ctl_services_call(void *ctx, const json_t *params, json_t **result);
void
ctl_services_text(FILE *out, const json_t *result);
int
ctl_classes_call(void *ctx, const json_t *params, json_t **result);
void
ctl_classes_text(FILE *out, const json_t *result);

#endif /* CONTROL_CTL_PRIV_H */
