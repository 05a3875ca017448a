/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as rules of rte_flow, with specs, masks, lasts and confs of any content, made, destroyed (also twice, also by others),
 * asked about, aged and dumped, with packets in between: what is validated is created unless the card is full, packets
 * go somewhere that is there, and nothing is left when all is flushed.
 *
 * A byte says what to do next (enum step), the following ones with what.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "fuzz.h"
#include "test_hwf_packets.h"

#define FLOWS 32
#define HANDLES 8
#define ITEMS 8
#define ACTIONS 8
#define STEPS 200
#define PART 64 /* bytes of a spec or conf at most */

struct input {
	const uint8_t *b;
	size_t left;
};

struct fuzz {
	struct input in;
	struct rig *r;
	struct rte_flow *flow[FLOWS]; /* stale ones stay */
	struct rte_flow_action_handle *handle[HANDLES];
	struct rte_flow_attr attr;
	struct rte_flow_item item[ITEMS + 1];
	struct rte_flow_action action[ACTIONS + 1];
	uint8_t part[3 * ITEMS + ACTIONS][PART] __rte_aligned(8);
};

/* What pointers inside of confs point at. */
static uint8_t many_bytes[1024];
static uint16_t many_queues[600];
static struct rte_flow_action sample_actions[3];
static struct rte_flow_item definition[6];

static uint8_t
u8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->b++;
}

/* Most bytes are 0 or 0xff in rules that get anywhere: a byte says how the part is filled. */
static void
fill(struct input *in, uint8_t *to)
{
	const uint8_t how = u8(in);
	uint32_t i;

	memset(to, how & 1 ? 0xff : 0, PART);
	for (i = 0; i < (how >> 2 & 15); i++)
		to[(how & 2 ? u8(in) : i) % PART] = u8(in);
}

static void
pattern(struct fuzz *f)
{
	const uint32_t n = u8(&f->in) % (ITEMS + 1);
	uint32_t i, j;

	memset(f->item, 0, sizeof(f->item));
	for (i = 0; i < n; i++) {
		const uint8_t has = u8(&f->in);
		const void **to[] = { &f->item[i].spec, &f->item[i].mask, &f->item[i].last };

		f->item[i].type = u8(&f->in) % (RTE_FLOW_ITEM_TYPE_METER_COLOR + 2);
		if (f->item[i].type == RTE_FLOW_ITEM_TYPE_END)
			f->item[i].type = RTE_FLOW_ITEM_TYPE_VOID;
		for (j = 0; j < 3; j++)
			if (has >> j & 1) {
				fill(&f->in, f->part[3 * i + j]);
				*to[j] = f->part[3 * i + j];
			}
	}
}

/* Lengths are any, memory behind them is there. */
static void
pointers(struct fuzz *f, int type, uint8_t *conf)
{
	union {
		uint8_t *bytes;
		struct rte_flow_action_rss *rss;
		struct rte_flow_action_raw_encap *encap;
		struct rte_flow_action_raw_decap *decap;
		struct rte_flow_action_vxlan_encap *tunnel;
		struct rte_flow_action_sample *sample;
		struct rte_flow_action_modify_field *modify;
	} c = { conf };

	switch (type) {
	case RTE_FLOW_ACTION_TYPE_RSS:
		c.rss->queue_num %= RTE_DIM(many_queues);
		c.rss->key_len %= sizeof(many_bytes);
		c.rss->key = u8(&f->in) & 1 ? many_bytes : NULL;
		c.rss->queue = u8(&f->in) & 1 ? many_queues : NULL;
		break;
	case RTE_FLOW_ACTION_TYPE_RAW_ENCAP:
		c.encap->size = u8(&f->in);
		c.encap->data = u8(&f->in) & 7 ? many_bytes : NULL;
		break;
	case RTE_FLOW_ACTION_TYPE_RAW_DECAP:
		c.decap->size = u8(&f->in);
		break;
	case RTE_FLOW_ACTION_TYPE_VXLAN_ENCAP:
	case RTE_FLOW_ACTION_TYPE_NVGRE_ENCAP:
		c.tunnel->definition = definition;
		break;
	case RTE_FLOW_ACTION_TYPE_SAMPLE:
		c.sample->actions = u8(&f->in) & 7 ? sample_actions : NULL;
		break;
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		c.modify->operation = u8(&f->in) % 4;
		c.modify->dst.field = u8(&f->in) % (RTE_FLOW_FIELD_METER_COLOR + 2);
		c.modify->src.field = u8(&f->in) % (RTE_FLOW_FIELD_METER_COLOR + 2);
		c.modify->width = u8(&f->in);
		c.modify->dst.level = u8(&f->in) % 10;
		c.modify->dst.offset = u8(&f->in) % 64;
		if (c.modify->src.field == RTE_FLOW_FIELD_POINTER)
			c.modify->src.pvalue = many_bytes;
		break;
	default:
		break;
	}
}

