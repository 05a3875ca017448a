/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trackers against Linux's nf_conntrack: captures, and what the kernel said about every packet
 * of them. Only what trackers decide: state, direction, TCP state and how long the connection is
 * kept; the rest (ICMP errors, checksums, bytes) is tested by replay. The captures are those in
 * tests/replay/kernel, for several settings, and more beside the source directory if they are there.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include <jansson.h>
#include <pcap/pcap.h>

#include "test_ct.h"

#define ETHER_LEN 14

struct said {
	enum ct_state state;
	int dir; /* enum flow_dir, -1 = none */
	char tcp[32];
	int timeout; /* seconds left; -1: no connection, or not said */
};

/* Services of the nat_dnat captures: where, and whereto. */
static const struct {
	uint8_t proto;
	uint16_t port;
	uint16_t to_port;
} dnat[] = {
	{ IPPROTO_TCP, 80, 8080 },
	{ IPPROTO_UDP, 53, 5353 },
};
#define DNAT_ADDR 0x0c006363u	 /* 12.0.99.99 */
#define DNAT_TO_ADDR 0x0c000050u /* 12.0.0.80 */

static uint32_t
be(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/*
 * An IPv4 packet's tuple and transport part. False: not for the trackers (ICMP errors, parser's
 * business).
 */
static bool
parse(const uint8_t *ip, uint32_t len, struct flow_tuple *tuple, struct ct_packet *pkt)
{
	uint32_t header = (ip[0] & 15) * 4, total = be(ip + 2, 2);
	const uint8_t *l4 = ip + header;
	uint8_t proto = ip[9];
	uint16_t sport = 0, dport = 0;

	if (len < 20 || ip[0] >> 4 != 4 || total > len || total < header)
		return false;
	pkt->l4 = l4;
	pkt->l4_len = pkt->l4_avail = total - header;
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (pkt->l4_len < 8)
			return false;
		sport = be(l4, 2);
		dport = be(l4 + 2, 2);
		break;
	case IPPROTO_ICMP:
		if (pkt->l4_len < 8 || (l4[0] >= 3 && l4[0] <= 5) || l4[0] == 11 || l4[0] == 12)
			return false;
		sport = be(l4 + 4, 2);
		dport = be(l4, 2);
		break;
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE: /* broken in these captures, which the parser sees */
		return false;
	default:
		break;
	}
	*tuple = tuple4(proto, be(ip + 12, 4), sport, be(ip + 16, 4), dport);
	return true;
}

/* The reply's tuple, translated where the captures' router did. */
static struct flow_tuple
expect_reply(const struct flow_tuple *t, bool nat)
{
	struct flow_tuple r = reply_of(t);
	unsigned int i;

	for (i = 0; nat && i < RTE_DIM(dnat); i++) {
		if (t->key.proto == dnat[i].proto && be(t->dst.b, 4) == DNAT_ADDR &&
				rte_be_to_cpu_16(t->key.dport) == dnat[i].port)
			return tuple4(t->key.proto, DNAT_TO_ADDR, dnat[i].to_port, be(t->src.b, 4),
					rte_be_to_cpu_16(t->key.sport));
	}
	return r;
}

static void
say_tcp(const struct ct_table *t, uint32_t id, struct said *s)
{
	const struct ct_conn *c = &ct_conns(t)[id >> 1];

	snprintf(s->tcp, sizeof(s->tcp), "%s%s", ct_tcp_state_name(c->tcp.state),
			c->status & CT_S_ASSURED ? " ASSURED" : "");
}

/* What the session code does around the trackers, without policy. */
static void
run_packet(struct ct_table *t, const struct flow_tuple *tuple, const struct ct_packet *pkt,
		bool nat, struct said *s)
{
	uint32_t id = ct_find(t, tuple), conn;
	struct ct_verdict v = { .reopen = id == FLOW_NONE };

	*s = (struct said){ CT_STATE_INVALID, -1, "NONE", -1 };
	if (id != FLOW_NONE) {
		ct_track(t, id >> 1, id & 1, pkt, &v);
		if (v.reopen)
			ct_close(t, id >> 1);
	}
	if (v.reopen) {
		struct flow_tuple reply;

		if (ct_may_open(t, tuple, pkt) != DROP_NONE)
			return;
		reply = expect_reply(tuple, nat);
		if (ct_open(t, tuple, &reply, 0, pkt, &conn) != 0)
			return; /* wrong, unless the kernel found it invalid as well */
		id = ct_flow_id(conn, FLOW_ORIGINAL);
		ct_track(t, conn, FLOW_ORIGINAL, pkt, &v);
	}
	s->state = v.state;
	if (v.state != CT_STATE_INVALID)
		s->dir = id & 1;
	if (v.close) {
		ct_close(t, id >> 1);
	} else {
		s->timeout = (int)ct_expires_in(t, id >> 1, pkt->now);
		if (tuple->key.proto == IPPROTO_TCP)
			say_tcp(t, id, s);
	}
	ct_reclaim(t, NULL, 1);
}

static const char *
state_text(enum ct_state s)
{
	return s == CT_STATE_NEW ? "new" : s == CT_STATE_ESTABLISHED ? "established" : "invalid";
}

static const char *
dir_text(int dir)
{
	return dir < 0 ? "none" : dir == FLOW_ORIGINAL ? "original" : "reply";
}

