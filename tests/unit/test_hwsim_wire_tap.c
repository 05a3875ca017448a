/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TAP interface as a wire: frames both ways through a packet socket, up to the longest, and the link. Skipped without the
 * right to make interfaces.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_wire.h"

#define NAME "hwsimtest0"
/* Of local experiments (IEEE 802), so that no protocol of the kernel's answers. */
#define ETHERTYPE 0x88b5

static struct wire *
open_tap(const char *text, struct sim_error *e)
{
	struct wire_params p = { .text = text, .ethdev = 7, .socket = -1 };
	struct wire *w = NULL;

	return wire_open(&p, &w, e) == 0 ? w : NULL;
}

static int
packet_socket(void)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE),
		.sll_ifindex = (int)if_nametoindex(NAME) };
	const int s = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE));

	assert_true(s >= 0 && a.sll_ifindex != 0);
	assert_int_equal(bind(s, (const struct sockaddr *)&a, sizeof(a)), 0);
	return s;
}

static void
fill(uint8_t *frame, uint32_t len, uint8_t tag)
{
	memset(frame, 0xff, 6);
	memset(frame + 6, 2, 6);
	frame[12] = ETHERTYPE >> 8;
	frame[13] = ETHERTYPE & 0xff;
	for (uint32_t i = 14; i < len; i++)
		frame[i] = (uint8_t)(i * 3 + tag);
}

/* The next frame of ours: the kernel sends some of its own when an interface comes up. */
static struct rte_mbuf *
receive(struct wire *w)
{
	for (uint32_t tries = 0; tries < 200; tries++) {
		struct pollfd p = { .fd = w->ops->fd(w), .events = POLLIN };
		struct rte_mbuf *m;
		uint64_t when;

		(void)poll(&p, 1, 10);
		while (w->ops->rx(w, 0, pool, &m, &when, 1, 42) == 1) {
			const uint8_t *d = rte_pktmbuf_mtod(m, const uint8_t *);

			assert_int_equal(when, 42);
			if (be(d + 12, 2) == ETHERTYPE)
				return m;
			rte_pktmbuf_free(m);
		}
	}
	return NULL;
}

static const uint32_t lengths[] = { 14, 60, 1514, 2048 - 128, 2049, 4000, 9728 };

static void
from_the_kernel(void **state)
{
	struct wire *w = *state;
	const int s = packet_socket();

	for (size_t i = 0; i < RTE_DIM(lengths); i++) {
		uint8_t frame[SIM_FRAME_MAX], flat[SIM_FRAME_MAX];
		struct rte_mbuf *m;

		fill(frame, lengths[i], (uint8_t)i);
		assert_int_equal(send(s, frame, lengths[i], 0), lengths[i]);
		m = receive(w);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, lengths[i]);
		assert_int_equal(m->port, 7);
		assert_memory_equal(rte_pktmbuf_read(m, 0, m->pkt_len, flat), frame, lengths[i]);
		rte_pktmbuf_free(m);
	}
	close(s);
}

static void
to_the_kernel(void **state)
{
	struct wire *w = *state;
	const int s = packet_socket();
	const struct timeval patience = { .tv_sec = 2 };

	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	for (size_t i = 0; i < RTE_DIM(lengths); i++) {
		uint8_t frame[SIM_FRAME_MAX], got[SIM_FRAME_MAX + 1];
		struct rte_mbuf *m;

		fill(frame, lengths[i], (uint8_t)i);
		m = wire_mbuf(pool, 0, frame, lengths[i]);
		assert_non_null(m);
		assert_int_equal(w->ops->tx(w, 0, &m, 1, 0), 1);
		assert_int_equal(w->stats.tx_lost, 0);
		assert_int_equal(recv(s, got, sizeof(got), 0), lengths[i]);
		assert_memory_equal(got, frame, lengths[i]);
	}
	close(s);
}

static void
set_interface(bool up)
{
	const int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = { .ifr_name = NAME };

	assert_int_equal(ioctl(s, SIOCGIFFLAGS, &r), 0);
	r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
	assert_int_equal(ioctl(s, SIOCSIFFLAGS, &r), 0);
	close(s);
}

static void
link_follows(void **state)
{
	struct wire *w = *state;
	struct rte_mbuf *m;
	uint8_t frame[60];

	assert_true(w->ops->link(w));
	set_interface(false);
	assert_false(w->ops->link(w));
	fill(frame, sizeof(frame), 0);
	m = wire_mbuf(pool, 0, frame, sizeof(frame));
	assert_int_equal(w->ops->tx(w, 0, &m, 1, 0), 1);
	assert_int_equal(w->stats.tx_lost, 1);
	/* What the kernel had sent of its own before may still come, and then nothing. */
	while (w->ops->rx(w, 0, pool, &m, NULL, 1, 0) == 1)
		rte_pktmbuf_free(m);
	assert_int_equal(w->ops->rx(w, 0, pool, &m, NULL, 1, 0), 0);
	set_interface(true);
	assert_true(w->ops->link(w));
}

static void
bad_names(void **state)
{
	struct sim_error e;
	struct wire *w;

	(void)state;
	refuse("tap:" NAME, NAME); /* it is there already */
	refuse("tap:lo", "lo");
	refuse("tap:a/b", "a/b");
	refuse("tap:x%d", "x%d");
	refuse("tap:name=x;y", "name=x;y");
	refuse("tap:0123456789abcdef", "0123456789abcdef");
	refuse("tap:..", "..");
	w = open_tap("tap:", &e);
	assert_non_null(w);
	assert_true(w->ops->link(w));
	w->ops->close(w);
}

/* It goes with the port. */
static int
finish(void **state)
{
	struct wire *w = *state;

	w->ops->close(w);
	return if_nametoindex(NAME) == 0 ? 0 : -1;
}

static int
start(void **state)
{
	struct sim_error e;

	*state = open_tap("tap:" NAME, &e);
	if (*state == NULL)
		fprintf(stderr, "%s\n", e.text);
	return *state != NULL ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_kernel),
		cmocka_unit_test(to_the_kernel),
		cmocka_unit_test(link_follows),
		cmocka_unit_test(bad_names),
	};
	struct sim_error e;
	struct wire *w;

	if (wire_test_setup(NULL) != 0)
		return 1;
	w = open_tap("tap:" NAME, &e);
	if (w == NULL) {
		fprintf(stderr, "skipped: %s\n", e.text);
		return 77;
	}
	w->ops->close(w);
	return cmocka_run_group_tests(tests, start, finish);
}
