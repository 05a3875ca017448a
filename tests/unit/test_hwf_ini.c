/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What hwsim.ini says of rte_flow is true: a rule is made of every item and action that it names, and whatever it does not name
 * is refused as not supported.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "test_hwf_words.h"

#define NAMES_MAX 128

struct ini {
	char name[NAMES_MAX][32];
	uint32_t n;
};

/* One section: what is "Y" or "P". */
static void
ini_read(struct ini *ini, const char *section)
{
	const char *source = getenv("SHUNT_SOURCE_DIR");
	char path[512], line[200], name[32], sign[8];
	bool here = false;
	FILE *f;

	assert_non_null(source);
	snprintf(path, sizeof(path), "%s/src/hwsim/pmd/hwsim.ini", source);
	f = fopen(path, "r");
	assert_non_null(f);
	ini->n = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '[')
			here = strncmp(line + 1, section, strlen(section)) == 0;
		else if (here && sscanf(line, " %31[a-z0-9_] = %7s", name, sign) == 2 &&
				sign[0] != ';') {
			assert_true(sign[0] == 'Y' || sign[0] == 'P');
			assert_true(ini->n < NAMES_MAX);
			strcpy(ini->name[ini->n++], name);
		}
	}
	fclose(f);
	assert_true(ini->n > 20);
}

static bool
named(const struct ini *ini, const char *name)
{
	uint32_t i;

	for (i = 0; i < ini->n; i++)
		if (strcmp(ini->name[i], name) == 0)
			return true;
	return false;
}

/* The name of a type, in the file's letters. false: the library has none. */
static bool
name_of(enum rte_flow_conv_op op, int type, char *name, size_t size)
{
	const char *text = NULL;
	char *c;

	/* 22.11 has types in between that it knows no name of (MACSEC): copying such a name would crash. */
	if (rte_flow_conv(op, &text, sizeof(text), (void *)(uintptr_t)type, NULL) <= 0 ||
			text == NULL)
		return false;
	snprintf(name, size, "%s", text);
	for (c = name; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return true;
}

static const uint8_t bytes[64];
static const struct rte_flow_action drop[] = { A(DROP), A(END) };
static struct rte_flow_item vxlan[] = { I(ETH), I(IPV4), I(UDP), I(VXLAN), I(END) };
static struct rte_flow_item nvgre[] = { I(ETH), I(IPV4), I(NVGRE), I(END) };

/* Items that cannot stand alone. */
static void
item_rule(int type, struct rte_flow_item item[4])
{
	static const struct rte_flow_item_tag tag = { .index = 1 };
	uint32_t n = 0;

	memset(item, 0, 4 * sizeof(*item));
	if (type == RTE_FLOW_ITEM_TYPE_GRE_KEY)
		item[n++].type = RTE_FLOW_ITEM_TYPE_GRE;
	if (type == RTE_FLOW_ITEM_TYPE_INVERT)
		item[n++].type = RTE_FLOW_ITEM_TYPE_UDP;
	if (type == RTE_FLOW_ITEM_TYPE_TAG)
		item[n].spec = &tag;
	item[n++].type = type;
}

static void
items(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ini ini;
	uint32_t seen = 0;
	char name[64];
	int type;

	(void)state;
	ini_read(&ini, "rte_flow items");
	for (type = RTE_FLOW_ITEM_TYPE_VOID + 1; type <= RTE_FLOW_ITEM_TYPE_METER_COLOR; type++) {
		const bool port = type == RTE_FLOW_ITEM_TYPE_PORT_ID ||
				type == RTE_FLOW_ITEM_TYPE_PORT_REPRESENTOR ||
				type == RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT;
		const struct rte_flow_attr attr = {
			.ingress = !port, .transfer = port, .group = 1
		};
		struct rte_flow_error e = { 0 };
		struct rte_flow_item item[4];
		struct rte_flow *flow;

		if (!name_of(RTE_FLOW_CONV_OP_ITEM_NAME_PTR, type, name, sizeof(name)))
			continue;
		item_rule(type, item);
		flow = hwf_create(r->h, 0, &attr, item, drop, &e);
		if ((flow != NULL) != named(&ini, name))
			fail_msg("item %s: %s", name,
					flow != NULL ? "works, but is not named" : e.message);
		seen += flow != NULL;
		if (flow != NULL)
			assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
		if (flow == NULL) {
			assert_int_equal(rte_errno, ENOTSUP);
			assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ITEM);
			assert_ptr_equal(e.cause, &item[0]);
		}
	}
	assert_int_equal(seen, ini.n);
	rig_free(r);
}

