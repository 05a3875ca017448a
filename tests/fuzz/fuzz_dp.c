/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole dataplane on one lcore: good frames of every kind with bytes of them changed, whole and in fragments, on three
 * ports in two zones, in between turns of worker and control and the passing of time. Control connections, TFTP requests
 * and answers to SYN cookies are among them; rules, limits and cookies are configured, and tables are small. After each
 * step every packet must be somewhere and what is counted must be there; at the end nothing may be left inside, and all
 * connections must expire.
 *
 * The input's length says whether cookies are off, on or auto.
 * Input: a sequence of steps, a byte each (struct in step() below), with the bytes that they take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "ct_priv.h"
#include "fuzz.h"
#include "limit/lim.h"
#include "test_dp.h"

#define STEPS_MAX 400
#define CLIENT4 "198.51.100.7"
#define CLIENT6 "2001:db8:e::7"
#define SERVER4 "10.0.0.11"
#define SERVER6 "2001:db8:2::11"
#define VIP4 "192.0.2.10"
#define VIP6 "2001:db8:1::10"

int
LLVMFuzzerInitialize(int *argc, char ***argv);

#define SERVICE(name, proto, vip, port, backend, to) \
	"{\"name\": \"" name "\", \"vip\": \"" vip "\", \"protocol\": \"" proto \
	"\", \"port\": " port ", \"backends\": [{\"address\": \"" backend "\", \"port\": " to \
	"}]}"
static const char config[] =
		"{\"ports\": ["
		"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"promiscuous\": true, \"zone\": 1,"
		" \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]},"
		"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"promiscuous\": true, \"zone\": 1,"
		" \"mtu\": 1280, \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]},"
		"{\"name\": \"ext2\", \"device\": \"net_ring_rig2\", \"promiscuous\": true, \"zone\": 2,"
		" \"addresses\": [\"203.0.113.1/24\"]}],"
		"\"routes\": [{\"prefix\": \"0.0.0.0/0\", \"via\": \"198.51.100.1\"},"
		"{\"prefix\": \"::/0\", \"via\": \"2001:db8:e::1\"}],"
		"\"neighbours\": [{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"},"
		"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}],"
		"\"tables\": {\"connections\": 24, \"connections-extended\": 6, \"mbufs\": 512,"
		" \"next-hops\": 24, \"ring-size\": 16, \"hold-per-neighbour\": 3, \"hold-total\": 8},"
		"\"zones\": [{\"id\": 2, \"limit\": 5}], \"fragments\": {\"datagrams\": 4, \"per-source\": 3, \"timeout\": 3},"
		"\"conntrack\": {\"checksum\": \"off\", \"invalid\": \"forward\", \"full\": \"forward\", \"hash-seed\": 1,"
		" \"early-drop\": 70, "
		" \"syn-cookies\": {\"mode\": \"auto\", \"threshold\": 2, \"protect\": \"all\"},"
		" \"timeouts\": {\"tcp-established\": 300}, \"timeout-policies\": [{\"name\": \"brief\", \"timeouts\": {\"udp\": 2, \"tcp-syn-sent\": 3}}],"
		" \"rules\": [{\"protocol\": \"tcp\", \"destination-port\": 21, \"helper\": \"ftp\"},"
		" {\"protocol\": \"udp\", \"destination-port\": 69, \"helper\": \"tftp\", \"label\": \"01\"},"
		" {\"source-port\": 3, \"protocol\": \"udp\", \"commit\": false},"
		" {\"source-port\": 80, \"protocol\": \"tcp\", \"force\": true},"
		" {\"zone\": 2, \"timeouts\": \"brief\", \"mark\": 5, \"helper\": \"tftp\"}]},"
		"\"limits\": [{\"name\": \"all\", \"by\": \"all\", \"connections\": 1000},"
		"{\"name\": \"tcp\", \"protocol\": \"tcp\", \"connections\": 5, \"rate\": 2, \"burst\": 9, \"action\": \"reset\"},"
		"{\"name\": \"port\", \"port\": \"ext2\", \"entries\": 16, \"connections\": 3, \"action\": \"reset\"},"
		"{\"name\": \"t4\", \"service\": \"t4\", \"connections\": 4}],"
		"\"services\": [" SERVICE("t4", "tcp", VIP4, "80", SERVER4, "8080") "," SERVICE(
				"u4", "udp", VIP4, "80", SERVER4, "8080") "," SERVICE("s4", "sctp",
				VIP4, "80", SERVER4, "8080") "," SERVICE("t6", "tcp", VIP6, "80",
				SERVER6, "8080") "," SERVICE("u6", "udp", VIP6, "80", SERVER6,
				"8080") "," SERVICE("s6", "sctp", VIP6, "80", SERVER6,
				"8080") "," SERVICE("f4", "tcp", VIP4, "21", SERVER4,
				"21") "," SERVICE("f6", "tcp", VIP6, "21", SERVER6,
				"21") "," SERVICE("g4", "udp", VIP4, "69", SERVER4,
				"69") "],"
				      "\"classes\": [{\"name\": \"a\", \"queue\": 1, \"mark\": 1}, {\"name\": \"no\", \"drop\": true},"
				      "{\"name\": \"b\", \"port\": \"int\"}],"
				      "\"rules\": [{\"class\": \"a\", \"tls-sni\": \"*.example\"}, {\"class\": \"b\", \"quic-dcid\": \"c0\"},"
				      "{\"class\": \"no\", \"protocol\": \"tcp\", \"destination-port\": 80, \"state\": \"established\", \"source-port\": 7},"
				      "{\"class\": \"a\", \"protocol\": \"udp\", \"state\": \"established\"}]}";

