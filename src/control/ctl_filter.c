/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which connections a command means: conditions out of parameters, and a connection compared with them.
 * show, count and flush have the same ones.
 *
 * Control lcore only. Reads a connection's lines while its worker may write them: what is compared is fixed,
 * or a word that is a moment old.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/flow.h"
#include "classifier/cls.h"
#include "conntrack/ct.h"
#include "control/ctl.h"
#include "lb/lb.h"

#include "ctl_priv.h"

#define MARK_TEXT_MAX 32

/* ---- parameters ------------------------------------------------------------------------------- */

/* A number that is a condition: *out stays -1 without one. */
static int
take_uint(const json_t *params, const char *key, uint64_t max, int *out, json_t **result)
{
	uint64_t value = 0;
	int rc = ctl_param_uint(params, key, max, &value, result);

	if (rc == 0 && json_object_get(params, key) != NULL)
		*out = (int)value;
	return rc;
}

static int
take_family(const json_t *params, struct ctl_filter *f, json_t **result)
{
	int rc = take_uint(params, "family", 6, &f->family, result);

	if (rc == 0 && f->family != -1 && f->family != 4 && f->family != 6) {
		*result = ctl_error("family: must be 4 or 6");
		rc = -EINVAL;
	}
	return rc;
}

static int
take_protocol(const json_t *params, struct ctl_filter *f, json_t **result)
{
	const char *text = NULL;
	int rc = ctl_param_string(params, "protocol", &text, result);

	return rc != 0 || text == NULL ? rc : ctl_parse_protocol(text, &f->proto, result);
}

/* A state of some tracker, by its name, or NULL. */
static const char *
tracker_state(const char *text)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_SCTP, IPPROTO_DCCP };
	const char *name;

	for (unsigned int p = 0; p < RTE_DIM(protos); p++) {
		for (uint8_t i = 1; (name = ctl_tracker_state(protos[p], i)) != NULL; i++) {
			if (strcasecmp(name, text) == 0)
				return name;
		}
	}
	return NULL;
}

/* Of the connection, or of its tracker. One name is both: in capitals, as conntrack has it, it is the tracker's. */
static int
take_state(const json_t *params, struct ctl_filter *f, json_t **result)
{
	const char *text = NULL;
	int rc = ctl_param_string(params, "state", &text, result), i;

	if (rc != 0 || text == NULL)
		return rc;
	f->tracker = tracker_state(text);
	for (i = CT_STATE_NEW; i <= CT_STATE_RELATED; i++) {
		if (strcasecmp(ct_state_name(i), text) == 0)
			f->state = i;
	}
	if (f->state >= 0 && f->tracker != NULL) {
		if (*text == 'E')
			f->state = -1;
		else
			f->tracker = NULL;
	}
	if (f->state < 0 && f->tracker == NULL) {
		*result = ctl_error("state: no such state: %.32s", text);
		return -EINVAL;
	}
	return 0;
}

static int
take_service(const struct ctl_view *v, const json_t *params, struct ctl_filter *f, json_t **result)
{
	const char *name = NULL;
	struct lb_service_info s;
	unsigned int i;
	int rc = ctl_param_string(params, "service", &name, result);

	if (rc != 0 || name == NULL)
		return rc;
	for (i = 0; i < lb_services(v->lb); i++) {
		if (lb_service_info(v->lb, i, &s) == 0 && strcmp(s.name, name) == 0) {
			f->backend_first = (uint16_t)s.backend_first;
			f->n_backends = s.n_backends;
			return 0;
		}
	}
	*result = ctl_error("service: no such service: %.64s", name);
	return -EINVAL;
}

static int
take_class(const struct ctl_view *v, const json_t *params, struct ctl_filter *f, json_t **result)
{
	const char *name = NULL;
	unsigned int i;
	int rc = ctl_param_string(params, "class", &name, result);

	if (rc != 0 || name == NULL)
		return rc;
	for (i = 0; i < cls_classes(v->cls); i++) {
		if (strcmp(cls_class(v->cls, (uint16_t)i)->name, name) == 0) {
			f->class_id = (int)i;
			return 0;
		}
	}
	*result = ctl_error("class: no such class: %.64s", name);
	return -EINVAL;
}

