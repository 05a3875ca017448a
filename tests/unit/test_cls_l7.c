/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layer 7 parsers over messages built here: whole, cut after every byte, spread over records of
 * every size, and broken. Payloads end where a heap block ends, for the sanitizers.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classifier/cls.h"

/* ---- a message under construction ---- */

struct msg {
	uint8_t b[4096];
	uint32_t len;
};

static void
put(struct msg *m, const void *bytes, size_t n)
{
	assert_true(m->len + n <= sizeof(m->b));
	memcpy(m->b + m->len, bytes, n);
	m->len += (uint32_t)n;
}

static void
put_number(struct msg *m, uint32_t value, unsigned int size)
{
	while (size-- > 0)
		put(m, &(uint8_t){ (uint8_t)(value >> 8 * size) }, 1);
}

static void
put_zeros(struct msg *m, unsigned int n)
{
	while (n-- > 0)
		put_number(m, 0, 1);
}

static void
put_vector(struct msg *m, unsigned int size, const struct msg *content)
{
	put_number(m, content->len, size);
	put(m, content->b, content->len);
}

static enum cls_l7_result
parse(uint8_t proto, const uint8_t *bytes, uint32_t len, struct cls_l7 *out)
{
	uint8_t *copy = malloc(len + 1);
	enum cls_l7_result r;

	assert_non_null(copy);
	memcpy(copy + 1, bytes, len);
	r = cls_l7_parse(proto, copy + 1, len, out);
	free(copy);
	if (r != CLS_L7_FOUND) {
		assert_int_equal(out->type, CLS_L7_NONE);
		assert_int_equal(out->len, 0);
	}
	return r;
}

static void
check(uint8_t proto, const struct msg *m, enum cls_l7_result want, const char *value)
{
	struct cls_l7 l7;

	assert_int_equal(parse(proto, m->b, m->len, &l7), want);
	if (want == CLS_L7_FOUND) {
		assert_int_equal(l7.len, strlen(value));
		assert_string_equal((const char *)l7.value, value);
	}
}

/* ---- TLS ---- */

/* server_name extension with one name; type 0 is a host name. */
static void
put_name(struct msg *extensions, uint8_t type, const char *name)
{
	struct msg entry = { 0 }, list = { 0 };

	put_number(&entry, type, 1);
	put_number(&entry, (uint32_t)strlen(name), 2);
	put(&entry, name, strlen(name));
	put_vector(&list, 2, &entry);
	put_number(extensions, 0, 2);
	put_vector(extensions, 2, &list);
}

static void
put_extension(struct msg *extensions, uint16_t type, unsigned int len)
{
	put_number(extensions, type, 2);
	put_number(extensions, len, 2);
	put_zeros(extensions, len);
}

/* A ClientHello as handshake message, without records. */
static struct msg
hello(const struct msg *extensions)
{
	struct msg body = { 0 }, m = { 0 };

	put_number(&body, 0x0303, 2);
	put_zeros(&body, 32);
	put_number(&body, 32, 1);
	put_zeros(&body, 32);
	put_number(&body, 4, 2);
	put_number(&body, 0x13011302, 4);
	put_number(&body, 0x0100, 2);
	if (extensions != NULL)
		put_vector(&body, 2, extensions);
	put_number(&m, 1, 1);
	put_vector(&m, 3, &body);
	return m;
}

/* Into records of at most `size` bytes. */
static struct msg
records(const struct msg *handshake, uint32_t size)
{
	struct msg m = { 0 };
	uint32_t at, n;

	for (at = 0; at < handshake->len; at += n) {
		n = RTE_MIN(size, handshake->len - at);
		put_number(&m, 0x160301, 3);
		put_number(&m, n, 2);
		put(&m, handshake->b + at, n);
	}
	return m;
}

static struct msg
hello_with_name(const char *name)
{
	struct msg extensions = { 0 };

	put_extension(&extensions, 0x0a0a, 0);
	put_extension(&extensions, 23, 9);
	put_name(&extensions, 0, name);
	put_extension(&extensions, 43, 20);
	return hello(&extensions);
}

static void
test_tls_records(void **state)
{
	const struct msg h = hello_with_name("WWW.Example.com");
	uint32_t size, len;

	(void)state;
	for (size = 1; size <= h.len; size++) {
		struct msg m = records(&h, size);

		check(IPPROTO_TCP, &m, CLS_L7_FOUND, "www.example.com");
	}
	/* Cut anywhere: more to come until the name's last byte is there. */
	for (size = 7; size <= h.len; size += h.len - 7) {
		struct msg m = records(&h, size);
		uint32_t whole = m.len;
		bool seen = false;

		for (len = 0; len <= whole; len++) {
			struct cls_l7 l7;
			enum cls_l7_result r = parse(IPPROTO_TCP, m.b, len, &l7);

			if (r == CLS_L7_FOUND && !seen) {
				assert_memory_equal(m.b + len - 1, "m", 1);
				seen = true;
			}
			assert_int_equal(r, seen ? CLS_L7_FOUND : CLS_L7_MORE);
		}
		assert_true(seen);
	}
}

