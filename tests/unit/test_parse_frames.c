/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builders of test_parse.h. Written against the RFCs and not against the parser: the checksums here
 * are their own.
 */
#include "test_parse.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

static const uint8_t ethernet[] = { 0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x08, 0x00 };
static const uint8_t ip4[] = { 0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, 0, 0, 0, 192, 0, 2, 1, 198, 51,
	100, 2 };
static const uint8_t ip6[] = { 0x60, 0, 0, 0, 0, 0, 0, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 };
static const uint8_t arp[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 192, 0, 2, 1, 0, 0, 0, 0,
	0, 0, 192, 0, 2, 2 };
static const uint8_t tcp[] = { 0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 0xff, 0xff, 0,
	0, 0, 0 };
static const uint8_t udp[] = { 0x30, 0x39, 0, 53, 0, 8 + PAYLOAD, 0, 0 };
static const uint8_t sctp[] = { 0x30, 0x39, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0, 3, 0, PAYLOAD };
static const uint8_t echo4[] = { 8, 0, 0, 0, 0x12, 0x34, 0, 1 };
static const uint8_t echo6[] = { 128, 0, 0, 0, 0x12, 0x34, 0, 1 };
static const uint8_t unreach4[] = { 3, 1, 0, 0, 0, 0, 0, 0 };
static const uint8_t unreach6[] = { 1, 4, 0, 0, 0, 0, 0, 0 };
static const uint8_t solicit[] = { 135, 0, 0, 0, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 2 };
static const uint8_t gre[] = { 0, 0, 8, 0 };

static const struct kind {
	uint8_t proto;
	bool v6;
	uint8_t cksum; /* offset of the checksum in the transport header; 0 = has none */
	const uint8_t *header;
	uint8_t len;
} kinds[FRAME_KINDS] = {
	[ARP] = { 0, false, 0, arp, sizeof(arp) },
	[TCP4] = { IPPROTO_TCP, false, 16, tcp, sizeof(tcp) },
	[UDP4] = { IPPROTO_UDP, false, 6, udp, sizeof(udp) },
	[LITE4] = { IPPROTO_UDPLITE, false, 6, udp, sizeof(udp) },
	[SCTP4] = { IPPROTO_SCTP, false, 8, sctp, sizeof(sctp) },
	[ECHO4] = { IPPROTO_ICMP, false, 2, echo4, sizeof(echo4) },
	[UNREACH4] = { IPPROTO_ICMP, false, 2, unreach4, sizeof(unreach4) },
	[GRE4] = { IPPROTO_GRE, false, 0, gre, sizeof(gre) },
	[OTHER4] = { 253, false, 0, gre, 0 },
	[TCP6] = { IPPROTO_TCP, true, 16, tcp, sizeof(tcp) },
	[UDP6] = { IPPROTO_UDP, true, 6, udp, sizeof(udp) },
	[LITE6] = { IPPROTO_UDPLITE, true, 6, udp, sizeof(udp) },
	[SCTP6] = { IPPROTO_SCTP, true, 8, sctp, sizeof(sctp) },
	[ECHO6] = { IPPROTO_ICMPV6, true, 2, echo6, sizeof(echo6) },
	[UNREACH6] = { IPPROTO_ICMPV6, true, 2, unreach6, sizeof(unreach6) },
	[NS6] = { IPPROTO_ICMPV6, true, 2, solicit, sizeof(solicit) },
	[OTHER6] = { 253, true, 0, gre, 0 },
};

static void
append(struct frame *f, const void *bytes, uint32_t n)
{
	memcpy(f->b + f->len, bytes, n);
	f->len += n;
}

static uint32_t
sum16(const uint8_t *data, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	return sum;
}

static uint16_t
finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void
frame_seal_ip4(struct frame *f, uint32_t ip)
{
	uint32_t len = (f->b[ip] & 15u) * 4;

	frame_put16(f, ip + 10, 0);
	if (ip + len <= f->len)
		frame_put16(f, ip + 10, finish(sum16(f->b + ip, len, 0)));
}

/* RFC 9260 appendix A, bit by bit. */
static uint32_t
crc32c(const uint8_t *data, uint32_t len)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

