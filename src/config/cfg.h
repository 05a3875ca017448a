/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file, read and checked: plain structs in which every default is filled in,
 * every name is an index and every reference leads somewhere. Format: docs/configuration.md and
 * config/schema.json.
 *
 * Used once at start, on the main lcore, before there is anything else. Knows no device: what
 * depends on the machine (are there so many queues, lcores, ports?) is for the caller to check.
 */
#ifndef CONFIG_CFG_H
#define CONFIG_CFG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_ether.h>

#include "base/flow.h"

#define CFG_AUTO 0		 /* queue counts: as many as there are workers */
#define CFG_ANY_PORT UINT16_MAX	 /* no port named */
#define CFG_ANY_QUEUE UINT16_MAX /* no queue named */

#define CFG_NO_SET UINT16_MAX
#define CFG_ANY_SERVICE UINT16_MAX

#define CFG_FILE_MAX (64u << 20) /* bytes */
#define CFG_PORTS_MAX 64
#define CFG_PORT_ADDRESSES_MAX 64
#define CFG_ROUTES_MAX (1u << 20)
#define CFG_NEIGHBOURS_MAX 65534
#define CFG_WORKERS_MAX 255
#define CFG_SERVICES_MAX 65535
#define CFG_SERVICE_BACKENDS_MAX 1024
#define CFG_BACKENDS_MAX 65534 /* of all services together */
#define CFG_ZONES_MAX 65535
#define CFG_CLASSES_MAX 4096
#define CFG_RULES_MAX 65534
#define CFG_SETS_MAX 1024
#define CFG_SET_PREFIXES_MAX (1u << 20)
#define CFG_LIMITS_MAX 64
#define CFG_TIMEOUT_POLICIES_MAX 255
#define CFG_LABEL_LEN 16   /* bytes of a connection's label */
#define CFG_NAME_MAX 63	   /* bytes of a name */
#define CFG_DEVICE_MAX 511 /* bytes of a device's arguments */
#define CFG_LCORE_MAX 1023 /* highest lcore id */
#define CFG_DCID_MAX 20	   /* bytes of a QUIC connection id, RFC 9000 17.2 */

struct cfg_prefix {
	uint8_t family; /* 4 or 6; 0 = any address at all (rules) */
	uint8_t len;
	struct flow_addr addr;
};

enum cfg_role { CFG_EXTERNAL, CFG_INTERNAL };

struct cfg_port {
	const char *name;
	const char *device; /* NULL: none given (replay needs none) */
	enum cfg_role role;
	uint16_t rx_queues; /* or CFG_AUTO */
	uint16_t tx_queues; /* or CFG_AUTO */
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint16_t mtu;
	uint16_t zone; /* of connection tracking */
	bool promiscuous;
	bool has_mac; /* false: the device's own */
	struct rte_ether_addr mac;
	struct cfg_prefix *addresses; /* host bits are kept: this is shunt's own address */
	unsigned int n_addresses;
};

struct cfg_route {
	struct cfg_prefix prefix;
	uint16_t port; /* index of ports */
	bool on_link;  /* no gateway */
	struct flow_addr via;
};

struct cfg_neighbour {
	uint16_t port;
	uint8_t family;
	struct flow_addr address;
	struct rte_ether_addr mac;
};

struct cfg_tables {
	uint32_t connections;
	uint32_t connections_ipv6;     /* 0 .. connections */
	uint32_t connections_extended; /* 0 .. connections */
	uint32_t next_hops;
	uint32_t mbufs;
	uint32_t mbuf_size; /* data room, headroom included */
	uint32_t ring_size; /* power of two */
	uint32_t hold_per_neighbour;
	uint32_t hold_total;
};

enum cfg_verdict { CFG_DROP, CFG_FORWARD };
enum cfg_hash { CFG_HASH_CRC32C, CFG_HASH_SIPHASH };
enum cfg_checksum { CFG_CHECKSUM_ALL, CFG_CHECKSUM_SLOW_PATH, CFG_CHECKSUM_OFF };

struct cfg_timeouts { /* seconds */
	uint32_t tcp_syn_sent;
	uint32_t tcp_syn_recv;
	uint32_t tcp_established;
	uint32_t tcp_fin_wait;
	uint32_t tcp_close_wait;
	uint32_t tcp_last_ack;
	uint32_t tcp_time_wait;
	uint32_t tcp_close;
	uint32_t tcp_syn_sent2;
	uint32_t tcp_retrans;
	uint32_t tcp_unack;
	uint32_t udp;
	uint32_t udp_stream;
	uint32_t icmp;
	uint32_t icmpv6;
	uint32_t generic;
	uint32_t sctp_closed;
	uint32_t sctp_cookie_wait;
	uint32_t sctp_cookie_echoed;
	uint32_t sctp_established;
	uint32_t sctp_shutdown_sent;
	uint32_t sctp_shutdown_recd;
	uint32_t sctp_shutdown_ack_sent;
	uint32_t sctp_heartbeat_sent;
	uint32_t gre;
	uint32_t gre_stream;
	uint32_t dccp_request;
	uint32_t dccp_respond;
	uint32_t dccp_partopen;
	uint32_t dccp_open;
	uint32_t dccp_closereq;
	uint32_t dccp_closing;
	uint32_t dccp_timewait;
};

