/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transport headers: is it all there, where does its payload begin, what are its ports. What is
 * broken here is `invalid` to connection tracking, which also judges flags and states. Workers and
 * control; only reads.
 */
#include "parse.h"

#include "parse_priv.h"

#include <rte_icmp.h>
#include <rte_tcp.h>

/*
 * Shortest header, of which `skip` bytes come before the payload. Protocols that are not here have
 * no header in view: they are tracked by their addresses, whatever they carry, as nf_conntrack
 * does.
 */
static const struct transport {
	uint8_t header;
	uint8_t skip;
	uint8_t too_short; /* enum drop_reason */
} transports[256] = {
	[IPPROTO_TCP] = { 20, 20, DROP_TCP_SHORT },
	[IPPROTO_UDP] = { 8, 8, DROP_UDP_SHORT },
	[IPPROTO_UDPLITE] = { 8, 8, DROP_UDP_SHORT },
	[IPPROTO_SCTP] = { 16, 12, DROP_SCTP_SHORT }, /* a packet without a chunk says nothing */
	[IPPROTO_GRE] = { 4, 4, DROP_GRE_SHORT },
};
static const struct transport icmp = { 8, 8, DROP_ICMP_SHORT };

/* TCP flags that open or close: the fast path leaves them alone. */
#define TCP_CONTROL (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)

static enum drop_reason
parse_tcp(struct parse *p, const uint8_t *h, uint32_t avail)
{
	struct pkt_info *info = p->info;
	uint32_t len = (h[12] >> 4) * 4u;

	if (len < sizeof(struct rte_tcp_hdr) || len > avail)
		return DROP_TCP_OFFSET;
	info->payload_off = (uint16_t)(info->l4_off + len);
	info->tcp_flags = h[13];
	if (info->tcp_flags & TCP_CONTROL)
		info->flags |= PKT_F_CONTROL;
	return DROP_NONE;
}

/* RFC 768. Over IPv6 the checksum is not optional (RFC 8200 8.1), but for tunnels (RFC 6935). */
static enum drop_reason
parse_udp(const struct parse *p, const uint8_t *h, uint32_t avail)
{
	const struct pkt_info *info = p->info;
	uint32_t len = parse_be16(h + 4);

	if (len < 8 || (len > avail && (info->flags & PKT_F_FRAG) == 0))
		return DROP_UDP_LENGTH;
	if (info->family == 6 && parse_be16(h + 6) == 0 && !parse_is_tunnel_port(parse_be16(h + 2)))
		return DROP_UDP_CHECKSUM;
	return DROP_NONE;
}

/* RFC 3828 3.1: the length says how much the checksum covers, and there must be one. */
static enum drop_reason
parse_udplite(const struct parse *p, const uint8_t *h, uint32_t avail)
{
	uint32_t covered = parse_be16(h + 4);

	if (covered != 0 &&
			(covered < 8 || (covered > avail && (p->info->flags & PKT_F_FRAG) == 0)))
		return DROP_UDP_LENGTH;
	return parse_be16(h + 6) == 0 ? DROP_UDP_CHECKSUM : DROP_NONE;
}

/* SCTP chunks that the connection's tracker must see, by their types (RFC 9260 3.2). */
#define SCTP_CONTROL_TYPES 0x4ff6u /* 1, 2, 4 to 11, 14 */
#define SCTP_CHUNKS_MAX 1024	   /* more than any sender has use for */

/* Every chunk is all there (RFC 9260 3.2), and is there one that changes the association? */
static enum drop_reason
parse_sctp(struct parse *p, const uint8_t *h, uint32_t avail)
{
	struct pkt_info *info = p->info;
	uint32_t off = 12, n = 0, len;
	uint8_t buf[4];
	bool control = false;

	if (parse_be16(h + 14) < 4)
		return DROP_SCTP_SHORT;
	info->flags |= PKT_F_CONTROL; /* pipeline.c: run_tagged() */
	if (info->flags & PKT_F_FRAG)
		return DROP_NONE;
	for (; off < avail; off += RTE_ALIGN_CEIL(len, 4u)) {
		h = parse_read(p, info->l4_off + off, sizeof(buf), buf);
		len = h == NULL ? 0 : parse_be16(h + 2);
		if (len < 4 || len > avail - off || n++ == SCTP_CHUNKS_MAX)
			return DROP_SCTP_CHUNK;
		control |= h[0] < 16 && (SCTP_CONTROL_TYPES >> h[0] & 1) != 0;
	}
	info->tcp_flags = control ? 0 : PKT_SCTP_DATA;
	return DROP_NONE;
}

/*
 * RFC 4340 5.1: long sequence numbers but in Data, Ack and DataAck, where they are optional; the header is at least that of
 * its type, the checksum covers the header and no more than there is (9.2). What does not look like that, down to the bits
 * that senders leave zero, is no DCCP: it has no ports, and is tracked by its addresses, as Linux does with all of it.
 */
static void
parse_dccp(struct parse *p, uint32_t avail)
{
	/* Behind the generic header, by type. */
	static const uint8_t rest[] = { 4, 12, 0, 8, 8, 8, 8, 12, 8, 8 };
	struct pkt_info *info = p->info;
	uint8_t buf[12], type, cover;
	const uint8_t *h = parse_read(p, info->l4_off, sizeof(buf), buf);
	uint32_t len, least;
	bool extended, data;

	if (h == NULL || (h[8] & 0xe0) != 0 || (parse_be16(h) | parse_be16(h + 2)) == 0)
		return;
	type = h[8] >> 1 & 15;
	cover = h[5] & 15;
	extended = h[8] & 1;
	data = type >= 2 && type <= 4;
	len = h[4] * 4u;
	if (type >= RTE_DIM(rest) || (extended ? h[9] != 0 : !data))
		return;
	least = (extended ? 16u : 12u) + (extended || type == 2 ? rest[type] : 4u);
	if (len < least || len > avail)
		return;
	if (cover > 1 && (info->flags & PKT_F_FRAG) == 0 && len + (cover - 1) * 4u > avail)
		return;
	info->payload_off = (uint16_t)(info->l4_off + len);
	info->tcp_flags = (uint8_t)(PKT_DCCP | type);
	if (!data)
		info->flags |= PKT_F_CONTROL;
}

