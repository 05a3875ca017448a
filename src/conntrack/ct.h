/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection tracking: the store (hash table, connections, ageing) and the protocol trackers.
 *
 * The control lcore is the only writer of the table: everything here is its to call, except what is marked
 * [any lcore], which takes no lock. Knows nothing of policy: who may connect where is the session code's business.
 */
#ifndef CONNTRACK_CT_H
#define CONNTRACK_CT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/drop.h"
#include "base/flow.h"
#include "base/pkt.h"
#include "conntrack/ct_conn.h"

struct ct_table; /* opaque */
struct rte_rcu_qsbr;

/* ---- table ------------------------------------------------------------------------------------------------ */

/* Seconds, by tracker and state; the kernel's nf_conntrack defaults when ct_timeouts_default() filled it in. */
struct ct_timeouts {
	uint32_t tcp[CT_TCP_STATES]; /* by enum ct_tcp_state; [CT_TCP_NONE] unused */
	uint32_t tcp_retrans;	     /* at most, when the same segment keeps being sent */
	uint32_t tcp_unack;  /* at most, while data is not acknowledged or no answer was seen */
	uint32_t udp;	     /* unreplied */
	uint32_t udp_stream; /* replied */
	uint32_t icmp;
	uint32_t icmp6;
	uint32_t generic;
	uint32_t sctp[CT_SCTP_STATES]; /* by enum ct_sctp_state; [CT_SCTP_NONE] unused */
	uint32_t gre;		       /* unreplied */
	uint32_t gre_stream;	       /* replied */
	uint32_t dccp[CT_DCCP_STATES]; /* by enum ct_dccp_state; [CT_DCCP_NONE] unused */
};
void
ct_timeouts_default(struct ct_timeouts *t);

/* What is counted of a zone. Zones that are not listed are neither counted nor limited. */
struct ct_zone_params {
	uint16_t id;
	uint32_t limit; /* connections; 0 = as many as there is room for */
};
#define CT_POLICIES_MAX 255 /* beside the defaults */
/* What is recorded of what happens to connections (ct_event.c). */
struct ct_events_params {
	uint32_t ring; /* events that are kept, rounded up to a power of two; 0: none ever */
	uint8_t kinds; /* bits 1 << enum ct_event_kind: those that are recorded; 0: all */
	bool always;   /* also while nobody reads: for who asks afterwards */
};

struct ct_params {
	uint32_t connections;	   /* at most so many, both families; 1 .. 2^30 */
	uint32_t connections6;	   /* of which at most so many IPv6; 0 .. connections */
	uint32_t extensions;	   /* connections that may have a struct ct_ext */
	uint32_t expectations;	   /* connections that may be expected at a time; 0 .. 2^24 */
	struct flow_hasher hasher; /* packets' keys and hashes are made with the same */
	uint32_t early_drop; /* percent of the table from which on openings evict; 0 = never */
	const struct ct_zone_params *zones; /* each id once; read by ct_create only */
	uint32_t n_zones;
	int socket_id;
	struct rte_rcu_qsbr *
			qsbr; /* readers' quiescent states; owned by the caller, outlives the table */
	struct ct_timeouts timeouts;
	const struct ct_timeouts
			*policies; /* copied; policy i is the connection's ct_conn.policy i + 1 */
	unsigned int n_policies;   /* 0 .. CT_POLICIES_MAX */
	bool tcp_loose;	  /* pick up TCP connections in the middle (nf_conntrack_tcp_loose) */
	bool tcp_liberal; /* window misses are not invalid (nf_conntrack_tcp_be_liberal) */
	bool tcp_ignore_invalid_rst; /* RSTs before the window go by the window (..._ignore_invalid_rst) */
	uint8_t tcp_max_retrans; /* the same segment so often: the other end is gone (..._max_retrans) */
	struct ct_events_params events;
};

/* NULL with rte_errno set (EINVAL, ENOMEM). All memory is taken here: nothing is allocated later. */
struct ct_table *
ct_create(const struct ct_params *p);
void
ct_destroy(struct ct_table *t);

/* [any lcore] Base of the connection array and of the IPv6 addresses; constant for the table's life. */
struct ct_conn *
ct_conns(const struct ct_table *t);
const struct ct_conn6 *
ct_conns6(const struct ct_table *t);

