/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of l3/, for its own files and its unit tests. Everything here runs on the control lcore;
 * the only memory that other lcores see is the array of struct l3_nexthop (l3.h).
 *
 *   l3.c        create, destroy, and which file a packet is for
 *   l3_own.c    own addresses, VIPs, which source address to use
 *   l3_route.c  longest prefix match
 *   l3_neigh.c  next hops = neighbours: look-up, life cycle, timers
 *   l3_hold.c   packets that wait for a neighbour
 *   l3_arp.c  l3_nd.c  l3_echo.c  l3_icmp.c  l3_reset.c   one protocol each
 *   l3_packet.c reading packets with every length checked, and making new ones
 */
#ifndef L3_PRIV_H
#define L3_PRIV_H

#include <string.h>
#include <sys/queue.h>

#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_hash.h>

#include "base/time.h"
#include "l3/l3.h"

#define L3_NAME_MAX 16 /* of l3_params.name: DPDK's own names add to it, and are short */
#define L3_ROUTES_MAX (1u << 20)

/*
 * RFC 4861 section 10: MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT, RETRANS_TIMER,
 * REACHABLE_TIME.
 */
#define L3_PROBES 3
#define L3_RETRANS_NS TIME_NS_PER_S
#define L3_REACHABLE_NS (30 * TIME_NS_PER_S)
/* How long packets for a neighbour that did not answer are refused before it is asked again. */
#define L3_FAILED_NS (3 * TIME_NS_PER_S)
/* Timers of each kind that one l3_tick() handles. */
#define L3_TICK_WORK 64

/* ---- addresses (l3_own.c) ---- */

/* What own addresses and neighbours are found by. Hashed as bytes: no padding. */
struct l3_key {
	struct flow_addr addr;
	uint16_t port; /* or one of the below */
	uint8_t family;
	uint8_t zero;
};
_Static_assert(sizeof(struct l3_key) == 20, "hashed as bytes");
#define L3_PORT_ANY 0xffff /* own address of some port, or VIP */
#define L3_PORT_VIP 0xfffe
#define L3_PORTS_MAX 0xfffe

struct l3_port {
	struct rte_ether_addr mac;
	uint16_t mtu;
	bool answer_vips;
	unsigned int n_addresses;
	struct l3_prefix *
			addresses; /* a link-local one comes last where there is any IPv6 address */
	struct flow_addr link_local; /* RFC 4291 appendix A, from the MAC */
};

struct l3_key
l3_key_of(uint16_t port, uint8_t family, const struct flow_addr *addr);
struct rte_hash *
l3_hash_create(const char *name, const char *suffix, uint32_t entries, int socket_id);
int
l3_own_create(struct l3 *l3, const struct l3_params *p);
void
l3_own_destroy(struct l3 *l3);
/* Own address of this very port, or a VIP that this port answers for: what ARP and ND speak for. */
bool
l3_own_answers(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr);
/*
 * May a packet that came in on `port` be for us? Link-local addresses are only those of their link.
 */
bool
l3_own_receives(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr);
/* Within a connected prefix of the port? */
bool
l3_own_on_link(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr);
/*
 * Own address of the port that fits best to speak to `towards`; NULL when it has none in that
 * family.
 */
const struct flow_addr *
l3_own_source(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *towards);
/* Can it be one host as seen from the port: not unspecified, loopback, multicast or broadcast. */
bool
l3_addr_is_host(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr);
bool
l3_addr_is_broadcast(
		const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr);
bool
l3_addr_is_link_local(uint8_t family, const struct flow_addr *addr);

/*
 * Not rte_is_same_ether_addr() and its like: those read the bytes as 16-bit words, which GCC 12 at
 * -O3 takes for unrelated to a MAC that was just copied, and compares what lay there before (seen
 * with DPDK 22.11.11).
 */
static inline bool
l3_mac_same(const struct rte_ether_addr *a, const struct rte_ether_addr *b)
{
	return memcmp(a->addr_bytes, b->addr_bytes, RTE_ETHER_ADDR_LEN) == 0;
}

/* Can it be one station: neither a group nor all zeros. */
static inline bool
l3_mac_is_station(const struct rte_ether_addr *mac)
{
	static const struct rte_ether_addr zero;

	return (mac->addr_bytes[0] & RTE_ETHER_GROUP_ADDR) == 0 && !l3_mac_same(mac, &zero);
}

/* ---- neighbours (l3_neigh.c) and what they hold (l3_hold.c) ---- */

/*
 * Every entry is on at most one list. Those with timers are in order of deadline: a kind has one
 * interval.
 */
