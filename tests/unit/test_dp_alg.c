/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FTP and TFTP through the whole dataplane: dialogues, frame by frame. What comes out must equal the frame that is built
 * with the translated text, addresses and numbers. Passive and active, both families, with and without translation, texts
 * that grow and shrink, several transfers in one session, segments that are repeated, cut and joined.
 */
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
#define HELPERS "\"conntrack\": {\"helpers\": true}"

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

#define CLIENT4 "198.18.0.5"
#define CLIENT6 "2001:db8:c::5"

static struct rig rig;

static int
setup(void **state)
{
	(void)state;
	rig_open(&rig, &(struct rig_params){ .json = config, .n_ports = 2 });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* ---- packets ------------------------------------------------------------------------------------------------------ */

static void
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
static void
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

static void
refuse(unsigned int port, const struct packet *in, enum drop_reason why)
{
	const uint64_t before = rig_drops(&rig, why);

	expect(port, in, NULL);
	if (rig_drops(&rig, why) != before + 1)
		fail_msg("not dropped by reason of %s", drop_name(why));
}

static uint64_t
related(void)
{
	return rig.dp->c.state[CT_STATE_RELATED].packets;
}

static struct ct_stats
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
static void
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

static void
client_says(struct dialogue *d, const char *text)
{
	segment(d, FLOW_ORIGINAL, TCP_ACK | TCP_PSH, d->cseq, d->cseq, d->sseq + (uint32_t)d->shift,
			d->sseq, text, text);
	d->cseq += (uint32_t)strlen(text);
}

/* And the client acknowledges. */
static void
server_says(struct dialogue *d, const char *text, const char *out)
{
	segment(d, FLOW_REPLY, TCP_ACK | TCP_PSH, d->sseq, d->sseq + (uint32_t)d->shift, d->cseq,
			d->cseq, text, out);
	d->sseq += (uint32_t)strlen(text);
	d->shift += (int32_t)strlen(out) - (int32_t)strlen(text);
	segment(d, FLOW_ORIGINAL, TCP_ACK, d->cseq, d->cseq, d->sseq + (uint32_t)d->shift, d->sseq,
			"", "");
}

static void
shake_hands(struct dialogue *d)
{
	segment(d, FLOW_ORIGINAL, TCP_SYN, d->cseq - 1, d->cseq - 1, 0, 0, "", "");
	segment(d, FLOW_REPLY, TCP_SYN | TCP_ACK, d->sseq - 1, d->sseq - 1, d->cseq, d->cseq, "",
			"");
	segment(d, FLOW_ORIGINAL, TCP_ACK, d->cseq, d->cseq, d->sseq, d->sseq, "", "");
}

static struct dialogue
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
static void
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
static void
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

static void
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

/* ---- dialogues ----------------------------------------------------------------------------------------------------------- */

#define VIP "203.0.113.200"
#define VIP_SHORT "9.9.9.9"
#define VIP6 "2001:db8:1::10"
#define SERVER4 "10.0.0.11"
#define SERVER4B "10.0.0.111"
#define SERVER6 "2001:db8:2::11"

static void
test_passive(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);

	(void)state;
	assert_int_equal(rig_fast(&rig), 0); /* every packet was read */
	/* Several in one session: the offsets add up. Numbers wrap meanwhile. */
	for (unsigned int n = 0; n < 5; n++) {
		const uint16_t port = (uint16_t)(5000 + n * 7);
		char in[80], out[80];

		client_says(&d, "PASV\r\n");
		snprintf(in, sizeof(in), "227 Entering Passive Mode (10,0,0,11,%u,%u).\r\n",
				port >> 8, port & 255);
		snprintf(out, sizeof(out), "227 Entering Passive Mode (203,0,113,200,%u,%u).\r\n",
				port >> 8, port & 255);
		server_says(&d, in, out);
		assert_int_equal(stats().expects, 1);
		client_says(&d, "RETR file\r\n");
		transfer(CLIENT4, VIP, SERVER4, (uint16_t)(30000 + n), port);
		assert_int_equal(stats().expects, 0);
		not_let_in(CLIENT4, (uint16_t)(31000 + n), VIP, port); /* one, and no more */
		server_says(&d, "226 done\r\n", "226 done\r\n");
	}
	assert_int_equal(d.shift, 5 * 4);
	client_says(&d, "QUIT\r\n");
	server_says(&d, "221 bye\r\n", "221 bye\r\n");
}

