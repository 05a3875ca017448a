/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of connection tracking: the table's layout, the hash that readers walk without locks, the
 * timer wheel, and what a protocol tracker is. Included by this folder and by its tests only.
 *
 * ct_table.c   memory, statistics, walking
 * ct_hash.c    buckets: the only writer's side; ct_find.c: the readers' side
 * ct_conn.c    life of a connection: open, track, close, age
 * ct_slots.c   places in the table: free, waiting for readers, taken from somebody; zones
 * ct_ext.c     what few connections have beside that; ct_expect.c: connections that are announced
 * ct_event.c   what happened to connections, for those who listen
 * ct_wheel.c   when to look at a connection again
 * ct_tcp.c ct_tcp_window.c ct_udp.c ct_icmp.c ct_sctp.c ct_dccp.c ct_gre.c ct_other.c   trackers
 * ct_flags.c   a packet's state as others name it
 * ct_check.c   invariants of all of it, for tests and fuzzing
 */
#ifndef CT_PRIV_H
#define CT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#include <emmintrin.h>
#endif

#include "base/flow.h"
#include "base/time.h"
#include "conntrack/ct.h"

/* ---- hash ----------------------------------------------------------------------------------- */

/*
 * One cache line. Tag = low byte of the flow's hash, never 0; tag 0 = free slot. A flow lies in one
 * of the two buckets of its hash, in the first one if there was room. 12 is what fits beside the
 * ids, and lets two choices a flow fill the table well beyond the 85 % that it is sized for.
 */
#define CT_SLOTS 12

struct ct_bucket {
	uint8_t tag[CT_SLOTS];	 /* [A] published with release, after the id */
	uint8_t spare[4];	 /* [I] 0: the tags are compared 16 at a time */
	uint32_t flow[CT_SLOTS]; /* [A] flow ids */
} __rte_cache_aligned;
_Static_assert(sizeof(struct ct_bucket) == 64, "a bucket is one cache line");

static inline uint8_t
ct_tag(uint32_t hash)
{
	uint8_t tag = (uint8_t)hash;

	return tag + (tag == 0);
}

/* High bits of the hash choose the first bucket, so tags within one stay independent. */
static inline uint32_t
ct_bucket1(uint32_t n_buckets, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * n_buckets >> 32);
}

/* Never the first one again, unless there is only one. */
static inline uint32_t
ct_bucket2(uint32_t n_buckets, uint32_t hash)
{
	uint32_t mixed = (hash ^ hash >> 15) * UINT32_C(0x85ebca6b);
	uint32_t b = ct_bucket1(n_buckets, hash) + 1 + ct_bucket1(n_buckets - 1, mixed);

	return b < n_buckets ? b : b - n_buckets;
}

/* Bit i set: slot i holds `tag`. */
static inline uint32_t
ct_bucket_match(const struct ct_bucket *b, uint8_t tag)
{
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);
	uint32_t mask = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag)));

	rte_compiler_barrier(); /* ids after tags; x86 keeps the order of loads */
	return mask & ((1u << CT_SLOTS) - 1);
#else
	const uint64_t ones = UINT64_C(0x0101010101010101), low = ones * 0x7f;
	uint32_t mask = 0;
	unsigned int i;

	/*
	 * Exact zero bytes: a match too many could be a free slot, whose id may be anybody's by
	 * now.
	 */
	for (i = 0; i < 2; i++) {
		uint64_t x = __atomic_load_n(
				(const uint64_t *)(const void *)b->tag + i, __ATOMIC_ACQUIRE);

		x = rte_le_to_cpu_64(x) ^ ones * tag;
		x = ~(((x & low) + low) | x | low);
		mask |= (uint32_t)((x >> 7) * UINT64_C(0x0102040810204080) >> 56) << 8 * i;
	}
	return mask & ((1u << CT_SLOTS) - 1);
#endif
}

static inline uint32_t
ct_bucket_flow(const struct ct_bucket *b, unsigned int slot)
{
	return __atomic_load_n(&b->flow[slot], __ATOMIC_ACQUIRE);
}

/* ---- timer wheel ---------------------------------------------------------------------------- */

/*
 * Seven levels of 64 slots: slot s of level l holds deadlines that agree with `now` above level l,
 * and whose 6 bits at level l are s. 42 bits of ticks outlast 64 bits of nanoseconds, so there is
 * no overflow list. Lists are circular; their heads are the links behind those of the connections.
 */
