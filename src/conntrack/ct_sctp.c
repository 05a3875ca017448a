/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCTP tracker: the state of an association on one path, as somebody between its ends can know it (RFC 9260). Control
 * lcore, through ct_conn.c. Must not read beyond the bytes that it is given.
 *
 * Its states and transitions are those that Linux's nf_conntrack shows. Every packet carries the tag that its receiver has
 * asked for, which is what keeps strangers out: they cannot know it. Unlike Linux, a packet with a chunk that is refused
 * changes nothing, whatever came before that chunk; tag 0 goes with INIT alone; and chunks do not reach beyond their packet.
 */
#include "ct_priv.h"

#define HEADER_LEN 12 /* ports, tag, checksum */
#define CHUNK_LEN 4
#define INIT_LEN 20 /* of INIT and INIT ACK without parameters */
#define FLAG_T 0x01 /* ABORT, SHUTDOWN COMPLETE: the tag is the one that its sender had been sent */

/* clang-format off */
#define CL CT_SCTP_CLOSED
#define CW CT_SCTP_COOKIE_WAIT
#define CE CT_SCTP_COOKIE_ECHOED
#define ES CT_SCTP_ESTABLISHED
#define SS CT_SCTP_SHUTDOWN_SENT
#define SR CT_SCTP_SHUTDOWN_RECD
#define SA CT_SCTP_SHUTDOWN_ACK_SENT
#define HS CT_SCTP_HEARTBEAT_SENT
#define IV CT_SCTP_INVALID

/*
 * Columns: state before. CLOSED is also where an INIT waits for its answer; SENT and RECD are named from the original
 * direction. Column NO of the original direction: what a packet leads to that opens.
 */
static const uint8_t next_state[2][CT_CHUNKS][CT_SCTP_STATES] = {
	[FLOW_ORIGINAL] = {
		/*                                NO  CL  CW  CE  ES  SS  SR  SA  HS */
		[CT_CHUNK_INIT] =              { CL, CL, CW, CE, ES, CL, CL, SA, CW },
		[CT_CHUNK_INIT_ACK] =          { CL, CL, CW, CE, ES, SS, SR, SA, CL },
		[CT_CHUNK_ABORT] =             { IV, CL, CL, CL, CL, CL, CL, CL, CL },
		[CT_CHUNK_SHUTDOWN] =          { CL, CL, CW, CE, SS, SS, SR, SA, CL },
		/* Out of the blue: will be answered by SHUTDOWN COMPLETE (RFC 9260 8.4). */
		[CT_CHUNK_SHUTDOWN_ACK] =      { SA, CL, CW, CE, ES, SA, SA, SA, SA },
		[CT_CHUNK_ERROR] =             { CL, CL, CW, CE, ES, SS, SR, SA, CL },
		[CT_CHUNK_COOKIE_ECHO] =       { CL, CL, CE, CE, ES, SS, SR, SA, CL },
		[CT_CHUNK_COOKIE_ACK] =        { IV, CL, CW, ES, ES, SS, SR, SA, CL },
		[CT_CHUNK_SHUTDOWN_COMPLETE] = { IV, CL, CW, CE, ES, SS, SR, CL, CL },
		[CT_CHUNK_HEARTBEAT] =         { HS, CL, CW, CE, ES, SS, SR, SA, HS },
		[CT_CHUNK_HEARTBEAT_ACK] =     { CL, CL, CW, CE, ES, SS, SR, SA, HS },
	},
	[FLOW_REPLY] = {
		[CT_CHUNK_INIT] =              { IV, CL, CW, CE, ES, SS, SR, SA, IV },
		[CT_CHUNK_INIT_ACK] =          { IV, CW, CW, CE, ES, SS, SR, SA, IV },
		[CT_CHUNK_ABORT] =             { IV, CL, CL, CL, CL, CL, CL, CL, IV },
		[CT_CHUNK_SHUTDOWN] =          { IV, CL, CW, CE, SR, SS, SR, SA, IV },
		[CT_CHUNK_SHUTDOWN_ACK] =      { IV, CL, CW, CE, ES, SA, SA, SA, IV },
		/* A stale cookie (RFC 9260 5.2.6). */
		[CT_CHUNK_ERROR] =             { IV, CL, CW, CL, ES, SS, SR, SA, IV },
		[CT_CHUNK_COOKIE_ECHO] =       { IV, CL, CE, CE, ES, SS, SR, SA, IV },
		[CT_CHUNK_COOKIE_ACK] =        { IV, CL, CW, ES, ES, SS, SR, SA, IV },
		[CT_CHUNK_SHUTDOWN_COMPLETE] = { IV, CL, CW, CE, ES, SS, SR, CL, IV },
		[CT_CHUNK_HEARTBEAT] =         { IV, CL, CW, CE, ES, SS, SR, SA, HS },
		[CT_CHUNK_HEARTBEAT_ACK] =     { IV, CL, CW, CE, ES, SS, SR, SA, ES },
	},
};

