/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * show, count and flush connections, show conntrack: what filters choose, as JSON, as text and in conntrack's manner, and
 * jobs that are longer than one part.
 */
#include "test_ctl_view.h"

static void
test_connection_json(void **state)
{
	/* IPv6 has the lower slots. */
	json_t *all = call("show connections", "{\"limit\": 3}", 0);
	char expected[1000];

	(void)state;
	assert_int_equal(json_array_size(all), 3);
	snprintf(expected, sizeof(expected),
			"{\"id\":%u,\"protocol\":\"tcp\",\"family\":4,\"zone\":0,\"state\":\"established\","
			"\"tcp_state\":\"ESTABLISHED\",\"tracker_state\":\"ESTABLISHED\",\"assured\":true,"
			"\"status\":[\"seen_reply\",\"assured\",\"dnat\"],"
			"\"original\":{\"src\":\"198.51.100.7\",\"dst\":\"192.0.2.80\",\"sport\":1234,"
			"\"dport\":80,\"packets\":1234567,\"bytes\":1234567000,\"last_seen\":0},"
			"\"reply\":{\"src\":\"10.0.0.1\",\"dst\":\"198.51.100.7\",\"sport\":8080,"
			"\"dport\":1234,\"packets\":1234568,\"bytes\":1234567001,\"last_seen\":9},"
			"\"expires\":%u,\"class\":\"gold\",\"mark\":4294967295,\"service\":\"web\","
			"\"owner\":2,\"fast\":true,\"lcore\":12,\"tcp\":{\"closing\":false,"
			"\"original\":{\"window_scaling\":false,\"scale\":7,\"sack\":false,\"closed_first\":false},"
			"\"reply\":{\"window_scaling\":false,\"scale\":0,\"sack\":false,\"closed_first\":false}},"
			"\"label\":null,\"helper\":null,\"master\":null}",
			fx.web, ct_expires_in(fx.ct, fx.web, NOW));
	check_json(json_array_get(all, 1), expected);
	snprintf(expected, sizeof(expected),
			"{\"id\":%u,\"protocol\":\"udp\",\"family\":6,\"zone\":0,\"state\":\"new\","
			"\"tcp_state\":null,\"tracker_state\":null,\"assured\":false,\"status\":[\"dnat\"],"
			"\"original\":{\"src\":\"2001:db8::7\",\"dst\":\"2001:db8::1\",\"sport\":999,"
			"\"dport\":53,\"packets\":1,\"bytes\":1000,\"last_seen\":0},"
			"\"reply\":{\"src\":\"2001:db8::53\",\"dst\":\"2001:db8::7\",\"sport\":5353,"
			"\"dport\":999,\"packets\":2,\"bytes\":1001,\"last_seen\":0},"
			"\"expires\":%u,\"class\":\"default\",\"mark\":0,\"service\":\"dns\","
			"\"owner\":0,\"fast\":false,\"lcore\":10,\"tcp\":null,"
			"\"label\":\"01000000000000000000000000000080\",\"helper\":\"ftp\","
			"\"master\":{\"protocol\":\"tcp\",\"src\":\"198.51.100.7\",\"dst\":\"192.0.2.80\","
			"\"sport\":1234,\"dport\":80}}",
			fx.dns6, ct_expires_in(fx.ct, fx.dns6, NOW));
	check_json(json_array_get(all, 0), expected);
	snprintf(expected, sizeof(expected),
			"{\"id\":%u,\"protocol\":\"icmp\",\"family\":4,\"zone\":0,\"state\":\"new\","
			"\"tcp_state\":null,\"tracker_state\":null,\"assured\":false,\"status\":[],"
			"\"original\":{\"src\":\"192.0.2.1\",\"dst\":\"192.0.2.2\",\"id\":77,\"type\":8,"
			"\"code\":0,\"packets\":2,\"bytes\":2000,\"last_seen\":0},"
			"\"reply\":{\"src\":\"192.0.2.2\",\"dst\":\"192.0.2.1\",\"id\":77,\"type\":0,"
			"\"code\":0,\"packets\":3,\"bytes\":2001,\"last_seen\":0},"
			"\"expires\":%u,\"class\":null,\"mark\":0,\"service\":null,\"owner\":0,"
			"\"fast\":false,\"lcore\":10,\"tcp\":null,\"label\":null,\"helper\":null,\"master\":null}",
			fx.echo, ct_expires_in(fx.ct, fx.echo, NOW));
	check_json(json_array_get(all, 2), expected);
	json_decref(all);
}