/* [any lcore] How packets' keys and hashes must be made. */
const struct flow_hasher *
ct_hasher(const struct ct_table *t);

/*
 * [any lcore, inside an RCU read section] Find the flows of a burst: for every packet whose key.family is not 0,
 * b->flow[i] becomes its flow id or FLOW_NONE. b->hash must be set. The flow's first line is in cache, or on its way
 * there, afterwards. May miss a flow that is being moved at this instant: the caller then asks control, which never
 * misses. Prefetches: bucket of all, then flow lines of all, then compares.
 */
void
ct_find_burst(const struct ct_table *t, struct pkt_burst *b);

/* Control: the flow id of a tuple (digests in its key are not looked at), or FLOW_NONE. Exact. */
uint32_t
ct_find(const struct ct_table *t, const struct flow_tuple *tuple);

/* Control: tuple of a flow (both families), for reports, ICMP translation, compilation. */
void
ct_tuple(const struct ct_table *t, uint32_t flow_id, struct flow_tuple *out);

/* ---- life of a connection (control lcore) ------------------------------------------------------------------ */

/* A packet as the trackers see it. */
struct ct_packet {
	const struct pkt_info *info;
	const uint8_t *l4; /* transport header, contiguous */
	uint32_t l4_len;   /* bytes of transport header and payload by the IP length */
	uint32_t l4_avail; /* of which readable at l4 (the rest may be in further mbuf segments) */
	uint64_t now;	   /* ns */
	/*
	 * How far sequence numbers of the other direction are moved on their way to this sender: taken off its ACK and
	 * SACK before they are compared with what the other side sent. See struct ct_seqadj.
	 */
	uint32_t ack_offset;
};

struct ct_verdict {
	enum ct_state state;	 /* as nf_conntrack says it: new, established, invalid */
	enum drop_reason reason; /* why invalid */
	bool established; /* both directions may run on the fast path from now on (TCP: assured as well) */
	bool closing; /* they may not any more, until `established` is said again */
	bool reopen;  /* close this connection and treat the packet as the first of a new one */
	bool close;   /* close the connection after this packet was sent on */
};

/*
 * May this packet open a connection? DROP_NONE, or why not (`invalid`): TCP by its flags and loose mode, ICMP by its
 * type (only queries), others always.
 */
enum drop_reason
ct_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt);

/*
 * Open a connection and publish both flows. `original` as the packet came, `reply` as the answer will come (differs
 * from the plain inversion when NAT translates). Sets keys and trackers' first state, last_seen, CT_S_DNAT / CT_S_SNAT;
 * flow rewrite fields are zero, flags 0: the session code compiles them before it returns the packet.
 * Returns 0 and *conn, -EEXIST (one of the tuples is taken, or they are equal), -EDQUOT (its zone's limit is reached),
 * -ENOSPC (table or IPv6 part full).
 *
 * Near the end of the table (ct_params.early_drop) it closes another connection first, one that is not assured and has
 * no extension: an index that the caller holds across this call may be closed afterwards. Like every closed one it comes
 * out of ct_reclaim() when readers have left.
 */
int
ct_open(struct ct_table *t, const struct flow_tuple *original, const struct flow_tuple *reply,
		uint8_t owner, const struct ct_packet *pkt, uint32_t *conn);

/*
 * Run the tracker for a packet of a known connection (for the opening packet too, after ct_open), stamp last_seen if the
 * packet keeps the connection alive (not: invalid ones, SYNs repeated to nobody, TCP that the tracker does not believe),
 * re-arm the timer when its timeout became shorter. Packets and bytes are counted by whoever runs the flow, not here.
 */
void
ct_track(struct ct_table *t, uint32_t conn, enum flow_dir dir, const struct ct_packet *pkt,
		struct ct_verdict *v);

/*
 * [owner worker] A TCP packet without SYN, FIN or RST of a connection that may run on the fast path: check its sequence
 * numbers, and learn from them. False: it is not in the window; hand it to control, whose ct_track() will say so too.
 * Touches only the connection's tracker line.
 */
bool
ct_track_fast(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt);

/*
 * [owner worker] An SCTP packet that has neither a chunk that changes the association nor an INIT: does it carry the tag
 * that its receiver had asked for (RFC 9260 8.5)? Touches only the connection's tracker line.
 */
