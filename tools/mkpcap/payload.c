/* SPDX-License-Identifier: BSD-3-Clause */
/* Application payloads, written byte by byte from the RFCs. Called by the demo scenario. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"

#define TLS_CHANGE_CIPHER_SPEC 20
#define TLS_HANDSHAKE 22
#define TLS_APPLICATION_DATA 23
#define TLS_RECORD_HEADER 5
#define TLS_RECORD_MAX 16401 /* 2^14 + type and tag: RFC 8446, 5.2, in practice */

/* Writes forward; lengths that come first are left open and filled in behind. */
struct out {
	uint8_t *at;
};

static void
u8(struct out *o, unsigned int v)
{
	*o->at++ = (uint8_t)v;
}

static void
u16(struct out *o, unsigned int v)
{
	u8(o, v >> 8);
	u8(o, v);
}

static void
bytes(struct out *o, const void *p, size_t len)
{
	memcpy(o->at, p, len);
	o->at += len;
}

static void
noise(struct out *o, struct mk_rng *rng, size_t len)
{
	mk_rng_fill(rng, o->at, len);
	o->at += len;
}

static uint8_t *
open_length(struct out *o)
{
	u16(o, 0);
	return o->at;
}

static void
close_length(const struct out *o, uint8_t *begin)
{
	size_t len = (size_t)(o->at - begin);

	begin[-2] = (uint8_t)(len >> 8);
	begin[-1] = (uint8_t)len;
}

static uint8_t *
open_record(struct out *o, unsigned int type, unsigned int version)
{
	u8(o, type);
	u16(o, version);
	return open_length(o);
}

static void
server_name(struct out *o, const char *name)
{
	size_t len = strlen(name);

	u16(o, 0);
	u16(o, (unsigned int)len + 5);
	u16(o, (unsigned int)len + 3);
	u8(o, 0); /* host_name, RFC 6066, 3 */
	u16(o, (unsigned int)len);
	bytes(o, name, len);
}

static void
key_share(struct out *o, struct mk_rng *rng, bool large)
{
	uint8_t *extension, *list;

	u16(o, 51);
	extension = open_length(o);
	list = open_length(o);
	if (large) {
		u16(o, 0x11ec); /* X25519MLKEM768 */
		u16(o, 1216);
		noise(o, rng, 1216);
	}
	u16(o, 0x001d); /* x25519 */
	u16(o, 32);
	noise(o, rng, 32);
	close_length(o, list);
	close_length(o, extension);
}

size_t
mk_tls_client_hello(uint8_t *out, struct mk_rng *rng, const char *name, bool large)
{
	static const uint8_t suites[] = { 0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0,
		0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9, 0xcc, 0xa8 };
	static const uint8_t fixed[] = {
		0, 10, 0, 6, 0, 4, 0x00, 0x1d, 0x00, 0x17,			    /* groups */
		0, 13, 0, 10, 0, 8, 0x04, 0x03, 0x08, 0x04, 0x04, 0x01, 0x05, 0x03, /* signatures */
		0, 16, 0, 14, 0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1', 0, 43,
		0, 5, 4, 0x03, 0x04, 0x03, 0x03, /* versions: 1.3, 1.2 */
		0, 45, 0, 2, 1, 1,		 /* psk_dhe_ke */
	};
	struct out o = { out };
	uint8_t *record = open_record(&o, TLS_HANDSHAKE, 0x0301);
	uint8_t *hello, *extensions;

	u8(&o, 1); /* client_hello */
	u8(&o, 0); /* the upper byte of a length of 24 bits */
	hello = open_length(&o);
	u16(&o, 0x0303);
	noise(&o, rng, 32);
	u8(&o, 32);
	noise(&o, rng, 32); /* legacy session id */
	u16(&o, sizeof(suites));
	bytes(&o, suites, sizeof(suites));
	u16(&o, 0x0100); /* one compression method: none */
	extensions = open_length(&o);
	if (name)
		server_name(&o, name);
	bytes(&o, fixed, sizeof(fixed));
	key_share(&o, rng, large);
	close_length(&o, extensions);
	close_length(&o, hello);
	close_length(&o, record);
	return (size_t)(o.at - out);
}

static void
change_cipher_spec(struct out *o)
{
	uint8_t *record = open_record(o, TLS_CHANGE_CIPHER_SPEC, 0x0303);

	u8(o, 1);
	close_length(o, record);
}

static void
encrypted(struct out *o, struct mk_rng *rng, size_t len)
{
	uint8_t *record = open_record(o, TLS_APPLICATION_DATA, 0x0303);

	noise(o, rng, len);
	close_length(o, record);
}

