/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tuples: what the slow path does with flow keys. The control lcore calls this when it opens
 * connections, reads quoted packets and reports; what runs for every packet (hash, digest) is
 * inline in flow.h.
 */
#include "base/flow.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

void
flow_tuple_seal(struct flow_tuple *t)
{
	if (t->key.family == 6) {
		t->key.src = t->key.dst = 0;
	} else {
		memcpy(&t->key.src, t->src.b, sizeof(t->key.src));
		memcpy(&t->key.dst, t->dst.b, sizeof(t->key.dst));
	}
}

void
flow_tuple_key(const struct flow_hasher *h, const struct flow_tuple *t, struct flow_key *key)
{
	*key = t->key;
	if (key->family == 6) {
		key->src = flow_hasher_digest6(h, t->src.b);
		key->dst = flow_hasher_digest6(h, t->dst.b);
	} else {
		memcpy(&key->src, t->src.b, sizeof(key->src));
		memcpy(&key->dst, t->dst.b, sizeof(key->dst));
	}
}

struct flow_hasher
flow_hasher_make(enum flow_hash_kind kind, uint32_t seed, const uint64_t secret[2])
{
	static const uint64_t zero[2];
	struct flow_hasher h = { .kind = kind, .seed = seed, .many = siphash13_many_best() };

	for (unsigned int i = 0; i < 2; i++)
		h.key[i] = secret != NULL ? secret[i] : siphash13_words(zero, seed, i);
	return h;
}

/*
 * Queries and their answers: RFC 792 (echo, timestamp, information), RFC 950 (address mask), RFC
 * 4443 (echo), RFC 4620 (node information). Everything else opens nothing: an answer without a
 * question, errors, and messages between routers.
 */
static const struct {
	uint8_t proto;
	uint8_t query;
	uint8_t answer;
} icmp_queries[] = {
	{ IPPROTO_ICMP, 8, 0 },
	{ IPPROTO_ICMP, 13, 14 },
	{ IPPROTO_ICMP, 15, 16 },
	{ IPPROTO_ICMP, 17, 18 },
	{ IPPROTO_ICMPV6, 128, 129 },
	{ IPPROTO_ICMPV6, 139, 140 },
};

/* Type of the answer to a query, or of the query that an answer is to; -1 if it is neither. */
static int
icmp_counterpart(uint8_t proto, uint8_t type, bool *is_query)
{
	for (size_t i = 0; i < RTE_DIM(icmp_queries); i++) {
		if (icmp_queries[i].proto != proto)
			continue;
		*is_query = icmp_queries[i].query == type;
		if (*is_query)
			return icmp_queries[i].answer;
		if (icmp_queries[i].answer == type)
			return icmp_queries[i].query;
	}
	return -1;
}

