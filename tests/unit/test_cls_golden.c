/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layer 7 parsers over real captures, against what tshark sees in them (../shared/captures, or
 * captures/ under $SHUNT_SHARED). Each TCP and UDP payload is parsed by itself. Asked: where tshark
 * has a server name or a QUIC connection id and the field lies in that one packet, do we have the
 * same; and what do we call QUIC that tshark does not (at most one UDP packet in a thousand). Skips
 * when there are no captures.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>
#include <pcap/pcap.h>
#include <rte_common.h>

#include "classifier/cls.h"

#define MIN_PERCENT 95
#define FRAMES_MAX 65536 /* golden lines name frames by number; more than any capture has */

struct expect {
	char *sni;  /* as tshark has it */
	char *dcid; /* in hex */
};

struct totals {
	unsigned int tcp, sni, sni_agree, sni_elsewhere, sni_extra;
	unsigned int dcid, dcid_agree;
	unsigned int udp, extra, extra_google;
};

struct view {
	const uint8_t *p;
	uint32_t len;
	uint8_t proto;
};

/* ---- frames ---- */

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool
cut(struct view *v, uint32_t n)
{
	if (n > v->len)
		return false;
	v->p += n;
	v->len -= n;
	return true;
}

static bool
ethertype(struct view *v, uint16_t type)
{
	while (type == 0x8100 || type == 0x88a8) {
		if (v->len < 4)
			return false;
		type = be16(v->p + 2);
		cut(v, 4);
	}
	return type == 0x0800 || type == 0x86dd;
}

/* Leaves the IP packet. */
static bool
strip_link(struct view *v, int link)
{
	uint16_t type;

	switch (link) {
	case DLT_EN10MB:
		type = v->len >= 14 ? be16(v->p + 12) : 0;
		return cut(v, 14) && ethertype(v, type);
	case DLT_LINUX_SLL:
		type = v->len >= 16 ? be16(v->p + 14) : 0;
		return cut(v, 16) && ethertype(v, type);
	case DLT_PPP:
		if (v->len >= 2 && be16(v->p) == 0xff03)
			cut(v, 2);
		type = v->len >= 2 ? be16(v->p) : 0;
		return cut(v, 2) && (type == 0x0021 || type == 0x0057);
	case DLT_NULL:
		return cut(v, 4);
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return true;
	default:
		return false;
	}
}

/* Leaves the transport packet, out of IP in IP as well. No fragments, no extension headers. */
static bool
strip_ip(struct view *v)
{
	uint32_t header, total;

	if (v->len >= 20 && v->p[0] >> 4 == 4) {
		header = (v->p[0] & 15u) * 4;
		total = be16(v->p + 2);
		v->proto = v->p[9];
		if ((be16(v->p + 6) & 0x3fff) != 0 || header < 20)
			return false;
	} else if (v->len >= 40 && v->p[0] >> 4 == 6) {
		header = 40;
		total = 40u + be16(v->p + 4);
		v->proto = v->p[6];
	} else {
		return false;
	}
	if (total >= header)
		v->len = RTE_MIN(v->len, total);
	if (!cut(v, header))
		return false;
	return v->proto == IPPROTO_IPIP || v->proto == IPPROTO_IPV6 ? strip_ip(v) : true;
}

/* Leaves the payload of a TCP or UDP packet. */
static bool
strip_transport(struct view *v)
{
	if (v->proto == IPPROTO_TCP)
		return v->len >= 20 && v->p[12] >> 4 >= 5 && cut(v, (v->p[12] >> 4) * 4u);
	if (v->proto == IPPROTO_UDP)
		return cut(v, 8);
	return false;
}

/* ---- golden ---- */

/* tshark joins several values of a field by '|': the first is that of the first packet. */
static char *
first_value(const json_t *line, const char *field)
{
	const char *s = json_string_value(json_object_get(line, field));

	return s != NULL ? strndup(s, strcspn(s, "|")) : NULL;
}

