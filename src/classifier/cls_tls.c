/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server name in a TLS ClientHello: RFC 8446 4.1.2 and 5.1 (the same bytes in older versions,
 * RFC 5246), RFC 6066 3. Called by cls_l7.c on any lcore with the first bytes that a client sends.
 *
 * The hello is read through a cursor that steps over record headers, so a hello in several records
 * is one message; what has been read is never read again. The cursor remembers why it stopped, and
 * reads zeros from then on: callers check once after a few reads.
 */
#include <string.h>

#include "cls_priv.h"

#define RECORD_HEADER 5
#define RECORD_MAX 16384 /* RFC 8446 5.1 */
#define RECORD_HANDSHAKE 22
#define VERSION_MAJOR 3
#define CLIENT_HELLO 1
#define RANDOM_LEN 32
#define SESSION_ID_MAX 32
/* Header fields, session id, cipher suites, compression methods, extensions at their longest. */
#define HELLO_MAX (2 + 32 + 33 + 65537 + 256 + 65537)
#define EXT_SERVER_NAME 0
#define NAME_TYPE_HOST 0

struct cursor {
	const uint8_t *p;
	uint32_t left;		 /* bytes of payload from p on */
	uint32_t record;	 /* of these, what remains of the record */
	uint32_t pos;		 /* bytes of the handshake stream that were read */
	enum cls_l7_result stop; /* CLS_L7_FOUND: going on */
};

/* Step over the next record's header. What is visible of it must be that of a handshake record. */
static void
next_record(struct cursor *c)
{
	if ((c->left >= 1 && c->p[0] != RECORD_HANDSHAKE) ||
			(c->left >= 2 && c->p[1] != VERSION_MAJOR)) {
		c->stop = CLS_L7_ABSENT;
		return;
	}
	if (c->left < RECORD_HEADER) {
		c->stop = CLS_L7_MORE;
		return;
	}
	c->record = (uint32_t)c->p[3] << 8 | c->p[4];
	if (c->record == 0 || c->record > RECORD_MAX) {
		c->stop = CLS_L7_ABSENT;
		return;
	}
	c->p += RECORD_HEADER;
	c->left -= RECORD_HEADER;
}

/* Read n bytes of the handshake stream; `to` may be NULL. */
static void
take(struct cursor *c, uint8_t *to, uint32_t n)
{
	while (n > 0 && c->stop == CLS_L7_FOUND) {
		uint32_t chunk;

		if (c->record == 0) {
			next_record(c);
			continue;
		}
		chunk = RTE_MIN(RTE_MIN(n, c->record), c->left);
		if (chunk == 0) {
			c->stop = CLS_L7_MORE;
			return;
		}
		if (to != NULL) {
			memcpy(to, c->p, chunk);
			to += chunk;
		}
		c->p += chunk;
		c->left -= chunk;
		c->record -= chunk;
		c->pos += chunk;
		n -= chunk;
	}
}

/* A number of `size` bytes, at most three. */
static uint32_t
number(struct cursor *c, uint32_t size)
{
	uint8_t b[3] = { 0 };

	take(c, b + 3 - size, size);
	return c->stop == CLS_L7_FOUND ? (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2] : 0;
}

/* Step over a vector whose length is a number of `size` bytes. */
static void
skip_vector(struct cursor *c, uint32_t size)
{
	take(c, NULL, number(c, size));
}

static enum cls_l7_result
stop(struct cursor *c, enum cls_l7_result why)
{
	if (c->stop == CLS_L7_FOUND)
		c->stop = why;
	return c->stop;
}

/* From the client's version up to its extensions. Returns where these end. */
static uint32_t
hello_begin(struct cursor *c)
{
	uint32_t hello_end, extensions_end;
	uint8_t session_id;

	if (number(c, 1) != CLIENT_HELLO)
		stop(c, CLS_L7_ABSENT);
	hello_end = number(c, 3);
	if (hello_end > HELLO_MAX)
		stop(c, CLS_L7_ABSENT);
	hello_end += c->pos;
	if (number(c, 1) != VERSION_MAJOR)
		stop(c, CLS_L7_ABSENT);
	take(c, NULL, 1 + RANDOM_LEN);
	session_id = (uint8_t)number(c, 1);
	if (session_id > SESSION_ID_MAX)
		stop(c, CLS_L7_ABSENT);
	take(c, NULL, session_id);
	skip_vector(c, 2); /* cipher suites */
	skip_vector(c, 1); /* compression methods */
	if (c->pos >= hello_end)
		stop(c, CLS_L7_ABSENT); /* no extensions at all: allowed up to TLS 1.2 */
	extensions_end = number(c, 2);
	extensions_end += c->pos;
	if (extensions_end > hello_end)
		stop(c, CLS_L7_ABSENT);
	return extensions_end;
}

/* The name, of `len` bytes, is next. Anything that is no name in letters is none at all. */
static enum cls_l7_result
read_name(struct cursor *c, uint32_t len, struct cls_l7 *out)
{
	uint32_t i;

	if (len == 0 || len > CLS_L7_MAX)
		return stop(c, CLS_L7_ABSENT);
	take(c, out->value, len);
	for (i = 0; i < len && c->stop == CLS_L7_FOUND; i++) {
		uint8_t b = out->value[i];

		if (b < 0x21 || b > 0x7e)
			stop(c, CLS_L7_ABSENT);
		else if (b >= 'A' && b <= 'Z')
			out->value[i] = (uint8_t)(b | 0x20);
	}
	if (c->stop != CLS_L7_FOUND) {
		out->value[0] = 0;
		return c->stop;
	}
	out->value[len] = 0;
	out->type = CLS_L7_TLS_SNI;
	out->len = (uint8_t)len;
	return CLS_L7_FOUND;
}

/* ServerNameList, RFC 6066 3, which ends where the extension does. */
static enum cls_l7_result
read_name_list(struct cursor *c, uint32_t end, struct cls_l7 *out)
{
	uint32_t list = number(c, 2);

	if (c->pos + list != end)
		stop(c, CLS_L7_ABSENT);
	while (c->stop == CLS_L7_FOUND && c->pos < end) {
		uint32_t type = number(c, 1), len = number(c, 2);

		if (c->pos + len > end)
			return stop(c, CLS_L7_ABSENT);
		if (type == NAME_TYPE_HOST && c->stop == CLS_L7_FOUND)
			return read_name(c, len, out);
		take(c, NULL, len);
	}
	return stop(c, CLS_L7_ABSENT);
}

enum cls_l7_result
cls_tls_parse(const uint8_t *payload, uint32_t len, struct cls_l7 *out)
{
	struct cursor c = { .p = payload, .left = len, .stop = CLS_L7_FOUND };
	uint32_t end = hello_begin(&c);

	while (c.stop == CLS_L7_FOUND && c.pos < end) {
		uint32_t type = number(&c, 2), ext_end = number(&c, 2);

		ext_end += c.pos;
		if (ext_end > end)
			return stop(&c, CLS_L7_ABSENT);
		if (type == EXT_SERVER_NAME && c.stop == CLS_L7_FOUND)
			return read_name_list(&c, ext_end, out);
		take(&c, NULL, ext_end - c.pos);
	}
	return stop(&c, CLS_L7_ABSENT);
}
