/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Profiles: what a card is, read from JSON and checked. Called when a NIC is made, and by sweeps. A profile that is wrong
 * in anything is refused as a whole, and the error names the file, the key, and what would be right.
 */
#include "hwsim/core/profile.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* As large as a file may be: shipped ones have a twentieth of it. */
#define FILE_MAX_BYTES (1u << 20)

__extension__ typedef unsigned __int128 u128;

struct number {
	const char *section, *key;
	size_t at;
	uint32_t def, min, max;
};

static const struct number numbers[] = {
#define X(section, field, key, def, min, max, text) \
	{ #section, key, offsetof(struct sim_profile, section##_##field), def, min, max },
	SIM_PROFILE_NUMBERS(X)
#undef X
};
#define N_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static uint32_t *
number_in(struct sim_profile *p, const struct number *n)
{
	return (uint32_t *)(void *)((char *)p + n->at);
}

static const struct number *
find_number(const char *section, const char *key)
{
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (strcmp(numbers[i].section, section) == 0 && strcmp(numbers[i].key, key) == 0)
			return &numbers[i];
	return NULL;
}

static bool
is_section(const char *name)
{
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (strcmp(numbers[i].section, name) == 0)
			return true;
	return false;
}

void
sim_profile_ideal(struct sim_profile *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "ideal");
	for (size_t i = 0; i < N_NUMBERS; i++)
		*number_in(p, &numbers[i]) = numbers[i].def;
}

