/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments through the whole dataplane: they are put together, tracked and translated, and leave in fragments; what waits
 * holds up nobody; and every packet is accounted for.
 */
#include "test_dp_net.h"

#include <stdlib.h>
#include <string.h>

#define NETS \
	"\"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\"," \
	" \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]}," \
	"{\"name\": \"narrow\", \"device\": \"net_ring_rig2\", \"role\": \"internal\", \"mtu\": 1400," \
	" \"addresses\": [\"10.1.0.1/24\", \"2001:db8:3::1/64\"]}]," \
	"\"neighbours\": [" \
	"{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"ext\", \"address\": \"2001:db8:e::7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"int\", \"address\": \"2001:db8:2::11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"narrow\", \"address\": \"10.1.0.11\", \"mac\": \"02:00:00:00:00:1b\"}," \
	"{\"port\": \"narrow\", \"address\": \"2001:db8:3::11\", \"mac\": \"02:00:00:00:00:1b\"}]," \
	"\"services\": [" \
	"{\"name\": \"s4\", \"vip\": \"192.0.2.10\", \"protocol\": \"udp\", \"port\": 53," \
	" \"backends\": [{\"address\": \"10.0.0.11\", \"port\": 5353}]}," \
	"{\"name\": \"s6\", \"vip\": \"2001:db8:1::10\", \"protocol\": \"udp\", \"port\": 53," \
	" \"backends\": [{\"address\": \"2001:db8:2::11\", \"port\": 5353}]}]"
#define TABLES_ \
	"\"tables\": {\"connections\": 64, \"mbufs\": 1024, \"next-hops\": 256, \"ring-size\": 64," \
	" \"hold-per-neighbour\": 4, \"hold-total\": 16}"
#define JSON(workers, fragments) \
	"{\"lcores\": {\"workers\": " workers "}, " NETS ", " TABLES_ fragments "}"

#define IP_MAX 65535
#define L2 14

static const struct family {
	uint8_t family;
	uint8_t header; /* of IP */
	const char *client, *vip, *server, *narrow;
} families[] = {
	{ 4, 20, "198.51.100.7", "192.0.2.10", "10.0.0.11", "10.1.0.11" },
	{ 6, 40, "2001:db8:e::7", "2001:db8:1::10", "2001:db8:2::11", "2001:db8:3::11" },
};

/* ---- datagrams that no frame holds ----------------------------------------------------------------------------------- */

struct datagram {
	uint32_t len;	      /* of the transport part */
	struct frame headers; /* Ethernet and IP of a packet like it */
	uint8_t b[IP_MAX];
};

static uint32_t
sum(const uint8_t *data, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void
put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* As `p` says, but with `len` bytes behind its transport header; its checksum is right. */
static void
build(struct datagram *d, const struct packet *p, uint32_t len, bool df)
{
	const bool v6 = strchr(p->src, ':') != NULL;
	const uint32_t h = v6 ? 40 : 20;
	uint32_t l4 = p->proto == IPPROTO_TCP ? 20 : 8, at, s = 0;
	struct packet head = *p;
	uint8_t *ip;

	head.len = 0;
	frame_build(&d->headers, &head);
	ip = d->headers.b + L2;
	memcpy(d->b, ip + h, l4);
	for (uint32_t i = 0; i < len; i++)
		d->b[l4 + i] = (uint8_t)(i * 7 + (i >> 8));
	d->len = l4 + len;
	if (!v6 && !df)
		ip[6] = 0;
	at = p->proto == IPPROTO_TCP ? 16 : p->proto == IPPROTO_UDP ? 6 : 2;
	if (p->proto == IPPROTO_UDP)
		put16(d->b + 4, d->len);
	put16(d->b + at, 0);
	if (p->proto != IPPROTO_ICMP)
		s = sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, d->len + p->proto);
	s = ~sum(d->b, d->len, s) & 0xffff;
	put16(d->b + at, s == 0 && p->proto == IPPROTO_UDP ? 0xffff : s);
}

