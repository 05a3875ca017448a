/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures as a wire, `pcap:rx=FILE;tx=FILE;rate=RATE;loop=N;cut=drop|pad`. At least one file.
 *
 *   rx=FILE    pcap or pcapng of Ethernet; frames come at their own times, the first at once. With clock=off and without rate=
 *              as fast as they are asked
 *   rate=RATE  see wire.h; rate=own: their own times with clock=off too
 *   loop=N     so many times (1); 0: for ever. Between two rounds is the mean gap of the file
 *   cut=pad    frames of which the capture has only the first bytes get zeros behind them; drop (the default): left out. Both are
 *              counted as errors
 *   tx=FILE    a pcap with ns stamps, the NIC's clock, is written; complete once the port is closed
 *
 * The whole file is read once when the wire is opened, so that a damaged record is refused by its number and not found by
 * the way. rx is for one lcore; tx takes a lock.
 */
#include <errno.h>
#include <limits.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "wire_pace.h"

#define NS UINT64_C(1000000000)

struct capture {
	struct wire w;
	uint16_t ethdev;
	bool pad;
	/* in */
	char file[PATH_MAX];
	pcap_t *in;
	const struct pcap_pkthdr *head; /* the next frame; NULL: at the end */
	const uint8_t *data;
	uint64_t first, gap;  /* ns: of the file's first record; between rounds */
	uint64_t loops, left; /* rounds asked for, 0: no end; still to come with this one */
	bool started, paced, own;
	uint64_t last; /* `now` of the last call */
	uint64_t base; /* ns at which this round began */
	uint64_t at;   /* ns of the next frame */
	struct wire_rate rate;
	struct wire_pace pace;
	/* out */
	struct sim_lock lock;
	pcap_t *out;
	pcap_dumper_t *dump;
};

static uint64_t
stamp_of(const struct pcap_pkthdr *h)
{
	return (uint64_t)h->ts.tv_sec * NS + (uint64_t)h->ts.tv_usec;
}

