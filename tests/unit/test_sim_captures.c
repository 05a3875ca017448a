/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator's parser against tshark, frame by frame, on captures of real and of broken traffic: which headers are there,
 * their addresses and ports, what is inside of a tunnel, and which checksums are right. Skips without the captures, or
 * without tshark.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "hwsim/core/phv.h"

#define SKIP 77

static const char *const captures[] = { "4in4tunnel.pcap", "6in4tunnel.pcap", "badpackets.pcap",
	"dns_fragmented.pcap", "esp.pcapng", "gre.pcapng", "gtp_prime.pcapng", "ipv6_in_gtp.pcap",
	"ipsec_isakmp_esp.pcap", "malformed_icmp.pcap", "malformed_dns.pcap", "sctp.cap",
	"icmp-tunnel.pcap", "hsrp2_ipv6.pcapng", "fuzz-2006-06-26-2594.pcap",
	"fuzz-2006-09-29-28586.pcap", "KakaoTalk_talk.pcap", "pptp.pcap", "synscan.pcap",
	"1kxun.pcap", "quic_frags_different_dcid.pcapng", "ossfuzz_seed_fake_traces_1.pcapng",
	"teredo.pcap", "ospfv2_add_new_prefix.pcap" };

/* Columns of what tshark prints. */
enum column {
	NUMBER,
	PROTOCOLS,
	IP_SRC,
	IP_DST,
	IP_SUM,
	IP6_SRC,
	IP6_DST,
	TCP_SRC,
	TCP_DST,
	TCP_SUM,
	UDP_SRC,
	UDP_DST,
	UDP_SUM,
	SCTP_SRC,
	SCTP_SUM,
	COLUMNS
};
static const char fields[] =
		"-e frame.number -e frame.protocols -e ip.src -e ip.dst "
		"-e ip.checksum.status -e ipv6.src -e ipv6.dst -e tcp.srcport -e tcp.dstport "
		"-e tcp.checksum.status -e udp.srcport -e udp.dstport -e udp.checksum.status "
		"-e sctp.srcport -e sctp.checksum.status";

struct judge {
	const char *name;
	char *column[COLUMNS];
	struct sim_phv phv;
	struct sim_offsets off;
	bool whole;
	uint32_t compared, tunnels, sums, bad;
};

static void
wrong(struct judge *j, const char *what)
{
	if (j->bad++ < 20)
		printf("%s: frame %s: %s; %s; layers %x %x\n", j->name, j->column[NUMBER], what,
				j->column[PROTOCOLS], j->phv.layers[0], j->phv.layers[1]);
}

/* The n-th of several values; "" if there are not as many. */
static const char *
value(const struct judge *j, enum column c, uint32_t n, char out[64])
{
	const char *at = j->column[c];

	for (; n > 0 && at != NULL; n--) {
		at = strchr(at, ',');
		at = at == NULL ? NULL : at + 1;
	}
	snprintf(out, 64, "%.*s", at == NULL ? 0 : (int)strcspn(at, ","), at == NULL ? "" : at);
	return out;
}

static bool
address_is(const char *text, const uint8_t *bytes, int family)
{
	char own[INET6_ADDRSTRLEN];

	inet_ntop(family, bytes, own, sizeof(own));
	return strcmp(own, text) == 0;
}

static void
judge_addresses(struct judge *j, uint32_t level, uint32_t n)
{
	const uint8_t *ip = j->phv.level[level].ip;
	const bool v4 = (j->phv.layers[level] & SIM_L_IPV4) != 0;
	char src[64], dst[64];

	value(j, v4 ? IP_SRC : IP6_SRC, n, src);
	value(j, v4 ? IP_DST : IP6_DST, n, dst);
	if (!address_is(src, v4 ? ip + SIM_IP4_AT + 12 : ip + 8, v4 ? AF_INET : AF_INET6) ||
			!address_is(dst, v4 ? ip + SIM_IP4_AT + 16 : ip + 24,
					v4 ? AF_INET : AF_INET6))
		wrong(j, level ? "inner addresses" : "addresses");
}

