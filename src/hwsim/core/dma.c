/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA engines between NIC and rings of the host, over PCIe. Writes: a received frame, one after the other, and behind it the
 * completion, which several frames of a queue share (dma.coalesce). Reads: descriptors, `prefetch` at a time, then frames, one
 * a queue in turn, as many as there are tags. Under the NIC's lock.
 */
#include <errno.h>

#include "nic_priv.h"

/* --- receive: frame, completion, host --- */

static void
write_next(struct sim_nic *nic, sim_cycle now)
{
	const uint32_t coalesce = nic->profile.dma_coalesce;
	struct sim_nframe *f;
	struct sim_queue *q;
	sim_cycle end;

	if (nic->dma.write.list.n > 0)
		return;
	f = sim_list_take(&nic->dma.write_wait);
	if (f == NULL)
		return;
	sim_unit_leave(&nic->dma_write_unit, f->entered, now);
	q = f->q;
	end = sim_pcie_write(&nic->pcie, now, f->f.pkt.len);
	f->seen = SIM_NEVER;
	/* The frame that makes the batch full has the completion right behind it: nobody comes in between. */
	if (q->gen == f->gen && ++q->batch >= coalesce) {
		f->seen = sim_pcie_write(&nic->pcie, end, q->batch * nic->profile.dma_cqe_bytes);
		q->batch = 0;
	}
	sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_DMA_WRITE), SIM_STAMP_START, now);
	sim_pipe_put(&nic->dma.write, f, end);
}

void
sim_dma_write(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_DMA_WRITE), SIM_STAMP_IN, now);
	f->entered = now;
	sim_list_put(&nic->dma.write_wait, f);
	sim_unit_enter(&nic->dma_write_unit, now);
	write_next(nic, now);
}

/* The first `n` that wait for a completion have it: it is on the link until `end`. */
static void
batch_close(struct sim_queue *q, uint32_t n, sim_cycle end, sim_cycle now)
{
	struct sim_nic *nic = q->nic;
	struct sim_nframe *f;

	while (n-- > 0 && (f = sim_list_take(&q->hold)) != NULL) {
		sim_unit_leave(&nic->completion_unit, f->entered, now);
		sim_pipe_put(&nic->dma.seen, f, end + nic->pcie.write_latency);
	}
}

/* The completion that nobody made full is through the link. */
static void
batch_written(void *owner, const struct sim_event *ev)
{
	struct sim_queue *q = owner;

	if (q->gen == (uint32_t)(uintptr_t)ev->ptr)
		batch_close(q, ev->arg, ev->at, ev->at);
}

static void
batch_late(void *owner, const struct sim_event *ev)
{
	struct sim_event written = { .ptr = ev->ptr, .run = batch_written, .owner = owner };
	struct sim_queue *q = owner;
	struct sim_nic *nic = q->nic;
	sim_cycle end;
	uint32_t n;

	if (q->gen != (uint32_t)(uintptr_t)ev->ptr)
		return;
	q->timer = false;
	/* Those of a full batch have a completion of their own. */
	n = q->hold.n < q->batch ? q->hold.n : q->batch;
	if (n == 0)
		return;
	q->batch -= n;
	end = sim_pcie_write(&nic->pcie, ev->at, n * nic->profile.dma_cqe_bytes);
	written.arg = n;
	if (!sim_event_at(nic, end, SIM_P_DMA, &written))
		batch_close(q, n, end, ev->at);
}

static void
batch_wait(struct sim_queue *q, sim_cycle now)
{
	const struct sim_event ev = {
		.ptr = (void *)(uintptr_t)q->gen,
		.run = batch_late,
		.owner = q,
	};

	if (q->timer)
		return;
	/* Without a time to wait, the batch is what is in the DMA already. */
	if (q->nic->dma.completion == 0 && q->in_dma > 0)
		return;
	q->timer = sim_event_at(q->nic, now + q->nic->dma.completion, SIM_P_DMA, &ev);
}

