/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast the model in cycles runs, in simulated packets a second of a core: 64-byte frames of 10,000 flows from
 * the wire to a ring of the host, through three exact tables with a rule for each flow. Offered is what the card can take, found
 * in a run before, so that all packets go all the way. Prints a row of JSON a profile, for scripts/bench.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hwsim_rig.h"

#define FLOWS 10000u
#define TABLES 3u
#define BYTES 60u /* 64 with the FCS */
#define RING 4096u
#define POLL 32u
#define WARM_UP 50000u
#define PACKETS 1000000u
/* Cycles in which whatever is inside gets out. */
#define DRAIN 10000000u

static uint8_t frame[FLOWS][64] __attribute__((aligned(64)));

static int
fill(struct rig *r)
{
	const struct rig_fate queue = { SIM_A_QUEUE, 0 };
	struct sim_error e = { "" };
	struct rig_flow f;
	uint32_t i, t;

	for (t = 0; t <= TABLES; t++) {
		const struct rig_fate jump = { SIM_A_JUMP, t + 1 };

		if (t == 0 && rig_rule(r, 0, RIG_ETH, NULL, jump, &e) < 0)
			goto failed;
		for (i = 0; t > 0 && i < FLOWS; i++) {
			f = (struct rig_flow){ 0x0a000000 + i, 0xc0a80001, (uint16_t)(1024 + i),
				80 };
			rig_frame(frame[i], BYTES, &f);
			if (rig_rule(r, t, RIG_TUPLE, &f, t < TABLES ? jump : queue, &e) < 0)
				goto failed;
		}
	}
	return 0;
failed:
	fprintf(stderr, "%s\n", e.text);
	return -1;
}

/* A frame every `gap` cycles at the soonest, in units of 1 / 256. Returns the number received. */
static uint64_t
run(struct rig *r, uint32_t packets, uint64_t gap)
{
	const uint8_t *next = frame[rig_random(r) % FLOWS];
	struct sim_frame *f[POLL];
	uint64_t got = 0;
	uint32_t i, k, n;
	const sim_cycle begin = sim_nic_now(r->nic);
	int64_t at = (int64_t)begin;

	for (i = 0; i < packets; i++) {
		const uint8_t *data = next;

		/* Whoever hands a frame over has just made it: that its bytes are far away is no cost of the model. */
		next = frame[rig_random(r) % FLOWS];
		__builtin_prefetch(next);
		at = sim_nic_wire_in(r->nic, 0, begin + i * gap / 256, data, BYTES, 0);
		if (at < 0)
			return 0;
		if (i % POLL != POLL - 1)
			continue;
		sim_run(r->nic, (sim_cycle)at);
		while ((n = sim_nic_rx(r->nic, 0, 0, f, POLL)) > 0) {
			for (k = 0; k < n; k++)
				sim_frame_free(r->nic, f[k]);
			sim_nic_rx_post(r->nic, 0, 0, n);
			got += n;
		}
	}
	return got;
}

static int
bench(const char *profile)
{
	double seconds, cycles;
	uint64_t got, gap;
	struct rig r = { .trace = 0 };

	if (rig_open(&r, profile, NULL, 0) < 0)
		return -1;
	if (fill(&r) < 0 || sim_nic_rxq_setup(r.nic, 0, 0, RING) < 0) {
		rig_close(&r);
		return -1;
	}
	cycles = (double)sim_nic_now(r.nic);
	got = run(&r, WARM_UP, 0);
	/* A twentieth less than it took at line rate: nothing is dropped. */
	gap = (uint64_t)(((double)sim_nic_now(r.nic) - cycles) / (double)got * 1.05 * 256);
	if (got > WARM_UP * 9 / 10)
		gap = 0;
	sim_run(r.nic, sim_nic_now(r.nic) + DRAIN);
	run(&r, POLL, gap);
	cycles = (double)sim_nic_now(r.nic);
	seconds = rig_seconds();
	got = run(&r, PACKETS, gap);
	seconds = rig_seconds() - seconds;
	cycles = (double)sim_nic_now(r.nic) - cycles;
	printf("{\"bench\": \"hwsim_model\", \"profile\": \"%s\", \"offered\": %u, \"received\": %lu, "
	       "\"pps\": %.0f, \"ns_a_packet\": %.1f, \"simulated_mpps\": %.2f}\n",
			profile, PACKETS, got, (double)got / seconds, seconds * 1e9 / (double)got,
			(double)got * r.profile.clock_mhz / cycles);
	rig_close(&r);
	return got > 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	static const char *const usual[] = { "ideal", "cx5" };
	int err = 0, i;

	if (argc > 1) {
		for (i = 1; i < argc; i++)
			err |= bench(argv[i]);
	} else {
		for (i = 0; i < 2; i++)
			err |= bench(usual[i]);
	}
	return err != 0;
}
