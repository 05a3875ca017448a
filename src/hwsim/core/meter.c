/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Token buckets of RFC 2697 and RFC 2698 in integers. Called by steering for METER. Tokens that come between two packets are
 * elapsed cycles times rate, over the clock's rate; the rest of that division is kept, so that nothing drifts however
 * packets lie in time.
 */
#include "hwsim/core/meter.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

static void
bucket_init(struct sim_bucket *b, uint64_t depth, uint64_t rate)
{
	*b = (struct sim_bucket){ .tokens = depth, .depth = depth, .rate = rate };
}

/* Tokens that came in `cycles`; no more than 2^64 - 1, which is as deep as a bucket can be. */
static uint64_t
bucket_earn(struct sim_bucket *b, sim_cycle cycles, uint64_t hz)
{
	const u128 all = (u128)cycles * b->rate + b->part;
	const u128 tokens = all / hz;

	b->part = (uint64_t)(all % hz);
	return tokens > UINT64_MAX ? UINT64_MAX : (uint64_t)tokens;
}

/* Fills the bucket; returns what did not fit. */
static uint64_t
bucket_fill(struct sim_bucket *b, uint64_t tokens)
{
	const uint64_t room = b->depth - b->tokens;
	const uint64_t in = tokens < room ? tokens : room;

	b->tokens += in;
	return tokens - in;
}

static bool
bucket_has(const struct sim_bucket *b, uint64_t tokens)
{
	return b->tokens >= tokens;
}

void
sim_meter_init(struct sim_meter *m, const struct sim_meter_params *p, uint32_t mhz, sim_cycle now)
{
	memset(m, 0, sizeof(*m));
	m->params = *p;
	m->hz = (mhz == 0 ? 1 : mhz) * UINT64_C(1000000);
	m->last = now;
	bucket_init(&m->c, p->cbs, p->cir);
	/* srTCM's excess bucket lives on what the other cannot hold. */
	bucket_init(&m->e, p->ebs_pbs, p->two_rate ? p->pir : 0);
}

static void
refill(struct sim_meter *m, sim_cycle now)
{
	const sim_cycle cycles = now > m->last ? now - m->last : 0;
	uint64_t over;

	if (cycles == 0)
		return;
	m->last = now;
	over = bucket_fill(&m->c, bucket_earn(&m->c, cycles, m->hz));
	bucket_fill(&m->e, m->params.two_rate ? bucket_earn(&m->e, cycles, m->hz) : over);
}

/* RFC 2697, 3. */
static enum sim_color
single_rate(struct sim_meter *m, uint64_t tokens, enum sim_color in)
{
	if (in == SIM_GREEN && bucket_has(&m->c, tokens)) {
		m->c.tokens -= tokens;
		return SIM_GREEN;
	}
	if (in != SIM_RED && bucket_has(&m->e, tokens)) {
		m->e.tokens -= tokens;
		return SIM_YELLOW;
	}
	return SIM_RED;
}

/* RFC 2698, 3. */
static enum sim_color
two_rate(struct sim_meter *m, uint64_t tokens, enum sim_color in)
{
	if (in == SIM_RED || !bucket_has(&m->e, tokens))
		return SIM_RED;
	m->e.tokens -= tokens;
	if (in == SIM_YELLOW || !bucket_has(&m->c, tokens))
		return SIM_YELLOW;
	m->c.tokens -= tokens;
	return SIM_GREEN;
}

enum sim_color
sim_meter_color(struct sim_meter *m, uint32_t bytes, uint8_t color_in, sim_cycle now)
{
	const uint64_t tokens = m->params.packets ? 1 : bytes;
	enum sim_color in = SIM_GREEN;

	if (m->params.color_aware && color_in >= SIM_GREEN && color_in <= SIM_RED)
		in = (enum sim_color)color_in;
	refill(m, now);
	return m->params.two_rate ? two_rate(m, tokens, in) : single_rate(m, tokens, in);
}
