/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/rteflow: what its files share.
 *
 * Locks. `hwf.lock` guards all that is declared here: lists, pools, uses. The NIC's lock guards the model, is taken inside of it
 * and only around calls of core/steer.h, so that packets do not wait for a translation. Callbacks of hwf_env that may call
 * back (spend, aged) are made with neither.
 *
 * Memory. Objects live in pools that reserve addresses and get memory as they grow: an object has a number for life, lists
 * link numbers, and a pointer that an application hands in is checked to be one of ours before it is followed.
 */
#ifndef HWF_PRIV_H
#define HWF_PRIV_H

#include <pthread.h>

#include "hwsim/rteflow/hwf.h"

/* No object, no rule, end of a list. */
#define HWF_NONE UINT32_MAX

/* --- pools and lists (hwf_pool.c) --- */

/* What a slot holds; the first member of every object that is in a pool. */
enum hwf_kind {
	HWF_FREE,
	HWF_FLOW,	/* struct rte_flow */
	HWF_HANDLE,	/* struct rte_flow_action_handle */
	HWF_EXTRA,	/* struct hwf_extra */
	HWF_AGE,	/* struct hwf_age */
	HWF_TUNNEL,	/* struct hwf_tunnel */
	HWF_ASYNC = 16, /* from here on: templates, tables, queues */
};

struct hwf_slot {
	uint32_t next, prev; /* in the list that it is in */
	uint16_t port;
	uint8_t kind; /* enum hwf_kind */
	uint8_t flags;
};

struct hwf_list {
	uint32_t first, last, n;
};

struct hwf_pool {
	uint8_t *base;
	size_t size;	      /* of an object */
	size_t reserved;      /* bytes of addresses */
	size_t backed;	      /* bytes of memory */
	uint32_t max, top;    /* objects: at most, and ever used */
	struct hwf_list free; /* oldest first: a stale pointer stays stale as long as can be */
	uint32_t used;
};

int
hwf_pool_init(struct hwf_pool *p, size_t size, uint32_t max);
void
hwf_pool_fini(struct hwf_pool *p);
/* Zeroed but for the slot, which says `kind` and `port`. NULL: full or no memory. */
void *
hwf_pool_get(struct hwf_pool *p, enum hwf_kind kind, uint16_t port);
/* Object `index`, of a pool whose numbers somebody else gives out; such are put back with hwf_pool_put_at(). */
void *
hwf_pool_get_at(struct hwf_pool *p, uint32_t index, enum hwf_kind kind, uint16_t port);
void
hwf_pool_put_at(struct hwf_pool *p, void *object);
/* It must be in no list. */
void
hwf_pool_put(struct hwf_pool *p, void *object);
/* True: an object in use, of that kind and port. Any pointer may be asked about. */
bool
hwf_pool_has(const struct hwf_pool *p, const void *object, enum hwf_kind kind, uint16_t port);
uint32_t
hwf_pool_index(const struct hwf_pool *p, const void *object);
static inline void *
hwf_pool_at(const struct hwf_pool *p, uint32_t index)
{
	return p->base + p->size * index;
}

void
hwf_list_init(struct hwf_list *l);
void
hwf_list_add(struct hwf_list *l, const struct hwf_pool *p, void *object);
void
hwf_list_del(struct hwf_list *l, const struct hwf_pool *p, void *object);

/* Numbers that an application chose (meters, their profiles and policies) to numbers of ours. Zeroed is empty. */
struct hwf_ids {
	struct hwf_id {
		uint32_t id, value; /* value HWF_NONE: free */
	} * entry;
	uint32_t size, n; /* power of two */
};
int
hwf_ids_put(struct hwf_ids *ids, uint32_t id, uint32_t value); /* -EEXIST, -ENOMEM */
uint32_t
hwf_ids_get(const struct hwf_ids *ids, uint32_t id); /* HWF_NONE: not there */
void
hwf_ids_del(struct hwf_ids *ids, uint32_t id);
void
hwf_ids_fini(struct hwf_ids *ids);

