/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of hwsim/core: numbers in network order, and checksums, for the parser, the actions and the units that look into
 * packets.
 */
#ifndef SIM_PRIV_H
#define SIM_PRIV_H

#include <errno.h>
#include <string.h>

#include "hwsim/core/phv.h"

static inline uint16_t
sim_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
sim_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline void
sim_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Host order of a 16-bit number that was read as it lies in memory. */
static inline uint16_t
sim_get16_of(uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	return v;
}

/* Numbers of protocols, where more than one file asks for them. */
enum sim_proto {
	SIM_PROTO_ICMP = 1,
	SIM_PROTO_IPIP = 4,
	SIM_PROTO_TCP = 6,
	SIM_PROTO_UDP = 17,
	SIM_PROTO_IPV6 = 41,
	SIM_PROTO_GRE = 47,
	SIM_PROTO_ESP = 50,
	SIM_PROTO_ICMP6 = 58,
	SIM_PROTO_NONE = 59, /* IPv6: nothing follows */
	SIM_PROTO_SCTP = 132,
};
enum sim_ethertype {
	SIM_TYPE_IPV4 = 0x0800,
	SIM_TYPE_ARP = 0x0806,
	SIM_TYPE_TEB = 0x6558, /* Ethernet inside of GRE or GENEVE */
	SIM_TYPE_VLAN = 0x8100,
	SIM_TYPE_IPV6 = 0x86dd,
	SIM_TYPE_QINQ = 0x88a8,
	SIM_TYPE_QINQ1 = 0x9100,
};
enum sim_port { SIM_PORT_GTPU = 2152, SIM_PORT_VXLAN = 4789, SIM_PORT_GENEVE = 6081 };

/* Everything of layer 4 that has a checksum. */
#define SIM_L_SUMMED (SIM_L_TCP | SIM_L_UDP | SIM_L_SCTP | SIM_L_ICMP | SIM_L_ICMP6)
#define SIM_L_IP (SIM_L_IPV4 | SIM_L_IPV6)

static inline bool
sim_is_tpid(uint16_t type)
{
	return type == SIM_TYPE_VLAN || type == SIM_TYPE_QINQ || type == SIM_TYPE_QINQ1;
}

/* Where the packet of a level's IP header ends by its own length; may be beyond the frame. */
static inline uint32_t
sim_l3_end(const struct sim_phv *phv, const struct sim_offsets *off, uint32_t level)
{
	const uint8_t *ip = phv->level[level].ip;

	return off->l3[level] +
			(phv->layers[level] & SIM_L_IPV4 ? sim_get16(ip + SIM_IP4_AT + 2)
							 : 40u + sim_get16(ip + 4));
}

/* Ones' complement sums, not inverted, as numbers in host order. */
uint16_t
sim_csum_fold(uint64_t sum);
uint16_t
sim_csum(const uint8_t *p, uint32_t n);
uint16_t
sim_csum_pseudo(const struct sim_phv *phv, uint32_t level, uint8_t proto, uint32_t len);

/* CRC32C without its first and last inversion; the second: of n bytes of 0. */
uint32_t
sim_crc32c(uint32_t crc, const uint8_t *p, uint32_t n);
uint32_t
sim_crc32c_zeros(uint32_t crc, uint32_t n);

/* parse_check.c: the integrity bits of a parsed packet. */
void
sim_parse_check(const uint8_t *data, uint16_t len, uint32_t frame_len, struct sim_phv *phv,
		const struct sim_offsets *off);

#endif /* SIM_PRIV_H */
