/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures as a wire: what is sent is what the file holds, to the byte and the ns, and what a file holds comes, at its own
 * times or a rate, once or again and again; damaged files are refused by name and record.
 */
#include <stdlib.h>
#include <unistd.h>

#include "capture_file.h"
#include "test_wire.h"

static char dir[64];

static const char *
path(const char *name)
{
	static char p[128];

	snprintf(p, sizeof(p), "%s/%s", dir, name);
	return p;
}

static void
save(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(path(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static struct wire *
open_file(bool unpaced, const char *fmt, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), fmt, path(name));
	return open_wire(text, unpaced);
}

#define FRAMES 1000u

static uint32_t
length_of(uint32_t i)
{
	return i % 10 == 9 ? 9728 - i : 60 + i * 7 % 1400;
}

static uint64_t
time_of(uint32_t i)
{
	return UINT64_C(999999000) + i * UINT64_C(12347) + (i % 3);
}

static uint8_t
byte_of(uint32_t i, uint32_t at)
{
	return (uint8_t)(i * 31 + at * 7 + (at >> 8));
}

static void
write_file(void)
{
	struct wire *w = open_file(true, "pcap:tx=%s", "a.pcap");

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t bytes[SIM_FRAME_MAX];
		struct rte_mbuf *m;

		for (uint32_t k = 0; k < length_of(i); k++)
			bytes[k] = byte_of(i, k);
		m = wire_mbuf(pool, 0, bytes, length_of(i));
		assert_non_null(m);
		assert_int_equal(w->ops->tx(w, 0, &m, 1, time_of(i)), 1);
	}
	assert_int_equal(w->stats.tx_frames, FRAMES);
	assert_int_equal(w->stats.tx_lost, 0);
	w->ops->close(w);
}

static void
check_bytes(const struct rte_mbuf *m, uint32_t i)
{
	uint8_t flat[SIM_FRAME_MAX];
	const uint8_t *d = rte_pktmbuf_read(m, 0, m->pkt_len, flat);

	assert_int_equal(m->pkt_len, length_of(i));
	assert_int_equal(m->port, 7);
	for (uint32_t k = 0; k < m->pkt_len; k++)
		assert_int_equal(d[k], byte_of(i, k));
}

/* Written and read again: bytes, lengths, ns. Frames longer than a buffer come as chains. */
static void
round_trip(void **state)
{
	struct wire *w;
	uint64_t start = 500, now = start, when[32];
	uint32_t got = 0;

	(void)state;
	write_file();
	w = open_file(false, "pcap:rx=%s", "a.pcap");
	while (w->ops->next(w) != UINT64_MAX) {
		struct rte_mbuf *m[32];
		uint16_t n;

		assert_int_equal(w->ops->rx(w, 1, pool, m, when, 32, now), 0);
		n = w->ops->rx(w, 0, pool, m, when, 32, now);
		for (uint16_t i = 0; i < n; i++, got++) {
			assert_int_equal(when[i], start + time_of(got) - time_of(0));
			assert_true(when[i] <= now && when[i] + 100000 > now);
			check_bytes(m[i], got);
		}
		for (uint16_t i = 0; i < n; i++)
			rte_pktmbuf_free(m[i]);
		now += 99991;
	}
	assert_int_equal(got, FRAMES);
	assert_int_equal(w->stats.rx_frames, FRAMES);
	assert_int_equal(w->stats.errors, 0);
	w->ops->close(w);
}

static uint64_t
take_all(struct wire *w, uint64_t *when, uint32_t most, uint64_t until)
{
	uint64_t now = 0;
	uint32_t got = 0;

	for (; w->ops->next(w) != UINT64_MAX && now <= until && got < most; now += 1000) {
		struct rte_mbuf *m[32];
		uint16_t n;

		n = w->ops->rx(w, 0, pool, m, when + got, (uint16_t)RTE_MIN(32u, most - got), now);
		for (uint16_t i = 0; i < n; i++)
			rte_pktmbuf_free(m[i]);
		got += n;
	}
	return got;
}