static bool
is_power(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* Numbers that are right by themselves and wrong together. */
static int
check_together(const struct sim_profile *p, const char *file, struct sim_error *e)
{
	if (p->cache_lines % p->cache_ways != 0)
		return sim_fail(e, EINVAL, "%s: cache.lines: %u is no multiple of cache.ways, %u",
				file, p->cache_lines, p->cache_ways);
	if (p->buffer_cell > p->buffer_bytes)
		return sim_fail(e, EINVAL, "%s: buffer.cell: %u is more than buffer.bytes, %u",
				file, p->buffer_cell, p->buffer_bytes);
	if (!is_power(p->pcie_mps) || !is_power(p->pcie_mrrs) || !is_power(p->pcie_rcb) ||
			!is_power(p->pcie_lanes))
		return sim_fail(e, EINVAL,
				"%s: pcie: mps %u, mrrs %u, rcb %u and lanes %u must be powers of 2",
				file, p->pcie_mps, p->pcie_mrrs, p->pcie_rcb, p->pcie_lanes);
	if (p->pcie_mrrs < p->pcie_rcb)
		return sim_fail(e, EINVAL, "%s: pcie.mrrs: %u is less than pcie.rcb, %u", file,
				p->pcie_mrrs, p->pcie_rcb);
	if (p->tables_root_max > p->tables_exact_max)
		return sim_fail(e, EINVAL,
				"%s: tables.root-max: %u is more than tables.exact-max, %u", file,
				p->tables_root_max, p->tables_exact_max);
	if (p->tables_root_buckets > p->tables_buckets_max)
		return sim_fail(e, EINVAL,
				"%s: tables.root-buckets: %u is more than tables.buckets-max, %u",
				file, p->tables_root_buckets, p->tables_buckets_max);
	if (p->objects_counter_cache > p->objects_counters)
		return sim_fail(e, EINVAL,
				"%s: objects.counter-cache: %u is more than objects.counters, %u",
				file, p->objects_counter_cache, p->objects_counters);
	if (p->dma_prefetch > p->queues_desc_max || p->dma_coalesce > p->queues_desc_max)
		return sim_fail(e, EINVAL,
				"%s: dma: prefetch %u and coalesce %u must not be more than "
				"queues.descriptors, %u",
				file, p->dma_prefetch, p->dma_coalesce, p->queues_desc_max);
	return 0;
}

static int
set_number(struct sim_profile *p, const struct number *n, long long v, const char *file,
		struct sim_error *e)
{
	if (v < (long long)n->min || v > (long long)n->max)
		return sim_fail(e, ERANGE, "%s: %s.%s: %lld is not from %u to %u", file, n->section,
				n->key, v, n->min, n->max);
	*number_in(p, n) = (uint32_t)v;
	return 0;
}

/* {"value": N, "source": "..."} */
static int
read_number(struct sim_profile *p, const struct number *n, json_t *j, const char *file,
		struct sim_error *e)
{
	const char *key;
	json_t *v, *value, *source;

	if (!json_is_object(j))
		return sim_fail(e, EINVAL,
				"%s: %s.%s: must be {\"value\": %u to %u, \"source\": \"...\"}",
				file, n->section, n->key, n->min, n->max);
	json_object_foreach(j, key, v) {
		if (strcmp(key, "value") != 0 && strcmp(key, "source") != 0)
			return sim_fail(e, EINVAL,
					"%s: %s.%s: unknown key \"%.32s\": there are value and source",
					file, n->section, n->key, key);
	}
	value = json_object_get(j, "value");
	source = json_object_get(j, "source");
	if (!json_is_integer(value))
		return sim_fail(e, EINVAL, "%s: %s.%s: value must be an integer from %u to %u",
				file, n->section, n->key, n->min, n->max);
	if (json_string_length(source) == 0)
		return sim_fail(e, EINVAL,
				"%s: %s.%s: source must say where the number is from: a citation, "
				"\"calibrated: ...\" or \"assumed\"",
				file, n->section, n->key);
	return set_number(p, n, json_integer_value(value), file, e);
}

static int
read_section(struct sim_profile *p, const char *section, json_t *j, const char *file,
		struct sim_error *e)
{
	const char *key;
	json_t *v;

	if (!json_is_object(j))
		return sim_fail(e, EINVAL, "%s: %s: must be an object", file, section);
	json_object_foreach(j, key, v) {
		const struct number *n = find_number(section, key);
		int rc;

		if (n == NULL && strcmp(key, "comment") == 0 && json_is_string(v))
			continue;
		if (n == NULL)
			return sim_fail(e, EINVAL, "%s: %s.%.32s: unknown key", file, section, key);
		rc = read_number(p, n, v, file, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
read_name(struct sim_profile *p, json_t *j, const char *file, struct sim_error *e)
{
	const size_t n = json_string_length(j);

	if (n == 0 || n >= sizeof(p->name) || strlen(json_string_value(j)) != n)
		return sim_fail(e, EINVAL, "%s: name: must be a string of 1 to %zu bytes", file,
				sizeof(p->name) - 1);
	memset(p->name, 0, sizeof(p->name));
	memcpy(p->name, json_string_value(j), n);
	return 0;
}

static int
read_profile(struct sim_profile *p, json_t *root, const char *file, struct sim_error *e)
{
	const char *key;
	json_t *v;
	int rc = 0;

	if (!json_is_object(root))
		return sim_fail(e, EINVAL, "%s: must be an object of sections", file);
	json_object_foreach(root, key, v) {
		if (strcmp(key, "name") == 0)
			rc = read_name(p, v, file, e);
		else if (is_section(key))
			rc = read_section(p, key, v, file, e);
		else if ((strcmp(key, "comment") != 0 && strcmp(key, "$schema") != 0) ||
				!json_is_string(v))
			rc = sim_fail(e, EINVAL, "%s: %.32s: unknown section", file, key);
		if (rc != 0)
			return rc;
	}
	return check_together(p, file, e);
}

static int
parse(struct sim_profile *p, const char *text, size_t n, const char *file, struct sim_error *e)
{
	struct sim_profile new;
	json_error_t at;
	json_t *root;
	int rc;

	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at);
	if (root == NULL)
		return sim_fail(e, EINVAL, "%s:%d:%d: %s", file, at.line, at.column, at.text);
	sim_profile_ideal(&new);
	snprintf(new.name, sizeof(new.name), "%.63s", file);
	rc = read_profile(&new, root, file, e);
	json_decref(root);
	if (rc == 0)
		*p = new;
	return rc;
}

int
sim_profile_parse(struct sim_profile *p, const char *json, const char *name, struct sim_error *e)
{
	return parse(p, json, strlen(json), name, e);
}

static int
read_file(FILE *f, struct sim_profile *p, const char *path, struct sim_error *e)
{
	char *text = malloc(FILE_MAX_BYTES + 1);
	size_t n;
	int rc;

	if (text == NULL)
		return sim_fail(e, ENOMEM, "%s: no memory to read it", path);
	n = fread(text, 1, FILE_MAX_BYTES + 1, f);
	if (ferror(f))
		rc = sim_fail(e, EIO, "%s: cannot be read: %s", path, strerror(errno));
	else if (n > FILE_MAX_BYTES)
		rc = sim_fail(e, EFBIG, "%s: is larger than %u bytes", path, FILE_MAX_BYTES);
	else
		rc = parse(p, text, n, path, e);
	free(text);
	return rc;
}

/* -ENOENT says nothing yet: there may be another place. */
static int
load_path(struct sim_profile *p, const char *path, struct sim_error *e)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (f == NULL)
		return sim_fail(e, errno, "%s: %s", path, strerror(errno));
	rc = read_file(f, p, path, e);
	fclose(f);
	return rc;
}

static bool
is_path(const char *file)
{
	const size_t n = strlen(file);

	return strchr(file, '/') != NULL || (n >= 5 && strcmp(file + n - 5, ".json") == 0);
}

int
sim_profile_load(struct sim_profile *p, const char *file, struct sim_error *e)
{
	const char *dirs[] = { getenv("SHUNT_HWSIM_PROFILES"), SIM_PROFILE_DATA_DIR,
		SIM_PROFILE_SOURCE_DIR };
	char path[4096];

	if (strcmp(file, "ideal") == 0) {
		sim_profile_ideal(p);
		return 0;
	}
	if (is_path(file))
		return load_path(p, file, e);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		int rc;

		if (dirs[i] == NULL ||
				(size_t)snprintf(path, sizeof(path), "%s/%s.json", dirs[i], file) >=
						sizeof(path))
			continue;
		rc = load_path(p, path, e);
		if (rc != -ENOENT)
			return rc;
	}
	return sim_fail(e, ENOENT,
			"%.64s: no such profile; shipped are ideal, cx5, cx6 and 25g, others by path "
			"or in $SHUNT_HWSIM_PROFILES",
			file);
}

int
sim_profile_set(struct sim_profile *p, const char *assignment, struct sim_error *e)
{
	struct sim_profile new = *p;
	const char *dot = strchr(assignment, '.');
	const char *equals = strchr(assignment, '=');
	const struct number *n = NULL;
	char name[64];
	char *end;
	long long v;
	int rc;

	if (dot == NULL || equals == NULL || dot > equals ||
			(size_t)(equals - assignment) >= sizeof(name))
		return sim_fail(e, EINVAL, "%.64s: must be section.key=number", assignment);
	memcpy(name, assignment, (size_t)(equals - assignment));
	name[equals - assignment] = '\0';
	name[dot - assignment] = '\0';
	n = find_number(name, name + (dot - assignment) + 1);
	if (n == NULL)
		return sim_fail(e, EINVAL, "%.64s: unknown key", assignment);
	errno = 0;
	v = strtoll(equals + 1, &end, 10);
	if (equals[1] < '0' || equals[1] > '9' || *end != '\0' || errno != 0)
		return sim_fail(e, EINVAL, "%.64s: must be a number from %u to %u", assignment,
				n->min, n->max);
	rc = set_number(&new, n, v, p->name, e);
	if (rc == 0)
		rc = check_together(&new, p->name, e);
	if (rc == 0)
		*p = new;
	return rc;
}

sim_cycle
sim_profile_cycles(const struct sim_profile *p, uint64_t ns)
{
	const u128 c = ((u128)ns * p->clock_mhz + 999) / 1000;

	return c > UINT64_MAX ? SIM_NEVER : (sim_cycle)c;
}

uint64_t
sim_profile_ns(const struct sim_profile *p, sim_cycle cycles)
{
	const u128 ns = ((u128)cycles * 1000 + p->clock_mhz - 1) / p->clock_mhz;

	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}
