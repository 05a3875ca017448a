/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TCP options that a handshake agrees on (RFC 9293 3.2, RFC 2018, RFC 7323): read out of a header, written for one.
 */
#include <rte_common.h>

#include "base/tcp_option.h"
#include "syncookie/cookie.h"

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
read_one(const uint8_t *o, struct cookie_options *out)
{
	switch (o[0]) {
	case TCP_OPTION_MSS:
		if (o[1] == 4)
			out->mss = get16(o + 2);
		break;
	case TCP_OPTION_SCALE:
		if (o[1] == 3) {
			out->scaling = true;
			out->scale = RTE_MIN(o[2], TCP_SCALE_MAX);
		}
		break;
	case TCP_OPTION_SACK_PERMITTED:
		if (o[1] == 2)
			out->sack = true;
		break;
	case TCP_OPTION_TIMESTAMPS:
		if (o[1] == 10) {
			out->timestamps = true;
			out->tsval = get32(o + 2);
			out->tsecr = get32(o + 6);
		}
		break;
	default:
		break;
	}
}

void
cookie_options_read(const uint8_t *options, size_t len, struct cookie_options *out)
{
	size_t at = 0, i;

	*out = (struct cookie_options){ .mss = 0 };
	while ((i = tcp_option_next(options, len, &at)) < len)
		read_one(options + i, out);
}

static uint8_t *
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v);
}

unsigned int
cookie_options_write(uint8_t out[COOKIE_OPTIONS_MAX], const struct cookie_options *o)
{
	uint8_t *p = out;

	if (o->mss != 0)
		p = put16(put16(p, TCP_OPTION_MSS << 8 | 4), o->mss);
	/* SACK fills up the word in front of the timestamps, as most stacks do it (RFC 7323, appendix A). */
	if (o->sack)
		p = put16(p, TCP_OPTION_SACK_PERMITTED << 8 | 2);
	if (o->sack != o->timestamps)
		p = put16(p, TCP_OPTION_NOP << 8 | TCP_OPTION_NOP);
	if (o->timestamps)
		p = put32(put32(put16(p, TCP_OPTION_TIMESTAMPS << 8 | 10), o->tsval), o->tsecr);
	if (o->scaling)
		p = put16(put16(p, TCP_OPTION_NOP << 8 | TCP_OPTION_SCALE), 3u << 8 | o->scale);
	return (unsigned int)(p - out);
}
