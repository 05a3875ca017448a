/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moved TCP numbers: before, at and behind the place where a stream was changed, in both directions, around zero; SACK
 * blocks and timestamps at every alignment; broken options; checksums right and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include <rte_tcp.h>

#include "base/cksum.h"
#include "eal.h"
#include "seqadj.h"

static struct rte_mempool *pool;

/* ---- segments ----------------------------------------------------------------------------------------------------- */

struct segment {
	uint32_t seq, ack;
	uint8_t flags;
	uint8_t options[40];
	uint8_t n_options; /* bytes; padded with zeros */
	uint16_t sum;	   /* of what is not the header */
};

#define L4 34

static void
put32(uint8_t *p, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 1071, byte by byte. */
static uint16_t
checksum(const uint8_t *p, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* Bytes of the header; returns their number. */
static uint32_t
build(uint8_t *tcp, const struct segment *s, uint16_t wrong)
{
	const uint32_t len = 20 + (s->n_options + 3u) / 4 * 4;
	uint16_t sum;

	memset(tcp, 0, 60);
	tcp[1] = 21;
	tcp[2] = 200;
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(len / 4 << 4);
	tcp[13] = s->flags;
	memcpy(tcp + 20, s->options, s->n_options);
	sum = (uint16_t)(checksum(tcp, len, s->sum) ^ wrong);
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	return len;
}

/* `in` must come out as `want`. */
static void
run(const struct ct_ext *e, enum flow_dir dir, const struct segment *in, const struct segment *want)
{
	for (unsigned int wrong = 0; wrong < 2; wrong++) {
		struct pkt_info info = { .l3_off = 14, .l4_off = L4, .tcp_flags = in->flags };
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		uint8_t expected[60], *tcp;
		uint32_t len;

		assert_non_null(m);
		tcp = (uint8_t *)rte_pktmbuf_append(m, L4 + 60) + L4;
		len = build(tcp, in, 0);
		rte_pktmbuf_trim(m, (uint16_t)(60 - len));
		build(expected, want, 0);
		if (wrong) {
			/* A wrong checksum stays as wrong: by the same amount. */
			uint16_t a, b;

			tcp[16] ^= 0x40;
			memcpy(&a, tcp + 16, sizeof(a));
			seqadj_run(e, dir, m, &info);
			memcpy(&b, expected + 16, sizeof(b));
			memcpy(&a, tcp + 16, sizeof(a));
			assert_int_not_equal(a, b);
			memcpy(tcp + 16, &b, sizeof(b));
		} else {
			seqadj_run(e, dir, m, &info);
		}
		assert_memory_equal(tcp, expected, len);
		rte_pktmbuf_free(m);
	}
}

/* ---- sequence numbers and acknowledgements --------------------------------------------------------------------------- */

/* A stream whose text of `old` bytes at `pos` became `old + grow` bytes, after changes of `before` in sum. */
struct change {
	uint32_t pos;
	int32_t before, grow;
	uint32_t old;
};

static const struct change changes[] = {
	{ 1000, 0, 4, 40 },
	{ 1000, 0, -9, 40 },
	{ 1000, 12, 4, 40 },
	{ 1000, -30, -3, 40 },
	{ 1000, 100, -30, 40 },
	{ UINT32_MAX, 0, 7, 40 },
	{ UINT32_MAX - 3, 0, 7, 40 },
	{ UINT32_MAX - 38, 5, -7, 40 },
	{ 0, 0, 5, 40 },
	{ 3, -20, 5, 40 },
	{ INT32_MAX - 10, 0, 5, 40 },
};

static void
test_change(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(changes); i++) {
		const struct change *c = &changes[i];
		struct ct_ext e = {
			.seq = { [FLOW_REPLY] = { c->pos, c->before, c->before + c->grow } }
		};
		const uint32_t seqs[] = { c->pos - 100, c->pos - 1, c->pos, c->pos + c->old,
			c->pos + c->old + 1, c->pos + 100000 };

		for (unsigned int k = 0; k < RTE_DIM(seqs); k++) {
			const int32_t moved = c->before + (k < 3 ? 0 : c->grow);
			struct segment in = { .seq = seqs[k], .ack = 77, .flags = 0x18, .sum = 9 };
			struct segment out = in;

			out.seq += (uint32_t)moved;
			run(&e, FLOW_REPLY, &in, &out);
			/* What arrives there is acknowledged so, and must come back as it was. */
			in = (struct segment){ .seq = 5, .ack = out.seq, .flags = 0x10 };
			out = in;
			out.ack = seqs[k];
			run(&e, FLOW_ORIGINAL, &in, &out);
			/* Without the flag it is no acknowledgement. */
			in.flags = 0x04;
			run(&e, FLOW_ORIGINAL, &in, &in);
		}
	}
}

/* For the tracker: as far as the header's own. */
static void
test_ack_offset(void **state)
{
	struct ct_ext e = {
		.seq = { [FLOW_REPLY] = { 1000, 3, 10 }, [FLOW_ORIGINAL] = { 50, -5, -8 } }
	};
	const struct {
		enum flow_dir dir;
		uint32_t ack;
		uint8_t flags;
		uint32_t offset;
	} cases[] = {
		{ FLOW_ORIGINAL, 1003, 0x10, 3 },
		{ FLOW_ORIGINAL, 1004, 0x10, 10 },
		{ FLOW_ORIGINAL, 2000, 0x10, 10 },
		{ FLOW_ORIGINAL, 2000, 0x02, 0 },
		{ FLOW_REPLY, 45, 0x10, (uint32_t)-5 },
		{ FLOW_REPLY, 46, 0x10, (uint32_t)-8 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		struct pkt_info info = { .l4_off = L4, .tcp_flags = cases[i].flags };
		struct segment s = { .ack = cases[i].ack, .flags = cases[i].flags };
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		assert_non_null(m);
		build((uint8_t *)rte_pktmbuf_append(m, L4 + 60) + L4, &s, 0);
		assert_int_equal(seqadj_ack_offset(&e, cases[i].dir, m, &info), cases[i].offset);
		rte_pktmbuf_free(m);
	}
}

/* ---- options ----------------------------------------------------------------------------------------------------------- */

/* Behind 0 to 3 NOPs: options lie at any offset. */
static void
test_sack(void **state)
{
	struct ct_ext e = { .seq = { [FLOW_REPLY] = { 1000, 3, 10 } } };

	(void)state;
	for (uint8_t nops = 0; nops < 4; nops++) {
		struct segment in = { .seq = 1, .ack = 900, .flags = 0x10 }, out;

		memset(in.options, 1, nops);
		in.options[nops] = 5;
		in.options[nops + 1] = 2 + 3 * 8;
		in.n_options = (uint8_t)(nops + 26);
		put32(in.options + nops + 2, 950);
		put32(in.options + nops + 6, 1003);  /* up to where it was changed */
		put32(in.options + nops + 10, 1003); /* from there on */
		put32(in.options + nops + 14, 1060);
		put32(in.options + nops + 18, 2010);
		put32(in.options + nops + 22, 3010);
		out = in;
		out.ack -= 3;
		put32(out.options + nops + 2, 947);
		put32(out.options + nops + 6, 1000);
		put32(out.options + nops + 10, 1000);
		put32(out.options + nops + 14, 1050);
		put32(out.options + nops + 18, 2000);
		put32(out.options + nops + 22, 3000);
		run(&e, FLOW_ORIGINAL, &in, &out);
		/* Its own direction's numbers are not in it. */
		out = in;
		out.seq += 3;
		run(&e, FLOW_REPLY, &in, &out);
	}
}

static void
test_timestamps(void **state)
{
	struct ct_ext e = { .ts_offset = 0xfffffff0 };

	(void)state;
	for (uint8_t nops = 0; nops < 4; nops++) {
		struct segment in = { .flags = 0x10 }, out;

		memset(in.options, 1, nops);
		in.options[nops] = 8;
		in.options[nops + 1] = 10;
		in.n_options = (uint8_t)(nops + 10);
		put32(in.options + nops + 2, 5);
		put32(in.options + nops + 6, 700);
		out = in;
		put32(out.options + nops + 2, 0xfffffff5);
		run(&e, FLOW_REPLY, &in, &out);
		out = in;
		put32(out.options + nops + 6, 716);
		run(&e, FLOW_ORIGINAL, &in, &out);
		put32(in.options + nops + 6, 0); /* it echoes nothing */
		run(&e, FLOW_ORIGINAL, &in, &in);
	}
}

/* Lengths that lie: nothing behind them is touched, and nothing outside of the header. */
static void
test_broken_options(void **state)
{
	struct ct_ext e = { .seq = { [FLOW_REPLY] = { 1000, 3, 10 } }, .ts_offset = 9 };
	static const uint8_t cases[][8] = {
		{ 5, 0, 0, 0, 9, 9, 9, 9 },
		{ 5, 1, 0, 0, 9, 9, 9, 9 },
		{ 5, 255, 0, 0, 9, 9, 9, 9 },
		{ 1, 1, 1, 1, 1, 1, 1, 5 },
		{ 0, 5, 10, 9, 9, 9, 9, 9 },
		{ 5, 8, 0, 0, 9, 9, 9, 9 },
		{ 8, 8, 0, 0, 9, 9, 9, 9 },
		{ 30, 9, 5, 10, 9, 9, 9, 9 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		struct segment in = { .ack = 900, .flags = 0x10, .n_options = 8 }, out;

		memcpy(in.options, cases[i], 8);
		out = in;
		out.ack -= 3;
		run(&e, FLOW_ORIGINAL, &in, &out);
	}
	srand(3);
	for (unsigned int n = 0; n < 50000; n++) {
		struct pkt_info info = { .l4_off = L4, .tcp_flags = 0x10 };
		struct segment s = { .flags = 0x10, .n_options = (uint8_t)(rand() % 11 * 4) };
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		uint8_t *tcp;
		uint32_t len;

		assert_non_null(m);
		for (unsigned int i = 0; i < s.n_options; i++)
			s.options[i] = (uint8_t)(rand() % 4 == 0 ? rand() >> 4 : rand() % 11);
		tcp = (uint8_t *)rte_pktmbuf_append(m, L4 + 60 + 8) + L4;
		len = build(tcp, &s, 0);
		memset(tcp + len, 0xee, 68 - len);
		seqadj_run(&e, rand() % 2, m, &info);
		for (uint32_t i = len; i < 68; i++)
			assert_int_equal(tcp[i], 0xee);
		assert_int_equal(checksum(tcp, len, 0), 0);
		assert_true(get32(tcp) == (21u << 16 | 200u << 8));
		rte_pktmbuf_free(m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_ack_offset),
		cmocka_unit_test(test_sack),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_broken_options),
	};

	if (unit_eal_init() != 0)
		return 1;
	pool = rte_pktmbuf_pool_create("seqadj", 63, 0, 0, 512, SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
