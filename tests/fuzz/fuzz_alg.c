/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FTP and TFTP texts: the first byte says whose words they are and what reply they begin in, the rest is the payload, in
 * a heap block of exactly its size. An announcement lies within the payload, on whole lines; printed with its own address
 * and port and read again it says the same; and no cut of a payload says more than the payload.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alg/alg.h"

#include "fuzz.h"

static enum alg_result
parse(uint8_t how, const uint8_t *payload, size_t len, struct alg_announced *out)
{
	uint8_t *copy = malloc(len + (len == 0));
	struct alg_text text = { copy, (uint32_t)len, how & 1, how & 2 ? 230 : 0 };
	enum alg_result r;

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, payload, len);
	memset(out, 0xa5, sizeof(*out));
	r = alg_ftp(&text, out);
	if (text.reply > 999)
		abort();
	(void)alg_tftp_request(copy, (uint32_t)len);
	free(copy);
	return r;
}

static void
check_found(uint8_t how, const uint8_t *payload, size_t len, const struct alg_announced *a)
{
	char text[ALG_FTP_TEXT_MAX];
	struct alg_announced again;
	uint8_t *copy;
	uint32_t n;

	if (a->line >= a->begin || a->begin >= a->end || a->end >= len || a->port < ALG_PORT_MIN)
		abort();
	if ((a->line > 0 && payload[a->line - 1] != '\n') ||
			memchr(payload + a->end, '\n', len - a->end) == NULL)
		abort();
	n = alg_ftp_print(a, &a->address, a->port, text);
	if (n == 0 || n >= sizeof(text) || text[n] != 0)
		abort();
	copy = malloc(len + n);
	if (copy == NULL)
		abort();
	memcpy(copy, payload, a->begin);
	memcpy(copy + a->begin, text, n);
	memcpy(copy + a->begin + n, payload + a->end, len - a->end);
	if (parse(how, copy, len - (a->end - a->begin) + n, &again) != ALG_FOUND)
		abort();
	if (again.port != a->port || again.family != a->family || again.begin != a->begin ||
			memcmp(&again.address, &a->address, sizeof(a->address)) != 0)
		abort();
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct alg_announced whole, part;
	enum alg_result r, half;

	if (size == 0 || size > 65536)
		return 0;
	r = parse(data[0], data + 1, size - 1, &whole);
	if (r == ALG_FOUND)
		check_found(data[0], data + 1, size - 1, &whole);
	half = parse(data[0], data + 1, (size - 1) / 2, &part);
	if (half == ALG_FOUND && (r != ALG_FOUND || part.begin != whole.begin))
		abort();
	return 0;
}