static inline bool
ct_sctp_tag_fits(const struct ct_conn *c, enum flow_dir dir, const uint8_t *l4)
{
	return memcmp(l4 + 4, &c->sctp.tag[dir], sizeof(c->sctp.tag[dir])) == 0;
}

/*
 * The connection's extension, or NULL. [any lcore] for flows that say FLOW_F_ADJUST. ct_ext_add() takes one, zeroed, unless
 * it has one already; NULL: all are in use. It goes with the connection.
 */
struct ct_ext *
ct_ext(const struct ct_table *t, uint32_t conn);
struct ct_ext *
ct_ext_add(struct ct_table *t, uint32_t conn);
/* For who can do without: it does not get the last eighth, which handshakes with a SYN cookie need. */
struct ct_ext *
ct_ext_add_spare(struct ct_table *t, uint32_t conn);
/* Make `child` one of `master`'s. Both have an extension; the child has no master yet. */
void
ct_ext_link(struct ct_table *t, uint32_t master, uint32_t child);
/*
 * Connections that `master` expected and that live: up to `limit` of them into out[]; returns their number. Who closes
 * a master before its time (flush, a new policy) closes them too; when it ends by itself, they live on.
 */
unsigned int
ct_children(const struct ct_table *t, uint32_t master, uint32_t *out, unsigned int limit);

/* ---- expectations (ct_expect.c, control lcore) ------------------------------------------------------------- */

/*
 * A connection that another one, its master, announced. The first packet that fits is `related`: the connection gets
 * the master's mark and a link to it. Sent on with the addresses below, its source port kept where that is free.
 */
struct ct_expect {
	struct flow_tuple tuple; /* as its first packet arrives; what is "any" is zero */
	struct flow_addr src;	 /* as it leaves */
	struct flow_addr dst;
	rte_be16_t dport;
	bool any_src;
	bool any_sport;
	bool permanent; /* it stays when a connection came; else it lets in one */
	uint32_t master;
	uint32_t timeout; /* seconds; 1 .. */
	uint32_t at_once; /* of this master; one more ends the oldest */
};

/*
 * From now on, for the master's life and at most its timeout. The same again, of the same master, takes the place of
 * the earlier one. 0 and *index; -EBUSY (a packet could be for another master's, too), -ENOSPC (the table is full).
 */
int
ct_expect_add(struct ct_table *t, const struct ct_expect *e, uint64_t now, uint32_t *index);
/* Index of the expectation that a first packet's tuple fits, or FLOW_NONE. Free while nothing is expected. */
uint32_t
ct_expect_find(const struct ct_table *t, const struct flow_tuple *tuple);
const struct ct_expect *
ct_expect_get(const struct ct_table *t, uint32_t index);
/*
 * `child`, just opened, is it: links it to the master, gives it the master's mark and CT_S_EXPECTED. 0, or -ENOSPC when no
 * extension is left.
 */
int
ct_expect_take(struct ct_table *t, uint32_t index, uint32_t child);
void
ct_expect_remove(struct ct_table *t, uint32_t index);
/* For reports: the next one in use at or after `from`, or FLOW_NONE; seconds that it has left. */
uint32_t
ct_expect_next(const struct ct_table *t, uint32_t from);
uint32_t
ct_expect_expires_in(const struct ct_table *t, uint32_t index, uint64_t now);

const char *
ct_helper_name(enum ct_helper h); /* "none", "ftp", "tftp" */

/*
 * Ask memory early for what ct_open() will touch: the buckets of the packet's hash, and the next free slot. A few packets
 * ahead; the answer's buckets are not known before its tuple is, and ct_open() asks for those itself.
 */
void
ct_prefetch_open(const struct ct_table *t, uint32_t hash);
/* The same of a tuple: of the answer, as soon as that is known. */
void
ct_prefetch_tuple(const struct ct_table *t, const struct flow_tuple *tuple);
/* And for ct_close(): the connection's lines. */
void
ct_prefetch_close(const struct ct_table *t, uint32_t conn);

