/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See test_hwsim_rig.h.
 */
#include "test_hwsim_rig.h"

#include "eal.h"

struct rte_mempool *rig_pool;

int
rig_init(void **state)
{
	(void)state;
	if (rig_pool != NULL)
		return 0;
	if (unit_eal_init() < 0)
		return -1;
	rig_pool = rte_pktmbuf_pool_create("rig", 8191, 0, 16, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return rig_pool == NULL ? -1 : 0;
}

int
rig_fini(void **state)
{
	(void)state;
	return rte_mempool_full(rig_pool) ? 0 : -1;
}

uint16_t
rig_port(const char *name)
{
	uint16_t port = UINT16_MAX;

	assert_int_equal(rte_eth_dev_get_port_by_name(name, &port), 0);
	return port;
}

uint16_t
rig_card(const char *devargs)
{
	assert_int_equal(rte_vdev_init("net_hwsim0", devargs), 0);
	return rig_port("net_hwsim0");
}

void
rig_remove(void)
{
	assert_int_equal(rte_vdev_uninit("net_hwsim0"), 0);
	assert_int_equal(rte_eth_dev_count_avail(), 0);
	assert_true(rte_mempool_full(rig_pool));
}

void
rig_start(uint16_t port, const struct rig_conf *c)
{
	struct rte_eth_conf conf = { .rxmode = { .offloads = c->rx_offloads },
		.txmode = { .offloads = c->tx_offloads },
		.intr_conf = { .lsc = c->lsc, .rxq = c->intr } };
	const uint16_t rxq = c->rxq == 0 ? 1 : c->rxq, txq = c->txq == 0 ? 1 : c->txq;
	const uint16_t desc = c->n_desc == 0 ? 512 : c->n_desc;

	if (c->rss_hf != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = c->rss_hf;
	}
	assert_int_equal(rte_eth_dev_configure(port, rxq, txq, &conf), 0);
	for (uint16_t i = 0; i < rxq; i++)
		assert_int_equal(rte_eth_rx_queue_setup(port, i, desc, 0, NULL, rig_pool), 0);
	for (uint16_t i = 0; i < txq; i++)
		assert_int_equal(rte_eth_tx_queue_setup(port, i, desc, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	if (!c->idle)
		assert_int_equal(rte_eth_promiscuous_enable(port), 0);
}

/* Room at the end; the compiler has to see that it is there. */
static void *
room(struct rte_mbuf *m, uint16_t n)
{
	void *p = rte_pktmbuf_append(m, n);

	if (p == NULL)
		abort();
	return p;
}

static uint8_t *
put_l2(struct rte_mbuf *m, const struct rig_flow *f, uint16_t type)
{
	const uint16_t tags[2] = { f->vlan, f->inner_vlan };
	uint8_t *p = room(m, 12);

	memset(p, 0x02, 12);
	p[11] = 1;
	if (f->to != NULL)
		memcpy(p, f->to, 6);
	for (unsigned int i = 0; i < 2; i++) {
		const uint16_t tpid = i == 0 && f->inner_vlan != 0 ? 0x88a8 : 0x8100;

		if (tags[i] == 0)
			continue;
		p = room(m, 4);
		p[0] = (uint8_t)(tpid >> 8);
		p[1] = (uint8_t)tpid;
		p[2] = (uint8_t)(tags[i] >> 8);
		p[3] = (uint8_t)tags[i];
	}
	p = room(m, 2);
	p[0] = (uint8_t)(type >> 8);
	p[1] = (uint8_t)type;
	return p + 2;
}

static void *
put_l3(struct rte_mbuf *m, const struct rig_flow *f, uint8_t proto, uint16_t len)
{
	struct rte_ipv6_hdr *six;
	struct rte_ipv4_hdr *four;

	if (f->v6) {
		six = room(m, sizeof(*six));
		memset(six, 0, sizeof(*six));
		six->vtc_flow = rte_cpu_to_be_32(0x60000000);
		six->payload_len = rte_cpu_to_be_16(len);
		six->proto = proto;
		six->hop_limits = 64;
		six->src_addr[0] = six->dst_addr[0] = 0x20;
		memcpy(six->src_addr + 12, &(uint32_t){ rte_cpu_to_be_32(f->src) }, 4);
		memcpy(six->dst_addr + 12, &(uint32_t){ rte_cpu_to_be_32(f->dst) }, 4);
		return six;
	}
	four = room(m, sizeof(*four));
	*four = (struct rte_ipv4_hdr){ .version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(len + sizeof(*four))),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(f->src),
		.dst_addr = rte_cpu_to_be_32(f->dst) };
	four->hdr_checksum = rte_ipv4_cksum(four);
	return four;
}

struct rte_mbuf *
rig_frame(const struct rig_flow *f)
{
	const uint8_t proto = f->proto == 0 ? IPPROTO_UDP : f->proto;
	const uint16_t head = proto == IPPROTO_TCP ? 20 : 8;
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig_pool);
	struct rte_tcp_hdr *tcp;
	uint16_t sum, at;
	void *l3, *l4;

	assert_non_null(m);
	put_l2(m, f, f->v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	l3 = put_l3(m, f, proto, (uint16_t)(head + f->payload));
	at = m->data_len;
	l4 = room(m, (uint16_t)(head + f->payload));
	memset(l4, 0, head);
	for (uint16_t i = 0; i < f->payload; i++)
		((uint8_t *)l4)[head + i] = (uint8_t)(i * 7 + 1);
	tcp = l4; /* ports are at the same place */
	tcp->src_port = rte_cpu_to_be_16(f->sport);
	tcp->dst_port = rte_cpu_to_be_16(f->dport);
	if (proto == IPPROTO_TCP) {
		tcp->data_off = 0x50;
		tcp->tcp_flags = RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG;
	} else {
		((struct rte_udp_hdr *)l4)->dgram_len =
				rte_cpu_to_be_16((uint16_t)(head + f->payload));
	}
	sum = f->v6 ? rte_ipv6_udptcp_cksum_mbuf(m, l3, at) : rte_ipv4_udptcp_cksum_mbuf(m, l3, at);
	memcpy((uint8_t *)l4 + (proto == IPPROTO_TCP ? 16 : 6), &sum, 2);
	/* A frame on a wire has 60 bytes. */
	if (m->data_len < 60) {
		const uint16_t pad = (uint16_t)(60 - m->data_len);

		memset(room(m, pad), 0, pad);
	}
	return m;
}

uint16_t
rig_send(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return rte_eth_tx_burst(port, queue, m, n);
}

uint16_t
rig_receive(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	uint16_t got = 0;

	for (unsigned int idle = 0; got < n && idle < 100;) {
		const uint16_t k = rte_eth_rx_burst(port, queue, m + got, (uint16_t)(n - got));

		idle = k == 0 ? idle + 1 : 0;
		got = (uint16_t)(got + k);
	}
	return got;
}

void
rig_free(struct rte_mbuf **m, uint16_t n)
{
	rte_pktmbuf_free_bulk(m, n);
}

void
rig_copies(uint16_t port, uint16_t rep, uint32_t ratio)
{
	const struct rte_flow_attr attr = { .transfer = 1 };
	const struct rte_flow_action_ethdev to_vf = { .port_id = rep },
					    to_port = { .port_id = port };
	const struct rte_flow_action copy[] = { { .type = RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT,
								.conf = &to_vf },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_action_sample sample = { .ratio = ratio, .actions = copy };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_SAMPLE,
								   .conf = &sample },
		{ .type = RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR, .conf = &to_port },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	const struct rte_flow_item_ethdev wire = { .port_id = port };
	const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT,
								 .spec = &wire },
		{ .type = RTE_FLOW_ITEM_TYPE_END } };
	struct rte_flow_error error;

	assert_non_null(rte_flow_create(port, &attr, pattern, actions, &error));
}

uint64_t
rig_xstat(uint16_t port, const char *name)
{
	uint64_t id, value = UINT64_MAX;

	assert_int_equal(rte_eth_xstats_get_id_by_name(port, name, &id), 0);
	assert_int_equal(rte_eth_xstats_get_by_id(port, &id, &value, 1), 1);
	return value;
}

bool
rig_sums_ok(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t at = 12;

	while (p[at] == 0x81 || p[at] == 0x88)
		at = (uint16_t)(at + 4);
	at = (uint16_t)(at + 2);
	if (p[at] >> 4 == 6)
		return rte_ipv6_udptcp_cksum_mbuf_verify(
				       m, (const void *)(p + at), (uint16_t)(at + 40)) == 0;
	return rte_raw_cksum(p + at, 20) == 0xffff &&
			rte_ipv4_udptcp_cksum_mbuf_verify(
					m, (const void *)(p + at), (uint16_t)(at + 20)) == 0;
}
