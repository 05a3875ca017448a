/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments of IPv4 and IPv6: those that come in are put together (RFC 791 3.2, RFC 8200 4.5), and what is too large for
 * a link is cut (RFC 791, RFC 1812 5.2.6). Connection tracking, translation and load balancing see whole datagrams only,
 * so nothing can be hidden from them in fragments.
 *
 * Called by the slow path on the control lcore, which owns all of it. Knows neither connections nor devices, reads no
 * clock. Everything is bounded: datagrams in all and of a source, packet buffers, fragments of a datagram, time.
 */
#ifndef FRAG_FRAG_H
#define FRAG_FRAG_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/drop.h"

#define FRAG_PER_DATAGRAM 256 /* fragments of a datagram: 65,535 bytes in pieces of 256 */
#define FRAG_SPLIT_MAX \
	1400 /* fragments made of a packet: 65,535 bytes over a link with an MTU of 68 */

struct frag;

struct frag_params {
	const char *name;
	uint32_t datagrams;  /* incomplete ones at most */
	uint32_t per_source; /* of one IPv4 address, or of one IPv6 /64 */
	uint32_t memory;     /* mbufs that may wait; half of them of one source */
	uint32_t timeout;    /* seconds, from a datagram's first fragment on */
	uint32_t hash_seed;
	uint64_t *drops; /* by enum drop_reason: counted into when fragments that wait are given up */
	struct rte_mempool *pool; /* for fragments that are made; private area of struct pkt_meta */
	int socket_id;
};

/* NULL: rte_errno says why. */
struct frag *
frag_create(const struct frag_params *p);
/* Frees what waits. NULL is fine. */
void
frag_destroy(struct frag *f);

/* ---- putting together -------------------------------------------------------------------------------------------- */

enum frag_verdict {
	FRAG_WAITS, /* kept until the rest is here: the caller has no business with it any more */
	FRAG_WHOLE, /* it was the last one missing: `whole` is the datagram, of which the fragment is a part */
	FRAG_DROP, /* `reason` says why; the caller keeps it */
};

struct frag_result {
	enum drop_reason reason;
	struct rte_mbuf *whole;
	uint32_t fragments; /* that became one packet */
};

/*
 * A fragment that came in: pkt_meta(m)->info is what the parser found. Its headers lie in the first segment.
 *
 * The whole datagram is a chain of the fragments' buffers, in order, without their headers; the first segment begins with
 * the first fragment's frame headers, which say now that it is no fragment. frag_was() is true for it.
 *
 * Overlapping fragments, and those that do not agree about the length, cost the datagram; what comes of it later is
 * dropped until its time is over (RFC 5722). What is here already is dropped alone, as Linux does.
 */
enum frag_verdict
frag_input(struct frag *f, struct rte_mbuf *m, uint16_t zone, uint64_t now,
		struct frag_result *out);

/*
 * Give up datagrams whose time is over, at most `max`, oldest first. Their first fragments, where those are here, are put
 * into `first` for the ICMP error that is owed (RFC 792, RFC 4443 3.3): the caller frees them; all are counted as drops.
 * Returns how many datagrams were given up; *n is how many mbufs are in `first`.
 */
unsigned int
frag_expire(struct frag *f, uint64_t now, struct rte_mbuf **first, unsigned int max,
		unsigned int *n);

/* ---- cutting -------------------------------------------------------------------------------------------------------- */

/* What a packet that has, or shall, come in fragments carries along, in the mbuf. */
struct frag_note {
	uint32_t id;	  /* IPv6: identification, as it lay in the packet */
	uint16_t largest; /* of the fragments that it came in, IP bytes; 0 = came whole */
	uint16_t limit;	  /* IP bytes of a fragment that leaves; 0 = leaves whole */
	uint16_t cut;	  /* IPv6: length of the part that every fragment repeats */
	uint16_t unused;
};

/* The bit of ol_flags that says that there is a note. */
uint64_t
frag_flag(const struct frag *f);
/* The note of m; NULL: it has none. */
struct frag_note *
frag_note(const struct frag *f, struct rte_mbuf *m);
/* The same, made if it has none. */
struct frag_note *
frag_note_make(const struct frag *f, struct rte_mbuf *m);

/*
 * Cut a frame with a note into fragments of at most note->limit bytes, each in one segment. If it came in fragments that
 * are no larger than that, they leave as they came, in the same buffers. Returns how many are in out[FRAG_SPLIT_MAX]; m
 * is gone then. -ENOMEM: pool empty; -EMSGSIZE: headers leave no room, or too many fragments; the caller keeps m.
 */
int
frag_split(struct frag *f, struct rte_mbuf *m, struct rte_mbuf **out);

/* ---- reading --------------------------------------------------------------------------------------------------------- */

struct frag_stats {
	uint32_t datagrams; /* incomplete now, those included that are dead until their time is over */
	uint32_t fragments; /* that wait now */
	uint32_t mbufs;	    /* that they hold */
};
void
frag_stats(const struct frag *f, struct frag_stats *out);

#endif /* FRAG_FRAG_H */
