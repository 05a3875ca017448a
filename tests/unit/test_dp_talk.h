/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP over the rig's network (test_dp_net.h), with options, between a client and a server that shunt answers for by a SYN
 * cookie: segments written and read byte by byte, and what each side must see of the other.
 */
#ifndef TEST_DP_TALK_H
#define TEST_DP_TALK_H

#include <string.h>

#include <arpa/inet.h>

#include "conntrack/ct.h"
#include "test_dp_net.h"

#define CLIENT_MAC "02:00:00:00:00:fe"
#define S TIME_NS_PER_S

#define COOKIE_CONFIG(cookies, tables) \
	"{\"ports\": [" \
	"{\"name\": \"ext\", \"device\": \"net_ring_rig0\"," \
	" \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]}," \
	"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\"," \
	" \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]}," \
	"{\"name\": \"ext2\", \"device\": \"net_ring_rig2\", \"addresses\": [\"203.0.113.1/24\"]}]," \
	"\"routes\": [{\"prefix\": \"192.0.2.128/25\", \"via\": \"10.0.0.11\"}]," \
	"\"neighbours\": [" \
	"{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"" CLIENT_MAC "\"}," \
	"{\"port\": \"ext\", \"address\": \"2001:db8:e::7\", \"mac\": \"" CLIENT_MAC "\"}," \
	"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}," \
	"{\"port\": \"int\", \"address\": \"2001:db8:2::11\", \"mac\": \"02:00:00:00:00:0b\"}]," \
	"\"conntrack\": {\"syn-cookies\": {" cookies "}}," \
	"\"tables\": {\"mbufs\": 2048, " tables "}," \
	"\"services\": [" \
	"{\"name\": \"web\", \"vip\": \"192.0.2.10\", \"protocol\": \"tcp\", \"port\": 80," \
	" \"backends\": [{\"address\": \"10.0.0.11\", \"port\": 8080}]}," \
	"{\"name\": \"web6\", \"vip\": \"2001:db8:1::10\", \"protocol\": \"tcp\", \"port\": 80," \
	" \"backends\": [{\"address\": \"2001:db8:2::11\", \"port\": 8080}]}]}"
#define ROOM "\"connections\": 1024, \"connections-extended\": 64, \"ring-size\": 256"

/* ---- segments ------------------------------------------------------------------------------------------------ */

struct opts {
	uint16_t mss; /* 0 = none */
	bool sack, ts;
	int8_t scale; /* -1 = none */
	uint32_t tsval, tsecr;
};

struct seg {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t win;
	struct opts o;
	unsigned int len; /* of payload */
};

/* Who talks, to whom, as the network sees them. */
struct ends {
	const char *src, *dst;
	uint16_t sport, dport;
};

