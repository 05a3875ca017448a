/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection table alone, on one lcore: what a look-up, an opening, a closing and an expiry cost when the table is
 * full as configured, with connections spread over all of its memory. scripts/bench runs it:
 *
 *   conntrack [EAL options] -- CONNECTIONS crc32c|siphash
 *
 * Prints rows of JSON. Keys and hashes are made outside of the measured time, as the parser makes them; look-ups are
 * bursts of 64 in random order, all of which hit. "opens-fresh" fills a new table, whose slots lie side by side;
 * "opens" fills it again after connections were closed in random order, so that nothing lies beside anything.
 * Exits with 77 when the table does not fit in memory.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include "base/pkt.h"
#include "base/time.h"
#include "conntrack/ct.h"

#define LOOKUPS (UINT32_C(1) << 23)
#define AHEAD 4 /* openings and closings that memory is asked for early */
#define BATCH PKT_BURST_MAX

struct bench {
	struct ct_table *t;
	const struct flow_hasher *h;
	const char *hash_name;
	uint32_t n;
	uint32_t *order; /* connections, shuffled */
	uint32_t *conn;	 /* index by number of the connection */
	uint64_t random;
	uint64_t now;
};

static void
fail(const char *what)
{
	fprintf(stderr, "conntrack: %s\n", what);
	exit(1);
}

static uint64_t
random_next(struct bench *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

static void
shuffle(struct bench *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		b->order[i] = i;
	for (uint32_t i = b->n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(random_next(b) % (i + 1)), was = b->order[i];

		b->order[i] = b->order[j];
		b->order[j] = was;
	}
}

/* Connection i: clients of 60,000 ports each, of one service. */
static struct flow_tuple
tuple_of(uint32_t i)
{
	struct flow_tuple t = { .key = { .family = 4, .proto = IPPROTO_UDP } };
	uint32_t src = rte_cpu_to_be_32(0xc6120001 + i / 60000), dst = rte_cpu_to_be_32(0x0a010001);

	t.key.sport = rte_cpu_to_be_16((uint16_t)(1024 + i % 60000));
	t.key.dport = rte_cpu_to_be_16(9000);
	memcpy(t.src.b, &src, sizeof(src));
	memcpy(t.dst.b, &dst, sizeof(dst));
	flow_tuple_seal(&t);
	return t;
}

static void
row(const struct bench *b, const char *what, uint64_t count, uint64_t cycles)
{
	printf("{\"name\": \"conntrack-%s-%s\", \"sessions\": %u, \"metric\": \"per_s\", \"value\": %.0f}\n",
			what, b->hash_name, b->n,
			(double)count * (double)rte_get_tsc_hz() / (double)cycles);
	printf("{\"name\": \"conntrack-%s-%s\", \"sessions\": %u, \"metric\": \"cycles\", \"value\": %.1f}\n",
			what, b->hash_name, b->n, (double)cycles / (double)count);
	fflush(stdout);
}

static void
memory_rows(const struct bench *b)
{
	struct ct_stats s;

	ct_stats(b->t, &s);
	printf("{\"name\": \"conntrack-table\", \"sessions\": %u, \"metric\": \"bytes_per_connection\", \"value\": %.1f}\n",
			b->n, (double)s.bytes / b->n);
	printf("{\"name\": \"conntrack-table\", \"sessions\": %u, \"metric\": \"load_percent\", \"value\": %.1f}\n",
			b->n, 200.0 * b->n / s.slots);
	fflush(stdout);
}

/* ---- what is measured --------------------------------------------------------------------------------------- */

/* Open every connection, in the order of b->order. */
static uint64_t
open_all(struct bench *b)
{
	static const struct pkt_info info;
	static const uint8_t l4[8];
	const struct ct_packet pkt = { &info, l4, sizeof(l4), sizeof(l4), b->now, 0 };
	struct flow_tuple tuple[BATCH], reply[BATCH];
	uint32_t hash[BATCH];
	uint64_t cycles = 0, begin;

	for (uint32_t done = 0; done < b->n;) {
		uint32_t n = RTE_MIN((uint32_t)BATCH, b->n - done), i;

		for (i = 0; i < n; i++) {
			struct flow_key key;

			tuple[i] = tuple_of(b->order[done + i]);
			if (!flow_tuple_reply(&tuple[i], &reply[i]))
				fail("a tuple without an answer");
			flow_tuple_key(b->h, &tuple[i], &key);
			hash[i] = flow_hasher_hash(b->h, &key);
		}
		begin = rte_rdtsc();
		for (i = 0; i < n && i < AHEAD; i++)
			ct_prefetch_open(b->t, hash[i]);
		for (i = 0; i < n; i++) {
			if (i + AHEAD < n)
				ct_prefetch_open(b->t, hash[i + AHEAD]);
			if (ct_open(b->t, &tuple[i], &reply[i], 0, &pkt,
					    &b->conn[b->order[done + i]]) != 0)
				fail("a connection finds no place");
		}
		cycles += rte_rdtsc() - begin;
		done += n;
	}
	return cycles;
}

static uint64_t
close_all(struct bench *b)
{
	uint64_t begin = rte_rdtsc();

	for (uint32_t i = 0; i < b->n; i++) {
		if (i + AHEAD < b->n)
			ct_prefetch_close(b->t, b->conn[b->order[i + AHEAD]]);
		ct_close(b->t, b->conn[b->order[i]]);
	}
	return rte_rdtsc() - begin;
}

static uint64_t
reclaim_all(struct bench *b)
{
	static uint32_t gone[1024];
	uint64_t begin = rte_rdtsc();

	while (ct_reclaim(b->t, gone, RTE_DIM(gone)) != 0)
		;
	return rte_rdtsc() - begin;
}

static uint64_t
look_up(struct bench *b)
{
	static struct pkt_burst burst;
	uint32_t want[PKT_BURST_MAX];
	uint64_t cycles = 0, begin;

	burst.n = PKT_BURST_MAX;
	for (uint32_t done = 0; done < LOOKUPS; done += burst.n) {
		for (unsigned int i = 0; i < burst.n; i++) {
			uint32_t r = (uint32_t)(random_next(b) >> 16), k = r % b->n;
			struct flow_tuple tuple = tuple_of(k), reply;

			want[i] = ct_flow_id(b->conn[k], r >> 31);
			if (r >> 31 && flow_tuple_reply(&tuple, &reply))
				tuple = reply;
			flow_tuple_key(b->h, &tuple, &burst.key[i]);
			burst.hash[i] = flow_hasher_hash(b->h, &burst.key[i]);
		}
		begin = rte_rdtsc();
		ct_find_burst(b->t, &burst);
		cycles += rte_rdtsc() - begin;
		if (memcmp(burst.flow, want, sizeof(want)) != 0)
			fail("a look-up finds another flow");
	}
	return cycles;
}

static uint64_t
age_all(struct bench *b)
{
	static uint32_t closed[1024];
	uint64_t begin = rte_rdtsc();
	uint32_t n = 0;

	b->now += 3600 * TIME_NS_PER_S;
	do {
		n += ct_age(b->t, b->now, closed, RTE_DIM(closed));
	} while (ct_age_due(b->t, b->now));
	if (n != b->n)
		fail("not all connections expired");
	return rte_rdtsc() - begin;
}

static void
run(struct bench *b)
{
	uint64_t cycles;

	shuffle(b);
	row(b, "opens-fresh", b->n, open_all(b));
	row(b, "look-ups", LOOKUPS, look_up(b));
	shuffle(b);
	row(b, "closes", b->n, close_all(b));
	cycles = reclaim_all(b);
	row(b, "reclaims", b->n, cycles);
	row(b, "opens", b->n, open_all(b));
	row(b, "expiries", b->n, age_all(b));
	reclaim_all(b);
}

/* ---- start -------------------------------------------------------------------------------------------------- */

static struct rte_rcu_qsbr *
make_rcu(void)
{
	struct rte_rcu_qsbr *rcu =
			rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);

	if (rcu == NULL || rte_rcu_qsbr_init(rcu, 1) != 0)
		fail("no memory");
	return rcu;
}

