/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the connection table, and reading it: statistics, walking, tuples. Control lcore;
 * workers read the base addresses and the seed only. All memory is taken once, from hugepages of
 * the given socket.
 */
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include "ct_priv.h"

/* Two flows a connection, at most 85 % of the slots in use: 12.5 bytes of buckets a connection. */
#define LOAD_PERCENT 85
#define CONNECTIONS_MAX (UINT32_C(1) << 30)

static const struct ct_timeouts timeouts_default = {
	.tcp = {
		[CT_TCP_SYN_SENT] = 120,
		[CT_TCP_SYN_RECV] = 60,
		[CT_TCP_ESTABLISHED] = 5 * 24 * 3600,
		[CT_TCP_FIN_WAIT] = 120,
		[CT_TCP_CLOSE_WAIT] = 60,
		[CT_TCP_LAST_ACK] = 30,
		[CT_TCP_TIME_WAIT] = 120,
		[CT_TCP_CLOSE] = 10,
		[CT_TCP_SYN_SENT2] = 120,
	},
	.tcp_retrans = 300,
	.tcp_unack = 300,
	.udp = 30,
	.udp_stream = 120,
	.icmp = 30,
	.icmp6 = 30,
	.generic = 600,
	.sctp = {
		[CT_SCTP_CLOSED] = 10,
		[CT_SCTP_COOKIE_WAIT] = 3,
		[CT_SCTP_COOKIE_ECHOED] = 3,
		[CT_SCTP_ESTABLISHED] = 210,
		[CT_SCTP_SHUTDOWN_SENT] = 3,
		[CT_SCTP_SHUTDOWN_RECD] = 3,
		[CT_SCTP_SHUTDOWN_ACK_SENT] = 3,
		[CT_SCTP_HEARTBEAT_SENT] = 30,
	},
	.gre = 30,
	.gre_stream = 180,
	.dccp = {
		[CT_DCCP_REQUEST] = 240,
		[CT_DCCP_RESPOND] = 480,
		[CT_DCCP_PARTOPEN] = 480,
		[CT_DCCP_OPEN] = 12 * 3600,
		[CT_DCCP_CLOSEREQ] = 64,
		[CT_DCCP_CLOSING] = 64,
		[CT_DCCP_TIMEWAIT] = 240,
	},
};

void
ct_timeouts_default(struct ct_timeouts *t)
{
	*t = timeouts_default;
}

static uint32_t
buckets_for(uint32_t connections)
{
	uint64_t slots = ((uint64_t)connections * 2 * 100 + LOAD_PERCENT - 1) / LOAD_PERCENT;

	return (uint32_t)((slots + CT_SLOTS - 1) / CT_SLOTS);
}

static void *
take(struct ct_table *t, const char *name, size_t size, uint64_t count, int socket_id)
{
	size_t bytes = size * RTE_MAX(count, UINT64_C(1));

	t->stats.bytes += bytes;
	return rte_zmalloc_socket(name, bytes, RTE_CACHE_LINE_SIZE, socket_id);
}

static bool
take_all(struct ct_table *t, int socket)
{
	t->buckets = take(t, "ct_buckets", sizeof(*t->buckets), t->n_buckets, socket);
	t->conns = take(t, "ct_conns", sizeof(*t->conns), t->n_conns, socket);
	t->conns6 = take(t, "ct_conns6", sizeof(*t->conns6), t->n_conns6, socket);
	t->wheel.link = take(t, "ct_links", sizeof(*t->wheel.link),
			(uint64_t)t->n_conns + CT_WHEEL_HEADS, socket);
	t->ext_of = take(t, "ct_ext_of", sizeof(*t->ext_of), t->n_conns, socket);
	t->exts = take(t, "ct_exts", sizeof(*t->exts), t->n_exts, socket);
	t->policies = take(t, "ct_policies", sizeof(*t->policies), t->n_policies, socket);
	return t->policies != NULL && t->ext_of != NULL && t->exts != NULL && t->buckets != NULL &&
			t->conns != NULL && t->conns6 != NULL && t->wheel.link != NULL;
}

static bool
take_zones(struct ct_table *t, const struct ct_params *p)
{
	uint32_t i;

	if (p->n_zones == 0)
		return true;
	t->zones = take(t, "ct_zones", sizeof(*t->zones), p->n_zones, p->socket_id);
	t->zone_of = take(t, "ct_zone_of", sizeof(*t->zone_of), UINT16_MAX + 1, p->socket_id);
	if (t->zones == NULL || t->zone_of == NULL)
		return false;
	for (i = 0; i < p->n_zones; i++) {
		t->zones[i].limit = p->zones[i].limit == 0 ? UINT32_MAX : p->zones[i].limit;
		t->zone_of[p->zones[i].id] = (uint16_t)(i + 1);
	}
	return true;
}

