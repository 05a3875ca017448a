/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a receive descriptor says of a frame: packet type, checksums, tags taken off, hash, time, and what rules left.
 * Called by the datapath when a queue hands frames to its reader, on the reader's thread; takes no lock.
 */
#include <string.h>

#include <rte_mbuf_dyn.h>
#include <rte_net.h>

#include "hwsim.h"

static uint32_t
ptype_l4(uint32_t layers)
{
	if ((layers & SIM_L_FRAG) != 0)
		return RTE_PTYPE_L4_FRAG;
	if ((layers & SIM_L_TCP) != 0)
		return RTE_PTYPE_L4_TCP;
	if ((layers & SIM_L_UDP) != 0)
		return RTE_PTYPE_L4_UDP;
	if ((layers & SIM_L_SCTP) != 0)
		return RTE_PTYPE_L4_SCTP;
	return (layers & (SIM_L_ICMP | SIM_L_ICMP6)) != 0 ? RTE_PTYPE_L4_ICMP : 0;
}

static uint32_t
ptype_l3(uint32_t layers)
{
	if ((layers & SIM_L_IPV4) != 0)
		return (layers & SIM_L_IP_OPT) != 0 ? RTE_PTYPE_L3_IPV4_EXT : RTE_PTYPE_L3_IPV4;
	if ((layers & SIM_L_IPV6) != 0)
		return (layers & (SIM_L_IP_OPT | SIM_L_FRAG6)) != 0 ? RTE_PTYPE_L3_IPV6_EXT
								    : RTE_PTYPE_L3_IPV6;
	return 0;
}

static uint32_t
ptype_l2(uint32_t layers)
{
	if ((layers & SIM_L_QINQ) != 0)
		return RTE_PTYPE_L2_ETHER_QINQ;
	if ((layers & SIM_L_VLAN) != 0)
		return RTE_PTYPE_L2_ETHER_VLAN;
	if ((layers & SIM_L_ARP) != 0)
		return RTE_PTYPE_L2_ETHER_ARP;
	return (layers & SIM_L_ETH) != 0 ? RTE_PTYPE_L2_ETHER : 0;
}

static uint32_t
ptype_tunnel(uint32_t layers, uint32_t inner)
{
	static const struct {
		uint32_t layer, ptype;
	} tunnels[] = {
		{ SIM_L_VXLAN, RTE_PTYPE_TUNNEL_VXLAN },
		{ SIM_L_GENEVE, RTE_PTYPE_TUNNEL_GENEVE },
		{ SIM_L_GTPU, RTE_PTYPE_TUNNEL_GTPU },
		{ SIM_L_NVGRE, RTE_PTYPE_TUNNEL_NVGRE },
		{ SIM_L_GRE, RTE_PTYPE_TUNNEL_GRE },
		{ SIM_L_ESP, RTE_PTYPE_TUNNEL_ESP },
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(tunnels); i++)
		if ((layers & tunnels[i].layer) != 0)
			return tunnels[i].ptype;
	return inner != 0 ? RTE_PTYPE_TUNNEL_IP : 0;
}

/* Layer 4 of the inner level is that of the outer one, further up; the other layers have numbers of their own. */
static uint32_t
ptype_inner(uint32_t layers)
{
	uint32_t ptype = ptype_l4(layers) << 16;

	if ((layers & SIM_L_ETH) != 0)
		ptype |= (layers & SIM_L_QINQ) != 0	     ? RTE_PTYPE_INNER_L2_ETHER_QINQ
				: (layers & SIM_L_VLAN) != 0 ? RTE_PTYPE_INNER_L2_ETHER_VLAN
							     : RTE_PTYPE_INNER_L2_ETHER;
	switch (ptype_l3(layers)) {
	case RTE_PTYPE_L3_IPV4:
		return ptype | RTE_PTYPE_INNER_L3_IPV4;
	case RTE_PTYPE_L3_IPV4_EXT:
		return ptype | RTE_PTYPE_INNER_L3_IPV4_EXT;
	case RTE_PTYPE_L3_IPV6:
		return ptype | RTE_PTYPE_INNER_L3_IPV6;
	case RTE_PTYPE_L3_IPV6_EXT:
		return ptype | RTE_PTYPE_INNER_L3_IPV6_EXT;
	default:
		return ptype;
	}
}
_Static_assert(RTE_PTYPE_INNER_L4_UDP == RTE_PTYPE_L4_UDP << 16 &&
				RTE_PTYPE_INNER_L4_FRAG == RTE_PTYPE_L4_FRAG << 16 &&
				RTE_PTYPE_INNER_L4_ICMP == RTE_PTYPE_L4_ICMP << 16,
		"inner packet types of layer 4 are outer ones, 16 bits up");