static void
rates_and_rounds(void **state)
{
	uint64_t *when = calloc(4 * FRAMES, sizeof(*when)), bytes = 0;
	struct wire *w;

	(void)state;
	w = open_file(true, "pcap:rx=%s;rate=1Mpps;loop=3", "a.pcap");
	assert_int_equal(take_all(w, when, 4 * FRAMES, UINT64_MAX), 3 * FRAMES);
	for (uint32_t i = 0; i < 3 * FRAMES; i++)
		assert_int_equal(when[i], i * 1000);
	w->ops->close(w);
	w = open_file(false, "pcap:rx=%s;rate=10G;loop=0", "a.pcap");
	assert_int_equal(take_all(w, when, 4 * FRAMES, UINT64_MAX), 4 * FRAMES);
	for (uint32_t i = 0; i < 4 * FRAMES; i++) {
		assert_int_equal(when[i], bytes * 8 / 10);
		bytes += length_of(i % FRAMES) + 24;
	}
	assert_true(w->ops->next(w) != UINT64_MAX);
	w->ops->close(w);
	/* A mean gap between rounds. */
	w = open_file(true, "pcap:rx=%s;rate=own;loop=2", "a.pcap");
	assert_int_equal(take_all(w, when, 4 * FRAMES, UINT64_MAX), 2 * FRAMES);
	assert_int_equal(when[FRAMES - 1], time_of(FRAMES - 1) - time_of(0));
	assert_int_equal(when[FRAMES] - when[FRAMES - 1], 12347);
	assert_int_equal(when[FRAMES + 1] - when[FRAMES], 12348);
	w->ops->close(w);
	/* As fast as it is asked. */
	w = open_file(true, "pcap:rx=%s;loop=2", "a.pcap");
	assert_int_equal(take_all(w, when, 4 * FRAMES, UINT64_MAX), 2 * FRAMES);
	assert_int_equal(when[2 * FRAMES - 1], when[2 * FRAMES - 2]);
	w->ops->close(w);
	/* A clock that goes back: the file goes on. */
	w = open_file(false, "pcap:rx=%s", "a.pcap");
	assert_int_equal(take_all(w, when, 10, UINT64_MAX), 10);
	assert_int_equal(take_all(w, when, FRAMES, UINT64_MAX), FRAMES - 10);
	assert_int_equal(when[0], 0);
	assert_int_equal(when[1], time_of(11) - time_of(10));
	w->ops->close(w);
	free(when);
}

/* us stamps, other byte orders, pcapng with ns: as libpcap reads them. Records in any order do not go back. */
static void
other_formats(void **state)
{
	struct file f = { .big = true };
	uint64_t when[8];
	struct wire *w;

	(void)state;
	pcap_header(&f, 0xa1b2c3d4, 4, 1);
	for (uint32_t i = 0; i < 4; i++) {
		put32(&f, 100 + i % 2);
		put32(&f, i);
		put32(&f, 64);
		put32(&f, 64);
		put_bytes(&f, (uint8_t[64]){ 1 }, 64);
	}
	save("big.pcap", f.b, f.len);
	w = open_file(false, "pcap:rx=%s;loop=1", "big.pcap");
	assert_int_equal(take_all(w, when, 8, UINT64_MAX), 4);
	assert_true(when[0] == 0 && when[1] == 1000001000 && when[2] == 1000001000 &&
			when[3] == 1000003000);
	w->ops->close(w);

	f = (struct file){ 0 };
	section(&f);
	interface(&f, 1, 0, "x", 9, 0);
	enhanced(&f, 0, 1000, "0123456789abcdef", 16);
	enhanced(&f, 0, 1777, "0123456789abcdefg", 17);
	save("ng.pcapng", f.b, f.len);
	w = open_file(false, "pcap:rx=%s", "ng.pcapng");
	assert_int_equal(take_all(w, when, 8, UINT64_MAX), 2);
	assert_true(when[0] == 0 && when[1] == 777);
	assert_int_equal(w->stats.rx_bytes, 33);
	w->ops->close(w);
}

/* Cut records are left out or filled up, and counted; also those that are no frames at all. */
static void
cut_records(void **state)
{
	struct file f = { 0 };
	struct rte_mbuf *m[8];
	struct wire *w;

	(void)state;
	pcap_header(&f, 0xa1b23c4d, 4, 1);
	for (uint32_t i = 0; i < 4; i++) {
		put32(&f, 0);
		put32(&f, i);
		put32(&f, i == 3 ? 8 : 64);
		put32(&f, i == 1 ? 100 : i == 2 ? 20000 : i == 3 ? 8 : 64);
		put_bytes(&f, (uint8_t[64]){ 9 }, i == 3 ? 8 : 64);
	}
	save("cut.pcap", f.b, f.len);
	w = open_file(true, "pcap:rx=%s", "cut.pcap");
	assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 8, 0), 1);
	assert_int_equal(w->stats.errors, 3);
	rte_pktmbuf_free(m[0]);
	w->ops->close(w);
	w = open_file(true, "pcap:rx=%s;cut=pad", "cut.pcap");
	assert_int_equal(w->ops->rx(w, 0, pool, m, NULL, 8, 0), 2);
	assert_int_equal(w->stats.errors, 3);
	assert_int_equal(m[1]->pkt_len, 100);
	assert_int_equal(rte_pktmbuf_mtod(m[1], uint8_t *)[0], 9);
	assert_int_equal(rte_pktmbuf_mtod(m[1], uint8_t *)[99], 0);
	rte_pktmbuf_free_bulk(m, 2);
	w->ops->close(w);
}

