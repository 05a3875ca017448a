/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits: how many connections a source or destination prefix may have at once, and how many new ones a second. The
 * session code asks when a connection opens and says when it ends; nothing is asked for any other packet. A rate is a
 * token bucket, kept as a time (generic cell rate algorithm, ITU-T I.371).
 *
 * Control lcore only. No clock: `now` is an argument (ns). Knows neither connections nor policy: a connection is its
 * original tuple, its port of entry and its service, and what was counted for it is found again by these.
 */
#ifndef LIMIT_LIM_H
#define LIMIT_LIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/flow.h"

struct lim; /* opaque */

#define LIM_LIMITS_MAX 64 /* all of them are looked through for every new connection */
#define LIM_SETS_MAX 1024
#define LIM_ENTRIES_MAX (1u << 22) /* of one limit */
#define LIM_RATE_MAX 1000000000u /* of rate and burst; also keeps a bucket's time below 32 years */
#define LIM_NONE UINT16_MAX	 /* no set, any port of entry */

enum lim_by { LIM_BY_SOURCE, LIM_BY_DESTINATION, LIM_BY_ALL };
enum lim_action { LIM_DROP, LIM_RESET, LIM_COUNT };

/* A named set of prefixes: both families, any order, overlaps are fine. */
struct lim_prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t len;
	struct flow_addr addr; /* bits behind len are ignored */
};
struct lim_set_params {
	const struct lim_prefix *prefixes;
	unsigned int n_prefixes;
};

struct lim_limit_params {
	const char *name;
	/* Which connections: all conditions must hold. */
	uint8_t proto;	   /* IPPROTO_*, 0 = any */
	uint16_t dport_lo; /* host order, inclusive. Not 0 to 65535: only protocols with ports */
	uint16_t dport_hi;
	uint16_t port_in; /* port of entry, or LIM_NONE */
	int32_t service;  /* index, or -1 = any or none */
	int32_t zone;	  /* or -1 = any */
	uint16_t set;	  /* the counted address is in it (LIM_BY_ALL: the source); or LIM_NONE */
	uint16_t not_set; /* it is not in it; or LIM_NONE */
	/* What is counted as one. */
	enum lim_by by;
	uint8_t prefix_len;  /* IPv4: 0 .. 32 */
	uint8_t prefix_len6; /* 0 .. 128 */
	/* How many. */
	uint32_t connections; /* at once; 0 = no bound */
	uint32_t rate;	      /* new ones a second; 0 = no bound */
	uint32_t burst;	      /* at once after a rest; with rate: 1 .. */
	enum lim_action action;
	uint32_t entries; /* prefixes that can be counted; LIM_BY_ALL: one, whatever is said */
};

struct lim_params {
	const struct lim_limit_params *limits; /* copied; in the order in which they are asked */
	unsigned int n_limits;		       /* 1 .. LIM_LIMITS_MAX */
	const struct lim_set_params *sets;     /* copied */
	unsigned int n_sets;
	uint64_t hash_seed; /* secret where senders are not trusted */
	int socket_id;
};

/* NULL with rte_errno (EINVAL, ENOMEM). All memory is taken here. */
struct lim *
lim_create(const struct lim_params *p);
void
lim_destroy(struct lim *l);

/* ---- connections ---- */

struct lim_conn {
	const struct flow_tuple *tuple; /* original direction, as it came in */
	uint16_t port_in;		/* configuration index */
	int32_t service;		/* or negative: none. Ignored unless lim_asks_service() */
};

enum lim_verdict {
	LIM_PASS,
	LIM_CONNECTIONS, /* as many as allowed are there */
	LIM_RATE,	 /* came too fast */
	LIM_FULL,	 /* the limit's table has no room for another prefix */
	LIM_VERDICTS
};

/*
 * A connection wants to open. LIM_PASS: it is counted in every limit that matches. Else it is counted in none, and
 * *limit is the first one that refuses it; a limit whose action is LIM_COUNT never does.
 *
 * A full table refuses: if it let pass, whoever can fill it (any sender of forged SYNs) would have no limit any more.
 */
enum lim_verdict
lim_open(struct lim *l, const struct lim_conn *c, uint64_t now, unsigned int *limit);

/* The connection of the last lim_open() did not come about: nothing was counted. Once, before anything else. */
void
lim_undo(struct lim *l);

/* A connection that lim_open() let pass, or that was adopted, has ended. The same *c. */
void
lim_close(struct lim *l, const struct lim_conn *c, uint64_t now);

/* Count a connection that exists already, whatever the limits say: no token is taken, nothing is refused. */
void
lim_adopt(struct lim *l, const struct lim_conn *c, uint64_t now);

/* Does any limit name a service? */
bool
lim_asks_service(const struct lim *l);

/*
 * Clean up: look at `work` entries, all limits in turn, and forget those that have no connection and a full bucket.
 * lim_open() does a little of that as well; this is for the time when nothing opens.
 */
void
lim_tidy(struct lim *l, uint64_t now, unsigned int work);

/* ---- reading ---- */

struct lim_info {
	const char *name;
	enum lim_by by;
	enum lim_action action;
	uint8_t prefix_len, prefix_len6;
	uint32_t connections, rate, burst; /* the bounds */
	uint64_t passed;		   /* connections counted here and let pass */
	uint64_t over[LIM_VERDICTS];	   /* by why; refused, or with LIM_COUNT let pass */
	uint32_t entries, entries_max;
	uint64_t open;	   /* connections that are counted now */
	uint64_t unlisted; /* of which in no entry, because the table was full */
};
unsigned int
lim_limits(const struct lim *l);
int
lim_info(const struct lim *l, unsigned int limit, struct lim_info *out); /* -ENOENT */

const char *
lim_by_name(enum lim_by by); /* "source" */
const char *
lim_action_name(enum lim_action action); /* "drop" */

struct lim_top {
	uint8_t family; /* 0: LIM_BY_ALL */
	uint8_t len;
	struct flow_addr addr;
	uint32_t connections;
	uint32_t tokens; /* in the bucket now; rate only */
};
/*
 * The prefixes with the most connections, of at most *work slots of the table; *work is then what is left of it. The
 * next call goes on behind them. Returns how many, sorted, at most max.
 */
unsigned int
lim_top(struct lim *l, unsigned int limit, struct lim_top *out, unsigned int max, uint32_t *work);

#endif /* LIMIT_LIM_H */