#undef CL
#undef CW
#undef CE
#undef ES
#undef SS
#undef SR
#undef SA
#undef HS
#undef IV
/* clang-format on */

uint8_t
ct_sctp_next(enum flow_dir dir, enum ct_chunk chunk, enum ct_sctp_state state)
{
	return next_state[dir][chunk][state];
}

const char *
ct_sctp_state_name(enum ct_sctp_state s)
{
	static const char *const names[CT_SCTP_STATES] = {
		[CT_SCTP_NONE] = "NONE",
		[CT_SCTP_CLOSED] = "CLOSED",
		[CT_SCTP_COOKIE_WAIT] = "COOKIE_WAIT",
		[CT_SCTP_COOKIE_ECHOED] = "COOKIE_ECHOED",
		[CT_SCTP_ESTABLISHED] = "ESTABLISHED",
		[CT_SCTP_SHUTDOWN_SENT] = "SHUTDOWN_SENT",
		[CT_SCTP_SHUTDOWN_RECD] = "SHUTDOWN_RECD",
		[CT_SCTP_SHUTDOWN_ACK_SENT] = "SHUTDOWN_ACK_SENT",
		[CT_SCTP_HEARTBEAT_SENT] = "HEARTBEAT_SENT",
	};

	return (unsigned int)s < CT_SCTP_STATES ? names[s] : "?";
}

/* ---- reading a packet ----------------------------------------------------------------------- */

/* By type, RFC 9260 3.2; 0: says nothing about the association. */
static const uint8_t chunk_of_type[256] = {
	[1] = 1 + CT_CHUNK_INIT,
	[2] = 1 + CT_CHUNK_INIT_ACK,
	[4] = 1 + CT_CHUNK_HEARTBEAT,
	[5] = 1 + CT_CHUNK_HEARTBEAT_ACK,
	[6] = 1 + CT_CHUNK_ABORT,
	[7] = 1 + CT_CHUNK_SHUTDOWN,
	[8] = 1 + CT_CHUNK_SHUTDOWN_ACK,
	[9] = 1 + CT_CHUNK_ERROR,
	[10] = 1 + CT_CHUNK_COOKIE_ECHO,
	[11] = 1 + CT_CHUNK_COOKIE_ACK,
	[14] = 1 + CT_CHUNK_SHUTDOWN_COMPLETE,
};

