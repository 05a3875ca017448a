/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections as text, made from their JSON: a table, and lines in the manner of `conntrack -L -o extended`.
 * docs/operations.md says where they differ from conntrack's.
 *
 * Control lcore only.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "control/ctl.h"

#include "ctl_priv.h"

/* ---- table ---- */

static void
endpoints_cell(struct ctl_table *t, const json_t *flow)
{
	const char *src = ctl_string_of(flow, "src"), *dst = ctl_string_of(flow, "dst");

	if (json_object_get(flow, "type") != NULL)
		ctl_table_cell(t, "%s > %s type %" PRIu64 " id %" PRIu64, src, dst,
				ctl_uint_of(flow, "type"), ctl_uint_of(flow, "id"));
	else if (json_object_get(flow, "key") != NULL)
		ctl_table_cell(t, "%s > %s key 0x%08" PRIx64, src, dst, ctl_uint_of(flow, "key"));
	else if (json_object_get(flow, "id") != NULL)
		ctl_table_cell(t, "%s > %s id %" PRIu64, src, dst, ctl_uint_of(flow, "id"));
	else if (json_object_get(flow, "sport") == NULL)
		ctl_table_cell(t, "%s > %s", src, dst);
	else if (strchr(src, ':') != NULL)
		ctl_table_cell(t, "[%s]:%" PRIu64 " > [%s]:%" PRIu64, src,
				ctl_uint_of(flow, "sport"), dst, ctl_uint_of(flow, "dport"));
	else
		ctl_table_cell(t, "%s:%" PRIu64 " > %s:%" PRIu64, src, ctl_uint_of(flow, "sport"),
				dst, ctl_uint_of(flow, "dport"));
}

struct ctl_table *
ctl_connections_table(void)
{
	struct ctl_table *t = ctl_table_create("connections");

	ctl_table_column(t, "id", true);
	ctl_table_column(t, "proto", false);
	ctl_table_column(t, "state", false);
	ctl_table_column(t, "original", false);
	ctl_table_column(t, "reply", false);
	ctl_table_column(t, "packets", true);
	ctl_table_column(t, "bytes", true);
	ctl_table_column(t, "packets back", true);
	ctl_table_column(t, "bytes back", true);
	ctl_table_column(t, "expires", true);
	ctl_table_column(t, "worker", true);
	ctl_table_column(t, "path", false);
	ctl_table_column(t, "class", false);
	ctl_table_column(t, "service", false);
	return t;
}

void
ctl_connections_row(struct ctl_table *t, const json_t *c)
{
	const json_t *original = json_object_get(c, "original");
	const json_t *reply = json_object_get(c, "reply");
	const char *tracker = json_string_value(json_object_get(c, "tracker_state"));

	ctl_table_cell(t, "%" PRIu64, ctl_uint_of(c, "id"));
	ctl_table_cell(t, "%s", ctl_string_of(c, "protocol"));
	ctl_table_cell(t, "%s", tracker != NULL ? tracker : ctl_string_of(c, "state"));
	endpoints_cell(t, original);
	endpoints_cell(t, reply);
	ctl_thousands_cell(t, ctl_uint_of(original, "packets"));
	ctl_thousands_cell(t, ctl_uint_of(original, "bytes"));
	ctl_thousands_cell(t, ctl_uint_of(reply, "packets"));
	ctl_thousands_cell(t, ctl_uint_of(reply, "bytes"));
	ctl_table_cell(t, "%" PRIu64 " s", ctl_uint_of(c, "expires"));
	ctl_table_cell(t, "%" PRIu64, ctl_uint_of(c, "owner"));
	ctl_table_cell(t, "%s", json_is_true(json_object_get(c, "fast")) ? "fast" : "slow");
	ctl_table_cell(t, "%s", ctl_string_of(c, "class"));
	ctl_table_cell(t, "%s", ctl_string_of(c, "service"));
}

/* ---- conntrack's manner ---- */

static const char *
number_of(const json_t *o, const char *key, char buf[32])
{
	snprintf(buf, 32, "%" PRIu64, ctl_uint_of(o, key));
	return buf;
}

static void
print_direction(FILE *out, const json_t *d)
{
	char a[32], b[32], c[32];

	fprintf(out, "src=%s dst=%s ", ctl_string_of(d, "src"), ctl_string_of(d, "dst"));
	if (json_object_get(d, "type") != NULL)
		fprintf(out, "type=%s code=%s id=%s ", number_of(d, "type", a),
				number_of(d, "code", b), number_of(d, "id", c));
	else if (json_object_get(d, "key") != NULL)
		fprintf(out, "key=0x%" PRIx64 " ", ctl_uint_of(d, "key"));
	else if (json_object_get(d, "id") != NULL)
		fprintf(out, "id=%s ", number_of(d, "id", a));
	else if (json_object_get(d, "sport") != NULL)
		fprintf(out, "sport=%s dport=%s ", number_of(d, "sport", a),
				number_of(d, "dport", b));
	fprintf(out, "packets=%s bytes=%s ", number_of(d, "packets", a), number_of(d, "bytes", b));
}

static bool
seen_reply(const json_t *c)
{
	const json_t *bit;
	size_t i;

	json_array_foreach(json_object_get(c, "status"), i, bit) {
		if (strcmp(json_string_value(bit), "seen_reply") == 0)
			return true;
	}
	return false;
}

void
ctl_connection_line(FILE *out, const json_t *c)
{
	const char *tracker = json_string_value(json_object_get(c, "tracker_state"));
	const char *protocol = ctl_string_of(c, "protocol");
	int number = 0;
	json_t *error = NULL;

	if (ctl_parse_protocol(protocol, &number, &error) != 0)
		json_decref(error);
	if (number & CTL_PROTOCOL_PSEUDO) /* what the packets carry */
		number = number == (CTL_PROTOCOL_PSEUDO | FLOW_PROTO_ANY) ? 0 : IPPROTO_UDP;
	if (strspn(protocol, "0123456789") == strlen(protocol))
		protocol = "unknown";
	fprintf(out, "%-8s %u %-8s %d %" PRIu64 " ",
			ctl_uint_of(c, "family") == 6 ? "ipv6" : "ipv4",
			ctl_uint_of(c, "family") == 6 ? 10 : 2, protocol, number,
			ctl_uint_of(c, "expires"));
	if (tracker != NULL)
		fprintf(out, "%s ", tracker);
	print_direction(out, json_object_get(c, "original"));
	if (!seen_reply(c))
		fputs("[UNREPLIED] ", out);
	print_direction(out, json_object_get(c, "reply"));
	if (json_is_true(json_object_get(c, "assured")))
		fputs("[ASSURED] ", out);
	fprintf(out, "mark=%" PRIu64 " zone=%" PRIu64 " use=1 id=%" PRIu64 "\n",
			ctl_uint_of(c, "mark"), ctl_uint_of(c, "zone"), ctl_uint_of(c, "id"));
}
