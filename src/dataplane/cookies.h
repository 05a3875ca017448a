/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies in the dataplane: who decides that they are used, and who uses them.
 *
 *   cookies.c          control: secret at start, on and off by the number of half-open connections
 *   worker_cookie.c    workers: answer SYNs, judge the ACKs that come back
 *   session_cookie.c   control: a good ACK opens a connection; the handshake with the server, in the client's name
 */
#ifndef DATAPLANE_COOKIES_H
#define DATAPLANE_COOKIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pkt.h"
#include "base/time.h"
#include "config/cfg.h"

struct dp;
struct dp_worker;

enum cookies_state {
	COOKIES_OFF,
	COOKIES_ACCEPT, /* none are sent any more; those that were are still good */
	COOKIES_ACTIVE,
};

/* After the reason to use them is gone, they go on for so long. */
#define COOKIES_CALM_NS (5 * TIME_NS_PER_S)

struct dp_cookies {
	const struct cfg_syn_cookies *cfg; /* [I] */
	uint64_t key[2];		   /* [I] secret */
	uint8_t state;			   /* [A] enum cookies_state; control writes */
	uint64_t calm_since;		   /* [C] few half-open connections since then */
	uint64_t accept_until;		   /* [C] */
};

/* Control, at start: 0 or -errno. */
int
cookies_create(struct dp *dp);
/* Control, every round. */
void
cookies_poll(struct dp *dp, uint64_t now);

/*
 * Worker: a packet of no flow. True: it was taken, or handed to control with a reason of its own. False: the worker
 * does with it what it always does.
 */
bool
worker_cookie(struct dp_worker *w, struct pkt_burst *b, unsigned int i, uint64_t now);

#endif /* DATAPLANE_COOKIES_H */
