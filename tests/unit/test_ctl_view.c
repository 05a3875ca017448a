/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * show connections, show services, show classes: over a real connection table, load balancer and
 * classifier, as JSON and as the text that is made from it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_rcu_qsbr.h>
#include <rte_tcp.h>

#include "base/counters.h"
#include "base/flow.h"
#include "classifier/cls.h"
#include "conntrack/ct.h"
#include "control/ctl.h"
#include "lb/lb.h"

#include "eal.h"

#define NOW (1000 * TIME_NS)
#define TIME_NS UINT64_C(1000000000)
#define MANY 300

static struct {
	struct rte_rcu_qsbr *qsbr;
	struct ct_table *ct;
	struct lb *lb;
	struct cls *cls;
	struct ctl *ctl;
	uint32_t web; /* connections */
	uint32_t dns6;
	uint32_t echo;
} fx;

static struct flow_addr
addr(const char *text)
{
	struct flow_addr a = { 0 };

	assert_int_equal(inet_pton(strchr(text, ':') != NULL ? AF_INET6 : AF_INET, text, a.b), 1);
	return a;
}

static struct flow_tuple
tuple(uint8_t proto, const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	struct flow_tuple t = { .src = addr(src), .dst = addr(dst) };

	t.key.family = strchr(src, ':') != NULL ? 6 : 4;
	t.key.proto = proto;
	t.key.sport = rte_cpu_to_be_16(sport);
	t.key.dport = rte_cpu_to_be_16(dport);
	flow_tuple_seal(&t);
	return t;
}

static uint32_t
open_conn(struct flow_tuple original, struct flow_tuple reply, uint8_t owner)
{
	static const struct rte_tcp_hdr syn = { .data_off = 5 << 4, .tcp_flags = RTE_TCP_SYN_FLAG };
	struct pkt_info info = { .family = original.key.family,
		.proto = original.key.proto,
		.tcp_flags = RTE_TCP_SYN_FLAG,
		.l3_len = 60 };
	const struct ct_packet pkt = { .info = &info,
		.l4 = (const uint8_t *)&syn,
		.l4_len = sizeof(syn),
		.l4_avail = sizeof(syn),
		.now = NOW };
	struct ct_verdict v;
	uint32_t conn;

	assert_int_equal(ct_open(fx.ct, &original, &reply, owner, &pkt, &conn), 0);
	ct_track(fx.ct, conn, FLOW_ORIGINAL, &pkt, &v);
	return conn;
}

/* What the session code does when it compiles flows. */
static void
compile(uint32_t conn, uint16_t class_id, uint16_t backend, uint16_t flags, uint64_t packets)
{
	struct ct_conn *c = &ct_conns(fx.ct)[conn];
	int dir;

	for (dir = 0; dir < 2; dir++) {
		c->flow[dir].class_id = class_id;
		c->flow[dir].backend = backend;
		c->flow[dir].flags = flags;
		c->flow[dir].packets = packets + dir;
		c->flow[dir].bytes = 1000 * packets + dir;
	}
}

static uint64_t
view_now(void *ctx)
{
	(void)ctx;
	return NOW;
}

static const char *
view_port(void *ctx, uint16_t port)
{
	(void)ctx;
	return port == 1 ? "server" : "client";
}

static void
view_class(void *ctx, uint16_t class_id, struct counter_pair *out)
{
	(void)ctx;
	*out = (struct counter_pair){ 10u + class_id, 123456789u + class_id };
}

static void
view_backend(void *ctx, uint16_t backend, struct counter_pair *out)
{
	(void)ctx;
	out[FLOW_ORIGINAL] = (struct counter_pair){ 100u + backend, 1000000u + backend };
	out[FLOW_REPLY] = (struct counter_pair){ 200u + backend, 2000000u + backend };
}

