/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of actions of rte_flow -> objects of the model that are larger than a number: RSS and SAMPLE. Called by flow_actions.c
 * to check them, by flow_claim.c and for indirect actions to make them.
 */
#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>

#include "actions.h"

/*
 * One bit here may be several there. Of a type that names a layer 4 nothing else is hashed; IPV4 and IPV6 are all packets of
 * that version, fragments with them, as mlx5 and ice have it.
 */
static const struct {
	uint64_t types;
	uint32_t fields;
} rss_types[] = {
	{ RTE_ETH_RSS_IPV4, SIM_RSS_IPV4 | SIM_RSS_FRAG4 },
	{ RTE_ETH_RSS_FRAG_IPV4, SIM_RSS_FRAG4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_OTHER, SIM_RSS_OTHER4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_TCP, SIM_RSS_TCP4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_UDP, SIM_RSS_UDP4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_SCTP, SIM_RSS_SCTP4 },
	{ RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_IPV6_EX, SIM_RSS_IPV6 | SIM_RSS_FRAG6 },
	{ RTE_ETH_RSS_FRAG_IPV6, SIM_RSS_FRAG6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_OTHER, SIM_RSS_OTHER6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_IPV6_TCP_EX, SIM_RSS_TCP6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_IPV6_UDP_EX, SIM_RSS_UDP6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_SCTP, SIM_RSS_SCTP6 },
	{ RTE_ETH_RSS_L2_PAYLOAD | RTE_ETH_RSS_ETH, SIM_RSS_ETH },
	{ RTE_ETH_RSS_S_VLAN | RTE_ETH_RSS_C_VLAN, SIM_RSS_VLAN },
	{ RTE_ETH_RSS_ESP, SIM_RSS_ESP },
	{ RTE_ETH_RSS_PORT, SIM_RSS_TCP | SIM_RSS_UDP | SIM_RSS_SCTP },
	{ RTE_ETH_RSS_L3_SRC_ONLY, SIM_RSS_L3_SRC_ONLY },
	{ RTE_ETH_RSS_L3_DST_ONLY, SIM_RSS_L3_DST_ONLY },
	{ RTE_ETH_RSS_L4_SRC_ONLY, SIM_RSS_L4_SRC_ONLY },
	{ RTE_ETH_RSS_L4_DST_ONLY, SIM_RSS_L4_DST_ONLY },
	/* Which header to hash is `level`; these are in both words. */
	{ RTE_ETH_RSS_LEVEL_MASK, 0 },
};

uint32_t
hwf_rss_fields(uint64_t *types)
{
	const uint64_t asked = *types;
	uint32_t fields = 0;
	unsigned int i;

	for (i = 0; i < RTE_DIM(rss_types); i++) {
		if (asked & rss_types[i].types)
			fields |= rss_types[i].fields;
		*types &= ~rss_types[i].types;
	}
	return fields;
}

static int
rss_hash(const struct actions *a, const struct rte_flow_action_rss *c, struct sim_rss *rss)
{
	uint64_t types = c->types;
	const uint32_t fields = hwf_rss_fields(&types);

	if (types != 0)
		return actions_fail_conf(a, ENOTSUP, "RSS types 0x%llx cannot be hashed",
				(unsigned long long)types);
	/* rte_flow.h: no types are not no RSS, but what the port does. */
	if (fields != 0)
		rss->fields = fields;
	if (c->level > 2)
		return actions_fail_conf(a, ENOTSUP, "RSS level %u: 0 and 1 (outer) and 2 (inner)",
				c->level);
	rss->level = c->level == 2;
	if ((unsigned int)c->func >= RTE_ETH_HASH_FUNCTION_MAX)
		return actions_fail_conf(a, ENOTSUP, "RSS: no such hash function");
	if (c->func != RTE_ETH_HASH_FUNCTION_DEFAULT) {
		rss->simple_xor = c->func == RTE_ETH_HASH_FUNCTION_SIMPLE_XOR;
		rss->symmetric = c->func == RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ;
	}
	if (c->key_len == 0 || c->key == NULL)
		return 0;
	if (c->key_len != SIM_RSS_KEY)
		return actions_fail_conf(a, EINVAL, "RSS key of %u bytes: it has %d", c->key_len,
				SIM_RSS_KEY);
	memcpy(rss->key, c->key, SIM_RSS_KEY);
	return 0;
}

static int
rss_queues(const struct actions *a, const struct rte_flow_action_rss *c, struct sim_rss *rss)
{
	const uint16_t n = a->w->h->env->rx_queues(a->w->h->ctx, a->w->port);
	uint32_t i;

	/* No queues named: those of the port, as its table has them. */
	if (c->queue_num == 0) {
		if (n == 0 || rss->n == 0)
			return actions_fail_conf(a, EINVAL, "RSS: the port has no queues");
		return 0;
	}
	if (c->queue == NULL)
		return actions_fail_conf(a, EINVAL, "RSS over %u queues, but which?", c->queue_num);
	if (c->queue_num > SIM_RSS_QUEUES_MAX)
		return actions_fail_conf(a, ENOTSUP, "RSS over %u queues: at most %d", c->queue_num,
				SIM_RSS_QUEUES_MAX);
	for (i = 0; i < c->queue_num; i++) {
		if (c->queue[i] >= n)
			return actions_fail_conf(a, EINVAL, "RSS: queue %u: the port has %u",
					c->queue[i], n);
		rss->queue[i] = c->queue[i];
	}
	rss->n = c->queue_num;
	return 0;
}