static void
golden_line(struct expect *frames, const json_t *line)
{
	const char *n = json_string_value(json_object_get(line, "frame.number"));
	unsigned long number = n != NULL ? strtoul(n, NULL, 10) : 0;
	struct expect *e = &frames[number < FRAMES_MAX ? number : 0];

	if (json_object_get(line, "tcp.srcport") != NULL && e->sni == NULL)
		e->sni = first_value(line, "tls.handshake.extensions_server_name");
	if (json_object_get(line, "udp.srcport") != NULL && e->dcid == NULL)
		e->dcid = first_value(line, "quic.dcid");
}

static void
golden_read(struct expect *frames, const char *path)
{
	FILE *file = fopen(path, "r");
	json_t *line;

	if (file == NULL) /* nothing of interest in this capture */
		return;
	while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		golden_line(frames, line);
		json_decref(line);
	}
	fclose(file);
}

static void
golden_forget(struct expect *frames)
{
	unsigned int i;

	for (i = 0; i < FRAMES_MAX; i++) {
		free(frames[i].sni);
		free(frames[i].dcid);
		frames[i] = (struct expect){ 0 };
	}
}

/* ---- comparison ---- */

static const char *
result_name(enum cls_l7_result r)
{
	static const char *const names[] = { "found", "absent", "more" };

	return names[r];
}

/*
 * tshark names the frame in which a message ends. What it reassembled is not in this packet: then
 * the payload begins with something else than a handshake record, or the name is not all there.
 */
static bool
sni_is_here(const struct view *v, const char *sni)
{
	return v->len > 0 && v->p[0] == 22 && memmem(v->p, v->len, sni, strlen(sni)) != NULL;
}

static void
compare_sni(struct totals *t, const struct view *v, const char *sni, const char *where)
{
	struct cls_l7 l7;
	enum cls_l7_result r = cls_l7_parse(v->proto, v->p, v->len, &l7);

	t->tcp++;
	if (sni == NULL) {
		t->sni_extra += r == CLS_L7_FOUND;
		if (r == CLS_L7_FOUND)
			printf("%s: %s: a name to us only\n", where, l7.value);
		return;
	}
	if (!sni_is_here(v, sni)) {
		t->sni_elsewhere++;
		printf("%s: %s: in several segments (%s)\n", where, sni, result_name(r));
		return;
	}
	t->sni++;
	if (r == CLS_L7_FOUND && strcasecmp((const char *)l7.value, sni) == 0)
		t->sni_agree++;
	else
		printf("%s: %s: MISSED: %s %s\n", where, sni, result_name(r), l7.value);
}

static void
print_hex(char *to, size_t size, const uint8_t *b, uint32_t len)
{
	uint32_t i;

	to[0] = '\0';
	for (i = 0; i < len && 2 * i + 2 < size; i++)
		snprintf(to + 2 * i, 3, "%02x", b[i]);
}

static void
compare_dcid(struct totals *t, const struct view *v, const char *dcid, const char *where)
{
	char hex[2 * CLS_L7_MAX + 1];
	struct cls_l7 l7;
	enum cls_l7_result r = cls_l7_parse(v->proto, v->p, v->len, &l7);

	t->udp++;
	print_hex(hex, sizeof(hex), l7.value, l7.len);
	if (dcid != NULL) {
		t->dcid++;
		if (r == CLS_L7_FOUND && strcmp(hex, dcid) == 0)
			t->dcid_agree++;
		else
			printf("%s: %s: MISSED: %s %s\n", where, dcid, result_name(r), hex);
	} else if (r == CLS_L7_FOUND) {
		/* tshark has another dissector for Google's own versions, golden does not list them. */
		bool google = (v->p[0] & 0x80 ? v->p[1] : v->p[9]) == 'Q';

		t->extra++;
		t->extra_google += google;
		printf("%s: %s: QUIC to us only%s\n", where, hex, google ? " (Google's)" : "");
	}
}

