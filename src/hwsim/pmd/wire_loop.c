/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loopback: what a port sends comes back to it, in order, in the queue that its RSS says. Any number of lcores.
 * A full loop loses frames and counts them, as a receiver without buffers does: pushing back would stop a program that
 * sends before it receives.
 */
#include <errno.h>
#include <stdlib.h>

#include "wire_line.h"

struct loop {
	struct wire w;
	uint16_t ethdev;
	struct wire_line line;
};

static uint16_t
loop_rx(struct wire *w, uint16_t q, struct rte_mempool *pool, struct rte_mbuf **m, uint64_t *when,
		uint16_t n, uint64_t now)
{
	struct loop *l = (struct loop *)w;
	const struct wire_line_get g = {
		.pool = pool, .when = when, .now = now, .ethdev = l->ethdev
	};

	return wire_line_get(&l->line, w, q, m, n, &g);
}

static uint16_t
loop_tx(struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	struct loop *l = (struct loop *)w;

	RTE_SET_USED(q);
	wire_line_put(&l->line, w, m, n, now);
	return n;
}

static void
loop_spread(struct wire *w, const struct sim_rss *rss)
{
	wire_line_spread(&((struct loop *)w)->line, rss);
}

static uint64_t
loop_next(struct wire *w)
{
	return wire_line_empty(&((struct loop *)w)->line) ? UINT64_MAX : 0;
}

static uint32_t
loop_waiting(struct wire *w, uint16_t q)
{
	return wire_line_count(&((struct loop *)w)->line, q);
}

static void
loop_flush(struct wire *w)
{
	wire_count(&w->stats.rx_missed, wire_line_drain(&((struct loop *)w)->line));
}

static int
loop_fd(struct wire *w)
{
	RTE_SET_USED(w);
	return -1;
}

static bool
loop_link(const struct wire *w)
{
	RTE_SET_USED(w);
	return true;
}

static void
loop_close(struct wire *w)
{
	wire_line_fini(&((struct loop *)w)->line);
	free(w);
}

static const struct wire_ops loop_ops = {
	.name = "loop",
	.rx = loop_rx,
	.tx = loop_tx,
	.spread = loop_spread,
	.next = loop_next,
	.fd = loop_fd,
	.waiting = loop_waiting,
	.flush = loop_flush,
	.link = loop_link,
	.close = loop_close,
};

int
wire_loop_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e)
{
	static const char *const known[] = { "frames", NULL };
	uint64_t frames = WIRE_LINE_FRAMES;
	struct loop *l;
	int err = wire_option_check(options, known, e);

	if (err == 0)
		err = wire_option_u64(options, "frames", WIRE_LINE_FRAMES_MAX, &frames, e);
	if (err != 0)
		return err;
	if (frames < 2 || !rte_is_power_of_2((uint32_t)frames))
		return sim_fail(e, EINVAL, "frames=%llu: not a power of two",
				(unsigned long long)frames);
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return sim_fail(e, ENOMEM, "loop: no memory");
	l->w.ops = &loop_ops;
	l->ethdev = params->ethdev;
	err = wire_line_init(&l->line, (uint32_t)frames, params->socket);
	if (err != 0) {
		free(l);
		return sim_fail(e, -err, "loop: no memory");
	}
	*w = &l->w;
	return 0;
}
