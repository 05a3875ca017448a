/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command queue: rules are inserted, deleted and updated one after the other, each in the time that the profile gives
 * its shape. Called by the driver; `done` runs inside of sim_run(), before the packets of its cycle look. Under the
 * NIC's lock.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

/* `ns` for each one beyond the first. */
static uint64_t
further(uint32_t n, uint32_t ns)
{
	return n > 1 ? (uint64_t)(n - 1) * ns : 0;
}

/*
 * Large tables live in host memory, so a command that looks for its place there takes longer. A deletion has the place in
 * hand: published rates of delete + insert fall with the size of the table as much as those of an update do, not twice.
 */
static uint64_t
memory_ns(const struct sim_profile *p, uint32_t rules)
{
	if (p->command_memory_ns == 0 || rules <= p->command_memory_from)
		return 0;
	return (uint64_t)llround(
			p->command_memory_ns * log10((double)rules / p->command_memory_from));
}

static uint64_t
actions_ns(const struct sim_profile *p, const struct sim_cmd_cost *cost)
{
	return further(cost->action_entries, p->command_action_entry_ns) +
			further(cost->actions, p->command_action_ns);
}

uint64_t
sim_cmd_ns(const struct sim_profile *p, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost)
{
	switch (kind) {
	case SIM_CMD_INSERT:
		return p->command_insert_ns + further(cost->items, p->command_item_ns) +
				further(cost->match_entries, p->command_match_entry_ns) +
				actions_ns(p, cost) + (uint64_t)cost->walked * p->command_walk_ns +
				memory_ns(p, cost->table_rules) +
				(cost->root ? p->command_root_ns : 0);
	case SIM_CMD_DELETE:
		return p->command_delete_ns;
	case SIM_CMD_UPDATE:
		return p->command_update_ns + actions_ns(p, cost) + memory_ns(p, cost->table_rules);
	}
	return 0;
}

static int
ring_grow(struct sim_cmdq *q)
{
	const uint32_t size = q->size == 0 ? 64 : q->size * 2;
	struct sim_cmd *ring = calloc(size, sizeof(*ring));
	uint32_t i;

	if (ring == NULL)
		return -ENOMEM;
	for (i = 0; i < q->n; i++)
		ring[i] = q->ring[(q->head + i) & (q->size - 1)];
	free(q->ring);
	q->ring = ring;
	q->size = size;
	q->head = 0;
	return 0;
}

static void
cmd_run(void *owner, const struct sim_event *ev);

static void
cmd_arm(struct sim_nic *nic)
{
	const struct sim_event ev = { .run = cmd_run, .owner = nic };
	struct sim_cmdq *q = &nic->cmdq;

	q->armed = sim_event_at(nic, q->ring[q->head].at, SIM_P_COMMAND, &ev);
}

static void
cmd_run(void *owner, const struct sim_event *ev)
{
	struct sim_nic *nic = owner;
	struct sim_cmdq *q = &nic->cmdq;

	while (q->n > 0 && q->ring[q->head].at <= ev->at) {
		const struct sim_cmd cmd = q->ring[q->head];

		q->head = (q->head + 1) & (q->size - 1);
		q->n--;
		sim_unit_leave(&q->unit, cmd.entered, ev->at);
		sim_engines_invalidate(nic->engines, cmd.line);
		if (cmd.done != NULL)
			cmd.done(cmd.arg);
	}
	q->armed = false;
	if (q->n > 0)
		cmd_arm(nic);
}

int64_t
sim_nic_cmd(struct sim_nic *nic, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost,
		void (*done)(void *arg), void *arg)
{
	const sim_cycle now = sim_events_now(nic->events);
	struct sim_cmdq *q = &nic->cmdq;
	struct sim_cmd *cmd;
	sim_cycle from;

	if (q->n >= nic->profile.command_depth)
		return -EAGAIN;
	if (q->n == q->size && ring_grow(q) < 0)
		return -ENOMEM;
	cmd = &q->ring[(q->head + q->n) & (q->size - 1)];
	sim_rate_begin(&q->rate, now);
	from = q->rate.free;
	cmd->at = sim_rate_take(&q->rate, sim_cmd_ns(&nic->profile, kind, cost));
	q->unit.s.busy += q->rate.free - from;
	cmd->entered = now;
	cmd->done = done;
	cmd->arg = arg;
	cmd->line = cost->line;
	q->n++;
	sim_unit_enter(&q->unit, now);
	if (!q->armed)
		cmd_arm(nic);
	return (int64_t)cmd->at;
}

void
sim_nic_entry_written(struct sim_nic *nic, uint32_t line)
{
	sim_engines_invalidate(nic->engines, line);
}

void
sim_cmdq_init(struct sim_nic *nic)
{
	/* Its byte is a ns: cycles for one are mhz / 1000. */
	nic->cmdq.rate.num = nic->profile.clock_mhz;
	nic->cmdq.rate.den = 1000;
	nic->cmdq.unit.s.name = "command";
	nic->cmdq.unit.s.servers = 1;
}

void
sim_cmdq_fini(struct sim_nic *nic)
{
	free(nic->cmdq.ring);
	memset(&nic->cmdq, 0, sizeof(nic->cmdq));
}
