/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share. A section of the configuration (an object: a port, a rule,
 * the timeouts) is a table of keys, and one reader, cfg_read, walks any table; a file a noun holds
 * the tables and the parsers of the values that are special to it. What spans sections is checked
 * last, in cfg_check.c.
 *
 * A value that is refused leaves a mark that later checks step over, so that one mistake gives one
 * message: counts and numbers 0, names NULL, families 0, references CFG_BAD_REFERENCE.
 */
#ifndef CONFIG_CFG_PRIV_H
#define CONFIG_CFG_PRIV_H

#include <stddef.h>

#include <jansson.h>

#include "config/cfg.h"

/* ---- errors (cfg_errors.c) ------------------------------------------------------------------- */

/*
 * Place of a value in the document: the way up to the root, on the stacks of the callers. NULL is
 * the root.
 */
struct cfg_at {
	const struct cfg_at *up;
	const char *key; /* NULL: element `index` of an array */
	size_t index;
};

struct cfg_reader;

/* The JSON pointer to `at`; returns buf. */
#define CFG_POINTER_MAX 256
const char *
cfg_pointer(const struct cfg_at *at, char buf[CFG_POINTER_MAX]);

/* Notes an error about the value at `at`. */
void
cfg_error(struct cfg_reader *r, const struct cfg_at *at, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));

/* The same about `key` (NULL: the whole item) of item i of a list at the top of the document. */
void
cfg_error_item(struct cfg_reader *r, const char *list, size_t i, const char *key, const char *fmt,
		...) __attribute__((format(printf, 5, 6)));

/* An error without a place in a JSON document: `where` is used as it is. */
void
cfg_errors_add(struct cfg_errors *errs, const char *where, const char *message);

static inline unsigned int
cfg_errors_count(const struct cfg_errors *errs)
{
	return errs->n + errs->more;
}

/*
 * A value as messages show it: numbers and strings themselves (long ones cut), else what kind it
 * is.
 */
#define CFG_SHOWN_MAX 80
const char *
cfg_show(json_t *v, char buf[CFG_SHOWN_MAX]);

/* "found V, expected EXPECTED" */
void
cfg_found(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const char *expected);

/* ---- sorted indices (cfg_index.c) ------------------------------------------------------------ */

/* Items by a key of fixed size: finds one, or all duplicates, without comparing each with each. */
struct cfg_index {
	uint8_t *entries; /* key and number, big endian: as bytes they compare like both */
	size_t key_size;
	unsigned int n;
	unsigned int room;
};

/* False when memory is out; an error is noted. */
bool
cfg_index_init(struct cfg_reader *r, struct cfg_index *x, size_t key_size, unsigned int room);
void
cfg_index_free(struct cfg_index *x);
void
cfg_index_add(struct cfg_index *x, const void *key, uint32_t item);
void
cfg_index_sort(struct cfg_index *x); /* after the last add, before the first find */

/* The first item with this key, or -ENOENT. */
int64_t
cfg_index_find(const struct cfg_index *x, const void *key);

/*
 * Notes an error for every item of the list whose key an earlier one has, at its member `member`
 * (NULL: at the item): "the same WHAT as /list/FIRST".
 */
void
cfg_index_duplicates(const struct cfg_index *x, struct cfg_reader *r, const struct cfg_at *list,
		const char *member, const char *what);

/* ---- reading (cfg_json.c) -------------------------------------------------------------------- */

#define CFG_BAD_REFERENCE (UINT16_MAX - 1)

struct cfg_reader {
	struct cfg *cfg;
	struct cfg_errors *errs;
	json_t *root;
	struct cfg_index port_names; /* made when the first reference is looked up: */
	struct cfg_index service_names;
	struct cfg_index policy_names;
	struct cfg_index class_names; /* the list is complete then */
	struct cfg_index set_names;
};

enum cfg_type { CFG_BOOL, CFG_UINT, CFG_ENUM, CFG_OBJECT, CFG_LIST, CFG_VALUE };

