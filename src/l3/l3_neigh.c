/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops, which are neighbours: one table, found by (port, family, address) or by index. Control
 * lcore writes; workers read only struct l3_nexthop.
 *
 * Life of an entry (RFC 4861 7.3.2, for ARP as well; there is no DELAY state, as forwarding proves
 * nothing about a neighbour):
 *
 *     INCOMPLETE --answer--> REACHABLE --30 s--> STALE --referenced--> asked, and still in use:
 *         | 3 questions                            ^               itself 3 times, then all 3 times
 *         v                                        | news unasked     |   answer: REACHABLE
 *       FAILED <---------- no answer ---------------------------------+
 *
 * No walks: entries with timers lie on lists in order of deadline, which is their order of arrival
 * because all timers of a kind are equally long. A tick looks at the heads. A full table takes back
 * what nobody references, worthless first: failed, never asked, stale, and at last the oldest
 * unanswered question: a scan of a connected /8 only replaces its own entries.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_vect.h>

#include "l3_priv.h"

/* Heads of the list of questions that are looked at for one without references. */
#define TAKE_BACK_TRIES 16

static uint16_t
index_of(const struct l3 *l3, const struct l3_neigh *n)
{
	return (uint16_t)(n - l3->neigh);
}

/* ---- lists ---- */

static enum l3_list
list_for(const struct l3_neigh *n)
{
	if (n->family == 0)
		return L3_LIST_FREE;
	if (n->probing)
		return L3_LIST_PROBE;
	if (n->state == L3_NEIGH_REACHABLE)
		return L3_LIST_REACHABLE;
	if (n->state == L3_NEIGH_STATIC || n->refs > 0)
		return L3_LIST_NONE;
	if (n->state == L3_NEIGH_FAILED)
		return L3_LIST_FAILED;
	return n->state == L3_NEIGH_STALE ? L3_LIST_STALE : L3_LIST_IDLE;
}

/* To the end of the list where its state belongs. */
static void
relist(struct l3 *l3, struct l3_neigh *n)
{
	if (n->list != L3_LIST_NONE)
		TAILQ_REMOVE(&l3->lists[n->list], n, link);
	n->list = (uint8_t)list_for(n);
	if (n->list != L3_LIST_NONE)
		TAILQ_INSERT_TAIL(&l3->lists[n->list], n, link);
}

/* Due at once: before those that are due in order. */
static void
probe_next_tick(struct l3 *l3, struct l3_neigh *n)
{
	n->probing = true;
	n->deadline = 0;
	relist(l3, n);
	TAILQ_REMOVE(&l3->lists[L3_LIST_PROBE], n, link);
	TAILQ_INSERT_HEAD(&l3->lists[L3_LIST_PROBE], n, link);
}

/* ---- table ---- */

struct l3_neigh *
l3_neigh_find(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	struct l3_key key = l3_key_of(port, family, addr);
	void *data;

	if (rte_hash_lookup_data(l3->neigh_by_addr, &key, &data) < 0)
		return NULL;
	return &l3->neigh[(uintptr_t)data];
}

static void
entry_free(struct l3 *l3, struct l3_neigh *n)
{
	struct l3_key key = l3_key_of(n->port, n->family, &n->addr);
	struct l3_nexthop *nh = &l3->nexthops[index_of(l3, n)];

	l3_hold_abandon(l3, n, DROP_NEIGH_FULL);
	rte_hash_del_key(l3->neigh_by_addr, &key);
	__atomic_store_n(&nh->usable, 0, __ATOMIC_RELEASE);
	nh->port = UINT16_MAX;
	n->family = 0;
	n->probing = false;
	n->resolved = false;
	relist(l3, n);
}