static void
test_passive_shrinks(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP_SHORT, 21, SERVER4B, 21);

	(void)state;
	for (unsigned int n = 0; n < 3; n++) {
		client_says(&d, "PASV\r\n");
		server_says(&d, "200 x\r\n227 (10,0,0,111,195,80)\r\n",
				"200 x\r\n227 (9,9,9,9,195,80)\r\n");
		transfer(CLIENT4, VIP_SHORT, SERVER4B, (uint16_t)(30000 + n), 50000);
	}
	assert_int_equal(d.shift, 3 * -3);
}

static void
test_epsv(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	struct dialogue six = log_in(CLIENT6, VIP6, 21, SERVER6, 21);
	const char *reply = "229 Entering Extended Passive Mode (|||5000|)\r\n";

	(void)state;
	client_says(&d, "EPSV\r\n");
	server_says(&d, reply, reply);
	transfer(CLIENT4, VIP, SERVER4, 30000, 5000);
	client_says(&six, "EPSV\r\n");
	server_says(&six, reply, reply);
	transfer(CLIENT6, VIP6, SERVER6, 30000, 5000);
}

static void
test_active(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	struct dialogue six = log_in(CLIENT6, VIP6, 21, SERVER6, 21);

	(void)state;
	client_says(&d, "PORT 198,18,0,5,117,48\r\n"); /* 30000 */
	transfer_active(SERVER4, VIP, 20, CLIENT4, 30000);
	client_says(&d, "EPRT |1|198.18.0.5|30001|\r\n");
	transfer_active(SERVER4, VIP, 20, CLIENT4, 30001);
	client_says(&six, "EPRT |2|2001:db8:c::5|30000|\r\n");
	transfer_active(SERVER6, VIP6, 20, CLIENT6, 30000);
	assert_int_equal(d.shift, 0);
}

/* Two servers behind one VIP send from port 20 to the same port of a client: one gets another source port. */
static void
test_active_clash(void **state)
{
	struct dialogue a = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	struct dialogue b = { CLIENT4, VIP, SERVER4B, 39999, 2021, 21, 1000, 2000, 0 };
	struct packet in = { .src = SERVER4B,
		.dst = CLIENT4,
		.proto = IPPROTO_TCP,
		.sport = 20,
		.dport = 30000,
		.flags = TCP_SYN,
		.dmac = RIG_MAC,
		.smac = SERVER };
	struct frame got;
	uint32_t l4;

	(void)state;
	/* The helper is by destination port; the second one is attached by hand, as it opens. */
	segment(&b, FLOW_ORIGINAL, TCP_SYN, 999, 999, 0, 0, "", "");
	for (uint32_t c = 0; c < 8; c++)
		if (ct_conns(rig.dp->ct)[c].flow[0].key.dport == rte_cpu_to_be_16(2021))
			assert_int_equal(session_alg_attach(rig.dp, c, CT_HELPER_FTP), 0);
	segment(&b, FLOW_REPLY, TCP_SYN | TCP_ACK, 1999, 1999, 1000, 1000, "", "");
	client_says(&b, "NOOP\r\n");
	client_says(&a, "PORT 198,18,0,5,117,48\r\n");
	transfer_active(SERVER4, VIP, 20, CLIENT4, 30000);
	client_says(&b, "PORT 198,18,0,5,117,48\r\n");
	rig_run(&rig, 1, &in);
	assert_true(rig_take_any(&rig, 0, &got));
	l4 = frame_l3(&got) + 20;
	assert_int_not_equal(got.b[l4] << 8 | got.b[l4 + 1], 20);
	assert_true((got.b[l4] << 8 | got.b[l4 + 1]) >= 1024);
}

