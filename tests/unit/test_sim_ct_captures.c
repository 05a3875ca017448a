/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator's connection unit on real conversations: what software does, the handshake, is done here, as rte_flow's
 * documentation of the action says; every segment behind it must be VALID, each connection that closes must be seen to, and the
 * same segments with numbers from elsewhere must not pass. Skips without the captures.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "hwsim/core/phv.h"
#include "hwsim/core/steer.h"

#define SKIP 77
#define FLOWS 1024

enum { F = 0x01, S = 0x02, R = 0x04, A = 0x10 };

/* Ones that lost nothing: an ACK of what was not captured acknowledges what was not seen to be sent. */
static const char *const captures[] = { "443-chrome.pcap", "443-curl.pcap", "443-firefox.pcap",
	"443-git.pcap", "ftp.pcap", "ftp-start-tls.pcap", "git.pcap", "imap-starttls.pcap",
	"imaps.pcap", "irc.pcap", "pop3.pcap", "pgsql.pcap", "rsync.pcap", "smtp.pcap", "ssh.pcap",
	"telnet.pcap", "tor.pcap", "websocket.pcap", "facebook.pcap" };

struct side {
	uint32_t isn;
	uint16_t window;
	uint8_t scale; /* 15: not offered */
	bool sack;
};

struct flow {
	uint8_t key[36]; /* addresses and ports of the original direction */
	struct side side[2];
	bool tracked;
	struct sim_ct ct;
};

struct total {
	uint32_t segments, valid, invalid, odd, closed, flows;
	uint32_t forged, caught;
};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
key_of(const struct sim_phv *phv, bool turned, uint8_t key[36])
{
	const bool v4 = (phv->layers[0] & SIM_L_IPV4) != 0;
	const uint8_t *ip = phv->level[0].ip + (v4 ? SIM_IP4_AT + 12 : 8);
	const uint32_t n = v4 ? 4 : 16;

	memset(key, 0, 36);
	memcpy(key, ip + (turned ? n : 0), n);
	memcpy(key + 16, ip + (turned ? 0 : n), n);
	memcpy(key + 32, phv->level[0].l4 + (turned ? 2 : 0), 2);
	memcpy(key + 34, phv->level[0].l4 + (turned ? 0 : 2), 2);
}

static struct flow *
find(struct flow *flows, uint32_t n, const struct sim_phv *phv, bool *reply)
{
	uint8_t key[36];

	for (uint32_t turned = 0; turned < 2; turned++) {
		key_of(phv, turned, key);
		for (uint32_t i = n; i-- > 0;) {
			*reply = turned;
			if (memcmp(flows[i].key, key, sizeof(key)) == 0)
				return &flows[i];
		}
	}
	return NULL;
}

static void
offer(struct side *s, const uint8_t *tcp)
{
	const uint32_t header = (tcp[12] >> 4) * 4u;

	*s = (struct side){ get32(tcp + 4), (uint16_t)(tcp[14] << 8 | tcp[15]), 15, false };
	for (uint32_t i = 20; i < header && tcp[i] != 0;) {
		if (tcp[i] == 3)
			s->scale = tcp[i + 2];
		s->sack = s->sack || tcp[i] == 4;
		i += tcp[i] == 1 || tcp[i + 1] < 2 ? 1 : tcp[i + 1];
	}
}

/* SYN and SYN-ACK have been seen: what an application puts into the action. */
static void
handshake_done(struct flow *f)
{
	const bool scaled = f->side[0].scale != 15 && f->side[1].scale != 15;

	f->tracked = true;
	f->ct = (struct sim_ct){ .enable = true,
		.phase = SIM_CT_SYN_RECV,
		.selective_ack = f->side[0].sack && f->side[1].sack,
		.max_ack_window = 7 };
	for (uint32_t i = 0; i < 2; i++) {
		const struct side *s = &f->side[i], *r = &f->side[!i];

		f->ct.dir[i] = (struct sim_ct_dir){ .scale = scaled ? s->scale : 15,
			.sent_end = s->isn + 1,
			.reply_end = s->isn + 1 + r->window,
			.max_win = s->window,
			.max_ack = i ? r->isn + 1 : 0 };
	}
}

/* Somebody who does not see the connection guesses. */
static void
forge(struct total *t, const struct flow *f, bool reply, const uint8_t *tcp, uint32_t payload)
{
	struct sim_ct ct = f->ct;
	uint8_t copy[60];
	const uint32_t header = (tcp[12] >> 4) * 4u;

	memcpy(copy, tcp, header);
	copy[4] ^= 0x40;
	t->forged++;
	t->caught += sim_ct_track(&ct, reply, copy, (uint16_t)header, payload) == SIM_CT_INVALID;
}

