/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering: groups, matchers, rules and the objects that rules use; what happens to a packet, without time. The model in
 * cycles (nic.h) asks it for the outcome and for the path, and gives the path its time.
 *
 * A group holds matchers, one for each mask and priority, as mlx5's steering does. An exact matcher is a hash table of
 * entries of 64 bytes, a bucket's further entries chained behind it; it grows fourfold when half of its buckets are used and
 * half have collisions, up to the profile's largest. Ranges, inversion and masks that are neither whole fields nor prefixes
 * of fields live in TCAM.
 *
 * All calls are made under the NIC's lock; nothing here blocks or logs.
 */
#ifndef HWSIM_CORE_STEER_H
#define HWSIM_CORE_STEER_H

#include "hwsim/core/pkt.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/rule.h"

struct sim_steer;
struct sim_rule;

struct sim_steer_params {
	const struct sim_profile *profile; /* capacities and shape of tables; must outlive */
	uint16_t n_ports;
	/* A copy of the packet as it is now goes to `dest` (SAMPLE). NULL: samples are counted and lost. */
	void (*mirror)(void *ctx, const struct sim_pkt *p, const struct sim_dest *dest);
	void *ctx;
};

struct sim_steer *
sim_steer_create(const struct sim_steer_params *params);
void
sim_steer_destroy(struct sim_steer *s);

/*
 * Runs one packet through the tables: parses, matches, acts. `p->dest` says where it goes. A packet of a wire walks
 * TRANSFER then INGRESS of the port; from the host EGRESS then TRANSFER. Default fates: from the wire of port n to the
 * host side of n; from the host of n to the wire of n. `path` may be NULL.
 */
void
sim_steer_run(struct sim_steer *s, struct sim_pkt *p, sim_cycle now, struct sim_path *path);

/*
 * Before that, for packets that wait: asks the CPU for what the look-ups will read. sim_steer_ahead() for the tables; some time
 * later sim_steer_closer() for the rules, and once more for those behind them. Neither has to be called, and neither changes
 * what happens.
 */
#define SIM_AHEAD_MAX 8
struct sim_ahead {
	uint16_t n, closer;
	uint32_t moves; /* buckets of then are there as long as none have gone */
	uint32_t hash[SIM_AHEAD_MAX];
	struct sim_rule **bucket[SIM_AHEAD_MAX];
};
/* false: there are so few rules that it would not pay. */
bool
sim_steer_large(const struct sim_steer *s);
void
sim_steer_ahead(const struct sim_steer *s, const struct sim_pkt *p, struct sim_ahead *a);
void
sim_steer_closer(const struct sim_steer *s, struct sim_ahead *a);

/* false: nothing would happen to any packet of `port` but the default fate: the caller may skip it all. */
bool
sim_steer_active(const struct sim_steer *s, uint16_t port);

/* A packet that no rule wanted is dropped instead of taking the default way to the host (isolated mode). */
void
sim_steer_isolate(struct sim_steer *s, uint16_t port, bool on);

/*
 * Rules. -ENOSPC: a capacity of the profile is reached (e->text names it); -EEXIST: same match and priority in the group
 * already, and the profile refuses twins; -EINVAL, -ENOTSUP. Nothing is changed then. O(1) amortised for exact rules.
 */
int
sim_rule_insert(struct sim_steer *s, const struct sim_rule_params *params, struct sim_rule **rule,
		struct sim_error *e);
/* From now on packets see a rule that was inserted hidden. */
void
sim_rule_show(struct sim_steer *s, struct sim_rule *rule);
/* Ask for its cost before: the rule is gone then. */
void
sim_rule_remove(struct sim_steer *s, struct sim_rule *rule);
/* Replaces the actions in place; a packet sees the old ones or the new ones. */
int
sim_rule_update(struct sim_steer *s, struct sim_rule *rule, const struct sim_action *actions,
		uint32_t n_actions, struct sim_error *e);
