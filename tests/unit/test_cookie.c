/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies by themselves: round trips, age, every bit flipped, options, segments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include <rte_random.h>
#include <rte_tcp.h>

#include "eal.h"
#include "syncookie/cookie.h"

static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

/* ---- options ------------------------------------------------------------------------------------------------ */

static void
options_read(void **state)
{
	static const struct {
		const char *what;
		uint8_t len, b[40];
		struct cookie_options want;
	} rows[] = {
		{ "none", 0, { 0 }, { .mss = 0 } },
		{ "end first", 8, { 0, 0, 0, 0, 2, 4, 5, 180 }, { .mss = 0 } },
		{ "as Linux sends them", 20,
				{ 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 1, 2, 0, 0, 0, 0, 1, 3, 3, 7 },
				{ .mss = 1460,
						.sack = true,
						.scaling = true,
						.scale = 7,
						.timestamps = true,
						.tsval = 258 } },
		{ "as Windows sends them", 12, { 2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2 },
				{ .mss = 1460, .sack = true, .scaling = true, .scale = 8 } },
		{ "scale too large", 4, { 3, 3, 255, 0 }, { .scaling = true, .scale = 14 } },
		{ "unknown one is skipped", 8, { 254, 4, 1, 2, 2, 4, 2, 24 }, { .mss = 536 } },
		{ "length 0", 8, { 254, 0, 1, 2, 2, 4, 2, 24 }, { .mss = 0 } },
		{ "length 1", 8, { 254, 1, 1, 2, 2, 4, 2, 24 }, { .mss = 0 } },
		{ "beyond the header", 4, { 2, 5, 5, 180 }, { .mss = 0 } },
		{ "no length", 4, { 1, 1, 1, 2 }, { .mss = 0 } },
		{ "lengths that are not theirs", 12, { 2, 3, 5, 3, 2, 7, 4, 3, 0, 8, 3, 1 },
				{ .mss = 0 } },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct cookie_options got;

		memset(&got, 0, sizeof(got));
		cookie_options_read(rows[i].b, rows[i].len, &got);
		if (got.mss != rows[i].want.mss || got.sack != rows[i].want.sack ||
				got.scaling != rows[i].want.scaling ||
				got.scale != rows[i].want.scale ||
				got.timestamps != rows[i].want.timestamps ||
				got.tsval != rows[i].want.tsval)
			fail_msg("%s", rows[i].what);
	}
}

static struct cookie_options
any_options(void)
{
	struct cookie_options o = {
		.mss = (uint16_t)rte_rand_max(UINT16_MAX + 1),
		.sack = rte_rand() & 1,
		.scaling = rte_rand() & 1,
		.timestamps = rte_rand() & 1,
	};

	if (o.scaling)
		o.scale = (uint8_t)rte_rand_max(15);
	if (o.timestamps) {
		o.tsval = (uint32_t)rte_rand();
		o.tsecr = (uint32_t)rte_rand();
	}
	return o;
}

static void
options_round_trip(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		struct cookie_options o = any_options(), got;
		uint8_t b[COOKIE_OPTIONS_MAX];
		unsigned int n = cookie_options_write(b, &o);

		assert_true(n <= sizeof(b) && n % 4 == 0);
		cookie_options_read(b, n, &got);
		assert_int_equal(got.mss, o.mss);
		assert_int_equal(got.sack, o.sack);
		assert_int_equal(got.scaling, o.scaling);
		assert_int_equal(got.scale, o.scale);
		assert_int_equal(got.timestamps, o.timestamps);
		assert_int_equal(got.tsval, o.tsval);
		assert_int_equal(got.tsecr, o.tsecr);
	}
}

