/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rest of the demo: what is no connection through a service, and what is wrong on purpose. A
 * table says what and at which hundredth of the capture; README.md repeats it for readers.
 */
#include <string.h>

#include "demo.h"

#define PROTO_GRE 47
#define PROTO_TCP 6
#define ODD_PORT 40000 /* connections count up from 32768 and stay below */

static void
put(struct demo *d, enum demo_side side, uint64_t ns, const struct mk_frame *f)
{
	mk_timeline_add(d->timeline, side, ns, f);
}

/* A datagram to the service with one backend, to damage. */
static struct mk_flow
sound(struct mk_frame *f)
{
	static const char text[] = "a datagram that was fine before it was damaged";
	struct mk_flow flow = demo_from_client(false, 250, demo_vip(false));

	flow.sport = ODD_PORT;
	flow.dport = 8053;
	mk_udp(f, &flow, text, sizeof(text) - 1);
	return flow;
}

static void
arp(struct demo *d, uint64_t ns)
{
	struct mk_flow flow = demo_from_client(false, 0, demo_vip(false));
	struct mk_frame f;

	flow.src = mk_addr("198.51.100.1");
	mk_arp_request(&f, &flow);
	put(d, DEMO_EXTERNAL, ns, &f);
	flow.dst = mk_addr("198.51.100.2");
	mk_arp_request(&f, &flow);
	put(d, DEMO_EXTERNAL, ns + MK_MS, &f);
	flow.src = mk_addr("2001:db8:e::1");
	flow.dst = mk_addr("2001:db8:e::2");
	mk_neighbour_solicit(&f, &flow);
	put(d, DEMO_EXTERNAL, ns + 2 * MK_MS, &f);
}

/* Four pings of the service itself, which the box answers, and four of a backend behind it. */
static void
ping(struct demo *d, uint64_t ns, bool v6)
{
	struct mk_addr backend = demo_from_backend(v6, 1, demo_vip(v6)).src;
	struct mk_flow to_vip = demo_from_client(v6, 33, demo_vip(v6));
	struct mk_flow to_backend = demo_from_client(v6, 34, backend);
	struct mk_flow answer = demo_from_backend(v6, 1, to_backend.src);
	struct mk_frame f;

	to_vip.sport = to_backend.sport = answer.sport = v6 ? 0x6666 : 0x4444;
	for (uint16_t seq = 1; seq <= 4; seq++, ns += 1000 * MK_MS) {
		mk_echo(&f, &to_vip, false, seq);
		put(d, DEMO_EXTERNAL, ns, &f);
		mk_echo(&f, &to_backend, false, seq);
		put(d, DEMO_EXTERNAL, ns + MK_MS, &f);
		mk_echo(&f, &answer, true, seq);
		put(d, DEMO_INTERNAL, ns + 2 * MK_MS, &f);
	}
}

static void
ping4(struct demo *d, uint64_t ns)
{
	ping(d, ns, false);
}

static void
ping6(struct demo *d, uint64_t ns)
{
	ping(d, ns, true);
}

static void
bad_ip_checksum(struct demo *d, uint64_t ns)
{
	struct mk_frame f;

	sound(&f);
	f.data[f.l3 + 10] ^= 0x55;
	put(d, DEMO_EXTERNAL, ns, &f);
}

static void
bad_udp_checksum(struct demo *d, uint64_t ns)
{
	struct mk_frame f;

	sound(&f);
	f.data[f.l4 + 6] ^= 0x55;
	put(d, DEMO_EXTERNAL, ns, &f);
}

/* The IP header says 1000 bytes more than there are. */
static void
bad_ip_length(struct demo *d, uint64_t ns)
{
	struct mk_frame f;

	sound(&f);
	f.data[f.l3 + 2] += 4;
	mk_ipv4_fix_checksum(&f);
	put(d, DEMO_EXTERNAL, ns, &f);
}

