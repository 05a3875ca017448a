/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All rules that can match one address family, compiled by rte_acl. Two answers come out of one
 * look-up, as two of its categories: the first rule without, and the first with a layer 7
 * condition. Compiled and asked on the control lcore by cls.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_errno.h>

#include "base/log.h"
#include "cls_priv.h"

/*
 * What rte_acl looks at. It reads one byte first and then words of four, each of which has to be
 * covered by fields to the last byte; numbers in network order. IPv4 has only the first word of
 * each address.
 */
struct acl_key {
	uint8_t proto;
	uint8_t pad[3];
	rte_be16_t in_port;
	rte_be16_t traits;
	rte_be16_t zone; /* these two: only if some rule asks for one */
	rte_be16_t service;
	rte_be32_t src[4];
	rte_be32_t dst[4];
	rte_be16_t sport;
	rte_be16_t dport;
};

/*
 * Traits of a connection: 1 << its state, and TRAIT_NO_PORTS. A rule lists those that it cannot
 * bear, so that "in any of these states" becomes one bit mask: (traits & unbearable) == 0.
 */
#define TRAIT_NO_PORTS (1u << 15)
#define TRAIT_STATES ((1u << CT_STATE_COUNT) - 1)

#define FIELDS_MAX 15

RTE_ACL_RULE_DEF(acl_rule, FIELDS_MAX);

/* rte_acl wants one category, or a multiple of four. */
enum { CATEGORY_PLAIN, CATEGORY_L7, CATEGORIES = RTE_ACL_RESULTS_MULTIPLIER };
_Static_assert(CATEGORY_L7 < CATEGORIES, "");

/*
 * The rules in order, in as few contexts as rte_acl manages: one, unless hundreds of rules overlap
 * in most of their fields. A slice holds what comes before the next one's rules.
 */
struct cls_acl {
	uint8_t family;
	bool contexts;	    /* zone and service are looked at */
	unsigned int words; /* of an address */
	unsigned int n_slices;
	struct rte_acl_ctx *slices[];
};

/* ---- fields ---- */

struct field_list {
	struct rte_acl_config config;
	uint8_t input; /* words begun */
};

static void
add_field(struct field_list *l, uint8_t type, uint8_t size, size_t offset)
{
	/* The first byte is a word of its own; a half-word may share one with that before it. */
	bool begins = size != 2 || offset % 4 == 0;

	if (begins && l->config.num_fields > 0)
		l->input++;
	l->config.defs[l->config.num_fields] = (struct rte_acl_field_def){
		.type = type,
		.size = size,
		.field_index = (uint8_t)l->config.num_fields,
		.input_index = l->input,
		.offset = (uint32_t)offset,
	};
	l->config.num_fields++;
}

/* In the order in which fill_rule fills them in. */
static void
list_fields(struct field_list *l, unsigned int words, bool contexts)
{
	unsigned int i;

	memset(l, 0, sizeof(*l));
	l->config.num_categories = CATEGORIES;
	add_field(l, RTE_ACL_FIELD_TYPE_BITMASK, 1, offsetof(struct acl_key, proto));
	add_field(l, RTE_ACL_FIELD_TYPE_BITMASK, 2, offsetof(struct acl_key, in_port));
	add_field(l, RTE_ACL_FIELD_TYPE_BITMASK, 2, offsetof(struct acl_key, traits));
	if (contexts) {
		add_field(l, RTE_ACL_FIELD_TYPE_BITMASK, 2, offsetof(struct acl_key, zone));
		add_field(l, RTE_ACL_FIELD_TYPE_BITMASK, 2, offsetof(struct acl_key, service));
	}
	for (i = 0; i < words; i++)
		add_field(l, RTE_ACL_FIELD_TYPE_MASK, 4, offsetof(struct acl_key, src[i]));
	for (i = 0; i < words; i++)
		add_field(l, RTE_ACL_FIELD_TYPE_MASK, 4, offsetof(struct acl_key, dst[i]));
	add_field(l, RTE_ACL_FIELD_TYPE_RANGE, 2, offsetof(struct acl_key, sport));
	add_field(l, RTE_ACL_FIELD_TYPE_RANGE, 2, offsetof(struct acl_key, dport));
}