/* The fragment of d that begins at `from`, or the whole when it is long enough. */
static void
cut(struct frame *f, const struct datagram *d, uint32_t from, uint32_t len, uint16_t id)
{
	const bool v6 = frame_family(&d->headers) == 6, more = from + len < d->len;
	uint32_t h = L2 + (v6 ? 40 : 20);
	uint8_t *ip = f->b + L2;

	memcpy(f->b, d->headers.b, h);
	if (v6 && (more || from != 0)) {
		memset(f->b + h, 0, 8);
		f->b[h] = ip[6];
		ip[6] = 44;
		put16(f->b + h + 2, from | more);
		put16(f->b + h + 6, id);
		h += 8;
	}
	memcpy(f->b + h, d->b + from, len);
	f->len = h + len;
	if (v6) {
		put16(ip + 4, f->len - L2 - 40);
		return;
	}
	put16(ip + 2, f->len - L2);
	put16(ip + 4, id);
	put16(ip + 6, (ip[6] & 0x40u) << 8 | (more ? 0x2000u : 0) | from / 8);
	put16(ip + 10, 0);
	put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
}

static unsigned int
feed_pieces(const struct datagram *d, unsigned int port, uint32_t step, uint16_t id)
{
	unsigned int n = 0;
	struct frame f;

	for (uint32_t at = 0; at < d->len; at += step, n++) {
		cut(&f, d, at, RTE_MIN(step, d->len - at), id);
		assert_true(rig_feed(&rig, port, 0, &f));
		rig_settle(&rig);
		rig_check(&rig);
	}
	return n;
}

/* Everything that left by the port are fragments of `want`, in order; how many. The longest is *largest. */
static unsigned int
assert_left(unsigned int port, const struct datagram *want, uint32_t *largest)
{
	const uint32_t h = L2 + (frame_family(&want->headers) == 6 ? 40 : 20);
	static struct datagram got;
	unsigned int n = 0;
	struct frame f;

	got.len = 0;
	*largest = 0;
	for (; rig_take(&rig, port, 0, &f); n++) {
		const bool v6 = frame_family(&f) == 6;
		uint32_t skip = v6 && f.b[L2 + 6] == 44 ? h + 8 : h, off;

		off = skip != h	     ? (f.b[h + 2] << 8 | f.b[h + 3]) & 0xfff8
				: v6 ? 0
				     : ((f.b[L2 + 6] & 0x1f) << 8 | f.b[L2 + 7]) * 8u;
		assert_int_equal(off, got.len);
		assert_memory_equal(f.b, want->headers.b, 12);
		assert_memory_equal(f.b + h - (v6 ? 32 : 8), want->headers.b + h - (v6 ? 32 : 8),
				v6 ? 32 : 8);
		if (!v6)
			assert_int_equal(sum(f.b + L2, 20, 0), 0xffff);
		memcpy(got.b + got.len, f.b + skip, f.len - skip);
		got.len += f.len - skip;
		*largest = RTE_MAX(*largest, f.len - L2);
	}
	assert_int_equal(got.len, want->len);
	assert_memory_equal(got.b, want->b, want->len);
	return n;
}

static struct packet
udp_to(const struct family *fam, const char *dst, uint16_t dport)
{
	return (struct packet){
		.src = fam->client, .dst = dst, .proto = IPPROTO_UDP, .sport = 4000, .dport = dport
	};
}

/* As it leaves: from shunt's MAC to the backend's. */
static void
expect(struct datagram *d, const struct family *fam, const char *dst, const char *mac,
		uint16_t dport, uint32_t len)
{
	struct packet p = udp_to(fam, dst, dport);

	p.dmac = mac;
	p.smac = RIG_MAC;
	build(d, &p, len, false);
}

/* ---- through a service ---------------------------------------------------------------------------------------------------- */

static struct datagram in, out;

