/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the units of the NIC share: frames and their pool, pipes, exact rates, statistics, and struct sim_nic itself. For
 * the files of the NIC in this folder and nobody else.
 */
#ifndef HWSIM_CORE_NIC_PRIV_H
#define HWSIM_CORE_NIC_PRIV_H

#include <stdio.h>

#include "hwsim/core/engines.h"
#include "hwsim/core/event.h"
#include "hwsim/core/nic.h"

/* Room around a frame's bytes: two encapsulations in front, padding behind. */
#define SIM_HEADROOM 256
#define SIM_TAILROOM 64
/* Frames that lie at a wire's far side and nobody takes. */
#define SIM_WIRE_OUT_MAX 65536u

/* --- exact rates --- */

/*
 * A server that takes num / den cycles for a byte. It is free from cycle `free` + frac / den on: the fraction is carried, so
 * that a long run has the rate exactly.
 */
struct sim_rate {
	uint64_t num, den;
	sim_cycle free;
	uint64_t frac;
};

/* First whole cycle at which it is free. */
static inline sim_cycle
sim_rate_free(const struct sim_rate *r)
{
	return r->free + (r->frac != 0);
}

/* Who comes when it has been free for a whole cycle begins then; others follow without a gap. */
static inline void
sim_rate_begin(struct sim_rate *r, sim_cycle at)
{
	if (at > sim_rate_free(r)) {
		r->free = at;
		r->frac = 0;
	}
}

/* `n` bytes more; returns the first whole cycle at which the last one is through. */
static inline sim_cycle
sim_rate_take(struct sim_rate *r, uint64_t n)
{
	const uint64_t sum = r->frac + n * r->num;

	if (sum < r->den) {
		r->frac = sum;
	} else {
		r->free += sum / r->den;
		r->frac = sum % r->den;
	}
	return sim_rate_free(r);
}

/* --- statistics --- */

struct sim_unit {
	struct sim_unit_stats s;
	sim_cycle last; /* up to when queue_cycles is right */
};

static inline void
sim_unit_touch(struct sim_unit *u, sim_cycle now)
{
	u->s.queue_cycles += (now - u->last) * u->s.queue;
	u->last = now;
}

static inline void
sim_unit_enter(struct sim_unit *u, sim_cycle now)
{
	sim_unit_touch(u, now);
	if (++u->s.queue > u->s.queue_max)
		u->s.queue_max = u->s.queue;
}

static inline void
sim_unit_leave(struct sim_unit *u, sim_cycle entered, sim_cycle now)
{
	sim_unit_touch(u, now);
	u->s.queue--;
	u->s.served++;
	u->s.wait_cycles += now - entered;
}

/* --- frames --- */

enum sim_hold { SIM_HOLD_NONE, SIM_HOLD_RX, SIM_HOLD_TX };

struct sim_queue;

struct sim_nframe {
	struct sim_frame f; /* first: the rest of the model sees this */
	sim_cycle due;	    /* leaves the pipe that it is in */
	sim_cycle entered;  /* came into the unit that it is in */
	sim_cycle held;	    /* in the buffer since */
	sim_cycle seen; /* SIM_NEVER, or the write of its completion begins the way to the host at this cycle */
	struct sim_queue *q;
	uint32_t gen; /* of the queue, when it entered it: another one now means that the queue was stopped */
	uint32_t cells; /* of the buffer it is held in */
	uint8_t hold;	/* enum sim_hold */
	uint8_t size;	/* class of the pool */
	bool taken;	/* the caller has it */
	struct sim_ahead ahead;
	uint8_t bytes[] __attribute__((aligned(64)));
};

struct sim_list {
	struct sim_nframe *head, *tail;
	uint32_t n;
};

static inline void
sim_list_put(struct sim_list *l, struct sim_nframe *f)
{
	f->f.next = NULL;
	if (l->tail != NULL)
		l->tail->f.next = &f->f;
	else
		l->head = f;
	l->tail = f;
	l->n++;
}

static inline struct sim_nframe *
sim_list_take(struct sim_list *l)
{
	struct sim_nframe *f = l->head;

	if (f != NULL) {
		l->head = (struct sim_nframe *)f->f.next;
		if (l->head == NULL)
			l->tail = NULL;
		f->f.next = NULL;
		l->n--;
	}
	return f;
}

