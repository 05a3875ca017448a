/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fast path: what a worker does with a burst. parse -> find -> run -> tx; whatever is not a packet of an
 * established connection goes to the control lcore. Worker lcores only. Must not allocate, log, read a clock or
 * wait; `now` comes with the call.
 */
#include <netinet/in.h>

#include <rte_cycles.h>

#include "dp_priv.h"
#include "flow_run.h"
#include "seqadj.h"

/* What a flow must say for the worker to run it without a second thought. */
#define RUN_FLAGS (FLOW_F_FAST | FLOW_F_L7 | FLOW_F_DROP | FLOW_F_ADJUST | FLOW_F_BARE)
/* What a packet must not say. */
#define SLOW_FLAGS (PKT_F_CONTROL | PKT_F_TTL | PKT_F_DROP | PKT_F_INVALID)

#define L7_PACKETS_MAX 8 /* data packets looked into before a class settles without layer 7 */

/*
 * SCTP goes through here with PKT_F_CONTROL, so that the straight line of run_burst need not ask for it. What belongs to an
 * association and does not change it may run, once its tag is looked at: that is what its sender is known by.
 */
static bool
run_tagged(const struct dp_worker *w, const struct pkt_burst *b, unsigned int i)
{
	const struct pkt_info *info = &b->info[i];
	const uint16_t why_not = SLOW_FLAGS | PKT_F_OPTIONS | PKT_F_FRAG;

	return info->proto == IPPROTO_SCTP && (info->tcp_flags & PKT_SCTP_DATA) &&
			(info->flags & why_not) == PKT_F_CONTROL &&
			ct_sctp_tag_fits(&w->conns[b->flow[i] >> 1], b->flow[i] & 1,
					rte_pktmbuf_mtod_offset(
							b->mbuf[i], const uint8_t *, info->l4_off));
}

static enum punt_reason
punt_reason(const struct pkt_info *info, bool hit)
{
	if (info->flags & (PKT_F_ARP | PKT_F_ND))
		return PUNT_LOCAL;
	if (info->flags & PKT_F_FRAG)
		return PUNT_FRAGMENT;
	if (info->flags & PKT_F_INVALID)
		return PUNT_INVALID;
	if (info->flags & PKT_F_ICMP_ERROR)
		return PUNT_ICMP_ERROR;
	if (!hit)
		return PUNT_MISS;
	if (info->flags & PKT_F_TTL)
		return PUNT_TTL;
	if (info->flags & PKT_F_OPTIONS)
		return PUNT_OPTIONS;
	if (pkt_reassembled(info))
		return PUNT_REASSEMBLED;
	if (info->proto == IPPROTO_SCTP && (info->tcp_flags & PKT_SCTP_DATA))
		return PUNT_NOT_FAST;
	if (info->flags & PKT_F_CONTROL)
		return PUNT_TCP_FLAGS;
	return PUNT_NOT_FAST;
}

/* Does the packet carry what the class waits for, or nothing that could? Then control must see it. */
static bool
l7_settles(const struct pkt_burst *b, unsigned int i, const struct flow *f)
{
	const struct pkt_info *info = &b->info[i];
	const struct rte_mbuf *m = b->mbuf[i];
	uint32_t end = info->l3_off + info->l3_len;
	struct cls_l7 found;

	end = RTE_MIN(end, m->data_len);
	if (f->packets >= L7_PACKETS_MAX)
		return true;
	if ((b->flow[i] & 1) == FLOW_REPLY || info->payload_off >= end)
		return false; /* the client speaks first; no payload: a bare ACK */
	return cls_l7_parse(info->proto,
			       rte_pktmbuf_mtod_offset(m, const uint8_t *, info->payload_off),
			       end - info->payload_off, &found) != CLS_L7_MORE;
}

/* Are earlier packets with this key parked? Out of the park: has one of this burst been put back? */
static bool
behind_parked(const struct dp_worker *w, const struct pkt_burst *b, unsigned int i)
{
	const uint32_t slot = b->hash[i] & DP_GATE_MASK;

	if (b->key[i].family == 0)
		return false;
	if (!w->from_park)
		return w->n_parked != 0 && w->parked[slot] != 0;
	for (unsigned int p = 0; p < w->n_put_back; p++)
		if ((pkt_meta(w->put_back[p])->hash & DP_GATE_MASK) == slot)
			return true;
	return false;
}

static void
trace_run(struct dp_worker *w, struct pkt_burst *b, unsigned int i)
{
	const struct dp_trace *t = w->trace;
	const struct ct_conn *c = &w->conns[b->flow[i] >> 1];
	uint32_t at = pkt_meta(b->mbuf[i])->sequence - t->base;

	if (at >= t->n)
		return;
	t->rec[at] = (struct dp_trace_record){
		.state = CT_STATE_ESTABLISHED,
		.dir = b->flow[i] & 1,
		.verdict = PKT_VERDICT_FORWARD,
		.fast = true,
		.is_tcp = b->key[i].proto == IPPROTO_TCP,
		.assured = c->status & CT_S_ASSURED,
		.tcp = b->key[i].proto == IPPROTO_TCP ? c->tcp.state : 0,
		.flags = ct_flags(c, b->flow[i] & 1, CT_STATE_ESTABLISHED),
		.sctp = b->key[i].proto == IPPROTO_SCTP ? ct_sctp_state_name(c->sctp.state) : NULL,
		.dccp = b->key[i].proto == IPPROTO_DCCP && (b->info[i].tcp_flags & PKT_DCCP)
				? ct_dccp_state_name(c->dccp.state)
				: NULL,
		.class_id = c->flow[b->flow[i] & 1].class_id,
	};
}

