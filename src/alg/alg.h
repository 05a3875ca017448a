/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What control connections say about connections to come: FTP (RFC 959, RFC 2428) and TFTP (RFC 1350). Text in, addresses
 * and ports out, and back. Reads one packet's payload, keeps no state, trusts nothing. Any lcore; the control lcore
 * is who asks (dataplane/session_alg.c).
 */
#ifndef ALG_ALG_H
#define ALG_ALG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/flow.h"

/* Ports below are refused: a server of the system listens there, not a transfer (RFC 2577 section 3). */
#define ALG_PORT_MIN 1024

enum alg_kind {
	ALG_FTP_PORT, /* PORT 192,0,2,1,4,5 */
	ALG_FTP_EPRT, /* EPRT |1|192.0.2.1|1029|, or |2|2001:db8::1|1029| */
	ALG_FTP_227,  /* 227 Entering Passive Mode (192,0,2,1,4,5) */
	ALG_FTP_229,  /* 229 Entering Extended Passive Mode (|||1029|) */
};

enum alg_result {
	ALG_NOTHING, /* no announcement */
	ALG_FOUND,
	ALG_REFUSED, /* a port below ALG_PORT_MIN: well formed, not to be let in */
	ALG_BAD,     /* begins like an announcement, but is cut or malformed */
};

/* Offsets are bytes from the beginning of the payload. */
struct alg_announced {
	enum alg_kind kind;
	uint8_t family; /* of the address; 0: 229 has none, the connection's own is meant */
	struct flow_addr address;
	uint16_t port;	/* host order */
	uint32_t line;	/* its line begins here */
	uint32_t begin; /* what says address and port: [begin, end) */
	uint32_t end;
	char delimiter; /* of EPRT */
};

/* Payload of an FTP control connection; its first byte begins a line. */
struct alg_text {
	const uint8_t *data;
	uint32_t len;
	bool from_server; /* replies are looked for, else commands */
	/*
	 * In: code of the reply of several lines that the text begins in, or 0: its lines are no announcements, whatever they
	 * look like (RFC 959 section 4.2). Out: of the one it ends in.
	 */
	uint16_t reply;
};

/* The first announcement of the text. */
enum alg_result
alg_ftp(struct alg_text *text, struct alg_announced *out);

/* Longest that alg_ftp_print() writes, its final zero included. */
#define ALG_FTP_TEXT_MAX 64
/* What is to stand at [begin, end) instead, for another address of a->family (229: ignored) and port. Returns its length. */
uint32_t
alg_ftp_print(const struct alg_announced *a, const struct flow_addr *address, uint16_t port,
		char text[ALG_FTP_TEXT_MAX]);

/* A request to read or to write (RFC 1350 section 5): it is answered from another port. */
bool
alg_tftp_request(const uint8_t *data, uint32_t len);

#endif /* ALG_ALG_H */