/* --- objects --- */

/* hwf_slot.flags of a flow. */
#define HWF_F_COUNTER_OWN 1u /* `counter` goes with the rule; else it is a handle's */
#define HWF_F_AGE_OWN 2u
#define HWF_F_ASYNC 4u	 /* of a template table: hwf_destroy() refuses it */
#define HWF_F_PENDING 8u /* an asynchronous operation on it is under way */

/*
 * A rule. 2 M of them and the model's have to fit into 1 GiB: no copies of what the model can say (hwf_dump() asks it).
 */
struct rte_flow {
	struct hwf_slot slot;  /* in hwf_port.flows */
	uint32_t counter, age; /* objects of the model, HWF_NONE */
	uint32_t handle[2]; /* handles that it uses (numbers in hwf.handles), HWF_NONE; further ones in `extra` */
	uint32_t extra; /* number in hwf.extras, HWF_NONE */
	uint32_t table; /* template table (async's number), HWF_NONE */
	uint8_t tunnel[2]; /* tunnel ids of the private item and action that it has, 0: none; counted in hwf_tunnel.uses */
	uint16_t queue; /* async: flow queue that made it, UINT16_MAX */
	struct sim_rule *
			rule; /* NULL: removed from the model already (queues), the rest goes with hwf_rule_del() */
};
_Static_assert(sizeof(struct rte_flow) == 48, "2 M rules are 96 MB");

#define HWF_HANDLES_MAX 8 /* that a rule may use */

/* What few rules have. */
struct hwf_extra {
	struct hwf_slot slot;
	uint32_t rss, sample; /* objects of the model, HWF_NONE */
	uint32_t n_handles;
	uint32_t handle[HWF_HANDLES_MAX - 2];
};

/*
 * An indirect action, and a meter: what rules share. `uses` counts rules (and handles) that refer to it: it cannot go before
 * them.
 */
struct rte_flow_action_handle {
	struct hwf_slot slot; /* in hwf_port.handles; .flags: HWF_H_* */
	uint32_t type;	      /* enum rte_flow_action_type: COUNT AGE CONNTRACK RSS METER */
	uint32_t object;      /* counter, age, connection, RSS object or meter of the model */
	uint32_t uses;
	uint32_t id;	  /* METER: its mtr_id. COUNT: query's id */
	uint8_t reply;	  /* CONNTRACK: rules made from now on are of the reply direction */
	uint8_t domains;  /* bits 1 << enum sim_domain where it may be used; 0: anywhere */
	uint16_t queue;	  /* async: flow queue that made it, UINT16_MAX */
	uint32_t more[2]; /* the maker's own: numbers of profile and policy of a meter */
};
#define HWF_H_PENDING 1u /* an asynchronous operation on it is under way */

/*
 * What the application is told when an age context has aged; number is that of the model's age context (pool with gaps:
 * hwf.ages is an array, memory comes with use).
 */
struct hwf_age {
	struct hwf_slot slot; /* in hwf_port.aged[]; .kind is HWF_AGE while it exists */
	uint16_t list;	      /* which of hwf_port.aged[] */
	uint16_t listed;      /* 1: in it */
	uint32_t pad;
	void *context; /* the application's; of a rule without one, its rte_flow, as rte_flow.h says */
};

/* Tunnel offload. Private items and actions of flow_tunnel.c have these types and point at it with spec and conf. */
#define HWF_ITEM_TUNNEL ((enum rte_flow_item_type)(INT32_MIN + 1))
#define HWF_ACTION_TUNNEL ((enum rte_flow_action_type)(INT32_MIN + 1))
#define HWF_TUNNELS_MAX 255 /* sim_pkt.restore has 8 bits for it, 0: none */
struct hwf_tunnel {
	struct hwf_slot slot; /* in hwf_port.tunnels; its number in hwf.tunnels + 1 is the tunnel id of core/steer.h */
	uint32_t uses; /* all of them: arrays of items and actions handed out, and rules */
	uint32_t items, actions; /* arrays handed out */
	struct rte_flow_tunnel def;
	struct rte_flow_item item;     /* handed out by hwf_tunnel_match() */
	struct rte_flow_action action; /* handed out by hwf_tunnel_decap_set() */
};

