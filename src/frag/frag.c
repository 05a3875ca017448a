/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments that come in: which datagram, does it fit in, is it complete; and datagrams whose time is over. Called by the
 * slow path, control lcore.
 *
 * librte_ip_frag is not used. Its reassembly takes at most RTE_LIBRTE_IP_FRAG_MAX_FRAG (8) fragments, sees no overlap, and
 * bounds neither a source nor memory; its cutting makes chains of indirect mbufs, or takes no chain, and for IPv6 it takes
 * no identification.
 */
#include <errno.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>

#include "base/time.h"
#include "frag_priv.h"

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static int
register_note(struct frag *f)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "shunt_frag_note",
		.size = sizeof(struct frag_note),
		.align = __alignof__(struct frag_note),
	};
	static const struct rte_mbuf_dynflag flag = { .name = "shunt_frag_note" };
	int bit;

	f->note_offset = rte_mbuf_dynfield_register(&field);
	if (f->note_offset < 0)
		return -rte_errno;
	bit = rte_mbuf_dynflag_register(&flag);
	if (bit < 0)
		return -rte_errno;
	f->flag = UINT64_C(1) << bit;
	return 0;
}

struct frag *
frag_create(const struct frag_params *p)
{
	struct frag *f;
	int rc = -EINVAL;

	if (p->name == NULL || p->drops == NULL || p->pool == NULL || p->datagrams == 0 ||
			p->per_source == 0 || p->memory > INT32_MAX ||
			rte_pktmbuf_priv_size(p->pool) < sizeof(struct pkt_meta)) {
		rte_errno = EINVAL;
		return NULL;
	}
	f = rte_zmalloc_socket("frag", sizeof(*f), 0, p->socket_id);
	if (f == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	f->pool = p->pool;
	f->drops = p->drops;
	f->timeout = p->timeout * TIME_NS_PER_S;
	f->max = p->datagrams;
	f->per_source = p->per_source;
	f->memory = p->memory;
	rc = register_note(f);
	if (rc == 0)
		rc = frag_store_create(f, p);
	if (rc == 0)
		return f;
	frag_destroy(f);
	rte_errno = -rc;
	return NULL;
}

void
frag_destroy(struct frag *f)
{
	if (f == NULL)
		return;
	frag_store_destroy(f);
	rte_free(f);
}

/* ---- notes ---------------------------------------------------------------------------------------------------------- */

uint64_t
frag_flag(const struct frag *f)
{
	return f->flag;
}

struct frag_note *
frag_note(const struct frag *f, struct rte_mbuf *m)
{
	if ((m->ol_flags & f->flag) == 0)
		return NULL;
	return RTE_MBUF_DYNFIELD(m, f->note_offset, struct frag_note *);
}

struct frag_note *
frag_note_make(const struct frag *f, struct rte_mbuf *m)
{
	struct frag_note *note = RTE_MBUF_DYNFIELD(m, f->note_offset, struct frag_note *);

	if ((m->ol_flags & f->flag) == 0)
		*note = (struct frag_note){ .id = 0 };
	m->ol_flags |= f->flag;
	return note;
}

/* ---- a fragment ------------------------------------------------------------------------------------------------------- */

/*
 * Where in d would bytes [from, to) go? *before is the piece in front of them. DROP_FRAG_OVERLAP: some of them are here;
 * DROP_FRAG_DUPLICATE: all of them are.
 */
static enum drop_reason
place(const struct frag *f, const struct frag_datagram *d, uint32_t from, uint32_t to,
		uint32_t *before)
{
	uint32_t covered = 0;

	*before = FRAG_NONE;
	/* Most come in order: behind the last one. */
	if (d->last != FRAG_NONE && f->pieces[d->last].offset < from) {
		const struct frag_piece *last = &f->pieces[d->last];

		if ((uint32_t)last->offset + last->len <= from) {
			*before = d->last;
			return DROP_NONE;
		}
	}
	for (uint32_t i = d->first; i != FRAG_NONE; i = f->pieces[i].next) {
		const struct frag_piece *p = &f->pieces[i];
		const uint32_t end = (uint32_t)p->offset + p->len;

		if (p->offset >= to)
			break;
		if (end > from)
			covered += RTE_MIN(end, to) - RTE_MAX((uint32_t)p->offset, from);
		*before = i;
	}
	if (covered == 0)
		return DROP_NONE;
	return covered == to - from ? DROP_FRAG_DUPLICATE : DROP_FRAG_OVERLAP;
}

/* RFC 791 3.2, RFC 8200 4.5: the last fragment says how long the datagram is, and there is one last fragment. */
static bool
length_agrees(const struct frag_datagram *d, const struct frag_view *v)
{
	const uint32_t end = v->offset + v->len;

	if (!v->more)
		return end >= d->end && (d->total == 0 || end == d->total);
	return d->total == 0 || end <= d->total;
}

static bool
is_sane(const struct frag_view *v)
{
	return v->len != 0 && (!v->more || v->len % 8 == 0) && v->offset + v->len <= FRAG_IP_MAX;
}

static void
take(struct frag *f, struct frag_datagram *d, uint32_t before, struct rte_mbuf *m,
		const struct frag_view *v)
{
	const struct frag_piece p = {
		.m = m,
		.offset = (uint16_t)v->offset,
		.len = (uint16_t)v->len,
		.payload = v->payload,
	};

	frag_insert(f, d, before, &p);
	d->end = RTE_MAX(d->end, v->offset + v->len);
	if (!v->more)
		d->total = d->end;
	d->largest = RTE_MAX(d->largest, v->l3_len);
	if (v->df)
		d->largest_df = RTE_MAX(d->largest_df, v->l3_len);
	d->ecn |= (uint8_t)(1u << v->ecn);
}

static enum frag_verdict
refuse(struct frag_result *out, enum drop_reason why)
{
	out->reason = why;
	return FRAG_DROP;
}

/* When d's pieces are freed, m is not. */
static void
keep_from(struct frag *f, const struct frag_datagram *d, const struct rte_mbuf *m)
{
	for (uint32_t i = d->first; i != FRAG_NONE; i = f->pieces[i].next)
		if (f->pieces[i].m == m)
			f->pieces[i].m = NULL;
}

/* All bytes are here; m, the piece that was put in last, stays the caller's if they do not make a packet. */
static enum frag_verdict
complete(struct frag *f, struct frag_datagram *d, struct rte_mbuf *m, struct frag_result *out)
{
	enum drop_reason why;

	out->fragments = d->n;
	why = frag_join(f, d, &out->whole);
	if (why == DROP_NONE) {
		frag_close(f, d);
		return FRAG_WHOLE;
	}
	keep_from(f, d, m);
	frag_kill(f, d, why);
	f->drops[why]--; /* the caller counts its own */
	return refuse(out, why);
}

enum frag_verdict
frag_input(struct frag *f, struct rte_mbuf *m, uint16_t zone, uint64_t now, struct frag_result *out)
{
	struct frag_datagram *d;
	struct frag_view v;
	enum drop_reason why;
	uint32_t before;

	*out = (struct frag_result){ .reason = DROP_NONE };
	if (!frag_view(m, zone, &v))
		return refuse(out, DROP_HDR_SPLIT);
	if (!is_sane(&v))
		return refuse(out, DROP_FRAG_LENGTH);
	d = frag_find(f, &v.key);
	if (d != NULL && now >= d->deadline) { /* nobody has come by to take it away */
		frag_evict(f, d, DROP_FRAG_TIMEOUT);
		d = NULL;
	}
	if (d == NULL)
		d = frag_open(f, &v.key, now);
	if (d == NULL)
		return refuse(out, DROP_FRAG_LIMIT);
	if (d->dead != DROP_NONE)
		return refuse(out, d->dead);
	why = length_agrees(d, &v) ? place(f, d, v.offset, v.offset + v.len, &before)
				   : DROP_FRAG_LENGTH;
	if (why == DROP_NONE && d->n == FRAG_PER_DATAGRAM)
		why = DROP_FRAG_LIMIT;
	if (why != DROP_NONE) {
		if (why != DROP_FRAG_DUPLICATE)
			frag_kill(f, d, why);
		return refuse(out, why);
	}
	if (!frag_make_room(f, d, m->nb_segs))
		return refuse(out, DROP_FRAG_LIMIT);
	take(f, d, before, m, &v);
	return d->got == d->total ? complete(f, d, m, out) : FRAG_WAITS;
}

/* ---- time --------------------------------------------------------------------------------------------------------------- */

unsigned int
frag_expire(struct frag *f, uint64_t now, struct rte_mbuf **first, unsigned int max,
		unsigned int *n)
{
	unsigned int done = 0;
	struct frag_datagram *d;

	*n = 0;
	for (; done < max && (d = TAILQ_FIRST(&f->all)) != NULL && now >= d->deadline; done++) {
		if (d->n != 0 && f->pieces[d->first].offset == 0) {
			first[(*n)++] = f->pieces[d->first].m;
			f->pieces[d->first].m = NULL;
		}
		frag_evict(f, d, DROP_FRAG_TIMEOUT);
	}
	return done;
}

void
frag_stats(const struct frag *f, struct frag_stats *out)
{
	*out = (struct frag_stats){
		.datagrams = f->n,
		.fragments = f->fragments,
		.mbufs = f->mbufs,
	};
}
