/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator's flows: frames are right in every length and checksum, the same for the same seed, as many flows as asked
 * for, of the asked sizes at the asked times; and every bad option is refused by name.
 */
#include <stdlib.h>

#include "test_wire.h"

typedef void (*each_fn)(void *arg, struct rte_mbuf *m, uint64_t when);

/* n frames of an unpaced wire. */
static void
take(struct wire *w, uint32_t n, each_fn each, void *arg)
{
	struct rte_mbuf *m[48];
	uint64_t when[48];

	for (uint32_t got = 0; got < n;) {
		const uint16_t want = (uint16_t)RTE_MIN(n - got, RTE_DIM(m));
		const uint16_t k = w->ops->rx(w, 0, pool, m, when, want, 1000 + got);

		assert_true(k > 0 && k <= want);
		for (uint16_t i = 0; i < k; i++)
			each(arg, m[i], when[i]);
		rte_pktmbuf_free_bulk(m, k);
		got += k;
	}
	assert_true(w->stats.rx_frames >= n);
}

static void
hash_frame(void *arg, struct rte_mbuf *m, uint64_t when)
{
	uint64_t *h = arg;

	(void)when;
	for (uint32_t i = 0; i < m->data_len; i++)
		*h = (*h ^ rte_pktmbuf_mtod(m, uint8_t *)[i]) * UINT64_C(0x100000001b3);
	*h ^= *h >> 29 ^ m->data_len;
}

static uint64_t
hash_of(const char *text, uint32_t n)
{
	struct wire *w = open_wire(text, true);
	uint64_t h = 1;

	take(w, n, hash_frame, &h);
	w->ops->close(w);
	return h;
}

/* Shapes of which each takes another way through the code. */
static const char *const shapes[] = {
	"gen:flows=1",
	"gen:flows=1000",
	"gen:flows=1000;order=round",
	"gen:flows=1000;order=zipf:1.1",
	"gen:flows=1000;proto=tcp;tcp-flags=S",
	"gen:flows=1000;ipv6=1",
	"gen:flows=1000;ipv6=1;proto=tcp",
	"gen:flows=1000;vlan=100",
	"gen:flows=1000;vlan=100;size=imix;proto=mix;ipv6=50%;payload=random",
	"gen:flows=1000;size=64-1518;proto=mix:30;ipv6=10%;payload=inc",
	"gen:flows=1000;size=251;payload=random",
	"gen:flows=1000;size=260;payload=random",
	"gen:flows=1000;size=261;payload=random",
	"gen:flows=1000;size=114;vxlan=77",
	"gen:flows=1000;size=64;vxlan=77;proto=tcp;ipv6=1",
	"gen:flows=1000;size=200;vxlan=77;vlan=5;ipv6=30%;out-src=192.0.2.0/24",
	"gen:flows=1000;check=1;size=80-120;proto=mix;payload=random",
	"gen:sessions=1000;size=114;vxlan=16777215",
	"gen:sessions=1000;proto=tcp",
	"gen:sessions=1000;proto=tcp;dir=reply;ipv6=1",
	"gen:sessions=1000;proto=mix;ipv6=50%;size=imix;churn=1000000",
	"gen:sessions=1000;proto=tcp;handshake=1;order=round;vxlan=1",
	"gen:sessions=300;reply-src=203.0.113.0/28;reply-dst=203.0.113.99;reply-dport=7;reply-sport=9",
};

static void
check_frame(void *arg, struct rte_mbuf *m, uint64_t when)
{
	struct seen_frame f;

	(void)arg;
	(void)when;
	read_frame(m, &f);
}

static void
frames_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		struct wire *w = open_wire(shapes[i], true);

		take(w, 4000, check_frame, NULL);
		w->ops->close(w);
	}
}

static void
same_seed_same_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(shapes); i++) {
		char other[256];

		snprintf(other, sizeof(other), "%s;seed=2", shapes[i]);
		assert_true(hash_of(shapes[i], 1000) == hash_of(shapes[i], 1000));
		assert_true(hash_of(shapes[i], 1000) != hash_of(other, 1000));
	}
}

struct counted {
	struct set set;
	uint32_t frames, tcp, v6;
	uint32_t length[SIM_FRAME_MAX + 1];
};

static void
count_frame(void *arg, struct rte_mbuf *m, uint64_t when)
{
	struct counted *c = arg;
	struct seen_frame f;

	(void)when;
	read_frame(m, &f);
	c->frames++;
	if (c->set.slot != NULL && set_add(&c->set, tuple_hash(&f))) {
		c->tcp += f.proto == 6;
		c->v6 += f.version == 6;
	}
	c->length[f.len]++;
}

