/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of the generator's options, see gen_text.h. Called when a port is made.
 */
#include "gen_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#define TEXT_MAX 1024

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int
gen_text_word(const char *options, const char *key, const char *const *words, struct gen_word *w,
		struct sim_error *e)
{
	char text[64];
	char *colon, *end;
	uint8_t i;
	const int err = wire_option(options, key, text, sizeof(text));

	if (err == -ENOENT)
		return 0;
	if (err != 0)
		return sim_fail(e, EINVAL, "%s: too long", key);
	colon = strchr(text, ':');
	if (colon != NULL)
		*colon = '\0';
	for (i = 0; words[i] != NULL && strcmp(words[i], text) != 0; i++)
		;
	if (words[i] == NULL)
		return sim_fail(e, EINVAL, "%s=%s: no such word here", key, text);
	w->index = i;
	w->has_value = colon != NULL;
	if (colon == NULL)
		return 0;
	w->value = strtod(colon + 1, &end);
	/* strtod() takes "nan" and hexadecimal too. */
	if (!is_digit(colon[1]) || strspn(colon + 1, "0123456789.") != (size_t)(end - colon - 1) ||
			*end != '\0')
		return sim_fail(e, EINVAL, "%s=%s: not a number behind the colon", key, text);
	return 0;
}

int
gen_text_net_of(const char *text, const char *key, int family, struct gen_net *net,
		struct sim_error *e)
{
	const unsigned long width = family == AF_INET ? 32 : 128;
	unsigned long len = width;
	uint8_t host;
	char copy[64];
	char *slash, *end;
	uint32_t low;

	if (strlen(text) >= sizeof(copy))
		return sim_fail(e, EINVAL, "%s: not an address or prefix", key);
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash != NULL) {
		*slash = '\0';
		len = is_digit(slash[1]) ? strtoul(slash + 1, &end, 10) : width + 1;
		if (len > width || *end != '\0')
			return sim_fail(e, EINVAL, "%s=%s: length of the prefix", key, text);
	}
	*net = (struct gen_net){ .given = true };
	if (inet_pton(family, copy, net->addr + (family == AF_INET ? 12 : 0)) != 1)
		return sim_fail(e, EINVAL, "%s=%s: not an IPv%c address", key, text,
				family == AF_INET ? '4' : '6');
	/* Of a wider prefix only the last 32 bits vary. */
	host = (uint8_t)RTE_MIN(width - len, 32u);
	net->mask = host == 0 ? 0 : UINT32_MAX >> (32 - host);
	memcpy(&low, net->addr + 12, sizeof(low));
	net->low = rte_be_to_cpu_32(low) & ~net->mask;
	return 0;
}

int
gen_text_net(const char *options, const char *key, int family, struct gen_net *net,
		struct sim_error *e)
{
	char text[64];
	const int err = wire_option(options, key, text, sizeof(text));

	if (err == -ENOENT)
		return err;
	if (err != 0)
		return sim_fail(e, EINVAL, "%s: not an address or prefix", key);
	return gen_text_net_of(text, key, family, net, e);
}

int
gen_text_ports(const char *options, const char *key, struct gen_ports *p, struct sim_error *e)
{
	unsigned long first, last;
	char text[16];
	char *end = text;
	const int err = wire_option(options, key, text, sizeof(text));

	if (err == -ENOENT)
		return 0;
	first = last = err == 0 && is_digit(text[0]) ? strtoul(text, &end, 10) : 0;
	if (*end == '-' && is_digit(end[1]))
		last = strtoul(end + 1, &end, 10);
	if (err != 0 || *end != '\0' || first == 0 || last < first || last > UINT16_MAX)
		return sim_fail(e, EINVAL, "%s: a port or a range such as 1024-65535", key);
	p->first = (uint16_t)first;
	p->bits = (uint8_t)rte_fls_u32((uint32_t)(last - first + 1)) - 1;
	return 0;
}

