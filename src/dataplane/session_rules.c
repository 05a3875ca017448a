/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of "conntrack": which timeout policy, helper, mark and label a new connection gets, whether it gets an entry at
 * all, and whether one of the other direction gives way to it. Asked once for a first packet by session_open.c, through
 * a classifier of its own; session.c asks about openings in the direction of answers. Control lcore only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_tcp.h>

#include "base/log.h"
#include "session.h"

struct session_rules {
	struct cls *cls; /* rule i of it is rule[i] */
	bool force;	 /* some rule says so */
	unsigned int n;
	struct session_rule rule[];
};

/* ---- at start ---------------------------------------------------------------------------------------------------- */

static struct session_rule
rule_of(const struct cfg_ct_rule *r)
{
	struct session_rule rule = {
		.policy = (uint8_t)r->policy,
		.helper = r->helper,
		.commit = r->commit,
		.force = r->force,
		.has_mark = r->has_mark,
		.has_label = r->has_label,
		.mark = r->mark,
	};

	memcpy(rule.label, r->label, sizeof(rule.label));
	return rule;
}

static struct cls_rule
match_of(const struct cfg_ct_rule *r)
{
	struct cls_rule match = policy_rule(&r->match);

	match.class_id = 0;
	match.zone = r->has_zone ? r->zone + 1u : 0;
	match.service = r->service != CFG_ANY_SERVICE ? (uint16_t)(r->service + 1u) : 0;
	return match;
}

int
session_rules_create(struct dp *dp)
{
	const struct cfg_conntrack *c = &dp->cfg->conntrack;
	/* Rules lead to actions, not to classes; the classifier wants one all the same. */
	static const struct cls_class none = {
		.name = "-", .port = CLS_ANY_PORT, .queue = FLOW_QUEUE_ANY
	};
	struct cls_params p = {
		.name = "conntrack",
		.classes = &none,
		.n_classes = 1,
		.n_rules = c->n_rules,
		.socket_id = (int)rte_socket_id(),
	};
	struct session_rules *rules;
	struct cls_rule *matches;

	if (c->n_rules == 0)
		return 0;
	rules = calloc(1, sizeof(*rules) + c->n_rules * sizeof(rules->rule[0]));
	matches = calloc(c->n_rules, sizeof(*matches));
	if (rules == NULL || matches == NULL) {
		free(matches);
		free(rules);
		return -ENOMEM;
	}
	rules->n = c->n_rules;
	for (unsigned int i = 0; i < rules->n; i++) {
		rules->rule[i] = rule_of(&c->rules[i]);
		rules->force = rules->force || c->rules[i].force;
		matches[i] = match_of(&c->rules[i]);
	}
	p.rules = matches;
	rules->cls = cls_create(&p);
	free(matches);
	if (rules->cls == NULL) {
		log_err("conntrack/rules: %s\n", rte_strerror(rte_errno));
		free(rules);
		return -rte_errno;
	}
	dp->rules = rules;
	return 0;
}

void
session_rules_destroy(struct session_rules *rules)
{
	if (rules == NULL)
		return;
	cls_destroy(rules->cls);
	free(rules);
}

/* ---- per connection ------------------------------------------------------------------------------------------------ */

const struct session_rule *
session_rule_of(struct session *s, int service)
{
	struct session_rules *rules = s->dp->rules;
	const struct cls_input in = {
		.tuple = &s->tuple,
		.in_port = s->meta->port_in,
		.state = CT_STATE_NEW,
		.service = (uint16_t)(service + 1),
		.l7_done = true,
	};
	struct cls_result found;

	if (rules == NULL)
		return NULL;
	cls_classify(rules->cls, &in, &found);
	return found.rule == CLS_DEFAULT_RULE ? NULL : &rules->rule[found.rule];
}

/* A rule need not say a protocol; a helper reads one. */
static bool
helper_fits(const struct session *s, uint8_t helper)
{
	const uint8_t proto = helper == CFG_HELPER_FTP ? IPPROTO_TCP : IPPROTO_UDP;

	return helper != CFG_HELPER_NONE && s->tuple.key.proto == proto;
}

void
session_rule_apply(struct session *s, const struct session_rule *rule, uint32_t conn)
{
	struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	struct ct_ext *ext;

	if (rule == NULL)
		return;
	c->policy = rule->policy;
	if (rule->has_mark)
		c->mark = rule->mark; /* a class's mark comes later, and stays */
	if (helper_fits(s, rule->helper) && session_alg_attach(s->dp, conn, rule->helper) != 0)
		s->dp->alg_unread++; /* it goes on; what it announces is not let in */
	if (!rule->has_label)
		return;
	ext = ct_ext_add_spare(s->dp->ct, conn);
	if (ext == NULL)
		return; /* counted there; the connection goes on without */
	memcpy(ext->label, rule->label, sizeof(ext->label));
}

/* A packet that asks for a connection, by its protocol; where that has no such packets, the first answer. */
static bool
is_opening(const struct session *s, const struct ct_conn *c)
{
	const uint8_t handshake =
			RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	if (ct_may_open(s->dp->ct, &s->tuple, &s->pkt) != DROP_NONE)
		return false;
	switch (s->tuple.key.proto) {
	case IPPROTO_TCP: /* not what may be picked up in the middle */
		return (s->meta->info.tcp_flags & handshake) == RTE_TCP_SYN_FLAG;
	case IPPROTO_SCTP:
		return s->pkt.l4_avail > 12 && s->pkt.l4[12] == 1; /* INIT, alone as it must be */
	case IPPROTO_DCCP:
		return true; /* only a Request may open */
	default:
		return (c->status & CT_S_SEEN_REPLY) == 0;
	}
}

/* Does its class drop it? Then it opens nothing, and nothing may give way to it. */
static bool
is_blocked(const struct session *s)
{
	const struct cls_input in = {
		.tuple = &s->tuple,
		.in_port = s->meta->port_in,
		.state = CT_STATE_NEW,
	};
	struct cls_result found;

	cls_classify(s->dp->cls, &in, &found);
	return cls_class(s->dp->cls, found.class_id)->drop && !found.l7_pending;
}

bool
session_rule_forces(struct session *s, uint32_t conn)
{
	const struct ct_conn *c = &ct_conns(s->dp->ct)[conn];
	const struct session_rule *rule;

	if (!s->dp->rules->force || !is_opening(s, c))
		return false;
	rule = session_rule_of(s, lb_find(s->dp->lb, &s->tuple));
	return rule != NULL && rule->force && !is_blocked(s);
}

void
session_rule_uncommitted(struct session *s)
{
	struct compile_question q = {
		.tuple = &s->tuple,
		.dst = &s->tuple.dst,
		.port_in = s->meta->port_in,
		.state = CT_STATE_NEW,
		.l7_done = true,
	};
	struct cls_result cls;
	uint16_t nexthop;

	session_note(s->dp, s->m, CT_STATE_NEW, FLOW_ORIGINAL, FLOW_NONE);
	/* Classes that drop must drop; where the others lead is for connections. */
	if (compile_decide(s->dp, &q, &cls, &nexthop) == -EPERM)
		session_drop_class(s->dp, s->m, cls.class_id);
	else
		session_forward_plain(s->dp, s->m, s->now);
}