/* UDP claims more than IP holds. */
static void
bad_udp_length(struct demo *d, uint64_t ns)
{
	struct mk_frame f;

	sound(&f);
	f.data[f.l4 + 4] = 0x40;
	put(d, DEMO_EXTERNAL, ns, &f);
}

/* Ten bytes where a TCP header should be; the IP header is right. */
static void
cut_tcp(struct demo *d, uint64_t ns)
{
	static const uint8_t piece[10] = { 0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0 };
	struct mk_flow flow = demo_from_client(false, 251, demo_vip(false));
	struct mk_frame f;

	mk_ip(&f, &flow, PROTO_TCP, piece, sizeof(piece));
	put(d, DEMO_EXTERNAL, ns, &f);
}

static void
expired_ttl(struct demo *d, uint64_t ns)
{
	struct mk_frame f;
	struct mk_flow flow = sound(&f);

	flow.ttl = 1;
	mk_udp(&f, &flow, "one hop left", 12);
	put(d, DEMO_EXTERNAL, ns, &f);
}

/* A port of the service address on which nothing is offered, and a host that is not there. */
static void
unknown(struct demo *d, uint64_t ns)
{
	struct mk_flow flow = demo_from_client(false, 252, demo_vip(false));
	struct mk_tcp tcp = { .seq = 1, .window = 64240, .flags = MK_TCP_SYN };
	struct mk_frame f;

	flow.sport = ODD_PORT;
	flow.dport = 4444;
	mk_tcp(&f, &flow, &tcp, NULL, 0);
	put(d, DEMO_EXTERNAL, ns, &f);
	flow.dst = mk_addr("10.0.99.99");
	mk_tcp(&f, &flow, &tcp, NULL, 0);
	put(d, DEMO_EXTERNAL, ns + MK_MS, &f);
}

/* A sound packet inside of GRE (RFC 2784), which the box tracks by its addresses alone. */
static void
gre(struct demo *d, uint64_t ns)
{
	uint8_t payload[256] = { 0, 0, 0x08, 0x00 };
	struct mk_flow flow = demo_from_client(false, 253, demo_vip(false));
	struct mk_frame inner, f;

	sound(&inner);
	memcpy(payload + 4, inner.data + inner.l3, inner.ip_len);
	mk_ip(&f, &flow, PROTO_GRE, payload, 4u + inner.ip_len);
	put(d, DEMO_EXTERNAL, ns, &f);
}

/* A datagram of 1440 bytes in two fragments, and one whose second fragment never comes. */
static void
fragments(struct demo *d, uint64_t ns)
{
	struct mk_flow flow = demo_from_client(false, 254, demo_vip(false));
	struct mk_frame whole, f;

	flow.sport = ODD_PORT;
	flow.dport = 8053;
	memset(d->payload, 'f', MK_FRAME_MAX);
	mk_udp(&whole, &flow, d->payload, 1440);
	for (unsigned int i = 0; mk_fragment(&f, &whole, i, 800); i++)
		put(d, DEMO_EXTERNAL, ns + i * MK_MS, &f);
	flow.sport++;
	mk_udp(&whole, &flow, d->payload, 1440);
	mk_fragment(&f, &whole, 0, 800);
	put(d, DEMO_EXTERNAL, ns + 10 * MK_MS, &f);
}

void
demo_odd(struct demo *d)
{
	static const struct {
		void (*make)(struct demo *d, uint64_t ns);
		unsigned int hundredth;
	} table[] = {
		{ arp, 0 },
		{ ping4, 5 },
		{ ping6, 15 },
		{ bad_ip_checksum, 30 },
		{ bad_udp_checksum, 34 },
		{ bad_ip_length, 38 },
		{ bad_udp_length, 42 },
		{ cut_tcp, 46 },
		{ expired_ttl, 50 },
		{ unknown, 54 },
		{ gre, 58 },
		{ fragments, 62 },
	};
	uint64_t span = d->end - MK_EPOCH_NS;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		table[i].make(d, MK_EPOCH_NS + span / 100 * table[i].hundredth);
}