static uint32_t
ptype_of(const struct sim_phv *phv)
{
	const uint32_t outer = phv->layers[0], inner = phv->layers[1];

	return ptype_l2(outer) | ptype_l3(outer) | ptype_l4(outer) | ptype_tunnel(outer, inner) |
			(inner != 0 ? ptype_inner(inner) : 0);
}

/* TCP, and UDP that is no tunnel's, behind an IP header of `len` bytes of payload. 0: look properly. */
static inline uint32_t
glance_l4(const uint8_t *l4, uint8_t proto, uint32_t len)
{
	uint16_t port;

	if (proto == IPPROTO_TCP)
		return len >= 20 ? RTE_PTYPE_L4_TCP : 0;
	if (proto != IPPROTO_UDP || len < 8)
		return 0;
	memcpy(&port, l4 + 2, 2);
	return port == RTE_BE16(4789) || port == RTE_BE16(6081) || port == RTE_BE16(2152)
			? 0
			: RTE_PTYPE_L4_UDP;
}

/*
 * Most frames by a glance: Ethernet, IPv4 without options or IPv6, whole, TCP or UDP that is no tunnel's. 0: look properly.
 * The generator must reach 30 Mpps a core, this included; sim_parse() alone would take as long as all else.
 */
static inline uint32_t
ptype_glance(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t type, frag, len;
	uint32_t l4;

	if (m->data_len < RTE_ETHER_MIN_LEN - RTE_ETHER_CRC_LEN)
		return 0;
	memcpy(&type, p + 12, 2);
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		memcpy(&len, p + 16, 2);
		memcpy(&frag, p + 20, 2);
		if (p[14] != 0x45 || (frag & RTE_BE16(0x3fff)) != 0)
			return 0;
		l4 = glance_l4(p + 34, p[23], (uint32_t)rte_be_to_cpu_16(len) - 20u);
		return l4 != 0 ? RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | l4 : 0;
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6) && (p[14] & 0xf0) == 0x60 &&
			m->data_len >= 14 + 40 + 20) {
		memcpy(&len, p + 18, 2);
		l4 = glance_l4(p + 54, p[20], rte_be_to_cpu_16(len));
		return l4 != 0 ? RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV6 | l4 : 0;
	}
	return 0;
}