/* The frame's last byte is on the link. */
static void
write_done(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	struct sim_queue *q = f->q;
	const sim_cycle seen = f->seen;

	sim_buffer_give(nic, f, now);
	if (q->gen != f->gen) {
		sim_nic_drop(nic, f, SIM_DROP_LINK, now);
	} else {
		q->in_dma--;
		sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_COMPLETION), SIM_STAMP_IN, now);
		f->entered = now;
		sim_list_put(&q->hold, f);
		sim_unit_enter(&nic->completion_unit, now);
		if (seen != SIM_NEVER)
			batch_close(q, q->hold.n, seen, now);
		else
			batch_wait(q, now);
	}
	write_next(nic, now);
}

static void
write_seen(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	struct sim_queue *q = f->q;

	if (q->gen != f->gen) {
		sim_nic_drop(nic, f, SIM_DROP_LINK, now);
		return;
	}
	q->inside--;
	f->f.left = now;
	f->entered = now;
	sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_RX_RING), SIM_STAMP_OUT, now);
	sim_list_put(&q->ready, f);
	sim_unit_enter(&nic->rx_ring_unit, now);
}

/* --- descriptors --- */

static void
descriptors_here(void *owner, const struct sim_event *ev)
{
	struct sim_queue *q = owner;

	if (q->gen != (uint32_t)(uintptr_t)ev->ptr)
		return;
	q->fetching -= ev->arg;
	q->local += ev->arg;
	if (q->tx)
		sim_dma_activate(q, ev->at);
	else
		sim_rxq_refill(q, ev->at);
}

/*
 * A fetch of `prefetch` descriptors begins as long as fewer than two such are here or on their way, so that one is read
 * while the other is used; fewer are fetched only when half of one is left.
 */
void
sim_dma_fetch(struct sim_queue *q, sim_cycle now)
{
	const struct sim_profile *p = &q->nic->profile;
	struct sim_event ev = {
		.ptr = (void *)(uintptr_t)q->gen,
		.run = descriptors_here,
		.owner = q,
	};

	while (q->posted > 0) {
		const uint32_t have = q->local + q->fetching;
		const bool whole = q->posted >= p->dma_prefetch && have < 2 * p->dma_prefetch;
		uint32_t n = q->posted < p->dma_prefetch ? q->posted : p->dma_prefetch;
		sim_cycle at;

		if (!whole && have > p->dma_prefetch / 2)
			return;
		/* A fetch ends at the ring's end. */
		if (n > q->n_desc - q->fetched)
			n = q->n_desc - q->fetched;
		ev.arg = n;
		at = sim_pcie_read(&q->nic->pcie, now, n * p->dma_desc_bytes,
				q->fetched * p->dma_desc_bytes);
		if (!sim_event_at(q->nic, at, SIM_P_DMA, &ev))
			return;
		q->fetched = (q->fetched + n) % q->n_desc;
		q->posted -= n;
		q->fetching += n;
	}
}

/* --- transmit: frames of the rings --- */

/* Behind the others that have something to send. */
static void
active_put(struct sim_dma *dma, struct sim_queue *q)
{
	if (q->active || q->local == 0)
		return;
	q->active = true;
	q->next = NULL;
	if (dma->tx_tail != NULL)
		dma->tx_tail->next = q;
	else
		dma->tx_head = q;
	dma->tx_tail = q;
}

void
sim_dma_activate(struct sim_queue *q, sim_cycle now)
{
	active_put(&q->nic->dma, q);
	sim_dma_pump(q->nic, now);
}

static void
tag_back(void *owner, const struct sim_event *ev)
{
	struct sim_nic *nic = owner;

	nic->dma.tag_timer = false;
	sim_dma_pump(nic, ev->at);
}

/* A tag is free, or an event waits for the first one that will be. */
static bool
tag_free(struct sim_nic *nic, sim_cycle now)
{
	const struct sim_event ev = { .run = tag_back, .owner = nic };
	sim_cycle at;

	if (nic->dma.tag_timer)
		return false;
	at = sim_pcie_tag(&nic->pcie, now);
	if (at <= now)
		return true;
	nic->dma.tag_timer = sim_event_at(nic, at, SIM_P_DMA, &ev);
	return false;
}

