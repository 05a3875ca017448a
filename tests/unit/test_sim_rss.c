/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RSS: Toeplitz against the vectors that Microsoft publishes ("Verifying the RSS hash calculation") and against its
 * definition, and which fields of a packet go into it.
 */
#include "test_sim_frame.h"

#include "hwsim/core/steer.h"

static const uint8_t microsoft[SIM_RSS_KEY] = {
	0x6d,
	0x5a,
	0x56,
	0xda,
	0x25,
	0x5b,
	0x0e,
	0xc2,
	0x41,
	0x67,
	0x25,
	0x3d,
	0x43,
	0xa3,
	0x8f,
	0xb0,
	0xd0,
	0xca,
	0x2b,
	0xcb,
	0xae,
	0x7b,
	0x30,
	0xb4,
	0x77,
	0xcb,
	0x2d,
	0xa3,
	0x80,
	0x30,
	0xf2,
	0x0c,
	0x6a,
	0x42,
	0xb7,
	0x3b,
	0xbe,
	0xac,
	0x01,
	0xfa,
};

struct vector {
	const char *dst;
	uint16_t dst_port;
	const char *src;
	uint16_t src_port;
	uint32_t addresses, all;
};

static const struct vector vectors[] = {
	{ "a18e6450", 1766, "420995bb", 2794, 0x323e8fc2, 0x51ccc178 },
	{ "41458c53", 4739, "c75c6f02", 14230, 0xd718262a, 0xc626b0ea },
	{ "0c16cfb8", 38024, "1813c65f", 12898, 0xd2d0a5de, 0x5c2b394a },
	{ "d18ea306", 2217, "261bcd1e", 48228, 0x82989176, 0xafc7327f },
	{ "cabc7f02", 1303, "9927a3bf", 44251, 0x5d1809c5, 0x10e828a2 },
	{ "3ffe2501020000030000000000000001", 1766, "3ffe250102001fff0000000000000007", 2794,
			0x2cc18cd5, 0x40207d3d },
	{ "ff020000000000000000000000000001", 4739, "3ffe050100080000026097fffe40efab", 14230,
			0x0f0c461c, 0xdde51bbf },
	{ "fe800000000000000200f8fffe2167cf", 38024, "3ffe1900454500030200f8fffe2167cf", 44251,
			0x4b61e985, 0x02d1feef },
};

static uint32_t
unhex(uint8_t *out, const char *hex)
{
	char digits[64];
	uint32_t n = 0;

	for (; *hex != '\0'; hex++)
		if (*hex != ' ')
			digits[n++] = *hex;
	digits[n] = '\0';
	for (uint32_t i = 0; i < n / 2; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(digits + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	return n / 2;
}

/* The packet of a vector, as the parser would have it. */
static void
vector_packet(const struct vector *v, uint32_t l4, struct sim_phv *phv)
{
	struct sim_level *lv = &phv->level[0];
	uint8_t src[16], dst[16];
	const uint32_t n = unhex(src, v->src);
	const uint32_t at = n == 4 ? SIM_IP4_AT + 12 : 8;

	assert_int_equal(unhex(dst, v->dst), n);
	memset(phv, 0, sizeof(*phv));
	phv->layers[0] = SIM_L_ETH | (n == 4 ? SIM_L_IPV4 : SIM_L_IPV6) | l4;
	memcpy(lv->ip + at, src, n);
	memcpy(lv->ip + at + n, dst, n);
	put16(lv->l4, v->src_port);
	put16(lv->l4 + 2, v->dst_port);
}

static uint32_t
hash(struct sim_rss *rss, const struct sim_phv *phv)
{
	bool hashed;
	const uint32_t h = sim_rss_hash(rss, phv, &hashed);

	assert_true(hashed);
	return h;
}

static void
test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct sim_rss rss = { .fields = SIM_RSS_IPV4 | SIM_RSS_IPV6 };
		struct sim_phv phv;

		memcpy(rss.key, microsoft, sizeof(microsoft));
		vector_packet(&vectors[i], SIM_L_TCP, &phv);
		assert_int_equal(hash(&rss, &phv), vectors[i].addresses);
		rss.fields |= SIM_RSS_TCP;
		assert_int_equal(hash(&rss, &phv), vectors[i].all);
		/* Layer 4 alone brings its addresses. */
		rss.fields = SIM_RSS_TCP;
		assert_int_equal(hash(&rss, &phv), vectors[i].all);
	}
}

