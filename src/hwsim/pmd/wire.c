/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which kind of wire a text asks for, and how its options are read. Called when a port is made; never while frames run.
 * Texts come from devargs, which anybody may have written: every part at fault is named.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "wire.h"

static const struct {
	const char *name;
	int (*open)(const struct wire_params *params, const char *options, struct wire **w,
			struct sim_error *e);
} kinds[] = {
	{ "loop", wire_loop_open },
	{ "none", wire_none_open },
	{ "peer", wire_peer_open },
	{ "pcap", wire_pcap_open },
	{ "tap", wire_tap_open },
	{ "gen", wire_gen_open },
};

int
wire_open(const struct wire_params *params, struct wire **w, struct sim_error *e)
{
	const char *text = params->text != NULL && params->text[0] != '\0' ? params->text : "loop";
	const size_t len = strcspn(text, ":");
	const char *options = text[len] == ':' ? text + len + 1 : "";

	*w = NULL;
	for (size_t i = 0; i < RTE_DIM(kinds); i++) {
		if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, text, len) == 0)
			return kinds[i].open(params, options, w, e);
	}
	return sim_fail(e, EINVAL,
			"wire=%.*s: no such kind; there are loop, none, peer, pcap, tap, gen",
			(int)RTE_MIN(len, 64u), text);
}

/* The next option: *key and *value point into `options`, with lengths; false: there is none. */
struct option {
	const char *key, *value;
	size_t key_len, value_len;
};

static bool
next_option(const char **options, struct option *o)
{
	const char *s = *options;
	size_t len;

	while (*s == ';')
		s++;
	if (*s == '\0')
		return false;
	len = strcspn(s, ";");
	o->key = s;
	o->key_len = strcspn(s, ";=");
	o->value = s + o->key_len + (s[o->key_len] == '=');
	o->value_len = (size_t)(s + len - o->value);
	*options = s + len;
	return true;
}

static bool
is_key(const struct option *o, const char *key)
{
	return strlen(key) == o->key_len && memcmp(key, o->key, o->key_len) == 0;
}

int
wire_option(const char *options, const char *key, char *value, size_t size)
{
	struct option o;

	while (next_option(&options, &o)) {
		if (!is_key(&o, key))
			continue;
		if (o.value_len >= size)
			return -E2BIG;
		memcpy(value, o.value, o.value_len);
		value[o.value_len] = '\0';
		return 0;
	}
	return -ENOENT;
}

/* A key twice is an error too: of two values one would silently not count. */
int
wire_option_check(const char *options, const char *const *known, struct sim_error *e)
{
	uint64_t seen = 0;
	struct option o;

	while (next_option(&options, &o)) {
		const int len = (int)RTE_MIN(o.key_len, 64u);
		unsigned int i;

		for (i = 0; known[i] != NULL && !is_key(&o, known[i]); i++)
			;
		if (known[i] == NULL)
			return sim_fail(e, EINVAL, "%.*s: no such option of this wire", len, o.key);
		if (o.value == o.key + o.key_len)
			return sim_fail(e, EINVAL, "%.*s: wants a value, as in %.*s=VALUE", len,
					o.key, len, o.key);
		if ((seen >> i & 1) != 0)
			return sim_fail(e, EINVAL, "%.*s: given twice", len, o.key);
		seen |= UINT64_C(1) << i;
	}
	return 0;
}

/* Digits, with a fraction if `scaled`, then k, M or G. *unit is what follows. */
static int
parse_scaled(const char *s, double *v, bool *scaled, const char **unit)
{
	char *end;

	/* strtod() would take "inf", hexadecimal and signs. */
	if (s[0] < '0' || s[0] > '9' || s[1] == 'x' || s[1] == 'X')
		return -EINVAL;
	*v = strtod(s, &end);
	*scaled = true;
	if (*end == 'k' || *end == 'K')
		*v *= 1e3;
	else if (*end == 'M')
		*v *= 1e6;
	else if (*end == 'G')
		*v *= 1e9;
	else
		*scaled = false;
	*unit = end + (*scaled ? 1 : 0);
	return *v < 1e18 ? 0 : -EINVAL;
}

int
wire_option_u64(const char *options, const char *key, uint64_t max, uint64_t *v,
		struct sim_error *e)
{
	static const uint64_t scales[] = {
		['k'] = 1000, ['K'] = 1000, ['M'] = 1000000, ['G'] = 1000000000
	};
	char text[64];
	uint64_t scale = 1, n;
	char *end;
	const int err = wire_option(options, key, text, sizeof(text));

	if (err == -ENOENT)
		return 0;
	if (err != 0 || text[0] < '0' || text[0] > '9')
		return sim_fail(e, EINVAL, "%s: not a number", key);
	errno = 0;
	n = strtoull(text, &end, 0);
	if ((unsigned char)*end < RTE_DIM(scales) && scales[(unsigned char)*end] != 0)
		scale = scales[(unsigned char)*end++];
	if (errno != 0 || *end != '\0')
		return sim_fail(e, EINVAL, "%s=%s: not a number", key, text);
	if (n > max / scale)
		return sim_fail(e, ERANGE, "%s=%s: at most %llu", key, text,
				(unsigned long long)max);
	*v = n * scale;
	return 0;
}

int
wire_option_rate(const char *options, struct wire_rate *rate, struct sim_error *e)
{
	char text[64];
	const char *unit;
	bool scaled, pps;
	double v;
	const int err = wire_option(options, "rate", text, sizeof(text));

	*rate = (struct wire_rate){ 0 };
	if (err == -ENOENT || (err == 0 && strcmp(text, "max") == 0))
		return 0;
	if (err != 0 || parse_scaled(text, &v, &scaled, &unit) != 0)
		return sim_fail(e, EINVAL, "rate: not a rate such as 1000000, 10Mpps, 10G or max");
	pps = strcmp(unit, "pps") == 0 || (!scaled && *unit == '\0');
	if (!pps && *unit != '\0' && strcmp(unit, "bps") != 0)
		return sim_fail(e, EINVAL, "rate=%s: unit %s, not pps or bps", text, unit);
	/* An upper bound that keeps products with ns within 64 bits; 1 Tpps and 10 Tbit/s are far off. */
	if (v < 1 || v > (pps ? 1e12 : 1e13))
		return sim_fail(e, ERANGE, "rate=%s: from 1 to 1000 Gpps or 10000 Gbps", text);
	if (pps)
		rate->pps = (uint64_t)v;
	else
		rate->bps = (uint64_t)v;
	return 0;
}

struct rte_mbuf *
wire_mbuf(struct rte_mempool *pool, uint16_t ethdev, const uint8_t *data, uint32_t len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *m = head;

	while (m != NULL) {
		const uint16_t k = (uint16_t)RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m));

		memcpy(rte_pktmbuf_mtod(m, uint8_t *), data, k);
		m->data_len = k;
		head->pkt_len += k;
		data += k;
		len -= k;
		if (len == 0) {
			head->port = ethdev;
			return head;
		}
		m->next = k != 0 && head->nb_segs < RTE_MBUF_MAX_NB_SEGS ? rte_pktmbuf_alloc(pool)
									 : NULL;
		m = m->next;
		head->nb_segs++;
	}
	if (head != NULL)
		head->nb_segs--;
	rte_pktmbuf_free(head);
	return NULL;
}
