/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See test_hwf_rig.h.
 */
#include "test_hwf_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static int
port_of(void *ctx, uint16_t ethdev)
{
	(void)ctx;
	return ethdev < RIG_PORTS ? ethdev : -1;
}

static uint16_t
rx_queues(void *ctx, uint16_t port)
{
	(void)ctx;
	(void)port;
	return RIG_QUEUES;
}

static void
rss(void *ctx, uint16_t port, struct sim_rss *out)
{
	uint16_t i;

	(void)ctx;
	(void)port;
	memset(out, 0, sizeof(*out));
	out->fields = SIM_RSS_IPV4 | SIM_RSS_TCP;
	for (i = 0; i < SIM_RSS_KEY; i++)
		out->key[i] = (uint8_t)(i * 37 + 11);
	out->n = RIG_QUEUES;
	for (i = 0; i < RIG_QUEUES; i++)
		out->queue[i] = i;
}

static bool
started(void *ctx, uint16_t port)
{
	(void)port;
	return ((struct rig *)ctx)->started;
}

static sim_cycle
now(void *ctx)
{
	return ((struct rig *)ctx)->now;
}

static uint64_t
begin(void *ctx)
{
	return __atomic_add_fetch(&((struct rig *)ctx)->begun, 1, __ATOMIC_RELAXED);
}

static void
spend(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost, uint64_t began)
{
	(void)kind;
	(void)cost;
	__atomic_store_n(&((struct rig *)ctx)->began, began, __ATOMIC_RELAXED);
	__atomic_add_fetch(&((struct rig *)ctx)->spent, 1, __ATOMIC_RELAXED);
}

static int64_t
enqueue(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost, void (*done)(void *arg),
		void *arg)
{
	struct rig *r = ctx;

	(void)kind;
	(void)cost;
	if (r->refuse != 0)
		return r->refuse;
	if (!r->timed) {
		done(arg);
		return (int64_t)r->now;
	}
	if (r->tail - r->head >= r->depth)
		return -EAGAIN;
	r->busy_until = (r->busy_until > r->now ? r->busy_until : r->now) + r->cost;
	r->command[r->tail % RIG_COMMANDS].done = done;
	r->command[r->tail % RIG_COMMANDS].arg = arg;
	r->command[r->tail % RIG_COMMANDS].at = r->busy_until;
	r->tail++;
	return (int64_t)r->busy_until;
}

static void
aged(void *ctx, uint16_t port)
{
	((struct rig *)ctx)->aged[port]++;
}

static const struct hwf_env env = {
	.port_of = port_of,
	.rx_queues = rx_queues,
	.rss = rss,
	.started = started,
	.now = now,
	.begin = begin,
	.spend = spend,
	.enqueue = enqueue,
	.aged = aged,
};

struct rig *
rig_new(const char *const *set)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct sim_steer_params steer = { .n_ports = RIG_PORTS };
	struct sim_error e = { "" };

	assert_non_null(r);
	sim_profile_ideal(&r->profile);
	r->profile.tables_twins = 0; /* a card that refuses a rule that is there */
	for (; set != NULL && *set != NULL; set++)
		if (sim_profile_set(&r->profile, *set, &e) != 0)
			fail_msg("%s: %s", *set, e.text);
	steer.profile = &r->profile;
	r->steer = sim_steer_create(&steer);
	assert_non_null(r->steer);
	r->depth = RIG_COMMANDS;
	r->cost = 100;
	r->now = 1000;
	const struct hwf_params params = {
		.steer = r->steer,
		.profile = &r->profile,
		.lock = &r->lock,
		.n_ports = RIG_PORTS,
		.env = &env,
		.ctx = r,
	};
	r->h = hwf_create_all(&params);
	assert_non_null(r->h);
	return r;
}

void
rig_free(struct rig *r)
{
	hwf_destroy_all(r->h);
	sim_steer_destroy(r->steer);
	free(r);
}

int
rig_setup(void **state)
{
	*state = rig_new(NULL);
	return 0;
}

int
rig_teardown(void **state)
{
	rig_free(*state);
	return 0;
}

struct rte_flow *
rig_rule(struct rig *r, uint16_t port, const struct rte_flow_item *item,
		const struct rte_flow_action *action)
{
	const struct rte_flow_attr in = { .ingress = 1 };
	struct rte_flow_error e = { 0 };
	struct rte_flow *flow = hwf_create(r->h, port, &in, item, action, &e);

	if (flow == NULL)
		fail_msg("%s", e.message);
	return flow;
}

void
rig_advance(struct rig *r, sim_cycle until)
{
	sim_lock_take(&r->lock);
	while (r->head != r->tail && r->command[r->head % RIG_COMMANDS].at <= until) {
		const uint32_t i = r->head++ % RIG_COMMANDS;

		r->now = r->command[i].at;
		r->command[i].done(r->command[i].arg);
	}
	r->now = until;
	sim_lock_give(&r->lock);
}

