/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One packet out of all fragments of a datagram. No byte of payload is copied: the fragments' buffers, less their headers,
 * become segments of one packet, behind the headers of the first fragment. Control lcore.
 */
#include <string.h>

#include <rte_ip.h>

#include "frag_priv.h"

#define ECN_CE 3
#define ECN_NOT_CAPABLE 0

/* Keep the first `len` bytes of m: what a short frame was padded with goes. */
static void
shorten(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *last = m;
	uint32_t left = len;
	uint16_t segs = 1;

	for (; left > last->data_len; last = last->next, segs++)
		left -= last->data_len;
	last->data_len = (uint16_t)left;
	if (last->next != NULL)
		rte_pktmbuf_free(last->next);
	last->next = NULL;
	m->nb_segs = segs;
	m->pkt_len = len;
}

/* RFC 3168 5.3: congestion that one fragment has met is the datagram's; those that may not be mixed are not. */
static bool
ecn_agrees(const struct frag_datagram *d)
{
	return (d->ecn & 1u << ECN_NOT_CAPABLE) == 0 || d->ecn == 1u << ECN_NOT_CAPABLE;
}

static bool
congested(const struct frag_datagram *d)
{
	return d->ecn & 1u << ECN_CE;
}

static void
headers4(struct rte_mbuf *head, const struct frag_datagram *d, const struct frag_view *v)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(head, struct rte_ipv4_hdr *, v->l3_off);
	/* As Linux: if the largest asked not to be cut, the datagram does, and its fragments will again. */
	const bool df = d->largest_df == d->largest;

	ip->total_length = rte_cpu_to_be_16((uint16_t)(v->payload - v->l3_off + d->total));
	ip->fragment_offset = df ? rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG) : 0;
	if (congested(d))
		ip->type_of_service |= ECN_CE;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* The fragment header goes, and what is in front of it moves up: RFC 8200 4.5. */
static void
headers6(struct rte_mbuf *head, const struct frag_datagram *d, const struct frag_view *v)
{
	uint8_t *frame = rte_pktmbuf_mtod(head, uint8_t *);
	uint8_t *ip = frame + v->l3_off;

	frame[v->names] = frame[v->header]; /* next header of the fragment header */
	frag_put16(ip + 4, v->header - v->l3_off - sizeof(struct rte_ipv6_hdr) + d->total);
	if (congested(d))
		ip[1] |= ECN_CE << 4;
	memmove(frame + FRAG_HEADER6_LEN, frame, v->header);
	rte_pktmbuf_adj(head, FRAG_HEADER6_LEN);
}

/* Everything behind the first fragment, without headers, in order. */
static void
chain(struct frag *f, struct rte_mbuf *head, uint32_t rest)
{
	struct rte_mbuf *tail = rte_pktmbuf_lastseg(head);

	for (uint32_t i = rest; i != FRAG_NONE; i = f->pieces[i].next) {
		const struct frag_piece *p = &f->pieces[i];
		struct rte_mbuf *last = rte_pktmbuf_lastseg(p->m);

		shorten(p->m, (uint32_t)p->payload + p->len);
		last = rte_pktmbuf_lastseg(p->m);
		rte_pktmbuf_adj(p->m, p->payload);
		tail->next = p->m;
		tail = last;
		head->pkt_len += p->m->pkt_len;
		head->nb_segs += p->m->nb_segs;
	}
}

enum drop_reason
frag_join(struct frag *f, struct frag_datagram *d, struct rte_mbuf **whole)
{
	const struct frag_piece *first = &f->pieces[d->first];
	struct rte_mbuf *head = first->m;
	struct frag_note *note;
	struct frag_view v;

	if (!frag_view(head, d->key.zone, &v))
		return DROP_HDR_SPLIT; /* not reached: it was seen when it came in */
	/* The headers count that are here now: the first fragment's may be longer than the others'. */
	if ((uint32_t)v.payload - v.l3_off - (v.header != 0 ? FRAG_HEADER6_LEN : 0) + d->total >
			FRAG_IP_MAX)
		return DROP_FRAG_LENGTH;
	if (!ecn_agrees(d))
		return DROP_FRAG_ECN;
	shorten(head, (uint32_t)first->payload + first->len);
	chain(f, head, first->next);
	/* What the NIC says of checksums was about a fragment. */
	head->ol_flags &= RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED;
	note = frag_note_make(f, head);
	note->largest = d->largest;
	note->id = d->key.id;
	note->cut = v.header != 0 ? v.header - v.l3_off : 0;
	if (v.key.family == 4)
		headers4(head, d, &v);
	else
		headers6(head, d, &v);
	*whole = head;
	return DROP_NONE;
}
