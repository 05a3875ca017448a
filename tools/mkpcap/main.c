/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shunt-mkpcap: writes the captures that shunt's benchmarks, tests and demonstration replay. This
 * file reads the command line and calls one scenario; see README.md for what each one contains.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

struct scenario {
	const char *name;
	int (*run)(const struct mk_options *o);
	bool two_files;
};

static const struct scenario scenarios[] = {
	{ "udp-sessions", mk_udp_sessions, true },
	{ "tcp-opens", mk_tcp_opens, true },
	{ "demo", mk_demo, false },
};

static const char usage[] =
		"usage: shunt-mkpcap udp-sessions|tcp-opens --sessions N --out-client A.pcap\n"
		"                    --out-server B.pcap [options]\n"
		"       shunt-mkpcap demo --out FILE.pcapng [--seed S]\n"
		"\n"
		"udp-sessions  one 64-byte frame (60 in the file: no FCS) a session and direction, shuffled\n"
		"tcp-opens     SYN, SYN/ACK, ACK of every session\n"
		"demo          a mixed capture with the interfaces external and internal: README.md\n"
		"\n"
		"  --sessions N         how many, at most 16515072 (256 client addresses)\n"
		"  --client ADDR        the first client                        (198.18.0.1)\n"
		"  --vip ADDR           address of the services                 (10.255.0.1)\n"
		"  --vip-port PORT      service k listens on PORT + k           (9000)\n"
		"  --backend ADDR       service k has one backend, ADDR + k     (10.1.0.1)\n"
		"  --backend-port PORT  where every backend listens             (7000)\n"
		"  --backends K         how many services and backends, <= 250  (16)\n"
		"  --external-mac MAC   the box's towards clients               (02:70:63:61:70:00)\n"
		"  --internal-mac MAC   the box's towards servers               (02:70:63:61:70:01)\n"
		"  --seed S             of the order and of everything random   (1)\n"
		"\n"
		"Client i is client + i / 64512, port 1024 + i % 64512, and uses service i % K.\n"
		"The MACs are those that DPDK's net_pcap gives its first two ports.\n";

static int
number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || *out < low || *out > high)
		return -EINVAL;
	return 0;
}

static int
set_option(struct mk_options *o, int key, const char *arg)
{
	uint64_t n = 0;
	int rc = 0;

	switch (key) {
	case 'n':
		rc = number(arg, 1, 256 * MK_PORTS_PER_CLIENT, &n);
		o->sessions = n;
		break;
	case 'k':
		rc = number(arg, 1, 250, &n);
		o->backends = n;
		break;
	case 's':
		rc = number(arg, 0, UINT64_MAX, &n);
		o->seed = n;
		break;
	case 'p':
		rc = number(arg, 1, 65535, &n);
		o->vip_port = n;
		break;
	case 'q':
		rc = number(arg, 1, 65535, &n);
		o->backend_port = n;
		break;
	case 'c':
		rc = mk_addr_parse(arg, &o->client);
		break;
	case 'v':
		rc = mk_addr_parse(arg, &o->vip);
		break;
	case 'b':
		rc = mk_addr_parse(arg, &o->backend);
		break;
	case 'e':
		rc = mk_mac_parse(arg, o->external_mac);
		break;
	case 'i':
		rc = mk_mac_parse(arg, o->internal_mac);
		break;
	case 'A':
		o->out_client = arg;
		break;
	case 'B':
		o->out_server = arg;
		break;
	case 'o':
		o->out = arg;
		break;
	default:
		rc = -EINVAL;
	}
	return rc;
}

static int
parse(struct mk_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "sessions", required_argument, NULL, 'n' },
		{ "backends", required_argument, NULL, 'k' },
		{ "seed", required_argument, NULL, 's' },
		{ "vip-port", required_argument, NULL, 'p' },
		{ "backend-port", required_argument, NULL, 'q' },
		{ "client", required_argument, NULL, 'c' },
		{ "vip", required_argument, NULL, 'v' },
		{ "backend", required_argument, NULL, 'b' },
		{ "external-mac", required_argument, NULL, 'e' },
		{ "internal-mac", required_argument, NULL, 'i' },
		{ "out-client", required_argument, NULL, 'A' },
		{ "out-server", required_argument, NULL, 'B' },
		{ "out", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int key, at = 0;

	while ((key = getopt_long(argc, argv, "", longs, &at)) != -1) {
		if (key == '?')
			return -EINVAL; /* getopt said why */
		if (set_option(o, key, optarg) != 0) {
			fprintf(stderr, "shunt-mkpcap: --%s %s: not valid\n", longs[at].name,
					optarg);
			return -EINVAL;
		}
	}
	return optind == argc ? 0 : -EINVAL;
}

static bool
complete(const struct scenario *s, const struct mk_options *o)
{
	if (!s->two_files)
		return o->out != NULL;
	return o->sessions && o->out_client && o->out_server && o->client.v6 == o->vip.v6 &&
			o->vip.v6 == o->backend.v6 && o->vip_port + o->backends <= 65536;
}

int
main(int argc, char **argv)
{
	struct mk_options o = {
		.backends = 16,
		.seed = 1,
		.client = mk_addr("198.18.0.1"),
		.vip = mk_addr("10.255.0.1"),
		.backend = mk_addr("10.1.0.1"),
		.vip_port = 9000,
		.backend_port = 7000,
		.external_mac = { 0x02, 0x70, 0x63, 0x61, 0x70, 0x00 },
		.internal_mac = { 0x02, 0x70, 0x63, 0x61, 0x70, 0x01 },
	};
	int rc;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(argv[1], scenarios[i].name) != 0)
			continue;
		if (parse(&o, argc - 1, argv + 1) != 0 || !complete(&scenarios[i], &o))
			break;
		rc = scenarios[i].run(&o);
		if (rc != 0)
			fprintf(stderr, "shunt-mkpcap: %s\n", strerror(-rc));
		return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fputs(usage, stderr);
	return 2;
}