static struct rig rig;

/* The last TCP segment or UDP datagram that left by each port: who got it knows what to answer. */
static struct heard {
	bool valid;
	uint8_t proto, flags;
	uint16_t sport, dport;
	uint32_t seq, ack, len;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
} heard[3];

static void
end(void)
{
	rig_destroy(&rig);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	if (rig_eal("0@0") != 0 || atexit(end) != 0)
		exit(1);
	rig_open(&rig, &(struct rig_params){ .json = config, .n_ports = 3, .n_txq = 2 });
	return 0;
}

/* ---- input --------------------------------------------------------------------------------------------------------- */

struct input {
	const uint8_t *p;
	size_t left;
};

static uint8_t
byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static const uint8_t client_hello[] = { 22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 2, 0x13, 1, 1,
	0, 0, 13, 0, 0, 0, 9, 0, 7, 0, 0, 4, 'a', '.', 'e', 'x' };
static const uint8_t initial[48] = { 0xc3, 0, 0, 0, 1, 4, 0xc0, 1, 2, 3, 0, 0, 0x40, 35 };

/* A good frame: kind, direction and numbers out of the input. */
static void
choose_packet(struct input *in, struct packet *p, bool reply, uint8_t *quoted)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, 253,
		IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_UDPLITE };
	const uint8_t what = byte(in), more = byte(in);
	const bool v6 = what & 0x80, service = what & 0x40;
	const char *client = v6 ? CLIENT6 : CLIENT4, *server = v6 ? SERVER6 : SERVER4;

	*p = (struct packet){
		.src = reply ? server : client,
		.dst = reply		  ? client
				: service ? (v6 ? VIP6 : VIP4)
					  : server,
		.proto = protos[(what & 7) % RTE_DIM(protos)],
		.sport = reply ? (service ? 8080 : 80) : (more & 7u) + 1,
		.dport = reply ? (more & 7u) + 1 : 80,
		.seq = byte(in),
		.ack = byte(in),
		.flags = byte(in),
		.vlans = (more >> 3 & 3) % 3,
		.payload = more & 0x20 ? client_hello : initial,
		.len = more & 0x20	      ? sizeof(client_hello)
				: more & 0x40 ? sizeof(initial)
					      : 0,
		.ttl = more & 0x80 ? 64 : 2,
	};
	if (p->proto == IPPROTO_SCTP || p->proto == IPPROTO_DCCP)
		p->flags &= 15;
	if (p->proto == IPPROTO_SCTP) {
		p->tag = p->flags == SCTP_INIT ? 0 : reply ? 1 : 2; /* right more often than not */
		p->ack = p->ack < 200 ? (reply ? 2 : 1) : p->ack;
	}
	if (p->proto != IPPROTO_ICMP)
		return;
	if (v6)
		p->proto = IPPROTO_ICMPV6;
	if (what & 8) { /* an error about a packet of the other direction */
		struct packet about = { .src = p->dst,
			.dst = p->src,
			.proto = protos[more & 1],
			.sport = 80,
			.dport = p->sport,
			.payload = initial,
			.len = 20 };
		struct frame f;

		frame_build(&f, &about);
		memcpy(quoted, f.b + 14, 68);
		p->payload = quoted;
		p->len = (uint16_t)(20 + (what >> 4 & 3) * 16);
		p->sport = 0;
		p->dport = (uint16_t)((v6 ? 1 : 3) << 8 | 4);
		return;
	}
	p->dport = (uint16_t)((v6 ? (reply ? 129 : 128) : (reply ? 0 : 8)) << 8);
}

