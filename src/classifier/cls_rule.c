/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rule: is it sound, what is its normal form, does a connection match it. Called by cls.c on
 * the control lcore; looks at no other rule.
 */
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cls_priv.h"

bool
cls_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static bool
range_any(const struct cls_range *r)
{
	return r->lo == 0 && r->hi == UINT16_MAX;
}

/* ---- is it sound ---- */

static bool
prefix_ok(const struct cls_prefix *p, uint8_t family)
{
	if (p->any)
		return true;
	return (family == 4 && p->len <= 32) || (family == 6 && p->len <= 128);
}

/* Printable, with a star at most as the whole first label, and short enough to meet a real one. */
static bool
sni_ok(const char *sni)
{
	size_t len = strlen(sni), i;

	if (strncmp(sni, "*.", 2) == 0) {
		sni += 2;
		len -= 2;
	}
	if (len == 0 || len > CLS_L7_MAX || sni[0] == '.')
		return false;
	for (i = 0; i < len; i++) {
		if (sni[i] < 0x21 || sni[i] > 0x7e || sni[i] == '*')
			return false;
	}
	return true;
}

const char *
cls_rule_error(const struct cls_rule *r, unsigned int n_classes)
{
	bool ports = !range_any(&r->sport) || !range_any(&r->dport);

	if (r->class_id >= n_classes)
		return "it names a class that does not exist";
	if (r->family != 0 && r->family != 4 && r->family != 6)
		return "family is neither 4, 6 nor both";
	if (!prefix_ok(&r->src, r->family) || !prefix_ok(&r->dst, r->family))
		return "a prefix is too long, or the rule is for both families";
	if (r->sport.lo > r->sport.hi || r->dport.lo > r->dport.hi)
		return "a port range ends before it begins";
	if (ports && r->proto != 0 && !cls_has_ports(r->proto))
		return "it asks for ports of a protocol without ports: no packet can match";
	if (r->zone > UINT16_MAX + 1u)
		return "it asks for a zone that does not exist";
	if (r->states >> CT_STATE_COUNT != 0)
		return "it asks for a state that does not exist";
	if (r->sni != NULL && r->dcid_len > 0)
		return "it asks for a TLS and a QUIC connection at once: no packet can match";
	if (r->sni != NULL && !sni_ok(r->sni))
		return "server name is neither a name nor \"*.\" and a name";
	if (r->sni != NULL && r->proto != 0 && r->proto != IPPROTO_TCP)
		return "only TCP connections have a TLS server name: no packet can match";
	if (r->dcid_len > 0 && r->dcid == NULL)
		return "connection id has a length and no bytes";
	if (r->dcid_len > 0 && r->proto != 0 && r->proto != IPPROTO_UDP)
		return "only UDP has QUIC connection ids: no packet can match";
	return NULL;
}

/* ---- normal form ---- */

/* Leave the first `len` bits. */
static void
mask_prefix(struct cls_prefix *p)
{
	unsigned int i;

	for (i = 0; i < sizeof(p->addr.b); i++) {
		int bits = p->any ? 0 : p->len - 8 * (int)i;

		if (bits < 8)
			p->addr.b[i] &= bits <= 0 ? 0 : (uint8_t)(0xff << (8 - bits));
	}
}

static char *
copy_name(const char *name)
{
	size_t len = strlen(name), i;
	char *copy;

	if (name[len - 1] == '.')
		len--;
	copy = malloc(len + 1);
	if (copy == NULL)
		return NULL;
	for (i = 0; i < len; i++)
		copy[i] = (char)tolower((unsigned char)name[i]);
	copy[len] = '\0';
	return copy;
}

int
cls_rule_copy(struct cls_rule *to, const struct cls_rule *from)
{
	uint8_t *dcid = NULL;

	*to = *from;
	to->sni = NULL;
	to->dcid = NULL;
	mask_prefix(&to->src);
	mask_prefix(&to->dst);
	if (from->sni != NULL) {
		to->proto = IPPROTO_TCP;
		to->sni = copy_name(from->sni);
		if (to->sni == NULL)
			return -ENOMEM;
	}
	if (from->dcid_len > 0) {
		to->proto = IPPROTO_UDP;
		dcid = malloc(from->dcid_len);
		if (dcid == NULL)
			return -ENOMEM;
		memcpy(dcid, from->dcid, from->dcid_len);
		to->dcid = dcid;
	}
	return 0;
}

void
cls_rule_free(struct cls_rule *r)
{
	free((void *)(uintptr_t)r->sni);
	free((void *)(uintptr_t)r->dcid);
}

/* ---- does it match ---- */

static bool
prefix_matches(const struct cls_prefix *p, const struct flow_addr *a)
{
	unsigned int bytes = p->len / 8, bits = p->len % 8;

	if (p->any)
		return true;
	if (memcmp(p->addr.b, a->b, bytes) != 0)
		return false;
	return bits == 0 || ((p->addr.b[bytes] ^ a->b[bytes]) >> (8 - bits)) == 0;
}

static bool
range_matches(const struct cls_range *r, uint8_t proto, rte_be16_t port)
{
	uint16_t n = rte_be_to_cpu_16(port);

	return range_any(r) || (cls_has_ports(proto) && n >= r->lo && n <= r->hi);
}

bool
cls_rule_matches_l4(const struct cls_rule *r, const struct cls_input *in)
{
	const struct flow_tuple *t = in->tuple;

	return (r->family == 0 || r->family == t->key.family) &&
			(r->proto == 0 || r->proto == flow_key_carries(&t->key)) &&
			(r->in_port == CLS_ANY_PORT || r->in_port == in->in_port) &&
			(r->zone == 0 || r->zone - 1 == t->key.zone) &&
			(r->service == 0 || r->service == in->service) &&
			(r->states == 0 || (r->states >> in->state & 1) != 0) &&
			prefix_matches(&r->src, &t->src) && prefix_matches(&r->dst, &t->dst) &&
			range_matches(&r->sport, t->key.proto, t->key.sport) &&
			range_matches(&r->dport, t->key.proto, t->key.dport);
}

/* "*.example.com" stands for one or more labels in front of ".example.com". */
static bool
name_matches(const char *pattern, const struct cls_l7 *l7)
{
	const char *name = (const char *)l7->value;
	size_t name_len = l7->len, len = strlen(pattern);

	if (name_len > 0 && name[name_len - 1] == '.')
		name_len--;
	if (pattern[0] != '*')
		return name_len == len && memcmp(name, pattern, len) == 0;
	pattern++;
	len--;
	return name_len > len && memcmp(name + name_len - len, pattern, len) == 0;
}

bool
cls_rule_matches_l7(const struct cls_rule *r, const struct cls_l7 *l7)
{
	if (r->sni != NULL)
		return l7->type == CLS_L7_TLS_SNI && name_matches(r->sni, l7);
	return l7->type == CLS_L7_QUIC_DCID && l7->len >= r->dcid_len &&
			memcmp(l7->value, r->dcid, r->dcid_len) == 0;
}