#define CT_WHEEL_BITS 6
#define CT_WHEEL_SLOTS (1u << CT_WHEEL_BITS)
#define CT_WHEEL_LEVELS 7
#define CT_WHEEL_HEADS (CT_WHEEL_LEVELS * CT_WHEEL_SLOTS)

/*
 * Of a connection that is not in the wheel, `next` chains the free and the dying ones (ct_slots.c).
 *
 * Deadlines are the low bits of ticks, at most half of what 32 bits can say (4.5 years) away from
 * the wheel's own tick. What is later is looked at then, and filed again.
 */
struct ct_link {
	uint32_t next; /* FLOW_NONE: in no list */
	uint32_t prev;
	uint32_t deadline; /* tick */
};
#define CT_WHEEL_AHEAD INT32_MAX

struct ct_wheel {
	struct ct_link *link;
	uint32_t n;			/* connections; heads follow */
	uint64_t tick;			/* everything earlier has been looked at */
	uint64_t used[CT_WHEEL_LEVELS]; /* bit s: slot s is not empty */
};

void
ct_wheel_init(struct ct_wheel *w, struct ct_link *link, uint32_t n);

/* The tick of an empty wheel: nothing earlier will be filed. Never goes back. */
void
ct_wheel_start(struct ct_wheel *w, uint64_t now);

/* When a connection that is filed will be looked at. */
static inline uint64_t
ct_wheel_deadline(const struct ct_wheel *w, uint32_t conn)
{
	return w->tick + (uint64_t)(int64_t)(int32_t)(w->link[conn].deadline - (uint32_t)w->tick);
}

/* File a connection that is in no list. A deadline that has passed is looked at next. */
void
ct_wheel_add(struct ct_wheel *w, uint32_t conn, uint64_t deadline);

void
ct_wheel_del(struct ct_wheel *w, uint32_t conn);

/*
 * Take out one connection whose deadline is not later than `now`, or FLOW_NONE. Every timer touched
 * costs one of *budget; stops when that is 0, to go on from there in the next call.
 */
uint32_t
ct_wheel_next(struct ct_wheel *w, uint64_t now, unsigned int *budget);

/* ---- table ---------------------------------------------------------------------------------- */

/* Chained by the links of the timer wheel, in which none of them is. */
struct ct_free {
	uint32_t head; /* FLOW_NONE when n is 0 */
	uint32_t n;
};

/* The closed ones in order, chained likewise. Counts go up for ever. */
struct ct_dying {
	uint32_t head; /* next to be given back; FLOW_NONE when in = out */
	uint32_t tail;
	uint64_t in;	 /* closed */
	uint64_t marked; /* so many of them `token` stands for */
	uint64_t safe;	 /* so many of them no reader has any more */
	uint64_t out;	 /* given back */
	uint64_t token;
};

struct ct_zone {
	uint32_t limit;
	uint32_t n;
};

/* ---- events --------------------------------------------------------------------------------- */

struct ct_events {
	struct ct_event *ring; /* NULL: none */
	uint32_t mask;
	uint8_t kinds; /* that are asked for */
	uint8_t on;    /* that are recorded now: the kinds, or 0 while nobody listens */
	bool always;
	uint32_t readers;
	uint32_t fresh; /* opened, and its first packet not tracked yet: not announced */
	uint64_t now;	/* of the last packet or look at the timers */
	uint64_t next;	/* sequence number */
	uint64_t lost;
	uint64_t written[CT_EVENT_KINDS];
};

/* What a packet may change, as it was before. */
struct ct_before {
	uint16_t status;
	uint8_t state;
};

