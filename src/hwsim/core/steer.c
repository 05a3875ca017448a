/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering as a whole: made, ended, asked. Called by the driver, under the NIC's lock.
 */
#include <errno.h>
#include <stdlib.h>

#include "steer_priv.h"

struct sim_steer *
sim_steer_create(const struct sim_steer_params *params)
{
	struct sim_steer *s;

	if (params->profile == NULL || params->n_ports == 0 || params->n_ports > SIM_PORTS_MAX)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->profile = params->profile;
	s->n_ports = params->n_ports;
	s->mirror = params->mirror;
	s->ctx = params->ctx;
	sim_objects_init(&s->objects, s->profile);
	return s;
}

void
sim_steer_destroy(struct sim_steer *s)
{
	if (s == NULL)
		return;
	sim_groups_end(s);
	sim_objects_end(&s->objects);
	sim_slab_end(&s->slab);
	sim_lines_end(&s->lines);
	free(s);
}

bool
sim_steer_active(const struct sim_steer *s, uint16_t port)
{
	return port >= SIM_PORTS_MAX || __atomic_load_n(&s->active[port], __ATOMIC_ACQUIRE) != 0;
}

void
sim_steer_isolate(struct sim_steer *s, uint16_t port, bool on)
{
	if (port >= s->n_ports || s->isolated[port] == on)
		return;
	s->isolated[port] = on;
	__atomic_fetch_add(&s->active[port], on ? 1 : -1u, __ATOMIC_RELEASE);
}

static int
tunnel_bind(struct sim_steer *s, uint8_t domain, uint16_t port, const uint32_t ids[2])
{
	struct sim_group *g;

	if (ids[1] == 0) {
		g = sim_group_find(s, domain, port, ids[0]);
		if (g == NULL)
			return 0;
		g->tunnel = 0;
		sim_group_put(s, g);
		return 0;
	}
	g = sim_group_get(s, domain, port, ids[0]);
	if (g == NULL)
		return -ENOMEM;
	g->tunnel = ids[1];
	return 0;
}

int
sim_steer_tunnel_group(struct sim_steer *s, uint16_t port, uint32_t group, uint32_t tunnel)
{
	const uint32_t ids[2] = { group, tunnel };
	int rc;

	/* Both have to fit into sim_pkt.restore. */
	if (group == 0 || group > 0xffffff || tunnel > 0xff ||
			(port != SIM_ANY_PORT && port >= s->n_ports))
		return -EINVAL;
	rc = tunnel_bind(s, SIM_TRANSFER, SIM_ANY_PORT, ids);
	if (rc == 0 && port != SIM_ANY_PORT)
		rc = tunnel_bind(s, SIM_INGRESS, port, ids);
	return rc;
}

void
sim_steer_stats(const struct sim_steer *s, struct sim_steer_stats *stats)
{
	const struct sim_objects *o = &s->objects;

	*stats = s->stats;
	stats->counters = o->counters.used;
	stats->ages = o->ages.used;
	stats->meters = o->meters.used;
	stats->cts = o->cts.used;
	stats->bytes = sizeof(*s) + s->table_bytes + s->slab.bytes + s->lines.bytes +
			sim_objects_bytes(o);
}