/* In one round each flow comes once, and no two are the same. */
static void
as_many_flows_as_asked(void **state)
{
	static const struct {
		const char *text;
		uint32_t n;
	} cases[] = {
		{ "gen:flows=1;order=round", 1 },
		{ "gen:flows=2;order=round", 2 },
		{ "gen:flows=1000;order=round", 1000 },
		{ "gen:flows=32768;order=round;src=10.0.0.1", 32768 },
		{ "gen:flows=65536;order=round;src=10.0.0.0/16;sport=9", 65536 },
		{ "gen:flows=4096;order=round;src=10.0.0.0/30;dst=10.1.0.0/30;sport=10-25;dport=1-16",
				4096 },
		{ "gen:flows=100000;order=round;ipv6=1", 100000 },
		{ "gen:flows=100000;order=round;ipv6=30%;proto=mix:20", 100000 },
		{ "gen:flows=100000;order=round;size=imix", 100000 },
		{ "gen:flows=30000;order=round;seed=99;ipv6=1;src6=2001:db8::/64;sport=5", 30000 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct counted *c = calloc(1, sizeof(*c));
		struct wire *w = open_wire(cases[i].text, true);

		c->set = (struct set){ calloc(1 << 18, 8), (1 << 18) - 1, 0 };
		take(w, 2 * cases[i].n, count_frame, c);
		if (c->set.n != cases[i].n)
			fail_msg("%s: %u flows", cases[i].text, c->set.n);
		if (strstr(cases[i].text, "30%") != NULL) {
			assert_in_range(c->v6, 29000, 31000);
			assert_in_range(c->tcp, 19000, 21000);
		}
		w->ops->close(w);
		free(c->set.slot);
		free(c);
	}
}

static void
sizes_as_asked(void **state)
{
	struct counted *c = calloc(1, sizeof(*c));
	struct wire *w = open_wire("gen:size=imix", true);
	uint32_t sum = 0;

	(void)state;
	take(w, 120000, count_frame, c);
	w->ops->close(w);
	/* 7, 4 and 1 of 12, each within some five standard deviations. */
	assert_in_range(c->length[60], 69100, 70900);
	assert_in_range(c->length[590], 39100, 40900);
	assert_in_range(c->length[1514], 9500, 10500);
	assert_int_equal(c->length[60] + c->length[590] + c->length[1514], 120000);
	memset(c, 0, sizeof(*c));
	w = open_wire("gen:size=100-199", true);
	take(w, 100000, count_frame, c);
	w->ops->close(w);
	for (uint32_t i = 96; i <= 195; i++) {
		assert_in_range(c->length[i], 840, 1160);
		sum += c->length[i];
	}
	assert_int_equal(sum, 100000);
	free(c);
}

/* Flow 0 of zipf:1 over 1000 has 1 / H(1000) = 13.4 % of the frames; all come. */
static void
zipf_is_zipf(void **state)
{
	struct wire *w = open_wire("gen:flows=1000;order=zipf:1;check=1;size=100", true);
	struct rte_mbuf *m[32];
	uint32_t hits[1000] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 200000; i += 32) {
		assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 32, 5), 32);
		for (uint32_t k = 0; k < 32; k++) {
			struct seen_frame f;

			read_frame(m[k], &f);
			assert_int_equal(be(f.data, 2), 0x5347);
			assert_true(be(f.data + 2, 4) < 1000);
			/* Numbers of a flow are one after the other. */
			assert_int_equal(be(f.data + 6, 4), hits[be(f.data + 2, 4)]);
			hits[be(f.data + 2, 4)]++;
		}
		rte_pktmbuf_free_bulk(m, 32);
	}
	w->ops->close(w);
	assert_in_range(hits[0], 25900, 27500); /* 26718 */
	assert_in_range(hits[1], 12700, 14000); /* 13359 */
	assert_in_range(hits[99], 190, 350);	/* 267 */
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(hits[i] > 0);
}

