/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time below the dataplane: `now` is an argument in nanoseconds (live: TSC; replay: the capture's own clock).
 * Connections are stamped in coarse ticks of 2^26 ns (67 ms): 32 bits of them last nine years.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#define TIME_NS_PER_S UINT64_C(1000000000)
#define TIME_TICK_SHIFT 26

/* Nanoseconds to ticks, rounded down. */
static inline uint32_t
time_tick(uint64_t ns)
{
	return (uint32_t)(ns >> TIME_TICK_SHIFT);
}

/* Seconds to ticks, rounded up, so that nothing expires early. */
static inline uint32_t
time_ticks_of_s(uint32_t s)
{
	return (uint32_t)(((s * TIME_NS_PER_S) >> TIME_TICK_SHIFT) + 1);
}

#endif /* BASE_TIME_H */
