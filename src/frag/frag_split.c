/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet cut into fragments: in place, when it came in fragments that fit (each buffer gets headers again), else by
 * copying. Every fragment lies in one segment, because not every device sends more. Control lcore.
 *
 * RFC 791 3.2: all fragments but the last carry a multiple of 8 bytes; options without the "copied" bit are the first
 * fragment's alone. RFC 8200 4.5: every fragment repeats the headers in front of the fragment header.
 */
#include <errno.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_ip.h>

#include "frag_priv.h"

#define HEADERS_MAX 256 /* in front of a fragment's payload; with more it is not cut */
#define IP4_OPT_END 0
#define IP4_OPT_NOP 1
#define IP4_OPT_COPIED 0x80

/* What stands in front of every fragment's payload, and where things are in it. */
struct template
{
	uint32_t len;
	uint32_t l3;	  /* IP header */
	uint32_t header;  /* IPv6: fragment header */
	uint32_t had;	  /* bytes in front of the payload of the packet as it is */
	uint32_t payload; /* of the whole packet */
	bool v6;
	uint8_t b[HEADERS_MAX];
};

static uint32_t
link_len(const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t len = RTE_ETHER_HDR_LEN;

	for (unsigned int tags = 0; tags < 2 && len + 4 <= m->data_len; tags++) {
		uint16_t type = frag_be16(frame + len - 2);

		if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ &&
				type != RTE_ETHER_TYPE_QINQ1)
			break;
		len += 4;
	}
	return len;
}

/* The byte that names the header at `cut`; 0: there is none there. */
static uint32_t
named_at(const uint8_t *ip, uint32_t cut)
{
	uint32_t names = 6, at = sizeof(struct rte_ipv6_hdr);

	while (at < cut) {
		uint8_t kind = ip[names];

		names = at;
		at += kind == IPPROTO_AH ? (ip[at + 1] + 2u) * 4 : (ip[at + 1] + 1u) * 8;
	}
	return at == cut ? names : 0;
}

static int
template4(const struct rte_mbuf *m, struct template *t)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, t->l3);
	uint32_t header = (ip[0] & 0x0fu) * 4, total = frag_be16(ip + 2);

	if (header < sizeof(struct rte_ipv4_hdr) || total <= header ||
			t->l3 + header > m->data_len || t->l3 + total > m->pkt_len)
		return -EMSGSIZE;
	t->had = t->len = t->l3 + header;
	t->payload = total - header;
	memcpy(t->b, rte_pktmbuf_mtod(m, const void *), t->len);
	return 0;
}

static int
template6(const struct rte_mbuf *m, const struct frag_note *note, struct template *t)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, t->l3);
	uint32_t cut = note->cut != 0 ? note->cut : sizeof(struct rte_ipv6_hdr);
	uint32_t total = sizeof(struct rte_ipv6_hdr) + frag_be16(ip + 4), names;

	if (cut < sizeof(struct rte_ipv6_hdr) || total <= cut || t->l3 + cut > m->data_len ||
			t->l3 + total > m->pkt_len || t->l3 + cut + FRAG_HEADER6_LEN > sizeof(t->b))
		return -EMSGSIZE;
	names = named_at(ip, cut);
	if (names == 0)
		return -EMSGSIZE;
	t->had = t->header = t->l3 + cut;
	t->len = t->header + FRAG_HEADER6_LEN;
	t->payload = total - cut;
	memcpy(t->b, rte_pktmbuf_mtod(m, const void *), t->had);
	memset(t->b + t->header, 0, FRAG_HEADER6_LEN);
	t->b[t->header] = t->b[t->l3 + names];
	t->b[t->l3 + names] = IPPROTO_FRAGMENT;
	memcpy(t->b + t->header + 4, &note->id, sizeof(note->id));
	return 0;
}

static int
template_make(const struct rte_mbuf *m, const struct frag_note *note, struct template *t)
{
	t->l3 = link_len(m);
	if (t->l3 + sizeof(struct rte_ipv4_hdr) > m->data_len)
		return -EMSGSIZE;
	t->v6 = rte_pktmbuf_mtod_offset(m, const uint8_t *, t->l3)[0] >> 4 == 6;
	if (t->v6 && t->l3 + sizeof(struct rte_ipv6_hdr) > m->data_len)
		return -EMSGSIZE;
	return t->v6 ? template6(m, note, t) : template4(m, t);
}

/* Options that are for the first fragment alone become padding: headers stay as long as they are. */
static void
strip_options(uint8_t *opt, uint32_t len)
{
	for (uint32_t i = 0; i < len && opt[i] != IP4_OPT_END;) {
		uint32_t size = opt[i] == IP4_OPT_NOP ? 1 : i + 1 < len ? opt[i + 1] : 0;

		if (size == 0 || size > len - i || (size == 1 && opt[i] != IP4_OPT_NOP))
			return;
		if ((opt[i] & IP4_OPT_COPIED) == 0)
			memset(opt + i, IP4_OPT_NOP, size);
		i += size;
	}
}

