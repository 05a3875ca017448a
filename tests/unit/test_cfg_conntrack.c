/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What configurations say about connections: how they are tracked, for how long, what is answered
 * by SYN cookies, events, fragments, limits. The rest of a configuration: test_cfg.c.
 */
#include <netinet/in.h>

#include "test_cfg.h"

static void
test_conntrack(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_conntrack *c = &cfg->conntrack;

	(void)state;
	assert_int_equal(c->invalid, CFG_FORWARD);
	assert_int_equal(c->full, CFG_FORWARD);
	assert_int_equal(c->checksum, CFG_CHECKSUM_SLOW_PATH);
	assert_false(c->tcp_loose);
	assert_true(c->tcp_liberal);
	assert_true(c->tcp_ignore_invalid_rst);
	assert_int_equal(c->tcp_max_retrans, 9);
	assert_true(c->has_hash_seed);
	assert_int_equal(c->hash_seed, UINT32_MAX);
	assert_int_equal(c->hash, CFG_HASH_SIPHASH);
	assert_int_equal(c->early_drop, 0);
	assert_int_equal(cfg->n_zones, 5);
	assert_int_equal(cfg->zones[0].id, 5);
	assert_int_equal(cfg->zones[0].limit, 0);
	assert_int_equal(cfg->zones[1].id, 65535);
	assert_int_equal(cfg->zones[1].limit, 100000);
	assert_int_equal(cfg_zone_keys(cfg, 5), FLOW_KEYS_5TUPLE);
	assert_int_equal(cfg_zone_keys(cfg, 6), FLOW_KEYS_ADDRESSES);
	assert_int_equal(cfg_zone_keys(cfg, 7), FLOW_KEYS_5TUPLE);
	assert_int_equal(cfg_zone_keys(cfg, 8), FLOW_KEYS_TUNNEL);
	assert_int_equal(cfg_zone_keys(cfg, 9), FLOW_KEYS_5TUPLE);
	cfg_free(cfg);
}

static void
test_timeouts(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_timeouts *s = &cfg->conntrack.timeouts;
	const uint32_t timeouts[] = { s->tcp_syn_sent, s->tcp_syn_recv, s->tcp_established,
		s->tcp_fin_wait, s->tcp_close_wait, s->tcp_last_ack, s->tcp_time_wait, s->tcp_close,
		s->tcp_syn_sent2, s->tcp_retrans, s->tcp_unack, s->udp, s->udp_stream, s->icmp,
		s->icmpv6, s->generic, s->sctp_closed, s->sctp_cookie_wait, s->sctp_cookie_echoed,
		s->sctp_established, s->sctp_shutdown_sent, s->sctp_shutdown_recd,
		s->sctp_shutdown_ack_sent, s->sctp_heartbeat_sent, s->gre, s->gre_stream,
		s->dccp_request, s->dccp_respond, s->dccp_partopen, s->dccp_open, s->dccp_closereq,
		s->dccp_closing, s->dccp_timewait };
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(timeouts); i++)
		assert_int_equal(timeouts[i], i + 1);
	assert_int_equal(sizeof(*s), sizeof(timeouts));
	cfg_free(cfg);
}

static void
test_cookies(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_conntrack *c = &cfg->conntrack;

	(void)state;
	assert_int_equal(c->syn_cookies.mode, CFG_COOKIES_ON);
	assert_int_equal(c->syn_cookies.protect, CFG_PROTECT_ALL);
	assert_int_equal(c->syn_cookies.threshold, 77);
	assert_int_equal(c->syn_cookies.mss, 1400);
	assert_int_equal(c->syn_cookies.window_scale, 3);
	assert_false(c->syn_cookies.timestamps);
	cfg_free(cfg);
}

static void
test_events_and_fragments(void **state)
{
	struct cfg *cfg = load_full();

	(void)state;
	assert_int_equal(cfg->events.ring, 7);
	assert_true(cfg->events.always);
	assert_false(cfg->events.new);
	assert_false(cfg->events.update);
	assert_false(cfg->events.destroy);
	assert_int_equal(cfg->fragments.datagrams, 7);
	assert_int_equal(cfg->fragments.per_source, 3);
	assert_int_equal(cfg->fragments.memory, 100);
	assert_int_equal(cfg->fragments.timeout, 5);
	cfg_free(cfg);
}

