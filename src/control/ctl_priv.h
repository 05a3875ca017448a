/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: the registry's contents, which the prompt turns into
 * commands, and the views, which a registry carries so that it frees them.
 *
 * ctl.c           the registry; ctl_job.c: methods that work in parts
 * ctl_prompt.c    the door for people; ctl_words.c: what they type; ctl_feed.c: the socket for events
 * ctl_view.c      views; ctl_policy.c: services and classes; ctl_conntrack.c: the table in figures
 * ctl_walk.c      list, count, flush; ctl_filter.c: which connections; ctl_connections*.c: one of them
 * ctl_events.c    an event as text and JSON
 * ctl_table.c     text tables
 *
 * Control lcore only.
 */
#ifndef CONTROL_CTL_PRIV_H
#define CONTROL_CTL_PRIV_H

#include "conntrack/ct.h"
#include "control/ctl.h"

#define CTL_METHODS_MAX 256
#define CTL_NAME_MAX 64
#define CTL_USAGE_MAX 512

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

/* -EINVAL with *result when the method knows no such parameter. */
int
ctl_check_params(const struct ctl_method *m, const json_t *params, json_t **result);
/* Does the usage name a parameter that has no value? */
bool
ctl_args_flag(const char *args, const char *key);

/*
 * "limit 10 service web all" -> {"limit": "10", "service": "web", "all": true}, and whether a last "json" was there.
 * NULL, or {"error": ...}. Cuts up `args`.
 */
json_t *
ctl_parse_words(const struct ctl_method *m, char *args, bool *as_json, json_t **params);

/* ---- jobs (ctl_job.c): what the prompt and ctl_run() do with them ---- */

struct ctl_job;

/* 0 and *job, or -errno with *result as of ctl_call(). */
int
ctl_job_start(const struct ctl_method *m, const json_t *params, struct ctl_job **job,
		json_t **result);
/* One part, written to out. CTL_JOB_*; an error has been written too, and is the end. */
int
ctl_job_step(struct ctl_job *j, FILE *out, bool as_json);
void
ctl_job_stop(struct ctl_job *j);
/* All of it; *result as of ctl_call(). */
int
ctl_job_run(const struct ctl_method *m, const json_t *params, json_t **result);

/* ---- views: what their files share ---- */

struct flow_addr;
struct flow_tuple;
struct ct_conn;

/* Beside the number of a pseudo protocol (flow.h): a packet may carry the same one. */
#define CTL_PROTOCOL_PSEUDO 0x100

json_t *
ctl_protocol_json(uint8_t number);
json_t *
ctl_key_json(const struct flow_key *key); /* "tcp"; "88" when it has no name here */
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

/* "tcp"; its number, in buf, when it has no name here. */
const char *
ctl_protocol_name(uint8_t number, char buf[8]);
/* The same of a key: its pseudo protocol, or what its packets carry. */
const char *
ctl_key_protocol(const struct flow_key *key, char buf[8]);

/* Which connections a command means (ctl_filter.c). */
#define CTL_FILTER_ARGS \
	"[family 4|6] [zone Z] [protocol P] [source A/L] [destination A/L] [reply-source A/L] " \
	"[reply-destination A/L] [sport N] [dport N] [state S] [mark M/MASK] [service NAME] [class NAME] " \
	"[assured yes|no] [fast yes|no]"

struct ctl_prefix {
	uint8_t family; /* 0: any */
	uint8_t len;
	uint8_t addr[16];
};

struct ctl_filter {
	bool any;							/* some condition is set */
	int family, zone, proto, sport, dport, class_id, assured, fast; /* -1: any */
	int state;							/* enum ct_state; -1: any */
	const char *tracker; /* state of its tracker; NULL: any. One of the two at most is set */
	uint32_t mark, mark_mask; /* mask 0: any */
	uint16_t backend_first;
	unsigned int n_backends; /* 0: any */
	struct ctl_prefix addr
			[4]; /* source, destination of the original direction, then of the reply */
};

/* 0, or -EINVAL with *result. Parameters that are no conditions are left alone. */
int
ctl_filter_parse(const struct ctl_view *v, const json_t *params, struct ctl_filter *f,
		json_t **result);
bool
ctl_filter_matches(const struct ctl_view *v, uint32_t conn, const struct ctl_filter *f);

/* ---- connections ---- */

const char *
ctl_conn_state(const struct ct_conn *c); /* "new", "established" */
/* Of the protocol's tracker: "SYN_SENT"; NULL: it has none with a name. */
const char *
ctl_tracker_state(uint8_t proto, uint8_t state);
/* Names of CT_S_* bits, in order; NULL behind the last. */
const char *
ctl_status_name(unsigned int i, uint16_t *bit);
uint16_t
ctl_conn_backend(const struct ct_conn *c);
/* One connection, with all that is known of it. */
json_t *
ctl_connection_json(const struct ctl_view *v, uint32_t conn);
/* The same in the manner of `conntrack -L -o extended`, from that JSON. */
void
ctl_connection_line(FILE *out, const json_t *c);
struct ctl_table *
ctl_connections_table(void);
void
ctl_connections_row(struct ctl_table *t, const json_t *c);

extern const struct ctl_job_ops ctl_connections_job;
extern const struct ctl_job_ops ctl_count_job;
extern const struct ctl_job_ops ctl_flush_job;
extern const struct ctl_job_ops ctl_conntrack_job;
extern const struct ctl_job_ops ctl_events_job;
extern const struct ctl_job_ops ctl_watch_job;
void
ctl_connections_text(FILE *out, const json_t *result);
void
ctl_count_text(FILE *out, const json_t *result);
void
ctl_flush_text(FILE *out, const json_t *result);
void
ctl_conntrack_text(FILE *out, const json_t *result);
int
ctl_services_call(void *ctx, const json_t *params, json_t **result);
void
ctl_services_text(FILE *out, const json_t *result);
int
ctl_classes_call(void *ctx, const json_t *params, json_t **result);
void
ctl_classes_text(FILE *out, const json_t *result);

#endif /* CONTROL_CTL_PRIV_H */