static bool
mark_number(const char *text, char **end, uint32_t *out)
{
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, end, 0);
	*out = (uint32_t)value;
	return errno == 0 && value <= UINT32_MAX;
}

/* "0x10/0xff", "16", 16 */
static int
take_mark(const json_t *params, struct ctl_filter *f, json_t **result)
{
	const json_t *v = json_object_get(params, "mark");
	char number[MARK_TEXT_MAX];
	const char *text = json_string_value(v);
	char *end = NULL;

	if (v == NULL)
		return 0;
	if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		text = number;
	}
	f->mark_mask = UINT32_MAX;
	if (text == NULL || !mark_number(text, &end, &f->mark) ||
			(*end == '/' &&
					(!mark_number(end + 1, &end, &f->mark_mask) ||
							f->mark_mask == 0)) ||
			*end != '\0') {
		*result = ctl_error("mark: must be VALUE or VALUE/MASK, each up to 0xffffffff");
		return -EINVAL;
	}
	return 0;
}

static int
take_prefix(const json_t *params, const char *key, struct ctl_prefix *p, json_t **result)
{
	const char *text = NULL, *slash;
	char address[INET6_ADDRSTRLEN] = "", *end;
	unsigned long len;
	int rc = ctl_param_string(params, key, &text, result);
	size_t n;

	if (rc != 0 || text == NULL)
		return rc;
	slash = strchrnul(text, '/');
	n = (size_t)(slash - text);
	if (n < sizeof(address))
		memcpy(address, text, n);
	if (inet_pton(AF_INET, address, p->addr) == 1)
		p->family = 4;
	else if (inet_pton(AF_INET6, address, p->addr) == 1)
		p->family = 6;
	p->len = p->family == 4 ? 32 : 128;
	if (p->family != 0 && *slash == '/') {
		errno = 0;
		len = strtoul(slash + 1, &end, 10);
		if (errno != 0 || slash[1] < '0' || slash[1] > '9' || *end != '\0' || len > p->len)
			p->family = 0;
		else
			p->len = (uint8_t)len;
	}
	if (p->family == 0) {
		*result = ctl_error(
				"%s: must be an address or ADDRESS/LENGTH, not %.48s", key, text);
		return -EINVAL;
	}
	return 0;
}

static int
take_addresses(const json_t *params, struct ctl_filter *f, json_t **result)
{
	static const char *const keys[] = { "source", "destination", "reply-source",
		"reply-destination" };
	unsigned int i;
	int rc = 0;

	for (i = 0; i < 4 && rc == 0; i++)
		rc = take_prefix(params, keys[i], &f->addr[i], result);
	return rc;
}

static bool
has_condition(const struct ctl_filter *f)
{
	unsigned int i;
	bool any = f->family >= 0 || f->zone >= 0 || f->proto >= 0 || f->sport >= 0 ||
			f->dport >= 0 || f->class_id >= 0 || f->assured >= 0 || f->fast >= 0 ||
			f->state >= 0 || f->tracker != NULL || f->mark_mask != 0 ||
			f->n_backends != 0;

	for (i = 0; i < 4; i++)
		any = any || f->addr[i].family != 0;
	return any;
}

int
ctl_filter_parse(const struct ctl_view *v, const json_t *params, struct ctl_filter *f,
		json_t **result)
{
	int rc;

	*f = (struct ctl_filter){ .family = -1,
		.zone = -1,
		.proto = -1,
		.sport = -1,
		.dport = -1,
		.class_id = -1,
		.assured = -1,
		.fast = -1,
		.state = -1 };
	rc = take_family(params, f, result);
	if (rc == 0)
		rc = take_uint(params, "zone", UINT16_MAX, &f->zone, result);
	if (rc == 0)
		rc = take_protocol(params, f, result);
	if (rc == 0)
		rc = take_addresses(params, f, result);
	if (rc == 0)
		rc = take_uint(params, "sport", UINT16_MAX, &f->sport, result);
	if (rc == 0)
		rc = take_uint(params, "dport", UINT16_MAX, &f->dport, result);
	if (rc == 0)
		rc = take_state(params, f, result);
	if (rc == 0)
		rc = take_mark(params, f, result);
	if (rc == 0)
		rc = take_service(v, params, f, result);
	if (rc == 0)
		rc = take_class(v, params, f, result);
	if (rc == 0)
		rc = ctl_param_bool(params, "assured", &f->assured, result);
	if (rc == 0)
		rc = ctl_param_bool(params, "fast", &f->fast, result);
	f->any = has_condition(f);
	return rc;
}

