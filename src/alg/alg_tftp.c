/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TFTP requests, RFC 1350 section 5: alg.h.
 */
#include <string.h>

#include "alg/alg.h"

#define OPCODE_RRQ 1
#define OPCODE_WRQ 2

/* A string that is not empty, and its zero. Returns where it ends, or NULL. */
static const uint8_t *
skip_string(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *zero = p < end ? memchr(p, 0, (size_t)(end - p)) : NULL;

	return zero == NULL || zero == p ? NULL : zero + 1;
}

bool
alg_tftp_request(const uint8_t *data, uint32_t len)
{
	const uint8_t *end = data + len, *p;

	if (len < 2 || data[0] != 0 || (data[1] != OPCODE_RRQ && data[1] != OPCODE_WRQ))
		return false;
	p = skip_string(data + 2, end); /* file name; the mode follows, and options (RFC 2347) */
	return p != NULL && skip_string(p, end) != NULL;
}
