/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics: those of librte_ethdev, and extended ones: queues, wire, every reason for a drop, every unit of the model,
 * tables. Called on control threads. Extended ones are enumerated by one function, so that names and values agree; their
 * number does not change while a port is configured as it is.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hwsim.h"

static const char *const drop_names[SIM_DROP_COUNT] = {
#define X(NAME, name, text) #name,
	SIM_DROPS(X)
#undef X
};

void
hwsim_drop_count(struct hwsim_port *port, enum sim_drop why, uint64_t n)
{
	if (port != NULL && why < SIM_DROP_COUNT)
		__atomic_fetch_add(&port->drops[why], n, __ATOMIC_RELAXED);
}

/* What the model dropped on the port's account and what the driver did. */
static void
port_drops(const struct hwsim_port *port, uint64_t drops[SIM_DROP_COUNT], bool reset)
{
	struct hwsim_card *card = port->card;
	unsigned int i;

	memset(drops, 0, SIM_DROP_COUNT * sizeof(drops[0]));
	/* Its memory is the primary process's. */
	if (rte_eal_process_type() == RTE_PROC_PRIMARY && card != NULL && card->model != NULL) {
		sim_lock_take(&card->lock);
		sim_nic_port_drops(card->model, port->sw, drops, reset);
		sim_lock_give(&card->lock);
	}
	for (i = 0; i < SIM_DROP_COUNT; i++)
		drops[i] += __atomic_load_n(&port->drops[i], __ATOMIC_RELAXED);
}

static uint64_t
of_wire(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void
rx_stats(const struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	uint64_t packets, bytes;
	uint16_t i;

	for (i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct hwsim_rxq *q = dev->data->rx_queues[i];

		if (q == NULL)
			continue;
		stats->rx_nombuf += hwsim_count_get(&q->nombuf);
		packets = hwsim_count_get(&q->packets);
		bytes = hwsim_count_get(&q->bytes);
		stats->ipackets += packets;
		stats->ibytes += bytes;
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			stats->q_ipackets[i] = packets;
			stats->q_ibytes[i] = bytes;
		}
	}
}

static void
tx_stats(const struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	uint64_t packets, bytes;
	uint16_t i;

	for (i = 0; i < dev->data->nb_tx_queues; i++) {
		const struct hwsim_txq *q = dev->data->tx_queues[i];

		if (q == NULL)
			continue;
		stats->oerrors += hwsim_count_get(&q->errors);
		packets = hwsim_count_get(&q->packets);
		bytes = hwsim_count_get(&q->bytes);
		stats->opackets += packets;
		stats->obytes += bytes;
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			stats->q_opackets[i] = packets;
			stats->q_obytes[i] = bytes;
		}
	}
}

int
hwsim_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	const struct hwsim_port *port = hwsim_port_of(dev);
	uint64_t drops[SIM_DROP_COUNT];

	rx_stats(dev, stats);
	tx_stats(dev, stats);
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return 0;
	port_drops(port, drops, false);
	stats->imissed = drops[SIM_DROP_NODESC] + drops[SIM_DROP_BUFFER];
	stats->ierrors = drops[SIM_DROP_LENGTH];
	if (port->wire != NULL) {
		stats->imissed += of_wire(&port->wire->stats.rx_missed);
		stats->rx_nombuf += of_wire(&port->wire->stats.rx_nombuf);
	}
	return 0;
}

static void
reset_wire(struct wire *w)
{
	uint64_t *const counters[] = { &w->stats.rx_frames, &w->stats.rx_bytes, &w->stats.tx_frames,
		&w->stats.tx_bytes, &w->stats.tx_lost, &w->stats.errors, &w->stats.rx_missed,
		&w->stats.rx_nombuf };
	unsigned int i;

	for (i = 0; i < RTE_DIM(counters); i++)
		__atomic_store_n(counters[i], 0, __ATOMIC_RELAXED);
	if (w->ops->reset != NULL)
		w->ops->reset(w);
}

static void
reset3(struct hwsim_count *a, struct hwsim_count *b, struct hwsim_count *c)
{
	hwsim_count_reset(a);
	hwsim_count_reset(b);
	hwsim_count_reset(c);
}

