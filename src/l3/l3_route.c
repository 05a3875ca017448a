/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Longest prefix match: what is configured, and the prefixes of own addresses (connected). Control
 * lcore; filled once, at creation. Look-ups happen only when a connection opens (twice) and for
 * packets of no connection.
 *
 * The table's value is either the neighbour entry of a gateway, found at creation and referenced
 * for good, or, above all of those, a port whose neighbours are the destinations themselves.
 *
 * Which rte_fib: a million openings a second leave the control lcore about 800 cycles for each.
 * Cycles a look-up, measured on a 2.6 GHz Xeon, hitting addresses under random routes:
 *
 *     routes               16    64   256  1,000  10,000  100,000  1,000,000
 *     IPv4 tree (DUMMY)    40    59    73     99     160    1,163      2,632
 *     IPv4 DIR24_8          8     8    10      9      17       35        113
 *     IPv6 tree (DUMMY)   232   321   416    494     734    2,555
 *     IPv6 TRIE            35    40    45     49      76      268
 *
 * The fast ones take 32 MB before the first route (16 M entries of 2 bytes; 64 MB where values or
 * second-level tables exceed 15 bits): too much for a capture replayed in 512 MB or a test, so
 * small tables are trees.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "l3_priv.h"

#define TREE_MAX4 256
#define TREE_MAX6 16

#define NO_ROUTE 0
/* Two-byte entries keep one bit for "look in the second level". */
#define MAX_2B ((1u << 15) - 1)

/* Routes of both origins, in one shape. */
struct sum {
	uint32_t routes;
	uint64_t tbl8; /* second-level tables needed, at most */
};

static struct flow_addr
masked(const struct l3_prefix *x)
{
	struct flow_addr addr = { { 0 } };
	unsigned int whole = x->len / 8;

	memcpy(addr.b, x->addr.b, whole);
	if (x->len % 8 != 0)
		addr.b[whole] = x->addr.b[whole] & (uint8_t)(0xff00 >> (x->len % 8));
	return addr;
}

static uint32_t
host_order4(const struct flow_addr *addr)
{
	rte_be32_t ip;

	memcpy(&ip, addr->b, sizeof(ip));
	return rte_be_to_cpu_32(ip);
}

static int
prefix_check(const struct l3_prefix *x)
{
	if (x->family == 4)
		return x->len <= 32 ? 0 : -EINVAL;
	return x->family == 6 && x->len <= 128 ? 0 : -EINVAL;
}

static uint32_t
value_of_port(const struct l3 *l3, uint16_t port)
{
	return l3->max_nexthops + 1 + port;
}

/*
 * IPv4: a second-level table for every /24 with longer prefixes in it. `seen`: a bit for each.
 * IPv6: rte_fib6 reserves a table for each byte of a prefix beyond 24 bits, shared or not.
 */
static void
count_one(struct sum *s, const struct l3_prefix *x, uint8_t *seen)
{
	uint32_t top;

	s->routes++;
	if (x->len <= 24)
		return;
	if (x->family == 6) {
		s->tbl8 += (x->len - 24u + 7) / 8;
		return;
	}
	top = host_order4(&x->addr) >> 8;
	if (seen[top / 8] & 1u << top % 8)
		return;
	seen[top / 8] |= (uint8_t)(1u << top % 8);
	s->tbl8++;
}

static int
count(const struct l3 *l3, const struct l3_params *p, struct sum *sum4, struct sum *sum6)
{
	uint8_t *seen = calloc(1, (1u << 24) / 8);
	unsigned int i, j;

	if (seen == NULL)
		return -ENOMEM;
	for (i = 0; i < l3->n_ports; i++) {
		for (j = 0; j < l3->ports[i].n_addresses; j++) {
			const struct l3_prefix *x = &l3->ports[i].addresses[j];

			count_one(x->family == 4 ? sum4 : sum6, x, seen);
		}
	}
	for (i = 0; i < p->n_routes; i++)
		count_one(p->routes[i].prefix.family == 4 ? sum4 : sum6, &p->routes[i].prefix,
				seen);
	free(seen);
	return 0;
}

static int
tables_create(struct l3 *l3, const struct l3_params *p, const struct sum *sum4,
		const struct sum *sum6)
{
	uint32_t largest = value_of_port(l3, (uint16_t)(l3->n_ports - 1));
	char name[RTE_HASH_NAMESIZE];
	struct rte_fib_conf conf4 = {
		.type = sum4->routes <= TREE_MAX4 ? RTE_FIB_DUMMY : RTE_FIB_DIR24_8,
		.default_nh = NO_ROUTE,
		.max_routes = (int)sum4->routes + 1,
	};
	struct rte_fib6_conf conf6 = {
		.type = sum6->routes <= TREE_MAX6 ? RTE_FIB6_DUMMY : RTE_FIB6_TRIE,
		.default_nh = NO_ROUTE,
		.max_routes = (int)sum6->routes + 1,
	};

	if (conf4.type == RTE_FIB_DIR24_8) {
		conf4.dir24_8.num_tbl8 = (uint32_t)sum4->tbl8 + 1;
		conf4.dir24_8.nh_sz = RTE_MAX(largest, conf4.dir24_8.num_tbl8) <= MAX_2B
				? RTE_FIB_DIR24_8_2B
				: RTE_FIB_DIR24_8_4B;
	}
	if (conf6.type == RTE_FIB6_TRIE) {
		conf6.trie.num_tbl8 = (uint32_t)sum6->tbl8 + 1;
		conf6.trie.nh_sz = RTE_MAX(largest, conf6.trie.num_tbl8) <= MAX_2B
				? RTE_FIB6_TRIE_2B
				: RTE_FIB6_TRIE_4B;
	}
	snprintf(name, sizeof(name), "%s_4", p->name);
	l3->fib4 = rte_fib_create(name, p->socket_id, &conf4);
	if (l3->fib4 == NULL)
		return -rte_errno;
	snprintf(name, sizeof(name), "%s_6", p->name);
	l3->fib6 = rte_fib6_create(name, p->socket_id, &conf6);
	return l3->fib6 == NULL ? -rte_errno : 0;
}