/* A conf for every type of action; most are happy with bytes of 0. */
static const void *
conf_of(int type, struct rte_flow_action_handle *handle)
{
	static const struct rte_flow_action_age age = { .timeout = 1 };
	static const struct rte_flow_action_of_push_vlan push = { RTE_BE16(0x8100) };
	static const struct rte_flow_action_raw_encap encap = { .data = (uint8_t *)(uintptr_t)bytes,
		.size = 14 };
	static const struct rte_flow_action_raw_decap decap = { .size = 14 };
	static const struct rte_flow_action_vxlan_encap vx = { vxlan };
	static const struct rte_flow_action_nvgre_encap nv = { nvgre };
	static const struct rte_flow_action_queue q = { .index = 1 };
	static const struct rte_flow_action to[] = { { .type = RTE_FLOW_ACTION_TYPE_QUEUE,
								     .conf = &q },
		{ .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_action_sample sample = { .ratio = 1, .actions = to };
	static const struct rte_flow_action_modify_field modify = {
		.dst = { .field = RTE_FLOW_FIELD_IPV4_SRC },
		.src = { .field = RTE_FLOW_FIELD_VALUE },
		.width = 32
	};

	switch (type) {
	case RTE_FLOW_ACTION_TYPE_AGE:
		return &age;
	case RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN:
		return &push;
	case RTE_FLOW_ACTION_TYPE_RAW_ENCAP:
		return &encap;
	case RTE_FLOW_ACTION_TYPE_RAW_DECAP:
		return &decap;
	case RTE_FLOW_ACTION_TYPE_VXLAN_ENCAP:
		return &vx;
	case RTE_FLOW_ACTION_TYPE_NVGRE_ENCAP:
		return &nv;
	case RTE_FLOW_ACTION_TYPE_SAMPLE:
		return &sample;
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		return &modify;
	case RTE_FLOW_ACTION_TYPE_INDIRECT:
		return handle;
	default:
		return bytes;
	}
}

/* A meter with number 0. */
static void
meter(struct rig *r)
{
	struct rte_mtr_meter_profile p = { .alg = RTE_MTR_SRTCM_RFC2697,
		.srtcm_rfc2697 = { .cir = 1000000, .cbs = 10000, .ebs = 10000 } };
	struct rte_mtr_meter_policy_params policy = { 0 };
	struct rte_mtr_params params = {
		.meter_profile_id = 1, .meter_policy_id = 1, .meter_enable = 1
	};
	struct rte_mtr_error e = { 0 };

	if (hwf_mtr_profile_add(r->h, 0, 1, &p, &e) != 0 ||
			hwf_mtr_policy_add(r->h, 0, 1, &policy, &e) != 0 ||
			hwf_mtr_create(r->h, 0, 0, &params, 1, &e) != 0)
		fail_msg("%s", e.message);
}

static void
actions(void **state)
{
	static const char *const set[] = { "tls.sessions=16", NULL };
	static const struct rte_flow_item all[] = { { .type = RTE_FLOW_ITEM_TYPE_END } };
	static const struct rte_flow_indir_action_conf indirect = { .ingress = 1 };
	static const struct rte_flow_action_conntrack track = { .enable = 1 };
	static const struct rte_flow_action ct = { .type = RTE_FLOW_ACTION_TYPE_CONNTRACK,
		.conf = &track };
	struct rig *r = rig_new(set);
	struct rte_flow_error e = { 0 };
	struct rte_flow_action_handle *handle = hwf_indirect_create(r->h, 0, &indirect, &ct, &e);
	uint32_t seen = 0;
	struct ini ini;
	char name[64];
	int type;

	(void)state;
	assert_non_null(handle);
	meter(r);
	ini_read(&ini, "rte_flow actions");
	for (type = RTE_FLOW_ACTION_TYPE_VOID + 1; type <= RTE_FLOW_ACTION_TYPE_SEND_TO_KERNEL;
			type++) {
		const bool port = type == RTE_FLOW_ACTION_TYPE_PORT_ID ||
				type == RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR ||
				type == RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT;
		const struct rte_flow_attr attr = {
			.ingress = !port, .transfer = port, .group = 1
		};
		/* CONNTRACK is there behind an indirect action. */
		const int as = type == RTE_FLOW_ACTION_TYPE_CONNTRACK
				? RTE_FLOW_ACTION_TYPE_INDIRECT
				: type;
		const struct rte_flow_action a[] = { { .type = as, .conf = conf_of(as, handle) },
			{ .type = RTE_FLOW_ACTION_TYPE_END } };
		struct rte_flow *flow;

		if (!name_of(RTE_FLOW_CONV_OP_ACTION_NAME_PTR, type, name, sizeof(name)))
			continue;
		flow = hwf_create(r->h, 0, &attr, all, a, &e);
		if ((flow != NULL) != named(&ini, name))
			fail_msg("action %s: %s", name,
					flow != NULL ? "works, but is not named" : e.message);
		seen += flow != NULL;
		if (flow != NULL)
			assert_int_equal(hwf_destroy(r->h, 0, flow, &e), 0);
		if (flow == NULL) {
			assert_int_equal(rte_errno, ENOTSUP);
			assert_int_equal(e.type, RTE_FLOW_ERROR_TYPE_ACTION);
			assert_ptr_equal(e.cause, a);
		}
	}
	assert_int_equal(seen, ini.n);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items),
		cmocka_unit_test(actions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
