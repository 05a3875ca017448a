/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ARP for IPv4 over Ethernet (RFC 826, RFC 5227). Control lcore.
 *
 * Answers for the own addresses of the port that asks, and for VIPs where the port answers for
 * them. Believes as little as works: an answer counts as such only while its question is open;
 * other claims (gratuitous ARP, which a fail-over depends on) change entries that exist and are
 * then verified; nobody gets an entry by shouting.
 */
#include <errno.h>
#include <string.h>

#include <rte_arp.h>

#include "l3_priv.h"

struct claim {
	uint16_t op;
	struct rte_ether_addr mac;
	struct flow_addr sender;
	struct flow_addr target;
	bool to_us; /* the frame was sent to the port's own MAC */
};

/*
 * The sender's hardware address must be the one that the frame came from: no host sends it
 * otherwise, and a switch that pins source MACs to its ports then pins the claims as well.
 */
static int
parse(const struct l3 *l3, struct rte_mbuf *m, struct claim *c)
{
	const struct pkt_meta *meta = pkt_meta(m);
	struct rte_arp_hdr arp;
	struct rte_ether_hdr eth;

	if (meta->info.l3_off < sizeof(eth) || !l3_read(m, 0, sizeof(eth), &eth) ||
			!l3_read(m, meta->info.l3_off, sizeof(arp), &arp))
		return -EBADMSG;
	if (arp.arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
			arp.arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
			arp.arp_hlen != RTE_ETHER_ADDR_LEN || arp.arp_plen != 4)
		return -EBADMSG;
	*c = (struct claim){
		.op = rte_be_to_cpu_16(arp.arp_opcode),
		.mac = arp.arp_data.arp_sha,
		.to_us = l3_mac_same(&eth.dst_addr, &l3->ports[meta->port_in].mac),
	};
	memcpy(c->sender.b, &arp.arp_data.arp_sip, 4);
	memcpy(c->target.b, &arp.arp_data.arp_tip, 4);
	if (!l3_mac_is_station(&c->mac) || !l3_mac_same(&c->mac, &eth.src_addr))
		return -EBADMSG;
	return 0;
}

static void
fill(struct rte_arp_hdr *arp, uint16_t op, const struct rte_ether_addr *mac,
		const struct flow_addr *sender, const struct flow_addr *target)
{
	*arp = (struct rte_arp_hdr){
		.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = 4,
		.arp_opcode = rte_cpu_to_be_16(op),
		.arp_data.arp_sha = *mac,
	};
	memcpy(&arp->arp_data.arp_sip, sender->b, 4);
	memcpy(&arp->arp_data.arp_tip, target->b, 4);
}

static int
answer(struct l3 *l3, struct rte_mbuf *question, const struct claim *c, struct l3_out *out)
{
	uint16_t port = pkt_meta(question)->port_in;
	struct rte_arp_hdr *arp;
	void *data;
	struct rte_mbuf *m = l3_make(l3, sizeof(*arp), &data);

	if (m == NULL)
		return -ENOMEM;
	arp = data;
	fill(arp, RTE_ARP_OP_REPLY, &l3->ports[port].mac, &c->target, &c->sender);
	arp->arp_data.arp_tha = c->mac;
	if (l3_make_ether_back(l3, m, question) != 0) {
		rte_pktmbuf_free(m);
		return -ENOMEM;
	}
	return l3_emit(m, port, question, out);
}

/*
 * What the claim says about its sender. Those of other VLANs are other links, where no neighbour of
 * ours lives.
 */
static void
believe(struct l3 *l3, struct rte_mbuf *m, const struct claim *c, uint64_t now)
{
	const struct pkt_meta *meta = pkt_meta(m);
	uint16_t port = meta->port_in;
	struct l3_neigh *n;

	if (meta->info.flags & PKT_F_VLAN || !l3_addr_is_host(l3, port, 4, &c->sender) ||
			l3_is_own(l3, 4, &c->sender))
		return;
	if (c->op == RTE_ARP_OP_REQUEST && l3_own_answers(l3, port, 4, &c->target)) {
		l3_neigh_learn(l3, port, 4, &c->sender, &c->mac);
		return;
	}
	n = l3_neigh_find(l3, port, 4, &c->sender);
	if (n == NULL)
		return;
	if (c->op == RTE_ARP_OP_REPLY && c->to_us && n->probing)
		l3_neigh_confirm(l3, n, &c->mac, now);
	else
		l3_neigh_update(l3, n, &c->mac);
}

enum l3_verdict
l3_arp_input(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason,
		struct l3_out *out)
{
	static const struct flow_addr nobody;
	uint16_t port = pkt_meta(m)->port_in;
	struct claim c;
	bool probe;

	if (parse(l3, m, &c) != 0)
		return l3_refuse(DROP_ARP_BAD, reason);
	/*
	 * A probe for a duplicate (RFC 5227 2.1.1) has no sender yet; nobody else may call itself
	 * so.
	 */
	probe = c.op == RTE_ARP_OP_REQUEST && memcmp(c.sender.b, nobody.b, 4) == 0;
	if ((c.op != RTE_ARP_OP_REQUEST && c.op != RTE_ARP_OP_REPLY) ||
			(!probe && !l3_addr_is_host(l3, port, 4, &c.sender)))
		return l3_refuse(DROP_ARP_BAD, reason);
	believe(l3, m, &c, now);
	/*
	 * Who uses our address himself asks for it only to announce it: an answer would feed the
	 * quarrel.
	 */
	if (c.op == RTE_ARP_OP_REPLY || !l3_own_answers(l3, port, 4, &c.target) ||
			memcmp(c.sender.b, c.target.b, 4) == 0)
		return L3_CONSUMED;
	return l3_answered(answer(l3, m, &c, out), reason);
}

void
l3_arp_ask(struct l3 *l3, const struct l3_neigh *n, bool unicast, struct rte_mbuf *cause,
		struct l3_out *out)
{
	static const struct rte_ether_addr everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	/*
	 * A port without an address of its own asks as RFC 5227 2.1.1 does: answered, and learnt by
	 * nobody.
	 */
	static const struct flow_addr nobody;
	const struct rte_ether_addr *mac = &l3->ports[n->port].mac;
	const struct flow_addr *source = l3_own_source(l3, n->port, 4, &n->addr);
	void *data;
	struct rte_mbuf *m = l3_make(l3, sizeof(struct rte_arp_hdr), &data);

	if (m == NULL)
		return;
	fill(data, RTE_ARP_OP_REQUEST, mac, source != NULL ? source : &nobody, &n->addr);
	if (l3_make_ether(m, unicast ? &n->mac : &everybody, mac, RTE_ETHER_TYPE_ARP) != 0) {
		rte_pktmbuf_free(m);
		return;
	}
	l3_emit(m, n->port, cause, out);
}
