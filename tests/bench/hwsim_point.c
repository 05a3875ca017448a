/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One point of the published workload (Katsikas et al., PAM 2021, nic-bench) on a profile: T tables with N rules in all that no
 * packet matches, walked from one catch-all to the next by frames of random flows, back to back at line rate. Prints
 * throughput, latency and where the cycles went. Run by scripts/bench --hwsim-point; simulated time only, so it does not
 * matter what else the machine does.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hwsim_rig.h"

#define FCS 4u
#define RING 4096u
#define POLL 32u
/* A window is so many frames received; two that agree this well end the run. */
#define WINDOW 10000u
#define AGREE 0.003
#define WINDOWS_MAX 24u
/* However slow the card is: frames offered at most, in warm-up and in a window. */
#define OFFERED_MAX 1500000u
#define NETWORK 0xc0a80000u /* 192.168.0.0/16 */

struct options {
	const char *profile;
	uint32_t tables, rules, bytes, flows, bed_ns;
	bool json;
	uint32_t n_sets;
	const char *sets[RIG_SETS];
};

struct window {
	uint64_t offered, got;
	sim_cycle begin, end;
	sim_cycle *latency; /* [WINDOW] */
	uint32_t n_latency;
};

/* What a packet does on its way, and the cycles that its steps take at least. */
struct steps {
	double exact, chain, tcam, group, action, copy, objects;
};

struct point {
	struct options o;
	struct rig rig;
	uint8_t *frames;
	uint32_t stride, len;
	struct window window;
	double mpps, before; /* of the last two windows */
	double median_ns, p99_ns;
	struct sim_unit_stats engine, cache, memory;
	struct steps steps;
};

/* --- rules --- */

static int
fail(const char *what, const struct sim_error *e)
{
	fprintf(stderr, "%s: %s\n", what, e->text);
	return -1;
}

static int
tuples(struct point *p, uint32_t group, uint32_t n)
{
	const struct rig_fate fate = { SIM_A_QUEUE, 1 };
	struct sim_error e = { "" };
	struct rig_flow f;
	uint64_t r, s;
	int err;

	while (n > 0) {
		r = rig_random(&p->rig);
		s = rig_random(&p->rig);
		f = (struct rig_flow){ (uint32_t)r, (uint32_t)(r >> 32), (uint16_t)s,
			(uint16_t)(s >> 16) };
		err = rig_rule(&p->rig, group, RIG_TUPLE, &f, fate, &e);
		if (err == -EEXIST)
			continue;
		if (err < 0)
			return fail("rule", &e);
		n--;
	}
	return 0;
}

static int
rules(struct point *p)
{
	const uint32_t tables = p->o.tables;
	const struct rig_fate jump = { SIM_A_JUMP, 1 }, queue = { SIM_A_QUEUE, 0 };
	struct sim_error e = { "" };
	uint32_t t, n;

	if (tables == 0) {
		if (rig_rule(&p->rig, 0, RIG_CATCHALL, NULL, queue, &e) < 0)
			return fail("catch-all", &e);
		return tuples(p, 0, p->o.rules);
	}
	if (rig_rule(&p->rig, 0, RIG_ETH, NULL, jump, &e) < 0)
		return fail("group 0", &e);
	for (t = 1; t <= tables; t++) {
		const struct rig_fate next = { SIM_A_JUMP, t + 1 };

		if (rig_rule(&p->rig, t, RIG_CATCHALL, NULL, t < tables ? next : queue, &e) < 0)
			return fail("catch-all", &e);
		n = p->o.rules / tables + (t <= p->o.rules % tables);
		if (tuples(p, t, n) < 0)
			return -1;
	}
	return 0;
}

static int
frames(struct point *p)
{
	uint32_t i;

	p->len = p->o.bytes - FCS;
	p->stride = (p->len + 63) / 64 * 64;
	p->frames = aligned_alloc(64, (size_t)p->stride * p->o.flows);
	if (p->frames == NULL)
		return -1;
	for (i = 0; i < p->o.flows; i++) {
		const uint64_t r = rig_random(&p->rig);
		const struct rig_flow f = { (uint32_t)r, NETWORK | (uint16_t)(r >> 32),
			(uint16_t)(r >> 48), (uint16_t)rig_random(&p->rig) };

		rig_frame(p->frames + (size_t)i * p->stride, p->len, &f);
	}
	return 0;
}

