/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FTP announcements: alg.h. Strict, because what is read here opens a firewall: a line counts only from its first byte
 * to its end, both in this packet, and only in the form that the RFCs give. A client's commands and a server's replies
 * are looked for on their own side alone.
 */
#include <arpa/inet.h>
#include <string.h>

#include <rte_common.h>

#include "alg/alg.h"

/* One line: [at, end), the line feed excluded. */
struct line {
	const uint8_t *data; /* of the payload */
	uint32_t begin;
	uint32_t end;
	bool whole; /* it has its line feed */
};

/* ---- numbers and addresses ---------------------------------------------------------------------------------- */

static bool
is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

/* A decimal number of at most `digits` digits, up to max; moves *at behind it. -1: none. */
static int32_t
number(const struct line *l, uint32_t *at, unsigned int digits, int32_t max)
{
	int32_t v = 0;
	uint32_t i = *at;

	while (i < l->end && i - *at < digits && is_digit(l->data[i]))
		v = v * 10 + (l->data[i++] - '0');
	if (i == *at || v > max || (i < l->end && is_digit(l->data[i])))
		return -1;
	*at = i;
	return v;
}

/* h1,h2,h3,h4,p1,p2 (RFC 959 section 5.3.2) at a->begin; sets the rest of *a. */
static bool
six_numbers(const struct line *l, struct alg_announced *a)
{
	int32_t v[6];

	a->end = a->begin;
	for (unsigned int i = 0; i < RTE_DIM(v); i++) {
		if (i > 0 && (a->end >= l->end || l->data[a->end++] != ','))
			return false;
		v[i] = number(l, &a->end, 3, UINT8_MAX);
		if (v[i] < 0)
			return false;
		if (i < 4)
			a->address.b[i] = (uint8_t)v[i];
	}
	a->family = 4;
	a->port = (uint16_t)(v[4] << 8 | v[5]);
	return true;
}

/* A delimiter of RFC 2428: printable, and no digit here, so that no number runs on in it. */
static bool
is_delimiter(uint8_t b)
{
	return b >= 33 && b <= 126 && !is_digit(b);
}

static bool
at_is(const struct line *l, uint32_t at, char c)
{
	return at < l->end && l->data[at] == (uint8_t)c;
}

/* The line ends here: CR LF. */
static bool
at_end(const struct line *l, uint32_t at)
{
	return at + 1 == l->end && l->data[at] == '\r';
}

/* ---- the four announcements ----------------------------------------------------------------------------------- */

/* Behind a command's name: at least one space. */
static bool
skip_spaces(const struct line *l, uint32_t *at)
{
	const uint32_t first = *at;

	while (at_is(l, *at, ' '))
		(*at)++;
	return *at > first;
}

static bool
parse_port(const struct line *l, uint32_t at, struct alg_announced *a)
{
	a->kind = ALG_FTP_PORT;
	if (!skip_spaces(l, &at))
		return false;
	a->begin = at;
	return six_numbers(l, a) && at_end(l, a->end);
}

/* |family|address|port|, RFC 2428 section 2 */
static bool
parse_eprt(const struct line *l, uint32_t at, struct alg_announced *a)
{
	char text[INET6_ADDRSTRLEN] = { 0 };
	const uint8_t *delimiter;
	int32_t family, port;
	uint32_t len;

	a->kind = ALG_FTP_EPRT;
	if (!skip_spaces(l, &at) || at >= l->end || !is_delimiter(l->data[at]))
		return false;
	a->begin = at;
	a->delimiter = (char)l->data[at++];
	family = number(l, &at, 1, 2);
	if (family < 1 || !at_is(l, at++, a->delimiter))
		return false;
	delimiter = at < l->end ? memchr(l->data + at, a->delimiter, l->end - at) : NULL;
	if (delimiter == NULL)
		return false;
	len = (uint32_t)(delimiter - (l->data + at));
	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, l->data + at, len);
	if (inet_pton(family == 2 ? AF_INET6 : AF_INET, text, a->address.b) != 1)
		return false;
	at += len + 1;
	port = number(l, &at, 5, UINT16_MAX);
	if (port < 0 || !at_is(l, at++, a->delimiter))
		return false;
	a->family = family == 2 ? 6 : 4;
	a->port = (uint16_t)port;
	a->end = at;
	return at_end(l, at);
}