static int
add(struct l3 *l3, const struct l3_prefix *x, uint32_t value)
{
	struct flow_addr addr = masked(x);

	if (x->family == 4)
		return rte_fib_add(l3->fib4, host_order4(&addr), x->len, value);
	/* void *: newer DPDK has a type of its own for these 16 bytes. */
	return rte_fib6_add(l3->fib6, (const void *)addr.b, x->len, value);
}

static int
add_configured(struct l3 *l3, const struct l3_route_params *r)
{
	int index;

	if (r->on_link)
		return add(l3, &r->prefix, value_of_port(l3, r->port));
	index = l3_neigh_get(l3, r->port, r->prefix.family, &r->via);
	if (index < 0)
		return index == -ENETUNREACH ? -EINVAL : index;
	l3_nexthop_ref(l3, (uint16_t)index);
	return add(l3, &r->prefix, (uint32_t)index);
}

/*
 * Configured routes come after connected ones and replace them where the prefix is the same; so
 * does the later of two.
 */
int
l3_route_create(struct l3 *l3, const struct l3_params *p)
{
	struct sum sum4 = { 0 }, sum6 = { 0 };
	unsigned int i, j;
	int rc;

	for (i = 0; i < p->n_routes; i++) {
		if (prefix_check(&p->routes[i].prefix) != 0 || p->routes[i].port >= p->n_ports)
			return -EINVAL;
	}
	rc = count(l3, p, &sum4, &sum6);
	if (rc == 0)
		rc = tables_create(l3, p, &sum4, &sum6);
	for (i = 0; i < l3->n_ports && rc == 0; i++) {
		const struct l3_port *port = &l3->ports[i];

		for (j = 0; j < port->n_addresses && rc == 0; j++) {
			/* Link-local is on every port at once: no table can tell which is meant. */
			if (!l3_addr_is_link_local(6, &port->addresses[j].addr) ||
					port->addresses[j].family == 4)
				rc = add(l3, &port->addresses[j], value_of_port(l3, (uint16_t)i));
		}
	}
	for (i = 0; i < p->n_routes && rc == 0; i++)
		rc = add_configured(l3, &p->routes[i]);
	return rc;
}

void
l3_route_destroy(struct l3 *l3)
{
	if (l3->fib4 != NULL)
		rte_fib_free(l3->fib4);
	if (l3->fib6 != NULL)
		rte_fib6_free(l3->fib6);
}

static uint32_t
look_up(struct l3 *l3, uint8_t family, const struct flow_addr *dst)
{
	uint64_t value = NO_ROUTE;

	if (family == 4) {
		uint32_t ip = host_order4(dst);

		/*
		 * 0/8, 127/8, multicast and class E have no way out, whatever the default route
		 * (RFC 1812 5.3.7).
		 */
		if (ip >> 24 == 0 || ip >> 24 == 127 || ip >= 0xe0000000)
			return NO_ROUTE;
		rte_fib_lookup_bulk(l3->fib4, &ip, &value, 1);
	} else {
		struct flow_addr ip = *dst;

		if (ip.b[0] == 0xff || l3_addr_is_link_local(6, dst))
			return NO_ROUTE;
		rte_fib6_lookup_bulk(l3->fib6, (void *)&ip, &value, 1);
	}
	return (uint32_t)value;
}

bool
l3_has_route(struct l3 *l3, uint8_t family, const struct flow_addr *dst)
{
	return look_up(l3, family, dst) != NO_ROUTE;
}

int
l3_route(struct l3 *l3, uint8_t family, const struct flow_addr *dst)
{
	uint32_t value = look_up(l3, family, dst);

	if (value == NO_ROUTE)
		return -ENETUNREACH;
	if (value <= l3->max_nexthops)
		return (int)value;
	return l3_neigh_get(l3, (uint16_t)(value - l3->max_nexthops - 1), family, dst);
}

int
l3_route_on(struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *dst)
{
	uint32_t value = look_up(l3, family, dst);

	if (port >= l3->n_ports)
		return -ENETUNREACH;
	if (value != NO_ROUTE && value <= l3->max_nexthops && l3->neigh[value].port == port)
		return (int)value;
	return l3_neigh_get(l3, port, family, dst);
}