/* Sizes of frames in the pool: few bytes are touched for a small one. */
#define SIM_POOL_SIZES 3

struct sim_pool_slab {
	struct sim_pool_slab *next;
};

struct sim_pool {
	struct sim_list free[SIM_POOL_SIZES];
	struct sim_pool_slab *slabs;
	uint64_t bytes; /* of slabs */
	uint64_t used;	/* frames that are out, those the caller has among them */
};

/* NULL: no memory, or the pool's bound. Its bytes are not set. */
struct sim_nframe *
sim_frame_new(struct sim_nic *nic, const void *data, uint32_t len);
void
sim_frame_put(struct sim_nic *nic, struct sim_nframe *f);
void
sim_pool_free(struct sim_pool *p);

/* --- pipes --- */

/* Frames that come out in the order in which they went in, each at its cycle. One event is pending at most. */
struct sim_pipe {
	struct sim_nic *nic;
	struct sim_list list;
	struct sim_unit *unit;
	void (*out)(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now);
	uint8_t prio; /* enum sim_prio */
	bool armed;
};

void
sim_pipe_init(struct sim_pipe *p, struct sim_nic *nic, struct sim_unit *unit, enum sim_prio prio,
		void (*out)(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now));
/* `due` is not before that of the last one. */
void
sim_pipe_put(struct sim_pipe *p, struct sim_nframe *f, sim_cycle due);

/* --- PCIe --- */

/* What comes back at known cycles, in order: tags of reads, credits of posted writes. */
struct sim_returns {
	sim_cycle *at;
	uint32_t *units;
	uint32_t size, head, n; /* places; a power of two */
	uint32_t out, max;	/* units that are away, and may be */
};

struct sim_pcie {
	const struct sim_profile *profile;
	struct sim_rate up, down; /* to the host, from the host */
	struct sim_unit *up_unit, *down_unit;
	struct sim_returns tags, credits;
	sim_cycle read_rest; /* of the latency of a read, without what its TLPs take on the link */
	sim_cycle write_latency;
};

int
sim_pcie_init(struct sim_pcie *l, const struct sim_profile *p);
void
sim_pcie_fini(struct sim_pcie *l);
/* A posted write of `size` bytes at `now`: when its last byte is on the link. The host sees it write_latency later. */
sim_cycle
sim_pcie_write(struct sim_pcie *l, sim_cycle now, uint32_t size);
/* A read: when its last byte is here. `offset`: where it begins within a read completion boundary. */
sim_cycle
sim_pcie_read(struct sim_pcie *l, sim_cycle now, uint32_t size, uint32_t offset);
/* Cycle from which on a read can be asked for without waiting for a tag: `now`, or later. */
sim_cycle
sim_pcie_tag(struct sim_pcie *l, sim_cycle now);

/* --- queues --- */

struct sim_queue {
	struct sim_nic *nic;
	struct sim_queue *next; /* in the list of those with something to send */
	uint16_t port, q;
	bool tx, up, active, timer;
	uint32_t gen;
	uint32_t n_desc;
	/* Descriptors: written by the host and announced; on their way to the NIC; there. Their sum and those in use: n_desc. */
	uint32_t posted, fetching, local;
	uint32_t fetched; /* all ever: where in the ring the next fetch begins */
	uint32_t used;	  /* rx: by frames not posted again; tx: by frames not given back */
	uint32_t unrung;  /* tx: written, no doorbell yet */
	uint32_t done;	  /* tx: given back since the host last asked */
	uint32_t batch; /* frames of the completion that is not closed; tx: that are read and not in one */
	uint32_t in_dma;       /* frames between descriptor and end of their DMA */
	uint32_t inside;       /* rx: frames between descriptor and ready */
	struct sim_list wait;  /* rx: no descriptor yet; tx: in the ring */
	struct sim_list hold;  /* rx: written, completion waits for its batch */
	struct sim_list ready; /* rx: the host sees them */
};

