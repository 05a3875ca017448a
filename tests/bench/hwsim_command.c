/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many rules a second a simulated card inserts, updates or replaces: rules of a shape go into the real tables, and the
 * command queue of the profile says what each of the last ones takes. Prints a line, or JSON. No EAL.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hwsim/core/nic.h"
#include "hwsim/core/profile.h"
#include "hwsim/core/steer.h"

/* Rates are those of the last so many rules: published figures are of a table that is that full. */
#define MEASURED 1000

struct options {
	const char *kind;  /* insert, update, replace */
	const char *items; /* eth,ipv4,ipv6,tcp */
	uint32_t actions, table, rules;
	bool json;
};

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
fill(uint8_t *value, uint8_t *mask, size_t n, uint64_t *state)
{
	for (size_t i = 0; i < n; i++)
		value[i] = (uint8_t)(next_random(state) >> 24);
	memset(mask, 0xff, n);
}

/* Each header that is named is matched by what tells flows apart: MACs, addresses, ports. */
static void
make_match(const struct options *o, uint64_t *state, struct sim_match *m)
{
	struct sim_level *v = &m->value.level[0], *k = &m->mask.level[0];
	uint32_t layers = 0;

	memset(m, 0, sizeof(*m));
	layers |= SIM_L_ETH;
	if (strcmp(o->items, "eth") == 0)
		fill(v->eth, k->eth, 12, state);
	if (strstr(o->items, "ipv4") != NULL) {
		layers |= SIM_L_IPV4;
		fill(v->ip + SIM_IP4_AT + 12, k->ip + SIM_IP4_AT + 12, 8, state);
	}
	if (strstr(o->items, "ipv6") != NULL) {
		layers |= SIM_L_IPV6;
		fill(v->ip + 8, k->ip + 8, 32, state);
	}
	if (strstr(o->items, "tcp") != NULL) {
		layers |= SIM_L_TCP;
		fill(v->l4, k->l4, 4, state);
	}
	m->value.layers[0] = m->mask.layers[0] = layers;
}

static uint32_t
make_actions(const struct options *o, uint32_t counter, struct sim_action *a)
{
	const struct sim_action kinds[] = {
		{ .type = SIM_A_QUEUE, .u32 = 0 },
		{ .type = SIM_A_MARK, .u32 = 1 },
		{ .type = SIM_A_COUNT, .u32 = counter },
		{ .type = SIM_A_FLAG },
	};

	/* The fate comes last. */
	for (uint32_t i = 1; i < o->actions; i++)
		a[i - 1] = kinds[i];
	a[o->actions - 1] = kinds[0];
	return o->actions;
}

static struct sim_rule *
insert(struct sim_steer *s, const struct options *o, uint32_t counter, uint64_t *state)
{
	struct sim_action actions[4];
	struct sim_error e = { "" };
	struct sim_rule *rule;
	struct sim_match m;
	struct sim_rule_params p = {
		.domain = SIM_INGRESS,
		.group = o->table,
		.match = &m,
		.actions = actions,
		.n_actions = make_actions(o, counter, actions),
	};

	make_match(o, state, &m);
	if (sim_rule_insert(s, &p, &rule, &e) != 0)
		errx(1, "a rule was refused: %s", e.text);
	return rule;
}

static uint64_t
command_ns(const struct sim_profile *p, const struct options *o, const struct sim_rule *rule)
{
	struct sim_cmd_cost cost;

	sim_rule_cost(rule, &cost);
	if (strcmp(o->kind, "update") == 0)
		return sim_cmd_ns(p, SIM_CMD_UPDATE, &cost);
	return sim_cmd_ns(p, SIM_CMD_INSERT, &cost) +
			(strcmp(o->kind, "replace") == 0 ? sim_cmd_ns(p, SIM_CMD_DELETE, &cost)
							 : 0);
}

static void
run(const struct sim_profile *profile, const struct options *o)
{
	const struct sim_steer_params params = { .profile = profile, .n_ports = 1 };
	struct sim_steer *s = sim_steer_create(&params);
	uint64_t state = 88172645463325252u, ns = 0;
	uint32_t measured = 0;
	int64_t counter;
	double rate;

	if (s == NULL)
		errx(1, "no memory for the tables");
	counter = sim_counter_add(s);
	if (counter < 0)
		errx(1, "the profile has no counters");
	for (uint32_t i = 0; i < o->rules; i++) {
		const struct sim_rule *rule = insert(s, o, (uint32_t)counter, &state);

		if (i + MEASURED >= o->rules) {
			ns += command_ns(profile, o, rule);
			measured++;
		}
	}
	rate = ns == 0 ? 0 : 1e6 * measured / (double)ns;
	if (o->json)
		printf("{\"krules_per_s\": %.3f, \"ns\": %.1f}\n", rate, (double)ns / measured);
	else
		printf("%s %s, %u actions, table %u with %u rules: %.1f k/s\n", o->kind, o->items,
				o->actions, o->table, o->rules, rate);
	sim_steer_destroy(s);
}

static uint32_t
number(const char *name, const char *text, uint32_t min, uint32_t max)
{
	char *end;
	const unsigned long v = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < min || v > max)
		errx(2, "--%s is a number from %u to %u, not '%s'", name, min, max, text);
	return (uint32_t)v;
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "kind", required_argument, NULL, 'k' },
		{ "items", required_argument, NULL, 'i' },
		{ "actions", required_argument, NULL, 'a' },
		{ "table", required_argument, NULL, 't' },
		{ "rules", required_argument, NULL, 'r' },
		{ "set", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = {
		.kind = "insert", .items = "eth", .actions = 1, .table = 1, .rules = 65000
	};
	struct sim_profile profile;
	struct sim_error e = { "" };
	int c;

	sim_profile_ideal(&profile);
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'p' && sim_profile_load(&profile, optarg, &e) != 0)
			errx(2, "%s", e.text);
		else if (c == 's' && sim_profile_set(&profile, optarg, &e) != 0)
			errx(2, "%s", e.text);
		else if (c == 'k')
			o.kind = optarg;
		else if (c == 'i')
			o.items = optarg;
		else if (c == 'a')
			o.actions = number("actions", optarg, 1, 4);
		else if (c == 't')
			o.table = number("table", optarg, 0, 1000);
		else if (c == 'r')
			o.rules = number("rules", optarg, 1, 100000000);
		else if (c == 'j')
			o.json = true;
		else if (c == '?')
			errx(2,
					"options: --profile --kind insert|update|replace --items eth,ipv4,ipv6,tcp --actions"
					" --table --rules --set --json");
	}
	run(&profile, &o);
	return 0;
}