#define HWF_QUEUES_MAX 64 /* flow queues of a port */

/* Objects that rte_flow_configure() counts. */
enum hwf_quota { HWF_Q_COUNTERS, HWF_Q_AGES, HWF_Q_METERS, HWF_Q_CTS, HWF_QUOTAS };

struct hwf_port {
	struct hwf_list flows, handles, tunnels;
	struct hwf_list aged[1 + HWF_QUEUES_MAX]; /* [0] of the port, [1 + q] of flow queue q */
	bool age_said;				  /* AGED event said, and not fetched since */
	bool isolated;
	struct hwf_ids meters; /* mtr_id -> number in hwf.handles */
	/* Messages that are made up at run time live here until the port's next one. */
	char said[256];
	/* Templates and queues, meters: theirs, with what to call when the port goes (before rules and handles go); NULL: none. */
	void *async, *mtr;
	void (*async_close)(struct hwf *h, uint16_t port);
	void (*mtr_close)(struct hwf *h, uint16_t port);
	/* A rule of a template table goes by hwf_flush() or hwf_port_close(); NULL: none. */
	void (*async_forget)(struct hwf *h, struct rte_flow *flow);
	/* Of rte_flow_configure(): at most so many objects, 0: as the card has; and those in use. */
	uint32_t quota[HWF_QUOTAS], used[HWF_QUOTAS];
	/* AGED event per queue (strict queues): the list that a rule of queue q reports to is aged[1 + q]. */
	bool strict_queues;
};

/* Groups of the model that are no application's, but of a tunnel or of a meter's policy: the highest that there are. */
#define HWF_GROUPS_OWN 256u
struct hwf_group {
	uint8_t kind;	/* 0: free, 1: of a tunnel, 2: of a policy */
	uint8_t domain; /* enum sim_domain */
	uint8_t decap;	/* tunnel: outer headers are off in it */
	uint8_t tunnel;
	uint16_t port;	/* SIM_ANY_PORT: transfer */
	uint32_t group; /* the application's number of it */
};

struct hwf {
	struct sim_steer *steer;
	const struct sim_profile *profile;
	struct sim_lock *nic; /* guards `steer` */
	const struct hwf_env *env;
	void *ctx;
	uint16_t n_ports;
	pthread_mutex_t lock;
	struct hwf_pool flows, extras, handles, tunnels;
	struct hwf_pool ages; /* indexed by the model's number */
	uint32_t n_ages;      /* [A] in use: hwf_tick() looks without a lock */
	struct hwf_port port[SIM_PORTS_MAX];
	struct hwf_group own[HWF_GROUPS_OWN]; /* see hwf_group_own() */
	void *queues_gone; /* flow_queue.c: queues of closed ports that the command queue still points at */
};

/* --- errors (hwf_error.c) --- */

/* `port` is one of ours. First of all that any call does. */
int
hwf_check_port(const struct hwf *h, uint16_t port, struct rte_flow_error *error);

/* Where an item or action stands: what may be there depends on it. */
struct hwf_where {
	struct hwf *h;
	uint16_t port;
	const struct rte_flow_attr *attr;
	bool template;	/* spec is not there yet: masks and types are checked */
	uint16_t queue; /* async: flow queue, rules are inserted hidden; synchronous: UINT16_MAX */
	struct hwf_tunnel
			*tunnel; /* of the pattern, hwf_tunnel_of(): the rule is in a group of it */
};

/* rte_flow_error_set() with a message that is made up; returns -err. */
int
hwf_fail(const struct hwf_where *w, struct rte_flow_error *error, int err,
		enum rte_flow_error_type type, const void *cause, const char *fmt, ...)
		__attribute__((format(printf, 6, 7)));
