/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FTP and TFTP texts: what is an announcement, and what must not be taken for one. Tables of lines, good and bad; every
 * cut of the good ones; bytes of no sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "alg/alg.h"

/* In a block of exactly its size: a byte read too far is found by the sanitizers. */
static enum alg_result
parse(const char *text, size_t len, bool from_server, uint16_t *reply, struct alg_announced *a)
{
	uint8_t *copy = malloc(len + (len == 0));
	struct alg_text t = { copy, (uint32_t)len, from_server, *reply };
	enum alg_result r;

	assert_non_null(copy);
	memcpy(copy, text, len);
	memset(a, 0xa5, sizeof(*a));
	r = alg_ftp(&t, a);
	*reply = t.reply;
	free(copy);
	return r;
}

static struct flow_addr
address(const char *text)
{
	struct flow_addr a = { .b = { 0 } };

	assert_int_equal(inet_pton(strchr(text, ':') != NULL ? AF_INET6 : AF_INET, text, a.b), 1);
	return a;
}

struct good {
	const char *text;
	bool from_server;
	enum alg_kind kind;
	const char *address; /* NULL: none */
	uint16_t port;
	const char *said;    /* the bytes that state it */
	const char *printed; /* for 255.254.253.252 or 2001:db8::1, port 65535 */
};

static const struct good good[] = {
	{ "PORT 192,0,2,1,4,5\r\n", false, ALG_FTP_PORT, "192.0.2.1", 1029, "192,0,2,1,4,5",
			"255,254,253,252,255,255" },
	{ "port 192,0,2,1,4,0\r\n", false, ALG_FTP_PORT, "192.0.2.1", 1024, "192,0,2,1,4,0",
			"255,254,253,252,255,255" },
	{ "PoRt   010,000,002,001,255,255\r\n", false, ALG_FTP_PORT, "10.0.2.1", 65535,
			"010,000,002,001,255,255", "255,254,253,252,255,255" },
	{ "TYPE I\r\nPORT 192,0,2,1,4,5\r\n", false, ALG_FTP_PORT, "192.0.2.1", 1029,
			"192,0,2,1,4,5", "255,254,253,252,255,255" },
	{ "PORTAL 9\r\nPORT 192,0,2,1,4,5\r\n", false, ALG_FTP_PORT, "192.0.2.1", 1029,
			"192,0,2,1,4,5", "255,254,253,252,255,255" },
	{ "EPRT |1|192.0.2.1|1029|\r\n", false, ALG_FTP_EPRT, "192.0.2.1", 1029,
			"|1|192.0.2.1|1029|", "|1|255.254.253.252|65535|" },
	{ "EPRT |2|2001:db8::9|65535|\r\n", false, ALG_FTP_EPRT, "2001:db8::9", 65535,
			"|2|2001:db8::9|65535|", "|2|2001:db8::1|65535|" },
	{ "eprt !2!::ffff:192.0.2.1!1024!\r\n", false, ALG_FTP_EPRT, "::ffff:192.0.2.1", 1024,
			"!2!::ffff:192.0.2.1!1024!", "!2!2001:db8::1!65535!" },
	{ "227 Entering Passive Mode (192,0,2,1,4,5).\r\n", true, ALG_FTP_227, "192.0.2.1", 1029,
			"192,0,2,1,4,5", "255,254,253,252,255,255" },
	{ "227 =192,0,2,1,4,5\r\n", true, ALG_FTP_227, "192.0.2.1", 1029, "192,0,2,1,4,5",
			"255,254,253,252,255,255" },
	{ "227 192,0,2,1,4,5\n", true, ALG_FTP_227, "192.0.2.1", 1029, "192,0,2,1,4,5",
			"255,254,253,252,255,255" },
	{ "200 Switching to Binary mode.\r\n227 ok (192,0,2,1,4,5)\r\n", true, ALG_FTP_227,
			"192.0.2.1", 1029, "192,0,2,1,4,5", "255,254,253,252,255,255" },
	{ "230-hello\r\n 227 no (192,0,2,9,9,9)\r\n227 no (192,0,2,9,9,9)\r\n230 done\r\n"
	  "227 ok (192,0,2,1,4,5)\r\n",
			true, ALG_FTP_227, "192.0.2.1", 1029, "192,0,2,1,4,5",
			"255,254,253,252,255,255" },
	{ "229 Entering Extended Passive Mode (|||1029|)\r\n", true, ALG_FTP_229, NULL, 1029,
			"1029", "65535" },
	{ "229 (!!!65535!).\r\n", true, ALG_FTP_229, NULL, 65535, "65535", "65535" },
};

