/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of src/dataplane share: ports, workers, the control side, rings.
 *
 *   main.c start.c ports.c        command line; memory, lcores and devices, and their end
 *   worker.c pipeline.c           a worker's round; what it does with a burst
 *   worker_cookie.c               SYNs that it answers itself
 *   parse*.c flow_run.c seqadj.c  stages, each with a header of its own; control uses them too
 *   control.c doors.c             the control lcore's round; its doors: prompt and socket
 *   session*.c compile.c          what it does with packets: session.h
 *   policy.c limits*.c cookies.c  services, classes and routes out of the configuration; limits; when cookies are used
 *   table_watch.c                 warns about a full table
 *   show*.c                       methods and tables that need more than one folder
 *   replay.c capture*.c verdict_write.c   captures in, frames and verdicts out
 *
 * Owner letters: [I] immutable after start, [W] the worker writes, [C] control writes. Statistics are read by control
 * while their owner writes them: 64-bit stores, a moment old at worst.
 */
#ifndef DATAPLANE_DP_PRIV_H
#define DATAPLANE_DP_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "base/counters.h"
#include "base/flow.h"
#include "base/pkt.h"
#include "base/time.h"
#include "classifier/cls.h"
#include "config/cfg.h"
#include "conntrack/ct.h"
#include "control/ctl.h"
#include "cookies.h"
#include "dataplane/dp.h"
#include "frag/frag.h"
#include "l3/l3.h"
#include "lb/lb.h"
#include "parse.h"

#define DP_PORTS_MAX 64
#define DP_WORKERS_MAX 32
#define DP_RING_BURST 64
#define DP_NO_TXQ UINT16_MAX

/* ---- ports -------------------------------------------------------------------------------------------------- */

struct dp_port {
	const struct cfg_port *cfg; /* [I] */
	uint16_t id;		    /* [I] ethdev; RTE_MAX_ETHPORTS = none */
	uint16_t n_rxq;
	uint16_t n_txq;
	uint16_t tx_base;   /* [I] index of its first queue in dp.tx_owner */
	bool started;	    /* [C] */
	bool own_device;    /* [I] attached by shunt: detached at the end */
	bool spread_by_nic; /* [I] the device hashes the external endpoint */
	struct rte_ether_addr mac;
	struct parse_params parse;
};

/* A packet in the park, and what says whether its way is free. */
struct dp_parked {
	struct rte_mbuf *m;
	uint32_t flow;
	uint32_t hash;
};

/* ---- workers ------------------------------------------------------------------------------------------------ */

struct dp_rxq {
	uint16_t port; /* configuration index */
	uint16_t id;   /* ethdev */
	uint16_t queue;
	struct counter_pair rx; /* frames */
};

/* Packets on their way to one output queue; sent when full and at the end of every burst. */
struct dp_txq {
	uint16_t port;
	uint16_t id;
	uint16_t queue;
	uint16_t n;
	uint32_t waiting; /* bytes of the n packets */
	uint64_t packets;
	uint64_t bytes;
	struct rte_mbuf *m[PKT_BURST_MAX];
};

/*
 * Order and lending. gate[slot] counts the packets that are with control, by connection (index & mask) when the
 * worker knew it, else by the hash of the key. While a connection's slot is not zero, its other packets are
 * parked in the worker until those with control are back, so none overtakes another, and control may write the
 * connection's lines meanwhile. (Sending them to control as well would preserve order too, but once
 * more arrive than control can do, its ring never drains again.) Two connections that share a slot only cost
 * each other a short wait: 65,536 slots for at most some thousand packets in flight.
 */
#define DP_GATE_SLOTS 65536
#define DP_GATE_MASK (DP_GATE_SLOTS - 1)
#define DP_GATE_NO_KEY DP_GATE_SLOTS	   /* the last slot: packets without a key */
#define DP_GATE_NOBODY (DP_GATE_SLOTS + 1) /* of no worker's: a packet comes to it, or leaves it */

/*
 * A packet that is held for a neighbour needs nothing of its connection any more, only its own direction's order: control
 * tells the worker to count it by the hash of its key instead. One that came without its connection is counted by that
 * from then on (session_lend.c). One word in a ring: from and to, 20 bits each.
 */
static inline void *
dp_gate_move(uint32_t from, uint32_t to)
{
	return (void *)((uintptr_t)to << 20 | from);
}

#define DP_PARK_SLOTS 16384
#define DP_PARK_MASK (DP_PARK_SLOTS - 1)
#define DP_PARK_PER_KEY 8192 /* of one direction of a connection: nobody fills the park alone */