struct cfg_timeout_policy {
	const char *name;
	struct cfg_timeouts timeouts; /* complete */
};

struct cfg_range {
	uint16_t lo, hi; /* host order, inclusive; 0..65535 = any */
};

struct cfg_rule {
	uint16_t class_id; /* index of classes */
	uint8_t family;	   /* 4, 6; 0 = both, then both prefixes are any */
	uint8_t proto;	   /* IPPROTO_*; 0 = any */
	uint16_t in_port;  /* port of entry, or CFG_ANY_PORT */
	uint16_t states;   /* bits 1 << enum ct_state; 0 = any */
	struct cfg_prefix source;
	struct cfg_prefix destination;
	struct cfg_range source_port;
	struct cfg_range destination_port;
	const char *sni;	    /* lower case; exact, or "*.example.com"; NULL = no condition */
	uint8_t dcid[CFG_DCID_MAX]; /* QUIC destination connection id starts with these bytes */
	uint8_t dcid_len;	    /* 0 = no condition */
};

enum cfg_helper { CFG_HELPER_NONE, CFG_HELPER_FTP, CFG_HELPER_TFTP };

/* How connection tracking treats a new connection. */
struct cfg_ct_rule {
	struct cfg_rule match; /* class, state, layer 7: not set */
	uint16_t service;      /* index of services, or CFG_ANY_SERVICE */
	bool has_zone;
	uint16_t zone;
	uint16_t policy; /* 1 + index of timeout_policies; 0 = the defaults */
	uint8_t helper;	 /* enum cfg_helper */
	bool commit;	 /* false: forwarded without an entry; then nothing else is set */
	bool force;	 /* replaces an entry of the other direction */
	bool has_mark;
	uint32_t mark;
	bool has_label;
	uint8_t label[CFG_LABEL_LEN];
};

enum cfg_cookies { CFG_COOKIES_OFF, CFG_COOKIES_ON, CFG_COOKIES_AUTO };
enum cfg_protect { CFG_PROTECT_SERVICES, CFG_PROTECT_ALL };

struct cfg_syn_cookies {
	enum cfg_cookies mode;
	enum cfg_protect protect;
	uint32_t threshold; /* half-open connections from which on they are used (auto) */
	uint16_t mss;	    /* that is announced to clients, IPv4; IPv6: 20 less */
	uint8_t window_scale;
	bool timestamps;
};

struct cfg_conntrack {
	enum cfg_verdict invalid;
	enum cfg_verdict full;
	enum cfg_checksum checksum;
	bool tcp_loose;
	bool tcp_liberal;
	bool tcp_ignore_invalid_rst;
	uint32_t tcp_max_retrans;
	bool has_hash_seed; /* false: random when live, 0 in replay */
	uint32_t hash_seed;
	enum cfg_hash hash;
	uint32_t early_drop; /* percent of the table; 0 = never */
	struct cfg_timeouts timeouts;
	struct cfg_syn_cookies syn_cookies;
	struct cfg_timeout_policy *timeout_policies;
	unsigned int n_timeout_policies;
	struct cfg_ct_rule *rules; /* first match wins */
	unsigned int n_rules;
};

struct cfg_zone {
	uint16_t id;
	bool has_id;	/* always, in a configuration without mistakes */
	uint32_t limit; /* connections; 0 = none */
	uint8_t keys;	/* enum flow_keys */
};

struct cfg_events {
	uint32_t ring; /* events that are kept; 0: none */
	bool always;   /* recorded also while nobody listens */
	bool new, update, destroy;
};

struct cfg_l3 {
	enum cfg_verdict multicast;
	uint32_t icmp_rate; /* ICMP errors a second */
};

struct cfg_fragments {
	uint32_t datagrams; /* incomplete ones at most */
	uint32_t memory;    /* packet buffers that may wait; at most half of tables.mbufs */
	uint32_t timeout;   /* seconds */
	uint32_t per_source;
};

enum cfg_scheduler { CFG_ROUND_ROBIN, CFG_HASH };

struct cfg_backend {
	struct flow_addr address;
	uint16_t port;	 /* host order; never 0 */
	uint16_t weight; /* 0: takes no new connection */
	uint8_t family;	 /* the service's */
};