/* The announced port is a service's on the VIP: the client is told another, which leads to the announced one. */
static void
test_port_taken(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	const char *reply = "229 Extended (|||8080|)\r\n";
	struct packet in = { .src = SERVER4,
		.dst = CLIENT4,
		.proto = IPPROTO_TCP,
		.sport = 2121,
		.dport = d.cport,
		.flags = TCP_ACK,
		.payload = reply,
		.len = (uint16_t)strlen(reply),
		.dmac = RIG_MAC,
		.smac = SERVER };
	struct packet syn = {
		.src = CLIENT4, .dst = VIP, .proto = IPPROTO_TCP, .sport = 30000, .flags = TCP_SYN
	};
	struct frame got, again;
	unsigned int port;
	char *at;

	(void)state;
	client_says(&d, "EPSV\r\n");
	in.seq = d.sseq, in.ack = d.cseq;
	rig_run(&rig, 1, &in);
	assert_true(rig_take_any(&rig, 0, &got));
	got.b[got.len] = 0;
	at = strstr((char *)got.b + frame_l3(&got) + 40, "(|||");
	assert_non_null(at);
	port = (unsigned int)strtoul(at + 4, NULL, 10);
	assert_in_range(port, 1024, 65535);
	assert_int_not_equal(port, 8080);
	/* Repeated, it says the same. */
	rig_run(&rig, 1, &in);
	assert_true(rig_take_any(&rig, 0, &again));
	same_frame(&again, &got);
	syn.dport = (uint16_t)port;
	in = syn;
	in.dst = SERVER4, in.dport = 8080;
	expect(0, &syn, &in);
}

/* Without translation: announced as they are. */
static void
test_routed(void **state)
{
	struct dialogue d = log_in(CLIENT4, SERVER4, 21, SERVER4, 21);
	const char *reply = "227 ok (10,0,0,11,19,136)\r\n";

	(void)state;
	client_says(&d, "PASV\r\n");
	server_says(&d, reply, reply);
	transfer(CLIENT4, SERVER4, SERVER4, 30000, 5000);
	client_says(&d, "PORT 198,18,0,5,117,48\r\n");
	transfer_active(SERVER4, SERVER4, 20, CLIENT4, 30000);
}

/* ---- what is not to be let in ---------------------------------------------------------------------------------------------- */

static void
test_third_party(void **state)
{
	static const char *const replies[] = { "227 (10,0,0,12,19,136)\r\n",
		"227 (203,0,113,200,19,136)\r\n", "227 (10,0,0,11,0,22)\r\n", "229 (|||22|)\r\n",
		"500 '227 (10,0,0,11,19,136)'\r\n", "227-(10,0,0,11,19,136)\r\n",
		"226 (10,0,0,11,19,136)\r\n", "227 (10,0,0,11,19,136)\r\n" /* its end */ };
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);

	(void)state;
	client_says(&d, "PORT 198,18,0,6,117,48\r\n");
	client_says(&d, "PORT 10,0,0,11,117,48\r\n");
	client_says(&d, "PORT 198,18,0,5,0,22\r\n");
	client_says(&d, "EPRT |1|198.18.0.6|30000|\r\n");
	client_says(&d, "EPRT |2|2001:db8:c::5|30000|\r\n");
	client_says(&d, "227 (198,18,0,5,117,48)\r\n");
	for (unsigned int i = 0; i < RTE_DIM(replies); i++)
		server_says(&d, replies[i], replies[i]);
	assert_int_equal(stats().expects_made, 0);
	assert_true(rig.dp->alg_refused >= 7);
}

static void
server_refused(const struct dialogue *d, uint32_t seq, const char *text, enum drop_reason why)
{
	const struct packet in = { .src = d->server,
		.dst = d->client,
		.proto = IPPROTO_TCP,
		.sport = d->sport,
		.dport = d->cport,
		.flags = TCP_ACK,
		.seq = seq,
		.ack = d->cseq,
		.payload = text,
		.len = (uint16_t)strlen(text) };

	refuse(1, &in, why);
}

