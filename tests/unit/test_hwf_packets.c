/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See test_hwf_packets.h. A stack is written from the front; lengths, checksums and what a header says of the next are filled in
 * when the end is known.
 */
#include "test_hwf_packets.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>

#define LAYERS_MAX 16

struct layer {
	const char *name;
	uint16_t at, len;
};

struct stack {
	uint8_t *to;
	struct layer layer[LAYERS_MAX];
	uint32_t n, end;
	bool inner;
};

static const struct kind {
	const char *name;
	uint8_t len;
	uint16_t ethertype; /* 0: none */
	int16_t proto;	    /* -1: none */
	uint16_t udp_port;  /* 0: none */
} kinds[] = {
	{ "eth", 14, 0x6558, -1, 0 },
	{ "vlan", 4, 0x8100, -1, 0 },
	{ "qinq", 4, 0x88a8, -1, 0 },
	{ "ipv4", 20, 0x0800, 4, 0 },
	{ "frag4", 20, 0x0800, 4, 0 },
	{ "frag4n", 20, 0x0800, 4, 0 },
	{ "opt4", 24, 0x0800, 4, 0 },
	{ "ipv6", 40, 0x86dd, 41, 0 },
	{ "frag6", 8, 0, 44, 0 },
	{ "opt6", 8, 0, 60, 0 },
	{ "arp", 28, 0x0806, -1, 0 },
	{ "tcp", 20, 0, 6, 0 },
	{ "udp", 8, 0, 17, 0 },
	{ "sctp", 12, 0, 132, 0 },
	{ "icmp", 8, 0, 1, 0 },
	{ "icmp6", 8, 0, 58, 0 },
	{ "esp", 8, 0, 50, 0 },
	{ "vxlan", 8, 0, -1, 4789 },
	{ "geneve", 8, 0, -1, 6081 },
	{ "gtpu", 8, 0, -1, 2152 },
	{ "gre", 4, 0, 47, 0 },
	{ "grekey", 8, 0, 47, 0 },
	{ "nvgre", 8, 0, 47, 0 },
	{ "data", 32, 0, -1, 0 },
};

static const struct kind *
kind_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	fail_msg("no header %s", name);
	return NULL;
}

static void
put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void
put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