enum l3_list {
	L3_LIST_FREE,
	L3_LIST_FAILED, /* this and the next two: no timer, no references: for the taking */
	L3_LIST_IDLE,	/* incomplete, and nobody asked yet */
	L3_LIST_STALE,
	L3_LIST_PROBE,	   /* asked; deadline = next question */
	L3_LIST_REACHABLE, /* deadline = goes stale */
	L3_LIST_COUNT,
	L3_LIST_NONE = L3_LIST_COUNT, /* static, or referenced and without a timer */
};

/* First in, first out; slots by index, so that the bound is one array. */
struct l3_chain {
	uint32_t head, tail; /* valid when n > 0 */
	uint32_t n;
};

struct l3_neigh {
	TAILQ_ENTRY(l3_neigh) link;	 /* enum l3_list */
	TAILQ_ENTRY(l3_neigh) releasing; /* resolved, and its held packets are not all out yet */
	uint64_t deadline;
	struct l3_chain held;
	uint32_t refs; /* flows, and the routes that name it as gateway */
	struct flow_addr addr;
	struct rte_ether_addr mac; /* valid when resolved */
	uint16_t port;
	uint8_t family; /* 0: unused entry */
	uint8_t state;	/* enum l3_neighbour_state */
	uint8_t list;	/* enum l3_list */
	uint8_t probes; /* questions sent since probing began */
	bool probing;
	bool resolved; /* has a MAC; becomes usable once nothing is held any more */
	bool is_releasing;
};
TAILQ_HEAD(l3_neigh_list, l3_neigh);

struct l3_slot {
	struct rte_mbuf *m;
	uint32_t next;
};

struct l3 {
	struct l3_port *ports;
	unsigned int n_ports;
	struct rte_mempool *pool;

	struct rte_hash *own;
	struct rte_fib *fib4;
	struct rte_fib6 *fib6;

	struct rte_hash *neigh_by_addr; /* data: index */
	struct l3_neigh *neigh;		/* [0 .. max_nexthops]; 0 is never used */
	struct l3_nexthop *nexthops;	/* same index */
	uint32_t max_nexthops;
	struct l3_neigh_list lists[L3_LIST_COUNT];

	struct l3_slot *slots;
	uint32_t slot_free; /* chain of free ones through .next */
	uint32_t hold_per_neighbour;
	uint32_t hold_total;
	uint32_t held;
	struct l3_chain dropped; /* of neighbours that failed: to go out as DROP */
	struct l3_neigh_list releasing;

	uint64_t icmp_interval; /* ns a message; 0 = never send */
	uint64_t icmp_tat;	/* theoretical arrival time of the next one */
	uint64_t reset_tat;	/* the same for TCP resets */
};

int
l3_neigh_create(struct l3 *l3, const struct l3_params *p);
void
l3_neigh_destroy(struct l3 *l3);
struct l3_neigh *
l3_neigh_find(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr);
/*
 * Index of the entry, made when there is none; -ENOSPC, or -ENETUNREACH when the address is no
 * neighbour's.
 */
int
l3_neigh_get(struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr);
/* It answered our question: reachable. */
void
l3_neigh_confirm(struct l3 *l3, struct l3_neigh *n, const struct rte_ether_addr *mac, uint64_t now);
/* It said so without being asked: usable, but to be verified when it is news. */
void
l3_neigh_update(struct l3 *l3, struct l3_neigh *n, const struct rte_ether_addr *mac);
/*
 * The same for the sender of a question to us, for whom an entry is made where that costs nobody
 * else theirs.
 */
void
l3_neigh_learn(struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr,
		const struct rte_ether_addr *mac);
/* Verify at the next tick. */
void
l3_neigh_suspect(struct l3 *l3, struct l3_neigh *n);

int
l3_hold_create(struct l3 *l3, const struct l3_params *p);
void
l3_hold_destroy(struct l3 *l3);
int
l3_hold_push(struct l3 *l3, struct l3_neigh *n, struct rte_mbuf *m);
/*
 * n is resolved: let its packets go, oldest first, with the next l3_hold_flush(); then it is
 * usable.
 */
void
l3_hold_release(struct l3 *l3, struct l3_neigh *n);
/* Its packets go out as DROP. */
void
l3_hold_abandon(struct l3 *l3, struct l3_neigh *n, enum drop_reason reason);
/* As much of what was released or abandoned as there is room for. */
void
l3_hold_flush(struct l3 *l3, struct l3_out *out);

/* ---- routes (l3_route.c) ---- */
int
l3_route_create(struct l3 *l3, const struct l3_params *p);
void
l3_route_destroy(struct l3 *l3);

/* ---- packets (l3_packet.c) ---- */

/*
 * Copy bytes of a frame; false when they are not all there. A copy, and not a pointer as
 * rte_pktmbuf_read() gives: where segments begin is the sender's choice, and headers in them need
 * not be aligned.
 */