#define BIT(chunk) (1u << (chunk))
#define BIT_OTHER BIT(CT_CHUNKS) /* some chunk that changes nothing */
/* Must be the only one in its packet (RFC 9260 4.3, 6.10); must be the first. */
#define ALONE (BIT(CT_CHUNK_INIT) | BIT(CT_CHUNK_INIT_ACK) | BIT(CT_CHUNK_SHUTDOWN_COMPLETE))
#define FIRST (ALONE | BIT(CT_CHUNK_COOKIE_ECHO) | BIT(CT_CHUNK_COOKIE_ACK))
/* Their tags follow rules of their own (RFC 9260 8.5.1). */
#define OWN_TAG_RULE \
	(BIT(CT_CHUNK_INIT) | BIT(CT_CHUNK_ABORT) | BIT(CT_CHUNK_SHUTDOWN_COMPLETE) | \
			BIT(CT_CHUNK_COOKIE_ECHO) | BIT(CT_CHUNK_SHUTDOWN_ACK) | \
			BIT(CT_CHUNK_HEARTBEAT) | BIT(CT_CHUNK_HEARTBEAT_ACK))
/* Do not open anything (RFC 9260 8.4). */
#define NEVER_OPENS \
	(BIT(CT_CHUNK_ABORT) | BIT(CT_CHUNK_SHUTDOWN_COMPLETE) | BIT(CT_CHUNK_COOKIE_ACK) | \
			BIT_OTHER)

struct chunk {
	uint32_t bit;
	enum ct_chunk kind; /* unless bit is BIT_OTHER */
	uint8_t flags;
	uint16_t len;
	const uint8_t *body; /* behind the chunk's header; len - CHUNK_LEN bytes of it are the packet's */
};

/* The chunk at *off, which moves to the next: 1; 0: no more; -1: broken. */
static int
next_chunk(const struct ct_packet *pkt, uint32_t *off, struct chunk *c)
{
	const uint8_t *at = pkt->l4 + *off;

	if (*off >= pkt->l4_len)
		return 0;
	if (pkt->l4_avail < CHUNK_LEN || *off > pkt->l4_avail - CHUNK_LEN)
		return -1;
	c->len = (uint16_t)(at[2] << 8 | at[3]);
	if (c->len < CHUNK_LEN || c->len > pkt->l4_len - *off)
		return -1;
	c->bit = chunk_of_type[at[0]] == 0 ? BIT_OTHER : BIT(chunk_of_type[at[0]] - 1);
	c->kind = (enum ct_chunk)(chunk_of_type[at[0]] - 1);
	c->flags = at[1];
	c->body = at + CHUNK_LEN;
	if (c->bit & (BIT(CT_CHUNK_INIT) | BIT(CT_CHUNK_INIT_ACK))) {
		if (c->len < INIT_LEN || pkt->l4_avail - *off < CHUNK_LEN + sizeof(uint32_t))
			return -1;
	}
	*off += RTE_ALIGN_CEIL(c->len, 4u);
	return 1;
}

/* Which chunks are there, as bits, and whether they may be together. */
static enum drop_reason
look_over(const struct ct_packet *pkt, uint32_t *tag, uint32_t *seen)
{
	uint32_t off = HEADER_LEN;
	struct chunk c;
	int rc;

	*seen = 0;
	if (pkt->l4_len < HEADER_LEN + CHUNK_LEN || pkt->l4_avail < HEADER_LEN)
		return DROP_SCTP_SHORT;
	memcpy(tag, pkt->l4 + 4, sizeof(*tag));
	if (pkt->info->tcp_flags & PKT_SCTP_DATA) { /* the parser has been through all of them */
		*seen = BIT_OTHER;
	} else {
		while ((rc = next_chunk(pkt, &off, &c)) > 0) {
			if (*seen != 0 && ((c.bit & FIRST) || (*seen & ALONE)))
				return DROP_SCTP_CHUNK;
			*seen |= c.bit;
		}
		if (rc < 0 || *seen == 0)
			return DROP_SCTP_CHUNK;
	}
	return (*tag == 0) == ((*seen & BIT(CT_CHUNK_INIT)) != 0) ? DROP_NONE : DROP_CT_SCTP_TAG;
}

/* ---- judging it ----------------------------------------------------------------------------- */

