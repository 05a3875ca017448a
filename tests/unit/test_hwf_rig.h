/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of hwsim/rteflow share: the translation over real steering, with a driver of the test's own whose clock is a
 * number and whose command queue is a list. No EAL.
 */
#ifndef TEST_HWF_RIG_H
#define TEST_HWF_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hwf_async.h"
#include "hwsim/rteflow/hwf.h"

#define RIG_PORTS 4
#define RIG_QUEUES 8
#define RIG_COMMANDS 4096
#define RIG_ROOM 256

struct rig {
	struct sim_profile profile;
	struct sim_steer *steer;
	struct sim_lock lock;
	struct hwf *h;
	sim_cycle now;
	bool timed; /* commands take `cost` cycles each; else no time */
	sim_cycle cost, busy_until;
	uint32_t depth; /* of the command queue, at most RIG_COMMANDS */
	int refuse;	/* what it answers, if not 0 */
	bool started;
	uint32_t aged[RIG_PORTS]; /* events said */
	uint32_t spent;		  /* synchronous commands */
	uint64_t begun, began;	  /* calls that said so, the last one spent */
	struct {
		void (*done)(void *arg);
		void *arg;
		sim_cycle at;
	} command[RIG_COMMANDS];
	uint32_t head, tail;
};

/* `set`: assignments for the profile, NULL at the end; NULL: the ideal card. */
struct rig *
rig_new(const char *const *set);
void
rig_free(struct rig *r);
/* For cmocka: an ideal card a test. */
int
rig_setup(void **state);
int
rig_teardown(void **state);
/* A rule of ingress that must be taken. */
struct rte_flow *
rig_rule(struct rig *r, uint16_t port, const struct rte_flow_item *item,
		const struct rte_flow_action *action);
/* Time passes: commands whose cycle comes are carried out in it. */
void
rig_advance(struct rig *r, sim_cycle until);

/* A packet, and what becomes of it. */
struct rig_packet {
	uint8_t room[RIG_ROOM + 512 + RIG_ROOM];
	struct sim_pkt pkt;
};
/* Ethernet, IPv4, TCP (flags ACK) with `payload` bytes; ports and addresses in host order. */
struct rig_flow {
	uint32_t src, dst;
	uint16_t sport, dport;
};
void
rig_tcp(struct rig_packet *p, const struct rig_flow *f, uint32_t payload);
/* The same behind Ethernet, IPv4, UDP and VXLAN. */
void
rig_vxlan(struct rig_packet *p, const struct rig_flow *f, uint32_t vni);
/* Through the tables, from the wire of `port`. */
void
rig_run(struct rig *r, struct rig_packet *p, uint16_t port);

/* Eth / IPv4 (both addresses) / TCP (both ports), of ingress; `item` has room for 4. */
struct rig_tuple {
	struct rte_flow_item_ipv4 ip, ip_mask;
	struct rte_flow_item_tcp tcp, tcp_mask;
	struct rte_flow_item item[4];
};
void
rig_tuple(struct rig_tuple *t, const struct rig_flow *f);

#endif /* TEST_HWF_RIG_H */