/* `count` says what `show` lists, where neither limit nor default cuts the list. */
static void
check_count(const char *params, size_t n)
{
	json_t *p = json_loads(params, 0, NULL), *result = NULL;
	const json_t *limit = json_object_get(p, "limit");
	bool cut = limit == NULL ? n == 100 : n == 0;

	if (!cut && json_object_get(p, "from") == NULL) {
		json_object_del(p, "limit");
		assert_int_equal(ctl_call(fx.ctl, "count connections", p, &result), 0);
		assert_int_equal(json_integer_value(json_object_get(result, "connections")), n);
		json_decref(result);
	}
	json_decref(p);
}

static void
test_connection_filters(void **state)
{
	static const struct {
		const char *params;
		size_t n;
	} cases[] = {
		{ "{}", 100 },
		{ "{\"limit\": \"0\"}", 0 },
		{ "{\"limit\": 100000}", MANY + 3 },
		{ "{\"limit\": 100000, \"from\": 1}", MANY + 2 },
		{ "{\"limit\": 100000, \"from\": 4294967294}", 0 },
		{ "{\"protocol\": \"tcp\"}", 1 },
		{ "{\"protocol\": \"UDP\"}", 1 },
		{ "{\"protocol\": \"6\"}", 1 },
		{ "{\"protocol\": \"sctp\"}", 0 },
		{ "{\"protocol\": \"48\", \"limit\": 1000}", MANY / 2 },
		{ "{\"state\": \"established\"}", 1 },
		{ "{\"state\": \"ESTABLISHED\", \"protocol\": \"udp\"}", 0 },
		{ "{\"state\": \"new\", \"limit\": 1000}", MANY + 2 },
		{ "{\"state\": \"time_wait\"}", 0 },
		{ "{\"service\": \"web\"}", 1 },
		{ "{\"service\": \"dns\"}", 1 },
		{ "{\"service\": \"dns\", \"protocol\": \"tcp\"}", 0 },
		{ "{\"family\": 6}", 1 },
		{ "{\"family\": \"4\", \"limit\": 1000}", MANY + 2 },
		{ "{\"zone\": 0, \"limit\": 1000}", MANY + 3 },
		{ "{\"zone\": 1}", 0 },
		{ "{\"source\": \"198.51.100.7\"}", 1 },
		{ "{\"source\": \"198.51.100.0/24\"}", 1 },
		{ "{\"source\": \"198.51.101.0/23\"}", 1 }, /* host bits do not count */
		{ "{\"source\": \"198.51.101.0/24\"}", 0 },
		{ "{\"source\": \"0.0.0.0/0\", \"limit\": 1000}", MANY + 2 },
		{ "{\"source\": \"::/0\"}", 1 },
		{ "{\"source\": \"2001:db8::7/128\"}", 1 },
		{ "{\"source\": \"2001:db8::6/127\"}", 1 },
		{ "{\"source\": \"2001:db8::6/128\"}", 0 },
		{ "{\"destination\": \"192.0.2.80\"}", 1 },
		{ "{\"destination\": \"192.0.2.0/24\"}", 2 },
		{ "{\"destination\": \"10.0.0.1\"}", 0 },
		{ "{\"reply-source\": \"10.0.0.1\"}", 1 },
		{ "{\"reply-source\": \"2001:db8::53\"}", 1 },
		{ "{\"reply-destination\": \"198.51.100.7\"}", 1 },
		{ "{\"reply-destination\": \"198.51.100.7\", \"source\": \"10.1.0.1\"}", 0 },
		{ "{\"sport\": 1234}", 1 },
		{ "{\"dport\": \"53\"}", 1 },
		{ "{\"sport\": 77}",
				1 }, /* that of the many; the ICMP query's identifier is no port */
		{ "{\"dport\": 2048}", 0 }, /* nor its type */
		{ "{\"mark\": 4294967295}", 1 },
		{ "{\"mark\": \"0xffffffff\"}", 1 },
		{ "{\"mark\": \"0x10/0xf0\"}", 0 },
		{ "{\"mark\": \"0xf0/0xf0\"}", 1 },
		{ "{\"mark\": \"0\", \"limit\": 1000}", MANY + 2 },
		{ "{\"class\": \"gold\"}", 1 },
		{ "{\"class\": \"bad\"}", 0 },
		{ "{\"assured\": true}", 1 },
		{ "{\"assured\": \"no\", \"limit\": 1000}", MANY + 2 },
		{ "{\"fast\": \"yes\"}", 1 }, /* both directions must be */
		{ "{\"fast\": false, \"protocol\": \"icmp\"}", 1 },
	};
	static const struct {
		const char *params, *error;
	} wrong[] = {
		{ "{\"limit\": 1073741825}", "limit: must be a number from 0 to 1073741824" },
		{ "{\"family\": 5}", "family: must be 4 or 6" },
		{ "{\"zone\": 65536}", "zone: must be a number from 0 to 65535" },
		{ "{\"source\": \"10.0.0.0/33\"}",
				"source: must be an address or ADDRESS/LENGTH, not 10.0.0.0/33" },
		{ "{\"source\": \"10.0.0.0/\"}",
				"source: must be an address or ADDRESS/LENGTH, not 10.0.0.0/" },
		{ "{\"source\": \"10.0.0.0/8x\"}",
				"source: must be an address or ADDRESS/LENGTH, not 10.0.0.0/8x" },
		{ "{\"reply-destination\": \"\"}",
				"reply-destination: must be an address or ADDRESS/LENGTH, not " },
		{ "{\"mark\": \"1/0\"}",
				"mark: must be VALUE or VALUE/MASK, each up to 0xffffffff" },
		{ "{\"mark\": \"0x100000000\"}",
				"mark: must be VALUE or VALUE/MASK, each up to 0xffffffff" },
		{ "{\"mark\": \"-1\"}",
				"mark: must be VALUE or VALUE/MASK, each up to 0xffffffff" },
		{ "{\"mark\": \"1/\"}",
				"mark: must be VALUE or VALUE/MASK, each up to 0xffffffff" },
		{ "{\"assured\": \"maybe\"}", "assured: must be yes or no" },
		{ "{\"class\": \"silver\"}", "class: no such class: silver" },
		{ "{\"format\": \"xml\"}", "format: must be table, conntrack or lines" },
		{ "{\"protocol\": \"nonsense\"}",
				"protocol: \"nonsense\" is neither a known name nor 0 to 255" },
		{ "{\"protocol\": \"256\"}",
				"protocol: \"256\" is neither a known name nor 0 to 255" },
		{ "{\"state\": \"nonsense\"}", "state: no such state: nonsense" },
		{ "{\"service\": \"we\"}", "service: no such service: we" },
		{ "{\"service\": 1}", "service: must be a string" },
	};
	json_t *result;
	size_t i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		result = call("show connections", cases[i].params, 0);
		if (json_array_size(result) != cases[i].n)
			fail_msg("%s: %zu", cases[i].params, json_array_size(result));
		json_decref(result);
		check_count(cases[i].params, cases[i].n);
	}
	for (i = 0; i < RTE_DIM(wrong); i++) {
		result = call("show connections", wrong[i].params, -EINVAL);
		assert_string_equal(json_string_value(json_object_get(result, "error")),
				wrong[i].error);
		json_decref(result);
	}
}

