/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection tracking on random packets and times: a small table, so that it is full and hot most
 * of the time; all invariants after every step. The input is a list of steps of 8 bytes (struct
 * step), a TCP packet takes as many more as it wants for its header.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include "base/flow.h"
#include "conntrack/ct.h"
#include "ct_priv.h"
#include "fuzz.h"

#define CONNECTIONS 24
#define CONNECTIONS6 8
#define STEPS_MAX 2000

int
LLVMFuzzerInitialize(int *argc, char ***argv);

enum what { PACKET, ANSWER, AGE, RECLAIM, CLOSE, HOLD, WHATS };

struct step {
	uint8_t what;
	uint8_t who;	 /* which tuple */
	uint8_t header;	 /* bytes of the transport header that follow in the input */
	uint8_t payload; /* length claimed beyond that, * 16 */
	uint16_t ahead;	 /* time, ticks */
	uint8_t years;	 /* every 16th value: a jump */
	uint8_t limit;
};
_Static_assert(sizeof(struct step) == 8, "as the input has it");

struct run {
	struct ct_table *t;
	struct rte_rcu_qsbr *rcu;
	uint64_t now;
	bool held;
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const args[] = { "fuzz", "--no-huge", "--no-pci", "-m", "64",
		"--no-telemetry", "--no-shconf", "-l", "0", "--log-level=error" };
	char *eal[RTE_DIM(args) + 1] = { 0 };
	unsigned int i;

	(void)argc, (void)argv;
	for (i = 0; i < RTE_DIM(args); i++)
		eal[i] = (char *)(uintptr_t)args[i];
	if (rte_eal_init((int)RTE_DIM(args), eal) < 0)
		abort();
	return 0;
}

/* Few tuples, so that they meet again; every protocol's tracker, both families. */
static struct flow_tuple
tuple_of(uint8_t who)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE,
		IPPROTO_TCP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_SCTP };
	struct flow_tuple t = { .key = { .family = who % 3 == 0 ? 6 : 4,
						.proto = protos[who % RTE_DIM(protos)] } };
	bool echo = t.key.proto == IPPROTO_ICMP || t.key.proto == IPPROTO_ICMPV6;

	t.src.b[0] = 10;
	t.src.b[3] = who >> 4;
	t.dst.b[0] = 11;
	t.key.sport = rte_cpu_to_be_16(who >> 5); /* few, also of each protocol */
	t.key.dport = rte_cpu_to_be_16(echo ? (t.key.family == 6 ? 128 : 8) << 8 : 80);
	flow_tuple_seal(&t);
	return t;
}

static void
require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* Flags of both flows, as the session code sets them. */
static void
set_fast(struct ct_conn *c, const struct ct_verdict *v)
{
	if (v->established || v->closing)
		c->flow[0].flags = c->flow[1].flags = v->established ? FLOW_F_FAST : 0;
}

/* What worker and session code do with a packet of a known connection. */
static void
track(struct run *r, uint32_t id, const struct ct_packet *pkt, struct ct_verdict *v)
{
	struct ct_conn *c = &ct_conns(r->t)[id >> 1];
	bool fast = (c->flow[0].flags & FLOW_F_FAST) && c->flow[0].key.proto == IPPROTO_TCP &&
			ct_track_fast(r->t, c, id & 1, pkt);

	ct_track(r->t, id >> 1, id & 1, pkt, v);
	require(!fast || v->state == CT_STATE_ESTABLISHED, "good on the fast path, and not here");
	set_fast(c, v);
}

/* What the session code does with a packet. */
static void
packet(struct run *r, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	uint32_t id = ct_find(r->t, tuple), conn;
	struct ct_verdict v = { .reopen = id == FLOW_NONE };
	struct flow_tuple reply;

	if (id != FLOW_NONE) {
		track(r, id, pkt, &v);
		if (v.reopen)
			ct_close(r->t, id >> 1);
	}
	if (v.reopen) {
		if (ct_may_open(r->t, tuple, pkt) != DROP_NONE || !flow_tuple_reply(tuple, &reply))
			return;
		if (ct_open(r->t, tuple, &reply, 0, pkt, &conn) != 0)
			return;
		id = ct_flow_id(conn, FLOW_ORIGINAL);
		require(ct_find(r->t, tuple) == id, "original flow of a new connection");
		require(ct_find(r->t, &reply) == (id | FLOW_REPLY),
				"reply flow of a new connection");
		ct_conns(r->t)[conn].policy =
				(uint8_t)(pkt->l4_len % 4); /* two of which there are none */
		ct_track(r->t, conn, FLOW_ORIGINAL, pkt, &v);
		require(v.state == CT_STATE_NEW || tuple->key.proto == IPPROTO_TCP,
				"may open, and is invalid");
		require(!v.reopen, "a new connection that is to be opened again");
	}
	require((v.state == CT_STATE_INVALID) == (v.reason != DROP_NONE), "invalid, and why");
	require(!(v.established && v.closing), "established and closing");
	if (v.close)
		ct_close(r->t, id >> 1);
}

