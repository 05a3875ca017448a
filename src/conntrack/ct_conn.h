/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection as it lies in memory: flows, tracker, what few have beside it. Cache lines and owners are the point: workers
 * read and write some of this without locks. Part of ct.h, which has the calls; include that.
 */
#ifndef CONNTRACK_CT_CONN_H
#define CONNTRACK_CT_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/flow.h"

enum ct_tcp_state {
	CT_TCP_NONE = 0,
	CT_TCP_SYN_SENT,
	CT_TCP_SYN_RECV,
	CT_TCP_ESTABLISHED,
	CT_TCP_FIN_WAIT,
	CT_TCP_CLOSE_WAIT,
	CT_TCP_LAST_ACK,
	CT_TCP_TIME_WAIT,
	CT_TCP_CLOSE,
	CT_TCP_SYN_SENT2, /* simultaneous open */
	CT_TCP_STATES
};

enum ct_sctp_state {
	CT_SCTP_NONE = 0,
	CT_SCTP_CLOSED, /* nothing believed yet, or over */
	CT_SCTP_COOKIE_WAIT,
	CT_SCTP_COOKIE_ECHOED,
	CT_SCTP_ESTABLISHED,
	CT_SCTP_SHUTDOWN_SENT,
	CT_SCTP_SHUTDOWN_RECD,
	CT_SCTP_SHUTDOWN_ACK_SENT,
	CT_SCTP_HEARTBEAT_SENT, /* a path of an association that was opened on another one */
	CT_SCTP_STATES
};

enum ct_dccp_state {
	CT_DCCP_NONE = 0,
	CT_DCCP_REQUEST,
	CT_DCCP_RESPOND,
	CT_DCCP_PARTOPEN,
	CT_DCCP_OPEN,
	CT_DCCP_CLOSEREQ,
	CT_DCCP_CLOSING,
	CT_DCCP_TIMEWAIT,
	CT_DCCP_STATES
};

/* ct_conn.status, after nf_conntrack's IPS_* bits */
#define CT_S_SEEN_REPLY 0x0001u
#define CT_S_ASSURED 0x0002u
#define CT_S_DNAT 0x0004u
#define CT_S_SNAT 0x0008u
#define CT_S_DYING 0x0010u    /* out of the table, waiting for readers to leave */
#define CT_S_USED 0x0020u     /* slot holds a connection */
#define CT_S_EXPECTED 0x0040u /* let in by an expectation: `related` until it is answered */
#define CT_S_HELPER 0x0080u   /* a helper reads it: never on the fast path */
#define CT_S_COUNTED 0x0100u  /* limits count it */

struct ct_tcp_window {
	uint32_t end;	 /* highest sequence number sent, + payload */
	uint32_t maxend; /* highest that the other side's window allows */
	uint32_t maxwin; /* largest window advertised, scaled */
	uint32_t maxack;
};

struct ct_tcp {
	struct ct_tcp_window win[2]; /* by direction of the sender */
	uint8_t scale[2];
	uint8_t flags[2];
	uint8_t state; /* enum ct_tcp_state */
	uint8_t last_dir : 1;
	uint8_t limits : 7; /* CT_TCP_T_*: what shortens the timeout, as of the last segment believed */
	uint8_t last_index;
	uint8_t last_wscale;
	uint32_t last_seq;
	uint32_t last_ack;
	uint32_t last_end;
	uint16_t last_win;
	uint8_t last_flags;
	uint8_t retrans;
};

struct ct_sctp {
	uint32_t tag[2]; /* verification tag of packets of each direction, as it lies there; 0: not known */
	uint8_t state;	 /* enum ct_sctp_state */
	uint8_t init[2]; /* an INIT came from there, and no COOKIE ACK since */
	uint8_t doubt;	 /* 1 + direction of a HEARTBEAT with another tag, or 0 */
};