static uint8_t *
put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
	return at + 2;
}

static uint8_t *
put32(uint8_t *at, uint32_t v)
{
	return put16(put16(at, (uint16_t)(v >> 16)), (uint16_t)v);
}

static void
sum_ipv4(uint8_t *ip)
{
	uint32_t s = 0, i;

	put16(ip + 10, 0);
	for (i = 0; i < 20; i += 2)
		s += (uint32_t)ip[i] << 8 | ip[i + 1];
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	put16(ip + 10, (uint16_t)~s);
}

static uint8_t *
put_eth_ipv4(uint8_t *at, const struct rig_flow *f, uint8_t protocol, uint32_t payload)
{
	memcpy(at, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00", 14);
	at += 14;
	memset(at, 0, 20);
	at[0] = 0x45;
	put16(at + 2, (uint16_t)(20 + payload));
	at[8] = 64;
	at[9] = protocol;
	put32(at + 12, f->src);
	put32(at + 16, f->dst);
	sum_ipv4(at);
	return at + 20;
}

static void
wrap(struct rig_packet *p, uint8_t *begin, uint8_t *end)
{
	if (end - begin < SIM_FRAME_MIN) {
		memset(end, 0, (size_t)(SIM_FRAME_MIN - (end - begin)));
		end = begin + SIM_FRAME_MIN;
	}
	p->pkt = (struct sim_pkt){
		.data = begin,
		.len = (uint16_t)(end - begin),
		.headroom = (uint16_t)(begin - p->room),
		.tailroom = (uint16_t)(p->room + sizeof(p->room) - end),
		.frame_len = (uint32_t)(end - begin),
	};
}

/* Sums of TCP are not right: nothing here asks for INTEGRITY. */
static uint8_t *
put_tcp(uint8_t *at, const struct rig_flow *f, uint32_t payload)
{
	at = put_eth_ipv4(at, f, IPPROTO_TCP, 20 + payload);
	memset(at, 0, 20 + payload);
	put16(at, f->sport);
	put16(at + 2, f->dport);
	at[12] = 0x50;
	at[13] = 0x10;
	put16(at + 14, 0x1000);
	return at + 20 + payload;
}

void
rig_tcp(struct rig_packet *p, const struct rig_flow *f, uint32_t payload)
{
	uint8_t *begin = p->room + RIG_ROOM;

	wrap(p, begin, put_tcp(begin, f, payload));
}

void
rig_vxlan(struct rig_packet *p, const struct rig_flow *f, uint32_t vni)
{
	const struct rig_flow outer = { 0x0a000001, 0x0a000002, 0, 0 };
	uint8_t *begin = p->room + RIG_ROOM, *at, *end;
	const uint32_t inner = 14 + 20 + 20 + 32;

	at = put_eth_ipv4(begin, &outer, IPPROTO_UDP, 16 + inner);
	at = put16(at, 0xc000);
	at = put16(at, 4789);
	at = put16(at, (uint16_t)(16 + inner));
	at = put16(at, 0);
	at = put32(at, 0x08000000);
	at = put32(at, vni << 8);
	end = put_tcp(at, f, 32);
	assert_int_equal(end - at, inner);
	wrap(p, begin, end);
}

void
rig_run(struct rig *r, struct rig_packet *p, uint16_t port)
{
	p->pkt.port = port;
	sim_lock_take(&r->lock);
	sim_steer_run(r->steer, &p->pkt, r->now, NULL);
	sim_lock_give(&r->lock);
}

void
rig_tuple(struct rig_tuple *t, const struct rig_flow *f)
{
	memset(t, 0, sizeof(*t));
	t->ip.hdr.src_addr = htonl(f->src);
	t->ip.hdr.dst_addr = htonl(f->dst);
	t->ip_mask.hdr.src_addr = UINT32_MAX;
	t->ip_mask.hdr.dst_addr = UINT32_MAX;
	t->tcp.hdr.src_port = htons(f->sport);
	t->tcp.hdr.dst_port = htons(f->dport);
	t->tcp_mask.hdr.src_port = UINT16_MAX;
	t->tcp_mask.hdr.dst_port = UINT16_MAX;
	t->item[0].type = RTE_FLOW_ITEM_TYPE_ETH;
	t->item[1] = (struct rte_flow_item){
		.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &t->ip, .mask = &t->ip_mask
	};
	t->item[2] = (struct rte_flow_item){
		.type = RTE_FLOW_ITEM_TYPE_TCP, .spec = &t->tcp, .mask = &t->tcp_mask
	};
	t->item[3].type = RTE_FLOW_ITEM_TYPE_END;
}