static struct l3_neigh *
take_back(struct l3 *l3)
{
	static const enum l3_list worth[] = { L3_LIST_FAILED, L3_LIST_IDLE, L3_LIST_STALE };
	struct l3_neigh *n;
	unsigned int i = 0;

	for (i = 0; i < RTE_DIM(worth); i++) {
		n = TAILQ_FIRST(&l3->lists[worth[i]]);
		if (n != NULL)
			return n;
	}
	i = 0;
	TAILQ_FOREACH(n, &l3->lists[L3_LIST_PROBE], link) {
		if (n->refs == 0 && n->state == L3_NEIGH_INCOMPLETE)
			return n;
		if (++i == TAKE_BACK_TRIES)
			break;
	}
	return NULL;
}

static int
entry_new(struct l3 *l3, const struct l3_key *key)
{
	struct l3_neigh *n = TAILQ_FIRST(&l3->lists[L3_LIST_FREE]);
	struct l3_nexthop *nh;

	if (n == NULL) {
		n = take_back(l3);
		if (n == NULL)
			return -ENOSPC;
		entry_free(l3, n);
	}
	if (rte_hash_add_key_data(l3->neigh_by_addr, key, (void *)(uintptr_t)index_of(l3, n)) != 0)
		return -ENOSPC;
	n->addr = key->addr;
	n->port = key->port;
	n->family = key->family;
	n->state = L3_NEIGH_INCOMPLETE;
	n->refs = 0;
	n->probes = 0;
	relist(l3, n);
	nh = &l3->nexthops[index_of(l3, n)];
	nh->port = n->port;
	nh->mtu = l3->ports[n->port].mtu;
	return index_of(l3, n);
}

int
l3_neigh_get(struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	struct l3_neigh *n = l3_neigh_find(l3, port, family, addr);
	struct l3_key key;

	if (n != NULL)
		return index_of(l3, n);
	/* A packet routed back to ourselves would ask the link for our own address. */
	if (!l3_addr_is_host(l3, port, family, addr) || l3_is_own(l3, family, addr))
		return -ENETUNREACH;
	key = l3_key_of(port, family, addr);
	return entry_new(l3, &key);
}

void
l3_nexthop_ref(struct l3 *l3, uint16_t nexthop)
{
	struct l3_neigh *n = &l3->neigh[nexthop];

	if (n->refs++ > 0)
		return;
	if (n->state == L3_NEIGH_STALE)
		l3_neigh_suspect(l3, n);
	else if (list_for(n) != n->list)
		relist(l3, n);
}

void
l3_nexthop_unref(struct l3 *l3, uint16_t nexthop)
{
	struct l3_neigh *n = &l3->neigh[nexthop];

	n->refs--;
	if (list_for(n) != n->list)
		relist(l3, n);
}

/* ---- what is learnt ---- */

/* One store of 16 bytes: see struct l3_nexthop. */
typedef xmm_t header_unit __rte_may_alias;