static void
seal_ip4(struct frame *f, uint32_t l3)
{
	const uint32_t len = (f->b[l3] & 15u) * 4;
	uint32_t s = 0;

	if (l3 + len > f->len || len < 20)
		return;
	f->b[l3 + 10] = f->b[l3 + 11] = 0;
	for (uint32_t i = 0; i < len; i += 2)
		s += (uint32_t)f->b[l3 + i] << 8 | f->b[l3 + i + 1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	f->b[l3 + 10] = (uint8_t)(~s >> 8);
	f->b[l3 + 11] = (uint8_t)~s;
}

/* Changes: up to 7 bytes behind the Ethernet header, a cut, and a right IPv4 checksum over what came of it. */
static void
damage(struct input *in, struct frame *f)
{
	const uint8_t how = byte(in);

	for (unsigned int i = how & 7; i > 0; i--) {
		const uint32_t at = 12 + byte(in);

		if (at < f->len)
			f->b[at] = byte(in);
	}
	if (how & 8)
		f->len = RTE_MIN(f->len, (uint32_t)byte(in) + 1);
	if (!(how & 16) && f->len >= 34 && f->b[12] == 0x08 && f->b[13] == 0x00)
		seal_ip4(f, 14);
}

/* Bytes [from, from + len) behind the IP header, as a fragment. */
static void
cut(struct frame *f, const struct frame *whole, uint32_t from, uint32_t len)
{
	const uint32_t l3 = frame_l3(whole), h = l3 + (frame_family(whole) == 4 ? 20 : 40);
	const bool more = h + from + len < whole->len;
	uint32_t at = h;

	memcpy(f->b, whole->b, h);
	if (h - l3 == 40) {
		memset(f->b + h, 0, 8);
		f->b[h] = f->b[l3 + 6];
		f->b[l3 + 6] = IPPROTO_FRAGMENT;
		f->b[h + 2] = (uint8_t)(from >> 8);
		f->b[h + 3] = (uint8_t)(from | more);
		at += 8;
		f->b[l3 + 4] = (uint8_t)((len + 8) >> 8);
		f->b[l3 + 5] = (uint8_t)(len + 8);
	} else {
		f->b[l3 + 2] = (uint8_t)((len + 20) >> 8);
		f->b[l3 + 3] = (uint8_t)(len + 20);
		f->b[l3 + 6] = (uint8_t)((more ? 0x20 : 0) | from >> 11);
		f->b[l3 + 7] = (uint8_t)(from >> 3);
		seal_ip4(f, l3);
	}
	memcpy(f->b + at, whole->b + h + from, len);
	f->len = at + len;
}

/* In pieces, as many as the input says, in its order; some may be missing. */
static void
feed_fragments(struct input *in, unsigned int port, const struct frame *f)
{
	const uint32_t h = frame_l3(f) + (frame_family(f) == 4 ? 20 : 40);
	const uint32_t step = (byte(in) % 8u + 1) * 8,
		       n = f->len > h ? (f->len - h + step - 1) / step : 0;
	const uint8_t order = byte(in);
	struct frame piece;

	for (uint32_t i = 0; i < n && n < 32; i++) {
		const uint32_t k = order & 1 ? n - 1 - i : i;

		if ((order & 2) && k == (order >> 4) % n)
			continue;
		cut(&piece, f, k * step, RTE_MIN(step, f->len - h - k * step));
		(void)rig_feed(&rig, port, 0, &piece);
	}
}

static const char *const texts[] = { "", "220 ready\r\n", "PORT 198,51,100,7,8,1\r\n",
	"227 Entering Passive Mode (10,0,0,11,8,1)\r\n", "EPRT |2|2001:db8:e::7|2049|\r\n",
	"229 Entering Extended Passive Mode (|||2049|)\r\n", "USER a\r\n", "PORT 198,51,100,7,8," };
static const char request[] = "\0\1f\0octet";

/* Who got the last segment by this port answers it, more or less. False: there was none. */
static bool
answer(struct input *in, unsigned int port, struct packet *p)
{
	const struct heard *h = &heard[port];
	const uint8_t how = byte(in);

	if (!h->valid)
		return false;
	*p = (struct packet){ .src = h->dst,
		.dst = h->src,
		.proto = h->proto,
		.sport = h->dport,
		.dport = h->sport,
		.seq = h->flags & TCP_ACK ? h->ack : byte(in),
		.ack = h->seq + h->len,
		.flags = TCP_ACK | ((h->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? TCP_SYN : 0),
		.payload = texts[how & 7],
		.len = (uint16_t)strlen(texts[how & 7]) };
	if (how & 8)
		p->flags = byte(in);
	if (how & 16)
		p->seq += (int8_t)byte(in);
	if ((how & 32) && h->proto == IPPROTO_UDP)
		p->sport = byte(in); /* as TFTP servers do */
	return true;
}

/* bits of a step */
#define F_FRAGMENTS 0x08
#define F_ANSWER 0x10
#define F_ZONE2 0x20
#define F_CONTROL 0x40

static void
feed(struct input *in, unsigned int how)
{
	const unsigned int port = how & 1 ? 1 : how & F_ZONE2 ? 2 : 0;
	uint8_t quoted[68];
	struct packet p;
	struct frame f;

	if (!(how & F_ANSWER) || !answer(in, port, &p)) {
		choose_packet(in, &p, port == 1, quoted);
		if ((how & F_CONTROL) && p.proto == IPPROTO_UDP && port != 1)
			p.dport = 69, p.payload = request, p.len = sizeof(request);
		if ((how & F_CONTROL) && p.proto == IPPROTO_TCP && port != 1)
			p.dport = 21;
	}
	frame_build(&f, &p);
	if (!(how & F_ANSWER))
		damage(in, &f);
	if ((how & F_FRAGMENTS) && f.len > 60)
		feed_fragments(in, port, &f);
	else
		(void)rig_feed(&rig, port, 0, &f);
}

/* From the server, or from the default gateway. */
static void
feed_neighbour(struct input *in)
{
	const uint8_t what = byte(in);
	const bool v6 = what & 1, gateway = what & 2;
	struct frame f;

	frame_neighbour(&f,
			gateway ? (v6 ? "2001:db8:e::1" : "198.51.100.1")
				: (v6 ? SERVER6 : SERVER4),
			"02:00:00:00:00:0c",
			gateway ? (v6 ? "2001:db8:e::2" : "198.51.100.2")
				: (v6 ? "2001:db8:2::1" : "10.0.0.1"),
			RIG_MAC);
	if (what & 4)
		damage(in, &f);
	(void)rig_feed(&rig, !gateway, 0, &f);
}

/* ---- steps ------------------------------------------------------------------------------------------------------------ */

static uint32_t
get(const uint8_t *p, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
hear(struct heard *h, const struct frame *f)
{
	const uint32_t l3 = f->len > 20 ? frame_l3(f) : 0;
	const bool v4 = l3 != 0 && l3 < f->len && f->b[l3] >> 4 == 4;
	const uint32_t l4 = l3 + (v4 ? 20 : 40);
	const uint8_t *b = f->b;

	if (l3 == 0 || f->len < l4 + 20 || (b[l3] != 0x45 && b[l3] >> 4 != 6))
		return;
	h->proto = b[l3 + (v4 ? 9 : 6)];
	h->valid = h->proto == IPPROTO_TCP || h->proto == IPPROTO_UDP;
	if (v4 && (get(b + l3 + 6, 2) & 0x3fff) != 0)
		h->valid = false;
	inet_ntop(v4 ? AF_INET : AF_INET6, b + l3 + (v4 ? 12 : 8), h->src, sizeof(h->src));
	inet_ntop(v4 ? AF_INET : AF_INET6, b + l3 + (v4 ? 16 : 24), h->dst, sizeof(h->dst));
	h->sport = (uint16_t)get(b + l4, 2);
	h->dport = (uint16_t)get(b + l4 + 2, 2);
	h->flags = h->proto == IPPROTO_TCP ? b[l4 + 13] : 0;
	h->seq = get(b + l4 + 4, 4);
	h->ack = get(b + l4 + 8, 4);
	h->len = f->len - l4;
	h->len -= RTE_MIN(h->len, (b[l4 + 12] >> 4) * 4u);
	h->len += (h->flags & TCP_SYN) / TCP_SYN + (h->flags & TCP_FIN);
}

static void
drain(void)
{
	struct frame f;

	for (unsigned int port = 0; port < 3; port++)
		while (rig_take_any(&rig, port, &f))
			hear(&heard[port], &f);
}

/* Half-open connections, zones, expectations: ct_check(). And a limit that is everybody's has counted what there is. */
static void
check(unsigned int step_)
{
	const char *wrong = step_ % 16 == 0 ? ct_check(rig.dp->ct) : NULL; /* that takes long */
	struct lim_info all;
	struct ct_stats stats;

	if (wrong != NULL)
		fail_msg("%s", wrong);
	assert_int_equal(lim_info(rig.dp->lim, 0, &all), 0);
	ct_stats(rig.dp->ct, &stats);
	/* Those that had to give way are told to limits when their slots are given back. */
	assert_in_range(all.open, stats.connections, stats.connections + stats.dying);
}

static void
step(struct input *in, unsigned int n)
{
	const uint8_t what = byte(in);

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
	case 3:
		feed(in, what);
		break;
	case 4:
		feed_neighbour(in);
		break;
	case 5:
		rig_worker(&rig, 0);
		break;
	case 6:
		rig_control(&rig);
		break;
	case 7:
		rig.now += (uint64_t)(what >> 3) * TIME_NS_PER_S / 16;
		break;
	}
	drain();
	rig_check(&rig);
	check(n);
}

/* At rest, between two inputs. */
static void
cookies_are(enum cfg_cookies mode)
{
	rig.cfg->conntrack.syn_cookies.mode = mode;
	rig.dp->cookies.state = mode == CFG_COOKIES_ON ? COOKIES_ACTIVE : COOKIES_OFF;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum cfg_cookies modes[] = { CFG_COOKIES_OFF, CFG_COOKIES_ON,
		CFG_COOKIES_AUTO };
	struct input in = { data, size };
	struct ct_stats stats;
	struct lim_info limit;

	memset(heard, 0, sizeof(heard));
	cookies_are(modes[size % RTE_DIM(modes)]);
	for (unsigned int i = 0; i < STEPS_MAX && in.left > 0; i++)
		step(&in, i);
	rig_finish(&rig);
	for (unsigned int i = 0; i < 100; i++) {
		rig.now += 20 * TIME_NS_PER_S;
		rig_settle(&rig);
		drain();
	}
	rig_finish(&rig);
	ct_stats(rig.dp->ct, &stats);
	assert_int_equal(stats.connections, 0);
	assert_int_equal(stats.half_open, 0);
	assert_int_equal(stats.exts, 0);
	assert_int_equal(stats.expects, 0);
	for (unsigned int i = 0; i < rig.cfg->n_limits; i++) {
		assert_int_equal(lim_info(rig.dp->lim, i, &limit), 0);
		assert_int_equal(limit.open, 0);
		assert_int_equal(limit.unlisted, 0);
	}
	return 0;
}
