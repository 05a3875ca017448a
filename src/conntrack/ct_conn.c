/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a connection: open, track, close, age, reclaim. Control lcore only; the session code
 * calls open, track and close, the control loop ages and reclaims. Decides nothing: trackers say
 * what a packet means, callers what follows.
 */
#include <errno.h>
#include <netinet/in.h>

#include <rte_rcu_qsbr.h>

#include "ct_priv.h"

/*
 * Longer timeouts are cut: a time in the past must stay distinguishable from one in the future. 4.5
 * years.
 */
#define TIMEOUT_MAX UINT32_C(144000000)

/* So far may a worker's clock, in ticks, be ahead of the control lcore's: over an hour. */
#define TICKS_AHEAD (UINT32_C(1) << 16)

const struct ct_ops *
ct_ops_of(const struct flow_key *key)
{
	switch (key->proto) {
	case IPPROTO_TCP:
		return &ct_tcp_ops;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return &ct_udp_ops;
	case IPPROTO_ICMP:
		return key->family == 4 ? &ct_icmp_ops : &ct_other_ops;
	case IPPROTO_ICMPV6:
		return key->family == 6 ? &ct_icmp_ops : &ct_other_ops;
	default:
		return &ct_other_ops;
	}
}

static const struct ct_ops *
ops_of_conn(const struct ct_conn *c)
{
	return ct_ops_of(&c->flow[FLOW_ORIGINAL].key);
}

/* ---- slots ---------------------------------------------------------------------------------- */

static uint32_t
slot_take(struct ct_table *t, uint8_t family)
{
	if (family != 6 && t->free_high > 0)
		return t->free[t->n_conns6 + --t->free_high];
	if (t->free_low > 0)
		return t->free[--t->free_low];
	return FLOW_NONE;
}

static void
slot_give(struct ct_table *t, uint32_t conn)
{
	ct_ext_give(t, conn);
	t->conns[conn].status = 0;
	if (conn < t->n_conns6)
		t->free[t->free_low++] = conn;
	else
		t->free[t->n_conns6 + t->free_high++] = conn;
}

/* Readers may still hold it: wait for them. The array has a place for every connection. */
static void
slot_retire(struct ct_table *t, uint32_t conn)
{
	t->conns[conn].status |= CT_S_DYING;
	t->dying.conn[t->dying.in++ % t->n_conns] = conn;
}

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t
timeout_ticks(const struct ct_table *t, struct ct_conn *c)
{
	return time_ticks_of_s(RTE_MIN(ops_of_conn(c)->timeout(t, c), TIMEOUT_MAX));
}

/*
 * Ticks since the flow's last packet, modulo nine years: what nobody looked at for longer may live
 * for one timeout more.
 */
static uint32_t
idle_ticks(const struct flow *f, uint64_t tick)
{
	uint32_t idle = (uint32_t)tick - f->last_seen;

	return idle < UINT32_MAX - TICKS_AHEAD ? idle : 0;
}

static uint64_t
deadline(const struct ct_table *t, struct ct_conn *c, uint64_t tick)
{
	uint64_t idle = RTE_MIN(idle_ticks(&c->flow[FLOW_ORIGINAL], tick),
			idle_ticks(&c->flow[FLOW_REPLY], tick));

	return tick - RTE_MIN(idle, tick) + timeout_ticks(t, c);
}

/* ---- open ----------------------------------------------------------------------------------- */

static bool
addr_eq(const struct flow_addr *a, const struct flow_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* What NAT changes: the reply compared with the one that would come without it. */
static uint16_t
nat_status(const struct flow_tuple *original, const struct flow_tuple *reply)
{
	struct flow_tuple plain;
	bool icmp = original->key.proto == IPPROTO_ICMP || original->key.proto == IPPROTO_ICMPV6;
	bool sport, dport;
	uint16_t status = 0;

	if (!flow_tuple_reply(original, &plain))
		return 0;
	sport = plain.key.sport != reply->key.sport;
	dport = plain.key.dport != reply->key.dport;
	/* The identifier of a query is the sender's, in both directions. */
	if (!addr_eq(&plain.src, &reply->src) || (sport && !icmp))
		status |= CT_S_DNAT;
	if (!addr_eq(&plain.dst, &reply->dst) || (icmp ? sport : dport))
		status |= CT_S_SNAT;
	return status;
}

static void
conn_init(struct ct_table *t, uint32_t conn, const struct flow_tuple tuple[2], uint8_t owner,
		const struct ct_packet *pkt)
{
	struct ct_conn *c = &t->conns[conn];
	unsigned int dir;

	memset(c, 0, sizeof(*c));
	for (dir = FLOW_ORIGINAL; dir <= FLOW_REPLY; dir++) {
		c->flow[dir].key = tuple[dir].key;
		c->flow[dir].last_seen = time_tick(pkt->now);
		c->flow[dir].owner = owner;
		if (tuple[dir].key.family == 6) {
			t->conns6[conn].addr[2 * dir] = tuple[dir].src;
			t->conns6[conn].addr[2 * dir + 1] = tuple[dir].dst;
		}
	}
	c->status = CT_S_USED | nat_status(&tuple[FLOW_ORIGINAL], &tuple[FLOW_REPLY]);
	c->owner = owner;
	ops_of_conn(c)->open(t, c, pkt);
}

/* Both flows or none. */
static int
publish(struct ct_table *t, uint32_t conn)
{
	int rc = ct_hash_insert(t, ct_flow_id(conn, FLOW_ORIGINAL));

	if (rc != 0) {
		slot_give(t, conn);
		return rc;
	}
	rc = ct_hash_insert(t, ct_flow_id(conn, FLOW_REPLY));
	if (rc != 0) {
		ct_hash_remove(t, ct_flow_id(conn, FLOW_ORIGINAL));
		slot_retire(t, conn);
	}
	return rc;
}

int
ct_open(struct ct_table *t, const struct flow_tuple *original, const struct flow_tuple *reply,
		uint8_t owner, const struct ct_packet *pkt, uint32_t *conn)
{
	struct flow_tuple tuple[2] = { *original, *reply };
	uint32_t i;

	flow_tuple_seal(&tuple[FLOW_ORIGINAL]);
	flow_tuple_seal(&tuple[FLOW_REPLY]);
	if (ct_find(t, &tuple[FLOW_ORIGINAL]) != FLOW_NONE ||
			ct_find(t, &tuple[FLOW_REPLY]) != FLOW_NONE ||
			memcmp(&tuple[FLOW_ORIGINAL], &tuple[FLOW_REPLY], sizeof(tuple[0])) == 0) {
		t->stats.clashes++;
		return -EEXIST;
	}
	i = slot_take(t, original->key.family);
	if (i == FLOW_NONE) {
		t->stats.full++;
		return -ENOSPC;
	}
	conn_init(t, i, tuple, owner, pkt);
	if (publish(t, i) != 0) {
		t->stats.full++;
		return -ENOSPC;
	}
	ct_wheel_add(&t->wheel, i, ct_tick64(pkt->now) + timeout_ticks(t, &t->conns[i]));
	t->stats.connections++;
	t->stats.connections6 += original->key.family == 6;
	t->stats.opened++;
	*conn = i;
	return 0;
}

enum drop_reason
ct_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	return ct_ops_of(&tuple->key)->may_open(t, tuple, pkt);
}

