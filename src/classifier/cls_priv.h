/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the classifier share: one rule (cls_rule.c), all rules of a family compiled
 * (cls_acl.c), one parser a layer 7 protocol (cls_tls.c, cls_quic.c).
 */
#ifndef CLS_PRIV_H
#define CLS_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "classifier/cls.h"

/* ---- cls_rule.c: one rule, in plain C ---- */

/* NULL, or what is wrong with the rule. */
const char *
cls_rule_error(const struct cls_rule *r, unsigned int n_classes);

/*
 * Deep copy in the form that everything below expects: server name in lower case without its final
 * dot, prefixes without host bits, protocol set where the layer 7 condition implies it. The rule
 * has passed cls_rule_error. 0 or -ENOMEM; cls_rule_free also after failure.
 */
int
cls_rule_copy(struct cls_rule *to, const struct cls_rule *from);
void
cls_rule_free(struct cls_rule *r);

/* Does the rule look at layer 7? */
static inline bool
cls_rule_has_l7(const struct cls_rule *r)
{
	return r->sni != NULL || r->dcid_len > 0;
}

/* All but layer 7: what cls_acl.c does for all rules at once, and the tests' oracle for it. */
bool
cls_rule_matches_l4(const struct cls_rule *r, const struct cls_input *in);
bool
cls_rule_matches_l7(const struct cls_rule *r, const struct cls_l7 *l7);

/* Port conditions look at these protocols only: elsewhere the key's ports are something else. */
bool
cls_has_ports(uint8_t proto);

/* ---- cls_acl.c: all rules that can match a family ---- */

struct cls_acl;

/* Indices of the first rule that matches layers 3 and 4, of each kind, or CLS_DEFAULT_RULE. */
struct cls_acl_match {
	uint16_t plain; /* among rules without layer 7 condition */
	uint16_t l7;	/* among rules with one */
};

/* 0, -EEXIST when the name is taken, -ENAMETOOLONG, -ENOMEM. */
int
cls_acl_create(struct cls_acl **out, const struct cls_params *p, const struct cls_rule *rules,
		uint8_t family);
void
cls_acl_destroy(struct cls_acl *acl);
void
cls_acl_find(const struct cls_acl *acl, const struct cls_input *in, struct cls_acl_match *out);

/* ---- parsers: any lcore, no state; *out is empty when they are called ---- */

enum cls_l7_result
cls_tls_parse(const uint8_t *payload, uint32_t len, struct cls_l7 *out);
enum cls_l7_result
cls_quic_parse(const uint8_t *payload, uint32_t len, struct cls_l7 *out);

#endif /* CLS_PRIV_H */