/* Headers of the fragment with the payload bytes [from, from + len), at `to`. */
static void
write_headers(const struct template *t, uint8_t *to, uint32_t from, uint32_t len)
{
	const bool more = from + len < t->payload;
	uint8_t *ip = to + t->l3;

	memcpy(to, t->b, t->len);
	if (t->v6) {
		frag_put16(ip + 4, t->len - t->l3 - sizeof(struct rte_ipv6_hdr) + len);
		frag_put16(to + t->header + 2, from | more);
		return;
	}
	if (from != 0)
		strip_options(ip + sizeof(struct rte_ipv4_hdr),
				t->len - t->l3 - sizeof(struct rte_ipv4_hdr));
	frag_put16(ip + 2, t->len - t->l3 + len);
	frag_put16(ip + 6,
			(frag_be16(ip + 6) & RTE_IPV4_HDR_DF_FLAG) | from / 8 |
					(more ? RTE_IPV4_HDR_MF_FLAG : 0));
	frag_put16(ip + 10, 0);
	{
		uint16_t sum = rte_ipv4_cksum((const struct rte_ipv4_hdr *)ip);

		memcpy(ip + 10, &sum, sizeof(sum));
	}
}

/* ---- in place ----------------------------------------------------------------------------------------------------------- */

/* Is every segment a fragment's payload, with room for its headers, and not too large for the link? */
static bool
fits_in_place(const struct rte_mbuf *m, const struct template *t, uint32_t limit)
{
	uint32_t skip = t->had, sum = 0;

	if (m->nb_segs < 2 || m->nb_segs > FRAG_SPLIT_MAX || m->data_len <= t->had)
		return false;
	for (const struct rte_mbuf *s = m; s != NULL; s = s->next, skip = 0) {
		const uint32_t len = s->data_len - skip;

		if (len == 0 || (s->next != NULL && len % 8 != 0) || t->len - t->l3 + len > limit ||
				!RTE_MBUF_DIRECT(s) || rte_mbuf_refcnt_read(s) != 1 ||
				s->data_off + skip < t->len)
			return false;
		sum += len;
	}
	return sum == t->payload;
}

static int
split_in_place(struct rte_mbuf *m, const struct template *t, struct rte_mbuf **out)
{
	uint32_t from = 0;
	int n = 0;

	rte_pktmbuf_adj(m, (uint16_t)t->had);
	while (m != NULL) {
		struct rte_mbuf *next = m->next;
		const uint32_t len = m->data_len;

		m->next = NULL;
		m->nb_segs = 1;
		m->pkt_len = len;
		m->ol_flags = 0;
		write_headers(t, (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)t->len), from, len);
		from += len;
		out[n++] = m;
		m = next;
	}
	return n;
}

/* ---- copying ------------------------------------------------------------------------------------------------------------- */

/* `len` bytes of m from `off` on, in whatever segments they are. */
static void
copy_out(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint8_t *to)
{
	for (; len != 0; m = m->next) {
		uint32_t n;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		n = RTE_MIN(m->data_len - off, len);
		memcpy(to, rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);
		to += n;
		len -= n;
		off = 0;
	}
}

static int
split_copy(struct frag *f, struct rte_mbuf *m, const struct template *t, uint32_t limit,
		struct rte_mbuf **out)
{
	const uint32_t room = rte_pktmbuf_data_room_size(f->pool) - RTE_PKTMBUF_HEADROOM;
	const uint32_t most = RTE_MIN(limit + t->l3, room); /* of a frame */
	const uint32_t step = most < t->len + 8 ? 0 : (most - t->len) & ~7u;
	uint32_t n;

	if (step == 0)
		return -EMSGSIZE;
	n = (t->payload + step - 1) / step;
	/* What is left over at the end may be as long as it likes. */
	if (n > 1 && t->payload - (n - 2) * step <= most - t->len)
		n--;
	if (n > FRAG_SPLIT_MAX)
		return -EMSGSIZE;
	if (rte_pktmbuf_alloc_bulk(f->pool, out, n) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t from = i * step;
		const uint32_t len = i + 1 < n ? step : t->payload - from;
		uint8_t *to = (uint8_t *)rte_pktmbuf_append(out[i], (uint16_t)(t->len + len));

		write_headers(t, to, from, len);
		copy_out(m, t->had + from, len, to + t->len);
		*pkt_meta(out[i]) = *pkt_meta(m);
	}
	rte_pktmbuf_free(m);
	return (int)n;
}

int
frag_split(struct frag *f, struct rte_mbuf *m, struct rte_mbuf **out)
{
	const struct frag_note *note = frag_note(f, m);
	const struct pkt_meta meta = *pkt_meta(m);
	struct template t;
	int rc, n;

	if (note == NULL || note->limit == 0)
		return -EMSGSIZE;
	rc = template_make(m, note, &t);
	if (rc != 0)
		return rc;
	if (!fits_in_place(m, &t, note->limit))
		return split_copy(f, m, &t, note->limit, out);
	n = split_in_place(m, &t, out);
	for (int i = 0; i < n; i++)
		*pkt_meta(out[i]) = meta;
	return n;
}
