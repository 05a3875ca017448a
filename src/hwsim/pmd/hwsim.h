/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the driver net_hwsim: the card, its ethdevs and their queues. One vdev is one card: one steering, one model in
 * cycles (not with clock=off), `ports` ethdevs with a wire each, and representors with a function each.
 *
 * Locks, in this order: of a wire that cannot sort its frames (hwsim_port.rx_lock); the card's (hwsim_card.lock: rules, the
 * model, what crosses from one port to another); of a wire's tx queues (hwsim_port.tx_lock). A port without rules asks and
 * feeds its wire without the card's. hwsim_card.life is apart: it keeps ports from going away under the tick.
 */
#ifndef HWSIM_PMD_H
#define HWSIM_PMD_H

#include <limits.h>

#include <ethdev_driver.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "hwsim/core/nic.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/steer.h"
#include "hwsim/rteflow/hwf.h"

#include "wire.h"
#include "wire_line.h"

extern int hwsim_logtype;
#define HWSIM_LOG(level, ...) \
	rte_log(RTE_LOG_##level, hwsim_logtype, \
			RTE_FMT("net_hwsim: " RTE_FMT_HEAD(__VA_ARGS__, ) "\n", \
					RTE_FMT_TAIL(__VA_ARGS__, )))

enum hwsim_clock { HWSIM_CLOCK_OFF, HWSIM_CLOCK_TSC, HWSIM_CLOCK_VIRTUAL };

#define HWSIM_SETS_MAX 64

/* devargs: see args.c, which is the only place that knows their text. */
struct hwsim_args {
	char profile[PATH_MAX];
	char wave[PATH_MAX];
	uint16_t ports;
	enum hwsim_clock clock;
	bool pace;
	char *wire_all;		   /* of ports that have none of their own; NULL: loop */
	char *wire[SIM_PORTS_MAX]; /* NULL: as all */
	uint16_t representors[SIM_PORTS_MAX];
	uint16_t n_representors;
	uint32_t trace;
	uint64_t seed;
	char *set[HWSIM_SETS_MAX]; /* "section.key=value", for sim_profile_set() */
	uint16_t n_sets;
};

int
hwsim_args_parse(struct hwsim_args *a, const char *text, struct sim_error *e);
void
hwsim_args_free(struct hwsim_args *a);

#define HWSIM_BURST 64
#define HWSIM_PIECES 512 /* frames that one send may be cut into */
#define HWSIM_MACS 128
#define HWSIM_MULTICASTS 128
#define HWSIM_RETA RTE_ETH_RSS_RETA_SIZE_512
#define HWSIM_TAG_ROOM (2 * RTE_VLAN_HLEN)
_Static_assert(HWSIM_RETA <= SIM_RSS_QUEUES_MAX, "the port's table is the model's");

/* Which end of a switch port an ethdev is. */
enum hwsim_kind {
	HWSIM_UPLINK,	   /* host side of a port with a wire */
	HWSIM_REPRESENTOR, /* host side of a port with a function */
	HWSIM_FUNCTION,	   /* that function: in place of a wire */
};

struct hwsim_card;
struct hwsim_port;

/*
 * A count that one thread makes and others read. Who resets it does not write what the thread writes, or a packet counted at
 * the same time would undo the reset.
 */
struct hwsim_count {
	uint64_t n;    /* [A] of its thread */
	uint64_t from; /* [A] as it was when it was reset last */
};

static inline void
hwsim_count(struct hwsim_count *c, uint64_t n)
{
	__atomic_store_n(&c->n, c->n + n, __ATOMIC_RELAXED);
}

static inline uint64_t
hwsim_count_get(const struct hwsim_count *c)
{
	const uint64_t from = __atomic_load_n(&c->from, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&c->n, __ATOMIC_RELAXED) - from;
}