static void
actions(struct fuzz *f)
{
	const uint32_t n = u8(&f->in) % (ACTIONS + 1);
	uint32_t i;

	memset(f->action, 0, sizeof(f->action));
	for (i = 0; i < n; i++) {
		uint8_t *conf = f->part[3 * ITEMS + i];
		const int type = u8(&f->in) % (RTE_FLOW_ACTION_TYPE_SEND_TO_KERNEL + 2);

		f->action[i].type =
				type == RTE_FLOW_ACTION_TYPE_END ? RTE_FLOW_ACTION_TYPE_VOID : type;
		if (u8(&f->in) % 8 == 7)
			continue;
		fill(&f->in, conf);
		pointers(f, type, conf);
		f->action[i].conf = conf;
		if (type == RTE_FLOW_ACTION_TYPE_INDIRECT)
			f->action[i].conf = f->handle[u8(&f->in) % HANDLES];
	}
}

static void
attributes(struct fuzz *f)
{
	const uint8_t b = u8(&f->in);

	f->attr = (struct rte_flow_attr){
		.ingress = (b & 3) == 0 || (b & 3) == 3,
		.egress = (b & 3) == 1 || (b & 63) == 63,
		.transfer = (b & 3) == 2,
		.group = b >> 2 & 3,
		.priority = b >> 4 & 3,
	};
}

/* For want of room only may a rule be refused that was validated. */
static bool
room(int err)
{
	return err == ENOSPC || err == ENOMEM || err == EEXIST;
}

static void
create(struct fuzz *f)
{
	const uint16_t port = u8(&f->in) % RIG_PORTS;
	const uint32_t at = u8(&f->in) % FLOWS;
	struct rte_flow_error e = { 0 };
	struct rte_flow *flow;
	uint32_t used;
	int rc;

	attributes(f);
	pattern(f);
	actions(f);
	used = f->r->h->flows.used;
	rc = hwf_validate(f->r->h, port, &f->attr, f->item, f->action, &e);
	REQUIRE(rc <= 0 && (rc == 0 || e.message != NULL));
	REQUIRE(rc == 0 || (e.type != RTE_FLOW_ERROR_TYPE_NONE && rte_errno == -rc));
	REQUIRE(f->r->h->flows.used == used);
	rte_errno = 0;
	flow = hwf_create(f->r->h, port, &f->attr, f->item, f->action, &e);
	REQUIRE(f->r->h->flows.used == used + (flow != NULL));
	REQUIRE(flow != NULL ? rc == 0 : rte_errno != 0);
	REQUIRE(flow != NULL || rte_errno == -rc || (rc == 0 && room(rte_errno)));
	if (flow != NULL)
		f->flow[at] = flow;
}

static void
destroy(struct fuzz *f)
{
	const uint16_t port = u8(&f->in) % RIG_PORTS;
	struct rte_flow *flow = f->flow[u8(&f->in) % FLOWS];
	const uint32_t used = f->r->h->flows.used;
	struct rte_flow_error e = { 0 };
	int rc;

	if (u8(&f->in) % 16 == 15)
		flow = (struct rte_flow *)((uintptr_t)flow + u8(&f->in));
	rc = hwf_destroy(f->r->h, port, flow, &e);
	REQUIRE(rc == 0 || (rc == -ENOENT && e.type == RTE_FLOW_ERROR_TYPE_HANDLE));
	REQUIRE(f->r->h->flows.used == used - (rc == 0));
}

