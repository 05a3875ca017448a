/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of the NIC simulator: how fast they come and go through hwsim/rteflow where no time is simulated, and the memory
 * they take. Prints JSON. Usage: hwsim_insert [RULES]...; without, 1 M and 2 M. Each number is a run in a process of its own, so
 * that memory is that of its rules.
 *
 *   sync   eth / ipv4 src dst / tcp ports -> count / queue, by rte_flow_create()
 *   async  the same by templates and a flow queue, and eth / ipv4 / tcp -> mark / count / queue
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hwsim/rteflow/hwf.h"

#define QUEUE 1024
#define BATCH 64

struct bench {
	struct sim_profile profile;
	struct sim_steer *steer;
	struct sim_lock lock;
	struct hwf *h;
	uint32_t n;
	struct rte_flow **flow;
};

/* --- a driver without time --- */

static int
port_of(void *ctx, uint16_t ethdev)
{
	(void)ctx;
	return ethdev == 0 ? 0 : -1;
}

static uint16_t
rx_queues(void *ctx, uint16_t port)
{
	(void)ctx;
	(void)port;
	return 16;
}

static void
rss(void *ctx, uint16_t port, struct sim_rss *out)
{
	(void)ctx;
	(void)port;
	memset(out, 0, sizeof(*out));
	out->n = 1;
}

static bool
started(void *ctx, uint16_t port)
{
	(void)ctx;
	(void)port;
	return false;
}

static sim_cycle
no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static uint64_t
begin(void *ctx)
{
	(void)ctx;
	return 0;
}

static void
spend(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost, uint64_t began)
{
	(void)ctx;
	(void)kind;
	(void)cost;
	(void)began;
}

static int64_t
enqueue(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost, void (*done)(void *arg),
		void *arg)
{
	(void)ctx;
	(void)kind;
	(void)cost;
	done(arg);
	return 0;
}

static void
aged(void *ctx, uint16_t port)
{
	(void)ctx;
	(void)port;
}

static const struct hwf_env env = {
	.port_of = port_of,
	.rx_queues = rx_queues,
	.rss = rss,
	.started = started,
	.now = no_time,
	.begin = begin,
	.spend = spend,
	.enqueue = enqueue,
	.aged = aged,
};

static void
die(const char *what, const struct rte_flow_error *error)
{
	fprintf(stderr, "hwsim_insert: %s: %s\n", what,
			error != NULL && error->message != NULL ? error->message : strerror(errno));
	exit(1);
}

static void
bench_open(struct bench *b, uint32_t n)
{
	struct sim_steer_params steer = { .profile = &b->profile, .n_ports = 1 };

	memset(b, 0, sizeof(*b));
	b->n = n;
	b->flow = calloc(n, sizeof(*b->flow));
	sim_profile_ideal(&b->profile);
	b->steer = sim_steer_create(&steer);
	const struct hwf_params params = {
		.steer = b->steer,
		.profile = &b->profile,
		.lock = &b->lock,
		.n_ports = 1,
		.env = &env,
		.ctx = b,
	};
	b->h = b->steer == NULL ? NULL : hwf_create_all(&params);
	if (b->flow == NULL || b->h == NULL)
		die("open", NULL);
}

static void
bench_close(struct bench *b)
{
	hwf_destroy_all(b->h);
	sim_steer_destroy(b->steer);
	free(b->flow);
}

/* --- rules --- */

struct rule {
	struct rte_flow_item_ipv4 ip, ip_mask;
	struct rte_flow_item_tcp tcp, tcp_mask;
	struct rte_flow_item item[4];
	struct rte_flow_action_mark mark;
	struct rte_flow_action_queue queue;
	struct rte_flow_action action[4];
};