/* Of the port, its wire and the wire's check. Counts of the card stay: other ports show them, too. */
int
hwsim_stats_reset(struct rte_eth_dev *dev)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	uint64_t drops[SIM_DROP_COUNT];
	uint16_t i;

	for (i = 0; i < dev->data->nb_rx_queues; i++) {
		struct hwsim_rxq *q = dev->data->rx_queues[i];

		if (q != NULL)
			reset3(&q->packets, &q->bytes, &q->nombuf);
	}
	for (i = 0; i < dev->data->nb_tx_queues; i++) {
		struct hwsim_txq *q = dev->data->tx_queues[i];

		if (q != NULL)
			reset3(&q->packets, &q->bytes, &q->errors);
	}
	port_drops(port, drops, true);
	for (i = 0; i < SIM_DROP_COUNT; i++)
		__atomic_store_n(&port->drops[i], 0, __ATOMIC_RELAXED);
	if (port->wire != NULL)
		reset_wire(port->wire);
	return 0;
}

/* Enumerates: names, values, or both. */
struct walk {
	struct rte_eth_xstat *stats;
	struct rte_eth_xstat_name *names;
	unsigned int room, n;
};

static void __rte_format_printf(3, 4) put(struct walk *w, uint64_t value, const char *fmt, ...)
{
	va_list ap;

	if (w->n < w->room && w->stats != NULL)
		w->stats[w->n] = (struct rte_eth_xstat){ .id = w->n, .value = value };
	if (w->n < w->room && w->names != NULL) {
		va_start(ap, fmt);
		vsnprintf(w->names[w->n].name, sizeof(w->names[w->n].name), fmt, ap);
		va_end(ap);
	}
	w->n++;
}

static void
put_queues(struct walk *w, const struct rte_eth_dev_data *data)
{
	uint16_t i;

	for (i = 0; i < data->nb_rx_queues; i++) {
		const struct hwsim_rxq *q = data->rx_queues[i];

		put(w, q == NULL ? 0 : hwsim_count_get(&q->packets), "rx_q%u_packets", i);
		put(w, q == NULL ? 0 : hwsim_count_get(&q->bytes), "rx_q%u_bytes", i);
		put(w, q == NULL ? 0 : hwsim_count_get(&q->nombuf), "rx_q%u_nombuf", i);
	}
	for (i = 0; i < data->nb_tx_queues; i++) {
		const struct hwsim_txq *q = data->tx_queues[i];

		put(w, q == NULL ? 0 : hwsim_count_get(&q->packets), "tx_q%u_packets", i);
		put(w, q == NULL ? 0 : hwsim_count_get(&q->bytes), "tx_q%u_bytes", i);
		put(w, q == NULL ? 0 : hwsim_count_get(&q->errors), "tx_q%u_errors", i);
	}
}

static void
put_wire(struct walk *w, struct wire *wire)
{
	struct wire_xstat own[32];
	uint32_t i, n;

	if (wire == NULL)
		return;
	put(w, of_wire(&wire->stats.rx_frames), "wire_rx_frames");
	put(w, of_wire(&wire->stats.rx_bytes), "wire_rx_bytes");
	put(w, of_wire(&wire->stats.tx_frames), "wire_tx_frames");
	put(w, of_wire(&wire->stats.tx_bytes), "wire_tx_bytes");
	put(w, of_wire(&wire->stats.tx_lost), "wire_tx_lost");
	put(w, of_wire(&wire->stats.errors), "wire_errors");
	put(w, of_wire(&wire->stats.rx_missed), "wire_rx_missed");
	put(w, of_wire(&wire->stats.rx_nombuf), "wire_rx_nombuf");
	n = wire->ops->xstats != NULL ? wire->ops->xstats(wire, own, RTE_DIM(own)) : 0;
	for (i = 0; i < n && i < RTE_DIM(own); i++)
		put(w, own[i].value, "wire_%s", own[i].name);
}

/* Of the card: the same on all of its ports. */
static void
put_steering(struct walk *w, const struct hwsim_card *card)
{
	struct sim_steer_stats s;

	sim_steer_stats(card->steer, &s);
	put(w, s.packets, "steer_packets");
	put(w, s.hits, "steer_hits");
	put(w, s.misses, "steer_misses");
	put(w, s.rules, "rules");
	put(w, s.entries, "table_entries");
	put(w, s.tcam_entries, "table_tcam_entries");
	put(w, s.counters, "counters");
	put(w, s.ages, "ages");
	put(w, s.meters, "meters");
	put(w, s.cts, "connections");
	put(w, s.bytes, "table_bytes");
}

