/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies, the worker's part (cookies.h): a SYN of no connection is answered where it came in, with nothing kept;
 * an ACK of no connection goes to control if it answers a cookie, and nowhere if it does not. Worker lcores only, in
 * the exception path. Reads policy that does not change while workers run.
 */
#include <netinet/in.h>

#include <rte_tcp.h>

#include "dp_priv.h"
#include "syncookie/cookie.h"

/* Those are for control to judge. */
#define NOT_PLAIN \
	(PKT_F_INVALID | PKT_F_TTL | PKT_F_FRAG | PKT_F_ICMP_ERROR | PKT_F_ARP | PKT_F_ND | \
			PKT_F_MULTICAST)

#define FLAGS (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG)

/* What control says; and by itself while strangers find no room in the ring to control: their SYNs are lost otherwise. */
static enum cookies_state
state_of(struct dp_worker *w, uint64_t now)
{
	const struct dp_cookies *c = &w->dp->cookies;
	const enum cookies_state said = __atomic_load_n(&c->state, __ATOMIC_ACQUIRE);

	if (c->cfg->mode != CFG_COOKIES_AUTO)
		return said;
	if (w->strangers_refused) {
		w->strangers_refused = false;
		w->cookies_until = now + COOKIES_CALM_NS;
	}
	if (said == COOKIES_ACTIVE || now < w->cookies_until)
		return COOKIES_ACTIVE;
	if (w->cookies_until != 0 && now < w->cookies_until + COOKIE_LIFE_NS)
		return COOKIES_ACCEPT;
	return said;
}

static bool
is_protected(const struct dp *dp, const struct flow_tuple *t)
{
	if (lb_find(dp->lb, t) >= 0)
		return true;
	return dp->cookies.cfg->protect == CFG_PROTECT_ALL &&
			!l3_is_own(dp->l3, t->key.family, &t->dst) &&
			l3_has_route(dp->l3, t->key.family, &t->dst);
}

/* Is there no flow, or was it being moved when it was looked for? It cannot be, twice, so soon. */
static bool
is_known(const struct dp_worker *w, const struct pkt_burst *b, unsigned int i)
{
	struct pkt_burst one;

	one.n = 1;
	one.mbuf[0] = b->mbuf[i];
	one.info[0] = b->info[i];
	one.key[0] = b->key[i];
	one.hash[0] = b->hash[i];
	ct_find_burst(w->ct, &one);
	return one.flow[0] != FLOW_NONE;
}

static const uint8_t *
tcp_header(const struct pkt_burst *b, unsigned int i)
{
	return rte_pktmbuf_mtod_offset(b->mbuf[i], const uint8_t *, b->info[i].l4_off);
}

static unsigned int
tcp_header_len(const struct pkt_burst *b, unsigned int i)
{
	return (unsigned int)(b->info[i].payload_off - b->info[i].l4_off);
}

static void
offer(const struct dp_worker *w, uint16_t port, uint8_t family, struct cookie_options *o)
{
	const struct cfg_syn_cookies *cfg = w->dp->cookies.cfg;
	const uint16_t headers = family == 4 ? 40 : 60, mtu = w->dp->ports[port].cfg->mtu;

	o->mss = RTE_MIN((uint16_t)(cfg->mss - (headers - 40)),
			mtu > headers ? (uint16_t)(mtu - headers) : UINT16_MAX);
	o->scale = cfg->window_scale;
}

/* The window is closed: what the client sends before the server has answered would have to be kept. */
static bool
answer_syn(struct dp_worker *w, struct pkt_burst *b, unsigned int i, const struct flow_tuple *t,
		uint64_t now)
{
	const struct dp_cookies *c = &w->dp->cookies;
	const uint8_t *tcp = tcp_header(b, i);
	struct rte_mbuf *m = b->mbuf[i];
	struct cookie_segment s = { .flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG };
	struct rte_tcp_hdr h;
	uint32_t isn;

	memcpy(&h, tcp, sizeof(h));
	isn = rte_be_to_cpu_32(h.sent_seq);
	cookie_options_read(tcp + sizeof(h), tcp_header_len(b, i) - sizeof(h), &s.options);
	s.options.timestamps = s.options.timestamps && c->cfg->timestamps;
	s.seq = cookie_make(c->key, t, isn, now, &s.options);
	s.ack = isn + 1;
	offer(w, b->port, t->key.family, &s.options);
	if (!cookie_segment_answer(m, &b->info[i], t, &w->dp->ports[b->port].mac, &s))
		return false;
	w->c.local++;
	w->c.made++;
	w->c.cookies_sent++;
	trace_put(w->trace, m, PKT_VERDICT_LOCAL, DROP_NONE);
	pkt_meta(m)->verdict = PKT_VERDICT_NONE;
	worker_tx(w, m, b->port, FLOW_QUEUE_ANY);
	return true;
}

static bool
judge_ack(struct dp_worker *w, struct pkt_burst *b, unsigned int i, const struct flow_tuple *t,
		uint64_t now, enum cookies_state state)
{
	struct cookie_ack ack;

	if (cookie_check(w->dp->cookies.key, t, tcp_header(b, i), tcp_header_len(b, i), now,
			    &ack)) {
		worker_punt(w, b, i, PUNT_COOKIE);
		return true;
	}
	if (state != COOKIES_ACTIVE || is_known(w, b, i))
		return false;
	worker_drop(w, b->mbuf[i], DROP_SYN_COOKIE);
	return true;
}

bool
worker_cookie(struct dp_worker *w, struct pkt_burst *b, unsigned int i, uint64_t now)
{
	const enum cookies_state state = state_of(w, now);
	struct pkt_info *info = &b->info[i];
	const uint8_t flags = info->tcp_flags & FLAGS;
	struct flow_tuple t;
	bool syn;

	if (likely(state == COOKIES_OFF) || b->key[i].proto != IPPROTO_TCP ||
			b->key[i].family == 0 || (info->flags & NOT_PLAIN) ||
			w->dp->ports[b->port].cfg->role != CFG_EXTERNAL)
		return false;
	syn = flags == RTE_TCP_SYN_FLAG && !(info->tcp_flags & RTE_TCP_FIN_FLAG);
	if (!(syn && state == COOKIES_ACTIVE) && flags != RTE_TCP_ACK_FLAG)
		return false;
	/* Control has an earlier packet of it: perhaps it opens the connection now. */
	if (worker_gate(w, FLOW_NONE, b->hash[i]) ||
			!parse_tuple(b->mbuf[i], info, b->key[i].zone, &t) ||
			!is_protected(w->dp, &t))
		return false;
	if (!syn)
		return judge_ack(w, b, i, &t, now, state);
	/* Where the parser leaves the checksum to control. */
	if (w->dp->cfg->conntrack.checksum != CFG_CHECKSUM_OFF &&
			!(info->flags & PKT_F_L4_CSUM_GOOD) && !parse_l4_checksum(b->mbuf[i], info))
		return false;
	return answer_syn(w, b, i, &t, now);
}
