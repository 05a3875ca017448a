/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What "conntrack" says about single connections: "timeout-policies" (named sets of timeouts) and "rules" (which
 * connections get which policy, helper, mark, label, or no entry at all). Called by the reader through the tables; policies
 * are completed by cfg_check.c, once the defaults are known.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_common.h>

#include "cfg_priv.h"

/* ---- policies -------------------------------------------------------------------------------- */

#define POLICY struct cfg_timeout_policy
static const struct cfg_key policy_keys[] = {
	{ "name", CFG_VALUE, CFG_FIELD(POLICY, name), .required = true, .parse = cfg_parse_name,
			.expected = cfg_name_expected },
	{ "timeouts", CFG_OBJECT, CFG_FIELD(POLICY, timeouts), .section = &cfg_timeouts_section },
};

const struct cfg_section cfg_timeout_policy_section = { "timeout-policy", policy_keys,
	RTE_DIM(policy_keys) };

/* What a policy does not say is as in the file's own "timeouts", not as in the table's defaults. */
void
cfg_complete_policies(struct cfg_reader *r)
{
	struct cfg_conntrack *c = &r->cfg->conntrack;
	json_t *list = json_object_get(json_object_get(r->root, "conntrack"), "timeout-policies");
	unsigned int i, k;

	for (i = 0; i < c->n_timeout_policies; i++) {
		json_t *given = json_object_get(json_array_get(list, i), "timeouts");

		for (k = 0; k < cfg_timeouts_section.n_keys; k++) {
			const struct cfg_key *key = &cfg_timeouts_section.keys[k];

			if (json_object_get(given, key->name) == NULL)
				memcpy((char *)&c->timeout_policies[i].timeouts + key->offset,
						(const char *)&c->timeouts + key->offset,
						key->size);
		}
	}
}

/* ---- rules ----------------------------------------------------------------------------------- */

static const struct cfg_word helpers[] = {
	{ "none", CFG_HELPER_NONE },
	{ "ftp", CFG_HELPER_FTP },
	{ "tftp", CFG_HELPER_TFTP },
	{ NULL },
};

/* Field: struct cfg_ct_rule. A number: what is shorter than 16 bytes has zeros in front. */
static void
parse_label(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field)
{
	static const char expected[] =
			"1 to 16 bytes, two hexadecimal digits each, such as \"c0ffee\"";
	struct cfg_ct_rule *rule = field;
	const char *s = cfg_string(r, at, v, expected);
	uint8_t bytes[CFG_LABEL_LEN];
	int n;

	if (s == NULL)
		return;
	n = cfg_hex_from(s, '\0', bytes, sizeof(bytes));
	if (n <= 0) {
		cfg_found(r, at, v, expected);
		return;
	}
	memcpy(rule->label + sizeof(rule->label) - n, bytes, (size_t)n);
	rule->has_label = true;
}

static void
init_ct_rule(void *object)
{
	cfg_init_match(&((struct cfg_ct_rule *)object)->match);
}

/* Without an entry there is nothing to translate by, and nothing that could have any of this. */
static void
check_no_entry(struct cfg_reader *r, const struct cfg_at *at, const struct cfg_ct_rule *rule)
{
	const struct cfg_at at_commit = { .up = at, .key = "commit" };

	if (!rule->commit &&
			(rule->service != CFG_ANY_SERVICE || rule->policy != 0 ||
					rule->helper != CFG_HELPER_NONE || rule->force ||
					rule->has_mark || rule->has_label))
		cfg_error(r, &at_commit,
				"without an entry: expected neither \"service\", \"timeouts\", \"helper\", "
				"\"force\", \"mark\" nor \"label\" beside it");
}

static void
check_ct_rule(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good)
{
	const struct cfg_at at_helper = { .up = at, .key = "helper" };
	struct cfg_ct_rule *rule = object;
	uint8_t wanted = rule->helper == CFG_HELPER_FTP ? IPPROTO_TCP : IPPROTO_UDP;

	cfg_check_match(r, at, &rule->match);
	if (!good)
		return;
	check_no_entry(r, at, rule);
	if (rule->helper != CFG_HELPER_NONE && rule->match.proto != 0 &&
			rule->match.proto != wanted)
		cfg_error(r, &at_helper, "not for protocol %u: expected \"protocol\": \"%s\"",
				rule->match.proto, wanted == IPPROTO_TCP ? "tcp" : "udp");
}

#define RULE struct cfg_ct_rule
static const struct cfg_key rule_keys[] = {
	{ "source", CFG_VALUE, CFG_FIELD(RULE, match.source), .parse = cfg_parse_network },
	{ "destination", CFG_VALUE, CFG_FIELD(RULE, match.destination),
			.parse = cfg_parse_network },
	{ "source-port", CFG_VALUE, CFG_FIELD(RULE, match.source_port), .parse = cfg_parse_range },
	{ "destination-port", CFG_VALUE, CFG_FIELD(RULE, match.destination_port),
			.parse = cfg_parse_range },
	{ "protocol", CFG_VALUE, CFG_FIELD(RULE, match.proto), .parse = cfg_parse_protocol },
	{ "port", CFG_VALUE, CFG_FIELD(RULE, match.in_port), .parse = cfg_parse_port_reference,
			.fallback = CFG_ANY_PORT },
	{ "service", CFG_VALUE, CFG_FIELD(RULE, service), .parse = cfg_parse_service_reference,
			.fallback = CFG_ANY_SERVICE },
	{ "zone", CFG_UINT, CFG_FIELD(RULE, zone), .has = offsetof(RULE, has_zone), .max = 65535 },
	{ "timeouts", CFG_VALUE, CFG_FIELD(RULE, policy), .parse = cfg_parse_policy_reference },
	{ "helper", CFG_ENUM, CFG_FIELD(RULE, helper), .words = helpers,
			.fallback = CFG_HELPER_NONE },
	{ "commit", CFG_BOOL, CFG_FIELD(RULE, commit), .fallback = true },
	{ "force", CFG_BOOL, CFG_FIELD(RULE, force) },
	{ "mark", CFG_UINT, CFG_FIELD(RULE, mark), .has = offsetof(RULE, has_mark),
			.max = UINT32_MAX },
	{ "label", CFG_VALUE, .parse = parse_label },
};

const struct cfg_section cfg_ct_rule_section = { "conntrack-rule", rule_keys, RTE_DIM(rule_keys),
	.init = init_ct_rule, .check = check_ct_rule };
