/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sections of sizes and policies: "lcores", "tables", "conntrack" with its timeouts, "l3". Called
 * by the reader through the tables of keys. All of it has defaults: a file need not mention any.
 */
#include <rte_common.h>

#include "cfg_priv.h"

/* Fits coarse ticks (base/time.h) with room to spare. */
#define YEAR_S 31536000

const struct cfg_word cfg_verdicts[] = {
	{ "drop", CFG_DROP },
	{ "forward", CFG_FORWARD },
	{ NULL },
};

/* ---- lcores ---------------------------------------------------------------------------------- */

/* Field: uint16_t. */
static void
parse_lcore(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	char shown[CFG_SHOWN_MAX];

	*(uint16_t *)field = CFG_BAD_REFERENCE;
	if (!json_is_integer(v))
		cfg_found(r, at, v, "the number of an lcore");
	else if (json_integer_value(v) < 0 || json_integer_value(v) > CFG_LCORE_MAX)
		cfg_error(r, at, "%s is out of range: expected 0 to %u", cfg_show(v, shown),
				CFG_LCORE_MAX);
	else
		*(uint16_t *)field = json_integer_value(v);
}

static void
check_lcores(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good __rte_unused)
{
	const struct cfg *cfg = object;
	const struct cfg_at at_workers = { .up = at, .key = "workers" };
	struct cfg_at at_worker = { .up = &at_workers };
	bool seen[CFG_LCORE_MAX + 1] = { false };
	unsigned int i;

	for (i = 0; i < cfg->n_workers; i++) {
		at_worker.index = i;
		if (cfg->workers[i] > CFG_LCORE_MAX)
			continue;
		if (seen[cfg->workers[i]])
			cfg_error(r, &at_worker, "lcore %u is listed before: expected each once",
					cfg->workers[i]);
		seen[cfg->workers[i]] = true;
	}
}

static const struct cfg_key lcores_keys[] = {
	{ "workers", CFG_LIST, CFG_ITEMS(struct cfg, workers, n_workers), .min = 1,
			.max = CFG_WORKERS_MAX, .parse = parse_lcore },
};

const struct cfg_section cfg_lcores_section = { "lcores", lcores_keys, RTE_DIM(lcores_keys),
	.check = check_lcores };

/* ---- tables ---------------------------------------------------------------------------------- */

#define AS_CONNECTIONS UINT32_MAX
#define IPV6_SHARE 4 /* of them, unless the file says more */
#define EXTENDED_SHARE 8

static void
check_tables(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good __rte_unused)
{
	struct cfg_tables *t = object;
	const struct cfg_at at_ipv6 = { .up = at, .key = "connections-ipv6" };
	const struct cfg_at at_extended = { .up = at, .key = "connections-extended" };
	const struct cfg_at at_ring = { .up = at, .key = "ring-size" };

	if (t->connections_ipv6 == AS_CONNECTIONS)
		t->connections_ipv6 = (t->connections + IPV6_SHARE - 1) / IPV6_SHARE;
	if (t->connections > 0 && t->connections_ipv6 > t->connections)
		cfg_error(r, &at_ipv6, "%u is more than \"connections\": expected 0 to %u",
				t->connections_ipv6, t->connections);
	if (t->connections_extended == AS_CONNECTIONS)
		t->connections_extended = t->connections / EXTENDED_SHARE;
	if (t->connections > 0 && t->connections_extended > t->connections)
		cfg_error(r, &at_extended, "%u is more than \"connections\": expected 0 to %u",
				t->connections_extended, t->connections);
	if (t->ring_size & (t->ring_size - 1))
		cfg_error(r, &at_ring, "%u is no power of two: expected %u or %u", t->ring_size,
				rte_align32prevpow2(t->ring_size), rte_align32pow2(t->ring_size));
}