struct sim_port {
	struct sim_pipe in, out;
	struct sim_rate in_rate, out_rate;
	struct sim_unit in_unit, out_unit;
	struct sim_list left; /* behind the wire's end */
	struct sim_rss *rss;
	enum sim_drop (*filter)(void *arg, const struct sim_pkt *p);
	void *filter_arg;
	bool up;
	uint16_t n_rxq, n_txq; /* places in the arrays */
	struct sim_queue **rxq, **txq;
	uint64_t drops[SIM_DROP_COUNT]; /* on its account */
	char in_name[16], out_name[16];
};

void
sim_queues_free(struct sim_port *port);
/* A frame that steering sent to a queue of the host. */
void
sim_rxq_put(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now);
void
sim_rxq_refill(struct sim_queue *q, sim_cycle now);
/* The host has written `n` more descriptors. */
void
sim_queue_bell(struct sim_queue *q, uint32_t n, sim_cycle now);

/* --- DMA --- */

struct sim_dma {
	struct sim_list write_wait;
	struct sim_pipe write; /* the one on the link, */
	struct sim_pipe seen;  /* then those whose completion is on its way to the host */
	struct sim_pipe read;
	struct sim_queue *tx_head, *tx_tail; /* queues with descriptors here, taken in turn */
	bool tag_timer;
	sim_cycle completion; /* coalesce-ns */
	sim_cycle doorbell;
};

void
sim_dma_init(struct sim_nic *nic);
void
sim_dma_write(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now);
/* Descriptors of a ring: fetches the next ones if it is time. */
void
sim_dma_fetch(struct sim_queue *q, sim_cycle now);
/* Reads frames of the rings, as tags and buffer allow. */
void
sim_dma_pump(struct sim_nic *nic, sim_cycle now);
void
sim_dma_activate(struct sim_queue *q, sim_cycle now);

/* --- the rest --- */

/* Memory of frames between wire and host, and of those between host and wire. */
struct sim_buffer {
	struct sim_unit unit;
	uint32_t cells, packets; /* used */
	uint32_t max_cells, max_packets;
};

bool
sim_buffer_take(struct sim_nic *nic, struct sim_nframe *f, enum sim_hold which, sim_cycle now);
void
sim_buffer_give(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now);
bool
sim_buffer_room(const struct sim_buffer *b, uint32_t len, uint32_t cell);

struct sim_counter_view;
#define SIM_COUNTER_PAGES 16384u /* of 4,096 counters: 2^26 */

struct sim_counters {
	struct sim_counter_view **pages; /* NULL: a reader sees what is */
	uint32_t epoch;			 /* of refreshes */
	uint32_t sets, ways;		 /* 0 sets: every counter is on the NIC */
	uint32_t *tag;			 /* counter + 1; 0: empty */
	uint32_t *stamp;		 /* higher is later */
	uint8_t *dirty;
	uint32_t clock;
	uint32_t sweep; /* where write-back is, `sets * ways`: done */
	sim_cycle refresh;
	struct sim_unit unit;
};

int
sim_counters_init(struct sim_nic *nic);
void
sim_counters_fini(struct sim_nic *nic);
/* The packet has counted: a reader must still see the value of before. */
void
sim_counters_touch(struct sim_nic *nic, uint32_t counter);
sim_cycle
sim_counters_step(struct sim_nic *nic, uint32_t counter, sim_cycle now);

/* Connections in the unit: a place for each of so many, by their low bits. */
#define SIM_CT_PLACES 4096u

struct sim_ct_unit {
	sim_cycle free;	 /* next check may begin */
	sim_cycle *busy; /* by place: the check that is in there ends */
	struct sim_unit unit, meter, age, tls;
};

int
sim_ct_unit_init(struct sim_nic *nic);
void
sim_ct_unit_fini(struct sim_nic *nic);
/* Steps of objects, for the engines. */
sim_cycle
sim_object_step(void *ctx, const struct sim_frame *f, const struct sim_step *step, sim_cycle now);

struct sim_cmd {
	sim_cycle at, entered;
	void (*done)(void *arg);
	void *arg;
	uint32_t line; /* that is written */
};

struct sim_cmdq {
	struct sim_cmd *ring;
	uint32_t size, head, n;
	struct sim_rate rate; /* its "byte" is a ns */
	bool armed;
	struct sim_unit unit;
};