void
frame_seal_l4(struct frame *f, uint32_t l4, uint8_t proto, uint32_t cksum)
{
	bool v6 = f->b[IP_OFF] >> 4 == 6;
	uint32_t len = f->len - l4, sum = 0;

	if (proto == IPPROTO_SCTP) {
		uint32_t crc;

		memset(f->b + cksum, 0, 4);
		crc = crc32c(f->b + l4, len);
		for (unsigned int i = 0; i < 4; i++)
			f->b[cksum + i] = (uint8_t)(crc >> 8 * i);
		return;
	}
	frame_put16(f, cksum, 0);
	if (proto != IPPROTO_ICMP)
		sum = proto + len +
				(v6 ? sum16(f->b + IP_OFF + 8, 32, 0)
				    : sum16(f->b + IP_OFF + 12, 8, 0));
	sum = finish(sum16(f->b + l4, len, sum));
	if (sum == 0 && proto == IPPROTO_UDP)
		sum = 0xffff;
	frame_put16(f, cksum, (uint16_t)sum);
}

void
frame_make(struct frame *f, enum frame_kind kind)
{
	const struct kind *k = &kinds[kind];
	uint32_t l4;

	memset(f, 0, sizeof(*f));
	append(f, ethernet, sizeof(ethernet));
	if (kind == ARP) {
		frame_put16(f, 12, 0x0806);
		append(f, arp, sizeof(arp));
		return;
	}
	append(f, k->v6 ? ip6 : ip4, k->v6 ? sizeof(ip6) : sizeof(ip4));
	l4 = f->len;
	append(f, k->header, k->len);
	for (uint32_t i = 0; i < PAYLOAD; i++)
		f->b[f->len++] = (uint8_t)(0xa0 + i);
	if (k->v6) {
		frame_put16(f, 12, 0x86dd);
		frame_put16(f, IP_OFF + 4, (uint16_t)(f->len - l4));
		f->b[IP_OFF + 6] = k->proto;
		if (kind == NS6)
			f->b[IP_OFF + 7] = 255;
	} else {
		frame_put16(f, IP_OFF + 2, (uint16_t)(f->len - IP_OFF));
		f->b[IP_OFF + 9] = k->proto;
		frame_seal_ip4(f, IP_OFF);
	}
	if (kind == SCTP4 || kind == SCTP6)
		frame_put16(f, l4 + 14, PAYLOAD + 4);
	if (k->cksum != 0)
		frame_seal_l4(f, l4, k->proto, l4 + k->cksum);
}

void
frame_insert(struct frame *f, uint32_t at, const void *bytes, uint32_t n)
{
	uint32_t field = IP_OFF + (f->b[IP_OFF] >> 4 == 6 ? 4 : 2);

	memmove(f->b + at + n, f->b + at, f->len - at);
	memcpy(f->b + at, bytes, n);
	f->len += n;
	frame_put16(f, field, (uint16_t)((f->b[field] << 8 | f->b[field + 1]) + (int)n));
}

static struct rte_mbuf *
segment(const uint8_t *data, uint16_t len)
{
	struct rte_mbuf *m = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*m));

	memset(m, 0, sizeof(*m));
	m->buf_addr = malloc(len);
	if (len > 0)
		memcpy(m->buf_addr, data, len);
	m->buf_len = len;
	m->data_len = len;
	m->nb_segs = 1;
	rte_mbuf_refcnt_set(m, 1);
	return m;
}

struct rte_mbuf *
mbuf_make(const struct frame *f, const uint16_t *cut)
{
	struct rte_mbuf *head = NULL, *tail = NULL;
	uint32_t off = 0;

	do {
		uint32_t left = f->len - off;
		uint32_t len = cut != NULL && *cut != 0 ? RTE_MIN((uint32_t)*cut++, left) : left;
		struct rte_mbuf *m = segment(f->b + off, (uint16_t)len);

		if (head == NULL)
			head = m;
		else {
			tail->next = m;
			head->nb_segs++;
		}
		tail = m;
		off += len;
	} while (off < f->len);
	head->pkt_len = f->len;
	return head;
}

void
mbuf_free(struct rte_mbuf *m)
{
	while (m != NULL) {
		struct rte_mbuf *next = m->next;

		free(m->buf_addr);
		free(m);
		m = next;
	}
}