static void
test_service(void **state)
{
	static const uint32_t lens[] = { 1, 1480, 1481, 3000, 20001, 60000 };
	const uint32_t step = 1448;

	(void)state;
	rig_open(&rig, &(struct rig_params){ .json = JSON("[1]", ""), .n_ports = 3 });
	for (unsigned int i = 0; i < RTE_DIM(families); i++)
		for (unsigned int k = 0; k < RTE_DIM(lens); k++) {
			const struct family *fam = &families[i];
			struct packet p = udp_to(fam, fam->vip, 53);
			unsigned int n;
			uint32_t largest;

			build(&in, &p, lens[k], false);
			expect(&out, fam, fam->server, "02:00:00:00:00:0b", 5353, lens[k]);
			n = feed_pieces(&in, 0, step, (uint16_t)(k + 1));
			assert_int_equal(assert_left(1, &out, &largest), n);
			if (n > 1)
				assert_int_equal(largest, step + fam->header + (i == 1 ? 8 : 0));
		}
	assert_true(rig.dp->c.reassembled > 0);
	assert_int_equal(rig.dp->c.fragmented, rig.dp->c.reassembled);
	assert_int_equal(rig_punts(&rig, PUNT_REASSEMBLED) + rig_punts(&rig, PUNT_MISS) +
					rig_punts(&rig, PUNT_NOT_FAST),
			12);
	rig_close(&rig);
}

/* A larger connection that runs on the worker, to a narrow link, to two workers: no way past the tracker. */
static void
test_established(void **state)
{
	static const char *const workers[] = { "[1]", "[1, 2]" };
	uint32_t largest;

	(void)state;
	for (unsigned int w = 0; w < RTE_DIM(workers); w++) {
		rig_open(&rig,
				&(struct rig_params){ .json = w == 0 ? JSON("[1]", "")
								     : JSON("[1, 2]", ""),
						.n_ports = 3,
						.n_rxq = w + 1,
						.n_txq = w + 1 });
		for (unsigned int i = 0; i < RTE_DIM(families); i++) {
			const struct family *fam = &families[i];
			struct packet p = udp_to(fam, fam->server, 53);
			struct packet first = p;
			struct frame f;

			first.payload = "question";
			first.len = 8;
			for (unsigned int q = 0; q < 3; q++)
				establish(&first);
			build(&in, &p, 5000, false);
			expect(&out, fam, fam->server, "02:00:00:00:00:0b", 53, 5000);
			feed_pieces(&in, 0, 1448, 9);
			if (w == 0)
				assert_int_equal(assert_left(1, &out, &largest), 4);
			while (rig_take_any(&rig, 1, &f))
				;
		}
		assert_true(rig_punts(&rig, PUNT_REASSEMBLED) == 2);
		rig_close(&rig);
	}
}

/* ---- links ------------------------------------------------------------------------------------------------------------------ */