/* A packet on its way through the state machine; `s` is a copy until all of it is accepted. */
struct judge {
	struct ct_sctp s;
	enum flow_dir dir;
	uint32_t tag;	/* of the packet */
	uint32_t seen;	/* bits of its chunks */
	bool opened;	/* COOKIE_ECHOED to ESTABLISHED */
	bool unrenewed; /* pass, but keep nothing alive */
};

/*
 * Heartbeats show that a path exists, perhaps before anything else of the association is seen on it: the first one
 * tells the tag. One with another tag is let pass in doubt (the association may have been opened anew elsewhere): the
 * answer to it proves it.
 */
static bool
heartbeat_fits(struct judge *j, bool ack)
{
	struct ct_sctp *s = &j->s;
	uint32_t *tag = &s->tag[j->dir];

	if (*tag == 0)
		*tag = j->tag;
	if (*tag == j->tag) {
		s->doubt = 0;
		return true;
	}
	if ((j->seen & BIT_OTHER) || j->unrenewed)
		return false;
	if (!ack) {
		s->doubt = (uint8_t)(1 + j->dir);
		j->unrenewed = true;
		return true;
	}
	if (s->doubt != 1 + !j->dir)
		return false;
	s->doubt = 0;
	*tag = j->tag;
	s->tag[!j->dir] = 0;
	return true;
}

/* RFC 9260 8.5.1. */
static bool
tag_fits(struct judge *j, const struct chunk *c)
{
	struct ct_sctp *s = &j->s;

	switch (c->kind) {
	case CT_CHUNK_INIT: /* 0: look_over() */
		return true;
	case CT_CHUNK_ABORT:
	case CT_CHUNK_SHUTDOWN_COMPLETE:
		return j->tag == s->tag[c->flags & FLAG_T ? !j->dir : j->dir];
	case CT_CHUNK_COOKIE_ECHO:
		return j->tag == s->tag[j->dir];
	case CT_CHUNK_HEARTBEAT:
		return heartbeat_fits(j, false);
	case CT_CHUNK_HEARTBEAT_ACK:
		return heartbeat_fits(j, true);
	default:
		return true; /* the packet's: checked before; SHUTDOWN ACK: RFC 9260 8.5.1 E */
	}
}

/* INIT and INIT ACK say which tag their sender wants to see from now on. */
static enum drop_reason
note_tag(struct judge *j, const struct chunk *c, uint8_t old, uint8_t next)
{
	struct ct_sctp *s = &j->s;
	uint32_t tag, *wanted = &s->tag[!j->dir];

	memcpy(&tag, c->body, sizeof(tag));
	if (tag == 0)
		return DROP_SCTP_CHUNK; /* RFC 9260 3.3.2 */
	if (c->kind == CT_CHUNK_INIT) {
		if (s->init[j->dir])
			s->init[!j->dir] = 0;
		s->init[j->dir] = 1;
		/* Somebody who keeps repeating an INIT must not hold the connection for ever. */
		j->unrenewed = j->unrenewed || (next == CT_SCTP_CLOSED && old != CT_SCTP_NONE);
	} else if (*wanted != 0 && *wanted != tag && (!s->init[!j->dir] || s->init[j->dir])) {
		return DROP_CT_SCTP_TAG; /* nobody asked, or both opened at once with other tags */
	}
	*wanted = tag;
	return DROP_NONE;
}

static enum drop_reason
judge_chunk(struct judge *j, const struct chunk *c)
{
	uint8_t old = j->s.state, next;
	enum drop_reason why = DROP_NONE;

	if (!tag_fits(j, c))
		return DROP_CT_SCTP_TAG;
	if (j->s.doubt == 1 + j->dir && c->kind == CT_CHUNK_HEARTBEAT)
		return DROP_NONE;
	if (c->kind == CT_CHUNK_COOKIE_ACK)
		j->s.init[0] = j->s.init[1] = 0;
	next = ct_sctp_next(j->dir, c->kind, old);
	if (next == CT_SCTP_INVALID)
		return DROP_CT_SCTP_STATE;
	if (c->bit & (BIT(CT_CHUNK_INIT) | BIT(CT_CHUNK_INIT_ACK)))
		why = note_tag(j, c, old, next);
	if (old == CT_SCTP_COOKIE_ECHOED && next == CT_SCTP_ESTABLISHED)
		j->opened = true;
	j->s.state = next;
	return why;
}

