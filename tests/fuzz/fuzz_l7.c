/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layer 7 parsers over any bytes: the first one says TCP or UDP, the rest is the payload, in a heap
 * block of exactly its size. Whatever is found is a value in the promised form; and no prefix of a
 * payload may say more than the payload: once a name is visible, what follows cannot change it.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classifier/cls.h"

#include "fuzz.h"

static enum cls_l7_result
parse(uint8_t proto, const uint8_t *payload, size_t len, struct cls_l7 *out)
{
	uint8_t *copy = calloc(1, len);
	enum cls_l7_result r;

	if (copy == NULL && len > 0)
		abort();
	if (len > 0)
		memcpy(copy, payload, len);
	memset(out, 0xa5, sizeof(*out));
	r = cls_l7_parse(proto, copy, (uint32_t)len, out);
	free(copy);
	return r;
}

static void
check_value(enum cls_l7_result r, uint8_t proto, const struct cls_l7 *l7)
{
	unsigned int i;

	if (r != CLS_L7_FOUND) {
		if (l7->type != CLS_L7_NONE || l7->len != 0 ||
				(r == CLS_L7_MORE && proto != IPPROTO_TCP))
			abort();
		return;
	}
	if (l7->len == 0 || l7->value[l7->len] != 0)
		abort();
	if (l7->type != (proto == IPPROTO_TCP ? CLS_L7_TLS_SNI : CLS_L7_QUIC_DCID))
		abort();
	for (i = 0; proto == IPPROTO_TCP && i < l7->len; i++) {
		uint8_t b = l7->value[i];

		if (b < 0x21 || b > 0x7e || (b >= 'A' && b <= 'Z'))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cls_l7 whole, part;
	enum cls_l7_result r, half;
	uint8_t proto;

	if (size == 0)
		return 0;
	proto = data[0] & 1 ? IPPROTO_UDP : IPPROTO_TCP;
	r = parse(proto, data + 1, size - 1, &whole);
	check_value(r, proto, &whole);
	if (proto == IPPROTO_UDP)
		return 0;

	half = parse(proto, data + 1, (size - 1) / 2, &part);
	check_value(half, proto, &part);
	if (half != CLS_L7_MORE && half != r)
		abort();
	if (half == CLS_L7_FOUND &&
			(part.len != whole.len || memcmp(part.value, whole.value, part.len) != 0))
		abort();
	return 0;
}