static void
test_connection_text(void **state)
{
	char expected[2000];

	(void)state;
	snprintf(expected, sizeof(expected),
			"connections\n"
			"id proto state original reply packets bytes packets back bytes back expires worker path "
			"class service\n"
			"%u udp new [2001:db8::7]:999 > [2001:db8::1]:53 [2001:db8::53]:5353 > [2001:db8::7]:999 "
			"1 1,000 2 1,001 %u s 0 slow default dns\n"
			"%u tcp ESTABLISHED 198.51.100.7:1234 > 192.0.2.80:80 10.0.0.1:8080 > 198.51.100.7:1234 "
			"1,234,567 1,234,567,000 1,234,568 1,234,567,001 %u s 2 fast gold web\n"
			"%u icmp new 192.0.2.1 > 192.0.2.2 type 8 id 77 192.0.2.2 > 192.0.2.1 type 0 id 77 "
			"2 2,000 3 2,001 %u s 0 slow - -\n"
			"3 shown\n",
			fx.dns6, ct_expires_in(fx.ct, fx.dns6, NOW), fx.web,
			ct_expires_in(fx.ct, fx.web, NOW), fx.echo,
			ct_expires_in(fx.ct, fx.echo, NOW));
	assert_string_equal(squeezed(prompt("show connections limit 3\n")), expected);
}