static void
test_good(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(good); i++) {
		const struct good *g = &good[i];
		char text[ALG_FTP_TEXT_MAX];
		struct alg_announced a;
		struct flow_addr new_;
		uint16_t reply = 0;
		uint32_t len;

		if (parse(g->text, strlen(g->text), g->from_server, &reply, &a) != ALG_FOUND)
			fail_msg("not found: %s", g->text);
		assert_int_equal(a.kind, g->kind);
		assert_int_equal(a.port, g->port);
		assert_int_equal(a.end - a.begin, strlen(g->said));
		assert_memory_equal(g->text + a.begin, g->said, strlen(g->said));
		assert_true(a.line == 0 || g->text[a.line - 1] == '\n');
		if (g->address == NULL) {
			assert_int_equal(a.family, 0);
		} else {
			new_ = address(g->address);
			assert_int_equal(a.family, strchr(g->address, ':') != NULL ? 6 : 4);
			assert_memory_equal(&a.address, &new_, sizeof(new_));
		}
		new_ = address(a.family == 6 ? "2001:db8::1" : "255.254.253.252");
		len = alg_ftp_print(&a, &new_, 65535, text);
		assert_string_equal(text, g->printed);
		assert_int_equal(len, strlen(text));
		/* The other side's words: nothing. */
		reply = 0;
		assert_int_equal(parse(g->text, strlen(g->text), !g->from_server, &reply, &a),
				ALG_NOTHING);
	}
}

/* No cut of a good text is an announcement: it is held back from the first byte of its own line on. */
static void
test_cut(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(good); i++) {
		const struct good *g = &good[i];
		const size_t whole = strlen(g->text);
		struct alg_announced a;
		uint16_t reply = 0;
		uint32_t line;

		parse(g->text, whole, g->from_server, &reply, &a);
		line = a.line;
		for (size_t len = 0; len < whole; len++) {
			enum alg_result r;

			reply = 0;
			r = parse(g->text, len, g->from_server, &reply, &a);
			assert_int_not_equal(r, ALG_FOUND);
			if (len > line)
				assert_int_equal(r, ALG_BAD);
		}
		/* And none in the middle of a line. */
		for (size_t from = line + 1; from < whole; from++) {
			reply = 0;
			assert_int_equal(parse(g->text + from, whole - from, g->from_server, &reply,
							 &a),
					ALG_NOTHING);
		}
	}
}

struct bad {
	const char *text;
	bool from_server;
	enum alg_result result;
};