struct cfg_word { /* a word that a key may have, and what it stands for */
	const char *word;
	uint32_t value;
};

/* Reads one value of a special kind into its field, or notes an error and leaves a mark. */
typedef void (*cfg_parse)(struct cfg_reader *r, const struct cfg_at *at, json_t *v, void *field);

struct cfg_section;

struct cfg_key {
	const char *name;
	enum cfg_type type;
	bool required;
	size_t offset; /* of the field; LIST: of the pointer to the items */
	size_t size;
	size_t has;   /* offset of a bool that says that the key was there; 0 = none */
	size_t count; /* LIST: offset of the unsigned int with the number of items */
	size_t item_size;
	uint32_t min, max; /* UINT: range; LIST: how many */
	uint32_t fallback; /* when the key is not there: BOOL, UINT, ENUM; VALUE of 1, 2, 4 bytes */
	const struct cfg_word *words;	   /* ENUM: ends with a NULL word */
	const struct cfg_section *section; /* OBJECT, LIST of objects */
	cfg_parse parse;		   /* VALUE, LIST of values */
	const char *expected;		   /* VALUE: in words */
};

struct cfg_section {
	const char *name; /* of its definition in config/schema.json */
	const struct cfg_key *keys;
	unsigned int n_keys;
	void (*init)(void *object); /* defaults that the table cannot say; may be NULL */
	/*
	 * What concerns several keys of one object; `good`: each was good by itself. May be NULL.
	 */
	void (*check)(struct cfg_reader *r, const struct cfg_at *at, void *object, bool good);
};

#define CFG_FIELD(T, f) .offset = offsetof(T, f), .size = sizeof(((T *)0)->f)
#define CFG_ITEMS(T, f, n) \
	CFG_FIELD(T, f), .count = offsetof(T, n), .item_size = sizeof(*((T *)0)->f)

/* Every object may have a "comment" that nobody reads. */
#define CFG_COMMENT "comment"

/* Read object v (NULL: all defaults) into *object, which is zeroed memory. */
void
cfg_read(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		const struct cfg_section *section, void *object);

/* Memory that lives as long as the configuration, zeroed. NULL: an error is noted. */
void *
cfg_alloc(struct cfg_reader *r, size_t n, size_t size);

/* v as a string, or NULL: an error is noted. */
const char *
cfg_string(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const char *expected);

/* v, a string, as one of the words; false: an error is noted. */
bool
cfg_enum(struct cfg_reader *r, const struct cfg_at *at, json_t *v, const struct cfg_word *words,
		uint32_t *out);

/* ---- names and references (cfg_names.c) ------------------------------------------------------ */

/* The candidate that `word` looks like, or NULL. Looks at the first 64 only. */
const char *
cfg_similar(const char *word, const char *(*candidate)(const void *list, unsigned int i),
		const void *list, unsigned int n);