static enum drop_reason
judge(struct judge *j, const struct ct_packet *pkt)
{
	uint32_t off = HEADER_LEN;
	enum drop_reason why;
	struct chunk c;

	if (!(j->seen & OWN_TAG_RULE) && j->tag != j->s.tag[j->dir])
		return DROP_CT_SCTP_TAG;
	if (j->seen == BIT_OTHER)
		return DROP_NONE;
	while (next_chunk(pkt, &off, &c) > 0) {
		why = c.bit == BIT_OTHER ? DROP_NONE : judge_chunk(j, &c);
		if (why != DROP_NONE)
			return why;
	}
	return DROP_NONE;
}

/* ---- tracker -------------------------------------------------------------------------------- */

/* The tags that a first packet tells: its own or, where that is its sender's, that of the answer. */
static enum drop_reason
first_tags(struct ct_sctp *s, const struct ct_packet *pkt)
{
	uint32_t tag, seen;
	enum drop_reason why = look_over(pkt, &tag, &seen);

	memset(s, 0, sizeof(*s));
	if (why != DROP_NONE)
		return why;
	if (seen & NEVER_OPENS)
		return DROP_CT_INVALID;
	if (seen & BIT(CT_CHUNK_HEARTBEAT))
		s->tag[FLOW_ORIGINAL] = tag;
	else
		s->tag[FLOW_REPLY] = tag;
	return DROP_NONE;
}

static enum drop_reason
sctp_may_open(const struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt)
{
	struct judge j = { .dir = FLOW_ORIGINAL };
	enum drop_reason why = first_tags(&j.s, pkt);

	(void)t, (void)tuple;
	if (why == DROP_NONE)
		why = look_over(pkt, &j.tag, &j.seen);
	return why != DROP_NONE ? why : judge(&j, pkt);
}

static void
sctp_open(const struct ct_table *t, struct ct_conn *c, const struct ct_packet *pkt)
{
	(void)t;
	/* If nobody asked sctp_may_open(), ct_track() will call it invalid. */
	(void)first_tags(&c->sctp, pkt);
}

static bool
sctp_track(const struct ct_table *t, struct ct_conn *c, enum flow_dir dir,
		const struct ct_packet *pkt, struct ct_verdict *v)
{
	struct judge j = { .s = c->sctp, .dir = dir };

	(void)t;
	v->reason = look_over(pkt, &j.tag, &j.seen);
	if (v->reason == DROP_NONE)
		v->reason = judge(&j, pkt);
	if (v->reason == DROP_NONE) {
		c->sctp = j.s;
		if (j.opened)
			c->status |= CT_S_ASSURED;
	}
	v->established = c->sctp.state == CT_SCTP_ESTABLISHED && ct_answered(c, dir);
	v->closing = !v->established;
	return v->reason == DROP_NONE && !j.unrenewed;
}

static uint32_t
sctp_timeout(const struct ct_table *t, struct ct_conn *c)
{
	/* Just opened, its first packet is still to be tracked. */
	uint8_t state = c->sctp.state == CT_SCTP_NONE ? CT_SCTP_CLOSED : c->sctp.state;

	return ct_timeouts_of(t, c)->sctp[state];
}

const struct ct_ops ct_sctp_ops = {
	.may_open = sctp_may_open,
	.open = sctp_open,
	.track = sctp_track,
	.timeout = sctp_timeout,
};
