/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configurations that are accepted: every field of a full one, every default of an empty one, what
 * is derived, and the project's own files. Those that are refused: test_cfg_bad.c.
 */
#include <arpa/inet.h>
#include <glob.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>

#include "base/counters.h"
#include "config/cfg.h"

static struct cfg *
load(const char *text)
{
	struct cfg_errors errs = { 0 };
	struct cfg *cfg = cfg_load_json(text, strlen(text), "test", &errs);

	cfg_errors_print(&errs, stderr);
	assert_non_null(cfg);
	assert_int_equal(errs.n, 0);
	cfg_errors_free(&errs);
	return cfg;
}

/* Compares with all 16 bytes: those behind an IPv4 address must be zero. */
static void
assert_address(const struct flow_addr *a, const char *text)
{
	struct flow_addr expected = { 0 };

	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, expected.b), 1);
	assert_memory_equal(a, &expected, sizeof(expected));
}

static void
assert_prefix(const struct cfg_prefix *p, const char *text, unsigned int len)
{
	assert_int_equal(p->family, strchr(text, ':') ? 6 : 4);
	assert_int_equal(p->len, len);
	assert_address(&p->addr, text);
}

static void
assert_mac(const struct rte_ether_addr *mac, uint8_t last)
{
	const uint8_t expected[RTE_ETHER_ADDR_LEN] = { 0x02, 0, 0, 0xab, 0, last };

	assert_memory_equal(mac->addr_bytes, expected, sizeof(expected));
}

