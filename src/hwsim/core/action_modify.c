/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MODIFY: fields of headers and metadata, set, added to and subtracted from, in bits. Checksums follow by the difference (RFC
 * 1624, equation 3), so that a wrong one stays wrong; those of an outer level follow changes of the inner one. Called by
 * action.c and steering.
 */
#include "action_priv.h"

__extension__ typedef unsigned __int128 u128;

enum where { IN_NOTHING, IN_META, IN_ETH, IN_VLAN, IN_L3, IN_L4, IN_TUNNEL };

/* A field is `bits` bits, `shift` above the end of `bytes` bytes which begin `at` bytes into a header. */
struct field {
	uint8_t where; /* enum where */
	uint8_t at, bytes, shift, bits;
	bool pseudo;	 /* part of the pseudo header of layer 4 */
	uint32_t layers; /* any of these has it */
};

static const struct field fields[SIM_F_COUNT] = {
	[SIM_F_MAC_DST] = { IN_ETH, 0, 6, 0, 48, false, SIM_L_ETH },
	[SIM_F_MAC_SRC] = { IN_ETH, 6, 6, 0, 48, false, SIM_L_ETH },
	[SIM_F_ETH_TYPE] = { IN_ETH, 12, 2, 0, 16, false, SIM_L_ETH },
	[SIM_F_VLAN_ID] = { IN_VLAN, 0, 2, 0, 12, false, SIM_L_VLAN },
	[SIM_F_VLAN_PCP] = { IN_VLAN, 0, 2, 13, 3, false, SIM_L_VLAN },
	[SIM_F_VLAN_TYPE] = { IN_ETH, 12, 2, 0, 16, false, SIM_L_VLAN },
	[SIM_F_IPV4_SRC] = { IN_L3, 12, 4, 0, 32, true, SIM_L_IPV4 },
	[SIM_F_IPV4_DST] = { IN_L3, 16, 4, 0, 32, true, SIM_L_IPV4 },
	[SIM_F_IPV4_DSCP] = { IN_L3, 1, 1, 2, 6, false, SIM_L_IPV4 },
	[SIM_F_IPV4_ECN] = { IN_L3, 1, 1, 0, 2, false, SIM_L_IPV4 },
	[SIM_F_IPV4_TTL] = { IN_L3, 8, 1, 0, 8, false, SIM_L_IPV4 },
	[SIM_F_IPV6_SRC] = { IN_L3, 8, 16, 0, 128, true, SIM_L_IPV6 },
	[SIM_F_IPV6_DST] = { IN_L3, 24, 16, 0, 128, true, SIM_L_IPV6 },
	[SIM_F_IPV6_DSCP] = { IN_L3, 0, 2, 6, 6, false, SIM_L_IPV6 },
	[SIM_F_IPV6_ECN] = { IN_L3, 0, 2, 4, 2, false, SIM_L_IPV6 },
	[SIM_F_IPV6_HOPLIMIT] = { IN_L3, 7, 1, 0, 8, false, SIM_L_IPV6 },
	[SIM_F_TCP_SRC] = { IN_L4, 0, 2, 0, 16, false, SIM_L_TCP },
	[SIM_F_TCP_DST] = { IN_L4, 2, 2, 0, 16, false, SIM_L_TCP },
	[SIM_F_TCP_SEQ] = { IN_L4, 4, 4, 0, 32, false, SIM_L_TCP },
	[SIM_F_TCP_ACK] = { IN_L4, 8, 4, 0, 32, false, SIM_L_TCP },
	[SIM_F_TCP_FLAGS] = { IN_L4, 12, 2, 0, 9, false, SIM_L_TCP },
	[SIM_F_UDP_SRC] = { IN_L4, 0, 2, 0, 16, false, SIM_L_UDP },
	[SIM_F_UDP_DST] = { IN_L4, 2, 2, 0, 16, false, SIM_L_UDP },
	[SIM_F_TP_SRC] = { IN_L4, 0, 2, 0, 16, false, SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP },
	[SIM_F_TP_DST] = { IN_L4, 2, 2, 0, 16, false, SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP },
	/* IPv4's; of IPv6 it is the hop limit, see field_of(). */
	[SIM_F_TTL] = { IN_L3, 8, 1, 0, 8, false, SIM_L_IPV4 },
	[SIM_F_VXLAN_VNI] = { IN_TUNNEL, 4, 3, 0, 24, false, SIM_L_VXLAN },
	[SIM_F_GENEVE_VNI] = { IN_TUNNEL, 4, 3, 0, 24, false, SIM_L_GENEVE },
	[SIM_F_GTP_TEID] = { IN_TUNNEL, 4, 4, 0, 32, false, SIM_L_GTPU },
	[SIM_F_TAG] = { IN_META, 0, 4, 0, 32, false, 0 },
	[SIM_F_MARK] = { IN_META, 0, 4, 0, 32, false, 0 },
	[SIM_F_META] = { IN_META, 0, 4, 0, 32, false, 0 },
};

