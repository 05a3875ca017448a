/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section "ports": devices, their queues and their own addresses. Called by the reader through the
 * table at the end.
 */
#include <string.h>

#include <rte_common.h>

#include "cfg_priv.h"

#define IPV6_MTU_MIN 1280 /* RFC 8200, 5 */

static void
parse_device(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	static const char expected[] =
			"a device: a PCI address, or a name with arguments such as \"net_tap0,iface=x\"";
	const char *s = cfg_string(r, at, v, expected);
	size_t len, i;
	char *copy;

	if (s == NULL)
		return;
	len = strnlen(s, CFG_DEVICE_MAX + 1);
	for (i = 0; i < len; i++) {
		if (s[i] < '!' || s[i] > '~')
			break;
	}
	if (len == 0 || len > CFG_DEVICE_MAX || i < len) {
		cfg_found(r, at, v, expected);
		return;
	}
	copy = cfg_alloc(r, len + 1, 1);
	if (copy != NULL)
		memcpy(copy, s, len);
	*(const char **)field = copy;
}

/*
 * Why p cannot be an own address, or NULL. A network's first address is no host's (IPv4) or every
 * router's (RFC 4291 2.6.1), and mostly a prefix that somebody wrote where an address belongs. In
 * /31, /32, /127 and /128 all are hosts.
 */
static const char *
not_own(const struct cfg_prefix *p)
{
	unsigned int host_bits = (p->family == 4 ? 32 : 128) - p->len;
	const char *what = cfg_not_unicast(p->family, &p->addr);
	struct cfg_prefix network = cfg_network(p);

	if (what != NULL || host_bits < 2)
		return what;
	if (memcmp(&network.addr, &p->addr, sizeof(p->addr)) == 0)
		return "the network itself";
	if (p->family == 4) {
		uint32_t address = (uint32_t)p->addr.b[0] << 24 | p->addr.b[1] << 16 |
				p->addr.b[2] << 8 | p->addr.b[3];
		uint32_t hosts = UINT32_MAX >> p->len;

		if ((address & hosts) == hosts)
			return "the network's broadcast address";
	}
	return NULL;
}

static void
parse_own_address(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	static const char expected[] =
			"an address with its prefix length such as \"198.51.100.1/24\"";
	const char *text = cfg_string(r, at, v, expected), *what;
	char shown[CFG_SHOWN_MAX];
	struct cfg_prefix p;

	if (text == NULL)
		return;
	if (cfg_prefix_from(text, &p) != 0) {
		cfg_found(r, at, v, expected);
		return;
	}
	what = not_own(&p);
	if (what != NULL)
		cfg_error(r, at, "%s is %s: expected the port's own address in it",
				cfg_show(v, shown), what);
	else
		*(struct cfg_prefix *)field = p;
}

static void
check_port(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good __rte_unused)
{
	const struct cfg_port *port = object;
	const struct cfg_at at_mtu = { .up = at, .key = "mtu" };
	unsigned int i;

	for (i = 0; i < port->n_addresses; i++) {
		if (port->addresses[i].family == 6 && port->mtu > 0 && port->mtu < IPV6_MTU_MIN) {
			cfg_error(r, &at_mtu,
					"%u is too small for a port with IPv6 addresses: expected %u to 65535",
					port->mtu, IPV6_MTU_MIN);
			return;
		}
	}
}

static const struct cfg_word roles[] = {
	{ "external", CFG_EXTERNAL },
	{ "internal", CFG_INTERNAL },
	{ NULL },
};

#define PORT struct cfg_port
static const struct cfg_key keys[] = {
	{ "name", CFG_VALUE, CFG_FIELD(PORT, name), .required = true, .parse = cfg_parse_name,
			.expected = cfg_name_expected },
	{ "device", CFG_VALUE, CFG_FIELD(PORT, device), .parse = parse_device },
	{ "role", CFG_ENUM, CFG_FIELD(PORT, role), .words = roles, .fallback = CFG_EXTERNAL },
	{ "rx-queues", CFG_UINT, CFG_FIELD(PORT, rx_queues), .min = 1, .max = 64,
			.fallback = CFG_AUTO },
	{ "tx-queues", CFG_UINT, CFG_FIELD(PORT, tx_queues), .min = 1, .max = 1024,
			.fallback = CFG_AUTO },
	{ "rx-descriptors", CFG_UINT, CFG_FIELD(PORT, rx_descriptors), .min = 32, .max = 32768,
			.fallback = 1024 },
	{ "tx-descriptors", CFG_UINT, CFG_FIELD(PORT, tx_descriptors), .min = 32, .max = 32768,
			.fallback = 1024 },
	{ "mtu", CFG_UINT, CFG_FIELD(PORT, mtu), .min = 68, .max = 65535, .fallback = 1500 },
	{ "zone", CFG_UINT, CFG_FIELD(PORT, zone), .max = 65535 },
	{ "mac", CFG_VALUE, CFG_FIELD(PORT, mac), .has = offsetof(PORT, has_mac),
			.parse = cfg_parse_mac },
	{ "promiscuous", CFG_BOOL, CFG_FIELD(PORT, promiscuous) },
	{ "addresses", CFG_LIST, CFG_ITEMS(PORT, addresses, n_addresses),
			.max = CFG_PORT_ADDRESSES_MAX, .parse = parse_own_address },
};

const struct cfg_section cfg_port_section = { "port", keys, RTE_DIM(keys), .check = check_port };
