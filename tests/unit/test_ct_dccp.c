/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DCCP tracker: every cell of its table against rules written down from RFC 4340 8, lives of connections, and GRE's
 * and other protocols' timeouts by policy.
 */
#include "test_ct.h"

static struct rte_rcu_qsbr *rcu;

enum {
	RQ = CT_DCCP_T_REQUEST,
	RP = CT_DCCP_T_RESPONSE,
	DA = CT_DCCP_T_DATA,
	AC = CT_DCCP_T_ACK,
	DK = CT_DCCP_T_DATAACK,
	CQ = CT_DCCP_T_CLOSEREQ,
	CL = CT_DCCP_T_CLOSE,
	RS = CT_DCCP_T_RESET,
	SY = CT_DCCP_T_SYNC,
	SK = CT_DCCP_T_SYNCACK
};

/* The same as rules, in the order in which they apply. */
static uint8_t
expected(bool client, unsigned int type, unsigned int s)
{
	const bool none = s == CT_DCCP_NONE, over = s == CT_DCCP_TIMEWAIT;
	const bool carries = type == DA || type == AC || type == DK;

	if (type == RQ) { /* the client's, again; anybody's after the end, and to begin with only the client's */
		if (over || (client && (none || s == CT_DCCP_REQUEST)))
			return CT_DCCP_REQUEST;
		return client ? CT_DCCP_IGNORE : CT_DCCP_INVALID;
	}
	if (none || (client && (type == RP || type == CQ))) /* only servers respond and ask to close */
		return CT_DCCP_INVALID;
	if (type == SY || type == SK)
		return CT_DCCP_IGNORE;
	if (type == RS)
		return over ? CT_DCCP_IGNORE : CT_DCCP_TIMEWAIT;
	if (over)
		return CT_DCCP_INVALID;
	if (type == RP) /* to a Request; later it is a late one */
		return s <= CT_DCCP_RESPOND ? CT_DCCP_RESPOND : CT_DCCP_IGNORE;
	if (carries) {
		if (s == CT_DCCP_REQUEST || (!client && s == CT_DCCP_RESPOND))
			return CT_DCCP_INVALID;	     /* the client has the word */
		if (client && s <= CT_DCCP_PARTOPEN) /* and acknowledges the Response */
			return type == DA ? CT_DCCP_INVALID : CT_DCCP_PARTOPEN;
		return s == CT_DCCP_PARTOPEN ? CT_DCCP_OPEN : s;
	}
	/* Close, CloseReq: of who knows that there is a connection. */
	if (s == CT_DCCP_REQUEST || (!client && s == CT_DCCP_RESPOND))
		return CT_DCCP_INVALID;
	if (type == CL)
		return CT_DCCP_CLOSING;
	return s == CT_DCCP_CLOSING ? CT_DCCP_IGNORE : CT_DCCP_CLOSEREQ;
}

static void
test_cells(void **state)
{
	unsigned int client, type, s;

	(void)state;
	for (client = 0; client < 2; client++)
		for (type = 0; type < CT_DCCP_TYPES; type++)
			for (s = 0; s < CT_DCCP_STATES; s++)
				if (ct_dccp_next(client, type, s) != expected(client, type, s))
					fail_msg("client %u, type %u, %s: %u, not %u", client, type,
							ct_dccp_state_name(s),
							ct_dccp_next(client, type, s),
							expected(client, type, s));
}

struct step {
	enum flow_dir dir;
	uint8_t type;
	enum ct_dccp_state after;
	bool invalid, established;
};

static struct ct_packet
packet(uint8_t *l4, struct pkt_info *info, uint8_t type, uint64_t now)
{
	memset(l4, 0, 12);
	memset(info, 0, sizeof(*info));
	l4[8] = (uint8_t)(type << 1 | 1);
	return (struct ct_packet){ info, l4, 12, 12, now };
}