static void
make_policy(void)
{
	const struct lb_backend_params web[] = { { addr("10.0.0.1"), 8080, 3 },
		{ addr("10.0.0.2"), 0, 1 } };
	const struct lb_backend_params dns[] = { { addr("2001:db8::53"), 5353, 1 } };
	const struct lb_service_params services[] = {
		{ "web", 4, IPPROTO_TCP, 80, addr("192.0.2.80"), LB_ROUND_ROBIN, web, 2 },
		{ "dns", 6, IPPROTO_UDP, 53, addr("2001:db8::1"), LB_HASH, dns, 1 },
	};
	const struct lb_params lb = { .services = services, .n_services = 2 };
	const struct cls_class classes[] = {
		{ .name = "default", .port = CLS_ANY_PORT, .queue = FLOW_QUEUE_ANY },
		{ .name = "gold", .has_mark = true, .mark = 7, .port = 1, .queue = 3 },
		{ .name = "bad", .drop = true, .port = CLS_ANY_PORT, .queue = FLOW_QUEUE_ANY },
	};
	const struct cls_prefix any = { .any = true };
	const struct cls_rule rules[] = {
		{ .proto = IPPROTO_TCP,
				.in_port = CLS_ANY_PORT,
				.class_id = 1,
				.src = any,
				.dst = any,
				.sport = { 0, 65535 },
				.dport = { 80, 80 } },
		{ .proto = IPPROTO_TCP,
				.in_port = CLS_ANY_PORT,
				.class_id = 2,
				.src = any,
				.dst = any,
				.sport = { 0, 65535 },
				.dport = { 23, 23 } },
	};
	const struct cls_params cls = { .name = "test",
		.classes = classes,
		.n_classes = 3,
		.rules = rules,
		.n_rules = 2,
		.socket_id = -1 };

	fx.lb = lb_create(&lb);
	assert_non_null(fx.lb);
	fx.cls = cls_create(&cls);
	assert_non_null(fx.cls);
}

/* Three connections that rules and scheduler have seen, and many that only fill the table. */
static void
make_connections(void)
{
	struct flow_tuple t = tuple(IPPROTO_TCP, "198.51.100.7", 1234, "192.0.2.80", 80), r;
	const struct cls_input in = { .tuple = &t, .state = CT_STATE_NEW, .l7_done = true };
	struct cls_result result;
	struct lb_choice choice;
	struct ct_conn *c;
	int i;

	assert_int_equal(lb_select(fx.lb, 0, &t, &choice), 0);
	cls_classify(fx.cls, &in, &result);
	assert_int_equal(result.class_id, 1);
	r = tuple(IPPROTO_TCP, choice.backend == 0 ? "10.0.0.1" : "10.0.0.2", choice.port,
			"198.51.100.7", 1234);
	fx.web = open_conn(t, r, 2);
	compile(fx.web, 1, choice.backend, FLOW_F_FAST | FLOW_F_NAT, 1234567);
	c = &ct_conns(fx.ct)[fx.web];
	c->status |= CT_S_SEEN_REPLY | CT_S_ASSURED;
	c->tcp.state = CT_TCP_ESTABLISHED;
	c->mark = 0xffffffff;

	t = tuple(IPPROTO_UDP, "2001:db8::7", 999, "2001:db8::1", 53);
	cls_classify(fx.cls, &in, &result);
	fx.dns6 = open_conn(t, tuple(IPPROTO_UDP, "2001:db8::53", 5353, "2001:db8::7", 999), 0);
	compile(fx.dns6, 0, 2, 0, 1);

	fx.echo = open_conn(tuple(IPPROTO_ICMP, "192.0.2.1", 77, "192.0.2.2", 8 << 8),
			tuple(IPPROTO_ICMP, "192.0.2.2", 77, "192.0.2.1", 0), 0);
	compile(fx.echo, 99, FLOW_NO_BACKEND, FLOW_F_FAST, 2); /* a class that is not there */
	ct_conns(fx.ct)[fx.echo].flow[FLOW_REPLY].flags = 0;

	for (i = 0; i < MANY; i++)
		compile(open_conn(tuple(IPPROTO_GRE + (i % 2), "10.1.0.1", (uint16_t)i, "10.1.0.2",
						  0),
					tuple(IPPROTO_GRE + (i % 2), "10.1.0.2", 0, "10.1.0.1",
							(uint16_t)i),
					0),
				0, FLOW_NO_BACKEND, 0, 0);
}