/* Why a connection ended. */
enum ct_why {
	CT_WHY_NONE = 0,
	CT_WHY_CLOSED,	   /* its packets said so, or it gave way to a new one */
	CT_WHY_EXPIRED,	   /* silent for its timeout */
	CT_WHY_FLUSHED,	   /* somebody asked for it */
	CT_WHY_EARLY_DROP, /* had to make room for others */
	CT_WHYS
};

/* Take it out of the table at once; the slot is reused when every reader has left. */
void
ct_close_for(struct ct_table *t, uint32_t conn, enum ct_why why);
/* The same, CT_WHY_CLOSED. */
void
ct_close(struct ct_table *t, uint32_t conn);

/*
 * Close what has been idle for its timeout at `now`: at most `limit` timers are looked at. Indices of closed connections go
 * to closed[] (at most limit, still readable until ct_reclaim() gives them); returns their number. Bounded work, to be
 * called often; what was not reached is done by the next call.
 */
unsigned int
ct_age(struct ct_table *t, uint64_t now, uint32_t *closed, unsigned int limit);

/* Would ct_age() have more to do at `now`? */
bool
ct_age_due(struct ct_table *t, uint64_t now);

/*
 * Give back slots whose readers have left; at most `limit`. Returns the number. Never waits. Indices go to gone[] unless it
 * is NULL: nobody runs their flows any more, so what these refer to may be released; they are readable until the next
 * ct_open().
 */
unsigned int
ct_reclaim(struct ct_table *t, uint32_t *gone, unsigned int limit);

/* ---- reading (control lcore) -------------------------------------------------------------------------------- */

struct ct_stats {
	uint32_t connections; /* now */
	uint32_t connections6;
	uint32_t connections_max;
	uint32_t connections6_max;
	uint32_t buckets;
	uint32_t slots;
	uint64_t opened;
	uint64_t closed;
	uint64_t expired;
	uint64_t full; /* refused: no slot */
	uint64_t unplaced; /* refused: slots, but no place in its buckets: hashes that collide on purpose */
	uint64_t early_dropped; /* closed to make room */
	uint64_t zone_limited;	/* refused: limit of the zone */
	uint32_t dying;		/* closed, and not yet reclaimed */
	uint64_t clashes;	/* refused: tuple taken */
	uint64_t displaced;	/* entries moved to make room */
	uint64_t bytes;		/* all memory of the table, but for the events' ring */
	uint32_t exts;		/* extensions in use */
	uint32_t exts_max;
	uint64_t ext_full; /* refused: no extension left */
	uint32_t expects;  /* expectations now */
	uint32_t expects_max;
	uint64_t expects_made;
	uint64_t expects_met;  /* connections that came */
	uint64_t expects_full; /* refused: no room */
	uint64_t expects_expired;
	uint32_t half_open; /* TCP, opened by a SYN and not established yet */
};
void
ct_stats(const struct ct_table *t, struct ct_stats *out);

/* Connections of a zone that ct_params.zones lists; 0 of others. */
uint32_t
ct_zone_connections(const struct ct_table *t, uint16_t zone);

/* Next used connection at or after index `from`, or FLOW_NONE. Looks at no more than `limit` slots: then returns FLOW_NONE with *next set to where to go on, else *next = found + 1; *next = FLOW_NONE at the end. */
uint32_t
ct_next(const struct ct_table *t, uint32_t from, uint32_t limit, uint32_t *next);

/* Seconds until it expires if nothing comes, at `now`. */
uint32_t
ct_expires_in(const struct ct_table *t, uint32_t conn, uint64_t now);

const char *
ct_tcp_state_name(enum ct_tcp_state s); /* "SYN_SENT", as conntrack -L prints */
const char *
ct_sctp_state_name(enum ct_sctp_state s);
const char *
ct_dccp_state_name(enum ct_dccp_state s);
/* Of the connection's tracker, or NULL where it has no states. */
const char *
ct_state_of(const struct ct_conn *c);

/* ---- flags of a packet ------------------------------------------------------------------------------------------ */

/* As Open vSwitch (ct_state) and tc (flower ct_state) call them, and Open vSwitch's values. */
#define CT_FLAG_NEW 0x01u
#define CT_FLAG_EST 0x02u
#define CT_FLAG_REL 0x04u
#define CT_FLAG_RPL 0x08u
#define CT_FLAG_INV 0x10u
#define CT_FLAG_TRK 0x20u
#define CT_FLAG_SNAT 0x40u /* of the connection, so in both directions */
#define CT_FLAG_DNAT 0x80u

