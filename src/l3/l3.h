/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layer 3 of the ports: routes (rte_fib), next hops and neighbours (ARP, neighbour discovery),
 * packets to shunt itself (ARP, ND, echo to own addresses and VIPs) and the ICMP errors that a
 * router owes.
 *
 * Control lcore only, except l3_nexthops(): workers read next hops while control updates them. No
 * device calls: what is to be sent is handed back in struct l3_out. No clock: `now` is an argument
 * (ns).
 */
#ifndef L3_L3_H
#define L3_L3_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/drop.h"
#include "base/flow.h"
#include "base/pkt.h"

struct l3; /* opaque */

struct l3_prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t len;
	struct flow_addr addr;
};

struct l3_port_params {
	struct rte_ether_addr mac;
	uint16_t mtu;	  /* IP bytes */
	bool answer_vips; /* answer ARP/ND for VIPs here */
	/* own address with its prefix length; the prefix is a connected route */
	const struct l3_prefix *addresses;
	unsigned int n_addresses;
};

struct l3_route_params {
	struct l3_prefix prefix;
	uint16_t port;
	bool on_link;	      /* no gateway: the destination itself is the neighbour */
	struct flow_addr via; /* gateway */
};

struct l3_neighbour_params { /* static: never resolved, never aged */
	uint16_t port;
	uint8_t family;
	struct flow_addr addr;
	struct rte_ether_addr mac;
};

struct l3_params {
	const char *name;		    /* unique in the process, at most 16 characters */
	const struct l3_port_params *ports; /* by configuration index */
	unsigned int n_ports;
	const struct l3_route_params *routes;
	unsigned int n_routes;
	const struct l3_neighbour_params *neighbours;
	unsigned int n_neighbours;
	const struct l3_prefix *vips; /* families and addresses; len ignored. Duplicates are fine */
	unsigned int n_vips;
	uint32_t max_nexthops;	     /* 1 .. 65535 */
	uint32_t hold_per_neighbour; /* packets that wait for one neighbour, at most */
	uint32_t hold_total;
	uint32_t icmp_rate;	  /* ICMP errors a second, at most; a burst of as many. 0 = none */
	struct rte_mempool *pool; /* for packets that shunt makes; mbufs carry struct pkt_meta */
	int socket_id;
};

/* NULL with rte_errno. */
struct l3 *
l3_create(const struct l3_params *p);
void
l3_destroy(struct l3 *l3); /* frees held packets */

/* ---- next hops: what workers read ---- */

/*
 * [C] control writes, any lcore reads. The Ethernet header is 14 bytes in one 16-byte aligned unit,
 * written and read with one 16-byte access, which x86-64 with AVX and arm64 with LSE2 do in one
 * piece: a reader sees the old or the new MAC, never a mix. `port` and `mtu` do not change while
 * any flow refers to the entry.
 */
struct l3_nexthop {
	/* destination MAC, source MAC, EtherType, 2 bytes unused */
	uint8_t header[16] __rte_aligned(16);
	uint16_t port;	/* configuration index */
	uint16_t mtu;	/* IP bytes */
	uint8_t usable; /* header holds a MAC: resolved, static, or stale and being verified */
} __rte_cache_aligned;

/* [any lcore] The table; constant address. Index 0 is never valid (port UINT16_MAX, not usable). */
const struct l3_nexthop *
l3_nexthops(const struct l3 *l3);

/* ---- routing ---- */

/*
 * Next hop towards dst (index > 0), making a neighbour entry when there is none; or -ENETUNREACH
 * (no route), -ENOSPC (table full even after unreferenced failed entries were taken back). Caller
 * refs it when a flow keeps it, before it asks for another.
 */
int
l3_route(struct l3 *l3, uint8_t family, const struct flow_addr *dst);

/*
 * The same with the port given (a class steers there): gateway if dst's route leads out of that
 * port, else dst itself.
 */
int
l3_route_on(struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *dst);

/* [any lcore, while routes do not change] Is there a route to dst? Makes no neighbour. */
bool
l3_has_route(struct l3 *l3, uint8_t family, const struct flow_addr *dst);

/* References by compiled flows: an entry with references is never taken back. */
void
l3_nexthop_ref(struct l3 *l3, uint16_t nexthop);
void
l3_nexthop_unref(struct l3 *l3, uint16_t nexthop);

/* Is it ours: an address of any port (link-local ones too), or a VIP? */
bool
l3_is_own(const struct l3 *l3, uint8_t family, const struct flow_addr *addr);
/* Is it a VIP? */
bool
l3_is_vip(const struct l3 *l3, uint8_t family, const struct flow_addr *addr);