/* Attributes and port: exactly one of ingress, egress, transfer; group and priority as the profile has them. */
int
hwf_attr(const struct hwf_where *w, struct rte_flow_error *error);
enum sim_domain
hwf_domain(const struct rte_flow_attr *attr);

/* --- translation --- */

/* A list of actions on its way into the model. It points into itself: it must stay where it was made. */
struct hwf_actions {
	struct sim_action action[SIM_ACTIONS_MAX];
	struct sim_modify modify[SIM_ACTIONS_MAX];
	uint8_t data[2][SIM_ENCAP_MAX]; /* encapsulations */
	uint32_t n;
	uint32_t n_modify;
	uint32_t n_data;
	/* What is to be made by hwf_actions_claim(), from confs of the caller; NULL: none. `at`: index in action[]. */
	const struct rte_flow_action *count_action, *age_action, *rss_action, *sample_action;
	uint8_t count_at, age_at, rss_at, sample_at;
	/* Objects that exist for this rule alone, and go with it; HWF_NONE: none. */
	uint32_t counter, age, rss, sample;
	/* Those of handles, so that the rule can be asked about them; HWF_NONE: none. */
	uint32_t shared_counter, shared_age;
	/* Handles that the rule uses; their use is counted by hwf_actions_claim(). */
	struct rte_flow_action_handle *handle[HWF_HANDLES_MAX];
	uint32_t n_handles;
	/* Tunnel offload: the JUMP's group becomes one of this tunnel. */
	struct hwf_tunnel *tunnel;
	uint32_t jump; /* group of JUMP, HWF_NONE */
	uint16_t port; /* whose quotas were taken */
	bool claimed;
};

/* The most items of a pattern that are looked at: an END that is missing is found before long. */
#define HWF_ITEMS_MAX 48

/* flow_items.c: pattern -> match. Checks everything; cause of an error is the item, its spec, mask or last. */
int
hwf_match(const struct hwf_where *w, const struct rte_flow_item *pattern, struct sim_match *match,
		struct rte_flow_error *error);

/*
 * flow_actions.c: actions -> the model's. Checks everything, creates nothing: objects that the rule needs are made by
 * hwf_actions_claim() and given back by hwf_actions_release(), so that validate() is the first half of create(). Under
 * hwf.lock; `actions` must live until the claim.
 */
int
hwf_actions(const struct hwf_where *w, const struct rte_flow_action *actions,
		struct hwf_actions *out, struct rte_flow_error *error);
int
hwf_actions_claim(const struct hwf_where *w, struct hwf_actions *a, struct rte_flow_error *error);
void
hwf_actions_release(struct hwf *h, struct hwf_actions *a);
/* What a conf of an RSS action makes: for rules and for handles. */
int
hwf_rss(const struct hwf_where *w, const struct rte_flow_action *action, struct sim_rss *rss,
		struct rte_flow_error *error);

/* --- rules (flow.c), for the synchronous calls and for queues; under hwf.lock --- */

/* Claims, inserts, and links. *cost: for spend() or enqueue(). On error all is as it was. */
struct rte_flow *
hwf_rule_add(const struct hwf_where *w, const struct sim_match *match, struct hwf_actions *a,
		struct sim_cmd_cost *cost, struct rte_flow_error *error);
/* Removes the rule and all that went with it. */
void
hwf_rule_del(struct hwf *h, struct rte_flow *flow, struct sim_cmd_cost *cost);

/* All rules of a port, pending ones too. */
void
hwf_flows_drop(struct hwf *h, uint16_t port);

/* --- tunnels (flow_tunnel.c); under hwf.lock --- */

/* The tunnel of a private item in the pattern. 1: *tunnel is set, 0: no such item, -errno. */
int
hwf_tunnel_of(const struct hwf_where *w, const struct rte_flow_item *pattern,
		struct hwf_tunnel **tunnel, struct rte_flow_error *error);