static inline void
hwsim_count_reset(struct hwsim_count *c)
{
	__atomic_store_n(&c->from, __atomic_load_n(&c->n, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
}

/* Flags that control threads set and polling ones read. */
static inline bool
hwsim_is(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static inline void
hwsim_set(bool *flag, bool on)
{
	__atomic_store_n(flag, on, __ATOMIC_RELEASE);
}

/* What an rx queue has to do to a frame; 0: nothing at all. */
enum hwsim_rx_work {
	HWSIM_RX_PTYPE = 1u << 0,
	HWSIM_RX_CKSUM = 1u << 1,
	HWSIM_RX_STRIP = 1u << 2,
	HWSIM_RX_HASH = 1u << 3,
	HWSIM_RX_STAMP = 1u << 4,
	HWSIM_RX_STRIP_BOTH = 1u << 5, /* with STRIP */
};

struct hwsim_rxq {
	struct hwsim_port *port;
	struct rte_mempool *pool;
	struct rte_ring *ring; /* frames that others, or other queues, took in for this one */
	uint32_t work;	       /* [A] enum hwsim_rx_work */
	uint16_t id;
	uint16_t n_desc;
	uint16_t free_thresh;
	bool running; /* [A] */
	bool deferred;
	bool direct; /* frames are those that the wire has for this queue: no sorting */
	uint64_t offloads;
	struct hwsim_count packets, bytes, nombuf; /* of the thread that polls */
	uint32_t held;	/* [A] bursts left on the wire since the last poll: no room here */
	int event;	/* eventfd, -1: none */
	uint32_t armed; /* [A] somebody waits for the eventfd */
} __rte_cache_aligned;

struct hwsim_txq {
	struct hwsim_port *port;
	uint16_t id;
	uint16_t n_desc;
	bool running; /* [A] */
	bool deferred;
	uint64_t offloads;
	struct hwsim_count packets, bytes, errors; /* of the thread that polls */
} __rte_cache_aligned;

/* Names of all ethdevs of a card, in shared memory: a secondary process finds them by the first. */
struct hwsim_names {
	uint16_t n;
	char name[2 * SIM_PORTS_MAX][RTE_ETH_NAME_MAX_LEN];
};

/* An ethdev: its dev_private. */
struct hwsim_port {
	struct hwsim_card *card;
	struct hwsim_names *names;
	struct rte_eth_dev_data *data;
	uint8_t kind;	   /* enum hwsim_kind */
	uint16_t sw;	   /* switch port */
	uint16_t ethdev;   /* port id */
	struct wire *wire; /* HWSIM_UPLINK */
	bool spreads;	   /* the wire sorts its frames by queue, and may be asked by all at once */
	bool admin_up;	   /* [A] */
	bool started;	   /* [A] */
	bool ptypes;	   /* packet types are asked for */
	bool isolated;
	/* Filters. */
	uint32_t n_multicast;
	struct rte_ether_addr multicast[HWSIM_MULTICASTS];
	bool vlan_filter; /* [A] */
	/* RSS. */
	bool rss_on;
	uint64_t rss_hf;
	struct sim_rss rss;    /* under the card's lock */
	struct wire_rss polls; /* the same for threads that poll */
	struct rte_intr_handle *intr;
	uint64_t drops[SIM_DROP_COUNT]; /* [A] */
	struct sim_lock rx_lock;	/* of the wire where it does not spread */
	struct sim_lock *tx_lock;	/* one each tx queue; [0] also for frames of others */
};

struct hwsim_card {
	struct sim_lock lock;
	struct sim_lock life;
	char name[RTE_ETH_NAME_MAX_LEN];
	struct hwsim_args args;
	struct sim_profile profile;
	struct sim_steer *steer;
	struct sim_nic *model; /* NULL: clock=off */
	struct hwf *hwf;
	uint16_t n_wires, n_ports; /* switch ports: wires, then functions */
	uint16_t n_ethdevs;
	uint16_t domain;
	struct hwsim_port *host[SIM_PORTS_MAX]; /* ethdev of the host side; NULL: closed */
	struct hwsim_port *far[SIM_PORTS_MAX]; /* ethdev of the function; NULL: closed, or a wire */
	struct wire *wire[SIM_PORTS_MAX];
	/* Time, see clock.c. */
	uint64_t tsc_start, tsc_hz;
	uint64_t ns_per_tsc; /* 32.32 */
	uint64_t lost_ns;    /* tsc: that the model could not keep up with */
	uint64_t virtual_ns;
	uint64_t command_free; /* ns of the wall clock when a paced command unit is free */
	sim_cycle next_scan;
	bool polled; /* a burst since the last command */
	bool alarm;
	bool *gone; /* of the tick that runs: set where it must not set itself again */
	/* With clock=off, under the lock: the frame in steering, for copies of it. */
	struct rte_mbuf *current;
	struct hwsim_port *current_from;
	/* Where restore info is in the mbuf. */
	int restore_at;
	uint64_t restore_flag;
	int stamp_at;
	uint64_t stamp_flag;
};

static inline struct hwsim_port *
hwsim_port_of(const struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

/* --- card.c --- */
struct hwsim_card *
hwsim_card_create(const char *name, const char *devargs, struct sim_error *e);
void
hwsim_card_destroy(struct hwsim_card *card);

/* --- driver.c --- */
bool
hwsim_is_ours(const struct rte_eth_dev *dev);

/* --- ethdev.c --- */
/* The second for secondary processes, which must not touch the card. */
extern const struct eth_dev_ops hwsim_ops, hwsim_secondary_ops;
int
hwsim_dev_close(struct rte_eth_dev *dev);
int
hwsim_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info);
int
hwsim_link_update(struct rte_eth_dev *dev, int wait);
int
hwsim_link_up(struct rte_eth_dev *dev);
int
hwsim_link_down(struct rte_eth_dev *dev);
/* The link is not what it was, and somebody wants to hear of it. */
bool
hwsim_link_changed(struct hwsim_port *port);

/* --- queues.c --- */
int
hwsim_rxq_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n_desc, unsigned int socket,
		const struct rte_eth_rxconf *conf, struct rte_mempool *pool);
int
hwsim_txq_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n_desc, unsigned int socket,
		const struct rte_eth_txconf *conf);
void
hwsim_rxq_release(struct rte_eth_dev *dev, uint16_t q);
void
hwsim_txq_release(struct rte_eth_dev *dev, uint16_t q);
int
hwsim_rxq_start(struct rte_eth_dev *dev, uint16_t q);
int
hwsim_rxq_stop(struct rte_eth_dev *dev, uint16_t q);
int
hwsim_txq_start(struct rte_eth_dev *dev, uint16_t q);
int
hwsim_txq_stop(struct rte_eth_dev *dev, uint16_t q);
void
hwsim_rxq_info(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_rxq_info *info);
void
hwsim_txq_info(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_txq_info *info);
int
hwsim_rx_mode(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_burst_mode *mode);
int
hwsim_tx_mode(struct rte_eth_dev *dev, uint16_t q, struct rte_eth_burst_mode *mode);
uint32_t
hwsim_rxq_count(void *rxq);
int
hwsim_rx_status(void *rxq, uint16_t offset);
int
hwsim_tx_status(void *txq, uint16_t offset);
int
hwsim_tx_cleanup(void *txq, uint32_t n);
/* Recomputes what the queues have to do; after any change of offloads. */
void
hwsim_rxq_work(struct hwsim_port *port);

/* --- intr.c --- */
int
hwsim_intr_setup(struct rte_eth_dev *dev);
void
hwsim_intr_release(struct rte_eth_dev *dev);
int
hwsim_intr_enable(struct rte_eth_dev *dev, uint16_t q);
int
hwsim_intr_disable(struct rte_eth_dev *dev, uint16_t q);
/* Frames may be there for `q`: wakes who waits. */
void
hwsim_intr_raise(struct hwsim_rxq *q);
/* All queues of a port that are waited for; true if there are any. */
bool
hwsim_intr_check(struct hwsim_port *port);

/* --- filter.c --- */
int
hwsim_promiscuous_on(struct rte_eth_dev *dev);
int
hwsim_promiscuous_off(struct rte_eth_dev *dev);
int
hwsim_mac_add(struct rte_eth_dev *dev, struct rte_ether_addr *mac, uint32_t index, uint32_t vmdq);
void
hwsim_mac_remove(struct rte_eth_dev *dev, uint32_t index);
int
hwsim_mac_set(struct rte_eth_dev *dev, struct rte_ether_addr *mac);
int
hwsim_multicast_set(struct rte_eth_dev *dev, struct rte_ether_addr *list, uint32_t n);
int
hwsim_mtu_set(struct rte_eth_dev *dev, uint16_t mtu);
int
hwsim_vlan_filter(struct rte_eth_dev *dev, uint16_t vlan, int on);
int
hwsim_vlan_offload(struct rte_eth_dev *dev, int mask);
void
hwsim_vlan_strip_queue(struct rte_eth_dev *dev, uint16_t q, int on);
int
hwsim_vlan_tpid(struct rte_eth_dev *dev, enum rte_vlan_type type, uint16_t tpid);
/* SIM_DROP_COUNT: let in. */
enum sim_drop
hwsim_filter_drop(const struct hwsim_port *port, const uint8_t *data, uint32_t len,
		uint32_t frame_len);
enum sim_drop
hwsim_filter(void *port, const struct sim_pkt *p);

/* --- rss.c --- */
int
hwsim_rss_configure(struct hwsim_port *port, const struct rte_eth_conf *conf);
int
hwsim_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size);
int
hwsim_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size);
int
hwsim_rss_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int
hwsim_rss_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
/* Queue of a frame by the port's own RSS, which goes into it too. */
uint16_t
hwsim_rss_queue(struct hwsim_port *port, struct rte_mbuf *m);
/* Tells the wire and the model. */
void
hwsim_rss_spread(struct hwsim_port *port);
extern const uint64_t hwsim_rss_types;