uint64_t
sim_rule_hits(const struct sim_rule *rule);
/* All rules, in order of domain, port, group, priority. Returns the number; `each` may be NULL; it must not change any. */
uint32_t
sim_rule_walk(const struct sim_steer *s,
		void (*each)(void *arg, const struct sim_rule *rule,
				const struct sim_rule_params *p),
		void *arg);

/* What an insertion or deletion has the hardware do: entries written, actions in them, entries walked. */
struct sim_cmd_cost {
	uint16_t items;				/* headers that are matched */
	uint16_t match_entries, action_entries; /* entries of 64 B */
	uint16_t actions;
	uint32_t walked;      /* entries looked at on the way to its place */
	uint32_t table_rules; /* rules in the matcher before */
	uint32_t line;	      /* of the rule's entry: what a cache must forget when it is written */
	bool root;	      /* group 0 */
};
/* Of the insertion that made this rule, or of its deletion. */
void
sim_rule_cost(const struct sim_rule *rule, struct sim_cmd_cost *cost);

/* --- objects; handles are indices, or -errno (-ENOSPC with the profile's capacity) --- */

/* Counters, as they are now; nic.h has what a reader of a card in cycles sees of them. */
int64_t
sim_counter_add(struct sim_steer *s);
void
sim_counter_del(struct sim_steer *s, uint32_t counter);
void
sim_counter_read(struct sim_steer *s, uint32_t counter, uint64_t *packets, uint64_t *bytes,
		bool reset);

/* Age contexts: aged out when no packet touched it for `timeout` cycles. Reported once, until touched again. */
int64_t
sim_age_add(struct sim_steer *s, sim_cycle timeout, sim_cycle now);
void
sim_age_del(struct sim_steer *s, uint32_t age);
int
sim_age_update(struct sim_steer *s, uint32_t age, const sim_cycle *timeout, bool touch,
		sim_cycle now);
void
sim_age_read(struct sim_steer *s, uint32_t age, sim_cycle now, bool *aged, sim_cycle *since_hit);
/*
 * The scanner: looks at all contexts, 2.4 ms for 1 M of them (measured); those newly aged join the aged list. Returns the
 * number that aged now.
 */
uint32_t
sim_age_scan(struct sim_steer *s, sim_cycle now);
/*
 * The same by and by, so that packets do not wait for it: looks at SIM_AGE_SLICE contexts if it is time for them, and returns
 * the cycle at which it is time for the next ones: > now, or there are more to look at now. All are looked at once in the
 * profile's scan interval, or in 1 us each where that is longer.
 */
#define SIM_AGE_SLICE 1024u
sim_cycle
sim_age_tick(struct sim_steer *s, sim_cycle now);
/* The aged list: takes up to n off (or only counts with NULL). */
uint32_t
sim_age_take(struct sim_steer *s, uint32_t *ages, uint32_t n);

/* Meters: RFC 2697 (srTCM), RFC 2698 (trTCM); rates in bytes a second, bursts in bytes; colour blind or aware. */
enum sim_color { SIM_GREEN = 1, SIM_YELLOW, SIM_RED };
struct sim_meter_params {
	bool two_rate; /* RFC 2698 */
	bool packets;  /* rates and bursts count packets, not bytes */
	bool color_aware;
	uint64_t cir, cbs, pir, ebs_pbs; /* pir: RFC 2698 */
	bool drop[3];			 /* by colour after the meter: green, yellow, red */
};
int64_t
sim_meter_add(struct sim_steer *s, const struct sim_meter_params *p, sim_cycle now);
void
sim_meter_del(struct sim_steer *s, uint32_t meter);
int
sim_meter_update(struct sim_steer *s, uint32_t meter, const struct sim_meter_params *p,
		sim_cycle now);
int
sim_meter_enable(struct sim_steer *s, uint32_t meter, bool on);
struct sim_meter_stats {
	uint64_t packets[3], bytes[3]; /* by colour */
	uint64_t dropped_packets, dropped_bytes;
};
void
sim_meter_read(struct sim_steer *s, uint32_t meter, struct sim_meter_stats *stats, bool reset);