static const struct bad bad[] = {
	/* ports that are not to be opened */
	{ "PORT 192,0,2,1,3,255\r\n", false, ALG_REFUSED },
	{ "PORT 192,0,2,1,0,21\r\n", false, ALG_REFUSED },
	{ "PORT 192,0,2,1,0,0\r\n", false, ALG_BAD },
	{ "EPRT |1|192.0.2.1|1023|\r\n", false, ALG_REFUSED },
	{ "EPRT |1|192.0.2.1|0|\r\n", false, ALG_BAD },
	{ "227 ok (192,0,2,1,0,22)\r\n", true, ALG_REFUSED },
	{ "229 ok (|||22|)\r\n", true, ALG_REFUSED },
	{ "229 ok (|||0|)\r\n", true, ALG_BAD },
	/* numbers out of range, too many, too few */
	{ "PORT 256,0,2,1,4,5\r\n", false, ALG_BAD },
	{ "PORT 192,0,2,1,4,256\r\n", false, ALG_BAD },
	{ "PORT 192,0,2,1,4,4294967301\r\n", false, ALG_BAD },
	{ "PORT 0192,0,2,1,4,5\r\n", false, ALG_BAD },
	{ "PORT 192,0,2,1,4\r\n", false, ALG_BAD },
	{ "PORT 192,0,2,1,4,5,6\r\n", false, ALG_BAD },
	{ "PORT 192,0,2,,4,5\r\n", false, ALG_BAD },
	{ "PORT 192, 0,2,1,4,5\r\n", false, ALG_BAD },
	{ "PORT -192,0,2,1,4,5\r\n", false, ALG_BAD },
	{ "PORT\r\n", false, ALG_BAD },
	{ "PORT \r\n", false, ALG_BAD },
	{ "PORT\t192,0,2,1,4,5\r\n", false, ALG_BAD },
	{ "PORT 192,0,2,1,4,5 \r\n", false, ALG_BAD },
	{ "PORT 192,0,2,1,4,5\n", false, ALG_BAD },
	{ "EPRT |1|192.0.2.1|65536|\r\n", false, ALG_BAD },
	{ "EPRT |1|192.0.2.1|100000|\r\n", false, ALG_BAD },
	{ "EPRT |1|192.0.2.256|1029|\r\n", false, ALG_BAD },
	{ "EPRT |1|192.0.2|1029|\r\n", false, ALG_BAD },
	{ "EPRT |1|2001:db8::1|1029|\r\n", false, ALG_BAD },
	{ "EPRT |2|192.0.2.1|1029|\r\n", false, ALG_BAD },
	{ "EPRT |2|fe80::1%eth0|1029|\r\n", false, ALG_BAD },
	{ "EPRT |3|192.0.2.1|1029|\r\n", false, ALG_BAD },
	{ "EPRT |0|192.0.2.1|1029|\r\n", false, ALG_BAD },
	{ "EPRT |1|192.0.2.1|1029\r\n", false, ALG_BAD },
	{ "EPRT |1|192.0.2.1|1029!\r\n", false, ALG_BAD },
	{ "EPRT |1||1029|\r\n", false, ALG_BAD },
	{ "EPRT 1119201021110291\r\n", false, ALG_BAD },
	{ "EPRT |2|1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc|1029|\r\n", false,
			ALG_BAD },
	{ "227 ok (192,0,2,1,4,300)\r\n", true, ALG_BAD },
	{ "227 ok (192,0,2,1,4)\r\n", true, ALG_BAD },
	{ "227 ok (192,0,2,1,4,5,6)\r\n", true, ALG_BAD },
	{ "227 ok\r\n", true, ALG_BAD },
	{ "229 ok (|||65536|)\r\n", true, ALG_BAD },
	{ "229 ok (||1029|)\r\n", true, ALG_BAD },
	{ "229 ok (|1|1029|)\r\n", true, ALG_BAD },
	{ "229 ok |||1029|\r\n", true, ALG_BAD },
	{ "229 ok (|||1029|\r\n", true, ALG_BAD },
	{ "229 ok (11110291)\r\n", true, ALG_BAD },
	{ "229 ok (\r\n", true, ALG_BAD },
	/* in the middle of other text, or of a reply of several lines */
	{ "QUOTE PORT 192,0,2,1,4,5\r\n", false, ALG_NOTHING },
	{ " PORT 192,0,2,1,4,5\r\n", false, ALG_NOTHING },
	{ "XPORT 192,0,2,1,4,5\r\n", false, ALG_NOTHING },
	{ "PORTX 192,0,2,1,4,5\r\n", false, ALG_NOTHING },
	{ "500 '227 ok (192,0,2,1,4,5)'\r\n", true, ALG_NOTHING },
	{ "2277 ok (192,0,2,1,4,5)\r\n", true, ALG_NOTHING },
	{ "227-ok (192,0,2,1,4,5)\r\n", true, ALG_NOTHING },
	{ "227-ok\r\n227 ok (192,0,2,1,4,5)\r\n", true, ALG_NOTHING },
	{ "213-listing\r\n227 ok (192,0,2,1,4,5)\r\n213 end\r\n", true, ALG_NOTHING },
	{ "213-listing\r\n227 ok (192,0,2,1,4,5)\r\n", true, ALG_NOTHING },
	{ "\r\n\r\n", false, ALG_NOTHING },
	{ "", true, ALG_NOTHING },
};

