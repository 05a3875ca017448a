/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small network for the rig (test_dp.h): three ports, a client, a server, and what the tests do with them over and over.
 */
#ifndef TEST_DP_NET_H
#define TEST_DP_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_dp.h"

/* A client's net and a server's, both hosts' MAC addresses known, and 10.0.0.128/25 of hosts that do not answer. */
#define CONFIG(workers, extra) \
	"{\"lcores\": {\"workers\": " workers "}, \"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"addresses\": [\"198.51.100.2/24\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"addresses\": [\"10.0.0.1/24\"]}," \
	"{\"name\": \"side\", \"device\": \"net_ring_rig2\", \"role\": \"internal\", \"addresses\": [\"10.1.0.1/24\"]}]," \
	"\"neighbours\": [" \
	"{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"}," \
	"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"side\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:1b\"}]," extra \
	"}"
#define TABLES(connections, ring, hold) \
	"\"tables\": {\"connections\": " #connections \
	", \"mbufs\": 1024, \"next-hops\": 256, \"ring-size\": " #ring \
	", \"hold-per-neighbour\": 4, \"hold-total\": " #hold "}"

static struct rig rig;

static inline void
open_(const char *json, unsigned int queues)
{
	rig_open(&rig,
			&(struct rig_params){ .json = json,
					.n_ports = 3,
					.n_rxq = queues,
					.n_txq = queues });
}

static inline struct packet
udp(uint16_t client_port)
{
	return (struct packet){ .src = "198.51.100.7",
		.dst = "10.0.0.11",
		.proto = IPPROTO_UDP,
		.sport = client_port,
		.dport = 53,
		.payload = "question",
		.len = 8 };
}

static inline struct packet
answer_to(const struct packet *p)
{
	struct packet a = *p;

	a.src = p->dst, a.dst = p->src;
	a.sport = p->dport, a.dport = p->sport;
	return a;
}

static inline void
feed(unsigned int port, const struct packet *p)
{
	struct frame f;

	frame_build(&f, p);
	assert_true(rig_feed(&rig, port, 0, &f));
}

/* Frames that wait at an output port, counted and thrown away. */
static inline unsigned int
left(unsigned int port)
{
	struct frame f;
	unsigned int n = 0;

	while (rig_take_any(&rig, port, &f))
		n++;
	return n;
}

static inline void
establish(const struct packet *p)
{
	const struct packet a = answer_to(p);

	rig_run(&rig, 0, p);
	rig_run(&rig, 1, &a);
	for (unsigned int i = 0; i < rig.dp->n_ports; i++)
		(void)left(i);
}

#endif /* TEST_DP_NET_H */