static void
rule_open(struct rule *r, bool mark)
{
	struct rte_flow_action *a = r->action;

	memset(r, 0, sizeof(*r));
	r->ip_mask.hdr.src_addr = UINT32_MAX;
	r->ip_mask.hdr.dst_addr = UINT32_MAX;
	r->tcp_mask.hdr.src_port = UINT16_MAX;
	r->tcp_mask.hdr.dst_port = UINT16_MAX;
	r->item[0].type = RTE_FLOW_ITEM_TYPE_ETH;
	r->item[1] = (struct rte_flow_item){
		.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &r->ip, .mask = &r->ip_mask
	};
	r->item[2] = (struct rte_flow_item){
		.type = RTE_FLOW_ITEM_TYPE_TCP, .spec = &r->tcp, .mask = &r->tcp_mask
	};
	r->item[3].type = RTE_FLOW_ITEM_TYPE_END;
	if (mark)
		*a++ = (struct rte_flow_action){ RTE_FLOW_ACTION_TYPE_MARK, &r->mark };
	*a++ = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_COUNT };
	*a++ = (struct rte_flow_action){ RTE_FLOW_ACTION_TYPE_QUEUE, &r->queue };
	a->type = RTE_FLOW_ACTION_TYPE_END;
}

static void
rule_set(struct rule *r, uint32_t i)
{
	r->ip.hdr.src_addr = htonl(0x0a000000 + i / 50000);
	r->ip.hdr.dst_addr = htonl(0xc0a80001 + i % 7);
	r->tcp.hdr.src_port = htons((uint16_t)(1024 + i % 50000));
	r->tcp.hdr.dst_port = htons(443);
	r->mark.id = i;
	r->queue.index = (uint16_t)(i % 16);
}

static double
seconds(void)
{
	struct timespec t;

	/* Of this process: what else the machine does is no part of it. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct figures {
	double create, destroy;
	long kib;	/* of memory, for the rules */
	uint64_t model; /* bytes of it in the model */
};