/*
 * Connections (CONNTRACK): the window state of both directions, as struct rte_flow_action_conntrack holds it. Software
 * does the handshake; the unit checks what follows. [0] original, [1] reply.
 */
struct sim_ct_dir {
	uint8_t scale;
	bool close_initiated, last_ack_seen, data_unacked;
	uint32_t sent_end, reply_end, max_win, max_ack;
};
enum sim_ct_phase {
	SIM_CT_SYN_RECV,
	SIM_CT_ESTABLISHED,
	SIM_CT_FIN_WAIT,
	SIM_CT_CLOSE_WAIT,
	SIM_CT_LAST_ACK,
	SIM_CT_TIME_WAIT
};
struct sim_ct {
	bool enable, live, selective_ack, challenge_ack_passed, last_direction, liberal;
	uint8_t phase;		/* enum sim_ct_phase */
	uint8_t max_ack_window; /* shift */
	uint8_t retransmission_limit;
	uint8_t last_index; /* 0 none, else TCP flag kind as RTE_FLOW_CONNTRACK_FLAG_* */
	uint16_t last_window;
	uint32_t last_seq, last_ack, last_end;
	uint16_t peer_port;
	uint8_t repeats; /* how often the last segment with data came again; no part of rte_flow's state */
	/*
	 * is_original_dir == 0: for who makes rules, which say their direction themselves (SIM_AF_REPLY), since it "only
	 * affects the creation of subsequent flow rules" (rte_flow.h). The unit does not look at it.
	 */
	bool reply;
	struct sim_ct_dir dir[2];
};
int64_t
sim_ct_add(struct sim_steer *s, const struct sim_ct *ct);
void
sim_ct_del(struct sim_steer *s, uint32_t ct);
int
sim_ct_update(struct sim_steer *s, uint32_t ct, const struct sim_ct *state, bool state_too,
		bool direction_too);
void
sim_ct_read(const struct sim_steer *s, uint32_t ct, struct sim_ct *state);
/*
 * The unit itself: one packet of TCP header `tcp` (network order, `room` bytes of it in view), and its payload's length. Returns
 * enum sim_ct_state bits; all but VALID leave the state as it was.
 *   DISABLED  enable is off
 *   BAD       the header is cut short, or its data offset is wrong
 *   INVALID   flags that do not go together or have no place in the phase, out of window, acknowledges what was not sent
 *             or is long gone, or data sent again more than retransmission_limit times (0: no limit)
 *   VALID     passed; with CHANGED: the phase is another, or this is the first ACK of a live connection, or the sender's
 *             window closed
 * A max_win of 0 is one that is not known, and is not held against the other side.
 * liberal: nothing is INVALID. A RST that ends the connection takes it to TIME_WAIT; one that is in the window but not the
 * next byte passes and changes nothing: its receiver answers with a challenge ACK (RFC 5961, 3.2), which is noted.
 */
uint8_t
sim_ct_track(struct sim_ct *ct, bool reply, const uint8_t *tcp, uint16_t room, uint32_t payload);

/*
 * RSS: what a rule's RSS action or a port's own configuration spreads by. Hashed are, in this order, source and destination
 * address, then source and destination port, or an ESP packet's SPI: the addresses when the packet's IP version is asked
 * for, or its layer 4; the ports when its layer 4 is. OTHER is a layer 4 that has no ports. The ONLY bits take one of a pair,
 * both or none of them take the pair; addresses and ports are apart in this. A fragment is hashed with FRAG, by its
 * addresses. Each of these is apart for IPv4 and IPv6. Where that gives nothing: source and destination MAC (ETH), and the
 * VLAN id, 16 bits (VLAN).
 */
