/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run a compiled flow on a packet: new addresses and ports, TTL, checksums, Ethernet header. One body for both
 * families, both directions and both callers: the worker's burst (pipeline.c) and the control lcore (session.c).
 * The caller has checked that the next hop is usable, the TTL is above 1 and the packet fits the MTU.
 */
#ifndef DATAPLANE_FLOW_RUN_H
#define DATAPLANE_FLOW_RUN_H

#include <netinet/in.h>
#include <string.h>

#include <rte_mbuf.h>

#include "base/cksum.h"
#include "base/counters.h"
#include "base/flow.h"
#include "base/pkt.h"
#include "conntrack/ct.h"
#include "l3/l3.h"

#define ETH_HEADER_LEN 14

/* Ports and checksum of protocols that are rarely translated, out of line: SCTP, UDP-Lite, DCCP. */
void
flow_run_rare(const struct flow *f, struct rte_mbuf *m, uint8_t *l4, const struct pkt_info *info);

/* flow_run() for flows with FLOW_F_BARE: their packets are of any protocol, and keep their ports. Out of line as well. */
void
flow_run_bare(const struct flow *f, const struct ct_conn6 *six, unsigned int dir,
		struct rte_mbuf *m, const struct pkt_info *info, const struct l3_nexthop *nh);

/* Add `delta` to the 16-bit checksum at p; a UDP checksum of zero means "none" and stays (RFC 768). */
static __rte_always_inline void
flow_run_cksum(uint8_t *p, uint16_t delta, bool udp)
{
	uint16_t sum;

	memcpy(&sum, p, sizeof(sum));
	sum = udp ? cksum_apply_udp(sum, delta) : cksum_apply(sum, delta);
	memcpy(p, &sum, sizeof(sum));
}

static __rte_always_inline void
flow_run_l4(const struct flow *f, struct rte_mbuf *m, uint8_t *l4, const struct pkt_info *info)
{
	switch (info->proto) {
	case IPPROTO_UDP:
		memcpy(l4, &f->sport, 4);
		flow_run_cksum(l4 + 6, f->l4_delta, true);
		break;
	case IPPROTO_TCP:
		memcpy(l4, &f->sport, 4);
		flow_run_cksum(l4 + 16, f->l4_delta, false);
		break;
	case IPPROTO_ICMPV6:
		if (unlikely(info->family != 6))
			break; /* over IPv4 it is only a number: there may be nothing behind it */
		flow_run_cksum(l4 + 2, f->l4_delta, false);
		break;
	default:
		if (unlikely(f->flags & FLOW_F_NAT))
			flow_run_rare(f, m, l4, info);
		break;
	}
}

/* Sixteen bytes that are read and written in one piece: struct l3_nexthop says why. */
typedef uint16_t flow_run_unit __attribute__((vector_size(16), may_alias));

/*
 * Replace the link-layer header by the next hop's. Its 14 bytes travel with the two that follow them in the frame,
 * the first of the IP header, which are put back as they are.
 */
static __rte_always_inline void
flow_run_link(struct rte_mbuf *m, const struct pkt_info *info, const struct l3_nexthop *nh)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off);
	flow_run_unit unit = *(const volatile flow_run_unit *)nh->header;
	uint16_t first;

	memcpy(&first, l3, sizeof(first));
	unit[7] = first;
	memcpy(l3 - ETH_HEADER_LEN, &unit, sizeof(unit));
	if (unlikely(info->l3_off != ETH_HEADER_LEN)) {
		int cut = info->l3_off - ETH_HEADER_LEN;

		if (cut > 0)
			rte_pktmbuf_adj(m, (uint16_t)cut);
		else
			rte_pktmbuf_prepend(m, (uint16_t)-cut);
	}
}

/*
 * The TTL lies in the high byte of its word: decrementing it adds ~0x0100 to the IPv4 header checksum, whatever it was
 * (RFC 1141). A flow has that in its l3_delta already.
 */
#define FLOW_RUN_TTL_DELTA ((uint16_t)~rte_cpu_to_be_16(0x0100))

static __rte_always_inline void
flow_run_ttl(uint8_t *l3, uint8_t family)
{
	l3[family == 4 ? 8 : 7]--;
}

/* `six` = addresses of the connection when IPv6; dir as in the flow id. */
static __rte_always_inline void
flow_run_l3(const struct flow *f, const struct ct_conn6 *six, unsigned int dir, uint8_t *l3,
		uint8_t family)
{
	flow_run_ttl(l3, family);
	if (likely(family == 4)) {
		flow_run_cksum(l3 + 10, f->l3_delta, false);
		memcpy(l3 + 12, &f->src, 8);
	} else {
		const struct flow_addr *out = &six->addr[dir == FLOW_ORIGINAL ? 2 : 0];

		memcpy(l3 + 8, out[1].b, 16);
		memcpy(l3 + 24, out[0].b, 16);
	}
}

static __rte_always_inline void
flow_run(const struct flow *f, const struct ct_conn6 *six, unsigned int dir, struct rte_mbuf *m,
		const struct pkt_info *info, const struct l3_nexthop *nh)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l3_off);
	uint8_t *l4 = rte_pktmbuf_mtod_offset(m, uint8_t *, info->l4_off);

	flow_run_l3(f, six, dir, l3, info->family);
	flow_run_l4(f, m, l4, info);
	flow_run_link(m, info, nh);
}

/* Count one packet on its flow. The tick is written only when it changes: one store less a packet. */
static __rte_always_inline void
flow_count(struct flow *f, uint32_t tick, uint32_t bytes)
{
	f->packets++;
	f->bytes += bytes;
	if (f->last_seen != tick)
		f->last_seen = tick;
}

/* Count it for the class and the backend, in the arrays of the lcore that runs it. */
static __rte_always_inline void
flow_count_policy(struct counter_pair *classes, struct counter_pair *backends, const struct flow *f,
		unsigned int dir, uint32_t bytes)
{
	counter_add(&classes[f->class_id], bytes);
	if (f->backend != FLOW_NO_BACKEND)
		counter_add(&backends[f->backend << 1 | dir], bytes);
}

#endif /* DATAPLANE_FLOW_RUN_H */