/* The kernel had other settings: the directory's name says which. */
static struct ct_table *
table_of(const char *dir, struct rte_rcu_qsbr *rcu)
{
	const char *name = strrchr(dir, '/') + 1;
	struct ct_params p = table_params(4096, 0, rcu);
	struct ct_table *t;

	p.tcp_loose = strcmp(name, "loose0") != 0;
	p.tcp_liberal = strcmp(name, "liberal1") == 0;
	p.tcp_ignore_invalid_rst = strcmp(name, "invalid_rst") == 0;
	t = ct_create(&p);
	assert_non_null(t);
	return t;
}

/* Both are cut to seconds, at moments that are not quite the same. */
static bool
time_agrees(int kernel, int here)
{
	return kernel < 0 || here < 0 || abs(kernel - here) <= 1;
}

/* Returns the number of packets that were judged otherwise. */
static unsigned int
run_capture(const char *dir, const char *name, unsigned int *judged)
{
	char path[512], error[PCAP_ERRBUF_SIZE], line[70000];
	struct rte_rcu_qsbr *rcu = rcu_create(1);
	struct ct_table *t = table_of(dir, rcu);
	unsigned int wrong = 0, n = 0;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	pcap_t *pcap;
	FILE *says;

	snprintf(path, sizeof(path), "%s/%s.pcapng", dir, name);
	pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
	assert_non_null(pcap);
	snprintf(path, sizeof(path), "%s/%s.jsonl", dir, name);
	says = fopen(path, "r");
	assert_non_null(says);
	for (; pcap_next_ex(pcap, &h, &data) == 1; n++) {
		struct ct_packet pkt = { .now = h->ts.tv_sec * SECOND + h->ts.tv_usec };
		const char *state, *way, *tcp = "";
		struct flow_tuple tuple;
		int timeout = -1;
		struct said s;
		json_t *j;

		assert_non_null(fgets(line, sizeof(line), says));
		if (h->caplen < ETHER_LEN ||
				!parse(data + ETHER_LEN, h->caplen - ETHER_LEN, &tuple, &pkt))
			continue;
		j = json_loads(line, 0, NULL);
		assert_int_equal(json_unpack(j, "{s:s, s:s, s?s, s?i}", "state", &state, "dir",
						 &way, "tcp", &tcp, "timeout", &timeout),
				0);
		run_packet(t, &tuple, &pkt, strstr(name, "nat_dnat") != NULL, &s);
		(*judged)++;
		if (strcmp(state, state_text(s.state)) != 0 || strcmp(way, dir_text(s.dir)) != 0 ||
				(tuple.key.proto == IPPROTO_TCP && strcmp(tcp, s.tcp) != 0) ||
				!time_agrees(timeout, s.timeout)) {
			print_message("%s/%s packet %u: kernel %s %s %s %d, here %s %s %s %d\n",
					dir, name, n, state, way, tcp, timeout, state_text(s.state),
					dir_text(s.dir), s.tcp, s.timeout);
			wrong++;
		}
		json_decref(j);
	}
	assert_true(n > 0);
	assert_sound(t);
	fclose(says);
	pcap_close(pcap);
	ct_destroy(t);
	rte_free(rcu);
	return wrong;
}

/* All captures of a directory whose names begin so. */
static void
run_directory(const char *path, const char *family)
{
	unsigned int judged = 0, wrong = 0;
	struct dirent *e;
	DIR *d = opendir(path);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (strncmp(e->d_name, family, strlen(family)) != 0 || len < 7 ||
				strcmp(e->d_name + len - 7, ".pcapng") != 0)
			continue;
		e->d_name[len - 7] = '\0';
		wrong += run_capture(path, e->d_name, &judged);
	}
	closedir(d);
	print_message("%s %s: %u packets judged, %u otherwise than the kernel\n", path, family,
			judged, wrong);
	assert_true(judged > 0);
	assert_int_equal(wrong, 0);
}

static void
path_of(char *path, size_t size, const char *dir)
{
	snprintf(path, size, "%s/%s", getenv("SHUNT_SOURCE_DIR") ?: ".", dir);
}

static void
test_setting(void **state)
{
	char path[512], dir[64];

	snprintf(dir, sizeof(dir), "tests/replay/kernel/%s", (const char *)*state);
	path_of(path, sizeof(path), dir);
	run_directory(path, "tcp_");
	if (strcmp(dir + strlen(dir) - strlen("default"), "default") == 0) {
		run_directory(path, "udp_icmp");
		run_directory(path, "nat_dnat");
	}
}

/* What is compared of "malformed" is the parser's, of ICMP errors the session code's. */
static void
test_beside(void **state)
{
	static const char *const families[] = { "tcp_life", "tcp_open", "tcp_pickup", "tcp_window",
		"tcp_fuzz", "nat_dnat", "udp_icmp" };
	char path[512];
	unsigned int i;

	(void)state;
	if (getenv("SHUNT_SHARED") != NULL)
		snprintf(path, sizeof(path), "%s/conformance", getenv("SHUNT_SHARED"));
	else
		path_of(path, sizeof(path), "../shared/conformance");
	if (access(path, R_OK) != 0) {
		print_message("no further captures in %s\n", path);
		skip();
	}
	for (i = 0; i < RTE_DIM(families); i++)
		run_directory(path, families[i]);
}

#define SETTING(name) \
	{ \
		"settings " name, test_setting, NULL, NULL, (char *)(uintptr_t)name \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SETTING("default"),
		SETTING("loose0"),
		SETTING("liberal1"),
		SETTING("invalid_rst"),
		cmocka_unit_test(test_beside),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
