/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pattern on its way into a match: what flow_items.c (headers) and flow_items_meta.c (all else) share.
 */
#ifndef HWF_ITEMS_H
#define HWF_ITEMS_H

#include "hwf_priv.h"

/* Layers in the order in which they lie in a packet. */
enum items_stage {
	ITEMS_ANYWHERE,
	ITEMS_L2,
	ITEMS_VLAN,
	ITEMS_L3,
	ITEMS_L3_EXT,
	ITEMS_L4,
	ITEMS_TUNNEL,
	ITEMS_KEY,
};

enum {
	ITEMS_NUM = 1, /* a number: `last` may make it a range */
	ITEMS_BIT = 2, /* `to` is a layer's bit, which a bit of the item asks for; `at` says nothing */
};

struct items_field {
	uint8_t at, len; /* in the item's struct */
	uint8_t flags;
	uint32_t to; /* in struct sim_phv, of the outer level */
	const char *name;
};

#define ITEMS_FIELDS_MAX 12

struct items_header {
	enum rte_flow_item_type type;
	uint8_t stage; /* enum items_stage */
	uint8_t fields;
	uint32_t layers;  /* bits that it demands */
	const void *mask; /* default */
	const char *name;
	struct items_field field[ITEMS_FIELDS_MAX];
};

/* NULL: no header. */
const struct items_header *
items_header(enum rte_flow_item_type type);
/* All of them, in the order of layers; NULL: no more. */
const struct items_header *
items_header_at(uint32_t i);

struct items {
	const struct hwf_where *w;
	struct sim_match *match;
	struct rte_flow_error *error;
	uint8_t level;	    /* 0 outer, 1 inner */
	uint8_t stage;	    /* enum items_stage: of the last header */
	uint8_t vlans;	    /* in this level */
	bool said_port;	    /* a port item was there */
	uint32_t layers[2]; /* headers that items named */
	uint32_t metas;	    /* bit an item that may be there once */
};

/* One item with its defaults filled in. */
struct items_one {
	const struct rte_flow_item *item;
	const uint8_t *spec, *last, *mask; /* spec NULL: any */
};

int
items_fail(const struct items *it, int err, enum rte_flow_error_type type, const void *cause,
		const char *text);
/* An item that is no header. -ENOENT: it is one. */
int
items_meta(struct items *it, const struct rte_flow_item *item);
/* No port item in a transfer rule: that of the port it was made on. */
void
items_own_port(struct items *it);

#endif /* HWF_ITEMS_H */
