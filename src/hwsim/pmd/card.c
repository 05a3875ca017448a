/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One card: profile, steering, the model where there is a clock, the translation of rules, and the wires. Made by probe
 * before its ethdevs, gone after the last of them. Knows no devargs' text and no eth_dev_ops.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf_dyn.h>
#include <rte_string_fns.h>

#include "hwsim.h"

static int
load_profile(struct hwsim_card *card, struct sim_error *e)
{
	struct sim_error why = { .text = "" };
	int rc = sim_profile_load(&card->profile, card->args.profile, &why);
	uint16_t i;

	if (rc != 0)
		return sim_fail(e, -rc, "profile=: %s (a name, as ideal or 25g, or a file)",
				why.text);
	for (i = 0; rc == 0 && i < card->args.n_sets; i++)
		rc = sim_profile_set(&card->profile, card->args.set[i], &why);
	return rc == 0 ? 0
		       : sim_fail(e, -rc, "set=: %s (section.key=value of a profile)", why.text);
}

/* The mbuf has no place for what a tunnel miss leaves behind, so it gets one; all cards share it. */
static int
make_room(struct hwsim_card *card, struct sim_error *e)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "net_hwsim_restore",
		.size = sizeof(uint32_t),
		.align = __alignof__(uint32_t),
	};
	static const struct rte_mbuf_dynflag flag = { .name = "net_hwsim_restore" };
	int bit;

	card->restore_at = rte_mbuf_dynfield_register(&field);
	bit = rte_mbuf_dynflag_register(&flag);
	if (card->restore_at < 0 || bit < 0)
		return sim_fail(e, ENOSPC, "no room in the mbuf for restore info");
	card->restore_flag = UINT64_C(1) << bit;
	card->stamp_at = -1;
	return 0;
}

static int
make_model(struct hwsim_card *card, struct sim_error *e)
{
	const struct sim_nic_params params = {
		.profile = &card->profile,
		.n_ports = card->n_ports,
		.steer = card->steer,
		.trace_packets = card->args.trace,
	};

	if (card->args.clock == HWSIM_CLOCK_OFF)
		return 0;
	card->model = sim_nic_create(&params, e);
	if (card->model == NULL)
		return -ENOMEM;
	return card->args.wave[0] != '\0' ? sim_nic_wave(card->model, card->args.wave, e) : 0;
}

static int
make_inside(struct hwsim_card *card, struct sim_error *e)
{
	const struct sim_steer_params steer = {
		.profile = &card->profile,
		.n_ports = card->n_ports,
		.mirror = hwsim_mirror,
		.ctx = card,
	};
	const struct hwf_params flow = {
		.profile = &card->profile,
		.lock = &card->lock,
		.n_ports = card->n_ports,
		.env = &hwsim_flow_env,
		.ctx = card,
	};
	struct hwf_params with = flow;
	int rc;

	card->steer = sim_steer_create(&steer);
	if (card->steer == NULL)
		return sim_fail(e, ENOMEM, "no memory for steering");
	rc = make_model(card, e);
	if (rc != 0)
		return rc;
	with.steer = card->steer;
	card->hwf = hwf_create_all(&with);
	return card->hwf == NULL ? sim_fail(e, ENOMEM, "no memory for rules") : 0;
}

struct hwsim_card *
hwsim_card_create(const char *name, const char *devargs, struct sim_error *e)
{
	struct hwsim_card *card = calloc(1, sizeof(*card));
	int rc;

	if (card == NULL) {
		sim_fail(e, ENOMEM, "no memory");
		return NULL;
	}
	card->domain = RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID;
	strlcpy(card->name, name, sizeof(card->name));
	rc = hwsim_args_parse(&card->args, devargs, e);
	if (rc == 0)
		rc = load_profile(card, e);
	if (rc == 0)
		rc = make_room(card, e);
	card->n_wires = card->args.ports;
	card->n_ports = (uint16_t)(card->args.ports + card->args.n_representors);
	hwsim_clock_start(card);
	if (rc == 0)
		rc = make_inside(card, e);
	if (rc == 0 && rte_eth_switch_domain_alloc(&card->domain) != 0)
		rc = sim_fail(e, ENOSPC, "no switch domain is left");
	if (rc == 0 && hwsim_tick_start(card) != 0)
		rc = sim_fail(e, ENOMEM, "no alarm is left");
	if (rc == 0)
		return card;
	hwsim_card_destroy(card);
	return NULL;
}

void
hwsim_card_destroy(struct hwsim_card *card)
{
	uint16_t i;

	if (card == NULL)
		return;
	hwsim_tick_stop(card);
	hwf_destroy_all(card->hwf);
	sim_nic_destroy(card->model);
	sim_steer_destroy(card->steer);
	for (i = 0; i < card->n_wires; i++)
		if (card->wire[i] != NULL)
			card->wire[i]->ops->close(card->wire[i]);
	if (card->domain != RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID)
		rte_eth_switch_domain_free(card->domain);
	hwsim_args_free(&card->args);
	free(card);
}