/* --- traffic --- */

static void
receive(struct point *p, struct window *w)
{
	struct sim_nic *nic = p->rig.nic;
	struct sim_frame *f[POLL];
	uint32_t q, i, n;

	for (q = 0; q < 2; q++)
		while ((n = sim_nic_rx(nic, 0, (uint16_t)q, f, POLL)) > 0) {
			for (i = 0; i < n; i++) {
				if (w->n_latency < WINDOW)
					w->latency[w->n_latency++] = f[i]->left - f[i]->arrived;
				sim_frame_free(nic, f[i]);
			}
			sim_nic_rx_post(nic, 0, (uint16_t)q, n);
			w->got += n;
		}
}

/* Offers frames back to back until so many have come through. */
static int
traffic(struct point *p, uint32_t want)
{
	struct window *w = &p->window;
	struct sim_nic *nic = p->rig.nic;
	uint32_t i = 0;
	int64_t at;

	w->offered = 0;
	w->got = 0;
	w->n_latency = 0;
	w->begin = sim_nic_now(nic);
	at = (int64_t)w->begin;
	while (w->got < want && w->offered < OFFERED_MAX) {
		const uint32_t flow = (uint32_t)(rig_random(&p->rig) % p->o.flows);

		at = sim_nic_wire_in(nic, 0, (sim_cycle)at, p->frames + (size_t)flow * p->stride,
				p->len, 0);
		if (at < 0)
			return -1;
		w->offered++;
		sim_run(nic, (sim_cycle)at);
		if (++i % POLL == 0)
			receive(p, w);
	}
	receive(p, w);
	w->end = sim_nic_now(nic);
	return 0;
}

static double
window_mpps(const struct point *p)
{
	const struct window *w = &p->window;

	return (double)w->got * p->rig.profile.clock_mhz / (double)(w->end - w->begin);
}

static int
compare(const void *a, const void *b)
{
	const sim_cycle x = *(const sim_cycle *)a, y = *(const sim_cycle *)b;

	return (x > y) - (x < y);
}

static void
unit(const struct point *p, const char *name, struct sim_unit_stats *s)
{
	uint32_t i;

	for (i = 0; sim_nic_unit(p->rig.nic, i, s); i++)
		if (strcmp(s->name, name) == 0)
			return;
	memset(s, 0, sizeof(*s));
}

static void
unit_since(const struct point *p, const char *name, struct sim_unit_stats *s)
{
	struct sim_unit_stats now;

	unit(p, name, &now);
	now.served -= s->served;
	now.busy -= s->busy;
	now.wait_cycles -= s->wait_cycles;
	now.queue_cycles -= s->queue_cycles;
	now.hits -= s->hits;
	now.misses -= s->misses;
	*s = now;
}

static int
measure(struct point *p)
{
	uint32_t i;

	/* Caches see every flow several times, and buffers fill where the card is too slow. */
	if (traffic(p, 3 * p->o.flows + WINDOW) < 0)
		return -1;
	for (i = 0; i < WINDOWS_MAX; i++) {
		unit(p, "engine", &p->engine);
		unit(p, "cache", &p->cache);
		unit(p, "memory", &p->memory);
		p->before = p->mpps;
		if (traffic(p, WINDOW) < 0)
			return -1;
		p->mpps = window_mpps(p);
		unit_since(p, "engine", &p->engine);
		unit_since(p, "cache", &p->cache);
		unit_since(p, "memory", &p->memory);
		if (fabs(p->mpps - p->before) <= AGREE * p->mpps)
			break;
	}
	qsort(p->window.latency, p->window.n_latency, sizeof(sim_cycle), compare);
	if (p->window.n_latency > 0) {
		const double ns = 1000.0 / p->rig.profile.clock_mhz;

		p->median_ns = (double)p->window.latency[p->window.n_latency / 2] * ns +
				p->o.bed_ns;
		p->p99_ns = (double)p->window.latency[p->window.n_latency * 99u / 100] * ns +
				p->o.bed_ns;
	}
	return 0;
}