#define SIM_RSS_QUEUES_MAX 512
#define SIM_RSS_KEY 40
enum sim_rss_fields {
	SIM_RSS_IPV4 = 1u << 0,
	SIM_RSS_IPV6 = 1u << 1,
	SIM_RSS_TCP4 = 1u << 2, /* ports, of TCP over IPv4 */
	SIM_RSS_UDP4 = 1u << 3,
	SIM_RSS_SCTP4 = 1u << 4,
	SIM_RSS_L3_SRC_ONLY = 1u << 5,
	SIM_RSS_L3_DST_ONLY = 1u << 6,
	SIM_RSS_L4_SRC_ONLY = 1u << 7,
	SIM_RSS_L4_DST_ONLY = 1u << 8,
	SIM_RSS_ETH = 1u << 9,
	SIM_RSS_VLAN = 1u << 10,
	SIM_RSS_FRAG4 = 1u << 11, /* fragments too, by addresses */
	SIM_RSS_ESP = 1u << 12,
	SIM_RSS_TCP6 = 1u << 13,
	SIM_RSS_UDP6 = 1u << 14,
	SIM_RSS_SCTP6 = 1u << 15,
	SIM_RSS_FRAG6 = 1u << 16,
	SIM_RSS_OTHER4 = 1u << 17, /* whole packets of no TCP, UDP or SCTP, by addresses */
	SIM_RSS_OTHER6 = 1u << 18,
	/* Over both. */
	SIM_RSS_TCP = SIM_RSS_TCP4 | SIM_RSS_TCP6,
	SIM_RSS_UDP = SIM_RSS_UDP4 | SIM_RSS_UDP6,
	SIM_RSS_SCTP = SIM_RSS_SCTP4 | SIM_RSS_SCTP6,
	SIM_RSS_FRAG = SIM_RSS_FRAG4 | SIM_RSS_FRAG6,
};
struct sim_rss {
	uint32_t fields;
	uint8_t level;	 /* 0 outer, 1 inner, where there is one */
	bool simple_xor; /* in place of Toeplitz */
	bool symmetric;	 /* smaller address and port first */
	uint8_t key[SIM_RSS_KEY];
	uint16_t n; /* entries of the table: 1 to SIM_RSS_QUEUES_MAX; index is hash mod n */
	uint16_t queue[SIM_RSS_QUEUES_MAX];
};
/* 0 when the packet has none of the fields: such packets go to the table's first entry. */
uint32_t
sim_rss_hash(const struct sim_rss *rss, const struct sim_phv *phv, bool *hashed);
/* Toeplitz (Microsoft, "Introduction to Receive Side Scaling"): `len` bytes up to 36. */
uint32_t
sim_toeplitz(const uint8_t key[SIM_RSS_KEY], const uint8_t *data, uint32_t len);
int64_t
sim_steer_rss_add(struct sim_steer *s, const struct sim_rss *rss);
void
sim_steer_rss_del(struct sim_steer *s, uint32_t index);
int
sim_steer_rss_update(struct sim_steer *s, uint32_t index, const struct sim_rss *rss);

/* Samples: one packet in `ratio` is copied to `dest`, with `mark` if marked. */
struct sim_sample {
	uint32_t ratio;
	struct sim_dest dest;
	bool marked;
	uint32_t mark;
};
int64_t
sim_steer_sample_add(struct sim_steer *s, const struct sim_sample *sample);
void
sim_steer_sample_del(struct sim_steer *s, uint32_t index);

/*
 * Tunnel offload: a packet that misses behind a jump into a group of a tunnel keeps the tunnel's id, for
 * rte_flow_get_restore_info(). sim_pkt.restore = tunnel id << 24 | group. The group is bound to the tunnel by:
 */
int
sim_steer_tunnel_group(struct sim_steer *s, uint16_t port, uint32_t group, uint32_t tunnel);

struct sim_steer_stats {
	uint64_t packets, hits, misses; /* of rules; by packet */
	uint64_t drops[SIM_DROP_COUNT];
	uint32_t rules, entries, counters, ages, meters, cts, tcam_entries;
	uint64_t bytes; /* of memory that all this takes */
};
void
sim_steer_stats(const struct sim_steer *s, struct sim_steer_stats *stats);

#endif /* HWSIM_CORE_STEER_H */
