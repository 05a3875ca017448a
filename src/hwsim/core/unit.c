/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NIC's books: how many frames came, left, were dropped and are inside, and what every unit did. Asked by statistics,
 * telemetry, the waveform and tests, under the NIC's lock; changes nothing.
 */
#include <string.h>

#include "nic_priv.h"

static uint64_t
port_held(const struct sim_port *p)
{
	uint64_t n = p->in.list.n + p->out.list.n + p->left.n;
	uint16_t i;

	for (i = 0; i < p->n_rxq; i++)
		if (p->rxq[i] != NULL)
			n += p->rxq[i]->wait.n + p->rxq[i]->hold.n + p->rxq[i]->ready.n;
	for (i = 0; i < p->n_txq; i++)
		if (p->txq[i] != NULL)
			n += p->txq[i]->wait.n;
	return n;
}

uint64_t
sim_nic_held(const struct sim_nic *nic)
{
	const struct sim_dma *dma = &nic->dma;
	uint64_t n = nic->stall.n + sim_engines_held(nic->engines) + nic->rss.list.n;
	uint16_t i;

	n += dma->write_wait.n + dma->write.list.n + dma->seen.list.n + dma->read.list.n;
	for (i = 0; i < nic->n_ports; i++)
		n += port_held(&nic->port[i]);
	return n;
}

void
sim_nic_account(const struct sim_nic *nic, struct sim_account *a)
{
	*a = nic->account;
	a->held = sim_nic_held(nic);
}

static const struct sim_unit *
unit_of(const struct sim_nic *nic, uint32_t id)
{
	static const uint16_t at[SIM_U_COUNT] = {
		[SIM_U_BUFFER] = offsetof(struct sim_nic, rx_buffer.unit),
		[SIM_U_RSS] = offsetof(struct sim_nic, rss_unit),
		[SIM_U_RX_QUEUE] = offsetof(struct sim_nic, rxq_unit),
		[SIM_U_DMA_WRITE] = offsetof(struct sim_nic, dma_write_unit),
		[SIM_U_COMPLETION] = offsetof(struct sim_nic, completion_unit),
		[SIM_U_RX_RING] = offsetof(struct sim_nic, rx_ring_unit),
		[SIM_U_TX_RING] = offsetof(struct sim_nic, tx_ring_unit),
		[SIM_U_TX_BUFFER] = offsetof(struct sim_nic, tx_buffer.unit),
		[SIM_U_DMA_READ] = offsetof(struct sim_nic, dma_read_unit),
		[SIM_U_STALL] = offsetof(struct sim_nic, stall_unit),
		[SIM_U_PCIE_UP] = offsetof(struct sim_nic, up_unit),
		[SIM_U_PCIE_DOWN] = offsetof(struct sim_nic, down_unit),
		[SIM_U_COUNTERS] = offsetof(struct sim_nic, counters.unit),
		[SIM_U_CT] = offsetof(struct sim_nic, ct.unit),
		[SIM_U_METER] = offsetof(struct sim_nic, ct.meter),
		[SIM_U_AGE] = offsetof(struct sim_nic, ct.age),
		[SIM_U_TLS] = offsetof(struct sim_nic, ct.tls),
		[SIM_U_COMMAND] = offsetof(struct sim_nic, cmdq.unit),
	};

	return (const struct sim_unit *)(const void *)((const char *)nic + at[id]);
}

bool
sim_nic_unit(const struct sim_nic *nic, uint32_t i, struct sim_unit_stats *stats)
{
	const struct sim_unit *u;

	if (i < 2u * nic->n_ports) {
		u = i % 2 == 0 ? &nic->port[i / 2].in_unit : &nic->port[i / 2].out_unit;
	} else {
		i -= 2u * nic->n_ports;
		if (i >= SIM_U_COUNT)
			return false;
		if (i >= SIM_U_PARSER && i <= SIM_U_ORDER)
			return sim_engines_unit(nic->engines, i - SIM_U_PARSER, stats);
		u = unit_of(nic, i);
	}
	*stats = u->s;
	stats->queue_cycles += (sim_events_now(nic->events) - u->last) * u->s.queue;
	return true;
}
