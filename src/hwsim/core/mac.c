/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MACs: what a frame costs on a wire (IEEE 802.3: preamble, frame check sequence, gap, minimum size), into the NIC and out of
 * it. Store and forward: a frame is in the packet buffer when its last bit has arrived. Under the NIC's lock.
 */
#include <errno.h>
#include <string.h>

#include "nic_priv.h"

/* A frame that is too short is padded with zeros, as its sender would have had to. */
static void
pad(struct sim_pkt *p)
{
	const uint32_t more = p->len < SIM_FRAME_MIN ? SIM_FRAME_MIN - p->len : 0;

	if (more == 0 || p->tailroom < more)
		return;
	memset(p->data + p->len, 0, more);
	p->len = (uint16_t)(p->len + more);
	p->tailroom = (uint16_t)(p->tailroom - more);
	p->frame_len = p->len;
}

/* Takes the wire for the frame from `at` on. Returns the cycle of its last bit; `first`, if asked, is that of its first. */
static sim_cycle
wire_take(const struct sim_profile *p, struct sim_rate *r, uint32_t len, sim_cycle at,
		sim_cycle *first)
{
	sim_cycle last;

	sim_rate_begin(r, at);
	if (first != NULL)
		*first = r->free;
	last = sim_rate_take(r, p->mac_preamble + len + p->mac_fcs);
	sim_rate_take(r, p->mac_gap);
	return last;
}

/* The last bit is in: the frame is looked at and stored. */
static void
mac_arrived(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	struct sim_port *port = &nic->port[f->f.pkt.port];
	enum sim_drop why = SIM_DROP_COUNT;

	if (!port->up)
		why = SIM_DROP_LINK;
	else if (port->filter != NULL)
		why = port->filter(port->filter_arg, &f->f.pkt);
	if (why == SIM_DROP_COUNT && !sim_buffer_take(nic, f, SIM_HOLD_RX, now))
		why = SIM_DROP_BUFFER;
	if (why != SIM_DROP_COUNT) {
		sim_nic_drop(nic, f, why, now);
		return;
	}
	sim_stamp_at(nic, f, sim_unit_number(nic, SIM_U_BUFFER), SIM_STAMP_IN, now);
	sim_nic_steer(nic, f, now);
}

int64_t
sim_nic_wire_in(struct sim_nic *nic, uint16_t port, sim_cycle at, const void *data, uint32_t len,
		uint64_t cookie)
{
	const sim_cycle now = sim_events_now(nic->events);
	struct sim_port *p = &nic->port[port];
	struct sim_nframe *f;
	sim_cycle last;

	if (port >= nic->n_ports || len == 0 || len > SIM_FRAME_MAX)
		return -EINVAL;
	f = sim_frame_new(nic, data, len);
	if (f == NULL)
		return -ENOBUFS;
	pad(&f->f.pkt);
	f->f.pkt.port = port;
	f->f.cookie = cookie;
	sim_steer_ahead(nic->steer, &f->f.pkt, &f->ahead);
	nic->account.in_wire++;
	last = wire_take(&nic->profile, &p->in_rate, f->f.pkt.frame_len, at > now ? at : now,
			&f->f.arrived);
	p->in_unit.s.busy += last - f->f.arrived;
	sim_stamp_at(nic, f, 2u * port, SIM_STAMP_IN, f->f.arrived);
	sim_pipe_put(&p->in, f, last + nic->profile.mac_latency);
	return (int64_t)sim_rate_free(&p->in_rate);
}

/* Behind the wire's end. */
static void
mac_left(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	struct sim_port *port = &nic->port[f->f.pkt.dest.port];

	if (port->left.n >= SIM_WIRE_OUT_MAX) {
		port->out_unit.s.drops++;
		sim_nic_drop(nic, f, SIM_DROP_WIRE, now);
		return;
	}
	sim_buffer_give(nic, f, now);
	f->f.left = now;
	sim_stamp_at(nic, f, 2u * f->f.pkt.dest.port + 1u, SIM_STAMP_OUT, now);
	sim_list_put(&port->left, f);
}

void
sim_mac_out(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now)
{
	struct sim_port *port = &nic->port[f->f.pkt.dest.port];
	sim_cycle first, last;

	if (!port->up) {
		sim_nic_drop(nic, f, SIM_DROP_LINK, now);
		return;
	}
	pad(&f->f.pkt);
	last = wire_take(&nic->profile, &port->out_rate, f->f.pkt.frame_len, now, &first);
	port->out_unit.s.busy += last - first;
	sim_stamp_at(nic, f, 2u * f->f.pkt.dest.port + 1u, SIM_STAMP_IN, now);
	sim_pipe_put(&port->out, f, last + nic->profile.mac_latency);
}

uint32_t
sim_nic_wire_out(struct sim_nic *nic, uint16_t port, struct sim_frame **frames, uint32_t n)
{
	struct sim_nframe *f;
	uint32_t i = 0;

	if (port >= nic->n_ports)
		return 0;
	while (i < n && (f = sim_list_take(&nic->port[port].left)) != NULL) {
		nic->account.out_wire++;
		f->taken = true;
		frames[i++] = &f->f;
	}
	return i;
}

int
sim_mac_init(struct sim_nic *nic, uint16_t port)
{
	struct sim_port *p = &nic->port[port];

	/* Cycles for a byte: 8 bits / (mbps * 10^6) s * mhz * 10^6 / s. */
	p->in_rate.num = UINT64_C(8) * nic->profile.clock_mhz;
	p->in_rate.den = nic->profile.mac_mbps;
	p->out_rate = p->in_rate;
	p->up = true;
	snprintf(p->in_name, sizeof(p->in_name), "mac_in%u", port);
	snprintf(p->out_name, sizeof(p->out_name), "mac_out%u", port);
	p->in_unit.s.name = p->in_name;
	p->out_unit.s.name = p->out_name;
	p->in_unit.s.servers = 1;
	p->out_unit.s.servers = 1;
	sim_pipe_init(&p->in, nic, &p->in_unit, SIM_P_MAC, mac_arrived);
	sim_pipe_init(&p->out, nic, &p->out_unit, SIM_P_MAC, mac_left);
	return 0;
}

void
sim_nic_link(struct sim_nic *nic, uint16_t port, bool up)
{
	if (port < nic->n_ports)
		nic->port[port].up = up;
}

void
sim_nic_filter(struct sim_nic *nic, uint16_t port,
		enum sim_drop (*filter)(void *arg, const struct sim_pkt *p), void *arg)
{
	if (port < nic->n_ports) {
		nic->port[port].filter = filter;
		nic->port[port].filter_arg = arg;
	}
}