/*
 * A packet whose key has no ports (FLOW_F_BARE), all the way out: the straight line would write ports, and take TCP numbers
 * for those of one connection.
 */
static void
run_bare(struct dp_worker *w, struct pkt_burst *b, unsigned int i, struct flow *f, uint64_t now)
{
	const struct l3_nexthop *nh = &w->nexthops[f->nexthop];
	const uint32_t id = b->flow[i], len = b->info[i].l3_len;

	if (!nh->usable || len > nh->mtu) {
		worker_punt(w, b, i, nh->usable ? PUNT_MTU : PUNT_NEIGHBOUR);
		return;
	}
	if (w->trace != NULL)
		trace_run(w, b, i);
	flow_run_bare(f, &w->conns6[id >> 1], id & 1, b->mbuf[i], &b->info[i], nh);
	flow_count(f, time_tick(now), len);
	flow_count_policy(w->class_counters, w->backend_counters, f, id & 1, len);
	counter_add(&w->c.fast, len);
	counter_add(&w->c.state[CT_STATE_ESTABLISHED], len);
	worker_tx(w, b->mbuf[i], nh->port, f->queue);
}

/* A packet that the straight line of run_burst did not take. Returns true if the worker may run it after all. */
static bool
run_exception(struct dp_worker *w, struct pkt_burst *b, unsigned int i, struct flow *f,
		uint64_t now)
{
	const struct pkt_info *info = &b->info[i];
	bool fast, mine;
	uint8_t flags;

	if (info->flags & PKT_F_DROP) {
		worker_drop(w, b->mbuf[i], info->reason);
		return false;
	}
	if (behind_parked(w, b, i)) {
		worker_park(w, b, i);
		return false;
	}
	if (f == NULL) {
		if (worker_cookie(w, b, i, now))
			return false;
		worker_punt(w, b, i, punt_reason(info, false));
		return false;
	}
	mine = f->owner == w->index;
	/* Read once: a flow that becomes fast at this moment is so for all that follows, or not at all. */
	flags = __atomic_load_n(&f->flags, __ATOMIC_ACQUIRE);
	/* Towards a neighbour that is being resolved, packets queue up in l3, not here. */
	fast = (!(info->flags & SLOW_FLAGS) || run_tagged(w, b, i)) && (flags & FLOW_F_FAST) &&
			w->nexthops[f->nexthop].usable;
	/* What goes to control anyway keeps its place in the ring. */
	if ((fast || !mine) && worker_gate(w, b->flow[i], b->hash[i])) {
		worker_park(w, b, i);
		return false;
	}
	if (!mine) {
		worker_handover(w, b->mbuf[i], b->port, f->owner);
		return false;
	}
	if (!fast) {
		worker_punt(w, b, i, punt_reason(info, true));
		return false;
	}
	if ((flags & FLOW_F_L7) && l7_settles(b, i, f)) {
		worker_punt(w, b, i, PUNT_L7);
		return false;
	}
	if (flags & FLOW_F_DROP) {
		counter_add(&w->class_counters[f->class_id], info->l3_len);
		worker_drop(w, b->mbuf[i], DROP_CLASS_DROP);
		return false;
	}
	if (f->flags & FLOW_F_BARE) {
		run_bare(w, b, i, f, now);
		return false;
	}
	return true;
}

/* Are the sequence numbers of a TCP packet what the connection expects? */
static inline bool
in_window(struct dp_worker *w, const struct pkt_burst *b, unsigned int i,
		const struct ct_ext *adjust, uint64_t now)
{
	const struct pkt_info *info = &b->info[i];
	struct ct_packet pkt = {
		.info = info,
		.l4 = rte_pktmbuf_mtod_offset(b->mbuf[i], const uint8_t *, info->l4_off),
		.l4_len = (uint32_t)info->l3_off + info->l3_len - info->l4_off,
		.l4_avail = (uint32_t)info->payload_off - info->l4_off,
		.now = now,
	};

	if (unlikely(adjust != NULL))
		pkt.ack_offset = seqadj_ack_offset(adjust, b->flow[i] & 1, b->mbuf[i], info);
	return ct_track_fast(w->ct, &w->conns[b->flow[i] >> 1], b->flow[i] & 1, &pkt);
}

