/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of the generator, read and checked. Called when a port is made. What they mean stands in gen.h.
 */
#include "gen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>

#include "gen_text.h"

static const char *const known[] = { "flows", "sessions", "dir", "handshake", "churn", "seed",
	"proto", "ipv6", "src", "dst", "src6", "dst6", "sport", "dport", "reply-src", "reply-dst",
	"reply-sport", "reply-dport", "mac-src", "mac-dst", "vlan", "vxlan", "out-src", "out-dst",
	"size", "payload", "tcp-flags", "order", "rate", "burst", "count", "backlog", "check",
	NULL };

/* --- one option each --- */

static int
read_numbers(const char *o, struct gen_conf *c, struct sim_error *e)
{
	uint64_t flows = 0, sessions = 0, vlan = 0, vni = UINT64_MAX, handshake = 0, check = 0;
	struct {
		const char *key;
		uint64_t max;
		uint64_t *v;
	} numbers[] = {
		{ "flows", GEN_FLOWS_MAX, &flows },
		{ "sessions", GEN_FLOWS_MAX, &sessions },
		{ "handshake", 1, &handshake },
		{ "check", 1, &check },
		{ "churn", 100000000, &c->churn },
		{ "seed", UINT64_MAX, &c->seed },
		{ "vlan", 4094, &vlan },
		{ "vxlan", 0xffffff, &vni },
		{ "burst", 65536, &c->burst },
		{ "count", UINT64_MAX, &c->count },
		{ "backlog", 1u << 30, &c->backlog },
	};
	char text[8];

	for (size_t i = 0; i < RTE_DIM(numbers); i++) {
		const int err = wire_option_u64(o, numbers[i].key, numbers[i].max, numbers[i].v, e);

		if (err != 0)
			return err;
	}
	if (wire_option(o, "flows", text, sizeof(text)) != -ENOENT &&
			wire_option(o, "sessions", text, sizeof(text)) != -ENOENT)
		return sim_fail(e, EINVAL, "flows, sessions: only one of them");
	c->sessions = wire_option(o, "sessions", text, sizeof(text)) != -ENOENT;
	if (!c->sessions && wire_option(o, "flows", text, sizeof(text)) == -ENOENT)
		flows = 1;
	c->flows = (uint32_t)(c->sessions ? sessions : flows);
	if (c->flows == 0)
		return sim_fail(e, EINVAL, "%s: at least 1", c->sessions ? "sessions" : "flows");
	if (c->burst == 0)
		return sim_fail(e, EINVAL, "burst: at least 1");
	c->vlan = (uint16_t)vlan;
	c->vxlan = vni != UINT64_MAX;
	c->vni = c->vxlan ? (uint32_t)vni : 0;
	c->handshake = handshake != 0;
	c->check = check != 0;
	return 0;
}

static int
read_words(const char *o, struct gen_conf *c, struct sim_error *e)
{
	static const char *const dirs[] = { "both", "orig", "reply", NULL };
	static const char *const payloads[] = { "zero", "inc", "random", NULL };
	static const char *const protos[] = { "udp", "tcp", "mix", NULL };
	static const char *const orders[] = { "random", "round", "zipf", NULL };
	struct gen_word dir = { 0 }, payload = { 0 }, proto = { 0 }, order = { 0 };
	int err = gen_text_word(o, "dir", dirs, &dir, e);

	if (err == 0)
		err = gen_text_word(o, "payload", payloads, &payload, e);
	if (err == 0)
		err = gen_text_word(o, "proto", protos, &proto, e);
	if (err == 0)
		err = gen_text_word(o, "order", orders, &order, e);
	if (err != 0)
		return err;
	c->dir = dir.index;
	c->payload = payload.index;
	c->order = order.index;
	c->tcp_percent = proto.index == 0 ? 0 : proto.index == 1 ? 100 : 50;
	if (proto.index == 2 && proto.has_value) {
		if (!(proto.value >= 0 && proto.value <= 100))
			return sim_fail(e, ERANGE, "proto=mix: from 0 to 100 percent");
		c->tcp_percent = (uint8_t)proto.value;
	} else if (proto.has_value) {
		return sim_fail(e, EINVAL, "proto: only mix has a number");
	}
	if (dir.has_value || payload.has_value || (order.has_value && c->order != GEN_ZIPF))
		return sim_fail(e, EINVAL, "dir, payload, order: only zipf has a number");
	c->zipf = order.has_value ? order.value : 1.0;
	if (!(c->zipf >= 0 && c->zipf <= 8))
		return sim_fail(e, ERANGE, "order=zipf: from 0 to 8");
	if (c->order == GEN_ZIPF && c->flows > GEN_ZIPF_MAX)
		return sim_fail(e, ERANGE, "order=zipf: at most %u flows", GEN_ZIPF_MAX);
	return 0;
}

static int
read_ipv6(const char *o, struct gen_conf *c, struct sim_error *e)
{
	char text[8];
	char *end;
	unsigned long n;
	const int err = wire_option(o, "ipv6", text, sizeof(text));

	if (err == -ENOENT)
		return 0;
	n = err == 0 && text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 101;
	if (n > 100 || (strcmp(end, "%") != 0 && (*end != '\0' || n > 1)))
		return sim_fail(e, EINVAL, "ipv6: 0, 1, or a share such as 30%%");
	c->v6_percent = (uint8_t)(*end == '%' ? n : n * 100);
	return 0;
}

