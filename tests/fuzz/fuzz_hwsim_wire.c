/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any text as a wire, and any bytes as a capture: it is refused with words, or brings whole mbufs at times that do not go back,
 * takes them again, and gives all back to the pool.
 *
 * First byte: bit 0 unpaced, bit 1 spread over queues, bit 2: a capture of the bytes behind the first line, whose options that
 * line is; else the first line is the wire's text. Kinds that make files and interfaces are left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "eal.h"
#include "fuzz.h"
#include "wire.h"

#define MBUFS 1023u
#define FLOWS 5000u

static struct rte_mempool *
get_pool(void)
{
	static struct rte_mempool *pool;

	if (pool != NULL)
		return pool;
	REQUIRE(unit_eal_init() == 0);
	pool = rte_pktmbuf_pool_create("fuzz", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
	REQUIRE(pool != NULL);
	return pool;
}

/* What would only take memory and time. */
static bool
is_huge(const char *text)
{
	static const char *const keys[] = { "flows", "sessions", "frames" };
	const char *options = strchr(text, ':');

	for (unsigned int i = 0; options != NULL && i < RTE_DIM(keys); i++) {
		struct sim_error e;
		uint64_t n = 0;

		if (wire_option_u64(options + 1, keys[i], UINT64_MAX, &n, &e) == 0 && n > FLOWS)
			return true;
	}
	return false;
}

static void
spread(struct wire *w)
{
	struct sim_rss rss = { .fields = SIM_RSS_IPV4 | SIM_RSS_IPV6 | SIM_RSS_UDP | SIM_RSS_TCP,
		.n = 4,
		.queue = { 0, 1, 0, 2 } };

	memset(rss.key, 0x6d, sizeof(rss.key));
	if (w->ops->spread != NULL)
		w->ops->spread(w, &rss);
}

static void
run(struct wire *w, struct rte_mempool *pool, bool spreads)
{
	uint64_t when[32], last[3] = { 0 };
	struct rte_mbuf *m[32];

	if (spreads)
		spread(w);
	for (uint64_t now = 0; now < 60; now++) {
		const uint16_t q = spreads ? (uint16_t)(now % 3) : 0;
		const uint16_t n = w->ops->rx(w, q, pool, m, when, 32, now * 10000);

		REQUIRE(n <= 32);
		for (uint16_t i = 0; i < n; i++) {
			const char *why;

			REQUIRE(rte_mbuf_check(m[i], 1, &why) == 0);
			REQUIRE(when[i] <= now * 10000 && m[i]->pkt_len <= SIM_FRAME_MAX);
			/* Frames that another queue's lcore made come when they are taken. */
			REQUIRE(spreads || when[i] >= last[q]);
			last[q] = when[i];
		}
		REQUIRE(w->ops->tx(w, q, m, n, now * 10000) == n);
		(void)w->ops->next(w);
	}
	if (w->ops->xstats != NULL) {
		struct wire_xstat x[32];

		REQUIRE(w->ops->xstats(w, x, RTE_DIM(x)) <= RTE_DIM(x));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rte_mempool *pool = get_pool();
	char line[512] = "", text[640];
	struct wire_params p = { .text = text,
		.ethdev = 3,
		.seed = 1,
		.socket = -1,
		.link_bps = UINT64_C(10000000000) };
	struct sim_error e = { .text = "" };
	struct wire *w = NULL;
	const uint8_t *end;
	int fd = -1;

	if (size < 2)
		return 0;
	p.unpaced = data[0] & 1;
	end = memchr(data + 1, '\n', size - 1);
	end = end != NULL ? end : data + size;
	if ((size_t)(end - data) > sizeof(line))
		return 0;
	memcpy(line, data + 1, (size_t)(end - data - 1));
	if ((data[0] & 4) != 0) {
		fd = memfd_create("capture", MFD_CLOEXEC);
		REQUIRE(fd >= 0);
		if (end < data + size)
			REQUIRE(write(fd, end + 1, (size_t)(data + size - end - 1)) >= 0);
		snprintf(text, sizeof(text), "pcap:rx=/proc/self/fd/%d;%s", fd,
				strstr(line, "tx=") == NULL ? line : "");
	} else {
		snprintf(text, sizeof(text), "%s", line);
	}
	if ((fd >= 0 || (strncmp(text, "pcap", 4) != 0 && strncmp(text, "tap", 3) != 0)) &&
			!is_huge(text)) {
		const int err = wire_open(&p, &w, &e);

		REQUIRE(err == 0 ? w != NULL : w == NULL && e.text[0] != '\0');
		if (err == 0) {
			run(w, pool, (data[0] & 2) != 0);
			w->ops->close(w);
		}
	}
	if (fd >= 0)
		close(fd);
	REQUIRE(rte_mempool_avail_count(pool) == MBUFS);
	return 0;
}
