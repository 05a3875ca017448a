/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A cable between two ports of one NIC: what one sends the other receives. Each end is opened and closed by itself; the
 * cable lives until both are gone, so that one end may be closed while the other still runs. Any number of lcores.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire_line.h"

struct cable {
	uint32_t ends; /* [A] bit a side */
	uint32_t refs; /* [A] */
	struct sim_lock drain;
	struct wire_line line[2]; /* towards each side */
};

struct peer {
	struct wire w;
	struct cable *cable;
	uint32_t side;
	uint16_t ethdev;
	uint16_t port, other; /* switch ports: mine, and that I name */
};

/* A side that has been closed receives no more: who drains its line is the only one that does. */
static uint32_t
drain(struct cable *c, uint32_t side)
{
	uint32_t n;

	sim_lock_take(&c->drain);
	n = wire_line_drain(&c->line[side]);
	sim_lock_give(&c->drain);
	return n;
}

static uint16_t
peer_rx(struct wire *w, uint16_t q, struct rte_mempool *pool, struct rte_mbuf **m, uint64_t *when,
		uint16_t n, uint64_t now)
{
	struct peer *p = (struct peer *)w;
	const struct wire_line_get g = {
		.pool = pool, .when = when, .now = now, .ethdev = p->ethdev
	};

	return wire_line_get(&p->cable->line[p->side], w, q, m, n, &g);
}

static bool
peer_link(const struct wire *w)
{
	const struct peer *p = (const struct peer *)w;

	return __atomic_load_n(&p->cable->ends, __ATOMIC_ACQUIRE) == 3;
}

static uint16_t
peer_tx(struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	struct peer *p = (struct peer *)w;
	uint64_t bytes = 0;

	RTE_SET_USED(q);
	if (peer_link(w)) {
		wire_line_put(&p->cable->line[p->side ^ 1], w, m, n, now);
		/*
		 * Closed meanwhile: its mbufs would be on the line for as long as this end is open. A write, so that it
		 * is not looked at before they are there; the thread sanitizer knows no fences.
		 */
		if (unlikely(__atomic_fetch_or(&p->cable->ends, 0, __ATOMIC_SEQ_CST) != 3))
			wire_count(&w->stats.tx_lost, drain(p->cable, p->side ^ 1));
		return n;
	}
	for (uint16_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	wire_count(&w->stats.tx_frames, n);
	wire_count(&w->stats.tx_bytes, bytes);
	wire_count(&w->stats.tx_lost, n);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static void
peer_spread(struct wire *w, const struct sim_rss *rss)
{
	struct peer *p = (struct peer *)w;

	wire_line_spread(&p->cable->line[p->side], rss);
}

static uint64_t
peer_next(struct wire *w)
{
	const struct peer *p = (const struct peer *)w;

	return wire_line_empty(&p->cable->line[p->side]) ? UINT64_MAX : 0;
}

static uint32_t
peer_waiting(struct wire *w, uint16_t q)
{
	const struct peer *p = (const struct peer *)w;

	return wire_line_count(&p->cable->line[p->side], q);
}

static void
peer_flush(struct wire *w)
{
	struct peer *p = (struct peer *)w;

	wire_count(&w->stats.rx_missed, drain(p->cable, p->side));
}

static int
peer_fd(struct wire *w)
{
	RTE_SET_USED(w);
	return -1;
}

static void
cable_free(struct cable *c)
{
	wire_line_fini(&c->line[0]);
	wire_line_fini(&c->line[1]);
	free(c);
}

static void
peer_close(struct wire *w)
{
	struct peer *p = (struct peer *)w;
	struct cable *c = p->cable;

	__atomic_fetch_and(&c->ends, ~(UINT32_C(1) << p->side), __ATOMIC_SEQ_CST);
	(void)drain(c, p->side);
	if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) == 0)
		cable_free(c);
	free(p);
}

static const struct wire_ops peer_ops = {
	.name = "peer",
	.rx = peer_rx,
	.tx = peer_tx,
	.spread = peer_spread,
	.next = peer_next,
	.fd = peer_fd,
	.waiting = peer_waiting,
	.flush = peer_flush,
	.link = peer_link,
	.close = peer_close,
};

static struct cable *
cable_create(int socket)
{
	struct cable *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if (wire_line_init(&c->line[0], WIRE_LINE_FRAMES, socket) != 0 ||
			wire_line_init(&c->line[1], WIRE_LINE_FRAMES, socket) != 0) {
		cable_free(c);
		return NULL;
	}
	return c;
}

int
wire_peer_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long n;

	if (text == NULL || strncmp(text, "peer:", 5) != 0)
		return -ENOENT;
	text += 5;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n >= SIM_PORTS_MAX)
		return -EINVAL;
	*port = (uint16_t)n;
	return 0;
}

/* Plugs p into the other's cable. */
static int
join(struct peer *p, struct wire *with, struct sim_error *e)
{
	struct peer *o = (struct peer *)with;
	struct cable *c;
	uint32_t side;

	if (with->ops != &peer_ops)
		return sim_fail(e, EINVAL, "peer:%u: the wire of port %u is %s, not peer:%u",
				p->other, p->other, with->ops->name, p->port);
	if (o->port != p->other || o->other != p->port)
		return sim_fail(e, EINVAL, "peer:%u: port %u is joined with port %u", p->other,
				o->port, o->other);
	c = o->cable;
	side = o->side ^ 1;
	if ((__atomic_load_n(&c->ends, __ATOMIC_ACQUIRE) >> side & 1) != 0)
		return sim_fail(e, EBUSY, "peer:%u: both ends of the cable are taken", p->other);
	p->cable = c;
	p->side = side;
	return 0;
}

int
wire_peer_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e)
{
	struct peer *p;
	uint16_t other;
	int err = 0;

	RTE_SET_USED(options);
	if (wire_peer_port(params->text, &other) != 0 || other == params->port)
		return sim_fail(e, EINVAL, "%.64s: peer:N wants the number of another port",
				params->text);
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return sim_fail(e, ENOMEM, "peer: no memory");
	p->w.ops = &peer_ops;
	p->ethdev = params->ethdev;
	p->port = params->port;
	p->other = other;
	if (params->peer != NULL) {
		err = join(p, params->peer, e);
	} else {
		p->cable = cable_create(params->socket);
		if (p->cable == NULL)
			err = sim_fail(e, ENOMEM, "peer: no memory");
	}
	if (err != 0) {
		free(p);
		return err;
	}
	__atomic_fetch_add(&p->cable->refs, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&p->cable->ends, UINT32_C(1) << p->side, __ATOMIC_RELEASE);
	*w = &p->w;
	return 0;
}
