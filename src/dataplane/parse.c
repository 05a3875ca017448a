/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * First stage of the fast path: parse a burst. parse_frame() below takes the plain packet
 * (untagged, to us, no options, no fragment, TCP or UDP, every length and the header checksum
 * right) and nothing else; what it does not take goes to the complete parser, parse_one(), which
 * gives the same answer for every packet (tested) and all others. Worker lcores. Must not allocate,
 * log or wait.
 */
#include "parse.h"

#include "parse_priv.h"

#include <rte_ip.h>
#include <rte_prefetch.h>
#include <rte_tcp.h>

/* Packets: far enough that the line has arrived, near enough that it is still there. */
#define PREFETCH_AHEAD 4

#define TCP_CONTROL (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)

/* What parse_frame() needs of the parameters, in the form that it needs it; made once a burst. */
struct fast_params {
	uint64_t station;	/* first 8 bytes of a frame to us */
	uint64_t station_mask;	/* those of them that must match */
	struct flow_key key[2]; /* family and zone, by v6 */
	uint32_t seed;		/* of CRC32C */
};

static struct fast_params
fast_params(const struct parse_params *pp)
{
	/*
	 * Promiscuous: any station. But a group address never: what it may carry is for parse_one()
	 * to say.
	 */
	static const struct rte_ether_addr group = { { RTE_ETHER_GROUP_ADDR } };
	static const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct fast_params f = {
		.key = { { .family = 4, .zone = pp->zone }, { .family = 6, .zone = pp->zone } },
		.seed = pp->hasher.seed,
	};

	if (!pp->promiscuous)
		memcpy(&f.station, &pp->mac, sizeof(pp->mac));
	memcpy(&f.station_mask, pp->promiscuous ? &group : &all, sizeof(all));
	return f;
}

static __rte_always_inline uint64_t
load64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static __rte_always_inline uint32_t
load32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static __rte_always_inline uint32_t
load_be16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return rte_be_to_cpu_16(v);
}

/* IPv4 header of 20 bytes: is its checksum wrong? */
static __rte_always_inline bool
ip4_sum_wrong(const uint8_t *h)
{
	uint64_t a = load64(h), b = load64(h + 8);
	uint64_t sum = (a >> 32) + (uint32_t)a + (b >> 32) + (uint32_t)b + load32(h + 16);

	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	return (uint16_t)(sum + (sum >> 16)) != 0xffff;
}

/*
 * First octets whose addresses need a closer look: 0, 127, 224 and up; ::/8, fe80::/10, ff00::/8
 * and what lies between.
 */
static __rte_always_inline uint32_t
is_special(uint8_t first, const bool v6)
{
	return v6 ? (uint8_t)(first - 1) >= 0xfd : ((uint8_t)(first - 1) >= 223) | (first == 127);
}

/*
 * Two fields that share a word of the key. Written one by one they would be waited for when the
 * hash reads the word (stores of 4 bytes do not forward to a load of 8): 40 cycles a packet of
 * IPv6 instead of 26.
 */
static __rte_always_inline uint64_t
join32(uint32_t first, uint32_t second)
{
	const bool little = RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN;

	return little ? (uint64_t)second << 32 | first : (uint64_t)first << 32 | second;
}

/* `crc`: CRC32C makes the digests; else they are left out here and made for the whole burst later. */
static __rte_always_inline struct flow_key
make_key(const uint8_t *ip, const uint8_t *l4, const struct fast_params *f, const bool v6,
		const bool crc)
{
	static const struct flow_key ip4_mask = { .proto = 0xff, .src = UINT32_MAX };
	struct flow_key key = f->key[v6];

	if (v6) {
		/* The protocol is the key's second byte. */
		key.w[0] |= join32(rte_cpu_to_be_32((uint32_t)ip[6] << 16),
				crc ? flow_digest6(ip + 8, f->seed) : 0);
		key.w[1] = join32(crc ? flow_digest6(ip + 24, f->seed) : 0, load32(l4));
	} else {
		key.w[0] |= load64(ip + 8) & ip4_mask.w[0];
		key.w[1] = load64(ip + 16);
	}
	return key;
}

/*
 * The plain packet, of which 8 transport bytes are known to be in the first segment. Everything
 * that can be wrong is collected in `odd`, because a branch that hardly ever goes the other way
 * costs less than ten that hardly ever do.
 */
