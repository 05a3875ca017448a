/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of actions of rte_flow -> struct sim_action: headers that are put on and taken off. VXLAN_ENCAP and NVGRE_ENCAP describe
 * theirs as items, RAW_ENCAP as bytes; the model puts bytes in front and sets lengths and checksums itself. Called by
 * flow_actions.c.
 */
#include <errno.h>
#include <string.h>

#include "actions.h"

#define ENCAPS_MAX RTE_DIM(((struct hwf_actions *)NULL)->data)
#define DECAPS_MAX 2

static int
encap_room(struct actions *a)
{
	if (a->encaps == ENCAPS_MAX)
		return actions_fail(a, ENOTSUP, "more than %zu encapsulations", ENCAPS_MAX);
	a->encaps++;
	return 0;
}

static int
encap_add(struct actions *a, const uint8_t *data, uint32_t len)
{
	struct sim_action *s = actions_add(a, SIM_A_ENCAP);
	uint8_t *to;

	if (s == NULL)
		return -ENOTSUP;
	to = a->out->data[a->out->n_data++];
	memcpy(to, data, len);
	s->data = to;
	s->len = len;
	return 0;
}

static int
decap_room(struct actions *a)
{
	/* It would take off what was put on: nobody means that. */
	if (a->encaps != 0)
		return actions_fail(a, EINVAL, "a decapsulation behind an encapsulation");
	if (a->decaps == DECAPS_MAX)
		return actions_fail(a, ENOTSUP, "more than %d decapsulations", DECAPS_MAX);
	a->decaps++;
	return 0;
}

/* --- definitions by items --- */

enum {
	D_ETH = 1,
	D_VLAN = 2,
	D_IP4 = 4,
	D_IP6 = 8,
	D_UDP = 16,
	D_TUNNEL = 32,
};

struct definition {
	struct actions *a;
	enum rte_flow_item_type tunnel;
	uint8_t seen;
	uint32_t len;
	uint32_t type_at; /* where the EtherType of what follows goes, */
	uint32_t next_at; /* and the number of the protocol */
	uint8_t data[SIM_ENCAP_MAX];
};

/* One header of a definition: what it is, what must be there and what must not. */
static const struct part {
	enum rte_flow_item_type type;
	uint8_t bit, needs, not ; /* D_*; of `needs` one */
	uint8_t len;
	uint16_t ethertype; /* of the header in front of it */
	uint8_t proto;
} parts[] = {
	{ RTE_FLOW_ITEM_TYPE_ETH, D_ETH, 0, 0xff, RTE_ETHER_HDR_LEN, 0, 0 },
	{ RTE_FLOW_ITEM_TYPE_VLAN, D_VLAN, D_ETH, D_VLAN | D_IP4 | D_IP6, 4, RTE_ETHER_TYPE_VLAN,
			0 },
	{ RTE_FLOW_ITEM_TYPE_IPV4, D_IP4, D_ETH, D_IP4 | D_IP6, 20, RTE_ETHER_TYPE_IPV4, 0 },
	{ RTE_FLOW_ITEM_TYPE_IPV6, D_IP6, D_ETH, D_IP4 | D_IP6, 40, RTE_ETHER_TYPE_IPV6, 0 },
	{ RTE_FLOW_ITEM_TYPE_UDP, D_UDP, D_IP4 | D_IP6, D_UDP, 8, 0, IPPROTO_UDP },
	{ RTE_FLOW_ITEM_TYPE_VXLAN, D_TUNNEL, D_UDP, D_TUNNEL, 8, 0, 0 },
	{ RTE_FLOW_ITEM_TYPE_NVGRE, D_TUNNEL, D_IP4 | D_IP6, D_TUNNEL | D_UDP, 8, 0, IPPROTO_GRE },
};

/* What the definition leaves at 0 and a packet cannot do without. */
static void
part_defaults(struct definition *d, const struct part *p, uint8_t *at)
{
	switch ((int)p->type) {
	case RTE_FLOW_ITEM_TYPE_IPV4:
		if (at[0] == 0)
			at[0] = 0x45;
		if (at[8] == 0)
			at[8] = 64;
		d->next_at = d->len + 9;
		break;
	case RTE_FLOW_ITEM_TYPE_IPV6:
		if ((at[0] & 0xf0) == 0)
			at[0] |= 0x60;
		if (at[7] == 0)
			at[7] = 64;
		d->next_at = d->len + 6;
		break;
	case RTE_FLOW_ITEM_TYPE_UDP:
		if (at[2] == 0 && at[3] == 0) {
			at[2] = RTE_VXLAN_DEFAULT_PORT >> 8;
			at[3] = RTE_VXLAN_DEFAULT_PORT & 0xff;
		}
		break;
	case RTE_FLOW_ITEM_TYPE_VXLAN:
		/* RFC 7348, section 5: the I flag says that there is a VNI. */
		at[0] |= 0x08;
		break;
	case RTE_FLOW_ITEM_TYPE_NVGRE:
		/* RFC 7637, section 3.2: K set, transparent Ethernet bridging. */
		at[0] |= 0x20;
		at[2] = 0x65;
		at[3] = 0x58;
		break;
	default:
		break;
	}
}