static void
compare_frame(struct totals *t, struct view v, int link, const struct expect *e, const char *where)
{
	if (!strip_link(&v, link) || !strip_ip(&v) || !strip_transport(&v)) {
		if (e->sni != NULL || e->dcid != NULL)
			printf("%s: %s: tunnelled, fragmented or of another link\n", where,
					e->sni != NULL ? e->sni : e->dcid);
		return;
	}
	if (v.proto == IPPROTO_UDP)
		compare_dcid(t, &v, e->dcid, where);
	else
		compare_sni(t, &v, e->sni, where);
}

static void
compare_capture(struct totals *t, const char *pcap_path, const char *name, struct expect *frames)
{
	char error[PCAP_ERRBUF_SIZE], where[NAME_MAX + 16];
	pcap_t *pcap = pcap_open_offline(pcap_path, error);
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	unsigned int number = 0;

	if (pcap == NULL) {
		printf("%s: %s\n", name, error);
		return;
	}
	while (pcap_next_ex(pcap, &header, &bytes) == 1 && ++number < FRAMES_MAX) {
		const struct view v = { .p = bytes, .len = header->caplen };

		snprintf(where, sizeof(where), "%s:%u", name, number);
		compare_frame(t, v, pcap_datalink(pcap), &frames[number], where);
	}
	pcap_close(pcap);
}

/* golden/X.pcap.jsonl belongs to pcap/X.pcap. */
static void
compare_all(struct totals *t, DIR *dir, const char *captures, struct expect *frames)
{
	struct dirent *d;

	while ((d = readdir(dir)) != NULL) {
		char pcap_path[PATH_MAX], golden_path[PATH_MAX];

		if (d->d_name[0] == '.')
			continue;
		snprintf(pcap_path, sizeof(pcap_path), "%s/pcap/%s", captures, d->d_name);
		snprintf(golden_path, sizeof(golden_path), "%s/golden/%s.jsonl", captures,
				d->d_name);
		golden_read(frames, golden_path);
		compare_capture(t, pcap_path, d->d_name, frames);
		golden_forget(frames);
	}
}

static bool
enough(const char *what, unsigned int agree, unsigned int of)
{
	printf("%s: %u of %u agree\n", what, agree, of);
	return of > 0 && agree * 100 >= of * MIN_PERCENT;
}

int
main(void)
{
	const char *shared = getenv("SHUNT_SHARED"), *source = getenv("SHUNT_SOURCE_DIR");
	static struct expect frames[FRAMES_MAX];
	char captures[PATH_MAX - NAME_MAX - 32], pcaps[PATH_MAX];
	struct totals t = { 0 };
	bool ok;
	DIR *dir;

	if (shared != NULL)
		snprintf(captures, sizeof(captures), "%s/captures", shared);
	else
		snprintf(captures, sizeof(captures), "%s/../shared/captures",
				source != NULL ? source : ".");
	snprintf(pcaps, sizeof(pcaps), "%s/pcap", captures);
	dir = opendir(pcaps);
	if (dir == NULL) {
		printf("skipped, no captures: %s: %s\n", pcaps, strerror(errno));
		return 77;
	}
	compare_all(&t, dir, captures, frames);
	closedir(dir);

	ok = enough("TLS server names in one packet", t.sni_agree, t.sni);
	printf("TCP packets: %u; names in several segments: %u, to us only: %u\n", t.tcp,
			t.sni_elsewhere, t.sni_extra);
	ok &= enough("QUIC connection ids", t.dcid_agree, t.dcid);
	printf("UDP packets: %u; QUIC to us only: %u, of these Google's versions %u\n", t.udp,
			t.extra, t.extra_google);
	ok &= (t.extra - t.extra_google) * 1000 <= t.udp;
	return ok ? 0 : 1;
}
