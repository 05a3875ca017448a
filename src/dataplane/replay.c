/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replay: a capture in, frames and verdicts out, the same bytes every time. Ports are net_ring devices, so packets take
 * the way that live ones take; time is the capture's. Main lcore, which plays worker and control in turn.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "base/log.h"
#include "capture.h"
#include "dp_priv.h"
#include "verdict.h"

#define RING_SIZE 1024
#define SENT_MAX 1024 /* frames of one burst that its verdicts can show; the capture has them all */

/* ---- ports ---------------------------------------------------------------------------------------------------- */

struct replay_port {
	struct rte_ring *rx;
	struct rte_ring **tx; /* by queue */
	uint16_t n_tx;
};

static struct rte_ring *
port_ring(const char *what, unsigned int port, unsigned int queue)
{
	char name[32];

	snprintf(name, sizeof(name), "replay_%s_%u_%u", what, port, queue);
	return rte_ring_create(
			name, RING_SIZE, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int
replay_attach(struct dp *dp, unsigned int port)
{
	const struct cfg_port *cfg = &dp->cfg->ports[port];
	struct replay_port *r;
	char name[32];
	int id;

	if (dp->replay_ports == NULL)
		dp->replay_ports = calloc(dp->cfg->n_ports, sizeof(*dp->replay_ports));
	if (dp->replay_ports == NULL)
		return -ENOMEM;
	r = &dp->replay_ports[port];
	r->n_tx = cfg->tx_queues;
	if (r->n_tx == CFG_AUTO)
		r->n_tx = RTE_MAX(ports_queues_steered_to(dp, cfg), 1);
	r->rx = port_ring("rx", port, 0);
	r->tx = calloc(r->n_tx, sizeof(*r->tx));
	if (r->rx == NULL || r->tx == NULL)
		return -ENOMEM;
	for (uint16_t q = 0; q < r->n_tx; q++) {
		r->tx[q] = port_ring("tx", port, q);
		if (r->tx[q] == NULL)
			return -ENOMEM;
	}
	snprintf(name, sizeof(name), "replay%u", port);
	id = rte_eth_from_rings(name, &r->rx, 1, r->tx, r->n_tx, rte_socket_id());
	if (id < 0) {
		log_err("port %s: no in-memory port: %s\n", cfg->name, rte_strerror(rte_errno));
		return -rte_errno;
	}
	dp->ports[port].id = (uint16_t)id;
	return 0;
}

void
replay_detach(struct dp *dp)
{
	for (unsigned int i = 0; dp->replay_ports != NULL && i < dp->cfg->n_ports; i++) {
		struct replay_port *r = &dp->replay_ports[i];

		for (uint16_t q = 0; r->tx != NULL && q < r->n_tx; q++)
			rte_ring_free(r->tx[q]);
		rte_ring_free(r->rx);
		free(r->tx);
	}
	free(dp->replay_ports);
	dp->replay_ports = NULL;
}

/* ---- a run ---------------------------------------------------------------------------------------------------- */

struct replay {
	struct dp *dp;
	const struct dp_replay_params *p;
	struct capture *capture;
	struct capture_writer *out;
	FILE *verdicts;
	FILE *events;
	struct ct_reader event; /* next one to be written */
	uint16_t *port_of;	/* by interface of the capture */
	struct dp_trace trace;
	struct dp_trace_record rec[PKT_BURST_MAX];
	uint16_t in_port[PKT_BURST_MAX];
	uint64_t t0;			 /* of the capture's first packet */
	uint64_t stamp;			 /* of the burst under way, as in the capture */
	struct rte_mbuf *sent[SENT_MAX]; /* frames that this burst caused */
	unsigned int n_sent;
	int rc; /* first error of a writer */
};

/* Interfaces of the capture to ports: by name, and those without a namesake by order. */
static int
map_interfaces(struct replay *r)
{
	uint32_t n = capture_interfaces(r->capture), others = 0;

	r->port_of = calloc(n + 1, sizeof(*r->port_of));
	if (r->port_of == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct capture_interface *face = capture_interface(r->capture, i);
		unsigned int p = 0;

		while (p < r->dp->n_ports && strcmp(face->name, r->dp->cfg->ports[p].name) != 0)
			p++;
		r->port_of[i] = (uint16_t)(p < r->dp->n_ports ? p : others++ % r->dp->n_ports);
	}
	return 0;
}

/* Copy len bytes behind what m holds, in as many segments as it takes. */
static bool
append(struct rte_mempool *pool, struct rte_mbuf *m, const uint8_t *data, uint32_t len)
{
	while (len > 0) {
		struct rte_mbuf *last = rte_pktmbuf_lastseg(m);
		uint32_t n = RTE_MIN(len, rte_pktmbuf_tailroom(last));

		if (n == 0) {
			struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

			if (more == NULL || rte_pktmbuf_chain(m, more) != 0) {
				rte_pktmbuf_free(more);
				return false;
			}
			continue;
		}
		memcpy(rte_pktmbuf_mtod_offset(last, char *, last->data_len), data, n);
		last->data_len += (uint16_t)n;
		m->pkt_len += n;
		data += n;
		len -= n;
	}
	return true;
}

static struct rte_mbuf *
to_mbuf(struct replay *r, const struct capture_frame *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->dp->pool);

	if (m == NULL)
		return NULL;
	if (append(r->dp->pool, m, f->header, f->header_len) &&
			append(r->dp->pool, m, f->data, f->caplen))
		return m;
	rte_pktmbuf_free(m);
	return NULL;
}

/* Put a packet into its port's receive ring; what cannot be put there is counted, and has a verdict, as well. */
static void
feed(struct replay *r, const struct capture_packet *p)
{
	uint32_t i = r->trace.n++;
	struct capture_frame f;
	struct rte_mbuf *m = NULL;
	enum drop_reason why = DROP_NO_MBUF;
	int rc = capture_to_ethernet(capture_interface(r->capture, p->interface)->linktype, p, &f);

	r->in_port[i] = r->port_of[p->interface];
	r->rec[i] = (struct dp_trace_record){ .dir = 2, .class_id = UINT16_MAX };
	r->stamp = p->ns;
	if (rc != 0)
		why = rc == -ENOTSUP ? DROP_LINK_TYPE : DROP_ETH_SHORT;
	else if (f.caplen < f.len)
		why = DROP_FRAME_CUT;
	else
		m = to_mbuf(r, &f);
	if (m != NULL) {
		pkt_meta(m)->sequence = r->trace.base + i;
		if (rte_ring_sp_enqueue(r->dp->replay_ports[r->in_port[i]].rx, m) == 0)
			return;
		rte_pktmbuf_free(m);
	}
	r->dp->c.rx.packets++;
	r->dp->c.rx.bytes += p->len;
	r->dp->c.drop[why]++;
	r->rec[i].verdict = PKT_VERDICT_DROP;
	r->rec[i].reason = (uint8_t)why;
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

/* The frame's bytes in one piece: in place, or copied into a buffer that the caller frees. NULL: no memory. */
static const uint8_t *
frame_bytes(const struct rte_mbuf *m, void **copy)
{
	*copy = m->nb_segs > 1 ? malloc(m->pkt_len) : NULL;
	if (m->nb_segs > 1 && *copy == NULL)
		return NULL;
	return rte_pktmbuf_read(m, 0, m->pkt_len, *copy);
}

static void
keep_error(struct replay *r, int rc)
{
	if (r->rc == 0)
		r->rc = rc;
}

/* A frame left: into the capture, and kept for the verdict of the packet that caused it. */
static void
collect(struct replay *r, struct rte_mbuf *m, unsigned int port, uint16_t queue)
{
	void *copy;
	const uint8_t *data = frame_bytes(m, &copy);

	if (data == NULL)
		keep_error(r, -ENOMEM);
	else if (r->out != NULL)
		keep_error(r, capture_writer_add(r->out, port, r->stamp, data, m->pkt_len));
	free(copy);
	pkt_meta(m)->port_out = (uint16_t)port;
	pkt_meta(m)->queue_out = queue;
	if (r->verdicts != NULL && r->n_sent < SENT_MAX)
		r->sent[r->n_sent++] = m;
	else
		rte_pktmbuf_free(m);
}

static void
drain(struct replay *r)
{
	for (unsigned int i = 0; i < r->dp->n_ports; i++) {
		const struct replay_port *p = &r->dp->replay_ports[i];

		for (uint16_t q = 0; q < p->n_tx; q++) {
			void *m;

			while (rte_ring_sc_dequeue(p->tx[q], &m) == 0)
				collect(r, m, i, q);
		}
	}
}

static const char *const verdict_names[] = {
	[PKT_VERDICT_NONE] = "none",
	[PKT_VERDICT_FORWARD] = "forward",
	[PKT_VERDICT_DROP] = "drop",
	[PKT_VERDICT_LOCAL] = "local",
	[PKT_VERDICT_HOLD] = "hold",
};
static const char *const dir_names[] = { "original", "reply", "none" };

static void
write_verdict(struct replay *r, uint32_t i)
{
	const struct dp_trace_record *t = &r->rec[i];
	struct verdict_out out[SENT_MAX];
	void *copies[SENT_MAX];
	char tcp[32], other[40];
	struct verdict v = {
		.n = r->trace.base + i,
		.port = r->dp->cfg->ports[r->in_port[i]].name,
		.state = ct_state_name(t->state),
		.dir = dir_names[t->dir],
		.flags = t->flags,
		.verdict = verdict_names[t->verdict],
		.reason = t->reason == DROP_NONE ? NULL : drop_name(t->reason),
		.class = t->class_id == UINT16_MAX ? NULL
						   : cls_class(r->dp->cls, t->class_id)->name,
		.path = t->fast ? "fast" : "slow",
		.out = out,
	};

	if (t->is_tcp) {
		snprintf(tcp, sizeof(tcp), "%s%s", ct_tcp_state_name(t->tcp),
				t->assured ? " ASSURED" : "");
		v.tcp = tcp;
	}
	if (t->sctp != NULL || t->dccp != NULL)
		snprintf(other, sizeof(other), "%s%s", t->sctp != NULL ? t->sctp : t->dccp,
				t->assured ? " ASSURED" : "");
	v.sctp = t->sctp != NULL ? other : NULL;
	v.dccp = t->dccp != NULL ? other : NULL;
	for (unsigned int s = 0; s < r->n_sent; s++) {
		const struct pkt_meta *meta = pkt_meta(r->sent[s]);

		if (meta->sequence != v.n)
			continue;
		out[v.n_out] = (struct verdict_out){
			.port = r->dp->cfg->ports[meta->port_out].name,
			.queue = meta->queue_out,
			.frame = frame_bytes(r->sent[s], &copies[v.n_out]),
			.len = r->sent[s]->pkt_len,
		};
		if (out[v.n_out].frame == NULL)
			out[v.n_out].len = 0;
		v.n_out++;
	}
	keep_error(r, verdict_write(r->verdicts, &v));
	for (unsigned int s = 0; s < v.n_out; s++)
		free(copies[s]);
}

void
replay_events(struct dp *dp)
{
	struct replay *r = dp->replaying;
	const struct ct_event *e;
	char line[CTL_EVENT_LINE_MAX];
	uint64_t lost;
	size_t len;

	while (r != NULL && r->events != NULL) {
		e = ct_events_next(r->dp->ct, &r->event, &lost);
		if (lost != 0) {
			len = ctl_event_lost(lost, r->event.next - (e != NULL), line);
			if (fwrite(line, 1, len, r->events) != len)
				keep_error(r, -EIO);
		}
		if (e == NULL)
			return;
		/* Time as the capture has it. */
		len = ctl_event_json(e, r->t0 - TIME_NS_PER_S, line);
		if (fwrite(line, 1, len, r->events) != len)
			keep_error(r, -errno);
	}
}

/* Let worker and control work until neither has anything left, then write down what came of the burst. */
static void
run_burst(struct replay *r)
{
	const uint64_t now = r->stamp - r->t0 + TIME_NS_PER_S;
	unsigned int seen;

	/* Time passes before packets arrive: what has expired by now is gone. */
	r->dp->now = now;
	control_poll(r->dp, now);
	do {
		seen = dp_poll(r->dp, now);
		drain(r);
	} while (seen != 0 || r->dp->workers[0]->in_flight > l3_held(r->dp->l3));
	for (uint32_t i = 0; r->verdicts != NULL && i < r->trace.n; i++)
		write_verdict(r, i);
	for (unsigned int i = 0; i < r->n_sent; i++)
		rte_pktmbuf_free(r->sent[i]);
	r->n_sent = 0;
	r->trace.base += r->trace.n;
	r->trace.n = 0;
}

/* ---- the whole capture ---------------------------------------------------------------------------------------------- */

/* Do two paths lead to one file that is there? Writing one would destroy the other. */
static bool
same_file(const char *a, const char *b)
{
	struct stat x, y;

	return a != NULL && b != NULL && stat(a, &x) == 0 && stat(b, &y) == 0 &&
			S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int
check_files(const struct dp_replay_params *p)
{
	const char *const names[] = { p->in, p->out, p->verdicts, p->events };

	for (unsigned int i = 0; i < RTE_DIM(names); i++)
		for (unsigned int j = 0; j < i; j++) {
			if (names[i] == NULL || names[j] == NULL ||
					(strcmp(names[i], names[j]) != 0 &&
							!same_file(names[i], names[j])))
				continue;
			log_err("%s: is named twice: --replay, --out, --verdicts and --events want a file each\n",
					names[i]);
			return -EINVAL;
		}
	return 0;
}

static int
open_events(struct replay *r)
{
	int rc = 0;

	if (r->p->events != NULL) {
		r->events = fopen(r->p->events, "w");
		rc = r->events == NULL ? -errno : ct_events_open(r->dp->ct, &r->event);
	}
	if (rc != 0) {
		log_err("%s: %s\n", r->p->events,
				rc == -ENOTSUP ? "the configuration wants no events"
					       : strerror(-rc));
		return rc;
	}
	return map_interfaces(r);
}

static int
open_files(struct replay *r)
{
	const char *names[DP_PORTS_MAX];
	char err[256];

	if (check_files(r->p) != 0)
		return -EINVAL;
	r->capture = capture_open(r->p->in, err, sizeof(err));
	if (r->capture == NULL) {
		log_err("%s: %s\n", r->p->in, err);
		return -EINVAL;
	}
	capture_sort(r->capture);
	for (unsigned int i = 0; i < r->dp->n_ports; i++)
		names[i] = r->dp->cfg->ports[i].name;
	if (r->p->out != NULL) {
		r->out = capture_writer_open(r->p->out, names, r->dp->n_ports);
		if (r->out == NULL) {
			log_err("%s: %s\n", r->p->out, strerror(errno));
			return -errno;
		}
	}
	if (r->p->verdicts != NULL) {
		r->verdicts = fopen(r->p->verdicts, "w");
		if (r->verdicts == NULL) {
			log_err("%s: %s\n", r->p->verdicts, strerror(errno));
			return -errno;
		}
	}
	return open_events(r);
}

static int
close_files(struct replay *r)
{
	if (r->out != NULL)
		keep_error(r, capture_writer_close(r->out));
	if (r->verdicts != NULL && fclose(r->verdicts) != 0)
		keep_error(r, -errno);
	if (r->events != NULL && fclose(r->events) != 0)
		keep_error(r, -errno);
	if (r->rc != 0)
		log_err("writing the results: %s\n", strerror(-r->rc));
	capture_close(r->capture);
	free(r->port_of);
	return r->rc;
}

static int
run_capture(struct replay *r)
{
	struct capture_packet p;
	bool first = true;
	int rc;

	while ((rc = capture_next(r->capture, &p)) == 1) {
		if (first)
			r->t0 = p.ns;
		first = false;
		/* Worker and control see one port's packets at a time: a change of port ends the burst, so that
		 * answers do not overtake what they answer. */
		if (r->trace.n != 0 && r->port_of[p.interface] != r->in_port[r->trace.n - 1])
			run_burst(r);
		feed(r, &p);
		if (r->trace.n == r->p->burst)
			run_burst(r);
	}
	if (r->trace.n != 0)
		run_burst(r);
	if (rc < 0)
		log_err("%s: %s; the packets before it were replayed\n", r->p->in,
				capture_error(r->capture));
	return rc;
}

int
dp_replay(struct dp *dp, const struct dp_replay_params *p)
{
	struct replay *r = calloc(1, sizeof(*r));
	int rc, closing;

	if (r == NULL)
		return -ENOMEM;
	r->dp = dp;
	r->p = p;
	r->trace.rec = r->rec;
	dp->replaying = r;
	dp->trace = &r->trace;
	dp->workers[0]->trace = &r->trace;
	rc = open_files(r);
	if (rc == 0) {
		rc = run_capture(r);
		/* What waits behind packets that are held: the sums add up, as after dp_stop(). */
		worker_drop_parked(dp->workers[0]);
		dp_report(dp, p->report);
	}
	closing = close_files(r);
	dp->replaying = NULL;
	dp->trace = NULL;
	dp->workers[0]->trace = NULL;
	free(r);
	return rc != 0 ? rc : closing;
}

/*
 * A broken segment belongs to no connection, but it may name one, whose state the verdict tells. False: it is cut before
 * its ports.
 */
static bool
connection_named(const struct dp *dp, const struct rte_mbuf *m, uint32_t *conn)
{
	const struct pkt_meta *meta = pkt_meta_const(m);
	struct flow_tuple tuple;
	uint32_t id;

	if (!parse_tuple_of(m, &meta->info, &dp->ports[meta->port_in].parse, &tuple))
		return false;
	id = ct_find(dp->ct, &tuple);
	if (id != FLOW_NONE)
		*conn = id >> 1;
	return true;
}

void
trace_note(const struct dp *dp, const struct rte_mbuf *m)
{
	struct dp_trace_record *t = trace_record(dp->trace, m);
	const struct pkt_meta *meta = pkt_meta_const(m);
	const struct ct_conn *c;
	uint8_t proto = 0;
	uint32_t conn;

	if (t == NULL)
		return;
	t->state = meta->ct_state;
	t->dir = meta->ct_dir;
	/* Where a connection is all that two addresses send, it has no protocol's state. */
	if (dp->ports[meta->port_in].parse.keys != FLOW_KEYS_ADDRESSES)
		proto = meta->info.proto;
	t->is_tcp = proto == IPPROTO_TCP;
	t->flags = ct_flags(NULL, t->dir, t->state);
	t->sctp = proto == IPPROTO_SCTP && t->state != CT_STATE_NONE ? "NONE" : NULL;
	t->dccp = proto == IPPROTO_DCCP && (meta->info.tcp_flags & PKT_DCCP) &&
					t->state != CT_STATE_NONE
			? "NONE"
			: NULL;
	conn = meta->conn;
	if (t->is_tcp && conn == FLOW_NONE && t->state == CT_STATE_INVALID)
		t->is_tcp = connection_named(dp, m, &conn);
	if (conn == FLOW_NONE)
		return;
	c = &ct_conns(dp->ct)[conn];
	t->flags = ct_flags(c, t->dir, t->state);
	t->assured = c->status & CT_S_ASSURED;
	t->sctp = t->sctp != NULL ? ct_sctp_state_name(c->sctp.state) : NULL;
	t->dccp = t->dccp != NULL ? ct_dccp_state_name(c->dccp.state) : NULL;
	t->tcp = t->is_tcp ? c->tcp.state : CT_TCP_NONE;
	if (meta->ct_dir < 2)
		t->class_id = c->flow[meta->ct_dir].class_id;
}