static int
part_add(struct definition *d, const struct rte_flow_item *item)
{
	uint8_t *at = d->data + d->len;
	const struct part *p = NULL;
	unsigned int i;

	for (i = 0; i < RTE_DIM(parts) && p == NULL; i++)
		if (parts[i].type == item->type)
			p = &parts[i];
	if (p == NULL || (p->bit == D_TUNNEL && item->type != d->tunnel))
		return hwf_fail(d->a->w, d->a->error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION_CONF,
				item, "item type %d is not part of such an encapsulation",
				(int)item->type);
	if ((p->needs != 0 && !(d->seen & p->needs)) || d->seen & p->not )
		return hwf_fail(d->a->w, d->a->error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, item,
				"an encapsulation's items are out of order");
	memset(at, 0, p->len);
	if (item->spec != NULL)
		memcpy(at, item->spec, p->len);
	/* What follows is known better from the items than from the fields, which applications leave empty. */
	if (p->ethertype != 0) {
		d->data[d->type_at] = p->ethertype >> 8;
		d->data[d->type_at + 1] = p->ethertype & 0xff;
	}
	if (p->proto != 0)
		d->data[d->next_at] = p->proto;
	if (p->bit & (D_ETH | D_VLAN))
		d->type_at = d->len + p->len - 2;
	part_defaults(d, p, at);
	d->seen |= p->bit;
	d->len += p->len;
	return 0;
}

#define DEFINITION_MAX 16

static int
defined(struct actions *a, const struct rte_flow_item *item, enum rte_flow_item_type tunnel)
{
	struct definition d = { .a = a, .tunnel = tunnel };
	unsigned int i;
	int rc;

	rc = encap_room(a);
	if (rc != 0)
		return rc;
	if (item == NULL)
		return actions_fail_conf(a, EINVAL, "an encapsulation without a definition");
	for (i = 0; item[i].type != RTE_FLOW_ITEM_TYPE_END; i++) {
		if (i == DEFINITION_MAX)
			return actions_fail_conf(a, EINVAL,
					"an encapsulation of more than %d items", DEFINITION_MAX);
		if (item[i].type == RTE_FLOW_ITEM_TYPE_VOID)
			continue;
		rc = part_add(&d, &item[i]);
		if (rc != 0)
			return rc;
	}
	if (!(d.seen & D_TUNNEL))
		return actions_fail_conf(a, EINVAL, "an encapsulation without a tunnel's header");
	return encap_add(a, d.data, d.len);
}

int
actions_vxlan_encap(struct actions *a)
{
	const struct rte_flow_action_vxlan_encap *c = a->now->conf;

	return defined(a, c->definition, RTE_FLOW_ITEM_TYPE_VXLAN);
}

int
actions_nvgre_encap(struct actions *a)
{
	const struct rte_flow_action_nvgre_encap *c = a->now->conf;

	return defined(a, c->definition, RTE_FLOW_ITEM_TYPE_NVGRE);
}

/* --- bytes --- */

int
actions_raw_encap(struct actions *a)
{
	const struct rte_flow_action_raw_encap *c = a->now->conf;
	int rc = encap_room(a);

	if (rc != 0)
		return rc;
	if (c->size == 0 || c->data == NULL)
		return actions_fail_conf(a, EINVAL, "RAW_ENCAP of nothing");
	if (c->size > SIM_ENCAP_MAX)
		return actions_fail_conf(a, ENOTSUP, "RAW_ENCAP of %zu bytes: at most %d", c->size,
				SIM_ENCAP_MAX);
	if (c->size < SIM_ENCAP_MIN)
		return actions_fail_conf(a, EINVAL,
				"RAW_ENCAP of %zu bytes: a frame begins with an Ethernet header, %d",
				c->size, SIM_ENCAP_MIN);
	return encap_add(a, c->data, c->size);
}

int
actions_raw_decap(struct actions *a)
{
	const struct rte_flow_action_raw_decap *c = a->now->conf;
	int rc = decap_room(a);

	if (rc != 0)
		return rc;
	if (c->size > SIM_ENCAP_MAX)
		return actions_fail_conf(a, ENOTSUP, "RAW_DECAP of %zu bytes: at most %d", c->size,
				SIM_ENCAP_MAX);
	return c->size == 0 ? 0 : actions_u32(a, SIM_A_STRIP, c->size);
}

int
actions_decap(struct actions *a)
{
	const int rc = decap_room(a);

	return rc != 0 ? rc : actions_u32(a, SIM_A_DECAP, 0);
}
