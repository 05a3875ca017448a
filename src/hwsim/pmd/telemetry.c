/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /hwsim/... of rte_telemetry: what cards there are and what is in them. Called on telemetry's threads. Cards are found by
 * their ethdevs; a card that goes while somebody asks is not guarded against, as with every driver's telemetry.
 *
 *   /hwsim/list            names of the ethdevs
 *   /hwsim/info,DEV        card, ports, clock, time
 *   /hwsim/profile,DEV     all numbers of the profile
 *   /hwsim/units,DEV       units of the model
 *   /hwsim/rules,DEV[,N]   rules with their hits, from the N-th on
 *   /hwsim/trace,DEV[,json]  stamps of the last packets
 *   /hwsim/wave,DEV,FILE   begins a waveform; without FILE: ends it
 *
 * DEV is a port id or the name of an ethdev.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_string_fns.h>
#include <rte_telemetry.h>

#include "hwsim.h"

/* An answer holds no more than RTE_TEL_MAX_DICT_ENTRIES or RTE_TEL_MAX_ARRAY_ENTRIES. */
#define RULES_AT_ONCE 250
#define TRACE_LINES 500

/* The ethdev that the parameters begin with; *rest is what follows its comma. */
static struct hwsim_port *
find(const char *params, const char **rest)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	char *comma, *end;
	unsigned long id;
	uint16_t port;

	if (params == NULL || strlcpy(name, params, sizeof(name)) == 0)
		return NULL;
	comma = strchr(name, ',');
	if (comma != NULL)
		*comma = '\0';
	if (rest != NULL)
		*rest = comma != NULL ? params + (comma - name) + 1 : "";
	id = strtoul(name, &end, 10);
	if (*end != '\0' || name[0] < '0' || name[0] > '9') {
		if (rte_eth_dev_get_port_by_name(name, &port) != 0)
			return NULL;
		id = port;
	}
	if (id >= RTE_MAX_ETHPORTS || !rte_eth_dev_is_valid_port((uint16_t)id) ||
			!hwsim_is_ours(&rte_eth_devices[id]))
		return NULL;
	return hwsim_port_of(&rte_eth_devices[id]);
}

static int
tel_list(const char *cmd, const char *params, struct rte_tel_data *d)
{
	uint16_t id;

	RTE_SET_USED(cmd);
	RTE_SET_USED(params);
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	RTE_ETH_FOREACH_DEV(id)
		if (hwsim_is_ours(&rte_eth_devices[id]))
			rte_tel_data_add_array_string(d, rte_eth_devices[id].data->name);
	return 0;
}

static int
tel_info(const char *cmd, const char *params, struct rte_tel_data *d)
{
	static const char *const kinds[] = { "uplink", "representor", "function" };
	static const char *const clocks[] = { "off", "tsc", "virtual" };
	struct hwsim_port *port = find(params, NULL);
	struct hwsim_card *card;

	RTE_SET_USED(cmd);
	if (port == NULL)
		return -EINVAL;
	card = port->card;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "card", card->name);
	rte_tel_data_add_dict_string(d, "profile", card->profile.name);
	rte_tel_data_add_dict_string(d, "clock", clocks[card->args.clock]);
	rte_tel_data_add_dict_string(d, "kind", kinds[port->kind]);
	rte_tel_data_add_dict_string(
			d, "wire", port->wire != NULL ? port->wire->ops->name : "none: a function");
	rte_tel_data_add_dict_int(d, "switch_port", port->sw);
	rte_tel_data_add_dict_int(d, "uplinks", card->n_wires);
	rte_tel_data_add_dict_int(d, "functions", card->n_ports - card->n_wires);
	rte_tel_data_add_dict_int(d, "pace", card->args.pace);
	rte_tel_data_add_dict_u64(d, "seed", card->args.seed);
	sim_lock_take(&card->lock);
	rte_tel_data_add_dict_u64(d, "cycles", hwsim_clock_cycles(card));
	sim_lock_give(&card->lock);
	return 0;
}

static int
tel_profile(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const struct hwsim_port *port = find(params, NULL);
	const struct sim_profile *p;

	RTE_SET_USED(cmd);
	if (port == NULL)
		return -EINVAL;
	p = &port->card->profile;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "name", p->name);
/* Names in telemetry have no dots and dashes. */
#define X(section, field, key, def, min, max, text) \
	rte_tel_data_add_dict_u64(d, #section "/" #field, p->section##_##field);
	SIM_PROFILE_NUMBERS(X)
#undef X
	return 0;
}

static void
add_unit(struct rte_tel_data *d, const struct sim_unit_stats *u, sim_cycle now)
{
	struct rte_tel_data *unit = rte_tel_data_alloc();

	if (unit == NULL)
		return;
	rte_tel_data_start_dict(unit);
	rte_tel_data_add_dict_u64(unit, "served", u->served);
	rte_tel_data_add_dict_u64(unit, "busy", u->busy);
	rte_tel_data_add_dict_u64(unit, "servers", u->servers);
	rte_tel_data_add_dict_u64(unit, "utilisation_permille",
			now == 0 || u->servers == 0 ? 0 : u->busy * 1000 / now / u->servers);
	rte_tel_data_add_dict_u64(unit, "queue", u->queue);
	rte_tel_data_add_dict_u64(unit, "queue_max", u->queue_max);
	rte_tel_data_add_dict_u64(unit, "queue_cycles", u->queue_cycles);
	rte_tel_data_add_dict_u64(unit, "wait_cycles", u->wait_cycles);
	rte_tel_data_add_dict_u64(unit, "drops", u->drops);
	rte_tel_data_add_dict_u64(unit, "hits", u->hits);
	rte_tel_data_add_dict_u64(unit, "misses", u->misses);
	/* A card of many ports has more units than an answer holds. */
	if (rte_tel_data_add_dict_container(d, u->name, unit, 0) != 0)
		rte_tel_data_free(unit);
}

