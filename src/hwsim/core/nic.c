/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NIC in time, put together: creation, the run of its events, and the way of a frame between its units: into steering, and
 * from there to a queue, a wire or nowhere. Called by the driver under the NIC's lock; `now` is the only clock.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

/* --- into steering --- */

/* The parser's queue was full: those that wait go in as far as there is room now. */
static void
stall_run(void *owner, const struct sim_event *ev)
{
	struct sim_nic *nic = owner;
	struct sim_nframe *f;

	nic->stall_timer = false;
	while ((f = nic->stall.head) != NULL) {
		/* Taken off before it is put in: the list's link is the frame's. */
		sim_list_take(&nic->stall);
		if (sim_engines_put(nic->engines, &f->f, ev->at) < 0) {
			f->f.next = nic->stall.head != NULL ? &nic->stall.head->f : NULL;
			nic->stall.head = f;
			if (nic->stall.tail == NULL)
				nic->stall.tail = f;
			nic->stall.n++;
			return;
		}
		sim_unit_leave(&nic->stall_unit, f->entered, ev->at);
	}
}

/* Somebody left: at the end of this cycle the parser may have room. */
static void
unstall(struct sim_nic *nic, sim_cycle now)
{
	const struct sim_event ev = { .run = stall_run, .owner = nic };

	if (nic->stall.n > 0 && !nic->stall_timer)
		nic->stall_timer = sim_event_at(nic, now, SIM_P_BUFFER, &ev);
}

void
sim_nic_steer(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	sim_steer_closer(nic->steer, &f->ahead);
	if (nic->stall.n == 0 && sim_engines_put(nic->engines, &f->f, now) == 0)
		return;
	f->entered = now;
	sim_list_put(&nic->stall, f);
	sim_unit_enter(&nic->stall_unit, now);
	sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_STALL), SIM_STAMP_IN, now);
	unstall(nic, now);
}

/* A frame gets an engine: what happens to it is decided now, and the path says how long that takes. */
static void
engine_start(void *ctx, struct sim_frame *frame, sim_cycle now, struct sim_path *path)
{
	struct sim_nic *nic = ctx;
	uint32_t i;

	sim_steer_closer(nic->steer, &((struct sim_nframe *)frame)->ahead);
	sim_steer_run(nic->steer, &frame->pkt, now, path);
	if (nic->counters.refresh == 0)
		return;
	for (i = 0; i < path->n; i++)
		if (path->step[i].kind == SIM_STEP_COUNT)
			sim_counters_touch(nic, path->step[i].line);
}

static void
engine_done(void *ctx, struct sim_frame *frame, sim_cycle now)
{
	struct sim_nic *nic = ctx;

	sim_nic_route(nic, (struct sim_nframe *)frame, now);
	unstall(nic, now);
}

static void
engine_stamp(void *ctx, const struct sim_frame *f, enum sim_stamp_what what, uint32_t unit,
		uint32_t line, sim_cycle now)
{
	struct sim_nic *nic = ctx;
	const struct sim_stamp s = {
		.unit = (uint8_t)(sim_unit_number(nic, SIM_U_PARSER) + unit),
		.what = (uint8_t)what,
		.line = line,
		.at = now,
	};

	sim_trace_add(nic->trace, f, &s);
}

/* --- out of steering --- */

/* The unit that drops for this reason. */
static uint32_t
drop_unit(const struct sim_nic *nic, const struct sim_nframe *f, enum sim_drop why)
{
	switch (why) {
	case SIM_DROP_FILTER:
	case SIM_DROP_LENGTH:
		return 2u * f->f.pkt.port;
	case SIM_DROP_WIRE:
		return 2u * f->f.pkt.dest.port + 1u;
	case SIM_DROP_BUFFER:
		return sim_unit_number(nic, SIM_U_BUFFER);
	case SIM_DROP_NODESC:
		return sim_unit_number(nic, SIM_U_RX_QUEUE);
	default:
		return sim_unit_number(nic, SIM_U_ORDER);
	}
}