static struct rte_acl_field *
fill_prefix(struct rte_acl_field *f, const struct cls_prefix *p, unsigned int words)
{
	unsigned int i, len = p->any ? 0 : p->len;

	for (i = 0; i < words; i++, f++) {
		rte_be32_t word;

		memcpy(&word, p->addr.b + 4 * i, sizeof(word));
		f->value.u32 = rte_be_to_cpu_32(word);
		f->mask_range.u32 = RTE_MIN(len, 32u);
		len -= f->mask_range.u32;
	}
	return f;
}

static uint16_t
unbearable(const struct cls_rule *r)
{
	uint32_t traits = r->states != 0 ? ~(uint32_t)r->states & TRAIT_STATES : 0;

	if (r->sport.lo != 0 || r->sport.hi != UINT16_MAX || r->dport.lo != 0 ||
			r->dport.hi != UINT16_MAX)
		traits |= TRAIT_NO_PORTS;
	return (uint16_t)traits;
}

static void
fill_rule(const struct cls_acl *acl, struct acl_rule *to, const struct cls_rule *r,
		unsigned int index)
{
	struct rte_acl_field *f = to->field;

	memset(to, 0, sizeof(*to));
	to->data.category_mask = 1u << (cls_rule_has_l7(r) ? CATEGORY_L7 : CATEGORY_PLAIN);
	to->data.priority = RTE_ACL_MAX_PRIORITY - (int32_t)index; /* first match wins */
	to->data.userdata = index + 1;				   /* 0 means no match */

	f->value.u8 = r->proto;
	f->mask_range.u8 = r->proto != 0 ? UINT8_MAX : 0;
	f++;
	f->value.u16 = r->in_port != CLS_ANY_PORT ? r->in_port : 0;
	f->mask_range.u16 = r->in_port != CLS_ANY_PORT ? UINT16_MAX : 0;
	f++;
	f->value.u16 = 0;
	f->mask_range.u16 = unbearable(r);
	f++;
	if (acl->contexts) {
		f->value.u16 = r->zone != 0 ? (uint16_t)(r->zone - 1) : 0;
		f->mask_range.u16 = r->zone != 0 ? UINT16_MAX : 0;
		f++;
		f->value.u16 = r->service;
		f->mask_range.u16 = r->service != 0 ? UINT16_MAX : 0;
		f++;
	}
	f = fill_prefix(f, &r->src, acl->words);
	f = fill_prefix(f, &r->dst, acl->words);
	f->value.u16 = r->sport.lo;
	f->mask_range.u16 = r->sport.hi;
	f++;
	f->value.u16 = r->dport.lo;
	f->mask_range.u16 = r->dport.hi;
}

/* ---- create and destroy ---- */

static bool
applies(const struct cls_rule *r, uint8_t family)
{
	return r->family == 0 || r->family == family;
}

/* The context for one more slice. */
static int
create_context(const struct cls_acl *acl, const struct cls_params *p, unsigned int n_rules,
		struct rte_acl_ctx **out)
{
	char name[RTE_ACL_NAMESIZE];
	struct rte_acl_param param = {
		.name = name,
		.socket_id = p->socket_id,
		.rule_size = RTE_ACL_RULE_SZ(FIELDS_MAX),
		.max_rule_num = n_rules,
	};
	int len = snprintf(name, sizeof(name), "cls%u-%s-%u", acl->family, p->name, acl->n_slices);

	if (len < 0 || (size_t)len >= sizeof(name))
		return -ENAMETOOLONG;
	/* rte_acl_create would hand out the other one. */
	if (rte_acl_find_existing(name) != NULL)
		return -EEXIST;
	*out = rte_acl_create(&param);
	return *out != NULL ? 0 : -ENOMEM;
}

static int
fill_context(const struct cls_acl *acl, struct rte_acl_ctx *ctx, const struct cls_rule *rules,
		unsigned int from, unsigned int to)
{
	struct field_list list;
	struct acl_rule rule;
	unsigned int i;
	int rc;

	for (i = from; i < to; i++) {
		if (!applies(&rules[i], acl->family))
			continue;
		fill_rule(acl, &rule, &rules[i], i);
		rc = rte_acl_add_rules(ctx, (const struct rte_acl_rule *)&rule, 1);
		if (rc != 0)
			return rc;
	}
	list_fields(&list, acl->words, acl->contexts);
	return rte_acl_build(ctx, &list.config);
}