static int
tel_units(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct hwsim_port *port = find(params, NULL);
	struct sim_unit_stats u;
	struct sim_nic *model;
	uint32_t i;

	RTE_SET_USED(cmd);
	if (port == NULL)
		return -EINVAL;
	rte_tel_data_start_dict(d);
	model = port->card->model;
	if (model == NULL)
		return 0; /* no clock, no units */
	sim_lock_take(&port->card->lock);
	for (i = 0; sim_nic_unit(model, i, &u); i++)
		add_unit(d, &u, sim_nic_now(model));
	sim_lock_give(&port->card->lock);
	return 0;
}

struct rules {
	struct rte_tel_data *d;
	uint32_t at, from, port;
};

static void
add_rule(void *arg, const struct sim_rule *rule, const struct sim_rule_params *p)
{
	static const char *const domains[] = { "ingress", "egress", "transfer" };
	struct rules *r = arg;
	char line[RTE_TEL_MAX_STRING_LEN];

	if (p->domain != SIM_TRANSFER && p->port != r->port)
		return;
	if (r->at++ < r->from || r->at - r->from > RULES_AT_ONCE)
		return;
	snprintf(line, sizeof(line), "%s group %u priority %u actions %u hits %llu",
			domains[p->domain], p->group, p->priority, p->n_actions,
			(unsigned long long)sim_rule_hits(rule));
	rte_tel_data_add_array_string(r->d, line);
}

/* A number and nothing else; nothing is 0. */
static bool
number(const char *text, uint32_t *n)
{
	char *end;
	unsigned long v;

	*n = 0;
	if (text[0] == '\0')
		return true;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v > UINT32_MAX)
		return false;
	*n = (uint32_t)v;
	return true;
}

static int
tel_rules(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const char *rest = "";
	struct hwsim_port *port = find(params, &rest);
	struct rules r = { .d = d };

	RTE_SET_USED(cmd);
	if (port == NULL || !number(rest, &r.from))
		return -EINVAL;
	r.port = port->sw;
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	sim_lock_take(&port->card->lock);
	sim_rule_walk(port->card->steer, add_rule, &r);
	sim_lock_give(&port->card->lock);
	return 0;
}

struct trace {
	struct rte_tel_data *d;
	uint32_t lines;
	char line[RTE_TEL_MAX_STRING_LEN];
	size_t n;
};

/* Text comes in any pieces; an entry is a line, or so much of one as an entry holds. */
static void
add_trace(void *arg, const char *text)
{
	struct trace *t = arg;

	for (; *text != '\0'; text++) {
		if (*text != '\n')
			t->line[t->n++] = *text;
		if (*text != '\n' && t->n < sizeof(t->line) - 1)
			continue;
		t->line[t->n] = '\0';
		t->n = 0;
		if (t->lines++ < TRACE_LINES)
			rte_tel_data_add_array_string(t->d, t->line);
	}
}

static int
tel_trace(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const char *rest = "";
	struct hwsim_port *port = find(params, &rest);
	struct trace t = { .d = d };

	RTE_SET_USED(cmd);
	if (port == NULL || port->card->model == NULL ||
			(rest[0] != '\0' && strcmp(rest, "json") != 0))
		return -EINVAL;
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	sim_lock_take(&port->card->lock);
	sim_nic_trace(port->card->model, strcmp(rest, "json") == 0, add_trace, &t);
	sim_lock_give(&port->card->lock);
	add_trace(&t, t.n > 0 ? "\n" : "");
	return 0;
}

static int
tel_wave(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const char *rest = "";
	struct hwsim_port *port = find(params, &rest);
	struct sim_error e = { .text = "" };
	int rc;

	RTE_SET_USED(cmd);
	if (port == NULL || port->card->model == NULL)
		return -EINVAL;
	sim_lock_take(&port->card->lock);
	rc = sim_nic_wave(port->card->model, rest[0] != '\0' ? rest : NULL, &e);
	sim_lock_give(&port->card->lock);
	rte_tel_data_string(d, rc == 0 ? "ok" : e.text);
	return 0;
}

RTE_INIT(hwsim_telemetry)
{
	static const char dev[] = "Parameters: port id or name of an ethdev of net_hwsim";

	rte_telemetry_register_cmd("/hwsim/list", tel_list, "Ethdevs of net_hwsim. No parameters");
	rte_telemetry_register_cmd("/hwsim/info", tel_info, dev);
	rte_telemetry_register_cmd("/hwsim/profile", tel_profile, dev);
	rte_telemetry_register_cmd("/hwsim/units", tel_units, dev);
	rte_telemetry_register_cmd("/hwsim/rules", tel_rules,
			"Rules and their hits. Parameters: port[,number of the first]");
	rte_telemetry_register_cmd("/hwsim/trace", tel_trace,
			"Stamps of the last packets. Parameters: port[,json]");
	rte_telemetry_register_cmd("/hwsim/wave", tel_wave,
			"Waveform (VCD) from now on. Parameters: port[,file]; without file: ends it");
}
