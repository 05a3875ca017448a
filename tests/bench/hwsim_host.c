/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One core that receives at line rate and inserts rules in between: what the insertions cost the packets. The core is the
 * profile's: a poll, a packet and an insertion take poll-ns, packet-ns and busy-ns of simulated time; it inserts whenever it has
 * spent 1/rate on packets since the last time. Prints a line, or JSON. No EAL.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hwsim/core/nic.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/steer.h"

#define FRAME 1500
#define DESCRIPTORS 4096
#define BURST 1 /* the core looks at its clock after each packet */

struct host {
	const struct sim_profile *profile;
	struct sim_steer *steer;
	struct sim_nic *nic;
	uint64_t now_ns, polling_ns; /* polling since the last insertion */
	uint64_t received, inserted;
	sim_cycle wire_free;
};

static void
insert(struct host *h)
{
	struct sim_match m = { .n_ranges = 0 };
	const struct sim_action drop = { .type = SIM_A_DROP };
	const struct sim_rule_params p = {
		.domain = SIM_INGRESS, .group = 1, .match = &m, .actions = &drop, .n_actions = 1
	};
	struct sim_error e = { "" };
	struct sim_rule *rule;
	uint32_t number = (uint32_t)h->inserted;

	m.mask.layers[0] = m.value.layers[0] = SIM_L_IPV4;
	memset(m.mask.level[0].ip + SIM_IP4_AT + 12, 0xff, 8);
	memcpy(m.value.level[0].ip + SIM_IP4_AT + 12, &number, sizeof(number));
	if (sim_rule_insert(h->steer, &p, &rule, &e) != 0)
		errx(1, "a rule was refused: %s", e.text);
	h->inserted++;
	h->now_ns += h->profile->command_busy_ns;
	h->polling_ns = 0;
}

/* The wire is kept full up to the host's time. */
static void
wire(struct host *h, const uint8_t *frame)
{
	const sim_cycle now = sim_profile_cycles(h->profile, h->now_ns);

	while (h->wire_free < now) {
		const int64_t wire_free = sim_nic_wire_in(h->nic, 0, h->wire_free, frame, FRAME, 0);

		if (wire_free < 0)
			errx(1, "the model has no memory for a frame");
		h->wire_free = (sim_cycle)wire_free;
	}
	sim_run(h->nic, now);
}

static void
poll(struct host *h)
{
	struct sim_frame *f[BURST];
	const uint32_t n = sim_nic_rx(h->nic, 0, 0, f, BURST);
	const uint64_t ns = h->profile->host_poll_ns + (uint64_t)n * h->profile->host_packet_ns;

	for (uint32_t i = 0; i < n; i++)
		sim_frame_free(h->nic, f[i]);
	sim_nic_rx_post(h->nic, 0, 0, n);
	h->received += n;
	h->now_ns += ns;
	h->polling_ns += ns;
}

static double
run(struct host *h, uint32_t rate, uint64_t ns)
{
	uint8_t frame[FRAME] = { [5] = 1,
		[11] = 2,
		[12] = 8,
		[14] = 0x45,
		[16] = 0x05,
		[17] = 0xce,
		[22] = 64,
		[23] = 17 };
	const uint64_t interval = rate == 0 ? UINT64_MAX : 1000000000u / rate, end = h->now_ns + ns;
	const uint64_t from = h->now_ns, before = h->received;

	while (h->now_ns < end) {
		wire(h, frame);
		poll(h);
		if (h->polling_ns >= interval)
			insert(h);
	}
	return (double)(h->received - before) * FRAME * 8 / (double)(h->now_ns - from);
}

static uint32_t
number(const char *name, const char *text)
{
	char *end;
	const unsigned long v = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v > 100000000)
		errx(2, "--%s is a number up to 100000000, not '%s'", name, text);
	return (uint32_t)v;
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "inserts", required_argument, NULL, 'i' },
		{ "set", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct sim_steer_params sp = { .n_ports = 1 };
	struct sim_nic_params np = { .n_ports = 1 };
	struct sim_profile profile;
	struct sim_error e = { "" };
	struct host h = { .profile = &profile };
	uint32_t rate = 0;
	bool json = false;
	double gbps;
	int c;

	sim_profile_ideal(&profile);
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'p' && sim_profile_load(&profile, optarg, &e) != 0)
			errx(2, "%s", e.text);
		else if (c == 's' && sim_profile_set(&profile, optarg, &e) != 0)
			errx(2, "%s", e.text);
		else if (c == 'i')
			rate = number("inserts", optarg);
		else if (c == 'j')
			json = true;
		else if (c == '?')
			errx(2, "options: --profile --inserts --set --json");
	}
	sp.profile = np.profile = &profile;
	h.steer = np.steer = sim_steer_create(&sp);
	h.nic = h.steer == NULL ? NULL : sim_nic_create(&np, &e);
	if (h.nic == NULL || sim_nic_rxq_setup(h.nic, 0, 0, DESCRIPTORS) != 0)
		errx(1, "the card cannot be made: %s", e.text);
	run(&h, rate, 5000000);
	gbps = run(&h, rate, 50000000);
	if (json)
		printf("{\"gbps\": %.3f, \"inserted\": %lu}\n", gbps, (unsigned long)h.inserted);
	else
		printf("%u insertions/s asked for: %.1f Gb/s received\n", rate, gbps);
	sim_nic_destroy(h.nic);
	sim_steer_destroy(h.steer);
	return 0;
}