size_t
mk_tls_server_flight(uint8_t *out, struct mk_rng *rng)
{
	static const uint8_t versions[] = { 0, 43, 0, 2, 0x03, 0x04 };
	struct out o = { out };
	uint8_t *record = open_record(&o, TLS_HANDSHAKE, 0x0303);
	uint8_t *hello, *extensions;

	u8(&o, 2); /* server_hello */
	u8(&o, 0);
	hello = open_length(&o);
	u16(&o, 0x0303);
	noise(&o, rng, 32);
	u8(&o, 32);
	noise(&o, rng, 32);
	u16(&o, 0x1301);
	u8(&o, 0);
	extensions = open_length(&o);
	bytes(&o, versions, sizeof(versions));
	u16(&o, 51); /* key_share: one entry here, no list */
	u16(&o, 36);
	u16(&o, 0x001d);
	u16(&o, 32);
	noise(&o, rng, 32);
	close_length(&o, extensions);
	close_length(&o, hello);
	close_length(&o, record);
	change_cipher_spec(&o);
	encrypted(&o, rng, mk_rng_between(rng, 2200, 3800)); /* mostly the certificates */
	return (size_t)(o.at - out);
}

size_t
mk_tls_client_finished(uint8_t *out, struct mk_rng *rng)
{
	struct out o = { out };

	change_cipher_spec(&o);
	encrypted(&o, rng, 53);
	return (size_t)(o.at - out);
}

size_t
mk_tls_data(uint8_t *out, struct mk_rng *rng, size_t len)
{
	struct out o = { out };

	while (len) {
		size_t part = len < TLS_RECORD_MAX ? len : TLS_RECORD_MAX;

		encrypted(&o, rng, part);
		len -= part;
	}
	return (size_t)(o.at - out);
}

size_t
mk_http_request(uint8_t *out, const char *host, unsigned int page)
{
	return (size_t)sprintf((char *)out,
			"GET /articles/%u HTTP/1.1\r\nHost: %s\r\nUser-Agent: demo/1.0\r\n"
			"Accept: text/html\r\n\r\n",
			page, host);
}

size_t
mk_http_response(uint8_t *out, size_t len)
{
	static const char line[] = "<p>The quick brown fox jumps over the lazy dog.</p>\n";
	int head = sprintf((char *)out,
			"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n",
			len);

	for (size_t i = 0; i < len; i++)
		out[(size_t)head + i] = (uint8_t)line[i % (sizeof(line) - 1)];
	return (size_t)head + len;
}

static void
dns_name(struct out *o, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		u8(o, (unsigned int)len);
		bytes(o, name, len);
		name += len + (name[len] == '.');
	}
	u8(o, 0);
}

size_t
mk_dns(uint8_t *out, uint16_t id, const char *name, bool v6, bool reply)
{
	static const uint8_t a[] = { 192, 0, 2, 10 };
	static const uint8_t aaaa[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x10 };
	struct out o = { out };

	u16(&o, id);
	u16(&o, reply ? 0x8180 : 0x0100);
	u16(&o, 1); /* questions, answers, authorities, additional */
	u16(&o, reply);
	u16(&o, 0);
	u16(&o, 0);
	dns_name(&o, name);
	u16(&o, v6 ? 28 : 1);
	u16(&o, 1);
	if (reply) {
		u16(&o, 0xc00c); /* the name of the question */
		u16(&o, v6 ? 28 : 1);
		u16(&o, 1);
		u16(&o, 0);
		u16(&o, 300);
		u16(&o, v6 ? sizeof(aaaa) : sizeof(a));
		bytes(&o, v6 ? aaaa : a, v6 ? sizeof(aaaa) : sizeof(a));
	}
	return (size_t)(o.at - out);
}

size_t
mk_quic_initial(uint8_t *out, struct mk_rng *rng, const uint8_t *dcid, const uint8_t *scid)
{
	struct out o = { out };
	unsigned int head = 7 + 2 * MK_QUIC_CID + 1;

	u8(&o, 0xc0 | mk_rng_below(rng, 16)); /* RFC 9000, 17.2.2; the low bits are protected */
	u16(&o, 0);
	u16(&o, 1); /* version 1 */
	u8(&o, MK_QUIC_CID);
	bytes(&o, dcid, MK_QUIC_CID);
	u8(&o, MK_QUIC_CID);
	bytes(&o, scid, MK_QUIC_CID);
	u8(&o, 0); /* no token */
	u16(&o, 0x4000 | (MK_QUIC_INITIAL - head - 2));
	noise(&o, rng, MK_QUIC_INITIAL - (size_t)(o.at - out));
	return (size_t)(o.at - out);
}

size_t
mk_quic_short(uint8_t *out, struct mk_rng *rng, const uint8_t *dcid, size_t len)
{
	struct out o = { out };

	u8(&o, 0x40 | mk_rng_below(rng, 64)); /* RFC 9000, 17.3.1 */
	bytes(&o, dcid, MK_QUIC_CID);
	noise(&o, rng, len - 1 - MK_QUIC_CID);
	return (size_t)(o.at - out);
}