/* tshark: 0 bad, 1 good, 2 not verified, 3 none. */
static void
judge_sum(struct judge *j, enum column c, uint32_t bit, const char *what)
{
	char status[64];

	value(j, c, 0, status);
	if (status[0] != '0' && status[0] != '1')
		return;
	j->sums++;
	if (((j->phv.integrity[0] & bit) != 0) != (status[0] == '1'))
		wrong(j, what);
}

static void
judge_port(struct judge *j, enum column c, uint32_t at)
{
	const uint8_t *h = j->phv.level[0].l4 + at;
	char text[64];

	if (atoi(value(j, c, 0, text)) != (h[0] << 8 | h[1]))
		wrong(j, "port");
}

static bool
is(const char *token, const char *name)
{
	const size_t n = strlen(name);

	return token != NULL && strncmp(token, name, n) == 0 &&
			(token[n] == ':' || token[n] == '\0');
}

static const char *
after(const char *token)
{
	const char *colon = token == NULL ? NULL : strchr(token, ':');

	return colon == NULL ? NULL : colon + 1;
}

/* Layer 4 as tshark names it, behind the outer IP header. */
static void
judge_l4(struct judge *j, const char *token)
{
	const uint32_t layers = j->phv.layers[0];
	/* Where IP says that there is more than the frame has, tshark sums what UDP says, and the parser does not. */
	const bool whole = j->whole && !(layers & SIM_L_FRAG) &&
			(j->phv.integrity[0] & SIM_I_L3_LEN_OK);

	if ((layers & SIM_L_TCP) && is(token, "tcp")) {
		judge_port(j, TCP_SRC, 0);
		judge_port(j, TCP_DST, 2);
		if (whole)
			judge_sum(j, TCP_SUM, SIM_I_L4_CSUM_OK, "TCP checksum");
	} else if ((layers & SIM_L_UDP) && (is(token, "udp") || is(token, "udplite"))) {
		judge_port(j, UDP_SRC, 0);
		judge_port(j, UDP_DST, 2);
		if (whole)
			judge_sum(j, UDP_SUM, SIM_I_L4_CSUM_OK, "UDP checksum");
	} else if ((layers & SIM_L_SCTP) && is(token, "sctp")) {
		judge_port(j, SCTP_SRC, 0);
		if (whole)
			judge_sum(j, SCTP_SUM, SIM_I_L4_CSUM_OK, "SCTP checksum");
	} else if ((layers & SIM_L_TCP) != 0 || (layers & SIM_L_SCTP) != 0) {
		wrong(j, "layer 4 that is not there");
	} else if ((layers & SIM_L_UDP) && !is(token, "udp")) {
		wrong(j, "UDP that is not there");
	} else if ((is(token, "tcp") && j->column[TCP_SUM][0] != '\0') ||
			(is(token, "udp") && j->column[UDP_SUM][0] != '\0')) {
		/* tshark read as far as the checksum. */
		wrong(j, "layer 4 not found");
	}
}

/* What tshark found inside of a tunnel that the parser knows. */
static void
judge_inner(struct judge *j, const char *token)
{
	const uint32_t inner = j->phv.layers[1] & (SIM_L_IPV4 | SIM_L_IPV6);
	const bool outer_v4 = (j->phv.layers[0] & SIM_L_IPV4) != 0;
	bool there;

	if (is(token, "udp") && is(after(token), "gtp"))
		token = after(after(token));
	else if (is(token, "gre"))
		token = after(token);
	there = is(token, "ip") || is(token, "ipv6");
	if (!inner && !there)
		return;
	if (!inner != !there) {
		wrong(j, inner ? "inner packet that is not there" : "no inner packet");
		return;
	}
	j->tunnels++;
	judge_addresses(j, 1, outer_v4 == ((inner & SIM_L_IPV4) != 0));
}