static void
segment(struct total *t, struct flow *f, bool reply, const uint8_t *tcp, uint32_t payload)
{
	const uint8_t flags = tcp[13];
	const uint8_t before = f->ct.phase;
	uint8_t state;

	if (!f->tracked) {
		if (reply && (flags & (S | A | R)) == (S | A)) {
			offer(&f->side[1], tcp);
			handshake_done(f);
		}
		return;
	}
	if (flags & S)
		return; /* sent again, or a new one with the same ports: software's */
	forge(t, f, reply, tcp, payload);
	t->segments++;
	state = sim_ct_track(&f->ct, reply, tcp, (uint16_t)((tcp[12] >> 4) * 4), payload);
	if (state & SIM_CT_VALID) {
		t->valid++;
		t->closed += f->ct.phase == SIM_CT_TIME_WAIT && before != SIM_CT_TIME_WAIT;
	} else if (state == SIM_CT_INVALID) {
		t->invalid++;
		printf("flow %u: invalid: flags %x seq %u ack %u payload %u phase %u\n", t->flows,
				flags, get32(tcp + 4), get32(tcp + 8), payload, f->ct.phase);
	} else {
		t->odd++;
	}
}

static void
replay(struct total *t, pcap_t *pcap)
{
	struct flow *flows = calloc(FLOWS, sizeof(*flows));
	struct pcap_pkthdr *header;
	const u_char *data;
	uint32_t n = 0;

	while (flows != NULL && pcap_next_ex(pcap, &header, &data) == 1) {
		struct sim_phv phv = { 0 };
		struct sim_offsets off;
		const uint8_t *tcp;
		struct flow *f;
		uint32_t end;
		bool reply;

		sim_parse(data, (uint16_t)header->caplen, header->len, 0, &phv, &off);
		if (!(phv.layers[0] & SIM_L_TCP) || (phv.layers[0] & SIM_L_FRAG))
			continue;
		tcp = data + off.l4[0];
		end = off.l3[0] +
				(phv.layers[0] & SIM_L_IPV4 ? (uint32_t)data[off.l3[0] + 2] << 8 |
										data[off.l3[0] + 3]
							    : 40u + (data[off.l3[0] + 4] << 8 | data[off.l3[0] + 5]));
		if (off.l4[0] + (tcp[12] >> 4) * 4u > header->caplen || end > header->len)
			continue;
		f = find(flows, n, &phv, &reply);
		if ((tcp[13] & (S | A)) == S && n < FLOWS &&
				(f == NULL || get32(tcp + 4) != f->side[0].isn)) {
			f = &flows[n++];
			key_of(&phv, false, f->key);
			offer(&f->side[0], tcp);
		} else if (f != NULL) {
			segment(t, f, reply, tcp, end - off.payload);
		}
	}
	for (uint32_t i = 0; i < n; i++)
		t->flows += flows[i].tracked;
	free(flows);
}

int
main(void)
{
	const char *shared = getenv("SHUNT_SHARED"), *source = getenv("SHUNT_SOURCE_DIR");
	char folder[3000];
	struct total t = { 0 };
	char path[4096];

	snprintf(folder, sizeof(folder), "%.2000s%s/captures/pcap",
			shared != NULL			 ? shared
					: source != NULL ? source
							 : ".",
			shared != NULL ? "" : "/../shared");
	if (access(folder, R_OK) != 0) {
		puts("no captures in $SHUNT_SHARED or beside the source tree");
		return SKIP;
	}
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		char error[PCAP_ERRBUF_SIZE];
		const uint32_t before = t.invalid + t.odd;
		pcap_t *pcap;

		snprintf(path, sizeof(path), "%s/%s", folder, captures[i]);
		pcap = pcap_open_offline(path, error);
		if (pcap == NULL)
			continue;
		if (pcap_datalink(pcap) == DLT_EN10MB)
			replay(&t, pcap);
		pcap_close(pcap);
		if (t.invalid + t.odd != before)
			printf("%s: %u\n", captures[i], t.invalid + t.odd - before);
	}
	printf("%u connections, %u segments: %u valid, %u invalid, %u otherwise; %u closed; %u of %u forged caught\n",
			t.flows, t.segments, t.valid, t.invalid, t.odd, t.closed, t.caught,
			t.forged);
	/* Nothing judged is nothing shown. */
	return t.invalid + t.odd != 0 || t.segments < 1000 || t.closed < 10 || t.forged < 1000 ||
			t.caught != t.forged;
}