#define TABLES struct cfg_tables
static const struct cfg_key tables_keys[] = {
	{ "connections", CFG_UINT, CFG_FIELD(TABLES, connections), .min = 1, .max = 1u << 30,
			.fallback = 1u << 20 },
	{ "connections-ipv6", CFG_UINT, CFG_FIELD(TABLES, connections_ipv6), .max = 1u << 30,
			.fallback = AS_CONNECTIONS },
	{ "connections-extended", CFG_UINT, CFG_FIELD(TABLES, connections_extended),
			.max = 1u << 30, .fallback = AS_CONNECTIONS },
	{ "next-hops", CFG_UINT, CFG_FIELD(TABLES, next_hops), .min = 1, .max = 65535,
			.fallback = 4096 },
	{ "mbufs", CFG_UINT, CFG_FIELD(TABLES, mbufs), .min = 64, .max = 1u << 26,
			.fallback = 65536 },
	{ "mbuf-size", CFG_UINT, CFG_FIELD(TABLES, mbuf_size), .min = 256, .max = 65535,
			.fallback = 2176 },
	{ "ring-size", CFG_UINT, CFG_FIELD(TABLES, ring_size), .min = 2, .max = 1u << 20,
			.fallback = 4096 },
	{ "hold-per-neighbour", CFG_UINT, CFG_FIELD(TABLES, hold_per_neighbour), .max = 65535,
			.fallback = 16 },
	{ "hold-total", CFG_UINT, CFG_FIELD(TABLES, hold_total), .max = 1u << 20,
			.fallback = 1024 },
};

const struct cfg_section cfg_tables_section = { "tables", tables_keys, RTE_DIM(tables_keys),
	.check = check_tables };

/* ---- conntrack ------------------------------------------------------------------------------- */

#define TIMEOUT(name, f, seconds) \
	{ \
		name, CFG_UINT, CFG_FIELD(struct cfg_timeouts, f), .min = 1, .max = YEAR_S, \
								   .fallback = seconds \
	}
static const struct cfg_key timeouts_keys[] = {
	TIMEOUT("tcp-syn-sent", tcp_syn_sent, 120),
	TIMEOUT("tcp-syn-recv", tcp_syn_recv, 60),
	TIMEOUT("tcp-established", tcp_established, 432000),
	TIMEOUT("tcp-fin-wait", tcp_fin_wait, 120),
	TIMEOUT("tcp-close-wait", tcp_close_wait, 60),
	TIMEOUT("tcp-last-ack", tcp_last_ack, 30),
	TIMEOUT("tcp-time-wait", tcp_time_wait, 120),
	TIMEOUT("tcp-close", tcp_close, 10),
	TIMEOUT("tcp-syn-sent2", tcp_syn_sent2, 120),
	TIMEOUT("tcp-retrans", tcp_retrans, 300),
	TIMEOUT("tcp-unack", tcp_unack, 300),
	TIMEOUT("udp", udp, 30),
	TIMEOUT("udp-stream", udp_stream, 120),
	TIMEOUT("icmp", icmp, 30),
	TIMEOUT("icmpv6", icmpv6, 30),
	TIMEOUT("generic", generic, 600),
	TIMEOUT("sctp-closed", sctp_closed, 10),
	TIMEOUT("sctp-cookie-wait", sctp_cookie_wait, 3),
	TIMEOUT("sctp-cookie-echoed", sctp_cookie_echoed, 3),
	TIMEOUT("sctp-established", sctp_established, 210),
	TIMEOUT("sctp-shutdown-sent", sctp_shutdown_sent, 3),
	TIMEOUT("sctp-shutdown-recd", sctp_shutdown_recd, 3),
	TIMEOUT("sctp-shutdown-ack-sent", sctp_shutdown_ack_sent, 3),
	TIMEOUT("sctp-heartbeat-sent", sctp_heartbeat_sent, 30),
	TIMEOUT("gre", gre, 30),
	TIMEOUT("gre-stream", gre_stream, 180),
	TIMEOUT("dccp-request", dccp_request, 240),
	TIMEOUT("dccp-respond", dccp_respond, 480),
	TIMEOUT("dccp-partopen", dccp_partopen, 480),
	TIMEOUT("dccp-open", dccp_open, 43200),
	TIMEOUT("dccp-closereq", dccp_closereq, 64),
	TIMEOUT("dccp-closing", dccp_closing, 64),
	TIMEOUT("dccp-timewait", dccp_timewait, 240),
};

