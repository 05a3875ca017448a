/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random rules, up to more than rte_acl takes in one context, and random connections. The oracle is
 * a walk over the rules in plain C.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "test_cls.h"

#define RULES 1000 /* more than rte_acl takes in one context, as they overlap */
#define CONNECTIONS 4000

static uint64_t
rnd(uint64_t *s, uint64_t below)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (*s >> 8) % below;
}

/* Addresses, ports and names out of few, so that rules overlap. */
static struct flow_addr
random_addr(uint64_t *s, uint8_t family)
{
	if (family == 4)
		return ip4(0x0a000000 | (uint32_t)rnd(s, 3) << 16 | (uint32_t)rnd(s, 4));
	return ip6((uint8_t)rnd(s, 3), (uint8_t)rnd(s, 4));
}

static uint8_t
random_proto(uint64_t *s)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP,
		IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ESP };

	return protos[rnd(s, RTE_DIM(protos))];
}

static void
random_prefix(uint64_t *s, uint8_t family, struct cls_prefix *p)
{
	p->any = family == 0 || rnd(s, 3) == 0;
	if (p->any)
		return;
	p->addr = random_addr(s, family);
	p->len = (uint8_t)(family == 4 ? 8 + rnd(s, 25) : 32 + rnd(s, 97));
}

static void
random_range(uint64_t *s, struct cls_range *r)
{
	r->lo = 0;
	r->hi = UINT16_MAX;
	if (rnd(s, 2) == 0)
		return;
	r->lo = (uint16_t)rnd(s, 1000);
	r->hi = (uint16_t)(r->lo + rnd(s, 500));
}

static const char *const names[] = { "a.example", "b.example", "*.example", "*.b.example" };
static const uint8_t ids[] = { 1, 2, 3, 4, 5 };

static void
random_rule(uint64_t *s, struct cls_rule *r, bool contexts)
{
	memset(r, 0, sizeof(*r));
	r->family = (uint8_t)(2 * rnd(s, 3));
	if (r->family == 2)
		r->family = 6;
	r->class_id = (uint16_t)rnd(s, RTE_DIM(classes));
	r->in_port = rnd(s, 3) == 0 ? (uint16_t)(250 + rnd(s, 10)) : CLS_ANY_PORT;
	r->states = rnd(s, 2) == 0 ? (uint16_t)(1 + rnd(s, 62)) : 0;
	random_prefix(s, r->family, &r->src);
	random_prefix(s, r->family, &r->dst);
	random_range(s, &r->sport);
	random_range(s, &r->dport);
	if (contexts) { /* zones at both ends of their range, and one more than either */
		r->zone = rnd(s, 2) == 0 ? (uint32_t)(rnd(s, 2) * 65534 + rnd(s, 2)) + 1 : 0;
		r->service = rnd(s, 3) == 0 ? (uint16_t)(1 + rnd(s, 3)) : 0;
	}
	switch (rnd(s, 6)) {
	case 0:
		r->sni = names[rnd(s, RTE_DIM(names))];
		break;
	case 1:
		r->dcid = &ids[rnd(s, 3)];
		r->dcid_len = (uint8_t)(1 + rnd(s, 2));
		break;
	default:
		r->proto = rnd(s, 2) == 0 ? random_proto(s) : 0;
	}
	if (cls_rule_error(r, RTE_DIM(classes)) != NULL) /* ports of a protocol without */
		r->proto = 0;
}

static void
random_l7(uint64_t *s, struct cls_l7 *l7)
{
	static const char *const seen[] = { "a.example", "b.example", "a.b.example", "other" };

	*l7 = (struct cls_l7){ 0 };
	switch (rnd(s, 3)) {
	case 0:
		*l7 = name(seen[rnd(s, RTE_DIM(seen))]);
		break;
	case 1:
		l7->type = CLS_L7_QUIC_DCID;
		l7->len = (uint8_t)(1 + rnd(s, 2));
		memcpy(l7->value, &ids[rnd(s, 3)], l7->len);
		break;
	}
}

static void
naive(const struct cls_rule *rules, unsigned int n, const struct cls_input *in,
		struct cls_result *out)
{
	unsigned int i;

	*out = (struct cls_result){ .rule = CLS_DEFAULT_RULE };
	for (i = 0; i < n; i++) {
		const struct cls_rule *r = &rules[i];

		if (!cls_rule_matches_l4(r, in))
			continue;
		if (!cls_rule_has_l7(r) || (in->l7 != NULL && cls_rule_matches_l7(r, in->l7))) {
			out->rule = (uint16_t)i;
			out->class_id = r->class_id;
			return;
		}
		if (in->l7 == NULL && !in->l7_done)
			out->l7_pending = true;
	}
}

static void
random_round(uint64_t seed, unsigned int n_rules, bool contexts, unsigned int *matched)
{
	static struct cls_rule rules[RULES], copies[RULES];
	struct cls *c;
	unsigned int i;

	for (i = 0; i < n_rules; i++) {
		random_rule(&seed, &rules[i], contexts);
		assert_int_equal(cls_rule_copy(&copies[i], &rules[i]), 0);
	}
	c = create("random", rules, n_rules);
	assert_non_null(c);
	for (i = 0; i < CONNECTIONS; i++) {
		uint8_t family = rnd(&seed, 2) == 0 ? 4 : 6;
		struct flow_tuple t = tuple(family, random_proto(&seed), (uint16_t)rnd(&seed, 1500),
				(uint16_t)rnd(&seed, 1500));
		struct cls_l7 l7;
		struct cls_input in = { .tuple = &t,
			.in_port = (uint16_t)(250 + rnd(&seed, 10)),
			.state = (enum ct_state)rnd(&seed, CT_STATE_COUNT),
			.service = (uint16_t)rnd(&seed, 4) };
		struct cls_result got, want;

		t.key.zone = (uint16_t)(rnd(&seed, 2) * 65534 + rnd(&seed, 2));
		t.src = random_addr(&seed, family);
		t.dst = random_addr(&seed, family);
		random_l7(&seed, &l7);
		if (rnd(&seed, 2) == 0)
			in.l7 = &l7;
		else
			in.l7_done = rnd(&seed, 2) == 0;
		cls_classify(c, &in, &got);
		naive(copies, n_rules, &in, &want);
		if (got.rule != want.rule || got.l7_pending != want.l7_pending ||
				got.class_id != want.class_id)
			fail_msg("connection %u of %u rules: rule %u, expected %u", i, n_rules,
					got.rule, want.rule);
		matched[got.rule == CLS_DEFAULT_RULE ? 0 : got.l7_pending ? 2 : 1]++;
	}
	cls_destroy(c);
	for (i = 0; i < n_rules; i++)
		cls_rule_free(&copies[i]);
}

static void
test_random(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 3, 5, 10, 30, 100, 300, RULES };
	unsigned int matched[3] = { 0 }, i, round, contexts;

	(void)state;
	for (i = 0; i < RTE_DIM(sizes); i++) {
		for (round = 0; round < (sizes[i] < RULES ? 3 : 1); round++)
			for (contexts = 0; contexts < 2; contexts++)
				random_round(UINT64_C(88172645463325252) + 977 * i + round,
						sizes[i], contexts, matched);
	}
	print_message("%u by default, %u by a rule, %u by a rule with layer 7 pending\n",
			matched[0], matched[1], matched[2]);
	assert_true(matched[0] > 1000 && matched[1] > 1000 && matched[2] > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
