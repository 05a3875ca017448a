/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a scenario gets from the command line, and the scenarios themselves: each writes its files
 * and returns 0 or -errno.
 */
#ifndef MK_SCENARIO_H
#define MK_SCENARIO_H

#include "packet.h"

/* 1 January 2024: fixed, so that a capture depends on nothing but the command line. */
#define MK_EPOCH_NS 1704067200000000000ULL
#define MK_US 1000ULL
#define MK_MS 1000000ULL

#define MK_PORT_FIRST 1024
#define MK_PORTS_PER_CLIENT 64512 /* 1024 to 65535 */

struct mk_options {
	uint32_t sessions;
	uint32_t backends;
	uint64_t seed;
	struct mk_addr client;
	struct mk_addr vip;
	struct mk_addr backend;
	uint16_t vip_port;
	uint16_t backend_port;
	uint8_t external_mac[MK_MAC_LEN]; /* of the box under test */
	uint8_t internal_mac[MK_MAC_LEN];
	const char *out_client;
	const char *out_server;
	const char *out;
};

int
mk_udp_sessions(const struct mk_options *o);

int
mk_tcp_opens(const struct mk_options *o);

int
mk_demo(const struct mk_options *o);

#endif /* MK_SCENARIO_H */
