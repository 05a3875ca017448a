/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Offloads of net_hwsim: what descriptors say of received frames, and what is done to sent ones. Sent frames come back
 * through the loop and are checked by librte_net's own sums.
 */
#include "test_hwsim_rig.h"

#include <rte_hash_crc.h>
#include <rte_mbuf_dyn.h>
#include <rte_sctp.h>

#define CKSUM_RX \
	(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | \
			RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define CKSUM_TX \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | \
			RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO | \
			RTE_ETH_TX_OFFLOAD_SCTP_CKSUM | RTE_ETH_TX_OFFLOAD_VLAN_INSERT | \
			RTE_ETH_TX_OFFLOAD_QINQ_INSERT | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)

static struct rte_mbuf *
back(uint16_t port, struct rte_mbuf *m)
{
	assert_int_equal(rte_eth_tx_prepare(port, 0, &m, 1), 1);
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rig_receive(port, 0, &m, 1), 1);
	return m;
}

static void
test_rx_flags(void **state)
{
	const uint16_t port = rig_card(NULL);
	static const struct rig_flow flows[] = { { .src = 1 }, { .src = 1, .proto = IPPROTO_TCP },
		{ .v6 = true }, { .v6 = true, .proto = IPPROTO_TCP, .payload = 100 },
		{ .vlan = 5, .payload = 1 } };
	uint64_t want;
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ .rx_offloads = CKSUM_RX });
	for (unsigned int i = 0; i < RTE_DIM(flows); i++) {
		const struct rig_flow *f = &flows[i];

		m = back(port, rig_frame(f));
		want = f->v6 ? RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN : RTE_MBUF_F_RX_IP_CKSUM_GOOD;
		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK, want);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK,
				RTE_MBUF_F_RX_L4_CKSUM_GOOD);
		assert_int_equal(m->packet_type & RTE_PTYPE_L4_MASK,
				f->proto == IPPROTO_TCP ? RTE_PTYPE_L4_TCP : RTE_PTYPE_L4_UDP);
		assert_int_equal(m->packet_type & RTE_PTYPE_L3_MASK,
				f->v6 ? RTE_PTYPE_L3_IPV6 : RTE_PTYPE_L3_IPV4);
		assert_int_equal(m->packet_type & RTE_PTYPE_L2_MASK,
				f->vlan != 0 ? RTE_PTYPE_L2_ETHER_VLAN : RTE_PTYPE_L2_ETHER);
		rig_free(&m, 1);
		/* A wrong bit in layer 4. */
		m = rig_frame(f);
		rte_pktmbuf_mtod(m, uint8_t *)[f->v6 ? 54 : f->vlan != 0 ? 38 : 34] ^= 1;
		m = back(port, m);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK,
				RTE_MBUF_F_RX_L4_CKSUM_BAD);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK, want);
		rig_free(&m, 1);
		if (f->v6)
			continue;
		/* In the IPv4 header: its time to live, which is not in the pseudo header. */
		m = rig_frame(f);
		rte_pktmbuf_mtod(m, uint8_t *)[f->vlan != 0 ? 26 : 22] ^= 1;
		m = back(port, m);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK,
				RTE_MBUF_F_RX_IP_CKSUM_BAD);
		rig_free(&m, 1);
	}
	rig_remove();
}

/* By a glance and by the parser a frame is of the same type. */
static void
test_types_agree(void **state)
{
	uint32_t types[2][64];
	struct rte_mbuf *m;

	(void)state;
	for (unsigned int way = 0; way < 2; way++) {
		const uint16_t port = rig_card(NULL);

		rig_start(port, &(struct rig_conf){ .rx_offloads = way == 0 ? 0 : CKSUM_RX });
		for (unsigned int i = 0; i < 64; i++) {
			m = rig_frame(&(struct rig_flow){ .v6 = (i & 1) != 0,
					.proto = (i & 2) != 0 ? IPPROTO_TCP : IPPROTO_UDP,
					.vlan = (i & 4) != 0 ? 9 : 0,
					.dport = (i & 8) != 0 ? 4789 : 53,
					.payload = (i & 16) != 0 ? 200 : 0 });
			/* A length that is too short for layer 4. */
			if ((i & 32) != 0)
				rte_pktmbuf_mtod_offset(m, uint8_t *,
						(i & 4) != 0 ? 18 : 14)[(i & 1) != 0 ? 5 : 3] =
						(i & 1) != 0 ? 3 : 23;
			m = back(port, m);
			types[way][i] = m->packet_type;
			rig_free(&m, 1);
		}
		rig_remove();
	}
	assert_memory_equal(types[0], types[1], sizeof(types[0]));
}

static void
test_ptypes(void **state)
{
	const uint16_t port = rig_card(NULL);
	uint32_t ptypes[64];
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ 0 });
	assert_in_range(rte_eth_dev_get_supported_ptypes(port, RTE_PTYPE_ALL_MASK, ptypes, 64), 20,
			64);
	assert_int_equal(rte_eth_dev_set_ptypes(port, RTE_PTYPE_UNKNOWN, NULL, 0), 0);
	m = back(port, rig_frame(&(struct rig_flow){ .src = 1 }));
	assert_int_equal(m->packet_type, 0);
	rig_free(&m, 1);
	rig_remove();
}

