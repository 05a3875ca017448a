/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DCCP tracker: the state of a connection as somebody between client and server can know it (RFC 4340 8). Control lcore,
 * through ct_conn.c. Sequence numbers are not checked: how large their window is, the two ends agree on in options.
 *
 * What carries the protocol's number and is no DCCP has no ports, and ct_other.c tracks it.
 * Only a Request opens: connections are not picked up in the middle. A Request after the end opens anew.
 */
#include "ct_priv.h"

#define HEADER_MIN 12

/* clang-format off */
#define RQ CT_DCCP_REQUEST
#define RS CT_DCCP_RESPOND
#define PO CT_DCCP_PARTOPEN
#define OP CT_DCCP_OPEN
#define CR CT_DCCP_CLOSEREQ
#define CG CT_DCCP_CLOSING
#define TW CT_DCCP_TIMEWAIT
#define IG CT_DCCP_IGNORE
#define IV CT_DCCP_INVALID

/* Columns: state before. First index: by the client? A packet that may be late or repeated passes, and is not believed. */
static const uint8_t next_state[2][CT_DCCP_TYPES][CT_DCCP_STATES] = {
	[true] = {
		/*                       NO  RQ  RS  PO  OP  CR  CG  TW */
		[CT_DCCP_T_REQUEST] =  { RQ, RQ, IG, IG, IG, IG, IG, RQ },
		/* Servers respond. */
		[CT_DCCP_T_RESPONSE] = { IV, IV, IV, IV, IV, IV, IV, IV },
		/* Without acknowledgement, so not before OPEN (8.1.5). */
		[CT_DCCP_T_DATA] =     { IV, IV, IV, IV, OP, CR, CG, IV },
		[CT_DCCP_T_ACK] =      { IV, IV, PO, PO, OP, CR, CG, IV },
		[CT_DCCP_T_DATAACK] =  { IV, IV, PO, PO, OP, CR, CG, IV },
		/* Servers ask to close (8.3). */
		[CT_DCCP_T_CLOSEREQ] = { IV, IV, IV, IV, IV, IV, IV, IV },
		[CT_DCCP_T_CLOSE] =    { IV, IV, CG, CG, CG, CG, CG, IV },
		[CT_DCCP_T_RESET] =    { IV, TW, TW, TW, TW, TW, TW, IG },
		[CT_DCCP_T_SYNC] =     { IV, IG, IG, IG, IG, IG, IG, IG },
		[CT_DCCP_T_SYNCACK] =  { IV, IG, IG, IG, IG, IG, IG, IG },
	},
	[false] = {
		/* Of the side that was the server: opens anew when the old one is over. */
		[CT_DCCP_T_REQUEST] =  { IV, IV, IV, IV, IV, IV, IV, RQ },
		[CT_DCCP_T_RESPONSE] = { IV, RS, RS, IG, IG, IG, IG, IV },
		[CT_DCCP_T_DATA] =     { IV, IV, IV, OP, OP, CR, CG, IV },
		[CT_DCCP_T_ACK] =      { IV, IV, IV, OP, OP, CR, CG, IV },
		[CT_DCCP_T_DATAACK] =  { IV, IV, IV, OP, OP, CR, CG, IV },
		[CT_DCCP_T_CLOSEREQ] = { IV, IV, IV, CR, CR, CR, IG, IV },
		[CT_DCCP_T_CLOSE] =    { IV, IV, IV, CG, CG, CG, CG, IV },
		[CT_DCCP_T_RESET] =    { IV, TW, TW, TW, TW, TW, TW, IG },
		[CT_DCCP_T_SYNC] =     { IV, IG, IG, IG, IG, IG, IG, IG },
		[CT_DCCP_T_SYNCACK] =  { IV, IG, IG, IG, IG, IG, IG, IG },
	},
};

#undef RQ
#undef RS
#undef PO
#undef OP
#undef CR
#undef CG
#undef TW
#undef IG
#undef IV
/* clang-format on */

uint8_t
ct_dccp_next(bool from_client, enum ct_dccp_type type, enum ct_dccp_state state)
{
	return next_state[from_client][type][state];
}

const char *
ct_dccp_state_name(enum ct_dccp_state s)
{
	static const char *const names[CT_DCCP_STATES] = {
		[CT_DCCP_NONE] = "NONE",
		[CT_DCCP_REQUEST] = "REQUEST",
		[CT_DCCP_RESPOND] = "RESPOND",
		[CT_DCCP_PARTOPEN] = "PARTOPEN",
		[CT_DCCP_OPEN] = "OPEN",
		[CT_DCCP_CLOSEREQ] = "CLOSEREQ",
		[CT_DCCP_CLOSING] = "CLOSING",
		[CT_DCCP_TIMEWAIT] = "TIMEWAIT",
	};

	return (unsigned int)s < CT_DCCP_STATES ? names[s] : "?";
}

static enum drop_reason
read_type(const struct ct_packet *pkt, enum ct_dccp_type *type)
{
	if (pkt->l4_len < HEADER_MIN || pkt->l4_avail < HEADER_MIN)
		return DROP_DCCP_SHORT;
	*type = (enum ct_dccp_type)(pkt->l4[8] >> 1 & 15);
	return *type < CT_DCCP_TYPES ? DROP_NONE : DROP_DCCP_SHORT; /* RFC 4340 5.1: reserved */
}

static enum drop_reason
dccp_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	enum ct_dccp_type type;
	enum drop_reason why = read_type(pkt, &type);

	(void)t, (void)tuple;
	if (why != DROP_NONE)
		return why;
	return ct_dccp_next(true, type, CT_DCCP_NONE) == CT_DCCP_REQUEST ? DROP_NONE
									 : DROP_CT_INVALID;
}

static void
dccp_open(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt)
{
	(void)t, (void)c, (void)pkt; /* dccp_track() sees the packet too */
}

static bool
dccp_track(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt, struct ct_verdict *v)
{
	enum ct_dccp_type type;
	uint8_t next;
	bool alive = false;

	(void)t;
	v->reason = read_type(pkt, &type);
	if (v->reason != DROP_NONE)
		return false;
	next = ct_dccp_next(dir == FLOW_ORIGINAL, type, c->dccp.state);
	if (next == CT_DCCP_REQUEST && c->dccp.state == CT_DCCP_TIMEWAIT) {
		v->reopen = true;
		return false;
	}
	if (next == CT_DCCP_INVALID) {
		v->reason = DROP_CT_DCCP_STATE;
	} else if (next != CT_DCCP_IGNORE) {
		/* Requests that nobody answers hold the connection no longer than the first. */
		alive = next != CT_DCCP_REQUEST || c->dccp.state != CT_DCCP_REQUEST;
		c->dccp.state = next;
		if (next == CT_DCCP_OPEN)
			c->status |= CT_S_ASSURED;
	}
	v->established = c->dccp.state == CT_DCCP_OPEN;
	v->closing = !v->established;
	return alive;
}

static uint32_t
dccp_timeout(const struct ct_table *t, struct ct_conn *c)
{
	/* Just opened, its first packet is still to be tracked. */
	uint8_t state = c->dccp.state == CT_DCCP_NONE ? CT_DCCP_REQUEST : c->dccp.state;

	return ct_timeouts_of(t, c)->dccp[state];
}

const struct ct_ops ct_dccp_ops = {
	.may_open = dccp_may_open,
	.open = dccp_open,
	.track = dccp_track,
	.timeout = dccp_timeout,
};