/* Packets that control is done with, on their way to their worker. [C] */
struct dp_outbox {
	unsigned int n;
	struct rte_mbuf *m[DP_RING_BURST];
};

/* Packets with control that wait until their connection's worker lets it go, and those behind them: session_lend.c. [C] */
#define DP_LEND_MAX 64
struct dp_lend_wait {
	struct rte_mbuf *m;
	uint32_t slot;	 /* of the connection; DP_GATE_NOBODY: only behind another one */
	uint32_t ticket; /* the worker has let it go when it has done so many moves */
	uint8_t owner;	 /* who runs it */
	bool asked;	 /* the worker was told */
};
struct dp_lend {
	unsigned int n;
	struct dp_lend_wait line[DP_LEND_MAX]; /* in order of arrival */
	uint32_t told[DP_WORKERS_MAX];	       /* moves, by worker */
	const struct dp_lend_wait *
			foreign; /* the packet under way is this one, of another worker's connection */
};

enum dp_stage {
	DP_STAGE_RX,
	DP_STAGE_PARSE,
	DP_STAGE_FIND,
	DP_STAGE_RUN,
	DP_STAGE_TX,
	DP_STAGE_RETURN,
	DP_STAGES
};

/* Replay: what became of each input packet of the burst under way. NULL live. */
struct dp_trace {
	struct dp_trace_record *rec;
	uint32_t base; /* sequence number of rec[0] */
	uint32_t n;
};
struct dp_trace_record {
	uint8_t state;	 /* enum ct_state */
	uint8_t dir;	 /* enum flow_dir, 2 = none */
	uint8_t verdict; /* enum pkt_verdict */
	uint8_t reason;	 /* enum drop_reason */
	bool fast;
	bool is_tcp;
	bool assured;
	uint8_t tcp;	  /* enum ct_tcp_state */
	uint8_t flags;	  /* CT_FLAG_* */
	const char *sctp; /* state of an SCTP association; NULL: none */
	const char *dccp; /* likewise */
	uint16_t class_id;
};

struct dp_worker {
	/* [I] */
	struct dp *dp;
	struct ct_table *ct;
	struct ct_conn *conns;
	const struct ct_conn6 *conns6;
	const struct l3_nexthop *nexthops;
	struct dp_rxq *rxq; /* with their counters, which are [W]; txq likewise */
	struct dp_txq *txq; /* output queues that this worker owns */
	uint16_t *tx_own;   /* by port: its txq for packets that no class steers */
	struct rte_ring *to_control;
	struct rte_ring *from_control;
	struct rte_ring *gates;	       /* from control: dp_gate_move() */
	struct rte_ring **handover_in; /* by worker; NULL for itself */
	struct dp_trace *trace;
	unsigned int lcore;
	uint16_t n_rxq;
	uint16_t n_txq;
	uint8_t index;
	bool profile;
	uint32_t in_flight_max;
	uint64_t frag_flag; /* of mbufs that were put together out of fragments */

	/* [W] */
	uint32_t in_flight __rte_cache_aligned; /* packets with control now */
	uint32_t moves_done;			/* [A] of those that control told: it reads this */
	uint16_t n_punt;
	uint16_t n_dirty;
	uint16_t dirty[PKT_BURST_MAX * 4]; /* txqs with packets */
	struct rte_mbuf *punt[PKT_BURST_MAX];
	uint32_t n_parked;
	uint32_t park_head;
	uint16_t n_put_back;
	bool from_park;		/* the burst under way comes out of the park */
	bool again;		/* the burst under way was put together out of fragments */
	bool strangers_refused; /* the ring to control had no room for them */
	bool gate_opened; /* a packet came back since the park was last looked through in vain */
	struct rte_mbuf *put_back[PKT_BURST_MAX];
	uint64_t cookies_until; /* SYN cookies by its own decision; 0 = never yet */
	struct counters c;
	struct counter_pair *class_counters;   /* by class */
	struct counter_pair *backend_counters; /* by backend << 1 | direction */
	uint64_t busy_cycles;
	uint64_t busy_packets;
	uint64_t stage_cycles[DP_STAGES];
	struct pkt_burst burst;
	struct dp_parked park[DP_PARK_SLOTS]; /* ring, in order of arrival */
	uint32_t gate[DP_GATE_SLOTS + 1];
	uint16_t parked[DP_GATE_SLOTS]; /* packets in the park, by the hash of the key */
} __rte_cache_aligned;

/* Connections that carry a tunnel, as their first packets showed. [C] */
struct tunnel_counter {
	uint64_t connections;
	uint64_t outer_bytes; /* IP bytes of the first packets */
	uint64_t inner_bytes; /* of which of the packets inside */
};

