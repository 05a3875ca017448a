/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scenarios of the benchmarks: many equal sessions through DNAT, as two captures, what clients
 * send and what servers send. Session i is
 *
 *	client + i / 64512 : 1024 + i % 64512  ->  vip : vip_port + i % K
 *
 * and service vip:vip_port + k has one backend, backend + k : backend_port. So which backend
 * answers does not depend on any scheduler, and the server's side is right for every balancer.
 * Every frame is the shortest one: 60 bytes here, 64 with the FCS (TCP: 66 to 74).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "scenario.h"
#include "writer.h"

#define UDP_PAYLOAD 18 /* fills a frame of 60 bytes */
#define OPENS_PER_ROUND 64

static const uint8_t client_mac[MK_MAC_LEN] = { 0x02, 0, 0, 0, 0, 0xfe };
static const uint8_t backend_mac[MK_MAC_LEN] = { 0x02, 0, 0, 0, 0x01, 0 };

/* One session, as the client's wire sees it (to_server), and the answer on the server's wire. */
static void
session_flows(const struct mk_options *o, uint32_t i, struct mk_flow *to_server,
		struct mk_flow *to_client)
{
	uint32_t k = i % o->backends;

	memset(to_server, 0, sizeof(*to_server));
	to_server->ttl = 64;
	to_server->src = mk_addr_add(o->client, i / MK_PORTS_PER_CLIENT);
	to_server->sport = (uint16_t)(MK_PORT_FIRST + i % MK_PORTS_PER_CLIENT);
	to_server->dst = o->vip;
	to_server->dport = (uint16_t)(o->vip_port + k);
	memcpy(to_server->src_mac, client_mac, MK_MAC_LEN);
	memcpy(to_server->dst_mac, o->external_mac, MK_MAC_LEN);

	*to_client = mk_flow_reverse(to_server);
	to_client->src = mk_addr_add(o->backend, k);
	to_client->sport = o->backend_port;
	memcpy(to_client->src_mac, backend_mac, MK_MAC_LEN);
	to_client->src_mac[MK_MAC_LEN - 1] = (uint8_t)(k + 1);
	memcpy(to_client->dst_mac, o->internal_mac, MK_MAC_LEN);
}

static void
shuffle(uint32_t *order, uint32_t n, struct mk_rng *rng)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = mk_rng_below(rng, i);
		uint32_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

static int
write_direction(const struct mk_options *o, const char *path, const uint32_t *order, bool server)
{
	struct mk_writer *w = mk_pcap_create(path);
	uint8_t payload[UDP_PAYLOAD] = { 0 };
	struct mk_flow flow[2];
	struct mk_frame f;

	if (!w)
		return -errno;
	for (uint32_t n = 0; n < o->sessions; n++) {
		session_flows(o, order[n], &flow[0], &flow[1]);
		memcpy(payload, &order[n], sizeof(order[n]));
		mk_udp(&f, &flow[server], payload, sizeof(payload));
		mk_write(w, 0, MK_EPOCH_NS + n * MK_US, &f);
	}
	return mk_writer_close(w);
}

/*
 * One datagram a session and direction, each direction in its own random order: a table that is
 * fast only for neighbours in time is not fast here.
 */
int
mk_udp_sessions(const struct mk_options *o)
{
	struct mk_rng rng = { o->seed };
	uint32_t *order = malloc(o->sessions * sizeof(*order));
	int rc;

	if (!order)
		return -ENOMEM;
	shuffle(order, o->sessions, &rng);
	rc = write_direction(o, o->out_client, order, false);
	if (rc == 0) {
		shuffle(order, o->sessions, &rng);
		rc = write_direction(o, o->out_server, order, true);
	}
	free(order);
	return rc;
}

/* Segment `step` of a handshake: SYN, SYN/ACK, ACK. */
static void
handshake(struct mk_frame *f, const struct mk_flow *flow, uint32_t i, unsigned int step)
{
	static const uint8_t flags[] = { MK_TCP_SYN, MK_TCP_SYN | MK_TCP_ACK, MK_TCP_ACK };
	uint32_t client_isn = i * 2654435761u;
	uint32_t server_isn = ~client_isn;
	struct mk_tcp tcp = {
		.seq = step == 1 ? server_isn : client_isn + (step == 2),
		.ack = step == 1 ? client_isn + 1 : server_isn + 1,
		.ts_val = 1000 + step,
		.ts_ecr = step ? 999 + step : 0,
		.window = step == 2 ? 502 : 64240,
		.flags = flags[step],
	};

	mk_tcp(f, flow, &tcp, NULL, 0);
}

/*
 * N handshakes in rounds of 64: their SYNs, the SYN/ACKs, the ACKs, a microsecond a packet over
 * both files, so that merging the files by time gives the order of a wire.
 */
int
mk_tcp_opens(const struct mk_options *o)
{
	struct mk_writer *client = mk_pcap_create(o->out_client);
	struct mk_writer *server = client ? mk_pcap_create(o->out_server) : NULL;
	int rc = server ? 0 : -errno;
	uint64_t now = MK_EPOCH_NS;
	struct mk_flow flow[2];
	struct mk_frame f;
	int rc_client, rc_server;

	for (uint32_t first = 0; rc == 0 && first < o->sessions; first += OPENS_PER_ROUND) {
		for (uint32_t n = 0; n < 3 * OPENS_PER_ROUND; n++) {
			uint32_t i = first + n % OPENS_PER_ROUND;
			unsigned int step = n / OPENS_PER_ROUND;

			if (i >= o->sessions)
				continue;
			session_flows(o, i, &flow[0], &flow[1]);
			handshake(&f, &flow[step == 1], i, step);
			mk_write(step == 1 ? server : client, 0, now, &f);
			now += MK_US;
		}
	}
	rc_client = mk_writer_close(client);
	rc_server = mk_writer_close(server);
	return rc ? rc : rc_client ? rc_client : rc_server;
}