static void
test_cut(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);

	(void)state;
	server_refused(&d, d.sseq, "227 Entering Passive Mode (10,0,0,11,", DROP_ALG_CUT);
	server_refused(&d, d.sseq, "22", DROP_ALG_CUT);
	server_refused(&d, d.sseq, "227 (1,2,3,4,5,256)\r\n", DROP_ALG_CUT);
	/* Not at the beginning of a line: no announcement. */
	server_says(&d, "200 unfinished", "200 unfinished");
	server_says(&d, "227 (10,0,0,11,19,136)\r\n", "227 (10,0,0,11,19,136)\r\n");
	assert_int_equal(stats().expects_made, 0);
	server_says(&d, "227 (10,0,0,11,19,136)\r\n", "227 (203,0,113,200,19,136)\r\n");
	transfer(CLIENT4, VIP, SERVER4, 30000, 5000);
}

/* Only whom it was announced to, and only where. */
static void
test_strangers(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);

	(void)state;
	server_says(&d, "227 (10,0,0,11,19,136)\r\n", "227 (203,0,113,200,19,136)\r\n");
	not_let_in("198.18.0.6", 30000, VIP, 5000);
	not_let_in(CLIENT4, 30000, VIP, 5001);
	not_let_in(CLIENT4, 30000, VIP_SHORT, 5000);
	transfer(CLIENT4, VIP, SERVER4, 30000, 5000);
}

static void
test_not_named(void **state)
{
	struct dialogue d = log_in(CLIENT4, SERVER4, 2121, SERVER4, 2121);

	(void)state;
	server_says(&d, "227 (10,0,0,11,19,136)\r\n", "227 (10,0,0,11,19,136)\r\n");
	assert_int_equal(stats().expects_made, 0);
	assert_true(rig_fast(&rig) > 0);
}

/* ---- segments again, joined, cut ----------------------------------------------------------------------------------------------- */

#define REPLY1 "227 (10,0,0,11,19,136)\r\n"
#define REPLY1_OUT "227 (203,0,113,200,19,136)\r\n"

static void
test_repeated(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	struct dialogue before = d;
	const uint8_t flags = TCP_ACK | TCP_PSH;

	(void)state;
	server_says(&d, REPLY1, REPLY1_OUT);
	for (unsigned int n = 0; n < 3; n++)
		segment(&before, FLOW_REPLY, flags, before.sseq, before.sseq, d.cseq, d.cseq,
				REPLY1, REPLY1_OUT);
	/* An acknowledgement of what was before it, one of it. */
	segment(&d, FLOW_ORIGINAL, TCP_ACK, d.cseq, d.cseq, before.sseq, before.sseq, "", "");
	segment(&d, FLOW_ORIGINAL, TCP_ACK, d.cseq, d.cseq, d.sseq + (uint32_t)d.shift, d.sseq, "",
			"");
	/* What goes before it keeps its numbers. */
	segment(&d, FLOW_REPLY, flags, before.sseq - 13, before.sseq - 13, d.cseq, d.cseq,
			"230 welcome\r\n", "230 welcome\r\n");
	/* Joined with the line before it, and with one that follows. */
	segment(&d, FLOW_REPLY, flags, before.sseq - 13, before.sseq - 13, d.cseq, d.cseq,
			"230 welcome\r\n" REPLY1, "230 welcome\r\n" REPLY1_OUT);
	segment(&d, FLOW_REPLY, flags, before.sseq, before.sseq, d.cseq, d.cseq,
			REPLY1 "200 ok\r\n", REPLY1_OUT "200 ok\r\n");
	/* A part of it, or other words: nothing that the receiver could take. */
	server_refused(&d, before.sseq, "227 (10,0,0,11,", DROP_ALG_REPEAT);
	server_refused(&d, before.sseq + 7, ",0,0,11,19,136)\r\n", DROP_ALG_REPEAT);
	server_refused(&d, before.sseq, "227 (10,0,0,11,19,13)\r\n\r\n", DROP_ALG_REPEAT);
	server_refused(&d, before.sseq, "200 (10,0,0,11,19,136)\r\n", DROP_ALG_REPEAT);
	d.sseq += 8;
	server_says(&d, "226 done\r\n", "226 done\r\n");
	transfer(CLIENT4, VIP, SERVER4, 30000, 5000);
}

