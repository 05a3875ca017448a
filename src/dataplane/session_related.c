/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about packets of known connections: `related`. The quoted packet is one that shunt had sent on, so it
 * is found by its answer; the error is translated as that answer would be, and the quotation back to what its
 * sender had sent (RFC 5508 section 4). Control lcore only.
 */
#include <errno.h>
#include <netinet/in.h>

#include "base/cksum.h"
#include "flow_run.h"
#include "seqadj.h"
#include "session.h"

#define TCP_HEADER_LEN 20
#define UDP_HEADER_LEN 8
#define QUOTE_LEN 8 /* what can be translated shows so much (RFC 792) */

struct related {
	struct rte_mbuf *m;
	const struct pkt_info *outer;
	struct pkt_info inner;
	struct flow_tuple in;	     /* as an answer of the quoted packet comes in */
	struct flow_tuple out;	     /* as it leaves */
	const struct ct_ext *adjust; /* of its connection, if numbers are moved; else NULL */
	enum flow_dir dir;	     /* of the quoted packet */
	uint16_t sum; /* delta of the ICMP checksum, of all that was changed so far */
};

/* Overwrite len (even) bytes at p, an even offset of the ICMP message. */
static void
patch(struct related *r, uint8_t *p, const void *new_, size_t len)
{
	r->sum = cksum_delta(r->sum, p, new_, len);
	memcpy(p, new_, len);
}

static void
patch_checksum(struct related *r, uint8_t *p, uint16_t delta, bool udp)
{
	uint16_t cksum;

	memcpy(&cksum, p, sizeof(cksum));
	cksum = udp ? cksum_apply_udp(cksum, delta) : cksum_apply(cksum, delta);
	patch(r, p, &cksum, sizeof(cksum));
}

/* The number that its sender had given it: some hosts ask whether they sent that (RFC 5927, 4.1). */
static uint16_t
quote_sequence(struct related *r, uint8_t *p, uint16_t delta)
{
	rte_be32_t seq;

	memcpy(&seq, p, sizeof(seq));
	seq = rte_cpu_to_be_32(seqadj_seq_back(r->adjust, r->dir, rte_be_to_cpu_32(seq)));
	delta = cksum_delta(delta, p, &seq, sizeof(seq));
	patch(r, p, &seq, sizeof(seq));
	return delta;
}

static void
quote_transport(struct related *r, uint16_t delta)
{
	uint8_t *l4 = rte_pktmbuf_mtod_offset(r->m, uint8_t *, r->inner.l4_off);
	const uint32_t quoted = (uint32_t)r->outer->l3_off + r->outer->l3_len - r->inner.l4_off;
	const uint8_t proto = r->inner.proto;
	/* The quoted packet went the other way: its source port is the port that its answer is for. */
	rte_be16_t ports[2] = { r->out.key.dport, r->out.key.sport };

	if (!flow_has_ports(proto))
		return;
	if (flow_key_bare(&r->in.key))
		memcpy(ports, l4, sizeof(ports)); /* not the connection's: they stay */
	delta = cksum_delta(delta, l4, ports, sizeof(ports));
	patch(r, l4, ports, sizeof(ports));
	if (proto == IPPROTO_TCP && r->adjust != NULL && quoted >= UDP_HEADER_LEN)
		delta = quote_sequence(r, l4 + 4, delta);
	if (proto == IPPROTO_TCP && quoted >= TCP_HEADER_LEN)
		patch_checksum(r, l4 + 16, delta, false);
	if (proto == IPPROTO_UDP && quoted >= UDP_HEADER_LEN)
		patch_checksum(r, l4 + 6, delta, true);
	if ((proto == IPPROTO_UDPLITE || proto == IPPROTO_DCCP) && quoted >= QUOTE_LEN)
		patch_checksum(r, l4 + 6, delta, proto == IPPROTO_UDPLITE);
	/* SCTP's CRC covers what is not quoted: it stays. Senders know their packet by its tag (RFC 9260 10). */
}

/* Give the quoted packet the addresses and ports that its sender had used. */
static void
translate_quote(struct related *r)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(r->m, uint8_t *, r->inner.l3_off);
	const size_t len = r->inner.family == 4 ? 4 : 16;
	uint8_t *src = l3 + (r->inner.family == 4 ? 12 : 8);
	uint16_t delta = 0;

	delta = cksum_delta(delta, src, r->out.dst.b, len);
	delta = cksum_delta(delta, src + len, r->out.src.b, len);
	patch(r, src, r->out.dst.b, len);
	patch(r, src + len, r->out.src.b, len);
	if (r->inner.family == 4)
		patch_checksum(r, l3 + 10, delta, false);
	quote_transport(r, delta);
}

/*
 * The error's own addresses: where the connection's are translated, so are these, the sender's too when it is a
 * router on the way (as Linux does: the inside does not show).
 */
