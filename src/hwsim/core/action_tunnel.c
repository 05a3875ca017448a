/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnel headers put in front of a packet and taken off. Called by action.c. Steering does not know tunnels here: an
 * encapsulation is bytes, whose lengths and checksums are made right.
 */
#include "action_priv.h"

/* RFC 7348, 5: the dynamic ports, 49152 to 65535. */
#define TUNNEL_PORT 0xc000u

/* Addresses do not change, lengths do. Both IP headers of the new bytes, if it has two. */
static void
fix_l3(const struct sim_edit *e, uint32_t level)
{
	uint8_t *h = e->p->data + e->off->l3[level];
	const uint32_t n = e->p->frame_len - e->off->l3[level];

	if (e->phv->layers[level] & SIM_L_IPV4)
		sim_put16(h + 2, (uint16_t)n);
	else
		sim_put16(h + 4, (uint16_t)(n - 40));
}

/*
 * Identification, where the template has none and the packet may be cut (RFC 6864: without DF it must tell packets apart). The
 * unit has no counter: it is a hash of the carried packet's headers, with its identification and sequence number.
 */
static uint16_t
identification(const struct sim_edit *e)
{
	const uint8_t *at = (const uint8_t *)&e->phv->level[1];
	uint64_t h = e->p->frame_len;
	uint64_t word;

	for (uint32_t i = 0; i < sizeof(e->phv->level[1]); i += 8) {
		memcpy(&word, at + i, 8);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return (uint16_t)(h >> 16) | 1;
}

static void
fix_ipv4(const struct sim_edit *e, uint32_t level)
{
	uint8_t *h = e->p->data + e->off->l3[level];

	if (sim_get16(h + 4) == 0 && !(sim_get16(h + 6) & 0x4000))
		sim_put16(h + 4, identification(e));
	sim_put16(h + 10, 0);
	sim_put16(h + 10, (uint16_t)~sim_csum(h, (h[0] & 15u) * 4));
}

/* RFC 7348: no checksum over IPv4. Over IPv6 receivers want one (RFC 8200, 8.1) unless told otherwise (RFC 6935). */
static void
fix_udp(const struct sim_edit *e, uint32_t level, uint32_t hash)
{
	uint8_t *h = e->p->data + e->off->l4[level];
	const uint32_t n = e->p->frame_len - e->off->l4[level];

	if (sim_get16(h) == 0)
		sim_put16(h, (uint16_t)(TUNNEL_PORT | (hash & 0x3fff)));
	sim_put16(h + 4, (uint16_t)n);
	sim_put16(h + 6, 0);
	if ((e->phv->layers[level] & SIM_L_IPV6) && e->p->len == e->p->frame_len) {
		const uint16_t pseudo = sim_csum_pseudo(e->phv, level, SIM_PROTO_UDP, n);
		const uint16_t sum = (uint16_t)~sim_csum_fold((uint64_t)pseudo + sim_csum(h, n));

		sim_put16(h + 6, sum == 0 ? UINT16_MAX : sum);
	}
}

/* Lengths of the tunnel header itself; sums of GRE, which need all of the packet. */
static int
fix_tunnel(const struct sim_edit *e)
{
	uint8_t *h = e->p->data + e->off->tunnel;
	const uint32_t n = e->p->frame_len - e->off->tunnel;

	if (e->phv->layers[0] & SIM_L_GTPU) {
		sim_put16(h + 2, (uint16_t)(n - 8));
	} else if ((e->phv->layers[0] & SIM_L_GRE) && sim_gre_summed(h)) {
		if (e->p->len != e->p->frame_len)
			return -ENOTSUP;
		sim_put16(h + 4, 0);
		sim_put16(h + 4, (uint16_t)~sim_csum(h, n));
	}
	return 0;
}

/* An IP header of this level is in the first n bytes, all of it: what is behind is the packet's own and stays as it is. */
static bool
has_l3(const struct sim_edit *e, uint32_t level, uint32_t n)
{
	const uint32_t l3 = e->off->l3[level];

	if (e->phv->layers[level] & SIM_L_IPV4)
		return l3 + (e->p->data[l3] & 15u) * 4 <= n;
	return (e->phv->layers[level] & SIM_L_IPV6) && l3 + 40 <= n;
}

/* The new n bytes are in front. Inner sums before outer ones, which cover them. */
static int
fix(const struct sim_edit *e, uint32_t n, uint32_t hash)
{
	bool mine[2] = { false, false };
	int rc = 0;

	/* The length of an IP header says what the parser finds behind it, so one level after the other. */
	for (uint32_t i = 0; i < 2; i++) {
		sim_edit_parse(e, false);
		mine[i] = has_l3(e, i, n);
		if (!mine[i])
			break;
		fix_l3(e, i);
	}
	sim_edit_parse(e, false);
	for (uint32_t i = 2; i-- > 0;) {
		if (!mine[i])
			continue;
		if (e->phv->layers[i] & SIM_L_IPV4)
			fix_ipv4(e, i);
		if (i == 0 && e->off->tunnel != 0 && e->off->tunnel + 8u <= n)
			rc = fix_tunnel(e);
		if ((e->phv->layers[i] & SIM_L_UDP) && e->off->l4[i] + 8u <= n)
			fix_udp(e, i, hash);
	}
	sim_edit_parse(e, false);
	return rc;
}

int
sim_encap(const struct sim_edit *e, const uint8_t *data, uint32_t n)
{
	int rc;

	if (data == NULL || n < SIM_ENCAP_MIN || n > SIM_ENCAP_MAX)
		return -EINVAL;
	rc = sim_edit_room(e, n);
	if (rc != 0)
		return rc;

	const struct sim_phv phv = *e->phv;
	const struct sim_offsets off = *e->off;

	sim_edit_grow(e, n);
	memcpy(e->p->data, data, n);
	rc = fix(e, n, sim_flow_hash(&phv, 0));
	if (rc != 0) {
		sim_edit_shrink(e, n);
		*e->phv = phv;
		*e->off = off;
	}
	return rc;
}

int
sim_decap(const struct sim_edit *e, bool keep_l2)
{
	const uint32_t *layers = e->phv->layers;
	uint8_t *data = e->p->data;
	uint32_t l2, l3;

	if (!keep_l2) {
		if (!(layers[1] & SIM_L_ETH))
			return -ENOENT;
		sim_edit_shrink(e, e->off->l2[1]);
		sim_edit_parse(e, false);
		return 0;
	}
	if (!(layers[0] & SIM_L_ETH) || !(layers[1] & SIM_L_IP))
		return -ENOENT;
	l2 = e->off->l3[0];
	l3 = e->off->l3[1];
	/* Tags stay. The type is the last thing in front of layer 3. */
	memmove(data + l3 - l2, data, l2);
	sim_put16(data + l3 - 2, layers[1] & SIM_L_IPV4 ? SIM_TYPE_IPV4 : SIM_TYPE_IPV6);
	sim_edit_shrink(e, l3 - l2);
	sim_edit_parse(e, false);
	return 0;
}

int
sim_strip(const struct sim_edit *e, uint32_t n)
{
	bool l3 = false;

	if (n == 0)
		return -EINVAL;
	if (n >= e->p->len)
		return -ENOENT;
	for (uint32_t i = 0; i < 2; i++)
		l3 = l3 || ((e->phv->layers[i] & SIM_L_IP) && e->off->l3[i] == n);
	sim_edit_shrink(e, n);
	sim_edit_parse(e, l3);
	return 0;
}
