/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Own addresses and VIPs: one hash of (port, family, address). All of them are in it under
 * L3_PORT_ANY; own addresses under their port, too, and VIPs under L3_PORT_VIP. Immutable after
 * creation. The slow path asks for every packet that opens a connection, so the questions l3_is_own() and
 * l3_is_vip() are one look-up each; the others walk the few addresses of one port.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_jhash.h>
#include <rte_malloc.h>
#include <rte_random.h>

#include "l3_priv.h"

struct l3_key
l3_key_of(uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	struct l3_key key = { .port = port, .family = family };

	memcpy(key.addr.b, addr->b, family == 4 ? 4 : 16);
	return key;
}

/*
 * Seeded at random, because strangers choose the addresses that are looked up (and those of
 * neighbours that are entered); with an extendable table, because rte_hash otherwise may refuse
 * before it is full. Nothing iterates over it, so that the seed does not show.
 */
struct rte_hash *
l3_hash_create(const char *name, const char *suffix, uint32_t entries, int socket_id)
{
	char full[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters hp = {
		.name = full,
		.entries = RTE_MAX(entries, UINT32_C(64)),
		.key_len = sizeof(struct l3_key),
		.hash_func = rte_jhash,
		.hash_func_init_val = (uint32_t)rte_rand(),
		.socket_id = socket_id,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	snprintf(full, sizeof(full), "%s%s", name, suffix);
	return rte_hash_create(&hp);
}

static bool
prefix_ok(const struct l3_prefix *x)
{
	return (x->family == 4 && x->len <= 32) || (x->family == 6 && x->len <= 128);
}

static int
own_add(struct l3 *l3, uint16_t port, const struct l3_prefix *x)
{
	struct l3_key key = l3_key_of(port, x->family, &x->addr);
	int rc = rte_hash_add_key(l3->own, &key);

	return rc < 0 ? rc : 0;
}

/* RFC 4291 appendix A: modified EUI-64, under fe80::/64. */
static struct flow_addr
link_local_of(const struct rte_ether_addr *mac)
{
	const uint8_t *b = mac->addr_bytes;

	return (struct flow_addr){ { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, (uint8_t)(b[0] ^ 2), b[1], b[2],
			0xff, 0xfe, b[3], b[4], b[5] } };
}

static int
port_create(struct l3 *l3, uint16_t index, const struct l3_port_params *pp, int socket_id)
{
	struct l3_port *port = &l3->ports[index];
	bool ip6 = false;
	unsigned int i;
	int rc = 0;

	*port = (struct l3_port){
		.mac = pp->mac,
		.mtu = pp->mtu,
		.answer_vips = pp->answer_vips,
		.link_local = link_local_of(&pp->mac),
	};
	port->addresses = rte_calloc_socket(
			"l3_addr", pp->n_addresses + 1, sizeof(*port->addresses), 0, socket_id);
	if (port->addresses == NULL)
		return -ENOMEM;
	for (i = 0; i < pp->n_addresses; i++) {
		if (!prefix_ok(&pp->addresses[i]))
			return -EINVAL;
		port->addresses[port->n_addresses++] = pp->addresses[i];
		ip6 |= pp->addresses[i].family == 6;
	}
	if (ip6)
		port->addresses[port->n_addresses++] = (struct l3_prefix){
			.family = 6, .len = 64, .addr = port->link_local
		};
	for (i = 0; i < port->n_addresses && rc == 0; i++) {
		rc = own_add(l3, index, &port->addresses[i]);
		if (rc == 0)
			rc = own_add(l3, L3_PORT_ANY, &port->addresses[i]);
	}
	return rc;
}

int
l3_own_create(struct l3 *l3, const struct l3_params *p)
{
	uint64_t entries = 2 * (uint64_t)p->n_vips;
	unsigned int i;
	int rc = 0;

	for (i = 0; i < p->n_ports; i++)
		entries += 2 * ((uint64_t)p->ports[i].n_addresses + 1);
	if (entries > L3_ROUTES_MAX)
		return -E2BIG;
	l3->own = l3_hash_create(p->name, "_own", (uint32_t)entries, p->socket_id);
	if (l3->own == NULL)
		return -rte_errno;
	l3->ports = rte_calloc_socket("l3_ports", p->n_ports, sizeof(*l3->ports), 0, p->socket_id);
	if (l3->ports == NULL)
		return -ENOMEM;
	l3->n_ports = p->n_ports;
	for (i = 0; i < p->n_ports && rc == 0; i++)
		rc = port_create(l3, (uint16_t)i, &p->ports[i], p->socket_id);
	for (i = 0; i < p->n_vips && rc == 0; i++) {
		if (p->vips[i].family != 4 && p->vips[i].family != 6)
			return -EINVAL;
		rc = own_add(l3, L3_PORT_VIP, &p->vips[i]);
		if (rc == 0)
			rc = own_add(l3, L3_PORT_ANY, &p->vips[i]);
	}
	return rc;
}

void
l3_own_destroy(struct l3 *l3)
{
	unsigned int i;

	for (i = 0; i < l3->n_ports; i++)
		rte_free(l3->ports[i].addresses);
	rte_free(l3->ports);
	rte_hash_free(l3->own);
}

static bool
own_has(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	struct l3_key key = l3_key_of(port, family, addr);

	return rte_hash_lookup(l3->own, &key) >= 0;
}

bool
l3_is_own(const struct l3 *l3, uint8_t family, const struct flow_addr *addr)
{
	return own_has(l3, L3_PORT_ANY, family, addr);
}

bool
l3_is_vip(const struct l3 *l3, uint8_t family, const struct flow_addr *addr)
{
	return own_has(l3, L3_PORT_VIP, family, addr);
}

bool
l3_own_answers(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	return own_has(l3, port, family, addr) ||
			(l3->ports[port].answer_vips && l3_is_vip(l3, family, addr));
}

bool
l3_own_receives(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	if (l3_addr_is_link_local(family, addr))
		return own_has(l3, port, family, addr);
	return l3_is_own(l3, family, addr);
}

/* Do the first `len` bits agree? */
static bool
same_prefix(const struct flow_addr *a, const struct flow_addr *b, uint8_t len)
{
	unsigned int whole = len / 8;

	if (memcmp(a->b, b->b, whole) != 0)
		return false;
	return len % 8 == 0 || (uint8_t)(a->b[whole] ^ b->b[whole]) >> (8 - len % 8) == 0;
}

/*
 * Link-local IPv6 neighbours are asked for by nobody but as gateways, and those are entered from
 * the start.
 */
bool
l3_own_on_link(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	const struct l3_port *p = &l3->ports[port];
	unsigned int i;

	for (i = 0; i < p->n_addresses; i++) {
		const struct l3_prefix *x = &p->addresses[i];

		if (x->family == family && same_prefix(&x->addr, addr, x->len))
			return family == 4 || !l3_addr_is_link_local(family, addr);
	}
	return false;
}

/*
 * The prefix that contains `towards`, the longest; else the first address that is not link-local
 * (RFC 6724 5).
 */
const struct flow_addr *
l3_own_source(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *towards)
{
	const struct l3_port *p = &l3->ports[port];
	const struct l3_prefix *best = NULL;
	bool best_contains = false;
	unsigned int i;

	for (i = 0; i < p->n_addresses; i++) {
		const struct l3_prefix *x = &p->addresses[i];
		bool contains;

		if (x->family != family)
			continue;
		contains = same_prefix(&x->addr, towards, x->len);
		if (contains ? !best_contains || x->len > best->len
			     : best == NULL && !l3_addr_is_link_local(family, &x->addr)) {
			best = x;
			best_contains = contains;
		}
	}
	return best == NULL ? NULL : &best->addr;
}

bool
l3_addr_is_link_local(uint8_t family, const struct flow_addr *addr)
{
	if (family == 4)
		return addr->b[0] == 169 && addr->b[1] == 254;
	return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

/*
 * RFC 919, RFC 922, and the all-zeros form of RFC 1812 4.2.3.1. /31 and /32 have neither (RFC
 * 3021).
 */
bool
l3_addr_is_broadcast(const struct l3 *l3, uint16_t port_index, uint8_t family,
		const struct flow_addr *addr)
{
	const struct l3_port *port = &l3->ports[port_index];
	uint32_t ip, host;
	unsigned int i;

	if (family != 4)
		return false;
	memcpy(&ip, addr->b, sizeof(ip));
	ip = rte_be_to_cpu_32(ip);
	for (i = 0; i < port->n_addresses; i++) {
		const struct l3_prefix *x = &port->addresses[i];

		if (x->family != 4 || x->len > 30 || !same_prefix(&x->addr, addr, x->len))
			continue;
		host = UINT32_MAX >> x->len;
		if ((ip & host) == 0 || (ip & host) == host)
			return true;
	}
	return false;
}

bool
l3_addr_is_host(const struct l3 *l3, uint16_t port, uint8_t family, const struct flow_addr *addr)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	static const uint8_t unspecified6[16];

	if (family == 4)
		return addr->b[0] != 0 && addr->b[0] != 127 && addr->b[0] < 224 &&
				!l3_addr_is_broadcast(l3, port, 4, addr);
	return addr->b[0] != 0xff && memcmp(addr->b, loopback6, 16) != 0 &&
			memcmp(addr->b, unspecified6, 16) != 0;
}
