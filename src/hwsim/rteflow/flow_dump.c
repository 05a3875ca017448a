/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules as text: hwf_dump(). Nothing is kept of the patterns and actions that rules were made of; the text is made from what
 * the model has. A line a rule:
 *
 *   ingress port 0 group 1 priority 2 pattern eth / ipv4 src_addr 10.0.0.1 / udp dst_port 53 / end
 *       actions count 7 / queue 3 / end hits 12
 *
 * (in one line). A field that is masked is written value/mask, a range low-high.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "items.h"

struct dump {
	struct hwf *h;
	uint16_t port;
	const struct rte_flow *flow; /* NULL: all */
	FILE *to;
	uint32_t lines;
};

static uint64_t
number(const uint8_t *p, uint32_t len)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < len; i++)
		n = n << 8 | p[i];
	return n;
}

static void
dump_bytes(FILE *f, const struct items_field *field, const uint8_t *p)
{
	char text[INET6_ADDRSTRLEN];
	uint32_t i;

	if (field->len == 16 || (field->len == 4 && strstr(field->name, "addr") != NULL)) {
		fputs(inet_ntop(field->len == 16 ? AF_INET6 : AF_INET, p, text, sizeof(text)), f);
	} else if (field->len == 6) {
		for (i = 0; i < 6; i++)
			fprintf(f, "%s%02x", i == 0 ? "" : ":", p[i]);
	} else {
		fprintf(f, "%" PRIu64, number(p, field->len));
	}
}

static void
dump_field(FILE *f, const struct sim_match *m, const struct items_field *field, uint32_t to)
{
	const uint8_t *value = (const uint8_t *)&m->value + to,
		      *mask = (const uint8_t *)&m->mask + to;
	uint32_t i, ones = 0, bits = 0;

	for (i = 0; i < m->n_ranges; i++)
		if (m->range[i].at == to)
			fprintf(f, " %s %" PRIu64 "-%" PRIu64, field->name, m->range[i].low,
					m->range[i].high);
	for (i = 0; i < field->len; i++) {
		ones += mask[i] == 0xff;
		bits |= mask[i];
	}
	if (bits == 0)
		return;
	fprintf(f, " %s ", field->name);
	dump_bytes(f, field, value);
	if (ones == field->len)
		return;
	fputc('/', f);
	if (field->len >= 6 || strstr(field->name, "addr") != NULL)
		dump_bytes(f, field, mask);
	else
		fprintf(f, "0x%" PRIx64, number(mask, field->len));
}

static void
dump_header(FILE *f, const struct sim_match *m, const struct items_header *h, uint32_t level,
		uint32_t shift)
{
	const char *c;
	uint32_t i, to;

	for (c = h->name; *c != '\0'; c++)
		fputc(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c, f);
	for (i = 0; i < h->fields; i++) {
		if (h->field[i].flags & ITEMS_BIT) {
			if (m->mask.layers[level] & ~m->value.layers[level] & h->field[i].to)
				fprintf(f, " %s 0", h->field[i].name);
			continue;
		}
		to = h->field[i].to + shift;
		if (h->stage < ITEMS_TUNNEL)
			to += level * sizeof(struct sim_level);
		dump_field(f, m, &h->field[i], to);
	}
	fputs(" / ", f);
}

static void
dump_level(FILE *f, const struct sim_match *m, uint32_t level)
{
	const uint32_t there = m->mask.layers[level] & m->value.layers[level];
	const struct items_header *h;
	uint32_t i, last = 0;

	for (i = 0; (h = items_header_at(i)) != NULL; i++) {
		/* GTP is another name of GTPU. */
		if ((there & h->layers) != h->layers || h->layers == last)
			continue;
		last = h->layers;
		dump_header(f, m, h, level, 0);
		if (h->type == RTE_FLOW_ITEM_TYPE_VLAN && there & SIM_L_QINQ)
			dump_header(f, m, h, level, 4);
	}
}

static void
dump_word(FILE *f, const char *name, uint32_t value, uint32_t mask)
{
	if (mask == 0)
		return;
	fprintf(f, "%s %u", name, value);
	if (mask != UINT32_MAX)
		fprintf(f, "/0x%x", mask);
	fputs(" / ", f);
}

