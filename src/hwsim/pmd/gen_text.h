/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of the generator's options, a type each. All name the key at fault; where a key is not given its value stays.
 */
#ifndef HWSIM_GEN_TEXT_H
#define HWSIM_GEN_TEXT_H

#include "gen.h"

/* One of a list of words, perhaps with a number behind a colon. */
struct gen_word {
	uint8_t index;
	bool has_value;
	double value;
};
int
gen_text_word(const char *options, const char *key, const char *const *words, struct gen_word *w,
		struct sim_error *e);

/* -ENOENT: not given. */
int
gen_text_net(const char *options, const char *key, int family, struct gen_net *net,
		struct sim_error *e);
int
gen_text_net_of(const char *text, const char *key, int family, struct gen_net *net,
		struct sim_error *e);
int
gen_text_ports(const char *options, const char *key, struct gen_ports *p, struct sim_error *e);
int
gen_text_mac(const char *options, const char *key, uint8_t mac[6], struct sim_error *e);
int
gen_text_sizes(const char *options, struct gen_conf *c, struct sim_error *e);

#endif /* HWSIM_GEN_TEXT_H */
