/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Helpers: control connections that announce others. What they announce is expected (ct_expect.c); where the control
 * connection is translated, the text is rewritten, and the stream's numbers are moved from there on (seqadj.h). Control
 * lcore only: such connections never go on the fast path, and only those that a rule names are read. Called after the
 * tracker, with the packet as it came, and before anything of it is rewritten.
 */
#include <errno.h>
#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_random.h>
#include <rte_tcp.h>

#include "alg/alg.h"
#include "base/cksum.h"
#include "session.h"

#define EXPECT_SECONDS 300 /* nf_conntrack_ftp's and _tftp's */
#define EXPECT_AT_ONCE 1
#define PORT_TRIES 128 /* other ports than the announced one, until it is given up */

/* ---- which connections ------------------------------------------------------------------------------------------ */

int
session_alg_attach(struct dp *dp, uint32_t conn, enum ct_helper helper)
{
	struct ct_ext *e = ct_ext_add_spare(dp->ct, conn);

	if (e == NULL)
		return -ENOSPC;
	e->helper = (uint8_t)helper;
	ct_conns(dp->ct)[conn].status |= CT_S_HELPER;
	return 0;
}

/* ---- expected connections that come ------------------------------------------------------------------------------- */

enum drop_reason
session_alg_answer(const struct session *s, uint32_t expected, struct flow_tuple *reply,
		uint16_t *backend)
{
	const struct ct_expect *e = ct_expect_get(s->dp->ct, expected);
	struct flow_tuple sent = s->tuple;

	sent.src = e->src;
	sent.dst = e->dst;
	sent.key.dport = e->dport;
	flow_tuple_seal(&sent);
	/* From the client, it is traffic of the backend that serves the control connection. */
	if (memcmp(&e->dst, &s->tuple.dst, sizeof(e->dst)) != 0)
		*backend = ct_conns(s->dp->ct)[e->master].flow[FLOW_ORIGINAL].backend;
	return flow_tuple_reply(&sent, reply) ? DROP_NONE : DROP_CT_INVALID;
}

/* A port to try after the first choice. Replays must say the same every time. */
static uint16_t
other_port(const struct dp *dp, uint32_t conn, uint16_t port, unsigned int n)
{
	const struct flow_key key = { .src = conn, .dst = n, .sport = port };
	const uint32_t v = dp->replay ? flow_hash(&key, dp->hash_seed) : (uint32_t)rte_rand();

	return (uint16_t)(ALG_PORT_MIN + v % (UINT16_MAX + 1 - ALG_PORT_MIN));
}

int
session_alg_open(struct session *s, uint32_t expected, struct flow_tuple *reply, uint32_t *conn)
{
	struct ct_table *ct = s->dp->ct;
	const struct ct_expect e = *ct_expect_get(ct, expected);
	const bool translated = memcmp(&e.src, &s->tuple.src, sizeof(e.src)) != 0;
	int rc = ct_open(ct, &s->tuple, reply, s->meta->worker, &s->pkt, conn);

	/* Its source is given another address there, where the port may be in use. */
	for (unsigned int n = 0; rc == -EEXIST && translated && n < PORT_TRIES; n++) {
		reply->key.dport = rte_cpu_to_be_16(other_port(
				s->dp, e.master, rte_be_to_cpu_16(s->tuple.key.sport), n));
		rc = ct_open(ct, &s->tuple, reply, s->meta->worker, &s->pkt, conn);
	}
	if (rc != 0)
		return rc;
	if (ct_expect_take(ct, expected, *conn) != 0) {
		ct_close(ct, *conn); /* nothing refers to anything yet */
		return -ENOSPC;
	}
	return 0;
}

/* ---- announcements ------------------------------------------------------------------------------------------------- */

/* A control connection's packet. */
struct control {
	struct session *s;
	uint32_t conn;
	enum flow_dir dir;
	struct ct_ext *ext;
	struct flow_tuple tuple[2]; /* by direction, as packets arrive */
	bool again; /* the packet holds text that was rewritten before, at ext->seq[dir].pos */
};