static void
translate_outer(struct related *r)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(r->m, uint8_t *, r->outer->l3_off);
	const size_t len = r->outer->family == 4 ? 4 : 16;
	uint8_t *src = l3 + (r->outer->family == 4 ? 12 : 8);
	uint16_t delta = 0;

	if (memcmp(r->in.src.b, r->out.src.b, len) != 0) {
		delta = cksum_delta(delta, src, r->out.src.b, len);
		memcpy(src, r->out.src.b, len);
	}
	if (memcmp(r->in.dst.b, r->out.dst.b, len) != 0) {
		delta = cksum_delta(delta, src + len, r->out.dst.b, len);
		memcpy(src + len, r->out.dst.b, len);
	}
	if (r->outer->family == 4)
		flow_run_cksum(l3 + 10, delta, false);
	else /* ICMPv6 sums its pseudo header */
		r->sum = cksum_fold((uint32_t)r->sum + delta);
}

/* How packets with flow `id` leave: the inverse of how their answers come in. */
static void
tuple_out(const struct ct_table *ct, uint32_t id, struct flow_tuple *out)
{
	struct flow_tuple other;

	ct_tuple(ct, id ^ 1, &other);
	*out = other;
	out->src = other.dst;
	out->dst = other.src;
	out->key.sport = other.key.dport; /* read of protocols that have ports only */
	out->key.dport = other.key.sport;
}

static bool
is_for(const struct related *r, const struct flow_addr *addr)
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(r->m, const uint8_t *, r->outer->l3_off);
	const bool v4 = r->outer->family == 4;

	return r->outer->family == r->inner.family &&
			memcmp(l3 + (v4 ? 16 : 24), addr->b, v4 ? 4 : 16) == 0;
}

/* Translated, but quoted too short to be translated back? */
static bool
is_cut(const struct dp *dp, const struct related *r, uint32_t conn)
{
	const uint32_t quoted = (uint32_t)r->outer->l3_off + r->outer->l3_len - r->inner.l4_off;

	return quoted < QUOTE_LEN && (ct_conns(dp->ct)[conn].status & (CT_S_DNAT | CT_S_SNAT)) != 0;
}

/*
 * Multicast listeners talk to routers of their own link: no connection to look for (RFC 2710,
 * RFC 3810).
 */
bool
session_is_untracked(const struct rte_mbuf *m, const struct pkt_info *info)
{
	uint8_t type;

	if (info->family != 6 || info->proto != IPPROTO_ICMPV6 || info->l4_off == 0)
		return false;
	type = *rte_pktmbuf_mtod_offset(m, const uint8_t *, info->l4_off);
	return (type >= 130 && type <= 132) || type == 143;
}

void
session_related(struct dp *dp, struct rte_mbuf *m, uint64_t now)
{
	struct pkt_meta *meta = pkt_meta(m);
	const struct parse_params *pp = &dp->ports[meta->port_in].parse;
	struct related r = { .m = m, .outer = &meta->info };
	struct flow_tuple quoted, answer;
	uint32_t id = FLOW_NONE;
	uint16_t class_id;

	if (parse_icmp_inner(m, r.outer, pp->zone, &r.inner, &quoted) != DROP_NONE) {
		session_invalid(dp, m, DROP_ICMP_INNER, FLOW_NONE, now);
		return;
	}
	parse_rekey(m, &r.inner, pp, &quoted.key);
	if (flow_tuple_inverse(&quoted, &answer))
		id = ct_find(dp->ct, &answer);
	if (id == FLOW_NONE) {
		session_invalid(dp, m, DROP_CT_ICMP_UNKNOWN, FLOW_NONE, now);
		return;
	}
	ct_tuple(dp->ct, id, &r.in);
	/* To somebody else than the quoted packet's sender: it is not about that packet, whatever it quotes. */
	if (!is_for(&r, &r.in.dst)) {
		session_invalid(dp, m, DROP_CT_ICMP_UNKNOWN, FLOW_NONE, now);
		return;
	}
	tuple_out(dp->ct, id, &r.out);
	if (is_cut(dp, &r, id >> 1)) {
		session_note(dp, m, CT_STATE_RELATED, id & 1, id >> 1);
		session_drop(dp, m, DROP_ICMP_INNER);
		return;
	}
	r.dir = !(id & 1);
	if (ct_conns(dp->ct)[id >> 1].flow[r.dir].flags & FLOW_F_ADJUST)
		r.adjust = ct_ext(dp->ct, id >> 1);
	session_note(dp, m, CT_STATE_RELATED, id & 1, id >> 1);
	class_id = compile_class(dp, &r.in, meta->port_in, CT_STATE_RELATED);
	if (cls_class(dp->cls, class_id)->drop) {
		session_drop_class(dp, m, class_id);
		return;
	}
	translate_quote(&r);
	translate_outer(&r);
	flow_run_cksum(rte_pktmbuf_mtod_offset(m, uint8_t *, r.outer->l4_off) + 2, r.sum, false);
	session_forward_plain(dp, m, now);
}