int
main(int argc, char **argv)
{
	struct bench b = { .random = 88172645463325252u, .now = 1000 * TIME_NS_PER_S };
	struct ct_params p = { .socket_id = SOCKET_ID_ANY };
	int used = rte_eal_init(argc, argv);
	uint64_t begin;

	if (used < 0 || argc - used != 3)
		fail("conntrack [EAL options] -- CONNECTIONS crc32c|siphash");
	b.n = (uint32_t)strtoul(argv[used + 1], NULL, 10);
	b.hash_name = argv[used + 2];
	p.connections = b.n;
	p.connections6 = b.n / 4;
	p.extensions = b.n / 8;
	p.hasher = flow_hasher_make(
			strcmp(b.hash_name, "siphash") == 0 ? FLOW_HASH_SIPHASH : FLOW_HASH_CRC32C,
			0x5eed, NULL);
	p.qsbr = make_rcu();
	ct_timeouts_default(&p.timeouts);
	b.order = malloc(b.n * sizeof(*b.order));
	b.conn = malloc(b.n * sizeof(*b.conn));
	begin = rte_rdtsc();
	b.t = ct_create(&p);
	if (b.t == NULL || b.order == NULL || b.conn == NULL) {
		fprintf(stderr, "conntrack: %u connections do not fit in memory\n", b.n);
		return b.n != 0 && rte_errno == ENOMEM ? 77 : 1;
	}
	fprintf(stderr, "conntrack: %u connections made in %.2f s\n", b.n,
			(double)(rte_rdtsc() - begin) / (double)rte_get_tsc_hz());
	b.h = ct_hasher(b.t);
	memory_rows(&b);
	run(&b);
	ct_destroy(b.t);
	rte_free(p.qsbr);
	free(b.order);
	free(b.conn);
	rte_eal_cleanup();
	return 0;
}