static void
step_packet(struct run *r, const struct step *s, const struct flow_tuple *tuple, const uint8_t *l4,
		uint32_t len)
{
	struct pkt_info info = { .family = tuple->key.family,
		.proto = tuple->key.proto,
		.tcp_flags = s->payload & 0x80 ? PKT_SCTP_DATA : 0 };
	/* Of its exact size, so that a sanitizer sees a read beyond the end. */
	uint8_t *exact = malloc(len + (len == 0));
	struct ct_packet pkt = { &info, exact, len + s->payload * 16u, len, r->now };

	require(exact != NULL, "memory");
	memcpy(exact, l4, len);
	packet(r, tuple, &pkt);
	free(exact);
}

static void
step_run(struct run *r, const struct step *s, const uint8_t *l4, uint32_t len)
{
	struct flow_tuple tuple = tuple_of(s->who);
	uint32_t closed[256];
	unsigned int n;

	r->now += (uint64_t)s->ahead << TIME_TICK_SHIFT;
	if (s->years % 16 == 15 && r->now < UINT64_MAX / 2) /* 64 bits of nanoseconds end in 2554 */
		r->now += (uint64_t)s->years * 30 * 86400 * TIME_NS_PER_S;
	switch (s->what % WHATS) {
	case ANSWER:
		if (!flow_tuple_reply(&tuple, &tuple))
			return;
		/* fallthrough */
	case PACKET:
		step_packet(r, s, &tuple, l4, len);
		break;
	case AGE:
		n = ct_age(r->t, r->now, closed, s->limit);
		require(n <= s->limit, "aged more than asked");
		while (n-- > 0)
			require(ct_conns(r->t)[closed[n]].status & CT_S_DYING,
					"aged, and not closed");
		break;
	case RECLAIM:
		require(ct_reclaim(r->t, NULL, s->limit) <= s->limit, "reclaimed more than asked");
		break;
	case CLOSE:
		ct_close(r->t, s->who % CONNECTIONS);
		break;
	case HOLD:
		if (r->held)
			rte_rcu_qsbr_thread_offline(r->rcu, 0);
		else
			rte_rcu_qsbr_thread_online(r->rcu, 0);
		r->held = !r->held;
		break;
	}
}

/*
 * In the end everything can be aged and reclaimed. Twice, because 32 bits of ticks start again
 * after nine years: what was not looked at for so long may seem fresh, once.
 */
static void
finish(struct run *r)
{
	uint32_t closed[CONNECTIONS];
	struct ct_stats stats;
	unsigned int i;

	if (r->held)
		rte_rcu_qsbr_thread_offline(r->rcu, 0);
	for (i = 0; i < 2 * (CT_WHEEL_LEVELS + 1); i++) {
		if (i % (CT_WHEEL_LEVELS + 1) == 0)
			r->now += UINT64_C(6) * 86400 * TIME_NS_PER_S;
		ct_age(r->t, r->now, closed, CONNECTIONS);
	}
	while (ct_reclaim(r->t, NULL, CONNECTIONS) > 0)
		;
	ct_stats(r->t, &stats);
	require(stats.connections == 0 && stats.connections6 == 0,
			"a connection that does not age");
	require(ct_check(r->t) == NULL, "slots after the end");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_params p = {
		.connections = CONNECTIONS,
		.connections6 = CONNECTIONS6,
		.hasher = flow_hasher_make(size % 5 == 0 ? FLOW_HASH_SIPHASH : FLOW_HASH_CRC32C,
				size > 0 ? data[0] : 0, NULL),
		.early_drop = size % 7 < 3 ? 60 : 0,
		.socket_id = SOCKET_ID_ANY,
		.tcp_loose = size % 2 == 0,
		.tcp_liberal = size % 3 == 0,
		.tcp_ignore_invalid_rst = size % 5 == 0,
		.tcp_max_retrans = 3,
	};
	struct ct_timeouts policy;
	struct run r = { .now = UINT64_C(1700000000) * TIME_NS_PER_S };
	unsigned int steps = 0;
	const char *wrong;
	struct step s;

	r.rcu = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	require(r.rcu != NULL && rte_rcu_qsbr_init(r.rcu, 1) == 0, "RCU");
	rte_rcu_qsbr_thread_register(r.rcu, 0);
	p.qsbr = r.rcu;
	ct_timeouts_default(&p.timeouts);
	policy = p.timeouts;
	policy.udp = policy.generic = policy.gre = policy.sctp[CT_SCTP_CLOSED] = 1;
	p.policies = &policy;
	p.n_policies = 1;
	r.t = ct_create(&p);
	require(r.t != NULL, "create");
	while (size >= sizeof(s) && steps++ < STEPS_MAX) {
		uint32_t len;

		memcpy(&s, data, sizeof(s));
		data += sizeof(s);
		size -= sizeof(s);
		len = s.what % WHATS <= ANSWER ? RTE_MIN((size_t)s.header % 61, size) : 0;
		step_run(&r, &s, data, len);
		data += len;
		size -= len;
		wrong = ct_check(r.t);
		require(wrong == NULL, wrong);
	}
	finish(&r);
	ct_destroy(r.t);
	rte_rcu_qsbr_thread_unregister(r.rcu, 0);
	rte_free(r.rcu);
	return 0;
}