static bool
is(const struct layer *l, const char *names)
{
	const size_t n = strlen(l->name);
	const char *at = names;

	while ((at = strstr(at, l->name)) != NULL) {
		if ((at == names || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
		at += n;
	}
	return false;
}

static void
fill_l3(struct stack *s, const struct layer *l, uint8_t *p)
{
	static const uint8_t v6[8] = { 0x20, 0x01, 0x0d, 0xb8 };

	if (is(l, "ipv6")) {
		put32(p, 0x62812345);
		p[7] = 64;
		memcpy(p + 8, v6, 8);
		memcpy(p + 24, v6, 8);
		p[13] = p[29] = s->inner;
		p[23] = 1;
		p[39] = 2;
		return;
	}
	p[0] = 0x40 | l->len / 4;
	p[1] = 0x28;
	put16(p + 4, 0x1234);
	if (is(l, "frag4"))
		put16(p + 6, 0x2000);
	if (is(l, "frag4n"))
		put16(p + 6, 1);
	p[8] = 64;
	put32(p + 12, s->inner ? 0xc0a80001 : 0x0a000001);
	put32(p + 16, s->inner ? 0xc0a80002 : 0x0a000002);
	if (is(l, "opt4"))
		put32(p + 20, 0x01010100);
}

static void
fill_l4(struct stack *s, const struct layer *l, uint8_t *p)
{
	const uint32_t more = s->inner ? 10000 : 0;

	if (is(l, "tcp")) {
		put16(p, 1000 + more);
		put16(p + 2, 2000 + more);
		put32(p + 4, 0x01020304);
		put32(p + 8, 0x05060708);
		put32(p + 12, 0x50181000);
	} else if (is(l, "udp")) {
		put16(p, 3000 + more);
		put16(p + 2, 4000 + more);
	} else if (is(l, "sctp")) {
		put16(p, 5000 + more);
		put16(p + 2, 6000 + more);
		put32(p + 4, 0xabcd);
	} else if (is(l, "icmp icmp6")) {
		p[0] = is(l, "icmp") ? 8 : 128;
		put32(p + 4, 0x00070009);
	} else if (is(l, "esp")) {
		put32(p, 0x100);
		put32(p + 4, 1);
	}
}

static void
fill_other(struct stack *s, const struct layer *l, uint8_t *p)
{
	static const uint8_t arp[28] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 1, 0,
		0, 0, 0, 0, 0, 10, 0, 0, 2 };

	if (is(l, "eth")) {
		p[0] = p[6] = 2;
		p[5] = s->inner ? 0x11 : 1;
		p[11] = s->inner ? 0x12 : 2;
	} else if (is(l, "vlan qinq")) {
		const bool second = l > s->layer && is(l - 1, "vlan qinq");

		put16(p, second ? 0xa0c8 : 0x6064);
	} else if (is(l, "arp")) {
		memcpy(p, arp, sizeof(arp));
	} else if (is(l, "frag6")) {
		put32(p, 0x00000001);
		put32(p + 4, 0x11223344);
	} else if (is(l, "opt6")) {
		put32(p, 0x00000104);
	} else if (is(l, "vxlan")) {
		put32(p, 0x08000000);
		put32(p + 4, 0x12345600);
	} else if (is(l, "geneve")) {
		put32(p, 0x00006558);
		put32(p + 4, 0x23456700);
	} else if (is(l, "gtpu")) {
		put32(p, 0x30ff0000);
		put32(p + 4, 0x34567890);
	} else if (is(l, "grekey")) {
		put32(p, 0x20000000);
		put32(p + 4, 77);
	} else if (is(l, "nvgre")) {
		put32(p, 0x20006558);
		put32(p + 4, 0x45678901);
	}
}

/* What header i says of the one behind it. */
static void
link_next(struct stack *s, uint32_t i)
{
	const struct layer *l = &s->layer[i];
	const struct kind *next = i + 1 < s->n ? kind_of(s->layer[i + 1].name) : NULL;
	uint8_t *p = s->to + l->at;

	if (next == NULL || strcmp(next->name, "data") == 0) {
		if (is(l, "frag4n"))
			p[9] = 17;
		return;
	}
	if (is(l, "eth"))
		put16(p + 12, next->ethertype);
	if (is(l, "vlan qinq grekey gre"))
		put16(p + 2, next->ethertype);
	if (is(l, "ipv4 frag4 frag4n opt4"))
		p[9] = (uint8_t)next->proto;
	if (is(l, "ipv6"))
		p[6] = (uint8_t)next->proto;
	if (is(l, "frag6 opt6"))
		p[0] = (uint8_t)next->proto;
	if (is(l, "udp") && next->udp_port != 0)
		put16(p + 2, next->udp_port);
	if (is(l, "geneve"))
		put16(p + 2, next->ethertype);
}

/* Lengths, and sums of what lies behind, from the back to the front: what is inside is summed first. */
static void
finish(struct stack *s, uint32_t i)
{
	const struct layer *l = &s->layer[i];
	uint8_t *p = s->to + l->at;
	const uint32_t len = s->end - l->at;
	uint32_t j;

	if (is(l, "ipv4 frag4 frag4n opt4"))
		put16(p + 2, len);
	if (is(l, "ipv6"))
		put16(p + 4, len - 40);
	if (is(l, "udp"))
		put16(p + 4, len);
	if (is(l, "gtpu"))
		put16(p + 2, len - 8);
	if (is(l, "icmp"))
		put16(p + 2, ntohs((uint16_t)~rte_raw_cksum(p, len)));
	if (is(l, "ipv4 frag4 frag4n opt4"))
		put16(p + 10, ntohs((uint16_t)~rte_raw_cksum(p, l->len)));
	for (j = i; j > 0 && !is(&s->layer[j - 1], "ipv4 ipv6"); j--)
		;
	if (j == 0 || !is(l, "tcp udp icmp6"))
		return;
	p += is(l, "tcp") ? 16 : is(l, "udp") ? 6 : 2;
	if (is(&s->layer[j - 1], "ipv6")) {
		struct rte_ipv6_hdr ip;

		memcpy(&ip, s->to + s->layer[j - 1].at, sizeof(ip));
		ip.proto = (uint8_t)kind_of(l->name)->proto;
		ip.payload_len = htons((uint16_t)len);
		*(unaligned_uint16_t *)p = rte_ipv6_udptcp_cksum(&ip, s->to + l->at);
	} else {
		struct rte_ipv4_hdr ip;

		memcpy(&ip, s->to + s->layer[j - 1].at, sizeof(ip));
		ip.total_length = htons((uint16_t)(20 + len));
		*(unaligned_uint16_t *)p = rte_ipv4_udptcp_cksum(&ip, s->to + l->at);
	}
}

uint32_t
rig_bytes(uint8_t *to, const char *text)
{
	struct stack s = { .to = to };
	char copy[200], *save = NULL, *word;
	uint32_t i;

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	for (word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		const struct kind *k = kind_of(word);
		struct layer *l = &s.layer[s.n];

		assert_true(s.n < LAYERS_MAX);
		*l = (struct layer){ .name = k->name, .at = (uint16_t)s.end, .len = k->len };
		memset(to + s.end, 0, k->len);
		s.n++;
		if (s.n > 1 && is(l - 1, "ipv4 ipv6") && is(l, "ipv4 ipv6"))
			s.inner = true;
		if (is(l, "ipv4 frag4 frag4n opt4 ipv6"))
			fill_l3(&s, l, to + s.end);
		else if (is(l, "tcp udp sctp icmp icmp6 esp"))
			fill_l4(&s, l, to + s.end);
		else
			fill_other(&s, l, to + s.end);
		if (is(l, "vxlan geneve gtpu gre grekey nvgre"))
			s.inner = true;
		s.end += k->len;
	}
	for (i = 0; i < s.n; i++)
		link_next(&s, i);
	for (i = s.n; i > 0; i--)
		finish(&s, i - 1);
	return s.end;
}

void
rig_stack(struct rig_packet *p, const char *text)
{
	uint8_t *begin = p->room + RIG_ROOM;
	uint32_t len = rig_bytes(begin, text);

	if (len < SIM_FRAME_MIN) {
		memset(begin + len, 0, SIM_FRAME_MIN - len);
		len = SIM_FRAME_MIN;
	}
	p->pkt = (struct sim_pkt){
		.data = begin,
		.len = (uint16_t)len,
		.headroom = RIG_ROOM,
		.tailroom = (uint16_t)(sizeof(p->room) - RIG_ROOM - len),
		.frame_len = len,
	};
}

void
rig_empty(struct rig *r)
{
	struct sim_steer_stats st;

	sim_steer_stats(r->steer, &st);
	assert_int_equal(st.rules, 0);
	assert_int_equal(st.counters, 0);
	assert_int_equal(st.ages, 0);
	assert_int_equal(st.cts, 0);
	assert_int_equal(st.tcam_entries, 0);
	assert_int_equal(r->h->flows.used, 0);
	assert_int_equal(r->h->extras.used, 0);
	assert_int_equal(r->h->handles.used, 0);
	assert_int_equal(r->h->n_ages, 0);
}
