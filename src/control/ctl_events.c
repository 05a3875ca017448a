/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events for people and programs: a record as a line of JSON or in the manner of `conntrack -E`, `show events` (the
 * last ones) and `watch events` (those to come).
 *
 * Control lcore only. What is printed into a line has a bounded length, and no name in it needs escaping.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#include "base/flow.h"
#include "base/time.h"
#include "conntrack/ct.h"
#include "control/ctl.h"

#include "ctl_priv.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX (UINT64_C(1) << 24)
#define SECONDS_DEFAULT 60
#define SECONDS_MAX 86400
#define PART_EVENTS 16

/* ---- lines ------------------------------------------------------------------------------------ */

struct line {
	char *buf;
	size_t len;
};

static void
put(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
put(struct line *l, const char *fmt, ...)
{
	size_t room = CTL_EVENT_LINE_MAX - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->len, room, fmt, ap);
	va_end(ap);
	/* Longest line: well under the limit (a test measures it); cut, if ever, it stays a string. */
	l->len += n < 0 ? 0 : RTE_MIN((size_t)n, room - 1);
}

static const char *
address(uint8_t family, const struct flow_addr *a, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(family == 6 ? AF_INET6 : AF_INET, a->b, buf, INET6_ADDRSTRLEN);
}

static bool
is_icmp(const struct flow_tuple *t)
{
	return t->key.proto == IPPROTO_ICMP || t->key.proto == IPPROTO_ICMPV6;
}

/* A tunnel's, in place of ports. */
static bool
has_id(const struct flow_tuple *t)
{
	return flow_key_bare(&t->key) && t->key.proto != FLOW_PROTO_ANY;
}

static unsigned int
dport_of(const struct flow_tuple *t)
{
	return t->key.proto == FLOW_PROTO_RAW ? 0 : rte_be_to_cpu_16(t->key.dport);
}

static void
put_tuple(struct line *l, const struct ct_event *e, enum flow_dir dir)
{
	const struct flow_tuple *t = &e->tuple[dir];
	unsigned int sport = rte_be_to_cpu_16(t->key.sport), dport = dport_of(t);
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	put(l, ",\"%s\":{\"src\":\"%s\",\"dst\":\"%s\"",
			dir == FLOW_ORIGINAL ? "original" : "reply",
			address(t->key.family, &t->src, src), address(t->key.family, &t->dst, dst));
	if (is_icmp(t))
		put(l, ",\"id\":%u,\"type\":%u,\"code\":%u", sport, dport >> 8, dport & 0xff);
	else if (has_id(t))
		put(l, ",\"id\":%u", flow_key_id(&t->key));
	else if (!flow_key_bare(&t->key))
		put(l, ",\"sport\":%u,\"dport\":%u", sport, dport);
	if (e->kind == CT_EVENT_DESTROY)
		put(l, ",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64, e->packets[dir],
				e->bytes[dir]);
	put(l, "}");
}

static void
put_changed(struct line *l, uint8_t changed)
{
	static const char *const names[] = { "seen_reply", "assured", "state", "mark", "fast" };
	const char *comma = "";
	unsigned int i;

	put(l, ",\"changed\":[");
	for (i = 0; i < RTE_DIM(names); i++) {
		if (!(changed & 1u << i))
			continue;
		put(l, "%s\"%s\"", comma, names[i]);
		comma = ",";
	}
	put(l, "]");
}

static void
put_status(struct line *l, uint16_t status)
{
	const char *name, *comma = "";
	unsigned int i;
	uint16_t bit;

	put(l, ",\"status\":[");
	for (i = 0; (name = ctl_status_name(i, &bit)) != NULL; i++) {
		if (!(status & bit))
			continue;
		put(l, "%s\"%s\"", comma, name);
		comma = ",";
	}
	put(l, "]");
}

size_t
ctl_event_json(const struct ct_event *e, uint64_t epoch, char buf[CTL_EVENT_LINE_MAX])
{
	const struct flow_key *k = &e->tuple[FLOW_ORIGINAL].key;
	const char *tracker = ctl_tracker_state(k->proto, e->state);
	struct line l = { .buf = buf };
	char name[8];

	put(&l,
			"{\"sequence\":%" PRIu64 ",\"time\":%" PRIu64
			",\"event\":\"%s\",\"id\":%u,\"zone\":%u",
			e->sequence, e->time + epoch, ct_event_name(e->kind), e->conn, k->zone);
	put(&l, ",\"family\":%u,\"protocol\":\"%s\"", k->family, ctl_key_protocol(k, name));
	put_tuple(&l, e, FLOW_ORIGINAL);
	put_tuple(&l, e, FLOW_REPLY);
	put(&l, ",\"state\":\"%s\"", e->status & CT_S_SEEN_REPLY ? "established" : "new");
	if (tracker != NULL)
		put(&l, ",\"tcp_state\":\"%s\"", tracker);
	put_status(&l, e->status);
	put(&l, ",\"mark\":%u,\"fast\":%s", e->mark, e->fast ? "true" : "false");
	if (e->kind == CT_EVENT_UPDATE)
		put_changed(&l, e->changed);
	if (e->kind == CT_EVENT_DESTROY)
		put(&l, ",\"reason\":\"%s\"", ct_why_name(e->why));
	else
		put(&l, ",\"expires\":%u", e->expires);
	put(&l, "}\n");
	return l.len;
}