/* Parsers of values that several sections have; `field` is what the comment says. */
void
cfg_parse_name(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* const char * */
void
cfg_parse_port_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* uint16_t */
void
cfg_parse_class_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* uint16_t */
void
cfg_parse_service_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* uint16_t */
void
cfg_parse_policy_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* uint16_t: 1 + its index */

void
cfg_parse_service_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* uint16_t */
void
cfg_parse_set_reference(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* uint16_t */

/* Names that are taken twice, or are the built-in class's. */
void
cfg_check_names(struct cfg_reader *r);

extern const char cfg_name_expected[];

/* What cfg_parse_class_reference gives for the built-in class, which is in no list. */
#define CFG_BUILTIN_CLASS UINT16_MAX
#define CFG_BUILTIN_CLASS_NAME "default"

/* ---- addresses (cfg_address.c) --------------------------------------------------------------- */

/* 0, or -EINVAL. */
int
cfg_address_from(const char *text, uint8_t *family, struct flow_addr *out);
int
cfg_prefix_from(const char *text, struct cfg_prefix *out); /* host bits are kept */

#define CFG_PREFIX_STRLEN 56
const char *
cfg_address_str(uint8_t family, const struct flow_addr *a, char buf[CFG_PREFIX_STRLEN]);
const char *
cfg_prefix_str(const struct cfg_prefix *p, char buf[CFG_PREFIX_STRLEN]);

/* The prefix with its host bits cleared. */
struct cfg_prefix
cfg_network(const struct cfg_prefix *p);
bool
cfg_prefix_covers(const struct cfg_prefix *p, uint8_t family, const struct flow_addr *a);
bool
cfg_link_local(uint8_t family, const struct flow_addr *a);

/* What an address is that no host has for its own, in words, or NULL. */
const char *
cfg_not_unicast(uint8_t family, const struct flow_addr *a);

/* Text as a unicast address; false: an error is noted. */
bool
cfg_unicast(struct cfg_reader *r, const struct cfg_at *at, json_t *v, uint8_t *family,
		struct flow_addr *out);

/*
 * Pairs of hexadecimal digits, with `separator` between them unless it is 0; how many, or -EINVAL.
 */
int
cfg_hex_from(const char *text, char separator, uint8_t *out, unsigned int max);

extern const char cfg_address_expected[];
extern const char cfg_prefix_expected[];
extern const char cfg_mac_expected[];

void
cfg_parse_network(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* struct cfg_prefix */
void
cfg_parse_mac(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* rte_ether_addr */

/* ---- what "rules" and the rules of "conntrack" share (cfg_classes.c) ---------------------------- */

void
cfg_parse_range(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* struct cfg_range */
void
cfg_parse_protocol(struct cfg_reader *r, const struct cfg_at *at, json_t *v,
		void *field); /* uint8_t */
void
cfg_init_match(struct cfg_rule *rule);
void
cfg_check_match(struct cfg_reader *r, const struct cfg_at *at, struct cfg_rule *rule);

/* ---- sections -------------------------------------------------------------------------------- */

extern const struct cfg_section cfg_root_section; /* cfg.c */
extern const struct cfg_section cfg_port_section;
extern const struct cfg_section cfg_route_section;
extern const struct cfg_section cfg_neighbour_section;
extern const struct cfg_section cfg_lcores_section;
extern const struct cfg_section cfg_tables_section;
extern const struct cfg_section cfg_conntrack_section;
extern const struct cfg_section cfg_timeouts_section;
extern const struct cfg_section cfg_zone_section;
extern const struct cfg_section cfg_timeout_policy_section; /* cfg_ctrules.c */
extern const struct cfg_section cfg_ct_rule_section;
extern const struct cfg_section cfg_syn_cookies_section;
extern const struct cfg_section cfg_l3_section;
extern const struct cfg_section cfg_events_section; /* cfg_events.c */
extern const struct cfg_section cfg_fragments_section;
extern const struct cfg_section cfg_service_section;
extern const struct cfg_section cfg_backend_section;
extern const struct cfg_section cfg_class_section;
extern const struct cfg_section cfg_rule_section;
extern const struct cfg_section cfg_set_section; /* cfg_limits.c */
extern const struct cfg_section cfg_limit_section;

extern const struct cfg_word cfg_verdicts[];

/* Zones that are listed twice (cfg_zones.c). */
void
cfg_check_zones(struct cfg_reader *r);
/* Timeouts that a policy leaves out (cfg_ctrules.c). */
void
cfg_complete_policies(struct cfg_reader *r);
/* What depends on the size of the table (cfg_cookies.c). */
void
cfg_check_syn_cookies(struct cfg *cfg);
/* What waits at most, out of the buffers that there are (cfg_fragments.c). */
void
cfg_check_fragments(struct cfg_reader *r);

/* ---- across sections (cfg_check.c) ----------------------------------------------------------- */

/* Duplicates, loops and dangling references; fills in what is derived from other sections. */
void
cfg_check(struct cfg_reader *r);

#endif /* CONFIG_CFG_PRIV_H */