static void
mss_rounded_down(void **state)
{
	static const struct {
		uint16_t mss;
		uint8_t family;
		uint16_t want;
	} rows[] = { { 0, 4, 536 }, { 0, 6, 1220 }, { 1, 4, 64 }, { 64, 4, 64 }, { 535, 4, 64 },
		{ 536, 4, 536 }, { 1219, 6, 536 }, { 1220, 6, 1220 }, { 1400, 4, 1380 },
		{ 1452, 4, 1440 }, { 1460, 4, 1460 }, { 1461, 4, 1460 }, { 8939, 4, 1460 },
		{ 8940, 6, 8940 }, { 65535, 4, 8940 } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(cookie_mss(rows[i].mss, rows[i].family), rows[i].want);
}

/* ---- cookies ------------------------------------------------------------------------------------------------- */

struct sample {
	struct flow_tuple t;
	uint32_t isn, cookie;
	uint64_t now;
	struct cookie_options offered, answered;
	uint8_t tcp[60]; /* of the ACK */
	unsigned int len;
};

static void
set32(uint8_t *p, uint32_t v)
{
	v = rte_cpu_to_be_32(v);
	memcpy(p, &v, sizeof(v));
}

/* The ACK of a client that got the answer. */
static void
write_ack(struct sample *s)
{
	const struct cookie_options o = { .timestamps = s->answered.timestamps,
		.tsval = s->offered.tsval + 5,
		.tsecr = s->answered.tsval };

	memset(s->tcp, 0, sizeof(s->tcp));
	set32(s->tcp + 4, s->isn + 1);
	set32(s->tcp + 8, s->cookie + 1);
	s->tcp[14] = 0x12;
	s->tcp[15] = 0x34;
	s->len = 20 + cookie_options_write(s->tcp + 20, &o);
}

static void
any_sample(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	s->t.key.family = rte_rand() & 1 ? 4 : 6;
	s->t.key.proto = IPPROTO_TCP;
	s->t.key.sport = (rte_be16_t)rte_rand();
	s->t.key.dport = (rte_be16_t)rte_rand();
	for (unsigned int i = 0; i < (s->t.key.family == 4 ? 4 : 16); i++) {
		s->t.src.b[i] = (uint8_t)rte_rand();
		s->t.dst.b[i] = (uint8_t)rte_rand();
	}
	s->isn = (uint32_t)rte_rand();
	s->now = rte_rand_max(UINT64_C(1) << 60) + COOKIE_LIFE_NS;
	s->offered = any_options();
	s->answered = s->offered;
	s->cookie = cookie_make(key, &s->t, s->isn, s->now, &s->answered);
	write_ack(s);
}

static bool
is_good(const struct sample *s, struct cookie_ack *a)
{
	return cookie_check(key, &s->t, s->tcp, s->len, s->now, a);
}

static void
round_trip(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		struct sample s;
		struct cookie_ack a;
		bool ts;

		any_sample(&s);
		ts = s.offered.timestamps;
		if (ts)
			assert_int_equal(s.answered.tsecr, s.offered.tsval);
		if (i % 2 == 1) /* as a probe of a closed window */
			set32(s.tcp + 4, s.isn);
		assert_true(is_good(&s, &a));
		assert_int_equal(a.isn, s.isn);
		assert_int_equal(a.cookie, s.cookie);
		assert_int_equal(a.window, 0x1234);
		assert_int_equal(a.options.mss, cookie_mss(s.offered.mss, s.t.key.family));
		assert_int_equal(a.options.timestamps, ts);
		assert_int_equal(a.options.sack, ts && s.offered.sack);
		assert_int_equal(a.options.scaling, ts && s.offered.scaling);
		assert_int_equal(a.options.scale, ts && s.offered.scaling ? s.offered.scale : 0);
		/* What is answered is what will be remembered. */
		assert_int_equal(s.answered.sack, a.options.sack);
		assert_int_equal(s.answered.scaling, a.options.scaling);
		if (ts) {
			assert_int_equal(a.options.tsval, s.offered.tsval + 5);
			assert_int_equal(a.options.tsecr, s.answered.tsval);
		}
	}
}

static void
age(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		struct sample s;
		struct cookie_ack a;
		uint64_t made, turn;

		any_sample(&s);
		made = s.now;
		turn = COOKIE_PERIOD_NS - made % COOKIE_PERIOD_NS; /* until the counter turns */
		s.now = made + turn - 1;
		assert_true(is_good(&s, &a));
		s.now = made + turn + COOKIE_PERIOD_NS - 1;
		assert_true(is_good(&s, &a));
		s.now = made + turn + COOKIE_PERIOD_NS;
		assert_false(is_good(&s, &a));
		s.now = made + COOKIE_LIFE_NS;
		assert_false(is_good(&s, &a));
	}
}

