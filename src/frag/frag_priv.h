/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the files of this folder: what a fragment says of itself, and the store of incomplete datagrams. All of it
 * belongs to the control lcore.
 *
 *   frag.c        a fragment comes in; time is over
 *   frag_view.c   what it says of itself
 *   frag_store.c  incomplete datagrams; who gives way
 *   frag_join.c   one packet out of fragments
 *   frag_split.c  fragments out of one packet
 */
#ifndef FRAG_PRIV_H
#define FRAG_PRIV_H

#include <sys/queue.h>

#include <rte_ether.h>
#include <rte_hash.h>

#include "base/flow.h"
#include "base/pkt.h"
#include "frag/frag.h"

#define FRAG_NONE UINT32_MAX
#define FRAG_IP_MAX 65535u /* bytes of a datagram: pkt_info has 16 bits for it */

#define FRAG_HEADER6_LEN 8 /* RFC 8200 4.5 */

/* ---- a fragment's headers (frag_view.c) ---------------------------------------------------------------------------- */

/* Which datagram it belongs to: RFC 791 3.2; of IPv6 the protocol is no part of it (RFC 8200 4.5). */
struct frag_key {
	uint8_t family;
	uint8_t proto;
	uint16_t zone;
	uint32_t id;
	struct flow_addr src;
	struct flow_addr dst;
};

struct frag_view {
	struct frag_key key;
	uint32_t offset;  /* of its payload in the datagram's */
	uint32_t len;	  /* of its payload */
	uint16_t l3_off;  /* in the frame, as all offsets here */
	uint16_t l3_len;  /* IP header and payload */
	uint16_t payload; /* where its payload begins */
	uint16_t header;  /* IPv6: its fragment header */
	uint16_t names;	  /* IPv6: the byte that says that a fragment header follows */
	bool more;
	bool df;
	uint8_t ecn; /* codepoint, RFC 3168 5 */
};

/* False: its headers are not all in the first segment, or it is no fragment. */
bool
frag_view(struct rte_mbuf *m, uint16_t zone, struct frag_view *v);

/* ---- incomplete datagrams (frag_store.c) ------------------------------------------------------------------------------ */

struct frag_piece {
	struct rte_mbuf *m;
	uint32_t next;	  /* of the datagram, by offset; or of the free ones */
	uint16_t offset;  /* of its payload in the datagram's */
	uint16_t len;	  /* of its payload */
	uint16_t payload; /* where that begins in its frame */
};

struct frag_source;

struct frag_datagram {
	TAILQ_ENTRY(frag_datagram) all;	 /* by age: the oldest is first */
	TAILQ_ENTRY(frag_datagram) same; /* of its source, by age */
	struct frag_key key;
	struct frag_source *source;
	uint64_t deadline;
	uint32_t first, last; /* pieces, FRAG_NONE */
	uint32_t n;	      /* pieces */
	uint32_t mbufs;	      /* that they hold */
	uint32_t got;	      /* payload bytes that are here */
	uint32_t end;	      /* of the piece that reaches furthest */
	uint32_t total;	      /* payload bytes of all; 0: the last fragment is not here */
	uint16_t largest;     /* fragment, IP bytes */
	uint16_t largest_df;  /* of those with "do not fragment" */
	uint8_t ecn;	      /* bits 1 << codepoint that were seen */
	uint8_t dead;	      /* enum drop_reason: everything of it is dropped */
};
TAILQ_HEAD(frag_list, frag_datagram);

/* Who sends: an IPv4 address, or the first 64 bits of an IPv6 one, of which a host has as many addresses as it likes. */
struct frag_source_key {
	uint8_t family;
	uint8_t unused;
	uint16_t zone;
	struct flow_addr addr;
};

struct frag_source {
	struct frag_source_key key;
	struct frag_list list;
	uint32_t n;
	uint32_t mbufs;
};

struct frag {
	struct rte_mempool *pool;
	uint64_t *drops;
	uint64_t timeout; /* ns */
	uint32_t max;
	uint32_t per_source;
	uint32_t memory;
	uint32_t n;	    /* datagrams */
	uint32_t fragments; /* pieces in use */
	uint32_t mbufs;
	uint32_t piece_free;
	int note_offset; /* in the mbuf */
	uint64_t flag;	 /* of ol_flags */
	struct rte_hash *by_key;
	struct rte_hash *by_source;
	struct frag_datagram *datagrams; /* at the positions of by_key */
	struct frag_source *sources;	 /* at those of by_source */
	struct frag_piece *pieces;
	struct frag_list all;
};

int
frag_store_create(struct frag *f, const struct frag_params *p);
void
frag_store_destroy(struct frag *f);

struct frag_datagram *
frag_find(struct frag *f, const struct frag_key *key);
/* A new one; its source's oldest, or the oldest of all, gives way. NULL: no place in the hash table. */
struct frag_datagram *
frag_open(struct frag *f, const struct frag_key *key, uint64_t now);
/* Forget d, dropping what is here of it. */
void
frag_evict(struct frag *f, struct frag_datagram *d, enum drop_reason why);
/* Drop what is here of d, and all that will come. */
void
frag_kill(struct frag *f, struct frag_datagram *d, enum drop_reason why);
/* Forget d, whose pieces' mbufs are somebody else's now. */
void
frag_close(struct frag *f, struct frag_datagram *d);
/* Room for one more piece of d with so many mbufs: older datagrams give way. False: d itself had to. */
bool
frag_make_room(struct frag *f, struct frag_datagram *d, uint32_t mbufs);
/* Behind `before`, or first when that is FRAG_NONE. There is room. */
void
frag_insert(struct frag *f, struct frag_datagram *d, uint32_t before, const struct frag_piece *p);

/* ---- frag_join.c --------------------------------------------------------------------------------------------------------- */

/* One packet out of a complete datagram. DROP_NONE: its mbufs are *whole, the caller closes d; else nothing has changed. */
enum drop_reason
frag_join(struct frag *f, struct frag_datagram *d, struct rte_mbuf **whole);

static inline uint16_t
frag_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void
frag_put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

#endif /* FRAG_PRIV_H */
