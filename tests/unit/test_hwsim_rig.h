/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card of net_hwsim in this process, as any program sees it: through librte_ethdev alone. Frames are built by hand, sent
 * into a loop or a switch, and looked at when they come back.
 */
#ifndef TEST_HWSIM_RIG_H
#define TEST_HWSIM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

extern struct rte_mempool *rig_pool;

/* Group setup and teardown: EAL and a pool; at the end every buffer must be back. */
int
rig_init(void **state);
int
rig_fini(void **state);

/* Makes card "net_hwsim0" with these devargs; returns its first port. */
uint16_t
rig_card(const char *devargs);
void
rig_remove(void);
uint16_t
rig_port(const char *name);

struct rig_conf {
	uint16_t rxq, txq; /* 0: 1 */
	uint16_t n_desc;   /* 0: 512 */
	uint64_t rx_offloads, tx_offloads;
	uint64_t rss_hf; /* != 0: RSS */
	bool lsc, intr;
	bool idle; /* not promiscuous */
};
/* Configures and starts; asserts that it works. */
void
rig_start(uint16_t port, const struct rig_conf *conf);

/* A frame over IPv4 or IPv6, checksums right. */
struct rig_flow {
	bool v6;
	uint8_t proto;	   /* 0: UDP */
	uint32_t src, dst; /* host order; in IPv6 the last four bytes */
	uint16_t sport, dport;
	uint16_t payload;
	uint16_t vlan, inner_vlan; /* 0: none */
	const struct rte_ether_addr *to;
};
struct rte_mbuf *
rig_frame(const struct rig_flow *f);
uint16_t
rig_send(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n);
/* Polls until n frames or 100 polls in a row without any. */
uint16_t
rig_receive(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n);
void
rig_free(struct rte_mbuf **m, uint16_t n);
/* One in `ratio` of the frames that come to the wire of `port` is copied to the function behind `rep`. */
void
rig_copies(uint16_t port, uint16_t rep, uint32_t ratio);
uint64_t
rig_xstat(uint16_t port, const char *name);

/* Is the IPv4 and layer 4 checksum of a plain frame right? */
bool
rig_sums_ok(const struct rte_mbuf *m);

#endif /* TEST_HWSIM_RIG_H */