static void
put_direction(struct line *l, const struct ct_event *e, enum flow_dir dir)
{
	const struct flow_tuple *t = &e->tuple[dir];
	unsigned int sport = rte_be_to_cpu_16(t->key.sport), dport = dport_of(t);
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	put(l, "src=%s dst=%s ", address(t->key.family, &t->src, src),
			address(t->key.family, &t->dst, dst));
	if (is_icmp(t))
		put(l, "type=%u code=%u id=%u ", dport >> 8, dport & 0xff, sport);
	else if (has_id(t))
		put(l, "id=%u ", flow_key_id(&t->key));
	else if (!flow_key_bare(&t->key))
		put(l, "sport=%u dport=%u ", sport, dport);
	if (e->kind == CT_EVENT_DESTROY)
		put(l, "packets=%" PRIu64 " bytes=%" PRIu64 " ", e->packets[dir], e->bytes[dir]);
}

size_t
ctl_event_text(const struct ct_event *e, char buf[CTL_EVENT_LINE_MAX])
{
	static const char *const heads[] = { "    [NEW]", " [UPDATE]", "[DESTROY]" };
	const struct flow_key *k = &e->tuple[FLOW_ORIGINAL].key;
	const char *tracker = ctl_tracker_state(k->proto, e->state), *name;
	struct line l = { .buf = buf };
	char number[8];

	name = ctl_key_protocol(k, number);
	put(&l, "%s %-8s %u ", heads[e->kind], name == number ? "unknown" : name,
			flow_key_carries(k));
	if (e->kind != CT_EVENT_DESTROY) {
		put(&l, "%u ", e->expires);
		if (tracker != NULL)
			put(&l, "%s ", tracker);
	}
	put_direction(&l, e, FLOW_ORIGINAL);
	if (!(e->status & CT_S_SEEN_REPLY))
		put(&l, "[UNREPLIED] ");
	put_direction(&l, e, FLOW_REPLY);
	if (e->status & CT_S_ASSURED)
		put(&l, "[ASSURED] ");
	if (e->mark != 0)
		put(&l, "mark=%u ", e->mark);
	put(&l, "zone=%u id=%u\n", k->zone, e->conn);
	return l.len;
}

size_t
ctl_event_lost(uint64_t lost, uint64_t sequence, char buf[CTL_EVENT_LINE_MAX])
{
	struct line l = { .buf = buf };

	put(&l, "{\"lost\":%" PRIu64 ",\"sequence\":%" PRIu64 "}\n", lost, sequence);
	return l.len;
}

/* ---- show events, watch events ------------------------------------------------------------------ */

struct watch {
	struct ct_reader reader;
	const struct ctl_view *view;
	uint64_t left;
	uint64_t until; /* watch: ns */
	uint8_t kinds;
	bool open; /* watch */
	bool lines;
	/* What the last part found, for the text: the ring may have moved on. */
	struct {
		bool is_event; /* or what was lost before it */
		struct ct_event event;
	} found[2 * PART_EVENTS];
};

/* Parameters of both. */
static int
take_params(struct watch *w, const json_t *params, json_t **result)
{
	const char *event = NULL, *format = "conntrack";
	unsigned int i;
	int rc;

	w->left = LIMIT_DEFAULT;
	w->kinds = CT_EVENTS_ALL;
	rc = ctl_param_uint(params, "limit", LIMIT_MAX, &w->left, result);
	if (rc == 0)
		rc = ctl_param_string(params, "event", &event, result);
	if (rc == 0)
		rc = ctl_param_string(params, "format", &format, result);
	if (rc != 0)
		return rc;
	for (i = 0; event != NULL && i < CT_EVENT_KINDS; i++) {
		if (strcmp(event, ct_event_name(i)) == 0)
			w->kinds = (uint8_t)(1u << i);
	}
	if (event != NULL && w->kinds == CT_EVENTS_ALL)
		*result = ctl_error("event: must be new, update or destroy");
	w->lines = strcmp(format, "lines") == 0;
	if (!w->lines && strcmp(format, "conntrack") != 0)
		*result = ctl_error("format: must be conntrack or lines");
	return *result != NULL ? -EINVAL : 0;
}

