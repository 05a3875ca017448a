/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of helpers share: a dataplane with services, and an FTP session that is spoken line by line. What comes out
 * must equal the frame that is built with the translated text, addresses and numbers.
 */
#ifndef TESTS_UNIT_TEST_DP_ALG_H
#define TESTS_UNIT_TEST_DP_ALG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "session.h"
#include "test_dp.h"

#define GATEWAY "02:00:00:00:00:fe"
#define SERVER "02:00:00:00:01:11"

/* Which connections are read. */
#define HELPERS \
	"\"conntrack\": {\"rules\": [" \
	"{\"protocol\": \"tcp\", \"destination-port\": 21, \"helper\": \"ftp\"}, " \
	"{\"protocol\": \"udp\", \"destination-port\": 69, \"helper\": \"tftp\"}]}"

static const char config[] =
		"{\"ports\": ["
		"{\"name\": \"ext\", \"device\": \"net_ring_rig0\","
		" \"addresses\": [\"198.51.100.2/24\", \"2001:db8:e::2/64\"]},"
		"{\"name\": \"int\", \"device\": \"net_ring_rig1\", \"role\": \"internal\", \"mtu\": 1280,"
		" \"addresses\": [\"10.0.0.1/24\", \"2001:db8:2::1/64\"]}],"
		"\"routes\": [{\"prefix\": \"0.0.0.0/0\", \"via\": \"198.51.100.1\"},"
		"{\"prefix\": \"::/0\", \"via\": \"2001:db8:e::1\"}],"
		"\"neighbours\": ["
		"{\"port\": \"ext\", \"address\": \"198.51.100.1\", \"mac\": \"" GATEWAY "\"},"
		"{\"port\": \"ext\", \"address\": \"2001:db8:e::1\", \"mac\": \"" GATEWAY "\"},"
		"{\"port\": \"int\", \"address\": \"10.0.0.11\", \"mac\": \"" SERVER "\"},"
		"{\"port\": \"int\", \"address\": \"10.0.0.111\", \"mac\": \"" SERVER "\"},"
		"{\"port\": \"int\", \"address\": \"2001:db8:2::11\", \"mac\": \"" SERVER "\"}],"
		"\"tables\": {\"connections\": 1024, \"mbufs\": 2048, \"ring-size\": 256}," HELPERS
		", \"services\": ["
#define SERVICE(name, proto, vip, port, backend, to) \
	"{\"name\": \"" name "\", \"vip\": \"" vip "\", \"protocol\": \"" proto \
	"\", \"port\": " port ", \"backends\": [{\"address\": \"" backend "\", \"port\": " to \
	"}]}"
		SERVICE("grow", "tcp", "203.0.113.200", "21", "10.0.0.11", "2121") "," SERVICE(
				"grow2", "tcp", "203.0.113.200", "2021", "10.0.0.111",
				"21") "," SERVICE("web", "tcp", "203.0.113.200", "8080",
				"10.0.0.11", "80") "," SERVICE("shrink", "tcp", "9.9.9.9", "21",
				"10.0.0.111", "21") "," SERVICE("six", "tcp", "2001:db8:1::10",
				"21", "2001:db8:2::11", "21") "," SERVICE("tftp", "udp",
				"203.0.113.200", "69", "10.0.0.11", "6969") "," SERVICE("tftp6",
				"udp", "2001:db8:1::10", "69", "2001:db8:2::11", "69") "]}";

#define VIP "203.0.113.200"
#define VIP_SHORT "9.9.9.9"
#define VIP6 "2001:db8:1::10"
#define SERVER4 "10.0.0.11"
#define SERVER4B "10.0.0.111"
#define SERVER6 "2001:db8:2::11"
#define CLIENT4 "198.18.0.5"
#define CLIENT6 "2001:db8:c::5"

static struct rig rig;

