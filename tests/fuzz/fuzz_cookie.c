/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies over any bytes: TCP options in a heap block of exactly their size, and ACKs that nobody made a cookie for. What
 * is read stays what it is when it is written and read again; what is made is good, and what was not made is not.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "syncookie/cookie.h"

#include "fuzz.h"

static const uint64_t key[2] = { 1, 2 };

static void
check_options(const uint8_t *bytes, size_t size)
{
	struct cookie_options a, b;
	uint8_t written[COOKIE_OPTIONS_MAX];
	unsigned int n;

	cookie_options_read(bytes, size, &a);
	if (a.scale > 14 || (!a.scaling && a.scale != 0) || (!a.timestamps && (a.tsval | a.tsecr)))
		abort();
	n = cookie_options_write(written, &a);
	if (n > sizeof(written) || n % 4 != 0)
		abort();
	cookie_options_read(written, n, &b);
	if (a.mss != b.mss || a.sack != b.sack || a.scaling != b.scaling || a.scale != b.scale ||
			a.timestamps != b.timestamps || a.tsval != b.tsval || a.tsecr != b.tsecr)
		abort();
}

/* A SYN with these options, its answer, and the ACK of a client that behaves. */
static void
check_round(const struct flow_tuple *t, const uint8_t *tcp, size_t len, uint64_t now)
{
	struct cookie_options o, back;
	struct cookie_ack ack;
	uint8_t reply[60] = { 0 };
	uint32_t isn, v;

	cookie_options_read(tcp + 20, len - 20, &o);
	memcpy(&isn, tcp + 4, sizeof(isn));
	isn = rte_be_to_cpu_32(isn);
	v = rte_cpu_to_be_32(cookie_make(key, t, isn, now, &o) + 1);
	memcpy(reply + 8, &v, sizeof(v));
	v = rte_cpu_to_be_32(isn + 1);
	memcpy(reply + 4, &v, sizeof(v));
	back = (struct cookie_options){ .timestamps = o.timestamps, .tsecr = o.tsval };
	len = 20 + cookie_options_write(reply + 20, &back);
	if (!cookie_check(key, t, reply, len, now, &ack) || ack.isn != isn ||
			ack.options.mss != o.mss || ack.options.sack != o.sack ||
			ack.options.scaling != o.scaling)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flow_tuple t = { .key.proto = IPPROTO_TCP };
	struct cookie_ack ack;
	uint8_t *tcp;
	uint64_t now;

	if (size < 9 + 20)
		return 0;
	t.key.family = data[0] & 1 ? 4 : 6;
	memcpy(&now, data + 1, sizeof(now));
	size -= 9;
	tcp = malloc(size);
	if (tcp == NULL)
		abort();
	memcpy(tcp, data + 9, size);
	memcpy(t.src.b, tcp, 4);
	check_options(tcp + 20, size - 20);
	/* Once in 2^27. */
	(void)cookie_check(key, &t, tcp, size, now, &ack);
	check_round(&t, tcp, size, now);
	free(tcp);
	return 0;
}