/* Everything [C], but for the first cache line, which readers share: [I]. */
struct ct_table {
	struct ct_bucket *buckets;
	struct ct_conn *conns;
	struct ct_conn6 *conns6; /* by connection index, n_conns6 of them */
	uint32_t n_buckets;
	uint32_t n_conns;
	uint32_t n_conns6;
	uint32_t *ext_of; /* by connection: its extension, or FLOW_NONE */
	struct ct_ext *exts;
	RTE_MARKER control __rte_cache_aligned;
	struct flow_hasher hasher;
	/*
	 * Free slots: those that have IPv6 addresses, at the table's beginning, and the rest. IPv4
	 * takes from the rest first.
	 */
	struct ct_free free_low;
	struct ct_free free_high;
	struct ct_dying dying;
	struct ct_wheel wheel;
	struct ct_zone *zones;
	uint16_t *zone_of;  /* by zone id: index of zones + 1, or 0; NULL: no zones */
	uint32_t early_low; /* fewer free slots than this, of the low part ... */
	uint32_t early_all; /* ... or of all: openings evict */
	uint64_t random;    /* where to look for somebody to evict */
	uint32_t n_exts;
	uint32_t ext_free;	    /* chained by .next */
	struct ct_expects *expects; /* NULL: none may be */
	struct rte_rcu_qsbr *qsbr;
	struct ct_timeouts *policies; /* [0]: the defaults; n_policies of them */
	unsigned int n_policies;
	bool tcp_loose;
	bool tcp_liberal;
	bool tcp_ignore_invalid_rst;
	uint8_t tcp_max_retrans;
	struct ct_events events;
	struct ct_stats stats;
};

static inline struct flow *
ct_flow(const struct ct_table *t, uint32_t flow_id)
{
	return &t->conns[flow_id >> 1].flow[flow_id & 1];
}

/* What its policy says. */
static inline const struct ct_timeouts *
ct_timeouts_of(const struct ct_table *t, const struct ct_conn *c)
{
	return &t->policies[c->policy < t->n_policies ? c->policy : 0];
}

/* 64-bit ticks: those of flows wrap after nine years, and captures start in 1970. */
static inline uint64_t
ct_tick64(uint64_t now)
{
	return now >> TIME_TICK_SHIFT;
}

/* Ticks that a connection has left at `tick`; 0: none. */
uint64_t
ct_ticks_left(const struct ct_table *t, struct ct_conn *c, uint64_t tick);

/* Ask for the buckets of a hash, to write to them. */
static inline void
ct_hash_prefetch(const struct ct_table *t, uint32_t hash)
{
	__builtin_prefetch(&t->buckets[ct_bucket1(t->n_buckets, hash)], 1);
	__builtin_prefetch(&t->buckets[ct_bucket2(t->n_buckets, hash)], 1);
}

/* Put a flow, whose key is complete and has this hash, where readers find it. 0 or -ENOSPC. */
int
ct_hash_insert(struct ct_table *t, uint32_t flow_id, uint32_t hash);
void
ct_hash_remove(struct ct_table *t, uint32_t flow_id, uint32_t hash);

/* A tuple as the hash table sees it. */
struct ct_look {
	struct flow_key key;
	uint32_t hash;
	struct flow_addr addr[2]; /* of IPv6 */
};

/* ct_find() when key and hash are known. */
uint32_t
ct_find_look(const struct ct_table *t, const struct ct_look *look);

/* ---- slots (ct_slots.c) --------------------------------------------------------------------- */

/* All are free. */
void
ct_slots_init(struct ct_table *t, uint32_t early_drop);
/* A free one for this family, or FLOW_NONE. */
uint32_t
ct_slot_take(struct ct_table *t, uint8_t family);
/* Nobody has seen it: free again at once. */
void
ct_slot_give(struct ct_table *t, uint32_t conn);
/* Readers may still hold it: it is free when they have left. */
void
ct_slot_retire(struct ct_table *t, uint32_t conn);
/*
 * Is the table so full for this family that somebody should go? How many: two when not every search
 * was lucky before, so that the reserve grows again.
 */
unsigned int
ct_slot_wanted(const struct ct_table *t, uint8_t family);
/* Who should go, or FLOW_NONE. Looks at a few slots only. */
uint32_t
ct_slot_victim(struct ct_table *t, uint8_t family);

static inline struct ct_zone *
ct_zone(const struct ct_table *t, uint16_t id)
{
	return t->zone_of == NULL || t->zone_of[id] == 0 ? NULL : &t->zones[t->zone_of[id] - 1];
}

/* Is a timer due at tick `now`? */
bool
ct_wheel_due(struct ct_wheel *w, uint64_t now);

/* ---- extensions ----------------------------------------------------------------------------- */

void
ct_ext_init(struct ct_table *t);
void
ct_ext_unlink(struct ct_table *t, uint32_t conn);
void
ct_ext_give(struct ct_table *t, uint32_t conn);

