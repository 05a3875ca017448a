/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A kernel interface at the far side, `tap:NAME` or `tap:` (hwsim0 and so on): what the port sends the kernel receives there,
 * and the other way round. The interface is made when the port is, is set up, and goes with the port. The link follows the
 * interface: `ip link set NAME down` is a pulled cable. Wants CAP_NET_ADMIN. rx is for one lcore, tx for any.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire.h"

/* An mbuf's first buffer, and the rest of a long frame. */
#define PARTS 2
#define SEGMENTS_MAX 64

struct tap {
	struct wire w;
	uint16_t ethdev;
	int fd;
	int control; /* a socket for questions about the interface */
	char name[IFNAMSIZ];
	uint8_t spill[SIM_FRAME_MAX];
};

/* The first mbuf's bytes are there, the rest is in t->spill. */
static int
chain(struct tap *t, struct rte_mempool *pool, struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *rest;

	m->data_len = (uint16_t)RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m));
	m->pkt_len = m->data_len;
	m->port = t->ethdev;
	if (m->data_len == len)
		return 0;
	rest = wire_mbuf(pool, t->ethdev, t->spill, len - m->data_len);
	if (rest == NULL)
		return -ENOMEM;
	if (rte_pktmbuf_chain(m, rest) == 0)
		return 0;
	rte_pktmbuf_free(rest);
	return -EMSGSIZE;
}

static uint16_t
tap_rx(struct wire *w, uint16_t q, struct rte_mempool *pool, struct rte_mbuf **m, uint64_t *when,
		uint16_t n, uint64_t now)
{
	struct tap *t = (struct tap *)w;
	uint64_t bytes = 0;
	uint16_t k = 0;

	while (q == 0 && k < n) {
		struct rte_mbuf *f = rte_pktmbuf_alloc(pool);
		struct iovec part[PARTS];
		ssize_t len;

		if (f == NULL) {
			wire_count(&w->stats.rx_nombuf, 1);
			break;
		}
		part[0] = (struct iovec){ rte_pktmbuf_mtod(f, void *), rte_pktmbuf_tailroom(f) };
		part[1] = (struct iovec){ t->spill, sizeof(t->spill) };
		len = readv(t->fd, part, PARTS);
		if (len <= 0) {
			rte_pktmbuf_free(f);
			break;
		}
		if (len > (ssize_t)SIM_FRAME_MAX || chain(t, pool, f, (uint32_t)len) != 0) {
			rte_pktmbuf_free(f);
			wire_count(&w->stats.errors, 1);
			continue;
		}
		if (when != NULL)
			when[k] = now;
		bytes += f->pkt_len;
		m[k++] = f;
	}
	if (k != 0) {
		wire_count(&w->stats.rx_frames, k);
		wire_count(&w->stats.rx_bytes, bytes);
	}
	return k;
}

static bool
send_frame(const struct tap *t, const struct rte_mbuf *m)
{
	struct iovec part[SEGMENTS_MAX];
	int n = 0;

	for (; m != NULL; m = m->next) {
		if (n == SEGMENTS_MAX)
			return false;
		part[n++] = (struct iovec){ rte_pktmbuf_mtod(m, void *), m->data_len };
	}
	return writev(t->fd, part, n) > 0;
}

static uint16_t
tap_tx(struct wire *w, uint16_t q, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	const struct tap *t = (const struct tap *)w;
	uint64_t bytes = 0, lost = 0;

	RTE_SET_USED(q);
	RTE_SET_USED(now);
	for (uint16_t i = 0; i < n; i++) {
		bytes += m[i]->pkt_len;
		lost += !send_frame(t, m[i]);
	}
	wire_count(&w->stats.tx_frames, n);
	wire_count(&w->stats.tx_bytes, bytes);
	if (lost != 0)
		wire_count(&w->stats.tx_lost, lost);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static int
tap_fd(struct wire *w)
{
	return ((const struct tap *)w)->fd;
}

static uint64_t
tap_next(struct wire *w)
{
	struct pollfd p = { .fd = tap_fd(w), .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0 ? 0 : UINT64_MAX;
}

static struct ifreq
request(const struct tap *t)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	memcpy(r.ifr_name, t->name, sizeof(r.ifr_name));
	return r;
}

static bool
tap_link(const struct wire *w)
{
	const struct tap *t = (const struct tap *)w;
	struct ifreq r = request(t);

	return ioctl(t->control, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_UP) != 0;
}

static void
tap_close(struct wire *w)
{
	struct tap *t = (struct tap *)w;

	if (t->fd >= 0)
		close(t->fd);
	if (t->control >= 0)
		close(t->control);
	free(t);
}

static const struct wire_ops tap_ops = {
	.name = "tap",
	.rx = tap_rx,
	.tx = tap_tx,
	.next = tap_next,
	.fd = tap_fd,
	.link = tap_link,
	.close = tap_close,
};

/* A longest frame less its Ethernet header; and up. */
static int
set_up(const struct tap *t, struct sim_error *e)
{
	struct ifreq r = request(t);

	r.ifr_mtu = SIM_FRAME_MAX - 14;
	if (ioctl(t->control, SIOCSIFMTU, &r) != 0)
		return sim_fail(e, errno, "tap:%s: MTU %u: %s", t->name, SIM_FRAME_MAX - 14,
				strerror(errno));
	r = request(t);
	if (ioctl(t->control, SIOCGIFFLAGS, &r) != 0)
		return sim_fail(e, errno, "tap:%s: %s", t->name, strerror(errno));
	r.ifr_flags |= IFF_UP;
	if (ioctl(t->control, SIOCSIFFLAGS, &r) != 0)
		return sim_fail(e, errno, "tap:%s: up: %s", t->name, strerror(errno));
	return 0;
}

static int
make(struct tap *t, struct sim_error *e)
{
	struct ifreq r = request(t);

	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0)
		return sim_fail(e, errno, "tap: /dev/net/tun: %s", strerror(errno));
	t->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (t->control < 0)
		return sim_fail(e, errno, "tap: %s", strerror(errno));
	/* Not one that is there already: it would be another program's. */
	r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
	if (ioctl(t->fd, TUNSETIFF, &r) != 0)
		return sim_fail(e, errno, "tap:%s: %s", t->name, strerror(errno));
	memcpy(t->name, r.ifr_name, sizeof(t->name));
	return set_up(t, e);
}

int
wire_tap_open(const struct wire_params *params, const char *options, struct wire **w,
		struct sim_error *e)
{
	const char *name = options[0] != '\0' ? options : "hwsim%d";
	struct tap *t;
	int err;

	/* What the kernel would take as a pattern, or refuse without a word why. */
	if (strlen(name) >= IFNAMSIZ || strpbrk(options, "/%:; \t\n") != NULL ||
			strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return sim_fail(e, EINVAL, "tap:%.32s: not a name of an interface", name);
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return sim_fail(e, ENOMEM, "tap: no memory");
	t->w.ops = &tap_ops;
	t->ethdev = params->ethdev;
	t->fd = t->control = -1;
	strcpy(t->name, name);
	err = make(t, e);
	if (err != 0) {
		tap_close(&t->w);
		return err;
	}
	*w = &t->w;
	return 0;
}