static void
test_timeout_policies(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_timeout_policy *p = cfg->conntrack.timeout_policies;
	struct cfg_timeouts short_ = cfg->conntrack.timeouts;

	(void)state;
	assert_int_equal(cfg->conntrack.n_timeout_policies, 3);
	assert_string_equal(p[0].name, "short");
	assert_string_equal(p[2].name, "slower");
	short_.udp = 77;
	/* What is left out is as in this file, not as in the manual. */
	assert_memory_equal(&p[0].timeouts, &short_, sizeof(short_));
	assert_memory_equal(&p[1].timeouts, &cfg->conntrack.timeouts, sizeof(short_));
	assert_memory_equal(&p[2].timeouts, &cfg->conntrack.timeouts, sizeof(short_));
	cfg_free(cfg);
}

static void
test_conntrack_rules(void **state)
{
	static const uint8_t number[CFG_LABEL_LEN] = { [13] = 0xc0, 0xff, 0xee };
	struct cfg *cfg = load_full();
	const struct cfg_ct_rule *r = cfg->conntrack.rules;

	(void)state;
	assert_int_equal(cfg->conntrack.n_rules, 3);
	assert_prefix(&r[0].match.source, "10.0.0.0", 8);
	assert_prefix(&r[0].match.destination, "10.1.0.0", 16);
	assert_int_equal(r[0].match.family, 4);
	assert_int_equal(r[0].match.source_port.lo, 53);
	assert_int_equal(r[0].match.source_port.hi, 53);
	assert_int_equal(r[0].match.destination_port.lo, 1024);
	assert_int_equal(r[0].match.proto, IPPROTO_TCP);
	assert_int_equal(r[0].match.in_port, 1);
	assert_int_equal(r[0].service, 1);
	assert_true(r[0].has_zone && r[0].commit && r[0].force && r[0].has_mark && r[0].has_label);
	assert_int_equal(r[0].zone, 65535);
	assert_int_equal(r[0].policy, 2);
	assert_int_equal(r[0].helper, CFG_HELPER_FTP);
	assert_int_equal(r[0].mark, UINT32_MAX);
	for (unsigned int i = 0; i < CFG_LABEL_LEN; i++)
		assert_int_equal(r[0].label[i], i);
	assert_int_equal(r[1].match.in_port, CFG_ANY_PORT);
	assert_int_equal(r[1].match.destination_port.hi, UINT16_MAX);
	assert_int_equal(r[1].service, CFG_ANY_SERVICE);
	assert_true(r[1].has_zone);
	assert_int_equal(r[1].zone, 0);
	assert_int_equal(r[1].policy, 0);
	assert_int_equal(r[1].helper, CFG_HELPER_NONE);
	assert_false(r[1].commit || r[1].force || r[1].has_mark || r[1].has_label);
	assert_int_equal(r[2].helper, CFG_HELPER_TFTP);
	assert_true(r[2].has_mark && r[2].commit);
	assert_false(r[2].has_zone);
	assert_memory_equal(r[2].label, number, sizeof(number));
	cfg_free(cfg);
}

static void
test_limits(void **state)
{
	struct cfg *cfg = load(
			"{\"ports\": [{\"name\": \"a\"}, {\"name\": \"b\"}],"
			"\"services\": [{\"name\": \"web\", \"vip\": \"192.0.2.10\", \"protocol\": \"tcp\","
			"\"port\": 80, \"backends\": [{\"address\": \"10.0.0.11\"}]}],"
			"\"sets\": [{\"name\": \"s\", \"prefixes\": [\"10.0.0.0/8\", \"2001:db8::/32\"]},"
			"{\"name\": \"t\", \"prefixes\": [\"::/0\"]}],"
			"\"limits\": [{\"name\": \"one\", \"by\": \"destination\", \"prefix-length\": 24,"
			"\"prefix-length-ipv6\": 48, \"connections\": 1000, \"rate\": 100, \"burst\": 200,"
			"\"action\": \"reset\", \"set\": \"t\", \"not-set\": \"s\", \"service\": \"web\","
			"\"protocol\": \"tcp\", \"destination-port\": \"80-90\", \"zone\": 3, \"port\": \"b\","
			"\"entries\": 100}, {\"name\": \"two\", \"rate\": 7},"
			"{\"name\": \"three\", \"by\": \"all\", \"connections\": 5, \"action\": \"count\"}]}");
	const struct cfg_limit *l = cfg->limits;

	(void)state;
	assert_int_equal(cfg->n_sets, 2);
	assert_string_equal(cfg->sets[0].name, "s");
	assert_int_equal(cfg->sets[0].n_prefixes, 2);
	assert_prefix(&cfg->sets[0].prefixes[0], "10.0.0.0", 8);
	assert_prefix(&cfg->sets[0].prefixes[1], "2001:db8::", 32);
	assert_int_equal(cfg->n_limits, 3);
	assert_string_equal(l->name, "one");
	assert_int_equal(l->by, CFG_BY_DESTINATION);
	assert_int_equal(l->action, CFG_LIMIT_RESET);
	assert_int_equal(l->prefix_length, 24);
	assert_int_equal(l->prefix_length_ipv6, 48);
	assert_int_equal(l->connections, 1000);
	assert_int_equal(l->rate, 100);
	assert_int_equal(l->burst, 200);
	assert_int_equal(l->set, 1);
	assert_int_equal(l->not_set, 0);
	assert_int_equal(l->service, 0);
	assert_int_equal(l->proto, IPPROTO_TCP);
	assert_int_equal(l->destination_port.lo, 80);
	assert_int_equal(l->destination_port.hi, 90);
	assert_true(l->has_zone);
	assert_int_equal(l->zone, 3);
	assert_int_equal(l->in_port, 1);
	assert_int_equal(l->entries, 100);
	l++; /* defaults */
	assert_int_equal(l->by, CFG_BY_SOURCE);
	assert_int_equal(l->action, CFG_LIMIT_DROP);
	assert_int_equal(l->prefix_length, 32);
	assert_int_equal(l->prefix_length_ipv6, 64);
	assert_int_equal(l->connections, 0);
	assert_int_equal(l->burst, 7); /* as rate */
	assert_int_equal(l->set, CFG_NO_SET);
	assert_int_equal(l->not_set, CFG_NO_SET);
	assert_int_equal(l->service, CFG_ANY_SERVICE);
	assert_int_equal(l->proto, 0);
	assert_int_equal(l->destination_port.lo, 0);
	assert_int_equal(l->destination_port.hi, UINT16_MAX);
	assert_false(l->has_zone);
	assert_int_equal(l->in_port, CFG_ANY_PORT);
	assert_int_equal(l->entries, 65536);
	l++;
	assert_int_equal(l->by, CFG_BY_ALL);
	assert_int_equal(l->action, CFG_LIMIT_COUNT);
	assert_int_equal(l->rate, 0);
	assert_int_equal(l->burst, 0);
	cfg_free(cfg);
}