/* Where the key lies in a GRE header, RFC 2890 2 (checksum, RFC 2784; routing, RFC 1701, makes room for one too). */
static uint32_t
gre_key_at(const uint8_t *h)
{
	if ((h[0] & 0x20) == 0 || (h[1] & 7) != 0)
		return 0; /* no key; or another version, whose header is its own */
	return h[0] & 0xc0 ? 8 : 4;
}

static enum drop_reason
parse_gre(struct parse *p, const uint8_t *h, uint32_t avail)
{
	struct pkt_info *info = p->info;
	uint32_t len = 4;

	if ((h[1] & 7) == 0)
		len += (h[0] & 0xc0 ? 4 : 0) + (h[0] & 0x20 ? 4 : 0) + (h[0] & 0x10 ? 4 : 0);
	if (len > avail)
		return DROP_GRE_SHORT;
	info->payload_off = (uint16_t)(info->l4_off + len);
	return DROP_NONE;
}

static void
parse_icmp(struct parse *p, const uint8_t *h)
{
	p->icmp_type = h[0];
	if (parse_icmp_is_error(p->info->family, h[0]))
		p->info->flags |= PKT_F_ICMP_ERROR | PKT_F_CONTROL;
}

enum drop_reason
parse_l4(struct parse *p)
{
	struct pkt_info *info = p->info;
	const struct transport *t = parse_is_icmp(info) ? &icmp : &transports[info->proto];
	uint32_t avail = p->end - info->l4_off;
	uint8_t buf[20];
	const uint8_t *h;

	if (info->proto == IPPROTO_DCCP)
		parse_dccp(p, avail);
	if (t->header == 0)
		return DROP_NONE;
	h = parse_read(p, info->l4_off, t->header, buf);
	if (h == NULL)
		return t->too_short;
	info->payload_off = (uint16_t)(info->l4_off + t->skip);
	switch (info->proto) {
	case IPPROTO_TCP:
		return parse_tcp(p, h, avail);
	case IPPROTO_UDP:
		return parse_udp(p, h, avail);
	case IPPROTO_UDPLITE:
		return parse_udplite(p, h, avail);
	case IPPROTO_SCTP:
		return parse_sctp(p, h, avail);
	case IPPROTO_GRE:
		return parse_gre(p, h, avail);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		parse_icmp(p, h);
		return DROP_NONE;
	default:
		return DROP_NONE;
	}
}

/* A GRE key, where ports would be. False: it ought to be there, and is not (a quoted packet that is cut). */
static bool
read_gre_key(const struct parse *p, struct flow_key *key)
{
	uint8_t buf[4];
	const uint8_t *h = parse_read(p, p->info->l4_off, 4, buf);
	uint32_t at = h == NULL ? 0 : gre_key_at(h);

	if (at == 0)
		return h != NULL;
	h = parse_read(p, p->info->l4_off + at, 4, buf);
	if (h == NULL)
		return false;
	memcpy(&key->sport, h, sizeof(key->sport));
	memcpy(&key->dport, h + 2, sizeof(key->dport));
	return true;
}

/* Ports as flow.h describes them; 0 where the protocol has none. */
static bool
read_ports(const struct parse *p, struct flow_key *key)
{
	uint8_t buf[6];
	const uint8_t *h;

	if (parse_is_icmp(p->info)) {
		h = parse_read(p, p->info->l4_off, 6, buf);
		if (h == NULL)
			return false;
		memcpy(&key->dport, h, sizeof(key->dport));
		memcpy(&key->sport, h + 4, sizeof(key->sport));
		return true;
	}
	if (key->proto == IPPROTO_GRE)
		return read_gre_key(p, key);
	if (flow_proto_pseudo(key->proto)) {
		flow_key_set_id(key, FLOW_PROTO_RAW, key->proto);
		return true;
	}
	if (!flow_has_ports(key->proto) ||
			(key->proto == IPPROTO_DCCP && (p->info->tcp_flags & PKT_DCCP) == 0))
		return true;
	h = parse_read(p, p->info->l4_off, 4, buf);
	if (h == NULL)
		return false;
	memcpy(&key->sport, h, sizeof(key->sport));
	memcpy(&key->dport, h + 2, sizeof(key->dport));
	return true;
}

bool
parse_tuple(const struct rte_mbuf *m, const struct pkt_info *info, uint16_t zone,
		struct flow_tuple *tuple)
{
	const bool v6 = info->family == 6;
	const uint32_t size = v6 ? 16 : 4;
	struct pkt_info copy = *info;
	const struct parse p = { .m = m, .info = &copy, .end = info->l3_off + info->l3_len };
	uint8_t buf[32];
	const uint8_t *addr;

	memset(tuple, 0, sizeof(*tuple));
	if (info->family == 0 || info->l4_off == 0)
		return false;
	addr = parse_read(&p, info->l3_off + (v6 ? 8 : 12), 2 * size, buf);
	if (addr == NULL)
		return false;
	memcpy(tuple->src.b, addr, size);
	memcpy(tuple->dst.b, addr + size, size);
	tuple->key.family = info->family;
	tuple->key.proto = info->proto;
	tuple->key.zone = zone;
	if (!read_ports(&p, &tuple->key))
		return false;
	flow_tuple_seal(tuple);
	return true;
}