uint32_t
sim_field_bits(enum sim_field f)
{
	return (uint32_t)f < SIM_F_COUNT ? fields[f].bits : 0;
}

/* What was written where, for the sums that cover it. `delta`: sum of the complements of the old words and the new ones. */
struct change {
	uint32_t at, n;
	const uint8_t *old, *now;
	uint16_t delta;
};

static uint16_t
delta_of(const uint8_t *old, const uint8_t *now, uint32_t n)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i + 2 <= n; i += 2)
		sum += (uint16_t)~sim_get16(old + i) + (uint32_t)sim_get16(now + i);
	if (i < n)
		sum += (uint16_t) ~(old[i] << 8) + ((uint32_t)now[i] << 8);
	return sim_csum_fold(sum);
}

static void
put(const struct sim_edit *e, uint32_t at, const uint8_t *now, uint32_t n);

/* The vector has the same bytes. */
static void
mirror(const struct sim_edit *e, uint32_t at, const uint8_t *now, uint32_t n)
{
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t layers = e->phv->layers[i];
		struct sim_level *lv = &e->phv->level[i];
		const uint32_t ip = layers & SIM_L_IPV4 ? 20 : layers & SIM_L_IPV6 ? 40 : 0;
		const uint32_t shift = layers & SIM_L_IPV4 ? SIM_IP4_AT : 0;

		if ((layers & SIM_L_ETH) && at >= e->off->l2[i] && at + n <= e->off->l2[i] + 14u)
			memcpy(lv->eth + (at - e->off->l2[i]), now, n);
		if ((layers & SIM_L_VLAN) && at >= e->off->vlan[i] &&
				at + n <= e->off->vlan[i] + 2u)
			memcpy(lv->vlan + (at - e->off->vlan[i]), now, n);
		if (at >= e->off->l3[i] && at + n <= e->off->l3[i] + ip)
			memcpy(lv->ip + shift + (at - e->off->l3[i]), now, n);
		if ((layers & SIM_L_SUMMED) && at >= e->off->l4[i] &&
				at + n <= e->off->l4[i] +
								(layers & SIM_L_TCP ? 20u
												: layers & SIM_L_SCTP
												? 12u
												: 8u))
			memcpy(lv->l4 + (at - e->off->l4[i]), now, n);
	}
	if ((e->phv->layers[0] & (SIM_L_VXLAN | SIM_L_GENEVE | SIM_L_GTPU)) &&
			at >= e->off->tunnel && at + n <= e->off->tunnel + 8u)
		memcpy(e->phv->tunnel + (at - e->off->tunnel), now, n);
}

/* The Internet checksum at `sum` covers the change, which lies at an odd byte of it or not (RFC 1071, 2B). */
static void
follow(const struct sim_edit *e, uint32_t sum, bool odd, const struct change *c)
{
	const uint16_t delta = odd ? (uint16_t)(c->delta << 8 | c->delta >> 8) : c->delta;
	const uint16_t old = (uint16_t)~sim_get16(e->p->data + sum);
	uint8_t bytes[2];

	sim_put16(bytes, (uint16_t)~sim_csum_fold((uint64_t)old + delta));
	put(e, sum, bytes, 2);
}

/* CRC is linear: that of the difference, followed by as many zeros as bytes follow in the packet, is its difference. */
static void
follow_crc(const struct sim_edit *e, uint32_t level, const struct change *c)
{
	const uint32_t sum = e->off->l4[level] + 8u;
	const uint32_t end = sim_l3_end(e->phv, e->off, level);
	uint8_t bytes[16];
	uint32_t crc;

	for (uint32_t i = 0; i < c->n; i++)
		bytes[i] = c->old[i] ^ c->now[i];
	crc = sim_crc32c_zeros(sim_crc32c(0, bytes, c->n), end - c->at - c->n);
	for (uint32_t i = 0; i < 4; i++)
		bytes[i] = e->p->data[sum + i] ^ (uint8_t)(crc >> 8 * i);
	put(e, sum, bytes, 4);
}

