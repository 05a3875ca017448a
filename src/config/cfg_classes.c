/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sections "classes" (what becomes of a connection) and "rules" (which connections a class gets).
 * Called by the reader through the tables; references between sections are checked in cfg_check.c.
 */
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "base/counters.h"
#include "cfg_priv.h"

/* ---- classes --------------------------------------------------------------------------------- */

static void
check_class(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good __rte_unused)
{
	const struct cfg_class *c = object;
	const struct cfg_at at_drop = { .up = at, .key = "drop" };

	if (c->drop && (c->port != CFG_ANY_PORT || c->queue != CFG_ANY_QUEUE || c->has_mark))
		cfg_error(r, &at_drop,
				"a class that drops has no output: expected neither \"port\", \"queue\" nor "
				"\"mark\" beside it");
}

#define CLASS struct cfg_class
static const struct cfg_key class_keys[] = {
	{ "name", CFG_VALUE, CFG_FIELD(CLASS, name), .required = true, .parse = cfg_parse_name,
			.expected = cfg_name_expected },
	{ "port", CFG_VALUE, CFG_FIELD(CLASS, port), .parse = cfg_parse_port_reference,
			.fallback = CFG_ANY_PORT },
	{ "queue", CFG_UINT, CFG_FIELD(CLASS, queue), .max = 1023, .fallback = CFG_ANY_QUEUE },
	{ "mark", CFG_UINT, CFG_FIELD(CLASS, mark), .has = offsetof(CLASS, has_mark),
			.max = UINT32_MAX },
	{ "drop", CFG_BOOL, CFG_FIELD(CLASS, drop) },
};

const struct cfg_section cfg_class_section = { "class", class_keys, RTE_DIM(class_keys),
	.check = check_class };

/* ---- rules: values --------------------------------------------------------------------------- */

static const struct cfg_word protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ "sctp", IPPROTO_SCTP },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ NULL },
};

/* Field: uint8_t. */
void
cfg_parse_protocol(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	uint32_t proto;

	if (json_is_string(v)) {
		if (cfg_enum(r, at, v, protocols, &proto))
			*(uint8_t *)field = proto;
	} else if (!json_is_integer(v) || json_integer_value(v) < 1 ||
			json_integer_value(v) > 255) {
		cfg_found(r, at, v, "the name of a protocol or its number from 1 to 255");
	} else {
		*(uint8_t *)field = json_integer_value(v);
	}
}

/* A port number at *text, which moves behind it; -1 when there is none. */
static long
port_number(const char **text)
{
	const char *s = *text;
	size_t digits = strspn(s, "0123456789");
	long n;

	if (digits == 0 || digits > 5 || (s[0] == '0' && digits > 1))
		return -1;
	n = strtol(s, NULL, 10);
	*text = s + digits;
	return n <= UINT16_MAX ? n : -1;
}

/* Field: struct cfg_range. */
void
cfg_parse_range(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	struct cfg_range *range = field;
	const char *text = json_string_value(v);
	long lo = -1, hi = -1;

	if (json_is_integer(v)) {
		if (json_integer_value(v) >= 0 && json_integer_value(v) <= UINT16_MAX)
			lo = hi = json_integer_value(v);
	} else if (text != NULL) {
		lo = port_number(&text);
		if (lo >= 0 && *text++ == '-')
			hi = port_number(&text);
		if (hi >= 0 && *text != '\0')
			hi = -1;
	}
	if (hi < 0 || lo > hi) {
		cfg_found(r, at, v, "a port from 0 to 65535 or a range such as \"1024-65535\"");
		return;
	}
	range->lo = lo;
	range->hi = hi;
}

static const struct cfg_word states[] = {
	{ "new", CT_STATE_NEW },
	{ "established", CT_STATE_ESTABLISHED },
	{ "related", CT_STATE_RELATED },
	{ "invalid", CT_STATE_INVALID },
	{ NULL },
};

static void
add_state(struct cfg_reader *r, const struct cfg_at *at, json_t *v, uint16_t *bits)
{
	char shown[CFG_SHOWN_MAX];
	uint32_t state;

	if (!cfg_enum(r, at, v, states, &state))
		return;
	if (*bits & 1u << state)
		cfg_error(r, at, "%s is listed before: expected each once", cfg_show(v, shown));
	*bits |= 1u << state;
}

/* Field: uint16_t. */
static void
parse_states(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	struct cfg_at at_item = { .up = at };

	if (!json_is_array(v)) {
		add_state(r, at, v, field);
		return;
	}
	if (json_array_size(v) == 0)
		cfg_error(r, at, "an empty array: expected one state or several");
	for (; at_item.index < json_array_size(v); at_item.index++)
		add_state(r, &at_item, json_array_get(v, at_item.index), field);
}

/* Labels of letters, digits, - and _, with single dots between; RFC 1035 2.3.4 limits both. */
static bool
is_host_name(const char *s)
{
	static const char letters[] =
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t label, len;

	for (len = 0;; len += label + 1) {
		label = strspn(s + len, letters);
		if (label == 0 || label > 63 || len + label > 253)
			return false;
		if (s[len + label] != '.')
			return s[len + label] == '\0';
	}
}

