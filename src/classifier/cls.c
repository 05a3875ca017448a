/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classifier as a whole: takes classes and rules over from the configuration, finds the first
 * rule that matches a connection, counts. Created, asked and destroyed by the control lcore;
 * workers only read classes, which never change.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "base/log.h"
#include "cls_priv.h"

struct cls {
	struct cls_class *classes;
	struct cls_rule *rules;
	uint16_t *l7_rules; /* indices of rules with a layer 7 condition, ascending */
	uint64_t *hits;	    /* by rule; the last one is the default's */
	struct cls_acl *ip4;
	struct cls_acl *ip6;
	unsigned int n_classes;
	unsigned int n_rules;
	unsigned int n_l7_rules;
	uint16_t default_class;
};

/* ---- create and destroy ---- */

static int
check(const struct cls_params *p)
{
	unsigned int i;

	if (p->name == NULL || p->n_classes == 0 || p->n_classes > UINT16_MAX ||
			p->default_class >= p->n_classes) {
		log_err("classifier: no name, no class, too many, or no default among them\n");
		return -EINVAL;
	}
	if (p->n_rules > CLS_DEFAULT_RULE) {
		log_err("classifier %s: %u rules, at most %u\n", p->name, p->n_rules,
				CLS_DEFAULT_RULE);
		return -EINVAL;
	}
	for (i = 0; i < p->n_classes; i++) {
		if (p->classes[i].name == NULL) {
			log_err("classifier %s: class %u has no name\n", p->name, i);
			return -EINVAL;
		}
	}
	for (i = 0; i < p->n_rules; i++) {
		const char *error = cls_rule_error(&p->rules[i], p->n_classes);

		if (error != NULL) {
			log_err("classifier %s: rule %u (counted from 0): %s\n", p->name, i, error);
			return -EINVAL;
		}
	}
	return 0;
}

static int
take_classes(struct cls *c, const struct cls_params *p)
{
	c->classes = calloc(p->n_classes, sizeof(*c->classes));
	if (c->classes == NULL)
		return -ENOMEM;
	while (c->n_classes < p->n_classes) {
		struct cls_class *class = &c->classes[c->n_classes];

		*class = p->classes[c->n_classes];
		class->name = strdup(class->name);
		if (class->name == NULL)
			return -ENOMEM;
		c->n_classes++;
	}
	c->default_class = p->default_class;
	return 0;
}

static int
take_rules(struct cls *c, const struct cls_params *p)
{
	c->rules = calloc(p->n_rules + 1, sizeof(*c->rules));
	c->l7_rules = calloc(p->n_rules + 1, sizeof(*c->l7_rules));
	c->hits = calloc(p->n_rules + 1, sizeof(*c->hits));
	if (c->rules == NULL || c->l7_rules == NULL || c->hits == NULL)
		return -ENOMEM;
	while (c->n_rules < p->n_rules) {
		unsigned int i = c->n_rules++;

		if (cls_rule_copy(&c->rules[i], &p->rules[i]) != 0)
			return -ENOMEM;
		if (cls_rule_has_l7(&c->rules[i]))
			c->l7_rules[c->n_l7_rules++] = (uint16_t)i;
	}
	return 0;
}

struct cls *
cls_create(const struct cls_params *p)
{
	struct cls *c = NULL;
	int rc = check(p);

	if (rc != 0)
		goto fail;
	rc = -ENOMEM;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		goto fail;
	rc = take_classes(c, p);
	if (rc == 0)
		rc = take_rules(c, p);
	if (rc == 0)
		rc = cls_acl_create(&c->ip4, p, c->rules, 4);
	if (rc == 0)
		rc = cls_acl_create(&c->ip6, p, c->rules, 6);
	if (rc == 0)
		return c;
	log_err("classifier %s: cannot compile %u rules: %s\n", p->name, p->n_rules, strerror(-rc));
fail:
	cls_destroy(c);
	rte_errno = -rc;
	return NULL;
}

void
cls_destroy(struct cls *c)
{
	unsigned int i;

	if (c == NULL)
		return;
	cls_acl_destroy(c->ip6);
	cls_acl_destroy(c->ip4);
	for (i = 0; i < c->n_rules; i++)
		cls_rule_free(&c->rules[i]);
	for (i = 0; i < c->n_classes; i++)
		free((void *)(uintptr_t)c->classes[i].name);
	free(c->hits);
	free(c->l7_rules);
	free(c->rules);
	free(c->classes);
	free(c);
}

/* ---- classify ---- */

/* First rule with a layer 7 condition that matches altogether, in [from, to), or `to`. */
static uint16_t
find_l7(const struct cls *c, const struct cls_input *in, uint16_t from, uint16_t to)
{
	unsigned int i;

	for (i = 0; i < c->n_l7_rules && c->l7_rules[i] < to; i++) {
		const struct cls_rule *r = &c->rules[c->l7_rules[i]];

		if (c->l7_rules[i] >= from && cls_rule_matches_l7(r, in->l7) &&
				cls_rule_matches_l4(r, in))
			return c->l7_rules[i];
	}
	return to;
}

void
cls_classify(struct cls *c, const struct cls_input *in, struct cls_result *out)
{
	struct cls_acl_match match;
	uint16_t rule;

	cls_acl_find(in->tuple->key.family == 4 ? c->ip4 : c->ip6, in, &match);
	rule = match.plain;
	if (in->l7 != NULL && match.l7 < match.plain)
		rule = find_l7(c, in, match.l7, match.plain);
	/* CLS_DEFAULT_RULE is larger than every index, so it is never before anything. */
	out->l7_pending = in->l7 == NULL && !in->l7_done && match.l7 < match.plain;
	out->rule = rule;
	out->class_id = rule != CLS_DEFAULT_RULE ? c->rules[rule].class_id : c->default_class;
	if (!out->l7_pending)
		c->hits[RTE_MIN(rule, c->n_rules)]++;
}

/* ---- tables ---- */

unsigned int
cls_rules(const struct cls *c)
{
	return c->n_rules;
}

unsigned int
cls_classes(const struct cls *c)
{
	return c->n_classes;
}

const struct cls_class *
cls_class(const struct cls *c, uint16_t class_id)
{
	return class_id < c->n_classes ? &c->classes[class_id] : NULL;
}

uint16_t
cls_rule_class(const struct cls *c, uint16_t rule)
{
	return rule < c->n_rules ? c->rules[rule].class_id : c->default_class;
}

uint64_t
cls_rule_hits(const struct cls *c, uint16_t rule)
{
	if (rule >= c->n_rules && rule != CLS_DEFAULT_RULE)
		return 0;
	return c->hits[RTE_MIN(rule, c->n_rules)];
}