struct cfg_service {
	const char *name;
	uint8_t family; /* 4 or 6 */
	uint8_t proto;	/* IPPROTO_TCP, _UDP, _SCTP */
	uint16_t port;	/* host order */
	struct flow_addr vip;
	enum cfg_scheduler scheduler;
	struct cfg_backend *backends;
	unsigned int n_backends; /* at least 1 */
};

struct cfg_class {
	const char *name;
	uint16_t port;	/* output port, or CFG_ANY_PORT: where the route leads */
	uint16_t queue; /* output queue, or CFG_ANY_QUEUE */
	bool drop;	/* then nothing else is set */
	bool has_mark;
	uint32_t mark;
};

struct cfg_set {
	const char *name;
	struct cfg_prefix *prefixes;
	unsigned int n_prefixes; /* at least 1 */
};

enum cfg_limit_by { CFG_BY_SOURCE, CFG_BY_DESTINATION, CFG_BY_ALL };
enum cfg_limit_action { CFG_LIMIT_DROP, CFG_LIMIT_RESET, CFG_LIMIT_COUNT };

struct cfg_limit {
	const char *name;
	enum cfg_limit_by by;
	enum cfg_limit_action action;
	uint8_t prefix_length;
	uint8_t prefix_length_ipv6;
	bool has_prefix_length, has_prefix_length_ipv6, has_entries;
	bool has_connections, has_rate, has_burst;
	uint32_t connections; /* at once; 0 = no bound. At least one of this and rate */
	uint32_t rate;	      /* new ones a second; 0 = no bound */
	uint32_t burst;	      /* 0 without rate */
	uint32_t entries;
	uint16_t set;	  /* index of sets, or CFG_NO_SET */
	uint16_t not_set; /* likewise; another one */
	uint16_t service; /* index of services, or CFG_ANY_SERVICE */
	uint16_t in_port; /* port of entry, or CFG_ANY_PORT */
	uint16_t zone;
	bool has_zone;
	uint8_t proto; /* IPPROTO_*; 0 = any */
	struct cfg_range destination_port;
};

struct cfg {
	struct cfg_port *ports;
	unsigned int n_ports; /* at least 1 */
	struct cfg_route *routes;
	unsigned int n_routes;
	struct cfg_neighbour *neighbours;
	unsigned int n_neighbours;
	uint16_t *workers; /* lcore ids; none: the caller decides */
	unsigned int n_workers;
	struct cfg_tables tables;
	struct cfg_conntrack conntrack;
	struct cfg_zone *zones;
	unsigned int n_zones;
	struct cfg_l3 l3;
	struct cfg_events events;
	struct cfg_fragments fragments;
	struct cfg_service *services;
	unsigned int n_services;
	unsigned int n_backends; /* of all services together */
	struct cfg_set *sets;
	unsigned int n_sets;
	struct cfg_limit *limits; /* in this order */
	unsigned int n_limits;
	struct cfg_class *classes; /* [0]: the built-in one unless the file names its own default */
	unsigned int n_classes;	   /* at least 1 */
	uint16_t default_class;	   /* index of classes */
	struct cfg_rule *rules;	   /* first match wins */
	unsigned int n_rules;

	void *memory; /* all of the above; cfg_free's */
};

/* ---- errors ---------------------------------------------------------------------------------- */

#define CFG_ERRORS_MAX 1000

struct cfg_error {
	char *where;   /* JSON pointer, RFC 6901; "" for all; "LINE:COLUMN" of what is no JSON */
	char *message; /* what was found and what was expected; printable */
};

/* Zero it before the first use; cfg_load starts it anew. */
struct cfg_errors {
	char *name; /* of the file */
	struct cfg_error *list;
	unsigned int n;
	unsigned int more; /* further ones, not kept */
};

/* One a line: "config/x.json: /ports/1/mtu: 70000 is out of range: expected 68 to 65535". */
void
cfg_errors_print(const struct cfg_errors *errs, FILE *out);

/* Frees what *errs holds and zeroes it. */
void
cfg_errors_free(struct cfg_errors *errs);

/* ---- loading --------------------------------------------------------------------------------- */

/* The whole configuration, or NULL with everything that is wrong with the file in *errs. */
struct cfg *
cfg_load(const char *path, struct cfg_errors *errs);

/* The same from memory; `name` stands for the file in messages. */
struct cfg *
cfg_load_json(const char *text, size_t len, const char *name, struct cfg_errors *errs);

void
cfg_free(struct cfg *cfg);

/* What packets of a zone are told apart by; one that is not listed has 5-tuples. */
enum flow_keys
cfg_zone_keys(const struct cfg *cfg, uint16_t zone);

#endif /* CONFIG_CFG_H */