static void
test_tls_names(void **state)
{
	char longest[CLS_L7_MAX + 2];
	struct msg extensions = { 0 }, h, m;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[CLS_L7_MAX] = '\0';
	h = hello_with_name(longest);
	m = records(&h, 1000);
	check(IPPROTO_TCP, &m, CLS_L7_FOUND, longest);

	longest[CLS_L7_MAX] = 'a';
	longest[CLS_L7_MAX + 1] = '\0';
	h = hello_with_name(longest);
	m = records(&h, 1000);
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);

	h = hello_with_name("");
	m = records(&h, 1000);
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);
	h = hello_with_name("two words");
	m = records(&h, 1000);
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);
	h = hello_with_name("\xc3\xa4.example");
	m = records(&h, 1000);
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);

	put_name(&extensions, 1, "not.a.host");
	h = hello(&extensions);
	m = records(&h, 1000);
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);
}

/* Offsets in a hello of one record: session id length, and where extensions begin. */
#define AT_SESSION_ID (5 + 4 + 34)
#define AT_EXTENSIONS (AT_SESSION_ID + 1 + 32 + 6 + 2)

static void
test_tls_broken(void **state)
{
	/* The name's extension follows 4 + 0 and 4 + 9 bytes of others. */
	enum { AT_NAME = AT_EXTENSIONS + 2 + 17 };
	static const struct {
		uint32_t at;
		uint8_t value;
		enum cls_l7_result want;
	} cases[] = {
		{ 0, 21, CLS_L7_ABSENT },		  /* alert */
		{ 0, 0x80, CLS_L7_ABSENT },		  /* SSLv2 */
		{ 0, 'G', CLS_L7_ABSENT },		  /* GET */
		{ 1, 2, CLS_L7_ABSENT },		  /* version */
		{ 2, 0xff, CLS_L7_FOUND },		  /* minor version: ignored, RFC 8446 5.1 */
		{ 3, 0x41, CLS_L7_ABSENT },		  /* record beyond 2^14 */
		{ 5, 2, CLS_L7_ABSENT },		  /* ServerHello */
		{ 6, 0xff, CLS_L7_ABSENT },		  /* hello longer than any */
		{ 8, 0, CLS_L7_ABSENT },		  /* hello ends before its fields */
		{ 9, 0xfe, CLS_L7_ABSENT },		  /* DTLS */
		{ AT_SESSION_ID, 33, CLS_L7_ABSENT },	  /* session id beyond 32 */
		{ AT_EXTENSIONS, 0xff, CLS_L7_ABSENT },	  /* extensions beyond the hello */
		{ AT_EXTENSIONS + 1, 16, CLS_L7_ABSENT }, /* extensions end before the name */
		{ AT_NAME + 2, 1, CLS_L7_ABSENT },	  /* extension beyond extensions */
		{ AT_NAME + 3, 2, CLS_L7_ABSENT },	  /* extension shorter than its list */
		{ AT_NAME + 5, 99, CLS_L7_ABSENT },	  /* list beyond the extension */
		{ AT_NAME + 6, 1, CLS_L7_ABSENT },	  /* a name of another kind */
		{ AT_NAME + 8, 99, CLS_L7_ABSENT },	  /* name beyond the list */
		{ AT_NAME + 9, 0, CLS_L7_ABSENT },	  /* NUL in the name */
		{ AT_NAME + 9, 'X', CLS_L7_FOUND },
	};
	const struct msg h = hello_with_name("a.example"), none = hello(NULL);
	struct msg m, other = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct cls_l7 l7;

		m = records(&h, 4000);
		m.b[cases[i].at] = cases[i].value;
		if (parse(IPPROTO_TCP, m.b, m.len, &l7) != cases[i].want)
			fail_msg("case %u", i);
	}
	m = records(&none, 4000);
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);
	put_extension(&other, 23, 0);
	m = hello(&other);
	m = records(&m, 4000);
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);

	/* A record of another type, or of length 0, in the middle. */
	m = records(&h, 100);
	m.b[105] = 23;
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);
	m.b[105] = 22;
	m.b[109] = 0;
	check(IPPROTO_TCP, &m, CLS_L7_ABSENT, NULL);

	m = records(&h, 4000);
	check(IPPROTO_UDP, &m, CLS_L7_ABSENT, NULL);
	check(IPPROTO_SCTP, &m, CLS_L7_ABSENT, NULL);
}

/* ---- QUIC ---- */

/* Initial of a client: ids of these lengths, made of 'd' and 's'; token of 3 bytes. */
static struct msg
initial(uint8_t first, uint32_t version, unsigned int dcid, unsigned int scid, uint32_t size)
{
	struct msg m = { 0 };
	unsigned int i;

	put_number(&m, first, 1);
	put_number(&m, version, 4);
	put_number(&m, dcid, 1);
	for (i = 0; i < dcid; i++)
		put(&m, "d", 1);
	put_number(&m, scid, 1);
	for (i = 0; i < scid; i++)
		put(&m, "s", 1);
	put_number(&m, 3, 1);
	put(&m, "tok", 3);
	put_number(&m, 0x4000 | (size - m.len - 2), 2);
	put_zeros(&m, size - m.len);
	return m;
}