const struct cfg_section cfg_timeouts_section = { "timeouts", timeouts_keys,
	RTE_DIM(timeouts_keys) };

static const struct cfg_word checksums[] = {
	{ "all", CFG_CHECKSUM_ALL },
	{ "slow-path", CFG_CHECKSUM_SLOW_PATH },
	{ "off", CFG_CHECKSUM_OFF },
	{ NULL },
};

static const struct cfg_word hashes[] = {
	{ "crc32c", CFG_HASH_CRC32C },
	{ "siphash", CFG_HASH_SIPHASH },
	{ NULL },
};

#define CONNTRACK struct cfg_conntrack
static const struct cfg_key conntrack_keys[] = {
	{ "invalid", CFG_ENUM, CFG_FIELD(CONNTRACK, invalid), .words = cfg_verdicts,
			.fallback = CFG_DROP },
	{ "full", CFG_ENUM, CFG_FIELD(CONNTRACK, full), .words = cfg_verdicts,
			.fallback = CFG_DROP },
	{ "checksum", CFG_ENUM, CFG_FIELD(CONNTRACK, checksum), .words = checksums,
			.fallback = CFG_CHECKSUM_ALL },
	{ "tcp-loose", CFG_BOOL, CFG_FIELD(CONNTRACK, tcp_loose), .fallback = true },
	{ "tcp-liberal", CFG_BOOL, CFG_FIELD(CONNTRACK, tcp_liberal) },
	{ "tcp-ignore-invalid-rst", CFG_BOOL, CFG_FIELD(CONNTRACK, tcp_ignore_invalid_rst) },
	{ "tcp-max-retrans", CFG_UINT, CFG_FIELD(CONNTRACK, tcp_max_retrans), .max = 255,
			.fallback = 3 },
	{ "hash", CFG_ENUM, CFG_FIELD(CONNTRACK, hash), .words = hashes,
			.fallback = CFG_HASH_CRC32C },
	{ "early-drop", CFG_UINT, CFG_FIELD(CONNTRACK, early_drop), .max = 100, .fallback = 95 },
	{ "hash-seed", CFG_UINT, CFG_FIELD(CONNTRACK, hash_seed),
			.has = offsetof(CONNTRACK, has_hash_seed), .max = UINT32_MAX },
	{ "timeouts", CFG_OBJECT, CFG_FIELD(CONNTRACK, timeouts),
			.section = &cfg_timeouts_section },
	{ "timeout-policies", CFG_LIST, CFG_ITEMS(CONNTRACK, timeout_policies, n_timeout_policies),
			.max = CFG_TIMEOUT_POLICIES_MAX, .section = &cfg_timeout_policy_section },
	{ "rules", CFG_LIST, CFG_ITEMS(CONNTRACK, rules, n_rules), .max = CFG_RULES_MAX,
			.section = &cfg_ct_rule_section },
	{ "syn-cookies", CFG_OBJECT, CFG_FIELD(CONNTRACK, syn_cookies),
			.section = &cfg_syn_cookies_section },
};

const struct cfg_section cfg_conntrack_section = { "conntrack", conntrack_keys,
	RTE_DIM(conntrack_keys) };

/* ---- l3 -------------------------------------------------------------------------------------- */

static const struct cfg_key l3_keys[] = {
	{ "multicast", CFG_ENUM, CFG_FIELD(struct cfg_l3, multicast), .words = cfg_verdicts,
			.fallback = CFG_DROP },
	{ "icmp-rate", CFG_UINT, CFG_FIELD(struct cfg_l3, icmp_rate), .max = 1000000,
			.fallback = 1000 },
};

const struct cfg_section cfg_l3_section = { "l3", l3_keys, RTE_DIM(l3_keys) };
