/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The l3 object, and which of its files a packet is for. Called by the slow path on the control
 * lcore. Owns no protocol knowledge: that is in l3_arp.c, l3_nd.c, l3_echo.c.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "l3_priv.h"

static int
check_params(const struct l3_params *p)
{
	if (p->name == NULL || p->pool == NULL || p->n_ports == 0 || p->n_ports > L3_PORTS_MAX)
		return -EINVAL;
	if (strlen(p->name) > L3_NAME_MAX)
		return -ENAMETOOLONG;
	if (p->max_nexthops == 0 || p->max_nexthops > UINT16_MAX)
		return -EINVAL;
	if (p->n_routes > L3_ROUTES_MAX)
		return -E2BIG;
	if (rte_pktmbuf_priv_size(p->pool) < sizeof(struct pkt_meta))
		return -EINVAL;
	return 0;
}

struct l3 *
l3_create(const struct l3_params *p)
{
	struct l3 *l3;
	int rc = check_params(p);

	if (rc != 0)
		goto fail;
	l3 = rte_zmalloc_socket("l3", sizeof(*l3), 0, p->socket_id);
	if (l3 == NULL) {
		rc = -ENOMEM;
		goto fail;
	}
	l3->pool = p->pool;
	if (p->icmp_rate > 0)
		l3->icmp_interval = RTE_MAX(TIME_NS_PER_S / p->icmp_rate, UINT64_C(1));

	/* Routes come last: gateways are neighbours, and those must not be own addresses. */
	rc = l3_own_create(l3, p);
	if (rc == 0)
		rc = l3_hold_create(l3, p);
	if (rc == 0)
		rc = l3_neigh_create(l3, p);
	if (rc == 0)
		rc = l3_route_create(l3, p);
	if (rc == 0)
		return l3;
	l3_destroy(l3);
fail:
	rte_errno = -rc;
	return NULL;
}

/* Of a half-made one, too: whatever was not made is NULL. */
void
l3_destroy(struct l3 *l3)
{
	if (l3 == NULL)
		return;
	l3_route_destroy(l3);
	l3_hold_destroy(l3);
	l3_neigh_destroy(l3);
	l3_own_destroy(l3);
	rte_free(l3);
}

static enum l3_verdict
input(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason, struct l3_out *out)
{
	const struct pkt_meta *meta = pkt_meta(m);
	struct l3_view v;

	if (meta->port_in >= l3->n_ports)
		return l3_refuse(DROP_ETH_NOT_OURS, reason);
	if (meta->info.flags & PKT_F_ARP)
		return l3_arp_input(l3, m, now, reason, out);
	if (meta->info.flags & PKT_F_ND)
		return l3_nd_input(l3, m, now, reason, out);
	if (l3_view(l3, m, &v, reason) != 0)
		return L3_DROP;
	if (!l3_own_receives(l3, v.port, v.family, &v.dst))
		return L3_NOT_OURS;
	return l3_echo_input(l3, m, &v, reason, out);
}

enum l3_verdict
l3_input(struct l3 *l3, struct rte_mbuf *m, uint64_t now, enum drop_reason *reason,
		struct l3_out *out)
{
	enum l3_verdict verdict;

	*reason = DROP_NONE;
	verdict = input(l3, m, now, reason, out);
	l3_hold_flush(l3, out);
	return verdict;
}