static int
no_ring(const struct ctl_view *v, json_t **result)
{
	struct ct_event_stats s;

	ct_event_stats(v->ct, &s);
	if (s.ring != 0)
		return 0;
	*result = ctl_error("no events are recorded: \"ring\" of \"events\" is 0");
	return -ENOTSUP;
}

static int
show_start(void *ctx, void *job, const json_t *params, json_t **result)
{
	struct watch *w = job;
	int rc = no_ring(ctx, result);

	if (rc == 0)
		rc = take_params(w, params, result);
	w->view = ctx;
	if (rc == 0)
		ct_events_recent(w->view->ct, &w->reader, w->left);
	return rc;
}

static int
watch_start(void *ctx, void *job, const json_t *params, json_t **result)
{
	uint64_t seconds = SECONDS_DEFAULT;
	struct watch *w = job;
	int rc = no_ring(ctx, result);

	if (rc == 0)
		rc = take_params(w, params, result);
	if (rc == 0)
		rc = ctl_param_uint(params, "seconds", SECONDS_MAX, &seconds, result);
	w->view = ctx;
	if (rc == 0)
		rc = ct_events_open(w->view->ct, &w->reader);
	if (rc != 0)
		return rc;
	w->open = true;
	w->until = w->view->now(w->view->ctx) + seconds * TIME_NS_PER_S;
	return 0;
}

static int
add_event(struct watch *w, const struct ct_event *e, json_t *items)
{
	char buf[CTL_EVENT_LINE_MAX];
	size_t len = ctl_event_json(e, w->view->epoch, buf), i = json_array_size(items);

	w->found[i].is_event = true;
	w->found[i].event = *e;
	return json_array_append_new(items, json_loadb(buf, len, 0, NULL)) == 0 ? 0 : -ENOMEM;
}

static int
add_lost(struct watch *w, uint64_t lost, bool read_one, json_t *items)
{
	uint64_t sequence = w->reader.next - read_one;

	w->found[json_array_size(items)].is_event = false;
	return json_array_append_new(items,
			       json_pack("{s:I, s:I}", "lost", (json_int_t)lost, "sequence",
					       (json_int_t)sequence)) == 0
			? 0
			: -ENOMEM;
}

static int
events_step(void *ctx, void *job, json_t *items)
{
	const struct ctl_view *v = ctx;
	struct watch *w = job;
	const struct ct_event *e;
	unsigned int n;
	uint64_t lost;
	int rc = 0;

	for (n = PART_EVENTS; n > 0 && w->left > 0; n--) {
		e = ct_events_next(v->ct, &w->reader, &lost);
		if (lost != 0)
			rc = add_lost(w, lost, e != NULL, items);
		if (e == NULL || rc != 0)
			break;
		/* `show` looks at the last ones of all kinds, `watch` waits for as many of one. */
		w->left -= !w->open || (w->kinds & 1u << e->kind);
		if (w->kinds & 1u << e->kind)
			rc = add_event(w, e, items);
	}
	if (rc != 0)
		return rc;
	if (w->left == 0 || (n > 0 && !w->open))
		return CTL_JOB_DONE;
	if (n == 0)
		return CTL_JOB_MORE;
	return v->now(v->ctx) < w->until ? CTL_JOB_IDLE : CTL_JOB_DONE;
}

static void
events_text(FILE *out, void *job, const json_t *items, bool last)
{
	const struct watch *w = job;
	char buf[CTL_EVENT_LINE_MAX];
	const json_t *item;
	size_t i;

	(void)last;
	json_array_foreach(items, i, item) {
		if (w->found[i].is_event && !w->lines) {
			fwrite(buf, 1, ctl_event_text(&w->found[i].event, buf), out);
			continue;
		}
		json_dumpf(item, out, JSON_COMPACT);
		fputc('\n', out);
	}
}

static void
watch_stop(void *ctx, void *job)
{
	struct watch *w = job;

	(void)ctx;
	if (w->open)
		ct_events_close(w->view->ct, &w->reader);
}

const struct ctl_job_ops ctl_events_job = {
	.size = sizeof(struct watch),
	.start = show_start,
	.step = events_step,
	.text = events_text,
};

const struct ctl_job_ops ctl_watch_job = {
	.size = sizeof(struct watch),
	.start = watch_start,
	.step = events_step,
	.stop = watch_stop,
	.text = events_text,
	.lines = true,
};