int
hwf_rss(const struct hwf_where *w, const struct rte_flow_action *action, struct sim_rss *rss,
		struct rte_flow_error *error)
{
	const struct actions a = { .w = w, .error = error, .now = action };
	int rc;

	if (action->conf == NULL)
		return actions_fail_conf(&a, EINVAL, "RSS without a conf");
	memset(rss, 0, sizeof(*rss));
	w->h->env->rss(w->h->ctx, w->port, rss);
	rc = rss_hash(&a, action->conf, rss);
	return rc != 0 ? rc : rss_queues(&a, action->conf, rss);
}

int
actions_rss(struct actions *a)
{
	struct sim_rss rss;
	int rc = hwf_rss(a->w, a->now, &rss, a->error);

	if (rc == 0)
		rc = actions_fate(a, SIM_A_RSS, 0);
	if (rc == 0)
		a->out->rss_action = a->now;
	return rc;
}

/* --- SAMPLE --- */

/* Where the copy goes. */
static int
sample_fate(struct actions *a, const struct rte_flow_action *action, struct sim_sample *s)
{
	const struct rte_flow_action_queue *q = action->conf;
	int port;

	if (action->type == RTE_FLOW_ACTION_TYPE_QUEUE) {
		if (!a->w->attr->ingress || a->w->attr->transfer)
			return actions_fail_conf(
					a, EINVAL, "SAMPLE to a queue is for ingress rules");
		if (q == NULL || q->index >= a->w->h->env->rx_queues(a->w->h->ctx, a->w->port))
			return actions_fail_conf(a, EINVAL, "SAMPLE: the port has no such queue");
		s->dest = (struct sim_dest){
			.kind = SIM_TO_QUEUE, .port = a->w->port, .queue = q->index
		};
		return 0;
	}
	port = actions_port(a, action);
	if (port < 0)
		return port;
	s->dest = (struct sim_dest){ .kind = SIM_TO_WIRE, .port = port };
	if (action->type == RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR)
		s->dest = (struct sim_dest){ .kind = SIM_TO_QUEUE, .port = port, .rss = 1 };
	return 0;
}

static int
sample_action(struct actions *a, const struct rte_flow_action *action, struct sim_sample *s,
		bool *fate)
{
	const struct rte_flow_action_mark *m = action->conf;

	switch ((int)action->type) {
	case RTE_FLOW_ACTION_TYPE_VOID:
		return 0;
	case RTE_FLOW_ACTION_TYPE_MARK:
		if (m == NULL)
			return actions_fail_conf(a, EINVAL, "SAMPLE: MARK without a conf");
		s->marked = true;
		s->mark = m->id;
		return 0;
	case RTE_FLOW_ACTION_TYPE_QUEUE:
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
	case RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR:
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
		if (*fate)
			return actions_fail_conf(a, EINVAL, "SAMPLE: a second fate");
		*fate = true;
		return sample_fate(a, action, s);
	default:
		return actions_fail_conf(a, ENOTSUP,
				"SAMPLE: a copy can be marked and go to a queue or port; action type %d "
				"is neither",
				(int)action->type);
	}
}

#define SAMPLE_ACTIONS_MAX 8

int
actions_sample_of(const struct hwf_where *w, const struct rte_flow_action *action,
		struct sim_sample *sample, struct rte_flow_error *error)
{
	struct actions a = { .w = w, .error = error, .now = action };
	const struct rte_flow_action_sample *c = action->conf;
	bool fate = false;
	uint32_t i;
	int rc;

	*sample = (struct sim_sample){ .ratio = c->ratio };
	if (c->ratio == 0)
		return actions_fail_conf(&a, EINVAL, "SAMPLE of one packet in 0");
	if (c->actions == NULL)
		return actions_fail_conf(&a, EINVAL, "SAMPLE without actions");
	for (i = 0; c->actions[i].type != RTE_FLOW_ACTION_TYPE_END; i++) {
		if (i == SAMPLE_ACTIONS_MAX)
			return actions_fail_conf(&a, ENOTSUP, "SAMPLE with more than %d actions",
					SAMPLE_ACTIONS_MAX);
		rc = sample_action(&a, &c->actions[i], sample, &fate);
		if (rc != 0)
			return rc;
	}
	return fate ? 0 : actions_fail_conf(&a, EINVAL, "SAMPLE: the copy has nowhere to go");
}

int
actions_sample(struct actions *a)
{
	struct sim_sample sample;
	int rc = actions_once(a, ACTIONS_SAMPLE, "SAMPLE");

	if (rc == 0)
		rc = actions_sample_of(a->w, a->now, &sample, a->error);
	if (rc != 0)
		return rc;
	a->out->sample_action = a->now;
	a->out->sample_at = a->out->n;
	return actions_u32(a, SIM_A_SAMPLE, 0);
}
