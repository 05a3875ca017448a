/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator, `gen:key=value;key=value;...`: traffic that nobody has to record first. Frames are made, not stored: flow
 * number i is a permutation of i cut into addresses and ports, so 16 M flows need no table. Same seed and options, same
 * frames.
 *
 *   flows=N          N one-way flows (1). Each has a tuple of its own
 *   sessions=N       in place of flows: N sessions with both directions, established. TCP's seq and ack advance with the data
 *   dir=both|orig|reply   sessions: which side's frames this wire brings. One side alone repeats its first segment
 *   handshake=0|1    sessions: each begins with SYN, SYN ACK, ACK (0: established from its first frame)
 *   churn=N          sessions: so many a second end (FIN, FIN ACK, ACK) and begin anew with another tuple (SYN ...); UDP: anew
 *   seed=N           of tuples, order and payload; the NIC's if not given. Order differs by port, tuples do not
 *   proto=udp|tcp|mix|mix:P   mix: P percent of the flows are TCP (50)
 *   ipv6=0|1|P%      share of flows over IPv6
 *   src=NET dst=NET src6=NET dst6=NET   addresses: a prefix whose host bits vary by flow, or one address
 *                    (198.18.0.0/16, 198.19.0.1, 2001:2::/112, 2001:2:0:1::1; benchmarks' own: RFC 2544, RFC 5180)
 *   sport=A[-B] dport=A[-B]   ports (16384-49151, 80). Of a range its first 2^k, k as large as fits
 *   reply-src=NET reply-dst=NET reply-sport=N reply-dport=N   IPv4: what replies carry in place of the swapped tuple, behind
 *                    a NAT. Host bits of a prefix are those of the address that is replaced
 *   mac-src=MAC mac-dst=MAC   (02:00:00:00:00:fe, and the port's)
 *   vlan=ID          a tag
 *   vxlan=VNI        all of it inside of VXLAN (RFC 7348) over IPv4; out-src=NET out-dst=NET (192.0.2.1, 192.0.2.2), a tag outside
 *   size=B | A-B | B:W/B:W... | imix   length on the wire with the FCS: mbufs hold 4 less; up to 9732 (64). A-B: uniform. B:W: by
 *                    weights. imix: 64:7/594:4/1518:1. A frame is at least its headers, and inside of VXLAN 50 more than 64
 *   payload=zero|inc|random   (zero)
 *   tcp-flags=LETTERS   flows: of TCP, of FSRPAU (A)
 *   order=random|round|zipf:S   which flow is next (random); zipf: flow i with weight 1/(i+1)^S
 *   rate=RATE        see wire.h. Not given, or max: the link's, or with clock=off as fast as it is asked
 *   burst=N          N frames arrive at once, at the same mean rate (1)
 *   count=N          no more after so many, of all queues
 *   backlog=N        clock=off with rate=: frames that wait while nobody asks (4096); later ones are rx_missed
 *   check=0|1        stamps payloads, and checks frames that are sent to this wire: xstats wire_check_*, wire_latency_*.
 *                    Not with churn or handshake, whose segments have no payload
 *
 * A stamp is 18 bytes: 0x5347, flow, number in the flow, ns. Another generator with as many flows may check it: frames go
 * in by one port and out by another. Sessions have flows 2 s and 2 s + 1.
 *
 * With several rx queues a flow comes in the queue that RSS sends it to. A queue brings a share of the rate that is that of
 * its flows. A session is made by the queue of its original direction; its replies are handed to theirs.
 */
#ifndef HWSIM_GEN_H
#define HWSIM_GEN_H

#include <rte_byteorder.h>
#include <rte_ring.h>

#include "wire.h"
#include "wire_pace.h"

#define GEN_FLOWS_MAX (64u << 20)
#define GEN_ZIPF_MAX (16u << 20) /* 8 bytes a flow */
#define GEN_SIZES_MAX 4096u
#define GEN_HEAD_MAX 192 /* Ethernet, VLAN, IPv4, UDP, VXLAN, Ethernet, IPv6, TCP: 132 */
#define GEN_LANES SIM_RSS_QUEUES_MAX
#define GEN_STAMP 18u
#define GEN_FCS 4u
#define GEN_FIXED_MAX 256u /* frames up to this are copied whole */

enum gen_order { GEN_RANDOM, GEN_ROUND, GEN_ZIPF };
enum gen_dir { GEN_BOTH, GEN_ORIG, GEN_REPLY };
enum gen_payload { GEN_ZERO, GEN_INC, GEN_NOISE };

/* Addresses that differ in the low bits of their last 32. */
struct gen_net {
	uint8_t addr[16]; /* network order; IPv4: the last four */
	uint32_t low;	  /* the last 32 bits, host order, without host bits */
	uint32_t mask;	  /* host bits */
	bool given;
};

struct gen_ports {
	uint16_t first;
	uint8_t bits;
};

struct gen_conf {
	uint32_t flows; /* or sessions */
	bool sessions, handshake, check;
	uint8_t dir, order, payload; /* enums */
	uint8_t tcp_percent, v6_percent;
	uint8_t tcp_flags;
	uint64_t seed, churn, count, burst, backlog;
	double zipf;
	struct gen_net src[2], dst[2]; /* IPv4, IPv6 */
	struct gen_net reply_src, reply_dst;
	uint16_t reply_sport, reply_dport; /* 0: not given */
	struct gen_ports sport, dport;
	uint8_t mac_src[6], mac_dst[6];
	uint16_t vlan; /* 0: none */
	bool vxlan;
	uint32_t vni;
	struct gen_net out_src, out_dst;
	struct wire_rate rate;
	uint32_t n_sizes; /* a frame takes one of size[], each as likely */
	uint16_t *size;	  /* without FCS */
	uint16_t size_min, size_max;
};

/* Fills all of *c. It owns c->size afterwards, also when it fails. */
int
gen_conf_read(const struct wire_params *params, const char *options, struct gen_conf *c,
		struct sim_error *e);

/* --- tuples, gen_tuple.c --- */

/* A permutation of [0, 2^bits) whose bits are cut into the four fields. */
struct gen_space {
	uint64_t mask, mul[2], add;
	uint32_t half;			      /* shift */
	uint32_t shift[4], field[4], base[4]; /* src, dst, sport, dport; host order */
};

struct gen_tuple {
	rte_be32_t src, dst; /* low words */
	rte_be32_t ports;    /* source port, destination port, as on the wire */
};

/* 0, or -ERANGE: fewer than c->flows tuples. */
int
gen_space_init(struct gen_space *s, const struct gen_conf *c, bool v6);

static inline void
gen_tuple(const struct gen_space *s, uint64_t i, struct gen_tuple *t)
{
	uint64_t x = (i + s->add) & s->mask;

	/* Every step can be undone, so no two i meet: odd factors, and shifts that leave the high half. */
	x = x * s->mul[0] & s->mask;
	x ^= x >> s->half;
	x = x * s->mul[1] & s->mask;
	x ^= x >> s->half;
	t->src = rte_cpu_to_be_32(s->base[0] + ((uint32_t)(x >> s->shift[0]) & s->field[0]));
	t->dst = rte_cpu_to_be_32(s->base[1] + ((uint32_t)(x >> s->shift[1]) & s->field[1]));
	t->ports = rte_cpu_to_be_32(
			(s->base[2] + ((uint32_t)(x >> s->shift[2]) & s->field[2])) << 16 |
			(s->base[3] + ((uint32_t)(x >> s->shift[3]) & s->field[3])));
}

static inline uint64_t
gen_mix(uint64_t x)
{
	/* splitmix64's finaliser (Steele, Lea, Flood, OOPSLA 2014). */
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* --- frames, gen_frame.c --- */

/* Headers of one kind of frame, whose varying fields are 0, and sums of what does not vary. */
struct gen_tmpl {
	uint8_t b[GEN_HEAD_MAX] __attribute__((aligned(64)));
	uint16_t head;		 /* bytes up to the payload */
	uint16_t least;		 /* frame without payload, padded */
	uint16_t l3, l4;	 /* inner, or only ones */
	uint16_t out_l3, out_l4; /* outer; 0: no VXLAN */
	bool v6, tcp;
	uint32_t l3_sum, l4_sum, out_sum;
	/* Where src and dst low words, and the checksums are. */
	uint16_t src, dst, l4_ck;
};
#define GEN_SLACK 16u

struct gen_frame {
	struct gen_tuple tuple;
	uint32_t out_hash; /* VXLAN: source port and address */
	uint16_t len;	   /* of the frame, at least tmpl->least */
	uint16_t payload;
	/* TCP of sessions */
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *stamp; /* GEN_STAMP bytes in front of the payload, or NULL */
};

struct gen_pattern {
	uint8_t bytes[SIM_FRAME_MAX];
	uint32_t sum[SIM_FRAME_MAX + 1]; /* of the first n bytes, as words in memory order */
};

void
gen_tmpl_init(struct gen_tmpl *t, const struct gen_conf *c, bool v6, bool tcp, bool reply);
void
gen_pattern_init(struct gen_pattern *p, const struct gen_conf *c);
/* Sums of the inner headers and payload but for the tuple, as f has them. */
struct gen_sums {
	uint64_t l3, l4;
};
struct gen_sums
gen_frame_sums(const struct gen_tmpl *t, const struct gen_frame *f, const struct gen_pattern *p);
/* Writes f->len bytes at d, and up to 15 bytes of rubbish behind a frame without payload. */
void
gen_frame_put(uint8_t *d, const struct gen_tmpl *t, const struct gen_frame *f,
		const struct gen_conf *c, const struct gen_pattern *p);

/* Words in memory order into the 16 bits of an Internet checksum (RFC 1071, 2 (B): order of bytes does not matter). */
static inline uint16_t
gen_fold(uint64_t sum)
{
	uint32_t s;

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	s = (uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t) ~((s & 0xffff) + (s >> 16));
}

/* --- sessions, gen_session.c --- */

enum gen_phase {
	GEN_EST,
	GEN_FIN,
	GEN_FIN_REPLY,
	GEN_LAST_ACK,
	GEN_SYN,
	GEN_SYN_REPLY,
	GEN_ACK,
	GEN_PHASES
};

/* A segment that opens or closes. The row of GEN_EST has no segment of its own: either side sends data. */
struct gen_step {
	uint8_t reply; /* who sends */
	uint8_t flags;
	uint8_t next;  /* enum gen_phase */
	uint8_t renew; /* from here on another tuple */
};
extern const struct gen_step gen_steps[GEN_PHASES];

/* Written by the lane that owns the session. */
struct gen_session {
	uint32_t seq[2];		 /* next to send, by direction */
	uint32_t number : 24, phase : 8; /* how many were in this place before it; enum gen_phase */
	uint16_t queue[2];		 /* where its directions go */
};
_Static_assert(sizeof(struct gen_session) == 16, "16 M of them");

/* --- lanes, gen_lane.c --- */

struct gen_alias {
	uint32_t keep; /* of 2^32 */
	uint32_t other;
};

struct gen_pick {
	uint32_t flow; /* or session */
	bool reply;
};

/* Choices are made this many frames ahead, so that what they need is in the cache by then. */
#define GEN_LOOK 16u

/* What one queue brings. Only the lcore of that queue touches it, and the control thread while the gate is shut. */
struct gen_lane {
	uint32_t busy;	      /* [A] a call is inside */
	uint32_t n;	      /* flows or sessions */
	const uint32_t *flow; /* their numbers; NULL: all there are */
	struct gen_alias *alias;
	uint64_t rng;
	uint64_t cursor;
	bool started;
	uint64_t last; /* `now` of the last call */
	struct wire_pace pace;
	double mean;	/* ns a frame */
	uint64_t least; /* ns of the shortest, rounded down */
	uint64_t ahead; /* of a burst: ns by which the next one is later */
	uint64_t in_burst;
	struct wire_pace churn;
	uint32_t churn_cursor;
	uint32_t *turn; /* sessions between an old tuple and a new one: a ring */
	uint32_t turn_head, turn_n;
	struct gen_pick look[GEN_LOOK];
	uint32_t look_at;
	bool looking;
} __attribute__((aligned(64)));

#define GEN_TURNS 1024u

struct gen_check;

struct gen {
	struct wire w;
	struct gen_conf c;
	uint16_t ethdev, port;
	int socket;
	bool drop_late; /* backlog= holds */
	bool paced;
	bool mixed;   /* flows of more than one template */
	bool v6, tcp; /* if not mixed */
	uint64_t key;
	struct wire_rate rate; /* if paced: one of the two */
	struct gen_space space[2];
	uint32_t numbers[2];	       /* tuples that a session has, one after the other */
	struct gen_tmpl tmpl[2][2][2]; /* reply, IPv6, TCP */
	struct gen_pattern pattern;
	struct gen_session *session; /* NULL: they need no memory */
	uint32_t *sent;		     /* check=1: frames so far, by flow */
	struct gen_check *check;
	uint64_t left; /* [A] of count= */
	uint32_t shut; /* [A] the gate: lanes are being changed */
	bool many;     /* sessions are spread over several queues */
	struct sim_rss rss;
	uint32_t *lists;		    /* of all lanes */
	struct gen_alias *aliases;	    /* likewise */
	struct rte_ring *handed[GEN_LANES]; /* frames made by another lane */
	struct gen_lane lane[GEN_LANES];
	/* Whole frames but for the tuple, of both directions: the fast path. */
	bool fast;
	uint16_t fixed_len;
	struct gen_sums fixed_sums;
	uint8_t fixed[2][GEN_FIXED_MAX] __attribute__((aligned(64)));
};

int
gen_lanes_init(struct gen *g, struct sim_error *e);
void
gen_lanes_fini(struct gen *g);
/* Shuts the gate, sorts flows into lanes, opens it. */
void
gen_lanes_spread(struct gen *g, const struct sim_rss *rss);
/* Queue of one direction, under g->rss. */
uint16_t
gen_queue_of(const struct gen *g, uint32_t flow, uint32_t number, bool reply);
/* Times of a lane begin at `now`, or are moved where it may not be so late. */
void
gen_lane_time(struct gen *g, struct gen_lane *l, uint64_t now);

static inline uint64_t
gen_random(struct gen_lane *l)
{
	l->rng += UINT64_C(0x9e3779b97f4a7c15);
	return gen_mix(l->rng);
}

/* 32 random bits to [0, n). */
static inline uint32_t
gen_below(uint32_t bits, uint32_t n)
{
	return (uint32_t)((uint64_t)bits * n >> 32);
}

/* The next frame of a lane is `len` bytes. */
static inline void
gen_lane_step(const struct gen *g, struct gen_lane *l, uint32_t len)
{
	wire_pace_step(&l->pace, g->rate.bps != 0 ? len + WIRE_GAP : 1, &l->ahead);
	if (++l->in_burst >= g->c.burst) {
		l->pace.next += l->ahead;
		l->ahead = 0;
		l->in_burst = 0;
	}
}

static inline struct gen_pick
gen_pick(const struct gen *g, struct gen_lane *l, unsigned int order, bool sessions)
{
	struct gen_pick p = { .reply = sessions && g->c.dir == GEN_REPLY };
	const bool both = sessions && g->c.dir == GEN_BOTH;
	uint32_t at;

	if (order == GEN_ROUND) {
		const uint64_t end = (uint64_t)l->n << both;

		at = (uint32_t)(l->cursor >> both);
		if (both)
			p.reply = l->cursor & 1;
		l->cursor = l->cursor + 1 == end ? 0 : l->cursor + 1;
	} else {
		const uint64_t r = gen_random(l);

		at = gen_below((uint32_t)(r >> 32), l->n);
		/* Not of the bits that chose. */
		if (both)
			p.reply = r & 1;
		if (order == GEN_ZIPF && (uint32_t)gen_mix(r) >= l->alias[at].keep)
			at = l->alias[at].other;
	}
	p.flow = l->flow != NULL ? l->flow[at] : at;
	return p;
}

/* Whether flow or session i is over IPv6, and TCP; also while its tuples change. */
static inline void
gen_kind(const struct gen *g, uint32_t i, bool *v6, bool *tcp)
{
	uint64_t h;

	*v6 = g->v6;
	*tcp = g->tcp;
	if (!g->mixed)
		return;
	h = gen_mix(g->key ^ i);
	*v6 = gen_below((uint32_t)h, 100) < g->c.v6_percent;
	*tcp = gen_below((uint32_t)(h >> 32), 100) < g->c.tcp_percent;
}

/*
 * The next frame of a session or flow, but for its length and stamp: tuple, seq and flags. Returns its template; *control:
 * it has no payload; *queue is where it goes if g->many.
 */
struct gen_made {
	const struct gen_tmpl *tmpl;
	bool control, reply;
	uint16_t queue;
};
struct gen_made
gen_session_make(struct gen *g, struct gen_pick p, struct gen_frame *f);
/* Tuple of a direction. */
void
gen_tuple_of(const struct gen *g, uint32_t flow, uint32_t number, bool reply, struct gen_frame *f);
/* seq and ack of TCP without sessions' memory: the same segment again and again. */
static inline void
gen_seq_of_none(const struct gen *g, bool reply, struct gen_frame *f)
{
	const uint32_t seq[2] = { (uint32_t)g->key, (uint32_t)(g->key >> 32) };

	f->seq = seq[reply];
	f->ack = (f->flags & 0x10) != 0 ? seq[!reply] : 0;
}

int
gen_sessions_init(struct gen *g);
/* Begins what is due at `now`. */
void
gen_churn(struct gen *g, struct gen_lane *l, uint64_t now);
/* A session in the middle of it; false: there is none. */
bool
gen_churn_pick(struct gen *g, struct gen_lane *l, struct gen_pick *p);

/* --- what comes back, gen_check.c --- */
struct gen_check *
gen_check_create(uint32_t flows);
void
gen_check_destroy(struct gen_check *k);
void
gen_check_frames(struct gen_check *k, struct rte_mbuf *const *m, uint16_t n, uint64_t now);
/* Figures, not what is remembered of flows: the next frame of one is still the next. */
void
gen_check_reset(struct gen_check *k);
uint32_t
gen_check_xstats(struct gen_check *k, struct wire_xstat *x, uint32_t n);
void
gen_stamp(uint8_t stamp[GEN_STAMP], uint32_t flow, uint32_t number, uint64_t ns);

#endif /* HWSIM_GEN_H */