static inline uint32_t
get(const uint8_t *p, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

static inline void
set(uint8_t *p, uint32_t v, unsigned int bytes)
{
	while (bytes-- > 0) {
		p[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static inline unsigned int
write_options(uint8_t *b, const struct opts *o)
{
	unsigned int n = 0;

	if (o->mss != 0) {
		set(b, 2 << 8 | 4, 2);
		set(b + 2, o->mss, 2);
		n += 4;
	}
	if (o->scale >= 0 && o->mss != 0) {
		set(b + n, 0x01030300 | (uint8_t)o->scale, 4);
		n += 4;
	}
	if (o->sack && o->mss != 0) {
		set(b + n, 0x01010402, 4);
		n += 4;
	}
	if (o->ts) {
		set(b + n, 0x0101080a, 4);
		set(b + n + 4, o->tsval, 4);
		set(b + n + 8, o->tsecr, 4);
		n += 12;
	}
	return n;
}

static inline uint32_t
sum(const uint8_t *p, uint32_t len, uint32_t s)
{
	for (uint32_t i = 0; i < len; i++)
		s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static inline uint32_t
pseudo(const struct frame *f, uint32_t l3, uint32_t len)
{
	return f->b[l3] >> 4 == 4 ? sum(f->b + l3 + 12, 8, IPPROTO_TCP + len)
				  : sum(f->b + l3 + 8, 32, IPPROTO_TCP + len);
}

static inline void
build(struct frame *f, const struct ends *e, const struct seg *s)
{
	static const uint8_t data[1400];
	uint8_t b[1440];
	const unsigned int n = write_options(b, &s->o);
	const struct packet p = { .src = e->src,
		.dst = e->dst,
		.sport = e->sport,
		.dport = e->dport,
		.proto = IPPROTO_TCP,
		.seq = s->seq,
		.ack = s->ack,
		.flags = s->flags,
		.payload = b,
		.len = (uint16_t)(n + s->len) };
	uint32_t l3, l4, len;

	memcpy(b + n, data, s->len);
	frame_build(f, &p);
	l3 = frame_l3(f);
	l4 = l3 + (frame_family(f) == 4 ? 20 : 40);
	len = f->len - l4;
	f->b[l4 + 12] = (uint8_t)((5 + n / 4) << 4);
	set(f->b + l4 + 14, s->win, 2);
	set(f->b + l4 + 16, 0, 2);
	set(f->b + l4 + 16, ~sum(f->b + l4, len, pseudo(f, l3, len)), 2);
}

static inline void
feed_seg(unsigned int port, const struct ends *e, const struct seg *s)
{
	struct frame f;

	build(&f, e, s);
	assert_true(rig_feed(&rig, port, 0, &f));
}

static inline void
run(unsigned int port, const struct ends *e, const struct seg *s)
{
	feed_seg(port, e, s);
	rig_settle(&rig);
	rig_check(&rig);
}

static inline void
read_options(const uint8_t *b, unsigned int n, struct opts *o)
{
	*o = (struct opts){ .scale = -1 };
	for (unsigned int i = 0; i < n && b[i] != 0;) {
		if (b[i] == 1) {
			i++;
			continue;
		}
		assert_true(i + 1 < n && b[i + 1] >= 2 && i + b[i + 1] <= n);
		if (b[i] == 2)
			o->mss = (uint16_t)get(b + i + 2, 2);
		if (b[i] == 3)
			o->scale = (int8_t)b[i + 2];
		if (b[i] == 4)
			o->sack = true;
		if (b[i] == 8) {
			o->ts = true;
			o->tsval = get(b + i + 2, 4);
			o->tsecr = get(b + i + 6, 4);
		}
		i += b[i + 1];
	}
}

/* The next frame that left by the port: from whom to whom it says, checksums right, and what it says. */
static inline void
take(unsigned int port, const struct ends *e, struct seg *s)
{
	struct frame f;
	char src[64], dst[64];
	uint32_t l3, l4, len;
	bool v4;

	assert_true(rig_take_any(&rig, port, &f));
	l3 = frame_l3(&f);
	v4 = frame_family(&f) == 4;
	l4 = l3 + (v4 ? 20 : 40);
	len = v4 ? get(f.b + l3 + 2, 2) - 20 : get(f.b + l3 + 4, 2);
	assert_int_equal(f.len, l4 + len);
	if (v4)
		assert_int_equal(sum(f.b + l3, 20, 0), 0xffff);
	assert_int_equal(sum(f.b + l4, len, pseudo(&f, l3, len)), 0xffff);
	inet_ntop(v4 ? AF_INET : AF_INET6, f.b + l3 + (v4 ? 12 : 8), src, sizeof(src));
	inet_ntop(v4 ? AF_INET : AF_INET6, f.b + l3 + (v4 ? 16 : 24), dst, sizeof(dst));
	assert_string_equal(src, e->src);
	assert_string_equal(dst, e->dst);
	assert_int_equal(get(f.b + l4, 2), e->sport);
	assert_int_equal(get(f.b + l4 + 2, 2), e->dport);
	assert_int_equal(f.b[5], port == 0 ? 0xfe : 0x0b); /* the station's MAC address */
	s->seq = get(f.b + l4 + 4, 4);
	s->ack = get(f.b + l4 + 8, 4);
	s->flags = f.b[l4 + 13];
	s->win = (uint16_t)get(f.b + l4 + 14, 2);
	s->len = len - (f.b[l4 + 12] >> 4) * 4;
	read_options(f.b + l4 + 20, (f.b[l4 + 12] >> 4) * 4u - 20, &s->o);
}

static inline void
nothing_left(void)
{
	for (unsigned int i = 0; i < rig.dp->n_ports; i++)
		assert_int_equal(left(i), 0);
}

/* ---- the two ends ---------------------------------------------------------------------------------------------- */

struct talk {
	bool v6;
	uint16_t port;	    /* of the client */
	struct opts client; /* what its SYN offers */
	struct opts server; /* what its SYN/ACK agrees to */
	uint32_t isn, server_isn;
	/* as it goes on */
	uint32_t cookie, ts; /* of the SYN/ACK that the client got */
};

static inline struct ends
from_client(const struct talk *t)
{
	return t->v6 ? (struct ends){ "2001:db8:e::7", "2001:db8:1::10", t->port, 80 }
		     : (struct ends){ "198.51.100.7", "192.0.2.10", t->port, 80 };
}

static inline struct ends
to_client(const struct talk *t)
{
	const struct ends e = from_client(t);

	return (struct ends){ e.dst, e.src, e.dport, e.sport };
}

static inline struct ends
to_server(const struct talk *t)
{
	return t->v6 ? (struct ends){ "2001:db8:e::7", "2001:db8:2::11", t->port, 8080 }
		     : (struct ends){ "198.51.100.7", "10.0.0.11", t->port, 8080 };
}

static inline struct ends
from_server(const struct talk *t)
{
	const struct ends e = to_server(t);

	return (struct ends){ e.dst, e.src, e.dport, e.sport };
}

/* Into port 0 from the client, or port 1 from the server. */
static inline void
client_says(const struct talk *t, const struct seg *s)
{
	const struct ends e = from_client(t);

	run(0, &e, s);
}

static inline void
server_says(const struct talk *t, const struct seg *s)
{
	const struct ends e = from_server(t);

	run(1, &e, s);
}

static inline void
client_gets(const struct talk *t, struct seg *s)
{
	const struct ends e = to_client(t);

	take(0, &e, s);
}

static inline void
server_gets(const struct talk *t, struct seg *s)
{
	const struct ends e = to_server(t);

	take(1, &e, s);
}

static inline struct talk
linux_talk(uint16_t port)
{
	return (struct talk){
		.port = port,
		.isn = 1000,
		.server_isn = 0xfffffff0,
		.client = { .mss = 1460, .sack = true, .ts = true, .scale = 7, .tsval = 77 },
		.server = { .mss = 1460, .sack = true, .ts = true, .scale = 9, .tsval = 5000000 },
	};
}

static inline uint32_t
connections(void)
{
	struct ct_stats s;

	ct_stats(rig.dp->ct, &s);
	return s.connections;
}

static inline uint64_t
sent(void)
{
	return rig.dp->workers[0]->c.cookies_sent;
}

/* SYN, and the answer that nobody remembers. */
static inline void
client_opens(struct talk *t)
{
	const bool ts = t->client.ts && rig.cfg->conntrack.syn_cookies.timestamps;
	const uint32_t before = connections();
	struct seg s = { .flags = TCP_SYN, .seq = t->isn, .win = 64240, .o = t->client };

	client_says(t, &s);
	client_gets(t, &s);
	nothing_left();
	assert_int_equal(s.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(s.ack, t->isn + 1);
	assert_int_equal(s.win, 0);
	assert_int_equal(s.o.mss, t->v6 ? 1440 : 1460);
	assert_int_equal(s.o.ts, ts);
	assert_int_equal(s.o.sack, ts && t->client.sack);
	assert_int_equal(s.o.scale, ts && t->client.scale >= 0 ? 7 : -1);
	if (ts)
		assert_int_equal(s.o.tsecr, t->client.tsval);
	t->cookie = s.seq;
	t->ts = s.o.tsval;
	assert_int_equal(connections(), before);
}

static inline struct seg
client_ack(const struct talk *t)
{
	return (struct seg){
		.flags = TCP_ACK,
		.seq = t->isn + 1,
		.ack = t->cookie + 1,
		.win = 502,
		.o = { .scale = -1,
				.ts = t->client.ts && rig.cfg->conntrack.syn_cookies.timestamps,
				.tsval = t->client.tsval + 1,
				.tsecr = t->ts },
	};
}

/* What the server must see: what the client had offered, as far as a cookie can say it. */
static inline void
server_gets_syn(const struct talk *t, uint16_t mss)
{
	const bool ts = t->client.ts && rig.cfg->conntrack.syn_cookies.timestamps;
	const bool scales = ts && t->client.scale >= 0;
	struct seg s;

	server_gets(t, &s);
	assert_int_equal(s.flags, TCP_SYN);
	assert_int_equal(s.seq, t->isn);
	assert_int_equal(s.ack, 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(s.win, scales ? RTE_MIN(502 << t->client.scale, 65535) : 502);
	assert_int_equal(s.o.mss, mss);
	assert_int_equal(s.o.ts, ts);
	assert_int_equal(s.o.sack, ts && t->client.sack);
	assert_int_equal(s.o.scale, scales ? t->client.scale : -1);
	if (ts) {
		assert_int_equal(s.o.tsval, t->client.tsval + 1);
		assert_int_equal(s.o.tsecr, 0);
	}
}

static inline struct opts
agreed(const struct talk *t)
{
	const bool ts = t->client.ts && rig.cfg->conntrack.syn_cookies.timestamps;
	struct opts o = t->server;

	o.ts = o.ts && ts;
	o.sack = o.sack && ts && t->client.sack;
	if (!ts || t->client.scale < 0)
		o.scale = -1;
	o.tsecr = t->client.tsval + 1;
	return o;
}

/* How a window of the server's reads for the client, that was told 7. */
static inline uint32_t
as_client_reads(const struct talk *t, uint32_t field)
{
	const bool scales = t->client.ts && t->client.scale >= 0 &&
			rig.cfg->conntrack.syn_cookies.timestamps;
	const struct opts o = agreed(t);

	if (!scales)
		return field;
	return RTE_MIN(field << (o.scale < 0 ? 0 : o.scale) >> 7, UINT32_C(65535));
}

static inline void
server_agrees(const struct talk *t)
{
	const struct opts o = agreed(t);
	struct seg s = { .flags = TCP_SYN | TCP_ACK,
		.seq = t->server_isn,
		.ack = t->isn + 1,
		.win = 65160,
		.o = o };

	server_says(t, &s);
	server_gets(t, &s);
	assert_int_equal(s.flags, TCP_ACK);
	assert_int_equal(s.seq, t->isn + 1);
	assert_int_equal(s.ack, t->server_isn + 1);
	assert_int_equal(s.o.ts, o.ts);
	if (o.ts) {
		assert_int_equal(s.o.tsval, t->client.tsval + 1);
		assert_int_equal(s.o.tsecr, o.tsval);
	}
	client_gets(t, &s);
	nothing_left();
	assert_int_equal(s.flags, TCP_ACK);
	assert_int_equal(s.seq, t->cookie + 1);
	assert_int_equal(s.ack, t->isn + 1);
	assert_int_equal(s.len, 0);
	if (o.scale < 0)
		assert_int_equal(s.win, as_client_reads(t, 65160));
	else
		assert_int_equal(s.win, as_client_reads(t, 65160 >> o.scale));
	assert_int_equal(s.o.ts, o.ts);
	if (o.ts) {
		assert_int_equal(s.o.tsval, t->ts);
		assert_int_equal(s.o.tsecr, t->client.tsval + 1);
	}
}

static inline void
handshake(struct talk *t, uint16_t mss)
{
	struct seg s;

	client_opens(t);
	s = client_ack(t);
	client_says(t, &s);
	server_gets_syn(t, mss);
	nothing_left();
	server_agrees(t);
}

/* ---- dialogues -------------------------------------------------------------------------------------------------- */

/* Data both ways, on the fast path, with numbers, clocks and windows as each side knows them. */
static inline void
exchange(const struct talk *t, unsigned int n)
{
	const struct opts o = agreed(t);
	const uint64_t fast = rig_fast(&rig);

	for (unsigned int i = 0; i < n; i++) {
		const uint32_t up = i * 100, down = i * 1000;
		struct seg s = { .flags = TCP_ACK | TCP_PSH,
			.seq = t->isn + 1 + up,
			.ack = t->cookie + 1 + down,
			.win = 600,
			.len = 100,
			.o = { .scale = -1,
					.ts = o.ts,
					.tsval = t->client.tsval + 10 + i,
					.tsecr = t->ts + i } };

		client_says(t, &s);
		server_gets(t, &s);
		assert_int_equal(s.len, 100);
		assert_int_equal(s.seq, t->isn + 1 + up);
		assert_int_equal(s.ack, t->server_isn + 1 + down);
		if (o.scale >= 0 || t->client.scale < 0 || !t->client.ts ||
				!rig.cfg->conntrack.syn_cookies.timestamps)
			assert_int_equal(s.win, 600);
		else /* the server does not scale: told in bytes */
			assert_int_equal(s.win, RTE_MIN(600 << t->client.scale, 65535));
		if (o.ts)
			assert_int_equal(s.o.tsecr, o.tsval + i);
		s = (struct seg){ .flags = TCP_ACK,
			.seq = t->server_isn + 1 + down,
			.ack = t->isn + 1 + up + 100,
			.win = 900,
			.len = 1000,
			.o = { .scale = -1,
					.ts = o.ts,
					.tsval = o.tsval + i + 1,
					.tsecr = t->client.tsval + 10 + i } };
		server_says(t, &s);
		client_gets(t, &s);
		assert_int_equal(s.len, 1000);
		assert_int_equal(s.seq, t->cookie + 1 + down);
		assert_int_equal(s.ack, t->isn + 1 + up + 100);
		assert_int_equal(s.win, as_client_reads(t, 900));
		if (o.ts) {
			assert_int_equal(s.o.tsval, t->ts + i + 1);
			assert_int_equal(s.o.tsecr, t->client.tsval + 10 + i);
		}
		nothing_left();
	}
	assert_int_equal(rig_fast(&rig), fast + 2 * n);
}

/* Both sides close; every packet is about the connection. */
static inline void
close_(const struct talk *t, unsigned int n)
{
	const uint32_t up = n * 100, down = n * 1000;
	struct seg s = { .flags = TCP_FIN | TCP_ACK,
		.seq = t->isn + 1 + up,
		.ack = t->cookie + 1 + down,
		.win = 600,
		.o.scale = -1 };

	client_says(t, &s);
	server_gets(t, &s);
	assert_int_equal(s.ack, t->server_isn + 1 + down);
	s = (struct seg){ .flags = TCP_FIN | TCP_ACK,
		.seq = t->server_isn + 1 + down,
		.ack = t->isn + 2 + up,
		.win = 600,
		.o.scale = -1 };
	server_says(t, &s);
	client_gets(t, &s);
	assert_int_equal(s.seq, t->cookie + 1 + down);
	s = (struct seg){ .flags = TCP_ACK,
		.seq = t->isn + 2 + up,
		.ack = t->cookie + 2 + down,
		.win = 600,
		.o.scale = -1 };
	client_says(t, &s);
	server_gets(t, &s);
	assert_int_equal(s.ack, t->server_isn + 2 + down);
	nothing_left();
	assert_int_equal(rig_drops(&rig, DROP_CT_TCP_WINDOW), 0);
	assert_int_equal(rig_drops(&rig, DROP_CT_TCP_STATE), 0);
}

static inline void
dialogue(struct talk *t, uint16_t mss)
{
	handshake(t, mss);
	exchange(t, 5);
	close_(t, 5);
	rig.now += 121 * S;
	rig_settle(&rig);
	assert_int_equal(connections(), 0);
}

static inline struct seg
syn(uint32_t seq)
{
	return (struct seg){
		.flags = TCP_SYN, .seq = seq, .win = 64240, .o = { .mss = 1460, .scale = -1 }
	};
}

#endif /* TEST_DP_TALK_H */
