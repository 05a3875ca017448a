/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Age contexts and counters as applications see them: seconds in place of cycles, their own pointers in place of
 * numbers, a list of aged ones a port or flow queue, and the AGED event. hwf_tick() is called by the driver as time passes,
 * under no lock; all else under hwf.lock.
 */
#include "hwf_priv.h"

#include <errno.h>

#define AGED_AT_A_TIME 64

static sim_cycle
seconds(const struct hwf *h, uint64_t s)
{
	return s * h->profile->clock_mhz * 1000000;
}

static struct hwf_age *
age_at(const struct hwf *h, uint32_t age)
{
	return hwf_pool_at(&h->ages, age);
}

int64_t
hwf_age_add(const struct hwf_where *w, const struct rte_flow_action_age *conf)
{
	struct hwf *h = w->h;
	struct hwf_age *a;
	int64_t age;

	sim_lock_take(h->nic);
	age = sim_age_add(h->steer, seconds(h, conf->timeout), h->env->now(h->ctx));
	sim_lock_give(h->nic);
	if (age < 0)
		return age;
	a = hwf_pool_get_at(&h->ages, age, HWF_AGE, w->port);
	if (a == NULL) {
		sim_lock_take(h->nic);
		sim_age_del(h->steer, age);
		sim_lock_give(h->nic);
		return -ENOMEM;
	}
	a->context = conf->context;
	a->list = h->port[w->port].strict_queues && w->queue < HWF_QUEUES_MAX ? 1 + w->queue : 0;
	__atomic_add_fetch(&h->n_ages, 1, __ATOMIC_RELAXED);
	return age;
}

void
hwf_age_context(struct hwf *h, uint32_t age, void *context)
{
	if (age_at(h, age)->context == NULL)
		age_at(h, age)->context = context;
}

static void
unlist(struct hwf *h, struct hwf_age *a)
{
	if (a->listed)
		hwf_list_del(&h->port[a->slot.port].aged[a->list], &h->ages, a);
	a->listed = 0;
}

void
hwf_age_del(struct hwf *h, uint32_t age)
{
	unlist(h, age_at(h, age));
	hwf_pool_put_at(&h->ages, age_at(h, age));
	__atomic_sub_fetch(&h->n_ages, 1, __ATOMIC_RELAXED);
	sim_lock_take(h->nic);
	sim_age_del(h->steer, age);
	sim_lock_give(h->nic);
}

int
hwf_age_fetch(struct hwf *h, uint16_t port, uint32_t list, void **contexts, uint32_t nb)
{
	struct hwf_port *p = &h->port[port];
	struct hwf_list *l = &p->aged[list];
	uint32_t i, next, n = 0;
	struct hwf_age *a;
	sim_cycle since;
	bool aged;

	p->age_said = false;
	for (i = l->first; i != HWF_NONE && (nb == 0 || n < nb); i = next) {
		a = age_at(h, i);
		next = a->slot.next;
		sim_lock_take(h->nic);
		sim_age_read(h->steer, i, h->env->now(h->ctx), &aged, &since);
		sim_lock_give(h->nic);
		/* A packet came by since. */
		if (!aged) {
			unlist(h, a);
			continue;
		}
		if (nb != 0) {
			contexts[n] = a->context;
			unlist(h, a);
		}
		n++;
	}
	return n;
}

void
hwf_age_query(struct hwf *h, uint32_t age, struct rte_flow_query_age *q)
{
	sim_cycle since = 0;
	bool aged = false;
	uint64_t s;

	sim_lock_take(h->nic);
	sim_age_read(h->steer, age, h->env->now(h->ctx), &aged, &since);
	sim_lock_give(h->nic);
	s = since / seconds(h, 1);
	*q = (struct rte_flow_query_age){
		.aged = aged,
		.sec_since_last_hit_valid = 1,
		.sec_since_last_hit = s < (1u << 24) ? s : (1u << 24) - 1,
	};
}

int
hwf_age_update(struct hwf *h, uint32_t age, const struct rte_flow_update_age *u)
{
	const sim_cycle timeout = seconds(h, u->timeout);
	int rc;

	sim_lock_take(h->nic);
	rc = sim_age_update(h->steer, age, u->timeout_valid ? &timeout : NULL, u->touch,
			h->env->now(h->ctx));
	sim_lock_give(h->nic);
	return rc;
}

int64_t
hwf_counter_add(struct hwf *h)
{
	int64_t n;

	sim_lock_take(h->nic);
	n = sim_counter_add(h->steer);
	if (n >= 0 && h->env->counter_new != NULL)
		h->env->counter_new(h->ctx, (uint32_t)n);
	sim_lock_give(h->nic);
	return n;
}

void
hwf_count_query(struct hwf *h, uint32_t counter, struct rte_flow_query_count *q)
{
	const bool reset = q->reset;
	uint64_t packets, bytes;

	sim_lock_take(h->nic);
	if (h->env->counter_read != NULL)
		h->env->counter_read(h->ctx, counter, &packets, &bytes, reset);
	else
		sim_counter_read(h->steer, counter, &packets, &bytes, reset);
	sim_lock_give(h->nic);
	q->hits = packets;
	q->bytes = bytes;
	q->hits_set = 1;
	q->bytes_set = 1;
}

/* Takes what has aged off the model's list and puts it into those of ports; returns the ports that are to hear of it. */
static uint64_t
collect(struct hwf *h)
{
	uint32_t ages[AGED_AT_A_TIME], n, i;
	uint64_t ports = 0;
	struct hwf_age *a;
	sim_cycle now, due;

	do {
		sim_lock_take(h->nic);
		now = h->env->now(h->ctx);
		due = sim_age_tick(h->steer, now);
		n = sim_age_take(h->steer, ages, AGED_AT_A_TIME);
		sim_lock_give(h->nic);
		for (i = 0; i < n; i++) {
			a = age_at(h, ages[i]);
			if (a->slot.kind != HWF_AGE || a->listed)
				continue;
			a->listed = 1;
			hwf_list_add(&h->port[a->slot.port].aged[a->list], &h->ages, a);
			if (!h->port[a->slot.port].age_said)
				ports |= UINT64_C(1) << a->slot.port;
			h->port[a->slot.port].age_said = true;
		}
	} while (n == AGED_AT_A_TIME || due <= now);
	return ports;
}

void
hwf_tick(struct hwf *h)
{
	uint64_t ports;
	uint16_t port;

	if (__atomic_load_n(&h->n_ages, __ATOMIC_RELAXED) == 0)
		return;
	pthread_mutex_lock(&h->lock);
	ports = collect(h);
	pthread_mutex_unlock(&h->lock);
	/* Its handler fetches and destroys: no lock is held. */
	for (port = 0; port < h->n_ports; port++)
		if (ports & UINT64_C(1) << port)
			h->env->aged(h->ctx, port);
}

int
hwf_get_aged(struct hwf *h, uint16_t port, void **contexts, uint32_t nb,
		struct rte_flow_error *error)
{
	int n;

	if (hwf_check_port(h, port, error) != 0)
		return -ENODEV;
	if (nb != 0 && contexts == NULL)
		return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL,
				"no array for the contexts");
	pthread_mutex_lock(&h->lock);
	n = hwf_age_fetch(h, port, 0, contexts, nb);
	pthread_mutex_unlock(&h->lock);
	return n;
}