/* Frames of 100 ms in steps of an odd length: as many as the rate says, each at its time. */
static void
rate_is_exact(void **state)
{
	static const struct {
		const char *text;
		double step; /* ns a frame */
	} cases[] = {
		{ "gen:rate=1000000", 1000 },
		{ "gen:rate=3Mpps", 1000.0 / 3 },
		{ "gen:rate=7000001", 1e9 / 7000001 },
		{ "gen:rate=1G", 84 * 8 },
		{ "gen:rate=10G;size=1518", 1538 * 0.8 },
		{ "gen:rate=max;size=512", 532 * 8 / 25.0 },
		{ "gen:rate=3G;size=100;sessions=50;proto=tcp", 120 * 8 / 3.0 },
		{ "gen:rate=999983;ipv6=50%;flows=9", 1e9 / 999983 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct wire *w = open_wire(cases[i].text, false);
		const uint64_t start = 12345;
		struct rte_mbuf *m[32];
		uint64_t when[32], k = 0;

		for (uint64_t now = start; now <= start + 100000000; now += 7919) {
			uint16_t n;

			do {
				n = w->ops->rx(w, 0, pool, m, when, 32, now);
				for (uint16_t j = 0; j < n; j++, k++) {
					assert_true(when[j] <= now);
					assert_int_equal(when[j],
							start +
									(uint64_t)((double)k * cases[i].step +
											1e-6));
				}
				rte_pktmbuf_free_bulk(m, n);
			} while (n == 32);
			assert_true(w->ops->next(w) > now);
		}
		if (k == 0 || (double)k < 99.9e6 / cases[i].step)
			fail_msg("%s: %llu frames", cases[i].text, (unsigned long long)k);
		assert_int_equal(w->stats.rx_missed, 0);
		w->ops->close(w);
	}
}

/* Bytes on the wire a second, over random sizes. */
static void
bits_are_exact(void **state)
{
	struct wire *w = open_wire("gen:rate=10G;size=imix", false);
	struct rte_mbuf *m[32];
	uint64_t bytes = 0, when[32], last = 0, prev = 0;
	uint32_t length = 0;

	(void)state;
	for (uint64_t now = 0; now <= 50000000; now += 5000) {
		uint16_t n;

		do {
			n = w->ops->rx(w, 0, pool, m, when, 32, now);
			for (uint16_t j = 0; j < n; j++) {
				/* 0.8 ns a byte since the frame before. */
				if (bytes != 0)
					assert_in_range(when[j] - prev, length * 8 / 10,
							length * 8 / 10 + 1);
				prev = last = when[j];
				assert_int_equal(when[j], bytes * 8 / 10);
				length = m[j]->pkt_len + 24;
				bytes += length;
			}
			rte_pktmbuf_free_bulk(m, n);
		} while (n == 32);
	}
	assert_true(last > 49990000);
	w->ops->close(w);
}

static void
bursts_count_and_backlog(void **state)
{
	struct wire *w = open_wire("gen:rate=1Mpps;burst=10;count=95", true);
	struct rte_mbuf *m[64];
	uint64_t when[64];

	(void)state;
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 100), 10);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(when[i], 100);
	rte_pktmbuf_free_bulk(m, 10);
	assert_int_equal(w->ops->next(w), 10100);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 10099), 0);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 20100), 20);
	assert_int_equal(when[9], 10100);
	assert_int_equal(when[10], 20100);
	rte_pktmbuf_free_bulk(m, 20);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 200000), 64);
	rte_pktmbuf_free_bulk(m, 64);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 200000), 1);
	rte_pktmbuf_free_bulk(m, 1);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 900000), 0);
	assert_true(w->ops->next(w) == UINT64_MAX);
	assert_int_equal(w->stats.rx_frames, 95);
	w->ops->close(w);

	/* Nobody asks for 10 ms: 100 frames have waited, the others have not. */
	w = open_wire("gen:rate=1Mpps;backlog=100", true);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 0), 1);
	rte_pktmbuf_free_bulk(m, 1);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 10000000), 64);
	rte_pktmbuf_free_bulk(m, 64);
	assert_int_equal(w->ops->rx(w, 0, pool, m, when, 64, 10000000), 37);
	rte_pktmbuf_free_bulk(m, 37);
	assert_in_range(w->stats.rx_missed, 9898, 9900);
	w->ops->close(w);
}

/* Without mbufs nothing is lost: a frame waits. */
static void
no_mbufs(void **state)
{
	static const char *const texts[] = { "gen:rate=1Mpps", "gen:rate=1Mpps;size=imix" };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(texts); i++) {
		struct rte_mempool *small = rte_pktmbuf_pool_create(i == 0 ? "small0" : "small1",
				15, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
		struct wire *w = open_wire(texts[i], false);
		struct rte_mbuf *m[16], *other[16];
		uint64_t when[16];

		assert_non_null(small);
		assert_int_equal(rte_pktmbuf_alloc_bulk(small, other, 10), 0);
		assert_int_equal(w->ops->rx(w, 0, small, m, when, 16, 0), 1);
		rte_pktmbuf_free(m[0]);
		assert_int_equal(w->ops->rx(w, 0, small, m, when, 16, 15000), 0);
		assert_true(w->stats.rx_nombuf > 0);
		rte_pktmbuf_free_bulk(other, 10);
		assert_true(w->ops->rx(w, 0, small, m, when, 8, 15000) == 8);
		assert_int_equal(when[0], 1000);
		rte_pktmbuf_free_bulk(m, 8);
		assert_int_equal(rte_mempool_avail_count(small), 15);
		w->ops->close(w);
		rte_mempool_free(small);
	}
}