/* The mean path of the flows, and what its steps take when nothing has to wait. */
static void
count_steps(struct point *p)
{
	const uint32_t n = p->o.flows < 1000 ? p->o.flows : 1000;
	static uint8_t room[SIM_FRAME_MAX + 512];
	static struct sim_path path;
	uint32_t i, s;

	for (i = 0; i < n; i++) {
		struct sim_pkt pkt = {
			.data = room + 256,
			.len = (uint16_t)p->len,
			.headroom = 256,
			.tailroom = 256,
			.frame_len = p->len,
		};

		memcpy(pkt.data, p->frames + (size_t)i * p->stride, p->len);
		sim_steer_run(p->rig.steer, &pkt, sim_nic_now(p->rig.nic), &path);
		for (s = 0; s < path.n; s++) {
			const struct sim_step *step = &path.step[s];

			switch (step->kind) {
			case SIM_STEP_EXACT:
				p->steps.exact += 1.0 / n;
				break;
			case SIM_STEP_CHAIN:
				p->steps.chain += (double)step->count / n;
				break;
			case SIM_STEP_TCAM:
				p->steps.tcam += 1.0 / n;
				break;
			case SIM_STEP_GROUP:
				p->steps.group += 1.0 / n;
				break;
			case SIM_STEP_ACTION:
				p->steps.action += (double)step->count / n;
				break;
			case SIM_STEP_COPY:
				p->steps.copy += (step->count + 63u) / 64 / (double)n;
				break;
			case SIM_STEP_PARSE:
				break;
			default:
				p->steps.objects += 1.0 / n;
			}
		}
	}
}

/* --- report --- */

static void
report(const struct point *p)
{
	const struct sim_profile *f = &p->rig.profile;
	const struct steps *s = &p->steps;
	const double served = p->engine.served > 0 ? (double)p->engine.served : 1;
	const double busy = (double)p->engine.busy / served;
	const double reads = (double)(p->cache.hits + p->cache.misses);
	const double lookup = (s->exact + s->chain) * f->steering_lookup +
			s->tcam * f->steering_tcam + s->group * f->steering_group_cycles;
	const double action = s->action * f->steering_action + s->copy * f->steering_copy;
	const double hit = (double)p->cache.hits / served * f->cache_hit;
	/* What is left of an engine's time: reads on their way, and its turn at the cache, at memory and to leave. */
	double wait = busy - lookup - action - hit;
	const double gbps = p->mpps * p->o.bytes * 8 / 1000;
	const double rate = reads > 0 ? (double)p->cache.hits / reads : 1;

	if (wait < 0)
		wait = 0;
	if (p->o.json) {
		printf("{\"profile\": \"%s\", \"tables\": %u, \"rules\": %u, \"bytes\": %u, \"flows\": %u, "
		       "\"gbps\": %.4f, \"mpps\": %.6f, \"median_ns\": %.0f, \"p99_ns\": %.0f, "
		       "\"offered\": %lu, \"received\": %lu, "
		       "\"steps\": {\"groups\": %.2f, \"exact\": %.2f, \"chain\": %.2f, \"tcam\": %.2f, "
		       "\"actions\": %.2f, \"objects\": %.2f}, "
		       "\"engine\": {\"cycles\": %.1f, \"lookup\": %.4f, \"cache\": %.4f, \"action\": %.4f, "
		       "\"wait\": %.4f, \"utilisation\": %.4f}, "
		       "\"cache_hit_rate\": %.4f, \"memory_reads\": %.3f, \"reads_in_flight\": %.2f}\n",
				p->o.profile, p->o.tables, p->o.rules, p->o.bytes, p->o.flows, gbps,
				p->mpps, p->median_ns, p->p99_ns, p->window.offered, p->window.got,
				s->group, s->exact, s->chain, s->tcam, s->action, s->objects, busy,
				lookup / busy, hit / busy, action / busy, wait / busy,
				(double)p->engine.busy / p->engine.servers /
						(double)(p->window.end - p->window.begin),
				rate, (double)p->cache.misses / served,
				(double)p->memory.busy / (double)(p->window.end - p->window.begin));
		return;
	}
	printf("%s, %u tables, %u rules, %u-byte frames, %u flows\n", p->o.profile, p->o.tables,
			p->o.rules, p->o.bytes, p->o.flows);
	printf("  %.2f Gb/s, %.4f Mpps; latency: median %.2f us, 99 %% %.2f us%s\n", gbps, p->mpps,
			p->median_ns / 1000, p->p99_ns / 1000,
			p->o.bed_ns > 0 ? " (with the test bed's)" : "");
	printf("  path: %.2f groups, %.2f exact look-ups, %.2f further entries, %.2f TCAM look-ups, %.2f actions\n",
			s->group, s->exact, s->chain, s->tcam, s->action);
	printf("  engine: %.1f cycles a packet: look-up %.1f %%, entry cache %.1f %%, actions %.1f %%, waiting %.1f %%; %.1f %% busy\n",
			busy, 100 * lookup / busy, 100 * hit / busy, 100 * action / busy,
			100 * wait / busy,
			100.0 * (double)p->engine.busy / p->engine.servers /
					(double)(p->window.end - p->window.begin));
	printf("  cache: %.2f %% hits; memory: %.2f reads a packet, %.2f in flight\n", 100 * rate,
			(double)p->cache.misses / served,
			(double)p->memory.busy / (double)(p->window.end - p->window.begin));
}