/* ---- expectations --------------------------------------------------------------------------- */

int
ct_expects_create(struct ct_table *t, const struct ct_params *p);
void
ct_expects_destroy(struct ct_table *t);
/* All of this master. */
void
ct_expects_forget(struct ct_table *t, uint32_t master);
/* End those whose time is over, at the cost of one of *budget each. */
void
ct_expects_age(struct ct_table *t, uint64_t tick, unsigned int *budget);
bool
ct_expects_due(struct ct_table *t, uint64_t tick);
/* For tests: NULL, or what is wrong. */
const char *
ct_expects_check(const struct ct_table *t);
/* ---- events: only called while events.on -------------------------------------------------------- */

int
ct_events_init(struct ct_table *t, const struct ct_events_params *p);
struct ct_before
ct_event_before(const struct ct_conn *c);
void
ct_event_opened(struct ct_table *t, uint32_t conn, uint64_t now);
void
ct_event_tracked(struct ct_table *t, uint32_t conn, struct ct_before before, uint64_t now);
void
ct_event_closed(struct ct_table *t, uint32_t conn, enum ct_why why);

/* ---- trackers ------------------------------------------------------------------------------- */

struct ct_ops {
	/* May this packet open a connection? */
	enum drop_reason (*may_open)(const struct ct_table *t, const struct flow_tuple *tuple,
			const struct ct_packet *pkt);
	/* First state of a connection's tracker (it is all zero before). */
	void (*open)(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt);
	/*
	 * A packet of the connection, CT_S_SEEN_REPLY as it was before it. Sets v->reason for an
	 * invalid one, and the flags of *v. True: it keeps the connection alive.
	 */
	bool (*track)(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
			const struct ct_packet *pkt, struct ct_verdict *v);
	/*
	 * Seconds of silence that end it. Packets that workers forwarded are known by last_seen
	 * only.
	 */
	uint32_t (*timeout)(const struct ct_table *t, struct ct_conn *c);
};

extern const struct ct_ops ct_tcp_ops;
extern const struct ct_ops ct_udp_ops;
extern const struct ct_ops ct_icmp_ops;
extern const struct ct_ops ct_sctp_ops;
extern const struct ct_ops ct_dccp_ops;
extern const struct ct_ops ct_gre_ops;
extern const struct ct_ops ct_other_ops;

const struct ct_ops *
ct_ops_of(const struct flow_key *key);

/* Has the connection been answered, counting a packet of direction `dir` that is being tracked? */
static inline bool
ct_answered(const struct ct_conn *c, enum flow_dir dir)
{
	return dir == FLOW_REPLY || (c->status & CT_S_SEEN_REPLY) != 0;
}

/* TCP that waits for its handshake to be completed: a flood of SYNs shows in the number of these. */
bool
ct_half_open(const struct ct_conn *c);

/* ---- TCP ------------------------------------------------------------------------------------ */

/* Segments as the state table sees them. */
enum ct_seg {
	CT_SEG_NONE = 0, /* none of the flags below: no stack sends it */
	CT_SEG_SYN,
	CT_SEG_SYNACK,
	CT_SEG_FIN,
	CT_SEG_ACK,
	CT_SEG_RST,
	CT_SEGS
};

/* Beside the states of enum ct_tcp_state, what the table may say. */
#define CT_TCP_IGNORE \
	0xfe /* let it pass, it says nothing about the connection that the tracker may believe */
#define CT_TCP_INVALID 0xff

/* State after a segment, or one of the two above. */
uint8_t
ct_tcp_next(enum flow_dir dir, enum ct_seg seg, enum ct_tcp_state state);

/* ct_tcp.flags[], by sender */
#define CT_TCP_F_WSCALE 0x01	 /* offered window scaling */
#define CT_TCP_F_SACK 0x02	 /* offered selective acknowledgements */
#define CT_TCP_F_CLOSE_INIT 0x04 /* closed first */
#define CT_TCP_F_LIBERAL 0x08	 /* picked up in the middle: its window is a guess */
#define CT_TCP_F_UNACKED 0x10	 /* sent data that is not acknowledged */
#define CT_TCP_F_MAXACK 0x20	 /* maxack is set */

/*
 * ct_tcp.last_flags: what the last let-through SYN offered (WSCALE, SACK), and about the
 * connection:
 */