struct ct_table *
ct_create(const struct ct_params *p)
{
	struct ct_table *t;

	if (p->connections == 0 || p->connections > CONNECTIONS_MAX ||
			p->connections6 > p->connections || p->early_drop > 100 ||
			p->n_zones > UINT16_MAX || p->n_policies > CT_POLICIES_MAX ||
			p->qsbr == NULL) {
		rte_errno = EINVAL;
		return NULL;
	}
	t = rte_zmalloc_socket("ct_table", sizeof(*t), RTE_CACHE_LINE_SIZE, p->socket_id);
	if (t == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	t->n_buckets = buckets_for(p->connections);
	t->n_conns = p->connections;
	t->n_conns6 = p->connections6;
	t->n_exts = p->extensions;
	t->hasher = p->hasher;
	t->random = p->hasher.key[0] ^ p->hasher.seed;
	t->qsbr = p->qsbr;
	t->n_policies = p->n_policies + 1;
	t->tcp_loose = p->tcp_loose;
	t->tcp_liberal = p->tcp_liberal;
	t->tcp_ignore_invalid_rst = p->tcp_ignore_invalid_rst;
	t->tcp_max_retrans = p->tcp_max_retrans;
	t->stats.connections_max = p->connections;
	t->stats.connections6_max = p->connections6;
	t->stats.exts_max = p->extensions;
	t->stats.buckets = t->n_buckets;
	t->stats.slots = t->n_buckets * CT_SLOTS;
	t->stats.bytes = sizeof(*t);
	if (!take_all(t, p->socket_id) || !take_zones(t, p) || ct_events_init(t, &p->events) != 0) {
		ct_destroy(t);
		rte_errno = ENOMEM;
		return NULL;
	}
	t->policies[0] = p->timeouts;
	if (p->n_policies > 0)
		memcpy(&t->policies[1], p->policies, p->n_policies * sizeof(*p->policies));
	ct_ext_init(t);
	ct_wheel_init(&t->wheel, t->wheel.link, t->n_conns);
	ct_slots_init(t, p->early_drop);
	if (ct_expects_create(t, p) != 0) {
		ct_destroy(t);
		rte_errno = ENOMEM;
		return NULL;
	}
	return t;
}

void
ct_destroy(struct ct_table *t)
{
	if (t == NULL)
		return;
	rte_free(t->policies);
	ct_expects_destroy(t);
	free(t->events.ring);
	rte_free(t->exts);
	rte_free(t->ext_of);
	rte_free(t->wheel.link);
	rte_free(t->zone_of);
	rte_free(t->zones);
	rte_free(t->conns6);
	rte_free(t->conns);
	rte_free(t->buckets);
	rte_free(t);
}

struct ct_conn *
ct_conns(const struct ct_table *t)
{
	return t->conns;
}

const struct ct_conn6 *
ct_conns6(const struct ct_table *t)
{
	return t->conns6;
}

const struct flow_hasher *
ct_hasher(const struct ct_table *t)
{
	return &t->hasher;
}

void
ct_tuple(const struct ct_table *t, uint32_t flow_id, struct flow_tuple *out)
{
	memset(out, 0, sizeof(*out));
	out->key = ct_flow(t, flow_id)->key;
	if (out->key.family == 6) {
		const struct flow_addr *addr = &t->conns6[flow_id >> 1].addr[2 * (flow_id & 1)];

		out->src = addr[0];
		out->dst = addr[1];
		out->key.src = out->key.dst = 0;
	} else {
		memcpy(out->src.b, &out->key.src, sizeof(out->key.src));
		memcpy(out->dst.b, &out->key.dst, sizeof(out->key.dst));
	}
}

void
ct_tcp_side(const struct ct_conn *c, enum flow_dir dir, struct ct_tcp_side *out)
{
	uint8_t flags = c->tcp.flags[dir];

	*out = (struct ct_tcp_side){
		.window_scale = (flags & CT_TCP_F_WSCALE) != 0,
		.sack = (flags & CT_TCP_F_SACK) != 0,
		.scale = c->tcp.scale[dir],
		.closed_first = (flags & CT_TCP_F_CLOSE_INIT) != 0,
		.guessed = (flags & CT_TCP_F_LIBERAL) != 0,
	};
}

void
ct_stats(const struct ct_table *t, struct ct_stats *out)
{
	*out = t->stats;
	out->dying = (uint32_t)(t->dying.in - t->dying.out);
}

uint32_t
ct_zone_connections(const struct ct_table *t, uint16_t zone)
{
	const struct ct_zone *z = ct_zone(t, zone);

	return z == NULL ? 0 : z->n;
}

uint32_t
ct_next(const struct ct_table *t, uint32_t from, uint32_t limit, uint32_t *next)
{
	uint32_t i, end = t->n_conns;

	if (from < t->n_conns && limit < t->n_conns - from)
		end = from + limit;
	for (i = from; i < end; i++) {
		if ((t->conns[i].status & (CT_S_USED | CT_S_DYING)) == CT_S_USED) {
			*next = i + 1;
			return i;
		}
	}
	*next = i < t->n_conns ? i : FLOW_NONE;
	return FLOW_NONE;
}
