/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time of a card: where it comes from, what flow calls take of it, and what has to happen from time to time. off: the TSC,
 * for ageing and meters only. tsc: the model follows the TSC. virtual: time passes by polls and commands and nothing else,
 * so that every run is the same.
 */
#include <errno.h>

#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_pause.h>

#include "hwsim.h"

/* How often links, ageing and waiting queues are looked at; waiting queues want more. */
#define TICK_US 20000
#define TICK_WAITING_US 500
/* Without a clock the ageing scanner's interval may be much shorter than the tick: a scan looks at every context. */
#define SCAN_NS_MIN 50000000
/* An application in a loop is back after this part of a command's time: generating a rule takes some 100 ns. */
#define LOOP_SHARE 8

/* a * b / c where a * b is longer than 64 bits. */
static inline uint64_t
scale(uint64_t a, uint64_t b, uint64_t c)
{
	return (uint64_t)((unsigned __int128)a * b / c);
}

void
hwsim_clock_start(struct hwsim_card *card)
{
	card->tsc_start = rte_get_tsc_cycles();
	card->tsc_hz = rte_get_tsc_hz();
	/* 32.32 fixed point: a division of 128 bits would take as long as a whole burst. */
	card->ns_per_tsc = scale(UINT64_C(1000000000) << 32, 1, card->tsc_hz);
}

static inline uint64_t
wall_ns(const struct hwsim_card *card)
{
	const unsigned __int128 t =
			(rte_rdtsc() - card->tsc_start) * (unsigned __int128)card->ns_per_tsc;

	return (uint64_t)(t >> 32);
}

uint64_t
hwsim_clock_ns(const struct hwsim_card *card)
{
	if (card->args.clock == HWSIM_CLOCK_OFF)
		return wall_ns(card);
	return scale(sim_nic_now(card->model), 1000, card->profile.clock_mhz);
}

static inline sim_cycle
to_cycles(const struct hwsim_card *card, uint64_t ns)
{
	return scale(ns, card->profile.clock_mhz, 1000);
}

sim_cycle
hwsim_clock_cycles(const struct hwsim_card *card)
{
	if (card->args.clock == HWSIM_CLOCK_OFF)
		return to_cycles(card, wall_ns(card));
	return sim_nic_now(card->model);
}

/*
 * tsc: the model goes to where the wall clock is, but no further at a time than this, or a program that stopped for a second
 * would wait for the model to work off that second. Time that is left over is left out.
 */
#define STEP_NS_MAX 1000000

static void
follow_tsc(struct hwsim_card *card)
{
	const uint64_t wall = wall_ns(card) - card->lost_ns;
	const uint64_t now = hwsim_clock_ns(card);

	if (wall <= now)
		return;
	if (wall - now > STEP_NS_MAX)
		card->lost_ns += wall - now - STEP_NS_MAX;
	hwsim_advance(card, to_cycles(card, RTE_MIN(wall, now + STEP_NS_MAX)));
}

/* virtual: what was asked for in ns is kept in ns, or rounding would add up. */
static void
pass(struct hwsim_card *card, uint64_t ns)
{
	card->virtual_ns += ns;
	hwsim_advance(card, RTE_MAX(to_cycles(card, card->virtual_ns), sim_nic_now(card->model)));
}

void
hwsim_clock_poll(struct hwsim_card *card, uint16_t n)
{
	const struct sim_profile *p = &card->profile;

	card->polled = true;
	if (card->args.clock == HWSIM_CLOCK_TSC)
		follow_tsc(card);
	else
		pass(card, p->host_poll_ns + (uint64_t)n * p->host_packet_ns);
}

/* Their time is in the next poll's. */
void
hwsim_clock_packets(struct hwsim_card *card, uint16_t n)
{
	card->virtual_ns += (uint64_t)n * card->profile.host_packet_ns;
}

/* --- what hwsim/rteflow asks for: another thread may be closing a port, so looking at one takes the lock --- */

static int
env_port_of(void *ctx, uint16_t ethdev)
{
	struct hwsim_card *card = ctx;
	int port = -1;
	uint16_t i;

	sim_lock_take(&card->lock);
	for (i = 0; port < 0 && i < card->n_ports; i++)
		if (card->host[i] != NULL && card->host[i]->ethdev == ethdev)
			port = i;
	sim_lock_give(&card->lock);
	return port;
}

