/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Integrity of a packet: lengths and checksums of both levels, for rules that match them (struct rte_flow_item_integrity).
 * Called by the parser when it is asked to. Sums the whole packet, so only then.
 */
#include "sim_priv.h"

struct checked {
	const uint8_t *data;
	uint32_t len, frame_len;
	const struct sim_phv *phv;
	const struct sim_offsets *off;
};

static uint32_t
check_l3(const struct checked *c, uint32_t level)
{
	const uint8_t *h = c->data + c->off->l3[level];
	const uint32_t end = sim_l3_end(c->phv, c->off, level);
	uint32_t header = 40;
	uint32_t bits = 0;

	if (c->phv->layers[level] & SIM_L_IPV4) {
		header = (h[0] & 15u) * 4;
		if (header >= 20 && c->off->l3[level] + header <= c->len &&
				sim_csum(h, header) == 0xffff)
			bits |= SIM_I_IPV4_CSUM_OK | SIM_I_L3_OK;
	} else {
		bits |= SIM_I_L3_OK;
	}
	if (header >= 20 && end >= c->off->l3[level] + header && end <= c->frame_len)
		bits |= SIM_I_L3_LEN_OK;
	else
		bits &= ~(uint32_t)SIM_I_L3_OK;
	return bits;
}

/* A checksum with a pseudo header. */
static bool
summed_ok(const struct checked *c, uint32_t level, uint8_t proto, uint32_t n)
{
	const uint16_t pseudo = sim_csum_pseudo(c->phv, level, proto, n);

	return sim_csum_fold((uint64_t)pseudo + sim_csum(c->data + c->off->l4[level], n)) == 0xffff;
}

/* RFC 9260, 6.8: over the packet with 0 in the place of the checksum, which lies in it with its low byte first. */
static bool
sctp_ok(const uint8_t *h, uint32_t n)
{
	uint32_t crc = sim_crc32c(UINT32_MAX, h, 8);
	uint32_t wire = h[8] | (uint32_t)h[9] << 8 | (uint32_t)h[10] << 16 | (uint32_t)h[11] << 24;

	crc = sim_crc32c_zeros(crc, 4);
	return ~sim_crc32c(crc, h + 12, n - 12) == wire;
}

/* RFC 768: no checksum is 0, over IPv4; over IPv6 tunnels may (RFC 6935). */
static bool
udp_ok(const struct checked *c, uint32_t level, uint32_t n)
{
	const uint32_t tunnels = SIM_L_VXLAN | SIM_L_GENEVE | SIM_L_GTPU;
	const uint8_t *h = c->data + c->off->l4[level];

	if (sim_get16(h + 6) == 0)
		return (c->phv->layers[level] & (SIM_L_IPV4 | tunnels)) != 0;
	return summed_ok(c, level, SIM_PROTO_UDP, n);
}

static uint32_t
check_l4(const struct checked *c, uint32_t level)
{
	const uint32_t layers = c->phv->layers[level];
	const uint8_t *h = c->data + c->off->l4[level];
	const uint32_t end = sim_l3_end(c->phv, c->off, level);
	bool len_ok = true;
	bool sum_ok;
	uint32_t n;

	/* The parser found the fixed header within `end`, so n is not negative; it must be all in view. */
	if (end > c->len)
		return 0;
	n = end - c->off->l4[level];
	if (layers & SIM_L_TCP) {
		len_ok = h[12] >> 4 >= 5 && (h[12] >> 4) * 4u <= n;
		sum_ok = summed_ok(c, level, SIM_PROTO_TCP, n);
	} else if (layers & SIM_L_UDP) {
		len_ok = sim_get16(h + 4) >= 8 && sim_get16(h + 4) <= n;
		sum_ok = len_ok && udp_ok(c, level, sim_get16(h + 4));
	} else if (layers & SIM_L_SCTP) {
		sum_ok = sctp_ok(h, n);
	} else if (layers & SIM_L_ICMP) {
		sum_ok = sim_csum(h, n) == 0xffff;
	} else {
		sum_ok = summed_ok(c, level, SIM_PROTO_ICMP6, n);
	}
	return (sum_ok ? SIM_I_L4_CSUM_OK : 0) | (sum_ok && len_ok ? SIM_I_L4_OK : 0);
}

static uint8_t
check_level(const struct checked *c, uint32_t level)
{
	const uint32_t layers = c->phv->layers[level];
	bool ok = true;
	uint32_t bits = 0;

	if (layers == 0)
		return 0;
	if (layers & SIM_L_ETH)
		bits |= SIM_I_L2_OK | SIM_I_L2_CRC_OK;
	if (layers & SIM_L_IP) {
		bits |= check_l3(c, level);
		ok = (bits & SIM_I_L3_OK) != 0;
	}
	if ((layers & SIM_L_SUMMED) && !(layers & SIM_L_FRAG)) {
		bits |= check_l4(c, level);
		ok = ok && (bits & SIM_I_L4_OK);
	}
	return (uint8_t)(bits | (ok ? SIM_I_PACKET_OK : 0));
}

void
sim_parse_check(const uint8_t *data, uint16_t len, uint32_t frame_len, struct sim_phv *phv,
		const struct sim_offsets *off)
{
	const struct checked c = { data, len, frame_len, phv, off };

	for (uint32_t level = 0; level < 2; level++)
		phv->integrity[level] = check_level(&c, level);
}
