/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions on the bytes of a packet: which is which, Ethernet and VLAN. Called by steering, packet by packet. Every check comes
 * before the first write, so that what fails changes nothing.
 */
#include "action_priv.h"

void
sim_edit_parse(const struct sim_edit *e, bool l3)
{
	uint32_t flags = l3 ? SIM_PARSE_L3 : 0;

	/* Who asked for the bits of the packet as it came asks for those of what it has become. */
	if (e->phv->integrity[0] | e->phv->integrity[1])
		flags |= SIM_PARSE_INTEGRITY;
	sim_parse(e->p->data, e->p->len, e->p->frame_len, flags, e->phv, e->off);
}

int
sim_edit_room(const struct sim_edit *e, uint32_t n)
{
	const struct sim_pkt *p = e->p;

	if (p->headroom < n || p->frame_len + n > SIM_FRAME_MAX || p->len + n > UINT16_MAX)
		return -ENOSPC;
	return 0;
}

void
sim_edit_grow(const struct sim_edit *e, uint32_t n)
{
	e->p->data -= n;
	e->p->headroom = (uint16_t)(e->p->headroom - n);
	e->p->len = (uint16_t)(e->p->len + n);
	e->p->frame_len += n;
}

void
sim_edit_shrink(const struct sim_edit *e, uint32_t n)
{
	e->p->data += n;
	e->p->headroom = (uint16_t)(e->p->headroom + n);
	e->p->len = (uint16_t)(e->p->len - n);
	e->p->frame_len -= n;
}

static int
mac_swap(const struct sim_edit *e)
{
	uint8_t *eth = e->p->data;
	uint8_t dst[6];

	if (!(e->phv->layers[0] & SIM_L_ETH))
		return -ENOENT;
	memcpy(dst, eth, 6);
	memcpy(eth, eth + 6, 6);
	memcpy(eth + 6, dst, 6);
	memcpy(e->phv->level[0].eth, eth, 12);
	return 0;
}

static int
vlan_push(const struct sim_edit *e, uint32_t tpid)
{
	uint8_t tci[2] = { 0, 0 };
	uint8_t *eth;
	int rc;

	if (!sim_is_tpid((uint16_t)tpid) || tpid > UINT16_MAX)
		return -EINVAL;
	if (!(e->phv->layers[0] & SIM_L_ETH))
		return -ENOENT;
	rc = sim_edit_room(e, 4);
	if (rc != 0)
		return rc;
	if (e->phv->layers[0] & SIM_L_VLAN)
		memcpy(tci, e->phv->level[0].vlan, 2);
	sim_edit_grow(e, 4);
	eth = e->p->data;
	memmove(eth, eth + 4, 12);
	sim_put16(eth + 12, (uint16_t)tpid);
	memcpy(eth + 14, tci, 2);
	sim_edit_parse(e, false);
	return 0;
}

static int
vlan_pop(const struct sim_edit *e)
{
	if (!(e->phv->layers[0] & SIM_L_VLAN))
		return -ENOENT;
	memmove(e->p->data + 4, e->p->data, 12);
	sim_edit_shrink(e, 4);
	sim_edit_parse(e, false);
	return 0;
}

int
sim_action_bytes(struct sim_pkt *p, struct sim_phv *phv, struct sim_offsets *off,
		const struct sim_action *a)
{
	const struct sim_edit e = { p, phv, off };

	switch (a->type) {
	case SIM_A_MODIFY:
		return sim_modify_apply(p, off, phv, a->modify);
	case SIM_A_MAC_SWAP:
		return mac_swap(&e);
	case SIM_A_VLAN_PUSH:
		return vlan_push(&e, a->u32);
	case SIM_A_VLAN_POP:
		return vlan_pop(&e);
	case SIM_A_ENCAP:
		return sim_encap(&e, a->data, a->len);
	case SIM_A_DECAP:
		return sim_decap(&e, (a->flags & SIM_AF_KEEP_L2) != 0);
	case SIM_A_STRIP:
		return sim_strip(&e, a->u32);
	default:
		return -EINVAL;
	}
}

static uint64_t
mix(uint64_t h, const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

uint32_t
sim_flow_hash(const struct sim_phv *phv, uint32_t level)
{
	const struct sim_level *lv = &phv->level[level];
	const uint32_t ports = SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP;
	uint32_t layers = phv->layers[level] & (SIM_L_SUMMED | SIM_L_ESP | SIM_L_IP);
	uint8_t last[8] = { 0 };
	uint64_t h = 0;

	/* Pieces of a datagram stay together: later ones have no ports. */
	if (phv->layers[level] & SIM_L_FRAG)
		layers &= SIM_L_IP;
	if (layers & SIM_L_IPV4) {
		h = mix(h, lv->ip + SIM_IP4_AT + 12);
	} else if (layers & SIM_L_IPV6) {
		for (uint32_t at = 8; at < 40; at += 8)
			h = mix(h, lv->ip + at);
	} else {
		h = mix(mix(h, lv->eth), lv->eth + 8);
	}
	memcpy(last, &layers, 4);
	if (layers & ports)
		memcpy(last + 4, lv->l4, 4);
	return (uint32_t)mix(h, last);
}