/* The port on whose account it is. */
static struct sim_port *
drop_port(const struct sim_nic *nic, const struct sim_nframe *f, enum sim_drop why)
{
	const bool out = why == SIM_DROP_NODESC || why == SIM_DROP_WIRE;
	const uint16_t port = out ? f->f.pkt.dest.port : f->f.pkt.port;

	return port < nic->n_ports ? &nic->port[port] : &nic->port[0];
}

void
sim_nic_port_drops(struct sim_nic *nic, uint16_t port, uint64_t drops[SIM_DROP_COUNT], bool reset)
{
	struct sim_port *p = port < nic->n_ports ? &nic->port[port] : NULL;

	memset(drops, 0, SIM_DROP_COUNT * sizeof(drops[0]));
	if (p == NULL)
		return;
	memcpy(drops, p->drops, sizeof(p->drops));
	if (reset)
		memset(p->drops, 0, sizeof(p->drops));
}

void
sim_nic_drop(struct sim_nic *nic, struct sim_nframe *f, enum sim_drop why, sim_cycle now)
{
	const struct sim_stamp s = {
		.unit = (uint8_t)drop_unit(nic, f, why),
		.what = SIM_STAMP_DROP,
		.arg = (uint16_t)why,
		.at = now,
	};

	if (nic->trace != NULL)
		sim_trace_add(nic->trace, &f->f, &s);
	nic->account.dropped++;
	nic->account.drops[why]++;
	drop_port(nic, f, why)->drops[why]++;
	sim_buffer_give(nic, f, now);
	sim_frame_put(nic, f);
}

/* The port's own RSS, for frames that no rule gave a queue. */
static void
rss_choose(const struct sim_port *port, struct sim_pkt *p)
{
	struct sim_offsets off;
	struct sim_phv phv;
	bool hashed = false;

	p->dest.queue = 0;
	if (port->rss == NULL)
		return;
	memset(&phv, 0, offsetof(struct sim_phv, level));
	sim_parse(p->data, p->len, p->frame_len, 0, &phv, &off);
	p->hash = sim_rss_hash(port->rss, &phv, &hashed);
	p->rss_hashed = hashed;
	p->dest.queue = port->rss->queue[hashed ? p->hash % port->rss->n : 0];
}

static void
rss_done(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	if (f->f.pkt.dest.rss)
		rss_choose(&nic->port[f->f.pkt.dest.port], &f->f.pkt);
	sim_rxq_put(nic, f, now);
}

void
sim_nic_route(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	const struct sim_dest *d = &f->f.pkt.dest;
	enum sim_drop why = SIM_DROP_RULE;

	if (d->kind == SIM_TO_DROP && d->queue < SIM_DROP_COUNT)
		why = (enum sim_drop)d->queue;
	if (d->kind == SIM_TO_DROP || d->port >= nic->n_ports) {
		sim_nic_drop(nic, f, why, now);
	} else if (d->kind == SIM_TO_WIRE) {
		sim_mac_out(nic, f, now);
	} else if (nic->profile.rss_latency == 0) {
		nic->rss_unit.s.served++;
		rss_done(nic, f, now);
	} else {
		sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_RSS), SIM_STAMP_IN, now);
		sim_pipe_put(&nic->rss, f, now + nic->profile.rss_latency);
	}
}

