/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The destination connection id of a QUIC Initial packet: RFC 8999 5.1, RFC 9000 17.2.2, RFC 9369
 * 3.2, the drafts from 22 on, Facebook's mvfst and Google's Q0xx and T05x. Called by cls_l7.c on
 * any lcore with the first datagrams of a connection.
 *
 * Any UDP traffic arrives here, so a packet is QUIC only if its version is known, its type is
 * Initial and all its lengths fit. Version negotiation, short headers and empty ids name no
 * connection.
 */
#include <string.h>

#include "cls_priv.h"

#define DATAGRAM_MIN 1200 /* of a client's first one, RFC 9000 14.1 */
#define CID_MAX 20	  /* RFC 9000 17.2; all versions below agree */
#define PROTECTED_MIN 20  /* packet number and payload 4, tag 16: RFC 9001 5.4.2 */
#define DRAFT_FIRST 22	  /* earlier drafts packed both lengths into one byte */
#define VERSION_DRAFT 0xff000000

enum layout {
	LAYOUT_IETF,	 /* length and id, length and id, token, length of the rest */
	LAYOUT_Q046,	 /* both lengths in one byte, then the ids */
	LAYOUT_RESERVED, /* as IETF, but only in a client's first datagram */
};

/*
 * `type` is what an Initial has in the type bits of its first byte. The fixed bit above them is not
 * asked for: who knows that the peer does not mind clears it at random (RFC 9287).
 */
#define TYPE_BITS 0x30
static const struct {
	uint32_t version;
	uint32_t mask;
	uint8_t type;
	uint8_t layout;
} versions[] = {
	{ 0x00000001, UINT32_MAX, 0x00, LAYOUT_IETF }, /* RFC 9000 */
	{ 0x6b3343cf, UINT32_MAX, 0x10, LAYOUT_IETF }, /* RFC 9369 */
	{ 0x709a50c4, UINT32_MAX, 0x10, LAYOUT_IETF }, /* its drafts */
	{ VERSION_DRAFT, 0xffffff00, 0x00, LAYOUT_IETF },
	{ 0xfaceb000, 0xffffff00, 0x00, LAYOUT_IETF }, /* mvfst */
	{ 0x51303530, UINT32_MAX, 0x00, LAYOUT_IETF }, /* Q050 */
	{ 0x54303530, 0xfffffffe, 0x00, LAYOUT_IETF }, /* T050, T051 */
	{ 0x51303436, UINT32_MAX, 0x00, LAYOUT_Q046 },
	/* Reserved to provoke negotiation, RFC 9000 15: 0x?a?a?a?a. */
	{ 0x0a0a0a0a, 0x0f0f0f0f, 0x00, LAYOUT_RESERVED },
};

/* Bytes that are left. Reading past the end sets `bad`, and yields zeros. */
struct reader {
	const uint8_t *p;
	uint32_t left;
	bool bad;
};

static const uint8_t *
take(struct reader *r, uint64_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= (uint32_t)n;
	return p;
}

static uint8_t
byte(struct reader *r)
{
	const uint8_t *p = take(r, 1);

	return p != NULL ? *p : 0;
}

static uint32_t
word(struct reader *r)
{
	const uint8_t *p = take(r, 4);

	return p != NULL ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
			 : 0;
}

/* Variable-length integer, RFC 9000 16. */
static uint64_t
varint(struct reader *r)
{
	uint8_t first = byte(r);
	unsigned int more = (1u << (first >> 6)) - 1;
	uint64_t value = first & 0x3f;

	while (more-- > 0)
		value = value << 8 | byte(r);
	return value;
}

static enum cls_l7_result
found(const uint8_t *id, uint32_t len, struct cls_l7 *out)
{
	if (len == 0)
		return CLS_L7_ABSENT;
	memcpy(out->value, id, len);
	out->value[len] = 0;
	out->type = CLS_L7_QUIC_DCID;
	out->len = (uint8_t)len;
	return CLS_L7_FOUND;
}

/* After the version. */
static enum cls_l7_result
parse_ietf(struct reader r, struct cls_l7 *out)
{
	uint8_t dcid_len = byte(&r), scid_len;
	const uint8_t *dcid = take(&r, dcid_len);
	uint64_t rest;

	scid_len = byte(&r);
	take(&r, scid_len);
	take(&r, varint(&r)); /* token */
	rest = varint(&r);
	if (r.bad || dcid_len > CID_MAX || scid_len > CID_MAX || rest < PROTECTED_MIN ||
			rest > r.left)
		return CLS_L7_ABSENT;
	return found(dcid, dcid_len, out);
}

/* After the version. A length of 0 means 0, any other means 3 more than it says. */
static enum cls_l7_result
parse_q046(struct reader r, struct cls_l7 *out)
{
	uint8_t lengths = byte(&r);
	uint8_t dcid_len = lengths >> 4 != 0 ? (lengths >> 4) + 3 : 0;
	uint8_t scid_len = (lengths & 0x0f) != 0 ? (lengths & 0x0f) + 3 : 0;
	const uint8_t *dcid = take(&r, dcid_len);

	take(&r, scid_len);
	if (r.bad || r.left < PROTECTED_MIN)
		return CLS_L7_ABSENT;
	return found(dcid, dcid_len, out);
}

static enum cls_l7_result
parse_long(uint8_t first, struct reader r, uint32_t len, struct cls_l7 *out)
{
	uint32_t version = word(&r);
	unsigned int i;

	if ((version & 0xffffff00) == VERSION_DRAFT && (version & 0xff) < DRAFT_FIRST)
		return CLS_L7_ABSENT;
	for (i = 0; i < RTE_DIM(versions); i++) {
		if ((version & versions[i].mask) == versions[i].version)
			break;
	}
	if (r.bad || i == RTE_DIM(versions) || (first & TYPE_BITS) != versions[i].type)
		return CLS_L7_ABSENT;
	if (versions[i].layout == LAYOUT_Q046)
		return parse_q046(r, out);
	if (versions[i].layout == LAYOUT_RESERVED && len < DATAGRAM_MIN)
		return CLS_L7_ABSENT;
	return parse_ietf(r, out);
}

/*
 * Google's header up to Q043: flags, connection id of 8 bytes, "Q0" and two digits. Flags: a
 * version follows (01), the id is there (08, in old versions with 04), no reset (02), nothing above
 * 20.
 */
static enum cls_l7_result
parse_google(uint8_t first, struct reader r, struct cls_l7 *out)
{
	const uint8_t *id = take(&r, 8);
	const uint8_t *version = take(&r, 4);

	if ((first & 0xcb) != 0x09 || r.bad || version[0] != 'Q' || version[1] != '0' ||
			version[2] < '0' || version[2] > '9' || version[3] < '0' ||
			version[3] > '9')
		return CLS_L7_ABSENT;
	return found(id, 8, out);
}

enum cls_l7_result
cls_quic_parse(const uint8_t *payload, uint32_t len, struct cls_l7 *out)
{
	struct reader r = { .p = payload, .left = len };
	uint8_t first = byte(&r);

	return first & 0x80 ? parse_long(first, r, len, out) : parse_google(first, r, out);
}
