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
#define UNITS_MAX 64u
/* Cycles in which whatever is inside gets out. */
#define DRAIN 10000000u
/* Packets in a waveform. */
#define WATCHED 1000u
#define NETWORK 0xc0a80000u /* 192.168.0.0/16 */

struct options {
	const char *profile;
	uint32_t tables, rules, bytes, flows, bed_ns;
	bool random; /* flows in random order; else one after the other, as a capture played in a loop */
	uint32_t trace;
	const char *wave;
	bool json, show;
	uint32_t n_sets;
	const char *sets[RIG_SETS];
};

struct window {
	uint64_t offered, got;
	double drift; /* of the number inside, either way */
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
	uint32_t next; /* flow whose turn it is */
	struct window window;
	double mpps;
	double median_ns, p99_ns;
	struct sim_unit_stats unit[UNITS_MAX]; /* of the last window */
	uint32_t n_units;
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
	struct sim_account before, after;
	uint32_t i = 0;
	int64_t at;

	sim_nic_account(nic, &before);
	w->offered = 0;
	w->got = 0;
	w->n_latency = 0;
	w->begin = sim_nic_now(nic);
	at = (int64_t)w->begin;
	while (w->got < want && w->offered < OFFERED_MAX) {
		const uint32_t flow = p->o.random ? (uint32_t)(rig_random(&p->rig) % p->o.flows)
						  : p->next++ % p->o.flows;

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
	sim_nic_account(nic, &after);
	w->drift = fabs((double)after.held - (double)before.held);
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

/* What the units have done; before a window, and (since) the difference behind it. */
static void
units(struct point *p, bool since)
{
	struct sim_unit_stats now;
	uint32_t i;

	for (i = 0; i < UNITS_MAX && sim_nic_unit(p->rig.nic, i, &now); i++) {
		struct sim_unit_stats *s = &p->unit[i];

		if (since) {
			now.served -= s->served;
			now.busy -= s->busy;
			now.wait_cycles -= s->wait_cycles;
			now.queue_cycles -= s->queue_cycles;
			now.hits -= s->hits;
			now.misses -= s->misses;
		}
		*s = now;
		if (strcmp(s->name, "engine") == 0)
			p->engine = *s;
		else if (strcmp(s->name, "cache") == 0)
			p->cache = *s;
		else if (strcmp(s->name, "memory") == 0)
			p->memory = *s;
	}
	p->n_units = i;
}

static int
measure(struct point *p)
{
	double now = 0, before;
	uint32_t i;

	/* Caches see every flow several times, and buffers fill where the card is too slow. */
	if (traffic(p, 3 * p->o.flows + WINDOW) < 0)
		return -1;
	for (i = 0; i < WINDOWS_MAX; i++) {
		units(p, false);
		before = now;
		if (traffic(p, WINDOW) < 0)
			return -1;
		now = window_mpps(p);
		p->mpps = i > 0 ? (before + now) / 2 : now;
		units(p, true);
		/* Nor may a backlog of before grow or shrink: then what comes out is not what the card can do. */
		if (i > 0 && fabs(now - before) <= AGREE * now && p->window.drift <= AGREE * WINDOW)
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

static void
print(void *arg, const char *text)
{
	(void)arg;
	fputs(text, stdout);
}

/* The last packets' way, and what the queues do meanwhile, for some packets more. */
static int
look(struct point *p)
{
	struct sim_error e = { "" };

	if (p->o.wave != NULL && sim_nic_wave(p->rig.nic, p->o.wave, &e) < 0)
		return fail("waveform", &e);
	if (p->o.wave != NULL && traffic(p, WATCHED) < 0)
		return -1;
	sim_run(p->rig.nic, sim_nic_now(p->rig.nic) + DRAIN);
	sim_nic_trace(p->rig.nic, p->o.json, print, NULL);
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

/* Of an engine's time with a packet, in cycles, and of the caches behind it. */
struct figures {
	double busy, lookup, action, hit, wait, use;
	double hit_rate, reads, in_flight;
};

static void
figures(const struct point *p, struct figures *g)
{
	const struct sim_profile *f = &p->rig.profile;
	const struct steps *s = &p->steps;
	const double served = p->engine.served > 0 ? (double)p->engine.served : 1;
	const double reads = (double)(p->cache.hits + p->cache.misses);
	const double time = (double)(p->window.end - p->window.begin);

	g->busy = (double)p->engine.busy / served;
	g->lookup = (s->exact + s->chain) * f->steering_lookup + s->tcam * f->steering_tcam +
			s->group * f->steering_group_cycles;
	g->action = s->action * f->steering_action + s->copy * f->steering_copy;
	g->hit = (double)p->cache.hits / served * f->cache_hit;
	/* What is left: reads on their way, and its turn at the cache, at memory and to leave. */
	g->wait = g->busy - g->lookup - g->action - g->hit;
	if (g->wait < 0)
		g->wait = 0;
	g->use = (double)p->engine.busy / p->engine.servers / time;
	g->hit_rate = reads > 0 ? (double)p->cache.hits / reads : 1;
	g->reads = (double)p->cache.misses / served;
	g->in_flight = (double)p->memory.busy / time;
}

static void
report_json(const struct point *p, const struct figures *g)
{
	const struct steps *s = &p->steps;
	uint32_t i;

	printf("{\"profile\": \"%s\", \"tables\": %u, \"rules\": %u, \"bytes\": %u, \"flows\": %u, ",
			p->o.profile, p->o.tables, p->o.rules, p->o.bytes, p->o.flows);
	printf("\"gbps\": %.6f, \"mpps\": %.8f, \"latency_median_us\": %.4f, \"latency_p99_us\": %.4f, \"bed_ns\": %u, ",
			p->mpps * p->o.bytes * 8 / 1000, p->mpps, p->median_ns / 1000,
			p->p99_ns / 1000, p->o.bed_ns);
	printf("\"offered\": %lu, \"received\": %lu, ", p->window.offered, p->window.got);
	printf("\"steps\": {\"groups\": %.2f, \"exact\": %.2f, \"chain\": %.2f, \"tcam\": %.2f, \"actions\": %.2f, "
	       "\"objects\": %.2f}, ",
			s->group, s->exact, s->chain, s->tcam, s->action, s->objects);
	printf("\"engine\": {\"cycles\": %.1f, \"lookup\": %.4f, \"cache\": %.4f, \"action\": %.4f, \"wait\": %.4f, "
	       "\"utilisation\": %.4f}, ",
			g->busy, g->lookup / g->busy, g->hit / g->busy, g->action / g->busy,
			g->wait / g->busy, g->use);
	printf("\"cache_hit_rate\": %.4f, \"memory_reads\": %.3f, \"reads_in_flight\": %.2f, \"occupancy\": {",
			g->hit_rate, g->reads, g->in_flight);
	for (i = 0; i < p->n_units; i++)
		printf("%s\"%s\": %.2f", i > 0 ? ", " : "", p->unit[i].name,
				(double)p->unit[i].queue_cycles /
						(double)(p->window.end - p->window.begin));
	printf("}}\n");
}

static void
report(const struct point *p)
{
	const struct steps *s = &p->steps;
	struct figures g;
	double length;
	uint32_t i;

	figures(p, &g);
	if (p->o.json) {
		report_json(p, &g);
		return;
	}
	printf("%s, %u tables, %u rules, %u-byte frames, %u flows\n", p->o.profile, p->o.tables,
			p->o.rules, p->o.bytes, p->o.flows);
	printf("  %.2f Gb/s, %.4f Mpps; latency: median %.2f us, 99 %% %.2f us%s\n",
			p->mpps * p->o.bytes * 8 / 1000, p->mpps, p->median_ns / 1000,
			p->p99_ns / 1000, p->o.bed_ns > 0 ? " (with the test bed's)" : "");
	printf("  path: %.2f groups, %.2f exact look-ups, %.2f further entries, %.2f TCAM look-ups, %.2f actions\n",
			s->group, s->exact, s->chain, s->tcam, s->action);
	printf("  engine: %.1f cycles a packet: look-up %.1f %%, entry cache %.1f %%, actions %.1f %%, waiting %.1f %%; "
	       "%.1f %% busy\n",
			g.busy, 100 * g.lookup / g.busy, 100 * g.hit / g.busy,
			100 * g.action / g.busy, 100 * g.wait / g.busy, 100 * g.use);
	printf("  cache: %.2f %% hits; memory: %.2f reads a packet, %.2f in flight\n",
			100 * g.hit_rate, g.reads, g.in_flight);
	printf("  waiting on average:");
	for (i = 0; i < p->n_units; i++) {
		length = (double)p->unit[i].queue_cycles /
				(double)(p->window.end - p->window.begin);
		if (length >= 0.05)
			printf(" %s %.1f", p->unit[i].name, length);
	}
	printf("\n");
}

/* The profile's numbers, by "section.key", as JSON. */
static void
show(const struct sim_profile *p)
{
	const char *comma = "";

	printf("{");
#define X(section, field, key, def, min, max, text) \
	printf("%s\"%s.%s\": %u", comma, #section, key, p->section##_##field); \
	comma = ", ";
	SIM_PROFILE_NUMBERS(X)
#undef X
	printf("}\n");
}

static int
usage(const char *name)
{
	fprintf(stderr,
			"usage: %s --profile FILE [--tables T] [--rules N] [--root] [--size B] [--flows F] [--random]\n"
			"       [--bed-ns NS] [--set section.key=value]... [--json] [--trace PACKETS] [--wave FILE]\n"
			"       %s --profile FILE [--set section.key=value]... --show\n",
			name, name);
	return 2;
}

/* Where the number of option `c` goes; NULL: it has none. */
static uint32_t *
number_of(struct options *o, int c)
{
	switch (c) {
	case 't':
		return &o->tables;
	case 'r':
		return &o->rules;
	case 's':
		return &o->bytes;
	case 'f':
		return &o->flows;
	case 'b':
		return &o->bed_ns;
	case 'n':
		return &o->trace;
	default:
		return NULL;
	}
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
		{ "random", no_argument, NULL, 'o' },
		{ "bed-ns", required_argument, NULL, 'b' },
		{ "set", required_argument, NULL, 'x' },
		{ "trace", required_argument, NULL, 'n' },
		{ "wave", required_argument, NULL, 'w' },
		{ "show", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	uint32_t *number;
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		number = number_of(o, c);
		if (number != NULL) {
			*number = (uint32_t)strtoul(optarg, &end, 10);
			if (*end != '\0')
				return -1;
		} else if (c == 'p') {
			o->profile = optarg;
		} else if (c == 'o') {
			o->random = true;
		} else if (c == 'w') {
			o->wave = optarg;
		} else if (c == '0') {
			o->tables = 0;
		} else if (c == 'x' && o->n_sets < RIG_SETS) {
			o->sets[o->n_sets++] = optarg;
		} else if (c == 'v') {
			o->show = true;
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
	p.rig.trace = p.o.trace;
	if (rig_open(&p.rig, p.o.profile, p.o.sets, p.o.n_sets) < 0)
		return 1;
	if (p.o.show) {
		show(&p.rig.profile);
		rig_close(&p.rig);
		return 0;
	}
	p.window.latency = calloc(WINDOW, sizeof(sim_cycle));
	if (p.window.latency != NULL && sim_nic_rxq_setup(p.rig.nic, 0, 0, RING) == 0 &&
			sim_nic_rxq_setup(p.rig.nic, 0, 1, RING) == 0 && rules(&p) == 0 &&
			frames(&p) == 0 && measure(&p) == 0) {
		count_steps(&p);
		report(&p);
		err = look(&p) < 0;
	}
	free(p.frames);
	free(p.window.latency);
	rig_close(&p.rig);
	return err;
}
