/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that wait for a neighbour: a first-in-first-out chain for each, out of one array of
 * slots, so that both bounds (a neighbour, in all) are exact. Control lcore. When a chain is full
 * the new packet is refused: the ones that wait are the older ones of the same connections, and a
 * stranger who floods one address then loses its own packets first.
 *
 * Order: a neighbour becomes usable, for workers too, only when the last packet that waited for it
 * is out. Until then later packets join the chain.
 */
#include <string.h>

#include <errno.h>

#include <rte_malloc.h>

#include "l3_priv.h"

int
l3_hold_create(struct l3 *l3, const struct l3_params *p)
{
	uint32_t i;

	TAILQ_INIT(&l3->releasing);
	l3->hold_per_neighbour = p->hold_per_neighbour;
	l3->hold_total = p->hold_total;
	l3->slots = rte_calloc_socket(
			"l3_hold", (size_t)p->hold_total + 1, sizeof(*l3->slots), 0, p->socket_id);
	if (l3->slots == NULL)
		return -ENOMEM;
	for (i = 0; i < p->hold_total; i++)
		l3->slots[i].next = i + 1;
	return 0;
}

void
l3_hold_destroy(struct l3 *l3)
{
	uint32_t i;

	for (i = 0; l3->slots != NULL && i < l3->hold_total; i++)
		rte_pktmbuf_free(l3->slots[i].m);
	rte_free(l3->slots);
}

/* b behind a; b is empty then. */
static void
chain_join(struct l3 *l3, struct l3_chain *a, struct l3_chain *b)
{
	if (b->n == 0)
		return;
	if (a->n == 0)
		a->head = b->head;
	else
		l3->slots[a->tail].next = b->head;
	a->tail = b->tail;
	a->n += b->n;
	b->n = 0;
}

static struct rte_mbuf *
chain_pop(struct l3 *l3, struct l3_chain *c)
{
	uint32_t i = c->head;
	struct l3_slot *slot = &l3->slots[i];
	struct rte_mbuf *m = slot->m;

	c->head = slot->next;
	c->n--;
	slot->m = NULL;
	slot->next = l3->slot_free;
	l3->slot_free = i;
	l3->held--;
	return m;
}

int
l3_hold_push(struct l3 *l3, struct l3_neigh *n, struct rte_mbuf *m)
{
	struct l3_chain one = { .n = 1 };

	if (n->held.n >= l3->hold_per_neighbour || l3->held >= l3->hold_total)
		return -ENOBUFS;
	one.head = one.tail = l3->slot_free;
	l3->slot_free = l3->slots[one.head].next;
	l3->slots[one.head].m = m;
	l3->held++;
	pkt_meta(m)->verdict = PKT_VERDICT_HOLD;
	chain_join(l3, &n->held, &one);
	return 0;
}

void
l3_hold_release(struct l3 *l3, struct l3_neigh *n)
{
	struct l3_nexthop *nh = &l3->nexthops[n - l3->neigh];

	if (n->is_releasing)
		return;
	if (n->held.n == 0) {
		/* Release: whoever sees it usable sees the header. */
		__atomic_store_n(&nh->usable, 1, __ATOMIC_RELEASE);
		return;
	}
	TAILQ_INSERT_TAIL(&l3->releasing, n, releasing);
	n->is_releasing = true;
}

void
l3_hold_abandon(struct l3 *l3, struct l3_neigh *n, enum drop_reason reason)
{
	uint32_t i, slot = n->held.head;

	for (i = 0; i < n->held.n; i++) {
		struct pkt_meta *meta = pkt_meta(l3->slots[slot].m);

		meta->verdict = PKT_VERDICT_DROP;
		meta->reason = (uint8_t)reason;
		slot = l3->slots[slot].next;
	}
	chain_join(l3, &l3->dropped, &n->held);
	if (n->is_releasing) {
		TAILQ_REMOVE(&l3->releasing, n, releasing);
		n->is_releasing = false;
	}
}

static void
send(struct l3 *l3, const struct l3_neigh *n, struct rte_mbuf *m, struct l3_out *out)
{
	struct pkt_meta *meta = pkt_meta(m);

	memcpy(rte_pktmbuf_mtod(m, void *), l3->nexthops[n - l3->neigh].header, RTE_ETHER_HDR_LEN);
	meta->port_out = n->port;
	meta->verdict = PKT_VERDICT_FORWARD;
	out->m[out->n++] = m;
}

void
l3_hold_flush(struct l3 *l3, struct l3_out *out)
{
	struct l3_neigh *n;

	while (l3->dropped.n > 0 && l3_room(out))
		out->m[out->n++] = chain_pop(l3, &l3->dropped);
	while ((n = TAILQ_FIRST(&l3->releasing)) != NULL && l3_room(out)) {
		while (n->held.n > 0 && l3_room(out))
			send(l3, n, chain_pop(l3, &n->held), out);
		if (n->held.n > 0)
			return;
		TAILQ_REMOVE(&l3->releasing, n, releasing);
		n->is_releasing = false;
		l3_hold_release(l3, n);
	}
}

unsigned int
l3_held(const struct l3 *l3)
{
	return l3->held;
}