/* Longer than a buffer: a chain. */
static void
jumbo_frames(void **state)
{
	struct wire *w = open_wire("gen:size=9732;payload=random;proto=tcp", true);
	struct rte_mbuf *m[4];
	uint8_t flat[SIM_FRAME_MAX];
	struct seen_frame f = { 0 };

	(void)state;
	assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 4, 0), 4);
	for (uint32_t i = 0; i < 4; i++) {
		const uint8_t *d;

		assert_int_equal(m[i]->pkt_len, 9728);
		assert_int_equal(m[i]->nb_segs, 5);
		assert_int_equal(rte_mbuf_check(m[i], 1, &(const char *){ NULL }), 0);
		d = rte_pktmbuf_read(m[i], 0, 9728, flat);
		(void)read_ip(d + 14, 9714, &f);
		assert_int_equal(f.payload, 9728 - 54);
	}
	for (uint32_t i = 0; i < 4; i++)
		rte_pktmbuf_free(m[i]);
	w->ops->close(w);
}

static const struct {
	const char *text, *named;
} bad[] = {
	{ "gne:flows=1", "gne" },
	{ "gen:flow=1", "flow" },
	{ "gen:flows=0", "flows" },
	{ "gen:flows=x", "flows" },
	{ "gen:flows", "flows" },
	{ "gen:flows=1;flows=2", "flows" },
	{ "gen:flows=1;sessions=1", "sessions" },
	{ "gen:flows=100000000", "flows" },
	{ "gen:flows=18446744073709551616", "flows" },
	{ "gen:flows=5;src=10.0.0.1;sport=1-4", "flows" },
	{ "gen:flows=-1", "flows" },
	{ "gen:size=63", "size" },
	{ "gen:size=9733", "size" },
	{ "gen:size=64:0", "size" },
	{ "gen:size=64:5000", "size" },
	{ "gen:size=64-", "size" },
	{ "gen:size=100-64", "size" },
	{ "gen:size=64/", "size" },
	{ "gen:size=64:7/570", "?" },
	{ "gen:rate=0", "rate" },
	{ "gen:rate=10Z", "rate" },
	{ "gen:rate=nan", "rate" },
	{ "gen:rate=0x10", "rate" },
	{ "gen:rate=1e300", "rate" },
	{ "gen:rate=inf", "rate" },
	{ "gen:proto=icmp", "proto" },
	{ "gen:proto=mix:101", "proto" },
	{ "gen:proto=udp:5", "proto" },
	{ "gen:proto=mix:nan", "proto" },
	{ "gen:ipv6=2", "ipv6" },
	{ "gen:ipv6=101%", "ipv6" },
	{ "gen:ipv6=x", "ipv6" },
	{ "gen:src=10.0.0.0/33", "src" },
	{ "gen:src=2001:db8::1", "src" },
	{ "gen:src6=10.0.0.1", "src6" },
	{ "gen:dst=foo", "dst" },
	{ "gen:sport=0", "sport" },
	{ "gen:sport=70000", "sport" },
	{ "gen:dport=5-4", "dport" },
	{ "gen:sessions=1;reply-dport=1-2", "reply-dport" },
	{ "gen:mac-dst=1:2:3", "mac-dst" },
	{ "gen:vlan=4095", "vlan" },
	{ "gen:vxlan=16777216", "vxlan" },
	{ "gen:order=zipf:9", "zipf" },
	{ "gen:order=sorted", "order" },
	{ "gen:order=zipf;flows=20000000", "zipf" },
	{ "gen:payload=text", "payload" },
	{ "gen:tcp-flags=X", "tcp-flags" },
	{ "gen:burst=0", "burst" },
	{ "gen:churn=1", "churn" },
	{ "gen:dir=orig", "dir" },
	{ "gen:sessions=1;dir=orig;churn=1", "churn" },
	{ "gen:check=1;proto=tcp", "size" },
	{ "gen:check=2", "check" },
};

static void
bad_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		if (strcmp(bad[i].named, "?") == 0) {
			struct wire *w = open_wire(bad[i].text, true);

			w->ops->close(w);
		} else {
			refuse(bad[i].text, bad[i].named);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(frames_are_right, wire_test_end),
		cmocka_unit_test_teardown(same_seed_same_frames, wire_test_end),
		cmocka_unit_test_teardown(as_many_flows_as_asked, wire_test_end),
		cmocka_unit_test_teardown(sizes_as_asked, wire_test_end),
		cmocka_unit_test_teardown(zipf_is_zipf, wire_test_end),
		cmocka_unit_test_teardown(rate_is_exact, wire_test_end),
		cmocka_unit_test_teardown(bits_are_exact, wire_test_end),
		cmocka_unit_test_teardown(bursts_count_and_backlog, wire_test_end),
		cmocka_unit_test_teardown(no_mbufs, wire_test_end),
		cmocka_unit_test_teardown(jumbo_frames, wire_test_end),
		cmocka_unit_test_teardown(bad_options, wire_test_end),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