static int
open_in(struct capture *c, struct sim_error *e)
{
	char why[PCAP_ERRBUF_SIZE];

	c->in = pcap_open_offline_with_tstamp_precision(c->file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (c->in == NULL)
		return sim_fail(e, EINVAL, "rx=%.120s: %.100s", c->file, why);
	if (pcap_datalink(c->in) != DLT_EN10MB)
		return sim_fail(e, EINVAL, "rx=%.120s: link type %s, not Ethernet", c->file,
				pcap_datalink_val_to_name(pcap_datalink(c->in)));
	return 0;
}

/* Skips what is no frame; c->head is NULL at the end. Returns whether there was an error. */
static int
read_next(struct capture *c)
{
	for (;;) {
		struct pcap_pkthdr *h;
		const int got = pcap_next_ex(c->in, &h, &c->data);

		c->head = NULL;
		if (got == PCAP_ERROR_BREAK)
			return 0;
		if (got != 1)
			return -EINVAL;
		if (h->caplen < h->len || h->len > SIM_FRAME_MAX || h->len < 14)
			wire_count(&c->w.stats.errors, 1);
		if (h->len > SIM_FRAME_MAX || h->len < 14 || (h->caplen < h->len && !c->pad))
			continue;
		c->head = h;
		return 0;
	}
}

/* All records once: first stamp, mean gap, and whether they can be read. */
static int
scan(struct capture *c, struct sim_error *e)
{
	uint64_t n = 0, usable = 0, last = 0, stamp;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int got;

	while ((got = pcap_next_ex(c->in, &h, &data)) == 1) {
		n++;
		if (h->len > SIM_FRAME_MAX || h->len < 14 || (h->caplen < h->len && !c->pad))
			continue;
		stamp = stamp_of(h);
		if (usable++ == 0)
			c->first = last = stamp;
		last = RTE_MAX(last, stamp);
	}
	if (got != PCAP_ERROR_BREAK)
		return sim_fail(e, EINVAL, "rx=%.120s: record %llu: %.80s", c->file,
				(unsigned long long)n + 1, pcap_geterr(c->in));
	if (usable == 0)
		return sim_fail(e, EINVAL, "rx=%.120s: %llu records, none of a whole frame",
				c->file, (unsigned long long)n);
	/* One frame alone again and again: a thousand a second. */
	c->gap = usable > 1 ? (last - c->first) / (usable - 1) : NS / 1000;
	c->gap = RTE_MAX(c->gap, UINT64_C(1));
	pcap_close(c->in);
	return open_in(c, e);
}

/* Prepares the next frame and its time. */
static void
advance(struct capture *c)
{
	const uint32_t len = c->head != NULL ? c->head->len : 0;
	uint64_t own;

	if (c->paced && !c->own && len != 0)
		wire_pace_step(&c->pace, c->rate.bps != 0 ? len + WIRE_GAP : 1, &c->at);
	if (read_next(c) != 0) {
		/* It was readable when it was opened: somebody has changed it. */
		wire_count(&c->w.stats.errors, 1);
		c->left = 0;
		return;
	}
	if (c->head == NULL) {
		if (c->loops != 0 && --c->left == 0)
			return;
		pcap_close(c->in);
		if (open_in(c, NULL) != 0 || read_next(c) != 0 || c->head == NULL) {
			wire_count(&c->w.stats.errors, 1);
			c->left = 0;
			c->head = NULL;
			return;
		}
		c->base = c->at + c->gap;
	}
	if (!c->own)
		return;
	/* Records need not be in order of time: none goes back. */
	own = stamp_of(c->head);
	own = c->base + (own > c->first ? own - c->first : 0);
	c->at = RTE_MAX(c->at, own);
}

static void
set_time(struct capture *c, uint64_t now)
{
	if (!c->started || now < c->last) {
		const uint64_t into = c->started ? c->at - c->base : 0;

		/* Where the clock has gone back the file goes on where it was; sums may wrap. */
		c->base = now - into;
		c->at = now;
		c->started = true;
	}
	c->last = now;
}

static struct rte_mbuf *
frame_of(const struct capture *c, struct rte_mempool *pool)
{
	uint8_t padded[SIM_FRAME_MAX];

	if (c->head->caplen >= c->head->len)
		return wire_mbuf(pool, c->ethdev, c->data, c->head->len);
	memcpy(padded, c->data, c->head->caplen);
	memset(padded + c->head->caplen, 0, c->head->len - c->head->caplen);
	return wire_mbuf(pool, c->ethdev, padded, c->head->len);
}

static uint16_t
capture_rx(struct wire *w, uint16_t q, struct rte_mempool *pool, struct rte_mbuf **m,
		uint64_t *when, uint16_t n, uint64_t now)
{
	struct capture *c = (struct capture *)w;
	uint64_t bytes = 0;
	uint16_t k = 0;

	if (q != 0 || c->in == NULL)
		return 0;
	set_time(c, now);
	while (k < n && c->head != NULL && (!c->paced || c->at <= now)) {
		m[k] = frame_of(c, pool);
		if (m[k] == NULL) {
			wire_count(&w->stats.rx_nombuf, 1);
			break;
		}
		if (when != NULL)
			when[k] = c->paced ? c->at : now;
		bytes += m[k++]->pkt_len;
		advance(c);
	}
	wire_count(&w->stats.rx_frames, k);
	wire_count(&w->stats.rx_bytes, bytes);
	return k;
}

static bool
write_frame(struct capture *c, const struct rte_mbuf *m, uint64_t now)
{
	const struct pcap_pkthdr h = { .ts = { .tv_sec = (time_t)(now / NS),
						       .tv_usec = (suseconds_t)(now % NS) },
		.caplen = m->pkt_len,
		.len = m->pkt_len };
	uint8_t flat[SIM_FRAME_MAX];
	const uint8_t *d;

	if (m->pkt_len > SIM_FRAME_MAX)
		return false;
	d = rte_pktmbuf_read(m, 0, m->pkt_len, flat);
	if (d == NULL)
		return false;
	pcap_dump((u_char *)c->dump, &h, d);
	return ferror(pcap_dump_file(c->dump)) == 0;
}

static uint16_t
capture_tx(struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	struct capture *c = (struct capture *)w;
	uint64_t bytes = 0, lost = 0;

	RTE_SET_USED(q);
	sim_lock_take(&c->lock);
	for (uint16_t i = 0; i < n; i++) {
		bytes += m[i]->pkt_len;
		lost += c->dump == NULL || !write_frame(c, m[i], now);
	}
	sim_lock_give(&c->lock);
	wire_count(&w->stats.tx_frames, n);
	wire_count(&w->stats.tx_bytes, bytes);
	wire_count(&w->stats.tx_lost, lost);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static uint64_t
capture_next(struct wire *w)
{
	const struct capture *c = (const struct capture *)w;

	if (c->head == NULL)
		return UINT64_MAX;
	return c->paced && c->started ? c->at : 0;
}

static int
capture_fd(struct wire *w)
{
	RTE_SET_USED(w);
	return -1;
}

static bool
capture_link(const struct wire *w)
{
	RTE_SET_USED(w);
	return true;
}

static void
capture_close(struct wire *w)
{
	struct capture *c = (struct capture *)w;

	if (c->dump != NULL)
		pcap_dump_close(c->dump);
	if (c->out != NULL)
		pcap_close(c->out);
	if (c->in != NULL)
		pcap_close(c->in);
	free(c);
}

static const struct wire_ops capture_ops = {
	.name = "pcap",
	.rx = capture_rx,
	.tx = capture_tx,
	.next = capture_next,
	.fd = capture_fd,
	.link = capture_link,
	.close = capture_close,
};

/* --- opening --- */

static int
open_rx(struct capture *c, const struct wire_params *params, const char *options,
		struct sim_error *e)
{
	char text[64] = "";
	const bool given = wire_option(options, "rate", text, sizeof(text)) != -ENOENT;
	int err = 0;

	c->own = strcmp(given ? text : "own", "own") == 0;
	c->paced = !params->unpaced || (given && strcmp(text, "max") != 0);
	if (!c->own)
		err = wire_option_rate(options, &c->rate, e);
	if (err == 0 && c->paced && !c->own && c->rate.pps == 0 && c->rate.bps == 0)
		c->rate.bps = params->link_bps;
	if (err == 0)
		err = open_in(c, e);
	if (err == 0)
		err = scan(c, e);
	if (err != 0)
		return err;
	if (c->rate.bps != 0)
		wire_pace_set(&c->pace, (wire_u128)NS * 8, c->rate.bps);
	else if (c->rate.pps != 0)
		wire_pace_set(&c->pace, NS, c->rate.pps);
	else
		c->own = true;
	if (read_next(c) != 0)
		return sim_fail(e, EIO, "rx=%.120s: cannot be read again", c->file);
	return 0;
}

static int
open_tx(struct capture *c, const char *file, struct sim_error *e)
{
	c->out = pcap_open_dead_with_tstamp_precision(
			DLT_EN10MB, 262144, PCAP_TSTAMP_PRECISION_NANO);
	if (c->out == NULL)
		return sim_fail(e, ENOMEM, "tx: no memory");
	c->dump = pcap_dump_open(c->out, file);
	if (c->dump == NULL)
		return sim_fail(e, EIO, "tx: %.200s", pcap_geterr(c->out));
	return 0;
}

static int
read_options(struct capture *c, const char *options, char *tx, struct sim_error *e)
{
	static const char *const known[] = { "rx", "tx", "rate", "loop", "cut", NULL };
	char cut[8] = "drop";
	int err = wire_option_check(options, known, e), in, out;

	if (err == 0)
		err = wire_option_u64(options, "loop", UINT64_MAX, &c->loops, e);
	if (err != 0)
		return err;
	in = wire_option(options, "rx", c->file, sizeof(c->file));
	out = wire_option(options, "tx", tx, PATH_MAX);
	if (in == -E2BIG || out == -E2BIG)
		return sim_fail(e, ENAMETOOLONG, "%s: too long a name", in == -E2BIG ? "rx" : "tx");
	if (in != 0 && out != 0)
		return sim_fail(e, EINVAL, "pcap: wants rx=FILE or tx=FILE");
	err = wire_option(options, "cut", cut, sizeof(cut));
	c->pad = strcmp(cut, "pad") == 0;
	if (err == -E2BIG || (!c->pad && strcmp(cut, "drop") != 0))
		return sim_fail(e, EINVAL, "cut: drop or pad");
	return 0;
}

int
wire_pcap_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e)
{
	struct capture *c = calloc(1, sizeof(*c));
	char tx[PATH_MAX] = "";
	int err;

	if (c == NULL)
		return sim_fail(e, ENOMEM, "pcap: no memory");
	c->w.ops = &capture_ops;
	c->ethdev = params->ethdev;
	c->loops = 1;
	err = read_options(c, options, tx, e);
	c->left = c->loops;
	if (err == 0 && c->file[0] != '\0')
		err = open_rx(c, params, options, e);
	if (err == 0 && tx[0] != '\0')
		err = open_tx(c, tx, e);
	if (err != 0) {
		capture_close(&c->w);
		return err;
	}
	*w = &c->w;
	return 0;
}
