/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the demo scenario share: the network, the services and a conversation. The
 * capture holds what arrives at the box: from clients on the interface `external`, from servers on
 * `internal`. So a server's packet carries the backend's address, never the service's.
 */
#ifndef MK_DEMO_H
#define MK_DEMO_H

#include "payload.h"
#include "rng.h"
#include "scenario.h"
#include "timeline.h"

enum demo_side { DEMO_EXTERNAL, DEMO_INTERNAL };

enum demo_kind { DEMO_TLS, DEMO_HTTP, DEMO_DNS, DEMO_QUIC, DEMO_TAGGED };

struct demo_service {
	enum demo_kind kind;
	bool v6;
	uint16_t port;
	uint16_t backend_port;
	uint8_t backends; /* the first ones of .11 to .13 */
	uint16_t connections;
};

struct demo {
	struct mk_timeline *timeline;
	struct mk_rng rng;
	uint8_t *payload; /* MK_PAYLOAD_MAX bytes of scratch */
	uint64_t end;
};

/* Connection `ordinal` of its service, which the round robin gives backend ordinal mod n. */
struct demo_talk {
	const struct demo_service *service;
	unsigned int ordinal;
	struct mk_flow flow[2]; /* what arrives at each side */
	uint64_t start;
	uint64_t rtt;	/* box to client and back, ns */
	uint64_t delay; /* box to backend and back, ns */
};

/* Packets from a client behind the gateway (`to` a service or beyond) or from a backend to it. */
struct mk_flow
demo_from_client(bool v6, unsigned int client, struct mk_addr to);

struct mk_flow
demo_from_backend(bool v6, unsigned int backend, struct mk_addr to);

struct mk_addr
demo_vip(bool v6);

/* The packet as the backend sees it: translated, and one hop further. */
struct mk_flow
demo_translated(const struct demo_talk *talk);

const char *
demo_name(unsigned int i);

/* Each writes one whole connection. */
void
demo_tcp(struct demo *d, const struct demo_talk *talk);

void
demo_dns(struct demo *d, const struct demo_talk *talk);

void
demo_quic(struct demo *d, const struct demo_talk *talk);

/* Pings, ARP, fragments, GRE and everything malformed, over the whole capture. */
void
demo_odd(struct demo *d);

#endif /* MK_DEMO_H */
