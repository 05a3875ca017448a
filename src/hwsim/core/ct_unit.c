/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Units of objects in time, asked by the engines for every step: connections (a window check is a read-modify-write, so the
 * next packet of a connection waits until that of the one before is done), counters, meters, age contexts, and the place of
 * the TLS engine. What a check says is steering's; this is when. Under the NIC's lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

/*
 * The unit keeps a place for each connection in it, found by the low bits of its number, as a scoreboard in hardware is: two
 * connections that share a place wait for each other as if they were one.
 */
static sim_cycle
ct_step(struct sim_nic *nic, uint32_t connection, sim_cycle now)
{
	struct sim_ct_unit *u = &nic->ct;
	sim_cycle *busy = &u->busy[connection % SIM_CT_PLACES];
	sim_cycle at = now;

	if (u->free > at)
		at = u->free;
	if (*busy > at)
		at = *busy;
	u->free = at + nic->profile.objects_ct_interval;
	*busy = at + nic->profile.objects_ct_latency;
	u->unit.s.served++;
	u->unit.s.busy += nic->profile.objects_ct_interval;
	u->unit.s.wait_cycles += at - now;
	return *busy;
}

sim_cycle
sim_object_step(void *ctx, const struct sim_frame *f, const struct sim_step *step, sim_cycle now)
{
	struct sim_nic *nic = ctx;

	(void)f;
	switch (step->kind) {
	case SIM_STEP_COUNT:
		return sim_counters_step(nic, step->line, now);
	case SIM_STEP_CT:
		return ct_step(nic, step->line, now);
	case SIM_STEP_METER:
		nic->ct.meter.s.served++;
		return now;
	case SIM_STEP_AGE:
		nic->ct.age.s.served++;
		return now;
	case SIM_STEP_TLS:
		/* A place in the pipeline: the engine's behaviour, and so its time, is not built. */
		nic->ct.tls.s.served++;
		return now;
	default:
		return now;
	}
}

int
sim_ct_unit_init(struct sim_nic *nic)
{
	struct sim_ct_unit *u = &nic->ct;

	u->unit.s.name = "connections";
	u->meter.s.name = "meters";
	u->age.s.name = "ages";
	u->tls.s.name = "tls";
	u->unit.s.servers = 1;
	u->meter.s.servers = 1;
	u->age.s.servers = 1;
	u->tls.s.servers = 1;
	u->busy = calloc(SIM_CT_PLACES, sizeof(*u->busy));
	return u->busy == NULL ? -ENOMEM : 0;
}

void
sim_ct_unit_fini(struct sim_nic *nic)
{
	free(nic->ct.busy);
	memset(&nic->ct, 0, sizeof(nic->ct));
}
