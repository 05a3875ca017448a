/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entry points: a file or a text in, a configuration or the list of its errors out. Read in one
 * pass over the sections (cfg_json.c and the tables), then checked across them (cfg_check.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "cfg_priv.h"

/* In the order of reading: what is referred to comes before what refers to it. */
#define ROOT struct cfg
static const struct cfg_key keys[] = {
	{ "ports", CFG_LIST, CFG_ITEMS(ROOT, ports, n_ports), .required = true, .min = 1,
			.max = CFG_PORTS_MAX, .section = &cfg_port_section },
	{ "routes", CFG_LIST, CFG_ITEMS(ROOT, routes, n_routes), .max = CFG_ROUTES_MAX,
			.section = &cfg_route_section },
	{ "neighbours", CFG_LIST, CFG_ITEMS(ROOT, neighbours, n_neighbours),
			.max = CFG_NEIGHBOURS_MAX, .section = &cfg_neighbour_section },
	{ "lcores", CFG_OBJECT, .section = &cfg_lcores_section }, /* its fields are struct cfg's */
	{ "tables", CFG_OBJECT, CFG_FIELD(ROOT, tables), .section = &cfg_tables_section },
	{ "zones", CFG_LIST, CFG_ITEMS(ROOT, zones, n_zones), .max = CFG_ZONES_MAX,
			.section = &cfg_zone_section },
	{ "l3", CFG_OBJECT, CFG_FIELD(ROOT, l3), .section = &cfg_l3_section },
	{ "events", CFG_OBJECT, CFG_FIELD(ROOT, events), .section = &cfg_events_section },
	{ "fragments", CFG_OBJECT, CFG_FIELD(ROOT, fragments), .section = &cfg_fragments_section },
	{ "services", CFG_LIST, CFG_ITEMS(ROOT, services, n_services), .max = CFG_SERVICES_MAX,
			.section = &cfg_service_section },
	{ "conntrack", CFG_OBJECT, CFG_FIELD(ROOT, conntrack), .section = &cfg_conntrack_section },
	{ "sets", CFG_LIST, CFG_ITEMS(ROOT, sets, n_sets), .max = CFG_SETS_MAX,
			.section = &cfg_set_section },
	{ "limits", CFG_LIST, CFG_ITEMS(ROOT, limits, n_limits), .max = CFG_LIMITS_MAX,
			.section = &cfg_limit_section },
	{ "classes", CFG_LIST, CFG_ITEMS(ROOT, classes, n_classes), .max = CFG_CLASSES_MAX,
			.section = &cfg_class_section },
	{ "rules", CFG_LIST, CFG_ITEMS(ROOT, rules, n_rules), .max = CFG_RULES_MAX,
			.section = &cfg_rule_section },
	{ "default-class", CFG_VALUE, CFG_FIELD(ROOT, default_class),
			.parse = cfg_parse_class_reference, .fallback = CFG_BUILTIN_CLASS },
};

const struct cfg_section cfg_root_section = { "configuration", keys, RTE_DIM(keys) };

/*
 * Put the built-in class in front of the file's, where nothing but the default and rules that name
 * it refer to it.
 */
static void
add_builtin_class(struct cfg_reader *r)
{
	struct cfg *cfg = r->cfg;
	struct cfg_class *all = cfg_alloc(r, cfg->n_classes + 1, sizeof(*all));
	unsigned int i;

	if (all == NULL)
		return;
	all[0] = (struct cfg_class){
		.name = CFG_BUILTIN_CLASS_NAME, .port = CFG_ANY_PORT, .queue = CFG_ANY_QUEUE
	};
	if (cfg->n_classes > 0)
		memcpy(&all[1], cfg->classes, cfg->n_classes * sizeof(*all));
	cfg->classes = all;
	cfg->n_classes++;
	cfg->default_class++; /* CFG_BUILTIN_CLASS + 1 = 0 in 16 bits */
	for (i = 0; i < cfg->n_rules; i++)
		cfg->rules[i].class_id++;
}
_Static_assert((uint16_t)(CFG_BUILTIN_CLASS + 1) == 0, "the built-in class comes before the first");

static struct cfg *
read_document(json_t *root, struct cfg_errors *errs)
{
	struct cfg_reader r = { .errs = errs, .root = root };

	r.cfg = calloc(1, sizeof(*r.cfg));
	if (r.cfg == NULL) {
		cfg_errors_add(errs, "", "out of memory");
		return NULL;
	}
	cfg_read(&r, NULL, root, &cfg_root_section, r.cfg);
	if (json_is_object(root))
		cfg_check(&r);
	if (cfg_errors_count(errs) == 0 && r.cfg->default_class == CFG_BUILTIN_CLASS)
		add_builtin_class(&r);
	cfg_index_free(&r.port_names);
	cfg_index_free(&r.service_names);
	cfg_index_free(&r.policy_names);
	cfg_index_free(&r.class_names);
	cfg_index_free(&r.set_names);
	if (cfg_errors_count(errs) > 0) {
		cfg_free(r.cfg);
		return NULL;
	}
	return r.cfg;
}

static void
start(struct cfg_errors *errs, const char *name)
{
	cfg_errors_free(errs);
	errs->name = strdup(name);
}

static struct cfg *
load_text(const char *text, size_t len, struct cfg_errors *errs)
{
	struct cfg *cfg = NULL;
	json_error_t error;
	char where[64];
	json_t *root;

	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (root != NULL) {
		cfg = read_document(root, errs);
		json_decref(root);
		return cfg;
	}
	snprintf(where, sizeof(where), "%d:%d", error.line, error.column);
	cfg_errors_add(errs, error.line > 0 ? where : "", error.text);
	return NULL;
}

struct cfg *
cfg_load_json(const char *text, size_t len, const char *name, struct cfg_errors *errs)
{
	start(errs, name);
	if (len > CFG_FILE_MAX) {
		cfg_errors_add(errs, "", "more than 64 MiB: expected less");
		return NULL;
	}
	return load_text(text, len, errs);
}

/* The file's bytes, to be freed, or NULL with errno. No more than max + 1 of them are read. */
static char *
read_file(const char *path, size_t max, size_t *len)
{
	size_t room = 1 << 16;
	char *text = NULL, *more;
	int error = 0;
	FILE *f;

	*len = 0;
	f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	do {
		room = RTE_MIN(2 * room, max + 1);
		more = realloc(text, room);
		if (more == NULL) {
			error = ENOMEM;
			break;
		}
		text = more;
		*len += fread(text + *len, 1, room - *len, f);
		if (ferror(f))
			error = errno;
	} while (error == 0 && *len == room && room <= max);
	fclose(f);
	if (error != 0) {
		free(text);
		errno = error;
		return NULL;
	}
	return text;
}

struct cfg *
cfg_load(const char *path, struct cfg_errors *errs)
{
	struct cfg *cfg;
	char message[256];
	size_t len;
	char *text;

	text = read_file(path, CFG_FILE_MAX, &len);
	if (text == NULL) {
		snprintf(message, sizeof(message), "cannot be read: %s", strerror(errno));
		start(errs, path);
		cfg_errors_add(errs, "", message);
		return NULL;
	}
	cfg = cfg_load_json(text, len, path, errs);
	free(text);
	return cfg;
}