static uint16_t
env_rx_queues(void *ctx, uint16_t port)
{
	struct hwsim_card *card = ctx;
	uint16_t n;

	sim_lock_take(&card->lock);
	n = card->host[port] != NULL ? card->host[port]->data->nb_rx_queues : 0;
	sim_lock_give(&card->lock);
	return n;
}

static void
env_rss(void *ctx, uint16_t port, struct sim_rss *rss)
{
	struct hwsim_card *card = ctx;

	sim_lock_take(&card->lock);
	if (card->host[port] != NULL)
		*rss = card->host[port]->rss;
	else
		*rss = (struct sim_rss){ .n = 1 };
	sim_lock_give(&card->lock);
}

static bool
env_started(void *ctx, uint16_t port)
{
	struct hwsim_card *card = ctx;
	bool started;

	sim_lock_take(&card->lock);
	started = card->host[port] != NULL && card->host[port]->started;
	sim_lock_give(&card->lock);
	return started;
}

static sim_cycle
env_now(void *ctx)
{
	return hwsim_clock_cycles(ctx);
}

/*
 * Host time of a command: that of the command itself where one follows the other; where packets were polled since the last
 * one, at least what insertions between packets take all told (command.busy-ns).
 */
static uint64_t
command_ns(struct hwsim_card *card, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost)
{
	uint64_t ns = sim_cmd_ns(&card->profile, kind, cost);

	if (card->polled && kind == SIM_CMD_INSERT)
		ns = RTE_MAX(ns, (uint64_t)card->profile.command_busy_ns);
	card->polled = false;
	return ns;
}

static void
wait_until(const struct hwsim_card *card, uint64_t ns)
{
	while (wall_ns(card) < ns)
		rte_pause();
}

/*
 * The command unit of a card without a clock does one after the other. When this one, of `began`, is over, in ns. The rates
 * that profiles are calibrated with are those of a loop around the call, so what an application's loop takes between two
 * calls is in the time of the second one, as long as it is short beside that.
 */
static uint64_t
book(struct hwsim_card *card, uint64_t began, uint64_t ns)
{
	const uint64_t loop = ns / LOOP_SHARE;

	if (began > card->command_free + loop)
		card->command_free = began;
	card->command_free += ns;
	return card->command_free;
}

static bool
spends_wall(const struct hwsim_card *card)
{
	return card->args.pace || card->args.clock == HWSIM_CLOCK_TSC;
}

/* Calls that take no time should not ask for it either. */
static uint64_t
env_begin(void *ctx)
{
	const struct hwsim_card *card = ctx;

	return spends_wall(card) ? wall_ns(card) : 0;
}

static void
env_spend(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost, uint64_t began)
{
	struct hwsim_card *card = ctx;
	uint64_t ns, until = 0;

	if (card->args.clock == HWSIM_CLOCK_OFF && !card->args.pace)
		return;
	sim_lock_take(&card->lock);
	/* Packets see the rule from now on, and not its place's old entry. */
	if (card->model != NULL)
		sim_nic_entry_written(card->model, cost->line);
	ns = command_ns(card, kind, cost);
	if (card->args.clock == HWSIM_CLOCK_VIRTUAL)
		pass(card, ns);
	if (spends_wall(card))
		until = book(card, began, ns);
	sim_lock_give(&card->lock);
	wait_until(card, until);
}

static int64_t
env_enqueue(void *ctx, enum sim_cmd_kind kind, const struct sim_cmd_cost *cost,
		void (*done)(void *arg), void *arg)
{
	struct hwsim_card *card = ctx;

	if (card->model != NULL)
		return sim_nic_cmd(card->model, kind, cost, done, arg);
	done(arg);
	if (!card->args.pace)
		return (int64_t)hwsim_clock_cycles(card);
	return (int64_t)to_cycles(card, book(card, wall_ns(card), command_ns(card, kind, cost)));
}

static void
env_counter_new(void *ctx, uint32_t counter)
{
	struct hwsim_card *card = ctx;

	if (card->model != NULL)
		sim_nic_counter_new(card->model, counter);
}

static void
env_counter_read(void *ctx, uint32_t counter, uint64_t *packets, uint64_t *bytes, bool reset)
{
	struct hwsim_card *card = ctx;

	if (card->model != NULL)
		sim_nic_counter_read(card->model, counter, packets, bytes, reset);
	else
		sim_counter_read(card->steer, counter, packets, bytes, reset);
}

