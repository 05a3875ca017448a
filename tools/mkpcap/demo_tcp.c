/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP connections of the demo: TLS or HTTP, in flights as slow start sends them, with
 * acknowledgements a round trip later. Both sides keep strictly to what arrived before, so every
 * segment is in its window. How a connection ends follows from its number.
 */
#include <string.h>

#include "demo.h"

#define FLIGHT 10 /* segments: the initial window of RFC 6928 */
#define WIRE_TIME (12 * MK_US)

#define CLIENT DEMO_EXTERNAL
#define SERVER DEMO_INTERNAL

struct tcp {
	struct demo *demo;
	const struct demo_talk *talk;
	uint64_t now;
	uint32_t next[2];  /* sequence number of each side's next byte */
	uint32_t acked[2]; /* what each side has acknowledged of the other's */
	uint32_t stamp[2]; /* latest timestamp that each side sent */
};

static void
segment(struct tcp *c, enum demo_side side, uint8_t flags, const uint8_t *payload, size_t len)
{
	struct mk_frame f;
	struct mk_tcp tcp = {
		.seq = c->next[side],
		.ack = c->acked[side],
		.ts_val = (uint32_t)((c->now - MK_EPOCH_NS) / MK_MS) + (side ? 700000 : 1000),
		.ts_ecr = flags == MK_TCP_SYN ? 0 : c->stamp[!side],
		.window = flags & MK_TCP_SYN ? 64240 : 1024, /* scaled: 128 KiB */
		.flags = flags,
	};

	mk_tcp(&f, &c->talk->flow[side], &tcp, payload, len);
	mk_timeline_add(c->demo->timeline, side, c->now, &f);
	c->stamp[side] = tcp.ts_val;
	c->next[side] += (uint32_t)len + !!(flags & (MK_TCP_SYN | MK_TCP_FIN));
	c->now += WIRE_TIME;
}

/* Time passes until what one side sent last has arrived at the box as the other's answer. */
static void
turn(struct tcp *c, enum demo_side answering)
{
	c->now += answering == CLIENT ? c->talk->rtt : c->talk->delay;
}

/* One side acknowledges all that the other sent, every second segment of it. */
static void
acknowledge(struct tcp *c, enum demo_side side)
{
	turn(c, side);
	while (c->acked[side] != c->next[!side]) {
		uint32_t missing = c->next[!side] - c->acked[side];
		uint32_t step = 2 * MK_TCP_SEGMENT;

		c->acked[side] += missing < step ? missing : step;
		segment(c, side, MK_TCP_ACK, NULL, 0);
	}
}

/* One side sends `len` bytes of demo->payload in flights; the last one is not acknowledged yet. */
static void
send_data(struct tcp *c, enum demo_side side, size_t len)
{
	const uint8_t *payload = c->demo->payload;
	unsigned int in_flight = 0;

	while (len) {
		size_t part = len < MK_TCP_SEGMENT ? len : MK_TCP_SEGMENT;

		if (in_flight++ == FLIGHT) {
			acknowledge(c, !side);
			turn(c, side);
			in_flight = 1;
		}
		len -= part;
		segment(c, side, MK_TCP_ACK | (len ? 0 : MK_TCP_PSH), payload, part);
		payload += part;
	}
}

static void
handshake(struct tcp *c)
{
	segment(c, CLIENT, MK_TCP_SYN, NULL, 0);
	turn(c, SERVER);
	c->acked[SERVER] = c->next[CLIENT];
	segment(c, SERVER, MK_TCP_SYN | MK_TCP_ACK, NULL, 0);
	turn(c, CLIENT);
	c->acked[CLIENT] = c->next[SERVER];
	segment(c, CLIENT, MK_TCP_ACK, NULL, 0);
}

static void
tls_handshake(struct tcp *c)
{
	struct mk_rng *rng = &c->demo->rng;
	unsigned int n = c->talk->ordinal;
	const char *name = n % 20 == 5 ? NULL : demo_name(n);

	send_data(c, CLIENT, mk_tls_client_hello(c->demo->payload, rng, name, n % 10 == 3));
	acknowledge(c, SERVER);
	send_data(c, SERVER, mk_tls_server_flight(c->demo->payload, rng));
	acknowledge(c, CLIENT);
	send_data(c, CLIENT, mk_tls_client_finished(c->demo->payload, rng));
}

static void
exchange(struct tcp *c, unsigned int page)
{
	struct mk_rng *rng = &c->demo->rng;
	uint8_t *out = c->demo->payload;
	bool tls = c->talk->service->kind == DEMO_TLS;
	/* Most answers are small, some large: the product of two draws. */
	size_t body = 300 + (size_t)mk_rng_below(rng, 240) * mk_rng_below(rng, 240);
	size_t len = tls ? mk_tls_data(out, rng, mk_rng_between(rng, 120, 900))
			 : mk_http_request(out, demo_name(c->talk->ordinal), page);

	send_data(c, CLIENT, len);
	acknowledge(c, SERVER);
	send_data(c, SERVER, tls ? mk_tls_data(out, rng, body) : mk_http_response(out, body));
	acknowledge(c, CLIENT);
}

static void
finish(struct tcp *c)
{
	unsigned int n = c->talk->ordinal % 16;

	if (n == 11)
		return; /* stays open */
	if (n == 7) {
		segment(c, CLIENT, MK_TCP_RST | MK_TCP_ACK, NULL, 0);
		return;
	}
	segment(c, CLIENT, MK_TCP_FIN | MK_TCP_ACK, NULL, 0);
	turn(c, SERVER);
	c->acked[SERVER] = c->next[CLIENT];
	segment(c, SERVER, MK_TCP_FIN | MK_TCP_ACK, NULL, 0);
	turn(c, CLIENT);
	c->acked[CLIENT] = c->next[SERVER];
	segment(c, CLIENT, MK_TCP_ACK, NULL, 0);
}

/*
 * A router between the box and the client reports that the server's latest packet is too long. It
 * quotes what it got: from the service, translated back.
 */
static void
too_big(struct tcp *c)
{
	const struct mk_flow *out = &c->talk->flow[CLIENT];
	struct mk_flow seen = mk_flow_reverse(out), router;
	struct mk_tcp tcp = { .seq = c->acked[CLIENT] - 1, .flags = MK_TCP_ACK };
	struct mk_frame quoted, f;
	bool v6 = out->src.v6;

	seen.ttl = c->talk->flow[SERVER].ttl - 2;
	mk_tcp(&quoted, &seen, &tcp, c->demo->payload, MK_TCP_SEGMENT);
	router = *out;
	router.src = mk_addr(v6 ? "2001:db8:e::77" : "198.51.100.77");
	mk_icmp_error(&f, &router, v6 ? 2 : 3, v6 ? 0 : 4, 1280, &quoted);
	mk_timeline_add(c->demo->timeline, CLIENT, c->now, &f);
	c->now += WIRE_TIME;
}

void
demo_tcp(struct demo *d, const struct demo_talk *talk)
{
	struct tcp c = {
		.demo = d,
		.talk = talk,
		.now = talk->start,
		.next = { (uint32_t)mk_rng_next(&d->rng), (uint32_t)mk_rng_next(&d->rng) },
	};
	unsigned int pages = mk_rng_between(&d->rng, 2, 5);

	handshake(&c);
	if (talk->service->kind == DEMO_TLS)
		tls_handshake(&c);
	for (unsigned int i = 0; i < pages; i++) {
		exchange(&c, i + 1);
		if (i == 0 && talk->ordinal == 12)
			too_big(&c);
	}
	finish(&c);
}
