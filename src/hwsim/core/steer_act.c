/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The actions of a rule that a packet has matched, in the order of the rule; its fate is kept for steer_run.c. Objects that
 * have gone meanwhile are left out.
 */
#include "sim_priv.h"
#include "steer_priv.h"

static void
count(struct sim_run *r, uint32_t index)
{
	struct sim_counter *c = SIM_POOL_GET(&r->s->objects.counters, index, struct sim_counter);

	sim_step(r->path, SIM_STEP_COUNT, 1, index);
	if (c == NULL)
		return;
	c->packets++;
	c->bytes += r->p->frame_len;
}

/* false: the meter's policy drops it. */
static bool
meter(struct sim_run *r, uint32_t index)
{
	struct sim_meter_object *m =
			SIM_POOL_GET(&r->s->objects.meters, index, struct sim_meter_object);
	const uint32_t bytes = r->p->frame_len;
	enum sim_color color;

	sim_step(r->path, SIM_STEP_METER, 1, index);
	if (m == NULL)
		return true;
	/* Off: the colour out is the colour in, and all else is as usual (rte_mtr.h, rte_mtr_meter_disable()). */
	if (m->on)
		color = sim_meter_color(&m->meter, bytes, r->phv.color, r->now);
	else
		color = m->meter.params.color_aware && r->phv.color != 0 ? r->phv.color : SIM_GREEN;
	r->phv.color = (uint8_t)color;
	m->stats.packets[color - SIM_GREEN]++;
	m->stats.bytes[color - SIM_GREEN] += bytes;
	if (!m->meter.params.drop[color - SIM_GREEN])
		return true;
	m->stats.dropped_packets++;
	m->stats.dropped_bytes += bytes;
	return false;
}

/* Level whose TCP header the connection is about: the outer one, or the inner one of a tunnel. */
static uint32_t
ct_level(const struct sim_phv *phv)
{
	const uint32_t tunnels = SIM_L_VXLAN | SIM_L_GENEVE | SIM_L_GTPU | SIM_L_GRE;

	return (phv->layers[0] & SIM_L_TCP) == 0 &&
			((phv->layers[0] & tunnels) || phv->layers[1] != 0);
}

static void
track(struct sim_run *r, const struct sim_action *a)
{
	struct sim_ct *ct = SIM_POOL_GET(&r->s->objects.cts, a->u32, struct sim_ct);
	const uint32_t level = ct_level(&r->phv);
	const uint32_t layers = r->phv.layers[level];
	const uint32_t at = r->off.l4[level];
	uint32_t end, header;

	sim_step(r->path, SIM_STEP_CT, 1, a->u32);
	r->phv.ct = SIM_CT_BAD;
	if (ct == NULL || (layers & SIM_L_TCP) == 0 || (layers & SIM_L_FRAG) || at == 0 ||
			at + 20u > r->p->len)
		return;
	header = (uint32_t)(r->p->data[at + 12] >> 4) * 4;
	end = sim_l3_end(&r->phv, &r->off, level);
	if (header < 20 || at + header > r->p->len || end > r->p->frame_len || end < at + header)
		return;
	r->phv.ct = sim_ct_track(ct, (a->flags & SIM_AF_REPLY) != 0, r->p->data + at,
			(uint16_t)(r->p->len - at), end - at - header);
}

static void
age(struct sim_run *r, uint32_t index)
{
	struct sim_age *x = SIM_POOL_GET(&r->s->objects.ages, index, struct sim_age);

	sim_step(r->path, SIM_STEP_AGE, 1, index);
	if (x != NULL)
		sim_age_touch(&r->s->objects, x, r->now);
}

/* One packet in `ratio` goes to the mirror, as it is now. */
static void
sample(struct sim_run *r, uint32_t index)
{
	struct sim_sample_object *o =
			SIM_POOL_GET(&r->s->objects.samples, index, struct sim_sample_object);
	struct sim_pkt copy;

	if (o == NULL || ++o->seen < o->sample.ratio)
		return;
	o->seen = 0;
	if (r->s->mirror == NULL)
		return;
	copy = *r->p;
	copy.dest = o->sample.dest;
	if (o->sample.marked) {
		copy.marked = 1;
		copy.mark = o->sample.mark;
	}
	r->s->mirror(r->s->ctx, &copy, &o->sample.dest);
}

static int
bytes(struct sim_run *r, const struct sim_action *a)
{
	const uint16_t was = r->p->len;
	int rc = sim_action_bytes(r->p, &r->phv, &r->off, a);
	uint32_t moved;

	if (rc < 0)
		return rc;
	moved = (uint32_t)(r->p->len > was ? r->p->len - was : was - r->p->len);
	/* The length alone does not tell what DECAP that keeps L2, or a header put on for another, has moved. */
	if (a->type == SIM_A_ENCAP)
		moved = a->len;
	if (moved > 0)
		sim_step(r->path, SIM_STEP_COPY, moved, 0);
	return 0;
}

static void
mark(struct sim_run *r, const struct sim_action *a)
{
	if (a->type == SIM_A_MARK) {
		r->p->marked = SIM_MARK_NUMBER;
		r->p->mark = r->phv.mark = a->u32;
	} else if (r->p->marked == 0) {
		r->p->marked = SIM_MARK_FLAG;
	}
}

/* false: no further action; *drop says why. */
static bool
act_one(struct sim_run *r, const struct sim_action *a, int *drop)
{
	switch (a->type) {
	case SIM_A_MARK:
	case SIM_A_FLAG:
		mark(r, a);
		return true;
	case SIM_A_COUNT:
		count(r, a->u32);
		return true;
	case SIM_A_METER:
		if (meter(r, a->u32))
			return true;
		*drop = SIM_DROP_METER;
		return false;
	case SIM_A_AGE:
		age(r, a->u32);
		return true;
	case SIM_A_CT:
		track(r, a);
		return true;
	case SIM_A_TLS:
		sim_step(r->path, SIM_STEP_TLS, 1, a->u32);
		return true;
	case SIM_A_SAMPLE:
		sample(r, a->u32);
		return true;
	default:
		if (bytes(r, a) == 0)
			return true;
		*drop = SIM_DROP_ROOM;
		return false;
	}
}

const struct sim_action *
sim_act(struct sim_run *r, const struct sim_rule *rule, int *drop)
{
	const struct sim_action *fate = NULL;

	if (rule->n_actions > 0)
		sim_step(r->path, SIM_STEP_ACTION, rule->n_actions, 0);
	for (uint32_t i = 0; i < rule->n_actions; i++) {
		const struct sim_action *a = &rule->actions[i];

		if (a->type >= SIM_A_JUMP && a->type <= SIM_A_PASSTHRU)
			fate = a;
		else if (!act_one(r, a, drop))
			return NULL;
	}
	return fate;
}