static void
refuse_file(const char *fmt, const char *name, const char *named)
{
	char text[256];

	snprintf(text, sizeof(text), fmt, path(name));
	refuse(text, named);
}

static void
bad_files(void **state)
{
	struct file f = { 0 };

	(void)state;
	pcap_header(&f, 0xa1b2c3d4, 4, 1);
	save("empty.pcap", f.b, f.len);
	refuse_file("pcap:rx=%s", "empty.pcap", "empty.pcap");
	put32(&f, 1);
	put32(&f, 1);
	put32(&f, 60);
	put32(&f, 60);
	put_bytes(&f, (uint8_t[60]){ 1 }, 60);
	put32(&f, 1);
	put32(&f, 1);
	put32(&f, 60);
	put32(&f, 60);
	put32(&f, 7);
	save("short.pcap", f.b, f.len);
	refuse_file("pcap:rx=%s", "short.pcap", "short.pcap: record 2");
	f = (struct file){ 0 };
	pcap_header(&f, 0xa1b2c3d4, 4, 101);
	save("raw.pcap", f.b, f.len);
	refuse_file("pcap:rx=%s", "raw.pcap", "RAW");
	save("text.pcap", "no capture at all, just text", 28);
	refuse_file("pcap:rx=%s", "text.pcap", "text.pcap");
	refuse_file("pcap:rx=%s", "none.pcap", "none.pcap");
	refuse_file("pcap:tx=%s/x.pcap", "none", "none/x.pcap");
	refuse_file("pcap:rx=%s;cut=x", "a.pcap", "cut");
	refuse_file("pcap:rx=%s;loop=x", "a.pcap", "loop");
	refuse_file("pcap:rx=%s;rate=fast", "a.pcap", "rate");
	refuse_file("pcap:rx=%s;speed=1", "a.pcap", "speed");
	refuse("pcap:", "rx");
	refuse("pcap", "rx");
	refuse("pcap:loop=1", "rx");
}

/* A file that is damaged while it is read ends; nothing else does. */
static void
damaged_on_the_way(void **state)
{
	struct wire *w;
	uint64_t when[2 * FRAMES];

	(void)state;
	write_file();
	w = open_file(true, "pcap:rx=%s;loop=0", "a.pcap");
	assert_int_equal(truncate(path("a.pcap"), 100000), 0);
	assert_true(take_all(w, when, 2 * FRAMES, UINT64_MAX) < FRAMES);
	assert_int_equal(w->stats.errors, 1);
	assert_true(w->ops->next(w) == UINT64_MAX);
	w->ops->close(w);
	write_file();
}

/* Both files at once; a disk that is full is counted. */
static void
both_ways(void **state)
{
	char text[300], out[128];
	struct rte_mbuf *m[32];
	struct wire *w;
	uint16_t n;

	(void)state;
	snprintf(out, sizeof(out), "%s", path("out.pcap"));
	snprintf(text, sizeof(text), "pcap:rx=%s;tx=%s", path("a.pcap"), out);
	w = open_wire(text, true);
	while ((n = w->ops->rx(w, 0, pool, m, NULL, 32, 5)) != 0)
		assert_int_equal(w->ops->tx(w, 3, m, n, 5), n);
	w->ops->close(w);
	w = open_file(true, "pcap:rx=%s", "out.pcap");
	for (uint32_t got = 0; got < FRAMES; got += n) {
		n = w->ops->rx(w, 0, pool, m, NULL, 32, 5);
		assert_true(n > 0);
		for (uint16_t i = 0; i < n; i++) {
			check_bytes(m[i], got + i);
			rte_pktmbuf_free(m[i]);
		}
	}
	w->ops->close(w);
	w = open_wire("pcap:tx=/dev/full", true);
	for (uint32_t i = 0; i < 64; i++) {
		m[0] = rte_pktmbuf_alloc(pool);
		assert_non_null(rte_pktmbuf_append(m[0], 1500));
		assert_int_equal(w->ops->tx(w, 0, m, 1, i), 1);
	}
	assert_true(w->stats.tx_lost > 0);
	w->ops->close(w);
}

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/hwsim-wire-XXXXXX");
	return mkdtemp(dir) != NULL ? wire_test_setup(state) : -1;
}

static int
cleanup(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(round_trip, wire_test_end),
		cmocka_unit_test_teardown(rates_and_rounds, wire_test_end),
		cmocka_unit_test_teardown(other_formats, wire_test_end),
		cmocka_unit_test_teardown(cut_records, wire_test_end),
		cmocka_unit_test(bad_files),
		cmocka_unit_test_teardown(damaged_on_the_way, wire_test_end),
		cmocka_unit_test_teardown(both_ways, wire_test_end),
	};

	return cmocka_run_group_tests(tests, setup, cleanup);
}
