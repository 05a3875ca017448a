/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow path's parts, control lcore only:
 *
 *   session.c          entry; packets to shunt itself; packets of known connections
 *   session_open.c     first packets: new connections
 *   session_rules.c    which rule of "conntrack" a first packet matches, and what it does
 *   session_alg.c      helpers: what control connections announce
 *   session_cookie.c   those that begin with a SYN cookie
 *   session_related.c  ICMP errors about known connections
 *   session_frag.c     fragments: put together when they come in, cut when they leave
 *   session_lend.c     packets whose worker did not know that it lends their connection
 *   session_send.c     how each of them ends: forwarded, held, dropped, consumed
 *   compile.c          policy and rewrite of one direction into a struct flow
 */
#ifndef DATAPLANE_SESSION_H
#define DATAPLANE_SESSION_H

#include "dp_priv.h"

struct cookie_ack;

/* A packet and what is known about it so far. */
struct session {
	struct dp *dp;
	struct rte_mbuf *m;
	struct pkt_meta *meta;
	uint64_t now;
	struct ct_packet pkt;
	struct flow_tuple tuple;	 /* as it came in */
	const struct cookie_ack *cookie; /* the packet was an ACK of a SYN cookie; NULL: was not */
	bool opened;			 /* it opened a connection */
};

/* ---- session.c ------------------------------------------------------------------------------------------------ */

/* For shunt itself? Then it is taken, and true. */
bool
session_to_itself(struct dp *dp, struct rte_mbuf *m, uint64_t now);
/* The packet as the trackers see it, from what is in s->m and s->meta now. */
void
session_view(struct session *s);
/* What layer 7 says in this packet's payload; without payload CLS_L7_MORE. */
enum cls_l7_result
session_look_into(const struct session *s, struct cls_l7 *l7);

/* ---- session_open.c, session_related.c: each takes the packet --------------------------------------------------- */

/* A packet of no known connection: for shunt itself, the first of a new one, or invalid. */
void
session_unknown(struct session *s);
/* ICMPv6 that is no connection's: it is forwarded untracked. */
bool
session_is_untracked(const struct rte_mbuf *m, const struct pkt_info *info);
/* An ICMP error about a connection's packet: translate and forward. */
void
session_related(struct dp *dp, struct rte_mbuf *m, uint64_t now);

/* ---- session_rules.c -------------------------------------------------------------------------------------------- */

/* How connection tracking is to treat a new connection. Immutable. */
struct session_rule {
	uint8_t policy; /* ct_conn.policy */
	uint8_t helper; /* enum cfg_helper */
	bool commit;	/* false: forward without an entry */
	bool force;	/* an entry of the other direction gives way */
	bool has_mark;
	bool has_label;
	uint32_t mark;
	uint8_t label[CFG_LABEL_LEN];
};

/* 0 or -errno; dp->rules stays NULL when the configuration has none. Needs dp->lb. At start; destroy takes NULL. */
int
session_rules_create(struct dp *dp);
void
session_rules_destroy(struct session_rules *rules);

/* The first rule that the packet matches, as the first of a connection to `service` (or -1), or NULL. */
const struct session_rule *
session_rule_of(struct session *s, int service);
/* What `rule` (may be NULL) says about a connection that was just opened, and is not tracked yet. */
void
session_rule_apply(struct session *s, const struct session_rule *rule, uint32_t conn);
/* Must connection `conn`, whose answer the packet would be, give way to one that the packet opens? */
bool
session_rule_forces(struct session *s, uint32_t conn);
/* Forward the first packet of a connection that is not to be tracked. Takes it. */
void
session_rule_uncommitted(struct session *s);

/* ---- session_alg.c ------------------------------------------------------------------------------------------------ */

/* Have `helper` read the packets of a connection that was just opened, its first one too. 0, or -ENOSPC: no extension is left. */
int
session_alg_attach(struct dp *dp, uint32_t conn, enum ct_helper helper);
/*
 * A tracked packet of a connection with CT_S_HELPER, before it is rewritten: expects what it announces, and translates the
 * announcement. False: the packet was dropped.
 */
bool
session_alg(struct session *s, uint32_t conn, enum flow_dir dir);
/* The tuple of the answer to s->tuple, which an expectation fits; *backend when it is a backend's traffic. */
enum drop_reason
session_alg_answer(const struct session *s, uint32_t expected, struct flow_tuple *reply,
		uint16_t *backend);
/* ct_open() for it; *reply may come to have another port. Links it to its master. */
int
session_alg_open(struct session *s, uint32_t expected, struct flow_tuple *reply, uint32_t *conn);

/* ---- session_cookie.c --------------------------------------------------------------------------------------------- */

/* An ACK that answers a cookie becomes the SYN, and *a, which s keeps, what it said. False: it was taken. */
bool
session_cookie_first(struct session *s, struct cookie_ack *a);
/* It opens nothing: the packet is the client's ACK again. False: it was taken. */
bool
session_cookie_undo(struct session *s);
/* Its connection is open, and not yet compiled. False: no room for what must be remembered. */
bool
session_cookie_opened(struct session *s, uint32_t conn);