bool
l3_read(const struct rte_mbuf *m, uint32_t off, uint32_t len, void *to);

/*
 * An IP packet as it came in: everything in here was checked against the frame. Offsets from its
 * start.
 */
struct l3_view {
	struct rte_ether_addr eth_src;
	struct rte_ether_addr eth_dst;
	uint16_t port;
	uint16_t l3_off;
	uint16_t l3_len;
	uint16_t l4_off;
	uint16_t l4_len; /* 0 when there is no transport header in view */
	uint8_t family;
	uint8_t proto;
	uint8_t tos;
	uint8_t ttl;
	bool fragment;
	bool first; /* fragment offset is 0 */
	struct flow_addr src;
	struct flow_addr dst;
};
int
l3_view(const struct l3 *l3, struct rte_mbuf *m, struct l3_view *v, enum drop_reason *reason);
/* One's complement sum over the transport part as it arrived is right (ICMP, ICMPv6). */
bool
l3_view_icmp_ok(struct rte_mbuf *m, const struct l3_view *v);

/* First 8 bytes of every ICMP and ICMPv6 message. */
struct l3_icmp {
	uint8_t type;
	uint8_t code;
	rte_be16_t cksum;
	rte_be32_t rest;
} __rte_packed __rte_aligned(2); /* behind 14 bytes of Ethernet */

#define L3_TTL 64 /* of packets that shunt makes, but those of neighbour discovery */
struct l3_ip {
	uint8_t family;
	uint8_t tos;
	uint8_t ttl;
	struct flow_addr src;
	struct flow_addr dst;
};
/*
 * New packet of `len` bytes, not initialised, in one segment; *data is where they are. NULL: pool
 * empty, or too long.
 */
struct rte_mbuf *
l3_make(struct l3 *l3, uint16_t len, void **data);
/* m was copied from another packet: forget what that one's NIC said about it. */
void
l3_make_plain(struct rte_mbuf *m);
/* m holds an ICMP message: fill in its checksum and put the IP header in front. */
int
l3_make_ip(struct rte_mbuf *m, const struct l3_ip *ip);
/* Only the header, in front of a transport message of any protocol whose checksum is right. */
int
l3_make_ip_header(struct rte_mbuf *m, const struct l3_ip *ip, uint8_t proto);
int
l3_make_ether(struct rte_mbuf *m, const struct rte_ether_addr *dst,
		const struct rte_ether_addr *src, uint16_t type);
/* Ethernet header back to the sender of `question`, VLAN tags as they were. */
int
l3_make_ether_back(struct l3 *l3, struct rte_mbuf *m, struct rte_mbuf *question);
/*
 * Set the meta and append to out. Always takes m. cause: the packet that made it necessary, or NULL
 * (a timer).
 */
int
l3_emit(struct rte_mbuf *m, uint16_t port, struct rte_mbuf *cause, struct l3_out *out);
static inline bool
l3_room(const struct l3_out *out)
{
	return out->n < L3_OUT_MAX;
}

/* ---- errors (l3_icmp.c) ---- */

/* May the sender of this packet be told that something is wrong with it? RFC 1812 4.3.2.7, RFC 4443 2.4 (e). */
bool
l3_may_complain(const struct l3 *l3, struct rte_mbuf *m, const struct l3_view *v);
/* Is one more message of the kind that *tat belongs to allowed? */
bool
l3_rate_allows(const struct l3 *l3, uint64_t *tat, uint64_t now);

/* ---- protocols ---- */

enum l3_verdict
l3_arp_input(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason,
		struct l3_out *out);
enum l3_verdict
l3_nd_input(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason,
		struct l3_out *out);
enum l3_verdict
l3_echo_input(struct l3 *l3, struct rte_mbuf *m, const struct l3_view *v, enum drop_reason *reason,
		struct l3_out *out);
/*
 * Ask for n's MAC: everybody, or (unicast) the one that is known. Losing a question is no error: it
 * is repeated.
 */
void
l3_arp_ask(struct l3 *l3, const struct l3_neigh *n, bool unicast, struct rte_mbuf *cause,
		struct l3_out *out);
void
l3_nd_ask(struct l3 *l3, const struct l3_neigh *n, bool unicast, struct rte_mbuf *cause,
		struct l3_out *out);

/* What becomes of a question whose answer could, or could not, be made. */
static inline enum l3_verdict
l3_answered(int rc, enum drop_reason *reason)
{
	if (rc == 0)
		return L3_CONSUMED;
	*reason = rc == -ENOBUFS ? DROP_TX_FULL : DROP_NO_MBUF;
	return L3_DROP;
}

static inline enum l3_verdict
l3_refuse(enum drop_reason why, enum drop_reason *reason)
{
	*reason = why;
	return L3_DROP;
}

#endif /* L3_PRIV_H */
