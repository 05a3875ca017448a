/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How show.c's JSON looks to people. Reads nothing but that JSON, so that the two cannot disagree. Control lcore.
 */
#include <inttypes.h>

#include "dp_priv.h"

static uint64_t
get(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static void
cell_number(struct ctl_table *t, uint64_t v)
{
	char buf[32];

	ctl_table_cell(t, "%s", ctl_thousands(v, buf));
}

static void
row(struct ctl_table *t, const char *name, uint64_t packets, const json_t *bytes)
{
	char buf[32];

	ctl_table_cell(t, "%s", name);
	cell_number(t, packets);
	ctl_table_cell(t, "%s", bytes == NULL ? "-" : ctl_thousands(get(bytes, "bytes"), buf));
}

/* Columns of text, then packets and bytes. */
static struct ctl_table *
packets_table(const char *title, const char *const columns[], size_t n_columns)
{
	struct ctl_table *t = ctl_table_create(title);

	for (size_t i = 0; i < n_columns; i++)
		ctl_table_column(t, columns[i], false);
	ctl_table_column(t, "packets", true);
	ctl_table_column(t, "bytes", true);
	return t;
}

static void
print_and_destroy(struct ctl_table *t, FILE *out)
{
	ctl_table_print(t, out);
	ctl_table_destroy(t);
}

/* Where the packets went: "in" is the sum of the lines to "dropped", "out" of both "forwarded" and "made". */
static void
packets_text(FILE *out, const json_t *r)
{
	const json_t *rx = json_object_get(r, "rx"), *tx = json_object_get(r, "tx");
	const json_t *fast = json_object_get(r, "forwarded_fast"),
		     *slow = json_object_get(r, "forwarded_slow");
	struct ctl_table *t =
			packets_table("Packets (in and out: bytes of frames; forwarded: IP bytes)",
					(const char *const[]){ "" }, 1);

	row(t, "in", get(rx, "packets"), rx);
	row(t, "forwarded, fast path", get(fast, "packets"), fast);
	row(t, "forwarded, slow path", get(slow, "packets"), slow);
	row(t, "to shunt itself", get(r, "local"), NULL);
	row(t, "held for a neighbour", get(r, "held"), NULL);
	row(t, "waiting for other fragments", get(r, "fragments_waiting"), NULL);
	row(t, "merged with other fragments", get(r, "merged"), NULL);
	row(t, "dropped", get(r, "dropped"), NULL);
	row(t, "made by shunt", get(r, "made"), NULL);
	row(t, "out", get(tx, "packets"), tx);
	print_and_destroy(t, out);
	fprintf(out, "Fast-path share of what was forwarded: %.1f %%\n",
			100 * json_real_value(json_object_get(r, "fast_share")));
	if (get(r, "reassembled") + get(r, "fragmented") != 0)
		fprintf(out,
				"Fragments: %" PRIu64 " packets put together, %" PRIu64
				" sent as %" PRIu64 " fragments\n",
				get(r, "reassembled"), get(r, "fragmented"),
				get(r, "fragments_made"));
	fputc('\n', out);
}

static void
cookies_text(FILE *out, const json_t *c)
{
	char sent[32], valid[32], refused[32];

	if (get(c, "sent") != 0)
		fprintf(out, "SYN cookies: %s; %s sent, %s came back, %s wrong\n",
				json_string_value(json_object_get(c, "state")),
				ctl_thousands(get(c, "sent"), sent),
				ctl_thousands(get(c, "valid"), valid),
				ctl_thousands(get(c, "refused"), refused));
}

static void
connections_text(FILE *out, const json_t *r)
{
	struct ctl_table *t = packets_table("Packets by state of their connection (IP bytes)",
			(const char *const[]){ "state" }, 1);
	const json_t *ct = json_object_get(r, "conntrack"), *v;
	char now_buf[32], max[32], opened[32], expired[32];
	const char *key;

	json_object_foreach(json_object_get((json_t *)(uintptr_t)r, "states"), key, v)
		row(t, key, get(v, "packets"), v);
	print_and_destroy(t, out);
	fprintf(out, "Connections: %s now, room for %s; %s opened, %s expired\n",
			ctl_thousands(get(ct, "connections"), now_buf),
			ctl_thousands(get(ct, "connections_max"), max),
			ctl_thousands(get(ct, "opened"), opened),
			ctl_thousands(get(ct, "expired"), expired));
	if (get(ct, "full") + get(ct, "unplaced") + get(ct, "early_dropped") +
					get(ct, "zone_limited") !=
			0)
		fprintf(out,
				"Room: %" PRIu64 " closed early, refused: %" PRIu64
				" by a full table, %" PRIu64 " by full buckets, %" PRIu64
				" by the limit of a zone\n",
				get(ct, "early_dropped"), get(ct, "full"), get(ct, "unplaced"),
				get(ct, "zone_limited"));
	cookies_text(out, json_object_get(r, "syn_cookies"));
	json_object_foreach(json_object_get((json_t *)(uintptr_t)r, "tunnels"), key, v)
		if (get(v, "connections") != 0)
			fprintf(out,
					"%s: %" PRIu64 " connections, first packets carry %" PRIu64
					" of %" PRIu64 " bytes inside\n",
					key, get(v, "connections"), get(v, "inner_bytes"),
					get(v, "outer_bytes"));
}

/* Of cycles with packets only: polling in vain is not work. */
static void
speed_text(FILE *out, const json_t *r)
{
	static const struct {
		const char *name, *key;
	} roles[] = {
		{ "worker, of packets received", "cycles_per_packet" },
		{ "control, of packets handed over", "control_cycles_per_packet" },
	};
	double hz = (double)get(r, "tsc_hz");
	struct ctl_table *t = ctl_table_create("Speed of one lcore in this run");

	ctl_table_column(t, "", false);
	ctl_table_column(t, "cycles a packet", true);
	ctl_table_column(t, "Mpps", true);
	for (size_t i = 0; i < RTE_DIM(roles); i++) {
		double cycles = json_real_value(json_object_get(r, roles[i].key));

		if (cycles <= 0)
			continue;
		ctl_table_cell(t, "%s", roles[i].name);
		ctl_table_cell(t, "%.0f", cycles);
		ctl_table_cell(t, "%.2f", hz / cycles / 1e6);
	}
	print_and_destroy(t, out);
}

void
show_stats_text(FILE *out, const json_t *r)
{
	packets_text(out, r);
	connections_text(out, r);
	fputc('\n', out);
	speed_text(out, r);
}

void
show_drops_text(FILE *out, const json_t *r)
{
	const json_t *drops = json_object_get(r, "drops");
	struct ctl_table *t;
	json_t *v;
	size_t i;

	if (json_array_size(drops) == 0) {
		fprintf(out, "Dropped packets: none\n");
		return;
	}
	t = ctl_table_create("Dropped packets by reason");
	ctl_table_column(t, "reason", false);
	ctl_table_column(t, "packets", true);
	ctl_table_column(t, "meaning", false);
	json_array_foreach(drops, i, v) {
		ctl_table_cell(t, "%s", json_string_value(json_object_get(v, "reason")));
		cell_number(t, get(v, "packets"));
		ctl_table_cell(t, "%s", json_string_value(json_object_get(v, "meaning")));
	}
	print_and_destroy(t, out);
}

static void
queue_row(struct ctl_table *t, const char *port, const json_t *q)
{
	json_t *name;
	size_t i;
	char names[256] = "";

	if (get(q, "packets") == 0)
		return;
	json_array_foreach(json_object_get(q, "classes"), i, name)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				i > 0 ? ", " : "", json_string_value(name));
	ctl_table_cell(t, "%s", port);
	cell_number(t, get(q, "queue"));
	ctl_table_cell(t, "%s", i > 0 ? names : "-");
	cell_number(t, get(q, "packets"));
	cell_number(t, get(q, "bytes"));
}

void
show_ports_text(FILE *out, const json_t *r)
{
	static const char *const names[] = { "name", "device", "role", "mac" };
	struct ctl_table *t = packets_table(
			"Ports: what came in (bytes of frames)", names, RTE_DIM(names));
	json_t *p, *q;
	size_t i, j;

	json_array_foreach(json_object_get(r, "ports"), i, p) {
		for (j = 0; j < RTE_DIM(names); j++)
			ctl_table_cell(t, "%s", json_string_value(json_object_get(p, names[j])));
		cell_number(t, get(p, "rx_packets"));
		cell_number(t, get(p, "rx_bytes"));
	}
	print_and_destroy(t, out);
	fputc('\n', out);
	t = packets_table(
			"Ports: what went out, by queue (bytes of frames; queues without packets left out)",
			(const char *const[]){ "port", "queue", "classes steered to it" }, 3);
	json_array_foreach(json_object_get(r, "ports"), i, p)
		json_array_foreach(json_object_get(p, "queues"), j, q)
			queue_row(t, json_string_value(json_object_get(p, "name")), q);
	print_and_destroy(t, out);
}

void
show_clear_text(FILE *out, const json_t *r)
{
	(void)r;
	fprintf(out, "statistics start from zero\n");
}
