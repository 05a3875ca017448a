/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Classifier: ordered rules over prefixes, ports, protocol, port of entry, connection state, TLS server name and
 * QUIC destination connection id; the first rule that matches names the class. Compiled once into an immutable
 * snapshot (rte_acl for layers 3 and 4, an ordered list for layer 7).
 *
 * cls_classify: control lcore, when a flow is compiled. cls_l7_parse: any lcore, no state.
 */
#ifndef CLASSIFIER_CLS_H
#define CLASSIFIER_CLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/flow.h"

struct cls; /* opaque */

#define CLS_ANY_PORT UINT16_MAX
#define CLS_DEFAULT_RULE UINT16_MAX /* no rule matched */

struct cls_class {
	const char *name;
	bool drop;
	bool has_mark;
	uint16_t port;	/* output port, or CLS_ANY_PORT: where the route leads */
	uint16_t queue; /* output queue, or FLOW_QUEUE_ANY */
	uint32_t mark;
};

struct cls_prefix {
	struct flow_addr addr;
	uint8_t len;
	bool any;
};

struct cls_range {
	uint16_t lo, hi; /* host order; 0..65535 = any */
};

struct cls_rule {
	uint8_t family;	   /* 4, 6, 0 = both (then both prefixes are `any`) */
	uint8_t proto;	   /* 0 = any */
	uint16_t in_port;  /* CLS_ANY_PORT = any */
	uint16_t states;   /* bit (1 << enum ct_state); 0 = any */
	uint16_t class_id; /* index into cls_params.classes */
	struct cls_prefix src, dst;
	struct cls_range sport, dport;
	uint32_t zone;	     /* 1 + the zone of connection tracking; 0 = any */
	uint16_t service;    /* 1 + the service that the packet is for; 0 = any, or none */
	const char *sni;     /* NULL = no condition; exact, or "*.example.com"; case ignored */
	const uint8_t *dcid; /* QUIC destination connection id starts with these bytes */
	uint8_t dcid_len;    /* 0 = no condition */
};

struct cls_params {
	const char *name;		 /* unique in the process (rte_acl contexts are named) */
	const struct cls_class *classes; /* copied; [0 .. n_classes - 1] */
	unsigned int n_classes;
	const struct cls_rule *rules; /* copied; first match wins */
	unsigned int n_rules;
	uint16_t default_class; /* index into classes */
	int socket_id;
};

/* NULL with rte_errno (EINVAL, ENOMEM). */
struct cls *
cls_create(const struct cls_params *p);
void
cls_destroy(struct cls *c);

/* ---- layer 7 ---- */

#define CLS_L7_MAX 255
enum cls_l7_type { CLS_L7_NONE = 0, CLS_L7_TLS_SNI, CLS_L7_QUIC_DCID };

struct cls_l7 {
	uint8_t type; /* enum cls_l7_type */
	uint8_t len;
	uint8_t value[CLS_L7_MAX +
			1]; /* server name in lower case, zero-terminated; or connection id bytes */
};

enum cls_l7_result {
	CLS_L7_FOUND,
	CLS_L7_ABSENT, /* parsed, and it has none (a ClientHello without server name, TLS alert, other protocol) */
	CLS_L7_MORE, /* a ClientHello that goes on in the next segment */
};

/*
 * Look for a TLS server name (TCP: record layer + ClientHello, RFC 8446, RFC 6066) or a QUIC destination connection id
 * (UDP: long header, RFC 8999/9000/9369 and drafts, gQUIC Q046+ long headers) in the first bytes of a connection. Reads at most len bytes, allocates nothing.
 */
enum cls_l7_result
cls_l7_parse(uint8_t proto, const uint8_t *payload, uint32_t len, struct cls_l7 *out);

/* ---- classify ---- */

struct cls_input {
	const struct flow_tuple *tuple; /* as the packet came in, before translation */
	uint16_t in_port;
	enum ct_state state;
	uint16_t service;	 /* 1 + the service that the packet is for; 0 = none */
	const struct cls_l7 *l7; /* NULL: not known yet */
	bool l7_done; /* nothing further will be known: layer 7 rules that do not match now never will */
};

struct cls_result {
	uint16_t class_id;
	uint16_t rule; /* index, or CLS_DEFAULT_RULE */
	bool l7_pending; /* a rule before this one may match once layer 7 is known: look into the first data packets */
};

/* Control lcore. Counts the rule's hit unless l7_pending. */
void
cls_classify(struct cls *c, const struct cls_input *in, struct cls_result *out);

unsigned int
cls_rules(const struct cls *c);
unsigned int
cls_classes(const struct cls *c);
const struct cls_class *
cls_class(const struct cls *c, uint16_t class_id); /* any lcore; immutable */
/* Class that a rule gives; CLS_DEFAULT_RULE for the default. */
uint16_t
cls_rule_class(const struct cls *c, uint16_t rule);
/* How often it decided, once or more a direction of a connection; CLS_DEFAULT_RULE for the default. */
uint64_t
cls_rule_hits(const struct cls *c, uint16_t rule);

#endif /* CLASSIFIER_CLS_H */