static bool
is_icmp(const struct flow_key *key)
{
	return key->proto == (key->family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* Turned round; *is_query is true for everything that is not an ICMP answer. */
static bool
turn_round(const struct flow_tuple *t, struct flow_tuple *out, bool *is_query)
{
	const struct flow_tuple in = *t; /* out may be t */

	*is_query = true;
	*out = (struct flow_tuple){
		.key = {
			.family = in.key.family,
			.proto = in.key.proto,
			.zone = in.key.zone,
			.src = in.key.dst,
			.dst = in.key.src,
			.sport = in.key.dport,
			.dport = in.key.sport,
		},
		.src = in.dst,
		.dst = in.src,
	};
	/* A key or an id, and no ports: both directions have it. */
	if (in.key.proto == IPPROTO_GRE || flow_proto_pseudo(in.key.proto)) {
		out->key.sport = in.key.sport;
		out->key.dport = in.key.dport;
	}
	if (is_icmp(&in.key)) {
		uint16_t type_code = rte_be_to_cpu_16(in.key.dport);
		int type = icmp_counterpart(in.key.proto, (uint8_t)(type_code >> 8), is_query);

		if (type < 0)
			return false;
		out->key.sport = in.key.sport;
		out->key.dport = rte_cpu_to_be_16((uint16_t)(type << 8 | (type_code & 0xff)));
	}
	return true;
}

bool
flow_tuple_reply(const struct flow_tuple *t, struct flow_tuple *out)
{
	bool is_query;

	return turn_round(t, out, &is_query) && is_query;
}

bool
flow_tuple_inverse(const struct flow_tuple *t, struct flow_tuple *out)
{
	bool is_query;

	return turn_round(t, out, &is_query);
}

/* Those whose name is worth printing; "icmpv6" and the like as conntrack-tools have them. */
static const struct {
	uint8_t proto;
	const char *name;
} protocols[] = {
	{ IPPROTO_TCP, "tcp" },
	{ IPPROTO_UDP, "udp" },
	{ IPPROTO_SCTP, "sctp" },
	{ IPPROTO_UDPLITE, "udplite" },
	{ IPPROTO_DCCP, "dccp" },
	{ IPPROTO_ICMP, "icmp" },
	{ IPPROTO_ICMPV6, "icmpv6" },
	{ IPPROTO_GRE, "gre" },
	{ IPPROTO_ESP, "esp" },
	{ IPPROTO_AH, "ah" },
	{ FLOW_PROTO_VXLAN, "vxlan" },
	{ FLOW_PROTO_GENEVE, "geneve" },
	{ FLOW_PROTO_GTPU, "gtpu" },
	{ FLOW_PROTO_ANY, "any" },
	{ FLOW_PROTO_RAW, "raw" },
};

const char *
flow_proto_name(uint8_t proto)
{
	for (size_t i = 0; i < RTE_DIM(protocols); i++) {
		if (protocols[i].proto == proto)
			return protocols[i].name;
	}
	return NULL;
}

int
flow_proto_number(const char *name)
{
	for (size_t i = 0; i < RTE_DIM(protocols); i++) {
		if (strcasecmp(protocols[i].name, name) == 0)
			return protocols[i].proto;
	}
	return -1;
}

bool
flow_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
			proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

/* "192.0.2.1:80", "[2001:db8::1]:80", or without the port when it has none. */
static void
endpoint_str(uint8_t family, const struct flow_addr *addr, bool ports, rte_be16_t port, char *buf,
		size_t len)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == 6 ? AF_INET6 : AF_INET, addr->b, text, sizeof(text));
	if (!ports)
		snprintf(buf, len, "%s", text);
	else
		snprintf(buf, len, family == 6 ? "[%s]:%u" : "%s:%u", text, rte_be_to_cpu_16(port));
}

const char *
flow_tuple_str(const struct flow_tuple *t, char *buf, size_t len)
{
	char src[INET6_ADDRSTRLEN + 9], dst[INET6_ADDRSTRLEN + 9], name[12], query[40] = "";
	const struct flow_key *key = &t->key;
	const char *known = flow_proto_name(key->proto);
	const bool ports = flow_has_ports(key->proto);

	if (known != NULL && key->proto != FLOW_PROTO_RAW)
		snprintf(name, sizeof(name), "%s", known);
	else
		snprintf(name, sizeof(name), "proto %u", flow_key_carries(key));
	if (is_icmp(key)) {
		uint16_t type_code = rte_be_to_cpu_16(key->dport);

		snprintf(query, sizeof(query), " type %u code %u id %u", type_code >> 8,
				type_code & 0xff, rte_be_to_cpu_16(key->sport));
	}
	if (key->proto == IPPROTO_GRE && (key->sport | key->dport) != 0)
		snprintf(query, sizeof(query), " key 0x%04x%04x", rte_be_to_cpu_16(key->sport),
				rte_be_to_cpu_16(key->dport));
	if (flow_key_bare(key) && key->proto != FLOW_PROTO_ANY)
		snprintf(query, sizeof(query), " id %u", flow_key_id(key));
	endpoint_str(key->family, &t->src, ports, key->sport, src, sizeof(src));
	endpoint_str(key->family, &t->dst, ports, key->dport, dst, sizeof(dst));
	snprintf(buf, len, "%s %s -> %s%s", name, src, dst, query);
	return buf;
}
