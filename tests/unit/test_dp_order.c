/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Order and accounting under any interleaving of workers and control: packets of many connections, with SYN, FIN and
 * RST in between, are fed while the lcores take turns at random. What leaves of one direction of a connection must leave
 * in the order of entry, every packet must be somewhere at every step, and control must not touch the lines of a
 * connection that its worker may run. Workers miss flows that are there, as when entries are moved.
 * DP_ORDER_COUNTS=1 shows what was exercised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "ct_priv.h"
#include "test_dp.h"

#define CONNECTIONS 6
#define CLIENT_PORT 20000

/* A router between two hosts; `server`: how the second one's MAC address is known. */
#define CONFIG(workers, server, extra) \
	"{\"lcores\": {\"workers\": " workers "}, \"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"promiscuous\": true, \"addresses\": [\"198.51.100.2/24\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"promiscuous\": true," \
	" \"addresses\": [\"10.0.0.1/24\"]}]," \
	"\"neighbours\": [{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"}" server \
	"]," extra "}"
#define KNOWN ",{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}"
#define ASKED_FOR ""
/* What rides in every payload. */
struct tag {
	uint32_t schedule;
	uint16_t conn;
	uint16_t dir;
	uint32_t n;
};

struct direction {
	uint32_t sent, seen; /* tags */
	uint32_t seq;	     /* TCP */
};

struct shape {
	const char *json;
	uint64_t seed;
	unsigned int schedules;
	unsigned int tx_room;
	bool by_nic;	     /* two workers: packets arrive where no hash would send them */
	unsigned int misses; /* one in so many flows is missed in a worker's round; 0: none */
	bool any_order;
};

#define TABLE 256 /* connections */

/* Connections as they were before control's turn, and those that it may write. */
struct lending {
	struct ct_conn conn[TABLE];
	bool lent[DP_WORKERS_MAX][DP_GATE_SLOTS];
};

struct test {
	const struct shape *shape;
	struct rig rig;
	uint32_t schedule;
	uint64_t random;
	unsigned int fed; /* of this schedule */
	struct direction dir[CONNECTIONS][2];
	uint64_t out_of_order;
	uint64_t hidden;
	struct lending lending;
};

static uint32_t
draw(struct test *t, uint32_t n)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 11) % n;
}

/* ---- packets ------------------------------------------------------------------------------------------------------- */

/* Even connections are TCP. Flags come in any order: what the tracker calls invalid must keep its place as well. */
static uint8_t
choose_flags(struct test *t, const struct direction *d, unsigned int dir)
{
	static const uint8_t odd[] = { TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK, TCP_SYN,
		TCP_SYN | TCP_ACK };

	if (d->sent == 0)
		return dir == FLOW_ORIGINAL ? TCP_SYN : TCP_SYN | TCP_ACK;
	/*
	 * A connection that closes while packets of it are between two workers leaves those to whoever misses the flow
	 * first: only what closes in order is asked of workers that get packets of each other's connections.
	 */
	if (t->shape->by_nic)
		return draw(t, 12) == 0 ? odd[0] : TCP_ACK | TCP_PSH;
	if (draw(t, 12) == 0)
		return odd[draw(t, RTE_DIM(odd))];
	return TCP_ACK | TCP_PSH;
}

static void
feed_one(struct test *t)
{
	unsigned int c = draw(t, CONNECTIONS), dir = draw(t, 3) == 0;
	struct direction *d = &t->dir[c][dir], *other = &t->dir[c][!dir];
	struct tag tag = { t->schedule, (uint16_t)c, (uint16_t)dir, d->sent };
	const uint16_t client = (uint16_t)(CLIENT_PORT + (t->schedule * CONNECTIONS + c) % 40000);
	struct packet p = {
		.src = dir == FLOW_ORIGINAL ? "198.51.100.7" : "10.0.0.11",
		.dst = dir == FLOW_ORIGINAL ? "10.0.0.11" : "198.51.100.7",
		.sport = dir == FLOW_ORIGINAL ? client : 80,
		.dport = dir == FLOW_ORIGINAL ? 80 : client,
		.proto = c % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP,
		.seq = d->seq,
		.ack = other->seq,
		.payload = &tag,
		.len = sizeof(tag),
	};
	struct frame f;

	if (p.proto == IPPROTO_TCP)
		p.flags = choose_flags(t, d, dir);
	frame_build(&f, &p);
	if (!rig_feed(&t->rig, dir, (c / 2 + dir) % t->rig.port[dir].n_rx, &f))
		return;
	d->sent++;
	t->fed++;
	d->seq += p.len + ((p.flags & (TCP_SYN | TCP_FIN)) != 0);
}

/* ---- what comes out -------------------------------------------------------------------------------------------------- */

