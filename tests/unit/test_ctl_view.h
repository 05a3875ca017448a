/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the views share: a real connection table, load balancer and classifier, some connections, and what
 * the registry and the prompt say of them.
 */
#ifndef TESTS_UNIT_TEST_CTL_VIEW_H
#define TESTS_UNIT_TEST_CTL_VIEW_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
	unsigned int flushed;
	uint32_t web; /* connections */
	uint32_t dns6;
	uint32_t echo;
} fx;

static inline struct flow_addr
addr(const char *text)
{
	struct flow_addr a = { 0 };

	assert_int_equal(inet_pton(strchr(text, ':') != NULL ? AF_INET6 : AF_INET, text, a.b), 1);
	return a;
}

static inline struct flow_tuple
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

static inline uint32_t
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
static inline void
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

static inline uint64_t
view_now(void *ctx)
{
	(void)ctx;
	return NOW;
}

static inline const char *
view_port(void *ctx, uint16_t port)
{
	(void)ctx;
	return port == 1 ? "server" : "client";
}

static inline void
view_class(void *ctx, uint16_t class_id, struct counter_pair *out)
{
	(void)ctx;
	*out = (struct counter_pair){ 10u + class_id, 123456789u + class_id };
}

static inline void
view_backend(void *ctx, uint16_t backend, struct counter_pair *out)
{
	(void)ctx;
	out[FLOW_ORIGINAL] = (struct counter_pair){ 100u + backend, 1000000u + backend };
	out[FLOW_REPLY] = (struct counter_pair){ 200u + backend, 2000000u + backend };
}

static inline void
view_flush(void *ctx, uint32_t conn)
{
	(void)ctx;
	ct_close_for(fx.ct, conn, CT_WHY_FLUSHED);
	fx.flushed++;
}

static inline unsigned int
view_lcore(void *ctx, uint8_t owner)
{
	(void)ctx;
	return 10u + owner;
}

static inline void
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

/* As a helper does it: `child` is one that `master` announced. */
static inline void
expect_of(uint32_t master, uint32_t child)
{
	struct ct_ext *e;

	assert_non_null(ct_ext_add(fx.ct, master));
	e = ct_ext_add(fx.ct, child);
	assert_non_null(e);
	e->helper = CT_HELPER_FTP;
	e->label[0] = 1;
	e->label[15] = 0x80;
	ct_tuple(fx.ct, ct_flow_id(master, FLOW_ORIGINAL), &e->master_tuple);
	ct_ext_link(fx.ct, master, child);
}

/* Three connections that rules and scheduler have seen, and many that only fill the table. */
static inline void
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
	c->tcp.scale[FLOW_ORIGINAL] = 7;
	c->flow[FLOW_REPLY].last_seen -= (9 * TIME_NS >> 26) + 1;

	t = tuple(IPPROTO_UDP, "2001:db8::7", 999, "2001:db8::1", 53);
	cls_classify(fx.cls, &in, &result);
	fx.dns6 = open_conn(t, tuple(IPPROTO_UDP, "2001:db8::53", 5353, "2001:db8::7", 999), 0);
	compile(fx.dns6, 0, 2, 0, 1);

	expect_of(fx.web, fx.dns6);

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

static inline int
setup(void **state)
{
	struct ct_params ct = {
		.connections = 1024,
		.connections6 = 16,
		.extensions = 64,
		.hasher.seed = 1,
		.socket_id = -1,
		.events = { .ring = 16 },
	};
	struct ctl_view view = { .now = view_now,
		.port_name = view_port,
		.class_counters = view_class,
		.backend_counters = view_backend,
		.flush = view_flush,
		.worker_lcore = view_lcore };

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

static inline int
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

static inline json_t *
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
static inline char *
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
	assert_int_equal(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
	do {
		rc = ctl_prompt_poll(fx.ctl);
		while ((n = read(out[0], text + len, sizeof(text) - 1 - len)) > 0)
			len += (size_t)n;
	} while (rc == 0);
	ctl_prompt_close(fx.ctl);
	close(in[0]);
	close(out[1]);
	close(out[0]);
	text[len] = '\0';
	return text;
}

static inline void
check_json(json_t *value, const char *expected)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

/* Blanks in a row count as one: how wide columns are is the table's test. */
static inline char *
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

#endif /* TESTS_UNIT_TEST_CTL_VIEW_H */