/* --- stats.c --- */
void
hwsim_drop_count(struct hwsim_port *port, enum sim_drop why, uint64_t n);
int
hwsim_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats);
int
hwsim_stats_reset(struct rte_eth_dev *dev);
int
hwsim_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *stats, unsigned int n);
int
hwsim_xstats_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n);
int
hwsim_xstats_get_by_id(
		struct rte_eth_dev *dev, const uint64_t *ids, uint64_t *values, unsigned int n);
int
hwsim_xstats_names_by_id(struct rte_eth_dev *dev, const uint64_t *ids,
		struct rte_eth_xstat_name *names, unsigned int n);

/* --- offload_rx.c --- */
#define HWSIM_RX_OFFLOADS \
	(RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_QINQ_STRIP | \
			RTE_ETH_RX_OFFLOAD_VLAN_FILTER | RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | \
			RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM | \
			RTE_ETH_RX_OFFLOAD_SCTP_CKSUM | RTE_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM | \
			RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_SCATTER | \
			RTE_ETH_RX_OFFLOAD_TIMESTAMP | RTE_ETH_RX_OFFLOAD_RSS_HASH)
/* Fills what the descriptor of a frame would have: types, checksums, tags, hash, time. */
void
hwsim_rx_finish(struct hwsim_rxq *q, struct rte_mbuf **m, uint16_t n);
const uint32_t *
hwsim_ptypes_get(struct rte_eth_dev *dev);
int
hwsim_ptypes_set(struct rte_eth_dev *dev, uint32_t mask);
/* For the mbuf: MARK, META, restore info, hash. */
void
hwsim_rx_meta(const struct hwsim_card *card, const struct sim_pkt *p, struct rte_mbuf *m);