/* Lengths and flags of a plain frame whose sums are to be made. */
static void
ask(struct rte_mbuf *m, const struct rig_flow *f)
{
	const bool tcp = f->proto == IPPROTO_TCP;

	m->l2_len = 14;
	m->l3_len = f->v6 ? 40 : 20;
	m->l4_len = tcp ? 20 : 8;
	m->ol_flags |= (f->v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM) |
			(tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM);
	/* Rubbish in the fields that will be filled. */
	if (!f->v6)
		memset(rte_pktmbuf_mtod_offset(m, void *, 24), 0x55, 2);
	memset(rte_pktmbuf_mtod_offset(m, void *, 14 + m->l3_len + (tcp ? 16 : 6)), 0xaa, 2);
}

static void
test_tx_sums(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m;

	(void)state;
	rig_start(port, &(struct rig_conf){ .tx_offloads = CKSUM_TX });
	for (unsigned int i = 0; i < 16; i++) {
		const struct rig_flow f = { .v6 = (i & 1) != 0,
			.proto = (i & 2) != 0 ? IPPROTO_TCP : IPPROTO_UDP,
			.src = 0x01020304,
			.payload = (uint16_t)(40 + i * 51) };

		m = rig_frame(&f);
		ask(m, &f);
		if ((i & 4) != 0) {
			m->ol_flags |= RTE_MBUF_F_TX_VLAN;
			m->vlan_tci = 77;
		}
		m = back(port, m);
		assert_int_equal(m->data_len,
				(f.v6 ? 54 : 34) + ((i & 2) != 0 ? 20 : 8) + f.payload +
						((i & 4) != 0 ? 4 : 0));
		assert_true(rig_sums_ok(m));
		assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK, 0);
		if ((i & 4) != 0)
			assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[15], 77);
		rig_free(&m, 1);
	}
	m = rig_frame(&(struct rig_flow){ .payload = 50 });
	m->ol_flags |= RTE_MBUF_F_TX_QINQ;
	m->vlan_tci = 5;
	m->vlan_tci_outer = 6;
	m = back(port, m);
	assert_int_equal(m->packet_type & RTE_PTYPE_L2_MASK, RTE_PTYPE_L2_ETHER_QINQ);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[15], 6);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[19], 5);
	assert_true(rig_sums_ok(m));
	rig_free(&m, 1);
	rig_remove();
}

/* SCTP: CRC32C, in little endian (RFC 9260, appendix A). */
static void
test_tx_sctp(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_sctp_hdr *sctp;
	struct rte_mbuf *m;
	uint32_t crc, want = UINT32_MAX;

	(void)state;
	rig_start(port,
			&(struct rig_conf){ .tx_offloads = CKSUM_TX,
					.rx_offloads = RTE_ETH_RX_OFFLOAD_SCTP_CKSUM });
	m = rig_frame(&(struct rig_flow){ .proto = IPPROTO_SCTP, .payload = 100 });
	m->l2_len = 14;
	m->l3_len = 20;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_SCTP_CKSUM;
	m = back(port, m);
	assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	sctp = rte_pktmbuf_mtod_offset(m, struct rte_sctp_hdr *, 34);
	crc = rte_le_to_cpu_32(sctp->cksum);
	sctp->cksum = 0;
	for (unsigned int i = 34; i < m->data_len; i++)
		want = rte_hash_crc_1byte(rte_pktmbuf_mtod(m, uint8_t *)[i], want);
	assert_int_equal(crc, ~want);
	rig_free(&m, 1);
	rig_remove();
}

/* A frame that somebody else holds is not written to. */
static void
test_tx_shared(void **state)
{
	const struct rig_flow f = { .src = 3, .proto = IPPROTO_TCP, .payload = 10 };
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m = rig_frame(&f), *got;
	uint8_t before[64];

	(void)state;
	rig_start(port, &(struct rig_conf){ .tx_offloads = CKSUM_TX });
	ask(m, &f);
	m->ol_flags |= RTE_MBUF_F_TX_VLAN;
	memcpy(before, rte_pktmbuf_mtod(m, void *), sizeof(before));
	rte_mbuf_refcnt_update(m, 1);
	got = back(port, m);
	assert_ptr_not_equal(got, m);
	assert_true(rig_sums_ok(got));
	assert_memory_equal(before, rte_pktmbuf_mtod(m, void *), sizeof(before));
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rig_free(&got, 1);
	rig_free(&m, 1);
	rig_remove();
}

/* Payload over `parts` mbufs. */
static struct rte_mbuf *
chain(const struct rig_flow *f, unsigned int parts, uint16_t each)
{
	struct rte_mbuf *m = rig_frame(f);

	for (unsigned int i = 0; i < parts; i++) {
		struct rte_mbuf *more = rte_pktmbuf_alloc(rig_pool);

		assert_non_null(more);
		memset(rte_pktmbuf_append(more, each), (int)(i + 1), each);
		assert_int_equal(rte_pktmbuf_chain(m, more), 0);
	}
	return m;
}