/* Where the Internet checksum of a level's layer 4 is; 0: it has none, or (UDP) does without. */
static uint32_t
l4_sum(const struct sim_edit *e, uint32_t level)
{
	const uint32_t layers = e->phv->layers[level];
	const uint32_t l4 = e->off->l4[level];

	if (layers & SIM_L_TCP)
		return l4 + 16;
	if (layers & SIM_L_UDP)
		return sim_get16(e->p->data + l4 + 6) == 0 ? 0 : l4 + 6;
	if (layers & (SIM_L_ICMP | SIM_L_ICMP6))
		return l4 + 2;
	return 0;
}

static void
follow_l4(const struct sim_edit *e, uint32_t level, bool odd, const struct change *c)
{
	const uint32_t sum = l4_sum(e, level);

	if (sum == 0 || c->at == sum)
		return;
	follow(e, sum, odd, c);
	/* RFC 768: a sum that comes out as 0 is sent as its other form. */
	if ((e->phv->layers[level] & SIM_L_UDP) && sim_get16(e->p->data + sum) == 0) {
		static const uint8_t ones[2] = { 0xff, 0xff };

		put(e, sum, ones, 2);
	}
}

/* All sums of a level that cover the change, but for itself. */
static void
follow_level(const struct sim_edit *e, uint32_t level, const struct change *c)
{
	const uint32_t layers = e->phv->layers[level];
	const uint32_t l3 = e->off->l3[level];
	const uint32_t l4 = e->off->l4[level];

	if ((layers & SIM_L_IPV4) && c->at >= l3 && c->at < l3 + (e->p->data[l3] & 15u) * 4) {
		if (c->at != l3 + 10)
			follow(e, l3 + 10, (c->at - l3) & 1, c);
		return;
	}
	if (!(layers & SIM_L_SUMMED) || c->at < l4 ||
			c->at + c->n > sim_l3_end(e->phv, e->off, level))
		return;
	if (!(layers & SIM_L_SCTP))
		follow_l4(e, level, (c->at - l4) & 1, c);
	else if (c->at != l4 + 8)
		follow_crc(e, level, c);
}

/*
 * Writes bytes, of one header, and has every sum follow that covers them. A sum is written in the same way, so that the sums
 * around it follow, too; levels nest, so this ends.
 */
static void
put(const struct sim_edit *e, uint32_t at, const uint8_t *now, uint32_t n)
{
	uint8_t old[16];
	const struct change c = { at, n, old, now, delta_of(e->p->data + at, now, n) };
	const uint32_t tunnel = e->off->tunnel;

	memcpy(old, e->p->data + at, n);
	memcpy(e->p->data + at, now, n);
	mirror(e, at, now, n);
	if (e->phv->layers[1] != 0)
		follow_level(e, 1, &c);
	if ((e->phv->layers[0] & SIM_L_GRE) && at >= tunnel && at != tunnel + 4 &&
			sim_gre_summed(e->p->data + tunnel))
		follow(e, tunnel + 4, (at - tunnel) & 1, &c);
	follow_level(e, 0, &c);
}

/* The field as this packet has it; NULL: it has not. */
static const struct field *
field_of(const struct sim_phv *phv, uint32_t f, uint32_t level)
{
	const struct field *d = &fields[f];

	if (f == SIM_F_TTL && (phv->layers[level] & SIM_L_IPV6))
		d = &fields[SIM_F_IPV6_HOPLIMIT];
	if (d->where != IN_META && !(phv->layers[level] & d->layers))
		return NULL;
	return d;
}

static uint32_t *
meta_of(struct sim_phv *phv, uint32_t f, uint32_t index)
{
	return f == SIM_F_TAG ? &phv->tag[index] : f == SIM_F_MARK ? &phv->mark : &phv->meta;
}

static uint32_t
place(const struct sim_offsets *off, const struct field *d, uint32_t level)
{
	switch (d->where) {
	case IN_ETH:
		return off->l2[level] + d->at;
	case IN_VLAN:
		return off->vlan[level] + d->at;
	case IN_L3:
		return off->l3[level] + d->at;
	case IN_L4:
		return off->l4[level] + d->at;
	default:
		return off->tunnel + d->at;
	}
}