static void
see(struct test *t, const struct frame *f)
{
	struct direction *d;
	struct frame answer;
	struct tag tag;

	if (f->b[12] == 0x08 && f->b[13] == 0x06) {
		frame_neighbour(&answer, "10.0.0.11", "02:00:00:00:00:0b", "10.0.0.1", RIG_MAC);
		if (draw(t, 2) == 0)
			rig_feed(&t->rig, 1, 0, &answer);
		return;
	}
	if (f->len < 34 + sizeof(tag) || f->b[12] != 0x08 || f->b[13] != 0x00 ||
			(f->b[23] != IPPROTO_TCP && f->b[23] != IPPROTO_UDP))
		return; /* ICMP errors */
	memcpy(&tag, f->b + f->len - sizeof(tag), sizeof(tag));
	assert_in_range(tag.conn, 0, CONNECTIONS - 1);
	assert_in_range(tag.dir, 0, 1);
	if (tag.schedule != t->schedule)
		return; /* held for a neighbour until a later schedule */
	d = &t->dir[tag.conn][tag.dir];
	if (tag.n < d->seen && !t->shape->any_order) {
		fprintf(stderr, "schedule %u: connection %u, direction %u: %u after %u\n",
				tag.schedule, tag.conn, tag.dir, tag.n, d->seen - 1);
		t->out_of_order++;
	}
	d->seen = tag.n + 1;
}

static void
collect(struct test *t)
{
	struct frame f;

	for (unsigned int port = 0; port < 2; port++)
		while (rig_take_any(&t->rig, port, &f))
			see(t, &f);
}

/* ---- turns ------------------------------------------------------------------------------------------------------------ */

/* A worker's round while some entries are on their way from one bucket to the other. */
static void
worker_turn(struct test *t, unsigned int worker)
{
	struct ct_table *ct = t->rig.dp->ct;
	uint8_t tags[64][CT_SLOTS];

	if (t->shape->misses == 0 || draw(t, 3) == 0) {
		rig_worker(&t->rig, worker);
		return;
	}
	assert_in_range(ct->n_buckets, 1, RTE_DIM(tags));
	for (uint32_t b = 0; b < ct->n_buckets; b++) {
		memcpy(tags[b], ct->buckets[b].tag, CT_SLOTS);
		for (unsigned int i = 0; i < CT_SLOTS; i++)
			if (tags[b][i] != 0 && draw(t, t->shape->misses) == 0) {
				ct->buckets[b].tag[i] = 0;
				t->hidden++;
			}
	}
	rig_worker(&t->rig, worker);
	for (uint32_t b = 0; b < ct->n_buckets; b++)
		memcpy(ct->buckets[b].tag, tags[b], CT_SLOTS);
}

static void
lend(struct lending *l, const struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta_const(m);

	if (meta->gate < DP_GATE_SLOTS)
		l->lent[meta->worker][meta->gate] = true;
}

/* Whose packets are in control's hands: in the rings to it, or waiting for lines that their worker has let go. */
static void
note_lent(struct test *t)
{
	const struct dp *dp = t->rig.dp;
	struct lending *l = &t->lending;
	void *m = NULL;

	memset(l->lent, 0, dp->n_workers * sizeof(l->lent[0]));
	for (unsigned int i = 0; i < dp->n_workers; i++) {
		struct rte_ring *ring = dp->workers[i]->to_control;

		for (unsigned int n = rte_ring_count(ring); n > 0; n--) {
			assert_int_equal(rte_ring_sc_dequeue(ring, &m), 0);
			lend(l, m);
			assert_int_equal(rte_ring_sp_enqueue(ring, m), 0);
		}
	}
	for (unsigned int i = 0; i < dp->lend.n; i++) {
		const struct dp_lend_wait *e = &dp->lend.line[i];

		if (e->slot == DP_GATE_NOBODY)
			lend(l, e->m);
		else if (e->asked && (int32_t)(dp->workers[e->owner]->moves_done - e->ticket) >= 0)
			l->lent[e->owner][e->slot] = true;
	}
}

/* The slot was given to a connection that was opened since. */
static bool
is_another(const struct ct_conn *was, const struct ct_conn *now)
{
	return !flow_key_eq(&was->flow[0].key, &now->flow[0].key) ||
			now->flow[0].packets + now->flow[1].packets <
			was->flow[0].packets + was->flow[1].packets;
}