/* No room on the next link for the longer text: dropped, and the same when it comes again. */
static void
test_mtu(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	char text[1500], out[1500];
	int n = snprintf(text, sizeof(text), "%s", REPLY1);

	(void)state;
	memset(text + n, 'x', 1460 - (size_t)n); /* the external port's MTU is 1500 */
	text[1460] = 0;
	server_refused(&d, d.sseq, text, DROP_MTU_EXCEEDED);
	server_refused(&d, d.sseq, text, DROP_MTU_EXCEEDED);
	/* A little shorter, it fits exactly. */
	text[1456] = 0;
	snprintf(out, sizeof(out), "%s%s", REPLY1_OUT, text + n);
	server_says(&d, text, out);
}

static void
test_master_ends(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	uint32_t children[4];

	(void)state;
	server_says(&d, REPLY1, REPLY1_OUT);
	transfer(CLIENT4, VIP, SERVER4, 30000, 5000);
	assert_int_equal(ct_children(rig.dp->ct, 0, children, 4), 1);
	server_says(&d, "227 (10,0,0,11,19,137)\r\n", "227 (203,0,113,200,19,137)\r\n");
	assert_int_equal(stats().expects, 1);
	/* In the middle of it the server gives up. */
	segment(&d, FLOW_REPLY, TCP_RST | TCP_ACK, d.sseq, d.sseq + (uint32_t)d.shift, d.cseq,
			d.cseq, "", "");
	rig.now += 20 * TIME_NS_PER_S;
	rig_settle(&rig);
	assert_int_equal(stats().expects, 0);
	assert_int_equal(stats().connections, 1); /* the transfer goes on */
	not_let_in(CLIENT4, 30001, VIP, 5001);
}

static void
test_expires(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);

	(void)state;
	server_says(&d, REPLY1, REPLY1_OUT);
	rig.now += 299 * TIME_NS_PER_S;
	rig_settle(&rig);
	assert_int_equal(stats().expects, 1);
	rig.now += 2 * TIME_NS_PER_S;
	rig_settle(&rig);
	assert_int_equal(stats().expects, 0);
	assert_int_equal(stats().connections, 1);
	not_let_in(CLIENT4, 30000, VIP, 5000);
}

/* ---- TFTP ----------------------------------------------------------------------------------------------------------------------- */

static void
tftp(const char *client, const char *vip, uint16_t vport, const char *server, uint16_t sport)
{
	static const char request[] = "\0\1file\0octet";
	struct packet in = { .src = client,
		.dst = vip,
		.proto = IPPROTO_UDP,
		.sport = 30000,
		.dport = vport,
		.payload = request,
		.len = sizeof(request) };
	struct packet out = in;
	const uint64_t before = related();
	uint64_t fast;

	out.dst = server, out.dport = sport;
	expect(0, &in, &out);
	expect(0, &in, &out); /* again */
	assert_int_equal(stats().expects, 1);
	in = (struct packet){ .src = server,
		.dst = client,
		.proto = IPPROTO_UDP,
		.sport = 45678,
		.dport = 30000,
		.payload = "\0\3\0\1data",
		.len = 8 };
	out = in;
	out.src = vip;
	expect(1, &in, &out);
	assert_int_equal(related(), before + 1);
	assert_int_equal(stats().expects, 0);
	in = (struct packet){ .src = client,
		.dst = vip,
		.proto = IPPROTO_UDP,
		.sport = 30000,
		.dport = 45678,
		.payload = "\0\4\0\1",
		.len = 4 };
	out = in;
	out.dst = server;
	expect(0, &in, &out);
	fast = rig_fast(&rig);
	expect(0, &in, &out);
	assert_int_equal(rig_fast(&rig), fast + 1);
}

static void
test_tftp(void **state)
{
	(void)state;
	tftp(CLIENT4, VIP, 69, SERVER4, 6969);
	tftp(CLIENT6, VIP6, 69, SERVER6, 69);
	tftp(CLIENT4, SERVER4B, 69, SERVER4B, 69);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_passive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_passive_shrinks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_epsv, setup, teardown),
		cmocka_unit_test_setup_teardown(test_active, setup, teardown),
		cmocka_unit_test_setup_teardown(test_active_clash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_port_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_routed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_third_party, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expires, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tftp, setup, teardown),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
