/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configurations that are accepted: every field of a full one, every default of an empty one, what
 * is derived, and the project's own files. What concerns connections is in test_cfg_conntrack.c;
 * configurations that are refused: test_cfg_bad.c.
 */
#include <glob.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/counters.h"
#include "test_cfg.h"

static void
assert_mac(const struct rte_ether_addr *mac, uint8_t last)
{
	const uint8_t expected[RTE_ETHER_ADDR_LEN] = { 0x02, 0, 0, 0xab, 0, last };

	assert_memory_equal(mac->addr_bytes, expected, sizeof(expected));
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
test_sizes(void **state)
{
	struct cfg *cfg = load_full();
	const struct cfg_tables *t = &cfg->tables;

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
	assert_int_equal(cfg->l3.multicast, CFG_FORWARD);
	assert_int_equal(cfg->l3.icmp_rate, 0);
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

	(void)state;
	assert_memory_equal(&cfg->ports[0], &port, sizeof(port));
	assert_memory_equal(&cfg->tables, &tables, sizeof(tables));
	assert_int_equal(cfg->l3.multicast, CFG_DROP);
	assert_int_equal(cfg->l3.icmp_rate, 1000);
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
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_default_class),
		cmocka_unit_test(test_connections_ipv6),
		cmocka_unit_test(test_many_routes),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_free_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