static int
usage(const char *name)
{
	fprintf(stderr,
			"usage: %s --profile FILE [--tables T] [--rules N] [--root] [--size B] [--flows F]\n"
			"       [--bed-ns NS] [--set section.key=value]... [--json]\n",
			name);
	return 2;
}

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "tables", required_argument, NULL, 't' },
		{ "rules", required_argument, NULL, 'r' },
		{ "root", no_argument, NULL, '0' },
		{ "size", required_argument, NULL, 's' },
		{ "flows", required_argument, NULL, 'f' },
		{ "bed-ns", required_argument, NULL, 'b' },
		{ "set", required_argument, NULL, 'x' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	uint32_t *number;
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		number = c == 't'	   ? &o->tables
				: c == 'r' ? &o->rules
				: c == 's' ? &o->bytes
				: c == 'f' ? &o->flows
				: c == 'b' ? &o->bed_ns
					   : NULL;
		if (number != NULL) {
			*number = (uint32_t)strtoul(optarg, &end, 10);
			if (*end != '\0')
				return -1;
		} else if (c == 'p') {
			o->profile = optarg;
		} else if (c == '0') {
			o->tables = 0;
		} else if (c == 'x' && o->n_sets < RIG_SETS) {
			o->sets[o->n_sets++] = optarg;
		} else if (c == 'j') {
			o->json = true;
		} else {
			return -1;
		}
	}
	if (optind != argc || o->bytes < 64 || o->bytes > SIM_FRAME_MAX + FCS || o->flows == 0)
		return -1;
	return 0;
}

int
main(int argc, char **argv)
{
	struct point p = {
		.o = { .profile = "ideal",
				.tables = 1,
				.rules = 1000,
				.bytes = 1500,
				.flows = 10000 },
	};
	int err = 1;

	if (parse(&p.o, argc, argv) < 0)
		return usage(argv[0]);
	if (rig_open(&p.rig, p.o.profile, p.o.sets, p.o.n_sets) < 0)
		return 1;
	p.window.latency = calloc(WINDOW, sizeof(sim_cycle));
	if (p.window.latency != NULL && sim_nic_rxq_setup(p.rig.nic, 0, 0, RING) == 0 &&
			sim_nic_rxq_setup(p.rig.nic, 0, 1, RING) == 0 && rules(&p) == 0 &&
			frames(&p) == 0 && measure(&p) == 0) {
		count_steps(&p);
		report(&p);
		err = 0;
	}
	free(p.frames);
	free(p.window.latency);
	rig_close(&p.rig);
	return err;
}
