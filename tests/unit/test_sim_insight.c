/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Insight: every unit has a name and books that obey Little's law; the trace tells the way of a packet, as text and as
 * JSON; the waveform is a VCD file whose values are the occupancies.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "test_sim_nic_rig.h"

#define RING 256

static const char *const sets[] = { "mac.latency=40", "parser.latency=12", "parser.interval=3",
	"parser.queue=8", "steering.engines=2", "steering.lookup=30", "rss.latency=9",
	"cache.lines=16", "cache.memory=300", "pcie.read-ns=500", "pcie.write-ns=300",
	"pcie.generation=3", "pcie.lanes=4", "dma.coalesce=2", "dma.coalesce-ns=100", NULL };

static void
traffic(struct nrig *r, uint32_t n)
{
	uint8_t frame[200];
	uint32_t i;

	for (i = 0; i < n; i++) {
		nrig_in(r, 0, 0, 60 + (uint32_t)nrig_random(r) % 400, (uint16_t)(1 + i % 50));
		if (i % 4 == 0) {
			nrig_frame(frame, sizeof(frame), 7);
			sim_nic_tx(r->nic, 0, 0, frame, sizeof(frame), 0);
			sim_nic_tx_ring(r->nic, 0, 0);
		}
		sim_run(r->nic, sim_nic_now(r->nic) + nrig_random(r) % 150);
		if (i % 16 == 0) {
			nrig_rx(r, 0, 0);
			nrig_out(r, 0);
		}
	}
	sim_run(r->nic, sim_nic_now(r->nic) + 100000);
	nrig_rx(r, 0, 0);
	nrig_out(r, 0);
}

static void
open_all(struct nrig *r, uint32_t trace)
{
	nrig_open(r, 1, trace, sets);
	assert_int_equal(sim_nic_rxq_setup(r->nic, 0, 0, RING), 0);
	assert_int_equal(sim_nic_txq_setup(r->nic, 0, 0, RING), 0);
}

/* L = lambda W, unit by unit: the sum of lengths over time is the sum of what each one waited. */
static void
little(void **state)
{
	static const char *const queues[] = { "mac_in0", "mac_out0", "buffer", "tx_buffer", "rss",
		"rx_queue", "dma_write", "completion", "rx_ring", "tx_ring", "dma_read", "stall",
		"parser", "engine", "order" };
	struct sim_unit_stats s, t;
	struct nrig r;
	uint32_t i, k;

	(void)state;
	open_all(&r, 0);
	traffic(&r, 5000);
	for (i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		nrig_unit(&r, queues[i], &s);
		if (s.queue != 0 || s.queue_cycles != s.wait_cycles)
			fail_msg("%s: %u inside, %lu, %lu", s.name, s.queue, s.queue_cycles,
					s.wait_cycles);
		if (s.served == 0 && strcmp(s.name, "stall") != 0)
			fail_msg("%s served nobody", s.name);
	}
	for (i = 0; sim_nic_unit(r.nic, i, &s); i++) {
		assert_non_null(s.name);
		assert_true(s.servers > 0);
		for (k = 0; k < i; k++) {
			sim_nic_unit(r.nic, k, &t);
			assert_string_not_equal(s.name, t.name);
		}
		/* No server is busy more often than always. */
		assert_true(s.busy <= (sim_nic_now(r.nic) + 1) * s.servers);
	}
	assert_int_equal(i, 2 + SIM_U_COUNT);
	nrig_close(&r);
}

struct text {
	char *all;
	size_t len;
	uint32_t lines;
};

static void
collect(void *arg, const char *text)
{
	struct text *t = arg;
	const size_t n = strlen(text);

	t->all = realloc(t->all, t->len + n + 1);
	assert_non_null(t->all);
	memcpy(t->all + t->len, text, n + 1);
	t->len += n;
	t->lines++;
	assert_int_equal(text[n - 1], '\n');
}

static void
trace_as_text(void **state)
{
	struct text t = { 0 };
	struct nrig r;

	(void)state;
	nrig_open(&r, 1, 4, (const char *const[]){ "mac.mbps=8000", "mac.latency=30", NULL });
	assert_int_equal(sim_nic_rxq_setup(r.nic, 0, 0, 1), 0);
	nrig_in(&r, 0, 100, 60, 1);
	nrig_in(&r, 0, 0, 60, 1);
	sim_run(r.nic, 10000);
	sim_nic_trace(r.nic, false, collect, &t);
	assert_int_equal(t.lines, 2);
	assert_non_null(strstr(t.all, "#0 port 0 wire 60 B: mac_in0 in@100 buffer in@202 "));
	assert_non_null(strstr(t.all, "rx_ring out@"));
	assert_non_null(strstr(t.all, " rx_queue drop(nodesc)@"));
	free(t.all);
	nrig_rx(&r, 0, 0);
	nrig_close(&r);
}