static void
env_aged(void *ctx, uint16_t port)
{
	struct hwsim_card *card = ctx;
	struct rte_eth_dev *dev = NULL;

	sim_lock_take(&card->lock);
	if (card->host[port] != NULL)
		dev = &rte_eth_devices[card->host[port]->ethdev];
	sim_lock_give(&card->lock);
	if (dev != NULL)
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_FLOW_AGED, NULL);
}

const struct hwf_env hwsim_flow_env = {
	.port_of = env_port_of,
	.rx_queues = env_rx_queues,
	.rss = env_rss,
	.started = env_started,
	.now = env_now,
	.begin = env_begin,
	.spend = env_spend,
	.enqueue = env_enqueue,
	.counter_new = env_counter_new,
	.counter_read = env_counter_read,
	.aged = env_aged,
};

/* --- the tick: a timer of EAL's interrupt thread --- */

/* A link that changed is told of behind the lock: a callback may stop or close the port. */
static bool
look_at_ports(struct hwsim_card *card, uint16_t *changed, uint16_t *n)
{
	bool waiting = false;
	uint16_t i;

	sim_lock_take(&card->life);
	for (i = 0; i < card->n_ports; i++) {
		struct hwsim_port *port = card->host[i];

		if (port != NULL && hwsim_is(&port->started)) {
			waiting |= hwsim_intr_check(port);
			if (port->wire != NULL && hwsim_link_changed(port))
				changed[(*n)++] = port->ethdev;
		}
		port = card->far[i];
		if (port != NULL && hwsim_is(&port->started))
			waiting |= hwsim_intr_check(port);
	}
	sim_lock_give(&card->life);
	return waiting;
}

/* Polls may be far apart, or not come at all where interrupts are waited for. */
static void
keep_time(struct hwsim_card *card)
{
	bool scan;

	sim_lock_take(&card->lock);
	if (card->args.clock == HWSIM_CLOCK_TSC)
		follow_tsc(card);
	scan = hwsim_scan_due(card);
	sim_lock_give(&card->lock);
	if (scan)
		hwf_tick(card->hwf);
}

static void
tick(void *arg)
{
	struct hwsim_card *card = arg;
	uint16_t changed[SIM_PORTS_MAX], n = 0, i;
	bool waiting, gone = false;

	sim_lock_take(&card->lock);
	card->gone = &gone;
	sim_lock_give(&card->lock);
	/* Virtual time passes in polls alone, and its scans with it: see hwsim_rx_timed(). */
	if (card->args.clock != HWSIM_CLOCK_VIRTUAL)
		keep_time(card);
	waiting = look_at_ports(card, changed, &n);
	for (i = 0; i < n; i++)
		rte_eth_dev_callback_process(
				&rte_eth_devices[changed[i]], RTE_ETH_EVENT_INTR_LSC, NULL);
	/* A callback may have closed the card's last port. */
	if (gone)
		return;
	card->gone = NULL;
	rte_eal_alarm_set(waiting ? TICK_WAITING_US : TICK_US, tick, card);
}

bool
hwsim_scan_due(struct hwsim_card *card)
{
	const sim_cycle now = hwsim_clock_cycles(card);
	uint64_t ns = (uint64_t)card->profile.objects_age_scan_us * 1000;

	if (card->args.clock == HWSIM_CLOCK_OFF)
		ns = RTE_MAX(ns, (uint64_t)SCAN_NS_MIN);
	if (now < card->next_scan)
		return false;
	card->next_scan = now + to_cycles(card, ns);
	return true;
}

int
hwsim_tick_start(struct hwsim_card *card)
{
	int rc;

	/* All that probe wrote is there for the tick's thread. */
	sim_lock_take(&card->lock);
	rc = rte_eal_alarm_set(TICK_US, tick, card);
	card->alarm = rc == 0;
	sim_lock_give(&card->lock);
	return rc;
}

void
hwsim_tick_stop(struct hwsim_card *card)
{
	if (!card->alarm)
		return;
	/* Waits for a tick that runs, but where it is the tick that calls. */
	rte_errno = 0;
	rte_eal_alarm_cancel(tick, card);
	if (rte_errno == EINPROGRESS && card->gone != NULL)
		*card->gone = true;
	card->alarm = false;
}
