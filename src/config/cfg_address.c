/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses, prefixes and MACs, from text and back. Called through the tables of the sections and
 * by the checks. Strict: one way to write a thing, so that the schema's patterns and this file
 * agree.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cfg_priv.h"

const char cfg_address_expected[] = "an IPv4 or IPv6 address";
const char cfg_prefix_expected[] = "a prefix such as \"198.51.100.0/24\" or \"2001:db8::/32\"";
const char cfg_mac_expected[] = "a MAC address such as \"02:00:00:00:00:01\"";

static unsigned int
address_bits(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

int
cfg_address_from(const char *text, uint8_t *family, struct flow_addr *out)
{
	bool v6 = strchr(text, ':') != NULL;

	memset(out, 0, sizeof(*out));
	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, out->b) != 1)
		return -EINVAL;
	*family = v6 ? 6 : 4;
	return 0;
}

int
cfg_prefix_from(const char *text, struct cfg_prefix *out)
{
	char address[CFG_PREFIX_STRLEN];
	const char *slash = strchr(text, '/'), *digit;
	unsigned int len = 0;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, slash - text);
	address[slash - text] = '\0';
	if (cfg_address_from(address, &out->family, &out->addr) != 0)
		return -EINVAL;
	digit = slash + 1;
	if (strspn(digit, "0123456789") != strlen(digit) || digit[0] == '\0' || strlen(digit) > 3 ||
			(digit[0] == '0' && digit[1] != '\0'))
		return -EINVAL;
	for (; *digit; digit++)
		len = 10 * len + (*digit - '0');
	if (len > address_bits(out->family))
		return -EINVAL;
	out->len = len;
	return 0;
}

const char *
cfg_address_str(uint8_t family, const struct flow_addr *a, char buf[CFG_PREFIX_STRLEN])
{
	if (inet_ntop(family == 4 ? AF_INET : AF_INET6, a->b, buf, CFG_PREFIX_STRLEN) == NULL)
		buf[0] = '\0';
	return buf;
}

const char *
cfg_prefix_str(const struct cfg_prefix *p, char buf[CFG_PREFIX_STRLEN])
{
	size_t len;

	cfg_address_str(p->family, &p->addr, buf);
	len = strlen(buf);
	snprintf(buf + len, CFG_PREFIX_STRLEN - len, "/%u", p->len);
	return buf;
}

/* Mask of the network's bits in byte i. */
static uint8_t
mask_byte(unsigned int len, unsigned int i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	return len <= 8 * i ? 0 : 0xff00 >> (len - 8 * i);
}

struct cfg_prefix
cfg_network(const struct cfg_prefix *p)
{
	struct cfg_prefix n = *p;
	unsigned int i;

	for (i = 0; i < sizeof(n.addr.b); i++)
		n.addr.b[i] &= mask_byte(n.len, i);
	return n;
}

bool
cfg_prefix_covers(const struct cfg_prefix *p, uint8_t family, const struct flow_addr *a)
{
	unsigned int i;

	if (p->family != family)
		return false;
	for (i = 0; 8 * i < p->len; i++) {
		if ((p->addr.b[i] ^ a->b[i]) & mask_byte(p->len, i))
			return false;
	}
	return true;
}

bool
cfg_link_local(uint8_t family, const struct flow_addr *a)
{
	return family == 6 && a->b[0] == 0xfe &&
			(a->b[1] & 0xc0) == 0x80; /* fe80::/10, RFC 4291 2.5.6 */
}

const char *
cfg_not_unicast(uint8_t family, const struct flow_addr *a)
{
	static const struct flow_addr zero, mapped = { .b = { [10] = 0xff, 0xff } };

	if (memcmp(a, &zero, sizeof(zero)) == 0)
		return "the unspecified address";
	if (family == 6) {
		if (a->b[0] == 0xff)
			return "a multicast address";
		return memcmp(a, &mapped, 12) == 0 ? "an IPv4-mapped address" : NULL;
	}
	if (a->b[0] >= 0xf0)
		return memcmp(a->b, "\xff\xff\xff\xff", 4) == 0 ? "the broadcast address" : NULL;
	return a->b[0] >= 0xe0 ? "a multicast address" : NULL;
}

bool
cfg_unicast(struct cfg_reader *r, const struct cfg_at *at, json_t *v, uint8_t *family,
		struct flow_addr *out)
{
	const char *text = cfg_string(r, at, v, cfg_address_expected), *what;
	char shown[CFG_SHOWN_MAX];
	uint8_t f;

	*family = 0;
	if (text == NULL)
		return false;
	if (cfg_address_from(text, &f, out) != 0) {
		cfg_found(r, at, v, cfg_address_expected);
		return false;
	}
	what = cfg_not_unicast(f, out);
	if (what != NULL) {
		cfg_error(r, at, "%s is %s: expected a host's", cfg_show(v, shown), what);
		return false;
	}
	*family = f;
	return true;
}

void
cfg_parse_network(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	const char *text = cfg_string(r, at, v, cfg_prefix_expected);
	char shown[CFG_SHOWN_MAX], buf[CFG_PREFIX_STRLEN];
	struct cfg_prefix p, network;

	if (text == NULL)
		return;
	if (cfg_prefix_from(text, &p) != 0) {
		cfg_found(r, at, v, cfg_prefix_expected);
		return;
	}
	network = cfg_network(&p);
	if (memcmp(&network.addr, &p.addr, sizeof(p.addr)) != 0) {
		cfg_error(r, at, "%s has host bits set: expected \"%s\"", cfg_show(v, shown),
				cfg_prefix_str(&network, buf));
		return;
	}
	*(struct cfg_prefix *)field = p;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
cfg_hex_from(const char *text, char separator, uint8_t *out, unsigned int max)
{
	unsigned int n = 0;

	for (;;) {
		int hi, lo;

		if (n == max || (hi = hex(text[0])) < 0 || (lo = hex(text[1])) < 0)
			return -EINVAL;
		out[n++] = hi << 4 | lo;
		text += 2;
		if (*text == '\0')
			return n;
		if (separator != '\0' && *text++ != separator)
			return -EINVAL;
	}
}

void
cfg_parse_mac(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	const char *text = cfg_string(r, at, v, cfg_mac_expected);
	struct rte_ether_addr mac;
	char shown[CFG_SHOWN_MAX];

	if (text == NULL)
		return;
	if (cfg_hex_from(text, ':', mac.addr_bytes, RTE_ETHER_ADDR_LEN) != RTE_ETHER_ADDR_LEN) {
		cfg_found(r, at, v, cfg_mac_expected);
		return;
	}
	if (!rte_is_valid_assigned_ether_addr(&mac)) {
		cfg_error(r, at, "%s is a group address or zero: expected a station's",
				cfg_show(v, shown));
		return;
	}
	*(struct rte_ether_addr *)field = mac;
}