static int
setup(void **state)
{
	struct ct_params ct = {
		.connections = 1024, .connections6 = 16, .hasher.seed = 1, .socket_id = -1
	};
	struct ctl_view view = { .now = view_now,
		.port_name = view_port,
		.class_counters = view_class,
		.backend_counters = view_backend };

	(void)state;
	ct_timeouts_default(&ct.timeouts);
	fx.qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(1));
	assert_int_equal(rte_rcu_qsbr_init(fx.qsbr, 1), 0);
	ct.qsbr = fx.qsbr;
	fx.ct = ct_create(&ct);
	assert_non_null(fx.ct);
	make_policy();
	make_connections();
	fx.ctl = ctl_create();
	view.ct = fx.ct;
	view.lb = fx.lb;
	view.cls = fx.cls;
	assert_int_equal(ctl_register_views(fx.ctl, &view), 0);
	assert_int_equal(ctl_register_views(fx.ctl, &view), -EEXIST);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ctl_destroy(fx.ctl);
	cls_destroy(fx.cls);
	lb_destroy(fx.lb);
	ct_destroy(fx.ct);
	free(fx.qsbr);
	return 0;
}

static json_t *
call(const char *name, const char *params, int rc)
{
	json_t *p = json_loads(params, 0, NULL), *result = NULL;

	assert_non_null(p);
	assert_int_equal(ctl_call(fx.ctl, name, p, &result), rc);
	assert_non_null(result);
	json_decref(p);
	return result;
}