static u128
number(const uint8_t *p, uint32_t n)
{
	u128 v = 0;

	for (uint32_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static u128
ones(uint32_t bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

static void
store(const struct sim_edit *e, const struct sim_modify *m, const struct field *d, u128 v)
{
	const uint32_t at = place(e->off, d, m->dst_level);
	u128 all = number(e->p->data + at, d->bytes);
	uint8_t now[16];
	uint8_t old[16];
	struct change c = { at, d->bytes, old, now, 0 };

	memcpy(old, e->p->data + at, d->bytes);
	all = (all & ~(ones(d->bits) << d->shift)) | v << d->shift;
	for (uint32_t i = d->bytes; i-- > 0; all >>= 8)
		now[i] = (uint8_t)all;
	if (memcmp(old, now, d->bytes) == 0)
		return;
	c.delta = delta_of(old, now, d->bytes);
	put(e, at, now, d->bytes);
	/* Addresses are at even places of the pseudo header. A later fragment has no bit of layer 4. */
	if (d->pseudo && !(e->phv->layers[m->dst_level] & SIM_L_ICMP))
		follow_l4(e, m->dst_level, false, &c);
}

/* Bits that m's parts name must be there. */
static int
check(const struct sim_modify *m)
{
	const uint32_t src_bits = m->src == SIM_F_VALUE ? 128 : sim_field_bits(m->src);

	if (m->op > SIM_OP_SUB || m->bits == 0 || m->dst_level > 1 || m->src_level > 1 ||
			m->dst >= SIM_F_COUNT || m->src >= SIM_F_COUNT ||
			(m->dst == SIM_F_TAG && m->dst_index >= SIM_TAGS) ||
			(m->src == SIM_F_TAG && m->src_index >= SIM_TAGS) ||
			m->dst_bit + m->bits > sim_field_bits(m->dst) ||
			m->src_bit + m->bits > src_bits)
		return -EINVAL;
	return 0;
}

static bool
load(const struct sim_edit *e, const struct sim_modify *m, u128 *v)
{
	const struct field *s;

	if (m->src == SIM_F_VALUE) {
		*v = number(m->value, sizeof(m->value));
		return true;
	}
	s = field_of(e->phv, m->src, m->src_level);
	if (s == NULL)
		return false;
	if (s->where == IN_META)
		*v = *meta_of(e->phv, m->src, m->src_index);
	else
		*v = number(e->p->data + place(e->off, s, m->src_level), s->bytes) >> s->shift;
	return true;
}

static void
store_meta(const struct sim_edit *e, const struct sim_modify *m, uint32_t v)
{
	*meta_of(e->phv, m->dst, m->dst_index) = v;
	if (m->dst == SIM_F_MARK) {
		e->p->mark = v;
		e->p->marked = 1;
	} else if (m->dst == SIM_F_META) {
		e->p->meta = v;
		e->p->meta_set = 1;
	}
}

int
sim_modify_apply(struct sim_pkt *p, const struct sim_offsets *off, struct sim_phv *phv,
		const struct sim_modify *m)
{
	struct sim_offsets places = *off;
	const struct sim_edit e = { p, phv, &places };
	const struct field *d;
	u128 old, v, part;

	if (check(m) != 0)
		return -EINVAL;
	d = field_of(phv, m->dst, m->dst_level);
	if (d == NULL || !load(&e, m, &v))
		return 0;
	if (d->where == IN_L4 && (phv->layers[m->dst_level] & SIM_L_SCTP) &&
			(phv->layers[m->dst_level] & SIM_L_FRAG))
		return -ENOTSUP;
	v = v >> m->src_bit & ones(m->bits);
	old = d->where == IN_META
			? *meta_of(phv, m->dst, m->dst_index)
			: number(p->data + place(off, d, m->dst_level), d->bytes) >> d->shift &
					ones(d->bits);
	part = old >> m->dst_bit;
	if (m->op == SIM_OP_ADD)
		v = part + v;
	else if (m->op == SIM_OP_SUB)
		v = part - v;
	v &= ones(m->bits);
	v = (old & ~(ones(m->bits) << m->dst_bit)) | v << m->dst_bit;
	if (d->where == IN_META)
		store_meta(&e, m, (uint32_t)v);
	else
		store(&e, m, d, v);
	return 0;
}