/* The tunnel of a private action, NULL with `error` set: none of ours. */
struct hwf_tunnel *
hwf_tunnel_get(const struct hwf_where *w, const struct rte_flow_action *action,
		struct rte_flow_error *error);
/*
 * The model's group for `group` of a tunnel, each tunnel having groups of its own (0, too): where a rule with the private action
 * jumps to, and where a rule with the private item is. Bound to the tunnel in the model. `decap`: the rule takes the outer
 * headers off before it jumps. -errno with `error` set: there are no more.
 */
int64_t
hwf_tunnel_group(const struct hwf_where *w, struct hwf_tunnel *tunnel, uint32_t group, bool decap,
		struct rte_flow_error *error);
/* The other way, for hwf_dump(): false: a group of no tunnel. */
bool
hwf_tunnel_ungroup(const struct hwf *h, uint32_t real, uint8_t *tunnel, uint32_t *group);

/* First of the groups that applications cannot have: hwf_attr() and JUMP refuse them and those behind them. */
uint32_t
hwf_group_own(const struct hwf *h);
/* One more of them; -ENOSPC. */
int64_t
hwf_group_take(struct hwf *h, const struct hwf_group *g);
void
hwf_group_give(struct hwf *h, uint32_t real);
/* A rule has tunnels[0] by its pattern and [1] by its actions (rte_flow.tunnel); `n` is 1 or -1. */
void
hwf_tunnel_uses(struct hwf *h, const uint8_t tunnels[2], int n);
/* All of a port: hwf_port_close(), behind its rules. */
void
hwf_tunnel_close(struct hwf *h, uint16_t port);

/* --- indirect actions (flow_indirect.c); under hwf.lock --- */

/* Whatever its uses are: hwf_port_close(), behind the rules. Meters, too. */
void
hwf_handle_free(struct hwf *h, struct rte_flow_action_handle *handle);

/* --- queues (flow_queue.c) --- */

/* The last of hwf_destroy_all(); no command is carried out any more. */
void
hwf_queue_fini(struct hwf *h);

/* --- meters (mtr.c); under hwf.lock --- */

/*
 * Where packets go on behind action METER because the meter's policy has actions of its own: a group of the model that the rule
 * has to jump to, and no fate of its own. HWF_NONE: the rule's own actions follow. -errno with `error` set.
 */
int64_t
hwf_mtr_group(const struct hwf_where *w, struct rte_flow_action_handle *meter,
		struct rte_flow_error *error);

/* --- limits of rte_flow_configure() (flow_template.c); under hwf.lock; for objects of rules as for those of handles --- */

/* -ENOSPC: the port was configured for fewer. */
int
hwf_quota_take(struct hwf *h, uint16_t port, enum hwf_quota q);
void
hwf_quota_give(struct hwf *h, uint16_t port, enum hwf_quota q);

/* --- age contexts (flow_age.c); under hwf.lock --- */

/* -errno, or the model's number. context NULL: hwf_age_context() follows. */
int64_t
hwf_age_add(const struct hwf_where *w, const struct rte_flow_action_age *conf);
void
hwf_age_context(struct hwf *h, uint32_t age, void *context);
void
hwf_age_del(struct hwf *h, uint32_t age);
/* Aged ones of hwf_port.aged[list]: up to nb contexts, and off the list; nb 0: how many there are. */
int
hwf_age_fetch(struct hwf *h, uint16_t port, uint32_t list, void **contexts, uint32_t nb);
/* Query and update of AGE, by rule and by handle. */
void
hwf_age_query(struct hwf *h, uint32_t age, struct rte_flow_query_age *q);
int
hwf_age_update(struct hwf *h, uint32_t age, const struct rte_flow_update_age *u);
/* A counter: the model's number, or -errno. Its query, by rule and by handle. */
int64_t
hwf_counter_add(struct hwf *h);
void
hwf_count_query(struct hwf *h, uint32_t counter, struct rte_flow_query_count *q);

#endif /* HWF_PRIV_H */