/*
 * [any lcore] Flags of a packet. `dir` may be 2, for none; `c` is NULL for a packet without a connection. Nothing that was
 * not tracked has any.
 */
uint8_t
ct_flags(const struct ct_conn *c, unsigned int dir, enum ct_state state);
/* Name of the i-th flag, in the order in which they are listed: "trk" first. NULL: no more; *flag: its bit. */
const char *
ct_flag_name(unsigned int i, uint8_t *flag);

/* What the TCP tracker learned of the side that sends in a direction. */
struct ct_tcp_side {
	bool window_scale; /* offered in its SYN */
	bool sack;
	uint8_t scale; /* shift count */
	bool closed_first;
	bool guessed; /* picked up in the middle */
};
void
ct_tcp_side(const struct ct_conn *c, enum flow_dir dir, struct ct_tcp_side *out);

/* ---- events (control lcore) ---------------------------------------------------------------------------------- */

enum ct_event_kind { CT_EVENT_NEW, CT_EVENT_UPDATE, CT_EVENT_DESTROY, CT_EVENT_KINDS };
#define CT_EVENTS_ALL ((1u << CT_EVENT_KINDS) - 1)

/* ct_event.changed: what an update is about */
#define CT_CHANGED_REPLY 0x01u
#define CT_CHANGED_ASSURED 0x02u
#define CT_CHANGED_STATE 0x04u /* of the tracker */
#define CT_CHANGED_MARK 0x08u
#define CT_CHANGED_FAST 0x10u

/* The connection as it was at that moment: later ones may have its slot by the time that somebody reads. */
struct ct_event {
	uint64_t sequence;   /* 0, 1, 2, ... over all kinds that are recorded */
	uint64_t time;	     /* ns */
	uint64_t packets[2]; /* by enum flow_dir. Destroy: what it had carried */
	uint64_t bytes[2];
	uint32_t conn;
	uint32_t mark;
	uint32_t expires; /* seconds of silence that end it */
	uint16_t status;  /* CT_S_* */
	uint16_t class_id;
	uint8_t kind; /* enum ct_event_kind */
	uint8_t why;  /* enum ct_why, of a destroy */
	uint8_t changed;
	uint8_t state; /* enum ct_tcp_state; other protocols: their tracker's own */
	uint8_t owner;
	bool fast;
	struct flow_tuple tuple[2]; /* by enum flow_dir */
};

/* Where somebody is in the ring. Any number of them; each is overrun for itself. */
struct ct_reader {
	uint64_t next; /* sequence number of the next event to be read */
};

/*
 * Begin to read with the next event that happens: events are recorded from now on. -ENOTSUP: there is no ring.
 * Every reader that was opened is closed again.
 */
int
ct_events_open(struct ct_table *t, struct ct_reader *r);
void
ct_events_close(struct ct_table *t, struct ct_reader *r);

/*
 * The reader's next event, or NULL: nothing new. *lost: how many before it were overwritten before they were read; the
 * reader has been moved behind them. Valid until the next call that changes the table.
 */
const struct ct_event *
ct_events_next(struct ct_table *t, struct ct_reader *r, uint64_t *lost);

/* A reader that is not opened, `back` events before the end, or at the oldest that is there. */
void
ct_events_recent(struct ct_table *t, struct ct_reader *r, uint64_t back);

/* For who changes what the tracker does not know: CT_CHANGED_MARK, CT_CHANGED_FAST. */
void
ct_changed(struct ct_table *t, uint32_t conn, uint8_t changed);

struct ct_event_stats {
	uint64_t written[CT_EVENT_KINDS];
	uint64_t next;	  /* sequence number of the next event */
	uint64_t lost;	  /* by all readers together */
	uint32_t ring;	  /* 0: no events */
	uint32_t readers; /* now */
	bool on;	  /* recording */
};
void
ct_event_stats(const struct ct_table *t, struct ct_event_stats *out);

const char *
ct_event_name(enum ct_event_kind k); /* "new", "update", "destroy" */
const char *
ct_why_name(enum ct_why w); /* "closed", "expired", "flushed", "early_drop" */

#endif /* CONNTRACK_CT_H */