int
gen_text_mac(const char *options, const char *key, uint8_t mac[6], struct sim_error *e)
{
	struct rte_ether_addr a;
	char text[32];
	const int err = wire_option(options, key, text, sizeof(text));

	if (err == -ENOENT)
		return 0;
	if (err != 0 || rte_ether_unformat_addr(text, &a) != 0)
		return sim_fail(e, EINVAL, "%s: not a MAC address", key);
	memcpy(mac, a.addr_bytes, 6);
	return 0;
}

/* --- sizes --- */

#define SIZE_LEAST 64ul
#define SIZE_MOST ((unsigned long)SIM_FRAME_MAX + GEN_FCS)

static int
add_size(struct gen_conf *c, unsigned long size, unsigned long weight)
{
	if (size < SIZE_LEAST || size > SIZE_MOST || weight == 0 ||
			weight > GEN_SIZES_MAX - c->n_sizes)
		return -ERANGE;
	while (weight-- > 0)
		c->size[c->n_sizes++] = (uint16_t)(size - GEN_FCS);
	return 0;
}

static int
uniform(struct gen_conf *c, unsigned long from, unsigned long to)
{
	free(c->size);
	c->size = NULL;
	if (from < SIZE_LEAST || to > SIZE_MOST || from > to)
		return -ERANGE;
	c->size = calloc(to - from + 1, sizeof(*c->size));
	if (c->size == NULL)
		return -ENOMEM;
	for (unsigned long s = from; s <= to; s++)
		c->size[c->n_sizes++] = (uint16_t)(s - GEN_FCS);
	return 0;
}

static int
parse_sizes(const char *s, struct gen_conf *c)
{
	for (;;) {
		unsigned long size, weight = 1;
		char *end;

		if (!is_digit(*s))
			return -EINVAL;
		size = strtoul(s, &end, 10);
		if (*end == '-' && c->n_sizes == 0 && is_digit(end[1])) {
			const unsigned long to = strtoul(end + 1, &end, 10);

			return *end == '\0' ? uniform(c, size, to) : -EINVAL;
		}
		if (*end == ':') {
			if (!is_digit(end[1]))
				return -EINVAL;
			weight = strtoul(end + 1, &end, 10);
		}
		if (add_size(c, size, weight) != 0)
			return -ERANGE;
		if (*end == '\0')
			return 0;
		if (*end != '/')
			return -EINVAL;
		s = end + 1;
	}
}

int
gen_text_sizes(const char *options, struct gen_conf *c, struct sim_error *e)
{
	char text[TEXT_MAX] = "64";
	int err = wire_option(options, "size", text, sizeof(text));

	if (err != 0 && err != -ENOENT)
		return sim_fail(e, EINVAL, "size: too long a list");
	/* Datagrams of 40, 576 and 1500 bytes, 7:4:1: what is commonly called simple IMIX. */
	if (strcmp(text, "imix") == 0)
		strcpy(text, "64:7/594:4/1518:1");
	c->size = calloc(GEN_SIZES_MAX, sizeof(*c->size));
	if (c->size == NULL)
		return sim_fail(e, ENOMEM, "size: no memory");
	err = parse_sizes(text, c);
	if (err == -ERANGE)
		return sim_fail(e, ERANGE, "size=%.64s: from %lu to %lu, weights up to %u in all",
				text, SIZE_LEAST, SIZE_MOST, GEN_SIZES_MAX);
	if (err != 0)
		return sim_fail(e, -err,
				"size=%.64s: not as 64, 64-1500, imix or 64:7/594:4/1518:1", text);
	c->size_min = UINT16_MAX;
	for (uint32_t i = 0; i < c->n_sizes; i++) {
		c->size_min = RTE_MIN(c->size_min, c->size[i]);
		c->size_max = RTE_MAX(c->size_max, c->size[i]);
	}
	return 0;
}