/* --- offload_tx.c --- */
#define HWSIM_TX_OFFLOADS \
	(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_QINQ_INSERT | \
			RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | \
			RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_SCTP_CKSUM | \
			RTE_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_OUTER_UDP_CKSUM | \
			RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS | \
			RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)
/* Flags in an mbuf that ask for work. */
#define HWSIM_TX_WORK \
	(RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_QINQ | RTE_MBUF_F_TX_L4_MASK | \
			RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_OUTER_IP_CKSUM | \
			RTE_MBUF_F_TX_OUTER_UDP_CKSUM | RTE_MBUF_F_TX_TCP_SEG)
/*
 * A frame that may be written: itself, or a copy in its place. NULL: no memory, the frame is gone. Its
 * first bytes are contiguous, as steering wants them.
 */
struct rte_mbuf *
hwsim_tx_own(struct rte_mbuf *m);
/* Does what the flags ask for but segmentation. < 0: broken request, dropped by the caller. */
int
hwsim_tx_offload(struct rte_mbuf *m);
/*
 * tso.c: frames as they go on the wire: tags and checksums in, long ones cut. `m` is taken; what cannot be done is a counted
 * drop. Returns the number of frames, at most `max`.
 */
uint16_t
hwsim_tx_ready(struct hwsim_txq *q, struct rte_mbuf *m, struct rte_mbuf **out, uint16_t max);
uint16_t
hwsim_tx_prepare(void *txq, struct rte_mbuf **m, uint16_t n);