/* As conntrack 1.4.7 prints it, but for the zone and the id, which are always there. */
static void
test_conntrack_manner(void **state)
{
	char expected[2000];

	(void)state;
	snprintf(expected, sizeof(expected),
			"ipv6     10 udp      17 %u src=2001:db8::7 dst=2001:db8::1 sport=999 dport=53 packets=1 "
			"bytes=1000 [UNREPLIED] src=2001:db8::53 dst=2001:db8::7 sport=5353 dport=999 packets=2 "
			"bytes=1001 mark=0 zone=0 use=1 id=%u\n"
			"ipv4     2 tcp      6 %u ESTABLISHED src=198.51.100.7 dst=192.0.2.80 sport=1234 dport=80 "
			"packets=1234567 bytes=1234567000 src=10.0.0.1 dst=198.51.100.7 sport=8080 dport=1234 "
			"packets=1234568 bytes=1234567001 [ASSURED] mark=4294967295 zone=0 use=1 id=%u\n"
			"ipv4     2 icmp     1 %u src=192.0.2.1 dst=192.0.2.2 type=8 code=0 id=77 packets=2 "
			"bytes=2000 [UNREPLIED] src=192.0.2.2 dst=192.0.2.1 type=0 code=0 id=77 packets=3 "
			"bytes=2001 mark=0 zone=0 use=1 id=%u\n"
			"ipv4     2 gre      47 %u src=10.1.0.1 dst=10.1.0.2 key=0x0 packets=0 bytes=0 "
			"[UNREPLIED] src=10.1.0.2 dst=10.1.0.1 key=0x0 packets=1 bytes=1 mark=0 zone=0 "
			"use=1 id=%u\n"
			"ipv4     2 unknown  48 %u src=10.1.0.1 dst=10.1.0.2 sport=1 dport=0 packets=0 bytes=0 "
			"[UNREPLIED] src=10.1.0.2 dst=10.1.0.1 sport=0 dport=1 packets=1 bytes=1 mark=0 zone=0 "
			"use=1 id=%u\n",
			ct_expires_in(fx.ct, fx.dns6, NOW), fx.dns6,
			ct_expires_in(fx.ct, fx.web, NOW), fx.web,
			ct_expires_in(fx.ct, fx.echo, NOW), fx.echo,
			ct_expires_in(fx.ct, fx.echo + 1, NOW), fx.echo + 1,
			ct_expires_in(fx.ct, fx.echo + 2, NOW), fx.echo + 2);
	assert_string_equal(prompt("show connections format conntrack limit 5\n"), expected);
}

static size_t
lines_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* Longer than a part of the job: every connection once, in order, and the next command after it. */
static void
test_long_lists(void **state)
{
	json_t *list;
	char *text, *line, *save = NULL;
	size_t i;

	(void)state;
	text = prompt("show connections limit 1000\ncount connections\n");
	assert_int_equal(lines_of(text), 2 + MANY + 3 + 1 + 1);
	assert_non_null(strstr(text, "\n303 shown\n303\n"));
	text = prompt("show connections format lines\ncount connections json\n");
	assert_int_equal(lines_of(text), MANY + 3 + 1);
	for (i = 0, line = strtok_r(text, "\n", &save); i < MANY + 3; i++) {
		json_t *c = json_loads(line, 0, NULL);

		assert_non_null(c);
		assert_int_equal(json_integer_value(json_object_get(c, "id")), i == 0 ? 0 : 15 + i);
		json_decref(c);
		line = strtok_r(NULL, "\n", &save);
	}
	assert_string_equal(line, "{\"connections\":303}");
	text = prompt("show connections limit 250 json\n");
	assert_int_equal(lines_of(text), 1);
	list = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(list), 250);
	json_decref(list);
	assert_string_equal(prompt("show connections dport 1 json\n"), "[]\n");
}