void
sim_cmdq_init(struct sim_nic *nic);
void
sim_cmdq_fini(struct sim_nic *nic);

struct sim_trace;
int
sim_trace_create(struct sim_nic *nic, uint32_t packets);
void
sim_trace_free(struct sim_trace *t);
void
sim_trace_add(struct sim_trace *t, const struct sim_frame *f, const struct sim_stamp *s);

struct sim_wave;
void
sim_wave_sample(struct sim_nic *nic, sim_cycle now);
void
sim_wave_close(struct sim_nic *nic);

/* Units by number: MACs of all ports, then the others. */
enum sim_unit_id {
	SIM_U_BUFFER,
	SIM_U_PARSER, /* five of the engines */
	SIM_U_ENGINE,
	SIM_U_CACHE,
	SIM_U_MEMORY,
	SIM_U_ORDER,
	SIM_U_RSS,
	SIM_U_RX_QUEUE,
	SIM_U_DMA_WRITE,
	SIM_U_COMPLETION,
	SIM_U_RX_RING,
	SIM_U_TX_RING,
	SIM_U_TX_BUFFER,
	SIM_U_DMA_READ,
	SIM_U_STALL,
	SIM_U_PCIE_UP,
	SIM_U_PCIE_DOWN,
	SIM_U_COUNTERS,
	SIM_U_CT,
	SIM_U_METER,
	SIM_U_AGE,
	SIM_U_TLS,
	SIM_U_COMMAND,
	SIM_U_COUNT
};

struct sim_nic {
	struct sim_profile profile;
	struct sim_steer *steer;
	struct sim_events *events;
	struct sim_engines *engines;
	uint16_t n_ports;
	uint64_t seq;
	uint64_t lost_events; /* no memory for them */
	struct sim_port *port;
	struct sim_pool pool;
	struct sim_buffer rx_buffer, tx_buffer;
	struct sim_list stall; /* the parser's queue is full */
	bool stall_timer;
	struct sim_pipe rss;
	struct sim_pcie pcie;
	struct sim_dma dma;
	struct sim_counters counters;
	struct sim_ct_unit ct;
	struct sim_cmdq cmdq;
	struct sim_unit rss_unit, rxq_unit, dma_write_unit, completion_unit, rx_ring_unit;
	struct sim_unit tx_ring_unit, dma_read_unit, stall_unit, up_unit, down_unit;
	struct sim_trace *trace;
	struct sim_wave *wave;
	struct sim_account account; /* without `held` */
};

static inline bool
sim_event_at(struct sim_nic *nic, sim_cycle at, enum sim_prio prio, const struct sim_event *what)
{
	struct sim_event ev = *what;

	ev.at = at;
	ev.prio = (uint8_t)prio;
	if (sim_events_add(nic->events, &ev) == 0)
		return true;
	nic->lost_events++;
	return false;
}

/* Where a frame is, for the trace. */
static inline void
sim_stamp_at(struct sim_nic *nic, const struct sim_nframe *f, uint32_t unit,
		enum sim_stamp_what what, sim_cycle at)
{
	const struct sim_stamp s = { .unit = (uint8_t)unit, .what = (uint8_t)what, .at = at };

	if (__builtin_expect(nic->trace != NULL, 0))
		sim_trace_add(nic->trace, &f->f, &s);
}

static inline uint32_t
sim_unit_number(const struct sim_nic *nic, enum sim_unit_id id)
{
	return 2u * nic->n_ports + id;
}

/* MAC. */
int
sim_mac_init(struct sim_nic *nic, uint16_t port);
void
sim_mac_out(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now);
/* Into steering, from a wire or a host. */
void
sim_nic_steer(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now);
/* Where steering sent it. */
void
sim_nic_route(struct sim_nic *nic, struct sim_nframe *f, sim_cycle now);
void
sim_nic_drop(struct sim_nic *nic, struct sim_nframe *f, enum sim_drop why, sim_cycle now);
/* Frames inside, counted one place after the other. */
uint64_t
sim_nic_held(const struct sim_nic *nic);

#endif /* HWSIM_CORE_NIC_PRIV_H */