/* The numbers begin at the first digit: servers differ in what stands before (RFC 1123 section 4.1.2.6). */
static bool
parse_227(const struct line *l, uint32_t at, struct alg_announced *a)
{
	a->kind = ALG_FTP_227;
	while (at < l->end && !is_digit(l->data[at]))
		at++;
	a->begin = at;
	/* A seventh number, or a longer sixth, is something else. */
	return six_numbers(l, a) && !at_is(l, a->end, ',') && !at_is(l, a->end, '.');
}

/* (|||port|), RFC 2428 section 3 */
static bool
parse_229(const struct line *l, uint32_t at, struct alg_announced *a)
{
	int32_t port;
	uint8_t d;

	a->kind = ALG_FTP_229;
	while (at < l->end && l->data[at] != '(')
		at++;
	if (at + 4 >= l->end || !is_delimiter(l->data[at + 1]))
		return false;
	d = l->data[at + 1];
	if (l->data[at + 2] != d || l->data[at + 3] != d)
		return false;
	a->begin = a->end = at + 4;
	port = number(l, &a->end, 5, UINT16_MAX);
	a->port = (uint16_t)port;
	return port >= 0 && at_is(l, a->end, (char)d) && at_is(l, a->end + 1, ')');
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

struct pattern {
	const char *text; /* in capitals */
	uint8_t len;
	bool from_server;
	bool (*parse)(const struct line *l, uint32_t at, struct alg_announced *a);
};

static const struct pattern patterns[] = {
	{ "PORT", 4, false, parse_port },
	{ "EPRT", 4, false, parse_eprt },
	{ "227 ", 4, true, parse_227 },
	{ "229 ", 4, true, parse_229 },
};

/* Upper and lower case are the same (RFC 959 section 5.3), whatever the locale says. */
static bool
begins_with(const uint8_t *data, const char *capitals, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		const uint8_t b = data[i];

		if ((b >= 'a' && b <= 'z' ? b - 'a' + 'A' : b) != (uint8_t)capitals[i])
			return false;
	}
	return true;
}

/* Names go on with letters: "PORTAL" is another command. */
static bool
is_letter(uint8_t b)
{
	b |= 0x20;
	return b >= 'a' && b <= 'z';
}

static enum alg_result
parse_line(const struct line *l, bool from_server, struct alg_announced *a)
{
	const uint32_t len = l->end - l->begin;

	for (unsigned int i = 0; i < RTE_DIM(patterns); i++) {
		const struct pattern *p = &patterns[i];

		if (p->from_server != from_server ||
				!begins_with(l->data + l->begin, p->text, RTE_MIN(len, p->len)))
			continue;
		if (len < p->len) { /* the rest may be in the next packet */
			if (l->whole || len == 0)
				continue;
			return ALG_BAD;
		}
		if (!from_server && len > p->len && is_letter(l->data[l->begin + p->len]))
			continue;
		*a = (struct alg_announced){ .line = l->begin };
		if (!l->whole || !p->parse(l, l->begin + p->len, a) || a->port == 0)
			return ALG_BAD;
		return a->port < ALG_PORT_MIN ? ALG_REFUSED : ALG_FOUND;
	}
	return ALG_NOTHING;
}

/*
 * Replies of several lines: "230-first" to "230 last" (RFC 959 section 4.2). Is this line text within one? Its first line
 * and its last one are none: they begin with a code.
 */
static bool
inside_reply(const struct line *l, uint16_t *reply)
{
	const uint8_t *p = l->data + l->begin;
	const bool code = l->end - l->begin >= 4 && is_digit(p[0]) && is_digit(p[1]) &&
			is_digit(p[2]);
	const uint16_t v =
			code ? (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0') : 0;

	if (*reply != 0) {
		if (code && v == *reply && p[3] == ' ')
			*reply = 0;
		return true;
	}
	if (code && p[3] == '-')
		*reply = v;
	return false;
}

enum alg_result
alg_ftp(struct alg_text *text, struct alg_announced *out)
{
	struct line l = { .data = text->data };
	enum alg_result result = ALG_NOTHING, found;
	struct alg_announced a;

	for (; l.begin < text->len; l.begin = l.end + 1) {
		const uint8_t *feed = memchr(text->data + l.begin, '\n', text->len - l.begin);

		l.whole = feed != NULL;
		l.end = l.whole ? (uint32_t)(feed - text->data) : text->len;
		if (text->from_server && inside_reply(&l, &text->reply))
			continue;
		if (result != ALG_NOTHING)
			continue; /* only replies of several lines are of interest yet */
		found = parse_line(&l, text->from_server, &a);
		if (found != ALG_NOTHING)
			*out = a;
		result = found;
	}
	return result;
}