static struct sim_queue *
active_take(struct sim_dma *dma)
{
	struct sim_queue *q = dma->tx_head;

	dma->tx_head = q->next;
	if (dma->tx_head == NULL)
		dma->tx_tail = NULL;
	q->active = false;
	return q;
}

void
sim_dma_pump(struct sim_nic *nic, sim_cycle now)
{
	struct sim_dma *dma = &nic->dma;
	struct sim_nframe *f;
	struct sim_queue *q;

	while ((q = dma->tx_head) != NULL) {
		f = q->wait.head;
		if (!q->up || q->local == 0 || f == NULL) {
			active_take(dma);
			continue;
		}
		if (!sim_buffer_room(&nic->tx_buffer, f->f.pkt.frame_len,
				    nic->profile.buffer_cell) ||
				!tag_free(nic, now))
			return;
		active_take(dma);
		sim_list_take(&q->wait);
		sim_unit_leave(&nic->tx_ring_unit, f->entered, now);
		q->local--;
		q->in_dma++;
		sim_buffer_take(nic, f, SIM_HOLD_TX, now);
		sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_DMA_READ), SIM_STAMP_START, now);
		sim_pipe_put(&dma->read, f, sim_pcie_read(&nic->pcie, now, f->f.pkt.len, 0));
		sim_dma_fetch(q, now);
		active_put(dma, q);
	}
}

/* The host sees that descriptors are free again. */
static void
given_back(void *owner, const struct sim_event *ev)
{
	struct sim_queue *q = owner;

	if (q->gen != (uint32_t)(uintptr_t)ev->ptr)
		return;
	q->used -= ev->arg;
	q->done += ev->arg;
}

static void
give_back(struct sim_queue *q, sim_cycle now)
{
	struct sim_nic *nic = q->nic;
	const struct sim_event ev = {
		.arg = q->batch,
		.ptr = (void *)(uintptr_t)q->gen,
		.run = given_back,
		.owner = q,
	};
	sim_cycle end;

	if (q->batch == 0)
		return;
	end = sim_pcie_write(&nic->pcie, now, q->batch * nic->profile.dma_cqe_bytes);
	if (sim_event_at(nic, end + nic->pcie.write_latency, SIM_P_HOST, &ev))
		q->batch = 0;
}

static void
give_back_late(void *owner, const struct sim_event *ev)
{
	struct sim_queue *q = owner;

	if (q->gen != (uint32_t)(uintptr_t)ev->ptr)
		return;
	q->timer = false;
	give_back(q, ev->at);
}

/* The frame is in the NIC: its place in the ring is free, which the host hears of in batches, too. */
static void
read_done(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	struct sim_queue *q = f->q;
	const struct sim_event ev = {
		.ptr = (void *)(uintptr_t)q->gen,
		.run = give_back_late,
		.owner = q,
	};

	if (q->gen == f->gen) {
		q->in_dma--;
		q->batch++;
		if (q->batch >= nic->profile.dma_coalesce ||
				(q->in_dma == 0 && nic->dma.completion == 0))
			give_back(q, now);
		else if (!q->timer && nic->dma.completion > 0)
			q->timer = sim_event_at(nic, now + nic->dma.completion, SIM_P_DMA, &ev);
	}
	f->q = NULL;
	sim_nic_steer(nic, f, now);
	sim_dma_pump(nic, now);
}

void
sim_dma_init(struct sim_nic *nic)
{
	struct sim_dma *dma = &nic->dma;

	dma->completion = sim_profile_cycles(&nic->profile, nic->profile.dma_coalesce_ns);
	dma->doorbell = sim_profile_cycles(&nic->profile, nic->profile.dma_doorbell_ns);
	sim_pipe_init(&dma->write, nic, &nic->dma_write_unit, SIM_P_DMA, write_done);
	sim_pipe_init(&dma->seen, nic, &nic->completion_unit, SIM_P_DMA, write_seen);
	sim_pipe_init(&dma->read, nic, &nic->dma_read_unit, SIM_P_DMA, read_done);
}