static bool
addr_eq(const struct flow_addr *a, const struct flow_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Would packets to this port reach a service instead? An announcement must not take its clients away. */
static bool
is_service(const struct dp *dp, const struct flow_tuple *tuple)
{
	return lb_find(dp->lb, tuple) >= 0;
}

/*
 * Expect a connection to `port` of who sent this packet, from the other side. Seen from there the port may have to be
 * another one: *outside, first choice and result. 0 and *index, -EBUSY, -ENOSPC.
 */
static int
expect(struct control *c, uint16_t port, uint16_t *outside, uint32_t *index)
{
	const struct flow_tuple *me = &c->tuple[c->dir], *other = &c->tuple[!c->dir];
	struct dp *dp = c->s->dp;
	const bool translated = !addr_eq(&other->dst, &me->src);
	struct ct_expect e = {
		.tuple = { .key = { .family = me->key.family,
					   .proto = me->key.proto,
					   .zone = me->key.zone },
				.src = other->src,
				.dst = other->dst },
		.src = me->dst,
		.dst = me->src,
		.dport = rte_cpu_to_be_16(port),
		.any_sport = true,
		.master = c->conn,
		.timeout = EXPECT_SECONDS,
		.at_once = EXPECT_AT_ONCE,
	};
	const uint16_t first = *outside;
	int rc = -EBUSY;

	for (unsigned int n = 0; n <= PORT_TRIES && rc == -EBUSY; n++) {
		*outside = n == 0 ? first : other_port(dp, c->conn, first, n);
		e.tuple.key.dport = rte_cpu_to_be_16(*outside);
		flow_tuple_seal(&e.tuple);
		if (!is_service(dp, &e.tuple))
			rc = ct_expect_add(dp->ct, &e, c->s->now, index);
		/* The port was said before, or is not what is translated. */
		if (!translated || c->again)
			break;
	}
	return rc;
}

/* ---- the stream --------------------------------------------------------------------------------------------------------- */

/* Bytes of a payload that lie in one piece. */
struct payload {
	uint8_t *data;
	uint32_t len;
	uint32_t seq; /* of its first byte, as it came */
	bool feed;    /* it ends in a line feed */
};

/* False: none, or none that can be read. */
static bool
payload_of(struct session *s, struct payload *p)
{
	const struct pkt_info *info = &s->meta->info;
	const uint32_t end = (uint32_t)info->l3_off + info->l3_len;
	struct rte_tcp_hdr tcp;

	if (info->payload_off >= end)
		return false;
	if (end > s->m->data_len && rte_pktmbuf_linearize(s->m) != 0) {
		s->dp->alg_unread++;
		return false;
	}
	memcpy(&tcp, rte_pktmbuf_mtod_offset(s->m, const uint8_t *, info->l4_off),
			info->proto == IPPROTO_TCP ? sizeof(tcp) : 0);
	p->data = rte_pktmbuf_mtod_offset(s->m, uint8_t *, info->payload_off);
	p->len = end - info->payload_off;
	p->feed = p->data[p->len - 1] == '\n';
	p->seq = info->proto == IPPROTO_TCP ? rte_be_to_cpu_32(tcp.sent_seq) : 0;
	return true;
}

static void
set_lengths(struct rte_mbuf *m, struct pkt_info *info, int32_t grow)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off);
	uint8_t *field = l3 + (info->family == 4 ? 2 : 4);
	rte_be16_t old, new_;
	uint16_t sum;

	memcpy(&old, field, sizeof(old));
	new_ = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(old) + grow));
	memcpy(field, &new_, sizeof(new_));
	if (info->family == 4) {
		memcpy(&sum, l3 + 10, sizeof(sum));
		sum = cksum_apply(sum, cksum_delta(0, &old, &new_, sizeof(old)));
		memcpy(l3 + 10, &sum, sizeof(sum));
	}
	info->l3_len = (uint16_t)(info->l3_len + grow);
}

/* One's complement sum of the packet's bytes from `from` (an even offset of the transport header) to its end. */
static uint16_t
sum_from(const struct rte_mbuf *m, const struct pkt_info *info, uint32_t from)
{
	return cksum_fold64(cksum_sum_short(rte_pktmbuf_mtod_offset(m, const uint8_t *, from),
			(uint32_t)info->l3_off + info->l3_len - from));
}

/*
 * Put `text` where a->begin to a->end is, in a payload in one piece. The transport checksum is updated, right or wrong as it
 * was.
 */