/*
 * Compile rules [from, to) into one slice, or, when rte_acl gives up on them (-ENOMEM: the bounds
 * are its own), each half by itself. The depth is at most the 16 bits of a rule's index.
 */
static int
add_slices(struct cls_acl *acl, const struct cls_params *p, const struct cls_rule *rules,
		unsigned int from, unsigned int to)
{
	unsigned int i, n = 0, half = from + (to - from) / 2;
	struct rte_acl_ctx *ctx = NULL;
	int rc;

	for (i = from; i < to; i++)
		n += applies(&rules[i], acl->family);
	if (n == 0) /* rte_acl builds no empty context */
		return 0;
	rc = create_context(acl, p, n, &ctx);
	if (rc == 0)
		rc = fill_context(acl, ctx, rules, from, to);
	if (rc == 0) {
		acl->slices[acl->n_slices++] = ctx;
		return 0;
	}
	rte_acl_free(ctx);
	if (rc != -ENOMEM || n == 1)
		return rc;
	rc = add_slices(acl, p, rules, from, half);
	return rc != 0 ? rc : add_slices(acl, p, rules, half, to);
}

int
cls_acl_create(struct cls_acl **out, const struct cls_params *p, const struct cls_rule *rules,
		uint8_t family)
{
	struct cls_acl *acl;
	unsigned int i;
	int rc;

	*out = NULL;
	acl = calloc(1, sizeof(*acl) + p->n_rules * sizeof(acl->slices[0]));
	if (acl == NULL)
		return -ENOMEM;
	acl->family = family;
	acl->words = family == 4 ? 1 : 4;
	for (i = 0; i < p->n_rules; i++)
		acl->contexts = acl->contexts || rules[i].zone != 0 || rules[i].service != 0;
	rc = add_slices(acl, p, rules, 0, p->n_rules);
	if (rc != 0) {
		cls_acl_destroy(acl);
		return rc;
	}
	if (acl->n_slices > 1)
		log_info("classifier %s: IPv%u rules overlap so much that they take %u look-ups\n",
				p->name, family, acl->n_slices);
	*out = acl;
	return 0;
}

void
cls_acl_destroy(struct cls_acl *acl)
{
	if (acl == NULL)
		return;
	while (acl->n_slices > 0)
		rte_acl_free(acl->slices[--acl->n_slices]);
	free(acl);
}

/* ---- look-up ---- */

static void
fill_key(struct acl_key *key, const struct cls_input *in)
{
	const struct flow_tuple *t = in->tuple;
	bool ports = cls_has_ports(t->key.proto);

	memset(key, 0, sizeof(*key));
	key->proto = flow_key_carries(&t->key);
	key->in_port = rte_cpu_to_be_16(in->in_port);
	key->traits = rte_cpu_to_be_16((uint16_t)(1u << in->state | (ports ? 0 : TRAIT_NO_PORTS)));
	memcpy(key->src, t->src.b, sizeof(key->src));
	memcpy(key->dst, t->dst.b, sizeof(key->dst));
	key->sport = t->key.sport;
	key->dport = t->key.dport;
	key->zone = rte_cpu_to_be_16(t->key.zone);
	key->service = rte_cpu_to_be_16(in->service);
}

void
cls_acl_find(const struct cls_acl *acl, const struct cls_input *in, struct cls_acl_match *out)
{
	struct acl_key key;
	const uint8_t *data = (const uint8_t *)&key;
	unsigned int i;

	fill_key(&key, in);
	out->plain = CLS_DEFAULT_RULE;
	out->l7 = CLS_DEFAULT_RULE;
	for (i = 0; i < acl->n_slices && out->plain == CLS_DEFAULT_RULE; i++) {
		uint32_t found[CATEGORIES] = { 0 };

		rte_acl_classify(acl->slices[i], &data, found, 1, CATEGORIES);
		if (found[CATEGORY_PLAIN] != 0)
			out->plain = (uint16_t)(found[CATEGORY_PLAIN] - 1);
		if (found[CATEGORY_L7] != 0 && out->l7 == CLS_DEFAULT_RULE)
			out->l7 = (uint16_t)(found[CATEGORY_L7] - 1);
	}
}