const uint32_t *
hwsim_ptypes_get(struct rte_eth_dev *dev)
{
	static const uint32_t ptypes[] = { RTE_PTYPE_L2_ETHER, RTE_PTYPE_L2_ETHER_ARP,
		RTE_PTYPE_L2_ETHER_VLAN, RTE_PTYPE_L2_ETHER_QINQ, RTE_PTYPE_L3_IPV4,
		RTE_PTYPE_L3_IPV4_EXT, RTE_PTYPE_L3_IPV6, RTE_PTYPE_L3_IPV6_EXT, RTE_PTYPE_L4_TCP,
		RTE_PTYPE_L4_UDP, RTE_PTYPE_L4_FRAG, RTE_PTYPE_L4_SCTP, RTE_PTYPE_L4_ICMP,
		RTE_PTYPE_TUNNEL_IP, RTE_PTYPE_TUNNEL_GRE, RTE_PTYPE_TUNNEL_VXLAN,
		RTE_PTYPE_TUNNEL_NVGRE, RTE_PTYPE_TUNNEL_GENEVE, RTE_PTYPE_TUNNEL_GTPU,
		RTE_PTYPE_TUNNEL_ESP, RTE_PTYPE_INNER_L2_ETHER, RTE_PTYPE_INNER_L2_ETHER_VLAN,
		RTE_PTYPE_INNER_L2_ETHER_QINQ, RTE_PTYPE_INNER_L3_IPV4, RTE_PTYPE_INNER_L3_IPV4_EXT,
		RTE_PTYPE_INNER_L3_IPV6, RTE_PTYPE_INNER_L3_IPV6_EXT, RTE_PTYPE_INNER_L4_TCP,
		RTE_PTYPE_INNER_L4_UDP, RTE_PTYPE_INNER_L4_FRAG, RTE_PTYPE_INNER_L4_SCTP,
		RTE_PTYPE_INNER_L4_ICMP, RTE_PTYPE_UNKNOWN };

	RTE_SET_USED(dev);
	return ptypes;
}

int
hwsim_ptypes_set(struct rte_eth_dev *dev, uint32_t mask)
{
	struct hwsim_port *port = hwsim_port_of(dev);

	port->ptypes = mask != 0;
	hwsim_rxq_work(port);
	return 0;
}

/* Of a tunnel the inner headers are those that the plain flags are about; the outer ones have flags of their own. */
static uint64_t
cksum_flags(const struct sim_phv *phv)
{
	const unsigned int at = (phv->layers[1] & (SIM_L_IPV4 | SIM_L_IPV6)) != 0;
	const uint32_t l4 = SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP;
	uint64_t flags = 0;

	if ((phv->layers[at] & SIM_L_IPV4) != 0)
		flags |= (phv->integrity[at] & SIM_I_IPV4_CSUM_OK) != 0
				? RTE_MBUF_F_RX_IP_CKSUM_GOOD
				: RTE_MBUF_F_RX_IP_CKSUM_BAD;
	if ((phv->layers[at] & l4) != 0 && (phv->layers[at] & SIM_L_FRAG) == 0)
		flags |= (phv->integrity[at] & SIM_I_L4_CSUM_OK) != 0 ? RTE_MBUF_F_RX_L4_CKSUM_GOOD
								      : RTE_MBUF_F_RX_L4_CKSUM_BAD;
	if (at == 0)
		return flags;
	if ((phv->layers[0] & SIM_L_IPV4) != 0 && (phv->integrity[0] & SIM_I_IPV4_CSUM_OK) == 0)
		flags |= RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD;
	if ((phv->layers[0] & SIM_L_UDP) != 0 && (phv->layers[0] & SIM_L_FRAG) == 0)
		flags |= (phv->integrity[0] & SIM_I_L4_CSUM_OK) != 0
				? RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD
				: RTE_MBUF_F_RX_OUTER_L4_CKSUM_BAD;
	return flags;
}

/* Layer 4 of a frame in pieces cannot be summed in place: unknown, which is 0. */
static uint64_t
cksum_seen(const struct rte_mbuf *m, const struct sim_phv *phv)
{
	uint64_t flags = cksum_flags(phv);

	if (m->nb_segs > 1)
		flags &= ~(RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_OUTER_L4_CKSUM_MASK);
	return flags;
}

/* `rss` is the port's where the hash is wanted. */
static void
parse(uint32_t work, const struct sim_rss *rss, struct rte_mbuf *m)
{
	const uint32_t how = (work & HWSIM_RX_CKSUM) != 0 ? SIM_PARSE_INTEGRITY : 0;
	struct sim_offsets off;
	struct sim_phv phv;

	memset(&phv, 0, offsetof(struct sim_phv, level));
	sim_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, how, &phv, &off);
	if ((work & HWSIM_RX_PTYPE) != 0)
		m->packet_type = ptype_of(&phv);
	if (how != 0)
		m->ol_flags |= cksum_seen(m, &phv);
	if (rss != NULL && (m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) == 0) {
		bool hashed = false;
		const uint32_t hash = sim_rss_hash(rss, &phv, &hashed);

		if (hashed) {
			m->hash.rss = hash;
			m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
		}
	}
}