static long
resident(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void
run_sync(struct bench *b, struct figures *f)
{
	const struct rte_flow_attr attr = { .group = 1, .ingress = 1 };
	struct rte_flow_error error = { 0 };
	struct sim_steer_stats stats;
	struct rule r;
	long before = resident();
	double from = seconds();
	uint32_t i;

	rule_open(&r, false);
	for (i = 0; i < b->n; i++) {
		rule_set(&r, i);
		b->flow[i] = hwf_create(b->h, 0, &attr, r.item, r.action, &error);
		if (b->flow[i] == NULL)
			die("create", &error);
	}
	f->create = b->n / (seconds() - from);
	f->kib = resident() - before;
	sim_steer_stats(b->steer, &stats);
	f->model = stats.bytes;
	if (stats.rules != b->n)
		die("rules are missing", NULL);
	from = seconds();
	for (i = 0; i < b->n; i++)
		if (hwf_destroy(b->h, 0, b->flow[i], &error) != 0)
			die("destroy", &error);
	f->destroy = b->n / (seconds() - from);
}

/* Pulls all there is; n operations are outstanding. */
static uint32_t
pull(struct bench *b, uint32_t n)
{
	struct rte_flow_op_result res[BATCH];
	struct rte_flow_error error = { 0 };
	int got, i;

	got = hwf_pull(b->h, 0, 0, res, n < BATCH ? (uint16_t)n : BATCH, &error);
	if (got < 0)
		die("pull", &error);
	for (i = 0; i < got; i++)
		if (res[i].status != RTE_FLOW_OP_SUCCESS)
			die("an operation failed", NULL);
	return (uint32_t)got;
}

static struct rte_flow_template_table *
table(struct bench *b, struct rule *r)
{
	const struct rte_flow_queue_attr queue = { .size = QUEUE };
	const struct rte_flow_queue_attr *queues[] = { &queue };
	const struct rte_flow_port_attr port = { 0 };
	const struct rte_flow_pattern_template_attr pattern_attr = { .ingress = 1 };
	const struct rte_flow_actions_template_attr actions_attr = { .ingress = 1 };
	const struct rte_flow_template_table_attr attr = {
		.flow_attr = { .group = 1, .ingress = 1 },
		.nb_flows = b->n,
	};
	struct rte_flow_action masks[4];
	struct rte_flow_pattern_template *pattern;
	struct rte_flow_actions_template *actions;
	struct hwf_table_params params = { .attr = &attr, .n_patterns = 1, .n_actions = 1 };
	struct rte_flow_template_table *t = NULL;
	struct rte_flow_error error = { 0 };
	uint32_t i;

	memcpy(masks, r->action, sizeof(masks));
	for (i = 0; i < 4; i++)
		masks[i].conf = NULL;
	if (hwf_configure(b->h, 0, &port, 1, queues, &error) != 0)
		die("configure", &error);
	pattern = hwf_pattern_template_create(b->h, 0, &pattern_attr, r->item, &error);
	actions = hwf_actions_template_create(b->h, 0, &actions_attr, r->action, masks, &error);
	params.patterns = &pattern;
	params.actions = &actions;
	if (pattern != NULL && actions != NULL)
		t = hwf_table_create(b->h, 0, &params, &error);
	if (t == NULL)
		die("template", &error);
	return t;
}

static void
run_async(struct bench *b, bool mark, struct figures *f)
{
	struct rte_flow_op_attr attr = { 0 };
	struct hwf_async_rule op = { .attr = &attr };
	struct rte_flow_error error = { 0 };
	struct sim_steer_stats stats;
	struct rule r;
	long before;
	double from;
	uint32_t i, done;

	rule_open(&r, mark);
	op.table = table(b, &r);
	op.pattern = r.item;
	op.actions = r.action;
	before = resident();
	from = seconds();
	for (i = done = 0; i < b->n; i++) {
		rule_set(&r, i);
		attr.postpone = i % BATCH != BATCH - 1 && i + 1 != b->n;
		b->flow[i] = hwf_async_create(b->h, 0, &op, &error);
		if (b->flow[i] == NULL)
			die("create", &error);
		if (!attr.postpone)
			done += pull(b, BATCH);
	}
	if (done != b->n)
		die("not all rules were created", NULL);
	f->create = b->n / (seconds() - from);
	f->kib = resident() - before;
	sim_steer_stats(b->steer, &stats);
	f->model = stats.bytes;
	from = seconds();
	for (i = done = 0; i < b->n; i++) {
		attr.postpone = i % BATCH != BATCH - 1 && i + 1 != b->n;
		if (hwf_async_destroy(b->h, 0, &op, b->flow[i], &error) != 0)
			die("destroy", &error);
		if (!attr.postpone)
			done += pull(b, BATCH);
	}
	f->destroy = b->n / (seconds() - from);
	sim_steer_stats(b->steer, &stats);
	if (done != b->n || stats.rules != 0)
		die("not all rules were destroyed", NULL);
}

static void
measure(const char *how, uint32_t n, bool last)
{
	struct figures f;
	struct bench b;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork", NULL);
	if (pid > 0) {
		if (waitpid(pid, &status, 0) != pid || status != 0)
			exit(1);
		return;
	}
	bench_open(&b, n);
	/* The array of pointers is not the rules': touched before memory is looked at. */
	memset(b.flow, 1, n * sizeof(*b.flow));
	if (strcmp(how, "sync") == 0)
		run_sync(&b, &f);
	else
		run_async(&b, strcmp(how, "async-mark") == 0, &f);
	printf("  {\"how\": \"%s\", \"rules\": %u, \"actions\": %d, \"create_per_s\": %.0f, "
	       "\"destroy_per_s\": %.0f, \"memory_mib\": %.1f, \"model_mib\": %.1f}%s\n",
			how, n, strcmp(how, "async-mark") == 0 ? 3 : 2, f.create, f.destroy,
			(double)f.kib / 1024, (double)f.model / (1 << 20), last ? "" : ",");
	bench_close(&b);
	exit(0);
}

int
main(int argc, char **argv)
{
	static const char *const how[] = { "sync", "async", "async-mark" };
	static const char *const usual[] = { NULL, "1000000", "2000000" };
	const int n = argc > 1 ? argc : 3;
	size_t k;
	int i;

	printf("[\n");
	for (i = 1; i < n; i++)
		for (k = 0; k < 3; k++)
			measure(how[k], (uint32_t)strtoul(argc > 1 ? argv[i] : usual[i], NULL, 10),
					i + 1 == n && k == 2);
	printf("]\n");
	return 0;
}
