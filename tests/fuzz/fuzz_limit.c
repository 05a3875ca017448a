/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as limits, sets and a sequence of openings, ends and jumps of time: whatever is said, what is counted is
 * what is open, no more than is allowed is open, and nothing is left when all have ended.
 *
 * First byte: number of limits and sets, then 12 bytes a limit, a prefix each of the sets, then 12 bytes a step.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "limit/lim.h"

#include "fuzz.h"

#define LIMITS 4
#define CONNS 256

struct input {
	const uint8_t *b;
	size_t left;
};

static uint8_t
u8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->b++;
}

static uint32_t
pick(struct input *in, const uint32_t *from, unsigned int n)
{
	return from[u8(in) % n];
}
#define PICK(in, ...) \
	pick(in, (const uint32_t[]){ __VA_ARGS__ }, \
			sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void
address(struct input *in, uint8_t family, struct flow_addr *a)
{
	memset(a, 0, sizeof(*a));
	a->b[0] = 10;
	a->b[family == 4 ? 2 : 7] = u8(in);
	a->b[family == 4 ? 3 : 15] = u8(in);
}

static struct lim_limit_params
limit(struct input *in, unsigned int n_sets)
{
	const uint8_t conditions = u8(in);
	struct lim_limit_params p = {
		.name = "fuzz",
		.proto = conditions & 1 ? IPPROTO_TCP : 0,
		.dport_lo = conditions & 2 ? 80 : 0,
		.dport_hi = conditions & 2 ? 443 : UINT16_MAX,
		.port_in = conditions & 4 ? 1 : LIM_NONE,
		.service = conditions & 8 ? 1 : -1,
		.zone = conditions & 16 ? 1 : -1,
		.set = conditions & 32 && n_sets > 0 ? 0 : LIM_NONE,
		.not_set = conditions & 64 && n_sets > 1 ? 1 : LIM_NONE,
		.by = (enum lim_by)(u8(in) % 3),
		.prefix_len = u8(in) % 33,
		.prefix_len6 = u8(in) % 129,
		.connections = u8(in),
		.rate = PICK(in, 0, 1, 3, 7, 999999937, LIM_RATE_MAX),
		.action = (enum lim_action)(u8(in) % 3),
		.entries = 1 + u8(in) % 64,
	};

	if (p.rate != 0)
		p.burst = PICK(in, 1, 2, 100, LIM_RATE_MAX);
	if (p.rate == 0 && p.connections == 0)
		p.connections = 1;
	return p;
}

struct conn {
	struct flow_tuple tuple;
	uint16_t port_in;
	int32_t service;
};

static void
conn(struct input *in, struct conn *c)
{
	const uint8_t bits = u8(in);

	memset(c, 0, sizeof(*c));
	c->tuple.key.family = bits & 1 ? 6 : 4;
	c->tuple.key.proto = bits & 2 ? IPPROTO_UDP : bits & 4 ? IPPROTO_ICMP : IPPROTO_TCP;
	c->tuple.key.zone = bits >> 3 & 1;
	c->tuple.key.dport = rte_cpu_to_be_16(bits & 16 ? 80 : 8080);
	address(in, c->tuple.key.family, &c->tuple.src);
	address(in, c->tuple.key.family, &c->tuple.dst);
	c->port_in = bits >> 5 & 1;
	c->service = bits >> 6 & 1 ? 1 : -1;
}

static void
require(struct lim *l, const struct lim_limit_params *p, unsigned int n_conns)
{
	for (unsigned int i = 0; i < lim_limits(l); i++) {
		uint32_t work = UINT32_MAX;
		struct lim_top top[64];
		struct lim_info info;
		unsigned int n;

		REQUIRE(lim_info(l, i, &info) == 0);
		REQUIRE(info.open <= n_conns && info.unlisted <= info.open);
		REQUIRE(info.entries <= info.entries_max);
		n = lim_top(l, i, top, 64, &work);
		REQUIRE(n == info.entries);
		for (unsigned int k = 0; k < n; k++) {
			info.open -= top[k].connections;
			REQUIRE(top[k].tokens <= p[i].burst);
			if (p[i].connections != 0 && p[i].action != LIM_COUNT)
				REQUIRE(top[k].connections <= p[i].connections);
		}
		REQUIRE(info.open == info.unlisted);
	}
}

static void
run(struct lim *l, const struct lim_limit_params *p, struct input *in)
{
	static struct conn conns[CONNS];
	uint64_t now = (uint64_t)u8(in) << 56;
	unsigned int n = 0, which;

	while (in->left > 0) {
		const uint8_t what = u8(in);
		struct conn *c = &conns[n];
		struct lim_conn lc = { .tuple = &c->tuple };

		now += PICK(in, 0, 0, 1, 333333333, 1000000000, UINT32_MAX) - (what & 64 ? 5u : 0);
		if (what & 1 && n > 0) {
			which = u8(in) % n;
			lc = (struct lim_conn){ &conns[which].tuple, conns[which].port_in,
				conns[which].service };
			lim_close(l, &lc, now);
			conns[which] = conns[--n];
		} else if (n < CONNS - 1) {
			enum lim_verdict v;

			conn(in, c);
			lc.port_in = c->port_in;
			lc.service = c->service;
			v = lim_open(l, &lc, now, &which);
			REQUIRE(v == LIM_PASS || which < lim_limits(l));
			REQUIRE(v == LIM_PASS || p[which].action != LIM_COUNT);
			if (v == LIM_PASS && what & 2)
				lim_undo(l);
			else
				n += v == LIM_PASS;
		}
		if (what & 4)
			lim_tidy(l, now, what);
		require(l, p, n);
	}
	while (n-- > 0) {
		const struct lim_conn lc = { &conns[n].tuple, conns[n].port_in, conns[n].service };

		lim_close(l, &lc, now);
		require(l, p, n);
	}
}

static void
start(void)
{
	static bool started;
	char *args[] = { (char[]){ "fuzz" }, (char[]){ "--no-huge" }, (char[]){ "--no-pci" },
		(char[]){ "-m64" }, (char[]){ "--no-telemetry" }, (char[]){ "--no-shconf" },
		(char[]){ "-l0" }, (char[]){ "--log-level=error" } };

	if (!started && rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) < 0)
		abort();
	started = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct lim_limit_params limits[LIMITS];
	struct lim_prefix prefix[2][2];
	struct lim_set_params sets[2];
	struct lim_params p = { .limits = limits, .sets = sets, .hash_seed = 1 };
	uint8_t counts;
	struct lim *l;

	start();
	counts = u8(&in);
	p.n_limits = 1 + counts % LIMITS;
	p.n_sets = counts / LIMITS % 3;
	for (unsigned int i = 0; i < p.n_sets; i++) {
		for (unsigned int k = 0; k < 2; k++) {
			prefix[i][k].family = k == 0 ? 4 : 6;
			prefix[i][k].len = u8(&in); /* may be too long: then it is refused */
			address(&in, prefix[i][k].family, &prefix[i][k].addr);
		}
		sets[i] = (struct lim_set_params){ prefix[i], 2 };
	}
	for (unsigned int i = 0; i < p.n_limits; i++)
		limits[i] = limit(&in, p.n_sets);
	l = lim_create(&p);
	if (l != NULL)
		run(l, limits, &in);
	lim_destroy(l);
	return 0;
}
