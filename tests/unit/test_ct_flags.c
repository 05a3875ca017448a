/* SPDX-License-Identifier: BSD-3-Clause */
/* Flags of packets: every state, direction and kind of translation, and the names. */
#include "test_ct.h"

static void
names_of(uint8_t flags, char *out)
{
	const char *name;
	uint8_t flag;
	unsigned int i;

	*out = '\0';
	for (i = 0; (name = ct_flag_name(i, &flag)) != NULL; i++) {
		if (flags & flag)
			sprintf(out + strlen(out), "%s%s", *out != '\0' ? "," : "", name);
	}
	assert_int_equal(i, 8);
}

static void
test_flags(void **state)
{
	static const struct {
		enum ct_state state;
		unsigned int dir;
		uint16_t status;
		const char *names;
	} rows[] = {
		{ CT_STATE_NONE, 2, 0, "" },
		{ CT_STATE_UNTRACKED, 2, 0, "" },
		{ CT_STATE_NEW, 0, 0, "trk,new" },
		{ CT_STATE_NEW, 0, CT_S_DNAT, "trk,new,dnat" },
		{ CT_STATE_ESTABLISHED, 0, 0, "trk,est" },
		{ CT_STATE_ESTABLISHED, 1, CT_S_DNAT | CT_S_SEEN_REPLY, "trk,est,rpl,dnat" },
		{ CT_STATE_ESTABLISHED, 0, CT_S_SNAT, "trk,est,snat" },
		{ CT_STATE_RELATED, 1, CT_S_SNAT | CT_S_DNAT, "trk,rel,rpl,snat,dnat" },
		{ CT_STATE_RELATED, 0, 0, "trk,rel" },
		{ CT_STATE_INVALID, 1, CT_S_SNAT | CT_S_DNAT, "trk,inv" },
		{ CT_STATE_INVALID, 2, 0, "trk,inv" },
	};
	char names[64];
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(rows); i++) {
		const struct ct_conn c = { .status = rows[i].status };

		names_of(ct_flags(&c, rows[i].dir, rows[i].state), names);
		assert_string_equal(names, rows[i].names);
		if (rows[i].status == 0) {
			names_of(ct_flags(NULL, rows[i].dir, rows[i].state), names);
			assert_string_equal(names, rows[i].names);
		}
	}
}

/* The values are Open vSwitch's (ovs-fields(7), ct_state). */
static void
test_values(void **state)
{
	(void)state;
	assert_int_equal(CT_FLAG_NEW, 1);
	assert_int_equal(CT_FLAG_EST, 2);
	assert_int_equal(CT_FLAG_REL, 4);
	assert_int_equal(CT_FLAG_RPL, 8);
	assert_int_equal(CT_FLAG_INV, 16);
	assert_int_equal(CT_FLAG_TRK, 32);
	assert_int_equal(CT_FLAG_SNAT, 64);
	assert_int_equal(CT_FLAG_DNAT, 128);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
