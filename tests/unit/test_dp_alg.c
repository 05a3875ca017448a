/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FTP and TFTP through the whole dataplane: passive and active, both families, with and without translation, texts that
 * grow and shrink, several transfers in one session.
 */
#include "test_dp_alg.h"

/* ---- dialogues ----------------------------------------------------------------------------------------------------------- */

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
	for (uint32_t next = 0, c; (c = ct_next(rig.dp->ct, next, UINT32_MAX, &next)) != FLOW_NONE;)
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
		cmocka_unit_test_setup_teardown(test_tftp, setup, teardown),
	};

	if (rig_eal("0@0") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