static void
cut_and_check(uint16_t port, bool v6, uint16_t size)
{
	const struct rig_flow f = { .v6 = v6, .proto = IPPROTO_TCP, .payload = 1000 };
	const uint32_t head = v6 ? 74 : 54, total = 1000 + 7 * 1111;
	struct rte_mbuf *m = chain(&f, 7, 1111), *got[64];
	const uint32_t pieces = (total + size - 1) / size;
	uint32_t seq = 0, bytes = 0;
	uint16_t n;

	m->l2_len = 14;
	m->l3_len = v6 ? 40 : 20;
	m->l4_len = 20;
	m->tso_segsz = size;
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM |
			(v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
	assert_int_equal(rte_eth_tx_prepare(port, 0, &m, 1), 1);
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	n = rig_receive(port, 0, got, RTE_DIM(got));
	assert_int_equal(n, pieces);
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(
				got[i], const struct rte_tcp_hdr *, head - 20);

		assert_true(rig_sums_ok(got[i]));
		assert_int_equal(rte_be_to_cpu_32(tcp->sent_seq), seq);
		assert_int_equal((tcp->tcp_flags & RTE_TCP_PSH_FLAG) != 0, i == n - 1);
		for (uint32_t k = 0; k < got[i]->pkt_len - head; k++, bytes++) {
			uint8_t is;

			memcpy(&is, rte_pktmbuf_read(got[i], head + k, 1, &is), 1);
			assert_int_equal(is,
					bytes < 1000 ? (uint8_t)(bytes * 7 + 1)
						     : (bytes - 1000) / 1111 + 1);
		}
		seq += got[i]->pkt_len - head;
	}
	assert_int_equal(bytes, total);
	rig_free(got, n);
}

static void
test_tso(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m;

	(void)state;
	rig_start(port,
			&(struct rig_conf){ .tx_offloads = CKSUM_TX,
					.rx_offloads = RTE_ETH_RX_OFFLOAD_SCATTER });
	cut_and_check(port, false, 1400);
	cut_and_check(port, true, 1400);
	cut_and_check(port, false, 333);
	/* Nonsense is dropped and counted. */
	m = rig_frame(&(struct rig_flow){ .proto = IPPROTO_TCP, .payload = 100 });
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	m = rig_frame(&(struct rig_flow){ .proto = IPPROTO_TCP, .payload = 100 });
	m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 127;
	m->l3_len = 511;
	assert_int_equal(rig_send(port, 0, &m, 1), 1);
	assert_int_equal(rig_receive(port, 0, &m, 1), 0);
	assert_int_equal(rig_xstat(port, "tx_q0_errors"), 2);
	rig_remove();
}

/* Frames in pieces go through the loop whole. */
static void
test_segments(void **state)
{
	const uint16_t port = rig_card(NULL);
	struct rte_mbuf *m;
	uint32_t len;

	(void)state;
	rig_start(port,
			&(struct rig_conf){ .tx_offloads = CKSUM_TX,
					.rx_offloads = RTE_ETH_RX_OFFLOAD_SCATTER });
	m = chain(&(struct rig_flow){ .payload = 3 }, 3, 400);
	len = m->pkt_len;
	m = back(port, m);
	assert_int_equal(m->pkt_len, len);
	rig_free(&m, 1);
	rig_remove();
}

static void
test_hash_and_time(void **state)
{
	const uint16_t port = rig_card(NULL);
	uint64_t clock[2], flag, at;
	struct rte_mbuf *m;
	int offset;

	(void)state;
	rig_start(port,
			&(struct rig_conf){ .rss_hf = RTE_ETH_RSS_IP,
					.rx_offloads = RTE_ETH_RX_OFFLOAD_RSS_HASH |
							RTE_ETH_RX_OFFLOAD_TIMESTAMP });
	assert_int_equal(rte_mbuf_dyn_rx_timestamp_register(&offset, &flag), 0);
	assert_int_equal(rte_eth_read_clock(port, &clock[0]), 0);
	/* Microsoft's vector for IPv4 without ports. */
	m = back(port, rig_frame(&(struct rig_flow){ .src = 0x420995bb, .dst = 0xa18e6450 }));
	assert_true((m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0);
	assert_int_equal(m->hash.rss, 0x323e8fc2);
	assert_true((m->ol_flags & flag) != 0);
	at = *RTE_MBUF_DYNFIELD(m, offset, rte_mbuf_timestamp_t *);
	assert_int_equal(rte_eth_read_clock(port, &clock[1]), 0);
	assert_in_range(at, clock[0], clock[1]);
	rig_free(&m, 1);
	rig_remove();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rx_flags),
		cmocka_unit_test(test_types_agree),
		cmocka_unit_test(test_ptypes),
		cmocka_unit_test(test_tx_sums),
		cmocka_unit_test(test_tx_sctp),
		cmocka_unit_test(test_tx_shared),
		cmocka_unit_test(test_tso),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_hash_and_time),
	};

	return cmocka_run_group_tests_name("hwsim_offload", tests, rig_init, rig_fini);
}