static inline int
setup(void **state)
{
	(void)state;
	rig_open(&rig, &(struct rig_params){ .json = config, .n_ports = 2 });
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* ---- packets ------------------------------------------------------------------------------------------------------ */

static inline void
same_frame(const struct frame *got, const struct frame *want)
{
	if (got->len != want->len || memcmp(got->b, want->b, got->len) != 0)
		for (uint32_t i = 0; i < RTE_MAX(got->len, want->len); i++)
			if (i >= got->len || i >= want->len || got->b[i] != want->b[i])
				fprintf(stderr, "byte %u: got %02x, want %02x\n", i,
						i < got->len ? got->b[i] : 0,
						i < want->len ? want->b[i] : 0);
	assert_int_equal(got->len, want->len);
	assert_memory_equal(got->b, want->b, got->len);
}

/* `in` goes into `port`, `want` and nothing else comes out of the other; NULL: nothing at all. */
static inline void
expect(unsigned int port, const struct packet *in, const struct packet *want)
{
	struct packet p = *in;
	struct frame got, wanted;

	p.dmac = RIG_MAC;
	p.smac = port == 0 ? GATEWAY : SERVER;
	rig_run(&rig, port, &p);
	if (want != NULL) {
		p = *want;
		p.dmac = port == 0 ? SERVER : GATEWAY;
		p.smac = RIG_MAC;
		p.ttl = 63;
		frame_build(&wanted, &p);
		assert_true(rig_take_any(&rig, !port, &got));
		same_frame(&got, &wanted);
	}
	assert_false(rig_take_any(&rig, !port, &got));
	while (rig_take_any(&rig, port, &got)) /* an ICMP error to the sender */
		assert_null(want);
}

static inline void
refuse(unsigned int port, const struct packet *in, enum drop_reason why)
{
	const uint64_t before = rig_drops(&rig, why);

	expect(port, in, NULL);
	if (rig_drops(&rig, why) != before + 1)
		fail_msg("not dropped by reason of %s", drop_name(why));
}

static inline uint64_t
related(void)
{
	return rig.dp->c.state[CT_STATE_RELATED].packets;
}

static inline struct ct_stats
stats(void)
{
	struct ct_stats s;

	ct_stats(rig.dp->ct, &s);
	return s;
}

/* ---- a control connection --------------------------------------------------------------------------------------------- */

/* Numbers are those of their sender's; `shift`: by how much the client knows the server's higher ones. */
struct dialogue {
	const char *client, *vip, *server; /* vip: as the client knows the server */
	uint16_t cport, vport, sport;
	uint32_t cseq, sseq;
	int32_t shift;
};

/* A segment with its numbers as they come in and as they leave. */
static inline void
segment(const struct dialogue *d, enum flow_dir dir, uint8_t flags, uint32_t seq, uint32_t seq_out,
		uint32_t ack, uint32_t ack_out, const char *text, const char *out_text)
{
	struct packet in = { .proto = IPPROTO_TCP,
		.flags = flags,
		.seq = seq,
		.ack = ack,
		.payload = text,
		.len = (uint16_t)strlen(text) };
	struct packet out;

	if (dir == FLOW_ORIGINAL) {
		in.src = d->client, in.dst = d->vip, in.sport = d->cport, in.dport = d->vport;
		out = in;
		out.dst = d->server, out.dport = d->sport;
	} else {
		in.src = d->server, in.dst = d->client, in.sport = d->sport, in.dport = d->cport;
		out = in;
		out.src = d->vip, out.sport = d->vport;
	}
	out.seq = seq_out, out.ack = ack_out;
	if (out_text != NULL) {
		out.payload = out_text, out.len = (uint16_t)strlen(out_text);
		expect(dir == FLOW_ORIGINAL ? 0 : 1, &in, &out);
	} else {
		expect(dir == FLOW_ORIGINAL ? 0 : 1, &in, NULL);
	}
}

static inline void
client_says(struct dialogue *d, const char *text)
{
	segment(d, FLOW_ORIGINAL, TCP_ACK | TCP_PSH, d->cseq, d->cseq, d->sseq + (uint32_t)d->shift,
			d->sseq, text, text);
	d->cseq += (uint32_t)strlen(text);
}

/* And the client acknowledges. */
static inline void
server_says(struct dialogue *d, const char *text, const char *out)
{
	segment(d, FLOW_REPLY, TCP_ACK | TCP_PSH, d->sseq, d->sseq + (uint32_t)d->shift, d->cseq,
			d->cseq, text, out);
	d->sseq += (uint32_t)strlen(text);
	d->shift += (int32_t)strlen(out) - (int32_t)strlen(text);
	segment(d, FLOW_ORIGINAL, TCP_ACK, d->cseq, d->cseq, d->sseq + (uint32_t)d->shift, d->sseq,
			"", "");
}

static inline void
shake_hands(struct dialogue *d)
{
	segment(d, FLOW_ORIGINAL, TCP_SYN, d->cseq - 1, d->cseq - 1, 0, 0, "", "");
	segment(d, FLOW_REPLY, TCP_SYN | TCP_ACK, d->sseq - 1, d->sseq - 1, d->cseq, d->cseq, "",
			"");
	segment(d, FLOW_ORIGINAL, TCP_ACK, d->cseq, d->cseq, d->sseq, d->sseq, "", "");
}

static inline struct dialogue
log_in(const char *client, const char *vip, uint16_t vport, const char *server, uint16_t sport)
{
	static uint16_t next = 40000;
	struct dialogue d = { client, vip, server, ++next, vport, sport, 1000, UINT32_MAX - 100,
		0 };

	shake_hands(&d);
	server_says(&d, "220 ready\r\n", "220 ready\r\n");
	client_says(&d, "USER anonymous\r\n");
	server_says(&d, "230 welcome\r\n", "230 welcome\r\n");
	return d;
}

/* A connection that was announced works, and runs on the worker. */
static inline void
transfer(const char *from, const char *to, const char *server, uint16_t sport, uint16_t dport)
{
	struct dialogue d = { from, to, server, sport, dport, dport, 5000, 6000, 0 };
	const uint64_t before = related();
	uint64_t fast;

	segment(&d, FLOW_ORIGINAL, TCP_SYN, 4999, 4999, 0, 0, "", "");
	segment(&d, FLOW_ORIGINAL, TCP_SYN, 4999, 4999, 0, 0, "", ""); /* again: still related */
	assert_int_equal(related(), before + 2);
	segment(&d, FLOW_REPLY, TCP_SYN | TCP_ACK, 5999, 5999, 5000, 5000, "", "");
	segment(&d, FLOW_ORIGINAL, TCP_ACK, 5000, 5000, 6000, 6000, "", "");
	fast = rig_fast(&rig);
	client_says(&d, "some");
	server_says(&d, "data", "data");
	assert_int_equal(rig_fast(&rig), fast + 3);
	assert_int_equal(related(), before + 2);
}

/* One from the server to the client, whose source is to be the VIP. */
static inline void
transfer_active(const char *server, const char *vip, uint16_t sport, const char *client,
		uint16_t dport)
{
	const uint64_t before = related();
	struct packet in = { .src = server,
		.dst = client,
		.proto = IPPROTO_TCP,
		.sport = sport,
		.dport = dport,
		.flags = TCP_SYN,
		.seq = 99 };
	struct packet out = in;

	out.src = vip;
	expect(1, &in, &out);
	assert_int_equal(related(), before + 1);
	in = (struct packet){ .src = client,
		.dst = vip,
		.proto = IPPROTO_TCP,
		.sport = dport,
		.dport = sport,
		.flags = TCP_SYN | TCP_ACK,
		.seq = 199,
		.ack = 100 };
	out = in;
	out.dst = server;
	expect(0, &in, &out);
	in = (struct packet){ .src = server,
		.dst = client,
		.proto = IPPROTO_TCP,
		.sport = sport,
		.dport = dport,
		.flags = TCP_ACK,
		.seq = 100,
		.ack = 200,
		.payload = "file",
		.len = 4 };
	out = in;
	out.src = vip;
	expect(1, &in, &out);
	expect(1, &in, &out);
	assert_true(rig_fast(&rig) > 0);
}

static inline void
not_let_in(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	struct packet in = { .src = src,
		.dst = dst,
		.proto = IPPROTO_TCP,
		.sport = sport,
		.dport = dport,
		.flags = TCP_SYN,
		.seq = 1 };

	refuse(0, &in, DROP_LOCAL_UNHANDLED);
}

#endif /* TESTS_UNIT_TEST_DP_ALG_H */
