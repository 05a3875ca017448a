/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NIC in time: units between the wires and the host, run up to a cycle by sim_run(). Outcomes come from steer.h, asked when a
 * packet gets an engine; this gives every step of its path its cycles.
 *
 *   wire -> MAC in -> packet buffer -> parser -> engines (tables, entry cache, host memory) -> order -> RSS -> queue
 *        -> DMA (PCIe) -> host ring                                                  `-> MAC out -> wire
 *   host ring -> doorbell -> descriptor fetch -> DMA read -> parser -> engines -> order -> MAC out -> wire
 *
 * Event driven: events are ordered by cycle, then priority, then sequence. Same calls, same cycles, same bytes.
 * All calls are made under the NIC's lock.
 */
#ifndef HWSIM_CORE_NIC_H
#define HWSIM_CORE_NIC_H

#include "hwsim/core/pkt.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/steer.h"

struct sim_nic;

/* A frame inside of the model or at its edge. Owned by the model until taken out; then free it with sim_frame_free(). */
struct sim_frame {
	struct sim_frame *next;
	struct sim_pkt pkt; /* bytes and results of steering */
	sim_cycle arrived;  /* first bit on the wire, or written into the tx ring */
	sim_cycle left;	    /* visible to the host, or last bit on the wire */
	uint64_t seq;	    /* order of arrival, of all */
	uint64_t cookie;    /* the caller's: of sim_nic_wire_in() or sim_nic_tx() */
};

struct sim_nic_params {
	const struct sim_profile *profile; /* copied */
	uint16_t n_ports;		   /* wires and functions */
	/* The caller's; must outlive. What is called for its copies passes them on to sim_nic_mirror(). */
	struct sim_steer *steer;
	uint32_t trace_packets; /* keep the stamps of so many last packets; 0: no tracing */
};

struct sim_nic *
sim_nic_create(const struct sim_nic_params *params, struct sim_error *e);
void
sim_nic_destroy(struct sim_nic *nic);
sim_cycle
sim_nic_now(const struct sim_nic *nic);
/* Runs every event up to and including `until`; time is `until` then. Never goes back. */
void
sim_run(struct sim_nic *nic, sim_cycle until);

/* --- wires --- */
/*
 * A frame whose first bit arrives at cycle `at`, or when the wire is free if that is later; bytes are copied. -ENOBUFS: no memory
 * for it. Returns the cycle when the wire is free again (>= 0) for who wants to send back to back.
 */
int64_t
sim_nic_wire_in(struct sim_nic *nic, uint16_t port, sim_cycle at, const void *data, uint32_t len,
		uint64_t cookie);
/* Frames that left by the wire of `port` up to now, oldest first. */
uint32_t
sim_nic_wire_out(struct sim_nic *nic, uint16_t port, struct sim_frame **frames, uint32_t n);
void
sim_frame_free(struct sim_nic *nic, struct sim_frame *f);

/* --- host --- */
/*
 * A new rx queue has all of its descriptors posted. -EINVAL: no such port or queue, or too many descriptors; -EBUSY: it runs
 * already; -ENOMEM.
 */
int
sim_nic_rxq_setup(struct sim_nic *nic, uint16_t port, uint16_t q, uint32_t n_desc);
int
sim_nic_txq_setup(struct sim_nic *nic, uint16_t port, uint16_t q, uint32_t n_desc);
void
sim_nic_queue_stop(struct sim_nic *nic, uint16_t port, uint16_t q,
		bool tx); /* frames in it are dropped, LINK */
/* Port-wide RSS for packets that no rule steered; NULL: queue 0. Copied. -ENOMEM. */
int
sim_nic_rss(struct sim_nic *nic, uint16_t port, const struct sim_rss *rss);
/*
 * Filter before steering, asked for frames from the wire: SIM_DROP_COUNT lets the frame in, all else is why it is dropped.
 * NULL lets all in.
 */
void
sim_nic_filter(struct sim_nic *nic, uint16_t port,
		enum sim_drop (*filter)(void *arg, const struct sim_pkt *p), void *arg);
/* Links are up from the start. */
void
sim_nic_link(struct sim_nic *nic, uint16_t port, bool up);
/* Received frames whose completions the host can see; the descriptors are free again when the host posts them. */
uint32_t
sim_nic_rx(struct sim_nic *nic, uint16_t port, uint16_t q, struct sim_frame **frames, uint32_t n);
void
sim_nic_rx_post(struct sim_nic *nic, uint16_t port, uint16_t q, uint32_t n);
uint32_t
sim_nic_rx_ready(const struct sim_nic *nic, uint16_t port, uint16_t q);
/* One frame into the tx ring; bytes are copied. -ENOSPC: ring full. The doorbell is sim_nic_tx_ring(). */
int
sim_nic_tx(struct sim_nic *nic, uint16_t port, uint16_t q, const void *data, uint32_t len,
		uint64_t cookie);
void
sim_nic_tx_ring(struct sim_nic *nic, uint16_t port, uint16_t q);
/* Descriptors given back since the last call. */
uint32_t
sim_nic_tx_done(struct sim_nic *nic, uint16_t port, uint16_t q);
uint32_t
sim_nic_tx_free(const struct sim_nic *nic, uint16_t port, uint16_t q);
/* A frame that steering makes by itself (SAMPLE): sim_steer_params.mirror of a model. */
void
sim_nic_mirror(void *nic, const struct sim_pkt *p, const struct sim_dest *dest);

/* --- command queue --- */
enum sim_cmd_kind { SIM_CMD_INSERT, SIM_CMD_DELETE, SIM_CMD_UPDATE };
/* Time that a command takes in the unit, in ns, by the profile. */
uint64_t
sim_cmd_ns(const struct sim_profile *p, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost);
/* Enters the queue; done(arg) runs inside sim_run() when it is carried out. -EAGAIN: queue full. Returns its cycle. */
int64_t
sim_nic_cmd(struct sim_nic *nic, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost,
		void (*done)(void *arg), void *arg);

/*
 * The entry at `line` (sim_cmd_cost.line) has just been written by who did not use the command queue: the cache must not have
 * the old one.
 */
void
sim_nic_entry_written(struct sim_nic *nic, uint32_t line);

/* --- counters in time --- */
/*
 * What a reader sees of a counter: as it was when the card last wrote it back, so up to counter-refresh-us old. `reset` makes it
 * count from that value on.
 */
void
sim_nic_counter_read(struct sim_nic *nic, uint32_t counter, uint64_t *packets, uint64_t *bytes,
		bool reset);
/* The counter has just been added: forget what its place held before. */
void
sim_nic_counter_new(struct sim_nic *nic, uint32_t counter);

/* --- PCIe as arithmetic: Gb/s of payload for writes and reads of `size` bytes, back to back --- */
double
sim_pcie_raw_gbps(const struct sim_profile *p);
double
sim_pcie_tlp_gbps(const struct sim_profile *p);
double
sim_pcie_write_gbps(const struct sim_profile *p, uint32_t size);
double
sim_pcie_read_gbps(const struct sim_profile *p, uint32_t size);

/* --- insight --- */
/* in == out + dropped + held, by frames; asserted by sim_nic_destroy(), checked by tests. */
struct sim_account {
	uint64_t in_wire, in_host, made;
	uint64_t out_wire, out_host, dropped, held;
	uint64_t drops[SIM_DROP_COUNT];
};
void
sim_nic_account(const struct sim_nic *nic, struct sim_account *a);
/*
 * What was dropped on the account of one port: where it was to go for want of a descriptor or at its wire, else where it came
 * in. The sum over all ports is that of the card. `reset`: begins again at 0; the card's account does not.
 */
void
sim_nic_port_drops(struct sim_nic *nic, uint16_t port, uint64_t drops[SIM_DROP_COUNT], bool reset);

struct sim_unit_stats {
	const char *name; /* "mac_in0", "buffer", "parser", "engine", "cache", "memory", "order", "dma_write", ... */
	uint64_t served;
	uint64_t busy; /* cycles in which it was (a unit of several servers: summed) */
	uint32_t servers;
	uint32_t queue, queue_max; /* now, largest */
	uint64_t queue_cycles;	   /* sum over time of the queue's length: / now = mean (Little) */
	uint64_t wait_cycles;	   /* sum over those served */
	uint64_t drops;
	uint64_t hits, misses; /* caches */
};
/* Unit `i`; false: no such unit. */
bool
sim_nic_unit(const struct sim_nic *nic, uint32_t i, struct sim_unit_stats *stats);

/* Stamps of a packet: where it was from which cycle on. */
struct sim_stamp {
	uint8_t unit; /* index for sim_nic_unit() */
	uint8_t what; /* enum sim_stamp_what */
	uint16_t arg;
	uint32_t line;
	sim_cycle at;
};
enum sim_stamp_what {
	SIM_STAMP_IN,
	SIM_STAMP_START,
	SIM_STAMP_HIT,
	SIM_STAMP_MISS,
	SIM_STAMP_OUT,
	SIM_STAMP_DROP
};
/* Trace of the last packets (params.trace_packets) as text or JSON lines, to `write`. */
void
sim_nic_trace(const struct sim_nic *nic, bool json, void (*write)(void *arg, const char *text),
		void *arg);
/* Waveform: occupancies of all units as VCD (IEEE 1364-2005, 18) from now on; NULL ends it. */
int
sim_nic_wave(struct sim_nic *nic, const char *file, struct sim_error *e);

#endif /* HWSIM_CORE_NIC_H */
