/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The demo scenario: a mixed capture of a small load balancer's day. This file knows the network
 * and in which order connections open; README.md describes both for whoever writes a matching
 * configuration.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

#define CLIENTS 200
#define START_SPACING (40 * MK_MS)
#define FIRST_PORT 32768

static const struct demo_service services[] = {
	{ DEMO_TLS, false, 443, 8443, 3, 160 },
	{ DEMO_HTTP, false, 80, 8080, 3, 40 },
	{ DEMO_DNS, false, 53, 53, 2, 140 },
	{ DEMO_QUIC, false, 443, 4433, 3, 30 },
	{ DEMO_TAGGED, false, 8053, 8053, 1, 4 },
	{ DEMO_TLS, true, 443, 8443, 3, 50 },
	{ DEMO_DNS, true, 53, 53, 2, 60 },
};
#define N_SERVICES (sizeof(services) / sizeof(services[0]))

struct mk_addr
demo_vip(bool v6)
{
	return mk_addr(v6 ? "2001:db8:1::10" : "192.0.2.10");
}

const char *
demo_name(unsigned int i)
{
	static const char *const names[] = { "www.example.com", "api.example.com",
		"static.example.net", "video.example.org", "mail.example.com", "shop.example.net" };

	return names[i % (sizeof(names) / sizeof(names[0]))];
}

struct mk_flow
demo_from_client(bool v6, unsigned int client, struct mk_addr to)
{
	struct mk_flow flow = {
		.src_mac = { 0x02, 0, 0, 0, 0, 0xfe }, /* the gateway */
		.dst_mac = { 0x02, 0, 0, 0, 0, 0x01 },
		.ttl = (uint8_t)(64 - 4 - client % 12), /* some hops away */
		.src = mk_addr_add(mk_addr(v6 ? "2001:db8:c::" : "203.0.113.0"), client),
		.dst = to,
	};

	return flow;
}

struct mk_flow
demo_from_backend(bool v6, unsigned int backend, struct mk_addr to)
{
	struct mk_flow flow = {
		.src_mac = { 0x02, 0, 0, 0, 0x01, (uint8_t)(0x11 + backend) },
		.dst_mac = { 0x02, 0, 0, 0, 0, 0x02 },
		.ttl = 64,
		.src = mk_addr_add(mk_addr(v6 ? "2001:db8:2::11" : "10.0.0.11"), backend),
		.dst = to,
	};

	return flow;
}

struct mk_flow
demo_translated(const struct demo_talk *talk)
{
	struct mk_flow flow = mk_flow_reverse(&talk->flow[DEMO_INTERNAL]);

	flow.ttl = talk->flow[DEMO_EXTERNAL].ttl - 1;
	return flow;
}

static void
make_talk(struct demo *d, struct demo_talk *talk, const struct demo_service *service,
		unsigned int ordinal, unsigned int n)
{
	struct mk_flow *out = &talk->flow[DEMO_EXTERNAL];
	struct mk_flow *in = &talk->flow[DEMO_INTERNAL];

	talk->service = service;
	talk->ordinal = ordinal;
	talk->start = MK_EPOCH_NS + n * START_SPACING + mk_rng_below(&d->rng, START_SPACING);
	talk->rtt = mk_rng_between(&d->rng, 8, 60) * MK_MS;
	talk->delay = mk_rng_between(&d->rng, 120, 900) * MK_US;

	*out = demo_from_client(
			service->v6, 1 + mk_rng_below(&d->rng, CLIENTS), demo_vip(service->v6));
	out->sport = (uint16_t)(FIRST_PORT + n);
	out->dport = service->port;
	/* The tagged service has one backend, the last, so that it cannot change others' turns. */
	*in = demo_from_backend(service->v6,
			service->kind == DEMO_TAGGED ? 2 : ordinal % service->backends, out->src);
	in->sport = service->backend_port;
	in->dport = out->sport;
	if (service->kind == DEMO_TAGGED)
		out->vlan = 100;
}

/* The services of all connections in random order: entry n is the service of the n-th to open. */
static size_t
plan(struct demo *d, uint8_t *order)
{
	size_t n = 0;

	for (size_t s = 0; s < N_SERVICES; s++)
		for (unsigned int i = 0; i < services[s].connections; i++)
			order[n++] = (uint8_t)s;
	for (size_t i = n; i > 1; i--) {
		size_t j = mk_rng_below(&d->rng, (uint32_t)i);
		uint8_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
	return n;
}

static void
make_connections(struct demo *d)
{
	uint8_t order[1024];
	unsigned int ordinal[N_SERVICES] = { 0 };
	size_t n = plan(d, order);

	for (size_t i = 0; i < n; i++) {
		const struct demo_service *service = &services[order[i]];
		struct demo_talk talk;

		make_talk(d, &talk, service, ordinal[order[i]]++, (unsigned int)i);
		if (service->kind == DEMO_TLS || service->kind == DEMO_HTTP)
			demo_tcp(d, &talk);
		else if (service->kind == DEMO_QUIC)
			demo_quic(d, &talk);
		else
			demo_dns(d, &talk);
		d->end = talk.start;
	}
}

int
mk_demo(const struct mk_options *o)
{
	static const char *const interfaces[] = { "external", "internal", NULL };
	struct demo d = {
		.timeline = mk_timeline_create(),
		.rng = { o->seed },
		.payload = malloc(MK_PAYLOAD_MAX),
	};
	struct mk_writer *w = NULL;
	int rc = -ENOMEM, rc_close;

	if (!d.timeline || !d.payload)
		goto out;
	make_connections(&d);
	demo_odd(&d);
	w = mk_pcapng_create(o->out, interfaces);
	rc = w ? mk_timeline_write(d.timeline, w) : -errno;
	rc_close = mk_writer_close(w);
	rc = rc ? rc : rc_close;
out:
	free(d.payload);
	mk_timeline_destroy(d.timeline);
	return rc;
}