static void
test_life(void **state)
{
	static const struct step steps[] = {
		{ 0, RQ, CT_DCCP_REQUEST, false, false },
		{ 1, DA, CT_DCCP_REQUEST, true, false },
		{ 1, RP, CT_DCCP_RESPOND, false, false },
		{ 0, DA, CT_DCCP_RESPOND, true, false },
		{ 0, AC, CT_DCCP_PARTOPEN, false, false },
		{ 0, SY, CT_DCCP_PARTOPEN, false, false },
		{ 1, DK, CT_DCCP_OPEN, false, true },
		{ 0, DA, CT_DCCP_OPEN, false, true },
		{ 0, CQ, CT_DCCP_OPEN, true, true },
		{ 1, CQ, CT_DCCP_CLOSEREQ, false, false },
		{ 0, CL, CT_DCCP_CLOSING, false, false },
		{ 1, RS, CT_DCCP_TIMEWAIT, false, false },
		{ 0, AC, CT_DCCP_TIMEWAIT, true, false },
	};
	struct flow_tuple tuple = tuple4(IPPROTO_DCCP, 1, 1000, 2, 80), reply = reply_of(&tuple);
	struct ct_table *t = table_create(1, 0, rcu);
	struct pkt_info info;
	struct ct_packet pkt;
	struct ct_verdict v;
	uint8_t l4[12];
	uint32_t conn;
	unsigned int i;

	(void)state;
	for (i = 0; i < 16; i++) {
		pkt = packet(l4, &info, (uint8_t)i, SECOND);
		assert_int_equal(ct_may_open(t, &tuple, &pkt),
				i == RQ				    ? DROP_NONE
						: i < CT_DCCP_TYPES ? DROP_CT_INVALID
								    : DROP_DCCP_SHORT);
	}
	pkt = packet(l4, &info, RQ, SECOND);
	pkt.l4_len = pkt.l4_avail = 11;
	assert_int_equal(ct_may_open(t, &tuple, &pkt), DROP_DCCP_SHORT);
	pkt = packet(l4, &info, RQ, SECOND);
	assert_int_equal(ct_open(t, &tuple, &reply, 0, &pkt, &conn), 0);
	for (i = 0; i < RTE_DIM(steps); i++) {
		pkt = packet(l4, &info, steps[i].type, SECOND);
		ct_track(t, conn, steps[i].dir, &pkt, &v);
		assert_int_equal(ct_conns(t)[conn].dccp.state, steps[i].after);
		assert_int_equal(v.reason, steps[i].invalid ? DROP_CT_DCCP_STATE : DROP_NONE);
		assert_int_equal(v.established, steps[i].established);
	}
	assert_true(ct_conns(t)[conn].status & CT_S_ASSURED);
	assert_in_range(ct_expires_in(t, conn, SECOND), 239, 240);
	/* Whoever asks next opens a connection of its own. */
	pkt = packet(l4, &info, RQ, SECOND);
	ct_track(t, conn, FLOW_REPLY, &pkt, &v);
	assert_true(v.reopen);
	assert_int_equal(v.reason, DROP_NONE);
	ct_destroy(t);
}

/* ---- policies of the other trackers -------------------------------------------------------------------------- */

/* Every timeout is a number of its own; a connection of either policy has the right one. */
static void
test_policies(void **state)
{
	const struct flow_tuple tuples[] = { tuple4(IPPROTO_GRE, 1, 1, 2, 2),
		tuple4(IPPROTO_UDP, 1, 1, 2, 2), tuple_echo(4, 1, 2, 3), tuple_echo(6, 1, 2, 3),
		tuple4(IPPROTO_ESP, 1, 0, 2, 0) };
	struct ct_params p = table_params(4, 4, rcu);
	struct ct_timeouts policies[CT_POLICIES_MAX];
	struct ct_packet pkt = plain_packet(SECOND);
	struct ct_verdict v;
	struct ct_table *t;

	(void)state;
	for (uint32_t i = 0; i < CT_POLICIES_MAX; i++)
		policies[i] = (struct ct_timeouts){ .udp = 1000 + i,
			.icmp = 2000 + i,
			.icmp6 = 3000 + i,
			.generic = 4000 + i,
			.gre = 5000 + i,
			.gre_stream = 6000 + i };
	p.policies = policies;
	p.n_policies = CT_POLICIES_MAX;
	t = ct_create(&p);
	assert_non_null(t);
	memset(policies, 0, sizeof(policies)); /* they were copied */
	for (unsigned int i = 0; i < RTE_DIM(tuples); i++) {
		static const uint32_t base[] = { 5000, 1000, 2000, 3000, 4000 };
		struct flow_tuple reply = reply_of(&tuples[i]);
		uint32_t conn;

		for (unsigned int policy = 1; policy <= CT_POLICIES_MAX; policy += 127) {
			uint32_t is = base[i] + policy - 1;

			assert_int_equal(ct_open(t, &tuples[i], &reply, 0, &pkt, &conn), 0);
			ct_conns(t)[conn].policy = (uint8_t)policy;
			ct_track(t, conn, FLOW_ORIGINAL, &pkt, &v);
			assert_in_range(ct_expires_in(t, conn, SECOND), is - 1, is);
			if (i == 0) {
				ct_track(t, conn, FLOW_REPLY, &pkt, &v);
				assert_in_range(ct_expires_in(t, conn, SECOND), is + 999,
						is + 1000);
				assert_false(ct_conns(t)[conn].status & CT_S_ASSURED);
				ct_track(t, conn, FLOW_REPLY, &pkt, &v);
				assert_true(ct_conns(t)[conn].status & CT_S_ASSURED);
			}
			/* Longer than the defaults by which it was filed: not forgotten early. */
			assert_int_equal(ct_age(t, SECOND + 700 * SECOND, &conn, 100), 0);
			ct_close(t, conn);
			while (ct_reclaim(t, NULL, 1) > 0)
				;
		}
	}
	ct_destroy(t);
	p.n_policies = CT_POLICIES_MAX + 1;
	assert_null(ct_create(&p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_policies),
	};

	if (unit_eal_init() != 0)
		return 1;
	rcu = rcu_create(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