static const char full[] =
		"{'comment': 'all keys',"
		"'ports': ["
		" {'comment': 'one', 'name': 'external', 'device': 'net_tap0,iface=x', 'role': 'internal',"
		"  'rx-queues': 2, 'tx-queues': 3, 'rx-descriptors': 512, 'tx-descriptors': 256, 'mtu': 9000, 'zone': 65535,"
		"  'mac': '02:00:00:aB:00:01', 'promiscuous': true,"
		"  'addresses': ['198.51.100.1/24', '2001:db8:1::1/64']},"
		" {'name': 'internal', 'role': 'external', 'addresses': ['10.0.0.1/8', '10.0.0.2/8']}],"
		"'routes': ["
		" {'prefix': '0.0.0.0/0', 'via': '198.51.100.254', 'port': 'external'},"
		" {'prefix': '2001:db8:ffff::/48', 'via': '2001:db8:1::fe'},"
		" {'prefix': '172.16.0.0/12', 'port': 'internal'},"
		" {'prefix': '::/0', 'via': 'fe80::1', 'port': 'internal'}],"
		"'neighbours': [{'port': 'internal', 'address': '10.0.0.11', 'mac': '02:00:00:AB:00:11'},"
		"               {'port': 'external', 'address': '10.0.0.11', 'mac': '02:00:00:AB:00:12'},"
		"               {'port': 'external', 'address': 'fe80::5', 'mac': '02:00:00:AB:00:13'}],"
		"'lcores': {'workers': [1, 5, 2]},"
		"'tables': {'connections': 1000, 'connections-ipv6': 10, 'connections-extended': 9, 'next-hops': 20, 'mbufs': 30000,"
		"           'mbuf-size': 4000, 'ring-size': 512, 'hold-per-neighbour': 0, 'hold-total': 60},"
		"'conntrack': {'invalid': 'forward', 'full': 'forward', 'tcp-loose': false, 'tcp-liberal': true,"
		"              'checksum': 'slow-path', 'hash-seed': 4294967295, 'hash': 'siphash', 'early-drop': 0,"
		"              'tcp-ignore-invalid-rst': true, 'tcp-max-retrans': 9,"
		"              'timeouts': {'tcp-syn-sent': 1, 'tcp-syn-recv': 2, 'tcp-established': 3,"
		"               'tcp-fin-wait': 4, 'tcp-close-wait': 5, 'tcp-last-ack': 6, 'tcp-time-wait': 7,"
		"               'tcp-close': 8, 'tcp-syn-sent2': 9, 'tcp-retrans': 10, 'tcp-unack': 11,"
		"               'udp': 12, 'udp-stream': 13, 'icmp': 14, 'icmpv6': 15, 'generic': 16,"
		"               'sctp-closed': 17, 'sctp-cookie-wait': 18, 'sctp-cookie-echoed': 19,"
		"               'sctp-established': 20, 'sctp-shutdown-sent': 21, 'sctp-shutdown-recd': 22,"
		"               'sctp-shutdown-ack-sent': 23, 'sctp-heartbeat-sent': 24, 'gre': 25,"
		"               'gre-stream': 26, 'dccp-request': 27, 'dccp-respond': 28,"
		"               'dccp-partopen': 29, 'dccp-open': 30, 'dccp-closereq': 31,"
		"               'dccp-closing': 32, 'dccp-timewait': 33},"
		"              'syn-cookies': {'mode': 'on', 'protect': 'all', 'threshold': 77, 'mss': 1400,"
		"               'window-scale': 3, 'timestamps': false},"
		"              'rules': ["
		"               {'source': '10.0.0.0/8', 'destination': '10.1.0.0/16', 'source-port': 53,"
		"                'destination-port': '1024-65535', 'protocol': 'tcp', 'port': 'internal',"
		"                'service': 'dns', 'zone': 65535, 'timeouts': 'slow', 'helper': 'ftp',"
		"                'force': true, 'mark': 4294967295,"
		"                'label': '000102030405060708090a0B0c0d0e0f'},"
		"               {'zone': 0, 'commit': false}, {'helper': 'tftp', 'mark': 0, 'label': 'c0FFee'}],"
		"              'timeout-policies': [{'name': 'short', 'timeouts': {'udp': 77}},"
		"               {'name': 'slow', 'timeouts': {}}, {'name': 'slower'}]},"
		"'zones': [{'id': 5}, {'id': 65535, 'limit': 100000}, {'id': 6, 'key': 'addresses'},"
		"          {'id': 8, 'key': 'tunnel-id'}, {'id': 9, 'key': '5-tuple'}],"
		"'l3': {'multicast': 'forward', 'icmp-rate': 0},"
		"'events': {'ring': 7, 'always': true, 'new': false, 'update': false, 'destroy': false},"
		"'fragments': {'datagrams': 7, 'per-source': 3, 'memory': 100, 'timeout': 5},"
		"'services': ["
		" {'name': 'web', 'vip': '192.0.2.10', 'protocol': 'tcp', 'port': 80, 'scheduler': 'hash',"
		"  'backends': [{'address': '10.0.0.11', 'port': 8080, 'weight': 0}, {'address': '10.0.0.12'}]},"
		" {'name': 'dns', 'vip': '2001:db8:9::9', 'protocol': 'sctp', 'port': 53,"
		"  'backends': [{'address': '2001:db8:2::5', 'weight': 65535}]},"
		" {'name': 'web-udp', 'vip': '192.0.2.10', 'protocol': 'udp', 'port': 80,"
		"  'backends': [{'address': '10.0.0.11'}]}],"
		"'classes': [{'name': 'gold', 'port': 'external', 'queue': 2, 'mark': 0},"
		"            {'name': 'silver', 'mark': 4294967295}, {'name': 'bad', 'drop': true}],"
		"'rules': ["
		" {'class': 'silver', 'source': '10.0.0.0/8', 'destination': '10.1.0.0/16', 'source-port': 53,"
		"  'destination-port': '1024-65535', 'protocol': 'udp', 'port': 'internal', 'state': 'new'},"
		" {'class': 'gold', 'destination': '2001:db8::/32', 'protocol': 132,"
		"  'state': ['established', 'related', 'invalid']},"
		" {'class': 'default', 'tls-sni': '*.Example.COM'},"
		" {'class': 'bad', 'quic-dcid': 'C0ffee'},"
		" {'class': 'bad', 'quic-dcid': '000102030405060708090a0b0c0d0e0f10111213', 'protocol': 'udp'}]}";

