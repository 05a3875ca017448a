/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link types of captures: every packet that holds IP becomes an Ethernet frame, so that replay has
 * one kind of packet. Called by replay on the control lcore. Reads at most caplen bytes, copies
 * none of the packet.
 *
 * Link types are https://www.tcpdump.org/linktypes.html.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <pcap/pcap.h>
#include <rte_ether.h>

#include "capture.h"

#define LINK_NULL 0
#define LINK_ETHERNET 1
#define LINK_PPP 9
#define LINK_RAW_BSD \
	12 /* DLT_RAW of most systems, and of OpenBSD below: never assigned, but found in files */
#define LINK_RAW_OPENBSD 14
#define LINK_PPP_HDLC 50
#define LINK_RAW 101
#define LINK_LOOP 108
#define LINK_LINUX_SLL 113
#define LINK_PPI 192
#define LINK_IPV4 228
#define LINK_IPV6 229
#define LINK_LINUX_SLL2 276

#define TYPE_NONE 0 /* no EtherType: the payload cannot travel in a frame */

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)(p[3] << 8 | p[2]) << 16 | (uint32_t)(p[1] << 8 | p[0]);
}

/* Take n bytes of link layer header off. */
static bool
skip(struct capture_frame *f, uint32_t n)
{
	if (f->caplen < n)
		return false;
	f->data += n;
	f->caplen -= n;
	f->len -= n;
	return true;
}

/* The version nibble says it; what is neither goes as IPv4, whose parser says what is wrong. */
static uint16_t
type_of_ip(const struct capture_frame *f)
{
	if (f->caplen > 0 && f->data[0] >> 4 == 6)
		return RTE_ETHER_TYPE_IPV6;
	return RTE_ETHER_TYPE_IPV4;
}

/* BSD loopback: an AF_* value, whose number for IPv6 is each system's own. */
static uint16_t
type_of_af(uint32_t af)
{
	switch (af) {
	case 2:
		return RTE_ETHER_TYPE_IPV4;
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* macOS */
		return RTE_ETHER_TYPE_IPV6;
	default:
		return TYPE_NONE;
	}
}

static int
from_null(uint32_t linktype, struct capture_frame *f, uint16_t *type)
{
	uint32_t af;

	if (f->caplen < 4)
		return -EBADMSG;
	af = be32(f->data);
	/* NULL has it in the byte order of the machine that captured, LOOP in network order. */
	if (linktype == LINK_NULL && af > UINT16_MAX)
		af = le32(f->data);
	*type = type_of_af(af);
	skip(f, 4);
	return 0;
}

/*
 * RFC 1661, RFC 1662: address, control and the protocol's first byte may be compressed away. RFC
 * 1547 4.3.1: Cisco.
 */
static int
from_ppp(struct capture_frame *f, uint16_t *type)
{
	uint16_t protocol;

	if (f->caplen >= 4 && (f->data[0] == 0x0f || f->data[0] == 0x8f) && f->data[1] == 0) {
		*type = be16(f->data + 2);
		skip(f, 4);
		return 0;
	}
	if (f->caplen >= 2 && f->data[0] == 0xff && f->data[1] == 0x03)
		skip(f, 2);
	if (f->caplen < 1)
		return -EBADMSG;
	if (f->data[0] & 1) {
		protocol = f->data[0];
		skip(f, 1);
	} else {
		if (f->caplen < 2)
			return -EBADMSG;
		protocol = be16(f->data);
		skip(f, 2);
	}
	if (protocol == 0x0021)
		*type = RTE_ETHER_TYPE_IPV4;
	else if (protocol == 0x0057)
		*type = RTE_ETHER_TYPE_IPV6;
	else
		*type = TYPE_NONE;
	return 0;
}

/* Linux "cooked" captures: the EtherType is at one end of a fixed header or at the other. */
static int
from_cooked(struct capture_frame *f, uint32_t type_offset, uint32_t header, uint16_t *type)
{
	if (f->caplen < header)
		return -EBADMSG;
	*type = be16(f->data + type_offset);
	skip(f, header);
	return 0;
}

/*
 * Per-packet information: its header says its length and the link type of what follows. Only
 * Ethernet is taken.
 */
static int
from_ppi(struct capture_frame *f)
{
	uint32_t linktype, len;

	if (f->caplen < 8)
		return -EBADMSG;
	len = (uint32_t)(f->data[3] << 8 | f->data[2]);
	linktype = le32(f->data + 4);
	if (linktype != LINK_ETHERNET)
		return -ENOTSUP;
	return len >= 8 && skip(f, len) ? 0 : -EBADMSG;
}

static int
find_type(uint32_t linktype, struct capture_frame *f, uint16_t *type)
{
	switch (linktype) {
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
		*type = type_of_ip(f);
		return 0;
	case LINK_IPV4:
		*type = RTE_ETHER_TYPE_IPV4;
		return 0;
	case LINK_IPV6:
		*type = RTE_ETHER_TYPE_IPV6;
		return 0;
	case LINK_NULL:
	case LINK_LOOP:
		return from_null(linktype, f, type);
	case LINK_PPP:
	case LINK_PPP_HDLC:
		return from_ppp(f, type);
	case LINK_LINUX_SLL:
		return from_cooked(f, 14, 16, type);
	case LINK_LINUX_SLL2:
		return from_cooked(f, 0, 20, type);
	default:
		return -ENOTSUP;
	}
}

int
capture_to_ethernet(uint32_t linktype, const struct capture_packet *p, struct capture_frame *out)
{
	static const struct rte_ether_addr dst = { { 2, 0, 0, 0, 0, 2 } },
					   src = { { 2, 0, 0, 0, 0, 1 } };
	uint16_t type = TYPE_NONE;
	int rc;

	*out = (struct capture_frame){ .data = p->data, .caplen = p->caplen, .len = p->len };
	if (linktype == LINK_ETHERNET)
		return 0;
	if (linktype == LINK_PPI)
		return from_ppi(out);
	rc = find_type(linktype, out, &type);
	if (rc != 0)
		return rc;
	/* Below 0x600 it is a length or Linux' own number (ETH_P_802_2, ...), no protocol. */
	if (type < 0x600)
		return -ENOTSUP;
	memcpy(out->header, &dst, sizeof(dst));
	memcpy(out->header + 6, &src, sizeof(src));
	out->header[12] = (uint8_t)(type >> 8);
	out->header[13] = (uint8_t)type;
	out->header_len = sizeof(out->header);
	return 0;
}

const char *
capture_linktype_name(uint32_t linktype, char buf[32])
{
	const char *name = NULL;

	/* libpcap names DLT_ values: the same numbers but for raw IP. */
	if (linktype <= INT_MAX)
		name = pcap_datalink_val_to_name(linktype == LINK_RAW ? DLT_RAW : (int)linktype);
	if (name != NULL)
		snprintf(buf, 32, "%s", name);
	else
		snprintf(buf, 32, "link type %u", linktype);
	return buf;
}