void
sim_nic_mirror(void *ctx, const struct sim_pkt *p, const struct sim_dest *dest)
{
	struct sim_nic *nic = ctx;
	const sim_cycle now = sim_events_now(nic->events);
	struct sim_nframe *f;
	struct sim_pkt copy = *p;

	f = sim_frame_new(nic, p->data, p->len);
	if (f == NULL)
		return;
	copy.data = f->f.pkt.data;
	copy.headroom = f->f.pkt.headroom;
	copy.tailroom = f->f.pkt.tailroom;
	copy.frame_len = p->len;
	copy.dest = *dest;
	f->f.pkt = copy;
	f->f.arrived = now;
	nic->account.made++;
	if (sim_buffer_take(nic, f, SIM_HOLD_RX, now))
		sim_nic_route(nic, f, now);
	else
		sim_nic_drop(nic, f, SIM_DROP_BUFFER, now);
}

int
sim_nic_rss(struct sim_nic *nic, uint16_t port, const struct sim_rss *rss)
{
	struct sim_rss *copy = NULL;

	if (port >= nic->n_ports || (rss != NULL && (rss->n == 0 || rss->n > SIM_RSS_QUEUES_MAX)))
		return -EINVAL;
	if (rss != NULL) {
		copy = malloc(sizeof(*copy));
		if (copy == NULL)
			return -ENOMEM;
		*copy = *rss;
	}
	free(nic->port[port].rss);
	nic->port[port].rss = copy;
	return 0;
}

/* --- time --- */

sim_cycle
sim_nic_now(const struct sim_nic *nic)
{
	return sim_events_now(nic->events);
}

void
sim_run(struct sim_nic *nic, sim_cycle until)
{
	sim_cycle next;

	if (until < sim_events_now(nic->events))
		return;
	if (nic->wave == NULL) {
		sim_events_run(nic->events, until);
		return;
	}
	/* A waveform sees every cycle in which something happens. */
	sim_wave_sample(nic, sim_events_now(nic->events));
	while ((next = sim_events_next(nic->events)) <= until && next != SIM_NEVER) {
		sim_events_run(nic->events, next);
		sim_wave_sample(nic, next);
	}
	sim_events_run(nic->events, until);
}

static void
age_run(void *owner, const struct sim_event *ev)
{
	const struct sim_event again = { .run = age_run, .owner = owner };
	struct sim_nic *nic = owner;

	sim_cycle next;

	/* Time is up to here, so there is no more than what it is time for. */
	do
		next = sim_age_tick(nic->steer, ev->at);
	while (next <= ev->at);
	sim_event_at(nic, next, SIM_P_TICK, &again);
}

/* --- life --- */

static void
units_init(struct sim_nic *nic)
{
	static const struct {
		uint16_t at;
		const char *name;
	} names[] = {
		{ offsetof(struct sim_nic, rx_buffer.unit), "buffer" },
		{ offsetof(struct sim_nic, tx_buffer.unit), "tx_buffer" },
		{ offsetof(struct sim_nic, rss_unit), "rss" },
		{ offsetof(struct sim_nic, rxq_unit), "rx_queue" },
		{ offsetof(struct sim_nic, dma_write_unit), "dma_write" },
		{ offsetof(struct sim_nic, completion_unit), "completion" },
		{ offsetof(struct sim_nic, rx_ring_unit), "rx_ring" },
		{ offsetof(struct sim_nic, tx_ring_unit), "tx_ring" },
		{ offsetof(struct sim_nic, dma_read_unit), "dma_read" },
		{ offsetof(struct sim_nic, stall_unit), "stall" },
		{ offsetof(struct sim_nic, up_unit), "pcie_up" },
		{ offsetof(struct sim_nic, down_unit), "pcie_down" },
	};
	const struct sim_profile *p = &nic->profile;
	struct sim_unit *u;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		u = (struct sim_unit *)(void *)((char *)nic + names[i].at);
		u->s.name = names[i].name;
		u->s.servers = 1;
	}
	nic->rx_buffer.max_packets = p->buffer_packets;
	nic->rx_buffer.max_cells = p->buffer_bytes / p->buffer_cell;
	nic->tx_buffer.max_packets = nic->rx_buffer.max_packets;
	nic->tx_buffer.max_cells = nic->rx_buffer.max_cells;
	/* One frame of the largest size must fit, or the DMA would wait for ever. */
	if (nic->tx_buffer.max_cells < (SIM_FRAME_MAX + p->buffer_cell - 1) / p->buffer_cell)
		nic->tx_buffer.max_cells = (SIM_FRAME_MAX + p->buffer_cell - 1) / p->buffer_cell;
	nic->pcie.up_unit = &nic->up_unit;
	nic->pcie.down_unit = &nic->down_unit;
	sim_pipe_init(&nic->rss, nic, &nic->rss_unit, SIM_P_BUFFER, rss_done);
	sim_dma_init(nic);
	sim_cmdq_init(nic);
}

