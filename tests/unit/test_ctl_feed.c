/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event stream's socket with real readers: several, slow ones, such that come and go in the middle of a line, and
 * what they may say. Nothing here waits for a reader.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_rcu_qsbr.h>

#include "base/flow.h"
#include "conntrack/ct.h"
#include "control/ctl.h"

#include "eal.h"

#define NOW UINT64_C(1000000000000)
#define RING 256

static struct {
	struct rte_rcu_qsbr *qsbr;
	struct ct_table *ct;
	struct ctl_feed *feed;
	char directory[32];
	char path[64];
} fx;

/* Opens and closes n connections: 2n events. */
static void
happen(unsigned int n)
{
	static const uint8_t none[20];
	struct flow_tuple o = { .key = { .family = 4, .proto = IPPROTO_UDP, .dport = 53 } }, r;
	struct pkt_info info = { .family = 4, .proto = IPPROTO_UDP, .l3_len = 48 };
	struct ct_packet pkt = {
		.info = &info, .l4 = none, .l4_len = 20, .l4_avail = 20, .now = NOW
	};
	struct ct_verdict v;
	uint32_t conn;

	for (; n > 0; n--) {
		o.key.sport = rte_cpu_to_be_16((uint16_t)n);
		memcpy(o.src.b, "\x0a\x00\x00\x01", 4);
		memcpy(o.dst.b, "\x0a\x00\x00\x02", 4);
		flow_tuple_seal(&o);
		assert_true(flow_tuple_reply(&o, &r));
		assert_int_equal(ct_open(fx.ct, &o, &r, 0, &pkt, &conn), 0);
		ct_track(fx.ct, conn, FLOW_ORIGINAL, &pkt, &v);
		ct_close(fx.ct, conn);
		while (ct_reclaim(fx.ct, NULL, 64) != 0)
			;
	}
}

static int
connect_reader(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", fx.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ctl_feed_poll(fx.feed);
	return fd;
}

/* What the feed has for a reader, `piece` bytes a read and poll. Returns its length; ended: the feed hung up. */
static size_t
collect(int fd, char *buf, size_t max, size_t piece, bool *ended)
{
	size_t len = 0;
	unsigned int idle = 0;
	ssize_t n = 1;

	while (idle < 3 && n != 0) {
		assert_true(len + piece < max);
		n = recv(fd, buf + len, piece, 0);
		if (n > 0)
			len += (size_t)n;
		idle = n > 0 ? 0 : idle + 1;
		ctl_feed_poll(fx.feed);
	}
	buf[len] = '\0';
	if (ended != NULL)
		*ended = n == 0;
	return len;
}

/* Every line is JSON; numbers go on by one, or by what a line says was lost. Returns how many events there were. */
static unsigned int
check_lines(char *text, uint64_t *expected, uint64_t *lost)
{
	char *save = NULL, *line;
	unsigned int n = 0;

	for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		json_t *o = json_loads(line, 0, NULL);
		uint64_t sequence, gone;

		if (o == NULL)
			fail_msg("no JSON: %s", line);
		sequence = (uint64_t)json_integer_value(json_object_get(o, "sequence"));
		gone = (uint64_t)json_integer_value(json_object_get(o, "lost"));
		*lost += gone;
		*expected += gone;
		assert_int_equal(sequence, *expected);
		if (gone == 0) {
			(*expected)++;
			n++;
		}
		json_decref(o);
	}
	return n;
}

static uint64_t
sequence(void)
{
	struct ct_event_stats s;

	ct_event_stats(fx.ct, &s);
	return s.next;
}

static char text[1 << 22];

