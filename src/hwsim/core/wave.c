/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waveform: the occupancy of every unit as a Value Change Dump (IEEE 1364-2005, clause 18), for GTKWave. sim_run() asks for
 * a sample behind each cycle in which something happened; what did not change is not written. Under the NIC's lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

/* Identifiers are printable characters, '!' to '~' (18.2.3.2): two are enough for 94 * 94. */
#define ID_FIRST '!'
#define ID_BASE 94u
#define BITS 32u

struct sim_wave {
	FILE *file;
	uint32_t n;
	sim_cycle at; /* SIM_NEVER: no time is written yet */
	uint32_t value[];
};

static void
put_value(FILE *file, uint32_t id, uint32_t value)
{
	char bits[BITS + 1];
	uint32_t i = BITS;

	bits[BITS] = '\0';
	/* Leading zeros are implied (18.2.1). */
	do {
		bits[--i] = (char)('0' + (value & 1));
		value >>= 1;
	} while (value != 0);
	fprintf(file, "b%s %c%c\n", &bits[i], ID_FIRST + (int)(id % ID_BASE),
			ID_FIRST + (int)(id / ID_BASE));
}

static void
put_header(struct sim_nic *nic, struct sim_wave *w)
{
	struct sim_unit_stats s;
	uint32_t i;

	/* Picoseconds: a cycle is no whole number of anything larger at most clocks. */
	fprintf(w->file,
			"$version hwsim %s, %u MHz $end\n$timescale 1 ps $end\n"
			"$scope module hwsim $end\n",
			nic->profile.name[0] != '\0' ? nic->profile.name : "-",
			nic->profile.clock_mhz);
	for (i = 0; i < w->n && sim_nic_unit(nic, i, &s); i++)
		fprintf(w->file, "$var wire %u %c%c %s [%u:0] $end\n", BITS,
				ID_FIRST + (int)(i % ID_BASE), ID_FIRST + (int)(i / ID_BASE),
				s.name, BITS - 1);
	fprintf(w->file, "$upscope $end\n$enddefinitions $end\n");
}

static uint64_t
picoseconds(const struct sim_nic *nic, sim_cycle at)
{
	const uint64_t mhz = nic->profile.clock_mhz;

	return at / mhz * 1000000 + at % mhz * 1000000 / mhz;
}

void
sim_wave_sample(struct sim_nic *nic, sim_cycle now)
{
	struct sim_wave *w = nic->wave;
	const bool first = w->at == SIM_NEVER;
	struct sim_unit_stats s;
	uint32_t i;

	for (i = 0; i < w->n && sim_nic_unit(nic, i, &s); i++) {
		if (!first && s.queue == w->value[i])
			continue;
		if (w->at != now) {
			fprintf(w->file, "#%" PRIu64 "\n%s", picoseconds(nic, now),
					first ? "$dumpvars\n" : "");
			w->at = now;
		}
		w->value[i] = s.queue;
		put_value(w->file, i, s.queue);
	}
	if (first)
		fprintf(w->file, "$end\n");
}

void
sim_wave_close(struct sim_nic *nic)
{
	struct sim_wave *w = nic->wave;

	if (w == NULL)
		return;
	sim_wave_sample(nic, sim_events_now(nic->events));
	if (w->at != sim_events_now(nic->events))
		fprintf(w->file, "#%" PRIu64 "\n", picoseconds(nic, sim_events_now(nic->events)));
	fclose(w->file);
	free(w);
	nic->wave = NULL;
}

int
sim_nic_wave(struct sim_nic *nic, const char *file, struct sim_error *e)
{
	const uint32_t n = 2u * nic->n_ports + SIM_U_COUNT;
	struct sim_wave *w;
	int err;

	sim_wave_close(nic);
	if (file == NULL)
		return 0;
	w = calloc(1, sizeof(*w) + n * sizeof(w->value[0]));
	if (w == NULL)
		return sim_fail(e, ENOMEM, "no memory for a waveform");
	w->file = fopen(file, "w");
	if (w->file == NULL) {
		err = errno;
		free(w);
		return sim_fail(e, err, "%s: %s", file, strerror(err));
	}
	w->n = n;
	w->at = SIM_NEVER;
	put_header(nic, w);
	nic->wave = w;
	sim_wave_sample(nic, sim_events_now(nic->events));
	return 0;
}
