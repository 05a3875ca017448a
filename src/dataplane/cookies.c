/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When SYN cookies are used: cookies.h. Control lcore only.
 */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "dp_priv.h"
#include "syncookie/cookie.h"

int
cookies_create(struct dp *dp)
{
	struct dp_cookies *c = &dp->cookies;

	c->cfg = &dp->cfg->conntrack.syn_cookies;
	/* Whoever knows the key opens connections from any address: it is not to be had from other random numbers. */
	if (dp->replay) {
		c->key[0] = dp->hash_seed;
		c->key[1] = ~(uint64_t)dp->hash_seed;
	} else if (getentropy(c->key, sizeof(c->key)) != 0) {
		log_err("no random numbers for SYN cookies\n");
		return -errno;
	}
	if (c->cfg->mode == CFG_COOKIES_ON)
		c->state = COOKIES_ACTIVE;
	return 0;
}

static void
set_state(struct dp_cookies *c, enum cookies_state state)
{
	__atomic_store_n(&c->state, (uint8_t)state, __ATOMIC_RELEASE);
}

void
cookies_poll(struct dp *dp, uint64_t now)
{
	struct dp_cookies *c = &dp->cookies;
	struct ct_stats stats;

	if (c->cfg->mode != CFG_COOKIES_AUTO)
		return;
	ct_stats(dp->ct, &stats);
	if (stats.half_open >= c->cfg->threshold) {
		if (c->state != COOKIES_ACTIVE)
			log_warn("%u half-open connections: SYNs are answered by cookies\n",
					stats.half_open);
		c->calm_since = now;
		set_state(c, COOKIES_ACTIVE);
	} else if (c->state == COOKIES_ACTIVE) {
		if (stats.half_open * UINT64_C(2) > c->cfg->threshold)
			c->calm_since = now;
		if (now < c->calm_since + COOKIES_CALM_NS)
			return;
		log_warn("%u half-open connections: no more SYN cookies\n", stats.half_open);
		c->accept_until = now + COOKIE_LIFE_NS;
		set_state(c, COOKIES_ACCEPT);
	} else if (c->state == COOKIES_ACCEPT && now >= c->accept_until) {
		set_state(c, COOKIES_OFF);
	}
}