/* Control writes only what is lent to it, but for the word that a connection is closed. */
static void
control_turn(struct test *t)
{
	struct ct_conn *now = ct_conns(t->rig.dp->ct);
	struct lending *l = &t->lending;

	note_lent(t);
	memcpy(l->conn, now, sizeof(l->conn));
	rig_control(&t->rig);
	for (uint32_t i = 0; i < TABLE; i++) {
		struct ct_conn *was = &l->conn[i];

		if (!(was->flow[0].flags & FLOW_F_FAST) || l->lent[was->owner][i & DP_GATE_MASK] ||
				(was->status & CT_S_DYING) || !(now[i].status & CT_S_USED) ||
				is_another(was, &now[i]))
			continue;
		was->status |= now[i].status & CT_S_DYING;
		assert_memory_equal(was, &now[i], sizeof(*was));
	}
}

/* ---- schedules -------------------------------------------------------------------------------------------------------- */

static void
run_schedule(struct test *t, unsigned int packets)
{
	const uint32_t lean = 1 + draw(t, 9); /* some schedules starve control, some the worker */

	memset(t->dir, 0, sizeof(t->dir));
	for (unsigned int c = 0; c < CONNECTIONS; c++)
		t->dir[c][0].seq = t->dir[c][1].seq = 1000 * c;
	t->fed = 0;
	while (t->fed < packets) {
		uint32_t what = draw(t, 10 + lean);

		if (what < 4)
			for (uint32_t i = 1 + draw(t, 8); i > 0; i--)
				feed_one(t);
		else if (what < 8)
			worker_turn(t, draw(t, t->rig.dp->n_workers));
		else if (what < 9 + lean / 2)
			control_turn(t);
		else
			t->rig.now += draw(t, 2) == 0 ? draw(t, 1000) : draw(t, 200000000);
		collect(t);
		rig_check(&t->rig);
	}
	/* Read after every step: two workers send by two queues, which have no order between them. */
	do {
		for (unsigned int w = 0; w < t->rig.dp->n_workers; w++) {
			worker_turn(t, w);
			collect(t);
		}
		control_turn(t);
		rig_check(&t->rig);
		t->rig.now += TIME_NS_PER_S /
				100; /* what is held for a neighbour is given up some time */
	} while (!rig_idle(&t->rig) || t->rig.dp->workers[0]->n_parked != 0);
	t->rig.now += 700 * TIME_NS_PER_S; /* the next schedule's connections are new ones */
	rig_settle(&t->rig);
}

static void
show_counts(const struct test *t)
{
	struct counters sum = { .made = 0 }, *c = &sum;

	for (unsigned int i = 0; i < t->rig.dp->n_workers; i++)
		counters_add(&sum, &t->rig.dp->workers[i]->c);
	fprintf(stderr, "hidden %lu, lines asked for %lu\n", t->hidden, t->rig.dp->c.lines_asked);
	fprintf(stderr, "in %lu fast %lu slow %lu parked %lu handed over %lu out %lu\n",
			c->rx.packets, c->fast.packets, c->slow.packets, c->parked, c->handover,
			c->tx.packets);
	for (unsigned int i = 1; i < PUNT_COUNT; i++)
		fprintf(stderr, "  to control, %s: %lu\n", punt_name(i), c->punt[i]);
	for (unsigned int i = 1; i < DROP_COUNT; i++)
		if (rig_drops(&t->rig, i) != 0)
			fprintf(stderr, "  dropped, %s: %lu\n", drop_name(i),
					rig_drops(&t->rig, i));
}

static void
run_shape(const struct shape *shape)
{
	struct test *t = calloc(1, sizeof(*t));
	struct rig_params p = { .json = shape->json, .n_ports = 2, .tx_room = shape->tx_room };
	uint64_t parked = 0;

	p.n_rxq = p.n_txq = strstr(shape->json, "[1, 2]") != NULL ? 2 : 1;
	t->shape = shape;
	t->random = shape->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	rig_open(&t->rig, &p);
	for (unsigned int i = 0; i < 2; i++)
		t->rig.dp->ports[i].spread_by_nic = shape->by_nic;
	for (t->schedule = 1; t->schedule <= shape->schedules; t->schedule++)
		run_schedule(t, 40 + draw(t, 200));
	assert_int_equal(t->out_of_order, 0);
	assert_int_equal(t->rig.lost, 0);
	if (getenv("DP_ORDER_COUNTS") != NULL)
		show_counts(t);
	/* It was about something. */
	for (unsigned int i = 0; i < t->rig.dp->n_workers; i++)
		parked += t->rig.dp->workers[i]->c.parked;
	assert_true(parked > 100);
	assert_true(rig_fast(&t->rig) > 1000);
	assert_true(rig_punts(&t->rig, PUNT_TCP_FLAGS) > 100);
	assert_true(shape->misses == 0 || t->rig.dp->c.lines_asked > 100);
	rig_close(&t->rig);
	free(t);
}

#define TABLES(ring, hold) \
	"\"tables\": {\"connections\": 256, \"mbufs\": 4096, \"next-hops\": 64, \"ring-size\": " #ring \
	", \"hold-per-neighbour\": " #hold ", \"hold-total\": " #hold "}"
