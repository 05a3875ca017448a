/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the tests of configurations that are accepted: one that has every key, and comparing what was
 * read. Included once by each of them; one thread.
 */
#ifndef TEST_CFG_H
#define TEST_CFG_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>

#include "config/cfg.h"

static inline struct cfg *
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
static inline void
assert_address(const struct flow_addr *a, const char *text)
{
	struct flow_addr expected = { 0 };

	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, expected.b), 1);
	assert_memory_equal(a, &expected, sizeof(expected));
}

static inline void
assert_prefix(const struct cfg_prefix *p, const char *text, unsigned int len)
{
	assert_int_equal(p->family, strchr(text, ':') ? 6 : 4);
	assert_int_equal(p->len, len);
	assert_address(&p->addr, text);
}

/* Every key there is, with ' in place of ". */
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
static inline struct cfg *
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

#endif /* TEST_CFG_H */
