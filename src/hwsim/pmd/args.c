/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devargs of net_hwsim: text to struct hwsim_args. Called by probe. Nothing is created here, and no key is known
 * anywhere else. Errors name the key, the value and what would be right.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_string_fns.h>

#include "hwsim.h"

/* A number without anything behind it. */
static int
number(const char *key, const char *text, uint64_t max, uint64_t *out, struct sim_error *e)
{
	char *end = NULL;
	unsigned long long v = 0;

	*out = 0;
	errno = 0;
	if (text[0] >= '0' && text[0] <= '9')
		v = strtoull(text, &end, 0);
	if (end == NULL || *end != '\0' || errno != 0 || v > max)
		return sim_fail(e, EINVAL, "%s=%s: not a number from 0 to %llu", key, text,
				(unsigned long long)max);
	*out = v;
	return 0;
}

static int
take_text(const char *key, const char *text, char *out, struct sim_error *e)
{
	if (text[0] == '\0' || strlcpy(out, text, PATH_MAX) >= PATH_MAX)
		return sim_fail(e, EINVAL, "%s=: wants a name of 1 to %d characters", key,
				PATH_MAX - 1);
	return 0;
}

static int
take_profile(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	return take_text(key, text, a->profile, e);
}

static int
take_wave(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	return take_text(key, text, a->wave, e);
}

static int
take_ports(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	uint64_t v;
	int rc = number(key, text, SIM_PORTS_MAX, &v, e);

	if (rc == 0 && v == 0)
		rc = sim_fail(e, EINVAL, "%s=0: a card has 1 to %d ports", key, SIM_PORTS_MAX);
	if (rc == 0)
		a->ports = (uint16_t)v;
	return rc;
}

static int
take_clock(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	static const char *const names[] = { [HWSIM_CLOCK_OFF] = "off",
		[HWSIM_CLOCK_TSC] = "tsc",
		[HWSIM_CLOCK_VIRTUAL] = "virtual" };
	unsigned int i;

	for (i = 0; i < RTE_DIM(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			a->clock = (enum hwsim_clock)i;
			return 0;
		}
	}
	return sim_fail(e, EINVAL, "%s=%s: off, virtual or tsc", key, text);
}

static int
take_pace(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	uint64_t v;
	int rc = number(key, text, 1, &v, e);

	if (rc == 0)
		a->pace = v != 0;
	return rc;
}

static int
take_trace(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	uint64_t v;
	int rc = number(key, text, 1u << 20, &v, e);

	if (rc == 0)
		a->trace = (uint32_t)v;
	return rc;
}

static int
take_seed(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	return number(key, text, UINT64_MAX, &a->seed, e);
}

/* "wire=" is that of every port that has none of its own; it is kept in the place behind the last. */
static int
take_wire(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	uint64_t port = 0;
	char **at = &a->wire_all;

	if (key[4] != '\0') {
		if (number("port of wire", key + 4, SIM_PORTS_MAX - 1, &port, NULL) < 0)
			return sim_fail(e, EINVAL, "%s=: wire, or wire0 to wire%d", key,
					SIM_PORTS_MAX - 1);
		at = &a->wire[port];
	}
	if (*at != NULL)
		return sim_fail(e, EINVAL, "%s= is there twice", key);
	*at = strdup(text);
	return *at == NULL ? sim_fail(e, ENOMEM, "no memory") : 0;
}

/* One function, or a run of them: "3", "0-3". */
static int
take_run(struct hwsim_args *a, char *text, struct sim_error *e)
{
	uint64_t low, high, v;
	uint16_t i;
	char *dash;

	if (strncmp(text, "vf", 2) == 0)
		text += 2;
	dash = strchr(text, '-');
	if (dash != NULL)
		*dash++ = '\0';
	if (number("representor", text, UINT16_MAX - 1, &low, e) < 0 ||
			number("representor", dash != NULL ? dash : text, UINT16_MAX - 1, &high,
					e) < 0)
		return -EINVAL;
	if (high < low)
		return sim_fail(e, EINVAL, "representor=%s-%s: runs backwards", text, dash);
	for (v = low; v <= high; v++) {
		for (i = 0; i < a->n_representors; i++)
			if (a->representors[i] == v)
				return sim_fail(e, EINVAL, "representor=: %u is there twice",
						(unsigned int)v);
		if (a->n_representors == SIM_PORTS_MAX - 1)
			return sim_fail(e, EINVAL, "representor=: more than %d", SIM_PORTS_MAX - 1);
		a->representors[a->n_representors++] = (uint16_t)v;
	}
	return 0;
}

/* "N", "[N-M,N]", with "vf" in front of any: as `representor` of other drivers. */
static int
take_representor(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	char copy[256], *save = NULL, *item, *list = copy;
	size_t len = strlcpy(copy, text, sizeof(copy));
	int rc = 0;

	if (len >= sizeof(copy))
		return sim_fail(e, EINVAL, "%s=: too long", key);
	if (strncmp(list, "vf[", 3) == 0)
		list += 2;
	if (list[0] == '[') {
		if (copy[len - 1] != ']')
			return sim_fail(e, EINVAL, "%s=%s: no ] at its end", key, text);
		copy[len - 1] = '\0';
		list++;
	}
	item = strtok_r(list, ",", &save);
	if (item == NULL)
		return sim_fail(e, EINVAL, "%s=: wants numbers, as [0-3]", key);
	for (; rc == 0 && item != NULL; item = strtok_r(NULL, ",", &save))
		rc = take_run(a, item, e);
	return rc;
}

