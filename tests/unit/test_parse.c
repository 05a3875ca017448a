/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser, a row a malformation: take a good frame, damage it, and see the flags and the reason,
 * each in one piece and in segments of every small size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "test_parse.h"

/* Parameters of a row, and what to do with its frame. */
#define ANY 0x01u	  /* forward_multicast */
#define PROMISC 0x02u	  /* promiscuous */
#define VERIFY 0x04u	  /* verify_l4 */
#define KEEP_IP_SUM 0x08u /* leave the IPv4 header checksum wrong */
#define SEAL_L4 0x10u	  /* the transport checksum right again (no insertions) */
#define NO_KEY 0x20u	  /* neither flag says so: key.family is 0 nevertheless */

struct row {
	const char *name;
	enum frame_kind kind;
	struct {
		uint16_t at;
		uint16_t len;
		const char *bytes;
	} insert;
	struct {
		uint16_t at;
		uint16_t len;
		const char *bytes;
	} set[3];
	int grow;      /* bytes of the frame more (padding) or less (cut) */
	uint16_t what; /* ANY, ... */
	uint16_t flags;
	enum drop_reason reason;
};

#define S(bytes) sizeof(bytes) - 1, bytes
#define DROP(r) .flags = PKT_F_DROP, .reason = DROP_##r
#define INVALID(r) .flags = PKT_F_INVALID | PKT_F_CONTROL, .reason = DROP_##r
#define OPTS (PKT_F_OPTIONS | PKT_F_CONTROL)
#define FRAG1 (PKT_F_FRAG | PKT_F_FRAG_FIRST | PKT_F_CONTROL)
#define FRAG2 (PKT_F_FRAG | PKT_F_CONTROL)
#define GOOD PKT_F_L4_CSUM_GOOD
#define BAD(r) \
	.what = VERIFY, .flags = PKT_F_INVALID | PKT_F_CONTROL | PKT_F_L4_CSUM_BAD, \
	.reason = DROP_##r

/* Length and coverage; type and X. */
#define DCCP(words, type) OTHER4, .set = { { 23, S("\x21") }, { 38, S(words) }, { 42, S(type) } }