static void
test_show_conntrack(void **state)
{
	json_t *all = call("show conntrack", "{}", 0), *o;
	char *text;

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(all, "connections")), MANY + 3);
	check_json(json_object_get(all, "families"), "{\"ipv4\":302,\"ipv6\":1}");
	check_json(json_object_get(all, "zones"), "{\"0\":303}");
	check_json(json_object_get(all, "protocols"),
			"{\"icmp\":1,\"tcp\":1,\"udp\":1,\"gre\":150,\"48\":150}");
	o = json_object_get(all, "tcp_states");
	assert_int_equal(json_object_size(o), CT_TCP_STATES);
	assert_int_equal(json_integer_value(json_object_get(o, "ESTABLISHED")), 1);
	assert_int_equal(json_integer_value(json_object_get(all, "assured")), 1);
	assert_int_equal(json_integer_value(json_object_get(all, "fast")), 1);
	assert_int_equal(json_integer_value(json_object_get(all, "opened")), MANY + 3);
	assert_int_equal(json_integer_value(json_object_get(all, "extensions")), 2);
	check_json(json_object_get(all, "events"),
			"{\"ring\":16,\"recording\":false,\"readers\":0,\"sequence\":0,"
			"\"written\":{\"new\":0,\"update\":0,\"destroy\":0},\"lost\":0}");
	json_decref(all);
	text = squeezed(prompt("show conntrack\n"));
	assert_non_null(strstr(text, "\nprotocols gre 150\n"));
	assert_non_null(strstr(text, "\ntcp_states ESTABLISHED 1\n"));
	assert_non_null(strstr(text, "\nrecording no\n")
					?: strstr(text, "\nevents recording no\n"));
}

/* Runs last but one: it empties the table. */
static void
test_flush(void **state)
{
	json_t *result;
	struct ct_stats s;

	(void)state;
	result = call("flush connections", "{}", -EINVAL);
	check_json(result,
			"{\"error\":\"no condition: say \\\"all\\\" to close every connection\"}");
	json_decref(result);
	json_decref(call("flush connections", "{\"all\": true, \"zone\": 0}", -EINVAL));
	json_decref(call("flush connections", "{\"source\": \"nonsense\"}", -EINVAL));
	assert_int_equal(fx.flushed, 0);

	/* The master takes the one that it expected with it. */
	result = call("flush connections", "{\"source\": \"198.51.100.7\"}", 0);
	check_json(result, "{\"flushed\":1,\"children\":1}");
	json_decref(result);
	json_decref(call("show connections", "{\"family\": 6}", 0));
	ct_stats(fx.ct, &s);
	assert_int_equal(s.connections, MANY + 1);
	assert_int_equal(s.connections6, 0);

	assert_string_equal(prompt("flush connections protocol 47 limit 3\ncount connections\n"),
			"3 connections closed, and 0 that they had expected\n298\n");
	assert_string_equal(prompt("flush connections all json\ncount connections\n"),
			"{\"flushed\":298,\"children\":0}\n0\n");
	assert_int_equal(fx.flushed, MANY + 3);
	ct_stats(fx.ct, &s);
	assert_int_equal(s.connections, 0);
	assert_int_equal(s.closed, MANY + 3);
}

/* A master with more children than a part of the job closes, which have children as well. */
static void
test_flush_family(void **state)
{
	uint32_t master, child, before = 0, other;
	json_t *result;
	unsigned int i;

	(void)state;
	rte_rcu_qsbr_thread_register(fx.qsbr, 0);
	while (ct_reclaim(fx.ct, NULL, 1000) != 0)
		;
	other = open_conn(tuple(IPPROTO_UDP, "10.9.0.1", 1, "10.9.0.2", 2),
			tuple(IPPROTO_UDP, "10.9.0.2", 2, "10.9.0.1", 1), 0);
	master = open_conn(tuple(IPPROTO_TCP, "10.9.0.1", 1, "10.9.0.2", 21),
			tuple(IPPROTO_TCP, "10.9.0.2", 21, "10.9.0.1", 1), 0);
	for (i = 0; i < 60; i++) {
		child = open_conn(tuple(IPPROTO_UDP, "10.9.0.1", 100 + i, "10.9.0.2", 20),
				tuple(IPPROTO_UDP, "10.9.0.2", 20, "10.9.0.1", 100 + i), 0);
		expect_of(i % 3 == 0 ? master : before, child);
		before = child;
	}
	result = call("flush connections", "{\"dport\": 21}", 0);
	check_json(result, "{\"flushed\":1,\"children\":60}");
	json_decref(result);
	result = call("show connections", "{}", 0);
	assert_int_equal(json_array_size(result), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(result, 0), "id")),
			other);
	json_decref(result);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_json),
		cmocka_unit_test(test_connection_filters),
		cmocka_unit_test(test_connection_text),
		cmocka_unit_test(test_conntrack_manner),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_show_conntrack),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_flush_family),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
