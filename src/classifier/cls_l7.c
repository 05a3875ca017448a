/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which layer 7 parser looks at a payload. Called by workers for the first data packets of a
 * connection whose class is open; allocates nothing, keeps nothing.
 */
#include <netinet/in.h>

#include "cls_priv.h"

enum cls_l7_result
cls_l7_parse(uint8_t proto, const uint8_t *payload, uint32_t len, struct cls_l7 *out)
{
	out->type = CLS_L7_NONE;
	out->len = 0;
	out->value[0] = 0;
	switch (proto) {
	case IPPROTO_TCP:
		return cls_tls_parse(payload, len, out);
	case IPPROTO_UDP:
		return cls_quic_parse(payload, len, out);
	default:
		return CLS_L7_ABSENT;
	}
}
