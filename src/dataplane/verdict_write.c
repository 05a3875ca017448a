/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes verdict lines (verdict.h). By hand and not through a JSON tree: a replay writes millions,
 * most of each is the frame in hex, and the order of the keys is fixed.
 *
 * Called by replay, on the control lcore.
 */
#include <errno.h>
#include <inttypes.h>

#include "conntrack/ct.h"
#include "verdict.h"

/*
 * RFC 8259 section 7. Names may hold anything that the configuration allows; bytes from 0x80 on are
 * its UTF-8.
 */
static void
put_string(FILE *f, const char *s)
{
	if (s == NULL) {
		fputs("null", f);
		return;
	}
	putc_unlocked('"', f);
	for (; *s != '\0'; s++) {
		unsigned char b = (unsigned char)*s;

		if (b == '"' || b == '\\')
			fprintf(f, "\\%c", b);
		else if (b < ' ')
			fprintf(f, "\\u%04x", b);
		else
			putc_unlocked(b, f);
	}
	putc_unlocked('"', f);
}

static void
put_hex(FILE *f, const uint8_t *data, uint32_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[1024];
	uint32_t i, n = 0;

	for (i = 0; i < len; i++) {
		text[n++] = digits[data[i] >> 4];
		text[n++] = digits[data[i] & 15];
		if (n == sizeof(text)) {
			fwrite(text, n, 1, f);
			n = 0;
		}
	}
	fwrite(text, n, 1, f);
}

static void
put_member(FILE *f, const char *key, const char *value)
{
	fprintf(f, ", \"%s\": ", key);
	put_string(f, value);
}

static void
put_out(FILE *f, const struct verdict_out *o)
{
	fputs("{\"port\": ", f);
	put_string(f, o->port);
	fprintf(f, ", \"queue\": %u, \"frame\": \"", o->queue);
	put_hex(f, o->frame, o->len);
	fputs("\"}", f);
}

static void
put_flags(FILE *f, uint8_t flags)
{
	const char *name, *before = "";
	uint8_t flag;

	fputs(", \"flags\": [", f);
	for (unsigned int i = 0; (name = ct_flag_name(i, &flag)) != NULL; i++) {
		if ((flags & flag) == 0)
			continue;
		fputs(before, f);
		put_string(f, name);
		before = ", ";
	}
	fputs("]", f);
}

int
verdict_write(FILE *f, const struct verdict *v)
{
	unsigned int i;

	fprintf(f, "{\"n\": %" PRIu64, v->n);
	put_member(f, "port", v->port);
	put_member(f, "state", v->state);
	put_member(f, "dir", v->dir);
	put_flags(f, v->flags);
	if (v->tcp != NULL)
		put_member(f, "tcp", v->tcp);
	if (v->sctp != NULL)
		put_member(f, "sctp", v->sctp);
	if (v->dccp != NULL)
		put_member(f, "dccp", v->dccp);
	put_member(f, "verdict", v->verdict);
	put_member(f, "reason", v->reason);
	put_member(f, "class", v->class);
	put_member(f, "path", v->path);
	fputs(", \"out\": [", f);
	for (i = 0; i < v->n_out; i++) {
		if (i > 0)
			fputs(", ", f);
		put_out(f, &v->out[i]);
	}
	fputs("]}\n", f);
	return ferror(f) ? -EIO : 0;
}