enum session_next {
	SESSION_GO_ON,	/* as with every packet; it may be another one now */
	SESSION_TAKEN,	/* the packet was */
	SESSION_REOPEN, /* close the connection, and take the packet for the first of a new one */
};
/* A packet of a connection with FLOW_F_ADJUST, before its tracker has seen it; and after, if it was not invalid. */
enum session_next
session_cookie_known(struct session *s, uint32_t conn, enum flow_dir dir);
void
session_cookie_tracked(const struct session *s, uint32_t conn, enum flow_dir dir);

/* ---- session_frag.c ------------------------------------------------------------------------------------------------ */

/* A fragment: takes it. */
void
session_fragment(struct dp *dp, struct rte_mbuf *m, uint64_t now);
/* May m leave by a link of this MTU, whole or cut? How is noted in m. */
bool
session_fits(struct dp *dp, struct rte_mbuf *m, uint16_t mtu);
/* Give m, which is to be sent, back to its worker, whole or cut, as was noted. Takes m. */
void
session_leave(struct dp *dp, struct rte_mbuf *m);

/* ---- session_lend.c ------------------------------------------------------------------------------------------------ */

/* May control write the connection's lines, for this packet (base/flow.h, lending)? */
bool
session_lent(const struct session *s, uint32_t conn);
/* Ask its worker for them: the packet comes again when they are lent. Takes it. */
void
session_ask(struct session *s, uint32_t id);
/* Tell worker `to` to count a packet at another slot. False: it cannot be told now. */
bool
session_move_gate(struct dp *dp, unsigned int to, uint32_t from_slot, uint32_t to_slot);

/* ---- session_send.c: each takes the packet, but for session_note and session_may_leave when it says true ---------- */

/* Note state, direction (2 = none) and connection (or FLOW_NONE) for counters and verdicts. */
void
session_note(struct dp *dp, struct rte_mbuf *m, enum ct_state state, unsigned int dir,
		uint32_t conn);
/* Give m back to its worker with meta->verdict set. */
void
session_return(struct dp *dp, struct rte_mbuf *m);
uint32_t
session_return_room(const struct dp *dp, const struct dp_worker *w);
void
session_drop(struct dp *dp, struct rte_mbuf *m, enum drop_reason why);
/* A class says drop: counted there too. */
void
session_drop_class(struct dp *dp, struct rte_mbuf *m, uint16_t class_id);
/* Drop, and tell the sender by ICMP where the RFCs want that. */
void
session_drop_error(struct dp *dp, struct rte_mbuf *m, enum drop_reason why,
		enum l3_icmp_error error, uint16_t mtu);
void
session_local(struct dp *dp, struct rte_mbuf *m);
/* Policy for invalid packets: drop, or forward untouched but for the TTL. conn: the one it named, or FLOW_NONE. */
void
session_invalid(struct dp *dp, struct rte_mbuf *m, enum drop_reason why, uint32_t conn,
		uint64_t now);
/* Room on the link of next hop nh, and TTL left? Otherwise m is dropped with the ICMP error that is owed. */
bool
session_may_leave(struct dp *dp, struct rte_mbuf *m, uint16_t nh);
/* Forward what has no connection and never will (invalid under "forward", untracked), unless its class drops it. */
void
session_forward_unknown(struct dp *dp, struct rte_mbuf *m, enum ct_state state, uint64_t now);
/* Forward by route, without a connection; its class was asked. */
void
session_forward_plain(struct dp *dp, struct rte_mbuf *m, uint64_t now);
/* Run a connection's compiled flow on the packet and send it. */
void
session_forward(struct session *s, uint32_t conn, enum flow_dir dir);

/* ---- compile.c ----------------------------------------------------------------------------------------------------- */

/* What is asked of policy about one direction of a connection. */
struct compile_question {
	const struct flow_tuple *tuple; /* as it came in */
	const struct flow_addr *dst;	/* where it goes, after translation */
	uint16_t port_in;
	enum ct_state state;
	const struct cls_l7 *l7; /* NULL: not known */
	bool l7_done;		 /* nothing more will be known */
};
/* Class and next hop: 0, -EPERM (class drops), -ENETUNREACH, -ENOSPC. */
int
compile_decide(struct dp *dp, const struct compile_question *q, struct cls_result *cls,
		uint16_t *nexthop);

/* Class of a packet that no flow is compiled for. */
uint16_t
compile_class(struct dp *dp, const struct flow_tuple *tuple, uint16_t port_in, enum ct_state state);

struct compile_args {
	uint32_t conn;
	enum flow_dir dir;
	const struct flow_tuple *tuple; /* as the packet arrives */
	const struct flow_tuple *reply; /* as the answer arrives: it leaves as its inverse */
	uint16_t port_in;
	uint16_t nexthop;
	uint16_t backend;
	bool l7_found; /* layer 7 was known when cls was decided */
	const struct cls_result *cls;
};
/* Fill in one direction's flow: deltas, next hop, queue, class. The connection is not yet fast, or lent. */
void
compile_flow(struct dp *dp, const struct compile_args *a);

#endif /* DATAPLANE_SESSION_H */
