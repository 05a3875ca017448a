/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program: command line, configuration, EAL, then either a replay or live traffic until it is told to stop. Main
 * lcore.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_version.h>

#include "base/log.h"
#include "base/pkt.h"
#include "base/time.h"
#include "config/cfg.h"
#include "control/ctl.h"
#include "dataplane/dp.h"

#ifndef SHUNT_VERSION
#define SHUNT_VERSION "unknown"
#endif

static const char usage[] =
		"usage: shunt [EAL options] -- --config FILE [options]\n"
		"       shunt --config FILE --replay IN [--out OUT.pcapng] [--verdicts OUT.jsonl] [--events OUT.jsonl] [--burst N]\n"
		"\n"
		"  --config FILE        JSON configuration (docs/configuration.md)\n"
		"  --check-config       read and check the configuration, then stop\n"
		"  --interactive        prompt on the terminal: help, show stats, quit, ...\n"
		"  --stats-period S     print the statistics every S seconds\n"
		"  --stage-cycles       count cycles by stage of the workers (costs a few a packet)\n"
		"  --events-socket PATH a Unix socket: a JSON line for all that happens to connections\n"
		"  --replay IN          replay a pcap or pcapng file instead of polling devices\n"
		"  --out FILE           replay: write the frames that leave, one interface a port\n"
		"  --verdicts FILE      replay: write a JSON line an input packet\n"
		"  --events FILE        replay: write a JSON line for all that happens to connections\n"
		"  --burst N            replay: packets at a time, 1 to 64 (default 1)\n"
		"  --help, --version\n"
		"\n"
		"EAL options are DPDK's: lcores (-l 0,1), devices (--vdev, -a), memory. The main lcore is control, the others\n"
		"are workers; with one lcore it does both. A replay needs none of them, nor hugepages, nor root.\n";

struct options {
	const char *config;
	struct dp_replay_params replay; /* .in NULL: live */
	unsigned int stats_period;	/* s; 0 = never */
	const char *events_socket;	/* NULL: none */
	bool check;
	bool interactive;
	bool stage_cycles;
};

static atomic_bool interrupted;

static void
on_signal(int sig)
{
	(void)sig;
	atomic_store(&interrupted, true);
}

/* ---- command line -------------------------------------------------------------------------------------------- */

static int
complain(const char *what, const char *value)
{
	fprintf(stderr, "shunt: %s%s%s\nTry 'shunt --help'.\n", what, value != NULL ? ": " : "",
			value != NULL ? value : "");
	return -EINVAL;
}

static int
parse_number(const char *text, unsigned int lo, unsigned int hi, unsigned int *out)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || v < lo || v > hi)
		return -EINVAL;
	*out = (unsigned int)v;
	return 0;
}

enum {
	OPT_CONFIG = 256,
	OPT_CHECK,
	OPT_INTERACTIVE,
	OPT_STATS,
	OPT_STAGES,
	OPT_REPLAY,
	OPT_OUT,
	OPT_VERDICTS,
	OPT_BURST,
	OPT_EVENTS,
	OPT_EVENTS_SOCKET,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "interactive", no_argument, NULL, OPT_INTERACTIVE },
	{ "stats-period", required_argument, NULL, OPT_STATS },
	{ "stage-cycles", no_argument, NULL, OPT_STAGES },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "verdicts", required_argument, NULL, OPT_VERDICTS },
	{ "burst", required_argument, NULL, OPT_BURST },
	{ "events", required_argument, NULL, OPT_EVENTS },
	{ "events-socket", required_argument, NULL, OPT_EVENTS_SOCKET },
	{ NULL, 0, NULL, 0 },
};