static enum drop_reason
replace(struct session *s, const struct alg_announced *a, const char *text, uint32_t len)
{
	struct pkt_info *info = &s->meta->info;
	struct rte_mbuf *m = s->m;
	const int32_t grow = (int32_t)len - (int32_t)(a->end - a->begin);
	const uint32_t at = info->payload_off + a->begin, rest = info->payload_off + a->end;
	const uint32_t end = (uint32_t)info->l3_off + info->l3_len;
	const uint32_t even = at - (at - info->l4_off) % 2;
	const uint16_t lengths[2] = { rte_cpu_to_be_16((uint16_t)(end - info->l4_off)),
		rte_cpu_to_be_16((uint16_t)(end - info->l4_off + grow)) };
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *), *field = data + info->l4_off + 16;
	uint16_t before, sum, delta;

	/* Padding of a short frame would come to lie in the payload. */
	if (m->nb_segs != 1 || rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - end)) != 0)
		return DROP_ALG_ROOM;
	if (info->l3_len + grow > UINT16_MAX ||
			(grow > 0 && rte_pktmbuf_append(m, (uint16_t)grow) == NULL))
		return DROP_ALG_ROOM;
	before = sum_from(m, info, even);
	memmove(data + at + len, data + rest, end - rest);
	memcpy(data + at, text, len);
	if (grow < 0)
		rte_pktmbuf_trim(m, (uint16_t)-grow);
	set_lengths(m, info, grow);
	delta = cksum_fold((uint32_t)sum_from(m, info, even) + (uint16_t)~before);
	delta = cksum_delta(delta, &lengths[0], &lengths[1], sizeof(lengths[0]));
	memcpy(&sum, field, sizeof(sum));
	sum = cksum_apply(sum, delta);
	memcpy(field, &sum, sizeof(sum));
	return DROP_NONE;
}

/* What follows byte `pos` of the stream moves by `grow` more. */
static void
move_rest(struct control *c, uint32_t pos, int32_t grow)
{
	struct ct_conn *conn = &ct_conns(c->s->dp->ct)[c->conn];
	struct ct_seqadj *a = &c->ext->seq[c->dir];

	a->pos = pos;
	a->before = a->after;
	a->after += grow;
	for (unsigned int d = 0; d < 2; d++)
		__atomic_store_n(&conn->flow[d].flags, conn->flow[d].flags | FLOW_F_ADJUST,
				__ATOMIC_RELEASE);
}

/* ---- FTP ------------------------------------------------------------------------------------------------------------------- */

/* Was text of this direction's stream rewritten already? Then that is at seq[].pos. */
static bool
rewrote(const struct control *c)
{
	return c->ext->help.port != 0 && c->dir == c->ext->help.dir;
}

/* The text is to say `port`, and the address that the other side knows. */
static enum drop_reason
rewrite(struct control *c, const struct payload *p, const struct alg_announced *a, uint16_t port)
{
	struct ct_helper_state *h = &c->ext->help;
	char text[ALG_FTP_TEXT_MAX];
	uint32_t len = alg_ftp_print(a, &c->tuple[!c->dir].dst, port, text);
	enum drop_reason why = replace(c->s, a, text, len);

	if (why != DROP_NONE || c->again)
		return why;
	move_rest(c, p->seq + a->line, (int32_t)len - (int32_t)(a->end - a->begin));
	h->dir = (uint8_t)c->dir;
	h->port = port;
	h->len = (uint16_t)(a->end - a->line);
	return DROP_NONE;
}

/* Does text that comes again come out as before? What follows it has been moved accordingly. */
static bool
same_again(const struct control *c, const struct alg_announced *a)
{
	const struct ct_helper_state *h = &c->ext->help;
	const struct ct_seqadj *adj = &c->ext->seq[c->dir];
	char text[ALG_FTP_TEXT_MAX];
	uint32_t len = alg_ftp_print(a, &c->tuple[!c->dir].dst, h->port, text);

	return h->len == a->end - a->line &&
			adj->after - adj->before == (int32_t)len - (int32_t)(a->end - a->begin);
}

static enum drop_reason
announced(struct control *c, const struct payload *p, const struct alg_announced *a)
{
	const struct flow_tuple *me = &c->tuple[c->dir], *other = &c->tuple[!c->dir];
	const bool translated = !addr_eq(&other->dst, &me->src);
	uint16_t port = c->again ? c->ext->help.port : a->port;
	uint32_t index = FLOW_NONE;
	enum drop_reason why;

	/* Somebody else's address: never opened (RFC 2577 section 3), and not ours to rewrite. */
	if (a->family != 0 && (a->family != me->key.family || !addr_eq(&a->address, &me->src))) {
		c->s->dp->alg_refused++;
		return c->again ? DROP_ALG_REPEAT : DROP_NONE;
	}
	if (c->again && !same_again(c, a))
		return DROP_ALG_REPEAT;
	if (expect(c, a->port, &port, &index) != 0 && !c->again)
		return DROP_ALG_FULL;
	if (port == a->port && (a->family == 0 || !translated))
		return DROP_NONE;
	why = rewrite(c, p, a, port);
	if (why != DROP_NONE && index != FLOW_NONE)
		ct_expect_remove(c->s->dp->ct, index); /* nobody was told */
	return why;
}

static bool
at_line(const struct control *c, const struct payload *p)
{
	return (c->ext->help.known & 1u << c->dir) && p->seq == c->ext->help.line[c->dir];
}

