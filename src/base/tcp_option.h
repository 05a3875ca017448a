/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking the options of a TCP header (RFC 9293, 3.1). For all who look into them: windows, moved sequence numbers, SYN
 * cookies. Any lcore; keeps nothing.
 */
#ifndef BASE_TCP_OPTION_H
#define BASE_TCP_OPTION_H

#include <stddef.h>
#include <stdint.h>

#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_MSS 2
#define TCP_OPTION_SCALE 3
#define TCP_OPTION_SACK_PERMITTED 4
#define TCP_OPTION_SACK 5
#define TCP_OPTION_TIMESTAMPS 8

#define TCP_SCALE_MAX 14 /* RFC 7323, 2.3: larger ones are used as 14 */

/*
 * Where the next option that has a length begins, from *at on, which moves behind it: kind at [0], length (2 at least) at
 * [1], all of it within len. len: there is none, or a broken one.
 */
static inline size_t
tcp_option_next(const uint8_t *options, size_t len, size_t *at)
{
	while (*at < len && options[*at] != TCP_OPTION_END) {
		const size_t here = *at;

		if (options[here] == TCP_OPTION_NOP) {
			(*at)++;
			continue;
		}
		if (len - here < 2 || options[here + 1] < 2 || options[here + 1] > len - here)
			break;
		*at += options[here + 1];
		return here;
	}
	return len;
}

#endif /* BASE_TCP_OPTION_H */