static void
dump_match(FILE *f, const struct sim_match *m)
{
	char name[16];
	uint32_t i;

	fputs(m->invert ? "pattern invert / " : "pattern ", f);
	if (m->mask.from_host != 0) {
		fprintf(f, m->value.from_host ? "port_representor" : "represented_port");
		if (m->mask.port != 0)
			fprintf(f, " %u", m->value.port);
		fputs(" / ", f);
	}
	dump_level(f, m, 0);
	dump_level(f, m, 1);
	dump_word(f, "mark", m->value.mark, m->mask.mark);
	dump_word(f, "meta", m->value.meta, m->mask.meta);
	for (i = 0; i < SIM_TAGS; i++) {
		snprintf(name, sizeof(name), "tag%u", i);
		dump_word(f, name, m->value.tag[i], m->mask.tag[i]);
	}
	if (m->mask.color != 0)
		fprintf(f, "meter_color %u / ", m->value.color - 1u);
	if (m->mask.ct != 0)
		fprintf(f, "conntrack 0x%x/0x%x / ", m->value.ct, m->mask.ct);
	for (i = 0; i < 2; i++)
		if (m->mask.integrity[i] != 0)
			fprintf(f, "integrity level %u 0x%x/0x%x / ", i + 1, m->value.integrity[i],
					m->mask.integrity[i]);
	fputs("end", f);
}

static const char *const field_name[SIM_F_COUNT] = {
	[SIM_F_VALUE] = "value",
	[SIM_F_MAC_DST] = "mac_dst",
	[SIM_F_MAC_SRC] = "mac_src",
	[SIM_F_ETH_TYPE] = "mac_type",
	[SIM_F_VLAN_ID] = "vlan_id",
	[SIM_F_VLAN_PCP] = "vlan_pcp",
	[SIM_F_VLAN_TYPE] = "vlan_type",
	[SIM_F_IPV4_SRC] = "ipv4_src",
	[SIM_F_IPV4_DST] = "ipv4_dst",
	[SIM_F_IPV4_DSCP] = "ipv4_dscp",
	[SIM_F_IPV4_ECN] = "ipv4_ecn",
	[SIM_F_IPV4_TTL] = "ipv4_ttl",
	[SIM_F_IPV6_SRC] = "ipv6_src",
	[SIM_F_IPV6_DST] = "ipv6_dst",
	[SIM_F_IPV6_DSCP] = "ipv6_dscp",
	[SIM_F_IPV6_ECN] = "ipv6_ecn",
	[SIM_F_IPV6_HOPLIMIT] = "ipv6_hoplimit",
	[SIM_F_TCP_SRC] = "tcp_src",
	[SIM_F_TCP_DST] = "tcp_dst",
	[SIM_F_TCP_SEQ] = "tcp_seq",
	[SIM_F_TCP_ACK] = "tcp_ack",
	[SIM_F_TCP_FLAGS] = "tcp_flags",
	[SIM_F_UDP_SRC] = "udp_src",
	[SIM_F_UDP_DST] = "udp_dst",
	[SIM_F_TP_SRC] = "tp_src",
	[SIM_F_TP_DST] = "tp_dst",
	[SIM_F_TTL] = "ttl",
	[SIM_F_VXLAN_VNI] = "vxlan_vni",
	[SIM_F_GENEVE_VNI] = "geneve_vni",
	[SIM_F_GTP_TEID] = "gtp_teid",
	[SIM_F_TAG] = "tag",
	[SIM_F_MARK] = "mark",
	[SIM_F_META] = "meta",
};

static void
dump_modify(FILE *f, const struct sim_modify *m)
{
	static const char *const op[] = {
		[SIM_OP_SET] = "set",
		[SIM_OP_ADD] = "add",
		[SIM_OP_SUB] = "sub",
	};
	uint32_t i = 0;

	fprintf(f, "%s %s", op[m->op], field_name[m->dst]);
	if (m->dst == SIM_F_TAG)
		fprintf(f, "%u", m->dst_index);
	if (m->dst_level != 0)
		fputs(" inner", f);
	if (m->bits != sim_field_bits(m->dst))
		fprintf(f, " bits %u+%u", m->dst_bit, m->bits);
	if (m->src != SIM_F_VALUE) {
		fprintf(f, " from %s", field_name[m->src]);
		if (m->src == SIM_F_TAG)
			fprintf(f, "%u", m->src_index);
		fprintf(f, "%s bit %u", m->src_level != 0 ? " inner" : "", m->src_bit);
		return;
	}
	while (i < sizeof(m->value) - 1 && m->value[i] == 0)
		i++;
	fprintf(f, " 0x%x", m->value[i]);
	for (i++; i < sizeof(m->value); i++)
		fprintf(f, "%02x", m->value[i]);
}