static void
test_quic_versions(void **state)
{
	static const struct {
		uint8_t first;
		uint32_t version;
		uint8_t dcid;
		uint16_t size;
		bool found;
	} cases[] = {
		{ 0xc3, 1, 8, 1200, true },
		{ 0xc0, 1, 20, 1200, true },
		{ 0xc0, 1, 1, 100, true }, /* a server's */
		{ 0xc0, 1, 0, 1200, false },
		{ 0xc0, 1, 21, 1200, false },
		{ 0x83, 1, 8, 1200, true },  /* fixed bit cleared, RFC 9287 */
		{ 0xd3, 1, 8, 1200, false }, /* 0-RTT */
		{ 0xe3, 1, 8, 1200, false }, /* Handshake */
		{ 0xf3, 1, 8, 1200, false }, /* Retry */
		{ 0x43, 1, 8, 1200, false }, /* short header */
		{ 0xd3, 0x6b3343cf, 8, 1200, true },
		{ 0xc3, 0x6b3343cf, 8, 1200, false }, /* Retry in version 2 */
		{ 0xd3, 0x709a50c4, 8, 1200, true },
		{ 0xc3, 0xff00001d, 8, 1200, true },
		{ 0xc3, 0xff000016, 8, 1200, true },
		{ 0xc3, 0xff000015, 8, 1200, false },
		{ 0xc3, 0xfaceb001, 8, 1200, true },
		{ 0xc3, 0xfaceb00e, 8, 1200, true },
		{ 0xc3, 0x51303530, 8, 1200, true },
		{ 0xc3, 0x54303531, 8, 1200, true },
		{ 0xc3, 0x1a2a3a4a, 8, 1200, true },
		{ 0xc3, 0x1a2a3a4a, 8, 1199, false },
		{ 0xc3, 0, 8, 1200, false }, /* version negotiation */
		{ 0xc3, 2, 8, 1200, false },
		{ 0xc3, 0x12345678, 8, 1200, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct msg m = initial(
				cases[i].first, cases[i].version, cases[i].dcid, 5, cases[i].size);
		struct cls_l7 l7;

		if (parse(IPPROTO_UDP, m.b, m.len, &l7) !=
				(cases[i].found ? CLS_L7_FOUND : CLS_L7_ABSENT))
			fail_msg("case %u", i);
		if (cases[i].found) {
			assert_int_equal(l7.type, CLS_L7_QUIC_DCID);
			assert_int_equal(l7.len, cases[i].dcid);
			assert_memory_equal(l7.value, "dddddddddddddddddddd", l7.len);
		}
	}
}

static void
test_quic_cut(void **state)
{
	struct msg m = initial(0xc0, 1, 8, 5, 200);
	struct cls_l7 l7;
	uint32_t len;

	(void)state;
	for (len = 0; len < m.len; len++)
		assert_int_equal(parse(IPPROTO_UDP, m.b, len, &l7), CLS_L7_ABSENT);
	check(IPPROTO_UDP, &m, CLS_L7_FOUND, "dddddddd");
	/* Another packet may follow in the datagram: coalesced, RFC 9000 12.2. */
	put_zeros(&m, 300);
	check(IPPROTO_UDP, &m, CLS_L7_FOUND, "dddddddd");
	m.b[14] = 21; /* source id too long */
	check(IPPROTO_UDP, &m, CLS_L7_ABSENT, NULL);
	m.b[14] = 5;
	m.b[20] = 0xff; /* token of 2^62 bytes */
	check(IPPROTO_UDP, &m, CLS_L7_ABSENT, NULL);
}

static void
test_quic_google(void **state)
{
	static const struct {
		const char *bytes;
		bool found;
	} cases[] = {
		/* Q046: 0x50 is an id of 8 bytes and none */
		{ "\xc3Q046\x50"
		  "dddddddd....................",
				true },
		{ "\xc3Q046\x50"
		  "dddddddd...................",
				false },
		{ "\xc3Q047\x50"
		  "dddddddd....................",
				false },
		{ "\x0d"
		  "ddddddddQ043",
				true },
		{ "\x09"
		  "ddddddddQ039....",
				true },
		{ "\x0d"
		  "ddddddddQ04",
				false },
		{ "\x0d"
		  "ddddddddQ0x3",
				false },
		{ "\x0c"
		  "ddddddddQ043",
				false }, /* no version */
		{ "\x0f"
		  "ddddddddQ043",
				false }, /* reset */
		{ "\x4d"
		  "ddddddddQ043",
				false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct msg m = { 0 };

		put(&m, cases[i].bytes, strlen(cases[i].bytes));
		check(IPPROTO_UDP, &m, cases[i].found ? CLS_L7_FOUND : CLS_L7_ABSENT, "dddddddd");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_records),
		cmocka_unit_test(test_tls_names),
		cmocka_unit_test(test_tls_broken),
		cmocka_unit_test(test_quic_versions),
		cmocka_unit_test(test_quic_cut),
		cmocka_unit_test(test_quic_google),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