/* Field: const char *. */
static void
parse_sni(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	static const char expected[] =
			"a host name such as \"www.example.com\" or \"*.example.com\" (international names as xn--...)";
	const char *s = cfg_string(r, at, v, expected);
	char *copy;
	size_t i;

	if (s == NULL)
		return;
	if (!is_host_name(strncmp(s, "*.", 2) == 0 ? s + 2 : s)) {
		cfg_found(r, at, v, expected);
		return;
	}
	copy = cfg_alloc(r, strlen(s) + 1, 1);
	for (i = 0; copy != NULL && s[i] != '\0'; i++)
		copy[i] = tolower((unsigned char)s[i]);
	*(const char **)field = copy;
}

/* Field: struct cfg_rule. */
static void
parse_dcid(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	static const char expected[] =
			"1 to 20 bytes, two hexadecimal digits each, such as \"c0ffee\"";
	struct cfg_rule *rule = field;
	const char *s = cfg_string(r, at, v, expected);
	int n;

	if (s == NULL)
		return;
	n = cfg_hex_from(s, '\0', rule->dcid, sizeof(rule->dcid));
	if (n < 0)
		cfg_found(r, at, v, expected);
	else
		rule->dcid_len = n;
}

/* ---- rules: what belongs together ------------------------------------------------------------ */

void
cfg_init_match(struct cfg_rule *rule)
{
	rule->source_port = rule->destination_port = (struct cfg_range){ 0, UINT16_MAX };
}

static void
init_rule(void *object)
{
	cfg_init_match(object);
}

static bool
is_any(const struct cfg_range *range)
{
	return range->lo == 0 && range->hi == UINT16_MAX;
}

static void
check_family(struct cfg_reader *r, const struct cfg_at *at, struct cfg_rule *rule)
{
	const struct cfg_at at_destination = { .up = at, .key = "destination" };
	const struct cfg_at at_protocol = { .up = at, .key = "protocol" };
	uint8_t source = rule->source.family, destination = rule->destination.family;
	uint8_t wanted = rule->proto == IPPROTO_ICMP ? 4 : rule->proto == IPPROTO_ICMPV6 ? 6 : 0;

	rule->family = source != 0 ? source : destination;
	if (source != 0 && destination != 0 && source != destination)
		cfg_error(r, &at_destination,
				"an IPv%u destination and an IPv%u source: expected one family",
				destination, source);
	else if (wanted != 0 && rule->family != 0 && rule->family != wanted)
		cfg_error(r, &at_protocol,
				"a protocol of IPv%u and prefixes of IPv%u: expected one family",
				wanted, rule->family);
}

/* A condition that only some protocols have: no other can be named beside it. */
static void
check_protocol(struct cfg_reader *r, const struct cfg_at *at, const struct cfg_rule *rule)
{
	const struct cfg_at at_protocol = { .up = at, .key = "protocol" };
	const struct cfg_at at_dcid = { .up = at, .key = "quic-dcid" };
	bool ports = !is_any(&rule->source_port) || !is_any(&rule->destination_port);

	if (rule->sni != NULL && rule->dcid_len > 0)
		cfg_error(r, &at_dcid,
				"no connection has both: expected \"tls-sni\" or \"quic-dcid\"");
	else if (rule->proto == 0)
		return;
	else if (rule->sni != NULL && rule->proto != IPPROTO_TCP)
		cfg_error(r, &at_protocol, "protocol %u has no TLS server name: expected \"tcp\"",
				rule->proto);
	else if (rule->dcid_len > 0 && rule->proto != IPPROTO_UDP)
		cfg_error(r, &at_protocol, "protocol %u carries no QUIC: expected \"udp\"",
				rule->proto);
	else if (ports && rule->proto != IPPROTO_TCP && rule->proto != IPPROTO_UDP &&
			rule->proto != IPPROTO_SCTP)
		cfg_error(r, &at_protocol,
				"protocol %u has no ports: expected \"tcp\", \"udp\" or \"sctp\"",
				rule->proto);
}

void
cfg_check_match(struct cfg_reader *r, const struct cfg_at *at, struct cfg_rule *rule)
{
	check_family(r, at, rule);
	check_protocol(r, at, rule);
}

static void
check_rule(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good __rte_unused)
{
	cfg_check_match(r, at, object);
}

#define RULE struct cfg_rule
static const struct cfg_key rule_keys[] = {
	{ "class", CFG_VALUE, CFG_FIELD(RULE, class_id), .required = true,
			.parse = cfg_parse_class_reference, .fallback = CFG_BAD_REFERENCE,
			.expected = "the name of a class" },
	{ "source", CFG_VALUE, CFG_FIELD(RULE, source), .parse = cfg_parse_network },
	{ "destination", CFG_VALUE, CFG_FIELD(RULE, destination), .parse = cfg_parse_network },
	{ "source-port", CFG_VALUE, CFG_FIELD(RULE, source_port), .parse = cfg_parse_range },
	{ "destination-port", CFG_VALUE, CFG_FIELD(RULE, destination_port),
			.parse = cfg_parse_range },
	{ "protocol", CFG_VALUE, CFG_FIELD(RULE, proto), .parse = cfg_parse_protocol },
	{ "port", CFG_VALUE, CFG_FIELD(RULE, in_port), .parse = cfg_parse_port_reference,
			.fallback = CFG_ANY_PORT },
	{ "state", CFG_VALUE, CFG_FIELD(RULE, states), .parse = parse_states },
	{ "tls-sni", CFG_VALUE, CFG_FIELD(RULE, sni), .parse = parse_sni },
	{ "quic-dcid", CFG_VALUE, .parse = parse_dcid },
};

const struct cfg_section cfg_rule_section = { "rule", rule_keys, RTE_DIM(rule_keys),
	.init = init_rule, .check = check_rule };
