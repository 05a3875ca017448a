/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The far side of a port's wire: loopback, capture files, a TAP interface, or a generator. Text of the devarg:
 *
 *   loop[:frames=N]                       what is sent comes back (the default)
 *   none                                  nothing comes, what is sent is lost and counted
 *   peer:N                                joined with port N of the same NIC, whose text says peer: and this port
 *   pcap:rx=FILE;tx=FILE;rate=RATE;loop=N;cut=drop|pad   a capture in at its own times or a rate; what is sent into another
 *                                         (wire_pcap.c)
 *   tap:NAME                              a kernel interface (wire_tap.c)
 *   gen:flows=N;size=B;rate=RATE;seed=N;sessions=N;churn=N;...   a generator (gen.h)
 *
 * RATE is frames a second (a bare number, or 10kpps, 10Mpps), or bits a second on the wire with preamble, FCS and gap (500M,
 * 10G, 2.5Gbps), or max. Separators are ';' because ',' is devargs'.
 *
 * A wire is used by one thread a direction and queue at a time. rx(q) of different queues may run on different lcores at
 * once; of a kind without spread() there is queue 0 alone, and its callers take turns (hwsim_port.rx_lock).
 */
#ifndef HWSIM_WIRE_H
#define HWSIM_WIRE_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "hwsim/core/pkt.h"
#include "hwsim/core/sim.h"
#include "hwsim/core/steer.h"

struct wire;

struct wire_params {
	const char *text; /* as above */
	uint16_t port;	  /* switch port */
	uint16_t ethdev;
	uint64_t seed;	   /* of the NIC; a wire's own seed= goes before */
	uint64_t link_bps; /* a rate that is not given is this */
	bool unpaced;	   /* clock=off: as fast as it is asked, unless a rate is given */
	int socket;
	uint8_t mac[6]; /* of the port: where a generator sends to, unless told otherwise */
	/*
	 * peer:N only: the wire of port N, if that is open and a peer: too (wire_peer_port() tells N); else NULL, and the
	 * link stays down until port N's wire is opened with this one as its peer.
	 */
	struct wire *peer;
};

/* Several lcores count at once: by wire_count_*(). */
struct wire_stats {
	uint64_t rx_frames, rx_bytes; /* towards the NIC */
	uint64_t tx_frames, tx_bytes; /* from it */
	uint64_t tx_lost;
	uint64_t errors;    /* frames too long, records cut off */
	uint64_t rx_missed; /* came while nobody took them: clock=off with a rate */
	uint64_t rx_nombuf; /* calls that found no mbuf: the frames wait */
};

/* A number of one kind alone, for the port's xstats as wire_<name>. */
struct wire_xstat {
	char name[32];
	uint64_t value;
};

struct wire_ops {
	const char *name;
	/*
	 * Frames that arrive at `now` or before, at most n, into mbufs of `pool`, chained where a frame is longer than the pool's
	 * buffers. when[i] is the ns at which frame i arrived; NULL if nobody asks. Only frames that RSS sends to queue q, where
	 * the wire knows how to (spread()), else q is 0.
	 * `now` is ns of a clock that all wires of the NIC share, so that one can measure what another sent. It may begin
	 * anywhere: a wire's own times begin with the first call, and again when the clock has gone back.
	 */
	uint16_t (*rx)(struct wire *w, uint16_t q, struct rte_mempool *pool, struct rte_mbuf **m,
			uint64_t *when, uint16_t n, uint64_t now);
	/*
	 * Takes n frames, frees them. Returns those that were taken; the rest stay the caller's. What was taken and got
	 * nowhere (a full loop, an unplugged peer) is in tx_lost. Offloads are done by then: a wire sends bytes as they are.
	 */
	uint16_t (*tx)(struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n, uint64_t now);
	/* The port's RSS, whenever it changes: a generator sorts its flows by it. NULL: the wire cannot. */
	void (*spread)(struct wire *w, const struct sim_rss *rss);
	/* ns of the next frame, UINT64_MAX: none in sight. For the virtual clock and interrupts. */
	uint64_t (*next)(struct wire *w);
	/* Readable when frames may be there, for interrupts; -1: there is none, ask next(). */
	int (*fd)(struct wire *w);
	bool (*link)(const struct wire *w);
	/* Fills up to n of them (`x` may be NULL with n = 0) and returns how many there are. NULL: none. */
	uint32_t (*xstats)(struct wire *w, struct wire_xstat *x, uint32_t n);
	/* Those begin anew. NULL: none, or none that can. Frames may run. */
	void (*reset)(struct wire *w);
	void (*close)(struct wire *w);
};

/* First member of every kind. */
struct wire {
	const struct wire_ops *ops;
	struct wire_stats stats;
};

/* For counters that lcores share; once a burst. */
static inline void
wire_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* Makes the wire that params->text asks for. `e` names the part of the text at fault. */
int
wire_open(const struct wire_params *params, struct wire **w, struct sim_error *e);

/* One each kind: `options` is the text behind the colon. */
int
wire_pcap_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e);
int
wire_tap_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e);
int
wire_gen_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e);
int
wire_loop_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e);
int
wire_none_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e);

int
wire_peer_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e);
/* N of "peer:N"; -ENOENT: text is of another kind; -EINVAL. */
int
wire_peer_port(const char *text, uint16_t *port);

/*
 * Copies a frame into mbufs of `pool`, a chain where one is too short. NULL: none are left. The result has no flags set;
 * its port is `ethdev`.
 */
struct rte_mbuf *
wire_mbuf(struct rte_mempool *pool, uint16_t ethdev, const uint8_t *data, uint32_t len);

/* "key=value;key=value": finds key, copies its value. 0, -ENOENT; wire_option_check() refuses unknown keys by name. */
int
wire_option(const char *options, const char *key, char *value, size_t size);
int
wire_option_check(const char *options, const char *const *known, struct sim_error *e);
/* Number of key into *v, which stays as it is where key is not given. k, M and G are decimal. */
int
wire_option_u64(const char *options, const char *key, uint64_t max, uint64_t *v,
		struct sim_error *e);

/* A rate, see above: one of the two is set, or neither for max. */
struct wire_rate {
	uint64_t pps;
	uint64_t bps;
};
int
wire_option_rate(const char *options, struct wire_rate *rate, struct sim_error *e);

#endif /* HWSIM_WIRE_H */
