/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace: for the last packets that entered, in which unit they were from which cycle on. Units add stamps while they run;
 * sim_nic_trace() writes them as text or as JSON lines. Under the NIC's lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic_priv.h"

/* Stamps kept of a packet; those beyond are counted only. */
#define STAMPS 96u
/* A line of text or JSON: that of a packet with all of its stamps. */
#define LINE_MAX_BYTES (STAMPS * 96u + 256u)

struct record {
	uint64_t seq; /* and 1; 0: empty */
	uint16_t port;
	uint8_t from_host;
	uint32_t len;
	uint32_t n, lost;
	struct sim_stamp stamp[STAMPS];
};

struct sim_trace {
	uint32_t size;
	struct record record[];
};

static const char *const whats[] = {
	[SIM_STAMP_IN] = "in",
	[SIM_STAMP_START] = "start",
	[SIM_STAMP_HIT] = "hit",
	[SIM_STAMP_MISS] = "miss",
	[SIM_STAMP_OUT] = "out",
	[SIM_STAMP_DROP] = "drop",
};

static const char *const drops[] = {
#define X(NAME, name, text) #name,
	SIM_DROPS(X)
#undef X
};

int
sim_trace_create(struct sim_nic *nic, uint32_t packets)
{
	if (packets == 0)
		return 0;
	nic->trace = calloc(1, sizeof(*nic->trace) + packets * sizeof(struct record));
	if (nic->trace == NULL)
		return -ENOMEM;
	nic->trace->size = packets;
	return 0;
}

void
sim_trace_free(struct sim_trace *t)
{
	free(t);
}

void
sim_trace_add(struct sim_trace *t, const struct sim_frame *f, const struct sim_stamp *s)
{
	struct record *r = &t->record[f->seq % t->size];

	if (r->seq > f->seq + 1)
		return; /* a later packet has its place */
	if (r->seq != f->seq + 1) {
		r->seq = f->seq + 1;
		r->n = 0;
		r->lost = 0;
		r->port = f->pkt.port;
		r->from_host = f->pkt.from_host;
		r->len = f->pkt.frame_len;
	}
	if (r->n < STAMPS)
		r->stamp[r->n++] = *s;
	else
		r->lost++;
}

struct text {
	char *at;
	size_t left;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, t->left, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < t->left) {
		t->at += n;
		t->left -= (size_t)n;
	}
}

static const char *
unit_name(const struct sim_nic *nic, uint8_t unit)
{
	struct sim_unit_stats s;

	return sim_nic_unit(nic, unit, &s) && s.name != NULL ? s.name : "?";
}

static void
put_text(const struct sim_nic *nic, struct text *t, const struct record *r)
{
	uint32_t i;

	put(t, "#%" PRIu64 " port %u %s %u B:", r->seq - 1, r->port, r->from_host ? "host" : "wire",
			r->len);
	for (i = 0; i < r->n; i++) {
		const struct sim_stamp *s = &r->stamp[i];

		put(t, " %s", unit_name(nic, s->unit));
		if (s->what == SIM_STAMP_DROP)
			put(t, " drop(%s)", s->arg < SIM_DROP_COUNT ? drops[s->arg] : "?");
		else if (s->what == SIM_STAMP_HIT || s->what == SIM_STAMP_MISS)
			put(t, " %s(%u)", whats[s->what], s->line);
		else
			put(t, " %s", whats[s->what]);
		put(t, "@%" PRIu64, s->at);
	}
	if (r->lost > 0)
		put(t, " and %u more", r->lost);
	put(t, "\n");
}

static void
put_json(const struct sim_nic *nic, struct text *t, const struct record *r)
{
	uint32_t i;

	put(t,
			"{\"packet\":%" PRIu64
			",\"port\":%u,\"from\":\"%s\",\"bytes\":%u,\"lost\":%u,\"stamps\":[",
			r->seq - 1, r->port, r->from_host ? "host" : "wire", r->len, r->lost);
	for (i = 0; i < r->n; i++) {
		const struct sim_stamp *s = &r->stamp[i];

		put(t, "%s{\"unit\":\"%s\",\"what\":\"%s\",\"cycle\":%" PRIu64, i > 0 ? "," : "",
				unit_name(nic, s->unit), whats[s->what], s->at);
		if (s->what == SIM_STAMP_DROP)
			put(t, ",\"reason\":\"%s\"", s->arg < SIM_DROP_COUNT ? drops[s->arg] : "?");
		else if (s->line != 0)
			put(t, ",\"line\":%u", s->line);
		put(t, "}");
	}
	put(t, "]}\n");
}

void
sim_nic_trace(const struct sim_nic *nic, bool json, void (*write)(void *arg, const char *text),
		void *arg)
{
	const struct sim_trace *t = nic->trace;
	uint64_t seq;
	char *line;

	if (t == NULL)
		return;
	line = malloc(LINE_MAX_BYTES);
	if (line == NULL)
		return;
	for (seq = nic->seq > t->size ? nic->seq - t->size : 0; seq < nic->seq; seq++) {
		const struct record *r = &t->record[seq % t->size];
		struct text text = { .at = line, .left = LINE_MAX_BYTES };

		if (r->seq != seq + 1)
			continue;
		if (json)
			put_json(nic, &text, r);
		else
			put_text(nic, &text, r);
		write(arg, line);
	}
	free(line);
}