static void
header_write(struct l3 *l3, const struct l3_neigh *n)
{
	struct {
		struct rte_ether_hdr eth;
		uint16_t unused;
	} header = { .eth = { .dst_addr = n->mac, .src_addr = l3->ports[n->port].mac } };
	header_unit unit;

	_Static_assert(sizeof(header) == sizeof(unit), "14 bytes and 2");
	header.eth.ether_type = rte_cpu_to_be_16(
			n->family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	memcpy(&unit, &header, sizeof(unit));
	*(volatile header_unit *)l3->nexthops[index_of(l3, n)].header = unit;
}

static void
resolve(struct l3 *l3, struct l3_neigh *n, const struct rte_ether_addr *mac)
{
	if (!n->resolved || !l3_mac_same(&n->mac, mac)) {
		n->mac = *mac;
		header_write(l3, n);
	}
	n->resolved = true;
	l3_hold_release(l3, n);
}

void
l3_neigh_confirm(struct l3 *l3, struct l3_neigh *n, const struct rte_ether_addr *mac, uint64_t now)
{
	if (n->state == L3_NEIGH_STATIC)
		return;
	resolve(l3, n, mac);
	n->state = L3_NEIGH_REACHABLE;
	n->probing = false;
	n->deadline = now + L3_REACHABLE_NS;
	relist(l3, n);
}

void
l3_neigh_suspect(struct l3 *l3, struct l3_neigh *n)
{
	if (n->state == L3_NEIGH_STATIC || n->state == L3_NEIGH_INCOMPLETE)
		return;
	if (n->state == L3_NEIGH_REACHABLE)
		n->state = L3_NEIGH_STALE;
	n->probes = 0;
	if (n->refs > 0) {
		probe_next_tick(l3, n);
	} else {
		n->probing = false;
		relist(l3, n);
	}
}

void
l3_neigh_update(struct l3 *l3, struct l3_neigh *n, const struct rte_ether_addr *mac)
{
	if (n->state == L3_NEIGH_STATIC)
		return;
	if (n->resolved && l3_mac_same(&n->mac, mac))
		return;
	resolve(l3, n, mac);
	n->state = L3_NEIGH_STALE;
	l3_neigh_suspect(l3, n);
}

void
l3_neigh_learn(struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr,
		const struct rte_ether_addr *mac)
{
	struct l3_neigh *n = l3_neigh_find(l3, port, family, addr);
	int index;

	if (n == NULL) {
		if (TAILQ_EMPTY(&l3->lists[L3_LIST_FREE]) ||
				!l3_own_on_link(l3, port, family, addr))
			return;
		index = l3_neigh_get(l3, port, family, addr);
		if (index < 0)
			return;
		n = &l3->neigh[index];
	}
	l3_neigh_update(l3, n, mac);
}

/* ---- asking ---- */

static void
fail(struct l3 *l3, struct l3_neigh *n, uint64_t now)
{
	__atomic_store_n(&l3->nexthops[index_of(l3, n)].usable, 0, __ATOMIC_RELEASE);
	n->state = L3_NEIGH_FAILED;
	n->resolved = false;
	n->probing = false;
	n->deadline = now + L3_FAILED_NS;
	l3_hold_abandon(l3, n, DROP_NEIGH_FAILED);
	relist(l3, n);
}

/* The next question, or the end of asking. `cause`: the packet that wants it, or NULL (timer). */
static void
ask(struct l3 *l3, struct l3_neigh *n, struct rte_mbuf *cause, uint64_t now, struct l3_out *out)
{
	/*
	 * One whose MAC is known is asked itself first; when that fails, all, as its MAC may have
	 * changed.
	 */
	bool unicast = n->resolved && n->probes < L3_PROBES;

	if (n->probes >= (n->resolved ? 2 * L3_PROBES : L3_PROBES)) {
		fail(l3, n, now);
		return;
	}
	if (!l3_room(out)) {
		probe_next_tick(l3, n);
		return;
	}
	if (n->family == 4)
		l3_arp_ask(l3, n, unicast, cause, out);
	else
		l3_nd_ask(l3, n, unicast, cause, out);
	n->probes++;
	n->probing = true;
	n->deadline = now + L3_RETRANS_NS;
	relist(l3, n);
}

int
l3_hold(struct l3 *l3, uint16_t nexthop, struct rte_mbuf *m, uint64_t now, struct l3_out *out)
{
	struct l3_neigh *n = &l3->neigh[nexthop];
	int rc;

	if (nexthop == 0 || nexthop > l3->max_nexthops || n->family == 0)
		return -EHOSTUNREACH;
	if (n->state == L3_NEIGH_FAILED) {
		if (now < n->deadline)
			return -EHOSTUNREACH;
		n->state = L3_NEIGH_INCOMPLETE;
	}
	/* Held or not: the next packet may be luckier. */
	if (!n->resolved && !n->probing) {
		n->probes = 0;
		ask(l3, n, m, now, out);
	}
	rc = l3_hold_push(l3, n, m);
	if (rc == 0 && n->resolved) {
		l3_hold_release(l3, n);
		l3_hold_flush(l3, out);
	}
	return rc;
}

void
l3_tick(struct l3 *l3, uint64_t now, struct l3_out *out)
{
	struct l3_neigh *n;
	unsigned int i;

	l3_hold_flush(l3, out);
	for (i = 0; i < L3_TICK_WORK; i++) {
		n = TAILQ_FIRST(&l3->lists[L3_LIST_REACHABLE]);
		if (n == NULL || now < n->deadline)
			break;
		l3_neigh_suspect(l3, n);
	}
	for (i = 0; i < L3_TICK_WORK && l3_room(out); i++) {
		n = TAILQ_FIRST(&l3->lists[L3_LIST_PROBE]);
		if (n == NULL || now < n->deadline)
			break;
		ask(l3, n, NULL, now, out);
	}
	l3_hold_flush(l3, out);
}

/* ---- creation, reading ---- */

static int
static_add(struct l3 *l3, const struct l3_neighbour_params *s)
{
	struct l3_neigh *n;
	int index;

	if (s->port >= l3->n_ports || (s->family != 4 && s->family != 6) ||
			!l3_mac_is_station(&s->mac))
		return -EINVAL;
	if (l3_neigh_find(l3, s->port, s->family, &s->addr) != NULL)
		return -EEXIST;
	index = l3_neigh_get(l3, s->port, s->family, &s->addr);
	if (index < 0)
		return index == -ENETUNREACH ? -EINVAL : index;
	n = &l3->neigh[index];
	n->state = L3_NEIGH_STATIC;
	relist(l3, n);
	resolve(l3, n, &s->mac);
	return 0;
}

int
l3_neigh_create(struct l3 *l3, const struct l3_params *p)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < L3_LIST_COUNT; i++)
		TAILQ_INIT(&l3->lists[i]);
	l3->max_nexthops = p->max_nexthops;
	l3->neigh_by_addr = l3_hash_create(p->name, "_neigh", p->max_nexthops, p->socket_id);
	if (l3->neigh_by_addr == NULL)
		return -rte_errno;
	l3->neigh = rte_calloc_socket("l3_neigh", (size_t)p->max_nexthops + 1, sizeof(*l3->neigh),
			0, p->socket_id);
	l3->nexthops = rte_calloc_socket("l3_nexthops", (size_t)p->max_nexthops + 1,
			sizeof(*l3->nexthops), RTE_CACHE_LINE_SIZE, p->socket_id);
	if (l3->neigh == NULL || l3->nexthops == NULL)
		return -ENOMEM;
	for (i = 0; i <= p->max_nexthops; i++) {
		l3->nexthops[i].port = UINT16_MAX;
		l3->neigh[i].list = L3_LIST_NONE;
		if (i > 0)
			relist(l3, &l3->neigh[i]);
	}
	for (i = 0; i < p->n_neighbours && rc == 0; i++)
		rc = static_add(l3, &p->neighbours[i]);
	return rc;
}

void
l3_neigh_destroy(struct l3 *l3)
{
	rte_free(l3->neigh);
	rte_free(l3->nexthops);
	rte_hash_free(l3->neigh_by_addr);
}

const struct l3_nexthop *
l3_nexthops(const struct l3 *l3)
{
	return l3->nexthops;
}

int
l3_neighbour_info(const struct l3 *l3, uint16_t nexthop, struct l3_neighbour_info *out)
{
	const struct l3_neigh *n;

	if (nexthop == 0 || nexthop > l3->max_nexthops || l3->neigh[nexthop].family == 0)
		return -ENOENT;
	n = &l3->neigh[nexthop];
	*out = (struct l3_neighbour_info){
		.port = n->port,
		.family = n->family,
		.state = (enum l3_neighbour_state)n->state,
		.addr = n->addr,
		.held = n->held.n,
	};
	if (n->resolved)
		out->mac = n->mac;
	return 0;
}