static int
take_option(struct options *o, int c)
{
	switch (c) {
	case OPT_CONFIG:
		o->config = optarg;
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_INTERACTIVE:
		o->interactive = true;
		return 0;
	case OPT_STAGES:
		o->stage_cycles = true;
		return 0;
	case OPT_STATS:
		if (parse_number(optarg, 1, 86400, &o->stats_period) != 0)
			return complain("--stats-period wants seconds, 1 to 86400, not", optarg);
		return 0;
	case OPT_REPLAY:
		o->replay.in = optarg;
		return 0;
	case OPT_OUT:
		o->replay.out = optarg;
		return 0;
	case OPT_VERDICTS:
		o->replay.verdicts = optarg;
		return 0;
	case OPT_EVENTS:
		o->replay.events = optarg;
		return 0;
	case OPT_EVENTS_SOCKET:
		o->events_socket = optarg;
		return 0;
	case OPT_BURST:
		if (parse_number(optarg, 1, PKT_BURST_MAX, &o->replay.burst) != 0)
			return complain("--burst wants 1 to 64, not", optarg);
		return 0;
	default:
		return complain("unknown option, or one without its value; EAL options go before --",
				NULL);
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int c, rc = 0;

	optind = 1;
	while (rc == 0 && (c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		rc = take_option(o, c);
	if (rc != 0)
		return rc;
	if (optind < argc)
		return complain("what is this?", argv[optind]);
	if (o->config == NULL)
		return complain("--config FILE is missing", NULL);
	if (o->replay.in == NULL &&
			(o->replay.out != NULL || o->replay.verdicts != NULL ||
					o->replay.events != NULL || o->replay.burst != 0))
		return complain("--out, --verdicts, --events and --burst go with --replay", NULL);
	if (o->replay.in != NULL &&
			(o->interactive || o->stats_period != 0 || o->events_socket != NULL))
		return complain("--interactive, --stats-period and --events-socket are for live traffic, not for --replay",
				NULL);
	if (o->replay.burst == 0)
		o->replay.burst = 1;
	o->replay.report = stdout;
	return 0;
}

/* Index of the first argument of ours: behind "--", or 1 when there is no "--". */
static int
split_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
	return 1;
}

/* ---- EAL ------------------------------------------------------------------------------------------------------- */

/* Memory that a replay of this configuration takes, in MB: its tables, mbufs, and room for the rest. */
static unsigned int
replay_memory(const struct cfg *cfg)
{
	const struct cfg_tables *t = &cfg->tables;
	uint64_t bytes = (uint64_t)t->connections * 256 + (uint64_t)t->connections_ipv6 * 64 +
			(uint64_t)t->mbufs * (t->mbuf_size + 256 + sizeof(struct pkt_meta)) +
			(uint64_t)(t->ring_size + t->hold_total) * 64 +
			(uint64_t)t->next_hops * 512 + (uint64_t)cfg->fragments.datagrams * 512 +
			(uint64_t)cfg->fragments.memory * 32 +
			(uint64_t)(cfg->n_backends + cfg->n_classes) * 1024 +
			(uint64_t)cfg->n_rules * 4096 + (uint64_t)cfg->n_routes * 256;

	return (unsigned int)(bytes >> 20) + 192;
}

/* EAL for a replay without EAL options: one lcore, no hugepages, no devices, no files left behind. */
static int
eal_init_replay(const char *program, const struct cfg *cfg)
{
	char name[256], memory[16];
	char *argv[] = { name, (char[]){ "--no-huge" }, (char[]){ "--no-pci" },
		(char[]){ "--no-shconf" }, (char[]){ "--no-telemetry" },
		(char[]){ "--log-level=lib.eal:4" }, (char[]){ "-m" }, memory,
		(char[]){ "--lcores" }, (char[]){ "0@0" }, NULL };
	cpu_set_t cpus;
	char lcores[32];

	snprintf(name, sizeof(name), "%s", program);
	snprintf(memory, sizeof(memory), "%u", replay_memory(cfg));
	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		for (unsigned int i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &cpus)) {
				snprintf(lcores, sizeof(lcores), "0@%u", i);
				argv[9] = lcores;
				break;
			}
	return rte_eal_init((int)RTE_DIM(argv) - 1, argv);
}

static int
eal_init(int argc, char **argv, int ours, const struct options *o, const struct cfg *cfg)
{
	int rc;

	if (o->replay.in != NULL && ours <= 2)
		rc = eal_init_replay(argv[0], cfg);
	else
		rc = rte_eal_init(ours == 1 ? 1 : argc, argv);
	if (rc < 0)
		fprintf(stderr,
				"shunt: EAL does not start: %s\n"
				"Check the EAL options, and hugepages for live traffic: sysctl vm.nr_hugepages=1024\n",
				rte_strerror(rte_errno));
	return rc;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static int
run_live(struct dp *dp, const struct options *o)
{
	uint64_t period = o->stats_period * TIME_NS_PER_S, next = dp_now(dp) + period;
	int rc = dp_start(dp);

	if (rc != 0)
		return rc;
	rc = dp_doors_open(dp, o->interactive, o->events_socket);
	while (rc == 0 && !atomic_load_explicit(&interrupted, memory_order_relaxed)) {
		uint64_t now = dp_now(dp);
		unsigned int seen = dp_poll(dp, now);

		if (period != 0 && now >= next) {
			ctl_call_text(dp_ctl(dp), "show stats", stdout);
			fflush(stdout);
			next += period;
		}
		if (!dp_doors_poll(dp, seen, now))
			break;
	}
	dp_stop(dp);
	dp_doors_close(dp);
	dp_report(dp, stdout);
	return rc;
}

static int
run(const struct options *o, const struct cfg *cfg)
{
	const struct dp_params p = {
		.cfg = cfg, .replay = o->replay.in != NULL, .profile = o->stage_cycles
	};
	struct dp *dp = dp_create(&p);
	int rc;

	if (dp == NULL)
		return -rte_errno;
	if (o->replay.in != NULL) {
		rc = dp_start(dp);
		if (rc == 0)
			rc = dp_replay(dp, &o->replay);
	} else {
		rc = run_live(dp, o);
	}
	dp_destroy(dp);
	return rc;
}

static struct cfg *
load(const char *path)
{
	struct cfg_errors errors = { .n = 0 };
	struct cfg *cfg = cfg_load(path, &errors);

	if (cfg == NULL)
		cfg_errors_print(&errors, stderr);
	cfg_errors_free(&errors);
	return cfg;
}

int
main(int argc, char **argv)
{
	struct options o = { .config = NULL };
	int ours = split_arguments(argc, argv), rc;
	struct cfg *cfg;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return fputs(usage, stdout) < 0;
		if (strcmp(argv[i], "--version") == 0)
			return printf("shunt %s (%s)\n", SHUNT_VERSION, rte_version()) < 0;
	}
	if (parse_options(argc - ours + 1, argv + ours - 1, &o) != 0)
		return 2;
	cfg = load(o.config);
	if (cfg == NULL)
		return 2;
	if (o.check) {
		printf("%s: good\n", o.config);
		cfg_free(cfg);
		return 0;
	}
	if (eal_init(argc, argv, ours, &o, cfg) < 0) {
		cfg_free(cfg);
		return 1;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	rc = run(&o, cfg);
	if ((fflush(stdout) != 0 || ferror(stdout)) && rc == 0) {
		fprintf(stderr, "shunt: standard output: %s\n", strerror(errno));
		rc = -EIO;
	}
	cfg_free(cfg);
	rte_eal_cleanup();
	return rc == 0 ? 0 : 1;
}