static void
judge_frame(struct judge *j)
{
	const char *token = j->column[PROTOCOLS];
	const uint32_t ip = j->phv.layers[0] & (SIM_L_IPV4 | SIM_L_IPV6);
	char src[64];

	while (token != NULL && (is(token, "eth") || is(token, "ethertype") || is(token, "vlan")))
		token = after(token);
	value(j, is(token, "ip") ? IP_SRC : IP6_SRC, 0, src);
	if ((is(token, "ip") || is(token, "ipv6")) && src[0] != '\0') {
		if (ip != (is(token, "ip") ? SIM_L_IPV4 : SIM_L_IPV6)) {
			wrong(j, "no IP");
			return;
		}
	} else {
		/* LLC/SNAP and the like are none of the parser's. */
		return;
	}
	j->compared++;
	judge_addresses(j, 0, 0);
	if (ip == SIM_L_IPV4)
		judge_sum(j, IP_SUM, SIM_I_IPV4_CSUM_OK, "IPv4 checksum");
	do
		token = after(token);
	while (token != NULL && (strncmp(token, "ipv6.", 5) == 0 || is(token, "ah")));
	judge_l4(j, token);
	judge_inner(j, token);
}

static bool
next_line(FILE *f, struct judge *j, char *line, size_t size)
{
	char *at = line;

	if (fgets(line, (int)size, f) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	for (uint32_t i = 0; i < COLUMNS; i++) {
		j->column[i] = at == NULL ? line + strlen(line) : at;
		if (at == NULL)
			continue;
		at = strchr(at, '\t');
		if (at != NULL)
			*at++ = '\0';
	}
	return true;
}

static FILE *
tshark(const char *path)
{
	char command[8192];

	snprintf(command, sizeof(command),
			"tshark -n -r '%s' -T fields -E occurrence=a -E aggregator=, -o ip.defragment:FALSE "
			"-o ipv6.defragment:FALSE -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE "
			"-o udp.check_checksum:TRUE -o sctp.checksum:TRUE %s 2>/dev/null",
			path, fields);
	return popen(command, "r");
}

static void
judge_capture(struct judge *j, const char *path)
{
	static char line[1 << 16];
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, error);
	struct pcap_pkthdr *header;
	const u_char *data;
	FILE *f;

	if (pcap == NULL || pcap_datalink(pcap) != DLT_EN10MB) {
		if (pcap != NULL)
			pcap_close(pcap);
		return;
	}
	f = tshark(path);
	while (f != NULL && pcap_next_ex(pcap, &header, &data) == 1 &&
			next_line(f, j, line, sizeof(line))) {
		uint8_t *copy = malloc(header->caplen + 1);

		memcpy(copy, data, header->caplen);
		memset(&j->phv, 0, sizeof(j->phv));
		j->whole = header->caplen == header->len;
		sim_parse(copy, (uint16_t)header->caplen, header->len, SIM_PARSE_INTEGRITY, &j->phv,
				&j->off);
		judge_frame(j);
		free(copy);
	}
	if (f != NULL)
		pclose(f);
	pcap_close(pcap);
}

int
main(void)
{
	const char *shared = getenv("SHUNT_SHARED"), *source = getenv("SHUNT_SOURCE_DIR");
	char folder[3000];
	struct judge j = { .name = "" };
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
	if (system("tshark --version > /dev/null 2>&1") != 0) {
		puts("no tshark");
		return SKIP;
	}
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		j.name = captures[i];
		snprintf(path, sizeof(path), "%s/%s", folder, captures[i]);
		judge_capture(&j, path);
	}
	printf("%u frames compared, %u tunnels, %u checksums: %u differ\n", j.compared, j.tunnels,
			j.sums, j.bad);
	/* Nothing compared is nothing shown. */
	return j.bad != 0 || j.compared < 1000 || j.tunnels < 10 || j.sums < 1000;
}