static __rte_always_inline bool
parse_frame(const struct rte_mbuf *m, const struct fast_params *f, const bool v6, const bool crc,
		struct pkt_info *info, struct flow_key *key)
{
	const uint32_t ip_len = v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	const uint8_t *eth = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *ip = eth + RTE_ETHER_HDR_LEN, *l4 = ip + ip_len;
	const uint64_t ol = m->ol_flags;
	const uint8_t proto = v6 ? ip[6] : ip[9];
	const uint32_t tcp = proto == IPPROTO_TCP, udp = proto == IPPROTO_UDP;
	const uint32_t l4_min = tcp ? sizeof(struct rte_tcp_hdr) : 8;
	const uint32_t total = v6 ? ip_len + load_be16(ip + 4) : load_be16(ip + 2);
	uint32_t odd, word, l4_len;

	odd = ((load64(eth) ^ f->station) & f->station_mask) != 0;
	odd |= (ol & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED)) != 0;
	odd |= v6 ? ip[0] >> 4 != 6 : ip[0] != 0x45;
	odd |= (tcp | udp) == 0;
	odd |= (v6 ? ip[7] : ip[8]) <= 1;
	odd |= !v6 && (load_be16(ip + 6) & 0x3fff) != 0;
	odd |= is_special(ip[v6 ? 8 : 12], v6) | is_special(ip[v6 ? 24 : 16], v6);
	/* Of a frame beyond 65,535 bytes 16 bits are too little, which is the safe side. */
	odd |= (total < ip_len + l4_min) | (RTE_ETHER_HDR_LEN + total > (uint16_t)m->pkt_len);
	odd |= m->data_len < RTE_ETHER_HDR_LEN + ip_len + l4_min;
	odd |= (ol & (PARSE_RX_L4_INTACT | PARSE_RX_L4_BAD)) == PARSE_RX_L4_BAD;
	if (unlikely(odd != 0))
		return false;

	word = load_be16(l4 + (tcp ? 12 : 4)); /* data offset and flags, or UDP length */
	l4_len = tcp ? word >> 12 << 2 : 8;
	odd = (l4_len < l4_min) | (l4_len > total - ip_len);
	odd |= udp & ((word < 8) | (word > total - ip_len) | (v6 && load_be16(l4 + 6) == 0));
	if (!v6 && (ol & PARSE_RX_IP_INTACT) == 0)
		odd |= ip4_sum_wrong(ip);
	if (unlikely(odd != 0))
		return false;

	*info = (struct pkt_info){
		.l3_off = RTE_ETHER_HDR_LEN,
		.l4_off = (uint16_t)(RTE_ETHER_HDR_LEN + ip_len),
		.l3_len = (uint16_t)total,
		.payload_off = (uint16_t)(RTE_ETHER_HDR_LEN + ip_len + l4_len),
		.flags = (tcp && (word & TCP_CONTROL) != 0 ? PKT_F_CONTROL : 0) |
				((ol & PARSE_RX_L4_INTACT) != 0 ? PKT_F_L4_CSUM_GOOD : 0),
		.family = v6 ? 6 : 4,
		.proto = proto,
		.tcp_flags = tcp ? (uint8_t)word : 0,
	};
	*key = make_key(ip, l4, f, v6, crc);
	return true;
}

static __rte_always_inline bool
parse_fast(const struct rte_mbuf *m, const struct fast_params *f, const bool crc,
		struct pkt_info *info, struct flow_key *key)
{
	const uint32_t ip4_min = RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr) + 8;
	const uint32_t ip6_min = RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv6_hdr) + 8;
	uint32_t type;

	if (unlikely(m->data_len < ip4_min))
		return false;
	type = load_be16(rte_pktmbuf_mtod_offset(m, const uint8_t *, 2 * RTE_ETHER_ADDR_LEN));
	if (likely(type == RTE_ETHER_TYPE_IPV4))
		return parse_frame(m, f, false, crc, info, key);
	return type == RTE_ETHER_TYPE_IPV6 && m->data_len >= ip6_min &&
			parse_frame(m, f, true, crc, info, key);
}

/*
 * Stages behind this one rewrite headers in place, so these must lie in the first segment. Receive
 * buffers hold any header that is meant well; a frame that is too long to be joined and has its
 * headers this far back is not.
 */
static void
join_headers(struct rte_mbuf *m, struct pkt_info *info, struct flow_key *key)
{
	const uint32_t end = info->l3_off + info->l3_len;
	const uint32_t base = info->l4_off != 0 ? info->l4_off : info->l3_off;
	uint32_t need = RTE_MIN(info->payload_off, base + 60);

	if (info->flags & (PKT_F_ARP | PKT_F_ND | PKT_F_ICMP_ERROR))
		need = end;
	/* The tracker reads chunks wherever they are. */
	if (info->proto == IPPROTO_SCTP && !(info->tcp_flags & PKT_SCTP_DATA))
		need = end;
	if (likely(m->data_len >= need) || (info->flags & PKT_F_DROP) != 0)
		return;
	if (rte_pktmbuf_linearize(m) == 0)
		return;
	info->flags |= PKT_F_DROP;
	info->reason = DROP_HDR_SPLIT;
	memset(key, 0, sizeof(*key));
}