static void
test_narrow(void **state)
{
	struct packet p = udp_to(&families[0], families[0].narrow, 9);
	static const uint8_t zeros[1472];
	struct frame f;
	uint32_t largest;

	(void)state;
	rig_open(&rig, &(struct rig_params){ .json = JSON("[1]", ""), .n_ports = 3 });
	/* IPv4 without DF: cut finer; whole: cut. */
	build(&in, &p, 20000, false);
	expect(&out, &families[0], families[0].narrow, "02:00:00:00:00:1b", 9, 20000);
	feed_pieces(&in, 0, 1480, 1);
	assert_int_equal(assert_left(2, &out, &largest), 15);
	assert_true(largest <= 1400);
	build(&in, &p, 1472, false);
	expect(&out, &families[0], families[0].narrow, "02:00:00:00:00:1b", 9, 1472);
	feed_pieces(&in, 0, 1480, 2);
	assert_int_equal(assert_left(2, &out, &largest), 2);
	/* With DF: both are refused, and the sender is told. */
	build(&in, &p, 20000, true);
	feed_pieces(&in, 0, 1480, 3);
	assert_true(rig_take(&rig, 0, 0, &f));
	assert_int_equal(f.b[34] << 8 | f.b[35], 3 << 8 | 4);
	assert_int_equal(f.b[40] << 8 | f.b[41], 1400);
	p.payload = zeros, p.len = sizeof(zeros);
	rig_run(&rig, 0, &p);
	assert_true(rig_take(&rig, 0, 0, &f));
	assert_int_equal(rig_drops(&rig, DROP_MTU_EXCEEDED), 2);
	assert_int_equal(left(2), 0);
	/* With DF and small enough: with DF as they came. */
	p = udp_to(&families[0], families[0].narrow, 9);
	build(&in, &p, 5000, true);
	feed_pieces(&in, 0, 1376, 4);
	assert_true(rig_take(&rig, 2, 0, &f));
	assert_int_equal(f.b[L2 + 6] & 0x40, 0x40);
	assert_int_equal(left(2), 3);
	/* IPv6: no router cuts what its sender has not. */
	p = udp_to(&families[1], families[1].narrow, 9);
	build(&in, &p, 20000, false);
	feed_pieces(&in, 0, 1448, 5);
	assert_true(rig_take(&rig, 0, 0, &f));
	assert_int_equal(f.b[54] << 8, 2 << 8);
	assert_int_equal(f.b[60] << 8 | f.b[61], 1400);
	assert_int_equal(left(2), 0);
	expect(&out, &families[1], families[1].narrow, "02:00:00:00:00:1b", 9, 20000);
	p = udp_to(&families[1], families[1].narrow, 9);
	build(&in, &p, 20000, false);
	feed_pieces(&in, 0, 1352, 6);
	assert_int_equal(assert_left(2, &out, &largest), 15);
	assert_int_equal(largest, 1400);
	rig_close(&rig);
}

/* Held whole, cut when the neighbour answers; very long ones do not wait when buffers are short. */
static void
test_hold(void **state)
{
	struct packet p = udp_to(&families[0], "10.0.0.12", 9);
	struct frame f;
	uint32_t largest;

	(void)state;
	rig_open(&rig, &(struct rig_params){ .json = JSON("[1]", ""), .n_ports = 3 });
	build(&in, &p, 20000, false);
	expect(&out, &families[0], "10.0.0.12", "02:00:00:00:00:0c", 9, 20000);
	feed_pieces(&in, 0, 1480, 1);
	assert_int_equal(l3_held(rig.dp->l3), 1);
	assert_true(rig_take(&rig, 1, 0, &f)); /* the question */
	frame_neighbour(&f, "10.0.0.12", "02:00:00:00:00:0c", "10.0.0.1", RIG_MAC);
	assert_true(rig_feed(&rig, 1, 0, &f));
	rig_settle(&rig);
	rig_check(&rig);
	assert_int_equal(assert_left(1, &out, &largest), 14);
	/* Nobody has this one. */
	p.dst = "10.0.0.13";
	build(&in, &p, 60000, false);
	for (uint16_t i = 0; i < 20; i++)
		feed_pieces(&in, 0, 1480, i);
	assert_true(rte_mempool_avail_count(rig.dp->pool) >= 400);
	assert_true(rig_drops(&rig, DROP_NEIGH_HOLD_FULL) > 0);
	rig_close(&rig);
}

/* ---- no way past the tracker ----------------------------------------------------------------------------------------- */