static void
query(struct fuzz *f)
{
	union {
		struct rte_flow_query_count count;
		struct rte_flow_query_age age;
		uint8_t bytes[64];
	} answer = { .count = { .reset = u8(&f->in) & 1 } };
	const struct rte_flow_action a[] = {
		{ .type = u8(&f->in) & 1 ? RTE_FLOW_ACTION_TYPE_COUNT : RTE_FLOW_ACTION_TYPE_AGE },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_error e = { 0 };

	hwf_query(f->r->h, u8(&f->in) % RIG_PORTS, f->flow[u8(&f->in) % FLOWS], a, &answer, &e);
}

static void
packet(struct fuzz *f)
{
	static const char *const stacks[] = { "eth ipv4 tcp data", "eth ipv4 udp data",
		"eth ipv6 udp data", "eth vlan ipv4 tcp", "eth qinq vlan ipv6 tcp",
		"eth ipv4 udp vxlan eth ipv4 tcp data", "eth ipv4 udp gtpu ipv4 udp",
		"eth ipv4 nvgre eth ipv6 udp", "eth arp", "eth frag4 udp data",
		"eth ipv6 frag6 udp", "eth ipv4 icmp data" };
	const uint8_t which = u8(&f->in);
	struct rig_packet p;
	uint32_t i, n;

	rig_stack(&p, stacks[which % RTE_DIM(stacks)]);
	n = u8(&f->in) % 8;
	for (i = 0; i < n; i++)
		p.pkt.data[u8(&f->in) % p.pkt.len] = u8(&f->in);
	if (which & 0x80)
		p.pkt.len = p.pkt.frame_len = (uint32_t)(u8(&f->in) % p.pkt.len);
	p.pkt.from_host = which >> 6 & 1;
	rig_run(f->r, &p, u8(&f->in) % RIG_PORTS);
	REQUIRE(p.pkt.dest.kind <= SIM_TO_DROP);
	REQUIRE(p.pkt.dest.kind == SIM_TO_DROP || p.pkt.dest.port < RIG_PORTS);
	REQUIRE(p.pkt.dest.kind != SIM_TO_QUEUE || p.pkt.dest.rss || p.pkt.dest.queue < RIG_QUEUES);
	REQUIRE(p.pkt.data >= p.room && p.pkt.data + p.pkt.len <= p.room + sizeof(p.room));
	REQUIRE(p.pkt.data - p.pkt.headroom == p.room);
}

static void
indirect(struct fuzz *f)
{
	static const uint8_t types[] = { RTE_FLOW_ACTION_TYPE_COUNT, RTE_FLOW_ACTION_TYPE_AGE,
		RTE_FLOW_ACTION_TYPE_CONNTRACK, RTE_FLOW_ACTION_TYPE_RSS };
	const struct rte_flow_indir_action_conf conf = { .ingress = 1, .egress = u8(&f->in) & 1 };
	const uint32_t at = u8(&f->in) % HANDLES;
	uint64_t bytes[16];
	struct rte_flow_action a = { .type = types[u8(&f->in) % RTE_DIM(types)], .conf = bytes };
	struct rte_flow_error e = { 0 };
	struct rte_flow_action_handle *handle;

	memset(bytes, 0, sizeof(bytes));
	fill(&f->in, (uint8_t *)bytes);
	pointers(f, a.type, (uint8_t *)bytes);
	/* A bool and an enum of it may only be what they can be. */
	handle = hwf_indirect_create(f->r->h, u8(&f->in) % RIG_PORTS, &conf, &a, &e);
	if (handle != NULL)
		f->handle[at] = handle;
}

static void
indirect_end(struct fuzz *f)
{
	struct rte_flow_error e = { 0 };

	hwf_indirect_destroy(f->r->h, u8(&f->in) % RIG_PORTS, f->handle[u8(&f->in) % HANDLES], &e);
}

static void
time_passes(struct fuzz *f)
{
	void *contexts[4];
	struct rte_flow_error e = { 0 };

	f->r->now += (sim_cycle)u8(&f->in) * f->r->profile.clock_mhz * 1000000;
	hwf_tick(f->r->h);
	REQUIRE(hwf_get_aged(f->r->h, u8(&f->in) % RIG_PORTS, contexts, 4, &e) <= 4);
}

static void
text(struct fuzz *f)
{
	struct rte_flow_error e = { 0 };
	char *to = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&to, &size);

	REQUIRE(file != NULL);
	hwf_dump(f->r->h, u8(&f->in) % RIG_PORTS, NULL, file, &e);
	fclose(file);
	free(to);
}

