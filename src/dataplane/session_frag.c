/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments on the slow path (src/frag): those that come in wait here until their datagram is complete, and the datagram
 * then goes back to its worker as if it had just arrived; what may not leave whole is cut on its way out. Control lcore
 * only.
 *
 * A fragment that waits must hold nothing of the worker's: its place among the packets in flight goes back at once, with
 * an empty buffer in its stead.
 */
#include <errno.h>

#include <rte_errno.h>
#include <rte_ip.h>

#include "base/log.h"
#include "session.h"

#define EXPIRE_LIMIT 64 /* datagrams given up a tick */
#define LIMIT4_MIN 576	/* never cut finer, whatever came in: RFC 791 3.2 */
#define LIMIT6_MIN 1280 /* RFC 8200 5 */

int
session_frag_create(struct dp *dp)
{
	const struct cfg_fragments *c = &dp->cfg->fragments;

	dp->frag = frag_create(&(struct frag_params){
			.name = "shunt",
			.datagrams = c->datagrams,
			.per_source = c->per_source,
			.memory = c->memory,
			.timeout = c->timeout,
			.hash_seed = dp->hash_seed,
			.drops = dp->c.drop,
			.pool = dp->pool,
			.socket_id = (int)rte_socket_id(),
	});
	if (dp->frag == NULL) {
		log_err("room for %u datagrams in fragments: %s; lower fragments/datagrams\n",
				c->datagrams, rte_strerror(rte_errno));
		return -rte_errno;
	}
	for (unsigned int i = 0; i < dp->n_workers; i++)
		dp->workers[i]->frag_flag = frag_flag(dp->frag);
	return 0;
}

uint32_t
session_frag_waiting(const struct dp *dp)
{
	struct frag_stats s;

	frag_stats(dp->frag, &s);
	return s.fragments;
}

/* ---- in ------------------------------------------------------------------------------------------------------------ */

/* The whole goes back with what the fragment that completed it brought: its place in flight, its number in a replay. */
static void
send_again(struct dp *dp, struct rte_mbuf *whole, const struct pkt_meta *last, uint32_t fragments)
{
	struct pkt_meta *meta = pkt_meta(whole);
	const uint16_t port_in =
			meta->port_in; /* the first fragment's, whose frame header it has */

	*meta = *last;
	meta->port_in = port_in;
	meta->verdict = PKT_VERDICT_AGAIN;
	dp->c.reassembled++;
	dp->c.merged += fragments - 1;
	session_return(dp, whole);
}

void
session_fragment(struct dp *dp, struct rte_mbuf *m, uint64_t now)
{
	const struct pkt_meta meta = *pkt_meta(m);
	struct rte_mbuf *stead = rte_pktmbuf_alloc(dp->pool);
	struct frag_result r;

	if (stead == NULL) {
		session_drop(dp, m, DROP_NO_MBUF);
		return;
	}
	pkt_meta(m)->gate = PKT_GATE_NONE;
	switch (frag_input(dp->frag, m, dp->ports[meta.port_in].parse.zone, now, &r)) {
	case FRAG_WAITS:
		trace_put(dp->trace, m, PKT_VERDICT_HOLD, DROP_NONE);
		*pkt_meta(stead) = meta;
		pkt_meta(stead)->verdict = PKT_VERDICT_LOCAL;
		session_return(dp, stead);
		return;
	case FRAG_WHOLE:
		send_again(dp, r.whole, &meta, r.fragments);
		break;
	case FRAG_DROP:
		pkt_meta(m)->gate = meta.gate;
		session_drop(dp, m, r.reason);
		break;
	}
	rte_pktmbuf_free(stead);
}

/* RFC 792, RFC 4443 3.3: its sender is told that the rest never came, if there is something to quote. */
static void
complain(struct dp *dp, struct rte_mbuf *m, uint64_t now)
{
	if (l3_icmp_error(dp->l3, m, L3_ICMP_REASSEMBLY, 0, now, &dp->l3_out) == -EBUSY)
		dp->c.icmp_limited++;
	rte_pktmbuf_free(m);
	session_l3_flush(dp);
}

void
session_frag_tick(struct dp *dp, uint64_t now)
{
	struct rte_mbuf *first[EXPIRE_LIMIT];
	unsigned int n, done;

	do {
		done = frag_expire(dp->frag, now, first, EXPIRE_LIMIT, &n);
		for (unsigned int i = 0; i < n; i++)
			complain(dp, first[i], now);
	} while (dp->replay && done != 0);
}

/* ---- out ------------------------------------------------------------------------------------------------------------ */

static bool
may_not_cut(const struct rte_mbuf *m, const struct pkt_info *info)
{
	const struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, info->l3_off);

	return info->family == 6 ||
			(ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG)) != 0;
}

/*
 * As Linux does: what came in fragments leaves in fragments, none larger than the largest that came in, so that path MTU
 * discovery of both ends goes on as if nobody had put them together. Such fragments are cut further only where a router
 * would have cut them.
 */
bool
session_fits(struct dp *dp, struct rte_mbuf *m, uint16_t mtu)
{
	const struct pkt_info *info = &pkt_meta(m)->info;
	const uint16_t min = info->family == 4 ? LIMIT4_MIN : LIMIT6_MIN;
	struct frag_note *note = frag_note(dp->frag, m);

	if (note == NULL) {
		if (likely(info->l3_len <= mtu))
			return true;
		if (may_not_cut(m, info))
			return false;
		frag_note_make(dp->frag, m)->limit = mtu;
		return true;
	}
	if (note->largest > mtu && may_not_cut(m, info))
		return false;
	note->limit = RTE_MIN(mtu, RTE_MAX(note->largest, min));
	/* Less a fragment header, two fragments may be no larger than one was. */
	if (info->family == 6 && info->l3_len <= RTE_MIN(note->largest, mtu) &&
			rte_pktmbuf_linearize(m) == 0)
		note->limit = 0;
	return true;
}

/*
 * The pieces go back in order, and the last one brings the place in flight: packets of the connection that wait for it
 * in the worker cannot get between them.
 */
static void
return_pieces(struct dp *dp, struct rte_mbuf **piece, unsigned int n)
{
	const struct dp_worker *w = dp->workers[pkt_meta(piece[0])->worker];
	const uint32_t gate = pkt_meta(piece[0])->gate;

	dp->c.fragmented++;
	dp->c.fragments_made += n;
	for (unsigned int i = 0; i + 1 < n; i++)
		pkt_meta(piece[i])->gate = PKT_GATE_NONE;
	if (session_return_room(dp, w) <= w->in_flight_max + n) {
		/* All or none: what is left of a datagram is of no use. */
		dp->c.made += n - 1;
		dp->c.drop[DROP_RETURN_RING_FULL] += n - 1;
		rte_pktmbuf_free_bulk(piece, n - 1);
		session_drop(dp, piece[n - 1], DROP_RETURN_RING_FULL);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		pkt_meta(piece[i])->gate = i + 1 < n ? PKT_GATE_NONE : gate;
		session_return(dp, piece[i]);
	}
}

void
session_leave(struct dp *dp, struct rte_mbuf *m)
{
	const struct frag_note *note = frag_note(dp->frag, m);
	struct rte_mbuf *piece[FRAG_SPLIT_MAX];
	int n;

	if (likely(note == NULL || note->limit == 0)) {
		session_return(dp, m);
		return;
	}
	n = frag_split(dp->frag, m, piece);
	if (n < 0)
		session_drop(dp, m, n == -ENOMEM ? DROP_NO_MBUF : DROP_MTU_EXCEEDED);
	else
		return_pieces(dp, piece, (unsigned int)n);
}