/* The text above with the quotes that JSON wants. */
static struct cfg *
load_full(void)
{
	char text[sizeof(full)], *c;

	memcpy(text, full, sizeof(full));
	for (c = text; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	return load(text);
}

static void
test_ports(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_port *p = &cfg->ports[0];

	(void)state;
	assert_int_equal(cfg->n_ports, 2);
	assert_string_equal(p->name, "external");
	assert_string_equal(p->device, "net_tap0,iface=x");
	assert_int_equal(p->role, CFG_INTERNAL);
	assert_int_equal(p->rx_queues, 2);
	assert_int_equal(p->tx_queues, 3);
	assert_int_equal(p->rx_descriptors, 512);
	assert_int_equal(p->tx_descriptors, 256);
	assert_int_equal(p->mtu, 9000);
	assert_int_equal(p->zone, 65535);
	assert_int_equal(cfg->ports[1].zone, 0);
	assert_true(p->promiscuous);
	assert_true(p->has_mac);
	assert_mac(&p->mac, 0x01);
	assert_int_equal(p->n_addresses, 2);
	assert_prefix(&p->addresses[0], "198.51.100.1", 24);
	assert_prefix(&p->addresses[1], "2001:db8:1::1", 64);
	assert_string_equal(cfg->ports[1].name, "internal");
	assert_int_equal(cfg->ports[1].role, CFG_EXTERNAL);
	assert_int_equal(cfg->ports[1].n_addresses, 2);
	cfg_free(cfg);
}

static void
test_routes(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_route *r = cfg->routes;
	const struct cfg_neighbour *n = cfg->neighbours;

	(void)state;
	assert_int_equal(cfg->n_routes, 4);
	assert_prefix(&r[0].prefix, "0.0.0.0", 0);
	assert_false(r[0].on_link);
	assert_address(&r[0].via, "198.51.100.254");
	assert_int_equal(r[0].port, 0);
	assert_prefix(&r[1].prefix, "2001:db8:ffff::", 48);
	assert_address(&r[1].via, "2001:db8:1::fe");
	assert_int_equal(r[1].port, 0);
	assert_prefix(&r[2].prefix, "172.16.0.0", 12);
	assert_true(r[2].on_link);
	assert_int_equal(r[2].port, 1);
	assert_prefix(&r[3].prefix, "::", 0);
	assert_address(&r[3].via, "fe80::1");
	assert_int_equal(r[3].port, 1);

	assert_int_equal(cfg->n_neighbours, 3);
	assert_int_equal(n[0].port, 1);
	assert_int_equal(n[0].family, 4);
	assert_address(&n[0].address, "10.0.0.11");
	assert_mac(&n[0].mac, 0x11);
	assert_int_equal(n[1].port, 0);
	assert_mac(&n[1].mac, 0x12);
	assert_int_equal(n[2].family, 6);
	assert_address(&n[2].address, "fe80::5");
	cfg_free(cfg);
}

static void
test_sizes_and_policies(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_tables *t = &cfg->tables;
	const struct cfg_conntrack *c = &cfg->conntrack;
	const struct cfg_timeouts *s = &c->timeouts;
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
	assert_int_equal(cfg->n_workers, 3);
	assert_int_equal(cfg->workers[0], 1);
	assert_int_equal(cfg->workers[1], 5);
	assert_int_equal(cfg->workers[2], 2);
	assert_int_equal(t->connections, 1000);
	assert_int_equal(t->connections_ipv6, 10);
	assert_int_equal(t->connections_extended, 9);
	assert_int_equal(t->next_hops, 20);
	assert_int_equal(t->mbufs, 30000);
	assert_int_equal(t->mbuf_size, 4000);
	assert_int_equal(t->ring_size, 512);
	assert_int_equal(t->hold_per_neighbour, 0);
	assert_int_equal(t->hold_total, 60);
	assert_int_equal(cfg->events.ring, 7);
	assert_true(cfg->events.always);
	assert_false(cfg->events.new);
	assert_false(cfg->events.update);
	assert_false(cfg->events.destroy);
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
	for (i = 0; i < RTE_DIM(timeouts); i++)
		assert_int_equal(timeouts[i], i + 1);
	assert_int_equal(sizeof(*s), sizeof(timeouts));
	assert_int_equal(c->syn_cookies.mode, CFG_COOKIES_ON);
	assert_int_equal(c->syn_cookies.protect, CFG_PROTECT_ALL);
	assert_int_equal(c->syn_cookies.threshold, 77);
	assert_int_equal(c->syn_cookies.mss, 1400);
	assert_int_equal(c->syn_cookies.window_scale, 3);
	assert_false(c->syn_cookies.timestamps);
	assert_int_equal(cfg->l3.multicast, CFG_FORWARD);
	assert_int_equal(cfg->l3.icmp_rate, 0);
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
test_services(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_service *s = cfg->services;

	(void)state;
	assert_int_equal(cfg->n_services, 3);
	assert_int_equal(cfg->n_backends, 4);
	assert_string_equal(s[0].name, "web");
	assert_int_equal(s[0].family, 4);
	assert_address(&s[0].vip, "192.0.2.10");
	assert_int_equal(s[0].proto, IPPROTO_TCP);
	assert_int_equal(s[0].port, 80);
	assert_int_equal(s[0].scheduler, CFG_HASH);
	assert_int_equal(s[0].n_backends, 2);
	assert_address(&s[0].backends[0].address, "10.0.0.11");
	assert_int_equal(s[0].backends[0].port, 8080);
	assert_int_equal(s[0].backends[0].weight, 0);
	assert_address(&s[0].backends[1].address, "10.0.0.12");
	assert_int_equal(s[0].backends[1].port, 80);
	assert_int_equal(s[0].backends[1].weight, 1);
	assert_int_equal(s[1].family, 6);
	assert_int_equal(s[1].proto, IPPROTO_SCTP);
	assert_int_equal(s[1].scheduler, CFG_ROUND_ROBIN);
	assert_address(&s[1].backends[0].address, "2001:db8:2::5");
	assert_int_equal(s[1].backends[0].family, 6);
	assert_int_equal(s[1].backends[0].weight, 65535);
	assert_int_equal(s[2].proto, IPPROTO_UDP);
	cfg_free(cfg);
}

static void
test_classes(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_class *c = cfg->classes;

	(void)state;
	assert_int_equal(cfg->n_classes, 4);
	assert_int_equal(cfg->default_class, 0);
	assert_string_equal(c[0].name, "default");
	assert_int_equal(c[0].port, CFG_ANY_PORT);
	assert_int_equal(c[0].queue, CFG_ANY_QUEUE);
	assert_false(c[0].drop);
	assert_false(c[0].has_mark);
	assert_string_equal(c[1].name, "gold");
	assert_int_equal(c[1].port, 0);
	assert_int_equal(c[1].queue, 2);
	assert_true(c[1].has_mark);
	assert_int_equal(c[1].mark, 0);
	assert_int_equal(c[2].port, CFG_ANY_PORT);
	assert_int_equal(c[2].queue, CFG_ANY_QUEUE);
	assert_int_equal(c[2].mark, UINT32_MAX);
	assert_true(c[3].drop);
	cfg_free(cfg);
}

static void
test_rules(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_rule *r = cfg->rules;
	unsigned int i;

	(void)state;
	assert_int_equal(cfg->n_rules, 5);
	assert_int_equal(r[0].class_id, 2);
	assert_int_equal(r[0].family, 4);
	assert_int_equal(r[0].proto, IPPROTO_UDP);
	assert_int_equal(r[0].in_port, 1);
	assert_int_equal(r[0].states, 1u << CT_STATE_NEW);
	assert_prefix(&r[0].source, "10.0.0.0", 8);
	assert_prefix(&r[0].destination, "10.1.0.0", 16);
	assert_int_equal(r[0].source_port.lo, 53);
	assert_int_equal(r[0].source_port.hi, 53);
	assert_int_equal(r[0].destination_port.lo, 1024);
	assert_int_equal(r[0].destination_port.hi, 65535);
	assert_null(r[0].sni);
	assert_int_equal(r[0].dcid_len, 0);

	assert_int_equal(r[1].class_id, 1);
	assert_int_equal(r[1].family, 6);
	assert_int_equal(r[1].proto, IPPROTO_SCTP);
	assert_int_equal(r[1].in_port, CFG_ANY_PORT);
	assert_int_equal(r[1].states,
			1u << CT_STATE_ESTABLISHED | 1u << CT_STATE_RELATED |
					1u << CT_STATE_INVALID);
	assert_int_equal(r[1].source.family, 0);
	assert_prefix(&r[1].destination, "2001:db8::", 32);
	assert_int_equal(r[1].source_port.lo, 0);
	assert_int_equal(r[1].source_port.hi, 65535);

	assert_int_equal(r[2].class_id, 0);
	assert_int_equal(r[2].family, 0);
	assert_int_equal(r[2].proto, 0);
	assert_int_equal(r[2].states, 0);
	assert_string_equal(r[2].sni, "*.example.com");
	assert_int_equal(r[3].class_id, 3);
	assert_int_equal(r[3].dcid_len, 3);
	assert_memory_equal(r[3].dcid, "\xc0\xff\xee", 3);
	assert_int_equal(r[4].dcid_len, CFG_DCID_MAX);
	for (i = 0; i < CFG_DCID_MAX; i++)
		assert_int_equal(r[4].dcid[i], i);
	cfg_free(cfg);
}

/* One port with a name, and nothing else: what the documentation says is the default. */
static void
test_defaults(void **state)
{
	struct cfg *cfg = load("{\"ports\": [{\"name\": \"a\"}]}");
	const struct cfg_port port = { .name = cfg->ports[0].name,
		.role = CFG_EXTERNAL,
		.rx_queues = CFG_AUTO,
		.tx_queues = CFG_AUTO,
		.rx_descriptors = 1024,
		.tx_descriptors = 1024,
		.mtu = 1500 };
	const struct cfg_tables tables = { 1048576, 262144, 131072, 4096, 65536, 2176, 4096, 16,
		1024 };
	const struct cfg_timeouts timeouts = { 120, 60, 432000, 120, 60, 30, 120, 10, 120, 300, 300,
		30, 120, 30, 30, 600, 10, 3, 3, 210, 3, 3, 3, 30, 30, 180, 240, 480, 480, 43200, 64,
		64, 240 };

	(void)state;
	assert_memory_equal(&cfg->ports[0], &port, sizeof(port));
	assert_memory_equal(&cfg->tables, &tables, sizeof(tables));
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
	assert_int_equal(cfg->l3.multicast, CFG_DROP);
	assert_int_equal(cfg->l3.icmp_rate, 1000);
	assert_int_equal(cfg->fragments.datagrams, 1024);
	assert_int_equal(cfg->fragments.per_source, 64);
	assert_int_equal(cfg->fragments.memory, 65536 / 4);
	assert_int_equal(cfg->fragments.timeout, 30);
	assert_int_equal(cfg->n_workers, 0);
	assert_int_equal(cfg->n_routes + cfg->n_neighbours + cfg->n_services + cfg->n_rules, 0);
	assert_int_equal(cfg->n_classes, 1);
	assert_int_equal(cfg->default_class, 0);
	assert_string_equal(cfg->classes[0].name, "default");
	cfg_free(cfg);
}

/*
 * The file's own default class: the list of classes is the file's. Also a file that calls it
 * "default".
 */
static void
test_default_class(void **state)
{
	struct cfg *cfg = load(
			"{\"ports\": [{\"name\": \"a\"}], \"default-class\": \"default\","
			" \"classes\": [{\"name\": \"x\"}, {\"name\": \"default\", \"mark\": 5}],"
			" \"rules\": [{\"class\": \"x\"}, {\"class\": \"default\"}]}");

	(void)state;
	assert_int_equal(cfg->n_classes, 2);
	assert_int_equal(cfg->default_class, 1);
	assert_int_equal(cfg->classes[1].mark, 5);
	assert_int_equal(cfg->rules[0].class_id, 0);
	assert_int_equal(cfg->rules[1].class_id, 1);
	cfg_free(cfg);
}

/* A quarter of the connections, and one at least, unless the file says otherwise. */
static void
test_connections_ipv6(void **state)
{
	struct cfg *cfg =
			load("{\"ports\": [{\"name\": \"a\"}], \"tables\": {\"connections\": 77}}");

	(void)state;
	assert_int_equal(cfg->tables.connections_ipv6, 20);
	cfg_free(cfg);
	cfg = load("{\"ports\": [{\"name\": \"a\"}], \"tables\": {\"connections-ipv6\": 0}}");
	assert_int_equal(cfg->tables.connections_ipv6, 0);
	cfg_free(cfg);
}

/* Whole lists at their limits are read in reasonable time: no check compares each with each. */
static void
test_many_routes(void **state)
{
	const unsigned int n = 200000;
	char *text = malloc(n * 80), *t = text;
	struct cfg *cfg;
	unsigned int i;

	(void)state;
	assert_non_null(text);
	t += sprintf(t, "{\"ports\": [{\"name\": \"a\", \"addresses\": [\"192.0.2.1/24\"]}], \"routes\": [");
	for (i = 0; i < n; i++)
		t += sprintf(t, "%s{\"prefix\": \"%u.%u.%u.0/24\", \"via\": \"192.0.2.9\"}",
				i > 0 ? "," : "", 1 + (i >> 16), i >> 8 & 255, i & 255);
	sprintf(t, "]}");
	cfg = load(text);
	assert_int_equal(cfg->n_routes, n);
	assert_int_equal(cfg->routes[n - 1].port, 0);
	cfg_free(cfg);
	free(text);
}

/* The project's own configurations. */
static void
test_files(void **state)
{
	const char *source = getenv("SHUNT_SOURCE_DIR");
	struct cfg_errors errs = { 0 };
	char pattern[4096];
	glob_t found;
	size_t i, n = 0;

	(void)state;
	assert_non_null(source);
	snprintf(pattern, sizeof(pattern), "%s/{config,tests/replay}/*.json", source);
	assert_int_equal(glob(pattern, GLOB_BRACE, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		struct cfg *cfg;

		if (strstr(path, "schema.json") != NULL)
			continue;
		cfg = cfg_load(path, &errs);
		cfg_errors_print(&errs, stderr);
		assert_non_null(cfg);
		cfg_free(cfg);
		n++;
	}
	assert_true(n >= 6);
	globfree(&found);
	cfg_errors_free(&errs);
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

static void
test_free_nothing(void **state)
{
	struct cfg_errors errs = { 0 };

	(void)state;
	cfg_free(NULL);
	cfg_errors_free(&errs);
	cfg_errors_free(&errs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_sizes_and_policies),
		cmocka_unit_test(test_timeout_policies),
		cmocka_unit_test(test_conntrack_rules),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_default_class),
		cmocka_unit_test(test_connections_ipv6),
		cmocka_unit_test(test_many_routes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_free_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