static void
flush(struct fuzz *f)
{
	struct rte_flow_error e = { 0 };
	const uint8_t b = u8(&f->in);

	if (b & 0x80)
		hwf_isolate(f->r->h, b % RIG_PORTS, b >> 6 & 1, &e);
	else if (b & 0x40)
		hwf_port_close(f->r->h, b % RIG_PORTS);
	else
		REQUIRE(hwf_flush(f->r->h, b % RIG_PORTS, &e) == 0);
}

static void (*const steps[])(struct fuzz *f) = { create, create, create, packet, packet, destroy,
	query, indirect, indirect_end, time_passes, text, flush };

/* Memory that pointers in confs lead to. */
static void
memory(void)
{
	static const struct rte_flow_action_queue q = { .index = 2 };
	static const enum rte_flow_item_type tunnel[] = { RTE_FLOW_ITEM_TYPE_ETH,
		RTE_FLOW_ITEM_TYPE_IPV4, RTE_FLOW_ITEM_TYPE_UDP, RTE_FLOW_ITEM_TYPE_VXLAN,
		RTE_FLOW_ITEM_TYPE_END };
	uint32_t i;

	for (i = 0; i < RTE_DIM(many_queues); i++)
		many_queues[i] = (uint16_t)(i % RIG_QUEUES);
	for (i = 0; i < sizeof(many_bytes); i++)
		many_bytes[i] = (uint8_t)(i * 7);
	sample_actions[0] =
			(struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &q };
	for (i = 0; i < RTE_DIM(tunnel); i++)
		definition[i].type = tunnel[i];
}

static void
nothing_left(struct fuzz *f)
{
	struct rte_flow_error e = { 0 };
	struct sim_steer_stats st;
	uint16_t port;

	for (port = 0; port < RIG_PORTS; port++)
		REQUIRE(hwf_flush(f->r->h, port, &e) == 0);
	REQUIRE(f->r->h->flows.used == 0 && f->r->h->extras.used == 0);
	for (port = 0; port < RIG_PORTS; port++)
		hwf_port_close(f->r->h, port);
	sim_steer_stats(f->r->steer, &st);
	REQUIRE(st.rules == 0 && st.counters == 0 && st.ages == 0 && st.cts == 0 &&
			st.tcam_entries == 0);
	REQUIRE(f->r->h->handles.used == 0 && f->r->h->n_ages == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const small[] = { "objects.counters=4", "objects.ages=4",
		"tables.root-max=6", "tables.tcam-entries=40", "objects.one-of-age-ct-meter=1",
		"objects.connection-group0=0", NULL };
	struct fuzz *f = calloc(1, sizeof(*f));
	uint32_t i;

	REQUIRE(f != NULL);
	memory();
	f->in = (struct input){ data, size };
	f->r = rig_new(u8(&f->in) & 1 ? small : NULL);
	for (i = 0; i < STEPS && f->in.left > 0; i++)
		steps[u8(&f->in) % RTE_DIM(steps)](f);
	nothing_left(f);
	rig_free(f->r);
	free(f);
	return 0;
}