/* Each line is JSON; the last packets are there and no others; a way begins at a MAC or a ring and its end is the last stamp. */
static void
trace_as_json(void **state)
{
	struct text t = { 0 };
	struct nrig r;
	char *line, *save = NULL;
	uint64_t seq;

	(void)state;
	open_all(&r, 32);
	traffic(&r, 1000);
	sim_nic_trace(r.nic, true, collect, &t);
	assert_int_equal(t.lines, 32);
	seq = r.nic->seq - 32;
	for (line = strtok_r(t.all, "\n", &save); line != NULL;
			line = strtok_r(NULL, "\n", &save), seq++) {
		json_error_t e;
		json_t *j = json_loads(line, 0, &e), *stamps;
		const char *unit, *what;
		size_t n;

		if (j == NULL)
			fail_msg("%s: %s", e.text, line);
		assert_int_equal(json_integer_value(json_object_get(j, "packet")), seq);
		stamps = json_object_get(j, "stamps");
		n = json_array_size(stamps);
		assert_true(n >= 5);
		unit = json_string_value(json_object_get(json_array_get(stamps, 0), "unit"));
		assert_true(strcmp(unit, "mac_in0") == 0 || strcmp(unit, "tx_ring") == 0);
		what = json_string_value(json_object_get(json_array_get(stamps, n - 1), "what"));
		assert_true(strcmp(what, "out") == 0 || strcmp(what, "drop") == 0);
		json_decref(j);
	}
	free(t.all);
	nrig_close(&r);
	/* Not asked for: nothing. */
	t = (struct text){ 0 };
	open_all(&r, 0);
	traffic(&r, 10);
	sim_nic_trace(r.nic, true, collect, &t);
	assert_int_equal(t.lines, 0);
	nrig_close(&r);
}

/* Reads the dump as a viewer does; returns the number of changes and the last value of each unit in `value`. */
static uint32_t
read_vcd(const char *file, uint32_t *value, uint32_t *max, uint64_t *end)
{
	FILE *f = fopen(file, "r");
	char line[256], bits[64], id[8];
	uint32_t changes = 0, vars = 0, i;
	uint64_t last = 0, at;
	bool begun = false, scope = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "$var wire 32 %7s", id) == 1) {
			assert_int_equal(strlen(id), 2);
			assert_true(scope && !begun);
			vars++;
		} else if (line[0] == '#') {
			assert_true(begun);
			assert_int_equal(sscanf(line + 1, "%lu", &at), 1);
			assert_true(last == 0 || at >= last);
			last = at;
		} else if (line[0] == 'b') {
			assert_int_equal(sscanf(line, "b%63[01] %7s", bits, id), 2);
			i = (uint32_t)(id[0] - '!') + 94u * (uint32_t)(id[1] - '!');
			assert_true(i < vars);
			value[i] = (uint32_t)strtoul(bits, NULL, 2);
			if (value[i] > max[i])
				max[i] = value[i];
			changes++;
		} else {
			assert_int_equal(line[0], '$');
			scope |= strncmp(line, "$scope module hwsim $end", 24) == 0;
			begun |= strncmp(line, "$enddefinitions $end", 20) == 0;
		}
	}
	fclose(f);
	assert_int_equal(vars, 2 + SIM_U_COUNT);
	*end = last;
	return changes;
}

static void
waveform(void **state)
{
	uint32_t value[64] = { 0 }, max[64] = { 0 }, i, changes;
	char file[] = "/var/tmp/sim_wave_XXXXXX";
	const int fd = mkstemp(file);
	struct sim_unit_stats s;
	struct sim_error e;
	struct nrig r;
	uint64_t end;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	open_all(&r, 0);
	assert_int_equal(sim_nic_wave(r.nic, file, &e), 0);
	traffic(&r, 500);
	nrig_in(&r, 0, 0, 60, 1); /* one is inside at the end */
	sim_run(r.nic, sim_nic_now(r.nic) + 1);
	assert_int_equal(sim_nic_wave(r.nic, NULL, &e), 0);
	changes = read_vcd(file, value, max, &end);
	assert_true(changes > 1000);
	assert_int_equal(end, sim_nic_now(r.nic) * 1000); /* 1,000 MHz in ps */
	for (i = 0; sim_nic_unit(r.nic, i, &s); i++) {
		assert_int_equal(value[i], s.queue);
		assert_true(max[i] <= s.queue_max);
	}
	nrig_unit(&r, "mac_in0", &s);
	assert_int_equal(value[0], 1);
	assert_int_equal(sim_nic_wave(r.nic, "/nowhere/at/all.vcd", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nowhere/at/all.vcd"));
	/* Left open: the NIC closes it. */
	assert_int_equal(sim_nic_wave(r.nic, file, &e), 0);
	nrig_close(&r);
	unlink(file);
}

/* A waveform changes nothing: the same cycles with and without. */
static void
watching_changes_nothing(void **state)
{
	struct sim_unit_stats a, b;
	struct sim_error e;
	struct nrig r, s;
	uint32_t i;

	(void)state;
	open_all(&r, 0);
	open_all(&s, 16);
	assert_int_equal(sim_nic_wave(s.nic, "/dev/null", &e), 0);
	traffic(&r, 1000);
	traffic(&s, 1000);
	for (i = 0; sim_nic_unit(r.nic, i, &a) && sim_nic_unit(s.nic, i, &b); i++) {
		a.name = NULL;
		b.name = NULL;
		assert_memory_equal(&a, &b, sizeof(a));
	}
	nrig_close(&r);
	nrig_close(&s);
}

static void
bad_parameters(void **state)
{
	struct sim_profile p;
	struct sim_steer_params sp = { .profile = &p, .n_ports = 1 };
	struct sim_steer *steer;
	struct sim_nic_params np = { .profile = &p, .n_ports = 1 };
	struct sim_error e;

	(void)state;
	sim_profile_ideal(&p);
	steer = sim_steer_create(&sp);
	assert_null(sim_nic_create(&np, &e));
	np.steer = steer;
	np.n_ports = 0;
	assert_null(sim_nic_create(&np, &e));
	np.n_ports = SIM_PORTS_MAX + 1;
	assert_null(sim_nic_create(&np, &e));
	assert_non_null(strstr(e.text, "64"));
	sim_steer_destroy(steer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little),
		cmocka_unit_test(trace_as_text),
		cmocka_unit_test(trace_as_json),
		cmocka_unit_test(waveform),
		cmocka_unit_test(watching_changes_nothing),
		cmocka_unit_test(bad_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