/* ---- track ---------------------------------------------------------------------------------- */

void
ct_track(struct ct_table *t, uint32_t conn, enum flow_dir dir, const struct ct_packet *pkt,
		struct ct_verdict *v)
{
	struct ct_conn *c = &t->conns[conn];
	uint64_t due;
	bool alive;

	memset(v, 0, sizeof(*v));
	v->reason = DROP_NONE;
	v->state = ct_answered(c, dir) ? CT_STATE_ESTABLISHED : CT_STATE_NEW;
	alive = ops_of_conn(c)->track(t, c, dir, pkt, v);
	if (v->reopen) {
		v->state = CT_STATE_NEW;
		return;
	}
	if (v->reason != DROP_NONE)
		v->state = CT_STATE_INVALID;
	else if (dir == FLOW_REPLY)
		c->status |= CT_S_SEEN_REPLY;
	if (alive)
		c->flow[dir].last_seen = time_tick(pkt->now);
	due = deadline(t, c, ct_tick64(pkt->now));
	if (due < t->wheel.link[conn].deadline) {
		ct_wheel_del(&t->wheel, conn);
		ct_wheel_add(&t->wheel, conn, due);
	}
}

/* ---- close ---------------------------------------------------------------------------------- */

void
ct_close(struct ct_table *t, uint32_t conn)
{
	struct ct_conn *c = &t->conns[conn];

	if ((c->status & (CT_S_USED | CT_S_DYING)) != CT_S_USED)
		return;
	ct_hash_remove(t, ct_flow_id(conn, FLOW_ORIGINAL));
	ct_hash_remove(t, ct_flow_id(conn, FLOW_REPLY));
	ct_wheel_del(&t->wheel, conn);
	ct_ext_unlink(t, conn);
	slot_retire(t, conn);
	t->stats.connections--;
	t->stats.connections6 -= c->flow[FLOW_ORIGINAL].key.family == 6;
	t->stats.closed++;
}

unsigned int
ct_age(struct ct_table *t, uint64_t now, uint32_t *closed, unsigned int limit)
{
	uint64_t tick = ct_tick64(now), due;
	unsigned int n = 0;
	uint32_t conn;

	while ((conn = ct_wheel_next(&t->wheel, tick, &limit)) != FLOW_NONE) {
		due = deadline(t, &t->conns[conn], tick);
		if (due > tick) {
			ct_wheel_add(&t->wheel, conn, due);
			continue;
		}
		ct_close(t, conn);
		t->stats.expired++;
		closed[n++] = conn;
	}
	return n;
}

bool
ct_age_due(struct ct_table *t, uint64_t now)
{
	return ct_wheel_due(&t->wheel, ct_tick64(now));
}

unsigned int
ct_reclaim(struct ct_table *t, unsigned int limit)
{
	struct ct_dying *d = &t->dying;
	unsigned int n;

	if (d->safe == d->marked && d->marked < d->in) {
		d->token = rte_rcu_qsbr_start(t->qsbr);
		d->marked = d->in;
	}
	if (d->safe < d->marked && rte_rcu_qsbr_check(t->qsbr, d->token, false) == 1)
		d->safe = d->marked;
	for (n = 0; n < limit && d->out < d->safe; n++)
		slot_give(t, d->conn[d->out++ % t->n_conns]);
	return n;
}

uint32_t
ct_expires_in(const struct ct_table *t, uint32_t conn, uint64_t now)
{
	uint64_t tick = ct_tick64(now), due = deadline(t, &t->conns[conn], tick);

	return due > tick ? (uint32_t)(((due - tick) << TIME_TICK_SHIFT) / TIME_NS_PER_S) : 0;
}