static void
run_burst(struct dp_worker *w, struct pkt_burst *b, uint64_t now)
{
	const uint32_t tick = time_tick(now);
	struct ct_conn *conns = w->conns;
	uint64_t fast_packets = 0, fast_bytes = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		const struct pkt_info *info = &b->info[i];
		const uint32_t id = b->flow[i];
		const struct l3_nexthop *nh;
		struct rte_mbuf *m = b->mbuf[i];
		const struct ct_ext *adjust = NULL;
		struct flow *f = NULL;

		if (likely(id != FLOW_NONE))
			f = &conns[id >> 1].flow[id & 1];
		if (unlikely(f == NULL || (info->flags & SLOW_FLAGS) ||
				    (w->in_flight | w->n_parked) != 0 ||
				    (__atomic_load_n(&f->flags, __ATOMIC_ACQUIRE) & RUN_FLAGS) !=
						    FLOW_F_FAST ||
				    f->owner != w->index)) {
			if (!run_exception(w, b, i, f, now))
				continue;
			if (f->flags & FLOW_F_ADJUST)
				adjust = ct_ext(w->ct, id >> 1);
		}
		nh = &w->nexthops[f->nexthop];
		if (unlikely(!nh->usable || info->l3_len > nh->mtu)) {
			worker_punt(w, b, i, nh->usable ? PUNT_MTU : PUNT_NEIGHBOUR);
			continue;
		}
		if (info->proto == IPPROTO_TCP && unlikely(!in_window(w, b, i, adjust, now))) {
			worker_punt(w, b, i, PUNT_WINDOW);
			continue;
		}
		if (unlikely(w->trace != NULL))
			trace_run(w, b, i);
		if (unlikely(adjust != NULL))
			seqadj_run(adjust, id & 1, m, info);
		flow_run(f, &w->conns6[id >> 1], id & 1, m, info, nh);
		flow_count(f, tick, info->l3_len);
		flow_count_policy(w->class_counters, w->backend_counters, f, id & 1, info->l3_len);
		fast_packets++;
		fast_bytes += info->l3_len;
		worker_tx(w, m, nh->port, f->queue);
	}
	w->c.fast.packets += fast_packets;
	w->c.fast.bytes += fast_bytes;
	w->c.state[CT_STATE_ESTABLISHED].packets += fast_packets;
	w->c.state[CT_STATE_ESTABLISHED].bytes += fast_bytes;
}

/*
 * Give packets of other workers' connections away: by the hash of the external endpoint, which both directions share
 * (source on external ports, destination on internal ones). Only where the device does not do it.
 */
static void
spread_burst(struct dp_worker *w, struct pkt_burst *b)
{
	bool external = w->dp->ports[b->port].cfg->role == CFG_EXTERNAL;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < b->n; i++) {
		const struct flow_key *k = &b->key[i];
		unsigned int to = w->index;

		if (k->family != 0)
			to = flow_endpoint_hash(external ? k->src : k->dst,
					     flow_key_bare(k)		? 0
							     : external ? k->sport
									: k->dport) %
					w->dp->n_workers;
		if (to != w->index) {
			worker_handover(w, b->mbuf[i], b->port, to);
			continue;
		}
		b->mbuf[kept] = b->mbuf[i];
		b->info[kept] = b->info[i];
		b->key[kept] = b->key[i];
		b->hash[kept] = b->hash[i];
		kept++;
	}
	b->n = kept;
}

/*
 * What came in fragments leaves in fragments, and only control makes those. Such packets come out of rings, never out of
 * a receive queue, where nobody looks for them.
 */
static void
mark_reassembled(const struct dp_worker *w, struct pkt_burst *b)
{
	for (unsigned int i = 0; i < b->n; i++)
		if (b->mbuf[i]->ol_flags & w->frag_flag)
			b->info[i].flags |= PKT_F_FRAG_FIRST | PKT_F_CONTROL;
}

static __rte_always_inline void
stages(struct dp_worker *w, struct pkt_burst *b, uint64_t now, bool handed, const bool profile)
{
	const struct dp_port *port = &w->dp->ports[b->port];
	uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0;

	if (profile)
		t0 = rte_rdtsc();
	parse_burst(b, &port->parse);
	if (unlikely(handed || w->again))
		mark_reassembled(w, b);
	if (unlikely(w->dp->n_workers > 1 && !handed && !port->spread_by_nic))
		spread_burst(w, b);
	if (profile)
		t1 = rte_rdtsc();
	ct_find_burst(w->ct, b);
	if (profile)
		t2 = rte_rdtsc();
	run_burst(w, b, now);
	if (profile)
		t3 = rte_rdtsc();
	worker_tx_flush(w);
	worker_punt_flush(w);
	if (profile) {
		t4 = rte_rdtsc();
		w->stage_cycles[DP_STAGE_PARSE] += t1 - t0;
		w->stage_cycles[DP_STAGE_FIND] += t2 - t1;
		w->stage_cycles[DP_STAGE_RUN] += t3 - t2;
		w->stage_cycles[DP_STAGE_TX] += t4 - t3;
	}
}

void
pipeline_burst(struct dp_worker *w, struct pkt_burst *b, uint64_t now, bool handed)
{
	if (w->profile)
		stages(w, b, now, handed, true);
	else
		stages(w, b, now, handed, false);
}