static int
take_set(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e)
{
	char *copy = strdup(text), *save = NULL, *item;
	int rc = copy == NULL ? sim_fail(e, ENOMEM, "no memory") : 0;

	for (item = rc == 0 ? strtok_r(copy, ";", &save) : NULL; rc == 0 && item != NULL;
			item = strtok_r(NULL, ";", &save)) {
		if (a->n_sets == HWSIM_SETS_MAX) {
			rc = sim_fail(e, EINVAL, "%s=: more than %d", key, HWSIM_SETS_MAX);
		} else {
			a->set[a->n_sets] = strdup(item);
			if (a->set[a->n_sets] == NULL)
				rc = sim_fail(e, ENOMEM, "no memory");
			else
				a->n_sets++;
		}
	}
	free(copy);
	return rc;
}

static const struct key {
	const char *name;
	bool prefix; /* more may follow the name */
	bool many;
	int (*take)(struct hwsim_args *a, const char *key, const char *text, struct sim_error *e);
} keys[] = {
	{ .name = "clock", .take = take_clock },
	{ .name = "pace", .take = take_pace },
	{ .name = "ports", .take = take_ports },
	{ .name = "profile", .take = take_profile },
	{ .name = "representor", .take = take_representor },
	{ .name = "seed", .take = take_seed },
	{ .name = "set", .take = take_set, .many = true },
	{ .name = "trace", .take = take_trace },
	{ .name = "wave", .take = take_wave },
	{ .name = "wire", .take = take_wire, .prefix = true },
};

/* `seen`: a bit for each key that was there. */
static int
take(struct hwsim_args *a, const char *name, const char *value, uint32_t *seen, struct sim_error *e)
{
	const struct key *k = NULL;
	unsigned int i;

	for (i = 0; i < RTE_DIM(keys) && k == NULL; i++) {
		if (strcmp(keys[i].name, name) == 0 ||
				(keys[i].prefix &&
						strncmp(keys[i].name, name, strlen(keys[i].name)) ==
								0))
			k = &keys[i];
	}
	if (k == NULL)
		return sim_fail(e, EINVAL,
				"%s=: no such key; there are clock, pace, ports, profile, representor, seed, "
				"set, trace, wave, wire and wire0..",
				name);
	if (value == NULL || value[0] == '\0')
		return sim_fail(e, EINVAL, "%s=: wants a value", name);
	/* Wires look by themselves: each has a number. */
	if (!k->many && !k->prefix && (*seen >> (k - keys) & 1) != 0)
		return sim_fail(e, EINVAL, "%s= is there twice", name);
	*seen |= 1u << (k - keys);
	return k->take(a, name, value, e);
}

/* What no key can see alone. */
static int
check(const struct hwsim_args *a, struct sim_error *e)
{
	uint16_t i;

	if (a->ports + a->n_representors > SIM_PORTS_MAX)
		return sim_fail(e, EINVAL, "ports=%u and %u representors: more than %d together",
				a->ports, a->n_representors, SIM_PORTS_MAX);
	for (i = a->ports; i < SIM_PORTS_MAX; i++)
		if (a->wire[i] != NULL)
			return sim_fail(e, EINVAL, "wire%u=: the card has ports 0 to %u (ports=)",
					i, a->ports - 1);
	if (a->clock == HWSIM_CLOCK_OFF && (a->trace > 0 || a->wave[0] != '\0'))
		return sim_fail(e, EINVAL, "%s=: wants clock=virtual or tsc",
				a->trace > 0 ? "trace" : "wave");
	return 0;
}

/*
 * The next of a list between commas that are in no brackets; rte_kvargs_parse() takes values apart at every '=', of which
 * those of wires have several.
 */
static char *
cut(char **next)
{
	char *pair = *next, *p = pair;
	int depth = 0;

	if (pair == NULL)
		return NULL;
	for (; *p != '\0' && (*p != ',' || depth > 0); p++)
		depth += *p == '[' ? 1 : *p == ']' && depth > 0 ? -1 : 0;
	*next = *p == '\0' ? NULL : p + 1;
	*p = '\0';
	return pair;
}

int
hwsim_args_parse(struct hwsim_args *a, const char *text, struct sim_error *e)
{
	char *copy, *next, *pair, *value;
	uint32_t seen = 0;
	int rc = 0;

	memset(a, 0, sizeof(*a));
	strlcpy(a->profile, "ideal", sizeof(a->profile));
	a->ports = 1;
	a->seed = 1;
	if (text == NULL || text[0] == '\0')
		return 0;
	copy = strdup(text);
	if (copy == NULL)
		return sim_fail(e, ENOMEM, "no memory");
	for (next = copy; rc == 0 && (pair = cut(&next)) != NULL;) {
		if (pair[0] == '\0')
			continue;
		value = strchr(pair, '=');
		if (value != NULL)
			*value++ = '\0';
		rc = take(a, pair, value, &seen, e);
	}
	free(copy);
	if (rc == 0)
		rc = check(a, e);
	if (rc != 0)
		hwsim_args_free(a);
	return rc;
}

void
hwsim_args_free(struct hwsim_args *a)
{
	uint16_t i;

	for (i = 0; i < SIM_PORTS_MAX; i++)
		free(a->wire[i]);
	for (i = 0; i < a->n_sets; i++)
		free(a->set[i]);
	free(a->wire_all);
	memset(a, 0, sizeof(*a));
}
