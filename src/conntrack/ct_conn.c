/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a connection: open, track, close, age. Control lcore only; the session code
 * calls open, track and close, the control loop ages. Decides nothing: trackers say
 * what a packet means, callers what follows.
 */
#include <errno.h>
#include <netinet/in.h>

#include <rte_prefetch.h>

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
	case IPPROTO_SCTP:
		return &ct_sctp_ops;
	case IPPROTO_DCCP:
		return key->sport | key->dport ? &ct_dccp_ops : &ct_other_ops;
	case IPPROTO_GRE:
		return &ct_gre_ops;
	default:
		return &ct_other_ops;
	}
}

static const struct ct_ops *
ops_of_conn(const struct ct_conn *c)
{
	return ct_ops_of(&c->flow[FLOW_ORIGINAL].key);
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

uint64_t
ct_ticks_left(const struct ct_table *t, struct ct_conn *c, uint64_t tick)
{
	uint64_t due = deadline(t, c, tick);

	return due > tick ? due - tick : 0;
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

/* What is opened: the tuples of both directions, and how the hash table sees them. */
struct opening {
	struct flow_tuple tuple[2];
	struct ct_look look[2];
	uint8_t owner;
};

static void
conn_init(struct ct_table *t, uint32_t conn, const struct opening *o, const struct ct_packet *pkt)
{
	struct ct_conn *c = &t->conns[conn];
	unsigned int dir;

	memset(c, 0, sizeof(*c));
	for (dir = FLOW_ORIGINAL; dir <= FLOW_REPLY; dir++) {
		c->flow[dir].key = o->look[dir].key;
		c->flow[dir].last_seen = time_tick(pkt->now);
		c->flow[dir].owner = o->owner;
		if (o->look[dir].key.family == 6)
			memcpy(&t->conns6[conn].addr[2 * dir], o->look[dir].addr,
					sizeof(o->look[dir].addr));
	}
	c->status = CT_S_USED | nat_status(&o->tuple[FLOW_ORIGINAL], &o->tuple[FLOW_REPLY]);
	c->owner = o->owner;
	ops_of_conn(c)->open(t, c, pkt);
}

/* Both flows or none. */
static int
publish(struct ct_table *t, uint32_t conn, const struct opening *o)
{
	int rc = ct_hash_insert(t, ct_flow_id(conn, FLOW_ORIGINAL), o->look[FLOW_ORIGINAL].hash);

	if (rc != 0) {
		ct_slot_give(t, conn);
		return rc;
	}
	rc = ct_hash_insert(t, ct_flow_id(conn, FLOW_REPLY), o->look[FLOW_REPLY].hash);
	if (rc != 0) {
		ct_hash_remove(t, ct_flow_id(conn, FLOW_ORIGINAL), o->look[FLOW_ORIGINAL].hash);
		ct_slot_retire(t, conn);
	}
	return rc;
}

/* Is it allowed? 0, or why not. */
static int
may_enter(struct ct_table *t, const struct opening *o)
{
	const struct ct_zone *zone = ct_zone(t, o->tuple[FLOW_ORIGINAL].key.zone);

	if (ct_find_look(t, &o->look[FLOW_ORIGINAL]) != FLOW_NONE ||
			ct_find_look(t, &o->look[FLOW_REPLY]) != FLOW_NONE ||
			memcmp(&o->tuple[FLOW_ORIGINAL], &o->tuple[FLOW_REPLY],
					sizeof(o->tuple[0])) == 0) {
		t->stats.clashes++;
		return -EEXIST;
	}
	if (zone != NULL && zone->n >= zone->limit) {
		t->stats.zone_limited++;
		return -EDQUOT;
	}
	return 0;
}

static void
evict(struct ct_table *t, uint8_t family)
{
	for (unsigned int n = ct_slot_wanted(t, family); unlikely(n > 0); n--) {
		uint32_t conn = ct_slot_victim(t, family);

		if (conn == FLOW_NONE)
			return;
		ct_close_for(t, conn, CT_WHY_EARLY_DROP);
		t->stats.early_dropped++;
	}
}

/* A slot for it, published. */
static int
enter(struct ct_table *t, const struct opening *o, const struct ct_packet *pkt, uint32_t *conn)
{
	const uint8_t family = o->look[FLOW_ORIGINAL].key.family;

	evict(t, family);
	*conn = ct_slot_take(t, family);
	if (*conn == FLOW_NONE) {
		t->stats.full++;
		return -ENOSPC;
	}
	conn_init(t, *conn, o, pkt);
	if (publish(t, *conn, o) != 0) {
		t->stats.unplaced++;
		return -ENOSPC;
	}
	return 0;
}

int
ct_open(struct ct_table *t, const struct flow_tuple *original, const struct flow_tuple *reply,
		uint8_t owner, const struct ct_packet *pkt, uint32_t *conn)
{
	struct opening o = { .tuple = { *original, *reply }, .owner = owner };
	const uint64_t tick = ct_tick64(pkt->now);
	struct ct_zone *zone = ct_zone(t, original->key.zone);
	unsigned int dir;
	int rc;

	for (dir = FLOW_ORIGINAL; dir <= FLOW_REPLY; dir++) {
		struct ct_look *look = &o.look[dir];

		flow_tuple_seal(&o.tuple[dir]);
		flow_tuple_key(&t->hasher, &o.tuple[dir], &look->key);
		look->hash = flow_hasher_hash(&t->hasher, &look->key);
		look->addr[0] = o.tuple[dir].src;
		look->addr[1] = o.tuple[dir].dst;
		ct_hash_prefetch(t, look->hash);
	}
	rc = may_enter(t, &o);
	if (rc == 0)
		rc = enter(t, &o, pkt, conn);
	if (rc != 0)
		return rc;
	if (t->stats.connections == 0)
		ct_wheel_start(&t->wheel, tick);
	ct_wheel_add(&t->wheel, *conn, tick + timeout_ticks(t, &t->conns[*conn]));
	t->stats.connections++;
	t->stats.connections6 += original->key.family == 6;
	t->stats.opened++;
	if (zone != NULL)
		zone->n++;
	if (unlikely(t->events.on != 0))
		ct_event_opened(t, *conn, pkt->now);
	return 0;
}

enum drop_reason
ct_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	return ct_ops_of(&tuple->key)->may_open(t, tuple, pkt);
}

bool
ct_half_open(const struct ct_conn *c)
{
	const uint8_t state = c->tcp.state;

	return c->flow[FLOW_ORIGINAL].key.proto == IPPROTO_TCP &&
			(state == CT_TCP_SYN_SENT || state == CT_TCP_SYN_RECV ||
					state == CT_TCP_SYN_SENT2);
}

/* ---- track ---------------------------------------------------------------------------------- */

void
ct_track(struct ct_table *t, uint32_t conn, enum flow_dir dir, const struct ct_packet *pkt,
		struct ct_verdict *v)
{
	struct ct_conn *c = &t->conns[conn];
	struct ct_before before = ct_event_before(c);
	const bool half_open = ct_half_open(c);
	uint64_t due;
	bool alive;

	memset(v, 0, sizeof(*v));
	v->reason = DROP_NONE;
	if (ct_answered(c, dir))
		v->state = CT_STATE_ESTABLISHED;
	else
		v->state = c->status & CT_S_EXPECTED ? CT_STATE_RELATED : CT_STATE_NEW;
	alive = ops_of_conn(c)->track(t, c, dir, pkt, v);
	t->stats.half_open += ct_half_open(c);
	t->stats.half_open -= half_open;
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
	if (due < ct_wheel_deadline(&t->wheel, conn)) {
		ct_wheel_del(&t->wheel, conn);
		ct_wheel_add(&t->wheel, conn, due);
	}
	if (unlikely(t->events.on != 0))
		ct_event_tracked(t, conn, before, pkt->now);
}

/* ---- close ---------------------------------------------------------------------------------- */

static void
prefetch_conn(const struct ct_table *t, uint32_t conn)
{
	const struct ct_conn *c = &t->conns[conn];

	__builtin_prefetch(&c->flow[FLOW_ORIGINAL], 1);
	__builtin_prefetch(&c->flow[FLOW_REPLY], 1);
	__builtin_prefetch(c->tracker, 1);
}

void
ct_prefetch_open(const struct ct_table *t, uint32_t hash)
{
	ct_hash_prefetch(t, hash);
}

void
ct_prefetch_tuple(const struct ct_table *t, const struct flow_tuple *tuple)
{
	struct flow_key key;

	flow_tuple_key(&t->hasher, tuple, &key);
	ct_hash_prefetch(t, flow_hasher_hash(&t->hasher, &key));
}

void
ct_prefetch_close(const struct ct_table *t, uint32_t conn)
{
	prefetch_conn(t, conn);
	__builtin_prefetch(&t->wheel.link[conn], 1);
}

static uint32_t
hash_of(const struct ct_table *t, uint32_t conn, enum flow_dir dir)
{
	return flow_hasher_hash(&t->hasher, &t->conns[conn].flow[dir].key);
}

/* hash: of both directions. */
static void
close_conn(struct ct_table *t, uint32_t conn, const uint32_t hash[2], enum ct_why why)
{
	struct ct_conn *c = &t->conns[conn];
	struct ct_zone *zone = ct_zone(t, c->flow[FLOW_ORIGINAL].key.zone);

	if (unlikely(t->events.on != 0))
		ct_event_closed(t, conn, why);
	ct_hash_remove(t, ct_flow_id(conn, FLOW_ORIGINAL), hash[FLOW_ORIGINAL]);
	ct_hash_remove(t, ct_flow_id(conn, FLOW_REPLY), hash[FLOW_REPLY]);
	ct_wheel_del(&t->wheel, conn);
	ct_expects_forget(t, conn);
	ct_ext_unlink(t, conn);
	ct_slot_retire(t, conn);
	t->stats.half_open -= ct_half_open(c);
	t->stats.connections--;
	t->stats.connections6 -= c->flow[FLOW_ORIGINAL].key.family == 6;
	t->stats.closed++;
	if (zone != NULL)
		zone->n--;
}

void
ct_close_for(struct ct_table *t, uint32_t conn, enum ct_why why)
{
	uint32_t hash[2];

	if ((t->conns[conn].status & (CT_S_USED | CT_S_DYING)) != CT_S_USED)
		return;
	for (unsigned int dir = 0; dir < 2; dir++) {
		hash[dir] = hash_of(t, conn, dir);
		ct_hash_prefetch(t, hash[dir]);
	}
	close_conn(t, conn, hash, why);
}

/* ---- age ------------------------------------------------------------------------------------ */

/*
 * Timers that are looked at together: each needs three lines of its connection, then two buckets,
 * all of which are far away when a million connections are idle.
 */
#define AGE_BATCH 32

/* Close those of conn[] that are due, file the others again. */
static unsigned int
age_batch(struct ct_table *t, const uint32_t *conn, unsigned int n, uint64_t tick, uint32_t *closed)
{
	uint32_t hash[AGE_BATCH][2];
	unsigned int i, dir, n_closed = 0;

	for (i = 0; i < n; i++) {
		uint64_t due = deadline(t, &t->conns[conn[i]], tick);

		if (due > tick) {
			ct_wheel_add(&t->wheel, conn[i], due);
			continue;
		}
		for (dir = 0; dir < 2; dir++) {
			hash[n_closed][dir] = hash_of(t, conn[i], dir);
			ct_hash_prefetch(t, hash[n_closed][dir]);
		}
		closed[n_closed++] = conn[i];
	}
	for (i = 0; i < n_closed; i++)
		close_conn(t, closed[i], hash[i], CT_WHY_EXPIRED);
	t->stats.expired += n_closed;
	return n_closed;
}

void
ct_close(struct ct_table *t, uint32_t conn)
{
	ct_close_for(t, conn, CT_WHY_CLOSED);
}

unsigned int
ct_age(struct ct_table *t, uint64_t now, uint32_t *closed, unsigned int limit)
{
	const uint64_t tick = ct_tick64(now);
	uint32_t conn[AGE_BATCH];
	unsigned int n, n_closed = 0;

	t->events.now = now;
	do {
		for (n = 0; n < AGE_BATCH; n++) {
			conn[n] = ct_wheel_next(&t->wheel, tick, &limit);
			if (conn[n] == FLOW_NONE)
				break;
			prefetch_conn(t, conn[n]);
			rte_prefetch0(&t->ext_of[conn[n]]);
		}
		n_closed += age_batch(t, conn, n, tick, closed + n_closed);
	} while (n == AGE_BATCH);
	ct_expects_age(t, tick, &limit);
	return n_closed;
}

bool
ct_age_due(struct ct_table *t, uint64_t now)
{
	return ct_wheel_due(&t->wheel, ct_tick64(now)) || ct_expects_due(t, ct_tick64(now));
}

uint32_t
ct_expires_in(const struct ct_table *t, uint32_t conn, uint64_t now)
{
	uint64_t left = ct_ticks_left(t, &t->conns[conn], ct_tick64(now));

	return (uint32_t)((left << TIME_TICK_SHIFT) / TIME_NS_PER_S);
}