/*
 * Transport checksum of a plain packet that lies in one segment: its addresses and its transport part are neighbours, so
 * that the pseudo header costs two additions. What it does not vouch for, parse_l4_checksum() judges.
 */
static __rte_always_inline bool
plain_sum_good(const struct rte_mbuf *m, const struct pkt_info *info, cksum_sum_fn *sum_long)
{
	const uint8_t *l4 = rte_pktmbuf_mtod_offset(m, const uint8_t *, info->l4_off);
	const uint32_t addresses = info->family == 6 ? 32 : 8;
	uint32_t len = (uint32_t)info->l3_off + info->l3_len - info->l4_off;
	uint64_t sum;

	if (info->proto == IPPROTO_UDP) {
		if (load_be16(l4 + 6) == 0)
			return true; /* none; over IPv6 this was no plain packet */
		len = load_be16(l4 + 4);
	}
	if (unlikely(m->data_len < info->l4_off + len))
		return false;
	sum = rte_cpu_to_be_16((uint16_t)len) + rte_cpu_to_be_16(info->proto);
	if (addresses + len <= CKSUM_SUM_SHORT_MAX)
		sum += cksum_sum_short(l4 - addresses, addresses + len);
	else
		sum += sum_long(l4 - addresses, addresses + len);
	return cksum_fold64(sum) == 0xffff;
}

/* The port asks for every checksum, and the NIC did not vouch for this one. */
static __rte_always_inline void
verify_transport(const struct rte_mbuf *m, struct pkt_info *info, struct flow_key *key,
		cksum_sum_fn *sum_long)
{
	if (info->flags & PKT_F_L4_CSUM_GOOD)
		return;
	if (likely(plain_sum_good(m, info, sum_long)))
		info->flags |= PKT_F_L4_CSUM_GOOD;
	else if (!parse_l4_checksum(m, info))
		memset(key, 0, sizeof(*key));
}

static __rte_noinline void
parse_slow(struct rte_mbuf *m, const struct parse_params *pp, struct pkt_info *info,
		struct flow_key *key)
{
	parse_one(m, pp, info, key);
	join_headers(m, info, key);
}

static __rte_always_inline void
parse_all(struct pkt_burst *b, const struct parse_params *pp, const bool crc)
{
	const struct fast_params f = fast_params(pp);
	const bool verify = pp->verify_l4;
	const unsigned int n = b->n;

	for (unsigned int i = 0; i < n && i < PREFETCH_AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i], const void *));
	for (unsigned int i = 0; i < n; i++) {
		struct pkt_info *info = &b->info[i];
		struct flow_key *key = &b->key[i];

		if (i + 2 * PREFETCH_AHEAD < n)
			rte_prefetch0(b->mbuf[i + 2 * PREFETCH_AHEAD]);
		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i + PREFETCH_AHEAD], const void *));
		if (unlikely(!parse_fast(b->mbuf[i], &f, crc, info, key)))
			parse_slow(b->mbuf[i], pp, info, key);
		else if (unlikely(verify))
			verify_transport(b->mbuf[i], info, key, pp->sum);
		if (crc)
			b->hash[i] = likely(key->family != 0) ? flow_hash(key, f.seed) : 0;
	}
}

void
parse_burst(struct pkt_burst *b, const struct parse_params *pp)
{
	if (likely(pp->hasher.kind == FLOW_HASH_CRC32C && pp->keys == FLOW_KEYS_5TUPLE)) {
		parse_all(b, pp, true);
		return;
	}
	parse_all(b, pp, false);
	for (unsigned int i = 0; pp->keys != FLOW_KEYS_5TUPLE && i < b->n; i++)
		if (b->key[i].family != 0)
			parse_key(b->mbuf[i], pp, &b->info[i], &b->key[i]);
	parse_hash(b, &pp->hasher);
}

bool
parse_plain(const struct rte_mbuf *m, const struct parse_params *pp, struct pkt_info *info,
		struct flow_key *key)
{
	const struct fast_params f = fast_params(pp);
	const bool crc = pp->hasher.kind == FLOW_HASH_CRC32C;

	if (!parse_fast(m, &f, crc, info, key))
		return false;
	if (!crc && info->family == 6) {
		const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, info->l3_off);

		key->src = flow_hasher_digest6(&pp->hasher, ip + 8);
		key->dst = flow_hasher_digest6(&pp->hasher, ip + 24);
	}
	if (pp->verify_l4)
		verify_transport(m, info, key, pp->sum);
	if (key->family != 0)
		parse_key(m, pp, info, key);
	return true;
}