static void
put_model(struct walk *w, const struct hwsim_card *card)
{
	struct sim_unit_stats u;
	struct sim_account a;
	uint32_t i;

	if (card->model == NULL)
		return;
	sim_nic_account(card->model, &a);
	put(w, sim_nic_now(card->model), "cycles");
	put(w, a.in_wire, "card_in_wire");
	put(w, a.in_host, "card_in_host");
	put(w, a.made, "card_made");
	put(w, a.out_wire, "card_out_wire");
	put(w, a.out_host, "card_out_host");
	put(w, a.dropped, "card_dropped");
	put(w, a.held, "card_held");
	for (i = 0; i < SIM_DROP_COUNT; i++)
		put(w, a.drops[i], "card_drop_%s", drop_names[i]);
	for (i = 0; sim_nic_unit(card->model, i, &u); i++) {
		put(w, u.served, "unit_%s_served", u.name);
		put(w, u.busy, "unit_%s_busy", u.name);
		put(w, u.queue, "unit_%s_queue", u.name);
		put(w, u.queue_max, "unit_%s_queue_max", u.name);
		put(w, u.queue_cycles, "unit_%s_queue_cycles", u.name);
		put(w, u.wait_cycles, "unit_%s_wait_cycles", u.name);
		put(w, u.drops, "unit_%s_drops", u.name);
		put(w, u.hits, "unit_%s_hits", u.name);
		put(w, u.misses, "unit_%s_misses", u.name);
	}
}

static unsigned int
walk(struct rte_eth_dev *dev, struct walk *w)
{
	struct hwsim_port *port = hwsim_port_of(dev);
	uint32_t i;

	put_queues(w, dev->data);
	for (i = 0; i < SIM_DROP_COUNT; i++)
		put(w, __atomic_load_n(&port->drops[i], __ATOMIC_RELAXED), "drop_%s",
				drop_names[i]);
	put_wire(w, port->wire);
	sim_lock_take(&port->card->lock);
	put_steering(w, port->card);
	put_model(w, port->card);
	sim_lock_give(&port->card->lock);
	return w->n;
}

int
hwsim_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *stats, unsigned int n)
{
	struct walk w = { .stats = stats, .room = stats == NULL ? 0 : n };

	return (int)walk(dev, &w);
}

int
hwsim_xstats_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n)
{
	struct walk w = { .names = names, .room = names == NULL ? 0 : n };

	return (int)walk(dev, &w);
}

/* All of them, for those who ask for some by number. */
static int
take_all(struct rte_eth_dev *dev, struct walk *w)
{
	unsigned int n = walk(dev, &(struct walk){ .n = 0 });

	w->room = n;
	w->stats = calloc(n, sizeof(*w->stats));
	w->names = calloc(n, sizeof(*w->names));
	if (w->stats == NULL || w->names == NULL)
		return -ENOMEM;
	walk(dev, w);
	return 0;
}

static int
by_id(struct rte_eth_dev *dev, const uint64_t *ids, uint64_t *values,
		struct rte_eth_xstat_name *names, unsigned int n)
{
	struct walk w = { .n = 0 };
	int rc = take_all(dev, &w);
	unsigned int i;

	if (rc == 0 && ids == NULL && n < w.room)
		rc = (int)w.room;
	for (i = 0; rc == 0 && i < (ids == NULL ? w.room : n); i++) {
		const uint64_t id = ids == NULL ? i : ids[i];

		if (id >= w.room) {
			rc = -EINVAL;
			break;
		}
		if (values != NULL)
			values[i] = w.stats[id].value;
		if (names != NULL)
			names[i] = w.names[id];
	}
	if (rc == 0)
		rc = (int)i;
	free(w.stats);
	free(w.names);
	return rc;
}

int
hwsim_xstats_get_by_id(
		struct rte_eth_dev *dev, const uint64_t *ids, uint64_t *values, unsigned int n)
{
	return by_id(dev, ids, values, NULL, values == NULL ? 0 : n);
}

int
hwsim_xstats_names_by_id(struct rte_eth_dev *dev, const uint64_t *ids,
		struct rte_eth_xstat_name *names, unsigned int n)
{
	return by_id(dev, ids, NULL, names, names == NULL ? 0 : n);
}