/* Is the connection table full, and has it been said? [C] */
struct table_watch {
	uint64_t refused;   /* openings, up to the last look */
	uint64_t begin;	    /* refused before this episode */
	uint64_t since;	    /* ns of the last look at which there were more */
	uint64_t next_line; /* ns before which nothing more is said */
	bool full;
};

/* ---- everything ---------------------------------------------------------------------------------------------- */

/* Clock: TSC cycles to ns since start. */
struct dp_clock {
	uint64_t tsc0;
	uint64_t mult; /* ns = cycles * mult >> 32 */
};

struct dp {
	const struct cfg *cfg;	    /* [I] not owned */
	struct dp_port *ports;	    /* [I] cfg->n_ports of them */
	struct dp_worker **workers; /* [I] */
	unsigned int n_ports;
	unsigned int n_workers;
	uint8_t *tx_owner; /* [I] worker by port's tx_base + queue */
	uint16_t *tx_slot; /* [I] index in that worker's txq */
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	struct ct_table *ct;
	struct lb *lb;
	struct lim *lim; /* NULL: no limits */
	struct cls *cls;
	struct session_rules *rules; /* of "conntrack"; NULL: none (session_rules.c) */
	struct l3 *l3;
	struct frag *frag;
	struct ctl *ctl;
	struct dp_clock clock;
	bool replay;
	bool profile;
	bool workers_running; /* [C] own lcores, not polled by control */
	bool running;	      /* [C] live, between dp_start and dp_stop */
	atomic_bool stop;     /* [C] */

	/* [C] */
	uint32_t hash_seed;		  /* [I] */
	struct replay_port *replay_ports; /* [I] replay only */
	struct dp_cookies cookies;	  /* owners: there */
	struct dp_lend lend;
	bool state_rules;  /* [I] some rule looks at the connection's state */
	struct counters c; /* control's own */
	struct counter_pair *class_counters;
	struct counter_pair *backend_counters;
	struct dp_outbox *outbox; /* by worker */
	struct l3_out l3_out;
	struct dp_trace *trace;
	uint64_t alg_unread;  /* packets that a helper could not read in one piece */
	uint64_t alg_refused; /* announcements of others' addresses, or of ports below 1024 */
	struct tunnel_counter tunnels[PARSE_TUNNEL_TYPES];
	uint64_t now; /* of the poll under way */
	uint64_t next_age;
	uint64_t next_tick;
	struct table_watch table_watch;
	uint64_t control_cycles;
	uint64_t control_packets;
	struct dp_totals *cleared; /* what "clear stats" subtracts */
	uint64_t epoch;		   /* ns since 1970 when the dataplane's clock was 0 */
	struct ctl_feed *feed;	   /* readers of events; NULL: no socket */
	struct replay *replaying;  /* the run under way; NULL live */
	bool prompt;
	uint64_t next_doors;
	uint64_t last_packet; /* that control was given */
};

/* ---- worker.c, pipeline.c: worker lcore --------------------------------------------------------------------- */

/* One round: packets back from control, packets from other workers, every rx queue. Returns packets seen. */
unsigned int
worker_poll(struct dp_worker *w, uint64_t now);
/* The same without the rx queues: what is inside goes on, and nothing new comes in. */
unsigned int
worker_poll_inside(struct dp_worker *w, uint64_t now);

/* The stages, over a received burst. `handed` = it came from another worker: do not spread it again. */
void
pipeline_burst(struct dp_worker *w, struct pkt_burst *b, uint64_t now, bool handed);

/* Queue m for output; steers to another worker's queue over its ring. Takes m. */
void
worker_tx(struct dp_worker *w, struct rte_mbuf *m, uint16_t port, uint16_t queue);
void
worker_tx_flush(struct dp_worker *w);
void
worker_punt(struct dp_worker *w, struct pkt_burst *b, unsigned int i, enum punt_reason why);
void
worker_punt_flush(struct dp_worker *w);
/* Keep a packet of the burst until the earlier ones of its connection are back from control. */
void
worker_park(struct dp_worker *w, struct pkt_burst *b, unsigned int i);
/* Are earlier packets of this flow (or FLOW_NONE) or key with control? */
static inline bool
worker_gate(const struct dp_worker *w, uint32_t flow, uint32_t hash)
{
	uint32_t n = w->gate[hash & DP_GATE_MASK];

	return (flow != FLOW_NONE ? n | w->gate[(flow >> 1) & DP_GATE_MASK] : n) != 0;
}
void
worker_drop(struct dp_worker *w, struct rte_mbuf *m, enum drop_reason why);
/* At the end: what waits for packets that will not come back any more. */
void
worker_drop_parked(struct dp_worker *w);
void
worker_handover(struct dp_worker *w, struct rte_mbuf *m, uint16_t port_in, unsigned int to);