static void
test_bad(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		struct alg_announced a;
		uint16_t reply = 0;
		enum alg_result r = parse(
				bad[i].text, strlen(bad[i].text), bad[i].from_server, &reply, &a);

		if (r != bad[i].result)
			fail_msg("%d and not %d: %s", r, bad[i].result, bad[i].text);
	}
}

/* A reply of several lines goes on in further packets. */
static void
test_long_reply(void **state)
{
	static const char *const packets[] = { "214-help\r\nmore\r\n", "227 ok (192,0,2,1,4,5)\r\n",
		"213 not its end\r\n214 end\r\n" };
	struct alg_announced a;
	uint16_t reply = 0;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(packets); i++) {
		assert_int_equal(parse(packets[i], strlen(packets[i]), true, &reply, &a),
				ALG_NOTHING);
		assert_int_equal(reply, i < 2 ? 214 : 0);
	}
	assert_int_equal(parse(packets[1], strlen(packets[1]), true, &reply, &a), ALG_FOUND);
}

/* Zeros, and bytes at random, also around the words that count. */
static void
test_garbage(void **state)
{
	static const char *const words[] = { "PORT ", "EPRT |", "227 ", "229 (|||", "\r\n", "192,0",
		"|1|", "|2|::", "1029", "230-", "\n" };

	(void)state;
	srand(1);
	for (unsigned int n = 0; n < 200000; n++) {
		char text[128];
		struct alg_announced a;
		size_t len = 0;
		uint16_t reply = 0;
		enum alg_result r;

		while (len < sizeof(text) - 16 && rand() % 12 != 0) {
			const char *w = words[(unsigned int)rand() % RTE_DIM(words)];

			if (rand() % 3 == 0)
				text[len++] = (char)(rand() >> 4);
			else
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", w);
		}
		r = parse(text, len, rand() % 2, &reply, &a);
		if (r == ALG_FOUND) {
			assert_in_range(a.port, ALG_PORT_MIN, UINT16_MAX);
			assert_true(a.line < a.begin && a.begin < a.end && a.end <= len);
		}
	}
}

static void
test_tftp(void **state)
{
	static const struct {
		const char *text;
		uint32_t len;
		bool request;
	} cases[] = {
		{ "\0\1boot\0octet\0", 13, true },
		{ "\0\2boot\0netascii\0", 16, true },
		{ "\0\1boot\0octet\0blksize\0001428\0", 26, true },
		{ "\0\1boot\0octet", 12, false },
		{ "\0\1boot\0", 7, false },
		{ "\0\1boot\0\0", 8, false },
		{ "\0\1\0octet\0", 9, false },
		{ "\0\1boot", 6, false },
		{ "\0\1", 2, false },
		{ "\0", 1, false },
		{ "", 0, false },
		{ "\0\3boot\0octet\0", 13, false },
		{ "\0\4\0\1", 4, false },
		{ "\1\1boot\0octet\0", 13, false },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++)
		assert_int_equal(alg_tftp_request((const uint8_t *)cases[i].text, cases[i].len),
				cases[i].request);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long_reply),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_tftp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