/* What the documentation says is the default. */
static void
test_defaults(void **state)
{
	struct cfg *cfg = load("{\"ports\": [{\"name\": \"a\"}]}");
	const struct cfg_timeouts timeouts = { 120, 60, 432000, 120, 60, 30, 120, 10, 120, 300, 300,
		30, 120, 30, 30, 600, 10, 3, 3, 210, 3, 3, 3, 30, 30, 180, 240, 480, 480, 43200, 64,
		64, 240 };

	(void)state;
	assert_memory_equal(&cfg->conntrack.timeouts, &timeouts, sizeof(timeouts));
	assert_int_equal(cfg->conntrack.invalid, CFG_DROP);
	assert_int_equal(cfg->conntrack.full, CFG_DROP);
	assert_int_equal(cfg->conntrack.checksum, CFG_CHECKSUM_ALL);
	assert_true(cfg->conntrack.tcp_loose);
	assert_false(cfg->conntrack.tcp_liberal);
	assert_false(cfg->conntrack.tcp_ignore_invalid_rst);
	assert_int_equal(cfg->conntrack.tcp_max_retrans, 3);
	assert_false(cfg->conntrack.has_hash_seed);
	assert_int_equal(cfg->conntrack.hash, CFG_HASH_CRC32C);
	assert_int_equal(cfg->conntrack.early_drop, 95);
	assert_int_equal(cfg->n_zones, 0);
	assert_int_equal(cfg->conntrack.syn_cookies.mode, CFG_COOKIES_AUTO);
	assert_int_equal(cfg->conntrack.syn_cookies.protect, CFG_PROTECT_SERVICES);
	assert_int_equal(cfg->conntrack.syn_cookies.threshold, 16384);
	assert_int_equal(cfg->conntrack.syn_cookies.mss, 1460);
	assert_int_equal(cfg->conntrack.syn_cookies.window_scale, 7);
	assert_true(cfg->conntrack.syn_cookies.timestamps);
	assert_int_equal(cfg->fragments.datagrams, 1024);
	assert_int_equal(cfg->fragments.per_source, 64);
	assert_int_equal(cfg->fragments.memory, 65536 / 4);
	assert_int_equal(cfg->fragments.timeout, 30);
	assert_int_equal(cfg->events.ring, 65536);
	assert_false(cfg->events.always);
	assert_true(cfg->events.new && cfg->events.update && cfg->events.destroy);
	assert_int_equal(cfg->n_sets + cfg->n_limits, 0);
	assert_int_equal(cfg->conntrack.n_rules + cfg->conntrack.n_timeout_policies, 0);
	cfg_free(cfg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conntrack),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_events_and_fragments),
		cmocka_unit_test(test_timeout_policies),
		cmocka_unit_test(test_conntrack_rules),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