/* ---- comparing -------------------------------------------------------------------------------- */

static bool
prefix_covers(const struct ctl_prefix *p, uint8_t family, const struct flow_addr *a)
{
	unsigned int bytes = p->len / 8, bits = p->len % 8;

	if (p->family == 0)
		return true;
	return p->family == family && memcmp(p->addr, a->b, bytes) == 0 &&
			(bits == 0 || (p->addr[bytes] ^ a->b[bytes]) >> (8 - bits) == 0);
}

static bool
addresses_match(const struct ctl_view *v, uint32_t conn, const struct ctl_filter *f)
{
	struct flow_tuple t;
	unsigned int d;

	for (d = FLOW_ORIGINAL; d <= FLOW_REPLY; d++) {
		if (f->addr[2 * d].family == 0 && f->addr[2 * d + 1].family == 0)
			continue;
		ct_tuple(v->ct, ct_flow_id(conn, d), &t);
		if (!prefix_covers(&f->addr[2 * d], t.key.family, &t.src) ||
				!prefix_covers(&f->addr[2 * d + 1], t.key.family, &t.dst))
			return false;
	}
	return true;
}

static bool
key_matches(const struct flow_key *k, const struct ctl_filter *f)
{
	bool ports = k->proto != IPPROTO_ICMP && k->proto != IPPROTO_ICMPV6 &&
			!flow_proto_pseudo(k->proto);
	bool pseudo = (f->proto & CTL_PROTOCOL_PSEUDO) != 0;

	if (f->family >= 0 && k->family != f->family)
		return false;
	if (f->zone >= 0 && k->zone != f->zone)
		return false;
	if (f->proto >= 0 && (pseudo ? k->proto : flow_key_carries(k)) != (f->proto & 0xff))
		return false;
	if (f->sport >= 0 && (!ports || rte_be_to_cpu_16(k->sport) != f->sport))
		return false;
	return f->dport < 0 || (ports && rte_be_to_cpu_16(k->dport) == f->dport);
}

static bool
state_matches(const struct ct_conn *c, const struct ctl_filter *f)
{
	const int unanswered = c->status & CT_S_EXPECTED ? CT_STATE_RELATED : CT_STATE_NEW;
	const int state = c->status & CT_S_SEEN_REPLY ? CT_STATE_ESTABLISHED : unanswered;

	const char *tracker = ct_state_of(c);

	if (f->state < 0 && f->tracker == NULL)
		return true;
	return state == f->state ||
			(f->tracker != NULL && tracker != NULL && strcmp(tracker, f->tracker) == 0);
}

bool
ctl_filter_matches(const struct ctl_view *v, uint32_t conn, const struct ctl_filter *f)
{
	const struct ct_conn *c = &ct_conns(v->ct)[conn];
	bool fast = (c->flow[0].flags & c->flow[1].flags & FLOW_F_FAST) != 0;
	uint16_t backend = ctl_conn_backend(c);

	if (!f->any)
		return true;
	if (!key_matches(&c->flow[FLOW_ORIGINAL].key, f) || !state_matches(c, f))
		return false;
	if (f->assured >= 0 && ((c->status & CT_S_ASSURED) != 0) != f->assured)
		return false;
	if (f->fast >= 0 && fast != f->fast)
		return false;
	if (f->class_id >= 0 && c->flow[FLOW_ORIGINAL].class_id != f->class_id)
		return false;
	if (((c->mark ^ f->mark) & f->mark_mask) != 0)
		return false;
	if (f->n_backends != 0 &&
			(backend == FLOW_NO_BACKEND || backend < f->backend_first ||
					backend - f->backend_first >= (int)f->n_backends))
		return false;
	return addresses_match(v, conn, f);
}