/* One bit of the cookie, the client's number, addresses, ports, what the timestamp remembers: all are hashed. */
static void
flipped(void **state)
{
	unsigned int tried = 0, good = 0;

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		const uint8_t seq_ack[] = { 4, 8 };
		struct sample s, bad;
		struct cookie_ack a;

		any_sample(&s);
		for (unsigned int f = 0; f < 2; f++)
			for (unsigned int bit = 0; bit < 32; bit++) {
				bad = s;
				set32(bad.tcp + seq_ack[f],
						(f == 0 ? s.isn + 1 : s.cookie + 1) ^
								UINT32_C(1) << bit);
				/* One number less is a probe. */
				if (f == 0 && ((s.isn + 1) ^ UINT32_C(1) << bit) == s.isn)
					continue;
				tried++;
				good += is_good(&bad, &a);
			}
		for (unsigned int bit = 0; bit < (s.t.key.family == 4 ? 32 : 128); bit++) {
			bad = s;
			bad.t.src.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			good += is_good(&bad, &a);
			bad = s;
			bad.t.dst.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			good += is_good(&bad, &a);
			tried += 2;
		}
		for (unsigned int bit = 0; bit < 16; bit++) {
			bad = s;
			bad.t.key.sport ^= (rte_be16_t)(1 << bit);
			good += is_good(&bad, &a);
			bad = s;
			bad.t.key.dport ^= (rte_be16_t)(1 << bit);
			good += is_good(&bad, &a);
			tried += 2;
		}
		for (unsigned int bit = 0; s.answered.timestamps && bit < 5; bit++) {
			bad = s;
			bad.answered.tsval ^= UINT32_C(1) << bit;
			write_ack(&bad);
			good += is_good(&bad, &a);
			tried++;
		}
		if (s.answered.timestamps) { /* taken out on the way */
			bad = s;
			bad.len = 20;
			good += is_good(&bad, &a);
			tried++;
		}
	}
	/* 2^-27 each: of some 700,000, one in 190 runs. */
	if (good > 1)
		fail_msg("%u of %u", good, tried);
	assert_true(tried > 500000);
}

static void
other_keys(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 128; bit++) {
		uint64_t other[2] = { key[0], key[1] };
		struct sample s;
		struct cookie_ack a;

		any_sample(&s);
		other[bit / 64] ^= UINT64_C(1) << bit % 64;
		assert_false(cookie_check(other, &s.t, s.tcp, s.len, s.now, &a));
	}
}

/* Guesses: as often right as 29 bits of hash, two counters and two numbers say, and not more. */
static void
guessed(void **state)
{
	unsigned int good = 0;
	struct cookie_ack a;
	struct sample s;

	(void)state;
	any_sample(&s);
	for (unsigned int i = 0; i < 2000000; i++) {
		set32(s.tcp + 8, (uint32_t)rte_rand());
		good += is_good(&s, &a);
	}
	assert_true(good <= 3); /* 0.015 expected */
}

static void
too_short(void **state)
{
	struct cookie_ack a;
	struct sample s;

	(void)state;
	any_sample(&s);
	for (unsigned int len = 0; len < 20; len++)
		assert_false(cookie_check(key, &s.t, s.tcp, len, s.now, &a));
}

/* ---- segments ------------------------------------------------------------------------------------------------ */

static struct rte_mempool *pool;

static uint16_t
sum_of(const uint8_t *p, unsigned int len, uint32_t sum)
{
	for (unsigned int i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Lengths agree, checksums are right. */
static void
check_packet(struct rte_mbuf *m, const struct pkt_info *info)
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off);
	const uint8_t *l4 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off);
	const unsigned int len = (unsigned int)(info->l3_off + info->l3_len - info->l4_off);

	assert_int_equal(m->pkt_len, info->l3_off + info->l3_len);
	assert_int_equal(m->data_len, m->pkt_len);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal((l4[12] >> 4) * 4, len);
	assert_int_equal(info->payload_off, info->l4_off + len);
	if (info->family == 4) {
		assert_int_equal(l3[2] << 8 | l3[3], info->l3_len);
		assert_int_equal(
				sum_of(l3, (unsigned int)(info->l4_off - info->l3_off), 0), 0xffff);
		assert_int_equal(sum_of(l4, len, sum_of(l3 + 12, 8, IPPROTO_TCP + len)), 0xffff);
	} else {
		assert_int_equal(l3[4] << 8 | l3[5], info->l3_len - 40);
		assert_int_equal(sum_of(l4, len, sum_of(l3 + 8, 32, IPPROTO_TCP + len)), 0xffff);
	}
}