static void
test_tcp(void **state)
{
	struct packet p = udp_to(&families[0], families[0].server, 80);
	struct packet syn = p, synack, ack, data = p;
	uint32_t largest;

	(void)state;
	rig_open(&rig, &(struct rig_params){ .json = JSON("[1]", ""), .n_ports = 3 });
	syn.proto = IPPROTO_TCP, syn.seq = 1000, syn.flags = TCP_SYN;
	synack = answer_to(&syn);
	synack.seq = 5000, synack.ack = 1001, synack.flags = TCP_SYN | TCP_ACK;
	ack = syn;
	ack.seq = 1001, ack.ack = 5001, ack.flags = TCP_ACK;
	rig_run(&rig, 0, &syn);
	rig_run(&rig, 1, &synack);
	rig_run(&rig, 0, &ack);
	left(0), left(1);
	data = ack;
	build(&in, &data, 4000, false);
	feed_pieces(&in, 0, 1480, 1);
	data.dmac = "02:00:00:00:00:0b", data.smac = RIG_MAC;
	build(&out, &data, 4000, false);
	assert_int_equal(assert_left(1, &out, &largest), 3);
	/* Far outside of the window; with a broken checksum; its answer to the good one is expected. */
	data = ack;
	data.seq = 0x70000000;
	build(&in, &data, 4000, false);
	feed_pieces(&in, 0, 1480, 2);
	assert_int_equal(rig_drops(&rig, DROP_CT_TCP_WINDOW), 1);
	data.seq = 5001;
	build(&in, &ack, 4000, false);
	in.b[3999] ^= 1;
	feed_pieces(&in, 0, 1480, 3);
	assert_int_equal(rig_drops(&rig, DROP_TCP_CHECKSUM), 1);
	assert_int_equal(left(1), 0);
	synack.seq = 5001, synack.ack = 1001 + 4000, synack.flags = TCP_ACK;
	rig_run(&rig, 1, &synack);
	assert_int_equal(left(0), 1);
	rig_close(&rig);
}

/* ---- what waits --------------------------------------------------------------------------------------------------------------- */

/* A bomb fills its share and no more; it holds nothing in flight, and everybody else goes on. */
static void
test_bomb(void **state)
{
	struct packet p = udp_to(&families[0], families[0].server, 9), good = udp(2000);
	const struct dp_worker *w;
	struct frame f;

	(void)state;
	good.dst = families[0].server;
	rig_open(&rig, &(struct rig_params){ .json = JSON("[1]", ""), .n_ports = 3 });
	w = rig.dp->workers[0];
	establish(&good);
	build(&in, &p, 60000, false);
	for (uint32_t i = 0; i < 20000; i++) {
		cut(&f, &in, 8 + 1472 * (i % 30), 1472, (uint16_t)i);
		assert_true(rig_feed(&rig, 0, 0, &f));
		if (i % 32 != 31)
			continue;
		rig_settle(&rig);
		assert_int_equal(w->in_flight, 0);
		assert_true(rte_mempool_in_use_count(rig.dp->pool) <= 1024 / 4);
	}
	rig_check(&rig);
	assert_int_equal(session_frag_waiting(rig.dp), 64);
	assert_true(rig_drops(&rig, DROP_FRAG_LIMIT) > 19000);
	rig_run(&rig, 0, &good);
	assert_int_equal(left(1), 1);
	/* Given up in time; no first fragment, nothing to say. */
	rig.now += 31 * TIME_NS_PER_S;
	rig_settle(&rig);
	assert_int_equal(session_frag_waiting(rig.dp), 0);
	assert_int_equal(rig_drops(&rig, DROP_FRAG_TIMEOUT), 64);
	assert_int_equal(left(0), 0);
	rig_close(&rig);
}

static void
test_timeout(void **state)
{
	struct frame f;

	(void)state;
	rig_open(&rig,
			&(struct rig_params){
					.json = JSON("[1]", ", \"fragments\": {\"timeout\": 5}"),
					.n_ports = 3 });
	for (unsigned int i = 0; i < RTE_DIM(families); i++) {
		const struct family *fam = &families[i];
		struct packet p = udp_to(fam, fam->server, 9);

		build(&in, &p, 3000, false);
		cut(&f, &in, 0, 1448, 1);
		assert_true(rig_feed(&rig, 0, 0, &f));
		rig_settle(&rig);
		rig.now += 4 * TIME_NS_PER_S;
		rig_settle(&rig);
		assert_int_equal(left(0), 0);
		rig.now += TIME_NS_PER_S + 1;
		rig_settle(&rig);
		rig_check(&rig);
		assert_true(rig_take(&rig, 0, 0, &f)); /* time exceeded in reassembly */
		assert_int_equal(f.b[L2 + fam->header], i == 0 ? 11 : 3);
		assert_int_equal(f.b[L2 + fam->header + 1], 1);
	}
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_established),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_timeout),
	};

	if (rig_eal("0@0,1@0,2@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