static int
read_tcp_flags(const char *o, struct gen_conf *c, struct sim_error *e)
{
	static const char letters[] = "FSRPAU";
	char text[16];
	const int err = wire_option(o, "tcp-flags", text, sizeof(text));

	if (err == -ENOENT)
		return 0;
	c->tcp_flags = 0;
	for (const char *s = text; err == 0 && *s != '\0'; s++) {
		const char *at = strchr(letters, *s);

		if (at == NULL)
			return sim_fail(e, EINVAL, "tcp-flags=%s: letters of FSRPAU", text);
		c->tcp_flags |= (uint8_t)(1u << (at - letters));
	}
	return err == 0 ? 0 : sim_fail(e, EINVAL, "tcp-flags: letters of FSRPAU");
}

static int
read_nets(const char *o, struct gen_conf *c, struct sim_error *e)
{
	struct {
		const char *key, *preset;
		struct gen_net *net;
	} nets[] = {
		{ "src", "198.18.0.0/16", &c->src[0] },
		{ "dst", "198.19.0.1", &c->dst[0] },
		{ "src6", "2001:2::/112", &c->src[1] },
		{ "dst6", "2001:2:0:1::1", &c->dst[1] },
		{ "out-src", "192.0.2.1", &c->out_src },
		{ "out-dst", "192.0.2.2", &c->out_dst },
		{ "reply-src", NULL, &c->reply_src },
		{ "reply-dst", NULL, &c->reply_dst },
	};

	for (size_t i = 0; i < RTE_DIM(nets); i++) {
		const int family = strchr(nets[i].key, '6') != NULL ? AF_INET6 : AF_INET;
		int err = gen_text_net(o, nets[i].key, family, nets[i].net, e);

		if (err == -ENOENT && nets[i].preset != NULL)
			err = gen_text_net_of(nets[i].preset, nets[i].key, family, nets[i].net, e);
		if (err != 0 && err != -ENOENT)
			return err;
	}
	return 0;
}

static int
read_ports(const char *o, struct gen_conf *c, struct sim_error *e)
{
	struct gen_ports reply[2] = { { 0 }, { 0 } };
	int err;

	c->sport = (struct gen_ports){ .first = 16384, .bits = 15 };
	c->dport = (struct gen_ports){ .first = 80, .bits = 0 };
	err = gen_text_ports(o, "sport", &c->sport, e);
	if (err == 0)
		err = gen_text_ports(o, "dport", &c->dport, e);
	if (err == 0)
		err = gen_text_ports(o, "reply-sport", &reply[0], e);
	if (err == 0)
		err = gen_text_ports(o, "reply-dport", &reply[1], e);
	if (err != 0)
		return err;
	if (reply[0].bits != 0 || reply[1].bits != 0)
		return sim_fail(e, EINVAL, "reply-sport, reply-dport: one port, no range");
	c->reply_sport = reply[0].first;
	c->reply_dport = reply[1].first;
	return 0;
}

/* --- what they are together --- */

static uint32_t
headers(const struct gen_conf *c, bool v6, bool tcp)
{
	return (c->vxlan ? 50u : 0u) + (c->vlan != 0 ? 4u : 0u) + 14u + (v6 ? 40u : 20u) +
			(tcp ? 20u : 8u);
}

static int
check_together(const struct gen_conf *c, struct sim_error *e)
{
	const uint32_t most = headers(c, c->v6_percent > 0, c->tcp_percent > 0);

	if (c->check && c->size_min < most + GEN_STAMP)
		return sim_fail(e, EINVAL, "check=1: stamps want size=%u or more here",
				most + GEN_STAMP + GEN_FCS);
	if (!c->sessions && (c->churn != 0 || c->handshake || c->dir != GEN_BOTH))
		return sim_fail(e, EINVAL, "churn, handshake, dir: of sessions=N, not of flows");
	if (c->churn != 0 && c->check)
		return sim_fail(e, EINVAL,
				"check=1, churn: segments that open and close have no payload to stamp");
	if (c->handshake && c->check)
		return sim_fail(e, EINVAL,
				"check=1, handshake: segments that open have no payload to stamp");
	if (c->dir != GEN_BOTH && (c->churn != 0 || c->handshake))
		return sim_fail(e, EINVAL, "churn, handshake: want dir=both");
	if ((c->reply_src.given || c->reply_dst.given) && c->v6_percent != 0)
		return sim_fail(e, EINVAL, "reply-src, reply-dst: IPv4 only, not with ipv6");
	if (c->rate.pps > UINT64_C(100000000000))
		return sim_fail(e, ERANGE, "rate: at most 100 Gpps");
	return 0;
}

int
gen_conf_read(const struct wire_params *params, const char *options, struct gen_conf *c,
		struct sim_error *e)
{
	int err;

	*c = (struct gen_conf){ .seed = params->seed,
		.burst = 1,
		.count = UINT64_MAX,
		.backlog = 4096,
		.tcp_flags = 0x10,
		.mac_src = { 2, 0, 0, 0, 0, 0xfe } };
	memcpy(c->mac_dst, params->mac, sizeof(c->mac_dst));
	err = wire_option_check(options, known, e);
	if (err == 0)
		err = read_numbers(options, c, e);
	if (err == 0)
		err = read_words(options, c, e);
	if (err == 0)
		err = read_ipv6(options, c, e);
	if (err == 0)
		err = read_tcp_flags(options, c, e);
	if (err == 0)
		err = read_nets(options, c, e);
	if (err == 0)
		err = read_ports(options, c, e);
	if (err == 0)
		err = gen_text_mac(options, "mac-src", c->mac_src, e);
	if (err == 0)
		err = gen_text_mac(options, "mac-dst", c->mac_dst, e);
	if (err == 0)
		err = wire_option_rate(options, &c->rate, e);
	if (err == 0)
		err = gen_text_sizes(options, c, e);
	return err == 0 ? check_together(c, e) : err;
}