/* clang-format off */
static const struct row rows[] = {
	/* good */
	{ "arp", ARP, .flags = PKT_F_ARP | PKT_F_CONTROL },
	{ "tcp4", TCP4 }, { "udp4", UDP4 }, { "lite4", LITE4 }, { "sctp4", SCTP4, .flags = PKT_F_CONTROL }, { "echo4", ECHO4 },
	{ "gre4", GRE4 }, { "other4", OTHER4 }, { "tcp6", TCP6 }, { "udp6", UDP6 }, { "lite6", LITE6 },
	{ "sctp6", SCTP6, .flags = PKT_F_CONTROL }, { "echo6", ECHO6 }, { "other6", OTHER6 },
	{ "error4", UNREACH4, .flags = PKT_F_ICMP_ERROR | PKT_F_CONTROL },
	{ "error6", UNREACH6, .flags = PKT_F_ICMP_ERROR | PKT_F_CONTROL },
	{ "nd", NS6, .flags = PKT_F_ND | PKT_F_CONTROL },
	{ "padding", UDP4, .grow = 18 }, { "padding6", TCP6, .grow = 3 },
	{ "syn", TCP4, .set = { { 47, S("\x02") } }, .flags = PKT_F_CONTROL },
	{ "fin6", TCP6, .set = { { 67, S("\x11") } }, .flags = PKT_F_CONTROL },
	{ "rst", TCP4, .set = { { 47, S("\x04") } }, .flags = PKT_F_CONTROL },
	{ "null scan is not ours to judge", TCP4, .set = { { 47, S("\0") } } },
	{ "reserved fragment bit", TCP4, .set = { { 20, S("\x80") } } },
	{ "do not fragment", TCP4, .set = { { 20, S("\x40") } } },
	{ "ttl 1", TCP4, .set = { { 22, S("\x01") } }, .flags = PKT_F_TTL | PKT_F_CONTROL },
	{ "ttl 0", UDP4, .set = { { 22, S("\0") } }, .flags = PKT_F_TTL | PKT_F_CONTROL },
	{ "hop limit 1", UDP6, .set = { { 21, S("\x01") } }, .flags = PKT_F_TTL | PKT_F_CONTROL },

	/* link layer */
	{ "ethernet cut", TCP4, .grow = -57, DROP(ETH_SHORT) },
	{ "ethernet nearly cut", TCP4, .grow = -56, DROP(IP4_SHORT) },
	{ "empty frame", TCP4, .grow = -70, DROP(ETH_SHORT) },
	{ "other station", TCP4, .set = { { 5, S("\x07") } }, DROP(ETH_NOT_OURS) },
	{ "other station, promiscuous", TCP4, .set = { { 5, S("\x07") } }, .what = PROMISC },
	{ "broadcast arp", ARP, .set = { { 0, S("\xff\xff\xff\xff\xff\xff") } }, .flags = PKT_F_ARP | PKT_F_CONTROL },
	{ "broadcast unicast", TCP4, .set = { { 0, S("\xff\xff\xff\xff\xff\xff") } }, DROP(IP_MULTICAST) },
	{ "broadcast unicast, promiscuous", TCP4, .set = { { 0, S("\xff\xff\xff\xff\xff\xff") } }, .what = PROMISC, DROP(IP_MULTICAST) },
	{ "broadcast unicast, any", TCP4, .set = { { 0, S("\xff\xff\xff\xff\xff\xff") } }, .what = ANY },
	{ "broadcast unicast 6", TCP6, .set = { { 0, S("\x33\x33\0\0\0\x01") } }, DROP(IP_MULTICAST) },
	{ "802.3 length", TCP4, .set = { { 12, S("\x00\x38") } }, DROP(ETH_TYPE) },
	{ "mpls", TCP4, .set = { { 12, S("\x88\x47") } }, DROP(ETH_TYPE) },
	{ "vlan cut", TCP4, .set = { { 12, S("\x81\x00") } }, .grow = -53, DROP(ETH_SHORT) },

	/* IPv4 */
	{ "ip4 cut", TCP4, .grow = -37, DROP(IP4_SHORT) },
	{ "version 5", TCP4, .set = { { 14, S("\x55") } }, DROP(IP4_VERSION) },
	{ "version 6 in ip4", TCP4, .set = { { 14, S("\x65") } }, DROP(IP4_VERSION) },
	{ "ihl 4", TCP4, .set = { { 14, S("\x44") } }, DROP(IP4_IHL) },
	{ "ihl 0", TCP4, .set = { { 14, S("\x40") } }, DROP(IP4_IHL) },
	{ "ihl beyond the frame", TCP4, .set = { { 14, S("\x4f") } }, .grow = -16, .what = KEEP_IP_SUM, DROP(IP4_IHL) },
	{ "total below header", TCP4, .set = { { 16, S("\0\x13") } }, DROP(IP4_LENGTH) },
	{ "total 0", TCP4, .set = { { 16, S("\0\0") } }, DROP(IP4_LENGTH) },
	{ "total beyond frame", TCP4, .grow = -1, DROP(IP4_LENGTH) },
	{ "total 65535", TCP4, .set = { { 16, S("\xff\xff") } }, DROP(IP4_LENGTH) },
	{ "checksum", TCP4, .set = { { 24, S("\x12\x34") } }, .what = KEEP_IP_SUM, DROP(IP4_CHECKSUM) },
	{ "ttl changed", UDP4, .set = { { 22, S("\x3f") } }, .what = KEEP_IP_SUM, DROP(IP4_CHECKSUM) },
	{ "router alert", TCP4, { 34, S("\x94\x04\0\0") }, .set = { { 14, S("\x46") } }, .flags = OPTS },
	{ "nops and end", UDP4, { 34, S("\1\1\1\0\xff\xff\xff\xff") }, .set = { { 14, S("\x47") } }, .flags = OPTS },
	{ "option length 0", UDP4, { 34, S("\x94\x00\0\0") }, .set = { { 14, S("\x46") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP4_OPTION },
	{ "option length 1", UDP4, { 34, S("\x94\x01\0\0") }, .set = { { 14, S("\x46") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP4_OPTION },
	{ "option past header", UDP4, { 34, S("\x94\x05\0\0") }, .set = { { 14, S("\x46") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP4_OPTION },
	{ "option without length", UDP4, { 34, S("\1\1\1\x94") }, .set = { { 14, S("\x46") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP4_OPTION },
	{ "loose source route", UDP4, { 34, S("\x01\x83\x03\x04") }, .set = { { 14, S("\x46") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP4_SOURCE_ROUTE },
	{ "strict source route", UDP4, { 34, S("\x89\x03\x04\0") }, .set = { { 14, S("\x46") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP4_SOURCE_ROUTE },

	/* IPv4 addresses */
	{ "from 0.0.0.0", UDP4, .set = { { 26, S("\0\0\0\0") } }, DROP(IP_SOURCE) },
	{ "from 0.0.0.0, any", UDP4, .set = { { 26, S("\0\0\0\0") } }, .what = ANY },
	{ "from loopback", TCP4, .set = { { 26, S("\x7f\0\0\1") } }, DROP(IP_SOURCE) },
	{ "from multicast", UDP4, .set = { { 26, S("\xe0\0\0\1") } }, DROP(IP_SOURCE) },
	{ "from broadcast", UDP4, .set = { { 26, S("\xff\xff\xff\xff") } }, DROP(IP_SOURCE) },
	{ "to 0.0.0.0", UDP4, .set = { { 30, S("\0\0\0\0") } }, DROP(IP_DESTINATION) },
	{ "to loopback", TCP4, .set = { { 30, S("\x7f\xff\0\1") } }, DROP(IP_DESTINATION) },
	{ "to loopback, any", TCP4, .set = { { 30, S("\x7f\xff\0\1") } }, .what = ANY, DROP(IP_DESTINATION) },
	{ "to class E", TCP4, .set = { { 30, S("\xf0\0\0\1") } }, DROP(IP_DESTINATION) },
	{ "to multicast", UDP4, .set = { { 30, S("\xef\1\2\3") } }, .flags = PKT_F_DROP | PKT_F_MULTICAST, .reason = DROP_IP_MULTICAST },
	{ "to multicast, any", UDP4, .set = { { 30, S("\xef\1\2\3") } }, .what = ANY, .flags = PKT_F_MULTICAST },
	{ "dhcp", UDP4, .set = { { 26, S("\0\0\0\0\xff\xff\xff\xff") } }, .flags = PKT_F_DROP | PKT_F_MULTICAST, .reason = DROP_IP_MULTICAST },
	{ "dhcp, any", UDP4, .set = { { 0, S("\xff\xff\xff\xff\xff\xff") }, { 26, S("\0\0\0\0\xff\xff\xff\xff") } }, .what = ANY, .flags = PKT_F_MULTICAST },
	{ "from 1, to 223", UDP4, .set = { { 26, S("\1\0\0\1\xdf\xff\xff\xff") } } },
	{ "from 126, to 128", UDP4, .set = { { 26, S("\x7e\0\0\1\x80\0\0\1") } } },

	/* IPv4 fragments */
	{ "first fragment", UDP4, .set = { { 20, S("\x20\0") } }, .flags = FRAG1 },
	{ "last fragment", UDP4, .set = { { 20, S("\0\x10") } }, .flags = FRAG2 },
	{ "fragment not of 8", TCP4, .set = { { 20, S("\x20\0") } }, .flags = FRAG1 | PKT_F_DROP, .reason = DROP_FRAG_LENGTH },
	{ "ping of death", UDP4, .set = { { 20, S("\x1f\xff") } }, .flags = FRAG2 | PKT_F_DROP, .reason = DROP_FRAG_LENGTH },
	{ "empty fragment", UDP4, .set = { { 16, S("\0\x14") }, { 20, S("\x20\0") } }, .flags = FRAG1 | PKT_F_DROP, .reason = DROP_FRAG_LENGTH },
	{ "tiny fragment", TCP4, .set = { { 16, S("\0\x24") }, { 20, S("\x20\0") } }, .flags = FRAG1 | PKT_F_DROP, .reason = DROP_FRAG_TINY },
	{ "tcp fragment at 8", TCP4, .set = { { 20, S("\0\1") } }, .flags = FRAG2 | PKT_F_DROP, .reason = DROP_FRAG_TINY },
	{ "udp length of the whole", UDP4, .set = { { 20, S("\x20\0") }, { 38, S("\x10\0") } }, .flags = FRAG1 },

	/* IPv6 */
	{ "ip6 cut", TCP6, .grow = -37, DROP(IP6_SHORT) },
	{ "version 4 in ip6", TCP6, .set = { { 14, S("\x45") } }, DROP(IP6_VERSION) },
	{ "payload beyond frame", TCP6, .grow = -1, DROP(IP6_LENGTH) },
	{ "payload 65535", TCP6, .set = { { 18, S("\xff\xff") } }, DROP(IP6_LENGTH) },
	{ "hop-by-hop", TCP6, { 54, S("\x06\0\1\4\0\0\0\0") }, .set = { { 20, S("\0") } }, .flags = OPTS },
	{ "three headers", UDP6, { 54, S("\x3c\0\1\4\0\0\0\0\x2b\0\1\4\0\0\0\0\x11\0\4\0\0\0\0\0") }, .set = { { 20, S("\0") } }, .flags = OPTS },
	{ "authenticated", UDP6, { 54, S("\x11\4\0\0\0\0\0\1\0\0\0\1\1\2\3\4\5\6\7\x8\x9\xa\xb\xc") }, .set = { { 20, S("\x33") } }, .flags = OPTS },
	{ "hop-by-hop second", TCP6, { 54, S("\0\0\1\4\0\0\0\0\x06\0\1\4\0\0\0\0") }, .set = { { 20, S("\x3c") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP6_EXT_ORDER },
	{ "type 0 routing", TCP6, { 54, S("\x06\0\0\0\0\0\0\0") }, .set = { { 20, S("\x2b") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP6_ROUTING0 },
	{ "extension past end", TCP6, { 54, S("\x06\xff\1\4\0\0\0\0") }, .set = { { 20, S("\x3c") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP6_EXT_SHORT },
	{ "extension cut", TCP6, .set = { { 18, S("\0\7") }, { 20, S("\x3c") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP6_EXT_SHORT },
	{ "jumbogram", TCP6, { 54, S("\x06\0\xc2\4\0\1\0\0") }, .set = { { 18, S("\0\0") }, { 20, S("\0") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP6_EXT_SHORT },
	{ "eight extensions", UDP6, { 54, S("\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0") }, .set = { { 20, S("\x3c") } }, .flags = OPTS },
	{ "nine extensions", UDP6, { 54, S("\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0") }, .set = { { 20, S("\x3c") } }, .flags = OPTS | PKT_F_DROP, .reason = DROP_IP6_EXT_COUNT },
	{ "no next header", OTHER6, .set = { { 20, S("\x3b") } } },
	{ "first fragment 6", UDP6, { 54, S("\x11\0\0\1\0\0\0\7") }, .set = { { 20, S("\x2c") } }, .flags = FRAG1 | OPTS },
	{ "last fragment 6", UDP6, { 54, S("\x11\0\0\x10\0\0\0\7") }, .set = { { 20, S("\x2c") } }, .flags = FRAG2 | OPTS },
	{ "atomic fragment", UDP6, { 54, S("\x11\0\0\0\0\0\0\7") }, .set = { { 20, S("\x2c") } }, .flags = OPTS },
	{ "fragment 6 not of 8", TCP6, { 54, S("\x06\0\0\1\0\0\0\7") }, .set = { { 20, S("\x2c") } }, .flags = FRAG1 | OPTS | PKT_F_DROP, .reason = DROP_FRAG_LENGTH },
	{ "fragment 6 beyond", UDP6, { 54, S("\x11\0\xff\xf8\0\0\0\7") }, .set = { { 20, S("\x2c") } }, .flags = FRAG2 | OPTS | PKT_F_DROP, .reason = DROP_FRAG_LENGTH },
	{ "tiny fragment 6", TCP6, { 54, S("\x06\0\0\1\0\0\0\7") }, .set = { { 18, S("\0\x10") }, { 20, S("\x2c") } }, .flags = FRAG1 | OPTS | PKT_F_DROP, .reason = DROP_FRAG_TINY },
	{ "nd, hop limit 254", NS6, .set = { { 21, S("\xfe") } }, DROP(ND_BAD) },
	{ "nd in an atomic fragment", NS6, { 54, S("\x3a\0\0\0\0\0\0\7") }, .set = { { 20, S("\x2c") } }, .flags = OPTS | PKT_F_ND },
	{ "nd in a fragment", NS6, { 54, S("\x3a\0\0\1\0\0\0\7") }, .set = { { 20, S("\x2c") } }, .flags = FRAG1 | OPTS | PKT_F_DROP, .reason = DROP_ND_BAD },

	/* IPv6 addresses */
	{ "from ::", UDP6, .set = { { 22, S("\0\0\0\0") } , { 37, S("\0") } }, DROP(IP_SOURCE) },
	{ "from ::1", UDP6, .set = { { 22, S("\0\0\0\0") } }, DROP(IP_SOURCE) },
	{ "from ::1, any", UDP6, .set = { { 22, S("\0\0\0\0") } }, .what = ANY },
	{ "from ::2", UDP6, .set = { { 22, S("\0\0\0\0") }, { 37, S("\2") } } },
	{ "from multicast 6", UDP6, .set = { { 22, S("\xff\x02") } }, DROP(IP_SOURCE) },
	{ "dad", NS6, .set = { { 22, S("\0\0\0\0") }, { 37, S("\0\xff\x02") } }, .flags = PKT_F_ND | PKT_F_CONTROL | PKT_F_MULTICAST },
	{ "to ::", UDP6, .set = { { 38, S("\0\0\0\0\0\0") }, { 53, S("\0") } }, DROP(IP_DESTINATION) },
	{ "to ::1", UDP6, .set = { { 38, S("\0\0\0\0\0\0") }, { 53, S("\1") } }, DROP(IP_DESTINATION) },
	{ "to multicast 6", UDP6, .set = { { 38, S("\xff\x0e") } }, .flags = PKT_F_DROP | PKT_F_MULTICAST, .reason = DROP_IP_MULTICAST },
	{ "to multicast 6, any", UDP6, .set = { { 38, S("\xff\x0e") } }, .what = ANY, .flags = PKT_F_MULTICAST },
	{ "from link-local", UDP6, .set = { { 22, S("\xfe\x80") } }, DROP(IP_LINK_LOCAL) },
	{ "to link-local", ECHO6, .set = { { 38, S("\xfe\x80") } }, .flags = PKT_F_CONTROL },
	{ "on the link", ECHO6, .set = { { 22, S("\xfe\xbf") }, { 38, S("\xfe\x80") } }, .flags = PKT_F_CONTROL },
	{ "link-local, any", UDP6, .set = { { 22, S("\xfe\x80") }, { 38, S("\xfe\x80") } }, .what = ANY },
	{ "from fec0", UDP6, .set = { { 22, S("\xfe\xc0") } } },
	{ "from fd00", UDP6, .set = { { 22, S("\xfd\x00") } } },

	/* transport */
	{ "tcp cut", TCP4, .set = { { 16, S("\0\x27") } }, INVALID(TCP_SHORT) },
	{ "tcp cut, in the frame too", TCP4, .set = { { 16, S("\0\x15") } }, .grow = -35, INVALID(TCP_SHORT) },
	{ "tcp cut to nothing", TCP6, .set = { { 18, S("\0\0") } }, INVALID(TCP_SHORT) },
	{ "tcp offset 4", TCP4, .set = { { 46, S("\x40") } }, INVALID(TCP_OFFSET) },
	{ "tcp offset 15", TCP4, .set = { { 46, S("\xf0") } }, INVALID(TCP_OFFSET) },
	{ "tcp offset to the end", TCP4, .set = { { 46, S("\x90") } } },
	{ "tcp offset 6 over 15", TCP6, .set = { { 66, S("\xf0") } }, INVALID(TCP_OFFSET) },
	{ "tcp offset in padding", TCP4, .set = { { 46, S("\xf0") } }, .grow = 40, INVALID(TCP_OFFSET) },
	{ "udp cut", UDP4, .set = { { 16, S("\0\x1b") } }, INVALID(UDP_SHORT) },
	{ "udp length 7", UDP4, .set = { { 38, S("\0\7") } }, INVALID(UDP_LENGTH) },
	{ "udp length 0", UDP6, .set = { { 58, S("\0\0") } }, INVALID(UDP_LENGTH) },
	{ "udp length beyond", UDP4, .set = { { 38, S("\0\x19") } }, INVALID(UDP_LENGTH) },
	{ "udp length in padding", UDP4, .set = { { 38, S("\0\x19") } }, .grow = 20, INVALID(UDP_LENGTH) },
	{ "udp length below", UDP4, .set = { { 38, S("\0\x9") } } },
	{ "udp without checksum", UDP4, .set = { { 40, S("\0\0") } } },
	{ "udp6 without checksum", UDP6, .set = { { 60, S("\0\0") } }, INVALID(UDP_CHECKSUM) },
	{ "vxlan over 6 without", UDP6, .set = { { 56, S("\x12\xb5") }, { 60, S("\0\0") } } },
	{ "lite coverage 7", LITE4, .set = { { 38, S("\0\7") } }, INVALID(UDP_LENGTH) },
	{ "lite coverage beyond", LITE6, .set = { { 58, S("\0\x19") } }, INVALID(UDP_LENGTH) },
	{ "lite coverage 0", LITE4, .set = { { 38, S("\0\0") } } },
	{ "lite without checksum", LITE4, .set = { { 40, S("\0\0") } }, INVALID(UDP_CHECKSUM) },
	{ "icmp cut", ECHO4, .set = { { 16, S("\0\x17") } }, INVALID(ICMP_SHORT) },
	{ "icmp6 cut", ECHO6, .set = { { 18, S("\0\x7") } }, INVALID(ICMP_SHORT) },
	{ "icmp of unknown type", ECHO4, .set = { { 34, S("\x63") } } },
	{ "redirect", ECHO4, .set = { { 34, S("\x05") } }, .flags = PKT_F_ICMP_ERROR | PKT_F_CONTROL },
	{ "packet too big", ECHO6, .set = { { 54, S("\x02") } }, .flags = PKT_F_ICMP_ERROR | PKT_F_CONTROL },
	{ "sctp cut", SCTP4, .set = { { 16, S("\0\x23") } }, INVALID(SCTP_SHORT) },
	{ "sctp chunk of 3", SCTP4, .set = { { 48, S("\0\3") } }, INVALID(SCTP_SHORT) },
	{ "gre cut", GRE4, .set = { { 16, S("\0\x17") } }, INVALID(GRE_SHORT) },
	{ "gre of version 4", GRE4, .set = { { 34, S("\x20\x04") } } },
	{ "esp cut", OTHER4, .set = { { 23, S("\x32") }, { 16, S("\0\x1b") } } },
	{ "ah cut", OTHER4, .set = { { 23, S("\x33") }, { 16, S("\0\x1f") } } },
	{ "sctp chunk beyond", SCTP4, .set = { { 48, S("\0\x15") } }, INVALID(SCTP_CHUNK) },
	{ "sctp second chunk cut", SCTP4, .set = { { 48, S("\0\x11") } }, .grow = 0, .flags = PKT_F_CONTROL },
	{ "sctp second chunk of 0", SCTP4, .set = { { 48, S("\0\x8") }, { 54, S("\0\0\0\0") } }, INVALID(SCTP_CHUNK) },
	{ "sctp two chunks", SCTP4, .set = { { 48, S("\0\x5") }, { 54, S("\x01\0\0\x0c") } }, .flags = PKT_F_CONTROL },
	{ "sctp crumbs", SCTP4, .set = { { 48, S("\0\x10") }, { 62, S("\0\0\0\3") } }, INVALID(SCTP_CHUNK) },
	{ "gre key cut", GRE4, .set = { { 34, S("\x20") }, { 16, S("\0\x1b") } }, INVALID(GRE_SHORT) },
	{ "gre sum, key, sequence", GRE4, .set = { { 34, S("\xb0") } } },
	{ "gre sum, key, sequence cut", GRE4, .set = { { 34, S("\xb0") }, { 16, S("\0\x23") } }, INVALID(GRE_SHORT) },
	{ "dccp data", DCCP("\3\0", "\4") },
	{ "dccp data, long numbers", DCCP("\4\0", "\5") },
	{ "dccp of 14 words", DCCP("\x0e\0", "\4") },
	{ "dccp of 2 words", DCCP("\2\0", "\4") },
	{ "dccp ack without numbers", DCCP("\3\0", "\6") },
	{ "dccp ack", DCCP("\4\0", "\6") },
	{ "dccp short request", DCCP("\4\0", "\0") },
	{ "dccp request without room", DCCP("\4\0", "\1") },
	{ "dccp of type 10", DCCP("\4\0", "\x15") },
	{ "dccp covers all", DCCP("\3\2", "\4") },
	{ "dccp covers more", DCCP("\3\3", "\4") },
	{ "dccp cut", OTHER4, .set = { { 23, S("\x21") }, { 16, S("\0\x1f") } } },
	{ "nothing in it", OTHER4, .set = { { 16, S("\0\x14") } } },

	/* checksums */
	{ "tcp4 sum", TCP4, .what = VERIFY, .flags = GOOD }, { "tcp6 sum", TCP6, .what = VERIFY, .flags = GOOD },
	{ "udp4 sum", UDP4, .what = VERIFY, .flags = GOOD }, { "udp6 sum", UDP6, .what = VERIFY, .flags = GOOD },
	{ "lite4 sum", LITE4, .what = VERIFY, .flags = GOOD }, { "lite6 sum", LITE6, .what = VERIFY, .flags = GOOD },
	{ "sctp4 sum", SCTP4, .what = VERIFY, .flags = GOOD | PKT_F_CONTROL },
	{ "sctp6 sum", SCTP6, .what = VERIFY, .flags = GOOD | PKT_F_CONTROL },
	{ "echo4 sum", ECHO4, .what = VERIFY, .flags = GOOD }, { "echo6 sum", ECHO6, .what = VERIFY, .flags = GOOD },
	{ "gre has none", GRE4, .what = VERIFY }, { "padding is not summed", UDP4, .grow = 5, .what = VERIFY, .flags = GOOD },
	{ "udp none", UDP4, .set = { { 40, S("\0\0") } }, .what = VERIFY, .flags = GOOD },
	{ "error4 sum", UNREACH4, .what = VERIFY, .flags = GOOD | PKT_F_ICMP_ERROR | PKT_F_CONTROL },
	{ "tcp4 bad", TCP4, .set = { { 69, S("\x01") } }, BAD(TCP_CHECKSUM) },
	{ "tcp6 bad", TCP6, .set = { { 23, S("\x02") } }, BAD(TCP_CHECKSUM) },
	{ "udp4 bad", UDP4, .set = { { 57, S("\x01") } }, BAD(UDP_CHECKSUM) },
	{ "udp6 bad", UDP6, .set = { { 54, S("\x31") } }, BAD(UDP_CHECKSUM) },
	{ "lite4 bad", LITE4, .set = { { 57, S("\x01") } }, BAD(UDP_CHECKSUM) },
	{ "sctp4 bad", SCTP4, .set = { { 42, S("\x01") } }, BAD(SCTP_CHECKSUM) },
	{ "echo4 bad", ECHO4, .set = { { 41, S("\x02") } }, BAD(ICMP_CHECKSUM) },
	{ "echo6 bad", ECHO6, .set = { { 61, S("\x02") } }, BAD(ICMP_CHECKSUM) },
};
/* clang-format on */

static void
build(const struct row *r, struct frame *f)
{
	frame_make(f, r->kind);
	if (r->insert.len > 0)
		frame_insert(f, r->insert.at, r->insert.bytes, r->insert.len);
	for (unsigned int i = 0; i < RTE_DIM(r->set); i++) {
		if (r->set[i].len > 0)
			memcpy(f->b + r->set[i].at, r->set[i].bytes, r->set[i].len);
	}
	f->len = (uint32_t)((int)f->len + r->grow);
	if (f->b[12] == 0x08 && f->b[13] == 0x00 && (r->what & KEEP_IP_SUM) == 0)
		frame_seal_ip4(f, IP_OFF);
}

static void
check_row(const struct row *r, const struct pkt_info *info, const struct flow_key *key)
{
	const uint16_t keyless = PKT_F_DROP | PKT_F_INVALID | PKT_F_ARP | PKT_F_ND | PKT_F_FRAG |
			PKT_F_ICMP_ERROR;

	assert_int_equal(info->reason, r->reason);
	assert_int_equal(info->flags, r->flags);
	if (info->flags & keyless)
		assert_int_equal(key->w[0] | key->w[1], 0);
	else
		assert_int_equal(key->family, info->family);
	assert_true(info->flags & PKT_F_DROP ||
			(info->l3_off + info->l3_len <= UINT16_MAX &&
					info->payload_off <= info->l3_off + info->l3_len));
}

static void
test_rows(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct row *r = &rows[i];
		const struct parse_params pp = {
			.mac = TEST_MAC,
			.zone = 5,
			.forward_multicast = (r->what & ANY) != 0,
			.promiscuous = (r->what & PROMISC) != 0,
			.sum = cksum_sum_best(),
			.verify_l4 = (r->what & VERIFY) != 0,
		};
		struct frame f;

		build(r, &f);
		print_message("%s\n", r->name);
		for (uint16_t cut = 0; cut < 80; cut++) {
			/* Whole; then a first segment of every size; small odd ones. */
			const uint16_t first[] = { cut, 0 }, pieces[] = { cut, 7, 1, 9, 0 };
			struct rte_mbuf *m[] = { mbuf_make(&f, first), mbuf_make(&f, pieces) };

			for (unsigned int k = 0; k < RTE_DIM(m); k++) {
				struct pkt_info info;
				struct flow_key key;

				parse_one(m[k], &pp, &info, &key);
				check_row(r, &info, &key);
				if (parse_plain(m[k], &pp, &info, &key))
					check_row(r, &info, &key);
				mbuf_free(m[k]);
			}
		}
	}
}

/* RFC 2890: where the key lies, by the flags before it; not in other versions (PPTP's header is its own). */
static void
test_gre_keys(void **state)
{
	static const struct {
		uint8_t flags, version;
		uint16_t at; /* of the key in the frame; 0: none */
	} heads[] = { { 0, 0, 0 }, { 0x20, 0, 38 }, { 0xa0, 0, 42 }, { 0x60, 0, 42 },
		{ 0xb0, 0, 42 }, { 0x10, 0, 0 }, { 0x80, 0, 0 }, { 0x30, 1, 0 },
		{ 0x20, 0x80, 38 } };
	const struct parse_params pp = { .mac = TEST_MAC };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(heads); i++) {
		struct flow_tuple tuple, answer;
		struct pkt_info info;
		struct flow_key key;
		struct rte_mbuf *m;
		uint8_t want[4] = { 0 };
		struct frame f;

		frame_make(&f, GRE4);
		f.b[34] = heads[i].flags;
		f.b[35] = heads[i].version;
		m = mbuf_make(&f, NULL);
		parse_one(m, &pp, &info, &key);
		assert_int_equal(info.flags, 0);
		if (heads[i].at != 0)
			memcpy(want, f.b + heads[i].at, 4);
		assert_memory_equal(&key.sport, want, 4);
		/* Both directions carry it as it is. */
		assert_true(parse_tuple(m, &info, 0, &tuple));
		assert_true(flow_tuple_reply(&tuple, &answer));
		assert_memory_equal(&answer.key.sport, want, 4);
		assert_int_equal(answer.key.src, tuple.key.dst);
		mbuf_free(m);
	}
}

/* Has a DCCP packet of 16 bytes ports, by its length, its coverage, and type and X? */
static void
test_dccp(void **state)
{
	static const struct {
		uint8_t words, cover, type, zero, flags; /* flags 0: it is none */
	} heads[] = { { 3, 0, 4, 0, PKT_DCCP | 2 }, { 3, 2, 4, 0, PKT_DCCP | 2 },
		{ 4, 0, 5, 0, PKT_DCCP | 2 }, { 4, 0, 6, 0, PKT_DCCP | 3 },
		{ 4, 0, 8, 0, PKT_DCCP | 4 }, { 3, 3, 4, 0, 0 }, { 14, 0, 4, 0, 0 },
		{ 2, 0, 4, 0, 0 }, { 3, 0, 6, 0, 0 }, { 4, 0, 0, 0, 0 }, { 4, 0, 1, 0, 0 },
		{ 4, 0, 0x15, 0, 0 }, { 3, 0, 0x24, 0, 0 }, { 4, 0, 5, 1, 0 } };
	const struct parse_params pp = { .mac = TEST_MAC };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(heads); i++) {
		struct pkt_info info;
		struct flow_key key;
		struct rte_mbuf *m;
		struct frame f;

		frame_make(&f, OTHER4);
		f.b[23] = IPPROTO_DCCP;
		f.b[38] = heads[i].words;
		f.b[39] = heads[i].cover;
		f.b[42] = heads[i].type;
		f.b[43] = heads[i].zero;
		frame_seal_ip4(&f, IP_OFF);
		m = mbuf_make(&f, NULL);
		parse_one(m, &pp, &info, &key);
		assert_int_equal(info.flags, 0);
		assert_int_equal(info.tcp_flags, heads[i].flags);
		assert_int_equal((key.sport | key.dport) != 0, heads[i].flags != 0);
		mbuf_free(m);
	}
}

/* Every type of chunk, first and second: is it one that the tracker must see? */
static void
test_sctp_chunks(void **state)
{
	static const uint8_t seen[] = { 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 14 };
	const struct parse_params pp = { .mac = TEST_MAC };

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		const bool control = memchr(seen, (int)type, sizeof(seen)) != NULL;

		for (unsigned int at = 46; at <= 54; at += 8) {
			struct pkt_info info;
			struct flow_key key;
			struct rte_mbuf *m;
			struct frame f;

			frame_make(&f, SCTP4);
			memcpy(f.b + 46, "\0\0\0\x8", 4);
			memcpy(f.b + 54, "\0\0\0\xc", 4);
			f.b[at] = (uint8_t)type;
			m = mbuf_make(&f, NULL);
			parse_one(m, &pp, &info, &key);
			assert_int_equal(info.flags, PKT_F_CONTROL);
			assert_int_equal(info.tcp_flags, control ? 0 : PKT_SCTP_DATA);
			mbuf_free(m);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_gre_keys),
		cmocka_unit_test(test_sctp_chunks),
		cmocka_unit_test(test_dccp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
