/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams of which something is missing: found by key, ordered by age, counted by source. Who gives way when there is
 * no room is decided here. Control lcore.
 *
 * The oldest gives way, not the newest: who fills the store must then send as fast as it turns over. Were new ones
 * refused, a thousand packets every half minute would keep everybody's fragments out (RFC 8900 3.7 tells of both). And a
 * source that is at its limit displaces its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_jhash.h>
#include <rte_malloc.h>

#include "base/time.h"
#include "frag_priv.h"

#define HASH_MIN 8 /* the least that rte_hash takes */

/* ---- life ---------------------------------------------------------------------------------------------------------- */

/* Not a CRC, whose collisions are the same whatever its seed is. */
static struct rte_hash *
table(const struct frag_params *p, const char *what, uint32_t key_len)
{
	char name[RTE_HASH_NAMESIZE];

	snprintf(name, sizeof(name), "%s_%s", p->name, what);
	return rte_hash_create(&(struct rte_hash_parameters){
			.name = name,
			.entries = RTE_MAX(p->datagrams, (uint32_t)HASH_MIN),
			.key_len = key_len,
			.hash_func = rte_jhash,
			.hash_func_init_val = p->hash_seed,
			.socket_id = p->socket_id,
	});
}

int
frag_store_create(struct frag *f, const struct frag_params *p)
{
	const uint32_t slots = RTE_MAX(p->datagrams, (uint32_t)HASH_MIN);

	TAILQ_INIT(&f->all);
	f->by_key = table(p, "datagrams", sizeof(struct frag_key));
	f->by_source = table(p, "sources", sizeof(struct frag_source_key));
	if (f->by_key == NULL || f->by_source == NULL)
		return -rte_errno;
	f->datagrams = rte_calloc_socket(
			"frag_datagrams", slots, sizeof(*f->datagrams), 0, p->socket_id);
	f->sources = rte_calloc_socket("frag_sources", slots, sizeof(*f->sources), 0, p->socket_id);
	f->pieces = rte_calloc_socket(
			"frag_pieces", (size_t)p->memory + 1, sizeof(*f->pieces), 0, p->socket_id);
	if (f->datagrams == NULL || f->sources == NULL || f->pieces == NULL)
		return -ENOMEM;
	f->piece_free = FRAG_NONE;
	for (uint32_t i = p->memory; i-- > 0;) {
		f->pieces[i].next = f->piece_free;
		f->piece_free = i;
	}
	return 0;
}

void
frag_store_destroy(struct frag *f)
{
	struct frag_datagram *d;

	if (f->datagrams != NULL)
		while ((d = TAILQ_FIRST(&f->all)) != NULL)
			frag_evict(f, d, DROP_SHUTDOWN);
	rte_hash_free(f->by_key);
	rte_hash_free(f->by_source);
	rte_free(f->datagrams);
	rte_free(f->sources);
	rte_free(f->pieces);
}

/* ---- sources ------------------------------------------------------------------------------------------------------- */

static struct frag_source_key
source_key(const struct frag_key *key)
{
	struct frag_source_key s = { .family = key->family, .zone = key->zone };

	memcpy(s.addr.b, key->src.b, key->family == 4 ? 4 : 8);
	return s;
}

static struct frag_source *
source_find(struct frag *f, const struct frag_source_key *key)
{
	int at = rte_hash_lookup(f->by_source, key);

	return at < 0 ? NULL : &f->sources[at];
}

static struct frag_source *
source_get(struct frag *f, const struct frag_source_key *key)
{
	struct frag_source *s = source_find(f, key);
	int at;

	if (s != NULL)
		return s;
	at = rte_hash_add_key(f->by_source, key);
	if (at < 0)
		return NULL;
	s = &f->sources[at];
	*s = (struct frag_source){ .key = *key };
	TAILQ_INIT(&s->list);
	return s;
}

static void
source_put(struct frag *f, struct frag_source *s)
{
	if (s->n == 0)
		rte_hash_del_key(f->by_source, &s->key);
}

/* ---- datagrams ------------------------------------------------------------------------------------------------------ */

struct frag_datagram *
frag_find(struct frag *f, const struct frag_key *key)
{
	int at = rte_hash_lookup(f->by_key, key);

	return at < 0 ? NULL : &f->datagrams[at];
}