/* The definition: for each bit of the input that is set, the 32 bits of the key that begin at its place. */
static uint32_t
naive_toeplitz(const uint8_t *key, const uint8_t *data, uint32_t n)
{
	uint32_t h = 0;

	for (uint32_t bit = 0; bit < n * 8; bit++) {
		if (!(data[bit / 8] >> (7 - bit % 8) & 1))
			continue;
		for (uint32_t i = 0; i < 32; i++) {
			const uint32_t at = bit + i;

			h ^= (uint32_t)(key[at / 8] >> (7 - at % 8) & 1) << (31 - i);
		}
	}
	return h;
}

static void
test_definition(void **state)
{
	(void)state;
	srandom(31);
	for (uint32_t n = 0; n < 20000; n++) {
		uint8_t key[SIM_RSS_KEY], data[36];
		const uint32_t len = (uint32_t)random() % 37;

		for (uint32_t i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)random();
		for (uint32_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)random();
		assert_int_equal(sim_toeplitz(key, data, len), naive_toeplitz(key, data, len));
	}
	/* More than a key can hash is not read. */
	assert_int_equal(sim_toeplitz(microsoft, microsoft, 40),
			naive_toeplitz(microsoft, microsoft, 36));
}

/* Which bytes each choice of fields takes, of a TCP packet 1.2.3.4:5 to 6.7.8.9:10. */
static void
test_fields(void **state)
{
	static const struct {
		uint32_t fields, l4;
		const char *input; /* "": not hashed */
	} cases[] = {
		{ 0, SIM_L_TCP, "" },
		{ SIM_RSS_IPV6, SIM_L_TCP, "" },
		{ SIM_RSS_UDP, SIM_L_TCP, "" },
		{ SIM_RSS_IPV4, SIM_L_TCP, "01020304 06070809" },
		{ SIM_RSS_IPV4 | SIM_RSS_UDP, SIM_L_TCP, "01020304 06070809" },
		{ SIM_RSS_UDP, SIM_L_UDP, "01020304 06070809 0005 000a" },
		{ SIM_RSS_SCTP, SIM_L_SCTP, "01020304 06070809 0005 000a" },
		{ SIM_RSS_TCP | SIM_RSS_L3_SRC_ONLY, SIM_L_TCP, "01020304 0005 000a" },
		{ SIM_RSS_TCP | SIM_RSS_L3_DST_ONLY, SIM_L_TCP, "06070809 0005 000a" },
		{ SIM_RSS_TCP | SIM_RSS_L4_SRC_ONLY, SIM_L_TCP, "01020304 06070809 0005" },
		{ SIM_RSS_TCP | SIM_RSS_L4_DST_ONLY, SIM_L_TCP, "01020304 06070809 000a" },
		{ SIM_RSS_TCP | SIM_RSS_L3_SRC_ONLY | SIM_RSS_L4_DST_ONLY, SIM_L_TCP,
				"01020304 000a" },
		{ SIM_RSS_TCP | SIM_RSS_L3_SRC_ONLY | SIM_RSS_L3_DST_ONLY, SIM_L_TCP,
				"01020304 06070809 0005 000a" },
		{ SIM_RSS_ESP, SIM_L_ESP, "01020304 06070809 0005000a" },
		{ SIM_RSS_ESP, SIM_L_TCP, "" },
		{ SIM_RSS_IPV4 | SIM_RSS_TCP, SIM_L_TCP | SIM_L_FRAG, "" },
		{ SIM_RSS_IPV4 | SIM_RSS_TCP | SIM_RSS_FRAG, SIM_L_TCP | SIM_L_FRAG,
				"01020304 06070809" },
		{ SIM_RSS_FRAG, SIM_L_TCP, "" },
		/* Families apart. */
		{ SIM_RSS_TCP4, SIM_L_TCP, "01020304 06070809 0005 000a" },
		{ SIM_RSS_TCP6 | SIM_RSS_UDP4, SIM_L_TCP, "" },
		{ SIM_RSS_UDP6, SIM_L_UDP, "" },
		{ SIM_RSS_SCTP6, SIM_L_SCTP, "" },
		{ SIM_RSS_FRAG6, SIM_L_TCP | SIM_L_FRAG, "" },
		{ SIM_RSS_FRAG4, SIM_L_TCP | SIM_L_FRAG, "01020304 06070809" },
		/* What has no ports. */
		{ SIM_RSS_OTHER4, SIM_L_ICMP, "01020304 06070809" },
		{ SIM_RSS_OTHER4, SIM_L_ESP, "01020304 06070809" },
		{ SIM_RSS_OTHER4 | SIM_RSS_ESP, SIM_L_ESP, "01020304 06070809 0005000a" },
		{ SIM_RSS_OTHER4, SIM_L_TCP, "" },
		{ SIM_RSS_OTHER4, SIM_L_UDP | SIM_L_FRAG, "" },
		{ SIM_RSS_OTHER6 | SIM_RSS_TCP, SIM_L_ICMP, "" },
		{ SIM_RSS_IPV4, SIM_L_ICMP, "01020304 06070809" },
		{ SIM_RSS_ETH, SIM_L_TCP, "0c0c0c0c0c0c 0d0d0d0d0d0d" },
		{ SIM_RSS_ETH | SIM_RSS_IPV4, SIM_L_TCP, "01020304 06070809" },
		{ SIM_RSS_VLAN, SIM_L_TCP, "" },
		{ SIM_RSS_VLAN, SIM_L_TCP | SIM_L_VLAN, "0123" },
		{ SIM_RSS_ETH | SIM_RSS_VLAN, SIM_L_VLAN, "0c0c0c0c0c0c 0d0d0d0d0d0d 0123" },
	};
	static const struct vector packet = { "06070809", 10, "01020304", 5, 0, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_rss rss = { .fields = cases[i].fields };
		uint8_t input[36];
		const uint32_t n = unhex(input, cases[i].input);
		struct sim_phv phv;
		bool hashed;
		uint32_t h;

		memcpy(rss.key, microsoft, sizeof(microsoft));
		vector_packet(&packet, cases[i].l4, &phv);
		memset(phv.level[0].eth, 0x0d, 6);
		memset(phv.level[0].eth + 6, 0x0c, 6);
		put16(phv.level[0].vlan, 0xf123);
		h = sim_rss_hash(&rss, &phv, &hashed);
		if (hashed != (n != 0) || h != naive_toeplitz(microsoft, input, n))
			fail_msg("case %zu: fields %x", i, cases[i].fields);
	}
}

