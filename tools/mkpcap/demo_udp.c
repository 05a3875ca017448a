/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP connections of the demo: DNS, with a few that end in a port unreachable, and QUIC. */
#include <stdio.h>
#include <string.h>

#include "demo.h"

#define UNREACHABLE_BY_BACKEND 20 /* the ordinal of a DNS connection, in either family */
#define UNREACHABLE_BY_CLIENT 30

static void
datagram(struct demo *d, const struct demo_talk *talk, enum demo_side side, uint64_t ns, size_t len)
{
	struct mk_frame f;

	mk_udp(&f, &talk->flow[side], d->payload, len);
	mk_timeline_add(d->timeline, side, ns, &f);
}

/* `side` reports the port unreachable at which `seen` arrived with the payload of len bytes. */
static void
port_unreachable(struct demo *d, const struct demo_talk *talk, enum demo_side side, uint64_t ns,
		const struct mk_flow *seen, size_t len)
{
	bool v6 = seen->src.v6;
	struct mk_frame quoted, f;

	mk_udp(&quoted, seen, d->payload, len);
	mk_icmp_error(&f, &talk->flow[side], v6 ? 1 : 3, v6 ? 4 : 3, 0, &quoted);
	mk_timeline_add(d->timeline, side, ns, &f);
}

void
demo_dns(struct demo *d, const struct demo_talk *talk)
{
	bool v6 = talk->service->v6;
	uint16_t id = (uint16_t)mk_rng_next(&d->rng);
	uint64_t answer = talk->start + talk->delay;
	struct mk_flow seen;
	char name[64];
	size_t len;

	snprintf(name, sizeof(name), "host%u.%s", talk->ordinal, demo_name(talk->ordinal));
	len = mk_dns(d->payload, id, name, v6, false);
	datagram(d, talk, DEMO_EXTERNAL, talk->start, len);
	if (talk->ordinal == UNREACHABLE_BY_BACKEND) {
		seen = demo_translated(talk);
		port_unreachable(d, talk, DEMO_INTERNAL, answer, &seen, len);
		return;
	}
	len = mk_dns(d->payload, id, name, v6, true);
	datagram(d, talk, DEMO_INTERNAL, answer, len);
	if (talk->ordinal == UNREACHABLE_BY_CLIENT) {
		seen = mk_flow_reverse(&talk->flow[DEMO_EXTERNAL]); /* from the service */
		seen.ttl = talk->flow[DEMO_INTERNAL].ttl - 5;
		port_unreachable(d, talk, DEMO_EXTERNAL, answer + talk->rtt, &seen, len);
	}
}

/* Two families of connection ids, so that a rule on their first bytes can tell them apart. */
static void
client_dcid(struct mk_rng *rng, unsigned int ordinal, uint8_t *cid)
{
	static const uint8_t prefix[2][3] = { { 0xc0, 0xff, 0xee }, { 0xde, 0xca, 0xf0 } };

	mk_rng_fill(rng, cid, MK_QUIC_CID);
	memcpy(cid, prefix[ordinal % 2], sizeof(prefix[0]));
}

void
demo_quic(struct demo *d, const struct demo_talk *talk)
{
	uint8_t first[MK_QUIC_CID], client[MK_QUIC_CID], server[MK_QUIC_CID];
	unsigned int rounds = mk_rng_between(&d->rng, 3, 12);
	uint64_t now = talk->start;
	size_t len;

	client_dcid(&d->rng, talk->ordinal, first);
	mk_rng_fill(&d->rng, client, sizeof(client));
	mk_rng_fill(&d->rng, server, sizeof(server));
	len = mk_quic_initial(d->payload, &d->rng, first, client);
	datagram(d, talk, DEMO_EXTERNAL, now, len);
	now += talk->delay;
	len = mk_quic_initial(d->payload, &d->rng, client, server);
	datagram(d, talk, DEMO_INTERNAL, now, len);
	now += talk->rtt;
	len = mk_quic_initial(d->payload, &d->rng, server, client);
	datagram(d, talk, DEMO_EXTERNAL, now, len);
	for (unsigned int i = 0; i < rounds; i++) {
		now += MK_MS;
		len = mk_quic_short(d->payload, &d->rng, server, mk_rng_between(&d->rng, 40, 400));
		datagram(d, talk, DEMO_EXTERNAL, now, len);
		now += talk->delay;
		for (unsigned int n = mk_rng_between(&d->rng, 1, 8); n; n--) {
			len = mk_quic_short(d->payload, &d->rng, client,
					n > 1 ? 1250 : mk_rng_between(&d->rng, 60, 1200));
			datagram(d, talk, DEMO_INTERNAL, now, len);
			now += 12 * MK_US;
		}
		now += talk->rtt;
	}
}
