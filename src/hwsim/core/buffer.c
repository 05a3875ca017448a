/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet buffers: one on the receive side, shared by all ports and counted in cells, and one of the same size between host and
 * wire, which is never full but makes the DMA wait. A frame takes its cells when it is in, and gives them back when its
 * last byte has gone on: over PCIe, out of a wire, or nowhere.
 */
#include "nic_priv.h"

static uint32_t
cells_of(uint32_t len, uint32_t cell)
{
	return (len + cell - 1) / cell;
}

bool
sim_buffer_room(const struct sim_buffer *b, uint32_t len, uint32_t cell)
{
	return b->packets < b->max_packets && b->cells + cells_of(len, cell) <= b->max_cells;
}

bool
sim_buffer_take(struct sim_nic *nic, struct sim_nframe *f, enum sim_hold which, sim_cycle now)
{
	struct sim_buffer *b = which == SIM_HOLD_RX ? &nic->rx_buffer : &nic->tx_buffer;
	const uint32_t len = f->f.pkt.frame_len;

	if (!sim_buffer_room(b, len, nic->profile.buffer_cell)) {
		b->unit.s.drops++;
		return false;
	}
	f->cells = cells_of(len, nic->profile.buffer_cell);
	f->hold = (uint8_t)which;
	f->held = now;
	b->cells += f->cells;
	b->packets++;
	sim_unit_enter(&b->unit, now);
	return true;
}

void
sim_buffer_give(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	const uint8_t hold = f->hold;
	struct sim_buffer *b = hold == SIM_HOLD_RX ? &nic->rx_buffer : &nic->tx_buffer;

	if (hold == SIM_HOLD_NONE)
		return;
	b->cells -= f->cells;
	b->packets--;
	f->cells = 0;
	f->hold = SIM_HOLD_NONE;
	sim_unit_leave(&b->unit, f->held, now);
	if (hold == SIM_HOLD_TX)
		sim_dma_pump(nic, now);
}