static const struct {
	const char *name;
	bool number;
} action_name[] = {
	[SIM_A_END] = { "end", false },
	[SIM_A_JUMP] = { "jump", true },
	[SIM_A_QUEUE] = { "queue", true },
	[SIM_A_RSS] = { "rss", true },
	[SIM_A_DROP] = { "drop", false },
	[SIM_A_PORT] = { "represented_port", true },
	[SIM_A_HOST] = { "port_representor", true },
	[SIM_A_PASSTHRU] = { "passthru", false },
	[SIM_A_MARK] = { "mark", true },
	[SIM_A_FLAG] = { "flag", false },
	[SIM_A_COUNT] = { "count", true },
	[SIM_A_METER] = { "meter", true },
	[SIM_A_AGE] = { "age", true },
	[SIM_A_CT] = { "conntrack", true },
	[SIM_A_TLS] = { "security", true },
	[SIM_A_SAMPLE] = { "sample", true },
	[SIM_A_MODIFY] = { "modify", false },
	[SIM_A_MAC_SWAP] = { "mac_swap", false },
	[SIM_A_VLAN_POP] = { "of_pop_vlan", false },
	[SIM_A_VLAN_PUSH] = { "of_push_vlan", true },
	[SIM_A_ENCAP] = { "encap", false },
	[SIM_A_DECAP] = { "decap", false },
	[SIM_A_STRIP] = { "raw_decap", true },
};

/* A tunnel's groups have numbers of the model's own: the application knows them by the tunnel and its own number. */
static void
dump_jump(const struct dump *d, uint32_t group)
{
	uint8_t tunnel = 0;

	hwf_tunnel_ungroup(d->h, group, &tunnel, &group);
	fprintf(d->to, " %u", group);
	if (tunnel != 0)
		fprintf(d->to, " tunnel %u", tunnel);
}

static void
dump_actions(const struct dump *d, const struct sim_action *a, uint32_t n)
{
	FILE *f = d->to;
	uint32_t i;

	fputs(" actions ", f);
	for (i = 0; i < n; i++) {
		if (a[i].type >= RTE_DIM(action_name) || a[i].type == SIM_A_END)
			continue;
		if (a[i].type == SIM_A_MODIFY)
			dump_modify(f, a[i].modify);
		else
			fputs(action_name[a[i].type].name, f);
		if (a[i].type == SIM_A_JUMP)
			dump_jump(d, a[i].u32);
		else if (action_name[a[i].type].number)
			fprintf(f, " %u", a[i].u32);
		if (a[i].type == SIM_A_ENCAP)
			fprintf(f, " %u bytes", a[i].len);
		if (a[i].type == SIM_A_CT && a[i].flags & SIM_AF_REPLY)
			fputs(" reply", f);
		fputs(" / ", f);
	}
	fputs("end", f);
}

static void
dump_rule(void *arg, const struct sim_rule *rule, const struct sim_rule_params *p)
{
	static const char *const domain[SIM_DOMAINS] = { "ingress", "egress", "transfer" };
	struct dump *d = arg;
	const struct rte_flow *flow;
	uint32_t group = p->group;
	uint8_t tunnel = 0;

	/* Rules of meter policies are nobody's, and those of other ports are listed there. */
	if (p->cookie >= d->h->flows.top)
		return;
	flow = hwf_pool_at(&d->h->flows, p->cookie);
	if (flow->slot.kind != HWF_FLOW || flow->slot.port != d->port || flow->rule != rule ||
			(d->flow != NULL && flow != d->flow))
		return;
	d->lines++;
	hwf_tunnel_ungroup(d->h, p->group, &tunnel, &group);
	fprintf(d->to, "%s port %u group %u", domain[p->domain], d->port, group);
	if (tunnel != 0)
		fprintf(d->to, " tunnel %u", tunnel);
	fprintf(d->to, " priority %u ", p->priority);
	dump_match(d->to, p->match);
	dump_actions(d, p->actions, p->n_actions);
	fprintf(d->to, " hits %" PRIu64 "\n", sim_rule_hits(rule));
}

int
hwf_dump(struct hwf *h, uint16_t port, struct rte_flow *flow, FILE *file,
		struct rte_flow_error *error)
{
	struct dump d = { .h = h, .port = port, .flow = flow };
	char *text = NULL;
	size_t size = 0;
	int rc = hwf_check_port(h, port, error);

	if (rc != 0)
		return rc;
	if (file == NULL)
		return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no file to write to");
	/* Into memory first: packets do not wait for a file, nor for who reads a pipe. */
	d.to = open_memstream(&text, &size);
	if (d.to == NULL)
		return rte_flow_error_set(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no memory for the text");
	pthread_mutex_lock(&h->lock);
	if (flow != NULL && !hwf_pool_has(&h->flows, flow, HWF_FLOW, port)) {
		rc = rte_flow_error_set(error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, flow,
				"no such rule on this port");
	} else {
		sim_lock_take(h->nic);
		sim_rule_walk(h->steer, dump_rule, &d);
		sim_lock_give(h->nic);
	}
	pthread_mutex_unlock(&h->lock);
	if (fclose(d.to) != 0 && rc == 0)
		rc = rte_flow_error_set(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no memory for the text");
	if (rc == 0)
		fputs(text, file);
	free(text);
	return rc;
}