static void
test_lines(void **state)
{
	uint64_t at = sequence();
	char expected[3000];
	int fd = connect_reader();
	struct stat st;

	(void)state;
	assert_int_equal(stat(fx.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	happen(1);
	collect(fd, text, sizeof(text), 4096, NULL);
	snprintf(expected, sizeof(expected),
			"{\"sequence\":%u,\"time\":1000000000005,\"event\":\"new\",\"id\":0,\"zone\":0,\"family\":4,"
			"\"protocol\":\"udp\",\"original\":{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"sport\":1,"
			"\"dport\":13568},\"reply\":{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.1\",\"sport\":13568,"
			"\"dport\":1},\"state\":\"new\",\"status\":[],\"mark\":0,\"fast\":false,\"expires\":30}\n"
			"{\"sequence\":%u,\"time\":1000000000005,\"event\":\"destroy\",\"id\":0,\"zone\":0,\"family\":4,"
			"\"protocol\":\"udp\",\"original\":{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"sport\":1,"
			"\"dport\":13568,\"packets\":0,\"bytes\":0},\"reply\":{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.1\","
			"\"sport\":13568,\"dport\":1,\"packets\":0,\"bytes\":0},\"state\":\"new\",\"status\":[],"
			"\"mark\":0,\"fast\":false,\"reason\":\"closed\"}\n",
			(unsigned int)at, (unsigned int)at + 1);
	assert_string_equal(text, expected);
	assert_int_equal(write(fd, "conntrack\r\n", 11), 11);
	ctl_feed_poll(fx.feed);
	happen(1);
	collect(fd, text, sizeof(text), 4096, NULL);
	assert_string_equal(text,
			"    [NEW] udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=13568 [UNREPLIED] "
			"src=10.0.0.2 dst=10.0.0.1 sport=13568 dport=1 zone=0 id=0\n"
			"[DESTROY] udp      17 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=13568 packets=0 bytes=0 "
			"[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=13568 dport=1 packets=0 bytes=0 zone=0 id=0\n");
	close(fd);
	ctl_feed_poll(fx.feed);
	assert_int_equal(ctl_feed_readers(fx.feed), 0);
}

/* Readers of different speed, in pieces that end anywhere. */
static void
test_several(void **state)
{
	static const size_t pieces[] = { 1, 7, 1000, 65536 };
	uint64_t expected[4], lost[4] = { 0 };
	unsigned int i;
	int fd[4];

	(void)state;
	for (i = 0; i < 4; i++) {
		fd[i] = connect_reader();
		expected[i] = sequence();
	}
	assert_int_equal(ctl_feed_readers(fx.feed), 4);
	happen(RING / 2);
	for (i = 0; i < 4; i++) {
		collect(fd[i], text, sizeof(text), pieces[i], NULL);
		assert_int_equal(check_lines(text, &expected[i], &lost[i]), RING);
		assert_int_equal(lost[i], 0);
		assert_int_equal(expected[i], sequence());
	}
	for (i = 0; i < 4; i++)
		close(fd[i]);
	ctl_feed_poll(fx.feed);
}

/* One that does not read: the socket fills, the ring turns; later it learns exactly what it missed. */
static void
test_slow(void **state)
{
	uint64_t slow = sequence(), quick = slow, lost = 0, none = 0;
	int fd = connect_reader(), other = connect_reader();
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 200; i++) {
		happen(RING / 4);
		ctl_feed_poll(fx.feed);
		collect(other, text, sizeof(text), 65536, NULL);
		check_lines(text, &quick, &none);
	}
	assert_int_equal(none, 0);
	assert_int_equal(quick, sequence());
	collect(fd, text, sizeof(text), 10000, NULL);
	n = check_lines(text, &slow, &lost);
	assert_true(lost > 0);
	assert_int_equal(slow, sequence());
	assert_int_equal(n + lost, 200 * (RING / 2));
	close(fd);
	close(other);
	ctl_feed_poll(fx.feed);
}

/* A reader that leaves in the middle of a line, one with its buffer full, one that only stops talking. */
static void
test_leaving(void **state)
{
	uint64_t expected, lost = 0;
	int fd = connect_reader(), stays;
	unsigned int i;

	(void)state;
	happen(10);
	ctl_feed_poll(fx.feed);
	assert_int_equal(recv(fd, text, 100, 0), 100);
	close(fd);
	for (i = 0; i < 3; i++) {
		happen(1);
		ctl_feed_poll(fx.feed);
	}
	assert_int_equal(ctl_feed_readers(fx.feed), 0);

	fd = connect_reader();
	for (i = 0; i < 100; i++) {
		happen(RING / 4);
		ctl_feed_poll(fx.feed);
	}
	assert_int_equal(ctl_feed_readers(fx.feed), 1);
	close(fd);
	ctl_feed_poll(fx.feed);
	assert_int_equal(ctl_feed_readers(fx.feed), 0);

	stays = connect_reader();
	expected = sequence();
	shutdown(stays, SHUT_WR);
	ctl_feed_poll(fx.feed);
	ctl_feed_poll(fx.feed);
	assert_int_equal(ctl_feed_readers(fx.feed), 1);
	happen(3);
	collect(stays, text, sizeof(text), 500, NULL);
	assert_int_equal(check_lines(text, &expected, &lost), 6);
	close(stays);
	ctl_feed_poll(fx.feed); /* nothing happens, and it is noticed all the same */
	assert_int_equal(ctl_feed_readers(fx.feed), 0);
}

static void
test_limits(void **state)
{
	static const struct {
		const char *said;
		bool ends;
	} cases[] = {
		{ "json\n", false },
		{ "jso", false },
		{ "nonsense\n", true },
		{ "\n", true },
		{ "a word that is longer than any that could be meant here, without an end", true },
	};
	int fd[CTL_FEED_READERS_MAX], one_more;
	unsigned int i;
	bool ended;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		fd[0] = connect_reader();
		assert_int_equal(write(fd[0], cases[i].said, strlen(cases[i].said)),
				strlen(cases[i].said));
		for (unsigned int k = 0; k < 5; k++)
			ctl_feed_poll(fx.feed);
		collect(fd[0], text, sizeof(text), 4096, &ended);
		assert_int_equal(ended, cases[i].ends);
		assert_string_equal(text, ended ? "{\"error\":\"say conntrack or json\"}\n" : "");
		close(fd[0]);
		ctl_feed_poll(fx.feed);
		assert_int_equal(ctl_feed_readers(fx.feed), 0);
	}
	for (i = 0; i < CTL_FEED_READERS_MAX; i++)
		fd[i] = connect_reader();
	one_more = connect_reader();
	collect(one_more, text, sizeof(text), 4096, &ended);
	assert_true(ended);
	assert_string_equal(text, "{\"error\":\"16 readers are connected already\"}\n");
	close(one_more);
	close(fd[3]);
	ctl_feed_poll(fx.feed);
	fd[3] = connect_reader();
	assert_int_equal(ctl_feed_readers(fx.feed), CTL_FEED_READERS_MAX);
	for (i = 0; i < CTL_FEED_READERS_MAX; i++)
		close(fd[i]);
	ctl_feed_poll(fx.feed);
	assert_int_equal(ctl_feed_readers(fx.feed), 0);
}

