/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI Express as Neugebauer et al. describe it (Understanding PCIe performance for end host networking, SIGCOMM 2018,
 * section 3): headers of transaction layer packets, and what acknowledgements, flow control and skip ordered sets take of the
 * raw rate. As arithmetic, and as a link on which events take their turns; both use the same numbers. Used by the DMA and the
 * counter cache, under the NIC's lock.
 *
 * A completer returns up to MPS bytes at once and may break a read at a read completion boundary only (PCIe base
 * specification, 2.3.1.1): so an aligned read has ceil(size / MPS) completions, which is what the published figures are made of,
 * and one that begins within a boundary has a first completion up to that boundary.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

/* Bytes around the payload: framing, sequence number, header and LCRC. */
#define TLP_WRITE 24u
#define TLP_READ 24u
#define TLP_COMPLETION 20u
/* Acknowledgements and flow-control updates are 8 bytes each; a skip ordered set is 4 bytes in 1,538. */
#define DLLP 8.0
#define SKIP (4.0 / 1538)
/* A credit for posted data, a descriptor's and a counter's unit. */
#define CREDIT 16u
/* What read-ns is the latency of. */
#define READ_PROBE 64u

/* Megatransfers a second, and how many of how many bits are data. */
static const struct {
	double gts, data, bits;
} generations[] = {
	{ 2.5, 8, 10 },
	{ 5, 8, 10 },
	{ 8, 128, 130 },
	{ 16, 128, 130 },
	{ 32, 128, 130 },
};

/* Bytes between acknowledgements, and between updates of credits: by lanes (up to 8; more) and MPS (128, 256, 512 and more). */
static const double ack_limit[2][3] = {
	{ 163, 203, 182 },
	{ 144, 168, 182 },
};

double
sim_pcie_raw_gbps(const struct sim_profile *p)
{
	const uint32_t g = p->pcie_generation;

	return generations[g - 1].gts * p->pcie_lanes * generations[g - 1].data /
			generations[g - 1].bits;
}

double
sim_pcie_tlp_gbps(const struct sim_profile *p)
{
	const uint32_t class = p->pcie_mps < 256 ? 0 : p->pcie_mps < 512 ? 1 : 2;
	const double limit = ack_limit[p->pcie_lanes > 8][class];

	return sim_pcie_raw_gbps(p) * (1 - DLLP / limit - DLLP / limit - SKIP);
}

static uint32_t
parts(uint32_t size, uint32_t most)
{
	return (size + most - 1) / most;
}

static uint32_t
write_bytes(const struct sim_profile *p, uint32_t size)
{
	return size + parts(size, p->pcie_mps) * TLP_WRITE;
}

/* On the way back, for a read that begins `offset` bytes behind a boundary. */
static uint32_t
completion_bytes(const struct sim_profile *p, uint32_t size, uint32_t offset)
{
	const uint32_t first = offset > 0 ? p->pcie_rcb - offset : 0;

	if (first == 0)
		return size + parts(size, p->pcie_mps) * TLP_COMPLETION;
	if (first >= size)
		return size + TLP_COMPLETION;
	return size + (1 + parts(size - first, p->pcie_mps)) * TLP_COMPLETION;
}

double
sim_pcie_write_gbps(const struct sim_profile *p, uint32_t size)
{
	return size == 0 ? 0 : sim_pcie_tlp_gbps(p) * size / write_bytes(p, size);
}

double
sim_pcie_read_gbps(const struct sim_profile *p, uint32_t size)
{
	const uint32_t back = completion_bytes(p, size, 0);
	const uint32_t ask = parts(size, p->pcie_mrrs) * TLP_READ;

	return size == 0 ? 0 : sim_pcie_tlp_gbps(p) * size / (back > ask ? back : ask);
}

/* --- what returns --- */

/* Those that are back at `now`. */
static void
returns_expire(struct sim_returns *r, sim_cycle now)
{
	while (r->n > 0 && r->at[r->head] <= now) {
		r->out -= r->units[r->head];
		r->head = (r->head + 1) & (r->size - 1);
		r->n--;
	}
}

/* Cycle, from `now` on, at which `units` of them can be had; -ENOMEM shows as no wait. */
static sim_cycle
returns_wait(struct sim_returns *r, sim_cycle now, uint32_t units)
{
	sim_cycle at = now;

	returns_expire(r, at);
	while (r->n > 0 && r->out + units > r->max) {
		at = r->at[r->head];
		returns_expire(r, at);
	}
	return at;
}

static int
returns_grow(struct sim_returns *r)
{
	const uint32_t size = r->size * 2;
	sim_cycle *at = calloc(size, sizeof(*at));
	uint32_t *units = calloc(size, sizeof(*units));
	uint32_t i;

	if (at == NULL || units == NULL) {
		free(at);
		free(units);
		return -ENOMEM;
	}
	for (i = 0; i < r->n; i++) {
		at[i] = r->at[(r->head + i) & (r->size - 1)];
		units[i] = r->units[(r->head + i) & (r->size - 1)];
	}
	free(r->at);
	free(r->units);
	r->at = at;
	r->units = units;
	r->size = size;
	r->head = 0;
	return 0;
}

