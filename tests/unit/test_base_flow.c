/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow keys and tuples: is the hash spread well where tables read it, does the seed matter, what
 * answers what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/flow.h"

#define KEYS (1u << 16)
#define BUCKETS (1u << 12)

enum key_pattern { BY_PORT, BY_ADDRESS, BY_BOTH, BY_DIGEST, PATTERNS };

/* Keys as they come: one client with many ports, a network of clients, both, IPv6 clients. */
static struct flow_key
pattern_key(enum key_pattern pattern, uint32_t n)
{
	struct flow_key key = {
		.family = 4,
		.proto = IPPROTO_TCP,
		.src = rte_cpu_to_be_32(0xc6336401),
		.dst = rte_cpu_to_be_32(0xc0000201),
		.sport = rte_cpu_to_be_16(40000),
		.dport = rte_cpu_to_be_16(443),
	};
	uint8_t addr[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	switch (pattern) {
	case BY_PORT:
		key.sport = rte_cpu_to_be_16((uint16_t)n);
		break;
	case BY_ADDRESS:
		key.src = rte_cpu_to_be_32(0x0a000000 + n);
		break;
	case BY_BOTH:
		key.src = rte_cpu_to_be_32(0x0a000000 + (n >> 8));
		key.sport = rte_cpu_to_be_16((uint16_t)(1024 + (n & 0xff)));
		break;
	default:
		key.family = 6;
		addr[14] = (uint8_t)(n >> 8);
		addr[15] = (uint8_t)n;
		key.src = flow_digest6(addr, 1);
		break;
	}
	return key;
}

/*
 * Chi-squared over the buckets that multiply-shift makes of the high bits, and over the tags in the
 * low 8: a good hash stays within a few standard deviations, sqrt(2 * (cells - 1)), of cells - 1.
 */
static void
check_chi_squared(const uint32_t *count, uint32_t cells)
{
	double expected = (double)KEYS / cells, sum = 0, off;

	for (uint32_t i = 0; i < cells; i++)
		sum += (count[i] - expected) * (count[i] - expected) / expected;
	off = sum - (cells - 1);
	/*
	 * Six deviations; squared, for want of libm. Too even would be as suspicious, but harms
	 * nobody.
	 */
	assert_true(off < 0 || off * off < 36.0 * 2 * (cells - 1));
}

static void
test_hash_distribution(void **state)
{
	static const uint32_t seeds[] = { 0, 1, 0x5bd1e995, UINT32_MAX };
	uint32_t *count = calloc(BUCKETS, sizeof(*count));

	(void)state;
	for (unsigned int pattern = 0; pattern < PATTERNS; pattern++) {
		for (unsigned int s = 0; s < RTE_DIM(seeds); s++) {
			uint32_t tags[256] = { 0 };

			memset(count, 0, BUCKETS * sizeof(*count));
			for (uint32_t n = 0; n < KEYS; n++) {
				struct flow_key key = pattern_key(pattern, n);
				uint32_t h = flow_hash(&key, seeds[s]);

				count[(uint64_t)h * BUCKETS >> 32]++;
				tags[h & 0xff]++;
			}
			check_chi_squared(count, BUCKETS);
			check_chi_squared(tags, 256);
		}
	}
	free(count);
}

/* Every bit of the key moves every bit of the hash about half of the time. */
static void
test_hash_avalanche(void **state)
{
	enum { ROUNDS = 4096 };
	static uint32_t moved[128][32];

	(void)state;
	srandom(1);
	for (unsigned int n = 0; n < ROUNDS; n++) {
		struct flow_key key;

		key.w[0] = (uint64_t)random() << 33 ^ (uint64_t)random();
		key.w[1] = (uint64_t)random() << 33 ^ (uint64_t)random();
		for (unsigned int bit = 0; bit < 128; bit++) {
			struct flow_key other = key;
			uint32_t diff;

			other.w[bit / 64] ^= UINT64_C(1) << bit % 64;
			diff = flow_hash(&key, n) ^ flow_hash(&other, n);
			for (unsigned int out = 0; out < 32; out++)
				moved[bit][out] += diff >> out & 1;
		}
	}
	for (unsigned int bit = 0; bit < 128; bit++) {
		for (unsigned int out = 0; out < 32; out++)
			assert_in_range(moved[bit][out], ROUNDS / 4, ROUNDS * 3 / 4);
	}
}

static int
compare_pairs(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Vectors that the authors of SipHash publish with their reference implementation: key 0..15, input 0..n-1. */
static void
test_siphash(void **state)
{
	static const struct {
		struct siphash_rounds rounds;
		uint64_t hash[16];
	} cases[] = {
		{ { 2, 4 },
				{ 0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
						0x85676696d7fb7e2d, 0xcf2794e0277187b7,
						0x18765564cd99a68d, 0xcbc9466e58fee3ce,
						0xab0200f58b01d137, 0x93f5f5799a932462,
						0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3,
						0xf4b32f46226bada7, 0x751e8fbc860ee5fb,
						0x14ea5627c0843d90, 0xf723ca908e7af2ee,
						0xa129ca6149be45e5 } },
		{ { 1, 3 },
				{ 0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d,
						0x8bf80ab8e7ddf7fb } },
	};
	uint64_t key[2];
	uint8_t in[16];

	(void)state;
	for (unsigned int i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	memcpy(key, in, sizeof(key));
	for (unsigned int c = 0; c < RTE_DIM(cases); c++)
		for (unsigned int n = 0; n < 16 && cases[c].hash[n] != 0; n++)
			assert_int_equal(siphash(key, in, n, cases[c].rounds), cases[c].hash[n]);
}

/* One at a time, many at a time, and the general function agree; whatever the number. */
static void
test_siphash_many(void **state)
{
	enum { MOST = 70 };
	uint64_t key[2] = { 0x0123456789abcdef, 0xfedcba9876543210 }, word[2 * MOST];
	siphash_many_fn *many = siphash13_many_best();
	uint32_t out[MOST + 1];

	(void)state;
	srandom(3);
	for (unsigned int n = 0; n <= MOST; n++) {
		for (unsigned int i = 0; i < 2 * MOST; i++)
			word[i] = (uint64_t)random() << 33 ^ (uint64_t)random();
		out[n] = 0xdeadbeef;
		many(key, word, out, n);
		assert_int_equal(out[n], 0xdeadbeef);
		for (unsigned int i = 0; i < n; i++) {
			uint64_t one = siphash13_words(key, word[2 * i], word[2 * i + 1]);

			assert_int_equal(one,
					siphash(key, &word[2 * i], 16,
							(struct siphash_rounds){ 1, 3 }));
			assert_int_equal(out[i], (uint32_t)one);
		}
	}
}

/* Two words and what is left of a message of 16 to 23 bytes. */
static void
test_siphash_tail(void **state)
{
	const uint64_t key[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };
	uint64_t word[3] = { 0, 0, 0 };

	(void)state;
	srandom(4);
	for (unsigned int i = 0; i < 800; i++) {
		const unsigned int left = i % 8;

		for (unsigned int w = 0; w < 3; w++)
			word[w] = (uint64_t)random() << 33 ^ (uint64_t)random();
		word[2] &= (UINT64_C(1) << 8 * left) - 1;
		assert_int_equal(siphash13_tail(key, word[0], word[1],
						 (uint64_t)(16 + left) << 56 | word[2]),
				siphash(key, word, 16 + left, (struct siphash_rounds){ 1, 3 }));
	}
}

/* Keys and addresses: both kinds depend on their secret, and a tuple has the key of its packets. */
static void
test_hasher(void **state)
{
	static const enum flow_hash_kind kinds[] = { FLOW_HASH_CRC32C, FLOW_HASH_SIPHASH };
	static const uint64_t secret[2] = { 1, 2 }, other[2] = { 1, 3 };
	struct flow_tuple t = { .key = { .family = 6, .proto = 17 } };
	struct flow_key a, b;

	(void)state;
	t.src.b[15] = 1;
	t.dst.b[15] = 2;
	for (unsigned int k = 0; k < RTE_DIM(kinds); k++) {
		struct flow_hasher h = flow_hasher_make(kinds[k], 7, NULL);
		struct flow_hasher g = flow_hasher_make(kinds[k], 8, NULL);

		flow_tuple_key(&h, &t, &a);
		flow_tuple_key(&g, &t, &b);
		assert_int_equal(a.src, flow_hasher_digest6(&h, t.src.b));
		assert_int_equal(a.dst, flow_hasher_digest6(&h, t.dst.b));
		assert_int_not_equal(a.src, b.src);
		assert_int_not_equal(a.dst, b.dst);
		assert_int_not_equal(flow_hasher_hash(&h, &a), flow_hasher_hash(&g, &a));
	}
	assert_memory_equal(flow_hasher_make(FLOW_HASH_SIPHASH, 0, secret).key, secret, 16);
	struct flow_hasher h = flow_hasher_make(FLOW_HASH_SIPHASH, 0, secret);
	struct flow_hasher g = flow_hasher_make(FLOW_HASH_SIPHASH, 0, other);

	assert_int_not_equal(flow_hasher_hash(&h, &a), flow_hasher_hash(&g, &a));
}

/*
 * Who knows the seed can make keys that collide under CRC32C: the same that flow_hash() does, backwards. Under SipHash
 * they are scattered; and under another seed, too.
 */
static void
test_chosen_collisions(void **state)
{
	enum { N = 4096 };
	const uint32_t seed = 0x5eed;
	const uint64_t odd = (seed * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	struct flow_hasher sip = flow_hasher_make(FLOW_HASH_SIPHASH, 12345, NULL);
	uint64_t inverse = odd, pairs[N], collided = 0;
	uint32_t want = 0, n, i;

	(void)state;
	for (i = 0; i < 6; i++) /* Newton: bits double each time */
		inverse *= 2 - odd * inverse;
	assert_int_equal(inverse * odd, 1);
	for (n = 0; n < N; n++) {
		struct flow_key key = { .family = 4, .proto = 17, .src = n * 2654435761u };
		uint32_t crc = flow_crc(key.w[0] * odd, seed), low;

		/* The CRC of a word whose high half is 0 is one of (crc ^ word), so this word gives the same for all. */
		low = crc ^ 0x1234abcd;
		key.w[1] = low * inverse;
		if (n == 0)
			want = flow_hash(&key, seed);
		assert_int_equal(flow_hash(&key, seed), want);
		pairs[n] = flow_hasher_hash(&sip, &key);
		collided += n > 0 && flow_hash(&key, seed + 1) == want;
	}
	assert_true(collided <= 1);
	qsort(pairs, N, sizeof(*pairs), compare_pairs);
	for (i = 1, n = 0; i < N; i++)
		n += pairs[i] == pairs[i - 1];
	assert_true(n <= 1);
}

/*
 * What collides under one seed must not under another, or a sender could prepare a flood of
 * collisions.
 */
static void
test_hash_seed(void **state)
{
	enum { N = 1 << 19 };
	uint64_t *pairs = calloc(N, sizeof(*pairs));
	unsigned int collided = 0, again = 0;

	(void)state;
	for (uint32_t n = 0; n < N; n++) {
		struct flow_key key = pattern_key(BY_BOTH, n);

		key.dst ^= n * 2654435761u;
		pairs[n] = (uint64_t)flow_hash(&key, 7) << 32 | n;
	}
	qsort(pairs, N, sizeof(*pairs), compare_pairs);
	for (uint32_t i = 1; i < N; i++) {
		struct flow_key a, b;

		if (pairs[i] >> 32 != pairs[i - 1] >> 32)
			continue;
		a = pattern_key(BY_BOTH, (uint32_t)pairs[i]);
		b = pattern_key(BY_BOTH, (uint32_t)pairs[i - 1]);
		a.dst ^= (uint32_t)pairs[i] * 2654435761u;
		b.dst ^= (uint32_t)pairs[i - 1] * 2654435761u;
		collided++;
		again += flow_hash(&a, 8) == flow_hash(&b, 8);
	}
	/* N^2 / 2^33 = 32 expected by chance. */
	assert_in_range(collided, 8, 80);
	assert_int_equal(again, 0);
	free(pairs);
}

/* The CRC is that of RFC 9260 appendix A, with hardware and without. */
static void
test_crc(void **state)
{
	uint64_t word;

	(void)state;
	memcpy(&word, "12345678", sizeof(word));
	assert_int_equal(flow_crc(word, UINT32_MAX) ^ UINT32_MAX, 0x6087809a);
}

static void
test_endpoint_hash(void **state)
{
	uint32_t workers[4] = { 0 };

	(void)state;
	for (uint32_t n = 0; n < KEYS; n++) {
		uint32_t h = flow_endpoint_hash(rte_cpu_to_be_32(0xc6336400 + n % 256),
				rte_cpu_to_be_16((uint16_t)(1024 + n / 256)));

		workers[(uint64_t)h * 4 >> 32]++;
	}
	for (unsigned int i = 0; i < 4; i++)
		assert_in_range(workers[i], KEYS / 4 - KEYS / 64, KEYS / 4 + KEYS / 64);
}

static struct flow_tuple
make_tuple(uint8_t proto, const char *src, const char *dst, uint16_t sport, uint16_t dport)
{
	struct flow_tuple t = {
		.key = {
			.family = strchr(src, ':') != NULL ? 6 : 4,
			.proto = proto,
			.zone = 3,
			.sport = rte_cpu_to_be_16(sport),
			.dport = rte_cpu_to_be_16(dport),
		},
	};
	int af = t.key.family == 6 ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(af, src, t.src.b), 1);
	assert_int_equal(inet_pton(af, dst, t.dst.b), 1);
	flow_tuple_seal(&t);
	return t;
}

static void
test_reply(void **state)
{
	static const struct {
		const char *src, *dst;
		uint8_t proto;
		uint16_t sport, dport;
		int reply_sport, reply_dport; /* -1: has no answer */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.2", IPPROTO_TCP, 1234, 80, 80, 1234 },
		{ "192.0.2.1", "192.0.2.2", 99, 0, 0, 0, 0 },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 53, 53, 53, 53 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 8 << 8, 7, 0 << 8 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 8 << 8 | 5, 7, 5 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 13 << 8, 7, 14 << 8 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 15 << 8, 7, 16 << 8 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 17 << 8, 7, 18 << 8 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 0, -1, -1 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 14 << 8, -1, -1 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 7, 128 << 8, -1, -1 },
		{ "192.0.2.1", "192.0.2.2", IPPROTO_ICMPV6, 7, 9, 9, 7 }, /* not ICMP over IPv4 */
		{ "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 7, 128 << 8, 7, 129 << 8 },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 7, 139 << 8 | 1, 7, 140 << 8 | 1 },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 7, 129 << 8, -1, -1 },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 7, 130 << 8, -1, -1 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct flow_tuple t = make_tuple(rows[i].proto, rows[i].src, rows[i].dst,
				rows[i].sport, rows[i].dport);
		struct flow_tuple reply, want;
		bool has = flow_tuple_reply(&t, &reply);

		assert_int_equal(has, rows[i].reply_sport >= 0);
		if (!has)
			continue;
		want = make_tuple(rows[i].proto, rows[i].dst, rows[i].src,
				(uint16_t)rows[i].reply_sport, (uint16_t)rows[i].reply_dport);
		assert_memory_equal(&reply, &want, sizeof(want));
		assert_true(flow_tuple_reply(&t, &t)); /* in place */
		assert_memory_equal(&t, &want, sizeof(want));
	}
}

static void
test_text(void **state)
{
	static const struct {
		const char *src, *dst;
		uint8_t proto;
		uint16_t sport, dport;
		const char *text;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.10", IPPROTO_TCP, 1234, 80,
				"tcp 192.0.2.1:1234 -> 192.0.2.10:80" },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 53, 65535,
				"udp [2001:db8::1]:53 -> [2001:db8::2]:65535" },
		{ "192.0.2.1", "192.0.2.10", IPPROTO_ICMP, 77, 8 << 8,
				"icmp 192.0.2.1 -> 192.0.2.10 type 8 code 0 id 77" },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 77, 139 << 8 | 2,
				"icmpv6 2001:db8::1 -> 2001:db8::2 type 139 code 2 id 77" },
		{ "192.0.2.1", "192.0.2.10", IPPROTO_GRE, 0, 0, "gre 192.0.2.1 -> 192.0.2.10" },
		{ "192.0.2.1", "192.0.2.10", IPPROTO_GRE, 0xa, 0xbcd,
				"gre 192.0.2.1 -> 192.0.2.10 key 0x000a0bcd" },
		{ "192.0.2.1", "192.0.2.10", IPPROTO_DCCP, 9, 80,
				"dccp 192.0.2.1:9 -> 192.0.2.10:80" },
		{ "192.0.2.1", "192.0.2.10", 250, 0, 0, "proto 250 192.0.2.1 -> 192.0.2.10" },
		{ "192.0.2.1", "192.0.2.10", FLOW_PROTO_RAW, 0, 253,
				"proto 253 192.0.2.1 -> 192.0.2.10" },
		{ "192.0.2.1", "192.0.2.10", FLOW_PROTO_ANY, 0, 0, "any 192.0.2.1 -> 192.0.2.10" },
		{ "192.0.2.1", "192.0.2.10", FLOW_PROTO_VXLAN, 1, 5,
				"vxlan 192.0.2.1 -> 192.0.2.10 id 65541" },
	};
	char buf[FLOW_TUPLE_STRLEN], longest[FLOW_TUPLE_STRLEN];
	const char *wide = "2001:db88:1111:2222:3333:4444:5555:6666";
	struct flow_tuple t;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		t = make_tuple(rows[i].proto, rows[i].src, rows[i].dst, rows[i].sport,
				rows[i].dport);
		assert_string_equal(flow_tuple_str(&t, buf, sizeof(buf)), rows[i].text);
	}
	t = make_tuple(IPPROTO_ICMPV6, wide, wide, 65535, 65535);
	flow_tuple_str(&t, longest, sizeof(longest));
	assert_string_equal(longest + strlen(longest) - 9, " id 65535");
	assert_string_equal(flow_tuple_str(&t, buf, 7), "icmpv6");
}

/* Names and numbers of protocols go both ways; what has ports has a name. */
static void
test_protocols(void **state)
{
	unsigned int named = 0;

	(void)state;
	for (unsigned int i = 0; i <= UINT8_MAX; i++) {
		const char *name = flow_proto_name((uint8_t)i);

		assert_true(name != NULL || !flow_has_ports((uint8_t)i));
		if (name == NULL)
			continue;
		assert_int_equal(flow_proto_number(name), i);
		named++;
	}
	assert_int_equal(named, 15);
	assert_string_equal(flow_proto_name(IPPROTO_DCCP), "dccp");
	assert_int_equal(flow_proto_number("UDPLite"), IPPROTO_UDPLITE);
	assert_int_equal(flow_proto_number("nonsense"), -1);
	assert_int_equal(flow_proto_number(""), -1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_hash_distribution),
		cmocka_unit_test(test_hash_avalanche),
		cmocka_unit_test(test_hash_seed),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_siphash_many),
		cmocka_unit_test(test_siphash_tail),
		cmocka_unit_test(test_hasher),
		cmocka_unit_test(test_chosen_collisions),
		cmocka_unit_test(test_endpoint_hash),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
