/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doors of people and programs: the prompt and the socket of events. The control lcore serves them between packets:
 * whenever there are none, and while there are, for a bounded share of its time, whatever is asked for. Called by
 * main() and benches.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "dp_priv.h"

/*
 * A round of the doors that took t is followed by SHARE times t for packets, and by no less than PAUSE_NS: the prompt
 * costs system calls even when nobody types. Nor by more than PAUSE_MAX_NS: a round that took longer than it can was
 * interrupted by the operating system.
 */
#define SHARE 15
#define PAUSE_NS UINT64_C(200000)
#define PAUSE_MAX_NS UINT64_C(5000000)
/* No packet for so long is idle. A ring that is empty for a moment is not: the next burst would wait for the doors. */
#define IDLE_NS UINT64_C(1000000)

int
dp_doors_open(struct dp *dp, bool prompt, const char *events)
{
	int rc = 0;

	if (events != NULL) {
		dp->feed = ctl_feed_create(dp->ct, events, dp->epoch);
		if (dp->feed == NULL) {
			rc = -errno;
			log_err("%s: no socket for events: %s\n", events,
					rc == -ENOTSUP ? "the configuration wants no events"
						       : strerror(-rc));
			return rc;
		}
	}
	if (prompt)
		rc = ctl_prompt_open(dp->ctl, STDIN_FILENO, STDOUT_FILENO);
	if (rc != 0)
		log_err("prompt: %s\n", strerror(-rc));
	dp->prompt = prompt && rc == 0;
	return rc;
}

bool
dp_doors_poll(struct dp *dp, unsigned int seen, uint64_t now)
{
	uint64_t begin, spent;
	bool open = true;

	if (seen != 0)
		dp->last_packet = now;
	if ((!dp->prompt && dp->feed == NULL) ||
			(now < dp->next_doors && now - dp->last_packet < IDLE_NS))
		return true;
	begin = dp_now(dp);
	if (dp->feed != NULL)
		ctl_feed_poll(dp->feed);
	if (dp->prompt)
		open = ctl_prompt_poll(dp->ctl) == 0;
	spent = dp_now(dp) - begin;
	dp->next_doors = begin + spent + RTE_MIN(RTE_MAX(SHARE * spent, PAUSE_NS), PAUSE_MAX_NS);
	return open;
}

void
dp_doors_close(struct dp *dp)
{
	ctl_feed_destroy(dp->feed);
	dp->feed = NULL;
	if (dp->prompt)
		ctl_prompt_close(dp->ctl);
	dp->prompt = false;
}