static void
segments(void **state)
{
	static const struct rte_ether_addr own = { { 2, 0, 0, 0, 0, 9 } };

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *more = NULL;
		struct cookie_segment seg = { .seq = (uint32_t)rte_rand(),
			.ack = (uint32_t)rte_rand(),
			.window = (uint16_t)rte_rand(),
			.flags = (uint8_t)rte_rand_max(64),
			.options = any_options() };
		const struct rte_ether_addr client = { { 2, 0, 0, 0, 0, 7 } };
		struct cookie_options got;
		struct rte_ether_hdr *eth;
		struct pkt_info info;
		struct sample s;
		const uint8_t *tcp;

		any_sample(&s);
		assert_non_null(m);
		assert_true(cookie_segment_make(m, &info, &s.t, &seg));
		check_packet(m, &info);
		eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
		eth->src_addr = client;
		if (i % 3 == 0) { /* payload, in another buffer */
			more = rte_pktmbuf_alloc(pool);
			assert_non_null(rte_pktmbuf_append(more, 900));
			assert_int_equal(rte_pktmbuf_chain(m, more), 0);
			info.l3_len += 900;
		}
		seg.options = any_options();
		if (i & 1) {
			assert_true(cookie_segment_answer(m, &info, &s.t, &own, &seg));
			assert_memory_equal(&eth->dst_addr, &client, 6);
			assert_memory_equal(&eth->src_addr, &own, 6);
		} else {
			assert_true(cookie_segment_put(m, &info, &seg));
		}
		check_packet(m, &info);
		tcp = rte_pktmbuf_mtod_offset(m, const uint8_t *, info.l4_off);
		assert_memory_equal(tcp, i & 1 ? &s.t.key.dport : &s.t.key.sport, 2);
		assert_memory_equal(tcp + 2, i & 1 ? &s.t.key.sport : &s.t.key.dport, 2);
		cookie_options_read(tcp + 20, (size_t)(info.payload_off - info.l4_off - 20), &got);
		assert_int_equal(got.mss, seg.options.mss);
		assert_int_equal(got.tsval, seg.options.tsval);
		assert_int_equal(tcp[13], seg.flags);
		rte_pktmbuf_free(m);
		assert_int_equal(rte_mempool_in_use_count(pool), 0);
	}
}

/* A buffer that is too small, a station that is none: nothing is changed. */
static void
refused(void **state)
{
	static const struct rte_ether_addr own = { { 2, 0, 0, 0, 0, 9 } };
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct cookie_segment seg = { .options = { .mss = 1460 } };
	struct pkt_info info;
	struct sample s;
	uint8_t before[128];

	(void)state;
	any_sample(&s);
	assert_true(cookie_segment_make(m, &info, &s.t, &seg));
	rte_pktmbuf_mtod(m, uint8_t *)[6] = 0xff;
	memcpy(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	assert_false(cookie_segment_answer(m, &info, &s.t, &own, &seg));
	assert_memory_equal(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	m->buf_len = (uint16_t)(m->data_off + m->data_len);
	seg.options = (struct cookie_options){ .mss = 1, .timestamps = true };
	assert_false(cookie_segment_put(m, &info, &seg));
	assert_memory_equal(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	rte_pktmbuf_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_read),
		cmocka_unit_test(options_round_trip),
		cmocka_unit_test(mss_rounded_down),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(age),
		cmocka_unit_test(flipped),
		cmocka_unit_test(other_keys),
		cmocka_unit_test(guessed),
		cmocka_unit_test(too_short),
		cmocka_unit_test(segments),
		cmocka_unit_test(refused),
	};

	if (unit_eal_init() != 0)
		return 1;
	rte_srand(4987);
	pool = rte_pktmbuf_pool_create("cookies", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (pool == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
