/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a card is: every number of the model. Read from JSON (config/hwsim/); each number there is an object
 * {"value": N, "source": "..."} whose source is a citation, "calibrated: ..." or "assumed". The list below is the only place that
 * names them: the loader, the schema test and `hwsim` telemetry are made from it.
 */
#ifndef HWSIM_CORE_PROFILE_H
#define HWSIM_CORE_PROFILE_H

#include "hwsim/core/sim.h"

/*
 * X(section, field, JSON key, default = ideal card, min, max, text). Cycles are of clock.mhz. Sections are objects of
 * the JSON file; elsewhere a number is named section.key.
 */
#define SIM_PROFILE_NUMBERS(X) \
	X(clock, mhz, "mhz", 1000, 1, 10000, "clock of the NIC") \
	/* MAC */ \
	X(mac, mbps, "mbps", 100000, 10, 800000, "rate of a port") \
	X(mac, preamble, "preamble", 8, 0, 64, "bytes of preamble and start delimiter") \
	X(mac, gap, "gap", 12, 0, 64, "bytes between frames") \
	X(mac, fcs, "fcs", 4, 0, 8, "bytes of frame check sequence") \
	X(mac, latency, "latency", 1, 0, 1000000, "cycles through MAC and PHY, each way") \
	/* packet buffer */ \
	X(buffer, bytes, "bytes", 1u << 30, 16384, 1u << 30, "shared packet buffer, receive side") \
	X(buffer, cell, "cell", 64, 1, 4096, "bytes of an allocation unit") \
	X(buffer, packets, "packets", 1u << 20, 1, 1u << 20, "packets in it at most") \
	/* parser */ \
	X(parser, latency, "latency", 1, 0, 10000, "cycles of a packet") \
	X(parser, interval, "interval", 1, 1, 10000, "cycles between packets") \
	X(parser, queue, "queue", 1u << 20, 1, 1u << 20, "packets that wait for it") \
	/* steering engines */ \
	X(steering, engines, "engines", 64, 1, 256, "packets in steering at a time") \
	X(steering, group_cycles, "group-cycles", 0, 0, 10000, "cycles to enter a group") \
	X(steering, lookup, "lookup", 1, 0, 10000, "cycles of a look-up in an exact matcher") \
	X(steering, tcam, "tcam", 1, 0, 10000, "cycles of a look-up in TCAM") \
	X(steering, action, "action", 0, 0, 10000, "cycles of an action") \
	X(steering, copy, "copy", 0, 0, 10000, "cycles of 64 bytes put in or taken off") \
	X(steering, groups_max, "groups-max", 64, 1, 64, "groups that a packet may walk") \
	X(steering, order_buckets, "order-buckets", 1u << 16, 1, 1u << 16, \
			"flows that order tells apart") \
	/* tables */ \
	X(tables, exact_max, "exact-max", 1u << 26, 1, 1u << 28, "exact entries in all") \
	X(tables, root_max, "root-max", 1u << 26, 1, 1u << 28, "rules in group 0") \
	X(tables, root_buckets, "root-buckets", 0, 0, 1u << 26, \
			"fixed hash of group 0; 0: grows as the others") \
	X(tables, root_overflow, "root-overflow", 0, 0, 1u << 26, \
			"rules in group 0 from which on they are searched one by one; 0: never") \
	X(tables, root_read, "root-read", 0, 0, 1000000, "cycles of an entry of that fixed hash") \
	X(tables, root_walk, "root-walk", 0, 0, 1000000, \
			"cycles of an entry of those that are searched") \
	X(tables, buckets_max, "buckets-max", 1u << 26, 1, 1u << 26, "largest hash of a matcher") \
	X(tables, tcam_entries, "tcam-entries", 65536, 0, 1u << 20, "wildcard entries in all") \
	X(tables, twins, "twins", 1, 0, 1, \
			"1: a rule of the same match and priority waits behind the first; 0: refused") \
	X(tables, priorities, "priorities", UINT32_MAX, 1, UINT32_MAX, "priorities of a group") \
	X(tables, groups, "groups", UINT32_MAX, 1, UINT32_MAX, "highest group number and one") \
	/* entry cache in front of host memory */ \
	X(cache, lines, "lines", 0, 0, 1u << 22, "lines of 64 B on the NIC; 0: all entries are") \
	X(cache, ways, "ways", 8, 1, 64, "associativity") \
	X(cache, hit, "hit", 1, 0, 10000, "cycles of a hit") \
	X(cache, reads, "reads", 256, 1, 1024, "reads of host memory in flight") \
	X(cache, memory, "memory", 1, 0, 1000000, "cycles from miss to entry") \
	X(cache, interval, "interval", 1, 1, 10000, "cycles between reads") \
	/* objects */ \
	X(objects, counters, "counters", 1u << 25, 0, 1u << 26, "counters") \
	X(objects, ages, "ages", 1u << 25, 0, 1u << 26, "age contexts") \
	X(objects, meters, "meters", 1u << 20, 0, 1u << 24, "meters") \
	X(objects, cts, "connections", 1u << 25, 0, 1u << 26, "connections tracked in hardware") \
	X(objects, counter_cache, "counter-cache", 0, 0, 1u << 22, \
			"counters held on the NIC; 0: all") \
	X(objects, counter_refresh_us, "counter-refresh-us", 0, 0, 10000000, \
			"age of what a reader sees of a counter, and rest of a freed one") \
	X(objects, age_scan_us, "age-scan-us", 1000, 1, 60000000, \
			"interval of the ageing scanner") \
	X(objects, ct_latency, "connection-latency", 1, 0, 10000, "cycles of a window check") \
	X(objects, ct_interval, "connection-interval", 1, 1, 10000, "cycles between checks") \
	X(objects, ct_group0, "connection-group0", 1, 0, 1, "1: CONNTRACK may be in group 0") \
	X(objects, shared_one, "one-of-age-ct-meter", 0, 0, 1, \
			"1: a rule takes one of AGE, CONNTRACK and METER, as mlx5") \
	/* receive side */ \
	X(rss, latency, "latency", 1, 0, 10000, "cycles of the hash") \
	X(queues, rx, "rx", 256, 1, 1024, "rx queues of a port") \
	X(queues, tx, "tx", 256, 1, 1024, "tx queues of a port") \
	X(queues, desc_max, "descriptors", 32768, 64, 32768, "descriptors of a queue") \
	/* PCIe (pcie-bench, SIGCOMM 2018, section 3) */ \
	X(pcie, generation, "generation", 4, 1, 5, "2.5, 5, 8, 16, 32 GT/s") \
	X(pcie, lanes, "lanes", 16, 1, 32, "lanes") \
	X(pcie, mps, "mps", 256, 128, 4096, "maximum payload size") \
	X(pcie, mrrs, "mrrs", 512, 128, 4096, "maximum read request size") \
	X(pcie, rcb, "rcb", 64, 64, 128, "read completion boundary") \
	X(pcie, read_ns, "read-ns", 0, 0, 100000, "latency of a read of 64 B") \
	X(pcie, write_ns, "write-ns", 0, 0, 100000, "latency of a posted write") \
	X(pcie, tags, "tags", 256, 1, 4096, "reads in flight") \
	X(pcie, credits, "credits", 1u << 20, 16, 1u << 20, \
			"posted bytes in flight, in units of 16") \
	/* DMA */ \
	X(dma, desc_bytes, "descriptor", 16, 4, 128, "bytes of a descriptor") \
	X(dma, cqe_bytes, "completion", 16, 4, 128, "bytes of a completion") \
	X(dma, prefetch, "prefetch", 32, 1, 4096, "descriptors fetched at a time") \
	X(dma, coalesce, "coalesce", 1, 1, 256, "completions written together") \
	X(dma, coalesce_ns, "coalesce-ns", 0, 0, 1000000, "at the latest after so long") \
	X(dma, doorbell_ns, "doorbell-ns", 0, 0, 100000, "from the doorbell to the NIC") \
	/* command queue: rules, in ns of the unit that carries them out */ \
	X(command, depth, "depth", 1u << 20, 1, 1u << 20, "commands that wait") \
	X(command, insert_ns, "insert-ns", 0, 0, 10000000, "insertion of a rule of one entry") \
	X(command, delete_ns, "delete-ns", 0, 0, 10000000, "deletion") \
	X(command, update_ns, "update-ns", 0, 0, 10000000, "new actions in place") \
	X(command, item_ns, "item-ns", 0, 0, 1000000, "each further header that is matched") \
	X(command, match_entry_ns, "match-entry-ns", 0, 0, 1000000, "each further entry to match") \
	X(command, action_entry_ns, "action-entry-ns", 0, 0, 1000000, \
			"each further entry of actions") \
	X(command, action_ns, "action-ns", 0, 0, 1000000, "each further action") \
	X(command, walk_ns, "walk-ns", 0, 0, 1000000, "each entry walked on the way to its place") \
	X(command, memory_ns, "memory-ns", 0, 0, 1000000, \
			"for each tenfold of rules in the table beyond `memory-from`") \
	X(command, memory_from, "memory-from", 100000, 1, 1u << 28, "see memory-ns") \
	X(command, root_ns, "root-ns", 0, 0, 10000000, "insertion into group 0, in addition") \
	X(command, busy_ns, "busy-ns", 0, 0, 10000000, \
			"host time of an insertion between packets (caches, doorbell), all told") \
	/* host, for the virtual clock */ \
	X(host, poll_ns, "poll-ns", 20, 0, 100000, "a call of rx or tx burst") \
	X(host, packet_ns, "packet-ns", 10, 0, 100000, "each packet of it") \
	/* TLS engine: a slot; behaviour is not built yet */ \
	X(tls, sessions, "sessions", 0, 0, 1u << 26, "sessions it has room for")

struct sim_profile {
	char name[64];
#define X(section, field, key, def, min, max, text) uint32_t section##_##field;
	SIM_PROFILE_NUMBERS(X)
#undef X
};

/* The ideal card: nothing is short of anything. */
void
sim_profile_ideal(struct sim_profile *p);

/*
 * Reads a file; keys that are missing keep the ideal card's value, unknown keys and values out of bounds are errors that name the
 * file, the key and what is right. A name without '/' and ".json" ("cx5") is looked for in SHUNT_HWSIM_PROFILES, the installed
 * data directory and the source tree's config/hwsim. "ideal" needs no file.
 */
int
sim_profile_load(struct sim_profile *p, const char *file, struct sim_error *e);
int
sim_profile_parse(struct sim_profile *p, const char *json, const char *name, struct sim_error *e);
/* Sets one number: "cache.lines=16384", for sweeps and tests. */
int
sim_profile_set(struct sim_profile *p, const char *assignment, struct sim_error *e);

/* ns <-> cycles of this card, rounded up. */
sim_cycle
sim_profile_cycles(const struct sim_profile *p, uint64_t ns);
uint64_t
sim_profile_ns(const struct sim_profile *p, sim_cycle cycles);

#endif /* HWSIM_CORE_PROFILE_H */