#define FORWARD "\"conntrack\": {\"invalid\": \"forward\"},"
#define DROP "\"conntrack\": {\"invalid\": \"drop\"},"

static void
test_plain(void **state)
{
	(void)state;
	run_shape(&(struct shape){ CONFIG("[1]", KNOWN, FORWARD TABLES(1024, 64)), 1, 4000 });
	run_shape(&(struct shape){ CONFIG("[1]", KNOWN, DROP TABLES(1024, 64)), 2, 1000 });
}

static void
test_small_rings(void **state)
{
	(void)state;
	run_shape(&(struct shape){ CONFIG("[1]", KNOWN, FORWARD TABLES(4, 0)), 3, 1000 });
	run_shape(&(struct shape){ CONFIG("[1]", KNOWN, FORWARD TABLES(32, 0)), 4, 1000 });
}

/* The server's MAC address is asked for, and the answer comes late or not at all. */
static void
test_neighbours(void **state)
{
	(void)state;
	run_shape(&(struct shape){ CONFIG("[1]", ASKED_FOR, FORWARD TABLES(1024, 64)), 5, 1500 });
	run_shape(&(struct shape){ CONFIG("[1]", ASKED_FOR, FORWARD TABLES(32, 4)), 6, 1500 });
}

/* The class is decided twice, and once more by layer 7. */
static void
test_classes(void **state)
{
	(void)state;
	run_shape(&(struct shape){
			CONFIG("[1]", KNOWN,
					FORWARD TABLES(256,
							16) ","
							    "\"classes\": [{\"name\": \"a\", \"mark\": 1}, {\"name\": \"b\", \"mark\": 2}],"
							    "\"rules\": [{\"class\": \"a\", \"state\": \"new\"},"
							    "{\"class\": \"a\", \"protocol\": \"tcp\", \"tls-sni\": \"a.example\"},"
							    "{\"class\": \"a\", \"protocol\": \"udp\", \"quic-dcid\": \"c0\"},"
							    "{\"class\": \"b\", \"state\": \"established\"}]"),
			7, 1000 });
}

/* Output queues of few entries refuse packets. */
static void
test_tx_full(void **state)
{
	(void)state;
	run_shape(&(struct shape){
			CONFIG("[1]", KNOWN, FORWARD TABLES(256, 16)), 8, 1000, .tx_room = 8 });
}

/* Spread by shunt; then by a device that sends the two directions to different workers. */
static void
test_two_workers(void **state)
{
	(void)state;
	run_shape(&(struct shape){ CONFIG("[1, 2]", KNOWN, FORWARD TABLES(256, 16)), 9, 2000 });
	run_shape(&(struct shape){ CONFIG("[1, 2]", KNOWN, FORWARD TABLES(256, 16)), 10, 2000,
			.by_nic = true });
	run_shape(&(struct shape){ CONFIG("[1, 2]", ASKED_FOR, FORWARD TABLES(16, 16)), 11, 1000,
			.by_nic = true });
}

/*
 * Workers miss flows that are there, in all the situations of the tests above. Where packets arrive at another worker than
 * the one that runs their connection, what it misses may overtake what it has handed over: only lending is asked of that.
 */
static void
test_false_misses(void **state)
{
	(void)state;
	run_shape(&(struct shape){
			CONFIG("[1]", KNOWN, FORWARD TABLES(1024, 64)), 12, 3000, .misses = 3 });
	run_shape(&(struct shape){
			CONFIG("[1]", KNOWN, DROP TABLES(256, 64)), 13, 1000, .misses = 12 });
	run_shape(&(struct shape){
			CONFIG("[1]", KNOWN, FORWARD TABLES(4, 0)), 14, 1000, .misses = 3 });
	run_shape(&(struct shape){
			CONFIG("[1]", ASKED_FOR, FORWARD TABLES(32, 4)), 15, 1500, .misses = 4 });
	run_shape(&(struct shape){
			CONFIG("[1, 2]", KNOWN, FORWARD TABLES(256, 16)), 16, 2000, .misses = 4 });
	run_shape(&(struct shape){ CONFIG("[1, 2]", KNOWN, FORWARD TABLES(256, 16)), 17, 2000,
			.by_nic = true, .misses = 6, .any_order = true });
	run_shape(&(struct shape){ CONFIG("[1, 2]", ASKED_FOR, FORWARD TABLES(16, 16)), 18, 1000,
			.by_nic = true, .misses = 6, .any_order = true });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_small_rings),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_tx_full),
		cmocka_unit_test(test_two_workers),
		cmocka_unit_test(test_false_misses),
	};

	if (rig_eal("0@0,1@0,2@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
