/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FTP announcements that are not to be believed, or come again, cut and joined; and how long they hold.
 */
#include "test_dp_alg.h"

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

/* Feed a frame of which only the first bytes lie in the first buffer. */
static void
feed_split(const struct frame *f, uint32_t first)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(rig.dp->pool);
	struct rte_mbuf *tail = rte_pktmbuf_alloc(rig.dp->pool);

	assert_true(head != NULL && tail != NULL);
	memcpy(rte_pktmbuf_append(head, (uint16_t)first), f->b, first);
	memcpy(rte_pktmbuf_append(tail, (uint16_t)(f->len - first)), f->b + first, f->len - first);
	assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
	assert_int_equal(rte_ring_sp_enqueue(rig.port[1].rx[0], head), 0);
	rig.fed++;
	rig_settle(&rig);
	rig_check(&rig);
}

/* A payload in two buffers is joined where there is room. */
static void
test_two_buffers(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	struct packet in = { .src = SERVER4,
		.dst = CLIENT4,
		.proto = IPPROTO_TCP,
		.sport = 2121,
		.dport = d.cport,
		.flags = TCP_ACK,
		.seq = d.sseq,
		.ack = d.cseq,
		.payload = REPLY1,
		.len = sizeof(REPLY1) - 1,
		.dmac = RIG_MAC,
		.smac = SERVER };
	struct packet out = in;
	struct frame f, got, want;

	(void)state;
	frame_build(&f, &in);
	out.src = VIP, out.sport = 21, out.ttl = 63;
	out.dmac = GATEWAY, out.smac = RIG_MAC;
	out.payload = REPLY1_OUT, out.len = sizeof(REPLY1_OUT) - 1;
	frame_build(&want, &out);
	for (uint32_t first = 54; first < f.len; first += 7) {
		feed_split(&f, first);
		assert_true(rig_take_any(&rig, 0, &got));
		same_frame(&got, &want);
	}
	assert_int_equal(rig.dp->alg_unread, 0);
	assert_int_equal(stats().expects, 1);
}

static void
test_master_ends(void **state)
{
	struct dialogue d = log_in(CLIENT4, VIP, 21, SERVER4, 2121);
	uint32_t children[4], next, master = ct_next(rig.dp->ct, 0, UINT32_MAX, &next);

	(void)state;
	server_says(&d, REPLY1, REPLY1_OUT);
	transfer(CLIENT4, VIP, SERVER4, 30000, 5000);
	assert_int_equal(ct_children(rig.dp->ct, master, children, 4), 1);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_third_party, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_buffers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expires, setup, teardown),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