struct frag_datagram *
frag_open(struct frag *f, const struct frag_key *key, uint64_t now)
{
	const struct frag_source_key from = source_key(key);
	struct frag_source *s = source_find(f, &from);
	struct frag_datagram *d;
	int at;

	if (s != NULL && s->n >= f->per_source)
		frag_evict(f, TAILQ_FIRST(&s->list), DROP_FRAG_LIMIT);
	if (f->n >= f->max)
		frag_evict(f, TAILQ_FIRST(&f->all), DROP_FRAG_LIMIT);
	s = source_get(f, &from);
	if (s == NULL)
		return NULL;
	at = rte_hash_add_key(f->by_key, key);
	if (at < 0) {
		source_put(f, s);
		return NULL;
	}
	d = &f->datagrams[at];
	*d = (struct frag_datagram){
		.key = *key,
		.source = s,
		.deadline = now + f->timeout,
		.first = FRAG_NONE,
		.last = FRAG_NONE,
	};
	TAILQ_INSERT_TAIL(&f->all, d, all);
	TAILQ_INSERT_TAIL(&s->list, d, same);
	s->n++;
	f->n++;
	return d;
}

/* Take d's pieces away from it; returns how many there were. */
static uint32_t
pieces_release(struct frag *f, struct frag_datagram *d, bool and_mbufs)
{
	const uint32_t n = d->n;

	for (uint32_t i = d->first; i != FRAG_NONE;) {
		struct frag_piece *p = &f->pieces[i];
		uint32_t next = p->next;

		if (and_mbufs)
			rte_pktmbuf_free(p->m);
		p->m = NULL;
		p->next = f->piece_free;
		f->piece_free = i;
		i = next;
	}
	f->mbufs -= d->mbufs;
	f->fragments -= n;
	d->source->mbufs -= d->mbufs;
	d->first = d->last = FRAG_NONE;
	d->n = d->mbufs = d->got = 0;
	return n;
}

static void
forget(struct frag *f, struct frag_datagram *d)
{
	struct frag_source *s = d->source;

	TAILQ_REMOVE(&f->all, d, all);
	TAILQ_REMOVE(&s->list, d, same);
	f->n--;
	s->n--;
	source_put(f, s);
	rte_hash_del_key(f->by_key, &d->key);
}

void
frag_evict(struct frag *f, struct frag_datagram *d, enum drop_reason why)
{
	f->drops[why] += pieces_release(f, d, true);
	forget(f, d);
}

void
frag_kill(struct frag *f, struct frag_datagram *d, enum drop_reason why)
{
	f->drops[why] += pieces_release(f, d, true);
	d->dead = (uint8_t)why;
}

void
frag_close(struct frag *f, struct frag_datagram *d)
{
	pieces_release(f, d, false);
	forget(f, d);
}

/* ---- pieces ----------------------------------------------------------------------------------------------------------- */

bool
frag_make_room(struct frag *f, struct frag_datagram *d, uint32_t mbufs)
{
	const uint32_t share = (f->memory + 1) / 2;

	for (;;) {
		struct frag_datagram *oldest;

		if (d->source->mbufs + mbufs > share)
			oldest = TAILQ_FIRST(&d->source->list);
		else if (f->mbufs + mbufs > f->memory)
			oldest = TAILQ_FIRST(&f->all);
		else
			return true;
		frag_evict(f, oldest, DROP_FRAG_LIMIT);
		if (oldest == d)
			return false;
	}
}

void
frag_insert(struct frag *f, struct frag_datagram *d, uint32_t before, const struct frag_piece *p)
{
	uint32_t at = f->piece_free;
	struct frag_piece *to = &f->pieces[at];

	f->piece_free = to->next;
	*to = *p;
	if (before == FRAG_NONE) {
		to->next = d->first;
		d->first = at;
	} else {
		to->next = f->pieces[before].next;
		f->pieces[before].next = at;
	}
	if (to->next == FRAG_NONE)
		d->last = at;
	d->n++;
	d->got += p->len;
	d->mbufs += p->m->nb_segs;
	d->source->mbufs += p->m->nb_segs;
	f->mbufs += p->m->nb_segs;
	f->fragments++;
}