struct ct_dccp {
	uint8_t state; /* enum ct_dccp_state; the client is who sent the first packet */
};

/*
 * Three cache lines: a flow a direction, then the tracker. A packet of an established UDP connection touches one
 * bucket of the table and one flow line, TCP with window checks the tracker line as well.
 * IPv6 addresses lie beside it (ct_conn6), and timer links in an array that only control touches.
 *
 * [I] immutable after publish, [L] lent (see flow.h), [C] control writes.
 */
struct ct_conn {
	struct flow flow[2]; /* [L] by enum flow_dir */
	union {		     /* [L] */
		struct ct_tcp tcp;
		struct ct_sctp sctp;
		struct ct_dccp dccp;
		struct {
			uint64_t opened; /* ns */
			uint8_t state;	 /* tracker's own */
		} other;
		uint8_t tracker[56];
	};
	uint16_t status; /* [C] CT_S_*; workers read */
	uint8_t owner;	 /* [I] worker index */
	uint8_t policy;	 /* [I] timeout policy; 0 = defaults */
	uint32_t mark;	 /* [L] */
} __rte_cache_aligned;
_Static_assert(sizeof(struct ct_conn) == 192, "three cache lines a connection");

/* Addresses of an IPv6 connection: key of direction d = addr[2d], addr[2d + 1]; it leaves as the other pair, swapped. */
struct ct_conn6 {
	struct flow_addr addr[4]; /* [I] original src, dst, reply src, dst */
} __rte_cache_aligned;

/*
 * To be added to sequence numbers of one direction: `before` up to and including pos, `after` beyond it (as they arrive).
 * What was inserted into a stream or cut out of it moves what follows; a SYN cookie moves all.
 */
struct ct_seqadj {
	uint32_t pos;
	int32_t before;
	int32_t after;
};

/* ct_ext.helper */
enum ct_helper { CT_HELPER_NONE = 0, CT_HELPER_FTP, CT_HELPER_TFTP, CT_HELPERS };

/* What a helper remembers of a control connection. [C] */
struct ct_helper_state {
	uint32_t line[2];    /* by direction: sequence number at which a line begins */
	uint16_t port;	     /* that was put into the text at seq[].pos, host order; 0: none was */
	uint16_t len;	     /* bytes from seq[].pos to the end of that text, as they arrived */
	uint16_t dir : 1;    /* of that text */
	uint16_t known : 2;  /* by direction: is line[]? */
	uint16_t reply : 13; /* code of the reply of several lines that is under way, or 0 */
};

/*
 * What few connections need, beside the table (ct_ext.c). Two cache lines; workers touch the first, and only of
 * flows with FLOW_F_ADJUST.
 */
struct ct_ext {
	struct ct_seqadj seq[2]; /* [L] by direction of the sender */
	uint32_t ts_offset; /* [L] to be added to TSval of replies, taken off TSecr of the original direction */
	uint32_t master; /* [C] connection that expected this one, or FLOW_NONE; while that lives */
	uint32_t child;	 /* [C] first of those that this one expected, or FLOW_NONE */
	uint32_t next, prev; /* [C] children of the same master */
	uint8_t helper;	     /* [C] CT_HELPER_*, or an index of who uses it */
	uint8_t cookie;	     /* [C] stage of a handshake that began with a SYN cookie */
	int8_t win_shift[2]; /* [L] by direction of the sender: what its windows are shifted by, left if positive */
	uint8_t label[16]; /* [C] */
	struct flow_tuple
			master_tuple; /* [C] original tuple of the master; family 0: never had one */
	struct ct_helper_state help;  /* [C] */
} __rte_cache_aligned;
_Static_assert(sizeof(struct ct_ext) == 128, "two cache lines an extension");

static inline uint32_t
ct_flow_id(uint32_t conn, enum flow_dir dir)
{
	return conn << 1 | dir;
}

#endif /* CONNTRACK_CT_CONN_H */