/* --- rxtx_off.c, rxtx_timed.c --- */
uint16_t
hwsim_rx_off(void *rxq, struct rte_mbuf **m, uint16_t n);
uint16_t
hwsim_tx_off(void *txq, struct rte_mbuf **m, uint16_t n);
uint16_t
hwsim_rx_timed(void *rxq, struct rte_mbuf **m, uint16_t n);
uint16_t
hwsim_tx_timed(void *txq, struct rte_mbuf **m, uint16_t n);
uint16_t
hwsim_rx_none(void *rxq, struct rte_mbuf **m, uint16_t n);
uint16_t
hwsim_tx_none(void *txq, struct rte_mbuf **m, uint16_t n);
/* Under the card's lock: sends a frame on by what steering said; it is the card's from here. */
void
hwsim_deliver(struct hwsim_card *card, struct hwsim_port *from, struct rte_mbuf *m,
		const struct sim_dest *dest);
/* sim_steer_params.mirror; ctx is the card. */
void
hwsim_mirror(void *card, const struct sim_pkt *p, const struct sim_dest *dest);
/* The model, up to `now`: frames of wires in, events, frames to wires out. Under the card's lock. */
void
hwsim_advance(struct hwsim_card *card, sim_cycle now);

/* --- clock.c --- */
void
hwsim_clock_start(struct hwsim_card *card);
/* ns and cycles since the card was made. Under the lock where time is virtual. */
uint64_t
hwsim_clock_ns(const struct hwsim_card *card);
sim_cycle
hwsim_clock_cycles(const struct hwsim_card *card);
/* A burst of n packets took its time. */
void
hwsim_clock_poll(struct hwsim_card *card, uint16_t n);
/* Packets that a burst turned out to have. */
void
hwsim_clock_packets(struct hwsim_card *card, uint16_t n);
/* It is time for the ageing scanner: hwf_tick(), without the lock. Under the lock. */
bool
hwsim_scan_due(struct hwsim_card *card);
int
hwsim_tick_start(struct hwsim_card *card);
void
hwsim_tick_stop(struct hwsim_card *card);
extern const struct hwf_env hwsim_flow_env;

/* --- ops_flow.c, ops_mtr.c --- */
int
hwsim_flow_ops_get(struct rte_eth_dev *dev, const struct rte_flow_ops **ops);
int
hwsim_mtr_ops_get(struct rte_eth_dev *dev, void *ops);

#endif /* HWSIM_PMD_H */
