/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of a NIC's rules: made, taken down, and kept in time. Called by the driver: hwf_create_all() and
 * hwf_destroy_all() when no other call is under way.
 */
#include "hwf_priv.h"

#include <errno.h>
#include <stdlib.h>

/* Numbers are 32 bits wide; the model has at most 2^28 entries, of which a NIC with one rule an entry has as many rules. */
#define FLOWS_MAX (1u << 27)
#define EXTRAS_MAX (1u << 26)
#define HANDLES_MAX (1u << 27)

static int
pools_init(struct hwf *h)
{
	const struct sim_profile *p = h->profile;
	int rc;

	rc = hwf_pool_init(&h->flows, sizeof(struct rte_flow), FLOWS_MAX);
	if (rc == 0)
		rc = hwf_pool_init(&h->extras, sizeof(struct hwf_extra), EXTRAS_MAX);
	if (rc == 0)
		rc = hwf_pool_init(&h->handles, sizeof(struct rte_flow_action_handle), HANDLES_MAX);
	if (rc == 0)
		rc = hwf_pool_init(&h->tunnels, sizeof(struct hwf_tunnel), HWF_TUNNELS_MAX);
	/* Numbers of freed contexts may rest before they come again, so there may be more than the profile says. */
	if (rc == 0)
		rc = hwf_pool_init(&h->ages, sizeof(struct hwf_age), 2 * p->objects_ages + 64);
	return rc;
}

static void
pools_fini(struct hwf *h)
{
	hwf_pool_fini(&h->ages);
	hwf_pool_fini(&h->tunnels);
	hwf_pool_fini(&h->handles);
	hwf_pool_fini(&h->extras);
	hwf_pool_fini(&h->flows);
}

struct hwf *
hwf_create_all(const struct hwf_params *params)
{
	struct hwf *h = calloc(1, sizeof(*h));
	uint16_t i, j;

	if (h == NULL || params->n_ports > SIM_PORTS_MAX) {
		free(h);
		return NULL;
	}
	h->steer = params->steer;
	h->profile = params->profile;
	h->nic = params->lock;
	h->env = params->env;
	h->ctx = params->ctx;
	h->n_ports = params->n_ports;
	pthread_mutex_init(&h->lock, NULL);
	for (i = 0; i < SIM_PORTS_MAX; i++) {
		hwf_list_init(&h->port[i].flows);
		hwf_list_init(&h->port[i].handles);
		hwf_list_init(&h->port[i].tunnels);
		for (j = 0; j <= HWF_QUEUES_MAX; j++)
			hwf_list_init(&h->port[i].aged[j]);
	}
	if (pools_init(h) != 0) {
		hwf_destroy_all(h);
		return NULL;
	}
	return h;
}

void
hwf_destroy_all(struct hwf *h)
{
	uint16_t i;

	if (h == NULL)
		return;
	for (i = 0; i < h->n_ports && h->flows.base != NULL; i++)
		hwf_port_close(h, i);
	hwf_queue_fini(h);
	pools_fini(h);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void
hwf_port_close(struct hwf *h, uint16_t port)
{
	struct hwf_port *p;

	if (port >= h->n_ports)
		return;
	p = &h->port[port];
	pthread_mutex_lock(&h->lock);
	hwf_flows_drop(h, port);
	if (p->async_close != NULL)
		p->async_close(h, port);
	if (p->mtr_close != NULL)
		p->mtr_close(h, port);
	while (p->handles.first != HWF_NONE)
		hwf_handle_free(h, hwf_pool_at(&h->handles, p->handles.first));
	hwf_tunnel_close(h, port);
	hwf_ids_fini(&p->meters);
	p->age_said = false;
	if (p->isolated) {
		p->isolated = false;
		sim_lock_take(h->nic);
		sim_steer_isolate(h->steer, port, false);
		sim_lock_give(h->nic);
	}
	pthread_mutex_unlock(&h->lock);
}