/* Does the payload begin in the middle of rewritten text, or hold only a part of it? Nobody can rewrite that. */
static bool
cut_repeat(const struct control *c, const struct payload *p)
{
	const uint32_t pos = c->ext->seq[c->dir].pos, text_end = pos + c->ext->help.len;

	if (!rewrote(c))
		return false;
	if (p->seq - pos - 1 < (uint32_t)c->ext->help.len - 1)
		return true;
	return pos - p->seq < p->len && (int32_t)(p->seq + p->len - text_end) < 0;
}

static void
learn_line(struct control *c, const struct payload *p, bool from_line, uint16_t reply)
{
	struct ct_helper_state *h = &c->ext->help;
	const uint32_t next = p->seq + p->len;

	/* Later than what is known, not an old one repeated. */
	if (!p->feed || ((h->known & 1u << c->dir) && (int32_t)(next - h->line[c->dir]) <= 0))
		return;
	h->line[c->dir] = next;
	h->known |= 1u << c->dir;
	if (c->dir == FLOW_REPLY)
		h->reply = from_line ? reply : 0;
}

static enum drop_reason
ftp(struct control *c)
{
	struct alg_announced a = { .line = 0 };
	enum alg_result found = ALG_NOTHING;
	enum drop_reason why = DROP_NONE;
	struct alg_text text = { .reply = 0 };
	struct payload p;
	uint32_t pos;
	bool fresh;

	/* A new stream. Nothing is read before a first line has passed, as the kernel does not. */
	if (c->s->meta->info.tcp_flags & RTE_TCP_SYN_FLAG) {
		c->ext->help.known &= (uint16_t) ~(1u << c->dir);
		return DROP_NONE;
	}
	if (!payload_of(c->s, &p))
		return DROP_NONE;
	if (cut_repeat(c, &p))
		return DROP_ALG_REPEAT;
	pos = c->ext->seq[c->dir].pos;
	c->again = rewrote(c) && pos - p.seq < p.len;
	fresh = !c->again && at_line(c, &p);
	if (c->again || fresh) {
		const uint32_t at = c->again ? pos - p.seq : 0;

		text = (struct alg_text){ p.data + at, p.len - at, c->dir == FLOW_REPLY,
			fresh && c->dir == FLOW_REPLY ? c->ext->help.reply : 0 };
		found = alg_ftp(&text, &a);
		if (c->again && (found != ALG_FOUND || a.line != 0))
			return DROP_ALG_REPEAT; /* it was an announcement the first time */
		a.line += at;
		a.begin += at;
		a.end += at;
	}
	if (found == ALG_BAD)
		return DROP_ALG_CUT;
	c->s->dp->alg_refused += found == ALG_REFUSED;
	if (found == ALG_FOUND)
		why = announced(c, &p, &a);
	if (why == DROP_NONE)
		learn_line(c, &p, fresh, text.reply);
	return why;
}

/* ---- TFTP ---------------------------------------------------------------------------------------------------------------------- */

/* The server answers from a port of its own to the one that the request came from (RFC 1350 section 4). */
static enum drop_reason
tftp(struct control *c)
{
	const uint16_t port = rte_be_to_cpu_16(c->tuple[FLOW_ORIGINAL].key.sport);
	uint16_t outside = rte_be_to_cpu_16(c->tuple[FLOW_REPLY].key.dport);
	uint32_t index;
	struct payload p;

	if (c->dir != FLOW_ORIGINAL || !payload_of(c->s, &p) || !alg_tftp_request(p.data, p.len))
		return DROP_NONE;
	c->again = true; /* no text to say another port in */
	return expect(c, port, &outside, &index) == 0 ? DROP_NONE : DROP_ALG_FULL;
}

/* ---- entry ------------------------------------------------------------------------------------------------------------------------ */

bool
session_alg(struct session *s, uint32_t conn, enum flow_dir dir)
{
	struct control c = { .s = s, .conn = conn, .dir = dir, .ext = ct_ext(s->dp->ct, conn) };
	enum drop_reason why = DROP_NONE;

	if (c.ext == NULL || (ct_conns(s->dp->ct)[conn].status & CT_S_DYING))
		return true;
	for (unsigned int d = 0; d < 2; d++)
		ct_tuple(s->dp->ct, ct_flow_id(conn, d), &c.tuple[d]);
	if (c.ext->helper == CT_HELPER_FTP)
		why = ftp(&c);
	else if (c.ext->helper == CT_HELPER_TFTP)
		why = tftp(&c);
	if (why != DROP_NONE)
		session_drop(s->dp, s->m, why);
	return why == DROP_NONE;
}
