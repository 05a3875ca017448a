/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of actions on its way into the model: what the flow_actions*.c share.
 */
#ifndef HWF_ACTIONS_H
#define HWF_ACTIONS_H

#include "hwf_priv.h"

struct actions {
	const struct hwf_where *w;
	struct hwf_actions *out;
	struct rte_flow_error *error;
	const struct rte_flow_action *now; /* the one that is being translated: cause of errors */
	struct sim_action fate;		   /* goes last, wherever it stood; SIM_A_END: none yet */
	uint32_t seen;			   /* ACTIONS_* */
	uint8_t encaps, decaps;
};

/* Of these a rule has one. */
enum {
	ACTIONS_COUNT = 1,
	ACTIONS_AGE = 2,
	ACTIONS_CT = 4,
	ACTIONS_METER = 8,
	ACTIONS_SAMPLE = 16,
	ACTIONS_TLS = 32,
};

/* Errors about the action, and about its conf. */
int
actions_fail(const struct actions *a, int err, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));
int
actions_fail_conf(const struct actions *a, int err, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));
/* Room for one more; NULL: there is none, and the error says so. */
struct sim_action *
actions_add(struct actions *a, enum sim_action_type type);
int
actions_u32(struct actions *a, enum sim_action_type type, uint32_t value);
int
actions_fate(struct actions *a, enum sim_action_type type, uint32_t value);
/* Once a rule. */
int
actions_once(struct actions *a, uint32_t bit, const char *name);

/* Each translates a->now. flow_actions_set.c: what writes fields. -ENOENT: none of theirs. */
int
actions_set(struct actions *a);
int
actions_modify_field(struct actions *a);
/* flow_actions_encap.c: what puts headers on and takes them off. */
int
actions_vxlan_encap(struct actions *a);
int
actions_nvgre_encap(struct actions *a);
int
actions_raw_encap(struct actions *a);
int
actions_raw_decap(struct actions *a);
int
actions_decap(struct actions *a);
/* flow_actions_spread.c: RSS, SAMPLE. */
int
actions_rss(struct actions *a);
int
actions_sample(struct actions *a);
int
actions_sample_of(const struct hwf_where *w, const struct rte_flow_action *action,
		struct sim_sample *sample, struct rte_flow_error *error);
/* A port that an action names: switch port, or -errno with the error set. */
int
actions_port(struct actions *a, const struct rte_flow_action *action);

#endif /* HWF_ACTIONS_H */