/* ---- packets ---- */

#define L3_OUT_MAX 256

/*
 * What a call wants done, in order. Each mbuf's pkt_meta says it: verdict FORWARD (port_out,
 * queue_out = FLOW_QUEUE_ANY; complete frame) or DROP (reason). Packets that shunt made have gate =
 * PKT_GATE_NONE and `sequence` of the packet that caused them; released packets keep the meta they
 * came with.
 */
struct l3_out {
	unsigned int n;
	struct rte_mbuf *m[L3_OUT_MAX];
};

enum l3_verdict {
	L3_CONSUMED, /* answered, learnt from, or none of our business: the caller frees m */
	L3_NOT_OURS, /* nothing for shunt itself: forward it */
	L3_DROP,     /* *reason says why; caller keeps m */
};

/*
 * A packet that may be for shunt itself: ARP, neighbour discovery, echo request to an own address
 * or VIP, anything else to an own address (LOCAL_UNHANDLED; a VIP with no service on that port is
 * LOCAL_UNHANDLED too, but call only after the service look-up missed). pkt_meta(m)->info and
 * port_in are set. L3_CONSUMED: the caller frees m (verdict LOCAL); answers are new mbufs in out,
 * and so are packets that an ARP or ND answer released. Learns neighbours only from answers to own
 * requests, from requests to own addresses, and updates known entries.
 */
enum l3_verdict
l3_input(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason,
		struct l3_out *out);

/*
 * Next hop is not usable: keep m (rewritten, complete but for its Ethernet header: the frame starts
 * with 14 bytes to be overwritten) until it is, and ask. 0: l3 owns m now; it comes back through
 * some later l3_out as FORWARD or DROP. -ENOBUFS (hold full: NEIGH_HOLD_FULL), -EHOSTUNREACH
 * (recently failed: NEIGH_FAILED): caller keeps m.
 */
int
l3_hold(struct l3 *l3, uint16_t nexthop, struct rte_mbuf *m, uint64_t now, struct l3_out *out);

/* Retries, failures, refresh of stale neighbours. Bounded work; call every few milliseconds. */
void
l3_tick(struct l3 *l3, uint64_t now, struct l3_out *out);

unsigned int
l3_held(const struct l3 *l3); /* packets waiting now */

enum l3_icmp_error {
	L3_ICMP_TTL,	    /* time exceeded in transit */
	L3_ICMP_NO_ROUTE,   /* network unreachable; v6: no route */
	L3_ICMP_HOST,	    /* host unreachable; v6: address unreachable */
	L3_ICMP_PORT,	    /* port unreachable */
	L3_ICMP_TOO_BIG,    /* fragmentation needed / packet too big; `mtu` */
	L3_ICMP_REASSEMBLY, /* time exceeded in reassembly */
	L3_ICMP_PROHIBITED,
};

/*
 * Make the ICMP error about m (as it came in, not yet rewritten) and append it to out. Follows RFC
 * 1812 4.3.2.7 / RFC 4443 2.4: none about ICMP errors, non-first fragments, multicast, link
 * broadcast; source address = own address of the port it came in on that fits best; as much quoted
 * as fits 576 / 1280 bytes. 0; -EPERM (must not be sent); -EBUSY (rate limit); -ENOMEM;
 * -EADDRNOTAVAIL (no own address in that family).
 */
int
l3_icmp_error(struct l3 *l3, struct rte_mbuf *m, enum l3_icmp_error what, uint16_t mtu,
		uint64_t now, struct l3_out *out);

/*
 * Answer the TCP segment m, which opens a connection that is refused, by a reset in the name of its destination, and
 * append that to out. As l3_icmp_error(): the same conditions and results, and a rate limit of its own of the same rate.
 */
int
l3_tcp_reset(struct l3 *l3, struct rte_mbuf *m, uint64_t now, struct l3_out *out);

/* ---- reading ---- */

enum l3_neighbour_state {
	L3_NEIGH_INCOMPLETE,
	L3_NEIGH_REACHABLE,
	L3_NEIGH_STALE,
	L3_NEIGH_FAILED,
	L3_NEIGH_STATIC
};
struct l3_neighbour_info {
	uint16_t port;
	uint8_t family;
	enum l3_neighbour_state state;
	struct flow_addr addr;
	struct rte_ether_addr mac;
	uint32_t held;
};
int
l3_neighbour_info(const struct l3 *l3, uint16_t nexthop,
		struct l3_neighbour_info *out); /* -ENOENT: unused index */

#endif /* L3_L3_H */
