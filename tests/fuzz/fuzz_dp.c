/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole dataplane on one lcore: good frames of every kind with bytes of them changed, on two ports, in between turns
 * of worker and control and the passing of time. After each step every packet must be somewhere; at the end nothing may
 * be left inside, and all connections must expire.
 *
 * Input: a sequence of steps, a byte each (struct in step() below), with the bytes that they take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

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
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] =
		"{\"ports\": ["
		"{\"name\": \"ext\", \"device\": \"net_ring_rig0\", \"promiscuous\": true,"
		" \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]},"
		"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"promiscuous\": true,"
		" \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]}],"
		"\"routes\": [{\"prefix\": \"0.0.0.0/0\", \"via\": \"198.51.100.1\"},"
		"{\"prefix\": \"::/0\", \"via\": \"2001:db8:e::1\"}],"
		"\"neighbours\": [{\"port\": \"ext\", \"address\": \"198.51.100.7\", \"mac\": \"02:00:00:00:00:fe\"},"
		"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"02:00:00:00:00:0b\"}],"
		"\"tables\": {\"connections\": 24, \"mbufs\": 512, \"next-hops\": 24, \"ring-size\": 16,"
		" \"hold-per-neighbour\": 3, \"hold-total\": 8},"
		"\"conntrack\": {\"checksum\": \"off\", \"invalid\": \"forward\", \"full\": \"forward\", \"hash-seed\": 1,"
		" \"timeouts\": {\"tcp-established\": 300}},"
		"\"services\": ["
#define SERVICE(name, proto, vip, backend) \
	"{\"name\": \"" name "\", \"vip\": \"" vip "\", \"protocol\": \"" proto \
	"\", \"port\": 80, \"backends\": [{\"address\": \"" backend "\", \"port\": 8080}]}"
		SERVICE("t4", "tcp", VIP4, SERVER4) "," SERVICE(
				"u4", "udp", VIP4, SERVER4) "," SERVICE("s4", "sctp", VIP4,
				SERVER4) "," SERVICE("t6", "tcp", VIP6, SERVER6) "," SERVICE("u6",
				"udp", VIP6, SERVER6) "," SERVICE("s6", "sctp", VIP6,
				SERVER6) "],"
					 "\"classes\": [{\"name\": \"a\", \"queue\": 1, \"mark\": 1}, {\"name\": \"no\", \"drop\": true},"
					 "{\"name\": \"b\", \"port\": \"int\"}],"
					 "\"rules\": [{\"class\": \"a\", \"tls-sni\": \"*.example\"}, {\"class\": \"b\", \"quic-dcid\": \"c0\"},"
					 "{\"class\": \"no\", \"protocol\": \"tcp\", \"destination-port\": 80, \"state\": \"established\", \"source-port\": 7},"
					 "{\"class\": \"a\", \"protocol\": \"udp\", \"state\": \"established\"}]}";

static struct rig rig;

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
	rig_open(&rig, &(struct rig_params){ .json = config, .n_ports = 2, .n_txq = 2 });
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

static void
feed(struct input *in, unsigned int port)
{
	uint8_t quoted[68];
	struct packet p;
	struct frame f;

	choose_packet(in, &p, port == 1, quoted);
	frame_build(&f, &p);
	damage(in, &f);
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

static void
drain(void)
{
	struct frame f;

	for (unsigned int port = 0; port < 2; port++)
		while (rig_take_any(&rig, port, &f))
			;
}

static void
step(struct input *in)
{
	const uint8_t what = byte(in);

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
	case 3:
		feed(in, what & 1);
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
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct ct_stats stats;

	for (unsigned int i = 0; i < STEPS_MAX && in.left > 0; i++)
		step(&in);
	rig_finish(&rig);
	for (unsigned int i = 0; i < 100; i++) {
		rig.now += 20 * TIME_NS_PER_S;
		rig_settle(&rig);
		drain();
	}
	rig_finish(&rig);
	ct_stats(rig.dp->ct, &stats);
	assert_int_equal(stats.connections, 0);
	return 0;
}