/* In order: `at` is not before the last one. Without memory the last one takes it along. */
static void
returns_add(struct sim_returns *r, sim_cycle at, uint32_t units)
{
	uint32_t i;

	r->out += units;
	if (r->n == r->size && returns_grow(r) < 0) {
		i = (r->head + r->n - 1) & (r->size - 1);
		r->at[i] = at;
		r->units[i] += units;
		return;
	}
	i = (r->head + r->n) & (r->size - 1);
	r->at[i] = at;
	r->units[i] = units;
	r->n++;
}

static int
returns_init(struct sim_returns *r, uint32_t max)
{
	memset(r, 0, sizeof(*r));
	r->max = max;
	r->size = 64;
	r->at = calloc(r->size, sizeof(*r->at));
	r->units = calloc(r->size, sizeof(*r->units));
	return r->at == NULL || r->units == NULL ? -ENOMEM : 0;
}

/* --- the link --- */

static sim_cycle
link_take(struct sim_rate *r, struct sim_unit *u, sim_cycle at, uint32_t bytes)
{
	sim_cycle end, from;

	sim_rate_begin(r, at);
	from = r->free;
	end = sim_rate_take(r, bytes);
	if (u != NULL) {
		u->s.served++;
		u->s.busy += r->free - from;
		u->s.wait_cycles += from > at ? from - at : 0;
	}
	return end;
}

sim_cycle
sim_pcie_write(struct sim_pcie *l, sim_cycle now, uint32_t size)
{
	const uint32_t mps = l->profile->pcie_mps;
	sim_cycle end = now;
	uint32_t n, units;

	/* Mostly all of it has credits; else one packet of the link after the other waits for its own. */
	units = parts(size, CREDIT);
	returns_expire(&l->credits, now);
	if (l->credits.out + units <= l->credits.max) {
		end = link_take(&l->up, l->up_unit, now, write_bytes(l->profile, size));
		returns_add(&l->credits, end + l->write_latency, units);
		return end;
	}
	for (; size > 0; size -= n) {
		n = size < mps ? size : mps;
		units = parts(n, CREDIT);
		if (units > l->credits.max)
			units = l->credits.max;
		end = link_take(&l->up, l->up_unit, returns_wait(&l->credits, now, units),
				n + TLP_WRITE);
		returns_add(&l->credits, end + l->write_latency, units);
	}
	return end;
}

sim_cycle
sim_pcie_read(struct sim_pcie *l, sim_cycle now, uint32_t size, uint32_t offset)
{
	const uint32_t mrrs = l->profile->pcie_mrrs;
	sim_cycle asked, at, end = now;
	uint32_t n;

	offset %= l->profile->pcie_rcb;
	for (; size > 0; size -= n, offset = 0) {
		n = size < mrrs ? size : mrrs;
		/* The request takes its turn on the link now, even if it then waits for a tag: the bytes are the same. */
		asked = link_take(&l->up, l->up_unit, now, TLP_READ);
		at = returns_wait(&l->tags, asked, 1);
		end = link_take(&l->down, l->down_unit, at + l->read_rest,
				completion_bytes(l->profile, n, offset));
		returns_add(&l->tags, end, 1);
	}
	return end;
}

sim_cycle
sim_pcie_tag(struct sim_pcie *l, sim_cycle now)
{
	returns_expire(&l->tags, now);
	return l->tags.out < l->tags.max ? now : l->tags.at[l->tags.head];
}

int
sim_pcie_init(struct sim_pcie *l, const struct sim_profile *p)
{
	struct sim_rate probe;
	sim_cycle wire;

	l->profile = p;
	/* Cycles for a byte: 8 bits / bits a second * cycles a second. */
	l->up.num = UINT64_C(8000000) * p->clock_mhz;
	l->up.den = (uint64_t)(sim_pcie_tlp_gbps(p) * 1e9 + 0.5);
	l->down = l->up;
	probe = l->up;
	wire = sim_rate_take(&probe, TLP_READ);
	probe = l->up;
	wire += sim_rate_take(&probe, completion_bytes(p, READ_PROBE, 0));
	l->read_rest = sim_profile_cycles(p, p->pcie_read_ns);
	l->read_rest -= l->read_rest < wire ? l->read_rest : wire;
	l->write_latency = sim_profile_cycles(p, p->pcie_write_ns);
	if (returns_init(&l->credits, p->pcie_credits) < 0)
		return -ENOMEM;
	return returns_init(&l->tags, p->pcie_tags);
}

void
sim_pcie_fini(struct sim_pcie *l)
{
	free(l->tags.at);
	free(l->tags.units);
	free(l->credits.at);
	free(l->credits.units);
	memset(l, 0, sizeof(*l));
}
