/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole dataplane under a test's thumb: ports are rings, lcores do not run, time is a number. The test puts frames
 * into receive rings, lets workers and control take turns in any order, and reads what left. rig_check() is the
 * accounting identity, to be called at any time.
 *
 * Frames are built from scratch, checksums included, by code that shares nothing with the dataplane: a rewritten frame
 * must equal the one that is built with the new addresses.
 */
#ifndef TESTS_UNIT_TEST_DP_H
#define TESTS_UNIT_TEST_DP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ring.h>

#include "dp_priv.h"

/* ---- frames ---------------------------------------------------------------------------------------------------- */

#define FRAME_MAX 2048
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define SCTP_DATA 0
#define SCTP_INIT 1
#define SCTP_INIT_ACK 2
#define SCTP_COOKIE_ECHO 10
#define SCTP_COOKIE_ACK 11
#define DCCP_REQUEST 0
#define DCCP_RESPONSE 1
#define DCCP_ACK 3
#define DCCP_DATAACK 4

struct packet {
	const char *dmac, *smac; /* NULL: of the rig's hosts, see test_dp_frame.c */
	const char *src, *dst;	 /* the family is theirs */
	uint8_t proto;
	uint16_t sport, dport; /* ICMP: identifier, and type << 8 | code */
	uint32_t seq, ack;     /* TCP; ICMP errors: seq = the second word (MTU); GRE: seq = key */
	uint8_t flags;	       /* TCP; SCTP: type of the chunk; DCCP: type of the packet */
	uint32_t tag; /* SCTP: verification tag; INIT, INIT ACK: ack = the one that is asked for */
	uint8_t ttl;  /* 0 = 64 */
	uint8_t vlans;
	bool no_checksum; /* UDP over IPv4 */
	const void *payload;
	uint16_t len;
};

struct frame {
	uint32_t len;
	uint8_t b[FRAME_MAX];
};

void
frame_build(struct frame *f, const struct packet *p);
/* Offset of the IP header: behind Ethernet and VLAN tags. */
uint32_t
frame_l3(const struct frame *f);
uint8_t
frame_family(const struct frame *f);
/* An ARP answer, or a neighbour advertisement, by family. */
void
frame_neighbour(struct frame *f, const char *addr, const char *mac, const char *to,
		const char *to_mac);

/* ---- the rig ----------------------------------------------------------------------------------------------------- */

#define RIG_MAC "00:00:00:00:00:00" /* of all ports: net_ring devices have no other and take none */
#define RIG_PORTS 4
#define RIG_QUEUES 8

struct rig_port {
	struct rte_ring *rx[RIG_QUEUES], *tx[RIG_QUEUES];
	unsigned int n_rx, n_tx;
	uint16_t tx_room; /* entries of a tx ring */
};

struct rig {
	struct cfg *cfg;
	struct dp *dp;
	uint64_t now;
	struct rig_port port[RIG_PORTS];
	uint64_t fed;  /* frames put into receive rings */
	uint64_t left; /* frames that came out */
	uint64_t lost; /* frames there was no mbuf or ring entry for */
};

struct rig_params {
	const char *json; /* ports' devices are named net_ring_rigPORT */
	unsigned int n_ports;
	unsigned int n_rxq, n_txq; /* a port; 0 = 1 */
	unsigned int tx_room;	   /* power of two; 0 = 1024 */
};

/* Once a program. lcores as EAL's --lcores, "0@0". */
int
rig_eal(const char *lcores);
/* Asserts that it works. */
void
rig_open(struct rig *r, const struct rig_params *p);
/* With whatever is inside. */
void
rig_destroy(struct rig *r);
/* Lets everything finish, checks that no mbuf is missing and every gate is open. */
void
rig_finish(struct rig *r);
/* Both. */
void
rig_close(struct rig *r);

/* False: no room. */
bool
rig_feed(struct rig *r, unsigned int port, unsigned int queue, const struct frame *f);
/* The next frame that left by (port, queue). */
bool
rig_take(struct rig *r, unsigned int port, unsigned int queue, struct frame *f);
/* From any queue of the port. */
bool
rig_take_any(struct rig *r, unsigned int port, struct frame *f);

void
rig_worker(struct rig *r, unsigned int worker);
void
rig_control(struct rig *r);
/* Nothing waits in any ring. */
bool
rig_idle(const struct rig *r);
/* Workers and control in turn until nothing moves. */
void
rig_settle(struct rig *r);
/* One frame in, everything settled. */
void
rig_run(struct rig *r, unsigned int port, const struct packet *p);

/*
 * Every packet is somewhere: rx + made = tx + drops + local + merged + held + waiting fragments + with control (waiting for
 * its connection's lines, too) + parked + handed over.
 */
void
rig_check(const struct rig *r);

uint64_t
rig_drops(const struct rig *r, enum drop_reason why);
uint64_t
rig_punts(const struct rig *r, enum punt_reason why);
uint64_t
rig_fast(const struct rig *r);

#endif /* TESTS_UNIT_TEST_DP_H */
