/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server's replies behind a VIP over a link that loses, repeats, joins and cuts segments: the client must get the
 * translated text, whole and in order, and the server acknowledgements of nothing that did not arrive. The ends here keep
 * only TCP's rules (RFC 9293); what they expect is computed from the text alone.
 */
#include "test_dp_alg.h"

#define STREAM_MAX 65536

struct stream {
	char sent[STREAM_MAX];	   /* by the server */
	char expected[STREAM_MAX]; /* by the client */
	char got[STREAM_MAX];
	bool have[STREAM_MAX];
	uint32_t len, expected_len;
	uint32_t una, next; /* the server's: acknowledged, sent */
	uint32_t rcv;	    /* the client has all up to here */
	uint32_t first;	    /* sequence number of byte 0, for both */
};

static struct stream st;
static struct dialogue control;
static unsigned int lost, repeated, refused;

/* One more line; returns whether it is an announcement. */
static bool
add_line(void)
{
	static const char *const plain[] = { "200 ok\r\n", "226 done\r\n",
		"150 here it comes, a longer line than others\r\n",
		"500 no 227 (10,0,0,11,19,136)\r\n" };
	const unsigned int port = 1024 + (unsigned int)rand() % 60000;
	char *in = st.sent + st.len, *out = st.expected + st.expected_len;
	const bool announcement = rand() % 3 == 0;

	if (announcement) {
		snprintf(in, 64, "227 Passive (10,0,0,11,%u,%u)\r\n", port >> 8, port & 255);
		snprintf(out, 64, "227 Passive (203,0,113,200,%u,%u)\r\n", port >> 8, port & 255);
		if (port == 8080)
			return add_line();
	} else {
		strcpy(in, plain[(unsigned int)rand() % RTE_DIM(plain)]);
		strcpy(out, in);
	}
	st.len += (uint32_t)strlen(in);
	st.expected_len += (uint32_t)strlen(out);
	return announcement;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The frame's checksums and lengths are right, as one that is built from its own fields shows. */
static void
check_frame(const struct frame *f, const struct packet *like)
{
	struct packet p = *like;
	struct frame again;

	p.dmac = like->dport == control.cport ? GATEWAY : SERVER;
	p.smac = RIG_MAC;
	p.ttl = 63;
	p.seq = get32(f->b + 38);
	p.ack = get32(f->b + 42);
	p.payload = f->b + 54;
	p.len = (uint16_t)(f->len - 54);
	frame_build(&again, &p);
	same_frame(f, &again);
}

static void
client_gets(const struct frame *f)
{
	const struct packet like = { .src = VIP,
		.dst = CLIENT4,
		.proto = IPPROTO_TCP,
		.sport = 21,
		.dport = control.cport,
		.flags = TCP_ACK | TCP_PSH };
	const uint32_t at = get32(f->b + 38) - st.first, len = f->len - 54;

	check_frame(f, &like);
	for (uint32_t i = 0; i < len; i++) {
		const uint32_t n = at + i;

		/* What it has already it looks at no more; the rest must be what it should be. */
		if (n < st.rcv || n >= STREAM_MAX)
			continue;
		st.got[n] = (char)f->b[54 + i];
		st.have[n] = true;
	}
	while (st.rcv < STREAM_MAX && st.have[st.rcv])
		st.rcv++;
	assert_true(st.rcv <= st.expected_len);
	assert_memory_equal(st.got, st.expected, st.rcv);
}

static void
server_sends(uint32_t from, uint32_t to)
{
	const struct packet in = { .src = SERVER4,
		.dst = CLIENT4,
		.proto = IPPROTO_TCP,
		.sport = 2121,
		.dport = control.cport,
		.flags = TCP_ACK | TCP_PSH,
		.seq = st.first + from,
		.ack = control.cseq,
		.payload = st.sent + from,
		.len = (uint16_t)(to - from),
		.dmac = RIG_MAC,
		.smac = SERVER };
	struct frame f;

	rig_run(&rig, 1, &in);
	if (!rig_take_any(&rig, 0, &f))
		refused++;
	else if (rand() % 5 == 0)
		lost++;
	else
		client_gets(&f);
	assert_false(rig_take_any(&rig, 0, &f));
}

static void
client_acknowledges(void)
{
	struct packet in = { .src = CLIENT4,
		.dst = VIP,
		.proto = IPPROTO_TCP,
		.sport = control.cport,
		.dport = 21,
		.flags = TCP_ACK,
		.seq = control.cseq,
		.ack = st.first + st.rcv,
		.dmac = RIG_MAC,
		.smac = GATEWAY };
	struct packet out = in;
	struct frame f;
	uint32_t ack;

	rig_run(&rig, 0, &in);
	assert_true(rig_take_any(&rig, 1, &f));
	out.dst = SERVER4, out.dport = 2121;
	check_frame(&f, &out);
	ack = get32(f.b + 42) - st.first;
	assert_true(ack <= st.next);
	if (ack > st.una)
		st.una = ack;
	/* All that arrived is acknowledged, and nothing else. */
	assert_int_equal(st.una == st.len, st.rcv == st.expected_len);
}

static void
test_stream(void **state)
{
	(void)state;
	srand(11);
	control = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	st.first = control.sseq;
	while (st.len < STREAM_MAX / 4) {
		bool announcement = false;
		uint32_t from = st.len;

		/* A server answers one command at a time: the client has read the answer before. */
		for (unsigned int n = 1 + (unsigned int)rand() % 3; n > 0 && !announcement; n--)
			announcement = add_line();
		st.next = st.len;
		server_sends(from, st.len);
		for (unsigned int tries = 0; st.una < st.len; tries++) {
			uint32_t to = st.len;

			assert_true(tries < 1000);
			repeated++;
			if (rand() % 3 == 0)
				client_acknowledges();
			from = st.una -
					(rand() % 3 == 0 ? RTE_MIN(st.una, (uint32_t)rand() % 40)
							 : 0);
			if (rand() % 3 == 0)
				to = from + (uint32_t)rand() % (st.len - from + 1);
			if (to > from)
				server_sends(from, to);
			if (st.rcv == st.expected_len)
				client_acknowledges();
		}
	}
	assert_int_equal(st.rcv, st.expected_len);
	assert_true(lost > 50 && repeated > 100 && refused > 20);
}

/* Words without sense, at numbers near the good ones, from both ends: whatever leaves is a sound frame. */
static void
test_garbage(void **state)
{
	static const char *const words[] = { "227 (10,0,0,11,", "19,136)", "\r\n", "229 (|||5000|)",
		"230-", "PORT 198,18,0,5,117,48\r\n", "EPRT |1|198.18.0.5|30000|\r\n", "227 ", "x",
		"\n" };
	unsigned int left = 0;

	(void)state;
	srand(5);
	for (unsigned int n = 0; n < 20000; n++) {
		const bool reply = rand() % 3 != 0;
		struct packet in = { .src = CLIENT4,
			.dst = VIP,
			.proto = IPPROTO_TCP,
			.dport = 21,
			.flags = TCP_ACK | (rand() % 2 ? TCP_PSH : 0),
			.dmac = RIG_MAC,
			.smac = reply ? SERVER : GATEWAY };
		struct packet out;
		struct frame f;
		char text[256] = "";

		if (n % 2000 == 0)
			control = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
		while (rand() % 4 != 0 && strlen(text) < 200)
			strcat(text, words[(unsigned int)rand() % RTE_DIM(words)]);
		in.sport = control.cport;
		out = in;
		out.dst = SERVER4, out.dport = 2121;
		in.seq = control.cseq, in.ack = control.sseq;
		if (reply) {
			in.src = SERVER4, in.dst = CLIENT4, in.sport = 2121,
			in.dport = control.cport;
			out = in;
			out.src = VIP, out.sport = 21;
			in.seq = control.sseq, in.ack = control.cseq;
		}
		in.seq += (uint32_t)(rand() % 5 == 0 ? rand() % 300 - 100 : 0);
		in.payload = text;
		in.len = (uint16_t)strlen(text);
		rig_run(&rig, reply ? 1 : 0, &in);
		if (rig_take_any(&rig, reply ? 0 : 1, &f)) {
			check_frame(&f, &out);
			left++;
			if (reply)
				control.sseq = in.seq + in.len;
			else
				control.cseq = in.seq + in.len;
		}
		while (rig_take_any(&rig, reply ? 1 : 0, &f))
			;
	}
	assert_true(left > 2000 && stats().expects_made > 200);
	assert_true(rig_drops(&rig, DROP_ALG_CUT) > 100);
	assert_true(rig_drops(&rig, DROP_ALG_REPEAT) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
