/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verdict lines: what became of one packet of a replay, as one line of JSON. Tests and users
 * compare them byte by byte, so keys, their order and the blanks between them are part of the
 * interface.
 *
 * Called by replay, on the control lcore.
 */
#ifndef DATAPLANE_VERDICT_H
#define DATAPLANE_VERDICT_H

#include <stdint.h>
#include <stdio.h>

/* A packet that left because of it. */
struct verdict_out {
	const char *port;
	uint16_t queue;
	const uint8_t *frame; /* from the Ethernet header on */
	uint32_t len;
};

struct verdict {
	uint64_t n;	     /* number of the packet, from 0 */
	const char *port;    /* of entry */
	const char *state;   /* new, established, related, invalid, untracked, none */
	const char *dir;     /* original, reply, none */
	uint8_t flags;	     /* CT_FLAG_* */
	const char *tcp;     /* "SYN_SENT", ...; NULL: not TCP, the key is left out */
	const char *sctp;    /* likewise */
	const char *dccp;    /* likewise */
	const char *verdict; /* forward, drop, ... */
	const char *reason;  /* short name of the drop reason; NULL: null */
	const char *class;   /* NULL: null */
	const char *path;    /* fast, slow; NULL: null */
	const struct verdict_out *out;
	unsigned int n_out;
};

/* One line, with its newline, into a stream that the caller buffers. 0 or -errno. */
int
verdict_write(FILE *f, const struct verdict *v);

#endif /* DATAPLANE_VERDICT_H */