/* What the prompt prints for a command. */
static char *
prompt(const char *command)
{
	static char text[1 << 20];
	int in[2], out[2], rc;
	size_t len = 0;
	ssize_t n;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(ctl_prompt_open(fx.ctl, in[0], out[1]), 0);
	assert_int_equal(write(in[1], command, strlen(command)), strlen(command));
	close(in[1]);
	do {
		rc = ctl_prompt_poll(fx.ctl);
	} while (rc == 0);
	ctl_prompt_close(fx.ctl);
	close(in[0]);
	close(out[1]);
	while ((n = read(out[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(out[0]);
	text[len] = '\0';
	return text;
}

static void
check_json(json_t *value, const char *expected)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

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
			"\"dport\":80,\"packets\":1234567,\"bytes\":1234567000},"
			"\"reply\":{\"src\":\"10.0.0.1\",\"dst\":\"198.51.100.7\",\"sport\":8080,"
			"\"dport\":1234,\"packets\":1234568,\"bytes\":1234567001},"
			"\"expires\":%u,\"class\":\"gold\",\"mark\":4294967295,\"service\":\"web\","
			"\"owner\":2,\"fast\":true}",
			fx.web, ct_expires_in(fx.ct, fx.web, NOW));
	check_json(json_array_get(all, 1), expected);
	snprintf(expected, sizeof(expected),
			"{\"id\":%u,\"protocol\":\"udp\",\"family\":6,\"zone\":0,\"state\":\"new\","
			"\"tcp_state\":null,\"tracker_state\":null,\"assured\":false,\"status\":[\"dnat\"],"
			"\"original\":{\"src\":\"2001:db8::7\",\"dst\":\"2001:db8::1\",\"sport\":999,"
			"\"dport\":53,\"packets\":1,\"bytes\":1000},"
			"\"reply\":{\"src\":\"2001:db8::53\",\"dst\":\"2001:db8::7\",\"sport\":5353,"
			"\"dport\":999,\"packets\":2,\"bytes\":1001},"
			"\"expires\":%u,\"class\":\"default\",\"mark\":0,\"service\":\"dns\","
			"\"owner\":0,\"fast\":false}",
			fx.dns6, ct_expires_in(fx.ct, fx.dns6, NOW));
	check_json(json_array_get(all, 0), expected);
	snprintf(expected, sizeof(expected),
			"{\"id\":%u,\"protocol\":\"icmp\",\"family\":4,\"zone\":0,\"state\":\"new\","
			"\"tcp_state\":null,\"tracker_state\":null,\"assured\":false,\"status\":[],"
			"\"original\":{\"src\":\"192.0.2.1\",\"dst\":\"192.0.2.2\",\"id\":77,\"type\":8,"
			"\"code\":0,\"packets\":2,\"bytes\":2000},"
			"\"reply\":{\"src\":\"192.0.2.2\",\"dst\":\"192.0.2.1\",\"id\":77,\"type\":0,"
			"\"code\":0,\"packets\":3,\"bytes\":2001},"
			"\"expires\":%u,\"class\":null,\"mark\":0,\"service\":null,\"owner\":0,"
			"\"fast\":false}",
			fx.echo, ct_expires_in(fx.ct, fx.echo, NOW));
	check_json(json_array_get(all, 2), expected);
	json_decref(all);
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
	};
	static const struct {
		const char *params, *error;
	} wrong[] = {
		{ "{\"limit\": 100001}", "limit: must be a number from 0 to 100000" },
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
	}
	for (i = 0; i < RTE_DIM(wrong); i++) {
		result = call("show connections", wrong[i].params, -EINVAL);
		assert_string_equal(json_string_value(json_object_get(result, "error")),
				wrong[i].error);
		json_decref(result);
	}
}

/* Blanks in a row count as one: how wide columns are is the table's test. */
static char *
squeezed(char *text)
{
	char *to = text, *from;

	for (from = text; *from != '\0'; from++) {
		if (*from == ' ' && (to == text || to[-1] == ' ' || to[-1] == '\n'))
			continue;
		*to++ = *from;
	}
	*to = '\0';
	return text;
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

static void
test_services(void **state)
{
	json_t *all = call("show services", "{}", 0);

	(void)state;
	assert_int_equal(json_array_size(all), 2);
	check_json(json_array_get(all, 0),
			"{\"name\":\"web\",\"protocol\":\"tcp\",\"address\":\"192.0.2.80\",\"port\":80,"
			"\"scheduler\":\"round-robin\",\"connections\":1,"
			"\"original\":{\"packets\":201,\"bytes\":2000001},"
			"\"reply\":{\"packets\":401,\"bytes\":4000001},\"backends\":["
			"{\"address\":\"10.0.0.1\",\"port\":8080,\"weight\":3,\"connections\":1,"
			"\"original\":{\"packets\":100,\"bytes\":1000000},"
			"\"reply\":{\"packets\":200,\"bytes\":2000000}},"
			"{\"address\":\"10.0.0.2\",\"port\":80,\"weight\":1,\"connections\":0,"
			"\"original\":{\"packets\":101,\"bytes\":1000001},"
			"\"reply\":{\"packets\":201,\"bytes\":2000001}}]}");
	json_decref(all);
	assert_string_equal(squeezed(prompt("show services\n")),
			"Services and their backends (IP bytes; back: from the backend)\n"
			"service address proto choice connections packets bytes packets back bytes back\n"
			"web 192.0.2.80:80 tcp round-robin 1 201 2,000,001 401 4,000,001\n"
			"10.0.0.1:8080 weight 3 1 100 1,000,000 200 2,000,000\n"
			"10.0.0.2:80 weight 1 0 101 1,000,001 201 2,000,001\n"
			"dns [2001:db8::1]:53 udp hash 0 102 1,000,002 202 2,000,002\n"
			"[2001:db8::53]:5353 weight 1 0 102 1,000,002 202 2,000,002\n");
}

static void
test_classes(void **state)
{
	json_t *all = call("show classes", "{}", 0);

	(void)state;
	check_json(all,
			"{\"classes\":["
			"{\"name\":\"default\",\"drop\":false,\"port\":null,\"queue\":null,\"mark\":null,"
			"\"packets\":10,\"bytes\":123456789},"
			"{\"name\":\"gold\",\"drop\":false,\"port\":\"server\",\"queue\":3,\"mark\":7,"
			"\"packets\":11,\"bytes\":123456790},"
			"{\"name\":\"bad\",\"drop\":true,\"port\":null,\"queue\":null,\"mark\":null,"
			"\"packets\":12,\"bytes\":123456791}],"
			"\"rules\":[{\"class\":\"gold\",\"hits\":1},{\"class\":\"bad\",\"hits\":0}],"
			"\"default\":{\"class\":\"default\",\"hits\":1}}");
	json_decref(all);
	assert_string_equal(squeezed(prompt("show classes\n")),
			"Classes (IP bytes)\n"
			"class action port queue mark packets bytes\n"
			"default forward - - - 10 123,456,789\n"
			"gold forward server 3 7 11 123,456,790\n"
			"bad drop - - - 12 123,456,791\n"
			"\nRules (hits: decisions, at least one a direction of a connection)\n"
			"rule class hits\n"
			"0 gold 1\n"
			"1 bad 0\n"
			"none default 1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_json),
		cmocka_unit_test(test_connection_filters),
		cmocka_unit_test(test_connection_text),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_classes),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