static bool
tagged(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint16_t type = m->data_len < 18 ? 0 : (uint16_t)(p[12] << 8 | p[13]);

	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ || type == 0x9100;
}

static uint16_t
take_tag(struct rte_mbuf *m)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	const uint16_t tci = (uint16_t)(p[14] << 8 | p[15]);

	memmove(p + RTE_VLAN_HLEN, p, 2 * RTE_ETHER_ADDR_LEN);
	rte_pktmbuf_adj(m, RTE_VLAN_HLEN);
	return tci;
}

/* VLAN_STRIP takes one tag off, QINQ_STRIP both of two. Packet types stay those of the frame on the wire. */
static void
strip(uint32_t work, struct rte_mbuf *m)
{
	if (!tagged(m))
		return;
	m->vlan_tci = take_tag(m);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	if ((work & HWSIM_RX_STRIP_BOTH) == 0 || !tagged(m))
		return;
	m->vlan_tci_outer = m->vlan_tci;
	m->vlan_tci = take_tag(m);
	m->ol_flags |= RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
}

/* Frames of the model come with their time of arrival; others arrive when they are asked for. */
static void
stamp(const struct hwsim_card *card, struct rte_mbuf *m)
{
	if ((m->ol_flags & card->stamp_flag) != 0)
		return;
	*RTE_MBUF_DYNFIELD(m, card->stamp_at, rte_mbuf_timestamp_t *) = hwsim_clock_cycles(card);
	m->ol_flags |= card->stamp_flag;
}

void
hwsim_rx_finish(struct hwsim_rxq *q, struct rte_mbuf **m, uint16_t n)
{
	const uint32_t work = __atomic_load_n(&q->work, __ATOMIC_RELAXED);
	const bool hash = (work & HWSIM_RX_HASH) != 0;
	const struct sim_rss *rss = NULL;
	uint32_t slot = 0;
	uint16_t i;

	if (work == HWSIM_RX_PTYPE) {
		for (i = 0; i < n; i++) {
			m[i]->packet_type = ptype_glance(m[i]);
			if (unlikely(m[i]->packet_type == 0))
				parse(work, NULL, m[i]);
		}
		return;
	}
	if (hash) {
		slot = wire_rss_enter(&q->port->polls);
		rss = &q->port->polls.slot[slot].rss;
	}
	for (i = 0; i < n; i++) {
		if ((work & (HWSIM_RX_PTYPE | HWSIM_RX_CKSUM | HWSIM_RX_HASH)) != 0)
			parse(work, rss, m[i]);
		if ((work & HWSIM_RX_STRIP) != 0)
			strip(work, m[i]);
		if ((work & HWSIM_RX_STAMP) != 0)
			stamp(q->port->card, m[i]);
	}
	if (hash)
		wire_rss_leave(&q->port->polls, slot);
}

void
hwsim_rx_meta(const struct hwsim_card *card, const struct sim_pkt *p, struct rte_mbuf *m)
{
	if (p->marked != 0) {
		m->ol_flags |= RTE_MBUF_F_RX_FDIR;
		if (p->marked != SIM_MARK_FLAG) {
			m->ol_flags |= RTE_MBUF_F_RX_FDIR_ID;
			m->hash.fdir.hi = p->mark;
		}
	}
	if (p->meta_set != 0 && rte_flow_dynf_metadata_avail()) {
		rte_flow_dynf_metadata_set(m, p->meta);
		m->ol_flags |= RTE_MBUF_DYNFLAG_RX_METADATA;
	}
	if (p->restored != 0) {
		*RTE_MBUF_DYNFIELD(m, card->restore_at, uint32_t *) = p->restore;
		m->ol_flags |= card->restore_flag;
	}
	if (p->rss_hashed != 0) {
		m->hash.rss = p->hash;
		m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	}
}
