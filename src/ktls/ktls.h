/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLS record encryption for connections whose host has given the session's keys to shunt. Not built yet: this header
 * fixes where it stands.
 *
 * A session belongs to one direction of a connection and is found by its flow id. The unit of work is the packet, not the
 * record: a segment is encrypted as it passes, in any order, after the flow's rewrite and before output. The
 * fast path asks a session only for flows that have one, by a flag of the flow; what cannot be done at once
 * (a tag that is not known yet, a missing record header) goes to the control lcore. Any doubt ends the session and
 * drops the packet: plaintext never leaves.
 */
#ifndef KTLS_KTLS_H
#define KTLS_KTLS_H

#include <stdint.h>

#include "base/flow.h"

enum ktls_version { KTLS_1_2 = 0x0303, KTLS_1_3 = 0x0304 };

/* IANA cipher suite families that the record engine is meant for. */
enum ktls_cipher { KTLS_AES_128_GCM, KTLS_AES_256_GCM, KTLS_CHACHA20_POLY1305 };

/* What a session is bound to. */
struct ktls_binding {
	uint32_t flow_id;
	uint16_t version; /* enum ktls_version */
	uint16_t cipher;  /* enum ktls_cipher */
	uint64_t start;	  /* first encrypted byte, unwrapped: 32-bit sequence numbers turn over */
	uint64_t record;  /* its record number */
};

#endif /* KTLS_KTLS_H */
