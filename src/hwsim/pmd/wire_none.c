/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No far side: nothing comes, what is sent is lost and counted. Any lcore.
 */
#include <errno.h>
#include <stdlib.h>

#include "wire.h"

static uint16_t
none_rx(struct wire *w, uint16_t q, struct rte_mempool *pool, struct rte_mbuf **m, uint64_t *when,
		uint16_t n, uint64_t now)
{
	RTE_SET_USED(w);
	RTE_SET_USED(q);
	RTE_SET_USED(pool);
	RTE_SET_USED(m);
	RTE_SET_USED(when);
	RTE_SET_USED(n);
	RTE_SET_USED(now);
	return 0;
}

static uint16_t
none_tx(struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	uint64_t bytes = 0;

	RTE_SET_USED(q);
	RTE_SET_USED(now);
	for (uint16_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	wire_count(&w->stats.tx_frames, n);
	wire_count(&w->stats.tx_bytes, bytes);
	wire_count(&w->stats.tx_lost, n);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static uint64_t
none_next(struct wire *w)
{
	RTE_SET_USED(w);
	return UINT64_MAX;
}

static int
none_fd(struct wire *w)
{
	RTE_SET_USED(w);
	return -1;
}

/* Up, so that programs that wait for a link run: it is the far end that is missing. */
static bool
none_link(const struct wire *w)
{
	RTE_SET_USED(w);
	return true;
}

static void
none_close(struct wire *w)
{
	free(w);
}

static const struct wire_ops none_ops = {
	.name = "none",
	.rx = none_rx,
	.tx = none_tx,
	.next = none_next,
	.fd = none_fd,
	.link = none_link,
	.close = none_close,
};

int
wire_none_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e)
{
	static const char *const known[] = { NULL };
	const int err = wire_option_check(options, known, e);

	RTE_SET_USED(params);
	if (err != 0)
		return err;
	*w = calloc(1, sizeof(**w));
	if (*w == NULL)
		return sim_fail(e, ENOMEM, "none: no memory");
	(*w)->ops = &none_ops;
	return 0;
}