static int
parts_init(struct sim_nic *nic, uint32_t trace_packets)
{
	const struct sim_event tick = { .run = age_run, .owner = nic };
	const struct sim_engines_params params = {
		.profile = &nic->profile,
		.events = nic->events,
		.start = engine_start,
		.object = sim_object_step,
		.done = engine_done,
		.stamp = trace_packets > 0 ? engine_stamp : NULL,
		.ctx = nic,
	};
	uint16_t i;

	for (i = 0; i < nic->n_ports; i++)
		sim_mac_init(nic, i);
	units_init(nic);
	if (sim_pcie_init(&nic->pcie, &nic->profile) < 0 || sim_counters_init(nic) < 0 ||
			sim_ct_unit_init(nic) < 0 || sim_trace_create(nic, trace_packets) < 0)
		return -ENOMEM;
	nic->engines = sim_engines_create(&params);
	if (nic->engines == NULL)
		return -ENOMEM;
	return sim_event_at(nic,
			       sim_profile_cycles(&nic->profile,
					       UINT64_C(1000) * nic->profile.objects_age_scan_us),
			       SIM_P_TICK, &tick)
			? 0
			: -ENOMEM;
}

struct sim_nic *
sim_nic_create(const struct sim_nic_params *params, struct sim_error *e)
{
	struct sim_nic *nic;

	if (params->profile == NULL || params->steer == NULL || params->n_ports == 0 ||
			params->n_ports > SIM_PORTS_MAX) {
		sim_fail(e, EINVAL, "a NIC has a profile, steering and 1 to %u ports",
				SIM_PORTS_MAX);
		return NULL;
	}
	nic = calloc(1, sizeof(*nic));
	if (nic != NULL) {
		nic->profile = *params->profile;
		nic->steer = params->steer;
		nic->n_ports = params->n_ports;
		nic->port = calloc(nic->n_ports, sizeof(*nic->port));
		nic->events = sim_events_create();
	}
	if (nic == NULL || nic->port == NULL || nic->events == NULL ||
			parts_init(nic, params->trace_packets) < 0) {
		sim_fail(e, ENOMEM, "no memory for the NIC");
		sim_nic_destroy(nic);
		return NULL;
	}
	return nic;
}

void
sim_nic_destroy(struct sim_nic *nic)
{
	struct sim_account a;
	uint16_t i;

	if (nic == NULL)
		return;
	if (nic->engines != NULL) {
		sim_nic_account(nic, &a);
		assert(a.in_wire + a.in_host + a.made ==
				a.out_wire + a.out_host + a.dropped + a.held);
	}
	sim_wave_close(nic);
	sim_engines_destroy(nic->engines, NULL);
	for (i = 0; nic->port != NULL && i < nic->n_ports; i++) {
		sim_queues_free(&nic->port[i]);
		free(nic->port[i].rss);
	}
	sim_cmdq_fini(nic);
	sim_ct_unit_fini(nic);
	sim_counters_fini(nic);
	sim_pcie_fini(&nic->pcie);
	sim_trace_free(nic->trace);
	sim_events_destroy(nic->events);
	/* All frames, wherever they are, lie in the pool. */
	sim_pool_free(&nic->pool);
	free(nic->port);
	free(nic);
}