/* ---- session.c: control lcore (its parts: session.h) -------------------------------------------------------- */

/* Decide about a packet that a worker handed over and give it back (or hold it). Takes m. */
void
session_packet(struct dp *dp, struct rte_mbuf *m, uint64_t now);
/* session_lend.c: those that wait for their lines. Returns how many there were. */
unsigned int
session_lend_poll(struct dp *dp, uint64_t now);
/* Must m wait behind them? Then it is taken. */
bool
session_waits(struct dp *dp, struct rte_mbuf *m);
/* Send on what l3 handed back (answers, released and given-up packets). */
void
session_l3_flush(struct dp *dp);
/* What session_return() collected for a worker: to be said before control does anything else. */
void
session_return_flush(struct dp *dp, unsigned int worker);
/* session_frag.c: room for fragments; those that wait now; those whose time is over. */
int
session_frag_create(struct dp *dp);
uint32_t
session_frag_waiting(const struct dp *dp);
void
session_frag_tick(struct dp *dp, uint64_t now);
/* Close a connection: it ends now for limits, readers and events. */
void
session_close(struct dp *dp, uint32_t conn, enum ct_why why);
/* A connection that no reader has any more: release what its flows refer to. */
void
compile_release(struct dp *dp, uint32_t conn);

/* ---- control.c: control lcore --------------------------------------------------------------------------------- */

/* One round of everything control does, bounded. Returns packets handled. */
unsigned int
control_poll(struct dp *dp, uint64_t now);

/* ---- table_watch.c: control lcore ------------------------------------------------------------------------------ */

/* Once in a while: say that the connection table is full, once an episode, and what to do. */
void
table_watch(struct dp *dp, uint64_t now);

/* ---- ports.c, start.c, show.c ---------------------------------------------------------------------------------- */

int
ports_open(struct dp *dp);
int
ports_start(struct dp *dp);
void
ports_close(struct dp *dp);
/* One more than the highest queue of this port that a class steers to; 0 = none. */
uint16_t
ports_queues_steered_to(const struct dp *dp, const struct cfg_port *port);
const char *
ports_name(void *dp, uint16_t port);

/* A rule as the classifier takes it. */
struct cls_rule
policy_rule(const struct cfg_rule *r);
int
policy_create(struct dp *dp);
void
policy_destroy(struct dp *dp);
int
show_register(struct dp *dp);

/* show_text.c: renderings of the JSON that show.c's methods give */
void
show_stats_text(FILE *out, const json_t *r);
void
show_drops_text(FILE *out, const json_t *r);
void
show_ports_text(FILE *out, const json_t *r);
void
show_clear_text(FILE *out, const json_t *r);

/* ---- replay.c: in-memory ports ----------------------------------------------------------------------------------- */

struct replay_port; /* rings behind a net_ring port */
int
replay_attach(struct dp *dp, unsigned int port);
void
replay_detach(struct dp *dp);
/* Write down what happened to connections, before there is more of it than the ring keeps. */
void
replay_events(struct dp *dp);

/* Sum of all lcores' counters, less what was cleared. */
struct dp_totals {
	struct counters c;
	uint64_t busy_cycles;
	uint64_t busy_packets;
	uint64_t stage_cycles[DP_STAGES];
	uint64_t control_cycles;
	uint64_t control_packets;
	uint64_t now; /* ns */
};
void
dp_totals(const struct dp *dp, struct dp_totals *out);

/* ---- traces: what --verdicts prints. Nothing when t is NULL (live). ------------------------------------------- */

static inline struct dp_trace_record *
trace_record(const struct dp_trace *t, const struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta_const(m);

	if (likely(t == NULL) || meta->sequence - t->base >= t->n)
		return NULL;
	return &t->rec[meta->sequence - t->base];
}

/* What became of an input packet. Packets that shunt made leave no trace of their own. */
static inline void
trace_put(const struct dp_trace *t, const struct rte_mbuf *m, enum pkt_verdict verdict,
		enum drop_reason reason)
{
	struct dp_trace_record *r = trace_record(t, m);

	if (unlikely(r != NULL)) {
		r->verdict = (uint8_t)verdict;
		r->reason = (uint8_t)reason;
	}
}

/* State of the packet and of its connection, as they are now. */
void
trace_note(const struct dp *dp, const struct rte_mbuf *m);

#endif /* DATAPLANE_DP_PRIV_H */