static void
test_path(void **state)
{
	char file[80], left[80], much[200];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct ctl_feed *f;
	struct stat st;
	FILE *out;
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s/file", fx.directory);
	snprintf(left, sizeof(left), "%s/left", fx.directory);
	memset(much, 'x', sizeof(much));
	much[199] = '\0';
	assert_null(ctl_feed_create(fx.ct, fx.path, 0));
	assert_int_equal(errno, EADDRINUSE);
	out = fopen(file, "w");
	fclose(out);
	assert_null(ctl_feed_create(fx.ct, file, 0));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(stat(file, &st), 0);
	assert_null(ctl_feed_create(fx.ct, much, 0));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_null(ctl_feed_create(fx.ct, "", 0));
	/* What a killed program left. */
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", left);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	f = ctl_feed_create(fx.ct, left, 0);
	assert_non_null(f);
	ctl_feed_destroy(f);
	assert_int_not_equal(stat(left, &st), 0);
	unlink(file);
}

/* The longest line there can be is well within its buffer. */
static void
test_longest(void **state)
{
	struct ct_event e;
	char buf[CTL_EVENT_LINE_MAX];
	unsigned int kind, changed;
	json_t *line;
	size_t len;

	(void)state;
	for (kind = 0; kind < CT_EVENT_KINDS; kind++) {
		memset(&e, 0xff, sizeof(e));
		e.kind = kind;
		e.why = CT_WHY_EARLY_DROP;
		e.fast = false; /* the longer word, and 0xff is no bool */
		for (changed = 0; changed < 2; changed++) {
			e.tuple[changed].key.family = 6;
			e.tuple[changed].key.proto = IPPROTO_TCP;
		}
		e.state = CT_TCP_ESTABLISHED;
		len = ctl_event_json(&e, 0, buf);
		assert_true(len < 900);
		assert_int_equal(buf[len - 1], '\n');
		/* Its numbers are larger than an integer of jansson's. */
		line = json_loadb(buf, len, JSON_DECODE_INT_AS_REAL, NULL);
		assert_non_null(line);
		json_decref(line);
		assert_true(ctl_event_text(&e, buf) < 900);
	}
}

static int
setup(void **state)
{
	struct ct_params p = {
		.connections = 512, .hasher.seed = 1, .socket_id = -1, .events = { .ring = RING }
	};

	(void)state;
	ct_timeouts_default(&p.timeouts);
	fx.qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(1));
	assert_int_equal(rte_rcu_qsbr_init(fx.qsbr, 1), 0);
	p.qsbr = fx.qsbr;
	fx.ct = ct_create(&p);
	assert_non_null(fx.ct);
	snprintf(fx.directory, sizeof(fx.directory), "/tmp/shunt-feed-XXXXXX");
	assert_non_null(mkdtemp(fx.directory));
	snprintf(fx.path, sizeof(fx.path), "%s/events", fx.directory);
	fx.feed = ctl_feed_create(fx.ct, fx.path, 5);
	assert_non_null(fx.feed);
	return 0;
}

static int
teardown(void **state)
{
	struct stat st;

	(void)state;
	ctl_feed_destroy(fx.feed);
	assert_int_not_equal(stat(fx.path, &st), 0);
	assert_int_equal(rmdir(fx.directory), 0);
	ct_destroy(fx.ct);
	free(fx.qsbr);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_longest),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
