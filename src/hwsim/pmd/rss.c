/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port's own spreading over its rx queues: hash types, key and redirection table of librte_ethdev, as the model's
 * struct sim_rss. Changed on control threads under the card's lock; the datapath reads it.
 */
#include <errno.h>
#include <string.h>

#include "hwsim.h"

#define L3_4 \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER | \
			RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP | \
			RTE_ETH_RSS_NONFRAG_IPV4_SCTP)
#define L3_6 \
	(RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER | \
			RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP | \
			RTE_ETH_RSS_NONFRAG_IPV6_SCTP | RTE_ETH_RSS_IPV6_EX | \
			RTE_ETH_RSS_IPV6_TCP_EX | RTE_ETH_RSS_IPV6_UDP_EX)

const uint64_t hwsim_rss_types = L3_4 | L3_6 | RTE_ETH_RSS_ETH | RTE_ETH_RSS_L2_PAYLOAD |
		RTE_ETH_RSS_C_VLAN | RTE_ETH_RSS_S_VLAN | RTE_ETH_RSS_ESP |
		RTE_ETH_RSS_L3_SRC_ONLY | RTE_ETH_RSS_L3_DST_ONLY | RTE_ETH_RSS_L4_SRC_ONLY |
		RTE_ETH_RSS_L4_DST_ONLY | RTE_ETH_RSS_LEVEL_MASK;

/* That of Microsoft's "Verifying the RSS Hash Calculation", which most drivers begin with. */
static const uint8_t default_key[SIM_RSS_KEY] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30,
	0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
	0x01, 0xfa };

static void
set_types(struct hwsim_port *port, uint64_t hf)
{
	port->rss_hf = hf;
	port->rss.level = RTE_ETH_RSS_LEVEL(hf) > 1;
	port->rss.fields = hwf_rss_fields(&hf);
}

void
hwsim_rss_spread(struct hwsim_port *port)
{
	struct hwsim_card *card = port->card;
	int rc = 0;

	wire_rss_set(&port->polls, &port->rss);
	if (port->spreads)
		port->wire->ops->spread(port->wire, &port->rss);
	sim_lock_take(&card->lock);
	if (card->model != NULL && port->kind != HWSIM_FUNCTION)
		rc = sim_nic_rss(card->model, port->sw, port->rss_on ? &port->rss : NULL);
	sim_lock_give(&card->lock);
	if (rc != 0)
		HWSIM_LOG(ERR, "%s: no memory for RSS: all goes to queue 0", port->data->name);
}

int
hwsim_rss_configure(struct hwsim_port *port, const struct rte_eth_conf *conf)
{
	const struct rte_eth_rss_conf *rss = &conf->rx_adv_conf.rss_conf;
	const uint16_t n = RTE_MAX(port->data->nb_rx_queues, 1);
	uint16_t i;

	if (rss->rss_key != NULL && rss->rss_key_len != 0 && rss->rss_key_len != SIM_RSS_KEY)
		return -EINVAL;
	sim_lock_take(&port->card->lock);
	port->rss_on = (conf->rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) != 0;
	memset(&port->rss, 0, sizeof(port->rss));
	port->rss.n = HWSIM_RETA;
	for (i = 0; port->rss_on && i < HWSIM_RETA; i++)
		port->rss.queue[i] = i % n;
	set_types(port, port->rss_on ? rss->rss_hf : 0);
	memcpy(port->rss.key, rss->rss_key != NULL ? rss->rss_key : default_key, SIM_RSS_KEY);
	sim_lock_give(&port->card->lock);
	return 0;
}

int
hwsim_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	uint16_t i;

	if (size != HWSIM_RETA)
		return -EINVAL;
	for (i = 0; i < size; i++)
		if ((reta[i / 64].mask >> (i % 64) & 1) != 0 &&
				reta[i / 64].reta[i % 64] >= dev->data->nb_rx_queues)
			return -EINVAL;
	sim_lock_take(&port->card->lock);
	for (i = 0; i < size; i++)
		if ((reta[i / 64].mask >> (i % 64) & 1) != 0)
			port->rss.queue[i] = reta[i / 64].reta[i % 64];
	sim_lock_give(&port->card->lock);
	hwsim_rss_spread(port);
	return 0;
}

int
hwsim_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	const struct hwsim_port *port = hwsim_port_of(dev);
	uint16_t i;

	if (size != HWSIM_RETA)
		return -EINVAL;
	for (i = 0; i < size; i++)
		if ((reta[i / 64].mask >> (i % 64) & 1) != 0)
			reta[i / 64].reta[i % 64] = port->rss.queue[i];
	return 0;
}

int
hwsim_rss_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	struct hwsim_port *port = hwsim_port_of(dev);

	if (conf->rss_key != NULL && conf->rss_key_len != 0 && conf->rss_key_len != SIM_RSS_KEY)
		return -EINVAL;
	sim_lock_take(&port->card->lock);
	if (conf->rss_key != NULL)
		memcpy(port->rss.key, conf->rss_key, SIM_RSS_KEY);
	set_types(port, conf->rss_hf);
	sim_lock_give(&port->card->lock);
	hwsim_rss_spread(port);
	return 0;
}

int
hwsim_rss_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	const struct hwsim_port *port = hwsim_port_of(dev);

	if (conf->rss_key != NULL && conf->rss_key_len >= SIM_RSS_KEY)
		memcpy(conf->rss_key, port->rss.key, SIM_RSS_KEY);
	conf->rss_key_len = SIM_RSS_KEY;
	conf->rss_hf = port->rss_hf;
	return 0;
}

/* Of a frame that no rule gave a queue. Its hash is kept for the descriptor. */
uint16_t
hwsim_rss_queue(struct hwsim_port *port, struct rte_mbuf *m)
{
	const struct sim_rss *rss;
	struct sim_offsets off;
	struct sim_phv phv;
	bool hashed = false;
	uint32_t hash, slot;
	uint16_t queue;

	if (!port->rss_on || port->data->nb_rx_queues == 1)
		return 0;
	memset(&phv, 0, offsetof(struct sim_phv, level));
	sim_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, 0, &phv, &off);
	slot = wire_rss_enter(&port->polls);
	rss = &port->polls.slot[slot].rss;
	hash = sim_rss_hash(rss, &phv, &hashed);
	queue = rss->queue[hashed ? hash % rss->n : 0];
	wire_rss_leave(&port->polls, slot);
	if (hashed) {
		m->hash.rss = hash;
		m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	}
	return queue;
}