static void
test_symmetric_and_xor(void **state)
{
	(void)state;
	srandom(32);
	for (uint32_t n = 0; n < 2000; n++) {
		struct sim_rss rss = { .fields = SIM_RSS_IPV4 | SIM_RSS_IPV6 | SIM_RSS_TCP };
		struct sim_phv there, back;
		const bool v4 = n % 2;
		const uint32_t at = v4 ? SIM_IP4_AT + 12 : 8, len = v4 ? 4 : 16;
		uint32_t naive = 0;

		memset(&there, 0, sizeof(there));
		there.layers[0] = SIM_L_ETH | SIM_L_TCP | (v4 ? SIM_L_IPV4 : SIM_L_IPV6);
		for (uint32_t i = 0; i < 2 * len; i++)
			there.level[0].ip[at + i] = (uint8_t)random();
		put32(there.level[0].l4, (uint32_t)random());
		back = there;
		memcpy(back.level[0].ip + at, there.level[0].ip + at + len, len);
		memcpy(back.level[0].ip + at + len, there.level[0].ip + at, len);
		memcpy(back.level[0].l4, there.level[0].l4 + 2, 2);
		memcpy(back.level[0].l4 + 2, there.level[0].l4, 2);
		memcpy(rss.key, microsoft, sizeof(microsoft));
		assert_int_not_equal(hash(&rss, &there), hash(&rss, &back));
		rss.symmetric = true;
		assert_int_equal(hash(&rss, &there), hash(&rss, &back));
		rss.symmetric = false;
		rss.simple_xor = true;
		for (uint32_t i = 0; i < 2 * len; i += 4)
			naive ^= get32(there.level[0].ip + at + i);
		assert_int_equal(hash(&rss, &there), naive ^ get32(there.level[0].l4));
	}
}

/* Level 1 where there is one; else the outer level. */
static void
test_inner(void **state)
{
	struct frame_spec s = { .level = { { .ip = 4 }, { .ip = 6, .l4 = 6 } }, .tunnel = T_VXLAN };
	struct sim_rss inner = { .fields = SIM_RSS_IPV4 | SIM_RSS_IPV6 | SIM_RSS_TCP, .level = 1 };
	struct sim_rss outer = inner;
	struct sim_phv phv, alone;
	struct sim_offsets off;
	struct sim_pkt p;
	struct frame f;

	(void)state;
	srandom(33);
	outer.level = 0;
	memcpy(inner.key, microsoft, sizeof(microsoft));
	memcpy(outer.key, microsoft, sizeof(microsoft));
	frame_build(&f, &s);
	frame_packet(&f, &p, &phv, &off);
	memset(&alone, 0, sizeof(alone));
	alone.layers[0] = phv.layers[1];
	alone.level[0] = phv.level[1];
	assert_int_equal(hash(&inner, &phv), hash(&outer, &alone));
	assert_int_not_equal(hash(&inner, &phv), hash(&outer, &phv));
	s.tunnel = T_NONE;
	frame_build(&f, &s);
	frame_packet(&f, &p, &phv, &off);
	assert_int_equal(hash(&inner, &phv), hash(&outer, &phv));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_definition),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_symmetric_and_xor),
		cmocka_unit_test(test_inner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