#define CT_TCP_L_CHALLENGE 0x10	   /* a SYN came in LAST_ACK: RFC 5961 answers it with an ACK */
#define CT_TCP_L_SIMULTANEOUS 0x20 /* both sides sent a SYN */

/* ct_tcp.limits: why the connection may be kept for less than its state's time */
#define CT_TCP_T_RETRANS 0x01	/* the same segment came again and again */
#define CT_TCP_T_RST 0x02	/* a RST was the last that was believed */
#define CT_TCP_T_UNACKED 0x04	/* data is not acknowledged */
#define CT_TCP_T_CLOSED 0x08	/* somebody's window is closed */
#define CT_TCP_T_UNREPLIED 0x10 /* picked up in the middle, not answered yet */
#define CT_TCP_T_LOST 0x20 /* both sides tried to end outside of the window that is known here */

/* A segment, in host order. */
struct ct_segment {
	enum ct_seg kind;
	uint8_t flags; /* of the header */
	uint8_t option_len;
	uint16_t win; /* not scaled */
	uint32_t seq;
	uint32_t ack;
	uint32_t ack_offset; /* of struct ct_packet: off the ACK already, to be taken off SACK */
	uint32_t end;	     /* sequence number after it: payload, SYN and FIN count */
	const uint8_t *options;
};

enum ct_window {
	CT_WINDOW_IN,
	CT_WINDOW_PASS, /* late, repeated, or a little too early: let it pass, believe nothing */
	CT_WINDOW_OUT,
};

static inline bool
ct_seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Forget what was known about a sender and learn from its SYN: window, scaling, SACK. */
void
ct_tcp_window_syn(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s);

/* First segment of a connection that is picked up in the middle. */
void
ct_tcp_window_pickup(struct ct_tcp *tcp, const struct ct_segment *s);

/* What a SYN's options offer: CT_TCP_F_WSCALE, CT_TCP_F_SACK, and the shift count. */
uint8_t
ct_tcp_offer(const struct ct_segment *s, uint8_t *scale);

/* Check a segment against what is known of both sides, and learn from it. */
enum ct_window
ct_tcp_window(struct ct_tcp *tcp, enum flow_dir dir, const struct ct_segment *s, bool liberal);

/* ---- SCTP, DCCP ----------------------------------------------------------------------------- */

/* Chunks that say something about the association; all others only belong to it. */
enum ct_chunk {
	CT_CHUNK_INIT,
	CT_CHUNK_INIT_ACK,
	CT_CHUNK_ABORT,
	CT_CHUNK_SHUTDOWN,
	CT_CHUNK_SHUTDOWN_ACK,
	CT_CHUNK_ERROR,
	CT_CHUNK_COOKIE_ECHO,
	CT_CHUNK_COOKIE_ACK,
	CT_CHUNK_SHUTDOWN_COMPLETE,
	CT_CHUNK_HEARTBEAT,
	CT_CHUNK_HEARTBEAT_ACK,
	CT_CHUNKS
};

#define CT_SCTP_INVALID 0xff

/* State after a chunk, or CT_SCTP_INVALID. */
uint8_t
ct_sctp_next(enum flow_dir dir, enum ct_chunk chunk, enum ct_sctp_state state);

/* Packet types of RFC 4340 5.1, by their numbers. */
enum ct_dccp_type {
	CT_DCCP_T_REQUEST,
	CT_DCCP_T_RESPONSE,
	CT_DCCP_T_DATA,
	CT_DCCP_T_ACK,
	CT_DCCP_T_DATAACK,
	CT_DCCP_T_CLOSEREQ,
	CT_DCCP_T_CLOSE,
	CT_DCCP_T_RESET,
	CT_DCCP_T_SYNC,
	CT_DCCP_T_SYNCACK,
	CT_DCCP_TYPES
};

#define CT_DCCP_IGNORE 0xfe
#define CT_DCCP_INVALID 0xff

/* State after a packet of the client or the server, or one of the two above. */
uint8_t
ct_dccp_next(bool from_client, enum ct_dccp_type type, enum ct_dccp_state state);

/* ---- for tests ------------------------------------------------------------------------------ */

/* Check every invariant of the table, by walking all of it. NULL, or what is wrong. */
const char *
ct_check(const struct ct_table *t);

#endif /* CT_PRIV_H */
